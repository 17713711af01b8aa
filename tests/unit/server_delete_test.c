/* SPDX-License-Identifier: MIT
 *
 * Deletes against edits, units, and what comes back: rules 18 and 19, scenarios F4, F13 to F15 of the sync rules.
 */
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

FB_TEST(a_delete_nobody_disputes_is_played_and_rests_in_the_bin)
{
    replica_deletes(t, "ana", "contact/li");
    expect_gone(t, "contact/li");
    assert_string_equal(
        server_asks(t, "SELECT count(*) FROM fb_bin WHERE row_id = ?1", "contact/li"), "1");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM conflict", NULL), "0");
}

FB_TEST(a_company_goes_with_everything_below_it)
{
    replica_deletes(t, "ana", "company/acme");
    expect_gone(t, "company/acme");
    expect_gone(t, "contact/li");
    expect_gone(t, "sales_order/one");
    expect_gone(t, "order_line/a");
    assert_string_equal(server_asks(t, "SELECT count(DISTINCT cause) FROM fb_bin", NULL), "1");
}

FB_TEST(an_edit_brings_back_what_headquarters_deleted)
{
    server_deletes(t, "contact/li");
    replica_edits(t, "ana", "contact/li", "department", "Sales");
    expect_everywhere(t, "contact/li", "department", "Sales");
    expect_conflicts(t, "contact/li", 1);
    assert_string_equal(server_asks(t, "SELECT reason FROM conflict", NULL), "delete_vs_edit");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_bin", NULL), "0");
}

FB_TEST(an_edit_below_a_deleted_company_brings_back_the_company_and_all_that_went_with_it)
{
    server_deletes(t, "company/acme");
    server_settles(t);
    expect_server(t, "order_line/a", "id", "(no row)");
    replica_edits(t, "ana", "contact/li", "department", "Sales");
    expect_everywhere(t, "contact/li", "department", "Sales");
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "order_line/a", "name", "Thing");
}

FB_TEST(a_new_contact_of_a_deleted_company_brings_the_company_back)
{
    server_deletes(t, "company/acme");
    replica_makes(t, "bo", "contact/wu", "family_name", "Wu", "company_id", "@company/acme",
                  "owner_id", "@employee/bo", NULL);
    expect_everywhere(t, "contact/wu", "family_name", "Wu");
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "contact/li", "family_name", "Li");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM conflict", NULL), "1");
}

FB_TEST(a_delete_is_refused_when_headquarters_edited_the_row)
{
    replica_deletes(t, "ana", "contact/li");
    server_edits(t, "contact/li", "department", "Sales");
    expect_everywhere(t, "contact/li", "department", "Sales");
    expect_conflicts(t, "contact/li", 1);
}

FB_TEST(a_delete_is_refused_when_somebody_edited_a_row_below)
{
    replica_deletes(t, "ana", "company/acme");
    server_edits(t, "order_line/a", "name", "Better thing");
    expect_everywhere(t, "order_line/a", "name", "Better thing");
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "contact/li", "family_name", "Li");
    expect_conflicts(t, "company/acme", 1);
}

FB_TEST(a_delete_is_refused_when_somebody_added_a_row_below)
{
    replica_deletes(t, "ana", "company/acme");
    server_makes(t, "contact/wu", "family_name", "Wu", "company_id", "@company/acme", "owner_id",
                 "@employee/bo", NULL);
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "contact/wu", "family_name", "Wu");
    expect_everywhere(t, "contact/li", "family_name", "Li");
}

static void bo_has_a_private_task_of_acme(void)
{
    server_makes(t, "activity/secret", "kind", "task", "subject", "Mine", "owner_id",
                 "@employee/bo", "company_id", "@company/acme", "private", "1", NULL);
    everybody_syncs(t);
    expect_replica(t, "bo", "activity/secret", "subject", "Mine");
    expect_replica(t, "ana", "activity/secret", "subject", "(no row)");
}

FB_TEST(a_delete_is_refused_when_somebody_elses_private_row_would_go_with_it)
{
    bo_has_a_private_task_of_acme();
    replica_deletes(t, "ana", "company/acme");
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "contact/li", "family_name", "Li");
    expect_everywhere(t, "order_line/a", "name", "Thing");
    expect_server(t, "activity/secret", "subject", "Mine");
    expect_replica(t, "ana", "activity/secret", "subject", "(no row)");
    expect_conflicts(t, "company/acme", 1);
    /* Whose it is she does not learn. */
    assert_string_equal(
        server_asks(t, "SELECT policy || coalesce(theirs_by_id, '') FROM conflict", NULL),
        "unseen records");
    expect_equal_digests(t);
}

FB_TEST(who_holds_the_private_row_may_delete_its_company)
{
    bo_has_a_private_task_of_acme();
    replica_deletes(t, "bo", "company/acme");
    expect_gone(t, "company/acme");
    expect_gone(t, "activity/secret");
}

FB_TEST(a_laptops_later_edit_of_what_another_laptop_deleted_brings_it_back)
{
    replica_deletes(t, "ana", "company/acme");
    replica_edits(t, "bo", "order_line/a", "name", "Better thing");
    replica_syncs(t, "ana");
    expect_everywhere(t, "order_line/a", "name", "Better thing");
    expect_everywhere(t, "sales_order/one", "ordered_on", "2026-01-01");
}

