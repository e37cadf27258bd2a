/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "iptables.h"
#include "print.h"

__attribute__((format(printf, 2, 3))) static void show_line(const char *label, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	print_pair(label, STYLE_PLAIN, text ? text : "?");
}

static void show_state(const json_t *reply)
{
	const json_t *degraded = json_object_get(reply, "degraded");
	struct print_room room;
	const json_t *text;
	const char *state;
	size_t i;

	state = print_field(reply, "state", &room);
	print_pair("state", strcmp(state, "ok") == 0 ? STYLE_GOOD : STYLE_BAD, state);
	json_array_foreach(degraded, i, text)
		if (json_is_string(text))
			print_pair("", STYLE_BAD, json_string_value(text));
}

static void show_rules(const json_t *rules)
{
	struct print_room in, out, forward;

	show_line("rules", "INPUT %s, OUTPUT %s, FORWARD %s", print_field(rules, "INPUT", &in),
		  print_field(rules, "OUTPUT", &out), print_field(rules, "FORWARD", &forward));
}

/* What is rolled back if nobody confirms it. */
static void show_confirm(const json_t *confirm)
{
	struct print_room change, before, left, until;

	if (!json_is_object(confirm))
		return;
	show_line("confirm", "the %s within %s s, until %s, else back to %s",
		  print_field(confirm, "change", &change), print_field(confirm, "left_s", &left),
		  print_field(confirm, "until", &until),
		  json_is_null(json_object_get(confirm, "before"))
			  ? "what was before"
			  : print_field(confirm, "before", &before));
}

/* What looks into what packets carry; nothing at all is said too. */
static void show_signatures(const json_t *signatures)
{
	const json_t *inspection = json_object_get(signatures, "inspection");
	const json_int_t loaded = json_integer_value(json_object_get(signatures, "loaded")),
			 patches = json_integer_value(json_object_get(signatures, "of_patches"));
	struct print_room a, b, c;

	if (!json_is_object(signatures))
		return;
	if (!loaded && !patches) {
		print_pair("signatures", STYLE_PLAIN, "none");
		return;
	}
	if (json_is_string(json_object_get(signatures, "file")))
		show_line("signatures", "%s, the last from %s, %s",
			  print_field(signatures, "loaded", &a),
			  print_field(signatures, "file", &b), print_field(signatures, "at", &c));
	else
		print_pair("signatures", STYLE_PLAIN, print_field(signatures, "loaded", &a));
	show_line("", "and %s of patches; %s connections inspected, %s bytes deep",
		  print_field(signatures, "of_patches", &a),
		  print_field(inspection, "connections", &b),
		  json_integer_value(json_object_get(inspection, "depth"))
			  ? print_field(inspection, "depth", &c)
			  : "all");
}

static void show_cache(const json_t *cache)
{
	struct print_room state, why;

	if (!json_is_object(cache))
		return;
	if (json_is_string(json_object_get(cache, "why")))
		show_line("cache", "%s: %s", print_field(cache, "state", &state),
			  print_field(cache, "why", &why));
	else
		print_pair("cache", STYLE_PLAIN, print_field(cache, "state", &state));
}

/* What the rules of iptables make of packets of a chain for the queue. */
static enum hook_fail fail_of(const char *const lists[2], uint16_t queue)
{
	enum hook_fail fail = HOOK_FAIL_NONE;

	for (int i = 0; i < 2; i++)
		if (lists[i])
			fail = hook_fail_add(fail, hook_list_fail(lists[i], queue));
	return fail;
}

static void add_fail_of_chain(json_t *queues, const char *chain)
{
	static const char *const programs[] = {"iptables", "ip6tables"};
	_cleanup_free_ char *list4 = NULL, *list6 = NULL;
	char **lists[] = {&list4, &list6};
	char err[IPTABLES_ERROR_LEN];
	json_t *queue;
	size_t i;

	for (i = 0; i < 2; i++) {
		const struct hook_place place = {.program = programs[i], .chain = chain};
		struct hook_words words;

		hook_words_list(&place, &words);
		iptables_run(&words, lists[i], err);
	}
	if (!list4 && !list6)
		return;
	json_array_foreach(queues, i, queue) {
		const char *of = json_string_value(json_object_get(queue, "chain"));
		uint16_t number = (uint16_t)json_integer_value(json_object_get(queue, "queue"));
		const char *const both[] = {list4, list6};

		if (of && strcmp(of, chain) == 0)
			json_object_set_new(queue, "fail",
					    json_string(hook_fail_name(fail_of(both, number))));
	}
}

/*
 * What becomes of packets while app-fw does not run is for the rules of iptables to say, and these
 * are read here: by whoever may, in the network namespace that they are of.
 */
static void add_fail(json_t *reply)
{
	json_t *queues = json_object_get(reply, "queues");
	struct stat ns;

	if (stat("/proc/self/ns/net", &ns) ||
	    (uint64_t)json_integer_value(json_object_get(reply, "netns")) != ns.st_ino)
		return;
	add_fail_of_chain(queues, "INPUT");
	add_fail_of_chain(queues, "OUTPUT");
	add_fail_of_chain(queues, "FORWARD");
}

static void show(const json_t *reply)
{
	static const char *const keys[] = {"chain", "queue", "policy", "unknown", "kernel", "fail"};
	const json_t *probes = json_object_get(reply, "probes");
	const json_t *clock = json_object_get(reply, "clock");
	struct print_room a, b, c, d;

	show_line("app-fw", "%s, pid %s, up %s s", print_field(reply, "version", &a),
		  print_field(reply, "pid", &b), print_field(reply, "uptime_s", &c));
	show_state(reply);
	print_pair("mode", STYLE_PLAIN, print_field(reply, "mode", &a));
	show_confirm(json_object_get(reply, "confirm"));
	if (json_is_true(json_object_get(reply, "learning")))
		print_pair("learning", STYLE_PLAIN, "what programs do: see ctl-fw learn suggest");
	show_line("probes", "%s, notes: %s, system calls: %s", print_field(probes, "object", &a),
		  print_field(probes, "notes", &b),
		  json_is_true(json_object_get(probes, "traces_calls")) ? "traced" : "not traced");
	show_line("clock", "%s Hz (%s)", print_field(clock, "hz", &a),
		  print_field(clock, "source", &b));
	show_cache(json_object_get(reply, "cache"));
	print_pair("epoch", STYLE_PLAIN, print_field(reply, "epoch", &a));
	show_rules(json_object_get(reply, "rules"));
	show_signatures(json_object_get(reply, "signatures"));
	show_line("known", "%s processes, %s sockets, %s objects; %s packets held",
		  print_field(reply, "processes", &a), print_field(reply, "sockets", &b),
		  print_field(reply, "objects", &c), print_field(reply, "held", &d));
	putchar('\n');
	print_rows(json_object_get(reply, "queues"), "lrllll", keys);
}

int status_main(const struct cmdline *line)
{
	struct client_reply reply;
	struct print_room room;
	int status = ask_for_reply(line, WIRE_STATUS, json_object(), &reply);

	if (status != STATUS_DONE)
		return status;
	if (reply.status != WIRE_OK) {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		status = STATUS_REFUSED;
	} else {
		add_fail(reply.json);
		if (line->json) {
			json_dumpf(reply.json, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			show(reply.json);
		}
	}
	client_reply_free(&reply);
	return status;
}
