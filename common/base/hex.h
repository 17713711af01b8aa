/* SPDX-License-Identifier: MIT
 *
 * Bytes as hexadecimal digits: written in small letters, read in either.
 */
#ifndef FB_BASE_HEX_H
#define FB_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

int fb_hex_digit(char c); /* -1: it is none */
/* Writes 2 * size digits and the zero. */
void fb_hex_write(const uint8_t *bytes, size_t size, char *ret);
void fb_hex_append(struct fb_buf *buf, const uint8_t *bytes, size_t size);
/* Reads the first 2 * size characters; false at the first that is no digit, so a shorter text that ends with a zero is refused.
 * ret then holds what came before it. */
bool fb_hex_read(const char *text, uint8_t *ret, size_t size);

#endif
