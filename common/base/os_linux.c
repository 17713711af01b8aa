/* SPDX-License-Identifier: MIT */
#include "common/base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock_ms(clockid_t id)
{
    struct timespec t;
    int rc = clock_gettime(id, &t);
    fb_assert(rc == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t fb_os_now_ms(void)
{
    return read_clock_ms(CLOCK_REALTIME);
}

int64_t fb_os_monotonic_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

double fb_os_cpu_seconds(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    fb_assert(rc == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fb_os_boot(char ret[static FB_BOOT_SIZE], int64_t *ret_ran_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    *ret_ran_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    ret[0] = '\0';
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f != NULL) {
        if (fgets(ret, FB_BOOT_SIZE, f) != NULL) {
            ret[strcspn(ret, "\n")] = '\0';
        }
        fclose(f);
    }
}

void fb_os_random(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t n = getrandom(at, size, 0);
        fb_assert(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
}

static int err_of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return FB_ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return FB_ERR_DISK_FULL;
    case ENOMEM:
        return FB_ERR_NO_MEMORY;
    default:
        return FB_ERR_IO;
    }
}

static int fail_errno(struct fb_why *why, const char *doing, const char *path)
{
    return fb_fail(why, err_of_errno(), "cannot %s %s: %s", fb_text(doing), path, strerror(errno));
}

static int read_all(int fd, const char *path, struct fb_buf *ret, struct fb_why *why)
{
    for (;;) {
        size_t room = ret->size_max - ret->size;
        uint8_t *at = fb_buf_reserve(ret, room < 65536 ? room : 65536);
        if (at == NULL) {
            return fb_buf_error(ret);
        }
        ssize_t n = read(fd, at, room < 65536 ? room : 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(why, "read", path);
        }
        fb_buf_commit(ret, (size_t)n);
        if (n == 0) {
            return FB_OK;
        }
        if (ret->size == ret->size_max) {
            return fb_fail(why, FB_ERR_LIMIT, "%s is larger than %zu bytes: is it the right file?",
                           path, ret->size_max);
        }
    }
}

int fb_os_read_file(const char *path, struct fb_buf *ret, struct fb_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(why, "open", path);
    }
    int rc = read_all(fd, path, ret, why);
    close(fd);
    return rc;
}

static int write_all(int fd, const char *path, const uint8_t *bytes, size_t size,
                     struct fb_why *why)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(why, "write", path);
        }
        bytes += n;
        size -= (size_t)n;
    }
    return fsync(fd) == 0 ? FB_OK : fail_errno(why, "sync", path);
}

int fb_os_sync_folder_of(const char *path, struct fb_why *why)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(why, "open", folder);
    }
    int rc = fsync(fd) == 0 ? FB_OK : fail_errno(why, "sync", folder);
    close(fd);
    return rc;
}

/* A mode keeps secrets. What everybody may read does without one where the file system has none (FAT, on sticks). */
static int set_mode(int fd, const char *path, unsigned mode, struct fb_why *why)
{
    bool is_secret = (mode & 077) == 0;
    return fchmod(fd, mode) == 0 || (errno == EPERM && !is_secret)
               ? FB_OK
               : fail_errno(why, "set the mode of", path);
}

int fb_os_write_file(const char *path, const void *bytes, size_t size, unsigned mode,
                     struct fb_why *why)
{
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        return fb_fail(why, FB_ERR_INVALID, "the path %.200s... is too long", path);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail_errno(why, "create", beside);
    }
    int rc = set_mode(fd, beside, mode, why);
    if (rc == FB_OK) {
        rc = write_all(fd, beside, bytes, size, why);
    }
    close(fd);
    if (rc == FB_OK && rename(beside, path) != 0) {
        rc = fail_errno(why, "replace", path);
    }
    if (rc != FB_OK) {
        unlink(beside);
        return rc;
    }
    return fb_os_sync_folder_of(path, why);
}

int fb_os_make_folder(const char *path, struct fb_why *why)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return FB_OK;
    }
    return fail_errno(why, "make the folder", path);
}

int fb_os_create_file(const char *path, unsigned mode, bool replaces, FILE **ret,
                      struct fb_why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (replaces ? O_TRUNC : O_EXCL), mode);
    FILE *file = fd < 0 || fchmod(fd, mode) != 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        int rc = errno == EEXIST ? fb_fail(why, FB_ERR_EXISTS, "%s is there already", path)
                                 : fail_errno(why, "create", path);
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    *ret = file;
    return FB_OK;
}

int fb_os_open_file(const char *path, FILE **ret, struct fb_why *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fail_errno(why, "open", path);
    }
    *ret = file;
    return FB_OK;
}

int fb_os_sync_file(FILE *file, const char *path, struct fb_why *why)
{
    return fflush(file) == 0 && fsync(fileno(file)) == 0 ? FB_OK : fail_errno(why, "write", path);
}

int fb_os_name_file(const char *from, const char *to, struct fb_why *why)
{
    if (link(from, to) == 0) {
        return FB_OK;
    }
    return errno == EEXIST ? fb_fail(why, FB_ERR_EXISTS, "%s is there already", to)
                           : fail_errno(why, "create", to);
}

void fb_os_remove_file(const char *path)
{
    unlink(path);
}

