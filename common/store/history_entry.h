/* SPDX-License-Identifier: MIT
 *
 * Headquarters' history as people read it: the entries of one row, newest first, and the recycle bin.
 */
#ifndef FB_STORE_HISTORY_ENTRY_H
#define FB_STORE_HISTORY_ENTRY_H

#include "common/store/history.h"

struct fb_history_value {
    const struct fb_field *field;
    struct fb_value old;
    struct fb_value now;
};

struct fb_history_entry {
    int64_t seq;
    int64_t rev;
    enum fb_log_op op;
    int64_t made_at_ms;                    /* by the author, corrected */
    int64_t arrived_at_ms;                 /* merged or sealed */
    char employee_id[FB_ROW_ID_SIZE];      /* "": a tool */
    char device_id[FB_ROW_ID_SIZE];        /* "": headquarters */
    const struct fb_history_value *values; /* of an update */
    size_t value_count;
};

/* Entries of a row before a seq (0: from the newest), at most count_max, but for those that only name it. Bytes live
 * during the call. */
typedef int fb_history_each_entry(void *ctx, const struct fb_history_entry *entry);
int fb_history_entries(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                       int64_t before_seq, int64_t count_max, fb_history_each_entry *f,
                       void *ctx) FB_MUST_CHECK;

/* A deleted record: the topmost row of what went together. */
struct fb_bin_entry {
    const struct fb_entity *entity;
    char row_id[FB_ROW_ID_SIZE];
    int64_t cause; /* seq of its delete: newest first, and where a page goes on */
    int64_t with;  /* rows that went along */
    int64_t deleted_at_ms;
    char employee_id[FB_ROW_ID_SIZE]; /* "": a tool */
    const char *image;                /* the row as JSON */
    size_t image_size;
};
typedef int fb_bin_each(void *ctx, const struct fb_bin_entry *entry);
/* entity NULL: of all. before: cause of the last one shown; 0: from the newest. */
int fb_bin_list(struct fb_store *s, const struct fb_entity *e, int64_t before, int64_t count_max,
                fb_bin_each *f, void *ctx) FB_MUST_CHECK;
/* With what a row went; FB_ERR_NOT_FOUND: it does not rest there. */
int fb_bin_cause(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                 int64_t *ret) FB_MUST_CHECK;
/* All rows that went with one cause, parents before children; in the arena. */
int fb_bin_rows(struct fb_store *s, int64_t cause, struct fb_arena *arena, struct fb_row **ret,
                size_t *ret_count) FB_MUST_CHECK;

#endif
