/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/probe_abi.h"
#include "common/rule.h"
#include "common/rule_proto.h"

#define ENTRY_SLOTS (4 * LEARN_ENTRIES_MAX)
#define PARTY_SLOTS (4 * LEARN_PARTIES_MAX)
#define FLOW_SLOTS  65536
#define PROBES_MAX \
	64 /* slots that are looked at: whoever chooses ports and addresses cannot make more */
#define WELL_KNOWN    1024
#define DYNAMIC_FIRST 49152 /* RFC 6335 section 6 */

#define TCP_SYN 0x02 /* RFC 9293 section 3.1 */
#define TCP_ACK 0x10

struct learn {
	uint16_t client_first, client_last;
	size_t n_entries, n_parties;
	struct learn_entry entries[LEARN_ENTRIES_MAX];
	struct learn_party parties[LEARN_PARTIES_MAX];
	uint32_t entry_slots[ENTRY_SLOTS]; /* index + 1; 0: free */
	uint16_t party_slots[PARTY_SLOTS]; /* the same */
	uint64_t flows[FLOW_SLOTS];	   /* fingerprint, but for its last bit: see flow_note() */
	uint64_t counts[CHAIN_COUNT][LEARN_COUNT];
};

struct learn *learn_new(uint16_t client_first, uint16_t client_last)
{
	struct learn *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->client_first = client_first;
	l->client_last = client_last;
	return l;
}

void learn_free(struct learn *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_parties; i++)
		for (size_t k = 0; k < l->parties[i].n; k++)
			free(l->parties[i].path[k]);
	free(l);
}

static void add(uint64_t *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* --- Parties -------------------------------------------------------------------------------- */

/* A party as its holders make it: the paths are still theirs. */
static void add_program(struct learn_party *party, const struct objset *set)
{
	if (!set->complete || !set->has_program)
		party->whole = false;
	if (!set->has_program)
		return;
	for (size_t i = 0; i < party->n; i++)
		if (sha256_cmp(&party->program[i], &set->program) == 0)
			return;
	if (party->n == LEARN_PARTY_MAX) {
		party->whole = false;
		return;
	}
	party->program[party->n] = set->program;
	party->path[party->n++] = set->program_path;
}

static void make_party(const struct holders *who, struct learn_party *out)
{
	const struct objset *last = NULL;

	out->n = 0;
	out->whole = true;
	for (size_t i = 0; i < who->n; i++)
		if (who->h[i].objects != last)
			add_program(out, last = who->h[i].objects);
}

static bool has_program(const struct learn_party *p, const struct sha256 *program)
{
	for (size_t i = 0; i < p->n; i++)
		if (sha256_cmp(&p->program[i], program) == 0)
			return true;
	return false;
}

/* In whatever order. */
static bool same_party(const struct learn_party *a, const struct learn_party *b)
{
	if (a->n != b->n || a->whole != b->whole)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!has_program(b, &a->program[i]))
			return false;
	return true;
}

/* Digests are as good as random, so their first bytes do. */
static uint64_t party_hash(const struct learn_party *p)
{
	uint64_t sum = p->whole, word;

	for (size_t i = 0; i < p->n; i++) {
		memcpy(&word, p->program[i].b, sizeof(word));
		sum += word;
	}
	return sum;
}

/* A copy with paths of its own. Out of memory, a program has no name. */
static uint16_t keep_party(struct learn *l, const struct learn_party *made)
{
	size_t index = l->n_parties;
	struct learn_party *p = &l->parties[index];

	*p = *made;
	for (size_t i = 0; i < p->n; i++)
		p->path[i] = p->path[i] ? strdup(p->path[i]) : NULL;
	__atomic_store_n(&l->n_parties, index + 1, __ATOMIC_RELEASE);
	return (uint16_t)index;
}

