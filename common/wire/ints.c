/* SPDX-License-Identifier: MIT */
#include "common/wire/values.h"

enum { MODE_FROM_ORIGIN = 0, MODE_STEPS = 1, MODE_ALL_EQUAL = 2 };

static size_t varint_size(uint64_t n)
{
    return (size_t)(70 - __builtin_clzll(n | 1)) / 7;
}

static uint64_t zigzag(uint64_t n)
{
    return n << 1 ^ (uint64_t)((int64_t)n >> 63);
}

static uint64_t unzigzag(uint64_t n)
{
    return n >> 1 ^ (0 - (n & 1));
}

/* Picks what gives fewer bytes: numbers above the smallest (scattered ones), or steps (ascending
 * ones). */
static void choose_mode(const int64_t *list, size_t count, Fb__Wire__Ints *ints)
{
    int64_t min = list[0];
    bool all_equal = true;
    for (size_t i = 1; i < count; i++) {
        min = list[i] < min ? list[i] : min;
        all_equal = all_equal && list[i] == list[0];
    }
    size_t from_origin = 0;
    size_t steps = 0;
    for (size_t i = 0; i < count && !all_equal; i++) {
        uint64_t step = (uint64_t)list[i] - (uint64_t)list[i == 0 ? 0 : i - 1];
        from_origin += varint_size((uint64_t)list[i] - (uint64_t)min);
        steps += varint_size(zigzag(step));
    }
    ints->mode = all_equal ? MODE_ALL_EQUAL : steps < from_origin ? MODE_STEPS : MODE_FROM_ORIGIN;
    ints->origin = ints->mode == MODE_FROM_ORIGIN ? min : list[0];
}

int fb_ints_pack(const int64_t *list, size_t count, struct fb_arena *arena, Fb__Wire__Ints **ret)
{
    Fb__Wire__Ints *ints = fb_arena_alloc(arena, sizeof *ints);
    if (ints == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb__wire__ints__init(ints);
    *ret = ints;
    if (count == 0) {
        return FB_OK;
    }
    choose_mode(list, count, ints);
    if (ints->mode == MODE_ALL_EQUAL) {
        return FB_OK;
    }
    ints->list = fb_arena_alloc(arena, count * sizeof *ints->list);
    if (ints->list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    ints->n_list = count;
    uint64_t before = (uint64_t)ints->origin;
    for (size_t i = 0; i < count; i++) {
        uint64_t difference = (uint64_t)list[i] - before;
        ints->list[i] = ints->mode == MODE_STEPS ? zigzag(difference) : difference;
        before = ints->mode == MODE_STEPS ? (uint64_t)list[i] : before;
    }
    return FB_OK;
}

int fb_ints_unpack(const Fb__Wire__Ints *ints, size_t count, int64_t *ret_list, struct fb_why *why)
{
    if (count == 0 && (ints == NULL || ints->n_list == 0)) {
        return FB_OK;
    }
    if (ints == NULL || ints->mode > MODE_ALL_EQUAL ||
        ints->n_list != (ints->mode == MODE_ALL_EQUAL ? 0 : count)) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a run of numbers has another length than it should");
    }
    uint64_t before = (uint64_t)ints->origin;
    for (size_t i = 0; i < count; i++) {
        switch (ints->mode) {
        case MODE_FROM_ORIGIN:
            ret_list[i] = (int64_t)(before + ints->list[i]);
            break;
        case MODE_STEPS:
            before += unzigzag(ints->list[i]);
            ret_list[i] = (int64_t)before;
            break;
        default:
            ret_list[i] = ints->origin;
            break;
        }
    }
    return FB_OK;
}
