/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook install, refresh, remove: the rules of iptables by which packets come to app-fw. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "iptables.h"
#include "print.h"

static const char *const programs[] = {"iptables", "ip6tables"};
#define PROGRAMS      (sizeof(programs) / sizeof(programs[0]))
#define DELETIONS_MAX 1000

struct hook {
	struct hook_place place;
	struct hook_only only;
	bool open, json;
	const char *accept, *drop; /* pinned programs; NULL: there is no cache */
	uint16_t first, last;	   /* queues */
};

static int list(const struct hook_place *p, char **out, char err[IPTABLES_ERROR_LEN])
{
	struct hook_words words;

	hook_words_list(p, &words);
	return iptables_run(&words, out, err);
}

/* Takes our rules out, but for the first `keep` of them. What is left is looked at anew each time:
 * others may change the chain as well. */
static int clear(const struct hook_place *p, unsigned int keep, unsigned int *removed,
		 char err[IPTABLES_ERROR_LEN])
{
	for (int i = 0; i < DELETIONS_MAX; i++) {
		_cleanup_free_ char *text = NULL;
		struct hook_words words;
		int r = list(p, &text, err);

		if (r)
			return r;
		if (hook_list_count(text, p->chain) <= keep)
			return 0;
		hook_words_delete(p, hook_list_last(text, p->chain), &words);
		r = iptables_run(&words, NULL, err);
		if (r)
			return r;
		(*removed)++;
	}
	return 0;
}

/* What is queued first, so that nothing passes unseen that would not have before. */
static int insert(const struct hook *h, unsigned int *inserted, char err[IPTABLES_ERROR_LEN])
{
	struct hook_words words;
	int r;

	*inserted = 0;
	hook_words_queue(&h->place, h->first, h->last, h->open, &words);
	r = iptables_run(&words, NULL, err);
	if (r)
		return r;
	*inserted = 1;
	if (!h->accept)
		return 0;
	hook_words_match(&h->place, HOOK_RULE_DROP, h->drop, &words);
	r = iptables_run(&words, NULL, err);
	if (r)
		return r;
	++*inserted;
	hook_words_match(&h->place, HOOK_RULE_ACCEPT, h->accept, &words);
	r = iptables_run(&words, NULL, err);
	*inserted += !r;
	return r;
}

/* Half of them is none: as many as are in are taken away again. */
static int undo(const struct hook_place *p, unsigned int inserted)
{
	char err[IPTABLES_ERROR_LEN];
	struct hook_words words;
	int r = 0;

	for (unsigned int i = 0; i < inserted && !r; i++) {
		hook_words_delete(p, p->at ? p->at : 1, &words);
		r = iptables_run(&words, NULL, err);
	}
	return r;
}

static int install_one(const struct hook *h, char err[IPTABLES_ERROR_LEN])
{
	unsigned int inserted, removed = 0;
	int r = insert(h, &inserted, err);

	if (r) {
		undo(&h->place, inserted);
		return r;
	}
	return clear(&h->place, inserted, &removed, err);
}

