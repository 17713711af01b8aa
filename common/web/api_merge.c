/* SPDX-License-Identifier: MIT
 *
 * A form against what stands now, as a push would be merged: by value, group by group, by the field's policy. What the
 * policy would drop one value of is not written: its author sits before the form and decides (both_changed).
 */
#include <string.h>

#include "common/store/history.h"
#include "common/web/api_write.h"

/* One group of the form; arrays have a place per member. */
struct group_form {
    struct fb_api_form *form;
    const struct fb_group *group;
    struct fb_value *base, *theirs, *mine, *initial;
};

static int find_author(struct group_form *g, const char **ret_who, const char **ret_at)
{
    struct fb_api_form *f = g->form;
    struct fb_api *a = f->a;
    char at[FB_INSTANT_SIZE] = "";
    struct fb_author newest = {.rev = 0};
    for (size_t i = 0; a->web->node == FB_NODE_SERVER && i < g->group->field_count; i++) {
        struct fb_author author;
        int rc = fb_history_author(a->store, f->entity, f->row.id, g->group->fields[i], &author);
        if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
            return rc;
        }
        if (rc == FB_OK && author.rev > newest.rev) {
            newest = author;
        }
    }
    if (newest.rev > 0) {
        fb_instant_format(newest.edited_at_ms, at);
        *ret_at = fb_arena_strdup(a->arena, at);
        return *ret_at == NULL ? FB_ERR_NO_MEMORY : fb_api_person(a, newest.employee_id, ret_who);
    }
    const struct fb_value *modified = f->row.stamps;
    *ret_at = modified[2].type == FB_TEXT ? modified[2].bytes : "";
    return fb_api_person(a, modified[3].type == FB_TEXT ? modified[3].bytes : "", ret_who);
}

static int note_both(struct group_form *g)
{
    struct fb_api_form *f = g->form;
    const char *who = NULL;
    const char *at = "";
    int rc = find_author(g, &who, &at);
    for (size_t i = 0; rc == FB_OK && i < g->group->field_count; i++) {
        const struct fb_field *field = g->group->fields[i];
        if (fb_value_equal(&g->theirs[i], &g->mine[i]) ||
            !fb_api_sees_value(f->a, f->entity, field, f->is_own)) {
            continue;
        }
        fb_buf_append_text(f->both, f->both_count++ > 0 ? "," : "");
        fb_buf_printf(f->both, "\"%s\":{\"base\":", field->name);
        fb_api_append_value(f->both, field, &g->base[i]);
        fb_buf_append_text(f->both, ",\"theirs\":");
        fb_api_append_value(f->both, field, &g->theirs[i]);
        fb_buf_append_text(f->both, ",\"mine\":");
        fb_api_append_value(f->both, field, &g->mine[i]);
        fb_api_append_member(f->both, "who", who);
        fb_api_append_member(f->both, "at", at[0] == '\0' ? NULL : at);
        fb_buf_append_byte(f->both, '}');
        rc = fb_buf_error(f->both);
    }
    return rc;
}

static void take(struct group_form *g, const struct fb_value *values)
{
    struct fb_api_form *f = g->form;
    for (size_t i = 0; i < g->group->field_count; i++) {
        const struct fb_field *field = g->group->fields[i];
        if (!fb_value_equal(&f->row.values[field->index], &values[i])) {
            fb_api_form_set(f, field, &values[i]);
        }
    }
}

static bool are_equal(const struct fb_value *x, const struct fb_value *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!fb_value_equal(&x[i], &y[i])) {
            return false;
        }
    }
    return true;
}

/* theirs, and the step from what the form saw to what was typed. */
static void add_step(struct group_form *g)
{
    int64_t theirs = g->theirs[0].type == FB_INT ? g->theirs[0].integer : 0;
    int64_t base = g->base[0].type == FB_INT ? g->base[0].integer : 0;
    int64_t mine = g->mine[0].type == FB_INT ? g->mine[0].integer : 0;
    struct fb_value sum =
        fb_value_int((int64_t)((uint64_t)theirs + (uint64_t)mine - (uint64_t)base));
    take(g, &sum);
}

static bool is_settled_by_value(enum fb_merge_policy policy)
{
    return policy == FB_MERGE_MAX || policy == FB_MERGE_MIN || policy == FB_MERGE_ANY ||
           policy == FB_MERGE_UNION;
}

