/* SPDX-License-Identifier: MIT
 *
 * One turn. The happy path: parts of pushes are queued as they come (hub_push_part); fb_hub_settle seals the journal, stages the
 * parts of pushes that are not whole, merges each whole push as a rev of its own in the order of arrival, commits, and only then
 * acknowledges and pokes. What can fail: the commit or any write (disk full, another program holds the lock): everything is rolled
 * back and stays queued. A push that breaks the chain of its incarnation ends its connection, and the next hello sorts it out
 * (rule 22); one that cannot be applied at all is held as a whole, so that no push blocks the next.
 */
#include <stdlib.h>

#include "server/internal.h"
#include "server/rewound.h"
#include "server/timeline.h"

/* ---- Peers ---- */

struct fb_peer **fb_hub_bucket(struct fb_hub *hub, const char *device_id)
{
    return &hub->buckets[fb_row_hash(0, device_id) % FB_PEER_BUCKETS];
}

static void wake(void *ctx, struct fb_server_session *session)
{
    struct fb_peer *peer = ctx;
    (void)session;
    if (!peer->is_ready) {
        peer->is_ready = true;
        peer->ready_next = peer->hub->ready;
        peer->hub->ready = peer;
    }
}

static int admit(void *ctx, const char *device_id, const struct fb_hello *hello, int64_t now_ms,
                 struct fb_admission *ret)
{
    (void)device_id;
    return fb_hub_admit(ctx, hello, now_ms, ret);
}

static int cut_open(void *ctx, struct fb_server_session *session, const struct fb_pull *pull,
                    int64_t now_ms)
{
    struct fb_peer *peer = ctx;
    if (peer->must_wipe || peer->is_other_release) {
        fb_server_session_refuse(
            session, peer->must_wipe ? FB_REFUSAL_WIPE : FB_REFUSAL_PROTOCOL,
            peer->must_wipe ? "a laptop that is to be erased gets nothing any more"
                            : "a laptop whose program is too old or too new pulls nothing");
        return FB_ERR_REFUSED;
    }
    int rc = fb_hub_cut_open(peer, pull, now_ms);
    peer->cut_at_ms = now_ms;
    peer->cut_rev = 0;
    return rc < 0 || pull->wants_all ? rc : fb_history_head(peer->hub->reader, &peer->cut_rev);
}

static const struct fb_catalogue *cut_catalogue(void *ctx)
{
    return fb_store_catalogue(((const struct fb_peer *)ctx)->hub->reader);
}

static int wiped(void *ctx, struct fb_server_session *session, int64_t unsent, int64_t now_ms)
{
    return fb_hub_wiped(ctx, session, unsent, now_ms);
}

static int cut_next(void *ctx, struct fb_server_session *session, struct fb_buf *out,
                    bool *ret_is_over)
{
    (void)session;
    struct fb_peer *peer = ctx;
    int rc = fb_hub_cut_next(peer, out, ret_is_over);
    if (rc == FB_OK && *ret_is_over && peer->cut_rev > 0) {
        fb_hub_note_cut(peer, peer->cut_rev, peer->cut_at_ms);
    }
    return rc;
}

static void cut_close(void *ctx, struct fb_server_session *session)
{
    (void)session;
    fb_hub_cut_close(ctx);
}

static struct fb_push_in *push_new(struct fb_peer *peer, const struct fb_push_part *part,
                                   int64_t clock_offset_ms)
{
    struct fb_push_in *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return NULL;
    }
    q->sizes = calloc((size_t)part->parts, sizeof *q->sizes);
    if (q->sizes == NULL) {
        free(q);
        return NULL;
    }
    q->peer = peer;
    memcpy(q->device_id, peer->device_id, sizeof q->device_id);
    memcpy(q->employee_id, peer->employee_id, sizeof q->employee_id);
    q->incarnation = part->incarnation;
    q->number = part->number;
    q->parts = part->parts;
    q->first_part = part->part;
    memcpy(q->timeline, part->timeline, sizeof q->timeline);
    q->prev_hash = part->prev_hash;
    q->hash = part->hash;
    q->origin = part->origin;
    q->clock_offset_ms = clock_offset_ms;
    fb_buf_init(&q->bytes, (size_t)FB_PUSH_PARTS_MAX * FB_FRAME_BYTES_MAX);
    *peer->hub->queue_end = q;
    peer->hub->queue_end = &q->next;
    return q;
}

