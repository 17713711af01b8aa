/* SPDX-License-Identifier: MIT
 *
 * Lists. A page costs what its rows cost: order and place come from an index, the next page goes on behind the last
 * row, and how many there are is counted only so far as it is cheap. A question beyond its budget is too_wide.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

static void set_column(uint64_t *mask, uint32_t column)
{
    mask[column / 64] |= UINT64_C(1) << (column % 64);
}

/* ---- Order and fields ---- */

static int add_sort(struct fb_api *a, struct fb_query *q, const char *name)
{
    struct fb_query_sort sort = {.is_descending = name[0] == '-'};
    name += sort.is_descending;
    bool is_there = fb_query_column(q->entity, name, &sort.column);
    const struct fb_field *f = is_there ? fb_query_field(q->entity, sort.column) : NULL;
    if (!is_there || (f != NULL && !fb_api_sees_field(a, q->entity, f))) {
        return fb_api_bad_request(a, "sort: %s has no field '%s'", q->entity->name, name);
    }
    if (q->sort_count == FB_QUERY_SORTS_MAX) {
        return fb_api_bad_request(a, "sort: at most %d fields", FB_QUERY_SORTS_MAX);
    }
    q->sorts[q->sort_count++] = sort;
    return FB_OK;
}

/* Without a wish: as the layout says; else by title where an index has it, else what was changed last first. */
static void sort_as_usual(struct fb_query *q)
{
    const struct fb_entity *e = q->entity;
    if (e->title_field_count > 0 && e->title_fields[0]->is_indexed) {
        for (size_t i = 0; i < e->title_field_count && i < FB_QUERY_SORTS_MAX; i++) {
            q->sorts[q->sort_count++].column = e->title_fields[i]->index;
        }
        return;
    }
    q->sorts[q->sort_count++] =
        (struct fb_query_sort){.column = FB_QUERY_STAMP(e, 2), .is_descending = true};
}

/* A title's first field, asked for alone, stands for the whole title: the index has it. */
static void complete_title(struct fb_query *q)
{
    const struct fb_entity *e = q->entity;
    bool is_title = q->sort_count == 1 && e->title_field_count > 1 &&
                    q->sorts[0].column == e->title_fields[0]->index;
    for (size_t i = 1; is_title && i < e->title_field_count && i < FB_QUERY_SORTS_MAX; i++) {
        q->sorts[q->sort_count++] = (struct fb_query_sort){
            .column = e->title_fields[i]->index, .is_descending = q->sorts[0].is_descending};
    }
}

/* Calls add for each name of a list "a,b,c". */
static int each_name(struct fb_api *a, const char *list, struct fb_query *q,
                     int (*add)(struct fb_api *a, struct fb_query *q, const char *name))
{
    char name[FB_NAME_BYTES_MAX + 2];
    int rc = FB_OK;
    for (const char *at = list; rc == FB_OK && *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size == 0 || size >= sizeof name) {
            return fb_api_bad_request(a, "a list of fields is written a,b,c");
        }
        memcpy(name, at, size);
        name[size] = '\0';
        rc = add(a, q, name);
        at += size + (at[size] == ',');
    }
    return rc;
}

static int read_sort(struct fb_api *a, struct fb_query *q)
{
    const char *sort = fb_request_query(a->req, "sort");
    const char *usual = q->entity->layout.sort;
    if ((sort == NULL || sort[0] == '\0') && usual != NULL &&
        each_name(a, usual, q, add_sort) == FB_OK) {
        complete_title(q);
        return FB_OK;
    }
    if (sort == NULL || sort[0] == '\0') {
        a->res->status = 0; /* the layout sorts by what this person does not see */
        fb_buf_clear(a->out);
        q->sort_count = 0;
        sort_as_usual(q);
        return FB_OK;
    }
    int rc = each_name(a, sort, q, add_sort);
    complete_title(q);
    return rc;
}

static int add_field(struct fb_api *a, struct fb_query *q, const char *name)
{
    uint32_t column = 0;
    uint64_t *mask = NULL;
    memcpy(&mask, &q->columns, sizeof mask); /* its own array, still being filled */
    if (name[0] == '_') {
        return FB_OK; /* _title, _mark: always there */
    }
    if (!fb_query_column(q->entity, name, &column)) {
        return fb_api_bad_request(a, "fields: %s has no field '%s'", q->entity->name, name);
    }
    if (column == FB_QUERY_ID(q->entity)) {
        return FB_OK;
    }
    set_column(mask, column);
    const struct fb_field *f = fb_query_field(q->entity, column);
    if (f != NULL && f->target_name != NULL) {
        set_column(mask, f->target_name->index);
    }
    return FB_OK;
}

static int read_fields(struct fb_api *a, struct fb_query *q)
{
    const char *fields = fb_request_query(a->req, "fields");
    if (fields == NULL || fields[0] == '\0') {
        return FB_OK;
    }
    uint64_t *mask = fb_arena_alloc(a->arena, FB_ROW_MASK_WORDS * sizeof *mask);
    if (mask == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < q->entity->title_field_count; i++) {
        set_column(mask, q->entity->title_fields[i]->index);
    }
    q->columns = mask;
    return each_name(a, fields, q, add_field);
}

