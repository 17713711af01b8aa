/* SPDX-License-Identifier: MIT */
#include "common/formats/csv.h"

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/formats/encoding.h"

struct fb_csv {
    FILE *file;
    char *name;
    int64_t bytes_total;
    struct fb_encoding encoding;
    struct fb_text_stream *text;
    struct csv_parser parser;
    bool has_parser;
    char separator;
    bool is_at_end;

    const char *piece; /* text not parsed yet */
    size_t piece_size;
    int64_t lines_done; /* line ends passed */
    bool was_cr;
    size_t record_bytes; /* parsed since the record began */
    int64_t record_line;

    /* The record in work: cell i is bytes[ends[i - 1] + 1 .. ends[i]) with a zero behind. */
    struct fb_buf bytes;
    size_t ends[FB_CSV_CELLS_MAX];
    size_t count;
    bool has_too_many;
    bool is_whole;
    const char *cells[FB_CSV_CELLS_MAX];
    size_t sizes[FB_CSV_CELLS_MAX];

    struct fb_arena heading_arena;
    struct fb_csv_line heading;
};

static void take_cell(void *cell, size_t size, void *ctx)
{
    struct fb_csv *csv = ctx;
    if (csv->count == FB_CSV_CELLS_MAX) {
        csv->has_too_many = true;
        return;
    }
    fb_buf_append(&csv->bytes, cell, size);
    csv->ends[csv->count++] = csv->bytes.size;
    fb_buf_append_byte(&csv->bytes, 0);
}

static void take_record(int end, void *ctx)
{
    struct fb_csv *csv = ctx;
    (void)end;
    csv->is_whole = true;
}

static int fail_at(const struct fb_csv *csv, struct fb_why *why, int64_t line, const char *sentence)
{
    return fb_fail(why, FB_ERR_INVALID, "%s, line %lld: %s", csv->name, (long long)line,
                   fb_text(sentence));
}

static int next_piece(struct fb_csv *csv, struct fb_why *why)
{
    int rc = fb_text_stream_next(csv->text, &csv->piece, &csv->piece_size);
    if (rc == FB_ERR_INVALID) {
        return fb_fail(why, rc, "%s, after line %lld: the bytes are not %s: save the file as UTF-8",
                       csv->name, (long long)csv->lines_done, csv->encoding.name);
    }
    if (rc < 0) {
        return fb_fail(why, rc, "%s cannot be read: %s", csv->name, fb_err_sentence(rc));
    }
    return FB_OK;
}

/* The bytes up to and with the next line end, so that a parse call ends at most one record. */
static size_t size_to_line_end(const struct fb_csv *csv)
{
    size_t at = 0;
    while (at < csv->piece_size && csv->piece[at] != '\n' && csv->piece[at] != '\r') {
        at++;
    }
    return at < csv->piece_size ? at + 1 : at;
}

static void count_line_end(struct fb_csv *csv, char last, size_t size)
{
    bool is_second_half = last == '\n' && size == 1 && csv->was_cr;
    if ((last == '\n' || last == '\r') && !is_second_half) {
        csv->lines_done++;
    }
    csv->was_cr = last == '\r';
}

/* libcsv's state 0: between records. */
static bool is_between_records(const struct fb_csv *csv)
{
    return csv->parser.pstate == 0;
}

/* Its state 2: in a field. */
static bool is_inside_quotes(const struct fb_csv *csv)
{
    return csv->parser.pstate == 2 && csv->parser.quoted != 0;
}

static int parse_some(struct fb_csv *csv, struct fb_why *why)
{
    size_t size = size_to_line_end(csv);
    if (is_between_records(csv)) {
        csv->record_line = csv->lines_done + 1;
        csv->record_bytes = 0;
    }
    csv->record_bytes += size;
    if (csv->record_bytes > FB_CSV_RECORD_BYTES_MAX) {
        return fail_at(csv, why, csv->record_line,
                       "a quote is opened here and not closed within 4 MiB: close it");
    }
    char last = csv->piece[size - 1];
    if (csv_parse(&csv->parser, csv->piece, size, take_cell, take_record, csv) != size) {
        return fail_at(csv, why, csv->record_line, csv_strerror(csv_error(&csv->parser)));
    }
    csv->piece += size;
    csv->piece_size -= size;
    count_line_end(csv, last, size);
    return fb_buf_error(&csv->bytes);
}

