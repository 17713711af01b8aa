/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/formats/lookup.h"

/* Open addressing, at most two thirds full; size is a power of two. */
struct slot {
    uint64_t hash;
    const char *key; /* NULL: free */
    uint32_t size;
    char id[FB_ROW_ID_SIZE];
};

struct fb_id_map {
    struct slot *slots;
    size_t slot_count;
    size_t count;
    struct fb_arena keys;
};

int fb_id_map_new(struct fb_id_map **ret)
{
    struct fb_id_map *map = calloc(1, sizeof(*map));
    if (map == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    map->slot_count = 64;
    map->slots = calloc(map->slot_count, sizeof(*map->slots));
    if (map->slots == NULL) {
        free(map);
        return FB_ERR_NO_MEMORY;
    }
    *ret = map;
    return FB_OK;
}

void fb_id_map_free(struct fb_id_map *map)
{
    if (map == NULL) {
        return;
    }
    fb_arena_release(&map->keys);
    free(map->slots);
    free(map);
}

/* The key's slot, or the free one where it would be. */
static struct slot *find_slot(struct slot *slots, size_t slot_count, uint64_t hash, const char *key,
                              size_t size)
{
    size_t at = hash & (slot_count - 1);
    while (slots[at].key != NULL && (slots[at].hash != hash || slots[at].size != size ||
                                     memcmp(slots[at].key, key, size) != 0)) {
        at = (at + 1) & (slot_count - 1);
    }
    return &slots[at];
}

const char *fb_id_map_get(const struct fb_id_map *map, const char *key, size_t size)
{
    const struct slot *s =
        find_slot(map->slots, map->slot_count, fb_digest_of(key, size).low, key, size);
    return s->key == NULL ? NULL : s->id;
}

static int make_larger(struct fb_id_map *map)
{
    size_t slot_count = map->slot_count * 2;
    struct slot *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        const struct slot *old = &map->slots[i];
        if (old->key != NULL) {
            *find_slot(slots, slot_count, old->hash, old->key, old->size) = *old;
        }
    }
    free(map->slots);
    map->slots = slots;
    map->slot_count = slot_count;
    return FB_OK;
}

int fb_id_map_put(struct fb_id_map *map, const char *key, size_t size,
                  const char id[static FB_ROW_ID_SIZE])
{
    if (map->count >= FB_IMPORT_KEYS_MAX) {
        return FB_ERR_LIMIT;
    }
    if ((map->count + 1) * 3 > map->slot_count * 2) {
        int rc = make_larger(map);
        if (rc < 0) {
            return rc;
        }
    }
    uint64_t hash = fb_digest_of(key, size).low;
    struct slot *s = find_slot(map->slots, map->slot_count, hash, key, size);
    if (s->key == NULL) {
        char *copy = fb_arena_copy(&map->keys, key, size);
        if (copy == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        *s = (struct slot){.hash = hash, .key = copy, .size = (uint32_t)size};
        map->count++;
    }
    memcpy(s->id, id, FB_ROW_ID_SIZE - 1);
    s->id[FB_ROW_ID_SIZE - 1] = 0;
    return FB_OK;
}
