/* SPDX-License-Identifier: MIT
 *
 * What an administrator changes of the shipped catalogue, and what a newer program ships: a new document, with the next version, checked
 * like any other. What the administrator decided is marked ("own_merge"), so that it outlives the next release.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/catalogue/catalogue.h"

static json_t *find_by(json_t *list, const char *key, const char *value)
{
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        const char *text = json_string_value(json_object_get(item, key));
        if (text != NULL && value != NULL && strcmp(text, value) == 0) {
            return item;
        }
    }
    return NULL;
}

static const char *name_of(const json_t *item)
{
    return json_string_value(json_object_get(item, "name"));
}

static json_t *find_named(json_t *list, const char *name)
{
    return find_by(list, "name", name);
}

static int set_policy(json_t *field, const char *policy)
{
    int rc = json_object_set_new(field, "merge", json_string(policy));
    return rc < 0 ? rc : json_object_set_new(field, "own_merge", json_true());
}

/* Members of a group merge as one value, so they change together. */
static int change_field(json_t *entity, const char *field, const char *policy)
{
    json_t *fields = json_object_get(entity, "fields");
    json_t *one = find_named(fields, field);
    const char *group = json_string_value(json_object_get(one, "group"));
    size_t at;
    json_t *member;
    int rc = set_policy(one, policy);
    json_array_foreach(fields, at, member)
    {
        const char *its = json_string_value(json_object_get(member, "group"));
        if (rc == 0 && group != NULL && its != NULL && strcmp(group, its) == 0) {
            rc = set_policy(member, policy);
        }
    }
    return rc == 0 ? FB_OK : FB_ERR_NO_MEMORY;
}

static int apply(json_t *document, const struct fb_policy_change *change, struct fb_why *why)
{
    json_t *entity = find_named(json_object_get(document, "entities"), change->entity);
    enum fb_merge_policy policy;
    if (entity == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "the catalogue has no entity %s", change->entity);
    }
    if (find_named(json_object_get(entity, "fields"), change->field) == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s has no field %s", change->entity, change->field);
    }
    if (!fb_merge_policy_parse(change->policy, &policy)) {
        return fb_fail(why, FB_ERR_INVALID,
                       "%s is no merge rule; `policy list` shows which there are", change->policy);
    }
    return change_field(entity, change->field, change->policy);
}

static int load_numbered(json_t *document, int64_t version, struct fb_catalogue **ret,
                         struct fb_why *why)
{
    int rc = json_object_set_new(document, "version", json_integer(version));
    char *text = rc < 0 ? NULL : json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    rc = fb_catalogue_load(text, strlen(text), ret, why);
    free(text);
    return rc;
}

static json_t *document_of(const struct fb_catalogue *c)
{
    json_error_t error;
    return json_loadb(c->document, c->document_size, 0, &error);
}

int fb_catalogue_numbered(const struct fb_catalogue *c, int64_t version, struct fb_catalogue **ret,
                          struct fb_why *why)
{
    json_t *document = document_of(c);
    int rc = document == NULL ? FB_ERR_NO_MEMORY : load_numbered(document, version, ret, why);
    json_decref(document);
    return rc;
}

int fb_catalogue_with_policies(const struct fb_catalogue *c, const struct fb_policy_change *changes,
                               size_t count, struct fb_catalogue **ret, struct fb_why *why)
{
    json_t *document = document_of(c);
    int rc = document == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = apply(document, &changes[i], why);
    }
    rc = rc < 0 ? rc : load_numbered(document, c->version + 1, ret, why);
    json_decref(document);
    return rc;
}

/* ---- What a newer program ships ---- */

