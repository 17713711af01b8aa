/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "tests/unit/store_testing.h"

struct fixture {
    struct fb_store *s;
    const struct fb_entity *e;
    struct fb_arena arena;
};

static struct fixture begin(void)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    return (struct fixture){.s = s, .e = entity(s, "company")};
}

static void end(struct fixture *f)
{
    fb_arena_release(&f->arena);
    fb_store_close(f->s);
}

static struct fb_row new_row(struct fixture *f, const char *id)
{
    struct fb_row row;
    assert_int_equal(fb_row_new(f->e, id, &f->arena, &row), FB_OK);
    return row;
}

static struct fb_value *cell(struct fb_row *row, const char *name)
{
    return &row->values[fb_entity_field(row->entity, name)->index];
}

/* Every column filled, with what is hardest to keep. */
static struct fb_row hard_row(struct fixture *f, const char *id)
{
    struct fb_row row = new_row(f, id);
    *cell(&row, "name") = fb_value_text_n("a\0b\xFF\xC0\x80\xED\xA0\x80", 9);
    *cell(&row, "street") = fb_value_text("");
    *cell(&row, "city") = fb_value_text("\xE5\x8C\x97\xE4\xBA\xAC \"quoted\" \\ \n\t\x01");
    *cell(&row, "visits") = fb_value_int(INT64_MIN);
    *cell(&row, "status") = FB_VALUE_NULL;
    *cell(&row, "draft") = fb_value_text("{\"$hex\":\"00\"}");
    *cell(&row, "logo") = fb_value_blob("\0\xFF\x7F", 3);
    *cell(&row, "parent_id") = fb_value_text(ID_B);
    *cell(&row, "points") = fb_value_int(INT64_MAX);
    row.stamps[0] = fb_value_text("2026-01-02T03:04:05.678Z");
    row.stamps[1] = fb_value_text(ID_C);
    row.stamps[2] = FB_VALUE_NULL;
    row.stamps[3] = FB_VALUE_NULL;
    return row;
}

static void expect_equal(const struct fb_row *a, const struct fb_row *b)
{
    assert_string_equal(a->id, b->id);
    for (size_t i = 0; i < a->entity->field_count; i++) {
        if (!fb_value_equal(&a->values[i], &b->values[i])) {
            fail_msg("field %s differs", a->entity->fields[i].name);
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        assert_true(fb_value_equal(&a->stamps[i], &b->stamps[i]));
    }
}

static void expect_stored(struct fixture *f, const struct fb_row *row)
{
    struct fb_row back;
    bool found = false;
    expect_ok(f->s, fb_row_read(f->s, f->e, row->id, &f->arena, &back, &found));
    assert_true(found);
    expect_equal(&back, row);
}

FB_TEST(every_value_comes_back_byte_for_byte)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_insert(f.s, &row));
    expect_stored(&f, &row);
    end(&f);
}

FB_TEST(a_row_comes_back_from_json_byte_for_byte)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    struct fb_buf json;
    fb_buf_init(&json, 10000);
    fb_row_append_json(&json, &row);
    struct fb_row back;
    expect_ok(f.s, fb_row_from_json(f.e, ID_A, fb_buf_text(&json), json.size, &f.arena, &back));
    expect_equal(&back, &row);
    fb_buf_release(&json);
    end(&f);
}

FB_TEST(the_triggers_image_is_read_byte_for_byte)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_insert(f.s, &row));
    run(f.s, "DELETE FROM company");
    struct fb_sql *q = NULL;
    expect_ok(f.s, fb_sql_begin(f.s, "SELECT old FROM fb_journal WHERE op = 3", &q));
    assert_int_equal(fb_sql_step(q), FB_SQL_ROW);
    struct fb_value image = fb_sql_value(q, 0);
    struct fb_row back;
    expect_ok(f.s, fb_row_from_json(f.e, ID_A, image.bytes, image.size, &f.arena, &back));
    *cell(&row, "draft") =
        (struct fb_value){.type = FB_ABSENT}; /* stays on the device, so is in no image */
    memset(row.stamps, 0, sizeof row.stamps);
    expect_equal(&back, &row);
    fb_sql_end(q);
    end(&f);
}

