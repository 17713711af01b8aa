/* SPDX-License-Identifier: MIT
 *
 * Plans of territories: which rules decide, what is listed, what a rehearsal promises and what then happens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/sql.h"
#include "server/territory.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

/* Four companies of the boss in Jiangsu and Zhejiang; Ana has the east, Ben the south; nobody has a company yet. */
static struct fb_world *drawn_up(void)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    static const char *const COMPANIES[][4] = {{"company/suzhou", "Suzhou Tools", "江苏", "苏州"},
                                               {"company/wuxi", "Wuxi Motors", "江苏", "无锡"},
                                               {"company/ningbo", "Ningbo Port", "浙江", "宁波"}};
    server_makes(t, "employee/boss", "code", "B", "user_name", "boss", "family_name", "Boss", NULL);
    server_edits(t, "company/acme", "owner_id", "@employee/boss");
    for (size_t i = 0; i < 3; i++) {
        char address[64];
        snprintf(address, sizeof address, "address/%s", COMPANIES[i][0] + 8);
        server_makes(t, COMPANIES[i][0], "name", COMPANIES[i][1], "owner_id", "@employee/boss",
                     NULL);
        char owner[64];
        snprintf(owner, sizeof owner, "@%s", COMPANIES[i][0]);
        server_makes(t, address, "owner_entity", "company", "owner_id", owner, "kind", "office",
                     "province", COMPANIES[i][2], "city", COMPANIES[i][3], NULL);
    }
    server_edits(t, "role_permission/read", "level", "territory");
    everybody_syncs(t);
    return t;
}

static int try_plan(struct fb_world *t, const char *json, bool only_new,
                    struct fb_territory_result *ret, struct fb_why *why)
{
    FB_AUTO(fb_territory_plan_drop) struct fb_territory_plan *plan = NULL;
    int rc = json == NULL ? FB_OK : fb_territory_plan_read(json, strlen(json), &plan, why);
    rc = rc < 0 ? rc : fb_store_begin(t->store);
    if (rc < 0) {
        return rc;
    }
    const struct fb_territory_ask ask = {.plan = plan, .now_ms = t->now_ms, .only_new = only_new};
    rc = fb_territory_apply(t->store, &ask, ret, why);
    if (rc < 0) {
        fb_store_rollback(t->store);
        return rc;
    }
    return fb_store_commit(t->store);
}

/* Applied and sealed; the caller releases the result. */
static struct fb_territory_result apply(struct fb_world *t, const char *json)
{
    struct fb_territory_result r = {.companies = 0};
    struct fb_why why = {""};
    world_time_passes(t, 1000);
    int rc = try_plan(t, json, false, &r, &why);
    if (rc < 0) {
        fail_msg("apply: %s %s", fb_err_name(rc), why.text);
    }
    server_settles(t);
    return r;
}

static void applies(struct fb_world *t, const char *json, size_t moves)
{
    struct fb_territory_result r = apply(t, json);
    assert_int_equal(r.move_count, moves);
    fb_territory_result_release(&r);
}

/* Codes of the company's territories. */
static const char *territories_of(struct fb_world *t, const char *company)
{
    return server_asks(t,
                       "SELECT coalesce(group_concat(code), '') FROM (SELECT DISTINCT t.code FROM "
                       "company_territory c JOIN territory t ON t.id = c.territory_id WHERE "
                       "c.company_id = ?1 ORDER BY t.code)",
                       company);
}

static const char EAST_AND_SOUTH[] =
    "{\"territories\": ["
    "{\"code\": \"E\", \"name\": \"East\", \"members\": [\"ana\"], \"rules\": [{\"filter\": "
    "[[\"province\", \"=\", \"江苏\"]]}]},"
    "{\"code\": \"S\", \"name\": \"South\", \"members\": [{\"employee\": \"ben\", \"part\": "
    "\"owner\"}], \"rules\": [{\"filter\": [[\"province\", \"=\", \"浙江\"]]}]}]}";