FB_TEST(what_was_typed_before_a_refused_delete_is_kept)
{
    replica_edits(t, "ana", "contact/li", "department", "Typed");
    replica_deletes(t, "ana", "contact/li");
    server_edits(t, "contact/li", "job_title", "Chief");
    expect_everywhere(t, "contact/li", "job_title", "Chief");
    expect_conflict_keeps(t, "contact/li", "department", "Typed");
}

FB_TEST(a_row_deleted_and_made_again_comes_out_of_the_bin)
{
    replica_deletes(t, "ana", "contact/li");
    replica_syncs(t, "ana");
    replica_makes(t, "ana", "contact/li", "family_name", "Li again", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", NULL);
    expect_everywhere(t, "contact/li", "family_name", "Li again");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_bin", NULL), "0");
}

FB_TEST(deleted_and_made_again_before_the_push_is_an_edit)
{
    replica_deletes(t, "ana", "contact/li");
    replica_makes(t, "ana", "contact/li", "family_name", "Li again", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", NULL);
    expect_everywhere(t, "contact/li", "family_name", "Li again");
    expect_conflicts(t, "contact/li", 0);
}

FB_TEST(a_delete_refused_while_the_row_was_made_again_leaves_no_gap)
{
    replica_deletes(t, "ana", "contact/li");
    server_edits(t, "contact/li", "department", "Sales");
    replica_makes(t, "ana", "contact/li", "family_name", "Li again", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", NULL);
    replica_deletes(t, "ana", "contact/li");
    expect_everywhere(t, "contact/li", "department", "Sales");
}

FB_TEST(a_line_alone_can_be_deleted)
{
    replica_deletes(t, "ana", "order_line/a");
    expect_gone(t, "order_line/a");
    expect_everywhere(t, "sales_order/one", "ordered_on", "2026-01-01");
}

FB_TEST(a_contact_moved_away_first_does_not_go_with_its_old_company)
{
    server_makes(t, "company/other", "name", "Other", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "contact/li", "company_id", "@company/other");
    replica_deletes(t, "ana", "company/acme");
    expect_gone(t, "company/acme");
    expect_everywhere(t, "contact/li", "company_id", "@company/other");
}

FB_TEST(both_sides_delete_the_same_row_without_a_conflict)
{
    replica_deletes(t, "ana", "contact/li");
    server_deletes(t, "contact/li");
    expect_gone(t, "contact/li");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM conflict", NULL), "0");
}

FB_TEST(an_order_that_moves_takes_its_lines_along)
{
    server_makes(t, "company/other", "name", "Other", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "bo", "sales_order/one", "company_id", "@company/other");
    expect_everywhere(t, "sales_order/one", "company_id", "@company/other");
    assert_string_equal(
        server_asks(
            t,
            "SELECT s.key = 'company:' || (SELECT company_id FROM sales_order) FROM fb_log l"
            " JOIN fb_scope s ON s.id = l.scope_after WHERE l.op = 6 ORDER BY seq DESC LIMIT 1",
            NULL),
        "1");
}

FB_TEST(rows_leave_and_enter_when_their_owner_changes)
{
    server_makes(t, "activity/own", "kind", "task", "subject", "Own", "owner_id", "@employee/ana",
                 NULL);
    server_makes(t, "note/own", "entity", "activity", "record_id", "@activity/own", "body", "text",
                 "by_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_replica(t, "ana", "note/own", "body", "text");
    expect_replica(t, "bo", "note/own", "body", "(no row)");
    server_edits(t, "activity/own", "owner_id", "@employee/bo");
    everybody_syncs(t);
    expect_replica(t, "ana", "note/own", "body", "(no row)");
    expect_replica(t, "bo", "note/own", "body", "text");
    expect_equal_digests(t);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_delete_nobody_disputes_is_played_and_rests_in_the_bin),
        CASE(a_company_goes_with_everything_below_it),
        CASE(an_edit_brings_back_what_headquarters_deleted),
        CASE(an_edit_below_a_deleted_company_brings_back_the_company_and_all_that_went_with_it),
        CASE(a_new_contact_of_a_deleted_company_brings_the_company_back),
        CASE(a_delete_is_refused_when_headquarters_edited_the_row),
        CASE(a_delete_is_refused_when_somebody_edited_a_row_below),
        CASE(a_delete_is_refused_when_somebody_added_a_row_below),
        CASE(a_delete_is_refused_when_somebody_elses_private_row_would_go_with_it),
        CASE(who_holds_the_private_row_may_delete_its_company),
        CASE(a_laptops_later_edit_of_what_another_laptop_deleted_brings_it_back),
        CASE(what_was_typed_before_a_refused_delete_is_kept),
        CASE(a_row_deleted_and_made_again_comes_out_of_the_bin),
        CASE(deleted_and_made_again_before_the_push_is_an_edit),
        CASE(a_delete_refused_while_the_row_was_made_again_leaves_no_gap),
        CASE(a_line_alone_can_be_deleted),
        CASE(a_contact_moved_away_first_does_not_go_with_its_old_company),
        CASE(both_sides_delete_the_same_row_without_a_conflict),
        CASE(an_order_that_moves_takes_its_lines_along),
        CASE(rows_leave_and_enter_when_their_owner_changes),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
