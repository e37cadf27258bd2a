/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decisions RULES [linear|whole|appended]: what that many mixed rules cost, one figure a line:
 *
 *   load_ms      from the text of a configuration to a rule set in which packets are judged
 *   change_us    one rule put in or taken out, at any place; the median. change_max_us: the longest
 *   index_ms     making the index anew, as the daemon does after some changes, when nobody waits
 *   memory_mb    that the rule set takes
 *   first_ns     the decision on the first packet of a flow, on the average; first_p99_ns: the 99th
 *                percentile, with the clock; first_by_rule: per mille that no policy decided
 *   again_ns     the same for packets of flows that were seen before
 *
 * With `linear` the same packets are judged by reading all rules one after the other. With the
 * others no packet is judged: saved_us is what it takes to have one rule more on the disk, as part
 * of the whole file written anew, or as a change at its end.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fw/decision_cache.h"
#include "fw/store.h"
#include "tests/unit/random.h"

#define FLOWS	  1024
#define OBJSETS	  256
#define OBJECTS	  30   /* that a process has mapped */
#define DIGESTS	  2048 /* that are mapped anywhere */
#define CHANGES	  2000
#define SAVES	  21
#define BATCHES	  31
#define DECISIONS 20000 /* a batch */

static const enum verdict accept[CHAIN_COUNT];

struct flow {
	struct packet packet;
	struct holders who;
};

struct bench {
	struct rng rng;
	struct objset *objsets[OBJSETS];
	struct flow *flows;
	struct ruleset *rules;
	struct decision_cache *cache; /* NULL: each packet is decided anew */
	bool linear;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void must(int r)
{
	if (r) {
		fprintf(stderr, "decisions: %s\n", strerror(-r));
		exit(1);
	}
}

/* The digest of that number: as good as random. */
static struct sha256 digest_of(uint64_t number)
{
	struct rng rng = {number};
	struct sha256 d;

	for (size_t i = 0; i < sizeof(d.b); i += 8) {
		uint64_t word = rng_next(&rng);

		memcpy(d.b + i, &word, 8);
	}
	return d;
}

static uint32_t some_address(struct bench *b)
{
	return 0x0a000000 | (uint32_t)rng_below(&b->rng, 1 << 24);
}

static int write_cidr(struct bench *b, char *at, const char *option)
{
	static const unsigned int lengths[] = {32, 32, 32, 28, 24, 24, 20};
	unsigned int len = lengths[rng_below(&b->rng, sizeof(lengths) / sizeof(lengths[0]))];
	uint32_t a = some_address(b) >> (32 - len) << (32 - len);

	return sprintf(at, " %s %u.%u.%u.%u/%u", option, a >> 24, a >> 16 & 255, a >> 8 & 255,
		       a & 255, len);
}

/* One in a hundred is of a digest that somebody has mapped: lists name what is not to be there. */
static int write_digest(struct bench *b, char *at)
{
	struct sha256 d = digest_of(rng_below(&b->rng, 100) ? rng_next(&b->rng)
							    : rng_below(&b->rng, DIGESTS));
	char hex[SHA256_HEX_LEN + 1];

	hex_format_sha256(&d, hex);
	return sprintf(at, " --sng-hash %s", hex);
}

static void write_rule(struct bench *b, char out[RULE_TEXT_MAX])
{
	const unsigned int kind = (unsigned int)rng_below(&b->rng, 10);
	const unsigned int port = (unsigned int)rng_below(&b->rng, 60000);
	char *at = out + sprintf(out, "-c OUTPUT -v %s", kind & 1 ? "DROP" : "ACCEPT");

	if (kind < 3)
		at += write_cidr(b, at, "-d");
	if (kind == 3)
		at += write_cidr(b, at, "-s");
	if (kind == 2 || kind == 4)
		at += sprintf(at, " -p tcp --dport %u:%u", port, port + (kind == 2 ? 0 : 20));
	if (kind == 4)
		at += write_cidr(b, at, "-d");
	if (kind >= 5 && kind < 8)
		at += write_digest(b, at);
	if (kind == 7)
		at += write_cidr(b, at, "-d");
	if (kind == 8)
		at += sprintf(at, " --uid %u -p udp",
			      1000 + (unsigned int)rng_below(&b->rng, 60000));
	if (kind == 9)
		sprintf(at, " -n net:[%u] -! --dport 443",
			4026532000u + (unsigned int)rng_below(&b->rng, 10000));
}

static struct rule some_rule(struct bench *b)
{
	struct rule_error err;
	char text[RULE_TEXT_MAX];
	struct rule r;

