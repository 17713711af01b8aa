/* SPDX-License-Identifier: MIT
 *
 * Counting what statements cost. SQLite tells when one has run; its counters are taken and begin anew.
 */
#include "common/store/inside.h"

static int note_statement(unsigned event, void *ctx, void *statement, void *nanoseconds)
{
    struct fb_store_cost *cost = ctx;
    (void)event;
    (void)nanoseconds;
    cost->statements++;
    cost->steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    cost->scan_steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    cost->sorts += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 1);
    return 0;
}

/* Statements that are kept count since they were prepared. */
static void begin_anew(sqlite3 *db)
{
    static const int COUNTERS[] = {SQLITE_STMTSTATUS_VM_STEP, SQLITE_STMTSTATUS_FULLSCAN_STEP,
                                   SQLITE_STMTSTATUS_SORT};
    for (sqlite3_stmt *q = NULL; (q = sqlite3_next_stmt(db, q)) != NULL;) {
        for (size_t i = 0; i < sizeof COUNTERS / sizeof COUNTERS[0]; i++) {
            sqlite3_stmt_status(q, COUNTERS[i], 1);
        }
    }
}

void fb_store_watch_cost(struct fb_store *store, struct fb_store_cost *ret)
{
    begin_anew(store->db);
    store->cost = ret;
    fb_assert(sqlite3_trace_v2(store->db, ret == NULL ? 0 : SQLITE_TRACE_PROFILE,
                               ret == NULL ? NULL : note_statement, ret) == SQLITE_OK);
}
