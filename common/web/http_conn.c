/* SPDX-License-Identifier: MIT */
#include "common/web/http_conn.h"

#include <stdlib.h>
#include <string.h>

#include "common/web/http_inside.h"

/* Framing of a chunked body beside its bytes: honest senders make chunks of kilobytes. */
#define FRAMING_BYTES_FREE 16384

#define EMPTY_LINES_MAX 8

static void refuse(struct fb_http_conn *conn, int status, int64_t now_ms);

/* ---- llhttp's calls ---- */

static int on_headers_complete(llhttp_t *parser)
{
    struct fb_http_conn *conn = parser->data;
    (void)conn;
    parser->upgrade = 0; /* nobody is upgraded: the request is answered as if it had not asked */
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct fb_http_conn *conn = parser->data;
    conn->body_bytes += (int64_t)size;
    if (conn->body_bytes > (int64_t)conn->rule.bytes_max) {
        conn->refusal = 413;
        return HPE_USER;
    }
    if (conn->rule.to_caller) {
        if (!conn->calls->on_body(conn->ctx, (const uint8_t *)at, size)) {
            conn->refusal = 507;
            return HPE_USER;
        }
        return 0;
    }
    fb_buf_append(&conn->body, at, size);
    if (fb_buf_error(&conn->body) < 0) {
        conn->refusal = 503;
        return HPE_USER;
    }
    return 0;
}

/* Trailers and extensions of chunks have no use here but to hide things in. */
static int refuse_field(llhttp_t *parser, const char *at, size_t size)
{
    struct fb_http_conn *conn = parser->data;
    (void)at;
    if (conn->state == FB_HTTP_BODY && size > 0) {
        conn->refusal = 400;
        return HPE_USER;
    }
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct fb_http_conn *conn = parser->data;
    conn->is_message_whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_header_field = refuse_field,
    .on_chunk_extension_name = refuse_field,
    .on_chunk_extension_value = refuse_field,
    .on_message_complete = on_message_complete,
};

/* ---- Life ---- */

int fb_http_conn_new(const struct fb_http_calls *calls, void *ctx, struct fb_http_conn **ret)
{
    struct fb_http_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    conn->calls = calls;
    conn->ctx = ctx;
    conn->since_ms = INT64_MAX;
    fb_arena_init(&conn->arena, FB_HTTP_ARENA_BYTES_MAX);
    fb_buf_init(&conn->in, FB_HTTP_HEADER_BYTES_MAX + FB_HTTP_AHEAD_BYTES_MAX);
    fb_buf_init(&conn->out, FB_HTTP_EVENT_BYTES_MAX);
    fb_buf_init(&conn->answer, FB_HTTP_ANSWER_BYTES_MAX);
    llhttp_init(&conn->parser, HTTP_REQUEST, &SETTINGS);
    conn->parser.data = conn;
    *ret = conn;
    return FB_OK;
}

static void drop_source(struct fb_http_conn *conn)
{
    if (conn->source.done != NULL) {
        conn->source.done(conn->source.ctx);
    }
    conn->source = (struct fb_http_source){0};
}

void fb_http_conn_free(struct fb_http_conn *conn)
{
    if (conn != NULL) {
        drop_source(conn);
        fb_buf_release(&conn->in);
        fb_buf_release(&conn->out);
        fb_buf_release(&conn->body);
        fb_buf_release(&conn->answer);
        fb_arena_release(&conn->arena);
        free(conn);
    }
}

/* ---- Reading ---- */

static void hand_up(struct fb_http_conn *conn, int64_t now_ms)
{
    conn->state = FB_HTTP_WORKING;
    conn->since_ms = now_ms;
    conn->req.body = fb_buf_text(&conn->body);
    conn->req.body_size = conn->body.size;
    conn->calls->on_request(conn->ctx, &conn->req);
}

