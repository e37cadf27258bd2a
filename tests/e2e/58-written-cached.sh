#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what 66-written-while-mapped shows, with the verdict cache: packets pass and are dropped in the kernel, and what is
# written over a library or a memfd is what the process is judged by a second later all the same.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
CACHED=1
# shellcheck source=tests/e2e/66-written-while-mapped.sh
. "$(dirname "$0")/66-written-while-mapped.sh"

expect_that "$(counter cache_accepted)" -gt 10 "packets that passed in the kernel"
expect_that "$(counter cache_dropped)" -gt 0 "packets that were dropped there"
