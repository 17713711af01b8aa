/* SPDX-License-Identifier: MIT
 *
 * Who may do what: the matrix of roles, entities, actions and levels against what each level means for people, then the cases that
 * somebody with bad intent would try.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/crm/may.h"
#include "common/store/sql.h"
#include "tests/lib/testlib.h"

#define NOW_MS   INT64_C(1795000000000) /* 2026-11-18 */
#define ID(n)    "018f0000-0000-7000-8000-0000000000" n
#define ANA      ID("01") /* the person */
#define MATE     ID("02") /* of ana's team */
#define BELOW    ID("03") /* ana is the manager of the manager */
#define STRANGER ID("04")
#define MIDDLE   ID("05")
#define EAST     ID("11") /* ana is a member */
#define EAST_IN  ID("12") /* below it */
#define WEST     ID("13")
#define READS    ID("14") /* ana only reads */
#define TEAM     ID("21")
#define ROLE     ID("31")
#define ROLE2    ID("32")
#define C_OWN    ID("41")
#define C_MATE   ID("42")
#define C_EAST   ID("43")
#define C_FAR    ID("44")
#define C_READS  ID("45")
#define C_BELOW  ID("46")
#define CURRENCY ID("51")

static struct fb_store *store;

static void run(const char *text)
{
    if (fb_sql_exec(store, text) < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(store, &why), "only its sentence is wanted");
        fail_msg("%s: %s", why.text, text);
    }
}

static void add_company(const char *id, const char *owner, const char *territory)
{
    char text[512];
    snprintf(text, sizeof text,
             "INSERT INTO company (id, name, kind, status, owner_id) VALUES ('%s', 'C', "
             "'customer', 'active', '%s')",
             id, owner);
    run(text);
    if (territory != NULL) {
        snprintf(text, sizeof text,
                 "INSERT INTO company_territory (company_id, territory_id, how) VALUES ('%s', "
                 "'%s', 'rule')",
                 id, territory);
        run(text);
    }
}

static void add_person(const char *id, const char *manager, const char *team)
{
    char text[512];
    snprintf(text, sizeof text,
             "INSERT INTO employee (id, code, user_name, family_name, status, manager_id, team_id) "
             "VALUES ('%s', '%s', '%s', 'P', 'active', %s%s%s, %s%s%s)",
             id, id + 34, id + 34, manager ? "'" : "", manager ? manager : "NULL",
             manager ? "'" : "", team ? "'" : "", team ? team : "NULL", team ? "'" : "");
    run(text);
}

static int make_company(void **state)
{
    static int count;
    char name[32];
    (void)state;
    struct fb_why why = {""};
    struct fb_catalogue *c = NULL;
    snprintf(name, sizeof name, "may-%d.db", count++);
    assert_int_equal(
        fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1, &c, &why), FB_OK);
    assert_int_equal(
        fb_store_open(fb_test_path(name),
                      &(struct fb_store_options){.node = FB_NODE_SERVER, .may_create = true},
                      &store, &why),
        FB_OK);
    assert_int_equal(fb_store_begin(store), FB_OK);
    assert_int_equal(fb_store_set_catalogue(store, c, 1, &why), FB_OK);
    run("INSERT INTO team (id, name, kind, active) VALUES ('" TEAM "', 'T', 'sales', 1)");
    add_person(ANA, NULL, TEAM);
    add_person(MATE, NULL, TEAM);
    add_person(MIDDLE, ANA, NULL);
    add_person(BELOW, MIDDLE, NULL);
    add_person(STRANGER, NULL, NULL);
    run("INSERT INTO territory (id, code, name, active) VALUES ('" EAST "', 'E', 'E', 1), ('" WEST
        "', 'W', 'W', 1), ('" READS "', 'R', 'R', 1)");
    run("INSERT INTO territory (id, code, name, active, parent_id) VALUES ('" EAST_IN
        "', 'EI', 'EI', 1, '" EAST "')");
    run("INSERT INTO territory_member (territory_id, employee_id, part) VALUES ('" EAST "', '" ANA
        "', 'member'), ('" READS "', '" ANA "', 'reader')");
    run("INSERT INTO territory_member (territory_id, employee_id, part, to_on) VALUES ('" WEST
        "', '" ANA "', 'owner', '2026-11-17')");
    run("INSERT INTO currency (id, code, decimals, active) VALUES ('" CURRENCY "', 'CNY', 2, 1)");
    add_company(C_OWN, ANA, NULL);
    add_company(C_MATE, MATE, NULL);
    add_company(C_BELOW, BELOW, WEST);
    add_company(C_EAST, STRANGER, EAST_IN);
    add_company(C_FAR, STRANGER, WEST);
    add_company(C_READS, STRANGER, READS);
    run("INSERT INTO role (id, name, discount_limit, order_limit) VALUES ('" ROLE
        "', 'tested', 500, 1000), ('" ROLE2 "', 'other', 1500, NULL)");
    run("INSERT INTO employee_role (employee_id, role_id) VALUES ('" ANA "', '" ROLE "')");
    return 0;
}

