/* SPDX-License-Identifier: MIT
 *
 * What a cut may not overwrite (rules 6, 7): read from the raw journal, not from its net, since a
 * value that went A, B, A is still the user's; and from pushes that the cut does not answer. What
 * is open besides is only remembered, for rule 24.
 */
#include <stdlib.h>
#include <string.h>

#include "common/catalogue/ddl.h"
#include "common/sync/replica_internal.h"

struct loading {
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_pending *pending;
    int64_t seen;
    int64_t cursor;
    struct fb_push *pushes;
    size_t push_count;
    size_t push_capacity;
};

const struct fb_pending_row *fb_pending_find(const struct fb_pending *p, const struct fb_entity *e,
                                             const char *id)
{
    uint32_t at = 0;
    if (p->count == 0 || !fb_keymap_find(&p->map, fb_key_of_row(e->no, id), &at)) {
        return NULL;
    }
    return &p->rows[at];
}

void fb_pending_release(struct fb_pending *p)
{
    fb_keymap_release(&p->map);
    free(p->rows);
    *p = (struct fb_pending){0};
}

static int row_of(struct fb_pending *p, uint32_t entity_no, const char *id,
                  struct fb_pending_row **ret)
{
    struct fb_pending_row *rows = fb_array_grow(p->rows, p->count, &p->capacity, sizeof *rows);
    if (rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    p->rows = rows;
    uint32_t at = 0;
    bool is_new = false;
    int rc = fb_keymap_add(&p->map, fb_key_of_row(entity_no, id), (uint32_t)p->count, &at, &is_new);
    if (rc < 0) {
        return rc;
    }
    if (is_new) {
        rows[p->count++] = (struct fb_pending_row){0};
    }
    *ret = &rows[at];
    return FB_OK;
}

static void mark_group(uint64_t *mask, const struct fb_entity *e, const struct fb_field *field)
{
    const struct fb_group *group = &e->groups[field->group];
    for (size_t i = 0; i < group->field_count; i++) {
        fb_mask_set(mask, group->fields[i]->index);
    }
}

/* A field that the catalogue does not know any more keeps nothing: no cut writes it either. */
static void mark_field(struct fb_pending_row *row, const struct fb_entity *e, uint32_t field_no,
                       bool is_kept, bool is_touched)
{
    const struct fb_field *field = fb_entity_field_no(e, field_no);
    if (field == NULL) {
        return;
    }
    if (is_touched) {
        mark_group(row->touched, e, field);
    }
    if (!is_kept) {
        return;
    }
    if (FB_BUG(PENDING_BY_FIELD)) {
        fb_mask_set(row->kept, field->index);
        return;
    }
    mark_group(row->kept, e, field);
}

static int mark_journal_row(struct loading *l, const struct fb_sql *q)
{
    const struct fb_entity *e = fb_catalogue_entity_no(l->catalogue, (uint32_t)fb_sql_int(q, 1));
    if (e == NULL) {
        return FB_OK;
    }
    struct fb_pending_row *row;
    int rc = row_of(l->pending, e->no, fb_sql_text(q, 2), &row);
    if (rc < 0) {
        return rc;
    }
    l->pending->has_journal = true;
    row->has_journal = true;
    row->is_pending = true;
    if (fb_sql_int(q, 0) == FB_JOURNAL_UPDATE) {
        mark_field(row, e, (uint32_t)fb_sql_int(q, 3), true, true);
    } else {
        row->is_kept_whole = true;
        row->is_touched_whole = true;
    }
    return FB_OK;
}

static int load_journal(struct loading *l)
{
    struct fb_sql *q;
    int rc = fb_sql_begin(l->store,
                          "SELECT op, entity, row_id, field FROM fb_journal WHERE op <> 0", &q);
    if (rc < 0) {
        return rc;
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = mark_journal_row(l, q);
        if (rc < 0) {
            break;
        }
    }
    fb_sql_end(q);
    return rc;
}

/* A push that headquarters answered long ago and then lost with a restore: what it wrote comes back with it, as far as it still stands here.
 * What others put in its place since, and what else stands in the row, headquarters may have lost too (found.c). */
static int mark_answered(struct loading *l, const struct fb_change *change,
                         struct fb_pending_row *row, struct fb_arena *arena)
{
    const struct fb_entity *e = fb_catalogue_entity_no(l->catalogue, change->entity_no);
    struct fb_row local;
    bool is_here = false;
    int rc = fb_row_read(l->store, e, change->row_id, arena, &local, &is_here);
    for (size_t i = 0; rc == FB_OK && is_here && i < change->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(e, change->fields[i].field_no);
        if (f != NULL && fb_value_equal(&local.values[f->index], &change->fields[i].mine)) {
            fb_mask_set(row->touched, f->index);
        }
    }
    bool is_whole = change->op == FB_CHANGE_INSERT;
    for (size_t i = 0; is_whole && is_here && i < e->field_count; i++) {
        is_whole = fb_value_is_empty(&local.values[i]) || fb_mask_has(row->touched, (uint32_t)i);
    }
    row->is_touched_whole |= is_whole;
    return rc;
}

/* was_answered: no cut since skipped anything for it. What a cut skipped while the row was in the journal is named by the change, or netted. */
static int mark_change(struct loading *l, const struct fb_change *change, bool is_kept,
                       bool was_answered, struct fb_arena *arena)
{
    const struct fb_entity *e = fb_catalogue_entity_no(l->catalogue, change->entity_no);
    if (e == NULL) {
        return FB_OK;
    }
    struct fb_pending_row *row;
    int rc = row_of(l->pending, e->no, change->row_id, &row);
    if (rc < 0 || change->op == FB_CHANGE_NAMED) {
        return rc;
    }
    row->is_pending |= is_kept;
    bool is_seen_through =
        was_answered && change->op != FB_CHANGE_DELETE && !FB_BUG(ANSWERED_EDIT_HIDES_LOST);
    if (change->op == FB_CHANGE_UPDATE) {
        for (size_t i = 0; i < change->field_count; i++) {
            mark_field(row, e, change->fields[i].field_no, is_kept, !is_seen_through);
        }
    } else {
        row->is_kept_whole |= is_kept;
        row->is_touched_whole |= !is_seen_through;
    }
    return is_seen_through ? mark_answered(l, change, row, arena) : FB_OK;
}

/* Was edited and is as it was: its user's, though headquarters learns nothing of it. It does not hide what headquarters lost (found.c),
 * unless a cut came since that may have skipped it. */
static int mark_netted(struct loading *l, const struct fb_change *change, bool is_kept)
{
    const struct fb_entity *e = fb_catalogue_entity_no(l->catalogue, change->entity_no);
    struct fb_pending_row *row;
    int rc = e == NULL ? FB_OK : row_of(l->pending, e->no, change->row_id, &row);
    if (rc < 0 || e == NULL) {
        return rc;
    }
    bool is_touched = change->cursor != l->cursor;
    row->is_pending |= is_kept;
    if (change->op == FB_CHANGE_NAMED) {
        row->is_kept_whole |= is_kept;
        row->is_touched_whole |= is_touched;
    }
    row->is_touched_whole |= is_touched && FB_BUG(NETTED_ROW_HIDES_LOST);
    for (size_t i = 0; i < change->field_count; i++) {
        mark_field(row, e, change->fields[i].field_no, is_kept, is_touched);
    }
    return FB_OK;
}

static int load_part(struct loading *l, const struct fb_push *push, int64_t part, bool is_kept,
                     struct fb_arena *arena)
{
    const uint8_t *bytes;
    size_t size;
    int rc = fb_outbox_part(l->store, push->number, part, &bytes, &size);
    if (rc < 0) {
        return rc;
    }
    struct fb_change *changes;
    size_t count;
    rc = fb_changes_read(bytes, size, arena, &changes, &count, NULL);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = part > FB_OUTBOX_NETTED_PART
                 ? mark_change(l, &changes[i], is_kept, push->was_answered, arena)
                 : mark_netted(l, &changes[i], is_kept);
    }
    return rc;
}

