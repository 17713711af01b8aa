/* SPDX-License-Identifier: MIT
 *
 * One change of many rows, or their delete: each judged by itself, in one transaction. What one row is refused for does
 * not stop the others.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

struct bulk {
    struct fb_api *a;
    const struct fb_entity *entity;
    const json_t *set; /* NULL: delete */
    char (*ids)[FB_ROW_ID_SIZE];
    size_t count;
    int64_t done;
    struct fb_buf failed;
    size_t failed_count;
};

static int keep_id(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct bulk *b = ctx;
    (void)position;
    memcpy(b->ids[b->count++], row->id, FB_ROW_ID_SIZE);
    return FB_OK;
}

static int take_ids(struct bulk *b, const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (id == NULL || !fb_id_is_valid(id, strlen(id))) {
            return fb_api_bad_request(b->a, "ids: a list of ids");
        }
        memcpy(b->ids[b->count++], id, FB_ROW_ID_SIZE);
    }
    return FB_OK;
}

static int find_rows(struct bulk *b, const json_t *body)
{
    struct fb_api *a = b->a;
    const json_t *ids = json_object_get(body, "ids");
    const json_t *filter = json_object_get(body, "filter");
    static const uint64_t NO_COLUMNS[FB_ROW_MASK_WORDS] = {0};
    struct fb_query q = {
        .entity = b->entity, .columns = NO_COLUMNS, .limit = FB_API_BULK_ROWS_MAX + 1};
    b->ids = fb_arena_alloc(a->arena, (FB_API_BULK_ROWS_MAX + 1) * sizeof *b->ids);
    if (b->ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (json_is_array(ids) && json_array_size(ids) <= FB_API_BULK_ROWS_MAX) {
        return take_ids(b, ids);
    }
    if (filter == NULL || ids != NULL) {
        return fb_api_bad_request(a, "name rows by ids (at most %d) or by a filter",
                                  FB_API_BULK_ROWS_MAX);
    }
    int rc = fb_api_filter_json(a, b->entity, filter, &q.where);
    rc = rc < 0 ? rc : fb_api_query(a, &q, keep_id, b);
    if (rc == FB_OK && b->count > FB_API_BULK_ROWS_MAX) {
        rc = FB_ERR_LIMIT;
    }
    return fb_api_asked(a, rc);
}

/* What a single PATCH would have answered, for this row alone. */
static void note_failure(struct bulk *b, const char *id, const struct fb_api_checks *checks, int rc)
{
    struct fb_response *res = b->a->res;
    const char *code = checks->count > 0    ? "check"
                       : res->status == 404 ? "not_found"
                       : res->status == 403 ? "right_record"
                                            : "failed";
    fb_buf_append_text(&b->failed, b->failed_count++ > 0 ? ",{" : "{");
    fb_api_append_member(&b->failed, "id", id);
    fb_api_append_member(&b->failed, "code", code);
    if (checks->count > 0) {
        fb_buf_printf(&b->failed, ",\"fields\":{%s}", fb_buf_text(&checks->fields));
    }
    fb_api_append_member(&b->failed, "detail",
                         checks->count > 0 ? fb_text("Some fields cannot be saved as they are.")
                                           : fb_err_sentence(rc));
    fb_buf_append_byte(&b->failed, '}');
    res->status = 0;
    res->content_type = NULL;
    fb_buf_clear(b->a->out);
}

/* The form of a bulk edit saw each row as it stands. */
static int set_row(struct bulk *b, struct fb_api_form *f)
{
    json_t *base = json_object();
    const char *name;
    json_t *value;
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_MESSAGE_BYTES_MAX);
    json_object_foreach((json_t *)(uintptr_t)b->set, name, value)
    {
        const struct fb_field *field = fb_entity_field(b->entity, name);
        fb_buf_clear(&text);
        if (field != NULL) {
            fb_api_append_value(&text, field, &f->row.values[field->index]);
        }
        json_t *now = field == NULL
                          ? json_null()
                          : json_loadb((const char *)text.bytes, text.size, JSON_DECODE_ANY, NULL);
        json_object_set_new(base, name, now);
    }
    int rc = base == NULL ? FB_ERR_NO_MEMORY : fb_api_merge(f, base, b->set);
    json_decref(base);
    rc = rc < 0 ? rc : fb_api_form_check(f);
    rc = rc < 0 || f->checks->count == 0 ? rc : FB_ERR_INVALID;
    rc = rc < 0 ? rc : fb_api_may_change(b->a, &f->before, &f->row, f->mask);
    return rc < 0 ? rc : fb_api_form_write(f);
}

