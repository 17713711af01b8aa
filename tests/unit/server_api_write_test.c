/* SPDX-License-Identifier: MIT
 *
 * Writing by the record API: forms of one person, forms of two, what is refused and what nobody loses.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call ana, bo; /* at headquarters */
static struct api_call laptop;  /* ana's */

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    api_people_open(t, &ana, &bo, &laptop);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_people_close(t, &ana, &bo, &laptop);
    return 0;
}

static const char *acme(void)
{
    return api_path("company/acme", "");
}

static const char *new_contact(const char *family_name)
{
    static char body[512];
    snprintf(body, sizeof body, "{\"row\":{\"family_name\":\"%s\",\"company_id\":\"%s\"}}",
             family_name, world_id("company/acme"));
    return body;
}

FB_TEST(a_record_made_at_headquarters_has_its_author_and_time_at_once_and_is_in_the_log)
{
    api_send(&ana, "POST", "/api/v1/contact", new_contact("李"));
    expect_answer(&ana, 201, "row.family_name", "李");
    expect_answer(&ana, 201, "row.owner_id", world_id("employee/ana"));
    expect_answer(&ana, 201, "row.created_by", world_id("employee/ana"));
    expect_answer(&ana, 201, "row.modified_by", world_id("employee/ana"));
    assert_string_equal(
        server_asks(t, "SELECT employee_id FROM fb_rev ORDER BY rev DESC LIMIT 1", NULL),
        world_id("employee/ana"));
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_journal WHERE op > 0", NULL), "0");
    everybody_syncs(t);
    expect_equal_digests(t);
    assert_string_equal(replica_asks(t, "bo", "SELECT created_by FROM contact", NULL),
                        world_id("employee/ana"));
}

FB_TEST(a_record_made_on_a_laptop_waits_in_the_journal_and_keeps_its_author)
{
    api_send(&laptop, "POST", "/api/v1/contact", new_contact("李"));
    expect_answer(&laptop, 201, "row.created_by", world_id("employee/ana"));
    expect_answer(&laptop, 201, "marks.*.mark", "unsent");
    everybody_syncs(t);
    assert_string_equal(server_asks(t, "SELECT created_by FROM contact", NULL),
                        world_id("employee/ana"));
    expect_equal_digests(t);
}

#define ORDER_FORM                                                                                 \
    "{\"row\":{\"company_id\":\"%s\",\"ordered_on\":\"2026-01-01\",\"currency_id\":\"%s\"},"       \
    "\"parts\":{\"order_line\":[{\"name\":\"Thing\",\"unit\":\"pc\",\"unit_price\":\"12.50\","     \
    "\"qty\":\"2\"},{\"name\":\"Other\",\"unit\":\"pc\",\"unit_price\":%s}]}}"

FB_TEST(an_order_is_made_with_its_lines_or_not_at_all)
{
    char body[2048];
    server_makes(t, "currency/cny", "code", "CNY", "name_zh", "人民币", NULL);
    server_settles(t);
    snprintf(body, sizeof body, ORDER_FORM, world_id("company/acme"), world_id("currency/cny"),
             "\"a lot\"");
    api_send(&ana, "POST", "/api/v1/sales_order", body);
    expect_answer(&ana, 422, "code", "check");
    assert_string_equal(api_at(&ana, "fields"),
                        "{\"order_line.1.unit_price\":{\"code\":\"type\",\"detail\":\"unit_price "
                        "must be a decimal number as a string, such as \\\"1234.50\\\"\","
                        "\"params\":{\"type\":\"number\"}}}");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM sales_order", NULL), "0");
    snprintf(body, sizeof body, ORDER_FORM, world_id("company/acme"), world_id("currency/cny"),
             "\"1.00\"");
    api_send(&ana, "POST", "/api/v1/sales_order", body);
    expect_status(&ana, 201);
    assert_int_equal(api_count(&ana, "parts.order_line"), 2);
    assert_string_equal(
        server_asks(t, "SELECT unit_price FROM order_line WHERE name = 'Thing'", NULL), "1250");
    assert_string_equal(server_asks(t, "SELECT qty FROM order_line WHERE name = 'Thing'", NULL),
                        "2000");
    everybody_syncs(t);
    expect_equal_digests(t);
}

FB_TEST(the_same_key_makes_one_record)
{
    for (int i = 0; i < 3; i++) {
        ana.header_name = "idempotency-key";
        ana.header_value = "form-17";
        api_send(&ana, "POST", "/api/v1/contact", new_contact("李"));
        expect_answer(&ana, 201, "row.family_name", "李");
    }
    assert_string_equal(server_asks(t, "SELECT count(*) FROM contact", NULL), "1");
    bo.header_name = "idempotency-key";
    bo.header_value = "form-17";
    api_send(&bo, "POST", "/api/v1/contact", new_contact("李"));
    assert_string_equal(server_asks(t, "SELECT count(*) FROM contact", NULL), "2");
}

