// SPDX-License-Identifier: GPL-2.0-or-later
#include "script.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "clock.h"
#include "common/cleanup.h"
#include "path_text.h"
#include "script_file.h"

#define THREADS	     4
#define QUEUE_MAX    4096
#define STARTED_MAX  65536
#define STARTED_FEW  1024 /* so many are never swept */
#define TRY_AGAIN_NS 1000000000ull

struct started {
	struct script_start start; /* what threads look at */
	/* The loop's own. */
	struct script script;
	char *path; /* as found */
	int error;  /* of the last look: why it is not known */
	bool asked, done;
	uint64_t done_ns;
	unsigned int n_looks; /* under way */
	bool used;	      /* scripts_expire's */
	UT_hash_handle hh;
};

struct look {
	struct started *of;
	uint32_t pid; /* of the process that did the execve, or was forked from it since */
	bool wanted;  /* a packet waits for it: it began after that was sent */
	struct script_found found;
	struct look *next;
};

struct list {
	struct look *first, **last;
};

struct scripts {
	struct started *table;
	struct probe *probe;
	struct script_files *files;
	struct stats *stats;
	void (*settled)(void *cookie);
	void *cookie;
	struct loop_source *source;
	bool watch;
	bool incomplete; /* one could not be put down: that one is missing means nothing */
	size_t sweep_at;
	uint64_t tick_ns; /* how much older than the clock a ctime may be */
	pthread_t threads[THREADS];
	size_t n_threads;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct list waiting, done;
	size_t n_waiting;
	bool stop;
	int wake;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_push(struct list *l, struct look *look)
{
	look->next = NULL;
	*l->last = look;
	l->last = &look->next;
}

static struct look *list_pop(struct list *l)
{
	struct look *look = l->first;

