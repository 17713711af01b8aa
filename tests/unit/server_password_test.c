/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/os.h"
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

/* The last test: from here on this process has a pepper. */
FB_TEST(a_pepper_beside_the_database_goes_into_every_new_hash)
{
    struct fb_random random = fb_random_system();
    struct fb_why why = {""};
    char plain[FB_PASSWORD_PHC_SIZE];
    char peppered[FB_PASSWORD_PHC_SIZE];
    char folder[] = "/tmp/fb-pepper-XXXXXX";
    char path[64];
    bool is_outdated = false;
    assert_int_equal(fb_password_hash("correct horse battery", &random, plain), FB_OK);
    assert_int_equal(fb_password_check("correct horse battery", "p1$argon2id$", &is_outdated),
                     FB_ERR_DAMAGED);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tls", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(fb_password_load_pepper(folder, &random, &why), FB_OK);
    assert_int_equal(fb_password_load_pepper(folder, &random, &why), FB_OK);
    assert_int_equal(fb_password_hash("correct horse battery", &random, peppered), FB_OK);
    assert_int_equal(strncmp(peppered, "p1$argon2id$", 12), 0);
    assert_int_equal(fb_password_check("correct horse battery", peppered, &is_outdated), FB_OK);
    assert_false(is_outdated);
    assert_int_equal(fb_password_check("correct horse", peppered, &is_outdated), FB_ERR_REFUSED);
    /* Without the pepper the hash is of nothing one could guess. */
    assert_int_equal(fb_password_check("correct horse battery", peppered + 2, &is_outdated),
                     FB_ERR_REFUSED);
    assert_int_equal(fb_password_check("correct horse battery", plain, &is_outdated), FB_OK);
    assert_true(is_outdated);
    snprintf(path, sizeof path, "%s/tls/pepper", folder);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(fb_password_load_pepper(folder, &random, &why), FB_ERR_CONFIG);
    assert_int_equal(fb_os_remove_folder(folder, &why), FB_OK);
}

FB_MAIN(FB_CASE(a_password_is_known_again_and_another_is_not),
        FB_CASE(endless_passwords_are_refused_and_not_hashed),
        FB_CASE(an_unknown_login_is_refused_like_a_wrong_password),
        FB_CASE(what_is_no_hash_of_ours_verifies_nothing),
        FB_CASE(a_pepper_beside_the_database_goes_into_every_new_hash))
