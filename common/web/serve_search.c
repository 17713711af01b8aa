/* SPDX-License-Identifier: MIT
 *
 * The search file beside the pages (common/search): kept up with the database by one thread of the pool at a time, a chunk
 * each, and asked by the readers through connections of their own.
 *
 *     written, or a second is over -> a chunk -> more, and no reader is busy -> a chunk ...
 *
 * Only while somebody uses the pages.
 */
#include "common/base/log.h"
#include "common/search/search.h"
#include "common/web/serve_inside.h"

#define FEED_ROWS 200 /* some 60 ms of one thread */
#define IN_USE_MS                                                                                  \
    600000 /* a laptop that nobody looks at saves its battery: pages were asked for in this time */
#define FAILED_WAIT_MS 10000

static int open_feed(struct fb_web_service *s, struct fb_why *why)
{
    struct fb_web_feed *f = &s->feed;
    int rc = FB_OK;
    if (f->reader == NULL) {
        const struct fb_store_options options = {.node = s->config.node,
                                                 .is_read_only = true,
                                                 .cache_bytes = s->config.reader_cache_bytes};
        rc = fb_store_open(s->config.database, &options, &f->reader, why);
    }
    if (rc == FB_OK && f->search == NULL) {
        rc = fb_search_open(s->config.search, &f->search, why);
        if (rc == FB_OK && s->config.recent != NULL) {
            fb_search_set_recent(f->search, s->config.recent);
        }
    }
    return rc;
}

/* The search remembers what a failed feed took off the writer's list; only a damaged file is begun anew. */
static void close_feed(struct fb_web_feed *f, bool is_file_lost)
{
    if (is_file_lost) {
        fb_search_drop(&f->search);
    }
    fb_store_drop(&f->reader);
    f->data_version = -1;
}

/* In a thread of the pool. */
static void work_feed(void *ctx)
{
    struct fb_web_service *s = ctx;
    struct fb_web_feed *f = &s->feed;
    int64_t version = 0;
    f->why.text[0] = '\0';
    int rc = open_feed(s, &f->why);
    rc = rc < 0 ? rc : fb_store_data_version(f->reader, &version);
    if (rc == FB_OK && (f->has_more || version != f->data_version)) {
        rc = fb_search_feed(f->search, f->reader, FEED_ROWS, &f->has_more, &f->why);
        f->data_version = version; /* what was written since has another */
    }
    f->err = rc;
    if (rc < 0) {
        f->has_more = false;
        close_feed(f, rc == FB_ERR_DAMAGED);
    }
}

static bool is_any_reader_busy(const struct fb_web_service *s)
{
    for (int i = 0; i < s->config.readers; i++) {
        if (s->is_reader_busy[i]) {
            return true;
        }
    }
    return false;
}

static void done_feed(void *ctx)
{
    struct fb_web_service *s = ctx;
    struct fb_web_feed *f = &s->feed;
    f->is_working = false;
    if (f->err < 0) {
        const char *why = f->why.text[0] != '\0' ? f->why.text : fb_err_sentence(f->err);
        fb_log(FB_LOG_WARN, "search_failed", "reason=%s retry_ms=%d", fb_log_quote(why),
               FAILED_WAIT_MS);
        f->again_ms = fb_loop_now_ms(s->config.loop) + FAILED_WAIT_MS;
    }
    if (f->is_wanted || (f->has_more && !is_any_reader_busy(s))) {
        fb_serve_feed(s);
    }
}

bool fb_serve_is_in_use(const struct fb_web_service *s)
{
    return s->counters.event_streams > 0 ||
           (s->feed.used_ms > 0 && fb_loop_now_ms(s->config.loop) < s->feed.used_ms + IN_USE_MS);
}

void fb_serve_feed(struct fb_web_service *s)
{
    struct fb_web_feed *f = &s->feed;
    if (s->config.search == NULL || s->is_stopping || !fb_serve_is_in_use(s) ||
        fb_loop_now_ms(s->config.loop) < f->again_ms) {
        f->is_wanted = false;
        return;
    }
    f->is_wanted = f->is_working;
    if (!f->is_working) {
        f->is_working = fb_loop_work(s->config.loop, work_feed, done_feed, s) == FB_OK;
    }
}

struct fb_search *fb_serve_search(struct fb_web_service *s, const struct fb_store *reader)
{
    int at = 0;
    while (at < s->config.readers && s->readers[at] != reader) {
        at++;
    }
    if (s->config.search == NULL || at == s->config.readers) {
        return NULL;
    }
    if (s->searches[at] == NULL) {
        fb_ignore(fb_search_open(s->config.search, &s->searches[at], NULL),
                  "feeding it fails too, and says why");
    }
    return s->searches[at];
}

void fb_serve_free_search(struct fb_web_service *s)
{
    for (int i = 0; i < FB_WEB_READERS_MAX; i++) {
        fb_search_close(s->searches[i]);
    }
    close_feed(&s->feed, true);
}
