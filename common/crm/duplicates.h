/* SPDX-License-Identifier: MIT
 *
 * The duplicates list and merging two records, at headquarters and on a laptop alike. All of it is rows of merge_job: callers give
 * the transaction, headquarters carries out what they say (server/merging.c).
 */
#ifndef FB_CRM_DUPLICATES_H
#define FB_CRM_DUPLICATES_H

#include "common/base/id.h"
#include "common/store/store.h"

/* Texts are borrowed and live during the call; NULL where there is nothing. */
struct fb_duplicate {
    const char *id;
    const char *entity, *keep_id, *drop_id;
    const char *state; /* suspected, merged, not_duplicate, undone, void */
    const char *rule, *note, *by_id, *at;
    int64_t score;
};

/* state NULL: all. The likest first. f returns FB_OK to go on. */
typedef int fb_duplicate_each(void *ctx, const struct fb_duplicate *d);
int fb_duplicates_list(struct fb_store *s, const char *state, fb_duplicate_each *f,
                       void *ctx) FB_MUST_CHECK;

/* Are these two known as a pair, in any state and either way round? */
int fb_duplicates_is_known(struct fb_store *s, const char *a, const char *b,
                           bool *ret) FB_MUST_CHECK;

/* "Not the same": remembered. FB_ERR_NOT_FOUND, FB_ERR_INVALID (it is not suspected any more). */
int fb_duplicates_dismiss(struct fb_store *s, const char *id, const char *by_id,
                          struct fb_why *why) FB_MUST_CHECK;

/* Asks to merge drop into keep; a suspicion about the two becomes that. choices: {"field": "keep" | "drop"} or NULL, checked
 * against the entity. FB_ERR_NOT_FOUND, FB_ERR_INVALID with a sentence; ret_id is the merge_job's. */
struct fb_merging_wish {
    const char *entity, *keep_id, *drop_id;
    const char *choices; /* JSON */
    const char *by_id;   /* NULL: headquarters fills in the laptop's person */
};
int fb_merging_ask(struct fb_store *s, const struct fb_merging_wish *wish,
                   char ret_id[static FB_ROW_ID_SIZE], struct fb_why *why) FB_MUST_CHECK;

/* Takes a merging back, for FB_MERGING_UNDO_DAYS. */
int fb_merging_take_back(struct fb_store *s, const char *id, int64_t now_ms,
                         struct fb_why *why) FB_MUST_CHECK;

/* What would move to the kept record: calls f per reference that points to drop. */
typedef int fb_moves_each(void *ctx, const struct fb_entity *e, const struct fb_field *f,
                          int64_t count);
int fb_merging_moves(struct fb_store *s, const struct fb_entity *entity, const char *drop_id,
                     fb_moves_each *f, void *ctx) FB_MUST_CHECK;

#endif
