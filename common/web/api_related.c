/* SPDX-License-Identifier: MIT
 *
 * What points at a record, with counts; and groups of a list, for boards and charts.
 */
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

#define RELATED_STEPS 200000 /* a count that costs more is not shown: no index leads there */

struct relating {
    struct fb_api *a;
    const struct fb_entity *target;
    const char *id;
    int count;
};

static bool points_at(const struct fb_field *f, const struct fb_entity *target)
{
    bool does = false;
    for (size_t i = 0; i < f->target_count; i++) {
        does = does || f->targets[i] == target;
    }
    return does && (f->type == FB_TYPE_REF || f->type == FB_TYPE_POLY);
}

const struct fb_query_node *fb_api_pointing(struct fb_api *a, const struct fb_field *f,
                                            const struct fb_entity *target, const char *id)
{
    const struct fb_query_node *n = fb_api_node_text(a, FB_QUERY_EQUAL, f->index, id);
    if (n == NULL || f->type != FB_TYPE_POLY || f->target_name == NULL) {
        return n;
    }
    return fb_api_both(a, n,
                       fb_api_node_text(a, FB_QUERY_EQUAL, f->target_name->index, target->name));
}

static int append_relation(struct relating *r, const struct fb_entity *e, const struct fb_field *f)
{
    struct fb_api *a = r->a;
    struct fb_query q = {.entity = e, .steps_max = RELATED_STEPS};
    int64_t count = 0;
    q.where = fb_api_pointing(a, f, r->target, r->id);
    if (q.where == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_api_count(a, &q, FB_API_COUNT_MAX, &count);
    if (rc == FB_ERR_LIMIT) {
        return FB_OK;
    }
    if (rc == FB_OK) {
        fb_buf_append_text(a->out, r->count++ > 0 ? ",{" : "{");
        fb_api_append_member(a->out, "entity", e->name);
        fb_api_append_member(a->out, "field", f->name);
        fb_buf_printf(a->out, ",\"count\":%lld}", (long long)count);
    }
    return rc;
}

/* Rows that belong to headquarters' bookkeeping of a record are shown where they mean something, not as lists. */
static bool is_listed(const struct fb_api *a, const struct fb_entity *e,
                      const struct fb_entity *target)
{
    return e->parent != target && e->scope != FB_SCOPE_DEVICE_ONLY && fb_api_sees_entity(a, e) &&
           (e->parent == NULL || e->parent->module != NULL) &&
           (e->module != NULL || e->parent != NULL);
}

int fb_api_get_related(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct relating r = {.a = &a};
    struct fb_row row;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &r.target);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &r.id);
    rc = rc < 0 ? rc : fb_api_row_now(&a, r.target, r.id, FB_API_READ, &row);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_byte(a.out, '[');
    for (size_t i = 0; rc == FB_OK && i < a.catalogue->entity_count; i++) {
        const struct fb_entity *e = &a.catalogue->entities[i];
        for (size_t k = 0; rc == FB_OK && is_listed(&a, e, r.target) && k < e->field_count; k++) {
            const struct fb_field *f = &e->fields[k];
            if (points_at(f, r.target) && fb_api_sees_field(&a, e, f)) {
                rc = append_relation(&r, e, f);
            }
        }
    }
    fb_buf_append_byte(a.out, ']');
    return rc;
}

/* ---- Groups ---- */

struct group {
    struct fb_value value, sum;
    int64_t count;
};

struct grouping {
    struct fb_api *a;
    const struct fb_field *by; /* NULL: a stamp or the id */
    const struct fb_field *sum;
    uint32_t by_column, sum_column;
    struct fb_api_refs refs;
    struct group groups[FB_API_GROUPS_MAX];
    size_t count;
};

static int keep_group(void *ctx, const struct fb_value *value, int64_t count,
                      const struct fb_value *sum)
{
    struct grouping *g = ctx;
    struct group *group = &g->groups[g->count++];
    group->count = count;
    group->sum = *sum;
    int rc = fb_value_copy(g->a->arena, value, &group->value);
    return rc < 0 || g->by == NULL || g->by->type != FB_TYPE_REF
               ? rc
               : fb_api_refs_add(g->a, &g->refs, g->by->targets[0], value);
}

static const struct fb_value *value_at(const struct fb_row *row, uint32_t column)
{
    return column < row->entity->field_count ? &row->values[column]
                                             : &row->stamps[column - row->entity->field_count];
}

