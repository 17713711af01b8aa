/* SPDX-License-Identifier: MIT
 *
 * Small tables as they were at a rev: the rows of now, with what the log says was changed, inserted or deleted since taken back.
 * For what scopes are worked out from (rule 23). Of a rev behind the horizon of the log: as they were at the horizon. Memory is the
 * arena's.
 */
#ifndef FB_SERVER_PAST_H
#define FB_SERVER_PAST_H

#include "common/store/store.h"

#define FB_PAST_COLUMNS 6
#define FB_PAST_NOW     INT64_MAX

/* Texts by column, NULL for null; column 0 is the id. */
struct fb_past_row {
    const char *columns[FB_PAST_COLUMNS];
};
struct fb_past_table {
    struct fb_past_row *rows;
    size_t count;
    size_t capacity;
};

struct fb_past_ask {
    const char *entity;
    const char *fields[FB_PAST_COLUMNS]; /* columns 1, 2, ...; NULL ends them */
    const char *by_field;                /* only rows whose reference is by_id; NULL: all */
    const char *by_id;
    const char *scope; /* the set the rows are logged under: where to look in the log */
    int64_t rev;       /* FB_PAST_NOW: the tables as they are */
};

/* A catalogue without the entity or one of the fields: no rows, NULLs. */
int fb_past_read(struct fb_store *s, const struct fb_past_ask *ask, struct fb_arena *arena,
                 struct fb_past_table *ret) FB_MUST_CHECK;

#endif
