/* SPDX-License-Identifier: MIT */
#include "common/command/show.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/crm/title.h"

#define TEXT_BYTES_MAX 4194304 /* 4 MiB */
#define LISTED_CHARS   40

void fb_show_id(const struct fb_show *show, const char *id)
{
    size_t size = id == NULL ? 0 : strlen(id);
    bool is_short = !fb_cli_is_json(show->cli) && size > FB_SHORT_ID_CHARS;
    fb_cli_table_cell(show->table, is_short ? id + size - FB_SHORT_ID_CHARS : id);
}

const char *fb_show_local_time(const char *instant, char ret_text[static FB_LOCAL_TIME_SIZE])
{
    int64_t ms;
    struct tm tm;
    if (instant == NULL || !fb_instant_parse(instant, strlen(instant), &ms)) {
        return instant;
    }
    time_t seconds = (time_t)(ms / 1000);
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(ret_text, FB_LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M", &tm) == 0) {
        return instant;
    }
    return ret_text;
}

void fb_show_time(const struct fb_show *show, const char *instant)
{
    char text[FB_LOCAL_TIME_SIZE];
    fb_cli_table_cell(show->table,
                      fb_cli_is_json(show->cli) ? instant : fb_show_local_time(instant, text));
}

void fb_show_title(const struct fb_show *show, const char *entity, const char *id)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, TEXT_BYTES_MAX);
    if (fb_title_append(show->store, entity, id, &title) < 0) {
        fb_buf_clear(&title);
    }
    fb_cli_table_cell(show->table, title.size == 0 ? NULL : fb_buf_text(&title));
}

static bool value_of_json(const json_t *json, struct fb_value *ret)
{
    if (json_is_integer(json)) {
        *ret = fb_value_int(json_integer_value(json));
        return true;
    }
    if (json_is_boolean(json)) {
        *ret = fb_value_int(json_is_true(json) ? 1 : 0);
        return true;
    }
    if (json_is_string(json)) {
        *ret = fb_value_text_n(json_string_value(json), json_string_length(json));
        return true;
    }
    return false;
}

/* What the field's type cannot say is shown as it is kept. */
static void append_json(struct fb_buf *buf, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    fb_buf_append_text(buf, text == NULL ? "?" : text);
    free(text);
}

void fb_show_append(struct fb_store *s, const struct fb_field *field, const json_t *value,
                    struct fb_buf *buf)
{
    struct fb_value v;
    bool is_blank = json_is_string(value) && json_string_length(value) == 0;
    if (value == NULL || json_is_null(value) || is_blank) {
        fb_buf_append_text(buf, fb_text("(empty)"));
    } else if (field == NULL || !value_of_json(value, &v)) {
        append_json(buf, value);
    } else if (v.type == FB_TEXT && field->target_count == 1) {
        size_t before = buf->size;
        fb_ignore(fb_title_append(s, field->targets[0]->name, json_string_value(value), buf),
                  "the id stands in for it");
        fb_buf_append_text(buf, buf->size == before ? json_string_value(value) : "");
    } else {
        fb_field_format(field, &v, buf);
    }
}

/* One field: its value; a group: each with its name; of a whole row those that say something. */
static void append_fields(struct fb_store *s, const struct fb_entity *e, bool is_row,
                          json_t *fields, struct fb_buf *buf)
{
    const char *name;
    json_t *value;
    bool is_group = is_row || json_object_size(fields) > 1;
    size_t before = buf->size;
    json_object_foreach(fields, name, value)
    {
        if (is_row && json_is_null(value)) {
            continue;
        }
        if (is_group) {
            fb_buf_printf(buf, "%s%s=", buf->size > before ? ", " : "", name);
        }
        fb_show_append(s, e == NULL ? NULL : fb_entity_field(e, name), value, buf);
    }
    const char *nothing = is_row ? fb_text("(deleted)") : fb_text("(empty)");
    fb_buf_append_text(buf, buf->size == before ? nothing : "");
}

/* One line of at most LISTED_CHARS characters. */
static void cut_for_list(struct fb_buf *buf)
{
    size_t chars = 0;
    for (size_t i = 0; i < buf->size; i++) {
        if (buf->bytes[i] < ' ') {
            buf->bytes[i] = ' ';
        }
        bool is_start = (buf->bytes[i] & 0xC0) != 0x80;
        if (is_start && ++chars > LISTED_CHARS) {
            buf->size = i;
            fb_buf_append_text(buf, "…");
            return;
        }
    }
}

void fb_show_values(const struct fb_show *show, const char *entity, const char *group,
                    const char *json, bool is_in_list)
{
    const struct fb_catalogue *c = fb_store_catalogue(show->store);
    json_t *fields = json == NULL ? NULL : json_loads(json, JSON_ALLOW_NUL, NULL);
    if (fb_cli_is_json(show->cli) || !json_is_object(fields)) {
        fb_cli_table_cell(show->table, json);
    } else {
        FB_AUTO(fb_buf_release) struct fb_buf text;
        fb_buf_init(&text, TEXT_BYTES_MAX);
        append_fields(show->store, entity == NULL ? NULL : fb_catalogue_entity(c, entity),
                      group != NULL && strcmp(group, "row") == 0, fields, &text);
        if (is_in_list) {
            cut_for_list(&text);
        }
        fb_cli_table_cell(show->table, fb_buf_error(&text) == FB_OK ? fb_buf_text(&text) : json);
    }
    json_decref(fields);
}
