/* SPDX-License-Identifier: MIT */
#include "common/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/inside.h"

/* What a person can do about it. The detail in brackets is SQLite's. */
static const char *remedy(int error)
{
    switch (error) {
    case FB_ERR_DISK_FULL:
        return "the disk is full: make room, nothing was lost and work goes on by itself";
    case FB_ERR_DAMAGED:
        return "the database is damaged: restore a backup (headquarters), or run "
               "`fieldbook-replica doctor --salvage` (laptop), which keeps the file and saves what "
               "can be read of the unsent work";
    case FB_ERR_BUSY:
        return "another program has locked the database for more than 5 seconds: close it or wait";
    case FB_ERR_IO:
        return "the disk refused a read or a write: check the disk and the rights of the data "
               "folder";
    case FB_ERR_NO_MEMORY:
        return "there is not enough memory: close other programs and try again";
    case FB_ERR_LIMIT:
        return "a value is too large for the database: shorten it";
    case FB_ERR_CONSTRAINT:
        return "the database refused the values: correct them";
    case FB_ERR_INTERRUPTED:
        return "the database work was interrupted: try again";
    default:
        return "the database does not look as this program expects: run the doctor command";
    }
}

int fb_store_map_code(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FB_OK;
    case SQLITE_NOMEM:
        return FB_ERR_NO_MEMORY;
    case SQLITE_FULL:
        return FB_ERR_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FB_ERR_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FB_ERR_BUSY;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return FB_ERR_CONSTRAINT;
    case SQLITE_TOOBIG:
        return FB_ERR_LIMIT;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
        return FB_ERR_INTERRUPTED;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return code == SQLITE_IOERR_NOMEM ? FB_ERR_NO_MEMORY : FB_ERR_IO;
    default:
        return FB_ERR_INVALID;
    }
}

int fb_store_note(struct fb_store *store, int code)
{
    int extended = sqlite3_extended_errcode(store->db);
    store->last_code = (extended & 0xFF) == (code & 0xFF) ? extended : code;
    store->last_error = fb_store_map_code(store->last_code);
    fb_assert(store->last_error < 0);
    snprintf(store->last_message, sizeof store->last_message, "%s",
             store->last_code == extended ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
    return store->last_error;
}

int fb_store_error(struct fb_store *store, struct fb_why *why)
{
    if (store->last_error == FB_OK) {
        return FB_OK;
    }
    return fb_fail(why, store->last_error, "%s (%s)", fb_text(remedy(store->last_error)),
                   store->last_message);
}

static int run_text(struct fb_store *store, const char *text)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store, text, &q);
    if (rc < 0) {
        return rc;
    }
    return fb_sql_run(q);
}

static void forget_transaction(struct fb_store *store)
{
    store->is_in_transaction = false;
    store->depth = 0;
    store->wants_capture = true;
}

int fb_store_begin(struct fb_store *store)
{
    fb_assert(!store->is_in_transaction && !store->is_reading);
    int rc = run_text(store, "BEGIN IMMEDIATE");
    if (rc < 0) {
        return rc;
    }
    store->is_in_transaction = true;
    store->wants_capture = true;
    store->catalogue_before = store->catalogue;
    rc = fb_store_refresh_catalogue(store);
    if (rc < 0) {
        fb_store_rollback(store);
        return rc;
    }
    store->catalogue_before = store->catalogue;
    return FB_OK;
}

int fb_store_commit(struct fb_store *store)
{
    fb_assert(store->is_in_transaction && store->depth == 0);
    int rc = fb_history_before_commit(store);
    if (rc == FB_OK) {
        rc = run_text(store, "COMMIT");
    }
    if (rc < 0) {
        fb_store_rollback(store);
        return rc;
    }
    fb_recent_end(store, true);
    forget_transaction(store);
    return FB_OK;
}

