/* SPDX-License-Identifier: MIT
 *
 * Pushes and cuts as the hub sees them: exactly once, acknowledged only after the commit, answered row by row, in chunks, poked;
 * laptops that were copied or set back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

static struct fb_world *t;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(t);
    return 0;
}

/* The laptop says all it has to say; headquarters merges it, and its answer is lost. */
static void push_without_an_answer(const char *who)
{
    struct fb_world_replica *r = world_replica(t, who);
    struct fb_buf bytes;
    fb_buf_init(&bytes, 16 * 1024 * 1024);
    assert_int_equal(fb_hub_open(t->hub, r->device_id, t->now_ms, &r->session), FB_OK);
    fb_replica_round_opened(r->round, t->now_ms);
    fb_replica_round_noticed_write(r->round, t->now_ms);
    for (int i = 0; i < 4; i++) {
        fb_buf_clear(&bytes);
        assert_int_equal(fb_replica_round_take(r->round, &bytes, t->now_ms), FB_OK);
        assert_int_equal(fb_server_session_feed(r->session, bytes.bytes, bytes.size, t->now_ms),
                         FB_OK);
        fb_buf_clear(&bytes);
        if (i == 0) {
            assert_int_equal(fb_server_session_take(r->session, &bytes, t->now_ms), FB_OK);
            assert_int_equal(fb_replica_round_feed(r->round, bytes.bytes, bytes.size, t->now_ms),
                             FB_OK);
        }
    }
    fb_buf_release(&bytes);
    server_settles(t);
    replica_disconnects(t, who);
}

FB_TEST(a_push_whose_ack_was_lost_counts_once)
{
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    push_without_an_answer("ana");
    expect_server(t, "company/acme", "website", "a.example");
    server_edits(t, "company/acme", "website", "b.example");
    expect_everywhere(t, "company/acme", "website", "b.example");
    expect_conflicts(t, "company/acme", 0);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_seen", NULL), "1");
}

FB_TEST(an_edit_made_between_a_push_and_its_lost_ack_is_not_taken_for_delivered)
{
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    push_without_an_answer("ana");
    replica_edits(t, "ana", "company/acme", "website", "second.example");
    expect_everywhere(t, "company/acme", "website", "second.example");
}

FB_TEST(what_was_acknowledged_survives_headquarters_crash)
{
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    replica_syncs(t, "ana");
    world_server_restarts(t);
    expect_everywhere(t, "company/acme", "website", "a.example");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_seen", NULL), "1");
}

FB_TEST(nothing_is_acknowledged_while_another_program_holds_the_database)
{
    struct fb_why why = {""};
    struct fb_store *other = NULL;
    struct fb_store_options options = {.node = FB_NODE_SERVER};
    struct fb_world_replica *ana = world_replica(t, "ana");
    assert_int_equal(fb_store_open(t->path, &options, &other, &why), FB_OK);
    replica_connects(t, "ana");
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    fb_replica_round_noticed_write(ana->round, t->now_ms);
    assert_int_equal(fb_store_begin(other), FB_OK);
    struct fb_buf bytes;
    fb_buf_init(&bytes, 1024 * 1024);
    assert_int_equal(fb_replica_round_take(ana->round, &bytes, t->now_ms), FB_OK);
    assert_int_equal(fb_server_session_feed(ana->session, bytes.bytes, bytes.size, t->now_ms),
                     FB_OK);
    assert_int_equal(fb_hub_settle(t->hub, t->now_ms), FB_ERR_BUSY);
    fb_buf_clear(&bytes);
    assert_int_equal(fb_server_session_take(ana->session, &bytes, t->now_ms), FB_OK);
    assert_int_equal(bytes.size, 0);
    assert_true(fb_hub_has_work(t->hub));
    fb_store_rollback(other);
    fb_store_close(other);
    fb_buf_release(&bytes);
    world_runs(t);
    expect_server(t, "company/acme", "website", "a.example");
    assert_true(fb_replica_round_is_in_step(ana->round));
}

