/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "expect.h"
#include "fw/listener.h"
#include "unit.h"

struct place {
	char top[64], folder[80], path[96];
};

static void place_make(struct place *p)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(p->top, sizeof(p->top), "%.40s/listener.XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->top));
	snprintf(p->folder, sizeof(p->folder), "%s/run", p->top);
	snprintf(p->path, sizeof(p->path), "%s/sock", p->folder);
}

static void place_remove(struct place *p)
{
	rmdir(p->folder);
	CU_ASSERT_EQUAL(rmdir(p->top), 0);
}

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A socket file that nobody listens on any more. */
static void leave_stale(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void folder_and_socket_are_closed_to_others(void)
{
	struct listener *l = NULL;
	mode_t mask = umask(0);
	struct place p;
	struct stat st;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	expect_int("umask", umask(mask), 0);
	CU_ASSERT_EQUAL_FATAL(stat(p.folder, &st), 0);
	expect_int("folder", st.st_mode, S_IFDIR | 0750);
	CU_ASSERT_EQUAL_FATAL(stat(p.path, &st), 0);
	expect_int("socket", st.st_mode, S_IFSOCK | 0660);
	listener_close(l);
	expect_int("gone", access(p.path, F_OK), -1);
	place_remove(&p);
}

static void a_live_socket_keeps_its_place(void)
{
	struct listener *l = NULL, *second = NULL;
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	expect_int("second", listener_open(p.path, &second), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(second);
	close(dial(p.path));
	listener_close(l);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &second), 0);
	listener_close(second);
	place_remove(&p);
}

static void a_stale_socket_is_replaced(void)
{
	struct listener *l = NULL;
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.folder, 0700), 0);
	leave_stale(p.path, SOCK_STREAM);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	close(dial(p.path));
	listener_close(l);
	place_remove(&p);
}

static void what_is_no_socket_stays(void)
{
	struct listener *l = NULL;
	struct place p;
	struct stat st;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.folder, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.path, 0700), 0);
	expect_int("folder", listener_open(p.path, &l), -EEXIST);
	rmdir(p.path);
	CU_ASSERT_EQUAL_FATAL(symlink("/dev/null", p.path), 0);
	expect_int("link", listener_open(p.path, &l), -EEXIST);
	CU_ASSERT_EQUAL(lstat(p.path, &st), 0);
	unlink(p.path);
	place_remove(&p);
}

static void a_path_that_cannot_be_is_refused(void)
{
	struct listener *l = NULL;
	struct place p;
	char path[256];

	place_make(&p);
	snprintf(path, sizeof(path), "%s/%0150d", p.top, 0);
	expect_int("long", listener_open(path, &l), -ENAMETOOLONG);
	snprintf(path, sizeof(path), "%s/a/b/sock", p.top);
	expect_int("two folders", listener_open(path, &l), -ENOENT);
	CU_ASSERT_PTR_NULL(l);
	place_remove(&p);
}

static void anothers_socket_is_not_unlinked(void)
{
	struct listener *l = NULL;
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	unlink(p.path);
	leave_stale(p.path, SOCK_STREAM);
	listener_close(l);
	expect_int("still there", access(p.path, F_OK), 0);
	unlink(p.path);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	unlink(p.path);
	rmdir(p.folder);
	listener_close(l);
	expect_int("folder made again", access(p.folder, F_OK), -1);
	place_remove(&p);
}

#define RIVALS 8
#define ROUNDS 20

struct race {
	const char *path;
	pthread_barrier_t start;
};

static void *open_one(void *cookie)
{
	struct race *race = cookie;
	struct listener *l = NULL;

	pthread_barrier_wait(&race->start);
	return listener_open(race->path, &l) ? NULL : l;
}

/* Returns one of those who got the place. */
static struct listener *run_race(struct race *race, size_t *winners)
{
	pthread_t threads[RIVALS];
	void *l, *winner = NULL;

	*winners = 0;
	CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&race->start, NULL, RIVALS), 0);
	for (size_t i = 0; i < RIVALS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, open_one, race), 0);
	for (size_t i = 0; i < RIVALS; i++) {
		CU_ASSERT_EQUAL(pthread_join(threads[i], &l), 0);
		*winners += l != NULL;
		winner = l ? l : winner;
	}
	pthread_barrier_destroy(&race->start);
	return winner;
}

/* Stale at first, so that each must look, remove and take. */
static void of_many_at_once_one_gets_the_place(void)
{
	struct listener *winner;
	struct place p;
	size_t winners;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.folder, 0700), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct race race = {.path = p.path};

		leave_stale(p.path, SOCK_STREAM);
		winner = run_race(&race, &winners);
		expect_int("winners", (long long)winners, 1);
		close(dial(p.path));
		listener_close(winner);
	}
	place_remove(&p);
}

static void root_and_the_group_are_admitted(void)
{
	static const gid_t groups[] = {100, 7};

	CU_ASSERT(listener_admits(0, 55, NULL, 0, 7));
	CU_ASSERT(listener_admits(1000, 7, NULL, 0, 7));
	CU_ASSERT(listener_admits(1000, 55, groups, 2, 7));
	CU_ASSERT_FALSE(listener_admits(1000, 55, groups, 1, 7));
	CU_ASSERT_FALSE(listener_admits(1000, 55, NULL, 0, 7));
	CU_ASSERT_FALSE(listener_admits(7, 55, groups, 2, 0));
}

static int accept_one(const struct listener *l)
{
	struct pollfd p = {.fd = listener_fd(l), .events = POLLIN};

	CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 20000), 1);
	return accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
}

/* We are in the group of the socket that we made; without the file, being root is all that helps.
 */
static void the_peers_credentials_are_looked_at(void)
{
	struct listener *l = NULL;
	struct place p;
	int client, server;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(listener_open(p.path, &l), 0);
	client = dial(p.path);
	server = accept_one(l);
	CU_ASSERT(listener_may_talk(l, server));
	unlink(p.path);
	expect_int("may talk", listener_may_talk(l, server), geteuid() == 0);
	close(client);
	close(server);
	listener_close(l);
	place_remove(&p);
}

static const struct unit_test tests[] = {
	{"folder and socket are closed to others", folder_and_socket_are_closed_to_others},
	{"a live socket keeps its place", a_live_socket_keeps_its_place},
	{"a stale socket is replaced", a_stale_socket_is_replaced},
	{"what is no socket stays", what_is_no_socket_stays},
	{"a path that cannot be is refused", a_path_that_cannot_be_is_refused},
	{"another's socket is not unlinked", anothers_socket_is_not_unlinked},
	{"of many at once one gets the place", of_many_at_once_one_gets_the_place},
	{"root and the group are admitted", root_and_the_group_are_admitted},
	{"the peer's credentials are looked at", the_peers_credentials_are_looked_at},
};
UNIT_SUITE("fw/listener", tests)
