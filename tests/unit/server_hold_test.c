/* SPDX-License-Identifier: MIT
 *
 * What cannot be applied is held by aggregate (rule 20); people correct, retry or discard it, and rule about conflicts.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

static struct fb_world *t;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    server_has_an_order(t);
    everybody_syncs(t);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(t);
    return 0;
}

static void decide_held(const char *state)
{
    char sql[256];
    snprintf(sql, sizeof sql, "UPDATE held_change SET state = '%s' WHERE state = 'waiting'", state);
    server_runs(t, sql);
    server_settles(t);
}

static void rule(const char *outcome, const char *typed)
{
    char sql[512];
    snprintf(sql, sizeof sql, "UPDATE conflict SET outcome = '%s', typed = %s%s%s", outcome,
             typed == NULL ? "" : "'", typed == NULL ? "NULL" : typed, typed == NULL ? "" : "'");
    server_runs(t, sql);
    server_settles(t);
}

/* ---- Holding ---- */

FB_TEST(a_step_that_is_not_allowed_is_held_and_the_laptop_returns)
{
    server_edits(t, "sales_order/one", "status", "cancelled");
    everybody_syncs(t);
    replica_edits(t, "ana", "sales_order/one", "status", "delivered");
    expect_everywhere(t, "sales_order/one", "status", "cancelled");
    expect_held(t, 1, "not_allowed_step");
    assert_string_equal(replica_asks(t, "ana", "SELECT state FROM receipt", NULL), "held");
    assert_string_equal(replica_asks(t, "bo", "SELECT count(*) FROM receipt", NULL), "0");
}

FB_TEST(one_held_aggregate_lets_everything_else_pass)
{
    server_edits(t, "sales_order/one", "status", "cancelled");
    everybody_syncs(t);
    replica_runs(t, "ana", "UPDATE sales_order SET status = 'closed', customer_po = 'PO 7'");
    replica_edits(t, "ana", "order_line/a", "name", "Line of a held order");
    replica_edits(t, "ana", "contact/li", "department", "Sales");
    expect_everywhere(t, "contact/li", "department", "Sales");
    expect_everywhere(t, "sales_order/one", "customer_po", "NULL");
    expect_everywhere(t, "order_line/a", "name", "Thing");
    expect_held(t, 1, "not_allowed_step");
}

