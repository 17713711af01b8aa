/* SPDX-License-Identifier: MIT */
#include "server/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/os.h"
#include "common/store/sql.h"
#include "common/web/api.h"
#include "server/api.h"
#include "server/login.h"
#include "server/rewound.h"

#define COOKIE          "__Host-fb="
#define READERS         6
#define READER_BYTES    (INT64_C(8) << 20)
#define EXPIRE_EVERY_MS (INT64_C(10) * 60 * 1000)
#define TOLD_ROWS_MAX   200 /* beyond it pages are only told the entity */

const char *fb_server_web_token(const struct fb_request *req)
{
    const char *cookies = fb_request_header(req, "cookie");
    for (const char *at = cookies; at != NULL && *at != '\0';) {
        at += strspn(at, " ");
        if (strncmp(at, COOKIE, strlen(COOKIE)) == 0) {
            const char *token = at + strlen(COOKIE);
            size_t size = strcspn(token, "; ");
            return size == FB_LOGIN_TOKEN_SIZE - 1 ? fb_arena_copy(req->arena, token, size) : NULL;
        }
        at = strchr(at, ';');
        at = at == NULL ? NULL : at + 1;
    }
    return NULL;
}

/* In the loop's thread, on the writer, between its transactions. */
static void find_login(void *ctx, const struct fb_request *req, struct fb_login *ret)
{
    struct fb_server_web *web = ctx;
    struct fb_store *s = web->daemon->store;
    const char *token = fb_server_web_token(req);
    bool is_stale = false;
    int64_t now_ms = fb_os_now_ms();
    if (token == NULL || fb_store_in_transaction(s) || fb_store_catalogue(s) == NULL ||
        fb_login_find(s, token, now_ms, ret, &is_stale) < 0 || !is_stale) {
        return;
    }
    if (fb_store_begin(s) == FB_OK) {
        int rc = fb_login_note_use(s, token, now_ms);
        rc = rc < 0 ? rc : fb_store_commit(s);
        if (rc < 0) {
            fb_store_rollback(s); /* the login then ends a minute early */
        }
    }
}

static int seal_before(void *ctx, int64_t now_ms)
{
    const struct fb_server_web *web = ctx;
    return fb_hub_write_begin(web->daemon->hub, now_ms);
}

static int seal_after(void *ctx, const char *employee_id, int64_t now_ms)
{
    const struct fb_server_web *web = ctx;
    return fb_hub_write_end(web->daemon->hub, employee_id, now_ms);
}

/* server/rewound.h: no two histories may grow under one name. */
static bool is_read_only(void *ctx, struct fb_why *why)
{
    const struct fb_server_web *web = ctx;
    if (fb_hub_rewound_why(web->daemon->hub) == NULL) {
        return false;
    }
    fb_why_set(why, "%s",
               fb_text("Headquarters was set back to an older state and waits for its "
                       "administrator. Nothing can be saved until that is settled."));
    return true;
}

static bool is_idle(void *ctx)
{
    const struct fb_server_web *web = ctx;
    return fb_daemon_is_quiet(web->daemon);
}

static void prepare(void *ctx, struct fb_web *request)
{
    struct fb_server_web *web = ctx;
    request->node_context = web;
    request->seal = &web->seal;
}

static int newest_seq(struct fb_store *s, int64_t *ret)
{
    return fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_log", ret);
}

int fb_server_web_new(struct fb_daemon *d, struct fb_server_web **ret, struct fb_why *why)
{
    struct fb_server_web *web = calloc(1, sizeof *web);
    if (web == NULL || fb_guard_new(&web->guard) < 0) {
        free(web);
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the pages");
    }
    web->daemon = d;
    web->started_ms = fb_os_now_ms();
    web->seal = (struct fb_api_seal){.ctx = web, .before = seal_before, .after = seal_after};
    snprintf(web->database, sizeof web->database, "%s/fieldbook.db", d->data);
    snprintf(web->search, sizeof web->search, "%s/search.db", d->data);
    fb_os_share_path("web", web->pages, sizeof web->pages);
    struct fb_web_config config = {
        .node = FB_NODE_SERVER,
        .loop = d->loop,
        .writer = d->store,
        .database = web->database,
        .readers = READERS,
        .reader_cache_bytes = READER_BYTES,
        .tables = {fb_server_session_routes, fb_server_health_routes, fb_server_api_routes,
                   fb_api_routes},
        .search = web->search,
        .pages = web->pages,
        .temporary = d->data,
        .scheme = "https",
        .random = &d->random,
        .find_login = find_login,
        .is_read_only = is_read_only,
        .is_idle = is_idle,
        .prepare = prepare,
        .ctx = web,
    };
    int rc = newest_seq(d->store, &web->told_seq);
    rc = rc < 0 ? fb_store_error(d->store, why) : fb_web_service_new(&config, &web->service, why);
    if (rc < 0) {
        fb_server_web_free(web);
        return rc;
    }
    *ret = web;
    return FB_OK;
}

