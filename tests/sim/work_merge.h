/* SPDX-License-Identifier: MIT
 *
 * People merge records and take it back. Inside the transaction of the work; SQLite's code is returned.
 */
#ifndef FB_SIM_WORK_MERGE_H
#define FB_SIM_WORK_MERGE_H

#include <sqlite3.h>
#include <stdint.h>

/* One company or contact into another, never an anchor dropped. Sometimes the one that goes opts out just before. */
int sim_work_merge(sqlite3 *db, int64_t op, int64_t cursor, int64_t true_ms, uint64_t *random);
int sim_work_unmerge(sqlite3 *db, uint64_t *random);

#endif
