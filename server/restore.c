/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/archive.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/store/copy.h"
#include "common/store/history.h"
#include "common/store/sql.h"
#include "server/authority.h"
#include "server/backup.h"
#include "server/timeline.h"

#define ASIDE_MAX 1000

struct fb_restore {
    char data[4096];
    char folder[4200]; /* unpacked */
    struct fb_store *backup;
    struct fb_store *present; /* NULL: none, or none that can be read */
    struct fb_restore_report report;
    fb_backup_progress *progress;
    void *ctx;
    const char *what;
    int64_t total;
};

static bool show(void *ctx, int64_t done)
{
    struct fb_restore *r = ctx;
    return r->progress(r->ctx, r->what, done, r->total);
}

/* ---- Comparing ---- */

static int read_one(struct fb_store *s, const char *sql, int64_t a, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, a);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
    }
    return rc < 0 ? rc : FB_OK;
}

/* The newest rev with the same hash in both: histories that share a beginning, so it can be halved. */
static int find_common(struct fb_restore *r, int64_t *ret)
{
    int64_t low = 0;
    int64_t high =
        r->report.backup_rev < r->report.present_rev ? r->report.backup_rev : r->report.present_rev;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        struct fb_sha256 a;
        struct fb_sha256 b;
        int rc = fb_history_rev_hash(r->backup, middle, &a);
        rc = rc < 0 ? rc : fb_history_rev_hash(r->present, middle, &b);
        if (rc < 0) {
            return rc;
        }
        if (fb_sha256_equal(&a, &b)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    *ret = low;
    return FB_OK;
}

static int is_in_backup(struct fb_restore *r, const char *id, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(r->backup, "SELECT 1 FROM device WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

static int count_late(void *ctx, const char *id)
{
    struct fb_restore *r = ctx;
    bool is_known = false;
    int rc = is_in_backup(r, id, &is_known);
    r->report.late_devices += rc == FB_OK && !is_known;
    return rc;
}

static int each_device(struct fb_store *s, int (*f)(void *ctx, const char *id), void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT id FROM device WHERE state = 'active' ORDER BY id", &q);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = f(ctx, fb_sql_text(q, 0));
    }
    return rc;
}

static int compare(struct fb_restore *r)
{
    struct fb_restore_report *p = &r->report;
    int rc = fb_history_head(r->present, &p->present_rev);
    rc = rc < 0 ? rc : find_common(r, &p->common_rev);
    p->is_related = rc == FB_OK && (p->common_rev > 0 || p->backup_rev == 0 || p->present_rev == 0);
    rc = rc < 0 ? rc
                : read_one(r->present, "SELECT count(*) FROM fb_rev WHERE rev > ?1", p->common_rev,
                           &p->lost_revs);
    rc = rc < 0 ? rc
                : read_one(r->present,
                           "SELECT count(*) FROM fb_rev WHERE rev > ?1 AND device_id IS NULL",
                           p->common_rev, &p->own_revs);
    rc = rc < 0
             ? rc
             : read_one(r->present,
                        "SELECT count(DISTINCT l.row_id) FROM fb_rev r JOIN fb_log l ON l.seq >= "
                        "r.first_seq AND l.seq < coalesce((SELECT n.first_seq FROM fb_rev n "
                        "WHERE n.rev = r.rev + 1), 9223372036854775807)"
                        " WHERE r.rev > ?1 AND r.device_id IS NULL",
                        p->common_rev, &p->own_rows);
    p->pushed_revs = p->lost_revs - p->own_revs;
    return rc < 0 ? rc : each_device(r->present, count_late, r);
}

/* ---- Preparing ---- */

static int open_unpacked(struct fb_restore *r, struct fb_why *why)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/fieldbook.db", r->folder);
    if (!fb_os_file_exists(path)) {
        return fb_fail(why, FB_ERR_INVALID,
                       "the file is no backup of a headquarters: it holds no "
                       "database");
    }
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    int rc = fb_store_open(path, &options, &r->backup, why);
    r->what = "bytes checked";
    rc = rc < 0 ? rc : fb_store_check_thoroughly(r->backup, show, r, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_history_head(r->backup, &r->report.backup_rev);
    rc = rc < 0 ? rc
                : fb_history_rev_at_ms(r->backup, r->report.backup_rev, &r->report.backup_at_ms);
    return rc < 0 ? fb_store_error(r->backup, why) : FB_OK;
}

/* What stands there may be damaged: that is a reason to restore, none to stop. */
static int open_present(struct fb_restore *r, struct fb_why *why)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/fieldbook.db", r->data);
    struct fb_store_options options = {
        .node = FB_NODE_SERVER, .is_read_only = true, .check_quickly = true};
    struct fb_why unread;
    if (!fb_os_file_exists(path) || fb_store_open(path, &options, &r->present, &unread) < 0) {
        return FB_OK;
    }
    r->report.has_present = true;
    int rc = compare(r);
    return rc < 0 ? fb_store_error(r->present, why) : FB_OK;
}

int fb_restore_prepare(const char *data, const char *path, fb_backup_progress *progress, void *ctx,
                       struct fb_restore **ret, struct fb_why *why)
{
    FB_AUTO(fb_restore_drop) struct fb_restore *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->progress = progress;
    r->ctx = ctx;
    snprintf(r->data, sizeof r->data, "%s", data);
    snprintf(r->folder, sizeof r->folder, "%s/restore.new", r->data);
    int rc = fb_os_remove_folder(r->folder, why); /* of one that was killed */
    rc = rc < 0 ? rc : fb_os_make_folder(r->folder, why);
    r->what = "bytes unpacked";
    rc = rc < 0 ? rc : fb_archive_unpack(path, r->folder, show, r, why);
    rc = rc < 0 ? rc : open_unpacked(r, why);
    rc = rc < 0 ? rc : open_present(r, why);
    if (rc < 0) {
        return rc;
    }
    *ret = r;
    r = NULL;
    return FB_OK;
}

const struct fb_restore_report *fb_restore_report(const struct fb_restore *r)
{
    return &r->report;
}

int fb_restore_each_ahead(struct fb_restore *r, fb_restore_device *f, void *ctx, struct fb_why *why)
{
    if (r->present == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        r->present,
        "SELECT d.id, d.name, coalesce(u.login, ''), count(v.rev), coalesce(max(v.at_ms), 0) FROM "
        "device d LEFT JOIN fb_user u ON u.employee_id = d.employee_id LEFT JOIN fb_rev v ON "
        "v.device_id = d.id AND v.rev > ?1 WHERE d.state = 'active' GROUP BY d.id ORDER BY 5 DESC, "
        "d.name",
        &q);
    if (rc < 0) {
        return fb_store_error(r->present, why);
    }
    fb_sql_bind_int(q, 1, r->report.common_rev);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        bool is_known = false;
        rc = is_in_backup(r, fb_sql_text(q, 0), &is_known);
        if (rc < 0) {
            return fb_store_error(r->backup, why);
        }
        if (fb_sql_int(q, 3) > 0 || !is_known) {
            f(ctx, fb_sql_text(q, 1), fb_sql_text(q, 2), fb_sql_int(q, 3), fb_sql_int(q, 4),
              !is_known);
        }
    }
    return rc < 0 ? fb_store_error(r->present, why) : FB_OK;
}

