/* SPDX-License-Identifier: MIT
 *
 * The built pages as browsers get them, and the events that open pages are told.
 */
#include "common/web/events.h"
#include "common/web/pages.h"
#include "tests/lib/testlib.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void put(const char *name, const char *text)
{
    FILE *f = fopen(fb_test_path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

struct answer {
    struct fb_arena arena;
    struct fb_request req;
    struct fb_response res;
    struct fb_http_source source;
    struct fb_buf bytes; /* of the source */
};

static void get(struct fb_pages *pages, const char *path, const char *encoding, struct answer *a)
{
    *a = (struct answer){.arena = {0}};
    assert_int_equal(fb_request_init(&a->req, &a->arena, "GET", path), FB_OK);
    if (encoding != NULL) {
        a->req.headers[a->req.header_count++] = (struct fb_http_pair){"accept-encoding", encoding};
    }
    fb_response_init(&a->res, &a->arena);
    fb_buf_init(&a->bytes, 10000);
    fb_pages_answer(pages, &a->req, "0123abcd", &a->res, &a->source);
    if (a->source.read != NULL) {
        assert_int_equal(a->source.read(a->source.ctx, 0, 1000, &a->bytes), FB_OK);
        a->source.done(a->source.ctx);
    }
}

static const char *header_of(const struct answer *a, const char *name)
{
    for (int i = 0; i < a->res.header_count; i++) {
        if (strcmp(a->res.headers[i].name, name) == 0) {
            return a->res.headers[i].value;
        }
    }
    return "";
}

static void drop(struct answer *a)
{
    fb_buf_release(&a->bytes);
    fb_response_release(&a->res);
    fb_arena_release(&a->arena);
}

static struct fb_pages *make_pages(void)
{
    struct fb_pages *pages = NULL;
    assert_int_equal(mkdir(fb_test_path("dist"), 0700), 0);
    assert_int_equal(mkdir(fb_test_path("dist/assets"), 0700), 0);
    put("secret", "not for browsers");
    put("dist/index.html", "<meta content=\"{{nonce}}\"><script src=a nonce={{nonce}}></script>");
    put("dist/icon.svg", "<svg/>");
    put("dist/assets/app-1a2b.js", "plain");
    put("dist/assets/app-1a2b.js.br", "BR");
    put("dist/assets/app-1a2b.js.gz", "GZ");
    assert_int_equal(fb_pages_new(fb_test_path("dist"), &pages), FB_OK);
    return pages;
}

FB_TEST(files_come_compressed_where_the_browser_takes_it)
{
    static const struct {
        const char *accepted;
        const char *bytes;
        const char *encoding;
    } ROWS[] = {
        {NULL, "plain", ""},       {"gzip, deflate, br", "BR", "br"},
        {"gzip", "GZ", "gzip"},    {"br;q=0, gzip", "GZ", "gzip"},
        {"identity", "plain", ""}, {"vbr", "plain", ""},
    };
    struct fb_pages *pages = make_pages();
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct answer a;
        get(pages, "/assets/app-1a2b.js", ROWS[i].accepted, &a);
        assert_string_equal(fb_buf_text(&a.bytes), ROWS[i].bytes);
        assert_string_equal(header_of(&a, "Content-Encoding"), ROWS[i].encoding);
        assert_string_equal(header_of(&a, "Vary"), "Accept-Encoding");
        assert_string_equal(header_of(&a, "Cache-Control"), "public, max-age=31536000, immutable");
        assert_string_equal(a.res.content_type, "text/javascript; charset=utf-8");
        drop(&a);
    }
    struct answer a;
    get(pages, "/icon.svg", NULL, &a);
    assert_string_equal(header_of(&a, "Cache-Control"), "no-cache");
    drop(&a);
    /* what is not there is no page of the app in a script's place; what is outside is not there */
    get(pages, "/assets/app-old.js", NULL, &a);
    assert_int_equal(a.res.status, 404);
    drop(&a);
    get(pages, "/secret", NULL, &a);
    assert_null(strstr(fb_buf_text(&a.res.body), "not for browsers"));
    drop(&a);
    /* any page of the app is index.html, with this answer's nonce */
    static const char *const PATHS[] = {"/", "/company/1", "/index.html", "/sync"};
    for (size_t i = 0; i < 4; i++) {
        get(pages, PATHS[i], "br", &a);
        assert_string_equal(fb_buf_text(&a.res.body),
                            "<meta content=\"0123abcd\"><script src=a nonce=0123abcd></script>");
        assert_false(a.res.may_be_kept);
        drop(&a);
    }
    fb_pages_free(pages);
    assert_int_equal(fb_pages_new(fb_test_path("nowhere"), &pages), FB_OK);
    get(pages, "/", NULL, &a);
    assert_int_equal(a.res.status, 503);
    assert_non_null(strstr(fb_buf_text(&a.res.body), "not built"));
    drop(&a);
    fb_pages_free(pages);
}

static void expect_events(const struct fb_events *e, uint32_t topics, int64_t after,
                          const char *text)
{
    struct fb_buf out;
    fb_buf_init(&out, 1 << 20);
    assert_int_equal(fb_events_append_after(e, topics, after, &out), fb_events_newest(e));
    assert_string_equal(fb_buf_text(&out), text);
    fb_buf_release(&out);
}

FB_TEST(a_page_gets_what_it_has_not_seen_and_no_other_topic)
{
    struct fb_events *e = NULL;
    assert_int_equal(fb_events_new(&e), FB_OK);
    expect_events(e, FB_EVENT_ALL, -1, "");
    expect_events(e, FB_EVENT_ALL, 0, "");
    fb_events_add(e, FB_EVENT_SYNC, "{\"a\":1}");
    fb_events_add(e, FB_EVENT_RECORD, "{\"b\":2}");
    expect_events(e, FB_EVENT_ALL, -1, "");
    expect_events(e, FB_EVENT_RECORD, 0, "id: 2\nevent: record\ndata: {\"b\":2}\n\n");
    expect_events(e, FB_EVENT_ALL, 1, "id: 2\nevent: record\ndata: {\"b\":2}\n\n");
    expect_events(e, FB_EVENT_ALL, 2, "");
    expect_events(e, FB_EVENT_ALL, 3,
                  "id: 2\nevent: reset\ndata: {}\n\n"); /* of another life of the server */
    for (int i = 0; i < 600; i++) {
        fb_events_add(e, FB_EVENT_HELD, "{}");
    }
    expect_events(e, FB_EVENT_ALL, 2, "id: 602\nevent: reset\ndata: {}\n\n"); /* forgotten */
    fb_events_free(e);
    assert_int_equal(fb_events_topics("sync,record"), FB_EVENT_SYNC | FB_EVENT_RECORD);
    assert_int_equal(fb_events_topics(NULL), FB_EVENT_ALL);
    assert_int_equal(fb_events_topics("sync,nonsense"), 0);
}

FB_MAIN(FB_CASE(files_come_compressed_where_the_browser_takes_it),
        FB_CASE(a_page_gets_what_it_has_not_seen_and_no_other_topic))
