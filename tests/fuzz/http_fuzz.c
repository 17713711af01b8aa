/* SPDX-License-Identifier: MIT
 *
 * A connection that sends any bytes: nothing crashes, what is handed up is as promised (an absolute path without dots,
 * UTF-8, one Host, a body within its rule), and however the bytes were cut on their way, the same requests come out and the
 * same answers go back. The first byte chooses the cuts and what the server does.
 */
#include <string.h>

#include "common/base/value.h"
#include "common/web/http_conn.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 200

struct run {
    struct fb_http_conn *conn;
    struct fb_buf out;
    struct fb_buf seen; /* of the requests, for the comparison */
    struct fb_buf
        pieces; /* of the body that is handed over; what of a refused one came first depends on the cuts */
    unsigned choice;
};

static void check_request(const struct fb_request *req)
{
    int hosts = 0;
    fb_assert(req->path[0] == '/' && fb_utf8_is_valid(req->path, strlen(req->path)));
    for (int i = 0; i < req->segment_count; i++) {
        const char *s = req->segments[i];
        fb_assert(s[0] != '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
                  strpbrk(s, "/\\\r\n") == NULL);
    }
    for (int i = 0; i < req->header_count; i++) {
        const struct fb_http_pair *h = &req->headers[i];
        hosts += strcmp(h->name, "host") == 0;
        fb_assert(h->name[0] != '\0' && strpbrk(h->name, " \t:\r\n") == NULL &&
                  strpbrk(h->value, "\r\n") == NULL);
    }
    for (int i = 0; i < req->query_count; i++) {
        fb_assert(fb_utf8_is_valid(req->query[i].value, strlen(req->query[i].value)));
    }
    fb_assert(hosts == 1);
}

static void answer(struct run *r, const struct fb_request *req, int status)
{
    struct fb_response res;
    fb_response_init(&res, req->arena);
    res.status = status;
    res.etag = "1";
    res.file = (r->choice & 4U) != 0 ? "file" : NULL;
    fb_buf_append_text(&res.body, req->path);
    fb_http_conn_answer(r->conn, &res, NULL, NULL, 0);
    fb_response_release(&res);
}

static void on_head(void *ctx, const struct fb_request *req, struct fb_http_body_rule *ret_rule)
{
    struct run *r = ctx;
    check_request(req);
    *ret_rule =
        (struct fb_http_body_rule){.bytes_max = BODY_MAX, .to_caller = (r->choice & 1U) != 0};
    if ((r->choice & 2U) != 0 && req->segment_count == 3) {
        answer(r, req, 403);
    }
}

static bool on_body(void *ctx, const uint8_t *bytes, size_t size)
{
    struct run *r = ctx;
    fb_buf_append(&r->pieces, bytes, size);
    return true;
}

static void on_request(void *ctx, struct fb_request *req)
{
    struct run *r = ctx;
    check_request(req);
    fb_assert(req->body_size <= BODY_MAX && r->pieces.size <= BODY_MAX);
    fb_buf_append(&r->seen, r->pieces.bytes, r->pieces.size);
    fb_buf_clear(&r->pieces);
    fb_buf_printf(&r->seen, "%s %s %d %s\n", req->method, req->path, req->header_count, req->body);
    answer(r, req, 200);
}

static void run(struct run *r, const uint8_t *data, size_t size, unsigned cut)
{
    static const struct fb_http_calls CALLS = {on_head, on_body, on_request};
    fb_buf_init(&r->out, SIZE_MAX / 2);
    fb_buf_init(&r->seen, SIZE_MAX / 2);
    fb_buf_init(&r->pieces, SIZE_MAX / 2);
    if (fb_http_conn_new(&CALLS, r, &r->conn) < 0) {
        return;
    }
    uint64_t state = cut;
    while (size > 0) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        size_t piece = cut == 0 ? size : 1 + (state >> 33) % cut;
        piece = piece < size ? piece : size;
        fb_http_conn_feed(r->conn, data, piece, 0);
        fb_http_conn_take(r->conn, &r->out, SIZE_MAX / 4, 0);
        data += piece;
        size -= piece;
    }
    fb_http_conn_expire(r->conn, INT64_MAX);
    fb_http_conn_take(r->conn, &r->out, SIZE_MAX / 4, 0);
    fb_http_conn_free(r->conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    unsigned cut = 1 + (data[0] >> 3);
    struct run whole = {.choice = data[0] & 7U};
    struct run pieces = {.choice = data[0] & 7U};
    run(&whole, data + 1, size - 1, 0);
    run(&pieces, data + 1, size - 1, cut);
    fb_assert(whole.out.size == pieces.out.size && whole.seen.size == pieces.seen.size);
    fb_assert(whole.out.size == 0 ||
              memcmp(whole.out.bytes, pieces.out.bytes, whole.out.size) == 0);
    fb_assert(whole.seen.size == 0 ||
              memcmp(whole.seen.bytes, pieces.seen.bytes, whole.seen.size) == 0);
    fb_buf_release(&whole.out);
    fb_buf_release(&whole.seen);
    fb_buf_release(&whole.pieces);
    fb_buf_release(&pieces.out);
    fb_buf_release(&pieces.seen);
    fb_buf_release(&pieces.pieces);
    return 0;
}