void fb_hub_push_free(struct fb_push_in *q)
{
    if (q->peer != NULL && q->peer->open_push == q) {
        q->peer->open_push = NULL;
    }
    fb_buf_release(&q->bytes);
    free(q->sizes);
    free(q);
}

static int push_part(void *ctx, struct fb_server_session *session, const struct fb_push_part *part,
                     int64_t clock_offset_ms, int64_t now_ms)
{
    struct fb_peer *peer = ctx;
    struct fb_push_in *q = peer->open_push;
    (void)now_ms;
    if (part->incarnation != peer->incarnation) {
        fb_server_session_refuse(session, FB_REFUSAL_PROTOCOL,
                                 "a push names another incarnation than the welcome");
        return FB_OK;
    }
    bool continues = q != NULL && q->number == part->number && q->parts == part->parts &&
                     q->first_part + q->part_count == part->part;
    if (!continues) {
        q = push_new(peer, part, clock_offset_ms);
    }
    if (q == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_append(&q->bytes, part->bytes, part->size);
    q->sizes[q->part_count++] = part->size;
    q->is_whole = part->part == part->parts - 1;
    peer->open_push = q->is_whole ? NULL : q;
    return fb_buf_error(&q->bytes);
}

int fb_hub_open(struct fb_hub *hub, const char *device_id, int64_t now_ms,
                struct fb_server_session **ret)
{
    struct fb_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    peer->hub = hub;
    memcpy(peer->device_id, device_id, strnlen(device_id, FB_ROW_ID_SIZE - 1));
    fb_arena_init(&peer->arena, 0);
    peer->ops = (struct fb_server_ops){.ctx = peer,
                                       .admit = admit,
                                       .push_part = push_part,
                                       .cut_open = cut_open,
                                       .cut_catalogue = cut_catalogue,
                                       .cut_next = cut_next,
                                       .cut_close = cut_close,
                                       .wiped = wiped,
                                       .wake = wake};
    int rc = fb_server_session_new(&peer->ops, hub->store, device_id, now_ms, &peer->session);
    if (rc < 0) {
        free(peer);
        return rc;
    }
    struct fb_peer **bucket = fb_hub_bucket(hub, peer->device_id);
    for (struct fb_peer *old = *bucket; old != NULL; old = old->bucket_next) {
        if (strcmp(old->device_id, peer->device_id) == 0) {
            fb_server_session_refuse(old->session, FB_REFUSAL_REPLACED,
                                     "a newer connection of this laptop came");
        }
    }
    peer->bucket_next = *bucket;
    *bucket = peer;
    peer->next = hub->peers;
    if (hub->peers != NULL) {
        hub->peers->previous = peer;
    }
    hub->peers = peer;
    *ret = peer->session;
    return FB_OK;
}

static void forget_ready(struct fb_hub *hub, struct fb_peer *peer)
{
    for (struct fb_peer **at = &hub->ready; peer->is_ready && *at != NULL;
         at = &(*at)->ready_next) {
        if (*at == peer) {
            *at = peer->ready_next;
            peer->is_ready = false;
            return;
        }
    }
}

static struct fb_peer *peer_of(struct fb_hub *hub, const struct fb_server_session *session)
{
    struct fb_peer *peer = *fb_hub_bucket(hub, fb_server_session_device(session));
    while (peer != NULL && peer->session != session) {
        peer = peer->bucket_next;
    }
    return peer;
}

void fb_hub_close(struct fb_hub *hub, struct fb_server_session *session)
{
    struct fb_peer *peer = peer_of(hub, session);
    fb_assert(peer != NULL);
    struct fb_peer **at = fb_hub_bucket(hub, peer->device_id);
    while (*at != peer) {
        at = &(*at)->bucket_next;
    }
    *at = peer->bucket_next;
    *(peer->previous == NULL ? &hub->peers : &peer->previous->next) = peer->next;
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
    for (struct fb_push_in *q = hub->queue; q != NULL; q = q->next) {
        q->peer = q->peer == peer
                      ? NULL
                      : q->peer; /* what came whole is merged; its ack is the next welcome */
    }
    fb_server_session_free(peer->session);
    fb_hub_cut_close(peer);
    forget_ready(hub, peer);
    fb_device_scopes_release(&peer->scopes);
    fb_arena_release(&peer->arena);
    fb_rights_free(peer->rights);
    free(peer);
}

/* ---- One push ---- */

/* All parts, in order, in one run of bytes; sizes of each. */
struct whole_push {
    struct fb_buf bytes;
    size_t *sizes;
};

static int read_staged(struct fb_hub *hub, const struct fb_push_in *q, struct whole_push *p)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *staged = NULL;
    int rc = fb_sql_begin(
        hub->store,
        "SELECT bytes FROM fb_staged_part WHERE incarnation = ?1 AND number = ?2 AND part < ?3"
        " ORDER BY part",
        &staged);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(staged, 1, q->incarnation);
    fb_sql_bind_int(staged, 2, q->number);
    fb_sql_bind_int(staged, 3, q->first_part);
    int64_t count = 0;
    while ((rc = fb_sql_step(staged)) == FB_SQL_ROW) {
        struct fb_value bytes = fb_sql_value(staged, 0);
        fb_buf_append(&p->bytes, bytes.bytes, bytes.size);
        p->sizes[count++] = bytes.size;
    }
    return rc < 0 ? rc : count == q->first_part ? FB_OK : FB_ERR_NOT_FOUND;
}

