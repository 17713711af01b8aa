/* SPDX-License-Identifier: MIT
 *
 * The first contact with a lead: a call, visit or message logged about it says when, in the transaction that logs it and on whichever
 * node. The earliest counts, as where two laptops meet (the field's merge rule). Who may not change the lead leaves it as it is.
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

/* The id of the lead the row is about; false: none. */
static bool lead_of(const struct fb_row *row, char ret_id[static FB_ROW_ID_SIZE])
{
    const struct fb_field *about = fb_entity_field(row->entity, "about_id");
    const struct fb_entity *e = about == NULL ? NULL : fb_row_target(row, about);
    return e != NULL && strcmp(e->name, "lead") == 0 &&
           fb_value_to_id(&row->values[about->index], ret_id);
}

/* Did it say so before? Then whoever corrected the lead since stays right. */
static bool was_told(const struct fb_api_form *f, const char lead_id[static FB_ROW_ID_SIZE])
{
    return !f->is_new && is_contact(&f->before) &&
           fb_value_is_id(fb_row_value(&f->before, "about_id"), lead_id);
}

static int set_contact(struct fb_api_form *lead, const struct fb_field *field, int64_t at_ms)
{
    struct fb_api *a = lead->a;
    int64_t is_ms = 0;
    if (instant_of(&lead->before, field->name, &is_ms) && is_ms <= at_ms) {
        return FB_OK;
    }
    char text[FB_INSTANT_SIZE];
    fb_instant_format(at_ms, text);
    const char *kept = fb_arena_strdup(a->arena, text);
    if (kept == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_value v = fb_value_text(kept);
    fb_api_form_set(lead, field, &v);
    int rc = fb_api_may_change(a, &lead->before, &lead->row, lead->mask);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc < 0 ? rc : fb_api_form_write(lead);
}

int fb_api_touch_lead(const struct fb_api_form *f)
{
    struct fb_api *a = f->a;
    char row_id[FB_ROW_ID_SIZE];
    if (!is_contact(&f->row) || !lead_of(&f->row, row_id) || was_told(f, row_id)) {
        return FB_OK;
    }
    struct fb_api_form lead = {.a = a, .entity = fb_catalogue_entity(a->catalogue, "lead")};
    const struct fb_field *field = fb_entity_field(lead.entity, "first_touched_at");
    int rc = fb_api_form_open(&lead, row_id, FB_API_EDIT);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc < 0 || field == NULL || !fb_api_writes_field(a, lead.entity, field, lead.is_own)
               ? rc
               : set_contact(&lead, field, contact_ms(&f->row, a->web->now_ms));
}
