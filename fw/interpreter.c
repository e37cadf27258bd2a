// SPDX-License-Identifier: GPL-2.0-or-later
#include "interpreter.h"

#include <string.h>

#define NAME_LEN 64

/* What an option does to the question which file is the script. */
enum effect {
	EFFECT_NONE,
	EFFECT_VALUE,  /* takes a value: the rest of its word, or else the next */
	EFFECT_NEXT,   /* takes the next word */
	EFFECT_REST,   /* takes the rest of its word */
	EFFECT_DIGITS, /* takes digits after it */
	EFFECT_EXTRA,  /* as EFFECT_VALUE, and brings in code of its own */
	EFFECT_FILE,   /* as EFFECT_VALUE: the script */
	EFFECT_CODE, /* there is no script: code on the command line, from input, or none at all */
	EFFECT_UNKNOWN,
};

struct letters {
	enum effect effect;
	const char *letters;
};

struct word {
	enum effect effect;
	const char *word; /* without dashes */
};

enum habit {
	SINGLE_DASH = 1,    /* its long options may have one dash */
	PLUS = 2,	    /* options may begin with + */
	DASH_IS_END = 4,    /* - ends the options; else it stands for the standard input */
	ONLY_BY_OPTION = 8, /* the first argument is no script */
};

/* A command line language. Lists end with END. */
struct dialect {
	const char *names; /* with a blank around each */
	const struct letters *letters;
	const struct word *words;
	unsigned int habits; /* enum habit */
};

#define END                          \
	{                            \
		EFFECT_UNKNOWN, NULL \
	}

static const struct letters shell_letters[] = {
	{EFFECT_NONE, "abefhiklmnprtuvxBCDEHPTI"}, {EFFECT_NEXT, "oO"}, {EFFECT_CODE, "cs"}, END};
static const struct word shell_words[] = {{EFFECT_NONE, "login"},
					  {EFFECT_NONE, "noprofile"},
					  {EFFECT_NONE, "norc"},
					  {EFFECT_NONE, "noediting"},
					  {EFFECT_NONE, "posix"},
					  {EFFECT_NONE, "restricted"},
					  {EFFECT_NONE, "verbose"},
					  {EFFECT_EXTRA, "rcfile"},
					  {EFFECT_EXTRA, "init-file"},
					  {EFFECT_EXTRA, "debugger"},
					  {EFFECT_CODE, "version"},
					  {EFFECT_CODE, "help"},
					  {EFFECT_CODE, "dump-strings"},
					  {EFFECT_CODE, "dump-po-strings"},
					  END};

static const struct letters python_letters[] = {
	{EFFECT_NONE, "bBdEiIOPqRsSuvx"}, {EFFECT_VALUE, "WX"}, {EFFECT_CODE, "cmhV?"}, END};
static const struct word python_words[] = {{EFFECT_VALUE, "check-hash-based-pycs"},
					   {EFFECT_CODE, "help"},
					   {EFFECT_CODE, "help-all"},
					   {EFFECT_CODE, "help-env"},
					   {EFFECT_CODE, "help-xoptions"},
					   {EFFECT_CODE, "version"},
					   END};

static const struct letters perl_letters[] = {{EFFECT_NONE, "acfnpstTUwWX"},
					      {EFFECT_DIGITS, "0l"},
					      {EFFECT_REST, "CDFix"},
					      {EFFECT_VALUE, "I"},
					      {EFFECT_EXTRA, "mM"},
					      {EFFECT_CODE, "eEvVh?"},
					      END};

static const struct letters ruby_letters[] = {{EFFECT_NONE, "acdlnpsUvw"},
					      {EFFECT_DIGITS, "0TW"},
					      {EFFECT_REST, "FKix"},
					      {EFFECT_VALUE, "IE"},
					      {EFFECT_EXTRA, "rCX"},
					      {EFFECT_CODE, "eh"},
					      END};
static const struct word ruby_words[] = {{EFFECT_NONE, "verbose"},
					 {EFFECT_NONE, "debug"},
					 {EFFECT_NONE, "jit"},
					 {EFFECT_NONE, "yjit"},
					 {EFFECT_NONE, "disable-gems"},
					 {EFFECT_VALUE, "disable"},
					 {EFFECT_VALUE, "enable"},
					 {EFFECT_VALUE, "encoding"},
					 {EFFECT_VALUE, "external-encoding"},
					 {EFFECT_VALUE, "internal-encoding"},
					 {EFFECT_CODE, "version"},
					 {EFFECT_CODE, "copyright"},
					 {EFFECT_CODE, "help"},
					 END};

static const struct letters node_letters[] = {
	{EFFECT_VALUE, "C"}, {EFFECT_EXTRA, "r"}, {EFFECT_CODE, "ephv"}, END};
