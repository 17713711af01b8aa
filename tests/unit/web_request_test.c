/* SPDX-License-Identifier: MIT
 *
 * Targets taken apart, routes found, stages run: what handlers stand on.
 */
#include "common/store/sql.h"
#include "common/web/http.h"
#include "tests/lib/testlib.h"

#include <string.h>

static int read_target(const char *target, size_t size, struct fb_request *ret)
{
    static struct fb_arena arena;
    fb_arena_release(&arena);
    fb_arena_init(&arena, 0);
    int rc = fb_request_init(ret, &arena, "GET", "/");
    return rc < 0 ? rc : fb_request_set_target(ret, target, size);
}

FB_TEST(a_target_is_split_and_decoded)
{
    struct fb_request req;
    static const char TARGET[] =
        "/api/v1/company/%E4%B8%9C?q=%E5%BC%A0+%E4%BC%9F&limit=50&flag&a=b%26c";
    assert_int_equal(read_target(TARGET, strlen(TARGET), &req), FB_OK);
    assert_int_equal(req.segment_count, 4);
    assert_string_equal(fb_request_segment(&req, 3), "东");
    assert_null(fb_request_segment(&req, 4));
    assert_null(fb_request_segment(&req, -1));
    assert_string_equal(fb_request_query(&req, "q"), "张 伟");
    assert_string_equal(fb_request_query(&req, "limit"), "50");
    assert_string_equal(fb_request_query(&req, "flag"), "");
    assert_string_equal(fb_request_query(&req, "a"), "b&c");
    assert_null(fb_request_query(&req, "b"));
    assert_string_equal(req.path, "/api/v1/company/东");
}

FB_TEST(what_could_be_read_in_two_ways_is_refused)
{
    static const char *const TARGETS[] = {
        "",
        "*",
        "company",
        "http://h/company",
        "/a/../b",
        "/..",
        "/%2e%2e/b",
        "/%2E./b",
        "/a/./b",
        "//a",
        "/a//b",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/a%00",
        "/a?q=%00",
        "/a%",
        "/a%4",
        "/a%zz",
        "/%ff",
        "/%c0%af",
        "/a?q=%ED%A0%80",
        "/a b",
        "/a\x7f",
        "/a%0d%0ab",
        "/a#b",
        "/\xE4\xB8\x9C",
        "/a?%",
        "/%0a",
        "/a?b=%2",
    };
    for (size_t i = 0; i < sizeof TARGETS / sizeof *TARGETS; i++) {
        struct fb_request req;
        int rc = read_target(TARGETS[i], strlen(TARGETS[i]), &req);
        if (rc != FB_ERR_INVALID) {
            fail_msg("\"%s\" gave %d", TARGETS[i], rc);
        }
    }
    struct fb_request req;
    assert_int_equal(read_target("/a\0b", 4, &req), FB_ERR_INVALID);
}

FB_TEST(too_many_segments_or_parameters_are_a_limit)
{
    struct fb_request req;
    static const char DEEP[] = "/1/2/3/4/5/6/7/8/9";
    assert_int_equal(read_target(DEEP, strlen(DEEP), &req), FB_ERR_LIMIT);
    assert_int_equal(read_target(DEEP, strlen(DEEP) - 2, &req), FB_OK);
    char wide[512] = "/a?";
    for (int i = 0; i <= FB_HTTP_QUERY_MAX; i++) {
        strncat(wide, "x=1&", sizeof wide - strlen(wide) - 1);
    }
    assert_int_equal(read_target(wide, strlen(wide), &req), FB_ERR_LIMIT);
    assert_int_equal(read_target(wide, strlen(wide) - 4, &req), FB_OK);
}

static int answer_pattern(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)web;
    fb_buf_append_text(&res->body, fb_request_segment(req, 0));
    return FB_OK;
}

static const struct fb_route ROUTES[] = {
    {"GET", "/", answer_pattern, 1, 0},
    {"GET", "/sync", answer_pattern, 2, 0},
    {"GET", "/{entity}", answer_pattern, 3, 0},
    {"POST", "/{entity}", answer_pattern, 4, 0},
    {"GET", "/{entity}/{id}/history", answer_pattern, 5, 0},
    {"GET", "/sync/{id}", answer_pattern, 6, 0},
    {NULL, NULL, NULL, 0, 0},
};

static void expect_route(const char *method, const char *target, unsigned flags,
                         const char *allowed)
{
    struct fb_request req;
    char found_allowed[64];
    assert_int_equal(read_target(target, strlen(target), &req), FB_OK);
    req.method = method;
    const struct fb_route *r = fb_route_find(ROUTES, &req, found_allowed, sizeof found_allowed);
    assert_int_equal(r == NULL ? 0 : r->flags, flags);
    if (r == NULL) {
        assert_string_equal(found_allowed, allowed);
    }
}