FB_TEST(pushes_of_several_laptops_are_revs_of_their_own_in_one_commit)
{
    replica_connects(t, "ana");
    replica_connects(t, "bo");
    long before = strtol(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL), NULL, 10);
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    replica_edits(t, "bo", "company/acme", "short_name", "AC");
    fb_replica_round_noticed_write(world_replica(t, "ana")->round, t->now_ms);
    fb_replica_round_noticed_write(world_replica(t, "bo")->round, t->now_ms);
    world_runs(t);
    assert_int_equal(strtol(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL), NULL, 10),
                     before + 2);
    expect_everywhere(t, "company/acme", "website", "a.example");
    expect_everywhere(t, "company/acme", "short_name", "AC");
}

FB_TEST(a_connected_laptop_is_poked_when_another_pushes_or_headquarters_writes)
{
    replica_connects(t, "ana");
    replica_connects(t, "bo");
    server_edits(t, "company/acme", "short_name", "AC");
    world_runs(t);
    expect_replica(t, "ana", "company/acme", "short_name", "AC");
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    fb_replica_round_noticed_write(world_replica(t, "ana")->round, t->now_ms);
    world_runs(t);
    expect_replica(t, "bo", "company/acme", "website", "a.example");
}

static void shell(const char *format, const char *a, const char *b)
{
    FB_AUTO(fb_buf_release) struct fb_buf command;
    fb_buf_init(&command, 4096);
    fb_buf_printf(&command, "a='%s'; b='%s'; %s", a, b, format);
    assert_int_equal(system(fb_buf_text(&command)), 0);
}

FB_TEST(a_laptop_set_back_to_its_backup_hands_in_its_work_and_catches_up)
{
    struct fb_world_replica *ana = world_replica(t, "ana");
    const char *copy = fb_test_path("ana.backup");
    replica_edits(t, "ana", "company/acme", "short_name", "unsent");
    shell("rm -f $b; sqlite3 $a \"VACUUM INTO '$b'\"", ana->path, copy);
    replica_edits(t, "ana", "company/acme", "website", "later.example");
    replica_syncs(t, "ana");
    fb_replica_round_free(ana->round);
    fb_store_close(ana->store);
    shell("rm -f $a-wal $a-shm; mv $b $a", ana->path, copy);
    struct fb_why why = {""};
    struct fb_store_options options = {.node = FB_NODE_REPLICA};
    assert_int_equal(fb_store_open(ana->path, &options, &ana->store, &why), FB_OK);
    assert_int_equal(fb_replica_round_new(ana->store, &ana->random, &ana->round), FB_OK);
    expect_everywhere(t, "company/acme", "website", "later.example");
    expect_everywhere(t, "company/acme", "short_name", "unsent");
    assert_string_equal(server_asks(t, "SELECT count(*) > 2 FROM fb_incarnation", NULL), "1");
}

/* As after a wiped welcome, and as after headquarters' restore: ana comes with a new life, bo writes, and ana's timeline is gone. */
FB_TEST(what_an_earlier_life_delivered_counts_once_when_it_comes_again)
{
    replica_edits(t, "ana", "company/acme", "website", "a.example");
    replica_syncs(t, "ana");
    replica_runs(t, "ana", "UPDATE fb_meta SET value = 0 WHERE key = 'incarnation'");
    replica_disconnects(t, "ana");
    replica_syncs(t, "ana");
    assert_string_equal(
        replica_asks(t, "ana", "SELECT count(*) FROM fb_push WHERE number = 0", NULL), "1");
    everybody_syncs(t);
    replica_edits(t, "bo", "company/acme", "website", "b.example");
    replica_syncs(t, "bo");
    replica_disconnects(t, "ana");
    server_runs(t, "UPDATE fb_timeline SET parent = '01890000-0000-7000-8000-0000000000aa', "
                   "forked_at_rev = 100000");
    replica_runs(t, "ana",
                 "UPDATE fb_meta SET value = '01890000-0000-7000-8000-0000000000aa' "
                 "WHERE key = 'timeline'");
    replica_syncs(t, "ana");
    replica_syncs(t, "ana");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_replayed", NULL), "0");
    assert_string_equal(
        replica_asks(t, "ana", "SELECT origin_number FROM fb_push WHERE number = 1", NULL), "1");
    expect_everywhere(t, "company/acme", "website", "b.example");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM conflict", NULL), "0");
}

