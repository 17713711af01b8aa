/* SPDX-License-Identifier: MIT
 *
 * Values in JSON, as docs/api.md, "Values", has them. Written straight from the row into the answer, without a tree.
 * What a foreign tool stored may be anything: the answer is UTF-8 and JSON all the same.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_inside.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static void drop_json(json_t **json)
{
    json_decref(*json);
}

/* Bytes of the character that begins there; 0: none does. */
static size_t character_size(const char *bytes, size_t size)
{
    for (size_t n = 1; n <= 4 && n <= size; n++) {
        if (fb_utf8_is_valid(bytes, n)) {
            return n;
        }
    }
    return 0;
}

void fb_api_append_text(struct fb_buf *out, const char *bytes, size_t size)
{
    if (fb_utf8_is_valid(bytes, size)) {
        fb_buf_append_json_text(out, bytes, size);
        return;
    }
    FB_AUTO(fb_buf_release) struct fb_buf mended;
    fb_buf_init(&mended, size * 3 + 1);
    for (size_t at = 0; at < size;) {
        size_t n = character_size(bytes + at, size - at);
        fb_buf_append(&mended, n > 0 ? bytes + at : REPLACEMENT, n > 0 ? n : 3);
        at += n > 0 ? n : 1;
    }
    fb_buf_append_json_text(out, fb_buf_text(&mended), mended.size);
}

void fb_api_append_key(struct fb_buf *out, const char *name)
{
    bool is_first = out->size == 0 || strchr("{[:", out->bytes[out->size - 1]) != NULL;
    fb_buf_printf(out, is_first ? "\"%s\":" : ",\"%s\":", name);
}

void fb_api_append_member(struct fb_buf *out, const char *name, const char *text)
{
    fb_api_append_key(out, name);
    if (text == NULL) {
        fb_buf_append_text(out, "null");
    } else {
        fb_api_append_text(out, text, strlen(text));
    }
}

/* A column that should hold JSON, whatever a tool put there. */
static void append_stored_json(struct fb_buf *out, const struct fb_value *v, bool must_be_array)
{
    json_error_t error;
    FB_AUTO(drop_json) json_t *json = json_loadb(v->bytes, v->size, JSON_DECODE_ANY, &error);
    if (json != NULL && (!must_be_array || json_is_array(json))) {
        fb_buf_append(out, v->bytes, v->size);
    } else {
        fb_buf_append_text(out, must_be_array ? "[" : "");
        fb_api_append_text(out, v->bytes, v->size);
        fb_buf_append_text(out, must_be_array ? "]" : "");
    }
}

static void append_integer(struct fb_buf *out, const struct fb_field *f, const struct fb_value *v)
{
    if (f->type == FB_TYPE_BOOL) {
        fb_buf_append_text(out, v->integer != 0 ? "true" : "false");
    } else if (f->type == FB_TYPE_INT) {
        fb_buf_printf(out, "%lld", (long long)v->integer);
    } else {
        fb_buf_append_byte(out, '"');
        fb_field_format(f, v, out);
        fb_buf_append_byte(out, '"');
    }
}

void fb_api_append_value(struct fb_buf *out, const struct fb_field *f, const struct fb_value *v)
{
    switch (v->type) {
    case FB_INT:
        append_integer(out, f, v);
        break;
    case FB_TEXT:
        if (f->type == FB_TYPE_JSON || f->type == FB_TYPE_SET) {
            append_stored_json(out, v, f->type == FB_TYPE_SET);
        } else {
            fb_api_append_text(out, v->bytes, v->size);
        }
        break;
    case FB_BLOB:
        fb_buf_append_byte(out, '"');
        fb_field_format(f, v, out);
        fb_buf_append_byte(out, '"');
        break;
    default:
        fb_buf_append_text(out, "null");
    }
}

void fb_api_append_column(struct fb_buf *out, const struct fb_entity *e, uint32_t column,
                          const struct fb_value *v)
{
    const struct fb_field *f = fb_query_field(e, column);
    if (f != NULL) {
        fb_api_append_value(out, f, v);
    } else if (v->type == FB_TEXT) {
        fb_api_append_text(out, v->bytes, v->size);
    } else {
        fb_buf_append_text(out, "null");
    }
}

/* ---- Reading ---- */

struct reading {
    const struct fb_field *field;
    struct fb_arena *arena;
    struct fb_api_check *check;
};

static int refuse(const struct reading *r, const char *what)
{
    fb_api_check_set(r->check, "type", "%s must be %s", r->field->name, what);
    snprintf(r->check->params, sizeof r->check->params, "\"type\":\"%s\"",
             r->field->type == FB_TYPE_INT    ? "int"
             : r->field->storage == FB_INT    ? "number"
             : r->field->type == FB_TYPE_SET  ? "set"
             : r->field->type == FB_TYPE_DATE ? "date"
                                              : "text");
    return FB_ERR_INVALID;
}

static int keep_text(const struct reading *r, const char *text, size_t size, struct fb_value *ret)
{
    const char *copy = fb_arena_copy(r->arena, text, size);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = fb_value_text_n(copy, size);
    return FB_OK;
}

/* "-1234.5": digits and at most one point; the catalogue's reader counts decimals and digits. */
static bool is_decimal(const char *text)
{
    const char *c = text[0] == '-' ? text + 1 : text;
    size_t digits = strspn(c, "0123456789");
    const char *rest = c + digits;
    size_t decimals = rest[0] == '.' ? strspn(rest + 1, "0123456789") : 0;
    bool ends = rest[0] == '\0' || (rest[0] == '.' && decimals > 0 && rest[1 + decimals] == '\0');
    return digits > 0 && ends;
}

