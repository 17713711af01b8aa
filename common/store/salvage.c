/* SPDX-License-Identifier: MIT */
#include "common/store/salvage.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/inside.h"

/* Rows asked for one by one where a scan stopped: so many that are not there, one after the other, end it. A leaf holds a hundred rows, a
 * page above them four hundred leaves; a lookup costs microseconds. Records come from headquarters again: there are many tables of them. */
#define MISSES_MAX         50000
#define MISSES_RECORDS_MAX 1000
/* Kept pushes of earlier lives have numbers below 0 (outbox.h). */
#define ROWID_MIN (-10000)

#define COLUMNS_BYTES_MAX 16384
#define TEXT_BYTES_MAX    (2 * COLUMNS_BYTES_MAX)

struct work {
    sqlite3 *from;
    struct fb_store *to;
    struct fb_salvage *ret;
};

/* One table on its way. */
struct table {
    struct work *work;
    const char *name;
    const char *where; /* "1" or which rows are wanted */
    char columns[COLUMNS_BYTES_MAX];
    int column_count;
    bool has_rowid;
    int64_t misses_max;
    sqlite3_stmt *put;
    int64_t copied;
    bool is_whole;
};

/* ---- Reading and writing ---- */

/* 0: it cannot be read, or there is none. */
static sqlite3_stmt *ask(sqlite3 *db, const char *text)
{
    sqlite3_stmt *q = NULL;
    return sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK ? q : NULL;
}

static int put_row(struct table *t, sqlite3_stmt *row)
{
    for (int i = 0; i < t->column_count; i++) {
        sqlite3_bind_value(t->put, i + 1, sqlite3_column_value(row, i + 1));
    }
    int code = sqlite3_step(t->put);
    t->copied += code == SQLITE_DONE ? sqlite3_changes(t->work->to->db) : 0;
    sqlite3_reset(t->put);
    if ((code & 0xFF) == SQLITE_CONSTRAINT || (code & 0xFF) == SQLITE_MISMATCH) {
        t->work->ret->odd++;
        t->is_whole = false;
        return FB_OK;
    }
    return code == SQLITE_DONE ? FB_OK : fb_store_note(t->work->to, code);
}

static bool is_reading_over(int code)
{
    return code != SQLITE_ROW && code != SQLITE_NOMEM;
}

/* From one end until the end or the damage. *ret_last: the last rowid that came. */
static int scan(struct table *t, bool is_backwards, int64_t stop_at, bool *ret_is_over,
                int64_t *ret_last)
{
    char text[TEXT_BYTES_MAX];
    snprintf(text, sizeof text, "SELECT %s, %s FROM \"%s\" %s WHERE (%s) %s",
             t->has_rowid ? "rowid" : "0", t->columns, t->name, t->has_rowid ? "NOT INDEXED" : "",
             t->where,
             !t->has_rowid  ? ""
             : is_backwards ? "ORDER BY rowid DESC"
                            : "ORDER BY rowid");
    sqlite3_stmt *q = ask(t->work->from, text);
    int code = q == NULL ? SQLITE_CORRUPT : sqlite3_step(q);
    int rc = FB_OK;
    while (rc == FB_OK && code == SQLITE_ROW) {
        int64_t at = sqlite3_column_int64(q, 0);
        if (t->has_rowid && is_backwards && at <= stop_at) {
            code = SQLITE_DONE;
            break;
        }
        rc = put_row(t, q);
        *ret_last = at;
        code = sqlite3_step(q);
    }
    sqlite3_finalize(q);
    *ret_is_over = code == SQLITE_DONE;
    return rc < 0 || is_reading_over(code) ? rc : FB_ERR_NO_MEMORY;
}

