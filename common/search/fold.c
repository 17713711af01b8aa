/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "common/search/inside.h"

#define NUMBER_DIGITS_MIN 5
#define DIGITS_ASKED_MIN  3

bool fb_search_is_han(int32_t c)
{
    return (c >= 0x3400 && c <= 0x9FFF) || c == 0x3005 || c == 0x3007 ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Written without spaces between words: Chinese, kana, hangul. */
static bool is_paired(int32_t c)
{
    return fb_search_is_han(c) || (c >= 0x3040 && c <= 0x30FF) || (c >= 0xAC00 && c <= 0xD7AF);
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static void fold_plain(const char *text, size_t size, struct fb_buf *ret)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        fb_buf_append_byte(ret, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
}

static int normalize(const UChar *wide, int32_t wide_size, UChar *folded, int32_t room,
                     int32_t *ret_size)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *n = unorm2_getNFKCCasefoldInstance(&code);
    *ret_size = U_FAILURE(code) ? 0 : unorm2_normalize(n, wide, wide_size, folded, room, &code);
    return U_FAILURE(code) ? FB_ERR_INVALID : FB_OK;
}

static int append_narrow(const UChar *wide, int32_t size, struct fb_buf *ret)
{
    int32_t room = size * 3 + 1;
    FB_AUTO(fb_drop_free) char *bytes = malloc((size_t)room);
    int32_t written = 0;
    UErrorCode code = U_ZERO_ERROR;
    if (bytes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    u_strToUTF8(bytes, room, &written, wide, size, &code);
    if (U_SUCCESS(code)) {
        fb_buf_append(ret, bytes, (size_t)written);
    }
    return fb_buf_error(ret);
}

int fb_search_fold(const char *text, size_t size, struct fb_buf *ret)
{
    if (is_plain(text, size)) {
        fold_plain(text, size, ret);
        return fb_buf_error(ret);
    }
    /* One character of NFKC may become eighteen (U+FDFA). */
    size_t room = size * 18 + 1;
    FB_AUTO(fb_drop_free) UChar *wide = malloc((size + 1) * sizeof(UChar));
    FB_AUTO(fb_drop_free) UChar *folded = malloc(room * sizeof(UChar));
    if (wide == NULL || folded == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int32_t wide_size = 0;
    int32_t folded_size = 0;
    UErrorCode code = U_ZERO_ERROR;
    u_strFromUTF8(wide, (int32_t)size + 1, &wide_size, text, (int32_t)size, &code);
    if (U_FAILURE(code) || normalize(wide, wide_size, folded, (int32_t)room, &folded_size) < 0) {
        return FB_OK; /* nothing to find in it */
    }
    return append_narrow(folded, folded_size, ret);
}

int32_t fb_search_next(const struct fb_buf *text, int32_t *at)
{
    UChar32 c = 0;
    U8_NEXT(text->bytes, *at, (int32_t)text->size, c);
    return c;
}

void fb_search_segment(const struct fb_buf *folded, struct fb_buf *ret)
{
    const uint8_t *bytes = folded->bytes;
    int32_t size = (int32_t)folded->size;
    int32_t before = -1; /* where the last character of the run begins */
    int32_t at = 0;
    while (at < size) {
        int32_t start = at;
        int32_t c = fb_search_next(folded, &at);
        if (c < 0) {
            continue;
        }
        if (is_paired(c)) {
            if (before >= 0) {
                fb_buf_append(ret, bytes + before, (size_t)(at - before));
            }
            fb_buf_append_byte(ret, ' ');
            before = start;
            continue;
        }
        if (before >= 0) {
            fb_buf_append(ret, bytes + before, (size_t)(start - before));
            fb_buf_append_byte(ret, ' ');
            before = -1;
        }
        fb_buf_append(ret, bytes + start, (size_t)(at - start));
    }
    if (before >= 0) {
        fb_buf_append(ret, bytes + before, (size_t)(size - before));
    }
}

bool fb_search_is_number(const char *text, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') {
            digits++;
        } else if (c == 0 || strchr(" +-()./", c) == NULL) {
            return false;
        }
    }
    return digits >= NUMBER_DIGITS_MIN;
}

void fb_search_digits(const char *text, size_t size, struct fb_buf *ret)
{
    char last[4] = "";
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            continue;
        }
        memmove(last, last + 1, 2);
        last[2] = text[i];
        if (++count >= DIGITS_ASKED_MIN) {
            fb_buf_append(ret, last, 3);
            fb_buf_append_byte(ret, ' ');
        }
    }
}

