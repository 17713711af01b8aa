/* SPDX-License-Identifier: MIT
 *
 * The history limit (law 12). Closed records that nobody wrote since a date are in no scope: they stay at headquarters, with what follows
 * them. The date lies in fb_meta "history_from_ms" and moves on once a day, by a bounded number of records at a time; each that it passes
 * is logged as a change of scope, in the rev that moves it, so that laptops are told as of any row that leaves them. Whoever writes such a
 * record, or opens it again, makes it young: it travels again.
 */
#include <stdlib.h>

#include "common/base/time.h"
#include "common/catalogue/ddl.h"
#include "server/internal.h"

#define KEY              "history_from_ms"
#define STATES_BYTES_MAX ((size_t)64 * 1024)

int fb_history_limit(struct fb_store *s, int64_t *ret_from_ms)
{
    int64_t from_ms = 0;
    int rc = fb_store_meta_int(s, KEY, &from_ms);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    *ret_from_ms = rc == FB_ERR_NOT_FOUND ? 0 : from_ms;
    return FB_OK;
}

int fb_history_limit_scopes(struct fb_store *s, struct fb_scope_cache **ret)
{
    int64_t from_ms = 0;
    int rc = fb_scope_cache_new(ret);
    rc = rc < 0 ? rc : fb_history_limit(s, &from_ms);
    if (rc == FB_OK) {
        fb_scope_cache_limit(*ret, from_ms);
    }
    return rc;
}

void fb_hub_set_history(struct fb_hub *hub, int64_t history_ms)
{
    hub->history_ms = history_ms;
    hub->history_due_ms = 0;
}

bool fb_history_limit_is_due(const struct fb_hub *hub, int64_t now_ms)
{
    return hub->history_due_ms <= now_ms;
}

/* ---- Which records the date passes ---- */

struct aging {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    int64_t modified_ms;
};

struct passing {
    struct fb_hub *hub;
    int64_t from_ms, to_ms; /* last written in this span, to_ms not included */
    bool is_back;           /* the date moves back: the youngest first */
    int64_t limit;
    struct fb_arena arena;
    struct aging *list;
    size_t count, capacity;
};

/* The values that mean closed, as a JSON array. */
static int states_of(const struct fb_entity *e, struct fb_buf *ret)
{
    for (size_t i = 0; i < e->closed_value_count; i++) {
        fb_buf_append_byte(ret, i == 0 ? '[' : ',');
        fb_buf_append_json_text(ret, e->closed_values[i], strlen(e->closed_values[i]));
    }
    fb_buf_append_byte(ret, ']');
    return fb_buf_error(ret);
}

static int take_record(struct passing *p, const struct fb_entity *e, const struct fb_sql *q)
{
    struct fb_value id = fb_sql_value(q, 0);
    struct fb_value modified = fb_sql_value(q, 1);
    struct aging *list = fb_arena_grow(&p->arena, p->list, p->count, &p->capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    p->list = list;
    list[p->count] = (struct aging){.entity = e};
    bool is_record = fb_value_to_id(&id, list[p->count].id) &&
                     fb_instant_parse(modified.bytes, modified.size, &list[p->count].modified_ms);
    p->count += is_record ? 1 : 0;
    return FB_OK;
}

static int find_of(struct passing *p, const struct fb_entity *e)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    FB_AUTO(fb_buf_release) struct fb_buf states;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char from[FB_INSTANT_SIZE];
    char to[FB_INSTANT_SIZE];
    fb_buf_init(&sql, 2000);
    fb_buf_init(&states, STATES_BYTES_MAX);
    fb_instant_format(p->from_ms, from);
    fb_instant_format(p->to_ms, to);
    fb_buf_append_text(&sql, "SELECT id, modified_at FROM ");
    fb_ddl_append_name(&sql, e->name);
    fb_buf_append_text(&sql, " WHERE modified_at >= ?1 AND modified_at < ?2 AND ");
    fb_ddl_append_name(&sql, e->closed_field->name);
    fb_buf_append_text(&sql, " IN (SELECT value FROM json_each(?3)) ORDER BY modified_at");
    fb_buf_append_text(&sql, p->is_back ? " DESC LIMIT ?4" : " LIMIT ?4");
    int rc = fb_buf_error(&sql);
    rc = rc < 0 ? rc : states_of(e, &states);
    rc = rc < 0 ? rc : fb_sql_begin(p->hub->store, fb_buf_text(&sql), &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, from);
    fb_sql_bind_text(q, 2, to);
    fb_sql_bind_text(q, 3, fb_buf_text(&states));
    fb_sql_bind_int(q, 4, p->limit);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = take_record(p, e, q);
    }
    return rc < 0 ? rc : FB_OK;
}

