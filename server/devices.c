/* SPDX-License-Identifier: MIT */
#include "server/devices.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/store/sql.h"
#include "server/device_life.h"

#define SELECTOR_BYTES                                                                             \
    4 /* the first of the secret: they say which code is meant, the others prove it */

int fb_invite_make(struct fb_store *s, const char *employee_id, const char *device_name,
                   const struct fb_sha256 *root_fingerprint, const struct fb_random *random,
                   int64_t now_ms, char ret_code[static FB_ENROL_CODE_SIZE], struct fb_why *why)
{
    struct fb_enrol_code code;
    random->fill(random->ctx, code.secret, sizeof code.secret);
    memcpy(code.pin, root_fingerprint->bytes, sizeof code.pin);
    struct fb_sha256 hash = fb_enrol_code_hash(&code);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "INSERT INTO fb_invite (code_hash, employee_id, device_name, expires_at_ms, "
        "selector) SELECT ?1, employee_id, ?3, ?4, ?5 FROM fb_user WHERE employee_id = "
        "?2 AND suspended_at_ms IS NULL",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_bytes(q, 1, hash.bytes, sizeof hash.bytes);
    fb_sql_bind_text(q, 2, employee_id);
    fb_sql_bind_text(q, 3, device_name);
    fb_sql_bind_int(q, 4, now_ms + FB_INVITE_LIFE_MS);
    fb_sql_bind_bytes(q, 5, code.secret, SELECTOR_BYTES);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    if (fb_sql_changes(s) == 0) {
        return fb_fail(why, FB_ERR_INVALID, "this person is suspended: resume him or her first");
    }
    fb_enrol_code_format(&code, ret_code);
    return FB_OK;
}

/* What an invitation says; the sentence of a refusal does not tell which of the reasons it was to somebody who guesses. */
struct invite {
    char employee_id[FB_ROW_ID_SIZE];
    char device_name[128];
    bool is_wrong_try; /* a code with its selector and another secret */
    uint8_t selector[SELECTOR_BYTES];
};

/* The invitation that the code's selector means and whose hash is the code's; SQL's id of it, 0: none. The hashes are compared in
 * constant time. */
static int find_invite(struct fb_store *s, const struct fb_enrol_code *code, int64_t now_ms,
                       struct invite *ret, int64_t *ret_rowid)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_sha256 hash = fb_enrol_code_hash(code);
    int rc =
        fb_sql_begin(s,
                     "SELECT i.rowid, i.code_hash, i.employee_id, i.device_name FROM fb_invite i"
                     " JOIN fb_user u ON u.employee_id = i.employee_id AND"
                     " u.suspended_at_ms IS NULL WHERE (i.selector = ?1 OR (i.selector IS NULL"
                     " AND i.code_hash = ?2)) AND i.used_at_ms IS NULL AND i.expires_at_ms > ?3"
                     " AND i.tries < ?4",
                     &q);
    if (rc < 0) {
        return rc;
    }
    memcpy(ret->selector, code->secret, sizeof ret->selector);
    fb_sql_bind_bytes(q, 1, ret->selector, sizeof ret->selector);
    fb_sql_bind_bytes(q, 2, hash.bytes, sizeof hash.bytes);
    fb_sql_bind_int(q, 3, now_ms);
    fb_sql_bind_int(q, 4, FB_INVITE_TRIES_MAX);
    *ret_rowid = 0;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value kept = fb_sql_value(q, 1);
        struct fb_sha256 kept_hash = {{0}};
        memcpy(kept_hash.bytes, kept.bytes,
               kept.size == sizeof kept_hash.bytes ? sizeof kept_hash.bytes : 0);
        if (!fb_sha256_equal(&kept_hash, &hash)) {
            ret->is_wrong_try = true;
            continue;
        }
        const char *name = fb_sql_text(q, 3);
        *ret_rowid = fb_sql_int(q, 0);
        snprintf(ret->employee_id, sizeof ret->employee_id, "%s", fb_sql_text(q, 2));
        snprintf(ret->device_name, sizeof ret->device_name, "%s", name == NULL ? "" : name);
    }
    ret->is_wrong_try = ret->is_wrong_try && *ret_rowid == 0;
    return rc < 0 ? rc : FB_OK;
}

