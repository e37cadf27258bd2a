// SPDX-License-Identifier: GPL-2.0-or-later
#include "clock.h"

#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#include "common/cleanup.h"

#define NS_PER_S     1000000000ull
#define CHECK_NS     5000000ull	 /* the short measurement that the other rungs are held against */
#define CALIBRATE_NS 45000000ull /* the long one, where all of them fell through */

#define CPUID_1_EDX_TSC		     (1u << 4)
#define CPUID_1_ECX_HYPERVISOR	     (1u << 31)
#define CPUID_80000007_EDX_INVARIANT (1u << 8)

#define SYSFS_BASE_FREQUENCY "/sys/devices/system/cpu/cpu0/cpufreq/base_frequency"

#ifndef BASE_FREQ
#define BASE_FREQ 0
#endif

static const char *const source_names[] = {
	[CLOCK_SOURCE_BUILD] = "build",		  [CLOCK_SOURCE_CPUID_15H] = "cpuid-15h",
	[CLOCK_SOURCE_HYPERVISOR] = "hypervisor", [CLOCK_SOURCE_SYSFS] = "sysfs",
	[CLOCK_SOURCE_CPUID_16H] = "cpuid-16h",	  [CLOCK_SOURCE_CALIBRATED] = "calibrated",
};
_Static_assert(sizeof(source_names) / sizeof(source_names[0]) == CLOCK_SOURCE_COUNT,
	       "every source has a name");

const char *clock_source_name(enum clock_source s)
{
	return s < CLOCK_SOURCE_COUNT ? source_names[s] : "unknown";
}

/* LFENCE;RDTSC rather than RDTSCP: every x86-64 has it, so there is nothing to find out first. */
uint64_t clock_ticks(void)
{
	_mm_lfence();
	return __rdtsc();
}

static uint64_t scale(uint64_t value, uint64_t num, uint64_t den)
{
	unsigned __int128 r = (unsigned __int128)value * num / den;

	return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz)
{
	return scale(ticks, NS_PER_S, hz);
}

/*
 * Intel processors whose leaf 15h gives the ratio but not the crystal: Intel SDM volume 3,
 * "Determining the Processor Base Frequency", and arch/x86/kernel/tsc.c of Linux 5.1.
 */
static const struct crystal {
	uint8_t model; /* of family 6 */
	uint32_t hz;
} crystals[] = {
	{0x4e, 24000000}, {0x5e, 24000000}, {0x8e, 24000000},
	{0x9e, 24000000}, {0x5c, 19200000}, {0x5f, 25000000},
};

static uint32_t crystal_of(uint32_t signature)
{
	uint8_t model = (uint8_t)((signature >> 12 & 0xf0) | (signature >> 4 & 0xf));

	if ((signature >> 8 & 0xf) != 6)
		return 0;
	for (size_t i = 0; i < sizeof(crystals) / sizeof(crystals[0]); i++)
		if (crystals[i].model == model)
			return crystals[i].hz;
	return 0;
}

static uint64_t rung_hz(const struct clock_facts *f, enum clock_source s)
{
	uint32_t crystal = f->crystal_hz ? f->crystal_hz : crystal_of(f->intel_signature);

	switch (s) {
	case CLOCK_SOURCE_BUILD:
		return f->build_hz;
	case CLOCK_SOURCE_CPUID_15H:
		return f->ratio_den ? scale(crystal, f->ratio_num, f->ratio_den) : 0;
	case CLOCK_SOURCE_HYPERVISOR:
		return f->hypervisor_khz * 1000ull;
	case CLOCK_SOURCE_SYSFS:
		return f->sysfs_khz * 1000ull;
	case CLOCK_SOURCE_CPUID_16H:
		return f->base_mhz * 1000000ull;
	default:
		return 0;
	}
}

static bool agrees(uint64_t hz, uint64_t measured_hz)
{
	uint64_t off = hz > measured_hz ? hz - measured_hz : measured_hz - hz;

	return off <= measured_hz / 100;
}

