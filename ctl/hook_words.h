/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of iptables(8) by which packets come to app-fw, as words; and what a list of rules says
 * of them. Pure. */
#ifndef CTL_HOOK_WORDS_H
#define CTL_HOOK_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a rule of ours is known by: this comment, or that it asks a program which is pinned there.
 * Who is let pass has no comment to pay for: each packet would have it looked at. */
#define HOOK_TAG  "app-fw-hook"
#define HOOK_PINS "/sys/fs/bpf/app-fw/"

#define HOOK_ONLY_MAX  48
#define HOOK_WORDS_MAX (HOOK_ONLY_MAX + 24)
#define HOOK_TEXT_MAX  512
#define HOOK_ERROR_LEN 256

/* A command line; the last word is followed by NULL. Words point to what they were made of. */
struct hook_words {
	const char *word[HOOK_WORDS_MAX + 1];
	size_t n;
	char queue[16], at[16]; /* words that are made here */
};

/* The words of --only. */
struct hook_only {
	char text[HOOK_TEXT_MAX]; /* cut into words */
	const char *word[HOOK_ONLY_MAX];
	size_t n;
};

/*
 * Words are separated by blanks; "double quotes" keep blanks together. NULL: none. 0; or -EINVAL
 * with one line in err that names the word: one that says what becomes of the packet, or where the
 * rule goes, is not for the caller to choose.
 */
int hook_only_parse(const char *text, struct hook_only *out, char err[HOOK_ERROR_LEN]);

enum hook_rule {
	HOOK_RULE_QUEUE,  /* the rest goes to the daemon */
	HOOK_RULE_DROP,	  /* what the kernel knows to be denied is dropped */
	HOOK_RULE_ACCEPT, /* what it knows to be allowed passes */
	HOOK_RULE_COUNT,
};

struct hook_place {
	const char *program; /* iptables or ip6tables */
	const char *chain;
	const struct hook_only *only;
	unsigned int at; /* the number that a new rule gets; 0: at the head of the chain */
};

/* Inserts a rule. pinned: of the program that is asked. */
void hook_words_match(const struct hook_place *p, enum hook_rule rule, const char *pinned,
		      struct hook_words *out);
/* first..last: queues; open: packets pass while nobody listens. */
void hook_words_queue(const struct hook_place *p, uint16_t first, uint16_t last, bool open,
		      struct hook_words *out);
void hook_words_list(const struct hook_place *p, struct hook_words *out);
/* number: 1 for the first rule of the chain. */
void hook_words_delete(const struct hook_place *p, unsigned int number, struct hook_words *out);

/* Of what `iptables -S CHAIN` prints. */

/* The number of the first and of the last rule of ours; 0: there is none. */
unsigned int hook_list_first(const char *list, const char *chain);
unsigned int hook_list_last(const char *list, const char *chain);
unsigned int hook_list_count(const char *list, const char *chain);

/* What `hook install` was told of the chain, as the last rule of ours that queues has it. */
struct hook_told {
	char only[HOOK_TEXT_MAX]; /* the words of --only; "": none */
	bool open;		  /* --fail open */
};

/* 0; -ENOENT: no rule of ours is there; -EINVAL: its words cannot be given again as they are. */
int hook_list_told(const char *list, const char *chain, struct hook_told *out);

enum hook_fail {
	HOOK_FAIL_NONE, /* no rule leads to the queue */
	HOOK_FAIL_OPEN,
	HOOK_FAIL_CLOSED,
	HOOK_FAIL_MIXED, /* one of each */
};

/* What becomes of packets for this queue, of whomever's rules, while nobody listens. */
enum hook_fail hook_list_fail(const char *list, uint16_t queue);
enum hook_fail hook_fail_add(enum hook_fail a, enum hook_fail b);
const char *hook_fail_name(enum hook_fail f);

#endif
