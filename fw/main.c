// SPDX-License-Identifier: GPL-2.0-or-later
/* app-fw: the daemon, as a list of steps. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "command.h"
#include "command_config.h"
#include "command_mode.h"
#include "command_sig.h"
#include "daemon.h"
#include "figures.h"
#include "log.h"
#include "patch_watch.h"
#include "witness.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE   2

/* The longest IPv6 or IPv4 header chain that rules look at, and what the fingerprint takes. */
#define COPY_BYTES   256
#define COPY_PARTIAL 128
#define QUEUE_LENGTH 4096
#define EXPIRE_NS    2000000000ull
#define REAP_AGE_NS  3000000000ull

static int fail(const char *what, int r)
{
	log_line("app-fw: %s: %s", what, strerror(-r));
	return r;
}

/* Steps, in order; each leaves its part in d for daemon_stop to take down. */

static int begin_clock(struct daemon *d)
{
	int r = clock_begin(&d->began);

	d->started_ns = clock_boot_ns();
	if (r == -ENOTSUP) {
		log_line(
			"app-fw: this processor has no invariant TSC (CPUID 8000_0007h EDX bit 8): "
			"times cannot be measured");
		return r;
	}
	return r ? fail("the clock", r) : 0;
}

/* All that was started meanwhile took longer than it has to measure. */
static int start_clock(struct daemon *d)
{
	int r = clock_init(&d->began, &d->clock);

	return r ? fail("the clock", r) : 0;
}

static int start_rules(struct daemon *d)
{
	int r = command_load(&d->options, &d->rules, &d->saved);

	r = r ? r : command_load_mode(&d->options, &d->mode);
	return r == -ENOMEM ? fail("rules", r) : r;
}

static int start_loops(struct daemon *d)
{
	d->loop = loop_new();
	d->control_loop = loop_new();
	d->mailbox = d->loop ? mailbox_new(d->loop) : NULL;
	d->control_mailbox = d->control_loop ? mailbox_new(d->control_loop) : NULL;
	return d->mailbox && d->control_mailbox ? 0 : fail("event loop", -errno);
}

/* As many as the widest range has queues: the i-th serves the i-th of each chain. */
static int start_threads(struct daemon *d)
{
	size_t n = 1;

	for (int c = 0; c < CHAIN_COUNT; c++) {
		size_t queues = d->options.queue[c].last - d->options.queue[c].first + 1u;

		n = queues > n ? queues : n;
	}
	d->threads = data_threads_new(d->loop, d->mailbox, n);
	return d->threads ? 0 : fail("data threads", -errno);
}

/* Early, for a place that cannot be had is known at once; it answers once all else is there. */
static int start_metrics(struct daemon *d)
{
	int r;

	if (!d->options.metrics)
		return 0;
	r = metrics_open(&d->options.metrics_at, figures_tell, d, &d->metrics);
	if (r)
		log_line("app-fw: --metrics %s: %s", d->options.metrics, strerror(-r));
	return r;
}

static uint64_t queues_wanted(const struct options *o)
{
	uint64_t n = 0;

	for (int c = 0; c < CHAIN_COUNT; c++)
		n += o->queue[c].last - o->queue[c].first + 1;
	return n;
}

static int load_probes(struct daemon *d)
{
	struct probe_options options = {
		.object = d->options.object,
		.queued_max = queues_wanted(&d->options) * QUEUE_LENGTH,
	};
	char err[256] = "";
	int r = probe_open(&options, &d->probe, err);

	if (r)
		log_line("app-fw: %s", err);
	return r;
}

struct portless_start {
	struct daemon *d;
	int result;
};

static void *open_portless(void *cookie)
{
	struct portless_start *start = cookie;

	start->result = portless_open(&start->d->portless);
	return NULL;
}

/* Both at once: it is the kernel's look at the programs that takes the time of a start. */
static int load_both(struct daemon *d)
{
	struct portless_start start = {d, 0};
	pthread_t thread;
	bool threaded = !pthread_create(&thread, NULL, open_portless, &start);
	int r = load_probes(d);

	if (threaded)
		pthread_join(thread, NULL);
	else
		open_portless(&start);
	if (!r && start.result)
		log_line("app-fw: raw and ping sockets cannot be seen (%s): what may come in for "
			 "them is of unknown origin",
			 strerror(-start.result));
	return r;
}

