/* SPDX-License-Identifier: MIT
 *
 * Rights at headquarters: what a push may change is decided by the roles of the person whose laptop sent it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

static struct fb_world *w;

static int start(void **state)
{
    (void)state;
    w = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_close(w);
    return 0;
}

static void forbid(const char *action, const char *level)
{
    char sql[256];
    snprintf(sql, sizeof sql, "UPDATE role_permission SET level = '%s' WHERE action = '%s'", level,
             action);
    server_runs(w, sql);
}

FB_TEST(an_edit_without_the_right_is_held_with_its_reason_and_the_rest_goes_on)
{
    server_makes(w, "company/bolt", "name", "Bolt", "owner_id", "@employee/ben", NULL);
    replica_syncs(w, "ana");
    forbid("edit", "own");
    replica_edits(w, "ana", "company/bolt", "website", "x.example");
    replica_edits(w, "ana", "company/acme", "website", "y.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "y.example");
    expect_server(w, "company/bolt", "website", "NULL");
    assert_string_equal(server_asks(w,
                                    "SELECT count(*) FROM held_change WHERE reason = 'right' AND "
                                    "state = 'waiting' AND reason_text LIKE '%administrator%'",
                                    NULL),
                        "1");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "company/bolt", "website", "NULL");
}

FB_TEST(a_field_one_may_only_read_is_held_as_a_field)
{
    server_runs(w, "INSERT INTO role_field (role_id, entity, field, access) SELECT id, 'company', "
                   "'credit_limit', 'read' FROM role");
    replica_syncs(w, "ana");
    replica_edits(w, "ana", "company/acme", "credit_limit", "5000");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "credit_limit", "NULL");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM held_change WHERE reason = 'field_right'", NULL), "1");
}

FB_TEST(what_was_written_while_the_record_was_his_counts_after_it_was_given_away)
{
    forbid("edit", "own");
    replica_syncs(w, "ana");
    server_edits(w, "company/acme", "owner_id", "@employee/ben");
    replica_edits(w, "ana", "company/acme", "website", "y.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "y.example");
}

FB_TEST(what_was_written_while_the_account_was_in_his_territory_counts_after_it_moved)
{
    server_makes(w, "territory/north", "code", "N", "name", "North", NULL);
    server_makes(w, "territory_member/ana", "territory_id", "@territory/north", "employee_id",
                 "@employee/ana", "part", "owner", NULL);
    server_makes(w, "company/bolt", "name", "Bolt", "owner_id", "@employee/ben", NULL);
    server_makes(w, "company_territory/bolt", "company_id", "@company/bolt", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    forbid("edit", "territory");
    replica_syncs(w, "ana");
    server_deletes(w, "company_territory/bolt");
    replica_edits(w, "ana", "company/bolt", "website", "y.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/bolt", "website", "y.example");
    replica_edits(w, "ana", "company/bolt", "website", "z.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/bolt", "website", "y.example");
}

FB_TEST(after_the_loss_was_seen_the_edit_is_held)
{
    forbid("edit", "own");
    server_edits(w, "company/acme", "owner_id", "@employee/ben");
    replica_syncs(w, "ana");
    replica_edits(w, "ana", "company/acme", "website", "y.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "NULL");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM held_change WHERE reason = 'right'", NULL), "1");
}

FB_TEST(a_right_taken_away_while_edits_wait_holds_them_and_given_back_lets_them_pass)
{
    replica_edits(w, "ana", "company/acme", "website", "y.example");
    server_runs(w, "DELETE FROM employee_role");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "NULL");
    server_runs(w, "INSERT INTO employee_role (employee_id, role_id) SELECT e.id, r.id FROM "
                   "employee e JOIN role r");
    server_runs(w, "UPDATE held_change SET state = 'retried'");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "y.example");
}

FB_TEST(nobody_deletes_or_makes_what_he_may_not)
{
    forbid("delete", "none");
    forbid("create", "none");
    replica_syncs(w, "ana");
    replica_deletes(w, "ana", "company/acme");
    replica_makes(w, "ana", "company/new", "name", "New", "owner_id", "@employee/ana", NULL);
    replica_syncs(w, "ana");
    assert_string_equal(server_asks(w, "SELECT count(*) FROM company", NULL), "1");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM held_change WHERE reason = 'right'", NULL), "2");
}

/* A wish of one's own making names any two records: what becomes of them is judged, not who says so. */
FB_TEST(nobody_merges_away_what_he_may_not_delete)
{
    server_makes(w, "company/bolt", "name", "Bolt", "owner_id", "@employee/ben", NULL);
    server_makes(w, "company/mine", "name", "Mine", "owner_id", "@employee/ana", NULL);
    server_makes(w, "company/twin", "name", "Twin", "owner_id", "@employee/ana", NULL);
    replica_syncs(w, "ana");
    forbid("delete", "own");
    replica_makes(w, "ana", "merge_job/theft", "entity", "company", "keep_id", "@company/mine",
                  "drop_id", world_id("company/bolt"), "state", "merged", "by_id", "@employee/ana",
                  NULL);
    replica_makes(w, "ana", "merge_job/own", "entity", "company", "keep_id", "@company/mine",
                  "drop_id", world_id("company/twin"), "state", "merged", "by_id", "@employee/ana",
                  NULL);
    replica_syncs(w, "ana");
    expect_server(w, "company/bolt", "name", "Bolt");
    assert_string_equal(server_asks(w, "SELECT count(*) FROM company WHERE name = 'Twin'", NULL),
                        "0");
    assert_string_equal(server_asks(w,
                                    "SELECT count(*) FROM held_change WHERE entity = 'merge_job'"
                                    " AND reason = 'right' AND reason_text LIKE '%somebody else%'",
                                    NULL),
                        "1");
    forbid("edit", "own");
    replica_makes(w, "ana", "merge_job/into", "entity", "company", "keep_id", "@company/bolt",
                  "drop_id", world_id("company/mine"), "state", "merged", "by_id", "@employee/ana",
                  NULL);
    replica_syncs(w, "ana");
    expect_server(w, "company/mine", "name", "Mine");
}

