/* SPDX-License-Identifier: MIT
 *
 * An administrator changes how fields merge, after a rehearsal; a held edit is handed over; duplicates are noticed; a laptop can say
 * what others changed on it.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/crm/alike.h"
#include "common/crm/duplicates.h"
#include "common/crm/held.h"
#include "common/crm/policies.h"
#include "common/sync/seen_changes.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define DAY_MS INT64_C(86400000)

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

/* ---- Policies ---- */

static void clash(const char *field, const char *mine, const char *theirs)
{
    replica_edits(t, "ana", "company/acme", field, mine);
    server_edits(t, "company/acme", field, theirs);
    everybody_syncs(t);
}

static int rehearse(const char *field, const char *policy, struct fb_policy_rehearsal *ret,
                    struct fb_why *why)
{
    const struct fb_policy_change change = {.entity = "company", .field = field, .policy = policy};
    return fb_policy_rehearse(t->store, &change, t->now_ms - 30 * DAY_MS, t->now_ms, NULL, NULL,
                              ret, why);
}

FB_TEST(a_rule_is_rehearsed_on_the_conflicts_there_were)
{
    struct fb_policy_rehearsal r;
    struct fb_why why = {""};
    clash("website", "a.example", "b.example"); /* headquarters was later */
    clash("website", "c.example", "d.example");
    assert_int_equal(rehearse("website", "server", &r, &why), FB_OK);
    assert_int_equal(r.conflicts, 2);
    assert_int_equal(r.differing, 0);
    assert_int_equal(rehearse("website", "manual", &r, &why), FB_OK);
    assert_int_equal(r.differing, 2);
    assert_int_equal(r.asking, 2);
    assert_int_equal(rehearse("short_name", "manual", &r, &why), FB_OK);
    assert_int_equal(r.conflicts, 0);
    world_time_passes(t, 31 * DAY_MS);
    assert_int_equal(rehearse("website", "manual", &r, &why), FB_OK);
    assert_int_equal(r.conflicts, 0);
}

FB_TEST(a_rule_that_does_not_fit_is_refused)
{
    struct fb_policy_rehearsal r;
    struct fb_why why = {""};
    assert_int_equal(rehearse("website", "sum", &r, &why), FB_ERR_INVALID);
    assert_int_equal(rehearse("website", "newest", &r, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "newest"));
    assert_int_equal(rehearse("no_such", "latest", &r, &why), FB_ERR_INVALID);
    assert_int_equal(rehearse("annual_revenue", "max", &r, &why), FB_ERR_INVALID); /* a group */
}

static void set_policy(const char *field, const char *policy)
{
    struct fb_why why = {""};
    const struct fb_policy_change change = {.entity = "company", .field = field, .policy = policy};
    assert_int_equal(fb_store_begin(t->store), FB_OK);
    if (fb_policy_set(t->store, &change, 1, t->now_ms, &why) < 0) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(fb_store_commit(t->store), FB_OK);
}

FB_TEST(a_new_rule_decides_what_comes_next_and_travels)
{
    set_policy("website", "server");
    replica_edits(t, "ana", "company/acme", "website", "later.example");
    server_edits(t, "company/acme", "website", "hq.example");
    replica_edits(t, "ana", "company/acme", "website", "latest.example");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "website", "hq.example");
    assert_string_equal(replica_asks(t, "ana", "SELECT max(version) FROM fb_catalogue", NULL), "2");
    const struct fb_entity *e =
        fb_catalogue_entity(fb_store_catalogue(world_replica(t, "ana")->store), "company");
    assert_int_equal(fb_entity_field(e, "website")->policy, FB_MERGE_SERVER);
}

FB_TEST(a_group_changes_as_one)
{
    set_policy("annual_revenue", "server");
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(t->store), "company");
    assert_int_equal(fb_entity_field(e, "revenue_year")->policy, FB_MERGE_SERVER);
}

/* ---- Held edits ---- */

static int take_person(void *ctx, const char *employee_id)
{
    fb_buf_printf(ctx, "%s ", strcmp(employee_id, world_id("employee/ana")) == 0 ? "ana" : "bo");
    return FB_OK;
}

