/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listening Unix stream socket and its file: taking the place without taking it from a live
 * daemon, who may talk, and leaving no file behind. See unix(7).
 */
#ifndef FW_LISTENER_H
#define FW_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener;

/*
 * Listens at path, non-blocking. Makes the last folder of path if it is missing (mode 0750), and
 * the socket with mode 0660: at no moment it is more open. A socket that nobody listens on is
 * replaced; of two daemons that start at once one gets the place.
 * Sets the umask for a moment: not while other threads create files. May wait up to 1 s for
 * another daemon that is just starting.
 * 0; -EADDRINUSE when somebody listens there, -EEXIST when something else than a socket is in the
 * way, -ENAMETOOLONG past what sockaddr_un holds, or another -errno. *out is untouched on failure.
 */
int listener_open(const char *path, struct listener **out);

/* Unlinks the socket if the one at path is still this one. NULL is fine. */
void listener_close(struct listener *l);

int listener_fd(const struct listener *l);

/*
 * Whether the peer of an accepted connection may talk: uid 0, and members of the group that the
 * socket file has at this moment (an administrator may have changed it). When the file is not ours
 * any more: uid 0 only.
 */
bool listener_may_talk(const struct listener *l, int fd);

/* The rule behind it: pure, open to tests. */
bool listener_admits(uid_t uid, gid_t gid, const gid_t *groups, size_t n, gid_t socket_gid);

#endif
