/* SPDX-License-Identifier: MIT
 *
 * Edits of an account that left their author before they arrived. They are merged, since they were made while it was his (rule 23); but he
 * will not see the record again, and whoever has it now did not know of them. The author gets a receipt for each record, those who have
 * the account now one notification for it and push.
 */
#include "server/internal.h"

#define TOLD_MAX 50 /* people told of one account */

struct telling {
    struct fb_work *w;
    const struct fb_entity *notification;
    char companies[64]
                  [FB_ROW_ID_SIZE]; /* told of already; more of them in one push are told again */
    size_t company_count;
};

/* The first company among the scopes the row belongs to; false: it has none. */
static int company_of(struct fb_work *w, const struct fb_work_row *row,
                      char ret[static FB_ROW_ID_SIZE])
{
    ret[0] = '\0';
    fb_buf_clear(&w->text);
    int rc = fb_scope_of_row_cached(w->hub->scopes, w->store,
                                    row->is_here ? &row->now : &row->before, &w->text);
    const char *key = rc < 0 ? NULL : strstr(fb_buf_text(&w->text), "company:");
    if (key != NULL && strlen(key) >= 8 + FB_ROW_ID_SIZE - 1) {
        memcpy(ret, key + 8, FB_ROW_ID_SIZE - 1);
        ret[FB_ROW_ID_SIZE - 1] = '\0';
    }
    return rc;
}

static int tell_person(struct telling *t, const char *employee_id, const char *company_id)
{
    struct fb_work_row *to = NULL;
    int rc = fb_work_add(t->w, t->notification, &to);
    rc = rc < 0 ? rc : fb_work_set_text(t->w, to, "employee_id", employee_id);
    rc = rc < 0 ? rc : fb_work_set_text(t->w, to, "kind", "sync");
    rc = rc < 0 ? rc
                : fb_work_set_text(t->w, to, "title",
                                   fb_text("Edits by its former holder came in for an account "
                                           "that is yours now."));
    rc = rc < 0 ? rc : fb_work_set_text(t->w, to, "entity", "company");
    rc = rc < 0 ? rc : fb_work_set_text(t->w, to, "record_id", company_id);
    return rc < 0 ? rc : fb_work_set_text(t->w, to, "by_id", t->w->source.employee_id);
}

/* Its owner and the members of its territories, but the author. */
static int tell_holders(struct telling *t, const char *company_id)
{
    char people[TOLD_MAX][FB_ROW_ID_SIZE];
    size_t count = 0;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        t->w->store,
        "SELECT owner_id FROM company WHERE id = ?1 AND owner_id IS NOT NULL"
        " UNION SELECT m.employee_id FROM company_territory c JOIN territory_member m"
        " ON m.territory_id = c.territory_id WHERE c.company_id = ?1"
        " AND (m.from_on IS NULL OR m.from_on <= strftime('%Y-%m-%d', ?3 / 1000, 'unixepoch'))"
        " AND (m.to_on IS NULL OR m.to_on >= strftime('%Y-%m-%d', ?3 / 1000, 'unixepoch'))"
        " EXCEPT SELECT ?2",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, company_id);
    fb_sql_bind_text(q, 2, t->w->source.employee_id);
    fb_sql_bind_int(q, 3, t->w->now_ms);
    while (count < TOLD_MAX && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *id = fb_sql_text(q, 0);
        if (id != NULL && strlen(id) == FB_ROW_ID_SIZE - 1) {
            memcpy(people[count++], id, FB_ROW_ID_SIZE);
        }
    }
    rc = rc < 0 ? rc : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = tell_person(t, people[i], company_id);
    }
    return rc;
}

static bool was_told(struct telling *t, const char *company_id)
{
    for (size_t i = 0; i < t->company_count; i++) {
        if (strcmp(t->companies[i], company_id) == 0) {
            return true;
        }
    }
    if (t->company_count < sizeof t->companies / sizeof t->companies[0]) {
        memcpy(t->companies[t->company_count++], company_id, FB_ROW_ID_SIZE);
    }
    return false;
}

static int tell(struct telling *t, struct fb_work_row *row)
{
    char company_id[FB_ROW_ID_SIZE];
    int rc = row->conflicts != NULL /* its receipt says more */
                 ? FB_OK
                 : fb_receipt_write(t->w, row->entity->name, row->id, "merged", "{\"moved\":true}");
    rc = rc < 0 ? rc : company_of(t->w, row, company_id);
    return rc < 0 || company_id[0] == '\0' || was_told(t, company_id) ? rc
                                                                      : tell_holders(t, company_id);
}

int fb_moved_tell(struct fb_work *w)
{
    struct telling t = {.w = w, .notification = fb_catalogue_entity(w->catalogue, "notification")};
    size_t count = w->row_count;
    bool has_all = t.notification != NULL && w->source.employee_id != NULL &&
                   fb_catalogue_entity(w->catalogue, "company_territory") != NULL &&
                   fb_catalogue_entity(w->catalogue, "territory_member") != NULL;
    int rc = FB_OK;
    for (size_t i = 0; has_all && rc == FB_OK && i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        bool is_held = row->aggregate != NULL && row->aggregate->is_held;
        rc = row->has_moved_away && !is_held ? tell(&t, row) : FB_OK;
    }
    return rc;
}
