/* SPDX-License-Identifier: MIT
 *
 * The way of a request through its stages.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/base/log.h"
#include "common/base/os.h"
#include "common/web/serve_inside.h"

static int64_t now_of(const struct fb_web_conn *c)
{
    return fb_loop_now_ms(c->service->config.loop);
}

static void make_nonce(struct fb_web_conn *c)
{
    uint8_t bytes[16];
    const struct fb_random *random = c->service->config.random;
    random->fill(random->ctx, bytes, sizeof bytes);
    fb_hex_write(bytes, sizeof bytes, c->nonce);
}

void fb_serve_drop_request(struct fb_web_conn *c)
{
    if (c->upload != NULL) {
        fb_ignore(fclose(c->upload), "it is thrown away");
        c->upload = NULL;
    }
    if (c->upload_path != NULL) {
        unlink(c->upload_path);
        free(c->upload_path);
        c->upload_path = NULL;
    }
    fb_response_release(&c->res);
    c->stage = NULL;
    c->req = NULL;
}

/* Sends c->res. The request's memory lives until the answer was taken. */
static void send_answer(struct fb_web_conn *c, const struct fb_http_source *source)
{
    int status = c->res.status != 0 ? c->res.status : 200;
    uint32_t topics = status == 200 ? c->res.event_topics : 0;
    const char *last = topics != 0 ? fb_request_header(c->req, "last-event-id") : NULL;
    c->event_seen = last == NULL ? -1 : strtoll(last, NULL, 10);
    fb_serve_note_time(c, status);
    fb_http_conn_answer(c->http, &c->res, source, fb_serve_fixed_headers(c, c->req->arena),
                        now_of(c));
    fb_serve_drop_request(c);
    if (topics != 0) {
        c->topics = topics;
        c->service->counters.event_streams++;
        FB_AUTO(fb_buf_release) struct fb_buf text;
        fb_buf_init(&text, FB_HTTP_EVENT_BYTES_MAX / 2);
        fb_buf_append_text(&text, "retry: 2000\n\n");
        c->event_seen = fb_events_append_after(c->service->events, topics, c->event_seen, &text);
        fb_ignore(fb_http_conn_stream(c->http, text.bytes, text.size),
                  "a page that misses it reads anew");
    }
    fb_serve_pump(c);
}

/* ---- Reading stages, on the pool ---- */

static void work_in_pool(void *ctx)
{
    struct fb_web_conn *c = ctx;
    c->web.store = c->reader;
    c->web.search =
        (c->route->flags & FB_ROUTE_SEARCH) != 0 ? fb_serve_search(c->service, c->reader) : NULL;
    fb_web_run_stage(&c->web, FB_WEB_READ, c->stage, c->req, &c->res);
}

static void done_in_pool(void *ctx)
{
    struct fb_web_conn *c = ctx;
    struct fb_web_service *s = c->service;
    for (int i = 0; i < s->config.readers; i++) {
        if (s->readers[i] == c->reader) {
            s->is_reader_busy[i] = false;
        }
    }
    c->reader = NULL;
    fb_serve_go_on(c);
    fb_serve_read(s);
}

/* An idle reader; opened the first time. NULL: all are busy, or it cannot be opened. */
static struct fb_store *take_reader(struct fb_web_service *s, int *ret_err)
{
    *ret_err = FB_OK;
    for (int i = 0; i < s->config.readers; i++) {
        if (s->is_reader_busy[i]) {
            continue;
        }
        if (s->readers[i] == NULL) {
            struct fb_store_options options = {.node = s->config.node,
                                               .is_read_only = true,
                                               .cache_bytes = s->config.reader_cache_bytes};
            struct fb_why why = {""};
            *ret_err = fb_store_open(s->config.database, &options, &s->readers[i], &why);
            if (*ret_err < 0) {
                fb_log(FB_LOG_ERROR, "reader_failed", "reason=%s", fb_log_quote(why.text));
                return NULL;
            }
        }
        s->is_reader_busy[i] = true;
        return s->readers[i];
    }
    return NULL;
}

static void fail(struct fb_web_conn *c, int err)
{
    c->web.next = NULL;
    c->work = FB_WORK_QUIET;
    fb_response_error(&c->res, err, NULL);
    send_answer(c, NULL);
}

void fb_serve_read(struct fb_web_service *s)
{
    while (s->to_read.first != NULL) {
        int err;
        struct fb_store *reader = take_reader(s, &err);
        if (reader == NULL && err == FB_OK) {
            return; /* the next that gets free goes on here */
        }
        struct fb_web_conn *c = fb_serve_unqueue(&s->to_read);
        if (reader == NULL) {
            fail(c, err);
            fb_serve_free_if_gone(c);
            continue;
        }
        c->reader = reader;
        c->work = FB_WORK_IN_POOL;
        c->web.now_ms = fb_os_now_ms();
        err = fb_loop_work(s->config.loop, work_in_pool, done_in_pool, c);
        if (err < 0) {
            for (int i = 0; i < s->config.readers; i++) {
                s->is_reader_busy[i] = s->is_reader_busy[i] && s->readers[i] != reader;
            }
            fail(c, err);
            fb_serve_free_if_gone(c);
        }
    }
}

