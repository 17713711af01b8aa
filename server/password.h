/* SPDX-License-Identifier: MIT
 *
 * Passwords at rest: argon2id (RFC 9106) as PHC strings, $argon2id$v=19$m=65536,t=3,p=1$SALT$TAG.
 *
 * One hash takes 64 MiB and about 0.14 s on purpose: call these on the pool (fb_loop_work), whose four threads are also the cap.
 */
#ifndef FB_SERVER_PASSWORD_H
#define FB_SERVER_PASSWORD_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/base/id.h"

#define FB_PASSWORD_MEMORY_KIB 65536
#define FB_PASSWORD_PASSES     3
#define FB_PASSWORD_LANES      1
#define FB_PASSWORD_SALT_BYTES 16
#define FB_PASSWORD_TAG_BYTES  32
#define FB_PASSWORD_BYTES_MAX  1024 /* longer ones are refused, not hashed */
#define FB_PASSWORD_PHC_SIZE   128  /* "p1" stands before a string of the peppered password */

/* The pepper: 32 bytes that are not in the database, so that its copy alone does not let passwords be guessed. DIR/tls/pepper, 0600, made
 * when it is missing. Loaded once per process, before the first hash; hashes made without one stay valid and count as outdated. */
int fb_password_load_pepper(const char *data, const struct fb_random *random,
                            struct fb_why *why) FB_MUST_CHECK;

/* FB_ERR_LIMIT for a password beyond FB_PASSWORD_BYTES_MAX, FB_ERR_NO_MEMORY. */
int fb_password_hash(const char *password, const struct fb_random *random,
                     char ret_phc[static FB_PASSWORD_PHC_SIZE]) FB_MUST_CHECK;

/* FB_OK if it is the password; then *ret_is_outdated tells that it was hashed with other parameters than today's (hash it anew).
 * FB_ERR_REFUSED if not. FB_ERR_DAMAGED if phc is not one of ours or asks for more than 1 GiB or 16 passes. The tags are compared in
 * constant time. phc NULL: an unknown login; takes as long as a known one and is refused. */
int fb_password_check(const char *password, const char *phc, bool *ret_is_outdated) FB_MUST_CHECK;

#endif
