/* SPDX-License-Identifier: MIT
 *
 * The certificate authority, and keys. Values in, values out: files, device rows and who may ask
 * belong to server/ and replica/.
 *
 *     root (10 years, pathlen 1, its key can be kept off line)
 *       issuing authority (2 years, pathlen 0)
 *         server certificate (90 days, serverAuth, a name per host)
 *         device certificate (30 days, clientAuth, urn:fieldbook:device:ID)
 *
 * Everything is ECDSA P-256 with SHA-256, serials are 128 random bits, the start lies an hour back
 * for clocks that are slow, critical basicConstraints and keyUsage. Of a request only the public
 * key is used: what else it asks for is not even read. Keys are PEM (PKCS #8, not encrypted: write
 * them with mode 0600), certificates PEM. Time is passed in. Outputs are appended to initialised,
 * empty buffers (FB_PEM_BYTES_MAX is a good maximum) and untouched on failure.
 */
#ifndef FB_NET_CA_H
#define FB_NET_CA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/id.h"

/* A certificate with its key; for signing, the signer's. */
struct fb_ca_pair {
    struct fb_buf cert;
    struct fb_buf key;
};
void fb_ca_pair_init(struct fb_ca_pair *pair);
void fb_ca_pair_release(struct fb_ca_pair *pair); /* the key's bytes are wiped; also for FB_AUTO */

/* name is what people see as the subject, such as the company's name; at most 64 bytes of UTF-8
 * (longer ones are cut). */
int fb_ca_make_root(const char *name, int64_t now_ms, struct fb_ca_pair *ret_root,
                    struct fb_why *why) FB_MUST_CHECK;
int fb_ca_make_issuer(const struct fb_ca_pair *root, const char *name, int64_t now_ms,
                      struct fb_ca_pair *ret_issuer, struct fb_why *why) FB_MUST_CHECK;

/* hosts: names or numeric addresses; localhost, 127.0.0.1 and ::1 are always added. FB_ERR_CONFIG
 * for one that is neither. */
int fb_ca_make_server(const struct fb_ca_pair *issuer, const char *const *hosts, size_t host_count,
                      int64_t now_ms, struct fb_ca_pair *ret_server,
                      struct fb_why *why) FB_MUST_CHECK;

/* Signs the public key of a request (PEM). FB_ERR_INVALID with a sentence if the request cannot be
 * read, is not signed by its own key, or the key is not ECDSA P-256. */
int fb_ca_sign_device(const struct fb_ca_pair *issuer, const void *csr, size_t csr_size,
                      const char device_id[static FB_ROW_ID_SIZE], const char *name, int64_t now_ms,
                      struct fb_buf *ret_cert, struct fb_why *why) FB_MUST_CHECK;

/* A new private key, and a request for its public key. On the device. */
int fb_ca_make_key(struct fb_buf *ret_key, struct fb_why *why) FB_MUST_CHECK;
int fb_ca_make_csr(const struct fb_buf *key, struct fb_buf *ret_csr,
                   struct fb_why *why) FB_MUST_CHECK;

/* The SHA-256 of a request's public key (its SubjectPublicKeyInfo), for people to compare on two
 * screens before a device is approved. */
int fb_ca_csr_fingerprint(const void *csr, size_t csr_size, struct fb_sha256 *ret_hash,
                          struct fb_why *why) FB_MUST_CHECK;
int fb_ca_key_fingerprint(const struct fb_buf *key, struct fb_sha256 *ret_hash,
                          struct fb_why *why) FB_MUST_CHECK;

/* What a certificate says. */
struct fb_cert {
    struct fb_sha256 fingerprint; /* of the certificate (DER) */
    struct fb_sha256 key;         /* of its public key */
    int64_t valid_from_ms;
    int64_t valid_until_ms;
    bool is_ca;
    char device_id[FB_ROW_ID_SIZE]; /* empty if it is not a device's */
    char name[FB_ROW_ID_SIZE + 28]; /* the subject's common name */
    char serial[33];                /* 32 hexadecimal digits */
};

/* Reads the first certificate of a PEM text. FB_ERR_INVALID with a sentence. */
int fb_cert_read(const void *pem, size_t size, struct fb_cert *ret_cert,
                 struct fb_why *why) FB_MUST_CHECK;

#endif
