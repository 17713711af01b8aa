/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/hex.h"
#include "common/base/id.h"
#include "common/base/time.h"
#include "common/catalogue/catalogue.h"

#define DIGITS_MAX 18

struct reading {
    const struct fb_field *field;
    const char *text; /* without spaces around it */
    size_t size;
    struct fb_arena *arena;
    struct fb_why *why;
};

static int refuse(const struct reading *r, const char *what)
{
    return fb_fail(r->why, FB_ERR_INVALID, "field %s: '%.*s' is not %s", r->field->name,
                   r->size > 63 ? 63 : (int)r->size, r->text, fb_text(what));
}

static int keep_text(const struct reading *r, const char *bytes, size_t size, struct fb_value *ret)
{
    char *copy = fb_arena_copy(r->arena, bytes, size);
    if (copy == NULL) {
        return fb_fail(r->why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    *ret = fb_value_text_n(copy, size);
    return FB_OK;
}

static bool says(const struct reading *r, const char *word)
{
    return strlen(word) == r->size && strncasecmp(word, r->text, r->size) == 0;
}

static int parse_bool(const struct reading *r, struct fb_value *ret)
{
    static const char *const YES[] = {"yes", "true", "1", "y", "t", "是", "真", "√"};
    static const char *const NO[] = {"no", "false", "0", "n", "f", "否", "假", "×"};
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++) {
        if (says(r, YES[i]) || says(r, NO[i])) {
            *ret = fb_value_int(says(r, YES[i]) ? 1 : 0);
            return FB_OK;
        }
    }
    return refuse(r, "yes or no");
}

/* A comma every three digits before the point, or none at all: "1,234,567.50". */
static bool comma_stands_right(const char *text, size_t at, size_t end)
{
    size_t left = 0;
    size_t right = 0;
    while (left < at && isdigit((unsigned char)text[at - 1 - left])) {
        left++;
    }
    while (at + 1 + right < end && isdigit((unsigned char)text[at + 1 + right])) {
        right++;
    }
    bool is_first = left == at || text[at - 1 - left] != ',';
    return right == 3 && left >= 1 && (is_first ? left <= 3 : left == 3);
}

/* "-1,234.5" with scale 2 is -123450. Zeros beyond the scale are fine, other digits are not. */
static int parse_number(const struct reading *r, struct fb_value *ret)
{
    static const char WHAT[] = "a number such as 1234 or 1,234.50";
    size_t at = r->size > 0 && (r->text[0] == '-' || r->text[0] == '+') ? 1 : 0;
    const char *point = memchr(r->text, '.', r->size);
    size_t whole_end = point == NULL ? r->size : (size_t)(point - r->text);
    int64_t n = 0;
    size_t digits = 0;
    uint32_t decimals = 0;
    for (; at < r->size; at++) {
        char c = r->text[at];
        if (at == whole_end ||
            (c == ',' && at < whole_end && comma_stands_right(r->text, at, whole_end))) {
            continue;
        }
        if (!isdigit((unsigned char)c)) {
            return refuse(r, WHAT);
        }
        digits++;
        if (at > whole_end && decimals == r->field->scale) {
            if (c != '0') {
                return fb_fail(r->why, FB_ERR_INVALID, "field %s: '%.*s' has more than %u decimals",
                               r->field->name, (int)r->size, r->text, r->field->scale);
            }
            continue;
        }
        decimals += at > whole_end;
        if (n >= INT64_C(100000000000000000)) { /* 18 digits are full */
            return refuse(r, "a number of at most 18 digits");
        }
        n = n * 10 + (c - '0');
    }
    for (; decimals < r->field->scale && n < INT64_C(100000000000000000); decimals++) {
        n *= 10;
    }
    if (digits == 0 || decimals < r->field->scale) {
        return refuse(r, WHAT);
    }
    *ret = fb_value_int(r->text[0] == '-' ? -n : n);
    return FB_OK;
}

/* One to max digits at *at; false if there are none or too many. */
static bool take_digits(const struct reading *r, size_t *at, size_t max, int *ret)
{
    size_t start = *at;
    int n = 0;
    while (*at < r->size && isdigit((unsigned char)r->text[*at])) {
        if (*at - start == max) {
            return false;
        }
        n = n * 10 + (r->text[(*at)++] - '0');
    }
    *ret = n;
    return *at > start;
}

static bool take(const struct reading *r, size_t *at, const char *word)
{
    size_t size = strlen(word);
    if (r->size - *at < size || memcmp(r->text + *at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

/* YYYY-MM-DD, YYYY/M/D, YYYY.M.D, YYYY年M月D日 at the beginning; *at moves behind it. */
static bool take_date(const struct reading *r, size_t *at, char ret[static FB_DATE_SIZE])
{
    static const char *const MARKS[][3] = {
        {"-", "-", ""}, {"/", "/", ""}, {".", ".", ""}, {"年", "月", "日"}};
    for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++) {
        size_t here = *at;
        int year = 0;
        int month = 0;
        int day = 0;
        if (take_digits(r, &here, 4, &year) && here - *at == 4 && take(r, &here, MARKS[i][0]) &&
            take_digits(r, &here, 2, &month) && take(r, &here, MARKS[i][1]) &&
            take_digits(r, &here, 2, &day) && take(r, &here, MARKS[i][2])) {
            char text[32];
            snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
            memcpy(ret, text, FB_DATE_SIZE);
            *at = here;
            return fb_date_is_valid(ret, FB_DATE_SIZE - 1);
        }
    }
    return false;
}

static int parse_date(const struct reading *r, struct fb_value *ret)
{
    char date[FB_DATE_SIZE];
    size_t at = 0;
    if (!take_date(r, &at, date) || at != r->size) {
        return refuse(r, "a date such as 2025-03-09, 2025/3/9 or 2025年3月9日");
    }
    return keep_text(r, date, FB_DATE_SIZE - 1, ret);
}

/* A date, then perhaps a time HH:MM[:SS[.sss]] after a space or a T, perhaps a Z. The time is UTC.
 */
static int parse_instant(const struct reading *r, struct fb_value *ret)
{
    static const char WHAT[] = "a time such as 2025-03-09 14:30 (UTC)";
    char date[FB_DATE_SIZE];
    size_t at = 0;
    int part[4] = {0, 0, 0, 0}; /* hours, minutes, seconds, milliseconds */
    if (!take_date(r, &at, date)) {
        return refuse(r, WHAT);
    }
    if (at < r->size) {
        if ((r->text[at] != ' ' && r->text[at] != 'T') ||
            (at++, !take_digits(r, &at, 2, &part[0])) || !take(r, &at, ":") ||
            !take_digits(r, &at, 2, &part[1])) {
            return refuse(r, WHAT);
        }
        bool has_seconds = take(r, &at, ":");
        bool has_fraction = has_seconds && take_digits(r, &at, 2, &part[2]) && take(r, &at, ".");
        size_t fraction = at;
        if (has_fraction && (!take_digits(r, &at, 3, &part[3]) || at - fraction != 3)) {
            return refuse(r, WHAT);
        }
        take(r, &at, "Z");
    }
    char text[64];
    int64_t ms = 0;
    int size = snprintf(text, sizeof text, "%sT%02d:%02d:%02d.%03dZ", date, part[0], part[1],
                        part[2], part[3]);
    if (at != r->size || !fb_instant_parse(text, (size_t)size, &ms)) {
        return refuse(r, WHAT);
    }
    return keep_text(r, text, (size_t)size, ret);
}

/* The value itself, or its label in either language. */
static int parse_choice(const struct reading *r, struct fb_value *ret)
{
    for (size_t i = 0; i < r->field->choice_count; i++) {
        const struct fb_choice *c = &r->field->choices[i];
        if (says(r, c->value) || says(r, c->label_en) || says(r, c->label_zh)) {
            *ret = fb_value_text(c->value);
            return FB_OK;
        }
    }
    char list[256] = "";
    for (size_t i = 0, at = 0; i < r->field->choice_count && at < sizeof list; i++) {
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i == 0 ? "" : ", ",
                               r->field->choices[i].value);
    }
    return fb_fail(r->why, FB_ERR_INVALID, "field %s: '%.*s' is none of its choices: %s",
                   r->field->name, r->size > 63 ? 63 : (int)r->size, r->text, list);
}

static int parse_id(const struct reading *r, struct fb_value *ret)
{
    char lower[FB_ROW_ID_SIZE] = "";
    for (size_t i = 0; i < r->size && i < FB_ROW_ID_SIZE - 1; i++) {
        lower[i] = (char)tolower((unsigned char)r->text[i]);
    }
    if (!fb_id_is_valid(lower, r->size)) {
        return refuse(r, "an id (a UUID)");
    }
    return keep_text(r, lower, r->size, ret);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Writes the set in its one form: sorted, each once. */
static int keep_set(const struct reading *r, const char **values, size_t count,
                    struct fb_value *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_VALUE_BYTES_MAX);
    qsort(values, count, sizeof *values, compare_texts);
    fb_buf_append_byte(&out, '[');
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(values[i - 1], values[i]) != 0) {
            fb_buf_append_text(&out, written++ > 0 ? "," : "");
            fb_buf_append_json_text(&out, values[i], strlen(values[i]));
        }
    }
    fb_buf_append_byte(&out, ']');
    int rc = fb_buf_error(&out);
    return rc < 0 ? rc : keep_text(r, fb_buf_text(&out), out.size, ret);
}

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static int parse_set_json(const struct reading *r, struct fb_value *ret)
{
    FB_AUTO(drop_json) json_t *json = json_loadb(r->text, r->size, 0, NULL);
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > FB_SET_VALUES_MAX) {
        return refuse(r, "a JSON array of texts");
    }
    const char *values[FB_SET_VALUES_MAX];
    for (size_t i = 0; i < count; i++) {
        values[i] = json_string_value(json_array_get(json, i));
        if (values[i] == NULL) {
            return refuse(r, "a JSON array of texts");
        }
    }
    return keep_set(r, values, count, ret);
}

