/* SPDX-License-Identifier: MIT
 *
 * Rules of roles, made into tables by entity once (compile) and walked one by one for the second way (recheck).
 */
#include <string.h>

#include "common/crm/may_internal.h"

#define EXACT_STAR   1
#define EXACT_MODULE 2
#define EXACT_PARENT 3 /* and one more for each step nearer */
#define EXACT_NAME   20
#define MODULE       "module:"

int fb_rule_exactness(const char *pattern, const struct fb_entity *e)
{
    if (strcmp(pattern, e->name) == 0) {
        return EXACT_NAME;
    }
    int at = EXACT_NAME - 1;
    for (const struct fb_entity *p = e->parent; p != NULL && at >= EXACT_PARENT; p = p->parent) {
        if (strcmp(pattern, p->name) == 0) {
            return at;
        }
        at--;
    }
    for (const struct fb_entity *p = e; p != NULL; p = p->parent) {
        bool is_module = p->module != NULL && strncmp(pattern, MODULE, sizeof MODULE - 1) == 0;
        if (is_module && strcmp(pattern + sizeof MODULE - 1, p->module->key) == 0) {
            return EXACT_MODULE;
        }
    }
    return strcmp(pattern, "*") == 0 ? EXACT_STAR : 0;
}

enum fb_field_access fb_field_access_default(const struct fb_field *field, bool is_own)
{
    switch (field->visibility) {
    case FB_SEEN_BY_ALL:
    case FB_SEEN_ON_DEVICE:
        return FB_FIELD_WRITE;
    case FB_SEEN_BY_OWNER:
        return is_own ? FB_FIELD_WRITE : FB_FIELD_HIDDEN;
    case FB_SEEN_BY_ROLE:
        return FB_FIELD_HIDDEN;
    }
    return FB_FIELD_HIDDEN;
}

/* A role's rule by the field's name counts more than one for all fields ("*"), which shows no field that is for the owner or for some
 * roles, unless it lets all be written. */
static int field_exactness(const struct fb_rule *rule, const struct fb_entity *e,
                           const struct fb_field *f)
{
    int entity = fb_rule_exactness(rule->entity, e);
    if (entity == 0) {
        return 0;
    }
    if (strcmp(rule->field, f->name) == 0) {
        return 2 * EXACT_NAME + entity;
    }
    return strcmp(rule->field, "*") == 0 ? entity : 0;
}

/* A rule for everything does not open what is private, and what is part of it: only one that names it does. */
static bool is_private(const struct fb_entity *e)
{
    for (; e != NULL; e = e->parent) {
        if (e->scope == FB_SCOPE_PRIVATE) {
            return true;
        }
    }
    return false;
}

static enum fb_level level_of_role(const struct fb_rights *r, size_t role,
                                   const struct fb_entity *e, enum fb_action action)
{
    int best = 0;
    enum fb_level level = FB_LEVEL_NONE;
    for (size_t i = 0; i < r->rule_count; i++) {
        const struct fb_rule *rule = &r->rules[i];
        int exactness = rule->role == role && rule->field == NULL && rule->action == action
                            ? fb_rule_exactness(rule->entity, e)
                            : 0;
        if (exactness > best || (exactness == best && exactness > 0 && rule->level < level)) {
            best = exactness;
            level = rule->level; /* two rows that say the same say the lesser */
        }
    }
    if (level > FB_LEVEL_OWN && best < EXACT_PARENT && is_private(e)) {
        return FB_LEVEL_OWN;
    }
    return level;
}

