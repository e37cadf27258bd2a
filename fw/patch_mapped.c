// SPDX-License-Identifier: GPL-2.0-or-later
#include "patch_mapped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define VMAS_FIRST 16384
#define VMAS_LAST  (1u << 22)

/* An object that a process has mapped. */
struct mapped {
	struct object_key key;
	uint32_t tgid;
	struct place place;
};

struct census {
	struct daemon *d;
	struct mapped *all;
	size_t n;
	struct patch_mapped *counts;
	bool pending;
};

bool patch_names_object(const struct patch *p)
{
	return p->rule.have & ~p->rule.neg & MATCH_BIT(MATCH_SNG_HASH);
}

/* Returns how many, or -errno. */
static int read_mappings(struct probe *probe, struct vma_rec **out)
{
	for (size_t room = VMAS_FIRST; room <= VMAS_LAST; room *= 4) {
		_cleanup_free_ struct vma_rec *vmas = malloc(room * sizeof(*vmas));
		int n = vmas ? probe_scan_mappings(probe, 0, vmas, room) : -ENOMEM;

		if (n == -E2BIG)
			continue;
		if (n >= 0)
			*out = TAKE_PTR(vmas);
		return n;
	}
	return -E2BIG;
}

/* By object, then by process: each pair once, and what is of one object together. */
static int mapped_cmp(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	return order ? order : (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

static size_t take_objects(const struct vma_rec *vmas, size_t n, struct mapped *out)
{
	size_t all = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (vmas[i].flags & VMA_OBJECT)
			out[all++] = (struct mapped){
				vmas[i].object,
				vmas[i].tgid,
				{.pid = vmas[i].pid, .start = vmas[i].start, .end = vmas[i].end}};
	qsort(out, all, sizeof(*out), mapped_cmp);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || mapped_cmp(&out[i], &out[kept - 1]) != 0)
			out[kept++] = out[i];
	return kept;
}

static void count(struct census *c, const struct sha256 *digest, size_t processes)
{
	const struct patch_list *l = &c->d->rules->patches;
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct patch *p = &l->entries[i]->patch;

		if (!patch_names_object(p))
			continue;
		if (sha256_cmp(&p->rule.sng, digest) == 0)
			c->counts[at].processes += processes;
		at++;
	}
}

/* On the data thread. A process that has two files of one content mapped counts twice. */
static void look_up(void *cookie)
{
	struct census *c = cookie;
	struct objects *objects = c->d->objects;

	for (size_t i = 0, end; i < c->n; i = end) {
		struct object *obj = objects_find(objects, &c->all[i].key);

		for (end = i + 1; end < c->n; end++)
			if (memcmp(&c->all[end].key, &c->all[i].key, sizeof(c->all[i].key)) != 0)
				break;
		if (!obj)
			obj = objects_add(objects, &c->all[i].key, &c->all[i].place, false);
		if (obj && obj->state == OBJECT_READY)
			count(c, &obj->digest, end - i);
		else
			c->pending |= obj && obj->state == OBJECT_PENDING;
	}
}

static struct patch_mapped *counts_new(const struct patch_list *l)
{
	struct patch_mapped *counts = calloc(l->n + 1, sizeof(*counts));
	size_t n = 0;

	for (size_t i = 0; counts && i < l->n; i++)
		if (patch_names_object(&l->entries[i]->patch))
			counts[n++].id = l->entries[i]->patch.id;
	return counts;
}

int patch_mapped(struct daemon *d, bool final, struct patch_mapped **out)
{
	_cleanup_free_ struct vma_rec *vmas = NULL;
	_cleanup_free_ struct mapped *all = NULL;
	_cleanup_free_ struct patch_mapped *counts = counts_new(&d->rules->patches);
	struct census c = {.d = d, .counts = counts};
	int n;

	if (!counts)
		return -ENOMEM;
	if (counts[0].id) {
		n = read_mappings(d->probe, &vmas);
		if (n < 0)
			return n;
		all = malloc(((size_t)n + 1) * sizeof(*all));
		if (!all)
			return -ENOMEM;
		c.all = all;
		c.n = take_objects(vmas, (size_t)n, all);
		mailbox_call(d->mailbox, look_up, &c);
		if (c.pending && !final)
			return -EAGAIN;
	}
	*out = TAKE_PTR(counts);
	return 0;
}
