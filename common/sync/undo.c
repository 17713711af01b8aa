/* SPDX-License-Identifier: MIT
 *
 * Rows as they were before the laptop's own unsent edits (rule 10): the oldest base of each field, from the pushes that the cut
 * does not answer and then from the journal. Headquarters knows the rows so.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

struct undone_field {
    struct undone_field *next;
    uint32_t field_no;
    struct fb_value base;
};

struct undone_row {
    struct undone_field *fields;
    bool is_insert; /* headquarters does not know the row */
};

struct fb_undo {
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_arena arena;
    struct fb_keymap map;
    struct undone_row *rows;
    size_t count;
    size_t capacity;
    int64_t seen;
};

static int row_of(struct fb_undo *u, const struct fb_change *c, struct undone_row **ret,
                  bool *ret_is_new)
{
    struct undone_row *rows =
        fb_arena_grow(&u->arena, u->rows, u->count, &u->capacity, sizeof *rows);
    if (rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    u->rows = rows;
    uint32_t at = 0;
    int rc = fb_keymap_add(&u->map, fb_key_of_row(c->entity_no, c->row_id), (uint32_t)u->count, &at,
                           ret_is_new);
    if (rc < 0) {
        return rc;
    }
    if (*ret_is_new) {
        rows[u->count++] = (struct undone_row){0};
    }
    *ret = &rows[at];
    return FB_OK;
}

static const struct undone_field *find_field(const struct undone_row *row, uint32_t field_no)
{
    const struct undone_field *f = row->fields;
    while (f != NULL && f->field_no != field_no) {
        f = f->next;
    }
    return f;
}

/* The first change that names a field has the value headquarters knows. */
static int note_change(void *ctx, const struct fb_change *c)
{
    struct fb_undo *u = ctx;
    struct undone_row *row = NULL;
    bool is_new = false;
    int rc = row_of(u, c, &row, &is_new);
    if (rc < 0) {
        return rc;
    }
    if (is_new) {
        row->is_insert = c->op == FB_CHANGE_INSERT;
    }
    for (size_t i = 0; !row->is_insert && i < c->field_count; i++) {
        const struct fb_field_change *change = &c->fields[i];
        if (change->base.type == FB_ABSENT || find_field(row, change->field_no) != NULL) {
            continue;
        }
        struct undone_field *f = fb_arena_alloc(&u->arena, sizeof *f);
        if (f == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        *f = (struct undone_field){.next = row->fields, .field_no = change->field_no};
        rc = fb_value_copy(&u->arena, &change->base, &f->base);
        if (rc < 0) {
            return rc;
        }
        row->fields = f;
    }
    return FB_OK;
}

static int note_part(struct fb_undo *u, int64_t number, int64_t part)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    struct fb_change *changes = NULL;
    size_t count = 0;
    int rc = fb_outbox_part(u->store, number, part, &bytes, &size);
    rc = rc < 0 ? rc : fb_changes_read(bytes, size, &arena, &changes, &count, NULL);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = note_change(u, &changes[i]);
    }
    return rc;
}

static int note_pushes(struct fb_undo *u)
{
    struct fb_push last = {0};
    int rc = fb_outbox_last(u->store, &last);
    for (int64_t number = u->seen + 1; rc == FB_OK && number <= last.number; number++) {
        struct fb_push push;
        rc = fb_outbox_get(u->store, number, &push);
        for (int64_t part = 0; rc == FB_OK && part < push.parts; part++) {
            rc = note_part(u, number, part);
        }
    }
    return rc;
}

int fb_undo_new(struct fb_store *s, int64_t seen, struct fb_undo **ret)
{
    struct fb_undo *u = calloc(1, sizeof *u);
    if (u == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    u->store = s;
    u->catalogue = fb_store_catalogue(s);
    u->seen = seen;
    fb_arena_init(&u->arena, 0);
    int rc = FB_BUG(EVICTED_BY_PRESENT_ROOT) ? FB_OK : note_pushes(u);
    if (rc == FB_OK && !FB_BUG(EVICTED_BY_PRESENT_ROOT)) {
        rc = fb_journal_each(s, note_change, u);
    }
    if (rc < 0) {
        fb_undo_free(u);
        return rc;
    }
    *ret = u;
    return FB_OK;
}

void fb_undo_free(struct fb_undo *u)
{
    if (u == NULL) {
        return;
    }
    fb_keymap_release(&u->map);
    fb_arena_release(&u->arena);
    free(u);
}

/* Lays the bases over a copy of the row. */
static int lay_over(const struct undone_row *undone, struct fb_arena *arena, struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    struct fb_value *values = fb_arena_alloc(arena, (e->field_count + 1) * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(values, row->values, e->field_count * sizeof *values);
    for (const struct undone_field *f = undone->fields; f != NULL; f = f->next) {
        const struct fb_field *field = fb_entity_field_no(e, f->field_no);
        if (field != NULL) {
            values[field->index] = f->base;
        }
    }
    row->values = values;
    return FB_OK;
}

int fb_undo_row(const struct fb_undo *u, const struct fb_row *row, struct fb_arena *arena,
                struct fb_row *ret)
{
    uint32_t at = 0;
    *ret = *row;
    if (u->count == 0 || !fb_keymap_find(&u->map, fb_key_of_row(row->entity->no, row->id), &at) ||
        u->rows[at].fields == NULL) {
        return FB_OK;
    }
    return lay_over(&u->rows[at], arena, ret);
}

int fb_undo_read(void *ctx, const struct fb_entity *e, const char *id, struct fb_arena *arena,
                 struct fb_row *ret, bool *ret_found)
{
    const struct fb_undo *u = ctx;
    uint32_t at = 0;
    int rc = fb_row_read(u->store, e, id, arena, ret, ret_found);
    if (rc < 0 || u->count == 0 || !fb_keymap_find(&u->map, fb_key_of_row(e->no, id), &at) ||
        u->rows[at].fields == NULL) {
        return rc;
    }
    if (!*ret_found) { /* deleted here, unsent: its last image is the base */
        rc = fb_row_new(e, id, arena, ret);
        for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
            ret->values[i] = FB_VALUE_NULL;
        }
        *ret_found = rc == FB_OK;
    }
    return rc < 0 ? rc : lay_over(&u->rows[at], arena, ret);
}
