/* SPDX-License-Identifier: MIT
 *
 * Logging in and out, one's own password and second factor (docs/api.md, "Session"). A password is looked at on a thread
 * of the pool, at most four at once; what follows is written in a stage of its own. Unknown logins, wrong passwords and
 * wrong codes have the same answer and take the same time.
 */
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/crm/may.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "common/web/api.h"
#include "server/api_inside.h"
#include "server/login.h"
#include "server/password.h"
#include "server/people.h"
#include "server/totp.h"
#include "server/web.h"

#define HASHES_AT_ONCE_MAX 4

static atomic_int hashes_running;

/* FB_ERR_BUSY when four are at it already: each takes 64 MiB. */
static int check_password(const char *password, const char *phc, bool *ret_is_outdated)
{
    int rc = FB_ERR_BUSY;
    if (atomic_fetch_add(&hashes_running, 1) < HASHES_AT_ONCE_MAX) {
        rc = fb_password_check(password, phc, ret_is_outdated);
    }
    atomic_fetch_sub(&hashes_running, 1);
    return rc;
}

struct session_state {
    char employee_id[FB_ROW_ID_SIZE];
    char csrf[FB_CSRF_SIZE];        /* of the page that stays; "": a new one */
    char phc[FB_PASSWORD_PHC_SIZE]; /* to be written; "": none */
    bool ends_all;
    bool is_new_password;
    int64_t totp_step; /* to be remembered; 0: none */
};

struct person {
    char employee_id[FB_ROW_ID_SIZE];
    char login[128];
    char phc[FB_PASSWORD_PHC_SIZE];
    bool is_employed;
    uint8_t totp[FB_TOTP_SECRET_BYTES];
    bool has_totp;
    int64_t totp_last_step;
};

/* By login, or by the employee's id. FB_ERR_NOT_FOUND. */
static int read_person(struct fb_store *s, const char *login, const char *employee_id,
                       struct person *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT u.employee_id, u.login, u.password, coalesce(e.status, '') <> 'left' AND"
        " u.suspended_at_ms IS NULL,"
        " t.secret, t.last_step FROM fb_user u JOIN employee e ON e.id = u.employee_id"
        " LEFT JOIN fb_totp t ON t.employee_id = u.employee_id AND t.is_in_force"
        " WHERE u.login = ?1 OR u.employee_id = ?2",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, login);
    fb_sql_bind_text(q, 2, employee_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret->employee_id, sizeof ret->employee_id, "%s", fb_sql_text(q, 0));
    snprintf(ret->login, sizeof ret->login, "%s", fb_sql_text(q, 1));
    snprintf(ret->phc, sizeof ret->phc, "%s", fb_sql_text(q, 2));
    ret->is_employed = fb_sql_int(q, 3) != 0;
    struct fb_value secret = fb_sql_value(q, 4);
    ret->has_totp = secret.type == FB_BLOB && secret.size == sizeof ret->totp;
    if (ret->has_totp) {
        memcpy(ret->totp, secret.bytes, sizeof ret->totp);
        ret->totp_last_step = fb_sql_int(q, 5);
    }
    return FB_OK;
}

