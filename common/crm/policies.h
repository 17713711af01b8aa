/* SPDX-License-Identifier: MIT
 *
 * Merge rules as an administrator sees and changes them. Before a rule is switched on it is rehearsed: the conflicts of the last weeks
 * are decided again, in memory, with the old and the new rule.
 */
#ifndef FB_CRM_POLICIES_H
#define FB_CRM_POLICIES_H

#include "common/crm/desk.h"
#include "common/store/store.h"

/* Who would stand: of a conflict, with a rule. */
enum fb_policy_end { FB_POLICY_THEIRS, FB_POLICY_MINE, FB_POLICY_BOTH, FB_POLICY_ASKS };
/* "headquarters", "laptop", "both", "a person". */
const char *fb_policy_end_name(enum fb_policy_end end);

struct fb_policy_effect {
    const struct fb_desk_conflict *conflict;
    enum fb_policy_end before, after;
};
struct fb_policy_rehearsal {
    int64_t conflicts; /* of the field, since then */
    int64_t differing; /* would end otherwise */
    int64_t asking;    /* would wait for a person */
};

/* Decides the field's conflicts since that time again; calls f, which may be NULL, for each that would end otherwise. What old
 * conflicts do not keep (steps of sums, whether the record was closed) is taken as the simplest case. FB_ERR_INVALID: the rule does
 * not fit the field, why says so. */
typedef int fb_policy_each(void *ctx, const struct fb_policy_effect *effect);
int fb_policy_rehearse(struct fb_store *s, const struct fb_policy_change *change, int64_t since_ms,
                       int64_t now_ms, fb_policy_each *f, void *ctx,
                       struct fb_policy_rehearsal *ret, struct fb_why *why) FB_MUST_CHECK;

/* Headquarters only, inside a transaction: the next version of the catalogue, which travels with the next welcome. */
int fb_policy_set(struct fb_store *s, const struct fb_policy_change *changes, size_t count,
                  int64_t now_ms, struct fb_why *why) FB_MUST_CHECK;

#endif
