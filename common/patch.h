/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual patch, and its text on the command line, in the saved file and in lists. A patch is a
 * rule that stands before all rules of its chain, or of all three, and drops:
 *
 *   patch    = [NAME] option...        NAME: a built-in one
 *   option   = what a rule has (common/rule.h), but -v; -c may be left out: all chains
 *            | "--cidr" CIDR | "--port" PORTS
 *            | "--sid" N | "--pattern" TEXT | "--pcre" RE
 *            | "--file" PATH | "--until-unmapped"
 *
 * --cidr and --port mean one end of a packet, its source or its destination: the one that lies in
 * the network and has the port. --file tells where the object of --sng-hash lies, and
 * --until-unmapped lifts the patch once that file is another and no process has the object mapped.
 * A patch that is no built-in one states what it matches, and --note.
 */
#ifndef COMMON_PATCH_H
#define COMMON_PATCH_H

#include "rule.h"
#include "set_words.h"

#define PATCH_ID_LAST	  100000000 /* no id is greater */
#define PATCH_PAYLOAD_MAX 255	    /* bytes of --pattern or --pcre, without the NUL */
/* A canonical text and its NUL always fit: a rule's, and each byte of the rest escaped. */
#define PATCH_TEXT_MAX (RULE_TEXT_MAX + 2 * (SET_PATH_MAX + PATCH_PAYLOAD_MAX) + 256)

/* What of a packet's payload it looks for. */
enum patch_payload {
	PATCH_PAYLOAD_NONE,
	PATCH_PAYLOAD_BUILTIN, /* what `payload` names */
	PATCH_PAYLOAD_SID,
	PATCH_PAYLOAD_PATTERN,
	PATCH_PAYLOAD_PCRE,
	PATCH_PAYLOAD_COUNT,
};

struct patch {
	uint64_t id; /* 1..PATCH_ID_LAST; 0: it has none yet. Not in its text */
	/* Its criteria, --monitor, --expires and --note; the verdict is DROP. */
	struct rule rule;
	bool all_chains; /* then rule.chain means nothing */
	bool has_cidr, has_port;
	struct cidr cidr;
	struct port_range port;
	enum patch_payload payload_kind;
	uint32_t sid; /* >= 1 */
	char payload[PATCH_PAYLOAD_MAX + 1];
	bool until_unmapped;
	char file[SET_PATH_MAX + 1]; /* "": none */
};

struct patch_builtin {
	const char *name, *note;
};

/* The built-in ones, n of them in *n. */
const struct patch_builtin *patch_builtins(size_t *n);

/* Returns 0, or -EINVAL with *err filled as rule_parse() does; *out is untouched on failure. */
int patch_parse(int argc, char *const argv[], struct patch *out, struct rule_error *err);

/* The same from one line. Also -ENOMEM. */
int patch_parse_text(const char *text, struct patch *out, struct rule_error *err);

/* How many words the option takes, itself included, if a patch has it and a rule has not; else 0.
 */
int patch_option_width(const char *word);

/* The canonical text. Returns its length. */
size_t patch_format(const struct patch *p, char out[PATCH_TEXT_MAX]);

/*
 * The rules that it stands for in a chain: one for each end of a packet that it may mean, of which
 * one that matches is enough. Returns how many, at most 2; 0: it does not stand in that chain, or
 * looks at payload, of which rules know nothing.
 */
size_t patch_rules(const struct patch *p, enum chain chain, struct rule out[2]);

#endif
