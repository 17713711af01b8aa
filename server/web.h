/* SPDX-License-Identifier: MIT
 *
 * Headquarters' pages: what common/web/serve.h needs to know of the daemon, and the addresses that only headquarters has:
 * logging in (web_session.c), metrics and health (web_health.c).
 */
#ifndef FB_SERVER_WEB_H
#define FB_SERVER_WEB_H

#include "common/web/api.h"
#include "common/web/serve.h"
#include "server/daemon_internal.h"
#include "server/guard.h"
#include "server/web_backup.h"

struct fb_server_web {
    struct fb_daemon *daemon;
    struct fb_web_service *service;
    struct fb_guard *guard;
    struct fb_api_seal seal;
    struct fb_web_backup backup;
    char database[4096];
    char search[4096];
    char pages[4096];
    int64_t started_ms;
    int64_t told_seq; /* fb_log: what the open pages were told of */
    int64_t expired_at_ms;
};

int fb_server_web_new(struct fb_daemon *daemon, struct fb_server_web **ret,
                      struct fb_why *why) FB_MUST_CHECK;
void fb_server_web_free(struct fb_server_web *web);

/* After a settle: tells the open pages what changed, and lets requests go on that waited for it. */
void fb_server_web_settled(struct fb_server_web *web);
/* The daemon ends: no new requests; what is under way ends soon. True while something is. */
void fb_server_web_stop(struct fb_server_web *web);
bool fb_server_web_is_busy(const struct fb_server_web *web);
/* Once a second. */
void fb_server_web_tick(struct fb_server_web *web);

/* ---- For this folder's web_*.c ---- */

extern const struct fb_route fb_server_session_routes[];
extern const struct fb_route fb_server_health_routes[];

/* The token in a request's cookie; NULL: none. */
const char *fb_server_web_token(const struct fb_request *req);

#endif
