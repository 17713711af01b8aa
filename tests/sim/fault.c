/* SPDX-License-Identifier: MIT
 *
 * The faults of a plan (docs/simulator.md, "Faults").
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/carried.h"
#include "tests/sim/db.h"
#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/releases.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

/* Often small, seldom large. */
static int64_t skewed(uint64_t *random, int64_t limit)
{
    int64_t top = 1 + (int64_t)sim_below(random, (uint64_t)limit);
    return 1 + (int64_t)sim_below(random, (uint64_t)top);
}

static void cut(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    int64_t bytes = skewed(&random, sim_chance(&random, 500) ? 300 : 20000);
    int way = (int)sim_below(&random, 2);
    w->counters.cuts_of_links++;
    if (r->link == NULL) {
        r->next_cut = bytes;
        r->next_cut_way = way;
        return;
    }
    r->link->pipes[way].cut_after = bytes;
}

static void half_open(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    struct sim_link *link = r->link;
    if (link == NULL) {
        return;
    }
    w->counters.half_open++;
    link->pipes[SIM_UP].is_dead = true;
    link->pipes[SIM_DOWN].is_dead = true;
    if (sim_chance(&random, 300)) {
        link->replica_end_ms = w->now_ms + skewed(&random, 5000);
    } else if (sim_chance(&random, 300)) {
        link->server_end_ms = w->now_ms + skewed(&random, 5000);
    }
}

static void stall(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    if (r->link != NULL) {
        w->counters.stalls++;
        r->link->pipes[sim_below(&random, 2)].stalled_to_ms = w->now_ms + skewed(&random, 90000);
    }
}

static void fall_asleep(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    r->offline_to_ms = w->now_ms + skewed(&random, 10 * 60000);
    if (r->link != NULL) {
        r->link->pipes[SIM_UP].is_dead = true;
        r->link->pipes[SIM_DOWN].is_dead = true;
        r->link->server_end_ms = w->now_ms + skewed(&random, 60000);
        sim_enter(w, r->daemon.node, SIM_DAEMON);
        sim_replica_hang_up(w, r);
    }
}

/* Longer than the log reaches back. */
static void sleep_long(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    fall_asleep(w, r, random);
    r->offline_to_ms =
        w->now_ms + w->plan.params.horizon_ms + SIM_SLEEP_MS + skewed(&random, 60000);
}

static void meddle(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    static const char *const DEEDS[] = {"PRAGMA journal_mode = DELETE",
                                        "VACUUM",
                                        "PRAGMA wal_checkpoint(TRUNCATE)",
                                        "ANALYZE",
                                        "REINDEX",
                                        "CREATE TABLE IF NOT EXISTS somebodys_own (x)"};
    int node = r->daemon.node;
    w->counters.tool_meddling++;
    sim_eyes_close(node);
    sim_enter(w, node, SIM_TOOL);
    sqlite3 *db = sim_db_open(node, SIM_TOOL);
    if (db == NULL) {
        return;
    }
    if (sim_chance(&random, 400)) {
        char *trigger =
            sim_db_text(db,
                        "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name "
                        "LIMIT 1 OFFSET %lld",
                        (long long)sim_below(&random, 40));
        if (trigger != NULL && sim_db_run(db, "DROP TRIGGER %w", trigger) == SQLITE_OK) {
            r->triggers_off_for_sure = true;
        }
        free(trigger);
    } else {
        sim_db_run(db, "%s", DEEDS[sim_below(&random, sizeof DEEDS / sizeof DEEDS[0])]);
    }
    sim_db_close(db);
    if (r->daemon.is_up) {
        r->daemon.notice_at_ms = w->now_ms + 500;
    }
}

static void die_before(void *ctx, int node)
{
    (void)ctx;
    sim_vfs_crash(node, SIM_DAEMON);
}

static void lose_power_before(void *ctx, int node)
{
    (void)ctx;
    sim_vfs_cut_power(node);
}

/* At any call; or just between two transactions, where what should be one would show. */
static void crash(struct sim_world *w, int node, uint64_t random, bool is_power_cut)
{
    if (!sim_daemon_of(w, node)->is_up) {
        return;
    }
    if (sim_chance(&random, 350)) {
        sim_vfs_before_transaction(node, skewed(&random, 10),
                                   is_power_cut ? lose_power_before : die_before, w);
        return;
    }
    int64_t calls = skewed(&random, sim_chance(&random, 500) ? 40 : 600);
    sim_vfs_crash_after(node, SIM_DAEMON, calls, is_power_cut);
}

static void fill_disk(struct sim_world *w, int node, uint64_t random)
{
    struct sim_disk *disk = sim_vfs_disk(node);
    disk->bytes_max = sim_disk_bytes(disk) + (int64_t)sim_below(&random, 60000);
    sim_daemon_of(w, node)->room_at_ms = w->now_ms + 10000 + skewed(&random, 120000);
}

