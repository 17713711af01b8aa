/* SPDX-License-Identifier: MIT
 *
 * From OpenSSL's reasons to sentences for people. In TLS 1.3 a client is done with its handshake
 * before the server has judged its certificate: the server's refusal then comes as an alert instead
 * of the first answer, and is explained here as well.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/net/cert_inside.h"
#include "common/net/tls_inside.h"

#define TLS_ALERT_RECORD     21
#define TLS_HANDSHAKE_RECORD 22

struct reason {
    int reason;
    int err;
    const char *sentence;
};

/* Alerts the server sent to a replica. */
static const struct reason SAID_BY_SERVER[] = {
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, FB_ERR_REFUSED,
     "the server demands a device certificate and none was shown: enrol this device first"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, FB_ERR_REFUSED,
     "the server says that this device's certificate is not valid at this time: check the clock of "
     "this computer; if it is right, renew the certificate or enrol again"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, FB_ERR_REFUSED,
     "the server does not know the authority of this device's certificate: the device was enrolled "
     "at another headquarters, so check the address or enrol here"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, FB_ERR_REFUSED,
     "the server says that this device's certificate is revoked"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, FB_ERR_REFUSED,
     "the server does not accept this device's certificate: enrol this device again"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, FB_ERR_REFUSED,
     "the server does not accept this certificate for a device: enrol this device again"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, FB_ERR_REFUSED,
     "the server does not accept this device's certificate: enrol this device again"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, FB_ERR_REFUSED, "the server refuses this device"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, FB_ERR_VERSION,
     "the other side does not speak TLS 1.3: this is not a Fieldbook server, or something between "
     "changes the connection"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, FB_ERR_VERSION,
     "the other side shares no TLS settings with this program: this is not a Fieldbook server"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, FB_ERR_VERSION,
     "the other side does not offer Fieldbook's protocol: this is not a Fieldbook server, or one "
     "of another version"},
    {SSL_R_UNSUPPORTED_PROTOCOL, FB_ERR_VERSION,
     "the other side does not speak TLS 1.3: this is not a Fieldbook server, or something between "
     "changes the connection"},
    {SSL_R_WRONG_SSL_VERSION, FB_ERR_VERSION,
     "the other side does not speak TLS 1.3: this is not a Fieldbook server, or something between "
     "changes the connection"},
};

/* What the server finds itself, or hears from a client. */
static const struct reason SAID_OF_CLIENT[] = {
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, FB_ERR_REFUSED,
     "the client showed no device certificate"},
    {SSL_R_UNSUPPORTED_PROTOCOL, FB_ERR_VERSION, "the client does not speak TLS 1.3"},
    {SSL_R_CALLBACK_FAILED, FB_ERR_VERSION,
     "the client offers none of Fieldbook's protocols (ALPN)"},
    {SSL_R_NO_APPLICATION_PROTOCOL, FB_ERR_VERSION,
     "the client offers none of Fieldbook's protocols (ALPN)"},
    {SSL_R_HTTP_REQUEST, FB_ERR_PROTOCOL,
     "the client spoke plain HTTP to the TLS port: the address begins with https://"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, FB_ERR_REFUSED,
     "the client does not know this server's authority"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, FB_ERR_REFUSED,
     "the client does not accept this server's certificate: it connected to a name or address that "
     "is not in it (init --host)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, FB_ERR_REFUSED,
     "the client says that this server's certificate is not valid at this time: its clock or the "
     "certificate is wrong"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, FB_ERR_REFUSED,
     "the client does not accept this server's certificate"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, FB_ERR_REFUSED,
     "the client does not accept this server's certificate"},
};

static int explain_by(const struct reason *table, size_t count, int reason, struct fb_why *why)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].reason == reason) {
            return fb_fail(why, table[i].err, "%s", fb_text(table[i].sentence));
        }
    }
    return FB_OK;
}

/* The certificate whose time is wrong, or the server's own. */
static void read_times(const SSL *ssl, char ret_from[static FB_DATE_SIZE],
                       char ret_until[static FB_DATE_SIZE])
{
    X509 *x509 = SSL_get0_peer_certificate(ssl);
    struct fb_cert cert = {0};
    char text[FB_INSTANT_SIZE];
    if (x509 == NULL || fb_cert_from_x509(x509, &cert, NULL) != FB_OK) {
        memcpy(ret_from, "?", 2);
        memcpy(ret_until, "?", 2);
        return;
    }
    fb_instant_format(cert.valid_from_ms, text);
    snprintf(ret_from, FB_DATE_SIZE, "%.10s", text);
    fb_instant_format(cert.valid_until_ms, text);
    snprintf(ret_until, FB_DATE_SIZE, "%.10s", text);
}

static int explain_time(const struct fb_tls_failure *failure, long result, struct fb_why *why)
{
    char from[FB_DATE_SIZE];
    char until[FB_DATE_SIZE];
    char now[FB_INSTANT_SIZE];
    read_times(failure->ssl, from, until);
    fb_instant_format(fb_os_now_ms(), now);
    if (result == X509_V_ERR_CERT_NOT_YET_VALID) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "the certificate of %s is not yet valid (from %s on) and this computer's "
                       "clock says %.10s: check the laptop's clock",
                       failure->host, from, now);
    }
    return fb_fail(
        why, FB_ERR_REFUSED,
        "the certificate of %s has expired (valid until %s) and this computer's clock says %.10s: "
        "check the laptop's clock; if it is right, the server's certificate must be renewed",
        failure->host, until, now);
}

