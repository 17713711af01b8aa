/* SPDX-License-Identifier: MIT
 *
 * Small things the simulator needs everywhere: memory that cannot fail, splitmix64, a running hash.
 */
#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *sim_alloc(size_t size); /* zeroed; aborts */
void *sim_realloc(void *memory, size_t size);
void *sim_copy(const void *bytes, size_t size);

/* Grows an array for one more element, as fb_array_grow, but cannot fail. */
#define SIM_GROW(array, count, capacity)                                                           \
    ((array) = (__typeof__(array))sim_grow((array), (count), &(capacity), sizeof *(array)))
void *sim_grow(void *array, size_t count, size_t *capacity, size_t element_size);

/* splitmix64; every use of chance in the simulator has a state of its own. */
uint64_t sim_random(uint64_t *state);
uint64_t sim_below(uint64_t *state, uint64_t limit); /* 0 .. limit - 1; 0 for limit 0 */
bool sim_chance(uint64_t *state, unsigned per_mille);
uint64_t sim_mix(uint64_t a, uint64_t b); /* a seed made of two numbers */

uint64_t sim_hash(uint64_t hash, const void *bytes, size_t size); /* FNV-1a, by 8 bytes */

_Noreturn void sim_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
