/* SPDX-License-Identifier: MIT
 *
 * What a cut takes away (rules 9, 10, 13). "Below" a row are its parts, and the rows whose scope
 * follows it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

enum {
    DEPTH_MAX = 16, /* company, order, line, allocation ...: the shipped catalogue needs 5 */
    BATCH_ROWS = 512,
};

struct row_list {
    struct fb_removed *rows;
    size_t count;
    size_t capacity;
};

static void drop_list(struct row_list *list)
{
    free(list->rows);
}

static int append(struct row_list *list, const struct fb_entity *e, const char *id)
{
    struct fb_removed *rows = fb_array_grow(list->rows, list->count, &list->capacity, sizeof *rows);
    if (rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    list->rows = rows;
    rows[list->count] = (struct fb_removed){.entity = e};
    memcpy(rows[list->count].id, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    list->count++;
    return FB_OK;
}

static int delete_row(struct fb_apply *a, const struct fb_entity *e, const char *id)
{
    int rc = fb_row_delete(a->store, e, id);
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

/* ---- Children ---- */

struct child_scan {
    struct row_list *list;
    const struct fb_field *field;
    bool is_part;
};

static int take_child(void *ctx, const struct fb_row *row)
{
    struct child_scan *scan = ctx;
    bool follows =
        scan->is_part || (fb_scope_field_decides(row, scan->field) && !fb_row_is_private(row));
    return follows ? append(scan->list, row->entity, row->id) : FB_OK;
}

static bool points_at(const struct fb_field *field, const struct fb_entity *e)
{
    for (size_t i = 0; i < field->target_count; i++) {
        if (field->targets[i] == e) {
            return true;
        }
    }
    return false;
}

static int children_in(struct fb_apply *a, const struct fb_entity *child,
                       const struct fb_removed *of, struct row_list *list)
{
    struct child_scan scan = {.list = list, .is_part = child->parent == of->entity};
    if (scan.is_part) {
        return fb_row_scan_by(a->store, child, child->parent_field, of->id, take_child, &scan);
    }
    bool follows_others = child->scope == FB_SCOPE_FOLLOWS || child->scope == FB_SCOPE_EITHER ||
                          child->scope == FB_SCOPE_LINKS;
    if (!follows_others) {
        return FB_OK;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < child->scope_field_count; i++) {
        if (points_at(child->scope_fields[i], of->entity)) {
            scan.field = child->scope_fields[i];
            rc = fb_row_scan_by(a->store, child, child->scope_fields[i], of->id, take_child, &scan);
        }
    }
    return rc;
}

static int children_of(struct fb_apply *a, const struct fb_removed *of, struct row_list *list)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < a->catalogue->entity_count; i++) {
        if (fb_entity_is_synced(&a->catalogue->entities[i])) {
            rc = children_in(a, &a->catalogue->entities[i], of, list);
        }
    }
    return rc;
}

/* ---- What headquarters lost ---- */

int fb_apply_keep_lost(struct fb_apply *a, const struct fb_row *row)
{
    const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
    bool is_all_mine = p != NULL && (p->is_touched_whole || FB_BUG(EDITED_ROW_NOT_FOUND));
    if (a->round->found_since == 0 || is_all_mine) {
        return FB_OK;
    }
    struct fb_found f = fb_apply_found(a);
    return fb_found_row(&f, row);
}

static int keep_lost(struct fb_apply *a, const struct fb_removed *row)
{
    struct fb_row here;
    bool is_here = false;
    if (a->round->found_since == 0) {
        return FB_OK;
    }
    int rc = fb_row_read(a->store, row->entity, row->id, &a->scratch, &here, &is_here);
    rc = rc < 0 || !is_here ? rc : fb_apply_keep_lost(a, &here);
    fb_arena_clear(&a->scratch);
    return rc;
}

/* ---- Custody ---- */

static int has_journal_below(struct fb_apply *a, const struct fb_removed *row, int depth, bool *ret)
{
    const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
    *ret = p != NULL && p->has_journal;
    if (*ret || depth == DEPTH_MAX) {
        return FB_OK;
    }
    FB_AUTO(drop_list) struct row_list children = {0};
    int rc = children_of(a, row, &children);
    for (size_t i = 0; rc == FB_OK && !*ret && i < children.count; i++) {
        rc = has_journal_below(a, &children.rows[i], depth + 1, ret);
    }
    return rc;
}

/* Edits of what is about to go are frozen first, with everything else in the journal: no local
 * transaction is split. */
static int keep_custody(struct fb_apply *a, const struct fb_removed *row)
{
    if (!a->pending.has_journal || a->is_journal_frozen) {
        return FB_OK;
    }
    bool is_needed = false;
    int rc = has_journal_below(a, row, 0, &is_needed);
    if (rc < 0 || !is_needed || FB_BUG(NO_CUSTODY)) {
        return rc;
    }
    if (FB_BUG(CUSTODY_ONLY_REMOVED_ROWS)) {
        int64_t number = 0;
        return fb_replica_freeze_row(a->store, row->entity, row->id, a->round->now_ms, &number);
    }
    return fb_apply_freeze(a);
}

/* Unsent rows below go along: they are in a push now, and headquarters answers them. */
static int take_unsent_below(struct fb_apply *a, const struct fb_removed *row, int depth)
{
    if (a->pending.count == 0 || depth == DEPTH_MAX) {
        return FB_OK;
    }
    FB_AUTO(drop_list) struct row_list children = {0};
    int rc = children_of(a, row, &children);
    for (size_t i = 0; rc == FB_OK && i < children.count; i++) {
        const struct fb_removed *child = &children.rows[i];
        const struct fb_pending_row *p = fb_pending_find(&a->pending, child->entity, child->id);
        if (p == NULL || !p->is_pending) {
            continue;
        }
        rc = FB_BUG(UNSENT_BELOW_NOT_FOUND) ? FB_OK : keep_lost(a, child);
        rc = rc < 0 ? rc : delete_row(a, child->entity, child->id);
        if (rc == FB_OK) {
            rc = take_unsent_below(a, child, depth + 1);
        }
    }
    return rc;
}

static int note_removed(struct fb_apply *a, const struct fb_removed *row)
{
    struct row_list list = {
        .rows = a->removed, .count = a->removed_count, .capacity = a->removed_capacity};
    int rc = append(&list, row->entity, row->id);
    a->removed = list.rows;
    a->removed_count = list.count;
    a->removed_capacity = list.capacity;
    return rc;
}

static int remove_one(struct fb_apply *a, const struct fb_removed *row)
{
    int rc = keep_lost(a, row);
    rc = rc < 0 ? rc : keep_custody(a, row);
    if (rc == FB_OK) {
        rc = delete_row(a, row->entity, row->id);
    }
    if (rc == FB_OK) {
        rc = take_unsent_below(a, row, 0);
    }
    return rc < 0 ? rc : note_removed(a, row);
}

int fb_apply_removes(struct fb_apply *a, const struct fb_removes *removes)
{
    struct fb_removed row = {.entity = fb_catalogue_entity_no(a->catalogue, removes->entity_no)};
    if (row.entity == NULL) {
        return fb_replica_fail(a->round, FB_ERR_PROTOCOL,
                               "headquarters removes rows of the unknown entity %u",
                               removes->entity_no);
    }
    a->removes += (int64_t)removes->count;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && !FB_BUG(REMOVES_IGNORED) && i < removes->count; i++) {
        memcpy(row.id, removes->ids[i], sizeof row.id);
        rc = remove_one(a, &row);
    }
    return rc;
}

