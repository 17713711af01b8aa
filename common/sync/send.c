/* SPDX-License-Identifier: MIT
 *
 * What the replica says: hello, the parts of a push, pull, ping.
 *
 * Push precedes pull, and the pull follows the last part at once: headquarters settles the push
 * before it answers. One push is in flight; with several queued, the next goes up after the cut. By
 * file all of them go at once: nothing is heard between.
 */
#include <string.h>

#include "common/sync/replica_internal.h"

enum { FRAME_ROOM = 4096 }; /* head of a frame and the fields beside a part's bytes */

static int send_message(struct fb_replica_round *r, const struct fb_message *m, struct fb_buf *out)
{
    int rc = fb_message_encode(m, out);
    return rc < 0 ? fb_replica_fail(r, rc, "a message of kind %d could not be written: %s",
                                    (int)m->kind, fb_err_sentence(rc))
                  : FB_OK;
}

static bool has_room(struct fb_replica_round *r, const struct fb_buf *out, size_t size)
{
    r->has_output_blocked = out->size > 0 && out->size + size + FRAME_ROOM > FB_OUTPUT_BYTES_HIGH;
    return !r->has_output_blocked;
}

static int name_ancestors(struct fb_replica_round *r, struct fb_hello *hello)
{
    struct fb_ancestor *list = NULL;
    size_t count = 0;
    int rc = fb_replica_ancestors(r->store, &r->arena, &list, &count);
    hello->ancestors = fb_arena_alloc(&r->arena, count * sizeof *hello->ancestors + 1);
    if (rc == FB_OK && hello->ancestors == NULL) {
        rc = FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        memcpy(hello->ancestors[i], list[i].id, FB_ROW_ID_SIZE);
    }
    hello->ancestor_count = rc < 0 ? 0 : count;
    return rc;
}

static int count_unsent(struct fb_replica_round *r, int64_t *ret)
{
    int64_t journal = 0;
    int64_t pushes = 0;
    int64_t changes = 0;
    int rc = fb_journal_count(r->store, &journal);
    rc = rc < 0 ? rc : fb_outbox_count(r->store, &pushes, &changes);
    *ret = journal + changes;
    return rc;
}

/* A download under way is of headquarters' history, too, which its cursor does not tell. */
static int name_stage(struct fb_replica_round *r, struct fb_hello *hello)
{
    int rc = fb_replica_meta_int(r->store, "stage_rev", 0, &hello->stage_rev);
    if (rc < 0 || hello->stage_rev == 0 || FB_BUG(STAGE_NOT_TOLD)) {
        hello->stage_rev = 0;
        return rc;
    }
    return fb_store_meta_blob(r->store, "stage_head", hello->stage_head.bytes,
                              sizeof hello->stage_head.bytes);
}

/* During a resync the cursor is of a history that headquarters left, or nothing goes on from it: it is not told. One that enrolled anew
 * knows what headquarters once said all the same, and may be the first to show that it was set back (C5). */
