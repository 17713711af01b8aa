/* SPDX-License-Identifier: MIT
 *
 * bench_wire CATALOGUE-FOLDER [ROWS]: what a row and an edit cost on the wire, in process: bytes, and processor time to
 * encode and decode. Prints key=value lines; compare with plain SQLite of the same run (bench_plain).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/wire/message.h"
#include "tests/bench/workload.h"

#define BATCH_ROWS 600
#define EDITS_MAX  20000
#define ROUNDS     3

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void check(int rc, const char *what, const struct fb_why *why)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s %s\n", what, fb_err_name(rc), why == NULL ? "" : why->text);
        exit(1);
    }
}

/* Rows as the server sends them: with stamps of an import an hour long. */
static struct fb_row *make_rows(struct bench *b, const struct fb_entity *e)
{
    struct fb_row *rows = fb_arena_alloc(&b->arena, b->row_count * sizeof *rows);
    for (size_t i = 0; i < b->row_count; i++) {
        struct fb_row *row = &rows[i];
        row->entity = e;
        memcpy(row->id, b->rows[i].id, sizeof row->id);
        row->values = b->rows[i].values;
        char *at = fb_arena_alloc(&b->arena, FB_INSTANT_SIZE);
        fb_instant_format(INT64_C(1760003600000) + (int64_t)i / 30, at);
        row->stamps[0] = row->stamps[2] = fb_value_text(at);
        row->stamps[1] = row->stamps[3] = fb_value_text(b->rows[0].id);
    }
    return rows;
}

static void bench_rows(struct bench *b, const struct fb_catalogue *c)
{
    const struct fb_entity *e = fb_catalogue_entity(c, "bench_contact");
    struct fb_row *rows = make_rows(b, e);
    struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_MAX * 2);
    struct fb_arena arena = {0};
    double encode = 0;
    double decode = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < b->row_count * ROUNDS; i += BATCH_ROWS) {
        size_t from = i % b->row_count;
        size_t n = b->row_count - from < BATCH_ROWS ? b->row_count - from : BATCH_ROWS;
        struct fb_message m = {.kind = FB_MESSAGE_ROWS,
                               .rows = {.entity = e, .rows = rows + from, .row_count = n}};
        fb_buf_clear(&out);
        double start = cpu_us();
        check(fb_message_encode(&m, &out), "encode", NULL);
        double middle = cpu_us();
        struct fb_message got;
        struct fb_why why = {""};
        fb_arena_clear(&arena);
        check(fb_message_decode(out.bytes, out.size, c, &arena, &got, &why), "decode", &why);
        decode += cpu_us() - middle;
        encode += middle - start;
        bytes += out.size;
    }
    double n = (double)(b->row_count * ROUNDS);
    printf("rows_wire_bytes_each=%.1f encode_us=%.2f decode_us=%.2f\n", (double)bytes / n,
           encode / n, decode / n);
    fb_arena_release(&arena);
    fb_buf_release(&out);
}

static void make_change(struct bench *b, const struct bench_edit *edit, size_t i,
                        struct fb_change *ret, struct fb_field_change *fields)
{
    *ret = (struct fb_change){.entity_no = 80,
                              .op = FB_CHANGE_UPDATE,
                              .cursor = 5000,
                              .edited_at_ms = INT64_C(1760010000000) + (int64_t)i / 20,
                              .fields = fields,
                              .field_count = edit->field_count};
    memcpy(ret->row_id, b->rows[edit->row].id, sizeof ret->row_id);
    for (uint32_t k = 0; k < edit->field_count; k++) {
        fields[k] = (struct fb_field_change){.field_no = 8 + edit->fields[k],
                                             .base = b->rows[edit->row].values[edit->fields[k]],
                                             .mine = edit->values[k],
                                             .edited_at_ms = ret->edited_at_ms};
    }
}

struct tally {
    double read_us;
    size_t bytes;
    struct fb_arena arena;
};

static void read_part(struct tally *t, const uint8_t *part, size_t size)
{
    if (size == 0) {
        return;
    }
    struct fb_change *got = NULL;
    size_t count = 0;
    struct fb_why why = {""};
    double start = cpu_us();
    fb_arena_clear(&t->arena);
    check(fb_changes_read(part, size, &t->arena, &got, &count, &why), "read", &why);
    t->read_us += cpu_us() - start;
    t->bytes += size;
}

static void bench_changes(struct bench *b)
{
    size_t count = b->row_count < EDITS_MAX ? b->row_count : EDITS_MAX;
    struct bench_edit *edits = bench_edits(b, count, BENCH_EDIT_ANY, 2, 3);
    struct tally t = {.bytes = 0};
    double start = cpu_us();
    struct fb_changes_writer *w = NULL;
    check(fb_changes_writer_new(&w), "writer", NULL);
    const uint8_t *part = NULL;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        struct fb_change change;
        struct fb_field_change fields[BENCH_EDIT_FIELDS_MAX];
        make_change(b, &edits[i], i, &change, fields);
        check(fb_changes_writer_add(w, &change, &part, &size), "add", NULL);
        read_part(&t, part, size);
    }
    check(fb_changes_writer_finish(w, &part, &size), "finish", NULL);
    read_part(&t, part, size);
    double write_us = cpu_us() - start - t.read_us;
    printf("edits_wire_bytes_each=%.1f write_us=%.2f read_us=%.2f\n",
           (double)t.bytes / (double)count, write_us / (double)count, t.read_us / (double)count);
    fb_arena_release(&t.arena);
    fb_changes_writer_free(w);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_wire CATALOGUE-FOLDER [ROWS]\n");
        return 2;
    }
    struct fb_catalogue *c = NULL;
    struct fb_why why = {""};
    check(fb_catalogue_read_folder(argv[1], 1, &c, &why), "catalogue", &why);
    struct bench b;
    bench_make(&b, argc > 2 ? strtoul(argv[2], NULL, 10) : 100000);
    bench_rows(&b, c);
    bench_changes(&b);
    bench_release(&b);
    fb_catalogue_free(c);
    return 0;
}
