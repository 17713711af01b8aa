/* SPDX-License-Identifier: MIT
 *
 * A cut into the database: rows, removes, cursor, scopes and what it answers, in one transaction
 * (law 4; rules 4 to 9, 14, 24).
 *
 *     begin, triggers off
 *       what is pending              read here, not earlier (rule 8)
 *       a full cut: freeze, then the staged rows
 *       the frames as they came      rows beside what is pending; removes with custody
 *       the counts of the cut agree  or everything is undone
 *       absent rows, orphans         deleted
 *       pushes answered, scopes held, cursor := H
 *     commit
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/sync/replica_internal.h"
#include "common/sync/seen_changes.h"

/* ---- Rows ---- */

struct incoming {
    const struct fb_row *row;
    const struct fb_old_value *old; /* this row's, rule 24 */
    size_t old_count;
    const struct fb_pending_row *pending; /* NULL: nothing is */
    struct fb_row local;
    bool is_here;
    bool checks_found; /* a local difference is found (rule 24) */
};

static const struct fb_value *old_value(const struct incoming *in, uint32_t field_no)
{
    for (size_t i = 0; i < in->old_count; i++) {
        if (in->old[i].field_no == field_no) {
            return &in->old[i].value;
        }
    }
    return NULL;
}

static bool may_differ(const struct incoming *in, const struct fb_field *field)
{
    const struct fb_pending_row *p = in->pending;
    if (p == NULL) {
        return false;
    }
    return fb_mask_has(FB_BUG(OPEN_ROWS_FOUND) ? p->kept : p->touched, field->index);
}

/* What the field held at the cursor: its old value, or what it still holds. A value that is also
 * headquarters' is in nobody's way. */
static bool is_as_expected(const struct fb_apply *a, const struct incoming *in,
                           const struct fb_field *field)
{
    const struct fb_value *now = &in->row->values[field->index];
    const struct fb_value *old = old_value(in, field->no);
    const struct fb_value *expected = old != NULL ? old : now;
    return expected->type == FB_ABSENT || now->type == FB_ABSENT ||
           field->visibility == FB_SEEN_ON_DEVICE ||
           fb_value_equal(expected, &in->local.values[field->index]) ||
           fb_value_equal(now, &in->local.values[field->index]) || may_differ(in, field) ||
           (fb_value_is_empty(&in->local.values[field->index]) &&
            fb_hidden_has(&a->leaving, in->row->entity, field)); /* it was hidden until now */
}

/* A row that was at headquarters when the laptop's cut was made should be here. */
static bool was_there_at_cursor(struct fb_apply *a, const struct incoming *in)
{
    if (in->old_count > 0) {
        return true;
    }
    const struct fb_value *created_at = &in->row->stamps[0];
    int64_t created_ms = 0;
    int64_t cut_ms = 0;
    return a->round->was_repair && created_at->type == FB_TEXT &&
           fb_instant_parse(created_at->bytes, created_at->size, &created_ms) &&
           fb_store_meta_int(a->store, "cut_at_ms", &cut_ms) == FB_OK && created_ms <= cut_ms;
}

/* Keeps local values that no journal row explains (rule 24); the mask tells which, for a planted
 * bug. */
static int keep_found(struct fb_apply *a, const struct incoming *in, uint64_t *mask)
{
    const struct fb_entity *e = in->row->entity;
    struct fb_found f = fb_apply_found(a);
    if (!in->is_here) {
        bool is_missing = in->pending == NULL && was_there_at_cursor(a, in);
        return is_missing ? fb_found_value(&f, e, in->row->id, "id", &fb_value_null) : FB_OK;
    }
    if (in->pending != NULL &&
        (FB_BUG(OPEN_ROWS_FOUND) ? in->pending->is_kept_whole : in->pending->is_touched_whole)) {
        return FB_OK;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        if (!is_as_expected(a, in, &e->fields[i])) {
            fb_mask_set(mask, (uint32_t)i);
            rc = fb_found_value(&f, e, in->row->id, e->fields[i].name, &in->local.values[i]);
        }
    }
    return rc;
}

static bool may_be_indexed(const struct fb_field *f)
{
    return f->is_indexed || f->is_unique || f->target_count > 0;
}

static bool are_stamps_equal(const struct incoming *in)
{
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (!fb_value_equal(&in->row->stamps[i], &in->local.stamps[i])) {
            return false;
        }
    }
    return true;
}

/* What is to be written over the row that is here: nothing pending, nothing hidden. An indexed
 * column that stays as it is is left out, since its index would be written anew; others are not,
 * so that a few statements serve all rows. False if the row is as it came. */
