/* SPDX-License-Identifier: MIT
 *
 * Search over everything, and what lookups and search have in common: hits with their title and second line.
 *
 * The search file knows nothing of rights. Each hit is read and judged by may() before it is shown; what hangs on a record
 * (a number, a note) is judged too. Of a row with fields that are hidden from the person the words must stand in those he sees
 * (fb_search_matches), or a hidden value could be guessed at letter by letter.
 */
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

#define PER_ENTITY 5
#define JUDGED_MAX 400 /* hits: about 40 ms; who may see so few of them must type more */

/* ---- Hits ---- */

static const struct fb_field *second_field(const struct fb_entity *e, size_t i)
{
    return fb_entity_field(e, e->layout.second.names[i]);
}

static int copy_value(struct fb_api *a, const struct fb_row *from, const struct fb_field *f,
                      struct fb_row *to)
{
    return f == NULL ? FB_OK
                     : fb_value_copy(a->arena, &from->values[f->index], &to->values[f->index]);
}

int fb_api_found_row(struct fb_api *a, const struct fb_row *row, struct fb_api_found *ret)
{
    const struct fb_entity *e = row->entity;
    *ret = (struct fb_api_found){.entity = e};
    int rc = fb_row_new(e, row->id, a->arena, &ret->row);
    for (size_t i = 0; rc == FB_OK && i < e->title_field_count; i++) {
        rc = copy_value(a, row, e->title_fields[i], &ret->row);
    }
    for (size_t i = 0; rc == FB_OK && i < e->layout.second.count; i++) {
        const struct fb_field *f = second_field(e, i);
        rc = copy_value(a, row, f, &ret->row);
        rc = rc < 0 || f == NULL ? rc : copy_value(a, row, f->target_name, &ret->row);
    }
    return rc;
}

int fb_api_found_record(struct fb_api *a, const struct fb_entity *e, const char *id,
                        struct fb_api_found *ret, bool *ret_is_seen)
{
    char key[FB_ROW_ID_SIZE] = "";
    struct fb_row row;
    bool is_there = false;
    *ret_is_seen = false;
    memcpy(key, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    int rc = fb_row_read(a->store, e, key, a->arena, &row, &is_there);
    rc = rc < 0 || !is_there ? rc : fb_api_may_read(a, &row, ret_is_seen);
    if (rc < 0 || !*ret_is_seen) {
        return rc;
    }
    fb_api_blank(a, &row);
    return fb_api_found_row(a, &row, ret);
}

static void append_second(struct fb_api *a, const struct fb_api_refs *refs,
                          const struct fb_row *row, struct fb_buf *out)
{
    const struct fb_entity *e = row->entity;
    for (size_t i = 0; i < e->layout.second.count; i++) {
        const struct fb_field *f = second_field(e, i);
        const struct fb_value *v = f == NULL ? NULL : &row->values[f->index];
        if (v == NULL || fb_value_is_empty(v) || !fb_api_sees_field(a, e, f)) {
            continue;
        }
        const struct fb_api_ref *ref =
            f->type == FB_TYPE_REF ? fb_api_refs_find(refs, f->targets[0], v->bytes) : NULL;
        if (f->type == FB_TYPE_REF && (ref == NULL || ref->title == NULL)) {
            continue;
        }
        fb_buf_append_text(out, out->size > 0 ? " / " : "");
        if (ref != NULL) {
            fb_buf_append_text(out, ref->title);
        } else {
            fb_field_format(f, v, out);
        }
    }
}

int fb_api_append_hit(struct fb_api *a, const struct fb_api_refs *refs,
                      const struct fb_api_found *f, bool with_entity)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    FB_AUTO(fb_buf_release) struct fb_buf second;
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    fb_buf_init(&second, FB_VALUE_BYTES_MAX);
    int rc = FB_OK;
    if (f->is_reference) {
        fb_buf_append_text(&title, f->title);
    } else {
        rc = fb_api_append_title(&title, &f->row);
        append_second(a, refs, &f->row, &second);
    }
    fb_buf_append_byte(a->out, '{');
    if (with_entity) {
        fb_api_append_member(a->out, "entity", f->entity->name);
    }
    fb_api_append_member(a->out, "id", f->row.id);
    fb_api_append_member(a->out, "title", fb_buf_text(&title));
    fb_api_append_member(a->out, "second", second.size > 0 ? fb_buf_text(&second) : NULL);
    fb_buf_append_text(a->out,
                       f->is_reference ? ",\"is_reference\":true}" : ",\"is_reference\":false}");
    return rc;
}

