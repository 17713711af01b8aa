/* SPDX-License-Identifier: MIT */
#include "tests/sim/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/util.h"

struct sim_snapshot {
    struct {
        char name[SIM_FILE_NAME_SIZE];
        struct sim_image image;
    } files[SIM_FILES_MAX];
    size_t count;
};

static void image_reserve(struct sim_image *image, int64_t size)
{
    if (size <= image->capacity) {
        return;
    }
    int64_t capacity = image->capacity > 0 ? image->capacity : 4096;
    while (capacity < size) {
        capacity *= 2;
    }
    image->bytes = sim_realloc(image->bytes, (size_t)capacity);
    image->capacity = capacity;
}

static void image_resize(struct sim_image *image, int64_t size)
{
    if (size > image->size) {
        image_reserve(image, size);
        memset(image->bytes + image->size, 0, (size_t)(size - image->size));
    }
    image->size = size;
}

static void image_write(struct sim_image *image, const void *bytes, int64_t size, int64_t at)
{
    if (at + size > image->size) {
        image_resize(image, at + size);
    }
    if (size > 0) {
        memcpy(image->bytes + at, bytes, (size_t)size);
    }
}

static void image_copy(struct sim_image *to, const struct sim_image *from)
{
    to->size = 0;
    image_write(to, from->bytes, from->size, 0);
    to->size = from->size;
}

struct sim_inode *sim_inode_new(void)
{
    struct sim_inode *inode = sim_alloc(sizeof *inode);
    inode->refs = 1;
    return inode;
}

void sim_inode_ref(struct sim_inode *inode)
{
    inode->refs++;
}

static void forget_writes(struct sim_inode *inode)
{
    for (size_t i = 0; i < inode->write_count; i++) {
        free(inode->writes[i].bytes);
    }
    inode->write_count = 0;
}

void sim_inode_unref(struct sim_inode *inode)
{
    if (inode == NULL || --inode->refs > 0) {
        return;
    }
    forget_writes(inode);
    free(inode->writes);
    free(inode->now.bytes);
    free(inode->durable.bytes);
    if (inode->locks != NULL) {
        inode->drop_locks(inode->locks);
    }
    free(inode);
}

void sim_disk_init(struct sim_disk *disk, uint64_t seed)
{
    *disk = (struct sim_disk){.random = seed};
}

void sim_disk_release(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->entry_count; i++) {
        sim_inode_unref(disk->entries[i].now);
        sim_inode_unref(disk->entries[i].durable);
    }
    disk->entry_count = 0;
}

static struct sim_entry *find_entry(struct sim_disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->entry_count; i++) {
        if (strcmp(disk->entries[i].name, name) == 0) {
            return &disk->entries[i];
        }
    }
    return NULL;
}

static struct sim_entry *make_entry(struct sim_disk *disk, const char *name)
{
    if (disk->entry_count == SIM_FILES_MAX || strlen(name) >= SIM_FILE_NAME_SIZE) {
        sim_die("the simulated folder has no room for %s", name);
    }
    struct sim_entry *entry = &disk->entries[disk->entry_count++];
    *entry = (struct sim_entry){0};
    strcpy(entry->name, name);
    return entry;
}

struct sim_inode *sim_disk_find(struct sim_disk *disk, const char *name, bool make)
{
    struct sim_entry *entry = find_entry(disk, name);
    if (entry == NULL) {
        if (!make) {
            return NULL;
        }
        entry = make_entry(disk, name);
    }
    if (entry->now == NULL && make) {
        entry->now = sim_inode_new();
    }
    return entry->now;
}

void sim_disk_delete(struct sim_disk *disk, const char *name)
{
    struct sim_entry *entry = find_entry(disk, name);
    if (entry != NULL) {
        sim_inode_unref(entry->now);
        entry->now = NULL;
    }
}

static void sync_entry(struct sim_entry *entry)
{
    if (entry->now == entry->durable) {
        return;
    }
    sim_inode_unref(entry->durable);
    entry->durable = entry->now;
    if (entry->durable != NULL) {
        sim_inode_ref(entry->durable);
    }
}

