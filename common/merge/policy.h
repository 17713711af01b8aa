/* SPDX-License-Identifier: MIT
 *
 * What the files of the policies share; for this folder only. merge.c has dealt with all that needs
 * no policy (nothing changed, only one side changed, server only) before it calls one, and each
 * policy decides the case that is left: base, theirs and mine all differ. Exceptions: sum and once
 * are asked in every case.
 */
#ifndef FB_MERGE_POLICY_H
#define FB_MERGE_POLICY_H

#include "common/merge/merge.h"

/* fb_merge_latest, fb_merge_server, ...: FB_OK or FB_ERR_NO_MEMORY, *ret untouched on failure. */
#define FB_MERGE_POLICY(NAME, name, sentence)                                                      \
    int fb_merge_##name(const struct fb_merge_ask *ask, struct fb_arena *arena,                    \
                        struct fb_merge_result *ret) FB_MUST_CHECK;
#include "common/merge/policy.def"
#undef FB_MERGE_POLICY

/* Answers with copies of count values; absent ones become the field's default, else NULL. */
int fb_merge_answer(const struct fb_merge_ask *ask, struct fb_arena *arena,
                    enum fb_merge_outcome outcome, const struct fb_value *values,
                    struct fb_merge_result *ret) FB_MUST_CHECK;

/* Answers MINE_WON with mine, or THEIRS_WON with theirs. */
int fb_merge_choose(const struct fb_merge_ask *ask, struct fb_arena *arena, bool take_mine,
                    struct fb_merge_result *ret) FB_MUST_CHECK;

/* True if mine is the later edit: time, then device, then the greater value, so that every order of
 * arrival ends with the same one. */
bool fb_merge_mine_is_later(const struct fb_merge_ask *ask);

bool fb_merge_values_equal(const struct fb_value *a, const struct fb_value *b, size_t count);
bool fb_merge_values_empty(const struct fb_value *values, size_t count);

/* Does a way of zero or more allowed steps lead from one value to the other? An empty `from` leads
 * everywhere: it is the state before the first step. FB_OK or FB_ERR_NO_MEMORY. */
int fb_merge_path_leads(const struct fb_merge_path *path, const struct fb_value *from,
                        const struct fb_value *to, struct fb_arena *arena, bool *ret) FB_MUST_CHECK;

#endif
