/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/crm/title.h"
#include "common/web/api_inside.h"

#define IDS_A_QUESTION 100

int fb_api_refs_add(struct fb_api *a, struct fb_api_refs *r, const struct fb_entity *e,
                    const struct fb_value *id)
{
    if (e == NULL || id->type != FB_TEXT || !fb_id_is_valid(id->bytes, id->size)) {
        return FB_OK;
    }
    for (size_t i = r->count; i > 0 && i + 8 > r->count; i--) { /* neighbours often point alike */
        const struct fb_api_ref *known = &r->refs[i - 1];
        if (known->entity == e && memcmp(known->id, id->bytes, id->size) == 0) {
            return FB_OK;
        }
    }
    struct fb_api_ref *refs =
        fb_arena_grow(a->arena, r->refs, r->count, &r->capacity, sizeof *refs);
    if (refs == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->refs = refs;
    struct fb_api_ref *ref = &refs[r->count++];
    *ref = (struct fb_api_ref){.entity = e};
    memcpy(ref->id, id->bytes, id->size);
    return FB_OK;
}

static const struct fb_entity *target_of(const struct fb_api *a, const struct fb_row *row,
                                         const struct fb_field *f)
{
    if (f->type == FB_TYPE_REF) {
        return f->targets[0];
    }
    const struct fb_value *name =
        f->target_name == NULL ? NULL : &row->values[f->target_name->index];
    char text[FB_NAME_BYTES_MAX + 1];
    if (f->type != FB_TYPE_POLY || name == NULL || name->type != FB_TEXT ||
        name->size >= sizeof text) {
        return NULL;
    }
    memcpy(text, name->bytes, name->size);
    text[name->size] = '\0';
    return fb_catalogue_entity(a->catalogue, text);
}

int fb_api_refs_add_row(struct fb_api *a, struct fb_api_refs *r, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (row->values[i].type == FB_TEXT && fb_api_sees_field(a, e, f)) {
            rc = fb_api_refs_add(a, r, target_of(a, row, f), &row->values[i]);
        }
    }
    const struct fb_entity *employee = fb_catalogue_entity(a->catalogue, "employee");
    rc = rc < 0 ? rc : fb_api_refs_add(a, r, employee, &row->stamps[1]);
    return rc < 0 ? rc : fb_api_refs_add(a, r, employee, &row->stamps[3]);
}

int fb_api_append_title(struct fb_buf *out, const struct fb_row *row)
{
    return fb_title_append_row(row, out);
}

/* ---- Finding titles ---- */

