/* SPDX-License-Identifier: MIT
 *
 * A page's cursor: JSON {"s": "<the order it belongs to>", "k": [keys], "i": id, "p": place} in base64url. It names
 * nothing that the last row did not show already, so it is not signed; whatever comes back is checked like any input.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_inside.h"

#define KEY_BYTES_MAX                                                                              \
    1000 /* longer texts are cut: the page then begins a little earlier or later */

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(struct fb_arena *arena, const uint8_t *bytes, size_t size)
{
    char *text = fb_arena_alloc(arena, size * 4 / 3 + 5);
    size_t at = 0;
    for (size_t i = 0; text != NULL && i < size; i += 3) {
        uint32_t n = (uint32_t)bytes[i] << 16;
        n |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        n |= i + 2 < size ? bytes[i + 2] : 0;
        for (size_t d = 0; d < 4 && d < size - i + 1; d++) {
            text[at++] = DIGITS[n >> (18 - 6 * d) & 63];
        }
    }
    return text;
}

static char *decode(struct fb_arena *arena, const char *text, size_t *ret_size)
{
    size_t size = strlen(text);
    char *bytes = fb_arena_alloc(arena, size + 4);
    uint32_t n = 0;
    int bits = 0;
    *ret_size = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) {
        const char *digit = strchr(DIGITS, text[i]);
        if (digit == NULL) {
            return NULL;
        }
        n = (n << 6 | (uint32_t)(digit - DIGITS)) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*ret_size)++] = (char)(n >> bits & 0xFF);
        }
    }
    return bytes;
}

/* "contact:-modified_at,name" */
static void append_order(struct fb_buf *out, const struct fb_query *q)
{
    fb_buf_append_text(out, q->entity->name);
    for (size_t i = 0; i < q->sort_count; i++) {
        fb_buf_printf(out, "%s%s%s", i == 0 ? ":" : ",", q->sorts[i].is_descending ? "-" : "",
                      fb_query_column_name(q->entity, q->sorts[i].column));
    }
}

static size_t cut(const struct fb_value *v)
{
    size_t size = v->size > KEY_BYTES_MAX ? KEY_BYTES_MAX : v->size;
    while (size > 0 && size < v->size && ((unsigned char)v->bytes[size] & 0xC0) == 0x80) {
        size--;
    }
    return size;
}

int fb_api_page_keep(struct fb_api *a, const struct fb_query *q, const struct fb_query_position *at,
                     struct fb_query_position *ret)
{
    struct fb_query_position copy = *at;
    for (size_t i = 0; i < q->sort_count; i++) {
        int rc = fb_value_copy(a->arena, &at->keys[i], &copy.keys[i]);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = copy;
    return FB_OK;
}

int fb_api_page_write(struct fb_api *a, const struct fb_query *q,
                      const struct fb_query_position *at, const char **ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf json;
    fb_buf_init(&json, 65536);
    fb_buf_append_text(&json, "{\"s\":\"");
    append_order(&json, q);
    fb_buf_append_text(&json, "\",\"k\":[");
    for (size_t i = 0; i < q->sort_count; i++) {
        const struct fb_value *v = &at->keys[i];
        fb_buf_append_text(&json, i > 0 ? "," : "");
        if (v->type == FB_TEXT && fb_utf8_is_valid(v->bytes, v->size)) {
            fb_buf_append_json_text(&json, v->bytes, cut(v));
        } else if (v->type == FB_INT) {
            fb_buf_printf(&json, "%lld", (long long)v->integer);
        } else {
            fb_buf_append_text(&json, "null");
        }
    }
    fb_buf_printf(&json, "],\"i\":\"%s\",\"p\":%lld}", at->id, (long long)at->place);
    int rc = fb_buf_error(&json);
    *ret = rc < 0 ? NULL : encode(a->arena, json.bytes, json.size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

static int read_key(struct fb_api *a, const json_t *json, struct fb_value *ret)
{
    *ret = FB_VALUE_NULL;
    if (json_is_integer(json)) {
        *ret = fb_value_int(json_integer_value(json));
        return FB_OK;
    }
    if (!json_is_string(json)) {
        return json_is_null(json) ? FB_OK : FB_ERR_INVALID;
    }
    size_t size = json_string_length(json);
    const char *copy = fb_arena_copy(a->arena, json_string_value(json), size);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = fb_value_text_n(copy, size);
    return FB_OK;
}

int fb_api_page_read(struct fb_api *a, const struct fb_query *q, const char *text,
                     struct fb_query_position *ret)
{
    size_t size = 0;
    const char *bytes = decode(a->arena, text, &size);
    FB_AUTO(drop_json)
    json_t *json = bytes == NULL ? NULL : json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    FB_AUTO(fb_buf_release) struct fb_buf order;
    fb_buf_init(&order, 4096);
    append_order(&order, q);
    const char *of = json_string_value(json_object_get(json, "s"));
    const char *id = json_string_value(json_object_get(json, "i"));
    const json_t *keys = json_object_get(json, "k");
    if (of == NULL || strcmp(of, fb_buf_text(&order)) != 0 || id == NULL ||
        !fb_id_is_valid(id, strlen(id)) || json_array_size(keys) != q->sort_count ||
        !json_is_integer(json_object_get(json, "p"))) {
        return fb_api_bad_request(a, "cursor: it belongs to another list; begin without one");
    }
    struct fb_query_position at = {.place = json_integer_value(json_object_get(json, "p"))};
    memcpy(at.id, id, sizeof at.id);
    for (size_t i = 0; i < q->sort_count; i++) {
        int rc = read_key(a, json_array_get(keys, i), &at.keys[i]);
        if (rc == FB_ERR_INVALID) {
            return fb_api_bad_request(a, "cursor: it is damaged; begin without one");
        }
        if (rc < 0) {
            return rc;
        }
    }
    *ret = at;
    return FB_OK;
}
