// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "common/decimal.h"
#include "print.h"
#include "text_in.h"

#define BUILTIN "builtin:"

static void show_loaded(const json_t *reply)
{
	struct print_room loaded, all, ms, skipped, first;

	printf("%s signatures loaded in %s ms, %s in force\n",
	       print_field(reply, "loaded", &loaded), print_field(reply, "compiled_ms", &ms),
	       print_field(reply, "signatures", &all));
	if (json_integer_value(json_object_get(reply, "skipped")) > 0)
		printf("%s skipped, the first for this: %s\n",
		       print_field(reply, "skipped", &skipped),
		       print_field(reply, "first_skipped", &first));
}

static int load(const struct cmdline *line)
{
	const char *path = line->paths[1];
	_cleanup_free_ char *text = NULL;
	json_t *request;
	size_t length;

	request = json_pack("{s:b}", "skip_unsupported", line->skip_unsupported);
	if (strncmp(path, BUILTIN, strlen(BUILTIN)) != 0) {
		if (text_in_read(path, WIRE_RESTORE_MAX, &text, &length)) {
			json_decref(request);
			return STATUS_USAGE;
		}
		json_object_set_new(request, "text", json_stringn(text, length));
	}
	json_object_set_new(request, "name", json_string(path));
	if (line->limit)
		json_object_set_new(request, "limit", json_string(line->limit));
	return ask_daemon(line, WIRE_SIG_LOAD, request, show_loaded);
}

static void show_list(const json_t *reply)
{
	static const char *const keys[] = {"sid", "action", "hits", "cve", "msg"};

	print_rows(json_object_get(reply, "signatures"), "rlrll", keys);
}

static void show_removed(const json_t *reply)
{
	struct print_room n;

	printf("%s signatures removed\n", print_field(reply, "removed", &n));
}

static int remove_some(const struct cmdline *line)
{
	const char *word = line->paths[1];
	uint64_t sid;

	if (strcmp(word, "all") == 0)
		return ask_daemon(line, WIRE_SIG_REMOVE, json_pack("{s:b}", "all", 1),
				  show_removed);
	if (decimal_parse(word, strlen(word), UINT32_MAX, &sid) || !sid) {
		print_error("sig rm %.40s: expected a sid, or all", cmdline_show(word));
		return STATUS_USAGE;
	}
	return ask_daemon(line, WIRE_SIG_REMOVE, json_pack("{s:I}", "sid", (json_int_t)sid),
			  show_removed);
}

/* What looks at packets is the daemon's own code: the program beside this one runs it, as whoever
 * asks, and needs no daemon. */
static int test(const struct cmdline *line)
{
	char *argv[] = {(char *)"app-fw",
			(char *)"--sig-test",
			line->paths[1],
			(char *)"--pcap",
			(char *)line->pcap,
			NULL,
			NULL,
			NULL};
	char path[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;
	int i = 5;

	if (line->skip_unsupported)
		argv[i++] = (char *)"--skip-unsupported";
	if (line->json)
		argv[i] = (char *)"--json";
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash, "/app-fw");
		execv(path, argv);
	}
	print_error("sig test: %s cannot be run: %s", path, strerror(errno));
	return STATUS_REFUSED;
}

static const struct {
	const char *word;
	int words; /* with the verb */
	const char *expected;
	int (*run)(const struct cmdline *line);
	bool pcap, skip, limit; /* which options it takes */
} verbs[] = {
	{"load", 2, "a file of signatures, or " BUILTIN "NAME", load, false, true, true},
	{"list", 1, "nothing after it", NULL, false, false, false},
	{"rm", 2, "a sid, or all", remove_some, false, false, false},
	{"test", 2, "a file of signatures, and --pcap FILE", test, true, true, false},
};

static int check(const struct cmdline *line, size_t v)
{
	const char *word = verbs[v].word;

	if ((line->pcap && !verbs[v].pcap) || (line->skip_unsupported && !verbs[v].skip) ||
	    (line->limit && !verbs[v].limit)) {
		print_error("%s: does not go with sig %s: expected with sig %s",
			    line->pcap && !verbs[v].pcap     ? "--pcap"
			    : line->limit && !verbs[v].limit ? "--limit"
							     : "--skip-unsupported",
			    word, line->pcap && !verbs[v].pcap ? "test" : "load");
		return STATUS_USAGE;
	}
	if (line->n_paths != verbs[v].words || (verbs[v].pcap && !line->pcap)) {
		print_error("sig %s%s%.80s: expected %s", word,
			    line->n_paths > verbs[v].words ? " " : "",
			    line->n_paths > verbs[v].words
				    ? cmdline_show(line->paths[verbs[v].words])
				    : "",
			    verbs[v].expected);
		return STATUS_USAGE;
	}
	return STATUS_DONE;
}

int sig_main(const struct cmdline *line)
{
	const char *word = line->paths[0];

	for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++) {
		if (strcmp(word, verbs[v].word) != 0)
			continue;
		if (check(line, v))
			return STATUS_USAGE;
		return verbs[v].run ? verbs[v].run(line)
				    : ask_daemon(line, WIRE_SIG_LIST, json_object(), show_list);
	}
	print_error("sig %.80s: expected load, list, rm or test", cmdline_show(word));
	return STATUS_USAGE;
}
