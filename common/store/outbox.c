/* SPDX-License-Identifier: MIT */
#include "common/store/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/inside.h"

#define PUSH_COLUMNS                                                                               \
    "number, incarnation, timeline, prev_hash, hash, parts, changes, made_at_ms, acked_at_ms, "    \
    "covered_rev, origin_incarnation, origin_number, origin_hash, was_answered"

int fb_outbox_add_part(struct fb_store *s, int64_t number, int64_t part, const void *bytes,
                       size_t size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "INSERT INTO fb_push_part (number, part, bytes) VALUES (?1, ?2, ?3)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, number);
    fb_sql_bind_int(q, 2, part);
    fb_sql_bind_bytes(q, 3, bytes, size);
    return fb_sql_run(q);
}

static void bind_or_null(struct fb_sql *q, int at, int64_t value)
{
    if (value == 0) {
        fb_sql_bind_null(q, at);
    } else {
        fb_sql_bind_int(q, at, value);
    }
}

int fb_outbox_add(struct fb_store *s, const struct fb_push *push)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "INSERT INTO fb_push (" PUSH_COLUMNS
                     ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, NULL, NULL, NULL, NULL)",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, push->number);
    fb_sql_bind_int(q, 2, push->incarnation);
    fb_sql_bind_text(q, 3, push->timeline);
    fb_sql_bind_bytes(q, 4, push->prev_hash.bytes, sizeof push->prev_hash.bytes);
    fb_sql_bind_bytes(q, 5, push->hash.bytes, sizeof push->hash.bytes);
    fb_sql_bind_int(q, 6, push->parts);
    fb_sql_bind_int(q, 7, push->changes);
    fb_sql_bind_int(q, 8, push->made_at_ms);
    bind_or_null(q, 9, push->acked_at_ms);
    bind_or_null(q, 10, push->covered_rev);
    return fb_sql_run(q);
}

static int take_hash(const struct fb_sql *q, int at, struct fb_sha256 *ret)
{
    struct fb_value v = fb_sql_value(q, at);
    if (v.type != FB_BLOB || v.size != sizeof ret->bytes) {
        return FB_ERR_DAMAGED;
    }
    memcpy(ret->bytes, v.bytes, sizeof ret->bytes);
    return FB_OK;
}

static int take_push(const struct fb_sql *q, struct fb_push *ret)
{
    struct fb_push push = {
        .number = fb_sql_int(q, 0),
        .incarnation = fb_sql_int(q, 1),
        .parts = fb_sql_int(q, 5),
        .changes = fb_sql_int(q, 6),
        .made_at_ms = fb_sql_int(q, 7),
        .acked_at_ms = fb_sql_int(q, 8),
        .covered_rev = fb_sql_int(q, 9),
    };
    struct fb_value timeline = fb_sql_value(q, 2);
    if (timeline.type != FB_TEXT || timeline.size >= sizeof push.timeline) {
        return FB_ERR_DAMAGED;
    }
    memcpy(push.timeline, timeline.bytes, timeline.size);
    int rc = take_hash(q, 3, &push.prev_hash);
    if (rc == FB_OK) {
        rc = take_hash(q, 4, &push.hash);
    }
    push.was_answered = fb_sql_int(q, 13) != 0;
    push.origin.incarnation = fb_sql_int(q, 10);
    push.origin.number = fb_sql_int(q, 11);
    if (rc == FB_OK && push.origin.number > 0) {
        rc = take_hash(q, 12, &push.origin.hash);
    }
    if (rc == FB_OK) {
        *ret = push;
    }
    return rc;
}

int fb_outbox_last(struct fb_store *s, struct fb_push *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT " PUSH_COLUMNS " FROM fb_push WHERE number > 0 ORDER BY number DESC LIMIT 1",
        &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        return take_push(q, ret);
    }
    if (rc == FB_SQL_DONE) {
        *ret = (struct fb_push){0};
    }
    return rc;
}

int fb_outbox_get(struct fb_store *s, int64_t number, struct fb_push *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT " PUSH_COLUMNS " FROM fb_push WHERE number = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, number);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        return take_push(q, ret);
    }
    return rc < 0 ? rc : FB_ERR_NOT_FOUND;
}

/* A copy, because a statement left on its row would hold an old snapshot and the log of writes
 * with it. */
