/* SPDX-License-Identifier: MIT
 *
 * What happened around a record and what is below it, newest first: from several tables, each read behind the last
 * page's time. The cursor names that time and the rows shown with it, since several things can happen at one instant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/sync.h"
#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

#define TIMELINE_ROWS   50
#define ONE_INSTANT_MAX 200 /* rows of one instant that a cursor can name */

/* Entities that tell what happened, the field that says when, who did it, and what more there is to read. Those the
 * catalogue does not have are left out. */
static const struct source {
    const char *entity;
    const char *at; /* NULL: created_at */
    const char *who[3];
    const char *detail;
} SOURCES[] = {
    {"activity", "starts_at", {"owner_id"}, "outcome"},
    {"activity", NULL, {"owner_id"}, "outcome"}, /* those without a start */
    {"note", NULL, {"by_id"}, NULL},
    {"lead", NULL, {"owner_id"}, NULL},
    {"opportunity", NULL, {"owner_id"}, NULL},
    {"stage_history", "at", {"by_id"}, NULL},
    {"quote", NULL, {"owner_id"}, NULL},
    {"proposal", NULL, {"owner_id", "by_id"}, NULL},
    {"sales_order", "ordered_on", {"owner_id"}, NULL},
    {"order_event", "at", {NULL}, "doc_no"},
    {"service_case", NULL, {"owner_id", "employee_id"}, NULL},
    {"case_event", "at", {"by_id"}, NULL},
    {"message", "sent_at", {"by_id", "owner_id"}, NULL},
    {"campaign_member", NULL, {"owner_id", "by_id"}, NULL},
};
#define SOURCE_COUNT (sizeof SOURCES / sizeof SOURCES[0])

struct event {
    struct fb_row row;
    char at[FB_INSTANT_SIZE];
    const struct source *source;
};

struct telling {
    struct fb_api *a;
    const struct fb_entity *target;
    const char *id;
    bool important_only;
    char before[FB_INSTANT_SIZE]; /* "": from now on */
    char (*seen)[FB_ROW_ID_SIZE];
    size_t seen_count;
    struct event *events;
    size_t count, capacity;
    const struct source *source; /* being read */
    uint32_t at_column;
};

/* ---- What belongs to the record ---- */

static bool leads_to(const struct fb_entity *e, const struct fb_field *f,
                     const struct fb_entity *target)
{
    bool is_reference = f->type == FB_TYPE_REF || f->type == FB_TYPE_POLY;
    bool is_followed = f->is_indexed || f == e->parent_field;
    for (size_t i = 0; i < e->scope_field_count; i++) {
        is_followed = is_followed || e->scope_fields[i] == f;
    }
    bool does = false;
    for (size_t i = 0; i < f->target_count; i++) {
        does = does || f->targets[i] == target;
    }
    return is_reference && is_followed && does;
}

