/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/store/history_inside.h"

#define DELTAS_MIN 64

static struct fb_digest_delta *find(struct fb_digest_delta *deltas, size_t capacity, int64_t scope)
{
    size_t at = (size_t)((uint64_t)scope * 0x9E3779B97F4A7C15U >> 32) & (capacity - 1);
    while (deltas[at].scope != 0 && deltas[at].scope != scope) {
        at = (at + 1) & (capacity - 1);
    }
    return &deltas[at];
}

static int grow(struct fb_history *h)
{
    if (h->delta_count * 2 < h->delta_capacity) {
        return FB_OK;
    }
    size_t capacity = h->delta_capacity == 0 ? DELTAS_MIN : h->delta_capacity * 2;
    struct fb_digest_delta *bigger = calloc(capacity, sizeof *bigger);
    if (bigger == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < h->delta_capacity; i++) {
        if (h->deltas[i].scope != 0) {
            *find(bigger, capacity, h->deltas[i].scope) = h->deltas[i];
        }
    }
    free(h->deltas);
    h->deltas = bigger;
    h->delta_capacity = capacity;
    return FB_OK;
}

int fb_deltas_add(struct fb_history *h, int64_t scope, const struct fb_digest *delta,
                  bool is_in_savepoint)
{
    int rc = grow(h);
    if (rc < 0) {
        return rc;
    }
    if (is_in_savepoint) {
        struct fb_digest_delta *moves =
            fb_array_grow(h->moves, h->move_count, &h->move_capacity, sizeof *moves);
        if (moves == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        h->moves = moves;
        moves[h->move_count++] = (struct fb_digest_delta){.scope = scope, .delta = *delta};
    }
    struct fb_digest_delta *place = find(h->deltas, h->delta_capacity, scope);
    h->delta_count += place->scope == 0;
    place->scope = scope;
    fb_digest_add(&place->delta, delta);
    return FB_OK;
}

void fb_deltas_undo(struct fb_history *h, size_t move_count)
{
    while (h->move_count > move_count) {
        const struct fb_digest_delta *move = &h->moves[--h->move_count];
        struct fb_digest_delta *place = find(h->deltas, h->delta_capacity, move->scope);
        fb_digest_subtract(&place->delta, &move->delta);
    }
}

void fb_deltas_clear(struct fb_history *h)
{
    if (h->delta_count > 0) {
        memset(h->deltas, 0, h->delta_capacity * sizeof *h->deltas);
    }
    h->delta_count = 0;
    h->move_count = 0;
}

int fb_history_digest(struct fb_store *s, int64_t scope, struct fb_digest *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    *ret = (struct fb_digest){0};
    int rc = fb_sql_begin(s, "SELECT rows, low, high FROM fb_digest WHERE scope = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, scope);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        ret->rows = fb_sql_int(q, 0);
        ret->low = (uint64_t)fb_sql_int(q, 1);
        ret->high = (uint64_t)fb_sql_int(q, 2);
    }
    return rc < 0 ? rc : FB_OK;
}

static int write_digest(struct fb_store *s, int64_t scope, const struct fb_digest *d)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "INSERT INTO fb_digest (scope, rows, low, high) VALUES (?1, ?2, ?3, ?4) "
                     "ON CONFLICT (scope) DO UPDATE SET rows = excluded.rows, low = excluded.low, "
                     "high = excluded.high",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, scope);
    fb_sql_bind_int(q, 2, d->rows);
    fb_sql_bind_int(q, 3, (int64_t)d->low);
    fb_sql_bind_int(q, 4, (int64_t)d->high);
    return fb_sql_run(q);
}

static int write_delta(struct fb_store *s, const struct fb_digest_delta *d)
{
    static const struct fb_digest NOTHING;
    if (d->scope == 0 || fb_digest_equal(&d->delta, &NOTHING)) {
        return FB_OK;
    }
    struct fb_digest sum = {0};
    int rc = fb_history_digest(s, d->scope, &sum);
    if (rc < 0) {
        return rc;
    }
    fb_digest_add(&sum, &d->delta);
    return write_digest(s, d->scope, &sum);
}

int fb_deltas_write(struct fb_store *s, struct fb_history *h)
{
    for (size_t i = 0; h->delta_count > 0 && i < h->delta_capacity; i++) {
        int rc = write_delta(s, &h->deltas[i]);
        if (rc < 0) {
            return rc;
        }
    }
    fb_deltas_clear(h);
    return FB_OK;
}

/* Outside a rev (a repair) it is written at once. */
static int move_one(struct fb_store *s, struct fb_history *h, int64_t scope,
                    const struct fb_digest *delta)
{
    if (h->has_rev) {
        return fb_deltas_add(h, scope, delta, s->depth > 0);
    }
    struct fb_digest_delta d = {.scope = scope, .delta = *delta};
    return write_delta(s, &d);
}

int fb_history_digest_move(struct fb_store *s, int64_t scope_before, const struct fb_digest *before,
                           int64_t scope_after, const struct fb_digest *after)
{
    struct fb_history *h = NULL;
    int rc = fb_history_of(s, &h);
    if (rc == FB_OK && before != NULL && scope_before != 0) {
        struct fb_digest out = {0};
        fb_digest_subtract(&out, before);
        rc = move_one(s, h, scope_before, &out);
    }
    if (rc == FB_OK && after != NULL && scope_after != 0) {
        rc = move_one(s, h, scope_after, after);
    }
    return rc;
}

int fb_history_digests_clear(struct fb_store *s)
{
    struct fb_history *h = NULL;
    int rc = fb_history_of(s, &h);
    if (rc == FB_OK) {
        fb_deltas_clear(h);
        rc = fb_sql_exec(s, "DELETE FROM fb_digest");
    }
    return rc;
}

int fb_history_digests(struct fb_store *s, fb_digest_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT k.key, d.rows, d.low, d.high FROM fb_digest AS d JOIN fb_scope "
                          "AS k ON k.id = d.scope "
                          "WHERE d.rows <> 0 ORDER BY d.scope",
                          &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_digest d = {.rows = fb_sql_int(q, 1),
                              .low = (uint64_t)fb_sql_int(q, 2),
                              .high = (uint64_t)fb_sql_int(q, 3)};
        rc = f(ctx, fb_sql_text(q, 0), &d);
        if (rc == FB_OK) {
            rc = fb_sql_step(q);
        }
    }
    return rc;
}
