// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define UNUSED_NS 10000000000 /* so long it is kept although it does not matter */
#define TEND_NS	  2000000000

/* Tells the kernel side whether it is traced. When that last mattered, CLOCK_BOOTTIME; or -errno.
 * What a program of this kind answers comes back in its argument. */
static int64_t tell(const struct probe *p, bool traced)
{
	struct watch_args args = {.traced = traced};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(p->watch_calls, &opts);

	return r ? r : (int64_t)args.used_ns;
}

static const char *const programs[WATCH_LINKS] = {"exit_pidfd_getfd", "message_received"};

bool probe_watch_has(const struct bpf_program *prog)
{
	for (int i = 0; i < WATCH_LINKS; i++)
		if (!strcmp(bpf_program__name(prog), programs[i]))
			return true;
	return false;
}

static void detach(struct probe *p)
{
	for (int i = 0; i < WATCH_LINKS; i++) {
		bpf_link__destroy(p->watch[i]);
		p->watch[i] = NULL;
	}
}

/* Those that this kernel needs. */
static int attach(struct probe *p)
{
	for (int i = 0; i < WATCH_LINKS; i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(p->object, programs[i]);

		if (!prog)
			return -EBADF;
		if (!bpf_program__autoload(prog))
			continue;
		p->watch[i] = bpf_program__attach(prog);
		if (!p->watch[i])
			return -errno;
	}
	return 0;
}

static int begin(struct probe *p)
{
	int64_t r = attach(p);

	r = r ? r : tell(p, true);
	if (r < 0) {
		detach(p);
		return (int)r;
	}
	__atomic_store_n(&p->watched_ns, clock_boot_ns(), __ATOMIC_RELEASE);
	return 0;
}

/* First nobody relies on it any more. */
static void end(struct probe *p)
{
	__atomic_store_n(&p->watched_ns, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->watch_wanted, false, __ATOMIC_RELAXED);
	tell(p, false);
	detach(p);
}

int probe_watch_start(struct probe *p)
{
	return begin(p);
}

uint64_t probe_watch_tend(struct probe *p)
{
	bool wanted = __atomic_load_n(&p->watch_wanted, __ATOMIC_RELAXED);
	int r = 0;

	if (p->calls_give)
		return 0;
	if (!p->watched_ns && wanted)
		r = begin(p);
	else if (p->watched_ns && tell(p, true) + UNUSED_NS < (int64_t)clock_boot_ns())
		end(p);
	if (r)
		log_line("app-fw: pidfd_getfd(2) cannot be traced: %s", strerror(-r));
	return p->watched_ns || r ? TEND_NS : 0;
}

void probe_watch_stop(struct probe *p)
{
	detach(p);
}

bool probe_scan_counts(const struct probe *p, uint64_t began_ns)
{
	uint64_t watched_ns = __atomic_load_n(&p->watched_ns, __ATOMIC_ACQUIRE);

	return !__atomic_load_n(&p->watch_wanted, __ATOMIC_RELAXED) ||
	       (watched_ns && began_ns > watched_ns);
}

void probe_watch_wanted(struct probe *p)
{
	if (!p->calls_give)
		__atomic_store_n(&p->watch_wanted, true, __ATOMIC_RELAXED);
}

bool probe_traces_calls(const struct probe *p)
{
	return p->calls_map || __atomic_load_n(&p->watched_ns, __ATOMIC_RELAXED);
}
