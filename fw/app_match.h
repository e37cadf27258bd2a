/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a signature that asks who it is: app_set and app_hash. Pure.
 *
 * It holds if it does for any holder of the socket: a signature takes away, as a DROP rule does. A
 * negated one holds unless the object is known to be mapped. Of a packet that is nobody's, being
 * the kernel's, none holds; of one whose holders are unknown, only negated ones: an exception is
 * for who is known to be it.
 */
#ifndef FW_APP_MATCH_H
#define FW_APP_MATCH_H

#include "holder.h"
#include "ruleset.h"
#include "sig_rule.h"

/* A set that is not there has nothing in it. *holder: the first who is meant, else 0. */
bool app_match(const struct sig_rule *r, const struct holders *holders, const struct ruleset *rules,
	       size_t *holder);

#endif
