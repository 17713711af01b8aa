/* SPDX-License-Identifier: MIT */
#include "common/store/json.h"
#include "common/base/hex.h"

#include <string.h>

struct reader {
    const char *at;
    const char *end;
    struct fb_arena *arena;
};

static void skip_space(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')) {
        r->at++;
    }
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) {
        return false;
    }
    r->at += size;
    return true;
}

/* The four digits behind "\u"; -1 if they are none. */
static int32_t take_code_unit(struct reader *r)
{
    if (r->end - r->at < 4) {
        return -1;
    }
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = fb_hex_digit(r->at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    r->at += 4;
    return unit;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* "\uD83D\uDE00" is one character; a half alone is kept as the three bytes it would have. */
static char *take_unicode(struct reader *r, char *out)
{
    int32_t unit = take_code_unit(r);
    if (unit < 0) {
        return NULL;
    }
    uint32_t c = (uint32_t)unit;
    const char *before = r->at;
    if (c >= 0xD800 && c < 0xDC00 && take_word(r, "\\u")) {
        int32_t low = take_code_unit(r);
        if (low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        } else {
            r->at = before;
        }
    }
    return put_utf8(out, c);
}

static char *take_escape(struct reader *r, char *out)
{
    static const char LETTERS[] = "\"\\/bfnrt";
    static const char MEANINGS[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) {
        return NULL;
    }
    char letter = *r->at++;
    if (letter == 'u') {
        return take_unicode(r, out);
    }
    const char *found = memchr(LETTERS, letter, sizeof LETTERS - 1);
    if (found == NULL) {
        return NULL;
    }
    *out++ = MEANINGS[found - LETTERS];
    return out;
}

/* No escape takes less room than what it stands for. */
static int take_escaped(struct reader *r, const char *end, struct fb_value *ret)
{
    char *text = fb_arena_alloc(r->arena, (size_t)(end - r->at) + 1);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    char *out = text;
    while (r->at < end) {
        if (*r->at != '\\') {
            *out++ = *r->at++;
            continue;
        }
        r->at++;
        out = take_escape(r, out);
        if (out == NULL) {
            return FB_ERR_DAMAGED;
        }
    }
    *ret = fb_value_text_n(text, (size_t)(out - text));
    return FB_OK;
}

/* Behind the opening quote. */
static int take_text(struct reader *r, struct fb_value *ret)
{
    const char *p = r->at;
    bool has_escapes = false;
    while (p < r->end && *p != '"') {
        has_escapes |= *p == '\\';
        p += *p == '\\' ? 2 : 1;
    }
    if (p >= r->end) {
        return FB_ERR_DAMAGED;
    }
    int rc = FB_OK;
    if (has_escapes) {
        rc = take_escaped(r, p, ret);
    } else {
        *ret = fb_value_text_n(r->at, (size_t)(p - r->at));
    }
    r->at = p + 1;
    return rc;
}

static int take_number(struct reader *r, struct fb_value *ret)
{
    bool is_negative = take_word(r, "-");
    const char *first = r->at;
    uint64_t n = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (__builtin_mul_overflow(n, 10U, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*r->at - '0'), &n)) {
            return FB_ERR_DAMAGED;
        }
        r->at++;
    }
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    if (r->at == first || n > limit) {
        return FB_ERR_DAMAGED;
    }
    *ret = fb_value_int((int64_t)(is_negative ? 0 - n : n));
    return FB_OK;
}

static int decode_hex(struct reader *r, const struct fb_value *hex, struct fb_value *ret)
{
    char *bytes = fb_arena_alloc(r->arena, hex->size / 2 + 1);
    if (bytes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (!fb_hex_read(hex->bytes, (uint8_t *)bytes, hex->size / 2)) {
        return FB_ERR_DAMAGED;
    }
    *ret = fb_value_blob(bytes, hex->size / 2);
    return hex->size % 2 == 0 ? FB_OK : FB_ERR_DAMAGED;
}

/* {"$hex":"..."} or {"$absent":true}, behind the brace. */
static int take_marked(struct reader *r, struct fb_value *ret)
{
    struct fb_value mark;
    struct fb_value hex;
    if (!take(r, '"') || take_text(r, &mark) < 0 || !take(r, ':')) {
        return FB_ERR_DAMAGED;
    }
    skip_space(r);
    int rc = FB_ERR_DAMAGED;
    if (mark.size == 4 && memcmp(mark.bytes, "$hex", 4) == 0 && take_word(r, "\"")) {
        rc = take_text(r, &hex);
        if (rc == FB_OK) {
            rc = decode_hex(r, &hex, ret);
        }
    } else if (mark.size == 7 && memcmp(mark.bytes, "$absent", 7) == 0 && take_word(r, "true")) {
        *ret = (struct fb_value){.type = FB_ABSENT};
        rc = FB_OK;
    }
    return rc == FB_OK && !take(r, '}') ? FB_ERR_DAMAGED : rc;
}

static int take_value(struct reader *r, struct fb_value *ret)
{
    skip_space(r);
    if (take_word(r, "\"")) {
        return take_text(r, ret);
    }
    if (take_word(r, "{")) {
        return take_marked(r, ret);
    }
    if (take_word(r, "null")) {
        *ret = FB_VALUE_NULL;
        return FB_OK;
    }
    return take_number(r, ret);
}

static int take_values(struct reader *r, struct fb_json_member *m)
{
    m->count = 1;
    if (!take(r, '[')) {
        return take_value(r, &m->values[0]);
    }
    m->count = 2;
    int rc = take_value(r, &m->values[0]);
    if (rc < 0 || !take(r, ',')) {
        return rc < 0 ? rc : FB_ERR_DAMAGED;
    }
    rc = take_value(r, &m->values[1]);
    if (rc == FB_OK && take(r, ',')) {
        m->count = 3;
        rc = take_value(r, &m->values[2]);
    }
    return rc == FB_OK && !take(r, ']') ? FB_ERR_DAMAGED : rc;
}

int fb_json_read(const char *json, size_t size, struct fb_arena *arena, fb_json_each *f, void *ctx)
{
    struct reader r = {.at = json, .end = json + size, .arena = arena};
    if (!take(&r, '{')) {
        return FB_ERR_DAMAGED;
    }
    if (take(&r, '}')) {
        return FB_OK;
    }
    do {
        struct fb_json_member m = {.count = 0};
        struct fb_value name;
        if (!take(&r, '"')) {
            return FB_ERR_DAMAGED;
        }
        int rc = take_text(&r, &name);
        if (rc < 0 || !take(&r, ':')) {
            return rc < 0 ? rc : FB_ERR_DAMAGED;
        }
        m.name = name.bytes;
        m.name_size = name.size;
        rc = take_values(&r, &m);
        if (rc == FB_OK) {
            rc = f(ctx, &m);
        }
        if (rc != FB_OK) {
            return rc;
        }
    } while (take(&r, ','));
    return take(&r, '}') ? FB_OK : FB_ERR_DAMAGED;
}

const struct fb_field *fb_json_field(const struct fb_entity *e, const struct fb_json_member *member)
{
    char name[FB_NAME_BYTES_MAX + 1];
    if (member->name_size > FB_NAME_BYTES_MAX) {
        return NULL;
    }
    memcpy(name, member->name, member->name_size);
    name[member->name_size] = '\0';
    return fb_entity_field(e, name);
}

struct fb_value fb_json_value(const struct fb_field *field, const struct fb_value *v)
{
    struct fb_value value = *v;
    if (value.type == FB_BLOB && field->storage == FB_TEXT) {
        value.type = FB_TEXT;
    }
    return value;
}