static bool choose_fields(const struct fb_apply *a, const struct incoming *in, uint64_t *mask)
{
    const struct fb_entity *e = in->row->entity;
    bool has_changed = false;
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_value *v = &in->row->values[i];
        bool is_kept = in->pending != NULL && fb_mask_has(in->pending->kept, (uint32_t)i);
        if (v->type == FB_ABSENT && !is_kept && !fb_value_is_empty(&in->local.values[i]) &&
            fb_hidden_has(&a->held, e, &e->fields[i])) {
            in->row->values[i] = FB_VALUE_NULL; /* not his any more */
        }
        if (v->type == FB_ABSENT || is_kept) {
            continue;
        }
        bool is_equal = fb_value_equal(v, &in->local.values[i]);
        has_changed |= !is_equal;
        if (!is_equal || !may_be_indexed(&e->fields[i])) {
            fb_mask_set(mask, (uint32_t)i);
        }
    }
    return has_changed;
}

static int write_over(struct fb_apply *a, const struct incoming *in)
{
    uint64_t mask[FB_ROW_MASK_WORDS] = {0};
    if (choose_fields(a, in, mask)) {
        return fb_row_update(a->store, in->row, mask, true);
    }
    if (are_stamps_equal(in)) {
        return FB_OK;
    }
    memset(mask, 0, sizeof mask);
    return fb_row_update(a->store, in->row, mask, true);
}

static int write_row(struct fb_apply *a, const struct incoming *in)
{
    if (a->inserts_plainly) {
        int rc = fb_row_insert(a->store, in->row);
        return rc == FB_ERR_CONSTRAINT ? fb_row_write(a->store, in->row) : rc;
    }
    return in->is_here ? write_over(a, in) : fb_row_write(a->store, in->row);
}

/* Planted bug: the found value becomes an edit. */
static int push_found(struct fb_apply *a, const struct incoming *in, const uint64_t *mask)
{
    fb_store_capture(a->store, true);
    int rc = fb_row_update(a->store, &in->local, mask, false);
    fb_store_capture(a->store, false);
    return rc;
}

static bool is_any(const uint64_t *mask)
{
    return (mask[0] | mask[1] | mask[FB_ROW_MASK_WORDS - 1]) != 0;
}

/* After a restore of headquarters a row that no chunk brought, only the pull that closes the gap, meets what stood here before. */
static int note_came(struct fb_apply *a, struct incoming *in)
{
    struct fb_key key = fb_key_of_row(in->row->entity->no, in->row->id);
    uint32_t value;
    bool is_new = false;
    int rc = a->tracks_came ? fb_keymap_add(&a->came, key, 1, &value, &is_new) : FB_OK;
    in->checks_found =
        a->checks_found || (a->round->found_since > 0 && is_new && !FB_BUG(GAP_HIDES_LOST));
    if (rc == FB_OK && a->have_scopes_changed && !a->is_staging) {
        rc = fb_keymap_add(&a->came_now, key, 1, &value, &is_new);
    }
    return rc;
}

/* What stands here, and what of it no edit explains. *ret_waits: the row is in custody; the cut that answers its push brings it, not one
 * without its edits. */
static int meet_local(struct fb_apply *a, struct incoming *in, uint64_t *found, bool *ret_waits)
{
    const struct fb_row *row = in->row;
    int rc = fb_row_read(a->store, row->entity, row->id, &a->scratch, &in->local, &in->is_here);
    if (rc == FB_OK && in->checks_found) {
        rc = keep_found(a, in, found);
    }
    *ret_waits = !in->is_here && in->pending != NULL && in->pending->is_pending;
    if (rc < 0 || *ret_waits || !in->checks_found) {
        return rc;
    }
    return fb_changes_note(a->store, in->is_here ? &in->local : NULL, row,
                           in->pending == NULL ? NULL : in->pending->kept, a->cut->rev,
                           a->round->now_ms);
}

static int apply_row(struct fb_apply *a, struct incoming *in)
{
    const struct fb_row *row = in->row;
    uint64_t found[FB_ROW_MASK_WORDS] = {0};
    bool waits = false;
    int rc = note_came(a, in);
    in->pending =
        FB_BUG(PENDING_IGNORED) ? NULL : fb_pending_find(&a->pending, row->entity, row->id);
    if (rc < 0 || (in->pending != NULL && in->pending->is_kept_whole)) {
        return rc;
    }
    if (in->checks_found || in->pending != NULL) {
        rc = meet_local(a, in, found, &waits);
    }
    if (rc < 0 || waits) {
        return rc;
    }
    rc = write_row(a, in);
    rc = rc < 0 ? rc : fb_references_arrived(a, row);
    if (rc == FB_OK && is_any(found) && FB_BUG(FOUND_VALUE_PUSHED)) {
        rc = push_found(a, in, found);
    }
    return rc;
}

