/* SPDX-License-Identifier: MIT
 *
 * Users and devices for admins (docs/api.md). Roles, permissions and territories are ordinary records.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/time.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "server/api.h"
#include "server/devices.h"
#include "server/people.h"

static void drop_json(json_t **json)
{
    json_decref(*json);
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

static void append_text(struct fb_buf *out, const char *name, const char *text)
{
    fb_buf_printf(out, "%s\"%s\":", out->bytes[out->size - 1] == '{' ? "" : ",", name);
    if (text == NULL) {
        fb_buf_append_text(out, "null");
    } else {
        fb_buf_append_json_text(out, text, strlen(text));
    }
}

static int append_person(struct fb_store *s, struct fb_buf *out, const char *name, const char *id)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 4096);
    int rc = id == NULL ? FB_OK : fb_title_append(s, "employee", id, &title);
    append_text(out, name, id == NULL ? NULL : fb_buf_text(&title));
    return rc;
}

/* What was written is a rev of the admin's. */
static int begin_write(struct fb_web *web)
{
    return web->seal == NULL ? FB_OK : web->seal->before(web->seal->ctx, web->now_ms);
}

static int end_write(struct fb_web *web, const struct fb_request *req)
{
    return web->seal == NULL
               ? FB_OK
               : web->seal->after(web->seal->ctx, req->login->employee_id, web->now_ms);
}

/* ---- Users ---- */

static const char USERS[] =
    "SELECT u.employee_id, u.login, e.status, e.language,"
    " (SELECT group_concat(r.name, char(10)) FROM employee_role AS er JOIN role AS r ON r.id ="
    " er.role_id WHERE er.employee_id = u.employee_id),"
    " EXISTS (SELECT 1 FROM employee_role AS er JOIN role_permission AS p ON p.role_id = er.role_id"
    " WHERE er.employee_id = u.employee_id AND p.entity IN ('*', 'role') AND p.action = 'edit' AND"
    " p.level = 'all')"
    " FROM fb_user AS u LEFT JOIN employee AS e ON e.id = u.employee_id"
    " WHERE ?1 = '' OR u.employee_id = ?1 ORDER BY u.login LIMIT 1000";

static void append_lines(struct fb_buf *out, const char *name, const char *lines)
{
    fb_buf_printf(out, ",\"%s\":[", name);
    for (const char *at = lines; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, "\n");
        fb_buf_append_text(out, at == lines ? "" : ",");
        fb_buf_append_json_text(out, at, size);
        at += size + (at[size] == '\n');
    }
    fb_buf_append_byte(out, ']');
}

static int append_user(struct fb_web *web, const struct fb_sql *q, struct fb_buf *out)
{
    const char *status = fb_sql_text(q, 2);
    fb_buf_append_byte(out, '{');
    append_text(out, "id", fb_sql_text(q, 0));
    append_text(out, "login", fb_sql_text(q, 1));
    int rc = append_person(web->store, out, "name", fb_sql_text(q, 0));
    bool is_active = status == NULL || strcmp(status, "left") != 0;
    fb_buf_printf(out, ",\"is_active\":%s,\"is_admin\":%s", is_active ? "true" : "false",
                  fb_sql_int(q, 5) != 0 ? "true" : "false");
    append_text(out, "language", fb_sql_text(q, 3));
    append_lines(out, "roles", fb_sql_text(q, 4));
    fb_buf_append_byte(out, '}');
    return rc;
}

static int get_users(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int count = 0;
    (void)req;
    int rc = fb_sql_begin(web->store, USERS, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, "");
    fb_buf_append_text(&res->body, "{\"rows\":[");
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_buf_append_text(&res->body, count++ > 0 ? "," : "");
        rc = append_user(web, q, &res->body);
        if (rc < 0) {
            return rc;
        }
    }
    fb_buf_append_text(&res->body, "],\"next\":null}");
    return rc;
}