static const struct word node_words[] = {{EFFECT_NONE, "no-warnings"},
					 {EFFECT_NONE, "no-deprecation"},
					 {EFFECT_NONE, "trace-warnings"},
					 {EFFECT_NONE, "trace-deprecation"},
					 {EFFECT_NONE, "throw-deprecation"},
					 {EFFECT_NONE, "enable-source-maps"},
					 {EFFECT_NONE, "expose-gc"},
					 {EFFECT_NONE, "inspect"},
					 {EFFECT_NONE, "inspect-brk"},
					 {EFFECT_VALUE, "title"},
					 {EFFECT_VALUE, "conditions"},
					 {EFFECT_VALUE, "max-old-space-size"},
					 {EFFECT_VALUE, "stack-size"},
					 {EFFECT_EXTRA, "require"},
					 {EFFECT_EXTRA, "import"},
					 {EFFECT_EXTRA, "loader"},
					 {EFFECT_EXTRA, "experimental-loader"},
					 {EFFECT_EXTRA, "env-file"},
					 {EFFECT_CODE, "eval"},
					 {EFFECT_CODE, "print"},
					 {EFFECT_CODE, "help"},
					 {EFFECT_CODE, "v8-options"},
					 {EFFECT_CODE, "version"},
					 END};

static const struct letters php_letters[] = {{EFFECT_NONE, "CHnq"},
					     {EFFECT_EXTRA, "cdzt"},
					     {EFFECT_FILE, "f"},
					     {EFFECT_CODE, "arBRFESmvhilsw?"},
					     END};
static const struct word php_words[] = {
	{EFFECT_NONE, "no-php-ini"}, {EFFECT_EXTRA, "php-ini"}, {EFFECT_EXTRA, "define"},
	{EFFECT_FILE, "file"},	     {EFFECT_CODE, "run"},	{EFFECT_CODE, "interactive"},
	{EFFECT_CODE, "info"},	     {EFFECT_CODE, "modules"},	{EFFECT_CODE, "server"},
	{EFFECT_CODE, "version"},    {EFFECT_CODE, "help"},	END};

static const struct letters lua_letters[] = {{EFFECT_NONE, "iEWv"}, {EFFECT_EXTRA, "elj"}, END};

static const struct letters awk_letters[] = {{EFFECT_NONE, "bcCgnNOPrsStM"},
					     {EFFECT_VALUE, "Fv"},
					     {EFFECT_EXTRA, "ielW"},
					     {EFFECT_FILE, "fE"},
					     {EFFECT_CODE, "hV"},
					     END};
static const struct word awk_words[] = {{EFFECT_NONE, "posix"},
					{EFFECT_NONE, "re-interval"},
					{EFFECT_NONE, "sandbox"},
					{EFFECT_VALUE, "assign"},
					{EFFECT_VALUE, "field-separator"},
					{EFFECT_EXTRA, "source"},
					{EFFECT_EXTRA, "include"},
					{EFFECT_EXTRA, "load"},
					{EFFECT_FILE, "file"},
					{EFFECT_FILE, "exec"},
					{EFFECT_CODE, "help"},
					{EFFECT_CODE, "version"},
					END};

static const struct letters tcl_letters[] = {END};
static const struct word tcl_words[] = {{EFFECT_VALUE, "encoding"}, END};

static const struct letters expect_letters[] = {{EFFECT_NONE, "bdinN"}, {EFFECT_VALUE, "D"},
						{EFFECT_EXTRA, "c"},	{EFFECT_FILE, "f"},
						{EFFECT_CODE, "hv"},	END};

static const struct word no_words[] = {END};

static const struct dialect dialects[] = {
	{" sh bash dash ash ksh mksh lksh zsh yash rbash rksh rzsh ", shell_letters, shell_words,
	 SINGLE_DASH | PLUS | DASH_IS_END},
	{" python pypy ", python_letters, python_words, 0},
	{" perl ", perl_letters, no_words, 0},
	{" ruby ", ruby_letters, ruby_words, 0},
	{" node nodejs ", node_letters, node_words, 0},
	{" php php-cli ", php_letters, php_words, 0},
	{" lua luajit ", lua_letters, no_words, 0},
	{" awk gawk mawk nawk original-awk ", awk_letters, awk_words, ONLY_BY_OPTION},
	{" tclsh wish ", tcl_letters, tcl_words, SINGLE_DASH},
	{" expect ", expect_letters, no_words, 0},
};

struct reader {
	const struct dialect *dialect;
	const char *next, *end;
	bool cut;      /* there is more after end */
	bool short_of; /* a word that is needed was cut off */
	bool unclear;
	const char *file; /* named by an option */
	bool is_code;
};

