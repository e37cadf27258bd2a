// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const programs[CACHE_HOOKS][2] = {
	[CACHE_OUT] = {"accept_out", "drop_out"},
	[CACHE_IN] = {"accept_in", "drop_in"},
};

void probe_cache_maps(const struct probe *p, struct probe_cache *out)
{
	*out = (struct probe_cache){.classes = -1, .cpus = p->cpus < ABI_CPUS ? p->cpus : ABI_CPUS};
	if (p->note_source == NOTE_BY_NETFILTER && p->chains && p->named && p->tallies) {
		out->classes = p->classes;
		out->chains = p->chains;
		out->named = p->named;
		out->tallies = p->tallies;
		out->deny = p->deny;
	}
}

static int make_folder(const char *path)
{
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/* What a daemon before us left under the name is taken away. */
static int pin_one(const struct probe *p, const char *name, const char *path)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(p->object, name));

	if (fd < 0)
		return -EBADF;
	unlink(path);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

void probe_cache_path(const char *folder, enum cache_hook hook, enum cache_verdict v,
		      char out[PROBE_PIN_MAX])
{
	snprintf(out, PROBE_PIN_MAX, "%s/%s", folder, programs[hook][v == CACHE_DROP]);
}

static bool is_bpffs(void)
{
	struct statfs fs;

	return !statfs(PROBE_BPFFS, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int probe_cache_pin(struct probe *p, uint64_t netns)
{
	char path[PROBE_PIN_MAX];
	int r;

	if (p->note_source != NOTE_BY_NETFILTER)
		return p->note_error ? -p->note_error : -EOPNOTSUPP;
	if (!is_bpffs())
		return -ENODEV;
	if (p->pins[0])
		return 0;
	snprintf(path, sizeof(path), PROBE_BPFFS "/app-fw");
	r = make_folder(path);
	snprintf(path, sizeof(path), PROBE_BPFFS "/app-fw/%ju", (uintmax_t)netns);
	r = r ? r : make_folder(path);
	if (r)
		return r;
	snprintf(p->pins, sizeof(p->pins), PROBE_BPFFS "/app-fw/%ju", (uintmax_t)netns);
	for (int h = 0; h < CACHE_HOOKS; h++)
		for (int v = CACHE_ACCEPT; v <= CACHE_DROP; v++) {
			probe_cache_path(p->pins, h, v, path);
			r = r ? r : pin_one(p, programs[h][v == CACHE_DROP], path);
		}
	if (r)
		probe_cache_unpin(p);
	return r;
}

void probe_cache_unpin(struct probe *p)
{
	char path[PROBE_PIN_MAX];

	if (!p->pins[0])
		return;
	for (int h = 0; h < CACHE_HOOKS; h++)
		for (int v = CACHE_ACCEPT; v <= CACHE_DROP; v++) {
			probe_cache_path(p->pins, h, v, path);
			unlink(path);
		}
	rmdir(p->pins);
	rmdir(PROBE_BPFFS "/app-fw"); /* unless another daemon's are there */
	p->pins[0] = 0;
}

const char *probe_cache_pins(const struct probe *p)
{
	return p->pins[0] ? p->pins : NULL;
}
