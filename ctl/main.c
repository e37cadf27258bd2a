/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw: talks to app-fw. See docs/ctl-fw.8. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmdline.h"
#include "commands.h"
#include "print.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct command commands[] = {
	{"-A", "--append", ARGUMENT_NONE, RULE_WHOLE, append_main, "append a rule to its chain"},
	{"-I", "--insert", ARGUMENT_INDEX, RULE_WHOLE, insert_main,
	 "insert a rule as number N of its chain, 0 first"},
	{"-D", "--delete", ARGUMENT_INDEX, RULE_NAMES_CHAIN, delete_main,
	 "delete rule N of a chain, and print it"},
	{"-L", "--list", ARGUMENT_NONE, RULE_MAY_NAME_CHAIN, list_main,
	 "list the rules of a chain, or of all"},
	{"-H", "--print-hash", ARGUMENT_PATHS, RULE_NONE, print_hash_main,
	 "print the SHA-256 of files, and their aggregate"},
	{"status", NULL, ARGUMENT_NONE, RULE_NONE, status_main, "show what is in force"},
	{"stats", NULL, ARGUMENT_NONE, RULE_NONE, stats_main, "show stage timings and counters"},
	{"objects", NULL, ARGUMENT_PID, RULE_NONE, objects_main,
	 "show what a process has mapped executable"},
	{"explain", NULL, ARGUMENT_PID_OPTION, RULE_PACKET, explain_main,
	 "tell what a packet of a process would get, and why"},
	{"policy", NULL, ARGUMENT_POLICY, RULE_NONE, policy_main,
	 "what becomes of packets that no rule of a chain matches"},
	{"set", NULL, ARGUMENT_SET, RULE_NONE, set_main,
	 "add, rm, list, refresh, expect: named sets of digests"},
	{"save", NULL, ARGUMENT_MAY_FILE, RULE_NONE, save_main,
	 "print the configuration as text, or put it into a file"},
	{"restore", NULL, ARGUMENT_FILE, RULE_NONE, restore_main,
	 "replace the configuration by that of a file, or nothing"},
	{"mode", NULL, ARGUMENT_MODE, RULE_NONE, mode_main,
	 "enforce, monitor: carry verdicts out, or only log; confirm: keep what is tried"},
	{"events", NULL, ARGUMENT_EVENTS, RULE_NONE, events_main,
	 "show the latest events; -f: and those to come"},
	{"top", NULL, ARGUMENT_TOP, RULE_NONE, top_main,
	 "show what each program sends and receives, live"},
	{"learn", NULL, ARGUMENT_LEARN, RULE_NONE, learn_main,
	 "start, stop, suggest [FILE]: rules that allow what was seen"},
	{"hook", NULL, ARGUMENT_HOOK, RULE_NAMES_CHAIN, hook_main,
	 "install, refresh, remove: the iptables rules that divert a chain to app-fw"},
	{"doctor", NULL, ARGUMENT_NONE, RULE_NONE, doctor_main,
	 "check the machine, the daemon and what is diverted to it"},
	{"patch", NULL, ARGUMENT_PATCH, RULE_PATCH, patch_main,
	 "add, rm, list: drop what would reach a hole, before all rules"},
	{"sig", NULL, ARGUMENT_SIG, RULE_NONE, sig_main,
	 "load, list, rm, test: signatures of payload"},
};

static const char *const arguments[] = {
	[ARGUMENT_NONE] = "",
	[ARGUMENT_INDEX] = " N",
	[ARGUMENT_PID] = " PID",
	[ARGUMENT_PID_OPTION] = " --pid PID",
	[ARGUMENT_POLICY] = " CHAIN ACCEPT|DROP",
	[ARGUMENT_PATHS] = " PATH...",
	[ARGUMENT_SET] = " VERB [NAME] ...",
	[ARGUMENT_FILE] = " FILE",
	[ARGUMENT_MAY_FILE] = " [FILE]",
	[ARGUMENT_MODE] = " WORD",
	[ARGUMENT_EVENTS] = " [-f]",
	[ARGUMENT_TOP] = " [--frames N]",
	[ARGUMENT_LEARN] = " VERB [FILE]",
	[ARGUMENT_HOOK] = " VERB",
	[ARGUMENT_PATCH] = " VERB [NAME|ID] ...",
	[ARGUMENT_SIG] = " VERB [WORD]",
};

static const char *const parts[] = {
	[RULE_NONE] = "",
	[RULE_MAY_NAME_CHAIN] = " [-c CHAIN]",
	[RULE_NAMES_CHAIN] = " -c CHAIN",
	[RULE_PACKET] = " [-d ADDR ...]",
	[RULE_PATCH] = "",
	[RULE_WHOLE] = " RULE",
};

