/* SPDX-License-Identifier: MIT
 *
 * Which rows a connection has written lately, for what the same process keeps up with the database (the search file) without
 * looking through all tables. In memory, bounded, of committed transactions only; the writer and the one who takes may be two
 * threads. It knows rows written through row.h and noted by hand, nothing that tools or other programs do: those are in the journal.
 */
#ifndef FB_STORE_RECENT_H
#define FB_STORE_RECENT_H

#include "common/base/id.h"
#include "common/store/store.h"

struct fb_recent;

struct fb_recent_row {
    uint32_t entity_no;
    char id[FB_ROW_ID_SIZE];
};

int fb_recent_new(struct fb_recent **ret) FB_MUST_CHECK;
void fb_recent_free(struct fb_recent *r); /* after the stores that write into it */

/* The store writes into it from now on; NULL: no more. */
void fb_store_set_recent(struct fb_store *store, struct fb_recent *recent);
/* A row was written otherwise in the transaction under way. */
void fb_recent_note(struct fb_store *store, uint32_t entity_no,
                    const char id[static FB_ROW_ID_SIZE]);

/* What was committed since the last call; *ret is to be freed. ret_complete is false if there was more than fits, and in the first
 * call, which knows nothing of what was before: then everything has to be looked at. */
void fb_recent_take(struct fb_recent *r, struct fb_recent_row **ret, size_t *ret_count,
                    bool *ret_complete);

#endif