/* False: there is no room for it. */
static bool find_party(struct learn *l, const struct holders *who, uint16_t *out)
{
	struct learn_party made;
	uint64_t at;

	if (who->origin == ORIGIN_UNKNOWN) {
		*out = LEARN_UNKNOWN;
		return true;
	}
	make_party(who, &made);
	at = party_hash(&made);
	for (int i = 0; i < PROBES_MAX; i++, at++) {
		uint16_t *slot = &l->party_slots[at % PARTY_SLOTS];

		if (!*slot) {
			if (l->n_parties == LEARN_PARTIES_MAX)
				return false;
			*out = keep_party(l, &made);
			*slot = *out + 1;
			return true;
		}
		*out = *slot - 1;
		if (same_party(&l->parties[*out], &made))
			return true;
	}
	return false;
}

/* --- Entries -------------------------------------------------------------------------------- */

static bool same_key(const struct learn_entry *a, const struct learn_entry *b)
{
	return memcmp(a, b, offsetof(struct learn_entry, packets)) == 0;
}

static uint64_t entry_hash(const struct learn_entry *key)
{
	uint64_t words[3], h = 0;

	static_assert(offsetof(struct learn_entry, packets) == sizeof(words), "the key has holes");
	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < 3; i++)
		h = abi_mix(h, words[i]);
	return abi_mix(h, h >> 32);
}

/* The entry, or the free slot where it belongs; NULL in both: no room. */
static struct learn_entry *find_entry(struct learn *l, const struct learn_entry *key,
				      uint32_t **slot)
{
	uint64_t at = entry_hash(key);

	for (int i = 0; i < PROBES_MAX; i++, at++) {
		*slot = &l->entry_slots[at % ENTRY_SLOTS];
		if (!**slot)
			return NULL;
		if (same_key(&l->entries[**slot - 1], key))
			return &l->entries[**slot - 1];
	}
	*slot = NULL;
	return NULL;
}

static bool knows(struct learn *l, const struct learn_entry *key)
{
	uint32_t *slot;

	return find_entry(l, key, &slot);
}

static bool count_entry(struct learn *l, const struct learn_entry *key)
{
	uint32_t *slot;
	struct learn_entry *e = find_entry(l, key, &slot);
	size_t n = l->n_entries;

	if (e) {
		add(&e->packets);
		return true;
	}
	if (!slot || n == LEARN_ENTRIES_MAX)
		return false;
	l->entries[n] = *key;
	l->entries[n].packets = 1;
	*slot = (uint32_t)n + 1;
	__atomic_store_n(&l->n_entries, n + 1, __ATOMIC_RELEASE);
	return true;
}

/* --- Which end is the service --------------------------------------------------------------- */

struct end {
	uint8_t addr[16];
	uint16_t port;
};

/* Both directions of a flow have the same fingerprint. *swapped: the source comes second in it. */
static uint64_t flow_print(const struct packet *p, bool *swapped)
{
	struct end ends[2] = {{.port = p->sport}, {.port = p->dport}};
	uint64_t words[2], h = p->proto | (uint64_t)p->family << 8;

	memcpy(ends[0].addr, p->saddr, 16);
	memcpy(ends[1].addr, p->daddr, 16);
	*swapped = memcmp(&ends[0], &ends[1], sizeof(ends[0])) > 0;
	for (int i = 0; i < 2; i++) {
		const struct end *e = &ends[*swapped ? !i : i];

		memcpy(words, e->addr, sizeof(words));
		h = abi_mix(abi_mix(abi_mix(h, words[0]), words[1]), e->port);
	}
	return h ? h : 2;
}

/* The last bit says that the end which comes first is the service. */
static void flow_note(struct learn *l, const struct packet *p, enum learn_way way)
{
	bool swapped;
	uint64_t print = flow_print(p, &swapped), first = (way == LEARN_FROM) != swapped;

	l->flows[print / 2 % FLOW_SLOTS] = (print & ~1ull) | first;
}

static bool flow_known(const struct learn *l, const struct packet *p, enum learn_way *way)
{
	bool swapped;
	uint64_t print = flow_print(p, &swapped), noted = l->flows[print / 2 % FLOW_SLOTS];

	if ((noted ^ print) & ~1ull || !noted)
		return false;
	*way = (noted & 1) != swapped ? LEARN_FROM : LEARN_TO;
	return true;
}