/* NULL: no more; short_of, if it is only that they were cut off. */
static const char *next_word(struct reader *r)
{
	size_t left = (size_t)(r->end - r->next), n = strnlen(r->next, left);
	const char *word = r->next;

	if (n == left) {
		r->short_of |= r->cut || left;
		r->next = r->end;
		return NULL;
	}
	r->next += n + 1;
	return word;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct dialect *find_exactly(const char *name, size_t n)
{
	char text[NAME_LEN + 3] = " ";

	if (!n || n > NAME_LEN || memchr(name, ' ', n))
		return NULL;
	memcpy(text + 1, name, n);
	strcpy(text + 1 + n, " ");
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		if (strstr(dialects[i].names, text))
			return &dialects[i];
	return NULL;
}

/* python3.11-dbg is a python; -bash is a bash that logs somebody in. */
static const struct dialect *find_dialect(const char *path)
{
	const char *name = last_name(path);
	const struct dialect *d;

	name += *name == '-';
	d = find_exactly(name, strlen(name));
	return d ? d : find_exactly(name, strcspn(name, "0123456789-"));
}

static enum effect effect_of_letter(const struct dialect *d, char c)
{
	const struct letters *l = d->letters;

	while (l->letters && !strchr(l->letters, c))
		l++;
	return l->effect;
}

static enum effect effect_of_word(const struct dialect *d, const char *word, size_t n)
{
	const struct word *w = d->words;

	while (w->word && (strncmp(w->word, word, n) != 0 || w->word[n]))
		w++;
	return w->effect;
}

/* value: what is in the same word, or NULL. */
static void apply(struct reader *r, enum effect effect, const char *value)
{
	switch (effect) {
	case EFFECT_VALUE:
	case EFFECT_EXTRA:
	case EFFECT_FILE:
		value = value ? value : next_word(r);
		break;
	case EFFECT_NEXT:
		value = next_word(r);
		break;
	default:
		break;
	}
	r->unclear |= effect == EFFECT_EXTRA || effect == EFFECT_UNKNOWN;
	r->is_code |= effect == EFFECT_CODE;
	if (effect == EFFECT_FILE) {
		r->unclear |= r->file != NULL; /* a second one */
		r->file = r->file ? r->file : value;
	}
}

/* The letters of one word. */
static void read_cluster(struct reader *r, const char *at)
{
	while (*at && !r->is_code) {
		enum effect effect = effect_of_letter(r->dialect, *at++);
		bool rest = effect == EFFECT_VALUE || effect == EFFECT_EXTRA ||
			    effect == EFFECT_FILE || effect == EFFECT_REST ||
			    effect == EFFECT_UNKNOWN;

		apply(r, effect, rest && *at ? at : NULL);
		if (rest)
			return;
		if (effect == EFFECT_DIGITS)
			at += strspn(at, "0123456789");
	}
}

static void read_long(struct reader *r, const char *name)
{
	size_t n = strcspn(name, "=");

	apply(r, effect_of_word(r->dialect, name, n), name[n] ? name + n + 1 : NULL);
}

static bool is_long(const struct dialect *d, const char *word)
{
	if (word[0] != '-')
		return false;
	return word[1] == '-' || ((d->habits & SINGLE_DASH) &&
				  effect_of_word(d, word + 1, strlen(word + 1)) != EFFECT_UNKNOWN);
}

/* Reads the options. Returns the first word after them, or NULL. */
static const char *skip_options(struct reader *r)
{
	const struct dialect *d = r->dialect;
	const char *word;

	while (!r->is_code && (word = next_word(r))) {
		if (strcmp(word, "--") == 0 ||
		    ((d->habits & DASH_IS_END) && strcmp(word, "-") == 0))
			return next_word(r);
		if (is_long(d, word))
			read_long(r, word + 1 + (word[1] == '-'));
		else if ((word[0] == '-' || ((d->habits & PLUS) && word[0] == '+')) && word[1])
			read_cluster(r, word + 1);
		else
			return word;
	}
	return NULL;
}

/* The first argument is the program's own name, unless it is busybox's, called as such. */
static const struct dialect *read_name(struct reader *r, const char *program)
{
	const struct dialect *d = find_dialect(program);
	const char *name = next_word(r);

	if (!d && name)
		d = find_dialect(name);
	if (!d && name && strcmp(program, "busybox") == 0 &&
	    strcmp(last_name(name), "busybox") == 0) {
		name = next_word(r);
		d = name ? find_dialect(name) : NULL;
	}
	return d;
}

enum command_kind interpreter_script(const char *program, const char *args, size_t n, bool cut,
				     const char **path)
{
	struct reader r = {.next = args, .end = args + n, .cut = cut};
	const char *word;

	*path = NULL;
	r.dialect = read_name(&r, program);
	if (!r.dialect)
		return r.short_of ? COMMAND_UNCLEAR : COMMAND_NO_SCRIPT;
	word = skip_options(&r);
	if (r.short_of)
		return COMMAND_UNCLEAR;
	if (r.is_code)
		return r.unclear ? COMMAND_UNCLEAR : COMMAND_NO_SCRIPT;
	if (r.file || (r.dialect->habits & ONLY_BY_OPTION))
		word = r.file;
	if (!word || strcmp(word, "-") == 0)
		return r.unclear ? COMMAND_UNCLEAR : COMMAND_NO_SCRIPT;
	*path = word;
	return r.unclear ? COMMAND_UNCLEAR : COMMAND_SCRIPT;
}