static int explain_server_certificate(const struct fb_tls_failure *failure, long result,
                                      struct fb_why *why)
{
    switch (result) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return explain_time(failure, result, why);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return fb_fail(why, FB_ERR_REFUSED,
                       "the certificate of the server is not for %s: use one of the names the "
                       "server was set up with (init --host)",
                       failure->host);
    case X509_V_ERR_INVALID_PURPOSE:
        return fb_fail(
            why, FB_ERR_REFUSED,
            "%s shows a certificate that is not a server's: this is not a Fieldbook server",
            failure->host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return fb_fail(why, FB_ERR_REFUSED,
                       "the certificate of %s comes from another authority than this device's "
                       "headquarters: it is another server, or something between (a captive "
                       "portal, a proxy) answers in its place; nothing was sent",
                       failure->host);
    default:
        return fb_fail(why, FB_ERR_REFUSED, "the certificate of %s is not accepted: %s",
                       failure->host, X509_verify_cert_error_string(result));
    }
}

static int explain_device_certificate(long result, struct fb_why *why)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return fb_fail(why, FB_ERR_REFUSED, "the device's certificate has expired");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return fb_fail(why, FB_ERR_REFUSED,
                       "the device's certificate is not yet valid: check this server's clock");
    case X509_V_ERR_INVALID_PURPOSE:
        return fb_fail(why, FB_ERR_REFUSED,
                       "the client showed a certificate that is not a device's");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return fb_fail(why, FB_ERR_REFUSED, "the client showed a certificate of another authority");
    default:
        return fb_fail(why, FB_ERR_REFUSED, "the device's certificate is not accepted: %s",
                       X509_verify_cert_error_string(result));
    }
}

/* A captive portal or a wrong port answers in clear text. */
static int explain_first_bytes(const struct fb_tls_failure *failure, struct fb_why *why)
{
    if (failure->first_size == 0 || failure->first[0] == TLS_ALERT_RECORD ||
        failure->first[0] == TLS_HANDSHAKE_RECORD) {
        return FB_OK;
    }
    if (!failure->is_client) {
        return fb_fail(why, FB_ERR_PROTOCOL, "the client does not speak TLS");
    }
    bool is_web = failure->first[0] == '<' ||
                  (failure->first_size >= 4 && memcmp(failure->first, "HTTP", 4) == 0);
    if (is_web) {
        return fb_fail(
            why, FB_ERR_UNREACHABLE,
            "this is not a Fieldbook server: %s answers with a web page in clear text. Check the "
            "address, and sign in to the network first if it shows a log-in page",
            failure->host);
    }
    return fb_fail(
        why, FB_ERR_UNREACHABLE,
        "this is not a Fieldbook server: %s does not speak TLS. Check the address and the port",
        failure->host);
}

int fb_tls_explain(const struct fb_tls_failure *failure, struct fb_why *why)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    long result = SSL_get_verify_result(failure->ssl);
    int rc = FB_OK;
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        rc = failure->is_client ? explain_server_certificate(failure, result, why)
                                : explain_device_certificate(result, why);
    } else if (failure->is_client) {
        rc = explain_by(SAID_BY_SERVER, sizeof(SAID_BY_SERVER) / sizeof(SAID_BY_SERVER[0]), reason,
                        why);
    } else {
        rc = explain_by(SAID_OF_CLIENT, sizeof(SAID_OF_CLIENT) / sizeof(SAID_OF_CLIENT[0]), reason,
                        why);
    }
    if (rc == FB_OK) {
        rc = explain_first_bytes(failure, why);
    }
    if (rc == FB_OK && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        rc = fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
    }
    if (rc == FB_OK) {
        const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
        rc = fb_fail(why, FB_ERR_PROTOCOL, "the secure connection failed: %s",
                     text == NULL ? "broken TLS" : text);
    }
    ERR_clear_error();
    return rc;
}

int fb_tls_read_peer(const SSL *ssl, bool is_client, struct fb_stream_peer *ret_peer,
                     struct fb_why *why)
{
    ret_peer->alpn = fb_tls_alpn(ssl);
    if (ret_peer->alpn == NULL) {
        return fb_fail(why, FB_ERR_VERSION,
                       "the other side does not offer Fieldbook's protocol: this is not a "
                       "Fieldbook server, or one of another version");
    }
    X509 *x509 = SSL_get0_peer_certificate(ssl);
    if (x509 == NULL) {
        return FB_OK;
    }
    struct fb_cert cert;
    int rc = fb_cert_from_x509(x509, &cert, why);
    if (rc != FB_OK) {
        return rc;
    }
    if (!is_client && cert.device_id[0] == 0) {
        return fb_fail(why, FB_ERR_REFUSED, "the client's certificate names no device");
    }
    ret_peer->has_certificate = true;
    ret_peer->is_expired = SSL_get_verify_result(ssl) == X509_V_ERR_CERT_HAS_EXPIRED;
    ret_peer->valid_until_ms = cert.valid_until_ms;
    ret_peer->fingerprint = cert.fingerprint;
    memcpy(ret_peer->device_id, cert.device_id, sizeof(cert.device_id));
    return FB_OK;
}
