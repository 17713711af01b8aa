/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/buf.h"
#include "common/catalogue/catalogue.h"

/* The first byte of a Chinese, Japanese or Korean character: from U+3000 on. */
static bool is_ideograph(uint8_t lead)
{
    return lead >= 0xE3;
}

static bool ends_in_ideograph(const struct fb_buf *buf)
{
    return buf->size >= 3 && is_ideograph(buf->bytes[buf->size - 3]);
}

/* A person's name: 张伟 as it is filed, but Ines Müller. */
static bool is_given_name_first(const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    if (e->title_field_count != 2 || strcmp(e->title_fields[0]->name, "family_name") != 0 ||
        strcmp(e->title_fields[1]->name, "given_name") != 0) {
        return false;
    }
    const struct fb_value *family = &row->values[e->title_fields[0]->index];
    return family->type == FB_TEXT && family->size > 0 && !is_ideograph((uint8_t)family->bytes[0]);
}

void fb_row_append_title(const struct fb_row *row, size_t size_max, struct fb_buf *buf)
{
    size_t start = buf->size;
    const struct fb_entity *e = row->entity;
    bool is_turned = is_given_name_first(row);
    for (size_t i = 0; i < e->title_field_count; i++) {
        const struct fb_field *f = e->title_fields[is_turned ? 1 - i : i];
        const struct fb_value *v = &row->values[f->index];
        if (fb_value_is_empty(v)) {
            continue;
        }
        if (buf->size > start && !ends_in_ideograph(buf)) {
            fb_buf_append_byte(buf, ' ');
        }
        fb_field_format(f, v, buf);
    }
    if (buf->size - start > size_max) {
        size_t end = start + size_max;
        while (end > start && (buf->bytes[end] & 0xC0) == 0x80) {
            end--; /* a character is not cut in two */
        }
        buf->size = end;
    }
}
