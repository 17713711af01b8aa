/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/catalogue/ddl.h"
#include "tests/lib/testlib.h"

#define FIELD(no, name, rest)                                                                      \
    ",{\"no\":" no ",\"name\":\"" name "\",\"en\":\"E\",\"zh\":\"Z\"," rest "}"

/* An order with lines, drawn small; "order" and "case" are keywords of SQL. */
/* clang-format off */
static const char DOCUMENT[] =
    "{\"format\":1,\"version\":1,\"entities\":["
    "{\"no\":10,\"name\":\"order\",\"en\":\"Order\",\"zh\":\"订单\",\"scope\":{\"rule\":\"global\"},"
    "\"title\":[\"number\"],\"fields\":["
    "{\"no\":8,\"name\":\"number\",\"type\":\"seq\",\"en\":\"Number\",\"zh\":\"编号\",\"merge\":\"once\"}"
    FIELD("9", "state", "\"type\":\"enum\",\"required\":true,\"indexed\":true,\"default\":\"it's\",\"choices\":["
                        "{\"value\":\"it's\",\"en\":\"A\",\"zh\":\"A\"},{\"value\":\"b\",\"en\":\"B\",\"zh\":\"B\"}]")
    FIELD("10", "level", "\"type\":\"int\",\"min\":1,\"max\":5,\"unique\":true")
    FIELD("11", "secret", "\"type\":\"text\",\"required\":true,\"visible\":\"role\"")
    FIELD("12", "here", "\"type\":\"int\",\"visible\":\"device\"")
    FIELD("13", "case", "\"type\":\"bool\",\"required\":true")
    FIELD("14", "stock", "\"type\":\"qty\",\"required\":true,\"default\":0,\"merge\":\"sum\"")
    "]},"
    "{\"no\":11,\"name\":\"line\",\"en\":\"Line\",\"zh\":\"行\","
    "\"part_of\":{\"entity\":\"order\",\"field\":\"order_id\"},\"fields\":["
    "{\"no\":8,\"name\":\"order_id\",\"type\":\"ref\",\"target\":\"order\",\"required\":true,"
    "\"en\":\"Order\",\"zh\":\"订单\"}"
    FIELD("9", "photo", "\"type\":\"blob\"")
    "]},"
    "{\"no\":12,\"name\":\"scratch\",\"en\":\"S\",\"zh\":\"S\",\"scope\":{\"rule\":\"device_only\"},"
    "\"title\":[\"text\"],\"fields\":["
    "{\"no\":8,\"name\":\"text\",\"type\":\"text\",\"en\":\"T\",\"zh\":\"T\"}]}]}";
/* clang-format on */

static struct fb_catalogue *load(void)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    if (fb_catalogue_load(DOCUMENT, strlen(DOCUMENT), &c, &why) < 0) {
        fail_msg("%s", why.text);
    }
    return c;
}

struct found {
    const char *name;
    char sql[20000];
    size_t count;
};

static int keep_one(void *ctx, const char *name, const char *sql)
{
    struct found *found = ctx;
    found->count++;
    if (strcmp(name, found->name) == 0) {
        snprintf(found->sql, sizeof found->sql, "%s", sql);
    }
    return FB_OK;
}

static const char *trigger(const struct fb_catalogue *c, const char *entity, const char *name)
{
    static struct found found;
    found = (struct found){.name = name};
    assert_int_equal(fb_ddl_each_trigger(c, fb_catalogue_entity(c, entity), keep_one, &found),
                     FB_OK);
    return found.sql;
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("%s\n  lacks: %s", text, part);
    }
}

FB_TEST(a_table_reads_like_a_form_with_labels_rules_and_references)
{
    struct fb_catalogue *c = load();
    struct fb_buf sql;
    fb_buf_init(&sql, 100000);
    fb_ddl_table(&sql, fb_catalogue_entity(c, "order"));
    const char *text = fb_buf_text(&sql);
    expect_in(text, "CREATE TABLE \"order\" ( -- Order / 订单\n  id TEXT PRIMARY KEY NOT NULL\n");
    expect_in(text, "\n  number TEXT, -- Number / 编号\n");
    expect_in(
        text,
        "\n  state TEXT NOT NULL DEFAULT 'it''s' CHECK (state IN ('it''s', 'b')), -- E / Z\n");
    expect_in(text, "\n  level INTEGER CHECK (level BETWEEN 1 AND 5), -- E / Z\n");
    expect_in(text, "\n  \"case\" INTEGER NOT NULL CHECK (\"case\" IN (0, 1)), -- E / Z\n");
    expect_in(text, "\n  modified_by TEXT -- Changed by / 修改人\n) STRICT");
    fb_buf_clear(&sql);
    fb_ddl_table(&sql, fb_catalogue_entity(c, "line"));
    expect_in(fb_buf_text(&sql),
              "\n  order_id TEXT NOT NULL REFERENCES \"order\"(id) ON DELETE CASCADE "
              "DEFERRABLE INITIALLY DEFERRED, -- Order / 订单\n");
    fb_buf_release(&sql);
    fb_catalogue_free(c);
}

FB_TEST(a_field_that_some_may_not_see_is_never_not_null)
{
    struct fb_catalogue *c = load();
    struct fb_buf sql;
    fb_buf_init(&sql, 100000);
    fb_ddl_table(&sql, fb_catalogue_entity(c, "order"));
    expect_in(fb_buf_text(&sql),
              "\n  secret TEXT CHECK (length(CAST(secret AS BLOB)) <= 2000), -- E / Z\n");
    fb_buf_release(&sql);
    fb_catalogue_free(c);
}