static int read_number(const struct reading *r, const json_t *json, struct fb_value *ret)
{
    const struct fb_field *f = r->field;
    if (f->type == FB_TYPE_BOOL) {
        *ret = fb_value_int(json_is_true(json) ? 1 : 0);
        return json_is_boolean(json) ? FB_OK : refuse(r, "true or false");
    }
    if (f->type == FB_TYPE_INT) {
        *ret = fb_value_int(json_integer_value(json));
        return json_is_integer(json) ? FB_OK : refuse(r, "a whole number");
    }
    char digits[32];
    const char *text = json_string_value(json);
    if (json_is_integer(json)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(json));
        text = digits;
    }
    if (text == NULL || !is_decimal(text)) {
        return refuse(r, "a decimal number as a string, such as \"1234.50\"");
    }
    struct fb_why why = {""};
    int rc = fb_field_parse(f, text, strlen(text), r->arena, ret, &why);
    if (rc == FB_ERR_INVALID) {
        fb_api_check_set(r->check, "digits", "%s", why.text);
        snprintf(r->check->params, sizeof r->check->params, "\"decimals\":%u", f->scale);
    }
    return rc;
}

static int read_set(const struct reading *r, const json_t *json, struct fb_value *ret)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > FB_SET_VALUES_MAX) {
        return refuse(r, "a list of texts");
    }
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(json, i))) {
            return refuse(r, "a list of texts");
        }
    }
    if (count == 0) {
        *ret = FB_VALUE_NULL;
        return FB_OK;
    }
    char *text = json_dumps(json, JSON_COMPACT);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_field_parse(r->field, text, strlen(text), r->arena, ret, NULL); /* sorts it */
    free(text);
    return rc == FB_ERR_INVALID ? refuse(r, "a list of texts") : rc;
}

static int read_json(const struct reading *r, const json_t *json, struct fb_value *ret)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = keep_text(r, text, strlen(text), ret);
    free(text);
    return rc;
}

static int read_text(const struct reading *r, const json_t *json, struct fb_value *ret)
{
    if (!json_is_string(json)) {
        return refuse(r, "a text");
    }
    const char *text = json_string_value(json);
    size_t size = json_string_length(json);
    if (size == 0) {
        *ret = FB_VALUE_NULL;
        return FB_OK;
    }
    /* Browsers write times with fewer digits than we keep. */
    if (r->field->type == FB_TYPE_DT || r->field->type == FB_TYPE_BLOB) {
        struct fb_why why = {""};
        int rc = fb_field_parse(r->field, text, size, r->arena, ret, &why);
        if (rc == FB_ERR_INVALID) {
            fb_api_check_set(r->check, "date", "%s", why.text);
        }
        return rc;
    }
    return keep_text(r, text, size, ret);
}

static uint32_t characters_in(const char *bytes, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Which check of the catalogue failed, as a code for the pages. */
static void name_check(const struct reading *r, const struct fb_value *v, const char *sentence)
{
    const struct fb_field *f = r->field;
    struct fb_api_check *c = r->check;
    if (v->type == FB_TEXT && v->size > f->bytes_max) {
        fb_api_check_set(c, "too_long", "%s", sentence);
        snprintf(c->params, sizeof c->params, "\"max\":%u,\"n\":%u",
                 characters_in(v->bytes, f->bytes_max), characters_in(v->bytes, v->size));
    } else if (v->type == FB_INT) {
        fb_api_check_set(c, "range", "%s", sentence);
        if (f->int_min != INT64_MIN) {
            snprintf(c->params, sizeof c->params, "\"min\":%lld,\"max\":%lld",
                     (long long)f->int_min, (long long)f->int_max);
        }
    } else if (f->type == FB_TYPE_DATE || f->type == FB_TYPE_DT) {
        fb_api_check_set(c, "date", "%s", sentence);
    } else if (f->choice_count > 0) {
        fb_api_check_set(c, "choice", "%s", sentence);
    } else if (f->type == FB_TYPE_REF || f->type == FB_TYPE_POLY || f->type == FB_TYPE_UUID) {
        fb_api_check_set(c, "lookup", "%s", sentence);
    } else {
        fb_api_check_set(c, "type", "%s", sentence);
    }
}

static int read_by_type(const struct reading *r, const json_t *json, struct fb_value *ret)
{
    if (json == NULL || json_is_null(json)) {
        *ret = FB_VALUE_NULL;
        return FB_OK;
    }
    if (r->field->storage == FB_INT) {
        return read_number(r, json, ret);
    }
    switch (r->field->type) {
    case FB_TYPE_SET:
        return read_set(r, json, ret);
    case FB_TYPE_JSON:
        return read_json(r, json, ret);
    default:
        return read_text(r, json, ret);
    }
}

int fb_api_read_value(const struct fb_field *f, const json_t *json, struct fb_arena *arena,
                      struct fb_value *ret, struct fb_api_check *ret_check)
{
    const struct reading r = {.field = f, .arena = arena, .check = ret_check};
    struct fb_value v = FB_VALUE_NULL;
    struct fb_why why = {""};
    *ret_check = (struct fb_api_check){.code = NULL};
    int rc = read_by_type(&r, json, &v);
    if (rc == FB_OK) {
        rc = fb_field_check(f, &v, &why);
        if (rc == FB_ERR_INVALID || rc == FB_ERR_LIMIT) {
            name_check(&r, &v, why.text);
            return FB_ERR_INVALID;
        }
    }
    if (rc == FB_OK) {
        *ret = v;
    }
    return rc == FB_ERR_LIMIT ? FB_ERR_INVALID : rc;
}
