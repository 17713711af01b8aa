/* SPDX-License-Identifier: MIT
 *
 * Import: lines of a CSV file become rows, by a mapping (docs/import.md) or by headings that are field names or
 * labels. Rows are written through the ordinary tables, so the triggers journal them like any edit; what a
 * line makes is written whole or not at all. Nothing here decides who may write what: at headquarters the
 * importer is trusted, on a laptop the push is judged as any other.
 */
#ifndef FB_FORMATS_IMPORT_H
#define FB_FORMATS_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/store/store.h"

#define FB_IMPORT_ENTITIES_MAX 16 /* kinds of rows one mapping makes */

struct fb_import_options {
    const char *entity; /* what a line is, as on the command line; must agree with the mapping */
    const char *csv_path;
    const char *mapping_path; /* NULL: the headings are names or labels of the entity's fields */
    const char *const *match; /* fields that find the row to update; count 0: as the mapping says */
    size_t match_count;
    bool is_dry_run; /* everything happens, then is undone */
    /* lines that fail are written here, with a column `error`; NULL: nowhere */
    const char *rejects_path;
    /* whom rows without an owner belong to; NULL: the first active employee by code */
    const char *employee_id;
    int64_t now_ms;
    struct fb_random random;
    /* Called every few hundred lines, also between transactions; false stops after the last whole batch. */
    bool (*progress)(void *ctx, int64_t bytes_done, int64_t bytes_total);
    /* Called for every line that fails, in order. */
    void (*rejected)(void *ctx, int64_t line, const char *sentence);
    void *ctx;
};

struct fb_import_result {
    /* lines_read = lines_new + lines_updated + lines_unchanged + lines_rejected. A line is new if its main row is,
     * updated if any of its rows was made or changed. */
    int64_t lines_read; /* without the heading */
    int64_t lines_new;
    int64_t lines_updated;
    int64_t lines_unchanged;
    int64_t lines_rejected;
    struct fb_import_count {
        const char *entity; /* of the catalogue */
        int64_t made;
        int64_t updated;
    } rows[FB_IMPORT_ENTITIES_MAX];
    size_t row_count;
    char encoding[32]; /* what was found: "UTF-8", "GB18030", "UTF-16LE", "UTF-16BE" */
    char separator;
};

/* Runs outside any transaction; commits every 2,000 lines. On an error the batches before it stand, *ret says how far it
 * went and why what to do. FB_ERR_INVALID: mapping or file; FB_ERR_NOT_FOUND; FB_ERR_INTERRUPTED: progress said stop. */
int fb_import_run(struct fb_store *store, const struct fb_import_options *options,
                  struct fb_import_result *ret, struct fb_why *why) FB_MUST_CHECK;

#endif
