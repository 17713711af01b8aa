/* SPDX-License-Identifier: MIT
 *
 * A form's values onto a row. The same checks on both nodes: a laptop must not let through what headquarters would hold.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_write.h"

static int add_check(struct fb_api_form *f, const char *name, const struct fb_api_check *check)
{
    char path[2 * FB_NAME_BYTES_MAX + 32];
    snprintf(path, sizeof path, "%s%s", f->prefix, name);
    fb_api_checks_add(f->checks, path, check);
    return fb_buf_error(&f->checks->fields);
}

void fb_api_form_complain(struct fb_api_form *f, const struct fb_field *field, const char *code,
                          const char *params, const char *sentence)
{
    struct fb_api_check check;
    fb_api_check_set(&check, code, "%s: %s", fb_field_label(field), fb_text(sentence));
    snprintf(check.params, sizeof check.params, "%s", params);
    fb_ignore(add_check(f, field->name, &check), "the buffer remembers its error");
}

int fb_api_form_value(struct fb_api_form *f, const char *name, const json_t *json,
                      const struct fb_field **ret, struct fb_value *ret_value)
{
    const struct fb_field *field = fb_entity_field(f->entity, name);
    struct fb_api_check check = {.code = NULL};
    *ret = NULL;
    if (field == NULL || !fb_api_sees_value(f->a, f->entity, field, f->is_own)) {
        fb_api_check_set(&check, "unknown", "%s has no field '%.63s'", fb_entity_label(f->entity),
                         name);
        return add_check(f, name, &check);
    }
    if (!fb_api_writes_field(f->a, f->entity, field, f->is_own)) {
        fb_api_form_complain(f, field, "read_only", "", "this field cannot be changed here.");
        return FB_OK;
    }
    int rc = fb_api_read_value(field, json, f->a->arena, ret_value, &check);
    if (rc == FB_ERR_INVALID) {
        return add_check(f, name, &check);
    }
    *ret = rc < 0 ? NULL : field;
    return rc;
}

void fb_api_form_set(struct fb_api_form *f, const struct fb_field *field, const struct fb_value *v)
{
    f->row.values[field->index] = *v;
    f->mask[field->index / 64] |= UINT64_C(1) << (field->index % 64);
}

/* ---- Checks against what is there ---- */

