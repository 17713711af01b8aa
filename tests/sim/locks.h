/* SPDX-License-Identifier: MIT
 *
 * Locks and shared memory of a simulated file, as SQLite's unix VFS does them with fcntl and mmap:
 * the five levels of a database file, and the eight slots of a WAL index. Handles of one inode
 * only; a dead handle holds nothing.
 */
#ifndef SIM_LOCKS_H
#define SIM_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/disk.h"

#define SIM_SHM_SLOTS 8

struct sim_shm;

/* What one open handle holds; part of the handle. */
struct sim_holder {
    struct sim_inode *inode;
    struct sim_holder *next; /* holders of the same inode */
    struct sim_shm *shm;     /* NULL: not mapped */
    int level;               /* SQLITE_LOCK_... */
    unsigned shared_slots;   /* bit per slot */
    unsigned exclusive_slots;
    bool is_dead; /* its process died */
};

void sim_holder_add(struct sim_holder *holder, struct sim_inode *inode);
/* The handle is closed: everything it holds is gone, its shared memory too if it was the last. */
void sim_holder_remove(struct sim_holder *holder);
/* The process died: locks are gone. Its mapping stays readable until it is removed; if others map
 * it too, they find it as it is at this moment, whatever the dying SQLite writes meanwhile (until
 * the removal). */
void sim_holder_kill(struct sim_holder *holder);

int sim_lock(struct sim_holder *holder, int level);   /* SQLITE_OK or SQLITE_BUSY */
int sim_unlock(struct sim_holder *holder, int level); /* to SHARED or NONE */
bool sim_is_reserved(const struct sim_holder *holder);

int sim_shm_map(struct sim_holder *holder, int region, int size, bool extend, volatile void **ret);
int sim_shm_lock(struct sim_holder *holder, int slot, int count, int flags);
void sim_shm_unmap(struct sim_holder *holder);

#endif
