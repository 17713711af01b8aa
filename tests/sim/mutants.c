/* SPDX-License-Identifier: MIT */
#include "tests/sim/mutants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/planted.h"
#include "tests/sim/try.h"

static const struct bug {
    const char *name;
    const char *rule;
    const char *breaks;
} BUGS[FB_PLANTED_COUNT] = {
    {"NONE", "", ""},
#define FB_PLANT(name, rule, breaks) {#name, rule, breaks},
#include "common/base/planted.def"
#undef FB_PLANT
};

static void set_bug(int bug)
{
#ifdef FB_PLANTED
    fb_planted_bug = (enum fb_planted)bug;
#else
    (void)bug;
#endif
}

bool sim_bug_set(const char *name)
{
#ifdef FB_PLANTED
    for (int i = 0; i < FB_PLANTED_COUNT; i++) {
        if (strcmp(BUGS[i].name, name) == 0) {
            set_bug(i);
            return true;
        }
    }
    fprintf(stderr, "sim: there is no bug %s; --bugs lists them\n", name);
#else
    (void)name;
    fprintf(stderr, "sim: a release build has no planted bugs\n");
#endif
    return false;
}

void sim_bugs_print(void)
{
    for (int i = 1; i < FB_PLANTED_COUNT; i++) {
        printf("%-28s %-9s %s\n", BUGS[i].name, BUGS[i].rule, BUGS[i].breaks);
    }
}

/* Bugs that honest draws do not show: a unit test must fail of each (planted_NAME, tests/CMakeLists.txt). Printed, not counted. */
static const struct {
    const char *name;
    const char *why;
} TOLD_BY_TESTS[] = {
    {"EVICTED_BY_PRESENT_ROOT", "rare (1 of 5000 seeds)"},
    {"TARGET_NOT_JUDGED", "honest laptops guess no ids"},
};

static const char *why_told_elsewhere(const char *name)
{
    for (size_t i = 0; i < sizeof TOLD_BY_TESTS / sizeof TOLD_BY_TESTS[0]; i++) {
        if (strcmp(TOLD_BY_TESTS[i].name, name) == 0) {
            return TOLD_BY_TESTS[i].why;
        }
    }
    return NULL;
}

struct verdict {
    bool is_caught;
    unsigned long reached;
    char how[96];
    char invariant[64];
};

/* A script that fails with the bug catches it only if it passes without. */
static bool script_catches(int bug, const char *path, struct verdict *v)
{
    struct sim_plan plan;
    if (access(path, R_OK) != 0 || !sim_plan_read(&plan, path)) {
        return false;
    }
    set_bug(FB_PLANTED_NONE);
    struct sim_result sound = sim_try(&plan, &(struct sim_options){.is_quiet = true});
    set_bug(bug);
    struct sim_result result = sim_try(&plan, &(struct sim_options){.is_quiet = true});
    v->reached += result.bug_reached;
    if (!result.ok && sound.ok) {
        v->is_caught = true;
        snprintf(v->how, sizeof v->how, "script");
        snprintf(v->invariant, sizeof v->invariant, "%s", result.invariant);
    } else if (!sound.ok) {
        printf("%s fails without the bug, too: %s: %s\n", path, sound.invariant, sound.violation);
    }
    sim_plan_release(&plan);
    return v->is_caught;
}

static void seeds_catch(uint64_t first, uint64_t last, struct verdict *v)
{
    for (uint64_t seed = first; seed <= last; seed++) {
        struct sim_plan plan;
        sim_plan_draw(&plan, seed);
        struct sim_result result = sim_try(&plan, &(struct sim_options){.is_quiet = true});
        sim_plan_release(&plan);
        v->reached += result.bug_reached;
        if (!result.ok) {
            v->is_caught = true;
            snprintf(v->how, sizeof v->how, "seed %" PRIu64, seed);
            snprintf(v->invariant, sizeof v->invariant, "%s", result.invariant);
            return;
        }
    }
}

static bool is_wanted(char **names, const char *name)
{
    if (names == NULL || names[0] == NULL) {
        return true;
    }
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

int sim_mutants(char **names, uint64_t first_seed, uint64_t last_seed, const char *regress)
{
    int caught = 0;
    int survived = 0;
    for (int bug = 1; bug < FB_PLANTED_COUNT; bug++) {
        if (!is_wanted(names, BUGS[bug].name)) {
            continue;
        }
        struct verdict v = {0};
        char path[512];
        snprintf(path, sizeof path, "%s/%s.sim", regress != NULL ? regress : ".", BUGS[bug].name);
        set_bug(bug);
        if (regress == NULL || !script_catches(bug, path, &v)) {
            seeds_catch(first_seed, last_seed, &v);
        }
        const char *why = v.is_caught ? NULL : why_told_elsewhere(BUGS[bug].name);
        caught += v.is_caught;
        survived += !v.is_caught && why == NULL;
        if (v.is_caught) {
            printf("%-28s %-9s caught by %s: %s\n", BUGS[bug].name, BUGS[bug].rule, v.how,
                   v.invariant);
        } else if (why != NULL) {
            printf("%-28s %-9s told by a unit test: %s\n", BUGS[bug].name, BUGS[bug].rule, why);
        } else {
            printf("%-28s %-9s SURVIVES%s\n", BUGS[bug].name, BUGS[bug].rule,
                   v.reached == 0 ? ", its place was never reached" : "");
        }
        fflush(stdout);
    }
    set_bug(FB_PLANTED_NONE);
    printf("%d caught, %d survive\n", caught, survived);
    return survived > 0 ? 1 : 0;
}
