/* SPDX-License-Identifier: MIT
 *
 * Held changes as JSON (trying them again: held_again.c). The form (held_change.changes; also read by the command line):
 *
 *     [{"entity": "contact", "id": "...", "op": "insert" | "update" | "delete" | "named",
 *       "cursor": 12, "edited_at": 1700000000000,             by headquarters' clock
 *       "timeline": "...",                                     of the cursor, where it is one that headquarters lost
 *       "fields": {"phone":  {"base": "1", "mine": "2", "edited_at": 1700000000000},
 *                  "visits": {"base": 1, "mine": 3, "steps": [{"id": "<hex>", "at": 1700000000000, "from": 1, "to": 3}]}}}]
 *
 * Values are as fb_value_append_json writes them; an absent one is left out. What the catalogue does not know is named by its number,
 * "#12".
 */
#include <jansson.h>
#include <stdlib.h>

#include "common/base/hex.h"
#include "server/internal.h"

/* ---- Writing ---- */

/* A whole push beyond this stays as its bytes in fb_staged_part. */
#define WRITTEN_BYTES_MAX ((size_t)4 * 1024 * 1024)

static const char *const OP_NAMES[] = {[FB_CHANGE_NAMED] = "named",
                                       [FB_CHANGE_INSERT] = "insert",
                                       [FB_CHANGE_UPDATE] = "update",
                                       [FB_CHANGE_DELETE] = "delete"};

static void append_value(struct fb_buf *out, const char *name, const struct fb_value *v)
{
    if (v->type != FB_ABSENT) {
        fb_buf_printf(out, "\"%s\":", name);
        fb_value_append_json(out, v);
        fb_buf_append_byte(out, ',');
    }
}

static void append_step(struct fb_buf *out, const struct fb_step *step, int64_t offset_ms)
{
    fb_buf_append_text(out, "{\"id\":\"");
    fb_hex_append(out, step->id, sizeof step->id);
    fb_buf_append_text(out, "\",");
    append_value(out, "from", &step->from);
    append_value(out, "to", &step->to);
    fb_buf_printf(out, "\"at\":%lld}", (long long)step->at_ms + offset_ms);
}

static void append_field(struct fb_buf *out, const struct fb_entity *e,
                         const struct fb_field_change *c, int64_t offset_ms)
{
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field_no(e, c->field_no);
    if (f != NULL) {
        fb_buf_printf(out, "\"%s\":{", f->name);
    } else {
        fb_buf_printf(out, "\"#%u\":{", (unsigned)c->field_no);
    }
    append_value(out, "base", &c->base);
    append_value(out, "mine", &c->mine);
    if (c->step_count > 0) {
        fb_buf_append_text(out, "\"steps\":[");
        for (size_t i = 0; i < c->step_count; i++) {
            fb_buf_append_text(out, i > 0 ? "," : "");
            append_step(out, &c->steps[i], offset_ms);
        }
        fb_buf_append_text(out, "],");
    }
    fb_buf_printf(out, "\"cursor\":%lld,\"edited_at\":%lld}", (long long)c->cursor,
                  (long long)c->edited_at_ms + offset_ms);
}

static void append_change(struct fb_work *w, struct fb_buf *out, const struct fb_change *c)
{
    const struct fb_entity *e = fb_catalogue_entity_no(w->catalogue, c->entity_no);
    int64_t offset_ms = w->source.clock_offset_ms;
    if (e != NULL) {
        fb_buf_printf(out, "{\"entity\":\"%s\",", e->name);
    } else {
        fb_buf_printf(out, "{\"entity\":\"#%u\",", (unsigned)c->entity_no);
    }
    fb_buf_printf(out, "\"id\":\"%s\",\"op\":\"%s\",\"cursor\":%lld,\"edited_at\":%lld,", c->row_id,
                  OP_NAMES[c->op], (long long)c->cursor, (long long)c->edited_at_ms + offset_ms);
    if (fb_source_has_lost_timeline(w->hub, &w->source)) {
        fb_buf_printf(out, "\"timeline\":\"%s\",", w->source.timeline);
    }
    fb_buf_append_text(out, "\"fields\":{");
    for (size_t i = 0; i < c->field_count; i++) {
        fb_buf_append_text(out, i > 0 ? "," : "");
        append_field(out, e, &c->fields[i], offset_ms);
    }
    fb_buf_append_text(out, "}}");
}

