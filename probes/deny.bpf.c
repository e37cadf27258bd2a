// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon has to say of a socket: that packets of it have passed before does not speak for
 * it any more. */
#include "maps.h"

SEC("syscall")
int deny_socket(struct deny_args *args)
{
	struct memo *m = memo_of(args->cookie);

	if (m)
		__sync_fetch_and_add(&m->in[args->hook & (CACHE_HOOKS - 1)].denied, 1);
	return 0;
}