static int apply_rows(struct fb_apply *a, const struct fb_rows *batch)
{
    size_t old_at = 0;
    for (size_t i = 0; i < batch->row_count; i++) {
        struct incoming in = {.row = &batch->rows[i], .old = batch->old + old_at};
        while (old_at < batch->old_count && batch->old[old_at].row == i) {
            old_at++;
            in.old_count++;
        }
        int rc = apply_row(a, &in);
        if (rc < 0) {
            return rc;
        }
        fb_arena_clear(&a->scratch);
        a->rows++;
    }
    if (old_at != batch->old_count) {
        return fb_replica_fail(a->round, FB_ERR_PROTOCOL,
                               "headquarters sent old values out of order: update both programs");
    }
    return FB_OK;
}

static int apply_message(struct fb_apply *a, const struct fb_message *m)
{
    switch (m->kind) {
    case FB_MESSAGE_ROWS:
        return apply_rows(a, &m->rows);
    case FB_MESSAGE_REMOVES:
        return fb_apply_removes(a, &m->removes);
    case FB_MESSAGE_EVICT:
        return fb_apply_evict(a, &m->evict);
    case FB_MESSAGE_REFERENCES:
        return fb_apply_references(a, &m->references);
    default:
        return fb_replica_fail(a->round, FB_ERR_PROTOCOL, "a cut holds a message of kind %d",
                               (int)m->kind);
    }
}

int fb_apply_frames(struct fb_apply *a, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t frame = 0;
        int rc = fb_frame_find(bytes + at, size - at, FB_FRAME_BYTES_MAX, &frame, &a->round->why);
        if (rc == FB_OK && frame == 0) {
            rc = FB_ERR_PROTOCOL; /* kept frames are whole */
        }
        struct fb_message m;
        if (rc == FB_OK) {
            rc = fb_message_decode(bytes + at, frame, a->catalogue, &a->arena, &m, &a->round->why);
        }
        if (rc == FB_OK) {
            rc = apply_message(a, &m);
        }
        fb_arena_clear(&a->arena);
        if (rc < 0) {
            return rc;
        }
        at += frame;
    }
    return FB_OK;
}

int fb_apply_freeze(struct fb_apply *a)
{
    if (a->is_journal_frozen) {
        return FB_OK;
    }
    int64_t number = 0;
    int rc = fb_replica_freeze(a->store, a->round->now_ms, &number);
    if (rc == FB_OK) {
        a->is_journal_frozen = true;
    }
    return rc;
}

/* ---- The end of a cut ---- */

static struct fb_digest hash_scopes(const struct fb_cut *cut)
{
    struct fb_digest sum = {0};
    for (size_t i = 0; i < cut->scope_count; i++) {
        struct fb_digest one = fb_digest_of(cut->scopes[i], strlen(cut->scopes[i]));
        fb_digest_add(&sum, &one);
    }
    return sum;
}

static int hold_scopes(struct fb_apply *a)
{
    struct fb_digest hash = hash_scopes(a->cut);
    if (fb_digest_equal(&hash, &a->round->scopes_hash)) {
        return FB_OK;
    }
    int rc = fb_sql_exec(a->store, "DELETE FROM fb_scope_held");
    struct fb_sql *q;
    if (rc == FB_OK) {
        rc = fb_sql_begin(a->store,
                          "INSERT INTO fb_scope_held (key) VALUES (?1) ON CONFLICT DO NOTHING", &q);
    }
    if (rc != FB_OK) {
        return rc;
    }
    for (size_t i = 0; rc == FB_OK && i < a->cut->scope_count; i++) {
        fb_sql_bind_text(q, 1, a->cut->scopes[i]);
        rc = fb_sql_run(q);
    }
    fb_sql_end(q);
    return rc;
}

