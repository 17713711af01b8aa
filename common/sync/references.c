/* SPDX-License-Identifier: MIT
 *
 * The table reference: entity, id and title of rows that are not here and that rows here point to, so that forms, lookups and joins
 * do not break. A line goes when its row comes, or when nothing points to it any more.
 */
#include <stdlib.h>
#include <string.h>

#include "common/store/recent.h"
#include "common/sync/replica_internal.h"

enum { TITLE_BYTES_MAX = 250 };

static int run(struct fb_store *s, const char *sql, const struct fb_entity *e, const char *id,
               const char *title)
{
    struct fb_sql *q;
    int rc = fb_sql_begin(s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, e->name);
    fb_sql_bind_text(q, 2, id);
    if (title != NULL) {
        fb_sql_bind_text(q, 3, title);
    }
    fb_recent_note(s, e->no, id);
    rc = fb_sql_run(q);
    fb_sql_end(q);
    return rc;
}

static int note(struct fb_apply *a, const struct fb_entity *e, const char *id, const char *title)
{
    a->has_references = true;
    return run(a->store,
               "INSERT INTO reference (entity, id, title) VALUES (?1, ?2, ?3)"
               " ON CONFLICT (entity, id) DO UPDATE SET title = excluded.title",
               e, id, title);
}

int fb_apply_references(struct fb_apply *a, const struct fb_references *refs)
{
    const struct fb_entity *e = fb_catalogue_entity_no(a->catalogue, refs->entity_no);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && e != NULL && i < refs->count; i++) {
        rc = note(a, e, refs->ids[i], refs->titles[i]);
    }
    return rc;
}

int fb_references_arrived(struct fb_apply *a, const struct fb_row *row)
{
    return a->has_references ? run(a->store, "DELETE FROM reference WHERE entity = ?1 AND id = ?2",
                                   row->entity, row->id, NULL)
                             : FB_OK;
}

int fb_references_look(struct fb_apply *a)
{
    int64_t has_any = 0;
    int rc = fb_sql_read_int(a->store, "SELECT EXISTS (SELECT 1 FROM reference)", &has_any);
    a->has_references = has_any != 0;
    return rc;
}

/* ---- What goes away and is still pointed to ---- */

struct keeping {
    struct fb_apply *apply;
    struct fb_keymap going;
    struct fb_keymap used; /* lines of reference that something points to */
    const struct fb_removed *rows;
};

static int take_title(struct fb_apply *a, const struct fb_removed *row)
{
    struct fb_row here;
    bool is_found = false;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, (size_t)FB_VALUE_BYTES_MAX * 4);
    int rc = fb_row_read(a->store, row->entity, row->id, &a->scratch, &here, &is_found);
    if (rc < 0 || !is_found) {
        return rc;
    }
    fb_row_append_title(&here, TITLE_BYTES_MAX, &title);
    rc = fb_buf_error(&title);
    rc = rc < 0 ? rc : note(a, row->entity, row->id, fb_buf_text(&title));
    fb_arena_clear(&a->scratch);
    return rc;
}

static int look_at_field(struct keeping *k, const struct fb_row *row, const struct fb_field *f)
{
    const struct fb_entity *target = fb_row_target(row, f);
    char id[FB_ROW_ID_SIZE];
    if (target == NULL || !fb_value_to_id(&row->values[f->index], id)) {
        return FB_OK;
    }
    struct fb_key key = fb_key_of_row(target->no, id);
    uint32_t at = 0;
    bool is_new = false;
    if (fb_keymap_find(&k->going, key, &at)) {
        int rc = fb_keymap_add(&k->used, key, 1, &at, &is_new);
        uint32_t place = 0;
        bool is_there = fb_keymap_find(&k->going, key, &place);
        return rc < 0 || !is_new || !is_there ? rc : take_title(k->apply, &k->rows[place]);
    }
    return k->apply->has_references ? fb_keymap_add(&k->used, key, 1, &at, &is_new) : FB_OK;
}

static int look_at_row(void *ctx, const struct fb_row *row)
{
    struct keeping *k = ctx;
    uint32_t at = 0;
    int rc = FB_OK;
    if (fb_keymap_find(&k->going, fb_key_of_row(row->entity->no, row->id), &at)) {
        return FB_OK;
    }
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        if (row->entity->fields[i].target_count > 0) {
            rc = look_at_field(k, row, &row->entity->fields[i]);
        }
    }
    return rc;
}

static int drop_unused(struct keeping *k)
{
    struct fb_sql *q;
    int rc = fb_sql_begin(k->apply->store, "SELECT entity, id FROM reference", &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_removed *unused = NULL;
    size_t count = 0;
    size_t capacity = 0;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e = fb_catalogue_entity(k->apply->catalogue, fb_sql_text(q, 0));
        const char *id = fb_sql_text(q, 1);
        uint32_t at = 0;
        if (e == NULL || fb_keymap_find(&k->used, fb_key_of_row(e->no, id), &at)) {
            continue;
        }
        struct fb_removed *list = fb_array_grow(unused, count, &capacity, sizeof *list);
        if (list == NULL) {
            rc = FB_ERR_NO_MEMORY;
            break;
        }
        unused = list;
        list[count] = (struct fb_removed){.entity = e};
        memcpy(list[count++].id, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    }
    fb_sql_end(q);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = run(k->apply->store, "DELETE FROM reference WHERE entity = ?1 AND id = ?2",
                 unused[i].entity, unused[i].id, NULL);
    }
    free(unused);
    return rc < 0 ? rc : FB_OK;
}

int fb_references_keep(struct fb_apply *a, const struct fb_removed *going, size_t count)
{
    struct keeping k = {.apply = a, .rows = going};
    int rc = FB_OK;
    if (count == 0 && !a->has_references) {
        return FB_OK;
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        uint32_t at = 0;
        bool is_new = false;
        rc = fb_keymap_add(&k.going, fb_key_of_row(going[i].entity->no, going[i].id), (uint32_t)i,
                           &at, &is_new);
    }
    for (size_t i = 0; rc == FB_OK && i < a->catalogue->entity_count; i++) {
        if (fb_entity_is_synced(&a->catalogue->entities[i])) {
            rc = fb_row_scan(a->store, &a->catalogue->entities[i], "", INT64_MAX, look_at_row, &k);
        }
    }
    rc = rc < 0 || !a->has_references ? rc : drop_unused(&k);
    fb_keymap_release(&k.going);
    fb_keymap_release(&k.used);
    return rc;
}