FB_TEST(companies_go_where_the_rules_say_and_gaps_are_listed)
{
    struct fb_world *t = drawn_up();
    struct fb_territory_result r = apply(t, EAST_AND_SOUTH);
    assert_int_equal(r.companies, 4);
    assert_int_equal(r.rules, 2);
    assert_int_equal(r.move_count, 3);
    assert_int_equal(r.gap_count, 1); /* acme has no address, so no rule fits */
    assert_string_equal(r.gaps[0].company_id, world_id("company/acme"));
    assert_int_equal(r.overlap_count, 0);
    fb_territory_result_release(&r);
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    assert_string_equal(territories_of(t, "company/ningbo"), "S");
    everybody_syncs(t);
    expect_replica(t, "ana", "company/wuxi", "name", "Wuxi Motors");
    expect_replica(t, "ana", "company/ningbo", "name", "(no row)");
    expect_replica(t, "ben", "company/ningbo", "name", "Ningbo Port");
    expect_replica(t, "ben", "company/acme", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(plan_that_is_in_force_already_writes_nothing)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    int revs = atoi(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL));
    applies(t, EAST_AND_SOUTH, 0);
    applies(t, NULL, 0);
    assert_int_equal(atoi(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL)), revs);
    world_close(t);
}

FB_TEST(rule_of_the_smaller_priority_decides_and_two_of_one_priority_overlap)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    applies(t,
            "{\"territories\": [{\"code\": \"NJ\", \"name\": \"North Jiangsu\", \"parent\": \"E\", "
            "\"rules\": [{\"priority\": 10, \"filter\": [[\"city\", \"=\", \"无锡\"]]}]}]}",
            1);
    assert_string_equal(territories_of(t, "company/wuxi"), "NJ");
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    struct fb_territory_result r =
        apply(t, "{\"territories\": [{\"code\": \"S\", \"rules\": [{\"priority\": 10, \"filter\": "
                 "[{\"any\": [[\"city\", \"in\", [\"无锡\", \"常州\"]], [\"province\", \"=\", "
                 "\"浙江\"]]}]}]}]}");
    assert_int_equal(r.overlap_count, 1);
    assert_string_equal(r.overlaps[0].codes, "NJ, S");
    assert_string_equal(r.overlaps[0].company_id, world_id("company/wuxi"));
    fb_territory_result_release(&r);
    assert_string_equal(territories_of(t, "company/wuxi"), "NJ,S");
    world_close(t);
}

FB_TEST(named_account_stays_whatever_the_rules_say_and_what_was_put_by_hand_stays_beside)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    applies(t, "{\"territories\": [{\"code\": \"S\", \"accounts\": [\"Suzhou Tools\"]}]}", 1);
    assert_string_equal(territories_of(t, "company/suzhou"), "S");
    applies(t, NULL, 0);
    assert_string_equal(territories_of(t, "company/suzhou"), "S");
    server_makes(t, "company_territory/hand", "company_id", "@company/wuxi", "territory_id",
                 server_asks(t, "SELECT id FROM territory WHERE code = 'S'", NULL), "how", "manual",
                 NULL);
    applies(t, NULL, 0);
    assert_string_equal(territories_of(t, "company/wuxi"), "E,S");
    /* Not named any more: the rules have it again. */
    applies(t, "{\"territories\": [{\"code\": \"S\", \"accounts\": []}]}", 1);
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    world_close(t);
}

FB_TEST(company_that_no_rule_fits_stays_where_it_is)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    applies(t, "{\"territories\": [{\"code\": \"E\", \"rules\": []}]}", 0);
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    world_close(t);
}

