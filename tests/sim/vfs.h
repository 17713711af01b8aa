/* SPDX-License-Identifier: MIT
 *
 * SQLite's file system in the simulator: real SQLite over simulated disks, with crashes and failing
 * calls.
 *
 * Registered as SQLite's default VFS, because SQLite seeds its random generator from that one. A
 * path /sim/N/... lies on the disk of node N. Every call is counted per node, and a crash or an
 * error can be set to happen at any call. Each node has up to SIM_PROCESSES_MAX processes (the
 * daemon, people's tools); sim_vfs_enter() says whose code runs next: its files, its clock, its
 * randomness. Time passes only by sim_vfs_set_now(). One thread.
 *
 * A process that crashed gets SQLITE_IOERR from every call until its handles are closed and
 * sim_vfs_start() is called; its locks are gone at once, and what its SQLite does to shared memory
 * while it unwinds is undone.
 */
#ifndef SIM_VFS_H
#define SIM_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/disk.h"

#define SIM_NODES_MAX     16
#define SIM_PROCESSES_MAX 4

enum sim_process { SIM_DAEMON, SIM_TOOL, SIM_READER };

/* Kinds of calls that can be made to fail, as a mask. */
enum sim_call {
    SIM_CALL_READ = 1,
    SIM_CALL_WRITE = 2,
    SIM_CALL_SYNC = 4,
    SIM_CALL_OPEN = 8,
    SIM_CALL_TRUNCATE = 16,
    SIM_CALL_OTHER = 32, /* sizes, deletes, locks, shared memory */
    SIM_CALL_ANY = 63,
};

struct sim_vfs_counters {
    int64_t calls;
    int64_t reads;
    int64_t writes;
    int64_t syncs;
    int64_t crashes;    /* of one process */
    int64_t power_cuts; /* of a node */
    int64_t io_errors;  /* injected */
    int64_t disk_full;  /* writes refused by the quota */
};

/* Registers the VFS once per process, drops all disks, and seeds everything anew. */
void sim_vfs_reset(uint64_t seed);

/* From now on this process of this node runs. SQLite's own generator starts anew from the node's,
 * so that what one node does never shifts the random numbers of another. */
void sim_vfs_enter(int node, enum sim_process process);
void sim_vfs_set_now(int node, int64_t now_ms);

struct sim_disk *sim_vfs_disk(int node);
struct sim_vfs_counters sim_vfs_counters(void); /* of all nodes since the reset */
int64_t sim_vfs_calls(int node);                /* since the reset */

/* Crash now. A power cut takes all processes of the node down; each must be started again, tools
 * too. */
void sim_vfs_crash(int node, enum sim_process process);
void sim_vfs_cut_power(int node);

/* Crash in the calls-th call from now that this process makes (1: the next), a write then being
 * done in part. calls 0 takes it back. */
void sim_vfs_crash_after(int node, enum sim_process process, int64_t calls, bool is_power_cut);
bool sim_vfs_is_down(int node, enum sim_process process);

/* After a crash, when every handle is closed: the process may open files again. */
void sim_vfs_start(int node, enum sim_process process);
int sim_vfs_open_handles(int node, enum sim_process process);

/* The calls-th call of these kinds from now fails; is_sticky: and all after it. calls 0 takes it
 * back. */
void sim_vfs_fail_after(int node, unsigned kinds, int64_t calls, bool is_sticky);
bool sim_vfs_has_failed(int node); /* an error was injected since the last sim_vfs_fail_after */

/* Before the calls-th transaction from now that this node's daemon begins (1: the next), f runs:
 * another process of the node can then commit between two transactions of one call of the product.
 * f enters whom it needs; the daemon is entered again afterwards. calls 0 takes it back. */
void sim_vfs_before_transaction(int node, int64_t calls, void (*f)(void *ctx, int node), void *ctx);

#endif
