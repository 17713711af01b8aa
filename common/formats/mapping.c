/* SPDX-License-Identifier: MIT */
#include "common/formats/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/formats/mapping_bind.h"

static const char *const top_members[] = {"about",    "file",      "entity", "main",
                                          "encoding", "separator", "system", "columns",
                                          "before",   "nulls",     "rows",   NULL};
static const char *const rule_members[] = {"as",    "entity", "if",  "key", "system",
                                           "match", "update", "set", NULL};

int fb_bind_fail(const struct fb_bind *b, const char *format, ...)
{
    char text[FB_WHY_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), fb_text(format), args);
    va_end(args);
    return fb_fail(b->why, FB_ERR_INVALID, "mapping %s%s%s: %s", b->m->path,
                   b->where[0] == 0 ? "" : ", ", b->where, text);
}

void *fb_bind_alloc(const struct fb_bind *b, size_t count, size_t size)
{
    return fb_arena_alloc(&b->m->arena, (count + 1) * size);
}

int fb_bind_check_members(const struct fb_bind *b, const json_t *object, const char *const *allowed)
{
    for (void *it = json_object_iter((json_t *)(uintptr_t)object); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
        const char *member = json_object_iter_key(it);
        size_t i = 0;
        while (allowed[i] != NULL && strcmp(allowed[i], member) != 0) {
            i++;
        }
        if (allowed[i] == NULL) {
            return fb_bind_fail(b, "'%s' is nothing a mapping knows here (docs/import.md)", member);
        }
    }
    return FB_OK;
}

int fb_bind_text(const struct fb_bind *b, const json_t *object, const char *member,
                 const char **ret)
{
    const json_t *json = json_object_get(object, member);
    if (json != NULL && !json_is_string(json)) {
        return fb_bind_fail(b, "'%s' takes a text", member);
    }
    *ret = json_string_value(json);
    return FB_OK;
}

int fb_bind_column(const struct fb_bind *b, const char *name, size_t *ret)
{
    size_t found = 0;
    for (size_t i = 0; i < b->m->column_count; i++) {
        if (strcasecmp(b->m->columns[i].name, name) == 0) {
            *ret = i;
            found++;
        }
    }
    if (found == 0) {
        return fb_bind_fail(b, "%s has no column '%s'", b->csv_name, name);
    }
    if (found > 1) {
        return fb_bind_fail(b, "%s has %zu columns called '%s': rename one", b->csv_name, found,
                            name);
    }
    b->m->columns[*ret].is_used = true;
    return FB_OK;
}

int fb_bind_field(const struct fb_bind *b, const struct fb_entity *e, const char *name,
                  const struct fb_field **ret)
{
    *ret = fb_entity_field(e, name);
    return *ret != NULL ? FB_OK : fb_bind_fail(b, "%s has no field '%s'", e->name, name);
}

int fb_bind_entity(const struct fb_bind *b, const json_t *object, const struct fb_entity **ret)
{
    const char *name = NULL;
    int rc = fb_bind_text(b, object, "entity", &name);
    if (rc < 0) {
        return rc;
    }
    if (name == NULL) {
        return fb_bind_fail(b, "'entity' is missing");
    }
    *ret = fb_catalogue_entity(b->catalogue, name);
    return *ret != NULL ? FB_OK : fb_bind_fail(b, "there is no entity '%s'", name);
}

/* ---- Rules ---- */

static int bind_set(struct fb_bind *b, const char *field, json_t *json, struct fb_map_rule *rule)
{
    struct fb_map_set *set = &rule->sets[rule->set_count];
    snprintf(b->where, sizeof(b->where), "row '%.40s', field '%.40s'", rule->name, field);
    int rc = fb_bind_field(b, rule->entity, field, &set->field);
    if (rc < 0) {
        return rc;
    }
    /* Taken out, so that the rest is a value and nothing else. */
    set->keeps_when_blank = json_is_true(json_object_get(json, "keep_when_blank"));
    json_object_del(json, "keep_when_blank");
    rc = fb_bind_value(b, json, 0, &set->value);
    if (rc < 0) {
        return rc;
    }
    bool is_reference = set->field->type == FB_TYPE_REF || set->field->type == FB_TYPE_POLY;
    bool gives_id = set->value.kind == FB_MAP_ROW ||
                    (set->value.kind == FB_MAP_LINK && set->value.take == NULL);
    if (gives_id && !is_reference && set->field->type != FB_TYPE_UUID) {
        return fb_bind_fail(b, "it is no reference, so it takes no 'row' or 'link'");
    }
    rule->set_count++;
    return FB_OK;
}

