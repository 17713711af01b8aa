/* SPDX-License-Identifier: MIT
 *
 * The workload of all benchmarks: contacts of 24 columns and edits of them, from a fixed seed, the same each time.
 *
 * A contact has an id, four foreign keys, 13 texts, two decimals (cents here) and four integers; 20 to 70 % of the optional
 * columns are null; about 420 bytes as text. Columns and their order are those of tests/bench/catalogue/bench_contact.json.
 */
#ifndef FB_BENCH_WORKLOAD_H
#define FB_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/value.h"

#define BENCH_COLUMNS         23 /* without the id */
#define BENCH_EDIT_FIELDS_MAX 3

struct bench_column {
    const char *name;
    char form; /* T text, I integer, D decimal of two places */
    bool is_edited;
};
extern const struct bench_column BENCH_COLUMN[BENCH_COLUMNS];

struct bench_row {
    char id[37];
    struct fb_value values[BENCH_COLUMNS];
};

struct bench_edit {
    uint32_t row; /* index into rows */
    uint32_t field_count;
    uint32_t fields[BENCH_EDIT_FIELDS_MAX]; /* columns, ascending */
    struct fb_value values[BENCH_EDIT_FIELDS_MAX];
};

/* Which fields edits touch: W2 one to three of all; W3 one half or the other, or two fixed ones. */
enum bench_edit_kind { BENCH_EDIT_ANY, BENCH_EDIT_HALF_A, BENCH_EDIT_HALF_B, BENCH_EDIT_SAME };

struct bench {
    struct fb_arena arena;
    struct bench_row *rows;
    size_t row_count;
};

void bench_make(struct bench *b, size_t row_count);
void bench_release(struct bench *b);
/* count different rows, each edited once; which says which rows and values (A and B of W3: the same which, another seed). */
struct bench_edit *bench_edits(struct bench *b, size_t count, enum bench_edit_kind kind,
                               uint64_t rows_seed, uint64_t values_seed);

#endif
