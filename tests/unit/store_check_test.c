/* SPDX-License-Identifier: MIT
 *
 * The look over a file that a daemon has open, a table at a time.
 */
#include "tests/unit/store_testing.h"

#define PAGE_BYTES 4096

static const struct fb_store_options READER = {.node = FB_NODE_REPLICA, .is_read_only = true};

/* A laptop's file with rows in tables and indexes, closed. */
static const char *filled_file(void)
{
    const char *where = fb_test_path("filled.db");
    struct fb_store *s = open_store(where, FB_NODE_REPLICA);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    run(s, "INSERT INTO company (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
           "FROM n WHERE i < 300) SELECT hex(randomblob(50)) FROM n");
    run(s, "INSERT INTO contact (company_id, phone) SELECT id, name FROM company");
    assert_int_equal(ask(s, "PRAGMA freelist_count"), 0);
    fb_store_close(s);
    return where;
}

static int check(const char *where, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_store_open(where, &READER, &s, why);
    return rc < 0 ? rc : fb_store_check_tables(s, why);
}

static void write_page(FILE *f, long page, const uint8_t *bytes)
{
    assert_int_equal(fseek(f, page * PAGE_BYTES, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, PAGE_BYTES, f), PAGE_BYTES);
    assert_int_equal(fflush(f), 0);
}

FB_TEST(damage_of_any_page_is_found_and_says_what_to_do)
{
    const char *where = filled_file();
    struct fb_why why = {""};
    uint8_t garbage[PAGE_BYTES];
    uint8_t kept[PAGE_BYTES];
    memset(garbage, 0xA5, sizeof garbage);
    assert_int_equal(check(where, &why), FB_OK);
    FILE *f = fopen(where, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long pages = ftell(f) / PAGE_BYTES;
    assert_in_range(pages, 50, 1000);
    for (long page = 0; page < pages; page++) {
        assert_int_equal(fseek(f, page * PAGE_BYTES, SEEK_SET), 0);
        assert_int_equal(fread(kept, 1, PAGE_BYTES, f), PAGE_BYTES);
        write_page(f, page, garbage);
        int rc = check(where, &why);
        if (rc != FB_ERR_DAMAGED || strstr(why.text, "restore a backup") == NULL) {
            fail_msg("page %ld of %ld: %s: %s", page + 1, pages, fb_err_name(rc), why.text);
        }
        write_page(f, page, kept);
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(check(where, &why), FB_OK);
}

FB_TEST(an_interrupt_before_the_first_table_is_not_forgotten)
{
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    assert_int_equal(fb_store_open(filled_file(), &READER, &s, &why), FB_OK);
    fb_store_interrupt(s);
    assert_int_equal(fb_store_check_tables(s, &why), FB_ERR_INTERRUPTED);
    fb_store_close(s);
}

FB_TEST(a_table_that_a_tool_named_strangely_is_no_obstacle)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_why why = {""};
    run(s, "CREATE TABLE \"a'b \"\"c\" (x)");
    run(s, "CREATE TABLE \"1\" (x)");
    assert_int_equal(fb_store_check_tables(s, &why), FB_OK);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(damage_of_any_page_is_found_and_says_what_to_do),
        FB_CASE(an_interrupt_before_the_first_table_is_not_forgotten),
        FB_CASE(a_table_that_a_tool_named_strangely_is_no_obstacle))