/* The decision to try again comes with a laptop's push; what the row says about who decided is only words. */
FB_TEST(trying_again_is_judged_by_who_sent_the_decision)
{
    server_makes(w, "company/bolt", "name", "Bolt", "owner_id", "@employee/ben", NULL);
    replica_syncs(w, "ana");
    forbid("edit", "own");
    replica_edits(w, "ana", "company/bolt", "website", "x.example");
    replica_syncs(w, "ana");
    replica_syncs(w, "ana");
    replica_runs(w, "ana",
                 "UPDATE held_change SET state = 'retried', decided_by_id = (SELECT id FROM "
                 "employee WHERE code = 'ben')");
    replica_syncs(w, "ana");
    expect_server(w, "company/bolt", "website", "NULL");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM held_change WHERE state = 'waiting'", NULL), "1");
}

FB_TEST(nobody_gives_himself_a_role_from_a_laptop)
{
    forbid("create", "territory");
    forbid("edit", "territory");
    replica_syncs(w, "ana");
    replica_runs(w, "ana", "UPDATE role_permission SET level = 'all'");
    replica_runs(w, "ana",
                 "INSERT INTO employee_role (employee_id, role_id) SELECT e.id, r.id FROM employee "
                 "e JOIN role r WHERE e.code = 'ana'");
    replica_syncs(w, "ana");
    assert_string_equal(server_asks(w,
                                    "SELECT count(*) FROM employee_role er JOIN employee e ON e.id "
                                    "= er.employee_id WHERE e.code = 'ana'",
                                    NULL),
                        "1");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM role_permission WHERE level = 'territory'", NULL),
        "2");
}

/* What the laptop holds has the digest that headquarters works out for it. */
static void expect_agrees(const char *who)
{
    struct fb_world_replica *r = world_replica(w, who);
    const struct fb_replica_status *status = fb_replica_round_status(r->round);
    replica_syncs(w, who);
    int64_t checks = status->digest_checks;
    int64_t differences = status->digest_differences;
    fb_replica_round_want_digest(r->round);
    replica_syncs(w, who);
    assert_true(status->digest_checks > checks);
    assert_int_equal(status->digest_differences, differences);
}

static void hide(const char *entity, const char *field, const char *access)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "INSERT INTO role_field (role_id, entity, field, access) SELECT id, '%s', '%s', '%s' "
             "FROM role",
             entity, field, access);
    server_runs(w, sql);
}

