/* SPDX-License-Identifier: MIT
 *
 * Three passes: check the counts of all groups and make the changes; count the fields of each
 * change from the columns; fill them. Fields of a change come out in the order of their numbers.
 */
#include "common/wire/values.h"

#include <stdlib.h>
#include <string.h>

struct read {
    const Fb__Wire__Changes *in;
    struct fb_unpack u;
    struct fb_change *changes;    /* in the order of the push */
    struct fb_change ***of_group; /* the changes of each group, in order */
    size_t count;
};

static int damaged(const struct read *r, const char *what)
{
    return fb_fail(r->u.why, FB_ERR_PROTOCOL, "in a part of a push %s", what);
}

static int check_group(const struct read *r, const Fb__Wire__ChangeGroup *g)
{
    if (g->count == 0 || g->ops.len != g->count) {
        return damaged(r, "the counts of a group do not agree");
    }
    for (size_t i = 0; i < g->ops.len; i++) {
        if (g->ops.data[i] > FB_CHANGE_DELETE) {
            return damaged(r, "a change is of an unknown kind");
        }
    }
    return FB_OK;
}

static int count_changes(struct read *r)
{
    for (size_t i = 0; i < r->in->n_groups; i++) {
        const Fb__Wire__ChangeGroup *g = r->in->groups[i];
        int rc = check_group(r, g);
        if (rc < 0) {
            return rc;
        }
        r->count += g->count;
        if (r->count > FB_PART_CHANGES_MAX) {
            return damaged(r, "there are too many changes");
        }
    }
    size_t order_count = r->in->n_groups > 1 ? r->count : 0;
    return r->in->n_order == order_count ? FB_OK
                                         : damaged(r, "the order does not name every change");
}

