/* SPDX-License-Identifier: MIT
 *
 * Processing a lead by the record API: what is proposed, what comes of it, what is refused, and two laptops that do it both.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call ana, bo; /* at headquarters */
static struct api_call laptop;  /* ana's */

#define LEAD    "lead/fair"
#define PROCESS api_path(LEAD, "/process")
#define ALL_NEW "{\"company\":{\"row\":{}},\"contact\":{\"row\":{}},\"opportunity\":{\"row\":{}}}"

static void make_pipeline(void)
{
    server_makes(t, "pipeline/other", "name", "A service", NULL);
    server_makes(t, "pipeline/sales", "name", "Sales", "is_default", "1", NULL);
    server_makes(t, "stage/late", "pipeline_id", "@pipeline/sales", "name_zh", "late", "name_en",
                 "late", "position", "2", "probability", "50", NULL);
    server_makes(t, "stage/first", "pipeline_id", "@pipeline/sales", "name_zh", "first", "name_en",
                 "first", "position", "1", "probability", "10", NULL);
}

static void make_lead(void)
{
    server_makes(t, "campaign/fair", "code", "F", "name", "Fair", "starts_on", "2025-01-01",
                 "ends_on", "2025-12-31", "owner_id", "@employee/ana", NULL);
    server_makes(t, LEAD, "subject", "Second line", "company_name", "Acme Ltd.", "family_name",
                 "Li", "given_name", "Wei", "job_title", "Buyer", "source", "trade_show",
                 "received_at", "2025-06-15T08:00:00.000Z", "need", "Faster", "budget", "62000000",
                 "timeframe", "quarter", "campaign_id", "@campaign/fair", "owner_id",
                 "@employee/ana", NULL);
    server_makes(t, "comm_point/mobile", "owner_entity", "lead", "owner_id", "@" LEAD, "kind",
                 "mobile", "value", "13812345678", "is_primary", "1", NULL);
    server_makes(t, "address/office", "owner_entity", "lead", "owner_id", "@" LEAD, "kind", "visit",
                 "city", "Suzhou", NULL);
}

static void tell_the_time(void)
{
    ana.now_ms = bo.now_ms = laptop.now_ms = t->now_ms;
}

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    make_pipeline();
    make_lead();
    everybody_syncs(t);
    api_people_open(t, &ana, &bo, &laptop);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_people_close(t, &ana, &bo, &laptop);
    return 0;
}

static const char *with_company(const char *record, const char *rest)
{
    static char body[1024];
    snprintf(body, sizeof body, "{\"company\":{\"id\":\"%s\"}%s}", world_id(record), rest);
    return body;
}

/* ---- What is proposed ---- */

FB_TEST(the_proposal_is_filled_from_the_lead_and_names_what_is_alike)
{
    server_makes(t, "contact/li", "family_name", "Li", "given_name", "Wei", "company_id",
                 "@company/acme", "owner_id", "@employee/ana", NULL);
    server_settles(t);
    api_get(&ana, PROCESS);
    expect_answer(&ana, 200, "company.alike.0.record.title", "Acme");
    expect_answer(&ana, 200, "company.alike.0.reason", "name");
    expect_answer(&ana, 200, "company.row.name", "Acme Ltd.");
    expect_answer(&ana, 200, "company.row.kind", "prospect");
    expect_answer(&ana, 200, "company.row.campaign_id", world_id("campaign/fair"));
    expect_answer(&ana, 200, "contact.row.job_title", "Buyer");
    expect_answer(&ana, 200, "opportunity.row.name", "Second line");
    expect_answer(&ana, 200, "opportunity.row.amount", "620000.00");
    expect_answer(&ana, 200, "opportunity.row.pipeline_id", world_id("pipeline/sales"));
    expect_answer(&ana, 200, "opportunity.row.stage_id", world_id("stage/first"));
    expect_answer(&ana, 200, "opportunity.row.close_on", "2025-09-13");
    expect_answer(&ana, 200, "company.fixed", "null");
    assert_int_equal(api_count(&ana, "contact.alike"), 0); /* no company is chosen */
    char path[256];
    snprintf(path, sizeof path, "%s?company=%s", PROCESS, world_id("company/acme"));
    api_get(&ana, path);
    expect_answer(&ana, 200, "contact.alike.0.record.title", "Wei Li");
    expect_answer(&ana, 200, "contact.alike.0.reason", "person");
    snprintf(path, sizeof path, "%s?company=acme", PROCESS);
    api_get(&ana, path);
    expect_answer(&ana, 400, "code", "bad_request");
}

