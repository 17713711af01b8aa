/* SPDX-License-Identifier: MIT */
#include "common/catalogue/catalogue.h"

#include <stdlib.h>
#include <string.h>

void fb_catalogue_free(struct fb_catalogue *catalogue)
{
    if (catalogue == NULL) {
        return;
    }
    fb_arena_release(&catalogue->arena);
    free(catalogue);
}

void fb_catalogue_drop(struct fb_catalogue **catalogue)
{
    fb_catalogue_free(*catalogue);
    *catalogue = NULL;
}

const struct fb_entity *fb_catalogue_entity(const struct fb_catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->entity_count; i++) {
        if (strcmp(c->entities[i].name, name) == 0) {
            return &c->entities[i];
        }
    }
    return NULL;
}

const struct fb_entity *fb_catalogue_entity_no(const struct fb_catalogue *c, uint32_t no)
{
    for (size_t i = 0; i < c->entity_count; i++) {
        if (c->entities[i].no == no) {
            return &c->entities[i];
        }
    }
    return NULL;
}

uint32_t fb_stamp_no(const char *name)
{
    static const char *const NAMES[FB_STAMP_COUNT] = {"created_at", "created_by", "modified_at",
                                                      "modified_by"};
    for (uint32_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            return FB_FIELD_NO_CREATED_AT + i;
        }
    }
    return 0;
}

const struct fb_field *fb_entity_field(const struct fb_entity *e, const char *name)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (strcmp(e->fields[i].name, name) == 0) {
            return &e->fields[i];
        }
    }
    return NULL;
}

const struct fb_field *fb_entity_field_no(const struct fb_entity *e, uint32_t no)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].no == no) {
            return &e->fields[i];
        }
    }
    return NULL;
}

const struct fb_value *fb_row_value(const struct fb_row *row, const char *name)
{
    const struct fb_field *f = fb_entity_field(row->entity, name);
    return f == NULL ? &fb_value_null : &row->values[f->index];
}

bool fb_row_has_text(const struct fb_row *row, const char *name, const char *text)
{
    return fb_value_is_text(fb_row_value(row, name), text);
}

const struct fb_entity *fb_field_target(const struct fb_field *field, const struct fb_value *name)
{
    if (field->target_name == NULL) {
        return field->target_count == 0 ? NULL : field->targets[0];
    }
    for (size_t i = 0; i < field->target_count; i++) {
        if (fb_value_is_text(name, field->targets[i]->name)) {
            return field->targets[i];
        }
    }
    return NULL;
}

void fb_entity_each_part(const struct fb_catalogue *c, const struct fb_entity *e,
                         void (*f)(void *ctx, const struct fb_entity *part), void *ctx)
{
    for (size_t i = 0; i < c->entity_count; i++) {
        if (c->entities[i].parent == e) {
            f(ctx, &c->entities[i]);
        }
    }
}

/* A translation says with this one word which of our two labels goes with it. */
static bool is_chinese(void)
{
    return strcmp(fb_text("label_en"), "label_zh") == 0;
}

const char *fb_field_label(const struct fb_field *field)
{
    return is_chinese() ? field->label_zh : field->label_en;
}

const char *fb_entity_label(const struct fb_entity *entity)
{
    return is_chinese() ? entity->label_zh : entity->label_en;
}
