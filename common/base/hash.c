/* SPDX-License-Identifier: MIT */
#include "common/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include "common/base/err.h"

struct fb_sha256 fb_sha256(const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct fb_sha256 hash;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    fb_assert(ctx != NULL);
    unsigned int size = 0;
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, a, a_size) &&
             EVP_DigestUpdate(ctx, b, b_size) && EVP_DigestFinal_ex(ctx, hash.bytes, &size);
    fb_assert(ok && size == FB_SHA256_BYTES);
    EVP_MD_CTX_free(ctx);
    return hash;
}

bool fb_sha256_equal(const struct fb_sha256 *a, const struct fb_sha256 *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, FB_SHA256_BYTES) == 0;
}

struct fb_digest fb_digest_of(const void *bytes, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    return (struct fb_digest){.low = hash.low64, .high = hash.high64, .rows = 1};
}

void fb_digest_add(struct fb_digest *sum, const struct fb_digest *d)
{
    uint64_t low = sum->low + d->low;
    sum->high += d->high + (low < sum->low);
    sum->low = low;
    sum->rows += d->rows;
}

void fb_digest_subtract(struct fb_digest *sum, const struct fb_digest *d)
{
    uint64_t low = sum->low - d->low;
    sum->high -= d->high + (low > sum->low);
    sum->low = low;
    sum->rows -= d->rows;
}

bool fb_digest_equal(const struct fb_digest *a, const struct fb_digest *b)
{
    return a->low == b->low && a->high == b->high && a->rows == b->rows;
}