FB_TEST(a_held_edit_is_handed_to_somebody_who_gets_it)
{
    FB_AUTO(fb_buf_release) struct fb_buf people;
    fb_buf_init(&people, 1000);
    struct fb_why why = {""};
    char id[FB_ROW_ID_SIZE];
    server_edits(t, "employee/ana", "manager_id", world_id("employee/bo"));
    everybody_syncs(t);
    replica_edits(t, "ana", "company/acme", "parent_id", "0191e0a0-0000-7000-8000-00000000dead");
    everybody_syncs(t);
    expect_held(t, 1, "missing_row");
    struct fb_store *anas = world_replica(t, "ana")->store;
    snprintf(id, sizeof id, "%s", replica_asks(t, "ana", "SELECT id FROM held_change", NULL));
    assert_int_equal(fb_held_settlers(anas, id, take_person, &people), FB_OK);
    assert_string_equal(fb_buf_text(&people), "ana bo ");
    assert_string_equal(replica_asks(t, "bo", "SELECT count(*) FROM held_change", NULL), "0");
    assert_int_equal(fb_store_begin(anas), FB_OK);
    assert_int_equal(fb_held_ask(anas, id, "nobody", &why), FB_ERR_NOT_FOUND);
    assert_int_equal(fb_held_ask(anas, id, "bo", &why), FB_OK);
    assert_int_equal(fb_store_commit(anas), FB_OK);
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "bo", "SELECT count(*) FROM held_change", NULL), "1");
    fb_buf_clear(&people);
    assert_int_equal(fb_held_settlers(t->store, id, take_person, &people), FB_OK);
    assert_string_equal(fb_buf_text(&people), "bo ana ");
    replica_runs(t, "bo", "UPDATE held_change SET state = 'discarded'");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT state FROM held_change", NULL), "discarded");
}

/* ---- Duplicates ---- */

static const char *name_of(const char *name)
{
    static struct fb_buf buf;
    fb_buf_release(&buf);
    fb_buf_init(&buf, 1000);
    fb_alike_name(name, strlen(name), &buf, NULL);
    return fb_buf_text(&buf);
}

FB_TEST(a_name_is_known_without_its_legal_form)
{
    assert_string_equal(name_of("东华精密股份有限公司"), "东华精密");
    assert_string_equal(name_of("东华精密（集团）有限公司"), "东华精密");
    assert_string_equal(name_of("东华 精密"), "东华精密");
    assert_string_equal(name_of("Acme Co., Ltd."), "acme");
    assert_string_equal(name_of("ACME Inc"), "acme");
    assert_string_equal(name_of("Tesco"), "tesco");
    assert_string_equal(name_of("公司"), "公司"); /* nothing but a form */
    assert_string_equal(name_of(""), "");
}

static const char *suspicions(void)
{
    return server_asks(
        t,
        "SELECT group_concat(score || ' ' || rule, ', ') FROM merge_job WHERE state = 'suspected'",
        NULL);
}

FB_TEST(a_company_that_is_there_already_is_suspected_once)
{
    server_edits(t, "company/acme", "name", "东华精密有限公司");
    everybody_syncs(t);
    replica_makes(t, "ana", "company/twin", "name", "东华精密股份有限公司", "owner_id",
                  "@employee/ana", NULL);
    replica_makes(t, "ana", "company/other", "name", "东华精机有限公司", "owner_id",
                  "@employee/ana", NULL);
    everybody_syncs(t);
    assert_string_equal(suspicions(), "90 name");
    assert_string_equal(server_asks(t, "SELECT keep_id FROM merge_job", NULL),
                        world_id("company/acme"));
    server_runs(t, "UPDATE merge_job SET state = 'not_duplicate'");
    server_edits(t, "company/twin", "name", "东华精密集团");
    everybody_syncs(t);
    assert_string_equal(suspicions(), "NULL");
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM merge_job", NULL), "1");
}