/* The parts that stay here; how many there are only their end tells. */
static int load_netted(struct loading *l, const struct fb_push *push, bool is_kept,
                       struct fb_arena *arena)
{
    int rc = FB_OK;
    for (int64_t part = FB_OUTBOX_NETTED_PART; rc == FB_OK; part--) {
        rc = load_part(l, push, part, is_kept, arena);
        fb_arena_clear(arena);
    }
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

static int load_push(struct loading *l, const struct fb_push *push)
{
    bool is_kept = push->number > l->seen && !FB_BUG(PENDING_ONLY_IN_JOURNAL);
    struct fb_arena arena;
    fb_arena_init(&arena, 0);
    int rc = FB_OK;
    for (int64_t part = 0; rc == FB_OK && part < push->parts; part++) {
        rc = load_part(l, push, part, is_kept, &arena);
        fb_arena_clear(&arena);
    }
    if (rc == FB_OK && !push->was_answered) {
        rc = load_netted(l, push, is_kept, &arena);
    }
    fb_arena_release(&arena);
    return rc;
}

static int note_push(void *ctx, const struct fb_push *push)
{
    struct loading *l = ctx;
    struct fb_push *pushes =
        fb_array_grow(l->pushes, l->push_count, &l->push_capacity, sizeof *pushes);
    if (pushes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->pushes = pushes;
    pushes[l->push_count++] = *push;
    return FB_OK;
}

static int load_pushes(struct loading *l)
{
    int rc = fb_outbox_each_uncovered(l->store, note_push, l);
    for (size_t i = 0; rc == FB_OK && i < l->push_count; i++) {
        rc = load_push(l, &l->pushes[i]);
    }
    free(l->pushes);
    return rc;
}

int fb_pending_load(struct fb_store *s, int64_t seen, struct fb_pending *ret)
{
    struct fb_pending pending = {0};
    struct loading l = {
        .store = s, .catalogue = fb_store_catalogue(s), .pending = &pending, .seen = seen};
    int rc = fb_replica_meta_int(s, "cursor", 0, &l.cursor);
    if (rc == FB_OK && l.catalogue != NULL) {
        rc = load_journal(&l);
    }
    if (rc == FB_OK && l.catalogue != NULL) {
        rc = load_pushes(&l);
    }
    if (rc < 0) {
        fb_pending_release(&pending);
        return rc;
    }
    *ret = pending;
    return FB_OK;
}
