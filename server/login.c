/* SPDX-License-Identifier: MIT */
#include "server/login.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/store/sql.h"
#include "server/password.h"

#define USE_NOTED_EVERY_MS      60000
#define PASSWORD_CHARACTERS_MIN 12

static struct fb_sha256 hash_token(const char *token)
{
    return fb_sha256("login", 5, token, strlen(token));
}

/* What a login depends on: FROM fb_user u JOIN employee e. */
#define STAMP_COLUMNS                                                                              \
    " u.password || ' ' || coalesce(e.status, '') || ' ' || coalesce((SELECT group_concat(id) "    \
    "FROM"                                                                                         \
    " (SELECT role_id AS id FROM employee_role WHERE employee_id = e.id ORDER BY role_id)), '')"

#define IS_ADMIN                                                                                   \
    " EXISTS (SELECT 1 FROM employee_role er JOIN role r ON r.id = er.role_id"                     \
    " WHERE er.employee_id = e.id AND r.name = 'admin')"

static struct fb_sha256 stamp_of(const char *text)
{
    return fb_sha256(text, text == NULL ? 0 : strlen(text), NULL, 0);
}

int fb_login_find(struct fb_store *s, const char *token, int64_t now_ms, struct fb_login *ret,
                  bool *ret_is_stale)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT l.employee_id, l.csrf, l.stamp, l.made_at_ms, l.used_at_ms, "
                          "u.must_change," IS_ADMIN "," STAMP_COLUMNS
                          " FROM fb_login l JOIN fb_user u ON u.employee_id = l.employee_id"
                          " JOIN employee e ON e.id = l.employee_id WHERE l.token_hash = ?1"
                          " AND u.suspended_at_ms IS NULL",
                          &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_sha256 hash = hash_token(token);
    fb_sql_bind_bytes(q, 1, hash.bytes, sizeof hash.bytes);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    struct fb_value kept = fb_sql_value(q, 2);
    struct fb_sha256 stamp = stamp_of(fb_sql_text(q, 7));
    int64_t used_at_ms = fb_sql_int(q, 4);
    bool is_over =
        now_ms - fb_sql_int(q, 3) > FB_LOGIN_LIFE_MS || now_ms - used_at_ms > FB_LOGIN_IDLE_MS;
    if (is_over || kept.size != sizeof stamp.bytes ||
        memcmp(kept.bytes, stamp.bytes, kept.size) != 0) {
        return FB_ERR_NOT_FOUND;
    }
    snprintf(ret->employee_id, sizeof ret->employee_id, "%s", fb_sql_text(q, 0));
    snprintf(ret->csrf, sizeof ret->csrf, "%s", fb_sql_text(q, 1));
    ret->must_change_password = fb_sql_int(q, 5) != 0;
    ret->is_admin = fb_sql_int(q, 6) != 0;
    *ret_is_stale = now_ms - used_at_ms > USE_NOTED_EVERY_MS;
    return FB_OK;
}

static int read_stamp(struct fb_store *s, const char *employee_id, struct fb_sha256 *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT" STAMP_COLUMNS " FROM fb_user u JOIN employee e ON e.id = "
                          "u.employee_id WHERE u.employee_id = ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = stamp_of(fb_sql_text(q, 0));
    }
    return rc < 0 ? rc : rc == FB_SQL_ROW ? FB_OK : FB_ERR_NOT_FOUND;
}

