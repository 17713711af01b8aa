/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "server/password.h"
#include "tests/lib/testlib.h"

FB_TEST(a_password_is_known_again_and_another_is_not)
{
    struct fb_random random = fb_random_system();
    char phc[FB_PASSWORD_PHC_SIZE];
    char other[FB_PASSWORD_PHC_SIZE];
    bool is_outdated = true;
    assert_int_equal(fb_password_hash("correct horse battery", &random, phc), FB_OK);
    assert_int_equal(fb_password_check("correct horse battery", phc, &is_outdated), FB_OK);
    assert_false(is_outdated);
    assert_int_equal(fb_password_check("correct horse batterY", phc, &is_outdated), FB_ERR_REFUSED);
    assert_int_equal(fb_password_check("", phc, &is_outdated), FB_ERR_REFUSED);
    assert_int_equal(fb_password_hash("correct horse battery", &random, other), FB_OK);
    assert_string_not_equal(phc, other);
}

FB_TEST(endless_passwords_are_refused_and_not_hashed)
{
    struct fb_random random = fb_random_system();
    char phc[FB_PASSWORD_PHC_SIZE];
    char endless[FB_PASSWORD_BYTES_MAX + 2];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(fb_password_hash(endless, &random, phc), FB_ERR_LIMIT);
}

FB_TEST(an_unknown_login_is_refused_like_a_wrong_password)
{
    bool is_outdated;
    assert_int_equal(fb_password_check("whatever it was", NULL, &is_outdated), FB_ERR_REFUSED);
}

FB_TEST(what_is_no_hash_of_ours_verifies_nothing)
{
    bool is_outdated;
    static const char *const BROKEN[] = {
        "plain text", "$argon2id$v=19$m=65536,t=3,p=1$$", "",
        "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$AAAA"};
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        assert_int_equal(fb_password_check("plain text", BROKEN[i], &is_outdated), FB_ERR_DAMAGED);
    }
}

FB_MAIN(FB_CASE(a_password_is_known_again_and_another_is_not),
        FB_CASE(endless_passwords_are_refused_and_not_hashed),
        FB_CASE(an_unknown_login_is_refused_like_a_wrong_password),
        FB_CASE(what_is_no_hash_of_ours_verifies_nothing))
