/* SPDX-License-Identifier: MIT
 *
 * The laptop's frozen pushes and the staged chunks of a first download. A push never changes once
 * written (rule 2).
 */
#ifndef FB_STORE_OUTBOX_H
#define FB_STORE_OUTBOX_H

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/store/store.h"

/* What a push was when headquarters first acknowledged it, if that was under an earlier life of the laptop; number 0: it was not. */
struct fb_push_origin {
    int64_t incarnation;
    int64_t number;
    struct fb_sha256 hash;
};

/* number > 0: of the present life. Those of earlier lives, acknowledged, are kept under numbers of 0 and less: older ones lower. */
struct fb_push {
    int64_t number;
    int64_t incarnation;
    char timeline[FB_ROW_ID_SIZE];
    struct fb_sha256 prev_hash;
    struct fb_sha256 hash;
    int64_t parts;
    int64_t changes;
    int64_t made_at_ms;
    int64_t acked_at_ms; /* 0: pending */
    int64_t covered_rev; /* 0: its rows are open */
    /* By a cut of a timeline that headquarters has lost: it goes up again, but no cut skips more than it names. */
    bool was_answered;
    struct fb_push_origin origin;
};

/* Writing one, inside the freezing transaction: parts first, then the push, whose number is the
 * last one's + 1. */
int fb_outbox_add_part(struct fb_store *s, int64_t number, int64_t part, const void *bytes,
                       size_t size) FB_MUST_CHECK;
int fb_outbox_add(struct fb_store *s, const struct fb_push *push) FB_MUST_CHECK;

/* The newest push of this life; number 0 if there is none. */
int fb_outbox_last(struct fb_store *s, struct fb_push *ret) FB_MUST_CHECK;
/* FB_ERR_NOT_FOUND. */
int fb_outbox_get(struct fb_store *s, int64_t number, struct fb_push *ret) FB_MUST_CHECK;
/* Parts of this number and less stay here: what the push's rows had edited and is as it was. */
#define FB_OUTBOX_NETTED_PART (-1)
/* The bytes live until the next call. FB_ERR_NOT_FOUND. */
int fb_outbox_part(struct fb_store *s, int64_t number, int64_t part, const uint8_t **ret,
                   size_t *ret_size) FB_MUST_CHECK;

int fb_outbox_mark_acked(struct fb_store *s, int64_t up_to_number, int64_t now_ms) FB_MUST_CHECK;
/* at_ms: the time of that rev by headquarters' clock, from which the push is kept: a laptop's clock that jumps ten years must not
 * throw away what a restored headquarters will ask for. */
int fb_outbox_mark_covered(struct fb_store *s, int64_t up_to_number, int64_t rev,
                           int64_t at_ms) FB_MUST_CHECK;
/* Drops acknowledged and covered pushes older than before_ms (30 days); the newest always stays:
 * hello names it. */
int fb_outbox_expire(struct fb_store *s, int64_t before_ms) FB_MUST_CHECK;

/* Pending: not acknowledged; open: acknowledged, not covered. */
typedef int fb_push_each(void *ctx, const struct fb_push *push);
int fb_outbox_each_uncovered(struct fb_store *s, fb_push_each *f, void *ctx) FB_MUST_CHECK;
int fb_outbox_count(struct fb_store *s, int64_t *ret_pending_pushes,
                    int64_t *ret_pending_changes) FB_MUST_CHECK;

/* Ends a life: its acknowledged pushes are kept as those of an earlier one. */
int fb_outbox_keep_acked(struct fb_store *s) FB_MUST_CHECK;
/* Headquarters lost those after the number: they wait again. */
int fb_outbox_reopen(struct fb_store *s, int64_t after_number) FB_MUST_CHECK;
/* Has what earlier lives delivered wait again. */
int fb_outbox_offer_kept(struct fb_store *s, bool *ret_any) FB_MUST_CHECK;
/* What is to be sent, in the order it was made: that of earlier lives first. */
int fb_outbox_each_pending(struct fb_store *s, fb_push_each *f, void *ctx) FB_MUST_CHECK;
/* Gives a push and its parts another number, which must be free, and what the push says of its chain. */
int fb_outbox_renumber(struct fb_store *s, int64_t from, const struct fb_push *to) FB_MUST_CHECK;

/* Staged chunks, in the order they came. */
int fb_stage_add(struct fb_store *s, int64_t rev, int64_t rows, const void *bytes, size_t size,
                 const void *position, size_t position_size) FB_MUST_CHECK;
/* Where to go on and the smallest rev; FB_ERR_NOT_FOUND if nothing is staged. */
int fb_stage_position(struct fb_store *s, struct fb_buf *ret_position, int64_t *ret_rev_min,
                      int64_t *ret_rows) FB_MUST_CHECK;
typedef int fb_stage_each_chunk(void *ctx, const uint8_t *bytes, size_t size);
int fb_stage_each(struct fb_store *s, fb_stage_each_chunk *f, void *ctx) FB_MUST_CHECK;
int fb_stage_clear(struct fb_store *s) FB_MUST_CHECK;

#endif
