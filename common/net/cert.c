/* SPDX-License-Identifier: MIT */
#include "common/base/hex.h"
#include "common/net/ca.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/time.h"
#include "common/net/cert_inside.h"

#define MS_PER_DAY    86400000LL
#define SERIAL_DIGITS 32

int fb_crypto_fail(struct fb_why *why, int err, const char *sentence)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    fb_why_set(why, reason == NULL ? "%s" : "%s (%s)", fb_text(sentence), reason);
    ERR_clear_error();
    return err;
}

static int64_t ms_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        return INT64_MIN;
    }
    int64_t days = fb_days_from_date(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    return days * MS_PER_DAY + ((tm.tm_hour * 60LL + tm.tm_min) * 60 + tm.tm_sec) * 1000;
}

/* The device id of the only urn:fieldbook:device: name, or empty. Two such names are none. */
static void read_device_id(X509 *x509, char ret_id[static FB_ROW_ID_SIZE])
{
    static const size_t URN_SIZE = sizeof(FB_DEVICE_URN) - 1;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    int found = 0;
    ret_id[0] = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) {
            continue;
        }
        const char *text = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
        size_t size = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
        if (size == URN_SIZE + FB_ROW_ID_SIZE - 1 && memcmp(text, FB_DEVICE_URN, URN_SIZE) == 0 &&
            fb_id_is_valid(text + URN_SIZE, FB_ROW_ID_SIZE - 1)) {
            memcpy(ret_id, text + URN_SIZE, FB_ROW_ID_SIZE - 1);
            ret_id[FB_ROW_ID_SIZE - 1] = 0;
            found++;
        }
    }
    if (found != 1) {
        ret_id[0] = 0;
    }
    GENERAL_NAMES_free(names);
}

static void read_serial(const X509 *x509, char ret_text[static SERIAL_DIGITS + 1])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    const uint8_t *bytes = ASN1_STRING_get0_data(serial);
    int size = ASN1_STRING_length(serial);
    size = size < SERIAL_DIGITS / 2 ? size : SERIAL_DIGITS / 2;
    fb_hex_write(bytes, (size_t)size, ret_text);
}

static bool hash_der(unsigned char *der, int size, struct fb_sha256 *ret_hash)
{
    if (size <= 0) {
        return false;
    }
    *ret_hash = fb_sha256(der, (size_t)size, NULL, 0);
    OPENSSL_free(der);
    return true;
}

int fb_cert_from_x509(X509 *x509, struct fb_cert *ret_cert, struct fb_why *why)
{
    struct fb_cert cert = {.valid_from_ms = ms_of(X509_get0_notBefore(x509)),
                           .valid_until_ms = ms_of(X509_get0_notAfter(x509)),
                           .is_ca = X509_check_ca(x509) == 1};
    unsigned char *der = NULL;
    int size = i2d_X509(x509, &der);
    unsigned char *key = NULL;
    bool ok = hash_der(der, size, &cert.fingerprint);
    size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &key);
    ok = hash_der(key, size, &cert.key) && ok;
    if (!ok || cert.valid_from_ms == INT64_MIN || cert.valid_until_ms == INT64_MIN) {
        return fb_crypto_fail(why, FB_ERR_INVALID, "the certificate cannot be read");
    }
    read_device_id(x509, cert.device_id);
    read_serial(x509, cert.serial);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, cert.name,
                              sizeof(cert.name));
    *ret_cert = cert;
    return FB_OK;
}

int fb_cert_read(const void *pem, size_t size, struct fb_cert *ret_cert, struct fb_why *why)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    int rc = x509 == NULL ? fb_crypto_fail(why, FB_ERR_INVALID,
                                           "the certificate cannot be read: it must be PEM text")
                          : fb_cert_from_x509(x509, ret_cert, why);
    X509_free(x509);
    return rc;
}
