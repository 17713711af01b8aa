/* SPDX-License-Identifier: MIT
 *
 * Row ids: UUIDv7 (RFC 9562, 5.7) as TEXT, lower case, 36 characters; 16 bytes on the wire. Time
 * and random bytes are passed in. Nothing may sort by the time inside an id: laptop clocks lie.
 */
#ifndef FB_BASE_ID_H
#define FB_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_ROW_ID_SIZE  37 /* 36 characters and the zero */
#define FB_ROW_ID_BYTES 16

/* A source of random bytes; fills all of them or aborts. In the simulator one seeded source per
 * node. */
struct fb_random {
    void (*fill)(void *ctx, void *bytes, size_t size);
    void *ctx;
};

/* The operating system's generator. */
struct fb_random fb_random_system(void);
uint64_t fb_random_u64(const struct fb_random *random);

/* A generator that repeats for a seed (splitmix64); for tests and sample data, never for secrets.
 * state is the caller's and must outlive the source. */
struct fb_random fb_random_seeded(uint64_t *state, uint64_t seed);

void fb_id_make(int64_t now_ms, const struct fb_random *random, char ret_id[static FB_ROW_ID_SIZE]);

/* True if text (36 characters, need not end with a zero) is a lower-case UUID in canonical form. */
bool fb_id_is_valid(const char *text, size_t size);
/* An id, or what stands for one; NULL copies as "". Longer text is cut. */
void fb_id_copy(char ret[static FB_ROW_ID_SIZE], const char *id);

/* text must be valid. */
void fb_id_to_bytes(const char *text, uint8_t ret_bytes[static FB_ROW_ID_BYTES]);
void fb_id_from_bytes(const uint8_t bytes[static FB_ROW_ID_BYTES],
                      char ret_id[static FB_ROW_ID_SIZE]);

#endif
