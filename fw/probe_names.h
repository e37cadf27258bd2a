/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side counts and is, in words. */
#ifndef FW_PROBE_NAMES_H
#define FW_PROBE_NAMES_H

#include "probe.h"

const char *probe_counter_name(enum probe_counter c);
const char *probe_counter_help(enum probe_counter c);

/* The name of what probe_missed() tells. */
#define PROBES_MISSED_NAME "probes_missed"
#define PROBES_MISSED_HELP "runs of probes that the kernel left out"

const char *note_source_name(enum note_source s);

/* What is worse than it could be, with the only source of notes that leaves something to wish. */
#define NO_NOTES_TEXT                                       \
	"this kernel takes no program that notes packets: " \
	"senders are looked up after the fact"

#endif
