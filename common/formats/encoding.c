/* SPDX-License-Identifier: MIT */
#include "common/formats/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

/* What is learned about the bytes in one reading. */
struct survey {
    int64_t bytes;
    int64_t zeros[2]; /* at even and at odd places */
    int64_t lines;
    uint8_t head[4];
    /* UTF-8 (RFC 3629): bytes still to come of the character, and the range of the next one. */
    int utf8_left;
    uint8_t utf8_low;
    uint8_t utf8_high;
    bool is_utf8;
    int64_t utf8_broken_line;
    /* GB18030: 0 between characters, else its bytes so far. */
    int gb_at;
    bool is_gb;
    uint8_t gb_lead;
    int64_t gb_pairs;
    int64_t gb_common_pairs; /* in the rows of GB 2312, where nearly all text lies */
};

static void survey_utf8(struct survey *s, uint8_t c)
{
    if (s->utf8_left > 0) {
        if (c < s->utf8_low || c > s->utf8_high) {
            s->is_utf8 = false;
            s->utf8_broken_line = s->lines + 1;
        }
        s->utf8_left--;
        s->utf8_low = 0x80;
        s->utf8_high = 0xBF;
        return;
    }
    if (c < 0x80) {
        return;
    }
    s->utf8_low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->utf8_high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    s->utf8_left = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if (c < 0xC2 || c > 0xF4) {
        s->is_utf8 = false;
        s->utf8_broken_line = s->lines + 1;
    }
}

/* One byte, two bytes 81-FE 40-7E|80-FE, or four bytes 81-FE 30-39 81-FE 30-39. */
static void survey_gb18030(struct survey *s, uint8_t c)
{
    switch (s->gb_at) {
    case 0:
        s->is_gb = c != 0x80 && c != 0xFF;
        s->gb_lead = c;
        s->gb_at = c > 0x80;
        return;
    case 1:
        if (c >= 0x30 && c <= 0x39) {
            s->gb_at = 2;
            return;
        }
        s->is_gb = c >= 0x40 && c != 0x7F && c != 0xFF;
        s->gb_pairs++;
        s->gb_common_pairs += s->gb_lead >= 0xA1 && s->gb_lead <= 0xF7 && c >= 0xA1;
        s->gb_at = 0;
        return;
    case 2:
        s->is_gb = c >= 0x81 && c != 0xFF;
        s->gb_at = 3;
        return;
    default:
        s->is_gb = c >= 0x30 && c <= 0x39;
        s->gb_at = 0;
        return;
    }
}

static void survey_bytes(struct survey *s, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t c = bytes[i];
        if (s->bytes < (int64_t)sizeof(s->head)) {
            s->head[s->bytes] = c;
        }
        s->zeros[s->bytes % 2] += c == 0;
        if (s->is_utf8) {
            survey_utf8(s, c);
        }
        if (s->is_gb) {
            survey_gb18030(s, c);
        }
        s->lines += c == '\n';
        s->bytes++;
    }
}

static int survey_file(FILE *file, struct survey *ret)
{
    FB_AUTO(fb_drop_free) uint8_t *chunk = malloc(CHUNK_BYTES);
    if (chunk == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = (struct survey){.is_utf8 = true, .is_gb = true};
    size_t size;
    while ((size = fread(chunk, 1, CHUNK_BYTES, file)) > 0) {
        survey_bytes(ret, chunk, size);
    }
    if (ferror(file) || fseek(file, 0, SEEK_SET) < 0) {
        return FB_ERR_IO;
    }
    ret->is_utf8 = ret->is_utf8 && ret->utf8_left == 0;
    ret->is_gb = ret->is_gb && ret->gb_at == 0;
    return FB_OK;
}

static struct fb_encoding encoding(const char *name, long bytes_to_skip)
{
    struct fb_encoding e = {.bytes_to_skip = bytes_to_skip};
    snprintf(e.name, sizeof(e.name), "%s", name);
    return e;
}

static bool starts_with(const struct survey *s, const char *mark, size_t size)
{
    return s->bytes >= (int64_t)size && memcmp(s->head, mark, size) == 0;
}

/* Zeros nearly all at one side of the pairs: the high bytes of line ends, separators, digits, Latin letters. */
static bool detect_utf16(const struct survey *s, struct fb_encoding *ret)
{
    if (starts_with(s, "\xFF\xFE", 2)) {
        *ret = encoding("UTF-16LE", 2);
        return true;
    }
    if (starts_with(s, "\xFE\xFF", 2)) {
        *ret = encoding("UTF-16BE", 2);
        return true;
    }
    if (s->bytes % 2 != 0 || s->zeros[0] + s->zeros[1] == 0) {
        return false;
    }
    if (s->zeros[1] > 20 * s->zeros[0]) {
        *ret = encoding("UTF-16LE", 0);
        return true;
    }
    if (s->zeros[0] > 20 * s->zeros[1]) {
        *ret = encoding("UTF-16BE", 0);
        return true;
    }
    return false;
}

int fb_encoding_detect(FILE *file, const char *name, struct fb_encoding *ret, struct fb_why *why)
{
    struct survey s;
    int rc = survey_file(file, &s);
    if (rc < 0) {
        return fb_fail(why, rc, "%s cannot be read: %s", name, fb_err_sentence(rc));
    }
    if (detect_utf16(&s, ret)) {
        return FB_OK;
    }
    if (s.zeros[0] + s.zeros[1] > 0) {
        return fb_fail(why, FB_ERR_INVALID,
                       "%s is no text file (it has zero bytes): export it as CSV in UTF-8", name);
    }
    bool has_mark = starts_with(&s, "\xEF\xBB\xBF", 3);
    if (s.is_utf8) {
        *ret = encoding("UTF-8", has_mark ? 3 : 0);
        return FB_OK;
    }
    if (has_mark) {
        return fb_fail(why, FB_ERR_INVALID,
                       "%s says that it is UTF-8, but its line %lld is not: save it again as UTF-8",
                       name, (long long)s.utf8_broken_line);
    }
    if (s.is_gb && s.gb_common_pairs * 4 >= s.gb_pairs) {
        *ret = encoding("GB18030", 0);
        return FB_OK;
    }
    return fb_fail(
        why, FB_ERR_INVALID,
        "the encoding of %s cannot be told from its bytes (line %lld is neither UTF-8 nor "
        "GB18030 nor UTF-16): save it as UTF-8, or name it in the mapping, such as "
        "\"encoding\": \"windows-1252\"",
        name, (long long)s.utf8_broken_line);
}

static long mark_size(FILE *file, const char *encoding_name)
{
    static const struct {
        const char *encoding;
        const char *mark;
        long size;
    } marks[] = {{"UTF-8", "\xEF\xBB\xBF", 3},
                 {"UTF-16LE", "\xFF\xFE", 2},
                 {"UTF-16BE", "\xFE\xFF", 2},
                 {"GB18030", "\x84\x31\x95\x33", 4}};
    char head[4] = {0};
    size_t size = fread(head, 1, sizeof(head), file);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strcasecmp(encoding_name, marks[i].encoding) == 0 && size >= (size_t)marks[i].size &&
            memcmp(head, marks[i].mark, (size_t)marks[i].size) == 0) {
            return marks[i].size;
        }
    }
    return 0;
}

