/* SPDX-License-Identifier: MIT
 *
 * What cannot travel must not stop what can (law: sync never sticks). A tool may write a value larger than any message, or count
 * a field up a hundred thousand times; such a change is made to fit before it is frozen:
 *
 *     steps      runs of STEP_RUN become one, with the id of the first. Runs begin at the journal's first step, so that a copied
 *                laptop makes the same ones
 *     large      steps of a field that is no sum are left out; then whole groups that do not fit
 *
 * A group that is left out stays in the table until the next cut answers the row, which the push still names; its values are kept
 * as found (rule 24), for a person.
 */
#include <string.h>

#include "common/sync/replica_internal.h"

enum {
    STEP_RUN = 1024,
    STEPS_MAX = 4096, /* of a field, before runs are made */
    CHANGE_BYTES_MAX =
        1000000, /* a part with this one change must fit a frame though nothing compresses */
    FIELD_BYTES = 16,
};

static size_t steps_weight(const struct fb_field_change *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->step_count; i++) {
        bytes += FIELD_BYTES + f->steps[i].from.size + f->steps[i].to.size;
    }
    return bytes;
}

static size_t field_weight(const struct fb_field_change *f)
{
    return FIELD_BYTES + f->base.size + f->mine.size + steps_weight(f);
}

static bool has_large_value(const struct fb_field_change *f)
{
    bool is_large = f->base.size > FB_VALUE_BYTES_MAX || f->mine.size > FB_VALUE_BYTES_MAX;
    for (size_t i = 0; i < f->step_count && !is_large; i++) {
        is_large =
            f->steps[i].from.size > FB_VALUE_BYTES_MAX || f->steps[i].to.size > FB_VALUE_BYTES_MAX;
    }
    return is_large;
}

bool fb_change_fits(const struct fb_change *change)
{
    size_t weight = 0;
    for (size_t i = 0; i < change->field_count; i++) {
        const struct fb_field_change *f = &change->fields[i];
        weight += field_weight(f);
        if (f->step_count > STEPS_MAX || has_large_value(f)) {
            return false;
        }
    }
    return weight <= CHANGE_BYTES_MAX;
}

static int make_runs(struct fb_field_change *f, struct fb_arena *arena)
{
    size_t runs = f->step_count / STEP_RUN;
    size_t rest = f->step_count % STEP_RUN;
    struct fb_step *steps = fb_arena_alloc(arena, (runs + rest) * sizeof *steps);
    if (steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < runs; i++) {
        const struct fb_step *last = &f->steps[(i + 1) * STEP_RUN - 1];
        steps[i] = f->steps[i * STEP_RUN];
        steps[i].to = last->to;
        steps[i].at_ms = last->at_ms;
    }
    memcpy(steps + runs, f->steps + runs * STEP_RUN, rest * sizeof *steps);
    f->steps = steps;
    f->step_count = runs + rest;
    return FB_OK;
}

static uint32_t group_of(const struct fb_entity *e, const struct fb_field_change *f)
{
    const struct fb_field *field = fb_entity_field_no(e, f->field_no);
    return field == NULL ? UINT32_MAX : field->group;
}

static bool is_sum(const struct fb_entity *e, const struct fb_field_change *f)
{
    const struct fb_field *field = fb_entity_field_no(e, f->field_no);
    return field != NULL && field->policy == FB_MERGE_SUM;
}

/* True if the group's members may go; adds what they weigh. */
static bool group_fits(const struct fb_entity *e, const struct fb_change *change, uint32_t group,
                       size_t *weight)
{
    size_t own = 0;
    for (size_t i = 0; i < change->field_count; i++) {
        if (group_of(e, &change->fields[i]) == group) {
            own += field_weight(&change->fields[i]);
            if (has_large_value(&change->fields[i])) {
                return false;
            }
        }
    }
    if (*weight + own > CHANGE_BYTES_MAX) {
        return false;
    }
    *weight += own;
    return true;
}

static int keep_left_out(const struct fb_found *found, const struct fb_entity *e,
                         const struct fb_change *change, const struct fb_field_change *f)
{
    const struct fb_field *field = fb_entity_field_no(e, f->field_no);
    if (change->op == FB_CHANGE_DELETE || field == NULL || fb_value_equal(&f->base, &f->mine)) {
        return FB_OK;
    }
    return fb_found_value(found, e, change->row_id, field->name, &f->mine);
}

static int leave_out_groups(const struct fb_found *found, const struct fb_entity *e,
                            struct fb_change *change)
{
    size_t weight = 0;
    size_t kept = 0;
    bool stays[FB_FIELDS_MAX] = {false};
    for (size_t g = 0; g < e->group_count; g++) {
        stays[g] = group_fits(e, change, (uint32_t)g, &weight);
    }
    for (size_t i = 0; i < change->field_count; i++) {
        uint32_t group = group_of(e, &change->fields[i]);
        if (group != UINT32_MAX && stays[group]) {
            change->fields[kept++] = change->fields[i];
            continue;
        }
        int rc = keep_left_out(found, e, change, &change->fields[i]);
        if (rc < 0) {
            return rc;
        }
    }
    change->field_count = kept;
    if (kept == 0 && change->op == FB_CHANGE_UPDATE) {
        change->op = FB_CHANGE_NAMED;
    }
    return FB_OK;
}

int fb_change_make_fit(const struct fb_found *found, const struct fb_change *change,
                       struct fb_arena *arena, struct fb_change *ret)
{
    const struct fb_entity *e =
        fb_catalogue_entity_no(fb_store_catalogue(found->store), change->entity_no);
    struct fb_change fit = *change;
    fit.fields = fb_arena_alloc(arena, change->field_count * sizeof *fit.fields);
    if (e == NULL || fit.fields == NULL) {
        return e == NULL ? FB_ERR_DAMAGED : FB_ERR_NO_MEMORY;
    }
    memcpy(fit.fields, change->fields, change->field_count * sizeof *fit.fields);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < fit.field_count; i++) {
        rc = fit.fields[i].step_count > STEPS_MAX ? make_runs(&fit.fields[i], arena) : FB_OK;
    }
    for (size_t i = 0; !fb_change_fits(&fit) && i < fit.field_count; i++) {
        fit.fields[i].step_count = is_sum(e, &fit.fields[i]) ? fit.fields[i].step_count : 0;
    }
    if (rc == FB_OK && !fb_change_fits(&fit)) {
        rc = leave_out_groups(found, e, &fit);
    }
    if (rc == FB_OK) {
        *ret = fit;
    }
    return rc;
}
