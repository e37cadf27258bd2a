/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told of one packet that was stopped, would have been, or was marked: plain data of a
 * fixed size, filled by event_make.c, and the two forms in which it is shown. Pure.
 */
#ifndef FW_EVENT_H
#define FW_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/probe_abi.h"
#include "holder.h"
#include "packet.h"

#define EVENT_HOLDERS_MAX   64	/* of more, the first are told of, and how many there are */
#define EVENT_OBJECTS_MAX   16	/* different ones, among all holders of one event */
#define EVENT_PATH_MAX	    256 /* with its NUL; of a longer path, the end */
#define EVENT_CONTAINER_MAX 65	/* with its NUL */
#define EVENT_LINE_MAX	    512

enum event_kind {
	EVENT_VERDICT,
	EVENT_LEFT_OUT, /* so many others were not told of */
};

/* What decided. */
enum event_reason {
	REASON_BY_RULE,
	REASON_BY_PATCH,
	REASON_BY_POLICY,
	REASON_BY_UNKNOWN, /* the verdict for packets of unknown origin */
	REASON_BY_KERNEL,  /* the same for kernel origin */
	REASON_BY_SIGNATURE,
	REASON_BY_STREAM, /* not a signature, but what its bytes are seen among: see fw/inspect.h */
	REASON_BY_SOCKET, /* what its socket sent before was denied: see remember_denied() */
	EVENT_REASON_COUNT,
};

struct event_object {
	bool has_digest;
	struct sha256 digest;
	char path[EVENT_PATH_MAX]; /* "": not known */
};

/* Of a signature, what is told. */
struct event_signature {
	uint32_t sid, rev;
	const char *action; /* static */
	char msg[EVENT_PATH_MAX];
	char reference[EVENT_PATH_MAX];
	char cve[32]; /* "": none */
};

#define EVENT_NO_OBJECT (-1)

struct event_holder {
	uint32_t pid;
	uint64_t start_ns;		     /* as in struct holder */
	uint32_t ppid;			     /* as its facts have it, or its first; 0: not known */
	struct facts facts;		     /* its cgroups are NULL */
	bool whole;			     /* nothing of its facts is still to be read */
	char container[EVENT_CONTAINER_MAX]; /* "": in none, or not known */
	int program, matched;		     /* indices in objects, or EVENT_NO_OBJECT */
	struct object_key awaited;	     /* its program, while that is being hashed; or all 0 */
};

struct event {
	enum event_kind kind;
	uint64_t seq;	   /* from 1 on, without gaps; 0: not yet given */
	uint64_t time_ns;  /* CLOCK_REALTIME */
	uint64_t left_out; /* EVENT_LEFT_OUT's; all below is EVENT_VERDICT's */
	enum verdict verdict;
	bool enforced;
	enum event_reason reason;
	size_t index;	  /* REASON_BY_RULE: of the rule in its chain */
	struct rule rule; /* the same, or REASON_BY_PATCH's: a copy; its members is NULL */
	struct event_signature signature; /* REASON_BY_SIGNATURE's */
	const char *cause;		  /* REASON_BY_STREAM's; static */
	enum chain chain;
	enum origin origin;
	uint64_t cookie, netns; /* as in struct holders */
	bool has_uid;		/* the same */
	uint32_t uid;
	struct packet packet;
	size_t holder;	  /* which one decided; 0 where none did */
	size_t n_holders; /* all there were */
	size_t n, n_objects;
	struct event_holder holders[EVENT_HOLDERS_MAX];
	struct event_object objects[EVENT_OBJECTS_MAX];
};

/* "rule" "patch" "policy" "unknown" "kernel" "socket"; never NULL. */
const char *event_reason_name(enum event_reason r);

/* As docs/app-fw.8 has it. A new reference, or NULL when memory is short. */
json_t *event_json(const struct event *e);

/* The same of an EVENT_LEFT_OUT. */
json_t *event_left_out_json(uint64_t seq, uint64_t time_ns, uint64_t left_out);

/* One line for people, without its end. Always NUL-terminated. */
void event_line(const struct event *e, char out[EVENT_LINE_MAX]);

#endif