int fb_encoding_named(FILE *file, const char *encoding_name, struct fb_encoding *ret,
                      struct fb_why *why)
{
    bool is_short = strlen(encoding_name) < sizeof(ret->name);
    iconv_t converter = is_short ? iconv_open("UTF-8", encoding_name) : (iconv_t)-1;
    if (converter == (iconv_t)-1) {
        return fb_fail(why, FB_ERR_INVALID,
                       "'%.40s' is no encoding this system knows: write it as `iconv -l` lists it",
                       encoding_name);
    }
    iconv_close(converter);
    *ret = encoding(encoding_name, mark_size(file, encoding_name));
    return fseek(file, 0, SEEK_SET) < 0 ? FB_ERR_IO : FB_OK;
}

struct fb_text_stream {
    FILE *file;
    iconv_t converter; /* (iconv_t)-1: the file is UTF-8 */
    size_t left;       /* bytes at the front of in that were not converted yet */
    char in[CHUNK_BYTES];
    char out[CHUNK_BYTES * 3 + 16]; /* two bytes become at most three, four at most four */
};

int fb_text_stream_new(FILE *file, const struct fb_encoding *encoding_found,
                       struct fb_text_stream **ret)
{
    struct fb_text_stream *s = malloc(sizeof(*s));
    if (s == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    s->file = file;
    s->left = 0;
    s->converter = (iconv_t)-1;
    bool is_utf8 = strcasecmp(encoding_found->name, "UTF-8") == 0;
    if (!is_utf8) {
        s->converter = iconv_open("UTF-8", encoding_found->name);
    }
    if ((!is_utf8 && s->converter == (iconv_t)-1) ||
        fseek(file, encoding_found->bytes_to_skip, SEEK_SET) < 0) {
        fb_text_stream_free(s);
        return FB_ERR_IO;
    }
    *ret = s;
    return FB_OK;
}

void fb_text_stream_free(struct fb_text_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->converter != (iconv_t)-1) {
        iconv_close(stream->converter);
    }
    free(stream);
}

/* Converts what there is; an unfinished character waits at the front for the next bytes. */
static int convert(struct fb_text_stream *s, size_t have, bool is_end, size_t *ret_size)
{
    char *in = s->in;
    char *out = s->out;
    size_t out_left = sizeof(s->out);
    if (iconv(s->converter, &in, &have, &out, &out_left) == (size_t)-1 && errno != EINVAL) {
        return FB_ERR_INVALID;
    }
    if (is_end && have > 0) {
        return FB_ERR_INVALID;
    }
    memmove(s->in, in, have);
    s->left = have;
    *ret_size = (size_t)(out - s->out);
    return FB_OK;
}

int fb_text_stream_next(struct fb_text_stream *s, const char **ret_bytes, size_t *ret_size)
{
    size_t size = 0;
    bool is_end = false;
    while (size == 0 && !is_end) {
        size_t got = fread(s->in + s->left, 1, sizeof(s->in) - s->left, s->file);
        if (ferror(s->file)) {
            return FB_ERR_IO;
        }
        is_end = got == 0;
        if (s->converter == (iconv_t)-1) {
            *ret_bytes = s->in;
            *ret_size = got;
            return FB_OK;
        }
        int rc = convert(s, s->left + got, is_end, &size);
        if (rc < 0) {
            return rc;
        }
    }
    *ret_bytes = s->out;
    *ret_size = size;
    return FB_OK;
}
