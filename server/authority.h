/* SPDX-License-Identifier: MIT
 *
 * The certificate authority's files in DIR/tls: made by `init`, loaded by `run`, the server's certificate renewed when a
 * third of its life is left. Keys are refused if others can read them.
 *
 *     tls/root.pem root.key         can be taken off line; issues the issuing authority
 *     tls/issuer.pem issuer.key     signs servers and devices
 *     tls/server.pem server.key     this server; the certificate followed by the issuer's
 *     tls/ca.pem                    root and issuer: what both sides trust
 */
#ifndef FB_SERVER_AUTHORITY_H
#define FB_SERVER_AUTHORITY_H

#include "common/net/ca.h"
#include "common/net/tls.h"

/* hosts are kept in DIR/tls/hosts, for renewals. */
int fb_authority_make(const char *data, const char *const *hosts, size_t host_count, int64_t now_ms,
                      struct fb_why *why) FB_MUST_CHECK;

struct fb_authority {
    struct fb_ca_pair issuer;
    struct fb_ca_pair server;
    struct fb_buf ca;
    struct fb_sha256 root_fingerprint; /* what an enrolment code pins */
};

/* Renews the server's certificate first if it is due. Release with fb_authority_release(). */
int fb_authority_load(const char *data, int64_t now_ms, struct fb_authority *ret,
                      struct fb_why *why) FB_MUST_CHECK;
void fb_authority_release(struct fb_authority *a);

/* Only the root's fingerprint, for `invite`. */
int fb_authority_pin(const char *data, struct fb_sha256 *ret, struct fb_why *why) FB_MUST_CHECK;

#endif
