/* SPDX-License-Identifier: MIT */
#include "common/web/serve.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/os.h"
#include "common/web/serve_inside.h"

#define TAKE_BYTES    ((size_t)256 * 1024)
#define SIGN_EVERY_MS 15000 /* proxies cut what is silent for a minute */

/* ---- Queues ---- */

void fb_serve_queue(struct fb_web_queue *queue, struct fb_web_conn *c)
{
    c->next_waiting = NULL;
    *queue->end = c;
    queue->end = &c->next_waiting;
}

struct fb_web_conn *fb_serve_unqueue(struct fb_web_queue *queue)
{
    struct fb_web_conn *c = queue->first;
    if (c != NULL) {
        queue->first = c->next_waiting;
        if (queue->first == NULL) {
            queue->end = &queue->first;
        }
        c->next_waiting = NULL;
    }
    return c;
}

/* ---- A connection ---- */

static void free_conn(struct fb_web_conn *c)
{
    fb_serve_drop_request(c);
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        c->service->conns = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    c->service->counters.connections--;
    fb_http_conn_free(c->http);
    free(c);
}

void fb_serve_free_if_gone(struct fb_web_conn *c)
{
    if (c->stream == NULL && c->work == FB_WORK_QUIET && !c->is_busy) {
        free_conn(c);
    }
}

/* Sends what there is, as long as the peer reads. */
void fb_serve_pump(struct fb_web_conn *c)
{
    if (c->is_busy || c->stream == NULL) {
        return;
    }
    struct fb_buf *out = &c->service->scratch;
    while (fb_stream_is_writable(c->stream)) {
        fb_buf_clear(out);
        c->is_busy = true;
        fb_http_conn_take(c->http, out, TAKE_BYTES, fb_loop_now_ms(c->service->config.loop));
        c->is_busy = false;
        if (out->size == 0 || fb_stream_write(c->stream, out->bytes, out->size) < 0) {
            break;
        }
    }
    if (fb_http_conn_is_over(c->http)) {
        fb_stream_close(c->stream);
        return;
    }
    bool wants = fb_http_conn_wants_input(c->http);
    if (wants == c->is_paused) {
        c->is_paused = !wants;
        if (wants) {
            fb_stream_resume(c->stream);
        } else {
            fb_stream_pause(c->stream);
        }
    }
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct fb_web_conn *c = ctx;
    c->is_busy = true;
    fb_http_conn_feed(c->http, bytes, size, fb_loop_now_ms(c->service->config.loop));
    c->is_busy = false;
    fb_serve_pump(c);
}

static void on_writable(void *ctx)
{
    fb_serve_pump(ctx);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct fb_web_conn *c = ctx;
    if (err < 0) {
        fb_log(FB_LOG_DEBUG, "browser_disconnected", "address=%s reason=%s", c->address,
               fb_log_quote(why->text));
    }
    c->stream = NULL;
    if (c->topics != 0) {
        c->topics = 0;
        c->service->counters.event_streams--;
    }
    fb_serve_free_if_gone(c);
}

static int count_of_address(const struct fb_web_service *s, const char *address)
{
    int count = 0;
    for (const struct fb_web_conn *c = s->conns; c != NULL; c = c->next) {
        count += strcmp(c->address, address) == 0;
    }
    return count;
}

/* "127.0.0.1:5000" -> "127.0.0.1", "[::1]:5000" -> "[::1]" */
static void copy_address(const char *address, char ret[static FB_STREAM_ADDRESS_SIZE])
{
    memcpy(ret, address, FB_STREAM_ADDRESS_SIZE);
    char *colon = strrchr(ret, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
}

void fb_web_service_serve(struct fb_web_service *s, struct fb_stream *stream,
                          const struct fb_stream_peer *peer)
{
    static const struct fb_stream_calls CALLS = {
        .on_bytes = on_bytes, .on_writable = on_writable, .on_close = on_close};
    struct fb_web_conn *c = calloc(1, sizeof *c);
    if (c == NULL || s->is_stopping || fb_http_conn_new(&FB_SERVE_CALLS, c, &c->http) < 0) {
        free(c);
        fb_stream_abort(stream, FB_ERR_NO_MEMORY, NULL);
        return;
    }
    copy_address(peer->address, c->address);
    if (s->counters.connections >= FB_HTTP_CONNECTIONS_MAX ||
        count_of_address(s, c->address) >= FB_HTTP_PER_ADDRESS_MAX) {
        s->counters.refused++;
        fb_http_conn_free(c->http);
        free(c);
        fb_stream_abort(stream, FB_ERR_LIMIT, NULL);
        return;
    }
    c->service = s;
    c->stream = stream;
    c->next = s->conns;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    s->conns = c;
    s->counters.connections++;
    fb_stream_set_calls(stream, &CALLS, c);
    /* A stranger who says nothing has no more time than one who is slow. */
    c->is_busy = true;
    fb_http_conn_expect(c->http, fb_loop_now_ms(s->config.loop), fb_os_now_ms());
    c->is_busy = false;
}

/* ---- Events ---- */

static void send_events(struct fb_web_conn *c)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_HTTP_EVENT_BYTES_MAX / 2);
    c->event_seen = fb_events_append_after(c->service->events, c->topics, c->event_seen, &text);
    if (fb_buf_error(&text) < 0 || fb_http_conn_stream(c->http, text.bytes, text.size) < 0) {
        fb_stream_abort(c->stream, FB_ERR_LIMIT, NULL); /* it comes again and names what it has */
        return;
    }
    fb_serve_pump(c);
}