FB_TEST(json_that_is_no_row_is_refused_and_unknown_names_are_ignored)
{
    static const char *const BAD[] = {"",
                                      "[]",
                                      "{",
                                      "{\"name\"}",
                                      "{\"name\":}",
                                      "{\"name\":1.5}",
                                      "{\"name\":\"x}",
                                      "{\"name\":\"\\q\"}",
                                      "{\"name\":\"\\u12\"}",
                                      "{\"name\":{\"$hex\":\"0\"}}",
                                      "{\"name\":{\"$hex\":\"0g\"}}",
                                      "{\"name\":{\"x\":1}}",
                                      "{\"name\":[1]}",
                                      "{\"visits\":9223372036854775808}",
                                      "{\"name\":1,}",
                                      "{\"name\":\"\\"};
    struct fixture f = begin();
    struct fb_row row;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        assert_int_equal(fb_row_from_json(f.e, ID_A, BAD[i], strlen(BAD[i]), &f.arena, &row),
                         FB_ERR_DAMAGED);
    }
    static const char GOOD[] =
        "{ \"no_such\" : [1, 2] , \"visits\" : -9223372036854775808, \"name\":\"\\uD83D\\uDE00\" }";
    expect_ok(f.s, fb_row_from_json(f.e, ID_A, GOOD, strlen(GOOD), &f.arena, &row));
    assert_true(cell(&row, "visits")->integer == INT64_MIN);
    assert_memory_equal(cell(&row, "name")->bytes, "\xF0\x9F\x98\x80", 4);
    assert_int_equal(cell(&row, "city")->type, FB_ABSENT);
    end(&f);
}

FB_TEST(writing_inserts_a_new_row_and_overwrites_an_old_one)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_write(f.s, &row));
    *cell(&row, "name") = fb_value_text("new");
    *cell(&row, "city") = FB_VALUE_NULL;
    expect_ok(f.s, fb_row_write(f.s, &row));
    expect_stored(&f, &row);
    assert_int_equal(ask(f.s, "SELECT count(*) FROM company"), 1);
    end(&f);
}

FB_TEST(an_absent_value_leaves_the_column_as_it_is)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_write(f.s, &row));
    struct fb_row partly = new_row(&f, ID_A);
    *cell(&partly, "name") = fb_value_text("new");
    partly.stamps[3] = fb_value_text(ID_B);
    expect_ok(f.s, fb_row_write(f.s, &partly));
    *cell(&row, "name") = fb_value_text("new");
    row.stamps[3] = fb_value_text(ID_B);
    expect_stored(&f, &row);
    struct fb_row nothing = new_row(&f, ID_A);
    expect_ok(f.s, fb_row_write(f.s, &nothing));
    expect_stored(&f, &row);
    end(&f);
}

FB_TEST(an_absent_value_of_a_new_row_is_null_or_the_default_of_what_must_be_filled)
{
    struct fixture f = begin();
    struct fb_row row = new_row(&f, ID_A);
    *cell(&row, "name") = fb_value_text("new");
    expect_ok(f.s, fb_row_write(f.s, &row));
    assert_int_equal(ask(f.s, "SELECT city IS NULL AND visits = 0 AND points = 0 FROM company"), 1);
    end(&f);
}

FB_TEST(a_second_insert_of_an_id_is_refused)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    struct fb_why why = {""};
    expect_ok(f.s, fb_row_insert(f.s, &row));
    assert_int_equal(fb_row_insert(f.s, &row), FB_ERR_CONSTRAINT);
    assert_int_equal(fb_store_error(f.s, &why), FB_ERR_CONSTRAINT);
    assert_non_null(strstr(why.text, "company.id"));
    end(&f);
}

FB_TEST(an_update_writes_the_fields_of_its_mask_and_no_other)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_write(f.s, &row));
    struct fb_row other = hard_row(&f, ID_A);
    for (size_t i = 0; i < f.e->field_count; i++) {
        uint64_t mask[FB_ROW_MASK_WORDS] = {0};
        mask[i / 64] |= (uint64_t)1 << (i % 64);
        struct fb_value v = f.e->fields[i].storage == FB_INT    ? fb_value_int((int64_t)i)
                            : f.e->fields[i].storage == FB_BLOB ? fb_value_blob("b", 1)
                                                                : fb_value_text("t");
        other.values[i] = v;
        expect_ok(f.s, fb_row_update(f.s, &other, mask, false));
        row.values[i] = v;
        expect_stored(&f, &row);
    }
    uint64_t none[FB_ROW_MASK_WORDS] = {0};
    other.stamps[2] = row.stamps[2] = fb_value_text("2027");
    expect_ok(f.s, fb_row_update(f.s, &other, none, true));
    expect_stored(&f, &row);
    end(&f);
}

