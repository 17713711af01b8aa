/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/buf.h"
#include "common/store/json.h"
#include "common/store/row.h"

static const char *const STAMPS[FB_STAMP_COUNT] = {"created_at", "created_by", "modified_at",
                                                   "modified_by"};

static void append_member(struct fb_buf *buf, const char *name, const struct fb_value *v,
                          bool *has_any)
{
    if (v->type == FB_ABSENT) {
        return;
    }
    fb_buf_append_byte(buf, *has_any ? ',' : '{');
    fb_buf_append_json_text(buf, name, strlen(name));
    fb_buf_append_byte(buf, ':');
    fb_value_append_json(buf, v);
    *has_any = true;
}

void fb_row_append_json(struct fb_buf *buf, const struct fb_row *row)
{
    bool has_any = false;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        append_member(buf, row->entity->fields[i].name, &row->values[i], &has_any);
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        append_member(buf, STAMPS[i], &row->stamps[i], &has_any);
    }
    fb_buf_append_text(buf, has_any ? "}" : "{}");
}

struct filling {
    struct fb_row *row;
    struct fb_arena *arena;
};

static struct fb_value *place_of(struct fb_row *row, const struct fb_json_member *m,
                                 struct fb_value *ret)
{
    const struct fb_field *field = fb_json_field(row->entity, m);
    if (field != NULL) {
        *ret = fb_json_value(field, &m->values[0]);
        return &row->values[field->index];
    }
    *ret = m->values[0];
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (strlen(STAMPS[i]) == m->name_size && memcmp(STAMPS[i], m->name, m->name_size) == 0) {
            return &row->stamps[i];
        }
    }
    return NULL;
}

static int fill(void *ctx, const struct fb_json_member *m)
{
    const struct filling *f = ctx;
    struct fb_value value;
    struct fb_value *place = place_of(f->row, m, &value);
    return place == NULL ? FB_OK : fb_value_copy(f->arena, &value, place);
}

int fb_row_from_json(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                     const char *json, size_t size, struct fb_arena *arena, struct fb_row *ret)
{
    struct fb_row row = {0};
    int rc = fb_row_new(e, id, arena, &row);
    if (rc < 0) {
        return rc;
    }
    struct filling filling = {.row = &row, .arena = arena};
    rc = fb_json_read(json, size, arena, fill, &filling);
    if (rc == FB_OK) {
        *ret = row;
    }
    return rc;
}