FB_TEST(a_note_about_nothing_is_held)
{
    replica_makes(t, "ana", "note/n", "entity", "contact", "record_id", "@contact/nobody", "body",
                  "text", "by_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_server(t, "note/n", "id", "(no row)");
    expect_replica(t, "ana", "note/n", "id", "(no row)");
    expect_held(t, 1, "missing_row");
}

FB_TEST(what_depends_on_a_held_insert_is_held_too)
{
    replica_makes(t, "ana", "company/bad", "name", "Bad", "owner_id", "@employee/nobody", NULL);
    replica_makes(t, "ana", "contact/of_bad", "family_name", "Wu", "company_id", "@company/bad",
                  "owner_id", "@employee/ana", NULL);
    replica_makes(t, "ana", "contact/good", "family_name", "Good", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", NULL);
    expect_everywhere(t, "contact/good", "family_name", "Good");
    expect_server(t, "contact/of_bad", "id", "(no row)");
    expect_held(t, 2, "missing_row");
}

FB_TEST(nobody_becomes_his_own_ancestor)
{
    server_makes(t, "company/sub", "name", "Sub", "owner_id", "@employee/ana", "parent_id",
                 "@company/acme", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "company/acme", "parent_id", "@company/sub");
    expect_everywhere(t, "company/acme", "parent_id", "NULL");
    expect_held(t, 1, "rule");
}

FB_TEST(two_people_building_a_circle_is_found)
{
    server_makes(t, "company/sub", "name", "Sub", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "company/sub", "parent_id", "@company/acme");
    replica_edits(t, "bo", "company/acme", "parent_id", "@company/sub");
    replica_syncs(t, "ana");
    expect_everywhere(t, "company/sub", "parent_id", "@company/acme");
    expect_everywhere(t, "company/acme", "parent_id", "NULL");
    expect_held(t, 1, "rule");
}

FB_TEST(added_rows_are_never_changed)
{
    server_makes(t, "order_event/e", "sales_order_id", "@sales_order/one", "kind", "confirmed",
                 "at", "2026-01-01T00:00:00.000Z", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "order_event/e", "at", "2027-01-01T00:00:00.000Z");
    expect_everywhere(t, "order_event/e", "at", "2026-01-01T00:00:00.000Z");
    expect_held(t, 1, "rule");
}

/* ---- Decisions about held changes ---- */

FB_TEST(a_held_change_tried_again_stands_once_its_reason_is_gone)
{
    replica_makes(t, "ana", "company/late", "name", "Late", "owner_id", "@employee/cy", NULL);
    everybody_syncs(t);
    expect_held(t, 1, "missing_row");
    server_makes(t, "employee/cy", "code", "cy", "user_name", "cy", "family_name", "Cy", NULL);
    decide_held("retried");
    expect_everywhere(t, "company/late", "name", "Late");
    expect_held(t, 0, "missing_row");
    assert_string_equal(
        server_asks(t, "SELECT created_by FROM company WHERE id = ?1", "company/late"),
        world_id("employee/ana"));
}

FB_TEST(a_held_change_that_still_breaks_its_rule_waits_on)
{
    replica_makes(t, "ana", "company/late", "name", "Late", "owner_id", "@employee/cy", NULL);
    everybody_syncs(t);
    decide_held("retried");
    expect_held(t, 1, "missing_row");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM held_change", NULL), "1");
    expect_equal_digests(t);
}

FB_TEST(a_corrected_held_change_stands_as_corrected)
{
    char sql[512];
    replica_makes(t, "ana", "company/late", "name", "Late", "owner_id", "@employee/cy", NULL);
    everybody_syncs(t);
    snprintf(sql, sizeof sql,
             "UPDATE held_change SET state = 'corrected', changes = replace(changes, '%s', '%s')",
             world_id("employee/cy"), world_id("employee/bo"));
    server_runs(t, sql);
    expect_everywhere(t, "company/late", "owner_id", "@employee/bo");
}

FB_TEST(a_discarded_held_change_is_gone_for_good_but_kept_to_read)
{
    replica_makes(t, "ana", "company/late", "name", "Late", "owner_id", "@employee/cy", NULL);
    everybody_syncs(t);
    decide_held("discarded");
    everybody_syncs(t);
    expect_server(t, "company/late", "id", "(no row)");
    assert_string_equal(server_asks(t, "SELECT instr(changes, 'Late') > 0 FROM held_change", NULL),
                        "1");
}

FB_TEST(a_held_change_nobody_can_read_waits_with_the_reason)
{
    replica_makes(t, "ana", "company/late", "name", "Late", "owner_id", "@employee/cy", NULL);
    everybody_syncs(t);
    server_runs(t, "UPDATE held_change SET state = 'corrected', changes = '{}'");
    server_settles(t);
    assert_string_equal(server_asks(t, "SELECT state FROM held_change", NULL), "waiting");
    assert_string_equal(
        server_asks(t, "SELECT reason_text LIKE '%cannot be read%' FROM held_change", NULL), "1");
}

/* ---- Rulings ---- */

static void two_names(void)
{
    replica_edits(t, "ana", "company/acme", "name", "Laptop name");
    server_edits(t, "company/acme", "name", "HQ name");
    everybody_syncs(t);
}

FB_TEST(ruling_for_the_laptop_writes_its_value_everywhere)
{
    two_names();
    rule("kept_mine", NULL);
    expect_everywhere(t, "company/acme", "name", "Laptop name");
    assert_string_equal(server_asks(t, "SELECT decided_at IS NOT NULL FROM conflict", NULL), "1");
    assert_string_equal(replica_asks(t, "ana", "SELECT outcome FROM conflict", NULL), "kept_mine");
}

FB_TEST(ruling_for_headquarters_leaves_its_value)
{
    two_names();
    rule("kept_theirs", NULL);
    expect_everywhere(t, "company/acme", "name", "HQ name");
}

FB_TEST(ruling_for_the_original_brings_it_back)
{
    two_names();
    rule("kept_base", NULL);
    expect_everywhere(t, "company/acme", "name", "Acme");
}

FB_TEST(a_typed_ruling_writes_what_was_typed)
{
    two_names();
    rule("typed", "{\"name\":\"Third name\"}");
    expect_everywhere(t, "company/acme", "name", "Third name");
}

FB_TEST(a_typed_value_that_breaks_a_rule_goes_back_to_waiting)
{
    two_names();
    rule("typed", "{\"name\":5}");
    expect_everywhere(t, "company/acme", "name", "HQ name");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
}

/* As the original of a record that two people made at once. */
FB_TEST(an_empty_value_that_must_be_filled_goes_back_to_waiting)
{
    two_names();
    rule("typed", "{\"name\":null}");
    expect_everywhere(t, "company/acme", "name", "HQ name");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
    assert_string_equal(server_asks(t, "SELECT note LIKE '%must be filled%' FROM conflict", NULL),
                        "1");
}

FB_TEST(a_ruling_that_points_to_a_deleted_record_brings_it_back)
{
    server_makes(t, "company/hers", "name", "Hers", "owner_id", "@employee/ana", NULL);
    server_makes(t, "company/theirs", "name", "Theirs", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "contact/li", "company_id", "@company/hers");
    server_edits(t, "contact/li", "company_id", "@company/theirs");
    everybody_syncs(t);
    server_runs(t, "DELETE FROM company WHERE name <> 'Acme' AND id NOT IN"
                   " (SELECT company_id FROM contact)");
    everybody_syncs(t);
    server_runs(t, "UPDATE conflict SET outcome = CASE WHEN (SELECT company_id FROM contact"
                   " WHERE id = record_id) = theirs ->> 'company_id' THEN 'kept_mine'"
                   " ELSE 'kept_theirs' END WHERE entity = 'contact'");
    everybody_syncs(t);
    expect_everywhere(t, "company/hers", "name", "Hers");
    expect_everywhere(t, "company/theirs", "name", "Theirs");
}

FB_TEST(an_automatic_outcome_can_be_overruled)
{
    replica_edits(t, "ana", "company/acme", "website", "early.example");
    server_edits(t, "company/acme", "website", "late.example");
    everybody_syncs(t);
    rule("kept_mine", NULL);
    expect_everywhere(t, "company/acme", "website", "early.example");
}

FB_TEST(a_ruling_pushed_from_a_laptop_works_alike)
{
    two_names();
    replica_runs(t, "ana", "UPDATE conflict SET outcome = 'kept_mine'");
    expect_everywhere(t, "company/acme", "name", "Laptop name");
    assert_string_equal(server_asks(t, "SELECT decided_by_id FROM conflict", NULL),
                        world_id("employee/ana"));
}

FB_TEST(a_ruling_and_an_edit_of_the_record_in_one_transaction_keep_the_digest_right)
{
    two_names();
    server_runs(t, "UPDATE conflict SET outcome = 'kept_mine'");
    server_edits(t, "company/acme", "website", "x.example");
    expect_everywhere(t, "company/acme", "name", "Laptop name");
    expect_everywhere(t, "company/acme", "website", "x.example");
}

FB_TEST(ruling_that_headquarters_delete_stands_deletes_again)
{
    server_deletes(t, "contact/li");
    replica_edits(t, "ana", "contact/li", "department", "Sales");
    everybody_syncs(t);
    expect_server(t, "contact/li", "department", "Sales");
    rule("kept_theirs", NULL);
    expect_gone(t, "contact/li");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_step_that_is_not_allowed_is_held_and_the_laptop_returns),
        CASE(one_held_aggregate_lets_everything_else_pass),
        CASE(a_note_about_nothing_is_held),
        CASE(what_depends_on_a_held_insert_is_held_too),
        CASE(nobody_becomes_his_own_ancestor),
        CASE(two_people_building_a_circle_is_found),
        CASE(added_rows_are_never_changed),
        CASE(a_held_change_tried_again_stands_once_its_reason_is_gone),
        CASE(a_held_change_that_still_breaks_its_rule_waits_on),
        CASE(a_corrected_held_change_stands_as_corrected),
        CASE(a_discarded_held_change_is_gone_for_good_but_kept_to_read),
        CASE(a_held_change_nobody_can_read_waits_with_the_reason),
        CASE(ruling_for_the_laptop_writes_its_value_everywhere),
        CASE(ruling_for_headquarters_leaves_its_value),
        CASE(ruling_for_the_original_brings_it_back),
        CASE(a_typed_ruling_writes_what_was_typed),
        CASE(a_typed_value_that_breaks_a_rule_goes_back_to_waiting),
        CASE(an_empty_value_that_must_be_filled_goes_back_to_waiting),
        CASE(a_ruling_that_points_to_a_deleted_record_brings_it_back),
        CASE(an_automatic_outcome_can_be_overruled),
        CASE(a_ruling_pushed_from_a_laptop_works_alike),
        CASE(a_ruling_and_an_edit_of_the_record_in_one_transaction_keep_the_digest_right),
        CASE(ruling_that_headquarters_delete_stands_deletes_again),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
