/* SPDX-License-Identifier: MIT
 *
 * Plain SQL as any stock tool does it: the simulator's people and its oracle use nothing else. SQL
 * texts are printf formats of sqlite3_mprintf (%Q, %w).
 */
#ifndef SIM_DB_H
#define SIM_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/vfs.h"

/* Opens the node's database as that process, or NULL. The reader opens it read-only and leaves no
 * trace. */
sqlite3 *sim_db_open(int node, enum sim_process process);
void sim_db_close(sqlite3 *db);

/* SQLite's result code. */
int sim_db_run(sqlite3 *db, const char *format, ...);
/* The first column of the first row; missing if there is no row (or an error). */
int64_t sim_db_int(sqlite3 *db, int64_t missing, const char *format, ...);
/* The same as text, malloc'ed; NULL if there is no row or it is null. */
char *sim_db_text(sqlite3 *db, const char *format, ...);
/* A prepared query; dies if the text is wrong, NULL if the node is down. */
sqlite3_stmt *sim_db_query(sqlite3 *db, const char *format, ...);
const char *sim_column(sqlite3_stmt *q, int at); /* text, "" for null */

#endif
