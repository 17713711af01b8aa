/* SPDX-License-Identifier: MIT
 *
 * What headquarters says: one function per message, and the table that names it and the states in
 * which it may come. Anything else ends the connection with nothing changed (law 4); what was under
 * way is on disk and goes on at the next one.
 */
#include <stdio.h>
#include <string.h>

#include "common/sync/replica_internal.h"

typedef int receiver(struct fb_replica_round *r, const struct fb_message *m);

#define IN(state) (1u << FB_REPLICA_##state)

enum { GREETED = IN(PUSHING) | IN(PULLING) | IN(IN_STEP) };

/* ---- Greeting ---- */

/* The push headquarters saw last must be ours; hello names only the newest, so the last word is
 * here (rule 22). */
static int check_seen(struct fb_replica_round *r, const struct fb_welcome *w, bool *ret_is_ours)
{
    *ret_is_ours = true;
    if (w->seen == 0) {
        return FB_OK;
    }
    if (w->seen > r->last.number) {
        *ret_is_ours = false;
        return FB_OK;
    }
    struct fb_push push;
    int rc = fb_outbox_get(r->store, w->seen, &push);
    const struct fb_sha256 *hash = &push.hash;
    if (rc == FB_ERR_NOT_FOUND) { /* kept no longer: the next one names it */
        rc = fb_outbox_get(r->store, w->seen + 1, &push);
        hash = &push.prev_hash;
    }
    if (rc == FB_ERR_NOT_FOUND) {
        return FB_OK;
    }
    if (rc == FB_OK && !FB_BUG(HASH_CHAIN_IGNORED)) {
        *ret_is_ours = fb_sha256_equal(hash, &w->seen_hash);
    }
    return rc;
}

static int refuse_chain(struct fb_replica_round *r)
{
    int rc = fb_replica_disown_chain(r);
    if (rc < 0) {
        return rc;
    }
    return fb_replica_fail(
        r, FB_ERR_INTERRUPTED,
        "headquarters has seen other edits under this laptop's name: it was copied or restored "
        "from a backup; it asks for a new identity at the next connection, and nothing is lost");
}

static void measure_clock(struct fb_replica_round *r, const struct fb_welcome *w)
{
    int64_t halfway_ms = r->hello_at_ms + (r->now_ms - r->hello_at_ms) / 2;
    r->status.clock_offset_ms = w->now_ms - halfway_ms;
}

static int start_exchange(struct fb_replica_round *r)
{
    r->awaits_catalogue = false;
    r->is_write_noticed = true;
    r->is_pull_wanted = true;
    fb_replica_move(r, FB_REPLICA_PUSHING);
    return FB_OK;
}