FB_TEST(a_copy_that_never_pushed_is_noticed_by_two_connections_of_one_laptop)
{
    struct fb_server_session *second = NULL;
    replica_connects(t, "ana");
    assert_int_equal(fb_hub_open(t->hub, world_replica(t, "ana")->device_id, t->now_ms, &second),
                     FB_OK);
    world_runs(t);
    fb_hub_close(t->hub, second);
    const char *before =
        replica_asks(t, "ana", "SELECT value FROM fb_meta WHERE key = 'incarnation'", NULL);
    replica_edits(t, "ana", "company/acme", "website", "copied.example");
    replica_syncs(t, "ana");
    assert_string_not_equal(
        replica_asks(t, "ana", "SELECT value FROM fb_meta WHERE key = 'incarnation'", NULL),
        before);
    assert_string_equal(
        server_asks(t, "SELECT count(*) FROM fb_incarnation WHERE superseded_by IS NOT NULL", NULL),
        "1");
    expect_everywhere(t, "company/acme", "website", "copied.example");
}

FB_TEST(a_first_download_of_many_rows_comes_in_chunks)
{
    server_runs(t,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                " INSERT INTO contact (family_name, company_id, owner_id) SELECT 'Contact ' || i,"
                " (SELECT id FROM company), (SELECT id FROM employee ORDER BY id LIMIT 1) FROM n");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM contact", NULL), "5000");
    expect_equal_digests(t);
    replica_runs(t, "bo", "UPDATE contact SET department = 'Sales'");
    everybody_syncs(t);
    assert_string_equal(
        replica_asks(t, "ana", "SELECT count(*) FROM contact WHERE department = 'Sales'", NULL),
        "5000");
    expect_equal_digests(t);
}

FB_TEST(a_revoked_laptop_is_refused_at_once_and_nothing_of_it_is_merged)
{
    struct fb_world_replica *ana = world_replica(t, "ana");
    replica_connects(t, "ana");
    server_edits(t, "device/ana", "state", "revoked");
    replica_edits(t, "ana", "company/acme", "website", "revoked.example");
    world_runs(t);
    assert_null(ana->session);
    assert_int_equal(fb_replica_round_status(ana->round)->refusal, FB_REFUSAL_REVOKED);
    replica_connects(t, "ana");
    assert_null(ana->session);
    expect_server(t, "company/acme", "website", "NULL");
}

FB_TEST(a_newer_connection_of_a_laptop_replaces_the_older)
{
    struct fb_server_session *second = NULL;
    replica_connects(t, "ana");
    assert_int_equal(fb_hub_open(t->hub, world_replica(t, "ana")->device_id, t->now_ms, &second),
                     FB_OK);
    world_runs(t);
    assert_null(world_replica(t, "ana")->session);
    fb_hub_close(t->hub, second);
    expect_everywhere(t, "company/acme", "name", "Acme");
}

FB_TEST(a_tools_replaced_row_at_headquarters_keeps_the_digests)
{
    server_runs(t, "INSERT OR REPLACE INTO company (id, name, owner_id) SELECT id, 'Replaced', "
                   "owner_id FROM company");
    expect_everywhere(t, "company/acme", "name", "Replaced");
    server_runs(t,
                "UPDATE company SET modified_at = '2020-01-01T00:00:00.000Z', created_by = NULL");
    server_runs(t, "DELETE FROM company");
    expect_gone(t, "company/acme");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_push_whose_ack_was_lost_counts_once),
        CASE(an_edit_made_between_a_push_and_its_lost_ack_is_not_taken_for_delivered),
        CASE(what_was_acknowledged_survives_headquarters_crash),
        CASE(nothing_is_acknowledged_while_another_program_holds_the_database),
        CASE(pushes_of_several_laptops_are_revs_of_their_own_in_one_commit),
        CASE(a_connected_laptop_is_poked_when_another_pushes_or_headquarters_writes),
        CASE(a_laptop_set_back_to_its_backup_hands_in_its_work_and_catches_up),
        CASE(what_an_earlier_life_delivered_counts_once_when_it_comes_again),
        CASE(a_copy_that_never_pushed_is_noticed_by_two_connections_of_one_laptop),
        CASE(a_first_download_of_many_rows_comes_in_chunks),
        CASE(a_revoked_laptop_is_refused_at_once_and_nothing_of_it_is_merged),
        CASE(a_newer_connection_of_a_laptop_replaces_the_older),
        CASE(a_tools_replaced_row_at_headquarters_keeps_the_digests),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
