/* SPDX-License-Identifier: MIT */
#include "tests/sim/vfs.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/locks.h"
#include "tests/sim/util.h"

#define JULIAN_MS_OF_1970 210866760000000

struct handle {
    sqlite3_file base;
    struct sim_holder holder; /* holder.inode carries one reference of ours */
    struct handle *next;      /* open handles of all nodes */
    int node;
    enum sim_process process;
    bool sync_folder; /* a journal or WAL file: its first sync makes the folder durable */
    bool delete_on_close;
    bool keeps_wal;
    char name[SIM_FILE_NAME_SIZE];
};

struct process {
    bool is_down;
    int64_t crash_at; /* calls still to go; 0: none set */
    bool is_power_cut;
};

struct node {
    struct sim_disk disk;
    struct process processes[SIM_PROCESSES_MAX];
    uint64_t random; /* what SQLite gets */
    int64_t now_ms;
    int64_t calls;
    unsigned fail_kinds;
    int64_t fail_at; /* calls of these kinds still to go; 0: none set */
    bool fail_is_sticky;
    bool has_failed;
    int64_t intrude_at; /* transactions of the daemon still to begin; 0: none set */
    void (*intrude)(void *ctx, int node);
    void *intrude_ctx;
};

static struct node nodes[SIM_NODES_MAX];
static struct handle *open_handles;
static struct sim_vfs_counters counters;
static int current_node;
static enum sim_process current_process;

/* --- crashes ------------------------------------------------------------------------------------
 */

static void kill_process(int node, enum sim_process process)
{
    nodes[node].processes[process].is_down = true;
    nodes[node].processes[process].crash_at = 0;
    for (struct handle *h = open_handles; h != NULL; h = h->next) {
        if (h->node == node && h->process == process) {
            sim_holder_kill(&h->holder);
        }
    }
}

void sim_vfs_crash(int node, enum sim_process process)
{
    counters.crashes++;
    kill_process(node, process);
}

void sim_vfs_cut_power(int node)
{
    counters.power_cuts++;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        kill_process(node, (enum sim_process)i);
    }
    sim_disk_cut_power(&nodes[node].disk);
}

void sim_vfs_crash_after(int node, enum sim_process process, int64_t calls, bool is_power_cut)
{
    nodes[node].processes[process].crash_at = calls;
    nodes[node].processes[process].is_power_cut = is_power_cut;
}

bool sim_vfs_is_down(int node, enum sim_process process)
{
    return nodes[node].processes[process].is_down;
}

int sim_vfs_open_handles(int node, enum sim_process process)
{
    int count = 0;
    for (const struct handle *h = open_handles; h != NULL; h = h->next) {
        count += h->node == node && h->process == process;
    }
    return count;
}

void sim_vfs_start(int node, enum sim_process process)
{
    if (sim_vfs_open_handles(node, process) > 0) {
        sim_die("node %d starts with handles of its last life open", node);
    }
    nodes[node].processes[process].is_down = false;
}

void sim_vfs_fail_after(int node, unsigned kinds, int64_t calls, bool is_sticky)
{
    nodes[node].fail_kinds = kinds;
    nodes[node].fail_at = calls;
    nodes[node].fail_is_sticky = is_sticky;
    nodes[node].has_failed = false;
}

bool sim_vfs_has_failed(int node)
{
    return nodes[node].has_failed;
}

static bool must_fail(struct node *n, enum sim_call kind)
{
    if (n->fail_at == 0 || (n->fail_kinds & (unsigned)kind) == 0) {
        return false;
    }
    if (n->fail_at > 1) {
        n->fail_at--;
        return false;
    }
    n->fail_at = n->fail_is_sticky ? 1 : 0;
    n->has_failed = true;
    counters.io_errors++;
    return true;
}

/* Every call comes through here. SQLITE_OK: go on; else return this. With ret_dies the caller
 * itself plays the crash, so that a write can die half done. */
