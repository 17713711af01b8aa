/* SPDX-License-Identifier: MIT */
#include "tests/sim/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("sim: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void *sim_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        sim_die("no memory");
    }
    return memory;
}

void *sim_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size > 0 ? size : 1);
    if (moved == NULL) {
        sim_die("no memory");
    }
    return moved;
}

void *sim_copy(const void *bytes, size_t size)
{
    void *copy = sim_alloc(size);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

void *sim_grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity > 0 ? *capacity * 2 : 16;
    return sim_realloc(array, *capacity * element_size);
}

uint64_t sim_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t *state, uint64_t limit)
{
    return limit > 0 ? sim_random(state) % limit : 0;
}

bool sim_chance(uint64_t *state, unsigned per_mille)
{
    return sim_below(state, 1000) < per_mille;
}

uint64_t sim_mix(uint64_t a, uint64_t b)
{
    uint64_t state = a ^ (b * 0xd6e8feb86659fd93U);
    (void)sim_random(&state);
    return sim_random(&state);
}

uint64_t sim_hash(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x100000001b3U;
        hash ^= hash >> 29;
    }
    for (; size > 0; size--, at++) {
        hash = (hash ^ *at) * 0x100000001b3U;
    }
    return hash ^ (hash >> 32);
}
