/* SPDX-License-Identifier: MIT
 *
 * Who owns memory, made visible: FB_AUTO for locals, an arena for work that is freed at once.
 */
#ifndef FB_BASE_MEM_H
#define FB_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/* A local that is released when it goes out of scope: FB_AUTO(drop_query) struct fb_query *q =
 * NULL; */
#define FB_AUTO(drop) __attribute__((cleanup(drop)))

/* For FB_AUTO: frees a malloc'ed pointer. */
void fb_drop_free(void *pointer_to_pointer);

/* Memory that is given out piece by piece and freed all at once. Plain data; zero-initialised
 * storage is an empty arena without a limit. */
struct fb_arena {
    struct fb_arena_block *blocks;
    size_t used;       /* bytes given out from the newest block */
    size_t bytes_held; /* all blocks */
    size_t bytes_max;  /* 0: no limit */
};

void fb_arena_init(struct fb_arena *arena, size_t bytes_max);
void fb_arena_release(struct fb_arena *arena);

/* Empties the arena and keeps its largest block for the next use. */
void fb_arena_clear(struct fb_arena *arena);

/* Aligned for any type; zeroed. NULL when memory or the limit is reached. */
void *fb_arena_alloc(struct fb_arena *arena, size_t size);

/* A copy with a zero behind it. NULL when memory or the limit is reached. */
char *fb_arena_copy(struct fb_arena *arena, const void *bytes, size_t size);
char *fb_arena_strdup(struct fb_arena *arena, const char *text);
char *fb_arena_printf(struct fb_arena *arena, const char *format, ...) FB_PRINTF(2, 3);

/* Makes room for count + 1 elements of a growing array in an arena: returns the (possibly moved)
 * array. The old array stays in the arena until it is released. NULL on failure, the old array is
 * then intact. */
void *fb_arena_grow(struct fb_arena *arena, void *array, size_t count, size_t *capacity,
                    size_t element_size);

/* The same for malloc'ed arrays; release with free(). */
void *fb_array_grow(void *array, size_t count, size_t *capacity, size_t element_size);

#endif
