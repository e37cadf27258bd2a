/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn_plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/memstream.h"
#include "common/rule_proto.h"

/* Of entries of one kind, before they are covered. */
struct pick {
	struct learn_entry *entries;
	size_t n;
};

static void cleanup_pick(struct pick *p)
{
	free(p->entries);
}

static bool in_force_has(const struct ruleset *in_force, const char *name)
{
	return in_force && ruleset_set(in_force, name);
}

/* The next name that nobody has. */
static void name_set(const struct ruleset *in_force, unsigned int *number, char *out)
{
	do
		snprintf(out, SET_NAME_MAX + 1, "learned-%u", ++*number);
	while (in_force_has(in_force, out));
}

/* Each party of several programs that an entry names gets a set, as long as there may be more. */
static void name_sets(struct learn_plan *plan, const struct learn_entry *entries, size_t n,
		      const struct ruleset *in_force)
{
	size_t room = in_force ? SETS_MAX - in_force->n_sets : SETS_MAX;
	unsigned int number = 0;

	for (size_t i = 0; i < n && room > 0; i++) {
		uint16_t party = entries[i].party;

		if (party == LEARN_UNKNOWN || !plan->parties[party].whole ||
		    plan->parties[party].n < 2 || *plan->sets[party])
			continue;
		name_set(in_force, &number, plan->sets[party]);
		room--;
	}
}

/* Whether a rule can tell its packets from others'. */
static bool can_name(const struct learn_plan *plan, uint16_t party)
{
	if (party == LEARN_UNKNOWN || !plan->parties[party].whole || !plan->parties[party].n)
		return false;
	return plan->parties[party].n == 1 || *plan->sets[party];
}

static int pick(const struct learn_plan *plan, const struct learn_entry *entries, size_t n,
		bool named, struct pick *out)
{
	out->entries = calloc(n + 1, sizeof(*out->entries));
	if (!out->entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (can_name(plan, entries[i].party) != named)
			continue;
		out->entries[out->n] = entries[i];
		out->entries[out->n++].packets = learn_packets(&entries[i]);
	}
	return 0;
}

static int cover(const struct learn_plan *plan, const struct learn_entry *entries, size_t n,
		 const struct learn_options *o, bool named, struct suggestion **out, size_t *n_out)
{
	_cleanup_(cleanup_pick) struct pick picked = {.n = 0};
	int r = pick(plan, entries, n, named, &picked);

	return r ? r : learn_suggest(picked.entries, picked.n, o, out, n_out);
}

int learn_plan(const struct learn *learn, const struct learn_options *o,
	       const struct ruleset *in_force, struct learn_plan *out)
{
	const struct learn_entry *entries;
	struct learn_plan plan = {.learn = learn};
	size_t n = learn_entries(learn, &entries);
	int r;

	plan.n_parties = learn_parties(learn, &plan.parties);
	plan.sets = calloc(plan.n_parties + 1, sizeof(*plan.sets));
	if (!plan.sets)
		return -ENOMEM;
	name_sets(&plan, entries, n, in_force);
	r = cover(&plan, entries, n, o, true, &plan.rules, &plan.n_rules);
	r = r ? r : cover(&plan, entries, n, o, false, &plan.others, &plan.n_others);
	if (r) {
		learn_plan_free(&plan);
		return r;
	}
	*out = plan;
	return 0;
}

void learn_plan_free(struct learn_plan *plan)
{
	free(plan->rules);
	free(plan->others);
	free(plan->sets);
	*plan = (struct learn_plan){.learn = NULL};
}

/* An address is the peer's: which end that is, see struct learn_entry. */
static bool names_source(const struct suggestion *s)
{
	return s->chain == CHAIN_INPUT || (s->chain == CHAIN_FORWARD && s->way == LEARN_FROM);
}

/* Whose packets they are: by the program, or by a set of those that share the socket. */
static void name_party(const struct learn_plan *plan, uint16_t party, struct rule *out)
{
	const struct learn_party *p = &plan->parties[party];
	const char *path = p->path[0] ? p->path[0] : "";

	if (p->n == 1) {
		out->have |= MATCH_BIT(MATCH_SNG_HASH);
		out->sng = p->program[0];
	} else {
		out->have |= MATCH_BIT(MATCH_SET);
		strcpy(out->set, plan->sets[party]);
	}
	strcpy(out->note, "learned");
	if (p->n == 1 && !set_path_fault(path) &&
	    strlen(path) <= RULE_NOTE_MAX - strlen("learned: "))
		sprintf(out->note, "learned: %s", path);
}

