/* SPDX-License-Identifier: MIT
 *
 * Sample data for the demo and the tests: Chinese and English accounts with their contacts, opportunities, orders,
 * activities, made from small lists of words. The same ask gives the same rows, byte for byte. It stands on the
 * shipped seed (share/seed/seed.json): currency, pipeline, price book. Nothing is written here: the rows go to the
 * caller, parents and targets before those that point at them.
 */
#ifndef FB_CRM_SAMPLE_H
#define FB_CRM_SAMPLE_H

#include "common/catalogue/catalogue.h"

struct fb_sample_ask {
    const struct fb_catalogue *catalogue;
    uint64_t seed;
    int64_t now_ms; /* "today" of the data: opportunities close around it, orders lie before it */
    /* each comes with about 2.5 contacts, 1.5 opportunities, 1 order, 2 activities */
    size_t companies;
    /* Who owns the accounts, in turn: ids of employees. None: six employees are made. */
    const char *const *owner_ids;
    size_t owner_count;
};

/* Gets one row; every required field is filled, fields with a default have it, numbers (seq) are empty. The row
 * lives during the call. Anything but FB_OK ends the work with it. */
typedef int fb_sample_row(void *ctx, const struct fb_row *row);

/* FB_ERR_NOT_FOUND if the catalogue lacks an entity or field it needs; why names it. */
int fb_sample_make(const struct fb_sample_ask *ask, fb_sample_row *f, void *ctx,
                   struct fb_why *why) FB_MUST_CHECK;

#endif