/* ---- Orphans ---- */

static int is_in_held_scope(struct fb_apply *a, const struct fb_removed *row, bool *ret)
{
    struct fb_row here;
    int rc = fb_row_read(a->store, row->entity, row->id, &a->scratch, &here, ret);
    if (rc < 0 || !*ret) {
        return rc;
    }
    FB_AUTO(fb_buf_release) struct fb_buf set;
    fb_buf_init(&set, FB_SCOPE_SET_BYTES_MAX);
    rc = fb_scope_of_row_seen(&FB_LAPTOP_VIEW, NULL, a->store, &here, &set);
    if (rc == FB_OK) {
        *ret = fb_scope_set_is_held(fb_buf_text(&set), &a->held);
    }
    return rc;
}

/* A part without its parent is nowhere; another row may stand in a second scope. */
static int sweep_child(struct fb_apply *a, const struct fb_removed *parent,
                       const struct fb_removed *child)
{
    const struct fb_pending_row *p = fb_pending_find(&a->pending, child->entity, child->id);
    if (p != NULL && p->is_pending) {
        return FB_OK;
    }
    bool is_held = false;
    if (child->entity->parent != parent->entity) {
        int rc = is_in_held_scope(a, child, &is_held);
        fb_arena_clear(&a->scratch);
        if (rc < 0 || is_held) {
            return rc;
        }
    }
    int rc = delete_row(a, child->entity, child->id);
    return rc < 0 ? rc : note_removed(a, child);
}

