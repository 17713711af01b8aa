/* SPDX-License-Identifier: MIT
 *
 * What admins do by headquarters' API: users and their roles, laptops from the invitation to the end, merge rules.
 */
#include <stdio.h>
#include <string.h>

#include "server/api.h"
#include "server/web.h"
#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call ana;
static struct fb_daemon daemon_of_test;
static struct fb_server_web node;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    api_permits(t, "ana", "all");
    ana = api_at_headquarters(t, "ana");
    ana.table = fb_server_api_routes;
    node = (struct fb_server_web){.daemon = &daemon_of_test};
    ana.node_context = &node;
    server_runs(t, "INSERT INTO fb_user (employee_id, login, password, created_at_ms)"
                   " SELECT id, user_name, 'x', 0 FROM employee");
    server_makes(t, "role/rep", "name", "rep", NULL);
    server_makes(t, "role/reader", "name", "reader", NULL);
    server_settles(t);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_done(&ana);
    world_close(t);
    return 0;
}

static const char *path_of(const char *kind, const char *record, const char *rest)
{
    static char path[160];
    snprintf(path, sizeof path, "/api/v1/%s/%s%s", kind, world_id(record), rest);
    return path;
}

static const char *roles_of(const char *login)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT group_concat(name) FROM (SELECT r.name FROM employee_role er JOIN role r ON "
             "r.id = er.role_id JOIN employee e ON e.id = er.employee_id WHERE e.user_name = '%s'"
             " ORDER BY 1)",
             login);
    return server_asks(t, sql, NULL);
}

/* ---- Users ---- */

FB_TEST(a_user_is_an_employee_who_is_here_or_somebody_new)
{
    char body[256];
    server_makes(t, "employee/wei", "family_name", "张", "given_name", "伟", "user_name", "old",
                 "code", "W1", "status", "active", NULL);
    server_settles(t);
    snprintf(body, sizeof body,
             "{\"employee_id\":\"%s\",\"login\":\"wei\",\"roles\":[\"rep\",\"reader\"]}",
             world_id("employee/wei"));
    api_send(&ana, "POST", "/api/v1/users", body);
    expect_answer(&ana, 201, "login", "wei");
    expect_server(t, "employee/wei", "user_name", "wei");
    assert_string_equal(roles_of("wei"), "reader,rep");
    api_send(&ana, "POST", "/api/v1/users", body);
    expect_answer(&ana, 422, "fields.login.code", "exists");
    api_send(&ana, "POST", "/api/v1/users", "{\"login\":\"new\",\"name\":\"New One\"}");
    expect_status(&ana, 201);
    assert_string_equal(roles_of("new"), "rep");
    assert_string_equal(
        server_asks(t, "SELECT employee_id FROM fb_rev ORDER BY rev DESC LIMIT 1", NULL),
        world_id("employee/ana"));
}

FB_TEST(what_is_wrong_with_a_new_user_is_said_at_its_field)
{
    api_send(&ana, "POST", "/api/v1/users", "{\"name\":\"No Login\"}");
    expect_answer(&ana, 422, "fields.login.code", "required");
    api_send(&ana, "POST", "/api/v1/users", "{\"login\":\"x\",\"name\":\"X\",\"role\":\"king\"}");
    expect_answer(&ana, 422, "fields.roles.code", "choice");
    api_send(&ana, "POST", "/api/v1/users",
             "{\"login\":\"bo\",\"employee_id\":\"01890000-0000-7000-8000-0000000000ff\"}");
    expect_answer(&ana, 422, "fields.login.code", "exists");
    api_send(&ana, "POST", "/api/v1/users",
             "{\"login\":\"zoe\",\"employee_id\":\"01890000-0000-7000-8000-0000000000ff\"}");
    expect_answer(&ana, 422, "fields.employee_id.code", "lookup");
    api_send(&ana, "POST", "/api/v1/users", "[]");
    expect_answer(&ana, 400, "code", "bad_request");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_user", NULL), "2");
}

