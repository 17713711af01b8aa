/* SPDX-License-Identifier: MIT
 *
 * bench_store make  FILE CATALOGUE-FOLDER          a laptop's database with the tables and triggers, nothing in it
 * bench_store apply FILE CATALOGUE-FOLDER ROWS     what a laptop does with a download: decode and insert, one transaction;
 *                                                  then every fifth row again as an upsert
 *
 * In process, without the round around it: the floor of W1 on the laptop's side. Prints key=value lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/store/row.h"
#include "common/store/store.h"
#include "common/wire/message.h"
#include "tests/bench/workload.h"

#define BATCH_ROWS 600

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void check(int rc, const char *what, const struct fb_why *why)
{
    if (rc < 0) {
        fprintf(stderr, "bench_store: %s: %s %s\n", what, fb_err_name(rc),
                why == NULL ? "" : why->text);
        exit(1);
    }
}

static struct fb_store *open_store(const char *path, const char *folder)
{
    struct fb_why why = {""};
    struct fb_store_options options = {.node = FB_NODE_REPLICA, .may_create = true};
    struct fb_store *s = NULL;
    check(fb_store_open(path, &options, &s, &why), "open", &why);
    struct fb_catalogue *c = NULL;
    check(fb_catalogue_read_folder(folder, 1, &c, &why), "catalogue", &why);
    check(fb_store_begin(s), "begin", NULL);
    check(fb_store_set_catalogue(s, c, 0, &why), "tables", &why);
    check(fb_store_commit(s), "commit", NULL);
    return s;
}

static void encode_rows(struct bench *b, const struct fb_entity *e, struct fb_buf *out)
{
    struct fb_row *rows = fb_arena_alloc(&b->arena, b->row_count * sizeof *rows);
    for (size_t i = 0; i < b->row_count; i++) {
        rows[i].entity = e;
        memcpy(rows[i].id, b->rows[i].id, sizeof rows[i].id);
        rows[i].values = b->rows[i].values;
        rows[i].stamps[0] = rows[i].stamps[2] = fb_value_text("2026-03-31T16:30:00.250Z");
        rows[i].stamps[1] = rows[i].stamps[3] = fb_value_text(b->rows[0].id);
    }
    for (size_t i = 0; i < b->row_count; i += BATCH_ROWS) {
        size_t n = b->row_count - i < BATCH_ROWS ? b->row_count - i : BATCH_ROWS;
        struct fb_message m = {.kind = FB_MESSAGE_ROWS,
                               .rows = {.entity = e, .rows = rows + i, .row_count = n}};
        check(fb_message_encode(&m, out), "encode", NULL);
    }
}

typedef int write_row(struct fb_store *s, const struct fb_row *row);

/* Decodes all frames and writes every step-th row; returns how many. */
static size_t apply_frames(struct fb_store *s, const struct fb_buf *frames, write_row *f,
                           size_t step)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_why why = {""};
    size_t count = 0;
    size_t size = 0;
    for (size_t at = 0; at < frames->size; at += size) {
        check(fb_frame_find(frames->bytes + at, frames->size - at, FB_FRAME_BYTES_MAX, &size, &why),
              "frame", &why);
        struct fb_message m;
        fb_arena_clear(&arena);
        check(fb_message_decode(frames->bytes + at, size, fb_store_catalogue(s), &arena, &m, &why),
              "decode", &why);
        for (size_t i = 0; i < m.rows.row_count; i += step, count++) {
            check(f(s, &m.rows.rows[i]), "write", NULL);
        }
    }
    return count;
}

static void do_apply(struct fb_store *s, size_t row_count)
{
    struct bench b;
    bench_make(&b, row_count);
    struct fb_buf frames;
    fb_buf_init(&frames, 1024 * 1024 * 1024);
    encode_rows(&b, fb_catalogue_entity(fb_store_catalogue(s), "bench_contact"), &frames);
    double start = cpu_us();
    check(fb_store_begin(s), "begin", NULL);
    fb_store_capture(s, false);
    check(fb_row_bulk_begin(s), "bulk", NULL);
    size_t inserted = apply_frames(s, &frames, fb_row_insert, 1);
    check(fb_row_bulk_end(s), "bulk", NULL);
    check(fb_store_commit(s), "commit", NULL);
    double middle = cpu_us();
    check(fb_store_begin(s), "begin", NULL);
    fb_store_capture(s, false);
    size_t written = apply_frames(s, &frames, fb_row_write, 5);
    check(fb_store_commit(s), "commit", NULL);
    double end = cpu_us();
    printf("first_load_us=%.3f upsert_us=%.3f\n", (middle - start) / (double)inserted,
           (end - middle) / (double)written);
    fb_buf_release(&frames);
    bench_release(&b);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench_store make|apply FILE CATALOGUE-FOLDER [ROWS]\n");
        return 2;
    }
    struct fb_store *s = open_store(argv[2], argv[3]);
    if (strcmp(argv[1], "apply") == 0) {
        do_apply(s, argc > 4 ? strtoul(argv[4], NULL, 10) : 100000);
    }
    fb_store_close(s);
    return 0;
}
