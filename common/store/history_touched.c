/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/store/history_inside.h"

#define BUCKETS_MIN 64

/* The entries of one rev of the asking device: from first_seq until before end_seq. */
struct own_rev {
    int64_t first_seq;
    int64_t end_seq;
};

struct touched_row {
    uint8_t id[FB_ROW_ID_BYTES];
    const struct fb_entity *entity; /* NULL: a free place */
    int64_t scope_before;
    int64_t seq; /* of the entry scope_before is from */
    bool has_changed;
};

/* Every row once, in a hash table that doubles: 48 bytes a row. */
struct gathering {
    struct fb_store *store;
    struct own_rev *own;
    size_t own_count;
    size_t own_capacity;
    struct touched_row *rows;
    size_t capacity;
    size_t count;
};

static struct touched_row *find(const struct gathering *g, const struct fb_entity *e,
                                const uint8_t *id)
{
    size_t at = (size_t)(fb_digest_of(id, FB_ROW_ID_BYTES).low + e->no) & (g->capacity - 1);
    while (g->rows[at].entity != NULL &&
           (g->rows[at].entity != e || memcmp(g->rows[at].id, id, FB_ROW_ID_BYTES) != 0)) {
        at = (at + 1) & (g->capacity - 1);
    }
    return &g->rows[at];
}

static int grow(struct gathering *g)
{
    if (g->count * 2 < g->capacity) {
        return FB_OK;
    }
    struct gathering bigger = *g;
    bigger.capacity = g->capacity == 0 ? BUCKETS_MIN : g->capacity * 2;
    bigger.rows = calloc(bigger.capacity, sizeof *bigger.rows);
    if (bigger.rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < g->capacity; i++) {
        if (g->rows[i].entity != NULL) {
            *find(&bigger, g->rows[i].entity, g->rows[i].id) = g->rows[i];
        }
    }
    free(g->rows);
    *g = bigger;
    return FB_OK;
}

