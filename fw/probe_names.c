/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_names.h"

#include <assert.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name, *help;
} counters[] = {
	[PCOUNT_NOTES] = {"notes", "packets noted by the probes"},
	[PCOUNT_NOTE_BUSY] = {"notes_lost", "packets not noted: too many at once on one processor"},
	[PCOUNT_PROVEN] = {"notes_proven", "noted packets whose holders were proven"},
	[PCOUNT_UNPROVEN] = {"notes_unproven", "noted packets whose holders were not proven"},
	[PCOUNT_SOCKS_FULL] = {"sockets_lost", "sockets that did not fit the map"},
	[PCOUNT_PROCS_FULL] = {"processes_lost", "processes that did not fit the map"},
	[PCOUNT_HINTS_LOST] = {"hints_lost", "hints that did not fit the ring"},
	[PCOUNT_CACHE_MISSES] = {"cache_misses", "packets whose verdict the kernel did not have"},
	[PCOUNT_CACHE_EPOCH] = {"cache_revoked_epoch", "verdicts met again under other rules"},
	[PCOUNT_CACHE_HOLDERS] = {"cache_revoked_holders", "verdicts met again with other holders"},
	[PCOUNT_CACHE_MAPPINGS] = {"cache_revoked_mappings",
				   "verdicts met again with other mappings"},
	[PCOUNT_CACHE_LEASE] = {"cache_revoked_lease", "verdicts met again that were too old"},
	[PCOUNT_CACHE_OTHER] = {"cache_revoked_other", "verdicts met again by another packet"},
};
static_assert(LENGTH(counters) == PCOUNT_COUNT, "every counter has a row");

static const char *const sources[] = {
	[NOTE_BY_NETFILTER] = "netfilter",
	[NOTE_BY_QUEUE] = "queue",
	[NOTE_BY_NOBODY] = "none",
};

const char *probe_counter_name(enum probe_counter c)
{
	return (size_t)c < PCOUNT_COUNT ? counters[c].name : "?";
}

const char *probe_counter_help(enum probe_counter c)
{
	return (size_t)c < PCOUNT_COUNT ? counters[c].help : "?";
}

const char *note_source_name(enum note_source s)
{
	return (size_t)s < LENGTH(sources) ? sources[s] : "?";
}
