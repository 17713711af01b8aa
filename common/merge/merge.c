/* SPDX-License-Identifier: MIT */
#include "common/merge/merge.h"

#include <string.h>

#include "common/base/planted.h"
#include "common/merge/policy.h"

static const struct policy_row {
    const char *name;
    const char *sentence;
    int (*decide)(const struct fb_merge_ask *ask, struct fb_arena *arena,
                  struct fb_merge_result *ret);
} policies[] = {
#define FB_MERGE_POLICY(NAME, name, sentence)                                                      \
    [FB_MERGE_##NAME] = {#name, sentence, fb_merge_##name},
#include "common/merge/policy.def"
#undef FB_MERGE_POLICY
};

#define POLICY_COUNT (sizeof(policies) / sizeof(policies[0]))

bool fb_merge_policy_parse(const char *name, enum fb_merge_policy *ret)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            *ret = (enum fb_merge_policy)i;
            return true;
        }
    }
    return false;
}

const char *fb_merge_policy_name(enum fb_merge_policy policy)
{
    return policies[policy].name;
}

const char *fb_merge_policy_sentence(enum fb_merge_policy policy)
{
    return policies[policy].sentence;
}

bool fb_merge_values_equal(const struct fb_value *a, const struct fb_value *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!fb_value_equal(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

bool fb_merge_values_empty(const struct fb_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!fb_value_is_empty(&values[i])) {
            return false;
        }
    }
    return true;
}

static bool all_absent(const struct fb_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].type != FB_ABSENT) {
            return false;
        }
    }
    return true;
}

int fb_merge_answer(const struct fb_merge_ask *ask, struct fb_arena *arena,
                    enum fb_merge_outcome outcome, const struct fb_value *values,
                    struct fb_merge_result *ret)
{
    struct fb_value *copies = fb_arena_alloc(arena, ask->count * sizeof(*copies));
    if (copies == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < ask->count; i++) {
        const struct fb_value *v = &values[i];
        if (v->type == FB_ABSENT && ask->initial != NULL) {
            v = &ask->initial[i];
        }
        if (v->type == FB_ABSENT) {
            v = &fb_value_null;
        }
        int rc = fb_value_copy(arena, v, &copies[i]);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = (struct fb_merge_result){.outcome = outcome, .values = copies};
    return FB_OK;
}

int fb_merge_choose(const struct fb_merge_ask *ask, struct fb_arena *arena, bool take_mine,
                    struct fb_merge_result *ret)
{
    return take_mine ? fb_merge_answer(ask, arena, FB_MERGE_MINE_WON, ask->mine, ret)
                     : fb_merge_answer(ask, arena, FB_MERGE_THEIRS_WON, ask->theirs, ret);
}

/* The policy that decides: a closed record asks a person, and what knows only single values leaves
 * a group to its later edit. */
static enum fb_merge_policy effective_policy(const struct fb_merge_ask *ask)
{
    switch (ask->policy) {
    case FB_MERGE_LATEST:
        return ask->is_manual_when_closed && ask->is_closed ? FB_MERGE_MANUAL : FB_MERGE_LATEST;
    case FB_MERGE_SUM:
    case FB_MERGE_MAX:
    case FB_MERGE_MIN:
    case FB_MERGE_ANY:
    case FB_MERGE_UNION:
    case FB_MERGE_TEXT:
    case FB_MERGE_PROGRESS:
        return ask->count == 1 ? ask->policy : FB_MERGE_LATEST;
    default:
        return ask->policy;
    }
}

static bool takes_default_as_base(enum fb_merge_policy policy)
{
    return policy == FB_MERGE_MAX || policy == FB_MERGE_MIN || policy == FB_MERGE_ANY ||
           policy == FB_MERGE_UNION;
}

/* @srv: whatever a laptop says, headquarters' value stands. What an insert leaves at its default
 * says nothing. */
static int merge_server_only(const struct fb_merge_ask *ask, struct fb_arena *arena,
                             struct fb_merge_result *ret)
{
    bool says_nothing =
        fb_merge_values_equal(ask->mine, ask->base, ask->count) ||
        fb_merge_values_equal(ask->mine, ask->theirs, ask->count) ||
        (all_absent(ask->base, ask->count) &&
         (fb_merge_values_empty(ask->mine, ask->count) ||
          (ask->initial != NULL && fb_merge_values_equal(ask->mine, ask->initial, ask->count))));
    return fb_merge_answer(ask, arena, says_nothing ? FB_MERGE_NOTHING : FB_MERGE_THEIRS_WON,
                           ask->theirs, ret);
}

/* A new row's first value is no step, and a way back to empty is none that a path allows. */
static int check_step(const struct fb_merge_ask *ask, struct fb_arena *arena, bool *ret_allowed)
{
    if (ask->path == NULL || ask->count != 1) {
        *ret_allowed = true;
        return FB_OK;
    }
    return fb_merge_path_leads(ask->path, ask->base, ask->mine, arena, ret_allowed);
}

static int merge_known_base(const struct fb_merge_ask *ask, struct fb_arena *arena,
                            struct fb_merge_result *ret)
{
    if (ask->policy == FB_MERGE_SUM) {
        return fb_merge_sum(ask, arena, ret);
    }
    if (fb_merge_values_equal(ask->mine, ask->base, ask->count) ||
        fb_merge_values_equal(ask->mine, ask->theirs, ask->count)) {
        return fb_merge_answer(ask, arena, FB_MERGE_NOTHING, ask->theirs, ret);
    }
    bool is_allowed = false;
    int rc = check_step(ask, arena, &is_allowed);
    if (rc < 0) {
        return rc;
    }
    if (!is_allowed) {
        return fb_merge_answer(ask, arena, FB_MERGE_NOT_ALLOWED, ask->theirs, ret);
    }
    if (ask->policy == FB_MERGE_ONCE) {
        return fb_merge_once(ask, arena, ret);
    }
    if (all_absent(ask->theirs, ask->count) || FB_BUG(LATEST_IGNORES_BASE) ||
        fb_merge_values_equal(ask->theirs, ask->base, ask->count)) {
        return fb_merge_answer(ask, arena, FB_MERGE_FAST_FORWARD, ask->mine, ret);
    }
    return policies[ask->policy].decide(ask, arena, ret);
}

int fb_merge_group(const struct fb_merge_ask *ask, struct fb_arena *arena,
                   struct fb_merge_result *ret)
{
    fb_assert(ask->count > 0 && ask->policy < POLICY_COUNT);
    struct fb_merge_ask known = *ask;
    if (known.base == NULL) {
        struct fb_value *absent = fb_arena_alloc(arena, ask->count * sizeof(*absent));
        if (absent == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        known.base = absent;
    }
    if (ask->is_server_only) {
        return merge_server_only(&known, arena, ret);
    }
    known.policy = effective_policy(ask);
    if (takes_default_as_base(known.policy) && known.initial != NULL &&
        all_absent(known.base, known.count)) {
        known.base = known.initial;
    }
    return merge_known_base(&known, arena, ret);
}