	write_rule(b, text);
	must(rule_parse_text(text, &r, &err));
	return r;
}

static char *write_configuration(struct bench *b, size_t n, size_t *len)
{
	char *text = NULL, line[RULE_TEXT_MAX];
	FILE *f = open_memstream(&text, len);

	if (!f)
		exit(1);
	fputs("app-fw rules 2\n", f);
	for (size_t i = 0; i < n; i++) {
		write_rule(b, line);
		fprintf(f, "%s\n", line);
	}
	fprintf(f, "end %zu\n", n);
	fclose(f);
	return text;
}

struct taken {
	struct rule *rules;
	size_t n, room;
};

static int take_rule(void *cookie, const struct rule *r)
{
	struct taken *t = cookie;

	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rules = realloc(t->rules, t->room * sizeof(*t->rules));
		if (!t->rules)
			return -ENOMEM;
	}
	t->rules[t->n++] = *r;
	return 0;
}

static void load(struct bench *b, size_t n)
{
	struct ruleset *empty = ruleset_new(accept, accept, accept);
	struct taken taken = {.n = 0};
	const struct store_taker to = {.rule = take_rule, .cookie = &taken};
	char err[STORE_ERROR_LEN], *text;
	size_t len, before;
	double began;

	text = write_configuration(b, n, &len);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	began = now_s();
	must(store_parse(text, len, &to, err));
	must(ruleset_append(empty, taken.rules, taken.n, &b->rules));
	free(taken.rules);
	printf("load_ms %.2f\n", (now_s() - began) * 1e3);
	printf("memory_mb %.2f\n",
	       (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / 1e6);
	free(text);
	ruleset_unref(empty);
}

static void make_flows(struct bench *b)
{
	b->flows = calloc(FLOWS, sizeof(*b->flows));
	if (!b->flows)
		exit(1);
	for (size_t s = 0; s < OBJSETS; s++) {
		struct objset_item items[OBJECTS];

		for (size_t i = 0; i < OBJECTS; i++)
			items[i] = (struct objset_item){digest_of(rng_below(&b->rng, DIGESTS)),
							"/usr/lib/x"};
		b->objsets[s] = objset_new(items, OBJECTS, true);
	}
	for (size_t i = 0; i < FLOWS; i++) {
		struct flow *f = &b->flows[i];
		uint32_t dst = some_address(b);

		f->packet = (struct packet){
			.family = 4,
			.proto = 6,
			.has_proto = true,
			.has_ports = true,
			.sport = (uint16_t)rng_below(&b->rng, 65536),
			.dport = 443,
			.saddr = {192, 0, 2, 1},
			.daddr = {10, (uint8_t)(dst >> 16), (uint8_t)(dst >> 8), (uint8_t)dst}};
		f->who = (struct holders){.origin = ORIGIN_KNOWN,
					  .netns = 4026531840,
					  .has_uid = true,
					  .uid = 1000,
					  .n = 1};
		f->who.h[0] = (struct holder){.pid = 1,
					      .objects = b->objsets[rng_below(&b->rng, OBJSETS)]};
	}
}

/* As decide(), but for the index. */
static bool read_through(const struct rule_chain *c, const struct flow *f)
{
	struct finding found;

	for (size_t i = 0; i < c->list.n; i++)
		if (decide_rule(rule_chain_at(c, i), &f->packet, &f->who, &found))
			return true;
	return false;
}

static bool judge(const struct bench *b, const struct flow *f)
{
	struct reason why;

	if (b->linear)
		return read_through(&b->rules->chains[CHAIN_OUTPUT], f);
	if (b->cache)
		decision_cache_decide(b->cache, b->rules, CHAIN_OUTPUT, &f->packet, &f->who, &why);
	else
		decide(b->rules, CHAIN_OUTPUT, &f->packet, &f->who, &why);
	return why.rule;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), by_size);
	return values[(size_t)((double)(n - 1) * q)];
}

