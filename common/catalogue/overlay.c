/* SPDX-License-Identifier: MIT
 *
 * What an administrator changes of the shipped catalogue: a new document, with the next version, checked like any other.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/catalogue/catalogue.h"

static json_t *find_named(json_t *list, const char *name)
{
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        const char *text = json_string_value(json_object_get(item, "name"));
        if (text != NULL && strcmp(text, name) == 0) {
            return item;
        }
    }
    return NULL;
}

/* Members of a group merge as one value, so they change together. */
static int change_field(json_t *entity, const char *field, const char *policy)
{
    json_t *fields = json_object_get(entity, "fields");
    json_t *one = find_named(fields, field);
    const char *group = json_string_value(json_object_get(one, "group"));
    size_t at;
    json_t *member;
    int rc = json_object_set_new(one, "merge", json_string(policy));
    json_array_foreach(fields, at, member)
    {
        const char *its = json_string_value(json_object_get(member, "group"));
        if (rc == 0 && group != NULL && its != NULL && strcmp(group, its) == 0) {
            rc = json_object_set_new(member, "merge", json_string(policy));
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

int fb_catalogue_with_policies(const struct fb_catalogue *c, const struct fb_policy_change *changes,
                               size_t count, struct fb_catalogue **ret, struct fb_why *why)
{
    json_error_t error;
    json_t *document = json_loadb(c->document, c->document_size, 0, &error);
    int rc = document == NULL
                 ? FB_ERR_NO_MEMORY
                 : json_object_set_new(document, "version", json_integer(c->version + 1));
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = apply(document, &changes[i], why);
    }
    char *text = rc == FB_OK ? json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(document);
    if (rc == FB_OK && text == NULL) {
        rc = FB_ERR_NO_MEMORY;
    }
    rc = rc < 0 ? rc : fb_catalogue_load(text, strlen(text), ret, why);
    free(text);
    return rc;
}
