/* SPDX-License-Identifier: MIT
 *
 * May this request be? Asked once its head is whole, before a byte of its body is taken. faults.md, part 4, "Logins in the
 * browser": a foreign page can make a browser send requests, but not read answers, set headers or know a login's token.
 *
 *   a laptop answers to its own addresses alone: a foreign name that resolves to 127.0.0.1 is refused (DNS rebinding)
 *   Sec-Fetch-Site and Origin, where the browser sends them, must speak of ourselves whenever something is changed
 *   X-Fieldbook must be the login's token whenever something is changed
 *   bodies are JSON, which a form of a foreign page cannot send
 */
#include <string.h>
#include <strings.h>

#include "common/web/serve_inside.h"

static bool is_unsafe(const struct fb_request *req)
{
    return strcmp(req->method, "GET") != 0;
}

static bool refuse(struct fb_response *res, int status, const char *code, const char *detail)
{
    fb_ignore(fb_response_problem(res, status, code, detail), "the response says it");
    return false;
}

/* "https://hq:7443" against the Host header. */
static bool is_own_origin(const struct fb_web_config *config, const struct fb_request *req,
                          const char *origin)
{
    size_t size = strlen(config->scheme);
    return strncmp(origin, config->scheme, size) == 0 && strncmp(origin + size, "://", 3) == 0 &&
           strcasecmp(origin + size + 3, fb_request_header(req, "host")) == 0;
}

static bool check_origin(struct fb_web_conn *c, const struct fb_request *req,
                         struct fb_response *res)
{
    const struct fb_web_config *config = &c->service->config;
    const char *host = fb_request_header(req, "host");
    if (config->is_our_host != NULL && !config->is_our_host(config->ctx, host)) {
        return refuse(res, 421, "csrf", "this address is not one of this program's");
    }
    const char *site = fb_request_header(req, "sec-fetch-site");
    const char *origin = fb_request_header(req, "origin");
    if (!is_unsafe(req)) {
        /* Reading is harmless unless a foreign page could see it, which same-origin rules forbid. */
        return true;
    }
    if (site != NULL && strcmp(site, "same-origin") != 0) {
        return refuse(res, 403, "csrf", "another site sent this request");
    }
    if (origin != NULL && !is_own_origin(config, req, origin)) {
        return refuse(res, 403, "csrf", "another site sent this request");
    }
    return true;
}

static bool tokens_equal(const char *a, const char *b)
{
    size_t size = strlen(b);
    if (size == 0 || strlen(a) != size) {
        return false;
    }
    unsigned difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference == 0;
}

static bool check_login(struct fb_web_conn *c, const struct fb_request *req,
                        struct fb_response *res)
{
    const struct fb_login *login = c->login;
    unsigned flags = c->route->flags;
    if (login->employee_id[0] == '\0') {
        bool is_laptop = c->service->config.node == FB_NODE_REPLICA;
        return (flags & FB_ROUTE_OPEN) != 0 ||
               (is_laptop ? refuse(res, 401, "not_opened",
                                   "open the pages with `fieldbook-replica open` on this computer")
                          : refuse(res, 401, "login_expired", "log in to go on"));
    }
    if (is_unsafe(req)) {
        const char *token = fb_request_header(req, "x-fieldbook");
        /* Logging in over a login that is still there: the new page does not know its token. */
        bool is_free = (flags & FB_ROUTE_OPEN) != 0;
        if (!is_free && (token == NULL || !tokens_equal(token, login->csrf))) {
            return refuse(res, 403, "csrf", "reload the page and try again");
        }
    }
    if (login->must_change_password && (flags & (FB_ROUTE_MUST_CHANGE | FB_ROUTE_OPEN)) == 0) {
        return refuse(res, 403, "must_change_password", "choose a password of your own first");
    }
    if ((flags & FB_ROUTE_ADMIN) != 0 && !login->is_admin) {
        return refuse(res, 403, "right_missing", "only administrators may do this");
    }
    return true;
}

