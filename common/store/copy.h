/* SPDX-License-Identifier: MIT
 *
 * A whole copy of the database as one file, consistent while others write (VACUUM INTO), and the thorough look at a file.
 */
#ifndef FB_STORE_COPY_H
#define FB_STORE_COPY_H

#include "common/store/store.h"

/* Now and then with the copy's size so far; false stops the work with FB_ERR_INTERRUPTED. May be NULL. */
typedef bool fb_copy_progress(void *ctx, int64_t bytes);

/* path must not exist. The copy is not synced; a failed one is removed. Outside a transaction. */
int fb_store_copy(struct fb_store *s, const char *path, fb_copy_progress *progress, void *ctx,
                  struct fb_why *why) FB_MUST_CHECK;

/* Every page, index and row (PRAGMA integrity_check). FB_ERR_DAMAGED says the first thing wrong. progress: bytes is 0. */
int fb_store_check_thoroughly(struct fb_store *s, fb_copy_progress *progress, void *ctx,
                              struct fb_why *why) FB_MUST_CHECK;

#endif