static int is_known_reference(struct fb_api *a, const struct fb_entity *e, const char *id,
                              bool *ret)
{
    int rc = fb_row_exists(a->store, e, id, ret);
    if (rc < 0 || *ret) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(a->store, "SELECT 1 FROM reference WHERE entity = ?1 AND id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, e->name);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

static int check_reference(struct fb_api_form *f, const struct fb_field *field)
{
    const struct fb_value *v = &f->row.values[field->index];
    const struct fb_entity *target = fb_row_target(&f->row, field);
    char id[FB_ROW_ID_SIZE] = "";
    bool is_known = false;
    int rc = FB_OK;
    if (target != NULL && fb_value_to_id(v, id)) {
        rc = is_known_reference(f->a, target, id, &is_known);
    }
    if (rc == FB_OK && !is_known) {
        char params[64];
        snprintf(params, sizeof params, "\"v\":\"%s\"", id);
        fb_api_form_complain(f, field, "lookup", params, "there is no such record.");
    }
    return rc;
}

/* A value of an administrator's list: one that is not on it, or not used any more. A list that is not here yet refuses
 * nothing. */
static int check_pick(struct fb_api_form *f, const struct fb_field *field)
{
    const struct fb_value *v = &f->row.values[field->index];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    if (fb_catalogue_entity(f->a->catalogue, "choice") == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_begin(f->a->store,
                          "SELECT (SELECT active FROM choice WHERE choice_list_id = l.id AND value "
                          "= ?2) FROM choice_list AS l WHERE l.name = ?1 AND EXISTS (SELECT 1 FROM "
                          "choice WHERE choice_list_id = l.id) LIMIT 1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, field->list);
    fb_sql_bind_value(q, 2, v);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    struct fb_value active = fb_sql_value(q, 0);
    if (active.type != FB_INT || active.integer == 0) {
        FB_AUTO(fb_buf_release) struct fb_buf params;
        fb_buf_init(&params, (size_t)FB_VALUE_BYTES_MAX * 6);
        fb_buf_append_text(&params, "\"v\":");
        fb_api_append_text(&params, v->bytes, v->size > 30 ? 30 : v->size);
        fb_api_form_complain(f, field, active.type == FB_INT ? "retired" : "choice",
                             fb_buf_text(&params), "choose another value from the list.");
    }
    return FB_OK;
}

static int check_field(struct fb_api_form *f, const struct fb_field *field)
{
    const struct fb_value *v = &f->row.values[field->index];
    if (fb_value_is_empty(v)) {
        bool is_filled_by_table = f->is_new && field->type == FB_TYPE_SEQ;
        if (field->is_required && !is_filled_by_table) {
            fb_api_form_complain(f, field, "required", "", "please fill it in.");
        }
        return FB_OK;
    }
    switch (field->type) {
    case FB_TYPE_REF:
    case FB_TYPE_POLY:
        return check_reference(f, field);
    case FB_TYPE_PICK:
        return check_pick(f, field);
    default:
        return FB_OK;
    }
}

/* A field that already has something to complain about is not judged twice. */
int fb_api_form_check(struct fb_api_form *f)
{
    int rc = FB_OK;
    for (uint32_t i = 0; rc == FB_OK && i < f->entity->field_count; i++) {
        const struct fb_field *field = &f->entity->fields[i];
        bool is_named_anew =
            field->target_name != NULL && fb_api_is_set(f->mask, field->target_name->index);
        char quoted[FB_NAME_BYTES_MAX + 64];
        snprintf(quoted, sizeof quoted, "\"%.32s%s\":", f->prefix, field->name);
        if ((f->is_new || fb_api_is_set(f->mask, i) || is_named_anew) &&
            strstr(fb_buf_text(&f->checks->fields), quoted) == NULL) {
            rc = check_field(f, field);
        }
    }
    return rc;
}

int fb_api_form_open(struct fb_api_form *f, const char *id, enum fb_api_act act)
{
    struct fb_api *a = f->a;
    int rc = fb_api_row_now(a, f->entity, id, act, &f->before);
    if (rc < 0) {
        return rc;
    }
    size_t size = f->entity->field_count * sizeof(struct fb_value);
    f->row = f->before;
    f->row.values = fb_arena_alloc(a->arena, size);
    f->is_own = fb_api_is_own(a, &f->before);
    if (f->row.values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(f->row.values, f->before.values, size);
    return FB_OK;
}

/* ---- Writing ---- */

static int stamp(struct fb_api_form *f)
{
    struct fb_api *a = f->a;
    char text[FB_INSTANT_SIZE];
    fb_instant_format(a->web->now_ms, text);
    const char *at = fb_arena_strdup(a->arena, text);
    if (at == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_value who = a->me[0] == '\0' ? FB_VALUE_NULL : fb_value_text(a->me);
    if (f->is_new) {
        f->row.stamps[0] = fb_value_text(at);
        f->row.stamps[1] = who;
    }
    f->row.stamps[2] = fb_value_text(at);
    f->row.stamps[3] = who;
    return FB_OK;
}

int fb_api_form_write(struct fb_api_form *f)
{
    bool has_fields = false;
    for (size_t i = 0; i < FB_ROW_MASK_WORDS; i++) {
        has_fields = has_fields || f->mask[i] != 0;
    }
    if (!f->is_new && !has_fields) {
        return FB_OK;
    }
    int rc = stamp(f);
    rc = rc < 0 ? rc : fb_api_note_done(f);
    if (rc < 0) {
        return rc;
    }
    rc = f->is_new ? fb_row_insert(f->a->store, &f->row)
                   : fb_row_update(f->a->store, &f->row, f->mask, true);
    return rc < 0 ? rc : fb_api_touch(f);
}
