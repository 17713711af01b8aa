/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/time.h"
#include "common/crm/title.h"
#include "server/api_inside.h"

json_t *fb_server_body(const struct fb_request *req)
{
    json_t *body = json_loadb(req->body, req->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

void fb_server_drop_json(json_t **json)
{
    json_decref(*json);
}

void fb_server_append_text(struct fb_buf *out, const char *name, const char *text)
{
    fb_buf_printf(out, "%s\"%s\":", out->bytes[out->size - 1] == '{' ? "" : ",", name);
    if (text == NULL) {
        fb_buf_append_text(out, "null");
    } else {
        fb_buf_append_json_text(out, text, strlen(text));
    }
}

void fb_server_append_instant(struct fb_buf *out, const char *name, int64_t ms)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(ms, text);
    fb_server_append_text(out, name, ms == 0 ? NULL : text);
}

int fb_server_append_person(struct fb_store *s, struct fb_buf *out, const char *name,
                            const char *id)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 4096);
    int rc = id == NULL ? FB_OK : fb_title_append(s, "employee", id, &title);
    fb_server_append_text(out, name, id == NULL ? NULL : fb_buf_text(&title));
    return rc;
}

int fb_server_begin_write(struct fb_web *web)
{
    return web->seal == NULL ? FB_OK : web->seal->before(web->seal->ctx, web->now_ms);
}

int fb_server_end_write(struct fb_web *web, const struct fb_request *req)
{
    return web->seal == NULL
               ? FB_OK
               : web->seal->after(web->seal->ctx, req->login->employee_id, web->now_ms);
}

int fb_server_check(struct fb_response *res, const char *field, const char *code,
                    const char *sentence)
{
    FB_AUTO(fb_buf_release) struct fb_buf members;
    fb_buf_init(&members, 8192);
    fb_buf_append_text(&members, "\"fields\":{");
    fb_buf_append_json_text(&members, field, strlen(field));
    fb_buf_append_text(&members, ":{\"code\":");
    fb_buf_append_json_text(&members, code, strlen(code));
    fb_server_append_text(&members, "detail", sentence);
    fb_buf_append_text(&members, "}}");
    return fb_response_problem_with(res, 422, "check", sentence, fb_buf_text(&members));
}

#define ADMIN_READS  (FB_ROUTE_ADMIN)
#define ADMIN_WRITES (FB_ROUTE_ADMIN | FB_ROUTE_WRITES)

const struct fb_route fb_server_api_routes[] = {
    {"GET", "/api/v1/users", fb_server_get_users, ADMIN_READS, 0},
    {"POST", "/api/v1/users", fb_server_post_user, ADMIN_WRITES, 0},
    {"PATCH", "/api/v1/users/{id}", fb_server_patch_user, ADMIN_WRITES, 0},
    {"POST", "/api/v1/users/{id}/password", fb_server_post_password, ADMIN_WRITES, 0},
    {"DELETE", "/api/v1/users/{id}/totp", fb_server_delete_second_step, ADMIN_WRITES, 0},
    {"GET", "/api/v1/devices", fb_server_get_devices, ADMIN_READS, 0},
    {"POST", "/api/v1/devices/invite", fb_server_post_invite, ADMIN_WRITES, 0},
    {"POST", "/api/v1/devices/{id}/{verb}", fb_server_post_device, ADMIN_WRITES, 0},
    {"GET", "/api/v1/policies", fb_server_get_policies, ADMIN_READS, 0},
    {"POST", "/api/v1/policies/rehearse", fb_server_rehearse_policies, ADMIN_READS, 0},
    {"POST", "/api/v1/policies", fb_server_post_policies, ADMIN_WRITES, 0},
    {"GET", "/api/v1/territories", fb_server_get_territories, ADMIN_READS, 0},
    {"POST", "/api/v1/territories/rehearse", fb_server_rehearse_territories, ADMIN_WRITES,
     (size_t)4 * 1024 * 1024},
    {"POST", "/api/v1/territories/apply", fb_server_apply_territories, ADMIN_WRITES,
     (size_t)4 * 1024 * 1024},
    {"GET", "/api/v1/backups", fb_server_get_backups, FB_ROUTE_ADMIN | FB_ROUTE_LOOP, 0},
    {"POST", "/api/v1/backups", fb_server_post_backup, FB_ROUTE_ADMIN | FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/health", fb_server_get_health, FB_ROUTE_ADMIN | FB_ROUTE_LOOP, 0},
    {"GET", "/api/v1/audit", fb_server_get_audit, ADMIN_READS, 0},
    {NULL, NULL, NULL, 0, 0},
};
