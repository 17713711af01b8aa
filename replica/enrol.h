/* SPDX-License-Identifier: MIT
 *
 * A laptop gets in, and keeps its certificate fresh. The private key is made here and never leaves; the code pins
 * headquarters' root certificate, so that no other server can answer.
 *
 *     DIR/key.pem 0600, DIR/certificate.pem, DIR/authority.pem, DIR/lease, DIR/server, DIR/fieldbook.db
 *
 * They are written in this order, so that a database in place means that all is. Who this laptop is, the certificate says; at start the
 * database follows it (fb_enrol_follow_certificate). Where an enrolment anew was cut before the certificate, the database still says that
 * it must enrol, and enrol does it again.
 */
#ifndef FB_REPLICA_ENROL_H
#define FB_REPLICA_ENROL_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/crm/enrol_code.h"
#include "common/net/ca.h"
#include "common/net/tls.h"
#include "common/store/store.h"

/* server: HOST:PORT. FB_ERR_UNREACHABLE, FB_ERR_REFUSED with headquarters' sentence. Leaves nothing behind on failure. */
int fb_enrol(const char *data, const char *server, const char *code, const char *device_name,
             const char *proxy, bool *ret_is_pending, struct fb_why *why) FB_MUST_CHECK;

/* Is this laptop approved? FB_ERR_REFUSED: an administrator said no. Takes the lease that comes with the answer. */
int fb_enrol_ask_state(const char *data, const char *server, const char *proxy,
                       bool *ret_is_pending, struct fb_why *why) FB_MUST_CHECK;
/* Headquarters' address as it was at enrolment, from the identity. */
int fb_enrol_server(const char *data, char *ret, size_t size, struct fb_why *why) FB_MUST_CHECK;
/* Removes what fb_enrol wrote: the laptop was refused. */
void fb_enrol_undo(const char *data);

/* Asks for a new certificate with the old one if that is 10 days old or older. */
int fb_enrol_renew_if_due(const char *data, const char *server, const char *proxy,
                          bool *ret_renewed, struct fb_why *why) FB_MUST_CHECK;

/* What an admin compares with his `fieldbook-server device list` before he approves this laptop. */
int fb_enrol_check(const char *data, char ret[static FB_ENROL_CHECK_SIZE],
                   struct fb_why *why) FB_MUST_CHECK;

/* What this laptop signs with and whom it trusts: its key and its certificates, its own first; the authority's. Errors as below.
 * Release both either way. */
int fb_enrol_identity(const char *data, struct fb_ca_pair *ret, struct fb_buf *ret_ca,
                      struct fb_why *why) FB_MUST_CHECK;
/* The database takes the name of the certificate beside it, and headquarters' address, if it is of before this laptop enrolled anew:
 * enrolment writes the database last. *ret_changed: it did. */
int fb_enrol_follow_certificate(const char *data, struct fb_store *store, bool *ret_changed,
                                struct fb_why *why) FB_MUST_CHECK;
/* The device's TLS context from its files; FB_ERR_CONFIG if the key can be read by others, FB_ERR_REFUSED if not enrolled. */
int fb_enrol_tls(const char *data, struct fb_tls_client **ret, struct fb_why *why) FB_MUST_CHECK;

#endif