static int gate(int node, enum sim_process process, enum sim_call kind, int error, bool *ret_dies)
{
    struct node *n = &nodes[node];
    struct process *p = &n->processes[process];
    if (p->is_down) {
        return SQLITE_IOERR;
    }
    if (process == SIM_READER) {
        return SQLITE_OK; /* the simulator's own eyes: neither counted nor disturbed */
    }
    n->calls++;
    counters.calls++;
    counters.reads += kind == SIM_CALL_READ;
    counters.writes += kind == SIM_CALL_WRITE;
    counters.syncs += kind == SIM_CALL_SYNC;
    if (p->crash_at > 0 && --p->crash_at == 0) {
        if (ret_dies != NULL) {
            *ret_dies = true;
            return SQLITE_OK;
        }
        if (p->is_power_cut) {
            sim_vfs_cut_power(node);
        } else {
            sim_vfs_crash(node, process);
        }
        return SQLITE_IOERR;
    }
    return must_fail(n, kind) ? error : SQLITE_OK;
}

static int gate_handle(struct handle *h, enum sim_call kind, int error)
{
    return gate(h->node, h->process, kind, error, NULL);
}

/* --- files --------------------------------------------------------------------------------------
 */

static struct handle *as_handle(sqlite3_file *file)
{
    return (struct handle *)(void *)file;
}

static int file_close(sqlite3_file *file)
{
    struct handle *h = as_handle(file);
    struct handle **at = &open_handles;
    while (*at != h) {
        at = &(*at)->next;
    }
    *at = h->next;
    sim_holder_remove(&h->holder);
    if (h->delete_on_close && h->name[0] != '\0' && !nodes[h->node].processes[h->process].is_down) {
        sim_disk_delete(&nodes[h->node].disk, h->name);
    }
    sim_inode_unref(h->holder.inode);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *ret, int size, sqlite3_int64 at)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_READ, SQLITE_IOERR_READ);
    if (rc != SQLITE_OK) {
        return rc;
    }
    return sim_inode_read(h->holder.inode, ret, size, at) == size ? SQLITE_OK
                                                                  : SQLITE_IOERR_SHORT_READ;
}

static int die_in_write(struct handle *h, const void *bytes, int size, sqlite3_int64 at)
{
    struct node *n = &nodes[h->node];
    int64_t done =
        (int64_t)sim_below(&n->disk.random, (uint64_t)size / SIM_SECTOR + 1) * SIM_SECTOR;
    if (done > 0 && !sim_disk_write(&n->disk, h->holder.inode, bytes, done, at)) {
        counters.disk_full++;
    }
    if (n->processes[h->process].is_power_cut) {
        sim_vfs_cut_power(h->node);
    } else {
        sim_vfs_crash(h->node, h->process);
    }
    return SQLITE_IOERR;
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    struct handle *h = as_handle(file);
    bool dies = false;
    int rc = gate(h->node, h->process, SIM_CALL_WRITE, SQLITE_IOERR_WRITE, &dies);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (dies) {
        return die_in_write(h, bytes, size, at);
    }
    if (!sim_disk_write(&nodes[h->node].disk, h->holder.inode, bytes, size, at)) {
        counters.disk_full++;
        return SQLITE_FULL;
    }
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_TRUNCATE, SQLITE_IOERR_TRUNCATE);
    if (rc == SQLITE_OK) {
        sim_disk_truncate(h->holder.inode, size);
    }
    return rc;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct handle *h = as_handle(file);
    (void)flags;
    int rc = gate_handle(h, SIM_CALL_SYNC, SQLITE_IOERR_FSYNC);
    if (rc != SQLITE_OK) {
        return rc;
    }
    sim_disk_sync(&nodes[h->node].disk, h->holder.inode);
    if (h->sync_folder) {
        sim_disk_sync_folder(&nodes[h->node].disk);
        h->sync_folder = false;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_OTHER, SQLITE_IOERR_FSTAT);
    if (rc == SQLITE_OK) {
        *ret_size = h->holder.inode->now.size;
    }
    return rc;
}

static int file_lock(sqlite3_file *file, int level)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_OTHER, SQLITE_IOERR_LOCK);
    return rc == SQLITE_OK ? sim_lock(&h->holder, level) : rc;
}

