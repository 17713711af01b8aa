/* SPDX-License-Identifier: MIT
 *
 * Scopes that leave a laptop, and scopes that enter it (rules 9 to 11, 13).
 *
 * Where a row belongs is worked out before the laptop's own unsent moves (undo.c): headquarters knows it so. A row that came with
 * this cut is in scope whatever the laptop thinks. What goes:
 *
 *     no scope of the row is held any more, and one of them was named by EVICT     with custody, unsent rows too
 *     no scope of the row is held, nothing of it is pending                         a ghost (rule 13)
 *     a scope of the row enters, the row did not come, nothing of it is pending     a remnant (rule 11)
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

struct judge {
    struct fb_apply *apply;
    struct fb_undo *undo;
    struct fb_scope_view view;
    struct fb_scope_cache *cache;
    struct fb_buf set;
    struct fb_removed *going;
    size_t count;
    size_t capacity;
};

static bool did_come(const struct fb_apply *a, const struct fb_row *row)
{
    uint32_t value;
    return fb_keymap_find(&a->came_now, fb_key_of_row(row->entity->no, row->id), &value);
}

/* *ret_is_remnant: of a scope that came in, and not headquarters': a tool put it there with the triggers off, or the like. */
static bool does_go(const struct judge *j, const struct fb_row *row, bool *ret_is_remnant)
{
    const struct fb_apply *a = j->apply;
    const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
    const char *set = fb_buf_text(&j->set);
    bool is_pending = p != NULL && p->is_pending;
    *ret_is_remnant =
        fb_scope_set_is_held(set, &a->entering) && !is_pending && !FB_BUG(ENTERING_SCOPE_ADDS);
    if (fb_scope_set_is_held(set, &a->held)) {
        return *ret_is_remnant;
    }
    if (fb_scope_set_is_held(set, &a->evicted)) {
        return !FB_BUG(EVICT_IGNORED);
    }
    return !is_pending && !FB_BUG(ORPHANS_LEFT);
}

static int judge_row(void *ctx, const struct fb_row *row)
{
    struct judge *j = ctx;
    struct fb_apply *a = j->apply;
    struct fb_row before;
    bool is_remnant = false;
    if (did_come(a, row)) {
        return FB_OK;
    }
    fb_buf_clear(&j->set);
    int rc = fb_undo_row(j->undo, row, &a->scratch, &before);
    rc = rc < 0 ? rc : fb_scope_of_row_seen(&j->view, j->cache, a->store, &before, &j->set);
    if (rc == FB_OK && does_go(j, row, &is_remnant)) {
        struct fb_removed *going = fb_array_grow(j->going, j->count, &j->capacity, sizeof *going);
        struct fb_found f = fb_apply_found(a);
        rc = going == NULL ? FB_ERR_NO_MEMORY : FB_OK;
        rc = rc < 0 || !a->checks_found || !is_remnant ? rc : fb_found_row(&f, row);
        if (rc == FB_OK) {
            j->going = going;
            going[j->count] = (struct fb_removed){.entity = row->entity};
            memcpy(going[j->count++].id, row->id, FB_ROW_ID_SIZE);
        }
    }
    fb_arena_clear(&a->scratch);
    return rc;
}

static int judge_all(struct judge *j)
{
    const struct fb_catalogue *c = j->apply->catalogue;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->entity_count; i++) {
        if (fb_entity_is_synced(&c->entities[i])) {
            rc = fb_row_scan(j->apply->store, &c->entities[i], "", INT64_MAX, judge_row, j);
        }
    }
    return rc;
}

/* One row with unsent edits among them: the whole journal is frozen, then they go. */
static int take_into_custody(struct judge *j)
{
    struct fb_apply *a = j->apply;
    for (size_t i = 0; i < j->count && a->pending.has_journal && !a->is_journal_frozen; i++) {
        const struct fb_removed *row = &j->going[i];
        const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
        if (p != NULL && p->has_journal && !FB_BUG(NO_CUSTODY)) {
            int64_t number = 0;
            int rc = FB_BUG(CUSTODY_ONLY_REMOVED_ROWS)
                         ? fb_replica_freeze_row(a->store, row->entity, row->id, a->round->now_ms,
                                                 &number)
                         : fb_apply_freeze(a);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return FB_OK;
}

static int delete_all(struct judge *j)
{
    int rc = take_into_custody(j);
    for (size_t i = 0; rc == FB_OK && i < j->count; i++) {
        rc = fb_row_delete(j->apply->store, j->going[i].entity, j->going[i].id);
    }
    return rc;
}

int fb_apply_scopes(struct fb_apply *a)
{
    struct judge j = {.apply = a};
    fb_buf_init(&j.set, FB_SCOPE_SET_BYTES_MAX);
    int rc = fb_undo_new(a->store, a->cut->seen, &j.undo);
    rc = rc < 0 ? rc : fb_scope_cache_new(&j.cache);
    j.view = (struct fb_scope_view){.is_partial = true, .read = fb_undo_read, .ctx = j.undo};
    rc = rc < 0 ? rc : judge_all(&j);
    rc = rc < 0 ? rc : fb_references_keep(a, j.going, j.count);
    rc = rc < 0 ? rc : delete_all(&j);
    fb_scope_cache_free(j.cache);
    fb_undo_free(j.undo);
    fb_buf_release(&j.set);
    free(j.going);
    return rc;
}

/* ---- Which scopes ---- */

int fb_scopes_held(struct fb_store *s, const char *table_sql, struct fb_arena *arena,
                   struct fb_scope_list *ret)
{
    struct fb_sql *q;
    int rc = fb_sql_begin(s, table_sql, &q);
    if (rc < 0) {
        return rc;
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = fb_scope_list_add(ret, arena, fb_sql_text(q, 0));
        if (rc < 0) {
            break;
        }
    }
    fb_sql_end(q);
    fb_scope_list_sort(ret);
    return rc < 0 ? rc : FB_OK;
}

int fb_apply_compare_scopes(struct fb_apply *a)
{
    struct fb_scope_list before = {0};
    bool is_full = a->round->pull_kind == FB_PULL_GAP;
    int64_t has_left = 0; /* something, while a full cut came in chunks */
    int rc = is_full ? fb_replica_meta_int(a->store, "stage_has_left", 0, &has_left) : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < a->cut->scope_count; i++) {
        rc = fb_scope_list_add(&a->held, &a->kept, a->cut->scopes[i]);
    }
    fb_scope_list_sort(&a->held);
    rc = rc < 0 ? rc
                : fb_scopes_held(a->store, is_full ? FB_SCOPES_STAGED_SQL : FB_SCOPES_HELD_SQL,
                                 &a->kept, &before);
    rc = rc < 0 ? rc : fb_scope_list_difference(&a->held, &before, &a->kept, &a->entering);
    rc = rc < 0 ? rc : fb_scope_list_difference(&before, &a->held, &a->kept, &a->leaving);
    a->have_scopes_changed =
        rc == FB_OK && (a->entering.count > 0 || a->leaving.count > 0 || has_left != 0);
    return rc;
}

int fb_apply_evict(struct fb_apply *a, const struct fb_evict *evict)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < evict->scope_count; i++) {
        rc = fb_scope_list_add(&a->evicted, &a->kept, evict->scopes[i]);
    }
    fb_scope_list_sort(&a->evicted);
    a->have_scopes_changed = true;
    return rc;
}
