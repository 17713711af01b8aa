/* SPDX-License-Identifier: MIT */
#include "common/net/sealed.h"

#include <string.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/mem.h"
#include "common/net/cert_inside.h"

#define KIND_BYTES 8
#define HEAD_BYTES (KIND_BYTES + FB_SHA256_BYTES)

static const struct {
    char name[KIND_BYTES + 1];
    int purpose; /* of the signer's certificate */
} KINDS[] = {
    [FB_SEALED_ASK] = {"fb-ask-1", X509_PURPOSE_SSL_CLIENT},
    [FB_SEALED_ANSWER] = {"fb-ans-1", X509_PURPOSE_SSL_SERVER},
};

static void drop_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void drop_cms(CMS_ContentInfo **cms)
{
    CMS_ContentInfo_free(*cms);
}

static void drop_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void drop_store(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void drop_certs(STACK_OF(X509) * *certs)
{
    sk_X509_pop_free(*certs, X509_free);
}

static int no_memory(struct fb_why *why)
{
    return fb_crypto_fail(why, FB_ERR_NO_MEMORY, "the file of a round cannot be made");
}

/* ---- PEM ---- */

/* All certificates, in their order; NULL if there is none. */
static STACK_OF(X509) * read_certs(const struct fb_buf *pem)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509 *cert = NULL;
    while (bio != NULL && certs != NULL &&
           (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(certs, cert) <= 0) {
            X509_free(cert);
            break;
        }
    }
    ERR_clear_error(); /* the end of the text is one */
    if (sk_X509_num(certs) <= 0) {
        sk_X509_free(certs);
        return NULL;
    }
    return certs;
}

static EVP_PKEY *read_key(const struct fb_buf *pem)
{
    FB_AUTO(drop_bio) BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

static int unreadable(struct fb_why *why)
{
    return fb_crypto_fail(why, FB_ERR_CONFIG,
                          "a certificate or key cannot be read: it must be PEM text");
}

/* ---- Sealing ---- */

/* The signed bytes, as DER. NULL: no memory. */
static BIO *sign(const struct fb_buf *bytes, STACK_OF(X509) * certs, EVP_PKEY *key)
{
    FB_AUTO(drop_bio) BIO *in = BIO_new_mem_buf(bytes->bytes, (int)bytes->size);
    FB_AUTO(drop_certs) STACK_OF(X509) *issuers = X509_chain_up_ref(certs);
    if (in == NULL || issuers == NULL) {
        return NULL;
    }
    X509_free(sk_X509_shift(issuers));
    FB_AUTO(drop_cms)
    CMS_ContentInfo *cms = CMS_sign(sk_X509_value(certs, 0), key, issuers, in, CMS_BINARY);
    BIO *out = BIO_new(BIO_s_mem());
    if (cms == NULL || out == NULL || i2d_CMS_bio(out, cms) != 1) {
        BIO_free(out);
        return NULL;
    }
    return out;
}

/* OpenSSL would derive the key by SHA-1, which RFC 5753 allows and nobody wants. */
static bool add_reader(CMS_ContentInfo *cms, X509 *reader)
{
    CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, reader, CMS_KEY_PARAM);
    EVP_PKEY_CTX *ctx = ri == NULL ? NULL : CMS_RecipientInfo_get0_pkey_ctx(ri);
    return ctx != NULL && EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
}

static BIO *encrypt(BIO *in, X509 *reader)
{
    FB_AUTO(drop_cms)
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
    BIO *out = BIO_new(BIO_s_mem());
    bool ok = cms != NULL && out != NULL && add_reader(cms, reader) &&
              CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_bio(out, cms) == 1;
    if (!ok) {
        BIO_free(out);
        return NULL;
    }
    return out;
}

static struct fb_sha256 hash_of(enum fb_sealed_kind kind, const void *cms, size_t size)
{
    return fb_sha256(KINDS[kind].name, KIND_BYTES, cms, size);
}

int fb_seal(enum fb_sealed_kind kind, const struct fb_buf *bytes, const struct fb_ca_pair *from,
            const struct fb_buf *to, struct fb_buf *ret, struct fb_why *why)
{
    FB_AUTO(drop_certs) STACK_OF(X509) *signers = read_certs(&from->cert);
    FB_AUTO(drop_certs) STACK_OF(X509) *readers = read_certs(to);
    FB_AUTO(drop_key) EVP_PKEY *key = read_key(&from->key);
    if (signers == NULL || readers == NULL || key == NULL) {
        return unreadable(why);
    }
    X509 *reader = sk_X509_value(readers, sk_X509_num(readers) - 1);
    FB_AUTO(drop_bio) BIO *is_signed = sign(bytes, signers, key);
    FB_AUTO(drop_bio) BIO *sealed = is_signed == NULL ? NULL : encrypt(is_signed, reader);
    if (sealed == NULL) {
        return no_memory(why);
    }
    char *cms = NULL;
    size_t size = (size_t)BIO_get_mem_data(sealed, &cms);
    struct fb_sha256 hash = hash_of(kind, cms, size);
    fb_buf_append(ret, KINDS[kind].name, KIND_BYTES);
    fb_buf_append(ret, hash.bytes, sizeof hash.bytes);
    fb_buf_append(ret, cms, size);
    return fb_buf_error(ret);
}

/* ---- Unsealing ---- */