FB_TEST(a_number_of_the_lead_finds_its_company_and_its_person)
{
    server_makes(t, "company/other", "name", "Other", "owner_id", "@employee/bo", NULL);
    server_makes(t, "contact/he", "family_name", "He", "company_id", "@company/other", "owner_id",
                 "@employee/bo", NULL);
    server_makes(t, "comm_point/a", "owner_entity", "company", "owner_id", "@company/other", "kind",
                 "phone", "value", "13812345678", NULL);
    server_makes(t, "comm_point/b", "owner_entity", "contact", "owner_id", "@contact/he", "kind",
                 "mobile", "value", "13812345678", NULL);
    server_settles(t);
    api_get(&ana, PROCESS);
    expect_answer(&ana, 200, "company.alike.0.record.title", "Acme");
    expect_answer(&ana, 200, "company.alike.1.record.title", "Other");
    expect_answer(&ana, 200, "company.alike.1.reason", "phone");
    expect_answer(&ana, 200, "contact.alike.0.record.title", "He");
    char path[256];
    snprintf(path, sizeof path, "%s?company=%s", PROCESS, world_id("company/acme"));
    api_get(&ana, path);
    assert_int_equal(api_count(&ana, "contact.alike"), 0); /* he works elsewhere */
}

FB_TEST(what_a_person_may_not_see_is_not_proposed)
{
    api_permits(t, "bo", "own");
    server_edits(t, LEAD, "owner_id", "@employee/bo");
    server_edits(t, "company/acme", "owner_id", "@employee/ana");
    server_settles(t);
    api_get(&bo, PROCESS);
    expect_status(&bo, 200);
    assert_int_equal(api_count(&bo, "company.alike"), 0);
}

/* ---- What comes of it ---- */

static void expect_all_new(void)
{
    assert_string_equal(
        server_asks(t,
                    "SELECT l.status || ' ' || c.name || ' ' || p.family_name || ' ' || o.name"
                    " FROM lead l JOIN company c ON c.id = l.company_id JOIN contact p ON p.id ="
                    " l.contact_id AND p.company_id = c.id JOIN opportunity o ON o.id ="
                    " l.opportunity_id AND o.company_id = c.id AND o.contact_id = p.id AND"
                    " o.lead_id = l.id WHERE l.id = ?1 AND l.processed_at IS NOT NULL",
                    LEAD),
        "qualified Acme Ltd. Li Second line");
    assert_string_equal(server_asks(t,
                                    "SELECT o.source || ' ' || o.need || ' ' || o.amount || ' ' ||"
                                    " (o.campaign_id = c.campaign_id) || ' ' || c.source FROM"
                                    " opportunity o JOIN company c ON c.id = o.company_id",
                                    NULL),
                        "trade_show Faster 62000000 1 trade_show");
}

FB_TEST(all_three_are_made_at_headquarters_in_one_rev_of_that_person)
{
    const char *before = server_asks(t, "SELECT max(rev) FROM fb_rev", NULL);
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_answer(&ana, 200, "row.status", "qualified");
    expect_all_new();
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) || min(employee_id) FROM fb_rev WHERE rev > %s",
             before);
    char expected[64];
    snprintf(expected, sizeof expected, "1%s", world_id("employee/ana"));
    assert_string_equal(server_asks(t, sql, NULL), expected);
    everybody_syncs(t);
    expect_equal_digests(t);
}

FB_TEST(all_three_are_made_on_a_laptop_and_arrive)
{
    api_send(&laptop, "POST", PROCESS, ALL_NEW);
    expect_answer(&laptop, 200, "row.status", "qualified");
    expect_answer(&laptop, 200, "marks.opportunity_id.mark", "unsent");
    everybody_syncs(t);
    expect_all_new();
    expect_held(t, 0, NULL);
    expect_conflicts(t, LEAD, 0);
    expect_equal_digests(t);
}

FB_TEST(numbers_go_with_the_person_and_addresses_with_the_company)
{
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_status(&ana, 200);
    assert_string_equal(
        server_asks(t,
                    "SELECT value || ' ' || is_primary FROM comm_point WHERE owner_entity ="
                    " 'contact' AND owner_id = (SELECT contact_id FROM lead WHERE id = ?1)",
                    LEAD),
        "13812345678 1");
    assert_string_equal(
        server_asks(t,
                    "SELECT city FROM address WHERE owner_entity = 'company' AND owner_id ="
                    " (SELECT company_id FROM lead WHERE id = ?1)",
                    LEAD),
        "Suzhou");
    expect_server(t, "comm_point/mobile", "owner_entity", "lead");
}

