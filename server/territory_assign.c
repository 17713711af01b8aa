/* SPDX-License-Identifier: MIT
 *
 * Where every company belongs: one pass over the companies in the order of their ids, beside two lists of who holds them, in the same order:
 * as it was before the plan was written, and as it is now. What is to be written is noted in the pass and written behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/store/sql.h"
#include "server/territory_inside.h"

#define FIT_MAX 16 /* territories that claim one company by rules of one priority */

enum how { BY_RULE, NAMED, BY_HAND };

struct territory {
    char id[FB_ROW_ID_SIZE];
    const char *code;
};

/* A row of company_territory. */
struct holding {
    char id[FB_ROW_ID_SIZE];
    char company_id[FB_ROW_ID_SIZE];
    const struct territory *territory;
    enum how how;
};
struct holdings {
    struct holding *rows;
    size_t count, capacity;
    size_t at; /* how far the pass over the companies is */
};
/* Rows of one company. */
struct slice {
    const struct holding *rows;
    size_t count;
};

struct rule {
    const struct territory *territory;
    int64_t priority;
    const struct fb_territory_filter *filter;
};

struct writing_down {
    const struct holding *leaves; /* NULL: it enters */
    char company_id[FB_ROW_ID_SIZE];
    const struct territory *territory;
};

struct assigning {
    struct fb_store *s;
    const struct fb_territory_ask *ask;
    bool is_dry; /* only what is in doubt is asked for */
    struct fb_why *why;
    struct fb_arena arena;
    struct fb_arena scratch;       /* of one company */
    struct territory *territories; /* by id */
    size_t territory_count, territory_capacity;
    struct rule *rules; /* by priority */
    size_t rule_count, rule_capacity;
    bool asks_address;
    struct holdings before, now;
    struct writing_down *writes;
    size_t write_count, write_capacity;
    struct fb_territory_result *result;
    size_t move_capacity, overlap_capacity, gap_capacity;
};

/* ---- What there is ---- */

static int load_territories(struct assigning *a)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->s, "SELECT id, code FROM territory ORDER BY id", &q);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct territory *list = fb_arena_grow(&a->arena, a->territories, a->territory_count,
                                               &a->territory_capacity, sizeof *list);
        const char *code = fb_arena_strdup(&a->result->arena, fb_sql_text(q, 1));
        if (list == NULL || code == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        a->territories = list;
        fb_id_copy(list[a->territory_count].id, fb_sql_text(q, 0));
        list[a->territory_count++].code = code;
    }
    return rc;
}

static int compare_territory(const void *key, const void *item)
{
    return strcmp(key, ((const struct territory *)item)->id);
}

static const struct territory *find_territory(const struct assigning *a, const char *id)
{
    return id == NULL || a->territory_count == 0
               ? NULL
               : bsearch(id, a->territories, a->territory_count, sizeof *a->territories,
                         compare_territory);
}

static enum how how_of(const char *name)
{
    return name != NULL && strcmp(name, "named") == 0    ? NAMED
           : name != NULL && strcmp(name, "manual") == 0 ? BY_HAND
                                                         : BY_RULE;
}

static int load_holdings(struct assigning *a, struct holdings *to)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->s,
                          "SELECT id, company_id, territory_id, how FROM company_territory"
                          " ORDER BY company_id, id",
                          &q);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct territory *territory = find_territory(a, fb_sql_text(q, 2));
        if (territory == NULL || fb_sql_text(q, 1) == NULL) {
            continue;
        }
        struct holding *rows =
            fb_arena_grow(&a->arena, to->rows, to->count, &to->capacity, sizeof *rows);
        if (rows == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        to->rows = rows;
        struct holding *h = &rows[to->count++];
        *h = (struct holding){.territory = territory, .how = how_of(fb_sql_text(q, 3))};
        fb_id_copy(h->id, fb_sql_text(q, 0));
        fb_id_copy(h->company_id, fb_sql_text(q, 1));
    }
    return rc;
}

