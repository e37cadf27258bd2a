// SPDX-License-Identifier: GPL-2.0-or-later
#include "process_socket.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct search {
	uint32_t pid;
	const struct sockdiag_query *wanted;
	uint64_t cookie;
};

static bool process_has_inode(uint32_t pid, uint32_t inode)
{
	char path[64], link[64], wanted[32];
	struct dirent *e;
	DIR *dir;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);

		link[n < 0 ? 0 : n] = 0;
		found = !strcmp(link, wanted);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool port_fits(uint16_t wanted, uint16_t port)
{
	return !wanted || wanted == port;
}

/* Whether a socket is one with the peer that is looked for, and the process holds it. */
static bool is_wanted(void *cookie, const struct sockdiag_query *ends,
		      const struct sockdiag_answer *a)
{
	struct search *s = cookie;

	if (memcmp(ends->remote, s->wanted->remote, sizeof(ends->remote)) ||
	    !port_fits(s->wanted->remote_port, ends->remote_port) ||
	    !port_fits(s->wanted->local_port, ends->local_port) || !a->inode ||
	    !process_has_inode(s->pid, a->inode))
		return false;
	s->cookie = a->cookie;
	return true;
}

uint64_t process_socket_find(struct sockdiag *d, uint32_t pid, const struct sockdiag_query *wanted)
{
	struct search s = {.pid = pid, .wanted = wanted};

	return sockdiag_each(d, wanted->family, wanted->proto, wanted->local_port, SOCKDIAG_ANY,
			     is_wanted, &s)
		       ? 0
		       : s.cookie;
}
