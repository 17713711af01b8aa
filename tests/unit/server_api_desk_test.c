/* SPDX-License-Identifier: MIT
 *
 * Decisions by the record API: conflicts, held changes, receipts; users, devices and audit for admins; the description
 * of the API itself.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "server/api.h"
#include "server/web.h"
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

static void dispute_the_name(void)
{
    replica_edits(t, "ana", "company/acme", "name", "Acme of Ana");
    server_edits(t, "company/acme", "name", "Acme of headquarters");
    everybody_syncs(t);
    laptop.now_ms = ana.now_ms = bo.now_ms = t->now_ms;
}

static const char *rule(struct api_call *c, const char *rest)
{
    static char body[256];
    api_get(c, "/api/v1/conflicts");
    expect_status(c, 200);
    snprintf(body, sizeof body, "{\"ids\":[\"%s\"],%s}", api_at(c, "rows.0.id"), rest);
    return body;
}

FB_TEST(a_conflict_is_shown_with_three_values_and_ruled)
{
    dispute_the_name();
    api_get(&ana, "/api/v1/conflicts?state=waiting");
    assert_int_equal(api_count(&ana, "rows"), 1);
    expect_answer(&ana, 200, "rows.0.fields.0", "name");
    expect_answer(&ana, 200, "rows.0.base.name", "Acme");
    expect_answer(&ana, 200, "rows.0.theirs.name", "Acme of headquarters");
    expect_answer(&ana, 200, "rows.0.mine.name", "Acme of Ana");
    expect_answer(&ana, 200, "rows.0.mine_who", "ana");
    expect_answer(&ana, 200, "rows.0.title", "Acme of headquarters");
    expect_answer(&ana, 200, "rows.0.ruling", "null");
    api_send(&ana, "POST", "/api/v1/conflicts/rule", rule(&ana, "\"keep\":\"mine\""));
    expect_answer(&ana, 200, "done", "1");
    everybody_syncs(t);
    expect_server(t, "company/acme", "name", "Acme of Ana");
    expect_replica(t, "ana", "company/acme", "name", "Acme of Ana");
    api_get(&ana, "/api/v1/conflicts?state=ruled");
    expect_answer(&ana, 200, "rows.0.ruling.who", "ana");
}

FB_TEST(an_admin_is_told_of_a_conflict_about_somebodys_own_but_not_what_it_says)
{
    api_permits(t, "bo", "own");
    server_makes(t, "activity/secret", "kind", "task", "subject", "Mine", "owner_id",
                 "@employee/bo", "company_id", "@company/acme", "private", "1", NULL);
    everybody_syncs(t);
    replica_edits(t, "bo", "activity/secret", "subject", "Of the laptop");
    server_edits(t, "activity/secret", "subject", "Of the office");
    everybody_syncs(t);
    laptop.now_ms = ana.now_ms = bo.now_ms = t->now_ms;
    api_get(&bo, "/api/v1/conflicts?state=any");
    expect_answer(&bo, 200, "rows.0.mine.subject", "Of the laptop");
    assert_null(api_at(&bo, "rows.0.is_private"));
    api_get(&ana, "/api/v1/conflicts?state=any");
    expect_answer(&ana, 200, "rows.0.fields.0", "subject");
    expect_answer(&ana, 200, "rows.0.is_private", "true");
    assert_null(api_at(&ana, "rows.0.title"));
    assert_null(api_at(&ana, "rows.0.base.subject"));
    assert_null(api_at(&ana, "rows.0.theirs.subject"));
    assert_null(api_at(&ana, "rows.0.mine.subject"));
    assert_null(strstr(ana.text, "Of the "));
}

FB_TEST(a_value_may_be_typed_and_a_laptop_may_rule)
{
    dispute_the_name();
    api_send(&laptop, "POST", "/api/v1/conflicts/rule",
             rule(&laptop, "\"value\":{\"name\":\"Acme of both\"},\"note\":\"agreed\""));
    expect_answer(&laptop, 200, "done", "1");
    everybody_syncs(t);
    expect_server(t, "company/acme", "name", "Acme of both");
    expect_replica(t, "ana", "company/acme", "name", "Acme of both");
}

FB_TEST(who_may_not_change_the_record_may_not_rule)
{
    dispute_the_name();
    api_get(&ana, "/api/v1/conflicts");
    char body[256];
    snprintf(body, sizeof body, "{\"ids\":[\"%s\"],\"keep\":\"mine\"}", api_at(&ana, "rows.0.id"));
    api_send(&bo, "POST", "/api/v1/conflicts/rule", body);
    expect_answer(&bo, 200, "done", "0");
    expect_answer(&bo, 200, "failed.0.code", "not_found");
    expect_server(t, "company/acme", "name", "Acme of headquarters");
    api_send(&ana, "POST", "/api/v1/conflicts/rule", "{\"ids\":[],\"keep\":\"mine\"}");
    expect_answer(&ana, 400, "code", "bad_request");
    api_get(&ana, "/api/v1/conflicts/01890000-0000-7000-8000-0000000000ff");
    expect_answer(&ana, 404, "code", "not_found");
}

/* The laptop's edit steps back, which headquarters holds. */
static void hold_an_edit(void)
{
    server_makes(t, "activity/call", "kind", "task", "subject", "Call", "status", "done",
                 "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "activity/call", "status", "planned");
    everybody_syncs(t);
    ana.now_ms = t->now_ms;
}

FB_TEST(a_held_edit_shows_what_was_written_and_is_corrected)
{
    hold_an_edit();
    api_get(&ana, "/api/v1/held");
    assert_int_equal(api_count(&ana, "rows"), 1);
    expect_answer(&ana, 200, "rows.0.code", "not_allowed_step");
    expect_answer(&ana, 200, "rows.0.title", "Call");
    expect_answer(&ana, 200, "rows.0.who", "ana");
    expect_answer(&ana, 200, "rows.0.fields.0.field", "status");
    expect_answer(&ana, 200, "rows.0.fields.0.new", "planned");
    char path[128];
    snprintf(path, sizeof path, "/api/v1/held/%s/correct", api_at(&ana, "rows.0.id"));
    api_send(&ana, "POST", path, "{\"fields\":{\"status\":\"nonsense\"}}");
    expect_answer(&ana, 422, "fields.status.code", "choice");
    api_send(&ana, "POST", path, "{\"fields\":{\"status\":\"done\"}}");
    expect_status(&ana, 204);
    api_get(&ana, "/api/v1/held");
    assert_int_equal(api_count(&ana, "rows"), 0);
}

FB_TEST(a_held_edit_is_discarded_by_its_author_on_the_laptop)
{
    hold_an_edit();
    api_get(&laptop, "/api/v1/held");
    char path[128];
    snprintf(path, sizeof path, "/api/v1/held/%s/discard", api_at(&laptop, "rows.0.id"));
    api_send(&laptop, "POST", path, "");
    expect_status(&laptop, 204);
    everybody_syncs(t);
    assert_string_equal(server_asks(t, "SELECT state FROM held_change", NULL), "discarded");
    api_send(&bo, "POST", path, "");
    expect_answer(&bo, 404, "code", "not_found");
}

FB_TEST(a_held_edit_is_handed_to_somebody_who_then_may_settle_it)
{
    char path[128];
    char body[128];
    hold_an_edit();
    api_get(&bo, "/api/v1/held");
    assert_int_equal(api_count(&bo, "rows"), 0);
    api_get(&laptop, "/api/v1/held");
    expect_answer(&laptop, 200, "rows.0.settlers.0", "ana");
    expect_answer(&laptop, 200, "rows.0.asked", "null");
    snprintf(path, sizeof path, "/api/v1/held/%s/ask", api_at(&laptop, "rows.0.id"));
    api_send(&laptop, "POST", path, "{\"employee_id\":\"nobody\"}");
    expect_answer(&laptop, 422, "fields.employee_id.code", "lookup");
    snprintf(body, sizeof body, "{\"employee_id\":\"%s\"}", world_id("employee/bo"));
    api_send(&laptop, "POST", path, body);
    expect_status(&laptop, 204);
    everybody_syncs(t);
    api_get(&bo, "/api/v1/held");
    expect_answer(&bo, 200, "rows.0.asked", "bo");
    expect_answer(&bo, 200, "rows.0.settlers.0", "bo");
    snprintf(path, sizeof path, "/api/v1/held/%s/discard", api_at(&bo, "rows.0.id"));
    api_send(&bo, "POST", path, "");
    expect_status(&bo, 204);
    api_send(&laptop, "POST", path, "");
    expect_status(&laptop, 204); /* it does not know yet */
}

FB_TEST(receipts_tell_an_author_what_became_of_his_edits)
{
    replica_edits(t, "ana", "company/acme", "website", "early.example");
    server_edits(t, "company/acme", "website", "late.example");
    everybody_syncs(t);
    api_get(&laptop, "/api/v1/receipts?state=adjusted");
    expect_answer(&laptop, 200, "rows.0.state", "adjusted");
    expect_answer(&laptop, 200, "rows.0.title", "Acme");
    assert_int_equal(api_count(&laptop, "rows.0.conflicts"), 1);
    expect_answer(&laptop, 200, "rows.0.conflicts.0.code", "later_theirs");
    expect_answer(&laptop, 200, "rows.0.conflicts.0.fields.0", "website");
    expect_answer(&laptop, 200, "rows.0.conflicts.0.mine.website", "early.example");
    assert_non_null(strstr(api_at(&laptop, "rows.0.conflicts.0.sentence"), "late.example"));
    api_get(&laptop, "/api/v1/receipts?state=adjusted");
    assert_int_equal(api_count(&laptop, "rows"), 1);
    api_get(&bo, "/api/v1/receipts");
    assert_int_equal(api_count(&bo, "rows"), 0);
}

static void expect_described(const struct fb_route *table)
{
    const json_t *paths = json_object_get(ana.json, "paths");
    for (const struct fb_route *r = table; r->method != NULL; r++) {
        char method[16] = "";
        for (size_t i = 0; r->method[i] != '\0'; i++) {
            method[i] = (char)(r->method[i] | 0x20);
        }
        const json_t *said = json_object_get(json_object_get(paths, r->pattern), method);
        if (said == NULL) {
            fail_msg("%s %s is not described", r->method, r->pattern);
        }
        assert_non_null(json_object_get(said, "responses"));
    }
}

FB_TEST(every_route_is_described)
{
    static const struct fb_route *const OURS[] = {fb_server_session_routes, fb_server_health_routes,
                                                  fb_server_api_routes, fb_api_routes, NULL};
    ana.tables = OURS;
    api_get(&ana, "/api/v1/openapi");
    expect_answer(&ana, 200, "openapi", "3.1.0");
    for (const struct fb_route *const *table = OURS; *table != NULL; table++) {
        expect_described(*table);
    }
    const json_t *schemas = json_object_get(json_object_get(ana.json, "components"), "schemas");
    const json_t *company = json_object_get(json_object_get(schemas, "company"), "properties");
    assert_non_null(json_object_get(company, "annual_revenue"));
    assert_non_null(json_object_get(schemas, "Problem"));
}

FB_TEST(an_admin_adds_a_user_whose_first_password_is_shown_once)
{
    ana.table = fb_server_api_routes;
    server_makes(t, "role/rep", "name", "rep", NULL);
    server_settles(t);
    api_send(&ana, "POST", "/api/v1/users",
             "{\"login\":\"wei\",\"name\":\"张伟\",\"role\":\"rep\"}");
    expect_answer(&ana, 201, "login", "wei");
    assert_non_null(api_at(&ana, "password"));
    api_get(&ana, "/api/v1/users");
    expect_answer(&ana, 200, "rows.0.name", "张伟");
    expect_answer(&ana, 200, "rows.0.roles.0", "rep");
    expect_answer(&ana, 200, "rows.0.is_admin", "false");
    char path[128];
    snprintf(path, sizeof path, "/api/v1/users/%s/password", api_at(&ana, "rows.0.id"));
    api_send(&ana, "POST", path, "{}");
    expect_answer(&ana, 200, "login", "wei");
    api_send(&ana, "POST", "/api/v1/users", "{\"login\":\"wei\"}");
    expect_answer(&ana, 422, "fields.name.code", "required");
}

FB_TEST(devices_are_listed_and_revoked)
{
    ana.table = fb_server_api_routes;
    api_get(&ana, "/api/v1/devices");
    assert_int_equal(api_count(&ana, "rows"), 2);
    expect_answer(&ana, 200, "rows.1.name", "bo");
    expect_answer(&ana, 200, "rows.1.person", "bo");
    api_send(&ana, "POST", api_path("device/bo", "/revoke"), "{}");
    expect_answer(&ana, 404, "code", "not_found"); /* that is the record's path */
    char path[128];
    snprintf(path, sizeof path, "/api/v1/devices/%s/revoke", world_id("device/bo"));
    api_send(&ana, "POST", path, "{}");
    expect_status(&ana, 204);
    assert_string_equal(server_asks(t, "SELECT state FROM device WHERE id = ?1", "device/bo"),
                        "revoked");
    assert_string_equal(
        server_asks(t, "SELECT employee_id FROM fb_rev ORDER BY rev DESC LIMIT 1", NULL),
        world_id("employee/ana"));
}

FB_TEST(the_audit_trail_tells_who_did_what)
{
    api_send(&ana, "PATCH", api_path("company/acme", ""),
             "{\"base\":{\"website\":null},\"mine\":{\"website\":\"acme.example\"}}");
    ana.table = fb_server_api_routes;
    api_get(&ana, "/api/v1/audit?entity=company");
    expect_answer(&ana, 200, "rows.0.who", "ana");
    expect_answer(&ana, 200, "rows.0.title", "Acme");
    expect_answer(&ana, 200, "rows.0.fields.0.new", "acme.example");
    expect_answer(&ana, 200, "rows.0.source", "page");
    api_get(&ana, "/api/v1/audit?to=2001-01-01");
    assert_int_equal(api_count(&ana, "rows"), 0);
}

FB_TEST(the_audit_trail_calls_what_was_deleted_by_its_name)
{
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
    server_deletes(t, "contact/li");
    everybody_syncs(t);
    ana.table = fb_server_api_routes;
    api_get(&ana, "/api/v1/audit?entity=contact");
    expect_answer(&ana, 200, "rows.0.kind", "deleted");
    expect_answer(&ana, 200, "rows.0.title", "Li");
}

FB_TEST(the_audit_trail_reads_on_behind_the_horizon_page_by_page)
{
    bool is_packed = true;
    char path[200];
    for (int i = 0; i < 60; i++) {
        server_edits(t, "company/acme", "website", i % 2 == 0 ? "even.example" : "odd.example");
        server_settles(t);
    }
    fb_limit_log_segment_entries = 7;
    fb_hub_set_horizon(t->hub, 1000);
    world_time_passes(t, 5000);
    while (is_packed) {
        assert_int_equal(fb_hub_compact(t->hub, t->now_ms, &is_packed), FB_OK);
    }
    server_edits(t, "company/acme", "website", "last.example");
    server_settles(t);
    ana.table = fb_server_api_routes;
    snprintf(path, sizeof path, "/api/v1/audit?entity=company&id=%s", world_id("company/acme"));
    api_get(&ana, path);
    assert_int_equal(api_count(&ana, "rows"), 50);
    expect_answer(&ana, 200, "rows.0.fields.0.new", "last.example");
    expect_answer(&ana, 200, "rows.1.fields.0.new", "odd.example");
    expect_answer(&ana, 200, "rows.2.fields.0.old", "odd.example");
    expect_answer(&ana, 200, "rows.2.source", "tool");
    snprintf(path + strlen(path), 60, "&cursor=%s", api_at(&ana, "next"));
    api_get(&ana, path);
    assert_int_equal(api_count(&ana, "rows"), 12);
    expect_answer(&ana, 200, "rows.11.kind", "made");
    api_get(&ana, "/api/v1/audit?entity=company&who=nobody");
    assert_int_equal(api_count(&ana, "rows"), 0);
    api_get(&ana, "/api/v1/audit?entity=company&to=2001-01-01");
    assert_int_equal(api_count(&ana, "rows"), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_conflict_is_shown_with_three_values_and_ruled),
        CASE(an_admin_is_told_of_a_conflict_about_somebodys_own_but_not_what_it_says),
        CASE(a_value_may_be_typed_and_a_laptop_may_rule),
        CASE(who_may_not_change_the_record_may_not_rule),
        CASE(a_held_edit_shows_what_was_written_and_is_corrected),
        CASE(a_held_edit_is_discarded_by_its_author_on_the_laptop),
        CASE(a_held_edit_is_handed_to_somebody_who_then_may_settle_it),
        CASE(receipts_tell_an_author_what_became_of_his_edits),
        CASE(every_route_is_described),
        CASE(an_admin_adds_a_user_whose_first_password_is_shown_once),
        CASE(devices_are_listed_and_revoked),
        CASE(the_audit_trail_tells_who_did_what),
        CASE(the_audit_trail_calls_what_was_deleted_by_its_name),
        CASE(the_audit_trail_reads_on_behind_the_horizon_page_by_page),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
