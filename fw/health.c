// SPDX-License-Identifier: GPL-2.0-or-later
#include "health.h"

#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum counted_by {
	BY_PROBES,
	BY_DAEMON,
	BY_KERNEL,
};

struct loss {
	enum counted_by by;
	int which;   /* enum probe_counter or enum counter */
	bool rescan; /* what was lost can be found again in the processes */
	const char *text;
};

static const struct loss losses[] = {
	{BY_PROBES, PCOUNT_SOCKS_FULL, true, "sockets did not fit the map: of unknown origin"},
	{BY_PROBES, PCOUNT_PROCS_FULL, true, "processes did not fit the map: of unknown origin"},
	{BY_PROBES, PCOUNT_HINTS_LOST, false, "hints lost: programs were not hashed ahead"},
	{BY_KERNEL, 0, true, "runs of probes that the kernel left out"},
	{BY_DAEMON, COUNT_QUEUE_OVERFLOW, false, "receive overflows"},
	{BY_DAEMON, COUNT_QUEUE_DROPPED, false, "packets dropped by a full queue"},
	{BY_DAEMON, COUNT_QUEUE_USER_DROPPED, false, "packets that the kernel could not deliver"},
	{BY_DAEMON, COUNT_VERDICT_FAILED, false, "verdicts that the kernel refused"},
};

#define LOSSES (sizeof(losses) / sizeof(losses[0]))

struct health {
	const struct probe *probe;
	struct scanner *scanner;
	const struct stats *stats;
	uint64_t seen[LOSSES];	/* as of the last check */
	uint64_t since[LOSSES]; /* CLOCK_MONOTONIC of the last new loss; 0: none */
};

static uint64_t count_now(const struct health *h, const struct loss *l)
{
	switch (l->by) {
	case BY_PROBES:
		return probe_counter(h->probe, l->which);
	case BY_KERNEL:
		return probe_missed(h->probe);
	default:
		return h->stats->counter[l->which];
	}
}

struct health *health_new(const struct probe *probe, struct scanner *scanner,
			  const struct stats *stats)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->probe = probe;
	h->scanner = scanner;
	h->stats = stats;
	return h;
}

void health_free(struct health *h)
{
	free(h);
}

bool health_check(struct health *h)
{
	bool rescan = false, missed = false;

	for (size_t i = 0; i < LOSSES; i++) {
		uint64_t n = count_now(h, &losses[i]);

		if (n == h->seen[i])
			continue;
		h->seen[i] = n;
		h->since[i] = clock_monotonic_ns();
		rescan |= losses[i].rescan;
		missed |= losses[i].by == BY_KERNEL;
	}
	if (rescan)
		scanner_request(h->scanner);
	return missed;
}

json_t *health_report(const struct health *h)
{
	json_t *list = json_array();
	uint64_t now = clock_monotonic_ns();

	if (!probe_has_notes(h->probe))
		json_array_append_new(list,
				      json_string("this kernel runs no netfilter BPF programs: "
						  "senders are looked up after the fact"));
	for (size_t i = 0; i < LOSSES; i++) {
		uint64_t n = count_now(h, &losses[i]);

		if (n != h->seen[i] || (h->since[i] && now - h->since[i] < HEALTH_SHOWN_NS))
			json_array_append_new(list, json_sprintf("%llu %s", (unsigned long long)n,
								 losses[i].text));
	}
	return list;
}
