/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures over a capture, without packets of this machine: what `ctl-fw sig test` runs. The
 * packets go the way that those of a queue go, as they stand in the file. Needs no root.
 */
#ifndef FW_SIG_TEST_H
#define FW_SIG_TEST_H

#include <stdbool.h>

struct sig_test_options {
	const char *rules, *pcap; /* files; rules may be a built-in's name */
	bool skip_unsupported, json;
};

/* Prints what fires, and last a line of sums. The exit status: 0; 1 for rules that are refused or a
 * capture that cannot be read to its end; what is wrong is on stderr. */
int sig_test_run(const struct sig_test_options *o);

#endif
