/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "common/decimal.h"
#include "print.h"
#include "text_out.h"

#define WIDE_MAX 65536

static void show(const json_t *reply)
{
	bool learning = json_is_true(json_object_get(reply, "learning"));
	struct print_room packets, kinds, mode;

	printf("%s: %s packets of %s kinds so far\n", learning ? "learning" : "stopped",
	       print_field(reply, "packets", &packets), print_field(reply, "kinds", &kinds));
	if (learning && strcmp(print_field(reply, "mode", &mode), "monitor") != 0)
		printf("the mode is enforce: what is dropped is not learned (ctl-fw mode "
		       "monitor)\n");
}

/* As a number of the request, where it is given. */
static int add_number(json_t *request, const char *option, const char *text, uint64_t most)
{
	uint64_t n;

	if (!text)
		return STATUS_DONE;
	if (decimal_parse(text, strlen(text), most, &n)) {
		print_error("--%s %.40s: expected a number 0..%ju", option, cmdline_show(text),
			    (uintmax_t)most);
		return STATUS_USAGE;
	}
	json_object_set_new(request, option, json_integer((json_int_t)n));
	return STATUS_DONE;
}

static int suggest(const struct cmdline *line)
{
	json_t *request = json_object();

	if (line->n_paths > 2) {
		print_error("learn suggest %.80s: expected one file", line->paths[2]);
	} else if (line->resume) {
		print_error("--resume: does not go with learn suggest: expected with learn start");
	} else if (!add_number(request, "prefix4", line->prefix4, 32) &&
		   !add_number(request, "prefix6", line->prefix6, 128) &&
		   !add_number(request, "wide", line->wide, WIDE_MAX)) {
		return text_out(line, WIRE_SUGGEST, request,
				line->n_paths > 1 ? line->paths[1] : NULL);
	}
	json_decref(request);
	return STATUS_USAGE;
}

static int change(const struct cmdline *line, bool start)
{
	const char *word = line->paths[0];

	if (line->n_paths > 1) {
		print_error("learn %s %.80s: expected nothing after it", word, line->paths[1]);
		return STATUS_USAGE;
	}
	if (line->prefix4 || line->prefix6 || line->wide || (line->resume && !start)) {
		print_error("%s: does not go with learn %s: expected with learn %s",
			    line->prefix4   ? "--prefix4"
			    : line->prefix6 ? "--prefix6"
			    : line->wide    ? "--wide"
					    : "--resume",
			    word,
			    line->prefix4 || line->prefix6 || line->wide ? "suggest" : "start");
		return STATUS_USAGE;
	}
	return ask_daemon(line, WIRE_LEARN,
			  json_pack("{s:b, s:b}", "learn", start, "resume", line->resume), show);
}

int learn_main(const struct cmdline *line)
{
	const char *word = line->paths[0];

	if (strcmp(word, "suggest") == 0)
		return suggest(line);
	if (strcmp(word, "start") == 0 || strcmp(word, "stop") == 0)
		return change(line, strcmp(word, "start") == 0);
	print_error("learn %.80s: expected start, stop or suggest", cmdline_show(word));
	return STATUS_USAGE;
}
