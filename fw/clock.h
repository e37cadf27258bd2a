/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time by the processor's time-stamp counter. This file's .c is the only one that reads the TSC.
 * BASE_FREQ.md tells how the frequency is found.
 */
#ifndef FW_CLOCK_H
#define FW_CLOCK_H

#include <stdint.h>

enum clock_source {
	CLOCK_SOURCE_BUILD,	 /* BASE_FREQ given to make */
	CLOCK_SOURCE_CPUID_15H,	 /* TSC/crystal ratio */
	CLOCK_SOURCE_HYPERVISOR, /* CPUID 4000_0010h EAX, kHz */
	CLOCK_SOURCE_SYSFS,	 /* cpufreq base_frequency, kHz */
	CLOCK_SOURCE_CPUID_16H,	 /* base frequency, MHz */
	CLOCK_SOURCE_CALIBRATED, /* measured against CLOCK_MONOTONIC_RAW */
	CLOCK_SOURCE_COUNT,
};

struct clock_info {
	uint64_t hz;
	enum clock_source source;
};

/* What the ladder of BASE_FREQ.md chooses from; 0: not given. */
struct clock_facts {
	uint64_t build_hz;			   /* BASE_FREQ */
	uint32_t ratio_den, ratio_num, crystal_hz; /* CPUID 15h EAX, EBX, ECX */
	uint32_t intel_signature;		   /* CPUID 1 EAX of a GenuineIntel processor */
	uint32_t hypervisor_khz;		   /* CPUID 4000_0010h EAX */
	uint32_t sysfs_khz;			   /* cpufreq base_frequency */
	uint32_t base_mhz;			   /* CPUID 16h EAX */
	uint64_t measured_hz;			   /* within 1 % of the truth */
};

/*
 * The first rung of the ladder that holds: BUILD if it is given, else the next that is within 1 %
 * of measured_hz. Pure. Returns 0, or -ENODATA when only calibration is left (*out untouched).
 */
int clock_choose(const struct clock_facts *f, struct clock_info *out);

/* TSC and CLOCK_MONOTONIC_RAW, read together. */
struct clock_instant {
	uint64_t ticks, ns;
};

/* 0, or -ENOTSUP where the TSC is missing or not invariant (CPUID 8000_0007h EDX bit 8). */
int clock_begin(struct clock_instant *out);

/*
 * Finds the frequency once, at start. What is measured is measured since `began`: it waits only for
 * what is missing of 45 ms when it has to calibrate, else of 5 ms.
 * Returns 0, or -ENOTSUP where the two clocks do not move.
 */
int clock_init(const struct clock_instant *began, struct clock_info *out);
const char *clock_source_name(enum clock_source s);

/* Ticks since some point in the past; ordered after earlier loads (RDTSCP or LFENCE;RDTSC). */
uint64_t clock_ticks(void);

/* Nanoseconds of CLOCK_BOOTTIME, which the probes stamp with, of CLOCK_MONOTONIC, and of
 * CLOCK_REALTIME, which outlives a reboot. */
#define SECOND 1000000000ull /* in nanoseconds */

uint64_t clock_boot_ns(void);
uint64_t clock_monotonic_ns(void);
uint64_t clock_real_ns(void);

/* CLOCK_MONOTONIC as of the last tick of the kernel's timer (1 to 10 ms): for ages of a second and
 * more, at a fifth of the price. Never ahead of clock_monotonic_ns(). */
uint64_t clock_coarse_ns(void);

/* Ticks to nanoseconds in 128-bit arithmetic: exact to 1 ns, no wrap for any uint64_t of ticks
 * whose result fits 64 bits; saturates at UINT64_MAX. hz > 0. */
uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz);

#endif