/* A JSON array, or values with ; or , or 、 between them. */
static int parse_set(const struct reading *r, struct fb_value *ret)
{
    if (r->text[0] == '[') {
        return parse_set_json(r, ret);
    }
    const char *values[FB_SET_VALUES_MAX];
    size_t count = 0;
    size_t at = 0;
    while (at < r->size) {
        size_t start = at;
        size_t end = at;
        while (at < r->size && !take(r, &at, ";") && !take(r, &at, ",") && !take(r, &at, "、")) {
            end = ++at;
        }
        while (start < end && r->text[start] == ' ') {
            start++;
        }
        while (end > start && r->text[end - 1] == ' ') {
            end--;
        }
        if (end > start) {
            if (count == FB_SET_VALUES_MAX) {
                return refuse(r, "a set of at most 1000 values");
            }
            values[count] = fb_arena_copy(r->arena, r->text + start, end - start);
            if (values[count++] == NULL) {
                return FB_ERR_NO_MEMORY;
            }
        }
    }
    return keep_set(r, values, count, ret);
}

static int parse_blob(const struct reading *r, struct fb_value *ret)
{
    uint8_t *bytes = fb_arena_alloc(r->arena, r->size / 2 + 1);
    if (bytes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < r->size; i++) {
        char c = (char)tolower((unsigned char)r->text[i]);
        if (r->size % 2 != 0 || !isxdigit((unsigned char)c)) {
            return refuse(r, "bytes written as hexadecimal digits");
        }
        bytes[i / 2] =
            (uint8_t)(bytes[i / 2] * 16 + (isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10));
    }
    *ret = fb_value_blob(bytes, r->size / 2);
    return FB_OK;
}