static int end_company(void **state)
{
    (void)state;
    fb_store_rollback(store);
    fb_store_close(store);
    store = NULL;
    return 0;
}

static void permit(const char *role, const char *entity, const char *action, const char *level)
{
    char text[512];
    snprintf(text, sizeof text,
             "INSERT INTO role_permission (role_id, entity, action, level) VALUES ('%s', '%s', "
             "'%s', '%s')",
             role, entity, action, level);
    run(text);
}

static void show(const char *role, const char *entity, const char *field, const char *access)
{
    char text[512];
    snprintf(
        text, sizeof text,
        "INSERT INTO role_field (role_id, entity, field, access) VALUES ('%s', '%s', '%s', '%s')",
        role, entity, field, access);
    run(text);
}

static struct fb_rights *rights_of(const char *employee)
{
    struct fb_rights *r = NULL;
    assert_int_equal(fb_rights_load(store, employee, NOW_MS, &r), FB_OK);
    return r;
}

static const struct fb_entity *entity(const char *name)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(store), name);
    assert_non_null(e);
    return e;
}

/* A row with some fields; pairs end with NULL. */
static struct fb_row row_of(struct fb_arena *arena, const char *entity_name, const char *id, ...)
{
    struct fb_row row;
    va_list args;
    assert_int_equal(fb_row_new(entity(entity_name), id, arena, &row), FB_OK);
    va_start(args, id);
    for (const char *field = va_arg(args, const char *); field != NULL;
         field = va_arg(args, const char *)) {
        const struct fb_field *f = fb_entity_field(row.entity, field);
        assert_non_null(f);
        row.values[f->index] = fb_value_text(va_arg(args, const char *));
    }
    va_end(args);
    return row;
}

static enum fb_may_reason ask(struct fb_rights *r, enum fb_action action, const struct fb_row *old,
                              const struct fb_row *now)
{
    struct fb_may_answer answer = {.reason = FB_MAY_RIGHT_MISSING};
    struct fb_may_ask question = {.action = action, .old = old, .now = now};
    assert_int_equal(fb_may(r, store, &question, &answer), FB_OK);
    assert_int_equal(answer.reason == FB_MAY_YES, answer.why.text[0] == '\0');
    return answer.reason;
}

static struct fb_row stored(struct fb_arena *arena, const char *entity_name, const char *id)
{
    struct fb_row row;
    bool is_found = false;
    assert_int_equal(fb_row_read(store, entity(entity_name), id, arena, &row, &is_found), FB_OK);
    assert_true(is_found);
    return row;
}

/* The nearest level that reaches each company, by hand. */
static const struct {
    const char *id;
    enum fb_level needs;
} COMPANIES[] = {{C_OWN, FB_LEVEL_OWN},        {C_MATE, FB_LEVEL_TEAM}, {C_BELOW, FB_LEVEL_TEAM},
                 {C_EAST, FB_LEVEL_TERRITORY}, {C_FAR, FB_LEVEL_ALL},   {C_READS, FB_LEVEL_ALL}};

