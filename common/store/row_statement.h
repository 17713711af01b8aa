/* SPDX-License-Identifier: MIT
 *
 * The statements rows are read and written with, prepared once per entity; for this folder only.
 *
 * Columns stand in the order id, fields..., created_at, created_by, modified_at, modified_by, in
 * results (from 0) and as parameters (from 1).
 */
#ifndef FB_STORE_ROW_STATEMENT_H
#define FB_STORE_ROW_STATEMENT_H

#include "common/store/inside.h"
#include "common/store/row.h"

enum fb_row_verb {
    FB_ROW_SELECT, /* ?1 id; all columns */
    FB_ROW_EXISTS, /* ?1 id */
    FB_ROW_INSERT, /* all columns */
    FB_ROW_UPSERT, /* all columns */
    FB_ROW_DELETE, /* ?1 id */
    FB_ROW_SCAN,   /* ?1 after id, ?2 count; all columns */
    FB_ROW_VERBS
};

/* Columns a statement writes: bit i is field i, the four highest bits are the stamps. */
struct fb_row_mask {
    uint64_t words[FB_ROW_MASK_WORDS];
};
_Static_assert(FB_FIELDS_MAX + FB_STAMP_COUNT <= 64 * FB_ROW_MASK_WORDS,
               "the stamps need room behind the fields");
#define FB_ROW_STAMP_BIT(i) (64 * FB_ROW_MASK_WORDS - FB_STAMP_COUNT + (i))

bool fb_row_mask_has(const struct fb_row_mask *mask, size_t bit);
void fb_row_mask_add(struct fb_row_mask *mask, size_t bit);

/* Give back with fb_sql_end. */
int fb_row_statement(struct fb_store *s, const struct fb_entity *e, enum fb_row_verb verb,
                     struct fb_sql **ret) FB_MUST_CHECK;
/* UPDATE of the columns in the mask, ?1 id, then a parameter per column in their order. */
int fb_row_update_statement(struct fb_store *s, const struct fb_entity *e,
                            const struct fb_row_mask *mask, struct fb_sql **ret) FB_MUST_CHECK;

/* "SELECT <all columns> FROM <table>". */
void fb_row_append_select(struct fb_buf *sql, const struct fb_entity *e);

/* The row under a statement whose columns are all of the entity's; bytes are borrowed until its
 * next step. values has room for the entity's fields. */
void fb_row_borrow(const struct fb_sql *q, const struct fb_entity *e, struct fb_value *values,
                   struct fb_row *ret);

#endif
