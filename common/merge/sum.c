/* SPDX-License-Identifier: MIT */
#include "common/base/planted.h"
#include "common/merge/policy.h"

static int64_t integer_of(const struct fb_value *v)
{
    return v->type == FB_INT ? v->integer : 0;
}

/* "theirs equals base" and "theirs equals mine" are no shortcuts here: two laptops that both add
 * one would count once (sync-rules.md, rule 15). A total beyond 64 bits stops at the border, and
 * the conflict keeps both sides. */
int fb_merge_sum(const struct fb_merge_ask *ask, struct fb_arena *arena,
                 struct fb_merge_result *ret)
{
    int64_t total = 0;
    enum fb_merge_outcome outcome = FB_MERGE_COMBINED;
    if (FB_BUG(SUM_SHORTCUT) && fb_value_equal(ask->theirs, ask->mine)) {
        return fb_merge_answer(ask, arena, FB_MERGE_NOTHING, ask->theirs, ret);
    }
    if (FB_BUG(SUM_AS_VALUE)) {
        return fb_merge_answer(ask, arena, FB_MERGE_COMBINED, ask->mine, ret);
    }
    if (ask->step_sum == 0) {
        outcome = FB_MERGE_NOTHING;
    } else if (ask->theirs->type == FB_ABSENT || fb_value_equal(ask->theirs, ask->base)) {
        outcome = FB_MERGE_FAST_FORWARD;
    }
    if (__builtin_add_overflow(integer_of(ask->theirs), ask->step_sum, &total)) {
        total = ask->step_sum > 0 ? INT64_MAX : INT64_MIN;
        outcome = FB_MERGE_MINE_WON;
    }
    struct fb_value value = fb_value_int(total);
    return fb_merge_answer(ask, arena, outcome, &value, ret);
}