FB_TEST(each_level_reaches_what_it_says_for_each_action_and_entity)
{
    static const char *const ENTITIES[] = {"company", "contact", "activity", "sales_order",
                                           "opportunity"};
    for (int action = 0; action < FB_ACTION_COUNT; action++) {
        for (int level = 0; level < FB_LEVEL_COUNT; level++) {
            run("DELETE FROM role_permission");
            permit(ROLE, "*", fb_action_name((enum fb_action)action),
                   fb_level_name((enum fb_level)level));
            FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
            for (size_t e = 0; e < 5; e++) {
                for (size_t i = 0; i < sizeof COMPANIES / sizeof COMPANIES[0]; i++) {
                    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
                    struct fb_row row = e == 0
                                            ? stored(&arena, "company", COMPANIES[i].id)
                                            : row_of(&arena, ENTITIES[e], ID("99"), "company_id",
                                                     COMPANIES[i].id, "owner_id", STRANGER, NULL);
                    bool is_made = action == FB_ACTION_CREATE;
                    bool is_edited = action == FB_ACTION_EDIT || action == FB_ACTION_ASSIGN;
                    enum fb_may_reason reason =
                        ask(r, (enum fb_action)action, is_made ? NULL : &row,
                            is_made || is_edited ? &row : NULL);
                    bool reads = action == FB_ACTION_READ || action == FB_ACTION_EXPORT;
                    enum fb_level needs = reads && strcmp(COMPANIES[i].id, C_READS) == 0
                                              ? FB_LEVEL_TERRITORY
                                              : COMPANIES[i].needs;
                    enum fb_may_reason expected = level == FB_LEVEL_NONE ? FB_MAY_RIGHT_MISSING
                                                  : level >= (int)needs  ? FB_MAY_YES
                                                                         : FB_MAY_RIGHT_RECORD;
                    if (reason != expected) {
                        fail_msg("%s %s of company %zu at level %s: %s",
                                 fb_action_name((enum fb_action)action), ENTITIES[e], i,
                                 fb_level_name((enum fb_level)level), fb_may_reason_name(reason));
                    }
                }
            }
        }
    }
}

FB_TEST(without_a_role_or_after_leaving_nothing_is_allowed)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row = stored(&arena, "company", C_OWN);
    permit(ROLE, "*", "read", "all");
    FB_AUTO(fb_rights_drop) struct fb_rights *nobody = rights_of(STRANGER);
    assert_int_equal(ask(nobody, FB_ACTION_READ, &row, NULL), FB_MAY_RIGHT_MISSING);
    run("UPDATE employee SET status = 'left' WHERE id = '" ANA "'");
    FB_AUTO(fb_rights_drop) struct fb_rights *left = rights_of(ANA);
    assert_int_equal(ask(left, FB_ACTION_READ, &row, NULL), FB_MAY_RIGHT_MISSING);
    FB_AUTO(fb_rights_drop) struct fb_rights *unknown = rights_of(ID("77"));
    assert_int_equal(ask(unknown, FB_ACTION_READ, &row, NULL), FB_MAY_RIGHT_MISSING);
}

FB_TEST(what_is_part_of_a_global_row_is_read_by_everybody_and_written_by_few)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row stage = row_of(&arena, "stage", ID("98"), "pipeline_id", ID("97"), NULL);
    permit(ROLE, "*", "read", "territory");
    permit(ROLE, "*", "edit", "territory");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    assert_int_equal(ask(r, FB_ACTION_READ, &stage, NULL), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &stage, &stage), FB_MAY_RIGHT_RECORD);
}

