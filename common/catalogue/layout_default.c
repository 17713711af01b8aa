/* SPDX-License-Identifier: MIT
 *
 * What pages show where an entity's file says nothing. The rules: docs/catalogue.md, "Layout".
 */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/load.h"

#define COLUMNS_AIM 7 /* what fits beside a check box at 1280 pixels */
#define HEADER_AIM  4
#define SECOND_AIM  2

static bool is_name_of_another(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].target_name == f) {
            return true;
        }
    }
    return false;
}

/* What a person can read: no bytes, no bare ids, nothing that another field shows already. */
static bool is_shown(const struct fb_entity *e, const struct fb_field *f)
{
    return f->type != FB_TYPE_BLOB && f->type != FB_TYPE_UUID && f != e->parent_field &&
           !is_name_of_another(e, f);
}

static bool fits_a_line(const struct fb_entity *e, const struct fb_field *f)
{
    return is_shown(e, f) && f->type != FB_TYPE_LONG && f->type != FB_TYPE_JSON &&
           f->type != FB_TYPE_SET;
}

static bool is_title(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->title_field_count; i++) {
        if (e->title_fields[i] == f) {
            return true;
        }
    }
    return false;
}

static bool is_state(const struct fb_entity *e, const struct fb_field *f)
{
    return f->type == FB_TYPE_FSM || f == e->closed_field;
}

typedef bool wanted(const struct fb_entity *e, const struct fb_field *f);

static bool wants_title(const struct fb_entity *e, const struct fb_field *f)
{
    return is_title(e, f);
}

static bool wants_column(const struct fb_entity *e, const struct fb_field *f)
{
    return fits_a_line(e, f) &&
           (f->is_indexed || is_state(e, f) || f == e->owner_field || f->is_required);
}

static bool wants_header(const struct fb_entity *e, const struct fb_field *f)
{
    return fits_a_line(e, f) && !is_title(e, f) &&
           (is_state(e, f) || f == e->owner_field || (f->is_indexed && f->choice_count > 0));
}

static bool wants_second(const struct fb_entity *e, const struct fb_field *f)
{
    return fits_a_line(e, f) && !is_title(e, f) && (f->type == FB_TYPE_REF || is_state(e, f));
}

/* Somebody must type it: no default, no rule that fills it. */
static bool wants_typing(const struct fb_entity *e, const struct fb_field *f)
{
    return is_shown(e, f) && f->is_required && fb_value_is_empty(&f->initial) &&
           f != e->owner_field && !f->is_server_only;
}

static bool wants_quick(const struct fb_entity *e, const struct fb_field *f)
{
    return fits_a_line(e, f) && !f->is_server_only && f->type != FB_TYPE_SEQ &&
           (is_title(e, f) || f->is_indexed);
}