static int add_rule(struct assigning *a, const struct fb_sql *q)
{
    struct rule *rules =
        fb_arena_grow(&a->arena, a->rules, a->rule_count, &a->rule_capacity, sizeof *rules);
    if (rules == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    a->rules = rules;
    struct rule *rule = &rules[a->rule_count];
    *rule = (struct rule){.territory = find_territory(a, fb_sql_text(q, 0)),
                          .priority = fb_sql_int(q, 1)};
    json_error_t error;
    const char *text = fb_sql_text(q, 2);
    json_t *json = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &error);
    struct fb_why why = {""};
    int rc = json == NULL ? fb_fail(&why, FB_ERR_INVALID, "it is not JSON")
                          : fb_territory_filter_read(a->s, json, &a->arena, &rule->filter, &why);
    json_decref(json);
    if (rc < 0) {
        return rule->territory == NULL ? rc
                                       : fb_fail(a->why, rc, "the filter of a rule of %s: %s",
                                                 rule->territory->code, why.text);
    }
    a->asks_address = a->asks_address || fb_territory_filter_asks_address(rule->filter);
    a->rule_count += rule->territory != NULL ? 1 : 0;
    return FB_OK;
}

static int load_rules(struct assigning *a)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char today[FB_INSTANT_SIZE];
    fb_instant_format(a->ask->now_ms, today);
    today[10] = '\0';
    int rc = fb_sql_begin(a->s,
                          "SELECT r.territory_id, r.priority, r.filter FROM territory_rule r"
                          " JOIN territory t ON t.id = r.territory_id"
                          " WHERE r.entity = 'company' AND r.enabled = 1 AND t.active = 1"
                          " AND (r.from_on IS NULL OR r.from_on <= ?1)"
                          " AND (r.to_on IS NULL OR r.to_on >= ?1)"
                          " ORDER BY r.priority, t.code, r.id",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, today);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = add_rule(a, q);
        if (rc < 0) {
            return rc;
        }
    }
    a->result->rules = (int64_t)a->rule_count;
    return rc;
}

/* ---- One company ---- */

static struct slice next_slice(struct holdings *h, const char *company_id)
{
    while (h->at < h->count && strcmp(h->rows[h->at].company_id, company_id) < 0) {
        h->at++;
    }
    struct slice s = {.rows = h->rows + h->at};
    while (h->at < h->count && strcmp(h->rows[h->at].company_id, company_id) == 0) {
        h->at++;
        s.count++;
    }
    return s;
}

static bool holds(const struct slice *s, const struct territory *t)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i].territory == t) {
            return true;
        }
    }
    return false;
}

static bool has_how(const struct slice *s, enum how how)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i].how == how) {
            return true;
        }
    }
    return false;
}

/* Territories, each once. */
struct fit {
    const struct territory *list[FIT_MAX];
    size_t count;
};

static bool is_in(const struct fit *f, const struct territory *t)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i] == t) {
            return true;
        }
    }
    return false;
}

static void add_fit(struct fit *f, const struct territory *t)
{
    if (f->count < FIT_MAX && !is_in(f, t)) {
        f->list[f->count++] = t;
    }
}

struct address {
    struct assigning *a;
    struct fb_row row;
    bool is_found, is_primary;
};

static int take_address(void *ctx, const struct fb_row *row)
{
    struct address *to = ctx;
    const struct fb_field *primary = fb_entity_field(row->entity, "is_primary");
    bool is_primary = primary != NULL && row->values[primary->index].type == FB_INT &&
                      row->values[primary->index].integer != 0;
    if (to->is_found && (to->is_primary || !is_primary)) {
        return FB_OK;
    }
    to->is_found = true;
    to->is_primary = is_primary;
    to->row = *row;
    to->row.values =
        fb_arena_alloc(&to->a->scratch, row->entity->field_count * sizeof *row->values);
    int rc = to->row.values == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        rc = fb_value_copy(&to->a->scratch, &row->values[i], &to->row.values[i]);
    }
    return rc;
}

