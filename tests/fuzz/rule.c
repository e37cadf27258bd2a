/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is refused in one line, or is a rule whose canonical text is that rule again. */
#include "common/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fuzz.h"
#include "tests/unit/same_rule.h"

static void expect_untouched(const struct rule *r)
{
	const unsigned char *bytes = (const unsigned char *)r;

	for (size_t i = 0; i < sizeof(*r); i++)
		fuzz_expect(bytes[i] == 0x5a, "a refused text to leave the rule alone");
}

static void expect_round_trip(const struct rule *r)
{
	char text[RULE_TEXT_MAX], again[RULE_TEXT_MAX];
	struct rule_error err = {""};
	struct rule back;
	size_t n = rule_format(r, text);

	fuzz_expect(n == strlen(text) && n < RULE_TEXT_MAX, "the length of the text");
	fuzz_expect(rule_parse_text(text, &back, &err) == 0, "%s: %s", text, err.text);
	fuzz_expect(same_rule(r, &back), "'%s' to be the rule it was made of", text);
	rule_format(&back, again);
	fuzz_expect(strcmp(text, again) == 0, "'%s', not '%s'", text, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct rule_error err = {""};
	struct rule r;
	int e;

	memset(&r, 0x5a, sizeof(r));
	e = rule_parse_text(text, &r, &err);
	if (e == 0) {
		expect_round_trip(&r);
		return 0;
	}
	fuzz_expect(e == -EINVAL, "-EINVAL, not %d", e);
	fuzz_expect_line(err.text);
	expect_untouched(&r);
	return 0;
}