void sim_disk_sync_folder(struct sim_disk *disk)
{
    if (disk->is_lying) {
        return;
    }
    for (size_t i = 0; i < disk->entry_count; i++) {
        sync_entry(&disk->entries[i]);
    }
}

static void remember(struct sim_inode *inode, const void *bytes, int64_t size, int64_t at)
{
    SIM_GROW(inode->writes, inode->write_count, inode->write_capacity);
    inode->writes[inode->write_count++] = (struct sim_write){
        .at = at, .size = size, .bytes = bytes != NULL ? sim_copy(bytes, (size_t)size) : NULL};
}

bool sim_disk_write(struct sim_disk *disk, struct sim_inode *inode, const void *bytes, int64_t size,
                    int64_t at)
{
    int64_t growth = at + size - inode->now.size;
    if (disk->bytes_max > 0 && growth > 0 && sim_disk_bytes(disk) + growth > disk->bytes_max) {
        return false;
    }
    remember(inode, bytes, size, at);
    image_write(&inode->now, bytes, size, at);
    return true;
}

void sim_disk_truncate(struct sim_inode *inode, int64_t size)
{
    remember(inode, NULL, 0, size);
    image_resize(&inode->now, size);
}

int64_t sim_inode_read(const struct sim_inode *inode, void *ret, int64_t size, int64_t at)
{
    int64_t there = inode->now.size - at;
    there = there < 0 ? 0 : there > size ? size : there;
    if (there > 0) {
        memcpy(ret, inode->now.bytes + at, (size_t)there);
    }
    memset((uint8_t *)ret + there, 0, (size_t)(size - there));
    return there;
}

static void play(struct sim_image *image, const struct sim_write *write)
{
    if (write->bytes == NULL) {
        image_resize(image, write->at);
    } else {
        image_write(image, write->bytes, write->size, write->at);
    }
}

void sim_disk_sync(struct sim_disk *disk, struct sim_inode *inode)
{
    if (disk->is_lying) {
        return;
    }
    for (size_t i = 0; i < inode->write_count; i++) {
        play(&inode->durable, &inode->writes[i]);
    }
    forget_writes(inode);
    for (size_t i = 0; i < disk->entry_count; i++) {
        if (disk->entries[i].now == inode) {
            sync_entry(&disk->entries[i]);
        }
    }
}

int64_t sim_disk_bytes(const struct sim_disk *disk)
{
    int64_t sum = 0;
    for (size_t i = 0; i < disk->entry_count; i++) {
        sum += disk->entries[i].now != NULL ? disk->entries[i].now->now.size : 0;
    }
    return sum;
}

/* How a cut treats the writes since the last sync; drawn once per cut, so that the extremes occur.
 */
struct cut_manner {
    unsigned keep_write;  /* per mille: the whole write is kept */
    unsigned keep_sector; /* per mille of the sectors of a write that is not kept whole */
    int64_t prefix;       /* writes up to this one are all kept; -1: no such rule */
};

static struct cut_manner draw_manner(struct sim_disk *disk, size_t writes)
{
    switch (sim_below(&disk->random, 5)) {
    case 0:
        return (struct cut_manner){.keep_write = 0, .keep_sector = 0, .prefix = -1};
    case 1:
        return (struct cut_manner){.keep_write = 1000, .keep_sector = 0, .prefix = -1};
    case 2:
        return (struct cut_manner){.keep_write = 0,
                                   .keep_sector = 500,
                                   .prefix = (int64_t)sim_below(&disk->random, writes + 1)};
    default:
        return (struct cut_manner){.keep_write = (unsigned)sim_below(&disk->random, 1001),
                                   .keep_sector = (unsigned)sim_below(&disk->random, 1001),
                                   .prefix = -1};
    }
}

/* Keeps each sector of the write, or not. */
static void tear(struct sim_disk *disk, struct sim_image *image, const struct sim_write *write,
                 unsigned keep_sector)
{
    for (int64_t at = write->at; at < write->at + write->size;) {
        int64_t end = (at / SIM_SECTOR + 1) * SIM_SECTOR;
        end = end < write->at + write->size ? end : write->at + write->size;
        if (sim_chance(&disk->random, keep_sector)) {
            image_write(image, write->bytes + (at - write->at), end - at, at);
        }
        at = end;
    }
}

