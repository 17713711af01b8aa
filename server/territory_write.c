/* SPDX-License-Identifier: MIT
 *
 * A plan becomes rows. Rows that say already what the plan says stay as they are, so that applying a plan twice writes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "common/store/sql.h"
#include "server/territory_inside.h"

#define PRIORITY_USUAL 100

struct writing {
    struct fb_store *s;
    struct fb_why *why;
    struct fb_arena *arena;
    const char *code;               /* of the territory being written */
    char territory[FB_ROW_ID_SIZE]; /* its id */
};

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* The one row of a query whose ?1 is the text; FB_ERR_NOT_FOUND, FB_ERR_LIMIT: several. */
static int find_one(struct writing *w, const char *sql, const char *text,
                    char ret[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, text);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    const char *id = fb_sql_text(q, 0);
    if (id == NULL || strlen(id) != FB_ROW_ID_SIZE - 1) {
        return FB_ERR_NOT_FOUND;
    }
    memcpy(ret, id, FB_ROW_ID_SIZE);
    rc = fb_sql_step(q);
    return rc < 0 ? rc : rc == FB_SQL_ROW ? FB_ERR_LIMIT : FB_OK;
}

static int find_territory(struct writing *w, const char *code, char ret[static FB_ROW_ID_SIZE])
{
    int rc = find_one(w, "SELECT id FROM territory WHERE code = ?1 ORDER BY id LIMIT 2", code, ret);
    return rc == FB_ERR_NOT_FOUND
               ? fb_fail(w->why, rc, "there is no territory with the code %s", code)
           : rc == FB_ERR_LIMIT
               ? fb_fail(w->why, rc, "two territories have the code %s: give one another", code)
               : rc;
}

static int find_employee(struct writing *w, const char *who, char ret[static FB_ROW_ID_SIZE])
{
    int rc = find_one(w,
                      "SELECT id FROM employee WHERE user_name = ?1 UNION"
                      " SELECT id FROM employee WHERE id = ?1 OR (code = ?1 AND NOT EXISTS"
                      "  (SELECT 1 FROM employee WHERE user_name = ?1)) LIMIT 2",
                      who, ret);
    return rc == FB_ERR_NOT_FOUND
               ? fb_fail(w->why, rc, "there is no employee with the login or code %s", who)
           : rc == FB_ERR_LIMIT
               ? fb_fail(w->why, rc, "several employees have the code %s: give a login", who)
               : rc;
}

static int find_company(struct writing *w, const char *which, char ret[static FB_ROW_ID_SIZE])
{
    int rc = find_one(w,
                      "SELECT id FROM company WHERE id = ?1 UNION SELECT id FROM company WHERE"
                      " name = ?1 LIMIT 2",
                      which, ret);
    return rc == FB_ERR_NOT_FOUND ? fb_fail(w->why, rc, "there is no company called %s", which)
           : rc == FB_ERR_LIMIT
               ? fb_fail(w->why, rc, "several companies are called %s: give the id", which)
               : rc;
}

/* Runs a statement; ?1 is the territory, then the texts, NULL for null. */
static int run(struct writing *w, const char *sql, const char *const *texts, int count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, w->territory);
    for (int i = 0; i < count; i++) {
        fb_sql_bind_text(q, i + 2, texts[i]);
    }
    return fb_sql_run(q);
}

/* Our connections ignore the tables' CHECKs: a choice is looked up in the catalogue. */
static int check_choice(struct writing *w, const char *entity, const char *name, const char *text)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(w->s), entity);
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, name);
    for (size_t i = 0; f != NULL && i < f->choice_count; i++) {
        if (strcmp(f->choices[i].value, text) == 0) {
            return FB_OK;
        }
    }
    return fb_fail(w->why, FB_ERR_INVALID, "the plan: %s of territory %s has no value '%s'", name,
                   w->code, text);
}

/* ---- The territory itself ---- */

