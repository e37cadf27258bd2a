/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signatures in force: `ctl-fw sig`, and what is kept of them. Runs on the control thread. */
#ifndef FW_COMMAND_SIG_H
#define FW_COMMAND_SIG_H

#include "control.h"
#include "daemon.h"

#define COMMAND_SIG_FILE "signatures" /* in the state directory: fw/sig_file.h is its form */

/* At the start, when queues are open: what was saved is in force. 0 or -errno, logged. */
int command_sig_start(struct daemon *d);

/* The same when the saved rules are read again. */
int command_sig_reload(struct daemon *d);

/*
 * The signatures of patches, which are in force besides those that were loaded, and are not kept in
 * the file: n of them instead of those before, with references of its own. 0; else nothing has
 * changed: -EINVAL, -ENOTSUP with err, or another -errno.
 */
int command_sig_patches(struct daemon *d, struct sig_rule *const *rules, size_t n,
			struct sig_error *err);

void command_sig_stop(struct daemon *d);

/* The commands: see common/wire.h. */
enum wire_status command_sig_load(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_sig_list(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_sig_remove(struct daemon *d, const json_t *request, json_t **reply);

#endif
