/* SPDX-License-Identifier: MIT
 *
 * The insides of the laptop's pages, for web*.c.
 */
#ifndef FB_REPLICA_WEB_INSIDE_H
#define FB_REPLICA_WEB_INSIDE_H

#include "common/base/time.h"
#include "common/net/listener.h"
#include "replica/web.h"

#define FB_ROUNDS_KEPT 50
#define FB_OPENS_KEPT  16 /* one-time tokens used within the last minute */
#define FB_COOKIE_SIZE 65

struct fb_web_round {
    int64_t at_ms;
    int64_t sent, received, removed;
    char error[160];
};

struct fb_replica_web {
    struct fb_replica_web_config config;
    struct fb_web_service *service;
    struct fb_recent *recent; /* what the writer wrote lately */
    struct fb_listener *listener;
    struct fb_timer *clock;
    int port;
    char token[FB_WEB_TOKEN_SIZE];
    char cookie[FB_COOKIE_SIZE];
    char cookie_name[16]; /* "fb_7480=" */
    char csrf[FB_CSRF_SIZE];
    char database[4096];
    char search[4096];
    char pages[4096];
    char address_path[4096];
    char opened[FB_OPENS_KEPT][48]; /* TIME-NONCE */
    int opened_at;
    struct fb_web_round rounds[FB_ROUNDS_KEPT]; /* a ring */
    int64_t round_count;
    int64_t sent_before, received_before, removed_before; /* counters at the last round's end */
    /* what the open pages were told */
    struct fb_buf told;
    int64_t told_seq;
    int64_t told_cursor;
    int64_t told_received;
    int64_t looked_at_ms;
    bool has_page_write; /* since the last look */
};

extern const struct fb_route fb_replica_web_routes[];

/* Appends the answer of GET /api/v1/sync. */
int fb_replica_web_append_sync(struct fb_replica_web *web, struct fb_store *s, int64_t now_ms,
                               struct fb_buf *out) FB_MUST_CHECK;
/* Tells open pages what changed, at most four times a second. */
void fb_replica_web_tell(struct fb_replica_web *web);
/* Does TIME-NONCE-HASH let a browser in? Once. */
bool fb_replica_web_may_open(struct fb_replica_web *web, const char *pass, int64_t now_ms);

int fb_replica_web_get_changes(struct fb_web *web, const struct fb_request *req,
                               struct fb_response *res) FB_MUST_CHECK;

#endif