int fb_os_rename(const char *from, const char *to, struct fb_why *why)
{
    return rename(from, to) == 0 ? FB_OK : fail_errno(why, "rename", from);
}

int fb_os_each_file(const char *folder, int (*f)(void *ctx, const char *name), void *ctx,
                    struct fb_why *why)
{
    DIR *d = opendir(folder);
    if (d == NULL) {
        return fail_errno(why, "open", folder);
    }
    int rc = FB_OK;
    for (const struct dirent *e; rc >= 0 && (e = readdir(d)) != NULL;) {
        rc =
            strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ? FB_OK : f(ctx, e->d_name);
    }
    closedir(d);
    return rc;
}

struct removal {
    const char *folder;
    int depth;
    struct fb_why *why;
};

static int remove_file(void *ctx, const char *name)
{
    const struct removal *r = ctx;
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    if (unlink(path) == 0 || errno == ENOENT) {
        return FB_OK;
    }
    if (errno != EISDIR || r->depth == 0) {
        return fail_errno(r->why, "remove", path);
    }
    struct removal below = {.folder = path, .depth = r->depth - 1, .why = r->why};
    int rc = fb_os_each_file(path, remove_file, &below, r->why);
    return rc < 0 || rmdir(path) == 0 ? rc : fail_errno(r->why, "remove", path);
}

int fb_os_remove_folder(const char *path, struct fb_why *why)
{
    if (!fb_os_file_exists(path)) {
        return FB_OK;
    }
    struct removal removal = {.folder = path, .depth = 1, .why = why};
    int rc = fb_os_each_file(path, remove_file, &removal, why);
    return rc < 0 || rmdir(path) == 0 ? rc : fail_errno(why, "remove", path);
}

bool fb_os_is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int write_zeros(int fd, int64_t size)
{
    static const char zeros[65536];
    for (int64_t at = 0; at < size;) {
        size_t left = (uint64_t)(size - at) < sizeof zeros ? (size_t)(size - at) : sizeof zeros;
        ssize_t n = write(fd, zeros, left);
        if (n < 0) {
            return -1;
        }
        at += n;
    }
    return fsync(fd);
}

int fb_os_erase_file(const char *path, struct fb_why *why)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? FB_OK : fail_errno(why, "look at", path);
    }
    int fd = S_ISREG(st.st_mode) ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd >= 0) {
        int rc =
            write_zeros(fd, st.st_size); /* a disk that is full or failing must not save the file */
        close(fd);
        (void)rc;
    }
    return unlink(path) == 0 || errno == ENOENT ? FB_OK : fail_errno(why, "remove", path);
}

int fb_os_file_bytes(const char *path, int64_t *ret)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return err_of_errno();
    }
    *ret = st.st_size;
    return FB_OK;
}

int fb_os_free_bytes(const char *path, int64_t *ret)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0) {
        return FB_ERR_IO;
    }
    *ret = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
    return FB_OK;
}

int fb_os_file_mode(const char *path, unsigned *ret)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return err_of_errno();
    }
    *ret = st.st_mode & 0777U;
    return FB_OK;
}

bool fb_os_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int fb_os_check_private(const char *path, struct fb_why *why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return fail_errno(why, "open", path);
    }
    if ((st.st_mode & 077) != 0) {
        return fb_fail(
            why, FB_ERR_CONFIG,
            "%s can be read by others (mode %04o): run `chmod 600 %s` and, if others may have "
            "read it, have it replaced",
            path, st.st_mode & 07777, path);
    }
    return FB_OK;
}

int fb_os_lock_folder(const char *folder, int *ret_lock, struct fb_why *why)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path) {
        return fb_fail(why, FB_ERR_INVALID, "the path %.200s... is too long", folder);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_errno(why, "open", path);
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        char holder[32] = "";
        ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
        holder[n > 0 ? n : 0] = '\0';
        holder[strcspn(holder, "\n")] = '\0';
        close(fd);
        return fb_fail(
            why, FB_ERR_BUSY,
            "another Fieldbook process (%s) is using %s: stop it first, or give this one "
            "another --data folder",
            holder[0] == '\0' ? fb_text("unknown") : holder, folder);
    }
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        int rc = fail_errno(why, "write", path);
        close(fd);
        return rc;
    }
    *ret_lock = fd;
    return FB_OK;
}

void fb_os_unlock(int lock)
{
    if (lock >= 0) {
        close(lock);
    }
}

bool fb_os_open_in_browser(const char *url)
{
    char *const words[] = {(char *)(uintptr_t) "xdg-open", (char *)(uintptr_t)url, NULL};
    pid_t child;
    int status = 0;
    if (getenv("DISPLAY") == NULL && getenv("WAYLAND_DISPLAY") == NULL) {
        return false;
    }
    return posix_spawnp(&child, words[0], NULL, NULL, words, environ) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

bool fb_os_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

void fb_os_share_path(const char *name, char *ret, size_t ret_size)
{
    const char *share = getenv("FIELDBOOK_SHARE");
    if (share != NULL && share[0] != '\0') {
        snprintf(ret, ret_size, "%s/%s", share, name);
        return;
    }
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    snprintf(ret, ret_size, "%s/../share/fieldbook/%s", exe, name);
}
