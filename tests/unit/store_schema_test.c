/* SPDX-License-Identifier: MIT
 *
 * Newer catalogues, and what stock tools do to a file behind the daemon's back (faults.md A19).
 * The tool is the sqlite3 shell.
 */
#include "common/base/planted.h"
#include "tests/unit/store_testing.h"

#define FAX ",{'no':30,'name':'fax','type':'text','en':'Fax','zh':'传真','indexed':true}"

static const char *where;

static struct fb_store *begin(void)
{
    static int count;
    char name[32];
    if (system("command -v sqlite3 >/dev/null") != 0) {
        skip();
    }
    snprintf(name, sizeof name, "schema-%d.db", count++);
    where = fb_test_path(name);
    struct fb_store *s = open_store(where, FB_NODE_REPLICA);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    run(s, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'Acme')");
    expect_ok(s, fb_journal_clear(s));
    return s;
}

static void shell(const char *sql)
{
    char command[2048];
    snprintf(command, sizeof command, "sqlite3 '%s' \"%s\" >/dev/null", where, sql);
    assert_int_equal(system(command), 0);
}

static int64_t journal_rows(struct fb_store *s)
{
    int64_t rows = -1;
    expect_ok(s, fb_journal_count(s, &rows));
    return rows;
}

static struct fb_store_health check(struct fb_store *s)
{
    struct fb_store_health health = {0};
    expect_ok(s, fb_store_check_schema(s, &health));
    return health;
}

static void expect_well(struct fb_store *s)
{
    struct fb_store_health health = check(s);
    assert_int_equal(health.triggers_restored, 0);
    assert_int_equal(health.tables_restored, 0);
    assert_int_equal(health.unknown_columns, 0);
    assert_false(health.journal_mode_restored);
    assert_string_equal(health.note, "");
}

FB_TEST(an_untouched_file_is_well)
{
    struct fb_store *s = begin();
    expect_well(s);
    expect_well(s);
    fb_store_close(s);
    s = open_store(where, FB_NODE_REPLICA);
    assert_string_equal(fb_store_health(s)->note, "");
    expect_well(s);
    fb_store_close(s);
}

FB_TEST(a_dropped_trigger_comes_back_while_the_daemon_runs)
{
    struct fb_store *s = begin();
    shell("DROP TRIGGER fb_company__set__name; UPDATE company SET name = 'unseen'");
    assert_int_equal(journal_rows(s), 0);
    struct fb_store_health health = check(s);
    assert_int_equal(health.triggers_restored, 1);
    assert_string_equal(health.note, "trigger fb_company__set__name");
    shell("UPDATE company SET name = 'seen'");
    assert_int_equal(journal_rows(s), 1);
    expect_well(s);
    fb_store_close(s);
}

FB_TEST(a_trigger_dropped_while_the_daemon_slept_comes_back_at_its_start)
{
    struct fb_store *s = begin();
    fb_store_close(s);
    shell("DROP TRIGGER fb_company__after_delete; DROP TRIGGER fb_contact__after_insert");
    s = open_store(where, FB_NODE_REPLICA);
    assert_int_equal(fb_store_health(s)->triggers_restored, 2);
    shell("DELETE FROM company");
    assert_int_equal(journal_rows(s), 1);
    fb_store_close(s);
}

FB_TEST(the_first_check_tells_what_opening_mended)
{
    struct fb_store *s = begin();
    fb_store_close(s);
    shell("DROP TRIGGER fb_company__after_delete; ALTER TABLE company ADD COLUMN more TEXT; "
          "PRAGMA journal_mode = DELETE");
    s = open_store(where, FB_NODE_REPLICA);
    struct fb_store_health health = check(s);
    assert_int_equal(health.triggers_restored, 1);
    assert_int_equal(health.unknown_columns, 1);
    assert_true(health.journal_mode_restored);
    assert_non_null(strstr(health.note, "trigger fb_company__after_delete"));
    health = check(s);
    assert_int_equal(health.triggers_restored, 0);
    assert_false(health.journal_mode_restored);
    assert_string_equal(health.note, "unknown column more");
    fb_store_close(s);
}

FB_TEST(a_trigger_that_was_weakened_is_made_anew)
{
    struct fb_store *s = begin();
    shell("DROP TRIGGER fb_company__set__name; CREATE TRIGGER fb_company__set__name AFTER UPDATE "
          "OF name ON company "
          "BEGIN SELECT 1; END");
    assert_int_equal(check(s).triggers_restored, 1);
    shell("UPDATE company SET name = 'seen'");
    assert_int_equal(journal_rows(s), 1);
    fb_store_close(s);
}