/* For people: the transaction of a cut notes it otherwise, and none is to come. */
static int keep_ack(struct fb_replica_round *r)
{
    if (r->may_pull || r->acked == 0) {
        return FB_OK;
    }
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_outbox_mark_acked(r->store, r->acked, r->now_ms);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

static void say_too_old(struct fb_replica_round *r, bool is_headquarters)
{
    r->may_pull = false;
    r->status.verdict = FB_VERDICT_TOO_OLD;
    snprintf(r->status.sentence, sizeof r->status.sentence, "%s",
             is_headquarters
                 ? fb_text("Headquarters' program is older than this laptop's: what is written "
                           "here is sent, and nothing comes until headquarters is updated.")
                 : fb_text("This laptop's program is too old to receive from headquarters: what "
                           "is written here is sent; update the program."));
}

static int receive_welcome(struct fb_replica_round *r, const struct fb_message *m)
{
    const struct fb_welcome *w = &m->welcome;
    if (r->is_greeted) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL, "headquarters said welcome twice");
    }
    r->status.verdict = w->verdict;
    r->status.retry_after_ms = w->retry_after_ms;
    r->status.lease_ms = w->lease_ms;
    r->status.must_wipe = w->must_wipe;
    if (!r->is_carried) {
        measure_clock(r, w);
    }
    if (w->verdict == FB_VERDICT_RETRY_LATER) {
        return fb_replica_fail(r, FB_ERR_BUSY, "headquarters is busy: trying again in %lld s",
                               (long long)(w->retry_after_ms + 999) / 1000);
    }
    int64_t incarnation = 0;
    int rc = fb_replica_meta_int(r->store, "incarnation", 0, &incarnation);
    if (rc == FB_OK) {
        rc = fb_replica_adopt(r, w);
    }
    bool is_ours = true;
    bool is_same = incarnation == w->incarnation;
    if (rc == FB_OK && is_same) {
        rc = check_seen(r, w, &is_ours);
    }
    if (rc < 0 || !is_ours) {
        return rc < 0 ? rc : refuse_chain(r);
    }
    r->acked = is_same ? w->seen : 0;
    r->staged_number = is_same ? w->staged_number : 0;
    r->staged_parts = w->staged_parts;
    r->status.server_rev = w->rev;
    r->poke_rev = w->rev;
    r->is_greeted = true;
    r->status.welcomes++;
    r->may_pull = w->verdict != FB_VERDICT_TOO_OLD && !w->must_enrol;
    r->status.refusal = FB_REFUSAL_NONE;
    r->status.sentence[0] = '\0';
    if (w->must_enrol) {
        fb_why_set(&r->why,
                   "a copy of this laptop took its place at headquarters: what it holds is "
                   "sent; then ask for a code and run fieldbook-replica enrol once more");
        memcpy(r->status.sentence, r->why.text, sizeof r->status.sentence);
        r->why.text[0] = '\0';
    }
    if (w->verdict == FB_VERDICT_TOO_OLD && !w->must_wipe) {
        say_too_old(r, w->protocol > 0 && w->protocol < FB_PROTOCOL_OF_LAPTOP);
    }
    r->status.must_enrol = w->must_enrol;
    rc = keep_ack(r);
    rc = rc < 0 ? rc : fb_replica_note(r, "must_enrol", w->must_enrol);
    rc = rc < 0 ? rc : fb_replica_meet_horizon(r, w->horizon);
    if (rc < 0) {
        return rc;
    }
    const struct fb_catalogue *c = fb_store_catalogue(r->store);
    r->awaits_catalogue = w->catalogue_version > (c == NULL ? 0 : c->version);
    return r->awaits_catalogue ? FB_OK : start_exchange(r);
}

static int put_in_force(struct fb_replica_round *r, struct fb_catalogue *c)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        fb_catalogue_free(c);
        return rc;
    }
    rc = fb_store_set_catalogue(r->store, c, r->now_ms, &r->why);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

/* One that this program cannot read is of a newer release: rows would be read wrongly, but what was written here is sent. In the middle of
 * an answer the connection ends, and the next welcome brings it first. */
static int meet_unreadable(struct fb_replica_round *r)
{
    if (!r->awaits_catalogue) {
        return fb_replica_fail(r, FB_ERR_INTERRUPTED, "headquarters has a newer catalogue");
    }
    r->why.text[0] = '\0';
    say_too_old(r, false);
    return start_exchange(r);
}

