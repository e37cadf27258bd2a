/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs iptables(8) and ip6tables(8) in the network namespace of the caller: by their arguments,
 * never by a shell. */
#ifndef CTL_IPTABLES_H
#define CTL_IPTABLES_H

#include "hook_words.h"

#define IPTABLES_ERROR_LEN 256

/*
 * 0, and what it printed in *out, for the caller to free; out may be NULL. Else -errno (-ENOENT: it
 * is not installed; -EREMOTEIO: it refused) with one line in err.
 */
int iptables_run(const struct hook_words *words, char **out, char err[IPTABLES_ERROR_LEN]);

#endif