static int find_all(struct passing *p)
{
    const struct fb_catalogue *c = fb_store_catalogue(p->hub->store);
    int rc = FB_OK;
    p->count = 0;
    for (size_t i = 0; rc == FB_OK && c != NULL && i < c->entity_count; i++) {
        rc = fb_scope_can_age(&c->entities[i]) ? find_of(p, &c->entities[i]) : FB_OK;
    }
    return rc;
}

static int by_time(const void *a, const void *b)
{
    const struct aging *x = a;
    const struct aging *y = b;
    return x->modified_ms < y->modified_ms ? -1 : x->modified_ms > y->modified_ms;
}

/* How far the date goes this time: to the target, or so far that it passes FB_HISTORY_STEP_ROWS records; those of one millisecond go
 * together, however many they are. Then all that it passes are in the list. */
static int choose_step(struct passing *p, int64_t at_ms, int64_t target_ms, int64_t *ret_to_ms)
{
    p->is_back = target_ms < at_ms;
    p->from_ms = p->is_back ? target_ms : at_ms;
    p->to_ms = p->is_back ? at_ms : target_ms;
    p->limit = FB_HISTORY_STEP_ROWS + 1;
    *ret_to_ms = target_ms;
    int rc = find_all(p);
    size_t step = (size_t)FB_HISTORY_STEP_ROWS;
    if (rc < 0 || p->list == NULL || p->count <= step) {
        return rc;
    }
    qsort(p->list, p->count, sizeof *p->list, by_time);
    size_t last = p->count - 1;
    int64_t first_ms = p->list[p->is_back ? last : 0].modified_ms;
    int64_t beyond_ms = p->list[p->is_back ? last - step : step].modified_ms;
    if (p->is_back) {
        *ret_to_ms = p->from_ms = beyond_ms == first_ms ? beyond_ms : beyond_ms + 1;
    } else {
        *ret_to_ms = p->to_ms = beyond_ms == first_ms ? beyond_ms + 1 : beyond_ms;
    }
    p->limit = INT64_MAX;
    return find_all(p);
}

/* ---- The step ---- */

static int rescope(struct passing *p, struct fb_work *w)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < p->count; i++) {
        struct fb_work_row *row = NULL;
        rc = fb_work_row(w, p->list[i].entity, p->list[i].id, &row);
        if (rc == FB_OK && !row->must_rescope) {
            row->must_rescope = true;
            rc = FB_BUG(AGED_WITHOUT_PARTS) ? FB_OK : fb_work_rescope_below(w, row, 0);
        }
    }
    return rc;
}

static int log_step(struct passing *p, int64_t now_ms)
{
    struct fb_hub *hub = p->hub;
    struct fb_work w;
    struct fb_source source = {.employee_id = NULL};
    struct fb_rev rev = {.at_ms = now_ms};
    int rc = fb_family_update(&hub->family, fb_store_catalogue(hub->store));
    rc = rc < 0 ? rc : fb_history_begin(hub->store, &rev);
    if (rc < 0) {
        return rc;
    }
    fb_work_init(&w, hub, &p->arena, &source, now_ms);
    w.is_seal = true; /* where they stood is what the log says, by the date before */
    w.rev = rev.rev;
    rc = rescope(p, &w);
    rc = rc < 0 ? rc : fb_work_write(&w);
    fb_work_release(&w);
    return rc < 0 ? rc : fb_history_end(hub->store);
}

static int64_t day_of(int64_t ms)
{
    return ms / FB_HISTORY_DAY_MS * FB_HISTORY_DAY_MS;
}

int fb_history_limit_step(struct fb_hub *hub, int64_t now_ms)
{
    struct passing p = {.hub = hub};
    int64_t at_ms = hub->history_from_ms;
    int64_t target_ms = hub->history_ms == 0 ? 0 : day_of(now_ms - hub->history_ms);
    int64_t to_ms = target_ms;
    int rc = at_ms == target_ms ? FB_OK : choose_step(&p, at_ms, target_ms, &to_ms);
    if (rc == FB_OK && at_ms != to_ms) {
        struct fb_value value = fb_value_int(to_ms);
        rc = fb_store_meta_set(hub->store, KEY, &value);
        hub->history_from_ms = to_ms;
        fb_scope_cache_limit(hub->scopes, to_ms);
        rc = rc < 0 || FB_BUG(AGED_WITHOUT_LOG) ? rc : log_step(&p, now_ms);
    }
    if (rc == FB_OK) {
        hub->history_due_ms = to_ms == target_ms ? day_of(now_ms) + FB_HISTORY_DAY_MS : now_ms;
    }
    fb_arena_release(&p.arena);
    return rc;
}