static json_t *read_body(const struct fb_request *req)
{
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static void drop_json(json_t **json)
{
    json_decref(*json);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

/* ---- The answer of GET /session, POST /session and a new password ---- */

static int append_session(struct fb_web *web, const char *employee_id, const struct fb_login *login,
                          struct fb_buf *out)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf name;
    fb_buf_init(&name, 1024);
    int rc = fb_sql_begin(
        web->store,
        "SELECT u.login, coalesce(e.language, ''), EXISTS (SELECT 1 FROM fb_totp t WHERE "
        "t.employee_id = e.id AND t.is_in_force) FROM fb_user u JOIN employee e ON e.id = "
        "u.employee_id WHERE e.id = ?1",
        &q);
    rc = rc < 0 ? rc : fb_title_append(web->store, "employee", employee_id, &name);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    const char *texts[] = {employee_id, fb_sql_text(q, 0), fb_buf_text(&name), fb_sql_text(q, 1)};
    static const char *const NAMES[] = {"id", "login", "name", "language"};
    fb_buf_append_text(out, "{\"node\":\"server\",\"user\":{");
    for (int i = 0; i < 4; i++) {
        fb_buf_printf(out, "%s\"%s\":", i == 0 ? "" : ",", NAMES[i]);
        fb_buf_append_json_text(out, texts[i], strlen(texts[i]));
    }
    fb_buf_append_text(out, "},\"roles\":[");
    rc = fb_rights_append_roles(web->store, employee_id, out);
    fb_buf_append_byte(out, ']');
    rc = rc < 0 ? rc : fb_api_append_rights(web, employee_id, out);
    const struct fb_catalogue *c = fb_store_catalogue(web->store);
    fb_buf_printf(out,
                  ",\"is_admin\":%s,\"has_second_factor\":%s,\"catalogue_version\":\"%lld\","
                  "\"version\":\"%s\","
                  "\"csrf\":\"%s\",\"must_change_password\":%s}\n",
                  login->is_admin ? "true" : "false", fb_sql_int(q, 2) != 0 ? "true" : "false",
                  (long long)(c == NULL ? 0 : c->version), FB_VERSION, login->csrf,
                  login->must_change_password ? "true" : "false");
    return rc;
}

static int get_session(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    return append_session(web, req->login->employee_id, req->login, &res->body);
}

/* ---- Logging in ---- */

static void set_cookie(struct fb_response *res, const char *token)
{
    char text[160];
    snprintf(text, sizeof text, "__Host-fb=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", token,
             token[0] == '\0' ? "; Max-Age=0" : "");
    fb_response_header(res, "Set-Cookie", text);
}

static int write_person(struct fb_web *web, const struct session_state *st)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = FB_OK;
    if (st->phc[0] != '\0') {
        rc =
            fb_sql_begin(web->store,
                         "UPDATE fb_user SET password = ?2, must_change = CASE WHEN ?3 THEN 0 ELSE "
                         "must_change END WHERE employee_id = ?1",
                         &q);
        if (rc < 0) {
            return rc;
        }
        fb_sql_bind_text(q, 1, st->employee_id);
        fb_sql_bind_text(q, 2, st->phc);
        fb_sql_bind_int(q, 3, st->is_new_password);
        rc = fb_sql_run(q);
    }
    if (rc < 0 || st->totp_step == 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *step = NULL;
    /* Two log-ins at once with one code: the second finds the step taken. */
    rc = fb_sql_begin(web->store,
                      "UPDATE fb_totp SET last_step = ?2 WHERE employee_id = ?1 AND last_step < ?2",
                      &step);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(step, 1, st->employee_id);
    fb_sql_bind_int(step, 2, st->totp_step);
    rc = fb_sql_run(step);
    return rc < 0 ? rc : fb_sql_changes(web->store) == 1 ? FB_OK : FB_ERR_REFUSED;
}

static int login_wrong(struct fb_response *res)
{
    return fb_response_problem(res, 401, "login_wrong", "login, password or code is wrong");
}

/* A new id, whatever the browser came with: a login that was foisted on it is worth nothing. */
static int make_login(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const struct session_state *st = web->state;
    char token[FB_LOGIN_TOKEN_SIZE];
    const char *old = fb_server_web_token(req);
    int rc = old == NULL ? FB_OK : fb_login_end(web->store, old);
    rc = rc < 0 || !st->ends_all ? rc : fb_login_end_all(web->store, st->employee_id);
    rc = rc < 0 ? rc : write_person(web, st);
    if (rc == FB_ERR_REFUSED) {
        return login_wrong(res);
    }
    rc = rc < 0 ? rc
                : fb_login_make(web->store, st->employee_id, st->csrf[0] == '\0' ? NULL : st->csrf,
                                web->random, web->now_ms, token);
    struct fb_login login = {0};
    bool is_stale;
    rc = rc < 0 ? rc : fb_login_find(web->store, token, web->now_ms, &login, &is_stale);
    rc = rc < 0 ? rc : append_session(web, st->employee_id, &login, &res->body);
    if (rc == FB_OK) {
        set_cookie(res, token);
        fb_log(FB_LOG_INFO, st->is_new_password ? "password_changed" : "logged_in",
               "employee=%s address=%s", st->employee_id, req->address);
    }
    return rc;
}

static int login_wait(struct fb_response *res, int seconds)
{
    char members[64];
    char text[16];
    snprintf(members, sizeof members, "\"retry_after_s\":%d", seconds);
    snprintf(text, sizeof text, "%d", seconds);
    fb_response_header(res, "Retry-After", text);
    return fb_response_problem_with(res, 429, "login_wait", "too many attempts: wait a little",
                                    members);
}

/* The second factor, after the password was right. FB_ERR_REFUSED: wrong. */
static int check_totp(const struct person *p, const char *code, int64_t now_ms, int64_t *ret_step)
{
    if (!p->has_totp) {
        return FB_OK;
    }
    return fb_totp_check(p->totp, sizeof p->totp, code, now_ms, p->totp_last_step, ret_step)
               ? FB_OK
               : FB_ERR_REFUSED;
}

static int post_session(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    FB_AUTO(drop_json) json_t *body = read_body(req);
    struct session_state *st = fb_arena_alloc(web->arena, sizeof *st);
    if (body == NULL || st == NULL) {
        return fb_response_problem(res, 400, "bad_request", "login and password are needed");
    }
    const char *login = text_of(body, "login");
    const char *code = text_of(body, "totp");
    int wait = fb_guard_try(node->guard, login, req->address, web->now_ms);
    if (wait > 0) {
        return login_wait(res, wait);
    }
    struct person p = {.is_employed = false};
    int rc = read_person(web->store, login, NULL, &p);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    bool is_outdated = false;
    rc = check_password(text_of(body, "password"), rc == FB_OK ? p.phc : NULL, &is_outdated);
    if (rc == FB_ERR_BUSY || rc == FB_ERR_NO_MEMORY) {
        return rc;
    }
    if (rc < 0 || !p.is_employed) {
        fb_log(FB_LOG_WARN, "login_refused", "address=%s", req->address);
        return login_wrong(res);
    }
    if (p.has_totp && code[0] == '\0') {
        fb_guard_right(node->guard, login, req->address);
        return fb_response_problem(res, 401, "totp_needed", "enter the code of your authenticator");
    }
    if (check_totp(&p, code, web->now_ms, &st->totp_step) < 0) {
        fb_log(FB_LOG_WARN, "login_refused", "address=%s", req->address);
        return login_wrong(res);
    }
    fb_guard_right(node->guard, login, req->address);
    memcpy(st->employee_id, p.employee_id, sizeof st->employee_id);
    if (is_outdated) {
        rc = fb_password_hash(text_of(body, "password"), web->random, st->phc);
    }
    web->state = st;
    fb_web_then(web, FB_WEB_WRITE, make_login);
    return rc < 0 ? rc : FB_OK;
}

static int delete_session(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const char *token = fb_server_web_token(req);
    set_cookie(res, "");
    return token == NULL ? FB_OK : fb_login_end(web->store, token);
}

/* ---- One's own password ---- */

static int post_password(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    FB_AUTO(drop_json) json_t *body = read_body(req);
    struct session_state *st = fb_arena_alloc(web->arena, sizeof *st);
    if (body == NULL || st == NULL) {
        return fb_response_problem(res, 400, "bad_request", "old and new are needed");
    }
    struct person p = {.is_employed = false};
    int rc = read_person(web->store, NULL, req->login->employee_id, &p);
    if (rc < 0) {
        return rc;
    }
    int wait = fb_guard_try(node->guard, p.login, req->address, web->now_ms);
    if (wait > 0) {
        return login_wait(res, wait);
    }
    bool is_outdated;
    rc = check_password(text_of(body, "old"), p.phc, &is_outdated);
    if (rc == FB_ERR_REFUSED) {
        return fb_response_problem_with(res, 422, "check", "the present password is wrong",
                                        "\"fields\":{\"old\":{\"code\":\"login_wrong\"}}");
    }
    if (rc < 0) {
        return rc;
    }
    fb_guard_right(node->guard, p.login, req->address);
    rc = fb_login_check_new_password(text_of(body, "new"), p.login, &web->why);
    if (rc < 0 || strcmp(text_of(body, "new"), text_of(body, "old")) == 0) {
        return fb_response_problem_with(res, 422, "check", web->why.text,
                                        "\"fields\":{\"new\":{\"code\":\"password_weak\"}}");
    }
    rc = fb_password_hash(text_of(body, "new"), web->random, st->phc);
    memcpy(st->employee_id, p.employee_id, sizeof st->employee_id);
    memcpy(st->csrf, req->login->csrf, sizeof st->csrf);
    st->ends_all = true;
    st->is_new_password = true;
    web->state = st;
    fb_web_then(web, FB_WEB_WRITE, make_login);
    return rc;
}

/* ---- One's own second factor ---- */

static int post_totp(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    uint8_t secret[FB_TOTP_SECRET_BYTES];
    char text[FB_TOTP_BASE32_SIZE];
    struct person p = {.is_employed = false};
    int rc = read_person(web->store, NULL, req->login->employee_id, &p);
    if (rc < 0) {
        return rc;
    }
    if (p.has_totp) {
        return fb_response_problem(res, 409, "exists",
                                   "a second factor is in force: take it away first");
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        web->store,
        "INSERT INTO fb_totp (employee_id, secret, is_in_force, last_step) VALUES (?1, ?2, 0, 0)"
        " ON CONFLICT (employee_id) DO UPDATE SET secret = excluded.secret",
        &q);
    if (rc < 0) {
        return rc;
    }
    web->random->fill(web->random->ctx, secret, sizeof secret);
    fb_totp_base32(secret, text);
    fb_sql_bind_text(q, 1, p.employee_id);
    fb_sql_bind_bytes(q, 2, secret, sizeof secret);
    fb_buf_printf(&res->body, "{\"secret\":\"%s\",\"uri\":\"otpauth://totp/Fieldbook:", text);
    for (const char *c = p.login; *c != '\0';
         c++) { /* RFC 3986: all but letters and digits as %XX */
        bool is_plain =
            (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        fb_buf_printf(&res->body, is_plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    fb_buf_printf(&res->body, "?secret=%s&issuer=Fieldbook\"}\n", text);
    return fb_sql_run(q);
}

static int code_wrong(struct fb_response *res)
{
    return fb_response_problem_with(
        res, 422, "check",
        "the code is not right: try the next one, and check the telephone's clock",
        "\"fields\":{\"code\":{\"code\":\"totp_wrong\"}}");
}

/* A rev of the person's own: what he does to his sign-in stands in the audit log. */
static int tell_myself(struct fb_web *web, const struct fb_request *req, const char *sentence)
{
    const char *id = req->login->employee_id;
    int rc = fb_server_begin_write(web);
    rc = rc < 0 ? rc : fb_person_tell_second_step(web->store, id, id, sentence);
    return rc < 0 ? rc : fb_server_end_write(web, req);
}

static int post_totp_confirm(struct fb_web *web, const struct fb_request *req,
                             struct fb_response *res)
{
    FB_AUTO(drop_json) json_t *body = read_body(req);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        web->store, "SELECT secret FROM fb_totp WHERE employee_id = ?1 AND NOT is_in_force", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, req->login->employee_id);
    rc = fb_sql_step(q);
    struct fb_value secret = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : (struct fb_value){0};
    int64_t step = 0;
    if (rc != FB_SQL_ROW || !fb_totp_check((const uint8_t *)secret.bytes, secret.size,
                                           text_of(body, "code"), web->now_ms, 0, &step)) {
        return rc < 0 ? rc : code_wrong(res);
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *write = NULL;
    rc = fb_sql_begin(web->store,
                      "UPDATE fb_totp SET is_in_force = 1, last_step = ?2 WHERE employee_id = ?1",
                      &write);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(write, 1, req->login->employee_id);
    fb_sql_bind_int(write, 2, step);
    rc = fb_sql_run(write);
    return rc < 0 ? rc
                  : tell_myself(web, req, fb_text("Your second step at sign-in is switched on."));
}

static int remove_totp(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)res;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(web->store, "DELETE FROM fb_totp WHERE employee_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, req->login->employee_id);
    rc = fb_sql_run(q);
    return rc < 0 ? rc
                  : tell_myself(web, req, fb_text("Your second step at sign-in is switched off."));
}

/* Whoever takes it away shows that he has it. */
static int delete_totp(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    FB_AUTO(drop_json) json_t *body = read_body(req);
    struct person p = {.is_employed = false};
    int64_t step = 0;
    int rc = read_person(web->store, NULL, req->login->employee_id, &p);
    if (rc < 0) {
        return rc;
    }
    int wait = fb_guard_try(node->guard, p.login, req->address, web->now_ms);
    if (wait > 0) {
        return login_wait(res, wait);
    }
    if (check_totp(&p, text_of(body, "code"), web->now_ms, &step) < 0) {
        return code_wrong(res);
    }
    fb_guard_right(node->guard, p.login, req->address);
    fb_web_then(web, FB_WEB_WRITE, remove_totp);
    return FB_OK;
}

const struct fb_route fb_server_session_routes[] = {
    {"POST", "/api/v1/session", post_session, FB_ROUTE_OPEN, 4096},
    {"GET", "/api/v1/session", get_session, FB_ROUTE_MUST_CHANGE, 0},
    {"DELETE", "/api/v1/session", delete_session, FB_ROUTE_MUST_CHANGE | FB_ROUTE_WRITES, 0},
    {"POST", "/api/v1/session/password", post_password, FB_ROUTE_MUST_CHANGE, 4096},
    {"POST", "/api/v1/session/totp", post_totp, FB_ROUTE_WRITES, 4096},
    {"POST", "/api/v1/session/totp/confirm", post_totp_confirm, FB_ROUTE_WRITES, 4096},
    {"DELETE", "/api/v1/session/totp", delete_totp, 0, 4096},
    {"GET", "/api/v1/events", fb_events_handler, 0, 0},
    {NULL, NULL, NULL, 0, 0},
};