/* Gives each group its places among the changes, as the order says. */
static int place_changes(struct read *r)
{
    size_t *used = fb_arena_alloc(r->u.arena, r->in->n_groups * sizeof *used);
    r->changes = fb_arena_alloc(r->u.arena, r->count * sizeof *r->changes);
    r->of_group = fb_arena_alloc(r->u.arena, r->in->n_groups * sizeof *r->of_group);
    if (used == NULL || r->changes == NULL || r->of_group == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < r->in->n_groups; i++) {
        r->of_group[i] = fb_arena_alloc(r->u.arena, r->in->groups[i]->count * sizeof **r->of_group);
        if (r->of_group[i] == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        size_t group = r->in->n_groups > 1 ? r->in->order[i] : 0;
        if (group >= r->in->n_groups || used[group] == r->in->groups[group]->count) {
            return damaged(r, "the order does not agree with the groups");
        }
        r->of_group[group][used[group]++] = &r->changes[i];
    }
    return FB_OK;
}

static int read_heads(const struct read *r, const Fb__Wire__ChangeGroup *g,
                      struct fb_change **changes)
{
    char(*ids)[FB_ROW_ID_SIZE] = fb_arena_alloc(r->u.arena, g->count * sizeof *ids);
    int64_t *cursors = fb_arena_alloc(r->u.arena, g->count * sizeof *cursors);
    int64_t *edited_at = fb_arena_alloc(r->u.arena, g->count * sizeof *edited_at);
    if (ids == NULL || cursors == NULL || edited_at == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_ids_unpack(g->ids, g->count, ids[0], sizeof *ids, r->u.arena, r->u.why);
    rc = rc < 0 ? rc : fb_ints_unpack(g->cursors, g->count, cursors, r->u.why);
    rc = rc < 0 ? rc : fb_ints_unpack(g->edited_at, g->count, edited_at, r->u.why);
    for (size_t i = 0; i < g->count && rc == FB_OK; i++) {
        changes[i]->entity_no = g->entity_no;
        changes[i]->op = (enum fb_change_op)g->ops.data[i];
        changes[i]->cursor = cursors[i];
        changes[i]->edited_at_ms = edited_at[i];
        memcpy(changes[i]->row_id, ids[i], sizeof ids[i]);
        rc = fb_wire_check_counter(&r->u, cursors[i], "a cursor in a push");
    }
    return rc;
}

/* ---- Fields ---- */

/* Counts the fields of each change; columns ascend, and so do the changes that each names. */
static int count_fields(const struct read *r, const Fb__Wire__ChangeGroup *g,
                        struct fb_change **changes, size_t *total)
{
    for (size_t i = 0; i < g->n_columns; i++) {
        const Fb__Wire__ChangeColumn *c = g->columns[i];
        if (c->n_changes == 0 || (i > 0 && c->field_no <= g->columns[i - 1]->field_no)) {
            return damaged(r, "the columns of a group are out of order");
        }
        *total += c->n_changes;
        if (*total > FB_PART_FIELDS_MAX) {
            return damaged(r, "there are too many fields");
        }
        uint64_t at = 0;
        for (size_t k = 0; k < c->n_changes; k++) {
            at += c->changes[k];
            if (at >= g->count || (k > 0 && c->changes[k] == 0)) {
                return damaged(r, "a column names a change that is not there");
            }
            changes[at]->field_count++;
        }
    }
    return FB_OK;
}

static int make_fields(const struct read *r, size_t total)
{
    struct fb_field_change *fields = fb_arena_alloc(r->u.arena, total * sizeof *fields);
    if (fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < r->count; i++) {
        r->changes[i].fields = fields;
        fields += r->changes[i].field_count;
        r->changes[i].field_count = 0;
    }
    return FB_OK;
}

static int check_step_counts(const struct read *r, const Fb__Wire__ChangeColumn *c,
                             size_t *ret_total)
{
    size_t total = 0;
    if (c->n_step_counts != 0 && c->n_step_counts != c->n_changes) {
        return damaged(r, "the counts of steps do not agree");
    }
    for (size_t i = 0; i < c->n_step_counts; i++) {
        total += c->step_counts[i];
        if (total > FB_PART_STEPS_MAX) {
            return damaged(r, "there are too many steps");
        }
    }
    if (c->step_ids.len != total * sizeof((struct fb_step *)NULL)->id) {
        return damaged(r, "the counts of steps do not agree");
    }
    *ret_total = total;
    return FB_OK;
}

static int read_steps(const struct read *r, const Fb__Wire__ChangeColumn *c, struct fb_step *steps,
                      int64_t *ages, size_t count)
{
    int rc = fb_ints_unpack(c->step_ages, count, ages, r->u.why);
    rc = rc < 0 ? rc
                : fb_values_unpack(c->step_from, count, &steps[0].from, sizeof *steps, r->u.arena,
                                   r->u.why);
    rc = rc < 0 ? rc
                : fb_values_unpack(c->step_to, count, &steps[0].to, sizeof *steps, r->u.arena,
                                   r->u.why);
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        memcpy(steps[i].id, c->step_ids.data + i * sizeof steps[i].id, sizeof steps[i].id);
    }
    return rc;
}

static int64_t minus_age(int64_t edited_at_ms, int64_t age)
{
    return (int64_t)((uint64_t)edited_at_ms - (uint64_t)age);
}

/* The column's fields with base, mine and steps; still to be handed to their changes. */
static int read_cells(const struct read *r, const Fb__Wire__ChangeColumn *c,
                      struct fb_field_change *cells, int64_t *ages)
{
    size_t n = c->n_changes;
    int rc = fb_values_unpack(c->bases, n, &cells[0].base, sizeof *cells, r->u.arena, r->u.why);
    rc = rc < 0
             ? rc
             : fb_values_unpack(c->mines, n, &cells[0].mine, sizeof *cells, r->u.arena, r->u.why);
    return rc < 0 ? rc : fb_ints_unpack(c->ages, n, ages, r->u.why);
}

/* Where the laptop stood at each field's last write: the change's cursor, and how much later. */
static int read_cursors(const struct read *r, const Fb__Wire__ChangeColumn *c,
                        struct fb_change *const *changes, struct fb_field_change *cells)
{
    int64_t *later = NULL;
    int rc = FB_OK;
    if (c->cursors != NULL) {
        later = fb_arena_alloc(r->u.arena, c->n_changes * sizeof *later);
        rc = later == NULL ? FB_ERR_NO_MEMORY
                           : fb_ints_unpack(c->cursors, c->n_changes, later, r->u.why);
    }
    size_t at = 0;
    for (size_t i = 0; rc == FB_OK && i < c->n_changes; i++) {
        at += c->changes[i];
        cells[i].cursor = changes[at]->cursor;
        if (later != NULL && (later[i] < 0 || later[i] > INT64_MAX - cells[i].cursor)) {
            rc = damaged(r, "a field was written before its row");
        } else if (later != NULL) {
            cells[i].cursor += later[i];
        }
    }
    return rc;
}

static int read_column(const struct read *r, const Fb__Wire__ChangeColumn *c,
                       struct fb_change **changes, size_t *steps_left)
{
    size_t step_count = 0;
    int rc = check_step_counts(r, c, &step_count);
    if (rc < 0 || step_count > *steps_left) {
        return rc < 0 ? rc : damaged(r, "there are too many steps");
    }
    *steps_left -= step_count;
    struct fb_field_change *cells = fb_arena_alloc(r->u.arena, c->n_changes * sizeof *cells);
    struct fb_step *steps = fb_arena_alloc(r->u.arena, step_count * sizeof *steps);
    int64_t *ages = fb_arena_alloc(r->u.arena, (c->n_changes + step_count) * sizeof *ages);
    if (cells == NULL || steps == NULL || ages == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int64_t *step_ages = ages + c->n_changes;
    rc = read_cells(r, c, cells, ages);
    rc = rc < 0 ? rc : read_cursors(r, c, changes, cells);
    rc = rc < 0 || step_count == 0 ? rc : read_steps(r, c, steps, step_ages, step_count);
    size_t at = 0;
    for (size_t i = 0; i < c->n_changes && rc == FB_OK; i++) {
        at += c->changes[i];
        cells[i].field_no = c->field_no;
        cells[i].edited_at_ms = minus_age(changes[at]->edited_at_ms, ages[i]);
        cells[i].step_count = c->n_step_counts == 0 ? 0 : c->step_counts[i];
        cells[i].steps = cells[i].step_count == 0 ? NULL : steps;
        for (size_t k = 0; k < cells[i].step_count; k++, steps++) {
            steps->at_ms = minus_age(changes[at]->edited_at_ms, *step_ages++);
        }
        changes[at]->fields[changes[at]->field_count++] = cells[i];
    }
    return rc;
}

static int read_fields(const struct read *r)
{
    size_t total = 0;
    int rc = FB_OK;
    for (size_t i = 0; i < r->in->n_groups && rc == FB_OK; i++) {
        rc = count_fields(r, r->in->groups[i], r->of_group[i], &total);
    }
    rc = rc < 0 ? rc : make_fields(r, total);
    size_t steps_left = FB_PART_STEPS_MAX;
    for (size_t i = 0; i < r->in->n_groups && rc == FB_OK; i++) {
        const Fb__Wire__ChangeGroup *g = r->in->groups[i];
        for (size_t k = 0; k < g->n_columns && rc == FB_OK; k++) {
            rc = read_column(r, g->columns[k], r->of_group[i], &steps_left);
        }
    }
    return rc;
}

static int read_changes(struct read *r)
{
    int rc = count_changes(r);
    rc = rc < 0 ? rc : place_changes(r);
    for (size_t i = 0; i < r->in->n_groups && rc == FB_OK; i++) {
        rc = read_heads(r, r->in->groups[i], r->of_group[i]);
    }
    return rc < 0 ? rc : read_fields(r);
}

int fb_changes_read(const uint8_t *part, size_t size, struct fb_arena *arena,
                    struct fb_change **ret, size_t *ret_count, struct fb_why *why)
{
    FB_AUTO(fb_drop_free) uint8_t *plain = NULL;
    size_t plain_size = 0;
    int rc = fb_gate_decompress(part, size, &plain, &plain_size, why);
    ProtobufCMessage *message = NULL;
    rc = rc < 0 ? rc
                : fb_gate_unpack(&fb__wire__changes__descriptor, plain, plain_size, arena, &message,
                                 why);
    if (rc < 0) {
        return rc;
    }
    struct read r = {.in = (const Fb__Wire__Changes *)message, .u = {.arena = arena, .why = why}};
    rc = read_changes(&r);
    if (rc == FB_OK) {
        *ret = r.changes;
        *ret_count = r.count;
    }
    return rc;
}
