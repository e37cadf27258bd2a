/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/tls_hello.h"

#include "expect.h"
#include "unit.h"

static void hellos_are_told(void)
{
	static const struct {
		const char *bytes;
		enum tls_hello want;
	} cases[] = {
		{"\x16\x03\x01\x02\x00\x01", TLS_HELLO_YES},
		{"\x16\x03\x03\x00\x7a\x02", TLS_HELLO_YES},
		{"\x16\x03\x01\x02\x00\x03", TLS_HELLO_NO}, /* another message */
		{"\x16\x03\x05\x02\x00\x01", TLS_HELLO_NO}, /* another version */
		{"\x16\x02\x01\x02\x00\x01", TLS_HELLO_NO},
		{"\x17\x03\x01\x02\x00\x01", TLS_HELLO_NO}, /* another record */
		{"\x16\x03\x01\x40\x01\x01", TLS_HELLO_NO}, /* too long */
		{"\x16\x03\x01\x00\x03\x01", TLS_HELLO_NO}, /* too short */
		{"GET / ", TLS_HELLO_NO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect(tls_hello_at(cases[i].bytes, TLS_HELLO_LEN) == cases[i].want, "case %zu", i);
		for (size_t n = 0; n < TLS_HELLO_LEN; n++) {
			enum tls_hello now = tls_hello_at(cases[i].bytes, n);

			CU_ASSERT(now == TLS_HELLO_MORE ||
				  (now == TLS_HELLO_NO && cases[i].want == TLS_HELLO_NO));
		}
	}
}

static const struct unit_test tests[] = {{"hellos are told by six bytes", hellos_are_told}};
UNIT_SUITE("fw/tls_hello", tests)
