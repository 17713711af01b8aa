/* SPDX-License-Identifier: MIT
 *
 * Who may talk to whom: TLS 1.3 contexts for the two programs.
 *
 * A server's context decides per connection, from the ALPN names in the ClientHello, what it asks of the client:
 *
 *     fieldbook/1         a valid device certificate of our authority
 *     fieldbook-enrol/1   none; one that is given must be ours, but may have expired (renewal after a long leave)
 *     http/1.1            none, and does not ask (browsers)
 *
 * Anything else, and no ALPN at all, is refused. There is no resumption of any kind: a revoked device must not come
 * back without showing its certificate. Settings: docs/decisions/0004-tls-over-libuv.md.
 *
 * A certificate is identity only: whether the device may still come is the device table's to say,
 * on every connection. Contexts are shared by their connections and may be freed before them.
 */
#ifndef FB_NET_TLS_H
#define FB_NET_TLS_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/hash.h"

#define FB_ALPN_SYNC  "fieldbook/1"
#define FB_ALPN_ENROL "fieldbook-enrol/1"
#define FB_ALPN_HTTP  "http/1.1"

struct fb_tls_server;
struct fb_tls_client;

/* All PEM. Nothing is kept of the buffers after the call. */
struct fb_tls_server_config {
    const struct fb_buf *cert; /* the server's certificate, then the issuing authority's */
    const struct fb_buf *key;
    /* roots and issuing authorities whose devices may come; each root is also sent to those who enrol */
    const struct fb_buf *ca;
    /* certificates are judged at this time; 0: by the system's clock, each time anew */
    int64_t now_ms;
};

/* FB_ERR_CONFIG with a sentence when a certificate or key cannot be read or they do not belong
 * together. */
int fb_tls_server_new(const struct fb_tls_server_config *config, struct fb_tls_server **ret_tls,
                      struct fb_why *why) FB_MUST_CHECK;
void fb_tls_server_free(struct fb_tls_server *tls);

/* Either ca, or ca_pin while enrolling: the SHA-256 of the root's certificate (DER), as the
 * enrolment code carries it, or the first ca_pin_size (at least 16) bytes of it. */
struct fb_tls_client_config {
    const struct fb_buf *cert; /* the device's; NULL while enrolling */
    const struct fb_buf *key;
    const struct fb_buf *ca;
    const uint8_t *ca_pin;
    size_t ca_pin_size;
    int64_t now_ms; /* as above */
};

/* FB_ERR_CONFIG with a sentence, as above. */
int fb_tls_client_new(const struct fb_tls_client_config *config, struct fb_tls_client **ret_tls,
                      struct fb_why *why) FB_MUST_CHECK;
void fb_tls_client_free(struct fb_tls_client *tls);

#endif
