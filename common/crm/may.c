/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/crm/may_internal.h"

const char *fb_action_name(enum fb_action action)
{
    static const char *const NAMES[] = {
#define FB_ACTION(NAME, name) #name,
#include "common/crm/may_action.def"
#undef FB_ACTION
    };
    return NAMES[action];
}

const char *fb_level_name(enum fb_level level)
{
    static const char *const NAMES[] = {
#define FB_LEVEL(NAME, name) #name,
#include "common/crm/may_level.def"
#undef FB_LEVEL
    };
    return NAMES[level];
}

const char *fb_may_reason_name(enum fb_may_reason reason)
{
    static const char *const NAMES[] = {
#define FB_MAY(NAME, name) #name,
#include "common/crm/may_reason.def"
#undef FB_MAY
    };
    return NAMES[reason];
}

const char *fb_field_access_name(enum fb_field_access access)
{
    static const char *const NAMES[] = {"hidden", "read", "write"};
    return NAMES[access];
}

struct deciding {
    struct fb_rights *r;
    struct fb_store *s;
    const struct fb_may_ask *ask;
    const struct fb_entity *e;
    struct fb_may_answer *answer;
};

/* ---- Sentences ---- */

static void say_missing(struct deciding *d, enum fb_action action)
{
    struct fb_why *why = &d->answer->why;
    const char *entity = fb_entity_label(d->e);
    const char *roles = d->r->role_names;
    if (d->r->role_count == 0) {
        fb_why_set(
            why, "You have no role yet, so nothing may be changed: ask an administrator for one.");
        return;
    }
    switch (action) {
    case FB_ACTION_CREATE:
        fb_why_set(why,
                   "Your role (%s) does not let you add this: %s. A colleague whose role does, or "
                   "an administrator, can settle it.",
                   roles, entity);
        return;
    case FB_ACTION_DELETE:
        fb_why_set(why,
                   "Your role (%s) does not let you delete this: %s. A colleague whose role does, "
                   "or an administrator, can settle it.",
                   roles, entity);
        return;
    case FB_ACTION_ASSIGN:
        fb_why_set(why,
                   "Your role (%s) does not let you give this to somebody else: %s. Your manager "
                   "or an administrator can do it.",
                   roles, entity);
        return;
    case FB_ACTION_EXPORT:
        fb_why_set(why,
                   "Your role (%s) does not let you export this: %s. An administrator can give you "
                   "that right.",
                   roles, entity);
        return;
    case FB_ACTION_READ:
        fb_why_set(why,
                   "Your role (%s) does not let you see this: %s. An administrator can give you "
                   "that right.",
                   roles, entity);
        return;
    case FB_ACTION_EDIT:
    case FB_ACTION_COUNT:
        fb_why_set(why,
                   "Your role (%s) does not let you change this: %s. A colleague whose role does, "
                   "or an administrator, can settle it.",
                   roles, entity);
        return;
    }
}

static void say_record(struct deciding *d, enum fb_level level, bool is_new)
{
    struct fb_why *why = &d->answer->why;
    const char *entity = fb_entity_label(d->e);
    if (is_new && level == FB_LEVEL_OWN) {
        fb_why_set(why,
                   "You may write only what is yours, and this %s would be somebody else's. Your "
                   "manager or an administrator can settle it.",
                   entity);
    } else if (is_new) {
        fb_why_set(why,
                   "This %s would belong to people or a territory that are not yours. Your manager "
                   "or an administrator can settle it.",
                   entity);
    } else if (level == FB_LEVEL_OWN) {
        fb_why_set(why,
                   "You may write only what is yours, and this %s is somebody else's. Its owner, "
                   "your manager or an administrator can settle it.",
                   entity);
    } else {
        fb_why_set(why,
                   "This %s belongs to people or a territory that are not yours. Its owner, your "
                   "manager or an administrator can settle it.",
                   entity);
    }
}