static int gather_parts(struct fb_hub *hub, const struct fb_push_in *q, struct whole_push *p)
{
    fb_buf_init(&p->bytes, q->bytes.size_max);
    p->sizes = calloc((size_t)q->parts, sizeof *p->sizes);
    if (p->sizes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc =
        q->first_part > 0 && !FB_BUG(PUSH_PARTS_APPLIED_SINGLY) ? read_staged(hub, q, p) : FB_OK;
    fb_buf_append(&p->bytes, q->bytes.bytes, q->bytes.size);
    memcpy(p->sizes + (q->parts - q->part_count), q->sizes,
           (size_t)q->part_count * sizeof *q->sizes);
    return rc < 0 ? rc : fb_buf_error(&p->bytes);
}

static bool is_body_right(const struct fb_push_in *q, const struct whole_push *p)
{
    struct fb_sha256 hash = q->prev_hash;
    size_t at = 0;
    for (int64_t i = 0; i < q->parts; i++) {
        hash = fb_push_chain(&hash, p->bytes.bytes + at, p->sizes[i]);
        at += p->sizes[i];
    }
    return fb_sha256_equal(&hash, &q->hash) || FB_BUG(PUSH_PARTS_APPLIED_SINGLY);
}

/* Cursors of another timeline mean the same here up to the fork; beyond it they say nothing (rule 23). */
static int bound_cursors(struct fb_hub *hub, const struct fb_push_in *q, struct fb_change *changes,
                         size_t count)
{
    int64_t shared = INT64_MAX;
    int rc = q->timeline[0] == '\0'
                 ? FB_OK
                 : fb_timeline_shared_rev(hub->store, hub->timeline, q->timeline, &shared);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        changes[i].cursor = changes[i].cursor < shared ? changes[i].cursor : shared;
    }
    return rc;
}