int fb_outbox_part(struct fb_store *s, int64_t number, int64_t part, const uint8_t **ret,
                   size_t *ret_size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT bytes FROM fb_push_part WHERE number = ?1 AND part = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, number);
    fb_sql_bind_int(q, 2, part);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    struct fb_value v = fb_sql_value(q, 0);
    uint8_t *copy = realloc(s->part, v.size + 1);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(copy, v.bytes, v.size);
    s->part = copy;
    *ret = copy;
    *ret_size = v.size;
    return FB_OK;
}

static int run_two(struct fb_store *s, const char *text, int64_t a, int64_t b)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, a);
    fb_sql_bind_int(q, 2, b);
    return fb_sql_run(q);
}

int fb_outbox_mark_acked(struct fb_store *s, int64_t up_to_number, int64_t now_ms)
{
    return run_two(
        s, "UPDATE fb_push SET acked_at_ms = max(?2, 1) WHERE number <= ?1 AND acked_at_ms IS NULL",
        up_to_number, now_ms);
}

int fb_outbox_mark_covered(struct fb_store *s, int64_t up_to_number, int64_t rev, int64_t at_ms)
{
    int rc = run_two(s,
                     "UPDATE fb_push SET acked_at_ms = ?2 "
                     "WHERE number <= ?1 AND covered_rev IS NULL AND acked_at_ms IS NOT NULL",
                     up_to_number, at_ms);
    return rc < 0
               ? rc
               : run_two(s,
                         "UPDATE fb_push SET covered_rev = max(?2, 1) "
                         "WHERE number <= ?1 AND covered_rev IS NULL AND acked_at_ms IS NOT NULL",
                         up_to_number, rev);
}

/* Parts first: a push without its parts would be sent empty. */
int fb_outbox_expire(struct fb_store *s, int64_t before_ms)
{
    struct fb_push last = {0};
    int rc = fb_outbox_last(s, &last);
    if (rc == FB_OK) {
        rc = run_two(s,
                     "DELETE FROM fb_push_part WHERE number IN (SELECT number FROM fb_push WHERE "
                     "acked_at_ms < ?1 AND covered_rev IS NOT NULL AND number < ?2)",
                     before_ms, last.number);
    }
    if (rc == FB_OK) {
        rc = run_two(s,
                     "DELETE FROM fb_push WHERE acked_at_ms < ?1 AND covered_rev IS NOT NULL "
                     "AND number < ?2",
                     before_ms, last.number);
    }
    return rc;
}

static int each(struct fb_store *s, const char *text, fb_push_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_push push;
        rc = take_push(q, &push);
        if (rc == FB_OK) {
            rc = f(ctx, &push);
        }
        if (rc == FB_OK) {
            rc = fb_sql_step(q);
        }
    }
    return rc;
}

int fb_outbox_each_uncovered(struct fb_store *s, fb_push_each *f, void *ctx)
{
    return each(s, "SELECT " PUSH_COLUMNS " FROM fb_push WHERE covered_rev IS NULL ORDER BY number",
                f, ctx);
}

int fb_outbox_each_pending(struct fb_store *s, fb_push_each *f, void *ctx)
{
    return each(s,
                "SELECT " PUSH_COLUMNS
                " FROM fb_push WHERE acked_at_ms IS NULL ORDER BY number > 0,"
                " iif(number > 0, 0, origin_incarnation), iif(number > 0, number, origin_number)",
                f, ctx);
}

/* ---- Lives ---- */

/* Numbers that no push has while others move past each other. */
#define ASIDE "1099511627776"

int fb_outbox_keep_acked(struct fb_store *s)
{
    static const char *const STEPS[] = {
        "UPDATE fb_push SET origin_incarnation = incarnation, origin_number = number, origin_hash "
        "= "
        "hash WHERE number > 0 AND acked_at_ms IS NOT NULL AND origin_number IS NULL",
        "UPDATE fb_push SET covered_rev = coalesce(covered_rev, 1) WHERE acked_at_ms IS NOT NULL",
        "UPDATE fb_push_part SET number = number + " ASIDE " WHERE number IN (SELECT number FROM "
        "fb_push WHERE number > 0 AND acked_at_ms IS NOT NULL)",
        "UPDATE fb_push SET number = number + " ASIDE
        " WHERE number > 0 AND acked_at_ms IS NOT NULL",
        /* The newest becomes one less than the smallest there is. */
        "UPDATE fb_push_part SET number = number - (SELECT max(number) FROM fb_push) + (SELECT "
        "min(1, min(number)) FROM fb_push) - 1 WHERE number > " ASIDE,
        "UPDATE fb_push SET number = number - (SELECT max(number) FROM fb_push) + (SELECT min(1, "
        "min(number)) FROM fb_push) - 1 WHERE number > " ASIDE,
    };
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sizeof STEPS / sizeof *STEPS; i++) {
        rc = fb_sql_exec(s, STEPS[i]);
    }
    return rc;
}

