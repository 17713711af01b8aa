/* SPDX-License-Identifier: MIT
 *
 * What stream.c and connect.c need of the TLS contexts.
 */
#ifndef FB_NET_TLS_INSIDE_H
#define FB_NET_TLS_INSIDE_H

#include <openssl/ssl.h>

#include "common/net/address.h"
#include "common/net/stream.h"
#include "common/net/tls.h"

/* The context behind each; a stream's SSL holds its own reference. */
SSL_CTX *fb_tls_server_ctx(struct fb_tls_server *tls);
SSL_CTX *fb_tls_client_ctx(struct fb_tls_client *tls);

/* An SSL for one connection, in accept state; or in connect state for a host and one ALPN name.
 * NULL: no memory. */
SSL *fb_tls_accept_new(SSL_CTX *ctx);
SSL *fb_tls_connect_new(SSL_CTX *ctx, const char *host, const char *alpn);

/* The name both sides agreed on, one of FB_ALPN_...; NULL if none. */
const char *fb_tls_alpn(const SSL *ssl);

/* Fills alpn, has_certificate, is_expired, device_id and fingerprint after the handshake.
 * FB_ERR_REFUSED if a device's certificate names no device, FB_ERR_VERSION if no ALPN name was
 * agreed on; with a sentence. */
int fb_tls_read_peer(const SSL *ssl, bool is_client, struct fb_stream_peer *ret_peer,
                     struct fb_why *why);

/* What is known when a handshake or a record failed. */
struct fb_tls_failure {
    const SSL *ssl;
    bool is_client;
    const char *host;     /* of the server, on the client; "" otherwise */
    const uint8_t *first; /* the first bytes the peer sent */
    size_t first_size;
};

/* Says in a sentence why OpenSSL's last call failed (its error queue is emptied) and returns the
 * code. */
int fb_tls_explain(const struct fb_tls_failure *failure, struct fb_why *why);

#endif
