/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"
#include "common/store/inside.h"
#include "common/store/upgrade.h"

#define BUSY_TIMEOUT_MS    5000
#define CACHE_BYTES_WRITER (64LL * 1024 * 1024)
#define CACHE_BYTES_READER (8LL * 1024 * 1024)
#define SIDE_CACHE_BYTES   (16LL * 1024 * 1024)
/* 40 MB of log: a late checkpoint costs a large download a tenth less than SQLite's 1,000 pages. */
#define CHECKPOINT_PAGES "10000"
#define LOG_BYTES_KEPT   "67108864"

/* Raw handles are used here, before the statements of sql.c have anything to stand on. */
int fb_store_read_pragma(struct fb_store *store, const char *text, char *ret, size_t ret_size)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(store->db, text, -1, &q, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(q);
    }
    int rc = FB_OK;
    if (code == SQLITE_ROW) {
        const char *value = (const char *)sqlite3_column_text(q, 0);
        snprintf(ret, ret_size, "%s", value == NULL ? "" : value);
        rc = value == NULL ? fb_store_note(store, SQLITE_NOMEM) : FB_OK; /* no number became text */
    } else if (code != SQLITE_DONE) {
        rc = fb_store_note(store, code);
    }
    sqlite3_finalize(q);
    return rc;
}

static int exec(struct fb_store *store, const char *text)
{
    int code = sqlite3_exec(store->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? FB_OK : fb_store_note(store, code);
}

static bool is_ours(const char *table)
{
    return strncmp(table, "fb_", 3) == 0 || strncmp(table, "sqlite_", 7) == 0 ||
           strcmp(table, "reference") == 0;
}

/* Asked while a statement is prepared: notes whether it writes an entity's table, where the capture
 * triggers are. */
static int notice_row_write(void *ctx, int action, const char *a, const char *b,
                            const char *database, const char *trigger)
{
    (void)b;
    (void)database;
    (void)trigger;
    struct fb_store *store = ctx;
    if ((action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) &&
        !is_ours(a)) {
        store->saw_row_write = true;
    }
    return SQLITE_OK;
}

/* faults.md, part 4, with what the capture triggers need: json_object of up to 63 fields takes 126
 * arguments, an entity of 180 fields a long trigger. */
static void set_limits(sqlite3 *db)
{
    static const struct {
        int id;
        int value;
    } LIMITS[] = {
        {SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 256 * 1024},
        {SQLITE_LIMIT_COLUMN, 200},
        {SQLITE_LIMIT_EXPR_DEPTH, 250},
        {SQLITE_LIMIT_COMPOUND_SELECT, 200},
        {SQLITE_LIMIT_VDBE_OP, 250000},
        {SQLITE_LIMIT_FUNCTION_ARG, 127},
        {SQLITE_LIMIT_ATTACHED, 2},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1024},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 8},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 999},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        sqlite3_limit(db, LIMITS[i].id, LIMITS[i].value);
    }
}

/* SQLite before 3.41 takes its own JSON functions for unsafe ones (tag-20230109-1 in its source),
 * which the capture triggers call. With no functions of ours and no extensions there is nothing
 * else that a hostile schema could reach. */
static bool may_distrust_schema(void)
{
    return sqlite3_libversion_number() >= 3041000;
}

static void set_switches(sqlite3 *db)
{
    const struct {
        int id;
        int value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, !may_distrust_schema()},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        /* Declared for people and tools, checked by ingest: docs/decisions/0003-foreign-keys.md. */
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},
    };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        sqlite3_db_config(db, switches[i].id, switches[i].value, NULL);
    }
}