static int add_either(struct telling *t, const struct fb_query_node **any,
                      const struct fb_query_node *n)
{
    *any = *any == NULL || n == NULL ? n : fb_api_either(t->a, *any, n);
    return *any == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* Rows that point at rows of `between`, which point at the record. */
static int add_through(struct telling *t, const struct fb_field *f, const struct fb_entity *between,
                       const struct fb_query_node **any)
{
    struct fb_api *a = t->a;
    for (size_t i = 0; i < between->field_count; i++) {
        const struct fb_field *link = &between->fields[i];
        if (!leads_to(between, link, t->target)) {
            continue;
        }
        struct fb_query_node *exists = fb_api_node(a, FB_QUERY_EXISTS, f->index, NULL);
        const struct fb_query_node **child =
            fb_arena_alloc(a->arena, sizeof(struct fb_query_node *));
        if (exists == NULL || child == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        child[0] = fb_api_pointing(a, link, t->target, t->id);
        exists->other = between;
        exists->through = FB_QUERY_ID(between);
        exists->children = child;
        exists->child_count = 1;
        int rc = child[0] == NULL ? FB_ERR_NO_MEMORY : add_either(t, any, exists);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static bool is_told(const struct fb_entity *e)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (strcmp(SOURCES[i].entity, e->name) == 0) {
            return true;
        }
    }
    return strcmp(e->name, "contact") == 0;
}

/* All ways from the entity's rows to the record, at most over one kind of row between. NULL: none. */
static int find_links(struct telling *t, const struct fb_entity *e,
                      const struct fb_query_node **ret)
{
    *ret = NULL;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (leads_to(e, f, t->target)) {
            rc = add_either(t, ret, fb_api_pointing(t->a, f, t->target, t->id));
        }
        for (size_t k = 0; rc == FB_OK && k < f->target_count; k++) {
            const struct fb_entity *between = f->targets[k];
            if (between != t->target && between != e && is_told(between) &&
                leads_to(e, f, between)) {
                rc = add_through(t, f, between, ret);
            }
        }
    }
    return rc;
}

/* ---- Reading one source ---- */

static int keep_event(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct telling *t = ctx;
    const struct fb_value *at = &position->keys[0];
    if (at->type != FB_TEXT || at->size == 0 || at->size >= FB_INSTANT_SIZE) {
        return FB_OK;
    }
    struct event *events =
        fb_arena_grow(t->a->arena, t->events, t->count, &t->capacity, sizeof *events);
    if (events == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    t->events = events;
    struct event *e = &events[t->count];
    *e = (struct event){.source = t->source};
    memcpy(e->at, at->bytes, at->size);
    int rc = fb_row_new(row->entity, row->id, t->a->arena, &e->row);
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        rc = fb_value_copy(t->a->arena, &row->values[i], &e->row.values[i]);
    }
    for (size_t i = 0; rc == FB_OK && i < FB_STAMP_COUNT; i++) {
        rc = fb_value_copy(t->a->arena, &row->stamps[i], &e->row.stamps[i]);
    }
    t->count += rc == FB_OK;
    return rc;
}

static int add_place(struct telling *t, const struct fb_query_node **where)
{
    struct fb_api *a = t->a;
    if (t->before[0] == '\0') {
        return FB_OK;
    }
    struct fb_value *ids = fb_arena_alloc(a->arena, (t->seen_count + 1) * sizeof *ids);
    struct fb_query_node *unseen = fb_api_node(a, FB_QUERY_NOT_IN, 0, NULL);
    if (ids == NULL || unseen == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < t->seen_count; i++) {
        ids[i] = fb_value_text(t->seen[i]);
    }
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, t->source->entity);
    unseen->column = FB_QUERY_ID(e);
    unseen->values = ids;
    unseen->value_count = t->seen_count;
    *where =
        fb_api_both(a, *where, fb_api_node_text(a, FB_QUERY_LESS_EQUAL, t->at_column, t->before));
    *where = *where == NULL || t->seen_count == 0 ? *where : fb_api_both(a, *where, unseen);
    return *where == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* What stands in the first place of two for the same entity takes rows that have a time; the second the rest. */
static int add_own_time(struct telling *t, const struct fb_entity *e,
                        const struct fb_query_node **where)
{
    const struct source *s = t->source;
    const struct fb_query_node *n = NULL;
    if (s->at == NULL && s > SOURCES && strcmp(s[-1].entity, s->entity) == 0) {
        const struct fb_field *f = fb_entity_field(e, s[-1].at);
        n = f == NULL ? NULL : fb_api_node(t->a, FB_QUERY_EMPTY, f->index, NULL);
    }
    const struct fb_field *important = fb_entity_field(e, "important");
    if (t->important_only && important != NULL) {
        struct fb_value yes = fb_value_int(1);
        n = fb_api_both(t->a, n, fb_api_node(t->a, FB_QUERY_EQUAL, important->index, &yes));
    }
    *where = fb_api_both(t->a, *where, n);
    return *where == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int read_source(struct telling *t, const struct source *s)
{
    struct fb_api *a = t->a;
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, s->entity);
    struct fb_query q = {.entity = e, .limit = TIMELINE_ROWS + 1, .sort_count = 1};
    if (e == NULL || !fb_api_sees_entity(a, e)) {
        return FB_OK;
    }
    t->source = s;
    t->at_column = FB_QUERY_STAMP(e, 0);
    if (s->at != NULL && !fb_query_column(e, s->at, &t->at_column)) {
        return FB_OK;
    }
    q.sorts[0] = (struct fb_query_sort){.column = t->at_column, .is_descending = true};
    int rc = find_links(t, e, &q.where);
    if (rc < 0 || q.where == NULL) {
        return rc;
    }
    rc = add_own_time(t, e, &q.where);
    rc = rc < 0 ? rc : add_place(t, &q.where);
    return rc < 0 ? rc : fb_api_query(a, &q, keep_event, t);
}

/* ---- The answer ---- */

static int newest_first(const void *x, const void *y)
{
    const struct event *a = x;
    const struct event *b = y;
    int by_time = strcmp(b->at, a->at);
    return by_time != 0 ? by_time : strcmp(a->row.id, b->row.id);
}

static const struct fb_value *value_named(const struct fb_row *row, const char *name)
{
    const struct fb_field *f = name == NULL ? NULL : fb_entity_field(row->entity, name);
    return f == NULL ? NULL : &row->values[f->index];
}

static const char *who_of(const struct fb_api_refs *refs, const struct event *e,
                          const struct fb_entity *employee)
{
    const struct fb_value *who = NULL;
    for (size_t i = 0; i < 3 && (who == NULL || who->type != FB_TEXT); i++) {
        who = value_named(&e->row, e->source->who[i]);
    }
    who = who == NULL || who->type != FB_TEXT ? &e->row.stamps[1] : who;
    const struct fb_api_ref *ref =
        who->type == FB_TEXT ? fb_api_refs_find(refs, employee, who->bytes) : NULL;
    return ref == NULL ? NULL : ref->title;
}

/* A change of stage is told by the stages it leads between; others by their title. */
static int append_title_of(const struct fb_api_refs *refs, const struct event *e,
                           struct fb_buf *out)
{
    const struct fb_value *from = value_named(&e->row, "from_stage_id");
    const struct fb_value *to = value_named(&e->row, "to_stage_id");
    if (to == NULL || to->type != FB_TEXT) {
        return fb_api_append_title(out, &e->row);
    }
    const struct fb_entity *stage = fb_entity_field(e->row.entity, "to_stage_id")->targets[0];
    const struct fb_api_ref *a =
        from != NULL && from->type == FB_TEXT ? fb_api_refs_find(refs, stage, from->bytes) : NULL;
    const struct fb_api_ref *b = fb_api_refs_find(refs, stage, to->bytes);
    fb_buf_printf(out, "%s%s%s", a == NULL || a->title == NULL ? "" : a->title,
                  a == NULL || a->title == NULL ? "" : " → ",
                  b == NULL || b->title == NULL ? "" : b->title);
    return fb_buf_error(out);
}

static int append_event(struct telling *t, const struct fb_api_refs *refs,
                        const struct fb_unsent *unsent, const struct event *e)
{
    struct fb_buf *out = t->a->out;
    const struct fb_value *kind = value_named(&e->row, "kind");
    const struct fb_field *told =
        e->source->detail == NULL ? NULL : fb_entity_field(e->row.entity, e->source->detail);
    const struct fb_value *detail = told != NULL && fb_api_sees_field(t->a, e->row.entity, told)
                                        ? &e->row.values[told->index]
                                        : NULL;
    const struct fb_entity *employee = fb_catalogue_entity(t->a->catalogue, "employee");
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    int rc = append_title_of(refs, e, &title);
    fb_api_append_key(out, "kind");
    if (kind != NULL && kind->type == FB_TEXT) {
        fb_api_append_text(out, kind->bytes, kind->size);
    } else {
        fb_api_append_text(out, e->row.entity->name, strlen(e->row.entity->name));
    }
    fb_api_append_member(out, "entity", e->row.entity->name);
    fb_api_append_member(out, "id", e->row.id);
    fb_api_append_member(out, "at", e->at);
    fb_api_append_key(out, "title");
    fb_api_append_text(out, fb_buf_text(&title), title.size);
    fb_api_append_member(out, "who", who_of(refs, e, employee));
    fb_api_append_key(out, "detail");
    if (detail != NULL && detail->type == FB_TEXT) {
        fb_api_append_text(out, detail->bytes, detail->size);
    } else {
        fb_buf_append_text(out, "null");
    }
    bool is_unsent = unsent != NULL && fb_unsent_row(unsent, e->row.entity, e->row.id);
    fb_buf_append_text(out, is_unsent ? ",\"is_unsent\":true" : ",\"is_unsent\":false");
    return rc;
}

/* "2026-01-01T08:00:00.000Z~id~id": the time, and the rows shown that have it. */
static int append_next(struct telling *t, size_t shown)
{
    struct fb_buf *out = t->a->out;
    if (shown == t->count) {
        fb_buf_append_text(out, ",\"next\":null");
        return FB_OK;
    }
    const char *at = t->events[shown - 1].at;
    fb_buf_printf(out, ",\"next\":\"%s", at);
    size_t named = 0;
    for (size_t i = shown; i > 0 && strcmp(t->events[i - 1].at, at) == 0; i--, named++) {
        fb_buf_printf(out, "~%s", t->events[i - 1].row.id);
    }
    for (size_t i = 0; strcmp(t->before, at) == 0 && i < t->seen_count; i++, named++) {
        fb_buf_printf(out, "~%s", t->seen[i]);
    }
    fb_buf_append_byte(out, '"');
    return named > ONE_INSTANT_MAX ? fb_response_problem(t->a->res, 422, "too_wide",
                                                         "Too many things happened at one instant.")
                                   : FB_OK;
}

static int append_events(struct telling *t)
{
    struct fb_api *a = t->a;
    struct fb_api_refs refs = {.count = 0};
    FB_AUTO(fb_unsent_drop) struct fb_unsent *unsent = NULL;
    if (t->count > 0) {
        qsort(t->events, t->count, sizeof *t->events, newest_first);
    }
    size_t shown = t->count > TIMELINE_ROWS ? TIMELINE_ROWS : t->count;
    int rc = a->web->node == FB_NODE_REPLICA ? fb_unsent_load(a->store, &unsent) : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < shown; i++) {
        rc = fb_api_refs_add_row(a, &refs, &t->events[i].row);
    }
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    fb_buf_append_text(a->out, "{\"rows\":[");
    for (size_t i = 0; rc == FB_OK && i < shown; i++) {
        fb_buf_append_text(a->out, i > 0 ? ",{" : "{");
        rc = append_event(t, &refs, unsent, &t->events[i]);
        fb_buf_append_byte(a->out, '}');
    }
    fb_buf_append_byte(a->out, ']');
    rc = rc < 0 ? rc : append_next(t, shown);
    fb_buf_append_byte(a->out, '}');
    return rc;
}

