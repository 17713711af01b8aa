/* SPDX-License-Identifier: MIT
 *
 * The lease of a laptop by a virtual clock: when it locks, what does not deceive it, which code unlocks it (faults D11, D12).
 */
#include <string.h>

#include "common/crm/lease.h"
#include "tests/lib/testlib.h"

#define DAY    (INT64_C(24) * 3600 * 1000)
#define NOW    (INT64_C(1796000000) * 1000)
#define DEVICE "01900000-0000-7000-8000-000000000001"

static struct fb_lease fresh(void)
{
    struct fb_lease l = {.secret = fb_sha256("a secret", 8, NULL, 0)};
    fb_lease_look(&l, NOW, "boot", 1000);
    fb_lease_renew(&l, NOW, FB_LEASE_MS);
    return l;
}

/* Headquarters' code for the day of now. */
static const char *code_of(const struct fb_lease *l, int64_t now_ms)
{
    static char code[FB_UNLOCK_CODE_SIZE];
    char day[FB_DAY_SIZE];
    fb_day_of(now_ms, day);
    fb_unlock_code_make(&l->secret, DEVICE, day, code);
    return code;
}

FB_TEST(a_silent_laptop_locks_after_fourteen_days_and_counts_them)
{
    struct fb_lease l = fresh();
    assert_int_equal(fb_lease_days_left(&l), 14);
    fb_lease_look(&l, NOW + 12 * DAY, "another start", 0);
    assert_int_equal(fb_lease_days_left(&l), FB_LEASE_LAST_DAYS);
    fb_lease_look(&l, NOW + 14 * DAY - 1, "another start", 10);
    assert_false(fb_lease_is_locked(&l));
    assert_int_equal(fb_lease_days_left(&l), 1);
    fb_lease_look(&l, NOW + 14 * DAY, "another start", 11);
    assert_true(fb_lease_is_locked(&l));
    fb_lease_renew(&l, NOW + 14 * DAY, FB_LEASE_MS);
    assert_int_equal(fb_lease_days_left(&l), 14);
}

FB_TEST(no_lease_never_locks)
{
    struct fb_lease l = {0};
    fb_lease_look(&l, NOW + 10000 * DAY, "boot", 1);
    assert_false(fb_lease_is_locked(&l));
    assert_int_equal(fb_lease_days_left(&l), -1);
    l = fresh();
    fb_lease_renew(&l, NOW, 0);
    assert_int_equal(fb_lease_days_left(&l), -1);
}

FB_TEST(a_clock_set_back_does_not_stop_the_lease)
{
    struct fb_lease l = fresh();
    for (int day = 1; day <= 14; day++) { /* set back each morning, while the computer runs on */
        assert_false(fb_lease_is_locked(&l));
        fb_lease_look(&l, NOW - 1000 * DAY, "boot", 1000 + day * DAY);
    }
    assert_true(fb_lease_is_locked(&l));
    fb_lease_look(&l, NOW - 2000 * DAY, "another start", 5);
    assert_true(fb_lease_is_locked(&l));
}

FB_TEST(a_clock_that_lost_its_battery_and_was_set_right_again_locks_nobody)
{
    struct fb_lease l = fresh();
    fb_lease_look(&l, 0, "second start", 10000);
    fb_lease_look(&l, NOW + DAY, "second start", 20000);
    assert_int_equal(fb_lease_days_left(&l), 13);
}

FB_TEST(a_clock_that_was_ahead_locks_until_headquarters_answers)
{
    struct fb_lease l = fresh();
    fb_lease_look(&l, NOW + 3650 * DAY, "boot", 2000);
    fb_lease_look(&l, NOW + 1, "boot", 3000);
    assert_true(fb_lease_is_locked(&l));
    fb_lease_renew(&l, NOW + 2, FB_LEASE_MS);
    assert_int_equal(fb_lease_days_left(&l), 14);
}

