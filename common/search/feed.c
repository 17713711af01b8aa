/* SPDX-License-Identifier: MIT
 *
 * Keeping the file up with the database. Headquarters' log names every row that changed; a laptop's journal every row that was
 * changed there, and the list of recent rows (common/store/recent.h) what cuts brought. Where that list is not complete, and
 * wherever the file is far behind, a pass compares the ids and stamps of each table with those of the file, both in the order of ids:
 *
 *     database   a1 a2    a4 a5'        put a5, remove a3
 *     file       a1 a2 a3 a4 a5
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/catalogue/ddl.h"
#include "common/search/inside.h"
#include "common/store/history_pack.h"

#define CHUNK        500
#define LOG_REVS     200  /* taken in one call */
#define LOG_REVS_MAX 5000 /* further behind, a pass is cheaper */
#define NEVER        (-1)

struct feed {
    struct fb_search *search;
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    size_t put; /* rows written in this call */
    size_t rows_max;
    bool is_server;
    struct fb_recent_row *recent; /* what cuts brought since the last call */
    size_t recent_count;
};

static int state_int(struct fb_search *s, const char *key, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    *ret = NEVER;
    int rc = fb_sql_begin(s->file, "SELECT value FROM state WHERE key = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, key);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
    }
    return rc < 0 ? rc : FB_OK;
}

static int set_state(struct fb_search *s, const char *key, int64_t value)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s->file,
                          "INSERT INTO state (key, value) VALUES (?1, ?2) "
                          "ON CONFLICT (key) DO UPDATE SET value = ?2",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, key);
    fb_sql_bind_int(q, 2, value);
    return fb_sql_run(q);
}

/* The row is not here: what is known of it as a reference, or nothing. */
static int renew_reference(struct feed *f, const struct fb_entity *e, const char *id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = f->is_server
                 ? FB_OK
                 : fb_sql_begin(f->store,
                                "SELECT title FROM reference WHERE entity = ?1 AND id = ?2", &q);
    if (rc == FB_OK && q != NULL) {
        fb_sql_bind_text(q, 1, e->name);
        fb_sql_bind_text(q, 2, id);
        rc = fb_sql_step(q);
    }
    return rc < 0             ? rc
           : rc == FB_SQL_ROW ? fb_search_put_reference(f->search, e, id, fb_sql_text(q, 0))
                              : fb_search_remove(f->search, e, id);
}

/* A row as it stands now: put, or taken out if it is gone. */
static int renew(struct feed *f, const struct fb_entity *e, const char *id)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    struct fb_row row;
    bool is_there = false;
    fb_arena_init(&arena, 0);
    if (!fb_search_takes(e)) {
        return FB_OK;
    }
    f->put++;
    int rc = fb_row_read(f->store, e, id, &arena, &row, &is_there);
    if (rc < 0 || !is_there) {
        return rc < 0 ? rc : renew_reference(f, e, id);
    }
    char stamp[64] = "";
    const struct fb_value *v = &row.stamps[FB_FIELD_NO_MODIFIED_AT - FB_FIELD_NO_CREATED_AT];
    if (v->type == FB_TEXT) {
        snprintf(stamp, sizeof stamp, "%.*s", (int)v->size, v->bytes);
    }
    return fb_search_put(f->search, &row, stamp);
}

static int renew_touched(void *ctx, const struct fb_touched *t)
{
    return t->has_changed ? renew(ctx, t->entity, t->row_id) : FB_OK;
}

static int follow_log(struct feed *f, int64_t from, int64_t head)
{
    int64_t up_to = head - from > LOG_REVS ? from + LOG_REVS : head;
    int rc = fb_history_touched(f->store, from, up_to, NULL, renew_touched, f);
    return rc == FB_OK ? set_state(f->search, "at", up_to) : rc;
}

/* One id of the database and of the file in step. */
struct step {
    char id[FB_ROW_ID_SIZE];
    char stamp[400];
    bool is_reference;
};

static int read_steps(struct fb_sql *q, struct step *steps, size_t *ret_count)
{
    int rc = FB_OK;
    *ret_count = 0;
    while (*ret_count < CHUNK && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct step *at = &steps[*ret_count];
        snprintf(at->id, sizeof at->id, "%s", fb_sql_text(q, 0));
        snprintf(at->stamp, sizeof at->stamp, "%s", fb_sql_text(q, 1));
        at->is_reference = fb_sql_int(q, 2) != 0;
        bool is_twice = *ret_count > 0 && strcmp(at[-1].id, at->id) == 0;
        *ret_count += !is_twice; /* a row and a reference to it: the row counts */
    }
    return rc < 0 ? rc : FB_OK;
}

