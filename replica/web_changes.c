/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/sync/changes: what others changed on this laptop, by record, the newest first: with `since` from that
 * moment on, else what the last cut brought that changed something.
 */
#include <jansson.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "common/sync/seen_changes.h"
#include "replica/web_inside.h"

#define CHANGES_SHOWN_MAX 500
#define TITLE_BYTES_MAX   1024

struct showing {
    struct fb_store *store;
    struct fb_buf *out;
    int shown;
};

static void append_title(struct fb_store *s, const char *entity, const char *id, struct fb_buf *out)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, TITLE_BYTES_MAX);
    if (fb_title_append(s, entity, id, &title) < 0) {
        fb_buf_append_text(out, "\"\"");
        return;
    }
    fb_buf_append_json_text(out, fb_buf_text(&title), title.size);
}

static void append_who(struct fb_store *s, const struct fb_row *row, struct fb_buf *out)
{
    char id[FB_ROW_ID_SIZE];
    if (!fb_value_to_id(&row->stamps[3], id)) {
        fb_buf_append_text(out, "null");
        return;
    }
    append_title(s, "employee", id, out);
}

/* The names of the fields that have another value now. */
static void append_fields(const struct fb_seen_change *c, struct fb_buf *out)
{
    json_t *old = c->old == NULL ? NULL : json_loads(c->old, JSON_ALLOW_NUL, NULL);
    const char *name;
    json_t *value;
    const char *comma = "";
    json_object_foreach(old, name, value)
    {
        if (fb_entity_field(c->entity, name) != NULL) {
            fb_buf_printf(out, "%s\"%s\"", comma, name);
            comma = ",";
        }
    }
    json_decref(old);
}

static int show_change(void *ctx, const struct fb_seen_change *c)
{
    struct showing *w = ctx;
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_row row;
    bool is_here = false;
    char id[FB_ROW_ID_SIZE];
    char at[FB_INSTANT_SIZE];
    snprintf(id, sizeof id, "%s", c->row_id);
    int rc = w->shown >= CHANGES_SHOWN_MAX
                 ? FB_OK
                 : fb_row_read(w->store, c->entity, id, &arena, &row, &is_here);
    if (rc < 0 || !is_here) {
        return rc; /* it left since */
    }
    fb_instant_format(c->at_ms, at);
    fb_buf_printf(w->out,
                  "%s{\"entity\":\"%s\",\"id\":\"%s\",\"title\":", w->shown++ > 0 ? "," : "",
                  c->entity->name, id);
    append_title(w->store, c->entity->name, id, w->out);
    fb_buf_printf(
        w->out, ",\"kind\":\"%s\",\"at\":\"%s\",\"who\":", c->old == NULL ? "new" : "changed", at);
    append_who(w->store, &row, w->out);
    fb_buf_append_text(w->out, ",\"fields\":[");
    append_fields(c, w->out);
    fb_buf_append_text(w->out, "]}");
    return FB_OK;
}

int fb_replica_web_get_changes(struct fb_web *web, const struct fb_request *req,
                               struct fb_response *res)
{
    const char *since = fb_request_query(req, "since");
    int64_t since_ms = 0;
    int rc = FB_OK;
    if (since != NULL && !fb_instant_parse(since, strlen(since), &since_ms)) {
        return fb_response_problem(res, 422, "check",
                                   "since is a time such as 2026-12-01T08:00:00.000Z");
    }
    if (since == NULL) {
        rc = fb_sql_read_int(web->store, "SELECT coalesce(max(at_ms), 0) FROM fb_seen_change",
                             &since_ms);
    }
    struct showing w = {.store = web->store, .out = &res->body};
    fb_buf_append_text(&res->body, "{\"rows\":[");
    rc = rc < 0 || fb_store_catalogue(web->store) == NULL
             ? rc
             : fb_changes_list(web->store, since_ms, show_change, &w);
    fb_buf_append_text(&res->body, "],\"next\":null}\n");
    return rc;
}
