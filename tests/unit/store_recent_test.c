/* SPDX-License-Identifier: MIT */
#include "common/base/limits.h"
#include "common/store/recent.h"
#include "tests/unit/store_testing.h"

struct fixture {
    struct fb_store *s;
    const struct fb_entity *e;
    struct fb_recent *recent;
    struct fb_arena arena;
};

static struct fixture begin(void)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    struct fixture f = {.s = s, .e = entity(s, "company")};
    expect_ok(s, fb_recent_new(&f.recent));
    fb_store_set_recent(s, f.recent);
    return f;
}

static void end(struct fixture *f)
{
    fb_arena_release(&f->arena);
    fb_store_set_recent(f->s, NULL);
    fb_recent_free(f->recent);
    fb_store_close(f->s);
}

static struct fb_row named(struct fixture *f, const char *id, const char *name)
{
    struct fb_row row;
    assert_int_equal(fb_row_new(f->e, id, &f->arena, &row), FB_OK);
    row.values[fb_entity_field(f->e, "name")->index] = fb_value_text(name);
    return row;
}

/* "a b": the last characters of what was taken; "?": not complete. */
static const char *taken(struct fixture *f)
{
    static char text[200];
    struct fb_recent_row *rows = NULL;
    size_t count = 0;
    bool is_complete = false;
    fb_recent_take(f->recent, &rows, &count, &is_complete);
    text[0] = '\0';
    for (size_t i = 0; i < count && i < 20; i++) {
        assert_int_equal(rows[i].entity_no, f->e->no);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c", i > 0 ? " " : "",
                 rows[i].id[FB_ROW_ID_SIZE - 2]);
    }
    free(rows);
    return is_complete ? text : "?";
}

static char last(const char *id)
{
    return id[FB_ROW_ID_SIZE - 2];
}

FB_TEST(first_call_knows_nothing_of_before)
{
    struct fixture f = begin();
    assert_string_equal(taken(&f), "?");
    assert_string_equal(taken(&f), "");
    end(&f);
}

FB_TEST(inserts_updates_and_deletes_count_once_they_are_committed)
{
    struct fixture f = begin();
    char expected[8];
    taken(&f);
    struct fb_row a = named(&f, ID_A, "one");
    struct fb_row b = named(&f, ID_B, "two");
    expect_ok(f.s, fb_store_begin(f.s));
    fb_store_capture(f.s, false);
    expect_ok(f.s, fb_row_insert(f.s, &a));
    expect_ok(f.s, fb_row_write(f.s, &b));
    assert_string_equal(taken(&f), ""); /* a reader could not see them yet */
    expect_ok(f.s, fb_store_commit(f.s));
    snprintf(expected, sizeof expected, "%c %c", last(ID_A), last(ID_B));
    assert_string_equal(taken(&f), expected);
    expect_ok(f.s, fb_store_begin(f.s));
    fb_store_capture(f.s, false);
    expect_ok(f.s, fb_row_delete(f.s, f.e, ID_B));
    expect_ok(f.s, fb_store_commit(f.s));
    snprintf(expected, sizeof expected, "%c", last(ID_B));
    assert_string_equal(taken(&f), expected);
    end(&f);
}

FB_TEST(what_was_rolled_back_never_happened)
{
    struct fixture f = begin();
    taken(&f);
    struct fb_row a = named(&f, ID_A, "one");
    expect_ok(f.s, fb_store_begin(f.s));
    expect_ok(f.s, fb_row_insert(f.s, &a));
    fb_store_rollback(f.s);
    assert_string_equal(taken(&f), "");
    end(&f);
}

FB_TEST(more_than_fits_says_so_once)
{
    struct fixture f = begin();
    taken(&f);
    expect_ok(f.s, fb_store_begin(f.s));
    for (int i = 0; i <= FB_RECENT_ROWS_MAX; i++) {
        fb_recent_note(f.s, f.e->no, ID_A);
    }
    expect_ok(f.s, fb_store_commit(f.s));
    expect_ok(f.s, fb_store_begin(f.s));
    fb_recent_note(f.s, f.e->no, ID_B);
    expect_ok(f.s, fb_store_commit(f.s));
    assert_string_equal(taken(&f), "?");
    assert_string_equal(taken(&f), "");
    end(&f);
}

FB_MAIN(FB_CASE(first_call_knows_nothing_of_before),
        FB_CASE(inserts_updates_and_deletes_count_once_they_are_committed),
        FB_CASE(what_was_rolled_back_never_happened), FB_CASE(more_than_fits_says_so_once))
