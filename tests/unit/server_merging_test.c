/* SPDX-License-Identifier: MIT
 *
 * Two records become one, whoever says so and whatever is still on its way; and two again.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define DAY_MS INT64_C(86400000)

static struct fb_world *t;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    server_makes(t, "company/beta", "name", "Beta", "owner_id", "@employee/ana", "website",
                 "beta.example", NULL);
    server_makes(t, "company/gamma", "name", "Gamma", "owner_id", "@employee/bo", NULL);
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/beta", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(t);
    return 0;
}

/* The row that asks for a merging, as a page or a command writes it. */
static const char *wish(const char *keep, const char *drop, const char *choices)
{
    static char sql[400];
    char keep_id[FB_ROW_ID_SIZE];
    char drop_id[FB_ROW_ID_SIZE];
    snprintf(keep_id, sizeof keep_id, "%s", world_id(keep));
    snprintf(drop_id, sizeof drop_id, "%s", world_id(drop));
    snprintf(sql, sizeof sql,
             "INSERT INTO merge_job (entity, keep_id, drop_id, state, choices) VALUES ('%.*s', "
             "'%s', '%s', "
             "'merged', %s%s%s)",
             (int)strcspn(keep, "/"), keep, keep_id, drop_id, choices == NULL ? "" : "'",
             choices == NULL ? "NULL" : choices, choices == NULL ? "" : "'");
    return sql;
}

static void server_merges(const char *keep, const char *drop)
{
    server_runs(t, wish(keep, drop, NULL));
    server_settles(t);
}

static void replica_merges(const char *who, const char *keep, const char *drop)
{
    replica_runs(t, who, wish(keep, drop, NULL));
}

static const char *states(void)
{
    return server_asks(
        t, "SELECT group_concat(state) FROM (SELECT state FROM merge_job ORDER BY state)", NULL);
}

FB_TEST(what_hung_on_the_dropped_company_hangs_on_the_kept_one)
{
    server_makes(t, "company/child", "name", "Child", "owner_id", "@employee/ana", "parent_id",
                 "@company/beta", NULL);
    server_makes(t, "address/hq", "owner_entity", "company", "owner_id", "@company/beta", "city",
                 "Beijing", "street", "Old Road 1", NULL);
    server_merges("company/acme", "company/beta");
    expect_everywhere(t, "contact/li", "company_id", world_id("company/acme"));
    expect_everywhere(t, "company/child", "parent_id", world_id("company/acme"));
    expect_everywhere(t, "address/hq", "owner_id", world_id("company/acme"));
    expect_gone(t, "company/beta");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_bin", NULL), "1");
}

FB_TEST(empty_fields_are_filled_and_opt_outs_of_either_stay)
{
    server_edits(t, "company/beta", "do_not_call", "1");
    server_edits(t, "company/acme", "do_not_mail", "1");
    server_edits(t, "company/acme", "short_name", "A");
    server_edits(t, "company/beta", "short_name", "B");
    server_edits(t, "company/beta", "annual_revenue", "500");
    server_edits(t, "company/acme", "revenue_year", "2024");
    server_merges("company/acme", "company/beta");
    expect_everywhere(t, "company/acme", "website", "beta.example");
    expect_everywhere(t, "company/acme", "do_not_call", "1");
    expect_everywhere(t, "company/acme", "do_not_mail", "1");
    expect_everywhere(t, "company/acme", "short_name", "A");
    expect_everywhere(t, "company/acme", "annual_revenue", "NULL"); /* a group is not mixed */
}

FB_TEST(a_value_may_be_chosen_but_no_opt_out_is_chosen_away)
{
    server_edits(t, "company/beta", "short_name", "B");
    server_edits(t, "company/acme", "short_name", "A");
    server_edits(t, "company/acme", "do_not_call", "1");
    replica_runs(t, "ana",
                 wish("company/acme", "company/beta",
                      "{\"short_name\":\"drop\",\"do_not_call\":\"drop\",\"website\":\"keep\"}"));
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "short_name", "B");
    expect_everywhere(t, "company/acme", "do_not_call", "1");
    expect_everywhere(t, "company/acme", "website", "NULL");
    expect_conflict_keeps(t, "company/acme", "short_name", "A");
}

FB_TEST(an_edit_under_way_lands_on_the_kept_record)
{
    replica_edits(t, "bo", "company/beta", "name_en", "Beta Ltd");
    replica_makes(t, "bo", "contact/wu", "family_name", "Wu", "company_id", "@company/beta",
                  "owner_id", "@employee/bo", NULL);
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "name_en", "Beta Ltd");
    expect_everywhere(t, "contact/wu", "company_id", world_id("company/acme"));
    expect_gone(t, "company/beta");
}