FB_TEST(roles_are_united_and_the_most_exact_rule_of_each_counts)
{
    permit(ROLE, "*", "edit", "all");
    permit(ROLE, "product", "edit", "none");
    permit(ROLE, "sales_order", "edit", "own");
    permit(ROLE, "module:activities", "edit", "team");
    permit(ROLE2, "product", "edit", "all");
    {
        FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
        assert_int_equal(fb_rights_level(r, entity("product"), FB_ACTION_EDIT), FB_LEVEL_NONE);
        assert_int_equal(fb_rights_level(r, entity("order_line"), FB_ACTION_EDIT),
                         FB_LEVEL_OWN); /* as the order */
        assert_int_equal(fb_rights_level(r, entity("company"), FB_ACTION_EDIT), FB_LEVEL_ALL);
        assert_int_equal(fb_rights_level(r, entity("activity"), FB_ACTION_EDIT), FB_LEVEL_TEAM);
        assert_int_equal(fb_rights_level(r, entity("activity_participant"), FB_ACTION_EDIT),
                         FB_LEVEL_TEAM);
        assert_int_equal(fb_rights_order_limit(r), 1000);
    }
    run("INSERT INTO employee_role (employee_id, role_id) VALUES ('" ANA "', '" ROLE2 "')");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    assert_int_equal(fb_rights_level(r, entity("product"), FB_ACTION_EDIT), FB_LEVEL_ALL);
    assert_string_equal(fb_rights_roles(r), "other, tested");
    assert_int_equal(fb_rights_discount_limit(r), 1500);
    assert_true(fb_rights_order_limit(r) == INT64_MAX);
}

FB_TEST(where_a_record_comes_from_and_where_it_goes_must_both_be_in_reach)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "edit", "team");
    struct fb_row own = stored(&arena, "company", C_OWN);
    struct fb_row far = stored(&arena, "company", C_FAR);
    struct fb_row given = row_of(&arena, "company", C_OWN, "owner_id", STRANGER, NULL);
    struct fb_row to_mate = row_of(&arena, "company", C_OWN, "owner_id", MATE, NULL);
    struct fb_row taken = row_of(&arena, "company", C_FAR, "owner_id", ANA, NULL);
    struct fb_row moved =
        row_of(&arena, "contact", ID("61"), "company_id", C_FAR, "owner_id", STRANGER, NULL);
    struct fb_row contact =
        row_of(&arena, "contact", ID("61"), "company_id", C_OWN, "owner_id", STRANGER, NULL);
    {
        FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
        assert_int_equal(ask(r, FB_ACTION_EDIT, &own, &own), FB_MAY_YES);
        assert_int_equal(ask(r, FB_ACTION_EDIT, &own, &given), FB_MAY_RIGHT_RECORD);
        assert_int_equal(ask(r, FB_ACTION_EDIT, &far, &taken), FB_MAY_RIGHT_RECORD);
        assert_int_equal(ask(r, FB_ACTION_EDIT, &contact, &moved), FB_MAY_RIGHT_RECORD);
        assert_int_equal(ask(r, FB_ACTION_EDIT, &own, &to_mate),
                         FB_MAY_RIGHT_MISSING); /* assigning is a right of its own */
    }
    permit(ROLE, "company", "assign", "team");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &own, &to_mate), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &own, &given), FB_MAY_RIGHT_RECORD);
}

FB_TEST(edits_made_while_the_record_was_his_count)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "edit", "own");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row far = stored(&arena, "company", C_FAR);
    struct fb_may_answer answer;
    uint64_t mask[FB_ROW_MASK_WORDS] = {1};
    struct fb_may_ask question = {
        .action = FB_ACTION_EDIT, .old = &far, .now = &far, .mask = mask, .old_was = FB_LEVEL_OWN};
    assert_int_equal(fb_may(r, store, &question, &answer), FB_OK);
    assert_int_equal(answer.reason, FB_MAY_YES);
    question.old_was = FB_LEVEL_TERRITORY;
    assert_int_equal(fb_may(r, store, &question, &answer), FB_OK);
    assert_int_equal(answer.reason, FB_MAY_RIGHT_RECORD);
}

