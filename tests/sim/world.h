/* SPDX-License-Identifier: MIT
 *
 * The simulated world: one headquarters, up to six laptops, the product's own object files, links,
 * disks and clocks of our own. One run at a time, one thread; everything in it follows from the
 * plan.
 *
 * A run has two phases. In the first, work and faults happen as planned. Then it is calm: no
 * faults, all links up; within CALM_MS everything must be in step, and the oracle compares. The
 * first violation ends the run.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/sync/sync.h"
#include "server/hub.h"
#include "tests/sim/net.h"
#include "tests/sim/plan.h"
#include "tests/sim/vfs.h"

#define SIM_REPLICAS_MAX 6
#define SIM_CLONES_MAX   4
#define SIM_EPOCH_MS     INT64_C(1700000000000)
#define SIM_HQ           0

struct sim_clock {
    int64_t offset_ms;
    bool has_jumped;
};

/* One node's program: started, running, or down until start_at_ms. */
struct sim_daemon {
    int node;
    bool is_up;
    int64_t start_at_ms;  /* INT64_MAX: not planned */
    int64_t notice_at_ms; /* when the watch sees a foreign write */
    int64_t wake_at_ms;
    int64_t room_at_ms; /* when the full disk has room again */
    struct sim_clock clock;
    uint64_t random_state;
    struct fb_random random;
    struct fb_store *store;
    int64_t starts;
    int idle_wakes;
};

struct sim_server {
    struct sim_daemon daemon;
    struct fb_store *reader;
    struct fb_hub *hub;
    int64_t settle_at_ms;        /* INT64_MAX: nothing to do */
    struct sim_snapshot *backup; /* NULL: none was taken */
    bool is_rewound;             /* put back without the tool, and nobody confirmed it yet */
    int release;                 /* of the catalogue that its program brings, 1 .. */
    int64_t confirm_at_ms;       /* when the administrator does; INT64_MAX: he does not know yet */
};

struct sim_replica {
    struct sim_daemon daemon;
    struct fb_replica_round *round;
    char device_id[FB_ROW_ID_SIZE];
    char employee_id[FB_ROW_ID_SIZE];
    struct sim_link *link; /* NULL: none */
    int links;
    unsigned failures;
    int64_t dial_at_ms;
    int64_t offline_to_ms;
    int64_t next_cut; /* bytes after which the next link is cut; -1: not planned */
    int next_cut_way;
    uint64_t link_random;
    int64_t asks; /* takes with bytes since asks_since_ms */
    int64_t asks_since_ms;
    bool triggers_off_for_sure;         /* a tool dropped one, and the daemon has not looked yet */
    struct sim_snapshot *backup;        /* NULL: none was taken */
    char backup_device[FB_ROW_ID_SIZE]; /* whose certificate lies in it */
    int copy;                           /* the node it was copied to; 0: none */
    struct sim_stick *stick;            /* carried.c; NULL: none */
    struct sim_wiped *wiped;            /* devices.c; NULL: its data is there */
    int ahead;           /* of headquarters' program: -1 too old to pull, 1 too new */
    int64_t kept_cursor; /* where it stood when it became so */
};

struct sim_counters {
#define SIM_COUNTER(name, what) int64_t name;
#include "tests/sim/counter.def"
#undef SIM_COUNTER
};

struct sim_options {
    bool is_traced;
    int64_t until_ms; /* 0: to the end */
    bool is_dumped;   /* tables are printed at the end */
    bool is_quiet;    /* no sentence on a violation */
};

struct sim_world {
    struct sim_plan plan; /* borrowed events */
    struct sim_options options;
    int64_t now_ms; /* true time */
    size_t next_event;
    bool is_calm;
    int64_t calm_since_ms;
    struct sim_server server;
    struct sim_replica replicas[SIM_REPLICAS_MAX + SIM_CLONES_MAX + 1]; /* 1 .. replicas */
    int replica_count;                                                  /* copies included */
    struct sim_link *links;
    uint64_t trace_hash;
    int64_t op_number; /* of the last piece of work; never used again */
    bool is_intruding; /* a tool runs inside a call of the daemon */
    struct sim_counters counters;
    char violation[1024]; /* empty: none so far */
    char invariant[64];
};

/* Runs a plan; false: a violation, see world->violation. The world can be read until the next run.
 */
bool sim_world_run(struct sim_world *world, const struct sim_plan *plan,
                   const struct sim_options *options);

