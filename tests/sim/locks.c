/* SPDX-License-Identifier: MIT */
#include "tests/sim/locks.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/util.h"

#define REGIONS_MAX 64

struct sim_shm {
    uint8_t *regions[REGIONS_MAX];
    /* what the others must find again after a death; NULL: as it stands */
    uint8_t *frozen[REGIONS_MAX];
    int region_size;
    int refs;
    int dead; /* dead holders that still map it */
};

struct sim_locks {
    struct sim_holder *holders;
    struct sim_shm *shm; /* NULL: nobody maps it */
    const struct sim_holder *reserved;
    const struct sim_holder *pending;
    const struct sim_holder *exclusive;
};

static void shm_unref(struct sim_shm *shm)
{
    if (--shm->refs > 0) {
        return;
    }
    for (int i = 0; i < REGIONS_MAX; i++) {
        free(shm->regions[i]);
        free(shm->frozen[i]);
    }
    free(shm);
}

static void drop_locks(struct sim_locks *locks)
{
    free(locks);
}

void sim_holder_add(struct sim_holder *holder, struct sim_inode *inode)
{
    *holder = (struct sim_holder){.inode = inode, .level = SQLITE_LOCK_NONE};
    if (inode->locks == NULL) {
        inode->locks = sim_alloc(sizeof *inode->locks);
        inode->drop_locks = drop_locks;
    }
    holder->next = inode->locks->holders;
    inode->locks->holders = holder;
}

static void unlink_holder(struct sim_holder *holder)
{
    struct sim_holder **at = &holder->inode->locks->holders;
    while (*at != NULL && *at != holder) {
        at = &(*at)->next;
    }
    if (*at == holder) {
        *at = holder->next;
    }
}

static void forget_locks(struct sim_holder *holder)
{
    struct sim_locks *locks = holder->inode->locks;
    locks->reserved = locks->reserved == holder ? NULL : locks->reserved;
    locks->pending = locks->pending == holder ? NULL : locks->pending;
    locks->exclusive = locks->exclusive == holder ? NULL : locks->exclusive;
    holder->level = SQLITE_LOCK_NONE;
    holder->shared_slots = 0;
    holder->exclusive_slots = 0;
}

static bool others_map(const struct sim_holder *holder)
{
    for (const struct sim_holder *h = holder->inode->locks->holders; h != NULL; h = h->next) {
        if (h != holder && h->shm == holder->shm) {
            return true;
        }
    }
    return false;
}

static void freeze(struct sim_shm *shm)
{
    for (int i = 0; i < REGIONS_MAX; i++) {
        if (shm->regions[i] != NULL && shm->frozen[i] == NULL) {
            shm->frozen[i] = sim_copy(shm->regions[i], (size_t)shm->region_size);
        }
    }
}

/* One dead holder less: undoes what it wrote since it died. */
static void thaw(struct sim_shm *shm)
{
    shm->dead--;
    for (int i = 0; i < REGIONS_MAX; i++) {
        if (shm->frozen[i] == NULL) {
            continue;
        }
        memcpy(shm->regions[i], shm->frozen[i], (size_t)shm->region_size);
        if (shm->dead == 0) {
            free(shm->frozen[i]);
            shm->frozen[i] = NULL;
        }
    }
}

void sim_holder_kill(struct sim_holder *holder)
{
    unlink_holder(holder); /* it is in nobody's way any more */
    forget_locks(holder);
    holder->is_dead = true;
    if (holder->shm == NULL) {
        return;
    }
    holder->shm->dead++;
    if (others_map(holder)) {
        freeze(holder->shm);
    } else if (holder->inode->locks->shm == holder->shm) {
        holder->inode->locks->shm = NULL;
        shm_unref(holder->shm);
    }
}

void sim_holder_remove(struct sim_holder *holder)
{
    unlink_holder(holder);
    forget_locks(holder);
    sim_shm_unmap(holder);
}

