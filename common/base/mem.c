/* SPDX-License-Identifier: MIT */
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 2048 /* the first: the next are twice as large each */
#define ALIGNMENT         16

struct fb_arena_block {
    struct fb_arena_block *next;
    size_t size; /* of bytes[] */
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void fb_drop_free(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}

void fb_arena_init(struct fb_arena *arena, size_t bytes_max)
{
    *arena = (struct fb_arena){.bytes_max = bytes_max};
}

void fb_arena_release(struct fb_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->blocks != NULL) {
        struct fb_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
    arena->bytes_held = 0;
}

void fb_arena_clear(struct fb_arena *arena)
{
    struct fb_arena_block *keep = NULL;
    for (struct fb_arena_block *b = arena->blocks; b != NULL; b = b->next) {
        if (keep == NULL || b->size > keep->size) {
            keep = b;
        }
    }
    struct fb_arena_block *b = arena->blocks;
    while (b != NULL) {
        struct fb_arena_block *next = b->next;
        if (b != keep) {
            free(b);
        }
        b = next;
    }
    arena->blocks = keep;
    arena->used = 0;
    arena->bytes_held = 0;
    if (keep != NULL) {
        keep->next = NULL;
        arena->bytes_held = keep->size;
    }
}

/* Blocks double, so that a large batch costs few of them. */
static bool add_block(struct fb_arena *arena, size_t size)
{
    size_t block_size = arena->blocks == NULL ? ARENA_BLOCK_BYTES : arena->blocks->size * 2;
    if (block_size < size) {
        block_size = size;
    }
    if (arena->bytes_max != 0 && arena->bytes_held + block_size > arena->bytes_max) {
        block_size = size;
        if (arena->bytes_held + block_size > arena->bytes_max) {
            return false;
        }
    }
    struct fb_arena_block *block = malloc(sizeof *block + block_size);
    if (block == NULL) {
        return false;
    }
    block->next = arena->blocks;
    block->size = block_size;
    arena->blocks = block;
    arena->used = 0;
    arena->bytes_held += block_size;
    return true;
}

void *fb_arena_alloc(struct fb_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->blocks == NULL || arena->blocks->size - arena->used < rounded) {
        if (!add_block(arena, rounded)) {
            return NULL;
        }
    }
    void *p = arena->blocks->bytes + arena->used;
    arena->used += rounded;
    memset(p, 0, rounded);
    return p;
}

char *fb_arena_copy(struct fb_arena *arena, const void *bytes, size_t size)
{
    if (size == SIZE_MAX) {
        return NULL;
    }
    char *copy = fb_arena_alloc(arena, size + 1);
    if (copy != NULL && size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *fb_arena_strdup(struct fb_arena *arena, const char *text)
{
    return fb_arena_copy(arena, text, strlen(text));
}

char *fb_arena_printf(struct fb_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size < 0 ? NULL : fb_arena_alloc(arena, (size_t)size + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    return text;
}

static size_t grown_capacity(size_t capacity)
{
    return capacity == 0 ? 8 : capacity * 2;
}

void *fb_arena_grow(struct fb_arena *arena, void *array, size_t count, size_t *capacity,
                    size_t element_size)
{
    if (count < *capacity) {
        return array;
    }
    size_t wanted = grown_capacity(*capacity);
    if (wanted > SIZE_MAX / element_size) {
        return NULL;
    }
    void *bigger = fb_arena_alloc(arena, wanted * element_size);
    if (bigger == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(bigger, array, count * element_size);
    }
    *capacity = wanted;
    return bigger;
}

void *fb_array_grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity) {
        return array;
    }
    size_t wanted = grown_capacity(*capacity);
    void *bigger = reallocarray(array, wanted, element_size);
    if (bigger != NULL) {
        *capacity = wanted;
    }
    return bigger;
}