static int name_cursor(struct fb_replica_round *r, struct fb_hello *hello)
{
    char left[FB_ROW_ID_SIZE] = "";
    int rc = fb_store_meta_text(r->store, "cursor_timeline", left, sizeof left);
    bool is_new = hello->incarnation == 0 && left[0] == '\0' && !FB_BUG(NEW_NAME_FORGETS);
    if (!r->is_resync || is_new) {
        hello->cursor = r->status.cursor;
        hello->log_head = r->log_head;
    }
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

static int send_hello(struct fb_replica_round *r, struct fb_buf *out)
{
    struct fb_message m = {.kind = FB_MESSAGE_HELLO};
    struct fb_hello *hello = &m.hello;
    int rc = fb_store_meta_text(r->store, "device_id", hello->device_id, sizeof hello->device_id);
    if (rc < 0) {
        return fb_replica_fail(r, rc, "this laptop is not enrolled: run fieldbook-replica enrol");
    }
    rc = fb_store_meta_text(r->store, "timeline", hello->timeline, sizeof hello->timeline);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    rc = fb_replica_meta_int(r->store, "incarnation", 0, &hello->incarnation);
    if (rc < 0) {
        return rc;
    }
    const struct fb_catalogue *c = fb_store_catalogue(r->store);
    hello->protocol = FB_PROTOCOL_OF_LAPTOP;
    rc = name_cursor(r, hello);
    if (rc < 0) {
        return rc;
    }
    hello->catalogue_version = c == NULL ? 0 : c->version;
    hello->now_ms = r->now_ms;
    hello->app_version = FB_VERSION;
    rc = count_unsent(r, &hello->unsent);
    if (rc < 0) {
        return rc;
    }
    if (hello->incarnation > 0) {
        hello->last_number = r->last.number;
        hello->last_hash = r->last.hash;
        hello->acked_number = r->covered;
    }
    int64_t is_copied = 0;
    rc = fb_replica_meta_int(r->store, "is_copied", 0, &is_copied);
    hello->is_copied = is_copied != 0;
    rc = rc < 0 ? rc : name_ancestors(r, hello);
    rc = rc < 0 ? rc : name_stage(r, hello);
    if (rc < 0) {
        return rc;
    }
    r->is_hello_due = false;
    r->hello_at_ms = r->now_ms;
    rc = send_message(r, &m, out);
    fb_arena_clear(&r->arena);
    return rc;
}

static int send_pongs(struct fb_replica_round *r, struct fb_buf *out)
{
    if (r->owes_pong && has_room(r, out, 0)) {
        r->owes_pong = false;
        int rc = send_message(
            r, &(struct fb_message){.kind = FB_MESSAGE_PONG, .ping_ms = r->pong_ms}, out);
        if (rc < 0) {
            return rc;
        }
    }
    int64_t quiet_since_ms = r->pinged_at_ms > r->heard_at_ms ? r->pinged_at_ms : r->heard_at_ms;
    if (!r->is_greeted || r->now_ms - quiet_since_ms < FB_PING_MS || !has_room(r, out, 0)) {
        return FB_OK;
    }
    r->pinged_at_ms = r->now_ms;
    return send_message(r, &(struct fb_message){.kind = FB_MESSAGE_PING, .ping_ms = r->now_ms},
                        out);
}

/* ---- Push ---- */

static int freeze(struct fb_replica_round *r)
{
    bool has_changes = false;
    int rc = fb_replica_mend(r);
    if (rc == FB_OK) {
        rc = fb_journal_has_changes(r->store, &has_changes);
    }
    r->is_write_noticed = rc < 0;
    if (rc < 0 || !has_changes) {
        return rc;
    }
    rc = fb_store_begin(r->store);
    if (rc < 0) {
        r->is_write_noticed = true;
        return rc;
    }
    int64_t number = 0;
    rc = fb_replica_freeze(r->store, r->now_ms, &number);
    if (rc < 0) {
        fb_store_rollback(r->store);
        r->is_write_noticed = true;
        return rc;
    }
    rc = fb_store_commit(r->store);
    if (rc < 0) {
        r->is_write_noticed = true;
        return rc;
    }
    r->must_clear_journal = FB_BUG(FREEZE_IN_TWO_TRANSACTIONS);
    r->is_write_noticed = FB_BUG(FREEZE_TAKES_ONE_ROW);
    return fb_outbox_last(r->store, &r->last);
}

/* Planted bug: the second of the two transactions. */
static int clear_journal_late(struct fb_replica_round *r)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_journal_clear(r->store);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    r->must_clear_journal = rc < 0;
    return rc;
}

/* The oldest push headquarters lacks, frozen now if the journal waits; sending.number stays 0 if
 * there is none. */
static int choose_push(struct fb_replica_round *r)
{
    int64_t sent = r->in_flight > r->acked ? r->in_flight : r->acked;
    if (r->in_flight > 0 && !r->is_carried) {
        return FB_OK;
    }
    if (sent >= r->last.number && r->is_write_noticed) {
        int rc = freeze(r);
        if (rc < 0) {
            return rc;
        }
    }
    if (sent >= r->last.number) {
        return FB_OK;
    }
    int rc = fb_outbox_get(r->store, sent + 1, &r->sending);
    if (rc < 0) {
        r->sending.number = 0;
        return fb_replica_fail(
            r, rc,
            "push %lld is missing from this laptop's outbox: restore the database from a backup",
            (long long)sent + 1);
    }
    bool is_staged = r->staged_number == r->sending.number && r->staged_parts > 0;
    r->next_part = is_staged ? r->staged_parts : 0;
    if (r->next_part >= r->sending.parts) {
        r->next_part = r->sending.parts - 1; /* whole, but not settled: the last part asks for it */
    }
    return FB_OK;
}

