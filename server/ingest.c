/* SPDX-License-Identifier: MIT
 *
 * One push becomes one rev, in memory first:
 *   1. every change meets its row as headquarters has it, or the one it was merged into (redirect.c); inserts and updates merge (ingest_row.c); what rests in the bin
 *      comes back (rule 19)
 *      what the person may not change is held (ingest_right.c)
 *   2. rows gather into aggregates; those that break a rule are held, and what depends on them (rule 20), until nothing more is
 *   3. deletes are judged and played (rule 18)
 *   4. rows of conflict, held_change and receipt say what happened
 *   5. everything is written (work_write.c); rulings among it set their values on the records (ruling.c)
 */
#include <stdio.h>

#include "server/internal.h"

#define CHECK_PASSES_MAX 1000

/* ---- Aggregates ---- */

struct aggregate_key {
    const struct fb_entity *entity;
    const char *id;
};

static bool is_aggregate(const void *item, const void *key)
{
    const struct fb_aggregate *a = item;
    const struct aggregate_key *k = key;
    return a->entity == k->entity && strcmp(a->id, k->id) == 0;
}

/* What the row says in a field: as it will be, as it was, or as the push would have it. */
static struct fb_value value_of(const struct fb_work_row *row, const struct fb_field *f)
{
    if (row->is_here) {
        return row->now.values[f->index];
    }
    if (row->was_here || row->bin_cause > 0) {
        return row->before.values[f->index];
    }
    for (size_t i = 0; row->change != NULL && i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        if (c->field_no == f->no) {
            return fb_value_is_empty(&c->mine) ? c->base : c->mine;
        }
    }
    return FB_VALUE_NULL;
}

