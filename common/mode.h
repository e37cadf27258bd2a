/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether verdicts are carried out. */
#ifndef COMMON_MODE_H
#define COMMON_MODE_H

enum mode {
	MODE_ENFORCE,
	MODE_MONITOR, /* everything passes; what would have been done is counted and logged */
	MODE_COUNT,
};

/* Never NULL. */
const char *mode_name(enum mode m);

/* 0, or -EINVAL for another word; *out is untouched on failure. */
int mode_parse(const char *word, enum mode *out);

#endif
