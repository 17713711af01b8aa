/* SPDX-License-Identifier: MIT */
#include "common/net/ca.h"

#include <string.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/net/address.h"
#include "common/net/cert_inside.h"

#define S_PER_DAY         86400LL
#define ROOT_DAYS         3652
#define ISSUER_DAYS       731
#define SERVER_DAYS       90
#define DEVICE_DAYS       30
#define BACKDATED_S       3600
#define SERIAL_BITS       128
#define COMMON_NAME_BYTES 64 /* RFC 5280, ub-common-name */

/* What a certificate is to say, besides whose it is. */
struct profile {
    int days;
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage; /* NULL: none */
};

static const struct profile ROOT = {ROOT_DAYS, "critical,CA:TRUE,pathlen:1",
                                    "critical,keyCertSign,cRLSign", NULL};
static const struct profile ISSUER = {ISSUER_DAYS, "critical,CA:TRUE,pathlen:0",
                                      "critical,keyCertSign,cRLSign", NULL};
static const struct profile SERVER = {SERVER_DAYS, "critical,CA:FALSE", "critical,digitalSignature",
                                      "serverAuth"};
static const struct profile DEVICE = {DEVICE_DAYS, "critical,CA:FALSE", "critical,digitalSignature",
                                      "clientAuth"};

static void drop_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void drop_cert(X509 **cert)
{
    X509_free(*cert);
}

static void drop_csr(X509_REQ **csr)
{
    X509_REQ_free(*csr);
}

static void drop_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void drop_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static int no_memory(struct fb_why *why)
{
    return fb_crypto_fail(why, FB_ERR_NO_MEMORY, "a certificate or key cannot be made");
}

void fb_ca_pair_init(struct fb_ca_pair *pair)
{
    fb_buf_init(&pair->cert, FB_PEM_BYTES_MAX);
    fb_buf_init(&pair->key, FB_PEM_BYTES_MAX);
}

void fb_ca_pair_release(struct fb_ca_pair *pair)
{
    if (pair == NULL) {
        return;
    }
    if (pair->key.bytes != NULL) {
        OPENSSL_cleanse(pair->key.bytes, pair->key.capacity);
    }
    fb_buf_release(&pair->cert);
    fb_buf_release(&pair->key);
}

/* ---- PEM ---- */

static int append_bio(BIO *bio, struct fb_buf *ret, struct fb_why *why)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    fb_buf_append(ret, bytes, (size_t)size);
    return fb_buf_error(ret) == FB_OK ? FB_OK : no_memory(why);
}

static int write_key(EVP_PKEY *key, struct fb_buf *ret, struct fb_why *why)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return no_memory(why);
    }
    return append_bio(bio, ret, why);
}

static int write_cert(X509 *cert, struct fb_buf *ret, struct fb_why *why)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1) {
        return no_memory(why);
    }
    return append_bio(bio, ret, why);
}

static EVP_PKEY *read_key(const struct fb_buf *pem)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

static X509 *read_cert(const struct fb_buf *pem)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

/* ---- Certificates ---- */

static EVP_PKEY *make_key(void)
{
    return EVP_EC_gen("P-256");
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool ok = number != NULL &&
              BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

static bool set_subject(X509 *cert, const char *name)
{
    size_t size = strlen(name);
    while (size > COMMON_NAME_BYTES ||
           (size > 0 && size < strlen(name) && ((unsigned char)name[size] & 0xC0) == 0x80)) {
        size--; /* whole characters */
    }
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)name, (int)size, -1, 0) == 1;
}

static bool set_times(X509 *cert, int days, int64_t now_ms)
{
    int64_t from_s = now_ms / 1000 - BACKDATED_S;
    int64_t until_s = now_ms / 1000 + days * S_PER_DAY;
    return ASN1_TIME_set(X509_getm_notBefore(cert), from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), until_s) != NULL;
}

