/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "package.h"

/* A program that runs, and what it prints. */
struct child {
	pid_t pid;
	FILE *out;
};

__attribute__((format(printf, 2, 3))) static int fail(char err[PACKAGE_ERROR_LEN], const char *fmt,
						      ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, PACKAGE_ERROR_LEN, fmt, args);
	va_end(args);
	return -EIO;
}

/*
 * Not in the environment that we were started in: dpkg's hooks have DPKG_ROOT and DPKG_ADMINDIR in
 * it, which speak of another root than a set may. What it complains of is told in our own words.
 */
static int start(struct child *c, const char *const argv[], char err[PACKAGE_ERROR_LEN])
{
	static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
						  NULL};
	_cleanup_close_ int from = -1;
	_cleanup_close_ int to = -1;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t pipe;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC))
		return fail(err, "%s: %s", argv[0], strerror(errno));
	from = ends[0];
	to = ends[1];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(&c->pid, argv[0], &actions, &attributes, (char *const *)argv,
			 (char *const *)environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (r)
		return fail(err, "%s: %s", argv[0], strerror(r));
	c->out = fdopen(TAKE_FD(from), "r");
	return 0;
}

/* Lets it end; r is what has been found out so far, and stays if it is a failure. */
static int finish(struct child *c, int r, const char *about, const char *why,
		  char err[PACKAGE_ERROR_LEN])
{
	pid_t ended;
	int status;

	if (c->out)
		fclose(c->out);
	do
		ended = waitpid(c->pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (r)
		return r;
	if (ended < 0 || !c->out || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(err, "%.300s: %s", about, why);
	return 0;
}

/* Where the file is that the line before has named, if this one says that it is elsewhere. */
static const char *diverted(const char *line)
{
	const char *to = strstr(line, " to: ");

	if (!to ||
	    (strncmp(line, "diverted by ", 12) != 0 && strncmp(line, "locally diverted ", 17) != 0))
		return NULL;
	return to + 5;
}

/* Hands over each path when the next line has shown that it stays where it is. */
static int read_paths(FILE *f, package_path_fn each, void *cookie)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *path = NULL;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	while (!r && f && (n = getline(&line, &room, f)) > 0) {
		const char *elsewhere = diverted(line);

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*line != '/' && !elsewhere)
			continue;
		if (path && !elsewhere)
			r = each(cookie, path);
		free(path);
		path = strdup(elsewhere ? elsewhere : line);
		if (!path)
			return -ENOMEM;
	}
	return !r && path ? each(cookie, path) : r;
}

int package_list(const char *package, const char *root, package_path_fn each, void *cookie,
		 char err[PACKAGE_ERROR_LEN])
{
	_cleanup_free_ char *database = NULL;
	struct child c;
	int r;

	if (asprintf(&database, "--admindir=%s/var/lib/dpkg", root) < 0) {
		database = NULL;
		return fail(err, "out of memory");
	}
	r = start(&c, (const char *const[]){"dpkg-query", database, "-L", package, NULL}, err);
	if (r)
		return r;
	return finish(&c, read_paths(c.out, each, cookie), package,
		      "dpkg-query knows of no such package that is installed", err);
}

static int read_field(FILE *f, char out[SET_PACKAGE_MAX + 1])
{
	char line[SET_PACKAGE_MAX + 2];

	if (!f || !fgets(line, sizeof(line), f) || !strchr(line, '\n'))
		return -EIO;
	*strchr(line, '\n') = '\0';
	if (set_package_fault(line))
		return -EIO;
	strcpy(out, line);
	return 0;
}

int package_of_archive(const char *archive, char name[SET_PACKAGE_MAX + 1],
		       char architecture[SET_PACKAGE_MAX + 1], char err[PACKAGE_ERROR_LEN])
{
	const char *const argv[] = {"dpkg-deb", "--showformat=${Package}\\n${Architecture}\\n",
				    "--show", archive, NULL};
	struct child c;
	int r = start(&c, argv, err);

	if (r)
		return r;
	if (read_field(c.out, name) || read_field(c.out, architecture))
		r = fail(err, "%.300s: not the archive of a package", archive);
	return finish(&c, r, archive, "dpkg-deb cannot read it", err);
}

int package_unpack(const char *archive, const char *dir, char err[PACKAGE_ERROR_LEN])
{
	struct child c;
	int r = start(&c, (const char *const[]){"dpkg-deb", "--extract", archive, dir, NULL}, err);

	return r ? r : finish(&c, 0, archive, "dpkg-deb cannot unpack it", err);
}