static int parse_by_type(const struct reading *r, struct fb_value *ret)
{
    switch (r->field->type) {
    case FB_TYPE_BOOL:
        return parse_bool(r, ret);
    case FB_TYPE_INT:
    case FB_TYPE_DEC:
    case FB_TYPE_QTY:
    case FB_TYPE_MONEY:
        return parse_number(r, ret);
    case FB_TYPE_DATE:
        return parse_date(r, ret);
    case FB_TYPE_DT:
        return parse_instant(r, ret);
    case FB_TYPE_ENUM:
    case FB_TYPE_FSM:
        return parse_choice(r, ret);
    case FB_TYPE_REF:
    case FB_TYPE_POLY:
    case FB_TYPE_UUID:
        return parse_id(r, ret);
    case FB_TYPE_SET:
        return parse_set(r, ret);
    case FB_TYPE_BLOB:
        return parse_blob(r, ret);
    default:
        return keep_text(r, r->text, r->size, ret);
    }
}

int fb_field_parse(const struct fb_field *field, const char *text, size_t size,
                   struct fb_arena *arena, struct fb_value *ret, struct fb_why *why)
{
    while (size > 0 && isspace((unsigned char)text[0])) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1])) {
        size--;
    }
    if (size == 0) {
        *ret = FB_VALUE_NULL;
        return FB_OK;
    }
    const struct reading reading = {
        .field = field, .text = text, .size = size, .arena = arena, .why = why};
    struct fb_value v = FB_VALUE_NULL;
    int rc = parse_by_type(&reading, &v);
    if (rc == FB_OK) {
        rc = fb_field_check(field, &v, why);
    }
    if (rc == FB_OK) {
        *ret = v;
    }
    return rc;
}

static void format_number(const struct fb_field *field, int64_t n, struct fb_buf *buf)
{
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    uint64_t unit = 1;
    for (uint32_t i = 0; i < field->scale; i++) {
        unit *= 10;
    }
    fb_buf_printf(buf, "%s%llu", n < 0 ? "-" : "", (unsigned long long)(size / unit));
    if (field->scale > 0) {
        fb_buf_printf(buf, ".%0*llu", (int)field->scale, (unsigned long long)(size % unit));
    }
}

void fb_field_format(const struct fb_field *field, const struct fb_value *v, struct fb_buf *buf)
{
    switch (v->type) {
    case FB_INT:
        if (field->type == FB_TYPE_BOOL) {
            fb_buf_append_text(buf, v->integer == 0 ? "no" : "yes");
        } else {
            format_number(field, v->integer, buf);
        }
        break;
    case FB_TEXT:
        fb_buf_append(buf, v->bytes, v->size);
        break;
    case FB_BLOB:
        fb_hex_append(buf, (const uint8_t *)v->bytes, v->size);
        break;
    default:
        break;
    }
}
