/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

int fb_merge_owner(const struct fb_merge_ask *ask, struct fb_arena *arena,
                   struct fb_merge_result *ret)
{
    if (ask->mine_is_owner != ask->theirs_is_owner) {
        return fb_merge_choose(ask, arena, ask->mine_is_owner, ret);
    }
    return fb_merge_latest(ask, arena, ret);
}