static int read_database(struct feed *f, const struct fb_entity *e, struct step *steps,
                         size_t *ret_count)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    fb_buf_init(&sql, 2000);
    fb_buf_append_text(&sql,
                       "SELECT id, coalesce(modified_at, '') AS stamp, 0 AS is_reference FROM ");
    fb_ddl_append_name(&sql, e->name);
    fb_buf_append_text(&sql, " WHERE id > ?1 UNION ALL "
                             "SELECT id, title, 1 FROM reference WHERE entity = ?2 AND id > ?1 "
                             "ORDER BY id, is_reference LIMIT ?3");
    int rc = fb_sql_begin(f->store, fb_buf_text(&sql), &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, f->search->pass_after);
    fb_sql_bind_text(q, 2, e->name);
    fb_sql_bind_int(q, 3, CHUNK);
    return read_steps(q, steps, ret_count);
}

/* The file's ids up to the last one of the database's chunk; all of them if that was the last chunk. */
static int read_file(struct feed *f, const struct fb_entity *e, const char *last,
                     struct step *steps, size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(f->search->file,
                          "SELECT id, coalesce(stamp, ''), is_reference FROM record "
                          "WHERE entity = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, e->no);
    fb_sql_bind_text(q, 2, f->search->pass_after);
    fb_sql_bind_text(q, 3, last);
    fb_sql_bind_int(q, 4, CHUNK);
    return read_steps(q, steps, ret_count);
}

static int renew_step(struct feed *f, const struct fb_entity *e, const struct step *step)
{
    if (!step->is_reference) {
        return renew(f, e, step->id);
    }
    f->put++;
    return fb_search_put_reference(f->search, e, step->id, step->stamp);
}

static int merge_steps(struct feed *f, const struct fb_entity *e, const struct step *ours,
                       size_t count, const struct step *theirs, size_t their_count)
{
    int rc = FB_OK;
    for (size_t i = 0, k = 0; rc == FB_OK && (i < count || k < their_count);) {
        int order = i == count ? 1 : k == their_count ? -1 : strcmp(ours[i].id, theirs[k].id);
        if (order > 0) {
            f->put++;
            rc = fb_search_remove(f->search, e, theirs[k++].id);
            continue;
        }
        bool is_equal = order == 0 && strcmp(ours[i].stamp, theirs[k].stamp) == 0 &&
                        ours[i].is_reference == theirs[k].is_reference;
        if (!is_equal) {
            rc = renew_step(f, e, &ours[i]);
        }
        i++;
        k += order == 0;
    }
    return rc;
}

/* Both read at most CHUNK ids; the pass goes on after the last id that both have reached. */
static int pass_chunk(struct feed *f, const struct fb_entity *e, bool *ret_done)
{
    static const char END[] = "~";
    struct step ours[CHUNK];
    struct step theirs[CHUNK];
    size_t count = 0;
    size_t their_count = 0;
    int rc = read_database(f, e, ours, &count);
    if (rc < 0) {
        return rc;
    }
    const char *last = count == CHUNK ? ours[count - 1].id : END;
    rc = read_file(f, e, last, theirs, &their_count);
    if (rc < 0) {
        return rc;
    }
    if (their_count == CHUNK && strcmp(theirs[CHUNK - 1].id, last) < 0) {
        last = theirs[CHUNK - 1].id;
        while (count > 0 && strcmp(ours[count - 1].id, last) > 0) {
            count--;
        }
    }
    rc = merge_steps(f, e, ours, count, theirs, their_count);
    *ret_done = strcmp(last, END) == 0;
    snprintf(f->search->pass_after, sizeof f->search->pass_after, "%.36s", *ret_done ? "" : last);
    return rc;
}

static int pass(struct feed *f, int64_t goal)
{
    struct fb_search *s = f->search;
    if (!s->is_passing) {
        s->is_passing = true;
        s->pass_entity = 0;
        s->pass_after[0] = 0;
        s->pass_goal = goal;
        s->has_gap = false; /* what comes from now on is on the list */
    }
    while (s->pass_entity < f->catalogue->entity_count && f->put < f->rows_max) {
        const struct fb_entity *e = &f->catalogue->entities[s->pass_entity];
        bool is_done = true;
        int rc = fb_search_takes(e) ? pass_chunk(f, e, &is_done) : FB_OK;
        if (rc < 0) {
            return rc;
        }
        s->pass_entity += is_done;
    }
    if (s->pass_entity < f->catalogue->entity_count) {
        return FB_OK;
    }
    s->is_passing = false;
    return set_state(s, "at", s->pass_goal);
}

static int follow_recent(struct feed *f)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->recent_count; i++) {
        const struct fb_entity *e = fb_catalogue_entity_no(f->catalogue, f->recent[i].entity_no);
        rc = e == NULL ? FB_OK : renew(f, e, f->recent[i].id);
    }
    return rc;
}

