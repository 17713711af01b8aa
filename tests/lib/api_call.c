/* SPDX-License-Identifier: MIT */
#include "tests/lib/api_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void api_done(struct api_call *c)
{
    json_decref(c->json);
    c->json = NULL;
}

/* Blanks, quotes and what is not ASCII may stand in a target as people write it. */
static const char *escape(struct fb_arena *arena, const char *target)
{
    char *text = fb_arena_alloc(arena, 3 * strlen(target) + 1);
    char *to = text;
    for (const char *c = target; *c != '\0'; c++) {
        if (*c > 0x20 && *c < 0x7F && strchr("\"<>^\\`{|}[]", *c) == NULL) {
            *to++ = *c;
        } else {
            to += sprintf(to, "%%%02X", (unsigned char)*c);
        }
    }
    return text;
}

void api_send(struct api_call *c, const char *method, const char *target, const char *body)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_response_release) struct fb_response res;
    struct fb_random random = fb_random_system();
    struct fb_request req;
    api_done(c);
    fb_response_init(&res, &arena);
    assert_int_equal(fb_request_init(&req, &arena, method, escape(&arena, target)), FB_OK);
    req.login = &c->login;
    if (body != NULL) {
        req.body = body;
        req.body_size = strlen(body);
    }
    if (c->header_name != NULL) {
        req.headers[req.header_count++] =
            (struct fb_http_pair){.name = c->header_name, .value = c->header_value};
        c->header_name = NULL;
    }
    struct fb_web web = {.node = c->node,
                         .store = c->store,
                         .now_ms = c->now_ms,
                         .random = &random,
                         .search = c->search,
                         .tables = c->tables,
                         .node_context = c->node_context,
                         .seal = c->seal,
                         .arena = &arena};
    fb_web_try(&web, c->table == NULL ? fb_api_routes : c->table, &req, &res);
    c->status = res.status != 0 ? res.status : res.body.size > 0 ? 200 : 204;
    snprintf(c->etag, sizeof c->etag, "%s", res.etag == NULL ? "" : res.etag);
    snprintf(c->text, sizeof c->text, "%s", fb_buf_text(&res.body));
    if (res.body.size > 0) {
        json_error_t error;
        c->json = json_loadb(fb_buf_text(&res.body), res.body.size, JSON_REJECT_DUPLICATES, &error);
        if (c->json == NULL) {
            fail_msg("%s %s: no JSON (%s at %d): %s", method, target, error.text, error.position,
                     c->text);
        }
    }
    if (c->after != NULL) {
        c->after(c->ctx);
    }
}

void api_get(struct api_call *c, const char *target)
{
    api_send(c, "GET", target, NULL);
}

static const json_t *find(const struct api_call *c, const char *path)
{
    const json_t *at = c->json;
    for (const char *p = path; at != NULL && *p != '\0';) {
        char name[128];
        size_t size = strcspn(p, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, p);
        at = json_is_array(at) ? json_array_get(at, (size_t)strtol(name, NULL, 10))
                               : json_object_get(at, name);
        p += size + (p[size] == '.');
    }
    return at;
}

const char *api_at(struct api_call *c, const char *path)
{
    static char texts[8][8192];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    const json_t *at = find(c, path);
    if (at == NULL) {
        return NULL;
    }
    if (json_is_string(at)) {
        snprintf(text, sizeof texts[0], "%s", json_string_value(at));
        return text;
    }
    char *dump = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(text, sizeof texts[0], "%s", dump);
    free(dump);
    return text;
}

int api_count(struct api_call *c, const char *path)
{
    const json_t *at = find(c, path);
    return json_is_array(at)    ? (int)json_array_size(at)
           : json_is_object(at) ? (int)json_object_size(at)
                                : -1;
}

void expect_status(struct api_call *c, int status)
{
    if (c->status != status) {
        fail_msg("status %d instead of %d: %s", c->status, status, c->text);
    }
}

void expect_answer(struct api_call *c, int status, const char *path, const char *value)
{
    expect_status(c, status);
    const char *found = api_at(c, path);
    if ((found == NULL) != (value == NULL) ||
        (found != NULL && value != NULL && strcmp(found, value) != 0)) {
        fail_msg("%s is %s instead of %s in %s", path, found == NULL ? "(absent)" : found,
                 value == NULL ? "(absent)" : value, c->text);
    }
}
