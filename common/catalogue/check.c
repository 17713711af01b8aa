/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/catalogue/load.h"

static bool is_number(const struct fb_field *f)
{
    return f->type == FB_TYPE_INT || f->type == FB_TYPE_DEC || f->type == FB_TYPE_QTY ||
           f->type == FB_TYPE_MONEY;
}

static bool is_time(const struct fb_field *f)
{
    return f->type == FB_TYPE_DATE || f->type == FB_TYPE_DT;
}

/* A reference whose order is its target's position (a stage). */
static bool has_position(const struct fb_field *f)
{
    const struct fb_field *position =
        f->type == FB_TYPE_REF ? fb_entity_field(f->targets[0], "position") : NULL;
    return position != NULL && position->type == FB_TYPE_INT;
}

static bool has_owner(const struct fb_entity *e)
{
    for (; e != NULL; e = e->parent) {
        if (e->owner_field != NULL || strcmp(e->name, "employee") == 0) {
            return true;
        }
    }
    return false;
}

static bool can_be_closed(const struct fb_entity *e)
{
    while (e != NULL && e->closed_field == NULL) {
        e = e->parent;
    }
    return e != NULL;
}

static bool can_be_summed(const struct fb_field *f)
{
    bool starts_at_zero = f->initial.type == FB_INT && f->initial.integer == 0;
    return is_number(f) && f->is_required && starts_at_zero && f->visibility == FB_SEEN_BY_ALL;
}

/* What the field would need to merge by the policy; NULL: it has it. */
static const char *policy_needs(const struct fb_entity *e, const struct fb_field *f,
                                enum fb_merge_policy policy)
{
    switch (policy) {
    case FB_MERGE_SUM:
        return can_be_summed(f) ? NULL
                                : "merge 'sum' needs a number that everybody sees, required, with "
                                  "default 0";
    case FB_MERGE_MAX:
    case FB_MERGE_MIN:
        return is_number(f) || is_time(f) ? NULL : "merge 'max' and 'min' need a number or a time";
    case FB_MERGE_ANY:
        return f->type == FB_TYPE_BOOL ? NULL : "merge 'any' needs a bool";
    case FB_MERGE_UNION:
        return f->type == FB_TYPE_SET ? NULL : "merge 'union' needs a set";
    case FB_MERGE_TEXT:
        return f->type == FB_TYPE_TEXT || f->type == FB_TYPE_LONG
                   ? NULL
                   : "merge 'text' needs a text or long";
    case FB_MERGE_PROGRESS:
        return f->type == FB_TYPE_FSM || has_position(f)
                   ? NULL
                   : "merge 'progress' needs an fsm, or a reference to rows with a position";
    case FB_MERGE_OWNER:
        return has_owner(e) ? NULL
                            : "merge 'owner' needs an owner_id, employee_id or by_id that refers "
                              "to an employee, here or in the parent";
    default:
        return NULL;
    }
}

static int check_policy(struct fb_loading *l, const struct fb_entity *e, const struct fb_field *f)
{
    const char *needs = policy_needs(e, f, f->policy);
    return needs == NULL ? FB_OK : fb_load_fail(l, "%s", needs);
}

/* Policies that look into the value cannot take a group, which is several values. */
static bool takes_groups(enum fb_merge_policy policy)
{
    return policy == FB_MERGE_LATEST || policy == FB_MERGE_SERVER || policy == FB_MERGE_OWNER ||
           policy == FB_MERGE_ONCE || policy == FB_MERGE_MANUAL;
}

bool fb_field_takes_policy(const struct fb_entity *e, const struct fb_field *f,
                           enum fb_merge_policy policy)
{
    const struct fb_group *g = &e->groups[f->group];
    bool is_free = !f->is_manual_when_closed || policy == FB_MERGE_LATEST;
    for (size_t i = 0; is_free && i < g->field_count; i++) {
        is_free = policy_needs(e, g->fields[i], policy) == NULL;
    }
    return is_free && (g->field_count == 1 || takes_groups(policy));
}

