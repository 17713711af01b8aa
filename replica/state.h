/* SPDX-License-Identifier: MIT
 *
 * DIR/state.json: what the daemon tells others about its connection (`status`, later the pages). Only for people to read: nothing
 * is decided by it, losing it loses nothing.
 */
#ifndef FB_REPLICA_STATE_H
#define FB_REPLICA_STATE_H

#include <stdint.h>

#include "common/base/err.h"

struct fb_replica_state_note {
    const char *state; /* connected, offline, refused, stopped */
    const char *sentence;
    int64_t at_ms;
    int64_t retry_in_ms; /* 0: none */
};

void fb_replica_state_write(const char *data, const struct fb_replica_state_note *note);

/* The file's JSON text as it stands; "" if there is none. */
struct fb_buf;
void fb_replica_state_read(const char *data, struct fb_buf *ret);

#endif
