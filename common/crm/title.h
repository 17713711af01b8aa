/* SPDX-License-Identifier: MIT
 *
 * What a person calls a row: the catalogue's title fields, joined; the title of a reference where the row itself is elsewhere;
 * else the short form of its id.
 */
#ifndef FB_CRM_TITLE_H
#define FB_CRM_TITLE_H

#include "common/store/row.h"

/* Appends the title to buf; "" entity or id appends nothing. Families written without a blank where the name is Chinese. */
int fb_title_append(struct fb_store *s, const char *entity, const char *id,
                    struct fb_buf *buf) FB_MUST_CHECK;
/* The same of a row that is at hand; only the fields of its title need to be read. */
int fb_title_append_row(const struct fb_row *row, struct fb_buf *buf) FB_MUST_CHECK;

#endif
