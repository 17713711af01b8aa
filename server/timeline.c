/* SPDX-License-Identifier: MIT */
#include "server/timeline.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/store/history.h"
#include "common/store/sql.h"

/* More lives than a fleet of 2,000 begins in a year. */
#define INCARNATION_GAP "10000"
/* More catalogues than an administrator makes between two backups. */
#define CATALOGUE_GAP 1000

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

/* Laptops compare versions: one that the lost history may have given to another catalogue is not used again. */
static int renumber_catalogue(struct fb_store *s, int64_t now_ms)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    struct fb_catalogue *next = NULL;
    struct fb_why why;
    if (c == NULL) {
        return FB_OK;
    }
    int rc = fb_catalogue_numbered(c, c->version + CATALOGUE_GAP, &next, &why);
    return rc < 0 ? rc : fb_store_set_catalogue(s, next, now_ms, &why);
}

static int fork_in_transaction(struct fb_store *s, const char *id, int64_t now_ms)
{
    char parent[FB_ROW_ID_SIZE] = "";
    int64_t head = 0;
    int rc = fb_store_meta_text(s, "timeline", parent, sizeof parent);
    rc = rc < 0 ? rc : fb_history_head(s, &head);
    rc = rc < 0 ? rc : add(s, id, parent, head, now_ms);
    rc = rc < 0 ? rc : leave_gap(s);
    rc = rc < 0 ? rc : renumber_catalogue(s, now_ms);
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

/* Its parent, and where it was forked; "" for the first. */
static int read_parent(struct fb_store *s, const char *id, struct fb_ancestor *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT coalesce(parent, ''), forked_at_rev FROM fb_timeline WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    *ret = (struct fb_ancestor){.id = ""};
    if (rc == FB_SQL_ROW) {
        snprintf(ret->id, sizeof ret->id, "%s", fb_sql_text(q, 0));
        ret->forked_at = fb_sql_int(q, 1);
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_timeline_ancestors(struct fb_store *s, const char *id, struct fb_arena *arena,
                          struct fb_ancestor **ret, size_t *ret_count)
{
    struct fb_ancestor *list = NULL;
    struct fb_ancestor one;
    size_t count = 0;
    size_t capacity = 0;
    int rc = read_parent(s, id, &one);
    while (rc == FB_OK && one.id[0] != '\0' && count < FB_TIMELINES_MAX) {
        list = fb_arena_grow(arena, list, count, &capacity, sizeof *list);
        if (list == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        list[count++] = one;
        rc = read_parent(s, list[count - 1].id, &one);
    }
    *ret = list;
    *ret_count = count;
    return rc;
}

int fb_timeline_shared_rev(struct fb_store *s, const char *present, const char *other, int64_t *ret)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_ancestor *list = NULL;
    size_t count = 0;
    int64_t shared = INT64_MAX;
    if (strcmp(present, other) == 0) {
        *ret = INT64_MAX;
        return FB_OK;
    }
    int rc = fb_timeline_ancestors(s, present, &arena, &list, &count);
    *ret = 0;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        shared = list[i].forked_at < shared ? list[i].forked_at : shared;
        if (strcmp(list[i].id, other) == 0) {
            *ret = shared;
        }
    }
    return rc;
}

int fb_timeline_part_before(struct fb_store *s, const char *other, int64_t rev)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_begin(s,
                      "UPDATE fb_timeline SET forked_at_rev = min(forked_at_rev, ?2) WHERE parent "
                      "= ?1",
                      &q);
    if (rc == FB_OK) {
        fb_sql_bind_text(q, 1, other);
        fb_sql_bind_int(q, 2, rev - 1);
        rc = fb_sql_run(q);
    }
    rc = rc < 0 ? rc : fb_store_commit(s);
    if (rc < 0) {
        fb_store_rollback(s);
    }
    return rc;
}
