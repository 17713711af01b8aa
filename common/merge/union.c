/* SPDX-License-Identifier: MIT
 *
 * Sets are JSON arrays of texts, sorted by their bytes, each value once. The result holds what
 * stands at headquarters, with what the laptop added and without what it took away since the base;
 * so it does not matter who comes first, and nobody's addition is lost.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/merge/policy.h"

static void drop_json(json_t **json)
{
    json_decref(*json);
}

/* A new array of texts; NULL for anything else (a foreign tool can store any text). */
static json_t *read_set(const struct fb_value *v)
{
    if (fb_value_is_empty(v)) {
        return json_array();
    }
    if (v->type != FB_TEXT || v->size > FB_VALUE_BYTES_MAX) {
        return NULL;
    }
    json_t *set = json_loadb(v->bytes, v->size, 0, NULL);
    bool is_set = json_is_array(set) && json_array_size(set) <= FB_SET_VALUES_MAX;
    for (size_t i = 0; is_set && i < json_array_size(set); i++) {
        is_set = json_is_string(json_array_get(set, i));
    }
    if (!is_set) {
        json_decref(set);
        return NULL;
    }
    return set;
}

static bool set_has(const json_t *set, const char *text)
{
    for (size_t i = 0; i < json_array_size(set); i++) {
        if (strcmp(json_string_value(json_array_get(set, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t collect(const json_t *from, const json_t *base, const json_t *other,
                      const char **texts)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(from); i++) {
        const char *text = json_string_value(json_array_get(from, i));
        /* In the base and gone on the other side: taken away. */
        if (!set_has(base, text) || set_has(other, text)) {
            texts[count++] = text;
        }
    }
    return count;
}

static int answer_set(const struct fb_merge_ask *ask, struct fb_arena *arena, const char **texts,
                      size_t count, struct fb_merge_result *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf buf;
    fb_buf_init(&buf, (size_t)8 * FB_VALUE_BYTES_MAX);
    qsort(texts, count, sizeof(*texts), compare_texts);
    fb_buf_append_byte(&buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(texts[i], texts[i - 1]) == 0) {
            continue;
        }
        if (i > 0) {
            fb_buf_append_byte(&buf, ',');
        }
        fb_buf_append_json_text(&buf, texts[i], strlen(texts[i]));
    }
    fb_buf_append_byte(&buf, ']');
    if (fb_buf_error(&buf) < 0) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_value value = fb_value_text_n((const char *)buf.bytes, buf.size);
    return fb_merge_answer(ask, arena, FB_MERGE_COMBINED, &value, ret);
}

int fb_merge_union(const struct fb_merge_ask *ask, struct fb_arena *arena,
                   struct fb_merge_result *ret)
{
    FB_AUTO(drop_json) json_t *base = read_set(ask->base);
    FB_AUTO(drop_json) json_t *theirs = read_set(ask->theirs);
    FB_AUTO(drop_json) json_t *mine = read_set(ask->mine);
    if (base == NULL || theirs == NULL || mine == NULL) {
        return fb_merge_latest(ask, arena, ret);
    }
    size_t count_max = json_array_size(theirs) + json_array_size(mine);
    const char **texts = fb_arena_alloc(arena, (count_max + 1) * sizeof(*texts));
    if (texts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t count = collect(theirs, base, mine, texts);
    count += collect(mine, base, theirs, texts + count);
    return answer_set(ask, arena, texts, count, ret);
}