static void refuse_missing(struct deciding *d, enum fb_action action)
{
    d->answer->reason = FB_MAY_RIGHT_MISSING;
    say_missing(d, action);
}

static void refuse_record(struct deciding *d, enum fb_level level, bool is_new)
{
    d->answer->reason = FB_MAY_RIGHT_RECORD;
    say_record(d, level, is_new);
}

/* ---- The record ---- */

/* An address or a note of a personal contact is as private as that. */
static bool hangs_on_private(const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    for (size_t i = 0; e->parent_field == NULL && i < e->scope_field_count; i++) {
        const struct fb_entity *target = fb_row_target(row, e->scope_fields[i]);
        if (target != NULL && target->scope == FB_SCOPE_PRIVATE &&
            row->values[e->scope_fields[i]->index].type == FB_TEXT) {
            return true;
        }
    }
    return false;
}

/* A global row, or a part of one: a stage of a pipeline, a price of a price book. */
static bool is_global(const struct fb_entity *e)
{
    while (e->parent != NULL && e->scope == FB_SCOPE_FOLLOWS) {
        e = e->parent;
    }
    return e->scope == FB_SCOPE_GLOBAL;
}

/* Is the row near enough? */
static int reach(struct deciding *d, enum fb_action action, const struct fb_row *row, bool is_new)
{
    enum fb_level level = fb_rights_level(d->r, d->e, action);
    enum fb_level relation = FB_LEVEL_NONE;
    if (level == FB_LEVEL_NONE) {
        refuse_missing(d, action);
        return FB_OK;
    }
    if (hangs_on_private(row) || fb_row_is_private(row)) {
        level = FB_LEVEL_OWN;
    }
    if (level == FB_LEVEL_ALL) {
        return FB_OK;
    }
    /* Everybody has the global rows: reading has no further levels there. */
    if (is_global(d->e) && action == FB_ACTION_READ) {
        return FB_OK;
    }
    int rc = fb_rights_relation(d->r, d->s, d->ask->rows, action, row, &relation);
    if (rc < 0) {
        return rc;
    }
    if (!is_new && d->ask->old_was != FB_LEVEL_NONE &&
        (relation == FB_LEVEL_NONE || d->ask->old_was < relation)) {
        relation = d->ask->old_was;
    }
    if (relation == FB_LEVEL_NONE || relation > level) {
        refuse_record(d, level, is_new);
    }
    return FB_OK;
}

static bool is_written(const struct fb_may_ask *ask, size_t i)
{
    if (ask->mask != NULL) {
        return (ask->mask[i / 64] >> (i % 64) & 1) != 0;
    }
    if (ask->old == NULL) {
        const struct fb_field *f = &ask->now->entity->fields[i];
        const struct fb_value *v = &ask->now->values[i];
        return !fb_value_is_empty(v) && !fb_value_equal(v, &f->initial);
    }
    return ask->now->values[i].type != FB_ABSENT &&
           !fb_value_equal(&ask->old->values[i], &ask->now->values[i]);
}

static bool is_changed(const struct fb_may_ask *ask, size_t i)
{
    return is_written(ask, i) && !fb_value_equal(&ask->old->values[i], &ask->now->values[i]);
}

/* Does the edit change on what the record hangs, or whose it is? Only then where it goes is a question of its own. */
static bool is_moved(const struct fb_may_ask *ask)
{
    const struct fb_entity *e = ask->now->entity;
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        bool decides = f == e->owner_field || f == e->parent_field || f == e->private_field ||
                       strcmp(f->name, "territory_id") == 0 || strcmp(f->name, "team_id") == 0;
        for (size_t j = 0; j < e->scope_field_count; j++) {
            decides = decides || f == e->scope_fields[j] || f == e->scope_fields[j]->target_name;
        }
        if (decides && is_changed(ask, i)) {
            return true;
        }
    }
    return false;
}

