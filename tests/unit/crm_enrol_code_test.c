/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/id.h"
#include "common/crm/enrol_code.h"
#include "tests/lib/testlib.h"

static struct fb_enrol_code make_code(uint64_t seed)
{
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, seed);
    struct fb_enrol_code code;
    random.fill(random.ctx, &code, sizeof code);
    return code;
}

FB_TEST(a_code_reads_back_however_a_person_writes_it)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fb_enrol_code code = make_code(seed);
        struct fb_enrol_code again;
        char text[FB_ENROL_CODE_SIZE];
        fb_enrol_code_format(&code, text);
        assert_int_equal(strlen(text), FB_ENROL_CODE_SIZE - 1);
        for (char *p = text; *p != '\0'; p++) {
            *p = *p == '-' ? ' ' : *p == '0' ? 'o' : *p == '1' ? 'l' : *p;
        }
        assert_int_equal(fb_enrol_code_parse(text, &again, NULL), FB_OK);
        assert_memory_equal(&code, &again, sizeof code);
    }
}

FB_TEST(a_mistyped_character_is_nearly_always_noticed)
{
    int noticed = 0;
    int tried = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct fb_enrol_code code = make_code(seed);
        struct fb_enrol_code again;
        char text[FB_ENROL_CODE_SIZE];
        fb_enrol_code_format(&code, text);
        size_t at = seed % 12 * 5;
        text[at] = text[at] == 'A' ? 'B' : 'A';
        tried++;
        noticed += fb_enrol_code_parse(text, &again, NULL) == FB_ERR_INVALID;
    }
    assert_true(noticed > tried * 85 / 100);
}

FB_TEST(what_is_no_code_is_refused_with_a_sentence)
{
    static const char *const WRONG[] = {"", "hello", "AAAA-BBBB", "名"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct fb_enrol_code code;
        struct fb_why why = {""};
        assert_int_equal(fb_enrol_code_parse(WRONG[i], &code, &why), FB_ERR_INVALID);
        assert_non_null(strstr(why.text, "`invite`"));
    }
}

FB_MAIN(FB_CASE(a_code_reads_back_however_a_person_writes_it),
        FB_CASE(a_mistyped_character_is_nearly_always_noticed),
        FB_CASE(what_is_no_code_is_refused_with_a_sentence))
