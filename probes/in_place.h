/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known by its address alone, read in place: at a tenth of the cost of
 * bpf_probe_read_kernel(), and as with that, what cannot be read is 0. All of it is in one file,
 * for the linker of libbpf 1.1 does not accept that two declare the function that allows it.
 */
#ifndef PROBES_IN_PLACE_H
#define PROBES_IN_PLACE_H

#include "maps.h"
#include "object.h"

/* PCOUNT_COUNT: the holder has the file at his descriptor, and maps what he did; else what is not
 * so. */
int holder_holds(const struct memo_holder *h, __u64 file);

/* Whether a struct vm_area_struct is executable, and was written to since the lock was taken:
 * include/linux/mmap_lock.h, vma_start_write(). */
int mapping_is_made(__u64 vma, __u32 sequence);

/* Fills in *v. */
int mapping_view(struct view *v, __u64 vma);

#endif
