/* SPDX-License-Identifier: MIT
 *
 * All rows of given scopes, found from their roots downwards: the company's row and what hangs on it, rows whose scope is that person,
 * territory or team, and what hangs on these. Used for scopes that enter a laptop, and to say beforehand what a realignment moves.
 */
#ifndef FB_SERVER_SCOPE_ROWS_H
#define FB_SERVER_SCOPE_ROWS_H

#include "server/internal.h"

/* set: all scopes of the row. Both live during the call. */
typedef int fb_scope_row_each(void *ctx, const struct fb_row *row, const char *set);

/* Calls f once for each row that travels and belongs to one of the scopes, parents before their children. The cache is
 * of the same store and snapshot; the family is made for its catalogue if it is not. */
int fb_scope_rows_each(struct fb_store *s, struct fb_family *family, struct fb_scope_cache *cache,
                       const struct fb_scope_list *scopes, fb_scope_row_each *f,
                       void *ctx) FB_MUST_CHECK;

#endif
