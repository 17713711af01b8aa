/* SPDX-License-Identifier: MIT */
#include "common/base/buf.h"
#include "common/catalogue/catalogue.h"

/* Names and sort keys are plain; labels hold no control characters (fb_load_label), so quotes and backslashes are all. */
static void append_text(struct fb_buf *buf, const char *text)
{
    fb_buf_append_byte(buf, '"');
    for (const char *at = text; *at != 0; at++) {
        if (*at == '"' || *at == '\\') {
            fb_buf_append_byte(buf, '\\');
        }
        fb_buf_append_byte(buf, (uint8_t)*at);
    }
    fb_buf_append_byte(buf, '"');
}

static void append_member(struct fb_buf *buf, const char *key, const char *text)
{
    fb_buf_printf(buf, "\"%s\":", key);
    append_text(buf, text);
}

static void append_names(struct fb_buf *buf, const char *key, const struct fb_name_list *list)
{
    fb_buf_printf(buf, "\"%s\":[", key);
    for (size_t i = 0; i < list->count; i++) {
        fb_buf_append_text(buf, i > 0 ? "," : "");
        append_text(buf, list->names[i]);
    }
    fb_buf_append_byte(buf, ']');
}

static void append_form(struct fb_buf *buf, const struct fb_layout *layout)
{
    fb_buf_append_text(buf, "\"form\":[");
    for (size_t i = 0; i < layout->section_count; i++) {
        const struct fb_section *s = &layout->sections[i];
        fb_buf_append_text(buf, i > 0 ? ",{" : "{");
        append_member(buf, "title_en", s->title_en);
        fb_buf_append_byte(buf, ',');
        append_member(buf, "title_zh", s->title_zh);
        fb_buf_append_byte(buf, ',');
        append_names(buf, "fields", &s->fields);
        fb_buf_append_byte(buf, '}');
    }
    fb_buf_append_byte(buf, ']');
}

static void append_calendar(struct fb_buf *buf, const struct fb_layout *layout)
{
    fb_buf_append_text(buf, ",\"calendar\":{");
    append_member(buf, "start", layout->calendar_start->name);
    if (layout->calendar_end != NULL) {
        fb_buf_append_byte(buf, ',');
        append_member(buf, "end", layout->calendar_end->name);
    }
    fb_buf_append_byte(buf, ',');
    append_member(buf, "title", layout->calendar_title);
    fb_buf_append_byte(buf, '}');
}

static void append_layout(struct fb_buf *buf, const struct fb_layout *layout)
{
    fb_buf_append_text(buf, "\"layout\":{\"list\":{");
    append_names(buf, "columns", &layout->columns);
    fb_buf_append_byte(buf, ',');
    append_member(buf, "sort", layout->sort);
    fb_buf_append_text(buf, "},");
    append_form(buf, layout);
    fb_buf_append_byte(buf, ',');
    append_names(buf, "quick", &layout->quick);
    fb_buf_append_byte(buf, ',');
    append_names(buf, "header", &layout->header);
    fb_buf_append_byte(buf, ',');
    append_names(buf, "second", &layout->second);
    if (layout->kanban != NULL) {
        fb_buf_append_byte(buf, ',');
        append_member(buf, "kanban", layout->kanban->name);
    }
    if (layout->calendar_start != NULL) {
        append_calendar(buf, layout);
    }
    fb_buf_append_byte(buf, '}');
}

void fb_catalogue_append_pages(const struct fb_entity *e, struct fb_buf *buf)
{
    if (e->module != NULL) {
        append_member(buf, "module", e->module->key);
        fb_buf_append_byte(buf, ',');
    }
    append_member(buf, "icon", e->icon);
    fb_buf_append_byte(buf, ',');
    append_member(buf, "measure", e->measure);
    fb_buf_append_byte(buf, ',');
    append_member(buf, "plural", e->plural_en);
    fb_buf_append_byte(buf, ',');
    append_layout(buf, &e->layout);
}

void fb_catalogue_append_modules(const struct fb_catalogue *c, struct fb_buf *buf)
{
    fb_buf_append_byte(buf, '[');
    for (size_t i = 0; i < c->module_count; i++) {
        const struct fb_module *m = &c->modules[i];
        fb_buf_append_text(buf, i > 0 ? ",{" : "{");
        append_member(buf, "key", m->key);
        fb_buf_append_byte(buf, ',');
        append_member(buf, "en", m->label_en);
        fb_buf_append_byte(buf, ',');
        append_member(buf, "zh", m->label_zh);
        fb_buf_append_byte(buf, ',');
        append_member(buf, "icon", m->icon);
        fb_buf_append_text(buf, ",\"entities\":[");
        for (size_t k = 0; k < m->entity_count; k++) {
            fb_buf_append_text(buf, k > 0 ? "," : "");
            append_text(buf, m->entities[k]->name);
        }
        fb_buf_append_text(buf, "]}");
    }
    fb_buf_append_byte(buf, ']');
}
