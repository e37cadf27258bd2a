/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer is tests/fuzz/NAME.c with the function below, for clang's libFuzzer: it hands over
 * bytes, and keeps those that end the program or reach code that no other has reached. What must
 * hold for all bytes is stated by fuzz_expect(). tests/fuzz/corpus/NAME has bytes to begin with,
 * and those that once found a fault; NAME.dict words that are worth trying.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unless ok, prints what was expected and ends the program, which is a find. */
__attribute__((format(printf, 2, 3))) void fuzz_expect(bool ok, const char *format, ...);

/* What is wrong is told in one line that is not empty and cannot steer a terminal. */
void fuzz_expect_line(const char *text);

/* The bytes as a text, up to their first NUL if there is one; to be freed. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
