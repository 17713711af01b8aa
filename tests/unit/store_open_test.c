/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/planted.h"
#include "tests/unit/store_testing.h"

static const char *path(void)
{
    static int count;
    char name[32];
    snprintf(name, sizeof name, "open-%d.db", count++);
    return fb_test_path(name);
}

static void write_file(const char *where, const void *bytes, size_t size)
{
    FILE *f = fopen(where, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void shell(const char *where, const char *sql)
{
    char command[2048];
    snprintf(command, sizeof command, "sqlite3 '%s' \"%s\" >/dev/null", where, sql);
    if (system("command -v sqlite3 >/dev/null") != 0) {
        skip();
    }
    assert_int_equal(system(command), 0);
}

/* Opening fails with this error and a sentence that has this in it. */
static void expect_refused(const char *where, const struct fb_store_options *options, int error,
                           const char *part)
{
    struct fb_store *store = NULL;
    struct fb_why why = {""};
    int rc = fb_store_open(where, options, &store, &why);
    if (rc != error || strstr(why.text, part) == NULL) {
        fail_msg("%s, not %s: %s", fb_err_name(rc), fb_err_name(error), why.text);
    }
    assert_null(store);
}

static const struct fb_store_options SERVER = {.node = FB_NODE_SERVER, .may_create = true};
static const struct fb_store_options REPLICA = {.node = FB_NODE_REPLICA, .may_create = true};
static const struct fb_store_options EXISTING = {.node = FB_NODE_SERVER};
static const struct fb_store_options CHECKED = {.node = FB_NODE_SERVER, .check_quickly = true};

FB_TEST(both_nodes_run_with_a_write_ahead_log_that_is_synced_at_every_commit)
{
    static const enum fb_node NODES[] = {FB_NODE_SERVER, FB_NODE_REPLICA};
    for (size_t i = 0; i < 2; i++) {
        struct fb_store *s = open_store(path(), NODES[i]);
        assert_int_equal(ask(s, "PRAGMA synchronous"), 2);
        assert_int_equal(ask(s, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
        fb_store_close(s);
    }
}

FB_TEST(a_planted_bug_weakens_the_sync)
{
#ifdef FB_PLANTED
    fb_planted_bug = FB_PLANTED_SYNCHRONOUS_NORMAL;
    struct fb_store *s = open_store(path(), FB_NODE_SERVER);
    fb_planted_bug = FB_PLANTED_NONE;
    assert_int_equal(ask(s, "PRAGMA synchronous"), 1);
    fb_store_close(s);
#else
    skip();
#endif
}

FB_TEST(a_connection_is_set_as_the_security_list_asks)
{
    struct fb_store *s = open_store(path(), FB_NODE_SERVER);
    assert_int_equal(ask(s, "PRAGMA recursive_triggers"), 1);
    assert_int_equal(ask(s, "PRAGMA foreign_keys"), 0);
    assert_int_equal(ask(s, "PRAGMA temp_store"), 2);
    assert_int_equal(ask(s, "PRAGMA cell_size_check"), 1);
    assert_int_equal(ask(s, "PRAGMA busy_timeout"), 5000);
    assert_int_equal(ask(s, "PRAGMA cache_size"), -65536);
    struct fb_sql *q = NULL;
    assert_int_equal(fb_sql_begin(s, "SELECT load_extension('x')", &q), FB_OK);
    assert_true(fb_sql_step(q) < 0);
    fb_sql_end(q);
    assert_true(fb_sql_begin(s, "SELECT \"no such column\" FROM fb_meta", &q) < 0);
    assert_true(fb_sql_exec(s, "UPDATE sqlite_schema SET sql = ''") < 0);
    fb_store_close(s);
}

FB_TEST(what_was_committed_is_there_at_the_next_opening)
{
    const char *where = path();
    struct fb_store *s = open_store(where, FB_NODE_REPLICA);
    put_catalogue(s, test_catalogue(3, TEST_ENTITIES("")));
    run(s, "INSERT INTO company (name) VALUES ('Acme')");
    fb_store_close(s);
    s = open_store(where, FB_NODE_REPLICA);
    assert_int_equal(fb_store_catalogue(s)->version, 3);
    assert_int_equal(ask(s, "SELECT count(*) FROM company"), 1);
    assert_int_equal(fb_store_health(s)->triggers_restored, 0);
    assert_false(fb_store_health(s)->journal_mode_restored);
    fb_store_close(s);
}

FB_TEST(a_file_that_is_not_there_is_made_only_if_allowed)
{
    const char *where = path();
    expect_refused(where, &EXISTING, FB_ERR_NOT_FOUND, "there is no database at");
    assert_int_equal(access(where, F_OK), -1);
    expect_refused(fb_test_path("no/such/folder.db"), &SERVER, FB_ERR_IO,
                   "check that the folder exists");
    write_file(where, "", 0);
    expect_refused(where, &EXISTING, FB_ERR_NOT_FOUND, "is empty");
    fb_store_close(open_store(where, FB_NODE_SERVER));
}

FB_TEST(bytes_that_are_no_database_are_refused_and_left_alone)
{
    const char *where = path();
    char bytes[8192];
    memset(bytes, 'x', sizeof bytes);
    write_file(where, bytes, sizeof bytes);
    expect_refused(where, &SERVER, FB_ERR_DAMAGED, "damaged");
    struct stat st;
    assert_int_equal(stat(where, &st), 0);
    assert_int_equal(st.st_size, sizeof bytes);
}

FB_TEST(a_damaged_page_is_found_by_the_quick_check)
{
    const char *where = path();
    struct fb_store *s = open_store(where, FB_NODE_SERVER);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    run(s, "INSERT INTO company (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
           "FROM n WHERE i < 2000) "
           "SELECT hex(randomblob(50)) FROM n");
    fb_store_close(s);
    FILE *f = fopen(where, "r+b");
    assert_non_null(f);
    fseek(f, -20 * 4096, SEEK_END);
    for (int i = 0; i < 4096; i++) {
        fputc(0xA5, f);
    }
    fclose(f);
    expect_refused(where, &CHECKED, FB_ERR_DAMAGED, "restore a backup");
}

FB_TEST(a_newer_database_asks_for_a_newer_program)
{
    const char *where = path();
    fb_store_close(open_store(where, FB_NODE_SERVER));
    shell(where, "PRAGMA user_version = 999");
    expect_refused(where, &SERVER, FB_ERR_VERSION, "install a newer Fieldbook");
}

FB_TEST(a_database_of_another_program_is_refused_and_left_alone)
{
    const char *where = path();
    shell(where, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    expect_refused(where, &SERVER, FB_ERR_CONFIG, "another program");
    shell(where, "PRAGMA application_id = 7; PRAGMA user_version = 1");
    expect_refused(where, &SERVER, FB_ERR_CONFIG, "another program");
    char command[1024];
    snprintf(command, sizeof command,
             "test \"$(sqlite3 '%s' 'PRAGMA journal_mode; SELECT x FROM t' | tr '\\n' ' ')\" = "
             "'delete 1 '",
             where);
    assert_int_equal(system(command), 0);
}

FB_TEST(a_laptops_database_is_not_opened_as_headquarters)
{
    const char *where = path();
    fb_store_close(open_store(where, FB_NODE_REPLICA));
    expect_refused(where, &SERVER, FB_ERR_CONFIG, "belongs to a laptop, not to a headquarters");
    fb_store_close(open_store(where, FB_NODE_REPLICA));
    where = path();
    fb_store_close(open_store(where, FB_NODE_SERVER));
    expect_refused(where, &REPLICA, FB_ERR_CONFIG, "belongs to a headquarters, not to a laptop");
}

FB_TEST(a_database_that_does_not_know_its_kind_is_refused)
{
    const char *where = path();
    fb_store_close(open_store(where, FB_NODE_SERVER));
    shell(where, "DELETE FROM fb_meta");
    expect_refused(where, &SERVER, FB_ERR_DAMAGED, "what kind of node");
}

FB_TEST(a_catalogue_that_cannot_be_read_is_damage)
{
    const char *where = path();
    struct fb_store *s = open_store(where, FB_NODE_SERVER);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    fb_store_close(s);
    shell(where, "UPDATE fb_catalogue SET document = '{'");
    expect_refused(where, &SERVER, FB_ERR_DAMAGED, "catalogue");
}

FB_TEST(an_older_file_is_upgraded_by_the_daemon_only)
{
    const char *where = path();
    shell(where, "PRAGMA application_id = 0x46424442");
    expect_refused(where, &EXISTING, FB_ERR_VERSION, "start the daemon once");
    struct fb_store *s = open_store(where, FB_NODE_SERVER);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_rev"), 0);
    fb_store_close(s);
}

FB_TEST(a_file_without_the_right_to_write_is_refused)
{
    if (geteuid() == 0) {
        skip(); /* root may write anything */
    }
    const char *where = path();
    fb_store_close(open_store(where, FB_NODE_SERVER));
    assert_int_equal(chmod(where, 0400), 0);
    expect_refused(where, &SERVER, FB_ERR_IO, "may not be written");
}

FB_TEST(a_reader_sees_what_the_writer_committed_and_cannot_write)
{
    const char *where = path();
    struct fb_store *writer = open_store(where, FB_NODE_SERVER);
    struct fb_store *reader = NULL;
    struct fb_why why = {""};
    int64_t version_before = 0;
    int64_t version_after = 0;
    const struct fb_store_options options = {.node = FB_NODE_SERVER, .is_read_only = true};
    assert_int_equal(fb_store_open(where, &options, &reader, &why), FB_OK);
    assert_null(fb_store_catalogue(reader));
    expect_ok(reader, fb_store_data_version(reader, &version_before));
    put_catalogue(writer, test_catalogue(1, TEST_ENTITIES("")));
    expect_ok(reader, fb_store_data_version(reader, &version_after));
    assert_int_not_equal(version_before, version_after);
    expect_ok(reader, fb_store_read_begin(reader));
    assert_int_equal(fb_store_catalogue(reader)->version, 1);
    run(writer, "INSERT INTO company (name) VALUES ('later')");
    assert_int_equal(ask(reader, "SELECT count(*) FROM company"), 0); /* one snapshot */
    fb_store_read_end(reader);
    assert_int_equal(ask(reader, "SELECT count(*) FROM company"), 1);
    assert_int_equal(fb_sql_exec(reader, "DELETE FROM company"), FB_ERR_IO);
    fb_store_close(reader);
    fb_store_close(writer);
}

FB_TEST(a_newer_catalogue_of_another_connection_is_taken_at_the_next_transaction)
{
    const char *where = path();
    struct fb_store *one = open_store(where, FB_NODE_SERVER);
    put_catalogue(one, test_catalogue(1, TEST_ENTITIES("")));
    struct fb_store *two = open_store(where, FB_NODE_SERVER);
    put_catalogue(two,
                  test_catalogue(
                      2, TEST_ENTITIES(",{'no':30,'name':'fax','type':'text','en':'F','zh':'F'}")));
    const struct fb_catalogue *before = fb_store_catalogue(one);
    expect_ok(one, fb_store_begin(one));
    assert_int_equal(fb_store_catalogue(one)->version, 2);
    assert_non_null(fb_entity_field(entity(one, "company"), "fax"));
    fb_store_rollback(one);
    assert_int_equal(fb_store_catalogue(one)->version, 2);
    assert_int_equal(before->version, 1); /* pointers into it stay good */
    fb_store_close(one);
    fb_store_close(two);
}

FB_TEST(small_facts_are_kept_by_type)
{
    struct fb_store *s = open_store(path(), FB_NODE_SERVER);
    struct fb_value text = fb_value_text("abc");
    struct fb_value number = fb_value_int(-5);
    struct fb_value blob = fb_value_blob("\0\1", 2);
    char back[8] = "";
    char small[3];
    char bytes[2] = "";
    int64_t n = 0;
    assert_int_equal(fb_store_meta_int(s, "x", &n), FB_ERR_NOT_FOUND);
    expect_ok(s, fb_store_meta_set(s, "x", &number));
    expect_ok(s, fb_store_meta_set(s, "t", &text));
    expect_ok(s, fb_store_meta_set(s, "b", &blob));
    expect_ok(s, fb_store_meta_int(s, "x", &n));
    expect_ok(s, fb_store_meta_text(s, "t", back, sizeof back));
    expect_ok(s, fb_store_meta_blob(s, "b", bytes, sizeof bytes));
    assert_int_equal(n, -5);
    assert_string_equal(back, "abc");
    assert_memory_equal(bytes, "\0\1", 2);
    assert_int_equal(fb_store_meta_text(s, "t", small, sizeof small), FB_ERR_LIMIT);
    assert_int_equal(fb_store_meta_int(s, "t", &n), FB_ERR_INVALID);
    expect_ok(s, fb_store_meta_set(s, "x", &text));
    assert_int_equal(fb_store_meta_blob(s, "x", bytes, sizeof bytes), FB_ERR_INVALID);
    fb_store_close(s);
}

FB_TEST(an_undone_savepoint_takes_back_its_part_only)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    expect_ok(s, fb_store_begin(s));
    run(s, "INSERT INTO company (name) VALUES ('1')");
    expect_ok(s, fb_store_savepoint(s));
    run(s, "INSERT INTO company (name) VALUES ('2')");
    expect_ok(s, fb_store_savepoint(s));
    run(s, "INSERT INTO company (name) VALUES ('3')");
    expect_ok(s, fb_store_savepoint_undo(s));
    expect_ok(s, fb_store_savepoint_release(s));
    expect_ok(s, fb_store_savepoint(s));
    run(s, "INSERT INTO company (name) VALUES ('4')");
    expect_ok(s, fb_store_savepoint_undo(s));
    expect_ok(s, fb_store_commit(s));
    assert_int_equal(ask(s, "SELECT sum(name) FROM company"), 3);
    fb_store_close(s);
}

FB_TEST(a_rolled_back_catalogue_is_not_in_force)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_why why = {""};
    expect_ok(s, fb_store_begin(s));
    expect_ok(s,
              fb_store_set_catalogue(
                  s,
                  test_catalogue(
                      2, TEST_ENTITIES(",{'no':30,'name':'fax','type':'text','en':'F','zh':'F'}")),
                  1, &why));
    run(s, "INSERT INTO company (name, fax) VALUES ('1', '2')");
    fb_store_rollback(s);
    assert_int_equal(fb_store_catalogue(s)->version, 1);
    struct fb_arena arena = {0};
    struct fb_row row;
    assert_int_equal(fb_row_new(entity(s, "company"), ID_A, &arena, &row), FB_OK);
    row.values[0] = fb_value_text("x");
    expect_ok(s, fb_row_write(s, &row));
    fb_arena_release(&arena);
    fb_store_close(s);
}

FB_TEST(another_programs_lock_is_waited_for_and_then_named)
{
    const char *where = path();
    struct fb_store *one = open_store(where, FB_NODE_SERVER);
    struct fb_store *two = open_store(where, FB_NODE_SERVER);
    struct fb_why why = {""};
    run(two, "PRAGMA busy_timeout = 50");
    expect_ok(one, fb_store_begin(one));
    assert_int_equal(fb_store_begin(two), FB_ERR_BUSY);
    assert_int_equal(fb_store_error(two, &why), FB_ERR_BUSY);
    assert_non_null(strstr(why.text, "another program has locked"));
    assert_false(fb_store_in_transaction(two));
    fb_store_rollback(one);
    expect_ok(two, fb_store_begin(two));
    expect_ok(two, fb_store_commit(two));
    fb_store_close(one);
    fb_store_close(two);
}

FB_TEST(a_full_disk_ends_the_transaction_and_later_writes_do_not_slip_out_of_it)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_why why = {""};
    char text[64];
    snprintf(text, sizeof text, "PRAGMA max_page_count = %d", (int)ask(s, "PRAGMA page_count") + 3);
    assert_true(ask(s, text) > 0);
    expect_ok(s, fb_store_begin(s));
    run(s, "INSERT INTO company (name) VALUES ('before')");
    assert_int_equal(
        fb_sql_exec(
            s,
            "INSERT INTO contact (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            "FROM n WHERE i < 9000) SELECT hex(randomblob(100)) FROM n"),
        FB_ERR_DISK_FULL);
    assert_int_equal(fb_store_error(s, &why), FB_ERR_DISK_FULL);
    assert_non_null(strstr(why.text, "make room"));
    run(s, "PRAGMA max_page_count = 1000000");
    int rc = fb_sql_exec(s, "INSERT INTO company (name) VALUES ('after')");
    bool was_ended = rc == FB_ERR_DISK_FULL;
    rc = was_ended ? fb_store_commit(s) : FB_OK;
    assert_int_equal(rc, was_ended ? FB_ERR_DISK_FULL : FB_OK);
    fb_store_rollback(s);
    assert_false(fb_store_in_transaction(s));
    assert_int_equal(ask(s, "SELECT count(*) FROM company"), 0);
    expect_ok(s, fb_store_begin(s));
    run(s, "INSERT INTO company (name) VALUES ('room')");
    expect_ok(s, fb_store_commit(s));
    fb_store_close(s);
}

FB_TEST(a_checkpoint_when_idle_does_no_harm_beside_a_reader)
{
    const char *where = path();
    struct fb_store *s = open_store(where, FB_NODE_SERVER);
    struct fb_store *reader = open_store(where, FB_NODE_SERVER);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    expect_ok(reader, fb_store_read_begin(reader));
    run(s, "INSERT INTO company (name) VALUES ('x')");
    expect_ok(s, fb_store_checkpoint(s));
    assert_int_equal(ask(reader, "SELECT count(*) FROM company"), 0);
    fb_store_read_end(reader);
    expect_ok(s, fb_store_checkpoint(s));
    fb_store_close(reader);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(both_nodes_run_with_a_write_ahead_log_that_is_synced_at_every_commit),
        FB_CASE(a_planted_bug_weakens_the_sync),
        FB_CASE(a_connection_is_set_as_the_security_list_asks),
        FB_CASE(what_was_committed_is_there_at_the_next_opening),
        FB_CASE(a_file_that_is_not_there_is_made_only_if_allowed),
        FB_CASE(bytes_that_are_no_database_are_refused_and_left_alone),
        FB_CASE(a_damaged_page_is_found_by_the_quick_check),
        FB_CASE(a_newer_database_asks_for_a_newer_program),
        FB_CASE(a_database_of_another_program_is_refused_and_left_alone),
        FB_CASE(a_laptops_database_is_not_opened_as_headquarters),
        FB_CASE(a_database_that_does_not_know_its_kind_is_refused),
        FB_CASE(a_catalogue_that_cannot_be_read_is_damage),
        FB_CASE(an_older_file_is_upgraded_by_the_daemon_only),
        FB_CASE(a_file_without_the_right_to_write_is_refused),
        FB_CASE(a_reader_sees_what_the_writer_committed_and_cannot_write),
        FB_CASE(a_newer_catalogue_of_another_connection_is_taken_at_the_next_transaction),
        FB_CASE(small_facts_are_kept_by_type),
        FB_CASE(an_undone_savepoint_takes_back_its_part_only),
        FB_CASE(a_rolled_back_catalogue_is_not_in_force),
        FB_CASE(another_programs_lock_is_waited_for_and_then_named),
        FB_CASE(a_full_disk_ends_the_transaction_and_later_writes_do_not_slip_out_of_it),
        FB_CASE(a_checkpoint_when_idle_does_no_harm_beside_a_reader))
