/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/base/time.h"
#include "server/internal.h"

/* ---- Maps ---- */

uint64_t fb_row_hash(uint32_t entity_no, const char *id)
{
    uint64_t hash = 1469598103934665603u ^ entity_no;
    for (const char *c = id; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    }
    return hash ^ (hash >> 29);
}

void *fb_row_map_find(const struct fb_row_map *m, uint64_t hash,
                      bool (*is_it)(const void *, const void *), const void *key)
{
    for (size_t i = hash; m->capacity > 0; i++) {
        const struct fb_row_slot *slot = &m->slots[i & (m->capacity - 1)];
        if (slot->item == NULL) {
            return NULL;
        }
        if (slot->hash == hash && is_it(slot->item, key)) {
            return slot->item;
        }
    }
    return NULL;
}

static void put(struct fb_row_map *m, uint64_t hash, void *item)
{
    size_t i = hash;
    while (m->slots[i & (m->capacity - 1)].item != NULL) {
        i++;
    }
    m->slots[i & (m->capacity - 1)] = (struct fb_row_slot){.hash = hash, .item = item};
}

int fb_row_map_add(struct fb_row_map *m, uint64_t hash, void *item)
{
    if (m->count * 2 >= m->capacity) {
        struct fb_row_map bigger = {.capacity = m->capacity == 0 ? 64 : m->capacity * 4,
                                    .count = m->count};
        bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
        if (bigger.slots == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        for (size_t i = 0; i < m->capacity; i++) {
            if (m->slots[i].item != NULL) {
                put(&bigger, m->slots[i].hash, m->slots[i].item);
            }
        }
        free(m->slots);
        *m = bigger;
    }
    put(m, hash, item);
    m->count++;
    return FB_OK;
}

/* ---- The work ---- */

void fb_work_init(struct fb_work *w, struct fb_hub *hub, struct fb_arena *arena,
                  const struct fb_source *source, int64_t now_ms)
{
    *w = (struct fb_work){.hub = hub,
                          .store = hub->store,
                          .catalogue = fb_store_catalogue(hub->store),
                          .arena = arena,
                          .source = *source,
                          .now_ms = now_ms,
                          .cursor_asked = -1};
    fb_buf_init(&w->text, FB_MESSAGE_BYTES_MAX);
}

void fb_work_init_consequence(struct fb_work *w, struct fb_hub *hub, struct fb_arena *arena,
                              const struct fb_source *source, int64_t rev, int64_t now_ms)
{
    fb_work_init(w, hub, arena, source, now_ms);
    w->rev = rev;
    w->is_consequence = true;
}

void fb_work_release(struct fb_work *w)
{
    fb_judge_release(w);
    free(w->row_map.slots);
    free(w->aggregate_map.slots);
    free(w->known.slots);
    fb_buf_release(&w->text);
    fb_arena_release(&w->scratch);
}

struct row_key {
    const struct fb_entity *entity;
    const char *id;
};

static bool is_row(const void *item, const void *key)
{
    const struct fb_work_row *row = item;
    const struct row_key *k = key;
    return row->entity == k->entity && strcmp(row->id, k->id) == 0;
}

struct fb_work_row *fb_work_find(const struct fb_work *w, const struct fb_entity *e, const char *id)
{
    struct row_key key = {.entity = e, .id = id};
    return fb_row_map_find(&w->row_map, fb_row_hash(e->no, id), is_row, &key);
}

int fb_work_row_unread(struct fb_work *w, const struct fb_entity *e, const char *id,
                       struct fb_work_row **ret, bool *ret_is_new)
{
    struct fb_work_row *row = fb_work_find(w, e, id);
    *ret_is_new = row == NULL;
    if (row != NULL) {
        *ret = row;
        return FB_OK;
    }
    row = fb_arena_alloc(w->arena, sizeof *row);
    struct fb_work_row **rows = fb_arena_grow(w->arena, w->rows, w->row_count, &w->row_capacity,
                                              sizeof(struct fb_work_row *));
    if (row == NULL || rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    w->rows = rows;
    row->entity = e;
    memcpy(row->id, id, FB_ROW_ID_SIZE);
    int rc = fb_row_map_add(&w->row_map, fb_row_hash(e->no, id), row);
    if (rc == FB_OK) {
        w->rows[w->row_count++] = row;
        *ret = row;
    }
    return rc;
}

/* The recycle bin's image of a row, if it rests there. */
static int read_bin(struct fb_work *w, struct fb_work_row *row)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store,
                          "SELECT cause, image FROM fb_bin WHERE entity = ?1 AND row_id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, row->entity->no);
    fb_sql_bind_text(q, 2, row->id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    struct fb_value image = fb_sql_value(q, 1);
    rc = fb_row_from_json(row->entity, row->id, image.bytes, image.size, w->arena, &row->before);
    row->bin_cause = rc == FB_OK ? fb_sql_int(q, 0) : 0;
    return rc;
}

int fb_work_row(struct fb_work *w, const struct fb_entity *e, const char *id,
                struct fb_work_row **ret)
{
    bool is_new = false;
    struct fb_work_row *row = NULL;
    int rc = fb_work_row_unread(w, e, id, &row, &is_new);
    if (rc == FB_OK && is_new) {
        rc = fb_row_read(w->store, e, id, w->arena, &row->before, &row->was_here);
        if (rc == FB_OK && row->was_here) {
            row->now = row->before;
            row->is_here = true;
        } else if (rc == FB_OK) {
            rc = read_bin(w, row);
        }
    }
    *ret = row;
    return rc;
}

static int own_values(struct fb_work *w, struct fb_work_row *row)
{
    if (row->has_own_values) {
        return FB_OK;
    }
    size_t size = row->entity->field_count * sizeof(struct fb_value);
    struct fb_value *values = fb_arena_alloc(w->arena, size);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(values, row->now.values, size);
    row->now.values = values;
    row->has_own_values = true;
    return FB_OK;
}

int fb_work_set(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f,
                const struct fb_value *v)
{
    if (fb_value_equal(&row->now.values[f->index], v)) {
        return FB_OK;
    }
    int rc = own_values(w, row);
    if (rc < 0) {
        return rc;
    }
    row->now.values[f->index] = *v;
    fb_mask_put(row->mask, f->index);
    fb_mask_put(row->write_mask, f->index);
    row->has_changes = true;
    return FB_OK;
}

int fb_work_make(struct fb_work *w, struct fb_work_row *row)
{
    int rc = fb_row_begin(row->entity, row->id, w->arena, &row->now);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        row->now.stamps[i] = FB_VALUE_NULL;
    }
    row->has_own_values = true;
    row->is_here = true;
    return FB_OK;
}

int fb_work_add(struct fb_work *w, const struct fb_entity *e, struct fb_work_row **ret)
{
    char id[FB_ROW_ID_SIZE];
    bool is_new = false;
    fb_id_make(w->now_ms, &w->hub->random, id);
    int rc = fb_work_row_unread(w, e, id, ret, &is_new);
    return rc < 0 ? rc : fb_work_make(w, *ret);
}

int fb_work_set_named(struct fb_work *w, struct fb_work_row *row, const char *field,
                      const struct fb_value *v)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    struct fb_value copy;
    if (f == NULL) {
        return FB_OK;
    }
    int rc = fb_value_copy(w->arena, v, &copy);
    return rc < 0 ? rc : fb_work_set(w, row, f, &copy);
}