static int read_changes(const struct fb_push_in *q, const struct whole_push *p,
                        struct fb_arena *arena, struct fb_change **ret, size_t *ret_count,
                        struct fb_why *why)
{
    struct fb_change *all = NULL;
    size_t capacity = 0;
    size_t at = 0;
    *ret_count = 0;
    for (int64_t i = 0; i < q->parts; i++) {
        struct fb_change *part = NULL;
        size_t count = 0;
        int rc = p->sizes[i] == 0
                     ? FB_OK
                     : fb_changes_read(p->bytes.bytes + at, p->sizes[i], arena, &part, &count, why);
        at += p->sizes[i];
        if (rc < 0) {
            return rc;
        }
        for (size_t c = 0; c < count; c++) {
            struct fb_change *grown = fb_arena_grow(arena, all, *ret_count, &capacity, sizeof *all);
            if (grown == NULL) {
                return FB_ERR_NO_MEMORY;
            }
            all = grown;
            all[(*ret_count)++] = part[c];
        }
    }
    *ret = all;
    return FB_OK;
}

static bool is_push_at_fault(int rc)
{
    return rc == FB_ERR_CONSTRAINT || rc == FB_ERR_INVALID || rc == FB_ERR_PROTOCOL ||
           rc == FB_ERR_LIMIT || rc == FB_ERR_NOT_FOUND || rc == FB_ERR_VERSION;
}

/* Merges; a push that cannot be applied, or not even be read, is held as a whole. */
static int ingest_or_hold(struct fb_hub *hub, const struct fb_push_in *q,
                          const struct whole_push *p, int64_t now_ms)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_source source = {.device_id = q->device_id,
                               .employee_id = q->employee_id,
                               .judged_by = q->employee_id,
                               .timeline = q->timeline,
                               .incarnation = q->incarnation,
                               .push = q->number,
                               .clock_offset_ms = q->clock_offset_ms,
                               .parts = q->parts};
    struct fb_change *changes = NULL;
    size_t count = 0;
    struct fb_why why = {""};
    int rc = fb_store_savepoint(hub->store);
    if (rc < 0) {
        return rc;
    }
    rc = is_body_right(q, p)
             ? read_changes(q, p, &arena, &changes, &count, &why)
             : fb_fail(&why, FB_ERR_PROTOCOL, "The push is damaged: its hash is another one.");
    bool is_read = rc == FB_OK;
    rc = rc < 0 ? rc : bound_cursors(hub, q, changes, count);
    rc = rc < 0 ? rc : fb_ingest(hub, &source, changes, count, &arena, now_ms);
    if (is_push_at_fault(rc) && !FB_BUG(HELD_BLOCKS_QUEUE)) {
        rc = fb_store_savepoint_undo(hub->store);
        fb_scope_cache_clear(hub->scopes);
        fb_hub_forget_scopes(hub);
        fb_decisions_forget(hub);
        hub->rights_epoch++;
        source.whole_error =
            why.text[0] != '\0' ? why.text : fb_text("Headquarters' database refused these edits.");
        rc = rc < 0 ? rc : fb_ingest(hub, &source, changes, is_read ? count : 0, &arena, now_ms);
        return rc;
    }
    return rc < 0 ? rc : fb_store_savepoint_release(hub->store);
}

static int run_for(struct fb_hub *hub, const char *sql, const struct fb_push_in *q)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *s = NULL;
    int rc = fb_sql_begin(hub->store, sql, &s);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(s, 1, q->incarnation);
    fb_sql_bind_int(s, 2, q->number);
    return fb_sql_run(s);
}

