/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of ctl-fw set: what set.c's table runs. Each returns an enum status. */
#ifndef CTL_SET_H
#define CTL_SET_H

#include <jansson.h>
#include <stdint.h>

#include "cmdline.h"
#include "common/set_words.h"
#include "common/wire.h"

/* The words after the verb, and the options that go with it; checked but for what they name. */
struct set_words {
	const struct cmdline *line;
	const char *name; /* NULL: all sets */
	char *const *paths;
	int n_paths;
	uint64_t grace_s;
	char root[SET_PATH_MAX + 1]; /* a real path; "": / */
};

int set_add_run(const struct set_words *w);
int set_refresh_run(const struct set_words *w);
int set_expect_run(const struct set_words *w);

/* The sets that the daemon has, or the one of that name; to be released. STATUS_DONE, or what went
 * wrong has been told. */
int set_fetch(const struct set_words *w, json_t **reply);

/* Shows what became of a set to people. */
void set_show_changes(const json_t *reply);

/*
 * Asks for a change of one set, and keeps the reply in `results`; {"set", "error"} for a refusal,
 * which is told on stderr as well.
 */
int set_change(const struct set_words *w, enum wire_command command, const char *name,
	       json_t *request, json_t *results);

/* The same for a change that could not even be asked for. Returns STATUS_REFUSED. */
int set_failed(const char *name, const char *error, json_t *results);

/* Shows all results (taken over), as --json wants it. */
void set_show_results(const struct set_words *w, json_t *results);

#endif
