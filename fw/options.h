/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of app-fw. */
#ifndef FW_OPTIONS_H
#define FW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/chain.h"
#include "endpoint.h"
#include "judge.h"
#include "sig_test.h"

struct queue_range {
	uint16_t first, last;
};

struct options {
	const char *object; /* -e; NULL: built in */
	struct queue_range queue[CHAIN_COUNT];
	bool pin; /* the thread of each queue has a processor of its own */
	enum verdict policy[CHAIN_COUNT];
	enum verdict unknown[CHAIN_COUNT]; /* the policy unless --unknown was given */
	bool unknown_given;
	enum verdict kernel[CHAIN_COUNT];
	unsigned int batch_count;
	uint64_t batch_wait_ns;
	bool retain;
	bool partial_read;
	enum mode mode;
	const char *socket;
	const char *state;	  /* NULL: --no-state */
	const char *events;	  /* where events are written to (event_output.h); NULL: nowhere */
	uint64_t events_size;	  /* bytes of the file, and */
	unsigned int events_keep; /* how many former ones are kept */
	bool inspect_closed[CHAIN_COUNT]; /* what signatures could not look at is dropped there */
	bool sig_test;			  /* only run this: */
	struct sig_test_options test;
	const char *metrics; /* where they are told, as it was written; NULL: nowhere */
	struct endpoint metrics_at;
};

/*
 * Returns 0; 1 when the program has nothing more to do (--help, --version: printed); -EINVAL for a
 * command line that is wrong, after one line on stderr that names the word.
 */
int options_parse(int argc, char **argv, struct options *out);

#endif