const char *fb_work_text(struct fb_work *w, const struct fb_row *row, const char *field)
{
    const struct fb_value *v = fb_row_value(row, field);
    const char *copy = v->type != FB_TEXT ? "" : fb_arena_copy(w->arena, v->bytes, v->size);
    return copy == NULL ? "" : copy;
}

int fb_work_set_text(struct fb_work *w, struct fb_work_row *row, const char *field,
                     const char *text)
{
    struct fb_value v = text == NULL || text[0] == '\0' ? FB_VALUE_NULL : fb_value_text(text);
    return fb_work_set_named(w, row, field, &v);
}

int fb_work_set_instant(struct fb_work *w, struct fb_work_row *row, const char *field, int64_t ms)
{
    char text[FB_INSTANT_SIZE];
    if (ms <= 0) {
        return FB_OK;
    }
    fb_instant_format(ms, text);
    return fb_work_set_text(w, row, field, text);
}

/* ---- Children ---- */

struct gathering {
    struct fb_work *w;
    const struct fb_work_row *parent;
    const struct fb_field *field;
    struct fb_work_row **found;
    size_t count, capacity;
};

static bool points_at(const struct fb_row *row, const struct fb_field *field,
                      const struct fb_work_row *parent)
{
    const struct fb_value *v = &row->values[field->index];
    return fb_value_is_id(v, parent->id) && fb_row_target(row, field) == parent->entity &&
           fb_family_is_below(row, field);
}

