/* SPDX-License-Identifier: MIT
 *
 * Frames of a cut on their way, and the full cut: each chunk is stored as it came, with the rev it
 * was read at, in one small transaction; after the last one an ordinary pull from the smallest rev
 * closes the gap, and everything is applied in one transaction. A cut link costs at most the chunk
 * in flight.
 *
 * Memory: a chunk, or FB_CUT_MEMORY_BYTES_MAX of a cut; while applying one frame at a time, and
 * (only if rows are here already) 40 to 80 bytes for each row that came.
 */
#include "common/sync/replica_internal.h"

/* ---- Frames that wait ---- */

static int spill(struct fb_replica_round *r)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    struct fb_sql *q;
    rc = fb_sql_begin(r->store, "INSERT INTO fb_cut_frames (bytes) VALUES (?1)", &q);
    if (rc == FB_OK) {
        fb_sql_bind_bytes(q, 1, r->frames.bytes, r->frames.size);
        rc = fb_sql_run(q);
        fb_sql_end(q);
    }
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    if (rc == FB_OK) {
        r->has_spilled = true;
        fb_buf_clear(&r->frames);
    }
    return rc;
}

int fb_replica_keep_frame(struct fb_replica_round *r, const uint8_t *frame, size_t size)
{
    if (r->pull_kind == FB_PULL_CHUNK) {
        if (r->frames.size + size > FB_CHUNK_BYTES_MAX) {
            return fb_replica_fail(
                r, FB_ERR_LIMIT,
                "headquarters sent a chunk of more than %d bytes: update both programs",
                FB_CHUNK_BYTES_MAX);
        }
    } else if (r->frames.size > 0 && r->frames.size + size > (size_t)FB_CUT_MEMORY_BYTES_MAX) {
        int rc = spill(r);
        if (rc < 0) {
            return rc;
        }
    }
    fb_buf_append(&r->frames, frame, size);
    return fb_buf_error(&r->frames);
}

int fb_replica_drop_frames(struct fb_replica_round *r)
{
    fb_buf_clear(&r->frames);
    fb_buf_clear(&r->scope_digests);
    if (!r->has_spilled) {
        return FB_OK;
    }
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_exec(r->store, "DELETE FROM fb_cut_frames");
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    r->has_spilled = rc < 0;
    return rc;
}

int fb_replica_each_frames(struct fb_replica_round *r,
                           int (*f)(void *ctx, const uint8_t *bytes, size_t size), void *ctx)
{
    if (r->has_spilled) {
        struct fb_sql *q;
        int rc = fb_sql_begin(r->store, "SELECT bytes FROM fb_cut_frames ORDER BY seq", &q);
        if (rc < 0) {
            return rc;
        }
        while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
            struct fb_value v = fb_sql_value(q, 0);
            rc = f(ctx, (const uint8_t *)v.bytes, v.size);
            if (rc < 0) {
                break;
            }
        }
        fb_sql_end(q);
        if (rc < 0) {
            return rc;
        }
    }
    return r->frames.size == 0 ? FB_OK : f(ctx, r->frames.bytes, r->frames.size);
}

/* ---- Chunks ---- */

/* The first chunk says which scopes the download brings; the pulls that go on name them. A later one that names any names those it
 * still brings: rows of the others may be among those staged, or among those that were there already. */
static int note_scopes(struct fb_replica_round *r, const struct fb_chunk *chunk)
{
    if (chunk->scope_count == 0) {
        return FB_OK;
    }
    struct fb_sql *q;
    bool has_some =
        r->status.rows_staged > 0 || (r->rows_same > 0 && !FB_BUG(SAME_SCOPE_LEFT_KEPT));
    int rc = fb_replica_set_int(r->store, "stage_has_left", has_some);
    rc = rc < 0 ? rc : fb_sql_exec(r->store, "DELETE FROM fb_stage_scope");
    rc = rc < 0
             ? rc
             : fb_sql_begin(r->store,
                            "INSERT INTO fb_stage_scope (key) VALUES (?1) ON CONFLICT DO NOTHING",
                            &q);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; rc == FB_OK && i < chunk->scope_count; i++) {
        fb_sql_bind_text(q, 1, chunk->scopes[i]);
        rc = fb_sql_run(q);
    }
    fb_sql_end(q);
    return rc;
}

