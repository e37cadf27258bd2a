// SPDX-License-Identifier: GPL-2.0-or-later
#include "patch_sig.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/memstream.h"
#include "sig_builtin.h"

#define MATCHES (MATCH_BIT(MATCH_PROTO) | MATCH_BIT(MATCH_SNG_HASH) | MATCH_BIT(MATCH_SET))

/* Signatures know no chains, and not all that a rule matches. */
static int check(const struct patch *p, struct rule_error *err)
{
	const struct rule *r = &p->rule;

	if (!p->all_chains || r->have & ~MATCHES || r->neg & MATCH_BIT(MATCH_PROTO))
		return rule_refuse(
			err, "what looks at a payload goes with --cidr, --port, -p, --object, "
			     "--sng-hash and --set: expected no other match, and no -c");
	if (r->have & MATCH_BIT(MATCH_PROTO) && r->proto != 6 && r->proto != 17)
		return rule_refuse(err, "-p: expected tcp or udp where a payload is looked at");
	if (p->payload_kind == PATCH_PAYLOAD_SID && (p->has_cidr || p->has_port))
		return rule_refuse(
			err, "--sid: the signature says where: expected no --cidr, no --port");
	return 0;
}

static const char *action(const struct patch *p)
{
	return sig_action_name(p->rule.monitor ? SIG_ALERT : SIG_DROP);
}

/* "192.0.2.0/24 80:90" */
static void put_end(FILE *f, const struct patch *p)
{
	char cidr[CIDR_TEXT_LEN] = "any";

	if (p->has_cidr)
		cidr_format(&p->cidr, cidr);
	fputs(cidr, f);
	if (!p->has_port)
		fputs(" any", f);
	else if (p->port.first == p->port.last)
		fprintf(f, " %u", p->port.first);
	else
		fprintf(f, " %u:%u", p->port.first, p->port.last);
}

/* Whose packets it concerns. */
static void put_apps(FILE *f, const struct patch *p)
{
	const struct rule *r = &p->rule;
	char hex[SHA256_HEX_LEN + 1];

	hex_format_sha256(&r->sng, hex);
	if (r->have & MATCH_BIT(MATCH_SNG_HASH))
		fprintf(f, "app_hash:%s%s; ", r->neg & MATCH_BIT(MATCH_SNG_HASH) ? "!" : "", hex);
	if (r->have & MATCH_BIT(MATCH_SET))
		fprintf(f, "app_set:%s%s; ", r->neg & MATCH_BIT(MATCH_SET) ? "!" : "", r->set);
}

/* The note is for people: what would end the word is shown otherwise. */
static void put_name(FILE *f, const struct patch *p)
{
	fprintf(f, "patch %" PRIu64 ": ", p->id);
	for (const char *c = p->rule.note; *c; c++)
		fputc(strchr("\";\\|", *c) ? '\'' : *c, f);
}

static void put_content(FILE *f, const char *text)
{
	fputs("content:\"|", f);
	for (const char *c = text; *c; c++)
		fprintf(f, "%s%02x", c == text ? "" : " ", (unsigned char)*c);
	fputs("|\"; ", f);
}

/* What ends the word in the rule language is written by its number. */
static void put_pcre(FILE *f, const char *text)
{
	fputs("pcre:\"/", f);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == ';' || *c == '/')
			fprintf(f, "\\x%02x", (unsigned char)*c);
		else
			fputc(*c, f);
		if (*c == '\\' && c[1] && c[1] != '"' && c[1] != ';' && c[1] != '/')
			fputc(*++c, f);
	}
	fputs("/\"; ", f);
}

/* "-p" as the header has it. */
static const char *protocol(const struct patch *p)
{
	if (!(p->rule.have & MATCH_BIT(MATCH_PROTO)))
		return "ip";
	return p->rule.proto == 6 ? "tcp" : "udp";
}

static char *text_of_own(const struct patch *p)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return NULL;
	fprintf(f, "%s %s ", action(p), protocol(p));
	put_end(f, p);
	fputs(" <> any any (msg:\"", f);
	put_name(f, p);
	fputs("\"; ", f);
	if (p->payload_kind == PATCH_PAYLOAD_PATTERN)
		put_content(f, p->payload);
	else
		put_pcre(f, p->payload);
	put_apps(f, p);
	fprintf(f, "sid:%u;)", (unsigned int)(PATCH_SID + p->id * PATCH_SIGS_MAX));
	return memstream_end(f, &text);
}

