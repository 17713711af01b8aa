/* SPDX-License-Identifier: MIT */
#include "common/store/sql.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/store/inside.h"

static void list_unlink(struct fb_sql_list *list, struct fb_sql *q)
{
    *(q->newer != NULL ? &q->newer->older : &list->newest) = q->older;
    *(q->older != NULL ? &q->older->newer : &list->oldest) = q->newer;
    q->newer = NULL;
    q->older = NULL;
}

static void list_put_newest(struct fb_sql_list *list, struct fb_sql *q)
{
    q->older = list->newest;
    *(list->newest != NULL ? &list->newest->newer : &list->oldest) = q;
    list->newest = q;
}

static void list_remove(struct fb_sql_list *list, struct fb_sql *q)
{
    struct fb_sql **at = &list->buckets[q->key % FB_SQL_BUCKETS];
    while (*at != q) {
        at = &(*at)->bucket_next;
    }
    *at = q->bucket_next;
    list_unlink(list, q);
    list->count--;
}

static void list_add(struct fb_sql_list *list, struct fb_sql *q)
{
    struct fb_sql **bucket = &list->buckets[q->key % FB_SQL_BUCKETS];
    q->bucket_next = *bucket;
    *bucket = q;
    q->is_kept = true;
    list_put_newest(list, q);
    list->count++;
}

static struct fb_sql *list_find_idle(struct fb_sql_list *list, uint64_t key, const char *text)
{
    struct fb_sql *q = list->buckets[key % FB_SQL_BUCKETS];
    while (q != NULL &&
           (q->is_busy || q->key != key || strcmp(sqlite3_sql(q->statement), text) != 0)) {
        q = q->bucket_next;
    }
    return q;
}

static void make_room(struct fb_sql_list *list)
{
    struct fb_sql *q = list->oldest;
    while (q != NULL && list->count >= FB_SQL_KEPT_MAX) {
        struct fb_sql *newer = q->newer;
        if (!q->is_busy) {
            list_remove(list, q);
            fb_sql_free(q);
        }
        q = newer;
    }
}

void fb_sql_free(struct fb_sql *q)
{
    if (q != NULL) {
        sqlite3_finalize(q->statement);
        free(q);
    }
}

void fb_sql_forget_all(struct fb_store *store)
{
    while (store->sql.newest != NULL) {
        struct fb_sql *q = store->sql.newest;
        list_remove(&store->sql, q);
        fb_sql_free(q);
    }
}

int fb_sql_prepare_once(struct fb_store *store, const char *text, struct fb_sql **ret)
{
    struct fb_sql *q = calloc(1, sizeof *q);
    if (q == NULL) {
        fb_ignore(fb_store_note(store, SQLITE_NOMEM), "the code is known");
        return FB_ERR_NO_MEMORY;
    }
    store->saw_row_write = false;
    int code =
        sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT, &q->statement, NULL);
    if (code != SQLITE_OK) {
        free(q);
        int rc = fb_store_note(store, code);
        fb_assert(rc < 0);
        return rc;
    }
    fb_assert(q->statement != NULL);
    q->store = store;
    q->writes_rows = store->saw_row_write;
    q->is_busy = true;
    *ret = q;
    return FB_OK;
}

int fb_sql_begin(struct fb_store *store, const char *text, struct fb_sql **ret)
{
    uint64_t key = fb_digest_of(text, strlen(text)).low;
    struct fb_sql *q = list_find_idle(&store->sql, key, text);
    if (q != NULL) {
        q->is_busy = true;
        if (store->sql.newest != q) {
            list_unlink(&store->sql, q);
            list_put_newest(&store->sql, q);
        }
        *ret = q;
        return FB_OK;
    }
    make_room(&store->sql);
    int rc = fb_sql_prepare_once(store, text, &q);
    if (rc < 0) {
        return rc;
    }
    q->key = key;
    list_add(&store->sql, q);
    *ret = q;
    return FB_OK;
}

static void reset(struct fb_sql *q)
{
    if (q->is_running) {
        sqlite3_reset(q->statement);
        q->is_running = false;
    }
    q->error = FB_OK;
}

int fb_sql_rewind(struct fb_sql *q)
{
    reset(q);
    sqlite3_clear_bindings(q->statement);
    return FB_OK;
}

void fb_sql_end(struct fb_sql *q)
{
    if (q == NULL) {
        return;
    }
    reset(q);
    q->is_busy = false;
    if (q->is_owned) {
        return; /* row.c binds every parameter anew each time */
    }
    if (!q->is_kept) {
        fb_sql_free(q);
        return;
    }
    sqlite3_clear_bindings(q->statement);
}

void fb_sql_drop(struct fb_sql **q)
{
    fb_sql_end(*q);
    *q = NULL;
}

static void note_bind(struct fb_sql *q, int code)
{
    if (code != SQLITE_OK && q->error == FB_OK) {
        q->error = fb_store_note(q->store, code);
    }
}

void fb_sql_bind_int(struct fb_sql *q, int at, int64_t value)
{
    note_bind(q, sqlite3_bind_int64(q->statement, at, value));
}