FB_TEST(a_company_that_is_there_is_used_and_the_rest_left_out)
{
    api_send(&ana, "POST", PROCESS, with_company("company/acme", ""));
    expect_answer(&ana, 200, "row.company_id", world_id("company/acme"));
    expect_answer(&ana, 200, "row.contact_id", "null");
    expect_answer(&ana, 200, "row.status", "qualified");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM company", NULL), "1");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity", NULL), "0");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM comm_point", NULL), "1");
}

FB_TEST(what_the_form_says_stands_before_what_the_lead_says)
{
    char rest[512];
    snprintf(rest, sizeof rest,
             ",\"opportunity\":{\"row\":{\"name\":\"Mine\",\"amount\":\"5.00\",\"stage_id\":\"%s\","
             "\"pipeline_id\":\"%s\",\"close_on\":\"2026-01-31\",\"owner_id\":\"%s\"}}",
             world_id("stage/late"), world_id("pipeline/sales"), world_id("employee/bo"));
    api_send(&ana, "POST", PROCESS, with_company("company/acme", rest));
    expect_status(&ana, 200);
    assert_string_equal(
        server_asks(t, "SELECT name || ' ' || amount || ' ' || close_on FROM opportunity", NULL),
        "Mine 500 2026-01-31");
    assert_string_equal(server_asks(t, "SELECT owner_id FROM opportunity", NULL),
                        world_id("employee/bo"));
}

FB_TEST(a_pipeline_that_the_form_names_has_stages_of_its_own)
{
    char rest[256];
    snprintf(rest, sizeof rest, ",\"opportunity\":{\"row\":{\"pipeline_id\":\"%s\"}}",
             world_id("pipeline/other"));
    api_send(&ana, "POST", PROCESS, with_company("company/acme", rest));
    expect_status(&ana, 422);
    assert_non_null(strstr(ana.text, "\"opportunity.stage_id\":{\"code\":\"required\""));
}

FB_TEST(what_the_lead_names_already_stays_and_is_used)
{
    server_edits(t, LEAD, "company_id", "@company/acme");
    server_makes(t, "company/beta", "name", "Beta", "owner_id", "@employee/ana", NULL);
    server_settles(t);
    api_get(&ana, PROCESS);
    expect_answer(&ana, 200, "company.fixed", world_id("company/acme"));
    api_send(&ana, "POST", PROCESS, with_company("company/beta", ""));
    expect_answer(&ana, 422, "fields.company_id.code", "once");
    api_send(&ana, "POST", PROCESS, "{\"opportunity\":{\"row\":{}}}");
    expect_status(&ana, 200);
    assert_string_equal(server_asks(t, "SELECT company_id FROM opportunity", NULL),
                        world_id("company/acme"));
}

/* ---- The product it asks for ---- */

static void ask_for_a_press(void)
{
    server_makes(t, "product/press", "code", "P1", "name_zh", "Press", "kind", "goods", "unit",
                 "piece", "list_price", "5000000", "status", "active", NULL);
    server_edits(t, LEAD, "product_id", "@product/press");
    everybody_syncs(t);
}

static void expect_the_press(void)
{
    assert_string_equal(server_asks(t,
                                    "SELECT l.name || ' ' || l.qty || ' ' || l.unit_price FROM"
                                    " opportunity_line l JOIN lead d ON d.opportunity_id ="
                                    " l.opportunity_id AND d.product_id = l.product_id",
                                    NULL),
                        "Press 1000 5000000");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity_line", NULL), "1");
}

FB_TEST(the_product_of_the_lead_is_the_first_line_of_the_opportunity)
{
    ask_for_a_press();
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_status(&ana, 200);
    expect_the_press();
}

FB_TEST(the_product_goes_over_on_a_laptop_too_and_arrives)
{
    ask_for_a_press();
    api_send(&laptop, "POST", PROCESS, ALL_NEW);
    expect_status(&laptop, 200);
    everybody_syncs(t);
    expect_the_press();
    expect_held(t, 0, NULL);
    expect_equal_digests(t);
}

