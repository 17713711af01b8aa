/* SPDX-License-Identifier: MIT
 *
 * What the record API says around a record: lookups, related lists, groups, timeline, history, the bin, bulk edits; and
 * what rights do to all of it.
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
    api_permits(t, "ana", "all");
    api_forbids(t, "bo");
    api_people_open(t, &ana, &bo, &laptop);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_people_close(t, &ana, &bo, &laptop);
    return 0;
}

static void make_people(void)
{
    server_makes(t, "contact/wei", "family_name", "张", "given_name", "伟", "company_id",
                 "@company/acme", "owner_id", "@employee/ana", NULL);
    server_makes(t, "contact/na", "family_name", "李", "given_name", "娜", "company_id",
                 "@company/acme", "owner_id", "@employee/bo", NULL);
    server_makes(t, "contact/smith", "family_name", "Smith", "given_name", "John", "owner_id",
                 "@employee/ana", NULL);
    server_settles(t);
}

FB_TEST(lookups_find_by_any_part_of_a_name_and_begin_with_what_was_touched_last)
{
    static const struct {
        const char *words, *title;
    } CASES[] = {
        {"张", "张伟"},           {"张伟", "张伟"},       {"伟", "张伟"},
        {"smi", "John Smith"},    {"MITH", "John Smith"}, {"Smith J", "John Smith"},
        {"John S", "John Smith"},
    };
    make_people();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/lookup/contact?q=%s", CASES[i].words);
        api_get(&ana, target);
        expect_answer(&ana, 200, "0.title", CASES[i].title);
        expect_answer(&ana, 200, "1", NULL);
    }
    api_get(&ana, "/api/v1/lookup/contact?q=nobody");
    expect_answer(&ana, 200, "0", NULL);
    api_get(&ana, "/api/v1/lookup/contact");
    expect_answer(&ana, 200, "0.title", "John Smith");
    assert_int_equal(api_count(&ana, ""), 3);
}

FB_TEST(a_lookup_on_a_laptop_knows_names_whose_details_are_at_headquarters)
{
    replica_runs(t, "ana",
                 "INSERT INTO reference (entity, id, title) VALUES ('company',"
                 " '01890000-0000-7000-8000-00000000aaaa', 'Far Away Ltd')");
    api_get(&laptop, "/api/v1/lookup/company?q=far");
    expect_answer(&laptop, 200, "0.title", "Far Away Ltd");
    expect_answer(&laptop, 200, "0.is_reference", "true");
}

FB_TEST(what_points_at_a_record_is_counted)
{
    make_people();
    api_get(&ana, api_path("company/acme", "/related"));
    expect_status(&ana, 200);
    bool is_found = false;
    for (int i = 0; i < api_count(&ana, ""); i++) {
        char at[32];
        snprintf(at, sizeof at, "%d.entity", i);
        if (strcmp(api_at(&ana, at), "contact") == 0) {
            snprintf(at, sizeof at, "%d.count", i);
            assert_string_equal(api_at(&ana, at), "2");
            is_found = true;
        }
    }
    assert_true(is_found);
}

FB_TEST(groups_count_and_add_up_for_boards)
{
    server_runs(t, "UPDATE company SET annual_revenue = 150");
    server_settles(t);
    api_get(&ana, "/api/v1/group/company?by=owner_id&sum=annual_revenue");
    expect_answer(&ana, 200, "0.count", "1");
    expect_answer(&ana, 200, "0.sum", "1.50");
    expect_answer(&ana, 200, "0.title", "ana");
    api_get(&ana, "/api/v1/group/company?by=kind&filter=[[\"kind\",\"=\",\"customer\"]]");
    assert_int_equal(api_count(&ana, ""), 0);
    api_get(&ana, "/api/v1/group/company");
    expect_answer(&ana, 400, "code", "bad_request");
    api_get(&ana, "/api/v1/group/company?by=kind&sum=name");
    expect_answer(&ana, 400, "code", "bad_request");
}

static void make_story(void)
{
    make_people();
    server_makes(t, "activity/call", "kind", "call_out", "subject", "Called", "company_id",
                 "@company/acme", "owner_id", "@employee/ana", "starts_at",
                 "2025-03-01T08:00:00.000Z", "important", "1", NULL);
    server_makes(t, "activity/visit", "kind", "visit", "subject", "Visited", "contact_id",
                 "@contact/wei", "owner_id", "@employee/ana", "starts_at",
                 "2025-03-02T08:00:00.000Z", NULL);
    server_makes(t, "note/one", "entity", "contact", "record_id", "@contact/wei", "body",
                 "Likes tea", "by_id", "@employee/bo", NULL);
    server_settles(t);
}

FB_TEST(the_timeline_tells_what_happened_to_a_company_and_below_it_newest_first)
{
    make_story();
    api_get(&ana, api_path("company/acme", "/timeline"));
    assert_int_equal(api_count(&ana, "rows"), 3);
    expect_answer(&ana, 200, "rows.0.title", "Likes tea"); /* made now */
    expect_answer(&ana, 200, "rows.0.who", "bo");
    expect_answer(&ana, 200, "rows.1.title", "Visited");
    expect_answer(&ana, 200, "rows.1.kind", "visit");
    expect_answer(&ana, 200, "rows.2.at", "2025-03-01T08:00:00.000Z");
    expect_answer(&ana, 200, "next", "null");
    api_get(&ana, api_path("contact/wei", "/timeline"));
    assert_int_equal(api_count(&ana, "rows"), 2);
    api_get(&ana, api_path("company/acme", "/timeline?important=true"));
    assert_int_equal(api_count(&ana, "rows"), 2); /* notes are neither */
}

