// SPDX-License-Identifier: GPL-2.0-or-later
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "path_text.h"

struct tally {
	struct processes *processes;
	struct objects *objects;
	struct binaries *binaries;
	struct binary copy[BINARIES_MAX];
};

struct tally *tally_new(struct processes *processes, struct objects *objects)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->processes = processes;
	t->objects = objects;
	t->binaries = binaries_new();
	if (t->binaries)
		return t;
	free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	binaries_free(t->binaries);
	free(t);
}

static struct binary *row_of(struct tally *t, const struct note_holder *h)
{
	const struct binary_process p = {
		.start_ns = h->start_ns, .stamp = h->map_stamp, .pid = h->tgid};
	struct binary *row = binaries_find(t->binaries, &p);
	struct object_key program;
	bool known;

	if (row)
		return row;
	known = !processes_program(t->processes, h->tgid, h->start_ns, h->map_stamp, &program);
	return binaries_learn(t->binaries, &p, known ? &program : NULL);
}

void tally_packet(struct tally *t, const struct attribution *who, const struct packet *p,
		  enum verdict verdict, bool would)
{
	struct binary *row;

	if (who->n)
		row = row_of(t, attribution_holder(who, 0));
	else
		row = binaries_row(t->binaries,
				   who->origin == ORIGIN_KERNEL ? BINARY_KERNEL : BINARY_UNKNOWN);
	binaries_count(t->binaries, row, p, verdict, would);
}

void tally_kernel(struct tally *t, const struct packet *p, enum verdict verdict)
{
	binaries_count(t->binaries, binaries_row(t->binaries, BINARY_KERNEL), p, verdict, false);
}

static void name_row(struct tally *t, struct tally_row *row)
{
	const struct object *obj = NULL;

	if (row->binary.kind == BINARY_PROGRAM)
		obj = objects_find(t->objects, &row->binary.key);
	row->has_digest = obj && obj->state == OBJECT_READY;
	row->path[0] = '\0';
	if (!row->has_digest)
		return;
	row->digest = obj->digest;
	snprintf(row->path, sizeof(row->path), "%s", obj->path);
}

size_t tally_copy(struct tally *t, struct tally_row out[BINARIES_MAX])
{
	size_t n = binaries_copy(t->binaries, t->copy);

	for (size_t i = 0; i < n; i++) {
		out[i].binary = t->copy[i];
		name_row(t, &out[i]);
	}
	return n;
}

static json_t *count_json(const struct binary_count *c)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)c->packets, "bytes",
			 (json_int_t)c->bytes);
}

static json_t *verdicts_json(const struct binary *b)
{
	json_t *verdicts = json_object();

	for (int v = 0; v < VERDICT_COUNT; v++)
		json_object_set_new(verdicts, verdict_name(v), count_json(&b->by[v]));
	return verdicts;
}

json_t *tally_json(const struct tally_row *row)
{
	const struct binary *b = &row->binary;
	const bool program = b->kind == BINARY_PROGRAM;
	char hex[SHA256_HEX_LEN + 1], device[32];

	hex_format_sha256(&row->digest, hex);
	snprintf(device, sizeof(device), "%u:%u", b->key.dev >> 20, b->key.dev & 0xfffff);
	return json_pack("{s:s, s:o, s:s?, s:s?, s:o, s:I, s:o, s:o}", "kind",
			 binary_kind_name(b->kind), "exe", path_text(*row->path ? row->path : NULL),
			 "sha256", row->has_digest ? hex : NULL, "device", program ? device : NULL,
			 "inode", program ? json_integer((json_int_t)b->key.ino) : json_null(),
			 "flows", (json_int_t)b->flows, "verdicts", verdicts_json(b), "would",
			 count_json(&b->would));
}
