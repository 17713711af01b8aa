/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/time.h"
#include "common/catalogue/catalogue.h"

static int refuse(const struct fb_field *f, struct fb_why *why, const char *sentence)
{
    return fb_fail(why, FB_ERR_INVALID, "field %s: %s", f->name, fb_text(sentence));
}

static int64_t power_of_ten(uint32_t exponent)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < exponent; i++) {
        n *= 10;
    }
    return n;
}

static int check_int(const struct fb_field *f, int64_t n, struct fb_why *why)
{
    if (f->type == FB_TYPE_BOOL && n != 0 && n != 1) {
        return refuse(f, why, "it is yes or no, stored as 1 or 0");
    }
    if (n < f->int_min || n > f->int_max) {
        return fb_fail(why, FB_ERR_INVALID, "field %s: %lld is out of range", f->name,
                       (long long)n);
    }
    int64_t limit = f->type == FB_TYPE_DEC ? power_of_ten(f->precision) : INT64_MAX;
    if (n <= -limit || n >= limit) {
        return fb_fail(why, FB_ERR_INVALID, "field %s: the number has more digits than its %u",
                       f->name, f->type == FB_TYPE_DEC ? f->precision : 18);
    }
    return FB_OK;
}

static bool is_choice(const struct fb_field *f, const struct fb_value *v)
{
    for (size_t i = 0; i < f->choice_count; i++) {
        if (fb_value_is_text(v, f->choices[i].value)) {
            return true;
        }
    }
    return false;
}

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static int check_json(const struct fb_field *f, const struct fb_value *v, struct fb_why *why)
{
    json_error_t error;
    FB_AUTO(drop_json)
    json_t *json = json_loadb(v->bytes, v->size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    return json != NULL ? FB_OK
                        : fb_fail(why, FB_ERR_INVALID, "field %s: line %d, column %d: %s", f->name,
                                  error.line, error.column, error.text);
}

/* A JSON array of texts, sorted by their bytes, each once: two equal sets have equal bytes. */
static int check_set(const struct fb_field *f, const struct fb_value *v, struct fb_why *why)
{
    static const char SENTENCE[] = "a set is a JSON array of texts, sorted, each once";
    FB_AUTO(drop_json) json_t *json = json_loadb(v->bytes, v->size, 0, NULL);
    if (!json_is_array(json)) {
        return refuse(f, why, SENTENCE);
    }
    if (json_array_size(json) > FB_SET_VALUES_MAX) {
        return fb_fail(why, FB_ERR_LIMIT, "field %s: a set holds at most %d values", f->name,
                       FB_SET_VALUES_MAX);
    }
    const char *before = NULL;
    for (size_t i = 0; i < json_array_size(json); i++) {
        const char *text = json_string_value(json_array_get(json, i));
        if (text == NULL || (before != NULL && strcmp(before, text) >= 0)) {
            return refuse(f, why, SENTENCE);
        }
        before = text;
    }
    return FB_OK;
}

static int check_form(const struct fb_field *f, const struct fb_value *v, struct fb_why *why)
{
    int64_t ms = 0;
    switch (f->type) {
    case FB_TYPE_DATE:
        return fb_date_is_valid(v->bytes, v->size) ? FB_OK
                                                   : refuse(f, why, "a date is written YYYY-MM-DD");
    case FB_TYPE_DT:
        return fb_instant_parse(v->bytes, v->size, &ms)
                   ? FB_OK
                   : refuse(f, why, "a time is written YYYY-MM-DDTHH:MM:SS.sssZ, in UTC");
    case FB_TYPE_ENUM:
    case FB_TYPE_FSM:
        return is_choice(f, v)
                   ? FB_OK
                   : fb_fail(why, FB_ERR_INVALID, "field %s: '%.*s' is none of its choices",
                             f->name, v->size > 63 ? 63 : (int)v->size, v->bytes);
    case FB_TYPE_REF:
    case FB_TYPE_POLY:
    case FB_TYPE_UUID:
        return fb_id_is_valid(v->bytes, v->size)
                   ? FB_OK
                   : refuse(f, why, "an id is a UUID of 36 lower-case characters");
    case FB_TYPE_SET:
        return check_set(f, v, why);
    case FB_TYPE_JSON:
        return check_json(f, v, why);
    default:
        return FB_OK;
    }
}

static int check_text(const struct fb_field *f, const struct fb_value *v, struct fb_why *why)
{
    if (v->size > f->bytes_max) {
        return fb_fail(why, FB_ERR_LIMIT, "field %s: the text has %u bytes, %u are allowed",
                       f->name, v->size, f->bytes_max);
    }
    if (!fb_utf8_is_valid(v->bytes, v->size)) {
        return refuse(f, why, "the text is not UTF-8");
    }
    if (v->size > 0 && memchr(v->bytes, 0, v->size) != NULL) {
        return refuse(f, why, "the text holds a zero byte");
    }
    return check_form(f, v, why);
}

int fb_field_check(const struct fb_field *field, const struct fb_value *v, struct fb_why *why)
{
    static const char *const KINDS[] = {
        [FB_INT] = "a whole number", [FB_TEXT] = "a text", [FB_BLOB] = "bytes"};
    if (v->type == FB_NULL) {
        return FB_OK;
    }
    if (v->type != field->storage) {
        return fb_fail(why, FB_ERR_INVALID, "field %s: the value must be %s", field->name,
                       fb_text(KINDS[field->storage]));
    }
    switch (v->type) {
    case FB_INT:
        return check_int(field, v->integer, why);
    case FB_TEXT:
        return check_text(field, v, why);
    default:
        return v->size <= field->bytes_max
                   ? FB_OK
                   : fb_fail(why, FB_ERR_LIMIT, "field %s: %u bytes are more than the %u allowed",
                             field->name, v->size, field->bytes_max);
    }
}