FB_TEST(the_first_route_that_fits_is_found)
{
    expect_route("GET", "/", 1, "");
    expect_route("GET", "/sync", 2, "");
    expect_route("GET", "/sync/", 2, "");
    expect_route("GET", "/company", 3, "");
    expect_route("GET", "/company?x=1", 3, "");
    expect_route("POST", "/sync", 4, "");
    expect_route("GET", "/company/1/history", 5, "");
    expect_route("GET", "/sync/x", 6, "");
    expect_route("GET", "/company/1/histor", 0, "");
    expect_route("GET", "/company/1", 0, "");
    expect_route("PATCH", "/company", 0, "GET, POST");
    expect_route("POST", "/sync/x", 0, "GET");
}

/* ---- Stages ---- */

static void count_rows(struct fb_store *s, int64_t expected)
{
    int64_t n = -1;
    assert_int_equal(fb_sql_read_int(s, "SELECT count(*) FROM fb_number", &n), FB_OK);
    assert_int_equal(n, expected);
}

static int answer_count(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    int64_t n = -1;
    assert_false(fb_store_in_transaction(web->store));
    int rc = fb_sql_read_int(web->store, "SELECT count(*) FROM fb_number", &n);
    fb_buf_printf(&res->body, "%s %d", (const char *)web->state, (int)n);
    return rc;
}

static int write_then_answer(struct fb_web *web, const struct fb_request *req,
                             struct fb_response *res)
{
    assert_true(fb_store_in_transaction(web->store));
    int rc = fb_sql_exec(web->store, "INSERT INTO fb_number (entity, next) VALUES (1, 1)");
    web->state = fb_arena_strdup(web->arena, "rows:");
    fb_web_then(web, FB_WEB_READ, answer_count);
    if (fb_request_query(req, "refuse") != NULL) {
        return fb_response_problem(res, 409, "both_changed", "told");
    }
    if (fb_request_query(req, "fail") != NULL) {
        return FB_ERR_DISK_FULL;
    }
    return rc;
}

static void post(struct fb_store *s, const char *target, struct fb_response *ret)
{
    static const struct fb_route WRITING[] = {
        {"POST", "/write", write_then_answer, FB_ROUTE_WRITES, 0}, {NULL, NULL, NULL, 0, 0}};
    static struct fb_arena arena;
    fb_arena_release(&arena);
    fb_arena_init(&arena, 0);
    struct fb_request req;
    assert_int_equal(fb_request_init(&req, &arena, "POST", target), FB_OK);
    struct fb_web web = {.node = FB_NODE_SERVER, .store = s, .arena = &arena};
    fb_response_init(ret, &arena);
    fb_web_try(&web, WRITING, &req, ret);
}

FB_TEST(a_stage_that_fails_leaves_nothing_behind)
{
    struct fb_store *s = NULL;
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    struct fb_why why;
    assert_int_equal(fb_store_open(fb_test_path("stages.db"), &options, &s, &why), FB_OK);
    struct fb_response res;
    post(s, "/write?refuse", &res);
    assert_int_equal(res.status, 409);
    assert_non_null(strstr(fb_buf_text(&res.body), "\"code\":\"both_changed\""));
    fb_response_release(&res);
    count_rows(s, 0);
    post(s, "/write?fail", &res);
    assert_int_equal(res.status, 507);
    assert_non_null(strstr(fb_buf_text(&res.body), "\"code\":\"disk_full\""));
    fb_response_release(&res);
    count_rows(s, 0);
    post(s, "/write", &res);
    assert_string_equal(fb_buf_text(&res.body), "rows: 1");
    fb_response_release(&res);
    count_rows(s, 1);
    post(s, "/nobody", &res);
    assert_int_equal(res.status, 404);
    fb_response_release(&res);
    fb_store_close(s);
}

FB_TEST(a_problem_is_json_whatever_its_detail)
{
    struct fb_arena arena = {0};
    struct fb_response res;
    fb_response_init(&res, &arena);
    fb_buf_append_text(&res.body, "half an answer");
    assert_int_equal(fb_response_problem_with(&res, 422, "check", "a \"b\"\n", "\"fields\":{}"),
                     FB_ERR_INVALID);
    assert_string_equal(
        fb_buf_text(&res.body),
        "{\"type\":\"about:blank\",\"status\":422,\"code\":\"check\",\"title\":\"A value is not "
        "right\",\"detail\":\"a \\\"b\\\"\\n\",\"fields\":{}}\n");
    fb_response_header(&res, "Location", "/a\r\nSet-Cookie: x");
    assert_string_equal(res.headers[0].value, "/aSet-Cookie: x");
    fb_response_release(&res);
    fb_arena_release(&arena);
}

FB_MAIN(FB_CASE(a_target_is_split_and_decoded), FB_CASE(what_could_be_read_in_two_ways_is_refused),
        FB_CASE(too_many_segments_or_parameters_are_a_limit),
        FB_CASE(the_first_route_that_fits_is_found),
        FB_CASE(a_stage_that_fails_leaves_nothing_behind),
        FB_CASE(a_problem_is_json_whatever_its_detail))
