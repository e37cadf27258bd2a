/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/cmdline.c"

#include "expect.h"
#include "unit.h"

#define WORDS_MAX 16

static const struct command table[] = {
	{"-A", "--append", ARGUMENT_NONE, RULE_WHOLE, NULL, ""},
	{"-D", "--delete", ARGUMENT_INDEX, RULE_NAMES_CHAIN, NULL, ""},
	{"-L", "--list", ARGUMENT_NONE, RULE_MAY_NAME_CHAIN, NULL, ""},
	{"-H", "--print-hash", ARGUMENT_PATHS, RULE_NONE, NULL, ""},
	{"status", NULL, ARGUMENT_NONE, RULE_NONE, NULL, ""},
	{"objects", NULL, ARGUMENT_PID, RULE_NONE, NULL, ""},
	{"explain", NULL, ARGUMENT_PID_OPTION, RULE_PACKET, NULL, ""},
	{"policy", NULL, ARGUMENT_POLICY, RULE_NONE, NULL, ""},
	{"set", NULL, ARGUMENT_SET, RULE_NONE, NULL, ""},
	{"save", NULL, ARGUMENT_MAY_FILE, RULE_NONE, NULL, ""},
	{"restore", NULL, ARGUMENT_FILE, RULE_NONE, NULL, ""},
	{"mode", NULL, ARGUMENT_MODE, RULE_NONE, NULL, ""},
	{"events", NULL, ARGUMENT_EVENTS, RULE_NONE, NULL, ""},
	{"top", NULL, ARGUMENT_TOP, RULE_NONE, NULL, ""},
	{"learn", NULL, ARGUMENT_LEARN, RULE_NONE, NULL, ""},
	{"hook", NULL, ARGUMENT_HOOK, RULE_NAMES_CHAIN, NULL, ""},
};

/* Words are parted by one blank, "" is the empty one; the text must outlive the line. */
static int parse(char *text, struct cmdline *line, char err[CMDLINE_ERROR_LEN])
{
	char *argv[WORDS_MAX];
	int argc = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "\"\"") == 0 ? word + 2 : word;
	return cmdline_parse(argc, argv, table, sizeof(table) / sizeof(table[0]), line, err);
}

static void join(char *const words[], int n, char *out)
{
	*out = '\0';
	for (int i = 0; i < n; i++)
		sprintf(out + strlen(out), "%s%s", i ? " " : "", words[i]);
}

static const struct {
	const char *text, *command;
	uint64_t number;
	const char *chain, *paths, *words;
} good[] = {
	{"-A -c OUTPUT -v DROP", "-A", 0, NULL, "", "-c OUTPUT -v DROP"},
	{"-c OUTPUT -v DROP --append", "-A", 0, NULL, "", "-c OUTPUT -v DROP"},
	{"-A -! --object /x --note -A", "-A", 0, NULL, "", "-! --object /x --note -A"},
	{"-A --note status -n /x", "-A", 0, NULL, "", "--note status -n /x"},
	{"-D 0 -c INPUT", "-D", 0, "INPUT", "", "-c INPUT"},
	{"--chain INPUT --delete 4294967295", "-D", 4294967295, "INPUT", "", "--chain INPUT"},
	{"-L", "-L", 0, NULL, "", ""},
	{"-L -c FORWARD", "-L", 0, "FORWARD", "", "-c FORWARD"},
	{"-H /a -H /b", "-H", 0, NULL, "/a /b", ""},
	{"-H /a /b --json status -H -c", "-H", 0, NULL, "/a /b status -c", ""},
	{"objects 1", "objects", 1, NULL, "", ""},
	{"explain -d ::1 --pid 7 -p tcp", "explain", 7, NULL, "", "-d ::1 -p tcp"},
	{"policy FORWARD DROP --json", "policy", 0, "FORWARD", "", ""},
	{"set add status /a /b", "set", 0, NULL, "add status /a /b", ""},
	{"set rm set", "set", 0, NULL, "rm set", ""},
	{"--grace 1s set --dpkg -A add --root / web", "set", 0, NULL, "add web", ""},
	{"-A --set web -! --set set", "-A", 0, NULL, "", "--set web -! --set set"},
	{"save", "save", 0, NULL, "", ""},
	{"save --json -", "save", 0, NULL, "-", ""},
	{"save status", "save", 0, NULL, "status", ""},
	{"restore /a --socket /b", "restore", 0, NULL, "/a", ""},
	{"mode --confirm-within 60s enforce", "mode", 0, NULL, "enforce", ""},
	{"--confirm-within 60s restore /a", "restore", 0, NULL, "/a", ""},
	{"learn start --resume", "learn", 0, NULL, "start", ""},
	{"--wide 3 learn suggest /a --prefix4 24 --prefix6 64", "learn", 0, NULL, "suggest /a", ""},
	{"learn suggest -", "learn", 0, NULL, "suggest -", ""},
	{"restore -", "restore", 0, NULL, "-", ""},
	{"status --socket --json", "status", 0, NULL, "", ""},
	{"events -f --json", "events", 0, NULL, "", ""},
	{"--follow events", "events", 0, NULL, "", ""},
	{"top --frames 3", "top", 0, NULL, "", ""},
};

