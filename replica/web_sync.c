/* SPDX-License-Identifier: MIT
 *
 * What the pages of a laptop ask of its daemon: how synchronisation stands, what waits, the last rounds; and the login of
 * the one person it belongs to. In the loop's thread, where the daemon's state is.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/os.h"
#include "common/crm/may.h"
#include "common/crm/title.h"
#include "common/store/journal.h"
#include "common/store/outbox.h"
#include "common/store/sql.h"
#include "common/web/api.h"
#include "replica/web_inside.h"

#define LOOK_EVERY_MS 250
#define TOLD_IDS_MAX  100
#define WAITING_MAX   200

static void append_time(struct fb_buf *out, const char *name, int64_t at_ms)
{
    char text[FB_INSTANT_SIZE];
    if (at_ms <= 0 || at_ms == INT64_MAX) {
        fb_buf_printf(out, "\"%s\":null,", name);
        return;
    }
    fb_instant_format(at_ms, text);
    fb_buf_printf(out, "\"%s\":\"%s\",", name, text);
}

struct open_work {
    int64_t waiting;
    int64_t since_ms; /* the oldest edit that waits; 0: none */
    int64_t conflicts;
    int64_t held;
    int64_t found;
};

static int read_open_work(struct fb_store *s, struct open_work *ret)
{
    int64_t journal = 0;
    int64_t pushes = 0;
    int64_t changes = 0;
    int rc = fb_journal_count(s, &journal);
    rc = rc < 0 ? rc : fb_outbox_count(s, &pushes, &changes);
    rc = rc < 0 ? rc
                : fb_sql_read_int(
                      s,
                      "SELECT min(at) FROM (SELECT min(at_ms) AS at FROM fb_journal WHERE op > 0"
                      " UNION ALL SELECT min(made_at_ms) FROM fb_push WHERE acked_at_ms IS NULL)",
                      &ret->since_ms);
    ret->waiting = journal + changes;
    if (rc < 0 || fb_store_catalogue(s) == NULL) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "SELECT (SELECT count(*) FROM conflict WHERE outcome = 'waiting'),"
                      " (SELECT count(*) FROM held_change WHERE state = 'waiting'),"
                      " (SELECT count(*) FROM found_value WHERE state = 'waiting')",
                      &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        ret->conflicts = fb_sql_int(q, 0);
        ret->held = fb_sql_int(q, 1);
        ret->found = fb_sql_int(q, 2);
    }
    return rc < 0 ? rc : FB_OK;
}

/* One of the first column's words in docs/api.md, the most urgent that holds. */
static const char *state_of(struct fb_replica_web *web, const struct fb_replica_status *st,
                            const struct open_work *work, int64_t now_ms)
{
    if (fb_lease_is_locked(web->config.calls->lease(web->config.ctx))) {
        return "locked";
    }
    /* Headquarters closes the line after a refusal; the refusal stands until a welcome. */
    if (st->state == FB_REPLICA_REFUSED ||
        (st->refusal != FB_REFUSAL_NONE &&
         (st->state == FB_REPLICA_OFFLINE || st->state == FB_REPLICA_GREETING))) {
        return st->refusal == FB_REFUSAL_REVOKED ? "revoked" : "refused";
    }
    if (st->is_first_download) {
        return "first_download";
    }
    if (web->config.calls->paused_until_ms(web->config.ctx) > now_ms) {
        return "paused";
    }
    if (st->state == FB_REPLICA_PUSHING || st->state == FB_REPLICA_PULLING) {
        return "running";
    }
    if (st->state == FB_REPLICA_OFFLINE || st->state == FB_REPLICA_GREETING) {
        return work->waiting > 0 ? "offline_waiting" : "offline";
    }
    if (work->held + work->found > 0) {
        return "needs_you";
    }
    return work->waiting > 0 ? "waiting" : "in_step";
}

static void append_lease(const struct fb_lease *lease, struct fb_buf *out)
{
    int days = fb_lease_days_left(lease);
    if (days < 0) {
        fb_buf_append_text(out, ",\"lease\":null");
        return;
    }
    char until[FB_INSTANT_SIZE];
    fb_instant_format(lease->until_ms, until);
    fb_buf_printf(out, ",\"lease\":{\"until\":\"%s\",\"days\":%d}", until, days);
}

