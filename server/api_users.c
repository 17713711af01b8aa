/* SPDX-License-Identifier: MIT
 *
 * Who may log in, for admins. Roles, permissions and territories are ordinary records.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/store/sql.h"
#include "server/api_inside.h"
#include "server/people.h"

static const char USERS[] =
    "SELECT u.employee_id, u.login, u.suspended_at_ms IS NULL AND coalesce(e.status, '') <> "
    "'left', e.language,"
    " (SELECT group_concat(r.name, char(10)) FROM employee_role AS er JOIN role AS r ON r.id ="
    " er.role_id WHERE er.employee_id = u.employee_id),"
    " EXISTS (SELECT 1 FROM employee_role AS er JOIN role_permission AS p ON p.role_id = er.role_id"
    " WHERE er.employee_id = u.employee_id AND p.entity IN ('*', 'role') AND p.action = 'edit' AND"
    " p.level = 'all'),"
    " (SELECT max(l.used_at_ms) FROM fb_login AS l WHERE l.employee_id = u.employee_id),"
    " EXISTS (SELECT 1 FROM fb_totp AS t WHERE t.employee_id = u.employee_id AND t.is_in_force)"
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
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "id", fb_sql_text(q, 0));
    fb_server_append_text(out, "login", fb_sql_text(q, 1));
    int rc = fb_server_append_person(web->store, out, "name", fb_sql_text(q, 0));
    fb_buf_printf(out, ",\"is_active\":%s,\"is_admin\":%s",
                  fb_sql_int(q, 2) != 0 ? "true" : "false",
                  fb_sql_int(q, 5) != 0 ? "true" : "false");
    fb_server_append_text(out, "language", fb_sql_text(q, 3));
    fb_server_append_instant(out, "last_login", fb_sql_int(q, 6));
    fb_buf_printf(out, ",\"has_second_factor\":%s", fb_sql_int(q, 7) != 0 ? "true" : "false");
    append_lines(out, "roles", fb_sql_text(q, 4));
    fb_buf_append_byte(out, '}');
    return rc;
}

int fb_server_get_users(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
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
    fb_server_append_text(&res->body, "login", login);
    fb_server_append_text(&res->body, "password", password);
    fb_buf_append_byte(&res->body, '}');
    res->status = status;
}

/* ---- Making one ---- */

struct wanted {
    struct fb_person person;
    const char *employee_id; /* NULL: somebody new */
    const char *territories[FB_HTTP_QUERY_MAX];
    const char *roles[FB_HTTP_QUERY_MAX];
    size_t role_count;
};

static size_t read_texts(const json_t *list, const char **ret)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < FB_HTTP_QUERY_MAX; i++) {
        ret[count] = json_string_value(json_array_get(list, i));
        count += ret[count] != NULL;
    }
    return count;
}

static int is_there(struct fb_store *s, const char *sql, const char *a, const char *b, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, a);
    if (b != NULL) {
        fb_sql_bind_text(q, 2, b);
    }
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

static int check_roles(struct fb_store *s, struct fb_response *res, const char *const *roles,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        int rc = is_there(s, "SELECT 1 FROM role WHERE name = ?1", roles[i], NULL, &is_known);
        if (rc < 0 || !is_known) {
            return rc < 0 ? rc
                          : fb_server_check(res, "roles", "choice",
                                            fb_text("There is no role of this name."));
        }
    }
    return FB_OK;
}

