/* SPDX-License-Identifier: MIT */
#include "common/base/hex.h"

static const char DIGITS[] = "0123456789abcdef";

int fb_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

void fb_hex_write(const uint8_t *bytes, size_t size, char *ret)
{
    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = DIGITS[bytes[i] >> 4];
        ret[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    ret[2 * size] = '\0';
}

void fb_hex_append(struct fb_buf *buf, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        fb_buf_append_byte(buf, (uint8_t)DIGITS[bytes[i] >> 4]);
        fb_buf_append_byte(buf, (uint8_t)DIGITS[bytes[i] & 15]);
    }
}

bool fb_hex_read(const char *text, uint8_t *ret, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = fb_hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : fb_hex_digit(text[2 * i + 1]);
        if (low < 0) {
            return false;
        }
        ret[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}