static int cover_pushes(struct fb_apply *a)
{
    struct fb_replica_round *r = a->round;
    if (a->cut->seen <= r->covered) {
        return FB_OK;
    }
    int rc = fb_outbox_mark_acked(a->store, a->cut->seen, r->now_ms);
    if (rc == FB_OK) {
        rc = fb_outbox_mark_covered(a->store, a->cut->seen, a->cut->rev, a->cut->at_ms);
    }
    if (rc == FB_OK && r->now_ms - r->expired_at_ms > FB_EXPIRE_EVERY_MS) {
        r->expired_at_ms = r->now_ms;
        rc = fb_outbox_expire(a->store, a->cut->at_ms - FB_PUSH_KEEP_MS);
    }
    if (rc == FB_OK && FB_BUG(ACKED_PUSHES_DROPPED)) {
        rc = fb_outbox_expire(a->store, INT64_MAX);
    }
    return rc;
}

/* From when on closed records are here (law 12); for people, what leaves headquarters takes away. */
static int note_history(struct fb_store *s, const struct fb_cut *cut)
{
    int64_t before = 0;
    int rc = fb_replica_meta_int(s, "history_from_ms", 0, &before);
    return rc < 0 || before == cut->history_from_ms
               ? rc
               : fb_replica_set_int(s, "history_from_ms", cut->history_from_ms);
}

static int move_cursor(struct fb_store *s, const struct fb_cut *cut)
{
    int rc = fb_replica_set_int(s, "cursor", cut->rev);
    rc = rc < 0 ? rc : note_history(s, cut);
    if (rc == FB_OK) {
        rc = fb_journal_note_cursor(s, cut->rev);
    }
    if (rc == FB_OK) {
        rc = fb_replica_set_int(s, "cut_at_ms", cut->at_ms);
    }
    if (rc == FB_OK) {
        struct fb_value head = fb_value_blob(cut->log_head.bytes, sizeof cut->log_head.bytes);
        rc = fb_store_meta_set(s, "log_head", &head);
    }
    return rc;
}

static int end_full_cut(struct fb_store *s)
{
    struct fb_value none = fb_value_text("");
    int rc = fb_replica_stage_drop(s);
    rc = rc < 0 ? rc : fb_replica_set_int(s, "found_since", 0);
    rc = rc < 0 ? rc : fb_store_meta_set(s, "cursor_timeline", &none);
    return rc < 0 ? rc : fb_replica_set_int(s, "resync", 0);
}

static int end_cut(struct fb_apply *a)
{
    int rc = cover_pushes(a);
    if (rc == FB_OK && a->checks_found) {
        rc = fb_changes_trim(a->store);
    }
    if (rc == FB_OK) {
        rc = hold_scopes(a);
    }
    if (rc == FB_OK && a->round->has_spilled) {
        rc = fb_sql_exec(a->store, "DELETE FROM fb_cut_frames");
    }
    if (rc == FB_OK && a->round->pull_kind == FB_PULL_GAP) {
        rc = end_full_cut(a->store);
    }
    if (rc == FB_OK && !FB_BUG(CURSOR_MOVED_SEPARATELY) && !FB_BUG(CURSOR_MOVED_FIRST)) {
        rc = move_cursor(a->store, a->cut);
    }
    return rc;
}

/* ---- The transaction ---- */

static int load_pending(struct fb_apply *a)
{
    struct fb_replica_round *r = a->round;
    if (FB_BUG(PENDING_READ_BEFORE_APPLY)) {
        a->pending = r->early_pending;
        r->early_pending = (struct fb_pending){0};
        return FB_OK;
    }
    return fb_pending_load(a->store, a->cut->seen, &a->pending);
}

static int check_counts(struct fb_apply *a)
{
    if (a->rows == a->cut->rows && a->removes == a->cut->removes) {
        return FB_OK;
    }
    return fb_replica_fail(a->round, FB_ERR_PROTOCOL,
                           "a cut came with %lld rows and %lld removes instead of %lld and %lld: "
                           "nothing of it was applied",
                           (long long)a->rows, (long long)a->removes, (long long)a->cut->rows,
                           (long long)a->cut->removes);
}

static int play_frames(void *ctx, const uint8_t *bytes, size_t size)
{
    return fb_apply_frames(ctx, bytes, size);
}

static int begin_full_cut(struct fb_apply *a)
{
    if (FB_BUG(FULL_CUT_WITHOUT_FREEZE)) {
        fb_pending_release(&a->pending);
    } else {
        int rc = fb_apply_freeze(a);
        if (rc < 0) {
            return rc;
        }
    }
    return fb_apply_staged(a);
}

