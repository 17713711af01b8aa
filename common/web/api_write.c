/* SPDX-License-Identifier: MIT
 *
 * PATCH and DELETE. The writing stage decides by what stands in its own transaction; the reading stage that follows
 * answers with the record as it then is.
 */
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

void fb_api_drop_json(json_t **json)
{
    json_decref(*json);
}

int fb_api_body(struct fb_api *a, json_t **ret)
{
    json_error_t error;
    json_t *json = json_loadb(a->req->body, a->req->body_size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return fb_api_bad_request(a, "line %d, column %d: %s", error.line, error.column,
                                  error.text);
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return fb_api_bad_request(a, "the body is a JSON object");
    }
    *ret = json;
    return FB_OK;
}

int fb_api_begin_write(struct fb_api *a)
{
    const struct fb_api_seal *seal = a->web->seal;
    int rc = seal == NULL ? FB_OK : seal->before(seal->ctx, a->web->now_ms);
    fb_store_capture(a->store, true);
    return rc;
}

int fb_api_end_write(struct fb_api *a)
{
    const struct fb_api_seal *seal = a->web->seal;
    return seal == NULL ? FB_OK : seal->after(seal->ctx, a->me, a->web->now_ms);
}

/* ---- The answer ---- */

struct written {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    int status;
    const char *both; /* members of "fields"; NULL: all was written */
};

/* 409 with the fields left and the record as it stands. */
static int answer_both(struct fb_api *a, const struct written *w)
{
    struct fb_buf *out = a->out;
    FB_AUTO(fb_buf_release) struct fb_buf members;
    fb_buf_init(&members, FB_HTTP_ANSWER_BYTES_MAX);
    int rc = fb_api_answer_record(a, w->entity, w->id, 409);
    if (rc < 0) {
        return rc;
    }
    fb_buf_printf(&members, "\"fields\":{%s},", w->both);
    fb_buf_append(&members, out->bytes + 1, out->size - 2); /* without its braces */
    rc = fb_buf_error(&members);
    return rc < 0
               ? rc
               : fb_response_problem_with(a->res, 409, "both_changed", NULL, fb_buf_text(&members));
}

static int answer_written(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const struct written *w = web->state;
    fb_api_begin(&a, web, req, res);
    return w->both == NULL ? fb_api_answer_record(&a, w->entity, w->id, w->status)
                           : answer_both(&a, w);
}

int fb_api_then_record(struct fb_api *a, const struct fb_entity *e, const char *id, int status,
                       const char *both_json)
{
    struct written *w = fb_arena_alloc(a->arena, sizeof *w);
    if (w == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *w = (struct written){.entity = e, .status = status, .both = both_json};
    memcpy(w->id, id, FB_ROW_ID_SIZE);
    a->web->state = w;
    fb_web_then(a->web, FB_WEB_READ, answer_written);
    return FB_OK;
}

/* ---- PATCH ---- */

static int patch(struct fb_api_form *f, const json_t *body)
{
    struct fb_api *a = f->a;
    const json_t *base = json_object_get(body, "base");
    const json_t *mine = json_object_get(body, "mine");
    if (!json_is_object(base) || !json_is_object(mine)) {
        return fb_api_bad_request(a, "the body is {\"base\": {...}, \"mine\": {...}}");
    }
    int rc = fb_api_merge(f, base, mine);
    rc = rc < 0 ? rc : fb_api_form_check(f);
    rc = rc < 0 ? rc : fb_api_checks_answer(a, f->checks);
    rc = rc < 0 ? rc : fb_api_may_change(a, &f->before, &f->row, f->mask);
    rc = rc < 0 ? rc : fb_api_form_write(f);
    return rc < 0 ? rc : fb_api_end_write(a);
}

int fb_api_patch_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const char *id = NULL;
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    struct fb_api_checks checks;
    FB_AUTO(fb_buf_release) struct fb_buf both;
    struct fb_api_form f = {.a = &a, .checks = &checks, .prefix = "", .both = &both};
    fb_api_begin(&a, web, req, res);
    fb_api_checks_init(&checks);
    fb_buf_init(&both, FB_HTTP_ANSWER_BYTES_MAX);
    int rc = fb_api_entity(&a, 2, &f.entity);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    rc = rc < 0 ? rc : fb_api_form_open(&f, id, FB_API_READ);
    rc = rc < 0 ? rc : patch(&f, body);
    fb_api_checks_release(&checks);
    const char *both_json =
        f.both_count > 0 ? fb_arena_copy(a.arena, fb_buf_text(&both), both.size) : NULL;
    return rc < 0 ? rc : fb_api_then_record(&a, f.entity, id, 200, both_json);
}

/* ---- DELETE ---- */

/* The ETag the person saw, without quotes and without W/. */
static const char *seen_rev(struct fb_api *a)
{
    const char *text = fb_request_header(a->req, "if-match");
    if (text == NULL) {
        return NULL;
    }
    text += strncmp(text, "W/", 2) == 0 ? 2 : 0;
    size_t size = strlen(text);
    bool is_quoted = size >= 2 && text[0] == '"' && text[size - 1] == '"';
    return is_quoted ? fb_arena_copy(a->arena, text + 1, size - 2) : text;
}

static int answer_changed_since(struct fb_api *a, const struct fb_row *row, const char *rev)
{
    FB_AUTO(fb_buf_release) struct fb_buf members;
    fb_buf_init(&members, FB_HTTP_ANSWER_BYTES_MAX);
    fb_buf_append_text(&members, "\"row\":{");
    fb_api_append_row(a, &members, row);
    fb_buf_append_byte(&members, '}');
    fb_api_append_member(&members, "rev", rev);
    int rc = fb_buf_error(&members);
    return rc < 0 ? rc
                  : fb_response_problem_with(a->res, 412, "changed_since", NULL,
                                             fb_buf_text(&members));
}

int fb_api_delete_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const struct fb_entity *e = NULL;
    const char *id = NULL;
    struct fb_row row;
    char rev[32] = "";
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &e);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    const char *seen = seen_rev(&a);
    if (rc == FB_OK && seen == NULL) {
        return fb_api_bad_request(&a, "deleting needs If-Match: the rev that was seen");
    }
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    rc = rc < 0 ? rc : fb_api_row_now(&a, e, id, FB_API_DELETE, &row);
    rc = rc < 0 ? rc : fb_api_row_rev(&a, &row, rev);
    if (rc == FB_OK && strcmp(seen, rev) != 0) {
        return answer_changed_since(&a, &row, rev);
    }
    rc = rc < 0 ? rc : fb_row_delete(a.store, e, row.id);
    rc = rc < 0 ? rc : fb_api_end_write(&a);
    if (rc == FB_OK) {
        res->status = 204;
    }
    return rc;
}