/* Does the edit say whose the record is? */
static bool is_given_away(const struct fb_may_ask *ask)
{
    const struct fb_entity *e = ask->now->entity;
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        bool decides = (f == e->owner_field && e->parent_field == NULL) ||
                       strcmp(f->name, "territory_id") == 0 || strcmp(f->name, "team_id") == 0;
        if (decides && is_changed(ask, i)) {
            return true;
        }
    }
    return false;
}

static int decide_record(struct deciding *d)
{
    const struct fb_may_ask *ask = d->ask;
    bool is_assigning =
        fb_may_is_sharing(d->e) && ask->action != FB_ACTION_READ && ask->action != FB_ACTION_EXPORT;
    enum fb_action action = is_assigning ? FB_ACTION_ASSIGN : ask->action;
    int rc = FB_OK;
    if (ask->old != NULL) {
        rc = reach(d, action, ask->old, false);
    }
    bool is_placed = ask->now != NULL && (ask->old == NULL || is_moved(ask));
    if (rc == FB_OK && d->answer->reason == FB_MAY_YES && is_placed) {
        rc = reach(d, action, ask->now, true);
    }
    bool is_edit = rc == FB_OK && d->answer->reason == FB_MAY_YES && !is_assigning &&
                   ask->old != NULL && ask->now != NULL;
    if (is_edit && is_given_away(ask)) {
        rc = reach(d, FB_ACTION_ASSIGN, ask->old, false);
        rc = rc == FB_OK && d->answer->reason == FB_MAY_YES
                 ? reach(d, FB_ACTION_ASSIGN, ask->now, true)
                 : rc;
    }
    return rc;
}

/* ---- Fields ---- */

static void decide_fields(struct deciding *d)
{
    const struct fb_may_ask *ask = d->ask;
    const struct fb_row *whose = ask->old != NULL ? ask->old : ask->now;
    bool is_own = fb_rights_is_own(d->r, whose);
    for (size_t i = 0; i < d->e->field_count; i++) {
        const struct fb_field *f = &d->e->fields[i];
        enum fb_field_access access = fb_rights_field(d->r, f, d->e, is_own);
        bool is_frame = ask->old == NULL && access == FB_FIELD_READ && f == d->e->owner_field;
        if (access == FB_FIELD_WRITE || is_frame || !is_written(ask, i)) {
            continue;
        }
        d->answer->field = f;
        if (access == FB_FIELD_HIDDEN) {
            d->answer->reason = FB_MAY_FIELD_HIDDEN;
            fb_why_set(&d->answer->why,
                       "%s of this %s is not shown to your role (%s), so it cannot be written "
                       "either. An administrator can settle it.",
                       fb_field_label(f), fb_entity_label(d->e), d->r->role_names);
        } else {
            d->answer->reason = FB_MAY_FIELD_READ;
            fb_why_set(&d->answer->why,
                       "Your role (%s) may read %s of this %s but not change it. A colleague whose "
                       "role may, or an administrator, can settle it.",
                       d->r->role_names, fb_field_label(f), fb_entity_label(d->e));
        }
        return;
    }
}

int fb_may(struct fb_rights *rights, struct fb_store *s, const struct fb_may_ask *ask,
           struct fb_may_answer *ret)
{
    struct fb_may_answer answer = {.reason = FB_MAY_YES};
    const struct fb_row *row = ask->now != NULL ? ask->now : ask->old;
    struct deciding d = {.r = rights, .s = s, .ask = ask, .e = row->entity, .answer = &answer};
    int rc = decide_record(&d);
    bool writes = ask->action == FB_ACTION_CREATE || ask->action == FB_ACTION_EDIT ||
                  ask->action == FB_ACTION_ASSIGN;
    if (rc == FB_OK && answer.reason == FB_MAY_YES && writes && ask->now != NULL) {
        decide_fields(&d);
    }
    if (rc == FB_OK) {
        *ret = answer;
    }
    return rc;
}