int fb_login_make(struct fb_store *s, const char *employee_id, const char *csrf,
                  const struct fb_random *random, int64_t now_ms,
                  char ret_token[static FB_LOGIN_TOKEN_SIZE])
{
    uint8_t bytes[32];
    char made[FB_CSRF_SIZE];
    struct fb_sha256 stamp;
    int rc = read_stamp(s, employee_id, &stamp);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = rc < 0 ? rc
                : fb_sql_begin(s,
                               "INSERT INTO fb_login (token_hash, employee_id, csrf, stamp, "
                               "made_at_ms, used_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                               &q);
    if (rc < 0) {
        return rc;
    }
    random->fill(random->ctx, bytes, sizeof bytes);
    fb_hex_write(bytes, 16, made);
    random->fill(random->ctx, bytes, sizeof bytes);
    fb_hex_write(bytes, sizeof bytes, ret_token);
    struct fb_sha256 hash = hash_token(ret_token);
    fb_sql_bind_bytes(q, 1, hash.bytes, sizeof hash.bytes);
    fb_sql_bind_text(q, 2, employee_id);
    fb_sql_bind_text(q, 3, csrf != NULL ? csrf : made);
    fb_sql_bind_bytes(q, 4, stamp.bytes, sizeof stamp.bytes);
    fb_sql_bind_int(q, 5, now_ms);
    return fb_sql_run(q);
}

static int run_by_token(struct fb_store *s, const char *text, const char *token, int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_sha256 hash = hash_token(token);
    fb_sql_bind_bytes(q, 1, hash.bytes, sizeof hash.bytes);
    if (now_ms != 0) {
        fb_sql_bind_int(q, 2, now_ms);
    }
    return fb_sql_run(q);
}

int fb_login_note_use(struct fb_store *s, const char *token, int64_t now_ms)
{
    return run_by_token(s, "UPDATE fb_login SET used_at_ms = ?2 WHERE token_hash = ?1", token,
                        now_ms);
}

int fb_login_end(struct fb_store *s, const char *token)
{
    return run_by_token(s, "DELETE FROM fb_login WHERE token_hash = ?1", token, 0);
}

int fb_login_end_all(struct fb_store *s, const char *employee_id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "DELETE FROM fb_login WHERE employee_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    return fb_sql_run(q);
}

int fb_login_expire(struct fb_store *s, int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "DELETE FROM fb_login WHERE used_at_ms < ?1 OR made_at_ms < ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, now_ms - FB_LOGIN_IDLE_MS);
    fb_sql_bind_int(q, 2, now_ms - FB_LOGIN_LIFE_MS);
    return fb_sql_run(q);
}

/* Begins of the passwords that lists of stolen ones show most, among those that are long enough. */
static bool is_common(const char *password)
{
    static const char *const COMMON[] = {
        "password", "123456",  "qwerty",  "111111",    "abc123",   "letmein",
        "iloveyou", "admin",   "welcome", "fieldbook", "000000",   "1q2w3e",
        "654321",   "monkey",  "dragon",  "sunshine",  "princess", "football",
        "woaini",   "5201314", "a123456", "zxcvbn",    "asdfgh",   "88888888",
        "changeme", "666666",  "qazwsx",  "p@ssw0rd",  "passw0rd",
    };
    char lower[64];
    size_t n = 0;
    for (; password[n] != '\0' && n + 1 < sizeof lower; n++) {
        char c = password[n];
        lower[n] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof COMMON / sizeof *COMMON; i++) {
        /* The word and a few characters more, or the word again and again. */
        size_t size = strlen(COMMON[i]);
        size_t at = 0;
        while (strncmp(lower + at, COMMON[i], size) == 0) {
            at += size;
        }
        if (at > 0 && n - at < 6) {
            return true;
        }
    }
    return false;
}

int fb_login_check_new_password(const char *password, const char *login, struct fb_why *why)
{
    int characters = 0;
    bool is_one_letter = true;
    for (const char *p = password; *p != '\0'; p++) {
        characters += ((unsigned char)*p & 0xC0) != 0x80;
        is_one_letter = is_one_letter && *p == password[0];
    }
    if (characters < PASSWORD_CHARACTERS_MIN) {
        return fb_fail(why, FB_ERR_INVALID, "a password has at least %d characters",
                       PASSWORD_CHARACTERS_MIN);
    }
    if (strlen(password) > FB_PASSWORD_BYTES_MAX) {
        return fb_fail(why, FB_ERR_INVALID, "a password has at most %d bytes",
                       FB_PASSWORD_BYTES_MAX);
    }
    if (is_one_letter || is_common(password) ||
        (strstr(password, login) != NULL && strlen(password) < strlen(login) + 6)) {
        return fb_fail(why, FB_ERR_INVALID, "too many people use this password: choose another");
    }
    return FB_OK;
}
