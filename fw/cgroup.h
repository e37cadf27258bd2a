/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FW_CGROUP_H
#define FW_CGROUP_H

/* The root of the cgroup v2 hierarchy, wherever it is mounted, or nowhere. A descriptor, or -errno.
 */
int cgroup_open_root(void);

#endif