/* Ahead of the rows that need it. A duplicate, or an older one, is nothing new. */
static int receive_catalogue(struct fb_replica_round *r, const struct fb_message *m)
{
    const struct fb_catalogue *now = fb_store_catalogue(r->store);
    if (!r->is_greeted) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL,
                               "headquarters sent a catalogue before its welcome");
    }
    if (now == NULL || m->catalogue.version > now->version) {
        struct fb_catalogue *c = NULL;
        int rc = fb_catalogue_load(m->catalogue.document, m->catalogue.document_size, &c, &r->why);
        if (rc == FB_OK) {
            rc = put_in_force(r, c);
        } else if (rc == FB_ERR_INVALID || rc == FB_ERR_LIMIT) {
            return meet_unreadable(r);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return r->awaits_catalogue ? start_exchange(r) : FB_OK;
}

static int receive_refuse(struct fb_replica_round *r, const struct fb_message *m)
{
    r->status.refusal = m->refuse.reason;
    r->status.retry_after_ms = m->refuse.retry_after_ms;
    fb_replica_move(r, FB_REPLICA_REFUSED);
    /* Not by us: what we open anew we have closed before. */
    int rc =
        m->refuse.reason == FB_REFUSAL_REPLACED ? fb_replica_note(r, "is_copied", true) : FB_OK;
    return rc < 0 ? rc : fb_replica_fail(r, FB_ERR_REFUSED, "%s", fb_text(m->refuse.sentence));
}

/* ---- Push ---- */

static void note_acked(struct fb_replica_round *r, int64_t number)
{
    if (number > r->acked) {
        r->acked = number;
    }
    if (r->in_flight <= r->acked) {
        r->in_flight = 0;
    }
    if (r->sending.number > 0 && r->sending.number <= r->acked) {
        r->sending.number = 0;
    }
}

/* Noted on disk by the transaction of the next cut: until then the welcome says it again. */
static int receive_ack(struct fb_replica_round *r, const struct fb_message *m)
{
    if (m->ack.number > r->last.number) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL,
                               "headquarters acknowledged push %lld, which this laptop never made",
                               (long long)m->ack.number);
    }
    note_acked(r, m->ack.number);
    return keep_ack(r);
}

/* ---- Pull ---- */

static int receive_scope_digests(struct fb_replica_round *r, const struct fb_message *m)
{
    (void)m; /* its frame is kept until the cut that follows is applied; there may be several */
    return r->is_pull_sent
               ? FB_OK
               : fb_replica_fail(r, FB_ERR_PROTOCOL, "digests came that nobody asked for");
}

static int receive_chunk(struct fb_replica_round *r, const struct fb_message *m)
{
    if (!r->is_pull_sent || r->pull_kind != FB_PULL_CHUNK) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL, "a chunk came that nobody asked for");
    }
    int rc = fb_replica_stage(r, &m->chunk);
    if (rc < 0) {
        return rc;
    }
    r->is_pull_sent = false;
    fb_replica_move(r, FB_REPLICA_PUSHING);
    return FB_OK;
}

static int check_cut(struct fb_replica_round *r, const struct fb_cut *cut)
{
    if (!r->is_pull_sent || r->pull_kind == FB_PULL_CHUNK) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL, "a cut came that nobody asked for");
    }
    if (r->pull_kind == FB_PULL_CHANGES && cut->rev < r->status.cursor) {
        return fb_replica_fail(r, FB_ERR_PROTOCOL,
                               "a cut of rev %lld came, this laptop stands at %lld",
                               (long long)cut->rev, (long long)r->status.cursor);
    }
    /* A copy's, which came whole before this connection and was merged after its welcome (rule 22). */
    return cut->seen > r->last.number ? refuse_chain(r) : FB_OK;
}

static void note_cut(struct fb_replica_round *r, const struct fb_cut *cut)
{
    r->status.cursor = cut->rev;
    r->log_head = cut->log_head;
    r->status.last_cut_at_ms = r->now_ms;
    r->status.cuts++;
    if (cut->rev > r->status.server_rev) {
        r->status.server_rev = cut->rev;
    }
    r->is_pull_sent = false;
    if (r->was_repair) {
        fb_replica_drop_repair(r);
        r->was_repair = false;
    }
    note_acked(r, cut->seen);
}

/* Staged chunks that cannot be read would fail for ever: they are fetched anew. */
static void drop_bad_stage(struct fb_replica_round *r)
{
    if (fb_store_begin(r->store) < 0) {
        return;
    }
    if (fb_replica_stage_drop(r->store) < 0) {
        fb_store_rollback(r->store);
        return;
    }
    fb_ignore(fb_store_commit(r->store),
              "the next connection finds the stage as it is and comes here again");
}