static int do_row(struct bulk *b, const char *id)
{
    struct fb_api *a = b->a;
    struct fb_api_checks checks;
    FB_AUTO(fb_buf_release) struct fb_buf both;
    struct fb_api_form f = {
        .a = a, .entity = b->entity, .checks = &checks, .prefix = "", .both = &both};
    fb_buf_init(&both, FB_MESSAGE_BYTES_MAX);
    fb_api_checks_init(&checks);
    int rc = fb_store_savepoint(a->store);
    if (rc < 0) {
        fb_api_checks_release(&checks);
        return rc;
    }
    rc = fb_api_form_open(&f, id, b->set == NULL ? FB_API_DELETE : FB_API_READ);
    if (rc == FB_OK) {
        rc = b->set == NULL ? fb_row_delete(a->store, b->entity, f.row.id) : set_row(b, &f);
    }
    bool is_refused = rc == FB_ERR_INVALID || rc == FB_ERR_NOT_FOUND || rc == FB_ERR_REFUSED ||
                      rc == FB_ERR_CONSTRAINT || a->res->status >= 400;
    if (is_refused) {
        note_failure(b, id, &checks, rc);
        rc = fb_store_savepoint_undo(a->store);
    } else if (rc == FB_OK) {
        b->done++;
        rc = fb_store_savepoint_release(a->store);
    }
    fb_api_checks_release(&checks);
    return rc;
}

static int play(struct bulk *b, const json_t *body)
{
    struct fb_api *a = b->a;
    const json_t *set = json_object_get(body, "set");
    bool is_delete = json_is_true(json_object_get(body, "delete"));
    if (json_is_object(set) == is_delete) {
        return fb_api_bad_request(a, "say either \"set\": {...} or \"delete\": true");
    }
    b->set = is_delete ? NULL : set;
    int rc = find_rows(b, body);
    rc = rc < 0 ? rc : fb_api_may_bulk(a);
    rc = rc < 0 ? rc : fb_api_begin_write(a);
    for (size_t i = 0; rc == FB_OK && i < b->count; i++) {
        rc = do_row(b, b->ids[i]);
    }
    rc = rc < 0 ? rc : fb_api_end_write(a);
    rc = rc < 0 ? rc : fb_buf_error(&b->failed);
    if (rc == FB_OK) {
        fb_buf_printf(a->out, "{\"done\":%lld,\"failed\":[", (long long)b->done);
        fb_buf_append(a->out, fb_buf_text(&b->failed), b->failed.size);
        fb_buf_append_text(a->out, "]}");
    }
    return rc;
}

int fb_api_post_bulk(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct bulk b = {.a = &a};
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    fb_api_begin(&a, web, req, res);
    fb_buf_init(&b.failed, FB_HTTP_ANSWER_BYTES_MAX);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    const char *name = json_string_value(json_object_get(body, "entity"));
    if (rc == FB_OK) {
        b.entity = name == NULL ? NULL : fb_catalogue_entity(a.catalogue, name);
        rc = b.entity == NULL || !fb_api_sees_entity(&a, b.entity) ? fb_api_not_found(&a)
                                                                   : play(&b, body);
    }
    fb_buf_release(&b.failed);
    return rc;
}
