/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `ctl-fw doctor` looks at and what it says of it. Looking is one file's affair
 * (doctor_facts.c), judging another's (doctor_checks.c), which does no I/O.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client.h"
#include "cmdline.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN, /* it works, but not all that one may count on does */
	DOCTOR_FAIL, /* packets are not judged, or not as was asked for */
	DOCTOR_LEVELS,
};

enum doctor_family {
	DOCTOR_IPV4,
	DOCTOR_IPV6,
	DOCTOR_FAMILIES,
};

/* Errors are -errno; a negative `forwarding`: it could not be read. */
struct doctor_facts {
	char release[65]; /* uname(2) */
	bool has_btf, has_bpffs, has_tracefs;
	int netfilter_program; /* 0, or why a netfilter BPF program can't be loaded */
	bool tsc_invariant;
	char hidepid[32]; /* of /proc; "": all processes are seen */
	int forwarding[DOCTOR_FAMILIES];
	char *saved[DOCTOR_FAMILIES]; /* of iptables-save, ip6tables-save; NULL: they could not run
				       */
	char *bound;		      /* /proc/net/netfilter/nfnetlink_queue; NULL: not there */
	int state_error;	      /* why nothing can be written where rules are saved */
	json_t *status, *stats;	      /* the daemon's replies; NULL without it */
	char no_daemon[CLIENT_ERROR_LEN];
};

/* Asks the kernel, iptables and the daemon. doctor_facts_free() in every case. */
void doctor_facts_gather(const struct cmdline *line, struct doctor_facts *out);
void doctor_facts_free(struct doctor_facts *f);

struct doctor_report;

/* A line of the report: what is, and what to do about it (NULL: nothing). */
__attribute__((format(printf, 4, 5))) void doctor_say(struct doctor_report *r,
						      enum doctor_level level, const char *advice,
						      const char *format, ...);

/*
 * Runs all checks. Returns {"result": LEVEL, "checks": [{"check": NAME, "level": LEVEL, "text":
 * TEXT, "advice": TEXT|null}]} for the caller to release; NULL: no memory.
 */
json_t *doctor_check(const struct doctor_facts *f);

const char *doctor_level_name(enum doctor_level level);

#endif