static int use_invite(struct fb_store *s, const char *code_text, int64_t now_ms, struct invite *ret,
                      struct fb_why *why)
{
    struct fb_enrol_code code;
    int64_t rowid = 0;
    int rc = fb_enrol_code_parse(code_text, &code, why);
    if (rc < 0) {
        return FB_ERR_REFUSED;
    }
    rc = find_invite(s, &code, now_ms, ret, &rowid);
    if (rc == FB_OK && rowid == 0) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "this enrolment code was used already, is older than 30 minutes, was tried "
                       "too often or was never given: ask headquarters for a new one "
                       "(fieldbook-server invite)");
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = rc < 0 ? rc : fb_sql_begin(s, "UPDATE fb_invite SET used_at_ms = ?2 WHERE rowid = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, rowid);
    fb_sql_bind_int(q, 2, now_ms);
    return fb_sql_run(q);
}

/* In a transaction of its own: the one of the try was rolled back. */
static int count_wrong_try(struct fb_store *s, const struct invite *invite)
{
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "UPDATE fb_invite SET tries = tries + 1 WHERE selector = ?1", &q);
    if (rc == FB_OK) {
        fb_sql_bind_bytes(q, 1, invite->selector, sizeof invite->selector);
        rc = fb_sql_run(q);
    }
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}

static int insert_device(struct fb_store *s, const char *device_id, const struct invite *invite,
                         const char *asked_name, const char *serial, bool must_approve,
                         int64_t now_ms)
{
    char now[FB_INSTANT_SIZE];
    fb_instant_format(now_ms, now);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "INSERT INTO device (id, name, employee_id, kind, certificate_serial, state, enrolled_at)"
        " VALUES (?1, ?2, ?3, 'laptop', ?4, ?6, ?5)",
        &q);
    if (rc < 0) {
        return rc;
    }
    const char *name = invite->device_name[0] != '\0' ? invite->device_name : asked_name;
    fb_sql_bind_text(q, 1, device_id);
    fb_sql_bind_text(q, 2, name[0] == '\0' ? "laptop" : name);
    fb_sql_bind_text(q, 3, invite->employee_id);
    fb_sql_bind_text(q, 4, serial);
    fb_sql_bind_text(q, 5, now);
    fb_sql_bind_text(q, 6, must_approve ? "pending" : "active");
    return fb_sql_run(q);
}

static int note_certificate(struct fb_store *s, const char *device_id, const struct fb_cert *cert,
                            int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "INSERT INTO fb_certificate (fingerprint, device_id, serial, "
                          "issued_at_ms, not_after_ms, key_hash)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_bytes(q, 1, cert->fingerprint.bytes, sizeof cert->fingerprint.bytes);
    fb_sql_bind_text(q, 2, device_id);
    fb_sql_bind_text(q, 3, cert->serial);
    fb_sql_bind_int(q, 4, now_ms);
    fb_sql_bind_int(q, 5, cert->valid_until_ms);
    fb_sql_bind_bytes(q, 6, cert->key.bytes, sizeof cert->key.bytes);
    return fb_sql_run(q);
}

/* How long the newest certificate of a device is valid. */
static int last_valid_ms(struct fb_store *s, const char *device_id, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT max(not_after_ms) FROM fb_certificate WHERE device_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

/* The employee and state of a device; FB_ERR_NOT_FOUND. */
static int find_device(struct fb_store *s, const char *device_id,
                       char ret_employee[static FB_ROW_ID_SIZE], char ret_state[static 16])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT employee_id, state FROM device WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret_employee, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    snprintf(ret_state, 16, "%s", fb_sql_text(q, 1));
    return FB_OK;
}

