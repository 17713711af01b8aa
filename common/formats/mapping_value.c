/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/formats/mapping_bind.h"
#include "common/formats/transform.h"

#define TRANSFORM_MEMBERS                                                                          \
    "map", "nulls", "is", "not", "date", "times", "name_part", "becomes", "slug"
#define TRANSFORM_COUNT 9

static const char *const transform_members[] = {TRANSFORM_MEMBERS, NULL};
static const char *const column_members[] = {"column", TRANSFORM_MEMBERS, NULL};
static const char *const constant_members[] = {"value", NULL};
static const char *const text_members[] = {"text", TRANSFORM_MEMBERS, NULL};
static const char *const first_members[] = {"first", TRANSFORM_MEMBERS, NULL};
static const char *const row_members[] = {"row", NULL};
static const char *const link_members[] = {"link", NULL};
static const char *const link_inside[] = {"entity", "by",       "key", "system",
                                          "take",   "optional", NULL};
static const char *const counter_members[] = {"counter", NULL};

/* ---- Transforms ---- */

static int bind_words(const struct fb_bind *b, const json_t *array, struct fb_transform *t)
{
    json_t *one = NULL;
    if (!json_is_array(array)) {
        return fb_bind_fail(b, "'nulls', 'is' and 'not' take a list of texts");
    }
    t->word_count = json_array_size(array);
    t->words = fb_bind_alloc(b, t->word_count + 1, sizeof(*t->words));
    if (t->words == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t i;
    json_array_foreach(array, i, one)
    {
        t->words[i] = json_string_value(one);
        if (t->words[i] == NULL) {
            return fb_bind_fail(b, "'nulls', 'is' and 'not' take a list of texts");
        }
    }
    return FB_OK;
}

static int bind_map(const struct fb_bind *b, json_t *object, struct fb_transform *t)
{
    t->words = fb_bind_alloc(b, json_object_size(object) + 1, sizeof(*t->words));
    t->results = fb_bind_alloc(b, json_object_size(object) + 1, sizeof(*t->results));
    if (t->words == NULL || t->results == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const char *from;
    json_t *to;
    json_object_foreach(object, from, to)
    {
        if (!json_is_string(to) && !json_is_null(to)) {
            return fb_bind_fail(b, "'map' takes texts, or null for no value: '%s' has neither",
                                from);
        }
        t->words[t->word_count] = from;
        t->results[t->word_count++] = json_string_value(to);
    }
    return json_is_object(object) ? FB_OK : fb_bind_fail(b, "'map' takes an object of texts");
}

static int bind_date(const struct fb_bind *b, const json_t *json, struct fb_transform *t)
{
    const char *name = json_string_value(json);
    if (name == NULL || !fb_date_form_parse(name, &t->number)) {
        return fb_bind_fail(b, "'date' takes one of %s", fb_date_form_names());
    }
    return FB_OK;
}

static int bind_times(const struct fb_bind *b, const json_t *json, struct fb_transform *t)
{
    t->number = json_integer_value(json);
    return json_is_integer(json) && t->number != 0
               ? FB_OK
               : fb_bind_fail(b, "'times' takes a whole number such as 1000000");
}

static int bind_becomes(const struct fb_bind *b, const json_t *json, struct fb_transform *t)
{
    t->words = fb_bind_alloc(b, 1, sizeof(*t->words));
    if (t->words == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    t->words[0] = json_string_value(json);
    return t->words[0] != NULL ? FB_OK : fb_bind_fail(b, "'becomes' takes a text");
}

static int bind_name_part(const struct fb_bind *b, const json_t *json, struct fb_transform *t)
{
    const char *part = json_string_value(json);
    if (part == NULL || (strcmp(part, "family") != 0 && strcmp(part, "given") != 0)) {
        return fb_bind_fail(b, "'name_part' takes \"family\" or \"given\"");
    }
    t->number = strcmp(part, "given") == 0;
    return FB_OK;
}

static int bind_one_transform(const struct fb_bind *b, const char *member, json_t *json,
                              struct fb_transform *t)
{
    static const enum fb_transform_kind kinds[] = {
        FB_TRANSFORM_MAP,       FB_TRANSFORM_NULLS,   FB_TRANSFORM_IS,
        FB_TRANSFORM_NOT,       FB_TRANSFORM_DATE,    FB_TRANSFORM_TIMES,
        FB_TRANSFORM_NAME_PART, FB_TRANSFORM_BECOMES, FB_TRANSFORM_SLUG};
    size_t i = 0;
    while (strcmp(transform_members[i], member) != 0) {
        i++;
    }
    t->kind = kinds[i];
    switch (t->kind) {
    case FB_TRANSFORM_MAP:
        return bind_map(b, json, t);
    case FB_TRANSFORM_DATE:
        return bind_date(b, json, t);
    case FB_TRANSFORM_TIMES:
        return bind_times(b, json, t);
    case FB_TRANSFORM_NAME_PART:
        return bind_name_part(b, json, t);
    case FB_TRANSFORM_BECOMES:
        return bind_becomes(b, json, t);
    case FB_TRANSFORM_SLUG:
        return json_is_true(json) ? FB_OK : fb_bind_fail(b, "'slug' takes true");
    default:
        return bind_words(b, json, t);
    }
}

static bool is_transform(const char *member)
{
    size_t i = 0;
    while (transform_members[i] != NULL && strcmp(transform_members[i], member) != 0) {
        i++;
    }
    return transform_members[i] != NULL;
}

int fb_bind_transforms(const struct fb_bind *b, const json_t *object, struct fb_transform **ret,
                       size_t *ret_count)
{
    struct fb_transform *transforms = fb_bind_alloc(b, TRANSFORM_COUNT, sizeof(*transforms));
    if (transforms == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t count = 0;
    /* In the order they are written. */
    for (void *it = json_object_iter((json_t *)(uintptr_t)object); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
        const char *member = json_object_iter_key(it);
        if (!is_transform(member)) {
            continue;
        }
        int rc = bind_one_transform(b, member, json_object_iter_value(it), &transforms[count++]);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = transforms;
    *ret_count = count;
    return FB_OK;
}

/* ---- Values ---- */

static int bind_parts(struct fb_bind *b, const json_t *array, int depth, struct fb_map_value *ret)
{
    ret->part_count = json_array_size(array);
    if (ret->part_count == 0) {
        return fb_bind_fail(b, "'first' takes a list of values");
    }
    ret->parts = fb_bind_alloc(b, ret->part_count, sizeof(*ret->parts));
    if (ret->parts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < ret->part_count; i++) {
        int rc = fb_bind_value(b, json_array_get(array, i), depth + 1, &ret->parts[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int add_text_part(const struct fb_bind *b, struct fb_map_value *ret, const char *bytes,
                         size_t size, bool is_column)
{
    char *text = fb_arena_copy(&b->m->arena, bytes, size);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_map_value *part = &ret->parts[ret->part_count++];
    part->kind = is_column ? FB_MAP_COLUMN : FB_MAP_CONSTANT;
    part->text = text;
    return is_column ? fb_bind_column(b, text, &part->column) : FB_OK;
}

/* "NW-{OrderID}" is the constant NW- and the column OrderID. */
static int bind_template(const struct fb_bind *b, const char *at, struct fb_map_value *ret)
{
    size_t parts_max = 1;
    for (const char *c = at; *c != 0; c++) {
        parts_max += *c == '{' ? 2 : 0;
    }
    ret->parts = fb_bind_alloc(b, parts_max, sizeof(*ret->parts));
    if (ret->parts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    while (*at != 0) {
        bool is_column = *at == '{';
        const char *end = is_column ? strchr(at, '}') : at + strcspn(at, "{");
        if (end == NULL) {
            return fb_bind_fail(b, "'text' has a { without its }");
        }
        int rc = add_text_part(b, ret, at + is_column, (size_t)(end - at) - is_column, is_column);
        if (rc < 0) {
            return rc;
        }
        at = end + is_column;
    }
    return FB_OK;
}

static int bind_row(const struct fb_bind *b, const char *name, struct fb_map_value *ret)
{
    for (size_t i = 0; i < b->rules_bound; i++) {
        if (strcmp(b->m->rules[i].name, name) == 0) {
            ret->rule = i;
            ret->entity = b->m->rules[i].entity;
            return FB_OK;
        }
    }
    return fb_bind_fail(b, "no row before this one is called '%s' (\"as\")", name);
}

static int bind_link_fields(struct fb_bind *b, json_t *by, int depth, struct fb_map_value *ret)
{
    if (json_object_size(by) > FB_MAP_FIELDS_MAX) {
        return fb_bind_fail(b, "'by' names more than %d fields", FB_MAP_FIELDS_MAX);
    }
    ret->parts = fb_bind_alloc(b, json_object_size(by) + 1, sizeof(*ret->parts));
    ret->fields = fb_bind_alloc(b, json_object_size(by) + 1, sizeof(*ret->fields));
    if (ret->parts == NULL || ret->fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const char *name;
    json_t *value;
    json_object_foreach(by, name, value)
    {
        int rc = fb_bind_field(b, ret->entity, name, &ret->fields[ret->part_count]);
        if (rc == FB_OK) {
            rc = fb_bind_value(b, value, depth + 1, &ret->parts[ret->part_count]);
        }
        if (rc < 0) {
            return rc;
        }
        ret->part_count++;
    }
    return ret->part_count > 0 ? FB_OK : fb_bind_fail(b, "'by' names no field");
}

static int bind_link(struct fb_bind *b, json_t *link, int depth, struct fb_map_value *ret)
{
    json_t *by = json_object_get(link, "by");
    json_t *key = json_object_get(link, "key");
    if (!json_is_object(link) || (by == NULL) == (key == NULL)) {
        return fb_bind_fail(b, "'link' takes an object with 'entity' and either 'by' or 'key'");
    }
    int rc = fb_bind_check_members(b, link, link_inside);
    if (rc == FB_OK) {
        rc = fb_bind_entity(b, link, &ret->entity);
    }
    if (rc == FB_OK) {
        rc = fb_bind_text(b, link, "system", &ret->system);
    }
    if (rc < 0) {
        return rc;
    }
    const char *take = NULL;
    rc = fb_bind_text(b, link, "take", &take);
    if (rc == FB_OK && take != NULL) {
        rc = fb_bind_field(b, ret->entity, take, &ret->take);
    }
    if (rc < 0) {
        return rc;
    }
    ret->may_miss = json_is_true(json_object_get(link, "optional"));
    if (by != NULL) {
        ret->system = NULL;
        return bind_link_fields(b, by, depth, ret);
    }
    if (ret->system == NULL) {
        rc = fb_bind_text(b, b->doc, "system", &ret->system);
    }
    if (rc == FB_OK && ret->system == NULL) {
        return fb_bind_fail(b, "'link' by key needs a 'system', here or at the top");
    }
    ret->parts = fb_bind_alloc(b, 1, sizeof(*ret->parts));
    ret->part_count = 1;
    return rc < 0               ? rc
           : ret->parts == NULL ? FB_ERR_NO_MEMORY
                                : fb_bind_value(b, key, depth + 1, &ret->parts[0]);
}

static int bind_counter(struct fb_bind *b, const json_t *json, int depth, struct fb_map_value *ret)
{
    ret->counter = b->m->counter_count++;
    ret->parts = fb_bind_alloc(b, 1, sizeof(*ret->parts));
    ret->part_count = 1;
    return ret->parts == NULL ? FB_ERR_NO_MEMORY
                              : fb_bind_value(b, json, depth + 1, &ret->parts[0]);
}

static int bind_constant(const struct fb_bind *b, const json_t *json, struct fb_map_value *ret)
{
    ret->text = json_is_integer(json)
                    ? fb_arena_printf(&b->m->arena, "%lld", (long long)json_integer_value(json))
                : json_is_boolean(json) ? (json_is_true(json) ? "yes" : "no")
                                        : json_string_value(json);
    return ret->text != NULL
               ? FB_OK
               : fb_bind_fail(b, "'value' takes a text, a whole number, true or false "
                                 "(write decimals as a text)");
}

struct form {
    const char *member;
    enum fb_map_kind kind;
    const char *const *members;
};

static const struct form forms[] = {{"column", FB_MAP_COLUMN, column_members},
                                    {"value", FB_MAP_CONSTANT, constant_members},
                                    {"text", FB_MAP_TEXT, text_members},
                                    {"first", FB_MAP_FIRST, first_members},
                                    {"row", FB_MAP_ROW, row_members},
                                    {"link", FB_MAP_LINK, link_members},
                                    {"counter", FB_MAP_COUNTER, counter_members}};

static const struct form *form_of(const json_t *json)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (json_object_get(json, forms[i].member) != NULL) {
            return &forms[i];
        }
    }
    return NULL;
}

static int bind_form(struct fb_bind *b, const struct form *form, json_t *inside, int depth,
                     struct fb_map_value *ret)
{
    const char *text = json_string_value(inside);
    switch (form->kind) {
    case FB_MAP_CONSTANT:
        return bind_constant(b, inside, ret);
    case FB_MAP_FIRST:
        return bind_parts(b, inside, depth, ret);
    case FB_MAP_LINK:
        return bind_link(b, inside, depth, ret);
    case FB_MAP_COUNTER:
        return bind_counter(b, inside, depth, ret);
    default:
        break;
    }
    if (text == NULL) {
        return fb_bind_fail(b, "'%s' takes a text", form->member);
    }
    return form->kind == FB_MAP_COLUMN ? fb_bind_column(b, text, &ret->column)
           : form->kind == FB_MAP_TEXT ? bind_template(b, text, ret)
                                       : bind_row(b, text, ret);
}

int fb_bind_value(struct fb_bind *b, const json_t *json, int depth, struct fb_map_value *ret)
{
    *ret = (struct fb_map_value){.kind = FB_MAP_COLUMN};
    if (json_is_string(json)) {
        return fb_bind_column(b, json_string_value(json), &ret->column);
    }
    const struct form *form = form_of(json);
    if (form == NULL || depth > FB_MAPPING_DEPTH_MAX) {
        return fb_bind_fail(
            b, "a value is a column's name or an object with 'column', 'value', 'text', "
               "'first', 'row', 'link' or 'counter', not nested deeper than 8");
    }
    ret->kind = form->kind;
    int rc = fb_bind_check_members(b, json, form->members);
    if (rc == FB_OK) {
        rc = fb_bind_transforms(b, json, &ret->transforms, &ret->transform_count);
    }
    return rc < 0 ? rc : bind_form(b, form, json_object_get(json, form->member), depth, ret);
}
