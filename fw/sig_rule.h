/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One payload signature, in a subset of the Suricata rule language (docs/signatures.md has the
 * subset in a table). Pure. Immutable once parsed, but for its count of hits; shared by reference.
 *
 *   drop tcp any any -> 192.0.2.0/24 [80,8080:8090] (msg:"what"; content:"x|0d 0a|"; sid:1;)
 *
 * A rule is taken as a whole or refused by its first word that is not understood: nothing in it is
 * silently ignored but fast_pattern, rawbytes, priority, gid and target, which change no match.
 */
#ifndef FW_SIG_RULE_H
#define FW_SIG_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hex.h"
#include "common/set_words.h"
#include "sig_header.h"

#define SIG_TEXT_MAX	16384 /* bytes of one rule */
#define SIG_MATCHES_MAX 32    /* content and pcre of one rule */
#define SIG_CONTENT_MAX 512   /* bytes that one content stands for */
#define SIG_PCRE_MAX	2048  /* bytes of one expression */
#define SIG_REPEAT_MAX	16384 /* distance and within, and offset and depth before them */
#define SIG_OFFSET_MAX	(1u << 30)
#define SIG_MSG_MAX	256 /* with its NUL; so for references */
#define SIG_APPS_MAX	8

enum sig_action { SIG_ALERT, SIG_DROP, SIG_REJECT, SIG_ACTIONS };

/* What a content or pcre is looked for in. */
enum sig_buffer {
	SIG_PAYLOAD, /* a way of a TCP stream, or what a datagram carries */
	SIG_METHOD,  /* the rest: of one HTTP/1.1 request each, as fw/http.h has them */
	SIG_URI,     /* percent-decoded, letters in lower case */
	SIG_RAW_URI, /* as it came */
	SIG_HEADER,  /* all header lines, with their line ends */
	SIG_BODY,
	SIG_BUFFERS,
};

struct sig_match {
	bool is_pcre, negated;
	enum sig_buffer buffer;
	char *text;		/* the bytes of a content, or the expression between its slashes */
	size_t n;		/* their number; a content may have NULs */
	bool nocase;		/* pcre: i */
	bool dotall, multiline; /* pcre: s, m */
	bool has_offset, has_depth, has_distance, has_within, starts, ends;
	bool relative; /* has_distance, has_within, or pcre's R */
	uint32_t offset, depth, distance, within;
};

/* "this content, if (unless) it is of a process that has this mapped" */
struct sig_app {
	bool negated, is_set;
	struct sha256 digest;
	char set[SET_NAME_MAX + 1];
};

enum sig_compare {
	SIG_ANY_SIZE,
	SIG_SIZE_IS,
	SIG_SIZE_NOT,
	SIG_SIZE_LESS,
	SIG_SIZE_MORE,
	SIG_SIZE_IN
};

struct sig_rule {
	unsigned int refs;
	uint64_t hits; /* atomic */
	enum sig_action action;
	struct sig_header header;
	bool to_server, to_client, established; /* flow; both ways false: any */
	enum sig_compare size;			/* dsize: bytes of the datagram or segment */
	uint32_t size_from, size_to;
	uint32_t sid, rev;
	char msg[SIG_MSG_MAX];
	char reference[SIG_MSG_MAX]; /* "cve,2021-44228 url,example.org"; "": none */
	char classtype[64];
	size_t n_apps, n_matches;
	struct sig_app apps[SIG_APPS_MAX];
	struct sig_match *matches; /* as they stand in the rule */
	char *text;		   /* the whole rule, as it can be parsed again */
};

struct sig_error {
	char text[256]; /* one line, without the place: "depht: no such keyword" */
};

/*
 * Reads one rule, which has no variables ("$NAME") any more. 0 and a rule with one reference;
 * -ENOTSUP for what the language has and this subset has not, -EINVAL for what it has not either,
 * with the word in err; -ENOMEM. *out untouched on failure.
 */
int sig_rule_parse(const char *text, struct sig_rule **out, struct sig_error *err);

struct sig_rule *sig_rule_ref(struct sig_rule *r);
void sig_rule_unref(struct sig_rule *r); /* NULL is fine; any thread */

/* Whether it looks into a buffer of HTTP requests. */
bool sig_rule_uses(const struct sig_rule *r, enum sig_buffer buffer);

bool sig_rule_size_fits(const struct sig_rule *r, size_t size);

/* "CVE-2021-44228" from the first cve reference; "" if it has none. */
void sig_rule_cve(const struct sig_rule *r, char out[32]);

const char *sig_action_name(enum sig_action a); /* "alert" "drop" "reject" */
const char *sig_buffer_name(enum sig_buffer b); /* "http.uri", …; "payload" */

/* For the parser's own files: the word and what is wrong with it; returns `code`. */
__attribute__((format(printf, 4, 5))) int sig_fault(struct sig_error *err, int code,
						    const char *word, const char *format, ...);

#endif
