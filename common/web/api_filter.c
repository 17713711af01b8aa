/* SPDX-License-Identifier: MIT
 *
 * A filter as people's pages write it:
 *
 *     [["kind", "=", "customer"], {"any": [["city", "~", "苏州"], ["owner_id", "me"]]}]
 *
 * Names and values are checked by the catalogue here; common/store/query.c makes the question of it.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_dates.h"
#include "common/web/api_inside.h"

#define MS_PER_DAY INT64_C(86400000)

static void drop_json(json_t **json)
{
    json_decref(*json);
}

struct filtering {
    struct fb_api *a;
    const struct fb_entity *entity;
    int nodes;
};

/* One condition: ["field", "op", value]. */
struct condition {
    struct filtering *f;
    uint32_t column;
    const struct fb_field *field; /* NULL: the id or a stamp */
    const char *name;
    const char *op;
    const json_t *value;
};

struct fb_query_node *fb_api_node(struct fb_api *a, enum fb_query_op op, uint32_t column,
                                  const struct fb_value *v)
{
    struct fb_query_node *n = fb_arena_alloc(a->arena, sizeof *n);
    struct fb_value *copy = v == NULL || n == NULL ? NULL : fb_arena_alloc(a->arena, sizeof *copy);
    if (n == NULL || (v != NULL && copy == NULL)) {
        return NULL;
    }
    *n = (struct fb_query_node){.op = op, .column = column, .values = copy};
    if (v != NULL) {
        *copy = *v;
        n->value_count = 1;
    }
    return n;
}

struct fb_query_node *fb_api_node_text(struct fb_api *a, enum fb_query_op op, uint32_t column,
                                       const char *text)
{
    struct fb_value v = fb_value_text(text);
    return fb_api_node(a, op, column, &v);
}

static const struct fb_query_node *join(struct fb_api *a, enum fb_query_op op,
                                        const struct fb_query_node *x,
                                        const struct fb_query_node *y)
{
    struct fb_query_node *n = fb_arena_alloc(a->arena, sizeof *n);
    const struct fb_query_node **children =
        fb_arena_alloc(a->arena, 2 * sizeof(struct fb_query_node *));
    if (n == NULL || children == NULL) {
        return NULL;
    }
    children[0] = x;
    children[1] = y;
    *n = (struct fb_query_node){.op = op, .children = children, .child_count = 2};
    return n;
}

const struct fb_query_node *fb_api_both(struct fb_api *a, const struct fb_query_node *x,
                                        const struct fb_query_node *y)
{
    return x == NULL ? y : y == NULL ? x : join(a, FB_QUERY_ALL, x, y);
}

const struct fb_query_node *fb_api_either(struct fb_api *a, const struct fb_query_node *x,
                                          const struct fb_query_node *y)
{
    return join(a, FB_QUERY_ANY, x, y);
}

/* ---- One condition ---- */

