/* SPDX-License-Identifier: MIT
 *
 * The HTTP layer without sockets: each story is told whole and byte by byte, and must end alike.
 */
#include "common/web/http_conn.h"
#include "tests/lib/testlib.h"

#include <stdio.h>
#include <string.h>

/* A server that answers each request with what it understood of it. */
struct server {
    struct fb_http_conn *conn;
    struct fb_buf out;
    struct fb_http_body_rule rule;
    struct fb_buf received; /* pieces of bodies that go to the caller */
    bool is_silent;         /* leaves requests unanswered */
    bool is_stream;
    int requests;
    const char *etag;
    const char *file;
    struct fb_http_source source;
    int sources_done;
};

static void on_head(void *ctx, const struct fb_request *req, struct fb_http_body_rule *ret_rule)
{
    struct server *s = ctx;
    *ret_rule = s->rule;
    if (strcmp(req->path, "/refused") == 0) {
        struct fb_response res;
        fb_response_init(&res, req->arena);
        fb_ignore(fb_response_problem(&res, 401, "login_expired", NULL), "the response says it");
        fb_http_conn_answer(s->conn, &res, NULL, NULL, 0);
        fb_response_release(&res);
    }
}

static bool on_body(void *ctx, const uint8_t *bytes, size_t size)
{
    struct server *s = ctx;
    fb_buf_append(&s->received, bytes, size);
    return s->received.size < 1000;
}

static void answer(struct server *s)
{
    struct fb_request *req = fb_http_conn_request(s->conn);
    struct fb_response res;
    fb_response_init(&res, req->arena);
    res.content_type = "text/plain";
    res.etag = s->etag;
    res.file = s->file;
    res.event_topics = s->is_stream ? 1 : 0;
    if (!s->is_stream) {
        fb_buf_printf(&res.body, "%s %s %s", req->method, req->path, req->body);
    }
    fb_http_conn_answer(s->conn, &res, s->source.read != NULL ? &s->source : NULL, "X-Fixed: 1\r\n",
                        0);
    fb_response_release(&res);
}

static void on_request(void *ctx, struct fb_request *req)
{
    struct server *s = ctx;
    s->requests++;
    assert_int_equal(req->body_size, strlen(req->body));
    if (!s->is_silent) {
        answer(s);
    }
}

static const struct fb_http_calls CALLS = {on_head, on_body, on_request};

static void start(struct server *s)
{
    *s = (struct server){.rule = {.bytes_max = 100}};
    fb_buf_init(&s->out, 1 << 20);
    fb_buf_init(&s->received, 1 << 20);
    assert_int_equal(fb_http_conn_new(&CALLS, s, &s->conn), FB_OK);
}

static void finish(struct server *s)
{
    fb_http_conn_free(s->conn);
    fb_buf_release(&s->out);
    fb_buf_release(&s->received);
}

static void take_all(struct server *s)
{
    size_t before;
    do {
        before = s->out.size;
        fb_http_conn_take(s->conn, &s->out, 7, 0);
    } while (s->out.size > before);
}

static void send(struct server *s, const char *bytes, size_t size, size_t step)
{
    for (size_t at = 0; at < size; at += step) {
        size_t piece = size - at < step ? size - at : step;
        fb_http_conn_feed(s->conn, (const uint8_t *)bytes + at, piece, 0);
        take_all(s);
    }
}

static const char *text_of(struct server *s)
{
    return fb_buf_text(&s->out);
}

static int status_of(struct server *s)
{
    int status = 0;
    return sscanf(text_of(s), "HTTP/1.1 %3d", &status) == 1 ? status : 0;
}

/* Feeds text in steps of 1, 2, 3, 5 and whole; the answer is the same each time. Leaves the last in s. */
static void tell(struct server *s, const char *bytes, size_t size)
{
    static const size_t STEPS[] = {1, 2, 3, 5, SIZE_MAX / 2};
    char first[4096] = "";
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        struct fb_http_body_rule rule = s->rule;
        struct server fresh = *s;
        start(&fresh);
        fresh.rule = rule;
        fresh.etag = s->etag;
        fresh.file = s->file;
        send(&fresh, bytes, size, STEPS[i]);
        if (i == 0) {
            snprintf(first, sizeof first, "%s", text_of(&fresh));
        } else if (strcmp(first, text_of(&fresh)) != 0) {
            fail_msg("in steps of %zu \"%s\", byte by byte \"%s\"", STEPS[i], text_of(&fresh),
                     first);
        }
        finish(s);
        *s = fresh;
        /* the connection's context moved with the struct: nothing more is fed to it */
    }
}

