/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time by the processor's time-stamp counter. This file's .c is the only one that reads the TSC.
 * BASE_FREQ.md tells how the frequency is found.
 */
#ifndef FW_CLOCK_H
#define FW_CLOCK_H

#include <stdint.h>

enum clock_source {
	CLOCK_SOURCE_BUILD,      /* BASE_FREQ given to make */
	CLOCK_SOURCE_CPUID_15H,  /* TSC/crystal ratio */
	CLOCK_SOURCE_HYPERVISOR, /* CPUID 4000_0010h EAX, kHz */
	CLOCK_SOURCE_SYSFS,      /* cpufreq base_frequency, kHz */
	CLOCK_SOURCE_CPUID_16H,  /* base frequency, MHz */
	CLOCK_SOURCE_CALIBRATED, /* measured against CLOCK_MONOTONIC_RAW */
	CLOCK_SOURCE_COUNT,
};

struct clock_info {
	uint64_t hz;
	enum clock_source source;
};

/*
 * Finds the frequency once, at start. Takes up to 50 ms when it has to calibrate.
 * Returns 0, or -ENOTSUP where the TSC is missing or not invariant (CPUID 8000_0007h EDX bit 8).
 */
int clock_init(struct clock_info *out);
const char *clock_source_name(enum clock_source s);

/* Ticks since some point in the past; ordered after earlier loads (RDTSCP or LFENCE;RDTSC). */
uint64_t clock_ticks(void);

/* Ticks to nanoseconds in 128-bit arithmetic: exact to 1 ns, no wrap for any uint64_t of ticks
 * whose result fits 64 bits; saturates at UINT64_MAX. hz > 0. */
uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz);

#endif
