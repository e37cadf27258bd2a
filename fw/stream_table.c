// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "stream_private.h"

#define WINDOW_LEAST (1u << 16)
#define WINDOW_MOST  (1u << 30) /* RFC 7323 section 2.3 */
#define NS	     1000000000ull

const struct stream_limits stream_limits_default = {
	.flows = 131072,
	.memory = 256u << 20,
	.depth = 1u << 20,
	.window = 1u << 20,
	.idle_ns = 3600 * NS,
};

static size_t power_of_two(size_t least)
{
	size_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

struct streams *streams_new(const struct stream_limits *limits, const uint64_t seed[2],
			    const struct stream_ops *ops, void *cookie)
{
	struct streams *t;

	if (!limits->flows || limits->window < WINDOW_LEAST || limits->window > WINDOW_MOST) {
		errno = EINVAL;
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct streams){.limits = *limits,
			      .ops = *ops,
			      .cookie = cookie,
			      .seed = {seed[0], seed[1]},
			      .n_buckets = power_of_two(limits->flows),
			      .window = power_of_two(limits->window)};
	t->buckets = calloc(t->n_buckets, sizeof(struct stream *));
	if (!t->buckets) {
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	t->memory = sizeof(*t) + t->n_buckets * sizeof(struct stream *);
	return t;
}

void streams_free(struct streams *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < CLASSES; i++)
		while (t->classes[i].oldest)
			stream_end(t->classes[i].oldest);
	free(t->buckets);
	free(t);
}

void streams_set_depth(struct streams *t, uint64_t depth)
{
	t->limits.depth = depth;
}

/* --- The table ------------------------------------------------------------------------------ */

uint8_t stream_key_of(uint64_t netns, const struct packet *p, struct stream_key *out)
{
	int order = memcmp(p->saddr, p->daddr, sizeof(p->saddr));
	uint8_t from = order > 0 || (order == 0 && p->sport > p->dport);

	*out = (struct stream_key){.netns = netns, .family = p->family};
	memcpy(out->addr[from], p->saddr, sizeof(p->saddr));
	memcpy(out->addr[!from], p->daddr, sizeof(p->daddr));
	out->port[from] = p->sport;
	out->port[!from] = p->dport;
	return from;
}

static struct stream **bucket_of(const struct streams *t, const struct stream_key *key)
{
	return &t->buckets[siphash(t->seed, key, sizeof(*key)) & (t->n_buckets - 1)];
}

struct stream *stream_find(const struct streams *t, const struct stream_key *key)
{
	struct stream *s = *bucket_of(t, key);

	while (s && memcmp(&s->key, key, sizeof(*key)) != 0)
		s = s->next;
	return s;
}

/* --- By age --------------------------------------------------------------------------------- */

static void unlink_age(struct stream *s)
{
	struct stream_list *l = &s->table->classes[s->class];

	*(s->older ? &s->older->newer : &l->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &l->newest) = s->older;
}

static void link_newest(struct stream *s, enum stream_class class)
{
	struct stream_list *l = &s->table->classes[class];

	s->class = class;
	s->newer = NULL;
	s->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = s;
	l->newest = s;
}

static bool ended(const struct stream *s, enum stream_way way)
{
	return s->ways[way] && s->ways[way]->fin_acked;
}

static enum stream_class class_of(const struct stream *s)
{
	if (s->condemned)
		return CLASS_CONDEMNED;
	if (s->reset || (ended(s, STREAM_TO_SERVER) && ended(s, STREAM_TO_CLIENT)))
		return CLASS_CLOSED;
	return s->ways[0] || s->ways[1] || stream_is_established(s) ? CLASS_LIVE : CLASS_HALF_OPEN;
}

void stream_touch(struct stream *s, uint64_t now_ns)
{
	unlink_age(s);
	link_newest(s, class_of(s));
	s->last_ns = now_ns;
}

static bool evict_one(struct streams *t, const struct stream *keep)
{
	for (size_t i = 0; i < CLASSES; i++) {
		struct stream *s = t->classes[i].oldest;

		if (s == keep && s)
			s = s->newer;
		if (!s)
			continue;
		stream_end(s);
		t->stats[STREAM_STAT_EVICTED]++;
		return true;
	}
	return false;
}

bool stream_make_room(struct streams *t, const struct stream *keep, size_t bytes)
{
	while (t->memory + bytes > t->limits.memory)
		if (!evict_one(t, keep))
			return false;
	return true;
}

size_t streams_expire(struct streams *t, uint64_t now_ns, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < CLASSES; i++)
		for (struct stream *s; n < most && (s = t->classes[i].oldest); n++) {
			if (now_ns - s->last_ns < t->limits.idle_ns)
				break;
			stream_end(s);
		}
	t->stats[STREAM_STAT_EXPIRED] += n;
	return n;
}

/* --- Flows ---------------------------------------------------------------------------------- */

struct stream *stream_begin(struct streams *t, const struct stream_key *key, uint64_t now_ns)
{
	struct stream **bucket = bucket_of(t, key), *s = NULL;

	if ((t->count < t->limits.flows || evict_one(t, NULL)) &&
	    stream_make_room(t, NULL, sizeof(*s)))
		s = calloc(1, sizeof(*s));
	if (!s) {
		t->stats[STREAM_STAT_REFUSED]++;
		return NULL;
	}
	s->table = t;
	s->key = *key;
	s->depth = t->limits.depth ? t->limits.depth : UINT64_MAX;
	s->last_ns = now_ns;
	s->next = *bucket;
	*bucket = s;
	link_newest(s, CLASS_HALF_OPEN);
	t->count++;
	t->memory += sizeof(*s);
	t->stats[STREAM_STAT_BEGUN]++;
	return s;
}

void stream_release(struct stream *s, struct stream_window *w)
{
	s->table->memory -= stream_window_memory(w);
	stream_window_release(w);
}

struct stream_flow_way *stream_make_way(struct stream *s, enum stream_way way)
{
	struct stream_flow_way *w = s->ways[way];

	if (w || !stream_make_room(s->table, s, sizeof(*w)))
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->limit = s->finished[way] ? 0 : s->depth;
	s->table->memory += sizeof(*w);
	s->ways[way] = w;
	return w;
}

void stream_end(struct stream *s)
{
	struct streams *t = s->table;
	struct stream **link = bucket_of(t, &s->key);

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	unlink_age(s);
	t->ops.gone(s, s->user, t->cookie);
	for (size_t i = 0; i < STREAM_WAYS; i++) {
		if (!s->ways[i])
			continue;
		stream_release(s, &s->ways[i]->window);
		t->memory -= sizeof(*s->ways[i]);
		free(s->ways[i]);
	}
	t->count--;
	t->memory -= sizeof(*s) + s->charged;
	free(s);
}

void stream_charge(struct stream *s, size_t bytes)
{
	s->table->memory += bytes - s->charged;
	s->charged = bytes;
}

uint64_t streams_stat(const struct streams *t, enum stream_stat which)
{
	return t->stats[which];
}

uint64_t streams_result_count(const struct streams *t, enum stream_result which)
{
	return t->results[which];
}

size_t streams_count(const struct streams *t)
{
	return t->count;
}

size_t streams_memory(const struct streams *t)
{
	return t->memory;
}
