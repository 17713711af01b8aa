/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/catalogue/load.h"

#define ENTITY_NO_MAX  99999
#define PART_DEPTH_MAX 8 /* an order's line's serial number is 2 */
#define ANY_ENTITY     "*"

static const char *draft_at(const void *ctx, size_t i)
{
    return ((const struct fb_loading *)ctx)->drafts[i].name;
}

static const char *field_at(const void *ctx, size_t i)
{
    return ((const struct fb_draft *)ctx)->fields[i].name;
}

size_t fb_load_draft_find(const struct fb_loading *l, const char *name)
{
    for (size_t i = 0; i < l->draft_count; i++) {
        if (strcmp(l->drafts[i].name, name) == 0) {
            return i;
        }
    }
    return FB_DRAFT_NONE;
}

struct fb_field *fb_load_draft_field(const struct fb_draft *d, const char *name)
{
    for (size_t i = 0; i < d->field_count; i++) {
        if (strcmp(d->fields[i].name, name) == 0) {
            return &d->fields[i];
        }
    }
    return NULL;
}

static int find_target(struct fb_loading *l, const char *name, size_t *ret)
{
    size_t found = name == NULL ? FB_DRAFT_NONE : fb_load_draft_find(l, name);
    if (found == FB_DRAFT_NONE) {
        char hint[FB_SUGGEST_SIZE];
        const char *wrong = name == NULL ? "?" : name;
        return fb_load_fail(l, "entity '%.63s' is not declared%s", wrong,
                            fb_suggest(wrong, draft_at, l, l->draft_count, hint));
    }
    *ret = found;
    return FB_OK;
}

/* The stored field a text of the file names. */
static int find_field(struct fb_loading *l, const struct fb_draft *d, json_t *name,
                      struct fb_field **ret)
{
    const char *text = json_string_value(name);
    struct fb_field *found = text == NULL ? NULL : fb_load_draft_field(d, text);
    if (found == NULL) {
        char hint[FB_SUGGEST_SIZE];
        const char *wrong = text == NULL ? "?" : text;
        int rc = fb_load_fail(l, "field '%.63s' is not declared%s", wrong,
                              fb_suggest(wrong, field_at, d, d->field_count, hint));
        fb_assert(rc < 0);
        return rc;
    }
    *ret = found;
    return FB_OK;
}

static int find_fields(struct fb_loading *l, const struct fb_draft *d, json_t *list,
                       const struct fb_field ***ret, size_t *ret_count)
{
    size_t count = json_array_size(list);
    const struct fb_field **fields =
        fb_arena_alloc(&l->catalogue->arena, (count + 1) * sizeof(void *));
    if (fields == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        struct fb_field *f = NULL;
        int rc = find_field(l, d, json_array_get(list, i), &f);
        if (rc < 0) {
            return rc;
        }
        fields[i] = f;
    }
    *ret = fields;
    *ret_count = count;
    return FB_OK;
}

static int find_parent(struct fb_loading *l, struct fb_draft *d)
{
    static const char *const KEYS[] = {"entity", "field", NULL};
    json_t *part = json_object_get(d->json, "part_of");
    if (part == NULL) {
        return FB_OK;
    }
    l->draft = d;
    if (!json_is_object(part)) {
        return fb_load_fail(l, "'part_of' must be an object with entity and field");
    }
    int rc = fb_load_check_keys(l, part, KEYS, NULL);
    return rc == FB_OK
               ? find_target(l, json_string_value(json_object_get(part, "entity")), &d->parent)
               : rc;
}

static int check_parent_chain(struct fb_loading *l, const struct fb_draft *d)
{
    size_t depth = 0;
    for (size_t at = d->parent; at != FB_DRAFT_NONE; at = l->drafts[at].parent) {
        if (++depth > PART_DEPTH_MAX) {
            l->draft = d;
            return fb_load_fail(l, "it is part of a part of ... more than %d deep, or of itself",
                                PART_DEPTH_MAX);
        }
    }
    return FB_OK;
}