FB_TEST(the_code_of_the_day_unlocks_for_a_week_as_people_type_it)
{
    struct fb_lease l = fresh();
    struct fb_why why = {""};
    int64_t then_ms = NOW + 20 * DAY;
    char typed[40] = " ";
    fb_lease_look(&l, then_ms, "boot", 2000);
    for (const char *c = code_of(&l, then_ms); *c != '\0'; c++) {
        char small = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32
                            : *c == '0'            ? 'o'
                            : *c == '1'            ? 'l'
                                                   : *c);
        strncat(typed, &small, *c == '-' ? 0 : 1);
    }
    assert_int_equal(fb_lease_unlock(&l, DEVICE, typed, then_ms, &why), FB_OK);
    assert_int_equal(fb_lease_days_left(&l), 7);
    fb_lease_look(&l, then_ms + 7 * DAY, "boot", 3000);
    assert_true(fb_lease_is_locked(&l));
}

FB_TEST(a_code_is_of_one_device_and_one_day_and_works_once)
{
    struct fb_lease l = fresh();
    struct fb_why why = {""};
    char code[FB_UNLOCK_CODE_SIZE];
    int64_t then_ms = NOW + 20 * DAY;
    fb_lease_look(&l, then_ms, "boot", 2000);
    strcpy(code, code_of(&l, then_ms));
    assert_int_equal(
        fb_lease_unlock(&l, "01900000-0000-7000-8000-000000000002", code, then_ms, &why),
        FB_ERR_REFUSED);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, then_ms - 2 * DAY), then_ms, &why),
                     FB_ERR_REFUSED);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, then_ms + 2 * DAY), then_ms, &why),
                     FB_ERR_REFUSED);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code, then_ms, &why), FB_OK);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code, then_ms, &why), FB_ERR_REFUSED);
    /* Nor when the clock is set back to its day. */
    fb_lease_look(&l, then_ms + 30 * DAY, "boot", 3000);
    fb_lease_look(&l, then_ms, "boot", 4000);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code, then_ms, &why), FB_ERR_REFUSED);
    assert_true(fb_lease_is_locked(&l));
}

FB_TEST(after_five_wrong_codes_even_the_right_one_waits_an_hour)
{
    struct fb_lease l = fresh();
    struct fb_why why = {""};
    int64_t then_ms = NOW + 20 * DAY;
    char day[FB_DAY_SIZE];
    fb_day_of(then_ms, day);
    fb_lease_look(&l, then_ms, "boot", 2000);
    for (int i = 0; i < FB_UNLOCK_TRIES_MAX; i++) {
        assert_int_equal(
            fb_lease_unlock(&l, DEVICE, i % 2 == 0 ? "" : "AAAA-AAAA-AAAA", then_ms, &why),
            FB_ERR_REFUSED);
        assert_non_null(strstr(why.text, day));
    }
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, then_ms), then_ms, &why),
                     FB_ERR_REFUSED);
    assert_non_null(strstr(why.text, "60 minutes"));
    fb_lease_look(&l, then_ms - DAY, "boot",
                  2000 + FB_UNLOCK_WAIT_MS - 1); /* set back, to no avail */
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, then_ms), then_ms, &why),
                     FB_ERR_REFUSED);
    fb_lease_look(&l, then_ms, "boot", 2000 + FB_UNLOCK_WAIT_MS);
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, then_ms), then_ms, &why), FB_OK);
}

FB_TEST(a_laptop_without_a_secret_says_so)
{
    struct fb_lease l = fresh();
    struct fb_why why = {""};
    l.secret = (struct fb_sha256){{0}};
    assert_int_equal(fb_lease_unlock(&l, DEVICE, code_of(&l, NOW), NOW, &why), FB_ERR_REFUSED);
    assert_non_null(strstr(why.text, "older program"));
}

FB_MAIN(FB_CASE(a_silent_laptop_locks_after_fourteen_days_and_counts_them),
        FB_CASE(no_lease_never_locks), FB_CASE(a_clock_set_back_does_not_stop_the_lease),
        FB_CASE(a_clock_that_lost_its_battery_and_was_set_right_again_locks_nobody),
        FB_CASE(a_clock_that_was_ahead_locks_until_headquarters_answers),
        FB_CASE(the_code_of_the_day_unlocks_for_a_week_as_people_type_it),
        FB_CASE(a_code_is_of_one_device_and_one_day_and_works_once),
        FB_CASE(after_five_wrong_codes_even_the_right_one_waits_an_hour),
        FB_CASE(a_laptop_without_a_secret_says_so))
