/* SPDX-License-Identifier: MIT */
#include "server/device_life.h"

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