int fb_replica_web_append_sync(struct fb_replica_web *web, struct fb_store *s, int64_t now_ms,
                               struct fb_buf *out)
{
    const struct fb_replica_web_calls *calls = web->config.calls;
    const struct fb_replica_status *st = calls->status(web->config.ctx);
    struct open_work work = {0};
    const char *damage = fb_web_service_damage(web->service);
    const char *reason = damage != NULL ? damage : st->sentence;
    int64_t cut_at_ms = 0;
    int rc = read_open_work(s, &work);
    if (rc < 0) {
        return rc;
    }
    fb_ignore(fb_store_meta_int(s, "cut_at_ms", &cut_at_ms), "none: never synced");
    fb_buf_printf(out, "{\"state\":\"%s\",\"waiting\":%lld,", state_of(web, st, &work, now_ms),
                  (long long)work.waiting);
    append_time(out, "since", work.waiting > 0 ? work.since_ms : 0);
    append_time(out, "last_at", st->last_cut_at_ms > cut_at_ms ? st->last_cut_at_ms : cut_at_ms);
    append_time(out, "next_at", calls->next_try_ms(web->config.ctx));
    append_time(out, "paused_until", calls->paused_until_ms(web->config.ctx));
    fb_buf_append_text(out, "\"reason\":");
    fb_buf_append_json_text(out, reason, strlen(reason));
    if (st->is_first_download) {
        fb_buf_printf(out,
                      ",\"progress\":{\"a\":%lld,\"b\":%lld},\"first\":{\"rows\":%lld,\"of\":%lld}",
                      (long long)st->rows_staged, (long long)st->rows_expected,
                      (long long)st->rows_staged, (long long)st->rows_expected);
    } else {
        fb_buf_append_text(out, ",\"progress\":null,\"first\":null");
    }
    append_lease(calls->lease(web->config.ctx), out);
    fb_buf_printf(out, ",\"held\":%lld,\"conflicts\":%lld,\"found\":%lld,\"rev\":\"%lld\"}\n",
                  (long long)work.held, (long long)work.conflicts, (long long)work.found,
                  (long long)st->cursor);
    return fb_buf_error(out);
}

/* ---- Telling open pages ---- */

static void tell_record(struct fb_replica_web *web, const char *entity, const char *ids,
                        const char *by)
{
    char data[TOLD_IDS_MAX * 40 + 200];
    snprintf(data, sizeof data, "{\"entity\":\"%s\",\"ids\":[%s],\"by\":\"%s\"}", entity, ids, by);
    fb_web_service_tell(web->service, FB_EVENT_RECORD, data);
}

/* Rows of the journal since the last look: this page's, another page's or another program's. */
static int tell_journal(struct fb_replica_web *web)
{
    struct fb_store *s = web->config.store;
    const struct fb_catalogue *c = fb_store_catalogue(s);
    int64_t newest = 0;
    int rc =
        fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_journal WHERE op > 0", &newest);
    if (rc < 0 || c == NULL || newest == web->told_seq) {
        return rc;
    }
    int64_t from =
        newest < web->told_seq ? 0 : web->told_seq; /* it was frozen meanwhile, and began anew */
    web->told_seq = newest;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s, "SELECT DISTINCT entity, row_id FROM fb_journal WHERE seq > ?1 AND op > 0 LIMIT 100",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, from);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e = fb_catalogue_entity_no(c, (uint32_t)fb_sql_int(q, 0));
        char id[48];
        snprintf(id, sizeof id, "\"%.36s\"", fb_sql_text(q, 1));
        if (e != NULL) {
            tell_record(web, e->name, id, web->has_page_write ? "this" : "other");
        }
    }
    web->has_page_write = false;
    return rc;
}

void fb_replica_web_tell(struct fb_replica_web *web)
{
    struct fb_web_counters counters;
    int64_t now_ms = fb_os_monotonic_ms();
    fb_web_service_counters(web->service, &counters);
    if (counters.event_streams == 0 || now_ms - web->looked_at_ms < LOOK_EVERY_MS ||
        fb_store_in_transaction(web->config.store)) {
        return;
    }
    web->looked_at_ms = now_ms;
    const struct fb_replica_status *st = web->config.calls->status(web->config.ctx);
    fb_ignore(tell_journal(web), "the next look tells it");
    int64_t received = st->rows_received + st->removes_received;
    if (st->cursor != web->told_cursor && received != web->told_received) {
        tell_record(web, "*", "", "sync");
    }
    web->told_cursor = st->cursor;
    web->told_received = received;
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 4096);
    if (fb_replica_web_append_sync(web, web->config.store, fb_os_now_ms(), &text) < 0 ||
        text.size == 0) {
        return;
    }
    text.bytes[text.size - 1] = '\0'; /* one line */
    if (strcmp(fb_buf_text(&text), fb_buf_text(&web->told)) != 0) {
        fb_buf_clear(&web->told);
        fb_buf_append_text(&web->told, fb_buf_text(&text));
        fb_web_service_tell(web->service, FB_EVENT_SYNC, fb_buf_text(&text));
    }
}

