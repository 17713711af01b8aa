/* SPDX-License-Identifier: MIT
 *
 * Building rows one after the other, with an error that sticks; for sample.c alone.
 */
#ifndef FB_CRM_SAMPLE_ROW_H
#define FB_CRM_SAMPLE_ROW_H

#include "common/base/id.h"
#include "common/crm/sample.h"

struct fb_sample_maker {
    const struct fb_sample_ask *ask;
    struct fb_random random;
    uint64_t random_state;
    struct fb_arena arena; /* of the row in hand */
    struct fb_row row;
    fb_sample_row *give;
    void *ctx;
    struct fb_why *why;
    int error; /* the first failure; everything after it does nothing */
};

/* A number from 0 to below. */
size_t fb_sample_below(struct fb_sample_maker *m, size_t below);
/* True in so many of a hundred cases. */
bool fb_sample_chance(struct fb_sample_maker *m, size_t percent);

/* Starts a row of that entity with a new id, which is copied to ret_id, and the fields' defaults. */
void fb_sample_begin(struct fb_sample_maker *m, const char *entity,
                     char ret_id[static FB_ROW_ID_SIZE]);
void fb_sample_text(struct fb_sample_maker *m, const char *field, const char *text);
void fb_sample_print(struct fb_sample_maker *m, const char *field, const char *format, ...)
    FB_PRINTF(3, 4);
void fb_sample_int(struct fb_sample_maker *m, const char *field, int64_t n);
/* A day so many days from the ask's today, and a full quarter hour of that day between 9 and 17 UTC+8. */
void fb_sample_date(struct fb_sample_maker *m, const char *field, int64_t days);
void fb_sample_time(struct fb_sample_maker *m, const char *field, int64_t days, int64_t quarter);
void fb_sample_end(struct fb_sample_maker *m);

#endif