FB_TEST(rules_begin_and_end_by_date)
{
    struct fb_world *t = drawn_up();
    applies(t,
            "{\"territories\": ["
            "{\"code\": \"E\", \"members\": [\"ana\"], \"rules\": [{\"filter\": [[\"province\", "
            "\"=\", \"江苏\"]], \"to_on\": \"2025-10-31\"}]},"
            "{\"code\": \"S\", \"members\": [\"ben\"], \"rules\": [{\"filter\": [[\"province\", "
            "\"=\", \"江苏\"]], \"from_on\": \"2099-01-01\"}]}]}",
            2);
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    int64_t next = 0;
    assert_int_equal(fb_territory_next_date(t->store, t->now_ms, &next), FB_OK);
    assert_true(next > t->now_ms && next < INT64_MAX);
    world_time_passes(t, next - t->now_ms);
    applies(t, NULL, 0); /* no rule fits any more: they stay */
    assert_int_equal(fb_territory_next_date(t->store, t->now_ms, &next), FB_OK);
    world_time_passes(t, next - t->now_ms);
    applies(t, NULL, 2);
    assert_string_equal(territories_of(t, "company/suzhou"), "S");
    assert_int_equal(fb_territory_next_date(t->store, t->now_ms, &next), FB_OK);
    assert_true(next == INT64_MAX);
    world_close(t);
}

FB_TEST(on_the_day_a_rule_begins_headquarters_assigns_by_itself)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    applies(t,
            "{\"territories\": [{\"code\": \"S\", \"rules\": [{\"priority\": 1, \"filter\": "
            "[[\"city\", \"=\", \"无锡\"]], \"from_on\": \"2099-01-01\"}]}]}",
            0);
    int64_t due_ms = fb_hub_deadline_ms(t->hub);
    assert_true(due_ms > t->now_ms && due_ms < INT64_MAX);
    world_time_passes(t, due_ms - t->now_ms - 1);
    server_settles(t);
    assert_string_equal(territories_of(t, "company/wuxi"), "E");
    world_time_passes(t, 1);
    server_settles(t);
    assert_string_equal(territories_of(t, "company/wuxi"), "S");
    assert_true(fb_hub_deadline_ms(t->hub) == INT64_MAX);
    world_close(t);
}

FB_TEST(only_new_companies_are_assigned_where_that_is_asked)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    server_makes(t, "company/new", "name", "New", "owner_id", "@employee/boss", "industry",
                 "machinery", NULL);
    server_runs(t,
                "UPDATE territory_rule SET filter = '[[\"industry\",\"=\",\"machinery\"]]',"
                " priority = 1 WHERE territory_id = (SELECT id FROM territory WHERE code = 'S')");
    server_edits(t, "company/suzhou", "industry", "machinery");
    struct fb_territory_result r = {.companies = 0};
    struct fb_why why = {""};
    assert_int_equal(try_plan(t, NULL, true, &r, &why), FB_OK);
    assert_int_equal(r.move_count, 1);
    fb_territory_result_release(&r);
    assert_string_equal(territories_of(t, "company/new"), "S");
    assert_string_equal(territories_of(t, "company/suzhou"), "E");
    world_close(t);
}

/* Of Wuxi Motors, credited to the east: one open, one won. */
static void has_deals(struct fb_world *t)
{
    server_makes(t, "pipeline/one", "name", "One", NULL);
    server_makes(t, "stage/first", "pipeline_id", "@pipeline/one", "name_zh", "初步", "name_en",
                 "First", "position", "1", "probability", "10", NULL);
    static const char *const DEALS[][3] = {{"opportunity/open", "open", "open"},
                                           {"opportunity/won", "won", "won"}};
    for (size_t i = 0; i < 2; i++) {
        server_makes(t, DEALS[i][0], "name", DEALS[i][1], "outcome", DEALS[i][2], "company_id",
                     "@company/wuxi", "pipeline_id", "@pipeline/one", "stage_id", "@stage/first",
                     "amount", "100", "close_on", "2026-01-01", "owner_id", "@employee/boss",
                     "territory_id",
                     server_asks(t, "SELECT id FROM territory WHERE code = 'E'", NULL), NULL);
    }
}