/* For the parts of the simulator. */
void sim_violation(struct sim_world *w, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sim_trace(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sim_node_now_ms(const struct sim_world *w, int node);
void sim_enter(struct sim_world *w, int node, enum sim_process process); /* with its clock */
void sim_enter_oracle(struct sim_world *w,
                      int node); /* as a tool, whose planned crash is not due */
struct sim_daemon *sim_daemon_of(struct sim_world *w, int node);

/* server_node.c */
void sim_server_build(struct sim_world *w);
void sim_server_start(struct sim_world *w);
void sim_server_stop(struct sim_world *w, bool was_crash, int64_t down_ms);
void sim_server_accept(struct sim_world *w, struct sim_link *link);
void sim_server_receive(struct sim_world *w, struct sim_link *link, const uint8_t *bytes,
                        size_t size);
void sim_server_lost(struct sim_world *w, struct sim_link *link);
void sim_server_settle(struct sim_world *w);
void sim_server_wake(struct sim_world *w);
void sim_server_noticed(struct sim_world *w);
/* Packs what is older than the horizon, or some of it. */
void sim_server_pack(struct sim_world *w, uint64_t random);
/* The product's own fork of the timeline, by the daemon's machine or, while it runs, by an administrator's command. */
bool sim_server_fork(struct sim_world *w, enum sim_process process);

/* replica_node.c */
void sim_replica_build(struct sim_world *w, struct sim_replica *r);
void sim_replica_start(struct sim_world *w, struct sim_replica *r);
void sim_replica_stop(struct sim_world *w, struct sim_replica *r, bool was_crash, int64_t down_ms);
void sim_replica_dial(struct sim_world *w, struct sim_replica *r);
void sim_replica_receive(struct sim_world *w, struct sim_replica *r, const uint8_t *bytes,
                         size_t size);
void sim_replica_lost(struct sim_world *w, struct sim_replica *r);
void sim_replica_wake(struct sim_world *w, struct sim_replica *r);
void sim_replica_noticed(struct sim_world *w, struct sim_replica *r);
/* Headquarters' administrator gives a copy a device of its own. */
void sim_server_add_device(struct sim_world *w, struct sim_replica *r);
void sim_replica_hang_up(struct sim_world *w, struct sim_replica *r);
/* If its daemon found out that the data is to be erased, it does so. */
bool sim_replica_erases(struct sim_world *w, struct sim_replica *r);

/* fault.c */
void sim_fault(struct sim_world *w, const struct sim_planned *e);
void sim_faults_end(struct sim_world *w);

/* work.c: one piece of work by plain SQL, with its ledger. False: the database refused it (busy,
 * full, down). */
bool sim_work(struct sim_world *w, int node, enum sim_kind kind, uint64_t seed);
/* The ledger's table, in every node's database. */
#define SIM_LEDGER_SQL                                                                             \
    "CREATE TABLE IF NOT EXISTS sim_ledger (seq INTEGER PRIMARY KEY, op INTEGER, kind TEXT, "      \
    "entity TEXT, "                                                                                \
    "row_id TEXT, field TEXT, was ANY, mine ANY, cursor INTEGER, true_ms INTEGER) STRICT"

/* What the product packs is kept beside, for the oracle to read all of the log. */
#define SIM_LOG_SQL                                                                                \
    "CREATE TABLE IF NOT EXISTS sim_log (seq INTEGER PRIMARY KEY, op, entity, row_id, "            \
    "scope_before, scope_after, cause, at_ms, changes)"
#define SIM_WHOLE_LOG_SQL                                                                          \
    "CREATE VIEW IF NOT EXISTS sim_whole_log AS SELECT seq, op, entity, row_id, scope_before, "    \
    "scope_after, cause, at_ms, changes FROM fb_log UNION ALL SELECT * FROM sim_log WHERE seq "    \
    "NOT IN (SELECT seq FROM fb_log)"

#define SIM_LEDGER_OLD                                                                             \
    INT64_C(1000000000) /* rows of before a backup was put back lie so much lower */
#define SIM_LEDGER_LOST                                                                            \
    INT64_C(1000000000000000) /* rows that may have gone with erased data, unsent: so much */
#define SIM_NOT_LOST "seq > -500000000000000"

/* oracle.c: looks at a node after something was committed there; at everything at the end. */
void sim_oracle_reset(struct sim_world *w);
void sim_oracle_acknowledged(struct sim_world *w, int node, int64_t op);
/* True if nothing of the laptop's edits is undelivered: then a backup can be put back without losing any. */
bool sim_oracle_all_delivered(int node);
/* Around putting a backup back: the ledger rows that the backup lacks come back, older than all others. */
void sim_oracle_before_restore(int node);
void sim_oracle_after_restore(struct sim_world *w, int node);
/* Before a laptop's data is erased: its ledger, to be put back with sim_oracle_after_wipe. has_lost: it said that something unsent goes. */
struct sqlite3 *sim_oracle_before_wipe(struct sim_world *w, int node, bool has_lost);
void sim_oracle_after_wipe(int node, struct sqlite3 *ledger);
/* The same for headquarters: what it had written itself since is gone, but for what laptops had pulled. */
void sim_oracle_before_hq_restore(struct sim_world *w);
void sim_oracle_after_hq_restore(struct sim_world *w);
void sim_oracle_look(struct sim_world *w, int node);
void sim_oracle_started(struct sim_world *w, int node);
void sim_oracle_check_lost(struct sim_world *w);
void sim_oracle_end(struct sim_world *w);
void sim_oracle_check_saved(struct sim_world *w); /* every node still has what it saved */
void sim_dump(struct sim_world *w);               /* dump.c */
void sim_history_check(struct sim_world *w);      /* history_check.c */

#endif
