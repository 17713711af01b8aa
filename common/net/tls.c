/* SPDX-License-Identifier: MIT */
#include "common/net/tls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/limits.h"
#include "common/net/tls_inside.h"

#define CA_PIN_BYTES_MIN 16
#define VERIFY_DEPTH     2 /* an issuing authority, and one more while roots are rolled over */

/* What a context's callbacks need; freed by OpenSSL with the context, which connections keep alive.
 */
struct tls_facts {
    STACK_OF(X509) *
        enrol_chain; /* server: what follows its certificate on fieldbook-enrol/1, roots included */
    uint8_t pin[FB_SHA256_BYTES]; /* client, while enrolling */
    size_t pin_size;
};

struct fb_tls_server {
    SSL_CTX *ctx;
};

struct fb_tls_client {
    SSL_CTX *ctx;
};

static const char *const ALPN_NAMES[] = {FB_ALPN_SYNC, FB_ALPN_ENROL, FB_ALPN_HTTP};
enum { ALPN_SYNC, ALPN_ENROL, ALPN_HTTP, ALPN_COUNT };

static int facts_index = -1; /* of an SSL_CTX: its struct tls_facts */
static int alpn_index = -1;  /* of an SSL: the address of its name's mark */
static char alpn_marks[ALPN_COUNT];

static void free_certs(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}

static void free_facts(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long arg,
                       void *argp)
{
    (void)parent, (void)data, (void)index, (void)arg, (void)argp;
    struct tls_facts *facts = pointer;
    if (facts != NULL) {
        free_certs(facts->enrol_chain);
        free(facts);
    }
}

static struct tls_facts *facts_of(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, facts_index);
}

/* A context with what server and client have in common. */
static SSL_CTX *new_ctx(const SSL_METHOD *method)
{
    if (facts_index < 0) {
        facts_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_facts);
        alpn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    SSL_CTX *ctx = SSL_CTX_new(method);
    struct tls_facts *facts = calloc(1, sizeof(*facts));
    bool ok = ctx != NULL && facts != NULL && SSL_CTX_set_ex_data(ctx, facts_index, facts) &&
              SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
              SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
              SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
                                            "TLS_AES_128_GCM_SHA256") &&
              SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
    if (!ok) {
        if (ctx == NULL || SSL_CTX_get_ex_data(ctx, facts_index) == NULL) {
            free(facts);
        }
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* No automatic chain: OpenSSL would build one from the trusted certificates and send it all,
     * root included. The server has a device's issuers already, and would keep what is sent for as
     * long as the connection lives. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_max_cert_list(ctx, FB_CERT_LIST_BYTES_MAX);
    SSL_CTX_set_verify_depth(ctx, VERIFY_DEPTH);
    return ctx;
}

static void judge_at(SSL_CTX *ctx, int64_t now_ms)
{
    if (now_ms != 0) {
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), (time_t)(now_ms / 1000));
    }
}

/* All certificates of a PEM text; an empty stack if there is none, NULL without memory. */
static STACK_OF(X509) * read_certs(const struct fb_buf *pem)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    X509 *cert = NULL;
    while (certs != NULL && bio != NULL &&
           (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (!sk_X509_push(certs, cert)) {
            X509_free(cert);
            break;
        }
    }
    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    BIO_free(bio);
    return certs;
}

static int use_own(SSL_CTX *ctx, STACK_OF(X509) * certs, const struct fb_buf *key_pem,
                   struct fb_why *why)
{
    if (sk_X509_num(certs) < 1 || SSL_CTX_use_certificate(ctx, sk_X509_value(certs, 0)) != 1) {
        return fb_fail(why, FB_ERR_CONFIG, "the certificate cannot be read: it must be PEM text");
    }
    BIO *bio = BIO_new_mem_buf(key_pem->bytes, (int)key_pem->size);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    int rc = FB_OK;
    if (key == NULL) {
        rc = fb_fail(why, FB_ERR_CONFIG,
                     "the private key cannot be read: it must be PEM text without a password");
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        rc = fb_fail(why, FB_ERR_CONFIG, "the private key does not belong to the certificate");
    }
    EVP_PKEY_free(key);
    return rc;
}

static int trust(SSL_CTX *ctx, STACK_OF(X509) * authorities, struct fb_why *why)
{
    if (sk_X509_num(authorities) < 1) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "the authority's certificate cannot be read: it must be PEM text");
    }
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sk_X509_value(authorities, i)) != 1) {
            return fb_fail(why, FB_ERR_NO_MEMORY,
                           "there is not enough memory for the certificates");
        }
    }
    return FB_OK;
}