static void decide_many(struct bench *b, const char *name)
{
	static double means[BATCHES], each[BATCHES * 1000];
	const size_t n =
		b->linear && b->rules->chains[CHAIN_OUTPUT].list.n > 1000 ? 100 : DECISIONS;
	size_t decided = 0, n_each = 0;

	for (size_t i = 0; i < BATCHES; i++) {
		double began = now_s();

		for (size_t k = 0; k < n; k++)
			decided += judge(b, &b->flows[rng_below(&b->rng, FLOWS)]);
		means[i] = (now_s() - began) * 1e9 / (double)n;
		for (size_t k = 0; k < 1000 && k < n; k++) {
			const struct flow *f = &b->flows[rng_below(&b->rng, FLOWS)];
			double start = now_s();

			judge(b, f);
			each[n_each++] = (now_s() - start) * 1e9;
		}
	}
	printf("%s_ns %.1f\n", name, quantile(means, BATCHES, 0.5));
	printf("%s_p99_ns %.0f\n", name, quantile(each, n_each, 0.99));
	printf("%s_by_rule %zu\n", name, decided * 1000 / (n * BATCHES));
}

static void change_many(struct bench *b)
{
	static double took[CHANGES];
	double index_s = 0;

	for (size_t i = 0; i < CHANGES; i++) {
		const size_t n = b->rules->chains[CHAIN_OUTPUT].list.n;
		const struct rule r = some_rule(b);
		struct ruleset *next;
		double began = now_s();

		if (i & 1)
			must(ruleset_delete(b->rules, CHAIN_OUTPUT, rng_below(&b->rng, n), &next));
		else
			must(ruleset_insert(b->rules, &r, rng_below(&b->rng, n + 1), &next));
		ruleset_unref(b->rules);
		b->rules = next;
		took[i] = (now_s() - began) * 1e6;
		began = now_s();
		if (ruleset_make_indexes(b->rules, &next) == 0) {
			ruleset_unref(b->rules);
			b->rules = next;
			index_s = now_s() - began;
		}
	}
	printf("index_ms %.2f\n", index_s * 1e3);
	printf("change_us %.1f\n", quantile(took, CHANGES, 0.5));
	printf("change_max_us %.1f\n", quantile(took, CHANGES, 1));
}

/* In a directory of its own beside where it is started: /tmp may be no disk. */
static void save_many(struct bench *b, bool whole)
{
	char dir[] = "saved-rules.XXXXXX", file[sizeof(dir) + sizeof("/" STORE_FILE)];
	struct store_tail tail;
	double took[SAVES];

	if (!mkdtemp(dir))
		exit(1);
	must(store_save(dir, b->rules, &tail));
	for (size_t i = 0; i < SAVES; i++) {
		const struct store_change c = {.kind = STORE_INSERT, .rule = some_rule(b)};
		struct ruleset *next;
		double began;

		must(ruleset_insert(b->rules, &c.rule, 0, &next));
		ruleset_unref(b->rules);
		b->rules = next;
		began = now_s();
		must(whole ? store_save(dir, b->rules, &tail) : store_append(dir, &c, &tail));
		took[i] = (now_s() - began) * 1e6;
	}
	printf("saved_us %.1f\n", quantile(took, SAVES, 0.5));
	snprintf(file, sizeof(file), "%s/" STORE_FILE, dir);
	unlink(file);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";
	const size_t n = argc >= 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct bench b = {.rng = {1}};

	const bool whole = strcmp(how, "whole") == 0, saves = whole || strcmp(how, "appended") == 0;

	b.linear = strcmp(how, "linear") == 0;
	if (n == 0 || argc > 3 || (argc == 3 && !saves && !b.linear)) {
		fputs("usage: decisions RULES [linear|whole|appended]\n", stderr);
		return 2;
	}
	make_flows(&b);
	load(&b, n);
	if (saves)
		save_many(&b, whole);
	else
		decide_many(&b, "first");
	if (!saves && !b.linear) {
		b.cache = decision_cache_new();
		must(b.cache ? 0 : -ENOMEM);
		decide_many(&b, "again");
		change_many(&b);
	}
	decision_cache_free(b.cache);
	ruleset_unref(b.rules);
	for (size_t s = 0; s < OBJSETS; s++)
		objset_unref(b.objsets[s]);
	free(b.flows);
	return 0;
}
