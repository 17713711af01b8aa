/* SPDX-License-Identifier: MIT
 *
 * Three-way merge of one field or group.
 *
 * Decides which value stands when headquarters and a laptop both changed a field since the base,
 * the value the author of the laptop's edit had seen. Values in, values out: reading rows, writing
 * the log and keeping conflicts belong to server/ingest. The policies are listed in policy.def,
 * their reasons in docs/architecture.md, "Merge". Values passed in are borrowed; results live in
 * the arena passed in.
 */
#ifndef FB_MERGE_MERGE_H
#define FB_MERGE_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/mem.h"
#include "common/base/value.h"

enum fb_merge_policy {
#define FB_MERGE_POLICY(NAME, name, sentence) FB_MERGE_##NAME,
#include "common/merge/policy.def"
#undef FB_MERGE_POLICY
};

/* "latest" to FB_MERGE_LATEST; false for an unknown name. */
bool fb_merge_policy_parse(const char *name, enum fb_merge_policy *ret);
const char *fb_merge_policy_name(enum fb_merge_policy policy);
const char *fb_merge_policy_sentence(enum fb_merge_policy policy);

/* Whose value stands, and whether someone must be told. */
enum fb_merge_outcome {
    FB_MERGE_NOTHING,      /* mine is what base was, or what stands already: nothing to write */
    FB_MERGE_FAST_FORWARD, /* only mine changed: mine is written, nobody is told */
    /* both changed and both are in the result (sum, union, text): written, no conflict */
    FB_MERGE_COMBINED,
    /* both changed, the policy took mine: theirs is kept in a conflict, settled */
    FB_MERGE_MINE_WON,
    /* both changed, the policy kept theirs: mine is kept in a conflict, settled */
    FB_MERGE_THEIRS_WON,
    FB_MERGE_ASK, /* theirs stays, an open conflict waits for a person */
    /* no way of allowed steps leads from base to mine: theirs stays, the change is held */
    FB_MERGE_NOT_ALLOWED,
};

/* Allowed steps of a `progress` field, from the catalogue: edges[i] = {from, to}. For a reference
 * whose order comes from its target (a stage) edges are made by the caller from the targets'
 * positions. */
struct fb_merge_path {
    const struct fb_merge_step {
        struct fb_value from;
        struct fb_value to;
    } * steps;
    size_t step_count;
};

struct fb_merge_ask {
    enum fb_merge_policy policy;
    bool is_server_only; /* @srv: a pushed value is never taken */
    /* with policy latest: manual if the record is closed at headquarters */
    bool is_manual_when_closed;
    bool is_closed;       /* the record, at headquarters, now */
    bool mine_is_owner;   /* policy owner: the author of mine is the record's owner */
    bool theirs_is_owner; /* ... the author of theirs is */
    /* A group of fields merges as one value: the arrays hold one value per member, in the
     * catalogue's order. A field without a group is a group of one. base is NULL or all absent for
     * an insert; theirs is all absent for a row that headquarters does not have. max, min, any,
     * union, sum, text and progress know single values: a group of several fields with such a
     * policy merges as `latest`. */
    size_t count;
    const struct fb_value *base;
    const struct fb_value *theirs;
    const struct fb_value *mine;
    /* the fields' defaults: base for max, min, any, union when base is absent; may be NULL */
    const struct fb_value *initial;
    int64_t theirs_edited_at_ms; /* corrected clock, ms since 1970-01-01 UTC */
    int64_t mine_edited_at_ms;
    const char *theirs_device; /* break ties of `latest`; headquarters is "" */
    const char *mine_device;
    /* allowed steps: policy progress, and fsm fields of any policy; else NULL */
    const struct fb_merge_path *path;
    int64_t step_sum; /* policy sum: the steps not yet counted, added up by the caller */
};

struct fb_merge_result {
    enum fb_merge_outcome outcome;
    struct fb_value *values; /* count values that shall stand; always usable, in the arena */
};

/* Merges one group. Returns FB_OK or FB_ERR_NO_MEMORY; *ret is untouched on failure. A text merge
 * that exceeds FB_TEXT_MERGE_BYTES_MAX answers FB_MERGE_ASK. */
int fb_merge_group(const struct fb_merge_ask *ask, struct fb_arena *arena,
                   struct fb_merge_result *ret) FB_MUST_CHECK;

#endif
