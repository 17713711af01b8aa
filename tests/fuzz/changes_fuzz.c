/* SPDX-License-Identifier: MIT
 *
 * A part of a push. The first byte of the input says whether the rest is a part as it stands, or its body, compressed here (a
 * fuzzer does not get through zstd by itself). Changes that are accepted must survive being written and read again.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/limits.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"

static size_t count_of(const uint8_t *part, size_t size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_change *changes = NULL;
    size_t count = 0;
    if (size == 0) {
        return 0;
    }
    fb_assert(fb_changes_read(part, size, &arena, &changes, &count, NULL) == FB_OK);
    return count;
}

static void write_again(const struct fb_change *changes, size_t count)
{
    struct fb_changes_writer *w = NULL;
    fb_assert(fb_changes_writer_new(&w) == FB_OK);
    size_t seen = 0;
    const uint8_t *part = NULL;
    size_t size = 0;
    int rc = FB_OK;
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        rc = fb_changes_writer_add(w, &changes[i], &part, &size);
        seen += rc == FB_OK ? count_of(part, size) : 0;
    }
    rc = rc < 0 ? rc : fb_changes_writer_finish(w, &part, &size);
    fb_assert(rc == FB_OK || rc == FB_ERR_LIMIT);
    if (rc == FB_OK) {
        seen += count_of(part, size);
        fb_assert(seen == count);
    }
    fb_changes_writer_free(w);
}

static void try_part(const uint8_t *part, size_t size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, (size_t)64 * 1024 * 1024);
    struct fb_change *changes = NULL;
    size_t count = 0;
    struct fb_why why = {""};
    int rc = fb_changes_read(part, size, &arena, &changes, &count, &why);
    fb_assert(rc == FB_OK || (rc == FB_ERR_PROTOCOL && why.text[0] != '\0'));
    if (rc == FB_OK) {
        write_again(changes, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FB_FRAME_BYTES_MAX) {
        return 0;
    }
    if (data[0] == 0) {
        try_part(data + 1, size - 1);
        return 0;
    }
    size_t bound = ZSTD_compressBound(size);
    FB_AUTO(fb_drop_free) uint8_t *part = malloc(bound);
    fb_assert(part != NULL);
    size_t part_size = ZSTD_compress(part, bound, data + 1, size - 1, 1);
    try_part(part, part_size);
    return 0;
}
