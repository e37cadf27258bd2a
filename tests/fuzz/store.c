/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is refused in one line, or is a configuration whose text is that configuration again. */
#include "fw/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fuzz.h"

/* One change of the set at a time, as the daemon makes them. */
static int replace(struct ruleset **rs, int r, struct ruleset *next)
{
	if (r)
		return r;
	ruleset_unref(*rs);
	*rs = next;
	return 0;
}

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_set_policy(*rs, chain, policy, policy, &next);

	return replace(rs, r, next);
}

static int take_set(void *cookie, struct set *set)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_set(*rs, set->name) ? -EEXIST : ruleset_put_set(*rs, set, &next);

	return replace(rs, r, next);
}

static int take_rule(void *cookie, const struct rule *rule)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_append(*rs, rule, 1, &next);

	return replace(rs, r, next);
}

/* What the text says, or NULL with err filled. */
static struct ruleset *parse(const char *text, size_t size, char err[STORE_ERROR_LEN])
{
	static const enum verdict accept[CHAIN_COUNT];
	struct ruleset *rs = ruleset_new(accept, accept, accept);
	const struct store_taker to = {take_policy, take_set, take_rule, &rs};

	fuzz_expect(rs, "memory");
	if (store_parse(text, size, &to, err) == 0)
		return rs;
	ruleset_unref(rs);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	char err[STORE_ERROR_LEN] = "";
	struct ruleset *rs = parse((const char *)data, size, err);

	if (!rs) {
		fuzz_expect_line(err);
		return 0;
	}
	text = store_format(rs);
	ruleset_unref(rs);
	fuzz_expect(text, "a text");
	rs = parse(text, strlen(text), err);
	fuzz_expect(rs, "'%s' to be taken: %s", text, err);
	again = store_format(rs);
	ruleset_unref(rs);
	fuzz_expect(again && strcmp(text, again) == 0, "'%s', not '%s'", text, again);
	return 0;
}