static int send_part(struct fb_replica_round *r, struct fb_buf *out)
{
    const struct fb_push *push = &r->sending;
    struct fb_message m = {.kind = FB_MESSAGE_PUSH_PART};
    m.push_part = (struct fb_push_part){
        .incarnation = push->incarnation,
        .number = push->number,
        .part = r->next_part,
        .parts = push->parts,
        .prev_hash = push->prev_hash,
        .hash = push->hash,
        .origin = push->origin,
    };
    memcpy(m.push_part.timeline, push->timeline, sizeof m.push_part.timeline);
    int rc =
        fb_outbox_part(r->store, push->number, r->next_part, &m.push_part.bytes, &m.push_part.size);
    if (rc < 0 || !has_room(r, out, m.push_part.size)) {
        return rc;
    }
    r->next_part++;
    return send_message(r, &m, out);
}

static int send_parts(struct fb_replica_round *r, struct fb_buf *out)
{
    while (r->next_part < r->sending.parts) {
        int rc = send_part(r, out);
        if (rc < 0 || r->has_output_blocked) {
            return rc;
        }
    }
    r->in_flight = r->sending.number;
    r->status.changes_sent += r->sending.changes;
    r->sending.number = 0;
    r->is_pull_wanted = true;
    return FB_OK;
}

static bool needs_pull(const struct fb_replica_round *r)
{
    return r->may_pull &&
           (r->is_pull_wanted || r->is_digest_wanted || r->are_scope_digests_wanted ||
            r->repair_count > 0 || r->poke_rev > r->status.cursor || r->acked > r->covered ||
            fb_replica_needs_all(r));
}

static int advance_push(struct fb_replica_round *r, struct fb_buf *out)
{
    int rc = r->sending.number == 0 ? choose_push(r) : FB_OK;
    while (rc == FB_OK && r->sending.number > 0) {
        rc = send_parts(r, out);
        if (rc < 0 || r->has_output_blocked) {
            return rc;
        }
        rc = r->is_carried ? choose_push(r) : FB_OK;
    }
    if (rc < 0) {
        return rc;
    }
    if (needs_pull(r)) {
        fb_replica_move(r, FB_REPLICA_PULLING);
    } else if (r->in_flight == 0) {
        fb_replica_move(r, FB_REPLICA_IN_STEP);
    }
    return FB_OK;
}

/* ---- Pull ---- */

/* Those of the database, or of the download under way: headquarters infers nothing (rule 11). */
static int read_scopes(struct fb_replica_round *r, bool is_download, struct fb_pull *pull)
{
    struct fb_scope_list held = {0};
    int rc = fb_scopes_held(r->store, is_download ? FB_SCOPES_STAGED_SQL : FB_SCOPES_HELD_SQL,
                            &r->arena, &held);
    pull->scopes = held.keys;
    pull->scope_count = held.count;
    return rc;
}

static int list_same(struct fb_replica_round *r, struct fb_pull *pull)
{
    struct fb_scope_list same = {0};
    int rc = fb_scopes_held(r->store, FB_SCOPES_SAME_SQL, &r->arena, &same);
    pull->same = same.keys;
    pull->same_count = same.count;
    return rc;
}

/* A full cut goes on behind the chunks that are here, or closes their gap. */
static int ask_for_all(struct fb_replica_round *r, struct fb_pull *pull, struct fb_buf *position)
{
    int64_t rev_min = 0;
    int64_t rows = 0;
    int rc = fb_stage_position(r->store, position, &rev_min, &rows);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    if (r->is_stage_complete && rc == FB_OK) {
        r->pull_kind = FB_PULL_GAP;
        pull->closes_gap = true;
        /* What headquarters changed since the fork names what it removed, too, as far as its log reaches back. */
        int64_t since = r->found_since > r->horizon ? r->found_since : r->horizon;
        rev_min = r->found_since > 0 && since < rev_min ? since : rev_min;
        pull->cursor = FB_BUG(STAGED_CHUNK_REV_IGNORED) ? r->status.server_rev : rev_min;
        return FB_OK;
    }
    r->pull_kind = FB_PULL_CHUNK;
    r->status.rows_staged = rows;
    pull->wants_all = true;
    if (fb_replica_compares(r)) {
        pull->wants_scope_digests = rc == FB_ERR_NOT_FOUND;
        rc = list_same(r, pull);
        if (rc < 0) {
            return rc;
        }
    }
    pull->found_since = r->found_since;
    pull->position = position->bytes;
    pull->position_size = position->size;
    return fb_buf_error(position);
}

