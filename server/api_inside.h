/* SPDX-License-Identifier: MIT
 *
 * What the files of headquarters' own API share; for this folder only. All of it is for admins.
 *
 *   api.c           the table of routes, and these helpers
 *   api_users.c     who may log in
 *   api_devices.c   laptops
 *   api_policies.c  merge rules and their rehearsal
 *   api_territories.c  how territories stand, rehearsing and applying a draft
 *   api_backups.c   backups
 *   api_health.c    how the server is
 *   api_audit.c     who did what
 */
#ifndef FB_SERVER_API_INSIDE_H
#define FB_SERVER_API_INSIDE_H

#include <jansson.h>

#include "server/api.h"

/* "name": text, with a comma if needed; NULL: null. */
void fb_server_append_text(struct fb_buf *out, const char *name, const char *text);
/* "name": an instant, or null for 0. */
void fb_server_append_instant(struct fb_buf *out, const char *name, int64_t ms);
/* "name": what the employee is called. */
int fb_server_append_person(struct fb_store *s, struct fb_buf *out, const char *name,
                            const char *id) FB_MUST_CHECK;

/* The body as a JSON object; NULL: it is none. Release with fb_server_drop_json (also for FB_AUTO). */
json_t *fb_server_body(const struct fb_request *req);
void fb_server_drop_json(json_t **json);

/* Around what an admin writes: it is a rev of his. */
int fb_server_begin_write(struct fb_web *web) FB_MUST_CHECK;
int fb_server_end_write(struct fb_web *web, const struct fb_request *req) FB_MUST_CHECK;
/* A sentence about one field of the form: 422 check. Returns an error. */
int fb_server_check(struct fb_response *res, const char *field, const char *code,
                    const char *sentence) FB_MUST_CHECK;

fb_web_handler fb_server_get_users, fb_server_post_user, fb_server_patch_user,
    fb_server_post_password, fb_server_delete_second_step;
fb_web_handler fb_server_get_devices, fb_server_post_invite, fb_server_post_device;
fb_web_handler fb_server_get_policies, fb_server_post_policies, fb_server_rehearse_policies;
fb_web_handler fb_server_get_territories, fb_server_rehearse_territories,
    fb_server_apply_territories;
fb_web_handler fb_server_get_backups, fb_server_post_backup;
fb_web_handler fb_server_get_health;
fb_web_handler fb_server_get_audit;

#endif
