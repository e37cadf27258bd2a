// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define UNUSED_NS 10000000000 /* so long it is kept although it does not matter; and */
#define START_NS  2000000000  /* after the start, if it has not mattered yet */
#define TEND_NS	  1000000000
#define PROGRAM	  "exit_pidfd_getfd"

/* Tells the kernel side whether it is traced. When that last mattered, CLOCK_BOOTTIME; or -errno.
 * What a program of this kind answers comes back in its argument. */
static int64_t tell(const struct probe *p, bool traced)
{
	struct watch_args args = {.traced = traced};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(p->watch_calls, &opts);

	return r ? r : (int64_t)args.used_ns;
}

bool probe_watch_has(const struct bpf_program *prog)
{
	return !strcmp(bpf_program__name(prog), PROGRAM);
}

static void detach(struct probe *p)
{
	bpf_link__destroy(p->watch.link);
	p->watch.link = NULL;
}

/* If this kernel needs the program. */
static int attach(struct probe *p)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->object, PROGRAM);

	if (!prog)
		return -EBADF;
	if (!bpf_program__autoload(prog))
		return 0;
	p->watch.link = bpf_program__attach(prog);
	return p->watch.link ? 0 : -errno;
}

static int begin(struct probe *p)
{
	int64_t r = attach(p);

	r = r ? r : tell(p, true);
	if (r < 0) {
		detach(p);
		return (int)r;
	}
	__atomic_store_n(&p->watch.since_ns, clock_boot_ns(), __ATOMIC_RELEASE);
	return 0;
}

/* First nobody relies on it any more. */
static void end(struct probe *p)
{
	__atomic_store_n(&p->watch.since_ns, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->watch.wanted, false, __ATOMIC_RELAXED);
	p->watch.at_start = false;
	tell(p, false);
	detach(p);
}

int probe_watch_start(struct probe *p)
{
	p->watch.at_start = true;
	return begin(p);
}

/* Whether it has not mattered for so long that all who pay for it need no longer. */
static bool is_unused(struct probe *p)
{
	int64_t used_ns = tell(p, true);

	if (used_ns > (int64_t)p->watch.since_ns)
		p->watch.at_start = false;
	return used_ns + (p->watch.at_start ? START_NS : UNUSED_NS) < (int64_t)clock_boot_ns();
}

uint64_t probe_watch_tend(struct probe *p)
{
	bool wanted = __atomic_load_n(&p->watch.wanted, __ATOMIC_RELAXED);
	int r = 0;

	if (p->calls_give)
		return 0;
	if (!p->watch.since_ns && wanted)
		r = begin(p);
	else if (p->watch.since_ns && is_unused(p))
		end(p);
	if (r)
		log_line("app-fw: pidfd_getfd(2) cannot be traced: %s", strerror(-r));
	return p->watch.since_ns || r ? TEND_NS : 0;
}

void probe_watch_stop(struct probe *p)
{
	detach(p);
}

bool probe_scan_counts(const struct probe *p, uint64_t began_ns)
{
	uint64_t since_ns = __atomic_load_n(&p->watch.since_ns, __ATOMIC_ACQUIRE);

	return !__atomic_load_n(&p->watch.wanted, __ATOMIC_RELAXED) ||
	       (since_ns && began_ns > since_ns);
}

void probe_watch_wanted(struct probe *p)
{
	if (!p->calls_give)
		__atomic_store_n(&p->watch.wanted, true, __ATOMIC_RELAXED);
}

bool probe_traces_calls(const struct probe *p)
{
	return p->calls_map || p->calls_give ||
	       __atomic_load_n(&p->watch.since_ns, __ATOMIC_RELAXED);
}