static int check_whole(enum fb_sealed_kind kind, const uint8_t *bytes, size_t size,
                       struct fb_why *why)
{
    enum fb_sealed_kind other = kind == FB_SEALED_ASK ? FB_SEALED_ANSWER : FB_SEALED_ASK;
    if (size >= KIND_BYTES && memcmp(bytes, KINDS[other].name, KIND_BYTES) == 0) {
        return kind == FB_SEALED_ASK
                   ? fb_fail(why, FB_ERR_INVALID,
                             "this is an answer of headquarters: take it back to the laptop and "
                             "run `fieldbook-replica import-round` there")
                   : fb_fail(why, FB_ERR_INVALID,
                             "this is a laptop's own file: take it to headquarters, where "
                             "`fieldbook-server answer` writes the answer to it");
    }
    if (size < KIND_BYTES || memcmp(bytes, KINDS[kind].name, KIND_BYTES) != 0) {
        return fb_fail(why, FB_ERR_INVALID,
                       "this is not the file of a round, or its beginning was altered: look "
                       "whether it is the right one, and copy it again");
    }
    struct fb_sha256 hash = {{0}};
    if (size > HEAD_BYTES) {
        hash = hash_of(kind, bytes + HEAD_BYTES, size - HEAD_BYTES);
    }
    return size > HEAD_BYTES && memcmp(hash.bytes, bytes + KIND_BYTES, sizeof hash.bytes) == 0
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID,
                         "the file was cut off or altered on the way: copy it again");
}

/* The signed bytes inside, as DER; NULL: for somebody else. The key alone says whose it is: a certificate may have been renewed. */
static BIO *decrypt(const uint8_t *cms_bytes, size_t size, EVP_PKEY *key)
{
    FB_AUTO(drop_bio) BIO *in = BIO_new_mem_buf(cms_bytes, (int)size);
    FB_AUTO(drop_cms) CMS_ContentInfo *cms = in == NULL ? NULL : d2i_CMS_bio(in, NULL);
    BIO *out = BIO_new(BIO_s_mem());
    if (cms == NULL || out == NULL || CMS_decrypt(cms, key, NULL, NULL, out, CMS_BINARY) != 1) {
        BIO_free(out);
        return NULL;
    }
    return out;
}

static X509_STORE *trust(enum fb_sealed_kind kind, const struct fb_unseal *by)
{
    FB_AUTO(drop_certs) STACK_OF(X509) *certs = read_certs(by->ca);
    X509_STORE *store = X509_STORE_new();
    bool ok = store != NULL && X509_STORE_set_purpose(store, KINDS[kind].purpose) == 1;
    for (int i = 0; ok && i < sk_X509_num(certs); i++) {
        ok = X509_STORE_add_cert(store, sk_X509_value(certs, i)) == 1;
    }
    if (!ok) {
        X509_STORE_free(store);
        return NULL;
    }
    if (kind == FB_SEALED_ASK) {
        X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME);
    } else {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(by->now_ms / 1000));
    }
    return store;
}

/* Appends the bytes that the one signer signed, and its certificate. */
static int verify(BIO *in, X509_STORE *store, struct fb_buf *ret, struct fb_cert *ret_signer,
                  struct fb_buf *ret_pem, struct fb_why *why)
{
    FB_AUTO(drop_cms) CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
    FB_AUTO(drop_bio) BIO *out = BIO_new(BIO_s_mem());
    FB_AUTO(drop_bio) BIO *pem = BIO_new(BIO_s_mem());
    if (cms == NULL || out == NULL || pem == NULL ||
        CMS_verify(cms, NULL, store, NULL, out, CMS_BINARY) != 1) {
        return FB_ERR_REFUSED;
    }
    STACK_OF(X509) *signers = CMS_get0_signers(cms); /* only the list is ours */
    X509 *signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
    sk_X509_free(signers);
    if (signer == NULL || PEM_write_bio_X509(pem, signer) != 1) {
        return FB_ERR_REFUSED;
    }
    int rc = fb_cert_from_x509(signer, ret_signer, why);
    char *bytes = NULL;
    long size = BIO_get_mem_data(out, &bytes);
    fb_buf_append(ret, bytes, (size_t)size);
    size = BIO_get_mem_data(pem, &bytes);
    fb_buf_append(ret_pem, bytes, (size_t)size);
    rc = rc < 0 ? rc : fb_buf_error(ret);
    return rc < 0 ? rc : fb_buf_error(ret_pem);
}

int fb_unseal(enum fb_sealed_kind kind, const struct fb_unseal *by, const void *bytes, size_t size,
              struct fb_buf *ret, struct fb_cert *ret_signer, struct fb_buf *ret_pem,
              struct fb_why *why)
{
    int rc = check_whole(kind, bytes, size, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(drop_key) EVP_PKEY *key = read_key(by->key);
    FB_AUTO(drop_store) X509_STORE *store = trust(kind, by);
    if (key == NULL || store == NULL) {
        return unreadable(why);
    }
    FB_AUTO(drop_bio)
    BIO *is_signed = decrypt((const uint8_t *)bytes + HEAD_BYTES, size - HEAD_BYTES, key);
    rc = is_signed == NULL ? FB_ERR_REFUSED
                           : verify(is_signed, store, ret, ret_signer, ret_pem, why);
    ERR_clear_error();
    if (rc != FB_ERR_REFUSED) {
        return rc;
    }
    if (kind == FB_SEALED_ASK) {
        return is_signed == NULL
                   ? fb_fail(why, rc,
                             "the file is for another headquarters: answer it there, or let the "
                             "laptop enrol here")
                   : fb_fail(why, rc,
                             "the file is not signed by a laptop of this headquarters: it must "
                             "enrol here first");
    }
    return is_signed == NULL ? fb_fail(why, rc,
                                       "the answer is for another laptop: take it in on the one "
                                       "whose file was answered")
                             : fb_fail(why, rc,
                                       "the answer is not signed by this laptop's headquarters: "
                                       "have the file answered there");
}