void fb_web_service_tell(struct fb_web_service *s, enum fb_event_topic topic, const char *data)
{
    fb_events_add(s->events, topic, data);
    struct fb_web_conn *next;
    for (struct fb_web_conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        if (c->topics != 0 && c->stream != NULL) {
            send_events(c);
        }
    }
}

static void send_signs_of_life(struct fb_web_service *s)
{
    struct fb_web_conn *next;
    for (struct fb_web_conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        if (c->topics == 0 || c->stream == NULL) {
            continue;
        }
        if (fb_http_conn_stream(c->http, ":\n\n", 3) < 0) {
            fb_stream_abort(c->stream, FB_ERR_LIMIT, NULL);
        } else {
            fb_serve_pump(c);
        }
    }
}

/* ---- Turns ---- */

bool fb_web_service_write(struct fb_web_service *s)
{
    bool has_committed = false;
    struct fb_web_queue queue = s->to_write;
    if (queue.first == NULL) {
        return false;
    }
    s->to_write = (struct fb_web_queue){.end = &s->to_write.first};
    struct fb_web_conn *c;
    while ((c = queue.first) != NULL) {
        queue.first = c->next_waiting;
        c->web.store = s->config.writer;
        c->web.now_ms = fb_os_now_ms();
        fb_web_run_stage(&c->web, FB_WEB_WRITE, c->stage, c->req, &c->res);
        has_committed = true;
        c->work = FB_WORK_WAITS_SEAL;
        fb_serve_queue(&s->to_go_on, c);
    }
    return has_committed;
}

void fb_web_service_settled(struct fb_web_service *s)
{
    struct fb_web_conn *c;
    bool has_written = s->to_go_on.first != NULL;
    while ((c = fb_serve_unqueue(&s->to_go_on)) != NULL) {
        fb_serve_go_on(c);
    }
    if (has_written) {
        fb_serve_feed(s);
    }
}

void fb_web_service_tick(struct fb_web_service *s)
{
    int64_t now_ms = fb_loop_now_ms(s->config.loop);
    struct fb_web_conn *next;
    for (struct fb_web_conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        if (c->stream != NULL && fb_http_conn_deadline_ms(c->http) <= now_ms) {
            c->is_busy = true;
            fb_http_conn_expire(c->http, now_ms);
            c->is_busy = false;
            fb_serve_pump(c);
        }
    }
    fb_serve_feed(s);
    fb_look_tick(&s->look, fb_os_now_ms(),
                 !fb_serve_is_in_use(s) && s->config.is_idle(s->config.ctx));
    if (now_ms >= s->sign_at_ms) {
        s->sign_at_ms = now_ms + SIGN_EVERY_MS;
        send_signs_of_life(s);
    }
}

/* ---- Life ---- */

int fb_web_service_new(const struct fb_web_config *config, struct fb_web_service **ret,
                       struct fb_why *why)
{
    struct fb_web_service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the pages");
    }
    fb_assert(config->readers > 0 && config->readers <= FB_WEB_READERS_MAX);
    s->config = *config;
    s->feed.data_version = -1;
    fb_look_init(&s->look, config->loop, config->writer, config->database, config->node);
    s->to_read.end = &s->to_read.first;
    s->to_write.end = &s->to_write.first;
    s->to_go_on.end = &s->to_go_on.first;
    fb_buf_init(&s->scratch, TAKE_BYTES + FB_HTTP_EVENT_BYTES_MAX + FB_HTTP_HEADER_BYTES_MAX);
    int rc = fb_pages_new(config->pages, &s->pages);
    rc = rc < 0 ? rc : fb_events_new(&s->events);
    if (rc < 0) {
        fb_web_service_free(s);
        return fb_fail(why, rc, "the pages in %s cannot be read", config->pages);
    }
    *ret = s;
    return FB_OK;
}

void fb_web_service_free(struct fb_web_service *s)
{
    if (s == NULL) {
        return;
    }
    struct fb_web_conn *next;
    for (struct fb_web_conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        free_conn(c);
    }
    for (int i = 0; i < FB_WEB_READERS_MAX; i++) {
        fb_store_close(s->readers[i]);
    }
    fb_serve_free_search(s);
    fb_pages_free(s->pages);
    fb_events_free(s->events);
    fb_buf_release(&s->scratch);
    free(s->timings);
    free(s);
}

void fb_web_service_stop(struct fb_web_service *s)
{
    s->is_stopping = true;
    fb_look_stop(&s->look);
    struct fb_web_conn *next;
    for (struct fb_web_conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        fb_http_conn_close_soon(c->http);
        fb_serve_pump(c);
    }
}

bool fb_web_service_has_connections(const struct fb_web_service *s)
{
    return s->conns != NULL || s->feed.is_working || fb_look_is_under_way(&s->look);
}

const char *fb_web_service_damage(const struct fb_web_service *s)
{
    return fb_look_damage(&s->look);
}

void fb_web_service_counters(const struct fb_web_service *s, struct fb_web_counters *ret)
{
    *ret = s->counters;
}
