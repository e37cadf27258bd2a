/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "instant.h"

#define HOUR 3600

/* In a shape, 0 stands for any digit and every other character for itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return !*text;
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

/* 0 and the offset from UTC in seconds, or -EINVAL. */
static int parse_offset(const char *text, int64_t *out)
{
	int hours, minutes;

	*out = 0;
	if (strcmp(text, "Z") == 0)
		return 0;
	if (!has_shape(text, "+00:00") && !has_shape(text, "-00:00"))
		return -EINVAL;
	hours = two(text + 1);
	minutes = two(text + 4);
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*out = (hours * HOUR + minutes * 60) * (*text == '-' ? -1 : 1);
	return 0;
}

int instant_parse(const char *text, uint64_t *out)
{
	static const char shape[] = "0000-00-00T00:00:00";
	char local[sizeof(shape)];
	int64_t offset, seconds;
	struct tm tm = {0};
	int month;

	if (strlen(text) < sizeof(shape))
		return -EINVAL;
	memcpy(local, text, sizeof(shape) - 1);
	local[sizeof(shape) - 1] = '\0';
	if (!has_shape(local, shape) || parse_offset(text + sizeof(shape) - 1, &offset))
		return -EINVAL;
	tm.tm_year = two(local) * 100 + two(local + 2) - 1900;
	tm.tm_mon = month = two(local + 5) - 1;
	tm.tm_mday = two(local + 8);
	tm.tm_hour = two(local + 11);
	tm.tm_min = two(local + 14);
	tm.tm_sec = two(local + 17);
	if (tm.tm_year < 70 || month > 11 || tm.tm_mday < 1 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 59)
		return -EINVAL;
	seconds = timegm(&tm) - offset;
	/* timegm() makes 31 November the 1st of December, and month -1 the December before. */
	if (tm.tm_mon != month || seconds < 0 || (uint64_t)seconds > INSTANT_MAX)
		return -EINVAL;
	*out = (uint64_t)seconds;
	return 0;
}

void instant_format(uint64_t seconds, char out[INSTANT_TEXT_LEN])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, INSTANT_TEXT_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(out, "?");
}
