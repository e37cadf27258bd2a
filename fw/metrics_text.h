/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of the daemon as text: OpenMetrics 1.0 (github.com/OpenObservability/OpenMetrics). */
#ifndef FW_METRICS_TEXT_H
#define FW_METRICS_TEXT_H

#include "figures.h"

#define METRICS_TEXT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/*
 * The whole exposition, from the first "# TYPE" to "# EOF". Durations are in seconds; histograms
 * are as exact as those of stats.h. A text for the caller to free, *length without its NUL; NULL
 * when there is no memory for it.
 */
char *metrics_text(const struct figures *f, size_t *length);

#endif
