/* SPDX-License-Identifier: MIT
 *
 * One rev goes to disk, in this order:
 *   1. scopes as they are, of the rows and of those that follow a row about to move
 *   2. tables: inserts and updates parents first, deletes children first
 *   3. scopes as they are now
 *   4. log, digests, bin, counted steps; an entry SCOPE for every row that follows one whose set changed (rule 12)
 */
#include <stdlib.h>

#include "common/base/time.h"
#include "server/internal.h"

#define DEPTH_MAX 16

/* ---- Scopes ---- */

static int scope_of(struct fb_work *w, const struct fb_row *row, int64_t *ret)
{
    fb_buf_clear(&w->text);
    int rc = fb_scope_of_row_cached(w->hub->scopes, w->store, row, &w->text);
    return rc < 0 ? rc : fb_history_scope_id(w->store, fb_buf_text(&w->text), ret);
}

/* Where the row's newest entry in the log left it: at a seal the tables already show what is new. */
static int scope_in_log(struct fb_work *w, const struct fb_entity *e, const char *id, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store,
                          "SELECT scope_after FROM fb_log WHERE row_id = ?1 AND entity = ?2"
                          " ORDER BY seq DESC LIMIT 1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    uint8_t bytes[FB_ROW_ID_BYTES];
    fb_id_to_bytes(id, bytes);
    fb_sql_bind_bytes(q, 1, bytes, sizeof bytes);
    fb_sql_bind_int(q, 2, e->no);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

static int scope_before(struct fb_work *w, const struct fb_row *row, int64_t *ret)
{
    int rc = w->is_seal ? scope_in_log(w, row->entity, row->id, ret) : FB_OK;
    return rc == FB_OK && (!w->is_seal || *ret == 0) ? scope_of(w, row, ret) : rc;
}

static bool mask_has(const struct fb_work_row *row, const struct fb_field *f)
{
    return f != NULL && fb_mask_get(row->mask, f->index);
}

/* Could its set be another one afterwards, and with it that of all that follow it? */
static bool is_mover(const struct fb_work_row *row, int64_t history_from_ms)
{
    const struct fb_entity *e = row->entity;
    bool never_moves = e->scope == FB_SCOPE_GLOBAL || e->scope == FB_SCOPE_COMPANY ||
                       e->scope == FB_SCOPE_SERVER_ONLY || e->scope == FB_SCOPE_DEVICE_ONLY;
    if (never_moves || !row->was_here || !row->is_here || !row->has_changes) {
        return false;
    }
    bool moves = mask_has(row, e->parent_field) || mask_has(row, e->owner_field) ||
                 mask_has(row, e->private_field) ||
                 (history_from_ms > 0 && fb_scope_can_age(e) && !FB_BUG(OPENED_STAYS_OLD) &&
                  (fb_row_is_closed(&row->before) || fb_row_is_closed(&row->now)));
    for (size_t i = 0; !moves && i < e->scope_field_count; i++) {
        moves = mask_has(row, e->scope_fields[i]) || mask_has(row, e->scope_fields[i]->target_name);
    }
    return moves;
}

int fb_work_rescope_below(struct fb_work *w, struct fb_work_row *row, int depth)
{
    struct fb_work_row **children = NULL;
    size_t count = 0;
    int rc = fb_work_children(w, row, &children, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        bool is_done = children[i]->must_rescope || depth >= DEPTH_MAX;
        children[i]->must_rescope = true;
        rc = is_done ? FB_OK : fb_work_rescope_below(w, children[i], depth + 1);
    }
    return rc;
}

struct own_rows {
    struct fb_work *w;
    struct fb_id_list {
        char (*ids)[FB_ROW_ID_SIZE];
        size_t count, capacity;
    } people;
};

static int add_person(struct own_rows *o, const char *id)
{
    struct fb_id_list *l = &o->people;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->ids[i], id) == 0) {
            return FB_OK;
        }
    }
    char(*ids)[FB_ROW_ID_SIZE] =
        fb_arena_grow(o->w->arena, l->ids, l->count, &l->capacity, sizeof *ids);
    if (ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->ids = ids;
    memcpy(ids[l->count++], id, FB_ROW_ID_SIZE);
    return FB_OK;
}

static int take_person(void *ctx, const struct fb_row *row)
{
    return add_person(ctx, row->id);
}

static int take_own_row(void *ctx, const struct fb_row *row)
{
    struct own_rows *o = ctx;
    struct fb_work_row *own = NULL;
    int rc = fb_work_row(o->w, row->entity, row->id, &own);
    if (rc < 0 || own->must_rescope) {
        return rc;
    }
    own->must_rescope = true;
    return fb_work_rescope_below(o->w, own, 0);
}