/* Switching a user off is what `user suspend` does: his laptops stay out too. */
static const char LAPTOPS_OF_BO[] =
    "SELECT group_concat(DISTINCT d.state) FROM device d JOIN employee e ON e.id = d.employee_id"
    " WHERE e.user_name = 'bo'";

FB_TEST(roles_are_set_and_a_person_is_shut_out_and_let_in)
{
    const char *path = path_of("users", "employee/bo", "");
    api_send(&ana, "PATCH", path, "{\"roles\":[\"reader\"]}");
    expect_answer(&ana, 200, "roles.0", "reader");
    assert_string_equal(roles_of("bo"), "reader");
    api_send(&ana, "PATCH", path, "{\"is_active\":false}");
    expect_answer(&ana, 200, "is_active", "false");
    expect_server(t, "employee/bo", "status", "active");
    assert_string_equal(server_asks(t, LAPTOPS_OF_BO, NULL), "suspended");
    api_send(&ana, "PATCH", path, "{\"is_active\":true}");
    expect_answer(&ana, 200, "is_active", "true");
    assert_string_equal(server_asks(t, LAPTOPS_OF_BO, NULL), "active");
    api_send(&ana, "PATCH", path, "{\"roles\":[\"king\"]}");
    expect_answer(&ana, 422, "fields.roles.code", "choice");
    api_send(&ana, "PATCH", path, "{}");
    expect_answer(&ana, 400, "code", "bad_request");
    api_send(&ana, "PATCH", path_of("users", "employee/nobody", ""), "{\"is_active\":false}");
    expect_answer(&ana, 404, "code", "not_found");
}

FB_TEST(nobody_shuts_himself_out)
{
    const char *path = path_of("users", "employee/ana", "");
    api_send(&ana, "PATCH", path, "{\"is_active\":false}");
    expect_answer(&ana, 422, "fields.is_active.code", "choice");
    api_send(&ana, "PATCH", path, "{\"roles\":[\"reader\"]}");
    expect_answer(&ana, 422, "fields.roles.code", "choice");
    expect_server(t, "employee/ana", "status", "active");
    api_send(&ana, "PATCH", path, "{\"roles\":[\"reader\",\"role/of-ana\"]}");
    expect_status(&ana, 200);
}

/* ---- Laptops ---- */

FB_TEST(an_invitation_is_a_code_for_a_person_with_a_login)
{
    char body[128];
    snprintf(body, sizeof body, "{\"user\":\"%s\",\"name\":\"bo-x1\"}", world_id("employee/bo"));
    ana.header_name = "host";
    ana.header_value = "hq.example:7443";
    api_send(&ana, "POST", "/api/v1/devices/invite", body);
    expect_answer(&ana, 201, "address", "hq.example:7443");
    assert_non_null(api_at(&ana, "code"));
    assert_non_null(api_at(&ana, "valid_until"));
    assert_string_equal(server_asks(t, "SELECT device_name FROM fb_invite", NULL), "bo-x1");
    assert_string_equal(
        server_asks(t, "SELECT count(*) FROM fb_invite WHERE employee_id = ?1", "employee/bo"),
        "1");
    api_send(&ana, "POST", "/api/v1/devices/invite", "{\"user\":\"nobody\"}");
    expect_answer(&ana, 422, "fields.user.code", "lookup");
    api_send(&ana, "POST", "/api/v1/devices/invite", "{}");
    expect_answer(&ana, 422, "fields.user.code", "required");
}

static void device_does(const char *verb, int status)
{
    char rest[32];
    snprintf(rest, sizeof rest, "/%s", verb);
    api_send(&ana, "POST", path_of("devices", "device/bo", rest), "{}");
    expect_status(&ana, status);
}

