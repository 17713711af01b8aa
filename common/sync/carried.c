/* SPDX-License-Identifier: MIT
 *
 * A round carried by file, on the laptop: the same machine, whose connection is a file there and a file back.
 *
 *     export   hello, every push that no cut has answered, the pull: all that a laptop would say, said without hearing anything.
 *              What was said is remembered by two hashes.
 *     import   the machine says it again, unheard, and hears the answer in the order its states want: the welcome (and the
 *              catalogue) before it pushes and pulls, then acks and the cut.
 *
 * An answer counts for the newest export only, and while the laptop would still ask the same: a cut is applied at the cursor, and
 * with the scopes, that it was made for.
 */
#include <string.h>

#include "common/sync/replica_internal.h"

#define ASK_KEY      "carried_ask"      /* SHA-256 of all frames of the newest export */
#define PULL_KEY     "carried_pull"     /* ... of its pull alone */
#define PROTOCOL_KEY "carried_protocol" /* that the program spoke which wrote it */

/* What went wrong in the machine, as the caller hears it. */
static int tell(struct fb_replica_round *r, int rc, struct fb_why *why)
{
    if (rc < 0 && why->text[0] == '\0') {
        fb_why_set(why, "%s",
                   r->status.sentence[0] != '\0' ? r->status.sentence : fb_err_sentence(rc));
    }
    return rc;
}

/* Takes all that the machine has to say and appends it; *ret_last is where the last frame begins. */
static int say(struct fb_replica_round *r, struct fb_buf *ret, size_t *ret_last)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_OUTPUT_BYTES_HIGH + 2 * FB_FRAME_BYTES_MAX);
    do {
        fb_buf_clear(&out);
        int rc = fb_replica_round_take(r, &out, r->now_ms);
        if (rc < 0) {
            return rc;
        }
        for (size_t at = 0, size = 0; at < out.size; at += size) {
            rc = fb_frame_find(out.bytes + at, out.size - at, FB_FRAME_BYTES_MAX, &size, NULL);
            fb_assert(rc == FB_OK && size > 0);
            *ret_last = ret->size + at;
        }
        fb_buf_append(ret, out.bytes, out.size);
    } while (out.size > 0);
    return fb_buf_error(ret);
}

/* ---- Export ---- */

/* What a first download, a full cut or a new identity must settle cannot be said without hearing. */
static int check_exchange(struct fb_replica_round *r, struct fb_why *why)
{
    static const char *const NEVER[] = {"must_enrol", "is_copied"};
    int64_t incarnation = 0;
    int64_t is_set = 0;
    int rc = fb_replica_meta_int(r->store, "incarnation", 0, &incarnation);
    for (size_t i = 0; rc == FB_OK && is_set == 0 && i < sizeof NEVER / sizeof *NEVER; i++) {
        rc = fb_replica_meta_int(r->store, NEVER[i], 0, &is_set);
    }
    if (rc < 0) {
        return tell(r, rc, why);
    }
    return incarnation > 0 && is_set == 0 && !fb_replica_needs_all(r)
               ? FB_OK
               : fb_fail(why, FB_ERR_REFUSED,
                         "this laptop needs a connection first: a first download, or what follows "
                         "a restored backup, is too much for a file. Run `fieldbook-replica sync` "
                         "where there is a network");
}

static int remember_ask(struct fb_replica_round *r, const struct fb_sha256 *ask,
                        const struct fb_sha256 *pull)
{
    struct fb_value ask_value = fb_value_blob(ask->bytes, sizeof ask->bytes);
    struct fb_value pull_value = fb_value_blob(pull->bytes, sizeof pull->bytes);
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_meta_set(r->store, ASK_KEY, &ask_value);
    rc = rc < 0 ? rc : fb_store_meta_set(r->store, PULL_KEY, &pull_value);
    rc = rc < 0 ? rc : fb_replica_set_int(r->store, PROTOCOL_KEY, FB_PROTOCOL_OF_LAPTOP);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

/* As if the welcome had said what headquarters said last. */
static int say_unheard(struct fb_replica_round *r, struct fb_buf *ret, size_t *ret_last)
{
    int rc = say(r, ret, ret_last); /* hello */
    if (rc == FB_OK) {
        r->is_write_noticed = r->is_pull_wanted = r->may_pull = true;
        fb_replica_move(r, FB_REPLICA_PUSHING);
        rc = say(r, ret, ret_last);
    }
    return rc;
}

int fb_replica_round_export(struct fb_replica_round *r, struct fb_buf *ret, int64_t now_ms,
                            struct fb_why *why)
{
    size_t last = 0;
    fb_replica_round_opened(r, now_ms);
    r->is_carried = r->is_digest_wanted = true;
    int rc = check_exchange(r, why);
    rc = rc < 0 ? rc : say_unheard(r, ret, &last);
    if (rc == FB_ERR_LIMIT) {
        rc = fb_fail(why, rc,
                     "more waits here than the file of a round may hold (%d MiB): run "
                     "`fieldbook-replica sync` where there is a network",
                     FB_CARRIED_BYTES_MAX >> 20);
    }
    if (rc == FB_OK) {
        struct fb_sha256 ask = fb_sha256(ret->bytes, ret->size, NULL, 0);
        struct fb_sha256 pull = fb_sha256(ret->bytes + last, ret->size - last, NULL, 0);
        rc = remember_ask(r, &ask, &pull);
    }
    rc = tell(r, rc, why);
    fb_replica_round_closed(r, now_ms);
    return rc;
}

/* ---- Import ---- */

static int check_ask(struct fb_replica_round *r, const uint8_t *answer, size_t size,
                     struct fb_sha256 *ret_pull, struct fb_why *why)
{
    struct fb_sha256 ask;
    int64_t protocol = 0;
    int rc = fb_store_meta_blob(r->store, ASK_KEY, ask.bytes, sizeof ask.bytes);
    rc = rc < 0 ? rc : fb_store_meta_blob(r->store, PULL_KEY, ret_pull->bytes, FB_SHA256_BYTES);
    rc = rc < 0 ? rc : fb_store_meta_int(r->store, PROTOCOL_KEY, &protocol);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return tell(r, rc, why);
    }
    /* Headquarters answered the program that asked: another release might read the answer wrongly. */
    bool is_ours = rc == FB_OK && protocol == FB_PROTOCOL_OF_LAPTOP && size > FB_SHA256_BYTES &&
                   memcmp(answer, ask.bytes, sizeof ask.bytes) == 0;
    return is_ours
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID,
                         "this answers an older file than the last that this laptop wrote: take in "
                         "the answer to that one, or write a new file. Nothing is lost");
}