/* The password is shown once: {"login", "password"}. */
static void append_password(struct fb_response *res, const char *login, const char *password,
                            int status)
{
    fb_buf_append_byte(&res->body, '{');
    append_text(&res->body, "login", login);
    append_text(&res->body, "password", password);
    fb_buf_append_byte(&res->body, '}');
    res->status = status;
}

static int post_user(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(drop_json) json_t *body = read_body(req);
    char password[FB_PASSWORD_TEXT_SIZE];
    const char *territories[FB_HTTP_QUERY_MAX];
    const json_t *codes = json_object_get(body, "territories");
    struct fb_person person = {.login = json_string_value(json_object_get(body, "login")),
                               .name = json_string_value(json_object_get(body, "name")),
                               .role = json_string_value(json_object_get(body, "role")),
                               .territories = territories};
    if (person.role == NULL) {
        person.role = json_string_value(json_array_get(json_object_get(body, "roles"), 0));
    }
    for (size_t i = 0; i < json_array_size(codes) && i < FB_HTTP_QUERY_MAX; i++) {
        territories[person.territory_count] = json_string_value(json_array_get(codes, i));
        person.territory_count += territories[person.territory_count] != NULL;
    }
    if (person.login == NULL || person.name == NULL || person.role == NULL ||
        person.login[0] == '\0' || person.name[0] == '\0') {
        return fb_response_problem(res, 400, "bad_request", "a user has login, name and role");
    }
    int rc = begin_write(web);
    rc = rc < 0 ? rc
                : fb_person_add(web->store, &person, web->random, web->now_ms, password, &web->why);
    rc = rc < 0 ? rc : end_write(web, req);
    if (rc == FB_OK) {
        append_password(res, person.login, password, 201);
    }
    return rc;
}

static int find_login_of(struct fb_web *web, const char *employee_id, char *ret, size_t ret_size)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(web->store, "SELECT login FROM fb_user WHERE employee_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret, ret_size, "%s", fb_sql_text(q, 0));
    return FB_OK;
}

static int post_password(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    char login[256];
    char password[FB_PASSWORD_TEXT_SIZE];
    int rc = find_login_of(web, fb_request_segment(req, 3), login, sizeof login);
    rc = rc < 0 ? rc : fb_person_new_password(web->store, login, web->random, password, &web->why);
    if (rc == FB_OK) {
        append_password(res, login, password, 200);
    }
    return rc;
}

/* ---- Devices ---- */

static const char DEVICES[] =
    "SELECT d.id, d.name, d.employee_id, d.state, d.last_seen_at, d.behind_by, d.app_version,"
    " d.enrolled_at FROM device AS d ORDER BY d.name LIMIT 1000";

static int get_devices(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_buf *out = &res->body;
    int count = 0;
    (void)req;
    int rc = fb_sql_begin(web->store, DEVICES, &q);
    fb_buf_append_text(out, "{\"rows\":[");
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value behind = fb_sql_value(q, 5);
        fb_buf_append_text(out, count++ > 0 ? ",{" : "{");
        append_text(out, "id", fb_sql_text(q, 0));
        append_text(out, "name", fb_sql_text(q, 1));
        rc = append_person(web->store, out, "person", fb_sql_text(q, 2));
        append_text(out, "state", fb_sql_text(q, 3));
        append_text(out, "last_seen", fb_sql_text(q, 4));
        append_text(out, "version", fb_sql_text(q, 6));
        append_text(out, "enrolled_at", fb_sql_text(q, 7));
        if (behind.type == FB_INT) {
            fb_buf_printf(out, ",\"behind\":%lld}", (long long)behind.integer);
        } else {
            fb_buf_append_text(out, ",\"behind\":null}");
        }
    }
    fb_buf_append_text(out, "],\"next\":null}");
    return rc;
}

