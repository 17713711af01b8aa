/* SPDX-License-Identifier: MIT
 *
 * What every new headquarters starts with: choice lists, roles, a pipeline, currencies, from the shipped seed
 * (share/seed/seed.json). Fixed ids, so that two headquarters speak of the same rows.
 */
#ifndef FB_SERVER_SEED_H
#define FB_SERVER_SEED_H

#include "common/store/store.h"

/* Inside a transaction; the rows are journalled like any. FB_ERR_INVALID names what is wrong in the file. */
int fb_seed_load(struct fb_store *s, struct fb_why *why) FB_MUST_CHECK;

#endif
