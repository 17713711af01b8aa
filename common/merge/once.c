/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

int fb_merge_once(const struct fb_merge_ask *ask, struct fb_arena *arena,
                  struct fb_merge_result *ret)
{
    if (fb_merge_values_empty(ask->base, ask->count)) {
        if (fb_merge_values_empty(ask->theirs, ask->count)) {
            return fb_merge_answer(ask, arena, FB_MERGE_FAST_FORWARD, ask->mine, ret);
        }
        if (fb_merge_values_empty(ask->mine, ask->count)) {
            /* An insert that leaves the field empty brings no second value. */
            return fb_merge_answer(ask, arena, FB_MERGE_NOTHING, ask->theirs, ret);
        }
    }
    return fb_merge_choose(ask, arena, false, ret);
}
