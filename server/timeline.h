/* SPDX-License-Identifier: MIT
 *
 * Timelines: which history of headquarters this database is (docs/architecture.md, "Restoring a backup"). A new one starts whenever
 * the database was set back to an older state; it remembers its parent and the last rev they share. Laptops then send again what
 * this history lacks, and fetch everything.
 */
#ifndef FB_SERVER_TIMELINE_H
#define FB_SERVER_TIMELINE_H

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/store/store.h"
#include "common/wire/message.h"

/* The first one of a new database. Inside a transaction. */
int fb_timeline_start(struct fb_store *s, const struct fb_random *random,
                      int64_t now_ms) FB_MUST_CHECK;

/* Forks a new one off the present, at the newest rev, in a transaction of its own. Takes back that headquarters noticed it was
 * rewound; forgets parts of pushes that are not whole; leaves a gap in the incarnations, whose numbers the lost history may have
 * given to laptops (and with them the prefixes of order numbers), and one in the versions of the catalogue. */
int fb_timeline_fork(struct fb_store *s, const struct fb_random *random, int64_t now_ms,
                     char ret_id[static FB_ROW_ID_SIZE]) FB_MUST_CHECK;

/* What the database's timeline was forked from, newest first, in the arena; the oldest beyond FB_TIMELINES_MAX are left out. */
int fb_timeline_ancestors(struct fb_store *s, const char *id, struct fb_arena *arena,
                          struct fb_ancestor **ret, size_t *ret_count) FB_MUST_CHECK;

/* Up to which rev a cursor of that timeline means the same in this one: all (INT64_MAX) if it is the present one, the fork if the
 * present was forked from it, 0 if it is unknown here. */
int fb_timeline_shared_rev(struct fb_store *s, const char *present, const char *other,
                           int64_t *ret) FB_MUST_CHECK;

/* A laptop shows that the present history and that other one, which it was forked from, part before the rev: the database was set
 * back by hand, and went on before anybody noticed, so that the fork was written down too late. In a transaction of its own. */
int fb_timeline_part_before(struct fb_store *s, const char *other, int64_t rev) FB_MUST_CHECK;

#endif
