/* SPDX-License-Identifier: MIT
 *
 * A mapping: which rows a line of a CSV file makes, and which cell goes into which field. Its form is told in
 * docs/import.md. Reading checks everything against the catalogue and the file's heading, so that a mapping
 * that names what is not there fails before the first row, with one sentence that says where.
 */
#ifndef FB_FORMATS_MAPPING_H
#define FB_FORMATS_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/catalogue/catalogue.h"
#include "common/formats/csv.h"

/* Fields that find one row. */
#define FB_MAP_FIELDS_MAX 16

enum fb_transform_kind {
    FB_TRANSFORM_MAP,       /* words[i] becomes results[i], anything else stays */
    FB_TRANSFORM_NULLS,     /* one of words is no value */
    FB_TRANSFORM_IS,        /* anything but one of words is no value */
    FB_TRANSFORM_NOT,       /* the reverse */
    FB_TRANSFORM_DATE,      /* number: enum fb_date_form */
    FB_TRANSFORM_TIMES,     /* a decimal number times number */
    FB_TRANSFORM_NAME_PART, /* number: 0 the family name, 1 the given name */
    FB_TRANSFORM_BECOMES,   /* anything becomes words[0]: that there is a value is what counts */
    FB_TRANSFORM_SLUG, /* lower case, runs of other characters than letters and digits one dot */
};

struct fb_transform {
    enum fb_transform_kind kind;
    const char **words;
    const char **results;
    size_t word_count;
    int64_t number;
};

struct fb_map_column {
    const char *name;
    struct fb_transform *transforms; /* for every use of the column */
    size_t transform_count;
    bool is_used;
};

enum fb_map_kind {
    FB_MAP_COLUMN,   /* columns[column] */
    FB_MAP_CONSTANT, /* text */
    FB_MAP_TEXT,     /* parts in a row; no value if one of them has none */
    FB_MAP_FIRST,    /* the first of parts that has a value */
    FB_MAP_ROW,      /* the id of the row that rules[rule] made or found for this line */
    FB_MAP_LINK,     /* the id of a row found by exchange key (system) or by fields */
    FB_MAP_COUNTER,  /* how many lines so far had this value of parts[0], from 1 */
};

struct fb_map_value {
    enum fb_map_kind kind;
    size_t column;
    const char *text;
    struct fb_map_value *parts;
    size_t part_count;
    size_t rule;
    size_t counter;                 /* its number among the mapping's counters */
    const struct fb_entity *entity; /* of a link's target */
    const char *system;
    const struct fb_field **fields; /* parts[i] is looked for in fields[i] */
    /* a link gives this field's text instead of the id; NULL: the id */
    const struct fb_field *take;
    bool may_miss; /* a link without a target is no value instead of a failed line */
    struct fb_transform *transforms;
    size_t transform_count;
};

struct fb_map_set {
    const struct fb_field *field;
    struct fb_map_value value;
    bool keeps_when_blank; /* a blank cell leaves what is there */
};

struct fb_map_rule {
    const char *name;
    const struct fb_entity *entity;
    struct fb_map_value *condition; /* NULL: always */
    struct fb_map_value *key;       /* its code in another system; NULL: none */
    const char *system;
    const struct fb_field **match;
    size_t match_count;
    bool may_update;
    struct fb_map_set *sets;
    size_t set_count;
};

struct fb_mapping {
    const char *path;   /* for sentences */
    const char *entity; /* as the file says */
    struct fb_csv_options csv;
    struct fb_map_column *columns; /* as in the heading */
    size_t column_count;
    struct fb_transform *nulls; /* words that mean nothing in every column */
    size_t null_count;
    struct fb_map_rule *rules; /* the first before_count are played once, before the first line */
    size_t rule_count;
    size_t before_count;
    size_t main_rule; /* what a line is counted as */
    size_t counter_count;
    struct fb_arena arena;
    struct json_t *json;
};

/* Reads the file and what is needed to open the CSV file. Release with fb_mapping_free(). */
int fb_mapping_read(const char *path, struct fb_mapping **ret, struct fb_why *why) FB_MUST_CHECK;
int fb_mapping_read_text(const char *text, size_t size, const char *name, struct fb_mapping **ret,
                         struct fb_why *why) FB_MUST_CHECK;
/* Fills the rest, for this catalogue and heading. csv_name is for sentences. */
int fb_mapping_bind(struct fb_mapping *m, const struct fb_catalogue *c,
                    const struct fb_csv_line *heading, const char *csv_name,
                    struct fb_why *why) FB_MUST_CHECK;
/* Without a mapping: every column's heading is a field's name or label. */
int fb_mapping_from_heading(const struct fb_catalogue *c, const char *entity,
                            const struct fb_csv_line *heading, const char *csv_name,
                            struct fb_mapping **ret, struct fb_why *why) FB_MUST_CHECK;
/* Rows of the main rule are found by these fields (--match), instead of by what the mapping says. */
int fb_mapping_match(struct fb_mapping *m, const char *const *fields, size_t count,
                     struct fb_why *why) FB_MUST_CHECK;
void fb_mapping_free(struct fb_mapping *m);
void fb_mapping_drop(struct fb_mapping **m); /* for FB_AUTO */

#endif
