/* SPDX-License-Identifier: MIT
 *
 * The audit trail: the log, as a person reads it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/crm/title.h"
#include "common/store/history_pack.h"
#include "common/store/sql.h"
#include "server/api_inside.h"

#define PAGE_ROWS 50

/* What is asked for, and what is told of it so far. */
struct audit {
    struct fb_web *web;
    struct fb_buf *out;
    const char *who;                /* "": everybody */
    const char *id;                 /* "": all records */
    const struct fb_entity *entity; /* NULL: all */
    int64_t from_ms, to_ms;
    int64_t last_seq;
    int count;
};

struct audit_entry {
    int64_t seq;
    int64_t op;
    uint32_t entity_no;
    char id[FB_ROW_ID_SIZE];
    int64_t made_at_ms; /* 0: when it arrived */
    int64_t arrived_at_ms;
    const char *employee_id; /* "": a tool */
    const char *device_id;   /* "": headquarters */
    const char *changes;     /* of an update; NULL */
    size_t changes_size;
};

static const char AUDIT[] =
    "SELECT l.seq, l.op, l.entity, l.row_id, l.at_ms, r.at_ms, coalesce(r.employee_id, ''),"
    " coalesce(r.device_id, ''), CASE WHEN l.op = 2 THEN l.changes END FROM fb_log AS l JOIN fb_rev"
    " AS r ON r.rev = (SELECT rev FROM fb_rev WHERE first_seq <= l.seq ORDER BY first_seq DESC"
    " LIMIT 1) WHERE l.op BETWEEN 1 AND 5 AND l.seq < ?1 AND (?2 = '' OR r.employee_id = ?2)"
    " AND (?3 = 0 OR l.entity = ?3) AND (?4 = '' OR lower(hex(l.row_id)) = replace(?4, '-', ''))"
    " AND r.at_ms >= ?5 AND r.at_ms < ?6 AND l.seq > coalesce((SELECT max(last_seq) FROM"
    " fb_log_segment), 0) ORDER BY l.seq DESC LIMIT ?7";

/* {"field": [old, new]} to [{"field", "old", "new"}]; an auditor sees what was stored. */
static void append_changes(struct fb_buf *out, const struct audit_entry *entry)
{
    FB_AUTO(fb_server_drop_json)
    json_t *json = entry->changes == NULL
                       ? json_object()
                       : json_loadb(entry->changes, entry->changes_size, 0, NULL);
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

/* What is in the bin is called as it was. */
static int append_title(struct fb_store *s, const struct fb_entity *e,
                        const char id[static FB_ROW_ID_SIZE], struct fb_buf *title)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_row row;
    fb_arena_init(&arena, 0);
    int rc = fb_sql_begin(s, "SELECT image FROM fb_bin WHERE entity = ?1 AND row_id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, e->no);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : fb_title_append(s, e->name, id, title);
    }
    const char *image = fb_sql_text(q, 0);
    rc = fb_row_from_json(e, id, image, strlen(image), &arena, &row);
    return rc < 0 ? rc : fb_title_append_row(&row, title);
}

static int append_audit(struct audit *a, const struct audit_entry *entry)
{
    static const char *const OPS[] = {"named", "made", "changed", "deleted", "restored", "refused"};
    struct fb_web *web = a->web;
    struct fb_buf *out = a->out;
    const struct fb_entity *e =
        fb_catalogue_entity_no(fb_store_catalogue(web->store), entry->entity_no);
    bool is_by_laptop = entry->device_id[0] != '\0';
    bool is_by_person = entry->employee_id[0] != '\0';
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 65536);
    fb_buf_append_text(out, a->count++ > 0 ? "," : "");
    a->last_seq = entry->seq;
    int rc = e == NULL ? FB_OK : append_title(web->store, e, entry->id, &title);
    int64_t made_ms = entry->made_at_ms == 0 ? entry->arrived_at_ms : entry->made_at_ms;
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "kind", OPS[entry->op]);
    fb_server_append_text(out, "entity", e == NULL ? NULL : e->name);
    fb_server_append_text(out, "id", entry->id);
    fb_server_append_text(out, "title", fb_buf_text(&title));
    fb_server_append_instant(out, "made_at", made_ms);
    fb_server_append_instant(out, "arrived_at", entry->arrived_at_ms);
    rc = rc < 0 ? rc
                : fb_server_append_person(web->store, out, "who",
                                          is_by_person ? entry->employee_id : NULL);
    fb_buf_clear(&title);
    rc = rc < 0 || !is_by_laptop ? rc
                                 : fb_title_append(web->store, "device", entry->device_id, &title);
    fb_server_append_text(out, "device", is_by_laptop ? fb_buf_text(&title) : NULL);
    fb_server_append_text(out, "source", is_by_laptop ? "laptop" : is_by_person ? "page" : "tool");
    append_changes(out, entry);
    fb_buf_append_byte(out, '}');
    return rc;
}