void fb_sql_bind_text(struct fb_sql *q, int at, const char *text)
{
    note_bind(q, sqlite3_bind_text(q->statement, at, text, -1, SQLITE_STATIC));
}

/* No bytes are an empty blob, not null. */
void fb_sql_bind_bytes(struct fb_sql *q, int at, const void *bytes, size_t size)
{
    note_bind(
        q, sqlite3_bind_blob64(q->statement, at, bytes == NULL ? "" : bytes, size, SQLITE_STATIC));
}

void fb_sql_bind_null(struct fb_sql *q, int at)
{
    note_bind(q, sqlite3_bind_null(q->statement, at));
}

void fb_sql_bind_value(struct fb_sql *q, int at, const struct fb_value *v)
{
    switch (v->type) {
    case FB_ABSENT:
    case FB_NULL:
        fb_sql_bind_null(q, at);
        break;
    case FB_INT:
        fb_sql_bind_int(q, at, v->integer);
        break;
    case FB_TEXT:
        note_bind(q, sqlite3_bind_text64(q->statement, at, v->bytes == NULL ? "" : v->bytes,
                                         v->size, SQLITE_STATIC, SQLITE_UTF8));
        break;
    case FB_BLOB:
        fb_sql_bind_bytes(q, at, v->bytes, v->size);
        break;
    }
}

/* Switching the triggers makes SQLite prepare every statement again, so it waits until one starts
 * that would fire them: a daemon that only applies remote rows pays once. */
static void set_capture(struct fb_store *store)
{
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)store->wants_capture, NULL);
    store->has_capture = store->wants_capture;
}

/* SQLite ends a transaction by itself after some errors (disk full, I/O, memory): what follows must
 * not run outside it. */
static int start(struct fb_sql *q)
{
    struct fb_store *store = q->store;
    if (q->error != FB_OK) {
        return q->error;
    }
    if ((store->is_in_transaction || store->is_reading) && sqlite3_get_autocommit(store->db)) {
        return store->last_error != FB_OK ? store->last_error : FB_ERR_IO;
    }
    if (q->writes_rows && store->has_capture != store->wants_capture) {
        set_capture(store);
    }
    q->is_running = true;
    return FB_OK;
}

int fb_sql_step(struct fb_sql *q)
{
    if (!q->is_running) {
        int rc = start(q);
        if (rc < 0) {
            return rc;
        }
    }
    int code = sqlite3_step(q->statement);
    if (code == SQLITE_ROW) {
        return FB_SQL_ROW;
    }
    int rc = code == SQLITE_DONE ? FB_SQL_DONE : fb_store_note(q->store, code);
    reset(q);
    return rc;
}

int fb_sql_run(struct fb_sql *q)
{
    int rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = fb_sql_step(q);
    }
    if (rc < 0) {
        return rc;
    }
    return fb_sql_rewind(q);
}

int64_t fb_sql_int(const struct fb_sql *q, int at)
{
    return sqlite3_column_int64(q->statement, at);
}

const char *fb_sql_text(const struct fb_sql *q, int at)
{
    return (const char *)sqlite3_column_text(q->statement, at);
}

/* Asking for text adds a zero behind it, which can take memory; the bytes alone never do. */
static struct fb_value text_value(const struct fb_sql *q, int at)
{
    const char *bytes = (const char *)sqlite3_column_text(q->statement, at);
    if (bytes == NULL) {
        bytes = sqlite3_column_blob(q->statement, at);
    }
    uint32_t size = (uint32_t)sqlite3_column_bytes(q->statement, at);
    return (struct fb_value){
        .type = FB_TEXT, .bytes = bytes == NULL ? "" : bytes, .size = bytes == NULL ? 0 : size};
}

struct fb_value fb_sql_value(const struct fb_sql *q, int at)
{
    struct fb_value v = {.type = FB_NULL};
    switch (sqlite3_column_type(q->statement, at)) {
    case SQLITE_INTEGER:
        v.type = FB_INT;
        v.integer = sqlite3_column_int64(q->statement, at);
        break;
    case SQLITE_NULL:
        break;
    case SQLITE_BLOB:
        v.type = FB_BLOB;
        v.bytes = sqlite3_column_blob(q->statement, at);
        v.size = (uint32_t)sqlite3_column_bytes(q->statement, at);
        v.bytes = v.bytes == NULL ? "" : v.bytes;
        break;
    default: /* a real cannot stand in STRICT tables; a question's result is read as text */
        v = text_value(q, at);
        break;
    }
    return v;
}

int fb_sql_column_count(const struct fb_sql *q)
{
    return sqlite3_column_count(q->statement);
}

const char *fb_sql_column_name(const struct fb_sql *q, int at)
{
    return sqlite3_column_name(q->statement, at);
}

int fb_sql_exec(struct fb_store *store, const char *text)
{
    struct fb_sql *q = NULL;
    int rc = fb_sql_prepare_once(store, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_assert(q != NULL);
    rc = fb_sql_run(q);
    fb_sql_end(q);
    return rc;
}

int fb_sql_read_int(struct fb_store *store, const char *text, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store, text, &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
    }
    return rc < 0 ? rc : FB_OK;
}

int64_t fb_sql_changes(const struct fb_store *store)
{
    return sqlite3_changes64(store->db);
}