void learn_plan_rule(const struct learn_plan *plan, const struct suggestion *s, struct rule *out)
{
	*out = (struct rule){.chain = s->chain,
			     .verdict = VERDICT_ACCEPT,
			     .have = MATCH_BIT(MATCH_PROTO),
			     .proto = s->proto};
	if (!s->any) {
		out->have |= MATCH_BIT(names_source(s) ? MATCH_SRC : MATCH_DST);
		*(names_source(s) ? &out->src : &out->dst) = s->peer;
	}
	if (s->way != LEARN_BARE) {
		out->have |= MATCH_BIT(s->way == LEARN_TO ? MATCH_DPORT : MATCH_SPORT);
		*(s->way == LEARN_TO ? &out->dport : &out->sport) = s->ports;
	}
	if (can_name(plan, s->party))
		name_party(plan, s->party, out);
}

/* An earlier program of the party is called the same: the file was replaced meanwhile. */
static bool is_taken(const struct learn_party *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (p->path[k] && strcmp(p->path[k], p->path[i]) == 0)
			return true;
	return false;
}

/* Where the path cannot stand in a line, or says nothing, the digest does. */
static void path_of(const struct learn_party *p, size_t i, char out[SET_PATH_MAX + 1])
{
	char hex[SHA256_HEX_LEN + 1];

	if (p->path[i] && !set_path_fault(p->path[i]) && !is_taken(p, i)) {
		strcpy(out, p->path[i]);
		return;
	}
	hex_format_sha256(&p->program[i], hex);
	snprintf(out, SET_PATH_MAX + 1, "/unnamed/%s", hex);
}

/* Not more than fits, and never half a character: a longer one ends with dots. */
static void append(char out[LEARN_NAME_LEN], const char *text)
{
	size_t have = strlen(out), room = LEARN_NAME_LEN - 4 - have, n = strlen(text);

	if (have > LEARN_NAME_LEN - 5)
		return;
	if (n > room) {
		for (n = room; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
		sprintf(out + have, "%.*s...", (int)n, text);
		return;
	}
	strcpy(out + have, text);
}

void learn_plan_name(const struct learn_plan *plan, uint16_t party, char out[LEARN_NAME_LEN])
{
	const struct learn_party *p = &plan->parties[party];
	char path[SET_PATH_MAX + 1];

	*out = '\0';
	if (party == LEARN_UNKNOWN) {
		append(out, "unknown origin");
		return;
	}
	if (!p->whole)
		append(out, "not all is known of ");
	if (!p->n)
		append(out, "a process");
	for (size_t i = 0; i < p->n; i++) {
		path_of(p, i, path);
		append(out, i ? " + " : "");
		append(out, path);
	}
}

/* "N", or "2^N" of what is more than 2^48. */
static void format_size(unsigned int bits, uint64_t times, char out[32])
{
	if (bits <= 48)
		snprintf(out, 32, "%llu", (unsigned long long)((1ull << bits) * times));
	else
		snprintf(out, 32, "%s2^%u", times > 1 ? "more than " : "", bits);
}

void learn_plan_excess(const struct suggestion *s, char out[LEARN_EXCESS_LEN])
{
	bool ports = s->way != LEARN_BARE;
	unsigned int bits = s->any ? 0 : (s->peer.family == 4 ? 32u : 128u) - s->peer.len;
	uint64_t n_ports = s->ports.last - s->ports.first + 1u;
	const char *other = !ports && rule_proto_has_ports(s->proto) ? ", any port" : "";
	char all[32];

	if (s->any) {
		snprintf(out, LEARN_EXCESS_LEN, "any address: %zu seen%s%s", s->kinds,
			 ports && n_ports > 1 ? ", with their ports" : "", other);
		return;
	}
	if (bits <= 48 && (1ull << bits) * n_ports == s->kinds) {
		snprintf(out, LEARN_EXCESS_LEN, "no other address%s", ports ? " or port" : other);
		return;
	}
	format_size(bits, n_ports, all);
	snprintf(out, LEARN_EXCESS_LEN, "%s %s: %zu seen%s", all,
		 ports && n_ports > 1 ? "pairs of address and port" : "addresses", s->kinds, other);
}

/* --- As text -------------------------------------------------------------------------------- */

#define OTHERS_MAX 1000 /* told of one by one */

static uint64_t count_all(const struct learn *l, enum learn_count which)
{
	uint64_t sum = 0;

	for (int c = 0; c < CHAIN_COUNT; c++)
		sum += learn_counted(l, c, which);
	return sum;
}

static const struct {
	enum learn_count which;
	const char *text;
} remarks[] = {
	{LEARN_RULED, "were decided by rules that were in force: they stay, and come first"},
	{LEARN_DENIED, "were dropped by a policy as it was enforced: they are not learned"},
	{LEARN_KERNEL, "were of kernel origin, which has a verdict of its own (app-fw --kernel)"},
	{LEARN_OPAQUE, "had no protocol or ports that could be read: no rule here allows them"},
	{LEARN_LEFT, "WERE LEFT OUT, FOR THE TABLE IS FULL: what follows does not cover them"},
};

static void write_head(FILE *f, const struct learn_plan *plan)
{
	const struct learn_entry *entries;
	const struct learn *l = plan->learn;

	fprintf(f, "# learned from %llu packets of %zu kinds: %zu rules\n",
		(unsigned long long)count_all(l, LEARN_SEEN), learn_entries(l, &entries),
		plan->n_rules);
	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		uint64_t n = count_all(l, remarks[i].which);

		if (n)
			fprintf(f, "# %llu packets %s\n", (unsigned long long)n, remarks[i].text);
	}
}

