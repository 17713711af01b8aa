/* SPDX-License-Identifier: MIT
 *
 * Laptops for admins: the list, inviting, and what becomes of one.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/base/time.h"
#include "common/store/sql.h"
#include "server/api_inside.h"
#include "server/device_life.h"
#include "server/devices.h"
#include "server/web.h"

static const char DEVICES[] =
    "SELECT d.id, d.name, d.employee_id, d.state, d.last_seen_at, l.hello_at_ms,"
    " coalesce(l.app_version, d.app_version), d.enrolled_at,"
    " coalesce(l.cut_at_ms, (SELECT max(f.at_ms) FROM fb_seen AS f JOIN fb_incarnation AS i"
    "  ON i.id = f.incarnation WHERE i.device_id = d.id)),"
    " (SELECT c.key_hash FROM fb_certificate AS c WHERE c.device_id = d.id"
    "  ORDER BY c.issued_at_ms DESC LIMIT 1),"
    " (SELECT max(rev) FROM fb_rev) - l.cut_rev, l.unsent, l.wipe_ordered_at_ms, l.wiped_at_ms,"
    " l.wiped_unsent"
    " FROM device AS d LEFT JOIN fb_device_life AS l ON l.device_id = d.id"
    " ORDER BY d.state <> 'pending', d.name, d.id LIMIT 1000";

/* What people compare on two screens before it is approved. */
static void append_check(struct fb_buf *out, const struct fb_value *key)
{
    struct fb_sha256 hash;
    char check[FB_ENROL_CHECK_SIZE] = "";
    if (key->type == FB_BLOB && key->size == sizeof hash.bytes) {
        memcpy(hash.bytes, key->bytes, sizeof hash.bytes);
        fb_enrol_check_format(&hash, check);
    }
    fb_server_append_text(out, "check", check[0] == '\0' ? NULL : check);
}

static void append_number(struct fb_buf *out, const char *name, const struct fb_value *v)
{
    if (v->type == FB_INT) {
        fb_buf_printf(out, ",\"%s\":%lld", name, (long long)v->integer);
    } else {
        fb_buf_printf(out, ",\"%s\":null", name);
    }
}

static int append_device(struct fb_store *s, const struct fb_sql *q, struct fb_buf *out)
{
    struct fb_value key = fb_sql_value(q, 9);
    struct fb_value behind = fb_sql_value(q, 10);
    struct fb_value unsent = fb_sql_value(q, 11);
    struct fb_value lost = fb_sql_value(q, 14);
    int64_t seen_ms = fb_sql_int(q, 5) != 0 ? fb_sql_int(q, 5) : fb_sql_int(q, 8);
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "id", fb_sql_text(q, 0));
    fb_server_append_text(out, "name", fb_sql_text(q, 1));
    int rc = fb_server_append_person(s, out, "person", fb_sql_text(q, 2));
    fb_server_append_text(out, "state", fb_sql_text(q, 3));
    if (seen_ms == 0) {
        fb_server_append_text(out, "last_seen", fb_sql_text(q, 4));
    } else {
        fb_server_append_instant(out, "last_seen", seen_ms);
    }
    fb_server_append_instant(out, "last_sync", fb_sql_int(q, 8));
    fb_server_append_text(out, "version", fb_sql_text(q, 6));
    fb_server_append_text(out, "enrolled_at", fb_sql_text(q, 7));
    append_check(out, &key);
    append_number(out, "behind", &behind);
    append_number(out, "unsent", &unsent);
    fb_server_append_instant(out, "wipe_ordered_at", fb_sql_int(q, 12));
    fb_server_append_instant(out, "wiped_at", fb_sql_int(q, 13));
    append_number(out, "wiped_unsent", &lost);
    fb_buf_append_byte(out, '}');
    return rc;
}

int fb_server_get_devices(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int count = 0;
    (void)req;
    int rc = fb_sql_begin(web->store, DEVICES, &q);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_text(&res->body, "{\"rows\":[");
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_buf_append_text(&res->body, count++ > 0 ? "," : "");
        rc = append_device(web->store, q, &res->body);
        if (rc < 0) {
            return rc;
        }
    }
    fb_buf_append_text(&res->body, "],\"next\":null}");
    return rc;
}

/* ---- Inviting ---- */

/* "user" is an employee's id or a login; only who may log in gets a laptop. */
static int find_user(struct fb_store *s, const char *user, char ret[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT employee_id FROM fb_user WHERE employee_id = ?1 OR login = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, user);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    return FB_OK;
}