static int start_probes(struct daemon *d)
{
	char err[256] = "";
	int r = probe_check(err);

	if (!r)
		return load_both(d);
	log_line("app-fw: %s", err);
	return r;
}

static void on_settled(void *cookie)
{
	struct daemon *d = cookie;

	if (!d->judge)
		return;
	judge_retry(d->judge);
	events_settle(d->events);
}

static void on_hints(void *cookie, uint32_t events)
{
	struct daemon *d = cookie;

	(void)events;
	judge_catch_up(d->judge);
}

static uint64_t count_losses(void *cookie, enum health_counter whose, int which)
{
	const struct daemon *d = cookie;

	switch (whose) {
	case HEALTH_PROBES:
		return probe_counter(d->probe, which);
	case HEALTH_KERNEL:
		return probe_missed(d->probe);
	default:
		return d->stats.counter[which];
	}
}

static int identify(void *cookie, int fd, struct object_key *out)
{
	struct daemon *d = cookie;

	return probe_identify(d->probe, fd, out);
}

static void on_start(void *cookie, const struct start_hint *hint)
{
	scripts_start(cookie, hint);
}

static int start_judge(struct daemon *d)
{
	const struct identify by = {identify, d};
	int r;

	d->objects = objects_new(d->loop, &d->stats, &by, verity_measure, on_settled, d);
	d->processes = d->objects
			       ? processes_new(d->probe, d->objects, &d->stats, d->options.retain)
			       : NULL;
	if (!d->processes)
		return fail("hash threads", -errno);
	processes_learn_all(d->processes);
	d->scripts = scripts_new(d->loop, d->probe, &d->stats, on_settled, d);
	if (!d->scripts)
		return fail("script threads", -errno);
	probe_on_start(d->probe, on_start, d->scripts);
	d->scanner = scanner_new(d->loop, d->probe, on_settled, d);
	d->health = d->scanner ? health_new(count_losses, d) : NULL;
	if (!d->health)
		return fail("scan thread", -errno);
	r = owner_new(d->probe, d->scanner, d->portless, &d->stats, &d->owner);
	if (r)
		return fail("sock_diag", r);
	r = reject_open(&d->reject);
	if (r)
		return fail("raw sockets", r);
	r = witness_start(d);
	if (r)
		return r;
	d->cache = cache_new(d->probe, &d->stats);
	if (!d->cache)
		return fail("cache", -errno);
	r = judge_new(d->loop, d->probe, d->owner, d->processes, d->scripts, d->reject, &d->stats,
		      d->events, d->tally, d->cache, d->rules, d->mode, &d->judge);
	if (r)
		return fail("judge", r);
	r = inspect_new(&stream_limits_default, d->options.inspect_closed, &d->stats, &d->inspect);
	if (r)
		return fail("inspection", r);
	if (!loop_add_fd(d->loop, probe_hints_fd(d->probe), EPOLLIN, on_hints, d))
		return fail("hints", -errno);
	return 0;
}

/* Without it all is as it is with it, but slower; the status says so. */
static int start_pins(struct daemon *d)
{
	struct stat ns;
	int r = stat("/proc/self/ns/net", &ns) ? -errno : 0;

	if (r)
		return fail("/proc/self/ns/net", r);
	d->netns = ns.st_ino;
	r = probe_cache_pin(d->probe, d->netns);
	if (r && r != -EOPNOTSUPP && r != -ENODEV)
		log_line("app-fw: " PROBE_BPFFS ": %s: no verdict cache", strerror(-r));
	return 0;
}

