/* SPDX-License-Identifier: MIT
 *
 * What is to happen in a run: parameters and planned events, drawn from a seed or read from a
 * script.
 *
 * The plan is made before the run, and every event carries its own seed; what an event does depends
 * on that seed and on the state it finds. So events can be taken out without shifting the others,
 * which is what shrinking needs, and a plan written as a script replays bit for bit.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum sim_kind {
#define SIM_PLAN(NAME, name, class, weight, what) SIM_##NAME,
#include "tests/sim/plan.def"
#undef SIM_PLAN
    SIM_KIND_COUNT
};

struct sim_planned {
    int64_t at_ms; /* since the start of the run */
    enum sim_kind kind;
    int node; /* 0: headquarters */
    uint64_t seed;
};

struct sim_params {
#define SIM_PARAM(name, what) int64_t name;
#include "tests/sim/param.def"
#undef SIM_PARAM
};

/* A laptop that sleeps past the horizon sleeps so much longer at least, for headquarters to pack meanwhile. */
#define SIM_SLEEP_MS 90000

struct sim_plan {
    uint64_t seed;
    struct sim_params params;
    struct sim_planned *events; /* in the order of their times */
    size_t count;
};

const char *sim_kind_name(enum sim_kind kind);
bool sim_kind_is_fault(enum sim_kind kind);

/* Draws a plan: which kinds of faults are on, how many laptops, what happens when. */
void sim_plan_draw(struct sim_plan *plan, uint64_t seed);
void sim_plan_release(struct sim_plan *plan);
void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from);

/* A script: "seed N", "param NAME N", "at MS node N KIND seed N", "# comment". False: not a script,
 * the line is named on stderr. */
void sim_plan_write(const struct sim_plan *plan, FILE *out);
bool sim_plan_read(struct sim_plan *plan, const char *path);

#endif
