/* SPDX-License-Identifier: MIT */
#include "common/merge/policy.h"

/* The steps that were walked, in the order they were found. */
struct walk {
    const struct fb_merge_path *path;
    bool *is_walked;
    size_t *queue;
    size_t count;
};

/* Walks every step that starts at state; true if one ends at goal. */
static bool walk_from(struct walk *w, const struct fb_value *state, const struct fb_value *goal)
{
    for (size_t i = 0; i < w->path->step_count; i++) {
        const struct fb_merge_step *step = &w->path->steps[i];
        if (w->is_walked[i] || !fb_value_equal(&step->from, state)) {
            continue;
        }
        if (fb_value_equal(&step->to, goal)) {
            return true;
        }
        w->is_walked[i] = true;
        w->queue[w->count++] = i;
    }
    return false;
}

int fb_merge_path_leads(const struct fb_merge_path *path, const struct fb_value *from,
                        const struct fb_value *to, struct fb_arena *arena, bool *ret)
{
    if (fb_value_is_empty(from) || fb_value_equal(from, to)) {
        *ret = true;
        return FB_OK;
    }
    struct walk w = {.path = path};
    w.is_walked = fb_arena_alloc(arena, path->step_count * sizeof(*w.is_walked) + 1);
    w.queue = fb_arena_alloc(arena, path->step_count * sizeof(*w.queue) + 1);
    if (w.is_walked == NULL || w.queue == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    bool is_found = walk_from(&w, from, to);
    for (size_t next = 0; !is_found && next < w.count; next++) {
        is_found = walk_from(&w, &path->steps[w.queue[next]].to, to);
    }
    *ret = is_found;
    return FB_OK;
}

/* Further along one path wins. Where each leads to the other the path goes round, and the later
 * edit stands. */
int fb_merge_progress(const struct fb_merge_ask *ask, struct fb_arena *arena,
                      struct fb_merge_result *ret)
{
    if (ask->path == NULL) {
        return fb_merge_latest(ask, arena, ret);
    }
    bool to_mine = false;
    bool to_theirs = false;
    int rc = fb_merge_path_leads(ask->path, ask->theirs, ask->mine, arena, &to_mine);
    if (rc == FB_OK) {
        rc = fb_merge_path_leads(ask->path, ask->mine, ask->theirs, arena, &to_theirs);
    }
    if (rc < 0) {
        return rc;
    }
    if (to_mine && to_theirs) {
        return fb_merge_latest(ask, arena, ret);
    }
    if (to_mine || to_theirs) {
        return fb_merge_choose(ask, arena, to_mine, ret);
    }
    return fb_merge_answer(ask, arena, FB_MERGE_ASK, ask->theirs, ret);
}