/* The welcome, and the catalogue if it came: what the machine hears before it goes on. */
static int hear_greeting(struct fb_replica_round *r, const uint8_t *frames, size_t size,
                         size_t *ret_used, struct fb_why *why)
{
    size_t used = 0;
    size_t frame = 0;
    int rc = FB_OK;
    while (rc == FB_OK) {
        rc = fb_frame_find(frames + used, size - used, FB_FRAME_BYTES_MAX, &frame, why);
        bool is_greeting =
            rc == FB_OK && frame > 0 && (used == 0 || frames[used + 4] == FB_MESSAGE_CATALOGUE);
        if (!is_greeting) {
            break;
        }
        rc = fb_replica_round_feed(r, frames + used, frame, r->now_ms);
        used += frame;
    }
    *ret_used = used;
    return rc;
}

static int hear_answer(struct fb_replica_round *r, const uint8_t *frames, size_t size,
                       const struct fb_sha256 *pull, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf said;
    fb_buf_init(&said, FB_CARRIED_BYTES_MAX);
    size_t used = 0;
    size_t last = 0;
    int64_t cuts = r->status.cuts;
    int rc = say(r, &said, &last); /* hello */
    rc = rc < 0 ? rc : hear_greeting(r, frames, size, &used, why);
    fb_buf_clear(&said);
    rc = rc < 0 ? rc : say(r, &said, &last);
    if (rc < 0) {
        return rc;
    }
    struct fb_sha256 now = fb_sha256(said.bytes + last, said.size - last, NULL, 0);
    if (!fb_sha256_equal(&now, pull) && !FB_BUG(CARRIED_ANSWER_TAKEN_LATE)) {
        return fb_fail(why, FB_ERR_EXISTS,
                       "nothing of this answer is left to take in: it was taken in already, or "
                       "this laptop has synced since. Write a new file for the next round");
    }
    rc = fb_replica_round_feed(r, frames + used, size - used, r->now_ms);
    return rc < 0 || r->status.cuts > cuts
               ? rc
               : fb_fail(why, FB_ERR_PROTOCOL,
                         "the answer ends before its cut: have the file answered again");
}

static int answered_at(const uint8_t *frames, size_t size, int64_t *ret_ms, struct fb_why *why)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_message m = {0};
    size_t frame = 0;
    int rc = fb_frame_find(frames, size, FB_FRAME_BYTES_MAX, &frame, why);
    rc = rc < 0 || frame == 0 ? FB_ERR_PROTOCOL
                              : fb_message_decode(frames, frame, NULL, &arena, &m, why);
    if (rc == FB_OK && m.kind != FB_MESSAGE_WELCOME) {
        rc = fb_fail(why, FB_ERR_PROTOCOL, "the answer does not begin with a welcome");
    }
    *ret_ms = rc < 0 ? 0 : m.welcome.now_ms;
    return rc;
}

int fb_replica_round_import(struct fb_replica_round *r, const uint8_t *answer, size_t size,
                            int64_t now_ms, int64_t *ret_answered_at_ms, struct fb_why *why)
{
    struct fb_sha256 pull;
    int rc = check_ask(r, answer, size, &pull, why);
    if (rc < 0) {
        return rc;
    }
    answer += FB_SHA256_BYTES;
    size -= FB_SHA256_BYTES;
    rc = answered_at(answer, size, ret_answered_at_ms, why);
    if (rc < 0) {
        return rc;
    }
    fb_replica_round_opened(r, now_ms);
    r->is_carried = r->is_digest_wanted = true;
    rc = tell(r, hear_answer(r, answer, size, &pull, why), why);
    fb_replica_round_closed(r, now_ms);
    return rc;
}
