/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

int fb_merge_server(const struct fb_merge_ask *ask, struct fb_arena *arena,
                    struct fb_merge_result *ret)
{
    return fb_merge_choose(ask, arena, false, ret);
}
