/* SPDX-License-Identifier: MIT
 *
 * Lists of scopes: what a device holds, what enters and leaves it. Sorted, each once; "company:*" stands for all of its kind.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/sync.h"

static int compare_key(const char *key, size_t size, const char *with)
{
    int order = strncmp(key, with, size);
    return order != 0 ? order : with[size] == '\0' ? 0 : -1;
}

static bool has_exactly(const struct fb_scope_list *list, const char *key, size_t size)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_key(key, size, list->keys[middle]);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

static bool has_key(const struct fb_scope_list *list, const char *key, size_t size)
{
    const char *colon = memchr(key, ':', size);
    char all[16];
    size_t kind = colon == NULL ? sizeof all : (size_t)(colon - key) + 1;
    if (kind + 1 < sizeof all) {
        memcpy(all, key, kind);
        all[kind] = '*';
        if (has_exactly(list, all, kind + 1)) {
            return true;
        }
    }
    return has_exactly(list, key, size);
}

bool fb_scope_list_has(const struct fb_scope_list *list, const char *key)
{
    return has_key(list, key, strlen(key));
}

bool fb_scope_set_is_held(const char *set, const struct fb_scope_list *held)
{
    while (*set != '\0') {
        size_t size = strcspn(set, ",");
        if (has_key(held, set, size)) {
            return true;
        }
        set += size + (set[size] == ',');
    }
    return false;
}

void fb_scope_set_held_part(const char *set, const struct fb_scope_list *held, struct fb_buf *ret)
{
    size_t before = ret->size;
    while (*set != '\0') {
        size_t size = strcspn(set, ",");
        if (has_key(held, set, size)) {
            if (ret->size > before) {
                fb_buf_append_byte(ret, ',');
            }
            fb_buf_append(ret, set, size);
        }
        set += size + (set[size] == ',');
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fb_scope_list_sort(struct fb_scope_list *list)
{
    if (list->count > 1) {
        qsort(list->keys, list->count, sizeof *list->keys, by_text);
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || strcmp(list->keys[kept - 1], list->keys[i]) != 0) {
            list->keys[kept++] = list->keys[i];
        }
    }
    list->count = kept;
}

int fb_scope_list_add(struct fb_scope_list *list, struct fb_arena *arena, const char *key)
{
    const char **keys =
        fb_arena_grow(arena, list->keys, list->count, &list->capacity, sizeof *keys);
    const char *copy = fb_arena_strdup(arena, key);
    if (keys == NULL || copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    list->keys = keys;
    keys[list->count++] = copy;
    return FB_OK;
}

int fb_scope_list_difference(const struct fb_scope_list *of, const struct fb_scope_list *without,
                             struct fb_arena *arena, struct fb_scope_list *ret)
{
    *ret = (struct fb_scope_list){0};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < of->count; i++) {
        if (!has_key(without, of->keys[i], strlen(of->keys[i]))) {
            rc = fb_scope_list_add(ret, arena, of->keys[i]);
        }
    }
    return rc;
}