static int check_in_group(struct fb_loading *l, const struct fb_group *g, const struct fb_field *f)
{
    const struct fb_field *first = g->fields[0];
    if (g->field_count == 1) {
        return FB_OK;
    }
    if (!takes_groups(f->policy)) {
        return fb_load_fail(
            l, "merge '%s' cannot settle group '%s'; take latest, server, owner, once or manual",
            fb_merge_policy_name(f->policy), g->name);
    }
    if (f->policy != first->policy || f->is_server_only != first->is_server_only ||
        f->is_manual_when_closed != first->is_manual_when_closed) {
        return fb_load_fail(
            l, "group '%s' merges as one value, so its fields need one policy; %s has '%s'",
            g->name, first->name, fb_merge_policy_name(first->policy));
    }
    if (f->visibility != first->visibility) {
        return fb_load_fail(l, "group '%s' must be seen by the same people as a whole", g->name);
    }
    return FB_OK;
}

static int check_field(struct fb_loading *l, const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < f->index; i++) {
        if (e->fields[i].no == f->no) {
            return fb_load_fail(l, "its number %u is also that of field %s", f->no,
                                e->fields[i].name);
        }
    }
    if (f->is_manual_when_closed && (f->policy != FB_MERGE_LATEST || !can_be_closed(e))) {
        return fb_load_fail(
            l, "'manual_when_closed' needs merge 'latest' and a 'closed' rule of the entity");
    }
    int rc = check_policy(l, e, f);
    return rc == FB_OK ? check_in_group(l, &e->groups[f->group], f) : rc;
}

static int check_scope(struct fb_loading *l, const struct fb_entity *e)
{
    bool needs_fields = e->scope == FB_SCOPE_FOLLOWS || e->scope == FB_SCOPE_EITHER ||
                        e->scope == FB_SCOPE_PRIVATE || e->scope == FB_SCOPE_OWN ||
                        e->scope == FB_SCOPE_TEAM;
    if (needs_fields != (e->scope_field_count > 0)) {
        return fb_load_fail(l, needs_fields ? fb_text("its scope rule needs 'fields'")
                                            : fb_text("its scope rule takes no 'fields'"));
    }
    for (size_t i = 0; i < e->scope_field_count; i++) {
        if (e->scope_fields[i]->target_count == 0) {
            return fb_load_fail(l, "its scope follows field '%s', which is no reference",
                                e->scope_fields[i]->name);
        }
    }
    if (e->private_field != NULL && e->owner_field == NULL) {
        return fb_load_fail(l,
                            "its rows may be private, but there is no owner they would belong to");
    }
    if (e->scope == FB_SCOPE_COMPANY && strcmp(e->name, "company") != 0) {
        return fb_load_fail(l, "scope rule 'company' is that of company alone");
    }
    return FB_OK;
}

static int check_number(struct fb_loading *l, const struct fb_entity *e)
{
    for (size_t i = 0; i < l->draft_count; i++) {
        const struct fb_entity *other = l->drafts[i].entity;
        if (other != e && other->no == e->no) {
            return fb_load_fail(l, "its number %u is also that of %s", e->no, other->name);
        }
    }
    return FB_OK;
}

int fb_load_check_entity(struct fb_loading *l)
{
    const struct fb_entity *e = l->draft->entity;
    int rc = check_number(l, e);
    if (rc == FB_OK) {
        rc = check_scope(l, e);
    }
    if (rc == FB_OK && e->parent != NULL && !e->parent_field->is_required) {
        rc = fb_load_fail(l, "a part needs its parent: make field '%s' required",
                          e->parent_field->name);
    }
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        l->field = e->fields[i].name;
        rc = check_field(l, e, &e->fields[i]);
    }
    if (rc == FB_OK) {
        l->field = NULL;
    }
    return rc;
}
