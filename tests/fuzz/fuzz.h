/* SPDX-License-Identifier: MIT
 *
 * A fuzz target is one file <name>_fuzz.c with this one function. It must survive any bytes: a crash, a sanitizer's report or a
 * failed fb_assert is a find. libFuzzer calls it (cmake preset fuzz, scripts/fuzz); run_corpus.c calls it for each file of
 * tests/fuzz/corpus/<name>/ in every build, as a test.
 */
#ifndef FB_TEST_FUZZ_H
#define FB_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