static struct sim_inode *what_is_left(struct sim_disk *disk, const struct sim_inode *inode)
{
    struct sim_inode *left = sim_inode_new();
    image_copy(&left->durable, &inode->durable);
    struct cut_manner manner = draw_manner(disk, inode->write_count);
    for (size_t i = 0; i < inode->write_count; i++) {
        const struct sim_write *write = &inode->writes[i];
        if ((int64_t)i < manner.prefix || sim_chance(&disk->random, manner.keep_write)) {
            play(&left->durable, write);
            disk->writes_kept++;
            continue;
        }
        disk->writes_lost++;
        if (write->bytes != NULL && ((int64_t)i == manner.prefix || manner.prefix < 0)) {
            tear(disk, &left->durable, write, manner.keep_sector);
        }
    }
    image_copy(&left->now, &left->durable);
    return left;
}

static void cut_entry(struct sim_disk *disk, struct sim_entry *entry)
{
    struct sim_inode *survivor = entry->durable;
    if (entry->now != entry->durable && sim_chance(&disk->random, 500)) {
        survivor = entry->now;
    }
    struct sim_inode *left = survivor != NULL ? what_is_left(disk, survivor) : NULL;
    sim_inode_unref(entry->now);
    sim_inode_unref(entry->durable);
    entry->now = left;
    entry->durable = left;
    if (left != NULL) {
        sim_inode_ref(left);
    }
}

void sim_disk_cut_power(struct sim_disk *disk)
{
    disk->cuts++;
    for (size_t i = 0; i < disk->entry_count; i++) {
        cut_entry(disk, &disk->entries[i]);
    }
}

struct sim_snapshot *sim_disk_snapshot(const struct sim_disk *disk)
{
    struct sim_snapshot *snapshot = sim_alloc(sizeof *snapshot);
    for (size_t i = 0; i < disk->entry_count; i++) {
        if (disk->entries[i].now != NULL) {
            strcpy(snapshot->files[snapshot->count].name, disk->entries[i].name);
            image_copy(&snapshot->files[snapshot->count].image, &disk->entries[i].now->now);
            snapshot->count++;
        }
    }
    return snapshot;
}

void sim_disk_restore(struct sim_disk *disk, const struct sim_snapshot *snapshot)
{
    sim_disk_release(disk);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct sim_inode *inode = sim_disk_find(disk, snapshot->files[i].name, true);
        image_copy(&inode->now, &snapshot->files[i].image);
        image_copy(&inode->durable, &snapshot->files[i].image);
        sync_entry(find_entry(disk, snapshot->files[i].name));
    }
}

void sim_snapshot_rename(struct sim_snapshot *snapshot, int node)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        char *name = snapshot->files[i].name;
        char base[SIM_FILE_NAME_SIZE];
        snprintf(base, sizeof base, "%s", strrchr(name, '/') + 1);
        snprintf(name, SIM_FILE_NAME_SIZE, "/sim/%d/%.40s", node, base);
    }
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->files[i].image.bytes);
    }
    free(snapshot);
}

uint64_t sim_disk_hash(const struct sim_disk *disk)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < disk->entry_count; i++) {
        const struct sim_entry *entry = &disk->entries[i];
        if (entry->now != NULL) {
            hash = sim_hash(hash, entry->name, strlen(entry->name));
            hash = sim_hash(hash, entry->now->now.bytes, (size_t)entry->now->now.size);
        }
    }
    return hash;
}

bool sim_disk_flip_bit(struct sim_disk *disk, const char *name, uint64_t where)
{
    struct sim_inode *inode = sim_disk_find(disk, name, false);
    if (inode == NULL || inode->now.size == 0) {
        return false;
    }
    uint64_t at = where / 8 % (uint64_t)inode->now.size;
    uint8_t byte = inode->now.bytes[at] ^ (uint8_t)(1U << (where % 8));
    image_write(&inode->now, &byte, 1, (int64_t)at);
    image_write(&inode->durable, &byte, 1, (int64_t)at);
    return true;
}