FB_TEST(a_field_for_roles_only_reaches_no_laptop_until_a_role_opens_it_and_leaves_it_again)
{
    server_makes(w, "product/pump", "code", "P", "name_zh", "Pump", "kind", "goods", "unit", "pc",
                 "list_price", "100", "cost", "77", NULL);
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "product/pump", "code", "P");
    expect_replica(w, "ana", "product/pump", "cost", "NULL");
    expect_agrees("ana");
    hide("product", "cost", "read");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "product/pump", "cost", "77");
    expect_agrees("ana");
    server_runs(w, "DELETE FROM role_field");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "product/pump", "cost", "NULL");
    expect_agrees("ana");
    server_edits(w, "product/pump", "cost", "88");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "product/pump", "cost", "NULL");
    assert_string_equal(replica_asks(w, "ana", "SELECT count(*) FROM found_value", NULL), "0");
    expect_agrees("ana");
}

FB_TEST(what_only_its_owner_sees_is_on_his_laptop_alone)
{
    server_edits(w, "employee/ana", "birthday", "1990-01-01");
    server_edits(w, "employee/ben", "birthday", "1991-01-01");
    everybody_syncs(w);
    expect_replica(w, "ana", "employee/ana", "birthday", "1990-01-01");
    expect_replica(w, "ana", "employee/ben", "birthday", "NULL");
    expect_replica(w, "ben", "employee/ben", "birthday", "1991-01-01");
    expect_agrees("ana");
    expect_agrees("ben");
}

FB_TEST(absent_is_not_empty_a_laptop_that_edits_the_row_leaves_the_hidden_field_alone)
{
    hide("company", "financial_note", "hidden");
    server_edits(w, "company/acme", "financial_note", "secret");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "company/acme", "financial_note", "NULL");
    replica_edits(w, "ana", "company/acme", "website", "y.example");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "financial_note", "secret");
    replica_edits(w, "ana", "company/acme", "financial_note", "mine");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "financial_note", "secret");
    expect_replica(w, "ana", "company/acme", "financial_note", "NULL");
    expect_held(w, 1, "field_right");
    expect_agrees("ana");
}

FB_TEST(an_entity_one_may_not_read_is_gone_from_the_laptop_and_comes_back_with_the_right)
{
    server_makes(w, "tag/hot", "name", "Hot", NULL);
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "tag/hot", "name", "Hot");
    server_makes(w, "role_permission/tag", "role_id", "@role/everything", "entity", "tag", "action",
                 "read", "level", "none", NULL);
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "tag/hot", "name", "(no row)");
    expect_agrees("ana");
    server_edits(w, "tag/hot", "name", "Hotter");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "tag/hot", "name", "(no row)");
    server_deletes(w, "role_permission/tag");
    server_edits(w, "tag/hot", "kind", "heat");
    replica_syncs(w, "ana");
    expect_replica(w, "ana", "tag/hot", "name", "Hotter");
    assert_string_equal(replica_asks(w, "ana", "SELECT count(*) FROM found_value", NULL), "0");
    expect_agrees("ana");
}

FB_TEST(an_edit_that_waits_while_its_field_is_hidden_is_held_and_the_field_is_emptied)
{
    replica_edits(w, "ana", "company/acme", "financial_note", "mine");
    hide("company", "financial_note", "hidden");
    replica_syncs(w, "ana");
    expect_held(w, 1, "field_right");
    expect_server(w, "company/acme", "financial_note", "NULL");
    expect_replica(w, "ana", "company/acme", "financial_note", "NULL");
    expect_agrees("ana");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, end)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_edit_without_the_right_is_held_with_its_reason_and_the_rest_goes_on),
        CASE(a_field_one_may_only_read_is_held_as_a_field),
        CASE(what_was_written_while_the_record_was_his_counts_after_it_was_given_away),
        CASE(what_was_written_while_the_account_was_in_his_territory_counts_after_it_moved),
        CASE(after_the_loss_was_seen_the_edit_is_held),
        CASE(a_right_taken_away_while_edits_wait_holds_them_and_given_back_lets_them_pass),
        CASE(nobody_deletes_or_makes_what_he_may_not),
        CASE(nobody_merges_away_what_he_may_not_delete),
        CASE(trying_again_is_judged_by_who_sent_the_decision),
        CASE(nobody_gives_himself_a_role_from_a_laptop),
        CASE(a_field_for_roles_only_reaches_no_laptop_until_a_role_opens_it_and_leaves_it_again),
        CASE(what_only_its_owner_sees_is_on_his_laptop_alone),
        CASE(absent_is_not_empty_a_laptop_that_edits_the_row_leaves_the_hidden_field_alone),
        CASE(an_entity_one_may_not_read_is_gone_from_the_laptop_and_comes_back_with_the_right),
        CASE(an_edit_that_waits_while_its_field_is_hidden_is_held_and_the_field_is_emptied),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