static int make_or_find(struct writing *w, const json_t *t)
{
    int rc = find_one(w, "SELECT id FROM territory WHERE code = ?1 ORDER BY id LIMIT 2", w->code,
                      w->territory);
    if (rc != FB_ERR_NOT_FOUND) {
        return rc == FB_ERR_LIMIT ? find_territory(w, w->code, w->territory) : rc;
    }
    const char *name = text_of(t, "name");
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(w->s, "INSERT INTO territory (code, name) VALUES (?1, ?2)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, w->code);
    fb_sql_bind_text(q, 2, name == NULL ? w->code : name);
    rc = fb_sql_run(q);
    return rc < 0 ? rc : find_territory(w, w->code, w->territory);
}

/* One column, if the plan says it and it is another. */
static int set_column(struct writing *w, const char *sql, const char *value)
{
    const char *texts[] = {value};
    return run(w, sql, texts, 1);
}

static int set_reference(struct writing *w, const json_t *t, const char *name, const char *sql,
                         int (*find)(struct writing *w, const char *text,
                                     char ret[static FB_ROW_ID_SIZE]))
{
    const json_t *value = json_object_get(t, name);
    char id[FB_ROW_ID_SIZE];
    if (value == NULL) {
        return FB_OK;
    }
    bool is_empty = json_is_null(value) || json_string_length(value) == 0;
    int rc = is_empty ? FB_OK : find(w, json_string_value(value), id);
    return rc < 0 ? rc : set_column(w, sql, is_empty ? NULL : id);
}

static int set_columns(struct writing *w, const json_t *t)
{
    const json_t *active = json_object_get(t, "active");
    const json_t *kind = json_object_get(t, "kind");
    const char *name = text_of(t, "name");
    int rc = name == NULL ? FB_OK
                          : set_column(w,
                                       "UPDATE territory SET name = ?2 WHERE id = ?1 AND"
                                       " name IS NOT ?2",
                                       name);
    if (rc == FB_OK && json_is_string(kind)) {
        rc = check_choice(w, "territory", "kind", json_string_value(kind));
    }
    if (rc == FB_OK && kind != NULL) {
        rc = set_column(w, "UPDATE territory SET kind = ?2 WHERE id = ?1 AND kind IS NOT ?2",
                        json_string_value(kind));
    }
    if (rc == FB_OK && active != NULL) {
        rc = run(w,
                 json_is_true(active)
                     ? "UPDATE territory SET active = 1 WHERE id = ?1 AND active IS NOT 1"
                     : "UPDATE territory SET active = 0 WHERE id = ?1 AND active IS NOT 0",
                 NULL, 0);
    }
    rc = rc < 0 ? rc
                : set_reference(w, t, "parent",
                                "UPDATE territory SET parent_id = ?2 WHERE id = ?1 AND"
                                " parent_id IS NOT ?2",
                                find_territory);
    return rc < 0 ? rc
                  : set_reference(w, t, "manager",
                                  "UPDATE territory SET manager_id = ?2 WHERE id = ?1 AND"
                                  " manager_id IS NOT ?2",
                                  find_employee);
}

static int check_no_circle(struct writing *w)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->s,
                          "WITH RECURSIVE above (id) AS (SELECT parent_id FROM territory WHERE "
                          "id = ?1 UNION SELECT t.parent_id FROM territory t JOIN above a ON "
                          "t.id = a.id) SELECT 1 FROM above WHERE id = ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, w->territory);
    rc = fb_sql_step(q);
    return rc == FB_SQL_ROW
               ? fb_fail(w->why, FB_ERR_INVALID, "territory %s would lie below itself", w->code)
               : rc;
}

/* ---- Members ---- */

static int write_member(struct writing *w, const json_t *m)
{
    const char *who = json_is_string(m) ? json_string_value(m) : text_of(m, "employee");
    const char *part = text_of(m, "part");
    char id[FB_ROW_ID_SIZE];
    int rc = find_employee(w, who, id);
    const char *texts[] = {id, part == NULL ? "member" : part, text_of(m, "from_on"),
                           text_of(m, "to_on")};
    rc = rc < 0 ? rc : check_choice(w, "territory_member", "part", texts[1]);
    return rc < 0 ? rc
                  : run(w, "INSERT INTO fb_wanted_member VALUES (?1, ?2, ?3, ?4, ?5)", texts, 4);
}

