/* SPDX-License-Identifier: MIT
 *
 * What the files of territories share.
 *
 *   territory_plan.c     reading a plan
 *   territory_write.c    a plan becomes rows
 *   territory_filter.c   does a company fit a rule?
 *   territory_assign.c   where every company belongs
 *   territory_rehearse.c what each laptop would lose and gain
 *   territory_history.c  moves, with dates
 */
#ifndef FB_SERVER_TERRITORY_INSIDE_H
#define FB_SERVER_TERRITORY_INSIDE_H

#include <jansson.h>

#include "common/base/limits.h"
#include "common/store/row.h"
#include "server/territory.h"

struct fb_territory_plan {
    json_t *json; /* checked: every member has its form */
};

/* Territories of the plan that are not there yet, with their code and name. Inside a transaction. */
int fb_territory_make_missing(struct fb_store *s, const struct fb_territory_plan *plan,
                              struct fb_why *why) FB_MUST_CHECK;
/* Writes the plan's territories, members, rules and named accounts; all of them were made. Inside a transaction. */
int fb_territory_write(struct fb_store *s, const struct fb_territory_plan *plan,
                       struct fb_why *why) FB_MUST_CHECK;

/* ---- A rule's filter: the form of docs/api.md, "Filters", evaluated here over thousands of companies in one pass ---- */

struct fb_territory_filter;
/* In the arena. Names are company's fields; province, city, district, country, postal_code and street are of its primary address
 * (else its first). FB_ERR_INVALID with a sentence. */
int fb_territory_filter_read(struct fb_store *s, const json_t *json, struct fb_arena *arena,
                             const struct fb_territory_filter **ret,
                             struct fb_why *why) FB_MUST_CHECK;
bool fb_territory_filter_asks_address(const struct fb_territory_filter *f);
/* address NULL: the company has none. */
bool fb_territory_filter_fits(const struct fb_territory_filter *f, const struct fb_row *company,
                              const struct fb_row *address);

#endif
