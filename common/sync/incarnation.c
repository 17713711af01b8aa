/* SPDX-License-Identifier: MIT
 *
 * Who this laptop is to headquarters, as the welcome says it: first incarnation, a new one for a
 * cloned or restored laptop (rule 22), the timeline of a restored headquarters (rules 2, 9, 23).
 * What is not merged is kept and sent again; one transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

struct adopting {
    struct fb_replica_round *round;
    struct fb_store *store;
    const struct fb_welcome *welcome;
    int64_t incarnation; /* ours before */
    char timeline[FB_ROW_ID_SIZE];
    struct fb_arena arena;
    struct fb_push *pushes;
    size_t push_count;
    size_t push_capacity;
    bool must_ask_again;
};

/* True if our push of that number is the one headquarters saw. */
static int holds_seen(struct adopting *a, bool *ret)
{
    struct fb_push push;
    *ret = false;
    if (a->welcome->seen == 0) {
        return FB_OK;
    }
    int rc = fb_outbox_get(a->store, a->welcome->seen, &push);
    if (rc == FB_ERR_NOT_FOUND) {
        return FB_OK;
    }
    if (rc == FB_OK) {
        *ret = fb_sha256_equal(&push.hash, &a->welcome->seen_hash);
    }
    return rc;
}

/* ---- A new incarnation ---- */

static int note_push(void *ctx, const struct fb_push *push)
{
    struct adopting *a = ctx;
    struct fb_push *pushes =
        fb_array_grow(a->pushes, a->push_count, &a->push_capacity, sizeof *pushes);
    if (pushes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    a->pushes = pushes;
    pushes[a->push_count++] = *push;
    return FB_OK;
}

/* Behind all others first: kept ones of earlier lives move past those of the present one. */
static int move_aside(struct adopting *a)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < a->push_count; i++) {
        struct fb_push *push = &a->pushes[i];
        int64_t from = push->number;
        push->number = INT64_C(1) << 41 | (int64_t)i;
        rc = fb_outbox_renumber(a->store, from, push);
    }
    return rc;
}

static int renumber_one(struct adopting *a, struct fb_push *push, int64_t number,
                        const struct fb_sha256 *prev_hash)
{
    int64_t from = push->number;
    push->prev_hash = *prev_hash;
    int rc = fb_replica_chain(a->store, push, &push->hash);
    push->number = number;
    push->incarnation = a->welcome->incarnation;
    return rc < 0 ? rc : fb_outbox_renumber(a->store, from, push);
}

static int drop_acknowledged(struct fb_store *s)
{
    int rc = fb_sql_exec(s, "DELETE FROM fb_push_part WHERE number IN"
                            " (SELECT number FROM fb_push WHERE acked_at_ms IS NOT NULL)");
    return rc < 0 ? rc : fb_sql_exec(s, "DELETE FROM fb_push WHERE acked_at_ms IS NOT NULL");
}

/* What matches is acknowledged, and kept; the rest is numbered from 1 and chained anew under the incarnation
 * given (rule 22). */
static int renumber(struct adopting *a)
{
    bool is_match = false;
    int rc = holds_seen(a, &is_match);
    if (rc == FB_OK && is_match) {
        rc = fb_outbox_mark_acked(a->store, a->welcome->seen, a->round->now_ms);
    }
    if (rc == FB_OK) {
        rc = FB_BUG(EARLIER_LIVES_DROPPED) ? drop_acknowledged(a->store)
                                           : fb_outbox_keep_acked(a->store);
    }
    if (rc == FB_OK) {
        rc = fb_outbox_each_pending(a->store, note_push, a);
    }
    rc = rc < 0 ? rc : move_aside(a);
    struct fb_sha256 prev_hash = {{0}};
    for (size_t i = 0; rc == FB_OK && i < a->push_count; i++) {
        rc = renumber_one(a, &a->pushes[i], (int64_t)i + 1, &prev_hash);
        prev_hash = a->pushes[i].hash;
    }
    return rc;
}

/* ---- A new timeline ---- */

/* What headquarters itself had changed after the fork, and this laptop pulled, is lost there: the full cut that follows keeps it as found
 * (found.c). Until then cursors, also those of edits still to come, are the old timeline's. */
