/* SPDX-License-Identifier: MIT
 *
 * The audit trail: the log, as a person reads it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "server/api_inside.h"

static const char AUDIT[] =
    "SELECT l.seq, l.op, l.entity, lower(hex(l.row_id)), l.at_ms, r.at_ms, r.employee_id,"
    " r.device_id, CASE WHEN l.op = 2 THEN l.changes END FROM fb_log AS l JOIN fb_rev AS r ON r.rev"
    " = (SELECT rev FROM fb_rev WHERE first_seq <= l.seq ORDER BY first_seq DESC LIMIT 1)"
    " WHERE l.op BETWEEN 1 AND 5 AND l.seq < ?1 AND (?2 = '' OR r.employee_id = ?2)"
    " AND (?3 = 0 OR l.entity = ?3) AND (?4 = '' OR lower(hex(l.row_id)) = replace(?4, '-', ''))"
    " AND r.at_ms >= ?5 AND r.at_ms < ?6 ORDER BY l.seq DESC LIMIT 50";

static void id_of_hex(const char *hex, char ret[static FB_ROW_ID_SIZE])
{
    snprintf(ret, FB_ROW_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

/* {"field": [old, new]} to [{"field", "old", "new"}]; an auditor sees what was stored. */
static void append_changes(struct fb_buf *out, const char *changes)
{
    FB_AUTO(fb_server_drop_json)
    json_t *json = json_loads(changes == NULL ? "{}" : changes, 0, NULL);
    const char *name;
    json_t *pair;
    int count = 0;
    fb_buf_append_text(out, ",\"fields\":[");
    json_object_foreach(json, name, pair)
    {
        char *old = json_dumps(json_array_get(pair, 0), JSON_ENCODE_ANY | JSON_COMPACT);
        char *now = json_dumps(json_array_get(pair, 1), JSON_ENCODE_ANY | JSON_COMPACT);
        fb_buf_append_text(out, count++ > 0 ? ",{" : "{");
        fb_server_append_text(out, "field", name);
        fb_buf_printf(out, ",\"old\":%s,\"new\":%s}", old == NULL ? "null" : old,
                      now == NULL ? "null" : now);
        free(old);
        free(now);
    }
    fb_buf_append_byte(out, ']');
}

static int append_audit(struct fb_web *web, const struct fb_sql *q, struct fb_buf *out)
{
    static const char *const OPS[] = {"named", "made", "changed", "deleted", "restored", "refused"};
    const struct fb_entity *e =
        fb_catalogue_entity_no(fb_store_catalogue(web->store), (uint32_t)fb_sql_int(q, 2));
    FB_AUTO(fb_buf_release) struct fb_buf title;
    char id[FB_ROW_ID_SIZE];
    fb_buf_init(&title, 65536);
    id_of_hex(fb_sql_text(q, 3), id);
    int rc = e == NULL ? FB_OK : fb_title_append(web->store, e->name, id, &title);
    int64_t made = fb_sql_int(q, 4);
    const char *device = fb_sql_text(q, 7);
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "kind", OPS[fb_sql_int(q, 1)]);
    fb_server_append_text(out, "entity", e == NULL ? NULL : e->name);
    fb_server_append_text(out, "id", id);
    fb_server_append_text(out, "title", fb_buf_text(&title));
    fb_server_append_instant(out, "made_at", made == 0 ? fb_sql_int(q, 5) : made);
    fb_server_append_instant(out, "arrived_at", fb_sql_int(q, 5));
    rc = rc < 0 ? rc : fb_server_append_person(web->store, out, "who", fb_sql_text(q, 6));
    fb_buf_clear(&title);
    rc = rc < 0 || device == NULL ? rc : fb_title_append(web->store, "device", device, &title);
    fb_server_append_text(out, "device", device == NULL ? NULL : fb_buf_text(&title));
    fb_server_append_text(out, "source",
                          device != NULL              ? "laptop"
                          : fb_sql_text(q, 6) != NULL ? "page"
                                                      : "tool");
    append_changes(out, fb_sql_text(q, 8));
    fb_buf_append_byte(out, '}');
    return rc;
}

static int64_t day_of(const char *text, int64_t missing)
{
    char instant[FB_INSTANT_SIZE + 16];
    int64_t ms = missing;
    if (text != NULL && fb_date_is_valid(text, strlen(text))) {
        snprintf(instant, sizeof instant, "%sT00:00:00.000Z", text);
        fb_instant_parse(instant, strlen(instant), &ms);
    } else if (text != NULL) {
        fb_instant_parse(text, strlen(text), &ms);
    }
    return ms;
}

int fb_server_get_audit(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    const char *cursor = fb_request_query(req, "cursor");
    const char *who = fb_request_query(req, "who");
    const char *id = fb_request_query(req, "id");
    const char *entity = fb_request_query(req, "entity");
    const struct fb_entity *e =
        entity == NULL ? NULL : fb_catalogue_entity(fb_store_catalogue(web->store), entity);
    int64_t last = 0;
    int count = 0;
    int rc = fb_sql_begin(web->store, AUDIT, &q);
    if (rc < 0) {
        return rc;
    }
    int64_t before = cursor == NULL || cursor[0] == '\0' ? INT64_MAX : strtoll(cursor, NULL, 10);
    fb_sql_bind_int(q, 1, before);
    fb_sql_bind_text(q, 2, who == NULL ? "" : who);
    fb_sql_bind_int(q, 3, e == NULL ? 0 : e->no);
    fb_sql_bind_text(q, 4, id == NULL ? "" : id);
    fb_sql_bind_int(q, 5, day_of(fb_request_query(req, "from"), 0));
    fb_sql_bind_int(q, 6, day_of(fb_request_query(req, "to"), INT64_MAX));
    fb_buf_append_text(&res->body, "{\"rows\":[");
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_buf_append_text(&res->body, count++ > 0 ? "," : "");
        last = fb_sql_int(q, 0);
        rc = append_audit(web, q, &res->body);
        if (rc < 0) {
            return rc;
        }
    }
    if (count == 50) {
        fb_buf_printf(&res->body, "],\"next\":\"%lld\"}", (long long)last);
    } else {
        fb_buf_append_text(&res->body, "],\"next\":null}");
    }
    return rc;
}
