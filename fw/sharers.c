// SPDX-License-Identifier: GPL-2.0-or-later
#include "sharers.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t any[16];
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 section 2.5.5.2 */

bool sharers_get_all(uint8_t family, const uint8_t to[16])
{
	static const uint8_t link[4] = {255, 255, 255, 255};

	if (family == 6)
		return to[0] == 0xff;
	return (to[0] & 0xf0) == 0xe0 || !memcmp(to, link, sizeof(link));
}

/* Whether what a socket of that family is bound or connected to is an address of the datagram's. */
static bool addr_fits(uint8_t family, const uint8_t at[16], const struct sockdiag_query *q,
		      const uint8_t addr[16])
{
	if (!memcmp(at, any, sizeof(any)))
		return true;
	if (family == q->family)
		return !memcmp(at, addr, family == 4 ? 4 : 16);
	return !memcmp(at, mapped, sizeof(mapped)) && !memcmp(at + sizeof(mapped), addr, 4);
}

bool sharers_fit(uint8_t family, const struct sockdiag_query *ends, bool v6_only,
		 const struct sockdiag_query *q, bool in)
{
	if (family != q->family && (q->family != 4 || v6_only))
		return false;
	if (ends->local_port != q->local_port)
		return false;
	return !in || ((!ends->ifindex || ends->ifindex == q->ifindex) &&
		       (!ends->remote_port || ends->remote_port == q->remote_port) &&
		       addr_fits(family, ends->local, q, q->local) &&
		       addr_fits(family, ends->remote, q, q->remote));
}

struct search {
	const struct sockdiag_query *q;
	void (*fn)(void *cookie, uint64_t socket);
	void *cookie;
	uint8_t family; /* that is being told of */
	bool in;
	int found;
};

static bool on_socket(void *cookie, const struct sockdiag_query *ends,
		      const struct sockdiag_answer *a)
{
	struct search *s = cookie;

	if (!sharers_fit(s->family, ends, a->v6_only, s->q, s->in))
		return false;
	if (++s->found > SHARERS_MAX)
		return true;
	s->fn(s->cookie, a->cookie);
	return false;
}

int sharers_each(struct sockdiag *d, const struct sockdiag_query *q, bool in,
		 void (*fn)(void *cookie, uint64_t socket), void *cookie)
{
	struct search s = {.q = q, .fn = fn, .cookie = cookie, .in = in};
	uint32_t states = q->proto == IPPROTO_TCP ? 1u << SOCKDIAG_LISTEN : SOCKDIAG_ANY;
	int r = 0;

	/* Those of IPv6 may have IPv4 as well. */
	for (s.family = q->family; !r && s.family <= 6; s.family += 2)
		r = sockdiag_each(d, s.family, q->proto, q->local_port, states, on_socket, &s);
	if (!r && s.found > SHARERS_MAX)
		r = -E2BIG;
	return r;
}