static int mark_seen(struct fb_hub *hub, const struct fb_push_in *q, int64_t now_ms)
{
    int64_t rev = 0;
    FB_AUTO(fb_sql_drop) struct fb_sql *s = NULL;
    int rc = fb_history_head(hub->store, &rev);
    rc = rc < 0 ? rc
                : fb_sql_begin(hub->store,
                               "INSERT INTO fb_seen (incarnation, number, hash, rev, at_ms) VALUES "
                               "(?1, ?2, ?3, ?4, ?5)"
                               " ON CONFLICT DO NOTHING",
                               &s);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(s, 1, q->incarnation);
    fb_sql_bind_int(s, 2, q->number);
    fb_sql_bind_bytes(s, 3, q->hash.bytes, sizeof q->hash.bytes);
    fb_sql_bind_int(s, 4, rev);
    fb_sql_bind_int(s, 5, now_ms);
    rc = fb_sql_run(s);
    bool may_be_staged = q->parts > 1 && q->bytes.size > 0;
    return rc < 0 || !may_be_staged
               ? rc
               : run_for(hub, "DELETE FROM fb_staged_part WHERE incarnation = ?1 AND number = ?2",
                         q);
}

/* Is it the next of its chain (WAITS), seen already (ACKED), or of another chain? */
static int judge_chain(struct fb_hub *hub, struct fb_push_in *q)
{
    int64_t seen = 0;
    struct fb_sha256 seen_hash;
    int rc = fb_hub_seen(hub->store, q->incarnation, &seen, &seen_hash);
    if (rc < 0) {
        return rc;
    }
    if (q->number <= seen && !FB_BUG(DUPLICATE_PUSH_APPLIED_TWICE)) {
        struct fb_sha256 hash = {{0}};
        bool is_found = false;
        rc = fb_hub_seen_hash(hub->store, q->incarnation, q->number, &hash, &is_found);
        bool is_same = (is_found && fb_sha256_equal(&hash, &q->hash)) || FB_BUG(HASH_CHAIN_IGNORED);
        q->fate = is_same ? FB_PUSH_ACKED : FB_PUSH_DIVERGED;
        hub->counters.pushes_repeated += is_same ? 1 : 0;
        return rc;
    }
    bool is_next = q->number == seen + 1 && fb_sha256_equal(&q->prev_hash, &seen_hash);
    if (!is_next && !FB_BUG(HASH_CHAIN_IGNORED) && !FB_BUG(DUPLICATE_PUSH_APPLIED_TWICE)) {
        q->fate = FB_PUSH_DIVERGED;
    }
    return FB_OK;
}

static int merge_push(struct fb_hub *hub, struct fb_push_in *q, int64_t now_ms)
{
    int rc = judge_chain(hub, q);
    if (rc < 0 || q->fate != FB_PUSH_WAITS) {
        return rc;
    }
    struct whole_push p = {.sizes = NULL};
    rc = gather_parts(hub, q, &p);
    bool is_doubtful =
        rc == FB_ERR_NOT_FOUND || (rc == FB_OK && q->first_part > 0 && !is_body_right(q, &p));
    if (is_doubtful) {
        /* Parts from different times: forget them, the laptop sends the push from its first part. */
        q->fate = FB_PUSH_BROKEN;
        rc = run_for(hub, "DELETE FROM fb_staged_part WHERE incarnation = ?1 AND number = ?2", q);
    } else if (rc == FB_OK) {
        bool is_known = false;
        rc = fb_replay_is_known(hub->store, &q->origin, &is_known);
        rc = rc < 0 || is_known ? rc : ingest_or_hold(hub, q, &p, now_ms);
        rc = rc < 0 || is_known ? rc : fb_replay_note(hub->store, &q->origin);
        rc = rc < 0 || FB_BUG(SEEN_SAVED_SEPARATELY) ? rc : mark_seen(hub, q, now_ms);
        q->fate = rc < 0 ? FB_PUSH_WAITS : FB_PUSH_ACKED;
        hub->counters.pushes++;
    }
    fb_buf_release(&p.bytes);
    free(p.sizes);
    return rc;
}