FB_TEST(a_laptop_goes_only_where_its_state_leads)
{
    server_runs(t, "UPDATE device SET state = 'pending' WHERE name = 'bo'");
    server_settles(t);
    api_get(&ana, "/api/v1/devices");
    expect_answer(&ana, 200, "rows.0.name", "bo"); /* who waits comes first */
    expect_answer(&ana, 200, "rows.0.state", "pending");
    device_does("resume", 409); /* that would let it in unseen */
    device_does("suspend", 409);
    device_does("approve", 204);
    expect_server(t, "device/bo", "state", "active");
    device_does("suspend", 204);
    device_does("approve", 409);
    device_does("resume", 204);
    device_does("refuse", 409);
    device_does("revoke", 204);
    device_does("resume", 409);
    device_does("dance", 404);
    expect_server(t, "device/bo", "state", "revoked");
    api_send(&ana, "POST", path_of("devices", "device/nobody", "/revoke"), "{}");
    expect_answer(&ana, 404, "code", "not_found");
}

FB_TEST(a_stolen_laptop_is_told_to_erase_its_data)
{
    device_does("wipe", 204);
    api_get(&ana, "/api/v1/devices");
    assert_non_null(api_at(&ana, "rows.1.wipe_ordered_at"));
    assert_string_not_equal(api_at(&ana, "rows.1.wipe_ordered_at"), "null");
    expect_answer(&ana, 200, "rows.1.wiped_at", "null");
    expect_answer(&ana, 200, "rows.0.wipe_ordered_at", "null");
    device_does("resume", 409);
}

FB_TEST(a_laptop_that_is_not_known_is_refused)
{
    server_runs(t, "UPDATE device SET state = 'pending' WHERE name = 'bo'");
    server_settles(t);
    device_does("refuse", 204);
    expect_server(t, "device/bo", "state", "revoked");
}

FB_TEST(the_list_tells_how_far_behind_a_laptop_is_and_what_waits_on_it)
{
    server_runs(t, "DELETE FROM fb_device_life");
    server_runs(
        t,
        "INSERT OR REPLACE INTO fb_device_life (device_id, hello_at_ms, unsent, cut_at_ms, cut_rev)"
        " SELECT d.id, 1767225600000, 3, 1767225600000, (SELECT max(rev) FROM fb_rev)"
        " FROM device AS d WHERE d.name = 'ana'");
    server_edits(t, "company/acme", "website", "later.example");
    server_settles(t);
    api_get(&ana, "/api/v1/devices");
    expect_answer(&ana, 200, "rows.0.last_seen", "2026-01-01T00:00:00.000Z");
    expect_answer(&ana, 200, "rows.0.behind", "1");
    expect_answer(&ana, 200, "rows.0.unsent", "3");
    expect_answer(&ana, 200, "rows.1.behind", "null");
}

FB_TEST(a_locked_laptop_gets_its_code)
{
    device_does("unlock", 422); /* it enrolled before there were leases */
    server_runs(t, "INSERT OR REPLACE INTO fb_device_life (device_id, lease_secret) SELECT id,"
                   " zeroblob(32) FROM device WHERE name = 'bo'");
    device_does("unlock", 200);
    assert_non_null(api_at(&ana, "code"));
}

/* ---- Territories ---- */

/* Two territories; a rule gives Ana's every company whose name begins with A. */
static void has_territories(void)
{
    server_makes(t, "territory/east", "code", "E", "name", "East", NULL);
    server_makes(t, "territory/west", "code", "W", "name", "West", NULL);
    server_makes(t, "territory_member/ana", "territory_id", "@territory/east", "employee_id",
                 "@employee/ana", "part", "owner", NULL);
    server_makes(t, "territory_member/bo", "territory_id", "@territory/west", "employee_id",
                 "@employee/bo", "part", "owner", NULL);
    server_makes(t, "territory_rule/a", "entity", "company", "priority", "10", "territory_id",
                 "@territory/east", "filter", "[[\"name\",\"^\",\"A\"]]", "enabled", "1", NULL);
    everybody_syncs(t);
    ana.now_ms = t->now_ms;
}

static const char *moves_the_rule(void)
{
    static char body[200];
    snprintf(body, sizeof body, "{\"changes\":[{\"rule_id\":\"%s\",\"territory_id\":\"%s\"}]}",
             world_id("territory_rule/a"), world_id("territory/west"));
    return body;
}

