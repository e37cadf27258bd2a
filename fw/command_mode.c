// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_mode.h"
#include "clock.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "command.h"
#include "log.h"
#include "store.h"

#define TRY_AGAIN_NS SECOND

int command_load_mode(const struct options *o, enum mode *out)
{
	char err[STORE_ERROR_LEN];
	int r;

	*out = o->mode;
	r = o->state ? store_load_mode(o->state, out, err) : 0;
	if (r)
		log_line("app-fw: %s", err);
	else if (*out != o->mode)
		log_line("app-fw: mode %s, as it is saved in %s", mode_name(*out), o->state);
	return r;
}

struct publication {
	struct daemon *d;
	enum mode mode;
};

static void put_in_force(void *cookie)
{
	struct publication *p = cookie;

	judge_set_mode(p->d->judge, p->mode);
}

void command_publish_mode(struct daemon *d, enum mode mode)
{
	struct publication p = {d, mode};

	mailbox_call(d->mailbox, put_in_force, &p);
	d->mode = mode;
	sd_notifyf(0, "STATUS=%s, %zu queues", mode == MODE_MONITOR ? "monitoring" : "enforcing",
		   d->n_queues);
}

void command_end_trial(struct daemon *d)
{
	trial_end(&d->trial);
	loop_disarm(d->rollback);
}

static void await_deadline(struct daemon *d)
{
	uint64_t now = clock_monotonic_ns(), then = d->trial.deadline_ns;

	loop_arm(d->rollback, then > now ? then - now : 1);
}

/* 0 or -ENOMEM. The disk has what was before all the time. */
static int roll_back_rules(struct daemon *d)
{
	struct ruleset *rules;
	int r = ruleset_append(d->trial.rules, NULL, 0, &rules);

	if (r)
		return r;
	rules->epoch = d->rules->epoch + 1;
	ruleset_reserve_ids(rules, d->rules->patches.next_id);
	command_publish(d, rules);
	return 0;
}

static int roll_back(struct daemon *d)
{
	int r = 0;

	if (d->trial.of == TRIAL_RULES)
		r = roll_back_rules(d);
	else
		command_publish_mode(d, d->trial.mode);
	if (r)
		return r;
	log_line("app-fw: not confirmed in time: rolled back to the %s before",
		 trial_name(&d->trial));
	command_end_trial(d);
	return 0;
}

static void on_deadline(void *cookie)
{
	struct daemon *d = cookie;

	if (!trial_is_over(&d->trial, clock_monotonic_ns()))
		await_deadline(d);
	else if (roll_back(d))
		loop_arm(d->rollback, TRY_AGAIN_NS);
}

int command_start_mode(struct daemon *d)
{
	d->rollback = loop_add_timer(d->control_loop, on_deadline, d);
	return d->rollback ? 0 : -ENOMEM;
}

bool command_get_confirm(const json_t *request, uint64_t *seconds, json_t **reply)
{
	const json_t *value = json_object_get(request, "confirm_within_s");

	*seconds = 0;
	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < TRIAL_MIN_S ||
	    json_integer_value(value) > TRIAL_MAX_S) {
		command_refuse(reply, "confirm_within_s: expected a number %d..%d", TRIAL_MIN_S,
			       TRIAL_MAX_S);
		return false;
	}
	*seconds = (uint64_t)json_integer_value(value);
	return true;
}

static enum wire_status refuse_second(const struct daemon *d, json_t **reply)
{
	return command_refuse(
		reply, "a change of the %s waits to be confirmed: ctl-fw mode confirm comes first",
		trial_name(&d->trial));
}

enum wire_status command_try_rules(struct daemon *d, struct ruleset *rules, uint64_t seconds,
				   json_t **reply)
{
	if (trial_of_rules(&d->trial, d->rules, clock_monotonic_ns() + seconds * SECOND)) {
		ruleset_unref(rules);
		return refuse_second(d, reply);
	}
	command_publish(d, rules);
	await_deadline(d);
	return WIRE_OK;
}

static int save_mode(const struct daemon *d, enum mode mode, json_t **reply)
{
	int r = d->options.state ? store_save_mode(d->options.state, mode) : 0;

	if (r)
		command_refuse(reply, "cannot save the mode in %s: %s", d->options.state,
			       strerror(-r));
	return r;
}

enum wire_status command_mode(struct daemon *d, const json_t *request, json_t **reply)
{
	const char *word = json_string_value(json_object_get(request, "mode"));
	uint64_t seconds;
	enum mode mode;

	if (!word || mode_parse(word, &mode))
		return command_refuse(reply, "%.40s: expected enforce or monitor",
				      word ? word : "no mode");
	if (!command_get_confirm(request, &seconds, reply))
		return WIRE_REFUSED;
	if (seconds) {
		if (trial_of_mode(&d->trial, d->mode, clock_monotonic_ns() + seconds * SECOND))
			return refuse_second(d, reply);
		await_deadline(d);
	} else {
		if (save_mode(d, mode, reply))
			return WIRE_REFUSED;
		if (d->trial.of == TRIAL_MODE)
			command_end_trial(d);
	}
	command_publish_mode(d, mode);
	*reply = json_pack("{s:s}", "mode", word);
	if (seconds)
		json_object_set_new(*reply, "confirm_within_s", json_integer((json_int_t)seconds));
	return WIRE_OK;
}

/* 0, or -errno and refused: what was tried still waits. */
static int save_tried(struct daemon *d, json_t **reply)
{
	int r;

	if (d->trial.of == TRIAL_MODE)
		return save_mode(d, d->mode, reply);
	r = d->options.state ? store_save(d->options.state, d->rules, &d->saved) : 0;
	if (r)
		command_refuse(reply, "cannot save the rules in %s: %s", d->options.state,
			       strerror(-r));
	return r;
}

enum wire_status command_confirm(struct daemon *d, const json_t *request, json_t **reply)
{
	(void)request;
	if (trial_is_over(&d->trial, clock_monotonic_ns()))
		roll_back(d);
	if (d->trial.of == TRIAL_NONE)
		return command_refuse(reply, "confirm: nothing waits to be confirmed");
	if (save_tried(d, reply))
		return WIRE_REFUSED;
	*reply = json_pack("{s:s}", "confirmed", trial_name(&d->trial));
	command_end_trial(d);
	return WIRE_OK;
}
