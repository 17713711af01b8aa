/* SPDX-License-Identifier: MIT
 *
 * /metrics (Prometheus' text form), /healthz, /readyz, and GET /api/v1/sync at headquarters. Asked in the loop's thread:
 * the numbers are the hub's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/store/sql.h"
#include "server/web.h"

static int64_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

struct open_work {
    int64_t conflicts;
    int64_t held;
    int64_t rev;
    int64_t devices;
};

static int read_open_work(struct fb_store *s, struct open_work *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT (SELECT count(*) FROM conflict WHERE outcome = 'waiting'),"
                          " (SELECT count(*) FROM held_change WHERE state = 'waiting'),"
                          " (SELECT coalesce(max(rev), 0) FROM fb_rev),"
                          " (SELECT count(*) FROM device WHERE state = 'active')",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = (struct open_work){.conflicts = fb_sql_int(q, 0),
                                  .held = fb_sql_int(q, 1),
                                  .rev = fb_sql_int(q, 2),
                                  .devices = fb_sql_int(q, 3)};
    }
    return rc < 0 ? rc : FB_OK;
}

/* This computer's own scrapers, and admins: the numbers tell how a company works. */
static bool may_see_metrics(const struct fb_request *req)
{
    return req->login->is_admin || strcmp(req->address, "127.0.0.1") == 0 ||
           strcmp(req->address, "[::1]") == 0;
}

static void append_hub(struct fb_buf *out, const struct fb_hub_counters *n)
{
    const struct {
        const char *name;
        int64_t value;
    } counters[] = {
        {"fieldbook_pushes_total", n->pushes},
        {"fieldbook_pushes_repeated_total", n->pushes_repeated},
        {"fieldbook_push_rows_total", n->changes},
        {"fieldbook_conflicts_settled_total", n->conflicts_settled},
        {"fieldbook_held_total", n->held},
        {"fieldbook_cuts_total", n->cuts},
        {"fieldbook_cut_rows_total", n->cut_rows},
        {"fieldbook_revs_total", n->revs},
        {"fieldbook_sealed_rows_total", n->sealed_rows},
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        fb_buf_printf(out, "# TYPE %s counter\n%s %lld\n", counters[i].name, counters[i].name,
                      (long long)counters[i].value);
    }
}

static int get_metrics(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    struct fb_server_web *node = web->node_context;
    if (!may_see_metrics(req)) {
        return fb_response_problem(res, 403, "right_missing", "only administrators may see this");
    }
    struct open_work work = {0};
    int rc = read_open_work(web->store, &work);
    if (rc < 0) {
        return rc;
    }
    char path[4200];
    struct fb_buf *out = &res->body;
    res->content_type = "text/plain; version=0.0.4; charset=utf-8";
    fb_buf_printf(out,
                  "# TYPE fieldbook_build_info gauge\nfieldbook_build_info{version=\"%s\"} 1\n",
                  FB_VERSION);
    append_hub(out, fb_hub_counters(node->daemon->hub));
    snprintf(path, sizeof path, "%s-wal", node->database);
    fb_buf_printf(
        out,
        "# TYPE fieldbook_conflicts_open gauge\nfieldbook_conflicts_open %lld\n"
        "# TYPE fieldbook_held_open gauge\nfieldbook_held_open %lld\n"
        "# TYPE fieldbook_rev gauge\nfieldbook_rev %lld\n"
        "# TYPE fieldbook_devices_active gauge\nfieldbook_devices_active %lld\n"
        "# TYPE fieldbook_db_bytes gauge\nfieldbook_db_bytes{file=\"fieldbook.db\"} %lld\n"
        "# TYPE fieldbook_wal_bytes gauge\nfieldbook_wal_bytes %lld\n"
        "# TYPE fieldbook_db_damaged gauge\nfieldbook_db_damaged %d\n",
        (long long)work.conflicts, (long long)work.held, (long long)work.rev,
        (long long)work.devices, (long long)file_bytes(node->database), (long long)file_bytes(path),
        fb_web_service_damage(node->service) != NULL);
    fb_web_service_metrics(node->service, out);
    return FB_OK;
}

/* The process lives. */
static int get_healthz(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)web;
    (void)req;
    res->content_type = "text/plain";
    fb_buf_append_text(&res->body, "ok\n");
    return FB_OK;
}

/* It can work: the database takes writes. */
static int get_readyz(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const struct fb_server_web *node = web->node_context;
    if (node->daemon->settle_again_ms != 0) {
        return fb_response_problem(res, 503, "busy", "the database takes no writes: see the log");
    }
    return get_healthz(web, req, res);
}

static int get_sync(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)req;
    struct open_work work = {0};
    int rc = read_open_work(web->store, &work);
    fb_buf_printf(&res->body,
                  "{\"state\":\"headquarters\",\"waiting\":0,\"since\":null,\"last_at\":null,"
                  "\"next_at\":null,"
                  "\"reason\":\"\",\"progress\":null,\"first\":null,\"lease\":null,\"held\":%lld,"
                  "\"conflicts\":%lld,\"found\":0,\"paused_until\":null}\n",
                  (long long)work.held, (long long)work.conflicts);
    return rc;
}

const struct fb_route fb_server_health_routes[] = {
    {"GET", "/metrics", get_metrics, FB_ROUTE_OPEN | FB_ROUTE_LOOP, 0},
    {"GET", "/healthz", get_healthz, FB_ROUTE_OPEN | FB_ROUTE_LOOP, 0},
    {"GET", "/readyz", get_readyz, FB_ROUTE_OPEN | FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/sync", get_sync, 0, 0},
    {NULL, NULL, NULL, 0, 0},
};
