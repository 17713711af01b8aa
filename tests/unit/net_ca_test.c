/* SPDX-License-Identifier: MIT
 *
 * What the authority signs, and what it does not (faults.md, D7).
 */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common/base/value.h"
#include "tests/unit/net_fixture.h"

static struct authority hq;
static int64_t made_ms;

static X509 *x509_of(const struct fb_buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->size);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(cert);
    return cert;
}

static void expect_extension(X509 *cert, int nid, bool is_critical, const char *text)
{
    int at = X509_get_ext_by_NID(cert, nid, -1);
    assert_true(at >= 0);
    assert_int_equal(X509_get_ext_by_NID(cert, nid, at), -1); /* once */
    X509_EXTENSION *extension = X509_get_ext(cert, at);
    assert_int_equal(X509_EXTENSION_get_critical(extension), is_critical);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    assert_int_equal(X509V3_EXT_print(bio, extension, 0, 0), 1);
    long size = BIO_get_mem_data(bio, &bytes);
    if (strlen(text) != (size_t)size || memcmp(bytes, text, (size_t)size) != 0) {
        fail_msg("expected %s, got %.*s", text, (int)size, bytes);
    }
    BIO_free(bio);
}

static void expect_life(const struct fb_buf *pem, int days)
{
    struct fb_cert cert;
    must(fb_cert_read(pem->bytes, pem->size, &cert, NULL), NULL);
    int64_t second_ms = made_ms / 1000 * 1000;
    assert_int_equal(cert.valid_from_ms,
                     second_ms - 3600 * 1000); /* an hour back, for slow clocks */
    assert_int_equal(cert.valid_until_ms, second_ms + days * MS_PER_DAY);
}

FB_TEST(the_root_may_sign_one_more_authority_and_lives_ten_years)
{
    X509 *cert = x509_of(&hq.root.cert);
    expect_extension(cert, NID_basic_constraints, true, "CA:TRUE, pathlen:1");
    expect_extension(cert, NID_key_usage, true, "Certificate Sign, CRL Sign");
    expect_life(&hq.root.cert, 3652);
    X509_free(cert);
}

FB_TEST(the_issuing_authority_may_sign_no_authority_and_lives_two_years)
{
    X509 *cert = x509_of(&hq.issuer.cert);
    expect_extension(cert, NID_basic_constraints, true, "CA:TRUE, pathlen:0");
    expect_life(&hq.issuer.cert, 731);
    X509_free(cert);
}

FB_TEST(the_servers_certificate_names_its_hosts_and_loopback)
{
    X509 *cert = x509_of(&hq.server.cert);
    expect_extension(cert, NID_basic_constraints, true, "CA:FALSE");
    expect_extension(cert, NID_key_usage, true, "Digital Signature");
    expect_extension(cert, NID_ext_key_usage, false, "TLS Web Server Authentication");
    expect_extension(
        cert, NID_subject_alt_name, false,
        "DNS:crm.example.com, IP Address:192.0.2.7, DNS:localhost, IP Address:127.0.0.1, "
        "IP Address:0:0:0:0:0:0:0:1");
    expect_life(&hq.server.cert, 90);
    X509_free(cert);
}

FB_TEST(a_devices_certificate_says_who_it_is_and_nothing_else)
{
    struct fb_cert cert;
    struct fb_sha256 key;
    X509 *x509 = x509_of(&hq.device.cert);
    expect_extension(x509, NID_basic_constraints, true, "CA:FALSE");
    expect_extension(x509, NID_key_usage, true, "Digital Signature");
    expect_extension(x509, NID_ext_key_usage, false, "TLS Web Client Authentication");
    expect_extension(x509, NID_subject_alt_name, false, "URI:urn:fieldbook:device:" DEVICE_ID);
    expect_life(&hq.device.cert, 30);
    must(fb_cert_read(hq.device.cert.bytes, hq.device.cert.size, &cert, NULL), NULL);
    assert_string_equal(cert.device_id, DEVICE_ID);
    assert_string_equal(cert.name, "Ana's laptop");
    assert_false(cert.is_ca);
    must(fb_ca_key_fingerprint(&hq.device.key, &key, NULL), NULL);
    assert_true(fb_sha256_equal(&cert.key, &key));
    X509_free(x509);
}

