// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_builtin.h"

#include <stddef.h>
#include <string.h>

#define TO_SERVER(options) "drop http any any -> any any (flow:to_server; " options ")\n"
#define LOG4SHELL_TAGS                                                               \
	"reference:cve,2021-44228; reference:url,logging.apache.org/security.html; " \
	"classtype:attempted-admin; rev:1; "
#define SHELLSHOCK_TAGS	  "reference:cve,2014-6271; classtype:attempted-admin; rev:1; "
#define SPRING4SHELL_TAGS "reference:cve,2022-22965; classtype:attempted-admin; rev:1; "
#define TRAVERSAL_TAGS	  "reference:cve,2021-41773; classtype:web-application-attack; rev:1; "

/*
 * A letter, bare or as the last one of a lookup that yields it: ${lower:j}, ${::-j}, ${env:X:-j}.
 * Lookups in lookups, and letters that a lookup makes of others, are not seen.
 */
#define LETTER(c) "(\\$\\{[^${}]{0,48}[:-])?" c "\\}?"
#define JNDI	  "pcre:\"/\\$\\{" LETTER("j") LETTER("n") LETTER("d") LETTER("i") "\\s{0,8}:/i\"; "

#define LOG4SHELL                                                                               \
	TO_SERVER("msg:\"Log4Shell lookup in a URI\"; http.uri; " JNDI LOG4SHELL_TAGS           \
		  "sid:9000001;")                                                               \
	TO_SERVER("msg:\"Log4Shell lookup in a header\"; http.header; " JNDI LOG4SHELL_TAGS     \
		  "sid:9000002;")                                                               \
	TO_SERVER("msg:\"Log4Shell lookup in a body\"; http.request_body; " JNDI LOG4SHELL_TAGS \
		  "sid:9000003;")                                                               \
	TO_SERVER("msg:\"Log4Shell lookup in a form\"; http.request_body; "                     \
		  "content:\"%24%7bjndi\"; nocase; " LOG4SHELL_TAGS "sid:9000004;")

/* Bash takes a variable for a function if it begins so; CGI makes variables of header fields. */
#define SHELLSHOCK                                                         \
	TO_SERVER("msg:\"Shellshock function in a header\"; http.header; " \
		  "pcre:\"/^[^:\\r\\n]{1,128}:[ \\t]{0,32}\\(\\)[ "        \
		  "\\t]{1,8}\\{/m\"; " SHELLSHOCK_TAGS "sid:9000011;")

#define SPRING4SHELL                                                                         \
	TO_SERVER("msg:\"Spring4Shell class loader in a URI\"; http.uri; "                   \
		  "content:\"class.module.classloader\"; " SPRING4SHELL_TAGS "sid:9000021;") \
	TO_SERVER("msg:\"Spring4Shell class loader in a form\"; http.request_body; "         \
		  "pcre:\"/class(\\.|%2e)module(\\.|%2e)classLoader/i\"; " SPRING4SHELL_TAGS \
		  "sid:9000022;")

#define TRAVERSAL                                                                                 \
	TO_SERVER("msg:\"Path traversal\"; http.uri; "                                            \
		  "pcre:\"/[\\/\\\\]\\.\\.[\\/\\\\]/\"; " TRAVERSAL_TAGS "sid:9000031;")          \
	TO_SERVER("msg:\"Path traversal, encoded twice\"; http.uri; "                             \
		  "pcre:\"/(%2e|\\.)(%2e|\\.)(%2f|%5c)|%2e(%2e|\\.)[\\/\\\\]/\"; " TRAVERSAL_TAGS \
		  "sid:9000032;")

static const struct {
	const char *name, *text;
} builtins[] = {
	{"builtin:log4shell", LOG4SHELL},
	{"builtin:shellshock", SHELLSHOCK},
	{"builtin:spring4shell", SPRING4SHELL},
	{"builtin:traversal", TRAVERSAL},
	{"builtin:all", LOG4SHELL SHELLSHOCK SPRING4SHELL TRAVERSAL},
};

const char *sig_builtin_text(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (strcmp(name, builtins[i].name) == 0)
			return builtins[i].text;
	return NULL;
}
