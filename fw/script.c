// SPDX-License-Identifier: GPL-2.0-or-later
#include "script.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "clock.h"
#include "common/cleanup.h"
#include "digest.h"
#include "interpreter.h"
#include "path_text.h"
#include "trail.h"

#define THREADS	     4
#define QUEUE_MAX    4096
#define STARTED_MAX  65536
#define STARTED_FEW  1024 /* so many are never swept */
#define DIGESTS	     1024 /* power of two */
#define CMDLINE_MAX  8192
#define ELDER	     1 /* start.pad: of a process older than the probes; the stamp is its start_ns */
#define TRY_AGAIN_NS 1000000000ull

#define E_UNCLEAR -EINVAL /* its arguments leave open which file it reads */

/* An execve that has a script, or may have. What a look reads is not changed after it was made. */
struct started {
	struct start id;
	char *args;		 /* the script's name as it was given; NULL: as /proc shows it */
	struct folder cwd, root; /* owned paths */
	uint64_t exec_ns;	 /* CLOCK_REALTIME */
	bool certain;		 /* that is its name, and nothing else was named */
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
	bool certain; /* the name is the one that the program was started with */
	int error;
	bool hashed;
	struct sha256 digest;
	uint64_t changed_ns;
	char *path;
	struct look *next;
};

struct list {
	struct look *first, **last;
};

struct known_digest {
	struct object_key key; /* size 0: none */
	struct sha256 digest;
};

struct scripts {
	struct started *table;
	struct probe *probe;
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
	struct list todo, done;
	size_t n_todo;
	bool stop;
	int wake;
	struct known_digest digests[DIGESTS];
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
	free(look->path);
	free(look);
}

static bool same_start(const struct start *a, const struct start *b)
{
	return a->stamp == b->stamp && a->tgid == b->tgid && a->pad == b->pad;
}

static struct start start_of(uint32_t tgid, const struct proc_rec *rec)
{
	if (rec->last_start.stamp)
		return rec->last_start;
	return (struct start){.stamp = rec->start_ns, .tgid = tgid, .pad = ELDER};
}

/* --- Looking: on the threads */

/* Whether its number still stands for a process with that program. */
static bool is_still(const struct scripts *s, const struct look *look)
{
	struct proc_rec rec;
	struct start now;

	if (probe_proc(s->probe, look->pid, &rec) || (rec.flags & PROC_EXITED))
		return false;
	now = start_of(look->pid, &rec);
	return same_start(&now, &look->of->id);
}

static ssize_t read_proc(uint32_t pid, const char *name, char *out, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t have = 0;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (have < size && (n = read(fd, out + have, size - have)) > 0)
		have += (size_t)n;
	return n < 0 ? -errno : (ssize_t)have;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* As the process shows its arguments now: it may have written over them. */
static int name_by_proc(uint32_t pid, char name[PATH_MAX])
{
	char args[CMDLINE_MAX], exe[PATH_MAX], link[32];
	ssize_t n = read_proc(pid, "cmdline", args, sizeof(args)), m;
	const char *path;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	m = readlink(link, exe, sizeof(exe) - 1);
	if (n < 0 || m < 0)
		return -ESRCH;
	exe[m] = 0;
	interpreter_script(last_name(exe), args, (size_t)n, (size_t)n == sizeof(args), &path);
	if (!path)
		return E_UNCLEAR;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(name, path);
	return 0;
}

/* The number of the descriptor that a name stands for, or -1. */
static int named_descriptor(const char *name)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/",
					      "/proc/thread-self/fd/"};

	if (strcmp(name, "/dev/stdin") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *number = name + strlen(folders[i]);

		if (strncmp(name, folders[i], strlen(folders[i])) == 0 &&
		    isdigit((unsigned char)*number) && strlen(number) < 8 &&
		    number[strspn(number, "0123456789")] == 0)
			return atoi(number);
	}
	return -1;
}