/* Between the two scans: each descent reads only the pages above its row. */
static int probe(struct table *t, int64_t after, int64_t before)
{
    char text[TEXT_BYTES_MAX];
    snprintf(text, sizeof text,
             "SELECT rowid, %s FROM \"%s\" NOT INDEXED WHERE rowid = ?1 AND (%s)", t->columns,
             t->name, t->where);
    sqlite3_stmt *q = ask(t->work->from, text);
    int rc = FB_OK;
    int64_t misses = 0;
    for (int64_t at = after + 1; q != NULL && rc == FB_OK && at < before && misses < t->misses_max;
         at++) {
        sqlite3_bind_int64(q, 1, at);
        int code = sqlite3_step(q);
        misses = code == SQLITE_ROW ? 0 : misses + 1;
        rc = code == SQLITE_ROW ? put_row(t, q) : code == SQLITE_NOMEM ? FB_ERR_NO_MEMORY : FB_OK;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return rc;
}

static int copy_rows(struct table *t)
{
    bool is_over = false;
    int64_t first = strcmp(t->name, "fb_push") == 0 ? ROWID_MIN : 0;
    int64_t last = INT64_MAX;
    int rc = scan(t, false, 0, &is_over, &first);
    if (rc < 0 || is_over) {
        return rc;
    }
    t->is_whole = false;
    rc = t->has_rowid ? scan(t, true, first, &is_over, &last) : FB_OK;
    return rc < 0 || is_over || !t->has_rowid ? rc : probe(t, first, last);
}

/* ---- Tables ---- */

/* Columns that both databases have; the older file may lack some. */
static bool find_columns(struct table *t)
{
    char text[400];
    snprintf(text, sizeof text, "SELECT name FROM pragma_table_info('%s')", t->name);
    sqlite3_stmt *here = ask(t->work->to->db, text);
    size_t size = 0;
    while (here != NULL && sqlite3_step(here) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(here, 0);
        snprintf(text, sizeof text, "SELECT 1 FROM pragma_table_info('%s') WHERE name = '%s'",
                 t->name, name);
        sqlite3_stmt *there = ask(t->work->from, text);
        bool is_there = there != NULL && sqlite3_step(there) == SQLITE_ROW;
        sqlite3_finalize(there);
        if (is_there && size + strlen(name) + 8 < sizeof t->columns) {
            size += (size_t)snprintf(t->columns + size, sizeof t->columns - size, "%s\"%s\"",
                                     size > 0 ? ", " : "", name);
            t->column_count++;
        }
    }
    sqlite3_finalize(here);
    snprintf(text, sizeof text, "SELECT NOT wr FROM pragma_table_list WHERE name = '%s'", t->name);
    sqlite3_stmt *kind = ask(t->work->to->db, text);
    t->has_rowid = kind != NULL && sqlite3_step(kind) == SQLITE_ROW && sqlite3_column_int(kind, 0);
    sqlite3_finalize(kind);
    return t->column_count > 0;
}

static int prepare_put(struct table *t)
{
    char text[TEXT_BYTES_MAX + 2 * 256];
    int size = snprintf(text, sizeof text, "INSERT OR REPLACE INTO \"%s\" (%s) VALUES (", t->name,
                        t->columns);
    for (int i = 0; i < t->column_count; i++) {
        size += snprintf(text + size, sizeof text - (size_t)size, "%s?", i > 0 ? "," : "");
    }
    snprintf(text + size, sizeof text - (size_t)size, ")");
    int code = sqlite3_prepare_v2(t->work->to->db, text, -1, &t->put, NULL);
    return code == SQLITE_OK ? FB_OK : fb_store_note(t->work->to, code);
}

static void note_gap(struct work *w, const char *name)
{
    size_t size = strlen(w->ret->tables);
    w->ret->gaps++;
    snprintf(w->ret->tables + size, sizeof w->ret->tables - size, "%s%s", size > 0 ? ", " : "",
             name);
}

/* *ret_copied (records), *ret_is_whole may be NULL. */
static int copy_table(struct work *w, const char *name, const char *where, int64_t *ret_copied,
                      bool *ret_is_whole)
{
    struct table t = {.work = w,
                      .name = name,
                      .where = where,
                      .misses_max = ret_copied != NULL ? MISSES_RECORDS_MAX : MISSES_MAX,
                      .is_whole = true};
    int rc = FB_OK;
    if (find_columns(&t)) {
        rc = prepare_put(&t);
        rc = rc < 0 ? rc : copy_rows(&t);
        sqlite3_finalize(t.put);
    }
    if (!t.is_whole) {
        note_gap(w, name);
    }
    if (ret_copied != NULL) {
        *ret_copied += t.copied;
    }
    if (ret_is_whole != NULL) {
        *ret_is_whole = t.is_whole && t.column_count > 0;
    }
    return rc;
}

/* ---- What is wanted ---- */

/* The newest that is whole. */
static int copy_catalogue(struct work *w, int64_t now_ms)
{
    sqlite3_stmt *q = ask(w->from, "SELECT document, hash FROM fb_catalogue ORDER BY version DESC");
    int rc = FB_OK;
    while (q != NULL && rc == FB_OK && !w->ret->has_catalogue && sqlite3_step(q) == SQLITE_ROW) {
        struct fb_catalogue *c = NULL;
        struct fb_why why = {""};
        const char *document = (const char *)sqlite3_column_text(q, 0);
        size_t size = (size_t)sqlite3_column_bytes(q, 0);
        if (document == NULL || fb_catalogue_load(document, size, &c, &why) < 0) {
            continue;
        }
        if (sqlite3_column_bytes(q, 1) != sizeof c->hash.bytes ||
            memcmp(sqlite3_column_blob(q, 1), c->hash.bytes, sizeof c->hash.bytes) != 0) {
            fb_catalogue_free(c);
            continue;
        }
        rc = fb_store_set_catalogue(w->to, c, now_ms, &why);
        w->ret->has_catalogue = rc == FB_OK;
    }
    sqlite3_finalize(q);
    return rc;
}

static int copy_entities(struct work *w)
{
    const struct fb_catalogue *c = fb_store_catalogue(w->to);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && c != NULL && i < c->entity_count; i++) {
        rc = copy_table(w, c->entities[i].name, "1", &w->ret->rows, NULL);
    }
    return rc;
}

