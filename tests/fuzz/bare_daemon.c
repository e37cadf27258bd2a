/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare_daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bare_loop.h"
#include "fuzz.h"
#include "fw/command.h"
#include "fw/command_mode.h"
#include "fw/command_sig.h"

/* Some day in 2026, and a host that has been up for a while. */
#define REAL_NS	     1790000000000000000ull
#define MONOTONIC_NS 86400000000000ull

/* --- What the control side asks of the rest --- */

uint64_t clock_real_ns(void)
{
	return REAL_NS;
}

uint64_t clock_monotonic_ns(void)
{
	return MONOTONIC_NS;
}

uint64_t clock_boot_ns(void)
{
	return MONOTONIC_NS;
}

uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz)
{
	(void)hz;
	return ticks;
}

const char *clock_source_name(enum clock_source s)
{
	(void)s;
	return "none";
}

void mailbox_call(struct mailbox *m, void (*fn)(void *cookie), void *cookie)
{
	(void)m;
	fn(cookie);
}

/* There are no queues. */
void data_threads_each(struct data_threads *t, void (*fn)(void *cookie, struct loop *loop),
		       void *cookie)
{
	(void)t;
	fn(cookie, NULL);
}

/* What packets would be judged by. */
static struct ruleset *in_force;

struct ruleset *judge_set_rules(struct judge *j, struct ruleset *rules)
{
	struct ruleset *before = in_force;

	(void)j;
	in_force = ruleset_ref(rules);
	return before;
}

void judge_set_mode(struct judge *j, enum mode mode)
{
	(void)j;
	(void)mode;
}

void judge_set_learn(struct judge *j, struct learn *learn)
{
	(void)j;
	(void)learn;
}

void judge_set_inspect(struct judge *j, struct inspect *inspect)
{
	(void)j;
	(void)inspect;
}

struct loop *queue_loop(const struct queue *q)
{
	(void)q;
	return NULL;
}

int queue_copy(struct queue *q, uint32_t bytes)
{
	(void)q;
	(void)bytes;
	return 0;
}

/* Nobody has anything mapped. */
int probe_scan_mappings(struct probe *p, uint32_t tgid, struct vma_rec *out, size_t max)
{
	(void)p;
	(void)tgid;
	(void)out;
	(void)max;
	return 0;
}

struct object *objects_find(struct objects *o, const struct object_key *key)
{
	(void)o;
	(void)key;
	return NULL;
}

struct object *objects_add(struct objects *o, const struct object_key *key, struct place *place,
			   bool ahead)
{
	(void)o;
	(void)key;
	(void)place;
	(void)ahead;
	return NULL;
}

size_t tally_copy(struct tally *t, struct tally_row out[BINARIES_MAX])
{
	(void)t;
	(void)out;
	return 0;
}

json_t *tally_json(const struct tally_row *row)
{
	(void)row;
	return json_object();
}

uint64_t events_left_out(const struct events *e)
{
	(void)e;
	return 0;
}

size_t judge_held(const struct judge *j)
{
	(void)j;
	return 0;
}

/* Every other process is there. */
int judge_report(struct judge *j, uint32_t pid, bool final, json_t **out)
{
	(void)j;
	(void) final;
	if (pid % 2)
		return -ESRCH;
	*out = json_pack("{s:i}", "pid", pid);
	return 0;
}

int judge_explain(struct judge *j, uint32_t pid, enum chain chain, const struct packet *p,
		  bool final, json_t **out)
{
	char text[PACKET_TEXT_LEN];

	packet_format(p, text);
	fuzz_expect((unsigned int)chain < CHAIN_COUNT, "a chain");
	return judge_report(j, pid, final, out);
}

json_t *health_report(const struct health *h, uint64_t now_ns)
{
	(void)h;
	(void)now_ns;
	return json_array();
}

enum note_source probe_note_source(const struct probe *p)
{
	(void)p;
	return NOTE_BY_NOBODY;
}

int probe_note_error(const struct probe *p)
{
	(void)p;
	return 0;
}

bool probe_traces_calls(const struct probe *p)
{
	(void)p;
	return false;
}

/* There is no cache, nor a kernel that could have one. */
void probe_cache_maps(const struct probe *p, struct probe_cache *out)
{
	(void)p;
	*out = (struct probe_cache){.classes = -1};
}

int probe_cache_pin(struct probe *p, uint64_t netns)
{
	(void)p;
	(void)netns;
	return -EOPNOTSUPP;
}

void probe_cache_unpin(struct probe *p)
{
	(void)p;
}

const char *probe_cache_pins(const struct probe *p)
{
	(void)p;
	return NULL;
}

void probe_cache_path(const char *folder, enum cache_hook hook, enum cache_verdict v,
		      char out[PROBE_PIN_MAX])
{
	snprintf(out, PROBE_PIN_MAX, "%s/%d%d", folder, (int)hook, (int)v);
}

size_t probe_count_procs(const struct probe *p)
{
	(void)p;
	return 0;
}

size_t probe_reap_socks(struct probe *p)
{
	(void)p;
	return 0;
}

uint64_t probe_counter(const struct probe *p, enum probe_counter which)
{
	(void)p;
	(void)which;
	return 0;
}

uint64_t probe_missed(const struct probe *p)
{
	(void)p;
	return 0;
}

size_t objects_count(const struct objects *o)
{
	(void)o;
	return 0;
}

uint64_t scanner_count(const struct scanner *s)
{
	(void)s;
	return 0;
}

const struct queue_options *queue_options(const struct queue *q)
{
	(void)q;
	return NULL;
}

/* --- The daemon --- */

static struct daemon the_daemon;
static char folder[] = "/tmp/afw-fuzz.XXXXXX", path[sizeof(folder) + sizeof("/sock")];

static void end(void)
{
	control_close(the_daemon.control);
	loop_free(the_daemon.control_loop);
	event_log_free(the_daemon.event_log);
	learn_free(the_daemon.learn);
	inspect_free(the_daemon.inspect);
	command_sig_stop(&the_daemon);
	ruleset_unref(the_daemon.rules);
	ruleset_unref(in_force);
	rmdir(folder);
}

static void start(struct daemon *d)
{
	int r;

	fuzz_expect(mkdtemp(folder), "a folder for the socket");
	snprintf(path, sizeof(path), "%s/sock", folder);
	d->options.socket = path;
	d->control_loop = loop_new();
	d->event_log = event_log_new(16, 4096);
	fuzz_expect(d->event_log, "memory");
	r = inspect_new(&stream_limits_default, d->options.inspect_closed, &d->stats, &d->inspect);
	fuzz_expect(r == 0, "memory");
	r = control_open(d->control_loop, path, command_handle, d, &d->control);
	fuzz_expect(r == 0, "a socket at %s: %d", path, r);
	fuzz_expect(command_start(d) == 0 && command_start_mode(d) == 0, "timers");
	atexit(end);
}

struct daemon *bare_daemon(void)
{
	struct daemon *d = &the_daemon;

	if (!d->control) {
		d->rules = ruleset_new(d->options.policy, d->options.unknown, d->options.kernel);
		start(d);
	}
	bare_daemon_reset(d);
	return d;
}

void bare_daemon_reset(struct daemon *d)
{
	struct ruleset *rules =
		ruleset_new(d->options.policy, d->options.unknown, d->options.kernel);

	fuzz_expect(rules, "memory");
	command_end_trial(d);
	learn_free(d->learn);
	d->learn = NULL;
	inspect_use(d->inspect, NULL);
	command_sig_stop(d);
	d->learning = false;
	command_publish(d, rules);
	command_publish_mode(d, MODE_ENFORCE);
}