static void each_word_finds_its_place(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[128], err[CMDLINE_ERROR_LEN] = "", got[128];
		struct cmdline line;

		strcpy(text, good[i].text);
		if (!expect(parse(text, &line, err) == 0, "%s: %s", good[i].text, err)) {
			cmdline_free(&line);
			continue;
		}
		expect_text(good[i].text, line.command->name, good[i].command);
		expect_int(good[i].text, (long long)line.number, (long long)good[i].number);
		expect_text(good[i].text, line.chain ? line.chain : "-",
			    good[i].chain ? good[i].chain : "-");
		join(line.paths, line.n_paths, got);
		expect_text(good[i].text, got, good[i].paths);
		join(line.words, line.n_words, got);
		expect_text(good[i].text, got, good[i].words);
		cmdline_free(&line);
	}
}

static const struct {
	const char *text, *err;
} bad[] = {
	{"", "missing command: expected one: see ctl-fw --help"},
	{"--json", "missing command: expected one: see ctl-fw --help"},
	{"-A -D 0", "-D: a second command after -A: expected one"},
	{"status -L", "-L: a second command after status: expected one"},
	{"-L --list", "--list: given twice: expected once"},
	{"-D", "-D: expected a number after it"},
	{"-D x -c INPUT", "-D x: expected a number 0..4294967295"},
	{"-D -1 -c INPUT", "-D -1: expected a number 0..4294967295"},
	{"-D 01 -c INPUT", "-D 01: expected a number 0..4294967295"},
	{"-D 4294967296 -c INPUT", "-D 4294967296: expected a number 0..4294967295"},
	{"--delete -c INPUT", "--delete -c: expected a number 0..4294967295"},
	{"objects 0", "objects 0: expected a number 1..2147483647"},
	{"objects", "objects: expected a number after it"},
	{"explain -d ::1", "explain: missing --pid: expected the number of a process"},
	{"explain --pid", "--pid: expected a number after it"},
	{"explain --pid 0", "--pid 0: expected a number 1..2147483647"},
	{"explain --pid 1 --pid 1", "--pid: given twice: expected once"},
	{"policy", "policy: expected a chain and ACCEPT or DROP after it"},
	{"policy INPUT", "policy: expected a chain and ACCEPT or DROP after it"},
	{"policy input DROP", "policy input: expected INPUT, OUTPUT or FORWARD"},
	{"policy INPUT REJECT", "policy INPUT REJECT: expected ACCEPT or DROP"},
	{"policy INPUT DROP DROP", "DROP: expected an option: see ctl-fw --help"},
	{"set", "set: expected add, rm, list, refresh or expect after it"},
	{"set --json", "set: expected add, rm, list, refresh or expect after it"},
	{"set list --set a", "--set: does not go with set: expected no word of a rule"},
	{"set add --dpkg", "--dpkg: expected a word after it"},
	{"set add --dpkg a --dpkg b", "--dpkg: given twice: expected once"},
	{"status --dpkg a", "--dpkg: does not go with status: expected with set"},
	{"--root a -L", "--root: does not go with -L: expected with set"},
	{"-A --grace a", "--grace: does not go with -A: expected with set"},
	{"-L --pid 1", "--pid: does not go with -L: expected with explain"},
	{"status -f", "-f: does not go with status: expected with events"},
	{"--follow status", "--follow: does not go with status: expected with events"},
	{"events -f --follow", "--follow: given twice: expected once"},
	{"learn start --resume --resume", "--resume: given twice: expected once"},
	{"top -f", "-f: does not go with top: expected with events"},
	{"events --frames 3", "--frames: does not go with events: expected with top"},
	{"top --frames", "--frames: expected a word after it"},
	{"top -n 3", "-n: does not go with top: expected no word of a rule"},
	{"-L --wide 1", "--wide: does not go with -L: expected with learn"},
	{"set list --prefix4 1", "--prefix4: does not go with set: expected with learn"},
	{"status --prefix6 1", "--prefix6: does not go with status: expected with learn"},
	{"save --resume", "--resume: does not go with save: expected with learn"},
	{"learn", "learn: expected start, stop or suggest after it"},
	{"learn suggest --wide", "--wide: expected a word after it"},
	{"learn start --grace a", "--grace: does not go with learn: expected with set"},
	{"learn start -c INPUT", "-c: does not go with learn: expected no word of a rule"},
	{"learn start --confirm-within 1s",
	 "--confirm-within: does not go with learn: expected with mode or restore"},
	{"-H", "-H: expected a path after it"},
	{"-D 0", "-D: missing -c: expected INPUT, OUTPUT or FORWARD"},
	{"-L -c output", "-c output: expected INPUT, OUTPUT or FORWARD"},
	{"-L -c INPUT -c OUTPUT", "-c: given twice: expected once"},
	{"-L -v DROP", "-v: does not go with -L: expected -c CHAIN"},
	{"-D 0 -c INPUT -!", "-!: does not go with -D: expected -c CHAIN"},
	{"status -c INPUT", "-c: does not go with status: expected no word of a rule"},
	{"-H /a -c INPUT", "-c: does not go with -H: expected no word of a rule"},
	{"-L -c", "-c: expected a word after it"},
	{"-A --object", "--object: expected a word after it"},
	{"-L --socket", "--socket: expected a path after it"},
	{"-L -x", "-x: expected an option: see ctl-fw --help"},
	{"save /a /b", "save /b: expected one file"},
	{"save -c INPUT", "-c: does not go with save: expected no word of a rule"},
	{"save -x", "-x: expected an option: see ctl-fw --help"},
	{"restore", "restore: expected a file, or -, after it"},
	{"mode", "mode: expected enforce, monitor or confirm after it"},
	{"mode enforce now", "mode now: expected one word"},
	{"mode enforce --confirm-within", "--confirm-within: expected a word after it"},
	{"save --confirm-within 1s",
	 "--confirm-within: does not go with save: expected with mode or restore"},
	{"-L --confirm-within 1s",
	 "--confirm-within: does not go with -L: expected with mode or restore"},
	{"restore - -", "restore -: expected one file"},
	{"-L -", "-: expected an option: see ctl-fw --help"},
	{"\"\"", "\"\": expected a command: see ctl-fw --help"},
	{"restore \"\"", "restore \"\": expected a word that is not empty"},
	{"-H \"\"", "-H \"\": expected a word that is not empty"},
	{"set add web \"\"", "set \"\": expected a word that is not empty"},
	{"flush", "flush: expected a command: see ctl-fw --help"},
	{"-A -c OUTPUT DROP", "DROP: expected an option: see ctl-fw --help"},
};

static void an_error_names_its_culprit(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128], err[CMDLINE_ERROR_LEN] = "";
		struct cmdline line;

		strcpy(text, bad[i].text);
		expect_int(bad[i].text, parse(text, &line, err), -EINVAL);
		expect_text(bad[i].text, err, bad[i].err);
		cmdline_free(&line);
	}
}

static void help_and_version_need_no_command(void)
{
	char help[] = "--help", version[] = "-L -v DROP --version", err[CMDLINE_ERROR_LEN];
	struct cmdline line;

	expect_int("--help", parse(help, &line, err), 0);
	CU_ASSERT(line.help);
	cmdline_free(&line);
	expect_int("--version", parse(version, &line, err), 0);
	CU_ASSERT(line.version);
	cmdline_free(&line);
}

static const struct unit_test tests[] = {
	{"each word finds its place", each_word_finds_its_place},
	{"an error names its culprit", an_error_names_its_culprit},
	{"help and version need no command", help_and_version_need_no_command},
};
UNIT_SUITE("ctl/cmdline", tests)
