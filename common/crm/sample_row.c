/* SPDX-License-Identifier: MIT */
#include "common/crm/sample_row.h"

#include <stdio.h>
#include <string.h>

#include "common/base/time.h"
#include "common/store/row.h"

#define DAY_MS     INT64_C(86400000)
#define QUARTER_MS INT64_C(900000)
#define NINE_MS    INT64_C(3600000) /* nine o'clock in Shanghai, after midnight UTC */

size_t fb_sample_below(struct fb_sample_maker *m, size_t below)
{
    return (size_t)(fb_random_u64(&m->random) % below);
}

bool fb_sample_chance(struct fb_sample_maker *m, size_t percent)
{
    return fb_sample_below(m, 100) < percent;
}

static void fail(struct fb_sample_maker *m, int error, const char *what, const char *name)
{
    if (m->error == FB_OK) {
        m->error = fb_fail(m->why, error, "sample data: %s %s is not in the catalogue", what, name);
    }
}

static void fail_no_memory(struct fb_sample_maker *m)
{
    if (m->error == FB_OK) {
        m->error = fb_fail(m->why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
}

void fb_sample_begin(struct fb_sample_maker *m, const char *entity,
                     char ret_id[static FB_ROW_ID_SIZE])
{
    fb_id_make(m->ask->now_ms, &m->random, ret_id);
    if (m->error != FB_OK) {
        return;
    }
    const struct fb_entity *e = fb_catalogue_entity(m->ask->catalogue, entity);
    if (e == NULL) {
        fail(m, FB_ERR_NOT_FOUND, "entity", entity);
        return;
    }
    fb_arena_clear(&m->arena);
    if (fb_row_begin(e, ret_id, &m->arena, &m->row) < 0) {
        fail_no_memory(m);
    }
}

static void set(struct fb_sample_maker *m, const char *name, const struct fb_value *v)
{
    const struct fb_field *f = m->error == FB_OK ? fb_entity_field(m->row.entity, name) : NULL;
    if (f == NULL) {
        fail(m, FB_ERR_NOT_FOUND, "field", name);
        return;
    }
    if (fb_value_copy(&m->arena, v, &m->row.values[f->index]) < 0) {
        fail_no_memory(m);
    }
}

void fb_sample_text(struct fb_sample_maker *m, const char *field, const char *text)
{
    const struct fb_value v = fb_value_text(text);
    set(m, field, &v);
}

void fb_sample_print(struct fb_sample_maker *m, const char *field, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fb_sample_text(m, field, text);
}

void fb_sample_int(struct fb_sample_maker *m, const char *field, int64_t n)
{
    const struct fb_value v = fb_value_int(n);
    set(m, field, &v);
}

void fb_sample_date(struct fb_sample_maker *m, const char *field, int64_t days)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(m->ask->now_ms + days * DAY_MS, text);
    text[FB_DATE_SIZE - 1] = 0;
    fb_sample_text(m, field, text);
}

void fb_sample_time(struct fb_sample_maker *m, const char *field, int64_t days, int64_t quarter)
{
    char text[FB_INSTANT_SIZE];
    int64_t midnight = m->ask->now_ms - m->ask->now_ms % DAY_MS;
    fb_instant_format(midnight + days * DAY_MS + NINE_MS + quarter * QUARTER_MS, text);
    fb_sample_text(m, field, text);
}

void fb_sample_end(struct fb_sample_maker *m)
{
    if (m->error == FB_OK) {
        m->error = m->give(m->ctx, &m->row);
    }
}
