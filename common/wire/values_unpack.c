/* SPDX-License-Identifier: MIT
 *
 * A cursor runs over each part of the message (numbers, sizes and bytes, UUIDs); at the end every
 * part must be used up.
 */
#include "common/wire/values.h"

#include <string.h>

#include "common/wire/value_kind.h"

struct reader {
    const Fb__Wire__Values *v;
    struct fb_arena *arena;
    struct fb_why *why;
    int64_t *ints;
    size_t int_count;
    size_t int_at;
    size_t size_at;
    size_t data_at;
    size_t uuid_at;
    uint64_t time_before;
    char *texts; /* of UUIDs and instants, each as long as a row id */
    struct fb_instant_writer instants;
};

static int damaged(const struct reader *r)
{
    fb_why_set(r->why, "a run of values is not what its counts say");
    return FB_ERR_PROTOCOL;
}

static int read_bytes(struct reader *r, enum fb_value_type type, struct fb_value *ret)
{
    if (r->size_at == r->v->n_sizes) {
        return damaged(r);
    }
    uint32_t size = r->v->sizes[r->size_at++];
    if (size > FB_VALUE_BYTES_MAX) {
        return fb_fail(r->why, FB_ERR_PROTOCOL, "a value of %u bytes is over the limit of %d", size,
                       FB_VALUE_BYTES_MAX);
    }
    if (size > r->v->data.len - r->data_at) {
        return damaged(r);
    }
    const char *bytes = size == 0 ? "" : (const char *)r->v->data.data + r->data_at;
    r->data_at += size;
    if (type == FB_TEXT && !fb_utf8_is_valid(bytes, size)) {
        return fb_fail(r->why, FB_ERR_PROTOCOL, "a text is not UTF-8");
    }
    *ret = (struct fb_value){.type = type, .size = size, .bytes = bytes};
    return FB_OK;
}

static int read_uuid(struct reader *r, struct fb_value *ret)
{
    if (r->uuid_at == r->v->n_uuid_times) {
        return damaged(r);
    }
    uint64_t time = r->time_before + (uint64_t)r->v->uuid_times[r->uuid_at];
    if (time >> 48 != 0) {
        return damaged(r);
    }
    fb_uuid_join(time, r->v->uuid_tails.data + r->uuid_at * FB_UUID_TAIL_BYTES, r->texts);
    *ret = (struct fb_value){.type = FB_TEXT, .size = FB_ROW_ID_SIZE - 1, .bytes = r->texts};
    r->texts += FB_ROW_ID_SIZE;
    r->time_before = time;
    r->uuid_at++;
    return FB_OK;
}

static int read_int(struct reader *r, enum fb_value_kind kind, struct fb_value *ret)
{
    if (r->int_at == r->int_count) {
        return damaged(r);
    }
    int64_t number = r->ints[r->int_at++];
    if (kind == FB_KIND_INT) {
        *ret = (struct fb_value){.type = FB_INT, .integer = number};
        return FB_OK;
    }
    if (!fb_instant_write(&r->instants, number, r->texts)) {
        return damaged(r);
    }
    *ret = (struct fb_value){.type = FB_TEXT, .size = FB_INSTANT_SIZE - 1, .bytes = r->texts};
    r->texts += FB_ROW_ID_SIZE;
    return FB_OK;
}

static int read_value(struct reader *r, enum fb_value_kind kind, struct fb_value *ret)
{
    switch (kind) {
    case FB_KIND_ABSENT:
        *ret = (struct fb_value){.type = FB_ABSENT};
        return FB_OK;
    case FB_KIND_NULL:
        *ret = FB_VALUE_NULL;
        return FB_OK;
    case FB_KIND_INT:
    case FB_KIND_INSTANT:
        return read_int(r, kind, ret);
    case FB_KIND_TEXT:
        return read_bytes(r, FB_TEXT, ret);
    case FB_KIND_BLOB:
        return read_bytes(r, FB_BLOB, ret);
    case FB_KIND_UUID:
        return read_uuid(r, ret);
    case FB_KIND_MIXED:
        break;
    }
    return damaged(r);
}

static bool is_null(const Fb__Wire__Values *v, size_t i)
{
    return v->nulls.len > 0 && (v->nulls.data[i / 8] >> (i % 8) & 1) != 0;
}

static size_t count_nulls(const Fb__Wire__Values *v, size_t count)
{
    size_t nulls = 0;
    for (size_t i = 0; i < count; i++) {
        nulls += is_null(v, i);
    }
    return nulls;
}