FB_TEST(an_added_column_is_not_null_only_with_a_default_and_its_comment_ends_by_itself)
{
    struct fb_catalogue *c = load();
    const struct fb_entity *e = fb_catalogue_entity(c, "order");
    struct fb_buf sql;
    fb_buf_init(&sql, 100000);
    fb_ddl_add_column(&sql, e, fb_entity_field(e, "state"));
    assert_string_equal(
        fb_buf_text(&sql),
        "ALTER TABLE \"order\" ADD COLUMN state TEXT NOT NULL DEFAULT 'it''s' CHECK "
        "(state IN ('it''s', 'b')) /* E / Z */");
    fb_buf_clear(&sql);
    fb_ddl_add_column(&sql, e, fb_entity_field(e, "case"));
    assert_string_equal(
        fb_buf_text(&sql),
        "ALTER TABLE \"order\" ADD COLUMN \"case\" INTEGER CHECK (\"case\" IN (0, 1)) /* E / Z */");
    fb_buf_release(&sql);
    fb_catalogue_free(c);
}

FB_TEST(indexed_and_unique_fields_and_parents_get_ordinary_indexes)
{
    struct fb_catalogue *c = load();
    struct found found = {.name = "fb_order__level"};
    assert_int_equal(fb_ddl_each_index(fb_catalogue_entity(c, "order"), keep_one, &found), FB_OK);
    assert_int_equal(found.count, 3); /* state, level, and when it was changed last */
    assert_string_equal(found.sql, "CREATE INDEX fb_order__level ON \"order\" (level)");
    found = (struct found){.name = "fb_line__order_id"};
    assert_int_equal(fb_ddl_each_index(fb_catalogue_entity(c, "line"), keep_one, &found), FB_OK);
    assert_string_equal(found.sql, "CREATE INDEX fb_line__order_id ON line (order_id)");
    fb_catalogue_free(c);
}

FB_TEST(an_update_trigger_keeps_the_old_value_of_its_field_and_a_sum_its_step)
{
    struct fb_catalogue *c = load();
    const char *text = trigger(c, "order", "fb_order__set__case");
    expect_in(text,
              "AFTER UPDATE OF \"case\" ON \"order\"\nWHEN OLD.\"case\" IS NOT NEW.\"case\"\n");
    expect_in(text, "INSERT INTO fb_journal (op, entity, row_id, field, old, at_ms)\n  VALUES (2, "
                    "10, OLD.id, 13, OLD.\"case\", ");
    assert_null(strstr(text, "randomblob"));
    expect_in(trigger(c, "order", "fb_order__set__stock"), "at_ms, step)");
    expect_in(trigger(c, "order", "fb_order__set__stock"), "randomblob(8)");
    expect_in(trigger(c, "order", "fb_order__after_insert"), "randomblob(8)");
    assert_null(strstr(trigger(c, "line", "fb_line__after_insert"), "randomblob"));
    fb_catalogue_free(c);
}

FB_TEST(columns_of_the_laptop_and_tables_of_the_laptop_are_not_captured)
{
    struct fb_catalogue *c = load();
    assert_string_equal(trigger(c, "order", "fb_order__set__here"), "");
    assert_null(strstr(trigger(c, "order", "fb_order__after_delete"), "'here'"));
    struct found found = {.name = ""};
    assert_int_equal(fb_ddl_each_trigger(c, fb_catalogue_entity(c, "scratch"), keep_one, &found),
                     FB_OK);
    assert_int_equal(found.count, 0);
    fb_catalogue_free(c);
}

FB_TEST(a_delete_takes_the_parts_along_and_keeps_blobs_as_hex)
{
    struct fb_catalogue *c = load();
    expect_in(trigger(c, "order", "fb_order__after_delete"),
              "DELETE FROM line WHERE order_id = OLD.id;\n");
    expect_in(trigger(c, "line", "fb_line__after_delete"),
              "'photo', iif(OLD.photo IS NULL, NULL, json_object('$hex', hex(OLD.photo)))");
    fb_catalogue_free(c);
}

FB_TEST(every_field_that_travels_has_its_trigger_beside_the_four_of_the_row)
{
    struct fb_catalogue *c = load();
    struct found found = {.name = ""};
    assert_int_equal(fb_ddl_each_trigger(c, fb_catalogue_entity(c, "order"), keep_one, &found),
                     FB_OK);
    assert_int_equal(found.count,
                     4 + 6); /* id, before insert, insert, delete; six fields that travel */
    fb_catalogue_free(c);
}

FB_TEST(only_keywords_are_quoted)
{
    struct fb_buf sql;
    fb_buf_init(&sql, 1000);
    fb_ddl_append_name(&sql, "order");
    fb_ddl_append_name(&sql, "orders");
    assert_string_equal(fb_buf_text(&sql), "\"order\"orders");
    fb_buf_release(&sql);
}

FB_MAIN(FB_CASE(a_table_reads_like_a_form_with_labels_rules_and_references),
        FB_CASE(a_field_that_some_may_not_see_is_never_not_null),
        FB_CASE(an_added_column_is_not_null_only_with_a_default_and_its_comment_ends_by_itself),
        FB_CASE(indexed_and_unique_fields_and_parents_get_ordinary_indexes),
        FB_CASE(an_update_trigger_keeps_the_old_value_of_its_field_and_a_sum_its_step),
        FB_CASE(columns_of_the_laptop_and_tables_of_the_laptop_are_not_captured),
        FB_CASE(a_delete_takes_the_parts_along_and_keeps_blobs_as_hex),
        FB_CASE(every_field_that_travels_has_its_trigger_beside_the_four_of_the_row),
        FB_CASE(only_keywords_are_quoted))
