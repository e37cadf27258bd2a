/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What proc_pid_cgroup(5) says of a process: a line "ID:CONTROLLERS:PATH" for each hierarchy, the
 * one of version 2 among them. Pure. */
#ifndef FW_CGROUP_TEXT_H
#define FW_CGROUP_TEXT_H

#include <stdbool.h>

/* Whether one of the paths is `path`, or lies below it. */
bool cgroup_text_is_in(const char *text, const char *path);

/*
 * Whether a name on one of the paths is of a container whose id begins with `id`: 64 hexadecimal
 * digits by themselves (Docker, containerd and Kubernetes over cgroupfs), or after a prefix and
 * before
 * ".scope", as systemd has them ("docker-", "libpod-", "cri-containerd-", "crio-"). The process
 * that looks after a container from outside ("libpod-conmon-", "crio-conmon-") is not in it.
 */
bool cgroup_text_has_container(const char *text, const char *id);

/* The id of the innermost container on the first path that has one; out is untouched, and false
 * returned, where there is none. */
#define CGROUP_CONTAINER_LEN 64
bool cgroup_text_container(const char *text, char out[CGROUP_CONTAINER_LEN + 1]);

#endif