static bool is_root(X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

/* The index in ALPN_NAMES that serves a ClientHello's list (RFC 7301, 3.1), the strictest first;
 * -1: none. */
static int choose_alpn(const uint8_t *list, size_t size)
{
    for (int i = 0; i < ALPN_COUNT; i++) {
        size_t name_size = strlen(ALPN_NAMES[i]);
        for (size_t at = 0; at < size && list[at] < size - at; at += 1U + list[at]) {
            if (list[at] == name_size && memcmp(list + at + 1, ALPN_NAMES[i], name_size) == 0) {
                return i;
            }
        }
    }
    return -1;
}

/* Renewal after a long leave: all of the chain must be right but the end of the device's own
 * certificate. */
static int accept_expired_device(int is_ok, X509_STORE_CTX *store)
{
    if (!is_ok && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_HAS_EXPIRED &&
        X509_STORE_CTX_get_error_depth(store) == 0) {
        return 1; /* the error stays in the verify result, where fb_tls_read_peer() finds it */
    }
    return is_ok;
}

/* Before anything is answered: which ALPN name, and so which certificates. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    const unsigned char *extension = NULL;
    size_t size = 0;
    int chosen = -1;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                  &extension, &size) &&
        size > 2) {
        chosen = choose_alpn(extension + 2, size - 2);
    }
    if (chosen < 0) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (chosen == ALPN_HTTP) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    } else if (chosen == ALPN_ENROL) {
        const struct tls_facts *facts = facts_of(SSL_get_SSL_CTX(ssl));
        SSL_set_verify(ssl, SSL_VERIFY_PEER, accept_expired_device);
        if (SSL_set1_chain(ssl, facts->enrol_chain) != 1) {
            *alert = SSL_AD_INTERNAL_ERROR;
            return SSL_CLIENT_HELLO_ERROR;
        }
    }
    SSL_set_ex_data(ssl, alpn_index, &alpn_marks[chosen]);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                          const unsigned char *list, unsigned int size, void *arg)
{
    (void)arg;
    int chosen = choose_alpn(list, size);
    if (chosen < 0 || SSL_get_ex_data(ssl, alpn_index) != &alpn_marks[chosen]) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = (const unsigned char *)ALPN_NAMES[chosen];
    *out_size = (unsigned char)strlen(ALPN_NAMES[chosen]);
    return SSL_TLSEXT_ERR_OK;
}

/* The chain behind the server's certificate: its issuers as given; for enrolment the roots too,
 * which a pin names. */
static bool set_chains(SSL_CTX *ctx, STACK_OF(X509) * certs, STACK_OF(X509) * authorities)
{
    struct tls_facts *facts = facts_of(ctx);
    facts->enrol_chain = sk_X509_new_null();
    bool ok = facts->enrol_chain != NULL;
    for (int i = 1; ok && i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);
        ok = is_root(cert) || (SSL_CTX_add1_chain_cert(ctx, cert) == 1 &&
                               X509_add_cert(facts->enrol_chain, cert, X509_ADD_FLAG_UP_REF) == 1);
    }
    for (int i = 0; ok && i < sk_X509_num(authorities); i++) {
        X509 *cert = sk_X509_value(authorities, i);
        ok = !is_root(cert) || X509_add_cert(facts->enrol_chain, cert, X509_ADD_FLAG_UP_REF) == 1;
    }
    return ok;
}

static int setup_server(SSL_CTX *ctx, const struct fb_tls_server_config *config, struct fb_why *why)
{
    STACK_OF(X509) *certs = read_certs(config->cert);
    STACK_OF(X509) *authorities = read_certs(config->ca);
    int rc = use_own(ctx, certs, config->key, why);
    if (rc == FB_OK) {
        rc = trust(ctx, authorities, why);
    }
    if (rc == FB_OK && !set_chains(ctx, certs, authorities)) {
        rc = fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the certificates");
    }
    free_certs(certs);
    free_certs(authorities);
    return rc;
}

