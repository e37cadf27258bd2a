// SPDX-License-Identifier: GPL-2.0-or-later
#include "figures.h"

#include <assert.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon.h"
#include "metrics_text.h"
#include "probe_names.h"

static_assert(FIGURES_QUEUES_MAX >= QUEUES_MAX, "each queue has its place");

struct asked {
	struct daemon *d;
	struct figures *figures;
};

/* What stays as it is while the daemon runs, and what is asked of the kernel: by whoever wants to
 * know, for walking a large map takes longer than packets should wait. */
static void take_constants(const struct daemon *d, struct figures *f)
{
	enum note_source notes = probe_note_source(d->probe);

	f->version = FW_VERSION;
	f->pid = getpid();
	f->uptime_ns = clock_boot_ns() - d->started_ns;
	f->hz = d->clock.hz;
	f->clock = clock_source_name(d->clock.source);
	f->object = d->options.object ? d->options.object : "built-in";
	f->notes = note_source_name(notes);
	f->notes_missing = notes == NOTE_BY_NOBODY;
	f->n_queues = d->n_queues;
	for (size_t i = 0; i < d->n_queues; i++) {
		const struct queue_options *q = queue_options(d->queues[i]);

		f->queues[i] = (struct figures_queue){q->chain, q->number};
	}
}

static void take_from_kernel(const struct daemon *d, struct figures *f)
{
	for (int c = 0; c < PCOUNT_COUNT; c++)
		f->probe[c] = probe_counter(d->probe, c);
	f->probes_missed = probe_missed(d->probe);
	f->processes = probe_count_procs(d->probe);
	f->sockets = probe_reap_socks(d->probe);
}

static void take_from_data(void *cookie)
{
	const struct asked *a = cookie;
	const struct daemon *d = a->d;
	struct figures *f = a->figures;
	uint64_t now_ns = clock_monotonic_ns();

	cache_fold(d->cache);
	f->stats = d->stats;
	f->stats.counter[COUNT_RESCAN] = scanner_count(d->scanner);
	f->objects = objects_count(d->objects);
	f->held = judge_held(d->judge);
	for (size_t i = 0; i < HEALTH_LOSSES; i++)
		f->lost[i] = health_lost(d->health, i, now_ns);
}

static void take_signatures(const struct sig_list *l, struct figures *f)
{
	f->n_signatures = l->n;
	for (size_t i = 0; i < l->n && f->n_met < FIGURES_SIGS_MAX; i++)
		if (__atomic_load_n(&l->rules[i]->hits, __ATOMIC_RELAXED))
			f->met[f->n_met++] = sig_rule_ref(l->rules[i]);
}

/* On the control thread, which asks the data thread as it does for its own clients. */
static void take_from_control(void *cookie)
{
	struct asked *a = cookie;
	const struct daemon *d = a->d;
	struct figures *f = a->figures;
	uint64_t now_ns = clock_monotonic_ns();

	f->rules = ruleset_ref(d->rules);
	take_signatures(&d->signatures, f);
	f->mode = d->mode;
	f->trial = d->trial.of;
	f->trial_left_ns =
		f->trial && d->trial.deadline_ns > now_ns ? d->trial.deadline_ns - now_ns : 0;
	mailbox_call(d->mailbox, take_from_data, a);
	f->stats.counter[COUNT_CLIENT_REFUSED] = control_refused(d->control);
}

/* References to rule sets are counted by the control thread alone. */
static void give_back(void *cookie)
{
	const struct asked *a = cookie;

	ruleset_unref(a->figures->rules);
}

char *figures_tell(void *daemon, size_t *length)
{
	_cleanup_free_ struct figures *f = calloc(1, sizeof(*f));
	struct asked a = {.d = daemon, .figures = f};
	char *text;

	if (!f)
		return NULL;
	take_constants(a.d, f);
	take_from_kernel(a.d, f);
	mailbox_call(a.d->control_mailbox, take_from_control, &a);
	text = metrics_text(f, length);
	while (f->n_met)
		sig_rule_unref(f->met[--f->n_met]);
	mailbox_call(a.d->control_mailbox, give_back, &a);
	return text;
}
