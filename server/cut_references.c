/* SPDX-License-Identifier: MIT
 *
 * What rows of a cut point to outside the device's scopes: entity, id and title, so that the laptop can show a name. Nothing else of
 * such a row leaves headquarters.
 */
#include <stdlib.h>

#include "server/cut_internal.h"

#define TITLE_BYTES_MAX 250

struct outside {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    const char *title; /* NULL: it is inside, or not there */
};

struct fb_cut_references {
    struct outside **list;
    size_t count, capacity;
    struct fb_row_map map;
};

static bool is_outside(const void *item, const void *key)
{
    const struct outside *a = item;
    const struct outside *b = key;
    return a->entity == b->entity && strcmp(a->id, b->id) == 0;
}

static int find_title(struct fb_cutting *c, struct outside *o)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, (size_t)4 * FB_VALUE_BYTES_MAX);
    struct fb_row row;
    const char *set = NULL;
    bool is_found = false;
    if (!fb_cut_shows_title(c, o->entity)) {
        return FB_OK;
    }
    int rc = fb_row_read(c->s, o->entity, o->id, &arena, &row, &is_found);
    rc = rc < 0 || !is_found ? rc : fb_cut_set_of(c, &row, &set);
    if (rc < 0 || !is_found || fb_scope_set_is_held(set, c->held)) {
        return rc;
    }
    fb_row_append_title(&row, TITLE_BYTES_MAX, &title);
    rc = fb_buf_error(&title);
    o->title = rc < 0 ? NULL : fb_arena_strdup(&c->arena, fb_buf_text(&title));
    return rc < 0 || o->title != NULL ? rc : FB_ERR_NO_MEMORY;
}

static int note(struct fb_cutting *c, const struct fb_entity *e, const struct fb_value *v)
{
    struct fb_cut_references *refs = c->references;
    struct outside key = {.entity = e};
    memcpy(key.id, v->bytes, FB_ROW_ID_SIZE - 1);
    uint64_t hash = fb_row_hash(e->no, key.id);
    if (!fb_id_is_valid(key.id, strlen(key.id)) ||
        fb_row_map_find(&refs->map, hash, is_outside, &key) != NULL) {
        return FB_OK;
    }
    struct outside **list = fb_arena_grow(&c->arena, refs->list, refs->count, &refs->capacity,
                                          sizeof(struct outside *));
    struct outside *o = fb_arena_alloc(&c->arena, sizeof *o);
    if (list == NULL || o == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    refs->list = list;
    *o = key;
    list[refs->count++] = o;
    int rc = fb_row_map_add(&refs->map, hash, o);
    return rc < 0 ? rc : find_title(c, o);
}

static int begin(struct fb_cutting *c)
{
    if (c->references == NULL) {
        c->references = fb_arena_alloc(&c->arena, sizeof *c->references);
    }
    return c->references == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

int fb_cut_references_note_itself(struct fb_cutting *c, const struct fb_row *row)
{
    struct fb_value id = fb_value_text(row->id);
    int rc = begin(c);
    return rc < 0 ? rc : note(c, row->entity, &id);
}

int fb_cut_references_note(struct fb_cutting *c, const struct fb_row *row)
{
    int rc = begin(c);
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        const struct fb_value *v = &row->values[i];
        if (f->target_count == 0 || v->type != FB_TEXT || v->size != FB_ROW_ID_SIZE - 1) {
            continue;
        }
        const struct fb_entity *target = fb_row_target(row, f);
        bool is_elsewhere = target != NULL && target->scope != FB_SCOPE_GLOBAL &&
                            target->scope != FB_SCOPE_SERVER_ONLY &&
                            target->scope != FB_SCOPE_DEVICE_ONLY;
        rc = is_elsewhere ? note(c, target, v) : FB_OK;
    }
    return rc;
}

static int by_entity(const void *a, const void *b)
{
    const struct outside *x = *(struct outside *const *)a;
    const struct outside *y = *(struct outside *const *)b;
    if (x->entity != y->entity) {
        return x->entity->no < y->entity->no ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

static int send(struct fb_cutting *c, struct fb_references *refs)
{
    struct fb_message m = {.kind = FB_MESSAGE_REFERENCES, .references = *refs};
    int rc = refs->count == 0 ? FB_OK : fb_message_encode(&m, c->out);
    refs->count = 0;
    return rc;
}

int fb_cut_references_send(struct fb_cutting *c)
{
    struct fb_cut_references *all = c->references;
    if (all == NULL || all->count == 0) {
        return FB_OK;
    }
    qsort(all->list, all->count, sizeof(struct outside *), by_entity);
    size_t room = all->count < FB_REFERENCES_MAX ? all->count : FB_REFERENCES_MAX;
    struct fb_references refs = {.ids = fb_arena_alloc(&c->arena, room * sizeof *refs.ids),
                                 .titles = fb_arena_alloc(&c->arena, room * sizeof *refs.titles)};
    int rc = refs.ids == NULL || refs.titles == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < all->count; i++) {
        const struct outside *o = all->list[i];
        if (o->title == NULL) {
            continue;
        }
        if (refs.count == room || (refs.count > 0 && refs.entity_no != o->entity->no)) {
            rc = send(c, &refs);
        }
        refs.entity_no = o->entity->no;
        memcpy(refs.ids[refs.count], o->id, FB_ROW_ID_SIZE);
        refs.titles[refs.count++] = o->title;
    }
    rc = rc < 0 ? rc : send(c, &refs);
    free(all->map.slots);
    c->references = NULL;
    return rc;
}