FB_TEST(no_two_serials_are_alike_and_all_are_long)
{
    struct fb_cert certs[8];
    for (int i = 0; i < 8; i++) {
        struct fb_ca_pair device;
        make_device(&hq, DEVICE_ID, made_ms, &device);
        must(fb_cert_read(device.cert.bytes, device.cert.size, &certs[i], NULL), NULL);
        assert_true(strlen(certs[i].serial) >= 28);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(certs[i].serial, certs[j].serial);
        }
        fb_ca_pair_release(&device);
    }
}

FB_TEST(a_certificate_that_is_no_devices_names_none)
{
    struct fb_cert cert;
    must(fb_cert_read(hq.server.cert.bytes, hq.server.cert.size, &cert, NULL), NULL);
    assert_string_equal(cert.device_id, "");
    must(fb_cert_read(hq.issuer.cert.bytes, hq.issuer.cert.size, &cert, NULL), NULL);
    assert_true(cert.is_ca);
}

/* ---- Requests that ask for more than they may ---- */

static EVP_PKEY *new_key(const char *kind)
{
    return strcmp(kind, "RSA") == 0       ? EVP_RSA_gen(2048)
           : strcmp(kind, "ED25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                          : EVP_EC_gen(kind);
}

struct wish {
    const char *key_kind;
    const char *extension; /* "nid name" asked for, or NULL */
    int nid;
    bool is_signed_by_another;
};

static void make_request(const struct wish *wish, struct fb_buf *ret_csr)
{
    EVP_PKEY *key = new_key(wish->key_kind);
    EVP_PKEY *another = new_key(wish->key_kind);
    X509_REQ *request = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    assert_non_null(key);
    X509_REQ_set_pubkey(request, key);
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                               (const unsigned char *)"root", -1, -1, 0);
    if (wish->extension != NULL) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, wish->nid, wish->extension);
        assert_non_null(extension);
        sk_X509_EXTENSION_push(extensions, extension);
        X509_REQ_add_extensions(request, extensions);
    }
    const EVP_MD *md = strcmp(wish->key_kind, "ED25519") == 0 ? NULL : EVP_sha256();
    assert_true(X509_REQ_sign(request, wish->is_signed_by_another ? another : key, md) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    PEM_write_bio_X509_REQ(bio, request);
    long size = BIO_get_mem_data(bio, &bytes);
    fb_buf_init(ret_csr, FB_PEM_BYTES_MAX);
    fb_buf_append(ret_csr, bytes, (size_t)size);
    BIO_free(bio);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    EVP_PKEY_free(another);
}

FB_TEST(what_a_request_asks_for_beside_its_key_is_not_even_read)
{
    static const struct wish WISHES[] = {
        {"P-256", "critical,CA:TRUE", NID_basic_constraints, false},
        {"P-256", "keyCertSign,cRLSign", NID_key_usage, false},
        {"P-256", "serverAuth,codeSigning", NID_ext_key_usage, false},
        {"P-256", "URI:urn:fieldbook:device:0190a1b2-c3d4-7e5f-8a9b-000000000000",
         NID_subject_alt_name, false},
        {"P-256", "DNS:crm.example.com", NID_subject_alt_name, false},
    };
    for (size_t i = 0; i < sizeof(WISHES) / sizeof(WISHES[0]); i++) {
        struct fb_buf csr;
        struct fb_buf pem;
        make_request(&WISHES[i], &csr);
        fb_buf_init(&pem, FB_PEM_BYTES_MAX);
        must(fb_ca_sign_device(&hq.issuer, csr.bytes, csr.size, DEVICE_ID, "Ana's laptop", made_ms,
                               &pem, NULL),
             NULL);
        X509 *cert = x509_of(&pem);
        expect_extension(cert, NID_basic_constraints, true, "CA:FALSE");
        expect_extension(cert, NID_key_usage, true, "Digital Signature");
        expect_extension(cert, NID_ext_key_usage, false, "TLS Web Client Authentication");
        expect_extension(cert, NID_subject_alt_name, false, "URI:urn:fieldbook:device:" DEVICE_ID);
        assert_int_equal(X509_get_ext_count(cert), 6);
        struct fb_cert read;
        must(fb_cert_read(pem.bytes, pem.size, &read, NULL), NULL);
        assert_string_equal(read.name, "Ana's laptop");
        X509_free(cert);
        fb_buf_release(&pem);
        fb_buf_release(&csr);
    }
}

