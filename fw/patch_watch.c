// SPDX-License-Identifier: GPL-2.0-or-later
#include "patch_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "common/cleanup.h"
#include "daemon.h"
#include "digest.h"
#include "log.h"
#include "patch_mapped.h"

#define LOOK_NS SECOND

/* A file as it was when it was last found to be the object still. */
struct version {
	uint64_t dev, ino, size;
	struct timespec ctime;
};

struct watched {
	uint64_t id;
	struct sha256 digest;
	char path[SET_PATH_MAX + 1];
	struct version same; /* all 0: not looked at yet */
	bool replaced;
	bool unmapped; /* as it was looked at before: nobody can be just about to map it */
};

/* One look at all files, by a thread of its own. The last of the two who have it frees it. */
struct look {
	unsigned int refs; /* atomic */
	bool done;	   /* atomic: what follows is the control thread's */
	size_t n;
	struct watched files[];
};

struct patch_watch {
	struct daemon *d;
	struct loop_timer *timer;
	struct look *look; /* under way, or the last one; NULL: none */
};

static void look_unref(struct look *l)
{
	if (l && __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(l);
}

static struct version version_of(const struct stat *st)
{
	return (struct version){st->st_dev, st->st_ino, (uint64_t)st->st_size, st->st_ctim};
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* What cannot be read is not known to be another. */
static bool is_replaced(struct watched *f)
{
	_cleanup_close_ int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct sha256 digest;
	struct version now;
	uint64_t moved_ns;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	now = version_of(&st);
	if (same_version(&now, &f->same) || digest_file(fd, &moved_ns, &digest))
		return false;
	if (sha256_cmp(&digest, &f->digest) != 0)
		return true;
	f->same = now;
	return false;
}

static void *look_thread(void *arg)
{
	struct look *l = arg;

	for (size_t i = 0; i < l->n; i++)
		l->files[i].replaced = is_replaced(&l->files[i]);
	__atomic_store_n(&l->done, true, __ATOMIC_RELEASE);
	look_unref(l);
	return NULL;
}

static size_t count_watched(const struct patch_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->entries[i]->patch.until_unmapped;
	return n;
}

static const struct watched *find(const struct look *l, uint64_t id)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (l->files[i].id == id)
			return &l->files[i];
	return NULL;
}

/* With what the look before has found. NULL: no memory. */
static struct look *look_new(const struct patch_list *patches, const struct look *before)
{
	const size_t n = count_watched(patches);
	struct look *l = calloc(1, sizeof(*l) + n * sizeof(l->files[0]));

	if (!l)
		return NULL;
	l->refs = 1;
	for (size_t i = 0; i < patches->n; i++) {
		const struct patch *p = &patches->entries[i]->patch;
		const struct watched *old = find(before, p->id);
		struct watched *f = &l->files[l->n];

		if (!p->until_unmapped)
			continue;
		f->id = p->id;
		f->digest = p->rule.sng;
		strcpy(f->path, p->file);
		if (old) {
			f->same = old->same;
			f->unmapped = old->unmapped;
		}
		l->n++;
	}
	return l;
}

static void begin_look(struct patch_watch *w)
{
	struct look *l = look_new(&w->d->rules->patches, w->look);
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!l)
		return;
	look_unref(w->look);
	w->look = l;
	l->refs++;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, look_thread, l);
	pthread_attr_destroy(&attr);
	if (r) {
		look_unref(l);
		l->done = true; /* nothing was found to be replaced */
	}
}

static void lift(struct daemon *d, const struct watched *f)
{
	struct ruleset *rules;
	json_t *reply = NULL;

	if (ruleset_remove_patch(d->rules, f->id, &rules))
		return;
	if (command_commit(d, rules, &reply) == WIRE_OK)
		log_line("app-fw: patch %" PRIu64 " is lifted: %s is replaced, and no process has "
			 "the old one mapped",
			 f->id, f->path);
	else
		log_line("app-fw: patch %" PRIu64 " cannot be lifted: %s", f->id,
			 json_string_value(json_object_get(reply, "error")));
	json_decref(reply);
}

static bool is_unmapped(const struct patch_mapped *mapped, uint64_t id)
{
	for (; mapped->id; mapped++)
		if (mapped->id == id)
			return mapped->processes == 0;
	return false;
}

static void weigh(struct patch_watch *w)
{
	_cleanup_free_ struct patch_mapped *mapped = NULL;
	struct look *l = w->look;
	bool any = false;

	for (size_t i = 0; i < l->n; i++)
		any |= l->files[i].replaced;
	if (!any || patch_mapped(w->d, false, &mapped))
		return;
	for (size_t i = 0; i < l->n; i++) {
		struct watched *f = &l->files[i];
		bool unmapped = f->replaced && is_unmapped(mapped, f->id);

		if (unmapped && f->unmapped && w->d->trial.of != TRIAL_RULES)
			lift(w->d, f);
		f->unmapped = unmapped;
	}
}

static void on_time(void *cookie)
{
	struct patch_watch *w = cookie;

	if (w->look && !__atomic_load_n(&w->look->done, __ATOMIC_ACQUIRE)) {
		loop_arm(w->timer, LOOK_NS); /* a file stands still */
		return;
	}
	if (w->look)
		weigh(w);
	if (!count_watched(&w->d->rules->patches)) {
		look_unref(w->look);
		w->look = NULL;
		return;
	}
	begin_look(w);
	loop_arm(w->timer, LOOK_NS);
}

int patch_watch_new(struct daemon *d, struct patch_watch **out)
{
	struct patch_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->d = d;
	w->timer = loop_add_timer(d->control_loop, on_time, w);
	if (!w->timer) {
		free(w);
		return -ENOMEM;
	}
	*out = w;
	patch_watch_look(w);
	return 0;
}

void patch_watch_free(struct patch_watch *w)
{
	if (!w)
		return;
	look_unref(w->look);
	free(w);
}

void patch_watch_look(struct patch_watch *w)
{
	if (w && count_watched(&w->d->rules->patches))
		loop_arm(w->timer, LOOK_NS);
}
