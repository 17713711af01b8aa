/* SPDX-License-Identifier: MIT
 *
 * The replica's side of the round: the object, its states, bytes in and out, deadlines.
 *
 * A round that goes well, and what may happen instead:
 *
 *     opened                  the link is up: hello is due
 *     take  -> HELLO
 *     feed  <- WELCOME        or REFUSE, or another incarnation or timeline (incarnation.c)
 *     feed  <- CATALOGUE      if ours is older; nothing else before
 *     take  -> PUSH_PART...   the journal is frozen first; parts that lie there already are skipped
 *     take  -> PULL           behind the last part, without waiting
 *     feed  <- ACK            or none: the welcome, or the cut, says `seen`
 *     feed  <- ROWS, REMOVES, CUT   applied in one transaction; a link cut before: forgotten
 *     take  -> the next push, the next pull, or nothing: in step
 *     noticed_write, POKE     again from the push, from the pull
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

enum { FEED_SLICE = 64 * 1024 };

/* ---- States ----
 *
 *              opened               welcome (and catalogue)
 *   OFFLINE ----------> GREETING --------------------------> PUSHING <-------------+
 *      ^                   |                                 |    |  ^             |
 *      |                   | refuse      last part, or       |    |  | chunk, cut  | write noticed
 *      | closed            v             nothing to push     v    |  |             |
 *      +------ REFUSED <-------------------------------- PULLING -+--+             |
 *      |                                                     ^    | nothing to fetch
 *      |                                               poke  |    v                |
 *      +-------------------------------------------------- IN_STEP ----------------+
 */
#define TO(state) (1u << FB_REPLICA_##state)

static const struct {
    const char *name;
    uint32_t next;
} states[] = {
    [FB_REPLICA_OFFLINE] = {"offline", TO(GREETING)},
    [FB_REPLICA_GREETING] = {"greeting", TO(PUSHING) | TO(REFUSED) | TO(OFFLINE)},
    [FB_REPLICA_PUSHING] = {"pushing", TO(PULLING) | TO(IN_STEP) | TO(REFUSED) | TO(OFFLINE)},
    [FB_REPLICA_PULLING] = {"pulling", TO(PUSHING) | TO(REFUSED) | TO(OFFLINE)},
    [FB_REPLICA_IN_STEP] = {"in step", TO(PUSHING) | TO(PULLING) | TO(REFUSED) | TO(OFFLINE)},
    [FB_REPLICA_REFUSED] = {"refused", TO(OFFLINE)},
};

const char *fb_replica_state_name(enum fb_replica_state state)
{
    return states[state].name;
}

void fb_replica_move(struct fb_replica_round *r, enum fb_replica_state to)
{
    fb_assert((states[r->status.state].next >> to & 1) != 0);
    r->status.state = to;
    if (to == FB_REPLICA_IN_STEP) {
        r->status.rounds++;
    }
}

int fb_replica_fail(struct fb_replica_round *r, int rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why.text, sizeof r->why.text, fb_text(format), args);
    va_end(args);
    return rc;
}

/* The sentence of a failure that nobody gave one: the store's, else the code's. */
static int remember(struct fb_replica_round *r, int rc)
{
    if (rc >= 0) {
        return rc;
    }
    if (r->why.text[0] == '\0') {
        struct fb_why store_why = {""};
        bool is_store = fb_store_error(r->store, &store_why) == rc && store_why.text[0] != '\0';
        fb_why_set(&r->why, "%s", is_store ? store_why.text : fb_err_sentence(rc));
    }
    memcpy(r->status.sentence, r->why.text, sizeof r->status.sentence);
    r->why.text[0] = '\0';
    r->error = rc;
    return rc;
}

/* ---- Small facts ---- */

int fb_replica_meta_int(struct fb_store *s, const char *key, int64_t missing, int64_t *ret)
{
    int64_t value = missing;
    int rc = fb_store_meta_int(s, key, &value);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    *ret = value;
    return FB_OK;
}

int fb_replica_set_int(struct fb_store *s, const char *key, int64_t value)
{
    struct fb_value v = fb_value_int(value);
    return fb_store_meta_set(s, key, &v);
}

bool fb_replica_has_open(const struct fb_replica_round *r)
{
    return r->covered < r->last.number;
}

bool fb_replica_needs_all(const struct fb_replica_round *r)
{
    return r->status.cursor == 0 || r->is_resync;
}

/* ---- What is on disk ---- */

static int note_uncovered(void *ctx, const struct fb_push *push)
{
    int64_t *first = ctx;
    if (*first == 0 && push->number > 0) {
        *first = push->number;
    }
    return FB_OK;
}

