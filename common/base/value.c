/* SPDX-License-Identifier: MIT */
#include "common/base/value.h"
#include "common/base/hex.h"

#include <string.h>

#include "common/base/buf.h"

const struct fb_value fb_value_null = {.type = FB_NULL};

struct fb_value fb_value_int(int64_t integer)
{
    return (struct fb_value){.type = FB_INT, .integer = integer};
}

struct fb_value fb_value_text(const char *text)
{
    return text == NULL ? FB_VALUE_NULL : fb_value_text_n(text, strlen(text));
}

struct fb_value fb_value_text_n(const char *bytes, size_t size)
{
    fb_assert(size <= UINT32_MAX);
    return (struct fb_value){.type = FB_TEXT, .bytes = bytes, .size = (uint32_t)size};
}

struct fb_value fb_value_blob(const void *bytes, size_t size)
{
    fb_assert(size <= UINT32_MAX);
    return (struct fb_value){.type = FB_BLOB, .bytes = bytes, .size = (uint32_t)size};
}

bool fb_value_equal(const struct fb_value *a, const struct fb_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case FB_ABSENT:
    case FB_NULL:
        return true;
    case FB_INT:
        return a->integer == b->integer;
    case FB_TEXT:
    case FB_BLOB:
        return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    }
    return false;
}

bool fb_value_is_empty(const struct fb_value *v)
{
    return v->type == FB_ABSENT || v->type == FB_NULL;
}

bool fb_value_is_text(const struct fb_value *v, const char *text)
{
    struct fb_value whole = fb_value_text(text);
    return fb_value_equal(v, &whole);
}

static bool has_id_size(const struct fb_value *v)
{
    return v->type == FB_TEXT && v->size == FB_ROW_ID_SIZE - 1;
}

bool fb_value_is_id(const struct fb_value *v, const char id[static FB_ROW_ID_SIZE])
{
    return has_id_size(v) && memcmp(v->bytes, id, v->size) == 0;
}

bool fb_value_to_id(const struct fb_value *v, char ret_id[static FB_ROW_ID_SIZE])
{
    if (!has_id_size(v)) {
        return false;
    }
    memcpy(ret_id, v->bytes, v->size);
    ret_id[v->size] = '\0';
    return true;
}

static int compare_bytes(const struct fb_value *a, const struct fb_value *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter == 0 ? 0 : memcmp(a->bytes, b->bytes, shorter);
    if (order != 0) {
        return order;
    }
    return (a->size > b->size) - (a->size < b->size);
}

int fb_value_compare(const struct fb_value *a, const struct fb_value *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    switch (a->type) {
    case FB_INT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case FB_TEXT:
    case FB_BLOB:
        return compare_bytes(a, b);
    default:
        return 0;
    }
}

int fb_value_copy(struct fb_arena *arena, const struct fb_value *v, struct fb_value *ret)
{
    struct fb_value copy = *v;
    if (v->type == FB_TEXT || v->type == FB_BLOB) {
        copy.bytes = fb_arena_copy(arena, v->bytes, v->size);
        if (copy.bytes == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    *ret = copy;
    return FB_OK;
}

static void append_hex(struct fb_buf *buf, const struct fb_value *v)
{
    fb_buf_append_text(buf, "{\"$hex\":\"");
    fb_hex_append(buf, (const uint8_t *)v->bytes, v->size);
    fb_buf_append_text(buf, "\"}");
}

void fb_value_append_json(struct fb_buf *buf, const struct fb_value *v)
{
    switch (v->type) {
    case FB_ABSENT:
        fb_buf_append_text(buf, "{\"$absent\":true}");
        break;
    case FB_NULL:
        fb_buf_append_text(buf, "null");
        break;
    case FB_INT:
        fb_buf_printf(buf, "%lld", (long long)v->integer);
        break;
    case FB_TEXT:
        if (fb_utf8_is_valid(v->bytes, v->size)) {
            fb_buf_append_json_text(buf, v->bytes, v->size);
        } else {
            append_hex(buf, v);
        }
        break;
    case FB_BLOB:
        append_hex(buf, v);
        break;
    }
}

/* Length of the sequence at p, 0 if it is not valid. RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < need) {
        return 0;
    }
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return need;
}

bool fb_utf8_is_valid(const char *bytes, size_t size)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < size) {
        uint64_t eight;
        if (size - i >= sizeof eight) {
            memcpy(&eight, p + i, sizeof eight);
            if ((eight & 0x8080808080808080ULL) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t n = utf8_sequence(p + i, size - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}
