/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of saved rules, rules to save there, and what comes back of them. */
#ifndef TESTS_STORED_H
#define TESTS_STORED_H

#include "fw/store.h"

#define HEX_REST "01010101010101010101010101010101010101010101010101010101010101"
#define HEX	 "01" HEX_REST

/* A folder of the test's own, with DIR in it not yet made. */
struct state_dir {
	char top[64];
	char dir[80], file[96], temporary[96];
};

void state_dir_make(struct state_dir *p);
void state_dir_remove(struct state_dir *p); /* fails the test if anything else is in it */

/* Of the file that was saved or loaded last. */
extern struct store_tail state_tail;

int state_save(const struct state_dir *p, const struct ruleset *rs);

/* What was loaded, as text; a failed assertion if it does not fit. */
struct taken {
	char text[1024];
	size_t length;
	size_t n;
	size_t most;	   /* rules that are taken; 0: any number */
	uint64_t until_ns; /* of the last item of the last set */
};

struct store_taker state_taker(struct taken *into);
int state_load(const struct state_dir *p, struct taken *into, char err[STORE_ERROR_LEN]);

struct ruleset *rules_none(void); /* all policies ACCEPT */

/* With one rule, or with a set `web`, more. Take rs over. */
struct ruleset *rules_with(struct ruleset *rs, const char *text);
struct ruleset *rules_with_set(struct ruleset *rs, const struct set_item *items, size_t n);

struct ruleset *rules_sample(void);
extern const char rules_sample_text[]; /* as it is saved */

void write_file(const char *path, const char *text, size_t len);
void expect_file(const char *path, const char *text);

#endif
