// SPDX-License-Identifier: GPL-2.0-or-later
#include "script_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "interpreter.h"

struct start script_start_of(uint32_t tgid, const struct proc_rec *rec)
{
	if (rec->last_start.stamp)
		return rec->last_start;
	return (struct start){.stamp = rec->start_ns, .tgid = tgid, .pad = SCRIPT_ELDER};
}

bool script_start_is(const struct script_start *s, const struct start *id)
{
	return s->id.stamp == id->stamp && s->id.tgid == id->tgid && s->id.pad == id->pad;
}

/* The names of a folder in the order of a path; NULL: they make none that fits. */
static char *folder_path(const struct folder_hint *f)
{
	char path[ABI_HINT_PATH + 2];
	size_t end = sizeof(path) - 1, used = f->n_names;

	if (used > sizeof(f->names) || (used && f->names[used - 1]))
		return NULL;
	path[end] = 0;
	if (!used)
		path[--end] = '/';
	for (const char *name = f->names; name < f->names + used; name += strlen(name) + 1) {
		end -= strlen(name);
		memcpy(path + end, name, strlen(name));
		path[--end] = '/';
	}
	return strdup(path + end);
}

static struct folder make_folder(const struct folder_hint *f)
{
	return (struct folder){f->ino, f->mount, folder_path(f)};
}

/* What the hint says of its script: false if there is none. *name is NULL if it is not clear. */
static bool has_script(const struct start_hint *h, bool *certain, const char **name)
{
	bool cut = h->flags & START_CUT;
	size_t n = h->n_args < ABI_ARGS ? h->n_args : ABI_ARGS;
	enum command_kind kind = COMMAND_SCRIPT;

	if (h->flags & START_BY_KERNEL)
		*name = !cut && n && !h->args[n - 1] ? h->args : NULL;
	else
		kind = interpreter_script(h->program, h->args, n, cut, name);
	*certain = kind == COMMAND_SCRIPT && *name;
	return kind != COMMAND_NO_SCRIPT;
}

int script_start_told(const struct start_hint *h, struct script_start *out)
{
	const char *name;
	bool certain;

	if (!has_script(h, &certain, &name))
		return -ENOENT;
	*out = (struct script_start){.id = h->start, .certain = certain};
	out->exec_ns = (h->start.stamp >> 8) + clock_real_ns() - clock_monotonic_ns();
	out->cwd = make_folder(&h->cwd);
	out->root = make_folder(&h->root);
	out->name = name ? strdup(name) : NULL;
	if (!name || out->name)
		return 0;
	script_start_clear(out);
	return -ENOMEM;
}

int script_start_untold(uint32_t tgid, const struct proc_rec *rec, struct script_start *out)
{
	if (!rec->exec_ns)
		return -ENOENT;
	*out = (struct script_start){.id = script_start_of(tgid, rec)};
	out->exec_ns = rec->exec_ns + clock_real_ns() - clock_boot_ns();
	return 0;
}

void script_start_clear(struct script_start *s)
{
	free(s->name);
	free((char *)s->cwd.path);
	free((char *)s->root.path);
	*s = (struct script_start){.certain = false};
}
