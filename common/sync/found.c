/* SPDX-License-Identifier: MIT
 *
 * Values that no journal row explains (rule 24): kept in found_value, which stays on this laptop,
 * until a person takes one over as an edit of his own. Never pushed as a change: a stale value of
 * ours would beat headquarters.
 */
#include <string.h>

#include "common/base/time.h"
#include "common/sync/replica_internal.h"

/* What would not fit is named, not kept: it could never be synced, and must not stop the cut. */
enum { KEPT_BYTES_MAX = 4 * 1024 * 1024 };

static void set(struct fb_row *row, const char *field, struct fb_value value)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    if (f != NULL) {
        row->values[f->index] = value;
    }
}

/* The same find twice (a repair that was cut off) is one. */
static int is_known(const struct fb_found *f, const struct fb_entity *e, const char *id,
                    const char *field, const char *json, bool *ret)
{
    struct fb_sql *q;
    int rc =
        fb_sql_begin(f->store,
                     "SELECT 1 FROM found_value WHERE record_id = ?1 AND entity = ?2 AND field = ?3"
                     " AND value = ?4 AND state = 'waiting'",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, e->name);
    fb_sql_bind_text(q, 3, field);
    fb_sql_bind_text(q, 4, json);
    rc = fb_sql_step(q);
    fb_sql_end(q);
    if (rc < 0) {
        return rc;
    }
    *ret = rc == FB_SQL_ROW;
    return FB_OK;
}

struct random_blob {
    struct fb_value bytes;
};

static void fill_from_blob(void *ctx, void *bytes, size_t size)
{
    const struct random_blob *blob = ctx;
    fb_assert(size <= blob->bytes.size);
    memcpy(bytes, blob->bytes.bytes, size);
}

/* A freeze has no random source: SQLite's makes the ids of its tables too. */
static int make_id(const struct fb_found *f, char ret[static FB_ROW_ID_SIZE])
{
    if (f->random != NULL) {
        fb_id_make(f->now_ms, f->random, ret);
        return FB_OK;
    }
    struct fb_sql *q;
    int rc = fb_sql_begin(f->store, "SELECT randomblob(32)", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        struct random_blob blob = {.bytes = fb_sql_value(q, 0)};
        fb_id_make(f->now_ms, &(struct fb_random){.fill = fill_from_blob, .ctx = &blob}, ret);
    }
    fb_sql_end(q);
    return rc < 0 ? rc : FB_OK;
}

static int insert(const struct fb_found *f, const struct fb_entity *diary,
                  const struct fb_entity *e, const char *id, const char *field, const char *json)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    char own_id[FB_ROW_ID_SIZE];
    struct fb_row row;
    int rc = make_id(f, own_id);
    if (rc == FB_OK) {
        rc = fb_row_new(diary, own_id, &arena, &row);
    }
    if (rc < 0) {
        return rc;
    }
    char device_id[FB_ROW_ID_SIZE] = "";
    rc = fb_store_meta_text(f->store, "device_id", device_id, sizeof device_id);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    char at[FB_INSTANT_SIZE];
    fb_instant_format(f->now_ms, at);
    set(&row, "device_id", fb_value_text(device_id));
    set(&row, "entity", fb_value_text(e->name));
    set(&row, "record_id", fb_value_text(id));
    set(&row, "field", fb_value_text(field));
    set(&row, "value", fb_value_text(json));
    set(&row, "found_at", fb_value_text(at));
    set(&row, "state", fb_value_text("waiting"));
    return fb_row_insert(f->store, &row);
}

static int keep(const struct fb_found *f, const struct fb_entity *e, const char *id,
                const char *field, const struct fb_buf *json)
{
    int rc = fb_buf_error(json);
    const char *text = rc == FB_ERR_LIMIT ? "\"(too large to be kept)\"" : fb_buf_text(json);
    rc = rc == FB_ERR_LIMIT ? FB_OK : rc;
    const struct fb_entity *diary =
        fb_catalogue_entity(fb_store_catalogue(f->store), "found_value");
    if (rc < 0) {
        return rc;
    }
    if (diary == NULL || FB_BUG(FOUND_VALUE_LOST)) {
        return FB_OK;
    }
    bool is_there = false;
    rc = is_known(f, e, id, field, text, &is_there);
    if (rc < 0 || is_there) {
        return rc;
    }
    ++*f->count;
    return insert(f, diary, e, id, field, text);
}

int fb_found_value(const struct fb_found *f, const struct fb_entity *e, const char *id,
                   const char *field, const struct fb_value *value)
{
    FB_AUTO(fb_buf_release) struct fb_buf json;
    fb_buf_init(&json, KEPT_BYTES_MAX);
    fb_value_append_json(&json, value);
    return keep(f, e, id, field, &json);
}

int fb_found_row(const struct fb_found *f, const struct fb_row *row)
{
    FB_AUTO(fb_buf_release) struct fb_buf json;
    fb_buf_init(&json, KEPT_BYTES_MAX);
    fb_row_append_json(&json, row);
    return keep(f, row->entity, row->id, "id", &json);
}

struct fb_found fb_apply_found(struct fb_apply *a)
{
    return (struct fb_found){.store = a->store,
                             .random = &a->round->random,
                             .now_ms = a->round->now_ms,
                             .count = &a->found};
}