/* A certificate that is not signed yet. issuer NULL: its own. */
static X509 *build(const struct profile *profile, const char *name, EVP_PKEY *key, X509 *issuer,
                   GENERAL_NAMES *names, int64_t now_ms)
{
    X509 *cert = X509_new();
    if (cert == NULL) {
        return NULL;
    }
    X509 *by = issuer == NULL ? cert : issuer;
    bool ok = X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
              set_times(cert, profile->days, now_ms) && set_subject(cert, name) &&
              X509_set_issuer_name(cert, X509_get_subject_name(by)) == 1 &&
              X509_set_pubkey(cert, key) == 1 &&
              add_extension(cert, by, NID_basic_constraints, profile->basic_constraints) &&
              add_extension(cert, by, NID_key_usage, profile->key_usage) &&
              add_extension(cert, by, NID_subject_key_identifier, "hash") &&
              add_extension(cert, by, NID_authority_key_identifier, "keyid:always");
    if (ok && profile->extended_key_usage != NULL) {
        ok = add_extension(cert, by, NID_ext_key_usage, profile->extended_key_usage);
    }
    if (ok && names != NULL) {
        ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
    }
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static int sign(X509 *cert, EVP_PKEY *key, struct fb_buf *ret_cert, struct fb_why *why)
{
    if (cert == NULL || X509_sign(cert, key, EVP_sha256()) <= 0) {
        return no_memory(why);
    }
    return write_cert(cert, ret_cert, why);
}

/* Reads the signer and makes a certificate for key. */
static int issue(const struct fb_ca_pair *issuer, const struct profile *profile, const char *name,
                 EVP_PKEY *key, GENERAL_NAMES *names, int64_t now_ms, struct fb_buf *ret_cert,
                 struct fb_why *why)
{
    FB_AUTO(drop_cert) X509 *by = read_cert(&issuer->cert);
    FB_AUTO(drop_key) EVP_PKEY *by_key = read_key(&issuer->key);
    if (by == NULL || by_key == NULL || X509_check_private_key(by, by_key) != 1) {
        return fb_crypto_fail(
            why, FB_ERR_CONFIG,
            "the authority's certificate and key cannot be read or do not belong together");
    }
    FB_AUTO(drop_cert) X509 *cert = build(profile, name, key, by, names, now_ms);
    return sign(cert, by_key, ret_cert, why);
}

/* Moves what was made into the caller's pair. */
static int give(struct fb_ca_pair *made, EVP_PKEY *key, struct fb_ca_pair *ret, struct fb_why *why)
{
    int rc = write_key(key, &made->key, why);
    if (rc != FB_OK) {
        return rc;
    }
    fb_buf_append(&ret->cert, made->cert.bytes, made->cert.size);
    fb_buf_append(&ret->key, made->key.bytes, made->key.size);
    return fb_buf_error(&ret->cert) == FB_OK && fb_buf_error(&ret->key) == FB_OK ? FB_OK
                                                                                 : no_memory(why);
}

int fb_ca_make_root(const char *name, int64_t now_ms, struct fb_ca_pair *ret_root,
                    struct fb_why *why)
{
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair made;
    fb_ca_pair_init(&made);
    FB_AUTO(drop_key) EVP_PKEY *key = make_key();
    FB_AUTO(drop_cert)
    X509 *cert = key == NULL ? NULL : build(&ROOT, name, key, NULL, NULL, now_ms);
    int rc = sign(cert, key, &made.cert, why);
    return rc == FB_OK ? give(&made, key, ret_root, why) : rc;
}

static int make_pair(const struct fb_ca_pair *issuer, const struct profile *profile,
                     const char *name, GENERAL_NAMES *names, int64_t now_ms,
                     struct fb_ca_pair *ret_pair, struct fb_why *why)
{
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair made;
    fb_ca_pair_init(&made);
    FB_AUTO(drop_key) EVP_PKEY *key = make_key();
    if (key == NULL) {
        return no_memory(why);
    }
    int rc = issue(issuer, profile, name, key, names, now_ms, &made.cert, why);
    return rc == FB_OK ? give(&made, key, ret_pair, why) : rc;
}

int fb_ca_make_issuer(const struct fb_ca_pair *root, const char *name, int64_t now_ms,
                      struct fb_ca_pair *ret_issuer, struct fb_why *why)
{
    return make_pair(root, &ISSUER, name, NULL, now_ms, ret_issuer, why);
}

/* ---- The server's names ---- */

static bool add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t size)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, bytes, (int)size) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

/* Letters, digits, hyphens, dots; a first label "*" is a wildcard. */
static bool is_dns_name(const char *host)
{
    const char *rest = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
    size_t size = strlen(rest);
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return size > 0 && strlen(host) < FB_HOST_SIZE && strspn(rest, ALLOWED) == size &&
           rest[0] != '.' && rest[0] != '-' && strstr(rest, "..") == NULL;
}

static int add_host(GENERAL_NAMES *names, const char *host, struct fb_why *why)
{
    struct in6_addr bytes;
    bool ok = false;
    if (inet_pton(AF_INET, host, &bytes) == 1) {
        ok = add_name(names, GEN_IPADD, &bytes, sizeof(struct in_addr));
    } else if (inet_pton(AF_INET6, host, &bytes) == 1) {
        ok = add_name(names, GEN_IPADD, &bytes, sizeof(bytes));
    } else if (is_dns_name(host)) {
        ok = add_name(names, GEN_DNS, host, strlen(host));
    } else {
        return fb_fail(
            why, FB_ERR_CONFIG,
            "'%.200s' is neither a host name nor an address: write it without port or https://",
            host);
    }
    return ok ? FB_OK : no_memory(why);
}

