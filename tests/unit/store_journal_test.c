/* SPDX-License-Identifier: MIT
 *
 * What the triggers wrote, added up. A change is written as
 *
 *     company a update name:Acme>Beta visits:1>3[1>2 2>3]
 *
 * entity, last letter of the id, what happened, per field base>mine and the steps; "-" is absent,
 * "~" null.
 */
#include "common/base/planted.h"
#include "tests/unit/store_testing.h"

#define INSERT_A "INSERT INTO company (id, name, visits) VALUES ('" ID_A "', 'Acme', 1)"
#define WHERE_A  " WHERE id = '" ID_A "'"

static void append_value(struct fb_buf *out, const struct fb_value *v)
{
    switch (v->type) {
    case FB_ABSENT:
        fb_buf_append_text(out, "-");
        break;
    case FB_NULL:
        fb_buf_append_text(out, "~");
        break;
    case FB_INT:
        fb_buf_printf(out, "%lld", (long long)v->integer);
        break;
    default:
        fb_buf_append(out, v->bytes, v->size);
    }
}

static void append_field(struct fb_buf *out, const struct fb_entity *e,
                         const struct fb_field_change *c)
{
    fb_buf_printf(out, " %s:", fb_entity_field_no(e, c->field_no)->name);
    append_value(out, &c->base);
    fb_buf_append_text(out, ">");
    append_value(out, &c->mine);
    for (size_t i = 0; i < c->step_count; i++) {
        fb_buf_append_text(out, i == 0 ? "[" : " ");
        append_value(out, &c->steps[i].from);
        fb_buf_append_text(out, ">");
        append_value(out, &c->steps[i].to);
    }
    fb_buf_append_text(out, c->step_count > 0 ? "]" : "");
}

struct telling {
    struct fb_store *store;
    struct fb_buf text;
};

static int tell(void *ctx, const struct fb_change *change)
{
    static const char *const OPS[] = {"named", "insert", "update", "delete"};
    struct telling *t = ctx;
    const struct fb_entity *e =
        fb_catalogue_entity_no(fb_store_catalogue(t->store), change->entity_no);
    fb_buf_printf(&t->text, "%s%s %c %s", t->text.size > 0 ? "\n" : "", e->name, change->row_id[35],
                  OPS[change->op]);
    for (size_t i = 0; i < change->field_count; i++) {
        const struct fb_field_change *c = &change->fields[i];
        if (change->op == FB_CHANGE_UPDATE || !fb_value_is_empty(&c->base) ||
            !fb_value_is_empty(&c->mine)) {
            append_field(&t->text, e, c);
        }
    }
    return FB_OK;
}

static void expect_changes(struct fb_store *s, const char *expected)
{
    struct telling t = {.store = s};
    fb_buf_init(&t.text, 1024 * 1024);
    expect_ok(s, fb_store_begin(s));
    expect_ok(s, fb_journal_each(s, tell, &t));
    fb_store_rollback(s);
    assert_string_equal(fb_buf_text(&t.text), expected);
    fb_buf_release(&t.text);
}

/* A company that stood there at the last freeze. */
static struct fb_store *store_with_company(void)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    run(s, INSERT_A);
    expect_ok(s, fb_journal_clear(s));
    return s;
}

static void expect_story(const char *sql, const char *expected)
{
    struct fb_store *s = store_with_company();
    run_all(s, sql);
    expect_changes(s, expected);
    fb_store_close(s);
}

FB_TEST(an_edit_carries_the_value_its_author_saw_and_the_one_he_wrote)
{
    expect_story("UPDATE company SET name = 'Beta'" WHERE_A, "company a update name:Acme>Beta");
}

FB_TEST(several_edits_of_a_field_are_one_change_from_the_oldest_base_to_the_newest_value)
{
    expect_story("UPDATE company SET name = 'B'" WHERE_A ";UPDATE company SET name = 'C'" WHERE_A,
                 "company a update name:Acme>C");
}

FB_TEST(a_row_whose_edits_cancel_out_is_named)
{
    expect_story("UPDATE company SET name = 'B'" WHERE_A
                 ";UPDATE company SET name = 'Acme'" WHERE_A,
                 "company a named");
}

