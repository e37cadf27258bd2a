/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be shown of where a packet comes from. */
#ifndef COMMON_ORIGIN_H
#define COMMON_ORIGIN_H

enum origin {
	ORIGIN_KNOWN,	/* all who hold its socket are known */
	ORIGIN_KERNEL,	/* no process holds the socket: RST, TIME_WAIT ACK, ICMP error, tunnel,
			   orphan */
	ORIGIN_UNKNOWN, /* neither could be shown */
	ORIGIN_COUNT,
};

const char *origin_name(enum origin o); /* "known" "kernel" "unknown"; never NULL */

/* 0, or -EINVAL for another word; *out is untouched on failure. */
int origin_parse(const char *word, enum origin *out);

#endif