static int start_queue(struct daemon *d, enum chain chain, uint16_t number)
{
	struct queue_options options = {
		.number = number,
		.chain = chain,
		.batch_count = d->options.batch_count,
		.batch_wait_ns = d->options.batch_wait_ns,
		.copy_bytes = d->copy_bytes,
		.max_length = QUEUE_LENGTH,
	};
	struct loop *loop = data_threads_loop(d->threads, number - d->options.queue[chain].first);
	int r = queue_open(loop, &options, &d->stats, judge_packet, judge_before, d->judge,
			   &d->queues[d->n_queues]);

	if (r == -EBUSY)
		log_line("app-fw: queue %u (%s) is in use by another program", number,
			 chain_name(chain));
	else if (r)
		log_line("app-fw: queue %u (%s): %s", number, chain_name(chain), strerror(-r));
	else
		d->n_queues++;
	return r;
}

static int start_queues(struct daemon *d)
{
	d->copy_bytes = d->options.partial_read ? COPY_PARTIAL : COPY_BYTES;
	for (int c = 0; c < CHAIN_COUNT; c++)
		for (unsigned int n = d->options.queue[c].first; n <= d->options.queue[c].last;
		     n++) {
			int r = start_queue(d, c, n);

			if (r)
				return r;
		}
	return 0;
}

static int run_threads(struct daemon *d)
{
	int r = data_threads_start(d->threads, d->options.pin);

	return r ? fail("data threads", r) : 0;
}

static int start_log(struct daemon *d)
{
	int r = log_start();

	(void)d;
	return r ? fail("log thread", r) : 0;
}

static void *run_control(void *arg)
{
	struct daemon *d = arg;

	loop_serve(d->control_loop, "requests");
	return NULL;
}

static int start_control(struct daemon *d)
{
	int r = command_start(d);

	r = r ? r : command_start_mode(d);
	r = r ? r : patch_watch_new(d, &d->patch_watch);
	if (r)
		return fail("control timer", r);
	r = control_open(d->control_loop, d->options.socket, command_handle, d, &d->control);
	if (r == -EADDRINUSE) {
		log_line("app-fw: %s: another app-fw answers there", d->options.socket);
		return r;
	}
	if (r)
		return fail(d->options.socket, r);
	r = -pthread_create(&d->control_thread, NULL, run_control, d);
	d->control_running = !r;
	return r ? fail("control thread", r) : 0;
}

static void stop_control(void *cookie)
{
	struct daemon *d = cookie;

	control_close(d->control);
	d->control = NULL;
	loop_stop(d->control_loop);
}

static void stop_data(void *cookie)
{
	struct daemon *d = cookie;

	loop_stop(d->loop);
}

/* By a thread of its own: the metrics wait for the control thread, and that for the data thread. */
static void *stop_all(void *cookie)
{
	struct daemon *d = cookie;

	metrics_close(d->metrics);
	d->metrics = NULL;
	mailbox_call(d->control_mailbox, stop_control, d);
	mailbox_call(d->mailbox, stop_data, d);
	return NULL;
}

/* By the control thread. */
static void on_signal(void *cookie, uint32_t events)
{
	struct daemon *d = cookie;
	struct signalfd_siginfo info;
	int r;

	(void)events;
	if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		command_reload(d);
	} else if (!d->stopping) {
		r = pthread_create(&d->stopper, NULL, stop_all, d);
		d->stopping = !r;
		if (r)
			log_line("app-fw: cannot start a thread: %s", strerror(r));
	}
}

static int start_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0 ? fail("signals", -errno) : 0;
}

struct heed {
	struct daemon *d;
	int r;
};

static void heed_signals(void *cookie)
{
	struct heed *h = cookie;
	struct daemon *d = h->d;

	if (!loop_add_fd(d->control_loop, d->signal_fd, EPOLLIN, on_signal, d))
		h->r = fail("signals", -errno);
}

static void mend_losses(struct daemon *d)
{
	unsigned int needs = health_check(d->health, clock_monotonic_ns());

	if (needs)
		judge_revoke(d->judge);
	if (needs & HEALTH_RESCAN)
		scanner_request(d->scanner);
	if (needs & HEALTH_DISTRUST)
		processes_distrust(d->processes);
}

/* What had ended a while before the first packet that is not judged yet was queued: that can be
 * long ago, when this daemon was stopped or is behind. */