/* Words anywhere in the title. */
static int read_words(struct fb_api *a, struct fb_query *q)
{
    const char *words = fb_request_query(a->req, "q");
    const struct fb_entity *e = q->entity;
    const struct fb_query_node *any = NULL;
    if (words == NULL || words[0] == '\0') {
        return FB_OK;
    }
    for (size_t i = 0; i < e->title_field_count; i++) {
        const struct fb_field *f = e->title_fields[i];
        if (f->storage != FB_TEXT || !fb_api_sees_field(a, e, f)) {
            continue;
        }
        const struct fb_query_node *n = fb_api_node_text(a, FB_QUERY_CONTAINS, f->index, words);
        any = any == NULL || n == NULL ? n : fb_api_either(a, any, n);
        if (any == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    q->where = fb_api_both(a, q->where, any);
    return FB_OK;
}

/* ---- The page ---- */

struct page {
    struct fb_api *a;
    const struct fb_query *query;
    struct fb_api_refs refs;
    struct fb_api_marks *marks;
    struct fb_query_position last;
    int64_t limit;
    int64_t rows;
    bool has_more;
};

static int append_list_row(void *ctx, const struct fb_row *row,
                           const struct fb_query_position *position)
{
    struct page *p = ctx;
    struct fb_api *a = p->a;
    if (p->rows == p->limit) {
        p->has_more = true;
        return FB_OK;
    }
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    enum fb_api_mark mark = FB_API_MARK_NONE;
    int rc = fb_api_append_title(&title, row);
    rc = rc < 0 ? rc : fb_api_marks_row(a, p->marks, row->entity, row->id, &mark);
    rc = rc < 0 ? rc : fb_api_refs_add_row(a, &p->refs, row);
    rc = rc < 0 ? rc : fb_api_page_keep(a, p->query, position, &p->last);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_text(a->out, p->rows++ > 0 ? ",{" : "{");
    fb_api_append_row(a, a->out, row);
    fb_api_append_key(a->out, "_title");
    fb_api_append_text(a->out, fb_buf_text(&title), title.size);
    if (mark != FB_API_MARK_NONE) {
        fb_api_append_member(a->out, "_mark", fb_api_mark_name(mark));
    }
    fb_buf_append_byte(a->out, '}');
    return FB_OK;
}

/* "total" where it is known or cheap to know, else "total_at_least". Only the first page asks. */
static int append_total(struct page *p)
{
    struct fb_api *a = p->a;
    int64_t count = p->rows;
    int rc = FB_OK;
    if (p->query->after != NULL) {
        fb_buf_append_text(a->out, ",\"total\":null");
        return FB_OK;
    }
    if (p->has_more) {
        rc = fb_api_count(a, p->query, FB_API_COUNT_MAX + 1, &count);
    }
    bool is_whole = rc == FB_OK && count <= FB_API_COUNT_MAX;
    if (is_whole) {
        fb_buf_printf(a->out, ",\"total\":%lld", (long long)count);
    } else {
        fb_buf_printf(a->out, ",\"total\":null,\"total_at_least\":%lld",
                      (long long)(rc == FB_OK ? FB_API_COUNT_MAX : p->rows + 1));
    }
    return rc == FB_ERR_LIMIT ? FB_OK : rc;
}

static int append_page(struct page *p)
{
    struct fb_api *a = p->a;
    struct fb_query q = *p->query;
    q.limit = p->limit + 1;
    fb_buf_append_text(a->out, "{\"rows\":[");
    int rc = fb_api_marks_open(a, &p->marks);
    rc = rc < 0 ? rc : fb_api_query(a, &q, append_list_row, p);
    fb_buf_append_byte(a->out, ']');
    rc = rc < 0 ? fb_api_asked(a, rc) : fb_api_refs_resolve(a, &p->refs);
    if (rc < 0) {
        return rc;
    }
    fb_api_refs_append(a->out, &p->refs);
    const char *next = NULL;
    rc = p->has_more ? fb_api_page_write(a, p->query, &p->last, &next) : FB_OK;
    fb_api_append_member(a->out, "next", next);
    rc = rc < 0 ? rc : append_total(p);
    fb_buf_append_byte(a->out, '}');
    return rc;
}

int fb_api_get_list(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct fb_query q = {.entity = NULL};
    struct fb_query_position after;
    struct page p = {.a = &a, .query = &q};
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &q.entity);
    rc = rc < 0 ? rc : fb_api_query_int(&a, "limit", 1, FB_API_PAGE_ROWS_MAX, 50, &p.limit);
    rc = rc < 0 ? rc : fb_api_filter(&a, q.entity, fb_request_query(req, "filter"), &q.where);
    rc = rc < 0 ? rc : read_words(&a, &q);
    rc = rc < 0 ? rc : read_sort(&a, &q);
    rc = rc < 0 ? rc : read_fields(&a, &q);
    const char *cursor = fb_request_query(req, "cursor");
    if (rc == FB_OK && cursor != NULL && cursor[0] != '\0') {
        rc = fb_api_page_read(&a, &q, cursor, &after);
        q.after = &after;
    }
    rc = rc < 0 ? rc : append_page(&p);
    fb_api_marks_close(&p.marks);
    return rc;
}