static int store_chunk(struct fb_replica_round *r, const struct fb_chunk *chunk, int64_t rows)
{
    bool has_digests = r->scope_digests.size > 0;
    int64_t rev = has_digests && FB_BUG(SAME_REV_IGNORED) ? INT64_MAX : chunk->rev;
    int rc = has_digests ? fb_replica_note_same(r, chunk->rev) : FB_OK;
    rc = rc < 0 ? rc
                : fb_stage_add(r->store, rev, rows, r->frames.bytes, r->frames.size,
                               chunk->position, chunk->position_size);
    rc = rc < 0 ? rc : note_scopes(r, chunk);
    struct fb_value head = fb_value_blob(chunk->log_head.bytes, sizeof chunk->log_head.bytes);
    rc = rc < 0 ? rc : fb_store_meta_set(r->store, "stage_head", &head);
    rc = rc < 0 ? rc : fb_replica_set_int(r->store, "stage_rev", chunk->rev);
    return rc < 0 || !chunk->is_last ? rc : fb_replica_set_int(r->store, "stage_complete", 1);
}

/* Planted bug: readers see half a cut. */
static int apply_piecemeal(struct fb_replica_round *r)
{
    static const struct fb_cut no_cut;
    struct fb_apply a = {
        .round = r, .store = r->store, .catalogue = fb_store_catalogue(r->store), .cut = &no_cut};
    fb_store_capture(r->store, false);
    int rc = fb_apply_frames(&a, r->frames.bytes, r->frames.size);
    fb_store_capture(r->store, true);
    fb_arena_release(&a.arena);
    fb_arena_release(&a.scratch);
    return rc;
}

int fb_replica_stage(struct fb_replica_round *r, const struct fb_chunk *chunk)
{
    int64_t rows =
        chunk->rows_done > r->status.rows_staged ? chunk->rows_done - r->status.rows_staged : 0;
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = store_chunk(r, chunk, rows);
    if (rc == FB_OK && FB_BUG(STAGED_CUT_APPLIED_PIECEMEAL)) {
        rc = apply_piecemeal(r);
    }
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    if (rc < 0) {
        return rc;
    }
    fb_buf_clear(&r->frames);
    fb_buf_clear(&r->scope_digests);
    r->is_stage_complete = chunk->is_last;
    r->status.rows_staged += rows;
    r->status.rows_expected =
        chunk->rows_total > r->rows_same ? chunk->rows_total - r->rows_same : 0;
    return FB_OK;
}

int fb_replica_stage_drop(struct fb_store *s)
{
    int rc = fb_stage_clear(s);
    rc = rc < 0 ? rc : fb_replica_forget_same(s);
    rc = rc < 0 ? rc : fb_sql_exec(s, "DELETE FROM fb_stage_scope");
    rc = rc < 0 ? rc : fb_replica_set_int(s, "stage_has_left", 0);
    rc = rc < 0 ? rc : fb_replica_set_int(s, "stage_rev", 0);
    return rc < 0 ? rc : fb_replica_set_int(s, "stage_complete", 0);
}

/* ---- The horizon ---- */

/* What is to be noted in one transaction: the log does not reach back to the cursor, or to the rev at which the download began. */
static int note_horizon(struct fb_replica_round *r, bool must_resync, bool must_stage_anew)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = must_resync ? fb_replica_set_int(r->store, "resync", FB_RESYNC_BY_DIGEST) : FB_OK;
    if (must_resync && FB_BUG(SLEPT_LAPTOP_BEGINS_ANEW)) {
        rc = fb_sql_exec(r->store, "DELETE FROM fb_journal");
    }
    rc = rc < 0 || !must_stage_anew ? rc : fb_replica_stage_drop(r->store);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

