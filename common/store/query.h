/* SPDX-License-Identifier: MIT
 *
 * Questions about the rows of one entity, put together by programs: a list with its filter, order and place, how many
 * match, sums by group. This is the only file that makes such SQL: names come from the catalogue alone, values are
 * bound, and every question has a budget, so that none reads a whole large table by mistake.
 *
 * A list goes on from a position (keyset), never from an offset: the next page costs what the first one did, wherever
 * it lies. The order ends with the row's place in the file, which every index holds already: sorting by an indexed
 * column needs no other index, however many rows share a value.
 */
#ifndef FB_STORE_QUERY_H
#define FB_STORE_QUERY_H

#include "common/store/row.h"

/* A column is a field's index; behind the fields come the stamps, and the id. */
#define FB_QUERY_STAMP(e, i) ((uint32_t)((e)->field_count + (i)))
#define FB_QUERY_ID(e)       ((uint32_t)((e)->field_count + FB_STAMP_COUNT))
/* By its name, "id" and the stamps' too; false: there is none. */
bool fb_query_column(const struct fb_entity *e, const char *name, uint32_t *ret);
const char *fb_query_column_name(const struct fb_entity *e, uint32_t column);
/* The field of a column; NULL for the id and the stamps. */
const struct fb_field *fb_query_field(const struct fb_entity *e, uint32_t column);

enum fb_query_op {
    FB_QUERY_ALL, /* children: all of them; none: true */
    FB_QUERY_ANY, /* children: at least one; none: false */
    FB_QUERY_EQUAL,
    FB_QUERY_UNEQUAL, /* also of empty ones */
    FB_QUERY_LESS,
    FB_QUERY_LESS_EQUAL,
    FB_QUERY_GREATER,
    FB_QUERY_GREATER_EQUAL,
    FB_QUERY_IN,
    FB_QUERY_NOT_IN,   /* also of empty ones */
    FB_QUERY_CONTAINS, /* a part of the text, whatever the case of a..z; of a set: that member */
    FB_QUERY_BEGINS,   /* as typed, all small, all capital, or a capital first: an index serves */
    FB_QUERY_EMPTY,
    FB_QUERY_FILLED,
    /* the column is among the values of `through` of another entity's rows that hold its children */
    FB_QUERY_EXISTS,
};

/* A condition. Values are borrowed for the question's time. */
struct fb_query_node {
    enum fb_query_op op;
    uint32_t column;
    const struct fb_value *values;
    size_t value_count;
    const struct fb_query_node *const *children; /* of ALL, ANY and EXISTS */
    size_t child_count;
    const struct fb_entity *other; /* of EXISTS */
    uint32_t through;
};

#define FB_QUERY_SORTS_MAX 4
struct fb_query_sort {
    uint32_t column;
    bool is_descending;
};

/* Where a page ended. */
struct fb_query_position {
    struct fb_value keys[FB_QUERY_SORTS_MAX];
    char id[FB_ROW_ID_SIZE];
    int64_t place; /* of the row in the file; the id says where it is now */
};

struct fb_query {
    const struct fb_entity *entity;
    const struct fb_query_node *where;     /* NULL: all rows */
    const struct fb_query_node *and_where; /* and what the person may see; NULL: all */
    struct fb_query_sort sorts[FB_QUERY_SORTS_MAX];
    size_t sort_count;
    /* bit i of columns[i / 64]: column i is read, others are FB_ABSENT; NULL: all */
    const uint64_t *columns;
    const struct fb_query_position *after; /* NULL: from the beginning */
    int64_t limit;
    int64_t steps_max; /* of SQLite's machine; 0: FB_QUERY_STEPS_MAX */
};

/* What a question cost. */
struct fb_query_cost {
    int64_t steps;      /* of SQLite's machine: some ten per row looked at */
    int64_t scan_steps; /* rows met without an index */
    int64_t sorts;
    int64_t rows;
};

/* Calls f per row, in order; the row's bytes live during the call. position is where a next page would go on.
 * FB_ERR_LIMIT: the budget was used up; f may have been called. ret_cost may be NULL. */
typedef int fb_query_each(void *ctx, const struct fb_row *row,
                          const struct fb_query_position *position);
int fb_query_run(struct fb_store *s, const struct fb_query *q, fb_query_each *f, void *ctx,
                 struct fb_query_cost *ret_cost) FB_MUST_CHECK;

/* How many match, counted up to at_most. */
int fb_query_count(struct fb_store *s, const struct fb_query *q, int64_t at_most, int64_t *ret,
                   struct fb_query_cost *ret_cost) FB_MUST_CHECK;

/* Per value of a column, the empty one too: how many rows and what another column (a number) adds up to; the
 * largest groups first, q->limit of them. */
#define FB_QUERY_NO_COLUMN UINT32_MAX
typedef int fb_query_each_group(void *ctx, const struct fb_value *value, int64_t count,
                                const struct fb_value *sum);
int fb_query_group(struct fb_store *s, const struct fb_query *q, uint32_t by, uint32_t sum,
                   fb_query_each_group *f, void *ctx, struct fb_query_cost *ret_cost) FB_MUST_CHECK;

#endif