static int play(struct group_form *g, const struct fb_merge_result *result)
{
    const struct fb_field *field = g->group->fields[0];
    bool is_contested = !are_equal(g->base, g->theirs, g->group->field_count);
    switch (result->outcome) {
    case FB_MERGE_NOTHING:
        return FB_OK;
    case FB_MERGE_FAST_FORWARD:
    case FB_MERGE_COMBINED:
        take(g, result->values);
        return FB_OK;
    case FB_MERGE_NOT_ALLOWED:
        fb_api_form_complain(g->form, field, "step", "", "this step is not allowed.");
        return FB_OK;
    default:
        if (is_settled_by_value(field->policy) && g->group->field_count == 1) {
            take(g, result->values);
            return FB_OK;
        }
        if (field->policy == FB_MERGE_ONCE && !is_contested) {
            fb_api_form_complain(g->form, field, "once", "", "it is set once and stays.");
            return FB_OK;
        }
        return note_both(g);
    }
}

static int merge_group(struct group_form *g)
{
    const struct fb_field *field = g->group->fields[0];
    size_t count = g->group->field_count;
    if (field->policy == FB_MERGE_SUM && count == 1) {
        add_step(g);
        return FB_OK;
    }
    struct fb_merge_path path = {.step_count = field->step_count};
    memcpy(&path.steps, &field->steps, sizeof path.steps);
    const struct fb_merge_ask ask = {.policy = field->policy,
                                     .count = count,
                                     .base = g->base,
                                     .theirs = g->theirs,
                                     .mine = g->mine,
                                     .initial = g->initial,
                                     .mine_edited_at_ms = g->form->a->web->now_ms,
                                     .theirs_device = "",
                                     .mine_device = "",
                                     .path = field->step_count > 0 ? &path : NULL};
    struct fb_merge_result result;
    int rc = fb_merge_group(&ask, g->form->a->arena, &result);
    return rc < 0 ? rc : play(g, &result);
}

/* ---- The form ---- */

struct named {
    const json_t *base, *mine;
    struct fb_value *base_values, *mine_values; /* by index of the field */
    uint64_t mask[FB_ROW_MASK_WORDS];
};

static int read_named(struct fb_api_form *f, struct named *n)
{
    const char *name;
    json_t *value;
    int rc = FB_OK;
    json_object_foreach((json_t *)(uintptr_t)n->mine, name, value)
    {
        const struct fb_field *field = NULL;
        struct fb_value v = FB_VALUE_NULL;
        rc = fb_api_form_value(f, name, value, &field, &v);
        if (rc < 0) {
            return rc;
        }
        if (field == NULL) {
            continue;
        }
        const json_t *seen = json_object_get(n->base, name);
        struct fb_api_check check;
        struct fb_value *base = &n->base_values[field->index];
        rc = seen == NULL ? FB_ERR_INVALID
                          : fb_api_read_value(field, seen, f->a->arena, base, &check);
        if (rc == FB_ERR_INVALID) {
            return fb_api_bad_request(f->a, "base lacks the value that the form saw in '%s'", name);
        }
        if (rc < 0) {
            return rc;
        }
        n->mine_values[field->index] = v;
        n->mask[field->index / 64] |= UINT64_C(1) << (field->index % 64);
    }
    return rc;
}

/* A member the form does not name is as it stands, on both sides. */
static int merge_one(struct fb_api_form *f, const struct named *n, const struct fb_group *group)
{
    size_t count = group->field_count;
    struct fb_value *values = fb_arena_alloc(f->a->arena, 4 * count * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct group_form g = {.form = f,
                           .group = group,
                           .base = values,
                           .theirs = values + count,
                           .mine = values + 2 * count,
                           .initial = values + 3 * count};
    for (size_t i = 0; i < count; i++) {
        const struct fb_field *field = group->fields[i];
        bool is_named = fb_api_is_set(n->mask, field->index);
        g.theirs[i] = f->row.values[field->index];
        g.base[i] = is_named ? n->base_values[field->index] : g.theirs[i];
        g.mine[i] = is_named ? n->mine_values[field->index] : g.theirs[i];
        g.initial[i] = field->initial;
    }
    return merge_group(&g);
}

int fb_api_merge(struct fb_api_form *f, const json_t *base, const json_t *mine)
{
    const struct fb_entity *e = f->entity;
    struct named n = {.base = base, .mine = mine};
    bool is_done[FB_FIELDS_MAX] = {false};
    n.base_values = fb_arena_alloc(f->a->arena, e->field_count * sizeof *n.base_values);
    n.mine_values = fb_arena_alloc(f->a->arena, e->field_count * sizeof *n.mine_values);
    if (n.base_values == NULL || n.mine_values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = read_named(f, &n);
    for (uint32_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        uint32_t group = e->fields[i].group;
        if (fb_api_is_set(n.mask, i) && !is_done[group]) {
            is_done[group] = true;
            rc = merge_one(f, &n, &e->groups[group]);
        }
    }
    return rc;
}