/* What a process has at a descriptor may have come there since: nothing is shown by this. */
static int open_descriptor(uint32_t pid, int number, uint64_t *changed_ns)
{
	_cleanup_close_ int fd = -1;
	char link[64];
	struct stat st;

	snprintf(link, sizeof(link), "/proc/%u/fd/%d", pid, number);
	fd = open(link, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EMEDIUMTYPE;
	*changed_ns = trail_ctime_ns(&st);
	return TAKE_FD(fd);
}

/* pid 0: the folders are looked for among our own mounts. */
static int open_by_name(const struct started *st, uint32_t pid, const char *name,
			uint64_t *changed_ns)
{
	_cleanup_close_ int root = trail_folder(pid, "root", &st->root), cwd = -1;

	if (root < 0)
		return root;
	cwd = *name == '/' ? -1 : trail_folder(pid, "cwd", &st->cwd);
	if (*name != '/' && cwd < 0)
		return cwd;
	return trail_follow(root, cwd, name, changed_ns);
}

/*
 * With the last process of a mount namespace its mounts go, and names lead to what was under them:
 * what was found from the folders of a process counts if it was there to the end.
 */
static int open_named(const struct scripts *s, struct look *look, const char *name)
{
	int fd = open_by_name(look->of, look->pid, name, &look->changed_ns);

	if (is_still(s, look))
		return fd;
	if (fd >= 0)
		close(fd);
	return open_by_name(look->of, 0, name, &look->changed_ns);
}

/* O_PATH, of a regular file; or -errno. */
static int find_file(const struct scripts *s, struct look *look)
{
	const struct started *st = look->of;
	char shown[PATH_MAX];
	const char *name = st->args ? st->args : shown;
	int number, fd, r = st->args ? 0 : name_by_proc(look->pid, shown);

	look->certain = st->certain;
	if (r)
		return r;
	number = named_descriptor(name);
	if (number < 0)
		return open_named(s, look, name);
	look->certain = false;
	fd = open_descriptor(look->pid, number, &look->changed_ns);
	if (fd < 0 || is_still(s, look))
		return fd;
	close(fd);
	return -ESRCH;
}

static struct object_key key_of(const struct stat *st)
{
	return (struct object_key){.ino = st->st_ino,
				   .ctime_ns = trail_ctime_ns(st),
				   .size = (uint64_t)st->st_size,
				   .dev = (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev))};
}

static struct known_digest *slot_of(struct scripts *s, const struct object_key *key)
{
	uint64_t h =
		abi_mix(abi_mix(key->ino, key->ctime_ns), key->size ^ (uint64_t)key->dev << 32);

	return &s->digests[h & (DIGESTS - 1)];
}

static bool recall(struct scripts *s, const struct object_key *key, struct sha256 *out)
{
	const struct known_digest *k = slot_of(s, key);
	bool found;

	pthread_mutex_lock(&s->lock);
	found = key->size && memcmp(&k->key, key, sizeof(*key)) == 0;
	if (found)
		*out = k->digest;
	pthread_mutex_unlock(&s->lock);
	return found;
}

static void keep(struct scripts *s, const struct object_key *key, const struct sha256 *digest)
{
	pthread_mutex_lock(&s->lock);
	*slot_of(s, key) = (struct known_digest){*key, *digest};
	pthread_mutex_unlock(&s->lock);
}

static int hash_file(struct scripts *s, int fd, struct look *look)
{
	struct object_key key, after;
	uint64_t moved_ns; /* nobody watches it */
	struct stat st;
	char magic[4];
	int r;

	if (fstat(fd, &st))
		return -errno;
	if ((uint64_t)st.st_size > SCRIPT_BYTES_MAX)
		return -EFBIG;
	if (pread(fd, magic, 4, 0) == 4 && memcmp(magic, "\177ELF", 4) == 0)
		return -ENOEXEC;
	key = key_of(&st);
	if (key.ctime_ns > look->changed_ns)
		look->changed_ns = key.ctime_ns;
	if (recall(s, &key, &look->digest))
		return 0;
	r = digest_version(fd, false, &moved_ns, &look->digest); /* later changes: changed_ns */
	if (r)
		return r;
	if (fstat(fd, &st))
		return -errno;
	after = key_of(&st);
	if (memcmp(&after, &key, sizeof(key)) != 0)
		return -ESTALE;
	look->hashed = true;
	keep(s, &key, &look->digest);
	return 0;
}