int fb_tls_server_new(const struct fb_tls_server_config *config, struct fb_tls_server **ret_tls,
                      struct fb_why *why)
{
    struct fb_tls_server *tls = calloc(1, sizeof(*tls));
    SSL_CTX *ctx = tls == NULL ? NULL : new_ctx(TLS_server_method());
    if (ctx == NULL) {
        free(tls);
        return fb_fail(why, FB_ERR_NO_MEMORY, "TLS cannot be started: there is not enough memory");
    }
    tls->ctx = ctx;
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_recv_max_early_data(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, on_select_alpn, NULL);
    /* The issuing authorities are configured here: their own signatures need no check at every
     * handshake. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    judge_at(ctx, config->now_ms);
    int rc = setup_server(ctx, config, why);
    ERR_clear_error();
    if (rc != FB_OK) {
        fb_tls_server_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return FB_OK;
}

void fb_tls_server_free(struct fb_tls_server *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

/* The self-signed certificate the peer sent that the pin names, or NULL. */
static X509 *find_pinned(STACK_OF(X509) * sent, const struct tls_facts *facts)
{
    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *cert = sk_X509_value(sent, i);
        unsigned char *der = NULL;
        int size = is_root(cert) ? i2d_X509(cert, &der) : 0;
        if (size <= 0) {
            continue;
        }
        struct fb_sha256 hash = fb_sha256(der, (size_t)size, NULL, 0);
        OPENSSL_free(der);
        if (memcmp(hash.bytes, facts->pin, facts->pin_size) == 0) {
            return cert;
        }
    }
    return NULL;
}

/* While enrolling nothing is trusted but the root whose hash the enrolment code carries. */
static int verify_by_pin(X509_STORE_CTX *store, void *ctx)
{
    X509 *root = find_pinned(X509_STORE_CTX_get0_untrusted(store), facts_of(ctx));
    STACK_OF(X509) *trusted = root == NULL ? NULL : sk_X509_new_null();
    if (trusted == NULL || !sk_X509_push(trusted, root)) {
        sk_X509_free(trusted);
        X509_STORE_CTX_set_error(store, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(store, trusted);
    int is_ok = X509_verify_cert(store);
    sk_X509_free(trusted);
    return is_ok;
}

static int setup_client(SSL_CTX *ctx, const struct fb_tls_client_config *config, struct fb_why *why)
{
    int rc = FB_OK;
    if (config->cert != NULL) {
        STACK_OF(X509) *certs = read_certs(config->cert);
        rc = use_own(ctx, certs, config->key, why);
        free_certs(certs);
    }
    if (rc == FB_OK && config->ca != NULL) {
        STACK_OF(X509) *authorities = read_certs(config->ca);
        rc = trust(ctx, authorities, why);
        free_certs(authorities);
    } else if (rc == FB_OK) {
        struct tls_facts *facts = facts_of(ctx);
        fb_assert(config->ca_pin_size >= CA_PIN_BYTES_MIN &&
                  config->ca_pin_size <= FB_SHA256_BYTES);
        memcpy(facts->pin, config->ca_pin, config->ca_pin_size);
        facts->pin_size = config->ca_pin_size;
        SSL_CTX_set_cert_verify_callback(ctx, verify_by_pin, ctx);
    }
    return rc;
}

int fb_tls_client_new(const struct fb_tls_client_config *config, struct fb_tls_client **ret_tls,
                      struct fb_why *why)
{
    struct fb_tls_client *tls = calloc(1, sizeof(*tls));
    SSL_CTX *ctx = tls == NULL ? NULL : new_ctx(TLS_client_method());
    if (ctx == NULL) {
        free(tls);
        return fb_fail(why, FB_ERR_NO_MEMORY, "TLS cannot be started: there is not enough memory");
    }
    tls->ctx = ctx;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    judge_at(ctx, config->now_ms);
    int rc = setup_client(ctx, config, why);
    ERR_clear_error();
    if (rc != FB_OK) {
        fb_tls_client_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return FB_OK;
}

void fb_tls_client_free(struct fb_tls_client *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

SSL_CTX *fb_tls_server_ctx(struct fb_tls_server *tls)
{
    return tls->ctx;
}

SSL_CTX *fb_tls_client_ctx(struct fb_tls_client *tls)
{
    return tls->ctx;
}

SSL *fb_tls_accept_new(SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    if (ssl != NULL) {
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

SSL *fb_tls_connect_new(SSL_CTX *ctx, const char *host, const char *alpn)
{
    uint8_t list[64];
    size_t size = strlen(alpn);
    fb_assert(size < sizeof(list));
    list[0] = (uint8_t)size;
    memcpy(list + 1, alpn, size);
    SSL *ssl = SSL_new(ctx);
    if (ssl == NULL) {
        return NULL;
    }
    bool ok = SSL_set_alpn_protos(ssl, list, (unsigned int)size + 1) == 0;
    if (fb_address_is_numeric(host)) {
        ok = ok && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ok = ok && SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
    }
    if (!ok) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

const char *fb_tls_alpn(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    for (int i = 0; i < ALPN_COUNT; i++) {
        if (size == strlen(ALPN_NAMES[i]) && memcmp(name, ALPN_NAMES[i], size) == 0) {
            return ALPN_NAMES[i];
        }
    }
    return NULL;
}