FB_TEST(a_users_own_trigger_and_index_are_left_alone)
{
    struct fb_store *s = begin();
    shell("CREATE TABLE mine (x); CREATE INDEX mine_x ON mine (x); CREATE INDEX by_city ON company "
          "(city); "
          "CREATE TRIGGER own AFTER INSERT ON company BEGIN INSERT INTO mine VALUES (1); END");
    expect_well(s);
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    assert_int_equal(ask(s, "SELECT count(*) FROM sqlite_schema WHERE name IN ('mine', 'mine_x', "
                            "'by_city', 'own')"),
                     4);
    fb_store_close(s);
}

FB_TEST(a_changed_journal_mode_is_set_back)
{
    struct fb_store *s = begin();
    fb_store_close(s);
    shell("PRAGMA journal_mode = DELETE");
    s = open_store(where, FB_NODE_REPLICA);
    assert_true(fb_store_health(s)->journal_mode_restored);
    assert_int_equal(ask(s, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(ask(s, "PRAGMA synchronous"), 2);
    fb_store_close(s);
}

FB_TEST(a_column_no_catalogue_knows_is_reported_and_left_alone)
{
    struct fb_store *s = begin();
    shell("ALTER TABLE company ADD COLUMN shoe_size INTEGER; UPDATE company SET shoe_size = 44, "
          "name = 'B'");
    struct fb_store_health health = check(s);
    assert_int_equal(health.unknown_columns, 1);
    assert_string_equal(health.note, "unknown column shoe_size");
    assert_int_equal(check(s).unknown_columns, 1); /* as long as it is there */
    assert_string_equal(check(s).note, "unknown column shoe_size");
    assert_int_equal(ask(s, "SELECT shoe_size FROM company"), 44);
    assert_int_equal(journal_rows(s), 1);
    struct fb_arena arena = {0};
    struct fb_row row;
    bool found = false;
    expect_ok(s, fb_row_read(s, entity(s, "company"), ID_A, &arena, &row, &found));
    expect_ok(s, fb_row_write(s, &row));
    assert_int_equal(ask(s, "SELECT shoe_size FROM company"), 44);
    fb_arena_release(&arena);
    fb_store_close(s);
}

FB_TEST(a_dropped_column_comes_back_empty)
{
    struct fb_store *s = begin();
    shell("DROP TRIGGER fb_company__before_insert; DROP TRIGGER fb_company__after_delete; "
          "DROP TRIGGER fb_company__set__city; ALTER TABLE company DROP COLUMN city");
    struct fb_store_health health = check(s);
    assert_int_equal(health.tables_restored, 1);
    assert_int_equal(health.triggers_restored, 3);
    assert_int_equal(ask(s, "SELECT count(*) FROM company WHERE city IS NULL"), 1);
    expect_well(s);
    fb_store_close(s);
}

FB_TEST(a_dropped_table_comes_back_with_its_triggers)
{
    struct fb_store *s = begin();
    shell("DROP TABLE contact");
    struct fb_store_health health = check(s);
    assert_int_equal(health.tables_restored, 1);
    assert_true(health.triggers_restored > 3);
    shell("INSERT INTO contact (name) VALUES ('x')");
    assert_int_equal(journal_rows(s), 1);
    fb_store_close(s);
}

FB_TEST(a_vacuum_is_harmless)
{
    struct fb_store *s = begin();
    shell("VACUUM");
    expect_well(s);
    fb_store_close(s);
    shell("VACUUM; PRAGMA page_size = 8192; PRAGMA journal_mode = DELETE; VACUUM");
    s = open_store(where, FB_NODE_REPLICA);
    assert_int_equal(fb_store_health(s)->triggers_restored, 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM company"), 1);
    fb_store_close(s);
}

FB_TEST(an_edit_by_a_tool_is_captured_and_moves_the_data_version)
{
    struct fb_store *s = begin();
    int64_t before = 0;
    int64_t after = 0;
    expect_ok(s, fb_store_data_version(s, &before));
    run(s, "UPDATE company SET city = 'mine'");
    expect_ok(s, fb_store_data_version(s, &after));
    assert_int_equal(before, after); /* one's own commits do not count */
    shell("UPDATE company SET name = 'B', visits = visits + 1");
    expect_ok(s, fb_store_data_version(s, &after));
    assert_int_not_equal(before, after);
    assert_int_equal(journal_rows(s), 3);
    fb_store_close(s);
}

FB_TEST(mending_inside_a_transaction_goes_with_it)
{
    struct fb_store *s = begin();
    shell("DROP TRIGGER fb_company__set__name");
    expect_ok(s, fb_store_begin(s));
    assert_int_equal(check(s).triggers_restored, 1);
    fb_store_rollback(s);
    assert_int_equal(check(s).triggers_restored, 1);
    fb_store_close(s);
}

FB_TEST(a_planted_bug_leaves_the_trigger_dropped)
{
#ifdef FB_PLANTED
    struct fb_store *s = begin();
    shell("DROP TRIGGER fb_company__set__name");
    fb_planted_bug = FB_PLANTED_TRIGGERS_NOT_REPAIRED;
    assert_int_equal(check(s).triggers_restored, 0);
    fb_planted_bug = FB_PLANTED_NONE;
    fb_store_close(s);
#else
    skip();
#endif
}

FB_TEST(a_newer_catalogue_adds_its_field_to_the_rows_that_are_there)
{
    struct fb_store *s = begin();
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    assert_int_equal(fb_store_catalogue(s)->version, 2);
    assert_int_equal(ask(s, "SELECT count(*) FROM company WHERE fax IS NULL"), 1);
    assert_int_equal(ask(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'fb_company__fax'"),
                     1);
    shell("UPDATE company SET fax = '1'");
    assert_int_equal(journal_rows(s), 1);
    expect_well(s);
    fb_store_close(s);
    s = open_store(where, FB_NODE_REPLICA);
    assert_int_equal(fb_store_catalogue(s)->version, 2);
    assert_string_equal(fb_store_health(s)->note, "");
    fb_store_close(s);
}

FB_TEST(a_field_that_stays_on_the_device_from_now_on_is_no_longer_captured)
{
    struct fb_store *s = begin();
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    put_catalogue(
        s, test_catalogue(
               3, TEST_ENTITIES(",{'no':30,'name':'fax','type':'text','en':'Fax','zh':'传真',"
                                "'visible':'device'}")));
    assert_int_equal(
        ask(s, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'fb_company__%fax'"), 0);
    shell("UPDATE company SET fax = '1'");
    assert_int_equal(journal_rows(s), 0);
    fb_store_close(s);
}

FB_TEST(an_older_catalogue_is_refused_and_the_same_one_changes_nothing)
{
    struct fb_store *s = begin();
    struct fb_why why = {""};
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    const struct fb_catalogue *in_force = fb_store_catalogue(s);
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    assert_ptr_equal(fb_store_catalogue(s), in_force);
    expect_ok(s, fb_store_begin(s));
    assert_int_equal(fb_store_set_catalogue(s, test_catalogue(1, TEST_ENTITIES("")), 1, &why),
                     FB_ERR_VERSION);
    assert_non_null(strstr(why.text, "already follows version 2"));
    fb_store_rollback(s);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_catalogue"), 2);
    fb_store_close(s);
}

FB_TEST(a_reader_borrows_a_loaded_catalogue_only_while_the_file_holds_the_same)
{
    struct fb_store *s = begin();
    struct fb_store *reader = NULL;
    struct fb_why why = {""};
    struct fb_store_options options = {
        .node = FB_NODE_REPLICA, .is_read_only = true, .catalogue = fb_store_catalogue(s)};
    assert_int_equal(fb_store_open(where, &options, &reader, &why), FB_OK);
    assert_ptr_equal(fb_store_catalogue(reader), fb_store_catalogue(s));
    put_catalogue(s, test_catalogue(2, TEST_ENTITIES(FAX)));
    expect_ok(reader, fb_store_read_begin(reader));
    assert_ptr_not_equal(fb_store_catalogue(reader), options.catalogue);
    assert_int_equal(fb_store_catalogue(reader)->version, 2);
    fb_store_read_end(reader);
    fb_store_close(reader);
    assert_int_equal(fb_store_open(where, &options, &reader, &why), FB_OK);
    assert_int_equal(fb_store_catalogue(reader)->version, 2);
    fb_store_close(reader);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(an_untouched_file_is_well),
        FB_CASE(a_dropped_trigger_comes_back_while_the_daemon_runs),
        FB_CASE(a_trigger_dropped_while_the_daemon_slept_comes_back_at_its_start),
        FB_CASE(the_first_check_tells_what_opening_mended),
        FB_CASE(a_trigger_that_was_weakened_is_made_anew),
        FB_CASE(a_users_own_trigger_and_index_are_left_alone),
        FB_CASE(a_changed_journal_mode_is_set_back),
        FB_CASE(a_column_no_catalogue_knows_is_reported_and_left_alone),
        FB_CASE(a_dropped_column_comes_back_empty),
        FB_CASE(a_dropped_table_comes_back_with_its_triggers), FB_CASE(a_vacuum_is_harmless),
        FB_CASE(an_edit_by_a_tool_is_captured_and_moves_the_data_version),
        FB_CASE(mending_inside_a_transaction_goes_with_it),
        FB_CASE(a_planted_bug_leaves_the_trigger_dropped),
        FB_CASE(a_newer_catalogue_adds_its_field_to_the_rows_that_are_there),
        FB_CASE(a_field_that_stays_on_the_device_from_now_on_is_no_longer_captured),
        FB_CASE(an_older_catalogue_is_refused_and_the_same_one_changes_nothing),
        FB_CASE(a_reader_borrows_a_loaded_catalogue_only_while_the_file_holds_the_same))