/* ---- Addresses ---- */

static int get_sync(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    return fb_replica_web_append_sync(web->node_context, web->store, web->now_ms, &res->body);
}

static int accepted(struct fb_response *res)
{
    res->status = 202;
    return FB_OK;
}

static int post_now(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    const struct fb_replica_web *node = web->node_context;
    node->config.calls->sync_now(node->config.ctx);
    return accepted(res);
}

static int post_pause(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const struct fb_replica_web *node = web->node_context;
    int64_t until_ms = INT64_MAX;
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *until = json_string_value(json_object_get(body, "until"));
    bool is_right = until == NULL || fb_instant_parse(until, strlen(until), &until_ms);
    json_decref(body);
    if (!is_right) {
        return fb_response_problem(res, 422, "check",
                                   "until is a time such as 2026-12-01T08:00:00.000Z");
    }
    node->config.calls->pause(node->config.ctx, until_ms);
    return accepted(res);
}

static int post_resume(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    const struct fb_replica_web *node = web->node_context;
    node->config.calls->pause(node->config.ctx, 0);
    return accepted(res);
}

static int append_waiting_row(struct fb_store *s, const struct fb_sql *q, bool is_first,
                              struct fb_buf *out)
{
    const struct fb_entity *e =
        fb_catalogue_entity_no(fb_store_catalogue(s), (uint32_t)fb_sql_int(q, 0));
    const char *id = fb_sql_text(q, 1);
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 1024);
    if (e == NULL || fb_title_append(s, e->name, id, &title) < 0) {
        return FB_OK; /* a row that is gone again has no title, and nothing to look at */
    }
    fb_buf_printf(out, "%s{\"entity\":\"%s\",\"id\":\"%s\",\"title\":", is_first ? "" : ",",
                  e->name, id);
    fb_buf_append_json_text(out, fb_buf_text(&title), title.size);
    fb_buf_append_byte(out, ',');
    append_time(out, "at", fb_sql_int(q, 2));
    fb_buf_printf(out, "\"kind\":\"%s\",\"edits\":%lld}",
                  fb_sql_int(q, 3) == 1 ? "created" : "changed", (long long)fb_sql_int(q, 4));
    return FB_OK;
}

/* By record, the newest first; what is packed already is told as a number. */
static int get_waiting(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    struct fb_store *s = web->store;
    int64_t pushes = 0;
    int64_t changes = 0;
    int rc = fb_outbox_count(s, &pushes, &changes);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = rc < 0 ? rc
                : fb_sql_begin(
                      s,
                      "SELECT entity, row_id, max(at_ms), min(op), count(*) FROM fb_journal"
                      " WHERE op BETWEEN 1 AND 3 GROUP BY entity, row_id ORDER BY 3 DESC LIMIT 200",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_text(&res->body, "{\"rows\":[");
    size_t start = res->body.size;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = append_waiting_row(s, q, res->body.size == start, &res->body);
        if (rc < 0) {
            return rc;
        }
    }
    fb_buf_printf(&res->body, "],\"packed\":%lld,\"pushes\":%lld}\n", (long long)changes,
                  (long long)pushes);
    return rc;
}

static int get_rounds(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    const struct fb_replica_web *node = web->node_context;
    struct fb_buf *out = &res->body;
    fb_buf_append_text(out, "{\"rows\":[");
    for (int64_t n = node->round_count - 1; n >= 0 && n >= node->round_count - FB_ROUNDS_KEPT;
         n--) {
        const struct fb_web_round *r = &node->rounds[n % FB_ROUNDS_KEPT];
        fb_buf_append_text(out, n == node->round_count - 1 ? "{" : ",{");
        append_time(out, "at", r->at_ms);
        fb_buf_printf(out, "\"sent\":%lld,\"received\":%lld,\"removed\":%lld,\"error\":",
                      (long long)r->sent, (long long)r->received, (long long)r->removed);
        fb_buf_append_json_text(out, r->error, strlen(r->error));
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_text(out, "]}\n");
    return FB_OK;
}

/* ---- The login of the laptop's person ---- */

static int append_person(struct fb_store *s, const char *employee_id, struct fb_buf *out)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf name;
    fb_buf_init(&name, 1024);
    int rc =
        fb_sql_begin(s, "SELECT user_name, coalesce(language, '') FROM employee WHERE id = ?1", &q);
    rc = rc < 0 ? rc : fb_title_append(s, "employee", employee_id, &name);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    const char *login = rc == FB_SQL_ROW ? fb_sql_text(q, 0) : "";
    const char *language = rc == FB_SQL_ROW ? fb_sql_text(q, 1) : "";
    fb_buf_append_text(out, ",\"login\":");
    fb_buf_append_json_text(out, login, strlen(login));
    fb_buf_append_text(out, ",\"name\":");
    fb_buf_append_json_text(out, fb_buf_text(&name), name.size);
    fb_buf_append_text(out, ",\"language\":");
    fb_buf_append_json_text(out, language, strlen(language));
    return rc < 0 ? rc : FB_OK;
}