static int by_entity_and_id(const void *x, const void *y)
{
    const struct fb_api_ref *a = x;
    const struct fb_api_ref *b = y;
    if (a->entity != b->entity) {
        return a->entity->index < b->entity->index ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

const struct fb_api_ref *fb_api_refs_find(const struct fb_api_refs *r, const struct fb_entity *e,
                                          const char *id)
{
    struct fb_api_ref key = {.entity = e};
    if (r->count == 0 || e == NULL || strlen(id) >= sizeof key.id) {
        return NULL;
    }
    memcpy(key.id, id, strlen(id) + 1);
    return bsearch(&key, r->refs, r->count, sizeof key, by_entity_and_id);
}

struct finding {
    struct fb_api *a;
    struct fb_api_refs *refs;
};

static int take_title(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct finding *f = ctx;
    (void)position;
    const struct fb_api_ref *found = fb_api_refs_find(f->refs, row->entity, row->id);
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, (size_t)FB_VALUE_BYTES_MAX * 2);
    int rc = fb_title_append_row(row, &title);
    if (rc < 0 || found == NULL) {
        return rc;
    }
    struct fb_api_ref *ref = &f->refs->refs[found - f->refs->refs];
    ref->title = fb_arena_copy(f->a->arena, fb_buf_text(&title), title.size);
    return ref->title == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* Titles of refs from to to, all of one entity, from its table. */
static int ask_table(struct fb_api *a, struct fb_api_refs *r, size_t from, size_t to)
{
    const struct fb_entity *e = r->refs[from].entity;
    struct fb_value ids[IDS_A_QUESTION];
    uint64_t columns[FB_ROW_MASK_WORDS] = {0};
    for (size_t i = from; i < to; i++) {
        ids[i - from] = fb_value_text(r->refs[i].id);
    }
    for (size_t i = 0; i < e->title_field_count; i++) {
        columns[e->title_fields[i]->index / 64] |= UINT64_C(1) << (e->title_fields[i]->index % 64);
    }
    struct fb_query_node in = {
        .op = FB_QUERY_IN, .column = FB_QUERY_ID(e), .values = ids, .value_count = to - from};
    struct fb_query q = {
        .entity = e, .where = &in, .columns = columns, .limit = IDS_A_QUESTION + 1};
    struct finding finding = {.a = a, .refs = r};
    return fb_query_run(a->store, &q, take_title, &finding, NULL);
}

/* What is not in its table may be known by name (a laptop: its details are at headquarters). */
static int ask_references(struct fb_api *a, struct fb_api_ref *ref)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(a->store, "SELECT title FROM reference WHERE entity = ?1 AND id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, ref->entity->name);
    fb_sql_bind_text(q, 2, ref->id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        ref->title = fb_arena_strdup(a->arena, fb_sql_text(q, 0));
        ref->is_reference = true;
        return ref->title == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    }
    return rc;
}

int fb_api_refs_resolve(struct fb_api *a, struct fb_api_refs *r)
{
    if (r->count == 0) {
        return FB_OK;
    }
    qsort(r->refs, r->count, sizeof *r->refs, by_entity_and_id);
    size_t kept = 1;
    for (size_t i = 1; i < r->count; i++) {
        if (by_entity_and_id(&r->refs[i], &r->refs[kept - 1]) != 0) {
            r->refs[kept++] = r->refs[i];
        }
    }
    r->count = kept;
    int rc = FB_OK;
    for (size_t from = 0, to = 0; rc == FB_OK && from < r->count; from = to) {
        while (to < r->count && to - from < IDS_A_QUESTION &&
               r->refs[to].entity == r->refs[from].entity) {
            to++;
        }
        rc = ask_table(a, r, from, to);
    }
    for (size_t i = 0; rc == FB_OK && i < r->count; i++) {
        rc = r->refs[i].title == NULL ? ask_references(a, &r->refs[i]) : FB_OK;
    }
    return rc;
}

void fb_api_refs_append(struct fb_buf *out, const struct fb_api_refs *r)
{
    const struct fb_entity *open = NULL;
    fb_api_append_key(out, "references");
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; i < r->count; i++) {
        const struct fb_api_ref *ref = &r->refs[i];
        if (ref->title == NULL) {
            continue;
        }
        if (ref->entity != open) {
            fb_buf_append_text(out, open == NULL ? "" : "}");
            fb_api_append_key(out, ref->entity->name);
            fb_buf_append_byte(out, '{');
            open = ref->entity;
        }
        fb_api_append_key(out, ref->id);
        if (ref->is_reference) {
            fb_buf_append_text(out, "{\"title\":");
        }
        fb_api_append_text(out, ref->title, strlen(ref->title));
        fb_buf_append_text(out, ref->is_reference ? ",\"is_reference\":true}" : "");
    }
    fb_buf_append_text(out, open == NULL ? "}" : "}}");
}

int fb_api_person(struct fb_api *a, const char *employee_id, const char **ret)
{
    struct fb_api_refs refs = {.count = 0};
    struct fb_value id = fb_value_text(employee_id);
    *ret = NULL;
    int rc = fb_api_refs_add(a, &refs, fb_catalogue_entity(a->catalogue, "employee"), &id);
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    if (rc == FB_OK && refs.count > 0) {
        *ret = refs.refs[0].title;
    }
    return rc;
}
