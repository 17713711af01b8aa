/* SPDX-License-Identifier: MIT
 *
 * The log behind the horizon. Entries that are older than anybody needs for a pull are packed into segments, runs of consecutive
 * entries in one compressed piece each, and leave fb_log; nothing is dropped. Of each row the entry that tells where it stands now
 * stays in fb_log as well. The history of a row (history.h, history_entry.h) and the audit chain are read from both.
 *
 * What needs the log by scope (pulls, what a device held once) is told up to the horizon only: docs/decisions/0050-horizon-of-the-log.md.
 */
#ifndef FB_STORE_HISTORY_PACK_H
#define FB_STORE_HISTORY_PACK_H

#include "common/store/history.h"

/* Packs the oldest entries of fb_log, at most one segment; inside a transaction, which stays short. ret_packed: false if there are not
 * enough for a whole one whose revs are all of before before_ms. The newest rev is never packed. */
int fb_history_pack(struct fb_store *s, int64_t before_ms, int64_t now_ms,
                    bool *ret_packed) FB_MUST_CHECK;

/* The newest rev with an entry that was packed: what changed since is all in fb_log. 0: everything is. */
int fb_history_horizon(struct fb_store *s, int64_t *ret_rev) FB_MUST_CHECK;
/* Does fb_log still tell everything that changed after the rev? */
int fb_history_tells(struct fb_store *s, int64_t rev, bool *ret) FB_MUST_CHECK;
/* ... all entries from this one on? */
int fb_history_tells_from(struct fb_store *s, int64_t seq, bool *ret) FB_MUST_CHECK;

struct fb_packed {
    int64_t segments;
    int64_t entries;
    int64_t bytes;     /* of the segments */
    int64_t raw_bytes; /* ... of their entries before they were packed */
    int64_t horizon_rev;
    int64_t horizon_at_ms; /* when that rev was; 0: nothing was packed */
};
int fb_history_packed(struct fb_store *s, struct fb_packed *ret) FB_MUST_CHECK;

/* Every entry that was packed, newest first, from before a seq on. A number above 0 ends the walk and is returned. */
struct fb_packed_entry {
    int64_t seq;
    enum fb_log_op op;
    uint32_t entity_no;
    char row_id[FB_ROW_ID_SIZE];
    int64_t scope_before, scope_after, cause, edited_at_ms; /* as in fb_log_entry */
    const char *changes; /* JSON, NULL: none; lives during the call */
    size_t changes_size;
};
typedef int fb_packed_each(void *ctx, const struct fb_packed_entry *entry);
int fb_history_each_packed(struct fb_store *s, int64_t before_seq, fb_packed_each *f,
                           void *ctx) FB_MUST_CHECK;

#endif
