/* SPDX-License-Identifier: MIT
 *
 * Delays against guessing passwords: per account and per address, doubling with each failure beyond a few. In memory: a
 * restart forgives. Handlers ask from threads of the pool.
 *
 *   account: 5 tries are free, then 1, 2, 4 ... 60 s: whoever is attacked can still log in within a minute
 *   address: 20 tries are free, then 1, 2, 4 ... 900 s
 */
#ifndef FB_SERVER_GUARD_H
#define FB_SERVER_GUARD_H

#include <stdint.h>

#include "common/base/err.h"

struct fb_guard;

int fb_guard_new(struct fb_guard **ret) FB_MUST_CHECK;
void fb_guard_free(struct fb_guard *guard);

/* Asks before a password is looked at, and counts the try. Returns 0, or the seconds to wait. */
int fb_guard_try(struct fb_guard *guard, const char *login, const char *address, int64_t now_ms);
/* The try was right: it and the account's failures are forgotten. */
void fb_guard_right(struct fb_guard *guard, const char *login, const char *address);

#endif
