/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/explain_signatures.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fw/patch_sig.h"
#include "sigs.h"
#include "unit.h"

static const enum verdict pass[CHAIN_COUNT];

#define DIGEST "0101010101010101010101010101010101010101010101010101010101010101"

static long long number(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static const char rules[] =
	"depth 77\n"
	"alert tcp any any -> any any (content:\"any\"; sid:1;)\n"
	"drop tcp any any -> any 80 (content:\"web\"; sid:2;)\n"
	"drop http any any -> 192.0.2.0/24 any (http.uri; content:\"net\"; sid:3;)\n"
	"reject udp any any -> any 53 (content:\"dns\"; sid:4;)\n"
	"drop tcp any any <> any 25 (content:\"mail\"; sid:5;)\n"
	"alert tcp 198.51.100.1 any -> any any (content:\"from\"; sid:6;)\n"
	"drop tcp any any -> any 80 (content:\"app\"; app_hash:" DIGEST "; sid:7;)\n"
	"drop tcp any any -> any 80 (content:\"app\"; app_hash:!" DIGEST "; sid:8;)\n";

static void counts_those_that_may_look(void)
{
	static const struct {
		struct packet packet;
		const char *sids;
		long long n, stopping;
	} rows[] = {
		/* What is not said excludes nothing. */
		{{.family = 4}, "[1,2,3,4,5,6,8]", 7, 5},
		{{.family = 4, .has_proto = true, .proto = IPPROTO_UDP}, "[4]", 1, 1},
		{{.family = 4, .has_proto = true, .proto = IPPROTO_ICMP}, "[]", 0, 0},
		{{.family = 4,
		  .has_proto = true,
		  .proto = IPPROTO_TCP,
		  .has_ports = true,
		  .dport = 80,
		  .daddr = {192, 0, 2, 9}},
		 "[1,2,3,5,6,8]",
		 6,
		 4},
		{{.family = 4,
		  .has_proto = true,
		  .proto = IPPROTO_TCP,
		  .has_ports = true,
		  .sport = 25,
		  .dport = 4000,
		  .saddr = {203, 0, 113, 1},
		  .daddr = {203, 0, 113, 9}},
		 "[1,5]",
		 2,
		 1},
	};
	struct objset_item item = {.path = "/x"};
	struct objset *has = objset_new(&item, 1, true);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = has}}};
	struct ruleset *rs = ruleset_new(pass, pass, pass);
	struct sig_set *s = sigs(rules);

	for (size_t i = 0; s && i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *j = explain_signatures(s, &rows[i].packet, &who, rs);
		char *sids = json_dumps(json_object_get(j, "sids"), JSON_COMPACT);

		expect_text("sids", sids, rows[i].sids);
		expect_int("signatures", number(j, "signatures"), rows[i].n);
		expect_int("stopping", number(j, "stopping"), rows[i].stopping);
		expect_int("patches", number(j, "patches"), 0);
		expect_int("depth", number(j, "depth"), 77);
		free(sids);
		json_decref(j);
	}
	sig_set_unref(s);
	ruleset_unref(rs);
	objset_unref(has);
}

/* A patch may be made of several. */
static void patches_count_once(void)
{
	static const char text[] = "drop tcp any any -> any any (content:\"%c\"; sid:%u;)\n";
	struct holders who = {.origin = ORIGIN_UNKNOWN};
	struct ruleset *rs = ruleset_new(pass, pass, pass);
	const struct packet p = {.family = 4};
	char all[512] = "";
	struct sig_set *s;
	json_t *j, *ids;

	for (unsigned int i = 0; i < 3; i++)
		sprintf(all + strlen(all), text, 'a' + i,
			PATCH_SID + PATCH_SIGS_MAX * (i < 2 ? 4 : 9) + i);
	sprintf(all + strlen(all), text, 'z', 1);
	s = sigs(all);
	j = s ? explain_signatures(s, &p, &who, rs) : NULL;
	ids = json_object_get(j, "patch_ids");
	expect_int("signatures", number(j, "signatures"), 1);
	expect_int("patches", number(j, "patches"), 2);
	expect_int("stopping", number(j, "stopping"), 3);
	CU_ASSERT(json_integer_value(json_array_get(ids, 0)) == 4 &&
		  json_integer_value(json_array_get(ids, 1)) == 9);
	json_decref(j);
	sig_set_unref(s);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"which signatures may look at a packet", counts_those_that_may_look},
	{"patches are counted once", patches_count_once},
};
UNIT_SUITE("fw/explain_signatures", tests)
