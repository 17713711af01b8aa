/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

/* An empty value is the least. */
int fb_merge_max(const struct fb_merge_ask *ask, struct fb_arena *arena,
                 struct fb_merge_result *ret)
{
    return fb_merge_choose(ask, arena, fb_value_compare(ask->mine, ask->theirs) > 0, ret);
}