static int append_live(struct audit *a, int64_t before)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->web->store, AUDIT, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, before);
    fb_sql_bind_text(q, 2, a->who);
    fb_sql_bind_int(q, 3, a->entity == NULL ? 0 : a->entity->no);
    fb_sql_bind_text(q, 4, a->id);
    fb_sql_bind_int(q, 5, a->from_ms);
    fb_sql_bind_int(q, 6, a->to_ms);
    fb_sql_bind_int(q, 7, PAGE_ROWS);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value changes = fb_sql_value(q, 8);
        struct audit_entry entry = {.seq = fb_sql_int(q, 0),
                                    .op = fb_sql_int(q, 1),
                                    .entity_no = (uint32_t)fb_sql_int(q, 2),
                                    .made_at_ms = fb_sql_int(q, 4),
                                    .arrived_at_ms = fb_sql_int(q, 5),
                                    .employee_id = fb_sql_text(q, 6),
                                    .device_id = fb_sql_text(q, 7),
                                    .changes = changes.type == FB_TEXT ? changes.bytes : NULL,
                                    .changes_size = changes.size};
        fb_id_from_bytes((const uint8_t *)fb_sql_value(q, 3).bytes, entry.id);
        rc = append_audit(a, &entry);
    }
    return rc < 0 ? rc : FB_OK;
}

/* What lies behind the horizon is read segment by segment, whatever is asked for. */
static int append_packed(void *ctx, const struct fb_packed_entry *packed)
{
    struct audit *a = ctx;
    struct fb_seq_rev rev;
    bool is_asked = packed->op >= FB_LOG_OP_INSERT && packed->op <= FB_LOG_OP_REFUSED &&
                    (a->entity == NULL || packed->entity_no == a->entity->no) &&
                    (a->id[0] == '\0' || strcmp(packed->row_id, a->id) == 0);
    int rc = is_asked ? fb_history_rev_of(a->web->store, packed->seq, &rev) : FB_OK;
    if (rc < 0 || !is_asked || rev.at_ms < a->from_ms || rev.at_ms >= a->to_ms ||
        (a->who[0] != '\0' && strcmp(a->who, rev.employee_id) != 0)) {
        return rc;
    }
    bool is_update = packed->op == FB_LOG_OP_UPDATE;
    struct audit_entry entry = {.seq = packed->seq,
                                .op = (int64_t)packed->op,
                                .entity_no = packed->entity_no,
                                .made_at_ms = packed->edited_at_ms,
                                .arrived_at_ms = rev.at_ms,
                                .employee_id = rev.employee_id,
                                .device_id = rev.device_id,
                                .changes = is_update ? packed->changes : NULL,
                                .changes_size = packed->changes_size};
    memcpy(entry.id, packed->row_id, sizeof entry.id);
    rc = append_audit(a, &entry);
    return rc < 0 ? rc : a->count == PAGE_ROWS ? 1 : FB_OK;
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

static const char *query_text(const struct fb_request *req, const char *name)
{
    const char *text = fb_request_query(req, name);
    return text == NULL ? "" : text;
}

int fb_server_get_audit(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const char *cursor = query_text(req, "cursor");
    const char *entity = fb_request_query(req, "entity");
    struct audit a = {.web = web,
                      .out = &res->body,
                      .who = query_text(req, "who"),
                      .id = query_text(req, "id"),
                      .entity = entity == NULL
                                    ? NULL
                                    : fb_catalogue_entity(fb_store_catalogue(web->store), entity),
                      .from_ms = day_of(fb_request_query(req, "from"), 0),
                      .to_ms = day_of(fb_request_query(req, "to"), INT64_MAX)};
    int64_t before = cursor[0] == '\0' ? INT64_MAX : strtoll(cursor, NULL, 10);
    fb_buf_append_text(&res->body, "{\"rows\":[");
    int rc = append_live(&a, before);
    if (rc == FB_OK && a.count < PAGE_ROWS) {
        rc = fb_history_each_packed(web->store, before, append_packed, &a);
    }
    if (rc < 0) {
        return rc;
    }
    if (a.count == PAGE_ROWS) {
        fb_buf_printf(&res->body, "],\"next\":\"%lld\"}", (long long)a.last_seq);
    } else {
        fb_buf_append_text(&res->body, "],\"next\":null}");
    }
    return FB_OK;
}