static void look_at(struct scripts *s, struct look *look)
{
	_cleanup_close_ int found = -1;
	_cleanup_close_ int fd = -1;
	char link[32], path[PATH_MAX];
	ssize_t n;

	found = find_file(s, look);
	if (found < 0) {
		look->error = found;
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0)
		look->path = strndup(path, (size_t)n);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	look->error = fd < 0 ? -errno : hash_file(s, fd, look);
}

static struct look *next_look(struct scripts *s)
{
	while (!s->stop && !s->todo.first)
		pthread_cond_wait(&s->work, &s->lock);
	if (s->stop)
		return NULL;
	s->n_todo--;
	return list_pop(&s->todo);
}

static void *look_thread(void *arg)
{
	struct scripts *s = arg;
	struct look *look;
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	while ((look = next_look(s))) {
		pthread_mutex_unlock(&s->lock);
		look_at(s, look);
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
	free(st->args);
	free((char *)st->cwd.path);
	free((char *)st->root.path);
	free(st->path);
	free(st);
}

static void forget(struct scripts *s, struct started *st)
{
	HASH_DEL(s->table, st);
	started_free(st);
}

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Takes st. False: no room. */
static bool add(struct scripts *s, struct started *st)
{
	struct started *old = find(s, &st->id);

	if (HASH_COUNT(s->table) >= STARTED_MAX)
		return false;
	if (old && old->n_looks)
		return false;
	if (old)
		forget(s, old);
	HASH_ADD(hh, s->table, id, sizeof(st->id), st);
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
	room = s->n_todo < QUEUE_MAX;
	if (room) {
		list_push(&s->todo, look);
		s->n_todo++;
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
	bool sure = look->changed_ns < st->exec_ns - 2 * s->tick_ns;

	if (look->error || look->changed_ns > st->exec_ns) {
		st->error = look->error ? look->error : -ESTALE;
	} else if (look->wanted && look->certain && sure) {
		st->script = (struct script){SCRIPT_KNOWN, look->digest};
	} else {
		st->error = sure && st->certain ? 0 : -ESTALE;
		if (st->script.state == SCRIPT_UNKNOWN)
			st->script = (struct script){SCRIPT_SEEN, look->digest};
	}
}

static void settle(struct scripts *s, struct look *look)
{
	struct started *st = look->of;
	enum script_state before = st->script.state;

	st->n_looks--;
	s->stats->counter[COUNT_SCRIPT_LOOKED]++;
	s->stats->counter[COUNT_SCRIPT_HASHED] += look->hashed;
	if (before != SCRIPT_KNOWN)
		weigh(s, st, look);
	if (st->script.state > before || !st->path) {
		free(st->path);
		st->path = TAKE_PTR(look->path);
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
	s->stats = stats;
	s->settled = settled;
	s->cookie = cookie;
	s->sweep_at = STARTED_FEW;
	clock_getres(CLOCK_REALTIME_COARSE, &tick);
	s->tick_ns = (uint64_t)tick.tv_nsec;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	list_init(&s->todo);
	list_init(&s->done);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake >= 0)
		s->source = loop_add_fd(loop, s->wake, EPOLLIN, on_done, s);
	if (!s->source || start_threads(s)) {
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
	while ((look = list_pop(&s->todo)) || (look = list_pop(&s->done)))
		look_free(look);
	HASH_ITER(hh, s->table, st, next)
	forget(s, st);
	if (s->wake >= 0)
		close(s->wake);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return true;
}

void scripts_watch(struct scripts *s, bool watch)
{
	s->watch = watch;
}

/* The names of a folder in the order of a path; NULL: they make none that fits. */
static char *folder_path(const struct folder_hint *f)
{
	char path[ABI_HINT_PATH + 2];
	size_t end = sizeof(path) - 1, used = f->n_names;

	if (used > sizeof(f->names) || (used && f->names[used - 1]))
		return NULL;
	path[end] = 0;
	if (!used)
		path[--end] = '/';
	for (const char *name = f->names; name < f->names + used; name += strlen(name) + 1) {
		end -= strlen(name);
		memcpy(path + end, name, strlen(name));
		path[--end] = '/';
	}
	return strdup(path + end);
}

static struct folder make_folder(const struct folder_hint *f)
{
	return (struct folder){f->ino, f->mount, folder_path(f)};
}

/* What the hint says of its script: false if there is none. *name is NULL if it is not clear. */
static bool has_script(const struct start_hint *h, bool *certain, const char **name)
{
	bool cut = h->flags & START_CUT;
	size_t n = h->n_args < ABI_ARGS ? h->n_args : ABI_ARGS;
	enum command_kind kind = COMMAND_SCRIPT;

	if (h->flags & START_BY_KERNEL)
		*name = !cut && n && !h->args[n - 1] ? h->args : NULL;
	else
		kind = interpreter_script(h->program, h->args, n, cut, name);
	*certain = kind == COMMAND_SCRIPT && *name;
	return kind != COMMAND_NO_SCRIPT;
}

static struct started *make_started(const struct start_hint *h, const char *name, bool certain)
{
	struct started *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->id = h->start;
	st->certain = certain;
	st->exec_ns = (h->start.stamp >> 8) + realtime_ns() - clock_monotonic_ns();
	st->cwd = make_folder(&h->cwd);
	st->root = make_folder(&h->root);
	st->args = name ? strdup(name) : NULL;
	st->error = name ? 0 : E_UNCLEAR;
	st->done = !name;
	if (!name || st->args)
		return st;
	started_free(st);
	return NULL;
}

void scripts_start(struct scripts *s, const struct start_hint *hint)
{
	struct started *st;
	const char *name;
	bool certain;

	if (!has_script(hint, &certain, &name))
		return;
	st = make_started(hint, name, certain);
	if (!st || !add(s, st)) {
		if (st)
			started_free(st);
		s->incomplete = true;
		return;
	}
	if (s->watch && name)
		enqueue(s, st, st->id.tgid, false);
}

/* A process of whose last execve nothing was told: what it shows of itself is not certain. */
static struct started *add_untold(struct scripts *s, uint32_t tgid, const struct proc_rec *rec)
{
	struct started *st = rec->exec_ns ? calloc(1, sizeof(*st)) : NULL;

	if (!st)
		return NULL;
	st->id = start_of(tgid, rec);
	st->exec_ns = rec->exec_ns + realtime_ns() - clock_boot_ns();
	if (add(s, st))
		return st;
	started_free(st);
	return NULL;
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
	id = start_of(h->tgid, &rec);
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
	if (st->id.pad == ELDER && st->script.state == SCRIPT_SEEN)
		return "the program is older than app-fw, and may have changed what it shows of "
		       "its arguments";
	switch (st->error) {
	case 0:
		return "no packet of it has been judged yet";
	case E_UNCLEAR:
		return "its arguments do not say which file it reads";
	case -ESTALE:
		return st->certain ? "it, or what its name leads to, may have changed since the "
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
	return json_pack("{s:o, s:o, s:s, s:o}", "path", path_text(st->path ? st->path : st->args),
			 "sha256", has ? json_string(hex) : json_null(), "state",
			 names[st->script.state], "why",
			 known ? json_null() : json_string(why_not(st)));
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
	struct start id = start_of(tgid, rec);

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