FB_TEST(nobody_makes_himself_an_administrator_or_a_member_with_a_row_of_his_own)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "create", "territory");
    permit(ROLE, "*", "edit", "territory");
    permit(ROLE, "*", "delete", "territory");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row role =
        row_of(&arena, "employee_role", ID("71"), "employee_id", ANA, "role_id", ROLE2, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &role), FB_MAY_RIGHT_RECORD);
    struct fb_row permission =
        row_of(&arena, "role_permission", ID("72"), "role_id", ROLE, "entity", "*", NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &permission), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_DELETE, &permission, NULL), FB_MAY_RIGHT_RECORD);
    struct fb_row territory = row_of(&arena, "territory_member", ID("73"), "employee_id", ANA,
                                     "territory_id", WEST, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &territory), FB_MAY_RIGHT_RECORD);
    struct fb_row team =
        row_of(&arena, "team_member", ID("74"), "employee_id", ANA, "team_id", TEAM, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &team), FB_MAY_RIGHT_RECORD);
    struct fb_row member = row_of(&arena, "record_member", ID("75"), "entity", "company",
                                  "record_id", C_FAR, "employee_id", ANA, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &member), FB_MAY_RIGHT_MISSING);
    struct fb_row place = row_of(&arena, "company_territory", ID("76"), "company_id", C_FAR,
                                 "territory_id", EAST, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &place), FB_MAY_RIGHT_MISSING);
    struct fb_row guest = row_of(&arena, "activity_participant", ID("77"), "activity_id", ID("78"),
                                 "employee_id", ANA, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &guest), FB_MAY_RIGHT_RECORD);
    struct fb_row price = row_of(&arena, "price_rule", ID("79"), "price_book_id", ID("80"), NULL);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &price, &price), FB_MAY_RIGHT_RECORD);
}

FB_TEST(whoever_may_share_a_record_may_add_people_to_its_team)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "assign", "own");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row mine = row_of(&arena, "record_member", ID("75"), "entity", "company", "record_id",
                                C_OWN, "employee_id", STRANGER, NULL);
    struct fb_row other = row_of(&arena, "record_member", ID("76"), "entity", "company",
                                 "record_id", C_FAR, "employee_id", ANA, NULL);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &mine), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &other), FB_MAY_RIGHT_RECORD);
}

FB_TEST(a_record_team_lets_its_members_in_readers_only_to_read)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "read", "own");
    permit(ROLE, "*", "edit", "own");
    run("INSERT INTO record_member (entity, record_id, employee_id, access) VALUES ('company', "
        "'" C_FAR "', '" ANA "', 'read')");
    run("INSERT INTO record_member (entity, record_id, employee_id) VALUES ('company', '" C_EAST
        "', '" ANA "')");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row far = stored(&arena, "company", C_FAR);
    struct fb_row east = stored(&arena, "company", C_EAST);
    struct fb_row note = row_of(&arena, "note", ID("81"), "entity", "company", "record_id", C_EAST,
                                "by_id", STRANGER, NULL);
    assert_int_equal(ask(r, FB_ACTION_READ, &far, NULL), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &far, &far), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &east, &east), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &note, &note), FB_MAY_YES);
}

static void mark_as_private(struct fb_row *row)
{
    row->values[row->entity->private_field->index] = fb_value_int(1);
}

