/* SPDX-License-Identifier: MIT
 *
 * What becomes of two edits of one record: the races of the catalogue's policies, told with a headquarters and two laptops.
 */
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

static void make_pipeline(void)
{
    server_makes(t, "pipeline/sales", "name", "Sales", NULL);
    static const char *const STAGES[][3] = {
        {"stage/first", "1", "open"}, {"stage/second", "2", "open"}, {"stage/third", "3", "open"},
        {"stage/won", "8", "won"},    {"stage/lost", "9", "lost"},
    };
    for (size_t i = 0; i < sizeof STAGES / sizeof STAGES[0]; i++) {
        server_makes(t, STAGES[i][0], "pipeline_id", "@pipeline/sales", "name_zh", STAGES[i][0],
                     "name_en", STAGES[i][0], "position", STAGES[i][1], "kind", STAGES[i][2],
                     "probability", "10", NULL);
    }
    server_makes(t, "opportunity/deal", "name", "Deal", "company_id", "@company/acme",
                 "pipeline_id", "@pipeline/sales", "stage_id", "@stage/first", "close_on",
                 "2026-01-31", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
}

static void make_contact(void)
{
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
}

FB_TEST(an_edit_on_a_laptop_arrives_everywhere)
{
    replica_edits(t, "ana", "company/acme", "website", "acme.example");
    expect_everywhere(t, "company/acme", "website", "acme.example");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(a_record_made_on_a_laptop_arrives_everywhere)
{
    replica_makes(t, "ana", "contact/li", "family_name", "Li", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", NULL);
    expect_everywhere(t, "contact/li", "family_name", "Li");
    assert_string_equal(
        server_asks(t, "SELECT created_by FROM contact WHERE id = ?1", "contact/li"),
        world_id("employee/ana"));
}

FB_TEST(the_later_edit_stands_and_the_earlier_is_kept)
{
    replica_edits(t, "ana", "company/acme", "website", "monday.example");
    server_edits(t, "company/acme", "website", "tuesday.example");
    expect_everywhere(t, "company/acme", "website", "tuesday.example");
    expect_conflict_keeps(t, "company/acme", "website", "monday.example");
    assert_string_equal(replica_asks(t, "ana", "SELECT outcome FROM conflict", NULL), "auto");
    assert_string_equal(replica_asks(t, "ana", "SELECT state FROM receipt", NULL), "amended");
}

FB_TEST(the_later_edit_of_two_laptops_stands_whoever_syncs_first)
{
    replica_edits(t, "ana", "company/acme", "website", "early.example");
    replica_edits(t, "bo", "company/acme", "website", "late.example");
    replica_syncs(t, "bo");
    expect_everywhere(t, "company/acme", "website", "late.example");
    expect_conflict_keeps(t, "company/acme", "website", "early.example");
}

FB_TEST(the_author_whose_value_lost_sees_the_conflict)
{
    replica_edits(t, "ana", "company/acme", "website", "early.example");
    replica_edits(t, "bo", "company/acme", "website", "late.example");
    replica_syncs(t, "ana");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM conflict", NULL), "1");
}

FB_TEST(different_fields_are_both_kept_without_a_conflict)
{
    replica_edits(t, "ana", "company/acme", "website", "acme.example");
    server_edits(t, "company/acme", "short_name", "AC");
    expect_everywhere(t, "company/acme", "website", "acme.example");
    expect_everywhere(t, "company/acme", "short_name", "AC");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(an_address_is_never_mixed)
{
    server_makes(t, "address/hq", "owner_entity", "company", "owner_id", "@company/acme", "city",
                 "Beijing", "street", "Old Road 1", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "address/hq", "street", "New Road 2");
    server_edits(t, "address/hq", "city", "Shanghai");
    expect_everywhere(t, "address/hq", "city", "Shanghai");
    expect_everywhere(t, "address/hq", "street", "Old Road 1");
    expect_conflict_keeps(t, "address/hq", "street", "New Road 2");
}

FB_TEST(server_value_stands_when_both_changed_the_credit_limit)
{
    replica_edits(t, "ana", "company/acme", "credit_limit", "5000");
    server_edits(t, "company/acme", "credit_limit", "2000");
    replica_syncs(t, "ana");
    expect_everywhere(t, "company/acme", "credit_limit", "2000");
    expect_conflict_keeps(t, "company/acme", "credit_limit", "5000");
}

FB_TEST(the_owner_decides_about_the_probability)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "probability", "70");
    replica_edits(t, "bo", "opportunity/deal", "probability", "20");
    replica_syncs(t, "bo");
    expect_everywhere(t, "opportunity/deal", "probability", "70");
    expect_conflict_keeps(t, "opportunity/deal", "probability", "20");
}

FB_TEST(the_owner_keeps_his_probability_when_another_comes_second)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "probability", "70");
    replica_edits(t, "bo", "opportunity/deal", "probability", "20");
    replica_syncs(t, "ana");
    expect_everywhere(t, "opportunity/deal", "probability", "70");
    expect_conflict_keeps(t, "opportunity/deal", "probability", "20");
}