static enum fb_field_access access_of_role(const struct fb_rights *r, size_t role,
                                           const struct fb_entity *e, const struct fb_field *f,
                                           bool is_own)
{
    int best = 0;
    enum fb_field_access usual = fb_field_access_default(f, is_own);
    enum fb_field_access access = usual;
    for (size_t i = 0; i < r->rule_count; i++) {
        const struct fb_rule *rule = &r->rules[i];
        int exactness = rule->role == role && rule->field != NULL ? field_exactness(rule, e, f) : 0;
        if (exactness > best || (exactness == best && exactness > 0 && rule->access < access)) {
            best = exactness;
            access = rule->access;
        }
    }
    bool is_for_all_fields = best > 0 && best < 2 * EXACT_NAME;
    return is_for_all_fields && access != FB_FIELD_WRITE && usual < access ? usual : access;
}

/* A column that may not be empty cannot be left out: it is read-only at least. (Fields for some only have no NOT NULL.) */
static bool is_always_there(const struct fb_field *f)
{
    return f->is_required && f->visibility == FB_SEEN_BY_ALL;
}

static enum fb_field_access access_of_all(const struct fb_rights *r, const struct fb_entity *e,
                                          const struct fb_field *f, bool is_own)
{
    enum fb_field_access access = FB_FIELD_HIDDEN;
    for (size_t role = 0; role < r->role_count; role++) {
        enum fb_field_access one = access_of_role(r, role, e, f, is_own);
        access = one > access ? one : access;
    }
    /* Which record it is and on which it hangs is seen by who sees the record at all. */
    bool is_frame = f == e->parent_field || f == e->owner_field || is_always_there(f);
    for (size_t i = 0; i < e->scope_field_count; i++) {
        is_frame = is_frame || f == e->scope_fields[i] || f == e->scope_fields[i]->target_name;
    }
    return is_frame && access == FB_FIELD_HIDDEN && r->role_count > 0 ? FB_FIELD_READ : access;
}

static void compile_entity(struct fb_rights *r, const struct fb_entity *e)
{
    for (int action = 0; action < FB_ACTION_COUNT; action++) {
        enum fb_level level = FB_LEVEL_NONE;
        for (size_t role = 0; role < r->role_count; role++) {
            enum fb_level one = level_of_role(r, role, e, (enum fb_action)action);
            level = one > level ? one : level;
        }
        r->levels[e->index][action] = (uint8_t)level;
    }
    for (size_t i = 0; i < e->field_count; i++) {
        enum fb_field_access own = access_of_all(r, e, &e->fields[i], true);
        enum fb_field_access other = access_of_all(r, e, &e->fields[i], false);
        r->access[e->index][i] = (uint8_t)(own * 4 + other);
        r->hides[e->index] |=
            (uint8_t)((own == FB_FIELD_HIDDEN ? 1 : 0) | (other == FB_FIELD_HIDDEN ? 2 : 0));
    }
}

int fb_rights_compile(struct fb_rights *r)
{
    const struct fb_catalogue *c = r->catalogue;
    size_t count = c->entity_count + 1;
    size_t fields = 1;
    for (size_t i = 0; i < c->entity_count; i++) {
        fields += c->entities[i].field_count;
    }
    uint8_t *access = fb_arena_alloc(&r->arena, fields); /* of all: laptops are many */
    r->levels = fb_arena_alloc(&r->arena, count * sizeof *r->levels);
    r->access = fb_arena_alloc(&r->arena, count * sizeof *r->access);
    r->hides = fb_arena_alloc(&r->arena, count);
    if (access == NULL || r->levels == NULL || r->access == NULL || r->hides == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < c->entity_count; i++) {
        r->access[i] = access;
        access += c->entities[i].field_count;
        compile_entity(r, &c->entities[i]);
    }
    return FB_OK;
}

enum fb_level fb_rights_level(const struct fb_rights *r, const struct fb_entity *e,
                              enum fb_action action)
{
    return (enum fb_level)r->levels[e->index][action];
}

enum fb_field_access fb_rights_field(const struct fb_rights *r, const struct fb_field *field,
                                     const struct fb_entity *e, bool is_own)
{
    uint8_t both = r->access[e->index][field->index];
    return (enum fb_field_access)(is_own ? both / 4 : both % 4);
}

