/* SPDX-License-Identifier: MIT */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/planted.h"
#include "tests/sim/aging.h"
#include "tests/sim/carried.h"
#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/releases.h"
#include "tests/sim/rights.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"

#define CALM_MS        (15 * INT64_C(60000)) /* everything must be in step by then */
#define CALM_POLL_MS   1000
#define STEPS_MAX      400000 /* of the loop: more is a run that turns in circles */
#define IN_STEP_ROUNDS 3

/* --- trace, clocks, violations ------------------------------------------------------------------
 */

void sim_trace(struct sim_world *w, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size = size < (int)sizeof line ? size : (int)sizeof line - 1;
    int64_t at = w->now_ms - SIM_EPOCH_MS;
    w->trace_hash = sim_hash(sim_hash(w->trace_hash, &at, sizeof at), line, (size_t)size);
    if (w->options.is_traced) {
        printf("%9.3f %s\n", (double)at / 1000.0, line);
    }
}

void sim_violation(struct sim_world *w, const char *invariant, const char *format, ...)
{
    if (w->violation[0] != '\0') {
        return;
    }
    snprintf(w->invariant, sizeof w->invariant, "%s", invariant);
    va_list args;
    va_start(args, format);
    vsnprintf(w->violation, sizeof w->violation, format, args);
    va_end(args);
    sim_trace(w, "VIOLATION %s: %s", invariant, w->violation);
}

struct sim_daemon *sim_daemon_of(struct sim_world *w, int node)
{
    return node == SIM_HQ ? &w->server.daemon : &w->replicas[node].daemon;
}

int64_t sim_node_now_ms(const struct sim_world *w, int node)
{
    const struct sim_daemon *d = node == SIM_HQ ? &w->server.daemon : &w->replicas[node].daemon;
    return w->now_ms + d->clock.offset_ms;
}

void sim_enter(struct sim_world *w, int node, enum sim_process process)
{
    sim_vfs_set_now(node, sim_node_now_ms(w, node));
#ifdef FB_PLANTED
    fb_limit_protocol_of_laptop = FB_PROTOCOL_VERSION + (unsigned)w->replicas[node].ahead;
#endif
    sim_vfs_enter(node, process);
}

