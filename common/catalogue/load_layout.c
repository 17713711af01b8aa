/* SPDX-License-Identifier: MIT
 *
 * What an entity's file says of the pages: its word, measure word, plural, lists and forms.
 */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/load.h"

#define SORT_KEYS_MAX 4

int fb_load_icon(struct fb_loading *l, json_t *object, const char *otherwise, const char **ret)
{
    const char *icon = otherwise;
    int rc = fb_load_text(l, object, "icon", FB_LOAD_OPTIONAL, &icon);
    if (rc < 0) {
        return rc;
    }
    size_t size = icon == NULL ? 0 : strlen(icon);
    if (icon != NULL && (size == 0 || size > FB_NAME_BYTES_MAX ||
                         strspn(icon, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)) {
        return fb_load_fail(l, "'icon' must be 1 to %d lower-case letters, digits and '-'",
                            FB_NAME_BYTES_MAX);
    }
    *ret = icon;
    return FB_OK;
}

struct known_names {
    const struct fb_draft *draft;
    json_t *fields;
};

static const char *known_at(const void *ctx, size_t i)
{
    const struct known_names *known = ctx;
    return json_string_value(json_object_get(json_array_get(known->fields, i), "name"));
}

/* The name as it lives in the catalogue: of a stored field, a calculated one or a stamp. */
static int find_name(struct fb_loading *l, const struct fb_draft *d, const char *where,
                     const char *wanted, const char **ret)
{
    const struct known_names known = {.draft = d, .fields = json_object_get(d->json, "fields")};
    const char *name = wanted == NULL ? "?" : wanted;
    const struct fb_field *f = fb_load_draft_field(d, name);
    if (f != NULL) {
        *ret = f->name;
        return FB_OK;
    }
    bool is_known = fb_stamp_no(name) != 0;
    for (size_t i = 0; i < json_array_size(known.fields) && !is_known; i++) {
        is_known = strcmp(known_at(&known, i), name) == 0;
    }
    if (!is_known) {
        char hint[FB_SUGGEST_SIZE];
        return fb_load_fail(
            l, "layout: '%s' names field '%.63s', which is not declared%s", where, name,
            fb_suggest(name, known_at, &known, json_array_size(known.fields), hint));
    }
    *ret = fb_arena_strdup(&l->catalogue->arena, name);
    return *ret == NULL ? fb_load_no_memory(l) : FB_OK;
}

static bool is_in(const struct fb_name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        fb_assert(name != NULL && list->names[i] != NULL);
        if (strcmp(list->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int load_names(struct fb_loading *l, const struct fb_draft *d, json_t *object,
                      const char *key, size_t max, struct fb_name_list *ret)
{
    json_t *list = NULL;
    int rc = object == NULL ? FB_OK : fb_load_array(l, object, key, 0, max, &list);
    if (rc < 0 || json_array_size(list) == 0) {
        return rc;
    }
    ret->names = fb_arena_alloc(&l->catalogue->arena, json_array_size(list) * sizeof(char *));
    if (ret->names == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = NULL;
        rc = find_name(l, d, key, json_string_value(json_array_get(list, i)), &name);
        if (rc < 0) {
            return rc;
        }
        if (is_in(ret, name)) {
            return fb_load_fail(l, "layout: '%s' names field '%s' twice", key, name);
        }
        ret->names[ret->count++] = name;
    }
    return FB_OK;
}

/* "-amount,name": what is sorted by is stored. */
static int check_sort(struct fb_loading *l, const struct fb_draft *d, const char *sort)
{
    const char *at = sort;
    for (size_t i = 0;; i++) {
        char key[FB_NAME_BYTES_MAX + 1];
        at += *at == '-';
        size_t size = strcspn(at, ",");
        snprintf(key, sizeof key, "%.*s", size > FB_NAME_BYTES_MAX ? 0 : (int)size, at);
        const struct fb_field *f = fb_load_draft_field(d, key);
        if ((f == NULL && fb_stamp_no(key) == 0) || i == SORT_KEYS_MAX) {
            return fb_load_fail(l,
                                "layout: 'sort' must be 1 to %d stored fields or stamps with ',' "
                                "between them and '-' before those that fall",
                                SORT_KEYS_MAX);
        }
        if (at[size] == 0) {
            return FB_OK;
        }
        at += size + 1;
    }
}

static int load_list(struct fb_loading *l, const struct fb_draft *d, json_t *layout)
{
    static const char *const KEYS[] = {"columns", "sort", NULL};
    json_t *list = json_object_get(layout, "list");
    struct fb_layout *ret = &d->entity->layout;
    if (list == NULL) {
        return FB_OK;
    }
    int rc = json_is_object(list)
                 ? fb_load_check_keys(l, list, KEYS, NULL)
                 : fb_load_fail(l, "layout: 'list' must be an object with columns and sort");
    if (rc == FB_OK) {
        rc = load_names(l, d, list, "columns", FB_LAYOUT_COLUMNS_MAX, &ret->columns);
    }
    if (rc == FB_OK) {
        rc = fb_load_text(l, list, "sort", FB_LOAD_OPTIONAL, &ret->sort);
    }
    return rc == FB_OK && ret->sort != NULL ? check_sort(l, d, ret->sort) : rc;
}

static int load_section(struct fb_loading *l, const struct fb_draft *d, json_t *json,
                        struct fb_section *ret)
{
    static const char *const KEYS[] = {"title_en", "title_zh", "fields", NULL};
    int rc =
        json_is_object(json)
            ? fb_load_check_keys(l, json, KEYS, NULL)
            : fb_load_fail(l, "layout: a part of 'form' must be an object with titles and fields");
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "title_en", &ret->title_en);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "title_zh", &ret->title_zh);
    }
    if (rc == FB_OK) {
        rc = load_names(l, d, json, "fields", FB_FIELDS_MAX, &ret->fields);
    }
    return rc == FB_OK && ret->fields.count == 0
               ? fb_load_fail(l, "layout: part '%s' of 'form' has no fields", ret->title_en)
               : rc;
}

/* A field has one place on a form. */
static int check_form(struct fb_loading *l, const struct fb_layout *layout)
{
    for (size_t a = 0; a < layout->section_count; a++) {
        const struct fb_name_list *fields = &layout->sections[a].fields;
        for (size_t i = 0; i < fields->count; i++) {
            for (size_t b = 0; b < a; b++) {
                if (is_in(&layout->sections[b].fields, fields->names[i])) {
                    return fb_load_fail(l, "layout: '%s' names field '%s' twice", "form",
                                        fields->names[i]);
                }
            }
        }
    }
    return FB_OK;
}

static int load_form(struct fb_loading *l, const struct fb_draft *d, json_t *layout)
{
    json_t *list = NULL;
    struct fb_layout *ret = &d->entity->layout;
    int rc = fb_load_array(l, layout, "form", 0, FB_LAYOUT_SECTIONS_MAX, &list);
    if (rc < 0 || json_array_size(list) == 0) {
        return rc;
    }
    struct fb_section *sections =
        fb_arena_alloc(&l->catalogue->arena, json_array_size(list) * sizeof *sections);
    if (sections == NULL) {
        return fb_load_no_memory(l);
    }
    ret->sections = sections;
    for (size_t i = 0; rc == FB_OK && i < json_array_size(list); i++) {
        rc = load_section(l, d, json_array_get(list, i), &sections[i]);
        ret->section_count += rc == FB_OK;
    }
    return rc == FB_OK ? check_form(l, ret) : rc;
}

static bool has_few_values(const struct fb_field *f)
{
    return f->choice_count > 0 || f->type == FB_TYPE_PICK || f->type == FB_TYPE_REF ||
           f->type == FB_TYPE_BOOL;
}

static int load_kanban(struct fb_loading *l, const struct fb_draft *d, json_t *layout)
{
    const char *name = NULL;
    int rc = fb_load_text(l, layout, "kanban", FB_LOAD_OPTIONAL, &name);
    if (rc < 0 || name == NULL) {
        return rc;
    }
    const struct fb_field *f = fb_load_draft_field(d, name);
    if (f == NULL || !has_few_values(f)) {
        return fb_load_fail(l, "layout: 'kanban' must name a field with choices, or a reference");
    }
    d->entity->layout.kanban = f;
    return FB_OK;
}

static int load_day(struct fb_loading *l, const struct fb_draft *d, json_t *calendar,
                    const char *key, const struct fb_field **ret)
{
    const char *name = NULL;
    int rc = fb_load_text(l, calendar, key, FB_LOAD_OPTIONAL, &name);
    if (rc < 0 || name == NULL) {
        return rc;
    }
    *ret = fb_load_draft_field(d, name);
    return *ret != NULL && ((*ret)->type == FB_TYPE_DATE || (*ret)->type == FB_TYPE_DT)
               ? FB_OK
               : fb_load_fail(l, "layout: '%s' of 'calendar' must name a date or a time", key);
}

static int load_calendar(struct fb_loading *l, const struct fb_draft *d, json_t *layout)
{
    static const char *const KEYS[] = {"start", "end", "title", NULL};
    json_t *calendar = json_object_get(layout, "calendar");
    struct fb_layout *ret = &d->entity->layout;
    const char *title = NULL;
    if (calendar == NULL) {
        return FB_OK;
    }
    int rc =
        json_is_object(calendar)
            ? fb_load_check_keys(l, calendar, KEYS, NULL)
            : fb_load_fail(l, "layout: 'calendar' must be an object with start, end and title");
    if (rc == FB_OK) {
        rc = load_day(l, d, calendar, "start", &ret->calendar_start);
    }
    if (rc == FB_OK) {
        rc = load_day(l, d, calendar, "end", &ret->calendar_end);
    }
    if (rc == FB_OK && ret->calendar_start == NULL) {
        rc = fb_load_fail(l, "layout: '%s' of 'calendar' must name a date or a time", "start");
    }
    if (rc == FB_OK) {
        rc = fb_load_text(l, calendar, "title", FB_LOAD_OPTIONAL, &title);
    }
    return rc == FB_OK && title != NULL ? find_name(l, d, "calendar", title, &ret->calendar_title)
                                        : rc;
}

static int load_words(struct fb_loading *l, const struct fb_draft *d)
{
    struct fb_entity *e = d->entity;
    int rc = fb_load_icon(l, d->json, NULL, &e->icon);
    if (rc == FB_OK && json_object_get(d->json, "measure") != NULL) {
        rc = fb_load_label(l, d->json, "measure", &e->measure);
    }
    return rc == FB_OK && json_object_get(d->json, "plural") != NULL
               ? fb_load_label(l, d->json, "plural", &e->plural_en)
               : rc;
}

static int load_lists(struct fb_loading *l, const struct fb_draft *d, json_t *layout)
{
    struct fb_layout *ret = &d->entity->layout;
    int rc = load_names(l, d, layout, "header", FB_LAYOUT_HEADER_MAX, &ret->header);
    if (rc == FB_OK) {
        rc = load_names(l, d, layout, "second", FB_LAYOUT_HEADER_MAX, &ret->second);
    }
    if (rc == FB_OK) {
        rc = load_names(l, d, layout, "quick", FB_LAYOUT_QUICK_MAX, &ret->quick);
    }
    for (size_t i = 0; rc == FB_OK && i < ret->quick.count; i++) {
        if (fb_load_draft_field(d, ret->quick.names[i]) == NULL) {
            rc = fb_load_fail(l, "layout: 'quick' names '%s', which nobody can type",
                              ret->quick.names[i]);
        }
    }
    return rc;
}

int fb_load_layout(struct fb_loading *l, const struct fb_draft *d)
{
    static const char *const KEYS[] = {"list",     "form",   "quick",  "kanban",
                                       "calendar", "header", "second", NULL};
    typedef int step(struct fb_loading *, const struct fb_draft *, json_t *);
    static step *const STEPS[] = {load_list, load_form, load_kanban, load_calendar, load_lists};
    json_t *layout = json_object_get(d->json, "layout");
    int rc = load_words(l, d);
    if (rc == FB_OK && layout != NULL) {
        rc = json_is_object(layout) ? fb_load_check_keys(l, layout, KEYS, NULL)
                                    : fb_load_fail(l, "'layout' must be an object");
    }
    for (size_t i = 0; rc == FB_OK && layout != NULL && i < sizeof STEPS / sizeof STEPS[0]; i++) {
        rc = STEPS[i](l, d, layout);
    }
    return rc == FB_OK ? fb_load_layout_defaults(l, d) : rc;
}
