/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/interpreter.h"
#include "random.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The words of a line, each with its NUL. Returns the bytes. */
static size_t split(const char *line, char out[512])
{
	size_t n = strlen(line) + 1;

	memcpy(out, line, n);
	for (size_t i = 0; i < n; i++)
		if (out[i] == ' ')
			out[i] = 0;
	return n;
}

static const char *const kinds[] = {"none", "script", "unclear"};

static void command_lines(void)
{
	static const struct {
		const char *program, *line;
		enum command_kind kind;
		const char *path;
	} rows[] = {
		/* what is no interpreter */
		{"cat", "cat x.py", COMMAND_NO_SCRIPT, NULL},
		{"ld-linux-x86-64.so.2", "ld.so /bin/ls x", COMMAND_NO_SCRIPT, NULL},
		{"pythonista", "pythonista x.py", COMMAND_NO_SCRIPT, NULL},
		{"", "", COMMAND_NO_SCRIPT, NULL},
		/* by which name */
		{"python3.11", "anything x.py", COMMAND_SCRIPT, "x.py"},
		{"mine", "/usr/bin/python3 x.py", COMMAND_SCRIPT, "x.py"},
		{"bash", "-bash x.sh", COMMAND_SCRIPT, "x.sh"},
		{"busybox", "sh x.sh", COMMAND_SCRIPT, "x.sh"},
		{"busybox", "/bin/busybox sh -e x.sh", COMMAND_SCRIPT, "x.sh"},
		{"busybox", "busybox cat x.sh", COMMAND_NO_SCRIPT, NULL},
		{"busybox", "busybox", COMMAND_NO_SCRIPT, NULL},
		{"python3.11-dbg", "p x.py", COMMAND_SCRIPT, "x.py"},
		{"perl5.36-x86_64-linux-gnu", "p x.pl", COMMAND_SCRIPT, "x.pl"},
		/* shells */
		{"bash", "bash x.sh a b", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash", COMMAND_NO_SCRIPT, NULL},
		{"bash", "bash -c x.sh", COMMAND_NO_SCRIPT, NULL},
		{"bash", "bash -euc x.sh y.sh", COMMAND_NO_SCRIPT, NULL},
		{"bash", "bash -s x.sh", COMMAND_NO_SCRIPT, NULL},
		{"bash", "bash -eu x.sh -c y", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash -o pipefail x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash -eo pipefail +x x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash +O extglob x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash -oO pipefail extglob x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash --norc -norc --posix x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash -- -x.sh", COMMAND_SCRIPT, "-x.sh"},
		{"bash", "bash - x.sh", COMMAND_SCRIPT, "x.sh"},
		{"bash", "bash --rcfile y.sh x.sh", COMMAND_UNCLEAR, "x.sh"},
		{"bash", "bash -rcfile y.sh x.sh", COMMAND_UNCLEAR, "x.sh"},
		{"bash", "bash --new-thing x.sh", COMMAND_UNCLEAR, "x.sh"},
		{"bash", "bash --version", COMMAND_NO_SCRIPT, NULL},
		{"dash", "sh -e -x x.sh", COMMAND_SCRIPT, "x.sh"},
		{"dash", "sh -", COMMAND_NO_SCRIPT, NULL},
		/* Python */
		{"python3", "python3 -", COMMAND_NO_SCRIPT, NULL},
		{"python3", "python3 -c x.py", COMMAND_NO_SCRIPT, NULL},
		{"python3", "python3 -Icx.py", COMMAND_NO_SCRIPT, NULL},
		{"python3", "python3 -m http.server x.py", COMMAND_NO_SCRIPT, NULL},
		{"python3", "python3 -mhttp.server", COMMAND_NO_SCRIPT, NULL},
		{"python3", "python3 -u -B x.py -c y", COMMAND_SCRIPT, "x.py"},
		{"python3", "python3 -W ignore -Xutf8 x.py", COMMAND_SCRIPT, "x.py"},
		{"python3", "python3 -uW ignore x.py", COMMAND_SCRIPT, "x.py"},
		{"python3", "python3 --check-hash-based-pycs always x.py", COMMAND_SCRIPT, "x.py"},
		{"python3", "python3 -Z x.py", COMMAND_UNCLEAR, "x.py"},
		/* Perl */
		{"perl", "perl x.pl", COMMAND_SCRIPT, "x.pl"},
		{"perl", "perl -w -T x.pl", COMMAND_SCRIPT, "x.pl"},
		{"perl", "perl -lne print x.pl", COMMAND_NO_SCRIPT, NULL},
		{"perl", "perl -0777 -pe s/a/b/ x.pl", COMMAND_NO_SCRIPT, NULL},
		{"perl", "perl -i.bak -p x.pl", COMMAND_SCRIPT, "x.pl"},
		{"perl", "perl -I lib -Ilib x.pl", COMMAND_SCRIPT, "x.pl"},
		{"perl", "perl -MPOSIX x.pl", COMMAND_UNCLEAR, "x.pl"},
		{"perl", "perl -S x.pl", COMMAND_UNCLEAR, "x.pl"},
		{"perl", "perl -d x.pl", COMMAND_UNCLEAR, "x.pl"},
		/* others */
		{"ruby3.1", "ruby -W0 -I lib x.rb", COMMAND_SCRIPT, "x.rb"},
		{"ruby3.1", "ruby -r y x.rb", COMMAND_UNCLEAR, "x.rb"},
		{"ruby3.1", "ruby -C dir x.rb", COMMAND_UNCLEAR, "x.rb"},
		{"ruby3.1", "ruby -e puts x.rb", COMMAND_NO_SCRIPT, NULL},
		{"node", "node --no-warnings --max-old-space-size=99 x.js", COMMAND_SCRIPT, "x.js"},
		{"node", "node --title t x.js", COMMAND_SCRIPT, "x.js"},
		{"node", "node -r ./y.js x.js", COMMAND_UNCLEAR, "x.js"},
		{"node", "node --require=./y.js x.js", COMMAND_UNCLEAR, "x.js"},
		{"node", "node --eval=1 x.js", COMMAND_NO_SCRIPT, NULL},
		{"node", "node -pe 1 x.js", COMMAND_NO_SCRIPT, NULL},
		{"node", "node --unheard-of y.js x.js", COMMAND_UNCLEAR, "y.js"},
		{"php8.2", "php x.php", COMMAND_SCRIPT, "x.php"},
		{"php8.2", "php -f x.php y.php", COMMAND_SCRIPT, "x.php"},
		{"php8.2", "php -d auto_prepend_file=y.php x.php", COMMAND_UNCLEAR, "x.php"},
		{"php8.2", "php -r 1", COMMAND_NO_SCRIPT, NULL},
		{"lua5.4", "lua x.lua", COMMAND_SCRIPT, "x.lua"},
		{"lua5.4", "lua -e 1 x.lua", COMMAND_UNCLEAR, "x.lua"},
		{"mawk", "awk {print} x", COMMAND_NO_SCRIPT, NULL},
		{"gawk", "gawk -F: -v a=b -f x.awk y", COMMAND_SCRIPT, "x.awk"},
		{"gawk", "gawk --file=x.awk y", COMMAND_SCRIPT, "x.awk"},
		{"gawk", "gawk -f x.awk -f y.awk", COMMAND_UNCLEAR, "x.awk"},
		{"original-awk", "awk -fx.awk", COMMAND_SCRIPT, "x.awk"},
		{"tclsh8.6", "tclsh -encoding utf-8 x.tcl", COMMAND_SCRIPT, "x.tcl"},
		{"expect", "expect -f x.exp y", COMMAND_SCRIPT, "x.exp"},
		{"expect", "expect -f - y", COMMAND_NO_SCRIPT, NULL},
		{"expect", "expect -c y x.exp", COMMAND_UNCLEAR, "x.exp"},
	};
	char args[512];

	for (size_t i = 0; i < N(rows); i++) {
		const char *path;
		enum command_kind kind = interpreter_script(
			rows[i].program, args, split(rows[i].line, args), false, &path);

		expect(kind == rows[i].kind, "%s: %s, want %s", rows[i].line, kinds[kind],
		       kinds[rows[i].kind]);
		expect_text(rows[i].line, path ? path : "-", rows[i].path ? rows[i].path : "-");
	}
}

/* What was cut off may have been an option or the rest of a name. */
static void cut_off(void)
{
	static const char line[] = "python3 -u x.py argument";
	char args[512];
	const char *path;

	split(line, args);
	for (size_t n = 0; n < sizeof(line); n++) {
		enum command_kind kind = interpreter_script("python3", args, n, true, &path);
		bool has_script = n >= strlen("python3 -u x.py") + 1;

		expect(kind == (has_script ? COMMAND_SCRIPT : COMMAND_UNCLEAR), "%zu bytes: %s", n,
		       kinds[kind]);
		expect((path != NULL) == has_script, "%zu bytes: a path", n);
	}
}

/* Exactly as large as it says, so that a sanitizer sees a read past it. */
static void any_bytes(void)
{
	static const char alphabet[] = "-+cofxW= \0\0\0/e";
	static const char *const programs[] = {"bash", "python3", "perl", "node",
					       "php",  "gawk",	  "lua",  "tclsh",
					       "ruby", "expect",  "",	  "busybox"};
	struct rng rng = rng_new();

	for (int i = 0; i < 20000; i++) {
		size_t n = rng_next(&rng) % 24;
		char *args = malloc(n + 1);
		const char *path;

		CU_ASSERT_PTR_NOT_NULL_FATAL(args);
		args = realloc(args, n ? n : 1);
		for (size_t k = 0; k < n; k++)
			args[k] = alphabet[rng_next(&rng) % (sizeof(alphabet) - 1)];
		interpreter_script(programs[rng_next(&rng) % N(programs)], args, n,
				   rng_next(&rng) & 1, &path);
		if (path)
			CU_ASSERT(path >= args && path < args + n &&
				  memchr(path, 0, (size_t)(args + n - path)));
		free(args);
	}
}

static const struct unit_test tests[] = {
	{"the command lines of interpreters", command_lines},
	{"what was cut off is not guessed", cut_off},
	{"any bytes", any_bytes},
};
UNIT_SUITE("fw/interpreter", tests)
