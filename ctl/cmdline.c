/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "common/chain.h"
#include "common/decimal.h"
#include "common/patch.h"
#include "rule_words.h"

#define INDEX_MAX UINT32_MAX /* far past what a daemon takes: how far is its business */
#define PID_MAX	  INT32_MAX

struct parser {
	char **next, **end;
	const struct command *commands;
	size_t n_commands;
	struct cmdline *line;
	char *err;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct parser *p, const char *fmt,
							...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->err, CMDLINE_ERROR_LEN, fmt, args);
	va_end(args);
	return -EINVAL;
}

const char *cmdline_show(const char *word)
{
	return *word ? word : "\"\"";
}

static const struct command *find_command(const struct parser *p, const char *word)
{
	for (size_t i = 0; i < p->n_commands; i++) {
		const struct command *c = &p->commands[i];

		if (strcmp(word, c->name) == 0 || (c->synonym && strcmp(word, c->synonym) == 0))
			return c;
	}
	return NULL;
}

static int read_number(struct parser *p, const char *word, uint64_t least, uint64_t most)
{
	const char *text;
	uint64_t n;

	if (p->next == p->end)
		return refuse(p, "%s: expected a number after it", word);
	text = *p->next++;
	if (decimal_parse(text, strlen(text), most, &n) || n < least)
		return refuse(p, "%s %.40s: expected a number %ju..%ju", word, cmdline_show(text),
			      (uintmax_t)least, (uintmax_t)most);
	p->line->number = n;
	return 0;
}

static int read_policy(struct parser *p, const char *word)
{
	struct cmdline *line = p->line;
	enum verdict policy;
	enum chain chain;

	if (p->end - p->next < 2)
		return refuse(p, "%s: expected a chain and ACCEPT or DROP after it", word);
	line->chain = *p->next++;
	line->policy = *p->next++;
	if (chain_parse(line->chain, &chain))
		return refuse(p, "%s %.40s: expected INPUT, OUTPUT or FORWARD", word,
			      cmdline_show(line->chain));
	if (policy_parse(line->policy, &policy))
		return refuse(p, "%s %s %.40s: expected ACCEPT or DROP", word, line->chain,
			      cmdline_show(line->policy));
	return 0;
}

/* Or what else is the command's business. */
static int read_path(struct parser *p)
{
	struct cmdline *line = p->line;

	if (!**p->next && line->command->argument != ARGUMENT_MODE)
		return refuse(p, "%s \"\": expected a word that is not empty", line->command->name);
	line->paths[line->n_paths++] = *p->next++;
	return 0;
}

static int read_argument(struct parser *p, const char *word)
{
	switch (p->line->command->argument) {
	case ARGUMENT_INDEX:
		return read_number(p, word, 0, INDEX_MAX);
	case ARGUMENT_PID:
		return read_number(p, word, 1, PID_MAX);
	case ARGUMENT_POLICY:
		return read_policy(p, word);
	case ARGUMENT_PATHS:
		if (p->next == p->end)
			return refuse(p, "%s: expected a path after it", word);
		return read_path(p);
	default:
		return 0;
	}
}

static int read_command(struct parser *p, const struct command *command)
{
	const struct command *before = p->line->command;
	const char *word = *p->next++;

	if (before == command && command->argument != ARGUMENT_PATHS)
		return refuse(p, "%s: given twice: expected once", word);
	if (before && before != command)
		return refuse(p, "%s: a second command after %s: expected one", word, before->name);
	p->line->command = command;
	return read_argument(p, word);
}

static int read_pid_option(struct parser *p)
{
	if (p->line->pid_given)
		return refuse(p, "--pid: given twice: expected once");
	p->line->pid_given = true;
	return read_number(p, "--pid", 1, PID_MAX);
}