int fb_replica_meet_horizon(struct fb_replica_round *r, int64_t horizon)
{
    FB_AUTO(fb_buf_release) struct fb_buf position;
    int64_t rev_min = 0;
    int64_t rows = 0;
    fb_buf_init(&position, FB_FRAME_BYTES_MAX);
    r->horizon = horizon;
    int rc = fb_stage_position(r->store, &position, &rev_min, &rows);
    bool must_stage_anew = rc == FB_OK && rev_min < horizon;
    bool must_resync = !fb_replica_needs_all(r) && r->status.cursor < horizon;
    if (rc == FB_ERR_NOT_FOUND) {
        rc = FB_OK;
    }
    if (rc < 0 || (!must_stage_anew && !must_resync)) {
        return rc;
    }
    rc = note_horizon(r, must_resync, must_stage_anew);
    if (rc == FB_OK) {
        r->is_resync = r->is_resync || must_resync;
        r->resyncs_by_digest = r->resyncs_by_digest || must_resync;
        r->rows_same = must_stage_anew ? 0 : r->rows_same;
        r->is_stage_complete = r->is_stage_complete && !must_stage_anew;
        r->status.rows_staged = must_stage_anew ? 0 : r->status.rows_staged;
    }
    return rc;
}

/* ---- Everything, in the transaction of the full cut ---- */

static int see_row(void *ctx, const struct fb_row *row)
{
    (void)row;
    *(bool *)ctx = true;
    return FB_OK;
}

static int are_tables_empty(struct fb_apply *a, bool *ret)
{
    bool has_row = false;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && !has_row && i < a->catalogue->entity_count; i++) {
        const struct fb_entity *e = &a->catalogue->entities[i];
        if (fb_entity_is_synced(e)) {
            rc = fb_row_scan(a->store, e, "", 1, see_row, &has_row);
        }
    }
    *ret = !has_row;
    return rc;
}

static int play_chunk(void *ctx, const uint8_t *bytes, size_t size)
{
    return fb_apply_frames(ctx, bytes, size);
}

static int is_bulk_load(struct fb_apply *a, bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf position;
    fb_buf_init(&position, FB_CHUNK_BYTES_MAX);
    int64_t rev = 0;
    int64_t rows = 0;
    int rc = a->inserts_plainly ? fb_stage_position(a->store, &position, &rev, &rows) : FB_OK;
    *ret = rows >= FB_BULK_ROWS_MIN;
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

int fb_apply_staged(struct fb_apply *a)
{
    bool is_bulk = false;
    int rc = are_tables_empty(a, &a->inserts_plainly);
    rc = rc < 0 ? rc : is_bulk_load(a, &is_bulk);
    a->tracks_came = !a->inserts_plainly;
    a->checks_found = a->round->found_since > 0 && !a->inserts_plainly;
    if (rc == FB_OK && is_bulk) {
        rc = fb_row_bulk_begin(a->store);
    }
    a->is_staging = true;
    if (rc == FB_OK) {
        rc = fb_stage_each(a->store, play_chunk, a);
    }
    rc = rc < 0 ? rc : fb_apply_same(a);
    a->is_staging = false;
    if (rc == FB_OK && is_bulk) {
        rc = fb_row_bulk_end(a->store);
    }
    a->inserts_plainly = false;
    a->checks_found = false;
    a->round->status.rows_received += a->rows;
    a->rows = 0; /* the cut counts its own */
    return rc;
}

static int did_not_come(struct fb_apply *a, const struct fb_row *row, void *ctx, bool *ret_goes)
{
    (void)ctx;
    uint32_t value;
    *ret_goes = !fb_keymap_find(&a->came, fb_key_of_row(row->entity->no, row->id), &value);
    return *ret_goes ? fb_apply_keep_lost(a, row) : FB_OK;
}

int fb_apply_delete_absent(struct fb_apply *a)
{
    return a->tracks_came ? fb_apply_delete_where(a, did_not_come, NULL) : FB_OK;
}