int fb_history_seq_after(struct fb_store *s, int64_t after_rev, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT first_seq FROM fb_rev WHERE rev > ?1 ORDER BY rev LIMIT 1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, after_rev);
    rc = fb_sql_step(q);
    if (rc >= 0) {
        *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : INT64_MAX;
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_history_last_seq(struct fb_store *s, int64_t *ret_seq)
{
    *ret_seq = 0;
    return fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_log", ret_seq);
}

static int add_own(struct gathering *g, int64_t first_seq, int64_t end_seq)
{
    struct own_rev *own = fb_array_grow(g->own, g->own_count, &g->own_capacity, sizeof *own);
    if (own == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    g->own = own;
    own[g->own_count++] = (struct own_rev){.first_seq = first_seq, .end_seq = end_seq};
    return FB_OK;
}

static int read_own_revs(struct gathering *g, int64_t after_rev, int64_t up_to_rev,
                         const char *device_id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        g->store,
        "SELECT first_seq, coalesce((SELECT n.first_seq FROM fb_rev AS n WHERE n.rev > r.rev "
        "ORDER BY n.rev LIMIT 1), 9223372036854775807) FROM fb_rev AS r "
        "WHERE rev > ?1 AND rev <= ?2 AND device_id = ?3 ORDER BY rev",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, after_rev);
    fb_sql_bind_int(q, 2, up_to_rev);
    fb_sql_bind_text(q, 3, device_id);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = add_own(g, fb_sql_int(q, 0), fb_sql_int(q, 1));
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

static bool is_own(const struct gathering *g, int64_t seq)
{
    size_t low = 0;
    size_t high = g->own_count;
    while (low < high) { /* the first that ends behind it */
        size_t middle = (low + high) / 2;
        if (g->own[middle].end_seq <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < g->own_count && g->own[low].first_seq <= seq;
}

/* The first entry that changed the row tells where it was before; of a row only named, the first
 * that names it. */
static int take_entry(struct gathering *g, const struct fb_entity *e, const uint8_t *id,
                      int64_t scope_before, int64_t seq, bool is_change)
{
    int rc = grow(g);
    if (rc < 0) {
        return rc;
    }
    struct touched_row *row = find(g, e, id);
    bool is_new = row->entity == NULL;
    bool is_better = is_change == row->has_changed ? seq < row->seq : is_change;
    if (is_new || is_better) {
        row->scope_before = scope_before;
        row->seq = seq;
    }
    g->count += is_new;
    row->entity = e;
    row->has_changed |= is_change;
    memcpy(row->id, id, FB_ROW_ID_BYTES);
    return FB_OK;
}

static int take_step(struct gathering *g, const struct fb_sql *q)
{
    int64_t op = fb_sql_int(q, 1);
    bool is_change = op != FB_LOG_OP_NAMED && op != FB_LOG_OP_REFUSED;
    const struct fb_entity *e =
        fb_catalogue_entity_no(g->store->catalogue, (uint32_t)fb_sql_int(q, 2));
    struct fb_value id = fb_sql_value(q, 3);
    if (e == NULL || id.type != FB_BLOB || id.size != FB_ROW_ID_BYTES ||
        (!is_change && !is_own(g, fb_sql_int(q, 0)))) {
        return FB_OK;
    }
    return take_entry(g, e, (const uint8_t *)id.bytes, fb_sql_int(q, 4), fb_sql_int(q, 0),
                      is_change);
}

static int read_entries(struct gathering *g, int64_t first_seq, int64_t end_seq)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(g->store,
                          "SELECT seq, op, entity, row_id, scope_before FROM fb_log "
                          "WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, first_seq);
    fb_sql_bind_int(q, 2, end_seq);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = take_step(g, q);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

/* ---- By scope: the cost is that of what changed in these sets ---- */

static int read_set(struct gathering *g, const char *sql, int64_t set, int64_t first_seq,
                    int64_t end_seq)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(g->store, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, first_seq);
    fb_sql_bind_int(q, 2, end_seq);
    fb_sql_bind_int(q, 3, set);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = take_step(g, q);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

static int read_sets(struct gathering *g, const int64_t *sets, size_t count, int64_t first_seq,
                     int64_t end_seq)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = read_set(g,
                      "SELECT seq, op, entity, row_id, scope_before FROM fb_log "
                      "WHERE scope_after = ?3 AND seq >= ?1 AND seq < ?2",
                      sets[i], first_seq, end_seq);
        rc = rc < 0 ? rc
                    : read_set(g,
                               "SELECT seq, op, entity, row_id, scope_before FROM fb_log WHERE "
                               "scope_before = ?3 AND scope_before IS NOT scope_after AND "
                               "seq >= ?1 AND seq < ?2",
                               sets[i], first_seq, end_seq);
    }
    for (size_t i = 0; rc == FB_OK && i < g->own_count; i++) {
        rc = read_entries(g, g->own[i].first_seq,
                          g->own[i].end_seq < end_seq ? g->own[i].end_seq : end_seq);
    }
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    const struct touched_row *x = a;
    const struct touched_row *y = b;
    if (x->entity != y->entity) {
        return x->entity->index < y->entity->index ? -1 : 1;
    }
    return memcmp(x->id, y->id, FB_ROW_ID_BYTES);
}

static int give(struct gathering *g, fb_touched_each *f, void *ctx)
{
    size_t count = 0;
    for (size_t i = 0; i < g->capacity; i++) {
        if (g->rows[i].entity != NULL) {
            g->rows[count++] = g->rows[i];
        }
    }
    if (count > 0) {
        qsort(g->rows, count, sizeof *g->rows, compare_rows);
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        const struct touched_row *row = &g->rows[i];
        struct fb_touched touched = {.entity = row->entity,
                                     .has_changed = row->has_changed,
                                     .was_there = row->scope_before != 0,
                                     .scope_before = row->scope_before};
        fb_id_from_bytes(row->id, touched.row_id);
        rc = f(ctx, &touched);
    }
    return rc;
}

int fb_history_touched(struct fb_store *s, int64_t after_rev, int64_t up_to_rev,
                       const char *device_id, fb_touched_each *f, void *ctx)
{
    return fb_history_touched_in(s, after_rev, up_to_rev, device_id, NULL, 0, f, ctx);
}

int fb_history_touched_in(struct fb_store *s, int64_t after_rev, int64_t up_to_rev,
                          const char *device_id, const int64_t *sets, size_t set_count,
                          fb_touched_each *f, void *ctx)
{
    if (s->catalogue == NULL) {
        return FB_OK;
    }
    struct gathering g = {.store = s};
    int64_t first_seq = INT64_MAX;
    int64_t end_seq = INT64_MAX;
    int rc = fb_history_seq_after(s, after_rev, &first_seq);
    if (rc == FB_OK) {
        rc = fb_history_seq_after(s, up_to_rev, &end_seq);
    }
    if (rc == FB_OK && device_id != NULL) {
        rc = read_own_revs(&g, after_rev, up_to_rev, device_id);
    }
    if (rc == FB_OK) {
        rc = sets == NULL ? read_entries(&g, first_seq, end_seq)
                          : read_sets(&g, sets, set_count, first_seq, end_seq);
    }
    if (rc == FB_OK) {
        rc = give(&g, f, ctx);
    }
    free(g.own);
    free(g.rows);
    return rc;
}