FB_TEST(tax_numbers_phones_and_contacts_of_one_name_are_noticed)
{
    server_makes(t, "company/beta", "name", "Beta", "owner_id", "@employee/ana", "tax_id",
                 "91310000MA1FL0AN6A", NULL);
    server_makes(t, "company/gamma", "name", "Gamma", "owner_id", "@employee/ana", "tax_id",
                 "91310000MA1FL0AN6A", NULL);
    server_settles(t);
    assert_string_equal(suspicions(), "100 tax_id");
    server_makes(t, "comm_point/one", "owner_entity", "company", "owner_id", "@company/acme",
                 "kind", "phone", "value", "02155551234", NULL);
    server_makes(t, "comm_point/two", "owner_entity", "company", "owner_id", "@company/beta",
                 "kind", "phone", "value", "021-5555 1234", NULL);
    server_settles(t);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM merge_job WHERE rule = 'phone'", NULL),
                        "1");
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    server_makes(t, "contact/li2", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    server_makes(t, "contact/li3", "family_name", "Li", "company_id", "@company/beta", "owner_id",
                 "@employee/ana", NULL);
    server_settles(t);
    assert_string_equal(
        server_asks(t, "SELECT count(*) FROM merge_job WHERE entity = 'contact'", NULL), "1");
}

static int count_alike(void *ctx, const struct fb_alike *alike)
{
    assert_true(alike->score >= 90);
    ++*(int *)ctx;
    return FB_OK;
}

FB_TEST(a_form_on_a_laptop_is_warned_while_offline)
{
    struct fb_store *s = world_replica(t, "ana")->store;
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), "company");
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_row row;
    int count = 0;
    assert_int_equal(fb_row_new(e, "0191e0a0-0000-7000-8000-000000000001", &arena, &row), FB_OK);
    assert_int_equal(fb_alike_find(s, &row, count_alike, &count), FB_OK);
    assert_int_equal(count, 0);
    row.values[fb_entity_field(e, "name")->index] = fb_value_text("Acme Ltd.");
    assert_int_equal(fb_alike_find(s, &row, count_alike, &count), FB_OK);
    assert_int_equal(count, 1);
}

/* ---- What changed here ---- */

static int take_change(void *ctx, const struct fb_seen_change *c)
{
    fb_buf_printf(ctx, "%s %s; ", c->entity->name, c->old == NULL ? "new" : c->old);
    return FB_OK;
}

static const char *changes_of(const char *who, int64_t since_ms)
{
    static struct fb_buf buf;
    fb_buf_release(&buf);
    fb_buf_init(&buf, 100000);
    assert_int_equal(fb_changes_list(world_replica(t, who)->store, since_ms, take_change, &buf),
                     FB_OK);
    return fb_buf_text(&buf);
}

FB_TEST(a_laptop_says_what_others_changed_and_not_what_it_did_itself)
{
    assert_string_equal(changes_of("ana", 0), "");
    replica_edits(t, "ana", "company/acme", "website", "own.example");
    everybody_syncs(t);
    assert_string_equal(changes_of("ana", 0), "");
    assert_string_equal(changes_of("bo", 0), "company {\"website\":null}; ");
    replica_edits(t, "ana", "company/acme", "credit_limit", "5000");
    server_edits(t, "company/acme", "credit_limit", "2000"); /* headquarters' stays */
    everybody_syncs(t);
    assert_string_equal(changes_of("ana", 0), "company {\"credit_limit\":5000}; ");
    assert_string_equal(changes_of("ana", t->now_ms + 1), "");
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
    assert_string_equal(changes_of("ana", 0), "contact new; company {\"credit_limit\":5000}; ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
FB_MAIN(CASE(a_rule_is_rehearsed_on_the_conflicts_there_were),
        CASE(a_rule_that_does_not_fit_is_refused),
        CASE(a_new_rule_decides_what_comes_next_and_travels), CASE(a_group_changes_as_one),
        CASE(a_held_edit_is_handed_to_somebody_who_gets_it),
        FB_CASE(a_name_is_known_without_its_legal_form),
        CASE(a_company_that_is_there_already_is_suspected_once),
        CASE(tax_numbers_phones_and_contacts_of_one_name_are_noticed),
        CASE(a_form_on_a_laptop_is_warned_while_offline),
        CASE(a_laptop_says_what_others_changed_and_not_what_it_did_itself))
