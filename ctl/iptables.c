/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/memstream.h"
#include "iptables.h"

#define OUTPUT_MAX (4u << 20)

extern char **environ;

/* The first line that it has to say, without control characters; what follows is how to get help.
 */
static void take_complaint(const char *text, const char *program, char err[IPTABLES_ERROR_LEN])
{
	size_t n = strcspn(text, "\n");
	size_t named = strlen(program);

	snprintf(err, IPTABLES_ERROR_LEN, "%s%.*s", strncmp(text, program, named) ? program : "",
		 (int)(n < 200 ? n : 200), n ? text : " refused");
	for (char *c = err; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

/* All that comes, up to a bound. 0 or -errno. */
static int read_all(int fd, char **out)
{
	_cleanup_free_ char *text = malloc(OUTPUT_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + len, OUTPUT_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	if (len == OUTPUT_MAX)
		return -E2BIG;
	text[len] = 0;
	*out = TAKE_PTR(text);
	return 0;
}

/* Standard error goes to a file of its own, which cannot fill up and block what is read. */
static int start(const struct hook_words *words, int out, int complaints, pid_t *pid)
{
	static const char *const folders[] = {"", "/usr/sbin/", "/sbin/"};
	posix_spawn_file_actions_t actions;
	int r = ENOENT;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && r == ENOENT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s%s", folders[i], words->word[0]);
		r = posix_spawnp(pid, path, &actions, NULL, (char *const *)words->word, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int finish(pid_t pid, int complaints, const char *program, char err[IPTABLES_ERROR_LEN])
{
	char text[1024] = "";
	int status;
	ssize_t n;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	n = pread(complaints, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	take_complaint(text, program, err);
	return -EREMOTEIO;
}

int iptables_run(const struct hook_words *words, char **out, char err[IPTABLES_ERROR_LEN])
{
	_cleanup_close_ int complaints = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	_cleanup_close_ int reader = -1, writer = -1;
	_cleanup_free_ char *text = NULL;
	int pipe_fds[2], r, read_r;
	pid_t pid;

	if (complaints < 0 || pipe2(pipe_fds, O_CLOEXEC)) {
		snprintf(err, IPTABLES_ERROR_LEN, "%s: %s", words->word[0], strerror(errno));
		return -errno;
	}
	reader = pipe_fds[0];
	writer = pipe_fds[1];
	r = start(words, writer, complaints, &pid);
	if (r) {
		snprintf(err, IPTABLES_ERROR_LEN, "%s: %s", words->word[0],
			 r == -ENOENT ? "is not installed" : strerror(-r));
		return r;
	}
	close(writer);
	writer = -1;
	read_r = read_all(reader, &text);
	close(reader); /* what it has still to say has nobody to wait for */
	reader = -1;
	r = finish(pid, complaints, words->word[0], err);
	if (!r && read_r) {
		snprintf(err, IPTABLES_ERROR_LEN, "%s: %s", words->word[0], strerror(-read_r));
		r = read_r;
	}
	if (!r && out)
		*out = TAKE_PTR(text);
	return r;
}
