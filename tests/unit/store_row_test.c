/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_testing.h"

FB_TEST(a_row_comes_back_as_it_was_written)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_arena arena = {0};
    struct fb_row row;
    assert_int_equal(fb_row_new(entity(s, "company"), ID_A, &arena, &row), FB_OK);
    row.values[0] = fb_value_text("Acme");
    expect_ok(s, fb_row_write(s, &row));
    struct fb_row back;
    bool found = false;
    assert_int_equal(fb_row_read(s, entity(s, "company"), ID_A, &arena, &back, &found), FB_OK);
    assert_true(found);
    assert_string_equal(back.values[0].bytes, "Acme");
    fb_arena_release(&arena);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(a_row_comes_back_as_it_was_written))
