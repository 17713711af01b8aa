/* SPDX-License-Identifier: MIT
 *
 * One look at the run decides its form: all values (but the nulls) of one kind, or a kind each.
 * Texts that repeat become places in a list of distinct ones, which costs a byte each before zstd
 * and far less after it.
 */
#include "common/wire/values.h"

#include <string.h>

#include "common/wire/value_kind.h"

#define SLOTS 1024 /* of the table of distinct values: four times FB_PLACES_MAX, a power of two */

struct run {
    const char *first;
    size_t stride;
    size_t count;
    struct fb_arena *arena;
    size_t of_type[FB_BLOB + 1]; /* how many values have it */
};

/* Values that take part, in order, and the kind of each. */
struct list {
    const struct fb_value **values;
    uint8_t *kinds;
    size_t count;
};

static const struct fb_value *value_at(const struct run *run, size_t i)
{
    return (const struct fb_value *)(const void *)(run->first + i * run->stride);
}

static int count_types(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct fb_value *v = value_at(run, i);
        if ((v->type == FB_TEXT || v->type == FB_BLOB) && v->size > FB_VALUE_BYTES_MAX) {
            return FB_ERR_LIMIT;
        }
        run->of_type[v->type]++;
    }
    return FB_OK;
}

static enum fb_value_kind kind_of_text(const struct fb_value *v)
{
    int64_t ignored = 0;
    uint8_t tail[FB_UUID_TAIL_BYTES];
    if (fb_uuid_split(v->bytes, v->size, &ignored, tail)) {
        return FB_KIND_UUID;
    }
    if (fb_instant_parse(v->bytes, v->size, &ignored)) {
        return FB_KIND_INSTANT;
    }
    return fb_utf8_is_valid(v->bytes, v->size) ? FB_KIND_TEXT : FB_KIND_BLOB;
}

static enum fb_value_kind kind_of(const struct fb_value *v)
{
    switch (v->type) {
    case FB_ABSENT:
        return FB_KIND_ABSENT;
    case FB_NULL:
        return FB_KIND_NULL;
    case FB_INT:
        return FB_KIND_INT;
    case FB_TEXT:
        return kind_of_text(v);
    case FB_BLOB:
        break;
    }
    return FB_KIND_BLOB;
}

static bool all_are(const struct list *texts, enum fb_value_kind kind)
{
    for (size_t i = 0; i < texts->count; i++) {
        const struct fb_value *v = texts->values[i];
        if (kind == FB_KIND_TEXT ? !fb_utf8_is_valid(v->bytes, v->size) : kind_of_text(v) != kind) {
            return false;
        }
    }
    return true;
}

/* The kind that the first text has, if all have it; plain text if all are UTF-8; else a kind each.
 */
static enum fb_value_kind kind_of_texts(const struct list *texts)
{
    enum fb_value_kind first = kind_of_text(texts->values[0]);
    if (first != FB_KIND_BLOB && all_are(texts, first)) {
        return first;
    }
    return first != FB_KIND_BLOB && all_are(texts, FB_KIND_TEXT) ? FB_KIND_TEXT : FB_KIND_MIXED;
}

static int make_list(const struct run *run, bool with_nulls, struct list *ret)
{
    struct list list = {.values = fb_arena_alloc(run->arena, run->count * sizeof *list.values)};
    if (list.values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < run->count; i++) {
        const struct fb_value *v = value_at(run, i);
        if (with_nulls || v->type != FB_NULL) {
            list.values[list.count++] = v;
        }
    }
    *ret = list;
    return FB_OK;
}

static int write_nulls(const struct run *run, Fb__Wire__Values *out)
{
    if (run->of_type[FB_NULL] == 0) {
        return FB_OK;
    }
    out->nulls.len = (run->count + 7) / 8;
    out->nulls.data = fb_arena_alloc(run->arena, out->nulls.len);
    if (out->nulls.data == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < run->count; i++) {
        if (value_at(run, i)->type == FB_NULL) {
            out->nulls.data[i / 8] |= (uint8_t)(1U << (i % 8));
        }
    }
    return FB_OK;
}

