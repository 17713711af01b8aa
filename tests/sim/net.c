/* SPDX-License-Identifier: MIT */
#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/util.h"

/* What of size bytes still passes before the planned cut. */
static size_t that_passes(struct sim_pipe *pipe, size_t size)
{
    if (pipe->is_dead) {
        return 0;
    }
    if (pipe->cut_after >= 0) {
        if ((int64_t)size >= pipe->cut_after) {
            size = (size_t)pipe->cut_after;
            pipe->is_dead = true;
        }
        pipe->cut_after -= (int64_t)size;
    }
    return size;
}

void sim_pipe_send(struct sim_pipe *pipe, uint64_t *random, const void *bytes, size_t size,
                   int64_t now_ms, int64_t latency_ms, int64_t bytes_per_ms)
{
    size = that_passes(pipe, size);
    if (size == 0) {
        return;
    }
    while (pipe->size + size > pipe->capacity) {
        pipe->capacity = pipe->capacity > 0 ? pipe->capacity * 2 : 4096;
        pipe->bytes = sim_realloc(pipe->bytes, pipe->capacity);
    }
    memcpy(pipe->bytes + pipe->size, bytes, size);
    pipe->size += size;
    pipe->bytes_passed += (int64_t)size;
    int64_t start = now_ms > pipe->free_at_ms ? now_ms : pipe->free_at_ms;
    int64_t end = start + (bytes_per_ms > 0 ? (int64_t)size / bytes_per_ms : 0);
    int64_t at = end + 1 + (int64_t)sim_below(random, (uint64_t)latency_ms);
    int64_t last = pipe->segment_count > 0 ? pipe->segments[pipe->segment_count - 1].at_ms : 0;
    pipe->free_at_ms = end;
    SIM_GROW(pipe->segments, pipe->segment_count, pipe->segment_capacity);
    pipe->segments[pipe->segment_count++] =
        (struct sim_segment){.at_ms = at > last ? at : last, .size = size};
}

int64_t sim_pipe_next_ms(const struct sim_pipe *pipe)
{
    if (pipe->segment_count == 0) {
        return INT64_MAX;
    }
    int64_t at = pipe->segments[0].at_ms;
    return at > pipe->stalled_to_ms ? at : pipe->stalled_to_ms;
}

uint8_t *sim_pipe_take(struct sim_pipe *pipe, int64_t now_ms, size_t limit, size_t *ret_size)
{
    size_t size = 0;
    size_t done = 0;
    *ret_size = 0;
    if (now_ms < pipe->stalled_to_ms) {
        return NULL;
    }
    while (done < pipe->segment_count && pipe->segments[done].at_ms <= now_ms) {
        if (limit > 0 && size + pipe->segments[done].size > limit) {
            pipe->segments[done].size -= limit - size;
            size = limit;
            break;
        }
        size += pipe->segments[done++].size;
    }
    if (size == 0) {
        return NULL;
    }
    uint8_t *taken = sim_copy(pipe->bytes, size);
    memmove(pipe->bytes, pipe->bytes + size, pipe->size - size);
    pipe->size -= size;
    memmove(pipe->segments, pipe->segments + done,
            (pipe->segment_count - done) * sizeof *pipe->segments);
    pipe->segment_count -= done;
    *ret_size = size;
    return taken;
}

bool sim_pipe_is_cut(const struct sim_pipe *pipe)
{
    return pipe->is_dead;
}

void sim_pipe_release(struct sim_pipe *pipe)
{
    free(pipe->bytes);
    free(pipe->segments);
    *pipe = (struct sim_pipe){0};
}
