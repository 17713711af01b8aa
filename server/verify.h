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
/* Lets what was changed with triggers off stand: it is in the tables and in nobody's digest. Digests that fit the tables make
 * every laptop that holds such a row differ, and a laptop that differs asks for the rows (rules 21 and 24); what it had until
 * then is a found value there. Inside a write transaction, with the daemon stopped. FB_ERR_BUSY: edits wait in the journal,
 * which are sealed by the digests as they were. */
int fb_verify_take_in(struct fb_store *s) FB_MUST_CHECK;

#endif