/* Somebody has another manager: `own` rows of his and of all below him belong to others above (the managers' part of the rule). */
static int rescope_own(struct fb_work *w, const struct fb_work_row *employee)
{
    const struct fb_field *manager = fb_entity_field(employee->entity, "manager_id");
    struct own_rows o = {.w = w};
    int rc = add_person(&o, employee->id);
    for (size_t i = 0; rc == FB_OK && i < o.people.count; i++) {
        rc = fb_row_scan_by(w->store, employee->entity, manager, o.people.ids[i], take_person, &o);
    }
    for (size_t e = 0; rc == FB_OK && e < w->catalogue->entity_count; e++) {
        const struct fb_entity *own = &w->catalogue->entities[e];
        const struct fb_field *who =
            own->scope_field_count > 0 ? own->scope_fields[0] : own->owner_field;
        for (size_t i = 0;
             own->scope == FB_SCOPE_OWN && who != NULL && rc == FB_OK && i < o.people.count; i++) {
            rc = fb_row_scan_by(w->store, own, who, o.people.ids[i], take_own_row, &o);
        }
    }
    return rc;
}

static bool has_other_manager(const struct fb_work_row *row)
{
    return strcmp(row->entity->name, "employee") == 0 && row->was_here && row->is_here &&
           mask_has(row, fb_entity_field(row->entity, "manager_id"));
}

