// SPDX-License-Identifier: GPL-2.0-or-later
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

int cgroup_open_root(void)
{
	_cleanup_close_ int context = syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	_cleanup_close_ int mounted = -1;
	int root;

	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mounted = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (mounted < 0)
		return -errno;
	root = openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -errno : root;
}
