/* SPDX-License-Identifier: MIT
 *
 * What must be true of the rows a push changed, once everything is merged: required fields are filled, references point to rows that
 * are there (one in the bin comes back, rule 19), nothing is its own ancestor. The rest (types, choices, ranges) was checked value
 * by value.
 */
#include "server/internal.h"

#define ANCESTORS_MAX 64

static bool is_to_check(const struct fb_work_row *row, const struct fb_field *f)
{
    return (!row->was_here && !row->is_restored) || fb_mask_get(row->mask, f->index);
}

static int check_required(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f)
{
    bool is_missing = f->is_required && f->visibility == FB_SEEN_BY_ALL && !f->is_server_only &&
                      fb_value_is_empty(&row->now.values[f->index]);
    return is_missing ? fb_ingest_hold(w, row, FB_HELD_RULE, "%s of this %s must be filled.",
                                       fb_field_label(f), fb_entity_label(row->entity))
                      : FB_OK;
}

/* The row itself is above the row it shall hang on. */
static int check_cycle(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f,
                       const char *target)
{
    char id[FB_ROW_ID_SIZE];
    memcpy(id, target, FB_ROW_ID_SIZE);
    for (int depth = 0; depth < ANCESTORS_MAX; depth++) {
        if (strcmp(id, row->id) == 0) {
            return fb_ingest_hold(w, row, FB_HELD_RULE, "%s would make this %s stand above itself.",
                                  fb_field_label(f), fb_entity_label(row->entity));
        }
        const struct fb_work_row *known = fb_work_find(w, row->entity, id);
        struct fb_row above;
        bool is_found = known != NULL && known->is_here;
        int rc = FB_OK;
        if (known == NULL) {
            rc = fb_row_read(w->store, row->entity, id, w->arena, &above, &is_found);
        } else {
            above = known->now;
        }
        if (rc < 0 || !is_found || !fb_value_to_id(&above.values[f->index], id)) {
            return rc;
        }
    }
    return FB_OK;
}

/* "Not there" and "not yours" are answered alike: nobody learns from it what exists (G7). */
static int hold_missing(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f,
                        const struct fb_entity *target)
{
    return fb_ingest_hold(w, row, FB_HELD_MISSING_ROW,
                          "%s of this %s points to a %s that is not at headquarters, or not among "
                          "your accounts.",
                          fb_field_label(f), fb_entity_label(row->entity), fb_entity_label(target));
}

/* May the author know of the row that his change points to? What stood there before he need not have chosen. */
static int sees_target(struct fb_work *w, const struct fb_work_row *row, const struct fb_field *f,
                       const struct fb_entity *target, const char *id, bool *ret)
{
    struct fb_work_row *there = NULL;
    bool is_his = row->change != NULL && (!row->was_here || fb_mask_get(row->mask, f->index));
    if (!is_his || target->scope == FB_SCOPE_GLOBAL || w->source.device_id == NULL ||
        FB_BUG(TARGET_NOT_JUDGED)) {
        return FB_OK;
    }
    int rc = fb_work_row(w, target, id, &there);
    return rc < 0 ? rc : fb_judge_sees(w, there, row->change->cursor, ret);
}

static int check_reference(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f)
{
    const struct fb_value *v = &row->now.values[f->index];
    const struct fb_entity *target = fb_row_target(&row->now, f);
    char id[FB_ROW_ID_SIZE];
    if (fb_value_is_empty(v)) {
        return FB_OK;
    }
    if (target == NULL || !fb_value_to_id(v, id)) {
        return fb_ingest_hold(w, row, FB_HELD_RULE,
                              "%s of this %s points to nothing that is known.", fb_field_label(f),
                              fb_entity_label(row->entity));
    }
    bool is_here = false;
    bool is_seen = true;
    int rc = fb_work_is_here(w, target, id, &is_here);
    rc = rc < 0 ? rc : sees_target(w, row, f, target, id, &is_seen);
    if (rc < 0) {
        return rc;
    }
    if (!is_seen) {
        return hold_missing(w, row, f, target);
    }
    struct fb_work_row *there = fb_work_find(w, target, id);
    if (is_here) {
        if (there != NULL && there->is_restored) {
            rc = fb_ingest_restore(w, there, row); /* one more who asks for it */
        }
        return rc == FB_OK && target == row->entity ? check_cycle(w, row, f, id) : rc;
    }
    rc = fb_work_row(w, target, id, &there);
    if (rc == FB_OK && there->bin_cause > 0) {
        return fb_ingest_restore(w, there, row);
    }
    return rc < 0 ? rc : hold_missing(w, row, f, target);
}

static int check_row(struct fb_work *w, struct fb_work_row *row)
{
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        bool is_checked = is_to_check(row, f);
        int rc = is_checked ? check_required(w, row, f) : FB_OK;
        bool is_reference = f->type == FB_TYPE_REF || f->type == FB_TYPE_POLY;
        bool is_retargeted = f->target_name != NULL && is_to_check(row, f->target_name);
        if (rc == FB_OK && is_reference && (is_checked || is_retargeted) && row->is_here) {
            rc = check_reference(w, row, f);
        }
        if (rc < 0 || row->aggregate->is_held) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_ingest_check(struct fb_work *w)
{
    if (FB_BUG(RULES_NOT_CHECKED)) {
        return FB_OK;
    }
    for (size_t i = 0; i < w->row_count; i++) {
        struct fb_work_row *row = w->rows[i];
        bool is_checked = row->change != NULL && row->is_here &&
                          (row->has_changes || !row->was_here) && row->aggregate != NULL &&
                          !row->aggregate->is_held;
        int rc = is_checked ? check_row(w, row) : FB_OK;
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}