/* The end of the option that begins at c: past its ";", which is not escaped and in no quotes. */
static const char *option_end(const char *c, const char *end)
{
	bool quoted = false;

	for (; c < end && (quoted || *c != ';'); c++) {
		if (*c == '\\' && c + 1 < end)
			c++;
		else if (*c == '"')
			quoted = !quoted;
	}
	return c < end ? c + 1 : end;
}

static bool is_option(const char *c, const char *end, const char *word)
{
	return (size_t)(end - c) >= strlen(word) && memcmp(c, word, strlen(word)) == 0;
}

/* The options of another rule, from after its "(" on, with another sid and without its msg. */
static void put_options(FILE *f, const char *c, const char *end, uint32_t sid)
{
	while (c < end) {
		const char *next;

		while (c < end && isspace((unsigned char)*c))
			c++;
		next = option_end(c, end);
		if (is_option(c, end, "sid:"))
			fprintf(f, "sid:%u; ", sid);
		else if (!is_option(c, end, "msg:") && *c != ')')
			fprintf(f, "%.*s ", (int)(next - c), c);
		c = next;
	}
}

/* Another rule with the action, the limits, the name and a sid of the patch; of a built-in one, the
 * service that it protects too. */
static char *text_of_other(const struct patch *p, const char *rule, size_t n, unsigned int k)
{
	const char *options = memchr(rule, '(', n), *header = memchr(rule, ' ', n);
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return NULL;
	fputs(action(p), f);
	if (p->payload_kind == PATCH_PAYLOAD_BUILTIN) {
		fputs(" http any any -> ", f);
		put_end(f, p);
		fputc(' ', f);
	} else if (options && header) {
		fprintf(f, "%.*s", (int)(options - header), header);
	}
	fputs("(msg:\"", f);
	put_name(f, p);
	fputs("\"; ", f);
	put_apps(f, p);
	if (options)
		put_options(f, options + 1, rule + n,
			    (uint32_t)(PATCH_SID + p->id * PATCH_SIGS_MAX + k));
	fputc(')', f);
	return memstream_end(f, &text);
}

static int add(char *text, struct sig_rule *out[PATCH_SIGS_MAX], size_t *n, struct rule_error *err)
{
	_cleanup_free_ char *owned = text;
	struct sig_error why = {""};
	struct sig_rule *rule;
	int r;

	if (!owned)
		return -ENOMEM;
	r = sig_rule_parse(owned, &rule, &why);
	if (!r) {
		r = sig_set_check(rule, &why);
		if (!r)
			out[(*n)++] = rule;
		else
			sig_rule_unref(rule);
	}
	if (r)
		rule_refuse(err, "%.200s", *why.text ? why.text : strerror(-r));
	return r;
}

static int add_builtin(const struct patch *p, struct sig_rule *out[PATCH_SIGS_MAX], size_t *n,
		       struct rule_error *err)
{
	char name[64];
	const char *text;
	int r = 0;

	snprintf(name, sizeof(name), "builtin:%.40s", p->payload);
	text = sig_builtin_text(name);
	if (!text)
		return rule_refuse(err, "%s: this daemon has no such signatures", p->payload);
	while (!r && *text && *n < PATCH_SIGS_MAX) {
		size_t m = strcspn(text, "\n");

		r = add(text_of_other(p, text, m, (unsigned int)*n), out, n, err);
		text += m + (text[m] == '\n');
	}
	return r;
}

static int add_loaded(const struct patch *p, const struct sig_list *loaded,
		      struct sig_rule *out[PATCH_SIGS_MAX], size_t *n, struct rule_error *err)
{
	for (size_t i = 0; i < loaded->n; i++)
		if (loaded->rules[i]->sid == p->sid) {
			const char *text = loaded->rules[i]->text;

			return add(text_of_other(p, text, strlen(text), 0), out, n, err);
		}
	rule_refuse(err, "--sid %u: expected a signature that is loaded: see ctl-fw sig list",
		    p->sid);
	return -ENOENT;
}

int patch_sig_rules(const struct patch *p, const struct sig_list *loaded,
		    struct sig_rule *out[PATCH_SIGS_MAX], size_t *n, struct rule_error *err)
{
	int r = check(p, err);

	*n = 0;
	if (r)
		return r;
	if (p->payload_kind == PATCH_PAYLOAD_BUILTIN)
		r = add_builtin(p, out, n, err);
	else if (p->payload_kind == PATCH_PAYLOAD_SID)
		r = add_loaded(p, loaded, out, n, err);
	else
		r = add(text_of_own(p), out, n, err);
	while (r && *n > 0)
		sig_rule_unref(out[--*n]);
	return r;
}