static int parse_end(struct fb_csv *csv, struct fb_why *why)
{
    csv->is_at_end = true;
    if (is_inside_quotes(csv) || csv_fini(&csv->parser, take_cell, take_record, csv) != 0) {
        return fail_at(
            csv, why, csv->record_line,
            "a quote is opened here and not closed before the end of the file: close it");
    }
    return fb_buf_error(&csv->bytes);
}

static int give_line(struct fb_csv *csv, struct fb_csv_line *ret, struct fb_why *why)
{
    if (csv->has_too_many) {
        return fail_at(csv, why, csv->record_line, "it has more than 1,000 cells");
    }
    size_t start = 0;
    for (size_t i = 0; i < csv->count; i++) {
        csv->cells[i] = (const char *)csv->bytes.bytes + start;
        csv->sizes[i] = csv->ends[i] - start;
        start = csv->ends[i] + 1;
    }
    *ret = (struct fb_csv_line){
        .number = csv->record_line, .count = csv->count, .cells = csv->cells, .sizes = csv->sizes};
    return FB_CSV_LINE;
}

int fb_csv_next(struct fb_csv *csv, struct fb_csv_line *ret, struct fb_why *why)
{
    fb_buf_clear(&csv->bytes);
    csv->count = 0;
    csv->is_whole = false;
    while (!csv->is_whole && !csv->is_at_end) {
        int rc = csv->piece_size == 0 ? next_piece(csv, why) : FB_OK;
        if (rc == FB_OK) {
            rc = csv->piece_size == 0 ? parse_end(csv, why) : parse_some(csv, why);
        }
        if (rc < 0) {
            csv->is_at_end = true;
            return rc;
        }
    }
    return csv->is_whole ? give_line(csv, ret, why) : FB_CSV_END;
}

static int start_parser(struct fb_csv *csv)
{
    if (csv_init(&csv->parser, 0) != 0) {
        return FB_ERR_NO_MEMORY;
    }
    csv->has_parser = true;
    csv_set_delim(&csv->parser, (unsigned char)csv->separator);
    csv_set_blk_size(&csv->parser, 4096);
    return FB_OK;
}

/* The commonest of the three outside quotes, up to the end of the first line that is not blank; of two as common, the one that
 * is rarer in names. */
static char find_separator(const char *text, size_t size)
{
    static const char separators[] = {'\t', ';', ','};
    size_t counts[3] = {0};
    bool is_quoted = false;
    bool has_text = false;
    for (size_t i = 0; i < size && (is_quoted || !has_text || text[i] != '\n'); i++) {
        is_quoted = text[i] == '"' ? !is_quoted : is_quoted;
        has_text = has_text || (text[i] != '\n' && text[i] != '\r');
        for (size_t s = 0; s < 3 && !is_quoted; s++) {
            counts[s] += text[i] == separators[s];
        }
    }
    size_t best = 0;
    for (size_t s = 1; s < 3; s++) {
        best = counts[s] > counts[best] ? s : best;
    }
    return counts[best] == 0 ? ',' : separators[best];
}

