/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to the daemon, from a command to its exit status. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <jansson.h>

#include "client.h"
#include "cmdline.h"
#include "common/wire.h"

/* Shows a reply to people. The reply is an object; nothing else about it is sure. */
typedef void (*ask_show_fn)(const json_t *reply);

/*
 * Sends the request (taken over; NULL: no memory). STATUS_DONE when there is a reply, whatever its
 * status: give it to client_reply_free(). Else what went wrong has been told on stderr.
 */
int ask_for_reply(const struct cmdline *line, enum wire_command command, json_t *request,
		  struct client_reply *out);

/* The same, but what went wrong is left in err, as one line. */
int ask_quietly(const struct cmdline *line, enum wire_command command, json_t *request,
		struct client_reply *out, char err[CLIENT_ERROR_LEN]);

/*
 * Sends the request (taken over; NULL: no memory), and prints the reply as it came for --json, else
 * by `show`, which may be NULL. What goes wrong is told on stderr. Returns an enum status.
 */
int ask_daemon(const struct cmdline *line, enum wire_command command, json_t *request,
	       ask_show_fn show);

/* The same with the rule that `words` are as "rule" in the request, in its canonical text. */
int ask_with_rule(const struct cmdline *line, enum wire_command command, json_t *request,
		  int n_words, char *const words[], ask_show_fn show);

#endif
