/* SPDX-License-Identifier: MIT
 *
 * A certificate of OpenSSL's as plain values.
 */
#ifndef FB_NET_CERT_INSIDE_H
#define FB_NET_CERT_INSIDE_H

#include <openssl/x509.h>

#include "common/net/ca.h"

#define FB_DEVICE_URN "urn:fieldbook:device:"

/* FB_ERR_INVALID with a sentence for a certificate whose times or key cannot be read. */
int fb_cert_from_x509(X509 *x509, struct fb_cert *ret_cert, struct fb_why *why) FB_MUST_CHECK;

/* Sets why to the sentence and OpenSSL's reason, empties its error queue, returns err. */
int fb_crypto_fail(struct fb_why *why, int err, const char *sentence);

#endif