FB_TEST(a_field_that_went_back_is_left_out_of_its_rows_change)
{
    expect_story("UPDATE company SET name = 'B', logo = x'01'" WHERE_A
                 ";UPDATE company SET name = 'Acme'" WHERE_A,
                 "company a update logo:~>\x01");
}

FB_TEST(a_group_travels_whole)
{
    expect_story("UPDATE company SET city = 'Xi''an'" WHERE_A,
                 "company a update street:~>~ city:~>Xi'an");
}

FB_TEST(a_group_one_member_of_which_went_back_travels_whole)
{
    expect_story("UPDATE company SET city = 'X', street = 'S'" WHERE_A
                 ";UPDATE company SET city = NULL" WHERE_A,
                 "company a update street:~>S city:~>~");
}

FB_TEST(a_new_row_is_an_insert_with_what_it_holds_now)
{
    expect_story("INSERT INTO company (id, name) VALUES ('" ID_B "', 'B');"
                 "UPDATE company SET name = 'C' WHERE id = '" ID_B "'",
                 "company b insert name:->C visits:->0 points:->0");
}

FB_TEST(insert_and_delete_leave_a_named_row)
{
    expect_story("INSERT INTO company (id, name) VALUES ('" ID_B
                 "', 'B');DELETE FROM company WHERE id = '" ID_B "'",
                 "company b named");
}

FB_TEST(a_delete_carries_the_base_image_and_the_last_one)
{
    expect_story("UPDATE company SET name = 'B'" WHERE_A ";DELETE FROM company" WHERE_A,
                 "company a delete name:Acme>B visits:1>1 points:0>0");
}

FB_TEST(delete_and_insert_are_an_update_from_the_old_image)
{
    expect_story("DELETE FROM company" WHERE_A
                 ";INSERT INTO company (id, name, visits) VALUES ('" ID_A "', 'B', 1)",
                 "company a update name:Acme>B");
}

FB_TEST(delete_and_the_same_insert_leave_a_named_row)
{
    expect_story("DELETE FROM company" WHERE_A ";" INSERT_A, "company a named");
}

FB_TEST(replace_is_an_update_from_the_old_image)
{
    expect_story("REPLACE INTO company (id, name, visits) VALUES ('" ID_A "', 'B', 1)",
                 "company a update name:Acme>B");
}

FB_TEST(replace_without_recursive_triggers_is_the_same_update)
{
    expect_story("PRAGMA recursive_triggers = OFF;"
                 "REPLACE INTO company (id, name, visits) VALUES ('" ID_A "', 'B', 1)",
                 "company a update name:Acme>B");
}

