/* SPDX-License-Identifier: MIT
 *
 * What is asked of the operating system and libuv does not cover: clock, random bytes, files with
 * modes, the lock of a data folder. The only file besides common/net that may assume a kind of
 * system.
 */
#ifndef FB_BASE_OS_H
#define FB_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/err.h"

int64_t fb_os_now_ms(void);       /* wall clock, UTC */
int64_t fb_os_monotonic_ms(void); /* for timers; starts anywhere, never goes back */
/* Which start of the computer this is (""; not known), and how long it has run since, sleep included; no setting of the clock
 * changes it. */
#define FB_BOOT_SIZE 40
void fb_os_boot(char ret[static FB_BOOT_SIZE], int64_t *ret_ran_ms);
void fb_os_random(void *bytes, size_t size);

/* The whole file, at most size_max bytes, into an initialised buffer. FB_ERR_NOT_FOUND,
 * FB_ERR_LIMIT, FB_ERR_IO; why names the path. */
int fb_os_read_file(const char *path, struct fb_buf *ret, struct fb_why *why) FB_MUST_CHECK;

/* Writes beside it, syncs and renames, so that a reader sees the old or the new file. mode as in
 * chmod; one that keeps others out is an error where the file system knows no modes. */
int fb_os_write_file(const char *path, const void *bytes, size_t size, unsigned mode,
                     struct fb_why *why) FB_MUST_CHECK;

/* A new file to write, with its mode from the first moment; replaces: one of that name is emptied, else it must not be there.
 * FB_ERR_EXISTS. Close with fclose(). */
int fb_os_create_file(const char *path, unsigned mode, bool replaces, FILE **ret,
                      struct fb_why *why) FB_MUST_CHECK;
int fb_os_open_file(const char *path, FILE **ret, struct fb_why *why) FB_MUST_CHECK; /* to read */
/* Flushes and syncs it. */
int fb_os_sync_file(FILE *file, const char *path, struct fb_why *why) FB_MUST_CHECK;
/* Another name for the file, which replaces nothing. FB_ERR_EXISTS. */
int fb_os_name_file(const char *from, const char *to, struct fb_why *why) FB_MUST_CHECK;
void fb_os_remove_file(const char *path);
/* Writes zeros over the file, syncs, and removes it; one that is not there is fine. */
int fb_os_erase_file(const char *path, struct fb_why *why) FB_MUST_CHECK;
bool fb_os_is_folder(const char *path);
/* A new or renamed file is durable once its folder is synced. */
int fb_os_sync_folder_of(const char *path, struct fb_why *why) FB_MUST_CHECK;
/* The file's new name, in the same file system; an existing file of that name is replaced. */
int fb_os_rename(const char *from, const char *to, struct fb_why *why) FB_MUST_CHECK;
/* Removes a folder with all files in it, one level of folders below included; what is not there is fine. */
int fb_os_remove_folder(const char *path, struct fb_why *why) FB_MUST_CHECK;
/* Calls f with the name of each file of a folder, in no order; f ends it with a negative result. FB_ERR_NOT_FOUND. */
int fb_os_each_file(const char *folder, int (*f)(void *ctx, const char *name), void *ctx,
                    struct fb_why *why) FB_MUST_CHECK;
int fb_os_file_bytes(const char *path, int64_t *ret) FB_MUST_CHECK;
/* Bytes that an ordinary user may still write to the file system a path is on. */
int fb_os_free_bytes(const char *path, int64_t *ret) FB_MUST_CHECK;
int fb_os_file_mode(const char *path, unsigned *ret) FB_MUST_CHECK;

/* Makes the folder with mode 0700 (parents must exist); an existing one is fine. */
int fb_os_make_folder(const char *path, struct fb_why *why) FB_MUST_CHECK;
bool fb_os_file_exists(const char *path);

/* FB_ERR_CONFIG with a sentence if others than the owner may read the file (a private key). */
int fb_os_check_private(const char *path, struct fb_why *why) FB_MUST_CHECK;

/* Takes the lock of a folder for the life of the process: FOLDER/lock, an open file description
 * lock, the holder's process id in it. FB_ERR_BUSY names the holder. Release with fb_os_unlock().
 */
int fb_os_lock_folder(const char *folder, int *ret_lock, struct fb_why *why) FB_MUST_CHECK;
void fb_os_unlock(int lock);

bool fb_os_is_terminal(int fd);

/* Starts the person's browser with a URL. False if there is no screen or no browser. */
bool fb_os_open_in_browser(const char *url);

/* The folder of shipped data (catalogue, seed, mappings): FIELDBOOK_SHARE, else ../share/fieldbook beside the
 * folder of the executable. */
void fb_os_share_path(const char *name, char *ret, size_t ret_size);

/* CPU seconds (user and system) and peak resident bytes of this process, for figures people read.
 */
double fb_os_cpu_seconds(void);

#endif
