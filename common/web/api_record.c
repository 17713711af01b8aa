/* SPDX-License-Identifier: MIT
 *
 * One record: its row, what it points to, its marks, and its parts (an order's lines), all in one answer.
 */
#include <stdio.h>
#include <string.h>

#include "common/store/history.h"
#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

static const char *const STAMPS[FB_STAMP_COUNT] = {"created_at", "created_by", "modified_at",
                                                   "modified_by"};

void fb_api_append_row(struct fb_api *a, struct fb_buf *out, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    bool is_own = fb_api_is_own(a, row);
    fb_api_append_member(out, "id", row->id);
    for (size_t i = 0; i < e->field_count; i++) {
        if (row->values[i].type != FB_ABSENT && fb_api_sees_value(a, e, &e->fields[i], is_own)) {
            fb_api_append_key(out, e->fields[i].name);
            fb_api_append_value(out, &e->fields[i], &row->values[i]);
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (row->stamps[i].type != FB_ABSENT) {
            fb_api_append_key(out, STAMPS[i]);
            fb_api_append_column(out, e, FB_QUERY_STAMP(e, i), &row->stamps[i]);
        }
    }
}

int fb_api_row_rev(struct fb_api *a, const struct fb_row *row, char ret[static 32])
{
    if (a->web->node == FB_NODE_SERVER) {
        int64_t rev = 0;
        int rc = fb_history_row_rev(a->store, row->entity, row->id, &rev);
        snprintf(ret, 32, "%lld", (long long)rev);
        return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    }
    struct fb_digest digest;
    int rc = fb_row_digest(row, &digest);
    if (rc == FB_OK) {
        snprintf(ret, 32, "%016llx", (unsigned long long)digest.low);
    }
    return rc;
}

struct parts {
    struct fb_api *a;
    struct fb_api_refs *refs;
    const struct fb_row *parent;
    int rc;
    int count;
};

static int append_part(void *ctx, const struct fb_row *row,
                       const struct fb_query_position *position)
{
    struct parts *p = ctx;
    (void)position;
    fb_buf_append_text(p->a->out, p->count++ > 0 ? ",{" : "{");
    fb_api_append_row(p->a, p->a->out, row);
    fb_api_append_key(p->a->out, "_title");
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    int rc = fb_api_append_title(&title, row);
    fb_api_append_text(p->a->out, fb_buf_text(&title), title.size);
    fb_buf_append_byte(p->a->out, '}');
    return rc < 0 ? rc : fb_api_refs_add_row(p->a, p->refs, row);
}

/* A list of one kind of parts, in their own order where they have one. */
static void append_parts(void *ctx, const struct fb_entity *part)
{
    struct parts *p = ctx;
    if (p->rc < 0 || !fb_api_sees_entity(p->a, part)) {
        return;
    }
    struct fb_query_node *of =
        fb_api_node_text(p->a, FB_QUERY_EQUAL, part->parent_field->index, p->parent->id);
    if (of == NULL) {
        p->rc = FB_ERR_NO_MEMORY;
        return;
    }
    struct fb_query q = {.entity = part, .where = of, .limit = FB_API_PARTS_MAX};
    if (fb_query_column(part, "position", &q.sorts[0].column)) {
        q.sort_count = 1;
    }
    fb_api_append_key(p->a->out, part->name);
    fb_buf_append_byte(p->a->out, '[');
    p->count = 0;
    p->rc = fb_api_query(p->a, &q, append_part, p);
    fb_buf_append_byte(p->a->out, ']');
}

/* "may": {"edit": true, ...}: of this record, where rights of the entity say how far they reach. */
static int append_may(struct fb_api *a, const struct fb_row *row)
{
    static const struct {
        const char *name;
        enum fb_api_act act;
    } ACTS[] = {{"edit", FB_API_EDIT}, {"delete", FB_API_DELETE}, {"assign", FB_API_ASSIGN}};
    int rc = FB_OK;
    fb_api_append_key(a->out, "may");
    for (size_t i = 0; rc == FB_OK && i < sizeof ACTS / sizeof ACTS[0]; i++) {
        bool is = false;
        rc = fb_api_can(a, row, ACTS[i].act, &is);
        fb_buf_printf(a->out, "%c\"%s\":%s", i == 0 ? '{' : ',', ACTS[i].name,
                      is ? "true" : "false");
    }
    fb_buf_append_byte(a->out, '}');
    return rc;
}

static int append_body(struct fb_api *a, const struct fb_row *row, const char *rev)
{
    struct fb_api_refs refs = {.count = 0};
    struct parts p = {.a = a, .refs = &refs, .parent = row};
    FB_AUTO(fb_api_marks_close) struct fb_api_marks *marks = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    int rc = fb_api_append_title(&title, row);
    fb_buf_append_text(a->out, "{\"row\":{");
    fb_api_append_row(a, a->out, row);
    fb_api_append_key(a->out, "_title");
    fb_api_append_text(a->out, fb_buf_text(&title), title.size);
    fb_buf_append_text(a->out, "},\"parts\":{");
    fb_entity_each_part(a->catalogue, row->entity, append_parts, &p);
    fb_buf_append_byte(a->out, '}');
    rc = rc < 0 ? rc : p.rc;
    rc = rc < 0 ? rc : fb_api_refs_add_row(a, &refs, row);
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    rc = rc < 0 ? rc : fb_api_marks_open(a, &marks);
    if (rc < 0) {
        return rc;
    }
    fb_api_refs_append(a->out, &refs);
    rc = fb_api_marks_append(a, marks, row->entity, row->id, a->out);
    rc = rc < 0 ? rc : append_may(a, row);
    fb_api_append_member(a->out, "rev", rev);
    fb_buf_append_byte(a->out, '}');
    return rc;
}

int fb_api_row_now(struct fb_api *a, const struct fb_entity *e, const char *id, enum fb_api_act act,
                   struct fb_row *ret)
{
    bool is_found = false;
    char key[FB_ROW_ID_SIZE] = "";
    memcpy(key, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    int rc = fb_row_read(a->store, e, key, a->arena, ret, &is_found);
    if (rc == FB_OK && !is_found) {
        return fb_api_not_found(a);
    }
    rc = rc < 0 ? rc : fb_api_may_row(a, ret, FB_API_READ);
    return rc < 0 || act == FB_API_READ ? rc : fb_api_may_row(a, ret, act);
}

int fb_api_answer_record(struct fb_api *a, const struct fb_entity *e, const char *id, int status)
{
    struct fb_row row;
    char rev[32];
    int rc = fb_api_load_rights(a);
    rc = rc < 0 ? rc : fb_api_row_now(a, e, id, FB_API_READ, &row);
    rc = rc < 0 ? rc : fb_api_row_rev(a, &row, rev);
    rc = rc < 0 ? rc : append_body(a, &row, rev);
    if (rc < 0) {
        return rc;
    }
    a->res->status = status;
    a->res->etag = fb_arena_strdup(a->arena, rev);
    return a->res->etag == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

int fb_api_get_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const struct fb_entity *e = NULL;
    const char *id = NULL;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &e);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    return rc < 0 ? rc : fb_api_answer_record(&a, e, id, 200);
}
