/* SPDX-License-Identifier: MIT
 *
 * Changes are copied into an arena, grouped by entity, until a part is full; then each group is
 * written by columns.
 */
#include "common/wire/values.h"

#include <stdlib.h>
#include <string.h>

/* What a change and a field cost beside their values, roughly. */
#define CHANGE_BYTES 24
#define FIELD_BYTES  8
/* Fields of protobuf that a group and a column take at most: the receiver counts them against
 * FB_WIRE_FIELDS_MAX. */
#define GROUP_WIRE_FIELDS  32
#define COLUMN_WIRE_FIELDS 32
#define STEPS_WIRE_FIELDS  32 /* more, of a column with steps */
#define NUMBER_WORDS                                                                               \
    4U /* of the set of field numbers seen; larger numbers count as new each time                  \
        */

struct group {
    uint32_t entity_no;
    const struct fb_change **changes;
    size_t count;
    size_t capacity;
    size_t field_count;
    uint64_t numbers[NUMBER_WORDS]; /* of its columns, a bit each */
};

struct fb_changes_writer {
    struct fb_arena arena; /* of the part being collected */
    struct group *groups;
    size_t group_count;
    size_t group_capacity;
    uint32_t *order; /* of the changes: their group */
    size_t order_capacity;
    size_t change_count;
    size_t field_count;
    size_t step_count;
    size_t column_count;
    size_t raw_bytes;
    struct fb_buf part; /* the finished one */
};

int fb_changes_writer_new(struct fb_changes_writer **ret)
{
    struct fb_changes_writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_init(&w->part, FB_MESSAGE_BYTES_MAX);
    *ret = w;
    return FB_OK;
}

void fb_changes_writer_free(struct fb_changes_writer *w)
{
    if (w != NULL) {
        fb_arena_release(&w->arena);
        fb_buf_release(&w->part);
        free(w);
    }
}

static void start_part(struct fb_changes_writer *w)
{
    fb_arena_clear(&w->arena);
    w->groups = NULL;
    w->order = NULL;
    w->group_count = w->group_capacity = w->order_capacity = 0;
    w->change_count = w->field_count = w->step_count = w->column_count = w->raw_bytes = 0;
}

/* ---- Collecting ---- */

struct weight {
    size_t bytes;
    size_t steps;
};

static struct weight weigh(const struct fb_change *change)
{
    struct weight weight = {.bytes = CHANGE_BYTES};
    for (size_t i = 0; i < change->field_count; i++) {
        const struct fb_field_change *field = &change->fields[i];
        weight.bytes += FIELD_BYTES + field->base.size + field->mine.size;
        weight.steps += field->step_count;
        for (size_t k = 0; k < field->step_count; k++) {
            weight.bytes += FIELD_BYTES + field->steps[k].from.size + field->steps[k].to.size;
        }
    }
    return weight;
}

static bool is_full(const struct fb_changes_writer *w, const struct fb_change *change,
                    struct weight weight)
{
    size_t per_column =
        COLUMN_WIRE_FIELDS + (w->step_count + weight.steps > 0 ? STEPS_WIRE_FIELDS : 0);
    size_t wire_fields = (w->group_count + 1) * GROUP_WIRE_FIELDS +
                         (w->column_count + change->field_count) * per_column;
    return w->raw_bytes + weight.bytes > (size_t)FB_PUSH_PART_BYTES_AIM ||
           w->change_count == FB_PART_CHANGES_MAX ||
           w->field_count + change->field_count > FB_PART_FIELDS_MAX ||
           w->step_count + weight.steps > FB_PART_STEPS_MAX || wire_fields > FB_WIRE_FIELDS_MAX;
}

