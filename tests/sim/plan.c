/* SPDX-License-Identifier: MIT */
#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/util.h"

enum kind_class { WORK, FAULT, RIGHTS, LIFE };

static const struct kind_row {
    const char *name;
    enum kind_class class;
    unsigned weight;
} KINDS[SIM_KIND_COUNT] = {
#define SIM_PLAN(NAME, name, class, weight, what) {#name, class, weight},
#include "tests/sim/plan.def"
#undef SIM_PLAN
};

static const struct param_row {
    const char *name;
    size_t offset;
} PARAMS[] = {
#define SIM_PARAM(name, what) {#name, offsetof(struct sim_params, name)},
#include "tests/sim/param.def"
#undef SIM_PARAM
};
#define PARAM_COUNT (sizeof PARAMS / sizeof PARAMS[0])

static int64_t *param_at(struct sim_params *params, size_t i)
{
    return (int64_t *)(void *)((char *)params + PARAMS[i].offset);
}

const char *sim_kind_name(enum sim_kind kind)
{
    return KINDS[kind].name;
}

bool sim_kind_is_fault(enum sim_kind kind)
{
    return KINDS[kind].class == FAULT || KINDS[kind].class == LIFE;
}

static int64_t between(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)sim_below(random, (uint64_t)(high - low + 1));
}

/* Mostly small, sometimes large: 1 .. limit. */
static int64_t skewed(uint64_t *random, int64_t limit)
{
    int64_t top = 1 + (int64_t)sim_below(random, (uint64_t)limit);
    return 1 + (int64_t)sim_below(random, (uint64_t)top);
}

static void draw_params(struct sim_params *p, uint64_t *random)
{
    static const int64_t RATES[] = {0, 0, 8, 200};
    static const int64_t BYTES[] = {1, 200, 2000, 256 * 1024};
    p->replicas = 1 + skewed(random, 4);
    p->employees = between(random, 1, p->replicas);
    p->safety_ms = between(random, 2, 20) * 60000;
    p->events = between(random, 40, 160);
    p->fault_share = sim_chance(random, 150) ? 0 : between(random, 50, 500);
    p->hq_share = sim_chance(random, 200) ? 0 : between(random, 50, 500);
    p->rep_share = between(random, 200, 700);
    p->latency_ms = sim_chance(random, 300) ? 1500 : between(random, 1, 200);
    p->bytes_per_ms = RATES[sim_below(random, 4)];
    p->fragment = sim_chance(random, 300) ? between(random, 1, 64) : 0;
    p->companies = between(random, 2, 5);
    p->clock_offset_ms = sim_chance(random, 500) ? 0 : between(random, 1, 4000) * 1000;
    p->online = between(random, 300, 1000);
    p->batch_bytes = BYTES[sim_below(random, 4)];
    p->part_bytes = BYTES[sim_below(random, 4)];
    p->chunk_rows = sim_chance(random, 500) ? between(random, 1, 12) : 2000;
    p->cut_bytes = sim_chance(random, 300) ? between(random, 1, 2000) : 4 * 1024 * 1024;
    p->territories = sim_chance(random, 600) ? between(random, 2, 3) : 0;
    p->settle_ms =
        sim_chance(random, 500) ? 0 : between(random, 1, sim_chance(random, 300) ? 6000 : 400);
}

/* Swarm: each kind of fault is on in about half of the seeds, each kind of work in most. */
static void draw_weights(unsigned weights[SIM_KIND_COUNT], uint64_t *random)
{
    for (int i = 0; i < SIM_KIND_COUNT; i++) {
        if (KINDS[i].class == RIGHTS || KINDS[i].class == LIFE) {
            weights[i] = 0; /* drawn apart */
            continue;
        }
        bool on = sim_chance(random, KINDS[i].class == FAULT ? 500 : 850);
        weights[i] = on ? KINDS[i].weight * (unsigned)between(random, 1, 3) : 0;
    }
    weights[SIM_EDIT] += 1; /* something to do in any case */
    weights[SIM_CUT] += 1;
}

static enum sim_kind draw_kind(const unsigned weights[SIM_KIND_COUNT], enum kind_class class,
                               uint64_t *random)
{
    unsigned sum = 0;
    for (int i = 0; i < SIM_KIND_COUNT; i++) {
        sum += KINDS[i].class == class ? weights[i] : 0;
    }
    unsigned at = (unsigned)sim_below(random, sum);
    for (int i = 0; i < SIM_KIND_COUNT; i++) {
        unsigned weight = KINDS[i].class == class ? weights[i] : 0;
        if (at < weight) {
            return (enum sim_kind)i;
        }
        at -= weight;
    }
    return SIM_EDIT;
}

