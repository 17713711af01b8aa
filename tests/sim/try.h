/* SPDX-License-Identifier: MIT
 *
 * One run in a child process, so that an assertion of the product ends the run and not the simulator; and shrinking, which
 * makes many of them.
 */
#ifndef SIM_TRY_H
#define SIM_TRY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

struct sim_result {
    bool ok;
    int64_t end_ms; /* of the run, since its start */
    uint64_t trace_hash;
    unsigned long bug_reached; /* visits of the planted bug's place */
    struct sim_counters counters;
    char invariant[64]; /* "crash": the process ended by itself */
    char violation[1024];
};

/* Runs in this process. */
struct sim_result sim_try_here(const struct sim_plan *plan, const struct sim_options *options);
/* Runs in a child. */
struct sim_result sim_try(const struct sim_plan *plan, const struct sim_options *options);

/* Makes the plan as short as it gets while the same invariant fails. Prints its progress on stderr. */
void sim_shrink(struct sim_plan *plan, const struct sim_result *failure);

/* Adds the counters of one run to a sum. */
void sim_counters_add(struct sim_counters *sum, const struct sim_counters *one);
void sim_counters_print(const struct sim_counters *c);

#endif