bool fb_rights_hides_some(const struct fb_rights *r, const struct fb_entity *e, bool is_own)
{
    return (r->hides[e->index] & (is_own ? 1 : 2)) != 0;
}

bool fb_rights_blank(const struct fb_rights *r, struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    bool has_any = false;
    if (r->hides[e->index] == 0) {
        return false;
    }
    bool is_own = fb_rights_is_own(r, row);
    for (size_t i = 0; fb_rights_hides_some(r, e, is_own) && i < e->field_count; i++) {
        if (fb_rights_field(r, &e->fields[i], e, is_own) == FB_FIELD_HIDDEN) {
            row->values[i] = (struct fb_value){.type = FB_ABSENT};
            has_any = true;
        }
    }
    return has_any;
}

bool fb_rights_is_admin(const struct fb_rights *r)
{
    const struct fb_entity *role = fb_catalogue_entity(r->catalogue, "role");
    return role != NULL && fb_rights_level(r, role, FB_ACTION_EDIT) == FB_LEVEL_ALL;
}

/* ---- The second way: from the rules as the tables say them, another walk ---- */

/* The one that means the field most exactly; of those as exact, the strictest. NULL: the role says nothing of it. */
static const struct fb_rule *exactest(const struct fb_rights *r, size_t role,
                                      const struct fb_entity *e, const struct fb_field *field)
{
    const struct fb_rule *exact = NULL;
    for (size_t i = 0; i < r->rule_count; i++) {
        const struct fb_rule *rule = &r->rules[i];
        if (rule->field == NULL || rule->role != role || field_exactness(rule, e, field) == 0) {
            continue;
        }
        int by =
            exact == NULL ? 1 : field_exactness(rule, e, field) - field_exactness(exact, e, field);
        exact = by > 0 || (by == 0 && rule->access < exact->access) ? rule : exact;
    }
    return exact;
}

static bool sees(const struct fb_rule *exact, const struct fb_field *field, bool is_usual)
{
    if (exact == NULL) {
        return is_usual;
    }
    bool is_named = strcmp(exact->field, field->name) == 0;
    return exact->access != FB_FIELD_HIDDEN &&
           (is_named || exact->access == FB_FIELD_WRITE || is_usual);
}

bool fb_rights_recheck_field(const struct fb_rights *r, const struct fb_entity *e,
                             const struct fb_field *field, bool is_own)
{
    for (size_t i = 0; i < e->scope_field_count; i++) {
        if (field == e->scope_fields[i] || field == e->scope_fields[i]->target_name) {
            return r->role_count > 0;
        }
    }
    if (field == e->parent_field || field == e->owner_field || is_always_there(field)) {
        return r->role_count > 0;
    }
    bool is_usual = field->visibility == FB_SEEN_BY_ALL || field->visibility == FB_SEEN_ON_DEVICE ||
                    (field->visibility == FB_SEEN_BY_OWNER && is_own);
    for (size_t role = 0; role < r->role_count; role++) {
        if (sees(exactest(r, role, e, field), field, is_usual)) {
            return true;
        }
    }
    return false;
}

bool fb_rights_recheck_entity(const struct fb_rights *r, const struct fb_entity *e)
{
    for (size_t role = 0; role < r->role_count; role++) {
        const struct fb_rule *exact = NULL;
        for (size_t i = 0; i < r->rule_count; i++) {
            const struct fb_rule *rule = &r->rules[i];
            if (rule->field != NULL || rule->role != role || rule->action != FB_ACTION_READ ||
                fb_rule_exactness(rule->entity, e) == 0) {
                continue;
            }
            int by = exact == NULL
                         ? 1
                         : fb_rule_exactness(rule->entity, e) - fb_rule_exactness(exact->entity, e);
            exact = by > 0 || (by == 0 && rule->level < exact->level) ? rule : exact;
        }
        if (exact != NULL && exact->level != FB_LEVEL_NONE) {
            return true;
        }
    }
    return false;
}