static int read_wanted(struct fb_store *s, const json_t *body, struct wanted *w,
                       struct fb_response *res)
{
    const char *role = json_string_value(json_object_get(body, "role"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *login = json_string_value(json_object_get(body, "login"));
    w->employee_id = json_string_value(json_object_get(body, "employee_id"));
    w->role_count = read_texts(json_object_get(body, "roles"), w->roles);
    if (w->role_count == 0) {
        bool is_admin = json_is_true(json_object_get(body, "is_admin"));
        w->roles[w->role_count++] = role != NULL ? role : is_admin ? "admin" : "rep";
    }
    w->person = (struct fb_person){.login = login == NULL ? "" : login,
                                   .name = name == NULL ? "" : name,
                                   .role = w->roles[0],
                                   .territories = w->territories};
    w->person.territory_count = read_texts(json_object_get(body, "territories"), w->territories);
    if (w->person.login[0] == '\0') {
        return fb_server_check(res, "login", "required", NULL);
    }
    if (w->person.name[0] == '\0' && w->employee_id == NULL) {
        return fb_server_check(res, "name", "required", NULL);
    }
    return check_roles(s, res, w->roles, w->role_count);
}

/* An employee who is here already gets the login; nobody else may have it. */
static int give_login(struct fb_store *s, const struct wanted *w, struct fb_response *res)
{
    bool is_taken = false;
    bool is_known = false;
    int rc = is_there(s, "SELECT 1 FROM employee WHERE user_name = ?1 AND id <> ?2",
                      w->person.login, w->employee_id, &is_taken);
    rc = rc < 0
             ? rc
             : is_there(s, "SELECT 1 FROM employee WHERE id = ?1", w->employee_id, NULL, &is_known);
    if (rc < 0) {
        return rc;
    }
    if (!is_known) {
        return fb_server_check(res, "employee_id", "lookup", NULL);
    }
    if (is_taken) {
        return fb_server_check(res, "login", "exists",
                               fb_text("Somebody else has this login already."));
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc =
        fb_sql_begin(s, "UPDATE employee SET user_name = ?1 WHERE id = ?2 AND user_name <> ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, w->person.login);
    fb_sql_bind_text(q, 2, w->employee_id);
    return fb_sql_run(q);
}

static int add_user(struct fb_web *web, const struct wanted *w, char *ret_password,
                    struct fb_response *res)
{
    struct fb_store *s = web->store;
    bool is_taken = false;
    int rc = is_there(s, "SELECT 1 FROM fb_user WHERE login = ?1 OR employee_id = ?2",
                      w->person.login, w->employee_id == NULL ? "" : w->employee_id, &is_taken);
    if (rc == FB_OK && is_taken) {
        return fb_server_check(res, "login", "exists", fb_text("There is such a user already."));
    }
    rc = rc < 0 || w->employee_id == NULL ? rc : give_login(s, w, res);
    rc = rc < 0 ? rc
                : fb_person_add(s, &w->person, web->random, web->now_ms, ret_password, &web->why);
    return rc < 0 ? rc
                  : fb_person_set_roles(s, w->person.login, w->roles, w->role_count, &web->why);
}

int fb_server_post_user(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    char password[FB_PASSWORD_TEXT_SIZE];
    struct wanted w = {.role_count = 0};
    if (body == NULL) {
        return fb_response_problem(res, 400, "bad_request", "the body is a JSON object");
    }
    int rc = read_wanted(web->store, body, &w, res);
    rc = rc < 0 ? rc : fb_server_begin_write(web);
    rc = rc < 0 ? rc : add_user(web, &w, password, res);
    rc = rc < 0 ? rc : fb_server_end_write(web, req);
    if (rc == FB_OK) {
        append_password(res, w.person.login, password, 201);
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

int fb_server_post_password(struct fb_web *web, const struct fb_request *req,
                            struct fb_response *res)
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

/* For somebody who lost his telephone. One's own goes with a code only: whoever finds a page open must not take it away. */
int fb_server_delete_second_step(struct fb_web *web, const struct fb_request *req,
                                 struct fb_response *res)
{
    char login[256];
    const char *by_id = req->login->employee_id;
    if (strcmp(by_id, fb_request_segment(req, 3)) == 0) {
        return fb_server_check(res, "id", "own_second_step",
                               fb_text("Your own second step is switched off with a code of it, in "
                                       "your own menu."));
    }
    int rc = find_login_of(web, fb_request_segment(req, 3), login, sizeof login);
    rc = rc < 0 ? rc : fb_server_begin_write(web);
    rc = rc < 0 ? rc : fb_person_drop_second_step(web->store, login, by_id, &web->why);
    rc = rc < 0 ? rc : fb_server_end_write(web, req);
    if (rc == FB_OK) {
        fb_log(FB_LOG_INFO, "second_step_taken_away", "employee=%s by=%s",
               fb_request_segment(req, 3), by_id);
    }
    return rc;
}

/* ---- Changing one ---- */

static int answer_user(struct fb_web *web, const char *employee_id, struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(web->store, USERS, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    rc = fb_sql_step(q);
    return rc == FB_SQL_ROW ? append_user(web, q, &res->body) : rc < 0 ? rc : FB_ERR_NOT_FOUND;
}

/* Nobody shuts himself out: the last admin would be gone. */
static int check_self(struct fb_web *web, const struct fb_request *req, const char *const *roles,
                      size_t count, const json_t *active, struct fb_response *res)
{
    bool keeps = roles == NULL;
    for (size_t i = 0; i < count && !keeps; i++) {
        int rc = is_there(web->store,
                          "SELECT 1 FROM role AS r JOIN role_permission AS p ON p.role_id = r.id"
                          " WHERE r.name = ?1 AND p.entity IN ('*', 'role') AND p.action = 'edit'"
                          " AND p.level = 'all'",
                          roles[i], NULL, &keeps);
        if (rc < 0) {
            return rc;
        }
    }
    if (strcmp(req->login->employee_id, fb_request_segment(req, 3)) != 0 ||
        (keeps && !json_is_false(active))) {
        return FB_OK;
    }
    return fb_server_check(res, keeps ? "is_active" : "roles", "choice",
                           fb_text("You cannot take your own right to administer; another "
                                   "administrator can."));
}

static int change_user(struct fb_web *web, const struct fb_request *req, const json_t *body,
                       const char *login, struct fb_response *res)
{
    const char *roles[FB_HTTP_QUERY_MAX];
    const json_t *list = json_object_get(body, "roles");
    const json_t *active = json_object_get(body, "is_active");
    size_t count = read_texts(list, roles);
    if ((list != NULL && !json_is_array(list)) || (active != NULL && !json_is_boolean(active)) ||
        (list == NULL && active == NULL)) {
        return fb_response_problem(res, 400, "bad_request",
                                   "the body has roles (a list of names) or is_active");
    }
    int rc = check_roles(web->store, res, roles, count);
    rc = rc < 0 ? rc : check_self(web, req, list == NULL ? NULL : roles, count, active, res);
    rc = rc < 0 ? rc : fb_server_begin_write(web);
    rc = rc < 0 || list == NULL ? rc
                                : fb_person_set_roles(web->store, login, roles, count, &web->why);
    rc = rc < 0 || active == NULL ? rc
         : json_is_true(active)   ? fb_person_resume(web->store, login, &web->why)
                                  : fb_person_suspend(web->store, login, web->now_ms, &web->why);
    return rc < 0 ? rc : fb_server_end_write(web, req);
}

int fb_server_patch_user(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    char login[256];
    int rc = find_login_of(web, fb_request_segment(req, 3), login, sizeof login);
    rc = rc < 0 ? rc : change_user(web, req, body, login, res);
    return rc < 0 ? rc : answer_user(web, fb_request_segment(req, 3), res);
}