void fb_server_web_free(struct fb_server_web *web)
{
    if (web != NULL) {
        fb_web_service_free(web->service);
        fb_guard_free(web->guard);
        free(web);
    }
}

/* ---- What the open pages are told ---- */

static enum fb_event_topic topic_of(const char *entity)
{
    return strcmp(entity, "conflict") == 0      ? FB_EVENT_CONFLICT
           : strcmp(entity, "held_change") == 0 ? FB_EVENT_HELD
           : strcmp(entity, "device") == 0      ? FB_EVENT_DEVICE
                                                : FB_EVENT_RECORD;
}

/* Entities only: ids of rows would tell people of records outside their scope. Pages that show the entity look again. */
static void tell_entity(struct fb_server_web *web, int64_t number)
{
    const struct fb_catalogue *c = fb_store_catalogue(web->daemon->store);
    const struct fb_entity *e = c == NULL ? NULL : fb_catalogue_entity_no(c, (uint32_t)number);
    if (e != NULL) {
        char data[160];
        enum fb_event_topic topic = topic_of(e->name);
        snprintf(data, sizeof data, "{\"entity\":\"%s\",\"ids\":[],\"by\":\"other\"}", e->name);
        fb_web_service_tell(web->service, topic, data);
    }
}

static int tell_changes(struct fb_server_web *web)
{
    struct fb_store *s = web->daemon->store;
    int64_t newest = web->told_seq;
    int64_t numbers[TOLD_ROWS_MAX];
    int count = 0;
    int rc = newest_seq(s, &newest);
    if (rc < 0 || newest == web->told_seq) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "SELECT DISTINCT entity FROM fb_log WHERE seq > ?1 AND op BETWEEN 1 AND 4",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, web->told_seq);
    web->told_seq = newest;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW && count < TOLD_ROWS_MAX) {
        numbers[count++] = fb_sql_int(q, 0);
    }
    for (int i = 0; i < count; i++) {
        tell_entity(web, numbers[i]);
    }
    return rc;
}

void fb_server_web_settled(struct fb_server_web *web)
{
    struct fb_web_counters counters;
    fb_web_service_counters(web->service, &counters);
    if (counters.event_streams > 0) {
        fb_ignore(tell_changes(web), "the next settle tells it");
    } else {
        fb_ignore(newest_seq(web->daemon->store, &web->told_seq), "it is told twice then");
    }
    fb_web_service_settled(web->service);
}

static void expire_logins(struct fb_server_web *web)
{
    struct fb_store *s = web->daemon->store;
    if (fb_store_in_transaction(s) || fb_store_begin(s) < 0) {
        return;
    }
    int rc = fb_login_expire(s, fb_os_now_ms());
    rc = rc < 0 ? rc : fb_store_commit(s);
    if (rc < 0) {
        fb_store_rollback(s);
    }
}

void fb_server_web_stop(struct fb_server_web *web)
{
    atomic_store(&web->backup.is_stopping, true);
    fb_web_service_stop(web->service);
}

bool fb_server_web_is_busy(const struct fb_server_web *web)
{
    return web->backup.is_running || fb_web_service_has_connections(web->service);
}

void fb_server_web_tick(struct fb_server_web *web)
{
    int64_t now_ms = fb_os_monotonic_ms();
    fb_web_service_tick(web->service);
    if (now_ms - web->expired_at_ms > EXPIRE_EVERY_MS) {
        web->expired_at_ms = now_ms;
        expire_logins(web);
    }
}