static int keep(const struct fb_query_node *n, const struct fb_query_node **ret)
{
    *ret = n;
    return n == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int read_one(const struct condition *c, const json_t *json, struct fb_value *ret)
{
    struct fb_api *a = c->f->a;
    struct fb_api_check check = {.code = NULL};
    if (c->field == NULL) {
        *ret = fb_value_text(json_string_value(json));
        return json_is_string(json) || json_is_null(json)
                   ? FB_OK
                   : fb_api_bad_request(a, "filter: %s is compared with a text", c->name);
    }
    /* A list is asked for one member of a set. */
    struct fb_field member = *c->field;
    if (member.type == FB_TYPE_SET && json_is_string(json)) {
        member.type = FB_TYPE_TEXT;
    }
    int rc = fb_api_read_value(&member, json, a->arena, ret, &check);
    return rc == FB_ERR_INVALID ? fb_api_bad_request(a, "filter: %s", check.detail) : rc;
}

static int compare(const struct condition *c, enum fb_query_op op, const struct fb_query_node **ret)
{
    struct fb_value v = FB_VALUE_NULL;
    int rc = read_one(c, c->value, &v);
    return rc < 0 ? rc : keep(fb_api_node(c->f->a, op, c->column, &v), ret);
}

/* Part of a text: the words of a form, not a value of the field. */
static int search(const struct condition *c, enum fb_query_op op, const struct fb_query_node **ret)
{
    struct fb_api *a = c->f->a;
    if (!json_is_string(c->value) || (c->field != NULL && c->field->storage != FB_TEXT)) {
        return fb_api_bad_request(a, "filter: %s %s wants a text in a text", c->name, c->op);
    }
    const char *text = fb_arena_strdup(a->arena, json_string_value(c->value));
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    return keep(text[0] == '\0' ? fb_api_node(a, FB_QUERY_ALL, 0, NULL)
                                : fb_api_node_text(a, op, c->column, text),
                ret);
}

static int among(const struct condition *c, enum fb_query_op op, const struct fb_query_node **ret)
{
    struct fb_api *a = c->f->a;
    size_t count = json_array_size(c->value);
    if (!json_is_array(c->value) || count > FB_API_BULK_ROWS_MAX) {
        return fb_api_bad_request(a, "filter: %s %s wants a list of at most %d values", c->name,
                                  c->op, FB_API_BULK_ROWS_MAX);
    }
    struct fb_value *values = fb_arena_alloc(a->arena, (count + 1) * sizeof *values);
    struct fb_query_node *n = fb_api_node(a, op, c->column, NULL);
    if (values == NULL || n == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = read_one(c, json_array_get(c->value, i), &values[i]);
    }
    n->values = values;
    n->value_count = count;
    *ret = n;
    return rc;
}

static int is_me(const struct condition *c, const struct fb_query_node **ret)
{
    struct fb_api *a = c->f->a;
    const char *me = fb_arena_strdup(a->arena, a->me);
    return me == NULL ? FB_ERR_NO_MEMORY
                      : keep(fb_api_node_text(a, FB_QUERY_EQUAL, c->column, me), ret);
}

/* The day as a date, or the instant at which it begins here. */
static struct fb_query_node *day_node(const struct condition *c, enum fb_query_op op, int64_t day)
{
    struct fb_api *a = c->f->a;
    bool is_date = c->field != NULL && c->field->type == FB_TYPE_DATE;
    char text[FB_INSTANT_SIZE];
    fb_instant_format(day * MS_PER_DAY - (is_date ? 0 : fb_api_zone_ms(a->web->now_ms)), text);
    text[is_date ? FB_DATE_SIZE - 1 : FB_INSTANT_SIZE - 1] = '\0';
    const char *copy = fb_arena_strdup(a->arena, text);
    return copy == NULL ? NULL : fb_api_node_text(a, op, c->column, copy);
}

/* What is closed cannot be late. */
static int and_open(const struct condition *c, const struct fb_query_node **ret)
{
    struct fb_api *a = c->f->a;
    const struct fb_entity *e = c->f->entity;
    if (e->closed_field == NULL) {
        return FB_OK;
    }
    size_t count = e->closed_value_count;
    struct fb_value *values = fb_arena_alloc(a->arena, (count + 1) * sizeof *values);
    struct fb_query_node *n = fb_api_node(a, FB_QUERY_NOT_IN, e->closed_field->index, NULL);
    if (values == NULL || n == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = fb_value_text(e->closed_values[i]);
    }
    n->values = values;
    n->value_count = count;
    return keep(fb_api_both(a, *ret, n), ret);
}

static int within(const struct condition *c, const struct fb_query_node **ret)
{
    struct fb_api *a = c->f->a;
    int64_t today = (a->web->now_ms + fb_api_zone_ms(a->web->now_ms)) / MS_PER_DAY;
    int64_t from = 0;
    int64_t to = 0;
    const char *word = json_string_value(c->value);
    bool is_time = c->field != NULL ? c->field->type == FB_TYPE_DATE || c->field->type == FB_TYPE_DT
                                    : strstr(c->name, "_at") != NULL;
    if (!is_time || word == NULL || !fb_api_days(word, today, &from, &to)) {
        return fb_api_bad_request(a, "filter: %s is not within '%s'", c->name,
                                  word == NULL ? "" : word);
    }
    const struct fb_query_node *first = day_node(c, FB_QUERY_GREATER_EQUAL, from);
    const struct fb_query_node *last = day_node(c, FB_QUERY_LESS, to);
    if (first == NULL || last == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = keep(fb_api_both(a, first, last), ret);
    return rc == FB_OK && strcmp(word, "overdue") == 0 ? and_open(c, ret) : rc;
}

static int read_operator(const struct condition *c, const struct fb_query_node **ret)
{
    static const struct {
        const char *name;
        enum fb_query_op op;
        int (*read)(const struct condition *c, enum fb_query_op op,
                    const struct fb_query_node **ret);
    } OPERATORS[] = {
        {"=", FB_QUERY_EQUAL, compare},   {"!=", FB_QUERY_UNEQUAL, compare},
        {"<", FB_QUERY_LESS, compare},    {"<=", FB_QUERY_LESS_EQUAL, compare},
        {">", FB_QUERY_GREATER, compare}, {">=", FB_QUERY_GREATER_EQUAL, compare},
        {"in", FB_QUERY_IN, among},       {"not_in", FB_QUERY_NOT_IN, among},
        {"~", FB_QUERY_CONTAINS, search}, {"^", FB_QUERY_BEGINS, search},
    };
    struct fb_api *a = c->f->a;
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
        if (strcmp(c->op, OPERATORS[i].name) == 0) {
            return OPERATORS[i].read(c, OPERATORS[i].op, ret);
        }
    }
    if (strcmp(c->op, "empty") == 0 || strcmp(c->op, "filled") == 0) {
        return keep(
            fb_api_node(a, c->op[0] == 'e' ? FB_QUERY_EMPTY : FB_QUERY_FILLED, c->column, NULL),
            ret);
    }
    if (strcmp(c->op, "me") == 0) {
        return is_me(c, ret);
    }
    return strcmp(c->op, "within") == 0
               ? within(c, ret)
               : fb_api_bad_request(a, "filter: there is no operator '%s'", c->op);
}

static int read_condition(struct filtering *f, const json_t *json, const struct fb_query_node **ret)
{
    const char *name = json_string_value(json_array_get(json, 0));
    struct condition c = {.f = f,
                          .name = name,
                          .op = json_string_value(json_array_get(json, 1)),
                          .value = json_array_get(json, 2)};
    if (name == NULL || c.op == NULL || json_array_size(json) > 3) {
        return fb_api_bad_request(f->a,
                                  "filter: a condition is written [\"field\", \"op\", value]");
    }
    bool is_there = fb_query_column(f->entity, name, &c.column);
    c.field = is_there ? fb_query_field(f->entity, c.column) : NULL;
    if (!is_there || (c.field != NULL && !fb_api_sees_field(f->a, f->entity, c.field))) {
        return fb_api_bad_request(f->a, "filter: %s has no field '%s'", f->entity->name, name);
    }
    return read_operator(&c, ret);
}

/* ---- The tree ---- */

static int read_list(struct filtering *f, const json_t *json, enum fb_query_op op, int depth,
                     const struct fb_query_node **ret);

static int read_element(struct filtering *f, const json_t *json, int depth,
                        const struct fb_query_node **ret)
{
    if (++f->nodes > FB_API_FILTER_NODES_MAX || depth > FB_API_FILTER_DEPTH_MAX) {
        return fb_api_bad_request(f->a, "filter: at most %d conditions, %d deep",
                                  FB_API_FILTER_NODES_MAX, FB_API_FILTER_DEPTH_MAX);
    }
    if (json_is_object(json)) {
        const json_t *any = json_object_get(json, "any");
        return any != NULL && json_object_size(json) == 1
                   ? read_list(f, any, FB_QUERY_ANY, depth + 1, ret)
                   : fb_api_bad_request(f->a, "filter: an object is written {\"any\": [...]}");
    }
    if (json_is_array(json) && json_is_string(json_array_get(json, 0))) {
        return read_condition(f, json, ret);
    }
    return read_list(f, json, FB_QUERY_ALL, depth + 1, ret);
}

static int read_list(struct filtering *f, const json_t *json, enum fb_query_op op, int depth,
                     const struct fb_query_node **ret)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json)) {
        return fb_api_bad_request(f->a, "filter: it is a list of conditions");
    }
    struct fb_query_node *n = fb_arena_alloc(f->a->arena, sizeof *n);
    const struct fb_query_node **children =
        fb_arena_alloc(f->a->arena, (count + 1) * sizeof(struct fb_query_node *));
    if (n == NULL || children == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = read_element(f, json_array_get(json, i), depth, &children[i]);
    }
    *n = (struct fb_query_node){.op = op, .children = children, .child_count = count};
    *ret = n;
    return rc;
}

int fb_api_filter_json(struct fb_api *a, const struct fb_entity *e, const json_t *json,
                       const struct fb_query_node **ret)
{
    struct filtering f = {.a = a, .entity = e};
    return read_element(&f, json, 0, ret);
}

int fb_api_filter(struct fb_api *a, const struct fb_entity *e, const char *text,
                  const struct fb_query_node **ret)
{
    *ret = NULL;
    if (text == NULL || text[0] == '\0') {
        return FB_OK;
    }
    json_error_t error;
    FB_AUTO(drop_json) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return fb_api_bad_request(a, "filter: column %d: %s", error.column, error.text);
    }
    return fb_api_filter_json(a, e, json, ret);
}