static void start_body(struct fb_http_conn *conn, int64_t now_ms)
{
    bool is_chunked = (conn->parser.flags & F_CHUNKED) != 0;
    uint64_t length = conn->parser.content_length;
    conn->state = FB_HTTP_BODY;
    conn->since_ms = now_ms;
    conn->body_bytes = 0;
    conn->raw_body_bytes = 0;
    conn->is_message_whole = false;
    conn->rule = (struct fb_http_body_rule){.bytes_max = FB_HTTP_BODY_BYTES_MAX};
    conn->calls->on_head(conn->ctx, &conn->req, &conn->rule);
    if (conn->state != FB_HTTP_BODY) {
        return; /* answered already */
    }
    fb_buf_init(&conn->body, conn->rule.bytes_max);
    if (!is_chunked && length == 0) {
        hand_up(conn, now_ms);
    } else if (!is_chunked && length > conn->rule.bytes_max) {
        refuse(conn, 413, now_ms);
    } else if (conn->wants_continue) {
        conn->wants_continue = false;
        fb_buf_append_text(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

/* Returns whether there may be more to read. */
static bool read_head(struct fb_http_conn *conn, int64_t now_ms)
{
    size_t blank = 0; /* some empty lines before a request are to be ignored (RFC 9112, 2.2) */
    while (blank + 1 < conn->in.size && memcmp(conn->in.bytes + blank, "\r\n", 2) == 0) {
        blank += 2;
        if (++conn->empty_lines > EMPTY_LINES_MAX) {
            refuse(conn, 400, now_ms);
            return false;
        }
    }
    fb_buf_consume(&conn->in, blank);
    if (conn->in.size == 0 || (conn->in.size == 1 && conn->in.bytes[0] == '\r')) {
        return false; /* nothing begins with an empty line: no time is given for it either */
    }
    if (conn->state == FB_HTTP_IDLE) {
        conn->state = FB_HTTP_HEAD;
        conn->since_ms = now_ms;
    }
    int status;
    size_t size = fb_http_head_end(conn->in.bytes, conn->in.size, &status);
    if (size == 0) {
        if (status != 0) {
            refuse(conn, status, now_ms);
        }
        return false;
    }
    llhttp_reset(&conn->parser);
    status = fb_http_head_read(conn, conn->in.bytes, size);
    if (status != 0) {
        refuse(conn, status, now_ms);
        return false;
    }
    fb_buf_consume(&conn->in, size);
    conn->empty_lines = 0;
    start_body(conn, now_ms);
    return conn->state == FB_HTTP_BODY;
}

static bool read_body(struct fb_http_conn *conn, int64_t now_ms)
{
    if (conn->in.size == 0) {
        return false;
    }
    const char *bytes = (const char *)conn->in.bytes;
    size_t size = conn->in.size;
    llhttp_resume(&conn->parser);
    enum llhttp_errno code = llhttp_execute(&conn->parser, bytes, size);
    size_t used = code == HPE_OK ? size : (size_t)(llhttp_get_error_pos(&conn->parser) - bytes);
    if (code != HPE_OK && code != HPE_PAUSED) {
        refuse(conn, conn->refusal != 0 ? conn->refusal : 400, now_ms);
        return false;
    }
    fb_buf_consume(&conn->in, used);
    conn->raw_body_bytes += (int64_t)used;
    if (conn->raw_body_bytes > FRAMING_BYTES_FREE + 8 * conn->body_bytes) {
        refuse(conn, 400, now_ms);
        return false;
    }
    if (conn->is_message_whole) {
        hand_up(conn, now_ms);
        return false;
    }
    return code == HPE_PAUSED;
}

static void read_on(struct fb_http_conn *conn, int64_t now_ms)
{
    if (conn->is_feeding) {
        return;
    }
    conn->is_feeding = true;
    bool goes_on = true;
    while (goes_on) {
        switch (conn->state) {
        case FB_HTTP_IDLE:
        case FB_HTTP_HEAD:
            goes_on = read_head(conn, now_ms);
            break;
        case FB_HTTP_BODY:
            goes_on = read_body(conn, now_ms);
            break;
        default:
            goes_on = false;
        }
    }
    conn->is_feeding = false;
}

void fb_http_conn_expect(struct fb_http_conn *conn, int64_t now_ms, int64_t wall_ms)
{
    conn->since_ms = now_ms;
    conn->wall_offset_ms = wall_ms - now_ms;
}

void fb_http_conn_feed(struct fb_http_conn *conn, const uint8_t *bytes, size_t size, int64_t now_ms)
{
    if (conn->state == FB_HTTP_OVER || (conn->state == FB_HTTP_ANSWERING && !conn->is_kept)) {
        return; /* what comes after the last request is nobody's */
    }
    /* In pieces that leave room for what waits already: a whole read of the socket may be a body. */
    while (size > 0 && conn->state != FB_HTTP_OVER) {
        size_t room = conn->in.size_max - conn->in.size;
        size_t piece = size < room ? size : room;
        fb_buf_append(&conn->in, bytes, piece);
        if (piece == 0 || fb_buf_error(&conn->in) < 0) {
            conn->is_kept = false; /* it sends more and more and reads no answer */
            if (conn->state != FB_HTTP_WORKING && conn->state != FB_HTTP_ANSWERING) {
                conn->state = FB_HTTP_OVER;
            }
            return;
        }
        bytes += piece;
        size -= piece;
        read_on(conn, now_ms);
    }
}

/* ---- Answering ---- */

struct fb_request *fb_http_conn_request(struct fb_http_conn *conn)
{
    return conn->state == FB_HTTP_WORKING || conn->state == FB_HTTP_BODY ? &conn->req : NULL;
}

void fb_http_conn_answer(struct fb_http_conn *conn, struct fb_response *res,
                         const struct fb_http_source *source, const char *fixed_headers,
                         int64_t now_ms)
{
    fb_assert(conn->state == FB_HTTP_WORKING || conn->state == FB_HTTP_BODY ||
              conn->state == FB_HTTP_HEAD || conn->state == FB_HTTP_IDLE);
    bool has_unread_body =
        conn->state != FB_HTTP_WORKING &&
        (conn->parser.content_length > 0 || (conn->parser.flags & F_CHUNKED) != 0);
    conn->is_kept = conn->is_kept && !has_unread_body;
    drop_source(conn);
    if (source != NULL) {
        conn->source = *source;
    }
    conn->state = res->event_topics != 0 ? FB_HTTP_STREAMING : FB_HTTP_ANSWERING;
    conn->since_ms = now_ms;
    fb_http_answer_begin(conn, res, fixed_headers, now_ms);
    fb_buf_release(&conn->answer);
    conn->answer = res->body;
    fb_buf_init(&res->body, FB_HTTP_ANSWER_BYTES_MAX);
}

static void refuse(struct fb_http_conn *conn, int status, int64_t now_ms)
{
    static const struct {
        int status;
        const char *code;
        const char *detail;
    } REASONS[] = {
        {408, "too_slow", "the request took too long"},
        {413, "too_large", "the body is larger than this address takes"},
        {414, "too_large", "the address is too long"},
        {431, "too_large", "the headers are too large"},
        {503, "busy", "there is not enough memory: try again"},
        {507, "disk_full", "the upload could not be kept: the disk is full"},
    };
    const char *code = "bad_request";
    const char *detail = "this is not a request that browsers send";
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++) {
        if (REASONS[i].status == status) {
            code = REASONS[i].code;
            detail = REASONS[i].detail;
        }
    }
    struct fb_response res;
    fb_response_init(&res, &conn->arena);
    fb_ignore(fb_response_problem(&res, status, code, detail), "the response says it");
    conn->is_kept = false;
    conn->is_head = false;
    fb_http_conn_answer(conn, &res, NULL, NULL, now_ms);
    fb_response_release(&res);
}

/* The answer is out: ready for the next request, or done. */
static void finish_answer(struct fb_http_conn *conn, int64_t now_ms)
{
    drop_source(conn);
    fb_buf_release(&conn->answer);
    fb_buf_release(&conn->body);
    fb_arena_release(&conn->arena); /* an idle browser shall hold nothing */
    fb_arena_init(&conn->arena, FB_HTTP_ARENA_BYTES_MAX);
    conn->refusal = 0;
    conn->since_ms = now_ms;
    if (!conn->is_kept) {
        conn->state = FB_HTTP_OVER;
        return;
    }
    conn->state = FB_HTTP_IDLE;
    if (conn->in.size == 0) {
        fb_buf_release(&conn->in);
        fb_buf_release(&conn->out);
    }
    read_on(conn, now_ms);
}

/* Some of the answer's body. */
static void take_body(struct fb_http_conn *conn, struct fb_buf *out, size_t max)
{
    int64_t left = conn->answer_end - conn->answer_at;
    size_t piece = left < (int64_t)max ? (size_t)left : max;
    if (conn->source.read == NULL) {
        fb_buf_append(out, conn->answer.bytes + conn->answer_at, piece);
        conn->answer_at += (int64_t)piece;
        return;
    }
    size_t before = out->size;
    int rc = conn->source.read(conn->source.ctx, conn->answer_at, piece, out);
    size_t got = out->size - before;
    if (rc < 0 || got == 0 || got > piece) {
        conn->state =
            FB_HTTP_OVER; /* the promised length cannot be kept: the connection must end */
        conn->is_kept = false;
        return;
    }
    conn->answer_at += (int64_t)got;
}

void fb_http_conn_take(struct fb_http_conn *conn, struct fb_buf *out, size_t max, int64_t now_ms)
{
    size_t until = out->size + max;
    while (out->size < until && fb_buf_error(out) == FB_OK) {
        if (conn->out.size > 0) {
            fb_buf_append(out, conn->out.bytes, conn->out.size);
            fb_buf_clear(&conn->out);
        } else if (conn->state != FB_HTTP_ANSWERING) {
            break;
        } else if (conn->answer_at < conn->answer_end) {
            take_body(conn, out, until - out->size);
        } else {
            finish_answer(conn, now_ms);
        }
    }
}

/* ---- Times and ends ---- */

int64_t fb_http_conn_deadline_ms(const struct fb_http_conn *conn)
{
    if (conn->since_ms == INT64_MAX) {
        return INT64_MAX;
    }
    switch (conn->state) {
    case FB_HTTP_IDLE:
        return conn->since_ms + FB_HTTP_IDLE_MS_MAX;
    case FB_HTTP_HEAD:
        return conn->since_ms + FB_HTTP_HEAD_MS_MAX;
    case FB_HTTP_BODY: /* from its start, and longer by what came: 1 KiB a second at least */
        return conn->since_ms + FB_HTTP_BODY_MS_MAX + conn->raw_body_bytes;
    default:
        return INT64_MAX; /* a peer that reads nothing is the stream's to cut */
    }
}

void fb_http_conn_expire(struct fb_http_conn *conn, int64_t now_ms)
{
    int64_t deadline_ms = fb_http_conn_deadline_ms(conn);
    if (deadline_ms == INT64_MAX || deadline_ms > now_ms) {
        return;
    }
    if (conn->state == FB_HTTP_IDLE) {
        conn->state = FB_HTTP_OVER;
    } else {
        refuse(conn, 408, now_ms);
    }
}

bool fb_http_conn_is_over(const struct fb_http_conn *conn)
{
    return conn->state == FB_HTTP_OVER && conn->out.size == 0;
}

bool fb_http_conn_wants_input(const struct fb_http_conn *conn)
{
    return conn->in.size < FB_HTTP_AHEAD_BYTES_MAX / 2;
}

bool fb_http_conn_is_idle(const struct fb_http_conn *conn)
{
    return conn->state == FB_HTTP_IDLE && conn->out.size == 0;
}

void fb_http_conn_close_soon(struct fb_http_conn *conn)
{
    conn->is_kept = false;
    if (conn->state == FB_HTTP_IDLE || conn->state == FB_HTTP_HEAD) {
        conn->state = FB_HTTP_OVER;
    } else if (conn->state == FB_HTTP_STREAMING) {
        fb_http_conn_stream_end(conn);
    }
}

int fb_http_conn_stream(struct fb_http_conn *conn, const void *bytes, size_t size)
{
    if (conn->state != FB_HTTP_STREAMING || size == 0) {
        return FB_OK;
    }
    if (size + 32 > conn->out.size_max - conn->out.size) {
        return FB_ERR_LIMIT;
    }
    fb_buf_printf(&conn->out, "%zx\r\n", size);
    fb_buf_append(&conn->out, bytes, size);
    fb_buf_append_text(&conn->out, "\r\n");
    return fb_buf_error(&conn->out);
}

void fb_http_conn_stream_end(struct fb_http_conn *conn)
{
    if (conn->state == FB_HTTP_STREAMING) {
        fb_buf_append_text(&conn->out, "0\r\n\r\n");
        conn->state = FB_HTTP_OVER;
    }
}