static int follow_journal(struct feed *f)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int64_t from = NEVER;
    int64_t last = 0;
    int rc = state_int(f->search, "journal", &from);
    if (rc == FB_OK) {
        rc = fb_sql_read_int(f->store, "SELECT coalesce(max(seq), 0) FROM fb_journal", &last);
    }
    if (rc < 0 || from == last) {
        return rc;
    }
    if (last < from) {
        from = NEVER; /* frozen meanwhile: its numbers begin again */
    }
    rc = fb_sql_begin(
        f->store, "SELECT DISTINCT entity, row_id FROM fb_journal WHERE seq > ?1 AND op > 0", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, from);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(f->catalogue, (uint32_t)fb_sql_int(q, 0));
        int done = e == NULL ? FB_OK : renew(f, e, fb_sql_text(q, 1));
        if (done < 0) {
            return done;
        }
    }
    return rc < 0 ? rc : set_state(f->search, "journal", last);
}

/* Another catalogue may search other fields: everything is taken in anew. */
static int check_catalogue(struct feed *f, int64_t *at)
{
    int64_t version = NEVER;
    int rc = state_int(f->search, "catalogue", &version);
    if (rc < 0 || version == f->catalogue->version) {
        return rc;
    }
    f->search->is_passing = false;
    *at = NEVER;
    rc = fb_sql_exec(f->search->file, "DELETE FROM record");
    if (rc == FB_OK) {
        rc = fb_sql_exec(f->search->file, "DELETE FROM words");
    }
    return rc == FB_OK ? set_state(f->search, "catalogue", f->catalogue->version) : rc;
}

/* Is there a list of what changed since the file was fed last, and is it short? */
static int is_known_since(struct feed *f, int64_t at, int64_t goal, bool *ret)
{
    if (!f->is_server) {
        *ret = f->search->recent != NULL && !f->search->has_gap;
        return FB_OK;
    }
    *ret = false;
    return goal - at <= LOG_REVS_MAX ? fb_history_tells(f->store, at, ret) : FB_OK;
}

static int feed_step(struct feed *f, bool *ret_more)
{
    int64_t at = NEVER;
    int64_t goal = 0;
    int rc = state_int(f->search, "at", &at);
    if (rc == FB_OK) {
        rc = check_catalogue(f, &at);
    }
    if (rc == FB_OK && f->is_server) {
        rc = fb_history_head(f->store, &goal);
    } else if (rc == FB_OK) {
        rc = fb_store_meta_int(f->store, "cursor", &goal);
        rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    }
    if (rc < 0) {
        return rc;
    }
    if (f->search->has_failed) {
        at = NEVER; /* what was on the list then is lost */
        f->search->has_failed = false;
    }
    if (goal == at && !f->search->is_passing) {
        f->search->has_gap = false;
    }
    bool knows_what = false;
    rc = is_known_since(f, at, goal, &knows_what);
    if (rc < 0) {
        return rc;
    }
    bool is_far = at == NEVER || goal < at || !knows_what;
    if (f->search->is_passing || (goal != at && is_far)) {
        rc = pass(f, goal);
    } else if (goal != at) {
        rc = f->is_server ? follow_log(f, at, goal) : set_state(f->search, "at", goal);
    }
    rc = rc < 0 ? rc : follow_recent(f);
    if (rc == FB_OK && !f->is_server && !f->search->is_passing) {
        rc = follow_journal(f);
    }
    if (rc == FB_OK) {
        rc = state_int(f->search, "at", &at);
    }
    *ret_more = f->search->is_passing || at < goal;
    return rc;
}

static int feed_in_snapshot(struct feed *f, bool *ret_more)
{
    int64_t is_server = 0;
    int rc = fb_sql_read_int(f->store, "SELECT count(*) FROM sqlite_schema WHERE name = 'fb_rev'",
                             &is_server);
    f->is_server = is_server > 0;
    if (rc == FB_OK) {
        rc = fb_sql_exec(f->search->file, "BEGIN IMMEDIATE");
    }
    if (rc < 0) {
        return rc;
    }
    rc = feed_step(f, ret_more);
    if (rc == FB_OK) {
        rc = fb_sql_exec(f->search->file, "COMMIT");
    }
    if (rc < 0) {
        f->search->is_passing = false;
        fb_ignore(fb_sql_exec(f->search->file, "ROLLBACK"), "the first failure counts");
    }
    return rc;
}

int fb_search_feed(struct fb_search *s, struct fb_store *store, size_t rows_max, bool *ret_more,
                   struct fb_why *why)
{
    struct feed f = {.search = s, .store = store, .rows_max = rows_max};
    *ret_more = false;
    if (s->recent != NULL) {
        /* Before the snapshot, which then holds all that is on the list. */
        bool is_complete = false;
        fb_recent_take(s->recent, &f.recent, &f.recent_count, &is_complete);
        s->has_gap = s->has_gap || !is_complete;
    }
    int rc = fb_store_read_begin(store);
    f.catalogue = fb_store_catalogue(store);
    if (rc == FB_OK && f.catalogue != NULL) {
        rc = feed_in_snapshot(&f, ret_more);
    }
    fb_store_read_end(store);
    free(f.recent);
    s->has_failed = s->has_failed || rc < 0;
    return rc < 0 ? fb_fail(why, rc, "the search file could not be brought up to date: %s",
                            fb_err_sentence(rc))
                  : FB_OK;
}
