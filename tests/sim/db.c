/* SPDX-License-Identifier: MIT */
#include "tests/sim/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/util.h"

sqlite3 *sim_db_open(int node, enum sim_process process)
{
    char path[64];
    snprintf(path, sizeof path, "/sim/%d/fieldbook.db", node);
    sim_vfs_enter(node, process);
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    if (process == SIM_READER) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_exec(db, "PRAGMA query_only = 1", NULL, NULL, NULL);
    }
    return db;
}

void sim_db_close(sqlite3 *db)
{
    if (sqlite3_close(db) != SQLITE_OK) {
        sim_die("a query is still open: %s", sqlite3_errmsg(db));
    }
}

int sim_db_run(sqlite3 *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    char *error = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &error);
    if (rc == SQLITE_ERROR && strstr(error, "syntax") != NULL) {
        sim_die("%s: %s", error, sql);
    }
    sqlite3_free(error);
    sqlite3_free(sql);
    return rc;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *format, va_list args)
{
    char *sql = sqlite3_vmprintf(format, args);
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc == SQLITE_ERROR) {
        sim_die("%s: %s", sqlite3_errmsg(db), sql);
    }
    sqlite3_free(sql);
    return q;
}

sqlite3_stmt *sim_db_query(sqlite3 *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sqlite3_stmt *q = prepare(db, format, args);
    va_end(args);
    return q;
}

int64_t sim_db_int(sqlite3 *db, int64_t missing, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sqlite3_stmt *q = prepare(db, format, args);
    va_end(args);
    int64_t answer = missing;
    if (q != NULL && sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL) {
        answer = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return answer;
}

char *sim_db_text(sqlite3 *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sqlite3_stmt *q = prepare(db, format, args);
    va_end(args);
    char *answer = NULL;
    if (q != NULL && sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL) {
        const unsigned char *text = sqlite3_column_text(q, 0);
        answer = sim_copy(text, (size_t)sqlite3_column_bytes(q, 0) + 1);
    }
    sqlite3_finalize(q);
    return answer;
}

const char *sim_column(sqlite3_stmt *q, int at)
{
    const unsigned char *text = sqlite3_column_text(q, at);
    return text != NULL ? (const char *)text : "";
}
