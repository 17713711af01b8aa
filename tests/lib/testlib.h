/* SPDX-License-Identifier: MIT
 *
 * What tests share: a folder of one's own, and cmocka with names that read like promises.
 *
 *     FB_TEST(server_value_stands_when_both_changed_the_credit_limit) { ... }
 *     FB_MAIN(FB_CASE(server_value_stands_when_both_changed_the_credit_limit))
 *
 * A program runs all its tests, or those that its argument names ("server_value_*").
 */
#ifndef FB_TESTLIB_H
#define FB_TESTLIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FB_TEST(name) static void name(void **cmocka_state __attribute__((unused)))
#define FB_CASE(name) cmocka_unit_test(name)
#define FB_MAIN(...)                                                                               \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        const struct CMUnitTest cases[] = {__VA_ARGS__};                                           \
        cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);                                         \
        return cmocka_run_group_tests(cases, NULL, NULL);                                          \
    }

/* A new empty folder under the system's temporary folder, removed with its contents when the
 * program ends. */
const char *fb_test_folder(void);
/* A path inside it; one of sixteen rotating buffers. */
const char *fb_test_path(const char *name);

#endif
