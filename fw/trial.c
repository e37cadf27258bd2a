/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>

#include "trial.h"

int trial_of_mode(struct trial *t, enum mode now, uint64_t deadline_ns)
{
	if (t->of == TRIAL_RULES)
		return -EBUSY;
	if (t->of == TRIAL_NONE)
		t->mode = now;
	t->of = TRIAL_MODE;
	t->deadline_ns = deadline_ns;
	return 0;
}

int trial_of_rules(struct trial *t, struct ruleset *now, uint64_t deadline_ns)
{
	if (t->of == TRIAL_MODE)
		return -EBUSY;
	if (t->of == TRIAL_NONE)
		t->rules = ruleset_ref(now);
	t->of = TRIAL_RULES;
	t->deadline_ns = deadline_ns;
	return 0;
}

bool trial_is_over(const struct trial *t, uint64_t now_ns)
{
	return t->of != TRIAL_NONE && now_ns >= t->deadline_ns;
}

void trial_end(struct trial *t)
{
	ruleset_unref(t->rules);
	*t = (struct trial){.of = TRIAL_NONE};
}

const char *trial_name(const struct trial *t)
{
	static const char *const names[] = {
		[TRIAL_NONE] = NULL, [TRIAL_MODE] = "mode", [TRIAL_RULES] = "rules"};

	return names[t->of];
}
