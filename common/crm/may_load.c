/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/time.h"
#include "common/crm/may_internal.h"
#include "common/store/sql.h"

/* His own and those of everybody below him, with what lies below each. Members with dates count from the first day to the last; a
 * manager of a territory counts as its owner. */
static const char TERRITORIES[] =
    "WITH RECURSIVE below(id) AS (SELECT ?1"
    "  UNION SELECT e.id FROM employee e JOIN below ON e.manager_id = below.id),"
    " mine(id) AS ("
    " SELECT m.territory_id FROM territory_member m JOIN below ON m.employee_id = below.id WHERE "
    "true"
    "  AND (?3 OR m.part <> 'reader') AND coalesce(m.from_on, '') <= ?2 AND coalesce(m.to_on, '9') "
    ">= ?2"
    " UNION SELECT t.id FROM territory t WHERE t.manager_id IN (SELECT id FROM below)"
    " UNION SELECT t.id FROM territory t JOIN mine ON t.parent_id = mine.id)"
    " SELECT id FROM mine ORDER BY id";
/* Teams he is in, and those he leads with the teams below. */
static const char TEAMS[] =
    "WITH RECURSIVE led(id) AS ("
    " SELECT id FROM team WHERE manager_id = ?1"
    " UNION SELECT team_id FROM team_member WHERE employee_id = ?1 AND part = 'lead'"
    " UNION SELECT t.id FROM team t JOIN led ON t.parent_id = led.id)"
    " SELECT id FROM led UNION SELECT team_id FROM team_member WHERE employee_id = ?1"
    " UNION SELECT team_id FROM employee WHERE id = ?1 AND team_id IS NOT NULL ORDER BY 1";
/* Everybody of those teams, and everybody below him. */
static const char PEOPLE[] =
    "WITH RECURSIVE led(id) AS ("
    " SELECT id FROM team WHERE manager_id = ?1"
    " UNION SELECT team_id FROM team_member WHERE employee_id = ?1 AND part = 'lead'"
    " UNION SELECT t.id FROM team t JOIN led ON t.parent_id = led.id),"
    " teams(id) AS (SELECT id FROM led UNION SELECT team_id FROM team_member WHERE employee_id = ?1"
    "  UNION SELECT team_id FROM employee WHERE id = ?1),"
    " below(id) AS (SELECT id FROM employee WHERE manager_id = ?1"
    "  UNION SELECT e.id FROM employee e JOIN below ON e.manager_id = below.id)"
    " SELECT id FROM below UNION SELECT employee_id FROM team_member WHERE team_id IN (SELECT id "
    "FROM teams)"
    " UNION SELECT id FROM employee WHERE team_id IN (SELECT id FROM teams) ORDER BY 1";

static const char ROLES[] = "SELECT DISTINCT r.id, r.name, r.discount_limit, r.order_limit, "
                            "r.expense_limit, r.may_export, r.may_bulk_edit"
                            " FROM employee_role er JOIN role r ON r.id = er.role_id JOIN employee "
                            "e ON e.id = er.employee_id"
                            " WHERE er.employee_id = ?1 AND e.status <> 'left' ORDER BY r.name";
static const char PERMISSIONS[] =
    "SELECT role_id, entity, action, level FROM role_permission"
    " WHERE role_id IN (SELECT role_id FROM employee_role WHERE employee_id = ?1)";
static const char FIELDS[] =
    "SELECT role_id, entity, field, access FROM role_field"
    " WHERE role_id IN (SELECT role_id FROM employee_role WHERE employee_id = ?1)";

static bool has_entities(const struct fb_catalogue *c, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (fb_catalogue_entity(c, *names) == NULL) {
            return false;
        }
    }
    return true;
}

/* Pairs of entity and field, NULL ends them: a small catalogue may do without teams, territories or managers. */
static bool has_fields(const struct fb_catalogue *c, const char *const (*pairs)[2])
{
    for (; (*pairs)[0] != NULL; pairs++) {
        const struct fb_entity *e = fb_catalogue_entity(c, (*pairs)[0]);
        if (e == NULL || fb_entity_field(e, (*pairs)[1]) == NULL) {
            return false;
        }
    }
    return true;
}