static int finish_json(struct fb_work *w, struct fb_buf *out, const char **ret)
{
    fb_buf_append_byte(out, ']');
    int rc = fb_buf_error(out);
    *ret = rc < 0 ? NULL : fb_arena_copy(w->arena, out->bytes, out->size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

int fb_held_json(struct fb_work *w, const struct fb_aggregate *a, const char **ret)
{
    /* The list grew at its head: the push's order is the reverse. */
    size_t count = 0;
    for (const struct fb_work_row *row = a->rows; row != NULL; row = row->aggregate_next) {
        count++;
    }
    const struct fb_change **changes =
        fb_arena_alloc(w->arena, (count + 1) * sizeof(struct fb_change *));
    if (changes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t at = count;
    for (const struct fb_work_row *row = a->rows; row != NULL; row = row->aggregate_next) {
        changes[--at] = row->change;
    }
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '[');
    for (size_t i = 0; i < count; i++) {
        if (changes[i] != NULL) {
            fb_buf_append_text(&w->text, w->text.size > 1 ? "," : "");
            append_change(w, &w->text, changes[i]);
        }
    }
    return finish_json(w, &w->text, ret);
}

int fb_held_push_json(struct fb_work *w, const struct fb_change *changes, size_t count,
                      const char **ret)
{
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '[');
    for (size_t i = 0; i < count && w->text.size < WRITTEN_BYTES_MAX; i++) {
        fb_buf_append_text(&w->text, i > 0 ? "," : "");
        append_change(w, &w->text, &changes[i]);
    }
    if (count == 0 || w->text.size >= WRITTEN_BYTES_MAX) {
        fb_buf_clear(&w->text);
        fb_buf_printf(&w->text, "[{\"incarnation\":%lld,\"push\":%lld,\"parts\":%lld}",
                      (long long)w->source.incarnation, (long long)w->source.push,
                      (long long)w->source.parts);
    }
    return finish_json(w, &w->text, ret);
}

int fb_held_stray_json(struct fb_work *w, const struct fb_change *c, const char **ret)
{
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '[');
    append_change(w, &w->text, c);
    return finish_json(w, &w->text, ret);
}

/* ---- Reading: people may have edited it ---- */

struct reader {
    const struct fb_catalogue *catalogue;
    struct fb_arena *arena;
    const char *timeline; /* of the cursors; NULL: headquarters' own */
    struct fb_why *why;
};

static int fail(struct reader *r, const char *what)
{
    return fb_fail(r->why, FB_ERR_INVALID, "The kept change cannot be read: %s.", fb_text(what));
}

static int read_bytes(struct reader *r, const json_t *hex, const struct fb_field *f,
                      struct fb_value *ret)
{
    size_t size = json_string_length(hex) / 2;
    uint8_t *bytes = fb_arena_alloc(r->arena, size + 1);
    if (bytes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (!json_is_string(hex) || !fb_hex_read(json_string_value(hex), bytes, size)) {
        return fail(r, "bytes are not hexadecimal");
    }
    bool is_text = f != NULL && f->storage == FB_TEXT;
    *ret = is_text ? fb_value_text_n((const char *)bytes, size) : fb_value_blob(bytes, size);
    return FB_OK;
}

static int read_value(struct reader *r, const json_t *v, const struct fb_field *f,
                      struct fb_value *ret)
{
    if (v == NULL || json_object_get(v, "$absent") != NULL) {
        *ret = (struct fb_value){0};
    } else if (json_is_null(v)) {
        *ret = FB_VALUE_NULL;
    } else if (json_is_integer(v)) {
        *ret = fb_value_int(json_integer_value(v));
    } else if (json_is_boolean(v)) {
        *ret = fb_value_int(json_is_true(v) ? 1 : 0);
    } else if (json_is_string(v)) {
        const char *copy = fb_arena_copy(r->arena, json_string_value(v), json_string_length(v));
        *ret = fb_value_text_n(copy, json_string_length(v));
        return copy == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    } else if (json_object_get(v, "$hex") != NULL) {
        return read_bytes(r, json_object_get(v, "$hex"), f, ret);
    } else {
        return fail(r, "a value is neither a number nor a text");
    }
    return FB_OK;
}

static int read_steps(struct reader *r, const json_t *list, const struct fb_field *f,
                      struct fb_field_change *ret)
{
    size_t count = json_array_size(list);
    ret->steps = fb_arena_alloc(r->arena, (count + 1) * sizeof *ret->steps);
    if (ret->steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *step = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(step, "id"));
        struct fb_step *to = &ret->steps[i];
        if (id == NULL || strlen(id) != 2 * sizeof to->id ||
            !fb_hex_read(id, to->id, sizeof to->id)) {
            return fail(r, "a step has no id");
        }
        to->at_ms = json_integer_value(json_object_get(step, "at"));
        int rc = read_value(r, json_object_get(step, "from"), f, &to->from);
        rc = rc < 0 ? rc : read_value(r, json_object_get(step, "to"), f, &to->to);
        if (rc < 0) {
            return rc;
        }
    }
    ret->step_count = count;
    return FB_OK;
}