/* Unlocking a dead process's handle succeeds: SQLite must be able to let go. */
static int file_unlock(sqlite3_file *file, int level)
{
    struct handle *h = as_handle(file);
    return sim_unlock(&h->holder, level);
}

static int file_check_reserved(sqlite3_file *file, int *ret_is_reserved)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_OTHER, SQLITE_IOERR_CHECKRESERVEDLOCK);
    if (rc == SQLITE_OK) {
        *ret_is_reserved = sim_is_reserved(&h->holder);
    }
    return rc;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    struct handle *h = as_handle(file);
    if (op == SQLITE_FCNTL_PERSIST_WAL) {
        int *wish = arg;
        if (*wish >= 0) {
            h->keeps_wal = *wish > 0;
        }
        *wish = h->keeps_wal;
        return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file)
{
    (void)file;
    return 4096; /* as the unix VFS says */
}

static int file_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the unix VFS says */
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    struct handle *h = as_handle(file);
    int rc = gate_handle(h, SIM_CALL_OTHER, SQLITE_IOERR_SHMMAP);
    return rc == SQLITE_OK ? sim_shm_map(&h->holder, region, size, extend != 0, ret) : rc;
}

void sim_vfs_before_transaction(int node, int64_t calls, void (*f)(void *ctx, int node), void *ctx)
{
    nodes[node].intrude_at = calls;
    nodes[node].intrude = f;
    nodes[node].intrude_ctx = ctx;
}

/* A handle without any lock takes a shared one: a transaction begins. */
static void let_others_in(const struct handle *h)
{
    struct node *n = &nodes[h->node];
    if (n->intrude_at == 0 || h->process != SIM_DAEMON || n->processes[SIM_DAEMON].is_down ||
        h->holder.shared_slots != 0 || h->holder.exclusive_slots != 0 || --n->intrude_at > 0) {
        return;
    }
    n->intrude(n->intrude_ctx, h->node);
    sim_vfs_enter(h->node, SIM_DAEMON);
}

static int file_shm_lock(sqlite3_file *file, int slot, int count, int flags)
{
    struct handle *h = as_handle(file);
    if ((flags & SQLITE_SHM_LOCK) != 0) {
        let_others_in(h);
    }
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        return sim_shm_lock(&h->holder, slot, count, flags);
    }
    int rc = gate_handle(h, SIM_CALL_OTHER, SQLITE_IOERR_SHMLOCK);
    return rc == SQLITE_OK ? sim_shm_lock(&h->holder, slot, count, flags) : rc;
}

static void file_shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int file_shm_unmap(sqlite3_file *file, int delete_it)
{
    (void)delete_it;
    sim_shm_unmap(&as_handle(file)->holder);
    return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the file system ----------------------------------------------------------------------------
 */

/* /sim/N/rest; anything else lies on the disk of the node that runs. */
static int node_of(const char *name)
{
    int node = current_node;
    if (name != NULL && sscanf(name, "/sim/%d/", &node) == 1 && node >= 0 && node < SIM_NODES_MAX) {
        return node;
    }
    return current_node;
}

static int fs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *ret_flags)
{
    (void)vfs;
    struct handle *h = as_handle(file);
    memset(h, 0, sizeof *h);
    int node = node_of(name);
    int rc = gate(node, current_process, SIM_CALL_OPEN, SQLITE_CANTOPEN, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct sim_inode *inode;
    if (name == NULL) {
        inode = sim_inode_new();
    } else {
        inode = sim_disk_find(&nodes[node].disk, name, (flags & SQLITE_OPEN_CREATE) != 0);
        if (inode == NULL) {
            return SQLITE_CANTOPEN;
        }
        sim_inode_ref(inode);
        snprintf(h->name, sizeof h->name, "%s", name);
    }
    h->node = node;
    h->process = current_process;
    h->sync_folder =
        (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    h->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    sim_holder_add(&h->holder, inode);
    h->next = open_handles;
    open_handles = h;
    h->base.pMethods = &file_methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int fs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    int node = node_of(name);
    int rc = gate(node, current_process, SIM_CALL_OTHER, SQLITE_IOERR_DELETE, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (sim_disk_find(&nodes[node].disk, name, false) == NULL) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    sim_disk_delete(&nodes[node].disk, name);
    if (sync_folder != 0) {
        sim_disk_sync_folder(&nodes[node].disk);
    }
    return SQLITE_OK;
}

static int fs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)vfs;
    int node = node_of(name);
    int rc = gate(node, current_process, SIM_CALL_OTHER, SQLITE_IOERR_ACCESS, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    const struct sim_inode *inode = sim_disk_find(&nodes[node].disk, name, false);
    /* The unix VFS calls an empty file absent, too. */
    *ret = inode != NULL && (flags != SQLITE_ACCESS_EXISTS || inode->now.size > 0);
    return SQLITE_OK;
}

static int fs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    int length = name[0] == '/' ? snprintf(ret, (size_t)size, "%s", name)
                                : snprintf(ret, (size_t)size, "/sim/%d/%s", current_node, name);
    return length < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int fs_randomness(sqlite3_vfs *vfs, int size, char *ret)
{
    (void)vfs;
    for (int i = 0; i < size; i++) {
        ret[i] = (char)(sim_random(&nodes[current_node].random) & 0xff);
    }
    return size;
}

static int fs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds; /* nobody else can run meanwhile */
}

static int fs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    (void)vfs;
    *ret = nodes[current_node].now_ms + JULIAN_MS_OF_1970;
    return SQLITE_OK;
}

