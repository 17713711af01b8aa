/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "server/password.h"
#include "tests/lib/testlib.h"

FB_TEST(a_password_is_known_again_and_another_is_not)
{
    struct fb_random random = fb_random_system();
    char phc[FB_PASSWORD_PHC_SIZE];
    char other[FB_PASSWORD_PHC_SIZE];
    assert_int_equal(fb_password_hash("correct horse battery", &random, phc), FB_OK);
    assert_true(fb_password_verify(phc, "correct horse battery"));
    assert_false(fb_password_verify(phc, "correct horse batterY"));
    assert_false(fb_password_verify(phc, ""));
    assert_int_equal(fb_password_hash("correct horse battery", &random, other), FB_OK);
    assert_string_not_equal(phc, other);
    assert_false(fb_password_needs_rehash(phc));
}

FB_TEST(short_and_endless_passwords_are_refused)
{
    struct fb_random random = fb_random_system();
    char phc[FB_PASSWORD_PHC_SIZE];
    char endless[FB_PASSWORD_BYTES_MAX + 2];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(fb_password_hash("eleven char", &random, phc), FB_ERR_INVALID);
    assert_int_equal(fb_password_hash(endless, &random, phc), FB_ERR_INVALID);
}

FB_TEST(weaker_or_broken_strings_ask_for_a_new_hash_and_verify_nothing)
{
    assert_true(fb_password_needs_rehash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA"));
    assert_true(fb_password_needs_rehash("plain text"));
    assert_false(fb_password_verify("plain text", "plain text"));
    assert_false(fb_password_verify("$argon2id$v=19$m=65536,t=3,p=1$$", "x"));
}

FB_MAIN(FB_CASE(a_password_is_known_again_and_another_is_not),
        FB_CASE(short_and_endless_passwords_are_refused),
        FB_CASE(weaker_or_broken_strings_ask_for_a_new_hash_and_verify_nothing))
