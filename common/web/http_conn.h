/* SPDX-License-Identifier: MIT
 *
 * One HTTP/1.1 connection without I/O: bytes and time in, requests up; answers in, bytes out. The framing is llhttp's; what
 * it is lax about is checked here before (http_head.c). Who serves the requests, and the sockets, are the caller's
 * (serve.c; the fuzzer).
 *
 *            first byte          head whole            body whole
 *     +------+     +------+ on_head   +------+ on_request +---------+
 *     | idle | --> | head | --------> | body | ---------> | working |
 *     +------+     +------+           +------+            +---------+
 *        ^                                                     | fb_http_conn_answer()
 *        |   everything sent, the connection is kept    +-----------+
 *        +----------------------------------------------| answering |  or streaming, for events, until its end
 *                                                       +-----------+
 *                                                             | not kept: over
 *
 * One request is worked on at a time; what a peer sends meanwhile (pipelining) waits, up to FB_HTTP_AHEAD_BYTES_MAX. A
 * request that breaks a rule is answered with 400, 408, 413, 414, 417, 431, 501 or 505, and the connection ends: after a
 * framing error nobody can say where the next request begins.
 */
#ifndef FB_WEB_HTTP_CONN_H
#define FB_WEB_HTTP_CONN_H

#include "common/web/http.h"

struct fb_http_conn;

/* What the body of a request may be. */
struct fb_http_body_rule {
    size_t bytes_max;
    bool to_caller; /* handed to on_body piece by piece instead of being kept for req->body */
};

struct fb_http_calls {
    /* The head is whole (fb_http_conn_request has it, to be completed). Set the rule, or answer at once: a body is then not read, and the connection ends after the
     * answer. */
    void (*on_head)(void *ctx, const struct fb_request *req, struct fb_http_body_rule *ret_rule);
    /* false: it cannot be taken; the answer is 507. May be NULL if no rule says to_caller. */
    bool (*on_body)(void *ctx, const uint8_t *bytes, size_t size);
    /* The request is whole. Answer now or later; it stays until the answer was taken. */
    void (*on_request)(void *ctx, struct fb_request *req);
};

/* The bytes of an answer that do not lie in memory. read appends at most max bytes, at least one; an error ends the
 * connection, as the length was promised. done is called once, also when the connection ends early. */
struct fb_http_source {
    int64_t size;
    int (*read)(void *ctx, int64_t at, size_t max, struct fb_buf *out);
    void (*done)(void *ctx);
    void *ctx;
};

int fb_http_conn_new(const struct fb_http_calls *calls, void *ctx,
                     struct fb_http_conn **ret) FB_MUST_CHECK;
void fb_http_conn_free(struct fb_http_conn *conn);

/* From now on the first request is awaited. wall_ms: the time of day then, for the answers' Date. */
void fb_http_conn_expect(struct fb_http_conn *conn, int64_t now_ms, int64_t wall_ms);

/* Bytes of the peer. Calls may come from within. */
void fb_http_conn_feed(struct fb_http_conn *conn, const uint8_t *bytes, size_t size,
                       int64_t now_ms);

/* Appends at least one byte and at most about max bytes of what is to be sent, if there is something. */
void fb_http_conn_take(struct fb_http_conn *conn, struct fb_buf *out, size_t max, int64_t now_ms);

/* Call fb_http_conn_expire then; INT64_MAX: never. */
int64_t fb_http_conn_deadline_ms(const struct fb_http_conn *conn);
void fb_http_conn_expire(struct fb_http_conn *conn, int64_t now_ms);

/* True when all is said: close the stream. */
bool fb_http_conn_is_over(const struct fb_http_conn *conn);
/* False while so much waits that the peer should be slowed down. */
bool fb_http_conn_wants_input(const struct fb_http_conn *conn);
/* Between two requests, with nothing to send. */
bool fb_http_conn_is_idle(const struct fb_http_conn *conn);
/* The server stops: the answer under way is the last. */
void fb_http_conn_close_soon(struct fb_http_conn *conn);

/* The request that is worked on, or NULL. */
struct fb_request *fb_http_conn_request(struct fb_http_conn *conn);

/* Answers the request that is worked on. The response's body is taken over (its buffer is then empty); source replaces it
 * where not NULL. Headers: the response's, then fixed_headers (whole lines, NULL: none), then what HTTP needs. Conditions
 * (If-None-Match, Range, If-Range) are honoured here. */
void fb_http_conn_answer(struct fb_http_conn *conn, struct fb_response *res,
                         const struct fb_http_source *source, const char *fixed_headers,
                         int64_t now_ms);

/* An endless answer (server-sent events), in chunks, after fb_http_conn_answer() with event_topics set. FB_ERR_LIMIT: the
 * peer does not read, nothing was added. */
int fb_http_conn_stream(struct fb_http_conn *conn, const void *bytes, size_t size) FB_MUST_CHECK;
void fb_http_conn_stream_end(struct fb_http_conn *conn);

#endif