/* The options of some commands that have a value. Returns 1 when the next word is none of them. */
static int read_value_option(struct parser *p)
{
	const struct {
		const char *word;
		const char **value;
	} options[] = {{"--confirm-within", &p->line->confirm_within},
		       {"--dpkg", &p->line->dpkg},
		       {"--root", &p->line->root},
		       {"--grace", &p->line->grace},
		       {"--frames", &p->line->frames},
		       {"--prefix4", &p->line->prefix4},
		       {"--prefix6", &p->line->prefix6},
		       {"--wide", &p->line->wide},
		       {"--only", &p->line->only},
		       {"--fail", &p->line->fail},
		       {"--limit", &p->line->limit},
		       {"--pcap", &p->line->pcap}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(*p->next, options[i].word) != 0)
			continue;
		if (*options[i].value)
			return refuse(p, "%s: given twice: expected once", *p->next);
		if (++p->next == p->end)
			return refuse(p, "%s: expected a word after it", options[i].word);
		*options[i].value = *p->next++;
		return 0;
	}
	return 1;
}

/* The options of one command that have no value. Returns 1 when the next word is none of them. */
static int read_flag(struct parser *p)
{
	struct cmdline *line = p->line;
	const char *word = *p->next;
	bool follow = strcmp(word, "-f") == 0 || strcmp(word, "--follow") == 0;

	bool *flag = strcmp(word, "--resume") == 0	       ? &line->resume
		     : strcmp(word, "--skip-unsupported") == 0 ? &line->skip_unsupported
							       : NULL;

	if (!follow && !flag)
		return 1;
	if (flag ? *flag : line->follow != NULL)
		return refuse(p, "%s: given twice: expected once", word);
	if (flag)
		*flag = true;
	else
		line->follow = word;
	p->next++;
	return 0;
}

/* Returns 1 when the next word is none of them. */
static int read_own_option(struct parser *p)
{
	struct cmdline *line = p->line;
	const char *word = *p->next;

	if (strcmp(word, "--json") == 0)
		line->json = true;
	else if (strcmp(word, "--help") == 0)
		line->help = true;
	else if (strcmp(word, "--version") == 0)
		line->version = true;
	else if (strcmp(word, "--socket") != 0 && strcmp(word, "--pid") != 0)
		return 1;
	p->next++;
	if (strcmp(word, "--pid") == 0)
		return read_pid_option(p);
	if (strcmp(word, "--socket") != 0)
		return 0;
	if (p->next == p->end)
		return refuse(p, "--socket: expected a path after it");
	line->socket = *p->next++;
	return 0;
}

static int read_rule_words(struct parser *p, int width)
{
	if (width > p->end - p->next)
		return refuse(p, "%s: expected a word after it", *p->next);
	for (int i = 0; i < width; i++)
		p->line->words[p->line->n_words++] = *p->next++;
	return 0;
}

static bool takes_one_word(const struct command *c)
{
	return c && (c->argument == ARGUMENT_FILE || c->argument == ARGUMENT_MAY_FILE ||
		     c->argument == ARGUMENT_MODE);
}

/* Whether words that are no options are the command's. */
static bool takes_words(const struct command *c)
{
	return takes_one_word(c) ||
	       (c && (c->argument == ARGUMENT_PATHS || c->argument == ARGUMENT_SET ||
		      c->argument == ARGUMENT_LEARN || c->argument == ARGUMENT_HOOK ||
		      c->argument == ARGUMENT_SIG || c->argument == ARGUMENT_PATCH));
}

/* "-" stands for a file. */
static bool takes_dash(const struct command *c)
{
	return takes_one_word(c) ||
	       (c && (c->argument == ARGUMENT_LEARN || c->argument == ARGUMENT_SIG));
}

static int read_next(struct parser *p)
{
	struct cmdline *line = p->line;
	char *word = *p->next;
	bool dashed = word[0] == '-' && !(takes_dash(line->command) && !word[1]);
	const struct command *command = find_command(p, word);
	int width = rule_words_width(word) + patch_option_width(word);
	int r;

	if (!dashed && takes_words(line->command))
		return read_path(p);
	if (command)
		return read_command(p, command);
	if (width > 0)
		return read_rule_words(p, width);
	r = read_own_option(p);
	if (r == 1)
		r = read_value_option(p);
	if (r == 1)
		r = read_flag(p);
	if (r <= 0)
		return r;
	return refuse(p, "%.80s: expected %s: see ctl-fw --help", cmdline_show(word),
		      dashed || line->command ? "an option" : "a command");
}

