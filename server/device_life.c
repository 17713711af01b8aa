/* SPDX-License-Identifier: MIT */
#include "server/device_life.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/sql.h"
#include "server/devices.h"

/* FB_ERR_NOT_FOUND: it has none. */
static int read_secret(struct fb_store *s, const char *device_id, struct fb_sha256 *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT lease_secret FROM fb_device_life WHERE device_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    rc = fb_sql_step(q);
    struct fb_value secret = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : (struct fb_value){0};
    if (rc < 0 || secret.type != FB_BLOB || secret.size != sizeof ret->bytes) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    memcpy(ret->bytes, secret.bytes, sizeof ret->bytes);
    return FB_OK;
}

int fb_device_lease_secret(struct fb_store *s, const char *device_id,
                           const struct fb_random *random, struct fb_sha256 *ret)
{
    int rc = read_secret(s, device_id, ret);
    if (rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "INSERT INTO fb_device_life (device_id, lease_secret) VALUES (?1, ?2)"
                      " ON CONFLICT (device_id) DO UPDATE SET lease_secret = excluded.lease_secret",
                      &q);
    if (rc < 0) {
        return rc;
    }
    random->fill(random->ctx, ret->bytes, sizeof ret->bytes);
    fb_sql_bind_text(q, 1, device_id);
    fb_sql_bind_bytes(q, 2, ret->bytes, sizeof ret->bytes);
    return fb_sql_run(q);
}

int fb_device_unlock_code(struct fb_store *s, const char *device, int64_t now_ms,
                          char ret_code[static FB_UNLOCK_CODE_SIZE], struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    char state[FB_DEVICE_STATE_SIZE];
    char day[FB_DAY_SIZE];
    struct fb_sha256 secret;
    int rc = fb_device_find(s, device, id, state, why);
    if (rc < 0) {
        return rc;
    }
    if (strcmp(state, "active") != 0) {
        return fb_fail(why, FB_ERR_INVALID,
                       "device %s is %s: a code would open it all the same, so none is given",
                       device, state);
    }
    rc = read_secret(s, id, &secret);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(why, FB_ERR_INVALID,
                       "device %s was enrolled before there were unlock codes: it must reach "
                       "headquarters itself",
                       device);
    }
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_day_of(now_ms, day);
    fb_unlock_code_make(&secret, id, day, ret_code);
    return FB_OK;
}

/* ---- What is noted ---- */

int fb_device_note_life(struct fb_store *s, const struct fb_life_note *note)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "INSERT INTO fb_device_life (device_id, hello_at_ms, app_version, unsent, cut_at_ms, "
        "cut_rev)"
        " VALUES (?1, nullif(?2, 0), nullif(?3, ''), nullif(?4, -1), nullif(?5, 0), nullif(?6, 0))"
        " ON CONFLICT (device_id) DO UPDATE SET"
        " hello_at_ms = coalesce(excluded.hello_at_ms, hello_at_ms),"
        " app_version = coalesce(excluded.app_version, app_version),"
        " unsent = coalesce(excluded.unsent, unsent),"
        " cut_at_ms = coalesce(excluded.cut_at_ms, cut_at_ms),"
        " cut_rev = coalesce(excluded.cut_rev, cut_rev)",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, note->device_id);
    fb_sql_bind_int(q, 2, note->hello_at_ms);
    fb_sql_bind_text(q, 3, note->app_version);
    fb_sql_bind_int(q, 4, note->unsent);
    fb_sql_bind_int(q, 5, note->cut_at_ms);
    fb_sql_bind_int(q, 6, note->cut_rev);
    return fb_sql_run(q);
}

int fb_device_order_wipe(struct fb_store *s, const char *device_id, bool takes_unsent,
                         int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "INSERT INTO fb_device_life (device_id, wipe_ordered_at_ms, wipe_takes_unsent) VALUES (?1, "
        "?2, ?3) ON CONFLICT (device_id) DO UPDATE SET wipe_ordered_at_ms = "
        "excluded.wipe_ordered_at_ms, wipe_takes_unsent = excluded.wipe_takes_unsent",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    fb_sql_bind_int(q, 2, now_ms);
    fb_sql_bind_int(q, 3, takes_unsent ? 1 : 0);
    return fb_sql_run(q);
}

int fb_device_note_wiped(struct fb_store *s, const char *device_id, int64_t unsent, int64_t now_ms,
                         bool *ret_is_ordered)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "UPDATE fb_device_life SET wiped_at_ms = coalesce(wiped_at_ms, ?2),"
                          " wiped_unsent = CASE WHEN wiped_at_ms IS NULL THEN ?3 ELSE wiped_unsent "
                          "END WHERE device_id = ?1 AND wipe_ordered_at_ms IS NOT NULL AND EXISTS "
                          "(SELECT 1 FROM device WHERE id = ?1 AND state = 'wiped')",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    fb_sql_bind_int(q, 2, now_ms);
    fb_sql_bind_int(q, 3, unsent);
    rc = fb_sql_run(q);
    *ret_is_ordered = rc == FB_OK && fb_sql_changes(s) > 0;
    return rc;
}

int fb_device_life_read(struct fb_store *s, const char *device_id, struct fb_device_life *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT max(coalesce(l.hello_at_ms, 0), coalesce(l.cut_at_ms, 0), coalesce((SELECT"
        " max(f.at_ms) FROM fb_seen f JOIN fb_incarnation i ON i.id = f.incarnation WHERE"
        " i.device_id = ?1), 0)), coalesce(l.unsent, -1),"
        " coalesce((SELECT max(rev) FROM fb_rev) - l.cut_rev, -1), coalesce(l.wipe_ordered_at_ms, "
        "0),"
        " coalesce(l.wiped_at_ms, 0), coalesce(l.wiped_unsent, 0), coalesce(l.wipe_takes_unsent, "
        "1),"
        " coalesce(l.app_version, '')"
        " FROM (SELECT 1) LEFT JOIN fb_device_life l ON l.device_id = ?1",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    *ret = (struct fb_device_life){.seen_at_ms = fb_sql_int(q, 0),
                                   .unsent = fb_sql_int(q, 1),
                                   .behind = fb_sql_int(q, 2),
                                   .wipe_ordered_at_ms = fb_sql_int(q, 3),
                                   .wiped_at_ms = fb_sql_int(q, 4),
                                   .wiped_unsent = fb_sql_int(q, 5),
                                   .wipe_takes_unsent = fb_sql_int(q, 6) != 0};
    snprintf(ret->app_version, sizeof ret->app_version, "%s", fb_sql_text(q, 7));
    return FB_OK;
}
