/* SPDX-License-Identifier: MIT
 *
 * One line of an import: from cells to planned rows, from planned rows to the database; for this folder only.
 */
#ifndef FB_FORMATS_IMPORT_LINE_H
#define FB_FORMATS_IMPORT_LINE_H

#include "common/base/limits.h"
#include "common/formats/import.h"
#include "common/formats/lookup.h"
#include "common/formats/mapping.h"
#include "common/store/row.h"

enum fb_plan_state {
    FB_PLAN_SKIPPED, /* its condition does not hold */
    FB_PLAN_KEPT,    /* found, and nothing differs */
    FB_PLAN_UPDATED,
    FB_PLAN_NEW,
};

/* What one rule of the mapping does for the line. */
struct fb_plan {
    const struct fb_map_rule *rule;
    enum fb_plan_state state;
    const char *code; /* its code in rule->system; NULL: none */
    bool adds_key;    /* the code is not written yet */
    struct fb_row row;
    struct fb_row there;              /* what stands there, of a found row that is updated */
    char key_id[FB_ROW_ID_SIZE];      /* of the exchange key that was written */
    uint64_t mask[FB_ROW_MASK_WORDS]; /* fields that an update writes */
};

struct fb_import_work {
    struct fb_store *store;
    const struct fb_import_options *options;
    const struct fb_mapping *mapping;
    const struct fb_entity *key_entity; /* exchange_key */
    struct fb_lookup *lookup;
    int64_t ids_made;
    /* drawn together: a call of the system for each id would cost 3 % */
    uint8_t random_bytes[4096];
    size_t random_left;
    /* how often a counter saw a value: the number stands in the id's place */
    struct fb_id_map **counters;
    char owner_id[FB_ROW_ID_SIZE]; /* for rows without an owner; "" if there is no employee */
    /* of the line, one for each rule; those of `before` stay */
    struct fb_plan plans[FB_MAPPING_RULES_MAX];
    const char **texts;           /* of the columns, after trimming and their transforms */
    struct fb_arena arena;        /* of the line */
    struct fb_arena before_arena; /* of the rows made once */
};

/* Plans the rules first..last-1. Writes nothing. FB_ERR_INVALID with a sentence about the line; other errors end the import. */
int fb_import_plan(struct fb_import_work *w, struct fb_arena *arena, size_t first, size_t last,
                   struct fb_why *why) FB_MUST_CHECK;

/* Cleans the cells of a line. FB_ERR_INVALID for a line that does not fit the heading or a cell that cannot be read. */
int fb_import_read_cells(struct fb_import_work *w, const struct fb_csv_line *line,
                         struct fb_why *why) FB_MUST_CHECK;

/* The text of a value, NULL if it has none. */
int fb_import_text(struct fb_import_work *w, struct fb_arena *arena,
                   const struct fb_map_value *value, const char **ret,
                   struct fb_why *why) FB_MUST_CHECK;

void fb_import_make_id(struct fb_import_work *w, char ret_id[static FB_ROW_ID_SIZE]);

/* Writes what was planned, whole or not at all. FB_ERR_CONSTRAINT if the database refuses the values. */
int fb_import_write(struct fb_import_work *w, size_t first, size_t last,
                    struct fb_why *why) FB_MUST_CHECK;

#endif
