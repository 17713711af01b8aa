/* SPDX-License-Identifier: MIT
 *
 * Sample rows around an account beyond its sales: quotations, support cases, notes, leads, and what is to be done today or
 * overdue, so that every page has something to show; for sample.c alone.
 */
#ifndef FB_CRM_SAMPLE_MORE_H
#define FB_CRM_SAMPLE_MORE_H

#include "common/crm/sample_row.h"

struct fb_sample_around {
    const char *company_id;
    const char *company_name;
    const char *contact_id;
    const char *owner_id;
    bool is_chinese;
    const char *product_id;
    const char *product_name;
    const char *unit;
    int64_t price; /* minor units */
    const char *currency_id;
    const char *price_book_id;
};

void fb_sample_more(struct fb_sample_maker *m, const struct fb_sample_around *a);

#endif
