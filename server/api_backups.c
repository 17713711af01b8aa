/* SPDX-License-Identifier: MIT
 *
 * Backups from the pages: DIR/backups/fieldbook-<time>.backup, each as `fieldbook-server backup` makes it. One at a time, on a
 * thread of the pool with a connection of its own; how far it is can be asked meanwhile.
 */
#include "server/web_backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "server/api_inside.h"
#include "server/backup.h"
#include "server/web.h"

#define NAME_BEGIN "fieldbook-"
#define NAME_END   ".backup"
#define LISTED_MAX 200

/* ---- Making one ---- */

static bool note_progress(void *ctx, const char *what, int64_t done, int64_t total)
{
    struct fb_web_backup *b = ctx;
    (void)what;
    atomic_store(&b->done, done);
    atomic_store(&b->total, total);
    return !atomic_load(&b->is_stopping);
}

/* In a thread of the pool. */
static void work(void *ctx)
{
    struct fb_web_backup *b = ctx;
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const struct fb_store_options options = {.node = FB_NODE_SERVER};
    char database[4200];
    char folder[4200];
    struct fb_backup_result result = {0};
    snprintf(database, sizeof database, "%s/fieldbook.db", b->data);
    snprintf(folder, sizeof folder, "%s/backups", b->data);
    int rc = fb_os_make_folder(folder, &b->why);
    rc = rc < 0 ? rc : fb_store_open(database, &options, &s, &b->why);
    b->err = rc < 0 ? rc
                    : fb_backup_make(s, b->data, b->path, note_progress, b, b->started_ms, &result,
                                     &b->why);
}

static void done(void *ctx)
{
    struct fb_web_backup *b = ctx;
    b->is_running = false;
    if (b->err < 0) {
        fb_log(FB_LOG_ERROR, "backup_failed", "reason=%s", fb_log_quote(b->why.text));
    } else {
        fb_log(FB_LOG_INFO, "backup_made", "path=%s", fb_log_quote(b->path));
    }
}

int fb_server_post_backup(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    struct fb_web_backup *b = &node->backup;
    char instant[FB_INSTANT_SIZE];
    (void)req;
    if (b->is_running) {
        return fb_response_problem(res, 409, "busy", fb_text("A backup is being made already."));
    }
    fb_instant_format(web->now_ms, instant);
    for (char *c = instant; *c != '\0'; c++) {
        *c = *c == ':' || *c == '.' ? '-' : *c; /* a name for every file system */
    }
    *b = (struct fb_web_backup){.data = node->daemon->data, .started_ms = web->now_ms};
    snprintf(b->path, sizeof b->path, "%s/backups/" NAME_BEGIN "%s" NAME_END, b->data, instant);
    b->is_running = true;
    int rc = fb_loop_work(node->daemon->loop, work, done, b);
    b->is_running = rc == FB_OK;
    res->status = rc < 0 ? res->status : 202;
    return rc;
}

/* ---- The list ---- */

struct listing {
    const char *folder;
    char names[LISTED_MAX][64];
    int count;
};

/* Whatever else lies in the folder is not ours; of a backup that is being made the name has another end. */
static int take_name(void *ctx, const char *name)
{
    struct listing *l = ctx;
    size_t size = strlen(name);
    bool is_ours = size < sizeof l->names[0] && size > strlen(NAME_BEGIN NAME_END) &&
                   strncmp(name, NAME_BEGIN, strlen(NAME_BEGIN)) == 0 &&
                   strcmp(name + size - strlen(NAME_END), NAME_END) == 0;
    if (is_ours && l->count < LISTED_MAX) {
        snprintf(l->names[l->count++], sizeof l->names[0], "%s", name);
    }
    return FB_OK;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

/* "fieldbook-2026-11-28T23-14-05-123Z.backup" as an instant; false for another name. */
static bool time_of(const char *name, char ret[static FB_INSTANT_SIZE])
{
    int64_t ms = 0;
    snprintf(ret, FB_INSTANT_SIZE, "%.24s", name + strlen(NAME_BEGIN));
    if (strlen(ret) != FB_INSTANT_SIZE - 1) {
        return false;
    }
    ret[13] = ret[16] = ':';
    ret[19] = '.';
    return fb_instant_parse(ret, strlen(ret), &ms);
}

static void append_backup(const struct listing *l, const char *name, struct fb_buf *out)
{
    char path[4300];
    char at[FB_INSTANT_SIZE];
    int64_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", l->folder, name);
    bool has_time = time_of(name, at);
    fb_ignore(fb_os_file_bytes(path, &bytes), "it was taken away meanwhile");
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "id", name);
    fb_server_append_text(out, "at", has_time ? at : NULL);
    /* It has its name only since it was read again and compared (common/base/archive.h). */
    fb_buf_printf(out, ",\"bytes\":%lld,\"verified\":true}", (long long)bytes);
}

static void append_running(struct fb_web_backup *b, struct fb_buf *out)
{
    if (b->is_running) {
        fb_buf_append_text(out, ",\"running\":{");
        fb_server_append_instant(out, "since", b->started_ms);
        fb_buf_printf(out, ",\"done\":%lld,\"total\":%lld}", (long long)atomic_load(&b->done),
                      (long long)atomic_load(&b->total));
    } else {
        fb_buf_append_text(out, ",\"running\":null");
    }
    bool has_failed = !b->is_running && b->err < 0;
    fb_server_append_text(out, "failed", has_failed ? b->why.text : NULL);
}

int fb_server_get_backups(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    struct fb_buf *out = &res->body;
    char folder[4200];
    struct listing l = {.folder = folder};
    (void)req;
    snprintf(folder, sizeof folder, "%s/backups", node->daemon->data);
    int rc = fb_os_each_file(folder, take_name, &l, NULL);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    qsort(l.names, (size_t)l.count, sizeof l.names[0], newest_first);
    fb_buf_append_text(out, "{\"rows\":[");
    for (int i = 0; i < l.count; i++) {
        fb_buf_append_text(out, i > 0 ? "," : "");
        append_backup(&l, l.names[i], out);
    }
    fb_buf_append_text(out, "],\"next\":null");
    append_running(&node->backup, out);
    fb_server_append_text(out, "folder", folder);
    fb_buf_append_byte(out, '}');
    return FB_OK;
}
