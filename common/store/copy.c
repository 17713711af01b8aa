/* SPDX-License-Identifier: MIT */
#include "common/store/copy.h"

#include <stdio.h>
#include <string.h>

#include "common/base/os.h"
#include "common/store/inside.h"

#define LOOK_EVERY_OPS 20000 /* of SQLite's machine: some milliseconds */

struct watch {
    const char *path; /* NULL: its size tells nothing */
    fb_copy_progress *progress;
    void *ctx;
    bool was_stopped;
};

static int look(void *ctx)
{
    struct watch *w = ctx;
    int64_t bytes = 0;
    if (w->path != NULL && fb_os_file_bytes(w->path, &bytes) < 0) {
        bytes = 0; /* not begun */
    }
    w->was_stopped = !w->progress(w->ctx, bytes);
    return w->was_stopped;
}

static void watch(struct fb_store *s, struct watch *w)
{
    if (w->progress != NULL) {
        sqlite3_progress_handler(s->db, LOOK_EVERY_OPS, look, w);
    }
}

static int copy_into(struct fb_store *s, const char *path)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(s->db, "VACUUM INTO ?1", -1, &q, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
        code = sqlite3_step(q);
    }
    int rc = code == SQLITE_DONE ? FB_OK : fb_store_note(s, code);
    sqlite3_finalize(q);
    return rc;
}

int fb_store_copy(struct fb_store *s, const char *path, fb_copy_progress *progress, void *ctx,
                  struct fb_why *why)
{
    struct watch w = {.path = path, .progress = progress, .ctx = ctx};
    if (fb_os_file_exists(path)) {
        return fb_fail(why, FB_ERR_EXISTS, "%s is there already", path);
    }
    watch(s, &w);
    int rc = copy_into(s, path);
    sqlite3_progress_handler(s->db, 0, NULL, NULL);
    if (rc == FB_OK) {
        return FB_OK;
    }
    rc = w.was_stopped ? fb_fail(why, FB_ERR_INTERRUPTED, "stopped: nothing was kept")
                       : fb_store_error(s, why);
    fb_os_remove_file(path);
    return rc;
}

int fb_store_check_thoroughly(struct fb_store *s, fb_copy_progress *progress, void *ctx,
                              struct fb_why *why)
{
    struct watch w = {.progress = progress, .ctx = ctx};
    char answer[200] = "";
    watch(s, &w);
    int rc = fb_store_read_pragma(s, "PRAGMA integrity_check(1)", answer, sizeof answer);
    sqlite3_progress_handler(s->db, 0, NULL, NULL);
    if (w.was_stopped) {
        return fb_fail(why, FB_ERR_INTERRUPTED, "stopped: nothing was changed");
    }
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    return strcmp(answer, "ok") == 0
               ? FB_OK
               : fb_fail(why, FB_ERR_DAMAGED, "the database is damaged (%s): use another backup",
                         answer);
}
