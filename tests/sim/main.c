/* SPDX-License-Identifier: MIT
 *
 * sim: runs seeds, replays and shrinks failures, proves that planted bugs are caught. docs/simulator.md says how to read it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"
#include "tests/sim/mutants.h"
#include "tests/sim/power_cuts.h"
#include "tests/sim/try.h"
#include "tests/sim/util.h"

#define TWICE_EVERY 50

static const char USAGE[] =
    "usage: sim --seed N [--until MS] [--trace] [--dump] [--bug NAME]   one run; --write prints "
    "its plan\n"
    "       sim --seeds A..B [--bug NAME] [--counters FILE]      many; every 50th is run twice and "
    "compared\n"
    "       sim --script FILE... [--trace] [--bug NAME]          replays a plan\n"
    "       sim --shrink --seed N | --script FILE [--bug NAME]   prints the shortest plan that "
    "fails in the same way\n"
    "       sim --mutants [NAME...] [--seeds A..B] [--regress FOLDER]   every planted bug must be "
    "caught\n"
    "       sim --bugs                                           lists the planted bugs\n"
    "       sim --power-cuts N [--seed N]                        cuts of both nodes with the "
    "product's own schema\n";

struct arguments {
    uint64_t first_seed;
    uint64_t last_seed;
    bool has_seed;
    bool is_shrinking;
    bool is_writing;
    bool runs_mutants;
    bool lists_bugs;
    int64_t power_cuts;
    const char *script;
    const char *bug;
    const char *counters;
    const char *regress;
    struct sim_options options;
};

static void report(const struct sim_plan *plan, const struct sim_result *result)
{
    if (result->ok) {
        printf("seed %" PRIu64 ": quiet after %" PRId64 " virtual s, trace %016" PRIx64 "\n",
               plan->seed, result->end_ms / 1000, result->trace_hash);
    } else {
        printf("seed %" PRIu64 ": FAILED %s at %.3f s: %s\n", plan->seed, result->invariant,
               (double)result->end_ms / 1000.0, result->violation);
    }
}

static int shrink(struct sim_plan *plan)
{
    struct sim_result result = sim_try(plan, &(struct sim_options){.is_quiet = true});
    if (result.ok) {
        fprintf(stderr, "sim: this run does not fail\n");
        return 2;
    }
    fprintf(stderr, "sim: %s: %s\n", result.invariant, result.violation);
    sim_shrink(plan, &result);
    result = sim_try(plan, &(struct sim_options){.is_quiet = true});
    printf("# %s: %s\n", result.invariant, result.violation);
    sim_plan_write(plan, stdout);
    return 1;
}

static int run_plan(struct sim_plan *plan, const struct arguments *a)
{
    if (a->is_writing) {
        sim_plan_write(plan, stdout);
        return 0;
    }
    if (a->is_shrinking) {
        return shrink(plan);
    }
    struct sim_result result = sim_try(plan, &a->options);
    report(plan, &result);
    if (a->bug != NULL) {
        printf("the place of %s was reached %lu times\n", a->bug, result.bug_reached);
    }
    if (result.ok) {
        sim_counters_print(&result.counters);
    }
    return result.ok ? 0 : 1;
}

static int run_script(const struct arguments *a, const char *path)
{
    struct sim_plan plan;
    int rc = 2;
    if (sim_plan_read(&plan, path)) {
        rc = run_plan(&plan, a);
    }
    sim_plan_release(&plan);
    return rc;
}

static bool replays(const struct sim_plan *plan, const struct sim_result *first,
                    const struct sim_options *options)
{
    struct sim_result again = sim_try(plan, options);
    if (again.trace_hash == first->trace_hash) {
        return true;
    }
    printf("seed %" PRIu64 ": FAILED replay: the second run gave another trace\n", plan->seed);
    return false;
}

static void append_counters(const char *path, const struct arguments *a,
                            const struct sim_counters *sum)
{
    FILE *out = path != NULL ? fopen(path, "a") : NULL;
    if (out == NULL) {
        return;
    }
    fprintf(out, "seeds %" PRIu64 " %" PRIu64, a->first_seed, a->last_seed);
#define SIM_COUNTER(name, what) fprintf(out, " %s %lld", #name, (long long)sum->name);
#include "tests/sim/counter.def"
#undef SIM_COUNTER
    fputc('\n', out);
    fclose(out);
}

static int run_seeds(const struct arguments *a)
{
    struct sim_counters sum = {0};
    int failures = 0;
    for (uint64_t seed = a->first_seed; seed <= a->last_seed; seed++) {
        struct sim_plan plan;
        sim_plan_draw(&plan, seed);
        struct sim_result result = sim_try(&plan, &a->options);
        bool ok = result.ok && (seed % TWICE_EVERY != 0 || replays(&plan, &result, &a->options));
        if (!result.ok) {
            report(&plan, &result);
        }
        failures += !ok;
        sim_counters_add(&sum, &result.counters);
        sim_plan_release(&plan);
    }
    printf("seeds %" PRIu64 "..%" PRIu64 ": %d failed\n", a->first_seed, a->last_seed, failures);
    sim_counters_print(&sum);
    if (failures == 0) {
        append_counters(a->counters, a, &sum);
    }
    return failures > 0 ? 1 : 0;
}

static bool read_range(struct arguments *a, const char *text)
{
    a->has_seed = true;
    return sscanf(text, "%" SCNu64 "..%" SCNu64, &a->first_seed, &a->last_seed) == 2 &&
           a->first_seed <= a->last_seed;
}

static bool read_options(struct arguments *a, int argc, char **argv)
{
    enum {
        SEED = 1,
        SEEDS,
        UNTIL,
        TRACE,
        BUG,
        SCRIPT,
        SHRINK,
        WRITE,
        MUTANTS,
        BUGS,
        CUTS,
        COUNTERS,
        DUMP,
        REGRESS
    };
    static const struct option OPTIONS[] = {{"seed", 1, NULL, SEED},
                                            {"seeds", 1, NULL, SEEDS},
                                            {"until", 1, NULL, UNTIL},
                                            {"trace", 0, NULL, TRACE},
                                            {"dump", 0, NULL, DUMP},
                                            {"bug", 1, NULL, BUG},
                                            {"script", 1, NULL, SCRIPT},
                                            {"shrink", 0, NULL, SHRINK},
                                            {"write", 0, NULL, WRITE},
                                            {"mutants", 0, NULL, MUTANTS},
                                            {"bugs", 0, NULL, BUGS},
                                            {"power-cuts", 1, NULL, CUTS},
                                            {"counters", 1, NULL, COUNTERS},
                                            {"regress", 1, NULL, REGRESS},
                                            {NULL, 0, NULL, 0}};
    bool ok = true;
    for (int c; ok && (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case SEED:
            a->first_seed = a->last_seed = strtoull(optarg, NULL, 0);
            a->has_seed = true;
            break;
        case SEEDS:
            ok = read_range(a, optarg);
            break;
        case UNTIL:
            a->options.until_ms = strtoll(optarg, NULL, 0);
            break;
        case TRACE:
            a->options.is_traced = true;
            break;
        case DUMP:
            a->options.is_dumped = true;
            break;
        case BUG:
            a->bug = optarg;
            ok = sim_bug_set(optarg);
            break;
        case SCRIPT:
            a->script = optarg;
            break;
        case SHRINK:
            a->is_shrinking = true;
            break;
        case WRITE:
            a->is_writing = true;
            break;
        case MUTANTS:
            a->runs_mutants = true;
            break;
        case BUGS:
            a->lists_bugs = true;
            break;
        case CUTS:
            a->power_cuts = strtoll(optarg, NULL, 0);
            break;
        case COUNTERS:
            a->counters = optarg;
            break;
        case REGRESS:
            a->regress = optarg;
            break;
        default:
            ok = false;
            break;
        }
    }
    return ok;
}

int main(int argc, char **argv)
{
    struct arguments a = {.first_seed = 1, .last_seed = 40};
    if (!read_options(&a, argc, argv)) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (a.lists_bugs) {
        sim_bugs_print();
        return 0;
    }
    if (a.runs_mutants) {
        return sim_mutants(argv + optind, a.first_seed, a.last_seed, a.regress);
    }
    if (a.power_cuts > 0) {
        return sim_power_cuts(a.power_cuts, a.first_seed);
    }
    if (a.script != NULL) {
        int rc = run_script(&a, a.script);
        for (int i = optind; i < argc; i++) {
            int one = run_script(&a, argv[i]);
            rc = one > rc ? one : rc;
        }
        return rc;
    }
    if (!a.has_seed) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (a.first_seed == a.last_seed) {
        struct sim_plan plan;
        sim_plan_draw(&plan, a.first_seed);
        int rc = run_plan(&plan, &a);
        sim_plan_release(&plan);
        return rc;
    }
    return run_seeds(&a);
}
