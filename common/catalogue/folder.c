/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/os.h"
#include "common/catalogue/catalogue.h"

static const char SUFFIX[] = ".json";
static const char MODULES_FILE[] = "modules.json";

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static void drop_folder(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}

/* The file's name without its ending, or 0 if it is none of ours. */
static size_t stem_size(const char *file)
{
    size_t size = strlen(file);
    size_t end = sizeof SUFFIX - 1;
    return size > end && file[0] != '.' && strcmp(file + size - end, SUFFIX) == 0 ? size - end : 0;
}

/* An entity's file bears its name and has a number to sort by; the loader judges everything else.
 */
static int check_head(const json_t *entity, const char *file, struct fb_why *why)
{
    const char *name = json_string_value(json_object_get(entity, "name"));
    if (name == NULL || strlen(name) != stem_size(file) || strncmp(name, file, strlen(name)) != 0) {
        return fb_fail(why, FB_ERR_INVALID, "%s: 'name' must be '%.*s', as the file is called",
                       file, (int)stem_size(file), file);
    }
    if (!json_is_integer(json_object_get(entity, "no"))) {
        return fb_fail(why, FB_ERR_INVALID, "%s: 'no' must be a whole number", file);
    }
    return FB_OK;
}

static int read_file(const char *folder, const char *file, json_t **ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    char path[4096];
    json_error_t error;
    fb_buf_init(&text, FB_CATALOGUE_BYTES_MAX);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, file) >= sizeof path) {
        return fb_fail(why, FB_ERR_LIMIT, "%s: the path of the catalogue folder is too long", file);
    }
    int rc = fb_os_read_file(path, &text, why);
    if (rc < 0) {
        return rc;
    }
    json_t *json = json_loadb(fb_buf_text(&text), text.size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s: line %d, column %d: %s", file, error.line,
                       error.column, error.text);
    }
    *ret = json;
    return FB_OK;
}

static int read_entity(const char *folder, const char *file, json_t *entities, struct fb_why *why)
{
    FB_AUTO(drop_json) json_t *entity = NULL;
    int rc = read_file(folder, file, &entity, why);
    if (rc == FB_OK) {
        rc = check_head(entity, file, why);
    }
    if (rc == FB_OK && json_array_append(entities, entity) < 0) {
        rc = FB_ERR_NO_MEMORY;
    }
    return rc;
}

static int compare_numbers(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "no"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "no"));
    return (x > y) - (x < y);
}

/* The same files give the same bytes, in whatever order the folder lists them. */
static int sort_entities(json_t *entities, json_t **ret)
{
    size_t count = json_array_size(entities);
    FB_AUTO(fb_drop_free) json_t **order = calloc(count + 1, sizeof(json_t *));
    FB_AUTO(drop_json) json_t *sorted = json_array();
    if (order == NULL || sorted == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = json_array_get(entities, i);
    }
    qsort(order, count, sizeof(json_t *), compare_numbers);
    for (size_t i = 0; i < count; i++) {
        if (json_array_append(sorted, order[i]) < 0) {
            return FB_ERR_NO_MEMORY;
        }
    }
    *ret = sorted;
    sorted = NULL;
    return FB_OK;
}

static int read_all(const char *folder, json_t *entities, json_t **modules, struct fb_why *why)
{
    FB_AUTO(drop_folder) DIR *listing = opendir(folder);
    if (listing == NULL) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "%s: the catalogue folder cannot be read", folder);
    }
    for (const struct dirent *at = readdir(listing); at != NULL; at = readdir(listing)) {
        int rc = FB_OK;
        if (strcmp(at->d_name, MODULES_FILE) == 0) {
            rc = read_file(folder, at->d_name, modules, why);
        } else if (stem_size(at->d_name) > 0) {
            rc = read_entity(folder, at->d_name, entities, why);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return json_array_size(entities) > 0
               ? FB_OK
               : fb_fail(why, FB_ERR_NOT_FOUND,
                         "%s: there is no entity file in the catalogue folder", folder);
}

int fb_catalogue_read_folder(const char *folder, int64_t version, struct fb_catalogue **ret,
                             struct fb_why *why)
{
    FB_AUTO(drop_json) json_t *entities = json_array();
    FB_AUTO(drop_json) json_t *sorted = NULL;
    FB_AUTO(drop_json) json_t *modules = NULL;
    FB_AUTO(drop_json) json_t *root = NULL;
    FB_AUTO(fb_drop_free) char *document = NULL;
    int rc = read_all(folder, entities, &modules, why);
    if (rc == FB_OK) {
        rc = sort_entities(entities, &sorted);
    }
    if (rc < 0) {
        return rc;
    }
    root = json_pack("{s:i, s:I, s:O}", "format", 1, "version", (json_int_t)version, "entities",
                     sorted);
    if (modules != NULL && json_object_set(root, "modules", modules) < 0) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    document = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    if (document == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    return fb_catalogue_load(document, strlen(document), ret, why);
}
