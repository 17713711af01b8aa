/* SPDX-License-Identifier: MIT */
#include "server/seed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/store/row.h"

#define SEED_BYTES_MAX ((size_t)4 * 1024 * 1024)

static int insert_row(struct fb_store *s, const struct fb_entity *e, json_t *fields,
                      struct fb_why *why)
{
    const char *id = json_string_value(json_object_get(fields, "id"));
    if (id == NULL || !fb_id_is_valid(id, strlen(id))) {
        return fb_fail(why, FB_ERR_INVALID, "seed.json: a row of %s has no valid id", e->name);
    }
    const char *name;
    json_t *value;
    json_object_foreach(fields, name, value)
    {
        if (strcmp(name, "id") != 0 && fb_entity_field(e, name) == NULL) {
            return fb_fail(why, FB_ERR_INVALID, "seed.json: %s %s: there is no field %s", e->name,
                           id, name);
        }
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    char *text = json_dumps(fields, JSON_COMPACT);
    struct fb_row row;
    int rc =
        text == NULL ? FB_ERR_NO_MEMORY : fb_row_from_json(e, id, text, strlen(text), &arena, &row);
    rc = rc < 0 ? rc : fb_row_insert(s, &row);
    free(text);
    return rc == FB_ERR_CONSTRAINT
               ? fb_fail(why, FB_ERR_INVALID, "seed.json: %s %s breaks a rule of its table",
                         e->name, id)
               : rc;
}

static int insert_block(struct fb_store *s, json_t *block, struct fb_why *why)
{
    const char *name = json_string_value(json_object_get(block, "entity"));
    const struct fb_entity *e =
        name == NULL ? NULL : fb_catalogue_entity(fb_store_catalogue(s), name);
    if (e == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "seed.json: there is no entity %s",
                       name == NULL ? "(unnamed)" : name);
    }
    size_t at;
    json_t *fields;
    json_array_foreach(json_object_get(block, "rows"), at, fields)
    {
        int rc = insert_row(s, e, fields, why);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_seed_load(struct fb_store *s, struct fb_why *why)
{
    char path[4096];
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, SEED_BYTES_MAX);
    fb_os_share_path("seed/seed.json", path, sizeof path);
    int rc = fb_os_read_file(path, &text, why);
    if (rc < 0) {
        return rc;
    }
    json_error_t error;
    json_t *document = json_loadb(fb_buf_text(&text), text.size, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s:%d: %s", path, error.line, error.text);
    }
    size_t at;
    json_t *block;
    json_array_foreach(json_object_get(document, "rows"), at, block)
    {
        rc = insert_block(s, block, why);
        if (rc < 0) {
            break;
        }
    }
    json_decref(document);
    return rc;
}
