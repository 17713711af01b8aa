/* SPDX-License-Identifier: MIT
 *
 * A mapping made from the heading alone: each column is called as a field, or as its label in either language.
 */
#include <string.h>
#include <strings.h>

#include "common/formats/mapping_bind.h"

static const struct fb_field *field_of_column(const struct fb_entity *e, const char *name)
{
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (strcasecmp(f->name, name) == 0 || strcasecmp(f->label_en, name) == 0 ||
            strcmp(f->label_zh, name) == 0) {
            return f;
        }
    }
    return NULL;
}

/* A reference is given by id, or by the one field that a person calls the row by. */
static json_t *value_of_column(const struct fb_field *f, const char *column)
{
    if (f->type == FB_TYPE_REF && f->targets[0]->title_field_count > 0) {
        return json_pack("{s:{s:s,s:{s:s}}}", "link", "entity", f->targets[0]->name, "by",
                         f->targets[0]->title_fields[0]->name, column);
    }
    return json_string(column);
}

static int collect_sets(const struct fb_entity *e, const struct fb_csv_line *heading,
                        const char *csv_name, json_t *sets, struct fb_why *why)
{
    for (size_t i = 0; i < heading->count; i++) {
        const struct fb_field *f = field_of_column(e, heading->cells[i]);
        if (f == NULL) {
            return fb_fail(
                why, FB_ERR_INVALID,
                "%s: the column '%.60s' is called like no field of %s: rename it, or say "
                "with --mapping where it goes",
                csv_name, heading->cells[i], e->name);
        }
        if (json_object_set_new(sets, f->name, value_of_column(f, heading->cells[i])) < 0) {
            return FB_ERR_NO_MEMORY;
        }
    }
    return FB_OK;
}

int fb_mapping_from_heading(const struct fb_catalogue *c, const char *entity,
                            const struct fb_csv_line *heading, const char *csv_name,
                            struct fb_mapping **ret, struct fb_why *why)
{
    const struct fb_entity *e = fb_catalogue_entity(c, entity);
    if (e == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "there is no entity '%.60s'", entity);
    }
    json_t *sets = json_object();
    int rc = collect_sets(e, heading, csv_name, sets, why);
    if (rc < 0) {
        json_decref(sets);
        return rc;
    }
    json_t *doc =
        json_pack("{s:s,s:[{s:s,s:o}]}", "entity", entity, "rows", "entity", entity, "set", sets);
    char *text = doc == NULL ? NULL : json_dumps(doc, 0);
    json_decref(doc);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_mapping *m = NULL;
    rc = fb_mapping_read_text(text, strlen(text), "(headings)", &m, why);
    fb_drop_free(&text);
    if (rc == FB_OK) {
        rc = fb_mapping_bind(m, c, heading, csv_name, why);
    }
    if (rc < 0) {
        fb_mapping_free(m);
        return rc;
    }
    *ret = m;
    return FB_OK;
}
