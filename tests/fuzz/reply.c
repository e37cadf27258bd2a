/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reply.h"

#include "fuzz.h"

void reply_expect(enum wire_status status, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	fuzz_expect(status == WIRE_OK || status == WIRE_REFUSED, "a status, not %d", (int)status);
	if (status == WIRE_OK) {
		fuzz_expect(!reply || json_is_object(reply), "an object, or nothing");
		return;
	}
	fuzz_expect(error, "a reason why it was refused");
	fuzz_expect_line(error);
}