/* Whether one that has to name a chain means all without. */
static bool may_be_any_chain(const struct cmdline *line)
{
	return line->command->argument == ARGUMENT_HOOK && strcmp(line->paths[0], "refresh") == 0;
}

/* Of a command that takes less than a rule: nothing but -c, and that once. */
static int read_chain(const struct parser *p)
{
	struct cmdline *line = p->line;
	const struct command *command = line->command;
	enum chain chain;

	for (int i = 0; i < line->n_words; i += 2) {
		const char *word = line->words[i];

		if (command->part == RULE_NONE ||
		    (strcmp(word, "-c") != 0 && strcmp(word, "--chain") != 0))
			return refuse(
				p, "%s: does not go with %s: expected %s", word, command->name,
				command->part == RULE_NONE ? "no word of a rule" : "-c CHAIN");
		if (line->chain)
			return refuse(p, "%s: given twice: expected once", word);
		line->chain = line->words[i + 1];
		if (chain_parse(line->chain, &chain))
			return refuse(p, "%s %.40s: expected INPUT, OUTPUT or FORWARD", word,
				      cmdline_show(line->chain));
	}
	if (command->part == RULE_NAMES_CHAIN && !line->chain && !may_be_any_chain(line))
		return refuse(p, "%s: missing -c: expected INPUT, OUTPUT or FORWARD",
			      command->name);
	return 0;
}

static int check_one_word(const struct parser *p)
{
	const struct cmdline *line = p->line;
	const char *name = line->command->name;

	if (!takes_one_word(line->command))
		return 0;
	if (line->n_paths > 1)
		return refuse(p, "%s %.80s: expected one %s", name, cmdline_show(line->paths[1]),
			      line->command->argument == ARGUMENT_MODE ? "word" : "file");
	if (line->n_paths > 0)
		return 0;
	if (line->command->argument == ARGUMENT_FILE)
		return refuse(p, "%s: expected a file, or -, after it", name);
	if (line->command->argument == ARGUMENT_MODE)
		return refuse(p, "%s: expected enforce, monitor or confirm after it", name);
	return 0;
}

/* The command whose own such an option is. */
static const char *owner_of(enum argument a)
{
	return a == ARGUMENT_SET     ? "set"
	       : a == ARGUMENT_LEARN ? "learn"
	       : a == ARGUMENT_TOP   ? "top"
	       : a == ARGUMENT_HOOK  ? "hook"
	       : a == ARGUMENT_SIG   ? "sig"
				     : "events";
}

/* Options that one kind of command has. */
static int check_own_options(const struct parser *p)
{
	const struct cmdline *line = p->line;
	const struct {
		const char *word;
		bool given;
		enum argument argument;
	} options[] = {{"--dpkg", line->dpkg, ARGUMENT_SET},
		       {"--root", line->root, ARGUMENT_SET},
		       {"--grace", line->grace, ARGUMENT_SET},
		       {"--prefix4", line->prefix4, ARGUMENT_LEARN},
		       {"--prefix6", line->prefix6, ARGUMENT_LEARN},
		       {"--wide", line->wide, ARGUMENT_LEARN},
		       {"--resume", line->resume, ARGUMENT_LEARN},
		       {"--only", line->only, ARGUMENT_HOOK},
		       {"--fail", line->fail, ARGUMENT_HOOK},
		       {"--limit", line->limit, ARGUMENT_SIG},
		       {"--pcap", line->pcap, ARGUMENT_SIG},
		       {"--skip-unsupported", line->skip_unsupported, ARGUMENT_SIG},
		       {"--frames", line->frames, ARGUMENT_TOP},
		       {line->follow, line->follow, ARGUMENT_EVENTS}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].given && line->command->argument != options[i].argument)
			return refuse(p, "%s: does not go with %s: expected with %s",
				      options[i].word, line->command->name,
				      owner_of(options[i].argument));
	return 0;
}

