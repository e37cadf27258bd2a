// SPDX-License-Identifier: GPL-2.0-or-later
#include "health.h"

#include <assert.h>
#include <stdlib.h>

struct loss {
	enum health_counter whose;
	int which;
	unsigned int needs; /* enum health_need */
	const char *text;
};

static const struct loss losses[] = {
	{HEALTH_PROBES, PCOUNT_SOCKS_FULL, HEALTH_RESCAN,
	 "sockets did not fit the map: of unknown origin"},
	{HEALTH_PROBES, PCOUNT_PROCS_FULL, HEALTH_RESCAN,
	 "processes did not fit the map: of unknown origin"},
	{HEALTH_PROBES, PCOUNT_HINTS_LOST, 0, "hints lost: programs were not hashed ahead"},
	{HEALTH_KERNEL, 0, HEALTH_RESCAN | HEALTH_DISTRUST,
	 "runs of probes that the kernel left out"},
	{HEALTH_DAEMON, COUNT_QUEUE_OVERFLOW, 0, "receive overflows"},
	{HEALTH_DAEMON, COUNT_QUEUE_DROPPED, 0, "packets dropped by a full queue"},
	{HEALTH_DAEMON, COUNT_QUEUE_USER_DROPPED, 0, "packets that the kernel could not deliver"},
	{HEALTH_DAEMON, COUNT_QUEUE_UNREAD, 0,
	 "looks at what the kernel says of a queue that failed"},
	{HEALTH_DAEMON, COUNT_VERDICT_FAILED, 0, "verdicts that the kernel refused"},
};

static_assert(sizeof(losses) / sizeof(losses[0]) == HEALTH_LOSSES, "all of them are told");

struct health {
	health_count *count;
	void *cookie;
	uint64_t seen[HEALTH_LOSSES];  /* as of the last check */
	uint64_t since[HEALTH_LOSSES]; /* CLOCK_MONOTONIC of the last new loss; 0: none */
};

struct health *health_new(health_count *count, void *cookie)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->count = count;
	h->cookie = cookie;
	return h;
}

void health_free(struct health *h)
{
	free(h);
}

static uint64_t count(const struct health *h, size_t i)
{
	return h->count(h->cookie, losses[i].whose, losses[i].which);
}

unsigned int health_check(struct health *h, uint64_t now_ns)
{
	unsigned int needs = 0;

	for (size_t i = 0; i < HEALTH_LOSSES; i++) {
		uint64_t n = count(h, i);

		if (n == h->seen[i])
			continue;
		h->seen[i] = n;
		h->since[i] = now_ns;
		needs |= losses[i].needs;
	}
	return needs;
}

static bool is_recent(const struct health *h, size_t i, uint64_t n, uint64_t now_ns)
{
	return n != h->seen[i] || (h->since[i] && now_ns - h->since[i] < HEALTH_SHOWN_NS);
}

const char *health_text(size_t loss)
{
	return loss < HEALTH_LOSSES ? losses[loss].text : "?";
}

bool health_lost(const struct health *h, size_t loss, uint64_t now_ns)
{
	return loss < HEALTH_LOSSES && is_recent(h, loss, count(h, loss), now_ns);
}

json_t *health_report(const struct health *h, uint64_t now_ns)
{
	json_t *list = json_array();

	for (size_t i = 0; i < HEALTH_LOSSES; i++) {
		uint64_t n = count(h, i);

		if (is_recent(h, i, n, now_ns))
			json_array_append_new(list, json_sprintf("%llu %s", (unsigned long long)n,
								 losses[i].text));
	}
	return list;
}