static const char *territory_of_acme(void)
{
    return server_asks(t,
                       "SELECT group_concat(x.code) FROM company_territory AS c JOIN territory AS x"
                       " ON x.id = c.territory_id WHERE c.company_id = ?1",
                       "company/acme");
}

FB_TEST(a_realignment_is_rehearsed_and_then_applied)
{
    has_territories();
    api_get(&ana, "/api/v1/territories");
    expect_answer(&ana, 200, "rows.0.code", "E");
    expect_answer(&ana, 200, "rows.0.members", "1");
    expect_answer(&ana, 200, "gaps.0.title", "Acme");
    expect_answer(&ana, 200, "gaps_count", "1");
    api_send(&ana, "POST", "/api/v1/territories/apply", "{}");
    expect_answer(&ana, 200, "companies", "1");
    expect_answer(&ana, 200, "moves.0.to", "E");
    assert_string_equal(territory_of_acme(), "E");
    api_send(&ana, "POST", "/api/v1/territories/rehearse", moves_the_rule());
    expect_answer(&ana, 200, "companies", "1");
    expect_answer(&ana, 200, "moves.0.from", "E");
    expect_answer(&ana, 200, "moves.0.to", "W");
    expect_answer(&ana, 200, "devices", "2");
    assert_string_equal(territory_of_acme(), "E"); /* nothing was changed */
    expect_server(t, "territory_rule/a", "territory_id", world_id("territory/east"));
    api_send(&ana, "POST", "/api/v1/territories/apply", moves_the_rule());
    expect_answer(&ana, 200, "companies", "1");
    assert_string_equal(territory_of_acme(), "W");
    expect_server(t, "territory_rule/a", "territory_id", world_id("territory/west"));
    assert_string_equal(
        server_asks(t, "SELECT employee_id FROM fb_rev ORDER BY rev DESC LIMIT 1", NULL),
        world_id("employee/ana"));
}

FB_TEST(a_plan_is_taken_and_a_wrong_one_is_said_where)
{
    has_territories();
    api_send(&ana, "POST", "/api/v1/territories/rehearse",
             "{\"plan\":{\"territories\":[{\"code\":\"W\",\"accounts\":[\"Acme\"]}]}}");
    expect_status(&ana, 200);
    api_send(&ana, "POST", "/api/v1/territories/rehearse", "{\"plan\":{\"territories\":7}}");
    expect_answer(&ana, 422, "fields.plan.code", "type");
    api_send(&ana, "POST", "/api/v1/territories/apply",
             "{\"changes\":[{\"rule_id\":\"x\",\"territory_id\":\"y\"}]}");
    expect_answer(&ana, 422, "fields.changes.code", "lookup");
    api_send(&ana, "POST", "/api/v1/territories/rehearse", "{\"changes\":{}}");
    expect_answer(&ana, 400, "code", "bad_request");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM company_territory", NULL), "0");
}

/* ---- Merge rules ---- */

static void dispute_the_name(void)
{
    replica_edits(t, "bo", "company/acme", "name", "Acme of Bo");
    server_edits(t, "company/acme", "name", "Acme of headquarters");
    everybody_syncs(t);
    ana.now_ms = t->now_ms;
}

static const char *rule_now(const char *field)
{
    const json_t *rows = json_object_get(ana.json, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(row, "field")), field) == 0) {
            return json_string_value(json_object_get(row, "now"));
        }
    }
    return "";
}