static void tell_json(const struct hook *h, const char *families)
{
	json_t *told = json_pack("{s:s, s:s, s:s, s:b, s:i, s:i}", "chain", h->place.chain,
				 "families", families, "fail", h->open ? "open" : "closed", "cache",
				 h->accept != NULL, "first", h->first, "last", h->last);

	json_dumpf(told, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(told);
}

static void tell_installed(const struct hook *h, const char *families)
{
	if (h->json) {
		tell_json(h, families);
		return;
	}
	printf("%s, %s: packets%s", h->place.chain, families, h->only.n ? " that match" : "");
	if (h->accept)
		printf(" whose verdict the kernel knows pass, or are dropped, at once; the others");
	printf(" go to app-fw, queue %u", h->first);
	if (h->last != h->first)
		printf("-%u", h->last);
	printf("\nfail %s: while app-fw does not run, they %s\n", h->open ? "open" : "closed",
	       h->open ? "PASS" : "are DROPPED");
}

/* A family that these words say nothing to; nor do rules from before hold for it. */
static void leave_out(struct hook *h, size_t i, char err[IPTABLES_ERROR_LEN])
{
	unsigned int removed = 0;

	print_error("nothing is installed for IPv%d: %s", i ? 6 : 4, err);
	h->place.program = programs[i];
	clear(&h->place, 0, &removed, err);
}

/* Each family by itself: an address of one is no word for the other. */
static int install_all(struct hook *h)
{
	char err[PROGRAMS][IPTABLES_ERROR_LEN];
	bool done[PROGRAMS];

	for (size_t i = 0; i < PROGRAMS; i++) {
		h->place.program = programs[i];
		done[i] = !install_one(h, err[i]);
	}
	if (!done[0] && !done[1]) {
		print_error("%s", err[0]);
		return STATUS_REFUSED;
	}
	for (size_t i = 0; i < PROGRAMS; i++)
		if (!done[i])
			leave_out(h, i, err[i]);
	tell_installed(h, !done[1] ? "IPv4" : !done[0] ? "IPv6" : "IPv4 and IPv6");
	return STATUS_DONE;
}

static uint64_t own_netns(void)
{
	struct stat ns;

	return stat("/proc/self/ns/net", &ns) ? 0 : ns.st_ino;
}

/* What the daemon says of the chain, if that is all there; the reply must outlive the hook. */
static int take_reply(const json_t *reply, struct hook *h)
{
	json_int_t first = json_integer_value(json_object_get(reply, "first"));
	json_int_t last = json_integer_value(json_object_get(reply, "last"));
	const json_t *netns = json_object_get(reply, "netns");
	const char *why = json_string_value(json_object_get(reply, "no_cache"));
	const char *accept = json_string_value(json_object_get(reply, "accept"));
	const char *drop = json_string_value(json_object_get(reply, "drop"));

	if (first < 0 || last < first || last > UINT16_MAX || !json_is_integer(netns)) {
		print_error("the daemon's answer makes no sense");
		return STATUS_REFUSED;
	}
	if ((uint64_t)json_integer_value(netns) != own_netns()) {
		print_error("hook: app-fw runs in another network namespace: net:[%ju]",
			    (uintmax_t)json_integer_value(netns));
		return STATUS_REFUSED;
	}
	h->first = (uint16_t)first;
	h->last = (uint16_t)last;
	if (accept && drop && access(accept, F_OK) == 0) {
		h->accept = accept;
		h->drop = drop;
	} else {
		print_error("hook: without the verdict cache, each packet goes to app-fw: %s%s",
			    accept && drop ? accept
			    : why	   ? why
					   : "there is none",
			    accept && drop ? " is not to be seen here" : "");
	}
	return STATUS_DONE;
}

/* Does it with what the daemon says of the chain. */
static int with_reply(const struct cmdline *line, struct hook *h, int (*act)(struct hook *h))
{
	struct client_reply reply;
	struct print_room room;
	int status =
		ask_for_reply(line, WIRE_HOOK, json_pack("{s:s}", "chain", h->place.chain), &reply);

	if (status != STATUS_DONE)
		return status;
	if (reply.status != WIRE_OK) {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		status = STATUS_REFUSED;
	} else {
		status = take_reply(reply.json, h);
	}
	if (status == STATUS_DONE)
		status = act(h);
	client_reply_free(&reply);
	return status;
}

/* Puts the rules of one family in anew, where they are and as they are. -ENOENT: there are none. */
static int refresh_one(struct hook *h, const char *family, char err[IPTABLES_ERROR_LEN])
{
	_cleanup_free_ char *text = NULL;
	struct hook_told told;
	int r = list(&h->place, &text, err);

	if (r)
		return r;
	r = hook_list_told(text, h->place.chain, &told);
	if (r == -ENOENT)
		return r;
	if (r || hook_only_parse(*told.only ? told.only : NULL, &h->only, err)) {
		snprintf(err, IPTABLES_ERROR_LEN,
			 "%s has words in %s that cannot be given again: expected hook install",
			 h->place.program, h->place.chain);
		return -EINVAL;
	}
	h->open = told.open;
	h->place.at = hook_list_first(text, h->place.chain);
	r = install_one(h, err);
	if (!r)
		tell_installed(h, family);
	return r;
}

/* A family whose rules cannot be read, or not be replaced, keeps what it has. */
static int refresh_all(struct hook *h)
{
	char err[IPTABLES_ERROR_LEN];
	int failed = 0, r;

	for (size_t i = 0; i < PROGRAMS; i++) {
		h->place.program = programs[i];
		r = refresh_one(h, i ? "IPv6" : "IPv4", err);
		if (r && r != -ENOENT) {
			print_error("%s", err);
			failed++;
		}
	}
	return failed ? STATUS_REFUSED : STATUS_DONE;
}

static bool is_installed(struct hook *h)
{
	bool found = false;

	for (size_t i = 0; i < PROGRAMS; i++) {
		_cleanup_free_ char *text = NULL;
		char err[IPTABLES_ERROR_LEN];

		h->place.program = programs[i];
		found = found ||
			(!list(&h->place, &text, err) && hook_list_count(text, h->place.chain) > 0);
	}
	return found;
}

/* Of one chain, or of all that have rules of ours. */
static int refresh(const struct cmdline *line, struct hook *h)
{
	static const char *const chains[] = {"INPUT", "OUTPUT", "FORWARD"};
	int status = STATUS_DONE, r;
	unsigned int found = 0;

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		if (line->chain && strcmp(line->chain, chains[i]) != 0)
			continue;
		h->place.chain = chains[i];
		if (!is_installed(h))
			continue;
		found++;
		h->accept = h->drop = NULL;
		r = with_reply(line, h, refresh_all);
		status = r == STATUS_DONE ? status : r;
	}
	if (!found && !h->json)
		puts("no rules to refresh: none is installed here");
	return status;
}

/* Needs no daemon. A family that is not there has no rules of ours. */
static int remove_all(struct hook *h)
{
	char err[PROGRAMS][IPTABLES_ERROR_LEN];
	unsigned int removed = 0;
	int failed = 0;

	for (size_t i = 0; i < PROGRAMS; i++) {
		h->place.program = programs[i];
		if (clear(&h->place, 0, &removed, err[i])) {
			print_error("%s", err[i]);
			failed++;
		}
	}
	printf(h->json ? "{\"chain\":\"%s\",\"removed\":%u}\n" : "%s: %u rules removed\n",
	       h->place.chain, removed);
	return failed ? STATUS_REFUSED : STATUS_DONE;
}

/* The command line has been checked: cmdline.c. */
int hook_main(const struct cmdline *line)
{
	const char *verb = line->paths[0];
	struct hook h = {.json = line->json};
	char err[HOOK_ERROR_LEN];

	h.open = !line->fail || strcmp(line->fail, "open") == 0;
	if (hook_only_parse(line->only, &h.only, err)) {
		print_error("%s", err);
		return STATUS_USAGE;
	}
	h.place = (struct hook_place){.chain = line->chain, .only = &h.only};
	if (strcmp(verb, "install") == 0)
		return with_reply(line, &h, install_all);
	return strcmp(verb, "refresh") == 0 ? refresh(line, &h) : remove_all(&h);
}
