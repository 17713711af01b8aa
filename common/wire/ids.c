/* SPDX-License-Identifier: MIT */
#include "common/wire/values.h"

#include <string.h>

int fb_ids_pack(const char *first, size_t stride, size_t count, struct fb_arena *arena,
                Fb__Wire__Values **ret)
{
    struct fb_value *values = fb_arena_alloc(arena, count * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = first + i * stride;
        values[i] = fb_value_text_n(id, strnlen(id, FB_ROW_ID_SIZE - 1));
    }
    return fb_values_pack(values, sizeof *values, count, arena, ret);
}

int fb_ids_unpack(const Fb__Wire__Values *v, size_t count, char *first, size_t stride,
                  struct fb_arena *arena, struct fb_why *why)
{
    struct fb_value *values = fb_arena_alloc(arena, count * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_values_unpack(v, count, values, sizeof *values, arena, why);
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        const struct fb_value *id = &values[i];
        bool is_text = id->type == FB_TEXT && id->size > 0 && id->size < FB_ROW_ID_SIZE;
        if (!is_text || memchr(id->bytes, '\0', id->size) != NULL) {
            return fb_fail(why, FB_ERR_PROTOCOL, "a row id is not an id");
        }
        memcpy(first + i * stride, id->bytes, id->size);
        first[i * stride + id->size] = '\0';
    }
    return rc;
}
