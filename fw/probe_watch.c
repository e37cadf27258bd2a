// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define UNUSED_NS 10000000000 /* so long it is kept although it does not matter; and */
#define START_NS  2000000000  /* of system calls, after the start, if it has not mattered yet */
#define TEND_NS	  1000000000

static const char *const programs[WATCH_KINDS] = {
	[WATCH_TAKING] = "exit_pidfd_getfd",
	[WATCH_RECEIVING] = "message_received",
};

/* Tells the kernel side whether it is traced. When that last mattered, CLOCK_BOOTTIME; or -errno.
 * What a program of this kind answers comes back in its argument. */
static int64_t tell(const struct probe *p, enum watch_kind kind, bool traced)
{
	struct watch_args args = {.kind = kind, .traced = traced};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(p->watch_calls, &opts);

	return r ? r : (int64_t)args.used_ns;
}

bool probe_watch_has(const struct bpf_program *prog)
{
	for (int k = 0; k < WATCH_KINDS; k++)
		if (!strcmp(bpf_program__name(prog), programs[k]))
			return true;
	return false;
}

static void detach(struct probe *p, enum watch_kind kind)
{
	bpf_link__destroy(p->watch[kind].link);
	p->watch[kind].link = NULL;
}

/* If this kernel needs the program. */
static int attach(struct probe *p, enum watch_kind kind)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->object, programs[kind]);

	if (!prog)
		return -EBADF;
	if (!bpf_program__autoload(prog))
		return 0;
	p->watch[kind].link = bpf_program__attach(prog);
	return p->watch[kind].link ? 0 : -errno;
}

static int begin(struct probe *p, enum watch_kind kind)
{
	int64_t r = attach(p, kind);

	r = r ? r : tell(p, kind, true);
	if (r < 0) {
		detach(p, kind);
		return (int)r;
	}
	__atomic_store_n(&p->watch[kind].since_ns, clock_boot_ns(), __ATOMIC_RELEASE);
	return 0;
}

/* First nobody relies on it any more. */
static void end(struct probe *p, enum watch_kind kind)
{
	__atomic_store_n(&p->watch[kind].since_ns, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->watch[kind].wanted, false, __ATOMIC_RELAXED);
	p->watch[kind].at_start = false;
	tell(p, kind, false);
	detach(p, kind);
}

int probe_watch_start(struct probe *p)
{
	int r = 0;

	for (enum watch_kind k = 0; k < WATCH_KINDS && !r; k++) {
		r = begin(p, k);
		p->watch[k].at_start = k == WATCH_TAKING;
	}
	return r;
}

/* Whether it has not mattered for so long that all who pay for it need no longer. */
static bool is_unused(struct probe *p, enum watch_kind kind)
{
	int64_t used_ns = tell(p, kind, true), since_ns = (int64_t)p->watch[kind].since_ns;

	if (used_ns > since_ns)
		p->watch[kind].at_start = false;
	return used_ns + (p->watch[kind].at_start ? START_NS : UNUSED_NS) <
	       (int64_t)clock_boot_ns();
}

/* Returns whether there will be something to do. */
static bool tend(struct probe *p, enum watch_kind kind)
{
	bool wanted = __atomic_load_n(&p->watch[kind].wanted, __ATOMIC_RELAXED);
	int r = 0;

	if (!p->watch[kind].since_ns && wanted)
		r = begin(p, kind);
	else if (p->watch[kind].since_ns && is_unused(p, kind))
		end(p, kind);
	if (r)
		log_line("app-fw: %s cannot be traced: %s", programs[kind], strerror(-r));
	return p->watch[kind].since_ns || r;
}

uint64_t probe_watch_tend(struct probe *p)
{
	bool more = false;

	for (enum watch_kind k = 0; k < WATCH_KINDS && !p->calls_give; k++)
		more |= tend(p, k);
	return more ? TEND_NS : 0;
}

void probe_watch_stop(struct probe *p)
{
	for (enum watch_kind k = 0; k < WATCH_KINDS; k++)
		detach(p, k);
}

static bool counts(const struct probe *p, enum watch_kind kind, uint64_t began_ns)
{
	uint64_t since_ns = __atomic_load_n(&p->watch[kind].since_ns, __ATOMIC_ACQUIRE);

	return !__atomic_load_n(&p->watch[kind].wanted, __ATOMIC_RELAXED) ||
	       (since_ns && began_ns > since_ns);
}

bool probe_scan_counts(const struct probe *p, uint64_t began_ns)
{
	return counts(p, WATCH_TAKING, began_ns) && counts(p, WATCH_RECEIVING, began_ns);
}

void probe_watch_wanted(struct probe *p, uint64_t kinds)
{
	for (enum watch_kind k = 0; k < WATCH_KINDS && !p->calls_give; k++)
		if (kinds >> k & 1)
			__atomic_store_n(&p->watch[k].wanted, true, __ATOMIC_RELAXED);
}

bool probe_traces_calls(const struct probe *p)
{
	return p->calls_map || p->calls_give ||
	       __atomic_load_n(&p->watch[WATCH_TAKING].since_ns, __ATOMIC_RELAXED);
}
