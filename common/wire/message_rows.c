/* SPDX-License-Identifier: MIT
 *
 * Rows and removes. Columns are the stamps (numbers 1 to 4) and the entity's fields; one whose
 * values are all absent is hidden from the device and not sent. A field that stays on its device is neither sent nor taken.
 */
#include "common/base/planted.h"
#include "common/wire/values.h"

static bool is_hidden(const struct fb_value *first, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (((const struct fb_value *)(const void *)((const char *)first + i * stride))->type !=
            FB_ABSENT) {
            return false;
        }
    }
    return true;
}

struct columns {
    Fb__Wire__Rows *out;
    Fb__Wire__Column *items;
    struct fb_arena *arena;
    size_t row_count;
};

static int add_column(struct columns *c, uint32_t field_no, const struct fb_value *first,
                      size_t stride)
{
    if (is_hidden(first, stride, c->row_count)) {
        return FB_OK;
    }
    Fb__Wire__Column *column = &c->items[c->out->n_columns];
    fb__wire__column__init(column);
    column->field_no = field_no;
    c->out->columns[c->out->n_columns++] = column;
    return fb_values_pack(first, stride, c->row_count, c->arena, &column->values);
}

/* The values of one field of all rows, side by side: rows may lie anywhere. */
static int add_field(struct columns *c, const struct fb_rows *rows, const struct fb_field *field,
                     struct fb_value *scratch)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        scratch[i] = rows->rows[i].values[field->index];
    }
    return add_column(c, field->no, scratch, sizeof *scratch);
}