FB_TEST(without_a_new_opportunity_the_product_stays_with_the_lead)
{
    ask_for_a_press();
    api_send(&ana, "POST", PROCESS, with_company("company/acme", ""));
    expect_status(&ana, 200);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity_line", NULL), "0");
}

/* ---- The first contact ---- */

static const char *about_the_lead(const char *kind, const char *owner, const char *rest)
{
    static char body[512];
    snprintf(body, sizeof body,
             "{\"row\":{\"kind\":\"%s\",\"subject\":\"Ask\",\"about_entity\":\"lead\","
             "\"about_id\":\"%s\",\"owner_id\":\"%s\"%s}}",
             kind, world_id(LEAD), world_id(owner), rest);
    return body;
}

#define TOUCHED "SELECT first_touched_at FROM lead WHERE id = ?1"

FB_TEST(a_call_that_is_planned_and_then_logged_on_a_laptop_is_the_first_contact)
{
    char path[128];
    api_send(
        &laptop, "POST", "/api/v1/activity",
        about_the_lead("call_out", "employee/ana", ",\"starts_at\":\"2025-06-15T09:00:00.000Z\""));
    expect_status(&laptop, 201);
    assert_string_equal(replica_asks(t, "ana", TOUCHED, LEAD), "NULL");
    snprintf(path, sizeof path, "/api/v1/activity/%s", api_at(&laptop, "row.id"));
    api_send(&laptop, "PATCH", path,
             "{\"base\":{\"status\":\"planned\",\"done_at\":null},"
             "\"mine\":{\"status\":\"done\",\"done_at\":\"2025-06-15T09:10:00.000Z\"}}");
    expect_status(&laptop, 200);
    assert_string_equal(replica_asks(t, "ana", TOUCHED, LEAD), "2025-06-15T09:10:00.000Z");
    everybody_syncs(t);
    expect_server(t, LEAD, "first_touched_at", "2025-06-15T09:10:00.000Z");
    expect_held(t, 0, NULL);
    expect_equal_digests(t);
}

FB_TEST(the_earliest_contact_counts_and_a_plan_or_a_task_is_none)
{
    static const char DONE[] = ",\"status\":\"done\",\"done_at\":\"2025-06-15T0%d:00:00.000Z\"";
    char rest[128];
    api_send(&ana, "POST", "/api/v1/activity", about_the_lead("call_out", "employee/ana", ""));
    expect_status(&ana, 201);
    expect_server(t, LEAD, "first_touched_at", "NULL");
    for (int hour = 9; hour >= 8; hour--) {
        snprintf(rest, sizeof rest, DONE, hour);
        api_send(&ana, "POST", "/api/v1/activity",
                 about_the_lead("call_out", "employee/ana", rest));
        expect_status(&ana, 201);
    }
    expect_server(t, LEAD, "first_touched_at", "2025-06-15T08:00:00.000Z");
    snprintf(rest, sizeof rest, DONE, 9);
    api_send(&ana, "POST", "/api/v1/activity", about_the_lead("call_out", "employee/ana", rest));
    expect_server(t, LEAD, "first_touched_at", "2025-06-15T08:00:00.000Z");
}

FB_TEST(a_message_about_the_lead_is_a_contact_and_a_finished_task_is_none)
{
    char body[512];
    api_send(&ana, "POST", "/api/v1/activity",
             about_the_lead("task", "employee/ana", ",\"status\":\"done\""));
    expect_status(&ana, 201);
    expect_server(t, LEAD, "first_touched_at", "NULL");
    snprintf(
        body, sizeof body,
        "{\"row\":{\"channel\":\"wechat\",\"at\":\"2025-06-15T08:30:00.000Z\",\"to_text\":\"Li\","
        "\"about_entity\":\"lead\",\"about_id\":\"%s\",\"by_id\":\"%s\"}}",
        world_id(LEAD), world_id("employee/ana"));
    api_send(&ana, "POST", "/api/v1/message", body);
    expect_status(&ana, 201);
    expect_server(t, LEAD, "first_touched_at", "2025-06-15T08:30:00.000Z");
}

FB_TEST(who_may_not_change_the_lead_logs_his_call_and_leaves_it)
{
    api_permits(t, "bo", "own");
    server_settles(t);
    api_send(&bo, "POST", "/api/v1/activity",
             about_the_lead("call_out", "employee/bo", ",\"status\":\"done\""));
    expect_status(&bo, 201);
    expect_server(t, LEAD, "first_touched_at", "NULL");
}