static void jump(struct sim_world *w, int node, uint64_t random)
{
    struct sim_clock *clock = &sim_daemon_of(w, node)->clock;
    int64_t by = skewed(&random, sim_chance(&random, 300) ? 10 * YEAR_MS : 3600000);
    clock->offset_ms += sim_chance(&random, 500) ? by : -by;
    clock->has_jumped = true;
    w->counters.clock_jumps++;
    struct sim_daemon *d = sim_daemon_of(w, node);
    d->wake_at_ms = d->wake_at_ms == INT64_MAX ? INT64_MAX : w->now_ms;
}

/* In the middle of a call of the daemon, a person at the same machine commits something. */
static void intrude(void *ctx, int node)
{
    static const enum sim_kind WORK[] = {SIM_EDIT_HOT, SIM_EDIT,   SIM_GROUP,    SIM_TOGETHER,
                                         SIM_TRANSFER, SIM_DELETE, SIM_COUNT,    SIM_INSERT,
                                         SIM_ABA,      SIM_GROUP,  SIM_EDIT_HOT, SIM_DELETE};
    struct sim_world *w = ctx;
    uint64_t random = sim_mix(w->plan.seed, (uint64_t)w->counters.intrusions + 7000);
    w->is_intruding = true;
    w->counters.intrusions++;
    sim_trace(w, "n%d a tool comes between", node);
    sim_work(w, node, WORK[sim_below(&random, sizeof WORK / sizeof WORK[0])], sim_random(&random));
    w->is_intruding = false;
}

static void take_backup(struct sim_world *w, struct sim_replica *r)
{
    (void)w;
    sim_snapshot_free(r->backup);
    r->backup = sim_disk_snapshot(sim_vfs_disk(r->daemon.node));
    memcpy(r->backup_device, r->device_id, sizeof r->backup_device);
}

/* The whole folder; or the database alone, beside the certificate of a later enrolment. A backup that lacks what was never delivered would
 * be a loss nobody could mend: then it stays where it is. */
static void restore(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    int node = r->daemon.node;
    if (r->backup == NULL || !r->daemon.is_up || !sim_oracle_all_delivered(node)) {
        return;
    }
    w->counters.restores++;
    /* What the laptop delivered since headquarters' backup is now on no laptop any more. */
    sim_snapshot_free(w->server.backup);
    w->server.backup = NULL;
    sim_oracle_before_restore(node);
    sim_replica_stop(w, r, false, 1000 + skewed(&random, 20000));
    sim_disk_restore(sim_vfs_disk(node), r->backup);
    uint64_t files = sim_mix(random, 1);
    if (sim_chance(&files, 500)) {
        memcpy(r->device_id, r->backup_device, sizeof r->device_id);
    }
    sim_vfs_fail_after(node, 0, 0, false); /* what was to fail was the disk before */
    sim_vfs_disk(node)->bytes_max = 0;     /* a copy is put back where there is room for it */
    sim_vfs_crash_after(node, SIM_TOOL, 0, false); /* whose crash was due is not the oracle */
    sim_trace(w, "n%d was put back to its backup", node);
    sim_oracle_after_restore(w, node);
}

/* The copy goes on beside the original: the same device, twice. What it holds unsent is the original's to account for. */
static void copy_laptop(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    if (r->copy != 0 || !r->daemon.is_up || r->daemon.starts == 0 ||
        w->replica_count == SIM_REPLICAS_MAX + SIM_CLONES_MAX) {
        return;
    }
    int node = ++w->replica_count;
    struct sim_replica *c = &w->replicas[node];
    *c = (struct sim_replica){.next_cut = -1, .copy = node, .dial_at_ms = w->now_ms};
    c->daemon = (struct sim_daemon){.node = node,
                                    .start_at_ms = w->now_ms + skewed(&random, 60000),
                                    .notice_at_ms = INT64_MAX,
                                    .wake_at_ms = INT64_MAX,
                                    .room_at_ms = INT64_MAX,
                                    .clock = r->daemon.clock};
    c->daemon.random =
        fb_random_seeded(&c->daemon.random_state, sim_mix(w->plan.seed, 100 + (uint64_t)node));
    c->link_random = sim_mix(w->plan.seed, 200 + (uint64_t)node);
    memcpy(c->device_id, r->device_id, sizeof c->device_id);
    memcpy(c->employee_id, r->employee_id, sizeof c->employee_id);
    r->copy = node;
    w->counters.clones++;
    struct sim_snapshot *image = sim_disk_snapshot(sim_vfs_disk(r->daemon.node));
    sim_snapshot_rename(image, node);
    sim_disk_restore(sim_vfs_disk(node), image);
    sim_snapshot_free(image);
    sim_enter(w, node, SIM_TOOL);
    sqlite3 *db = sim_db_open(node, SIM_TOOL);
    sim_db_run(db, "DELETE FROM sim_ledger");
    sim_db_close(db);
    sim_trace(w, "n%d was copied to n%d", r->daemon.node, node);
}

static void back_up_headquarters(struct sim_world *w)
{
    sim_snapshot_free(w->server.backup);
    w->server.backup = sim_disk_snapshot(sim_vfs_disk(SIM_HQ));
}

