/* SPDX-License-Identifier: MIT */
#include "tests/sim/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/planted.h"
#include "tests/sim/util.h"

#define TRIES_MAX 1500

static struct sim_world world; /* large; one run at a time */

struct sim_result sim_try_here(const struct sim_plan *plan, const struct sim_options *options)
{
    struct sim_result result = {0};
#ifdef FB_PLANTED
    fb_planted_reached = 0;
#endif
    result.ok = sim_world_run(&world, plan, options);
    result.end_ms = world.now_ms - SIM_EPOCH_MS;
    result.trace_hash = world.trace_hash;
    result.counters = world.counters;
#ifdef FB_PLANTED
    result.bug_reached = fb_planted_reached;
#endif
    memcpy(result.invariant, world.invariant, sizeof result.invariant);
    memcpy(result.violation, world.violation, sizeof result.violation);
    return result;
}

static bool read_all(int fd, void *ret, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)ret + done, size - done);
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

struct sim_result sim_try(const struct sim_plan *plan, const struct sim_options *options)
{
    int ends[2];
    fflush(stdout);
    fflush(stderr);
    if (pipe(ends) != 0) {
        sim_die("no pipe");
    }
    pid_t child = fork();
    if (child < 0) {
        sim_die("no child process");
    }
    if (child == 0) {
        close(ends[0]);
        struct sim_result result = sim_try_here(plan, options);
        fflush(stdout);
        _exit(write(ends[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    close(ends[1]);
    struct sim_result result = {0};
    if (!read_all(ends[0], &result, sizeof result)) {
        result = (struct sim_result){.ok = false};
        strcpy(result.invariant, "crash");
        strcpy(result.violation,
               "the process ended by itself: an assertion or a signal, see above");
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return result;
}

/* --- shrinking ---------------------------------------------------------------------------------- */

struct shrink {
    struct sim_plan *best;
    const char *invariant;
    int tries;
};

/* True, and kept, if the smaller plan fails in the same way. */
static bool still_fails(struct shrink *s, const struct sim_plan *smaller)
{
    if (s->tries++ >= TRIES_MAX) {
        return false;
    }
    struct sim_result result = sim_try(smaller, &(struct sim_options){.is_quiet = true});
    if (result.ok || strcmp(result.invariant, s->invariant) != 0) {
        return false;
    }
    struct sim_plan copy;
    sim_plan_copy(&copy, smaller);
    sim_plan_release(s->best);
    *s->best = copy;
    fprintf(stderr, "sim: %zu events, try %d\n", s->best->count, s->tries);
    return true;
}

/* Tries without the events for which f says so. */
static bool without(struct shrink *s,
                    bool (*f)(const struct sim_planned *e, size_t at, const int64_t *args),
                    const int64_t *args)
{
    struct sim_plan smaller;
    sim_plan_copy(&smaller, s->best);
    size_t kept = 0;
    for (size_t i = 0; i < smaller.count; i++) {
        if (!f(&smaller.events[i], i, args)) {
            smaller.events[kept++] = smaller.events[i];
        }
    }
    bool is_smaller = kept < smaller.count;
    smaller.count = kept;
    bool ok = is_smaller && still_fails(s, &smaller);
    sim_plan_release(&smaller);
    return ok;
}

static bool is_after(const struct sim_planned *e, size_t at, const int64_t *args)
{
    (void)at;
    return e->at_ms > args[0];
}

static bool is_of_node(const struct sim_planned *e, size_t at, const int64_t *args)
{
    (void)at;
    return e->node == args[0];
}

static bool is_of_kind(const struct sim_planned *e, size_t at, const int64_t *args)
{
    (void)at;
    return (int64_t)e->kind == args[0];
}

static bool is_in_range(const struct sim_planned *e, size_t at, const int64_t *args)
{
    (void)e;
    return (int64_t)at >= args[0] && (int64_t)at < args[1];
}

/* ddmin: takes out runs of events, ever shorter ones. */
static void thin_out(struct shrink *s)
{
    for (int64_t size = (int64_t)s->best->count / 2; size >= 1; size /= 2) {
        for (int64_t at = 0; at < (int64_t)s->best->count;) {
            int64_t range[2] = {at, at + size};
            if (!without(s, is_in_range, range)) {
                at += size;
            }
        }
    }
}

static void simplify_params(struct shrink *s)
{
    const struct sim_params *p = &s->best->params;
    struct sim_params plain = *p;
    plain.latency_ms = 1;
    plain.bytes_per_ms = 0;
    plain.fragment = 0;
    plain.clock_offset_ms = 0;
    plain.online = 1000;
    plain.batch_bytes = plain.part_bytes = 256 * 1024;
    plain.cut_bytes = 4 * 1024 * 1024;
    plain.settle_ms = 0;
    plain.chunk_rows = 2000;
    const size_t offsets[] = {
        offsetof(struct sim_params, latency_ms), offsetof(struct sim_params, bytes_per_ms),
        offsetof(struct sim_params, fragment),   offsetof(struct sim_params, clock_offset_ms),
        offsetof(struct sim_params, online),     offsetof(struct sim_params, batch_bytes),
        offsetof(struct sim_params, part_bytes), offsetof(struct sim_params, cut_bytes),
        offsetof(struct sim_params, settle_ms),  offsetof(struct sim_params, chunk_rows)};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct sim_plan simpler;
        sim_plan_copy(&simpler, s->best);
        memcpy((char *)&simpler.params + offsets[i], (char *)&plain + offsets[i], sizeof(int64_t));
        if (memcmp(&simpler.params, &s->best->params, sizeof simpler.params) != 0) {
            still_fails(s, &simpler);
        }
        sim_plan_release(&simpler);
    }
}

void sim_shrink(struct sim_plan *plan, const struct sim_result *failure)
{
    struct shrink s = {.best = plan, .invariant = failure->invariant};
    without(&s, is_after, &failure->end_ms);
    for (int64_t node = SIM_REPLICAS_MAX; node >= 0; node--) {
        without(&s, is_of_node, &node);
    }
    for (int64_t kind = 0; kind < SIM_KIND_COUNT; kind++) {
        without(&s, is_of_kind, &kind);
    }
    thin_out(&s);
    simplify_params(&s);
    thin_out(&s);
}

/* --- counters ----------------------------------------------------------------------------------- */

void sim_counters_add(struct sim_counters *sum, const struct sim_counters *one)
{
#define SIM_COUNTER(name, what) sum->name += one->name;
#include "tests/sim/counter.def"
#undef SIM_COUNTER
}

void sim_counters_print(const struct sim_counters *c)
{
#define SIM_COUNTER(name, what) printf("%14lld  %s\n", (long long)c->name, what);
#include "tests/sim/counter.def"
#undef SIM_COUNTER
}
