# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced before lib.sh: the scenario runs in a mount namespace of its own, with a bpffs that nobody else sees.
[[ -n ${OWN_BPFFS:-} ]] || OWN_BPFFS=1 exec unshare --mount "$BASH" "$0" "$@"
while umount /sys/fs/bpf 2>/dev/null; do :; done # the machine's, of which this has a copy
mount -t bpf bpf /sys/fs/bpf