FB_TEST(an_upsert_is_an_update)
{
    expect_story("INSERT INTO company (id, name) VALUES ('" ID_A "', 'B') "
                 "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                 "company a update name:Acme>B");
}

FB_TEST(an_insert_or_ignore_that_did_nothing_names_the_row)
{
    expect_story("INSERT OR IGNORE INTO company (id, name) VALUES ('" ID_A "', 'B')",
                 "company a named");
}

FB_TEST(an_edit_after_an_ignored_insert_keeps_its_base)
{
    expect_story("INSERT OR IGNORE INTO company (id, name) VALUES ('" ID_A "', 'B');"
                 "UPDATE company SET name = 'C'" WHERE_A,
                 "company a update name:Acme>C");
}

FB_TEST(sums_carry_their_steps)
{
    expect_story("UPDATE company SET visits = visits + 1" WHERE_A
                 ";UPDATE company SET visits = visits + 5" WHERE_A,
                 "company a update visits:1>7[1>2 2>7]");
}

FB_TEST(steps_of_a_sum_travel_although_they_add_up_to_nothing)
{
    expect_story("UPDATE company SET visits = 3" WHERE_A ";UPDATE company SET visits = 1" WHERE_A,
                 "company a update visits:1>1[1>3 3>1]");
}

FB_TEST(what_an_insert_brings_to_a_sum_is_its_first_step)
{
    expect_story("INSERT INTO company (id, name, visits) VALUES ('" ID_B "', 'B', 4);"
                 "UPDATE company SET visits = 6 WHERE id = '" ID_B "'",
                 "company b insert name:->B visits:->6[0>4 4>6] points:->0");
}

FB_TEST(replacing_a_row_is_a_step_of_its_sums_from_old_to_new)
{
    expect_story("REPLACE INTO company (id, name, visits) VALUES ('" ID_A "', 'Acme', 9)",
                 "company a update visits:1>9[1>9]");
}

FB_TEST(steps_around_a_delete_and_an_insert_lead_from_base_to_mine)
{
    expect_story("UPDATE company SET visits = 2" WHERE_A ";DELETE FROM company" WHERE_A
                 ";INSERT INTO company (id, name, visits) VALUES ('" ID_A "', 'Acme', 5);"
                 "UPDATE company SET visits = 6" WHERE_A,
                 "company a update visits:1>6[1>2 2>5 5>6]");
}

FB_TEST(tracked_fields_carry_their_steps)
{
    expect_story("UPDATE company SET status = 'new'" WHERE_A
                 ";UPDATE company SET status = 'won'" WHERE_A,
                 "company a update status:~>won[~>new new>won]");
}

FB_TEST(a_tracked_field_that_went_back_is_left_out)
{
    expect_story("UPDATE company SET status = 'new', name = 'B'" WHERE_A
                 ";UPDATE company SET status = NULL" WHERE_A,
                 "company a update name:Acme>B");
}

FB_TEST(what_stays_on_the_device_never_travels)
{
    expect_story("UPDATE company SET draft = 'secret', name = 'B'" WHERE_A,
                 "company a update name:Acme>B");
    expect_story("UPDATE company SET draft = 'secret'" WHERE_A, "");
    expect_story("INSERT INTO company (id, name, draft) VALUES ('" ID_B "', 'B', 'secret')",
                 "company b insert name:->B visits:->0 points:->0");
}

FB_TEST(an_image_brings_texts_and_blobs_back_byte_for_byte)
{
    expect_story("UPDATE company SET name = CAST(x'41ff22005c0a' AS TEXT), logo = x'00ff7b'" WHERE_A
                 ";UPDATE company SET street = '\xE5\x8C\x97\xE4\xBA\xAC \xF0\x9F\x98\x80'" WHERE_A,
                 "company a update name:Acme>A\xFF\"");
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    run(s, "INSERT INTO company (id, name, logo) VALUES ('" ID_A
           "', CAST(x'41ff225c0a7f09' AS TEXT), x'00ff7b')");
    expect_ok(s, fb_journal_clear(s));
    run(s, "DELETE FROM company" WHERE_A);
    run(s, "INSERT INTO company (id, name, logo) VALUES ('" ID_A
           "', CAST(x'41ff225c0a7f09' AS TEXT), x'00ff7b')");
    expect_changes(s, "company a named");
    fb_store_close(s);
}

FB_TEST(parts_follow_their_parent_and_parents_their_targets)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    run_all(s, "INSERT INTO sales_order (id) VALUES ('" ID_A
               "');INSERT INTO sales_order (id) VALUES ('" ID_B "');"
               "INSERT INTO order_line (id, order_id, text) VALUES ('" ID_C "', '" ID_B "', 'x');"
               "INSERT INTO order_line (id, order_id, text) VALUES ('" ID_D "', '" ID_A "', 'y');"
               "INSERT INTO company (id, name) VALUES ('" ID_A "', 'A')");
    expect_changes(s, "company a insert name:->A visits:->0 points:->0\n"
                      "sales_order a insert\n"
                      "order_line d insert order_id:->" ID_A " text:->y\n"
                      "sales_order b insert\n"
                      "order_line c insert order_id:->" ID_B " text:->x");
    fb_store_close(s);
}

FB_TEST(a_deleted_order_takes_its_lines_along_and_stands_before_them)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    run_all(s, "INSERT INTO sales_order (id) VALUES ('" ID_A
               "');INSERT INTO sales_order (id) VALUES ('" ID_B "');"
               "INSERT INTO order_line (id, order_id, text) VALUES ('" ID_C "', '" ID_A "', 'x')");
    expect_ok(s, fb_journal_clear(s));
    run_all(s, "UPDATE sales_order SET number = 'n' WHERE id = '" ID_B "';"
               "DELETE FROM sales_order WHERE id = '" ID_A "'");
    expect_changes(s, "sales_order b update number:~>n\n"
                      "sales_order a delete\n"
                      "order_line c delete order_id:" ID_A ">" ID_A " text:x>x");
    fb_store_close(s);
}

