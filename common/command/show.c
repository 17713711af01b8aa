/* SPDX-License-Identifier: MIT */
#include "common/command/show.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/crm/say.h"
#include "common/crm/title.h"

#define TEXT_BYTES_MAX 4194304 /* 4 MiB */
#define LISTED_CHARS   40

void fb_show_id(const struct fb_show *show, const char *id)
{
    size_t size = id == NULL ? 0 : strlen(id);
    bool is_short = !fb_cli_is_json(show->cli) && size > FB_SHORT_ID_CHARS;
    fb_cli_table_cell(show->table, is_short ? id + size - FB_SHORT_ID_CHARS : id);
}

void fb_show_time(const struct fb_show *show, const char *instant)
{
    char text[FB_LOCAL_TIME_SIZE];
    fb_cli_table_cell(show->table,
                      fb_cli_is_json(show->cli) ? instant : fb_say_time(instant, text));
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
        fb_say_value(s, e == NULL ? NULL : fb_entity_field(e, name), value, buf);
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
