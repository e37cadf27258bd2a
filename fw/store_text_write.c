/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "common/memstream.h"
#include "store_text.h"
#include "store_words.h"

/* Reading two clocks takes time: a whole second must not become the one before. */
#define JITTER 10000000ull

static const char *or_none(const char *word)
{
	return *word ? word : STORE_NONE;
}

/* Of the clock by which digests end, as seconds of the one that outlives the daemon. */
static uint64_t real_s(uint64_t monotonic_ns)
{
	return (monotonic_ns + clock_real_ns() - clock_monotonic_ns() + JITTER) / SECOND;
}

static void write_item(FILE *f, const struct set *set, const struct set_item *item)
{
	char hex[SHA256_HEX_LEN + 1], until[24] = STORE_NONE;

	hex_format_sha256(&item->digest, hex);
	if (item->until_ns)
		snprintf(until, sizeof(until), "%" PRIu64, real_s(item->until_ns));
	fprintf(f, STORE_SET_WORD "%s\t%s\t%s\t%s\t%s\t%s\n", set->name, or_none(item->package),
		or_none(item->root), until, hex, item->path);
}

/* Returns how many lines. */
static size_t write_patches(FILE *f, const struct patch_list *l, bool all)
{
	const bool tell_next = !all && l->next_id > 1;
	char text[PATCH_TEXT_MAX];

	if (tell_next)
		fprintf(f, STORE_NEXT_PATCH_WORD " %" PRIu64 "\n", l->next_id);
	for (size_t i = 0; i < l->n; i++) {
		patch_format(&l->entries[i]->patch, text);
		fprintf(f, STORE_PATCH_WORD " %" PRIu64 " %s\n", l->entries[i]->patch.id, text);
	}
	return l->n + tell_next;
}

static const char *first_line(const struct patch_list *l, bool all)
{
	return l->n || (!all && l->next_id > 1) ? STORE_FIRST_LINE_PATCHES : STORE_FIRST_LINE;
}

void store_text_write(FILE *f, const struct ruleset *rs, bool all)
{
	char text[RULE_TEXT_MAX];
	size_t n = 0;

	fprintf(f, "%s\n", first_line(&rs->patches, all));
	for (int c = 0; c < CHAIN_COUNT; c++)
		if (all || rs->chains[c].policy_stated) {
			fprintf(f, STORE_POLICY_WORD " %s %s\n", chain_name(c),
				verdict_name(rs->chains[c].policy));
			n++;
		}
	for (size_t s = 0; s < rs->n_sets; s++)
		for (size_t i = 0; i < rs->sets[s]->n; i++, n++)
			write_item(f, rs->sets[s], &rs->sets[s]->items[i]);
	n += write_patches(f, &rs->patches, all);
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].list.n; i++, n++) {
			rule_format(rule_chain_at(&rs->chains[c], i), text);
			fprintf(f, "%s\n", text);
		}
	fprintf(f, STORE_LAST_WORD " %zu\n", n);
}

char *store_format(const struct ruleset *rs)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return NULL;
	store_text_write(f, rs, true);
	return memstream_end(f, &text);
}
