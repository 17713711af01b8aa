/* SPDX-License-Identifier: MIT
 *
 * The envelope of a round carried by file (docs/protocol.md, "A round by file"): bytes that one side signed and only the other can
 * read. What they say, and whether the signer may still come, is the caller's to judge.
 *
 *     0       8         40
 *     +-------+---------+----------- - -
 *     | kind  | SHA-256 | CMS, DER
 *     +-------+---------+----------- - -
 *
 * The hash covers kind and CMS: it tells damage on the way from a file of somebody else. The CMS (RFC 5652, 5083, 5753) is
 * AuthEnvelopedData (AES-256-GCM, ECDH to the reader's certificate) around SignedData with the signer's certificates inside.
 */
#ifndef FB_NET_SEALED_H
#define FB_NET_SEALED_H

#include "common/net/ca.h"

enum fb_sealed_kind {
    FB_SEALED_ASK,    /* a laptop's: to the authority that issued its certificate */
    FB_SEALED_ANSWER, /* headquarters': to the laptop that asked */
};

/* Appends to ret. from: key, and certificates, the signer's first. to: PEM; the last certificate in it is the reader's (a laptop's own
 * end with its authority's). FB_ERR_CONFIG with a sentence if one of them cannot be read. */
int fb_seal(enum fb_sealed_kind kind, const struct fb_buf *bytes, const struct fb_ca_pair *from,
            const struct fb_buf *to, struct fb_buf *ret, struct fb_why *why) FB_MUST_CHECK;

struct fb_unseal {
    const struct fb_buf *key; /* the reader's */
    const struct fb_buf *ca;  /* root and issuing authorities whose devices, or servers, may sign */
    int64_t now_ms;           /* for an answer; a laptop's certificate may have expired meanwhile */
};

/* Appends what was sealed to ret and the signer's certificate to ret_pem. FB_ERR_INVALID: not such a file, cut off or altered;
 * FB_ERR_REFUSED: for another reader, or of another signer; each with a sentence. */
int fb_unseal(enum fb_sealed_kind kind, const struct fb_unseal *by, const void *bytes, size_t size,
              struct fb_buf *ret, struct fb_cert *ret_signer, struct fb_buf *ret_pem,
              struct fb_why *why) FB_MUST_CHECK;

#endif
