/* SPDX-License-Identifier: MIT
 *
 * By linux/fscrypt.h and /sys/dev/block. A folder's device is looked at with everything below it: a logical volume on a LUKS
 * partition is encrypted.
 */
#include "common/base/at_rest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/mem.h"

#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define DEPTH_MAX   8

/* ---- What lies under it ---- */

static bool reads_crypt(const char *device)
{
    char path[512];
    char uuid[16] = "";
    snprintf(path, sizeof path, "%s/dm/uuid", device);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    bool is_crypt = fgets(uuid, sizeof uuid, f) != NULL && strncmp(uuid, "CRYPT-", 6) == 0;
    fclose(f);
    return is_crypt;
}

/* Every way down must pass dm-crypt: a mirror with one plain half is plain. */
static bool is_crypt_below(const char *device, int depth)
{
    char path[512];
    if (reads_crypt(device)) {
        return true;
    }
    snprintf(path, sizeof path, "%.480s/slaves", device);
    DIR *d = depth < DEPTH_MAX ? opendir(path) : NULL;
    bool all = d != NULL;
    int count = 0;
    for (const struct dirent *e; all && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            char below[512];
            count++;
            snprintf(below, sizeof below, "/sys/class/block/%.200s", e->d_name);
            all = is_crypt_below(below, depth + 1);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return all && count > 0;
}

/* Some file systems have a device number of their own (btrfs): the mount's source says which device it is. */
static bool find_source(const char *folder, char *ret, size_t size)
{
    struct stat st;
    char line[4096];
    FILE *f = stat(folder, &st) == 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
    bool is_found = false;
    while (f != NULL && !is_found && fgets(line, sizeof line, f) != NULL) {
        unsigned major_no = 0;
        unsigned minor_no = 0;
        char source[256] = "";
        const char *rest = strstr(line, " - ");
        if (rest != NULL && sscanf(line, "%*d %*d %u:%u", &major_no, &minor_no) == 2 &&
            makedev(major_no, minor_no) == st.st_dev && sscanf(rest, " - %*s %255s", source) == 1 &&
            stat(source, &st) == 0 && S_ISBLK(st.st_mode)) {
            snprintf(ret, size, "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
            is_found = true;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return is_found;
}

enum fb_at_rest fb_at_rest_look(const char *folder)
{
    struct statfs fs;
    struct stat st;
    char device[128];
    if (fb_folder_is_encrypted(folder)) {
        return FB_AT_REST_FOLDER;
    }
    if (statfs(folder, &fs) != 0 || stat(folder, &st) != 0) {
        return FB_AT_REST_UNKNOWN;
    }
    if (fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC) {
        return FB_AT_REST_MEMORY;
    }
    snprintf(device, sizeof device, "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
    if (access(device, F_OK) != 0 && !find_source(folder, device, sizeof device)) {
        return FB_AT_REST_UNKNOWN;
    }
    return is_crypt_below(device, 0) ? FB_AT_REST_DISK : FB_AT_REST_PLAIN;
}

/* ---- The folder's own encryption ---- */

static int open_folder(const char *folder, struct fb_why *why)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : fb_fail(why, FB_ERR_IO, "cannot open %s: %s", folder, strerror(errno));
}

static bool read_policy(int fd, struct fscrypt_get_policy_ex_arg *ret)
{
    *ret = (struct fscrypt_get_policy_ex_arg){.policy_size = sizeof ret->policy};
    return ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, ret) == 0 &&
           ret->policy.version == FSCRYPT_POLICY_V2;
}

static int add_key(int fd, const uint8_t *key, uint8_t ret_id[FSCRYPT_KEY_IDENTIFIER_SIZE],
                   const char *folder, struct fb_why *why)
{
    union {
        struct fscrypt_add_key_arg arg;
        uint8_t room[sizeof(struct fscrypt_add_key_arg) + FB_FOLDER_KEY_BYTES];
    } add = {.arg = {.key_spec = {.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER},
                     .raw_size = FB_FOLDER_KEY_BYTES}};
    memcpy(add.arg.raw, key, FB_FOLDER_KEY_BYTES);
    int rc = ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, &add.arg);
    int failure = errno;
    memcpy(ret_id, add.arg.key_spec.u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
    explicit_bzero(&add, sizeof add);
    if (rc == 0) {
        return FB_OK;
    }
    if (failure == EOPNOTSUPP || failure == ENOTTY || failure == ENOSYS) {
        return FB_ERR_NOT_FOUND;
    }
    return fb_fail(why, FB_ERR_IO, "the kernel does not take the key of %s: %s", folder,
                   strerror(failure));
}

int fb_folder_encrypt(const char *folder, const uint8_t key[static FB_FOLDER_KEY_BYTES],
                      struct fb_why *why)
{
    int fd = open_folder(folder, why);
    if (fd < 0) {
        return fd;
    }
    struct fscrypt_policy_v2 policy = {.version = FSCRYPT_POLICY_V2,
                                       .contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
                                       .filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
                                       .flags = FSCRYPT_POLICY_FLAGS_PAD_32};
    int rc = add_key(fd, key, policy.master_key_identifier, folder, why);
    if (rc == FB_OK && ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy) != 0) {
        int failure = errno;
        rc = failure == EEXIST                                                 ? FB_ERR_EXISTS
             : failure == ENOTEMPTY                                            ? FB_ERR_INVALID
             : failure == EOPNOTSUPP || failure == ENOTTY || failure == ENOSYS ? FB_ERR_NOT_FOUND
                                                                               : FB_ERR_IO;
        fb_why_set(why, "%s cannot be encrypted: %s", folder, strerror(failure));
    }
    close(fd);
    return rc;
}

bool fb_folder_is_encrypted(const char *folder)
{
    struct fscrypt_get_policy_ex_arg policy;
    int fd = open_folder(folder, NULL);
    bool is_encrypted = fd >= 0 && read_policy(fd, &policy);
    if (fd >= 0) {
        close(fd);
    }
    return is_encrypted;
}

bool fb_folder_is_locked(const char *folder)
{
    struct fscrypt_get_policy_ex_arg policy;
    int fd = open_folder(folder, NULL);
    bool is_locked = false;
    if (fd >= 0 && read_policy(fd, &policy)) {
        struct fscrypt_get_key_status_arg status = {
            .key_spec = {.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}};
        memcpy(status.key_spec.u.identifier, policy.policy.v2.master_key_identifier,
               FSCRYPT_KEY_IDENTIFIER_SIZE);
        is_locked = ioctl(fd, FS_IOC_GET_ENCRYPTION_KEY_STATUS, &status) != 0 ||
                    status.status != FSCRYPT_KEY_STATUS_PRESENT;
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_locked;
}

int fb_folder_unlock(const char *folder, const uint8_t key[static FB_FOLDER_KEY_BYTES],
                     struct fb_why *why)
{
    struct fscrypt_get_policy_ex_arg policy;
    uint8_t id[FSCRYPT_KEY_IDENTIFIER_SIZE];
    int fd = open_folder(folder, why);
    if (fd < 0) {
        return fd;
    }
    int rc = add_key(fd, key, id, folder, why);
    if (rc == FB_OK && (!read_policy(fd, &policy) ||
                        memcmp(policy.policy.v2.master_key_identifier, id, sizeof id) != 0)) {
        rc = fb_fail(why, FB_ERR_REFUSED, "%s was encrypted with another key", folder);
    }
    close(fd);
    return rc;
}

int fb_folder_lock(const char *folder, struct fb_why *why)
{
    char parent[4200];
    struct fscrypt_get_policy_ex_arg policy;
    int fd = open_folder(folder, why);
    bool is_encrypted = fd >= 0 && read_policy(fd, &policy);
    if (fd >= 0) {
        close(fd); /* it is a file of the folder itself: open, it would keep the key in use */
    }
    if (fd < 0 || !is_encrypted) {
        return fd < 0 ? fd : FB_OK;
    }
    struct fscrypt_remove_key_arg remove = {.key_spec = {.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}};
    memcpy(remove.key_spec.u.identifier, policy.policy.v2.master_key_identifier,
           FSCRYPT_KEY_IDENTIFIER_SIZE);
    snprintf(parent, sizeof parent, "%s/..", folder);
    fd = open_folder(parent, why);
    if (fd < 0) {
        return fd;
    }
    int rc = FB_OK;
    if (ioctl(fd, FS_IOC_REMOVE_ENCRYPTION_KEY, &remove) != 0 && errno != ENOKEY) {
        rc = fb_fail(why, FB_ERR_IO, "the key of %s stays in the kernel: %s", folder,
                     strerror(errno));
    } else if ((remove.removal_status_flags & FSCRYPT_KEY_REMOVAL_STATUS_FLAG_FILES_BUSY) != 0) {
        rc = fb_fail(why, FB_ERR_BUSY, "a program still has files of %s open", folder);
    }
    close(fd);
    return rc;
}