static int load_outbox(struct fb_replica_round *r)
{
    int rc = fb_outbox_last(r->store, &r->last);
    int64_t first_uncovered = 0;
    if (rc == FB_OK) {
        rc = fb_outbox_each_uncovered(r->store, note_uncovered, &first_uncovered);
    }
    if (rc == FB_OK) {
        r->covered = first_uncovered > 0 ? first_uncovered - 1 : r->last.number;
        r->acked = r->covered;
    }
    return rc;
}

static int load_scopes(struct fb_replica_round *r)
{
    struct fb_sql *q;
    int rc = fb_sql_begin(r->store, "SELECT key FROM fb_scope_held", &q);
    if (rc < 0) {
        return rc;
    }
    r->scopes_hash = (struct fb_digest){0};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value key = fb_sql_value(q, 0);
        struct fb_digest one = fb_digest_of(key.bytes, key.size);
        fb_digest_add(&r->scopes_hash, &one);
    }
    fb_sql_end(q);
    return rc;
}

static int load_stage(struct fb_replica_round *r)
{
    int64_t resync = 0;
    int64_t complete = 0;
    int rc = fb_replica_meta_int(r->store, "resync", 0, &resync);
    if (rc == FB_OK) {
        rc = fb_replica_meta_int(r->store, "stage_complete", 0, &complete);
    }
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_meta_int(r->store, "stage_same_rows", 0, &r->rows_same);
    rc = rc < 0 ? rc : fb_replica_meta_int(r->store, "found_since", 0, &r->found_since);
    if (rc < 0) {
        return rc;
    }
    r->is_resync = resync != 0;
    r->resyncs_by_digest = resync == FB_RESYNC_BY_DIGEST;
    r->is_stage_complete = complete != 0;
    return FB_OK;
}

int fb_replica_load(struct fb_replica_round *r)
{
    int rc = fb_replica_meta_int(r->store, "cursor", 0, &r->cursor_on_disk);
    if (rc == FB_OK) {
        rc = load_outbox(r);
    }
    if (rc == FB_OK) {
        rc = load_stage(r);
    }
    if (rc == FB_OK) {
        rc = load_scopes(r);
    }
    struct fb_sha256 head = {{0}};
    if (rc == FB_OK) {
        rc = fb_store_meta_blob(r->store, "log_head", head.bytes, sizeof head.bytes);
        rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    }
    r->log_head = head;
    r->status.cursor = r->cursor_on_disk;
    r->status.is_first_download = r->cursor_on_disk == 0;
    return rc;
}

/* ---- Life ---- */

int fb_replica_round_new(struct fb_store *store, const struct fb_random *random,
                         struct fb_replica_round **ret)
{
    struct fb_replica_round *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->store = store;
    r->random = *random;
    fb_arena_init(&r->arena, 0);
    fb_buf_init(&r->in, FB_FRAME_BYTES_MAX + 2 * FEED_SLICE);
    fb_buf_init(&r->frames,
                FB_CHUNK_BYTES_MAX + (size_t)FB_CUT_MEMORY_BYTES_MAX + FB_FRAME_BYTES_MAX);
    fb_buf_init(&r->scope_digests, FB_SCOPE_DIGESTS_BYTES_MAX);
    r->has_spilled =
        true; /* frames of a cut that a crash left behind go with the first connection */
    int rc = fb_replica_load(r);
    if (rc < 0) {
        fb_replica_round_free(r);
        return rc;
    }
    *ret = r;
    return FB_OK;
}

void fb_replica_round_free(struct fb_replica_round *r)
{
    if (r == NULL) {
        return;
    }
    fb_replica_drop_repair(r);
    fb_pending_release(&r->early_pending);
    fb_buf_release(&r->in);
    fb_buf_release(&r->frames);
    fb_buf_release(&r->scope_digests);
    fb_arena_release(&r->arena);
    free(r);
}

static bool has_spilled_rows(struct fb_replica_round *r, int *ret_rc)
{
    struct fb_sql *q;
    *ret_rc = fb_sql_begin(r->store, "SELECT 1 FROM fb_cut_frames LIMIT 1", &q);
    if (*ret_rc < 0) {
        return false;
    }
    int rc = fb_sql_step(q);
    fb_sql_end(q);
    *ret_rc = rc < 0 ? rc : FB_OK;
    return rc == FB_SQL_ROW;
}

/* Planted bug. */
static int rebuild_push(struct fb_replica_round *r)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_rebuild_push(r->store, r->now_ms);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