FB_TEST(a_deleted_row_is_not_found)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    bool found = true;
    expect_ok(f.s, fb_row_write(f.s, &row));
    expect_ok(f.s, fb_row_exists(f.s, f.e, ID_A, &found));
    assert_true(found);
    expect_ok(f.s, fb_row_delete(f.s, f.e, ID_A));
    expect_ok(f.s, fb_row_exists(f.s, f.e, ID_A, &found));
    assert_false(found);
    expect_ok(f.s, fb_row_read(f.s, f.e, ID_A, &f.arena, &row, &found));
    assert_false(found);
    end(&f);
}

struct ids {
    char text[512];
    struct fixture *f;
};

static int take_id(void *ctx, const struct fb_row *row)
{
    struct ids *ids = ctx;
    strncat(ids->text, row->id + 35, 1);
    return FB_OK;
}

FB_TEST(a_scan_goes_in_the_order_of_ids_from_where_it_stopped)
{
    struct fixture f = begin();
    struct ids ids = {.text = ""};
    run_all(f.s, "INSERT INTO company (id, name) VALUES ('" ID_C "', 'x');"
                 "INSERT INTO company (id, name) VALUES ('" ID_A "', 'x');"
                 "INSERT INTO company (id, name, parent_id) VALUES ('" ID_B "', 'x', '" ID_A "');"
                 "INSERT INTO company (id, name, parent_id) VALUES ('" ID_D "', 'x', '" ID_A "')");
    expect_ok(f.s, fb_row_scan(f.s, f.e, "", 2, take_id, &ids));
    assert_string_equal(ids.text, "ab");
    expect_ok(f.s, fb_row_scan(f.s, f.e, ID_B, INT64_MAX, take_id, &ids));
    assert_string_equal(ids.text, "abcd");
    expect_ok(f.s,
              fb_row_scan_by(f.s, f.e, fb_entity_field(f.e, "parent_id"), ID_A, take_id, &ids));
    assert_string_equal(ids.text, "abcdbd");
    end(&f);
}

/* Looks up and scans the same entity again, while its scan stands. */
static int look_again(void *ctx, const struct fb_row *row)
{
    struct ids *ids = ctx;
    struct fb_row same;
    bool found = false;
    expect_ok(ids->f->s,
              fb_row_read(ids->f->s, row->entity, row->id, &ids->f->arena, &same, &found));
    assert_true(found);
    expect_equal(row, &same);
    return fb_row_scan(ids->f->s, row->entity, "", 10, take_id, ids);
}

FB_TEST(a_scan_may_read_its_own_table)
{
    struct fixture f = begin();
    struct ids ids = {.text = "", .f = &f};
    run_all(f.s, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'x');"
                 "INSERT INTO company (id, name) VALUES ('" ID_B "', 'y')");
    expect_ok(f.s, fb_row_scan(f.s, f.e, "", 10, look_again, &ids));
    assert_string_equal(ids.text, "abab");
    end(&f);
}

static int say_no(void *ctx, const struct fb_row *row)
{
    (void)ctx;
    (void)row;
    return FB_ERR_INTERRUPTED;
}

FB_TEST(a_callback_that_says_no_ends_the_scan)
{
    struct fixture f = begin();
    run(f.s, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'x')");
    assert_int_equal(fb_row_scan(f.s, f.e, "", 10, say_no, NULL), FB_ERR_INTERRUPTED);
    end(&f);
}

FB_TEST(equal_rows_have_equal_digests_and_every_field_counts)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    struct fb_row stored;
    struct fb_digest a;
    struct fb_digest b;
    bool found = false;
    expect_ok(f.s, fb_row_write(f.s, &row));
    expect_ok(f.s, fb_row_read(f.s, f.e, ID_A, &f.arena, &stored, &found));
    expect_ok(f.s, fb_row_digest(&row, &a));
    expect_ok(f.s, fb_row_digest(&stored, &b));
    assert_true(fb_digest_equal(&a, &b));
    *cell(&row, "visits") = fb_value_int(0);
    expect_ok(f.s, fb_row_digest(&row, &b));
    assert_false(fb_digest_equal(&a, &b));
    end(&f);
}

FB_TEST(applied_rows_are_not_captured_and_typed_ones_are)
{
    struct fixture f = begin();
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_store_begin(f.s));
    fb_store_capture(f.s, false);
    expect_ok(f.s, fb_row_write(f.s, &row));
    run(f.s, "UPDATE company SET name = 'y'");
    expect_ok(f.s, fb_store_commit(f.s));
    assert_int_equal(ask(f.s, "SELECT count(*) FROM fb_journal"), 0);
    expect_ok(f.s, fb_store_begin(f.s));
    expect_ok(f.s, fb_row_write(f.s, &row));
    expect_ok(f.s, fb_store_commit(f.s));
    assert_true(ask(f.s, "SELECT count(*) FROM fb_journal") > 0);
    end(&f);
}