static int note_fork(struct adopting *a)
{
    struct fb_ancestor *ours = NULL;
    size_t count = 0;
    int64_t since = 0;
    char cursor_timeline[FB_ROW_ID_SIZE] = "";
    int rc = fb_replica_ancestors(a->store, &a->arena, &ours, &count);
    rc = rc < 0 ? rc : fb_replica_meta_int(a->store, "found_since", 0, &since);
    if (rc < 0) {
        return rc;
    }
    int64_t cursor = a->round->cursor_on_disk;
    int64_t shared = fb_replica_shared_rev(a->timeline, ours, count, a->welcome);
    bool is_ahead = a->welcome->is_cursor_lost || (shared > 0 && cursor > shared);
    if (is_ahead && (shared == 0 || shared >= cursor)) {
        shared = cursor > 1 ? cursor - 1
                            : 1; /* it went on before anybody noticed: some rev before ours */
    }
    if (is_ahead && (since == 0 || shared < since) && !FB_BUG(LOST_EDITS_NOT_FOUND)) {
        rc = fb_replica_set_int(a->store, "found_since", shared);
    }
    rc = rc < 0 ? rc
                : fb_store_meta_text(a->store, "cursor_timeline", cursor_timeline,
                                     sizeof cursor_timeline);
    if (rc == FB_ERR_NOT_FOUND || (rc == FB_OK && cursor_timeline[0] == '\0')) {
        struct fb_value value = fb_value_text(a->timeline);
        rc = fb_store_meta_set(a->store, "cursor_timeline", &value);
    }
    return rc;
}

/* What earlier lives of this laptop delivered may be gone there, too. It goes up before what the present one made, so under a life of its own:
 * without an incarnation the laptop asks for one. */
static int offer_earlier_lives(struct adopting *a)
{
    bool is_any = false;
    int rc = fb_outbox_offer_kept(a->store, &is_any);
    if (rc < 0 || !is_any || a->incarnation != a->welcome->incarnation) {
        return rc;
    }
    a->must_ask_again = true;
    return fb_replica_set_int(a->store, "incarnation", 0);
}

/* Edits made under the old timeline do not mix with later ones in one push; what the new one has
 * not seen goes up again. */
static int leave_timeline(struct adopting *a)
{
    int64_t number = 0;
    int rc = fb_replica_freeze(a->store, a->round->now_ms, &number);
    bool is_match = false;
    if (rc == FB_OK) {
        rc = holds_seen(a, &is_match);
    }
    if (rc == FB_OK) {
        rc = fb_outbox_reopen(a->store, is_match ? a->welcome->seen : 0);
    }
    rc = rc < 0 ? rc : offer_earlier_lives(a);
    rc = rc < 0 || a->round->cursor_on_disk == 0 ? rc : note_fork(a);
    return rc < 0 ? rc : fb_replica_stage_drop(a->store);
}

/* ---- Adopting ---- */

static int set_text(struct fb_store *s, const char *key, const char *text, bool *ret_changed)
{
    char now[FB_ROW_ID_SIZE] = "";
    int rc = fb_store_meta_text(s, key, now, sizeof now);
    if ((rc < 0 && rc != FB_ERR_NOT_FOUND) || text == NULL || text[0] == '\0' ||
        strcmp(now, text) == 0) {
        return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    }
    *ret_changed = true;
    struct fb_value value = fb_value_text(text);
    return fb_store_meta_set(s, key, &value);
}

static int adopt(struct adopting *a, bool *ret_changed)
{
    const struct fb_welcome *w = a->welcome;
    bool is_new_timeline = a->timeline[0] != '\0' && strcmp(a->timeline, w->timeline) != 0;
    bool is_new_incarnation = a->incarnation != w->incarnation;
    int rc = FB_OK;
    if (is_new_timeline) {
        rc = leave_timeline(a);
    }
    if (rc == FB_OK && is_new_incarnation) {
        rc = renumber(a);
    }
    if (rc == FB_OK && is_new_incarnation) {
        rc = fb_replica_set_int(a->store, "incarnation", w->incarnation);
        rc = rc < 0 ? rc : fb_replica_set_int(a->store, "is_copied", 0);
    }
    if (rc == FB_OK && a->round->cursor_on_disk > 0 && (is_new_timeline || is_new_incarnation)) {
        rc = fb_replica_set_int(a->store, "resync", FB_RESYNC_ALL);
    }
    *ret_changed = is_new_timeline || is_new_incarnation;
    if (rc == FB_OK) {
        rc = fb_replica_ancestors_set(a->store, w, ret_changed);
    }
    if (rc == FB_OK) {
        rc = set_text(a->store, "timeline", w->timeline, ret_changed);
    }
    if (rc == FB_OK) {
        rc = set_text(a->store, "employee_id", w->employee_id, ret_changed);
    }
    return rc < 0 ? rc : set_text(a->store, "number_prefix", w->number_prefix, ret_changed);
}

static bool is_known(struct fb_store *s, const char *key, const char *text)
{
    char now[FB_ROW_ID_SIZE] = "";
    int rc = fb_store_meta_text(s, key, now, sizeof now);
    return text == NULL || text[0] == '\0' || (rc == FB_OK && strcmp(now, text) == 0);
}

