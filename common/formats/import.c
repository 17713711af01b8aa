/* SPDX-License-Identifier: MIT */
#include "common/formats/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/formats/import_line.h"
#include "common/store/sql.h"

#define PROGRESS_LINES 250

/* Lines that failed, in a file of the same columns, so that they can be corrected and imported alone. */
struct rejects {
    const char *path;
    FILE *file; /* NULL until the first one */
    char separator;
};

struct import {
    struct fb_import_work work;
    struct fb_csv *csv;
    struct fb_mapping *mapping;
    struct rejects rejects;
    struct fb_import_result result; /* with lines not committed yet */
    struct fb_import_result committed;
    int64_t batch_lines;
    struct fb_why *why;
};

/* ---- Rejects ---- */

static void write_cell(FILE *file, const char *text, size_t size)
{
    fputc('"', file);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"') {
            fputc('"', file);
        }
        fputc(text[i], file);
    }
    fputc('"', file);
}

static void write_reject(const struct rejects *r, const struct fb_csv_line *line,
                         size_t column_count, const char *error)
{
    for (size_t i = 0; i < column_count || i < line->count; i++) {
        if (i < line->count) {
            write_cell(r->file, line->cells[i], line->sizes[i]);
        }
        fputc(r->separator, r->file);
    }
    write_cell(r->file, error, strlen(error));
    fputs("\r\n", r->file);
}

static int open_rejects(struct import *im)
{
    struct rejects *r = &im->rejects;
    r->file = fopen(r->path, "wb");
    if (r->file == NULL) {
        return fb_fail(im->why, FB_ERR_IO, "%s cannot be written: %s", r->path, strerror(errno));
    }
    const struct fb_csv_line *heading = fb_csv_heading(im->csv);
    fputs("\xEF\xBB\xBF", r->file);
    write_reject(r, heading, heading->count, "error");
    return FB_OK;
}

static int reject(struct import *im, const struct fb_csv_line *line, const char *sentence)
{
    const struct fb_import_options *o = im->work.options;
    im->result.lines_rejected++;
    if (o->rejected != NULL) {
        o->rejected(o->ctx, line->number, sentence);
    }
    if (im->rejects.path == NULL) {
        return FB_OK;
    }
    int rc = im->rejects.file == NULL ? open_rejects(im) : FB_OK;
    if (rc == FB_OK) {
        write_reject(&im->rejects, line, fb_csv_heading(im->csv)->count, sentence);
    }
    return rc;
}

static int close_rejects(struct import *im, int rc)
{
    if (im->rejects.file == NULL) {
        return rc;
    }
    bool is_bad = ferror(im->rejects.file) != 0;
    is_bad = fclose(im->rejects.file) != 0 || is_bad;
    im->rejects.file = NULL;
    if (rc == FB_OK && is_bad) {
        return fb_fail(im->why, FB_ERR_IO, "%s could not be written whole: make room on the disk",
                       im->rejects.path);
    }
    return rc;
}

/* ---- Counting ---- */

static struct fb_import_count *count_of(struct fb_import_result *result, const char *entity)
{
    for (size_t i = 0; i < result->row_count; i++) {
        if (strcmp(result->rows[i].entity, entity) == 0) {
            return &result->rows[i];
        }
    }
    if (result->row_count == FB_IMPORT_ENTITIES_MAX) {
        return NULL;
    }
    result->rows[result->row_count] = (struct fb_import_count){.entity = entity};
    return &result->rows[result->row_count++];
}

/* Counts the rows of the plans; true if any was made or changed. */
static bool count_rows(struct import *im, size_t first, size_t last)
{
    bool has_written = false;
    for (size_t i = first; i < last; i++) {
        const struct fb_plan *p = &im->work.plans[i];
        if (p->state != FB_PLAN_NEW && p->state != FB_PLAN_UPDATED) {
            continue;
        }
        struct fb_import_count *count = count_of(&im->result, p->row.entity->name);
        if (count != NULL) {
            count->made += p->state == FB_PLAN_NEW;
            count->updated += p->state == FB_PLAN_UPDATED;
        }
        has_written = true;
    }
    return has_written;
}