/* Is d, or what it is a part of, being placed right now? Then d must wait for it. */
static bool waits_for_open_parent(const struct fb_loading *l, size_t at)
{
    for (; at != FB_DRAFT_NONE; at = l->drafts[at].parent) {
        if (l->drafts[at].visit == FB_VISIT_OPEN) {
            return true;
        }
    }
    return false;
}

/* Parents first, always; targets of references where no circle forbids it. */
static void place_draft(struct fb_loading *l, size_t at)
{
    struct fb_draft *d = &l->drafts[at];
    if (d->visit != FB_VISIT_NEW) {
        return;
    }
    d->visit = FB_VISIT_OPEN;
    if (d->parent != FB_DRAFT_NONE) {
        place_draft(l, d->parent);
    }
    for (size_t i = 0; i < d->field_count; i++) {
        const char *target = json_string_value(json_object_get(d->field_json[i], "target"));
        size_t to = target == NULL ? FB_DRAFT_NONE : fb_load_draft_find(l, target);
        if (to != FB_DRAFT_NONE && !waits_for_open_parent(l, to)) {
            place_draft(l, to);
        }
    }
    d->visit = FB_VISIT_DONE;
    size_t index = l->catalogue->entity_count++;
    d->entity = &l->entities[index];
    d->entity->index = (uint32_t)index;
}

static void find_wide_reference(struct fb_draft *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        json_t *targets = json_object_get(d->field_json[i], "targets");
        const char *first = json_string_value(json_array_get(targets, 0));
        d->has_wide_reference =
            d->has_wide_reference || (first != NULL && strcmp(first, ANY_ENTITY) == 0);
    }
}

static int place_all(struct fb_loading *l)
{
    l->entities = fb_arena_alloc(&l->catalogue->arena, l->draft_count * sizeof *l->entities);
    if (l->entities == NULL) {
        return fb_load_no_memory(l);
    }
    l->catalogue->entities = l->entities;
    for (size_t i = 0; i < l->draft_count; i++) {
        int rc = find_parent(l, &l->drafts[i]);
        if (rc < 0) {
            return rc;
        }
        find_wide_reference(&l->drafts[i]);
    }
    for (size_t i = 0; i < l->draft_count; i++) {
        int rc = check_parent_chain(l, &l->drafts[i]);
        if (rc < 0) {
            return rc;
        }
    }
    for (size_t wide = 0; wide < 2; wide++) { /* those that may point at anything come last */
        for (size_t i = 0; i < l->draft_count; i++) {
            if (l->drafts[i].has_wide_reference == (wide == 1)) {
                place_draft(l, i);
            }
        }
    }
    return FB_OK;
}

/* Rows that stay at one node, and rows that hang on any row themselves, are nothing to hang a note
 * on. */
static bool is_wide_target(const struct fb_loading *l, const struct fb_draft *d)
{
    for (const struct fb_draft *at = d;; at = &l->drafts[at->parent]) {
        const char *rule =
            json_string_value(json_object_get(json_object_get(at->json, "scope"), "rule"));
        if (at->has_wide_reference || (rule != NULL && (strcmp(rule, "server_only") == 0 ||
                                                        strcmp(rule, "device_only") == 0))) {
            return false;
        }
        if (at->parent == FB_DRAFT_NONE) {
            return true;
        }
    }
}

static int load_targets(struct fb_loading *l, json_t *list, struct fb_field *f)
{
    const char *first = json_string_value(json_array_get(list, 0));
    bool is_wide = first != NULL && strcmp(first, ANY_ENTITY) == 0;
    size_t count = is_wide ? l->draft_count : json_array_size(list);
    if (is_wide && json_array_size(list) != 1) {
        return fb_load_fail(l, "'*' in 'targets' stands alone");
    }
    f->targets = fb_arena_alloc(&l->catalogue->arena, count * sizeof(void *));
    if (f->targets == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        size_t to = i;
        int rc = is_wide ? FB_OK : find_target(l, json_string_value(json_array_get(list, i)), &to);
        if (rc < 0) {
            return rc;
        }
        if (!is_wide || is_wide_target(l, &l->drafts[to])) {
            f->targets[f->target_count++] = l->drafts[to].entity;
        }
    }
    return FB_OK;
}