static int take_exclusive(struct sim_holder *holder)
{
    struct sim_locks *locks = holder->inode->locks;
    if (locks->pending != NULL && locks->pending != holder) {
        return SQLITE_BUSY;
    }
    locks->pending = holder;
    holder->level = SQLITE_LOCK_PENDING;
    for (const struct sim_holder *h = locks->holders; h != NULL; h = h->next) {
        if (h != holder && h->level >= SQLITE_LOCK_SHARED) {
            return SQLITE_BUSY;
        }
    }
    locks->exclusive = holder;
    holder->level = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

int sim_lock(struct sim_holder *holder, int level)
{
    struct sim_locks *locks = holder->inode->locks;
    if (holder->level >= level) {
        return SQLITE_OK;
    }
    if (level == SQLITE_LOCK_SHARED) {
        if (locks->pending != NULL || locks->exclusive != NULL) {
            return SQLITE_BUSY;
        }
        holder->level = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    if (level == SQLITE_LOCK_RESERVED) {
        if (locks->reserved != NULL || locks->pending != NULL) {
            return SQLITE_BUSY;
        }
        locks->reserved = holder;
        holder->level = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    return take_exclusive(holder);
}

int sim_unlock(struct sim_holder *holder, int level)
{
    if (holder->level <= level) {
        return SQLITE_OK;
    }
    struct sim_locks *locks = holder->inode->locks;
    locks->reserved = locks->reserved == holder ? NULL : locks->reserved;
    locks->pending = locks->pending == holder ? NULL : locks->pending;
    locks->exclusive = locks->exclusive == holder ? NULL : locks->exclusive;
    holder->level = level;
    return SQLITE_OK;
}

bool sim_is_reserved(const struct sim_holder *holder)
{
    const struct sim_locks *locks = holder->inode->locks;
    return locks->reserved != NULL || locks->pending != NULL || locks->exclusive != NULL;
}

int sim_shm_map(struct sim_holder *holder, int region, int size, bool extend, volatile void **ret)
{
    struct sim_locks *locks = holder->inode->locks;
    if (holder->shm == NULL) {
        if (locks->shm == NULL) {
            locks->shm = sim_alloc(sizeof *locks->shm);
            locks->shm->region_size = size;
            locks->shm->refs = 1; /* the inode's own */
        }
        holder->shm = locks->shm;
        holder->shm->refs++;
    }
    if (region >= REGIONS_MAX) {
        return SQLITE_IOERR_SHMSIZE;
    }
    if (holder->shm->regions[region] == NULL && extend) {
        holder->shm->regions[region] = sim_alloc((size_t)size);
    }
    *ret = holder->shm->regions[region];
    return SQLITE_OK;
}

int sim_shm_lock(struct sim_holder *holder, int slot, int count, int flags)
{
    unsigned mask = ((1U << (slot + count)) - 1) & ~((1U << slot) - 1);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        holder->shared_slots &= ~mask;
        holder->exclusive_slots &= ~mask;
        return SQLITE_OK;
    }
    bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const struct sim_holder *h = holder->inode->locks->holders; h != NULL; h = h->next) {
        unsigned taken = h->exclusive_slots | (is_exclusive ? h->shared_slots : 0);
        if (h != holder && (taken & mask) != 0) {
            return SQLITE_BUSY;
        }
    }
    if (is_exclusive) {
        holder->exclusive_slots |= mask;
    } else {
        holder->shared_slots |= mask;
    }
    return SQLITE_OK;
}

void sim_shm_unmap(struct sim_holder *holder)
{
    struct sim_shm *shm = holder->shm;
    if (shm == NULL) {
        return;
    }
    holder->shared_slots = 0;
    holder->exclusive_slots = 0;
    holder->shm = NULL;
    if (holder->is_dead) {
        thaw(shm);
    }
    if (holder->inode->locks->shm == shm) {
        if (shm->refs == 2) { /* the last mapping and the inode's own */
            holder->inode->locks->shm = NULL;
            shm_unref(shm);
        }
    }
    shm_unref(shm);
}