static void append_fingerprint(struct fb_buf *out, const struct fb_sha256 *root)
{
    char text[2 * sizeof root->bytes + 1];
    fb_hex_write(root->bytes, sizeof root->bytes, text);
    fb_server_append_text(out, "fingerprint", text);
}

int fb_server_post_invite(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    const struct fb_server_web *node = web->node_context;
    const char *user = json_string_value(json_object_get(body, "user"));
    const char *name = json_string_value(json_object_get(body, "name"));
    char employee_id[FB_ROW_ID_SIZE];
    char code[FB_ENROL_CODE_SIZE];
    if (user == NULL || user[0] == '\0') {
        return fb_server_check(res, "user", "required", NULL);
    }
    int rc = find_user(web->store, user, employee_id);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_server_check(res, "user", "lookup",
                               fb_text("This person has no login yet: add a user first."));
    }
    const struct fb_sha256 *root = &node->daemon->authority.root_fingerprint;
    rc = rc < 0 ? rc
                : fb_invite_make(web->store, employee_id,
                                 name == NULL || name[0] == '\0' ? NULL : name, root, web->random,
                                 web->now_ms, code, &web->why);
    if (rc < 0) {
        return rc;
    }
    res->status = 201;
    fb_buf_append_byte(&res->body, '{');
    fb_server_append_text(&res->body, "code", code);
    fb_server_append_instant(&res->body, "valid_until", web->now_ms + FB_INVITE_LIFE_MS);
    fb_server_append_text(&res->body, "address", fb_request_header(req, "host"));
    append_fingerprint(&res->body, root);
    fb_buf_append_byte(&res->body, '}');
    return FB_OK;
}

/* ---- What becomes of one ---- */

static int state_of(struct fb_store *s, const char *id, char ret[static 16])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT state FROM device WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret, 16, "%s", fb_sql_text(q, 0));
    return FB_OK;
}

/* From which states a verb leads where; from NULL: any that is not over. */
static const struct verb {
    const char *name, *from, *to;
} VERBS[] = {{"approve", "pending", "active"},
             {"refuse", "pending", "revoked"},
             {"suspend", "active", "suspended"},
             {"resume", "suspended", "active"},
             {"revoke", NULL, "revoked"}};

static int change_state(struct fb_web *web, const struct fb_request *req, const struct verb *verb,
                        struct fb_response *res)
{
    const char *id = fb_request_segment(req, 3);
    char state[16];
    int rc = fb_server_begin_write(web);
    rc = rc < 0 ? rc : state_of(web->store, id, state);
    if (rc < 0) {
        return rc;
    }
    if (verb->from != NULL && strcmp(verb->from, state) != 0 && strcmp(verb->to, state) != 0) {
        return fb_response_problem(
            res, 409, "changed_since",
            fb_text("This laptop is in another state by now: look at the list again."));
    }
    rc = fb_device_set_state(web->store, id, verb->to, &web->why);
    rc = rc < 0 ? rc : fb_server_end_write(web, req);
    res->status = rc < 0 ? res->status : 204;
    return rc;
}

/* Read over the telephone to whoever sits before a laptop that is locked. */
static int answer_unlock_code(struct fb_web *web, const struct fb_request *req,
                              struct fb_response *res)
{
    char code[FB_UNLOCK_CODE_SIZE];
    int rc =
        fb_device_unlock_code(web->store, fb_request_segment(req, 3), web->now_ms, code, &web->why);
    if (rc == FB_OK) {
        fb_buf_append_byte(&res->body, '{');
        fb_server_append_text(&res->body, "code", code);
        fb_buf_append_byte(&res->body, '}');
    }
    return rc;
}

/* {"lose_unsent": true}: at once, with what waits there; else after the laptop handed it in. */
static int wipe(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    bool loses = json_is_true(json_object_get(body, "lose_unsent"));
    int rc = fb_server_begin_write(web);
    rc = rc < 0 ? rc
                : fb_device_wipe(web->store, fb_request_segment(req, 3), !loses, web->now_ms,
                                 &web->why);
    rc = rc < 0 ? rc : fb_server_end_write(web, req);
    res->status = rc < 0 ? res->status : 204;
    return rc;
}

int fb_server_post_device(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const char *verb = fb_request_segment(req, 4);
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++) {
        if (strcmp(verb, VERBS[i].name) == 0) {
            return change_state(web, req, &VERBS[i], res);
        }
    }
    return strcmp(verb, "unlock") == 0 ? answer_unlock_code(web, req, res)
           : strcmp(verb, "wipe") == 0 ? wipe(web, req, res)
                                       : fb_response_problem(res, 404, "not_found", NULL);
}
