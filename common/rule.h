/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule, and the one grammar in which it is written everywhere: on the command line of ctl-fw, in
 * the saved file, in lists and in logs.
 *
 *   rule     = option...               each at most once, in any order
 *   option   = ["-!"] match | "-c" CHAIN | "-v" VERDICT | "--monitor" | "--expires" TIME
 *            | "--note" TEXT
 *   match    = "-s" CIDR | "-d" CIDR | "-p" PROTO | "--sport" PORTS | "--dport" PORTS
 *            | "--sng-hash" HEX | "--agg-hash" HEX | "--anon-exec" | "-n" "net:[" INODE "]"
 *            | "--set" NAME | "--script" HEX | "--origin" ORIGIN | "--uid" IDS | "--gid" IDS
 *            | "--comm" TEXT | "--cgroup" PATH | "--container" ID
 *
 *   VERDICT  = "ACCEPT" | "DROP" | "REJECT" | "KILL" | "MARK=" HEX32 ["/" HEX32]
 *
 * "-!" negates the match that follows it. The canonical form (rule_format) gives the options in a
 * fixed order: parsing it and formatting again yields the same bytes. --src-ip, --dst-ip, --proto,
 * --chain, --vrdct and --not may stand for -s, -d, -p, -c, -v and -!.
 *
 * What a client may also write and resolves before it sends a rule (-n PATH, --object PATH,
 * --script PATH, --expires +DURATION) is not part of this grammar: see ctl/.
 */
#ifndef COMMON_RULE_H
#define COMMON_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"
#include "cidr.h"
#include "hex.h"
#include "instant.h"
#include "origin.h"
#include "rule_error.h"
#include "set_words.h"

#define RULE_NOTE_MAX	   128 /* bytes of --note, without the NUL; UTF-8, no control characters */
#define RULE_COMM_MAX	   15  /* bytes of --comm, without the NUL (TASK_COMM_LEN) */
#define RULE_CGROUP_MAX	   191 /* bytes of --cgroup, without the NUL */
#define RULE_CONTAINER_MIN 12
#define RULE_CONTAINER_MAX 64
#define RULE_TEXT_MAX	   1792 /* a canonical text and its NUL always fit */

/* The criteria; each is a bit in rule.have and rule.neg, and a row of the table in rule_option.c.
 */
enum match {
	MATCH_SRC,
	MATCH_DST,
	MATCH_PROTO,
	MATCH_SPORT,
	MATCH_DPORT,
	MATCH_NETNS,
	MATCH_SNG_HASH,
	MATCH_AGG_HASH,
	MATCH_ANON_EXEC, /* has no value */
	MATCH_SET,
	MATCH_SCRIPT,
	MATCH_ORIGIN,
	MATCH_UID,
	MATCH_GID,
	MATCH_COMM,
	MATCH_CGROUP,
	MATCH_CONTAINER,
	MATCH_COUNT,
};

#define MATCH_BIT(m) (1u << (m))

/* A packet's mark becomes (mark & ~mask) | value. */
struct mark {
	uint32_t value, mask;
};

struct port_range {
	uint16_t first, last; /* host order, first <= last */
};

struct id_range {
	uint32_t first, last; /* first <= last */
};

struct set;

struct rule {
	enum chain chain;
	enum verdict verdict;
	struct mark mark; /* VERDICT_MARK's */
	uint32_t have;	  /* MATCH_BITs that the rule states; none: it matches every packet */
	uint32_t neg;	  /* subset of have: those stated with -! */
	struct cidr src, dst;
	uint8_t proto; /* IANA protocol number */
	struct port_range sport, dport;
	uint64_t netns; /* inode number of the namespace, as readlink(/proc/PID/ns/net) shows it */
	struct sha256 sng, agg;
	char set[SET_NAME_MAX + 1];
	const struct set *members; /* what `set` names: in a rule set of the daemon, else NULL */
	struct sha256 script;
	enum origin origin;
	struct id_range uid, gid;
	char comm[RULE_COMM_MAX + 1];
	char cgroup[RULE_CGROUP_MAX + 1];
	char container[RULE_CONTAINER_MAX + 1]; /* its id, or how that begins */
	bool monitor;				/* it only logs: the rules after it decide */
	uint64_t expires_s; /* seconds since 1970 at which it is no longer there; 0: never */
	uint64_t patch; /* id of the virtual patch that it is part of; 0: of none. Not in a text */
	char note[RULE_NOTE_MAX + 1];
};

/*
 * Reads a whole rule from words. -c and -v are required.
 * Returns 0, or -EINVAL with *err filled (it names the offending word and what was expected);
 * *out is untouched on failure.
 */
int rule_parse(int argc, char *const argv[], struct rule *out, struct rule_error *err);

/* The same from one line (common/rule_line.h). Also -ENOMEM, with *err filled too. */
int rule_parse_text(const char *text, struct rule *out, struct rule_error *err);

/*
 * How many words the option at argv[0] takes, itself included, if it belongs to the grammar above
 * ("-!" counts alone: 1); 0 if it does not. For command lines that mix rule options with others.
 */
int rule_option_width(const char *word);

/* The canonical text. Returns its length. */
size_t rule_format(const struct rule *r, char out[RULE_TEXT_MAX]);

/*
 * Reads the value of one match that has one, as `option` has it, into its field of *r. 0, or
 * -EINVAL with *err filled: it names option and value. have is not looked at.
 */
int rule_parse_value(enum match m, const char *option, const char *value, struct rule *r,
		     struct rule_error *err);

/* Whether the word is -! or --not. */
bool rule_word_is_not(const char *word);

/* The criteria that look at a holder: at its objects, or its script; the others look at the packet.
 */
#define RULE_OBJECT_MATCHES                                                                   \
	(MATCH_BIT(MATCH_SNG_HASH) | MATCH_BIT(MATCH_AGG_HASH) | MATCH_BIT(MATCH_ANON_EXEC) | \
	 MATCH_BIT(MATCH_SET) | MATCH_BIT(MATCH_SCRIPT))

/* Those that ask what a process says of itself; of user and group the packet may say it. */
#define RULE_ID_MATCHES	    (MATCH_BIT(MATCH_UID) | MATCH_BIT(MATCH_GID))
#define RULE_GROUP_MATCHES  (MATCH_BIT(MATCH_CGROUP) | MATCH_BIT(MATCH_CONTAINER))
#define RULE_FACT_MATCHES   (RULE_ID_MATCHES | MATCH_BIT(MATCH_COMM) | RULE_GROUP_MATCHES)
#define RULE_HOLDER_MATCHES (RULE_OBJECT_MATCHES | RULE_FACT_MATCHES)

static inline bool rule_needs_objects(const struct rule *r)
{
	return r->have & RULE_OBJECT_MATCHES;
}

#endif