/* Only for a planted bug: what is here of a push is merged before the rest has come. */
static int merge_run_of_parts(struct fb_hub *hub, struct fb_push_in *q, int64_t now_ms)
{
    struct whole_push p = {.sizes = NULL};
    int rc = gather_parts(hub, q, &p);
    rc = rc < 0 ? rc : ingest_or_hold(hub, q, &p, now_ms);
    fb_buf_release(&p.bytes);
    free(p.sizes);
    return rc;
}

static int stage_parts(struct fb_hub *hub, struct fb_push_in *q)
{
    size_t at = 0;
    int rc = FB_OK;
    for (int64_t i = 0; rc == FB_OK && i < q->part_count; i++) {
        FB_AUTO(fb_sql_drop) struct fb_sql *s = NULL;
        rc = fb_sql_begin(
            hub->store,
            "INSERT INTO fb_staged_part (incarnation, number, part, bytes) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT (incarnation, number, part) DO UPDATE SET bytes = excluded.bytes",
            &s);
        if (rc == FB_OK) {
            fb_sql_bind_int(s, 1, q->incarnation);
            fb_sql_bind_int(s, 2, q->number);
            fb_sql_bind_int(s, 3, q->first_part + i);
            fb_sql_bind_bytes(s, 4, q->bytes.bytes + at, q->sizes[i]);
            rc = fb_sql_run(s);
        }
        at += q->sizes[i];
    }
    return rc;
}

/* ---- The turn ---- */

void fb_hub_note_touched(struct fb_hub *hub, int64_t scope)
{
    if (scope == 0) {
        return;
    }
    for (size_t i = hub->touched_count; i > 0; i--) {
        if (hub->touched[i - 1] == scope) {
            return;
        }
    }
    if (hub->touched_count == FB_POKED_SETS_MAX) {
        hub->has_touched_more = true;
        return;
    }
    hub->touched[hub->touched_count++] = scope;
}

static int settle_in_transaction(struct fb_hub *hub, bool has_journal, int64_t now_ms)
{
    int rc = has_journal ? fb_hub_seal(hub, now_ms) : FB_OK;
    rc = rc < 0 ? rc : fb_held_play(hub, now_ms);
    for (struct fb_push_in *q = hub->queue; rc == FB_OK && q != NULL; q = q->next) {
        bool is_out = false;
        q->fate = FB_PUSH_WAITS;
        rc = fb_hub_is_out(hub, q, &is_out);
        if (rc < 0 || is_out) {
            continue;
        }
        if (q->is_whole) {
            rc = merge_push(hub, q, now_ms);
            rc = rc < 0 ? rc : fb_held_play(hub, now_ms);
        } else {
            rc = FB_BUG(PUSH_PARTS_APPLIED_SINGLY) ? merge_run_of_parts(hub, q, now_ms) : FB_OK;
            rc = rc < 0 ? rc : stage_parts(hub, q);
        }
    }
    if (rc == FB_OK && fb_history_limit_is_due(hub, now_ms)) {
        rc = fb_history_limit_step(hub, now_ms);
    }
    rc = rc < 0 ? rc : fb_hub_meet_catalogue(hub);
    return rc < 0 ? rc : fb_hub_save_lives(hub);
}

static void acknowledge(struct fb_push_in *q)
{
    if (q->peer == NULL) {
        return;
    }
    if (q->fate == FB_PUSH_ACKED) {
        fb_server_session_acked(q->peer->session, q->number);
    } else if (q->fate == FB_PUSH_DIVERGED) {
        fb_server_session_refuse(
            q->peer->session, FB_REFUSAL_BUSY,
            "this push does not follow the one headquarters has; the next hello sorts it out");
    } else if (q->fate == FB_PUSH_BROKEN) {
        fb_server_session_refuse(q->peer->session, FB_REFUSAL_BUSY,
                                 "parts of a push do not fit; it is sent again");
    }
}