/* Rows that are wanted already stay; the others go; what is missing comes. */
static int write_members(struct writing *w, const json_t *list)
{
    size_t at;
    json_t *m;
    if (list == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_exec(w->s, "CREATE TEMP TABLE IF NOT EXISTS fb_wanted_member (territory, "
                               "employee, part, from_on, to_on)");
    rc = rc < 0 ? rc : fb_sql_exec(w->s, "DELETE FROM fb_wanted_member");
    json_array_foreach(list, at, m)
    {
        rc = rc < 0 ? rc : write_member(w, m);
    }
    rc = rc < 0
             ? rc
             : run(w,
                   "DELETE FROM territory_member WHERE territory_id = ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM fb_wanted_member w WHERE w.employee = employee_id AND"
                   "  w.part = territory_member.part AND w.from_on IS territory_member.from_on AND"
                   "  w.to_on IS territory_member.to_on)",
                   NULL, 0);
    return rc < 0 ? rc
                  : run(w,
                        "INSERT INTO territory_member (territory_id, employee_id, part, from_on, "
                        "to_on) SELECT DISTINCT w.territory, w.employee, w.part, w.from_on, w.to_on"
                        " FROM fb_wanted_member w WHERE w.territory = ?1 AND NOT EXISTS (SELECT 1"
                        " FROM territory_member m WHERE m.territory_id = ?1 AND m.employee_id = "
                        "w.employee AND m.part = w.part AND m.from_on IS w.from_on AND m.to_on IS "
                        "w.to_on)",
                        NULL, 0);
}

/* ---- Rules ---- */

static int write_rule(struct writing *w, const json_t *rule)
{
    const struct fb_territory_filter *filter = NULL;
    const json_t *json = json_object_get(rule, "filter");
    const json_t *priority = json_object_get(rule, "priority");
    int rc = fb_territory_filter_read(w->s, json, w->arena, &filter, w->why);
    if (rc < 0) {
        return rc;
    }
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = text == NULL
             ? FB_ERR_NO_MEMORY
             : fb_sql_begin(w->s, "INSERT INTO fb_wanted_rule VALUES (?1, ?2, ?3, ?4, ?5)", &q);
    if (rc == FB_OK) {
        fb_sql_bind_int(q, 1, priority == NULL ? PRIORITY_USUAL : json_integer_value(priority));
        fb_sql_bind_text(q, 2, text);
        fb_sql_bind_int(q, 3, json_is_false(json_object_get(rule, "enabled")) ? 0 : 1);
        fb_sql_bind_text(q, 4, text_of(rule, "from_on"));
        fb_sql_bind_text(q, 5, text_of(rule, "to_on"));
        rc = fb_sql_run(q);
    }
    free(text);
    return rc;
}

static int write_rules(struct writing *w, const json_t *list)
{
    size_t at;
    json_t *rule;
    if (list == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_exec(w->s, "CREATE TEMP TABLE IF NOT EXISTS fb_wanted_rule (priority, filter, "
                               "enabled, from_on, to_on)");
    rc = rc < 0 ? rc : fb_sql_exec(w->s, "DELETE FROM fb_wanted_rule");
    json_array_foreach(list, at, rule)
    {
        rc = rc < 0 ? rc : write_rule(w, rule);
    }
    rc = rc < 0 ? rc
                : run(w,
                      "DELETE FROM territory_rule WHERE territory_id = ?1 AND entity = 'company' "
                      "AND NOT EXISTS (SELECT 1 FROM fb_wanted_rule w WHERE w.priority = "
                      "territory_rule.priority AND w.filter = territory_rule.filter AND w.enabled "
                      "= territory_rule.enabled AND w.from_on IS territory_rule.from_on AND "
                      "w.to_on IS territory_rule.to_on)",
                      NULL, 0);
    return rc < 0 ? rc
                  : run(w,
                        "INSERT INTO territory_rule (territory_id, entity, priority, filter, "
                        "enabled, from_on, to_on) SELECT DISTINCT ?1, 'company', w.priority, "
                        "w.filter, w.enabled, w.from_on, w.to_on FROM fb_wanted_rule w WHERE NOT "
                        "EXISTS (SELECT 1 FROM territory_rule r WHERE r.territory_id = ?1 AND "
                        "r.entity = 'company' AND r.priority = w.priority AND r.filter = w.filter "
                        "AND r.enabled = w.enabled AND r.from_on IS w.from_on AND r.to_on IS "
                        "w.to_on)",
                        NULL, 0);
}

/* ---- Named accounts ---- */

/* The named territory has the account alone, but for what people put there by hand. */
static int name_account(struct writing *w, const char *which)
{
    char id[FB_ROW_ID_SIZE];
    int rc = find_company(w, which, id);
    const char *texts[] = {id};
    rc = rc < 0 ? rc
                : run(w,
                      "DELETE FROM company_territory WHERE company_id = ?2 AND (how = 'rule' OR"
                      " (how = 'named' AND territory_id <> ?1))",
                      texts, 1);
    rc = rc < 0 ? rc
                : run(w,
                      "INSERT INTO company_territory (company_id, territory_id, how) SELECT ?2, "
                      "?1, 'named' WHERE NOT EXISTS (SELECT 1 FROM company_territory WHERE "
                      "company_id = ?2 AND territory_id = ?1 AND how = 'named')",
                      texts, 1);
    return rc < 0 ? rc : run(w, "INSERT INTO fb_wanted_account VALUES (?1, ?2)", texts, 1);
}

/* Accounts named so far and not any more keep their territory until a rule says otherwise. */
static int name_accounts(struct writing *w, const json_t *list)
{
    size_t at;
    json_t *account;
    if (list == NULL) {
        return FB_OK;
    }
    int rc =
        fb_sql_exec(w->s, "CREATE TEMP TABLE IF NOT EXISTS fb_wanted_account (territory, company)");
    rc = rc < 0 ? rc : fb_sql_exec(w->s, "DELETE FROM fb_wanted_account");
    json_array_foreach(list, at, account)
    {
        rc = rc < 0 ? rc : name_account(w, json_string_value(account));
    }
    return rc < 0 ? rc
                  : run(w,
                        "UPDATE company_territory SET how = 'rule' WHERE territory_id = ?1 AND "
                        "how = 'named' AND NOT EXISTS (SELECT 1 FROM fb_wanted_account w WHERE "
                        "w.company = company_id)",
                        NULL, 0);
}

/* ---- All of it ---- */

int fb_territory_make_missing(struct fb_store *s, const struct fb_territory_plan *plan,
                              struct fb_why *why)
{
    struct writing w = {.s = s, .why = why};
    size_t at;
    json_t *t;
    int rc = FB_OK;
    json_array_foreach(json_object_get(plan->json, "territories"), at, t)
    {
        w.code = text_of(t, "code");
        rc = rc < 0 ? rc : make_or_find(&w, t);
    }
    return rc;
}

int fb_territory_write(struct fb_store *s, const struct fb_territory_plan *plan, struct fb_why *why)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct writing w = {.s = s, .why = why, .arena = &arena};
    size_t at;
    json_t *t;
    int rc = FB_OK;
    json_array_foreach(json_object_get(plan->json, "territories"), at, t)
    {
        w.code = text_of(t, "code");
        rc = rc < 0 ? rc : find_territory(&w, w.code, w.territory);
        rc = rc < 0 ? rc : set_columns(&w, t);
        rc = rc < 0 ? rc : check_no_circle(&w);
        rc = rc < 0 ? rc : write_members(&w, json_object_get(t, "members"));
        rc = rc < 0 ? rc : write_rules(&w, json_object_get(t, "rules"));
        rc = rc < 0 ? rc : name_accounts(&w, json_object_get(t, "accounts"));
    }
    return rc;
}
