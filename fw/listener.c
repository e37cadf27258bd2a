/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "common/cleanup.h"
#include "listener.h"

#define BACKLOG	     32
#define LOCK_TRIES   100 /* of 10 ms each */
#define LOCK_WAIT_NS 10000000
#define GROUPS_MAX   65536 /* NGROUPS_MAX of the kernel */

struct listener {
	int fd;
	struct sockaddr_un address;
	dev_t dev; /* the socket file as we made it */
	ino_t ino; /* 0: not made */
};

static int set_address(struct listener *l, const char *path)
{
	if (strlen(path) >= sizeof(l->address.sun_path))
		return -ENAMETOOLONG;
	l->address.sun_family = AF_UNIX;
	strcpy(l->address.sun_path, path);
	return 0;
}

static int open_folder(const struct listener *l, int *out)
{
	char path[sizeof(l->address.sun_path)];
	const char *folder;

	strcpy(path, l->address.sun_path);
	folder = dirname(path);
	if (mkdir(folder, 0750) && errno != EEXIST)
		return -errno;
	*out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? -errno : 0;
}

/*
 * The lock on the folder makes "is anybody there? then take the place" one step. It is held for
 * that step only. Where the folder is open to others, one of them could keep the lock: then we go
 * on without, rather than let him keep the firewall from starting.
 */
static void lock_folder(int folder)
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_NS};

	for (int i = 0; flock(folder, LOCK_EX | LOCK_NB) && i < LOCK_TRIES; i++)
		nanosleep(&wait, NULL);
}

/* Whether somebody listens: anything but a refusal comes from a live socket. */
static int probe(const struct listener *l)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&l->address, sizeof(l->address)) == 0)
		return -EADDRINUSE;
	if (errno == EAGAIN || errno == EPROTOTYPE)
		return -EADDRINUSE;
	return errno == ECONNREFUSED ? 0 : -errno;
}

static int remove_stale(const struct listener *l)
{
	struct stat st;
	int r;

	if (lstat(l->address.sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = probe(l);
	if (r)
		return r;
	return unlink(l->address.sun_path) ? -errno : 0;
}

static int bind_file(struct listener *l)
{
	struct stat st;
	mode_t mask;
	int r;

	mask = umask(0117);
	r = bind(l->fd, (const struct sockaddr *)&l->address, sizeof(l->address)) ? -errno : 0;
	umask(mask);
	if (r)
		return r;
	if (lstat(l->address.sun_path, &st))
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int take_place(struct listener *l)
{
	_cleanup_close_ int folder = -1;
	int r;

	r = open_folder(l, &folder);
	if (r)
		return r;
	lock_folder(folder);
	r = remove_stale(l);
	if (r)
		return r;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	r = bind_file(l);
	if (r)
		return r;
	return listen(l->fd, BACKLOG) ? -errno : 0;
}

/* Our socket keeps its inode number from being given to another file for as long as it is open. */
static bool stat_own(const struct listener *l, struct stat *st)
{
	return l->ino && lstat(l->address.sun_path, st) == 0 && st->st_dev == l->dev &&
	       st->st_ino == l->ino;
}

static void leave_place(const struct listener *l)
{
	_cleanup_close_ int folder = -1;
	struct stat st;

	if (!stat_own(l, &st) || open_folder(l, &folder))
		return;
	lock_folder(folder);
	if (stat_own(l, &st))
		unlink(l->address.sun_path);
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	leave_place(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static void cleanup_listener(struct listener **l)
{
	listener_close(*l);
}

int listener_open(const char *path, struct listener **out)
{
	_cleanup_(cleanup_listener) struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->fd = -1;
	r = set_address(l, path);
	if (r)
		return r;
	r = take_place(l);
	if (r)
		return r;
	*out = TAKE_PTR(l);
	return 0;
}

int listener_fd(const struct listener *l)
{
	return l->fd;
}

bool listener_admits(uid_t uid, gid_t gid, const gid_t *groups, size_t n, gid_t socket_gid)
{
	if (uid == 0 || gid == socket_gid)
		return true;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == socket_gid)
			return true;
	return false;
}

bool listener_may_talk(const struct listener *l, int fd)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	if (peer.uid == 0 || !stat_own(l, &st))
		return peer.uid == 0;
	size = GROUPS_MAX * sizeof(*groups);
	groups = malloc(size);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		size = 0;
	return listener_admits(peer.uid, peer.gid, groups, size / sizeof(*groups), st.st_gid);
}