FB_TEST(an_edit_of_both_keeps_both_values)
{
    replica_edits(t, "bo", "company/beta", "short_name", "from beta");
    replica_edits(t, "bo", "company/acme", "short_name", "from acme");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "short_name", "from acme");
    expect_conflict_keeps(t, "company/acme", "short_name", "from beta");
    expect_held(t, 0, "missing_row");
}

FB_TEST(a_stale_edit_meets_the_kept_value_by_its_policy)
{
    server_edits(t, "company/acme", "short_name", "first");
    everybody_syncs(t);
    replica_edits(t, "bo", "company/beta", "short_name", "older");
    server_edits(t, "company/acme", "short_name", "newer");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "short_name", "newer");
    expect_conflict_keeps(t, "company/acme", "short_name", "older");
}

FB_TEST(a_held_edit_of_the_dropped_record_is_held_and_can_be_retried)
{
    replica_edits(t, "bo", "company/beta", "parent_id", "0191e0a0-0000-7000-8000-00000000dead");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_held(t, 1, "missing_row");
    expect_everywhere(t, "company/acme", "parent_id", "NULL");
    server_runs(t, "INSERT INTO company (id, name, owner_id) SELECT "
                   "'0191e0a0-0000-7000-8000-00000000dead', 'Late', "
                   "owner_id FROM company LIMIT 1");
    server_runs(t, "UPDATE held_change SET state = 'retried'");
    server_settles(t);
    expect_everywhere(t, "company/acme", "parent_id", "0191e0a0-0000-7000-8000-00000000dead");
    expect_gone(t, "company/beta");
}

FB_TEST(merged_both_ways_on_two_laptops_one_record_is_left)
{
    replica_merges("ana", "company/acme", "company/beta");
    replica_merges("bo", "company/beta", "company/acme");
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "company_id", world_id("company/acme"));
    expect_gone(t, "company/beta");
    expect_everywhere(t, "company/acme", "website", "beta.example");
    assert_string_equal(states(), "merged,void");
}

FB_TEST(a_chain_ends_in_its_last_record_in_either_order)
{
    replica_merges("ana", "company/beta", "company/acme");
    replica_merges("bo", "company/gamma", "company/beta");
    replica_syncs(t, "bo");
    everybody_syncs(t);
    expect_gone(t, "company/acme");
    expect_gone(t, "company/beta");
    expect_everywhere(t, "contact/li", "company_id", world_id("company/gamma"));
    expect_everywhere(t, "company/gamma", "website", "beta.example");
    assert_string_equal(states(), "merged,merged");
    replica_edits(t, "ana", "company/gamma", "short_name", "G");
    expect_everywhere(t, "company/gamma", "short_name", "G");
}

FB_TEST(one_record_merged_into_two_asks_a_person_about_those)
{
    replica_merges("ana", "company/acme", "company/beta");
    replica_merges("bo", "company/gamma", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "company_id", world_id("company/acme"));
    expect_everywhere(t, "company/gamma", "name", "Gamma");
    assert_string_equal(states(), "merged,suspected");
    assert_string_equal(
        server_asks(t, "SELECT keep_id FROM merge_job WHERE state = 'suspected'", NULL),
        world_id("company/gamma"));
    assert_string_equal(
        server_asks(t, "SELECT drop_id FROM merge_job WHERE state = 'suspected'", NULL),
        world_id("company/acme"));
}

FB_TEST(the_kept_record_never_stands_above_itself)
{
    server_edits(t, "company/gamma", "parent_id", world_id("company/beta"));
    server_edits(t, "company/acme", "parent_id", world_id("company/gamma"));
    server_merges("company/acme", "company/beta");
    expect_everywhere(t, "company/gamma", "parent_id", world_id("company/acme"));
    expect_everywhere(t, "company/acme", "parent_id", "NULL");
}

FB_TEST(a_child_in_the_bin_comes_back_to_the_kept_record)
{
    replica_edits(t, "ana", "contact/li", "job_title", "Buyer");
    server_deletes(t, "contact/li");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "job_title", "Buyer");
    expect_everywhere(t, "contact/li", "company_id", world_id("company/acme"));
    expect_gone(t, "company/beta");
}

FB_TEST(a_delete_of_the_dropped_record_takes_nothing_with_it)
{
    replica_deletes(t, "bo", "company/beta");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_gone(t, "company/beta");
}