void fb_store_rollback(struct fb_store *store)
{
    if (!store->is_in_transaction) {
        return;
    }
    if (!sqlite3_get_autocommit(store->db)) {
        /* Not a kept statement: preparing one again could fail for lack of memory, and ROLLBACK
         * must not. */
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    fb_recent_end(store, false);
    forget_transaction(store);
    if (store->catalogue != store->catalogue_before) {
        store->catalogue = store->catalogue_before;
        store->data_version = -1;
        fb_row_statements_forget(store);
    }
    store->schema_version_checked = -1;
    fb_history_rolled_back(store);
}

int fb_store_read_begin(struct fb_store *store)
{
    fb_assert(!store->is_in_transaction && !store->is_reading);
    int rc = run_text(store, "BEGIN");
    if (rc < 0) {
        return rc;
    }
    store->is_reading = true;
    rc = fb_store_refresh_catalogue(store); /* its first read takes the snapshot */
    if (rc < 0) {
        fb_store_read_end(store);
    }
    return rc;
}

void fb_store_read_end(struct fb_store *store)
{
    if (!store->is_reading) {
        return;
    }
    store->is_reading = false;
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    }
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

bool fb_store_in_transaction(const struct fb_store *store)
{
    return store->is_in_transaction;
}

static int run_savepoint(struct fb_store *store, const char *verb)
{
    char text[64];
    snprintf(text, sizeof text, "%s fb_%d", verb, store->depth);
    return run_text(store, text);
}

int fb_store_savepoint(struct fb_store *store)
{
    fb_assert(store->is_in_transaction);
    store->depth++;
    int rc = fb_history_savepoint(store);
    if (rc == FB_OK) {
        rc = run_savepoint(store, "SAVEPOINT");
    }
    if (rc < 0) {
        store->depth--;
    }
    return rc;
}

int fb_store_savepoint_release(struct fb_store *store)
{
    fb_assert(store->is_in_transaction && store->depth > 0);
    int rc = run_savepoint(store, "RELEASE");
    if (rc == FB_OK) {
        store->depth--;
    }
    return rc;
}

int fb_store_savepoint_undo(struct fb_store *store)
{
    fb_assert(store->is_in_transaction && store->depth > 0);
    int rc = run_savepoint(store, "ROLLBACK TO");
    if (rc == FB_OK) {
        rc = run_savepoint(store, "RELEASE");
    }
    if (rc < 0) {
        return rc;
    }
    fb_history_savepoint_undone(store, store->depth);
    store->depth--;
    store->schema_version_checked = -1;
    return FB_OK;
}

void fb_store_capture(struct fb_store *store, bool is_on)
{
    store->wants_capture = is_on;
}

int fb_store_checkpoint(struct fb_store *store)
{
    fb_assert(!store->is_in_transaction && !store->is_reading);
    int code = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK ? FB_OK : fb_store_note(store, code);
}

const struct fb_store_health *fb_store_health(const struct fb_store *store)
{
    return &store->health;
}

int fb_store_data_version(struct fb_store *store, int64_t *ret)
{
    return fb_sql_read_int(store, "PRAGMA data_version", ret);
}

/* Hands the value of a key to copy while its bytes live. */
static int read_meta(struct fb_store *store, const char *key, struct fb_sql **ret_q,
                     struct fb_value *ret)
{
    int rc = fb_sql_begin(store, "SELECT value FROM fb_meta WHERE key = ?1", ret_q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(*ret_q, 1, key);
    rc = fb_sql_step(*ret_q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    *ret = fb_sql_value(*ret_q, 0);
    return ret->type == FB_NULL ? FB_ERR_NOT_FOUND : FB_OK;
}

int fb_store_meta_int(struct fb_store *store, const char *key, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_value v = {0};
    int rc = read_meta(store, key, &q, &v);
    if (rc < 0) {
        return rc;
    }
    if (v.type != FB_INT) {
        return FB_ERR_INVALID;
    }
    *ret = v.integer;
    return FB_OK;
}

int fb_store_meta_text(struct fb_store *store, const char *key, char *ret, size_t ret_size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_value v = {0};
    int rc = read_meta(store, key, &q, &v);
    if (rc < 0) {
        return rc;
    }
    if (v.type != FB_TEXT) {
        return FB_ERR_INVALID;
    }
    if (v.size >= ret_size) {
        return FB_ERR_LIMIT;
    }
    memcpy(ret, v.bytes, v.size);
    ret[v.size] = '\0';
    return FB_OK;
}

int fb_store_meta_blob(struct fb_store *store, const char *key, void *ret, size_t size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_value v = {0};
    int rc = read_meta(store, key, &q, &v);
    if (rc < 0) {
        return rc;
    }
    if (v.type != FB_BLOB || v.size != size) {
        return FB_ERR_INVALID;
    }
    memcpy(ret, v.bytes, size);
    return FB_OK;
}

int fb_store_meta_set(struct fb_store *store, const char *key, const struct fb_value *value)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store,
                          "INSERT INTO fb_meta (key, value) VALUES (?1, ?2) "
                          "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, key);
    fb_sql_bind_value(q, 2, value);
    return fb_sql_run(q);
}