static int draw_node(const struct sim_params *p, enum sim_kind kind, uint64_t *random)
{
    bool at_hq = sim_chance(random, (unsigned)p->hq_share);
    if (kind == SIM_ASSIGN || kind == SIM_MEMBER || kind == SIM_UNMERGE || kind == SIM_HQ_BACKUP ||
        kind == SIM_HQ_RESTORE) {
        return 0;
    }
    if (kind == SIM_RULE && sim_chance(random, 700)) {
        return 0;
    }
    if (kind == SIM_HAND || kind == SIM_CUT || kind == SIM_HALF_OPEN || kind == SIM_STALL ||
        kind == SIM_ASLEEP || kind == SIM_CLOCK || kind == SIM_MEDDLE || kind == SIM_BACKUP ||
        kind == SIM_RESTORE) {
        at_hq = false;
    }
    if (at_hq) {
        return 0;
    }
    if (sim_chance(random, (unsigned)p->rep_share)) {
        return 1;
    }
    return (int)between(random, 1, p->replicas);
}

static int by_time(const void *a, const void *b)
{
    const struct sim_planned *x = a;
    const struct sim_planned *y = b;
    if (x->at_ms != y->at_ms) {
        return x->at_ms < y->at_ms ? -1 : 1;
    }
    return x->seed < y->seed ? -1 : x->seed > y->seed;
}

static struct sim_planned *add_events(struct sim_plan *plan, size_t more)
{
    struct sim_planned *events = sim_alloc((plan->count + more) * sizeof *events);
    memcpy(events, plan->events, plan->count * sizeof *events);
    free(plan->events);
    plan->events = events;
    plan->params.events = (int64_t)(plan->count + more);
    return events;
}

static bool has_kind(const struct sim_plan *plan, enum sim_kind kind)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->events[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* From sources of their own: seeds without them stay what they were. Not beside restores of headquarters: a copy that pulled what such
 * a restore lost may learn of it only by its digest (docs/simulator.md, "Open"). */
static void draw_life(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 4);
    if (!sim_chance(&random, 300) || has_kind(plan, SIM_HQ_RESTORE)) {
        return;
    }
    size_t more = (size_t)between(&random, 1, 3);
    struct sim_planned *events = add_events(plan, more);
    for (size_t i = 0; i < more; i++) {
        events[plan->count++] =
            (struct sim_planned){.at_ms = between(&random, 0, plan->params.safety_ms - 1),
                                 .kind = SIM_CLONE,
                                 .node = (int)between(&random, 1, plan->params.replicas),
                                 .seed = sim_random(&random) >> 16};
    }
}

static struct sim_planned drawn(int64_t at_ms, enum sim_kind kind, int64_t node, uint64_t *random)
{
    return (struct sim_planned){
        .at_ms = at_ms, .kind = kind, .node = (int)node, .seed = sim_random(random) >> 16};
}

/* Laptops fall asleep, headquarters packs what is older than the horizon, laptops wake: some of them before it. */
static void draw_horizon(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 5);
    if (!sim_chance(&random, 400)) {
        return;
    }
    struct sim_params *p = &plan->params;
    size_t sleeps = (size_t)between(&random, 1, 4);
    struct sim_planned *events = add_events(plan, 3 * sleeps);
    p->horizon_ms = between(&random, 1, sim_chance(&random, 500) ? 10 : 100) * 1000;
    p->segment_entries = between(&random, 1, sim_chance(&random, 600) ? 3 : 40);
    for (size_t i = 0; i < sleeps; i++) {
        int64_t at_ms = between(&random, 0, p->safety_ms - 1);
        int64_t packed_at_ms = at_ms + p->horizon_ms + between(&random, 1, SIM_SLEEP_MS);
        events[plan->count++] = drawn(at_ms, SIM_SLEEP, between(&random, 1, p->replicas), &random);
        events[plan->count++] = drawn(packed_at_ms % p->safety_ms, SIM_PACK, 0, &random);
        events[plan->count++] = drawn(between(&random, 0, p->safety_ms - 1), SIM_PACK, 0, &random);
    }
}

/* Orders are closed and opened again, at headquarters and on laptops, while the date of the history limit moves on. */
static void draw_history(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 6);
    struct sim_params *p = &plan->params;
    if (p->territories > 0 || p->roles > 0 || !sim_chance(&random, 900)) {
        return;
    }
    size_t more = (size_t)between(&random, 6, 24);
    struct sim_planned *events = add_events(plan, more);
    p->history_ms = between(&random, 5, 120) * 1000;
    p->history_day_ms = between(&random, 15, 90) * 1000 + between(&random, 0, 2);
    for (size_t i = 0; i < more; i++) {
        int64_t at_ms = between(&random, 0, p->safety_ms - 1);
        events[plan->count++] = drawn(at_ms, SIM_CLOSE, between(&random, 0, p->replicas), &random);
    }
}