/* Before the chain is asked for: what a shell completes comes first. */
static int check_hook(const struct parser *p)
{
	const struct cmdline *line = p->line;
	const char *verb = line->n_paths ? line->paths[0] : "";
	bool installs = strcmp(verb, "install") == 0, refreshes = strcmp(verb, "refresh") == 0;

	if (!installs && !refreshes && strcmp(verb, "remove") != 0)
		return refuse(p, "hook%s%.80s: expected install, refresh or remove%s",
			      line->n_paths ? " " : "", line->n_paths ? cmdline_show(verb) : "",
			      line->n_paths ? "" : " after it");
	if (line->n_paths > 1)
		return refuse(p, "hook %s %.80s: expected nothing after it", verb,
			      cmdline_show(line->paths[1]));
	if (!installs && (line->only || line->fail))
		return refuse(p, "%s: does not go with hook %s: expected with hook install",
			      line->only ? "--only" : "--fail", verb);
	if (line->fail && strcmp(line->fail, "open") != 0 && strcmp(line->fail, "closed") != 0)
		return refuse(p, "--fail %.40s: expected open or closed", cmdline_show(line->fail));
	return 0;
}

static int check_whole(const struct parser *p)
{
	const struct cmdline *line = p->line;

	if (line->help || line->version)
		return 0;
	if (!line->command)
		return refuse(p, "missing command: expected one: see ctl-fw --help");
	if (line->command->argument == ARGUMENT_SET && line->n_paths == 0)
		return refuse(p, "%s: expected add, rm, list, refresh or expect after it",
			      line->command->name);
	if (line->command->argument == ARGUMENT_LEARN && line->n_paths == 0)
		return refuse(p, "%s: expected start, stop or suggest after it",
			      line->command->name);
	if (line->command->argument == ARGUMENT_PATCH && line->n_paths == 0)
		return refuse(p, "%s: expected add, rm or list after it", line->command->name);
	if (line->command->argument == ARGUMENT_SIG && line->n_paths == 0)
		return refuse(p, "%s: expected load, list, rm or test after it",
			      line->command->name);
	if (check_own_options(p) || (line->command->argument == ARGUMENT_HOOK && check_hook(p)))
		return -EINVAL;
	if (line->confirm_within && line->command->argument != ARGUMENT_FILE &&
	    line->command->argument != ARGUMENT_MODE)
		return refuse(
			p, "--confirm-within: does not go with %s: expected with mode or restore",
			line->command->name);
	if (line->pid_given != (line->command->argument == ARGUMENT_PID_OPTION))
		return refuse(p,
			      line->pid_given
				      ? "--pid: does not go with %s: expected with explain"
				      : "%s: missing --pid: expected the number of a process",
			      line->command->name);
	if (check_one_word(p))
		return -EINVAL;
	return line->command->part >= RULE_PACKET ? 0 : read_chain(p);
}

int cmdline_parse(int argc, char *argv[], const struct command *commands, size_t n,
		  struct cmdline *out, char err[CMDLINE_ERROR_LEN])
{
	struct parser p = {argv, argv + argc, commands, n, out, err};
	int r;

	*out = (struct cmdline){
		.paths = calloc((size_t)argc + 1, sizeof(char *)),
		.words = calloc((size_t)argc + 1, sizeof(char *)),
	};
	if (!out->paths || !out->words) {
		refuse(&p, "out of memory");
		return -ENOMEM;
	}
	while (p.next < p.end) {
		r = read_next(&p);
		if (r)
			return r;
	}
	return check_whole(&p);
}

void cmdline_free(struct cmdline *line)
{
	free(line->paths);
	free(line->words);
	line->paths = line->words = NULL;
}
