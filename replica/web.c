/* SPDX-License-Identifier: MIT */
#include "replica/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/base/log.h"
#include "common/base/os.h"
#include "common/net/address.h"
#include "common/store/recent.h"
#include "common/store/sql.h"
#include "common/web/api.h"
#include "replica/lease.h"
#include "replica/web_inside.h"

#define PORT_DEFAULT 7480
#define READERS      3
#define READER_BYTES (INT64_C(2) << 20)
#define CLOCK_MS     1000
#define OPEN_MS_MAX  60000

static void hash_with_token(const char *token, const char *what, size_t bytes, char *ret)
{
    struct fb_sha256 h = fb_sha256(token, strlen(token), what, strlen(what));
    fb_hex_write(h.bytes, bytes, ret);
}

/* ---- The token ---- */

static int read_token(const char *data, char ret[static FB_WEB_TOKEN_SIZE], struct fb_why *why)
{
    char path[4096];
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 256);
    snprintf(path, sizeof path, "%s/web-token", data);
    int rc = fb_os_read_file(path, &text, why);
    rc = rc < 0 ? rc : fb_os_check_private(path, why);
    if (rc < 0) {
        return rc;
    }
    if (strspn(fb_buf_text(&text), "0123456789abcdef") != FB_WEB_TOKEN_SIZE - 1) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "%s is not what the daemon wrote: delete it", path);
    }
    snprintf(ret, FB_WEB_TOKEN_SIZE, "%.*s", FB_WEB_TOKEN_SIZE - 1, fb_buf_text(&text));
    return FB_OK;
}

/* Kept over restarts, so that browsers stay logged in. */
static int load_token(struct fb_replica_web *web, struct fb_why *why)
{
    int rc = read_token(web->config.data, web->token, why);
    if (rc == FB_ERR_NOT_FOUND) {
        char path[4096];
        uint8_t bytes[32];
        web->config.random->fill(web->config.random->ctx, bytes, sizeof bytes);
        fb_hex_write(bytes, sizeof bytes, web->token);
        snprintf(path, sizeof path, "%s/web-token", web->config.data);
        rc = fb_os_write_file(path, web->token, strlen(web->token), 0600, why);
    }
    hash_with_token(web->token, "cookie", 32, web->cookie);
    hash_with_token(web->token, "csrf", 16, web->csrf);
    return rc;
}

