/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/catalogue/load.h"

/* The struct takes about six times its text; a hostile text gets no further than this. */
#define CATALOGUE_ARENA_BYTES_MAX (16 * (size_t)FB_CATALOGUE_BYTES_MAX)
#define DOCUMENT_FORMAT           1

/* Without memory jansson complains about the text, and the database would be taken for damaged. */
static bool has_no_memory;

static void *note_malloc(size_t size)
{
    void *p = malloc(size);
    has_no_memory = has_no_memory || p == NULL;
    return p;
}

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static int load_head(struct fb_loading *l, struct fb_draft *d)
{
    static const char *const KEYS[] = {
        "no",      "name",   "en",     "zh",   "scope",   "title",  "closed", "append_only",
        "part_of", "fields", "module", "icon", "measure", "plural", "layout", NULL};
    int rc = fb_load_text(l, d->json, "name", FB_LOAD_REQUIRED, &d->name);
    if (rc == FB_OK) {
        rc = fb_load_check_name(l, "entity", d->name);
    }
    if (rc < 0) {
        return rc;
    }
    l->draft = d;
    return fb_load_check_keys(l, d->json, KEYS, NULL);
}

static int check_field_names(struct fb_loading *l, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *a = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(a, "name"));
        if (name == NULL) {
            return fb_load_fail(l, "field %zu has no 'name'", i + 1);
        }
        l->field = name;
        int rc = fb_load_check_name(l, "field", name);
        if (rc < 0) {
            return rc;
        }
        for (size_t j = 0; j < i; j++) {
            json_t *b = json_array_get(list, j);
            if (strcmp(name, json_string_value(json_object_get(b, "name"))) == 0) {
                return fb_load_fail(l, "the name is there twice");
            }
        }
    }
    l->field = NULL;
    return FB_OK;
}

/* calc fields are declared for forms and lists; they are checked here and have no place in the
 * table. */
static int load_fields(struct fb_loading *l, struct fb_draft *d)
{
    json_t *list = NULL;
    int rc = fb_load_array(l, d->json, "fields", 1, FB_FIELDS_MAX, &list);
    if (rc == FB_OK) {
        rc = check_field_names(l, list);
    }
    if (rc < 0) {
        return rc;
    }
    size_t count = json_array_size(list);
    d->fields = fb_arena_alloc(&l->catalogue->arena, count * sizeof *d->fields);
    d->field_json = fb_arena_alloc(&l->catalogue->arena, count * sizeof(json_t *));
    if (d->fields == NULL || d->field_json == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        json_t *json = json_array_get(list, i);
        struct fb_field field = {.index = (uint32_t)d->field_count};
        l->field = json_string_value(json_object_get(json, "name"));
        rc = fb_load_field(l, json, &field);
        if (rc < 0) {
            return rc;
        }
        if (field.type != FB_TYPE_CALC) {
            d->fields[d->field_count] = field;
            d->field_json[d->field_count++] = json;
        }
    }
    l->field = NULL;
    return d->field_count > 0 ? FB_OK : fb_load_fail(l, "there is no field that is stored");
}

static int load_drafts(struct fb_loading *l, json_t *root)
{
    json_t *list = NULL;
    int rc = fb_load_array(l, root, "entities", 1, FB_ENTITIES_MAX, &list);
    if (rc < 0) {
        return rc;
    }
    size_t count = json_array_size(list);
    l->drafts = fb_arena_alloc(&l->catalogue->arena, count * sizeof *l->drafts);
    if (l->drafts == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        struct fb_draft *d = &l->drafts[i];
        *d = (struct fb_draft){.json = json_array_get(list, i), .parent = FB_DRAFT_NONE};
        l->draft = NULL;
        if (!json_is_object(d->json)) {
            return fb_load_fail(l, "entity %zu is not an object", i + 1);
        }
        rc = load_head(l, d);
        if (rc == FB_OK) {
            rc = load_fields(l, d);
        }
        if (rc < 0) {
            return rc;
        }
        if (fb_load_draft_find(l, d->name) != FB_DRAFT_NONE) {
            return fb_load_fail(l, "there is another entity of this name");
        }
        l->draft_count++;
    }
    return FB_OK;
}

static int load_root(struct fb_loading *l, json_t *root)
{
    static const char *const KEYS[] = {"format", "version", "entities", "modules", NULL};
    int64_t format = 0;
    int rc = fb_load_check_keys(l, root, KEYS, NULL);
    if (rc == FB_OK) {
        rc = fb_load_int(l, root, "format", FB_LOAD_REQUIRED, DOCUMENT_FORMAT, DOCUMENT_FORMAT,
                         &format);
    }
    if (rc == FB_OK) {
        rc =
            fb_load_int(l, root, "version", FB_LOAD_REQUIRED, 0, INT64_MAX, &l->catalogue->version);
    }
    if (rc == FB_OK) {
        rc = load_drafts(l, root);
    }
    if (rc == FB_OK) {
        rc = fb_load_resolve(l);
    }
    return rc == FB_OK ? fb_load_modules(l, root) : rc;
}

int fb_catalogue_load(const char *document, size_t size, struct fb_catalogue **ret,
                      struct fb_why *why)
{
    if (size > FB_CATALOGUE_BYTES_MAX) {
        return fb_fail(why, FB_ERR_LIMIT, "catalogue: it has %zu bytes, %d are allowed", size,
                       FB_CATALOGUE_BYTES_MAX);
    }
    json_error_t error;
    has_no_memory = false;
    json_set_alloc_funcs(note_malloc, free);
    FB_AUTO(drop_json) json_t *root = json_loadb(document, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && has_no_memory) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    if (root == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "catalogue: line %d, column %d: %s", error.line,
                       error.column, error.text);
    }
    if (!json_is_object(root)) {
        return fb_fail(why, FB_ERR_INVALID, "catalogue: it is not an object");
    }
    FB_AUTO(fb_catalogue_drop) struct fb_catalogue *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    fb_arena_init(&c->arena, CATALOGUE_ARENA_BYTES_MAX);
    struct fb_loading loading = {.catalogue = c, .why = why};
    c->document = fb_arena_copy(&c->arena, document, size);
    c->document_size = size;
    c->hash = fb_sha256(document, size, NULL, 0);
    int rc = c->document == NULL ? fb_load_no_memory(&loading) : load_root(&loading, root);
    if (rc < 0) {
        return rc;
    }
    *ret = c;
    c = NULL;
    return FB_OK;
}
