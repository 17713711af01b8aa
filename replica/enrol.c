/* SPDX-License-Identifier: MIT */
#include "replica/enrol.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/crm/enrol_code.h"
#include "common/net/ca.h"
#include "common/net/stream.h"
#include "common/store/store.h"
#include "common/sync/sync.h"
#include "common/wire/message.h"
#include "replica/lease.h"
#include "replica/question.h"
#include "replica/vault.h"

#define PEM_BYTES_MAX  ((size_t)64 * 1024)
#define RENEW_AFTER_MS (INT64_C(10) * 86400000)

/* The database in the folder; all else of the identity, which lies beside an encrypted folder. */
static const char *path_in(const char *data, const char *name)
{
    static _Thread_local char path[4400];
    if (strncmp(name, "fieldbook.db", 12) == 0) {
        snprintf(path, sizeof path, "%s/%s", data, name);
    } else {
        fb_vault_identity(data, name, path, sizeof path);
    }
    return path;
}

/* ---- One question to the enrolment port ---- */

/* Asks and waits; the answer's bytes live in q's arena. FB_ERR_REFUSED with the server's sentence. */
static int ask_headquarters(const char *server, const char *proxy, struct fb_tls_client *tls,
                            const struct fb_message *ask, struct fb_question *q, struct fb_why *why)
{
    const struct fb_stream_connect_config config = {
        .address = server, .tls = tls, .alpn = FB_ALPN_ENROL, .proxy = proxy};
    int rc = fb_question_ask(&config, ask, q, why);
    if (rc < 0) {
        return rc;
    }
    if (q->answer.kind == FB_MESSAGE_REFUSE) {
        return fb_fail(why, FB_ERR_REFUSED, "%s", fb_text(q->answer.refuse.sentence));
    }
    if (q->answer.kind != FB_MESSAGE_ENROL_ANSWER) {
        return fb_fail(why, FB_ERR_PROTOCOL, "headquarters answered something else than was asked");
    }
    return FB_OK;
}

/* ---- Enrolment ---- */

/* Headquarters answered; the secret of unlock codes comes with it. */
static int write_lease(const char *data, const struct fb_enrol_answer *a, struct fb_why *why)
{
    struct fb_lease l = {0};
    int64_t now_ms = fb_os_now_ms();
    int rc = fb_replica_lease_read(data, now_ms, &l, why);
    static const struct fb_sha256 none;
    if (!fb_sha256_equal(&a->lease_secret, &none)) {
        l.secret = a->lease_secret;
    }
    fb_lease_renew(&l, now_ms, a->lease_ms);
    return rc < 0 ? rc : fb_replica_lease_write(data, &l, why);
}

static int write_identity(const char *data, const struct fb_buf *key,
                          const struct fb_enrol_answer *a, struct fb_why *why)
{
    fb_os_remove_file(path_in(data, "wiped")); /* of an earlier life of this folder */
    int rc = fb_os_write_file(path_in(data, "key.pem"), key->bytes, key->size, 0600, why);
    rc = rc < 0 ? rc
                : fb_os_write_file(path_in(data, "certificate.pem"), a->certificate,
                                   a->certificate_size, 0644, why);
    rc = rc < 0 ? rc
                : fb_os_write_file(path_in(data, "authority.pem"), a->authority, a->authority_size,
                                   0644, why);
    return rc < 0 ? rc : write_lease(data, a, why);
}

static int set_meta(struct fb_store *s, const char *key, const char *text)
{
    struct fb_value value = fb_value_text(text);
    return fb_store_meta_set(s, key, &value);
}

/* A copy of an enrolled laptop that headquarters told to enrol as a device of its own (C2). */
static bool is_superseded(const char *data)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct fb_store_options options = {.node = FB_NODE_REPLICA};
    int64_t must_enrol = 0;
    return fb_store_open(path_in(data, "fieldbook.db"), &options, &s, NULL) == FB_OK &&
           fb_store_meta_int(s, "must_enrol", &must_enrol) == FB_OK && must_enrol != 0;
}