static int note_scopes_before(struct fb_work *w, bool *ret_moves)
{
    *ret_moves = false;
    for (size_t i = 0; i < w->row_count; i++) {
        struct fb_work_row *row = w->rows[i];
        int rc = row->was_here ? scope_before(w, &row->before, &row->scope_before) : FB_OK;
        if (rc == FB_OK && is_mover(row, w->hub->history_from_ms) &&
            !FB_BUG(MOVE_WITHOUT_DESCENDANTS)) {
            rc = fb_work_rescope_below(w, row, 0); /* adds rows, which this loop then meets */
            *ret_moves = true;
        }
        if (rc == FB_OK && has_other_manager(row)) {
            rc = rescope_own(w, row);
            *ret_moves = true;
        }
        *ret_moves = *ret_moves || row->was_here != row->is_here;
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* ---- Tables ---- */

static int by_entity(const void *a, const void *b)
{
    const struct fb_work_row *x = *(struct fb_work_row *const *)a;
    const struct fb_work_row *y = *(struct fb_work_row *const *)b;
    if (x->entity->index != y->entity->index) {
        return x->entity->index < y->entity->index ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

static struct fb_value instant(struct fb_work *w, int64_t ms)
{
    if (ms == w->stamp_ms && w->stamp.type == FB_TEXT) {
        return w->stamp;
    }
    char text[FB_INSTANT_SIZE];
    fb_instant_format(ms, text);
    const char *copy = fb_arena_strdup(w->arena, text);
    w->stamp = copy == NULL ? FB_VALUE_NULL : fb_value_text(copy);
    w->stamp_ms = ms;
    return w->stamp;
}

static struct fb_value author_of(const struct fb_work *w, const struct fb_work_row *row)
{
    return row->change == NULL ? FB_VALUE_NULL : fb_value_text(w->source.employee_id);
}

/* At a seal our own programs have filled the stamps; a stock tool has not. */
static bool is_stamped(const struct fb_work_row *row, int64_t at_ms)
{
    const struct fb_value *modified = &row->now.stamps[2];
    int64_t ms = 0;
    return modified->type == FB_TEXT && fb_instant_parse(modified->bytes, modified->size, &ms) &&
           ms >= at_ms - 2000;
}

static void stamp(struct fb_work *w, struct fb_work_row *row)
{
    struct fb_value *stamps = row->now.stamps;
    int64_t at_ms = row->edited_at_ms > 0 ? row->edited_at_ms : w->now_ms;
    if (fb_value_is_empty(&stamps[0])) {
        stamps[0] = instant(w, at_ms);
        stamps[1] = fb_value_is_empty(&stamps[1]) ? author_of(w, row) : stamps[1];
        row->writes_stamps = true;
    }
    if (!row->is_stored || !is_stamped(row, at_ms)) {
        stamps[2] = instant(w, at_ms);
        stamps[3] = author_of(w, row);
        row->writes_stamps = true;
    }
}

static int write_row(struct fb_work *w, struct fb_work_row *row)
{
    if (!row->was_here || row->has_changes) {
        stamp(w, row);
    }
    if (!row->was_here && !row->is_stored) {
        return fb_row_insert(w->store, &row->now);
    }
    bool has_fields = false;
    for (size_t i = 0; i < FB_ROW_MASK_WORDS; i++) {
        has_fields = has_fields || row->write_mask[i] != 0;
    }
    return has_fields || row->writes_stamps
               ? fb_row_update(w->store, &row->now, row->write_mask, row->writes_stamps)
               : FB_OK;
}

static int write_tables(struct fb_work *w)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < w->row_count; i++) {
        rc = w->rows[i]->is_here ? write_row(w, w->rows[i]) : FB_OK;
    }
    for (size_t i = w->row_count; rc == FB_OK && i > 0; i--) {
        struct fb_work_row *row = w->rows[i - 1];
        if (row->was_here && !row->is_here && !row->is_stored) {
            rc = fb_row_delete(w->store, row->entity, row->id);
        }
    }
    return rc;
}

/* ---- Log, digests, bin ---- */

static int move_digest(struct fb_work *w, const struct fb_work_row *row)
{
    struct fb_digest before;
    struct fb_digest after;
    int rc = row->was_here ? fb_row_digest(&row->before, &before) : FB_OK;
    if (rc == FB_OK && row->is_here) {
        rc = fb_row_digest(&row->now, &after);
    }
    return rc < 0
               ? rc
               : fb_history_digest_move(w->store, row->scope_before, row->was_here ? &before : NULL,
                                        row->scope_after, row->is_here ? &after : NULL);
}

static int log_entry(struct fb_work *w, struct fb_work_row *row, enum fb_log_op op, int64_t cause,
                     const char *changes)
{
    struct fb_log_entry entry = {.op = op,
                                 .entity = row->entity,
                                 .scope_before = row->scope_before,
                                 .scope_after = row->scope_after,
                                 .cause = cause,
                                 .edited_at_ms = row->edited_at_ms,
                                 .changes = changes};
    memcpy(entry.row_id, row->id, FB_ROW_ID_SIZE);
    fb_hub_note_touched(w->hub, row->scope_before);
    fb_hub_note_touched(w->hub, row->scope_after);
    int rc = op == FB_LOG_OP_NAMED ? FB_OK : fb_hub_note_scope_change(w->hub, row);
    return rc < 0 ? rc : fb_history_append(w->store, &entry, &row->delete_seq);
}

/* {"field":[old,new],...}; a third member is the field's own time, where it is not the entry's. Of a field that was written again
 * with the value that stood both are that value. */
static int changes_json(struct fb_work *w, const struct fb_work_row *row, const char **ret)
{
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '{');
    for (size_t i = 0; i < row->entity->field_count; i++) {
        if (!fb_mask_get(row->mask, (uint32_t)i) && !fb_mask_get(row->confirmed, (uint32_t)i)) {
            continue;
        }
        int64_t at_ms = row->field_at_ms == NULL ? 0 : row->field_at_ms[i];
        fb_buf_append_text(&w->text, w->text.size > 1 ? ",\"" : "\"");
        fb_buf_append_text(&w->text, row->entity->fields[i].name);
        fb_buf_append_text(&w->text, "\":[");
        fb_value_append_json(&w->text, &row->before.values[i]);
        fb_buf_append_byte(&w->text, ',');
        fb_value_append_json(&w->text, &row->now.values[i]);
        if (at_ms != 0 && at_ms != row->edited_at_ms) {
            fb_buf_printf(&w->text, ",%lld", (long long)at_ms);
        }
        fb_buf_append_byte(&w->text, ']');
    }
    fb_buf_append_byte(&w->text, '}');
    *ret = fb_buf_text(&w->text);
    return fb_buf_error(&w->text);
}

static int leave_bin(struct fb_work *w, const struct fb_work_row *row)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store, "DELETE FROM fb_bin WHERE entity = ?1 AND row_id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, row->entity->no);
    fb_sql_bind_text(q, 2, row->id);
    return fb_sql_run(q);
}

static int log_update(struct fb_work *w, struct fb_work_row *row)
{
    const char *changes = NULL;
    int rc = changes_json(w, row, &changes);
    return rc < 0 ? rc : log_entry(w, row, FB_LOG_OP_UPDATE, 0, changes);
}

static int log_new(struct fb_work *w, struct fb_work_row *row)
{
    int rc = log_entry(w, row, row->is_restored ? FB_LOG_OP_RESTORE : FB_LOG_OP_INSERT,
                       row->bin_cause, NULL);
    if (rc == FB_OK && (row->bin_cause > 0 || (w->is_seal && !w->is_bin_empty))) {
        rc = leave_bin(w, row);
    }
    if (rc == FB_OK && row->is_restored && row->has_changes) {
        row->scope_before = row->scope_after;
        rc = log_update(w, row);
    }
    return rc;
}

