/* SPDX-License-Identifier: MIT
 *
 * Links between laptops and headquarters as TCP shows them: two streams of bytes, never reordered,
 * each with latency and rate, cut at any byte. What was sent before a cut may still arrive after
 * one end knows. The world schedules: it asks when the next bytes arrive and takes them then.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_segment {
    int64_t at_ms; /* when it arrives */
    size_t size;
};

struct sim_pipe {
    uint8_t *bytes; /* in flight, oldest first */
    size_t size;
    size_t capacity;
    struct sim_segment *segments;
    size_t segment_count;
    size_t segment_capacity;
    int64_t free_at_ms;    /* the line is busy with earlier bytes until then */
    int64_t stalled_to_ms; /* nothing arrives before */
    int64_t cut_after;     /* bytes that still pass; negative: no cut planned */
    bool is_dead;          /* nothing passes any more */
    int64_t bytes_passed;
};

enum { SIM_UP, SIM_DOWN };

struct sim_link {
    int replica;
    int number; /* of this laptop */
    uint64_t random;
    struct sim_pipe pipes[2];
    bool replica_open; /* as that end knows */
    bool server_open;
    int64_t replica_end_ms; /* when that end hears that the link is gone; INT64_MAX: never */
    int64_t server_end_ms;
    char device_id[40]; /* as whose it came to headquarters */
    void *session;      /* the server's; NULL before and after */
    struct sim_link *next;
};

/* latency_ms: at most; the line's own random decides. */
void sim_pipe_send(struct sim_pipe *pipe, uint64_t *random, const void *bytes, size_t size,
                   int64_t now_ms, int64_t latency_ms, int64_t bytes_per_ms);
/* When the next bytes arrive; INT64_MAX: nothing is on its way. */
int64_t sim_pipe_next_ms(const struct sim_pipe *pipe);
/* Takes what has arrived; at most limit bytes (0: all). The bytes are the caller's to free; NULL if
 * none. */
uint8_t *sim_pipe_take(struct sim_pipe *pipe, int64_t now_ms, size_t limit, size_t *ret_size);
/* True once the planned cut has happened. */
bool sim_pipe_is_cut(const struct sim_pipe *pipe);
void sim_pipe_release(struct sim_pipe *pipe);

#endif
