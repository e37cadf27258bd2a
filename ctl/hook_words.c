/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int refuse(char err[HOOK_ERROR_LEN], const char *text, const char *expected)
{
	snprintf(err, HOOK_ERROR_LEN, "--only %.80s: expected %s", *text ? text : "\"\"", expected);
	return -EINVAL;
}

/* What says where a rule goes, or what becomes of its packets. */
static bool is_ours(const char *word)
{
	static const char *const words[] = {
		"-j",
		"--jump",
		"-g",
		"--goto",
		"-t",
		"--table",
		"-A",
		"--append",
		"-I",
		"--insert",
		"-D",
		"--delete",
		"-R",
		"--replace",
		"-L",
		"--list",
		"-S",
		"--list-rules",
		"-F",
		"--flush",
		"-Z",
		"--zero",
		"-N",
		"--new-chain",
		"-X",
		"-P",
		"--policy",
		"-E",
		"--rename-chain",
		"-C",
		"--check",
		"-h",
		"--delete-chain",
		"-V",
		"--version",
		"--comment",
		"--modprobe",
		"-4",
		"-6",
	};

	for (size_t i = 0; i < LENGTH(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* The next word, cut out of the text; NULL: a quote is not closed. *at is past it. */
static char *cut_word(char **at)
{
	char *from = *at, *to = *at, *word = *at;
	bool quoted = false;

	for (; *from && (quoted || *from != ' '); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = 0;
	return quoted ? NULL : word;
}

int hook_only_parse(const char *text, struct hook_only *out, char err[HOOK_ERROR_LEN])
{
	char *at = out->text;

	out->n = 0;
	if (!text)
		return 0;
	if (strlen(text) >= sizeof(out->text))
		return refuse(err, text, "fewer words");
	strcpy(out->text, text);
	for (char *c = out->text; *c; c++)
		if ((unsigned char)*c < ' ')
			return refuse(err, "", "words of iptables without control characters");
	while (*(at += strspn(at, " "))) {
		char *word = cut_word(&at);

		if (!word)
			return refuse(err, text, "each quote to be closed");
		if (is_ours(word))
			return refuse(err, text, "what packets are, not what becomes of them");
		if (out->n == HOOK_ONLY_MAX)
			return refuse(err, text, "fewer words");
		out->word[out->n++] = word;
	}
	return out->n ? 0 : refuse(err, text, "words of iptables, such as \"-p tcp\"");
}

static void add(struct hook_words *w, const char *word)
{
	if (w->n == HOOK_WORDS_MAX)
		return;
	w->word[w->n++] = word;
	w->word[w->n] = NULL;
}

static void add_all(struct hook_words *w, size_t n, const char *const words[])
{
	for (size_t i = 0; i < n; i++)
		add(w, words[i]);
}

/* -w: others may be changing the tables. */
static void begin(const struct hook_place *p, const char *verb, struct hook_words *w)
{
	const char *const words[] = {p->program, "-w", "5", verb, p->chain};

	w->n = 0;
	add_all(w, LENGTH(words), words);
}

static void begin_rule(const struct hook_place *p, struct hook_words *w)
{
	begin(p, "-I", w);
	if (p->at) {
		snprintf(w->at, sizeof(w->at), "%u", p->at);
		add(w, w->at);
	}
	add_all(w, p->only->n, p->only->word);
}

void hook_words_match(const struct hook_place *p, enum hook_rule rule, const char *pinned,
		      struct hook_words *out)
{
	const char *const words[] = {
		"-m",	"bpf", "--object-pinned",
		pinned, "-j",  rule == HOOK_RULE_ACCEPT ? "ACCEPT" : "DROP",
	};

	begin_rule(p, out);
	add_all(out, LENGTH(words), words);
}

void hook_words_queue(const struct hook_place *p, uint16_t first, uint16_t last, bool open,
		      struct hook_words *out)
{
	static const char *const words[] = {"-m",     "comment", "--comment",
					    HOOK_TAG, "-j",	 "NFQUEUE"};

	begin_rule(p, out);
	add_all(out, LENGTH(words), words);
	if (first == last)
		snprintf(out->queue, sizeof(out->queue), "%u", first);
	else
		snprintf(out->queue, sizeof(out->queue), "%u:%u", first, last);
	add(out, first == last ? "--queue-num" : "--queue-balance");
	add(out, out->queue);
	if (open)
		add(out, "--queue-bypass");
}

void hook_words_list(const struct hook_place *p, struct hook_words *out)
{
	begin(p, "-S", out);
}

void hook_words_delete(const struct hook_place *p, unsigned int number, struct hook_words *out)
{
	begin(p, "-D", out);
	snprintf(out->queue, sizeof(out->queue), "%u", number);
	add(out, out->queue);
}

/* The next line, as far as it is a rule of the chain; *at is past it. */
static bool next_rule(const char **at, const char *chain, const char **line, size_t *len)
{
	const size_t n = strlen(chain);

	while (**at) {
		*line = *at;
		*len = strcspn(*at, "\n");
		*at += *len + ((*at)[*len] ? 1 : 0);
		if (*len > n + 4 && strncmp(*line, "-A ", 3) == 0 &&
		    strncmp(*line + 3, chain, n) == 0 && (*line)[3 + n] == ' ')
			return true;
	}
	return false;
}

/* Whether these words stand in the line, one after the other. */
static const char *find_words(const char *line, size_t len, const char *words)
{
	const size_t n = strlen(words);

	for (size_t i = 1; i + n <= len; i++)
		if (line[i - 1] == ' ' && memcmp(line + i, words, n) == 0 &&
		    (i + n == len || line[i + n] == ' '))
			return line + i;
	return NULL;
}

static bool is_tagged(const char *line, size_t len)
{
	return find_words(line, len, "--comment " HOOK_TAG) ||
	       find_words(line, len, "--comment \"" HOOK_TAG "\"");
}

static bool asks_ours(const char *line, size_t len)
{
	static const char words[] = "--object-pinned " HOOK_PINS;
	const size_t n = sizeof(words) - 1;

	for (size_t i = 1; i + n <= len; i++)
		if (line[i - 1] == ' ' && memcmp(line + i, words, n) == 0)
			return true;
	return false;
}

static bool is_known(const char *line, size_t len)
{
	return is_tagged(line, len) || asks_ours(line, len);
}

unsigned int hook_list_first(const char *list, const char *chain)
{
	unsigned int number = 0;
	const char *line;
	size_t len;

	while (next_rule(&list, chain, &line, &len)) {
		number++;
		if (is_known(line, len))
			return number;
	}
	return 0;
}

unsigned int hook_list_last(const char *list, const char *chain)
{
	unsigned int number = 0, last = 0;
	const char *line;
	size_t len;

	while (next_rule(&list, chain, &line, &len)) {
		number++;
		if (is_known(line, len))
			last = number;
	}
	return last;
}

unsigned int hook_list_count(const char *list, const char *chain)
{
	unsigned int count = 0;
	const char *line;
	size_t len;

	while (next_rule(&list, chain, &line, &len))
		count += is_known(line, len);
	return count;
}

/* The words before those that say that it is ours. */
static int read_only(const char *line, size_t len, const char *chain, char only[HOOK_TEXT_MAX])
{
	const size_t from = strlen("-A ") + strlen(chain) + 1;
	const char *tag = find_words(line, len, "-m comment --comment " HOOK_TAG);
	size_t n;

	if (!tag)
		tag = find_words(line, len, "-m comment --comment \"" HOOK_TAG "\"");
	if (!tag)
		return -EINVAL;
	n = (size_t)(tag - line) - from;
	if (n >= HOOK_TEXT_MAX || memchr(line + from, '\\', n))
		return -EINVAL;
	memcpy(only, line + from, n);
	only[n ? n - 1 : 0] = '\0'; /* the blank before the tag */
	return 0;
}

int hook_list_told(const char *list, const char *chain, struct hook_told *out)
{
	const char *line;
	size_t len;
	int r = -ENOENT;

	while (next_rule(&list, chain, &line, &len)) {
		if (!is_tagged(line, len) || !find_words(line, len, "-j NFQUEUE"))
			continue;
		r = read_only(line, len, chain, out->only);
		out->open = find_words(line, len, "--queue-bypass") != NULL;
	}
	return r;
}

/* Whether the rule leads to the queue. */
static bool leads_to(const char *line, size_t len, uint16_t queue)
{
	const char *one = find_words(line, len, "--queue-num");
	const char *many = find_words(line, len, "--queue-balance");
	char *end;
	unsigned long first, last;

	if (!find_words(line, len, "-j NFQUEUE"))
		return false;
	if (one)
		return strtoul(one + strlen("--queue-num"), NULL, 10) == queue;
	if (!many)
		return queue == 0;
	first = strtoul(many + strlen("--queue-balance"), &end, 10);
	last = *end == ':' ? strtoul(end + 1, NULL, 10) : first;
	return first <= queue && queue <= last;
}

enum hook_fail hook_fail_add(enum hook_fail a, enum hook_fail b)
{
	if (a == HOOK_FAIL_NONE || a == b)
		return b;
	return b == HOOK_FAIL_NONE ? a : HOOK_FAIL_MIXED;
}

enum hook_fail hook_list_fail(const char *list, uint16_t queue)
{
	enum hook_fail fail = HOOK_FAIL_NONE;

	while (*list) {
		size_t len = strcspn(list, "\n");

		if (leads_to(list, len, queue))
			fail = hook_fail_add(fail, find_words(list, len, "--queue-bypass")
							   ? HOOK_FAIL_OPEN
							   : HOOK_FAIL_CLOSED);
		list += len + (list[len] ? 1 : 0);
	}
	return fail;
}

const char *hook_fail_name(enum hook_fail f)
{
	static const char *const names[] = {
		[HOOK_FAIL_NONE] = "none",
		[HOOK_FAIL_OPEN] = "open",
		[HOOK_FAIL_CLOSED] = "closed",
		[HOOK_FAIL_MIXED] = "mixed",
	};

	return names[f];
}