static uint32_t hash_of(const struct fb_value *v)
{
    uint64_t head = 0;
    uint64_t tail = 0;
    size_t n = v->size < sizeof head ? v->size : sizeof head;
    if (n > 0) {
        memcpy(&head, v->bytes, n);
        memcpy(&tail, v->bytes + v->size - n, n);
    }
    uint64_t h = (head ^ v->size) * UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ h >> 29 ^ tail) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(h >> 40);
}

/* Finds the place of v among the distinct values, adding it; FB_PLACES_MAX if there is no room. */
static size_t place_of(const struct fb_value *v, uint16_t slots[static SLOTS],
                       struct list *distinct)
{
    size_t slot = hash_of(v) % SLOTS;
    for (; slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        const struct fb_value *other = distinct->values[slots[slot] - 1];
        if (other->size == v->size &&
            (v->size == 0 || memcmp(other->bytes, v->bytes, v->size) == 0)) {
            return slots[slot] - 1U;
        }
    }
    if (distinct->count == FB_PLACES_MAX) {
        return FB_PLACES_MAX;
    }
    distinct->values[distinct->count++] = v;
    slots[slot] = (uint16_t)distinct->count;
    return distinct->count - 1;
}

/* Replaces the list by its distinct values where at least a quarter repeats. */
static int find_places(struct fb_arena *arena, struct list *list, Fb__Wire__Values *out)
{
    if (list->count < 8) {
        return FB_OK;
    }
    uint16_t slots[SLOTS] = {0};
    const struct fb_value *values[FB_PLACES_MAX];
    struct list distinct = {.values = values};
    uint8_t *places = fb_arena_alloc(arena, list->count);
    if (places == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < list->count; i++) {
        size_t place = place_of(list->values[i], slots, &distinct);
        if (place == FB_PLACES_MAX) {
            return FB_OK;
        }
        places[i] = (uint8_t)place;
    }
    if (distinct.count * 4 > list->count * 3) {
        return FB_OK;
    }
    out->places = fb_wire_bytes(places, list->count);
    memcpy(list->values, values, distinct.count * sizeof *values);
    list->count = distinct.count;
    return FB_OK;
}

/* Where the parts of the values go. Each array has room for all. */
struct parts {
    int64_t *ints;
    size_t int_count;
    int64_t time_before;
};

static size_t data_size(const struct list *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->count; i++) {
        enum fb_value_kind kind = list->kinds[i];
        size += kind == FB_KIND_TEXT || kind == FB_KIND_BLOB ? list->values[i]->size : 0;
    }
    return size;
}

static int make_room(const struct list *list, struct fb_arena *arena, Fb__Wire__Values *out,
                     struct parts *parts)
{
    size_t of_kind[FB_KIND_MAX + 1] = {0};
    for (size_t i = 0; i < list->count; i++) {
        of_kind[list->kinds[i]]++;
    }
    size_t ints = of_kind[FB_KIND_INT] + of_kind[FB_KIND_INSTANT];
    size_t texts = of_kind[FB_KIND_TEXT] + of_kind[FB_KIND_BLOB];
    size_t uuids = of_kind[FB_KIND_UUID];
    parts->ints = fb_arena_alloc(arena, ints * sizeof *parts->ints);
    out->sizes = fb_arena_alloc(arena, texts * sizeof *out->sizes);
    out->data.data = fb_arena_alloc(arena, data_size(list));
    out->uuid_times = fb_arena_alloc(arena, uuids * sizeof *out->uuid_times);
    out->uuid_tails.data = fb_arena_alloc(arena, uuids * FB_UUID_TAIL_BYTES);
    bool has_room = parts->ints != NULL && out->sizes != NULL && out->data.data != NULL &&
                    out->uuid_times != NULL && out->uuid_tails.data != NULL;
    return has_room ? FB_OK : FB_ERR_NO_MEMORY;
}

static void add_bytes(const struct fb_value *v, Fb__Wire__Values *out)
{
    out->sizes[out->n_sizes++] = v->size;
    if (v->size > 0) {
        memcpy(out->data.data + out->data.len, v->bytes, v->size);
        out->data.len += v->size;
    }
}

