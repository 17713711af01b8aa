/* SPDX-License-Identifier: MIT
 *
 * Laptops that slept past the horizon of the log (faults.md C7, C8).
 */
#include <stdlib.h>

#include "common/base/limits.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

/* Whatever is older than a second is packed, but for the newest rev. */
static void log_is_packed(struct fb_world *t)
{
    bool is_packed = true;
    fb_limit_log_segment_entries = 1;
    server_settles(t);
    fb_hub_set_horizon(t->hub, 1000);
    world_time_passes(t, 5000);
    while (is_packed) {
        assert_int_equal(fb_hub_compact(t->hub, t->now_ms, &is_packed), FB_OK);
    }
    assert_true(atoi(server_asks(t, "SELECT count(*) FROM fb_log_segment", NULL)) > 0);
}

static struct fb_world *ana_and_ben(void)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    server_has_an_order(t);
    server_makes(t, "contact/wu", "company_id", "@company/acme", "family_name", "Wu", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
    return t;
}

FB_TEST(a_laptop_that_slept_past_the_horizon_gets_what_is_there_and_loses_what_is_not)
{
    struct fb_world *t = ana_and_ben();
    server_edits(t, "contact/li", "family_name", "Lin");
    server_deletes(t, "contact/wu");
    server_makes(t, "contact/new", "company_id", "@company/acme", "family_name", "New", "owner_id",
                 "@employee/ana", NULL);
    log_is_packed(t);
    replica_syncs(t, "ben");
    expect_replica(t, "ben", "contact/li", "family_name", "Lin");
    expect_replica(t, "ben", "contact/wu", "family_name", "(no row)");
    expect_replica(t, "ben", "contact/new", "family_name", "New");
    replica_syncs(t, "ana");
    expect_equal_digests(t);
    expect_verified(t);
    world_close(t);
}

FB_TEST(its_unsent_work_is_kept_and_merged_with_the_base_it_has)
{
    struct fb_world *t = ana_and_ben();
    replica_edits(t, "ben", "contact/li", "family_name", "Lee");
    replica_edits(t, "ben", "company/acme", "website", "acme.example");
    replica_makes(t, "ben", "contact/his", "company_id", "@company/acme", "family_name", "His",
                  "owner_id", "@employee/ben", NULL);
    replica_edits(t, "ben", "contact/wu", "family_name", "Wen");
    server_edits(t, "contact/li", "family_name", "Lin"); /* later: it stands */
    server_deletes(t, "contact/wu");
    log_is_packed(t);
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "family_name", "Lin");
    expect_conflict_keeps(t, "contact/li", "family_name", "Lee");
    expect_everywhere(t, "company/acme", "website", "acme.example");
    expect_everywhere(t, "contact/his", "family_name", "His");
    expect_everywhere(t, "contact/wu", "family_name", "Wen"); /* the edit wins, with a conflict */
    expect_conflicts(t, "contact/wu", 1);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM held_change", NULL), "0");
    expect_verified(t);
    world_close(t);
}

/* Of a hundred companies one has changed, and one has work of the laptop's own. */
FB_TEST(accounts_that_nobody_touched_are_not_fetched_again)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    struct fb_replica_round *ben = world_replica(t, "ben")->round;
    server_has_two_territories(t);
    server_runs(t, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                   "INSERT INTO company (name, kind, status, owner_id) SELECT printf('C%03d', i), "
                   "'prospect', 'active', e.id FROM n, employee AS e WHERE user_name = 'ben'");
    everybody_syncs(t);
    server_runs(t, "UPDATE company SET website = 'new.example' WHERE name = 'C042'");
    server_settles(t);
    server_runs(t, "DELETE FROM company WHERE name = 'C043'");
    server_settles(t);
    server_runs(t, "UPDATE company SET short_name = 'x' WHERE name = 'C044'");
    replica_runs(t, "ben", "UPDATE company SET website = 'mine.example' WHERE name = 'C044'");
    log_is_packed(t);
    int64_t rows_before = fb_replica_round_status(ben)->rows_received;
    replica_connects(t, "ben");
    assert_true(fb_replica_round_status(ben)->scopes_same > 90);
    assert_true(fb_replica_round_status(ben)->rows_received - rows_before < 50);
    assert_int_equal(fb_replica_round_status(ben)->found, 0);
    assert_string_equal(
        replica_asks(t, "ben", "SELECT group_concat(website) FROM company WHERE name > 'C'", NULL),
        "new.example,mine.example");
    assert_string_equal(
        replica_asks(t, "ben", "SELECT count(*) FROM company WHERE name LIKE 'C0%'", NULL), "98");
    replica_disconnects(t, "ben");
    everybody_syncs(t);
    expect_equal_digests(t);
    expect_verified(t);
    world_close(t);
}

