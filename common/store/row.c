/* SPDX-License-Identifier: MIT */
#include "common/store/row.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/catalogue/ddl.h"
#include "common/store/recent.h"
#include "common/store/row_statement.h"

#define CANONICAL_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SQL_BYTES_MAX       ((size_t)128 * 1024)

static void bind_id(struct fb_sql *q, int at, const char *id)
{
    struct fb_value v = {
        .type = FB_TEXT, .bytes = id, .size = (uint32_t)strnlen(id, FB_ROW_ID_SIZE - 1)};
    fb_sql_bind_value(q, at, &v);
}

int fb_row_new(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
               struct fb_arena *arena, struct fb_row *ret)
{
    struct fb_value *values = fb_arena_alloc(arena, (e->field_count + 1) * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = (struct fb_row){.entity = e, .values = values};
    memcpy(ret->id, id, FB_ROW_ID_SIZE - 1);
    ret->id[FB_ROW_ID_SIZE - 1] = '\0';
    return FB_OK;
}

int fb_row_begin(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                 struct fb_arena *arena, struct fb_row *ret)
{
    int rc = fb_row_new(e, id, arena, ret);
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        ret->values[i] = e->fields[i].initial;
    }
    return rc;
}

/* Texts and blobs get one piece of the arena for all of them, a zero behind each. */
static int own_bytes(struct fb_row *row, struct fb_arena *arena)
{
    size_t size = 0;
    size_t count = row->entity->field_count;
    for (size_t i = 0; i < count + FB_STAMP_COUNT; i++) {
        const struct fb_value *v = i < count ? &row->values[i] : &row->stamps[i - count];
        size += v->type == FB_TEXT || v->type == FB_BLOB ? (size_t)v->size + 1 : 0;
    }
    char *at = fb_arena_alloc(arena, size);
    if (at == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count + FB_STAMP_COUNT; i++) {
        struct fb_value *v = i < count ? &row->values[i] : &row->stamps[i - count];
        if (v->type == FB_TEXT || v->type == FB_BLOB) {
            memcpy(at, v->bytes, v->size);
            v->bytes = at;
            at += v->size + 1;
        }
    }
    return FB_OK;
}

int fb_row_read(struct fb_store *s, const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                struct fb_arena *arena, struct fb_row *ret, bool *ret_found)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_statement(s, e, FB_ROW_SELECT, &q);
    if (rc < 0) {
        return rc;
    }
    bind_id(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        *ret_found = rc < 0 ? *ret_found : false;
        return rc;
    }
    struct fb_row row = {0};
    rc = fb_row_new(e, id, arena, &row);
    if (rc == FB_OK) {
        fb_row_borrow(q, e, row.values, &row);
        rc = own_bytes(&row, arena);
    }
    if (rc == FB_OK) {
        *ret = row;
        *ret_found = true;
    }
    return rc;
}

int fb_row_exists(struct fb_store *s, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE], bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_statement(s, e, FB_ROW_EXISTS, &q);
    if (rc < 0) {
        return rc;
    }
    bind_id(q, 1, id);
    rc = fb_sql_step(q);
    if (rc < 0) {
        return rc;
    }
    *ret = rc == FB_SQL_ROW;
    return FB_OK;
}

/* What a row leaves out of a column that must be filled, or that nobody else fills, begins at its default. */
static void bind_cell(struct fb_sql *q, int at, const struct fb_field *f, const struct fb_value *v)
{
    bool has_default =
        (f->is_required && f->visibility == FB_SEEN_BY_ALL) || f->visibility == FB_SEEN_ON_DEVICE;
    fb_sql_bind_value(q, at, v->type == FB_ABSENT && has_default ? &f->initial : v);
}

static int run_whole(struct fb_store *s, const struct fb_row *row, enum fb_row_verb verb)
{
    const struct fb_entity *e = row->entity;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_statement(s, e, verb, &q);
    if (rc < 0) {
        return rc;
    }
    bind_id(q, 1, row->id);
    for (size_t i = 0; i < e->field_count; i++) {
        bind_cell(q, (int)i + 2, &e->fields[i], &row->values[i]);
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        fb_sql_bind_value(q, (int)(e->field_count + 2 + i), &row->stamps[i]);
    }
    fb_recent_note(s, e->no, row->id);
    return fb_sql_step(q);
}

int fb_row_insert(struct fb_store *s, const struct fb_row *row)
{
    return run_whole(s, row, FB_ROW_INSERT);
}

/* The columns the row gives; false if it gives all. */
static bool mask_of_given(const struct fb_row *row, struct fb_row_mask *ret)
{
    bool lacks_any = false;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        if (row->values[i].type == FB_ABSENT) {
            lacks_any = true;
        } else {
            fb_row_mask_add(ret, i);
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (row->stamps[i].type == FB_ABSENT) {
            lacks_any = true;
        } else {
            fb_row_mask_add(ret, FB_ROW_STAMP_BIT(i));
        }
    }
    return lacks_any;
}

static int update_masked(struct fb_store *s, const struct fb_row *row,
                         const struct fb_row_mask *mask)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_update_statement(s, row->entity, mask, &q);
    if (rc < 0) {
        return rc;
    }
    bind_id(q, 1, row->id);
    int at = 2;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        if (fb_row_mask_has(mask, i)) {
            fb_sql_bind_value(q, at++, &row->values[i]);
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (fb_row_mask_has(mask, FB_ROW_STAMP_BIT(i))) {
            fb_sql_bind_value(q, at++, &row->stamps[i]);
        }
    }
    fb_recent_note(s, row->entity->no, row->id);
    return fb_sql_step(q);
}

