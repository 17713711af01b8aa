/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

static bool is_true(const struct fb_value *v)
{
    return v->type == FB_INT && v->integer != 0;
}

/* Of two that are not true, "no" stands before empty: every order of arrival then ends alike. */
int fb_merge_any(const struct fb_merge_ask *ask, struct fb_arena *arena,
                 struct fb_merge_result *ret)
{
    if (is_true(ask->mine) != is_true(ask->theirs)) {
        return fb_merge_choose(ask, arena, is_true(ask->mine), ret);
    }
    return fb_merge_choose(ask, arena, fb_value_compare(ask->mine, ask->theirs) > 0, ret);
}
