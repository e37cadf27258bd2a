/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <time.h>

#include "expect.h"
#include "fw/clock.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define SKYLAKE	 0x506e3 /* family 6, model 5eh */
#define ICE_LAKE 0x606a6
#define GOLDMONT 0x506c9

struct row {
	const char *name;
	struct clock_facts facts;
	int ret;
	struct clock_info want;
};

static const struct row rows[] = {
	{"nothing is known", {.measured_hz = 2600000000}, -ENODATA, {0, 0}},
	{"the build's word is not doubted",
	 {.build_hz = 1000, .measured_hz = 2600000000},
	 0,
	 {1000, CLOCK_SOURCE_BUILD}},
	{"the build needs no measurement",
	 {.build_hz = 2600000000},
	 0,
	 {2600000000, CLOCK_SOURCE_BUILD}},
	{"ratio and crystal",
	 {.ratio_den = 2, .ratio_num = 216, .crystal_hz = 24000000, .measured_hz = 2592100000},
	 0,
	 {2592000000, CLOCK_SOURCE_CPUID_15H}},
	{"ratio, and a processor with a known crystal",
	 {.ratio_den = 2, .ratio_num = 284, .intel_signature = SKYLAKE, .measured_hz = 3408000000},
	 0,
	 {3408000000, CLOCK_SOURCE_CPUID_15H}},
	{"another known crystal",
	 {.ratio_den = 3, .ratio_num = 171, .intel_signature = GOLDMONT, .measured_hz = 1094400000},
	 0,
	 {1094400000, CLOCK_SOURCE_CPUID_15H}},
	{"ratio without a crystal",
	 {.ratio_den = 2, .ratio_num = 216, .intel_signature = ICE_LAKE, .measured_hz = 2600000000},
	 -ENODATA,
	 {0, 0}},
	{"a denominator of 0",
	 {.ratio_num = 216, .crystal_hz = 24000000, .measured_hz = 2592000000},
	 -ENODATA,
	 {0, 0}},
	{"ratio before hypervisor before sysfs before base frequency",
	 {.ratio_den = 2,
	  .ratio_num = 216,
	  .crystal_hz = 24000000,
	  .hypervisor_khz = 2592001,
	  .sysfs_khz = 2592002,
	  .base_mhz = 2593,
	  .measured_hz = 2592000000},
	 0,
	 {2592000000, CLOCK_SOURCE_CPUID_15H}},
	{"a rung that is off is passed by",
	 {.ratio_den = 2,
	  .ratio_num = 216,
	  .crystal_hz = 25000000,
	  .hypervisor_khz = 2592001,
	  .sysfs_khz = 2592002,
	  .measured_hz = 2592000000},
	 0,
	 {2592001000, CLOCK_SOURCE_HYPERVISOR}},
	{"sysfs",
	 {.sysfs_khz = 2600000, .base_mhz = 2600, .measured_hz = 2600000000},
	 0,
	 {2600000000, CLOCK_SOURCE_SYSFS}},
	{"base frequency",
	 {.sysfs_khz = 800000, .base_mhz = 2600, .measured_hz = 2599998000},
	 0,
	 {2600000000, CLOCK_SOURCE_CPUID_16H}},
	{"one per cent too fast is near enough",
	 {.base_mhz = 2020, .measured_hz = 2000000000},
	 0,
	 {2020000000, CLOCK_SOURCE_CPUID_16H}},
	{"one per cent too slow is near enough",
	 {.base_mhz = 1980, .measured_hz = 2000000000},
	 0,
	 {1980000000, CLOCK_SOURCE_CPUID_16H}},
	{"more is not", {.base_mhz = 2021, .measured_hz = 2000000000}, -ENODATA, {0, 0}},
	{"less is not", {.base_mhz = 1979, .measured_hz = 2000000000}, -ENODATA, {0, 0}},
	{"without a measurement nothing is believed", {.base_mhz = 2600}, -ENODATA, {0, 0}},
};

static void ladder_is_climbed_in_order(void)
{
	for (size_t i = 0; i < N(rows); i++) {
		struct clock_info got = {.hz = 7, .source = CLOCK_SOURCE_COUNT};
		struct clock_info want = rows[i].ret ? got : rows[i].want;

		expect_int(rows[i].name, clock_choose(&rows[i].facts, &got), rows[i].ret);
		expect_int(rows[i].name, (long long)got.hz, (long long)want.hz);
		expect_text(rows[i].name, clock_source_name(got.source),
			    clock_source_name(want.source));
	}
}

static void ticks_become_nanoseconds(void)
{
	static const struct {
		uint64_t ticks, hz, ns;
	} cases[] = {
		{0, 2600000000, 0},
		{1, 2600000000, 0},
		{26, 2600000000, 10},
		{2600000000, 2600000000, 1000000000},
		{7, 3, 2333333333},
		/* ticks * 10^9 passes 2^64 after 7 s, ticks * 10^6 after two hours */
		{2600000000ull * 86400 * 365, 2600000000, 86400ull * 365 * 1000000000},
		{UINT64_MAX, 1000000000, UINT64_MAX},
		{UINT64_MAX, 2000000000, UINT64_MAX / 2},
		{UINT64_MAX, 999999999, UINT64_MAX},
		{UINT64_MAX, 1, UINT64_MAX},
	};

	for (size_t i = 0; i < N(cases); i++) {
		uint64_t ns = clock_ticks_to_ns(cases[i].ticks, cases[i].hz);

		expect(ns == cases[i].ns, "case %zu: got %llu", i, (unsigned long long)ns);
	}
}

static uint64_t monotonic_raw(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* How much time goes by for us, in per mille, while 20 ms go by for the kernel. */
static uint64_t permille_told(uint64_t hz)
{
	uint64_t start = monotonic_raw(), ticks = clock_ticks(), ns;

	do
		ns = monotonic_raw() - start;
	while (ns < 20000000);
	return clock_ticks_to_ns(clock_ticks() - ticks, hz) * 1000 / ns;
}

/* Some tries, for a test may be scheduled away between two readings. */
static void frequency_is_that_of_this_machine(void)
{
	struct clock_instant began;
	struct clock_info info;
	uint64_t told = 0;

	if (clock_begin(&began) == -ENOTSUP)
		return;
	CU_ASSERT_EQUAL_FATAL(clock_init(&began, &info), 0);
	for (int i = 0; i < 5 && (told < 985 || told > 1015); i++)
		told = permille_told(info.hz);
	expect(told >= 985 && told <= 1015, "%s: %llu per mille", clock_source_name(info.source),
	       (unsigned long long)told);
}

static void ticks_do_not_run_backwards(void)
{
	uint64_t before = clock_ticks();

	for (int i = 0; i < 100000; i++) {
		uint64_t ticks = clock_ticks();

		CU_ASSERT_FATAL(ticks >= before);
		before = ticks;
	}
}

static const struct unit_test tests[] = {
	{"ladder is climbed in order", ladder_is_climbed_in_order},
	{"ticks become nanoseconds", ticks_become_nanoseconds},
	{"frequency is that of this machine", frequency_is_that_of_this_machine},
	{"ticks do not run backwards", ticks_do_not_run_backwards},
};
UNIT_SUITE("fw/clock", tests)
