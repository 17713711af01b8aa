/* SPDX-License-Identifier: MIT
 *
 * What the pages' calls cost in work done, not in time: with ten times the contacts a list, its next page, a record, a keystroke of
 * search and lookup, and a save read as much as before, and meet no row without an index that they did not meet with few.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/search/search.h"
#include "tests/lib/api_world.h"

#define FEW  2000 /* more than a first page counts its total to */
#define MANY 8000

static struct fb_world *t;
static struct api_call ana;
static struct fb_search *file;

/* Contacts with names that come again, as rows of one tool's write; they are sealed and searched like others. */
static void has_contacts(int from, int to)
{
    char sql[1200];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO contact (id, family_name, given_name, company_id, owner_id, department)"
             " SELECT printf('018b0000-0000-7000-8000-%%012x', i),"
             " substr('王李张刘陈杨赵黄周吴', i %% 10 + 1, 1), printf('伟%%05d', i), '%s', '%s',"
             " '采购部' FROM n",
             from, to - 1, world_id("company/acme"), world_id("employee/ana"));
    server_runs(t, sql);
    server_settles(t);
    for (bool more = true; more;) {
        assert_int_equal(fb_search_feed(file, t->store, 200, &more, NULL), FB_OK);
    }
}

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", NULL);
    api_permits(t, "ana", "all");
    ana = api_at_headquarters(t, "ana");
    unlink(fb_test_path("cost.db"));
    assert_int_equal(fb_search_open(fb_test_path("cost.db"), &file, NULL), FB_OK);
    ana.search = file;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_done(&ana);
    fb_search_drop(&file);
    world_close(t);
    return 0;
}

static struct fb_store_cost cost_of(const char *method, const char *target, const char *body)
{
    struct fb_store_cost cost = {0};
    ana.after = NULL;
    api_send(&ana, method, target, body); /* the first prepares its statements */
    fb_store_watch_cost(t->store, &cost);
    api_send(&ana, method, target, body);
    fb_store_watch_cost(t->store, NULL);
    if (ana.status != 200) {
        fail_msg("%s %s: %d %s", method, target, ana.status, ana.text);
    }
    return cost;
}

static const char *second_page(void)
{
    static char target[1200];
    api_get(&ana, "/api/v1/contact?sort=family_name&limit=50");
    snprintf(target, sizeof target, "/api/v1/contact?sort=family_name&limit=50&cursor=%s",
             api_at(&ana, "next"));
    return target;
}

#define CALLS 8

static void measure(struct fb_store_cost ret[static CALLS])
{
    static const char RECORD[] = "/api/v1/contact/018b0000-0000-7000-8000-000000000077";
    static const char SAVE[] = "{\"base\":{\"job_title\":null},\"mine\":{\"job_title\":\"总监\"}}";
    ret[0] = cost_of("GET", "/api/v1/contact?sort=family_name&limit=50", NULL);
    ret[1] = cost_of("GET", second_page(), NULL);
    ret[2] = cost_of("GET", "/api/v1/contact?sort=-modified_at&limit=50", NULL);
    ret[3] = cost_of("GET", RECORD, NULL);
    ret[4] = cost_of("GET", "/api/v1/search?q=伟0001", NULL);
    ret[5] = cost_of("GET", "/api/v1/lookup/contact?q=王伟0001", NULL);
    ret[6] = cost_of("GET", "/api/v1/lookup/contact?q=zw", NULL);
    ret[7] = cost_of("PATCH", RECORD, SAVE);
}

FB_TEST(work_does_not_grow_with_the_table)
{
    static const char *const NAMES[CALLS] = {"list",   "next page", "list by change", "record",
                                             "search", "lookup",    "lookup pinyin",  "save"};
    struct fb_store_cost few[CALLS];
    struct fb_store_cost many[CALLS];
    has_contacts(0, FEW);
    measure(few);
    has_contacts(FEW, MANY);
    measure(many);
    for (size_t i = 0; i < CALLS; i++) {
        print_message("%s: %lld statements, %lld steps, %lld without an index, %lld sorts\n",
                      NAMES[i], (long long)many[i].statements, (long long)many[i].steps,
                      (long long)many[i].scan_steps, (long long)many[i].sorts);
        if (many[i].scan_steps > few[i].scan_steps || many[i].steps > few[i].steps * 3 / 2 + 200 ||
            many[i].statements > few[i].statements * 3 / 2 + 10) {
            fail_msg("%s: with %d contacts %lld statements, %lld steps, %lld rows without an index;"
                     " with %d %lld, %lld, %lld",
                     NAMES[i], FEW, (long long)few[i].statements, (long long)few[i].steps,
                     (long long)few[i].scan_steps, MANY, (long long)many[i].statements,
                     (long long)many[i].steps, (long long)many[i].scan_steps);
        }
    }
}

/* The measure itself: a question that must read the whole table is seen to do so. */
FB_TEST(a_scan_is_noticed)
{
    has_contacts(0, FEW);
    struct fb_store_cost few = cost_of("GET", "/api/v1/contact?sort=department&limit=50", NULL);
    has_contacts(FEW, MANY);
    struct fb_store_cost many = cost_of("GET", "/api/v1/contact?sort=department&limit=50", NULL);
    assert_true(many.steps > few.steps + 5 * (MANY - FEW));
    assert_true(many.sorts > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(work_does_not_grow_with_the_table),
        CASE(a_scan_is_noticed),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
