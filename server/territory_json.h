/* SPDX-License-Identifier: MIT
 *
 * Results of an application and of a rehearsal as JSON, for programs and for the pages (docs/operations.md, "Territories").
 */
#ifndef FB_SERVER_TERRITORY_JSON_H
#define FB_SERVER_TERRITORY_JSON_H

#include "server/territory.h"

/* Appends one object. Titles of companies and people are read from the store. */
int fb_territory_result_json(struct fb_store *s, const struct fb_territory_result *r,
                             struct fb_buf *out) FB_MUST_CHECK;
int fb_territory_rehearsal_json(struct fb_store *s, const struct fb_territory_rehearsal *r,
                                struct fb_buf *out) FB_MUST_CHECK;

/* The same on stdout, as one line. */
int fb_territory_result_print(struct fb_store *s,
                              const struct fb_territory_result *r) FB_MUST_CHECK;
int fb_territory_rehearsal_print(struct fb_store *s,
                                 const struct fb_territory_rehearsal *r) FB_MUST_CHECK;

#endif