/* ---- Finishing ---- */

/* Who was shut out since the backup stays out: an ordinary edit of the device's row, sealed with the first turn. */
static int shut_out_again(struct fb_restore *r)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_sql_drop) struct fb_sql *u = NULL;
    int rc = fb_sql_begin(
        r->present, "SELECT id, state FROM device WHERE state IN ('suspended', 'revoked', 'wiped')",
        &q);
    rc = rc < 0
             ? rc
             : fb_sql_begin(r->backup,
                            "UPDATE device SET state = ?2 WHERE id = ?1 AND state <> ?2 AND state "
                            "NOT IN ('revoked', 'wiped')",
                            &u);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_sql_bind_text(u, 1, fb_sql_text(q, 0));
        fb_sql_bind_text(u, 2, fb_sql_text(q, 1));
        rc = fb_sql_run(u);
    }
    return rc;
}

static int settle_backup(struct fb_restore *r, const struct fb_random *random, int64_t now_ms,
                         struct fb_why *why)
{
    char timeline[FB_ROW_ID_SIZE];
    int rc = r->present == NULL ? FB_OK : fb_store_begin(r->backup);
    if (rc == FB_OK && r->present != NULL) {
        rc = shut_out_again(r);
        if (rc < 0) {
            fb_store_rollback(r->backup);
        } else {
            rc = fb_store_commit(r->backup);
        }
    }
    rc = rc < 0 ? rc : fb_timeline_fork(r->backup, random, now_ms, timeline);
    rc = rc < 0 ? fb_store_error(r->backup, why) : FB_OK;
    fb_store_drop(&r->present);
    fb_store_drop(&r->backup);
    return rc;
}

