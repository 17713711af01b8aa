/* SPDX-License-Identifier: MIT
 *
 * What merging.c and merging_undo.c share; for this folder only.
 */
#ifndef FB_SERVER_MERGING_H
#define FB_SERVER_MERGING_H

#include <jansson.h>

#include "server/internal.h"

/* One merge_job that is being carried out or taken back. */
struct fb_merging {
    struct fb_work *w;
    const struct fb_entity *entity;
    struct fb_work_row *job, *keep, *drop;
    uint64_t changed_since[FB_ROW_MASK_WORDS]; /* undo: fields of keep */
    json_t *choices;                           /* {"field": "keep" | "drop"}; NULL: none */
};

/* The job's state and what headquarters has to say about it. */
int fb_merging_answer(struct fb_merging *m, const char *state, const char *note) FB_MUST_CHECK;
/* Was the record merged by another job than this? Then ret_id becomes what it was merged into. */
int fb_merging_older(struct fb_merging *m, char ret_id[static FB_ROW_ID_SIZE],
                     bool *ret) FB_MUST_CHECK;
/* Takes the merging back; before: the state it had. */
int fb_merging_undo(struct fb_merging *m, const char *before) FB_MUST_CHECK;

#endif
