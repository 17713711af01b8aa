/* SPDX-License-Identifier: MIT
 *
 * One-time passwords against the vectors of RFC 6238, appendix B, and what protects passwords from being guessed.
 */
#include <stdio.h>
#include <string.h>

#include "server/guard.h"
#include "server/login.h"
#include "server/totp.h"
#include "tests/lib/testlib.h"

static const uint8_t SECRET[] = "12345678901234567890"; /* the RFC's, for SHA-1 */
#define SECRET_SIZE (sizeof SECRET - 1)

FB_TEST(the_vectors_of_rfc_6238_come_out)
{
    static const struct {
        int64_t at_s;
        uint32_t code;
    } ROWS[] = {
        {59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
        {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_int_equal(fb_totp_code(SECRET, SECRET_SIZE, ROWS[i].at_s / 30, 8), ROWS[i].code);
    }
}

static bool is_right(int64_t step, int64_t now_ms, int64_t last_step, int64_t *ret_step)
{
    char code[16];
    snprintf(code, sizeof code, "%06u", fb_totp_code(SECRET, SECRET_SIZE, step, 6));
    return fb_totp_check(SECRET, SECRET_SIZE, code, now_ms, last_step, ret_step);
}

FB_TEST(a_code_is_good_one_step_early_or_late_and_once)
{
    int64_t now_ms = INT64_C(1234567890) * 1000;
    int64_t now = now_ms / FB_TOTP_STEP_MS;
    int64_t step = 0;
    assert_true(is_right(now, now_ms, 0, &step));
    assert_int_equal(step, now);
    assert_true(is_right(now - 1, now_ms, 0, &step));
    assert_true(is_right(now + 1, now_ms, 0, &step));
    assert_false(is_right(now - 2, now_ms, 0, &step));
    assert_false(is_right(now + 2, now_ms, 0, &step));
    assert_false(is_right(now, now_ms, now, &step));
    assert_false(is_right(now - 1, now_ms, now, &step));
    assert_true(is_right(now + 1, now_ms, now, &step));
    static const char *const WRONG[] = {"", "12345", "1234567", "12345a", " 12345", "-12345"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        assert_false(fb_totp_check(SECRET, SECRET_SIZE, WRONG[i], now_ms, 0, &step));
    }
}

FB_TEST(secrets_are_written_as_authenticators_read_them)
{
    char text[FB_TOTP_BASE32_SIZE];
    fb_totp_base32(SECRET, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

FB_TEST(guesses_wait_longer_and_longer_per_account)
{
    struct fb_guard *g = NULL;
    assert_int_equal(fb_guard_new(&g), FB_OK);
    char address[16];
    int64_t now_ms = 1000000;
    for (int i = 0; i < 5; i++) { /* from five addresses: it is the account that is attacked */
        snprintf(address, sizeof address, "10.0.0.%d", i);
        assert_int_equal(fb_guard_try(g, "eva", address, now_ms), 0);
    }
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms), 1);
    assert_int_equal(fb_guard_try(g, "ida", "10.0.0.9", now_ms), 0);
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms + 1000), 0);
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms + 1000), 2);
    now_ms += 1000;
    for (int i = 0; i < 12; i++) {
        now_ms += 60000;
        assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms), 0);
    }
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms), 60);
    now_ms += 60000;
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms), 0);
    fb_guard_right(g, "eva", "10.0.0.9");
    assert_int_equal(fb_guard_try(g, "eva", "10.0.0.9", now_ms), 0);
    fb_guard_free(g);
}

FB_TEST(guesses_wait_per_address_whatever_names_they_try)
{
    struct fb_guard *g = NULL;
    assert_int_equal(fb_guard_new(&g), FB_OK);
    char login[16];
    for (int i = 0; i < 20; i++) {
        snprintf(login, sizeof login, "user%d", i);
        assert_int_equal(fb_guard_try(g, login, "10.0.0.1", 1000), 0);
    }
    assert_int_equal(fb_guard_try(g, "user20", "10.0.0.1", 1000), 1);
    assert_int_equal(fb_guard_try(g, "user20", "10.0.0.2", 1000), 0);
    assert_int_equal(fb_guard_try(g, "user21", "10.0.0.1", 1000 + INT64_C(3700) * 1000),
                     0); /* forgiven */
    fb_guard_free(g);
}

FB_TEST(passwords_that_many_use_are_refused)
{
    static const char *const WEAK[] = {"short",          "12345678901",  "aaaaaaaaaaaaa",
                                       "Password1234",   "qwertyqwerty", "password2026!",
                                       "fieldbookfield", "lina-lina-12", "密码密码密码"};
    static const char *const GOOD[] = {"a pass phrase of some length", "correct horse battery",
                                       "一句很长很长的话就是好密码", "Zk7-wq9-Hn2-uu"};
    struct fb_why why;
    for (size_t i = 0; i < sizeof WEAK / sizeof *WEAK; i++) {
        if (fb_login_check_new_password(WEAK[i], "lina-lina", &why) == FB_OK) {
            fail_msg("%s was taken", WEAK[i]);
        }
    }
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        assert_int_equal(fb_login_check_new_password(GOOD[i], "lina-lina", &why), FB_OK);
    }
}

FB_MAIN(FB_CASE(the_vectors_of_rfc_6238_come_out),
        FB_CASE(a_code_is_good_one_step_early_or_late_and_once),
        FB_CASE(secrets_are_written_as_authenticators_read_them),
        FB_CASE(guesses_wait_longer_and_longer_per_account),
        FB_CASE(guesses_wait_per_address_whatever_names_they_try),
        FB_CASE(passwords_that_many_use_are_refused))