/* Headquarters' answer puts everything else right; an edit whose row is gone would go up as its delete. */
static int drop_edits_without_row(struct work *w)
{
    const struct fb_catalogue *c = fb_store_catalogue(w->to);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && c != NULL && i < c->entity_count; i++) {
        char text[600];
        snprintf(
            text, sizeof text,
            "DELETE FROM fb_journal WHERE op <> 0 AND entity = %u AND row_id NOT IN (SELECT id "
            "FROM \"%s\") AND NOT EXISTS (SELECT 1 FROM fb_journal AS d WHERE d.op = 3 AND "
            "d.entity = fb_journal.entity AND d.row_id = fb_journal.row_id)",
            (unsigned)c->entities[i].no, c->entities[i].name);
        rc = fb_sql_exec(w->to, text);
        w->ret->has_lost_edits |= rc == FB_OK && fb_sql_changes(w->to) > 0;
    }
    return rc < 0 ? rc
                  : fb_sql_read_int(w->to, "SELECT count(*) FROM fb_journal WHERE op <> 0",
                                    &w->ret->edits);
}

static int copy_journal(struct work *w)
{
    bool is_whole = true;
    if (!w->ret->has_catalogue) {
        w->ret->has_lost_edits = true;
        return FB_OK;
    }
    int rc = copy_table(w, "fb_journal", "1", NULL, &is_whole);
    w->ret->has_lost_edits = !is_whole;
    return rc < 0 ? rc : drop_edits_without_row(w);
}

static int copy_all(struct work *w, int64_t now_ms)
{
    /* A download that was under way begins anew. */
    int rc = copy_table(
        w, "fb_meta", "key NOT LIKE 'stage_%' AND key NOT IN ('resync', 'node_kind')", NULL, NULL);
    rc = rc < 0 ? rc : copy_table(w, "fb_push", "1", NULL, NULL);
    rc = rc < 0 ? rc : copy_table(w, "fb_push_part", "1", NULL, NULL);
    rc = rc < 0 ? rc : copy_catalogue(w, now_ms);
    rc = rc < 0 ? rc : copy_table(w, "fb_number", "1", NULL, &w->ret->has_counters);
    rc = rc < 0 ? rc : copy_table(w, "reference", "1", NULL, NULL);
    rc = rc < 0 ? rc : copy_entities(w);
    return rc < 0 ? rc : copy_journal(w);
}

/* ---- The file ---- */

static int open_damaged(const char *path, sqlite3 **ret, struct fb_why *why)
{
    int code = sqlite3_open_v2(path, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(*ret, 5000);
        /* A line of the schema that makes no sense does not hide the others. */
        code = sqlite3_exec(*ret, "PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON", NULL,
                            NULL, NULL);
    }
    sqlite3_stmt *q = code != SQLITE_OK ? NULL : ask(*ret, "SELECT count(*) FROM sqlite_schema");
    code = q == NULL ? SQLITE_CORRUPT : sqlite3_step(q);
    bool has_tables = code == SQLITE_ROW && sqlite3_column_int64(q, 0) > 0;
    sqlite3_finalize(q);
    return has_tables
               ? FB_OK
               : fb_fail(why, FB_ERR_DAMAGED,
                         "of %s not even the list of its tables can be read: nothing can be saved",
                         path);
}

int fb_store_look_whole(const char *path, struct fb_why *why)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_stmt *q = code == SQLITE_OK ? ask(db, "PRAGMA quick_check(1)") : NULL;
    code = q == NULL ? sqlite3_errcode(db) : sqlite3_step(q);
    const char *answer =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : sqlite3_errstr(code);
    int rc = code != SQLITE_ROW          ? fb_store_map_code(code)
             : strcmp(answer, "ok") == 0 ? FB_OK
                                         : FB_ERR_DAMAGED;
    if (rc < 0) {
        rc = fb_fail(why, rc, "%s: %s", path, answer);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    return rc;
}

int fb_store_salvage(const char *path, struct fb_store *to, int64_t now_ms, struct fb_salvage *ret,
                     struct fb_why *why)
{
    struct work w = {.to = to, .ret = ret};
    *ret = (struct fb_salvage){.rows = 0};
    int rc = open_damaged(path, &w.from, why);
    if (rc == FB_OK) {
        rc = fb_store_begin(to);
        fb_store_capture(to, false);
        sqlite3_db_config(to->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        rc = rc < 0 ? rc : copy_all(&w, now_ms);
        if (rc == FB_OK) {
            rc = fb_store_commit(to);
        } else if (fb_store_in_transaction(to)) {
            fb_store_rollback(to);
        }
        sqlite3_db_config(to->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, to->has_capture ? 1 : 0, NULL);
        if (rc < 0) {
            fb_ignore(fb_store_error(to, why), "the code is known already");
        }
    }
    sqlite3_close(w.from);
    return rc;
}
