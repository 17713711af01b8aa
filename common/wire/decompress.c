/* SPDX-License-Identifier: MIT */
#include "common/wire/gate.h"

#include <stdlib.h>
#include <zstd.h>

#include "common/base/limits.h"

static void drop_cctx(ZSTD_CCtx **ctx)
{
    ZSTD_freeCCtx(*ctx);
}

/* A frame must say its size. Decompressing then takes one buffer of that size and no window beside
 * it, so the window a frame asks for costs nothing. */
static int check_size(const uint8_t *bytes, size_t size, size_t *ret_size, struct fb_why *why)
{
    static const uint8_t MAGIC[4] = {0x28, 0xB5, 0x2F,
                                     0xFD}; /* RFC 8878, 3.1.1; not a skippable frame */
    for (size_t i = 0; i < sizeof MAGIC; i++) {
        if (i >= size || bytes[i] != MAGIC[i]) {
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
    if (ZSTD_findFrameCompressedSize(bytes, size) != size) {
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
    return FB_OK;
}