int fb_api_append_found(struct fb_api *a, const struct fb_api_found *found, size_t count,
                        bool with_entity)
{
    struct fb_api_refs refs = {.count = 0};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = found[i].is_reference ? FB_OK : fb_api_refs_add_row(a, &refs, &found[i].row);
    }
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    fb_buf_append_byte(a->out, '[');
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        fb_buf_append_text(a->out, i > 0 ? "," : "");
        rc = fb_api_append_hit(a, &refs, &found[i], with_entity);
    }
    fb_buf_append_byte(a->out, ']');
    return rc;
}

/* ---- May it be shown? ---- */

struct judging {
    struct fb_api *a;
    struct fb_api_search *search;
    struct fb_row shown; /* the row that was judged last, as the person sees it */
    size_t judged;
    int err; /* the filter has no other way to say so */
};

/* Reads a row as the person sees it. False: he may not. */
static bool read_row(struct judging *j, const struct fb_entity *e, const char *id,
                     struct fb_row *ret, bool *ret_hides)
{
    bool is_there = false;
    bool may = false;
    char key[FB_ROW_ID_SIZE] = "";
    if (!fb_api_sees_entity(j->a, e)) {
        return false;
    }
    memcpy(key, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    int rc = fb_row_read(j->a->store, e, key, j->a->arena, ret, &is_there);
    rc = rc < 0 || !is_there ? rc : fb_api_may_read(j->a, ret, &may);
    *ret_hides = may && fb_api_blank(j->a, ret);
    j->err = rc < 0 ? rc : j->err;
    return rc == FB_OK && may;
}

static bool may_show(void *ctx, const struct fb_search_found *found)
{
    struct judging *j = ctx;
    struct fb_row by;
    bool hides = false;
    bool by_hides = false;
    bool does_match = true;
    if (found->is_reference) {
        return fb_api_sees_entity(j->a, found->entity);
    }
    bool is_itself = found->entity == found->by_entity && strcmp(found->id, found->by_id) == 0;
    if (j->err < 0 || j->judged++ >= JUDGED_MAX ||
        !read_row(j, found->entity, found->id, &j->shown, &hides) ||
        (!is_itself && !read_row(j, found->by_entity, found->by_id, &by, &by_hides))) {
        return false;
    }
    if (is_itself ? hides : by_hides) {
        int rc = fb_search_matches(j->a->web->search, is_itself ? &j->shown : &by, j->search->text,
                                   &does_match);
        j->err = rc < 0 ? rc : j->err;
    }
    return does_match;
}

static int take_hit(void *ctx, const struct fb_search_hit *hit)
{
    struct judging *j = ctx;
    struct fb_api_found *f = &j->search->found[j->search->count++];
    if (!hit->is_reference) {
        return fb_api_found_row(j->a, &j->shown, f);
    }
    *f = (struct fb_api_found){.entity = hit->entity, .is_reference = true};
    memcpy(f->row.id, hit->id, strnlen(hit->id, FB_ROW_ID_SIZE - 1));
    f->title = fb_arena_strdup(j->a->arena, hit->title);
    return f->title == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

int fb_api_search(struct fb_api *a, struct fb_api_search *search)
{
    struct judging j = {.a = a, .search = search};
    size_t limit = search->limit < FB_API_FOUND_MAX ? search->limit : FB_API_FOUND_MAX;
    const struct fb_search_ask ask = {.text = search->text,
                                      .entity = search->entity,
                                      .limit = limit,
                                      .limit_per_entity = search->limit_per_entity,
                                      .filter = may_show,
                                      .filter_ctx = &j};
    search->count = 0;
    int rc = fb_search_ask(a->web->search, a->store, &ask, take_hit, &j, &a->web->why);
    return rc < 0 ? rc : j.err;
}

int fb_api_get_search(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct fb_api_search search = {.text = fb_request_query(req, "q"),
                                   .limit_per_entity = PER_ENTITY};
    const char *entity = fb_request_query(req, "entity");
    int64_t limit = 0;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_query_int(&a, "limit", 1, FB_API_FOUND_MAX, 30, &limit);
    if (rc < 0) {
        return rc;
    }
    if (entity != NULL && a.catalogue != NULL) {
        search.entity = fb_catalogue_entity(a.catalogue, entity);
        search.limit_per_entity = 0;
        if (search.entity == NULL || !fb_api_sees_entity(&a, search.entity)) {
            return fb_api_not_found(&a);
        }
    }
    if (web->search == NULL) {
        return fb_response_problem(res, 503, "busy",
                                   fb_text("The search is being prepared; try again in a moment."));
    }
    if (search.text != NULL && strlen(search.text) > FB_SEARCH_ASK_BYTES_MAX) {
        return fb_api_bad_request(&a, "q has at most %d bytes", FB_SEARCH_ASK_BYTES_MAX);
    }
    search.limit = (size_t)limit;
    rc = search.text == NULL ? FB_OK : fb_api_search(&a, &search);
    return rc < 0 ? rc : fb_api_append_found(&a, search.found, search.count, true);
}