static int resolve_poly(struct fb_loading *l, const struct fb_draft *d, json_t *json,
                        struct fb_field *f)
{
    json_t *list = NULL;
    struct fb_field *name = NULL;
    int rc = fb_load_array(l, json, "targets", 1, FB_ENTITIES_MAX, &list);
    if (rc == FB_OK) {
        rc = load_targets(l, list, f);
    }
    if (rc == FB_OK) {
        rc = find_field(l, d, json_object_get(json, "name_field"), &name);
    }
    if (rc != FB_OK) {
        return rc;
    }
    if (name->type != FB_TYPE_TEXT && name->type != FB_TYPE_ENUM) {
        return fb_load_fail(l, "its name_field '%s' must be a text or an enum", name->name);
    }
    f->target_name = name;
    return FB_OK;
}

static int resolve_field(struct fb_loading *l, const struct fb_draft *d, size_t i)
{
    struct fb_field *f = &d->fields[i];
    json_t *json = d->field_json[i];
    l->field = f->name;
    if (f->type == FB_TYPE_POLY) {
        return resolve_poly(l, d, json, f);
    }
    if (f->type != FB_TYPE_REF) {
        return FB_OK;
    }
    size_t to = 0;
    int rc = find_target(l, json_string_value(json_object_get(json, "target")), &to);
    if (rc < 0) {
        return rc;
    }
    f->targets = fb_arena_alloc(&l->catalogue->arena, sizeof(void *));
    if (f->targets == NULL) {
        return fb_load_no_memory(l);
    }
    f->targets[0] = l->drafts[to].entity;
    f->target_count = 1;
    return FB_OK;
}

/* The group a field asks for, or one of its own; groups stand in the order of their first fields.
 */
static int join_group(struct fb_loading *l, const struct fb_draft *d, size_t i,
                      struct fb_group *groups)
{
    struct fb_field *f = &d->fields[i];
    const char *name = NULL;
    l->field = f->name;
    int rc = fb_load_text(l, d->field_json[i], "group", FB_LOAD_OPTIONAL, &name);
    if (rc < 0) {
        return rc;
    }
    if (name != NULL && fb_load_draft_field(d, name) != NULL) {
        return fb_load_fail(l, "group '%.63s' bears the name of a field", name);
    }
    struct fb_entity *e = d->entity;
    size_t g = 0;
    while (g < e->group_count && (name == NULL || strcmp(groups[g].name, name) != 0)) {
        g++;
    }
    if (g == e->group_count) {
        groups[g].name = name == NULL ? f->name : name;
        groups[g].fields =
            fb_arena_alloc(&l->catalogue->arena, (d->field_count - i) * sizeof(void *));
        if (groups[g].fields == NULL) {
            return fb_load_no_memory(l);
        }
        e->group_count++;
    }
    groups[g].fields[groups[g].field_count++] = f;
    f->group = (uint32_t)g;
    return FB_OK;
}

static int resolve_groups(struct fb_loading *l, const struct fb_draft *d)
{
    struct fb_group *groups = fb_arena_alloc(&l->catalogue->arena, d->field_count * sizeof *groups);
    if (groups == NULL) {
        return fb_load_no_memory(l);
    }
    d->entity->groups = groups;
    for (size_t i = 0; i < d->field_count; i++) {
        int rc = join_group(l, d, i, groups);
        if (rc < 0) {
            return rc;
        }
    }
    l->field = NULL;
    return FB_OK;
}

static int resolve_parent(struct fb_loading *l, const struct fb_draft *d)
{
    if (d->parent == FB_DRAFT_NONE) {
        return FB_OK;
    }
    struct fb_field *f = NULL;
    json_t *part = json_object_get(d->json, "part_of");
    int rc = find_field(l, d, json_object_get(part, "field"), &f);
    if (rc < 0) {
        return rc;
    }
    const struct fb_entity *parent = l->drafts[d->parent].entity;
    if (f->type != FB_TYPE_REF || f->targets[0] != parent) {
        return fb_load_fail(l, "'part_of' names field '%s', which is no reference to %s", f->name,
                            l->drafts[d->parent].name);
    }
    d->entity->parent = parent;
    d->entity->parent_field = f;
    return FB_OK;
}

