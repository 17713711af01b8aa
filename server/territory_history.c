/* SPDX-License-Identifier: MIT
 *
 * When a company entered and left a territory, and by whom: a row of territory_change for each, in the rev that moved it, whoever did it.
 */
#include "server/internal.h"

static int add_change(struct fb_work *w, const struct fb_row *row, const char *what)
{
    const struct fb_entity *e = row->entity;
    const struct fb_field *company = fb_entity_field(e, "company_id");
    const struct fb_field *territory = fb_entity_field(e, "territory_id");
    const struct fb_field *how = fb_entity_field(e, "how");
    const struct fb_entity *change = fb_catalogue_entity(w->catalogue, "territory_change");
    char company_id[FB_ROW_ID_SIZE];
    char territory_id[FB_ROW_ID_SIZE];
    bool is_here = false;
    if (company == NULL || territory == NULL || how == NULL ||
        !fb_value_to_id(&row->values[company->index], company_id) ||
        !fb_value_to_id(&row->values[territory->index], territory_id)) {
        return FB_OK;
    }
    int rc = fb_work_is_here(w, company->targets[0], company_id, &is_here);
    if (rc < 0 || !is_here) {
        return rc; /* it is deleted: nobody's any more */
    }
    struct fb_work_row *to = NULL;
    rc = fb_work_add(w, change, &to);
    rc = rc < 0 ? rc : fb_work_set_text(w, to, "company_id", company_id);
    rc = rc < 0 ? rc : fb_work_set_text(w, to, "territory_id", territory_id);
    rc = rc < 0 ? rc : fb_work_set_text(w, to, "what", what);
    rc = rc < 0 ? rc : fb_work_set_named(w, to, "how", &row->values[how->index]);
    rc = rc < 0 ? rc : fb_work_set_instant(w, to, "at", w->now_ms);
    return rc < 0 || w->source.employee_id == NULL
               ? rc
               : fb_work_set_text(w, to, "by_id", w->source.employee_id);
}

static bool has_moved(const struct fb_work_row *row)
{
    const struct fb_field *territory = fb_entity_field(row->entity, "territory_id");
    return row->was_here != row->is_here ||
           (territory != NULL && row->is_here && fb_mask_get(row->mask, territory->index));
}

int fb_territory_history_add(struct fb_work *w)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "company_territory");
    size_t count = w->row_count;
    int rc = FB_OK;
    if (e == NULL || fb_catalogue_entity(w->catalogue, "territory_change") == NULL) {
        return FB_OK;
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        if (row->entity != e || !has_moved(row)) {
            continue;
        }
        rc = row->was_here ? add_change(w, &row->before, "left") : FB_OK;
        rc = rc < 0 || !row->is_here ? rc : add_change(w, &row->now, "entered");
    }
    return rc;
}
