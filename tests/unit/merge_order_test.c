/* SPDX-License-Identifier: MIT
 *
 * The order in which concurrent changes of one base arrive does not matter (docs/architecture.md,
 * "Merge").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/merge/merge.h"
#include "tests/lib/testlib.h"

#define CHANGES_MAX 5

struct change {
    struct fb_value mine;
    int64_t edited_at_ms;
    char device[8];
};

/* Headquarters' state of one field while changes arrive. */
struct field {
    struct fb_value value;
    int64_t edited_at_ms;
    const char *device;
};

static struct fb_arena arena;

static void receive(enum fb_merge_policy policy, struct field *field, const struct fb_value *base,
                    const struct change *c)
{
    struct fb_value initial = FB_VALUE_NULL;
    struct fb_merge_ask ask = {.policy = policy,
                               .count = 1,
                               .base = base,
                               .theirs = &field->value,
                               .mine = &c->mine,
                               .initial = &initial,
                               .theirs_edited_at_ms = field->edited_at_ms,
                               .mine_edited_at_ms = c->edited_at_ms,
                               .theirs_device = field->device,
                               .mine_device = c->device,
                               .step_sum = c->mine.integer - base->integer};
    struct fb_merge_result r;
    assert_int_equal(fb_merge_group(&ask, &arena, &r), FB_OK);
    field->value = r.values[0];
    bool is_repeated = r.outcome == FB_MERGE_NOTHING && fb_value_equal(&c->mine, &ask.theirs[0]) &&
                       (c->edited_at_ms > field->edited_at_ms ||
                        (c->edited_at_ms == field->edited_at_ms &&
                         strcmp(c->device, field->device) > 0)); /* server/ingest_row.c, confirm */
    if ((r.outcome != FB_MERGE_NOTHING && r.outcome != FB_MERGE_THEIRS_WON) || is_repeated) {
        field->edited_at_ms = c->edited_at_ms;
        field->device = c->device;
    }
}

static struct fb_value value_after(enum fb_merge_policy policy, const struct fb_value *base,
                                   const struct change *changes, const int *order, int count)
{
    struct field field = {.value = *base, .device = ""};
    for (int i = 0; i < count; i++) {
        receive(policy, &field, base, &changes[order[i]]);
    }
    return field.value;
}

static bool next_order(int *order, int count)
{
    int i = count - 2;
    while (i >= 0 && order[i] > order[i + 1]) {
        i--;
    }
    if (i < 0) {
        return false;
    }
    int j = count - 1;
    while (order[j] < order[i]) {
        j--;
    }
    int swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
    for (int a = i + 1, b = count - 1; a < b; a++, b--) {
        swapped = order[a];
        order[a] = order[b];
        order[b] = swapped;
    }
    return true;
}

static struct fb_value random_value(enum fb_merge_policy policy, unsigned *seed)
{
    static const char *const sets[] = {"[]",
                                       "[\"a\"]",
                                       "[\"b\"]",
                                       "[\"a\",\"b\"]",
                                       "[\"b\",\"c\"]",
                                       "[\"a\",\"c\"]",
                                       "[\"a\",\"b\",\"c\"]"};
    int n = rand_r(seed);
    switch (policy) {
    case FB_MERGE_UNION:
        return fb_value_text(sets[n % 7]);
    case FB_MERGE_ANY:
        return n % 3 == 2 ? FB_VALUE_NULL : fb_value_int(n % 3);
    case FB_MERGE_SUM:
        return fb_value_int(n % 9 - 4);
    default:
        return n % 6 == 5 ? FB_VALUE_NULL : fb_value_int(n % 6);
    }
}

/* Changes whose mine is the base are none. */
static bool is_usable(enum fb_merge_policy policy, const struct fb_value *base,
                      const struct change *changes, int count)
{
    for (int i = 0; i < count; i++) {
        if (policy != FB_MERGE_SUM && fb_value_equal(base, &changes[i].mine)) {
            return false;
        }
    }
    return true;
}

static void try_all_orders(enum fb_merge_policy policy, unsigned seed)
{
    unsigned state = seed;
    int count = 2 + rand_r(&state) % (CHANGES_MAX - 1);
    struct fb_value base = random_value(policy, &state);
    struct change changes[CHANGES_MAX];
    for (int i = 0; i < count; i++) {
        changes[i] = (struct change){.mine = random_value(policy, &state),
                                     .edited_at_ms = rand_r(&state) % 3};
        snprintf(changes[i].device, sizeof(changes[i].device), "d%d", rand_r(&state) % 2);
    }
    if (!is_usable(policy, &base, changes, count)) {
        return;
    }
    int order[CHANGES_MAX] = {0, 1, 2, 3, 4};
    struct fb_value first = value_after(policy, &base, changes, order, count);
    while (next_order(order, count)) {
        struct fb_value other = value_after(policy, &base, changes, order, count);
        if (!fb_value_equal(&first, &other)) {
            fail_msg("%s: seed %u ends differently in another order", fb_merge_policy_name(policy),
                     seed);
        }
    }
}

FB_TEST(concurrent_changes_end_alike_in_every_order_of_arrival)
{
    static const enum fb_merge_policy policies[] = {FB_MERGE_LATEST, FB_MERGE_SUM, FB_MERGE_MAX,
                                                    FB_MERGE_MIN,    FB_MERGE_ANY, FB_MERGE_UNION};
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        for (unsigned seed = 1; seed <= 400; seed++) {
            try_all_orders(policies[p], seed);
            fb_arena_clear(&arena);
        }
    }
    fb_arena_release(&arena);
}

FB_MAIN(FB_CASE(concurrent_changes_end_alike_in_every_order_of_arrival))