/* ---- From stage to stage ---- */

static void start_stage(struct fb_web_conn *c, enum fb_web_where where, fb_web_handler *stage)
{
    struct fb_web_service *s = c->service;
    c->stage = stage;
    s->feed.used_ms = where == FB_WEB_LOOP ? s->feed.used_ms : fb_loop_now_ms(s->config.loop);
    if (where == FB_WEB_WRITE) {
        c->work = FB_WORK_WAITS_WRITE;
        fb_serve_queue(&s->to_write, c);
    } else if (where == FB_WEB_LOOP) {
        c->web.store = s->config.writer;
        c->web.now_ms = fb_os_now_ms();
        fb_web_run_stage(&c->web, where, stage, c->req, &c->res);
        fb_serve_go_on(c);
    } else {
        c->work = FB_WORK_WAITS_READER;
        fb_serve_queue(&s->to_read, c);
        fb_serve_read(s);
    }
}

void fb_serve_go_on(struct fb_web_conn *c)
{
    c->work = FB_WORK_QUIET;
    if (c->web.next != NULL) {
        /* Also when the browser is gone: what was begun is finished. */
        start_stage(c, c->web.next_where, c->web.next);
        return;
    }
    if (c->stream == NULL) {
        fb_serve_drop_request(c);
        fb_serve_free_if_gone(c);
        return;
    }
    send_answer(c, NULL);
}

/* ---- Calls of the HTTP layer ---- */

static bool open_upload(struct fb_web_conn *c)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/upload-XXXXXX", c->service->config.temporary);
    int fd = mkstemp(path);
    c->upload = fd < 0 ? NULL : fdopen(fd, "wb");
    c->upload_path = c->upload == NULL ? NULL : strdup(path);
    if (fd >= 0 && c->upload_path == NULL) {
        unlink(path);
    }
    return c->upload_path != NULL;
}

static void on_head(void *ctx, const struct fb_request *req, struct fb_http_body_rule *ret_rule)
{
    struct fb_web_conn *c = ctx;
    struct fb_request *own = fb_http_conn_request(c->http);
    c->req = own;
    c->started_ms = fb_os_monotonic_ms();
    c->service->counters.requests++;
    make_nonce(c);
    fb_response_init(&c->res, req->arena);
    c->login = fb_arena_alloc(req->arena, sizeof *c->login);
    if (c->login == NULL) {
        fb_response_error(&c->res, FB_ERR_NO_MEMORY, NULL);
        send_answer(c, NULL);
        return;
    }
    own->login = c->login;
    own->address = c->address;
    if (!fb_serve_check(c, req, &c->res)) {
        send_answer(c, NULL);
        return;
    }
    if (c->route == NULL) {
        ret_rule->bytes_max = 0;
        return;
    }
    ret_rule->bytes_max = c->route->body_max != 0 ? c->route->body_max : FB_HTTP_BODY_BYTES_MAX;
    if ((c->route->flags & FB_ROUTE_BODY_TO_FILE) != 0) {
        ret_rule->to_caller = true;
        if (!open_upload(c)) {
            fb_response_error(&c->res, FB_ERR_DISK_FULL, NULL);
            send_answer(c, NULL);
        }
    }
}

static bool on_body(void *ctx, const uint8_t *bytes, size_t size)
{
    struct fb_web_conn *c = ctx;
    return c->upload != NULL && fwrite(bytes, 1, size, c->upload) == size;
}

static void on_request(void *ctx, struct fb_request *req)
{
    struct fb_web_conn *c = ctx;
    struct fb_web_service *s = c->service;
    if (c->route == NULL) {
        struct fb_http_source source = {0};
        fb_pages_answer(s->pages, req, c->nonce, &c->res, &source);
        send_answer(c, source.read != NULL ? &source : NULL);
        return;
    }
    if (c->upload != NULL) {
        int rc = fclose(c->upload);
        c->upload = NULL;
        if (rc != 0) {
            fail(c, FB_ERR_DISK_FULL);
            return;
        }
        req->body_file = c->upload_path;
    }
    c->web = (struct fb_web){.node = s->config.node,
                             .random = s->config.random,
                             .arena = req->arena,
                             .tables = s->config.tables};
    if (s->config.prepare != NULL) {
        s->config.prepare(s->config.ctx, &c->web);
    }
    start_stage(c, fb_route_where(c->route), c->route->handler);
}

const struct fb_http_calls FB_SERVE_CALLS = {on_head, on_body, on_request};