/* C6: a headquarters that ours was forked from is an old copy that somebody left running. */
static int refuse_old_copy(struct adopting *a)
{
    struct fb_ancestor *ours = NULL;
    size_t count = 0;
    int rc = fb_replica_ancestors(a->store, &a->arena, &ours, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        if (strcmp(ours[i].id, a->welcome->timeline) == 0) {
            fb_replica_move(a->round, FB_REPLICA_REFUSED);
            a->round->status.refusal = FB_REFUSAL_REWOUND;
            rc = fb_replica_fail(
                a->round, FB_ERR_REFUSED,
                "this is an old copy of a headquarters that was restored since: check the address, "
                "or have an administrator stop the old one");
        }
    }
    return rc;
}

static int adopt_in_transaction(struct adopting *a)
{
    struct fb_replica_round *r = a->round;
    bool is_changed = false;
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = adopt(a, &is_changed);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    return rc < 0 || !is_changed ? rc : fb_replica_load(r);
}

int fb_replica_adopt(struct fb_replica_round *r, const struct fb_welcome *w)
{
    struct adopting a = {.round = r, .store = r->store, .welcome = w};
    int rc = fb_replica_meta_int(r->store, "incarnation", 0, &a.incarnation);
    if (rc < 0) {
        return rc;
    }
    if (a.incarnation == w->incarnation && is_known(r->store, "timeline", w->timeline) &&
        is_known(r->store, "employee_id", w->employee_id) &&
        is_known(r->store, "number_prefix", w->number_prefix)) {
        return FB_OK;
    }
    rc = fb_store_meta_text(r->store, "timeline", a.timeline, sizeof a.timeline);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    fb_arena_init(&a.arena, 0);
    rc = refuse_old_copy(&a);
    rc = rc < 0 ? rc : adopt_in_transaction(&a);
    fb_arena_release(&a.arena);
    free(a.pushes);
    return rc < 0 || !a.must_ask_again
               ? rc
               : fb_replica_fail(
                     r, FB_ERR_INTERRUPTED,
                     "headquarters was restored from a backup: what this laptop delivered under "
                     "earlier identities is sent again, at the next connection");
}

int fb_replica_disown_chain(struct fb_replica_round *r)
{
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_set_int(r->store, "incarnation", 0);
    if (rc == FB_OK && r->cursor_on_disk > 0) {
        rc = fb_replica_set_int(r->store, "resync", FB_RESYNC_ALL);
    }
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}

static int set_identity(struct fb_store *s, const char *device_id, const char *employee_id)
{
    struct fb_value device = fb_value_text(device_id);
    struct fb_value employee = fb_value_text(employee_id);
    int rc = fb_store_meta_set(s, "device_id", &device);
    rc = rc < 0 ? rc : fb_store_meta_set(s, "employee_id", &employee);
    rc = rc < 0 ? rc : fb_replica_set_int(s, "incarnation", 0);
    rc = rc < 0 ? rc : fb_replica_set_int(s, "must_enrol", 0);
    rc = rc < 0 ? rc : fb_replica_set_int(s, "is_copied", 0);
    return rc < 0 ? rc : fb_replica_set_int(s, "resync", FB_RESYNC_ALL);
}

int fb_replica_enrol_anew(struct fb_store *s, const char *device_id, const char *employee_id)
{
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = set_identity(s, device_id, employee_id);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}

int fb_replica_follow_certificate(struct fb_store *s, const char *device_id, bool *ret_changed)
{
    char device[FB_ROW_ID_SIZE] = "";
    char employee[FB_ROW_ID_SIZE] = "";
    int rc = fb_store_meta_text(s, "device_id", device, sizeof device);
    rc = rc < 0 && rc != FB_ERR_NOT_FOUND
             ? rc
             : fb_store_meta_text(s, "employee_id", employee, sizeof employee);
    *ret_changed = false;
    if ((rc < 0 && rc != FB_ERR_NOT_FOUND) || strcmp(device, device_id) == 0 ||
        FB_BUG(CERTIFICATE_NOT_FOLLOWED)) {
        return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    }
    rc = fb_replica_enrol_anew(s, device_id, employee);
    *ret_changed = rc == FB_OK;
    return rc;
}

int fb_replica_note(struct fb_replica_round *r, const char *key, bool value)
{
    int64_t before = 0;
    int rc = fb_replica_meta_int(r->store, key, 0, &before);
    if (rc < 0 || (before != 0) == value) {
        return rc;
    }
    rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_set_int(r->store, key, value);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    return fb_store_commit(r->store);
}