static int read_ids(struct fb_rights *r, struct fb_store *s, const char *text, const char *day,
                    bool with_readers, struct fb_id_set *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, r->employee_id);
    if (day != NULL) {
        fb_sql_bind_text(q, 2, day);
        fb_sql_bind_int(q, 3, with_readers ? 1 : 0);
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        void *ids = fb_arena_grow(&r->arena, ret->ids, ret->count, &ret->capacity, FB_ROW_ID_SIZE);
        const char *id = fb_sql_text(q, 0);
        if (ids == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        ret->ids = ids;
        if (id != NULL && strlen(id) == FB_ROW_ID_SIZE - 1) {
            memcpy(ret->ids[ret->count++], id, FB_ROW_ID_SIZE);
        }
    }
    return rc;
}

static int read_sets(struct fb_rights *r, struct fb_store *s, int64_t now_ms)
{
    static const char *const TERRITORY[][2] = {{"territory", "parent_id"},
                                               {"territory", "manager_id"},
                                               {"territory_member", "part"},
                                               {"territory_member", "to_on"},
                                               {"territory_member", "from_on"},
                                               {"employee", "manager_id"},
                                               {NULL, NULL}};
    static const char *const TEAM[][2] = {{"team", "parent_id"},      {"team", "manager_id"},
                                          {"team_member", "part"},    {"employee", "team_id"},
                                          {"employee", "manager_id"}, {NULL, NULL}};
    char day[FB_INSTANT_SIZE];
    fb_instant_format(now_ms, day);
    day[10] = '\0';
    int rc = FB_OK;
    if (has_fields(r->catalogue, TERRITORY)) {
        rc = read_ids(r, s, TERRITORIES, day, false, &r->territories);
        rc = rc < 0 ? rc : read_ids(r, s, TERRITORIES, day, true, &r->read_territories);
    }
    if (rc == FB_OK && has_fields(r->catalogue, TEAM)) {
        rc = read_ids(r, s, TEAMS, NULL, false, &r->teams);
        rc = rc < 0 ? rc : read_ids(r, s, PEOPLE, NULL, false, &r->people);
    }
    return rc;
}

static int64_t limit_of(const struct fb_sql *q, int at, int64_t so_far)
{
    struct fb_value v = fb_sql_value(q, at);
    int64_t limit = v.type == FB_INT ? v.integer : INT64_MAX;
    return limit > so_far ? limit : so_far;
}

static int read_roles(struct fb_rights *r, struct fb_store *s)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, ROLES, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, r->employee_id);
    r->role_names = "";
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        void *ids =
            fb_arena_grow(&r->arena, r->role_ids, r->role_count, &r->role_capacity, FB_ROW_ID_SIZE);
        r->role_names = fb_arena_printf(&r->arena, "%s%s%s", r->role_names,
                                        r->role_count > 0 ? ", " : "", fb_sql_text(q, 1));
        if (ids == NULL || r->role_names == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        r->role_ids = ids;
        snprintf(r->role_ids[r->role_count++], FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
        r->discount_limit = limit_of(q, 2, r->discount_limit);
        r->order_limit = limit_of(q, 3, r->order_limit);
        r->expense_limit = limit_of(q, 4, r->expense_limit);
        r->may_export = r->may_export || fb_sql_int(q, 5) != 0;
        r->may_bulk_edit = r->may_bulk_edit || fb_sql_int(q, 6) != 0;
    }
    return rc;
}

static int find_name(const char *const *names, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = i;
            return FB_OK;
        }
    }
    return FB_ERR_NOT_FOUND;
}

/* A word no program of ours wrote permits nothing. */
static bool take_words(struct fb_rule *rule, const char *third, const char *fourth)
{
    static const char *const ACTIONS[] = {
#define FB_ACTION(NAME, name) #name,
#include "common/crm/may_action.def"
#undef FB_ACTION
    };
    static const char *const LEVELS[] = {
#define FB_LEVEL(NAME, name) #name,
#include "common/crm/may_level.def"
#undef FB_LEVEL
    };
    static const char *const ACCESS[] = {"hidden", "read", "write"};
    size_t at = 0;
    if (rule->field != NULL) {
        bool is_known = find_name(ACCESS, 3, fourth, &at) == FB_OK;
        rule->access = (enum fb_field_access)at;
        return is_known;
    }
    if (find_name(ACTIONS, FB_ACTION_COUNT, third, &at) < 0) {
        return false;
    }
    rule->action = (enum fb_action)at;
    bool is_known = find_name(LEVELS, FB_LEVEL_COUNT, fourth, &at) == FB_OK;
    rule->level = (enum fb_level)at;
    return is_known;
}