static int list_repair(struct fb_replica_round *r, struct fb_pull *pull)
{
    if (r->repair_count == 0) {
        return FB_OK;
    }
    pull->repair = fb_arena_alloc(&r->arena, r->repair_count * sizeof *pull->repair);
    if (pull->repair == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < r->repair_count; i++) {
        pull->repair[i] = r->repair[i];
    }
    pull->repair_count = r->repair_count;
    r->was_repair = true;
    return FB_OK;
}

static int fill_pull(struct fb_replica_round *r, struct fb_pull *pull, struct fb_buf *position)
{
    pull->cursor = r->status.cursor;
    int rc = fb_store_meta_text(r->store, "timeline", pull->timeline, sizeof pull->timeline);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    rc = read_scopes(r, fb_replica_needs_all(r), pull);
    if (rc < 0) {
        return rc;
    }
    r->pull_kind = FB_PULL_CHANGES;
    r->was_repair = false;
    if (fb_replica_needs_all(r)) {
        rc = ask_for_all(r, pull, position);
    } else {
        pull->wants_scope_digests = r->are_scope_digests_wanted && r->repair_count == 0;
        rc = list_repair(r, pull);
    }
    pull->wants_digest = r->is_digest_wanted && !pull->wants_all;
    r->is_digest_asked = pull->wants_digest;
    return rc;
}

static int send_pull(struct fb_replica_round *r, struct fb_buf *out)
{
    if (!has_room(r, out, 0)) {
        return FB_OK;
    }
    FB_AUTO(fb_buf_release) struct fb_buf position;
    fb_buf_init(&position, FB_FRAME_BYTES_MAX);
    struct fb_message m = {.kind = FB_MESSAGE_PULL};
    int rc = fill_pull(r, &m.pull, &position);
    if (rc == FB_OK) {
        rc = send_message(r, &m, out);
    }
    if (rc == FB_OK && FB_BUG(PENDING_READ_BEFORE_APPLY)) {
        fb_pending_release(&r->early_pending);
        rc = fb_pending_load(r->store, r->in_flight, &r->early_pending);
    }
    r->is_pull_sent = rc == FB_OK;
    r->is_pull_wanted = false;
    fb_arena_clear(&r->arena);
    return rc;
}

/* ---- The state's turn ---- */

static int advance(struct fb_replica_round *r, struct fb_buf *out)
{
    switch (r->status.state) {
    case FB_REPLICA_PUSHING:
        return advance_push(r, out);
    case FB_REPLICA_PULLING:
        return r->is_pull_sent ? FB_OK : send_pull(r, out);
    case FB_REPLICA_IN_STEP:
        if (r->is_write_noticed || r->acked < r->last.number) {
            fb_replica_move(r, FB_REPLICA_PUSHING);
        } else if (needs_pull(r)) {
            fb_replica_move(r, FB_REPLICA_PULLING);
        }
        return FB_OK;
    case FB_REPLICA_OFFLINE:
    case FB_REPLICA_GREETING:
    case FB_REPLICA_REFUSED:
        break;
    }
    return FB_OK;
}

int fb_replica_send(struct fb_replica_round *r, struct fb_buf *out)
{
    r->has_output_blocked = false;
    if (r->must_clear_journal) {
        int rc = clear_journal_late(r);
        if (rc < 0) {
            return rc;
        }
    }
    /* By file hello names the last push of the file, so that the same file may be answered again. */
    int rc = r->is_hello_due && r->is_carried ? freeze(r) : FB_OK;
    rc = rc == FB_OK && r->is_hello_due ? send_hello(r, out) : rc;
    if (rc == FB_OK) {
        rc = send_pongs(r, out);
    }
    enum fb_replica_state before;
    do {
        before = r->status.state;
        rc = rc < 0 ? rc : advance(r, out);
    } while (rc == FB_OK && r->status.state != before && !r->has_output_blocked);
    return rc;
}
