/* SPDX-License-Identifier: MIT
 *
 * The duplicates list and merging two records by the record API, at headquarters and on a laptop.
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
    api_permits(t, "bo", "own");
    server_makes(t, "company/beta", "name", "Beta", "owner_id", "@employee/ana", "website",
                 "beta.example", NULL);
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/beta", "owner_id",
                 "@employee/ana", NULL);
    server_makes(t, "merge_job/pair", "entity", "company", "keep_id", "@company/acme", "drop_id",
                 world_id("company/beta"), "state", "suspected", "score", "80", "rule", "name",
                 NULL);
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

static const char *pair(const char *rest)
{
    static char path[128];
    snprintf(path, sizeof path, "/api/v1/duplicates/%s%s", world_id("merge_job/pair"), rest);
    return path;
}

static const char *drops(const char *record, const char *more)
{
    static char body[200];
    snprintf(body, sizeof body, "{\"drop\":\"%s\"%s}", world_id(record), more);
    return body;
}

FB_TEST(two_that_look_alike_are_listed_for_who_sees_both)
{
    api_get(&ana, "/api/v1/duplicates");
    assert_int_equal(api_count(&ana, "rows"), 1);
    expect_answer(&ana, 200, "rows.0.left.title", "Acme");
    expect_answer(&ana, 200, "rows.0.right.title", "Beta");
    expect_answer(&ana, 200, "rows.0.right.id", world_id("company/beta"));
    expect_answer(&ana, 200, "rows.0.score", "80");
    expect_answer(&ana, 200, "rows.0.reasons.0", "name");
    api_get(&bo, "/api/v1/duplicates");
    assert_int_equal(api_count(&bo, "rows"), 0);
    api_get(&laptop, "/api/v1/duplicates");
    expect_answer(&laptop, 200, "rows.0.left.title", "Acme");
}

FB_TEST(that_they_are_not_the_same_is_remembered)
{
    api_send(&bo, "POST", pair("/dismiss"), "{}");
    expect_answer(&bo, 404, "code", "not_found");
    api_send(&ana, "POST", pair("/dismiss"), "{}");
    expect_status(&ana, 204);
    expect_server(t, "merge_job/pair", "state", "not_duplicate");
    api_get(&ana, "/api/v1/duplicates?state=not_duplicate");
    expect_answer(&ana, 200, "rows.0.right.title", "Beta");
    api_send(&ana, "POST", pair("/dismiss"), "{}");
    expect_answer(&ana, 409, "code", "changed_since");
    api_get(&ana, "/api/v1/duplicates");
    assert_int_equal(api_count(&ana, "rows"), 0);
}

FB_TEST(two_records_become_one_and_two_again)
{
    api_send(&ana, "POST", api_path("company/acme", "/merge"),
             drops("company/beta", ",\"take\":{\"website\":\"drop\"}"));
    expect_answer(&ana, 200, "state", "merged");
    expect_answer(&ana, 200, "keep", world_id("company/acme"));
    expect_server(t, "company/acme", "website", "beta.example");
    expect_server(t, "contact/li", "company_id", world_id("company/acme"));
    expect_gone(t, "company/beta");
    char undo[128];
    snprintf(undo, sizeof undo, "/api/v1/merges/%s/undo", api_at(&ana, "id"));
    api_get(&ana, "/api/v1/duplicates?state=merged");
    expect_answer(&ana, 200, "rows.0.right.id", world_id("company/beta"));
    expect_answer(&ana, 200, "rows.0.right.title", "Beta"); /* from the bin */
    expect_answer(&ana, 200, "rows.0.by", "ana");
    api_send(&bo, "POST", undo, "{}");
    expect_answer(&bo, 404, "code", "not_found");
    api_send(&ana, "POST", undo, "{}");
    expect_status(&ana, 204);
    expect_server(t, "company/beta", "name", "Beta");
    expect_server(t, "contact/li", "company_id", world_id("company/beta"));
    api_send(&ana, "POST", undo, "{}");
    expect_answer(&ana, 409, "code", "changed_since");
    everybody_syncs(t);
    expect_equal_digests(t);
}

FB_TEST(a_laptop_asks_and_headquarters_merges)
{
    api_send(&laptop, "POST", api_path("company/acme", "/merge"), drops("company/beta", ""));
    expect_answer(&laptop, 200, "state", "waiting");
    expect_replica(t, "ana", "company/beta", "name", "Beta");
    everybody_syncs(t);
    expect_gone(t, "company/beta");
    expect_replica(t, "ana", "contact/li", "company_id", world_id("company/acme"));
}

FB_TEST(who_may_not_delete_the_one_may_not_merge_it_away)
{
    server_makes(t, "company/bo", "name", "Of Bo", "owner_id", "@employee/bo", NULL);
    everybody_syncs(t);
    api_send(&bo, "POST", api_path("company/bo", "/merge"), drops("company/beta", ""));
    expect_answer(&bo, 404, "code", "not_found");
    api_send(&bo, "POST", api_path("company/beta", "/merge"), drops("company/bo", ""));
    expect_answer(&bo, 404, "code", "not_found");
    expect_server(t, "company/beta", "name", "Beta");
}

FB_TEST(a_wish_that_headquarters_would_hold_is_refused_where_it_is_asked)
{
    server_makes(t, "role_permission/merge", "role_id", "@role/of-ana", "entity", "merge_job",
                 "action", "create", "level", "none", NULL);
    everybody_syncs(t);
    struct api_call *const both[] = {&ana, &laptop};
    for (size_t i = 0; i < 2; i++) {
        api_send(both[i], "POST", api_path("company/acme", "/merge"), drops("company/beta", ""));
        expect_answer(both[i], 403, "code", "right_missing");
    }
    expect_server(t, "merge_job/pair", "state", "suspected");
}

FB_TEST(a_wish_that_makes_no_sense_is_refused)
{
    const char *path = api_path("company/acme", "/merge");
    api_send(&ana, "POST", path, "{}");
    expect_answer(&ana, 400, "code", "bad_request");
    api_send(&ana, "POST", path, drops("company/acme", ""));
    expect_answer(&ana, 422, "code", "check");
    api_send(&ana, "POST", path, drops("company/beta", ",\"take\":{\"nonsense\":\"drop\"}"));
    expect_answer(&ana, 422, "code", "check");
    api_send(&ana, "POST", path, drops("company/beta", ",\"take\":{\"name\":\"both\"}"));
    expect_answer(&ana, 422, "code", "check");
    api_send(&ana, "POST", path, drops("company/nobody", ""));
    expect_answer(&ana, 404, "code", "not_found");
    expect_server(t, "company/beta", "name", "Beta");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(two_that_look_alike_are_listed_for_who_sees_both),
        CASE(that_they_are_not_the_same_is_remembered),
        CASE(two_records_become_one_and_two_again),
        CASE(a_laptop_asks_and_headquarters_merges),
        CASE(who_may_not_delete_the_one_may_not_merge_it_away),
        CASE(a_wish_that_headquarters_would_hold_is_refused_where_it_is_asked),
        CASE(a_wish_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