/* The company's primary address, else its first. */
static int find_address(struct assigning *a, const struct fb_row *company, struct address *ret)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(a->s), "address");
    const struct fb_field *owner = e == NULL ? NULL : fb_entity_field(e, "owner_id");
    *ret = (struct address){.a = a};
    return !a->asks_address || owner == NULL
               ? FB_OK
               : fb_row_scan_by(a->s, e, owner, company->id, take_address, ret);
}

static int find_fit(struct assigning *a, const struct fb_row *company, struct fit *ret)
{
    struct address address;
    int rc = find_address(a, company, &address);
    const struct fb_row *at = address.is_found ? &address.row : NULL;
    for (size_t i = 0; rc == FB_OK && i < a->rule_count; i++) {
        const struct rule *r = &a->rules[i];
        if (ret->count > 0 && r->priority != a->rules[i - 1].priority) {
            break; /* smaller ones have decided */
        }
        if (fb_territory_filter_fits(r->filter, company, at)) {
            add_fit(ret, r->territory);
        }
    }
    fb_arena_clear(&a->scratch);
    return rc;
}

static int note_write(struct assigning *a, const char *company_id, const struct holding *leaves,
                      const struct territory *territory)
{
    struct writing_down *list =
        fb_arena_grow(&a->arena, a->writes, a->write_count, &a->write_capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    a->writes = list;
    struct writing_down *w = &list[a->write_count++];
    *w = (struct writing_down){.leaves = leaves, .territory = territory};
    fb_id_copy(w->company_id, company_id);
    return FB_OK;
}

/* Notes what makes the rows by rule those that fit; after is what it has then. */
static int note_writes(struct assigning *a, const char *company_id, const struct slice *now,
                       const struct fit *wanted, struct fit *after)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < now->count; i++) {
        const struct holding *h = &now->rows[i];
        if (h->how == BY_RULE && !is_in(wanted, h->territory)) {
            rc = note_write(a, company_id, h, NULL);
        } else {
            add_fit(after, h->territory);
        }
    }
    for (size_t i = 0; rc == FB_OK && i < wanted->count; i++) {
        if (!holds(now, wanted->list[i])) {
            rc = note_write(a, company_id, NULL, wanted->list[i]);
        }
        add_fit(after, wanted->list[i]);
    }
    return rc;
}

static int by_code(const void *x, const void *y)
{
    const struct territory *const *a = x;
    const struct territory *const *b = y;
    return strcmp((*a)->code, (*b)->code);
}

static const char *codes_of(struct assigning *a, struct fit *f)
{
    qsort(f->list, f->count, sizeof(struct territory *), by_code);
    const char *text = "";
    for (size_t i = 0; text != NULL && i < f->count; i++) {
        text = i == 0 ? f->list[i]->code
                      : fb_arena_printf(&a->result->arena, "%s, %s", text, f->list[i]->code);
    }
    return text;
}