int fb_apply_sweep(struct fb_apply *a)
{
    for (size_t at = 0; at < a->removed_count; at++) { /* grows while it runs */
        const struct fb_removed parent = a->removed[at];
        const struct fb_pending_row *p = fb_pending_find(&a->pending, parent.entity, parent.id);
        if (p != NULL && p->is_pending) {
            continue; /* below a pending row: its push decides */
        }
        FB_AUTO(drop_list) struct row_list children = {0};
        int rc = children_of(a, &parent, &children);
        for (size_t i = 0; rc == FB_OK && i < children.count; i++) {
            rc = sweep_child(a, &parent, &children.rows[i]);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* ---- Rows that go by judgement ---- */

struct judging {
    struct fb_apply *apply;
    fb_apply_judge *f;
    void *ctx;
    struct row_list going;
    char last_id[FB_ROW_ID_SIZE];
    int64_t scanned;
};

static int judge_row(void *ctx, const struct fb_row *row)
{
    struct judging *j = ctx;
    memcpy(j->last_id, row->id, sizeof j->last_id);
    j->scanned++;
    bool goes = false;
    int rc = j->f(j->apply, row, j->ctx, &goes);
    const struct fb_pending_row *p = fb_pending_find(&j->apply->pending, row->entity, row->id);
    bool stays = !goes || (p != NULL && p->is_pending); /* its push decides */
    return rc < 0 || stays ? rc : append(&j->going, row->entity, row->id);
}

static int judge_entity(struct judging *j, const struct fb_entity *e)
{
    j->last_id[0] = '\0';
    do {
        char after[FB_ROW_ID_SIZE];
        memcpy(after, j->last_id, sizeof after);
        j->scanned = 0;
        j->going.count = 0;
        int rc = fb_row_scan(j->apply->store, e, after, BATCH_ROWS, judge_row, j);
        for (size_t i = 0; rc == FB_OK && i < j->going.count; i++) {
            rc = delete_row(j->apply, e, j->going.rows[i].id);
        }
        if (rc < 0) {
            return rc;
        }
    } while (j->scanned == BATCH_ROWS);
    return FB_OK;
}

int fb_apply_delete_where(struct fb_apply *a, fb_apply_judge *f, void *ctx)
{
    struct judging j = {.apply = a, .f = f, .ctx = ctx};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < a->catalogue->entity_count; i++) {
        if (fb_entity_is_synced(&a->catalogue->entities[i])) {
            rc = judge_entity(&j, &a->catalogue->entities[i]);
        }
    }
    drop_list(&j.going);
    return rc;
}
