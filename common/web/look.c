/* SPDX-License-Identifier: MIT */
#include "common/web/look.h"

#include "common/base/log.h"

#define KEY         "looked_at_ms"
#define CACHE_BYTES (INT64_C(2) << 20) /* every page is read once */

void fb_look_init(struct fb_look *l, struct fb_loop *loop, struct fb_store *writer,
                  const char *path, enum fb_node node)
{
    *l = (struct fb_look){.loop = loop, .writer = writer, .path = path, .node = node};
    fb_ignore(fb_store_meta_int(writer, KEY, &l->looked_at_ms), "never looked at, then");
}

/* A look in the future was noted by a clock that was ahead: it must not put the next one off for years. */
static bool is_due(struct fb_look *l, int64_t now_ms, bool is_idle)
{
    if (l->looked_at_ms <= now_ms && now_ms - l->looked_at_ms < FB_LOOK_EVERY_MS) {
        return false;
    }
    l->due_since_ms = l->due_since_ms == 0 ? now_ms : l->due_since_ms;
    return is_idle || now_ms - l->due_since_ms >= FB_LOOK_WAIT_MS;
}

/* The next start looks again if it cannot be noted. */
static int note_time(struct fb_look *l)
{
    struct fb_value at = fb_value_int(l->looked_at_ms);
    int rc = fb_store_in_transaction(l->writer) ? FB_ERR_BUSY : fb_store_begin(l->writer);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_meta_set(l->writer, KEY, &at);
    rc = rc < 0 ? rc : fb_store_commit(l->writer);
    if (rc < 0) {
        fb_store_rollback(l->writer);
    }
    return rc;
}

static void end_look(struct fb_look *l, int err)
{
    fb_store_drop(&l->store);
    if (err == FB_ERR_INTERRUPTED) {
        return;
    }
    l->looked_at_ms = l->started_ms - (err < 0 ? FB_LOOK_EVERY_MS - FB_LOOK_WAIT_MS : 0);
    if (err == FB_ERR_DAMAGED) {
        l->damage = l->why;
        fb_log(FB_LOG_ERROR, "database_damaged", "reason=%s", fb_log_quote(l->why.text));
    } else if (err < 0) {
        fb_log(FB_LOG_WARN, "look_failed", "err=%s reason=%s retry_ms=%lld", fb_err_name(err),
               fb_log_quote(l->why.text), (long long)FB_LOOK_WAIT_MS);
    } else {
        l->damage.text[0] = '\0';
        fb_log(FB_LOG_INFO, "database_looked_over", "path=%s", fb_log_quote(l->path));
        fb_ignore(note_time(l), "it is looked at again after the next start");
    }
}

/* In a thread of the pool. */
static void work(void *ctx)
{
    struct fb_look *l = ctx;
    l->err = fb_store_check_tables(l->store, &l->why);
}

static void done(void *ctx)
{
    struct fb_look *l = ctx;
    end_look(l, l->err);
}

void fb_look_tick(struct fb_look *l, int64_t now_ms, bool is_idle)
{
    if (l->store != NULL || l->is_stopping || !is_due(l, now_ms, is_idle)) {
        return;
    }
    const struct fb_store_options options = {.node = l->node,
                                             .is_read_only = true,
                                             .cache_bytes = CACHE_BYTES,
                                             .catalogue = fb_store_catalogue(l->writer)};
    l->started_ms = now_ms;
    l->due_since_ms = 0;
    l->why.text[0] = '\0';
    int rc = fb_store_open(l->path, &options, &l->store, &l->why);
    rc = rc < 0 ? rc : fb_loop_work(l->loop, work, done, l);
    if (rc < 0) {
        end_look(l, rc);
    }
}

void fb_look_stop(struct fb_look *l)
{
    l->is_stopping = true;
    if (l->store != NULL) {
        fb_store_interrupt(l->store);
    }
}

bool fb_look_is_under_way(const struct fb_look *l)
{
    return l->store != NULL;
}

const char *fb_look_damage(const struct fb_look *l)
{
    return l->damage.text[0] == '\0' ? NULL : l->damage.text;
}
