/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to "whose packet is this": an origin and a list of processes. Two lists, in truth:
 * who holds the socket as far as is shown, and who was seen to hold it as the packet was sent.
 */
#ifndef FW_ATTRIBUTION_H
#define FW_ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/probe_abi.h"
#include "common/sock_abi.h"
#include "holder.h"
#include "portless.h"
#include "sockdiag.h"

/* Whose packet it is that has no note, if it is anybody's. */
enum sought {
	SOUGHT_SOCKET,	 /* the one socket's, which has `cookie` */
	SOUGHT_PORT,	 /* the same; or if others may have its port, see SOUGHT_SHARERS */
	SOUGHT_SHARERS,	 /* theirs who have that port, `port`; of TCP, who listen there */
	SOUGHT_PORTLESS, /* theirs who have a raw or ping socket for it, `portless` */
};

/* Who, before their mappings are looked at. */
struct attribution {
	enum origin origin;
	bool orphan;		/* kernel: the last holder of its socket has closed it */
	bool passed;		/* orphan: and was let pass before, by the verdict cache */
	uint64_t cookie, netns; /* as in struct holders, and */
	bool has_uid;
	uint32_t uid, gid;
	uint64_t since_ns; /* CLOCK_BOOTTIME when it was first asked for; 0: the note said all */
	bool incoming, noted;
	bool proven;	      /* by the note: these, and no others, held it as it was sent */
	uint64_t sent_ns;     /* if noted, when */
	uint64_t changed_ns;  /* if noted, as in struct answer */
	bool nobody;	      /* if noted: no process was seen to hold it */
	uint32_t unexplained; /* if noted, references beyond those of who was seen */
	uint32_t shared;      /* of the socket that was found: NOTE_SHARED, NOTE_STEERED */
	enum sought sought;
	union {
		struct portless_query portless;
		struct sockdiag_query port;
	};
	bool several; /* these are the holders of several sockets, not of one */
	/* ORIGIN_KNOWN: all holders. ORIGIN_UNKNOWN: those that are certain, if any. */
	size_t n;
	struct note_holder few[ABI_SIGHTINGS], *many; /* many: on the heap, or NULL */
	/* Who was seen to hold it as the packet was sent, whatever is found later. */
	size_t n_seen;
	struct note_holder seen[ABI_HOLDERS];
};

static inline const struct note_holder *attribution_holder(const struct attribution *a, size_t i)
{
	return a->many ? &a->many[i] : &a->few[i];
}

/* Frees what it has on the heap. An attribution may be moved by copying, then one of the two is to
 * be cleared. */
void attribution_clear(struct attribution *a);

/* Another origin, and nobody in the list. */
void attribution_set(struct attribution *a, enum origin origin);

/* ORIGIN_KNOWN, and these are all. */
void attribution_set_holders(struct attribution *a, const struct note_holder *h, uint32_t n);

bool attribution_has(const struct attribution *a, uint32_t tgid);

/* False when there is no memory for it, or the list is full. Who is in it already stays as he is.
 */
bool attribution_add(struct attribution *a, const struct note_holder *h);

/* The second list: who was seen; whether one was; and that they are in the first list too. */
void attribution_set_seen(struct attribution *a, const struct answer *answer);
bool attribution_saw(const struct attribution *a, uint32_t tgid);
void attribution_add_seen(struct attribution *a);

/* Adds what one of several sockets that get the packet says: unknown if any of them is. */
void attribution_merge(struct attribution *all, const struct attribution *one);

/* As a note would name the process now, but for exec_pages, which only the kernel side can see. */
struct note_holder note_holder_of(uint32_t tgid, const struct proc_rec *proc);

#endif
