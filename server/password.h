/* SPDX-License-Identifier: MIT
 *
 * Passwords as argon2id (RFC 9106), kept as PHC strings with their parameters, so that they can be raised later. One hash costs
 * 64 MiB and about 0.15 s: on a server, hash on the loop's pool, at most four at once.
 */
#ifndef FB_SERVER_PASSWORD_H
#define FB_SERVER_PASSWORD_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/base/id.h"

#define FB_PASSWORD_PHC_SIZE  160
#define FB_PASSWORD_BYTES_MIN 12
#define FB_PASSWORD_BYTES_MAX 1024

/* FB_ERR_INVALID for a password outside the lengths above, FB_ERR_NO_MEMORY. */
int fb_password_hash(const char *password, const struct fb_random *random,
                     char ret_phc[static FB_PASSWORD_PHC_SIZE]) FB_MUST_CHECK;

/* True if the password is the one the string was made of; in constant time. */
bool fb_password_verify(const char *phc, const char *password);

/* True if the string was made with weaker parameters than today's: hash again at the next log-in. */
bool fb_password_needs_rehash(const char *phc);

#endif