/* ---- The last contact ---- */

static const char *with_acme(const char *rest)
{
    static char body[512];
    snprintf(body, sizeof body,
             "{\"row\":{\"kind\":\"visit\",\"subject\":\"See them\",\"company_id\":\"%s\","
             "\"owner_id\":\"%s\"%s}}",
             world_id("company/acme"), world_id("employee/ana"), rest);
    return body;
}

FB_TEST(a_visit_that_is_logged_says_when_the_company_was_last_seen)
{
    static const char DONE[] = ",\"status\":\"done\",\"done_at\":\"2025-06-15T0%d:00:00.000Z\"";
    char rest[128];
    api_send(&laptop, "POST", "/api/v1/activity", with_acme(""));
    expect_status(&laptop, 201);
    for (int hour = 9; hour >= 7;
         hour--) { /* the latest counts, in whatever order they are logged */
        snprintf(rest, sizeof rest, DONE, hour);
        api_send(&laptop, "POST", "/api/v1/activity", with_acme(rest));
        expect_status(&laptop, 201);
    }
    everybody_syncs(t);
    expect_server(t, "company/acme", "last_activity_at", "2025-06-15T09:00:00.000Z");
    expect_held(t, 0, NULL);
    expect_equal_digests(t);
}

FB_TEST(what_is_marked_as_done_was_done_now_if_nobody_says_when)
{
    char path[128];
    api_send(&ana, "POST", "/api/v1/activity", with_acme(""));
    expect_status(&ana, 201);
    expect_answer(&ana, 201, "row.done_at", "null");
    snprintf(path, sizeof path, "/api/v1/activity/%s", api_at(&ana, "row.id"));
    api_send(&ana, "PATCH", path,
             "{\"base\":{\"status\":\"planned\"},\"mine\":{\"status\":\"done\"}}");
    expect_status(&ana, 200);
    assert_string_equal(
        server_asks(t,
                    "SELECT done_at IS NOT NULL AND done_at = (SELECT "
                    "last_activity_at FROM company WHERE name = 'Acme') FROM activity",
                    NULL),
        "1");
}

/* ---- What is refused ---- */

static void expect_nothing_was_made(void)
{
    expect_server(t, LEAD, "status", "new");
    expect_server(t, LEAD, "company_id", "NULL");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM company", NULL), "1");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM contact", NULL), "0");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity", NULL), "0");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_journal WHERE op > 0", NULL), "0");
}

FB_TEST(a_lead_is_processed_once_and_says_what_it_became)
{
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_status(&ana, 200);
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_answer(&ana, 409, "code", "not_open");
    expect_answer(&ana, 409, "detail",
                  "This lead has been processed already. It became: Acme Ltd., Wei Li, Second "
                  "line.");
    expect_answer(&ana, 409, "became.0.entity", "company");
    expect_answer(&ana, 409, "became.2.title", "Second line");
    api_get(&ana, PROCESS);
    expect_answer(&ana, 409, "code", "not_open");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity", NULL), "1");
}

FB_TEST(a_lead_that_is_closed_is_not_processed)
{
    server_edits(t, LEAD, "status", "disqualified");
    server_settles(t);
    api_send(&ana, "POST", PROCESS, ALL_NEW);
    expect_answer(&ana, 409, "code", "not_open");
    expect_answer(&ana, 409, "lead_status", "disqualified");
    expect_answer(&ana, 409, "detail", "This lead is closed, so it cannot be processed.");
}

FB_TEST(a_lead_that_was_only_called_qualified_can_be_processed)
{
    server_edits(t, LEAD, "status", "qualified");
    server_settles(t);
    api_send(&ana, "POST", PROCESS, with_company("company/acme", ""));
    expect_answer(&ana, 200, "row.company_id", world_id("company/acme"));
}

FB_TEST(the_same_key_makes_the_three_once_and_answers_again)
{
    for (int i = 0; i < 2; i++) {
        laptop.header_name = "idempotency-key";
        laptop.header_value = "dialog-4";
        api_send(&laptop, "POST", PROCESS, ALL_NEW);
        expect_answer(&laptop, 200, "row.status", "qualified");
    }
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM opportunity", NULL), "1");
}

