/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/formats/import_line.h"

static void mask_add(struct fb_plan *plan, const struct fb_field *f)
{
    plan->mask[f->index / 64] |= (uint64_t)1 << (f->index % 64);
}

static int read_set(struct fb_import_work *w, struct fb_arena *arena, const struct fb_map_set *set,
                    struct fb_plan *plan, struct fb_why *why)
{
    const char *text = NULL;
    int rc = fb_import_text(w, arena, &set->value, &text, why);
    struct fb_value *value = &plan->row.values[set->field->index];
    if (rc < 0) {
        return rc;
    }
    if (text == NULL) {
        /* A required field keeps what it has; so does one that says so. */
        bool keeps = set->keeps_when_blank || set->field->is_required;
        *value = keeps ? (struct fb_value){.type = FB_ABSENT} : FB_VALUE_NULL;
        return FB_OK;
    }
    rc = fb_field_parse(set->field, text, strlen(text), arena, value, why);
    if (rc == FB_OK && set->field->type == FB_TYPE_POLY && set->value.entity != NULL &&
        set->field->target_name != NULL) {
        plan->row.values[set->field->target_name->index] = fb_value_text(set->value.entity->name);
    }
    return rc;
}

static int read_sets(struct fb_import_work *w, struct fb_arena *arena, struct fb_plan *plan,
                     struct fb_why *why)
{
    for (size_t i = 0; i < plan->rule->set_count; i++) {
        int rc = read_set(w, arena, &plan->rule->sets[i], plan, why);
        if (rc == FB_ERR_INVALID && plan->rule != &w->mapping->rules[w->mapping->main_rule]) {
            struct fb_why inner = *why;
            fb_why_set(why, "%s: %s", plan->rule->name, inner.text);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* An earlier rule of the same line that made the row with this code (an agent who is his own manager). */
static const struct fb_plan *same_code_in_line(const struct fb_import_work *w,
                                               const struct fb_plan *plan)
{
    for (const struct fb_plan *p = w->plans; p < plan; p++) {
        if (p->state == FB_PLAN_NEW && p->code != NULL && p->row.entity == plan->row.entity &&
            strcmp(p->rule->system, plan->rule->system) == 0 && strcmp(p->code, plan->code) == 0) {
            return p;
        }
    }
    return NULL;
}

static int find_by_code(struct fb_import_work *w, struct fb_plan *plan, bool *ret_found)
{
    const struct fb_plan *same = same_code_in_line(w, plan);
    if (same != NULL) {
        memcpy(plan->row.id, same->row.id, FB_ROW_ID_SIZE);
        *ret_found = true;
        return FB_OK;
    }
    return fb_lookup_by_key(w->lookup, plan->rule->system, plan->row.entity, plan->code,
                            plan->row.id, ret_found);
}

/* True if a field to match by points to a row that this very line makes: nothing can match then. */
static bool hangs_on_new_row(const struct fb_import_work *w, const struct fb_plan *plan)
{
    for (size_t i = 0; i < plan->rule->match_count; i++) {
        for (size_t s = 0; s < plan->rule->set_count; s++) {
            const struct fb_map_set *set = &plan->rule->sets[s];
            if (set->field == plan->rule->match[i] && set->value.kind == FB_MAP_ROW &&
                w->plans[set->value.rule].state == FB_PLAN_NEW) {
                return true;
            }
        }
    }
    return false;
}

static int find_by_match(struct fb_import_work *w, struct fb_plan *plan, bool *ret_found,
                         struct fb_why *why)
{
    struct fb_value values[FB_MAP_FIELDS_MAX];
    size_t count = plan->rule->match_count;
    if (hangs_on_new_row(w, plan)) {
        return FB_OK;
    }
    bool has_value = false;
    for (size_t i = 0; i < count; i++) {
        values[i] = plan->row.values[plan->rule->match[i]->index];
        has_value = has_value || !fb_value_is_empty(&values[i]);
    }
    if (!has_value) {
        return FB_OK;
    }
    int rc = fb_lookup_by_fields(w->lookup, plan->row.entity, plan->rule->match, values, count,
                                 plan->row.id, ret_found);
    if (rc == FB_ERR_EXISTS) {
        return fb_fail(why, FB_ERR_INVALID,
                       "several rows of %s have the same %s: which one is meant?",
                       plan->row.entity->name, plan->rule->match[0]->name);
    }
    return rc;
}

static int read_code(struct fb_import_work *w, struct fb_arena *arena, struct fb_plan *plan,
                     struct fb_why *why)
{
    if (plan->rule->key == NULL) {
        return FB_OK;
    }
    int rc = fb_import_text(w, arena, plan->rule->key, &plan->code, why);
    if (rc == FB_OK && plan->code == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s: its key is blank", plan->rule->name);
    }
    return rc;
}

static int find_row(struct fb_import_work *w, struct fb_plan *plan, bool *ret_found,
                    struct fb_why *why)
{
    int rc = FB_OK;
    if (plan->code != NULL) {
        rc = find_by_code(w, plan, ret_found);
        plan->adds_key = !*ret_found;
    }
    if (rc == FB_OK && !*ret_found && plan->rule->match_count > 0) {
        rc = find_by_match(w, plan, ret_found, why);
    }
    return rc;
}

/* Marks the fields that differ from what is there. */
static int compare(struct fb_import_work *w, struct fb_arena *arena, struct fb_plan *plan)
{
    bool is_found = false;
    int rc = fb_row_read(w->store, plan->row.entity, plan->row.id, arena, &plan->there, &is_found);
    plan->state = FB_PLAN_KEPT;
    for (size_t i = 0; rc == FB_OK && is_found && i < plan->row.entity->field_count; i++) {
        const struct fb_value *v = &plan->row.values[i];
        if (v->type != FB_ABSENT && !fb_value_equal(v, &plan->there.values[i])) {
            mask_add(plan, &plan->row.entity->fields[i]);
            plan->state = FB_PLAN_UPDATED;
        }
    }
    return rc;
}

static int fill_new(struct fb_import_work *w, struct fb_plan *plan, struct fb_why *why)
{
    const struct fb_entity *e = plan->row.entity;
    plan->state = FB_PLAN_NEW;
    fb_import_make_id(w, plan->row.id);
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        struct fb_value *v = &plan->row.values[i];
        if (v->type == FB_ABSENT) {
            *v = f->initial;
        }
        if (v->type == FB_NULL && f == e->owner_field && f->is_required && f->type == FB_TYPE_REF &&
            w->owner_id[0] != 0) {
            *v = fb_value_text(w->owner_id);
        }
        if (v->type == FB_NULL && f->is_required) {
            return fb_fail(why, FB_ERR_INVALID, "%s: %s is required and has no value",
                           plan->rule->name, f->name);
        }
    }
    return FB_OK;
}

static int plan_rule(struct fb_import_work *w, struct fb_arena *arena, struct fb_plan *plan,
                     struct fb_why *why)
{
    static const char no_id[FB_ROW_ID_SIZE] = "";
    const char *condition = "";
    int rc = FB_OK;
    plan->state = FB_PLAN_SKIPPED;
    if (plan->rule->condition != NULL) {
        rc = fb_import_text(w, arena, plan->rule->condition, &condition, why);
    }
    if (rc < 0 || condition == NULL) {
        return rc;
    }
    rc = fb_row_new(plan->rule->entity, no_id, arena, &plan->row);
    if (rc == FB_OK) {
        rc = read_code(w, arena, plan, why);
    }
    if (rc == FB_OK) {
        rc = read_sets(w, arena, plan, why);
    }
    bool is_found = false;
    if (rc == FB_OK) {
        rc = find_row(w, plan, &is_found, why);
    }
    if (rc < 0) {
        return rc;
    }
    plan->state = FB_PLAN_KEPT;
    return !is_found                ? fill_new(w, plan, why)
           : plan->rule->may_update ? compare(w, arena, plan)
                                    : FB_OK;
}

int fb_import_plan(struct fb_import_work *w, struct fb_arena *arena, size_t first, size_t last,
                   struct fb_why *why)
{
    for (size_t i = first; i < last; i++) {
        w->plans[i] = (struct fb_plan){.rule = &w->mapping->rules[i]};
        int rc = plan_rule(w, arena, &w->plans[i], why);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}