FB_TEST(capture_can_be_switched_inside_a_transaction)
{
    struct fixture f = begin();
    expect_ok(f.s, fb_store_begin(f.s));
    for (int i = 0; i < 6; i++) {
        struct fb_row row = new_row(&f, ID_A);
        *cell(&row, "name") = fb_value_text(i % 2 == 0 ? "even" : "odd");
        fb_store_capture(f.s, i % 2 == 0);
        expect_ok(f.s, fb_row_write(f.s, &row));
    }
    expect_ok(f.s, fb_store_commit(f.s));
    /* 0 inserts, 2 and 4 change "odd" to "even" */
    assert_int_equal(ask(f.s, "SELECT count(*) FROM fb_journal WHERE op = 1"), 1);
    assert_int_equal(ask(f.s, "SELECT count(*) FROM fb_journal WHERE op = 2 AND old = 'odd'"), 2);
    assert_int_equal(ask(f.s, "SELECT count(*) FROM fb_journal"), 3);
    end(&f);
}

FB_TEST(a_bulk_load_gives_the_indexes_back)
{
    struct fixture f = begin();
    int64_t indexes =
        ask(f.s, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL");
    expect_ok(f.s, fb_store_begin(f.s));
    fb_store_capture(f.s, false);
    expect_ok(f.s, fb_row_bulk_begin(f.s));
    assert_true(
        ask(f.s, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL") <
        indexes);
    struct fb_row row = hard_row(&f, ID_A);
    expect_ok(f.s, fb_row_insert(f.s, &row));
    expect_ok(f.s, fb_row_bulk_end(f.s));
    expect_ok(f.s, fb_store_commit(f.s));
    assert_int_equal(
        ask(f.s, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"),
        indexes);
    expect_stored(&f, &row);
    end(&f);
}

FB_TEST(a_value_beyond_sixteen_megabytes_is_refused_with_its_remedy)
{
    struct fixture f = begin();
    struct fb_row row = new_row(&f, ID_A);
    size_t size = 17 * 1024 * 1024;
    char *bytes = calloc(1, size);
    struct fb_why why = {""};
    *cell(&row, "name") = fb_value_text_n(bytes, size);
    assert_int_equal(fb_row_write(f.s, &row), FB_ERR_LIMIT);
    assert_int_equal(fb_store_error(f.s, &why), FB_ERR_LIMIT);
    assert_non_null(strstr(why.text, "shorten"));
    free(bytes);
    end(&f);
}

FB_TEST(many_texts_of_statements_do_not_pile_up)
{
    struct fixture f = begin();
    for (int i = 0; i < 2000; i++) {
        char text[64];
        snprintf(text, sizeof text, "SELECT %d", i);
        assert_int_equal(ask(f.s, text), i);
    }
    end(&f);
}

FB_MAIN(FB_CASE(every_value_comes_back_byte_for_byte),
        FB_CASE(a_row_comes_back_from_json_byte_for_byte),
        FB_CASE(the_triggers_image_is_read_byte_for_byte),
        FB_CASE(json_that_is_no_row_is_refused_and_unknown_names_are_ignored),
        FB_CASE(writing_inserts_a_new_row_and_overwrites_an_old_one),
        FB_CASE(an_absent_value_leaves_the_column_as_it_is),
        FB_CASE(an_absent_value_of_a_new_row_is_null_or_the_default_of_what_must_be_filled),
        FB_CASE(a_second_insert_of_an_id_is_refused),
        FB_CASE(an_update_writes_the_fields_of_its_mask_and_no_other),
        FB_CASE(a_deleted_row_is_not_found),
        FB_CASE(a_scan_goes_in_the_order_of_ids_from_where_it_stopped),
        FB_CASE(a_scan_may_read_its_own_table), FB_CASE(a_callback_that_says_no_ends_the_scan),
        FB_CASE(equal_rows_have_equal_digests_and_every_field_counts),
        FB_CASE(applied_rows_are_not_captured_and_typed_ones_are),
        FB_CASE(capture_can_be_switched_inside_a_transaction),
        FB_CASE(a_bulk_load_gives_the_indexes_back),
        FB_CASE(a_value_beyond_sixteen_megabytes_is_refused_with_its_remedy),
        FB_CASE(many_texts_of_statements_do_not_pile_up))
