// SPDX-License-Identifier: GPL-2.0-or-later
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define TEXT_MAX 1024 /* of a status file; user and group stand in its first lines */

static int read_text(uint32_t pid, const char *name, char *text, size_t size, size_t *len)
{
	_cleanup_close_ int fd = -1;
	char path[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	*len = (size_t)n;
	return 0;
}

static int take_parent(const char *text, uint32_t *out)
{
	static const char word[] = "\nPPid:";
	const char *line = strstr(text, word);

	return line && sscanf(line + sizeof(word) - 1, "%u", out) == 1 ? 0 : -EBADMSG;
}

/* The effective one is the second of four. */
static int take_id(const char *text, const char *word, uint32_t *out)
{
	const char *line = strstr(text, word);

	return line && sscanf(line + strlen(word), "%*u %u", out) == 1 ? 0 : -EBADMSG;
}

/* The kernel ends it by a line feed, and the name may have one in it as well. */
static void take_comm(const char *text, char out[RULE_COMM_MAX + 1])
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\n')
		len--;
	snprintf(out, RULE_COMM_MAX + 1, "%.*s", (int)len, text);
}

int facts_read(const struct probe *probe, uint32_t pid, uint64_t start_ns,
	       char cgroups[FACTS_CGROUPS_MAX], struct facts *out)
{
	char status[TEXT_MAX], comm[TEXT_MAX];
	struct facts facts = {.known = true};
	struct proc_rec rec;
	size_t len;
	int r = read_text(pid, "status", status, sizeof(status), &len);

	*out = (struct facts){.known = false};
	r = r ? r : read_text(pid, "comm", comm, sizeof(comm), &len);
	if (!r && cgroups && !read_text(pid, "cgroup", cgroups, FACTS_CGROUPS_MAX, &len) &&
	    len < FACTS_CGROUPS_MAX - 1)
		facts.cgroups = cgroups;
	r = r ? r : take_parent(status, &facts.ppid);
	r = r ? r : take_id(status, "\nUid:", &facts.uid);
	r = r ? r : take_id(status, "\nGid:", &facts.gid);
	r = r ? r : probe_proc(probe, pid, &rec);
	if (r)
		return r;
	/* Its number was its own until now. */
	if (rec.start_ns != start_ns || (rec.flags & PROC_EXITED))
		return -ESRCH;
	take_comm(comm, facts.comm);
	*out = facts;
	return 0;
}