FB_TEST(a_ruling_about_the_dropped_record_goes_to_the_kept_one)
{
    replica_edits(t, "ana", "company/beta", "tax_id", "91310000MA1FL0AN6A");
    server_edits(t, "company/beta", "tax_id", "91310000MA1FL0HQ6B");
    replica_syncs(t, "ana");
    server_merges("company/acme", "company/beta");
    expect_everywhere(t, "company/acme", "tax_id", "91310000MA1FL0HQ6B");
    server_runs(t, "UPDATE conflict SET outcome = 'kept_mine' WHERE outcome = 'waiting'");
    server_settles(t);
    expect_everywhere(t, "company/acme", "tax_id", "91310000MA1FL0AN6A");
    expect_gone(t, "company/beta");
}

FB_TEST(taken_back_both_are_as_they_were_but_for_what_came_since)
{
    server_edits(t, "company/beta", "do_not_call", "1");
    server_merges("company/acme", "company/beta");
    everybody_syncs(t);
    server_makes(t, "contact/wu", "family_name", "Wu", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    server_edits(t, "company/acme", "website", "edited.example");
    server_settles(t);
    server_runs(t, "UPDATE merge_job SET state = 'undone'");
    server_settles(t);
    assert_string_equal(states(), "undone");
    expect_everywhere(t, "company/beta", "website", "beta.example");
    expect_everywhere(t, "contact/li", "company_id", world_id("company/beta"));
    expect_everywhere(t, "contact/wu", "company_id", world_id("company/acme"));
    expect_everywhere(t, "company/acme", "website", "edited.example");
    expect_everywhere(t, "company/acme", "do_not_call", "0");
    replica_edits(t, "ana", "company/beta", "short_name", "B again");
    expect_everywhere(t, "company/beta", "short_name", "B again");
}

FB_TEST(a_laptop_takes_its_merging_back)
{
    replica_merges("ana", "company/acme", "company/beta");
    everybody_syncs(t);
    replica_runs(t, "ana", "UPDATE merge_job SET state = 'undone'");
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "company_id", world_id("company/beta"));
    expect_everywhere(t, "company/acme", "website", "NULL");
}

FB_TEST(too_late_or_built_upon_it_stays_merged_and_says_why)
{
    server_merges("company/acme", "company/beta");
    server_merges("company/gamma", "company/acme");
    server_runs(t,
                "UPDATE merge_job SET state = 'undone' WHERE id = (SELECT min(id) FROM merge_job)");
    server_settles(t);
    assert_string_equal(states(), "merged,merged");
    assert_non_null(strstr(server_asks(t, "SELECT note FROM merge_job ORDER BY id LIMIT 1", NULL),
                           "into another since"));
    world_time_passes(t, 31 * DAY_MS);
    server_runs(t,
                "UPDATE merge_job SET state = 'undone' WHERE id = (SELECT max(id) FROM merge_job)");
    server_settles(t);
    assert_string_equal(states(), "merged,merged");
    assert_non_null(
        strstr(server_asks(t, "SELECT note FROM merge_job ORDER BY id DESC LIMIT 1", NULL),
               "too long ago"));
}

FB_TEST(a_wish_that_makes_no_sense_changes_nothing)
{
    server_merges("company/acme", "company/acme");
    server_merges("company/acme", "company/nowhere");
    assert_string_equal(states(), "void,void");
    expect_everywhere(t, "company/acme", "name", "Acme");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
FB_MAIN(CASE(what_hung_on_the_dropped_company_hangs_on_the_kept_one),
        CASE(empty_fields_are_filled_and_opt_outs_of_either_stay),
        CASE(a_value_may_be_chosen_but_no_opt_out_is_chosen_away),
        CASE(an_edit_under_way_lands_on_the_kept_record), CASE(an_edit_of_both_keeps_both_values),
        CASE(a_stale_edit_meets_the_kept_value_by_its_policy),
        CASE(a_held_edit_of_the_dropped_record_is_held_and_can_be_retried),
        CASE(merged_both_ways_on_two_laptops_one_record_is_left),
        CASE(a_chain_ends_in_its_last_record_in_either_order),
        CASE(one_record_merged_into_two_asks_a_person_about_those),
        CASE(the_kept_record_never_stands_above_itself),
        CASE(a_child_in_the_bin_comes_back_to_the_kept_record),
        CASE(a_delete_of_the_dropped_record_takes_nothing_with_it),
        CASE(a_ruling_about_the_dropped_record_goes_to_the_kept_one),
        CASE(taken_back_both_are_as_they_were_but_for_what_came_since),
        CASE(a_laptop_takes_its_merging_back),
        CASE(too_late_or_built_upon_it_stays_merged_and_says_why),
        CASE(a_wish_that_makes_no_sense_changes_nothing))