static int note_doubt(struct assigning *a, const char *company_id, struct fit *claimed,
                      struct fb_territory_doubt **list, size_t *count, size_t *capacity)
{
    const char *codes = claimed == NULL ? "" : codes_of(a, claimed);
    struct fb_territory_doubt *grown =
        fb_arena_grow(&a->result->arena, *list, *count, capacity, sizeof *grown);
    if (grown == NULL || codes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *list = grown;
    grown[*count].codes = codes;
    fb_id_copy(grown[(*count)++].company_id, company_id);
    return FB_OK;
}

static int note_move(struct assigning *a, const char *company_id, const struct slice *before,
                     struct fit *after)
{
    struct fb_territory_result *r = a->result;
    struct fit from = {.count = 0};
    for (size_t i = 0; i < before->count; i++) {
        add_fit(&from, before->rows[i].territory);
    }
    bool is_same = from.count == after->count;
    for (size_t i = 0; is_same && i < from.count; i++) {
        is_same = is_in(after, from.list[i]);
    }
    if (is_same) {
        return FB_OK;
    }
    struct fb_territory_move *moves =
        fb_arena_grow(&r->arena, r->moves, r->move_count, &a->move_capacity, sizeof *moves);
    if (moves == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->moves = moves;
    struct fb_territory_move *m = &moves[r->move_count++];
    fb_id_copy(m->company_id, company_id);
    m->from = codes_of(a, &from);
    m->to = codes_of(a, after);
    return m->from == NULL || m->to == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int look_at(void *ctx, const struct fb_row *company)
{
    struct assigning *a = ctx;
    struct fb_territory_result *r = a->result;
    struct slice before = next_slice(&a->before, company->id);
    struct slice now = next_slice(&a->now, company->id);
    struct fit fit = {.count = 0};
    struct fit after = {.count = 0};
    bool is_named = has_how(&now, NAMED);
    int rc = is_named ? FB_OK : find_fit(a, company, &fit);
    bool is_left_alone = (a->ask->only_new && now.count > 0) || (fit.count == 0 && !is_named);
    r->companies++;
    r->unruled += fit.count == 0 && !is_named ? 1 : 0;
    if (is_left_alone) {
        for (size_t i = 0; i < now.count; i++) {
            add_fit(&after, now.rows[i].territory);
        }
    } else {
        rc = rc < 0 ? rc : note_writes(a, company->id, &now, &fit, &after);
    }
    if (rc == FB_OK && fit.count > 1) {
        rc =
            note_doubt(a, company->id, &fit, &r->overlaps, &r->overlap_count, &a->overlap_capacity);
    }
    if (rc == FB_OK && (a->is_dry ? now.count : after.count) == 0) {
        rc = note_doubt(a, company->id, NULL, &r->gaps, &r->gap_count, &a->gap_capacity);
    }
    return rc < 0 || a->is_dry ? rc : note_move(a, company->id, &before, &after);
}

/* ---- Writing ---- */

/* A statement with up to three texts. */
static int run(struct assigning *a, const char *sql, const char *x, const char *y, const char *z)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, x);
    if (y != NULL) {
        fb_sql_bind_text(q, 2, y);
    }
    if (z != NULL) {
        fb_sql_bind_text(q, 3, z);
    }
    return fb_sql_run(q);
}

static int write_all(struct assigning *a)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < a->write_count; i++) {
        const struct writing_down *w = &a->writes[i];
        rc = w->leaves != NULL
                 ? run(a, "DELETE FROM company_territory WHERE id = ?1", w->leaves->id, NULL, NULL)
                 : run(a,
                       "INSERT INTO company_territory (company_id, territory_id, how)"
                       " VALUES (?1, ?2, 'rule')",
                       w->company_id, w->territory->id, NULL);
    }
    return rc;
}

/* Open deals follow their company; closed ones keep whose they were. A company that several have is nobody's to follow. */
static int move_deals(struct assigning *a)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(a->s), "opportunity");
    int rc = FB_OK;
    if (e == NULL || fb_entity_field(e, "territory_id") == NULL) {
        return FB_OK;
    }
    for (size_t i = 0; rc == FB_OK && i < a->result->move_count; i++) {
        const struct fb_territory_move *m = &a->result->moves[i];
        if (m->to[0] == '\0' || strstr(m->to, ", ") != NULL) {
            continue;
        }
        rc = run(a,
                 "UPDATE opportunity SET territory_id = (SELECT id FROM territory WHERE code = ?2)"
                 " WHERE company_id = ?1 AND outcome = 'open' AND territory_id IN (SELECT id FROM"
                 " territory WHERE instr(', ' || ?3 || ', ', ', ' || code || ', ') > 0)",
                 m->company_id, m->to, m->from);
        a->result->deals += rc == FB_OK ? fb_sql_changes(a->s) : 0;
    }
    return rc;
}

