/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

int fb_merge_manual(const struct fb_merge_ask *ask, struct fb_arena *arena,
                    struct fb_merge_result *ret)
{
    return fb_merge_answer(ask, arena, FB_MERGE_ASK, ask->theirs, ret);
}
