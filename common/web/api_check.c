/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/web/api_inside.h"

void fb_api_begin(struct fb_api *a, struct fb_web *web, const struct fb_request *req,
                  struct fb_response *res)
{
    *a = (struct fb_api){.web = web,
                         .req = req,
                         .res = res,
                         .out = &res->body,
                         .store = web->store,
                         .catalogue = fb_store_catalogue(web->store),
                         .arena = req->arena,
                         .me = req->login->employee_id};
}

int fb_api_not_found(struct fb_api *a)
{
    return fb_response_problem(a->res, 404, "not_found", NULL);
}

int fb_api_bad_request(struct fb_api *a, const char *format, ...)
{
    char detail[FB_WHY_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return fb_response_problem(a->res, 400, "bad_request", detail);
}

int fb_api_entity(struct fb_api *a, int segment, const struct fb_entity **ret)
{
    const char *name = fb_request_segment(a->req, segment);
    int rc = fb_api_load_rights(a);
    if (rc < 0) {
        return rc;
    }
    const struct fb_entity *e =
        name == NULL || a->catalogue == NULL ? NULL : fb_catalogue_entity(a->catalogue, name);
    if (e == NULL || !fb_api_sees_entity(a, e)) {
        return fb_api_not_found(a);
    }
    *ret = e;
    return FB_OK;
}

int fb_api_id(struct fb_api *a, int segment, const char **ret)
{
    const char *id = fb_request_segment(a->req, segment);
    if (id == NULL || !fb_id_is_valid(id, strlen(id))) {
        return fb_api_not_found(a);
    }
    *ret = id;
    return FB_OK;
}

int fb_api_query_int(struct fb_api *a, const char *name, int64_t min, int64_t max, int64_t usual,
                     int64_t *ret)
{
    const char *text = fb_request_query(a->req, name);
    char *end = NULL;
    long long n = text == NULL ? usual : strtoll(text, &end, 10);
    bool is_number = text == NULL || (end != text && *end == '\0');
    if (!is_number || n < min || n > max) {
        return fb_api_bad_request(a, "%s is a number from %lld to %lld", name, (long long)min,
                                  (long long)max);
    }
    *ret = n;
    return FB_OK;
}

void fb_api_forget_problem(struct fb_api *a)
{
    a->res->status = 0;
    a->res->content_type = NULL;
    fb_buf_clear(a->out);
}

int fb_api_asked(struct fb_api *a, int rc)
{
    if (rc != FB_ERR_LIMIT) {
        return rc;
    }
    return fb_response_problem(
        a->res, 422, "too_wide",
        fb_text("This would read too many records. Filter or sort by an indexed field first."));
}

void fb_api_checks_init(struct fb_api_checks *c)
{
    *c = (struct fb_api_checks){.count = 0};
    fb_buf_init(&c->fields, FB_HTTP_BODY_BYTES_MAX);
}

void fb_api_checks_release(struct fb_api_checks *c)
{
    fb_buf_release(&c->fields);
}

void fb_api_check_set(struct fb_api_check *check, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(check->detail, sizeof check->detail, format, args);
    va_end(args);
    check->code = code;
    check->params[0] = '\0';
}

void fb_api_checks_add(struct fb_api_checks *c, const char *field, const struct fb_api_check *check)
{
    fb_buf_append_text(&c->fields, c->count++ > 0 ? "," : "");
    fb_buf_append_json_text(&c->fields, field, strlen(field));
    fb_buf_printf(&c->fields, ":{\"code\":\"%s\",\"detail\":", check->code);
    fb_api_append_text(&c->fields, check->detail, strlen(check->detail));
    fb_buf_printf(&c->fields, ",\"params\":{%s}}", check->params);
}

int fb_api_checks_answer(struct fb_api *a, const struct fb_api_checks *c)
{
    if (c->count == 0) {
        return FB_OK;
    }
    FB_AUTO(fb_buf_release) struct fb_buf members;
    fb_buf_init(&members, FB_HTTP_BODY_BYTES_MAX + 64);
    fb_buf_printf(&members, "\"fields\":{%s}", fb_buf_text(&c->fields));
    return fb_response_problem_with(a->res, 422, "check",
                                    fb_text("Some fields cannot be saved as they are."),
                                    fb_buf_text(&members));
}
