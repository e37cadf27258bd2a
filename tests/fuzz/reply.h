/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every reply of the daemon is, whatever was asked. */
#ifndef TESTS_FUZZ_REPLY_H
#define TESTS_FUZZ_REPLY_H

#include <jansson.h>

#include "common/wire.h"

/* reply may be NULL where the status is WIRE_OK. */
void reply_expect(enum wire_status status, const json_t *reply);

#endif
