/* SPDX-License-Identifier: MIT
 *
 * The journal as changes: what freeze (laptop) and seal (headquarters) read. One change per row,
 * coalesced (sync-rules.md, rules 1, 5, 7): base is the old value of the field's first journal
 * row, mine is what the table holds.
 */
#ifndef FB_STORE_JOURNAL_H
#define FB_STORE_JOURNAL_H

#include "common/store/store.h"

enum fb_change_op {
    FB_CHANGE_NAMED,  /* nets to nothing; named so that a cut answers it (rule 5) */
    FB_CHANGE_INSERT, /* fields: mine only */
    FB_CHANGE_UPDATE, /* fields: base and mine, whole groups */
    FB_CHANGE_DELETE, /* fields: base = the base image, mine = the last image (rule 18) */
};

/* One write of a tracked or sum field. For a sum, to - from is what counts. */
struct fb_step {
    uint8_t id[8];
    int64_t at_ms; /* the writer's clock */
    struct fb_value from;
    struct fb_value to;
};

struct fb_field_change {
    uint32_t field_no;
    struct fb_value base; /* FB_ABSENT for an insert */
    struct fb_value mine;
    int64_t edited_at_ms; /* the writer's clock, of the last write of its group */
    int64_t cursor; /* where the replica stood at that write; not below the change's (rule 25) */
    struct fb_step *steps;
    size_t step_count;
};

struct fb_change {
    uint32_t entity_no;
    enum fb_change_op op;
    char row_id[37];
    int64_t cursor;       /* where the replica stood at the row's first journal row */
    int64_t edited_at_ms; /* the writer's clock, of the last write */
    struct fb_field_change *fields;
    size_t field_count;
    /* Read from the journal only: numbers of fields that were edited and are as they were; they do not travel. */
    uint32_t *netted;
    size_t netted_count;
};

/* True if anything waits in the journal (cursor markers do not count). */
int fb_journal_has_changes(struct fb_store *s, bool *ret) FB_MUST_CHECK;
int fb_journal_count(struct fb_store *s, int64_t *ret_rows) FB_MUST_CHECK;

/* Calls f once per changed row, parents before children of inserts, rows of an aggregate
 * together. The change's memory lives during the call. Inside the transaction that then calls
 * fb_journal_clear. */
typedef int fb_change_each(void *ctx, const struct fb_change *change);
int fb_journal_each(struct fb_store *s, fb_change_each *f, void *ctx) FB_MUST_CHECK;

/* Empties the journal, and notes the cursor (fb_meta 'cursor') as the one that later rows stand at.
 */
int fb_journal_clear(struct fb_store *s) FB_MUST_CHECK;

/* Notes that the cursor moved: rows that are captured from here on stand at it. In the
 * transaction that moves it. */
int fb_journal_note_cursor(struct fb_store *s, int64_t cursor) FB_MUST_CHECK;

#endif