static const char *const SCOPE_NAMES[] = {[FB_SCOPE_GLOBAL] = "global",
                                          [FB_SCOPE_COMPANY] = "company",
                                          [FB_SCOPE_FOLLOWS] = "follows",
                                          [FB_SCOPE_EITHER] = "either",
                                          [FB_SCOPE_PRIVATE] = "private",
                                          [FB_SCOPE_OWN] = "own",
                                          [FB_SCOPE_TEAM] = "team",
                                          [FB_SCOPE_LINKS] = "links",
                                          [FB_SCOPE_SERVER_ONLY] = "server_only",
                                          [FB_SCOPE_DEVICE_ONLY] = "device_only"};
#define SCOPE_COUNT (sizeof SCOPE_NAMES / sizeof SCOPE_NAMES[0])

static const char *scope_at(const void *ctx, size_t i)
{
    (void)ctx;
    return SCOPE_NAMES[i];
}

static int load_scope_rule(struct fb_loading *l, json_t *scope, struct fb_entity *e)
{
    const char *name = NULL;
    int rc = fb_load_text(l, scope, "rule", FB_LOAD_REQUIRED, &name);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (strcmp(SCOPE_NAMES[i], name) == 0) {
            e->scope = (enum fb_scope_rule)i;
            return FB_OK;
        }
    }
    char hint[FB_SUGGEST_SIZE];
    return fb_load_fail(l, "scope rule '%.63s' is not known%s", name,
                        fb_suggest(name, scope_at, NULL, SCOPE_COUNT, hint));
}

/* A part that says nothing follows its parent. */
static int follow_parent(struct fb_loading *l, struct fb_entity *e)
{
    if (e->parent == NULL) {
        return fb_load_fail(l, "'scope' is missing");
    }
    e->scope = FB_SCOPE_FOLLOWS;
    e->scope_fields = fb_arena_alloc(&l->catalogue->arena, sizeof(void *));
    if (e->scope_fields == NULL) {
        return fb_load_no_memory(l);
    }
    e->scope_fields[0] = e->parent_field;
    e->scope_field_count = 1;
    return FB_OK;
}

static int resolve_private(struct fb_loading *l, const struct fb_draft *d, json_t *scope)
{
    const char *name = NULL;
    int rc = fb_load_text(l, scope, "private", 0, &name);
    if (rc < 0 || name == NULL) {
        return rc;
    }
    const struct fb_field *f = fb_entity_field(d->entity, name);
    if (f == NULL || f->type != FB_TYPE_BOOL) {
        return fb_load_fail(l, "its scope names '%.63s' as private, which is no yes/no field of it",
                            name);
    }
    d->entity->private_field = f;
    return FB_OK;
}

static int resolve_scope(struct fb_loading *l, const struct fb_draft *d)
{
    static const char *const KEYS[] = {"rule", "fields", "private", NULL};
    json_t *scope = json_object_get(d->json, "scope");
    if (scope == NULL) {
        return follow_parent(l, d->entity);
    }
    if (!json_is_object(scope)) {
        return fb_load_fail(l, "'scope' must be an object with a rule");
    }
    json_t *list = NULL;
    int rc = fb_load_check_keys(l, scope, KEYS, NULL);
    if (rc == FB_OK) {
        rc = load_scope_rule(l, scope, d->entity);
    }
    if (rc == FB_OK) {
        rc = fb_load_array(l, scope, "fields", 0, FB_FIELDS_MAX, &list);
    }
    if (rc == FB_OK) {
        rc = find_fields(l, d, list, &d->entity->scope_fields, &d->entity->scope_field_count);
    }
    return rc == FB_OK ? resolve_private(l, d, scope) : rc;
}