FB_TEST(errors_of_all_three_stand_beside_their_fields_and_nothing_is_made)
{
    struct api_call *const both[] = {&ana, &laptop};
    for (size_t i = 0; i < 2; i++) {
        api_send(
            both[i], "POST", PROCESS,
            "{\"company\":{\"row\":{\"name\":\"\"}},\"contact\":{\"row\":{\"family_name\":null}},"
            "\"opportunity\":{\"row\":{\"close_on\":null,\"amount\":\"much\"}}}");
        expect_answer(both[i], 422, "code", "check");
        assert_int_equal(api_count(both[i], "fields"), 4);
        assert_non_null(strstr(both[i]->text, "\"company.name\":{\"code\":\"required\""));
        assert_non_null(strstr(both[i]->text, "\"contact.family_name\":{\"code\":\"required\""));
        assert_non_null(strstr(both[i]->text, "\"opportunity.amount\":{\"code\":\"type\""));
    }
    expect_nothing_was_made();
}

FB_TEST(a_choice_that_makes_no_sense_is_refused)
{
    api_send(&ana, "POST", PROCESS, "{}");
    expect_answer(&ana, 422, "fields.company_id.code", "required");
    api_send(&ana, "POST", PROCESS, "{\"company\":7}");
    expect_answer(&ana, 400, "code", "bad_request");
    api_send(&ana, "POST", PROCESS,
             with_company("company/nobody", ",\"opportunity\":{\"row\":{}}"));
    expect_answer(&ana, 422, "fields.company_id.code", "lookup");
    assert_int_equal(api_count(&ana, "fields"), 1);
    api_send(&ana, "POST", api_path("lead/nobody", "/process"), ALL_NEW);
    expect_answer(&ana, 404, "code", "not_found");
    expect_nothing_was_made();
}

FB_TEST(a_contact_brings_its_company_and_is_refused_with_another)
{
    char rest[256];
    char alone[256];
    server_makes(t, "company/beta", "name", "Beta", "owner_id", "@employee/ana", NULL);
    server_makes(t, "contact/he", "family_name", "He", "company_id", "@company/beta", "owner_id",
                 "@employee/ana", NULL);
    server_settles(t);
    snprintf(rest, sizeof rest, ",\"contact\":{\"id\":\"%s\"}", world_id("contact/he"));
    api_send(&ana, "POST", PROCESS, with_company("company/acme", rest));
    expect_answer(&ana, 422, "fields.contact_id.code", "other_company");
    snprintf(alone, sizeof alone, "{\"contact\":{\"id\":\"%s\"},\"opportunity\":{\"row\":{}}}",
             world_id("contact/he"));
    api_send(&ana, "POST", PROCESS, alone);
    expect_answer(&ana, 200, "row.company_id", world_id("company/beta"));
    assert_string_equal(server_asks(t, "SELECT company_id FROM opportunity", NULL),
                        world_id("company/beta"));
}

/* ---- Rights ---- */

/* The lead is in the territory of both. */
static void server_has_one_territory(void)
{
    server_makes(t, "territory/east", "code", "E", "name", "East", NULL);
    server_makes(t, "territory_member/ana", "territory_id", "@territory/east", "employee_id",
                 "@employee/ana", "part", "owner", NULL);
    server_makes(t, "territory_member/bo", "territory_id", "@territory/east", "employee_id",
                 "@employee/bo", "part", "owner", NULL);
    server_edits(t, LEAD, "territory_id", "@territory/east");
}

static void may_not(const char *entity, const char *action)
{
    server_makes(t, "role_permission/not", "role_id", "@role/of-bo", "entity", entity, "action",
                 action, "level", "none", NULL);
    everybody_syncs(t);
}

FB_TEST(a_right_that_is_missing_for_one_of_them_stops_all)
{
    api_permits(t, "bo", "all");
    may_not("opportunity", "create");
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_answer(&bo, 403, "code", "right_missing");
    expect_nothing_was_made();
    api_send(&bo, "POST", PROCESS, with_company("company/acme", ""));
    expect_status(&bo, 200);
}

FB_TEST(who_may_not_change_the_lead_may_not_process_it)
{
    api_permits(t, "bo", "all");
    may_not("lead", "edit");
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_answer(&bo, 403, "code", "right_missing");
    api_get(&bo, PROCESS);
    expect_answer(&bo, 403, "code", "right_missing");
    expect_nothing_was_made();
}