struct looking {
    int64_t cursor[4];
    int64_t edited_at_ms[4]; /* of the fields of the last change */
    int64_t field_cursor[4];
    size_t count;
};

static int look(void *ctx, const struct fb_change *change)
{
    struct looking *l = ctx;
    l->cursor[l->count++] = change->cursor;
    for (size_t i = 0; i < change->field_count && i < 4; i++) {
        l->edited_at_ms[i] = change->fields[i].edited_at_ms;
        l->field_cursor[i] = change->fields[i].cursor;
    }
    return FB_OK;
}

FB_TEST(a_change_stands_at_the_cursor_of_its_first_journal_row)
{
    struct fb_store *s = store_with_company();
    struct looking l = {.count = 0};
    run(s, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'B')");
    run(s, "INSERT INTO company (id, name) VALUES ('" ID_C "', 'C')");
    struct fb_value seven = fb_value_int(7);
    expect_ok(s, fb_store_meta_set(s, "cursor", &seven));
    expect_ok(s, fb_journal_clear(s));
    run(s, "UPDATE company SET name = 'x'" WHERE_A);
    expect_ok(s, fb_journal_note_cursor(s, 9));
    run_all(s, "UPDATE company SET name = 'y'" WHERE_A
               ";UPDATE company SET name = 'y' WHERE id = '" ID_B "'");
    expect_ok(s, fb_journal_note_cursor(s, 12));
    run(s, "UPDATE company SET name = 'y' WHERE id = '" ID_C "'");
    expect_ok(s, fb_journal_each(s, look, &l));
    assert_int_equal(l.count, 3);
    assert_int_equal(l.cursor[0], 7);
    assert_int_equal(l.cursor[1], 9);
    assert_int_equal(l.cursor[2], 12);
    fb_store_close(s);
}

/* Rule 25 asks for the cut that the author of a value had seen, and a later cut may have come between two edits of a row. */
FB_TEST(a_field_stands_at_the_cursor_of_its_last_write)
{
    struct fb_store *s = store_with_company();
    struct looking l = {.count = 0};
    expect_ok(s, fb_journal_clear(s));
    expect_ok(s, fb_journal_note_cursor(s, 7));
    run(s, "UPDATE company SET name = 'x', logo = x'01'" WHERE_A);
    expect_ok(s, fb_journal_note_cursor(s, 9));
    run(s, "UPDATE company SET name = 'y'" WHERE_A);
    expect_ok(s, fb_journal_each(s, look, &l));
    assert_int_equal(l.count, 1);
    assert_int_equal(l.cursor[0], 7);
    assert_int_equal(l.field_cursor[0], 9);
    assert_int_equal(l.field_cursor[1], 7);
    fb_store_close(s);
}