static int make_aside(struct fb_restore *r, char *ret, size_t size, struct fb_why *why)
{
    for (int i = 1; i < ASIDE_MAX; i++) {
        snprintf(ret, size, "%.4000s/before-restore-%d", r->data, i);
        if (!fb_os_file_exists(ret)) {
            return fb_os_make_folder(ret, why);
        }
    }
    return fb_fail(why, FB_ERR_LIMIT, "%s holds %d folders before-restore-*: remove the old ones",
                   r->data, ASIDE_MAX);
}

static int move_if_there(const char *from_folder, const char *to_folder, const char *name,
                         struct fb_why *why)
{
    char from[4500];
    char to[4500];
    snprintf(from, sizeof from, "%.4300s/%s", from_folder, name);
    snprintf(to, sizeof to, "%.4300s/%s", to_folder, name);
    return fb_os_file_exists(from) ? fb_os_rename(from, to, why) : FB_OK;
}

/* The authority in place stays if it is the backup's: its server certificate is the newer. */
static bool has_same_authority(const struct fb_restore *r)
{
    struct fb_sha256 here;
    struct fb_sha256 there;
    return fb_authority_pin(r->data, &here, NULL) == FB_OK &&
           fb_authority_pin(r->folder, &there, NULL) == FB_OK && fb_sha256_equal(&here, &there);
}

/* The database goes last: without one, `run` says so and `restore` can be called again. */
static int put_in_place(struct fb_restore *r, const char *aside, struct fb_why *why)
{
    static const char *const OLD[] = {"fieldbook.db", "fieldbook.db-wal", "fieldbook.db-shm",
                                      "high-water"};
    char own[4300];
    bool keeps_authority = has_same_authority(r);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sizeof OLD / sizeof OLD[0]; i++) {
        rc = move_if_there(r->data, aside, OLD[i], why);
    }
    if (rc == FB_OK && !keeps_authority) {
        rc = move_if_there(r->data, aside, "tls", why);
        rc = rc < 0 ? rc : move_if_there(r->folder, r->data, "tls", why);
    }
    snprintf(own, sizeof own, "%s/server.conf", r->data);
    if (rc == FB_OK && !fb_os_file_exists(own)) {
        rc = move_if_there(r->folder, r->data, "server.conf", why);
    }
    rc = rc < 0 ? rc : move_if_there(r->folder, r->data, "fieldbook.db", why);
    return rc < 0 ? rc : fb_os_sync_folder_of(own, why);
}

int fb_restore_finish(struct fb_restore *r, const struct fb_random *random, int64_t now_ms,
                      char *ret_aside, size_t aside_size, struct fb_why *why)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/fieldbook.db", r->data);
    int rc = settle_backup(r, random, now_ms, why);
    rc = rc < 0 ? rc : make_aside(r, ret_aside, aside_size, why);
    return rc < 0 ? rc : put_in_place(r, ret_aside, why);
}

void fb_restore_free(struct fb_restore *r)
{
    if (r == NULL) {
        return;
    }
    fb_store_close(r->backup);
    fb_store_close(r->present);
    fb_ignore(fb_os_remove_folder(r->folder, NULL), "the next restore removes it");
    free(r);
}

void fb_restore_drop(struct fb_restore **r)
{
    fb_restore_free(*r);
    *r = NULL;
}
