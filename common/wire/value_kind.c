/* SPDX-License-Identifier: MIT */
#include "common/wire/value_kind.h"

#include <string.h>

#define MS_PER_DAY INT64_C(86400000)

/* Where the two digits of byte i of a UUID stand. */
static const uint8_t digits_at[FB_ROW_ID_BYTES] = {0,  2,  4,  6,  9,  11, 14, 16,
                                                   19, 21, 24, 26, 28, 30, 32, 34};

/* Values of hexadecimal digits in lower case, plus one; 0: not a digit. */
static const uint8_t hex_plus_one[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool fb_uuid_split(const char *text, size_t size, int64_t *ret_time,
                   uint8_t ret_tail[static FB_UUID_TAIL_BYTES])
{
    if (size != FB_ROW_ID_SIZE - 1 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-') {
        return false;
    }
    uint8_t bytes[FB_ROW_ID_BYTES];
    bool is_valid = true;
    for (size_t i = 0; i < FB_ROW_ID_BYTES; i++) {
        uint8_t high = hex_plus_one[(uint8_t)text[digits_at[i]]];
        uint8_t low = hex_plus_one[(uint8_t)text[digits_at[i] + 1]];
        is_valid = is_valid && high != 0 && low != 0;
        bytes[i] = (uint8_t)((high - 1U) << 4 | (low - 1U));
    }
    if (!is_valid) {
        return false;
    }
    uint64_t time = 0;
    for (size_t i = 0; i < FB_ROW_ID_BYTES - FB_UUID_TAIL_BYTES; i++) {
        time = time << 8 | bytes[i];
    }
    *ret_time = (int64_t)time;
    memcpy(ret_tail, bytes + FB_ROW_ID_BYTES - FB_UUID_TAIL_BYTES, FB_UUID_TAIL_BYTES);
    return true;
}

void fb_uuid_join(uint64_t time, const uint8_t tail[static FB_UUID_TAIL_BYTES], char *ret_text)
{
    static const char hex_digits[] = "0123456789abcdef";
    uint8_t bytes[FB_ROW_ID_BYTES];
    for (size_t i = 0; i < FB_ROW_ID_BYTES - FB_UUID_TAIL_BYTES; i++) {
        bytes[i] = (uint8_t)(time >> (40 - 8 * i));
    }
    memcpy(bytes + FB_ROW_ID_BYTES - FB_UUID_TAIL_BYTES, tail, FB_UUID_TAIL_BYTES);
    ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
    for (size_t i = 0; i < FB_ROW_ID_BYTES; i++) {
        ret_text[digits_at[i]] = hex_digits[bytes[i] >> 4];
        ret_text[digits_at[i] + 1] = hex_digits[bytes[i] & 15];
    }
}

static void write_digits(char *at, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

bool fb_instant_write(struct fb_instant_writer *w, int64_t ms,
                      char ret_text[static FB_INSTANT_SIZE])
{
    if (ms < fb_days_from_date(0, 1, 1) * MS_PER_DAY ||
        ms >= (fb_days_from_date(9999, 12, 31) + 1) * MS_PER_DAY) {
        return false;
    }
    int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    if (!w->has_day || w->day != day) {
        fb_instant_format(day * MS_PER_DAY, w->text);
        w->day = day;
        w->has_day = true;
    }
    int64_t left = ms - day * MS_PER_DAY;
    write_digits(w->text + 11, left / 3600000, 2);
    write_digits(w->text + 14, left / 60000 % 60, 2);
    write_digits(w->text + 17, left / 1000 % 60, 2);
    write_digits(w->text + 20, left % 1000, 3);
    memcpy(ret_text, w->text, FB_INSTANT_SIZE);
    return true;
}
