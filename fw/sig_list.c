// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

void sig_list_clear(struct sig_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		sig_rule_unref(l->rules[i]);
	free(l->rules);
	*l = (struct sig_list){.depth = SIG_DEPTH_DEFAULT};
}

static void note_skipped(struct sig_file *f, size_t line, const struct sig_error *why)
{
	char *text;

	if (!f->skipped++ && asprintf(&text, "line %zu: %s", line, why->text) >= 0)
		f->first_skipped = text;
}

int sig_file_check(struct sig_file *f, const char *name, bool skip, char err[SIG_FILE_ERROR])
{
	size_t kept = 0;
	int fault = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct sig_error why = {""};
		int r = fault ? 0 : sig_set_check(f->rules[i], &why);

		if (r == -ENOTSUP && skip) {
			note_skipped(f, f->lines[i], &why);
			sig_rule_unref(f->rules[i]);
			continue;
		}
		if (r) {
			snprintf(err, SIG_FILE_ERROR, "%.100s, line %zu: %s", name, f->lines[i],
				 *why.text ? why.text : strerror(-r));
			fault = r;
		}
		f->lines[kept] = f->lines[i];
		f->rules[kept++] = f->rules[i];
	}
	f->n = kept;
	return fault;
}

static int cmp_rule(const void *a, const void *b)
{
	const struct sig_rule *x = *(struct sig_rule *const *)a, *y = *(struct sig_rule *const *)b;

	return x->sid < y->sid ? -1 : x->sid > y->sid;
}

int sig_list_merge(const struct sig_list *old, const struct sig_file *file, struct sig_list *out)
{
	struct sig_list l = {.depth = file->has_depth ? file->depth : old->depth};
	_cleanup_free_ struct sig_rule **new = calloc(file->n + 1, sizeof(struct sig_rule *));
	size_t i = 0, k = 0;

	l.rules = calloc(old->n + file->n + 1, sizeof(*l.rules));
	if (!new || !l.rules) {
		free(l.rules);
		return -ENOMEM;
	}
	if (file->n)
		memcpy(new, file->rules, file->n * sizeof(*new));
	qsort(new, file->n, sizeof(*new), cmp_rule);
	while (i < old->n || k < file->n) {
		bool both = i < old->n && k < file->n && old->rules[i]->sid == new[k]->sid;
		bool mine =
			!both && (k == file->n || (i < old->n && old->rules[i]->sid < new[k]->sid));

		l.rules[l.n++] = sig_rule_ref(mine ? old->rules[i] : new[k]);
		i += both || mine;
		k += !mine;
	}
	if (l.n > SIG_RULES_MAX) {
		sig_list_clear(&l);
		return -E2BIG;
	}
	*out = l;
	return 0;
}

int sig_list_remove(const struct sig_list *old, uint32_t sid, struct sig_list *out)
{
	struct sig_list l = {.depth = old->depth};

	l.rules = calloc(old->n + 1, sizeof(*l.rules));
	if (!l.rules)
		return -ENOMEM;
	for (size_t i = 0; i < old->n; i++)
		if (old->rules[i]->sid != sid)
			l.rules[l.n++] = sig_rule_ref(old->rules[i]);
	if (l.n == old->n) {
		sig_list_clear(&l);
		return -ENOENT;
	}
	*out = l;
	return 0;
}

int sig_list_compile(const struct sig_list *l, struct sig_rule *const *more, size_t n_more,
		     struct sig_set **out, uint32_t *bad_sid, struct sig_error *err)
{
	_cleanup_free_ struct sig_rule **all = calloc(l->n + n_more + 1, sizeof(struct sig_rule *));
	size_t n = l->n + n_more, bad = 0;
	int r;

	if (!all)
		return -ENOMEM;
	if (!n) {
		*out = NULL;
		return 0;
	}
	if (l->n)
		memcpy(all, l->rules, l->n * sizeof(*all));
	if (n_more)
		memcpy(all + l->n, more, n_more * sizeof(*all));
	r = sig_set_new(all, n, l->depth, out, &bad, err);
	if (r)
		*bad_sid = all[bad]->sid;
	return r;
}
