/* SPDX-License-Identifier: MIT
 *
 * A rule's filter is read once into a tree in the arena and then asked of every company. Texts are compared as they are (bytes),
 * numbers and dates by their order; an empty value fits only "empty", "!=" and "not_in".
 */
#include <stdio.h>
#include <string.h>

#include "server/territory_inside.h"

#define DEPTH_MAX FB_API_FILTER_DEPTH_MAX
#define NODES_MAX FB_API_FILTER_NODES_MAX

enum filter_op {
    ALL,
    ANY,
    EQUAL,
    UNEQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    IN,
    NOT_IN,
    CONTAINS,
    BEGINS,
    EMPTY,
    FILLED,
};

struct fb_territory_filter {
    enum filter_op op;
    const struct fb_field *field; /* of a condition */
    bool is_of_address;
    struct fb_value *values;
    size_t value_count;
    const struct fb_territory_filter **children; /* of ALL, ANY */
    size_t child_count;
};

struct filtering {
    const struct fb_entity *company;
    const struct fb_entity *address; /* NULL: the catalogue has none */
    struct fb_arena *arena;
    struct fb_why *why;
    int nodes;
};

static const struct {
    const char *name;
    enum filter_op op;
} OPERATORS[] = {
    {"=", EQUAL},    {"!=", UNEQUAL}, {"<", LESS},           {"<=", LESS_EQUAL},
    {">", GREATER},  {"in", IN},      {">=", GREATER_EQUAL}, {"not_in", NOT_IN},
    {"~", CONTAINS}, {"^", BEGINS},   {"empty", EMPTY},      {"filled", FILLED},
};

/* ---- Reading ---- */

static bool find_operator(const char *name, enum filter_op *ret)
{
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
        if (strcmp(OPERATORS[i].name, name) == 0) {
            *ret = OPERATORS[i].op;
            return true;
        }
    }
    return false;
}

static int read_value(struct filtering *f, struct fb_territory_filter *n, const json_t *json,
                      struct fb_value *ret)
{
    char number[32];
    const char *text = json_string_value(json);
    if (json_is_integer(json)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(json));
        text = number;
    } else if (json_is_boolean(json)) {
        text = json_is_true(json) ? "1" : "0";
    }
    if (text == NULL) {
        return fb_fail(f->why, FB_ERR_INVALID,
                       "the filter compares %s with something that is no text, whole number, true "
                       "or false",
                       n->field->name);
    }
    if (n->op == CONTAINS || n->op == BEGINS) {
        const char *copy = fb_arena_strdup(f->arena, text);
        *ret = copy == NULL ? FB_VALUE_NULL : fb_value_text(copy);
        return copy == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    }
    return fb_field_parse(n->field, text, strlen(text), f->arena, ret, f->why);
}

static int read_values(struct filtering *f, struct fb_territory_filter *n, const json_t *json)
{
    bool is_list = n->op == IN || n->op == NOT_IN;
    if (n->op == EMPTY || n->op == FILLED) {
        return FB_OK;
    }
    if (is_list && !json_is_array(json)) {
        return fb_fail(f->why, FB_ERR_INVALID, "%s is to be one of a list, but there is no list",
                       n->field->name);
    }
    n->value_count = is_list ? json_array_size(json) : 1;
    n->values = fb_arena_alloc(f->arena, (n->value_count + 1) * sizeof *n->values);
    if (n->values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < n->value_count; i++) {
        rc = read_value(f, n, is_list ? json_array_get(json, i) : json, &n->values[i]);
    }
    return rc;
}

static const struct fb_field *find_field(const struct filtering *f, const char *name,
                                         bool *ret_of_address)
{
    const struct fb_field *field = fb_entity_field(f->company, name);
    *ret_of_address = false;
    if (field != NULL || f->address == NULL) {
        return field;
    }
    static const char *const OF_ADDRESS[] = {"province", "city",        "district",
                                             "country",  "postal_code", "street"};
    for (size_t i = 0; i < sizeof OF_ADDRESS / sizeof OF_ADDRESS[0]; i++) {
        if (strcmp(OF_ADDRESS[i], name) == 0) {
            *ret_of_address = true;
            return fb_entity_field(f->address, name);
        }
    }
    return NULL;
}

static int read_condition(struct filtering *f, struct fb_territory_filter *n, const json_t *json)
{
    const char *name = json_string_value(json_array_get(json, 0));
    const char *op = json_string_value(json_array_get(json, 1));
    if (op == NULL || json_array_size(json) > 3) {
        return fb_fail(f->why, FB_ERR_INVALID,
                       "a condition of a filter is written [\"field\", \"op\", value]");
    }
    n->field = find_field(f, name, &n->is_of_address);
    if (n->field == NULL) {
        return fb_fail(f->why, FB_ERR_INVALID,
                       "a rule cannot ask for %s: a company has no such field", name);
    }
    if (!find_operator(op, &n->op)) {
        return fb_fail(f->why, FB_ERR_INVALID, "a filter has no operator '%s'", op);
    }
    if ((n->op == CONTAINS || n->op == BEGINS) && n->field->storage != FB_TEXT) {
        return fb_fail(f->why, FB_ERR_INVALID, "%s is no text to look into", name);
    }
    return read_values(f, n, json_array_get(json, 2));
}

