/* SPDX-License-Identifier: MIT */
#include "server/past.h"

#include <string.h>

#include "common/base/id.h"
#include "common/store/history.h"
#include "common/store/history_pack.h"
#include "common/store/row.h"
#include "common/store/sql.h"

struct reading {
    struct fb_store *s;
    const struct fb_past_ask *ask;
    int64_t rev; /* the asked one, or the oldest that the log can tell */
    const struct fb_entity *entity;
    const struct fb_field *fields[FB_PAST_COLUMNS];
    const struct fb_field *by_field;
    size_t count;
    struct fb_arena *arena;
    struct fb_past_table *table;
    struct fb_past_row *at; /* old values go here */
    bool is_by_known;
    bool is_by_other;
};

static int copy_text(struct reading *r, const struct fb_value *v, const char **ret)
{
    *ret = NULL;
    if (v->type != FB_TEXT) {
        return FB_OK;
    }
    char *copy = fb_arena_alloc(r->arena, v->size + 1);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(copy, v->bytes, v->size);
    copy[v->size] = '\0';
    *ret = copy;
    return FB_OK;
}

static int add_row(struct reading *r, const char *id, struct fb_past_row **ret)
{
    struct fb_past_table *t = r->table;
    struct fb_past_row *rows =
        fb_arena_grow(r->arena, t->rows, t->count, &t->capacity, sizeof *rows);
    const char *copy = fb_arena_strdup(r->arena, id);
    if (rows == NULL || copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    t->rows = rows;
    *ret = &rows[t->count++];
    **ret = (struct fb_past_row){.columns = {copy}};
    return FB_OK;
}

static int copy_fields(struct reading *r, const struct fb_row *row, struct fb_past_row *to)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < r->count; i++) {
        if (r->fields[i] != NULL) {
            rc = copy_text(r, &row->values[r->fields[i]->index], &to->columns[i + 1]);
        }
    }
    return rc;
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct reading *r = ctx;
    struct fb_past_row *to = NULL;
    int rc = add_row(r, row->id, &to);
    return rc < 0 ? rc : copy_fields(r, row, to);
}

/* ---- Back to the rev ---- */

/* A row that points elsewhere now, or is gone: what it holds today; its old values come over that. */
static int add_strayed(struct reading *r, const char *id, struct fb_past_row **ret)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row;
    bool is_here = false;
    int rc = add_row(r, id, ret);
    rc = rc < 0 ? rc : fb_row_read(r->s, r->entity, id, &arena, &row, &is_here);
    return rc < 0 || !is_here ? rc : copy_fields(r, &row, *ret);
}

static int take_old(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    struct reading *r = ctx;
    int rc = FB_OK;
    if (field == r->by_field) {
        r->is_by_known = true;
        r->is_by_other = !fb_value_is_text(old, r->ask->by_id);
    }
    for (size_t i = 0; rc == FB_OK && i < r->count; i++) {
        if (r->fields[i] == field) {
            rc = copy_text(r, old, &r->at->columns[i + 1]);
        }
    }
    return rc;
}

static void drop_row(struct fb_past_table *t, size_t at)
{
    t->rows[at] = t->rows[--t->count];
}

static size_t find_row(const struct fb_past_table *t, const char *id)
{
    size_t at = 0;
    while (at < t->count && strcmp(t->rows[at].columns[0], id) != 0) {
        at++;
    }
    return at;
}

/* A row the log names after the rev; was_there: at the rev. */
static int take_back(struct reading *r, const char *id, bool was_there)
{
    size_t at = find_row(r->table, id);
    bool is_new = at == r->table->count;
    if (!was_there) {
        if (!is_new) {
            drop_row(r->table, at);
        }
        return FB_OK;
    }
    struct fb_past_row *row = is_new ? NULL : &r->table->rows[at];
    int rc = is_new ? add_strayed(r, id, &row) : FB_OK;
    r->at = row;
    r->is_by_known = r->is_by_other = false;
    rc = rc < 0 ? rc : fb_history_old_values(r->s, r->entity, id, r->rev, take_old, r);
    bool is_other =
        r->by_field != NULL && (is_new ? !r->is_by_known || r->is_by_other : r->is_by_other);
    if (rc == FB_OK && is_other) {
        drop_row(r->table, at);
    }
    return rc;
}

struct touched {
    char id[FB_ROW_ID_SIZE];
    bool was_there;
};

/* Each row of the entity that the log names under the scope after the rev; whether it was there before the first entry. */
static int read_touched(struct reading *r, struct touched **ret, size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int64_t first = 0;
    int64_t scope = 0;
    int rc = fb_history_seq_after(r->s, r->rev, &first);
    rc = rc < 0 ? rc : fb_history_scope_find(r->s, r->ask->scope, &scope);
    if (rc < 0 || first == INT64_MAX || scope == 0) {
        return rc;
    }
    rc = fb_sql_begin(r->s,
                      "SELECT row_id, scope_before IS NOT NULL, min(seq) FROM"
                      " (SELECT row_id, scope_before, seq FROM fb_log WHERE scope_after = ?1 AND"
                      "  seq >= ?2 AND entity = ?3 AND op NOT IN (0, 5)"
                      " UNION ALL"
                      "  SELECT row_id, scope_before, seq FROM fb_log WHERE scope_before = ?1 AND"
                      "  scope_before IS NOT scope_after AND seq >= ?2 AND entity = ?3"
                      "  AND op NOT IN (0, 5))"
                      " GROUP BY row_id",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, scope);
    fb_sql_bind_int(q, 2, first);
    fb_sql_bind_int(q, 3, r->entity->no);
    size_t capacity = 0;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct touched *list = fb_arena_grow(r->arena, *ret, *ret_count, &capacity, sizeof *list);
        if (list == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        *ret = list;
        struct touched *t = &list[(*ret_count)++];
        fb_id_from_bytes((const uint8_t *)fb_sql_value(q, 0).bytes, t->id);
        t->was_there = fb_sql_int(q, 1) != 0;
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_past_read(struct fb_store *s, const struct fb_past_ask *ask, struct fb_arena *arena,
                 struct fb_past_table *ret)
{
    struct reading r = {.s = s, .ask = ask, .arena = arena, .table = ret};
    const struct fb_catalogue *c = fb_store_catalogue(s);
    *ret = (struct fb_past_table){0};
    r.entity = c == NULL ? NULL : fb_catalogue_entity(c, ask->entity);
    r.by_field =
        r.entity == NULL || ask->by_field == NULL ? NULL : fb_entity_field(r.entity, ask->by_field);
    if (r.entity == NULL || (ask->by_field != NULL && r.by_field == NULL)) {
        return FB_OK;
    }
    for (; r.count + 1 < FB_PAST_COLUMNS && ask->fields[r.count] != NULL; r.count++) {
        r.fields[r.count] = fb_entity_field(r.entity, ask->fields[r.count]);
    }
    int rc = fb_history_horizon(s, &r.rev);
    r.rev = r.rev > ask->rev ? r.rev : ask->rev;
    if (rc == FB_OK) {
        rc = r.by_field == NULL ? fb_row_scan(s, r.entity, "", INT64_MAX, take_row, &r)
                                : fb_row_scan_by(s, r.entity, r.by_field, ask->by_id, take_row, &r);
    }
    struct touched *touched = NULL;
    size_t count = 0;
    if (rc == FB_OK && ask->rev != FB_PAST_NOW) {
        rc = read_touched(&r, &touched, &count);
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = take_back(&r, touched[i].id, touched[i].was_there);
    }
    return rc;
}