FB_TEST(cursor_markers_are_no_changes)
{
    struct fb_store *s = store_with_company();
    bool has_any = true;
    int64_t count = 9;
    for (int i = 0; i < 5; i++) {
        expect_ok(s, fb_journal_note_cursor(s, i));
    }
    expect_ok(s, fb_journal_has_changes(s, &has_any));
    expect_ok(s, fb_journal_count(s, &count));
    assert_false(has_any);
    assert_int_equal(count, 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_journal"), 1);
    run(s, "UPDATE company SET name = 'y'" WHERE_A);
    expect_ok(s, fb_journal_has_changes(s, &has_any));
    assert_true(has_any);
    fb_store_close(s);
}

FB_TEST(a_field_is_dated_by_its_groups_last_write)
{
    struct fb_store *s = store_with_company();
    struct looking l = {.count = 0};
    run_all(s, "UPDATE company SET street = 's'" WHERE_A ";UPDATE company SET city = 'c'" WHERE_A
               ";UPDATE company SET name = 'n'" WHERE_A);
    run(s, "UPDATE fb_journal SET at_ms = seq * 100");
    expect_ok(s, fb_journal_each(s, look, &l));
    assert_int_equal(l.edited_at_ms[0], 400); /* name */
    assert_int_equal(l.edited_at_ms[1], 300); /* street, of the group */
    assert_int_equal(l.edited_at_ms[2], 300); /* city */
    fb_store_close(s);
}

struct first_steps {
    uint8_t ids[FB_FIELDS_MAX][8];
    size_t count;
};

static int take_first_steps(void *ctx, const struct fb_change *change)
{
    struct first_steps *steps = ctx;
    for (size_t i = 0; i < change->field_count; i++) {
        if (change->fields[i].step_count > 0) {
            memcpy(steps->ids[steps->count++], change->fields[i].steps[0].id, 8);
        }
    }
    return FB_OK;
}

FB_TEST(two_sums_of_one_insert_have_steps_with_ids_of_their_own_that_stay)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    struct first_steps first = {.count = 0};
    struct first_steps again = {.count = 0};
    run(s, "INSERT INTO company (id, name, visits, points) VALUES ('" ID_A "', 'A', 1, 1)");
    expect_ok(s, fb_journal_each(s, take_first_steps, &first));
    expect_ok(s, fb_journal_each(s, take_first_steps, &again));
    assert_int_equal(first.count, 2);
    assert_memory_not_equal(first.ids[0], first.ids[1], 8);
    assert_memory_equal(&first, &again, sizeof first);
    fb_store_close(s);
}

FB_TEST(steps_without_an_id_get_one_of_their_own_that_stays)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    struct first_steps first = {.count = 0};
    struct first_steps again = {.count = 0};
    run_all(s, "INSERT INTO company (id, name, visits) VALUES ('" ID_A "', 'A', 1);"
               "INSERT INTO company (id, name, visits) VALUES ('" ID_B "', 'B', 1);"
               "UPDATE fb_journal SET step = NULL, at_ms = 1");
    expect_ok(s, fb_journal_each(s, take_first_steps, &first));
    expect_ok(s, fb_journal_each(s, take_first_steps, &again));
    assert_int_equal(first.count, 2);
    assert_memory_not_equal(first.ids[0], first.ids[1], 8);
    assert_memory_equal(&first, &again, sizeof first);
    fb_store_close(s);
}

static int count_ops(void *ctx, const struct fb_change *change)
{
    int64_t *counts = ctx;
    counts[change->op]++;
    return FB_OK;
}

FB_TEST(a_hundred_thousand_edited_rows_come_out_each_once)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    expect_ok(s, fb_store_begin(s));
    run(s, "INSERT INTO contact (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
           "FROM n WHERE i < 100000) "
           "SELECT 'n' || i FROM n");
    expect_ok(s, fb_journal_clear(s));
    run(s, "UPDATE contact SET name = name || 'x', phone = '1'");
    int64_t counts[4] = {0};
    expect_ok(s, fb_journal_each(s, count_ops, counts));
    assert_int_equal(counts[FB_CHANGE_UPDATE], 100000);
    assert_int_equal(counts[FB_CHANGE_NAMED] + counts[FB_CHANGE_INSERT] + counts[FB_CHANGE_DELETE],
                     0);
    fb_store_rollback(s);
    fb_store_close(s);
}

static int say_no(void *ctx, const struct fb_change *change)
{
    (void)ctx;
    (void)change;
    return FB_ERR_LIMIT;
}

FB_TEST(a_callback_that_says_no_ends_the_walk)
{
    struct fb_store *s = store_with_company();
    run(s, "UPDATE company SET name = 'x'" WHERE_A);
    assert_int_equal(fb_journal_each(s, say_no, NULL), FB_ERR_LIMIT);
    fb_store_close(s);
}

#ifdef FB_PLANTED
/* What tests/sim switches on is reached here. */
static void expect_bug(enum fb_planted bug, const char *sql, const char *expected)
{
    fb_planted_bug = bug;
    fb_planted_reached = 0;
    expect_story(sql, expected);
    assert_true(fb_planted_reached > 0);
    fb_planted_bug = FB_PLANTED_NONE;
}
#endif

