/* SPDX-License-Identifier: MIT
 *
 * Entries of the log that are older than the horizon leave it for packed segments, one segment in a transaction, so that nobody waits
 * for the write lock longer than for a push. docs/decisions/0050-horizon-of-the-log.md.
 */
#include "common/store/history_pack.h"
#include "server/internal.h"

void fb_hub_set_horizon(struct fb_hub *hub, int64_t horizon_ms)
{
    hub->horizon_ms = horizon_ms;
}

int fb_hub_compact(struct fb_hub *hub, int64_t now_ms, bool *ret_packed)
{
    *ret_packed = false;
    if (hub->horizon_ms == 0 || hub->rewound[0] != '\0') {
        return FB_OK;
    }
    int rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    bool is_packed = false;
    rc = fb_history_pack(hub->store, now_ms - hub->horizon_ms, now_ms, &is_packed);
    if (rc < 0 || !is_packed) {
        fb_store_rollback(hub->store);
        return rc;
    }
    rc = fb_store_commit(hub->store);
    *ret_packed = rc == FB_OK;
    return rc;
}