static void expect_request_refused(const void *csr, size_t size, const char *says)
{
    struct fb_why why = {0};
    struct fb_buf pem;
    struct fb_sha256 hash;
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    assert_int_equal(fb_ca_sign_device(&hq.issuer, csr, size, DEVICE_ID, "x", made_ms, &pem, &why),
                     FB_ERR_INVALID);
    if (strstr(why.text, says) == NULL) {
        fail_msg("said: %s", why.text);
    }
    assert_int_equal(pem.size, 0);
    assert_int_equal(fb_ca_csr_fingerprint(csr, size, &hash, &why), FB_ERR_INVALID);
    assert_int_equal(ERR_peek_error(),
                     0); /* nothing is left behind for the next handshake to trip over */
}

FB_TEST(weak_and_foreign_keys_are_refused)
{
    static const char *const KINDS[] = {"RSA", "P-224", "P-384", "secp256k1", "ED25519"};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        struct fb_buf csr;
        make_request(&(struct wish){.key_kind = KINDS[i]}, &csr);
        expect_request_refused(csr.bytes, csr.size, "not ECDSA P-256");
        fb_buf_release(&csr);
    }
}

FB_TEST(a_request_for_somebody_elses_key_is_refused)
{
    struct fb_buf csr;
    make_request(&(struct wish){.key_kind = "P-256", .is_signed_by_another = true}, &csr);
    expect_request_refused(csr.bytes, csr.size, "not signed by its own key");
    fb_buf_release(&csr);
}

FB_TEST(a_request_with_any_byte_changed_never_gets_another_key_signed)
{
    struct fb_buf csr;
    struct fb_sha256 asked;
    must(fb_ca_key_fingerprint(&hq.device.key, &asked, NULL), NULL);
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    must(fb_ca_make_csr(&hq.device.key, &csr, NULL), NULL);
    for (size_t i = 0; i < csr.size; i++) {
        uint8_t kept = csr.bytes[i];
        csr.bytes[i] ^= 1;
        struct fb_buf pem;
        struct fb_cert cert;
        fb_buf_init(&pem, FB_PEM_BYTES_MAX);
        if (fb_ca_sign_device(&hq.issuer, csr.bytes, csr.size, DEVICE_ID, "x", made_ms, &pem,
                              NULL) == FB_OK) {
            must(fb_cert_read(pem.bytes, pem.size, &cert, NULL), NULL);
            assert_true(fb_sha256_equal(&cert.key, &asked)); /* only what PEM itself overlooks */
        }
        fb_buf_release(&pem);
        csr.bytes[i] = kept;
    }
    fb_buf_release(&csr);
}

FB_TEST(junk_is_no_request)
{
    static const char CUT[] = "-----BEGIN CERTIFICATE REQUEST-----\nMIHk\n";
    char *long_one = calloc(1, FB_PEM_BYTES_MAX + 1);
    expect_request_refused("", 0, "cannot be read");
    expect_request_refused("junk", 4, "cannot be read");
    expect_request_refused(CUT, sizeof(CUT) - 1, "cannot be read");
    expect_request_refused(hq.device.cert.bytes, hq.device.cert.size, "cannot be read");
    expect_request_refused(long_one, FB_PEM_BYTES_MAX + 1, "too long");
    free(long_one);
}

FB_TEST(request_and_key_show_the_same_fingerprint_on_both_screens)
{
    struct fb_buf csr;
    struct fb_sha256 of_key;
    struct fb_sha256 of_csr;
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    must(fb_ca_make_csr(&hq.device.key, &csr, NULL), NULL);
    must(fb_ca_key_fingerprint(&hq.device.key, &of_key, NULL), NULL);
    must(fb_ca_csr_fingerprint(csr.bytes, csr.size, &of_csr, NULL), NULL);
    assert_true(fb_sha256_equal(&of_key, &of_csr));
    fb_buf_release(&csr);
}