/* What needs no look at the file. */
static int set_connection(struct fb_store *store)
{
    int64_t bytes = store->options.cache_bytes;
    if (bytes == 0) {
        bytes = store->options.is_read_only ? CACHE_BYTES_READER : CACHE_BYTES_WRITER;
    }
    char text[320];
    /* The CHECKs of the tables are for other programs: ours check values before they write, with sentences
     * (fb_field_check), and a laptop must be able to take in whatever headquarters holds. */
    snprintf(text, sizeof text,
             "PRAGMA cache_size = -%lld; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; "
             "PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON; PRAGMA fullfsync = ON; "
             "PRAGMA ignore_check_constraints = ON",
             (long long)(bytes / 1024));
    set_limits(store->db);
    set_switches(store->db);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    sqlite3_set_authorizer(store->db, notice_row_write, store);
    return exec(store, text);
}

/* Law 1. Read back, because a file system without shared memory leaves the journal mode as it is.
 */
static int set_durable(struct fb_store *store, struct fb_why *why)
{
    char mode[16] = "";
    int rc = fb_store_read_pragma(store, "PRAGMA journal_mode", mode, sizeof mode);
    if (rc == FB_OK && strcmp(mode, "wal") != 0) {
        rc = fb_store_read_pragma(store, "PRAGMA journal_mode = WAL", mode, sizeof mode);
        store->health.journal_mode_restored = true;
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    if (strcmp(mode, "wal") != 0) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "the file system of the data folder does not allow SQLite's write-ahead log "
                       "(mode \"%s\"): use a "
                       "local disk, not a network share",
                       mode);
    }
    const char *setting =
        FB_BUG(SYNCHRONOUS_NORMAL) ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL";
    char level[8] = "";
    rc = exec(store, setting);
    if (rc == FB_OK) {
        rc = exec(store, "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES);
    }
    if (rc == FB_OK) {
        rc = fb_store_read_pragma(store, "PRAGMA journal_size_limit = " LOG_BYTES_KEPT, mode,
                                  sizeof mode);
    }
    if (rc == FB_OK) {
        rc = fb_store_read_pragma(store, "PRAGMA synchronous", level, sizeof level);
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    if (strcmp(level, "2") != 0 && !FB_BUG(SYNCHRONOUS_NORMAL)) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "this build of SQLite does not take synchronous = FULL: use another");
    }
    return FB_OK;
}

/* A statement that fires triggers keeps a journal of its own pages. Once one outgrows this limit, SQLite writes those
 * of all later statements of the transaction to a temporary file, ten writes a row
 * (docs/decisions/0010-one-trigger-per-field.md). Refused, harmlessly, when SQLite runs already. */
#define STATEMENT_JOURNAL_BYTES (16 * 1024 * 1024)

static int open_handle(struct fb_store *store, const char *path, struct fb_why *why)
{
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, STATEMENT_JOURNAL_BYTES);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= store->options.may_create ? SQLITE_OPEN_CREATE : 0;
    int code = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (code == SQLITE_OK) {
        return FB_OK;
    }
    if (store->db == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY,
                       "there is not enough memory to open %s: close other programs", path);
    }
    int reason = sqlite3_system_errno(store->db);
    if ((code & 0xFF) == SQLITE_CANTOPEN && !store->options.may_create &&
        (reason == ENOENT || reason == 0)) {
        return fb_fail(why, FB_ERR_NOT_FOUND,
                       "there is no database at %s: check the data folder, or set it up first",
                       path);
    }
    if ((code & 0xFF) == SQLITE_CANTOPEN) {
        return fb_fail(why, FB_ERR_IO,
                       "cannot open %s (%s): check that the folder exists and is yours", path,
                       reason == 0 ? fb_text("the system gave no reason") : strerror(reason));
    }
    int rc = fb_store_note(store, code);
    fb_ignore(fb_store_error(store, why), "the code is known already");
    return rc;
}

/* A commit that was killed or refused at its sync stands in the write-ahead log, where any reader finds it, and may be
 * gone after the next power cut. What is found at the start is acted upon at once (a cursor said in the hello, a push sent
 * again), so the log is first moved into the file: that syncs the log, then copies, then syncs the file. */