static void tell_text(struct server *s, const char *text)
{
    tell(s, text, strlen(text));
}

#define HEAD(line) line "\r\nHost: hq:7443\r\n"

static int count_of(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

FB_TEST(a_request_is_answered_however_it_is_cut)
{
    struct server s;
    start(&s);
    tell_text(&s, HEAD("GET /api/v1/company?limit=5 HTTP/1.1") "Accept: */*\r\n\r\n");
    assert_int_equal(status_of(&s), 200);
    assert_non_null(strstr(text_of(&s), "Content-Length: 20\r\n"));
    assert_non_null(strstr(text_of(&s), "\r\nX-Fixed: 1\r\n"));
    assert_non_null(strstr(text_of(&s), "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(text_of(&s), "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    assert_non_null(strstr(text_of(&s), "\r\n\r\nGET /api/v1/company "));
    assert_null(strstr(text_of(&s), "Connection: close"));
    assert_true(fb_http_conn_is_idle(s.conn));
    finish(&s);
}

FB_TEST(bodies_come_by_length_and_by_chunks)
{
    struct server s;
    start(&s);
    tell_text(&s, HEAD("POST /a HTTP/1.1") "Content-Length: 5\r\n\r\nhello");
    assert_non_null(strstr(text_of(&s), "\r\n\r\nPOST /a hello"));
    tell_text(&s, HEAD("POST /a HTTP/1.1") "Transfer-Encoding: "
                                           "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    assert_non_null(strstr(text_of(&s), "\r\n\r\nPOST /a hello"));
    assert_true(fb_http_conn_is_idle(s.conn));
    tell_text(&s, HEAD("POST /a HTTP/1.1") "Content-Length: 0\r\n\r\n");
    assert_non_null(strstr(text_of(&s), "\r\n\r\nPOST /a "));
    finish(&s);
}

FB_TEST(requests_follow_each_other_on_one_connection)
{
    struct server s;
    start(&s);
    tell_text(
        &s, HEAD("GET /1 HTTP/1.1") "\r\n" HEAD(
                "POST /2 HTTP/1.1") "Content-Length: 2\r\n\r\nab"
                                    "\r\n" HEAD("GET /3 HTTP/1.1") "Connection: close\r\n\r\n" HEAD(
                                        "GET /4 HTTP/1.1") "\r\n");
    assert_int_equal(count_of(text_of(&s), "HTTP/1.1 200 OK"), 3);
    assert_non_null(strstr(text_of(&s), "POST /2 ab"));
    assert_non_null(strstr(text_of(&s), "GET /3 "));
    assert_int_equal(count_of(text_of(&s), "Connection: close"), 1);
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
}

FB_TEST(an_upgrade_is_answered_as_a_plain_request)
{
    struct server s;
    start(&s);
    tell_text(&s, HEAD("GET /1 HTTP/1.1") "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" HEAD(
                      "POST /2 HTTP/1.1") "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: "
                                          "1\r\n\r\nx");
    assert_int_equal(count_of(text_of(&s), "HTTP/1.1 200 OK"), 2);
    finish(&s);
}

/* libraries.md's table and its relatives: each refused, whole or byte by byte, and the connection is over. */
FB_TEST(hostile_requests_are_refused)
{
#define TOLD(text, status)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
    static const struct {
        const char *bytes;
        size_t size;
        int status;
    } ROWS[] = {
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 5, 5\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 5\r\nTransfer-Encoding: "
                                     "chunked\r\n\r\n0\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\nContent-Length: "
                                     "5\r\n\r\n0\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                                     "chunked\r\n\r\n0\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: \x0b"
                                     "chunked\r\n\r\n0\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: identity\r\n\r\n", 501),
        TOLD("GET / HTTP/1.1\nHost: a\n\n", 400),
        TOLD("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        TOLD("GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "X: a\0b\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "X: a\x01"
                                    "b\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: -5\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: +5\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 0x5\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 18446744073709551621\r\n\r\nhello", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length:\r\n\r\nhello", 400),
        TOLD("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "X\t: a\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") " X: folded\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "X: a\r\n b\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") ": nothing\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "no colon\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "Host: other\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        TOLD("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
        TOLD(HEAD("GET http://hq/ HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET //hq/ HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET hq HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("OPTIONS * HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("CONNECT hq:443 HTTP/1.1") "\r\n", 501),
        TOLD(HEAD("TRACE / HTTP/1.1") "\r\n", 501),
        TOLD(HEAD("get / HTTP/1.1") "\r\n", 501),
        TOLD(HEAD("PRI * HTTP/2.0") "\r\n", 505),
        TOLD(HEAD("GET /a/../../etc/passwd HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET /a/%2e%2e/b HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET /a%00b HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET /a%2fb HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET /a\\b HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET  / HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET / a HTTP/1.1") "\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1 ") "\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.0") "\r\n", 505),
        TOLD(HEAD("GET / HTTP/2.0") "\r\n", 505),
        TOLD(HEAD("GET / HTTP/11") "\r\n", 400),
        TOLD(HEAD("GET /") "\r\n", 400),
        TOLD(HEAD("GET / HTTP/1.1") "Content-Length: 5\r\n\r\nhello", 400),
        TOLD(HEAD("HEAD / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Expect: coffee\r\nContent-Length: 5\r\n\r\nhello", 417),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n1;ext=1\r\na\r\n0\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n", 400),
        TOLD(HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: "
                                     "x\r\n\r\n",
             400),
        TOLD(HEAD("POST / HTTP/1.1") "Content-Length: 101\r\n\r\n", 413),
        TOLD("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400),
        TOLD("\0\0\0\0", 400),
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct server s;
        start(&s);
        tell(&s, ROWS[i].bytes, ROWS[i].size);
        if (status_of(&s) != ROWS[i].status || s.requests > 0 || !fb_http_conn_is_over(s.conn)) {
            fail_msg("row %zu \"%s\": %d %d requests, answer \"%s\"", i, ROWS[i].bytes,
                     status_of(&s), s.requests, text_of(&s));
        }
        assert_non_null(strstr(text_of(&s), "Connection: close\r\n"));
        finish(&s);
    }
}

FB_TEST(heads_have_an_end)
{
    static char big[FB_HTTP_HEADER_BYTES_MAX * 2];
    struct server s;
    start(&s);
    size_t n = (size_t)snprintf(big, sizeof big, HEAD("GET / HTTP/1.1") "X: ");
    memset(big + n, 'a', sizeof big - n);
    send(&s, big, sizeof big, 999);
    assert_int_equal(status_of(&s), 431);
    finish(&s);
    start(&s);
    n = (size_t)snprintf(big, sizeof big, HEAD("GET / HTTP/1.1"));
    for (int i = 0; i < FB_HTTP_HEADERS_MAX; i++) {
        n += (size_t)snprintf(big + n, sizeof big - n, "X%d: a\r\n", i);
    }
    n += (size_t)snprintf(big + n, sizeof big - n, "\r\n");
    send(&s, big, n, n);
    assert_int_equal(status_of(&s), 431);
    finish(&s);
    start(&s); /* nothing but line ends */
    memset(big, 0, sizeof big);
    for (size_t i = 0; i + 2 < sizeof big; i += 2) {
        memcpy(big + i, "\r\n", 2);
    }
    send(&s, big, sizeof big - 2, 4096);
    assert_int_equal(status_of(&s), 400);
    finish(&s);
}

FB_TEST(a_body_beyond_its_rule_is_refused_wherever_that_shows)
{
    struct server s;
    start(&s);
    char text[512];
    int n = snprintf(
        text, sizeof text,
        HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n65\r\n%0101d\r\n0\r\n\r\n", 1);
    tell(&s, text, (size_t)n);
    assert_int_equal(status_of(&s), 413);
    assert_int_equal(s.requests, 0);
    finish(&s);
    start(&s); /* a thousand leading zeros are a chunk of one byte, a million are an attack */
    send(&s, HEAD("POST / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n", 61, 61);
    static char zeros[70000];
    memset(zeros, '0', sizeof zeros);
    send(&s, zeros, sizeof zeros, 4096);
    assert_int_equal(status_of(&s), 400);
    finish(&s);
}

FB_TEST(who_expects_a_100_gets_it_and_only_if_the_body_is_wanted)
{
    struct server s;
    start(&s);
    static const char ASK[] =
        HEAD("POST /a HTTP/1.1") "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    send(&s, ASK, strlen(ASK), 1);
    assert_string_equal(text_of(&s), "HTTP/1.1 100 Continue\r\n\r\n");
    send(&s, "hello", 5, 1);
    assert_non_null(strstr(text_of(&s), "HTTP/1.1 200 OK"));
    finish(&s);
    start(&s);
    tell_text(&s,
              HEAD("POST /refused HTTP/1.1") "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(status_of(&s), 401);
    assert_null(strstr(text_of(&s), "100 Continue"));
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
}

FB_TEST(an_early_answer_without_a_body_keeps_the_connection)
{
    struct server s;
    start(&s);
    tell_text(&s, HEAD("GET /refused HTTP/1.1") "\r\n" HEAD("GET /2 HTTP/1.1") "\r\n");
    assert_int_equal(status_of(&s), 401);
    assert_non_null(strstr(text_of(&s), "GET /2 "));
    assert_true(fb_http_conn_is_idle(s.conn));
    finish(&s);
}

FB_TEST(head_gets_the_head_alone)
{
    struct server s;
    start(&s);
    tell_text(&s, HEAD("HEAD /abc HTTP/1.1") "\r\n");
    assert_int_equal(status_of(&s), 200);
    assert_non_null(strstr(text_of(&s), "Content-Length: 9\r\n"));
    assert_string_equal(text_of(&s) + s.out.size - 4, "\r\n\r\n");
    finish(&s);
}

FB_TEST(what_the_browser_has_is_not_sent_again)
{
    struct server s;
    start(&s);
    s.etag = "812";
    tell_text(&s, HEAD("GET /a HTTP/1.1") "If-None-Match: \"811\", W/\"812\"\r\n\r\n");
    assert_int_equal(status_of(&s), 304);
    assert_non_null(strstr(text_of(&s), "ETag: \"812\"\r\n"));
    assert_null(strstr(text_of(&s), "Content-Length"));
    tell_text(&s, HEAD("GET /a HTTP/1.1") "If-None-Match: \"81\"\r\n\r\n");
    assert_int_equal(status_of(&s), 200);
    tell_text(&s, HEAD("POST /a HTTP/1.1") "If-None-Match: \"812\"\r\n\r\n");
    assert_int_equal(status_of(&s), 200);
    finish(&s);
}

FB_TEST(files_come_in_ranges)
{
    static const struct {
        const char *header;
        int status;
        const char *range; /* Content-Range */
        const char *body;
    } ROWS[] = {
        {"Range: bytes=0-2", 206, "bytes 0-2/9", "GET"},
        {"Range: bytes=4-", 206, "bytes 4-8/9", "/abc "},
        {"Range: bytes=-2", 206, "bytes 7-8/9", "c "},
        {"Range: bytes=-20", 206, "bytes 0-8/9", "GET /abc "},
        {"Range: bytes=8-100", 206, "bytes 8-8/9", " "},
        {"Range: bytes=9-", 416, "bytes */9", ""},
        {"Range: bytes=-0", 416, "bytes */9", ""},
        {"Range: bytes=5-4", 200, NULL, "GET /abc "},
        {"Range: bytes=0-0,2-3", 200, NULL, "GET /abc "},
        {"Range: bytes=a-b", 200, NULL, "GET /abc "},
        {"Range: bytes=99999999999999999999-", 200, NULL, "GET /abc "},
        {"Range: lines=1-2", 200, NULL, "GET /abc "},
        {"Range: bytes=0-2\r\nIf-Range: \"1\"", 206, "bytes 0-2/9", "GET"},
        {"Range: bytes=0-2\r\nIf-Range: \"2\"", 200, NULL, "GET /abc "},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct server s;
        start(&s);
        s.etag = "1";
        s.file = "abc";
        char text[256];
        snprintf(text, sizeof text, HEAD("GET /abc HTTP/1.1") "%s\r\n\r\n", ROWS[i].header);
        tell_text(&s, text);
        char expected[64] = "Content-Range: ";
        strncat(expected, ROWS[i].range == NULL ? "" : ROWS[i].range, 40);
        const char *body = strstr(text_of(&s), "\r\n\r\n");
        if (status_of(&s) != ROWS[i].status ||
            (strstr(text_of(&s), expected) == NULL) != (ROWS[i].range == NULL) ||
            strcmp(body + 4, ROWS[i].body) != 0) {
            fail_msg("%s: %s", ROWS[i].header, text_of(&s));
        }
        finish(&s);
    }
}

static int read_letters(void *ctx, int64_t at, size_t max, struct fb_buf *out)
{
    struct server *s = ctx;
    if (at >= 20 && s->rule.bytes_max == 1) {
        return FB_ERR_IO;
    }
    for (size_t i = 0; i < max && i < 3 && at + (int64_t)i < s->source.size; i++) {
        fb_buf_append_byte(out, (uint8_t)('a' + (at + (int64_t)i) % 26));
    }
    return FB_OK;
}

static void letters_done(void *ctx)
{
    struct server *s = ctx;
    s->sources_done++;
}

FB_TEST(a_source_is_read_as_it_is_sent_and_ended_once)
{
    struct server s;
    start(&s);
    s.source =
        (struct fb_http_source){.size = 30, .read = read_letters, .done = letters_done, .ctx = &s};
    static const char ASK[] = HEAD("GET /file HTTP/1.1") "\r\n";
    send(&s, ASK, strlen(ASK), 1000);
    assert_non_null(strstr(text_of(&s), "Content-Length: 30\r\n"));
    assert_non_null(strstr(text_of(&s), "\r\n\r\nabcdefghijklmnopqrstuvwxyzabcd"));
    assert_int_equal(s.sources_done, 1);
    s.rule.bytes_max = 1; /* the disk fails after 20 bytes */
    fb_buf_clear(&s.out);
    send(&s, ASK, strlen(ASK), 1000);
    assert_true(fb_http_conn_is_over(s.conn));
    assert_null(strstr(text_of(&s), "uvw"));
    fb_http_conn_free(s.conn);
    assert_int_equal(s.sources_done, 2);
    s.conn = NULL;
    finish(&s);
}

FB_TEST(uploads_go_to_the_caller_piece_by_piece)
{
    struct server s;
    start(&s);
    s.rule = (struct fb_http_body_rule){.bytes_max = 5000, .to_caller = true};
    static const char ASK[] = HEAD("PUT /file HTTP/1.1") "Content-Length: 11\r\n\r\nhello\0world";
    send(&s, ASK, sizeof ASK - 1, 1);
    assert_int_equal(s.received.size, 11);
    assert_non_null(strstr(text_of(&s), "\r\n\r\nPUT /file "));
    fb_buf_clear(&s.out);
    static const char LARGE[] = HEAD("PUT /file HTTP/1.1") "Content-Length: 2000\r\n\r\n";
    static char bytes[2000];
    send(&s, LARGE, sizeof LARGE - 1, 100);
    send(&s, bytes, sizeof bytes, 100); /* the disk is full at 1,000 */
    assert_int_equal(status_of(&s), 507);
    finish(&s);
}

FB_TEST(a_peer_may_send_ahead_but_not_without_end)
{
    struct server s;
    start(&s);
    s.is_silent = true;
    static const char ASK[] = HEAD("GET /1 HTTP/1.1") "\r\n";
    send(&s, ASK, strlen(ASK), 1000);
    assert_int_equal(s.requests, 1);
    for (int i = 0; i < 100; i++) {
        send(&s, ASK, strlen(ASK), 1000);
    }
    assert_int_equal(s.requests, 1);
    assert_true(fb_http_conn_wants_input(s.conn));
    s.is_silent = false;
    answer(&s);
    take_all(&s);
    assert_int_equal(s.requests, 101);
    s.is_silent = true;
    for (int i = 0; i < 10000; i++) {
        send(&s, ASK, strlen(ASK), 1000);
    }
    assert_false(fb_http_conn_wants_input(s.conn));
    fb_buf_clear(&s.out);
    answer(&s);
    take_all(&s);
    assert_non_null(strstr(text_of(&s), "Connection: close"));
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
}

FB_TEST(events_are_chunks_until_their_end)
{
    struct server s;
    start(&s);
    s.is_stream = true;
    static const char ASK[] = HEAD("GET /events HTTP/1.1") "\r\n";
    send(&s, ASK, strlen(ASK), 1000);
    assert_non_null(strstr(text_of(&s), "Transfer-Encoding: chunked\r\n"));
    fb_buf_clear(&s.out);
    assert_int_equal(fb_http_conn_stream(s.conn, "data: 1\n\n", 9), FB_OK);
    take_all(&s);
    assert_string_equal(text_of(&s), "9\r\ndata: 1\n\n\r\n");
    assert_int_equal(fb_http_conn_deadline_ms(s.conn), INT64_MAX);
    static char big[FB_HTTP_EVENT_BYTES_MAX];
    assert_int_equal(fb_http_conn_stream(s.conn, big, sizeof big), FB_ERR_LIMIT);
    fb_http_conn_close_soon(s.conn);
    fb_buf_clear(&s.out);
    take_all(&s);
    assert_string_equal(text_of(&s), "0\r\n\r\n");
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
}

FB_TEST(slow_peers_run_into_deadlines)
{
    struct server s;
    start(&s);
    assert_int_equal(fb_http_conn_deadline_ms(s.conn), INT64_MAX);
    fb_http_conn_feed(s.conn, (const uint8_t *)"GET ", 4, 1000);
    fb_http_conn_feed(s.conn, (const uint8_t *)"/", 1, 10000); /* one byte more buys no time */
    assert_int_equal(fb_http_conn_deadline_ms(s.conn), 1000 + FB_HTTP_HEAD_MS_MAX);
    fb_http_conn_expire(s.conn, 10999);
    take_all(&s);
    assert_int_equal(s.out.size, 0);
    fb_http_conn_expire(s.conn, 11000);
    take_all(&s);
    assert_int_equal(status_of(&s), 408);
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
    start(&s);
    static const char ASK[] = HEAD("POST /a HTTP/1.1") "Content-Length: 90\r\n\r\n";
    fb_http_conn_feed(s.conn, (const uint8_t *)ASK, strlen(ASK), 1000);
    int64_t before = fb_http_conn_deadline_ms(s.conn);
    fb_http_conn_feed(s.conn, (const uint8_t *)"0123456789", 10, 30000);
    assert_int_equal(fb_http_conn_deadline_ms(s.conn), before + 10);
    fb_http_conn_expire(s.conn, before + 10);
    take_all(&s);
    assert_int_equal(status_of(&s), 408);
    finish(&s);
    start(&s);
    static const char GET[] = HEAD("GET /a HTTP/1.1") "\r\n";
    fb_http_conn_feed(s.conn, (const uint8_t *)GET, strlen(GET), 1000);
    fb_http_conn_take(s.conn, &s.out, 100000, 5000);
    assert_int_equal(fb_http_conn_deadline_ms(s.conn), 5000 + FB_HTTP_IDLE_MS_MAX);
    fb_http_conn_expire(s.conn, 5000 + FB_HTTP_IDLE_MS_MAX);
    assert_true(fb_http_conn_is_over(s.conn));
    finish(&s);
}

FB_MAIN(FB_CASE(a_request_is_answered_however_it_is_cut),
        FB_CASE(bodies_come_by_length_and_by_chunks),
        FB_CASE(requests_follow_each_other_on_one_connection),
        FB_CASE(an_upgrade_is_answered_as_a_plain_request), FB_CASE(hostile_requests_are_refused),
        FB_CASE(heads_have_an_end), FB_CASE(a_body_beyond_its_rule_is_refused_wherever_that_shows),
        FB_CASE(who_expects_a_100_gets_it_and_only_if_the_body_is_wanted),
        FB_CASE(an_early_answer_without_a_body_keeps_the_connection),
        FB_CASE(head_gets_the_head_alone), FB_CASE(what_the_browser_has_is_not_sent_again),
        FB_CASE(files_come_in_ranges), FB_CASE(a_source_is_read_as_it_is_sent_and_ended_once),
        FB_CASE(uploads_go_to_the_caller_piece_by_piece),
        FB_CASE(a_peer_may_send_ahead_but_not_without_end),
        FB_CASE(events_are_chunks_until_their_end), FB_CASE(slow_peers_run_into_deadlines))