FB_TEST(a_host_that_is_none_is_named)
{
    static const char *const WRONG[] = {"https://crm.example.com",
                                        "crm.example.com:7443",
                                        "",
                                        "a b",
                                        "-x",
                                        "a..b",
                                        ("gr\xc3\xbc"
                                         "n.example")};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        struct fb_why why = {0};
        struct fb_ca_pair server;
        fb_ca_pair_init(&server);
        assert_int_equal(fb_ca_make_server(&hq.issuer, &WRONG[i], 1, made_ms, &server, &why),
                         FB_ERR_CONFIG);
        assert_non_null(strstr(why.text, WRONG[i]));
        assert_int_equal(server.cert.size, 0);
        fb_ca_pair_release(&server);
    }
}

FB_TEST(an_authority_whose_key_is_not_its_own_signs_nothing)
{
    struct fb_why why = {0};
    struct fb_buf csr;
    struct fb_buf pem;
    struct fb_ca_pair mixed;
    fb_ca_pair_init(&mixed);
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    append(&mixed.cert, &hq.issuer.cert);
    append(&mixed.key, &hq.root.key);
    must(fb_ca_make_csr(&hq.device.key, &csr, NULL), NULL);
    assert_int_equal(
        fb_ca_sign_device(&mixed, csr.bytes, csr.size, DEVICE_ID, "x", made_ms, &pem, &why),
        FB_ERR_CONFIG);
    assert_int_equal(pem.size, 0);
    fb_ca_pair_release(&mixed);
    fb_buf_release(&csr);
    fb_buf_release(&pem);
}

FB_TEST(long_names_are_cut_at_a_whole_character)
{
    char name[200] = "";
    for (int i = 0; i < 30; i++) {
        strcat(name, "\xe5\xbc\xa0"); /* three bytes each: 64 is in the middle of the 22nd */
    }
    struct fb_why why = {0};
    struct fb_cert cert;
    struct fb_ca_pair root;
    fb_ca_pair_init(&root);
    must(fb_ca_make_root(name, made_ms, &root, &why), &why);
    must(fb_cert_read(root.cert.bytes, root.cert.size, &cert, &why), &why);
    assert_true(fb_utf8_is_valid(cert.name, strlen(cert.name)));
    assert_int_equal(strlen(cert.name), 63);
    fb_ca_pair_release(&root);
}

FB_TEST(dates_far_ahead_are_written_and_read)
{
    struct fb_cert cert;
    struct fb_ca_pair root;
    int64_t year_2060_ms = 2840140800000LL; /* beyond 2050 X.509 uses its other form of time */
    fb_ca_pair_init(&root);
    must(fb_ca_make_root("r", year_2060_ms, &root, NULL), NULL);
    must(fb_cert_read(root.cert.bytes, root.cert.size, &cert, NULL), NULL);
    assert_int_equal(cert.valid_until_ms, year_2060_ms + 3652 * MS_PER_DAY);
    fb_ca_pair_release(&root);
}

int main(void)
{
    made_ms = fb_os_now_ms();
    authority_make(&hq, "Headquarters", made_ms);
    const struct CMUnitTest cases[] = {
        FB_CASE(the_root_may_sign_one_more_authority_and_lives_ten_years),
        FB_CASE(the_issuing_authority_may_sign_no_authority_and_lives_two_years),
        FB_CASE(the_servers_certificate_names_its_hosts_and_loopback),
        FB_CASE(a_devices_certificate_says_who_it_is_and_nothing_else),
        FB_CASE(no_two_serials_are_alike_and_all_are_long),
        FB_CASE(a_certificate_that_is_no_devices_names_none),
        FB_CASE(what_a_request_asks_for_beside_its_key_is_not_even_read),
        FB_CASE(weak_and_foreign_keys_are_refused),
        FB_CASE(a_request_for_somebody_elses_key_is_refused),
        FB_CASE(a_request_with_any_byte_changed_never_gets_another_key_signed),
        FB_CASE(junk_is_no_request),
        FB_CASE(request_and_key_show_the_same_fingerprint_on_both_screens),
        FB_CASE(a_host_that_is_none_is_named),
        FB_CASE(an_authority_whose_key_is_not_its_own_signs_nothing),
        FB_CASE(long_names_are_cut_at_a_whole_character),
        FB_CASE(dates_far_ahead_are_written_and_read),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    return failed;
}