FB_TEST(a_long_timeline_comes_in_pages_without_a_gap)
{
    char sql[600];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)"
             " INSERT INTO activity (kind, subject, company_id, owner_id, starts_at) SELECT 'task',"
             " 'T' || i, '%s', '%s', printf('2025-01-01T08:00:%%02d.000Z', i / 10) FROM n",
             world_id("company/acme"), world_id("employee/ana"));
    server_runs(t, sql);
    server_settles(t);
    char path[4096];
    int rows = 0;
    snprintf(path, sizeof path, "%s", api_path("company/acme", "/timeline"));
    for (int page = 0; page < 10; page++) {
        api_get(&ana, path);
        expect_status(&ana, 200);
        rows += api_count(&ana, "rows");
        if (strcmp(api_at(&ana, "next"), "null") == 0) {
            break;
        }
        snprintf(path, sizeof path, "%s%s", api_path("company/acme", "/timeline?cursor="),
                 api_at(&ana, "next"));
    }
    assert_int_equal(rows, 130);
}

FB_TEST(history_at_headquarters_names_who_changed_what)
{
    api_send(&ana, "PATCH", api_path("company/acme", ""),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"acme.example\"}}");
    replica_edits(t, "ana", "company/acme", "short_name", "AC");
    everybody_syncs(t);
    api_get(&ana, api_path("company/acme", "/history"));
    expect_answer(&ana, 200, "rows.0.fields.0.field", "short_name");
    expect_answer(&ana, 200, "rows.0.fields.0.new", "AC");
    expect_answer(&ana, 200, "rows.0.source", "laptop");
    expect_answer(&ana, 200, "rows.0.device", "ana");
    expect_answer(&ana, 200, "rows.1.fields.0.new", "acme.example");
    expect_answer(&ana, 200, "rows.1.source", "page");
    expect_answer(&ana, 200, "rows.1.who", "ana");
    expect_answer(&ana, 200, "next", "null");
}

FB_TEST(history_on_a_laptop_shows_what_waits)
{
    api_send(&laptop, "PATCH", api_path("company/acme", ""),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"acme.example\"}}");
    expect_status(&laptop, 200);
    api_get(&laptop, api_path("company/acme", "/history"));
    expect_answer(&laptop, 200, "rows.0.fields.0.new", "acme.example");
    expect_answer(&laptop, 200, "rows.0.arrived_at", "null");
    expect_answer(&laptop, 200, "rows.0.who", "ana");
    replica_syncs(t, "ana");
    api_get(&laptop, api_path("company/acme", "/history"));
    assert_int_equal(api_count(&laptop, "rows"), 0);
}

static void delete_order(void)
{
    static char rev[64];
    api_get(&ana, api_path("sales_order/one", ""));
    snprintf(rev, sizeof rev, "%s", ana.etag);
    ana.header_name = "if-match";
    ana.header_value = rev;
    api_send(&ana, "DELETE", api_path("sales_order/one", ""), NULL);
    expect_status(&ana, 204);
}