/* Must show: moving an account with 500 children writes a handful of rows, not 500. */
FB_TEST(account_with_500_children_moves_by_a_handful_of_rows_and_its_open_deal_follows)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT "
        "INTO contact (company_id, family_name, owner_id) SELECT '%s', 'C' || i, '%s' FROM n",
        world_id("company/wuxi"), world_id("employee/boss"));
    server_runs(t, sql);
    has_deals(t);
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM contact", NULL), "500");
    int before = atoi(server_asks(t, "SELECT max(seq) FROM fb_log", NULL));
    applies(t, "{\"territories\": [{\"code\": \"S\", \"accounts\": [\"Wuxi Motors\"]}]}", 1);
    int written = atoi(server_asks(t, "SELECT max(seq) FROM fb_log", NULL)) - before;
    assert_in_range(written, 5, 6); /* two of the company's, two of its history, its open deal */
    assert_string_equal(server_asks(t,
                                    "SELECT group_concat(name || ' ' || code, '; ') FROM (SELECT "
                                    "o.name, t.code FROM opportunity o JOIN territory t ON t.id = "
                                    "o.territory_id WHERE o.company_id = ?1 ORDER BY o.name)",
                                    "company/wuxi"),
                        "open S; won E");
    replica_syncs(t, "ana");
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM contact", NULL), "0");
    replica_syncs(t, "ben");
    assert_string_equal(replica_asks(t, "ben", "SELECT count(*) FROM contact", NULL), "500");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(history_says_when_a_company_entered_and_left_a_territory)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    applies(t, "{\"territories\": [{\"code\": \"S\", \"accounts\": [\"Wuxi Motors\"]}]}", 1);
    assert_string_equal(
        server_asks(
            t,
            "SELECT group_concat(what || ' ' || code, '; ') FROM (SELECT c.what, t.code FROM"
            " territory_change c JOIN territory t ON t.id = c.territory_id WHERE "
            "c.company_id = ?1 ORDER BY c.at, c.what DESC)",
            "company/wuxi"),
        "entered E; left E; entered S");
    /* Deleted, it has no history that points nowhere. */
    server_deletes(t, "company/wuxi");
    assert_string_equal(server_asks(t,
                                    "SELECT count(*) FROM territory_change WHERE company_id = ?1",
                                    "company/wuxi"),
                        "0");
    world_close(t);
}

FB_TEST(rehearsal_changes_nothing_and_says_what_then_happens)
{
    struct fb_world *t = drawn_up();
    applies(t, EAST_AND_SOUTH, 3);
    everybody_syncs(t);
    replica_edits(t, "ana", "company/wuxi", "website", "wuxi.example");
    everybody_syncs(t);
    static const char PLAN[] =
        "{\"territories\": [{\"code\": \"S\", \"accounts\": [\"Wuxi Motors\"]}]}";
    FB_AUTO(fb_territory_plan_drop) struct fb_territory_plan *plan = NULL;
    struct fb_territory_rehearsal r = {.devices = 0};
    struct fb_why why = {""};
    int revs = atoi(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL));
    assert_int_equal(fb_territory_plan_read(PLAN, strlen(PLAN), &plan, &why), FB_OK);
    const struct fb_territory_ask ask = {.plan = plan, .now_ms = t->now_ms};
    assert_int_equal(fb_store_begin(t->store), FB_OK);
    int rc = fb_territory_rehearse(t->store, &ask, &r, &why);
    assert_int_equal(fb_store_commit(t->store), FB_OK);
    assert_int_equal(rc, FB_OK);
    server_settles(t);
    assert_int_equal(atoi(server_asks(t, "SELECT max(rev) FROM fb_rev", NULL)), revs);
    assert_string_equal(territories_of(t, "company/wuxi"), "E");
    assert_int_equal(r.result.move_count, 1);
    assert_int_equal(r.devices, 2);
    assert_int_equal(r.effect_count, 2);
    const struct fb_territory_effect *ana = &r.effects[0];
    const struct fb_territory_effect *ben = &r.effects[1];
    assert_string_equal(ana->device_id, world_id("device/ana"));
    assert_int_equal(ana->leaving_companies, 1);
    assert_int_equal(ana->arriving_companies, 0);
    assert_int_equal(ana->edited_companies, 1);
    assert_int_equal(ben->edited_companies, 0);
    assert_int_equal(ben->arriving_rows, ana->leaving_rows);
    assert_true(ben->arriving_bytes > 0);
    int64_t rows = ben->arriving_rows;
    fb_territory_rehearsal_release(&r);
    /* And so it happens: what it has now, and the rows that tell of the move. */
    int before = atoi(replica_asks(t, "ben",
                                   "SELECT (SELECT count(*) FROM company) + (SELECT count(*) FROM "
                                   "address) + (SELECT count(*) FROM company_territory) + (SELECT "
                                   "count(*) FROM territory_change)",
                                   NULL));
    applies(t, PLAN, 1);
    everybody_syncs(t);
    int after = atoi(replica_asks(t, "ben",
                                  "SELECT (SELECT count(*) FROM company) + (SELECT count(*) FROM "
                                  "address) + (SELECT count(*) FROM company_territory) + (SELECT "
                                  "count(*) FROM territory_change)",
                                  NULL));
    assert_int_equal(after - before, rows + 2);
    world_close(t);
}