static int resolve_closed(struct fb_loading *l, const struct fb_draft *d)
{
    static const char *const KEYS[] = {"field", "values", NULL};
    json_t *closed = json_object_get(d->json, "closed");
    if (closed == NULL) {
        return FB_OK;
    }
    if (!json_is_object(closed)) {
        return fb_load_fail(l, "'closed' must be an object with field and values");
    }
    struct fb_field *f = NULL;
    json_t *list = NULL;
    int rc = fb_load_check_keys(l, closed, KEYS, NULL);
    if (rc == FB_OK) {
        rc = find_field(l, d, json_object_get(closed, "field"), &f);
    }
    if (rc == FB_OK) {
        rc = fb_load_array(l, closed, "values", 1, FB_CHOICES_MAX, &list);
    }
    if (rc != FB_OK) {
        return rc;
    }
    size_t count = json_array_size(list);
    struct fb_entity *e = d->entity;
    e->closed_field = f;
    e->closed_values = fb_arena_alloc(&l->catalogue->arena, count * sizeof(void *));
    if (e->closed_values == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct fb_value v = fb_value_text(text);
        if (text == NULL || fb_field_check(f, &v, NULL) < 0) {
            return fb_load_fail(l, "'closed' names a value that field '%s' cannot have", f->name);
        }
        e->closed_values[e->closed_value_count] = fb_arena_strdup(&l->catalogue->arena, text);
        if (e->closed_values[e->closed_value_count++] == NULL) {
            return fb_load_no_memory(l);
        }
    }
    return FB_OK;
}

static int resolve_title(struct fb_loading *l, const struct fb_draft *d)
{
    json_t *list = NULL;
    size_t least = d->parent == FB_DRAFT_NONE ? 1 : 0;
    int rc = fb_load_array(l, d->json, "title", least, FB_FIELDS_MAX, &list);
    return rc == FB_OK
               ? find_fields(l, d, list, &d->entity->title_fields, &d->entity->title_field_count)
               : rc;
}

/* design.md, "Merge": owner_id, else employee_id, else by_id, else the parent's; only references to
 * an employee count (an address's owner_id may be a company). */
static void find_owner(const struct fb_draft *d)
{
    static const char *const NAMES[] = {"owner_id", "employee_id", "by_id"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && d->entity->owner_field == NULL; i++) {
        const struct fb_field *f = fb_load_draft_field(d, NAMES[i]);
        if (f != NULL && f->type == FB_TYPE_REF && strcmp(f->targets[0]->name, "employee") == 0) {
            d->entity->owner_field = f;
        }
    }
}

static int resolve_head(struct fb_loading *l, const struct fb_draft *d)
{
    struct fb_entity *e = d->entity;
    int64_t no = 0;
    int rc = fb_load_int(l, d->json, "no", FB_LOAD_REQUIRED, 1, ENTITY_NO_MAX, &no);
    if (rc == FB_OK) {
        rc = fb_load_label(l, d->json, "en", &e->label_en);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, d->json, "zh", &e->label_zh);
    }
    if (rc == FB_OK) {
        rc = fb_load_bool(l, d->json, "append_only", &e->is_append_only);
    }
    e->no = (uint32_t)no;
    e->name = d->name;
    e->fields = d->fields;
    e->field_count = d->field_count;
    return rc;
}

static int resolve_fields(struct fb_loading *l, const struct fb_draft *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        int rc = resolve_field(l, d, i);
        if (rc < 0) {
            return rc;
        }
    }
    l->field = NULL;
    return FB_OK;
}

int fb_load_resolve(struct fb_loading *l)
{
    typedef int step(struct fb_loading *, const struct fb_draft *);
    static step *const STEPS[] = {resolve_head,  resolve_fields, resolve_groups, resolve_parent,
                                  resolve_scope, resolve_title,  resolve_closed};
    int rc = place_all(l);
    for (size_t s = 0; rc == FB_OK && s < sizeof STEPS / sizeof STEPS[0]; s++) {
        for (size_t i = 0; rc == FB_OK && i < l->draft_count; i++) {
            l->draft = &l->drafts[i];
            rc = STEPS[s](l, l->draft);
        }
    }
    for (size_t i = 0; rc == FB_OK && i < l->draft_count; i++) {
        l->draft = &l->drafts[i];
        find_owner(l->draft);
        rc = fb_load_check_entity(l);
        if (rc == FB_OK) {
            rc = fb_load_layout(l, l->draft);
        }
    }
    return rc;
}