static bool is_in(const struct fb_name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds the fields that f wants, in the entity's order, until there are max. The list has room for
 * max. */
static void add(const struct fb_entity *e, wanted *f, size_t max, struct fb_name_list *list)
{
    for (size_t i = 0; i < e->field_count && list->count < max; i++) {
        if (f(e, &e->fields[i]) && !is_in(list, e->fields[i].name)) {
            list->names[list->count++] = e->fields[i].name;
        }
    }
}

/* fs are asked one after the other, the most important first. */
static int fill(struct fb_loading *l, const struct fb_entity *e, wanted *const *fs, size_t count,
                size_t max, struct fb_name_list *list)
{
    if (list->count > 0) {
        return FB_OK;
    }
    list->names = fb_arena_alloc(&l->catalogue->arena, max * sizeof(char *));
    if (list->names == NULL) {
        return fb_load_no_memory(l);
    }
    for (size_t i = 0; i < count; i++) {
        add(e, fs[i], max, list);
    }
    return FB_OK;
}
#define FILL(l, e, fs, max, list) fill(l, e, fs, sizeof(fs) / sizeof((fs)[0]), max, list)

/* One heading with everything that can be shown. */
static int fill_form(struct fb_loading *l, struct fb_entity *e)
{
    if (e->layout.section_count > 0) {
        return FB_OK;
    }
    struct fb_section *s = fb_arena_alloc(&l->catalogue->arena, sizeof *s);
    if (s == NULL) {
        return fb_load_no_memory(l);
    }
    *s = (struct fb_section){.title_en = "General", .title_zh = "基本信息"};
    wanted *const fs[] = {is_shown};
    e->layout.sections = s;
    e->layout.section_count = 1;
    return FILL(l, e, fs, e->field_count, &s->fields);
}

/* Lines stand in their own order, events newest first, records as they were changed last. */
static const char *usual_sort(const struct fb_entity *e)
{
    const struct fb_field *at = fb_entity_field(e, "at");
    if (fb_entity_field(e, "position") != NULL) {
        return "position";
    }
    if (at != NULL && at->type == FB_TYPE_DT) {
        return "-at";
    }
    return e->parent != NULL ? "created_at" : "-modified_at";
}

static bool ends_in(const char *word, size_t size, const char *end)
{
    size_t n = strlen(end);
    return size >= n && strncmp(word + size - n, end, n) == 0;
}

/* "Company" becomes "Companies", "Address" "Addresses". */
static int fill_plural(struct fb_loading *l, struct fb_entity *e)
{
    char text[FB_LABEL_BYTES_MAX + 4];
    const char *word = e->label_en;
    size_t size = strlen(word);
    if (e->plural_en != NULL) {
        return FB_OK;
    }
    bool is_y = ends_in(word, size, "y") && size > 1 && strchr("aeiou", word[size - 2]) == NULL;
    bool is_hiss = ends_in(word, size, "s") || ends_in(word, size, "x") ||
                   ends_in(word, size, "ch") || ends_in(word, size, "sh");
    snprintf(text, sizeof text, "%.*s%s", (int)(is_y ? size - 1 : size), word,
             is_y      ? "ies"
             : is_hiss ? "es"
                       : "s");
    e->plural_en = fb_arena_strdup(&l->catalogue->arena, text);
    return e->plural_en == NULL ? fb_load_no_memory(l) : FB_OK;
}

int fb_load_layout_defaults(struct fb_loading *l, const struct fb_draft *d)
{
    wanted *const columns[] = {wants_title, wants_column};
    wanted *const header[] = {wants_header};
    wanted *const second[] = {wants_second};
    wanted *const quick[] = {wants_typing, wants_quick};
    struct fb_entity *e = d->entity;
    struct fb_layout *layout = &e->layout;
    int rc = FILL(l, e, columns, COLUMNS_AIM, &layout->columns);
    if (rc == FB_OK && layout->columns.count == 0) {
        wanted *const anything[] = {fits_a_line};
        rc = FILL(l, e, anything, COLUMNS_AIM, &layout->columns);
    }
    if (rc == FB_OK) {
        rc = FILL(l, e, header, HEADER_AIM, &layout->header);
    }
    if (rc == FB_OK) {
        rc = FILL(l, e, second, SECOND_AIM, &layout->second);
    }
    if (rc == FB_OK) {
        rc = FILL(l, e, quick, FB_LAYOUT_QUICK_MAX, &layout->quick);
    }
    if (rc == FB_OK) {
        rc = fill_form(l, e);
    }
    if (rc == FB_OK) {
        rc = fill_plural(l, e);
    }
    layout->sort = layout->sort == NULL ? usual_sort(e) : layout->sort;
    for (size_t i = 0; i < e->field_count && layout->kanban == NULL; i++) {
        layout->kanban = is_state(e, &e->fields[i]) ? &e->fields[i] : NULL;
    }
    if (layout->calendar_start != NULL && layout->calendar_title == NULL) {
        layout->calendar_title =
            e->title_field_count > 0 ? e->title_fields[0]->name : layout->calendar_start->name;
    }
    e->measure = e->measure == NULL ? "条" : e->measure;
    e->icon = e->icon == NULL ? "file" : e->icon;
    return rc;
}