static bool is_empty(const struct fb_row_mask *mask)
{
    uint64_t any = 0;
    for (size_t i = 0; i < FB_ROW_MASK_WORDS; i++) {
        any |= mask->words[i];
    }
    return any == 0;
}

int fb_row_write(struct fb_store *s, const struct fb_row *row)
{
    struct fb_row_mask given = {{0}};
    if (!mask_of_given(row, &given)) {
        return run_whole(s, row, FB_ROW_UPSERT);
    }
    bool is_there = false;
    int rc = fb_row_exists(s, row->entity, row->id, &is_there);
    if (rc < 0) {
        return rc;
    }
    if (!is_there) {
        return run_whole(s, row, FB_ROW_INSERT);
    }
    return is_empty(&given) ? FB_OK : update_masked(s, row, &given);
}

int fb_row_update(struct fb_store *s, const struct fb_row *row,
                  const uint64_t mask[static FB_ROW_MASK_WORDS], bool with_stamps)
{
    struct fb_row_mask wanted = {{0}};
    for (size_t i = 0; i < row->entity->field_count; i++) {
        if ((mask[i / 64] >> (i % 64) & 1) != 0) {
            fb_row_mask_add(&wanted, i);
        }
    }
    for (size_t i = 0; with_stamps && i < FB_STAMP_COUNT; i++) {
        fb_row_mask_add(&wanted, FB_ROW_STAMP_BIT(i));
    }
    return is_empty(&wanted) ? FB_OK : update_masked(s, row, &wanted);
}

int fb_row_delete(struct fb_store *s, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_statement(s, e, FB_ROW_DELETE, &q);
    if (rc < 0) {
        return rc;
    }
    bind_id(q, 1, id);
    fb_recent_note(s, e->no, id);
    return fb_sql_step(q);
}

bool fb_row_is_private(const struct fb_row *row)
{
    const struct fb_field *f = row->entity->private_field;
    return f != NULL && row->values[f->index].type == FB_INT && row->values[f->index].integer != 0;
}

bool fb_row_is_closed(const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    for (size_t i = 0; e->closed_field != NULL && i < e->closed_value_count; i++) {
        if (fb_value_is_text(&row->values[e->closed_field->index], e->closed_values[i])) {
            return true;
        }
    }
    return false;
}

const struct fb_entity *fb_row_target(const struct fb_row *row, const struct fb_field *field)
{
    return fb_field_target(
        field, field->target_name == NULL ? NULL : &row->values[field->target_name->index]);
}

static int each(struct fb_sql *q, const struct fb_entity *e, fb_row_each *f, void *ctx)
{
    struct fb_value values[FB_FIELDS_MAX];
    int rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_row row;
        fb_row_borrow(q, e, values, &row);
        rc = f(ctx, &row);
        if (rc == FB_OK) {
            rc = fb_sql_step(q);
        }
    }
    return rc;
}

int fb_row_scan(struct fb_store *s, const struct fb_entity *e, const char *after_id,
                int64_t count_max, fb_row_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_row_statement(s, e, FB_ROW_SCAN, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, after_id);
    fb_sql_bind_int(q, 2, count_max);
    return each(q, e, f, ctx);
}

int fb_row_scan_by(struct fb_store *s, const struct fb_entity *e, const struct fb_field *field,
                   const char *id, fb_row_each *f, void *ctx)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, SQL_BYTES_MAX);
    fb_row_append_select(&sql, e);
    fb_buf_append_text(&sql, " WHERE ");
    fb_ddl_append_name(&sql, field->name);
    fb_buf_append_text(&sql, " = ?1 ORDER BY id");
    int rc = fb_buf_error(&sql);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    if (rc == FB_OK) {
        rc = fb_sql_begin(s, fb_buf_text(&sql), &q);
    }
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    return each(q, e, f, ctx);
}

int fb_row_digest(const struct fb_row *row, struct fb_digest *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf bytes;
    fb_buf_init(&bytes, CANONICAL_BYTES_MAX);
    fb_row_append_canonical(&bytes, row);
    int rc = fb_buf_error(&bytes);
    if (rc == FB_OK) {
        *ret = fb_digest_of(bytes.bytes, bytes.size);
    }
    return rc;
}

struct bulk {
    struct fb_store *store;
    bool is_building;
};

static int drop_or_build(void *ctx, const char *name, const char *sql)
{
    const struct bulk *b = ctx;
    if (b->is_building) {
        return fb_sql_exec(b->store, sql);
    }
    char text[256];
    snprintf(text, sizeof text, "DROP INDEX IF EXISTS \"%s\"", name);
    return fb_sql_exec(b->store, text);
}

static int each_index(struct fb_store *s, bool is_building)
{
    fb_assert(s->is_in_transaction);
    struct bulk b = {.store = s, .is_building = is_building};
    int rc = FB_OK;
    for (size_t i = 0; s->catalogue != NULL && rc == FB_OK && i < s->catalogue->entity_count; i++) {
        rc = fb_ddl_each_index(&s->catalogue->entities[i], drop_or_build, &b);
    }
    return rc;
}

int fb_row_bulk_begin(struct fb_store *s)
{
    return each_index(s, false);
}

int fb_row_bulk_end(struct fb_store *s)
{
    return each_index(s, true);
}
