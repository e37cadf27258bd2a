// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_hook.h"

#include <errno.h>
#include <string.h>

/* Why there is no cache; NULL: there is one. */
static const char *why_none(int r)
{
	switch (r) {
	case 0:
		return NULL;
	case -EOPNOTSUPP:
		return "this kernel takes no netfilter program (linux 6.4 does)";
	case -ENODEV:
		return "bpffs is not mounted: mount -t bpf bpf " PROBE_BPFFS;
	case -EBUSY:
		return "the kernel refuses the netfilter program: others have all its places";
	default:
		return strerror(-r);
	}
}

/* Why nothing was pinned. */
static int cache_error(const struct probe *p)
{
	if (probe_note_source(p) == NOTE_BY_NETFILTER)
		return -ENODEV;
	return probe_note_error(p) ? -probe_note_error(p) : -EOPNOTSUPP;
}

json_t *command_report_cache(const struct daemon *d)
{
	const char *why = probe_cache_pins(d->probe) ? NULL : why_none(cache_error(d->probe));

	return json_pack("{s:s, s:s?}", "state", why ? "off" : "on", "why", why);
}

static json_t *path_of(const struct daemon *d, enum chain chain, enum cache_verdict v)
{
	const char *folder = probe_cache_pins(d->probe);
	char path[PROBE_PIN_MAX];

	if (!folder || chain == CHAIN_FORWARD)
		return json_null();
	probe_cache_path(folder, chain == CHAIN_OUTPUT ? CACHE_OUT : CACHE_IN, v, path);
	return json_string(path);
}

/* bpffs may have been mounted since the start. */
enum wire_status command_hook(struct daemon *d, const json_t *request, json_t **reply)
{
	const char *word = json_string_value(json_object_get(request, "chain"));
	const struct queue_range *queues;
	const char *why;
	enum chain chain;

	if (!word || chain_parse(word, &chain))
		return command_refuse(reply, "%.40s: expected INPUT, OUTPUT or FORWARD",
				      word ? word : "no chain");
	why = why_none(probe_cache_pin(d->probe, d->netns));
	if (chain == CHAIN_FORWARD)
		why = "forwarded packets are each judged";
	queues = &d->options.queue[chain];
	*reply = json_pack("{s:I, s:i, s:i, s:o, s:o, s:s?}", "netns", (json_int_t)d->netns,
			   "first", queues->first, "last", queues->last, "accept",
			   path_of(d, chain, CACHE_ACCEPT), "drop", path_of(d, chain, CACHE_DROP),
			   "no_cache", why);
	return WIRE_OK;
}