FB_TEST(the_later_last_activity_stands)
{
    replica_edits(t, "ana", "company/acme", "last_activity_at", "2026-03-02T10:00:00.000Z");
    replica_edits(t, "bo", "company/acme", "last_activity_at", "2026-03-01T10:00:00.000Z");
    replica_syncs(t, "ana");
    expect_everywhere(t, "company/acme", "last_activity_at", "2026-03-02T10:00:00.000Z");
}

FB_TEST(do_not_call_once_said_stays)
{
    make_contact();
    replica_edits(t, "ana", "contact/li", "do_not_call", "1");
    replica_edits(t, "bo", "contact/li", "description", "met at the fair");
    replica_syncs(t, "ana");
    expect_everywhere(t, "contact/li", "do_not_call", "1");
    expect_everywhere(t, "contact/li", "description", "met at the fair");
}

FB_TEST(two_paragraphs_are_both_there)
{
    server_edits(t, "company/acme", "description", "one\ntwo\nthree\n");
    everybody_syncs(t);
    replica_edits(t, "ana", "company/acme", "description", "zero\none\ntwo\nthree\n");
    replica_edits(t, "bo", "company/acme", "description", "one\ntwo\nthree\nfour\n");
    expect_everywhere(t, "company/acme", "description", "zero\none\ntwo\nthree\nfour\n");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(of_two_texts_for_one_line_the_later_stands_and_the_other_is_kept)
{
    server_edits(t, "company/acme", "description", "line");
    everybody_syncs(t);
    replica_edits(t, "ana", "company/acme", "description", "early line");
    replica_edits(t, "bo", "company/acme", "description", "late line");
    expect_everywhere(t, "company/acme", "description", "late line");
    expect_conflict_keeps(t, "company/acme", "description", "early line");
}

FB_TEST(two_names_of_a_company_wait_for_a_person)
{
    replica_edits(t, "ana", "company/acme", "name", "Acme Holding");
    server_edits(t, "company/acme", "name", "Acme Group");
    expect_everywhere(t, "company/acme", "name", "Acme Group");
    expect_conflict_keeps(t, "company/acme", "name", "Acme Holding");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
}

FB_TEST(a_second_name_replaces_the_one_that_waits)
{
    replica_edits(t, "ana", "company/acme", "name", "First");
    server_edits(t, "company/acme", "name", "Group");
    /* Ana types again before the cut could show her headquarters' name. */
    replica_connects(t, "ana");
    replica_disconnects(t, "ana");
    expect_conflicts(t, "company/acme", 1);
    replica_edits(t, "ana", "company/acme", "name", "First");
    replica_edits(t, "ana", "company/acme", "name", "Second");
    expect_everywhere(t, "company/acme", "name", "Second");
}

FB_TEST(done_beats_postponed)
{
    server_makes(t, "activity/call", "kind", "call_out", "subject", "Call", "company_id",
                 "@company/acme", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "activity/call", "status", "done");
    server_edits(t, "activity/call", "status", "in_progress");
    expect_everywhere(t, "activity/call", "status", "done");
}

FB_TEST(won_against_lost_waits_for_a_person)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "outcome", "won");
    server_edits(t, "opportunity/deal", "outcome", "lost");
    expect_everywhere(t, "opportunity/deal", "outcome", "lost");
    expect_conflict_keeps(t, "opportunity/deal", "outcome", "won");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
}

FB_TEST(the_stage_further_along_stands)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/third");
    server_edits(t, "opportunity/deal", "stage_id", "@stage/second");
    expect_everywhere(t, "opportunity/deal", "stage_id", "@stage/third");
}

FB_TEST(two_ends_of_a_pipeline_wait_for_a_person)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/won");
    server_edits(t, "opportunity/deal", "stage_id", "@stage/lost");
    expect_everywhere(t, "opportunity/deal", "stage_id", "@stage/lost");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
}

FB_TEST(a_stage_may_go_back_when_nobody_else_moved_it)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/third");
    replica_syncs(t, "ana");
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/second");
    expect_everywhere(t, "opportunity/deal", "stage_id", "@stage/second");
    expect_held(t, 0, "not_allowed_step");
}

FB_TEST(the_way_through_the_stages_is_kept)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/second");
    replica_edits(t, "ana", "opportunity/deal", "stage_id", "@stage/third");
    everybody_syncs(t);
    assert_string_equal(server_asks(t,
                                    "SELECT count(*) FROM stage_history WHERE opportunity_id = ?1",
                                    "opportunity/deal"),
                        "2");
    expect_equal_digests(t);
}

FB_TEST(an_amount_of_a_closed_record_waits_for_a_person)
{
    make_pipeline();
    replica_edits(t, "ana", "opportunity/deal", "amount", "100");
    server_edits(t, "opportunity/deal", "amount", "200");
    server_edits(t, "opportunity/deal", "outcome", "won");
    expect_everywhere(t, "opportunity/deal", "amount", "200");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
}