/* The less likely it is that a client was given it, the lower. */
static int rank(const struct learn *l, uint16_t port)
{
	if (port < WELL_KNOWN)
		return 0;
	return (port >= l->client_first && port <= l->client_last) || port >= DYNAMIC_FIRST ? 2 : 1;
}

static enum learn_way guess(const struct learn *l, const struct packet *p)
{
	int from = rank(l, p->sport), to = rank(l, p->dport);

	if (from != to)
		return from < to ? LEARN_FROM : LEARN_TO;
	if (from == 2)
		return LEARN_BARE;
	return p->proto == IPPROTO_TCP && p->sport < p->dport ? LEARN_FROM : LEARN_TO;
}

/* Of the key, what the way decides. */
static void set_way(struct learn_entry *key, const struct packet *p, enum learn_way way)
{
	bool source =
		key->chain == CHAIN_INPUT || (key->chain == CHAIN_FORWARD && way == LEARN_FROM);

	key->way = way;
	key->port = way == LEARN_TO ? p->dport : way == LEARN_FROM ? p->sport : 0;
	memcpy(key->addr, source ? p->saddr : p->daddr, sizeof(key->addr));
}

/* A flow of which nothing is known: of a service that is, or else by its ports. */
static void settle_way(struct learn *l, const struct packet *p, struct learn_entry *key)
{
	enum learn_way way;

	for (way = LEARN_TO; way <= LEARN_FROM; way++) {
		set_way(key, p, way);
		if (knows(l, key))
			return;
	}
	way = guess(l, p);
	set_way(key, p, way);
	if (way != LEARN_BARE)
		flow_note(l, p, way);
}

static void find_way(struct learn *l, const struct packet *p, struct learn_entry *key)
{
	enum learn_way way;

	if (!p->has_ports) {
		set_way(key, p, LEARN_BARE);
	} else if (p->proto == IPPROTO_TCP && p->tcp_flags & TCP_SYN) {
		way = p->tcp_flags & TCP_ACK ? LEARN_FROM : LEARN_TO;
		flow_note(l, p, way);
		set_way(key, p, way);
	} else if (flow_known(l, p, &way)) {
		set_way(key, p, way);
	} else {
		settle_way(l, p, key);
	}
}

/* --- Packets -------------------------------------------------------------------------------- */

/* A rule with a protocol and ports cannot match it. */
static bool is_opaque(const struct packet *p)
{
	return !p->family || !p->has_proto || p->malformed ||
	       (!p->has_ports && (p->later_fragment || rule_proto_has_ports(p->proto)));
}

static enum learn_count take(struct learn *l, enum chain chain, const struct packet *p,
			     const struct holders *who)
{
	struct learn_entry key = {.chain = chain, .family = p->family, .proto = p->proto};

	if (!find_party(l, who, &key.party))
		return LEARN_LEFT;
	find_way(l, p, &key);
	return count_entry(l, &key) ? LEARN_SEEN : LEARN_LEFT;
}

void learn_packet(struct learn *l, enum chain chain, const struct packet *p,
		  const struct holders *who, bool by_rule, bool passed)
{
	enum learn_count what;

	if (!l)
		return;
	if (by_rule)
		what = LEARN_RULED;
	else if (who->origin == ORIGIN_KERNEL)
		what = LEARN_KERNEL;
	else if (!passed)
		what = LEARN_DENIED;
	else if (is_opaque(p))
		what = LEARN_OPAQUE;
	else
		what = take(l, chain, p, who);
	add(&l->counts[chain][what]);
}

size_t learn_entries(const struct learn *l, const struct learn_entry **out)
{
	*out = l->entries;
	return __atomic_load_n(&l->n_entries, __ATOMIC_ACQUIRE);
}

size_t learn_parties(const struct learn *l, const struct learn_party **out)
{
	*out = l->parties;
	return __atomic_load_n(&l->n_parties, __ATOMIC_ACQUIRE);
}

uint64_t learn_packets(const struct learn_entry *e)
{
	return __atomic_load_n(&e->packets, __ATOMIC_RELAXED);
}

uint64_t learn_counted(const struct learn *l, enum chain chain, enum learn_count which)
{
	return __atomic_load_n(&l->counts[chain][which], __ATOMIC_RELAXED);
}