FB_TEST(planted_bugs_of_the_journal_show)
{
#ifdef FB_PLANTED
    expect_bug(FB_PLANTED_BASE_OF_LAST_JOURNAL_ROW,
               "UPDATE company SET name = 'B'" WHERE_A ";UPDATE company SET name = 'C'" WHERE_A,
               "company a update name:B>C");
    expect_bug(FB_PLANTED_GROUP_TRAVELS_IN_PIECES, "UPDATE company SET city = 'X'" WHERE_A,
               "company a update city:~>X");
    expect_bug(FB_PLANTED_NETTED_ROWS_NOT_NAMED,
               "UPDATE company SET name = 'B'" WHERE_A ";UPDATE company SET name = 'Acme'" WHERE_A,
               "");
    expect_bug(FB_PLANTED_NET_KIND_FROM_LAST_ROW, "DELETE FROM company" WHERE_A ";" INSERT_A,
               "company a insert name:->Acme visits:->1 points:->0");
    expect_bug(FB_PLANTED_INSERT_STEP_MISSING,
               "INSERT INTO company (id, name, visits) VALUES ('" ID_B "', 'B', 4)",
               "company b insert name:->B visits:->4 points:->0");
#else
    skip();
#endif
}

FB_MAIN(FB_CASE(an_edit_carries_the_value_its_author_saw_and_the_one_he_wrote),
        FB_CASE(several_edits_of_a_field_are_one_change_from_the_oldest_base_to_the_newest_value),
        FB_CASE(a_row_whose_edits_cancel_out_is_named),
        FB_CASE(a_field_that_went_back_is_left_out_of_its_rows_change),
        FB_CASE(a_group_travels_whole),
        FB_CASE(a_group_one_member_of_which_went_back_travels_whole),
        FB_CASE(a_new_row_is_an_insert_with_what_it_holds_now),
        FB_CASE(insert_and_delete_leave_a_named_row),
        FB_CASE(a_delete_carries_the_base_image_and_the_last_one),
        FB_CASE(delete_and_insert_are_an_update_from_the_old_image),
        FB_CASE(delete_and_the_same_insert_leave_a_named_row),
        FB_CASE(replace_is_an_update_from_the_old_image),
        FB_CASE(replace_without_recursive_triggers_is_the_same_update),
        FB_CASE(an_upsert_is_an_update),
        FB_CASE(an_insert_or_ignore_that_did_nothing_names_the_row),
        FB_CASE(an_edit_after_an_ignored_insert_keeps_its_base), FB_CASE(sums_carry_their_steps),
        FB_CASE(steps_of_a_sum_travel_although_they_add_up_to_nothing),
        FB_CASE(what_an_insert_brings_to_a_sum_is_its_first_step),
        FB_CASE(replacing_a_row_is_a_step_of_its_sums_from_old_to_new),
        FB_CASE(steps_around_a_delete_and_an_insert_lead_from_base_to_mine),
        FB_CASE(tracked_fields_carry_their_steps),
        FB_CASE(a_tracked_field_that_went_back_is_left_out),
        FB_CASE(what_stays_on_the_device_never_travels),
        FB_CASE(an_image_brings_texts_and_blobs_back_byte_for_byte),
        FB_CASE(parts_follow_their_parent_and_parents_their_targets),
        FB_CASE(a_deleted_order_takes_its_lines_along_and_stands_before_them),
        FB_CASE(a_change_stands_at_the_cursor_of_its_first_journal_row),
        FB_CASE(a_field_stands_at_the_cursor_of_its_last_write),
        FB_CASE(cursor_markers_are_no_changes), FB_CASE(a_field_is_dated_by_its_groups_last_write),
        FB_CASE(two_sums_of_one_insert_have_steps_with_ids_of_their_own_that_stay),
        FB_CASE(steps_without_an_id_get_one_of_their_own_that_stays),
        FB_CASE(a_hundred_thousand_edited_rows_come_out_each_once),
        FB_CASE(a_callback_that_says_no_ends_the_walk), FB_CASE(planted_bugs_of_the_journal_show))
