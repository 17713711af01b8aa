/* SPDX-License-Identifier: MIT
 *
 * A CSV file of any bytes: encoding found or refused with a sentence; every cell that comes out is UTF-8 and ends with a
 * zero, line numbers grow, and what is done to cells before they become values survives them.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/value.h"
#include "common/formats/csv.h"
#include "common/formats/transform.h"
#include "tests/fuzz/fuzz.h"

static void transform_cell(const char *cell)
{
    static const char *words[] = {"x"};
    static const char *results[] = {NULL};
    const struct fb_transform transforms[] = {
        {.kind = FB_TRANSFORM_DATE, .number = 2},
        {.kind = FB_TRANSFORM_DATE, .number = 6},
        {.kind = FB_TRANSFORM_TIMES, .number = -1000},
        {.kind = FB_TRANSFORM_NAME_PART, .number = 1},
        {.kind = FB_TRANSFORM_SLUG},
        {.kind = FB_TRANSFORM_MAP, .words = words, .results = results, .word_count = 1}};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    for (size_t i = 0; i < sizeof(transforms) / sizeof(transforms[0]); i++) {
        char *copy = fb_arena_strdup(&arena, cell);
        const char *text = copy == NULL ? NULL : fb_text_trim(copy);
        struct fb_why why = {{0}};
        int rc = fb_transform_run(&transforms[i], 1, &arena, text, &text, &why);
        fb_assert(rc == FB_OK || why.text[0] != 0);
    }
}

static void check_line(const struct fb_csv_line *line, int64_t after)
{
    fb_assert(line->number > after && line->count > 0);
    for (size_t i = 0; i < line->count; i++) {
        fb_assert(line->cells[i][line->sizes[i]] == 0);
        fb_assert(fb_utf8_is_valid(line->cells[i], line->sizes[i]));
        transform_cell(line->cells[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *file = size == 0 ? NULL : fmemopen((void *)(uintptr_t)data, size, "rb");
    struct fb_why why = {{0}};
    FB_AUTO(fb_csv_drop) struct fb_csv *csv = NULL;
    if (file == NULL) {
        return 0;
    }
    if (fb_csv_open_file(file, "fuzz.csv", NULL, &csv, &why) < 0) {
        fb_assert(csv == NULL && why.text[0] != 0);
        return 0;
    }
    check_line(fb_csv_heading(csv), 0);
    struct fb_csv_line line;
    int64_t last = fb_csv_heading(csv)->number;
    int rc;
    while ((rc = fb_csv_next(csv, &line, &why)) == FB_CSV_LINE) {
        check_line(&line, last);
        last = line.number;
    }
    fb_assert(rc == FB_CSV_END || why.text[0] != 0);
    return 0;
}