static int bind_sets(struct fb_bind *b, json_t *sets, struct fb_map_rule *rule)
{
    if (!json_is_object(sets)) {
        return fb_bind_fail(b, "'set' takes an object: field, value");
    }
    rule->sets = fb_bind_alloc(b, json_object_size(sets), sizeof(*rule->sets));
    if (rule->sets == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const char *field;
    json_t *value;
    json_object_foreach(sets, field, value)
    {
        int rc = bind_set(b, field, value, rule);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static bool rule_sets(const struct fb_map_rule *rule, const struct fb_field *field)
{
    for (size_t i = 0; i < rule->set_count; i++) {
        const struct fb_field *set = rule->sets[i].field;
        if (set == field || (set->type == FB_TYPE_POLY && set->target_name == field)) {
            return true;
        }
    }
    return false;
}

static int add_match(struct fb_bind *b, struct fb_map_rule *rule, const char *name)
{
    const struct fb_field *field = NULL;
    if (name == NULL) {
        return fb_bind_fail(b, "'match' takes a list of field names");
    }
    int rc = fb_bind_field(b, rule->entity, name, &field);
    if (rc < 0) {
        return rc;
    }
    if (!rule_sets(rule, field)) {
        return fb_bind_fail(b, "rows cannot be matched by '%s', because nothing sets it", name);
    }
    rule->match[rule->match_count++] = field;
    return FB_OK;
}

static int bind_match(struct fb_bind *b, const json_t *names, struct fb_map_rule *rule)
{
    if (names == NULL) {
        return FB_OK;
    }
    if (!json_is_array(names) || json_array_size(names) > FB_MAP_FIELDS_MAX) {
        return fb_bind_fail(b, "'match' takes a list of field names, at most %d",
                            FB_MAP_FIELDS_MAX);
    }
    rule->match = fb_bind_alloc(b, json_array_size(names), sizeof(*rule->match));
    if (rule->match == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < json_array_size(names); i++) {
        int rc = add_match(b, rule, json_string_value(json_array_get(names, i)));
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* A value on the side of a rule: its condition or key. */
static int bind_optional_value(struct fb_bind *b, const json_t *json, struct fb_map_value **ret)
{
    if (json == NULL) {
        return FB_OK;
    }
    *ret = fb_bind_alloc(b, 1, sizeof(**ret));
    return *ret == NULL ? FB_ERR_NO_MEMORY : fb_bind_value(b, json, 0, *ret);
}

static int bind_system(struct fb_bind *b, const json_t *json, struct fb_map_rule *rule)
{
    int rc = fb_bind_text(b, json, "system", &rule->system);
    if (rc == FB_OK && rule->system == NULL) {
        rc = fb_bind_text(b, b->doc, "system", &rule->system);
    }
    if (rc == FB_OK && rule->key != NULL && rule->system == NULL) {
        return fb_bind_fail(b, "'key' needs a 'system', here or at the top");
    }
    return rc;
}

static int bind_rule(struct fb_bind *b, json_t *json, struct fb_map_rule *rule)
{
    snprintf(b->where, sizeof(b->where), "row %zu", b->rules_bound + 1);
    int rc = fb_bind_check_members(b, json, rule_members);
    if (rc == FB_OK) {
        rc = fb_bind_entity(b, json, &rule->entity);
    }
    if (rc == FB_OK) {
        rc = fb_bind_text(b, json, "as", &rule->name);
    }
    if (rc < 0) {
        return rc;
    }
    rule->name = rule->name == NULL ? rule->entity->name : rule->name;
    rule->may_update = !json_is_false(json_object_get(json, "update"));
    snprintf(b->where, sizeof(b->where), "row '%.40s'", rule->name);
    rc = bind_optional_value(b, json_object_get(json, "if"), &rule->condition);
    if (rc == FB_OK) {
        rc = bind_optional_value(b, json_object_get(json, "key"), &rule->key);
    }
    if (rc == FB_OK) {
        rc = bind_system(b, json, rule);
    }
    if (rc == FB_OK) {
        rc = bind_sets(b, json_object_get(json, "set"), rule);
    }
    snprintf(b->where, sizeof(b->where), "row '%.40s'", rule->name);
    return rc < 0 ? rc : bind_match(b, json_object_get(json, "match"), rule);
}

static int bind_rules(struct fb_bind *b, const json_t *list, const char *name)
{
    struct fb_mapping *m = b->m;
    if (list != NULL && !json_is_array(list)) {
        return fb_bind_fail(b, "'%s' takes a list of rows", name);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (m->rule_count == FB_MAPPING_RULES_MAX) {
            return fb_bind_fail(b, "it makes more than %d rows of a line", FB_MAPPING_RULES_MAX);
        }
        int rc = bind_rule(b, json_array_get(list, i), &m->rules[m->rule_count]);
        if (rc < 0) {
            return rc;
        }
        b->rules_bound = ++m->rule_count;
    }
    b->where[0] = 0;
    return FB_OK;
}

static int find_main_rule(struct fb_bind *b)
{
    struct fb_mapping *m = b->m;
    const char *name = NULL;
    int rc = fb_bind_text(b, b->doc, "main", &name);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = m->before_count; i < m->rule_count; i++) {
        if (strcmp(m->rules[i].entity->name, m->entity) == 0 &&
            (name == NULL || strcmp(m->rules[i].name, name) == 0)) {
            m->main_rule = i;
            return FB_OK;
        }
    }
    return name == NULL ? fb_bind_fail(b, "none of its 'rows' is of the entity '%s'", m->entity)
                        : fb_bind_fail(b, "none of its 'rows' is of the entity '%s' and called %s",
                                       m->entity, name);
}

/* ---- Columns ---- */

static int start_columns(struct fb_bind *b, const struct fb_csv_line *heading)
{
    struct fb_mapping *m = b->m;
    m->columns = fb_bind_alloc(b, heading->count, sizeof(*m->columns));
    m->rules = fb_bind_alloc(b, FB_MAPPING_RULES_MAX, sizeof(*m->rules));
    if (m->columns == NULL || m->rules == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    m->column_count = heading->count;
    for (size_t i = 0; i < heading->count; i++) {
        m->columns[i].name = fb_arena_copy(&m->arena, heading->cells[i], heading->sizes[i]);
        if (m->columns[i].name == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    return FB_OK;
}

static int bind_columns(struct fb_bind *b)
{
    struct fb_mapping *m = b->m;
    const char *name;
    json_t *json;
    json_object_foreach(json_object_get(b->doc, "columns"), name, json)
    {
        size_t i = 0;
        snprintf(b->where, sizeof(b->where), "column '%.40s'", name);
        int rc = fb_bind_column(b, name, &i);
        if (rc == FB_OK) {
            rc = fb_bind_transforms(b, json, &m->columns[i].transforms,
                                    &m->columns[i].transform_count);
        }
        if (rc < 0) {
            return rc;
        }
    }
    b->where[0] = 0;
    return fb_bind_transforms(b, b->doc, &m->nulls, &m->null_count);
}

/* ---- The whole ---- */

static int bind_all(struct fb_bind *b, const struct fb_csv_line *heading)
{
    int rc = start_columns(b, heading);
    if (rc == FB_OK) {
        rc = fb_bind_check_members(b, b->doc, top_members);
    }
    if (rc == FB_OK) {
        rc = bind_columns(b);
    }
    if (rc == FB_OK) {
        rc = bind_rules(b, json_object_get(b->doc, "before"), "before");
    }
    b->m->before_count = b->m->rule_count;
    if (rc == FB_OK) {
        rc = bind_rules(b, json_object_get(b->doc, "rows"), "rows");
    }
    return rc < 0 ? rc : find_main_rule(b);
}

int fb_mapping_bind(struct fb_mapping *m, const struct fb_catalogue *c,
                    const struct fb_csv_line *heading, const char *csv_name, struct fb_why *why)
{
    struct fb_bind b = {.m = m, .catalogue = c, .csv_name = csv_name, .doc = m->json, .why = why};
    return bind_all(&b, heading);
}

int fb_mapping_match(struct fb_mapping *m, const char *const *fields, size_t count,
                     struct fb_why *why)
{
    struct fb_bind b = {.m = m, .why = why, .doc = m->json};
    struct fb_map_rule *rule = &m->rules[m->main_rule];
    if (count > FB_MAP_FIELDS_MAX) {
        return fb_fail(why, FB_ERR_USAGE, "--match takes at most %d fields", FB_MAP_FIELDS_MAX);
    }
    rule->match = fb_bind_alloc(&b, count, sizeof(*rule->match));
    rule->match_count = 0;
    if (rule->match == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    snprintf(b.where, sizeof(b.where), "option --match");
    for (size_t i = 0; i < count; i++) {
        int rc = add_match(&b, rule, fields[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int read_separator(const struct fb_bind *b)
{
    const char *separator = NULL;
    int rc = fb_bind_text(b, b->doc, "separator", &separator);
    if (rc < 0 || separator == NULL) {
        return rc;
    }
    if (strlen(separator) != 1 || strchr(",;\t|", separator[0]) == NULL) {
        return fb_bind_fail(b, "'separator' takes one of , ; | and tab");
    }
    b->m->csv.separator = separator[0];
    return FB_OK;
}

static int read_top(struct fb_mapping *m, struct fb_why *why)
{
    const struct fb_bind b = {.m = m, .doc = m->json, .why = why};
    if (!json_is_object(m->json)) {
        return fb_bind_fail(&b, "it must be a JSON object (docs/import.md)");
    }
    int rc = fb_bind_text(&b, m->json, "entity", &m->entity);
    if (rc == FB_OK) {
        rc = fb_bind_text(&b, m->json, "encoding", &m->csv.encoding);
    }
    if (rc < 0) {
        return rc;
    }
    if (m->entity == NULL) {
        return fb_bind_fail(&b, "'entity' is missing: which kind of row is a line?");
    }
    return read_separator(&b);
}

static struct fb_mapping *new_mapping(const char *name, json_t *json)
{
    struct fb_mapping *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        json_decref(json);
        return NULL;
    }
    m->json = json;
    m->path = fb_arena_strdup(&m->arena, name);
    if (m->path == NULL) {
        fb_mapping_free(m);
        return NULL;
    }
    return m;
}

int fb_mapping_read_text(const char *text, size_t size, const char *name, struct fb_mapping **ret,
                         struct fb_why *why)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "mapping %s, line %d: %s", name, error.line,
                       error.text);
    }
    struct fb_mapping *m = new_mapping(name, json);
    if (m == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = read_top(m, why);
    if (rc < 0) {
        fb_mapping_free(m);
        return rc;
    }
    *ret = m;
    return FB_OK;
}

int fb_mapping_read(const char *path, struct fb_mapping **ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_MAPPING_BYTES_MAX);
    int rc = fb_os_read_file(path, &text, why);
    return rc < 0 ? rc : fb_mapping_read_text(fb_buf_text(&text), text.size, path, ret, why);
}

void fb_mapping_free(struct fb_mapping *m)
{
    if (m == NULL) {
        return;
    }
    fb_arena_release(&m->arena);
    json_decref(m->json);
    free(m);
}

void fb_mapping_drop(struct fb_mapping **m)
{
    fb_mapping_free(*m);
}