static const struct {
	const char *words, *help;
} rule_options[] =
	{
		{"-c CHAIN", "INPUT, OUTPUT or FORWARD"},
		{"-v VERDICT", "ACCEPT, DROP, REJECT, KILL, or MARK=0xVALUE[/0xMASK]"},
		{"-s, -d ADDR[/LEN]", "source, destination: IPv4 or IPv6"},
		{"-p PROTO", "protocol: a name, or a number 0..255"},
		{"--sport, --dport N[:M]", "ports"},
		{"--sng-hash HEX", "SHA-256 of an object that the process has mapped"},
		{"--agg-hash HEX", "aggregate of all objects that it has mapped"},
		{"--anon-exec", "it has executable memory without a file (a JIT)"},
		{"--object PATH", "--sng-hash of that file as it is now"},
		{"--set NAME", "an object that it has mapped is in that set"},
		{"--script HEX|PATH", "script that its interpreter was started with"},
		{"--origin ORIGIN", "known, kernel or unknown"},
		{"--uid, --gid N[:M]", "user, group: numbers"},
		{"--comm NAME", "name of the process, up to 15 bytes"},
		{"--cgroup PATH", "the process is in that cgroup, or below it"},
		{"--container ID", "it is in that container: 12 to 64 hexadecimal digits"},
		{"-n PATH", "network namespace: /proc/PID/ns/net, or net:[INODE]"},
		{"-!", "negates the match that follows"},
		{"--monitor", "this rule only logs what it would have done"},
		{"--expires TIME|+N[smhd]", "when it is to vanish: 2026-12-31T23:59:59Z, or +24h"},
		{"--note TEXT", "for people"},
},
  own_options[] = {
	  {"--json", "print JSON, one line"},
	  {"--socket PATH", "where app-fw listens (APP_FW_SOCKET, /run/app-fw/ctl.sock)"},
	  {"--dpkg PACKAGE, --root DIR", "set add: the objects of a package, of those in DIR"},
	  {"--grace N[smhd]", "set refresh, expect: how long other digests stay valid (10m)"},
	  {"--confirm-within N[smhd]", "mode, restore: roll back unless confirmed in that time"},
	  {"-f, --follow", "events: wait for more"},
	  {"--frames N", "top: print N pages, one a second, and end"},
	  {"--resume", "learn start: add to what was learned before"},
	  {"--prefix4, --prefix6 N",
	   "learn suggest: addresses that share N bits are alike (32, 128)"},
	  {"--wide N", "learn suggest: a port with more addresses is for any (16)"},
	  {"--only WORDS", "hook install: what else iptables is to match, in quotes"},
	  {"--fail open|closed", "hook install: packets pass, or not, without app-fw (open)"},
	  {"--cidr ADDR[/LEN], --port N[:M]",
	   "patch add: the end of a packet, source or destination"},
	  {"--sid N, --pattern TEXT", "patch add: what its payload has: a signature, a text"},
	  {"--pcre RE", "patch add: a regular expression that its payload matches"},
	  {"--file PATH", "patch add: where the object of --sng-hash lies"},
	  {"--until-unmapped",
	   "patch add: until that file is another, and no process maps the old"},
	  {"--skip-unsupported", "sig load, test: count rules that cannot be had, and go on"},
	  {"--limit OPTIONS", "sig load: options that each rule gets besides its own"},
	  {"--pcap FILE", "sig test: the capture that is looked at"},
	  {"--help", "print this"},
	  {"--version", "print the version"},
};

static void print_usage(void)
{
	char words[64];

	printf("usage: ctl-fw COMMAND [RULE] [OPTIONS]\n\ncommands\n");
	for (size_t i = 0; i < LENGTH(commands); i++) {
		const struct command *c = &commands[i];

		snprintf(words, sizeof(words), "%s%s%s%s%s", c->name, c->synonym ? ", " : "",
			 c->synonym ? c->synonym : "", arguments[c->argument], parts[c->part]);
		printf("  %-32s  %s\n", words, c->help);
	}
	printf("\na rule: what it is about, in any order\n");
	for (size_t i = 0; i < LENGTH(rule_options); i++)
		printf("  %-32s  %s\n", rule_options[i].words, rule_options[i].help);
	printf("\noptions\n");
	for (size_t i = 0; i < LENGTH(own_options); i++)
		printf("  %-32s  %s\n", own_options[i].words, own_options[i].help);
}

/*
 * Started with a standard descriptor closed, the next file to be opened would take its place: the
 * socket would get what is printed. What is opened here instead fails when it is written to.
 */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(const struct cmdline *line)
{
	if (line->help)
		print_usage();
	else if (line->version)
		printf("ctl-fw %s\n", FW_VERSION);
	else
		return line->command->run(line);
	return STATUS_DONE;
}

int main(int argc, char *argv[])
{
	char err[CMDLINE_ERROR_LEN];
	struct cmdline line;
	int status;

	fill_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	if (cmdline_parse(argc - 1, argv + 1, commands, LENGTH(commands), &line, err)) {
		print_error("%s", err);
		status = STATUS_USAGE;
	} else {
		status = run(&line);
	}
	cmdline_free(&line);
	return print_finish() || status ? status : STATUS_REFUSED;
}