/* Early enough for people to use what is new, while some laptops sleep. */
static void draw_releases(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 7);
    if (!sim_chance(&random, 350)) {
        return;
    }
    struct sim_params *p = &plan->params;
    p->releases = between(&random, 1, 2);
    size_t more = 2 * (size_t)p->releases;
    struct sim_planned *events = add_events(plan, more);
    for (size_t i = 0; i < more;
         i++) { /* one may come to nothing: the disk is full, the tool dies */
        int64_t at_ms = between(&random, 0, p->safety_ms * 8 / 10);
        events[plan->count++] = drawn(at_ms, SIM_RELEASE, 0, &random);
    }
}

/* Laptops get programs too old or too new for headquarters; most get the right one before the end. */
static void draw_programs(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 8);
    if (!sim_chance(&random, 200)) {
        return;
    }
    struct sim_params *p = &plan->params;
    size_t more = (size_t)between(&random, 1, 4);
    struct sim_planned *events = add_events(plan, more);
    for (size_t i = 0; i < more; i++) {
        int64_t at_ms = between(&random, 0, p->safety_ms - 1);
        events[plan->count++] =
            drawn(at_ms, SIM_PROGRAM, between(&random, 1, p->replicas), &random);
    }
}

/* Somebody carries a laptop's rounds by file, three steps each, seconds to minutes apart. */
static void draw_carried(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 9);
    if (!sim_chance(&random, 150)) {
        return;
    }
    struct sim_params *p = &plan->params;
    size_t trips = (size_t)between(&random, 1, 4);
    struct sim_planned *events = add_events(plan, 3 * trips);
    for (size_t i = 0; i < trips; i++) {
        int64_t node = between(&random, 1, p->replicas);
        int64_t at_ms = between(&random, 0, p->safety_ms - 1);
        for (int step = 0; step < 3; step++) {
            events[plan->count++] = drawn(at_ms % p->safety_ms, SIM_CARRY, node, &random);
            at_ms += skewed(&random, sim_chance(&random, 700) ? 6000 : 120000);
        }
    }
}

/* Somebody writes on the laptop around the decision: before headquarters' daemon has seen it, and before the laptop hears of it. */
static void draw_writers(struct sim_plan *plan, const struct sim_planned *decision,
                         uint64_t *random)
{
    for (int64_t more = between(random, 1, 3); more > 0; more--) {
        int64_t at_ms = decision->at_ms + between(random, -3000, 6000);
        at_ms = at_ms < 0 ? 0 : at_ms;
        plan->events[plan->count++] =
            drawn(at_ms % plan->params.safety_ms, sim_chance(random, 400) ? SIM_INTRUDE : SIM_EDIT,
                  decision->node, random);
    }
}

/* Laptops are suspended, and let in again or ordered to erase their data seconds to minutes later; others are ordered to at once. */
static void draw_devices(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 10);
    if (!sim_chance(&random, 250)) {
        return;
    }
    struct sim_params *p = &plan->params;
    size_t decisions = (size_t)between(&random, 1, 5);
    add_events(plan, 5 * decisions);
    for (size_t i = 0; i < decisions; i++) {
        bool is_span = sim_chance(&random, 700);
        struct sim_planned first =
            drawn(between(&random, 0, p->safety_ms - 1), is_span ? SIM_SUSPEND : SIM_WIPE,
                  between(&random, 1, p->replicas), &random);
        plan->events[plan->count++] = first;
        if (is_span) {
            int64_t at_ms = first.at_ms + skewed(&random, sim_chance(&random, 500) ? 4000 : 300000);
            plan->events[plan->count++] =
                drawn(at_ms % p->safety_ms, sim_chance(&random, 250) ? SIM_WIPE : SIM_SUSPEND,
                      first.node, &random);
        }
        draw_writers(plan, &first, &random);
    }
    p->events = (int64_t)plan->count;
}

