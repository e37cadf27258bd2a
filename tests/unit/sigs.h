/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures from the text of a file. */
#ifndef TESTS_SIGS_H
#define TESTS_SIGS_H

#include "expect.h"
#include "fw/sig_file.h"
#include "fw/sig_set.h"

/* The caller's reference; NULL, and a failed assertion, if the text is refused. */
static inline struct sig_set *sigs(const char *text)
{
	struct sig_set *s = NULL;
	struct sig_error e = {""};
	struct sig_file f;
	char err[SIG_FILE_ERROR];
	size_t bad;

	if (!expect(sig_file_parse("t", text, NULL, false, &f, err) == 0, "%s: %s", text, err))
		return NULL;
	expect(sig_set_new(f.rules, f.n, f.has_depth ? f.depth : SIG_DEPTH_DEFAULT, &s, &bad, &e) ==
		       0,
	       "%s: %s", text, e.text);
	sig_file_clear(&f);
	return s;
}

#endif
