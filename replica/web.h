/* SPDX-License-Identifier: MIT
 *
 * The laptop's pages: on 127.0.0.1 and ::1 only, for the person the laptop was enrolled for. Other programs and users of
 * this computer can connect too, so a browser must show a cookie, which `fieldbook-replica open` brings it:
 *
 *   DIR/web-token    64 hexadecimal digits, readable by the owner alone; whoever can read it may as well read the database
 *   DIR/web-address  where the pages are, while the daemon runs
 *
 *   open:    /open?token=TIME-NONCE-SHA256(token, TIME-NONCE): good once, for a minute
 *   cookie:  fb_PORT = SHA-256(token, "cookie"): browsers keep one cookie jar for all ports of an address
 *
 * Host must be one of our own names (DNS rebinding), and whatever changes something needs the token of the page besides.
 */
#ifndef FB_REPLICA_WEB_H
#define FB_REPLICA_WEB_H

#include "common/crm/lease.h"
#include "common/net/loop.h"
#include "common/sync/sync.h"
#include "common/web/serve.h"

#define FB_WEB_TOKEN_SIZE 65 /* of the file, with the zero */

/* The daemon as the pages see it. In the loop's thread. */
struct fb_replica_web_calls {
    const struct fb_replica_status *(*status)(void *ctx);
    int64_t (*next_try_ms)(void *ctx);     /* wall clock; 0: none */
    int64_t (*paused_until_ms)(void *ctx); /* 0: not paused; INT64_MAX: until resumed */
    void (*sync_now)(void *ctx);
    void (*pause)(void *ctx, int64_t until_ms); /* 0: resume */
    const struct fb_lease *(*lease)(void *ctx);
    int (*unlock)(void *ctx, const char *code, struct fb_why *why); /* FB_ERR_REFUSED */
};

struct fb_replica_web_config {
    const char *data; /* the folder; borrowed */
    const char
        *address; /* HOST:PORT of --web; NULL: localhost:7480, or a free port if that is taken */
    struct fb_loop *loop;
    struct fb_store *store;
    const struct fb_random *random;
    const struct fb_replica_web_calls *calls;
    void *ctx;
};

struct fb_replica_web;

/* FB_ERR_CONFIG for an address that is not this computer's own. */
int fb_replica_web_new(const struct fb_replica_web_config *config, struct fb_replica_web **ret,
                       struct fb_why *why) FB_MUST_CHECK;
/* Before the loop is freed: no new connections; then, after it was: the rest. */
void fb_replica_web_stop(struct fb_replica_web *web);
void fb_replica_web_free(struct fb_replica_web *web);

/* At the end of each turn: what pages want to write. True: the journal may have grown. */
bool fb_replica_web_turn(struct fb_replica_web *web);
/* A round ended: for the list of the last ones. error "": it went well. */
void fb_replica_web_note_round(struct fb_replica_web *web, const char *error);

/* The URL that lets a browser in, from the files in data. FB_ERR_NOT_FOUND with a sentence if no daemon runs. */
int fb_replica_web_url(const char *data, const struct fb_random *random, int64_t now_ms, char *ret,
                       size_t ret_size, struct fb_why *why) FB_MUST_CHECK;

#endif
