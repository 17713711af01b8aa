/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/store/inside.h"

int fb_store_quick_check(struct fb_store *s, const char *pragma, struct fb_why *why)
{
    char answer[200] = "";
    int rc = fb_store_read_pragma(s, pragma, answer, sizeof answer);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    if (strcmp(answer, "ok") != 0) {
        const char *finding = strstr(answer, "***\n"); /* behind "*** in database main ***" */
        finding = finding == NULL ? answer : finding + strlen("***\n");
        return fb_fail(why, FB_ERR_DAMAGED,
                       "%s is damaged (%s): restore a backup (headquarters), or run "
                       "`fieldbook-replica doctor --salvage` (laptop), which keeps the file and "
                       "saves what can be read of the unsent work",
                       sqlite3_db_filename(s->db, "main"), finding);
    }
    return FB_OK;
}

void fb_store_interrupt(struct fb_store *s)
{
    atomic_store(&s->is_interrupted, true);
    sqlite3_interrupt(s->db);
}

static int check_table(struct fb_store *s, const char *name, struct fb_why *why)
{
    char *pragma = sqlite3_mprintf("PRAGMA quick_check(%Q)", name);
    int rc = pragma == NULL ? fb_store_note(s, SQLITE_NOMEM) : FB_OK;
    rc = rc < 0 ? fb_store_error(s, why) : fb_store_quick_check(s, pragma, why);
    sqlite3_free(pragma);
    return rc;
}

/* The statement that found the table stays open meanwhile: it holds the transaction in which the table is there, and SQLite
 * forgets an interrupt that comes while no statement runs. */
static int check_next_table(struct fb_store *s, int64_t *at, bool *ret_is_end, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT rowid, name FROM sqlite_schema "
                          "WHERE type = 'table' AND rowid > ?1 ORDER BY rowid LIMIT 1",
                          &q);
    if (rc == FB_OK) {
        fb_sql_bind_int(q, 1, *at);
        rc = fb_sql_step(q);
    }
    if (rc >= 0 && atomic_load(&s->is_interrupted)) {
        rc = fb_store_note(s, SQLITE_INTERRUPT);
    }
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    *ret_is_end = rc == FB_SQL_DONE;
    if (*ret_is_end) {
        return FB_OK;
    }
    *at = fb_sql_int(q, 0);
    return check_table(s, fb_sql_text(q, 1), why);
}

int fb_store_check_tables(struct fb_store *s, struct fb_why *why)
{
    int64_t at = 0;
    bool is_end = false;
    int rc = check_table(s, "sqlite_schema", why);
    while (rc == FB_OK && !is_end) {
        rc = check_next_table(s, &at, &is_end, why);
    }
    return rc;
}
