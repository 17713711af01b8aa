/* SPDX-License-Identifier: MIT
 *
 * Backups of a headquarters: one file (common/base/archive.h) with
 *
 *     fieldbook.db     a consistent copy, taken while the daemon runs
 *     tls/...          the authority: without it no laptop would know the restored headquarters
 *     server.conf      if there is one
 *
 * so it holds private keys: mode 0600, and whoever has it is headquarters. Restoring one starts a new timeline (server/timeline.h).
 */
#ifndef FB_SERVER_BACKUP_H
#define FB_SERVER_BACKUP_H

#include <stdint.h>

#include "common/base/id.h"
#include "common/store/store.h"

/* what: "copied", ... for a line of progress; total 0: unknown. False stops the work. */
typedef bool fb_backup_progress(void *ctx, const char *what, int64_t done, int64_t total);

struct fb_backup_result {
    int64_t rev;            /* of the newest revision in it */
    int64_t database_bytes; /* as copied */
    int64_t file_bytes;     /* as stored */
};

/* Copies, checks the copy page by page, packs, reads the file again and compares its sums. FB_ERR_EXISTS if path is there; after any
 * failure no file of that name is left. Notes in the database when it was taken and up to where. */
int fb_backup_make(struct fb_store *s, const char *data, const char *path,
                   fb_backup_progress *progress, void *ctx, int64_t now_ms,
                   struct fb_backup_result *ret, struct fb_why *why) FB_MUST_CHECK;

/* ---- restore.c ---- */

/* What stands against what would come. */
struct fb_restore_report {
    int64_t backup_rev;
    int64_t backup_at_ms; /* of its newest revision; 0: it has none */
    bool has_present;     /* DIR holds a database that can be read; else all below is 0 */
    bool is_related;      /* it shares a history with the backup */
    int64_t present_rev;
    int64_t common_rev;   /* the newest that both have */
    int64_t lost_revs;    /* of the present, not in the backup */
    int64_t own_revs;     /* of them made at headquarters: nobody sends those again */
    int64_t own_rows;     /* rows they wrote */
    int64_t pushed_revs;  /* of them pushes: the laptops still hold them, and send them again */
    int64_t late_devices; /* laptops that the backup does not know: they must enrol again */
};

struct fb_restore;
/* Unpacks into DIR/restore.new, checks every byte and page, and compares with what DIR holds. Nothing else is touched. The folder's
 * lock is the caller's. */
int fb_restore_prepare(const char *data, const char *path, fb_backup_progress *progress, void *ctx,
                       struct fb_restore **ret, struct fb_why *why) FB_MUST_CHECK;
const struct fb_restore_report *fb_restore_report(const struct fb_restore *r);
/* Laptops whose pushes the backup lacks, newest first. */
typedef void fb_restore_device(void *ctx, const char *name, const char *login, int64_t pushes,
                               int64_t last_at_ms, bool is_late);
int fb_restore_each_ahead(struct fb_restore *r, fb_restore_device *f, void *ctx,
                          struct fb_why *why) FB_MUST_CHECK;
/* Forks the timeline, carries over which laptops are shut out, moves what stood there to DIR/before-restore-<n> and the
 * unpacked files into place. ret_aside: that folder, "" if there was nothing. */
int fb_restore_finish(struct fb_restore *r, const struct fb_random *random, int64_t now_ms,
                      char *ret_aside, size_t aside_size, struct fb_why *why) FB_MUST_CHECK;
/* Removes what was unpacked and not put in place. NULL is fine. */
void fb_restore_free(struct fb_restore *r);
void fb_restore_drop(struct fb_restore **r); /* for FB_AUTO */

#endif