static void count_line(struct import *im)
{
    const struct fb_mapping *m = im->mapping;
    bool has_written = count_rows(im, m->before_count, m->rule_count);
    if (im->work.plans[m->main_rule].state == FB_PLAN_NEW) {
        im->result.lines_new++;
    } else if (has_written) {
        im->result.lines_updated++;
    } else {
        im->result.lines_unchanged++;
    }
}

/* ---- Lines ---- */

/* What the person can correct in the file. */
static bool is_about_the_line(int rc)
{
    return rc == FB_ERR_INVALID || rc == FB_ERR_CONSTRAINT || rc == FB_ERR_LIMIT;
}

static int import_line(struct import *im, const struct fb_csv_line *line)
{
    struct fb_import_work *w = &im->work;
    struct fb_why why = {{0}};
    fb_arena_clear(&w->arena);
    im->result.lines_read++;
    int rc = fb_import_read_cells(w, line, &why);
    if (rc == FB_OK) {
        rc = fb_import_plan(w, &w->arena, im->mapping->before_count, im->mapping->rule_count, &why);
    }
    if (rc == FB_OK) {
        rc = fb_import_write(w, im->mapping->before_count, im->mapping->rule_count, &why);
    }
    if (rc == FB_OK) {
        count_line(im);
        return FB_OK;
    }
    const char *sentence = why.text[0] != 0 ? why.text : fb_err_sentence(rc);
    return is_about_the_line(rc)
               ? reject(im, line, sentence)
               : fb_fail(im->why, rc, "line %lld: %s", (long long)line->number, sentence);
}

static int commit_batch(struct import *im)
{
    struct fb_store *s = im->work.store;
    if (im->work.options->is_dry_run) {
        return FB_OK;
    }
    if (fb_store_commit(s) < 0) {
        return fb_store_error(s, im->why);
    }
    im->committed = im->result;
    im->batch_lines = 0;
    return fb_store_begin(s) < 0 ? fb_store_error(s, im->why) : FB_OK;
}

static int show_progress(struct import *im)
{
    const struct fb_import_options *o = im->work.options;
    if (o->progress == NULL || im->result.lines_read % PROGRESS_LINES != 0 ||
        o->progress(o->ctx, fb_csv_bytes_done(im->csv), fb_csv_bytes_total(im->csv))) {
        return FB_OK;
    }
    return fb_fail(im->why, FB_ERR_INTERRUPTED,
                   "the import was stopped after line %lld: run it again to go on",
                   (long long)im->committed.lines_read + 1);
}