FB_TEST(what_is_private_stays_private_for_administrators_too_unless_a_role_names_it)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "read", "all");
    permit(ROLE, "held_change", "read", "all");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    run("INSERT INTO personal_contact (id, family_name, owner_id) VALUES ('" ID(
        "83") "', 'X', '" STRANGER "'), ('" ID("85") "', 'Y', '" ANA "')");
    struct fb_row other = stored(&arena, "personal_contact", ID("83"));
    struct fb_row own = stored(&arena, "personal_contact", ID("85"));
    struct fb_row day =
        row_of(&arena, "anniversary", ID("84"), "personal_contact_id", ID("83"), NULL);
    struct fb_row address = row_of(&arena, "address", ID("86"), "owner_entity", "personal_contact",
                                   "owner_id", ID("83"), NULL);
    struct fb_row held = row_of(&arena, "held_change", ID("87"), "by_id", STRANGER, NULL);
    struct fb_row whisper = row_of(&arena, "note", ID("88"), "entity", "company", "record_id",
                                   C_OWN, "by_id", STRANGER, NULL);
    assert_int_equal(ask(r, FB_ACTION_READ, &whisper, NULL), FB_MAY_YES);
    mark_as_private(&whisper);
    assert_int_equal(ask(r, FB_ACTION_READ, &whisper, NULL), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_READ, &other, NULL), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_READ, &day, NULL), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_READ, &address, NULL), FB_MAY_RIGHT_RECORD);
    assert_int_equal(ask(r, FB_ACTION_READ, &own, NULL), FB_MAY_YES);
    assert_int_equal(ask(r, FB_ACTION_READ, &held, NULL), FB_MAY_YES);
}

FB_TEST(fields_follow_their_visibility_and_the_roles_rules)
{
    permit(ROLE, "*", "read", "all");
    const struct fb_entity *product = entity("product");
    const struct fb_entity *employee = entity("employee");
    const struct fb_field *cost = fb_entity_field(product, "cost");
    const struct fb_field *code = fb_entity_field(product, "brand");
    const struct fb_field *birthday = fb_entity_field(employee, "birthday");
    const struct fb_field *mobile = fb_entity_field(employee, "mobile");
    const struct fb_field *job = fb_entity_field(employee, "job_title");
    show(ROLE, "employee", "*", "read");
    show(ROLE, "employee", "mobile", "write");
    show(ROLE, "product", "brand", "hidden");
    {
        FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
        assert_int_equal(fb_rights_field(r, cost, product, false), FB_FIELD_HIDDEN);
        assert_int_equal(fb_rights_field(r, code, product, false), FB_FIELD_HIDDEN);
        assert_int_equal(fb_rights_field(r, birthday, employee, false), FB_FIELD_HIDDEN);
        assert_int_equal(fb_rights_field(r, birthday, employee, true), FB_FIELD_READ);
        assert_int_equal(fb_rights_field(r, job, employee, true), FB_FIELD_READ);
        assert_int_equal(fb_rights_field(r, mobile, employee, true), FB_FIELD_WRITE);
    }
    run("INSERT INTO employee_role (employee_id, role_id) VALUES ('" ANA "', '" ROLE2 "')");
    show(ROLE2, "product", "cost", "read");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    assert_int_equal(fb_rights_field(r, cost, product, false), FB_FIELD_READ);
    assert_int_equal(fb_rights_field(r, code, product, false),
                     FB_FIELD_WRITE); /* the other role has no objection */
}

FB_TEST(a_field_that_is_hidden_or_for_reading_is_not_written)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "edit", "all");
    permit(ROLE, "*", "create", "all");
    show(ROLE, "company", "credit_limit", "read");
    show(ROLE, "company", "financial_note", "hidden");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row old = stored(&arena, "company", C_OWN);
    struct fb_row credit, note;
    credit = row_of(&arena, "company", C_OWN, NULL);
    note = row_of(&arena, "company", C_OWN, "financial_note", "x", NULL);
    const struct fb_field *f = fb_entity_field(old.entity, "credit_limit");
    credit.values[f->index] = fb_value_int(5);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &old, &credit), FB_MAY_FIELD_READ);
    assert_int_equal(ask(r, FB_ACTION_CREATE, NULL, &credit), FB_MAY_FIELD_READ);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &old, &note), FB_MAY_FIELD_HIDDEN);
    struct fb_row name = row_of(&arena, "company", C_OWN, "name", "x", NULL);
    assert_int_equal(ask(r, FB_ACTION_EDIT, &old, &name), FB_MAY_YES);
}