/* Row by row, for who may not see all of them. */
static int add_row(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct grouping *g = ctx;
    const struct fb_value *value = value_at(row, g->by_column);
    const struct fb_value null = FB_VALUE_NULL;
    const struct fb_value *sum =
        g->sum_column == FB_QUERY_NO_COLUMN ? &null : value_at(row, g->sum_column);
    (void)position;
    for (size_t i = 0; i < g->count; i++) {
        struct group *group = &g->groups[i];
        if (fb_value_equal(&group->value, value)) {
            group->count++;
            if (sum->type == FB_INT) {
                int64_t so_far = group->sum.type == FB_INT ? group->sum.integer : 0;
                group->sum = fb_value_int((int64_t)((uint64_t)so_far + (uint64_t)sum->integer));
            }
            return FB_OK;
        }
    }
    return g->count == FB_API_GROUPS_MAX ? FB_ERR_LIMIT : keep_group(g, value, 1, sum);
}

static int group_rows(struct grouping *g, const struct fb_query *q)
{
    if (fb_api_reads_all(g->a, q->entity)) {
        return fb_query_group(g->a->store, q, g->by_column, g->sum_column, keep_group, g, NULL);
    }
    struct fb_query rows = *q;
    rows.limit = INT64_MAX;
    return fb_api_query(g->a, &rows, add_row, g);
}

/* Of a mean of rates nobody would know what it says; sums are of amounts, quantities and numbers. */
static void append_sum(struct grouping *g, const struct fb_value *sum)
{
    fb_api_append_key(g->a->out, "sum");
    if (g->sum == NULL || sum->type != FB_INT) {
        fb_buf_append_text(g->a->out, "null");
    } else {
        fb_api_append_value(g->a->out, g->sum, sum);
    }
}

static void append_groups(struct grouping *g)
{
    struct fb_buf *out = g->a->out;
    fb_buf_append_byte(out, '[');
    for (size_t i = 0; i < g->count; i++) {
        const struct group *group = &g->groups[i];
        const struct fb_api_ref *ref =
            g->by != NULL && g->by->type == FB_TYPE_REF && group->value.type == FB_TEXT
                ? fb_api_refs_find(&g->refs, g->by->targets[0], group->value.bytes)
                : NULL;
        fb_buf_append_text(out, i > 0 ? ",{" : "{");
        fb_api_append_key(out, "value");
        if (g->by != NULL) {
            fb_api_append_value(out, g->by, &group->value);
        } else if (group->value.type == FB_TEXT) {
            fb_api_append_text(out, group->value.bytes, group->value.size);
        } else {
            fb_buf_append_text(out, "null");
        }
        fb_api_append_member(out, "title", ref == NULL ? NULL : ref->title);
        fb_buf_printf(out, ",\"count\":%lld", (long long)group->count);
        append_sum(g, &group->sum);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_byte(out, ']');
}

static int read_column(struct fb_api *a, const struct fb_entity *e, const char *parameter,
                       uint32_t *ret, const struct fb_field **ret_field)
{
    const char *name = fb_request_query(a->req, parameter);
    *ret = FB_QUERY_NO_COLUMN;
    *ret_field = NULL;
    if (name == NULL || name[0] == '\0') {
        return FB_OK;
    }
    bool is_there = fb_query_column(e, name, ret);
    *ret_field = is_there ? fb_query_field(e, *ret) : NULL;
    if (!is_there || (*ret_field != NULL && !fb_api_sees_field(a, e, *ret_field))) {
        return fb_api_bad_request(a, "%s: %s has no field '%s'", parameter, e->name, name);
    }
    return FB_OK;
}

int fb_api_get_group(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct fb_query q = {.limit = FB_API_GROUPS_MAX};
    uint32_t by = 0;
    uint32_t sum = 0;
    fb_api_begin(&a, web, req, res);
    struct grouping *g = fb_arena_alloc(a.arena, sizeof *g);
    if (g == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    g->a = &a;
    int rc = fb_api_entity(&a, 3, &q.entity);
    rc = rc < 0 ? rc : read_column(&a, q.entity, "by", &by, &g->by);
    rc = rc < 0 ? rc : read_column(&a, q.entity, "sum", &sum, &g->sum);
    if (rc == FB_OK &&
        (by == FB_QUERY_NO_COLUMN ||
         (sum != FB_QUERY_NO_COLUMN && (g->sum == NULL || g->sum->storage != FB_INT)))) {
        return fb_api_bad_request(&a, "by names a field, sum a field that holds numbers");
    }
    rc = rc < 0 ? rc : fb_api_filter(&a, q.entity, fb_request_query(req, "filter"), &q.where);
    g->by_column = by;
    g->sum_column = sum;
    rc = rc < 0 ? rc : group_rows(g, &q);
    rc = rc < 0 ? fb_api_asked(&a, rc) : fb_api_refs_resolve(&a, &g->refs);
    if (rc == FB_OK) {
        append_groups(g);
    }
    return rc;
}