static int make_database(const char *data, const char *server, const struct fb_enrol_answer *a,
                         struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct fb_store_options options = {.node = FB_NODE_REPLICA, .may_create = true};
    int rc = fb_store_open(path_in(data, "fieldbook.db"), &options, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_enrol_anew(s, a->device_id, a->employee_id);
    rc = rc < 0 ? rc : fb_store_begin(s);
    rc = rc < 0 ? rc : set_meta(s, "server", server);
    rc = rc < 0 ? rc : fb_store_commit(s);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* The key is made first, so that the request proves it; files are written once headquarters said yes. */
static int enrol_with_key(const char *data, const char *server, const struct fb_enrol_code *code,
                          struct fb_enrol_ask *ask, const char *proxy, const struct fb_buf *key,
                          bool *ret_is_pending, struct fb_why *why)
{
    struct fb_tls_client_config config = {.ca_pin = code->pin, .ca_pin_size = sizeof code->pin};
    struct fb_tls_client *tls = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf csr;
    fb_buf_init(&csr, PEM_BYTES_MAX);
    int rc = fb_ca_make_csr(key, &csr, why);
    rc = rc < 0 ? rc : fb_tls_client_new(&config, &tls, why);
    if (rc < 0) {
        return rc;
    }
    ask->csr = csr.bytes;
    ask->csr_size = csr.size;
    const struct fb_message message = {.kind = FB_MESSAGE_ENROL_ASK, .enrol_ask = *ask};
    struct fb_question q = {.is_answered = false};
    rc = ask_headquarters(server, proxy, tls, &message, &q, why);
    fb_tls_client_free(tls);
    *ret_is_pending = rc == FB_OK && q.answer.enrol_answer.is_pending;
    if (rc == FB_OK && q.answer.enrol_answer.certificate_size == 0) {
        rc = fb_fail(why, FB_ERR_PROTOCOL, "headquarters answered something else than was asked");
    }
    bool is_encrypted = false;
    rc = rc < 0 ? rc : fb_vault_make(data, &q.answer.enrol_answer.lease_secret, &is_encrypted, why);
    rc = rc < 0 ? rc : write_identity(data, key, &q.answer.enrol_answer, why);
    rc = rc < 0 ? rc : fb_os_write_file(path_in(data, "server"), server, strlen(server), 0644, why);
    rc = rc < 0 ? rc : make_database(data, server, &q.answer.enrol_answer, why);
    fb_question_release(&q);
    return rc;
}

int fb_enrol(const char *data, const char *server, const char *code_text, const char *device_name,
             const char *proxy, bool *ret_is_pending, struct fb_why *why)
{
    struct fb_enrol_code code;
    int rc = fb_enrol_code_parse(code_text, &code, why);
    rc = rc < 0 ? rc : fb_os_make_folder(data, why);
    if (rc < 0) {
        return rc;
    }
    if (fb_os_file_exists(path_in(data, "fieldbook.db")) && !is_superseded(data)) {
        return fb_fail(why, FB_ERR_EXISTS,
                       "%s belongs to an enrolled laptop already: give another --data folder",
                       data);
    }
    FB_AUTO(fb_buf_release) struct fb_buf key;
    fb_buf_init(&key, PEM_BYTES_MAX);
    rc = fb_ca_make_key(&key, why);
    struct fb_enrol_ask ask = {.code = code_text, .device_name = device_name};
    rc = rc < 0 ? rc : enrol_with_key(data, server, &code, &ask, proxy, &key, ret_is_pending, why);
    explicit_bzero(key.bytes, key.size);
    return rc;
}

/* ---- Identity of an enrolled device ---- */

static int read_file(const char *data, const char *name, struct fb_buf *ret, struct fb_why *why)
{
    fb_buf_init(ret, PEM_BYTES_MAX);
    int rc = fb_os_read_file(path_in(data, name), ret, why);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(
            why, FB_ERR_REFUSED,
            "%s is not enrolled: ask headquarters for a code and run `fieldbook-replica enrol`",
            data);
    }
    return rc;
}

int fb_enrol_identity(const char *data, struct fb_ca_pair *ret, struct fb_buf *ret_ca,
                      struct fb_why *why)
{
    fb_ca_pair_init(ret);
    fb_buf_init(ret_ca, PEM_BYTES_MAX);
    int rc = read_file(data, "key.pem", &ret->key, why);
    rc = rc < 0 ? rc : fb_os_check_private(path_in(data, "key.pem"), why);
    rc = rc < 0 ? rc : read_file(data, "certificate.pem", &ret->cert, why);
    return rc < 0 ? rc : read_file(data, "authority.pem", ret_ca, why);
}

static int take_address(const char *data, struct fb_store *s, struct fb_why *why)
{
    char server[512];
    if (!fb_os_file_exists(path_in(data, "server"))) {
        return FB_OK;
    }
    int rc = fb_enrol_server(data, server, sizeof server, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_begin(s);
    rc = rc < 0 ? rc : set_meta(s, "server", server);
    rc = rc < 0 ? rc : fb_store_commit(s);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_enrol_follow_certificate(const char *data, struct fb_store *store, bool *ret_changed,
                                struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf cert = {0};
    struct fb_cert facts;
    *ret_changed = false;
    int rc = read_file(data, "certificate.pem", &cert, why);
    rc = rc < 0 ? rc : fb_cert_read(cert.bytes, cert.size, &facts, why);
    if (rc < 0 || facts.device_id[0] == '\0') {
        return rc;
    }
    rc = fb_replica_follow_certificate(store, facts.device_id, ret_changed);
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    return *ret_changed ? take_address(data, store, why) : FB_OK;
}

int fb_enrol_tls(const char *data, struct fb_tls_client **ret, struct fb_why *why)
{
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair own;
    FB_AUTO(fb_buf_release) struct fb_buf ca;
    int rc = fb_enrol_identity(data, &own, &ca, why);
    const struct fb_tls_client_config config = {.cert = &own.cert, .key = &own.key, .ca = &ca};
    return rc < 0 ? rc : fb_tls_client_new(&config, ret, why);
}

int fb_enrol_check(const char *data, char ret[static FB_ENROL_CHECK_SIZE], struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf cert = {0};
    struct fb_cert facts;
    int rc = read_file(data, "certificate.pem", &cert, why);
    rc = rc < 0 ? rc : fb_cert_read(cert.bytes, cert.size, &facts, why);
    if (rc == FB_OK) {
        fb_enrol_check_format(&facts.key, ret);
    }
    return rc;
}

/* A renewal, or only the question whether this laptop is approved; take sees the answer. */
static int ask_again(const char *data, const char *server, const char *proxy, bool asks_state,
                     struct fb_question *q, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf key = {0};
    FB_AUTO(fb_buf_release) struct fb_buf csr;
    fb_buf_init(&csr, PEM_BYTES_MAX);
    struct fb_tls_client *tls = NULL;
    int rc = fb_enrol_tls(data, &tls, why);
    rc = rc < 0 ? rc : read_file(data, "key.pem", &key, why);
    rc = rc < 0 ? rc : fb_ca_make_csr(&key, &csr, why);
    if (rc == FB_OK) {
        const struct fb_message ask = {.kind = FB_MESSAGE_ENROL_ASK,
                                       .enrol_ask = {.code = "",
                                                     .device_name = "",
                                                     .csr = csr.bytes,
                                                     .csr_size = csr.size,
                                                     .is_renewal = true,
                                                     .asks_state = asks_state}};
        rc = ask_headquarters(server, proxy, tls, &ask, q, why);
    }
    if (key.bytes != NULL) {
        explicit_bzero(key.bytes, key.size);
    }
    fb_tls_client_free(tls);
    return rc;
}

static int renew(const char *data, const char *server, const char *proxy, struct fb_why *why)
{
    struct fb_question q = {.is_answered = false};
    int rc = ask_again(data, server, proxy, false, &q, why);
    const struct fb_enrol_answer *a = &q.answer.enrol_answer;
    if (rc == FB_OK && a->certificate_size == 0) {
        rc = fb_fail(why, FB_ERR_PROTOCOL, "headquarters answered something else than was asked");
    }
    rc = rc < 0 ? rc
                : fb_os_write_file(path_in(data, "certificate.pem"), a->certificate,
                                   a->certificate_size, 0644, why);
    rc = rc < 0 ? rc : write_lease(data, a, why);
    fb_question_release(&q);
    return rc;
}

int fb_enrol_ask_state(const char *data, const char *server, const char *proxy,
                       bool *ret_is_pending, struct fb_why *why)
{
    struct fb_question q = {.is_answered = false};
    int rc = ask_again(data, server, proxy, true, &q, why);
    rc = rc < 0 ? rc : write_lease(data, &q.answer.enrol_answer, why);
    if (rc == FB_OK) {
        *ret_is_pending = q.answer.enrol_answer.is_pending;
    }
    fb_question_release(&q);
    return rc;
}

void fb_enrol_undo(const char *data)
{
    static const char *const FILES[] = {"key.pem",          "lease",           "certificate.pem",
                                        "authority.pem",    "server",          "fieldbook.db",
                                        "fieldbook.db-wal", "fieldbook.db-shm"};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        fb_ignore(fb_os_erase_file(path_in(data, FILES[i]), NULL), "a rest of it opens nothing");
    }
    if (fb_vault_exists(data)) {
        char identity[4400];
        fb_vault_identity(data, "", identity, sizeof identity);
        fb_ignore(fb_os_remove_folder(identity, NULL), "nothing is in it any more");
        fb_ignore(fb_os_remove_folder(data, NULL), "it was encrypted for this enrolment alone");
    }
}

int fb_enrol_renew_if_due(const char *data, const char *server, const char *proxy,
                          bool *ret_renewed, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf cert = {0};
    struct fb_cert facts;
    int rc = read_file(data, "certificate.pem", &cert, why);
    rc = rc < 0 ? rc : fb_cert_read(cert.bytes, cert.size, &facts, why);
    *ret_renewed = false;
    if (rc < 0 || fb_os_now_ms() - facts.valid_from_ms < RENEW_AFTER_MS) {
        return rc;
    }
    rc = renew(data, server, proxy, why);
    *ret_renewed = rc == FB_OK;
    return rc;
}

int fb_enrol_server(const char *data, char *ret, size_t size, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text = {0};
    int rc = read_file(data, "server", &text, why);
    if (rc == FB_OK) {
        snprintf(ret, size, "%s", fb_buf_text(&text));
    }
    return rc;
}