	if (look) {
		l->first = look->next;
		if (!l->first)
			l->last = &l->first;
	}
	return look;
}

static void look_free(struct look *look)
{
	free(look->found.path);
	free(look);
}

static struct look *next_look(struct scripts *s)
{
	while (!s->stop && !s->waiting.first)
		pthread_cond_wait(&s->work, &s->lock);
	if (s->stop)
		return NULL;
	s->n_waiting--;
	return list_pop(&s->waiting);
}

static void *look_thread(void *arg)
{
	struct scripts *s = arg;
	struct look *look;
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	while ((look = next_look(s))) {
		pthread_mutex_unlock(&s->lock);
		script_files_find(s->files, &look->of->start, look->pid, &look->found);
		pthread_mutex_lock(&s->lock);
		list_push(&s->done, look);
		if (write(s->wake, &one, sizeof(one)) < 0)
			continue; /* the counter is full: it is readable already */
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- What was found: on the loop */

static struct started *find(const struct scripts *s, const struct start *id)
{
	struct started *st;

	HASH_FIND(hh, s->table, id, sizeof(*id), st);
	return st;
}

static void started_free(struct started *st)
{
	script_start_clear(&st->start);
	free(st->path);
	free(st);
}

static void forget(struct scripts *s, struct started *st)
{
	HASH_DEL(s->table, st);
	started_free(st);
}

/* Takes st. False: no room. */
static bool add(struct scripts *s, struct started *st)
{
	struct started *old = find(s, &st->start.id);

	if (HASH_COUNT(s->table) >= STARTED_MAX)
		return false;
	if (old && old->n_looks)
		return false;
	if (old)
		forget(s, old);
	HASH_ADD(hh, s->table, start.id, sizeof(st->start.id), st);
	return true;
}

static bool enqueue(struct scripts *s, struct started *st, uint32_t pid, bool wanted)
{
	struct look *look = calloc(1, sizeof(*look));
	bool room;

	if (!look)
		return false;
	look->of = st;
	look->pid = pid;
	look->wanted = wanted;
	pthread_mutex_lock(&s->lock);
	room = s->n_waiting < QUEUE_MAX;
	if (room) {
		list_push(&s->waiting, look);
		s->n_waiting++;
		pthread_cond_signal(&s->work);
	}
	pthread_mutex_unlock(&s->lock);
	if (room)
		st->n_looks++;
	else
		free(look);
	return room;
}

/* What a look has shown: nothing that was changed since the program started is its script. */
static void weigh(const struct scripts *s, struct started *st, const struct look *look)
{
	const struct script_found *found = &look->found;
	bool sure = found->changed_ns < st->start.exec_ns - 2 * s->tick_ns;

	if (found->error || found->changed_ns > st->start.exec_ns) {
		st->error = found->error ? found->error : -ESTALE;
	} else if (look->wanted && found->certain && sure) {
		st->script = (struct script){SCRIPT_KNOWN, found->digest};
	} else {
		st->error = sure && st->start.certain ? 0 : -ESTALE;
		if (st->script.state == SCRIPT_UNKNOWN)
			st->script = (struct script){SCRIPT_SEEN, found->digest};
	}
}

static void settle(struct scripts *s, struct look *look)
{
	struct started *st = look->of;
	enum script_state before = st->script.state;

	st->n_looks--;
	s->stats->counter[COUNT_SCRIPT_LOOKED]++;
	s->stats->counter[COUNT_SCRIPT_HASHED] += look->found.hashed;
	if (before != SCRIPT_KNOWN)
		weigh(s, st, look);
	if (st->script.state > before || !st->path) {
		free(st->path);
		st->path = TAKE_PTR(look->found.path);
	}
	st->done |= look->wanted;
	st->done_ns = clock_monotonic_ns();
}

static void on_done(void *cookie, uint32_t events)
{
	struct scripts *s = cookie;
	struct look *look, *next;
	bool wanted = false;
	uint64_t n;

	(void)events;
	if (read(s->wake, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&s->lock);
	look = s->done.first;
	list_init(&s->done);
	pthread_mutex_unlock(&s->lock);
	for (; look; look = next) {
		next = look->next;
		wanted |= look->wanted;
		settle(s, look);
		look_free(look);
	}
	if (wanted)
		s->settled(s->cookie);
}

static int start_threads(struct scripts *s)
{
	for (; s->n_threads < THREADS; s->n_threads++) {
		int r = pthread_create(&s->threads[s->n_threads], NULL, look_thread, s);

		if (r)
			return -r;
	}
	return 0;
}

struct scripts *scripts_new(struct loop *loop, struct probe *probe, struct stats *stats,
			    void (*settled)(void *cookie), void *cookie)
{
	struct scripts *s = calloc(1, sizeof(*s));
	struct timespec tick;

	if (!s)
		return NULL;
	s->probe = probe;
	s->files = script_files_new(probe);
	s->stats = stats;
	s->settled = settled;
	s->cookie = cookie;
	s->sweep_at = STARTED_FEW;
	clock_getres(CLOCK_REALTIME_COARSE, &tick);
	s->tick_ns = (uint64_t)tick.tv_nsec;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	list_init(&s->waiting);
	list_init(&s->done);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake >= 0)
		s->source = loop_add_fd(loop, s->wake, EPOLLIN, on_done, s);
	if (!s->files || !s->source || start_threads(s)) {
		scripts_free(s);
		return NULL;
	}
	return s;
}

/* False: a thread is stuck in a file system, and what it may touch is left to it. */
static bool stop_threads(struct scripts *s)
{
	struct timespec until;
	bool all = true;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	for (size_t i = 0; i < s->n_threads; i++)
		all &= !pthread_timedjoin_np(s->threads[i], NULL, &until);
	return all;
}

bool scripts_free(struct scripts *s)
{
	struct started *st, *next;
	struct look *look;

	if (!s)
		return true;
	loop_remove_fd(s->source);
	if (!stop_threads(s))
		return false;
	while ((look = list_pop(&s->waiting)) || (look = list_pop(&s->done)))
		look_free(look);
	HASH_ITER(hh, s->table, st, next)
	forget(s, st);
	if (s->wake >= 0)
		close(s->wake);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	script_files_free(s->files);
	free(s);
	return true;
}

void scripts_watch(struct scripts *s, bool watch)
{
	s->watch = watch;
	probe_want_starts(s->probe, watch);
}

/* Takes what the start holds, even if it returns NULL: there is no memory, or no room. */
static struct started *put_down(struct scripts *s, struct script_start *start)
{
	struct started *st = calloc(1, sizeof(*st));

	if (!st) {
		script_start_clear(start);
		return NULL;
	}
	st->start = *start;
	if (add(s, st))
		return st;
	started_free(st);
	return NULL;
}

void scripts_start(struct scripts *s, const struct start_hint *hint)
{
	struct script_start start;
	struct started *st;
	int r = script_start_told(hint, &start);

	if (r == -ENOENT)
		return;
	st = r ? NULL : put_down(s, &start);
	if (!st) {
		s->incomplete = true;
		return;
	}
	st->done = !st->start.name;
	st->error = st->start.name ? 0 : SCRIPT_UNCLEAR;
	if (s->watch && st->start.name)
		enqueue(s, st, st->start.id.tgid, false);
}

static struct started *add_untold(struct scripts *s, uint32_t tgid, const struct proc_rec *rec)
{
	struct script_start start;

	return script_start_untold(tgid, rec, &start) ? NULL : put_down(s, &start);
}

/* The execve that a process had at a stamp. NULL, and in *out what that means. */
static struct started *started_of(struct scripts *s, const struct note_holder *h,
				  struct script *out)
{
	struct started *st;
	struct proc_rec rec;
	struct start id;

	*out = (struct script){.state = SCRIPT_UNKNOWN};
	if (!h->map_stamp || probe_proc_started(s->probe, h->tgid, h->start_ns, &rec))
		return NULL;
	if (h->map_stamp < rec.last_start.stamp)
		return rec.start_before.stamp ? find(s, &rec.start_before) : NULL;
	id = script_start_of(h->tgid, &rec);
	st = find(s, &id);
	if (st)
		return st;
	if (!(rec.flags & PROC_TOLD))
		return add_untold(s, h->tgid, &rec);
	out->state = s->incomplete ? SCRIPT_UNKNOWN : SCRIPT_NONE;
	return NULL;
}

/* Whether another look may find what the last one could not. */
static bool may_pass(const struct started *st)
{
	return (st->error == -EMFILE || st->error == -ENFILE || st->error == -ENOMEM ||
		st->error == -EIO || st->error == -ESRCH) &&
	       clock_monotonic_ns() - st->done_ns > TRY_AGAIN_NS;
}

static int await(struct scripts *s, struct started *st, uint32_t pid, bool final)
{
	if (st->script.state == SCRIPT_KNOWN)
		return 0;
	if (st->done && may_pass(st))
		st->asked = st->done = false;
	if (st->done || final)
		return 0;
	if (!st->asked)
		st->asked = enqueue(s, st, pid, true);
	return st->asked ? -EAGAIN : 0;
}

int scripts_of(struct scripts *s, const struct note_holder *h, bool final, struct script *out)
{
	struct started *st = started_of(s, h, out);
	int r;

	if (!st)
		return 0;
	r = await(s, st, h->tgid, final);
	*out = st->script;
	return r;
}

static const char *why_not(const struct started *st)
{
	if (st->start.id.pad == SCRIPT_ELDER && st->script.state == SCRIPT_SEEN)
		return "the program is older than app-fw, and may have changed what it shows of "
		       "its arguments";
	switch (st->error) {
	case 0:
		return "no packet of it has been judged yet";
	case SCRIPT_UNCLEAR:
		return "its arguments do not say which file it reads";
	case -ESTALE:
		return st->start.certain
			       ? "it, or what its name leads to, may have changed since the "
				 "program started"
			       : "the program's arguments may bring in other code, or are not "
				 "known for certain";
	case -EISDIR:
	case -EMEDIUMTYPE:
		return "it is not a regular file";
	case -EFBIG:
		return "it is larger than 64 MiB";
	case -EXDEV:
		return "its name leads through a link of procfs";
	case -ENOEXEC:
		return "it is a program";
	case -ESRCH:
		return "its process was gone before it was looked at";
	default:
		return strerror(-st->error);
	}
}

static json_t *report(const struct started *st)
{
	static const char *const names[] = {"unknown", "none", "seen", "known"};
	bool known = st->script.state == SCRIPT_KNOWN, has = st->script.state >= SCRIPT_SEEN;
	char hex[SHA256_HEX_LEN + 1] = "";

	if (has)
		hex_format_sha256(&st->script.digest, hex);
	return json_pack("{s:o, s:o, s:s, s:o}", "path",
			 path_text(st->path ? st->path : st->start.name), "sha256",
			 has ? json_string(hex) : json_null(), "state", names[st->script.state],
			 "why", known ? json_null() : json_string(why_not(st)));
}

int scripts_report(struct scripts *s, uint32_t pid, bool final, json_t **out)
{
	struct note_holder h = {.tgid = pid};
	struct script script;
	struct started *st;
	struct proc_rec rec;
	int r;

	if (probe_proc(s->probe, pid, &rec))
		return -ESRCH;
	h.start_ns = rec.start_ns;
	h.map_stamp = rec.map_stamp;
	st = started_of(s, &h, &script);
	r = st ? await(s, st, pid, final) : 0;
	if (r)
		return r;
	if (st)
		*out = report(st);
	else if (script.state == SCRIPT_NONE)
		*out = json_null();
	else
		*out = json_pack("{s:n, s:n, s:s, s:s}", "path", "sha256", "state", "unknown",
				 "why", "what the program was started with is not known");
	return 0;
}

static void mark(struct scripts *s, const struct start *id)
{
	struct started *st = find(s, id);

	if (st)
		st->used = true;
}

static void mark_process(void *cookie, uint32_t tgid, const struct proc_rec *rec)
{
	struct scripts *s = cookie;
	struct start id = script_start_of(tgid, rec);

	mark(s, &id);
	mark(s, &rec->start_before);
}

/* Walks all processes, so only when the table has doubled since. */
void scripts_expire(struct scripts *s)
{
	struct started *st, *next;

	if (HASH_COUNT(s->table) < s->sweep_at)
		return;
	probe_each_proc(s->probe, mark_process, s);
	HASH_ITER(hh, s->table, st, next)
	{
		if (!st->used && !st->n_looks)
			forget(s, st);
		else
			st->used = false;
	}
	s->sweep_at = 2 * HASH_COUNT(s->table);
	if (s->sweep_at < STARTED_FEW)
		s->sweep_at = STARTED_FEW;
}
