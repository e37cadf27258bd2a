/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an answer that is found later still says of the moment when the packet was sent: processes
 * are forked, end and close descriptors between the two.
 */
#ifndef FW_HINDSIGHT_H
#define FW_HINDSIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "sockowner.h"

#define QUEUE_LAG_NS 1000000000ull /* longer than a packet waits in a queue, as a rule */

/* References that are neither of a holder's descriptors nor of his calls. UINT32_MAX: unclear. */
uint32_t hindsight_unexplained(const struct answer *a);

/* No descriptor was on record, and not more than the one reference that accept(2) begins with. */
bool hindsight_nobody(const struct answer *a);

/*
 * A socket that nobody was seen to hold, and that a process accepted only after the packet was
 * sent, was that one's: it was in accept(2). False: it is not so, or that process is gone.
 */
bool hindsight_acceptor(struct probe *probe, uint64_t cookie, const struct question *q,
			struct note_holder *out);

/* How many children of those who were seen were being born, whether they live still or not. */
uint32_t hindsight_births(struct probe *probe, const struct question *q,
			  const struct attribution *a);

/*
 * Those who hold it now, in `a`, are those who were seen, but for who has ended since, and beside
 * them only children who were not there yet: then those who were seen were all.
 */
bool hindsight_all_seen(struct probe *probe, const struct question *q, const struct attribution *a);

/* Of whoever has executed another program since the packet was sent, the one that he ran then. */
void hindsight_programs(struct probe *probe, const struct question *q, struct attribution *a);

/* Whether who holds it may have changed since the packet was sent. */
bool hindsight_may_have_changed(const struct question *q, const struct proof *p);

#endif
