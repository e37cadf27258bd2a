// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"

#define REFRESH_NS 200000000ull

struct netns {
	uint64_t inode;
	struct sockdiag *diag;
	struct probe_notes *notes; /* NULL: its packets are not noted */
	bool seen;
};

struct netns_table {
	struct probe *probe;
	int own;
	uint64_t own_inode, refreshed_ns;
	size_t n;
	struct netns known[NETNS_MAX];
};

int netns_open(struct probe *probe, struct netns_table **out)
{
	struct netns_table *t = calloc(1, sizeof(*t));
	struct stat st;

	if (!t)
		return -ENOMEM;
	t->probe = probe;
	t->own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (t->own < 0 || fstat(t->own, &st)) {
		int r = -errno;

		netns_close(t);
		return r;
	}
	t->own_inode = st.st_ino;
	*out = t;
	return 0;
}

static void forget(struct netns *ns)
{
	sockdiag_close(ns->diag);
	probe_notes_detach(ns->notes);
}

void netns_close(struct netns_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		forget(&t->known[i]);
	if (t->own >= 0)
		close(t->own);
	free(t);
}

uint64_t netns_own(const struct netns_table *t)
{
	return t->own_inode;
}

static struct netns *find(struct netns_table *t, uint64_t inode)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->known[i].inode == inode)
			return &t->known[i];
	return NULL;
}

/* setns(2) moves the calling thread only. A thread that cannot come back must not go on. */
static int open_inside(struct netns_table *t, int fd, struct netns *ns)
{
	int r;

	if (setns(fd, CLONE_NEWNET))
		return -errno;
	r = sockdiag_open(&ns->diag);
	if (!r)
		ns->notes = probe_notes_attach(t->probe);
	if (setns(t->own, CLONE_NEWNET))
		abort();
	return r;
}

static void learn(struct netns_table *t, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct netns fresh = {.seen = true}, *known;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_ino == t->own_inode)
		return;
	known = find(t, st.st_ino);
	if (known) {
		known->seen = true;
		return;
	}
	fresh.inode = st.st_ino;
	if (t->n < NETNS_MAX && !open_inside(t, fd, &fresh))
		t->known[t->n++] = fresh;
}

void netns_learn(struct netns_table *t, uint32_t pid, uint64_t inode)
{
	char path[48];

	if (inode && (inode == t->own_inode || find(t, inode)))
		return;
	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	learn(t, path);
}

static void forget_unseen(struct netns_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->known[i].seen)
			t->known[kept++] = t->known[i];
		else
			forget(&t->known[i]);
	}
	t->n = kept;
}

void netns_refresh(struct netns_table *t)
{
	struct dirent *e;
	DIR *proc;

	if (clock_monotonic_ns() - t->refreshed_ns < REFRESH_NS)
		return;
	t->refreshed_ns = clock_monotonic_ns();
	proc = opendir("/proc");
	if (!proc)
		return;
	for (size_t i = 0; i < t->n; i++)
		t->known[i].seen = false;
	while ((e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			netns_learn(t, strtoul(e->d_name, NULL, 10), 0);
	closedir(proc);
	forget_unseen(t);
}

int netns_find(struct netns_table *t, const struct sockdiag_query *q, struct sockdiag_answer *out,
	       uint64_t *netns)
{
	struct sockdiag_answer a;
	size_t found = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (sockdiag_find(t->known[i].diag, q, &a))
			continue;
		*out = a;
		*netns = t->known[i].inode;
		found++;
	}
	return found == 1 ? 0 : found ? -ENOTUNIQ : -ENOENT;
}
