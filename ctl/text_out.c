/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "print.h"
#include "text_out.h"

static int put_text(FILE *f, const char *text)
{
	fputs(text, f);
	if (fflush(f) || ferror(f))
		return errno ? -errno : -EIO;
	return 0;
}

/* A device or a pipe: there is nothing to replace. */
static int write_through(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	return f ? put_text(f, text) : -errno;
}

static int put_on_disk(int fd, const char *text)
{
	_cleanup_fclose_ FILE *f = fdopen(fd, "w");
	int r;

	if (!f) {
		r = -errno;
		close(fd);
		return r;
	}
	r = put_text(f, text);
	return !r && fsync(fileno(f)) ? -errno : r;
}

/* The old file stays until the new one is whole. */
static int replace_file(const char *path, const char *text)
{
	_cleanup_free_ char *temporary = NULL;
	int fd, r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = put_on_disk(fd, text);
	if (!r && rename(temporary, path))
		r = -errno;
	if (r)
		unlink(temporary);
	return r;
}

static int write_file(const char *path, const char *text)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_through(path, text);
	return replace_file(path, text);
}

/* Raw, for it is to be read again: its words are printable, as the grammar wants them. */
static void show(const json_t *reply)
{
	const char *text = json_string_value(json_object_get(reply, "text"));

	fputs(text ? text : "", stdout);
}

/* What came for it goes into the file, or why it did not come is told. */
static int save_to(const struct cmdline *line, enum wire_command command, json_t *request,
		   const char *path)
{
	struct client_reply reply;
	struct print_room room;
	const char *text;
	int status = ask_for_reply(line, command, request, &reply), r;

	if (status != STATUS_DONE)
		return status;
	text = json_string_value(json_object_get(reply.json, "text"));
	if (reply.status != WIRE_OK || !text) {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		status = STATUS_REFUSED;
	} else {
		r = write_file(path, text);
		if (r)
			print_error("%s: %s", path, strerror(-r));
		status = r ? STATUS_REFUSED : STATUS_DONE;
	}
	client_reply_free(&reply);
	return status;
}

int text_out(const struct cmdline *line, enum wire_command command, json_t *request,
	     const char *path)
{
	if (!path || strcmp(path, "-") == 0)
		return ask_daemon(line, command, request, show);
	if (!line->json)
		return save_to(line, command, request, path);
	json_decref(request);
	print_error("%s %s: --json does not go with a file", line->command->name, path);
	return STATUS_USAGE;
}
