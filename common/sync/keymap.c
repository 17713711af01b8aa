/* SPDX-License-Identifier: MIT
 *
 * Open addressing with linear probing; at most half full. Keys are XXH3-128 hashes, so the low word
 * is the place.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

enum { CAPACITY_FIRST = 64 };

static struct fb_key key_of(const void *bytes, size_t size, uint32_t salt)
{
    struct fb_digest d = fb_digest_of(bytes, size);
    /* Zeros mean a free place. */
    return (struct fb_key){.low = d.low + salt * UINT64_C(0x9e3779b97f4a7c15), .high = d.high | 1};
}

struct fb_key fb_key_of_row(uint32_t entity_no, const char *id)
{
    return key_of(id, strlen(id), entity_no);
}

struct fb_key fb_key_of_text(const char *text)
{
    return key_of(text, strlen(text), 0);
}

static size_t find_place(const struct fb_key *keys, size_t capacity, struct fb_key key)
{
    size_t at = key.low & (capacity - 1);
    while (keys[at].high != 0 && (keys[at].low != key.low || keys[at].high != key.high)) {
        at = (at + 1) & (capacity - 1);
    }
    return at;
}

static int grow(struct fb_keymap *map)
{
    size_t capacity = map->capacity == 0 ? CAPACITY_FIRST : map->capacity * 2;
    struct fb_key *keys = calloc(capacity, sizeof *keys);
    uint32_t *values = calloc(capacity, sizeof *values);
    if (keys == NULL || values == NULL) {
        free(keys);
        free(values);
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->keys[i].high != 0) {
            size_t at = find_place(keys, capacity, map->keys[i]);
            keys[at] = map->keys[i];
            values[at] = map->values[i];
        }
    }
    free(map->keys);
    free(map->values);
    map->keys = keys;
    map->values = values;
    map->capacity = capacity;
    return FB_OK;
}

int fb_keymap_add(struct fb_keymap *map, struct fb_key key, uint32_t value, uint32_t *ret_value,
                  bool *ret_is_new)
{
    if (map->count * 2 >= map->capacity) {
        int rc = grow(map);
        if (rc < 0) {
            return rc;
        }
    }
    size_t at = find_place(map->keys, map->capacity, key);
    *ret_is_new = map->keys[at].high == 0;
    if (*ret_is_new) {
        map->keys[at] = key;
        map->values[at] = value;
        map->count++;
    }
    *ret_value = map->values[at];
    return FB_OK;
}

bool fb_keymap_find(const struct fb_keymap *map, struct fb_key key, uint32_t *ret_value)
{
    if (map->count == 0) {
        return false;
    }
    size_t at = find_place(map->keys, map->capacity, key);
    if (map->keys[at].high == 0) {
        return false;
    }
    *ret_value = map->values[at];
    return true;
}

void fb_keymap_release(struct fb_keymap *map)
{
    free(map->keys);
    free(map->values);
    *map = (struct fb_keymap){0};
}