static int copy_steps(struct fb_arena *arena, struct fb_field_change *field)
{
    const struct fb_step *from = field->steps;
    field->steps = fb_arena_alloc(arena, field->step_count * sizeof *field->steps);
    if (field->steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < field->step_count; i++) {
        field->steps[i] = from[i];
        int rc = fb_value_copy(arena, &from[i].from, &field->steps[i].from);
        rc = rc < 0 ? rc : fb_value_copy(arena, &from[i].to, &field->steps[i].to);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int copy_change(struct fb_arena *arena, const struct fb_change *change,
                       const struct fb_change **ret)
{
    struct fb_change *copy = fb_arena_alloc(arena, sizeof *copy);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *copy = *change;
    copy->fields = fb_arena_alloc(arena, change->field_count * sizeof *copy->fields);
    if (copy->fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < change->field_count; i++) {
        struct fb_field_change *field = &copy->fields[i];
        *field = change->fields[i];
        int rc = fb_value_copy(arena, &change->fields[i].base, &field->base);
        rc = rc < 0 ? rc : fb_value_copy(arena, &change->fields[i].mine, &field->mine);
        rc = rc < 0 ? rc : copy_steps(arena, field);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = copy;
    return FB_OK;
}

static struct group *find_group(struct fb_changes_writer *w, uint32_t entity_no)
{
    for (size_t i = w->group_count; i > 0; i--) {
        if (w->groups[i - 1].entity_no == entity_no) {
            return &w->groups[i - 1];
        }
    }
    struct group *groups =
        fb_arena_grow(&w->arena, w->groups, w->group_count, &w->group_capacity, sizeof *w->groups);
    if (groups == NULL) {
        return NULL;
    }
    w->groups = groups;
    w->groups[w->group_count] = (struct group){.entity_no = entity_no};
    return &w->groups[w->group_count++];
}

static void count_columns(struct fb_changes_writer *w, struct group *g,
                          const struct fb_change *change)
{
    for (size_t i = 0; i < change->field_count; i++) {
        uint32_t no = change->fields[i].field_no;
        uint64_t bit = UINT64_C(1) << (no % 64);
        bool is_small = no / 64 < NUMBER_WORDS;
        if (!is_small || (g->numbers[no / 64] & bit) == 0) {
            w->column_count++;
        }
        if (is_small) {
            g->numbers[no / 64] |= bit;
        }
    }
    g->field_count += change->field_count;
}

static int collect(struct fb_changes_writer *w, const struct fb_change *change,
                   struct weight weight)
{
    const struct fb_change *copy = NULL;
    int rc = copy_change(&w->arena, change, &copy);
    struct group *g = rc < 0 ? NULL : find_group(w, change->entity_no);
    if (g == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const struct fb_change **changes =
        fb_arena_grow(&w->arena, g->changes, g->count, &g->capacity, sizeof *g->changes);
    uint32_t *order =
        fb_arena_grow(&w->arena, w->order, w->change_count, &w->order_capacity, sizeof *w->order);
    if (changes == NULL || order == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    g->changes = changes;
    g->changes[g->count++] = copy;
    count_columns(w, g, change);
    w->order = order;
    w->order[w->change_count++] = (uint32_t)(g - w->groups);
    w->field_count += change->field_count;
    w->step_count += weight.steps;
    w->raw_bytes += weight.bytes;
    return FB_OK;
}

/* ---- Writing a part ---- */

/* One field of one change, on the way into its column. */
struct cell {
    uint32_t field_no;
    uint32_t change; /* of the group */
    const struct fb_field_change *field;
};

static int compare_cells(const void *a, const void *b)
{
    const struct cell *x = a;
    const struct cell *y = b;
    if (x->field_no != y->field_no) {
        return x->field_no < y->field_no ? -1 : 1;
    }
    return (x->change > y->change) - (x->change < y->change);
}

static int list_cells(const struct group *g, struct fb_arena *arena, struct cell **ret)
{
    struct cell *cells = fb_arena_alloc(arena, g->field_count * sizeof *cells);
    if (cells == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        for (size_t k = 0; k < g->changes[i]->field_count; k++) {
            const struct fb_field_change *field = &g->changes[i]->fields[k];
            cells[n++] =
                (struct cell){.field_no = field->field_no, .change = (uint32_t)i, .field = field};
        }
    }
    qsort(cells, n, sizeof *cells, compare_cells);
    *ret = cells;
    return FB_OK;
}

static size_t count_steps(const struct cell *cells, size_t count)
{
    size_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        steps += cells[i].field->step_count;
    }
    return steps;
}

static int write_steps(const struct group *g, const struct cell *cells, size_t count,
                       struct fb_arena *arena, Fb__Wire__ChangeColumn *out)
{
    size_t step_count = count_steps(cells, count);
    if (step_count == 0) {
        return FB_OK;
    }
    struct fb_step *steps = fb_arena_alloc(arena, step_count * sizeof *steps);
    int64_t *ages = fb_arena_alloc(arena, step_count * sizeof *ages);
    uint8_t *ids = fb_arena_alloc(arena, step_count * sizeof steps->id);
    out->step_counts = fb_arena_alloc(arena, count * sizeof *out->step_counts);
    if (steps == NULL || ages == NULL || ids == NULL || out->step_counts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        out->step_counts[i] = (uint32_t)cells[i].field->step_count;
        for (size_t k = 0; k < cells[i].field->step_count; k++, n++) {
            steps[n] = cells[i].field->steps[k];
            ages[n] = (int64_t)((uint64_t)g->changes[cells[i].change]->edited_at_ms -
                                (uint64_t)steps[n].at_ms);
            memcpy(ids + n * sizeof steps->id, steps[n].id, sizeof steps->id);
        }
    }
    out->n_step_counts = count;
    out->step_ids = fb_wire_bytes(ids, step_count * sizeof steps->id);
    int rc = fb_ints_pack(ages, step_count, arena, &out->step_ages);
    rc = rc < 0 ? rc
                : fb_values_pack(&steps[0].from, sizeof *steps, step_count, arena, &out->step_from);
    return rc < 0 ? rc
                  : fb_values_pack(&steps[0].to, sizeof *steps, step_count, arena, &out->step_to);
}

/* Few fields are edited again after a cut: mostly there is nothing to say. */
static int write_cursors(const struct group *g, const struct cell *cells, size_t count,
                         struct fb_arena *arena, Fb__Wire__ChangeColumn *out)
{
    int64_t *later = fb_arena_alloc(arena, count * sizeof *later);
    bool has_any = false;
    if (later == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t cursor = g->changes[cells[i].change]->cursor;
        bool is_later = cells[i].field->cursor > cursor;
        later[i] = is_later ? cells[i].field->cursor - cursor : 0;
        has_any |= is_later;
    }
    return has_any ? fb_ints_pack(later, count, arena, &out->cursors) : FB_OK;
}

static int write_column(const struct group *g, const struct cell *cells, size_t count,
                        struct fb_arena *arena, Fb__Wire__ChangeColumn **ret)
{
    Fb__Wire__ChangeColumn *out = fb_arena_alloc(arena, sizeof *out);
    struct fb_field_change *fields = fb_arena_alloc(arena, count * sizeof *fields);
    int64_t *ages = fb_arena_alloc(arena, count * sizeof *ages);
    uint32_t *changes = fb_arena_alloc(arena, count * sizeof *changes);
    if (out == NULL || fields == NULL || ages == NULL || changes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb__wire__change_column__init(out);
    for (size_t i = 0; i < count; i++) {
        const struct fb_change *change = g->changes[cells[i].change];
        fb_assert(i == 0 ||
                  cells[i].change > cells[i - 1].change); /* a change names a field once */
        fields[i] = *cells[i].field;
        ages[i] = (int64_t)((uint64_t)change->edited_at_ms - (uint64_t)fields[i].edited_at_ms);
        changes[i] = cells[i].change - (i == 0 ? 0 : cells[i - 1].change);
    }
    out->field_no = cells[0].field_no;
    out->changes = changes;
    out->n_changes = count;
    *ret = out;
    int rc = fb_values_pack(&fields[0].base, sizeof *fields, count, arena, &out->bases);
    rc = rc < 0 ? rc : fb_values_pack(&fields[0].mine, sizeof *fields, count, arena, &out->mines);
    rc = rc < 0 ? rc : fb_ints_pack(ages, count, arena, &out->ages);
    rc = rc < 0 ? rc : write_cursors(g, cells, count, arena, out);
    return rc < 0 ? rc : write_steps(g, cells, count, arena, out);
}

static int write_columns(const struct group *g, struct fb_arena *arena, Fb__Wire__ChangeGroup *out)
{
    struct cell *cells = NULL;
    int rc = list_cells(g, arena, &cells);
    out->columns = fb_arena_alloc(arena, g->field_count * sizeof(Fb__Wire__ChangeColumn *));
    if (rc < 0 || out->columns == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t end = 0;
    for (size_t start = 0; start < g->field_count && rc == FB_OK; start = end) {
        end = start + 1;
        while (end < g->field_count && cells[end].field_no == cells[start].field_no) {
            end++;
        }
        rc = write_column(g, cells + start, end - start, arena, &out->columns[out->n_columns++]);
    }
    return rc;
}

static int write_group(const struct group *g, struct fb_arena *arena, Fb__Wire__ChangeGroup **ret)
{
    Fb__Wire__ChangeGroup *out = fb_arena_alloc(arena, sizeof *out);
    struct fb_change *heads = fb_arena_alloc(arena, g->count * sizeof *heads);
    int64_t *numbers = fb_arena_alloc(arena, 2 * g->count * sizeof *numbers);
    uint8_t *ops = fb_arena_alloc(arena, g->count);
    if (out == NULL || heads == NULL || numbers == NULL || ops == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb__wire__change_group__init(out);
    for (size_t i = 0; i < g->count; i++) {
        heads[i] = *g->changes[i];
        numbers[i] = heads[i].cursor;
        numbers[g->count + i] = heads[i].edited_at_ms;
        ops[i] = (uint8_t)heads[i].op;
    }
    out->entity_no = g->entity_no;
    out->count = (uint32_t)g->count;
    out->ops = fb_wire_bytes(ops, g->count);
    *ret = out;
    int rc = fb_ids_pack(heads[0].row_id, sizeof *heads, g->count, arena, &out->ids);
    rc = rc < 0 ? rc : fb_ints_pack(numbers, g->count, arena, &out->cursors);
    rc = rc < 0 ? rc : fb_ints_pack(numbers + g->count, g->count, arena, &out->edited_at);
    return rc < 0 ? rc : write_columns(g, arena, out);
}

static int write_changes(struct fb_changes_writer *w, Fb__Wire__Changes *out)
{
    fb__wire__changes__init(out);
    out->groups = fb_arena_alloc(&w->arena, w->group_count * sizeof(Fb__Wire__ChangeGroup *));
    if (out->groups == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = FB_OK;
    for (size_t i = 0; i < w->group_count && rc == FB_OK; i++) {
        rc = write_group(&w->groups[i], &w->arena, &out->groups[out->n_groups++]);
    }
    if (w->group_count > 1) {
        out->order = w->order;
        out->n_order = w->change_count;
    }
    return rc;
}

/* A part must fit a frame with its hashes; the room for them is generous. */
static int compress_part(struct fb_changes_writer *w, const ProtobufCMessage *changes)
{
    FB_AUTO(fb_buf_release) struct fb_buf plain;
    fb_buf_init(&plain, FB_MESSAGE_BYTES_MAX);
    int rc = fb_gate_pack(changes, &plain);
    fb_buf_clear(&w->part);
    rc = rc < 0 ? rc : fb_gate_compress(plain.bytes, plain.size, &w->part);
    return rc == FB_OK && w->part.size > FB_FRAME_BYTES_MAX - 1024 ? FB_ERR_LIMIT : rc;
}

int fb_changes_writer_finish(struct fb_changes_writer *w, const uint8_t **ret_part,
                             size_t *ret_size)
{
    if (w->change_count == 0) {
        *ret_part = NULL;
        *ret_size = 0;
        return FB_OK;
    }
    Fb__Wire__Changes changes;
    int rc = write_changes(w, &changes);
    rc = rc < 0 ? rc : compress_part(w, &changes.base);
    start_part(w);
    if (rc == FB_OK) {
        *ret_part = w->part.bytes;
        *ret_size = w->part.size;
    }
    return rc;
}

int fb_changes_writer_add(struct fb_changes_writer *w, const struct fb_change *change,
                          const uint8_t **ret_part, size_t *ret_size)
{
    const uint8_t *part = NULL;
    size_t size = 0;
    struct weight weight = weigh(change);
    if (is_full(w, change, weight)) {
        int rc = fb_changes_writer_finish(w, &part, &size);
        if (rc < 0) {
            return rc;
        }
    }
    int rc = collect(w, change, weight);
    if (rc == FB_OK) {
        *ret_part = part;
        *ret_size = size;
    }
    return rc;
}
