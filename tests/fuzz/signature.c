/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is refused in one line, or is a file of signatures that is the same one when it is
 * written and read again, and whose expressions vectorscan takes or refuses. */
#include "fw/sig_list.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "fuzz.h"

static void expect_same(const struct sig_file *f)
{
	_cleanup_free_ char *text = sig_file_format(f->rules, f->n, f->depth);
	char err[SIG_FILE_ERROR];
	struct sig_file again;
	int r = sig_file_parse("again", text, NULL, false, &again, err);

	fuzz_expect(r == 0, "'%s' to be taken again: %s", text, err);
	fuzz_expect(again.n == f->n && again.depth == f->depth, "as many rules");
	for (size_t i = 0; i < f->n; i++) {
		const struct sig_rule *a = f->rules[i], *b = again.rules[i];

		fuzz_expect(a->sid == b->sid && a->n_matches == b->n_matches &&
				    a->n_apps == b->n_apps && !strcmp(a->msg, b->msg) &&
				    sig_header_same(&a->header, &b->header),
			    "'%s' to be the same rule", a->text);
	}
	sig_file_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct sig_file f = {.n = 0};
	char err[SIG_FILE_ERROR];
	int r = sig_file_parse("fuzz", text, NULL, size & 1, &f, err);

	if (r) {
		fuzz_expect(f.n == 0 && !f.rules, "an untouched file");
		fuzz_expect_line(err);
		return 0;
	}
	expect_same(&f);
	*err = '\0';
	if (sig_file_check(&f, "fuzz", false, err))
		fuzz_expect_line(err);
	sig_file_clear(&f);
	return 0;
}