/* A run of paired characters as a phrase, a single one as the beginning of a pair. */
static void ask_run(const struct fb_buf *run, size_t chars, struct fb_buf *ret)
{
    fb_buf_append_text(ret, "{title body} : \"");
    if (chars == 1) {
        fb_buf_append(ret, run->bytes, run->size);
        fb_buf_append_text(ret, "\" *");
        return;
    }
    int32_t at = 0;
    int32_t before = -1;
    while (at < (int32_t)run->size) {
        int32_t start = at;
        fb_search_next(run, &at);
        if (before >= 0) {
            fb_buf_append(ret, run->bytes + before, (size_t)(at - before));
            fb_buf_append_byte(ret, ' ');
        }
        before = start;
    }
    fb_buf_append_byte(ret, '"');
}

static void ask_word(const struct fb_buf *word, struct fb_buf *ret)
{
    fb_buf_append_text(ret, "{title body pinyin} : \"");
    fb_buf_append(ret, word->bytes, word->size);
    fb_buf_append_text(ret, "\" *");
}

static void end_piece(struct fb_buf *piece, bool is_run, size_t chars, struct fb_buf *ret)
{
    if (piece->size == 0) {
        return;
    }
    if (ret->size > 0) {
        fb_buf_append_text(ret, " AND ");
    }
    if (is_run) {
        ask_run(piece, chars, ret);
    } else {
        ask_word(piece, ret);
    }
    fb_buf_clear(piece);
}

static void ask_pieces(const struct fb_buf *folded, struct fb_buf *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf piece;
    fb_buf_init(&piece, folded->size + 1);
    bool is_run = false;
    size_t chars = 0;
    int32_t size = (int32_t)folded->size;
    for (int32_t at = 0; at < size;) {
        int32_t start = at;
        int32_t c = fb_search_next(folded, &at);
        bool is_word = c >= 0 && (is_paired(c) || u_isalnum(c));
        if (!is_word || (c >= 0 && is_paired(c) != is_run)) {
            end_piece(&piece, is_run, chars, ret);
            chars = 0;
        }
        if (is_word) {
            is_run = is_paired(c);
            fb_buf_append(&piece, folded->bytes + start, (size_t)(at - start));
            chars++;
        }
    }
    end_piece(&piece, is_run, chars, ret);
}

static size_t count_digits(const struct fb_buf *folded, bool *ret_only)
{
    size_t digits = 0;
    *ret_only = true;
    for (size_t i = 0; i < folded->size; i++) {
        char c = (char)folded->bytes[i];
        bool is_digit = c >= '0' && c <= '9';
        digits += is_digit;
        *ret_only = *ret_only && (is_digit || (c != 0 && strchr(" +-()./", c) != NULL));
    }
    return digits;
}

void fb_search_expression(const struct fb_buf *folded, struct fb_buf *ret)
{
    bool is_number = false;
    size_t digits = count_digits(folded, &is_number);
    if (!is_number || digits < DIGITS_ASKED_MIN) {
        ask_pieces(folded, ret);
        return;
    }
    FB_AUTO(fb_buf_release) struct fb_buf words;
    fb_buf_init(&words, folded->size * 64 + 64);
    ask_pieces(folded, &words);
    fb_buf_append_text(ret, "{digits} : \"");
    fb_search_digits((const char *)folded->bytes, folded->size, ret);
    fb_buf_append_text(ret, "\" OR (");
    fb_buf_append(ret, words.bytes, words.size);
    fb_buf_append_byte(ret, ')');
}