static int read_node(struct filtering *f, const json_t *json, int depth,
                     const struct fb_territory_filter **ret);

static int read_list(struct filtering *f, struct fb_territory_filter *n, const json_t *json,
                     int depth)
{
    if (!json_is_array(json)) {
        return fb_fail(f->why, FB_ERR_INVALID, "a filter is a list of conditions");
    }
    n->child_count = json_array_size(json);
    n->children =
        fb_arena_alloc(f->arena, (n->child_count + 1) * sizeof(struct fb_territory_filter *));
    int rc = n->children == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < n->child_count; i++) {
        rc = read_node(f, json_array_get(json, i), depth + 1, &n->children[i]);
    }
    return rc;
}

static int read_node(struct filtering *f, const json_t *json, int depth,
                     const struct fb_territory_filter **ret)
{
    struct fb_territory_filter *n = fb_arena_alloc(f->arena, sizeof *n);
    if (n == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *n = (struct fb_territory_filter){.op = ALL};
    *ret = n;
    if (++f->nodes > NODES_MAX || depth > DEPTH_MAX) {
        return fb_fail(f->why, FB_ERR_LIMIT, "a filter has at most %d conditions, %d deep",
                       NODES_MAX, DEPTH_MAX);
    }
    if (json_is_object(json)) {
        n->op = ANY;
        return json_object_size(json) == 1
                   ? read_list(f, n, json_object_get(json, "any"), depth)
                   : fb_fail(f->why, FB_ERR_INVALID, "an object in a filter is {\"any\": [...]}");
    }
    if (json_is_array(json) && json_is_string(json_array_get(json, 0))) {
        return read_condition(f, n, json);
    }
    return read_list(f, n, json, depth);
}

int fb_territory_filter_read(struct fb_store *s, const json_t *json, struct fb_arena *arena,
                             const struct fb_territory_filter **ret, struct fb_why *why)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    struct filtering f = {.company = fb_catalogue_entity(c, "company"),
                          .address = fb_catalogue_entity(c, "address"),
                          .arena = arena,
                          .why = why};
    const struct fb_territory_filter *filter = NULL;
    int rc = f.company == NULL ? fb_fail(why, FB_ERR_INVALID, "the catalogue has no companies")
                               : read_node(&f, json, 0, &filter);
    if (rc == FB_OK) {
        *ret = filter;
    }
    return rc;
}

bool fb_territory_filter_asks_address(const struct fb_territory_filter *f)
{
    bool asks = f->is_of_address;
    for (size_t i = 0; !asks && i < f->child_count; i++) {
        asks = fb_territory_filter_asks_address(f->children[i]);
    }
    return asks;
}

/* ---- Asking ---- */

static bool is_among(const struct fb_territory_filter *f, const struct fb_value *v)
{
    for (size_t i = 0; i < f->value_count; i++) {
        if (fb_value_equal(v, &f->values[i])) {
            return true;
        }
    }
    return false;
}

static bool holds_text(const struct fb_value *v, const struct fb_value *part)
{
    return part->size == 0 || memmem(v->bytes, v->size, part->bytes, part->size) != NULL;
}

static bool fits_value(const struct fb_territory_filter *f, const struct fb_value *v)
{
    bool is_empty = fb_value_is_empty(v) || (v->type == FB_TEXT && v->size == 0);
    int order = is_empty || f->value_count == 0 ? 0 : fb_value_compare(v, &f->values[0]);
    switch (f->op) {
    case EMPTY:
        return is_empty;
    case FILLED:
        return !is_empty;
    case UNEQUAL:
        return is_empty || order != 0;
    case NOT_IN:
        return is_empty || !is_among(f, v);
    case EQUAL:
        return !is_empty && order == 0;
    case IN:
        return !is_empty && is_among(f, v);
    case LESS:
        return !is_empty && order < 0;
    case LESS_EQUAL:
        return !is_empty && order <= 0;
    case GREATER:
        return !is_empty && order > 0;
    case GREATER_EQUAL:
        return !is_empty && order >= 0;
    case CONTAINS:
        return !is_empty && v->type == FB_TEXT && holds_text(v, &f->values[0]);
    case BEGINS:
        return !is_empty && v->type == FB_TEXT && v->size >= f->values[0].size &&
               memcmp(v->bytes, f->values[0].bytes, f->values[0].size) == 0;
    case ALL:
    case ANY:
        break;
    }
    return false;
}

bool fb_territory_filter_fits(const struct fb_territory_filter *f, const struct fb_row *company,
                              const struct fb_row *address)
{
    if (f->op == ALL || f->op == ANY) {
        bool fits = f->op == ALL;
        for (size_t i = 0; i < f->child_count && fits == (f->op == ALL); i++) {
            fits = fb_territory_filter_fits(f->children[i], company, address);
        }
        return fits;
    }
    const struct fb_value null = FB_VALUE_NULL;
    const struct fb_row *row = f->is_of_address ? address : company;
    return fits_value(f, row == NULL ? &null : &row->values[f->field->index]);
}