void sim_enter_oracle(struct sim_world *w, int node)
{
    sim_enter(w, node, SIM_TOOL);
    sim_vfs_crash_after(node, SIM_TOOL, 0, false);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- links --------------------------------------------------------------------------------------
 */

static void free_link(struct sim_world *w, struct sim_link *link)
{
    struct sim_link **at = &w->links;
    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    sim_pipe_release(&link->pipes[SIM_UP]);
    sim_pipe_release(&link->pipes[SIM_DOWN]);
    free(link);
}

static void bury_dead_links(struct sim_world *w)
{
    for (struct sim_link *link = w->links, *next; link != NULL; link = next) {
        next = link->next;
        if (!link->replica_open && !link->server_open && link->session == NULL) {
            free_link(w, link);
        }
    }
}

/* What arrives at one end of a link, if anything did by now. */
static bool deliver(struct sim_world *w, struct sim_link *link, int way)
{
    struct sim_pipe *pipe = &link->pipes[way];
    if (sim_pipe_next_ms(pipe) > w->now_ms) {
        return false;
    }
    size_t limit = 0;
    if (w->plan.params.fragment > 0 && !w->is_calm) {
        limit = 1 + (size_t)sim_below(&link->random, (uint64_t)w->plan.params.fragment * 8);
    }
    size_t size;
    uint8_t *bytes = sim_pipe_take(pipe, w->now_ms, limit, &size);
    if (bytes == NULL) {
        return false;
    }
    uint64_t hash = sim_hash(0, bytes, size);
    sim_trace(w, "n%d link %d %s %zu bytes %08x", link->replica, link->number,
              way == SIM_UP ? "up" : "down", size, (unsigned)hash);
    if (way == SIM_UP && link->server_open) {
        w->counters.bytes_up += (int64_t)size;
        sim_server_receive(w, link, bytes, size);
    } else if (way == SIM_DOWN && link->replica_open) {
        w->counters.bytes_down += (int64_t)size;
        sim_replica_receive(w, &w->replicas[link->replica], bytes, size);
    }
    free(bytes);
    return true;
}

/* Both ends hear of an end when the bytes before it are through; a half-open end never does. */
static bool end_link(struct sim_world *w, struct sim_link *link)
{
    if (link->replica_open && link->replica_end_ms <= w->now_ms &&
        link->pipes[SIM_DOWN].segment_count == 0) {
        sim_trace(w, "n%d link %d is gone here", link->replica, link->number);
        sim_replica_lost(w, &w->replicas[link->replica]);
        return true;
    }
    if (link->server_open && link->server_end_ms <= w->now_ms &&
        link->pipes[SIM_UP].segment_count == 0) {
        sim_trace(w, "n%d link %d is gone at headquarters", link->replica, link->number);
        sim_server_lost(w, link);
        return true;
    }
    return false;
}

static int64_t link_next_ms(const struct sim_link *link)
{
    int64_t at = INT64_MAX;
    for (int way = 0; way < 2; way++) {
        int64_t next = sim_pipe_next_ms(&link->pipes[way]);
        at = next < at ? next : at;
    }
    if (link->replica_open && link->pipes[SIM_DOWN].segment_count == 0) {
        at = link->replica_end_ms < at ? link->replica_end_ms : at;
    }
    if (link->server_open && link->pipes[SIM_UP].segment_count == 0) {
        at = link->server_end_ms < at ? link->server_end_ms : at;
    }
    return at;
}

/* A planned cut has happened: both ends hear of it, each some time later. */
static void notice_cut(struct sim_world *w, struct sim_link *link)
{
    bool is_cut = sim_pipe_is_cut(&link->pipes[SIM_UP]) != sim_pipe_is_cut(&link->pipes[SIM_DOWN]);
    if (!is_cut) {
        return;
    }
    link->pipes[SIM_UP].is_dead = true;
    link->pipes[SIM_DOWN].is_dead = true;
    link->replica_end_ms =
        least(link->replica_end_ms, w->now_ms + (int64_t)sim_below(&link->random, 4000));
    link->server_end_ms =
        least(link->server_end_ms, w->now_ms + (int64_t)sim_below(&link->random, 20000));
}

static bool turn_links(struct sim_world *w)
{
    for (struct sim_link *link = w->links; link != NULL; link = link->next) {
        notice_cut(w, link);
        if (deliver(w, link, SIM_UP) || deliver(w, link, SIM_DOWN) || end_link(w, link)) {
            return true;
        }
    }
    return false;
}

/* --- nodes --------------------------------------------------------------------------------------
 */

static bool is_due(const struct sim_world *w, int64_t at_ms)
{
    return at_ms <= w->now_ms;
}

static bool turn_server(struct sim_world *w)
{
    struct sim_server *s = &w->server;
    struct sim_daemon *d = &s->daemon;
    if (!d->is_up) {
        if (is_due(w, d->start_at_ms)) {
            sim_server_start(w);
            return true;
        }
        return false;
    }
    if (is_due(w, d->notice_at_ms)) {
        d->notice_at_ms = INT64_MAX;
        sim_server_noticed(w);
        return true;
    }
    if (is_due(w, s->settle_at_ms)) {
        s->settle_at_ms = INT64_MAX;
        sim_server_settle(w);
        return true;
    }
    if (is_due(w, d->wake_at_ms)) {
        sim_server_wake(w);
        return true;
    }
    return false;
}

static bool turn_replica(struct sim_world *w, struct sim_replica *r)
{
    struct sim_daemon *d = &r->daemon;
    if (r->wiped != NULL) {
        bool is_dialling = r->link == NULL && is_due(w, sim_device_dials_ms(r));
        bool is_enrolling = is_due(w, sim_device_enrols_ms(r));
        if (is_dialling) {
            sim_replica_dial(w, r);
        } else if (is_enrolling) {
            sim_device_enrol(w, r);
        }
        return is_dialling || is_enrolling;
    }
    if (!d->is_up) {
        if (is_due(w, d->start_at_ms)) {
            sim_replica_start(w, r);
            return true;
        }
        return false;
    }
    if (is_due(w, d->notice_at_ms)) {
        d->notice_at_ms = INT64_MAX;
        sim_replica_noticed(w, r);
        return true;
    }
    if (r->link == NULL && is_due(w, r->dial_at_ms)) {
        sim_replica_dial(w, r);
        return true;
    }
    if (is_due(w, d->wake_at_ms)) {
        sim_replica_wake(w, r);
        return true;
    }
    return false;
}

static void give_room(struct sim_world *w, int node)
{
    struct sim_daemon *d = sim_daemon_of(w, node);
    if (is_due(w, d->room_at_ms)) {
        d->room_at_ms = INT64_MAX;
        sim_vfs_disk(node)->bytes_max = 0;
        sim_trace(w, "n%d has room again", node);
    }
}

static bool turn_nodes(struct sim_world *w)
{
    for (int i = 0; i <= w->replica_count; i++) {
        give_room(w, i);
    }
    if (turn_server(w)) {
        return true;
    }
    for (int i = 1; i <= w->replica_count; i++) {
        if (turn_replica(w, &w->replicas[i])) {
            return true;
        }
    }
    return false;
}

static int64_t daemon_next_ms(const struct sim_daemon *d)
{
    int64_t at = d->is_up ? least(d->notice_at_ms, d->wake_at_ms) : d->start_at_ms;
    return least(at, d->room_at_ms);
}

static int64_t next_ms(const struct sim_world *w)
{
    int64_t at = daemon_next_ms(&w->server.daemon);
    at = w->server.daemon.is_up ? least(at, w->server.settle_at_ms) : at;
    for (int i = 1; i <= w->replica_count; i++) {
        const struct sim_replica *r = &w->replicas[i];
        if (r->wiped != NULL) {
            at = least(at, least(sim_device_enrols_ms(r),
                                 r->link == NULL ? sim_device_dials_ms(r) : INT64_MAX));
            continue;
        }
        at = least(at, daemon_next_ms(&r->daemon));
        at = r->daemon.is_up && r->link == NULL ? least(at, r->dial_at_ms) : at;
    }
    for (const struct sim_link *link = w->links; link != NULL; link = link->next) {
        at = least(at, link_next_ms(link));
    }
    return at;
}

/* --- a run --------------------------------------------------------------------------------------
 */

static void play_event(struct sim_world *w, const struct sim_planned *e)
{
    if (e->node > w->replica_count) {
        return;
    }
    if (e->node > 0 && w->replicas[e->node].wiped != NULL) {
        return; /* an empty folder: nothing to work in, nothing to break */
    }
    sim_trace(w, "n%d %s", e->node, sim_kind_name(e->kind));
    if (sim_kind_is_fault(e->kind)) {
        sim_fault(w, e);
        return;
    }
    int node = e->node;
    if (node > 0 && w->replicas[node].copy > node &&
        w->replicas[w->replicas[node].copy].wiped == NULL && e->seed % 2 == 0) {
        node = w->replicas[node].copy; /* the copy's person works, too */
    }
    sim_work(w, node, e->kind, e->seed);
}

/* Everything due at this moment, one thing after the other. */
static void turn(struct sim_world *w, int *steps)
{
    while (w->violation[0] == '\0' && (turn_nodes(w) || turn_links(w))) {
        bury_dead_links(w);
        if (++*steps > STEPS_MAX) {
            sim_violation(w, "liveness", "the run turns in circles");
        }
    }
    bury_dead_links(w);
}

static void run_to(struct sim_world *w, int64_t until_ms, int *steps)
{
    while (w->violation[0] == '\0') {
        turn(w, steps);
        int64_t at = next_ms(w);
        if (at > until_ms) {
            break;
        }
        w->now_ms = at > w->now_ms ? at : w->now_ms;
    }
    w->now_ms = until_ms;
}

static void run_safety_phase(struct sim_world *w, int *steps)
{
    int64_t end_ms = w->plan.params.safety_ms;
    if (w->options.until_ms > 0) {
        end_ms = least(end_ms, w->options.until_ms);
    }
    while (w->violation[0] == '\0' && w->next_event < w->plan.count) {
        const struct sim_planned *e = &w->plan.events[w->next_event];
        if (e->at_ms >= end_ms) {
            break;
        }
        run_to(w, SIM_EPOCH_MS + e->at_ms, steps);
        w->next_event++;
        if (w->violation[0] == '\0') {
            play_event(w, e);
        }
    }
    run_to(w, SIM_EPOCH_MS + end_ms, steps);
}

static bool all_in_step(struct sim_world *w)
{
    if (!w->server.daemon.is_up || fb_hub_has_work(w->server.hub) || sim_aging_is_fresh(w)) {
        return false;
    }
    for (int i = 1; i <= w->replica_count; i++) {
        const struct sim_replica *r = &w->replicas[i];
        if (!r->daemon.is_up || r->daemon.notice_at_ms != INT64_MAX ||
            !fb_replica_round_is_in_step(r->round)) {
            return false;
        }
    }
    return true;
}

static void ask_for_digests(struct sim_world *w)
{
    for (int i = 1; i <= w->replica_count; i++) {
        struct sim_replica *r = &w->replicas[i];
        if (r->daemon.is_up) {
            sim_enter(w, i, SIM_DAEMON);
            fb_replica_round_want_digest(r->round);
            sim_replica_wake(w, r);
        }
    }
}

static bool quiet_by(struct sim_world *w, int64_t until_ms, int *steps)
{
    while (w->violation[0] == '\0' && w->now_ms < until_ms) {
        run_to(w, w->now_ms + CALM_POLL_MS, steps);
        if (w->violation[0] == '\0' && all_in_step(w)) {
            return true;
        }
    }
    return false;
}

static void complain_of_stuck(struct sim_world *w)
{
    char where[512] = "";
    size_t size = 0;
    for (int i = 1; i <= w->replica_count && size < sizeof where; i++) {
        const struct sim_replica *r = &w->replicas[i];
        const struct fb_replica_status *st =
            r->daemon.is_up ? fb_replica_round_status(r->round) : NULL;
        if (st == NULL || !fb_replica_round_is_in_step(r->round)) {
            size += (size_t)snprintf(
                where + size, sizeof where - size, " n%d state %d cursor %lld of %lld '%s'", i,
                st != NULL ? (int)st->state : -1, st != NULL ? (long long)st->cursor : 0,
                st != NULL ? (long long)st->server_rev : 0, st != NULL ? st->sentence : "down");
        }
    }
    sim_violation(w, "liveness", "not quiet %d minutes after the last fault:%s%s",
                  (int)(CALM_MS / 60000), where,
                  w->server.daemon.is_up ? "" : " headquarters is down");
}

static bool holds_hot_account(const struct sim_world *w, const struct sim_replica *r)
{
    return sim_db_int(sim_eyes(SIM_HQ), 0,
                      "SELECT count(*) FROM company WHERE id = "
                      "'01890000-0000-7000-8000-000000000001' AND (%s)",
                      sim_territories_where(w, r->employee_id)) > 0;
}

/* Headquarters changes a row while all are connected: pokes must carry it, not the next timer. */
static void check_pokes(struct sim_world *w, int *steps)
{
    sim_trace(w, "a last edit at headquarters");
    if (!sim_work(w, SIM_HQ, SIM_EDIT_HOT, 1)) {
        return;
    }
    int64_t enrolled = w->counters.enrolled_anew;
    run_to(w, w->now_ms + 3000, steps); /* the watch, the round trip */
    if (!quiet_by(w, w->now_ms + 60000, steps) && w->violation[0] == '\0') {
        complain_of_stuck(w);
        return;
    }
    int64_t head = sim_db_int(sim_eyes(SIM_HQ), 0, "SELECT max(rev) FROM fb_rev");
    for (int i = 1; i <= w->replica_count; i++) {
        int64_t cursor = fb_replica_round_status(w->replicas[i].round)->cursor;
        bool is_concerned = (!sim_has_territories(w) || holds_hot_account(w, &w->replicas[i])) &&
                            w->counters.enrolled_anew == enrolled; /* a rev that is nobody's */
        if (cursor < head && is_concerned && w->violation[0] == '\0') {
            sim_violation(w, "liveness", "n%d says it is in step at %lld, headquarters is at %lld",
                          i, (long long)cursor, (long long)head);
        }
    }
}

/* Who is still suspended has been told so; then everybody goes on. */
static void run_suspended(struct sim_world *w, int *steps)
{
    int64_t until_ms = w->now_ms + CALM_MS;
    while (w->violation[0] == '\0' && sim_devices_untold(w) > 0 && w->now_ms < until_ms) {
        run_to(w, w->now_ms + CALM_POLL_MS, steps);
    }
    int node = sim_devices_untold(w);
    if (node > 0 && w->violation[0] == '\0') {
        sim_violation(w, "suspended", "n%d is suspended and does not know: %s", node,
                      w->replicas[node].daemon.is_up
                          ? fb_replica_round_status(w->replicas[node].round)->sentence
                          : "down");
    }
    sim_devices_resume(w);
}

/* Before the last programs are brought up to date: what their people wrote comes all the same. */
static void run_programs(struct sim_world *w, int *steps)
{
    int64_t until_ms = w->now_ms + CALM_MS;
    while (w->violation[0] == '\0' && sim_programs_owe(w) > 0 && w->now_ms < until_ms) {
        run_to(w, w->now_ms + CALM_POLL_MS, steps);
    }
    int node = sim_programs_owe(w);
    if (node > 0 && w->violation[0] == '\0') {
        sim_violation(w, "programs", "n%d, whose program is too %s, hands nothing in: %s", node,
                      w->replicas[node].ahead < 0 ? "old" : "new",
                      w->replicas[node].daemon.is_up
                          ? fb_replica_round_status(w->replicas[node].round)->sentence
                          : "down");
    }
    sim_programs_update(w);
}

static void run_calm_phase(struct sim_world *w, int *steps)
{
    sim_trace(w, "calm");
    w->is_calm = true;
    w->calm_since_ms = w->now_ms;
    sim_faults_end(w);
    run_suspended(w, steps);
    run_programs(w, steps);
    if (!quiet_by(w, w->now_ms + CALM_MS, steps)) {
        if (w->violation[0] == '\0') {
            complain_of_stuck(w);
        }
        return;
    }
    check_pokes(w, steps);
    if (w->violation[0] == '\0') {
        ask_for_digests(w);
        if (!quiet_by(w, w->now_ms + CALM_MS, steps) && w->violation[0] == '\0') {
            complain_of_stuck(w);
        }
    }
    if (w->violation[0] == '\0') {
        sim_oracle_end(w);
    }
}

static void set_limits(const struct sim_params *p)
{
#ifdef FB_PLANTED
    fb_limit_row_batch_bytes_aim = (int)p->batch_bytes;
    fb_limit_protocol_version = fb_limit_protocol_pulls_min = 2;
    fb_limit_chunk_rows = (int)p->chunk_rows;
    fb_limit_push_part_bytes_aim = (int)p->part_bytes;
    fb_limit_cut_memory_bytes_max = (int)p->cut_bytes;
    fb_limit_log_span_whole = p->batch_bytes < 2000 ? 0 : 64;
    fb_limit_history_day_ms = p->history_day_ms > 0 ? (int)p->history_day_ms : 86400000;
    fb_limit_history_step_rows = p->history_day_ms > 0 ? 1 + (int)(p->history_day_ms % 3) : 2000;
    fb_limit_log_segment_entries = p->segment_entries > 0 ? (int)p->segment_entries : 2000;
#else
    (void)p;
#endif
}

static void build(struct sim_world *w)
{
    const struct sim_params *p = &w->plan.params;
    w->replica_count = (int)(p->replicas < 1                  ? 1
                             : p->replicas > SIM_REPLICAS_MAX ? SIM_REPLICAS_MAX
                                                              : p->replicas);
    w->now_ms = SIM_EPOCH_MS;
    sim_vfs_reset(w->plan.seed);
    set_limits(p);
    sim_oracle_reset(w);
    sim_territories_reset();
    sim_rights_reset();
    uint64_t random = sim_mix(w->plan.seed, 2);
    for (int i = 0; i <= w->replica_count; i++) {
        struct sim_daemon *d = sim_daemon_of(w, i);
        *d = (struct sim_daemon){.node = i,
                                 .start_at_ms = SIM_EPOCH_MS,
                                 .notice_at_ms = INT64_MAX,
                                 .wake_at_ms = INT64_MAX,
                                 .room_at_ms = INT64_MAX};
        d->random = fb_random_seeded(&d->random_state, sim_mix(w->plan.seed, 100 + (uint64_t)i));
        uint64_t both_ways = (uint64_t)(2 * p->clock_offset_ms + 1);
        d->clock.offset_ms =
            i == SIM_HQ ? 0 : (int64_t)sim_below(&random, both_ways) - p->clock_offset_ms;
    }
    w->server.settle_at_ms = INT64_MAX;
    w->server.confirm_at_ms = INT64_MAX;
    w->server.release = 1;
    sim_server_build(w);
    for (int i = 1; i <= w->replica_count; i++) {
        sim_replica_build(w, &w->replicas[i]);
    }
}

static void tear_down(struct sim_world *w)
{
    for (int i = 1; i <= w->replica_count; i++) {
        sim_replica_stop(w, &w->replicas[i], true, INT64_MAX);
    }
    sim_server_stop(w, true, INT64_MAX);
    sim_snapshot_free(w->server.backup);
    w->server.backup = NULL;
    for (int i = 0; i <= w->replica_count; i++) {
        sim_eyes_close(i);
        if (i > 0) {
            sim_snapshot_free(w->replicas[i].backup);
            sim_carry_end(&w->replicas[i]);
            sim_device_forget(&w->replicas[i]);
        }
    }
    while (w->links != NULL) {
        free_link(w, w->links);
    }
}

static void note_counters(struct sim_world *w)
{
    struct sim_vfs_counters v = sim_vfs_counters();
    w->counters.crashes = v.crashes;
    w->counters.power_cuts = v.power_cuts;
    w->counters.io_errors = v.io_errors;
    w->counters.disk_full = v.disk_full;
    w->counters.vfs_calls = v.calls;
    w->counters.virtual_minutes = (w->now_ms - SIM_EPOCH_MS) / 60000;
}

bool sim_world_run(struct sim_world *w, const struct sim_plan *plan,
                   const struct sim_options *options)
{
    *w = (struct sim_world){.plan = *plan, .options = *options, .trace_hash = plan->seed};
    build(w);
    int steps = 0;
    run_safety_phase(w, &steps);
    if (w->violation[0] == '\0' && w->options.until_ms == 0) {
        run_calm_phase(w, &steps);
    }
    note_counters(w);
    for (int i = 0; i <= w->replica_count; i++) {
        uint64_t hash = sim_disk_hash(sim_vfs_disk(i));
        w->trace_hash = sim_hash(w->trace_hash, &hash, sizeof hash);
    }
    if (w->options.is_dumped) {
        sim_dump(w);
    }
    tear_down(w);
    return w->violation[0] == '\0';
}
