/* SPDX-License-Identifier: MIT */
#include "server/backup.h"

#include <stdio.h>

#include "common/base/archive.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/store/copy.h"
#include "common/store/history.h"

struct backing {
    const char *data;
    const char *path;
    fb_backup_progress *progress;
    void *ctx;
    const char *what;
    int64_t total;
    struct fb_archive *archive;
    struct fb_why *why;
};

static bool show(void *ctx, int64_t done)
{
    struct backing *b = ctx;
    return b->progress(b->ctx, b->what, done, b->total);
}

static int copy_and_check(struct backing *b, struct fb_store *s, const char *copy,
                          struct fb_backup_result *result)
{
    b->what = "bytes copied";
    int rc = fb_store_copy(s, copy, show, b, b->why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_store_drop) struct fb_store *check = NULL;
    struct fb_store_options options = {.node = FB_NODE_SERVER, .is_read_only = true};
    b->what = "bytes checked";
    rc = fb_store_open(copy, &options, &check, b->why);
    rc = rc < 0 ? rc : fb_store_check_thoroughly(check, show, b, b->why);
    if (rc == FB_OK && (rc = fb_history_head(check, &result->rev)) < 0) {
        rc = fb_store_error(check, b->why);
    }
    return rc;
}

static int add_key_file(void *ctx, const char *name)
{
    struct backing *b = ctx;
    char path[4500];
    char member[300];
    unsigned mode = 0600;
    snprintf(path, sizeof path, "%s/tls/%s", b->data, name);
    snprintf(member, sizeof member, "tls/%s", name);
    int rc = fb_os_file_mode(path, &mode);
    return rc < 0 ? rc : fb_archive_add(b->archive, member, path, mode, b->why);
}

static int pack(struct backing *b, const char *copy, struct fb_backup_result *result)
{
    char path[4500];
    b->what = "bytes packed";
    int rc = fb_os_file_bytes(copy, &result->database_bytes);
    b->total = result->database_bytes;
    rc = rc < 0 ? rc : fb_archive_new(b->path, show, b, &b->archive, b->why);
    rc = rc < 0 ? rc : fb_archive_add(b->archive, "fieldbook.db", copy, 0600, b->why);
    snprintf(path, sizeof path, "%s/tls", b->data);
    rc = rc < 0 ? rc : fb_os_each_file(path, add_key_file, b, b->why);
    snprintf(path, sizeof path, "%s/server.conf", b->data);
    if (rc == FB_OK && fb_os_file_exists(path)) {
        rc = fb_archive_add(b->archive, "server.conf", path, 0644, b->why);
    }
    rc = rc < 0 ? rc : fb_archive_finish(b->archive, &result->file_bytes, b->why);
    bool is_there = rc == FB_OK;
    b->what = "bytes compared";
    rc = rc < 0 ? rc : fb_archive_unpack(b->path, NULL, show, b, b->why);
    if (rc < 0 && is_there) {
        fb_os_remove_file(b->path);
    }
    fb_archive_free(b->archive);
    return rc;
}

static int note_taken(struct fb_store *s, int64_t rev, int64_t now_ms)
{
    struct fb_value at = fb_value_int(now_ms);
    struct fb_value upto = fb_value_int(rev);
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_meta_set(s, "backup_at_ms", &at);
    rc = rc < 0 ? rc : fb_store_meta_set(s, "backup_rev", &upto);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}

int fb_backup_make(struct fb_store *s, const char *data, const char *path,
                   fb_backup_progress *progress, void *ctx, int64_t now_ms,
                   struct fb_backup_result *ret, struct fb_why *why)
{
    struct backing b = {.data = data, .path = path, .progress = progress, .ctx = ctx, .why = why};
    struct fb_backup_result result = {0};
    char copy[4300];
    if (snprintf(copy, sizeof copy, "%.4200s.database.new", path) < 0 || fb_os_file_exists(path)) {
        return fb_fail(why, FB_ERR_EXISTS, "%s is there already: give another name", path);
    }
    fb_os_remove_file(copy); /* of one that was killed */
    int rc = copy_and_check(&b, s, copy, &result);
    rc = rc < 0 ? rc : pack(&b, copy, &result);
    fb_os_remove_file(copy);
    if (rc < 0) {
        return rc;
    }
    *ret = result;
    /* The backup stands; that headquarters cannot note it now only makes `status` say less. */
    fb_ignore(note_taken(s, result.rev, now_ms), "the backup is whole all the same");
    return FB_OK;
}