static int keep_heading(struct fb_csv *csv, const struct fb_csv_line *line)
{
    const char **cells = fb_arena_alloc(&csv->heading_arena, line->count * sizeof(*cells));
    size_t *sizes = fb_arena_alloc(&csv->heading_arena, line->count * sizeof(*sizes));
    if (cells == NULL || sizes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < line->count; i++) {
        cells[i] = fb_arena_copy(&csv->heading_arena, line->cells[i], line->sizes[i]);
        sizes[i] = line->sizes[i];
        if (cells[i] == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    csv->heading = *line;
    csv->heading.cells = cells;
    csv->heading.sizes = sizes;
    return FB_OK;
}

static int read_heading(struct fb_csv *csv, const struct fb_csv_options *options,
                        struct fb_why *why)
{
    int rc = next_piece(csv, why);
    if (rc < 0) {
        return rc;
    }
    csv->separator =
        options->separator != 0 ? options->separator : find_separator(csv->piece, csv->piece_size);
    rc = start_parser(csv);
    struct fb_csv_line line;
    if (rc == FB_OK) {
        rc = fb_csv_next(csv, &line, why);
    }
    if (rc < 0) {
        return rc;
    }
    if (rc == FB_CSV_END) {
        return fb_fail(why, FB_ERR_INVALID, "%s is empty: its first line must name the columns",
                       csv->name);
    }
    return keep_heading(csv, &line);
}

static int start_reading(struct fb_csv *csv, const struct fb_csv_options *options,
                         struct fb_why *why)
{
    if (csv->name == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (fseek(csv->file, 0, SEEK_END) < 0 || (csv->bytes_total = ftell(csv->file)) < 0 ||
        fseek(csv->file, 0, SEEK_SET) < 0) {
        return fb_fail(why, FB_ERR_IO, "%s is no plain file: save what it gives to a file first",
                       csv->name);
    }
    int rc = options->encoding == NULL
                 ? fb_encoding_detect(csv->file, csv->name, &csv->encoding, why)
                 : fb_encoding_named(csv->file, options->encoding, &csv->encoding, why);
    if (rc == FB_OK) {
        rc = fb_text_stream_new(csv->file, &csv->encoding, &csv->text);
    }
    return rc < 0 ? rc : read_heading(csv, options, why);
}

int fb_csv_open_file(FILE *file, const char *name, const struct fb_csv_options *options,
                     struct fb_csv **ret, struct fb_why *why)
{
    static const struct fb_csv_options find_all = {0};
    struct fb_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL) {
        fclose(file);
        return FB_ERR_NO_MEMORY;
    }
    csv->file = file;
    csv->name = strdup(name);
    fb_buf_init(&csv->bytes, (size_t)2 * FB_CSV_RECORD_BYTES_MAX);
    int rc = start_reading(csv, options == NULL ? &find_all : options, why);
    if (rc < 0) {
        fb_csv_free(csv);
        return rc;
    }
    *ret = csv;
    return FB_OK;
}

int fb_csv_open(const char *path, const struct fb_csv_options *options, struct fb_csv **ret,
                struct fb_why *why)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL && errno == ENOENT) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "there is no file %s", path);
    }
    if (file == NULL) {
        return fb_fail(why, FB_ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    }
    return fb_csv_open_file(file, path, options, ret, why);
}

void fb_csv_free(struct fb_csv *csv)
{
    if (csv == NULL) {
        return;
    }
    if (csv->has_parser) {
        csv_free(&csv->parser);
    }
    fb_text_stream_free(csv->text);
    fb_buf_release(&csv->bytes);
    fb_arena_release(&csv->heading_arena);
    fclose(csv->file);
    free(csv->name);
    free(csv);
}

void fb_csv_drop(struct fb_csv **csv)
{
    fb_csv_free(*csv);
}

const struct fb_csv_line *fb_csv_heading(const struct fb_csv *csv)
{
    return &csv->heading;
}

const char *fb_csv_encoding(const struct fb_csv *csv)
{
    return csv->encoding.name;
}

char fb_csv_separator(const struct fb_csv *csv)
{
    return csv->separator;
}

int64_t fb_csv_bytes_done(const struct fb_csv *csv)
{
    return ftell(csv->file);
}

int64_t fb_csv_bytes_total(const struct fb_csv *csv)
{
    return csv->bytes_total;
}
