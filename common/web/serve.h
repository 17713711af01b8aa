/* SPDX-License-Identifier: MIT
 *
 * Serving pages and API: carries bytes between streams and HTTP connections (http_conn.h), finds out whose request it is,
 * refuses what may not be, and runs handlers' stages: reading ones on threads of the pool with connections of their own,
 * writing ones in the loop's thread on the daemon's writer (docs/decisions/0002-one-thread.md). The only file of this
 * folder that knows common/net, beside look.h. Headquarters and laptop differ in their config.
 *
 * The search file is fed by a thread of the pool, a few hundred rows at a time, when nobody waits for that thread. Another looks
 * the database over once a week (look.h).
 *
 * A turn of the daemon: fb_web_service_write() runs what wants to write; the daemon settles; fb_web_service_settled()
 * lets those requests go on. All in the loop's thread.
 */
#ifndef FB_WEB_SERVE_H
#define FB_WEB_SERVE_H

#include "common/net/stream.h"
#include "common/web/events.h"
#include "common/web/http.h"

struct fb_web_service;

#define FB_WEB_TABLES_MAX 4

struct fb_web_config {
    enum fb_node node;
    struct fb_loop *loop;
    struct fb_store *writer;
    const char *database; /* path; readers are opened on it. Borrowed, as all texts */
    int readers;          /* reading connections, at most FB_WEB_READERS_MAX */
    int64_t reader_cache_bytes;
    const struct fb_route *tables[FB_WEB_TABLES_MAX + 1]; /* asked in this order; NULL ends */
    const char *search; /* path of the search file, kept up with the database; NULL: none */
    struct fb_recent
        *recent;       /* what the writer wrote lately, for the search file; NULL: the log tells */
    const char *pages; /* folder of the built pages: index.html, assets/ */
    const char *temporary; /* folder for uploads */
    const char *scheme;    /* "https" or "http": what Origin begins with */
    const struct fb_random *random;
    bool (*is_our_host)(void *ctx, const char *host); /* NULL: any (headquarters has many names) */
    /* Whose request is it? By its cookie; leaves ret as it is if nobody's. */
    void (*find_login)(void *ctx, const struct fb_request *req, struct fb_login *ret);
    /* Is everything but FB_ROUTE_LOCKED and the pages' files closed, and why? May be NULL: no. */
    bool (*is_closed)(void *ctx, struct fb_why *why);
    /* Is nothing taken in at the moment (but logins), and why? In the loop's thread. May be NULL: it is. */
    bool (*is_read_only)(void *ctx, struct fb_why *why);
    /* Has the node nothing else to do at the moment? In the loop's thread. */
    bool (*is_idle)(void *ctx);
    /* Sets what handlers of this node get: node_context and the like. May be NULL. */
    void (*prepare)(void *ctx, struct fb_web *web);
    void *ctx;
};

int fb_web_service_new(const struct fb_web_config *config, struct fb_web_service **ret,
                       struct fb_why *why) FB_MUST_CHECK;
/* After the loop was freed, when no stream and no work of the pool is left. */
void fb_web_service_free(struct fb_web_service *service);

/* A browser's connection. */
void fb_web_service_serve(struct fb_web_service *service, struct fb_stream *stream,
                          const struct fb_stream_peer *peer);

/* Writing stages that wait, each in a transaction. True if one committed: settle now. */
bool fb_web_service_write(struct fb_web_service *service);
void fb_web_service_settled(struct fb_web_service *service);

/* Once a second: deadlines, signs of life on event streams, the weekly look. */
void fb_web_service_tick(struct fb_web_service *service);

/* Tells the pages that are open; data is JSON on one line. */
void fb_web_service_tell(struct fb_web_service *service, enum fb_event_topic topic,
                         const char *data);

/* Ends event streams and idle connections; those under way end with their answer. */
void fb_web_service_stop(struct fb_web_service *service);
/* Or work in the pool, which the loop must not be freed under. */
bool fb_web_service_has_connections(const struct fb_web_service *service);

/* What is wrong with the database and what to do, as the weekly look found it; NULL: nothing. */
const char *fb_web_service_damage(const struct fb_web_service *service);

struct fb_web_counters {
    int64_t connections; /* now */
    int64_t event_streams;
    int64_t requests;
    int64_t refused; /* connections beyond the caps */
};
void fb_web_service_counters(const struct fb_web_service *service, struct fb_web_counters *ret);
/* fb_http_request_seconds as Prometheus reads it. */
void fb_web_service_metrics(const struct fb_web_service *service, struct fb_buf *out);

#endif
