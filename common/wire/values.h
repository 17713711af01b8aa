/* SPDX-License-Identifier: MIT
 *
 * Runs of values and of integers, packed and unpacked: proto/sync.proto, Values and Ints. For this
 * folder only.
 *
 * A run is any array of structs that have the value (or integer) in the same place: the address of
 * the first and the distance in bytes to the next. Everything made here lives in the arena given.
 * Packed values point into the values they were made of; unpacked ones into the message they came
 * from or into the arena. Any value survives unchanged, but text that is not UTF-8 arrives as a
 * blob.
 */
#ifndef FB_WIRE_VALUES_H
#define FB_WIRE_VALUES_H

#include "common/base/mem.h"
#include "common/base/value.h"
#include "common/wire/wire.h"

/* FB_ERR_LIMIT if a value is larger than FB_VALUE_BYTES_MAX. */
int fb_values_pack(const struct fb_value *first, size_t stride, size_t count,
                   struct fb_arena *arena, Fb__Wire__Values **ret) FB_MUST_CHECK;

/* v may be NULL only if count is 0. */
int fb_values_unpack(const Fb__Wire__Values *v, size_t count, struct fb_value *first, size_t stride,
                     struct fb_arena *arena, struct fb_why *why) FB_MUST_CHECK;

/* Ids of rows: canonical UUIDs, or whatever a tool has put there: text of 1 to 36 bytes without
 * zeros. */
int fb_ids_pack(const char *first, size_t stride, size_t count, struct fb_arena *arena,
                Fb__Wire__Values **ret) FB_MUST_CHECK;
int fb_ids_unpack(const Fb__Wire__Values *v, size_t count, char *first, size_t stride,
                  struct fb_arena *arena, struct fb_why *why) FB_MUST_CHECK;

int fb_ints_pack(const int64_t *list, size_t count, struct fb_arena *arena,
                 Fb__Wire__Ints **ret) FB_MUST_CHECK;

/* FB_ERR_PROTOCOL unless it holds exactly count. */
int fb_ints_unpack(const Fb__Wire__Ints *ints, size_t count, int64_t *ret_list,
                   struct fb_why *why) FB_MUST_CHECK;

#endif