static int settle_log(struct fb_store *store)
{
    if (store->options.is_read_only || FB_BUG(ACTS_ON_UNSYNCED_LOG)) {
        return FB_OK;
    }
    int rc = fb_store_checkpoint(store);
    /* Somebody else does it; or there is no room for the copy, and the log is synced already. */
    return rc == FB_ERR_BUSY || rc == FB_ERR_DISK_FULL ? FB_OK : rc;
}

static int prepare_file(struct fb_store *store, const char *path, struct fb_why *why)
{
    bool is_new = false;
    int rc = fb_upgrade_check(store, &is_new, why);
    if (rc < 0) {
        return rc;
    }
    if (is_new && !store->options.may_create) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "%s is empty: set it up first", path);
    }
    if (store->options.check_quickly && !is_new) {
        rc = fb_store_quick_check(store, "PRAGMA quick_check(1)", why);
    }
    if (rc == FB_OK) {
        rc = set_durable(store, why);
    }
    if (rc == FB_OK && settle_log(store) < 0) {
        rc = fb_store_error(store, why);
    }
    if (rc == FB_OK) {
        rc = fb_upgrade_run(store, why);
    }
    store->health.journal_mode_restored &= !is_new;
    return rc;
}

/* With a catalogue in force the tables and triggers are looked over; a reader leaves that to the
 * writer. */
static int prepare_catalogue(struct fb_store *store, struct fb_why *why)
{
    int rc = fb_store_refresh_catalogue(store);
    if (rc == FB_OK && store->options.is_read_only) {
        rc = exec(store, "PRAGMA query_only = ON");
    } else if (rc == FB_OK) {
        struct fb_store_health found = {0};
        rc = fb_store_check_schema(store, &found); /* tells the journal mode, too */
        store->health = found;
        store->has_told_health = false;
    }
    return rc < 0 ? fb_store_error(store, why) : FB_OK;
}

int fb_store_open(const char *path, const struct fb_store_options *options, struct fb_store **ret,
                  struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY,
                       "there is not enough memory to open %s: close other programs", path);
    }
    store->options = *options;
    store->wants_capture = true;
    store->has_capture = true;
    store->data_version = -1;
    store->schema_version_checked = -1;
    int rc = open_handle(store, path, why);
    if (rc < 0) {
        return rc;
    }
    rc = set_connection(store);
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    if (sqlite3_db_readonly(store->db, "main") == 1) {
        return fb_fail(why, FB_ERR_IO,
                       "%s may not be written: check its rights and those of its folder", path);
    }
    rc = prepare_file(store, path, why);
    if (rc == FB_OK) {
        rc = prepare_catalogue(store, why);
    }
    if (rc < 0) {
        return rc;
    }
    *ret = store;
    store = NULL;
    return FB_OK;
}

int fb_store_open_side(const char *path, struct fb_store **ret, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY,
                       "there is not enough memory to open %s: close other programs", path);
    }
    store->options = (struct fb_store_options){.may_create = true, .cache_bytes = SIDE_CACHE_BYTES};
    store->data_version = -1;
    store->schema_version_checked = -1;
    int rc = open_handle(store, path, why);
    if (rc == FB_OK) {
        rc = set_connection(store);
    }
    if (rc == FB_OK) {
        rc = exec(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    }
    if (rc < 0) {
        return store->db == NULL ? rc : fb_store_error(store, why);
    }
    *ret = store;
    store = NULL;
    return FB_OK;
}

void fb_store_close(struct fb_store *store)
{
    if (store == NULL) {
        return;
    }
    free(store->part);
    fb_store_read_end(store);
    fb_store_rollback(store);
    fb_history_free(store);
    fb_row_statements_forget(store);
    free(store->rows);
    fb_sql_forget_all(store);
    sqlite3_close_v2(store->db);
    while (store->kept != NULL) {
        struct fb_kept_catalogue *next = store->kept->next;
        fb_catalogue_free(store->kept->catalogue);
        free(store->kept);
        store->kept = next;
    }
    free(store);
}

void fb_store_drop(struct fb_store **store)
{
    fb_store_close(*store);
    *store = NULL;
}
