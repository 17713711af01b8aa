/* SPDX-License-Identifier: MIT */
#include "common/store/history_entry.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/history_inside.h"
#include "common/store/json.h"

struct reading {
    struct fb_store *store;
    const struct fb_entity *entity;
    struct fb_arena *arena;
    fb_history_each_entry *f;
    void *ctx;
    int64_t left; /* that are still wanted */
    struct fb_history_value values[FB_FIELDS_MAX];
    size_t count;
};

static int take_change(void *ctx, const struct fb_json_member *m)
{
    struct reading *r = ctx;
    const struct fb_field *f = fb_json_field(r->entity, m);
    if (f == NULL || m->count < 2 || r->count == FB_FIELDS_MAX) {
        return FB_OK;
    }
    r->values[r->count++] = (struct fb_history_value){
        .field = f, .old = fb_json_value(f, &m->values[0]), .now = fb_json_value(f, &m->values[1])};
    return FB_OK;
}

/* With who and when of its rev, and the values of an update; tells it. */
static int tell_entry(struct reading *r, struct fb_history_entry *entry, int64_t edited_at_ms,
                      const char *changes, size_t size)
{
    struct fb_seq_rev rev;
    r->count = 0;
    fb_arena_clear(r->arena);
    int rc = entry->op == FB_LOG_OP_UPDATE && changes != NULL
                 ? fb_json_read(changes, size, r->arena, take_change, r)
                 : FB_OK;
    rc = rc < 0 ? rc : fb_history_rev_of(r->store, entry->seq, &rev);
    if (rc < 0) {
        return rc;
    }
    entry->values = r->values;
    entry->value_count = r->count;
    entry->rev = rev.rev;
    entry->arrived_at_ms = rev.at_ms;
    entry->made_at_ms = edited_at_ms == 0 ? rev.at_ms : edited_at_ms;
    memcpy(entry->employee_id, rev.employee_id, sizeof entry->employee_id);
    memcpy(entry->device_id, rev.device_id, sizeof entry->device_id);
    r->left--;
    rc = r->f(r->ctx, entry);
    return rc != FB_OK ? rc : r->left == 0 ? 1 : FB_OK;
}

static int tell_live(struct reading *r, const char *row_id, int64_t first_seq, int64_t end_seq)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    int rc = fb_sql_begin(r->store,
                          "SELECT seq, op, at_ms, changes FROM fb_log"
                          " WHERE row_id = ?1 AND entity = ?2 AND op IN (1, 2, 3, 4)"
                          " AND seq >= ?3 AND seq < ?4 ORDER BY seq DESC",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_id_to_bytes(row_id, id);
    fb_sql_bind_bytes(q, 1, id, sizeof id);
    fb_sql_bind_int(q, 2, r->entity->no);
    fb_sql_bind_int(q, 3, first_seq);
    fb_sql_bind_int(q, 4, end_seq);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value changes = fb_sql_value(q, 3);
        struct fb_history_entry entry = {.seq = fb_sql_int(q, 0),
                                         .op = (enum fb_log_op)fb_sql_int(q, 1)};
        rc = tell_entry(r, &entry, fb_sql_int(q, 2), changes.type == FB_TEXT ? changes.bytes : NULL,
                        changes.size);
        if (rc != FB_OK) {
            break;
        }
    }
    return rc;
}

static int tell_packed(void *ctx, const struct fb_packed_entry *packed)
{
    struct fb_history_entry entry = {.seq = packed->seq, .op = packed->op};
    bool is_told = packed->op >= FB_LOG_OP_INSERT && packed->op <= FB_LOG_OP_RESTORE;
    return is_told ? tell_entry(ctx, &entry, packed->edited_at_ms, packed->changes,
                                packed->changes_size)
                   : FB_OK;
}

int fb_history_entries(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                       int64_t before_seq, int64_t count_max, fb_history_each_entry *f, void *ctx)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct reading r = {
        .store = s, .entity = e, .arena = &arena, .f = f, .ctx = ctx, .left = count_max};
    int64_t before = before_seq == 0 ? INT64_MAX : before_seq;
    int64_t packed = 0;
    int rc = fb_packed_last_seq(s, &packed);
    rc = rc != FB_OK ? rc : tell_live(&r, row_id, packed + 1, before);
    if (rc == FB_OK && packed > 0) {
        rc = fb_packed_of_row(s, e, row_id, 0, before, true, tell_packed, &r);
    }
    return r.left == 0 && rc > 0 ? FB_OK : rc;
}

