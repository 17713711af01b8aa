/* SPDX-License-Identifier: MIT */
#include "common/base/hash.h"

/* The plain functions take no memory, so hashing cannot fail; those around EVP_MD_CTX can. */
#define OPENSSL_API_COMPAT 10100
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "common/base/err.h"

struct fb_sha256 fb_sha256(const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct fb_sha256 hash;
    SHA256_CTX ctx;
    bool is_ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, a, a_size) &&
                 SHA256_Update(&ctx, b, b_size) && SHA256_Final(hash.bytes, &ctx);
    fb_assert(is_ok);
    return hash;
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct fb_hasher), "room for libcrypto's state");

void fb_hasher_init(struct fb_hasher *h)
{
    bool is_ok = SHA256_Init((SHA256_CTX *)(void *)h->state);
    fb_assert(is_ok);
}

void fb_hasher_add(struct fb_hasher *h, const void *bytes, size_t size)
{
    bool is_ok = SHA256_Update((SHA256_CTX *)(void *)h->state, bytes, size);
    fb_assert(is_ok);
}

struct fb_sha256 fb_hasher_end(struct fb_hasher *h)
{
    struct fb_sha256 hash;
    bool is_ok = SHA256_Final(hash.bytes, (SHA256_CTX *)(void *)h->state);
    fb_assert(is_ok);
    return hash;
}

bool fb_sha256_equal(const struct fb_sha256 *a, const struct fb_sha256 *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, FB_SHA256_BYTES) == 0;
}

static void sha1(const uint8_t pad[static 64], const void *bytes, size_t size, uint8_t *ret)
{
    SHA_CTX ctx;
    bool is_ok = SHA1_Init(&ctx) && SHA1_Update(&ctx, pad, 64) && SHA1_Update(&ctx, bytes, size) &&
                 SHA1_Final(ret, &ctx);
    fb_assert(is_ok);
}

struct fb_sha256 fb_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size)
{
    uint8_t inner_pad[64];
    uint8_t outer_pad[64];
    fb_assert(key_size <= sizeof inner_pad);
    for (size_t i = 0; i < sizeof inner_pad; i++) {
        uint8_t k = i < key_size ? ((const uint8_t *)key)[i] : 0;
        inner_pad[i] = k ^ 0x36U;
        outer_pad[i] = k ^ 0x5CU;
    }
    struct fb_sha256 inner = fb_sha256(inner_pad, sizeof inner_pad, bytes, size);
    return fb_sha256(outer_pad, sizeof outer_pad, inner.bytes, sizeof inner.bytes);
}

struct fb_sha256 fb_slow_hash(const void *text, size_t size, const void *salt, size_t salt_size)
{
    struct fb_sha256 ret;
    int ok = PKCS5_PBKDF2_HMAC(text, (int)size, salt, (int)salt_size, 600000, EVP_sha256(),
                               sizeof ret.bytes, ret.bytes);
    fb_assert(ok == 1);
    return ret;
}

void fb_hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
                  uint8_t ret_mac[static FB_SHA1_BYTES])
{
    uint8_t inner_pad[64];
    uint8_t outer_pad[64];
    uint8_t inner[FB_SHA1_BYTES];
    fb_assert(key_size <=
              sizeof inner_pad); /* longer keys are hashed first: nobody has them here */
    for (size_t i = 0; i < sizeof inner_pad; i++) {
        uint8_t k = i < key_size ? ((const uint8_t *)key)[i] : 0;
        inner_pad[i] = k ^ 0x36U;
        outer_pad[i] = k ^ 0x5CU;
    }
    sha1(inner_pad, bytes, size, inner);
    sha1(outer_pad, inner, sizeof inner, ret_mac);
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
