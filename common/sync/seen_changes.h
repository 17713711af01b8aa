/* SPDX-License-Identifier: MIT
 *
 * What cuts changed on this laptop: one line per row that came with other values than stood here, with the old ones. A laptop's own
 * edits that simply stood come back equal and leave none. The newest FB_CHANGES_KEPT_MAX lines are kept; a first download and a scope
 * that enters whole leave none.
 */
#ifndef FB_SYNC_SEEN_CHANGES_H
#define FB_SYNC_SEEN_CHANGES_H

#include "common/store/row.h"

/* was NULL: the row was not here. kept: fields the cut does not write (FB_ROW_MASK_WORDS words); NULL: it writes all. Inside the transaction that applies the cut. */
int fb_changes_note(struct fb_store *s, const struct fb_row *was, const struct fb_row *now,
                    const uint64_t *kept, int64_t rev, int64_t now_ms) FB_MUST_CHECK;
/* Drops the oldest lines beyond the limit. */
int fb_changes_trim(struct fb_store *s) FB_MUST_CHECK;

/* Texts live during the call. old: {"field": value} before; NULL: the record is new here. */
struct fb_seen_change {
    int64_t rev, at_ms;
    const struct fb_entity *entity;
    const char *row_id;
    const char *old;
};
/* Newest first; f returns FB_OK to go on. */
typedef int fb_changes_each(void *ctx, const struct fb_seen_change *change);
int fb_changes_list(struct fb_store *s, int64_t since_ms, fb_changes_each *f,
                    void *ctx) FB_MUST_CHECK;

#endif