FB_TEST(what_was_deleted_rests_in_the_bin_and_comes_back_whole)
{
    server_has_an_order(t);
    server_settles(t);
    delete_order();
    api_get(&ana, "/api/v1/bin?entity=sales_order");
    assert_int_equal(api_count(&ana, "rows"), 1);
    expect_answer(&ana, 200, "rows.0.entity", "sales_order");
    expect_answer(&ana, 200, "rows.0.by", "ana");
    expect_answer(&ana, 200, "rows.0.with", "1");
    api_get(&ana, "/api/v1/bin?entity=company");
    assert_int_equal(api_count(&ana, "rows"), 0);
    api_send(&ana, "POST", api_path("sales_order/one", "/restore"), "{}");
    expect_answer(&ana, 200, "parts.order_line.0.name", "Thing");
    api_get(&ana, "/api/v1/bin?entity=sales_order");
    assert_int_equal(api_count(&ana, "rows"), 0);
    everybody_syncs(t);
    expect_replica(t, "ana", "order_line/a", "name", "Thing");
    api_send(&ana, "POST", api_path("sales_order/one", "/restore"), "{}");
    expect_answer(&ana, 404, "code", "not_found");
}

FB_TEST(a_bulk_edit_judges_each_row_by_itself)
{
    make_people();
    char body[512];
    snprintf(body, sizeof body,
             "{\"entity\":\"contact\",\"ids\":[\"%s\",\"%s\",\"%s\"],\"set\":{\"department\":"
             "\"Sales\"}}",
             world_id("contact/wei"), world_id("contact/none"), world_id("contact/na"));
    api_send(&ana, "POST", "/api/v1/bulk", body);
    expect_answer(&ana, 200, "done", "2");
    expect_answer(&ana, 200, "failed.0.id", world_id("contact/none"));
    expect_answer(&ana, 200, "failed.0.code", "not_found");
    api_send(&ana, "POST", "/api/v1/bulk",
             "{\"entity\":\"contact\",\"filter\":[[\"department\",\"=\",\"Sales\"]],\"set\":"
             "{\"attitude\":\"lukewarm\"}}");
    expect_answer(&ana, 200, "done", "0");
    expect_answer(&ana, 200, "failed.1.fields.attitude.code", "choice");
    api_send(&ana, "POST", "/api/v1/bulk",
             "{\"entity\":\"contact\",\"filter\":[[\"department\",\"=\",\"Sales\"]],\"delete\":"
             "true}");
    expect_answer(&ana, 200, "done", "2");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM contact", NULL), "1");
    api_send(&ana, "POST", "/api/v1/bulk", "{\"entity\":\"contact\",\"ids\":[]}");
    expect_answer(&ana, 400, "code", "bad_request");
}

FB_TEST(the_catalogue_is_what_pages_are_drawn_from)
{
    server_makes(t, "choice_list/industry", "name", "industry", NULL);
    server_makes(t, "choice/steel", "choice_list_id", "@choice_list/industry", "value", "steel",
                 "label_en", "Steel", "label_zh", "钢铁", NULL);
    server_settles(t);
    api_get(&ana, "/api/v1/catalogue");
    expect_answer(&ana, 200, "choices.industry.0.zh", "钢铁");
    expect_answer(&ana, 200, "choices.industry.0.is_retired", "false");
    assert_true(api_count(&ana, "modules") > 3);
    assert_true(api_count(&ana, "entities") > 50);
    assert_non_null(api_at(&ana, "entities.0.layout.list.columns"));
    assert_true(ana.etag[0] != '\0');
}

FB_TEST(without_a_role_there_is_nothing_to_see)
{
    make_story();
    static const char *const PATHS[] = {"", "/related", "/timeline", "/history"};
    for (size_t i = 0; i < 4; i++) {
        api_get(&bo, api_path("company/acme", PATHS[i]));
        expect_answer(&bo, 404, "code", "not_found");
    }
    api_get(&bo, "/api/v1/contact");
    expect_answer(&bo, 404, "code", "not_found");
    api_get(&bo, "/api/v1/lookup/contact?q=张");
    expect_answer(&bo, 404, "code", "not_found");
    api_get(&bo, "/api/v1/catalogue");
    assert_int_equal(api_count(&bo, "entities"), 0);
    api_send(&bo, "PATCH", api_path("company/acme", ""),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"x\"}}");
    expect_answer(&bo, 404, "code", "not_found");
}