static int receive_cut(struct fb_replica_round *r, const struct fb_message *m)
{
    int rc = check_cut(r, &m->cut);
    if (rc == FB_OK) {
        rc = fb_replica_apply(r, &m->cut);
        if (rc == FB_ERR_PROTOCOL && r->pull_kind == FB_PULL_GAP) {
            drop_bad_stage(r);
        }
    }
    if (rc < 0) {
        return rc;
    }
    fb_buf_clear(&r->frames);
    note_cut(r, &m->cut);
    rc = fb_replica_compare(r, &m->cut);
    fb_buf_clear(&r->scope_digests);
    fb_replica_move(r, FB_REPLICA_PUSHING);
    return rc;
}

static int receive_poke(struct fb_replica_round *r, const struct fb_message *m)
{
    r->is_pull_wanted = r->is_pull_wanted || m->poke.scopes;
    if (m->poke.rev > r->poke_rev) {
        r->poke_rev = m->poke.rev;
    }
    if (m->poke.rev > r->status.server_rev) {
        r->status.server_rev = m->poke.rev;
    }
    return FB_OK;
}

/* ---- Life ---- */

static int receive_ping(struct fb_replica_round *r, const struct fb_message *m)
{
    r->owes_pong = true;
    r->pong_ms = m->ping_ms;
    return FB_OK;
}

static int receive_pong(struct fb_replica_round *r, const struct fb_message *m)
{
    (void)r;
    (void)m; /* any byte counts as life */
    return FB_OK;
}

/* Who takes what, and when. Rows and removes are kept as they came, and read when their cut is
 * whole. */
static const struct {
    enum fb_message_kind kind;
    uint32_t states;
    receiver *receive;
} receivers[] = {
    {FB_MESSAGE_WELCOME, IN(GREETING), receive_welcome},
    {FB_MESSAGE_CATALOGUE, IN(GREETING) | GREETED, receive_catalogue},
    {FB_MESSAGE_ACK, GREETED, receive_ack},
    {FB_MESSAGE_SCOPE_DIGESTS, IN(PULLING), receive_scope_digests},
    {FB_MESSAGE_CHUNK, IN(PULLING), receive_chunk},
    {FB_MESSAGE_CUT, IN(PULLING), receive_cut},
    {FB_MESSAGE_POKE, GREETED, receive_poke},
    {FB_MESSAGE_PING, IN(GREETING) | GREETED, receive_ping},
    {FB_MESSAGE_PONG, GREETED, receive_pong},
    {FB_MESSAGE_REFUSE, IN(GREETING) | GREETED, receive_refuse},
};

static int receive_decoded(struct fb_replica_round *r, const uint8_t *frame, size_t size, size_t at)
{
    struct fb_message m;
    int rc = fb_message_decode(frame, size, fb_store_catalogue(r->store), &r->arena, &m, &r->why);
    if (rc == FB_OK && m.kind == FB_MESSAGE_SCOPE_DIGESTS) {
        fb_buf_append(&r->scope_digests, frame, size);
        rc = fb_buf_error(&r->scope_digests);
    }
    if (rc == FB_OK) {
        rc = receivers[at].receive(r, &m);
    }
    fb_arena_clear(&r->arena);
    return rc;
}

int fb_replica_receive(struct fb_replica_round *r, const uint8_t *frame, size_t size)
{
    enum fb_message_kind kind = frame[4];
    if (kind == FB_MESSAGE_ROWS || kind == FB_MESSAGE_REMOVES || kind == FB_MESSAGE_EVICT ||
        kind == FB_MESSAGE_REFERENCES) {
        if (r->status.state == FB_REPLICA_PULLING && r->is_pull_sent) {
            return fb_replica_keep_frame(r, frame, size);
        }
        return fb_replica_fail(r, FB_ERR_PROTOCOL, "rows came that nobody asked for");
    }
    for (size_t i = 0; i < sizeof receivers / sizeof receivers[0]; i++) {
        if (receivers[i].kind == kind && (receivers[i].states >> r->status.state & 1) != 0) {
            return receive_decoded(r, frame, size, i);
        }
    }
    return fb_replica_fail(r, FB_ERR_PROTOCOL, "headquarters sent a message of kind %d out of turn",
                           (int)kind);
}
