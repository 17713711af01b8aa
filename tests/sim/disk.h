/* SPDX-License-Identifier: MIT
 *
 * The disk of one simulated node: files in memory, and what a power cut leaves of them.
 *
 * Each file has two images: `now`, what the operating system shows, and `durable`, what the last
 * sync that was done put on the platter, with the list of writes since. A crash of a process leaves
 * `now`. A power cut starts from `durable` and keeps, drops, reorders or tears (at 512 bytes) the
 * writes since, as the disk's own seeded generator decides. Directory entries follow the same way:
 * a deleted file may come back, a new one may be missing, until the folder was synced. Knows
 * nothing of SQLite; vfs.c stands on it.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SECTOR         512
#define SIM_FILE_NAME_SIZE 96
#define SIM_FILES_MAX      64

struct sim_image {
    uint8_t *bytes;
    int64_t size;
    int64_t capacity;
};

/* One write since the last sync; bytes NULL: the file was cut or grown to `at`. */
struct sim_write {
    int64_t at;
    int64_t size;
    uint8_t *bytes;
};

/* One file's content; lives while a directory or an open handle names it. */
struct sim_inode {
    struct sim_image now;
    struct sim_image durable;
    struct sim_write *writes; /* oldest first */
    size_t write_count;
    size_t write_capacity;
    int refs;
    struct sim_locks *locks; /* vfs.c's; NULL until somebody locks */
    void (*drop_locks)(struct sim_locks *locks);
};

struct sim_entry {
    char name[SIM_FILE_NAME_SIZE];
    struct sim_inode *now;     /* NULL: no such file */
    struct sim_inode *durable; /* what the folder on the platter says */
};

struct sim_disk {
    struct sim_entry entries[SIM_FILES_MAX];
    size_t entry_count;
    uint64_t random;     /* state of the generator that decides what a power cut leaves */
    int64_t bytes_max;   /* quota; 0: none */
    bool is_lying;       /* syncs return and do nothing: the negative control */
    int64_t cuts;        /* power cuts so far */
    int64_t writes_lost; /* whole or torn, by power cuts */
    int64_t writes_kept; /* unsynced writes that a power cut left whole */
};

void sim_disk_init(struct sim_disk *disk, uint64_t seed);
void sim_disk_release(struct sim_disk *disk);

/* The file, or NULL. make: an empty one where there is none. The caller gets no reference. */
struct sim_inode *sim_disk_find(struct sim_disk *disk, const char *name, bool make);
void sim_disk_delete(struct sim_disk *disk, const char *name);

/* Makes all entries of the folder durable. */
void sim_disk_sync_folder(struct sim_disk *disk);

/* An inode outside any folder (a temporary file), with one reference. */
struct sim_inode *sim_inode_new(void);
void sim_inode_ref(struct sim_inode *inode);
void sim_inode_unref(struct sim_inode *inode);

/* False: the quota has no room, nothing is written. */
bool sim_disk_write(struct sim_disk *disk, struct sim_inode *inode, const void *bytes, int64_t size,
                    int64_t at);
void sim_disk_truncate(struct sim_inode *inode, int64_t size);
/* Copies what is there and fills the rest with zeros; returns the bytes that were there. */
int64_t sim_inode_read(const struct sim_inode *inode, void *ret, int64_t size, int64_t at);
/* Makes the file's content, and its own entry, durable; nothing on a disk that lies. */
void sim_disk_sync(struct sim_disk *disk, struct sim_inode *inode);

int64_t sim_disk_bytes(const struct sim_disk *disk); /* of all files, as the system shows them */

/* The power goes: every file becomes a new inode with the content that was left. Open handles keep
 * the old inodes, which nobody sees any more. */
void sim_disk_cut_power(struct sim_disk *disk);

/* A copy of all files as they stand now, for backups and clones; taken while nobody writes. Putting
 * one back replaces the disk's files, durably. Free with sim_snapshot_free(). */
struct sim_snapshot *sim_disk_snapshot(const struct sim_disk *disk);
void sim_disk_restore(struct sim_disk *disk, const struct sim_snapshot *snapshot);
/* Its files as those of another node: paths begin with /sim/NODE/. */
void sim_snapshot_rename(struct sim_snapshot *snapshot, int node);
void sim_snapshot_free(struct sim_snapshot *snapshot);

/* A hash of all names and contents as they stand, for traces. */
uint64_t sim_disk_hash(const struct sim_disk *disk);

/* Flips one bit somewhere in the named file; false if it is empty or absent. */
bool sim_disk_flip_bit(struct sim_disk *disk, const char *name, uint64_t where);

#endif
