/* SPDX-License-Identifier: MIT */
#include "common/base/hex.h"
#include "common/base/mem.h"
#include "tests/lib/testlib.h"

static const uint8_t BYTES[] = {0x00, 0x0f, 0xa5, 0xff};

FB_TEST(bytes_come_back_as_they_were)
{
    char text[2 * sizeof BYTES + 1];
    uint8_t back[sizeof BYTES];
    fb_hex_write(BYTES, sizeof BYTES, text);
    assert_string_equal(text, "000fa5ff");
    assert_true(fb_hex_read(text, back, sizeof back));
    assert_memory_equal(back, BYTES, sizeof back);
    assert_true(fb_hex_read("000FA5ff", back, sizeof back));
    assert_memory_equal(back, BYTES, sizeof back);
}

FB_TEST(appending_writes_the_same)
{
    FB_AUTO(fb_buf_release) struct fb_buf buf;
    fb_buf_init(&buf, 100);
    fb_hex_append(&buf, BYTES, sizeof BYTES);
    assert_string_equal(fb_buf_text(&buf), "000fa5ff");
}

FB_TEST(what_is_no_digit_or_too_short_is_refused)
{
    uint8_t back[4];
    static const char *const WRONG[] = {"",         "0",        "000fa5f", "000fa5fg",
                                        " 00fa5ff", "+0-00x0f", "00 fa5ff"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        assert_false(fb_hex_read(WRONG[i], back, sizeof back));
    }
}

FB_MAIN(FB_CASE(bytes_come_back_as_they_were), FB_CASE(appending_writes_the_same),
        FB_CASE(what_is_no_digit_or_too_short_is_refused))