/* How many values the parts hold, for a run with places. */
static size_t listed_count(const Fb__Wire__Values *v)
{
    return v->kind == FB_KIND_UUID ? v->n_uuid_times : v->n_sizes;
}

/* Numbers and room for texts: as many as the kinds say. */
static int prepare(struct reader *r, size_t count)
{
    size_t of_kind[FB_KIND_MAX + 1] = {0};
    const Fb__Wire__Values *v = r->v;
    if (v->kind != FB_KIND_MIXED) {
        of_kind[v->kind] = count;
    }
    for (size_t i = 0; i < v->kinds.len; i++) {
        if (v->kinds.data[i] > FB_KIND_MAX) {
            return damaged(r);
        }
        of_kind[v->kinds.data[i]]++;
    }
    r->int_count = of_kind[FB_KIND_INT] + of_kind[FB_KIND_INSTANT];
    if (v->uuid_tails.len != v->n_uuid_times * FB_UUID_TAIL_BYTES) {
        return damaged(r);
    }
    r->ints = fb_arena_alloc(r->arena, r->int_count * sizeof *r->ints);
    r->texts = fb_arena_alloc(r->arena,
                              (of_kind[FB_KIND_UUID] + of_kind[FB_KIND_INSTANT]) * FB_ROW_ID_SIZE);
    if (r->ints == NULL || r->texts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    return fb_ints_unpack(v->ints, r->int_count, r->ints, r->why);
}

static int finish(const struct reader *r)
{
    bool is_used_up = r->int_at == r->int_count && r->size_at == r->v->n_sizes &&
                      r->data_at == r->v->data.len && r->uuid_at == r->v->n_uuid_times;
    return is_used_up ? FB_OK : damaged(r);
}

static struct fb_value *value_at(struct fb_value *first, size_t stride, size_t i)
{
    return (struct fb_value *)(void *)((char *)first + i * stride);
}

static int unpack_mixed(struct reader *r, size_t count, struct fb_value *first, size_t stride)
{
    if (r->v->kinds.len != count || r->v->nulls.len != 0 || r->v->places.len != 0) {
        return damaged(r);
    }
    int rc = prepare(r, count);
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        rc = read_value(r, r->v->kinds.data[i], value_at(first, stride, i));
    }
    return rc < 0 ? rc : finish(r);
}

static int unpack_listed(struct reader *r, size_t count, struct fb_value *first, size_t stride)
{
    int rc = prepare(r, count - count_nulls(r->v, count));
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        enum fb_value_kind kind = is_null(r->v, i) ? FB_KIND_NULL : (enum fb_value_kind)r->v->kind;
        rc = read_value(r, kind, value_at(first, stride, i));
    }
    return rc < 0 ? rc : finish(r);
}

static int unpack_places(struct reader *r, size_t count, struct fb_value *first, size_t stride)
{
    struct fb_value listed[FB_PLACES_MAX];
    size_t listed_size = listed_count(r->v);
    if (r->v->kind < FB_KIND_TEXT || r->v->kind > FB_KIND_UUID || listed_size > FB_PLACES_MAX ||
        r->v->places.len != count - count_nulls(r->v, count)) {
        return damaged(r);
    }
    int rc = prepare(r, listed_size);
    for (size_t i = 0; i < listed_size && rc == FB_OK; i++) {
        rc = read_value(r, (enum fb_value_kind)r->v->kind, &listed[i]);
    }
    rc = rc < 0 ? rc : finish(r);
    const uint8_t *place = r->v->places.data;
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        if (is_null(r->v, i)) {
            *value_at(first, stride, i) = FB_VALUE_NULL;
        } else if (*place < listed_size) {
            *value_at(first, stride, i) = listed[*place++];
        } else {
            rc = damaged(r);
        }
    }
    return rc;
}

int fb_values_unpack(const Fb__Wire__Values *v, size_t count, struct fb_value *first, size_t stride,
                     struct fb_arena *arena, struct fb_why *why)
{
    struct reader r = {.v = v, .arena = arena, .why = why};
    if (v == NULL) {
        return count == 0 ? FB_OK : damaged(&r);
    }
    if (v->kind > FB_KIND_MAX) {
        return damaged(&r);
    }
    if (v->kind == FB_KIND_MIXED) {
        return unpack_mixed(&r, count, first, stride);
    }
    if (v->kinds.len != 0 || (v->nulls.len != 0 && v->nulls.len != (count + 7) / 8)) {
        return damaged(&r);
    }
    return v->places.len > 0 ? unpack_places(&r, count, first, stride)
                             : unpack_listed(&r, count, first, stride);
}