FB_TEST(a_lead_or_a_company_that_one_may_not_see_is_not_there)
{
    api_permits(t, "bo", "own");
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_answer(&bo, 404, "code", "not_found");
    server_edits(t, LEAD, "owner_id", "@employee/bo");
    server_settles(t);
    api_send(&bo, "POST", PROCESS, with_company("company/acme", ""));
    expect_answer(&bo, 422, "fields.company_id.code", "lookup");
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_answer(&bo, 200, "row.status", "qualified");
    assert_string_equal(server_asks(t, "SELECT owner_id FROM opportunity", NULL),
                        world_id("employee/bo"));
}

FB_TEST(who_may_not_make_records_for_the_leads_owner_owns_them_himself)
{
    server_has_one_territory();
    api_permits(t, "bo", "territory");
    api_get(&bo, PROCESS);
    expect_answer(&bo, 200, "company.row.owner_id", world_id("employee/bo"));
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_status(&bo, 200);
    assert_string_equal(server_asks(t, "SELECT owner_id FROM contact", NULL),
                        world_id("employee/bo"));
}

FB_TEST(a_field_that_one_may_not_write_is_not_carried_over)
{
    api_permits(t, "bo", "all");
    server_makes(t, "role_field/campaign", "role_id", "@role/of-bo", "entity", "opportunity",
                 "field", "campaign_id", "access", "read", NULL);
    everybody_syncs(t);
    api_send(&bo, "POST", PROCESS, ALL_NEW);
    expect_status(&bo, 200);
    assert_string_equal(server_asks(t, "SELECT campaign_id IS NULL FROM opportunity", NULL), "1");
}

/* ---- Two laptops ---- */

static void both_process(void)
{
    struct api_call bos = api_on_laptop(t, "bo");
    server_has_one_territory();
    everybody_syncs(t);
    tell_the_time();
    bos.now_ms = t->now_ms - 60000;
    api_send(&bos, "POST", PROCESS,
             "{\"company\":{\"row\":{\"name\":\"Bo's\"}},\"contact\":{\"row\":{}},"
             "\"opportunity\":{\"row\":{}}}");
    expect_status(&bos, 200);
    api_send(&laptop, "POST", PROCESS,
             "{\"company\":{\"row\":{\"name\":\"Ana's\"}},\"contact\":{\"row\":{}},"
             "\"opportunity\":{\"row\":{}}}");
    expect_status(&laptop, 200);
    api_done(&bos);
    replica_syncs(t, "bo");
    replica_syncs(t, "ana");
    everybody_syncs(t);
    tell_the_time();
}

FB_TEST(of_two_laptops_the_first_keeps_the_lead_and_the_records_of_both_stay)
{
    both_process();
    assert_string_equal(server_asks(t,
                                    "SELECT c.name FROM lead l JOIN company c ON c.id ="
                                    " l.company_id WHERE l.id = ?1",
                                    LEAD),
                        "Bo's");
    expect_server(t, LEAD, "status", "qualified");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM company", NULL), "3");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity", NULL), "2");
    expect_held(t, 0, NULL);
    expect_equal_digests(t);
}

FB_TEST(the_second_reads_who_was_first_and_may_merge_the_two)
{
    both_process();
    struct api_call *const both[] = {&laptop, &ana};
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "/api/v1/conflicts?state=any&field=company_id&row_id=%s",
                 world_id(LEAD));
        api_get(both[i], path);
        assert_int_equal(api_count(both[i], "rows"), 1);
        expect_answer(both[i], 200, "rows.0.code", "lead_twice");
        expect_answer(both[i], 200, "rows.0.theirs_who", "bo");
        assert_int_equal(api_count(both[i], "rows.0.references.company"), 2);
        expect_answer(both[i], 200, "rows.0.pair.entity", "company");
        expect_answer(both[i], 200, "rows.0.pair.left.title", "Bo's");
        expect_answer(both[i], 200, "rows.0.pair.right.title", "Ana's");
    }
}

FB_TEST(the_second_ones_receipt_says_it_for_each_of_the_three)
{
    both_process();
    api_get(&laptop, "/api/v1/receipts");
    expect_answer(&laptop, 200, "rows.0.title", "Second line");
    assert_int_equal(api_count(&laptop, "rows.0.conflicts"), 4); /* and the time */
    int told = 0;
    for (int i = 0; i < 4; i++) {
        char place[64];
        snprintf(place, sizeof place, "rows.0.conflicts.%d.code", i);
        const char *code = api_at(&laptop, place);
        told += code != NULL && strcmp(code, "lead_twice") == 0;
    }
    assert_int_equal(told, 3);
}