static int add_columns(struct columns *c, const struct fb_rows *rows)
{
    const struct fb_entity *e = rows->entity;
    struct fb_value *scratch = fb_arena_alloc(c->arena, rows->row_count * sizeof *scratch);
    if (scratch == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < FB_STAMP_COUNT && rows->row_count > 0; i++) {
        int rc = add_column(c, (uint32_t)(FB_FIELD_NO_CREATED_AT + i), &rows->rows[0].stamps[i],
                            sizeof *rows->rows);
        if (rc < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < e->field_count && rows->row_count > 0; i++) {
        bool stays = e->fields[i].visibility == FB_SEEN_ON_DEVICE && !FB_BUG(DEVICE_FIELD_SENT);
        int rc = stays ? FB_OK : add_field(c, rows, &e->fields[i], scratch);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int pack_old(const struct fb_rows *rows, struct fb_arena *arena, Fb__Wire__OldValues **ret)
{
    Fb__Wire__OldValues *old = fb_arena_alloc(arena, sizeof *old);
    if (old == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb__wire__old_values__init(old);
    old->rows = fb_arena_alloc(arena, rows->old_count * sizeof *old->rows);
    old->field_nos = fb_arena_alloc(arena, rows->old_count * sizeof *old->field_nos);
    if (old->rows == NULL || old->field_nos == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < rows->old_count; i++) {
        old->rows[i] = rows->old[i].row;
        old->field_nos[i] = rows->old[i].field_no;
    }
    old->n_rows = old->n_field_nos = rows->old_count;
    *ret = old;
    return fb_values_pack(&rows->old[0].value, sizeof *rows->old, rows->old_count, arena,
                          &old->values);
}

int fb_pack_rows(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Rows, rows);
    const struct fb_rows *rows = &m->rows;
    if (rows->row_count > FB_ROW_BATCH_ROWS_MAX || rows->old_count > FB_OLD_VALUES_MAX) {
        return FB_ERR_LIMIT;
    }
    size_t columns_max = rows->entity->field_count + FB_STAMP_COUNT;
    struct columns c = {.out = out, .arena = arena, .row_count = rows->row_count};
    out->columns = fb_arena_alloc(arena, columns_max * sizeof(Fb__Wire__Column *));
    c.items = fb_arena_alloc(arena, columns_max * sizeof *c.items);
    if (out->columns == NULL || c.items == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    out->entity_no = rows->entity->no;
    out->row_count = (uint32_t)rows->row_count;
    int rc = rows->row_count == 0 ? FB_OK
                                  : fb_ids_pack(rows->rows[0].id, sizeof *rows->rows,
                                                rows->row_count, arena, &out->ids);
    rc = rc < 0 ? rc : add_columns(&c, rows);
    return rc < 0 || rows->old_count == 0 ? rc : pack_old(rows, arena, &out->old);
}

static int make_rows(const struct fb_unpack *u, const Fb__Wire__Rows *in, struct fb_rows *rows)
{
    const struct fb_entity *e = rows->entity;
    rows->row_count = in->row_count;
    rows->rows = fb_arena_alloc(u->arena, rows->row_count * sizeof *rows->rows);
    struct fb_value *values =
        fb_arena_alloc(u->arena, rows->row_count * e->field_count * sizeof *values);
    if (rows->rows == NULL || values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < rows->row_count; i++) {
        rows->rows[i].entity = e;
        rows->rows[i].values = values + i * e->field_count;
    }
    return rows->row_count == 0 ? FB_OK
                                : fb_ids_unpack(in->ids, rows->row_count, rows->rows[0].id,
                                                sizeof *rows->rows, u->arena, u->why);
}

/* A field this catalogue does not know is skipped: a newer server may send it; an older one sent those of the device, too. */
static int read_column(const struct fb_unpack *u, const Fb__Wire__Column *in, struct fb_rows *rows)
{
    if (in->field_no >= FB_FIELD_NO_CREATED_AT && in->field_no <= FB_FIELD_NO_MODIFIED_BY) {
        return fb_values_unpack(in->values, rows->row_count,
                                &rows->rows[0].stamps[in->field_no - FB_FIELD_NO_CREATED_AT],
                                sizeof *rows->rows, u->arena, u->why);
    }
    const struct fb_field *field = fb_entity_field_no(rows->entity, in->field_no);
    bool stays = field != NULL && field->visibility == FB_SEEN_ON_DEVICE;
    if (field == NULL || (stays && !FB_BUG(DEVICE_FIELD_SENT))) {
        return FB_OK;
    }
    return fb_values_unpack(in->values, rows->row_count, &rows->rows[0].values[field->index],
                            rows->entity->field_count * sizeof(struct fb_value), u->arena, u->why);
}

static int read_columns(const struct fb_unpack *u, const Fb__Wire__Rows *in, struct fb_rows *rows)
{
    uint32_t before = 0;
    for (size_t i = 0; i < in->n_columns && rows->row_count > 0; i++) {
        bool is_new = i == 0 || in->columns[i]->field_no != before;
        before = in->columns[i]->field_no;
        int rc = is_new ? read_column(u, in->columns[i], rows)
                        : fb_fail(u->why, FB_ERR_PROTOCOL, "a column comes twice");
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* Old values of fields that this catalogue does not know are left out. */
static int read_old(const struct fb_unpack *u, const Fb__Wire__OldValues *in, struct fb_rows *rows)
{
    size_t count = in->n_rows;
    if (count > FB_OLD_VALUES_MAX || in->n_field_nos != count) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "the counts of old values do not agree");
    }
    rows->old = fb_arena_alloc(u->arena, count * sizeof *rows->old);
    if (rows->old == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = count == 0 ? FB_OK
                        : fb_values_unpack(in->values, count, &rows->old[0].value,
                                           sizeof *rows->old, u->arena, u->why);
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        if (in->rows[i] >= rows->row_count) {
            return fb_fail(u->why, FB_ERR_PROTOCOL,
                           "an old value belongs to a row that is not there");
        }
        if (fb_entity_field_no(rows->entity, in->field_nos[i]) != NULL) {
            struct fb_old_value *old = &rows->old[rows->old_count++];
            *old = (struct fb_old_value){
                .row = in->rows[i], .field_no = in->field_nos[i], .value = rows->old[i].value};
        }
    }
    return rc;
}

int fb_unpack_rows(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Rows *in = (const Fb__Wire__Rows *)p;
    struct fb_rows *rows = &ret->rows;
    *rows = (struct fb_rows){.entity = u->catalogue == NULL
                                           ? NULL
                                           : fb_catalogue_entity_no(u->catalogue, in->entity_no)};
    if (rows->entity == NULL) {
        return fb_fail(u->why, FB_ERR_PROTOCOL,
                       "rows of an entity (%u) that the catalogue does not have", in->entity_no);
    }
    if (in->row_count > FB_ROW_BATCH_ROWS_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%u rows in a message are over the limit of %d",
                       in->row_count, FB_ROW_BATCH_ROWS_MAX);
    }
    int rc = make_rows(u, in, rows);
    rc = rc < 0 ? rc : read_columns(u, in, rows);
    return rc < 0 || in->old == NULL ? rc : read_old(u, in->old, rows);
}

int fb_pack_removes(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Removes, removes);
    const struct fb_removes *removes = &m->removes;
    if (removes->count > FB_REMOVES_MAX) {
        return FB_ERR_LIMIT;
    }
    out->entity_no = removes->entity_no;
    out->count = (uint32_t)removes->count;
    return removes->count == 0 ? FB_OK
                               : fb_ids_pack(removes->ids[0], sizeof *removes->ids, removes->count,
                                             arena, &out->ids);
}

int fb_unpack_removes(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Removes *in = (const Fb__Wire__Removes *)p;
    struct fb_removes *removes = &ret->removes;
    *removes = (struct fb_removes){.entity_no = in->entity_no, .count = in->count};
    if (in->count > FB_REMOVES_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%u removes in a message are over the limit of %d",
                       in->count, FB_REMOVES_MAX);
    }
    removes->ids = fb_arena_alloc(u->arena, removes->count * sizeof *removes->ids);
    if (removes->ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    return removes->count == 0 ? FB_OK
                               : fb_ids_unpack(in->ids, removes->count, removes->ids[0],
                                               sizeof *removes->ids, u->arena, u->why);
}