/* Climbs from a part to the row whose aggregate it belongs to. */
static int find_root(struct fb_work *w, struct fb_work_row *row,
                     const struct fb_entity **ret_entity, char ret_id[static FB_ROW_ID_SIZE])
{
    struct fb_work_row *at = row;
    char id[FB_ROW_ID_SIZE];
    *ret_entity = row->entity;
    memcpy(ret_id, row->id, FB_ROW_ID_SIZE);
    for (int depth = 0; depth < 8 && at->entity->parent_field != NULL; depth++) {
        struct fb_value parent = value_of(at, at->entity->parent_field);
        if (!fb_value_to_id(&parent, id)) {
            break;
        }
        *ret_entity = at->entity->parent;
        memcpy(ret_id, id, FB_ROW_ID_SIZE);
        if ((*ret_entity)->parent_field == NULL) {
            break;
        }
        int rc = fb_work_row(w, *ret_entity, id, &at);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_ingest_aggregate(struct fb_work *w, struct fb_work_row *row)
{
    if (row->aggregate != NULL) {
        return FB_OK;
    }
    const struct fb_entity *entity = NULL;
    char id[FB_ROW_ID_SIZE];
    int rc = find_root(w, row, &entity, id);
    if (rc < 0) {
        return rc;
    }
    uint64_t hash = fb_row_hash(entity->no, id);
    struct aggregate_key key = {.entity = entity, .id = id};
    struct fb_aggregate *a = fb_row_map_find(&w->aggregate_map, hash, is_aggregate, &key);
    if (a == NULL) {
        a = fb_arena_alloc(w->arena, sizeof *a);
        if (a == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        a->entity = entity;
        memcpy(a->id, id, FB_ROW_ID_SIZE);
        a->next = w->aggregates;
        w->aggregates = a;
        rc = fb_row_map_add(&w->aggregate_map, hash, a);
    }
    row->aggregate = a;
    row->aggregate_next = a->rows;
    a->rows = row;
    return rc;
}

/* The row as it was before the push: its changes are the held change's now. */
static void put_back(struct fb_work_row *row)
{
    row->is_here = row->was_here;
    if (row->was_here) {
        row->now = row->before;
    }
    row->is_restored = false;
    row->has_own_values = false;
    row->has_changes = false;
    memset(row->mask, 0, sizeof row->mask);
    memset(row->write_mask, 0, sizeof row->write_mask);
    memset(row->confirmed, 0, sizeof row->confirmed);
    row->has_confirmed = false;
    row->field_at_ms = NULL;
    row->conflicts = NULL;
    row->steps = NULL;
}

int fb_ingest_hold(struct fb_work *w, struct fb_work_row *row, enum fb_held_reason reason,
                   const char *format, ...)
{
    int rc = fb_ingest_aggregate(w, row);
    if (rc < 0 || row->aggregate->is_held) {
        return rc;
    }
    if (FB_BUG(HELD_BLOCKS_QUEUE)) {
        return FB_ERR_CONSTRAINT;
    }
    char sentence[FB_WHY_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, fb_text(format), args);
    va_end(args);
    struct fb_aggregate *a = row->aggregate;
    a->is_held = true;
    a->reason = reason;
    a->sentence = fb_arena_strdup(w->arena, sentence);
    if (FB_BUG(HELD_PARTIALLY_APPLIED)) {
        put_back(row);
        return FB_OK;
    }
    for (struct fb_work_row *member = a->rows; member != NULL; member = member->aggregate_next) {
        put_back(member);
    }
    w->has_newly_held = true;
    return a->sentence == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* ---- Clocks ---- */

int fb_ingest_clock(struct fb_work *w, int64_t cursor, int64_t edited_at_ms, int64_t *ret)
{
    int64_t at_ms = edited_at_ms + (FB_BUG(CLOCK_OFFSET_IGNORED) ? 0 : w->source.clock_offset_ms);
    if (w->cursor_asked != cursor) {
        int rc = fb_history_rev_at_ms(w->store, cursor, &w->cursor_at_ms);
        if (rc < 0) {
            return rc;
        }
        w->cursor_asked = cursor;
    }
    if (at_ms < w->cursor_at_ms && !FB_BUG(CLOCK_NO_LOWER_BOUND)) {
        at_ms = w->cursor_at_ms;
    }
    if (at_ms > w->now_ms && !FB_BUG(CLOCK_NOT_CLAMPED)) {
        at_ms = w->now_ms;
    }
    *ret = at_ms;
    return FB_OK;
}

int64_t fb_ingest_last_cursor(const struct fb_change *c)
{
    int64_t cursor = c->cursor;
    for (size_t i = 0; i < c->field_count && !FB_BUG(FIELD_CURSOR_IGNORED); i++) {
        cursor = c->fields[i].cursor > cursor ? c->fields[i].cursor : cursor;
    }
    return cursor;
}

/* ---- The steps ---- */

static int note_stray(struct fb_work *w, const struct fb_change *c)
{
    const struct fb_change **list = fb_arena_grow(w->arena, w->strays, w->stray_count,
                                                  &w->stray_capacity, sizeof(struct fb_change *));
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    w->strays = list;
    list[w->stray_count++] = c;
    return FB_OK;
}

static int meet_rows(struct fb_work *w, const struct fb_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fb_change *c = &changes[i];
        const struct fb_entity *e = fb_catalogue_entity_no(w->catalogue, c->entity_no);
        struct fb_work_row *row = NULL;
        bool is_redirected = false;
        int rc = e == NULL ? note_stray(w, c) : fb_work_row(w, e, c->row_id, &row);
        if (rc == FB_OK && row != NULL && w->source.whole_error == NULL) {
            rc = fb_redirect_references(w, e, c, &c);
            rc = rc < 0 ? rc : fb_redirect_note(w, e, c, row, &is_redirected);
        }
        if (is_redirected) {
            row = NULL;
        }
        if (rc == FB_OK && row != NULL && row->change != NULL) {
            rc = note_stray(
                w, c); /* a push names a row once; a second change of it is kept for a person */
        } else if (rc == FB_OK && row != NULL) {
            row->change = c;
            row->is_named = true;
            rc = fb_ingest_clock(w, fb_ingest_last_cursor(c), c->edited_at_ms, &row->edited_at_ms);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* What a laptop may not do whatever the values say. */
static int hold_forbidden(struct fb_work *w, struct fb_work_row *row)
{
    const struct fb_entity *e = row->entity;
    enum fb_change_op op = row->change->op;
    if (e->scope == FB_SCOPE_SERVER_ONLY && op != FB_CHANGE_NAMED) {
        return fb_ingest_hold(w, row, FB_HELD_RIGHT, "Rows of %s are changed at headquarters only.",
                              fb_entity_label(e));
    }
    bool is_seen = true;
    int rc = op == FB_CHANGE_NAMED ? FB_OK : fb_judge_sees(w, row, row->change->cursor, &is_seen);
    if (rc < 0 || !is_seen) {
        return rc < 0 ? rc : fb_judge_hold(w, row);
    }
    row->has_moved_away = op != FB_CHANGE_NAMED && w->is_judged_by_past;
    if (e->is_append_only && (op == FB_CHANGE_UPDATE || op == FB_CHANGE_DELETE)) {
        return fb_ingest_hold(w, row, FB_HELD_RULE,
                              "Rows of %s are added, but never changed or deleted.",
                              fb_entity_label(e));
    }
    return FB_OK;
}

/* A restore of headquarters took the row away: until somebody's laptop brings it back, the delete waits for it (held_again.c). */
static bool deletes_lost_row(const struct fb_work *w, const struct fb_work_row *row)
{
    return row->change->op == FB_CHANGE_DELETE && !row->was_here && !row->is_here &&
           row->bin_cause == 0 && fb_source_has_lost_timeline(w->hub, &w->source) &&
           !FB_BUG(DELETE_OF_LOST_ROW_DROPPED);
}

static int merge_rows(struct fb_work *w)
{
    size_t count = w->row_count; /* rows that come back are added behind */
    for (size_t i = 0; i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        int rc = row->change == NULL ? FB_OK : hold_forbidden(w, row);
        bool is_merged = row->change != NULL && (row->change->op == FB_CHANGE_INSERT ||
                                                 row->change->op == FB_CHANGE_UPDATE);
        bool is_held = row->aggregate != NULL && row->aggregate->is_held;
        if (rc == FB_OK && is_merged && !is_held) {
            rc = fb_ingest_row(w, row);
        } else if (rc == FB_OK && row->change != NULL && !is_held && deletes_lost_row(w, row)) {
            rc = fb_judge_hold(w, row);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* A part that came to a held aggregate after it was held is put back with it. */
static int gather_aggregates(struct fb_work *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        struct fb_work_row *row = w->rows[i];
        int rc = row->change != NULL ? fb_ingest_aggregate(w, row) : FB_OK;
        if (rc < 0) {
            return rc;
        }
        bool differs = row->has_changes || (row->is_here != row->was_here && !row->is_restored);
        if (row->aggregate != NULL && row->aggregate->is_held && differs &&
            !FB_BUG(HELD_PARTIALLY_APPLIED)) {
            put_back(row);
            w->has_newly_held = true;
        }
    }
    return FB_OK;
}

static int check_until_quiet(struct fb_work *w)
{
    int rc = gather_aggregates(w);
    for (int pass = 0; rc == FB_OK && pass < CHECK_PASSES_MAX; pass++) {
        w->has_newly_held = false;
        rc = fb_ingest_settle_restores(w);
        rc = rc < 0 ? rc : fb_ingest_check(w);
        rc = rc < 0 ? rc : gather_aggregates(w);
        if (!w->has_newly_held) {
            break;
        }
    }
    return rc < 0 ? rc : fb_ingest_note_restores(w);
}

static int decide(struct fb_work *w, const struct fb_change *changes, size_t count)
{
    int rc = meet_rows(w, changes, count);
    if (w->source.whole_error != NULL) {
        w->whole = changes;
        w->whole_count = count;
        return rc < 0 ? rc : fb_conflict_write_all(w);
    }
    rc = rc < 0 ? rc : fb_redirect_join(w);
    rc = rc < 0 ? rc : merge_rows(w);
    rc = rc < 0 ? rc : fb_ingest_rights(w);
    rc = rc < 0 ? rc : check_until_quiet(w);
    rc = rc < 0 ? rc : fb_ingest_deletes(w);
    rc = rc < 0 ? rc : fb_moved_tell(w);
    return rc < 0 ? rc : fb_conflict_write_all(w);
}

int fb_ingest(struct fb_hub *hub, const struct fb_source *source, const struct fb_change *changes,
              size_t count, struct fb_arena *arena, int64_t now_ms)
{
    struct fb_work w;
    fb_work_init(&w, hub, arena, source, now_ms);
    struct fb_rev rev = {.at_ms = now_ms,
                         .employee_id = source->employee_id,
                         .device_id = source->device_id,
                         .incarnation = source->incarnation,
                         .push = source->push};
    int rc = fb_family_update(&hub->family, w.catalogue);
    rc = rc < 0 ? rc : fb_history_begin(hub->store, &rev);
    w.rev = rev.rev;
    rc = rc < 0 ? rc : decide(&w, changes, count);
    rc = rc < 0 ? rc : fb_work_write(&w);
    rc = rc < 0 ? rc : fb_ruling_play(hub, source, w.rev, now_ms);
    rc = rc < 0 ? rc : fb_merging_play(hub, source, w.rev, now_ms);
    rc = rc < 0 ? rc : fb_duplicates_play(hub, source, w.rev, now_ms);
    rc = rc < 0 ? rc : fb_history_end(hub->store);
    hub->counters.changes += (int64_t)count;
    hub->counters.revs++;
    fb_work_release(&w);
    return rc;
}