FB_TEST(what_was_made_twice_of_one_lead_is_in_the_duplicates_list)
{
    both_process();
    assert_string_equal(
        server_asks(t,
                    "SELECT group_concat(entity, ' ') FROM (SELECT entity FROM merge_job WHERE"
                    " state = 'suspected' AND rule = 'lead' ORDER BY entity)",
                    NULL),
        "company contact opportunity");
    assert_string_equal(server_asks(t,
                                    "SELECT count(*) FROM merge_job j JOIN lead l ON l.id = ?1"
                                    " WHERE j.keep_id IN (l.company_id, l.contact_id,"
                                    " l.opportunity_id)",
                                    LEAD),
                        "3");
    api_get(&laptop, "/api/v1/duplicates");
    assert_int_equal(api_count(&laptop, "rows"), 3);
}

FB_TEST(headquarters_disqualifies_what_a_laptop_processed_and_a_person_decides)
{
    api_send(&laptop, "POST", PROCESS, ALL_NEW);
    server_edits(t, LEAD, "status", "disqualified");
    everybody_syncs(t);
    expect_conflict_keeps(t, LEAD, "status", "qualified");
    assert_string_equal(
        server_asks(t, "SELECT outcome FROM conflict WHERE field_group = 'status'", NULL),
        "waiting");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM opportunity", NULL), "1");
    assert_string_equal(
        server_asks(t, "SELECT opportunity_id IS NOT NULL FROM lead WHERE id = ?1", LEAD), "1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(the_proposal_is_filled_from_the_lead_and_names_what_is_alike),
        CASE(a_number_of_the_lead_finds_its_company_and_its_person),
        CASE(what_a_person_may_not_see_is_not_proposed),
        CASE(all_three_are_made_at_headquarters_in_one_rev_of_that_person),
        CASE(all_three_are_made_on_a_laptop_and_arrive),
        CASE(numbers_go_with_the_person_and_addresses_with_the_company),
        CASE(a_company_that_is_there_is_used_and_the_rest_left_out),
        CASE(what_the_form_says_stands_before_what_the_lead_says),
        CASE(a_pipeline_that_the_form_names_has_stages_of_its_own),
        CASE(what_the_lead_names_already_stays_and_is_used),
        CASE(the_product_of_the_lead_is_the_first_line_of_the_opportunity),
        CASE(the_product_goes_over_on_a_laptop_too_and_arrives),
        CASE(without_a_new_opportunity_the_product_stays_with_the_lead),
        CASE(a_call_that_is_planned_and_then_logged_on_a_laptop_is_the_first_contact),
        CASE(the_earliest_contact_counts_and_a_plan_or_a_task_is_none),
        CASE(a_message_about_the_lead_is_a_contact_and_a_finished_task_is_none),
        CASE(who_may_not_change_the_lead_logs_his_call_and_leaves_it),
        CASE(a_visit_that_is_logged_says_when_the_company_was_last_seen),
        CASE(what_is_marked_as_done_was_done_now_if_nobody_says_when),
        CASE(a_lead_is_processed_once_and_says_what_it_became),
        CASE(a_lead_that_is_closed_is_not_processed),
        CASE(a_lead_that_was_only_called_qualified_can_be_processed),
        CASE(the_same_key_makes_the_three_once_and_answers_again),
        CASE(errors_of_all_three_stand_beside_their_fields_and_nothing_is_made),
        CASE(a_choice_that_makes_no_sense_is_refused),
        CASE(a_contact_brings_its_company_and_is_refused_with_another),
        CASE(a_right_that_is_missing_for_one_of_them_stops_all),
        CASE(who_may_not_change_the_lead_may_not_process_it),
        CASE(a_lead_or_a_company_that_one_may_not_see_is_not_there),
        CASE(who_may_not_make_records_for_the_leads_owner_owns_them_himself),
        CASE(a_field_that_one_may_not_write_is_not_carried_over),
        CASE(of_two_laptops_the_first_keeps_the_lead_and_the_records_of_both_stay),
        CASE(the_second_reads_who_was_first_and_may_merge_the_two),
        CASE(the_second_ones_receipt_says_it_for_each_of_the_three),
        CASE(what_was_made_twice_of_one_lead_is_in_the_duplicates_list),
        CASE(headquarters_disqualifies_what_a_laptop_processed_and_a_person_decides),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