#define REOPEN_SQL                                                                                 \
    "UPDATE fb_push SET was_answered = iif(covered_rev IS NULL, was_answered, 1), "                \
    "acked_at_ms = NULL, covered_rev = NULL WHERE "

int fb_outbox_reopen(struct fb_store *s, int64_t after_number)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, REOPEN_SQL "number > ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, after_number);
    return fb_sql_run(q);
}

int fb_outbox_offer_kept(struct fb_store *s, bool *ret_any)
{
    int rc = fb_sql_exec(s, REOPEN_SQL "number <= 0");
    *ret_any = rc == FB_OK && fb_sql_changes(s) > 0;
    return rc;
}

int fb_outbox_renumber(struct fb_store *s, int64_t from, const struct fb_push *to)
{
    int rc = run_two(s, "UPDATE fb_push_part SET number = ?1 WHERE number = ?2", to->number, from);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "UPDATE fb_push SET number = ?1, incarnation = ?2, prev_hash = ?3, hash = ?4 "
                      "WHERE number = ?5",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, to->number);
    fb_sql_bind_int(q, 2, to->incarnation);
    fb_sql_bind_bytes(q, 3, to->prev_hash.bytes, sizeof to->prev_hash.bytes);
    fb_sql_bind_bytes(q, 4, to->hash.bytes, sizeof to->hash.bytes);
    fb_sql_bind_int(q, 5, from);
    return fb_sql_run(q);
}

int fb_outbox_count(struct fb_store *s, int64_t *ret_pending_pushes, int64_t *ret_pending_changes)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT count(*), coalesce(sum(changes), 0) FROM fb_push WHERE acked_at_ms IS NULL", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_DAMAGED;
    }
    *ret_pending_pushes = fb_sql_int(q, 0);
    *ret_pending_changes = fb_sql_int(q, 1);
    return FB_OK;
}

int fb_stage_add(struct fb_store *s, int64_t rev, int64_t rows, const void *bytes, size_t size,
                 const void *position, size_t position_size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "INSERT INTO fb_stage (rev, rows, bytes, position) VALUES (?1, ?2, ?3, ?4)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, rev);
    fb_sql_bind_int(q, 2, rows);
    fb_sql_bind_bytes(q, 3, bytes, size);
    fb_sql_bind_bytes(q, 4, position, position_size);
    return fb_sql_run(q);
}

static int append_position(struct fb_store *s, struct fb_buf *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT position FROM fb_stage ORDER BY seq DESC LIMIT 1", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    struct fb_value v = fb_sql_value(q, 0);
    fb_buf_append(ret, v.bytes, v.size);
    return fb_buf_error(ret);
}

int fb_stage_position(struct fb_store *s, struct fb_buf *ret_position, int64_t *ret_rev_min,
                      int64_t *ret_rows)
{
    int rc = append_position(s, ret_position);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "SELECT min(rev), sum(rows) FROM fb_stage", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_DAMAGED;
    }
    *ret_rev_min = fb_sql_int(q, 0);
    *ret_rows = fb_sql_int(q, 1);
    return FB_OK;
}

int fb_stage_each(struct fb_store *s, fb_stage_each_chunk *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT bytes FROM fb_stage ORDER BY seq", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_value v = fb_sql_value(q, 0);
        rc = f(ctx, (const uint8_t *)v.bytes, v.size);
        if (rc == FB_OK) {
            rc = fb_sql_step(q);
        }
    }
    return rc;
}

int fb_stage_clear(struct fb_store *s)
{
    return fb_sql_exec(s, "DELETE FROM fb_stage");
}
