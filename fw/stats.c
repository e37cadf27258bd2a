/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stddef.h>

#include "stats.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define SUB (1u << HIST_SUB_BITS) /* buckets in each power of two */

static const char *const stages[] = {
	[STAGE_RECEIVE] = "receive", [STAGE_ATTRIBUTE] = "attribute", [STAGE_HASH] = "hash",
	[STAGE_DECIDE] = "decide",   [STAGE_VERDICT] = "verdict",
};
static_assert(LENGTH(stages) == STAGE_COUNT, "every stage has a name");

static const struct {
	const char *name, *help;
} counters[] = {
	[COUNT_QUEUED] = {"queued", "packets read from a queue"},
	[COUNT_ACCEPTED] = {"accepted", "packets accepted"},
	[COUNT_DROPPED] = {"dropped", "packets dropped"},
	[COUNT_REJECTED] = {"rejected", "packets rejected"},
	[COUNT_MARKED] = {"marked", "packets accepted with a mark"},
	[COUNT_KILLED] = {"killed", "packets dropped by KILL rules"},
	[COUNT_HELD] = {"held", "packets that waited for a digest or a mapping call in flight"},
	[COUNT_HELD_EXPIRED] = {"held_expired", "held packets judged when their wait was over"},
	[COUNT_KNOWN] = {"known", "packets of known origin"},
	[COUNT_KERNEL] = {"kernel", "packets of kernel origin"},
	[COUNT_UNKNOWN] = {"unknown", "packets of unknown origin"},
	[COUNT_WOULD_DROP] =
		{"would_drop",
		 "packets that passed, and would not but for a mode or rule that only logs"},
	[COUNT_UNTOLD] = {"untold", "rejected packets whose sender could not be told"},
	[COUNT_ENDED] = {"ended", "processes that KILL rules have ended"},
	[COUNT_MALFORMED] = {"malformed", "packets with contradictory or cut headers"},
	[COUNT_FRAGMENT] = {"fragment", "later fragments of packets"},
	[COUNT_NOTE_HIT] = {"note_hit", "packets attributed by the kernel's note alone"},
	[COUNT_SOCK_LOOKUP] = {"sock_lookup", "sockets asked for through sock_diag"},
	[COUNT_RESCAN] = {"rescan", "scans of the descriptors of all processes"},
	[COUNT_SCAN_MAPS] = {"scan_maps", "scans of the mappings of one process"},
	[COUNT_MAPS_CUT] = {"maps_cut", "of them, of a process that has more than are looked at"},
	[COUNT_MAPS_TOLD] = {"maps_told", "of the mappings that a sender had, no scan was needed"},
	[COUNT_HASHED] = {"hashed", "objects hashed"},
	[COUNT_VERITY_KNOWN] = {"verity_known",
				"objects not hashed: their fs-verity digest was known"},
	[COUNT_HASH_FAILED] = {"hash_failed", "objects that could not be hashed"},
	[COUNT_HASH_STALLED] = {"hash_stalled",
				"objects that were not hashed in time: a file blocked"},
	[COUNT_SCRIPT_LOOKED] = {"script_looked", "times a script was looked for"},
	[COUNT_SCRIPT_HASHED] = {"script_hashed", "scripts hashed"},
	[COUNT_INSPECTED] = {"inspected", "packets whose payload was looked at"},
	[COUNT_INSPECTED_BYTES] = {"inspected_bytes", "bytes of payload that were looked at"},
	[COUNT_SIGNATURE_HIT] = {"signature_hit", "times a signature fired"},
	[COUNT_SIGNATURE_STOPPED] = {"signature_stopped",
				     "packets stopped by signatures, and the rest of their "
				     "connections"},
	[COUNT_STREAM_CONFLICT] = {"stream_conflict",
				   "connections stopped for bytes that contradict others"},
	[COUNT_STREAM_OUTSIDE] = {"stream_outside", "segments that no receiver takes"},
	[COUNT_STREAM_EVICTED] = {"stream_evicted", "connections forgotten for want of room"},
	[COUNT_STREAM_TLS] = {"stream_tls", "connections that are TLS, which is not inspectable"},
	[COUNT_FRAGMENT_BAD] = {"fragment_bad", "fragments that contradict others"},
	[COUNT_HTTP_ODD] = {"http_odd",
			    "connections with requests that can be read in more than one way"},
	[COUNT_NOT_INSPECTED] = {"not_inspected", "packets that could not be looked at"},
	[COUNT_QUEUE_OVERFLOW] = {"queue_overflow",
				  "times the kernel lost queue messages (ENOBUFS)"},
	[COUNT_QUEUE_DROPPED] = {"queue_dropped", "packets the kernel dropped at a full queue"},
	[COUNT_QUEUE_USER_DROPPED] = {"queue_user_dropped", "packets the kernel could not deliver"},
	[COUNT_QUEUE_UNREAD] = {"queue_unread",
				"looks at what the kernel says of a queue that failed"},
	[COUNT_VERDICT_FAILED] = {"verdict_failed", "verdict messages the kernel refused"},
	[COUNT_CACHE_ACCEPTED] = {"cache_accepted",
				  "packets that passed in the kernel, not queued"},
	[COUNT_CACHE_ACCEPTED_BYTES] = {"cache_accepted_bytes", "bytes of these"},
	[COUNT_CACHE_DROPPED] = {"cache_dropped", "packets dropped in the kernel, not queued"},
	[COUNT_CACHE_DROPPED_BYTES] = {"cache_dropped_bytes", "bytes of these"},
	[COUNT_CLIENT_REFUSED] = {"client_refused",
				  "control clients closed for breaking the protocol"},
};
static_assert(LENGTH(counters) == COUNT_COUNT, "every counter has a row");

const char *stage_name(enum stage s)
{
	return (size_t)s < STAGE_COUNT ? stages[s] : "?";
}

const char *counter_name(enum counter c)
{
	return (size_t)c < COUNT_COUNT ? counters[c].name : "?";
}

const char *counter_help(enum counter c)
{
	return (size_t)c < COUNT_COUNT ? counters[c].help : "?";
}

static size_t bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < SUB)
		return value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - HIST_SUB_BITS;
	return (size_t)(shift + 1) * SUB + (value >> shift) % SUB;
}

static uint64_t upper_bound(size_t bucket)
{
	unsigned int shift;

	if (bucket < SUB)
		return bucket;
	shift = (unsigned int)(bucket / SUB) - 1;
	return ((SUB + bucket % SUB) << shift) + ((1ull << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t times)
{
	if (times == 0)
		return;
	h->count += times;
	h->sum += value * times;
	h->bucket[bucket_of(value)] += times;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_permille(const struct histogram *h, unsigned int permille)
{
	const uint64_t rank = (uint64_t)(((unsigned __int128)h->count * permille + 999) / 1000);
	uint64_t below = 0;

	for (size_t b = 0; b < HIST_BUCKETS; b++) {
		uint64_t bound;

		below += h->bucket[b];
		if (below == 0 || below < rank)
			continue;
		bound = upper_bound(b);
		return bound < h->max ? bound : h->max;
	}
	return h->max;
}

uint64_t histogram_at_most(const struct histogram *h, uint64_t value)
{
	uint64_t n = 0;

	if (value >= h->max)
		return h->count;
	for (size_t b = 0; b < HIST_BUCKETS && upper_bound(b) <= value; b++)
		n += h->bucket[b];
	return n;
}
