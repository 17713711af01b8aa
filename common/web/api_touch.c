/* SPDX-License-Identifier: MIT
 *
 * The first contact with a lead, the last one with a company and a person there: a call, visit or message that is logged says when, in the
 * transaction that logs it and on whichever node. The earliest or the latest counts, as where two laptops meet (the fields' merge
 * rules). Who may not change the record leaves it as it is.
 */
#include <string.h>

#include "common/web/api_write.h"

/* A message is a contact; an activity once it is done, and unless it is a task of one's own. */
static bool is_contact(const struct fb_row *row)
{
    return strcmp(row->entity->name, "message") == 0 ||
           (strcmp(row->entity->name, "activity") == 0 && fb_row_has_text(row, "status", "done") &&
            !fb_row_has_text(row, "kind", "task"));
}

static bool instant_of(const struct fb_row *row, const char *name, int64_t *ret)
{
    const struct fb_value *v = fb_row_value(row, name);
    return v->type == FB_TEXT && fb_instant_parse(v->bytes, v->size, ret);
}

/* When it was; a plan for later that is done now was now. */
static int64_t contact_ms(const struct fb_row *row, int64_t now_ms)
{
    static const char *const NAMES[] = {"done_at", "at", "starts_at"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        int64_t ms = 0;
        if (instant_of(row, NAMES[i], &ms) && ms <= now_ms) {
            return ms;
        }
    }
    return now_ms;
}

static const struct touch {
    const char *by; /* the field of the activity or message that names the record */
    const char *entity;
    const char *field;
    bool is_first;
} TOUCHES[] = {
    {"about_id", "lead", "first_touched_at", true},
    {"company_id", "company", "last_activity_at", false},
    {"contact_id", "contact", "last_activity_at", false},
};

/* The id of the record; false: none of that kind. */
static bool touched(const struct touch *t, const struct fb_row *row,
                    char ret_id[static FB_ROW_ID_SIZE])
{
    const struct fb_field *by = fb_entity_field(row->entity, t->by);
    const struct fb_entity *e = by == NULL ? NULL : fb_row_target(row, by);
    return e != NULL && strcmp(e->name, t->entity) == 0 &&
           fb_value_to_id(&row->values[by->index], ret_id);
}

/* Did it say so before? Then whoever corrected the record since stays right. */
static bool was_told(const struct touch *t, const struct fb_api_form *f,
                     const char id[static FB_ROW_ID_SIZE])
{
    return !f->is_new && is_contact(&f->before) &&
           fb_value_is_id(fb_row_value(&f->before, t->by), id);
}

/* The instant as the field's value; fb_api_form_set borrows it. */
static int set_instant(struct fb_api_form *f, const struct fb_field *field, int64_t at_ms)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(at_ms, text);
    const char *kept = fb_arena_strdup(f->a->arena, text);
    if (kept == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_value v = fb_value_text(kept);
    fb_api_form_set(f, field, &v);
    return FB_OK;
}

static int set_contact(const struct touch *t, struct fb_api_form *record, int64_t at_ms)
{
    struct fb_api *a = record->a;
    int64_t is_ms = 0;
    if (instant_of(&record->before, t->field, &is_ms) &&
        (t->is_first ? is_ms <= at_ms : is_ms >= at_ms)) {
        return FB_OK;
    }
    int rc = set_instant(record, fb_entity_field(record->entity, t->field), at_ms);
    rc = rc < 0 ? rc : fb_api_may_change(a, &record->before, &record->row, record->mask);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc < 0 ? rc : fb_api_form_write(record);
}

static int touch(const struct touch *t, const struct fb_api_form *f)
{
    struct fb_api *a = f->a;
    char row_id[FB_ROW_ID_SIZE];
    struct fb_api_form record = {.a = a, .entity = fb_catalogue_entity(a->catalogue, t->entity)};
    const struct fb_field *field =
        record.entity == NULL ? NULL : fb_entity_field(record.entity, t->field);
    if (field == NULL || !touched(t, &f->row, row_id) || was_told(t, f, row_id)) {
        return FB_OK;
    }
    int rc = fb_api_form_open(&record, row_id, FB_API_EDIT);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc < 0 || !fb_api_writes_field(a, record.entity, field, record.is_own)
               ? rc
               : set_contact(t, &record, contact_ms(&f->row, a->web->now_ms));
}

int fb_api_touch(const struct fb_api_form *f)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && is_contact(&f->row) && i < sizeof TOUCHES / sizeof *TOUCHES;
         i++) {
        rc = touch(&TOUCHES[i], f);
    }
    return rc;
}

int fb_api_note_done(struct fb_api_form *f)
{
    const struct fb_field *status = fb_entity_field(f->entity, "status");
    const struct fb_field *at = fb_entity_field(f->entity, "done_at");
    if (strcmp(f->entity->name, "activity") != 0 || status == NULL || at == NULL ||
        !fb_row_has_text(&f->row, "status", "done") ||
        (!f->is_new && fb_row_has_text(&f->before, "status", "done")) ||
        !fb_value_is_empty(&f->row.values[at->index])) {
        return FB_OK;
    }
    return set_instant(f, at, f->a->web->now_ms);
}