int fb_replica_mend(struct fb_replica_round *r)
{
    struct fb_store_health health = {0};
    int rc = fb_store_check_schema(r->store, &health);
    bool is_mended =
        health.triggers_restored > 0 || health.tables_restored > 0 || health.journal_mode_restored;
    if (rc == FB_OK && is_mended) {
        r->status.mended++;
        memcpy(r->status.mended_note, health.note, sizeof r->status.mended_note);
    }
    return rc;
}

static int start(struct fb_replica_round *r)
{
    int rc = fb_replica_mend(r);
    if (rc == FB_OK && r->has_spilled) {
        r->has_spilled = has_spilled_rows(r, &rc);
    }
    if (rc == FB_OK) {
        rc = fb_replica_drop_frames(r);
    }
    if (rc == FB_OK && FB_BUG(PUSH_REBUILT_AFTER_LOST_ACK)) {
        rc = rebuild_push(r);
    }
    return rc < 0 ? rc : fb_replica_load(r);
}

void fb_replica_round_opened(struct fb_replica_round *r, int64_t now_ms)
{
    if (r->is_stuck) {
        return;
    }
    fb_replica_round_closed(r, now_ms);
    r->opened_at_ms = r->heard_at_ms = r->pinged_at_ms = now_ms;
    r->is_hello_due = true;
    r->status.retry_after_ms = 0;
    r->status.must_wipe = false;
    fb_replica_move(r, FB_REPLICA_GREETING);
    fb_ignore(remember(r, start(r)), "sticks: the next take returns it");
}

void fb_replica_round_closed(struct fb_replica_round *r, int64_t now_ms)
{
    r->now_ms = now_ms;
    r->error = FB_OK;
    if (r->status.state == FB_REPLICA_OFFLINE) {
        return;
    }
    if (r->status.state == FB_REPLICA_PULLING && FB_BUG(ROUND_STUCK_AFTER_CUT_LINK)) {
        r->is_stuck = true;
    }
    fb_replica_move(r, FB_REPLICA_OFFLINE);
    fb_buf_clear(&r->in);
    fb_buf_clear(&r->frames);
    fb_buf_clear(&r->scope_digests);
    r->frame_at_ms = 0;
    r->is_hello_due = r->is_greeted = r->awaits_catalogue = r->owes_pong = r->is_carried = false;
    r->is_pull_sent = r->is_pull_wanted = r->has_output_blocked = false;
    r->sending.number = 0;
    r->in_flight = r->staged_number = 0;
    r->poke_rev = 0;
}

/* ---- Bytes in ---- */

static int receive_frames(struct fb_replica_round *r)
{
    size_t at = 0;
    int rc = FB_OK;
    while (rc == FB_OK && at < r->in.size) {
        size_t size = 0;
        rc = fb_frame_find(r->in.bytes + at, r->in.size - at, FB_FRAME_BYTES_MAX, &size, &r->why);
        if (rc < 0 || size == 0) {
            break;
        }
        rc = fb_replica_receive(r, r->in.bytes + at, size);
        at += size;
    }
    fb_buf_consume(&r->in, at);
    if (at > 0 || r->in.size == 0) {
        r->frame_at_ms = r->in.size > 0 ? r->now_ms : 0;
    }
    return rc;
}

int fb_replica_round_feed(struct fb_replica_round *r, const uint8_t *bytes, size_t size,
                          int64_t now_ms)
{
    r->now_ms = now_ms;
    if (r->status.state == FB_REPLICA_OFFLINE || r->error < 0) {
        return r->error < 0 ? r->error : FB_OK; /* late bytes of a connection that is gone */
    }
    r->heard_at_ms = now_ms;
    r->status.bytes_received += (int64_t)size;
    for (size_t at = 0; at < size; at += FEED_SLICE) {
        size_t slice = size - at < FEED_SLICE ? size - at : FEED_SLICE;
        if (r->in.size == 0) {
            r->frame_at_ms = now_ms;
        }
        fb_buf_append(&r->in, bytes + at, slice);
        int rc = fb_buf_error(&r->in);
        if (rc == FB_OK) {
            rc = receive_frames(r);
        }
        if (rc < 0) {
            return remember(r, rc);
        }
    }
    return FB_OK;
}

/* ---- Bytes out, deadlines ---- */