static void write_other(FILE *f, const struct learn_plan *plan, const struct suggestion *s)
{
	char name[LEARN_NAME_LEN], text[RULE_TEXT_MAX];
	struct rule rule;

	learn_plan_name(plan, s->party, name);
	learn_plan_rule(plan, s, &rule);
	rule_format(&rule, text);
	fprintf(f, "#   %s: %llu packets: %s\n", name, (unsigned long long)s->packets, text);
}

/* What of it the policy would have dropped. */
static void write_dropped(FILE *f, const struct learn_plan *plan, enum chain chain)
{
	uint64_t packets = 0;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_others; i++)
		if (plan->others[i].chain == chain)
			packets += plan->others[i].packets;
	if (packets)
		fprintf(f, "# would have dropped %llu of the packets, which no rule can name:\n",
			(unsigned long long)packets);
	for (size_t i = 0; i < plan->n_others && n < OTHERS_MAX; i++)
		if (plan->others[i].chain == chain) {
			write_other(f, plan, &plan->others[i]);
			n++;
		}
	if (n == OTHERS_MAX)
		fprintf(f, "#   (the first %zu)\n", n);
}

/* Each line that begins so. */
static void copy_lines(FILE *f, const char *text, const char *word)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (strncmp(text, word, strlen(word)) == 0)
			fprintf(f, "%.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void write_policies(FILE *f, const struct learn_plan *plan, const char *in_force)
{
	for (int c = 0; c < CHAIN_COUNT; c++) {
		char word[32];

		snprintf(word, sizeof(word), "policy %s ", chain_name(c));
		if (!learn_counted(plan->learn, c, LEARN_SEEN)) {
			copy_lines(f, in_force, word);
			continue;
		}
		fprintf(f, "%sDROP\n", word);
		write_dropped(f, plan, c);
	}
}

static void write_sets(FILE *f, const struct learn_plan *plan)
{
	char path[SET_PATH_MAX + 1], hex[SHA256_HEX_LEN + 1];

	for (size_t p = 0; p < plan->n_parties; p++)
		for (size_t i = 0; *plan->sets[p] && i < plan->parties[p].n; i++) {
			path_of(&plan->parties[p], i, path);
			hex_format_sha256(&plan->parties[p].program[i], hex);
			fprintf(f, "set\t%s\t-\t-\t-\t%s\t%s\n", plan->sets[p], hex, path);
		}
}

static void write_rule(FILE *f, const struct learn_plan *plan, const struct suggestion *s)
{
	char name[LEARN_NAME_LEN], excess[LEARN_EXCESS_LEN], text[RULE_TEXT_MAX];
	struct rule rule;

	learn_plan_name(plan, s->party, name);
	learn_plan_excess(s, excess);
	learn_plan_rule(plan, s, &rule);
	rule_format(&rule, text);
	fprintf(f, "# %s: %llu packets; lets pass: %s\n%s\n", name, (unsigned long long)s->packets,
		excess, text);
}

char *learn_plan_text(const struct learn_plan *plan, const char *in_force)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return NULL;
	fprintf(f, "app-fw rules %d\n", strstr(in_force, "\npatch ") ? 3 : 2);
	write_head(f, plan);
	write_policies(f, plan, in_force);
	copy_lines(f, in_force, "set\t");
	write_sets(f, plan);
	copy_lines(f, in_force, "patch ");
	copy_lines(f, in_force, "-");
	for (size_t i = 0; i < plan->n_rules; i++)
		write_rule(f, plan, &plan->rules[i]);
	fputs("end\n", f);
	return memstream_end(f, &text);
}