FB_TEST(a_form_is_checked_field_by_field)
{
    static const struct {
        const char *row, *field, *code;
    } CASES[] = {
        {"{}", "name", "required"},
        {"{\"name\":\"\"}", "name", "required"},
        {"{\"name\":\"x\",\"kind\":null}", "kind", "required"},
        {"{\"name\":\"x\",\"kind\":\"friend\"}", "kind", "choice"},
        {"{\"name\":7}", "name", "type"},
        {"{\"name\":\"x\",\"employees\":\"12\"}", "employees", "type"},
        {"{\"name\":\"x\",\"employees\":1.5}", "employees", "type"},
        {"{\"name\":\"x\",\"annual_revenue\":\"1.234\"}", "annual_revenue", "digits"},
        {"{\"name\":\"x\",\"annual_revenue\":\"1e3\"}", "annual_revenue", "type"},
        {"{\"name\":\"x\",\"do_not_call\":1}", "do_not_call", "type"},
        {"{\"name\":\"x\",\"last_activity_at\":\"soon\"}", "last_activity_at", "date"},
        {"{\"name\":\"x\",\"parent_id\":\"acme\"}", "parent_id", "lookup"},
        {"{\"name\":\"x\",\"parent_id\":\"01890000-0000-7000-8000-0000000000ff\"}", "parent_id",
         "lookup"},
        {"{\"name\":\"x\",\"merged_into_id\":null}", "merged_into_id", "read_only"},
        {"{\"name\":\"x\",\"nothing\":1}", "nothing", "unknown"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char body[512];
        char place[128];
        snprintf(body, sizeof body, "{\"row\":%s}", CASES[i].row);
        snprintf(place, sizeof place, "fields.%s.code", CASES[i].field);
        api_send(&ana, "POST", "/api/v1/company", body);
        expect_answer(&ana, 422, place, CASES[i].code);
        api_send(&laptop, "POST", "/api/v1/company", body);
        expect_answer(&laptop, 422, place, CASES[i].code);
    }
    assert_string_equal(server_asks(t, "SELECT count(*) FROM company", NULL), "1");
}

FB_TEST(a_text_that_is_too_long_says_by_how_much)
{
    static char body[8192];
    snprintf(body, sizeof body, "{\"row\":{\"name\":\"%0*d\"}}", 2001, 0);
    api_send(&ana, "POST", "/api/v1/company", body);
    expect_answer(&ana, 422, "fields.name.code", "too_long");
    expect_answer(&ana, 422, "fields.name.params.max", "2000");
    expect_answer(&ana, 422, "fields.name.params.n", "2001");
}

#define INDUSTRY_FORM "{\"base\":{\"industry\":null},\"mine\":{\"industry\":\"%s\"}}"

FB_TEST(a_retired_choice_cannot_be_chosen_anew)
{
    server_makes(t, "choice_list/sizes", "name", "industry", NULL);
    server_makes(t, "choice/big", "choice_list_id", "@choice_list/sizes", "value", "big",
                 "label_en", "Big", "label_zh", "大", NULL);
    server_makes(t, "choice/old", "choice_list_id", "@choice_list/sizes", "value", "old",
                 "label_en", "Old", "label_zh", "旧", "active", "0", NULL);
    server_settles(t);
    char body[256];
    snprintf(body, sizeof body, INDUSTRY_FORM, "old");
    api_send(&ana, "PATCH", acme(), body);
    expect_answer(&ana, 422, "fields.industry.code", "retired");
    snprintf(body, sizeof body, INDUSTRY_FORM, "none of them");
    api_send(&ana, "PATCH", acme(), body);
    expect_answer(&ana, 422, "fields.industry.code", "choice");
    snprintf(body, sizeof body, INDUSTRY_FORM, "big");
    api_send(&ana, "PATCH", acme(), body);
    expect_answer(&ana, 200, "row.industry", "big");
}

FB_TEST(two_people_on_one_form_merge_by_field)
{
    api_send(&ana, "PATCH", acme(),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"acme.example\"}}");
    expect_answer(&ana, 200, "row.website", "acme.example");
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"short_name\":null},\"mine\":{\"short_name\":\"AC\"}}");
    expect_answer(&bo, 200, "row.short_name", "AC");
    expect_answer(&bo, 200, "row.website", "acme.example");
    expect_answer(&bo, 200, "row.modified_by", world_id("employee/bo"));
    expect_conflicts(t, "company/acme", 0);
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "website", "acme.example");
}