FB_TEST(what_only_headquarters_writes_comes_back)
{
    server_makes(t, "lead/fair", "subject", "Fair", "source", "web", "received_at",
                 "2026-01-01T00:00:00.000Z", "score", "10", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "lead/fair", "score", "99");
    expect_everywhere(t, "lead/fair", "score", "10");
    expect_conflict_keeps(t, "lead/fair", "score", "99");
}

FB_TEST(of_two_first_values_the_first_to_arrive_stays)
{
    server_makes(t, "lead/fair", "subject", "Fair", "source", "web", "received_at",
                 "2026-01-01T00:00:00.000Z", NULL);
    make_contact();
    server_makes(t, "contact/wu", "family_name", "Wu", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "lead/fair", "contact_id", "@contact/li");
    replica_edits(t, "bo", "lead/fair", "contact_id", "@contact/wu");
    replica_syncs(t, "ana");
    expect_everywhere(t, "lead/fair", "contact_id", "@contact/li");
    expect_conflicts(t, "lead/fair", 1);
}

FB_TEST(an_insert_of_an_id_that_exists_merges_field_by_field)
{
    replica_makes(t, "ana", "contact/li", "family_name", "Li", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", "department", "Sales", NULL);
    replica_makes(t, "bo", "contact/li", "family_name", "Li", "company_id", "@company/acme",
                  "owner_id", "@employee/ana", "job_title", "Chief", NULL);
    replica_syncs(t, "ana");
    expect_everywhere(t, "contact/li", "department", "Sales");
    expect_everywhere(t, "contact/li", "job_title", "Chief");
    expect_conflicts(t, "contact/li", 0);
}

FB_TEST(a_contact_without_a_company_travels_to_its_owner_only)
{
    replica_makes(t, "bo", "contact/li", "family_name", "Li", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_replica(t, "ana", "contact/li", "family_name", "Li");
    expect_replica(t, "bo", "contact/li", "family_name", "(no row)");
    expect_equal_digests(t);
}

FB_TEST(a_laptop_from_the_future_does_not_win_for_years)
{
    world_replica(t, "ana")->clock_ms = INT64_C(10) * 365 * 86400 * 1000;
    replica_edits(t, "ana", "company/acme", "website", "future.example");
    world_time_passes(t, 60000);
    server_edits(t, "company/acme", "website", "now.example");
    expect_everywhere(t, "company/acme", "website", "now.example");
}

FB_TEST(a_laptop_from_the_past_can_be_the_later_one)
{
    world_replica(t, "ana")->clock_ms = -INT64_C(10) * 365 * 86400 * 1000;
    server_edits(t, "company/acme", "website", "earlier.example");
    world_time_passes(t, 60000);
    replica_edits(t, "ana", "company/acme", "website", "later.example");
    expect_everywhere(t, "company/acme", "website", "later.example");
}

FB_TEST(a_b_a_on_a_laptop_still_gets_what_came_meanwhile)
{
    replica_edits(t, "ana", "company/acme", "website", "x.example");
    replica_edits(t, "ana", "company/acme", "website", "NULL");
    server_edits(t, "company/acme", "website", "hq.example");
    expect_everywhere(t, "company/acme", "website", "hq.example");
    expect_conflicts(t, "company/acme", 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_edit_on_a_laptop_arrives_everywhere),
        CASE(a_record_made_on_a_laptop_arrives_everywhere),
        CASE(the_later_edit_stands_and_the_earlier_is_kept),
        CASE(the_later_edit_of_two_laptops_stands_whoever_syncs_first),
        CASE(the_author_whose_value_lost_sees_the_conflict),
        CASE(different_fields_are_both_kept_without_a_conflict),
        CASE(an_address_is_never_mixed),
        CASE(server_value_stands_when_both_changed_the_credit_limit),
        CASE(the_owner_decides_about_the_probability),
        CASE(the_owner_keeps_his_probability_when_another_comes_second),
        CASE(the_later_last_activity_stands),
        CASE(do_not_call_once_said_stays),
        CASE(two_paragraphs_are_both_there),
        CASE(of_two_texts_for_one_line_the_later_stands_and_the_other_is_kept),
        CASE(two_names_of_a_company_wait_for_a_person),
        CASE(a_second_name_replaces_the_one_that_waits),
        CASE(done_beats_postponed),
        CASE(won_against_lost_waits_for_a_person),
        CASE(the_stage_further_along_stands),
        CASE(two_ends_of_a_pipeline_wait_for_a_person),
        CASE(a_stage_may_go_back_when_nobody_else_moved_it),
        CASE(the_way_through_the_stages_is_kept),
        CASE(an_amount_of_a_closed_record_waits_for_a_person),
        CASE(what_only_headquarters_writes_comes_back),
        CASE(of_two_first_values_the_first_to_arrive_stays),
        CASE(an_insert_of_an_id_that_exists_merges_field_by_field),
        CASE(a_contact_without_a_company_travels_to_its_owner_only),
        CASE(a_laptop_from_the_future_does_not_win_for_years),
        CASE(a_laptop_from_the_past_can_be_the_later_one),
        CASE(a_b_a_on_a_laptop_still_gets_what_came_meanwhile),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