/* Rows and journals know a field by its number. */
static int check_same(const json_t *entity, const json_t *ours, const json_t *shipped,
                      struct fb_why *why)
{
    static const char *const LASTING[] = {"no", "type"};
    for (size_t i = 0; i < sizeof LASTING / sizeof LASTING[0]; i++) {
        json_t *a = json_object_get(ours, LASTING[i]);
        json_t *b = json_object_get(shipped, LASTING[i]);
        if (a != b && !json_equal(a, b)) {
            return fb_fail(why, FB_ERR_INVALID,
                           "%s.json: field %s: '%s' is not what this database has; a field keeps "
                           "its number and type for ever",
                           name_of(entity), name_of(ours), LASTING[i]);
        }
    }
    return FB_OK;
}

static int keep_fields(json_t *ours, json_t *entity, struct fb_why *why)
{
    json_t *fields = json_object_get(entity, "fields");
    size_t at;
    json_t *field;
    json_array_foreach(json_object_get(ours, "fields"), at, field)
    {
        json_t *shipped = find_named(fields, name_of(field));
        int rc = shipped != NULL                        ? check_same(entity, field, shipped, why)
                 : json_array_append(fields, field) < 0 ? FB_ERR_NO_MEMORY
                                                        : FB_OK;
        if (rc == FB_OK && json_is_true(json_object_get(field, "own_merge"))) {
            rc = change_field(entity, name_of(field),
                              json_string_value(json_object_get(field, "merge")));
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* A module that the release has no more, for what is left in it. */
static json_t *add_module(json_t *modules, json_t *ours)
{
    json_t *module = json_copy(ours);
    return module == NULL || json_object_set_new(module, "entities", json_array()) < 0 ||
                   json_array_append_new(modules, module) < 0
               ? NULL
               : module;
}

/* Entities that the release does not have keep their place on the left; where the others stand is the release's. */
static int keep_module(json_t *ours, json_t *modules, json_t *own_names)
{
    json_t *module = find_by(modules, "key", json_string_value(json_object_get(ours, "key")));
    size_t at;
    json_t *name;
    json_array_foreach(json_object_get(ours, "entities"), at, name)
    {
        if (json_object_get(own_names, json_string_value(name)) == NULL) {
            continue;
        }
        module = module == NULL ? add_module(modules, ours) : module;
        if (module == NULL || json_array_append(json_object_get(module, "entities"), name) < 0) {
            return FB_ERR_NO_MEMORY;
        }
    }
    return FB_OK;
}

static int keep_own(json_t *ours, json_t *document, json_t *own_names, struct fb_why *why)
{
    json_t *entities = json_object_get(document, "entities");
    size_t at;
    json_t *one;
    int rc = FB_OK;
    json_array_foreach(json_object_get(ours, "entities"), at, one)
    {
        json_t *shipped = find_named(entities, name_of(one));
        if (rc == FB_OK && shipped != NULL) {
            rc = keep_fields(one, shipped, why);
        } else if (rc == FB_OK && (json_array_append(entities, one) < 0 ||
                                   json_object_set(own_names, name_of(one), json_true()) < 0)) {
            rc = FB_ERR_NO_MEMORY;
        }
    }
    json_array_foreach(json_object_get(ours, "modules"), at, one)
    {
        rc = rc < 0 ? rc : keep_module(one, json_object_get(document, "modules"), own_names);
    }
    return rc;
}

int fb_catalogue_with_shipped(const struct fb_catalogue *c, const struct fb_catalogue *shipped,
                              struct fb_catalogue **ret, struct fb_why *why)
{
    json_t *ours = document_of(c);
    json_t *document = document_of(shipped);
    json_t *own_names = json_object();
    *ret = NULL;
    int rc = ours == NULL || document == NULL || own_names == NULL
                 ? FB_ERR_NO_MEMORY
                 : keep_own(ours, document, own_names, why);
    if (rc == FB_OK && json_object_set_new(document, "version", json_integer(c->version)) < 0) {
        rc = FB_ERR_NO_MEMORY;
    }
    if (rc == FB_OK && !json_equal(ours, document)) {
        rc = load_numbered(document, c->version + 1, ret, why);
    }
    json_decref(own_names);
    json_decref(document);
    json_decref(ours);
    return rc;
}