FB_TEST(the_same_field_asks_the_second_and_writes_the_rest)
{
    api_send(&ana, "PATCH", acme(),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"ana.example\"}}");
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"website\":null,\"short_name\":null},"
             "\"mine\":{\"website\":\"bo.example\",\"short_name\":\"AC\"}}");
    expect_answer(&bo, 409, "code", "both_changed");
    expect_answer(&bo, 409, "fields.website.base", "null");
    expect_answer(&bo, 409, "fields.website.theirs", "ana.example");
    expect_answer(&bo, 409, "fields.website.mine", "bo.example");
    expect_answer(&bo, 409, "fields.website.who", "ana");
    expect_answer(&bo, 409, "fields.short_name", NULL);
    expect_answer(&bo, 409, "row.website", "ana.example");
    expect_answer(&bo, 409, "row.short_name", "AC");
    /* Having seen both, he decides. */
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"website\":\"ana.example\"},\"mine\":{\"website\":\"bo.example\"}}");
    expect_answer(&bo, 200, "row.website", "bo.example");
}

FB_TEST(a_cut_that_came_while_the_form_was_open_is_seen_on_the_laptop)
{
    server_edits(t, "company/acme", "website", "hq.example");
    replica_syncs(t, "ana");
    api_send(&laptop, "PATCH", acme(),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"mine.example\"}}");
    expect_answer(&laptop, 409, "fields.website.theirs", "hq.example");
    expect_answer(&laptop, 409, "row.website", "hq.example");
    expect_replica(t, "ana", "company/acme", "website", "hq.example");
}

FB_TEST(a_group_is_taken_whole)
{
    api_send(&ana, "PATCH", acme(),
             "{\"base\":{\"annual_revenue\":null},\"mine\":{\"annual_revenue\":\"100.00\"}}");
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"revenue_year\":null},\"mine\":{\"revenue_year\":2025}}");
    expect_status(&bo, 200); /* the form saw the rest as it stands */
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"annual_revenue\":null,\"revenue_year\":2025},"
             "\"mine\":{\"annual_revenue\":\"200.00\",\"revenue_year\":2026}}");
    expect_answer(&bo, 409, "fields.annual_revenue.mine", "200.00");
    expect_answer(&bo, 409, "fields.revenue_year.mine", "2026");
    expect_server(t, "company/acme", "revenue_year", "2025");
}

FB_TEST(texts_of_both_are_joined_line_by_line)
{
    server_edits(t, "company/acme", "description", "one\ntwo\nthree\n");
    server_settles(t);
    api_send(&ana, "PATCH", acme(),
             "{\"base\":{\"description\":\"one\\ntwo\\nthree\\n\"},"
             "\"mine\":{\"description\":\"ONE\\ntwo\\nthree\\n\"}}");
    expect_status(&ana, 200);
    api_send(&bo, "PATCH", acme(),
             "{\"base\":{\"description\":\"one\\ntwo\\nthree\\n\"},"
             "\"mine\":{\"description\":\"one\\ntwo\\nTHREE\\n\"}}");
    expect_answer(&bo, 200, "row.description", "ONE\ntwo\nTHREE\n");
}

FB_TEST(a_step_that_is_not_allowed_is_said_beside_the_field)
{
    server_makes(t, "activity/call", "kind", "task", "subject", "Call", "status", "done",
                 "owner_id", "@employee/ana", NULL);
    server_settles(t);
    const char *body = "{\"base\":{\"status\":\"done\"},\"mine\":{\"status\":\"planned\"}}";
    api_send(&ana, "PATCH", api_path("activity/call", ""), body);
    expect_answer(&ana, 422, "fields.status.code", "step");
    everybody_syncs(t);
    api_send(&laptop, "PATCH", api_path("activity/call", ""), body);
    expect_answer(&laptop, 422, "fields.status.code", "step");
    api_send(&ana, "PATCH", api_path("activity/call", ""),
             "{\"base\":{\"kind\":\"task\"},\"mine\":{\"kind\":\"visit\"}}");
    expect_answer(&ana, 422, "fields.kind.code", "once");
}