static int read_field(struct reader *r, const struct fb_entity *e, const char *name,
                      const json_t *json, struct fb_field_change *ret)
{
    const struct fb_field *f = e == NULL || name[0] == '#' ? NULL : fb_entity_field(e, name);
    if (f == NULL && name[0] != '#') {
        return fail(r, "it names a field the catalogue does not have");
    }
    ret->field_no = f != NULL ? f->no : (uint32_t)strtoul(name + 1, NULL, 10);
    ret->edited_at_ms = json_integer_value(json_object_get(json, "edited_at"));
    ret->cursor = json_integer_value(json_object_get(json, "cursor"));
    int rc = read_value(r, json_object_get(json, "base"), f, &ret->base);
    rc = rc < 0 ? rc : read_value(r, json_object_get(json, "mine"), f, &ret->mine);
    return rc < 0 ? rc : read_steps(r, json_object_get(json, "steps"), f, ret);
}

static int read_fields(struct reader *r, const struct fb_entity *e, json_t *fields,
                       struct fb_change *ret)
{
    const char *name;
    json_t *field;
    ret->fields = fb_arena_alloc(r->arena, (json_object_size(fields) + 1) * sizeof *ret->fields);
    if (ret->fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    json_object_foreach(fields, name, field)
    {
        int rc = read_field(r, e, name, field, &ret->fields[ret->field_count]);
        if (rc < 0) {
            return rc;
        }
        if (ret->fields[ret->field_count].edited_at_ms == 0) {
            ret->fields[ret->field_count].edited_at_ms = ret->edited_at_ms;
        }
        ret->field_count++;
    }
    return FB_OK;
}

static int read_change(struct reader *r, const json_t *json, struct fb_change *ret)
{
    const char *entity = json_string_value(json_object_get(json, "entity"));
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *op = json_string_value(json_object_get(json, "op"));
    if (entity == NULL || id == NULL || op == NULL || !fb_id_is_valid(id, strlen(id))) {
        return fail(r, "a change lacks entity, id or op");
    }
    const struct fb_entity *e = fb_catalogue_entity(r->catalogue, entity);
    if (e == NULL && entity[0] != '#') {
        return fail(r, "it names a kind of record the catalogue does not have");
    }
    size_t i = 0;
    while (i < sizeof OP_NAMES / sizeof OP_NAMES[0] && strcmp(OP_NAMES[i], op) != 0) {
        i++;
    }
    if (i == sizeof OP_NAMES / sizeof OP_NAMES[0]) {
        return fail(r, "a change's op is not known");
    }
    ret->op = (enum fb_change_op)i;
    ret->entity_no = e != NULL ? e->no : (uint32_t)strtoul(entity + 1, NULL, 10);
    memcpy(ret->row_id, id, sizeof ret->row_id);
    ret->cursor = json_integer_value(json_object_get(json, "cursor"));
    ret->edited_at_ms = json_integer_value(json_object_get(json, "edited_at"));
    const char *timeline = json_string_value(json_object_get(json, "timeline"));
    if (timeline != NULL && fb_id_is_valid(timeline, strlen(timeline))) {
        r->timeline = fb_arena_strdup(r->arena, timeline);
        if (r->timeline == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    return read_fields(r, e, json_object_get(json, "fields"), ret);
}

int fb_held_parse(const struct fb_catalogue *c, const char *json, size_t size,
                  struct fb_arena *arena, struct fb_held *ret, struct fb_why *why)
{
    struct reader r = {.catalogue = c, .arena = arena, .why = why};
    json_error_t error;
    json_t *list = json_loadb(json, size, JSON_ALLOW_NUL, &error);
    size_t count = json_array_size(list);
    struct fb_change *changes = fb_arena_alloc(arena, (count + 1) * sizeof *changes);
    int rc = changes == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    if (rc == FB_OK && !json_is_array(list)) {
        rc = fail(&r, "it is no JSON list");
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = read_change(&r, json_array_get(list, i), &changes[i]);
    }
    json_decref(list);
    if (rc == FB_OK) {
        *ret = (struct fb_held){.changes = changes, .count = count, .timeline = r.timeline};
    }
    return rc;
}