/* Everything in the queue was dealt with: whole pushes are merged, the rest is staged. */
static void empty_queue(struct fb_hub *hub)
{
    while (hub->queue != NULL) {
        struct fb_push_in *q = hub->queue;
        hub->queue = q->next;
        acknowledge(q);
        fb_hub_push_free(q);
    }
    hub->queue_end = &hub->queue;
}

static bool is_touched(struct fb_hub *hub, const struct fb_peer *peer)
{
    bool is_held = hub->has_touched_more;
    for (size_t i = 0; !is_held && i < hub->touched_count; i++) {
        const char *set = fb_history_scope_key(hub->store, hub->touched[i]);
        is_held = set != NULL && fb_scope_set_is_held(set, &peer->scopes.list);
    }
    return is_held;
}

static void poke(struct fb_hub *hub)
{
    int64_t head = 0;
    if ((hub->touched_count == 0 && !hub->has_touched_more) || FB_BUG(POKE_MISSING) ||
        fb_history_head(hub->store, &head) < 0) {
        return;
    }
    for (struct fb_peer *peer = hub->peers; peer != NULL; peer = peer->next) {
        if (fb_server_session_is_greeted(peer->session) && is_touched(hub, peer)) {
            fb_server_session_poked(peer->session, head);
        }
    }
}

static void forget_turn(struct fb_hub *hub)
{
    hub->touched_count = 0;
    hub->has_touched_more = false;
    hub->has_device_changes = false;
}

static int save_seen_late(struct fb_hub *hub, int64_t now_ms)
{
    int rc = fb_store_begin(hub->store);
    for (struct fb_push_in *q = hub->queue; rc == FB_OK && q != NULL; q = q->next) {
        rc = q->fate == FB_PUSH_ACKED ? mark_seen(hub, q, now_ms) : FB_OK;
    }
    return rc < 0 ? rc : fb_store_commit(hub->store);
}

static int fail_turn(struct fb_hub *hub, int rc)
{
    fb_store_rollback(hub->store);
    fb_scope_cache_clear(hub->scopes);
    fb_hub_forget_scopes(hub);
    fb_decisions_forget(hub);
    hub->rights_epoch++;
    hub->met_catalogue = 0;
    hub->history_due_ms = hub->history_due_ms == INT64_MAX ? INT64_MAX : 0;
    forget_turn(hub);
    hub->counters = hub->committed;
    return rc;
}

/* What pages wrote is sealed and committed: others are told. */
static int end_pages_turn(struct fb_hub *hub)
{
    bool has_device_changes = hub->has_device_changes;
    hub->committed = hub->counters;
    poke(hub);
    forget_turn(hub);
    return has_device_changes ? fb_hub_recheck_devices(hub) : FB_OK;
}

/* Nothing is taken in, and nothing acknowledged: laptops send it again. */
static int stand_still(struct fb_hub *hub)
{
    for (struct fb_push_in *q = hub->queue; q != NULL; q = q->next) {
        q->fate = FB_PUSH_BROKEN;
    }
    empty_queue(hub);
    return FB_OK;
}