/* ---- All of it ---- */

static int load_and_write_plan(struct assigning *a)
{
    const struct fb_territory_plan *plan = a->is_dry ? NULL : a->ask->plan;
    int rc = plan == NULL ? FB_OK : fb_territory_make_missing(a->s, plan, a->why);
    rc = rc < 0 ? rc : load_territories(a);
    rc = rc < 0 ? rc : load_holdings(a, &a->before);
    rc = rc < 0 || plan == NULL ? rc : fb_territory_write(a->s, plan, a->why);
    if (rc == FB_OK && plan == NULL) {
        a->now = a->before;
        return FB_OK;
    }
    return rc < 0 ? rc : load_holdings(a, &a->now);
}

static int assign(struct assigning *a)
{
    const struct fb_catalogue *c = fb_store_catalogue(a->s);
    const struct fb_entity *company = c == NULL ? NULL : fb_catalogue_entity(c, "company");
    if (company == NULL || fb_catalogue_entity(c, "company_territory") == NULL) {
        return fb_fail(a->why, FB_ERR_INVALID, "the catalogue has no companies in territories");
    }
    int rc = load_and_write_plan(a);
    rc = rc < 0 ? rc : load_rules(a);
    rc = rc < 0 ? rc : fb_row_scan(a->s, company, "", INT64_MAX, look_at, a);
    rc = rc < 0 || a->is_dry ? rc : write_all(a);
    return rc < 0 || a->is_dry ? rc : move_deals(a);
}

static int assign_into(struct fb_store *s, const struct fb_territory_ask *ask, bool is_dry,
                       struct fb_territory_result *ret, struct fb_why *why)
{
    struct fb_territory_result result = {.companies = 0};
    struct assigning a = {.s = s, .ask = ask, .is_dry = is_dry, .why = why, .result = &result};
    int rc = assign(&a);
    fb_arena_release(&a.arena);
    fb_arena_release(&a.scratch);
    if (rc < 0) {
        fb_territory_result_release(&result);
        return rc;
    }
    *ret = result;
    return FB_OK;
}

int fb_territory_apply(struct fb_store *s, const struct fb_territory_ask *ask,
                       struct fb_territory_result *ret, struct fb_why *why)
{
    return assign_into(s, ask, false, ret, why);
}

int fb_territory_doubts(struct fb_store *s, int64_t now_ms, struct fb_territory_result *ret,
                        struct fb_why *why)
{
    const struct fb_territory_ask ask = {.now_ms = now_ms};
    return assign_into(s, &ask, true, ret, why);
}

void fb_territory_result_release(struct fb_territory_result *r)
{
    fb_arena_release(&r->arena);
    *r = (struct fb_territory_result){.companies = 0};
}

int fb_territory_next_date(struct fb_store *s, int64_t now_ms, int64_t *ret_ms)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    const struct fb_entity *e = c == NULL ? NULL : fb_catalogue_entity(c, "territory_rule");
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char today[FB_INSTANT_SIZE];
    fb_instant_format(now_ms, today);
    today[10] = '\0';
    *ret_ms = INT64_MAX;
    if (e == NULL || fb_entity_field(e, "from_on") == NULL || fb_entity_field(e, "to_on") == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_begin(s,
                          "SELECT min(day) || 'T00:00:00.000Z' FROM"
                          " (SELECT from_on AS day FROM territory_rule WHERE enabled = 1 UNION ALL"
                          "  SELECT date(to_on, '+1 day') FROM territory_rule WHERE enabled = 1)"
                          " WHERE day > ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, today);
    rc = fb_sql_step(q);
    const char *text = rc == FB_SQL_ROW ? fb_sql_text(q, 0) : NULL;
    int64_t ms = 0;
    if (text != NULL && fb_instant_parse(text, strlen(text), &ms)) {
        *ret_ms = ms;
    }
    return rc < 0 ? rc : FB_OK;
}
