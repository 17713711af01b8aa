/* SPDX-License-Identifier: MIT
 *
 * `doctor --salvage`: a new database in place of a damaged one, with what could be read of the old one's unsent work; headquarters gives the
 * rest (fault A15). The damaged file is never written to: it is read, and then moved to DIR/damaged-N with its log.
 *
 *   DIR/fieldbook.db.salvaged    the new database, until it is whole
 *   DIR/damaged-N/fieldbook.db   the damaged one; moved when the new one is whole
 *   DIR/fieldbook.db             the new one takes its place last: a crash before that is finished by the same command
 */
#ifndef FB_REPLICA_SALVAGE_H
#define FB_REPLICA_SALVAGE_H

#include "common/store/salvage.h"
#include "common/sync/sync.h"

struct fb_replica_salvage_report {
    bool is_finished; /* an earlier run had done all but the last step: no figures */
    bool has_nothing; /* not even the list of tables could be read */
    struct fb_salvage read;
    struct fb_replica_salvaged outbox;
    char aside[4200]; /* where the damaged file is */
};

/* The folder is locked by the caller. FB_ERR_EXISTS: the database is whole, nothing is done. */
int fb_replica_salvage(const char *data, int64_t now_ms, struct fb_replica_salvage_report *ret,
                       struct fb_why *why) FB_MUST_CHECK;

#endif
