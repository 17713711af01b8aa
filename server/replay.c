/* SPDX-License-Identifier: MIT
 *
 * Pushes of earlier lives. A laptop that got a new incarnation keeps what it had delivered under older ones, and sends it again when
 * headquarters was restored; here it counts once, by the hash it had first. A laptop can lie about that hash: then only its own push is left out.
 */
#include "server/internal.h"

int fb_replay_is_known(struct fb_store *s, const struct fb_push_origin *origin, bool *ret)
{
    struct fb_sha256 hash = {{0}};
    *ret = false;
    if (origin->number == 0) {
        return FB_OK;
    }
    int rc = fb_hub_seen_hash(s, origin->incarnation, origin->number, &hash, ret);
    *ret = *ret && fb_sha256_equal(&hash, &origin->hash);
    if (rc < 0 || *ret) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "SELECT 1 FROM fb_replayed WHERE hash = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_bytes(q, 1, origin->hash.bytes, sizeof origin->hash.bytes);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

int fb_replay_note(struct fb_store *s, const struct fb_push_origin *origin)
{
    int64_t rev = 0;
    if (origin->number == 0) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_history_head(s, &rev);
    rc = rc < 0 ? rc
                : fb_sql_begin(s,
                               "INSERT INTO fb_replayed (hash, rev) VALUES (?1, ?2) ON CONFLICT DO "
                               "NOTHING",
                               &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_bytes(q, 1, origin->hash.bytes, sizeof origin->hash.bytes);
    fb_sql_bind_int(q, 2, rev);
    return fb_sql_run(q);
}