FB_TEST(plans_that_cannot_be_understood_are_refused_by_a_sentence_and_change_nothing)
{
    static const struct {
        const char *json;
        const char *says;
    } PLANS[] = {
        {"{\"territories\": [", "line 1"},
        {"{}", "needs 'territories'"},
        {"{\"territories\": [{\"name\": \"East\"}]}", "needs 'code'"},
        {"{\"territories\": [{\"code\": \"E\", \"colour\": \"red\"}]}", "no 'colour'"},
        {"{\"territories\": [{\"code\": \"E\", \"members\": [\"nobody\"]}]}", "nobody"},
        {"{\"territories\": [{\"code\": \"E\", \"members\": [{\"employee\": \"ana\", \"part\": "
         "\"king\"}]}]}",
         "king"},
        {"{\"territories\": [{\"code\": \"E\", \"members\": [{\"employee\": \"ana\", \"from_on\": "
         "\"2025-13-01\"}]}]}",
         "from_on"},
        {"{\"territories\": [{\"code\": \"E\", \"parent\": \"E\"}]}", "below itself"},
        {"{\"territories\": [{\"code\": \"E\", \"parent\": \"X\"}]}", "code X"},
        {"{\"territories\": [{\"code\": \"E\", \"accounts\": [\"Nobody Ltd\"]}]}", "Nobody Ltd"},
        {"{\"territories\": [{\"code\": \"E\", \"rules\": [{\"filter\": [[\"shoe\", \"=\", "
         "\"9\"]]}]}]}",
         "shoe"},
        {"{\"territories\": [{\"code\": \"E\", \"rules\": [{\"filter\": [[\"industry\", \"like\", "
         "\"x\"]]}]}]}",
         "like"},
        {"{\"territories\": [{\"code\": \"E\", \"rules\": [{\"filter\": [[\"employees\", \">\", "
         "\"many\"]]}]}]}",
         "many"},
        {"{\"territories\": [{\"code\": \"E\", \"rules\": [{\"filter\": {\"all\": []}}]}]}",
         "list of conditions"},
        {"{\"territories\": [{\"code\": \"E\", \"kind\": \"moon\"}]}", "moon"},
    };
    struct fb_world *t = drawn_up();
    for (size_t i = 0; i < sizeof PLANS / sizeof PLANS[0]; i++) {
        struct fb_territory_result r = {.companies = 0};
        struct fb_why why = {""};
        int rc = try_plan(t, PLANS[i].json, false, &r, &why);
        if (rc == FB_OK || strstr(why.text, PLANS[i].says) == NULL) {
            fail_msg("%s: %s \"%s\" does not say \"%s\"", PLANS[i].json, fb_err_name(rc), why.text,
                     PLANS[i].says);
        }
    }
    assert_string_equal(server_asks(t, "SELECT count(*) FROM territory", NULL), "0");
    world_close(t);
}

