// SPDX-License-Identifier: GPL-2.0-or-later
/* A process as `ctl-fw objects` shows it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "path_text.h"
#include "process_private.h"

static json_t *report_since(time_t since)
{
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&since, &tm));
	return json_string(text);
}

static json_t *report_object(const struct object *obj, const struct object_key *key)
{
	char hex[SHA256_HEX_LEN + 1], device[32], verity[VERITY_TEXT_MAX];
	json_t *report;

	snprintf(device, sizeof(device), "%u:%u", key->dev >> 20, key->dev & 0xfffff);
	if (!obj || obj->state != OBJECT_READY)
		return json_pack("{s:o, s:n, s:s, s:I, s:s}", "path",
				 path_text(obj ? obj->path : NULL), "sha256", "device", device,
				 "inode", (json_int_t)key->ino, "error",
				 obj ? object_error(obj) : "cannot be found");
	hex_format_sha256(&obj->digest, hex);
	report = json_pack("{s:o, s:s, s:s, s:I}", "path", path_text(obj->path), "sha256", hex,
			   "device", device, "inode", (json_int_t)key->ino);
	if (obj->verity.size) {
		verity_format(&obj->verity, verity);
		json_object_set_new(report, "verity", json_string(verity));
	}
	return report;
}

static json_t *report_objects(struct processes *ps, const struct process *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_keys; i++) {
		json_t *object = report_object(objects_find(ps->objects, &p->keys[i]), &p->keys[i]);

		json_object_set_new(object, "since", report_since(p->since[i]));
		json_array_append_new(list, object);
	}
	return list;
}

/* The executable memory without a file, as of now. */
static json_t *report_anonymous(struct processes *ps, uint32_t pid)
{
	int n = probe_scan_mappings(ps->probe, pid, ps->vmas, PROCESS_VMAS_MAX);
	json_t *list = json_array();
	char start[32], end[32];

	for (int i = 0; i < (n == -E2BIG ? PROCESS_VMAS_MAX : n); i++) {
		if (!(ps->vmas[i].flags & VMA_ANONYMOUS))
			continue;
		snprintf(start, sizeof(start), "0x%llx", ps->vmas[i].start);
		snprintf(end, sizeof(end), "0x%llx", ps->vmas[i].end);
		json_array_append_new(list, json_pack("{s:s, s:s}", "start", start, "end", end));
	}
	return list;
}

static void report_exe(uint32_t pid, char path[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = 0;
}

static json_t *report_aggregate(const struct objset *set)
{
	char hex[SHA256_HEX_LEN + 1];

	if (!set->has_aggregate)
		return json_null();
	hex_format_sha256(&set->aggregate, hex);
	return json_string(hex);
}

int processes_report(struct processes *ps, uint32_t pid, bool final, json_t **out)
{
	struct note_holder h = {.tgid = pid};
	const struct objset *set;
	char exe[PATH_MAX];
	struct proc_rec rec;
	struct process *p;
	int r;

	if (probe_proc(ps->probe, pid, &rec) || (rec.flags & PROC_EXITED))
		return -ESRCH;
	p = process_get(ps, pid, rec.start_ns);
	if (!p)
		return -ENOMEM;
	r = process_scan(ps, p, &rec, rec.map_stamp, 0, final);
	if (r)
		return r;
	h.start_ns = rec.start_ns;
	h.map_stamp = p->scan_stamp;
	h.exec_pages = p->scan_pages;
	r = processes_objects(ps, &h, final, &set);
	if (r)
		return r;
	report_exe(pid, exe);
	*out = json_pack("{s:i, s:I, s:o, s:b, s:o, s:o, s:o}", "pid", pid, "start_ns",
			 (json_int_t)rec.start_ns, "exe", path_text(exe), "complete", set->complete,
			 "aggregate", report_aggregate(set), "objects", report_objects(ps, p),
			 "anonymous", report_anonymous(ps, pid));
	return *out ? 0 : -ENOMEM;
}
