/* SPDX-License-Identifier: MIT */
#include "common/crm/held.h"

#include <stdio.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/store/sql.h"

static int find_person(struct fb_store *s, const char *person, char ret_id[static FB_ROW_ID_SIZE],
                       struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT id FROM employee WHERE (id = ?1 OR user_name = ?1) AND status <> 'left'", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, person);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? fb_store_error(s, why)
                      : fb_fail(why, FB_ERR_NOT_FOUND, "nobody here has the login %s", person);
    }
    snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    return FB_OK;
}

/* The update of the edit, if it still waits. */
static int run_on_waiting(struct fb_store *s, struct fb_sql *q, const char *id, struct fb_why *why)
{
    if (fb_sql_run(q) < 0) {
        return fb_store_error(s, why);
    }
    return fb_sql_changes(s) > 0
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID,
                         "the held edit %s was dealt with before; `held show` tells how", id);
}

int fb_held_set_state(struct fb_store *s, const char *id, const char *state, const char *changes,
                      struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "UPDATE held_change SET state = ?2, changes = coalesce(?3, changes)"
                          " WHERE id = ?1 AND state = 'waiting'",
                          &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, state);
    fb_sql_bind_text(q, 3, changes);
    return run_on_waiting(s, q, id, why);
}

int fb_held_ask(struct fb_store *s, const char *id, const char *person, struct fb_why *why)
{
    char employee_id[FB_ROW_ID_SIZE];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = find_person(s, person, employee_id, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_begin(s, "UPDATE held_change SET asked_id = ?2 WHERE id = ?1 AND state = 'waiting'",
                      &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, employee_id);
    return run_on_waiting(s, q, id, why);
}

int fb_held_settlers(struct fb_store *s, const char *id, fb_held_person *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT h.asked_id, CASE WHEN h.reason IN ('right', 'locked', 'out_of_scope') THEN "
        "e.manager_id ELSE h.by_id END,"
        " CASE WHEN h.reason IN ('right', 'locked', 'out_of_scope') THEN NULL ELSE e.manager_id END"
        " FROM held_change AS h LEFT JOIN employee AS e ON e.id = h.by_id WHERE h.id = ?1",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    rc = FB_OK;
    for (int i = 0; rc == FB_OK && i < 3; i++) {
        const char *person = fb_sql_text(q, i);
        bool is_said = false;
        for (int k = 0; person != NULL && k < i; k++) {
            const char *before = fb_sql_text(q, k);
            is_said = is_said || (before != NULL && strcmp(before, person) == 0);
        }
        rc = person == NULL || is_said ? FB_OK : f(ctx, person);
    }
    return rc;
}

int fb_held_hanging(struct fb_store *s, const char *id, fb_held_other *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT o.id, o.entity, o.record_id FROM held_change AS h JOIN "
                          "held_change AS o ON o.id <> h.id"
                          " AND o.state = 'waiting' AND (o.record_id = h.record_id OR "
                          "instr(o.changes, h.record_id) > 0)"
                          " WHERE h.id = ?1 ORDER BY o.id LIMIT ?2",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_int(q, 2, FB_DESK_ROWS_MAX);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = f(ctx, fb_sql_text(q, 0), fb_sql_text(q, 1), fb_sql_text(q, 2));
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc;
}