static int get_session(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const struct fb_catalogue *c = fb_store_catalogue(web->store);
    struct fb_buf *out = &res->body;
    const char *id = req->login->employee_id;
    fb_buf_printf(out, "{\"node\":\"replica\",\"user\":{\"id\":\"%s\"", id);
    int rc = FB_OK;
    if (c == NULL) {
        fb_buf_append_text(out, ",\"login\":\"\",\"name\":\"\",\"language\":\"\"");
    } else {
        rc = append_person(web->store, id, out);
    }
    fb_buf_append_text(out, "},\"roles\":[");
    rc = rc < 0 || c == NULL ? rc : fb_rights_append_roles(web->store, id, out);
    fb_buf_append_byte(out, ']');
    rc = rc < 0 ? rc : fb_api_append_rights(web, id, out);
    fb_buf_printf(
        out,
        ",\"is_admin\":%s,\"catalogue_version\":\"%lld\",\"version\":\"%s\",\"csrf\":\"%s\","
        "\"must_change_password\":false}\n",
        req->login->is_admin ? "true" : "false", (long long)(c == NULL ? 0 : c->version),
        FB_VERSION, req->login->csrf);
    return rc;
}

static void set_cookie(struct fb_response *res, const struct fb_replica_web *node, bool is_in)
{
    char text[200];
    snprintf(text, sizeof text, "%s%s; Path=/; HttpOnly; SameSite=Strict%s", node->cookie_name,
             is_in ? node->cookie : "", is_in ? "" : "; Max-Age=0");
    fb_response_header(res, "Set-Cookie", text);
}

static int delete_session(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    set_cookie(res, web->node_context, false);
    return FB_OK;
}

/* The code that headquarters read over the telephone. */
static int post_unlock(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_replica_web *node = web->node_context;
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(body, "code"));
    int rc = node->config.calls->unlock(node->config.ctx, code == NULL ? "" : code, &web->why);
    json_decref(body);
    if (rc == FB_ERR_REFUSED) {
        return fb_response_problem_with(res, 422, "check", web->why.text,
                                        "\"fields\":{\"code\":{\"code\":\"check\"}}");
    }
    return rc < 0 ? rc
                  : fb_replica_web_append_sync(node, node->config.store, web->now_ms, &res->body);
}

/* The browser that `fieldbook-replica open` started. */
static int get_open(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_replica_web *node = web->node_context;
    const char *pass = fb_request_query(req, "token");
    /* With a link that was used or is too old the pages say what to do, and open where they were opened before. */
    if (pass != NULL && fb_replica_web_may_open(node, pass, web->now_ms)) {
        set_cookie(res, node, true);
    }
    res->status = 303;
    fb_response_header(res, "Location", "/");
    return FB_OK;
}

static int get_health(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)web;
    (void)req;
    res->content_type = "text/plain";
    fb_buf_append_text(&res->body, "ok\n");
    return FB_OK;
}

const struct fb_route fb_replica_web_routes[] = {
    {"GET", "/open", get_open, FB_ROUTE_OPEN | FB_ROUTE_LOOP | FB_ROUTE_LOCKED, 0},
    {"GET", "/healthz", get_health, FB_ROUTE_OPEN | FB_ROUTE_LOOP | FB_ROUTE_LOCKED, 0},
    {"GET", "/readyz", get_health, FB_ROUTE_OPEN | FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/session", get_session, 0, 0},
    {"DELETE", "/api/v1/session", delete_session, FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/events", fb_events_handler, 0, 0},
    {"GET", "/api/v1/sync", get_sync, FB_ROUTE_LOOP | FB_ROUTE_LOCKED, 0},
    {"POST", "/api/v1/sync/now", post_now, FB_ROUTE_LOOP | FB_ROUTE_LOCKED, 0},
    {"POST", "/api/v1/unlock", post_unlock, FB_ROUTE_LOOP | FB_ROUTE_LOCKED, 4096},
    {"POST", "/api/v1/sync/pause", post_pause, FB_ROUTE_LOOP, 0},
    {"POST", "/api/v1/sync/resume", post_resume, FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/sync/waiting", get_waiting, 0, 0},
    {"GET", "/api/v1/sync/rounds", get_rounds, FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/sync/changes", fb_replica_web_get_changes, 0, 0},
    {NULL, NULL, NULL, 0, 0},
};