FB_TEST(a_session_says_what_the_person_may_do)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_web web = {
        .node = FB_NODE_SERVER, .store = t->store, .now_ms = t->now_ms, .arena = &arena};
    fb_buf_init(&out, 1000000);
    fb_buf_append_byte(&out, '{');
    assert_int_equal(fb_api_append_rights(&web, world_id("employee/ana"), &out), FB_OK);
    fb_buf_append_byte(&out, '}');
    json_t *json = json_loadb(fb_buf_text(&out), out.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *company = json_object_get(json_object_get(json, "rights"), "company");
    assert_string_equal(json_string_value(json_object_get(company, "edit")), "all");
    const json_t *employee = json_object_get(json_object_get(json, "fields"), "employee");
    assert_string_equal(json_string_value(json_object_get(employee, "birthday")), "hidden");
    json_decref(json);
    fb_buf_clear(&out);
    fb_buf_append_byte(&out, '{');
    assert_int_equal(fb_api_append_rights(&web, world_id("employee/bo"), &out), FB_OK);
    assert_string_equal(fb_buf_text(&out), "{\"rights\":{},\"fields\":{}");
}

FB_TEST(a_record_says_what_may_be_done_with_it)
{
    make_people();
    api_permits(t, "bo", "all");
    server_makes(t, "role_permission/edit-own", "role_id", "@role/of-bo", "entity", "contact",
                 "action", "edit", "level", "own", NULL);
    server_makes(t, "role_permission/keep", "role_id", "@role/of-bo", "entity", "contact", "action",
                 "delete", "level", "none", NULL);
    server_settles(t);
    api_get(&bo, api_path("contact/na", ""));
    expect_answer(&bo, 200, "may.edit", "true");
    expect_answer(&bo, 200, "may.assign", "true");
    expect_answer(&bo, 200, "may.delete", "false");
    api_get(&bo, api_path("contact/wei", ""));
    expect_answer(&bo, 200, "may.edit", "false");
    api_get(&ana, api_path("contact/wei", ""));
    expect_answer(&ana, 200, "may.edit", "true");
    expect_answer(&ana, 200, "may.delete", "true");
}

FB_TEST(who_sees_his_own_alone_finds_counts_and_changes_them_alone)
{
    make_story();
    api_permits(t, "bo", "own");
    api_get(&bo, "/api/v1/contact");
    expect_answer(&bo, 200, "total", "1");
    expect_answer(&bo, 200, "rows.0._title", "李娜");
    api_get(&bo, api_path("contact/wei", ""));
    expect_answer(&bo, 404, "code", "not_found");
    api_get(&bo, "/api/v1/group/contact?by=owner_id");
    expect_answer(&bo, 200, "0.count", "1");
    expect_answer(&bo, 200, "1", NULL);
    api_get(&bo, "/api/v1/lookup/contact?q=张");
    expect_answer(&bo, 200, "0", NULL);
    api_send(&bo, "PATCH", api_path("contact/wei", ""),
             "{\"base\":{\"department\":null},\"mine\":{\"department\":\"x\"}}");
    expect_answer(&bo, 404, "code", "not_found");
    api_send(&bo, "PATCH", api_path("contact/na", ""),
             "{\"base\":{\"department\":null},\"mine\":{\"department\":\"x\"}}");
    expect_answer(&bo, 200, "row.department", "x");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(lookups_find_by_any_part_of_a_name_and_begin_with_what_was_touched_last),
        CASE(a_lookup_on_a_laptop_knows_names_whose_details_are_at_headquarters),
        CASE(what_points_at_a_record_is_counted),
        CASE(groups_count_and_add_up_for_boards),
        CASE(the_timeline_tells_what_happened_to_a_company_and_below_it_newest_first),
        CASE(a_long_timeline_comes_in_pages_without_a_gap),
        CASE(history_at_headquarters_names_who_changed_what),
        CASE(history_on_a_laptop_shows_what_waits),
        CASE(what_was_deleted_rests_in_the_bin_and_comes_back_whole),
        CASE(a_bulk_edit_judges_each_row_by_itself),
        CASE(the_catalogue_is_what_pages_are_drawn_from),
        CASE(without_a_role_there_is_nothing_to_see),
        CASE(a_session_says_what_the_person_may_do),
        CASE(a_record_says_what_may_be_done_with_it),
        CASE(who_sees_his_own_alone_finds_counts_and_changes_them_alone),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