/* Who asks: a code's bearer becomes a new device, a certificate's bearer stays the one it is. */
static int decide_device(struct fb_store *s, const struct fb_enrol_ask *ask,
                         const char *certificate_device, const struct fb_random *random,
                         int64_t now_ms, struct invite *ret_invite, struct fb_enrol_answer *answer,
                         struct fb_why *why)
{
    if (!ask->is_renewal) {
        int rc = use_invite(s, ask->code, now_ms, ret_invite, why);
        if (rc == FB_OK) {
            fb_id_make(now_ms, random, answer->device_id);
            memcpy(answer->employee_id, ret_invite->employee_id, FB_ROW_ID_SIZE);
        }
        return rc;
    }
    char state[16] = "";
    int rc = certificate_device[0] == '\0'
                 ? FB_ERR_NOT_FOUND
                 : find_device(s, certificate_device, answer->employee_id, state);
    answer->is_pending = rc == FB_OK && strcmp(state, "pending") == 0;
    if (rc == FB_OK && ask->asks_state && strcmp(state, "revoked") == 0) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "an administrator refused this laptop: ask for a new enrolment code");
    }
    bool may_ask = strcmp(state, "active") == 0 || (ask->asks_state && answer->is_pending);
    if (rc == FB_ERR_NOT_FOUND || (rc == FB_OK && !may_ask)) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "headquarters does not renew the certificate of this device: ask an admin "
                       "whether it was suspended or revoked");
    }
    int64_t valid_ms = 0;
    rc = rc < 0 ? rc : last_valid_ms(s, certificate_device, &valid_ms);
    if (rc == FB_OK && now_ms > valid_ms + FB_RENEW_EXPIRED_MS_MAX) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "this laptop's certificate expired more than 180 days ago: ask headquarters "
                       "for an enrolment code (fieldbook-server invite)");
    }
    snprintf(answer->device_id, sizeof answer->device_id, "%s", certificate_device);
    return rc;
}

static int issue(struct fb_store *s, const struct fb_authority *authority,
                 const struct fb_enrol_ask *ask, const struct invite *invite, bool must_approve,
                 int64_t now_ms, struct fb_buf *certificate, const struct fb_enrol_answer *answer,
                 struct fb_why *why)
{
    int rc = fb_ca_sign_device(&authority->issuer, ask->csr, ask->csr_size, answer->device_id,
                               answer->device_id, now_ms, certificate, why);
    if (rc < 0) {
        return rc == FB_ERR_INVALID ? FB_ERR_REFUSED : rc;
    }
    struct fb_cert cert;
    rc = fb_cert_read(certificate->bytes, certificate->size, &cert, why);
    if (rc == FB_OK && !ask->is_renewal) {
        rc = insert_device(s, answer->device_id, invite, ask->device_name, cert.serial,
                           must_approve, now_ms);
    }
    rc = rc < 0 ? rc : note_certificate(s, answer->device_id, &cert, now_ms);
    fb_buf_append(certificate, authority->issuer.cert.bytes, authority->issuer.cert.size);
    return rc < 0 ? rc : fb_buf_error(certificate);
}