static int read_rules(struct fb_rights *r, struct fb_store *s, const char *text, bool is_of_field)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, r->employee_id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_rule rule = {.role = r->role_count};
        for (size_t i = 0; i < r->role_count; i++) {
            rule.role = strcmp(r->role_ids[i], fb_sql_text(q, 0)) == 0 ? i : rule.role;
        }
        rule.entity = fb_arena_strdup(&r->arena, fb_sql_text(q, 1));
        rule.field = is_of_field ? fb_arena_strdup(&r->arena, fb_sql_text(q, 2)) : NULL;
        struct fb_rule *rules =
            fb_arena_grow(&r->arena, r->rules, r->rule_count, &r->rule_capacity, sizeof *rules);
        if (rules == NULL || rule.entity == NULL || (is_of_field && rule.field == NULL)) {
            return FB_ERR_NO_MEMORY;
        }
        r->rules = rules;
        if (rule.role < r->role_count && take_words(&rule, fb_sql_text(q, 2), fb_sql_text(q, 3))) {
            rules[r->rule_count++] = rule;
        }
    }
    return rc;
}

static int load(struct fb_rights *r, struct fb_store *s, int64_t now_ms)
{
    static const char *const ROLE[] = {"role",          "role_permission", "role_field",
                                       "employee_role", "employee",        NULL};
    int rc = FB_OK;
    r->role_names = "";
    if (has_entities(r->catalogue, ROLE)) {
        rc = read_roles(r, s);
        rc = rc < 0 ? rc : read_rules(r, s, PERMISSIONS, false);
        rc = rc < 0 ? rc : read_rules(r, s, FIELDS, true);
    }
    r->has_record_members = fb_catalogue_entity(r->catalogue, "record_member") != NULL;
    r->has_company_territories = fb_catalogue_entity(r->catalogue, "company_territory") != NULL;
    rc = rc < 0 ? rc : read_sets(r, s, now_ms);
    return rc < 0 ? rc : fb_rights_compile(r);
}

int fb_rights_load(struct fb_store *s, const char *employee_id, int64_t now_ms,
                   struct fb_rights **ret)
{
    struct fb_rights *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->catalogue = fb_store_catalogue(s);
    snprintf(r->employee_id, sizeof r->employee_id, "%s", employee_id == NULL ? "" : employee_id);
    int rc = r->catalogue == NULL ? FB_ERR_CONFIG : FB_OK;
    rc = rc < 0 ? rc : load(r, s, now_ms);
    if (rc < 0) {
        fb_rights_free(r);
        return rc;
    }
    *ret = r;
    return FB_OK;
}

void fb_rights_free(struct fb_rights *r)
{
    if (r != NULL) {
        free(r->memos);
        fb_arena_release(&r->arena);
        free(r);
    }
}

void fb_rights_drop(struct fb_rights **rights)
{
    fb_rights_free(*rights);
}

void fb_rights_forget(struct fb_rights *r)
{
    free(r->memos);
    r->memos = NULL;
}

const char *fb_rights_employee(const struct fb_rights *r)
{
    return r->employee_id;
}

const struct fb_catalogue *fb_rights_catalogue(const struct fb_rights *r)
{
    return r->catalogue;
}

const char *fb_rights_roles(const struct fb_rights *r)
{
    return r->role_names;
}

bool fb_rights_may_export(const struct fb_rights *r)
{
    return r->may_export;
}

bool fb_rights_may_bulk_edit(const struct fb_rights *r)
{
    return r->may_bulk_edit;
}

int64_t fb_rights_discount_limit(const struct fb_rights *r)
{
    return r->discount_limit;
}

int64_t fb_rights_order_limit(const struct fb_rights *r)
{
    return r->order_limit;
}

int64_t fb_rights_expense_limit(const struct fb_rights *r)
{
    return r->expense_limit;
}

int fb_rights_append_roles(struct fb_store *s, const char *employee_id, struct fb_buf *out)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "SELECT r.name FROM employee_role er JOIN role r ON r.id = er.role_id WHERE "
                     "er.employee_id = ?1 ORDER BY r.name",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    for (int i = 0; (rc = fb_sql_step(q)) == FB_SQL_ROW; i++) {
        const char *name = fb_sql_text(q, 0);
        fb_buf_append_text(out, i == 0 ? "" : ",");
        fb_buf_append_json_text(out, name, strlen(name));
    }
    return rc;
}
