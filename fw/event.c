// SPDX-License-Identifier: GPL-2.0-or-later
#include "event.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/instant.h"
#include "common/rule_proto.h"
#include "path_text.h"

#define LENGTH(array)	 (sizeof(array) / sizeof((array)[0]))
#define TIME_TEXT_LEN	 (INSTANT_TEXT_LEN + 10) /* ".123456789" more */
#define ADDRESS_TEXT_LEN INET6_ADDRSTRLEN

static const char *const reasons[] = {
	[REASON_BY_RULE] = "rule",	 [REASON_BY_POLICY] = "policy",
	[REASON_BY_UNKNOWN] = "unknown", [REASON_BY_KERNEL] = "kernel",
	[REASON_BY_SOCKET] = "socket",	 [REASON_BY_SIGNATURE] = "signature",
	[REASON_BY_STREAM] = "stream",	 [REASON_BY_PATCH] = "patch",
};
static_assert(LENGTH(reasons) == EVENT_REASON_COUNT, "every reason has a name");

const char *event_reason_name(enum event_reason r)
{
	return (size_t)r < EVENT_REASON_COUNT ? reasons[r] : "?";
}

/* RFC 3339 with nine digits of the second. */
static void format_time(uint64_t ns, char out[TIME_TEXT_LEN])
{
	char seconds[INSTANT_TEXT_LEN];

	instant_format(ns / SECOND, seconds);
	snprintf(out, TIME_TEXT_LEN, "%.*s.%09uZ", INSTANT_TEXT_LEN - 2, seconds,
		 (unsigned int)(ns % SECOND));
}

static json_t *number_or_null(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return path_text(*text ? text : NULL);
}

static json_t *address(const struct packet *p, const uint8_t *addr)
{
	char text[ADDRESS_TEXT_LEN];

	if (!p->family)
		return json_null();
	inet_ntop(p->family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	return json_string(text);
}

static json_t *protocol(const struct packet *p)
{
	const char *name = rule_proto_name(p->proto);
	char number[4];

	if (!p->family || !p->has_proto)
		return json_null();
	snprintf(number, sizeof(number), "%u", p->proto);
	return json_string(name ? name : number);
}

static json_t *flow_json(const struct packet *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "protocol", protocol(p), "source",
			 address(p, p->saddr), "source_port",
			 number_or_null(p->has_ports, p->sport), "destination",
			 address(p, p->daddr), "destination_port",
			 number_or_null(p->has_ports, p->dport), "length", (json_int_t)p->length);
}

static json_t *rule_json(const struct event *e)
{
	char text[RULE_TEXT_MAX];

	if (e->reason != REASON_BY_RULE)
		return json_null();
	rule_format(&e->rule, text);
	return json_pack("{s:I, s:s, s:o}", "index", (json_int_t)e->index, "text", text, "note",
			 text_or_null(e->rule.note));
}

static json_t *patch_json(const struct event *e)
{
	char text[RULE_TEXT_MAX];

	if (e->reason != REASON_BY_PATCH)
		return json_null();
	rule_format(&e->rule, text);
	return json_pack("{s:I, s:s, s:o}", "id", (json_int_t)e->rule.patch, "text", text, "note",
			 text_or_null(e->rule.note));
}

static json_t *digest_json(const struct event_object *o)
{
	char hex[SHA256_HEX_LEN + 1];

	if (!o || !o->has_digest)
		return json_null();
	hex_format_sha256(&o->digest, hex);
	return json_string(hex);
}

static const struct event_object *object_at(const struct event *e, int index)
{
	return index == EVENT_NO_OBJECT ? NULL : &e->objects[index];
}

static json_t *matched_json(const struct event_object *o)
{
	if (!o)
		return json_null();
	return json_pack("{s:o, s:o}", "path", text_or_null(o->path), "sha256", digest_json(o));
}

static json_t *holder_json(const struct event *e, const struct event_holder *h)
{
	const struct event_object *program = object_at(e, h->program);
	const struct facts *f = &h->facts;

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", (json_int_t)h->pid,
			 "ppid", number_or_null(h->ppid, h->ppid), "comm",
			 text_or_null(f->known ? f->comm : ""), "exe",
			 text_or_null(program ? program->path : ""), "sha256", digest_json(program),
			 "matched", matched_json(object_at(e, h->matched)), "uid",
			 number_or_null(f->known, f->uid), "container", text_or_null(h->container));
}