/* ---- The bin ---- */

static int count_with(struct fb_store *s, int64_t cause, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT count(*) - 1 FROM fb_bin WHERE cause = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, cause);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

static int tell_bin(struct fb_store *s, const struct fb_sql *q, fb_bin_each *f, void *ctx,
                    bool *ret_told)
{
    struct fb_value image = fb_sql_value(q, 3);
    struct fb_bin_entry entry = {
        .entity = fb_catalogue_entity_no(fb_store_catalogue(s), (uint32_t)fb_sql_int(q, 0)),
        .cause = fb_sql_int(q, 2),
        .deleted_at_ms = fb_sql_int(q, 4),
        .image = image.bytes,
        .image_size = image.size};
    *ret_told = false;
    if (entry.entity == NULL || image.type != FB_TEXT) {
        return FB_OK;
    }
    fb_id_copy(entry.row_id, fb_sql_text(q, 1));
    fb_id_copy(entry.employee_id, fb_sql_text(q, 5));
    *ret_told = true;
    int rc = count_with(s, entry.cause, &entry.with);
    return rc < 0 ? rc : f(ctx, &entry);
}

/* The topmost row of a delete is the one whose own entry is the cause. */
int fb_bin_list(struct fb_store *s, const struct fb_entity *e, int64_t before, int64_t count_max,
                fb_bin_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT b.entity, b.row_id, b.cause, b.image, r.at_ms, r.employee_id"
        " FROM fb_bin AS b JOIN fb_log AS l ON l.seq = b.cause JOIN fb_rev AS r ON r.rev ="
        " (SELECT rev FROM fb_rev WHERE first_seq <= b.cause ORDER BY first_seq DESC LIMIT 1)"
        " WHERE b.cause < ?1 AND (?2 = 0 OR b.entity = ?2) AND l.entity = b.entity"
        " AND lower(hex(l.row_id)) = replace(b.row_id, '-', '') ORDER BY b.cause DESC",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, before == 0 ? INT64_MAX : before);
    fb_sql_bind_int(q, 2, e == NULL ? 0 : e->no);
    int64_t told = 0;
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW && told < count_max) {
        bool is_told = false;
        rc = tell_bin(s, q, f, ctx, &is_told);
        told += is_told;
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_bin_cause(struct fb_store *s, const struct fb_entity *e, const char *row_id, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT cause FROM fb_bin WHERE entity = ?1 AND row_id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, e->no);
    fb_sql_bind_text(q, 2, row_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    *ret = fb_sql_int(q, 0);
    return FB_OK;
}

static int by_entity(const void *x, const void *y)
{
    const struct fb_row *a = x;
    const struct fb_row *b = y;
    return a->entity->index < b->entity->index   ? -1
           : a->entity->index > b->entity->index ? 1
                                                 : strcmp(a->id, b->id);
}

int fb_bin_rows(struct fb_store *s, int64_t cause, struct fb_arena *arena, struct fb_row **ret,
                size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_row *rows = NULL;
    size_t count = 0;
    size_t capacity = 0;
    int rc = fb_sql_begin(s, "SELECT entity, row_id, image FROM fb_bin WHERE cause = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, cause);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(fb_store_catalogue(s), (uint32_t)fb_sql_int(q, 0));
        struct fb_value image = fb_sql_value(q, 2);
        char id[FB_ROW_ID_SIZE];
        fb_id_copy(id, fb_sql_text(q, 1));
        struct fb_row *grown = fb_arena_grow(arena, rows, count, &capacity, sizeof *rows);
        if (grown == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        rows = grown;
        rc = e == NULL ? FB_OK
                       : fb_row_from_json(e, id, image.bytes, image.size, arena, &rows[count]);
        if (rc < 0) {
            return rc;
        }
        count += e != NULL;
    }
    if (count > 1) {
        qsort(rows, count, sizeof *rows, by_entity);
    }
    *ret = rows;
    *ret_count = count;
    return rc;
}
