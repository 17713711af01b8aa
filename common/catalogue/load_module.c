/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/catalogue/load.h"

static const char *module_at(const void *ctx, size_t i)
{
    return ((const struct fb_catalogue *)ctx)->modules[i].key;
}

static const char *entity_at(const void *ctx, size_t i)
{
    return ((const struct fb_catalogue *)ctx)->entities[i].name;
}

static const struct fb_module *find_module(const struct fb_catalogue *c, const char *key)
{
    for (size_t i = 0; i < c->module_count; i++) {
        if (strcmp(c->modules[i].key, key) == 0) {
            return &c->modules[i];
        }
    }
    return NULL;
}

static int load_module_head(struct fb_loading *l, json_t *json, struct fb_module *m)
{
    static const char *const KEYS[] = {"key", "en", "zh", "icon", "entities", NULL};
    int rc = json_is_object(json) ? FB_OK : fb_load_fail(l, "a module must be an object");
    if (rc == FB_OK) {
        rc = fb_load_check_keys(l, json, KEYS, NULL);
    }
    if (rc == FB_OK) {
        rc = fb_load_text(l, json, "key", FB_LOAD_REQUIRED, &m->key);
    }
    if (rc == FB_OK) {
        rc = fb_load_check_name(l, "module", m->key);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "en", &m->label_en);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "zh", &m->label_zh);
    }
    return rc == FB_OK ? fb_load_icon(l, json, "folder", &m->icon) : rc;
}

/* The module that the entity's file names. A catalogue without any (a test's) has no left side. */
static int join_module(struct fb_loading *l, const struct fb_draft *d)
{
    const char *key = NULL;
    l->draft = d;
    int rc = fb_load_text(l, d->json, "module", FB_LOAD_OPTIONAL, &key);
    if (rc < 0 || key == NULL || l->catalogue->module_count == 0) {
        return rc;
    }
    d->entity->module = find_module(l->catalogue, key);
    if (d->entity->module == NULL) {
        char hint[FB_SUGGEST_SIZE];
        return fb_load_fail(
            l, "module '%.63s' is not declared%s", key,
            fb_suggest(key, module_at, l->catalogue, l->catalogue->module_count, hint));
    }
    return FB_OK;
}

static int add_entity(struct fb_loading *l, struct fb_module *m, const char *name)
{
    const struct fb_catalogue *c = l->catalogue;
    const struct fb_entity *e = name == NULL ? NULL : fb_catalogue_entity(c, name);
    if (e == NULL) {
        char hint[FB_SUGGEST_SIZE];
        const char *wrong = name == NULL ? "?" : name;
        return fb_load_fail(l, "module '%s' names entity '%.63s', which is not declared%s", m->key,
                            wrong, fb_suggest(wrong, entity_at, c, c->entity_count, hint));
    }
    if (e->module != m) {
        return fb_load_fail(l, "module '%s' names entity '%s', whose file does not name the module",
                            m->key, name);
    }
    for (size_t i = 0; i < m->entity_count; i++) {
        if (m->entities[i] == e) {
            return fb_load_fail(l, "module '%s' names entity '%s' twice", m->key, name);
        }
    }
    m->entities[m->entity_count++] = e;
    return FB_OK;
}

static int load_entities(struct fb_loading *l, json_t *json, struct fb_module *m)
{
    json_t *list = NULL;
    int rc = fb_load_array(l, json, "entities", 1, FB_ENTITIES_MAX, &list);
    if (rc < 0) {
        return rc;
    }
    size_t count = json_array_size(list);
    m->entities = fb_arena_alloc(&l->catalogue->arena, count * sizeof(void *));
    if (m->entities == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = add_entity(l, m, json_string_value(json_array_get(list, i)));
    }
    return rc;
}

static int load_heads(struct fb_loading *l, json_t *list, struct fb_module *modules)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = load_module_head(l, json_array_get(list, i), &modules[i]);
        if (rc < 0) {
            return rc;
        }
        if (find_module(l->catalogue, modules[i].key) != NULL) {
            return fb_load_fail(l, "module '%s' is there twice", modules[i].key);
        }
        l->catalogue->module_count++;
    }
    return FB_OK;
}

int fb_load_modules(struct fb_loading *l, json_t *root)
{
    json_t *list = NULL;
    l->draft = NULL;
    int rc = fb_load_array(l, root, "modules", 0, FB_MODULES_MAX, &list);
    if (rc < 0) {
        return rc;
    }
    struct fb_module *modules =
        fb_arena_alloc(&l->catalogue->arena, (json_array_size(list) + 1) * sizeof *modules);
    if (modules == NULL) {
        return fb_load_no_memory(l);
    }
    l->catalogue->modules = modules;
    rc = load_heads(l, list, modules);
    for (size_t i = 0; rc == FB_OK && i < l->draft_count; i++) {
        rc = join_module(l, &l->drafts[i]);
    }
    for (size_t i = 0; i < l->catalogue->entity_count; i++) { /* parents stand first */
        struct fb_entity *e = &l->entities[i];
        if (e->module == NULL && e->parent != NULL) {
            e->module = e->parent->module;
        }
    }
    l->draft = NULL;
    for (size_t i = 0; rc == FB_OK && i < json_array_size(list); i++) {
        rc = load_entities(l, json_array_get(list, i), &modules[i]);
    }
    return rc;
}
