/* SPDX-License-Identifier: MIT */
#include "common/base/id.h"

#include <string.h>

#include "common/base/err.h"
#include "common/base/os.h"

static void fill_from_system(void *ctx, void *bytes, size_t size)
{
    (void)ctx;
    fb_os_random(bytes, size);
}

struct fb_random fb_random_system(void)
{
    return (struct fb_random){.fill = fill_from_system};
}

uint64_t fb_random_u64(const struct fb_random *random)
{
    uint64_t n;
    random->fill(random->ctx, &n, sizeof n);
    return n;
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static void fill_from_seed(void *ctx, void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size > 0) {
        uint64_t n = splitmix64(ctx);
        size_t part = size < sizeof n ? size : sizeof n;
        memcpy(at, &n, part);
        at += part;
        size -= part;
    }
}

struct fb_random fb_random_seeded(uint64_t *state, uint64_t seed)
{
    *state = seed;
    return (struct fb_random){.fill = fill_from_seed, .ctx = state};
}

void fb_id_make(int64_t now_ms, const struct fb_random *random, char ret_id[static FB_ROW_ID_SIZE])
{
    uint8_t b[FB_ROW_ID_BYTES];
    random->fill(random->ctx, b, sizeof b);
    for (int i = 0; i < 6; i++) {
        b[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
    }
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0F)); /* version 7 */
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3F)); /* variant 10 */
    fb_id_from_bytes(b, ret_id);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hyphen_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool fb_id_is_valid(const char *text, size_t size)
{
    if (size != FB_ROW_ID_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (is_hyphen_place(i) ? text[i] != '-' : hex_value(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

void fb_id_to_bytes(const char *text, uint8_t ret_bytes[static FB_ROW_ID_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < FB_ROW_ID_SIZE - 1; i += 2) {
        if (is_hyphen_place(i)) {
            i++;
        }
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        fb_assert(high >= 0 && low >= 0 && n < FB_ROW_ID_BYTES);
        ret_bytes[n++] = (uint8_t)(high * 16 + low);
    }
}

void fb_id_from_bytes(const uint8_t bytes[static FB_ROW_ID_BYTES],
                      char ret_id[static FB_ROW_ID_SIZE])
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < FB_ROW_ID_BYTES; i++) {
        if (is_hyphen_place(at)) {
            ret_id[at++] = '-';
        }
        ret_id[at++] = DIGITS[bytes[i] >> 4];
        ret_id[at++] = DIGITS[bytes[i] & 15];
    }
    ret_id[at] = '\0';
}

void fb_id_copy(char ret[static FB_ROW_ID_SIZE], const char *id)
{
    size_t size = id == NULL ? 0 : strnlen(id, FB_ROW_ID_SIZE - 1);
    memcpy(ret, id == NULL ? "" : id, size);
    ret[size] = '\0';
}