FB_TEST(chunks_of_single_rows_end_as_well)
{
    struct fb_world *t = ana_and_ben();
    server_edits(t, "contact/wu", "family_name", "Wen");
    log_is_packed(t);
    fb_limit_chunk_rows = 1;
    replica_connects(t, "ben"); /* to the end, chunk by chunk */
    fb_limit_chunk_rows = 2000;
    replica_disconnects(t, "ben");
    expect_replica(t, "ben", "contact/wu", "family_name", "Wen");
    everybody_syncs(t);
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(a_laptop_that_stands_at_the_horizon_goes_on_as_ever)
{
    struct fb_world *t = ana_and_ben();
    server_settles(t);
    everybody_syncs(t);
    server_edits(t, "contact/li", "family_name", "Lin");
    log_is_packed(t); /* all but the last edit */
    int64_t before = t->bytes_to_replicas;
    replica_syncs(t, "ana");
    assert_true(t->bytes_to_replicas - before < 4000);
    expect_replica(t, "ana", "contact/li", "family_name", "Lin");
    everybody_syncs(t);
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(a_connected_laptop_that_the_horizon_passed_connects_again_and_is_equal)
{
    struct fb_world *t = ana_and_ben();
    replica_connects(t, "ben");
    /* Nothing of this is his to see, so nothing pokes him. */
    server_runs(t, "INSERT INTO device (id, name, employee_id, kind, certificate_serial, state) "
                   "SELECT '018f0000-0000-7000-8000-0000000000d9', 'other', employee_id, kind, "
                   "'S9', state FROM device LIMIT 1");
    server_runs(t, "UPDATE device SET name = 'another' WHERE certificate_serial = 'S9'");
    server_settles(t);
    server_runs(t, "UPDATE device SET name = 'a third' WHERE certificate_serial = 'S9'");
    server_settles(t);
    log_is_packed(t);
    server_edits(t, "contact/li", "family_name", "Lin");
    server_settles(t);
    world_runs(t);
    replica_disconnects(t, "ben");
    replica_syncs(t, "ben");
    expect_replica(t, "ben", "contact/li", "family_name", "Lin");
    replica_syncs(t, "ana");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(a_download_that_began_before_the_horizon_begins_anew)
{
    struct fb_world *t = ana_and_ben();
    server_edits(t, "contact/li", "family_name", "Lin");
    server_deletes(t, "contact/wu");
    log_is_packed(t);
    /* a chunk that he fetched long ago: it lacks nothing, but nobody can tell him what changed since */
    replica_runs(t, "ben",
                 "INSERT INTO fb_stage (rev, rows, bytes, position) VALUES (1, 0, x'', "
                 "x'')");
    replica_syncs(t, "ben");
    expect_replica(t, "ben", "contact/li", "family_name", "Lin");
    expect_replica(t, "ben", "contact/wu", "family_name", "(no row)");
    replica_syncs(t, "ana");
    expect_equal_digests(t);
    world_close(t);
}

/* ---- Rule 23, when the log does not reach back to the cursor ---- */

static struct fb_world *acme_is_bens(void)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    server_has_two_territories(t);
    server_makes(t, "company_territory/acme", "company_id", "@company/acme", "territory_id",
                 "@territory/south", "how", "manual", NULL);
    server_makes(t, "contact/li", "company_id", "@company/acme", "family_name", "Li", "owner_id",
                 "@employee/boss", NULL);
    everybody_syncs(t);
    return t;
}

static void acme_moves_north(struct fb_world *t)
{
    server_edits(t, "company_territory/acme", "territory_id", "@territory/north");
    server_settles(t);
}

FB_TEST(an_edit_of_an_account_that_left_after_the_horizon_is_merged)
{
    struct fb_world *t = acme_is_bens();
    replica_edits(t, "ben", "contact/li", "family_name", "Lee");
    server_edits(t, "contact/li", "job_title", "buyer");
    log_is_packed(t);
    acme_moves_north(t);
    everybody_syncs(t);
    expect_server(t, "contact/li", "family_name", "Lee");
    expect_replica(t, "ben", "contact/li", "family_name", "(no row)");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM held_change", NULL), "0");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(an_edit_of_an_account_that_left_before_the_horizon_waits_for_a_person)
{
    struct fb_world *t = acme_is_bens();
    replica_edits(t, "ben", "contact/li", "family_name", "Lee");
    acme_moves_north(t);
    server_edits(t, "contact/li", "job_title", "buyer");
    log_is_packed(t);
    everybody_syncs(t);
    expect_server(t, "contact/li", "family_name", "Li");
    expect_held(t, 1, "out_of_scope");
    assert_string_equal(
        replica_asks(t, "ben", "SELECT count(*) FROM held_change WHERE changes LIKE '%Lee%'", NULL),
        "1");
    /* Somebody at headquarters knows that it was his account. */
    server_runs(t, "UPDATE held_change SET asked_id = (SELECT id FROM employee WHERE user_name = "
                   "'boss'), state = 'retried'");
    everybody_syncs(t);
    expect_server(t, "contact/li", "family_name", "Lee");
    expect_equal_digests(t);
    world_close(t);
}

/* G7: the answer does not tell whether there is such a record. */
FB_TEST(an_edit_of_what_never_was_is_answered_alike)
{
    struct fb_world *t = acme_is_bens();
    replica_edits(t, "ben", "contact/li", "family_name", "Lee");
    replica_makes(t, "ben", "contact/guess", "company_id", "@company/acme", "family_name", "Guess",
                  "owner_id", "@employee/ben", NULL);
    replica_runs(t, "ben", "DELETE FROM fb_journal WHERE op = 1");
    replica_edits(t, "ben", "contact/guess", "family_name", "Guessed");
    acme_moves_north(t);
    server_edits(t, "contact/li", "job_title", "buyer");
    log_is_packed(t);
    everybody_syncs(t);
    expect_held(t, 2, "out_of_scope");
    assert_string_equal(server_asks(t, "SELECT count(DISTINCT reason_text) FROM held_change", NULL),
                        "1");
    world_close(t);
}

FB_TEST(where_a_row_stood_is_known_after_its_entries_were_packed)
{
    struct fb_world *t = acme_is_bens();
    server_edits(t, "contact/li", "job_title", "buyer");
    log_is_packed(t);
    server_makes(t, "company/bolt", "name", "Bolt", "owner_id", "@employee/boss", NULL);
    server_edits(t, "contact/li", "company_id", "@company/bolt");
    everybody_syncs(t);
    expect_replica(t, "ben", "contact/li", "family_name", "(no row)");
    expect_equal_digests(t);
    expect_verified(t);
    world_close(t);
}

FB_TEST(a_merging_that_was_packed_is_not_taken_back)
{
    struct fb_world *t = ana_and_ben();
    server_makes(t, "merge_job/one", "entity", "contact", "keep_id", "@contact/li", "drop_id",
                 "@contact/wu", "state", "merged", NULL);
    server_settles(t);
    server_edits(t, "contact/li", "job_title", "buyer");
    log_is_packed(t);
    server_edits(t, "merge_job/one", "state", "undone");
    server_settles(t);
    expect_server(t, "merge_job/one", "state", "merged");
    assert_string_equal(
        server_asks(t, "SELECT count(*) FROM contact WHERE family_name = 'Wu'", NULL), "0");
    world_close(t);
}

FB_TEST(nothing_is_packed_without_a_horizon_or_while_headquarters_was_set_back)
{
    struct fb_world *t = ana_and_ben();
    bool is_packed = true;
    fb_limit_log_segment_entries = 1;
    server_settles(t);
    assert_int_equal(fb_hub_compact(t->hub, t->now_ms + INT64_C(100000000000), &is_packed), FB_OK);
    assert_false(is_packed);
    fb_hub_set_horizon(t->hub, INT64_C(1000000));
    assert_int_equal(fb_hub_compact(t->hub, t->now_ms, &is_packed), FB_OK);
    assert_false(is_packed);
    world_close(t);
}

FB_MAIN(FB_CASE(a_laptop_that_slept_past_the_horizon_gets_what_is_there_and_loses_what_is_not),
        FB_CASE(its_unsent_work_is_kept_and_merged_with_the_base_it_has),
        FB_CASE(accounts_that_nobody_touched_are_not_fetched_again),
        FB_CASE(chunks_of_single_rows_end_as_well),
        FB_CASE(a_laptop_that_stands_at_the_horizon_goes_on_as_ever),
        FB_CASE(a_connected_laptop_that_the_horizon_passed_connects_again_and_is_equal),
        FB_CASE(a_download_that_began_before_the_horizon_begins_anew),
        FB_CASE(an_edit_of_an_account_that_left_after_the_horizon_is_merged),
        FB_CASE(an_edit_of_an_account_that_left_before_the_horizon_waits_for_a_person),
        FB_CASE(an_edit_of_what_never_was_is_answered_alike),
        FB_CASE(where_a_row_stood_is_known_after_its_entries_were_packed),
        FB_CASE(a_merging_that_was_packed_is_not_taken_back),
        FB_CASE(nothing_is_packed_without_a_horizon_or_while_headquarters_was_set_back))