static int add_child(struct gathering *g, struct fb_work_row *child)
{
    for (size_t i = 0; i < g->count && g->count < 64; i++) {
        if (g->found[i] == child) {
            return FB_OK;
        }
    }
    struct fb_work_row **list =
        fb_arena_grow(g->w->arena, g->found, g->count, &g->capacity, sizeof(struct fb_work_row *));
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    g->found = list;
    list[g->count++] = child;
    return FB_OK;
}

/* A row of the table; what the work knows of it, it will say itself. */
static int meet_stored(void *ctx, const struct fb_row *row)
{
    struct gathering *g = ctx;
    struct fb_work_row *child = fb_work_find(g->w, row->entity, row->id);
    if (child != NULL || !points_at(row, g->field, g->parent)) {
        return FB_OK;
    }
    int rc = fb_work_row(g->w, row->entity, row->id, &child);
    return rc < 0 ? rc : add_child(g, child);
}

int fb_work_children(struct fb_work *w, const struct fb_work_row *parent, struct fb_work_row ***ret,
                     size_t *ret_count)
{
    const struct fb_family *family = &w->hub->family;
    const struct fb_entity *e = parent->entity;
    struct gathering g = {.w = w, .parent = parent};
    size_t known = w->row_count;
    for (size_t i = 0; i < family->counts[e->index]; i++) {
        const struct fb_link *link = &family->links[e->index][i];
        g.field = link->field;
        int rc = fb_row_scan_by(w->store, link->child, link->field, parent->id, meet_stored, &g);
        for (size_t r = 0; rc == FB_OK && r < known; r++) {
            struct fb_work_row *row = w->rows[r];
            if (row->entity == link->child && row->is_here &&
                points_at(&row->now, link->field, parent)) {
                rc = add_child(&g, row);
            }
        }
        if (rc < 0) {
            return rc;
        }
    }
    *ret = g.found;
    *ret_count = g.count;
    return FB_OK;
}

struct known_row {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
};

static bool is_known(const void *item, const void *key)
{
    const struct known_row *known = item;
    const struct row_key *k = key;
    return known->entity == k->entity && strcmp(known->id, k->id) == 0;
}

int fb_work_is_here(struct fb_work *w, const struct fb_entity *e, const char *id, bool *ret)
{
    const struct fb_work_row *row = fb_work_find(w, e, id);
    if (row != NULL) {
        *ret = row->is_here;
        return FB_OK;
    }
    struct row_key key = {.entity = e, .id = id};
    uint64_t hash = fb_row_hash(e->no, id);
    if (fb_row_map_find(&w->known, hash, is_known, &key) != NULL) {
        *ret = true;
        return FB_OK;
    }
    int rc = fb_row_exists(w->store, e, id, ret);
    if (rc < 0 || !*ret) {
        return rc;
    }
    struct known_row *known = fb_arena_alloc(w->arena, sizeof *known);
    if (known == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    known->entity = e;
    memcpy(known->id, id, FB_ROW_ID_SIZE);
    return fb_row_map_add(&w->known, hash, known);
}

int fb_row_copy(struct fb_arena *arena, const struct fb_row *row, struct fb_row *ret)
{
    struct fb_row copy;
    int rc = fb_row_new(row->entity, row->id, arena, &copy);
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        rc = fb_value_copy(arena, &row->values[i], &copy.values[i]);
    }
    for (size_t i = 0; rc == FB_OK && i < FB_STAMP_COUNT; i++) {
        rc = fb_value_copy(arena, &row->stamps[i], &copy.stamps[i]);
    }
    if (rc == FB_OK) {
        *ret = copy;
    }
    return rc;
}

int fb_work_row_json(struct fb_work *w, const struct fb_row *row, const uint64_t *mask,
                     const char **ret)
{
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '{');
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_value *v = &row->values[i];
        if ((mask != NULL && !fb_mask_get(mask, (uint32_t)i)) || v->type == FB_ABSENT) {
            continue;
        }
        fb_buf_printf(&w->text, "%s\"%s\":", w->text.size > 1 ? "," : "",
                      row->entity->fields[i].name);
        fb_value_append_json(&w->text, v);
    }
    fb_buf_append_byte(&w->text, '}');
    int rc = fb_buf_error(&w->text);
    *ret = rc < 0 ? NULL : fb_arena_copy(w->arena, w->text.bytes, w->text.size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}