static int read_cursor(struct telling *t)
{
    const char *text = fb_request_query(t->a->req, "cursor");
    if (text == NULL || text[0] == '\0') {
        return FB_OK;
    }
    size_t size = strcspn(text, "~");
    if (size >= FB_INSTANT_SIZE || size < FB_DATE_SIZE - 1) {
        return fb_api_bad_request(t->a, "cursor: it belongs to another list");
    }
    memcpy(t->before, text, size);
    t->seen = fb_arena_alloc(t->a->arena, (ONE_INSTANT_MAX + 1) * sizeof *t->seen);
    if (t->seen == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (const char *at = text + size; *at == '~'; at += FB_ROW_ID_SIZE) {
        size_t id_size = strcspn(at + 1, "~");
        if (!fb_id_is_valid(at + 1, id_size) || t->seen_count > ONE_INSTANT_MAX) {
            return fb_api_bad_request(t->a, "cursor: it is damaged; begin without one");
        }
        memcpy(t->seen[t->seen_count++], at + 1, id_size);
    }
    return FB_OK;
}

int fb_api_get_timeline(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct telling t = {.a = &a};
    struct fb_row row;
    const char *important = fb_request_query(req, "important");
    fb_api_begin(&a, web, req, res);
    t.important_only =
        important != NULL && (strcmp(important, "1") == 0 || strcmp(important, "true") == 0);
    int rc = fb_api_entity(&a, 2, &t.target);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &t.id);
    rc = rc < 0 ? rc : fb_api_row_now(&a, t.target, t.id, FB_API_READ, &row);
    rc = rc < 0 ? rc : read_cursor(&t);
    for (size_t i = 0; rc == FB_OK && i < SOURCE_COUNT; i++) {
        rc = read_source(&t, &SOURCES[i]);
    }
    return rc < 0 ? fb_api_asked(&a, rc) : append_events(&t);
}
