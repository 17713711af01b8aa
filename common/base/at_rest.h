/* SPDX-License-Identifier: MIT
 *
 * How a folder is protected while the computer is off: what lies under it (dm-crypt, LUKS), and encryption of the folder itself by
 * its file system, fscrypt (ext4, f2fs, UBIFS), with a key that the kernel is given and that can be taken away again.
 *
 * fscrypt v2 policy, AES-256-XTS for contents, AES-256-CTS for names. Whoever owns the folder may do all of it.
 */
#ifndef FB_BASE_AT_REST_H
#define FB_BASE_AT_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum fb_at_rest {
    FB_AT_REST_UNKNOWN, /* a network file system, a device that tells nothing */
    FB_AT_REST_PLAIN,
    FB_AT_REST_DISK,   /* dm-crypt under it */
    FB_AT_REST_FOLDER, /* fscrypt */
    FB_AT_REST_MEMORY, /* gone when the computer is off */
};
enum fb_at_rest fb_at_rest_look(const char *folder);

#define FB_FOLDER_KEY_BYTES 64

/* The folder is empty: from now on what is written there needs the key. FB_ERR_NOT_FOUND: this file system has no encryption, and
 * nothing was changed. FB_ERR_INVALID: it is not empty. */
int fb_folder_encrypt(const char *folder, const uint8_t key[static FB_FOLDER_KEY_BYTES],
                      struct fb_why *why) FB_MUST_CHECK;
/* Has the folder an encryption of its own, and has the kernel no key for it? */
bool fb_folder_is_encrypted(const char *folder);
bool fb_folder_is_locked(const char *folder);
/* Gives the kernel the key. FB_ERR_REFUSED: it is another folder's. */
int fb_folder_unlock(const char *folder, const uint8_t key[static FB_FOLDER_KEY_BYTES],
                     struct fb_why *why) FB_MUST_CHECK;
/* Takes it away. FB_ERR_BUSY: files in it are open; they stay readable to who has them open, nobody opens others. */
int fb_folder_lock(const char *folder, struct fb_why *why) FB_MUST_CHECK;

#endif
