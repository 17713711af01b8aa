/* SPDX-License-Identifier: MIT
 *
 * Is headquarters' database what it says it is? The log's hash chain, and the digests that were kept row by row against a
 * scan of the tables.
 */
#ifndef FB_SERVER_VERIFY_H
#define FB_SERVER_VERIFY_H

#include "common/store/store.h"

struct fb_verify_result {
    int64_t revs;
    int64_t rows;
    int64_t bad_rev;          /* the first whose hash is wrong; 0: none */
    int64_t differing_scopes; /* sets of scopes whose kept digest is not that of their rows */
};

/* f is called for each set that differs ("company:ID,team:ID"); NULL: they are only counted. */
typedef void fb_verify_differs(void *ctx, const char *set);
int fb_verify(struct fb_store *s, fb_verify_differs *f, void *ctx,
              struct fb_verify_result *ret) FB_MUST_CHECK;

#endif