static bool check_route(struct fb_web_conn *c, const struct fb_request *req,
                        struct fb_response *res)
{
    char allowed[64] = "";
    const struct fb_web_config *config = &c->service->config;
    c->route = NULL;
    for (int i = 0; config->tables[i] != NULL && c->route == NULL; i++) {
        char more[64];
        c->route = fb_route_find(config->tables[i], req, more, sizeof more);
        if (more[0] != '\0' && allowed[0] == '\0') {
            memcpy(allowed, more, sizeof allowed);
        }
    }
    if (c->route != NULL) {
        unsigned wrong = config->node == FB_NODE_SERVER ? FB_ROUTE_REPLICA : FB_ROUTE_SERVER;
        return (c->route->flags & wrong) == 0 ||
               refuse(res, 404, wrong == FB_ROUTE_SERVER ? "only_headquarters" : "not_found", NULL);
    }
    if (allowed[0] != '\0') {
        fb_response_header(res, "Allow", allowed);
        return refuse(res, 405, "bad_request", "this address does not know the method");
    }
    if (strncmp(req->path, "/api/", 5) == 0) {
        return refuse(res, 404, "not_found", NULL);
    }
    return strcmp(req->method, "GET") == 0 ||
           refuse(res, 405, "bad_request", "a page can only be read");
}

static bool check_body(struct fb_web_conn *c, const struct fb_request *req, struct fb_response *res)
{
    const char *length = fb_request_header(req, "content-length");
    bool has_body = (length != NULL && strcmp(length, "0") != 0) ||
                    fb_request_header(req, "transfer-encoding") != NULL;
    const char *type = fb_request_header(req, "content-type");
    if (!has_body || (c->route->flags & FB_ROUTE_BODY_TO_FILE) != 0) {
        return true;
    }
    return (type != NULL && strncasecmp(type, "application/json", 16) == 0 &&
            (type[16] == '\0' || type[16] == ';' || type[16] == ' ')) ||
           refuse(res, 415, "bad_request", "the body must be application/json");
}

/* Logins go on: who could not log in could not see why. */
static bool check_standing(struct fb_web_conn *c, const struct fb_request *req,
                           struct fb_response *res)
{
    static const char SESSION[] = "/api/v1/session";
    const struct fb_web_config *config = &c->service->config;
    struct fb_why why = {""};
    return (c->route->flags & FB_ROUTE_WRITES) == 0 || config->is_read_only == NULL ||
           strncmp(req->path, SESSION, strlen(SESSION)) == 0 ||
           !config->is_read_only(config->ctx, &why) || refuse(res, 503, "rewound", why.text);
}

bool fb_serve_check(struct fb_web_conn *c, const struct fb_request *req, struct fb_response *res)
{
    const struct fb_web_config *config = &c->service->config;
    if (!check_origin(c, req, res) || !check_route(c, req, res)) {
        return false;
    }
    if (c->route == NULL) {
        return true;
    }
    struct fb_why closed = {""};
    if ((c->route->flags & FB_ROUTE_LOCKED) == 0 && config->is_closed != NULL &&
        config->is_closed(config->ctx, &closed)) {
        return refuse(res, 423, "locked", closed.text);
    }
    config->find_login(config->ctx, req, c->login);
    if (c->login->employee_id[0] != '\0' && !c->is_known && c->stream != NULL) {
        c->is_known = true;
        fb_stream_set_known(c->stream);
    }
    return check_login(c, req, res) && check_standing(c, req, res) && check_body(c, req, res);
}

const char *fb_serve_fixed_headers(struct fb_web_conn *c, struct fb_arena *arena)
{
    const char *text = fb_arena_printf(
        arena,
        "Content-Security-Policy: default-src 'none'; script-src 'self'; "
        "style-src 'self' 'nonce-%s'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "Cross-Origin-Opener-Policy: same-origin\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n"
        "X-Frame-Options: DENY\r\n"
        "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n%s",
        c->nonce,
        c->service->config.node == FB_NODE_SERVER
            ? "Strict-Transport-Security: max-age=31536000\r\n"
            : "");
    return text == NULL ? "X-Content-Type-Options: nosniff\r\n" : text;
}
