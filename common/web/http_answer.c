/* SPDX-License-Identifier: MIT
 *
 * The head of an answer (RFC 9110): status, headers, and which part of the body goes out: none for HEAD, 204 and 304, a
 * range where one was asked of a file.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/web/http_inside.h"

static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } PHRASES[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++) {
        if (PHRASES[i].status == status) {
            return PHRASES[i].phrase;
        }
    }
    return "Other";
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void append_date(struct fb_buf *out, int64_t now_ms)
{
    static const char DAYS[] = "SunMonTueWedThuFriSat";
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm t;
    if (gmtime_r(&seconds, &t) != NULL) {
        fb_buf_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
                      DAYS + (size_t)3 * (size_t)t.tm_wday, t.tm_mday,
                      MONTHS + (size_t)3 * (size_t)t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min,
                      t.tm_sec);
    }
}

/* Is the tag in a list like `"a", W/"b"` or `*`? */
static bool names_tag(const char *list, const char *etag)
{
    size_t size = strlen(etag);
    if (strcmp(list, "*") == 0) {
        return true;
    }
    for (const char *at = strchr(list, '"'); at != NULL; at = strchr(at, '"')) {
        const char *end = strchr(++at, '"');
        if (end == NULL) {
            return false;
        }
        if ((size_t)(end - at) == size && memcmp(at, etag, size) == 0) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

struct range {
    int64_t from;
    int64_t end; /* behind the last byte */
};

enum range_kind { RANGE_NONE, RANGE_ONE, RANGE_WRONG };

static bool read_number(const char **at, int64_t *ret)
{
    int64_t n = 0;
    int digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 16; (*at)++, digits++) {
        n = n * 10 + (**at - '0');
    }
    *ret = n;
    return digits > 0 && digits < 16;
}

/* "bytes=0-99", "bytes=100-", "bytes=-5"; several ranges are answered with the whole, as one may. */
static enum range_kind read_range(const char *text, int64_t size, struct range *ret)
{
    if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strchr(text, ',') != NULL) {
        return RANGE_NONE;
    }
    const char *at = text + 6;
    int64_t from = 0;
    int64_t last = 0;
    bool has_from = read_number(&at, &from);
    if (*at++ != '-') {
        return RANGE_NONE;
    }
    bool has_last = read_number(&at, &last);
    if (*at != '\0' || (!has_from && !has_last)) {
        return RANGE_NONE;
    }
    if (!has_from) {
        ret->from = last < size ? size - last : 0;
        ret->end = size;
        return last > 0 && size > 0 ? RANGE_ONE : RANGE_WRONG;
    }
    ret->from = from;
    ret->end = has_last && last < size - 1 ? last + 1 : size;
    if (has_last && last < from) {
        return RANGE_NONE;
    }
    return from < size ? RANGE_ONE : RANGE_WRONG;
}

/* Applies If-None-Match and Range to an answer of 200. Returns the status. */
static int apply_conditions(struct fb_http_conn *conn, const struct fb_response *res, int64_t size,
                            struct range *ret)
{
    const struct fb_request *req = &conn->req;
    *ret = (struct range){.from = 0, .end = size};
    if (strcmp(req->method, "GET") != 0 || conn->state == FB_HTTP_STREAMING) {
        return 200;
    }
    const char *none_match = fb_request_header(req, "if-none-match");
    if (res->etag != NULL && none_match != NULL && names_tag(none_match, res->etag)) {
        return 304;
    }
    if (res->file == NULL) {
        return 200;
    }
    const char *if_range = fb_request_header(req, "if-range");
    if (if_range != NULL && (res->etag == NULL || !names_tag(if_range, res->etag))) {
        return 200;
    }
    struct range range;
    switch (read_range(fb_request_header(req, "range"), size, &range)) {
    case RANGE_ONE:
        *ret = range;
        return 206;
    case RANGE_WRONG:
        return 416;
    default:
        return 200;
    }
}

static void append_length(struct fb_http_conn *conn, int status, int64_t size,
                          const struct range *range)
{
    struct fb_buf *out = &conn->out;
    if (conn->state == FB_HTTP_STREAMING) {
        fb_buf_append_text(out, "Transfer-Encoding: chunked\r\n");
        return;
    }
    if (status == 206) {
        fb_buf_printf(out, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)range->from,
                      (long long)range->end - 1, (long long)size);
    } else if (status == 416) {
        fb_buf_printf(out, "Content-Range: bytes */%lld\r\n", (long long)size);
    }
    if (status != 204 && status != 304) {
        fb_buf_printf(out, "Content-Length: %lld\r\n", (long long)(range->end - range->from));
    }
}

static void append_headers(struct fb_http_conn *conn, const struct fb_response *res, int status)
{
    struct fb_buf *out = &conn->out;
    if (status != 204 && status != 304 && status != 416) {
        fb_buf_printf(out, "Content-Type: %s\r\n",
                      res->content_type == NULL ? "application/json" : res->content_type);
    }
    if (res->etag != NULL) {
        fb_buf_printf(out, "ETag: \"%s\"\r\n", res->etag);
    }
    for (int i = 0; i < res->header_count; i++) {
        fb_buf_printf(out, "%s: %s\r\n", res->headers[i].name, res->headers[i].value);
    }
    if (res->file != NULL) {
        fb_buf_append_text(out, "Accept-Ranges: bytes\r\n");
    }
    if (!res->may_be_kept) {
        fb_buf_append_text(out, "Cache-Control: no-store\r\n");
    }
}

void fb_http_answer_begin(struct fb_http_conn *conn, struct fb_response *res,
                          const char *fixed_headers, int64_t now_ms)
{
    struct fb_buf *out = &conn->out;
    int64_t size = conn->source.read != NULL ? conn->source.size : (int64_t)res->body.size;
    int status = res->status != 0                                                    ? res->status
                 : size > 0 || res->file != NULL || conn->state == FB_HTTP_STREAMING ? 200
                                                                                     : 204;
    struct range range = {.from = 0, .end = size};
    if (status == 200) {
        status = apply_conditions(conn, res, size, &range);
    }
    if (status == 416) {
        range = (struct range){0};
    }
    fb_buf_printf(out, "HTTP/1.1 %d %s\r\n", status, phrase(status));
    append_date(out, now_ms + conn->wall_offset_ms);
    append_headers(conn, res, status);
    append_length(conn, status, size, &range);
    if (fixed_headers != NULL) {
        fb_buf_append_text(out, fixed_headers);
    }
    fb_buf_append_text(out, conn->is_kept ? "\r\n" : "Connection: close\r\n\r\n");
    bool has_body = !conn->is_head && status != 204 && status != 304;
    conn->answer_at = range.from;
    conn->answer_end = has_body ? range.end : range.from;
    if (conn->is_head && conn->state == FB_HTTP_STREAMING) {
        conn->state = FB_HTTP_ANSWERING; /* HEAD of a stream has nothing to wait for */
    }
}
