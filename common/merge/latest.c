/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/merge/policy.h"

static const char *device_or_headquarters(const char *device)
{
    return device == NULL ? "" : device;
}

bool fb_merge_mine_is_later(const struct fb_merge_ask *ask)
{
    if (ask->mine_edited_at_ms != ask->theirs_edited_at_ms) {
        return ask->mine_edited_at_ms > ask->theirs_edited_at_ms;
    }
    int by_device = strcmp(device_or_headquarters(ask->mine_device),
                           device_or_headquarters(ask->theirs_device));
    if (by_device != 0) {
        return by_device > 0;
    }
    for (size_t i = 0; i < ask->count; i++) {
        int by_value = fb_value_compare(&ask->mine[i], &ask->theirs[i]);
        if (by_value != 0) {
            return by_value > 0;
        }
    }
    return false;
}

int fb_merge_latest(const struct fb_merge_ask *ask, struct fb_arena *arena,
                    struct fb_merge_result *ret)
{
    return fb_merge_choose(ask, arena, fb_merge_mine_is_later(ask), ret);
}
