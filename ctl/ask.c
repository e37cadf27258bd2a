/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "commands.h"
#include "print.h"
#include "rule_words.h"

#define TIMEOUT_MS 10000

static const char *socket_path(const struct cmdline *line)
{
	const char *path = getenv(WIRE_SOCKET_ENV);

	if (line->socket)
		return line->socket;
	return path && *path ? path : WIRE_SOCKET_DEFAULT;
}

static int show_reply(const struct cmdline *line, const struct client_reply *reply,
		      ask_show_fn show)
{
	struct print_room room;

	if (reply->status != WIRE_OK) {
		print_error("refused: %s", print_field(reply->json, "error", &room));
		return STATUS_REFUSED;
	}
	if (line->json) {
		fwrite(reply->text, 1, reply->length, stdout);
		putchar('\n');
	} else if (show) {
		show(reply->json);
	}
	return STATUS_DONE;
}

int ask_quietly(const struct cmdline *line, enum wire_command command, json_t *request,
		struct client_reply *out, char err[CLIENT_ERROR_LEN])
{
	int r;

	if (!request) {
		snprintf(err, CLIENT_ERROR_LEN, "out of memory");
		return STATUS_REFUSED;
	}
	r = client_call(socket_path(line), TIMEOUT_MS, command, request, out, err);
	json_decref(request);
	if (r == -EMSGSIZE)
		return STATUS_REFUSED;
	return r ? STATUS_NO_DAEMON : STATUS_DONE;
}

int ask_for_reply(const struct cmdline *line, enum wire_command command, json_t *request,
		  struct client_reply *out)
{
	char err[CLIENT_ERROR_LEN];
	int status = ask_quietly(line, command, request, out, err);

	if (status != STATUS_DONE)
		print_error("%s", err);
	return status;
}

int ask_daemon(const struct cmdline *line, enum wire_command command, json_t *request,
	       ask_show_fn show)
{
	struct client_reply reply;
	int status = ask_for_reply(line, command, request, &reply);

	if (status != STATUS_DONE)
		return status;
	status = show_reply(line, &reply, show);
	client_reply_free(&reply);
	return status;
}

int ask_with_rule(const struct cmdline *line, enum wire_command command, json_t *request,
		  int n_words, char *const words[], ask_show_fn show)
{
	char text[RULE_TEXT_MAX];
	struct rule_error err;
	struct rule rule;

	if (rule_words_resolve(n_words, words, &rule, &err)) {
		json_decref(request);
		print_error("%s", err.text);
		return STATUS_USAGE;
	}
	rule_format(&rule, text);
	if (json_object_set_new(request, "rule", json_string(text))) {
		json_decref(request);
		request = NULL;
	}
	return ask_daemon(line, command, request, show);
}
