/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/formats/import_line.h"
#include "common/formats/transform.h"

/* Cells beyond the heading may stand there if they are blank: some programs end every line with a separator. */
static int check_cell_count(const struct fb_import_work *w, const struct fb_csv_line *line,
                            struct fb_why *why)
{
    size_t expected = w->mapping->column_count;
    bool fits = line->count >= expected;
    for (size_t i = expected; i < line->count; i++) {
        fits = fits && line->sizes[i] == 0;
    }
    return fits ? FB_OK
                : fb_fail(why, FB_ERR_INVALID, "it has %zu cells, the heading has %zu", line->count,
                          expected);
}

static int read_cell(struct fb_import_work *w, const struct fb_map_column *column, const char *cell,
                     size_t size, const char **ret, struct fb_why *why)
{
    if (memchr(cell, 0, size) != NULL) {
        return fb_fail(why, FB_ERR_INVALID, "column %s: it has a zero character", column->name);
    }
    char *copy = fb_arena_copy(&w->arena, cell, size);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const struct fb_mapping *m = w->mapping;
    const char *text = fb_text_trim(copy);
    int rc = fb_transform_run(m->nulls, m->null_count, &w->arena, text, &text, why);
    if (rc == FB_OK) {
        rc = fb_transform_run(column->transforms, column->transform_count, &w->arena, text, ret,
                              why);
    }
    return rc;
}

/* Puts the place in front of the sentence. */
static int explain(struct fb_why *why, int rc, const char *kind, const char *name)
{
    if (rc == FB_ERR_INVALID) {
        struct fb_why inner = *why;
        fb_why_set(why, "%s %s: %s", kind, name, inner.text);
    }
    return rc;
}

int fb_import_read_cells(struct fb_import_work *w, const struct fb_csv_line *line,
                         struct fb_why *why)
{
    int rc = check_cell_count(w, line, why);
    for (size_t i = 0; rc == FB_OK && i < w->mapping->column_count; i++) {
        const struct fb_map_column *column = &w->mapping->columns[i];
        w->texts[i] = NULL;
        if (column->is_used) {
            rc = explain(why,
                         read_cell(w, column, line->cells[i], line->sizes[i], &w->texts[i], why),
                         "column", column->name);
        }
    }
    return rc;
}

static int join_parts(struct fb_import_work *w, struct fb_arena *arena,
                      const struct fb_map_value *value, const char **ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_VALUE_BYTES_MAX);
    *ret = NULL;
    for (size_t i = 0; i < value->part_count; i++) {
        const char *part = NULL;
        int rc = fb_import_text(w, arena, &value->parts[i], &part, why);
        if (rc < 0 || part == NULL) {
            return rc;
        }
        fb_buf_append_text(&text, part);
    }
    if (fb_buf_error(&text) < 0) {
        return fb_fail(why, FB_ERR_INVALID, "the text is longer than 512 KiB");
    }
    *ret = fb_arena_strdup(arena, fb_buf_text(&text));
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int take_first(struct fb_import_work *w, struct fb_arena *arena,
                      const struct fb_map_value *value, const char **ret, struct fb_why *why)
{
    int rc = FB_OK;
    *ret = NULL;
    for (size_t i = 0; i < value->part_count && rc == FB_OK && *ret == NULL; i++) {
        rc = fb_import_text(w, arena, &value->parts[i], ret, why);
    }
    return rc;
}

