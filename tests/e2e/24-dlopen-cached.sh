#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what 61-dlopen-mid-flow shows, with the verdict cache: packets pass in the kernel, and of what is sent after
# dlopen(3) has returned nothing arrives; 100 times in a row.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
CACHED=1
# shellcheck source=tests/e2e/61-dlopen-mid-flow.sh
. "$(dirname "$0")/61-dlopen-mid-flow.sh"

expect_that "$(counter cache_accepted)" -gt 5000 "packets that passed in the kernel"
expect_that "$(counter cache_dropped)" -gt 500 "packets that were dropped there"
