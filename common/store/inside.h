/* SPDX-License-Identifier: MIT
 *
 * What the files of the store share; for this folder only. Nobody else sees a sqlite3 handle.
 */
#ifndef FB_STORE_INSIDE_H
#define FB_STORE_INSIDE_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "common/store/sql.h"
#include "common/store/store.h"

/* Statements kept by text; the least recently used one makes room. 66 entities with three or four
 * statements each fit. */
#define FB_SQL_KEPT_MAX 384
#define FB_SQL_BUCKETS  512

struct fb_sql {
    struct fb_store *store;
    sqlite3_stmt *statement;
    int error;        /* of a bind, ours; FB_OK */
    bool is_busy;     /* given out */
    bool is_running;  /* stepped since the last reset */
    bool writes_rows; /* of entities: the capture triggers are compiled into it */
    bool is_kept;     /* in the store's list; else finalized at its end, or owned by row.c */
    bool is_owned;    /* by row.c */
    uint64_t key;     /* hash of the text */
    struct fb_sql *bucket_next;
    struct fb_sql *newer;
    struct fb_sql *older;
};

struct fb_sql_list {
    struct fb_sql *buckets[FB_SQL_BUCKETS];
    struct fb_sql *newest;
    struct fb_sql *oldest;
    size_t count;
};

/* Catalogues stay until the store is closed: callers hold pointers into them. */
struct fb_kept_catalogue {
    struct fb_catalogue *catalogue;
    struct fb_kept_catalogue *next;
};

struct fb_row_statements;
struct fb_history;

struct fb_store {
    sqlite3 *db;
    struct fb_store_options options;
    struct fb_sql_list sql;
    struct fb_row_statements *rows; /* row.c; NULL: none yet */
    struct fb_history *history;     /* history.c; NULL: none yet */
    uint8_t *part;                  /* outbox.c: bytes of the part read last */
    struct fb_recent *recent;       /* recent.c; NULL: nobody follows. Not ours */

    bool is_in_transaction;
    bool is_reading; /* fb_store_read_begin */
    int depth;       /* of savepoints */

    bool wants_capture; /* what fb_store_capture asked for */
    /* what the connection is set to: changed when a statement that fires triggers starts */
    bool has_capture;
    bool saw_row_write; /* the statement being prepared writes an entity's table */

    const struct fb_catalogue *catalogue;
    const struct fb_catalogue *catalogue_before; /* at begin: comes back with a rollback */
    struct fb_kept_catalogue *kept;
    int64_t data_version;           /* when the catalogue was looked up last; -1: never */
    int64_t schema_version_checked; /* fb_store_check_schema found all well; -1: never */
    struct fb_store_health health;  /* what open found */
    bool has_told_health;           /* the first check has told it */
    struct fb_store_health lasting; /* of the last look: unknown columns, told at every check */

    atomic_bool is_interrupted; /* fb_store_interrupt, by another thread */

    struct fb_store_cost *cost; /* cost.c; NULL: nobody watches */

    int last_error; /* ours */
    int last_code;  /* SQLite's extended code */
    char last_message[200];
};

/* Notes what SQLite said and returns it as an error of ours. */
int fb_store_note(struct fb_store *store, int code) FB_MUST_CHECK;
int fb_store_map_code(int code);

/* The first value that a pragma answers; ret is left alone if it answers nothing. */
int fb_store_read_pragma(struct fb_store *store, const char *text, char *ret,
                         size_t ret_size) FB_MUST_CHECK;
/* check.c: a form of PRAGMA quick_check. FB_ERR_DAMAGED says what is wrong and what to do. */
int fb_store_quick_check(struct fb_store *store, const char *pragma,
                         struct fb_why *why) FB_MUST_CHECK;

/* Makes what a catalogue wants and the file lacks. */
int fb_schema_make(struct fb_store *store, const struct fb_catalogue *catalogue) FB_MUST_CHECK;
/* Takes the newest catalogue of the file into force if it is another one. */
int fb_store_refresh_catalogue(struct fb_store *store) FB_MUST_CHECK;
/* Takes ownership; false: no memory, then it is freed. */
bool fb_store_keep_catalogue(struct fb_store *store, struct fb_catalogue *catalogue);

/* A statement outside the list; release with fb_sql_end. */
int fb_sql_prepare_once(struct fb_store *store, const char *text,
                        struct fb_sql **ret) FB_MUST_CHECK;
void fb_sql_free(struct fb_sql *q);
void fb_sql_forget_all(struct fb_store *store); /* before close */

void fb_row_statements_forget(struct fb_store *store);

/* recent.c: what the transaction wrote counts from now on, or never happened. */
void fb_recent_end(struct fb_store *store, bool is_committed);

/* Headquarters' caches follow the transaction: dropped, or put back to the savepoint's beginning.
 */
int fb_history_before_commit(struct fb_store *store) FB_MUST_CHECK;
void fb_history_rolled_back(struct fb_store *store);
int fb_history_savepoint(struct fb_store *store) FB_MUST_CHECK;
void fb_history_savepoint_undone(struct fb_store *store, int depth);
void fb_history_free(struct fb_store *store);

#endif