int clock_choose(const struct clock_facts *f, struct clock_info *out)
{
	for (int s = 0; s < CLOCK_SOURCE_CALIBRATED; s++) {
		uint64_t hz = rung_hz(f, (enum clock_source)s);

		if (hz && (s == CLOCK_SOURCE_BUILD || agrees(hz, f->measured_hz))) {
			*out = (struct clock_info){.hz = hz, .source = (enum clock_source)s};
			return 0;
		}
	}
	return -ENODATA;
}

/* The narrowest of some brackets: one that an interrupt or the hypervisor stretched loses. */
static struct clock_instant now(void)
{
	struct clock_instant best = {0, 0};
	uint64_t narrowest = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = clock_ticks(), width;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		width = clock_ticks() - before;
		if (width >= narrowest)
			continue;
		narrowest = width;
		best.ticks = before + width / 2;
		best.ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
	}
	return best;
}

/* TSC ticks per second of CLOCK_MONOTONIC_RAW, from `began` to now, but for at least ns. */
static uint64_t measure(const struct clock_instant *began, uint64_t ns)
{
	struct clock_instant end = now();

	if (end.ns - began->ns < ns) {
		struct timespec pause = {.tv_nsec = (long)(ns - (end.ns - began->ns))};

		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		end = now();
	}
	if (end.ns <= began->ns || end.ticks <= began->ticks)
		return 0;
	return scale(end.ticks - began->ticks, NS_PER_S, end.ns - began->ns);
}

static bool tsc_is_invariant(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(d & CPUID_1_EDX_TSC))
		return false;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & CPUID_80000007_EDX_INVARIANT);
}

static void ask_cpuid(struct clock_facts *f)
{
	unsigned int a, b, c, d, max;

	__cpuid(0, max, b, c, d);
	if (b == signature_INTEL_ebx && c == signature_INTEL_ecx && d == signature_INTEL_edx)
		__cpuid(1, f->intel_signature, b, c, d);
	if (max >= 0x15)
		__cpuid(0x15, f->ratio_den, f->ratio_num, f->crystal_hz, d);
	if (max >= 0x16)
		__cpuid(0x16, f->base_mhz, b, c, d);
	f->base_mhz &= 0xffff;
	__cpuid(1, a, b, c, d);
	if (!(c & CPUID_1_ECX_HYPERVISOR))
		return;
	__cpuid(0x40000000, max, b, c, d);
	if (max >= 0x40000010)
		__cpuid(0x40000010, f->hypervisor_khz, b, c, d);
}

static void ask_sysfs(struct clock_facts *f)
{
	_cleanup_fclose_ FILE *file = fopen(SYSFS_BASE_FREQUENCY, "re");

	if (!file || fscanf(file, "%" SCNu32, &f->sysfs_khz) != 1)
		f->sysfs_khz = 0;
}

int clock_begin(struct clock_instant *out)
{
	if (!tsc_is_invariant())
		return -ENOTSUP;
	*out = now();
	return 0;
}

int clock_init(const struct clock_instant *began, struct clock_info *out)
{
	struct clock_facts facts = {.build_hz = (uint64_t)BASE_FREQ};
	uint64_t hz;

	if (!clock_choose(&facts, out))
		return 0;
	ask_cpuid(&facts);
	ask_sysfs(&facts);
	facts.measured_hz = measure(began, CHECK_NS);
	if (!clock_choose(&facts, out))
		return 0;
	hz = measure(began, CALIBRATE_NS);
	if (!hz)
		return -ENOTSUP;
	*out = (struct clock_info){.hz = hz, .source = CLOCK_SOURCE_CALIBRATED};
	return 0;
}

static uint64_t read_ns(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return read_ns(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_coarse_ns(void)
{
	return read_ns(CLOCK_MONOTONIC_COARSE);
}

uint64_t clock_real_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}
