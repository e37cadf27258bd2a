/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tree of a process's mappings (lib/maple_tree.c), read in place: bpf_find_vma() would take the
 * lock, which whoever changes a mapping has already. Only for who has it: nobody else changes the
 * tree then.
 *
 * A node has up to 16 slots (one that knows its gaps, 10). Slot i covers what is above pivot i-1,
 * up to pivot i; the last one in use, all that is left to its node, whether its pivot says so, is
 * 0, or there is none. The lowest byte of a pointer to a node tells of what kind it is.
 */
#ifndef PROBES_VMA_TREE_H
#define PROBES_VMA_TREE_H

#include "maps.h"

#define TREE_DEPTH_MAX	 16
#define TREE_LEAVES_MAX	 16384 /* more than 65,530 mappings have: vm.max_map_count */
#define TREE_PIVOTS	 15
#define TREE_SLOTS	 16
#define TREE_GAPS_PIVOTS 9

/* On the way to an address; then at the leaf that covers it. */
struct descent {
	struct tree_node *node; /* a copy */
	__u64 address;
	__u64 entry; /* the node that is next */
	__u64 max;   /* the last address that it covers */
	__u32 slot;
	bool arrived;
};

/* The slot that covers the address, of a node of n pivots. In mapping_lock.bpf.c, and not static:
 * as made(). */
__noinline int slot_of(const struct tree_node *node, __u32 n, __u64 address);

/* The slots of both kinds follow their pivots: TREE_PIVOTS, or fewer. */
static long descend(__u32 i, struct descent *d)
{
	__u32 type = (d->entry >> MAPLE_NODE_TYPE_SHIFT) & MAPLE_NODE_TYPE_MASK;
	__u64 at = (d->entry & ~(__u64)MAPLE_NODE_MASK) +
		   bpf_core_field_offset(struct maple_range_64, pivot);
	__u32 n = type == MAPLE_ARANGE_64 ? TREE_GAPS_PIVOTS : TREE_PIVOTS, slot;
	__u64 *word = d->node->word;

	if (bpf_probe_read_kernel(word, (TREE_PIVOTS + TREE_SLOTS) * sizeof(*word), (void *)at))
		return 1;
	slot = slot_of(d->node, n, d->address);
	d->slot = slot;
	d->arrived = type == MAPLE_LEAF_64;
	if (d->arrived)
		return 1;
	if (slot < n && word[slot & TREE_PIVOTS])
		d->max = word[slot & TREE_PIVOTS];
	d->entry = word[(n + slot) & (TREE_WORDS - 1)];
	return 0;
}

/* False: there is no leaf. A tree of one mapping at 0 has none, and an empty one. */
static __always_inline bool find_leaf(struct descent *d, const struct mm_struct *mm, __u64 address)
{
	d->address = address;
	d->entry = (__u64)mm->mm_mt.ma_root;
	d->max = ~0ull;
	d->arrived = false;
	if ((d->entry & 3) != 2 || d->entry <= 4096) /* include/linux/xarray.h: xa_is_node */
		return false;
	bpf_loop(TREE_DEPTH_MAX, descend, d, 0);
	return d->arrived;
}

/* Address of the struct vm_area_struct in a slot of the leaf; 0: there is none. */
static __always_inline __u64 leaf_slot(const struct descent *d, __u32 slot)
{
	return d->node->word[(TREE_PIVOTS + slot) & (TREE_WORDS - 1)];
}

/* The last address that it covers. */
static __always_inline __u64 leaf_slot_last(const struct descent *d, __u32 slot)
{
	__u64 pivot = slot < TREE_PIVOTS ? d->node->word[slot & TREE_PIVOTS] : 0;

	return pivot && pivot < d->max ? pivot : d->max;
}

#endif