int fb_enrolment_answer(struct fb_store *s, const struct fb_authority *authority,
                        const struct fb_enrol_ask *ask, const char *certificate_device,
                        const struct fb_enrol_policy *policy, const struct fb_random *random,
                        int64_t now_ms, struct fb_arena *arena, struct fb_enrol_answer *ret,
                        struct fb_why *why)
{
    struct fb_enrol_answer answer = {.server_name = "Fieldbook headquarters",
                                     .lease_ms = policy->lease_ms};
    struct invite invite = {.device_name = ""};
    FB_AUTO(fb_buf_release) struct fb_buf certificate;
    fb_buf_init(&certificate, (size_t)64 * 1024);
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    rc = decide_device(s, ask, certificate_device, random, now_ms, &invite, &answer, why);
    answer.is_pending = ask->is_renewal ? answer.is_pending : policy->must_approve;
    rc = rc < 0 || ask->asks_state ? rc
                                   : issue(s, authority, ask, &invite, policy->must_approve, now_ms,
                                           &certificate, &answer, why);
    rc = rc < 0 ? rc : fb_device_lease_secret(s, answer.device_id, random, &answer.lease_secret);
    if (rc < 0) {
        fb_store_rollback(s);
        return invite.is_wrong_try && count_wrong_try(s, &invite) < 0 ? FB_ERR_BUSY : rc;
    }
    rc = fb_store_commit(s);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    answer.certificate_size = certificate.size;
    answer.certificate = (const uint8_t *)fb_arena_copy(arena, certificate.bytes, certificate.size);
    answer.authority_size = authority->ca.size;
    answer.authority =
        (const uint8_t *)fb_arena_copy(arena, authority->ca.bytes, authority->ca.size);
    if (answer.certificate == NULL || answer.authority == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = answer;
    return FB_OK;
}

int fb_device_find(struct fb_store *s, const char *device, char ret_id[static FB_ROW_ID_SIZE],
                   char ret_state[static FB_DEVICE_STATE_SIZE], struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT id, state FROM device WHERE id = ?1 OR name = ?1 LIMIT 2", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, device);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_DONE) {
        return fb_fail(why, FB_ERR_NOT_FOUND,
                       "there is no device %s; `fieldbook-server device list` shows them", device);
    }
    if (rc == FB_SQL_ROW) {
        snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
        snprintf(ret_state, FB_DEVICE_STATE_SIZE, "%s", fb_sql_text(q, 1));
        rc = fb_sql_step(q);
    }
    if (rc == FB_SQL_ROW) {
        return fb_fail(why, FB_ERR_INVALID, "several devices are called %s: give the id instead",
                       device);
    }
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_device_set_state(struct fb_store *s, const char *device, const char *state,
                        struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    char before[FB_DEVICE_STATE_SIZE];
    int rc = fb_device_find(s, device, id, before, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "UPDATE device SET state = ?2 WHERE id = ?1 AND (state NOT IN ('revoked', "
                      "'wiped') OR state = ?2)",
                      &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, state);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    if (fb_sql_changes(s) == 0) {
        return fb_fail(
            why, FB_ERR_INVALID,
            "device %s was revoked; that cannot be taken back: invite its owner to enrol anew",
            device);
    }
    return FB_OK;
}

int fb_device_wipe(struct fb_store *s, const char *device, bool takes_unsent, int64_t now_ms,
                   struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    char state[FB_DEVICE_STATE_SIZE];
    int rc = fb_device_find(s, device, id, state, why);
    if (rc < 0) {
        return rc;
    }
    /* A revoked one may still be told to erase itself, but hands in nothing. */
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "UPDATE device SET state = 'wiped' WHERE id = ?1", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_run(q);
    takes_unsent = takes_unsent && strcmp(state, "revoked") != 0;
    rc = rc < 0 ? rc : fb_device_order_wipe(s, id, takes_unsent, now_ms);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* Of a waiting device. */
static int decide_waiting(struct fb_store *s, const char *device, const char *to,
                          struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    char state[FB_DEVICE_STATE_SIZE];
    int rc = fb_device_find(s, device, id, state, why);
    if (rc == FB_OK && strcmp(state, "pending") != 0) {
        return fb_fail(why, FB_ERR_INVALID, "device %s does not wait for approval: it is %s",
                       device, state);
    }
    return rc < 0 ? rc : fb_device_set_state(s, id, to, why);
}

int fb_device_approve(struct fb_store *s, const char *device, struct fb_why *why)
{
    return decide_waiting(s, device, "active", why);
}

int fb_device_refuse(struct fb_store *s, const char *device, struct fb_why *why)
{
    return decide_waiting(s, device, "revoked", why);
}

int fb_device_check_certificate(struct fb_store *s, const char *device_id,
                                const struct fb_sha256 *fingerprint, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT 1 FROM fb_certificate WHERE fingerprint = ?1 AND device_id = ?2", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_bytes(q, 1, fingerprint->bytes, sizeof fingerprint->bytes);
    fb_sql_bind_text(q, 2, device_id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_DONE) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "the certificate of device %s is not on headquarters' list", device_id);
    }
    return rc < 0 ? rc : FB_OK;
}