int fb_hub_settle(struct fb_hub *hub, int64_t now_ms)
{
    bool has_journal = false;
    int rc = fb_hub_read_standing(hub);
    if (rc < 0 || hub->rewound[0] != '\0') {
        return rc < 0 ? rc : stand_still(hub);
    }
    rc = fb_hub_meet_dates(hub, now_ms);
    rc = rc < 0 ? rc : fb_journal_has_changes(hub->store, &has_journal);
    has_journal = has_journal && !FB_BUG(HQ_JOURNAL_NOT_SEALED);
    bool is_idle = !has_journal && hub->queue == NULL && !hub->meets_catalogue &&
                   !fb_history_limit_is_due(hub, now_ms);
    if (hub->has_open_write) {
        fb_scope_cache_clear(hub->scopes); /* it may remember what was rolled back */
        hub->has_open_write = false;
    }
    if (rc < 0 || is_idle) {
        return rc < 0 ? rc : end_pages_turn(hub);
    }
    rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    fb_store_capture(hub->store, false);
    /* Only now nobody else can write: what came between is in the journal as well. */
    rc = fb_journal_has_changes(hub->store, &has_journal);
    rc = rc < 0 ? rc
                : settle_in_transaction(hub, has_journal && !FB_BUG(HQ_JOURNAL_NOT_SEALED), now_ms);
    if (rc < 0) {
        return fail_turn(hub, rc);
    }
    if (FB_BUG(ACK_BEFORE_COMMIT)) {
        for (struct fb_push_in *q = hub->queue; q != NULL; q = q->next) {
            acknowledge(q);
        }
    }
    rc = fb_store_commit(hub->store);
    if (rc < 0) {
        return fail_turn(hub, rc);
    }
    hub->committed = hub->counters;
    hub->life_count = 0;
    rc = FB_BUG(SEEN_SAVED_SEPARATELY) ? save_seen_late(hub, now_ms) : FB_OK;
    bool has_device_changes = hub->has_device_changes;
    empty_queue(hub);
    poke(hub);
    forget_turn(hub);
    return rc < 0 || !has_device_changes ? rc : fb_hub_recheck_devices(hub);
}

bool fb_hub_has_work(const struct fb_hub *hub)
{
    return hub->queue != NULL;
}

void fb_hub_each_ready(struct fb_hub *hub, void (*f)(void *ctx, struct fb_server_session *session),
                       void *ctx)
{
    while (hub->ready !=
           NULL) { /* who wakes during the calls is served too; f may close the session */
        struct fb_peer *peer = hub->ready;
        hub->ready = peer->ready_next;
        peer->is_ready = false;
        f(ctx, peer->session);
    }
}

void fb_hub_set_lease(struct fb_hub *hub, int64_t lease_ms)
{
    hub->lease_ms = lease_ms;
}

const struct fb_hub_counters *fb_hub_counters(const struct fb_hub *hub)
{
    return &hub->counters;
}

/* ---- Life ---- */

static int find_timeline(struct fb_hub *hub, struct fb_why *why)
{
    int rc = fb_hub_read_standing(hub);
    return rc == FB_ERR_NOT_FOUND
               ? fb_fail(why, FB_ERR_DAMAGED,
                         "The database has no timeline; was it made by `fieldbook-server init`?")
               : rc;
}

int fb_hub_new(struct fb_store *store, struct fb_store *reader, const struct fb_random *random,
               struct fb_hub **ret, struct fb_why *why)
{
    struct fb_hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    hub->store = store;
    hub->reader = reader;
    hub->random = *random;
    hub->queue_end = &hub->queue;
    hub->structure_changes = hub->scope_changes = 1;
    hub->peers_due_ms = hub->rules_due_ms = hub->history_due_ms = INT64_MAX;
    int rc = fb_scope_cache_new(&hub->scopes);
    rc = rc < 0 ? rc : fb_scope_cache_new(&hub->reader_scopes);
    rc = rc < 0 ? rc : find_timeline(hub, why);
    if (rc < 0) {
        fb_hub_free(hub);
        return rc;
    }
    *ret = hub;
    return FB_OK;
}

void fb_hub_free(struct fb_hub *hub)
{
    if (hub == NULL) {
        return;
    }
    while (hub->peers != NULL) {
        fb_hub_close(hub, hub->peers->session);
    }
    while (hub->queue != NULL) {
        struct fb_push_in *q = hub->queue;
        hub->queue = q->next;
        fb_hub_push_free(q);
    }
    free(hub->lives);
    fb_decisions_forget(hub);
    fb_family_release(&hub->family);
    fb_family_release(&hub->reader_family);
    fb_structure_free(hub->structure);
    fb_hub_forget_rights(hub);
    fb_scope_cache_free(hub->scopes);
    fb_scope_cache_free(hub->reader_scopes);
    free(hub);
}
