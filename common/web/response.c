/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/web/http.h"

#define PROBLEM_TYPE "application/problem+json"

void fb_response_init(struct fb_response *res, struct fb_arena *arena)
{
    *res = (struct fb_response){.arena = arena};
    fb_buf_init(&res->body, FB_HTTP_ANSWER_BYTES_MAX);
}

void fb_response_release(struct fb_response *res)
{
    if (res != NULL) {
        fb_buf_release(&res->body);
    }
}

void fb_response_header(struct fb_response *res, const char *name, const char *value)
{
    fb_assert(res->header_count < FB_ANSWER_HEADERS_MAX);
    char *copy = fb_arena_strdup(res->arena, value);
    if (copy == NULL) {
        return; /* an answer without memory ends as an error of its body */
    }
    char *to = copy;
    for (const char *from = copy; *from != '\0'; from++) {
        if ((unsigned char)*from >= 0x20 && *from != 0x7F) {
            *to++ = *from;
        }
    }
    *to = '\0';
    res->headers[res->header_count++] = (struct fb_http_pair){.name = name, .value = copy};
}

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } TITLES[] = {
        {400, "Bad request"},        {401, "Log in first"},
        {403, "Not allowed"},        {404, "Not found"},
        {405, "Method not allowed"}, {409, "Both changed it"},
        {412, "Changed since"},      {413, "Too large"},
        {415, "Unsupported type"},   {422, "A value is not right"},
        {429, "Too many attempts"},  {503, "Busy"},
        {507, "Disk full"},
    };
    for (size_t i = 0; i < sizeof TITLES / sizeof *TITLES; i++) {
        if (TITLES[i].status == status) {
            return TITLES[i].title;
        }
    }
    return status < 500 ? "Refused" : "Failed";
}

int fb_response_problem_with(struct fb_response *res, int status, const char *code,
                             const char *detail, const char *members_json)
{
    res->status = status;
    res->content_type = PROBLEM_TYPE;
    res->etag = NULL;
    res->file = NULL;
    res->may_be_kept = false;
    res->event_topics = 0;
    fb_buf_clear(&res->body);
    fb_buf_printf(&res->body,
                  "{\"type\":\"about:blank\",\"status\":%d,\"code\":\"%s\",\"title\":\"%s\"",
                  status, code, title_of(status));
    if (detail != NULL && detail[0] != '\0') {
        fb_buf_append_text(&res->body, ",\"detail\":");
        fb_buf_append_json_text(&res->body, detail, strlen(detail));
    }
    if (members_json != NULL && members_json[0] != '\0') {
        fb_buf_append_byte(&res->body, ',');
        fb_buf_append_text(&res->body, members_json);
    }
    fb_buf_append_text(&res->body, "}\n");
    return status == 404 ? FB_ERR_NOT_FOUND : status >= 500 ? FB_ERR_IO : FB_ERR_INVALID;
}

int fb_response_problem(struct fb_response *res, int status, const char *code, const char *detail)
{
    return fb_response_problem_with(res, status, code, detail, NULL);
}

void fb_response_error(struct fb_response *res, int err, const struct fb_why *why)
{
    static const struct {
        int err;
        int status;
        const char *code;
    } ANSWERS[] = {
        {FB_ERR_NOT_FOUND, 404, "not_found"},  {FB_ERR_INVALID, 422, "check"},
        {FB_ERR_CONSTRAINT, 422, "check"},     {FB_ERR_USAGE, 400, "bad_request"},
        {FB_ERR_PROTOCOL, 400, "bad_request"}, {FB_ERR_REFUSED, 403, "right_missing"},
        {FB_ERR_EXISTS, 409, "exists"},        {FB_ERR_BUSY, 503, "busy"},
        {FB_ERR_DISK_FULL, 507, "disk_full"},  {FB_ERR_LIMIT, 413, "too_large"},
        {FB_ERR_INTERRUPTED, 422, "too_wide"}, {FB_ERR_NO_MEMORY, 503, "busy"},
    };
    const char *detail = why != NULL && why->text[0] != '\0' ? why->text : fb_err_sentence(err);
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        if (ANSWERS[i].err == err) {
            fb_ignore(fb_response_problem(res, ANSWERS[i].status, ANSWERS[i].code, detail),
                      "err is known already");
            return;
        }
    }
    fb_ignore(fb_response_problem(res, 500, "failed", detail), "err is known already");
}
