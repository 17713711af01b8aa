/* SPDX-License-Identifier: MIT
 *
 * The second step at sign-in: switched on by its first code, off by a code or by an administrator, and told each time.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "server/api.h"
#include "server/totp.h"
#include "server/web.h"
#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call ana, bo;
static struct fb_server_web node;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    api_permits(t, "ana", "all");
    ana = api_at_headquarters(t, "ana");
    bo = api_at_headquarters(t, "bo");
    node = (struct fb_server_web){.daemon = NULL};
    assert_int_equal(fb_guard_new(&node.guard), FB_OK);
    ana.table = fb_server_api_routes;
    bo.table = fb_server_session_routes;
    ana.node_context = bo.node_context = &node;
    server_runs(t, "INSERT INTO fb_user (employee_id, login, password, created_at_ms)"
                   " SELECT id, user_name, 'x', 0 FROM employee");
    server_settles(t);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_done(&ana);
    api_done(&bo);
    fb_guard_free(node.guard);
    world_close(t);
    return 0;
}

/* {"code": what bo's telephone shows, that many steps of 30 s from now}. */
static const char *body_of(int steps)
{
    static char body[32];
    uint8_t secret[FB_TOTP_SECRET_BYTES];
    assert_true(fb_hex_read(server_asks(t, "SELECT lower(hex(secret)) FROM fb_totp", NULL), secret,
                            sizeof secret));
    snprintf(body, sizeof body, "{\"code\":\"%06u\"}",
             fb_totp_code(secret, sizeof secret, bo.now_ms / FB_TOTP_STEP_MS + steps, 6));
    return body;
}

static const char *last_told(const char *column)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT %s FROM notification ORDER BY rowid DESC LIMIT 1", column);
    return server_asks(t, sql, NULL);
}

static void switch_on(void)
{
    api_send(&bo, "POST", "/api/v1/session/totp", "{}");
    expect_status(&bo, 200);
    api_send(&bo, "POST", "/api/v1/session/totp/confirm", body_of(0));
    expect_status(&bo, 204);
}

FB_TEST(it_is_switched_on_by_its_first_code_and_off_by_another)
{
    api_get(&bo, "/api/v1/session");
    expect_answer(&bo, 200, "has_second_factor", "false");
    api_send(&bo, "POST", "/api/v1/session/totp", "{}");
    expect_status(&bo, 200);
    assert_int_equal(strlen(api_at(&bo, "secret")), FB_TOTP_BASE32_SIZE - 1);
    api_send(&bo, "POST", "/api/v1/session/totp/confirm", body_of(100));
    expect_answer(&bo, 422, "fields.code.code", "totp_wrong");
    api_get(&bo, "/api/v1/session");
    expect_answer(&bo, 200, "has_second_factor", "false");
    api_send(&bo, "POST", "/api/v1/session/totp/confirm", body_of(0));
    expect_status(&bo, 204);
    api_get(&bo, "/api/v1/session");
    expect_answer(&bo, 200, "has_second_factor", "true");
    api_send(&bo, "POST", "/api/v1/session/totp", "{}");
    expect_answer(&bo, 409, "code", "exists");
    assert_string_equal(last_told("title"), "Your second step at sign-in is switched on.");

    api_send(&bo, "DELETE", "/api/v1/session/totp", body_of(0));
    expect_answer(&bo, 422, "fields.code.code", "totp_wrong"); /* it has served already */
    api_send(&bo, "DELETE", "/api/v1/session/totp", body_of(1));
    expect_status(&bo, 204);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_totp", NULL), "0");
    assert_string_equal(last_told("title"), "Your second step at sign-in is switched off.");
    assert_string_equal(
        server_asks(t, "SELECT employee_id FROM fb_rev ORDER BY rev DESC LIMIT 1", NULL),
        world_id("employee/bo"));
}

FB_TEST(whoever_guesses_to_switch_it_off_has_to_wait)
{
    switch_on();
    for (int i = 0; i < 5; i++) {
        api_send(&bo, "DELETE", "/api/v1/session/totp", "{\"code\":\"000000\"}");
        expect_answer(&bo, 422, "fields.code.code", "totp_wrong");
    }
    api_send(&bo, "DELETE", "/api/v1/session/totp", body_of(1));
    expect_answer(&bo, 429, "code", "login_wait");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_totp", NULL), "1");
}

FB_TEST(an_administrator_takes_away_a_lost_one_and_its_person_is_told)
{
    char path[128];
    switch_on();
    snprintf(path, sizeof path, "/api/v1/users/%s/totp", world_id("employee/bo"));
    api_send(&ana, "DELETE", path, NULL);
    expect_status(&ana, 204);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_totp", NULL), "0");
    assert_string_equal(last_told("employee_id"), world_id("employee/bo"));
    assert_string_equal(last_told("by_id"), world_id("employee/ana"));
    api_get(&ana, "/api/v1/audit?entity=notification");
    expect_answer(&ana, 200, "rows.0.who", "ana");
    expect_answer(&ana, 200, "rows.0.kind", "made");
    assert_non_null(strstr(api_at(&ana, "rows.0.title"), "An administrator switched off"));
    api_send(&ana, "DELETE", path, NULL);
    expect_answer(&ana, 404, "code", "not_found");
}

FB_TEST(nobody_takes_away_his_own_without_a_code)
{
    char path[128];
    struct api_call self = ana;
    self.json = NULL;
    self.table = fb_server_session_routes;
    api_send(&self, "POST", "/api/v1/session/totp", "{}");
    expect_status(&self, 200);
    server_runs(t, "UPDATE fb_totp SET is_in_force = 1");
    snprintf(path, sizeof path, "/api/v1/users/%s/totp", world_id("employee/ana"));
    api_send(&ana, "DELETE", path, NULL);
    expect_answer(&ana, 422, "fields.id.code", "own_second_step");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM fb_totp", NULL), "1");
    api_done(&self);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(it_is_switched_on_by_its_first_code_and_off_by_another),
        CASE(whoever_guesses_to_switch_it_off_has_to_wait),
        CASE(an_administrator_takes_away_a_lost_one_and_its_person_is_told),
        CASE(nobody_takes_away_his_own_without_a_code),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
