/* SPDX-License-Identifier: MIT
 *
 * The laptop's folder encrypted by its file system, where that can (common/base/at_rest.h). Then DIR holds the databases and all else,
 * and DIR.identity what is needed while DIR is locked: who the laptop is, and the lease.
 *
 * The folder's key is made of the lease's secret, which headquarters knows too. While the lease runs the secret lies in the lease's
 * file, so that daemon and commands open the folder by themselves; so long encryption of the disk is what keeps a thief out. When the lease
 * ends the secret is erased and the key taken from the kernel: the files are then unreadable to every program. Headquarters gives
 * the secret back when it is reached; and for FB_VAULT_CODE_DAYS it can be got from the code of the day, under which it was laid
 * down (PBKDF2, 600,000 rounds; a code has 60 bits).
 */
#ifndef FB_REPLICA_VAULT_H
#define FB_REPLICA_VAULT_H

#include "common/crm/lease.h"

#define FB_VAULT_CODE_DAYS 30

/* The path of a file of the identity: in DIR.identity if there is one, else in DIR. */
void fb_vault_identity(const char *data, const char *name, char *ret, size_t size);

/* Encrypts the new, empty folder; false: this file system cannot, nothing was changed. */
int fb_vault_make(const char *data, const struct fb_sha256 *secret, bool *ret_is_made,
                  struct fb_why *why) FB_MUST_CHECK;
bool fb_vault_exists(const char *data);

/* Opens the folder if it is locked and the lease holds the secret. */
int fb_vault_open(const char *data, const struct fb_lease *lease, struct fb_why *why) FB_MUST_CHECK;
/* The lease ended: lays the secret down under the codes of the coming days, erases it, takes the key away. *lease is written. A file that
 * is still open keeps the rest readable to its program (FB_ERR_BUSY). */
int fb_vault_close(const char *data, struct fb_lease *lease, const char *device_id, int64_t now_ms,
                   struct fb_why *why) FB_MUST_CHECK;
/* The secret that was laid down under the code as typed; false: none. */
bool fb_vault_secret_of_code(const char *data, const char *code, int64_t now_ms,
                             struct fb_sha256 *ret);

#endif
