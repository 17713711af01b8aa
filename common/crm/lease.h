/* SPDX-License-Identifier: MIT
 *
 * The lease: how long a laptop may work without hearing of headquarters, and the code that unlocks it over the telephone.
 *
 * Values in, values out: where a laptop keeps its lease is replica/lease.h, what headquarters knows of the secret
 * server/device_life.h. The clock of a lease is the laptop's as far as it can be believed: it never goes back. A clock set
 * back counts on by the time the computer runs (which no setting changes); one that jumped ahead is not forgotten.
 */
#ifndef FB_CRM_LEASE_H
#define FB_CRM_LEASE_H

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/base/time.h"

#define FB_UNLOCK_CODE_SIZE 15 /* "K7QM-2XD4-9RH1" */
#define FB_DAY_SIZE         11 /* "2026-11-28" */

/* Zero-initialised: no lease, never locked. */
struct fb_lease {
    int64_t length_ms; /* as headquarters gave it; 0: none */
    int64_t until_ms;  /* when it locks, by clock_ms */
    int64_t clock_ms;
    char boot
        [FB_BOOT_SIZE]; /* which start of the computer, and how long it ran then, when clock_ms was noted */
    int64_t ran_ms;
    struct fb_sha256 secret;    /* zeros: none, no code unlocks */
    char used_day[FB_DAY_SIZE]; /* of the newest code that unlocked: older ones are dead */
    int tries;                  /* wrong codes in a row */
    int64_t tried_at_ms;        /* the last of them, by clock_ms */
};

/* Lets the lease's clock go on. boot, ran_ms: of fb_os_boot(). */
void fb_lease_look(struct fb_lease *l, int64_t now_ms, const char *boot, int64_t ran_ms);
/* Headquarters answered: length_ms from now on, 0: for ever. Look first. */
void fb_lease_renew(struct fb_lease *l, int64_t now_ms, int64_t length_ms);
bool fb_lease_is_locked(const struct fb_lease *l);
/* Until it locks; 0: locked; INT64_MAX: never. */
int64_t fb_lease_left_ms(const struct fb_lease *l);
/* The same in days, the last one counted as 1; -1: never. */
int fb_lease_days_left(const struct fb_lease *l);

/* The UTC day of an instant. */
void fb_day_of(int64_t at_ms, char ret[static FB_DAY_SIZE]);

/* The code for one device on one day. */
void fb_unlock_code_make(const struct fb_sha256 *secret, const char *device_id, const char *day,
                         char ret[static FB_UNLOCK_CODE_SIZE]);

/* Tries a code as typed (small letters, blanks, hyphens do not matter). FB_OK: unlocked for FB_LEASE_UNLOCK_MS. FB_ERR_REFUSED
 * with a sentence; a wrong one counts: after FB_UNLOCK_TRIES_MAX none is looked at for FB_UNLOCK_WAIT_MS. Save the lease
 * either way. */
int fb_lease_unlock(struct fb_lease *l, const char *device_id, const char *code, int64_t now_ms,
                    struct fb_why *why) FB_MUST_CHECK;

#endif