static bool texts_equal(const char *a, const char *b)
{
    size_t size = strlen(b);
    unsigned difference = strlen(a) != size;
    for (size_t i = 0; difference == 0 && i < size; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference == 0;
}

bool fb_replica_web_may_open(struct fb_replica_web *web, const char *pass, int64_t now_ms)
{
    char hash[65];
    char head[48];
    const char *dash = strrchr(pass, '-');
    if (dash == NULL || (size_t)(dash - pass) >= sizeof head) {
        return false;
    }
    snprintf(head, sizeof head, "%.*s", (int)(dash - pass), pass);
    hash_with_token(web->token, head, 32, hash);
    int64_t made_ms = strtoll(head, NULL, 16);
    if (!texts_equal(dash + 1, hash) || made_ms > now_ms + OPEN_MS_MAX ||
        now_ms - made_ms > OPEN_MS_MAX) {
        return false;
    }
    for (int i = 0; i < FB_OPENS_KEPT; i++) {
        if (strcmp(web->opened[i], head) == 0) {
            return false;
        }
    }
    memcpy(web->opened[web->opened_at++ % FB_OPENS_KEPT], head, sizeof head);
    return true;
}

int fb_replica_web_url(const char *data, const struct fb_random *random, int64_t now_ms, char *ret,
                       size_t ret_size, struct fb_why *why)
{
    char path[4096];
    char token[FB_WEB_TOKEN_SIZE];
    char nonce[17];
    char head[48];
    char hash[65];
    uint8_t bytes[8];
    FB_AUTO(fb_buf_release) struct fb_buf address;
    fb_buf_init(&address, 1024);
    snprintf(path, sizeof path, "%s/web-address", data);
    int rc = fb_os_read_file(path, &address, NULL);
    rc = rc < 0 ? rc : read_token(data, token, why);
    if (rc < 0) {
        return fb_fail(why, rc,
                       "the pages are not served: start `fieldbook-replica run --data %s` first",
                       data);
    }
    random->fill(random->ctx, bytes, sizeof bytes);
    fb_hex_write(bytes, sizeof bytes, nonce);
    snprintf(head, sizeof head, "%llx-%s", (unsigned long long)now_ms, nonce);
    hash_with_token(token, head, 32, hash);
    snprintf(ret, ret_size, "http://%s/open?token=%s-%s", fb_buf_text(&address), head, hash);
    return FB_OK;
}

/* ---- Who asks ---- */

static bool is_our_host(void *ctx, const char *host)
{
    static const char *const NAMES[] = {"localhost", "127.0.0.1", "[::1]"};
    const struct fb_replica_web *web = ctx;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char own[32];
        snprintf(own, sizeof own, "%s:%d", NAMES[i], web->port);
        if (strcasecmp(own, host) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_cookie(const struct fb_replica_web *web, const struct fb_request *req)
{
    const char *at = fb_request_header(req, "cookie");
    size_t name_size = strlen(web->cookie_name);
    while (at != NULL && *at != '\0') {
        at += strspn(at, " ");
        size_t size = strcspn(at, "; ");
        if (strncmp(at, web->cookie_name, name_size) == 0) {
            char value[FB_COOKIE_SIZE];
            snprintf(value, sizeof value, "%.*s", (int)(size - name_size), at + name_size);
            return size - name_size < sizeof value && texts_equal(value, web->cookie);
        }
        at = strchr(at, ';');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

static int read_admin(struct fb_store *s, const char *employee_id, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT 1 FROM employee_role er JOIN role r ON r.id = er.role_id"
                          " WHERE er.employee_id = ?1 AND r.name = 'admin'",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

/* The person of the laptop, known since it was enrolled. */
static void find_login(void *ctx, const struct fb_request *req, struct fb_login *ret)
{
    struct fb_replica_web *web = ctx;
    struct fb_store *s = web->config.store;
    if (!has_cookie(web, req) ||
        fb_store_meta_text(s, "employee_id", ret->employee_id, sizeof ret->employee_id) < 0) {
        return;
    }
    memcpy(ret->csrf, web->csrf, sizeof ret->csrf);
    if (fb_store_catalogue(s) != NULL) {
        fb_ignore(read_admin(s, ret->employee_id, &ret->is_admin),
                  "nobody is an admin by a failure");
    }
}

/* A locked laptop serves its pages' files and what unlocks it, nothing else. */
static bool is_closed(void *ctx, struct fb_why *why)
{
    const struct fb_replica_web *web = ctx;
    const struct fb_lease *lease = web->config.calls->lease(web->config.ctx);
    if (!fb_lease_is_locked(lease)) {
        return false;
    }
    fb_replica_lease_say(lease, why);
    return true;
}

static bool is_idle(void *ctx)
{
    const struct fb_replica_web *web = ctx;
    enum fb_replica_state state = web->config.calls->status(web->config.ctx)->state;
    return state != FB_REPLICA_PUSHING && state != FB_REPLICA_PULLING;
}

static void prepare(void *ctx, struct fb_web *request)
{
    request->node_context = ctx;
}

/* ---- The port ---- */

static void on_stream(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct fb_replica_web *web = ctx;
    fb_web_service_serve(web->service, stream, peer);
}

static int listen_at(struct fb_replica_web *web, const char *address, struct fb_why *why)
{
    const struct fb_listener_config config = {
        .address = address, .on_stream = on_stream, .ctx = web};
    return fb_listener_new(web->config.loop, &config, &web->listener, why);
}

static int open_port(struct fb_replica_web *web, struct fb_why *why)
{
    char text[64];
    struct fb_address address;
    const char *asked = web->config.address;
    snprintf(text, sizeof text, "localhost:%d", PORT_DEFAULT);
    int rc = asked == NULL ? FB_OK : fb_address_parse(asked, PORT_DEFAULT, &address, why);
    if (rc < 0) {
        return rc;
    }
    if (asked != NULL && strcmp(address.host, "localhost") != 0 &&
        strcmp(address.host, "127.0.0.1") != 0 && strcmp(address.host, "::1") != 0) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "the pages of a laptop are for this computer alone: --web takes localhost, "
                       "127.0.0.1 or [::1], not %s",
                       address.host);
    }
    rc = listen_at(web, asked == NULL ? text : asked, why);
    if (rc == FB_ERR_BUSY && asked == NULL) {
        rc = listen_at(web, "localhost:0", why);
    }
    if (rc < 0) {
        return rc;
    }
    web->port = fb_listener_port(web->listener);
    snprintf(web->cookie_name, sizeof web->cookie_name, "fb_%d=", web->port);
    const char *shown = fb_listener_address(web->listener);
    fb_log(FB_LOG_INFO, "pages", "address=%s", shown);
    snprintf(web->address_path, sizeof web->address_path, "%s/web-address", web->config.data);
    return fb_os_write_file(web->address_path, shown, strlen(shown), 0600, why);
}

/* ---- Life ---- */

static void on_clock(void *ctx)
{
    struct fb_replica_web *web = ctx;
    fb_web_service_tick(web->service);
    fb_replica_web_tell(web);
}

static int make_service(struct fb_replica_web *web, struct fb_why *why)
{
    snprintf(web->database, sizeof web->database, "%s/fieldbook.db", web->config.data);
    snprintf(web->search, sizeof web->search, "%s/search.db", web->config.data);
    fb_os_share_path("web", web->pages, sizeof web->pages);
    const struct fb_web_config config = {
        .node = FB_NODE_REPLICA,
        .loop = web->config.loop,
        .writer = web->config.store,
        .database = web->database,
        .readers = READERS,
        .reader_cache_bytes = READER_BYTES,
        .tables = {fb_replica_web_routes, fb_api_routes},
        .search = web->search,
        .recent = web->recent,
        .pages = web->pages,
        .temporary = web->config.data,
        .scheme = "http",
        .random = web->config.random,
        .is_our_host = is_our_host,
        .find_login = find_login,
        .is_closed = is_closed,
        .is_idle = is_idle,
        .prepare = prepare,
        .ctx = web,
    };
    return fb_web_service_new(&config, &web->service, why);
}

int fb_replica_web_new(const struct fb_replica_web_config *config, struct fb_replica_web **ret,
                       struct fb_why *why)
{
    struct fb_replica_web *web = calloc(1, sizeof *web);
    if (web == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the pages");
    }
    web->config = *config;
    fb_buf_init(&web->told, 4096);
    int rc = load_token(web, why);
    rc = rc < 0 ? rc : fb_recent_new(&web->recent);
    if (rc == FB_OK) {
        fb_store_set_recent(config->store, web->recent);
    }
    rc = rc < 0 ? rc : make_service(web, why);
    rc = rc < 0 ? rc : fb_timer_new(config->loop, on_clock, web, &web->clock);
    rc = rc < 0 ? rc : open_port(web, why);
    if (rc < 0) {
        fb_replica_web_stop(web);
        fb_replica_web_free(web);
        return rc;
    }
    fb_timer_set(web->clock, CLOCK_MS, CLOCK_MS);
    *ret = web;
    return FB_OK;
}

void fb_replica_web_stop(struct fb_replica_web *web)
{
    if (web != NULL) {
        if (web->address_path[0] != '\0') {
            unlink(web->address_path);
        }
        fb_listener_free(web->listener);
        fb_timer_free(web->clock);
        web->listener = NULL;
        web->clock = NULL;
        if (web->service != NULL) {
            fb_web_service_stop(web->service);
        }
    }
}

void fb_replica_web_free(struct fb_replica_web *web)
{
    if (web != NULL) {
        fb_web_service_free(web->service);
        fb_store_set_recent(web->config.store, NULL);
        fb_recent_free(web->recent);
        fb_buf_release(&web->told);
        free(web);
    }
}

bool fb_replica_web_turn(struct fb_replica_web *web)
{
    bool has_written = fb_web_service_write(web->service);
    web->has_page_write = web->has_page_write || has_written;
    fb_web_service_settled(web->service);
    return has_written;
}

void fb_replica_web_note_round(struct fb_replica_web *web, const char *error)
{
    const struct fb_replica_status *st = web->config.calls->status(web->config.ctx);
    struct fb_web_round round = {.at_ms = fb_os_now_ms(),
                                 .sent = st->changes_sent - web->sent_before,
                                 .received = st->rows_received - web->received_before,
                                 .removed = st->removes_received - web->removed_before};
    snprintf(round.error, sizeof round.error, "%s", error);
    bool is_empty = round.sent + round.received + round.removed == 0 && error[0] == '\0';
    if (is_empty && web->round_count > 0 &&
        web->rounds[(web->round_count - 1) % FB_ROUNDS_KEPT].error[0] == '\0') {
        return; /* nothing to tell beyond the one before */
    }
    web->sent_before = st->changes_sent;
    web->received_before = st->rows_received;
    web->removed_before = st->removes_received;
    web->rounds[web->round_count++ % FB_ROUNDS_KEPT] = round;
}
