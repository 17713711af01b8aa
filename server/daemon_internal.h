/* SPDX-License-Identifier: MIT
 *
 * The insides of the daemon, for server/daemon*.c.
 */
#ifndef FB_SERVER_DAEMON_INTERNAL_H
#define FB_SERVER_DAEMON_INTERNAL_H

#include "common/net/listener.h"
#include "common/net/loop.h"
#include "server/authority.h"
#include "server/devices.h"
#include "server/high_water.h"
#include "server/hub.h"

struct fb_server_web;

struct fb_daemon {
    const char *data;
    struct fb_loop *loop;
    struct fb_store *store;  /* the writer */
    struct fb_store *reader; /* cuts read from it */
    struct fb_hub *hub;
    struct fb_authority authority;
    struct fb_tls_server *tls;
    struct fb_listener *listener;
    struct fb_server_web *web;
    struct fb_watch *watch;
    struct fb_timer *clock; /* deadlines of sessions, retries, once a second */
    struct connection *connections;
    struct fb_buf scratch; /* what a session has to send, for the moment of sending */
    int64_t data_version;
    int64_t settle_again_ms;  /* after a failure: not before; 0: at once */
    int64_t settled_at_ms;    /* the last time, for the checkpoint; 0: nothing since */
    int64_t compact_again_ms; /* not before */
    struct fb_high_water mark;
    bool has_told_rewound;
    bool has_foreign_write;
    bool is_stopping;
    struct fb_enrol_policy enrol_policy; /* devices.approve, devices.lease */
    struct fb_random random;
};

/* Nothing was written for some seconds. */
bool fb_daemon_is_quiet(const struct fb_daemon *d);

/* daemon_enrol.c: serves one enrolment connection; lives until its stream closes. */
void fb_daemon_serve_enrolment(struct fb_daemon *d, struct fb_stream *stream,
                               const struct fb_stream_peer *peer);

#endif
