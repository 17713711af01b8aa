/* SPDX-License-Identifier: MIT */
#include "common/base/compress.h"

#include <zstd.h>

#define LEVEL 3 /* as for archives: level 9 takes four times as long and saves a twentieth */

int fb_compress(const void *bytes, size_t size, struct fb_buf *out)
{
    size_t bound = ZSTD_compressBound(size);
    uint8_t *room = fb_buf_reserve(out, bound);
    if (room == NULL) {
        return fb_buf_error(out);
    }
    size_t used = ZSTD_compress(room, bound, bytes, size, LEVEL);
    if (ZSTD_isError(used)) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_commit(out, used);
    return FB_OK;
}

int fb_decompress(const void *bytes, size_t size, size_t raw_size, struct fb_buf *out)
{
    uint8_t *room = fb_buf_reserve(out, raw_size);
    if (room == NULL) {
        return fb_buf_error(out);
    }
    size_t used = ZSTD_decompress(room, raw_size, bytes, size);
    if (ZSTD_isError(used) || used != raw_size) {
        return FB_ERR_DAMAGED;
    }
    fb_buf_commit(out, used);
    return FB_OK;
}