static int play(struct fb_apply *a)
{
    struct fb_replica_round *r = a->round;
    bool is_full = r->pull_kind == FB_PULL_GAP;
    int rc = load_pending(a);
    rc = rc < 0 ? rc : fb_references_look(a);
    rc = rc < 0 ? rc : fb_apply_compare_scopes(a);
    if (rc == FB_OK && is_full) {
        rc = begin_full_cut(a);
    }
    rc = rc < 0 ? rc : fb_apply_hide(a);
    if (rc == FB_OK) {
        rc = fb_replica_each_frames(r, play_frames, a);
    }
    if (rc == FB_OK) {
        rc = check_counts(a);
    }
    if (rc == FB_OK && is_full && !FB_BUG(FULL_CUT_KEEPS_OLD_ROWS)) {
        rc = fb_apply_delete_absent(a);
    }
    if (rc == FB_OK && r->was_repair) {
        rc = fb_apply_delete_unexplained(a);
    }
    if (rc == FB_OK && a->have_scopes_changed) {
        rc = fb_apply_scopes(a);
    }
    if (rc == FB_OK && a->removed_count > 0 && !FB_BUG(ORPHANS_LEFT)) {
        rc = fb_apply_sweep(a);
    }
    return rc;
}

static int move_cursor_alone(struct fb_replica_round *r, const struct fb_cut *cut)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = move_cursor(r->store, cut);
    if (rc == FB_OK) {
        return fb_store_commit(r->store);
    }
    fb_store_rollback(r->store);
    return rc;
}

static int apply_in_transaction(struct fb_apply *a)
{
    int rc = fb_store_begin(a->store);
    if (rc < 0) {
        return rc;
    }
    fb_store_capture(a->store, FB_BUG(ROWS_APPLIED_WITH_TRIGGERS));
    rc = play(a);
    if (rc == FB_OK) {
        rc = end_cut(a);
    }
    if (rc == FB_OK) {
        rc = fb_store_commit(a->store);
    } else {
        fb_store_rollback(a->store);
    }
    fb_store_capture(a->store, true);
    return rc;
}

/* Nothing came and nothing is answered: the cursor moves in memory, a commit would tell nobody
 * anything. */
static bool is_idle(const struct fb_replica_round *r, const struct fb_cut *cut)
{
    struct fb_digest hash = hash_scopes(cut);
    return r->pull_kind == FB_PULL_CHANGES && r->frames.size == 0 && !r->has_spilled &&
           !r->was_repair && cut->rows == 0 && cut->removes == 0 && cut->seen <= r->covered &&
           r->cursor_on_disk > 0 && cut->rev - r->cursor_on_disk < FB_CURSOR_LAG_REVS_MAX &&
           fb_digest_equal(&hash, &r->scopes_hash);
}

static void release(struct fb_apply *a)
{
    fb_pending_release(&a->pending);
    fb_keymap_release(&a->came);
    fb_arena_release(&a->arena);
    fb_arena_release(&a->scratch);
    fb_arena_release(&a->kept);
    fb_keymap_release(&a->came_now);
    free(a->removed);
}

/* The transaction stands: memory follows. */
static int note_applied(struct fb_replica_round *r, const struct fb_apply *a)
{
    r->status.rows_received += a->rows;
    r->status.removes_received += a->removes;
    r->status.found += a->found;
    r->cursor_on_disk = a->cut->rev;
    r->scopes_hash = hash_scopes(a->cut);
    r->has_spilled = false;
    if (a->cut->seen > r->covered) {
        r->covered = a->cut->seen;
    }
    if (r->pull_kind == FB_PULL_GAP) {
        r->is_resync = r->resyncs_by_digest = false;
        r->rows_same = 0;
        r->found_since = 0;
        r->is_stage_complete = false;
        r->status.is_first_download = false;
    }
    return a->is_journal_frozen ? fb_outbox_last(r->store, &r->last) : FB_OK;
}

int fb_replica_apply(struct fb_replica_round *r, const struct fb_cut *cut)
{
    if (is_idle(r, cut)) {
        return FB_OK;
    }
    struct fb_apply a = {
        .round = r,
        .store = r->store,
        .catalogue = fb_store_catalogue(r->store),
        .cut = cut,
        .tracks_came = r->was_repair,
        .checks_found = r->pull_kind == FB_PULL_CHANGES,
    };
    int rc = FB_BUG(CURSOR_MOVED_FIRST) ? move_cursor_alone(r, cut) : FB_OK;
    if (rc == FB_OK) {
        rc = apply_in_transaction(&a);
    }
    if (rc == FB_OK && FB_BUG(CURSOR_MOVED_SEPARATELY)) {
        rc = move_cursor_alone(r, cut);
    }
    if (rc == FB_OK) {
        rc = note_applied(r, &a);
    }
    release(&a);
    return rc;
}
