/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

/* An empty value says nothing, so the other one is the least: first_touched_at stays once it is
 * known. */
int fb_merge_min(const struct fb_merge_ask *ask, struct fb_arena *arena,
                 struct fb_merge_result *ret)
{
    if (fb_value_is_empty(ask->mine) != fb_value_is_empty(ask->theirs)) {
        return fb_merge_choose(ask, arena, fb_value_is_empty(ask->theirs), ret);
    }
    return fb_merge_choose(ask, arena, fb_value_compare(ask->mine, ask->theirs) < 0, ret);
}
