/* SPDX-License-Identifier: MIT
 *
 * Hashes. SHA-256 (FIPS 180-4, libcrypto) where nobody may forge: push chain, log chain, codes.
 * XXH3-128 (libxxhash) where two honest sides compare: digests. Those are sums of row hashes, so
 * that a row can be taken out and put in without looking at the others.
 */
#ifndef FB_BASE_HASH_H
#define FB_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_SHA256_BYTES 32

struct fb_sha256 {
    uint8_t bytes[FB_SHA256_BYTES];
};

/* SHA-256 of a's bytes followed by b's; either may be empty. */
struct fb_sha256 fb_sha256(const void *a, size_t a_size, const void *b, size_t b_size);
/* The same over bytes that come in pieces. */
struct fb_hasher {
    uint64_t state[16]; /* SHA256_CTX */
};
void fb_hasher_init(struct fb_hasher *h);
void fb_hasher_add(struct fb_hasher *h, const void *bytes, size_t size);
struct fb_sha256 fb_hasher_end(struct fb_hasher *h);
bool fb_sha256_equal(const struct fb_sha256 *a, const struct fb_sha256 *b); /* constant time */

/* HMAC-SHA-256 (RFC 2104); key_size at most 64. */
struct fb_sha256 fb_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size);

/* PBKDF2-HMAC-SHA-256 (RFC 8018), 600,000 rounds: for what people type and a thief could try. */
struct fb_sha256 fb_slow_hash(const void *text, size_t size, const void *salt, size_t salt_size);

/* HMAC-SHA-1 (RFC 2104) for one-time passwords, which authenticator apps make so; nothing else here may use SHA-1. */
#define FB_SHA1_BYTES 20
void fb_hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
                  uint8_t ret_mac[static FB_SHA1_BYTES]);

/* A sum modulo 2^128 of row hashes, and how many there are. Zero-initialised: no rows. */
struct fb_digest {
    uint64_t low;
    uint64_t high;
    int64_t rows;
};

/* The hash of one row's canonical bytes, as a digest of one row. */
struct fb_digest fb_digest_of(const void *bytes, size_t size);
void fb_digest_add(struct fb_digest *sum, const struct fb_digest *d);
void fb_digest_subtract(struct fb_digest *sum, const struct fb_digest *d);
bool fb_digest_equal(const struct fb_digest *a, const struct fb_digest *b);

#endif
