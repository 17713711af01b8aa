/* SPDX-License-Identifier: MIT
 *
 * The catalogue as the person may see it: modules, entities as in their files with their layouts whole, choices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

/* Fields that are hidden from the person are not in the answer; calc fields are, they show nothing by themselves. */
static void drop_hidden(struct fb_api *a, const struct fb_entity *e, json_t *entity)
{
    json_t *fields = json_object_get(entity, "fields");
    for (size_t i = json_array_size(fields); i > 0; i--) {
        const char *name =
            json_string_value(json_object_get(json_array_get(fields, i - 1), "name"));
        const struct fb_field *f = name == NULL ? NULL : fb_entity_field(e, name);
        if (f != NULL && !fb_api_sees_field(a, e, f)) {
            json_array_remove(fields, i - 1);
        }
    }
}

static int append_entity(struct fb_api *a, const struct fb_entity *e, json_t *entity)
{
    static const char *const OF_PAGES[] = {"module", "icon", "measure", "plural", "layout"};
    for (size_t i = 0; i < sizeof OF_PAGES / sizeof OF_PAGES[0]; i++) {
        json_object_del(entity, OF_PAGES[i]);
    }
    drop_hidden(a, e, entity);
    char *text = json_dumps(entity, JSON_COMPACT);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_append(a->out, text, strlen(text) - 1);
    free(text);
    fb_buf_append_byte(a->out, ',');
    fb_catalogue_append_pages(e, a->out);
    fb_buf_append_byte(a->out, '}');
    return FB_OK;
}

static int append_entities(struct fb_api *a)
{
    FB_AUTO(fb_api_drop_json)
    json_t *root = json_loadb(a->catalogue->document, a->catalogue->document_size, 0, NULL);
    json_t *entities = json_object_get(root, "entities");
    int rc = root == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    bool is_first = true;
    fb_buf_append_text(a->out, ",\"entities\":[");
    for (size_t i = 0; rc == FB_OK && i < json_array_size(entities); i++) {
        json_t *entity = json_array_get(entities, i);
        const char *name = json_string_value(json_object_get(entity, "name"));
        const struct fb_entity *e = name == NULL ? NULL : fb_catalogue_entity(a->catalogue, name);
        if (e != NULL && fb_api_sees_entity(a, e)) {
            fb_buf_append_text(a->out, is_first ? "" : ",");
            is_first = false;
            rc = append_entity(a, e, entity);
        }
    }
    fb_buf_append_byte(a->out, ']');
    return rc;
}

static int append_choices(struct fb_api *a)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    fb_buf_append_text(a->out, ",\"choices\":{");
    if (fb_catalogue_entity(a->catalogue, "choice") == NULL) {
        fb_buf_append_byte(a->out, '}');
        return FB_OK;
    }
    int rc = fb_sql_begin(a->store,
                          "SELECT l.name, c.value, c.label_en, c.label_zh, c.active, c.colour FROM "
                          "choice_list AS l JOIN choice AS c ON c.choice_list_id = l.id ORDER BY "
                          "l.name, coalesce(c.position, 0), c.value",
                          &q);
    char open[FB_NAME_BYTES_MAX + 1] = "";
    rc = rc < 0 ? rc : fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        const char *name = fb_sql_text(q, 0);
        if (strncmp(open, name, sizeof open - 1) != 0) {
            fb_buf_append_text(a->out, open[0] == '\0' ? "" : "],");
            fb_api_append_text(a->out, name, strlen(name));
            fb_buf_append_text(a->out, ":[");
            snprintf(open, sizeof open, "%s", name);
        } else {
            fb_buf_append_byte(a->out, ',');
        }
        fb_buf_append_byte(a->out, '{');
        fb_api_append_member(a->out, "value", fb_sql_text(q, 1));
        fb_api_append_member(a->out, "en", fb_sql_text(q, 2));
        fb_api_append_member(a->out, "zh", fb_sql_text(q, 3));
        fb_api_append_member(a->out, "colour", fb_sql_text(q, 5));
        fb_buf_printf(a->out, ",\"is_retired\":%s}", fb_sql_int(q, 4) == 0 ? "true" : "false");
        rc = fb_sql_step(q);
    }
    fb_buf_append_text(a->out, open[0] == '\0' ? "}" : "]}");
    return rc;
}

int fb_api_get_catalogue(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    fb_api_begin(&a, web, req, res);
    if (a.catalogue == NULL) {
        return fb_response_problem(res, 503, "busy", "The first download has not come yet.");
    }
    int rc = fb_api_load_rights(&a);
    fb_buf_printf(a.out, "{\"version\":\"%lld\",\"modules\":", (long long)a.catalogue->version);
    fb_catalogue_append_modules(a.catalogue, a.out);
    rc = rc < 0 ? rc : append_entities(&a);
    rc = rc < 0 ? rc : append_choices(&a);
    fb_buf_append_byte(a.out, '}');
    if (rc < 0) {
        return rc;
    }
    struct fb_digest digest = fb_digest_of(a.out->bytes, a.out->size);
    res->etag = fb_arena_printf(a.arena, "%016llx", (unsigned long long)digest.low);
    return res->etag == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}
