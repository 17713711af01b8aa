/* SPDX-License-Identifier: MIT
 *
 * The insides of a connection, for http_*.c.
 */
#ifndef FB_WEB_HTTP_INSIDE_H
#define FB_WEB_HTTP_INSIDE_H

#include <llhttp.h>

#include "common/web/http_conn.h"

enum fb_http_state {
    FB_HTTP_IDLE,
    FB_HTTP_HEAD,
    FB_HTTP_BODY,
    FB_HTTP_WORKING,
    FB_HTTP_ANSWERING,
    FB_HTTP_STREAMING,
    FB_HTTP_OVER,
};

struct fb_http_conn {
    enum fb_http_state state;
    const struct fb_http_calls *calls;
    void *ctx;
    llhttp_t parser;
    struct fb_buf in;  /* not parsed yet */
    struct fb_buf out; /* heads of answers, chunks of events */
    struct fb_arena arena;
    struct fb_request req;
    struct fb_http_body_rule rule;
    struct fb_buf body;     /* of the request */
    int64_t body_bytes;     /* of it so far */
    int64_t raw_body_bytes; /* with its framing */
    int64_t since_ms;       /* when this state began, or its last byte came */
    int64_t wall_offset_ms; /* of the clock passed in */
    struct fb_buf answer;
    struct fb_http_source source; /* size 0: none */
    int64_t answer_at;            /* bytes of answer or source that were taken */
    int64_t answer_end;
    int empty_lines;     /* before the request */
    bool is_kept;        /* another request may follow */
    bool is_head;        /* HEAD: no body goes out */
    bool wants_continue; /* 100-continue, not said yet */
    bool is_message_whole;
    bool is_feeding; /* guards against calls within calls */
    int refusal;     /* status of a rule broken within a llhttp callback */
};

/* http_head.c: the end of the head in bytes, with its empty line; 0 if it is not whole. Sets *ret_status to the refusal
 * (400, 431) of bytes that can never become one. */
size_t fb_http_head_end(const uint8_t *bytes, size_t size, int *ret_status);

/* Reads a whole head into conn->req and the parser. 0, or the status of the refusal. */
int fb_http_head_read(struct fb_http_conn *conn, const uint8_t *bytes, size_t size);

/* http_answer.c: appends the head of an answer and sets what of the body goes out. */
void fb_http_answer_begin(struct fb_http_conn *conn, struct fb_response *res,
                          const char *fixed_headers, int64_t now_ms);

#endif
