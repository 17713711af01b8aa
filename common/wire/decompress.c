/* SPDX-License-Identifier: MIT */
#include "common/wire/gate.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/limits.h"

#define SKIPPABLE_HEADER_BYTES 8
static const uint8_t skippable_magic[4] = {0x50, 0x2A, 0x4D, 0x18};

static uint32_t read_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void drop_cctx(ZSTD_CCtx **ctx)
{
    ZSTD_freeCCtx(*ctx);
}

/* Nothing, or one skippable frame (RFC 8878, 3.1.2): its magic number, its size as u32 little
 * endian, its bytes. */
static bool is_followed_by_padding(const uint8_t *bytes, size_t size, size_t frame_size)
{
    if (ZSTD_isError(frame_size) || frame_size >= size) {
        return frame_size == size;
    }
    const uint8_t *at = bytes + frame_size;
    size_t left = size - frame_size;
    return left >= SKIPPABLE_HEADER_BYTES &&
           memcmp(at, skippable_magic, sizeof skippable_magic) == 0 &&
           left - SKIPPABLE_HEADER_BYTES == read_u32(at + sizeof skippable_magic);
}

/* A frame must say its size. Decompressing then takes one buffer of that size and no window beside
 * it, so the window a frame asks for costs nothing. */
static int check_size(const uint8_t *bytes, size_t size, size_t *ret_size, struct fb_why *why)
{
    static const uint8_t zstd_magic[4] = {0x28, 0xB5, 0x2F,
                                          0xFD}; /* RFC 8878, 3.1.1; not a skippable frame */
    for (size_t i = 0; i < sizeof zstd_magic; i++) {
        if (i >= size || bytes[i] != zstd_magic[i]) {
            return fb_fail(why, FB_ERR_PROTOCOL, "a body that should be compressed is not");
        }
    }
    unsigned long long declared = ZSTD_getFrameContentSize(bytes, size);
    if (declared == ZSTD_CONTENTSIZE_UNKNOWN || declared == ZSTD_CONTENTSIZE_ERROR) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a compressed body does not say its size");
    }
    if (declared > FB_MESSAGE_BYTES_MAX) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a message of %llu bytes is over the limit of %d",
                       declared, FB_MESSAGE_BYTES_MAX);
    }
    if (declared > FB_COMPRESSION_FREE_BYTES && declared / FB_COMPRESSION_RATIO_MAX > size) {
        return fb_fail(why, FB_ERR_PROTOCOL, "%zu bytes that become %llu are no honest message",
                       size, declared);
    }
    if (!is_followed_by_padding(bytes, size, ZSTD_findFrameCompressedSize(bytes, size))) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a compressed body is cut or has something behind it");
    }
    *ret_size = (size_t)declared;
    return FB_OK;
}

int fb_gate_decompress(const uint8_t *bytes, size_t size, uint8_t **ret, size_t *ret_size,
                       struct fb_why *why)
{
    size_t declared = 0;
    int rc = check_size(bytes, size, &declared, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_drop_free) uint8_t *body = malloc(declared + 1);
    if (body == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t got = ZSTD_decompress(body, declared, bytes, size);
    if (ZSTD_isError(got) || got != declared) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a compressed body is damaged");
    }
    *ret = body;
    *ret_size = declared;
    body = NULL;
    return FB_OK;
}

static void append_padding(struct fb_buf *out, size_t size)
{
    size_t inner = size < SKIPPABLE_HEADER_BYTES ? 0 : size - SKIPPABLE_HEADER_BYTES;
    uint8_t *at = fb_buf_reserve(out, SKIPPABLE_HEADER_BYTES + inner);
    if (at == NULL) {
        return;
    }
    memset(at, 0, SKIPPABLE_HEADER_BYTES + inner);
    memcpy(at, skippable_magic, sizeof skippable_magic);
    for (size_t i = 0; i < 4; i++) {
        at[sizeof skippable_magic + i] = (uint8_t)(inner >> (8 * i));
    }
    fb_buf_commit(out, SKIPPABLE_HEADER_BYTES + inner);
}

int fb_gate_compress(const uint8_t *bytes, size_t size, struct fb_buf *out)
{
    size_t bound = ZSTD_compressBound(size);
    uint8_t *at = fb_buf_reserve(out, bound);
    if (at == NULL) {
        return fb_buf_error(out);
    }
    FB_AUTO(drop_cctx) ZSTD_CCtx *ctx = ZSTD_createCCtx();
    if (ctx == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t got = ZSTD_compressCCtx(ctx, at, bound, bytes, size, FB_ZSTD_LEVEL);
    if (ZSTD_isError(got)) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_commit(out, got);
    size_t honest = size / FB_COMPRESSION_RATIO_MAX;
    if (size > FB_COMPRESSION_FREE_BYTES && got < honest) {
        append_padding(out, honest - got);
    }
    return fb_buf_error(out);
}
