/* SPDX-License-Identifier: MIT
 *
 * A listening port. Streams appear when their handshake is done, so nobody upstairs meets a
 * half-made connection.
 *
 * Strangers (connections in their handshake, and open ones without a device certificate until
 * fb_stream_set_known()) are few per address and few in all. At the cap per address a new
 * connection is closed at once. At the cap in all, strangers who dawdle over their handshake give
 * way to new ones, else accepting pauses and the kernel's queue holds the rest. Devices do not
 * count once they are open. When file handles run out, libuv's spare one is used to close what
 * waits instead of spinning.
 */
#ifndef FB_NET_LISTENER_H
#define FB_NET_LISTENER_H

#include "common/net/stream.h"

struct fb_listener;

struct fb_listener_config {
    /* HOST:PORT; [::]:PORT and 0.0.0.0:PORT are all interfaces; port 0 picks a free one */
    const char *address;
    struct fb_tls_server *tls;     /* NULL: plain, FB_ALPN_HTTP */
    int strangers_per_address_max; /* 0: FB_STRANGERS_PER_ADDRESS_MAX; -1: no cap */
    int strangers_max;             /* 0: FB_STRANGERS_MAX */
    struct fb_stream_times times;

    /* A stream is open. Give it its calls here, or abort it. */
    void (*on_stream)(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer);
    /* A connection did not become a stream: for the log, at a level of its own. May be NULL. */
    void (*on_refused)(void *ctx, const char *address, int err, const struct fb_why *why);
    void *ctx;
};

/* Listens on every address HOST resolves to (localhost: 127.0.0.1 and ::1, both or what there is).
 * config is copied. FB_ERR_BUSY when the port is in use, FB_ERR_CONFIG for a bad address, each with
 * a sentence that names it. */
int fb_listener_new(struct fb_loop *loop, const struct fb_listener_config *config,
                    struct fb_listener **ret_listener, struct fb_why *why) FB_MUST_CHECK;

/* HOST:PORT as configured, with the port that was picked. */
const char *fb_listener_address(const struct fb_listener *listener);
int fb_listener_port(const struct fb_listener *listener);

/* New connections use tls from now on (a renewed certificate); those that are open keep theirs. */
void fb_listener_set_tls(struct fb_listener *listener, struct fb_tls_server *tls);

/* Stops listening and drops unfinished handshakes; open streams stay. NULL is fine. */
void fb_listener_free(struct fb_listener *listener);

#endif