static int fs_time(sqlite3_vfs *vfs, double *ret)
{
    sqlite3_int64 ms;
    fs_time_ms(vfs, &ms);
    *ret = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int fs_last_error(sqlite3_vfs *vfs, int size, char *ret)
{
    (void)vfs;
    if (size > 0) {
        ret[0] = '\0';
    }
    return 0;
}

static sqlite3_vfs file_system = {
    .iVersion = 2,
    .szOsFile = sizeof(struct handle),
    .mxPathname = SIM_FILE_NAME_SIZE - 1,
    .zName = "sim",
    .xOpen = fs_open,
    .xDelete = fs_delete,
    .xAccess = fs_access,
    .xFullPathname = fs_full_path,
    .xRandomness = fs_randomness,
    .xSleep = fs_sleep,
    .xCurrentTime = fs_time,
    .xGetLastError = fs_last_error,
    .xCurrentTimeInt64 = fs_time_ms,
};

/* --- what the world does ------------------------------------------------------------------------
 */

void sim_vfs_reset(uint64_t seed)
{
    static bool is_registered = false;
    if (!is_registered) {
        if (sqlite3_initialize() != SQLITE_OK ||
            sqlite3_vfs_register(&file_system, 1) != SQLITE_OK) {
            sim_die("SQLite does not take the simulator's file system");
        }
        is_registered = true;
        /* Disk images come and go all the time: without this each costs its page faults anew. */
        mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
        mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
    }
    if (open_handles != NULL) {
        sim_die("%s is still open at a reset", open_handles->name);
    }
    for (int i = 0; i < SIM_NODES_MAX; i++) {
        sim_disk_release(&nodes[i].disk);
        nodes[i] = (struct node){.random = sim_mix(seed, (uint64_t)i * 2 + 1)};
        sim_disk_init(&nodes[i].disk, sim_mix(seed, (uint64_t)i * 2 + 2));
    }
    counters = (struct sim_vfs_counters){0};
    sim_vfs_enter(0, SIM_DAEMON);
}

void sim_vfs_enter(int node, enum sim_process process)
{
    current_node = node;
    current_process = process;
    sqlite3_randomness(0, NULL);
}

void sim_vfs_set_now(int node, int64_t now_ms)
{
    nodes[node].now_ms = now_ms;
}

struct sim_disk *sim_vfs_disk(int node)
{
    return &nodes[node].disk;
}

struct sim_vfs_counters sim_vfs_counters(void)
{
    return counters;
}

int64_t sim_vfs_calls(int node)
{
    return nodes[node].calls;
}
