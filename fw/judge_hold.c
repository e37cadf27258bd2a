// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets that wait until it is known who holds their socket and what these have mapped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "judge_private.h"
#include "refusal.h"

#define HELD_BYTES_MAX (64u << 20) /* of held packets: past it, only their heads */
#define RETRY_NS       200000ull   /* a mapping call takes microseconds */

/* With all that its judgement needs. */
struct held {
	struct queue *queue;
	enum chain chain;
	struct queue_packet packet; /* its head is below */
	struct attribution who;
	bool unattributed; /* who is still to be found out */
	uint64_t since_ns;
	struct held *next;
	uint8_t head[];
};

/* How much of it is kept: all of it is for who looks inside, as long as that is not too much. */
static size_t bytes_to_hold(const struct judge *j, const struct queue_packet *p)
{
	if (p->head_len <= REFUSAL_QUOTE)
		return p->head_len;
	if (inspect_is_on(j->inspect) && j->held_bytes + p->head_len <= HELD_BYTES_MAX)
		return p->head_len;
	return REFUSAL_QUOTE;
}

int judge_hold(struct judge *j, struct queue *q, const struct queue_packet *p,
	       const struct attribution *who, bool unattributed)
{
	size_t n = bytes_to_hold(j, p);
	struct held *h = malloc(sizeof(*h) + n);

	if (!h)
		return -ENOMEM;
	*h = (struct held){.queue = q,
			   .chain = queue_options(q)->chain,
			   .packet = *p,
			   .who = *who,
			   .unattributed = unattributed,
			   .since_ns = clock_monotonic_ns()};
	if (n)
		memcpy(h->head, p->head, n);
	h->packet.head = h->head;
	h->packet.head_len = (uint32_t)n;
	j->held_bytes += n;
	*j->held_last = h;
	j->held_last = &h->next;
	if (!j->n_held++)
		loop_arm(j->retry, RETRY_NS);
	j->stats->counter[COUNT_HELD]++;
	return 0;
}

size_t judge_held(const struct judge *j)
{
	return j->n_held;
}

static bool release(struct judge *j, struct held *h, bool final)
{
	uint64_t ticks = clock_ticks();
	struct ruling ruling;

	if (h->unattributed) {
		if (owner_retry(j->owner, final, &h->who))
			return false;
		h->unattributed = false;
	}
	if (judge_attributed(j, h->chain, &h->packet, &h->who, final, &ticks, &ruling))
		return false;
	queue_release(h->queue, h->packet.id, ruling);
	return true;
}

static void release_all(struct judge *j, bool final)
{
	struct held **at = &j->held;
	uint64_t now = clock_monotonic_ns();

	standstill_look(&j->standstill, now);
	while (*at) {
		struct held *h = *at;
		bool late = standstill_waited(&j->standstill, h->since_ns, now) > JUDGE_HOLD_NS;

		if (!release(j, h, final || late)) {
			at = &h->next;
			continue;
		}
		if (late)
			j->stats->counter[COUNT_HELD_EXPIRED]++;
		*at = h->next;
		j->n_held--;
		j->held_bytes -= h->packet.head_len;
		attribution_clear(&h->who);
		free(h);
	}
	j->held_last = at;
}

void judge_retry(void *judge)
{
	struct judge *j = judge;

	release_all(j, false);
	if (j->held)
		loop_arm(j->retry, clock_monotonic_ns() - j->held->since_ns < 20 * RETRY_NS
					   ? RETRY_NS
					   : 50 * RETRY_NS);
}

int judge_begin_holding(struct judge *j, struct loop *loop)
{
	j->held_last = &j->held;
	j->retry = loop_add_timer(loop, judge_retry, j);
	return j->retry ? 0 : -ENOMEM;
}

void judge_end_holding(struct judge *j)
{
	release_all(j, true);
	loop_remove_timer(j->retry);
}