static int count_steps(struct fb_work *w, const struct fb_work_row *row)
{
    int rc = FB_OK;
    for (const struct fb_counted_step *step = row->steps; rc == FB_OK && step != NULL;
         step = step->next) {
        FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
        rc = fb_sql_begin(
            w->store, "INSERT INTO fb_step (id, rev) VALUES (?1, ?2) ON CONFLICT DO NOTHING", &q);
        if (rc == FB_OK) {
            fb_sql_bind_bytes(q, 1, step->id, sizeof step->id);
            fb_sql_bind_int(q, 2, w->rev);
            rc = fb_sql_run(q);
        }
    }
    return rc;
}

static int log_present(struct fb_work *w, struct fb_work_row *row, bool moves)
{
    int rc = FB_OK;
    bool may_differ =
        !row->was_here || row->must_rescope || (moves && is_mover(row, w->hub->history_from_ms));
    row->scope_after = row->scope_before;
    if (may_differ) {
        rc = scope_of(w, &row->now, &row->scope_after);
    }
    if (rc < 0) {
        return rc;
    }
    bool is_moved = row->scope_after != row->scope_before;
    if (!row->was_here || row->has_changes || is_moved) {
        rc = move_digest(w, row);
    }
    if (rc < 0) {
        return rc;
    }
    if (!row->was_here) {
        rc = log_new(w, row);
    } else if (row->has_changes || row->has_confirmed) {
        rc = log_update(w, row);
    } else if (is_moved) {
        rc = log_entry(w, row, FB_LOG_OP_SCOPE, 0, NULL);
    } else if (row->is_named) {
        rc = log_entry(w, row, FB_LOG_OP_NAMED, 0, NULL);
    }
    return rc == FB_OK ? count_steps(w, row) : rc;
}

static int enter_bin(struct fb_work *w, const struct fb_work_row *row, int64_t cause)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(w->store,
                     "INSERT INTO fb_bin (entity, row_id, cause, image) VALUES (?1, ?2, ?3, ?4)"
                     " ON CONFLICT (entity, row_id) DO UPDATE SET cause = excluded.cause, image = "
                     "excluded.image",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, row->entity->no);
    fb_sql_bind_text(q, 2, row->id);
    fb_sql_bind_int(q, 3, cause);
    fb_sql_bind_text(q, 4, fb_buf_text(&w->text));
    return fb_sql_run(q);
}

static int log_gone(struct fb_work *w, struct fb_work_row *row)
{
    int64_t cause =
        row->delete_top == row || row->delete_top == NULL ? 0 : row->delete_top->delete_seq;
    int rc = move_digest(w, row);
    if (rc == FB_OK && row->has_changes) {
        row->scope_after = row->scope_before; /* edited, then deleted: the bin keeps the edit */
        rc = log_update(w, row);
        row->scope_after = 0;
    }
    if (rc < 0) {
        return rc;
    }
    fb_buf_clear(&w->text);
    fb_row_append_json(&w->text, row->has_changes ? &row->now : &row->before);
    rc = fb_buf_error(&w->text);
    rc = rc < 0 ? rc : log_entry(w, row, FB_LOG_OP_DELETE, cause, fb_buf_text(&w->text));
    return rc < 0 ? rc : enter_bin(w, row, cause > 0 ? cause : row->delete_seq);
}

/* The topmost rows first: their entries are the causes of the others. */
static int log_deletes(struct fb_work *w, bool is_top_turn)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < w->row_count; i++) {
        struct fb_work_row *row = w->rows[i];
        bool is_top = row->delete_top == row || row->delete_top == NULL;
        if (row->was_here && !row->is_here && is_top == is_top_turn) {
            rc = log_gone(w, row);
        }
    }
    return rc;
}

static int log_absent_names(struct fb_work *w)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < w->row_count; i++) {
        struct fb_work_row *row = w->rows[i];
        if (!row->was_here && !row->is_here && row->is_named) {
            rc = log_entry(w, row, FB_LOG_OP_NAMED, 0, NULL);
        }
    }
    return rc;
}

int fb_work_write(struct fb_work *w)
{
    bool moves = false;
    int rc = fb_territory_history_add(w);
    rc = rc < 0 ? rc : fb_decisions_note(w);
    rc = rc < 0 ? rc : note_scopes_before(w, &moves);
    if (w->row_count > 1) {
        qsort(w->rows, w->row_count, sizeof *w->rows, by_entity);
    }
    rc = rc < 0 ? rc : write_tables(w);
    if (moves) {
        fb_scope_cache_clear(w->hub->scopes);
    }
    for (size_t i = 0; rc == FB_OK && i < w->row_count; i++) {
        if (w->rows[i]->is_here) {
            rc = log_present(w, w->rows[i], moves);
        }
    }
    rc = rc < 0 ? rc : log_deletes(w, true);
    rc = rc < 0 ? rc : log_deletes(w, false);
    return rc < 0 ? rc : log_absent_names(w);
}
