/* SPDX-License-Identifier: MIT
 *
 * Which rows the journal names, in the order their changes go out; for this folder only.
 *
 * One pass over the journal keeps per row its place and the keys of its journal rows: about 100
 * bytes a row and 16 a journal row, so that 100,000 edited rows take some 15 MB. Values are read
 * later, row by row.
 */
#ifndef FB_STORE_JOURNAL_INDEX_H
#define FB_STORE_JOURNAL_INDEX_H

#include "common/store/inside.h"
#include "common/store/row.h"

#define FB_JOURNAL_NONE UINT32_MAX

struct fb_journal_row {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    uint32_t root; /* place of the aggregate's topmost row; FB_JOURNAL_NONE: not worked out yet */
    uint32_t first_ref; /* FB_JOURNAL_NONE: not in the journal, a changed part hangs below */
    uint32_t last_ref;
    int64_t first_seq;
    int64_t image_seq;     /* of its last old image; 0: none */
    int64_t aggregate_seq; /* of a root: the first journal row of the whole aggregate */
    int64_t cursor;
};

struct fb_journal_ref {
    int64_t seq;
    uint32_t next;
    uint32_t stood_at; /* place in cursors */
};

struct fb_journal_index {
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_journal_row *rows;
    size_t row_count;
    size_t row_capacity;
    struct fb_journal_ref *refs;
    size_t ref_count;
    size_t ref_capacity;
    int64_t *cursors; /* where the node stood, from marker to marker; 0 before the first */
    size_t cursor_count;
    size_t cursor_capacity;
    uint32_t *buckets; /* places in rows, by entity and id */
    size_t bucket_count;
    uint32_t *order; /* the rows that the journal names */
    size_t order_count;
};

/* Reads the journal. Rows of an aggregate stand together, parents before parts, entities in the
 * catalogue's order, else as they were first changed. Release it also after a failure. */
int fb_journal_index_build(struct fb_store *s, struct fb_journal_index *ret) FB_MUST_CHECK;
void fb_journal_index_release(struct fb_journal_index *index);

#endif