static int import_lines(struct import *im)
{
    struct fb_csv_line line;
    int rc;
    while ((rc = fb_csv_next(im->csv, &line, im->why)) == FB_CSV_LINE) {
        rc = import_line(im, &line);
        if (rc == FB_OK && ++im->batch_lines == FB_IMPORT_BATCH_LINES) {
            rc = commit_batch(im);
        }
        if (rc == FB_OK) {
            rc = show_progress(im);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static int import_before(struct import *im)
{
    size_t count = im->mapping->before_count;
    int rc = fb_import_plan(&im->work, &im->work.before_arena, 0, count, im->why);
    if (rc == FB_OK) {
        rc = fb_import_write(&im->work, 0, count, im->why);
    }
    if (rc == FB_OK) {
        count_rows(im, 0, count);
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_plan *p = &im->work.plans[i];
        p->state = p->state == FB_PLAN_SKIPPED ? FB_PLAN_SKIPPED : FB_PLAN_KEPT;
    }
    return rc;
}

static int import_all(struct import *im)
{
    struct fb_store *s = im->work.store;
    if (fb_store_begin(s) < 0) {
        return fb_store_error(s, im->why);
    }
    int rc = import_before(im);
    if (rc == FB_OK) {
        rc = import_lines(im);
    }
    if (rc < 0 || im->work.options->is_dry_run) {
        if (fb_store_in_transaction(s)) {
            fb_store_rollback(s);
        }
        im->committed = rc < 0 ? im->committed : im->result;
        return rc;
    }
    if (fb_store_commit(s) < 0) {
        return fb_store_error(s, im->why);
    }
    im->committed = im->result;
    return FB_OK;
}

/* ---- Setting up ---- */

static int find_owner(struct fb_import_work *w)
{
    if (w->options->employee_id != NULL) {
        snprintf(w->owner_id, sizeof(w->owner_id), "%s", w->options->employee_id);
        return FB_OK;
    }
    if (fb_catalogue_entity(fb_store_catalogue(w->store), "employee") == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        w->store, "SELECT id FROM employee WHERE status = 'active' ORDER BY code, id LIMIT 1", &q);
    if (rc == FB_OK && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        snprintf(w->owner_id, sizeof(w->owner_id), "%s", fb_sql_text(q, 0));
        rc = FB_OK;
    }
    return rc;
}

static int read_mapping(struct import *im)
{
    const struct fb_import_options *o = im->work.options;
    if (o->mapping_path == NULL) {
        return FB_OK;
    }
    int rc = fb_mapping_read(o->mapping_path, &im->mapping, im->why);
    if (rc == FB_OK && strcmp(im->mapping->entity, o->entity) != 0) {
        return fb_fail(im->why, FB_ERR_INVALID, "mapping %s is for %s, not for %s: name that one",
                       o->mapping_path, im->mapping->entity, o->entity);
    }
    return rc;
}

static int bind_mapping(struct import *im)
{
    const struct fb_import_options *o = im->work.options;
    const struct fb_catalogue *c = fb_store_catalogue(im->work.store);
    const struct fb_csv_line *heading = fb_csv_heading(im->csv);
    if (c == NULL) {
        return fb_fail(
            im->why, FB_ERR_CONFIG,
            "this database has no catalogue yet: run init (headquarters) or sync (laptop)");
    }
    int rc = im->mapping == NULL ? fb_mapping_from_heading(c, o->entity, heading, o->csv_path,
                                                           &im->mapping, im->why)
                                 : fb_mapping_bind(im->mapping, c, heading, o->csv_path, im->why);
    if (rc == FB_OK && o->match_count > 0) {
        rc = fb_mapping_match(im->mapping, o->match, o->match_count, im->why);
    }
    im->work.mapping = im->mapping;
    im->work.key_entity = fb_catalogue_entity(c, "exchange_key");
    return rc;
}

static int start_work(struct import *im)
{
    struct fb_import_work *w = &im->work;
    const struct fb_mapping *m = im->mapping;
    w->texts = calloc(m->column_count + 1, sizeof(*w->texts));
    w->counters = calloc(m->counter_count + 1, sizeof(struct fb_id_map *));
    if (w->texts == NULL || w->counters == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_lookup_new(w->store, &w->lookup);
    for (size_t i = 0; rc == FB_OK && i < m->counter_count; i++) {
        rc = fb_id_map_new(&w->counters[i]);
    }
    im->rejects =
        (struct rejects){.path = w->options->rejects_path, .separator = fb_csv_separator(im->csv)};
    im->result.separator = fb_csv_separator(im->csv);
    snprintf(im->result.encoding, sizeof(im->result.encoding), "%s", fb_csv_encoding(im->csv));
    im->committed = im->result;
    return rc < 0 ? rc : find_owner(w);
}

static int open_all(struct import *im)
{
    int rc = read_mapping(im);
    if (rc == FB_OK) {
        rc = fb_csv_open(im->work.options->csv_path, im->mapping == NULL ? NULL : &im->mapping->csv,
                         &im->csv, im->why);
    }
    if (rc == FB_OK) {
        rc = bind_mapping(im);
    }
    return rc < 0 ? rc : start_work(im);
}

static void release(struct import *im)
{
    struct fb_import_work *w = &im->work;
    for (size_t i = 0; w->counters != NULL && i < im->mapping->counter_count; i++) {
        fb_id_map_free(w->counters[i]);
    }
    free(w->counters);
    free(w->texts);
    fb_lookup_free(w->lookup);
    fb_arena_release(&w->arena);
    fb_arena_release(&w->before_arena);
    fb_csv_free(im->csv);
    fb_mapping_free(im->mapping);
}

int fb_import_run(struct fb_store *store, const struct fb_import_options *options,
                  struct fb_import_result *ret, struct fb_why *why)
{
    struct import *im = calloc(1, sizeof(*im));
    if (im == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    im->work.store = store;
    im->work.options = options;
    im->why = why;
    int rc = open_all(im);
    if (rc == FB_OK) {
        rc = import_all(im);
    }
    rc = close_rejects(im, rc);
    *ret = im->committed;
    release(im);
    free(im);
    return rc;
}
