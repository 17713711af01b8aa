/* SPDX-License-Identifier: MIT
 *
 * May the person who sent it change that? Asked of every row a push names, when its values are merged and nothing is written yet. The
 * person is the one the device's certificate stands for; a held change that is tried again is judged by whoever decided so,
 * headquarters' own programs are not judged here.
 *
 * A record that was his when he last saw headquarters (at the change's cursor) counts as his: what he wrote then is merged, though it
 * belongs to somebody else by now (rule 23).
 */
#include <stdio.h>

#include "server/internal.h"
#include "server/merging.h"
#include "server/past.h"

struct right_rows {
    struct fb_work *w;
    int64_t cursor; /* as it was then; 0: as headquarters has it before this push */
};

struct overlay {
    struct fb_arena *arena;
    struct fb_row *row;
    int error;
};

static int lay_over(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    struct overlay *o = ctx;
    return fb_value_copy(o->arena, old, &o->row->values[field->index]);
}

/* The row as it was at the cursor: what changed since is put back. */
static int as_then(struct fb_work *w, int64_t cursor, struct fb_arena *arena, struct fb_row *row)
{
    struct fb_row copy;
    int rc = fb_row_copy(arena, row, &copy);
    struct overlay o = {.arena = arena, .row = &copy};
    rc = rc < 0 ? rc : fb_history_old_values(w->store, row->entity, row->id, cursor, lay_over, &o);
    if (rc == FB_OK) {
        *row = copy;
    }
    return rc;
}

/* What a row hangs on: as it is before the push, or as the push makes it if it is new. */
static int read_row(void *ctx, const struct fb_entity *e, const char *id, struct fb_arena *arena,
                    struct fb_row *ret, bool *ret_found)
{
    struct right_rows *rows = ctx;
    struct fb_work_row *known = fb_work_find(rows->w, e, id);
    int rc = FB_OK;
    *ret_found = true;
    if (known == NULL) {
        rc = fb_row_read(rows->w->store, e, id, arena, ret, ret_found);
    } else if (known->was_here || known->bin_cause > 0) {
        *ret = known->before;
    } else if (known->is_here) {
        *ret = known->now;
    } else {
        *ret_found = false;
    }
    return rc == FB_OK && *ret_found && rows->cursor > 0
               ? as_then(rows->w, rows->cursor, arena, ret)
               : rc;
}

/* The territories the company was in then. */
static int read_territories(void *ctx, const char *company_id,
                            void (*met)(void *met_ctx, const struct fb_value *territory),
                            void *met_ctx)
{
    struct right_rows *rows = ctx;
    char scope[64];
    snprintf(scope, sizeof scope, "company:%s", company_id);
    struct fb_past_ask ask = {.entity = "company_territory",
                              .fields = {"territory_id"},
                              .by_field = "company_id",
                              .by_id = company_id,
                              .scope = scope,
                              .rev = rows->cursor > 0 ? rows->cursor : FB_PAST_NOW};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_past_table table = {0};
    int rc = fb_past_read(rows->w->store, &ask, &arena, &table);
    for (size_t i = 0; rc == FB_OK && i < table.count; i++) {
        struct fb_value territory = fb_value_text(table.rows[i].columns[1]);
        met(met_ctx, &territory);
    }
    return rc;
}

/* Fields the push means to write. What only headquarters writes is never taken and judged there. */
static void mark_written(const struct fb_work_row *row, bool is_insert, uint64_t *mask)
{
    for (size_t i = 0; i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        const struct fb_field *f = fb_entity_field_no(row->entity, c->field_no);
        if (f == NULL || f->is_server_only) {
            continue;
        }
        const struct fb_value *from = is_insert ? &f->initial : &c->base;
        bool is_empty = fb_value_is_empty(from) && fb_value_is_empty(&c->mine);
        if (!is_empty && !fb_value_equal(from, &c->mine)) {
            fb_mask_put(mask, f->index);
        }
    }
}

static int hold(struct fb_work *w, struct fb_work_row *row, const struct fb_may_answer *answer)
{
    bool is_field = answer->reason == FB_MAY_FIELD_HIDDEN || answer->reason == FB_MAY_FIELD_READ;
    return fb_ingest_hold(w, row, is_field ? FB_HELD_FIELD_RIGHT : FB_HELD_RIGHT, "%s",
                          answer->why.text);
}

/* How near the row was at the cursor of the change. */
static int find_old_level(struct fb_work *w, struct fb_rights *rights, const struct fb_change *c,
                          const struct fb_may_ask *ask, enum fb_level *ret)
{
    struct right_rows then = {.w = w, .cursor = c->cursor};
    struct fb_may_rows rows = {.ctx = &then, .read = read_row, .territories = read_territories};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row old = *ask->old;
    int rc = c->cursor > 0 ? as_then(w, c->cursor, &arena, &old) : FB_OK;
    fb_rights_forget(rights); /* what it remembers is of now */
    rc = rc < 0 ? rc : fb_rights_relation(rights, w->store, &rows, ask->action, &old, ret);
    fb_rights_forget(rights);
    return rc;
}

