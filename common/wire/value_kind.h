/* SPDX-License-Identifier: MIT
 *
 * Kinds of values on the wire, proto/sync.proto, Values; and the bytes of UUIDs and instants. For
 * this folder only.
 */
#ifndef FB_WIRE_VALUE_KIND_H
#define FB_WIRE_VALUE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/base/time.h"

enum fb_value_kind {
    FB_KIND_MIXED = 0,
    FB_KIND_NULL = 1,
    FB_KIND_INT = 2,
    FB_KIND_TEXT = 3,
    FB_KIND_BLOB = 4,
    FB_KIND_UUID = 5,
    FB_KIND_INSTANT = 6,
    FB_KIND_ABSENT = 7,
    FB_KIND_MAX = 7,
};

/* A UUID is sent as its first 48 bits, which in version 7 are a time, and 10 more bytes. */
#define FB_UUID_TAIL_BYTES 10
#define FB_PLACES_MAX      256 /* a place is one byte */

/* False if text is not a canonical UUID. */
bool fb_uuid_split(const char *text, size_t size, int64_t *ret_time,
                   uint8_t ret_tail[static FB_UUID_TAIL_BYTES]);
/* Writes 36 characters, no zero. */
void fb_uuid_join(uint64_t time, const uint8_t tail[static FB_UUID_TAIL_BYTES], char *ret_text);

/* Formats instants; the day is made once for all that fall on it. */
struct fb_instant_writer {
    int64_t day;
    bool has_day;
    char text[FB_INSTANT_SIZE];
};
/* False if the year is not of 0000 to 9999. */
bool fb_instant_write(struct fb_instant_writer *w, int64_t ms,
                      char ret_text[static FB_INSTANT_SIZE]);

#endif