static int64_t patience_ends_ms(const struct fb_replica_round *r)
{
    int64_t end = r->heard_at_ms + FB_DEAD_MS;
    if (!r->is_greeted && r->opened_at_ms + FB_FIRST_FRAME_MS_MAX < end) {
        end = r->opened_at_ms + FB_FIRST_FRAME_MS_MAX;
    }
    if (r->frame_at_ms > 0 && r->frame_at_ms + FB_FRAME_MS_MAX < end) {
        end = r->frame_at_ms + FB_FRAME_MS_MAX;
    }
    return end;
}

int fb_replica_round_take(struct fb_replica_round *r, struct fb_buf *out, int64_t now_ms)
{
    r->now_ms = now_ms;
    if (r->error < 0 || r->status.state == FB_REPLICA_OFFLINE) {
        return r->error;
    }
    if (now_ms >= patience_ends_ms(r)) {
        return remember(r, fb_replica_fail(r, FB_ERR_UNREACHABLE,
                                           "headquarters does not answer: trying again soon"));
    }
    size_t size = out->size;
    int rc = fb_replica_send(r, out);
    r->status.bytes_sent += (int64_t)(out->size - size);
    return remember(r, rc);
}

static bool has_work(const struct fb_replica_round *r)
{
    switch (r->status.state) {
    case FB_REPLICA_PUSHING:
        return r->in_flight == 0;
    case FB_REPLICA_PULLING:
        return !r->is_pull_sent;
    case FB_REPLICA_IN_STEP:
        return r->is_write_noticed || (r->may_pull && (r->is_pull_wanted || r->is_digest_wanted ||
                                                       r->poke_rev > r->status.cursor));
    default:
        return false;
    }
}

int64_t fb_replica_round_deadline_ms(const struct fb_replica_round *r)
{
    if (r->status.state == FB_REPLICA_OFFLINE) {
        return INT64_MAX;
    }
    if (r->error < 0 || r->is_hello_due || r->owes_pong || r->must_clear_journal ||
        (has_work(r) && !r->has_output_blocked)) {
        return r->now_ms;
    }
    int64_t end = patience_ends_ms(r);
    int64_t quiet_since_ms = r->pinged_at_ms > r->heard_at_ms ? r->pinged_at_ms : r->heard_at_ms;
    return r->is_greeted && quiet_since_ms + FB_PING_MS < end ? quiet_since_ms + FB_PING_MS : end;
}

/* ---- Asked by the shell ---- */

void fb_replica_round_noticed_write(struct fb_replica_round *r, int64_t now_ms)
{
    r->now_ms = now_ms;
    r->is_write_noticed = true;
}

void fb_replica_round_want_digest(struct fb_replica_round *r)
{
    r->is_digest_wanted = true;
}

const struct fb_replica_status *fb_replica_round_status(const struct fb_replica_round *r)
{
    return &r->status;
}

/* Damage must not keep a laptop from being erased: what cannot be counted counts as nothing. In one snapshot: what somebody saves between
 * two looks would be in neither. */
static int64_t count_unsent(struct fb_replica_round *r, bool has_sent_pushes)
{
    int64_t journal = 0;
    int64_t pushes = 0;
    int64_t changes = 0;
    bool is_held = fb_store_read_begin(r->store) == FB_OK;
    fb_ignore(fb_journal_count(r->store, &journal), "only for the report");
    fb_ignore(fb_outbox_count(r->store, &pushes, &changes), "only for the report");
    if (is_held) {
        fb_store_read_end(r->store);
    }
    return journal + (has_sent_pushes || FB_BUG(WIPE_LOSS_NOT_COUNTED) ? 0 : changes);
}

bool fb_replica_round_may_wipe(struct fb_replica_round *r, int64_t now_ms, int64_t *ret_unsent)
{
    if (r->status.refusal == FB_REFUSAL_WIPE) {
        *ret_unsent = count_unsent(r, false);
        return true;
    }
    if (!r->status.must_wipe || r->status.state != FB_REPLICA_IN_STEP || r->is_write_noticed ||
        r->acked < r->last.number) {
        return false;
    }
    int64_t unsent = count_unsent(r, true);
    if (unsent > 0) {
        fb_replica_round_noticed_write(r, now_ms);
        return false;
    }
    *ret_unsent = unsent;
    return true;
}

bool fb_replica_round_is_in_step(const struct fb_replica_round *r)
{
    return r->status.state == FB_REPLICA_IN_STEP && !r->is_write_noticed &&
           !fb_replica_has_open(r) && !r->is_pull_wanted && !r->is_digest_wanted &&
           !r->are_scope_digests_wanted && r->poke_rev <= r->status.cursor &&
           !fb_replica_needs_all(r);
}