static int post_device(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    static const char *const STATES[][2] = {
        {"suspend", "suspended"}, {"resume", "active"}, {"revoke", "revoked"}};
    const char *id = fb_request_segment(req, 3);
    const char *verb = fb_request_segment(req, 4);
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (strcmp(verb, STATES[i][0]) != 0) {
            continue;
        }
        int rc = begin_write(web);
        rc = rc < 0 ? rc : fb_device_set_state(web->store, id, STATES[i][1], &web->why);
        rc = rc < 0 ? rc : end_write(web, req);
        res->status = rc < 0 ? res->status : 204;
        return rc;
    }
    return fb_response_problem(res, 404, "not_found", NULL);
}

/* ---- Audit ---- */

static const char AUDIT[] =
    "SELECT l.seq, l.op, l.entity, lower(hex(l.row_id)), l.at_ms, r.at_ms, r.employee_id,"
    " r.device_id, CASE WHEN l.op = 2 THEN l.changes END FROM fb_log AS l JOIN fb_rev AS r ON r.rev"
    " = (SELECT rev FROM fb_rev WHERE first_seq <= l.seq ORDER BY first_seq DESC LIMIT 1)"
    " WHERE l.op BETWEEN 1 AND 5 AND l.seq < ?1 AND (?2 = '' OR r.employee_id = ?2)"
    " AND (?3 = 0 OR l.entity = ?3) AND (?4 = '' OR lower(hex(l.row_id)) = replace(?4, '-', ''))"
    " AND r.at_ms >= ?5 AND r.at_ms < ?6 ORDER BY l.seq DESC LIMIT 50";

static void append_instant(struct fb_buf *out, const char *name, int64_t ms)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(ms, text);
    append_text(out, name, text);
}

static void id_of_hex(const char *hex, char ret[static FB_ROW_ID_SIZE])
{
    snprintf(ret, FB_ROW_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

/* {"field": [old, new]} to [{"field", "old", "new"}]; an auditor sees what was stored. */
static void append_changes(struct fb_buf *out, const char *changes)
{
    FB_AUTO(drop_json) json_t *json = json_loads(changes == NULL ? "{}" : changes, 0, NULL);
    const char *name;
    json_t *pair;
    int count = 0;
    fb_buf_append_text(out, ",\"fields\":[");
    json_object_foreach(json, name, pair)
    {
        char *old = json_dumps(json_array_get(pair, 0), JSON_ENCODE_ANY | JSON_COMPACT);
        char *now = json_dumps(json_array_get(pair, 1), JSON_ENCODE_ANY | JSON_COMPACT);
        fb_buf_append_text(out, count++ > 0 ? ",{" : "{");
        append_text(out, "field", name);
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
    append_text(out, "kind", OPS[fb_sql_int(q, 1)]);
    append_text(out, "entity", e == NULL ? NULL : e->name);
    append_text(out, "id", id);
    append_text(out, "title", fb_buf_text(&title));
    append_instant(out, "made_at", made == 0 ? fb_sql_int(q, 5) : made);
    append_instant(out, "arrived_at", fb_sql_int(q, 5));
    rc = rc < 0 ? rc : append_person(web->store, out, "who", fb_sql_text(q, 6));
    fb_buf_clear(&title);
    rc = rc < 0 || device == NULL ? rc : fb_title_append(web->store, "device", device, &title);
    append_text(out, "device", device == NULL ? NULL : fb_buf_text(&title));
    append_text(out, "source",
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

static int get_audit(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
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

const struct fb_route fb_server_api_routes[] = {
    {"GET", "/api/v1/users", get_users, FB_ROUTE_ADMIN, 0},
    {"POST", "/api/v1/users", post_user, FB_ROUTE_ADMIN | FB_ROUTE_WRITES, 0},
    {"POST", "/api/v1/users/{id}/password", post_password, FB_ROUTE_ADMIN | FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/devices", get_devices, FB_ROUTE_ADMIN, 0},
    {"POST", "/api/v1/devices/{id}/{verb}", post_device, FB_ROUTE_ADMIN | FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/audit", get_audit, FB_ROUTE_ADMIN, 0},
    {NULL, NULL, NULL, 0, 0},
};