static int judge(struct fb_work *w, struct fb_work_row *row, struct fb_rights *rights)
{
    bool is_delete = row->change->op == FB_CHANGE_DELETE;
    bool is_there = row->was_here || row->bin_cause > 0;
    uint64_t mask[FB_ROW_MASK_WORDS] = {0};
    struct right_rows as_now = {.w = w};
    struct fb_may_rows rows = {.ctx = &as_now, .read = read_row};
    struct fb_may_ask ask = {.action = is_delete  ? FB_ACTION_DELETE
                                       : is_there ? FB_ACTION_EDIT
                                                  : FB_ACTION_CREATE,
                             .old = is_there ? &row->before : NULL,
                             .now = is_delete ? NULL : &row->now,
                             .mask = mask,
                             .rows = &rows};
    struct fb_may_answer answer;
    if (is_delete && !row->was_here) {
        return FB_OK; /* gone already */
    }
    mark_written(row, row->change->op == FB_CHANGE_INSERT, mask);
    int rc = fb_may(rights, w->store, &ask, &answer);
    if (rc == FB_OK && answer.reason == FB_MAY_RIGHT_RECORD && ask.old != NULL) {
        rc = find_old_level(w, rights, row->change, &ask, &ask.old_was);
        rc = rc < 0 ? rc : fb_may(rights, w->store, &ask, &answer);
    }
    return rc < 0 || answer.reason == FB_MAY_YES ? rc : hold(w, row, &answer);
}

/* One of the two records of a merging, as a record by itself. */
static int judge_merged(struct fb_work *w, struct fb_work_row *job, struct fb_rights *rights,
                        const char *field, enum fb_action action)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    static const uint64_t NO_FIELDS[FB_ROW_MASK_WORDS] = {0};
    const struct fb_entity *e =
        fb_catalogue_entity(w->catalogue, fb_work_text(w, &job->now, "entity"));
    const char *wanted = fb_work_text(w, &job->now, field);
    char id[FB_ROW_ID_SIZE];
    struct right_rows as_now = {.w = w};
    struct fb_may_rows rows = {.ctx = &as_now, .read = read_row};
    struct fb_row record;
    bool is_there = false;
    if (e == NULL || !fb_id_is_valid(wanted, strlen(wanted))) {
        return FB_OK; /* the merging itself says so */
    }
    memcpy(id, wanted, sizeof id);
    int rc = action == FB_ACTION_EDIT ? fb_redirect_follow(w, e, id, &(bool){false}) : FB_OK;
    rc = rc < 0 ? rc : read_row(&as_now, e, id, &arena, &record, &is_there);
    if (rc < 0 || !is_there) {
        return rc;
    }
    struct fb_may_ask ask = {.action = action,
                             .old = &record,
                             .now = action == FB_ACTION_EDIT ? &record : NULL,
                             .mask = NO_FIELDS,
                             .rows = &rows};
    struct fb_may_answer answer;
    rc = fb_may(rights, w->store, &ask, &answer);
    if (rc == FB_OK && answer.reason == FB_MAY_RIGHT_RECORD) {
        rc = find_old_level(w, rights, job->change, &ask, &ask.old_was);
        rc = rc < 0 ? rc : fb_may(rights, w->store, &ask, &answer);
    }
    return rc < 0 || answer.reason == FB_MAY_YES ? rc : hold(w, job, &answer);
}

/* A merging writes to one record and takes the other away: whoever wishes it may do both. */
static int judge_merging(struct fb_work *w, struct fb_work_row *job, struct fb_rights *rights)
{
    bool was_wished = job->was_here && fb_row_has_text(&job->before, "state", "merged");
    if (!job->is_here || was_wished || !fb_row_has_text(&job->now, "state", "merged")) {
        return FB_OK;
    }
    int rc = judge_merged(w, job, rights, "keep_id", FB_ACTION_EDIT);
    bool is_held = job->aggregate != NULL && job->aggregate->is_held;
    return rc < 0 || is_held ? rc : judge_merged(w, job, rights, "drop_id", FB_ACTION_DELETE);
}

int fb_ingest_rights(struct fb_work *w)
{
    const char *who = w->source.judged_by;
    struct fb_rights *rights = NULL;
    if (who == NULL || FB_BUG(RIGHT_NOT_CHECKED)) {
        return FB_OK; /* headquarters itself */
    }
    int rc = fb_hub_rights(w->hub, who, w->now_ms, &rights);
    size_t count = w->row_count;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        bool is_named = row->change != NULL && row->change->op != FB_CHANGE_NAMED;
        bool is_held = row->aggregate != NULL && row->aggregate->is_held;
        bool is_judged =
            is_named && !is_held && (row->is_here || row->was_here || row->bin_cause > 0);
        rc = is_judged ? judge(w, row, rights) : FB_OK;
        is_held = row->aggregate != NULL && row->aggregate->is_held;
        rc = rc == FB_OK && is_judged && !is_held && strcmp(row->entity->name, "merge_job") == 0
                 ? judge_merging(w, row, rights)
                 : rc;
    }
    return rc;
}
