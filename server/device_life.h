/* SPDX-License-Identifier: MIT
 *
 * What headquarters knows of a laptop's life beside its row in `device`: when it was last heard of and how far it was, what
 * waited there, the secret of its unlock codes, and whether it was told to erase its data and did. In the engine's table
 * fb_device_life: none of it is a rev. Decisions about devices are in server/devices.h.
 */
#ifndef FB_SERVER_DEVICE_LIFE_H
#define FB_SERVER_DEVICE_LIFE_H

#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/crm/lease.h"
#include "common/store/store.h"

/* The secret of a device's unlock codes; made if it has none. In a transaction that writes. */
int fb_device_lease_secret(struct fb_store *s, const char *device_id,
                           const struct fb_random *random, struct fb_sha256 *ret) FB_MUST_CHECK;

/* The code that unlocks a device (an id or a name) on the UTC day of now_ms and the days beside it. FB_ERR_NOT_FOUND,
 * FB_ERR_INVALID with a sentence (no such device; one that never got a secret, or may not come back). */
int fb_device_unlock_code(struct fb_store *s, const char *device, int64_t now_ms,
                          char ret_code[static FB_UNLOCK_CODE_SIZE],
                          struct fb_why *why) FB_MUST_CHECK;

/* What one contact showed. */
struct fb_life_note {
    char device_id[FB_ROW_ID_SIZE];
    int64_t hello_at_ms; /* 0: it said no hello since the last note */
    int64_t unsent;      /* -1: nothing new is known */
    int64_t cut_at_ms;   /* 0: it got no cut since */
    int64_t cut_rev;
    char app_version[32];
};
int fb_device_note_life(struct fb_store *s, const struct fb_life_note *note) FB_MUST_CHECK;

/* Orders a device to erase its data at its next contact; takes_unsent: after it handed in what waits there. Within the
 * transaction of fb_device_set_state. */
int fb_device_order_wipe(struct fb_store *s, const char *device_id, bool takes_unsent,
                         int64_t now_ms) FB_MUST_CHECK;
/* It says that it did, and how many unsent edits went with it. *ret_is_ordered false: nobody ordered it, nothing is noted. */
int fb_device_note_wiped(struct fb_store *s, const char *device_id, int64_t unsent, int64_t now_ms,
                         bool *ret_is_ordered) FB_MUST_CHECK;

/* What people read of one device. */
struct fb_device_life {
    int64_t seen_at_ms;                      /* the last hello, cut or push; 0: never */
    int64_t unsent;                          /* as it last said; -1: never said */
    int64_t behind;                          /* revs since its last cut; -1: it never got one */
    int64_t wipe_ordered_at_ms, wiped_at_ms; /* 0: not */
    int64_t wiped_unsent;
    bool wipe_takes_unsent;
    char app_version[32];
};
int fb_device_life_read(struct fb_store *s, const char *device_id,
                        struct fb_device_life *ret) FB_MUST_CHECK;

#endif
