/* SPDX-License-Identifier: MIT
 *
 * Lines of a CSV file as cells of UTF-8, one after the other; never more than one line and one chunk in memory.
 *
 * RFC 4180 as people and Excel write it: separators , ; or tab (found from the heading), quotes doubled
 * inside quotes, line breaks inside quotes, LF or CRLF or CR. Blank lines are passed over. The encoding is
 * found by encoding.h.
 */
#ifndef FB_FORMATS_CSV_H
#define FB_FORMATS_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"

struct fb_csv_options {
    const char *encoding; /* NULL: found from the bytes */
    char separator;       /* 0: found from the heading */
};

/* Cells end with a zero; bytes live until the next line is read. */
struct fb_csv_line {
    int64_t number; /* of the file's line it starts on, from 1 */
    size_t count;
    const char *const *cells;
    const size_t *sizes;
};

struct fb_csv;

/* Opens a file and reads its heading. Sentences name the path. FB_ERR_NOT_FOUND, FB_ERR_INVALID, FB_ERR_IO. */
int fb_csv_open(const char *path, const struct fb_csv_options *options, struct fb_csv **ret,
                struct fb_why *why) FB_MUST_CHECK;
/* The same for an open file that can be read twice; it belongs to the reader from then on, also after failure. */
int fb_csv_open_file(FILE *file, const char *name, const struct fb_csv_options *options,
                     struct fb_csv **ret, struct fb_why *why) FB_MUST_CHECK;
void fb_csv_free(struct fb_csv *csv);
void fb_csv_drop(struct fb_csv **csv); /* for FB_AUTO */

/* The heading; lives as long as the reader. */
const struct fb_csv_line *fb_csv_heading(const struct fb_csv *csv);
const char *fb_csv_encoding(const struct fb_csv *csv);
char fb_csv_separator(const struct fb_csv *csv);

/* FB_CSV_LINE with the next line, FB_CSV_END, or an error: bytes that are none of the encoding, a quote that nobody
 * closed, a line beyond the limits; nothing can be read after an error. */
enum { FB_CSV_END = 0, FB_CSV_LINE = 1 };
int fb_csv_next(struct fb_csv *csv, struct fb_csv_line *ret, struct fb_why *why) FB_MUST_CHECK;

/* For progress: bytes of the file read so far, and all of them. */
int64_t fb_csv_bytes_done(const struct fb_csv *csv);
int64_t fb_csv_bytes_total(const struct fb_csv *csv);

#endif
