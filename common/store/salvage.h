/* SPDX-License-Identifier: MIT
 *
 * What can be read of a damaged database, brought into a new one: the journal, the pushes that wait, the rows. SQLite reads, table by
 * table; where it meets a damaged page the rows behind it are asked for one by one. The damaged file is opened to read only. Why not
 * SQLite's recovery, and what cannot be noticed: docs/decisions/0055-salvage.md.
 */
#ifndef FB_STORE_SALVAGE_H
#define FB_STORE_SALVAGE_H

#include "common/store/store.h"

/* Reads every page. FB_ERR_DAMAGED with SQLite's words; FB_OK: nothing is wrong with the file. */
int fb_store_look_whole(const char *path, struct fb_why *why) FB_MUST_CHECK;

struct fb_salvage {
    int64_t rows;        /* of entities */
    int64_t edits;       /* rows of the journal */
    int64_t gaps;        /* tables that could not be read whole */
    int64_t odd;         /* rows that no healthy database holds: left behind */
    bool has_catalogue;  /* else there are no tables for rows, and the journal means nothing */
    bool has_counters;   /* of the numbers that people read: all of them */
    bool has_lost_edits; /* of the journal something could not be read */
    char tables[400];    /* names of those that could not be read whole */
};

/* to: a new database of a laptop, outside a transaction; one transaction. Rows whose edits wait, but which are not there themselves, keep no
 * journal: an edit without its row would read as a delete. FB_ERR_DAMAGED: not even the list of tables can be read; to stays empty. */
int fb_store_salvage(const char *path, struct fb_store *to, int64_t now_ms, struct fb_salvage *ret,
                     struct fb_why *why) FB_MUST_CHECK;

#endif