static void expire_processes(struct daemon *d)
{
	uint64_t judged_ns = clock_boot_ns();

	for (size_t i = 0; i < d->n_queues; i++)
		if (queue_judged_ns(d->queues[i]) < judged_ns)
			judged_ns = queue_judged_ns(d->queues[i]);
	if (judged_ns > REAP_AGE_NS)
		processes_expire(d->processes, judged_ns - REAP_AGE_NS);
}

static void on_tick(void *cookie)
{
	struct daemon *d = cookie;

	judge_catch_up(d->judge);
	for (size_t i = 0; i < d->n_queues; i++)
		queue_poll(d->queues[i]);
	expire_processes(d);
	scripts_expire(d->scripts);
	inspect_expire(d->inspect, clock_monotonic_ns());
	mend_losses(d);
	cache_fold(d->cache);
	loop_arm(d->tick, EXPIRE_NS);
}

static int start_tick(struct daemon *d)
{
	d->tick = loop_add_timer(d->loop, on_tick, d);
	if (!d->tick)
		return fail("timer", -ENOMEM);
	loop_arm(d->tick, EXPIRE_NS);
	return 0;
}

static int daemon_start(struct daemon *d)
{
	static int (*const steps[])(struct daemon * d) = {
		begin_clock,   start_rules,	  start_loops,	start_threads, start_signals,
		start_metrics, witness_open,	  start_probes, start_judge,   start_pins,
		start_queues,  command_sig_start, start_tick,	start_clock,   run_threads,
		start_log,     start_control,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = steps[i](d);

		if (r)
			return r;
	}
	return 0;
}

/* In the order in which parts use each other; what was not started is NULL. */
static void daemon_stop(struct daemon *d)
{
	bool idle;

	if (d->threads)
		data_threads_stop(d->threads);
	if (d->control_running)
		pthread_join(d->control_thread, NULL);
	if (d->stopping)
		pthread_join(d->stopper, NULL);
	metrics_close(d->metrics);
	control_close(d->control);
	judge_free(d->judge);
	cache_free(d->cache);
	witness_stop(d);
	learn_free(d->learn);
	inspect_free(d->inspect);
	command_sig_stop(d);
	while (d->n_queues)
		queue_close(d->queues[--d->n_queues]);
	reject_close(d->reject);
	owner_free(d->owner);
	portless_close(d->portless);
	health_free(d->health);
	scanner_free(d->scanner);
	idle = scripts_free(d->scripts);
	processes_free(d->processes);
	if (objects_free(d->objects) && idle)
		probe_close(d->probe);
	mailbox_free(d->mailbox);
	mailbox_free(d->control_mailbox);
	data_threads_free(d->threads);
	loop_free(d->loop);
	loop_free(d->control_loop);
	patch_watch_free(d->patch_watch);
	trial_end(&d->trial);
	ruleset_unref(d->rules);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}

static void announce(const struct daemon *d)
{
	puts("ready");
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=%s, %zu queues",
		   d->mode == MODE_MONITOR ? "monitoring" : "enforcing", d->n_queues);
}

/* Whoever wants it to end may say so once all of it has begun. */
static void run(struct daemon *d)
{
	struct heed heed = {.d = d};

	metrics_serve(d->metrics);
	mailbox_call(d->control_mailbox, heed_signals, &heed);
	if (heed.r) {
		/* No way to stop the control thread: it may wait for this one already. */
		log_stop();
		_exit(EXIT_REFUSED);
	}
	announce(d);
	loop_serve(d->loop, "packets");
}

int main(int argc, char **argv)
{
	static struct daemon d = {.signal_fd = -1};
	int r = options_parse(argc, argv, &d.options);

	if (r)
		return r < 0 ? EXIT_USAGE : 0;
	if (d.options.sig_test)
		return sig_test_run(&d.options.test);
	/* The text of many rules goes back when it is freed. By itself glibc would, after the first
	 * such buffer, take the next from the heap, and keep it (mallopt(3)). */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	r = daemon_start(&d);
	if (!r) {
		run(&d);
		sd_notify(0, "STOPPING=1");
	}
	daemon_stop(&d);
	log_stop();
	return r ? EXIT_REFUSED : 0;
}