FB_TEST(a_rule_is_rehearsed_on_past_conflicts_and_then_switched_on)
{
    static const char DRAFT[] =
        "{\"changes\":[{\"entity\":\"company\",\"field\":\"name\",\"rule\":\"server\"}]}";
    dispute_the_name();
    api_get(&ana, "/api/v1/policies?entity=company");
    expect_status(&ana, 200);
    char before[16];
    snprintf(before, sizeof before, "%s", rule_now("name"));
    assert_string_not_equal(before, "server");
    api_send(&ana, "POST", "/api/v1/policies/rehearse", DRAFT);
    expect_answer(&ana, 200, "conflicts", "1");
    expect_answer(&ana, 200, "differ", "1");
    expect_answer(&ana, 200, "rows.0.then", "theirs");
    expect_answer(&ana, 200, "rows.0.entity", "company");
    api_get(&ana, "/api/v1/policies?entity=company");
    assert_string_equal(rule_now("name"), before); /* nothing was changed */
    api_send(&ana, "POST", "/api/v1/policies", DRAFT);
    expect_status(&ana, 200);
    api_get(&ana, "/api/v1/policies?entity=company");
    assert_string_equal(rule_now("name"), "server");
    everybody_syncs(t);
    replica_edits(t, "bo", "company/acme", "name", "Bo again");
    server_edits(t, "company/acme", "name", "Headquarters again");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "name", "Headquarters again");
}

FB_TEST(a_rule_that_does_not_fit_is_refused_at_its_field)
{
    api_send(&ana, "POST", "/api/v1/policies",
             "{\"changes\":[{\"entity\":\"company\",\"field\":\"name\",\"rule\":\"sum\"}]}");
    expect_answer(&ana, 422, "fields.name.code", "choice");
    api_send(&ana, "POST", "/api/v1/policies/rehearse",
             "{\"changes\":[{\"entity\":\"company\",\"field\":\"nonsense\",\"rule\":\"latest\"}]}");
    expect_answer(&ana, 422, "fields.nonsense.code", "unknown");
    api_send(&ana, "POST", "/api/v1/policies", "{\"changes\":[]}");
    expect_answer(&ana, 400, "code", "bad_request");
}

/* Each rule the list offers can be switched on, and no other. */
FB_TEST(the_rules_offered_are_those_that_fit)
{
    static const char *const ALL[] = {"latest", "server", "owner", "once", "sum",      "max",
                                      "min",    "any",    "union", "text", "progress", "manual"};
    api_get(&ana, "/api/v1/policies?entity=opportunity");
    json_t *rows = json_incref(json_object_get(ana.json, "rows"));
    const struct fb_catalogue *c = fb_store_catalogue(t->store);
    size_t fitting = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *field = json_string_value(json_object_get(row, "field"));
        char *allowed = json_dumps(json_object_get(row, "allowed"), 0);
        for (size_t k = 0; k < sizeof ALL / sizeof ALL[0]; k++) {
            char word[16];
            struct fb_catalogue *next = NULL;
            const struct fb_policy_change change = {
                .entity = "opportunity", .field = field, .policy = ALL[k]};
            int rc = fb_catalogue_with_policies(c, &change, 1, &next, NULL);
            snprintf(word, sizeof word, "\"%s\"", ALL[k]);
            if ((rc == FB_OK) != (strstr(allowed, word) != NULL)) {
                fail_msg("%s by %s: offered %s", field, ALL[k], allowed);
            }
            fitting += rc == FB_OK;
            fb_catalogue_free(next);
        }
        free(allowed);
    }
    json_decref(rows);
    assert_true(fitting > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_user_is_an_employee_who_is_here_or_somebody_new),
        CASE(what_is_wrong_with_a_new_user_is_said_at_its_field),
        CASE(roles_are_set_and_a_person_is_shut_out_and_let_in),
        CASE(nobody_shuts_himself_out),
        CASE(an_invitation_is_a_code_for_a_person_with_a_login),
        CASE(a_laptop_goes_only_where_its_state_leads),
        CASE(a_stolen_laptop_is_told_to_erase_its_data),
        CASE(a_laptop_that_is_not_known_is_refused),
        CASE(the_list_tells_how_far_behind_a_laptop_is_and_what_waits_on_it),
        CASE(a_locked_laptop_gets_its_code),
        CASE(a_realignment_is_rehearsed_and_then_applied),
        CASE(a_plan_is_taken_and_a_wrong_one_is_said_where),
        CASE(a_rule_is_rehearsed_on_past_conflicts_and_then_switched_on),
        CASE(a_rule_that_does_not_fit_is_refused_at_its_field),
        CASE(the_rules_offered_are_those_that_fit),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
