/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of ctl-fw as a whole: one command, the words of a rule, and a few options of the
 * program's own, in any order. What the words of a rule mean is not looked at here.
 */
#ifndef CTL_CMDLINE_H
#define CTL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_ERROR_LEN 256

struct cmdline;

/* What the word after a command is. */
enum argument {
	ARGUMENT_NONE,
	ARGUMENT_INDEX,
	ARGUMENT_PID,
	ARGUMENT_PID_OPTION, /* not right after it: as --pid PID */
	ARGUMENT_POLICY,     /* two words: a chain and its policy */
	ARGUMENT_PATHS,	     /* one or more; the command may be given again with more of them */
	ARGUMENT_SET,	     /* words that are the command's business, and its own options */
	ARGUMENT_FILE,	     /* one, or "-" */
	ARGUMENT_MAY_FILE,   /* the same, or none */
	ARGUMENT_MODE,	     /* a word that is the command's business */
	ARGUMENT_EVENTS,     /* none, and -f */
	ARGUMENT_TOP,	     /* none, and --frames */
	ARGUMENT_SIG,	     /* the same, and its own options */
	ARGUMENT_LEARN,	     /* one such word, maybe a file, and its own options */
	ARGUMENT_HOOK,	     /* one such word, and its own options */
	ARGUMENT_PATCH,	     /* one such word, and maybe a name */
};

/* Which words of a rule go with a command. */
enum rule_part {
	RULE_NONE,
	RULE_MAY_NAME_CHAIN,
	RULE_NAMES_CHAIN,
	RULE_PACKET, /* what one packet is; no -v */
	RULE_PATCH,  /* those of a patch: common/patch.h */
	RULE_WHOLE,
};

struct command {
	const char *name, *synonym; /* synonym may be NULL */
	enum argument argument;
	enum rule_part part;
	int (*run)(const struct cmdline *line); /* returns the exit status: commands.h */
	const char *help;
};

struct cmdline {
	const struct command *command;	 /* NULL only with help or version */
	uint64_t number;		 /* the index or pid that the command takes */
	bool pid_given;			 /* --pid */
	const char *policy;		 /* as written, of ARGUMENT_POLICY; its chain is in: */
	const char *chain;		 /* as written after -c, for the parts less than a rule */
	const char *socket;		 /* NULL: the default */
	const char *dpkg, *root, *grace; /* as written, of a command that takes ARGUMENT_SET */
	const char *confirm_within;	 /* as written, of a change that takes it */
	const char *frames;		 /* as written, of ARGUMENT_TOP */
	const char *follow;		 /* as written, of ARGUMENT_EVENTS; NULL: not */
	const char *prefix4, *prefix6, *wide; /* as written, of ARGUMENT_LEARN */
	bool resume;			      /* the same */
	const char *only, *fail;	      /* as written, of ARGUMENT_HOOK */
	const char *limit, *pcap;	      /* as written, of ARGUMENT_SIG */
	bool skip_unsupported;		      /* the same */
	bool json, help, version;
	/* Pointers into argv, in arrays that cmdline_free() frees. */
	char **paths, **words; /* paths: those of ARGUMENT_SET and the file too; words: of the rule,
				  with those that only a client knows */
	int n_paths, n_words;
};

/*
 * Reads the words after the program's name. 0, or -EINVAL with one line in err that names the
 * culprit, or -ENOMEM. cmdline_free() in every case.
 */
int cmdline_parse(int argc, char *argv[], const struct command *commands, size_t n,
		  struct cmdline *out, char err[CMDLINE_ERROR_LEN]);
void cmdline_free(struct cmdline *line);

/* A word as an error repeats it: "" for the empty one. */
const char *cmdline_show(const char *word);

#endif
