/* SPDX-License-Identifier: MIT
 *
 * The way of an opportunity through its stages: one row per step its author made, with the time of each, though they travelled as
 * one change.
 */
#include "server/internal.h"

static const struct fb_field_change *find_change(const struct fb_change *c,
                                                 const struct fb_field *f)
{
    for (size_t i = 0; c != NULL && i < c->field_count; i++) {
        if (c->fields[i].field_no == f->no) {
            return &c->fields[i];
        }
    }
    return NULL;
}

static int add_step(struct fb_work *w, struct fb_work_row *row, const struct fb_value *from,
                    const struct fb_value *to, int64_t at_ms)
{
    const struct fb_entity *history = fb_catalogue_entity(w->catalogue, "stage_history");
    struct fb_work_row *step = NULL;
    struct fb_value null = FB_VALUE_NULL;
    if (fb_value_is_empty(to) || fb_value_equal(from, to)) {
        return FB_OK;
    }
    int rc = fb_work_add(w, history, &step);
    rc = rc < 0 ? rc : fb_work_set_text(w, step, "opportunity_id", row->id);
    rc = rc < 0 ? rc
                : fb_work_set_named(w, step, "from_stage_id", from->type == FB_TEXT ? from : &null);
    rc = rc < 0 ? rc : fb_work_set_named(w, step, "to_stage_id", to);
    rc = rc < 0 ? rc : fb_work_set_instant(w, step, "at", at_ms);
    rc = rc < 0 ? rc : fb_work_set_text(w, step, "by_id", w->source.employee_id);
    return rc < 0 ? rc : fb_ingest_aggregate(w, step); /* held with its opportunity */
}

int fb_stage_history_add(struct fb_work *w, struct fb_work_row *row)
{
    bool is_one = strcmp(row->entity->name, "opportunity") == 0 && w->source.employee_id != NULL &&
                  row->is_here;
    const struct fb_field *f = is_one ? fb_entity_field(row->entity, "stage_id") : NULL;
    bool is_new = w->is_seal && !row->was_here;
    if (f == NULL || (!is_new && !fb_mask_get(row->mask, f->index)) ||
        fb_catalogue_entity(w->catalogue, "stage_history") == NULL) {
        return FB_OK;
    }
    const struct fb_field_change *change = find_change(row->change, f);
    if (change == NULL || change->step_count == 0) {
        struct fb_value from = row->was_here ? row->before.values[f->index] : FB_VALUE_NULL;
        return add_step(w, row, &from, &row->now.values[f->index], row->edited_at_ms);
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < change->step_count; i++) {
        const struct fb_step *step = &change->steps[i];
        int64_t at_ms = 0;
        rc = fb_ingest_clock(w, row->change->cursor, step->at_ms, &at_ms);
        rc = rc < 0 ? rc : add_step(w, row, &step->from, &step->to, at_ms);
    }
    return rc;
}