static json_t *holders_json(const struct event *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n; i++)
		json_array_append_new(list, holder_json(e, &e->holders[i]));
	return list;
}

json_t *event_left_out_json(uint64_t seq, uint64_t time_ns, uint64_t left_out)
{
	char time[TIME_TEXT_LEN];

	format_time(time_ns, time);
	return json_pack("{s:I, s:s, s:s, s:I}", "seq", (json_int_t)seq, "time", time, "event",
			 "left_out", "left_out", (json_int_t)left_out);
}

/* What the payload has to do with it; other events have no such members. */
static json_t *add_payload(const struct event *e, json_t *json)
{
	const struct event_signature *s = &e->signature;

	if (json && e->reason == REASON_BY_STREAM)
		json_object_set_new(json, "stream", json_string(e->cause));
	if (json && e->reason == REASON_BY_SIGNATURE)
		json_object_set_new(json, "signature",
				    json_pack("{s:I, s:I, s:s, s:s, s:o, s:o}", "sid",
					      (json_int_t)s->sid, "rev", (json_int_t)s->rev,
					      "action", s->action, "msg", s->msg, "cve",
					      text_or_null(s->cve), "reference",
					      text_or_null(s->reference)));
	return json;
}

json_t *event_json(const struct event *e)
{
	char time[TIME_TEXT_LEN];
	json_t *json;

	if (e->kind == EVENT_LEFT_OUT)
		return event_left_out_json(e->seq, e->time_ns, e->left_out);
	format_time(e->time_ns, time);
	json = json_pack(
		"{s:I, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o}",
		"seq", (json_int_t)e->seq, "time", time, "event", "verdict", "verdict",
		verdict_name(e->verdict), "enforced", e->enforced, "reason",
		event_reason_name(e->reason), "rule", rule_json(e), "patch", patch_json(e), "chain",
		chain_name(e->chain), "origin", origin_name(e->origin), "flow",
		flow_json(&e->packet), "socket", number_or_null(e->cookie, e->cookie), "socket_uid",
		number_or_null(e->has_uid, e->uid), "netns", number_or_null(e->netns, e->netns),
		"n_holders", (json_int_t)e->n_holders, "holders", holders_json(e));
	return add_payload(e, json);
}

static void who_line(const struct event *e, char out[48])
{
	const struct event_holder *h = e->holder < e->n ? &e->holders[e->holder] : NULL;
	const char *comm = h && h->facts.known ? h->facts.comm : "";

	snprintf(out, 48, "pid %u%s%s", h ? h->pid : 0, *comm ? " " : "", comm);
}

void event_line(const struct event *e, char out[EVENT_LINE_MAX])
{
	char packet[PACKET_TEXT_LEN], by[160], who[48];

	if (e->kind == EVENT_LEFT_OUT) {
		snprintf(out, EVENT_LINE_MAX, "app-fw: %ju events left out",
			 (uintmax_t)e->left_out);
		return;
	}
	if (e->reason == REASON_BY_RULE)
		snprintf(by, sizeof(by), "rule %zu", e->index);
	else if (e->reason == REASON_BY_PATCH)
		snprintf(by, sizeof(by), "patch %ju", (uintmax_t)e->rule.patch);
	else if (e->reason == REASON_BY_SIGNATURE)
		snprintf(by, sizeof(by), "signature %u \"%.100s\"%s%s", e->signature.sid,
			 e->signature.msg, *e->signature.cve ? " " : "", e->signature.cve);
	else if (e->reason == REASON_BY_STREAM)
		snprintf(by, sizeof(by), "stream (%s)", e->cause);
	else
		snprintf(by, sizeof(by), "%s", event_reason_name(e->reason));
	packet_format(&e->packet, packet);
	who_line(e, who);
	snprintf(out, EVENT_LINE_MAX, "%s%s %s %s: %s origin, %s, %s", e->enforced ? "" : "would ",
		 verdict_name(e->verdict), chain_name(e->chain), by, origin_name(e->origin), who,
		 packet);
}
