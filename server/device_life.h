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

#endif