/* The count is kept as text where the map keeps an id. */
static int count_value(struct fb_import_work *w, struct fb_arena *arena,
                       const struct fb_map_value *value, const char **ret, struct fb_why *why)
{
    const char *text = NULL;
    int rc = fb_import_text(w, arena, &value->parts[0], &text, why);
    if (rc < 0) {
        return rc;
    }
    text = text == NULL ? "" : text;
    struct fb_id_map *seen = w->counters[value->counter];
    const char *last = fb_id_map_get(seen, text, strlen(text));
    long long count = last == NULL ? 0 : strtoll(last, NULL, 10);
    char next[FB_ROW_ID_SIZE] = {0};
    snprintf(next, sizeof(next), "%lld", count + 1);
    rc = fb_id_map_put(seen, text, strlen(text), next);
    if (rc < 0) {
        return rc;
    }
    *ret = fb_arena_strdup(arena, next);
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static const char *row_id(const struct fb_import_work *w, size_t rule)
{
    const struct fb_plan *plan = &w->plans[rule];
    return plan->state == FB_PLAN_SKIPPED ? NULL : plan->row.id;
}

static int link_not_found(const struct fb_map_value *link, const char *const *texts, int rc,
                          struct fb_why *why)
{
    const char *field = link->fields == NULL ? "code" : link->fields[0]->name;
    if (rc == FB_ERR_EXISTS) {
        return fb_fail(why, FB_ERR_INVALID, "several rows of %s have the %s '%.80s'",
                       link->entity->name, field, texts[0]);
    }
    return fb_fail(why, FB_ERR_INVALID, "no %s has the %s '%.80s'", link->entity->name, field,
                   texts[0]);
}

static int find_by_fields(struct fb_import_work *w, struct fb_arena *arena,
                          const struct fb_map_value *link, const char *const *texts, char *ret_id,
                          bool *ret_found, struct fb_why *why)
{
    struct fb_value values[FB_MAP_FIELDS_MAX];
    for (size_t i = 0; i < link->part_count; i++) {
        int rc =
            fb_field_parse(link->fields[i], texts[i], strlen(texts[i]), arena, &values[i], why);
        if (rc < 0) {
            return rc;
        }
    }
    return fb_lookup_by_fields(w->lookup, link->entity, link->fields, values, link->part_count,
                               ret_id, ret_found);
}

/* By code, by id where a single text is one, or by fields. */
static int find_link(struct fb_import_work *w, struct fb_arena *arena,
                     const struct fb_map_value *link, const char *const *texts, char *ret_id,
                     bool *ret_found, struct fb_why *why)
{
    if (link->system != NULL) {
        return fb_lookup_by_key(w->lookup, link->system, link->entity, texts[0], ret_id, ret_found);
    }
    if (link->part_count == 1 && fb_id_is_valid(texts[0], strlen(texts[0]))) {
        memcpy(ret_id, texts[0], FB_ROW_ID_SIZE);
        return fb_row_exists(w->store, link->entity, ret_id, ret_found);
    }
    return find_by_fields(w, arena, link, texts, ret_id, ret_found, why);
}

/* What the linked row says in a field, as a person would write it. */
static int take_field(struct fb_import_work *w, struct fb_arena *arena,
                      const struct fb_map_value *link, const char *id, const char **ret)
{
    struct fb_row row;
    bool is_found = false;
    int rc = fb_row_read(w->store, link->entity, id, arena, &row, &is_found);
    if (rc < 0 || !is_found || fb_value_is_empty(&row.values[link->take->index])) {
        return rc;
    }
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, (size_t)2 * FB_VALUE_BYTES_MAX);
    fb_field_format(link->take, &row.values[link->take->index], &text);
    *ret = fb_arena_strdup(arena, fb_buf_text(&text));
    return *ret == NULL || fb_buf_error(&text) < 0 ? FB_ERR_NO_MEMORY : FB_OK;
}

static int follow_link(struct fb_import_work *w, struct fb_arena *arena,
                       const struct fb_map_value *link, const char **ret, struct fb_why *why)
{
    const char *texts[FB_MAP_FIELDS_MAX] = {0};
    *ret = NULL;
    for (size_t i = 0; i < link->part_count; i++) {
        int rc = fb_import_text(w, arena, &link->parts[i], &texts[i], why);
        if (rc < 0 || texts[i] == NULL) {
            return rc; /* a blank cell links to nothing */
        }
    }
    char id[FB_ROW_ID_SIZE];
    bool is_found = false;
    int rc = find_link(w, arena, link, texts, id, &is_found, why);
    if (rc == FB_ERR_EXISTS || (rc == FB_OK && !is_found && !link->may_miss)) {
        return link_not_found(link, texts, rc, why);
    }
    if (rc < 0 || !is_found) {
        return rc;
    }
    if (link->take != NULL) {
        return take_field(w, arena, link, id, ret);
    }
    *ret = fb_arena_strdup(arena, id);
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int raw_text(struct fb_import_work *w, struct fb_arena *arena,
                    const struct fb_map_value *value, const char **ret, struct fb_why *why)
{
    switch (value->kind) {
    case FB_MAP_COLUMN:
        *ret = w->texts[value->column];
        return FB_OK;
    case FB_MAP_CONSTANT:
        *ret = value->text;
        return FB_OK;
    case FB_MAP_TEXT:
        return join_parts(w, arena, value, ret, why);
    case FB_MAP_FIRST:
        return take_first(w, arena, value, ret, why);
    case FB_MAP_ROW:
        *ret = row_id(w, value->rule);
        return FB_OK;
    case FB_MAP_LINK:
        return follow_link(w, arena, value, ret, why);
    case FB_MAP_COUNTER:
        return count_value(w, arena, value, ret, why);
    }
    return FB_ERR_INVALID;
}

int fb_import_text(struct fb_import_work *w, struct fb_arena *arena,
                   const struct fb_map_value *value, const char **ret, struct fb_why *why)
{
    const char *text = NULL;
    int rc = raw_text(w, arena, value, &text, why);
    return rc < 0
               ? rc
               : fb_transform_run(value->transforms, value->transform_count, arena, text, ret, why);
}
