/* SPDX-License-Identifier: MIT */
#include "server/timeline.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "common/store/history.h"
#include "common/store/sql.h"

/* More lives than a fleet of 2,000 begins in a year. */
#define INCARNATION_GAP "10000"

static int add(struct fb_store *s, const char *id, const char *parent, int64_t forked_at_rev,
               int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "INSERT INTO fb_timeline (id, parent, forked_at_rev, started_at_ms) "
                          "VALUES (?1, ?2, ?3, ?4)",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, parent);
    fb_sql_bind_int(q, 3, forked_at_rev);
    fb_sql_bind_int(q, 4, now_ms);
    rc = fb_sql_run(q);
    struct fb_value value = fb_value_text(id);
    return rc < 0 ? rc : fb_store_meta_set(s, "timeline", &value);
}

int fb_timeline_start(struct fb_store *s, const struct fb_random *random, int64_t now_ms)
{
    char id[FB_ROW_ID_SIZE];
    fb_id_make(now_ms, random, id);
    return add(s, id, NULL, 0, now_ms);
}

static int leave_gap(struct fb_store *s)
{
    int rc =
        fb_sql_exec(s, "UPDATE sqlite_sequence SET seq = seq + " INCARNATION_GAP " WHERE name = "
                       "'fb_incarnation'");
    return rc < 0 || fb_sql_changes(s) > 0
               ? rc
               : fb_sql_exec(s, "INSERT INTO sqlite_sequence (name, seq) VALUES ('fb_incarnation', "
                                "" INCARNATION_GAP ")");
}

static int fork_in_transaction(struct fb_store *s, const char *id, int64_t now_ms)
{
    char parent[FB_ROW_ID_SIZE] = "";
    int64_t head = 0;
    int rc = fb_store_meta_text(s, "timeline", parent, sizeof parent);
    rc = rc < 0 ? rc : fb_history_head(s, &head);
    rc = rc < 0 ? rc : add(s, id, parent, head, now_ms);
    rc = rc < 0 ? rc : leave_gap(s);
    rc = rc < 0 ? rc : fb_sql_exec(s, "DELETE FROM fb_staged_part");
    return rc < 0 ? rc : fb_sql_exec(s, "DELETE FROM fb_meta WHERE key LIKE 'rewound%'");
}

int fb_timeline_fork(struct fb_store *s, const struct fb_random *random, int64_t now_ms,
                     char ret_id[static FB_ROW_ID_SIZE])
{
    char id[FB_ROW_ID_SIZE];
    fb_id_make(now_ms, random, id);
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fork_in_transaction(s, id, now_ms);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    rc = fb_store_commit(s);
    if (rc == FB_OK) {
        snprintf(ret_id, FB_ROW_ID_SIZE, "%s", id);
    }
    return rc;
}