static void draw_rights(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 3);
    if (plan->params.territories > 0 || !sim_chance(&random, 500)) {
        return;
    }
    size_t more = (size_t)between(&random, 6, 30);
    struct sim_planned *events = add_events(plan, more);
    plan->params.roles = 1;
    for (size_t i = 0; i < more; i++) {
        enum sim_kind kind = (enum sim_kind)(SIM_ROLE + (int)sim_below(&random, 3));
        events[plan->count++] = (struct sim_planned){
            .at_ms = between(&random, 0, plan->params.safety_ms - 1),
            .kind = kind,
            .node = kind == SIM_RETRY ? (int)between(&random, 1, plan->params.replicas) : 0,
            .seed = sim_random(&random) >> 16};
    }
}

void sim_plan_draw(struct sim_plan *plan, uint64_t seed)
{
    uint64_t random = sim_mix(seed, 1);
    unsigned weights[SIM_KIND_COUNT];
    *plan = (struct sim_plan){.seed = seed};
    draw_params(&plan->params, &random);
    draw_weights(weights, &random);
    plan->count = (size_t)plan->params.events;
    plan->events = sim_alloc(plan->count * sizeof *plan->events);
    bool has_bursts = sim_chance(&random, 500);
    int64_t at = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct sim_planned *e = &plan->events[i];
        bool is_fault = sim_chance(&random, (unsigned)plan->params.fault_share);
        /* In bursts things happen within milliseconds of each other, as races need. */
        at = has_bursts && sim_chance(&random, 600)
                 ? at + between(&random, 0, 300)
                 : between(&random, 0, plan->params.safety_ms - 1);
        at = at % plan->params.safety_ms;
        e->at_ms = at;
        e->kind = draw_kind(weights, is_fault ? FAULT : WORK, &random);
        e->node = draw_node(&plan->params, e->kind, &random);
        e->seed = sim_random(&random) >> 16;
    }
    draw_rights(plan, seed);
    draw_life(plan, seed);
    draw_horizon(plan, seed);
    draw_history(plan, seed);
    draw_releases(plan, seed);
    draw_programs(plan, seed);
    draw_carried(plan, seed);
    draw_devices(plan, seed);
    qsort(plan->events, plan->count, sizeof *plan->events, by_time);
}

void sim_plan_release(struct sim_plan *plan)
{
    free(plan->events);
    *plan = (struct sim_plan){0};
}

void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from)
{
    *to = *from;
    to->events = sim_copy(from->events, from->count * sizeof *from->events);
}

void sim_plan_write(const struct sim_plan *plan, FILE *out)
{
    fprintf(out, "seed %" PRIu64 "\n", plan->seed);
    struct sim_params params = plan->params;
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        fprintf(out, "param %s %" PRId64 "\n", PARAMS[i].name, *param_at(&params, i));
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct sim_planned *e = &plan->events[i];
        fprintf(out, "at %" PRId64 " node %d %s seed %" PRIu64 "\n", e->at_ms, e->node,
                KINDS[e->kind].name, e->seed);
    }
}

static bool read_param(struct sim_plan *plan, const char *line)
{
    char name[64];
    int64_t value;
    if (sscanf(line, "param %63s %" SCNd64, name, &value) != 2) {
        return false;
    }
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        if (strcmp(PARAMS[i].name, name) == 0) {
            *param_at(&plan->params, i) = value;
            return true;
        }
    }
    return false;
}

static bool read_event(struct sim_plan *plan, const char *line, size_t *capacity)
{
    char name[64];
    struct sim_planned e = {.kind = SIM_KIND_COUNT};
    if (sscanf(line, "at %" SCNd64 " node %d %63s seed %" SCNu64, &e.at_ms, &e.node, name,
               &e.seed) != 4) {
        return false;
    }
    for (int i = 0; i < SIM_KIND_COUNT; i++) {
        if (strcmp(KINDS[i].name, name) == 0) {
            e.kind = (enum sim_kind)i;
        }
    }
    if (e.kind == SIM_KIND_COUNT) {
        return false;
    }
    SIM_GROW(plan->events, plan->count, *capacity);
    plan->events[plan->count++] = e;
    return true;
}

bool sim_plan_read(struct sim_plan *plan, const char *path)
{
    FILE *in = fopen(path, "r");
    *plan = (struct sim_plan){0};
    if (in == NULL) {
        fprintf(stderr, "sim: %s cannot be read\n", path);
        return false;
    }
    char line[256];
    size_t capacity = 0;
    bool ok = true;
    for (int number = 1; ok && fgets(line, sizeof line, in) != NULL; number++) {
        ok = line[0] == '#' || line[0] == '\n' || sscanf(line, "seed %" SCNu64, &plan->seed) == 1 ||
             read_param(plan, line) || read_event(plan, line, &capacity);
        if (!ok) {
            fprintf(stderr, "sim: %s, line %d: %s", path, number, line);
        }
    }
    fclose(in);
    return ok;
}