FB_TEST(blanking_takes_hidden_fields_out_of_a_row_and_leaves_ones_own)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    permit(ROLE, "*", "read", "all");
    run("UPDATE employee SET birthday = '1990-01-01'");
    FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
    struct fb_row me = stored(&arena, "employee", ANA);
    struct fb_row mate = stored(&arena, "employee", MATE);
    const struct fb_field *birthday = fb_entity_field(me.entity, "birthday");
    fb_ignore(fb_rights_blank(r, &me), "only the values count");
    assert_true(fb_rights_blank(r, &mate));
    assert_int_equal(me.values[birthday->index].type, FB_TEXT);
    assert_int_equal(mate.values[birthday->index].type, FB_ABSENT);
    assert_false(fb_rights_hides_some(r, entity("company"), false));
}

/* Whatever the rules are, the table and the walk say the same; drawn at random. */
FB_TEST(both_ways_agree_about_every_field_of_every_entity)
{
    static const char *const PATTERNS[] = {"*",           "company",    "product", "employee",
                                           "sales_order", "order_line", "contact"};
    static const char *const FIELDS[] = {"*", "name", "cost", "birthday", "code", "mobile"};
    static const char *const ACCESS[] = {"hidden", "read", "write"};
    uint32_t random = 4711;
    run("INSERT INTO employee_role (employee_id, role_id) VALUES ('" ANA "', '" ROLE2 "')");
    for (int round = 0; round < 60; round++) {
        run("DELETE FROM role_field");
        run("DELETE FROM role_permission");
        for (int i = 0; i < 6; i++) {
            random = random * 1664525u + 1013904223u;
            show(random >> 31 ? ROLE : ROLE2, PATTERNS[(random >> 8) % 7],
                 FIELDS[(random >> 12) % 6], ACCESS[(random >> 20) % 3]);
            permit(random >> 30 & 1 ? ROLE : ROLE2, PATTERNS[(random >> 16) % 7], "read",
                   random >> 24 & 1 ? "own" : "none");
        }
        FB_AUTO(fb_rights_drop) struct fb_rights *r = rights_of(ANA);
        const struct fb_catalogue *c = fb_store_catalogue(store);
        for (size_t e = 0; e < c->entity_count; e++) {
            const struct fb_entity *at = &c->entities[e];
            assert_int_equal(fb_rights_recheck_entity(r, at),
                             fb_rights_level(r, at, FB_ACTION_READ) != FB_LEVEL_NONE);
            for (size_t i = 0; i < at->field_count; i++) {
                for (int own = 0; own < 2; own++) {
                    assert_int_equal(fb_rights_recheck_field(r, at, &at->fields[i], own != 0),
                                     fb_rights_field(r, &at->fields[i], at, own != 0) !=
                                         FB_FIELD_HIDDEN);
                }
            }
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_company, end_company)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(each_level_reaches_what_it_says_for_each_action_and_entity),
        CASE(without_a_role_or_after_leaving_nothing_is_allowed),
        CASE(what_is_part_of_a_global_row_is_read_by_everybody_and_written_by_few),
        CASE(roles_are_united_and_the_most_exact_rule_of_each_counts),
        CASE(where_a_record_comes_from_and_where_it_goes_must_both_be_in_reach),
        CASE(edits_made_while_the_record_was_his_count),
        CASE(nobody_makes_himself_an_administrator_or_a_member_with_a_row_of_his_own),
        CASE(whoever_may_share_a_record_may_add_people_to_its_team),
        CASE(a_record_team_lets_its_members_in_readers_only_to_read),
        CASE(what_is_private_stays_private_for_administrators_too_unless_a_role_names_it),
        CASE(fields_follow_their_visibility_and_the_roles_rules),
        CASE(a_field_that_is_hidden_or_for_reading_is_not_written),
        CASE(blanking_takes_hidden_fields_out_of_a_row_and_leaves_ones_own),
        CASE(both_ways_agree_about_every_field_of_every_entity),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