static void add_uuid(const struct fb_value *v, Fb__Wire__Values *out, struct parts *parts)
{
    int64_t time = 0;
    uint8_t *tail = out->uuid_tails.data + out->uuid_tails.len;
    fb_assert(fb_uuid_split(v->bytes, v->size, &time, tail));
    out->uuid_tails.len += FB_UUID_TAIL_BYTES;
    out->uuid_times[out->n_uuid_times++] = time - parts->time_before;
    parts->time_before = time;
}

static void add_value(const struct fb_value *v, enum fb_value_kind kind, Fb__Wire__Values *out,
                      struct parts *parts)
{
    switch (kind) {
    case FB_KIND_INT:
        parts->ints[parts->int_count++] = v->integer;
        break;
    case FB_KIND_INSTANT:
        fb_assert(fb_instant_parse(v->bytes, v->size, &parts->ints[parts->int_count]));
        parts->int_count++;
        break;
    case FB_KIND_TEXT:
    case FB_KIND_BLOB:
        add_bytes(v, out);
        break;
    case FB_KIND_UUID:
        add_uuid(v, out, parts);
        break;
    default:
        break;
    }
}

static int write_parts(const struct list *list, struct fb_arena *arena, Fb__Wire__Values *out)
{
    struct parts parts = {0};
    int rc = make_room(list, arena, out, &parts);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < list->count; i++) {
        add_value(list->values[i], list->kinds[i], out, &parts);
    }
    return parts.int_count == 0 ? FB_OK
                                : fb_ints_pack(parts.ints, parts.int_count, arena, &out->ints);
}

static int pack_mixed(const struct run *run, Fb__Wire__Values *out)
{
    struct list list = {0};
    int rc = make_list(run, true, &list);
    if (rc < 0) {
        return rc;
    }
    list.kinds = fb_arena_alloc(run->arena, run->count);
    if (list.kinds == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < list.count; i++) {
        list.kinds[i] = (uint8_t)kind_of(list.values[i]);
    }
    out->kind = FB_KIND_MIXED;
    out->kinds = fb_wire_bytes(list.kinds, list.count);
    return write_parts(&list, run->arena, out);
}

static int pack_uniform(const struct run *run, enum fb_value_type type, Fb__Wire__Values *out)
{
    struct list list = {0};
    int rc = make_list(run, false, &list);
    if (rc == FB_OK && type != FB_INT) {
        rc = find_places(run->arena, &list, out);
    }
    if (rc < 0) {
        return rc;
    }
    out->kind = type == FB_INT    ? FB_KIND_INT
                : type == FB_BLOB ? FB_KIND_BLOB
                                  : kind_of_texts(&list);
    if (out->kind == FB_KIND_MIXED) {
        out->places = fb_wire_bytes(NULL, 0);
        return pack_mixed(run, out);
    }
    if (out->kind == FB_KIND_INSTANT && out->places.len > 0) {
        out->places = fb_wire_bytes(NULL, 0);
        rc = make_list(run, false, &list);
    }
    list.kinds = fb_arena_alloc(run->arena, list.count);
    if (rc < 0 || list.kinds == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memset(list.kinds, (int)out->kind, list.count);
    rc = write_nulls(run, out);
    return rc < 0 ? rc : write_parts(&list, run->arena, out);
}

int fb_values_pack(const struct fb_value *first, size_t stride, size_t count,
                   struct fb_arena *arena, Fb__Wire__Values **ret)
{
    Fb__Wire__Values *out = fb_arena_alloc(arena, sizeof *out);
    if (out == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb__wire__values__init(out);
    *ret = out;
    struct run run = {
        .first = (const char *)first, .stride = stride, .count = count, .arena = arena};
    int rc = count_types(&run);
    if (rc < 0) {
        return rc;
    }
    if (run.of_type[FB_NULL] == count) {
        out->kind = FB_KIND_NULL;
        return FB_OK;
    }
    if (run.of_type[FB_ABSENT] == count) {
        out->kind = FB_KIND_ABSENT;
        return FB_OK;
    }
    for (enum fb_value_type type = FB_INT; type <= FB_BLOB; type++) {
        if (run.of_type[type] + run.of_type[FB_NULL] == count) {
            return pack_uniform(&run, type, out);
        }
    }
    return pack_mixed(&run, out);
}
