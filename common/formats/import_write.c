/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/formats/import_line.h"

static int write_key(struct fb_import_work *w, const struct fb_plan *plan)
{
    const struct fb_entity *e = w->key_entity;
    struct fb_value values[FB_FIELDS_MAX] = {{.type = FB_ABSENT}};
    struct fb_row row = {.entity = e, .values = values};
    fb_id_make(w->options->now_ms, &w->options->random, row.id);
    for (size_t i = 0; i < e->field_count; i++) {
        values[i] = FB_VALUE_NULL;
    }
    values[fb_entity_field(e, "system")->index] = fb_value_text(plan->rule->system);
    values[fb_entity_field(e, "external_id")->index] = fb_value_text(plan->code);
    values[fb_entity_field(e, "entity")->index] = fb_value_text(plan->row.entity->name);
    values[fb_entity_field(e, "record_id")->index] = fb_value_text(plan->row.id);
    return fb_row_insert(w->store, &row);
}

static int write_plan(struct fb_import_work *w, const struct fb_plan *plan)
{
    int rc = FB_OK;
    if (plan->state == FB_PLAN_NEW) {
        rc = fb_row_insert(w->store, &plan->row);
    } else if (plan->state == FB_PLAN_UPDATED) {
        rc = fb_row_update(w->store, &plan->row, plan->mask, false);
    }
    if (rc == FB_OK && plan->state != FB_PLAN_SKIPPED && plan->adds_key) {
        rc = write_key(w, plan);
    }
    return rc;
}

static int write_all(struct fb_import_work *w, size_t first, size_t last)
{
    int rc = FB_OK;
    for (size_t i = first; i < last && rc == FB_OK; i++) {
        rc = write_plan(w, &w->plans[i]);
    }
    return rc;
}

static int note_all(struct fb_import_work *w, size_t first, size_t last)
{
    int rc = FB_OK;
    for (size_t i = first; i < last && rc == FB_OK; i++) {
        const struct fb_plan *p = &w->plans[i];
        if (p->state == FB_PLAN_NEW || p->state == FB_PLAN_UPDATED) {
            rc = fb_lookup_note_row(w->lookup, &p->row, p->state == FB_PLAN_NEW ? NULL : p->mask);
        }
        if (rc == FB_OK && p->state != FB_PLAN_SKIPPED && p->adds_key) {
            rc = fb_lookup_add_key(w->lookup, p->rule->system, p->row.entity, p->code, p->row.id);
        }
    }
    return rc;
}

static bool writes_anything(const struct fb_import_work *w, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        const struct fb_plan *p = &w->plans[i];
        if (p->state == FB_PLAN_NEW || p->state == FB_PLAN_UPDATED || p->adds_key) {
            return true;
        }
    }
    return false;
}

int fb_import_write(struct fb_import_work *w, size_t first, size_t last, struct fb_why *why)
{
    if (!writes_anything(w, first, last)) {
        return FB_OK;
    }
    int rc = fb_store_savepoint(w->store);
    if (rc < 0) {
        return fb_store_error(w->store, why);
    }
    rc = write_all(w, first, last);
    if (rc < 0) {
        fb_ignore(fb_store_error(w->store, why), "the sentence is what is wanted");
        int undone = fb_store_savepoint_undo(w->store);
        return undone < 0 ? undone : rc;
    }
    rc = fb_store_savepoint_release(w->store);
    return rc < 0 ? fb_store_error(w->store, why) : note_all(w, first, last);
}
