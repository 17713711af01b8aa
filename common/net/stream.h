/* SPDX-License-Identifier: MIT
 *
 * One connection: bytes in, bytes out, over TLS 1.3 on TCP (or plain TCP for the pages on
 * loopback).
 *
 * A server gets its streams from a listener (listener.h), a replica from fb_stream_connect(). The
 * life of a stream:
 *
 *     connect:  on_open   (on_bytes | on_writable)*   on_close
 *     accept:             (on_bytes | on_writable)*   on_close
 *
 * on_close comes exactly once, last, and never from inside a call into this module; after it the
 * stream is gone. A failed connect is an on_close without on_open. The stream belongs to this
 * module: there is nothing to free. After fb_stream_close() or fb_stream_abort() no on_bytes or
 * on_writable comes any more.
 *
 * What is written in one turn of the loop leaves together at the turn's end, in as few records and
 * packets as possible. A peer that does not answer is found by the kernel in 30 s
 * (TCP_USER_TIMEOUT, keepalive); one that lives but reads nothing is cut after 60 s.
 */
#ifndef FB_NET_STREAM_H
#define FB_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/net/loop.h"
#include "common/net/tls.h"

#define FB_STREAM_ADDRESS_SIZE 64 /* "[2001:db8::1]:7443" and the zero */

struct fb_stream;

/* What is known of the other side once the stream is open. */
struct fb_stream_peer {
    const char *alpn; /* one of FB_ALPN_..., FB_ALPN_HTTP on a plain stream; a constant */
    char address[FB_STREAM_ADDRESS_SIZE]; /* of the peer, or of the proxy between */
    /* what follows is empty without one (always there on a client's stream) */
    bool has_certificate;
    bool is_expired;        /* only on fieldbook-enrol/1: judge by valid_until_ms how long ago */
    int64_t valid_until_ms; /* of the certificate */
    /* from urn:fieldbook:device:ID; empty in a server's certificate */
    char device_id[FB_ROW_ID_SIZE];
    struct fb_sha256 fingerprint; /* of the certificate (DER) */
};

/* Any may be NULL. bytes are valid during the call. err and why of on_close: FB_OK when either side
 * closed as agreed, else what happened in a sentence for people (never empty). */
struct fb_stream_calls {
    void (*on_open)(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer);
    void (*on_bytes)(void *ctx, const uint8_t *bytes, size_t size);
    void (*on_writable)(
        void *ctx); /* unsent output had reached FB_OUTPUT_BYTES_HIGH and fell below half of it */
    void (*on_close)(void *ctx, int err, const struct fb_why *why);
};

/* Times of a connection in ms; 0 means the default of limits.h. For tests, and configuration. */
struct fb_stream_times {
    int64_t handshake_ms; /* from accept, or from the TCP connection, until open */
    int64_t dead_ms;      /* sent bytes that nobody acknowledges */
    int64_t stall_ms;     /* output of which the peer reads nothing */
    int64_t close_ms;     /* from fb_stream_close() until it is cut */
};

struct fb_stream_connect_config {
    const char *address;       /* HOST:PORT, [::1]:PORT; port 7443 if left out */
    struct fb_tls_client *tls; /* NULL: plain */
    const char *alpn;          /* FB_ALPN_SYNC or FB_ALPN_ENROL */
    /* [http://][USER:PASSWORD@]HOST:PORT; NULL: HTTPS_PROXY, https_proxy less NO_PROXY; "": none */
    const char *proxy;
    /* names, all addresses and the proxy together, up to the handshake; 0: FB_CONNECT_MS_MAX */
    int64_t timeout_ms;
    struct fb_stream_times times;
};

/* Starts to connect. Fails at once (FB_ERR_CONFIG, FB_ERR_NO_MEMORY with a sentence, no on_close)
 * only for what is wrong with the configuration. Later failures: FB_ERR_UNREACHABLE (network,
 * proxy, not a Fieldbook server: worth a retry), FB_ERR_REFUSED (certificates), FB_ERR_VERSION
 * (TLS 1.3 or ALPN missing). config is borrowed during the call. */
int fb_stream_connect(struct fb_loop *loop, const struct fb_stream_connect_config *config,
                      const struct fb_stream_calls *calls, void *ctx, struct fb_stream **ret_stream,
                      struct fb_why *why) FB_MUST_CHECK;

/* Who is told from now on. For streams of a listener, in its on_stream. calls must outlive the
 * stream. */
void fb_stream_set_calls(struct fb_stream *stream, const struct fb_stream_calls *calls, void *ctx);

/* Takes bytes to send, all of them or none. FB_ERR_LIMIT beyond FB_STREAM_OUTPUT_BYTES_MAX unsent
 * bytes (a caller that asks fb_stream_is_writable() first may always write one frame),
 * FB_ERR_NO_MEMORY, or FB_ERR_INTERRUPTED when the stream is not open or no longer: on_close has
 * come or will come. */
int fb_stream_write(struct fb_stream *stream, const void *bytes, size_t size) FB_MUST_CHECK;

/* False while FB_OUTPUT_BYTES_HIGH bytes or more wait to be sent: produce nothing until
 * on_writable. */
bool fb_stream_is_writable(const struct fb_stream *stream);
size_t fb_stream_unsent_bytes(const struct fb_stream *stream);

/* No on_bytes until resume, apart from at most 64 KiB already read. TCP then slows the sender down.
 * A stream must not stay paused for more than about 20 s: the peer's kernel takes us for dead
 * after 30. */
void fb_stream_pause(struct fb_stream *stream);
void fb_stream_resume(struct fb_stream *stream);

/* Sends what was written, says farewell, closes; on_close with FB_OK, or what went wrong meanwhile.
 * Repeated calls do nothing. */
void fb_stream_close(struct fb_stream *stream);

/* Cuts the connection now; unsent bytes are lost. on_close brings err and the sentence (copied;
 * NULL: err's own). */
void fb_stream_abort(struct fb_stream *stream, int err, const struct fb_why *why);

/* Proof of the channel (RFC 5705): both ends of one TLS connection get the same 32 bytes for a
 * label, nobody else can. To be signed by whoever must prove a key inside the connection.
 * FB_ERR_INVALID on a plain stream or before it is open. */
int fb_stream_binding(struct fb_stream *stream, const char *label,
                      uint8_t ret_bytes[static 32]) FB_MUST_CHECK;

/* A client without device certificate has logged in: it no longer counts against the listener's
 * caps for strangers. */
void fb_stream_set_known(struct fb_stream *stream);

/* Bytes sent and received so far, TLS included. */
void fb_stream_counts(const struct fb_stream *stream, int64_t *ret_sent, int64_t *ret_received);

#endif