/* By the tool, or by copying the file back: then laptops that know more must make headquarters notice. */
static void restore_headquarters(struct sim_world *w, uint64_t random)
{
    struct sim_server *s = &w->server;
    if (s->backup == NULL || !s->daemon.is_up) {
        return;
    }
    w->counters.hq_restores++;
    sim_oracle_before_hq_restore(w);
    sim_server_stop(w, false, 1000 + skewed(&random, 20000));
    sim_disk_restore(sim_vfs_disk(SIM_HQ), s->backup);
    sim_vfs_fail_after(SIM_HQ, 0, 0, false);
    s->is_rewound = sim_chance(&random, 400) || !sim_server_fork(w, SIM_DAEMON);
    w->counters.hq_rewinds += s->is_rewound;
    s->confirm_at_ms = INT64_MAX;
    sim_trace(w, "headquarters was put back to its backup%s", s->is_rewound ? " by hand" : "");
    sim_oracle_after_hq_restore(w);
}

static void restart(struct sim_world *w, int node, uint64_t random)
{
    int64_t down_ms = 100 + skewed(&random, 20000);
    if (node == SIM_HQ) {
        sim_server_stop(w, false, down_ms);
    } else {
        sim_replica_stop(w, &w->replicas[node], false, down_ms);
    }
}

void sim_fault(struct sim_world *w, const struct sim_planned *e)
{
    struct sim_replica *r = e->node > 0 ? &w->replicas[e->node] : &w->replicas[1];
    uint64_t random = e->seed;
    switch (e->kind) {
    case SIM_CUT:
        cut(w, r, random);
        break;
    case SIM_HALF_OPEN:
        half_open(w, r, random);
        break;
    case SIM_STALL:
        stall(w, r, random);
        break;
    case SIM_ASLEEP:
        fall_asleep(w, r, random);
        break;
    case SIM_SLEEP:
        sleep_long(w, r, random);
        break;
    case SIM_RELEASE:
        sim_release_take(w, random);
        break;
    case SIM_CARRY:
        sim_carry(w, r, random);
        break;
    case SIM_SUSPEND:
        sim_device_suspend(w, r, random);
        break;
    case SIM_WIPE:
        sim_device_wipe(w, r, random);
        break;
    case SIM_PROGRAM:
        sim_program_change(w, r, random);
        break;
    case SIM_PACK:
        sim_server_pack(w, random);
        break;
    case SIM_CRASH:
    case SIM_POWER:
        crash(w, e->node, random, e->kind == SIM_POWER);
        break;
    case SIM_TOOL_CRASH:
        w->counters.tool_crashes++;
        sim_vfs_crash_after(e->node, SIM_TOOL, skewed(&random, 120), false);
        sim_work(w, e->node, sim_chance(&random, 500) ? SIM_TOGETHER : SIM_EDIT_HOT, random);
        break;
    case SIM_IO_ERROR:
        sim_vfs_fail_after(e->node, 1U << sim_below(&random, 6), skewed(&random, 300), false);
        break;
    case SIM_FULL:
        fill_disk(w, e->node, random);
        break;
    case SIM_CLOCK:
        jump(w, e->node, random);
        break;
    case SIM_INTRUDE:
        sim_vfs_before_transaction(e->node, skewed(&random, 12), intrude, w);
        break;
    case SIM_RESTART:
        restart(w, e->node, random);
        break;
    case SIM_BACKUP:
        take_backup(w, r);
        break;
    case SIM_RESTORE:
        restore(w, r, random);
        break;
    case SIM_CLONE:
        copy_laptop(w, r, random);
        break;
    case SIM_HQ_BACKUP:
        back_up_headquarters(w);
        break;
    case SIM_HQ_RESTORE:
        restore_headquarters(w, random);
        break;
    case SIM_HAND:
        sim_work(w, e->node, SIM_HAND, random);
        break;
    case SIM_MEDDLE:
        meddle(w, r, random);
        break;
    default:
        sim_die("%s is no fault", sim_kind_name(e->kind));
    }
}

void sim_faults_end(struct sim_world *w)
{
    for (int i = 0; i <= w->replica_count; i++) {
        struct sim_daemon *d = sim_daemon_of(w, i);
        sim_vfs_crash_after(i, SIM_DAEMON, 0, false);
        sim_vfs_crash_after(i, SIM_TOOL, 0, false);
        sim_vfs_fail_after(i, 0, 0, false);
        sim_vfs_before_transaction(i, 0, NULL, NULL);
        sim_vfs_disk(i)->bytes_max = 0;
        d->room_at_ms = INT64_MAX;
        if (!d->is_up) {
            d->start_at_ms = d->start_at_ms > w->now_ms ? w->now_ms : d->start_at_ms;
        }
        if (i > 0) {
            w->replicas[i].offline_to_ms = 0;
            w->replicas[i].next_cut = -1;
            w->replicas[i].dial_at_ms = w->now_ms;
        }
    }
    for (struct sim_link *link = w->links; link != NULL; link = link->next) {
        for (int way = 0; way < 2; way++) {
            link->pipes[way].stalled_to_ms = 0;
            link->pipes[way].cut_after = -1;
        }
        link->replica_end_ms = w->now_ms; /* old links go; new ones are whole */
        link->server_end_ms = w->now_ms;
    }
}