FB_TEST(filters_compare_numbers_texts_and_what_is_empty)
{
    static const struct {
        const char *filter;
        const char *found;
    } FILTERS[] = {
        {"[[\"employees\", \">\", 100]]", "wuxi"},
        {"[[\"employees\", \">=\", \"100\"]]", "suzhou,wuxi"},
        {"[[\"employees\", \"<\", 100]]", ""},
        {"[[\"employees\", \"<=\", 100], [\"name\", \"^\", \"Su\"]]", "suzhou"},
        {"[[\"employees\", \"empty\"]]", "acme,ningbo"},
        {"[[\"employees\", \"filled\"]]", "suzhou,wuxi"},
        {"[[\"name\", \"~\", \"o\"], [\"employees\", \"!=\", 100]]", "ningbo,wuxi"},
        {"[[\"city\", \"not_in\", [\"无锡\", \"宁波\"]]]", "acme,suzhou"},
        {"[[\"province\", \"=\", \"江苏\"], [\"city\", \"!=\", \"苏州\"]]", "wuxi"},
        {"[]", "acme,ningbo,suzhou,wuxi"},
        {"{\"any\": []}", ""},
    };
    struct fb_world *t = drawn_up();
    server_edits(t, "company/suzhou", "employees", "100");
    server_edits(t, "company/wuxi", "employees", "200");
    for (size_t i = 0; i < sizeof FILTERS / sizeof FILTERS[0]; i++) {
        char plan[512];
        server_runs(t, "DELETE FROM company_territory");
        snprintf(plan, sizeof plan,
                 "{\"territories\": [{\"code\": \"E\", \"rules\": [{\"filter\": %s}]}]}",
                 FILTERS[i].filter);
        struct fb_territory_result r = apply(t, plan);
        fb_territory_result_release(&r);
        const char *found = server_asks(
            t,
            "SELECT coalesce(group_concat(w), '') FROM (SELECT lower(substr(c.name, 1, instr(c.name"
            " || ' ', ' ') - 1)) AS w FROM company_territory m JOIN company c ON c.id = "
            "m.company_id ORDER BY w)",
            NULL);
        if (strcmp(found, FILTERS[i].found) != 0) {
            fail_msg("%s: %s, not %s", FILTERS[i].filter, found, FILTERS[i].found);
        }
    }
    world_close(t);
}

FB_MAIN(FB_CASE(companies_go_where_the_rules_say_and_gaps_are_listed),
        FB_CASE(plan_that_is_in_force_already_writes_nothing),
        FB_CASE(rule_of_the_smaller_priority_decides_and_two_of_one_priority_overlap),
        FB_CASE(named_account_stays_whatever_the_rules_say_and_what_was_put_by_hand_stays_beside),
        FB_CASE(company_that_no_rule_fits_stays_where_it_is), FB_CASE(rules_begin_and_end_by_date),
        FB_CASE(on_the_day_a_rule_begins_headquarters_assigns_by_itself),
        FB_CASE(only_new_companies_are_assigned_where_that_is_asked),
        FB_CASE(account_with_500_children_moves_by_a_handful_of_rows_and_its_open_deal_follows),
        FB_CASE(history_says_when_a_company_entered_and_left_a_territory),
        FB_CASE(rehearsal_changes_nothing_and_says_what_then_happens),
        FB_CASE(plans_that_cannot_be_understood_are_refused_by_a_sentence_and_change_nothing),
        FB_CASE(filters_compare_numbers_texts_and_what_is_empty))