int fb_ca_make_server(const struct fb_ca_pair *issuer, const char *const *hosts, size_t host_count,
                      int64_t now_ms, struct fb_ca_pair *ret_server, struct fb_why *why)
{
    static const char *const ALWAYS[] = {"localhost", "127.0.0.1", "::1"};
    FB_AUTO(drop_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    if (names == NULL) {
        return no_memory(why);
    }
    for (size_t i = 0; i < host_count; i++) {
        int rc = add_host(names, hosts[i], why);
        if (rc != FB_OK) {
            return rc;
        }
    }
    for (size_t i = 0; i < sizeof(ALWAYS) / sizeof(ALWAYS[0]); i++) {
        int rc = add_host(names, ALWAYS[i], why);
        if (rc != FB_OK) {
            return rc;
        }
    }
    return make_pair(issuer, &SERVER, host_count > 0 ? hosts[0] : ALWAYS[0], names, now_ms,
                     ret_server, why);
}

/* ---- Devices ---- */

static bool is_p256(EVP_PKEY *key)
{
    char group[32] = "";
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

/* The public key of a request that its own key signed. A reference the caller drops. */
static int read_csr_key(const void *csr, size_t size, EVP_PKEY **ret_key, struct fb_why *why)
{
    if (size > FB_PEM_BYTES_MAX) {
        return fb_fail(why, FB_ERR_INVALID, "the certificate request is too long");
    }
    FB_AUTO(drop_bio) BIO *bio = BIO_new_mem_buf(csr, (int)size);
    FB_AUTO(drop_csr)
    X509_REQ *request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    if (request == NULL) {
        return fb_crypto_fail(why, FB_ERR_INVALID,
                              "the certificate request cannot be read: it must be PEM text");
    }
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (key == NULL || !is_p256(key)) {
        return fb_crypto_fail(why, FB_ERR_INVALID,
                              "the certificate request's key is not ECDSA P-256");
    }
    if (X509_REQ_verify(request, key) != 1) {
        return fb_crypto_fail(why, FB_ERR_INVALID,
                              "the certificate request is not signed by its own key");
    }
    EVP_PKEY_up_ref(key);
    *ret_key = key;
    return FB_OK;
}

int fb_ca_sign_device(const struct fb_ca_pair *issuer, const void *csr, size_t csr_size,
                      const char device_id[static FB_ROW_ID_SIZE], const char *name, int64_t now_ms,
                      struct fb_buf *ret_cert, struct fb_why *why)
{
    FB_AUTO(drop_key) EVP_PKEY *key = NULL;
    int rc = read_csr_key(csr, csr_size, &key, why);
    if (rc != FB_OK) {
        return rc;
    }
    char urn[sizeof(FB_DEVICE_URN) + FB_ROW_ID_SIZE];
    int size = snprintf(urn, sizeof(urn), "%s%s", FB_DEVICE_URN, device_id);
    FB_AUTO(drop_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    if (names == NULL || !add_name(names, GEN_URI, urn, (size_t)size)) {
        return no_memory(why);
    }
    return issue(issuer, &DEVICE, name, key, names, now_ms, ret_cert, why);
}

int fb_ca_make_key(struct fb_buf *ret_key, struct fb_why *why)
{
    FB_AUTO(drop_key) EVP_PKEY *key = make_key();
    return key == NULL ? no_memory(why) : write_key(key, ret_key, why);
}

int fb_ca_make_csr(const struct fb_buf *key_pem, struct fb_buf *ret_csr, struct fb_why *why)
{
    FB_AUTO(drop_key) EVP_PKEY *key = read_key(key_pem);
    if (key == NULL) {
        return fb_crypto_fail(
            why, FB_ERR_CONFIG,
            "the private key cannot be read: it must be PEM text without a password");
    }
    FB_AUTO(drop_csr) X509_REQ *request = X509_REQ_new();
    FB_AUTO(drop_bio) BIO *bio = BIO_new(BIO_s_mem());
    bool ok =
        request != NULL && bio != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0 &&
        PEM_write_bio_X509_REQ(bio, request) == 1;
    return ok ? append_bio(bio, ret_csr, why) : no_memory(why);
}

static int fingerprint(const EVP_PKEY *key, struct fb_sha256 *ret_hash, struct fb_why *why)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0) {
        return no_memory(why);
    }
    *ret_hash = fb_sha256(der, (size_t)size, NULL, 0);
    OPENSSL_free(der);
    return FB_OK;
}

int fb_ca_csr_fingerprint(const void *csr, size_t csr_size, struct fb_sha256 *ret_hash,
                          struct fb_why *why)
{
    FB_AUTO(drop_key) EVP_PKEY *key = NULL;
    int rc = read_csr_key(csr, csr_size, &key, why);
    return rc == FB_OK ? fingerprint(key, ret_hash, why) : rc;
}

int fb_ca_key_fingerprint(const struct fb_buf *key_pem, struct fb_sha256 *ret_hash,
                          struct fb_why *why)
{
    FB_AUTO(drop_key) EVP_PKEY *key = read_key(key_pem);
    if (key == NULL) {
        return fb_crypto_fail(
            why, FB_ERR_CONFIG,
            "the private key cannot be read: it must be PEM text without a password");
    }
    return fingerprint(key, ret_hash, why);
}