FB_TEST(a_stage_moved_at_headquarters_leaves_its_history)
{
    server_makes(t, "pipeline/sales", "name", "Sales", NULL);
    for (int i = 1; i <= 2; i++) {
        char name[32];
        char position[8];
        snprintf(name, sizeof name, "stage/s%d", i);
        snprintf(position, sizeof position, "%d", i);
        server_makes(t, name, "pipeline_id", "@pipeline/sales", "name_zh", name, "name_en", name,
                     "position", position, "kind", "open", "probability", "10", NULL);
    }
    server_makes(t, "opportunity/deal", "name", "Deal", "company_id", "@company/acme",
                 "pipeline_id", "@pipeline/sales", "stage_id", "@stage/s1", "close_on",
                 "2026-01-31", "owner_id", "@employee/ana", NULL);
    server_settles(t);
    char body[256];
    snprintf(body, sizeof body, "{\"base\":{\"stage_id\":\"%s\"},\"mine\":{\"stage_id\":\"%s\"}}",
             world_id("stage/s1"), world_id("stage/s2"));
    api_send(&bo, "PATCH", api_path("opportunity/deal", ""), body);
    expect_answer(&bo, 200, "row.stage_id", world_id("stage/s2"));
    expect_answer(&bo, 200, "parts.stage_history.0.by_id", world_id("employee/bo"));
    expect_answer(&bo, 200, "parts.stage_history.0.from_stage_id", world_id("stage/s1"));
    everybody_syncs(t);
    expect_equal_digests(t);
}

FB_TEST(deleting_wants_the_state_that_was_seen)
{
    server_has_an_order(t);
    server_settles(t);
    const char *path = api_path("sales_order/one", "");
    api_send(&ana, "DELETE", path, NULL);
    expect_answer(&ana, 400, "code", "bad_request");
    api_get(&ana, path);
    char seen[80];
    snprintf(seen, sizeof seen, "\"%s\"", ana.etag);
    api_send(&bo, "PATCH", path, "{\"base\":{\"note\":null},\"mine\":{\"note\":\"wait\"}}");
    expect_status(&bo, 200);
    ana.header_name = "if-match";
    ana.header_value = seen;
    api_send(&ana, "DELETE", path, NULL);
    expect_answer(&ana, 412, "code", "changed_since");
    expect_answer(&ana, 412, "row.note", "wait");
    char rev[64];
    snprintf(rev, sizeof rev, "%s", api_at(&ana, "rev"));
    ana.header_name = "if-match";
    ana.header_value = rev;
    api_send(&ana, "DELETE", path, NULL);
    expect_status(&ana, 204);
    everybody_syncs(t);
    expect_gone(t, "sales_order/one");
    expect_gone(t, "order_line/a");
    api_get(&ana, path);
    expect_answer(&ana, 404, "code", "not_found");
}

FB_TEST(what_a_tool_wrote_before_is_not_signed_by_the_person_who_saves)
{
    server_edits(t, "company/acme", "short_name", "Tool");
    api_send(&ana, "PATCH", acme(),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"ana.example\"}}");
    expect_status(&ana, 200);
    assert_string_equal(
        server_asks(t,
                    "SELECT group_concat(coalesce(employee_id = ?1, 'tool')) FROM (SELECT * FROM "
                    "fb_rev ORDER BY rev DESC LIMIT 2)",
                    "employee/ana"),
        "1,tool");
}

FB_TEST(a_body_that_makes_no_sense_is_refused)
{
    static const char *const BODIES[] = {
        "",
        "[]",
        "{",
        "{\"base\":{}}",
        "{\"base\":[],\"mine\":{}}",
        "{\"base\":{},\"mine\":{\"website\":\"x\"}}",
        "{\"base\":{},\"base\":{},\"mine\":{}}",
    };
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        api_send(&ana, "PATCH", acme(), BODIES[i]);
        expect_answer(&ana, 400, "code", "bad_request");
    }
    api_send(&ana, "PATCH", acme(), "{\"base\":{},\"mine\":{}}");
    expect_status(&ana, 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_record_made_at_headquarters_has_its_author_and_time_at_once_and_is_in_the_log),
        CASE(a_record_made_on_a_laptop_waits_in_the_journal_and_keeps_its_author),
        CASE(an_order_is_made_with_its_lines_or_not_at_all),
        CASE(the_same_key_makes_one_record),
        CASE(a_form_is_checked_field_by_field),
        CASE(a_text_that_is_too_long_says_by_how_much),
        CASE(a_retired_choice_cannot_be_chosen_anew),
        CASE(two_people_on_one_form_merge_by_field),
        CASE(the_same_field_asks_the_second_and_writes_the_rest),
        CASE(a_cut_that_came_while_the_form_was_open_is_seen_on_the_laptop),
        CASE(a_group_is_taken_whole),
        CASE(texts_of_both_are_joined_line_by_line),
        CASE(a_step_that_is_not_allowed_is_said_beside_the_field),
        CASE(a_stage_moved_at_headquarters_leaves_its_history),
        CASE(deleting_wants_the_state_that_was_seen),
        CASE(what_a_tool_wrote_before_is_not_signed_by_the_person_who_saves),
        CASE(a_body_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
