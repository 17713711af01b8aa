/* SPDX-License-Identifier: MIT
 *
 * Held changes. On a laptop a decision travels like any edit; at headquarters it is played when it is sealed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crm/held.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

#define DESK_ROWS_MAX 200
#define HELD_COLUMNS  11

static const char HELD[] =
    "SELECT id, entity, record_id, by_id, device_id, created_at, reason, "
    "reason_text, state, changes,"
    " asked_id FROM held_change WHERE (?1 = '' AND state = 'waiting') OR id = ?1"
    " ORDER BY created_at DESC LIMIT 200";

int fb_api_copy_rows(struct fb_api *a, const char *sql, const char *const *texts, size_t text_count,
                     const char ***ret_rows, size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->store, sql, &q);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < text_count; i++) {
        fb_sql_bind_text(q, (int)i + 1, texts[i]);
    }
    int columns = fb_sql_column_count(q);
    *ret_rows =
        fb_arena_alloc(a->arena, (size_t)DESK_ROWS_MAX * (size_t)columns * sizeof(const char *));
    *ret_count = 0;
    if (*ret_rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW && *ret_count < DESK_ROWS_MAX) {
        const char **row = *ret_rows + *ret_count * (size_t)columns;
        for (int i = 0; i < columns; i++) {
            const char *text = fb_sql_text(q, i);
            row[i] = text == NULL ? NULL : fb_arena_strdup(a->arena, text);
            if (text != NULL && row[i] == NULL) {
                return FB_ERR_NO_MEMORY;
            }
        }
        ++*ret_count;
    }
    return rc < 0 ? rc : FB_OK;
}

/* What the record is called; NULL: nobody knows. */
int fb_api_record_title(struct fb_api *a, const char *entity, const char *id, const char **ret)
{
    struct fb_api_refs refs = {.count = 0};
    struct fb_value v = fb_value_text(id);
    const struct fb_entity *e = entity == NULL ? NULL : fb_catalogue_entity(a->catalogue, entity);
    int rc = fb_api_refs_add(a, &refs, e, &v);
    *ret = NULL;
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    if (rc == FB_OK && refs.count > 0) {
        *ret = refs.refs[0].title;
    }
    return rc;
}

int fb_api_append_titled(struct fb_api *a, struct fb_buf *out, const char *name, const char *entity,
                         const char *id)
{
    const char *title = NULL;
    int rc = id == NULL ? FB_OK : fb_api_record_title(a, entity, id, &title);
    fb_api_append_member(out, name, title);
    return rc;
}

/* A stored value ({"$hex"} apart) in the API's form. */
static void append_stored(struct fb_api *a, struct fb_buf *out, const struct fb_field *f,
                          const json_t *json)
{
    struct fb_value v = FB_VALUE_NULL;
    if (json_is_integer(json)) {
        v = fb_value_int(json_integer_value(json));
    } else if (json_is_string(json)) {
        v = fb_value_text(json_string_value(json));
    }
    (void)a;
    fb_api_append_value(out, f, &v);
}

/* "fields": what was to be changed, row by row of the aggregate. */
static void append_fields(struct fb_api *a, struct fb_buf *out, const char *changes)
{
    FB_AUTO(fb_api_drop_json)
    json_t *list = json_loads(changes == NULL ? "[]" : changes, JSON_ALLOW_NUL, NULL);
    int count = 0;
    fb_buf_append_text(out, ",\"fields\":[");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *change = json_array_get(list, i);
        const char *entity = json_string_value(json_object_get(change, "entity"));
        const char *id = json_string_value(json_object_get(change, "id"));
        const struct fb_entity *e =
            entity == NULL ? NULL : fb_catalogue_entity(a->catalogue, entity);
        const char *name;
        json_t *value;
        json_object_foreach(json_object_get(change, "fields"), name, value)
        {
            const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, name);
            if (f == NULL || !fb_api_sees_field(a, e, f)) {
                continue;
            }
            fb_buf_append_text(out, count++ > 0 ? ",{" : "{");
            fb_api_append_member(out, "field", name);
            fb_api_append_key(out, "old");
            append_stored(a, out, f, json_object_get(value, "base"));
            fb_api_append_key(out, "new");
            append_stored(a, out, f, json_object_get(value, "mine"));
            fb_api_append_member(out, "entity", e->name);
            fb_api_append_member(out, "row_id", id);
            fb_buf_append_byte(out, '}');
        }
    }
    fb_buf_append_byte(out, ']');
}

/* One's own, those one was asked about, or those of records one may change. */
static int may_settle(struct fb_api *a, const char *const *row, bool *ret)
{
    *ret = (row[3] != NULL && strcmp(row[3], a->me) == 0) ||
           (row[10] != NULL && strcmp(row[10], a->me) == 0);
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, row[1]);
    if (*ret || e == NULL) {
        *ret = *ret || fb_api_is_admin(a);
        return FB_OK;
    }
    struct fb_row record;
    int rc = fb_api_row_now(a, e, row[2], FB_API_EDIT, &record);
    *ret = rc == FB_OK || (rc == FB_ERR_NOT_FOUND && fb_api_is_admin(a));
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc;
}

struct settlers {
    struct fb_api *a;
    struct fb_buf *out;
    int count;
};

static int append_settler(void *ctx, const char *employee_id)
{
    struct settlers *s = ctx;
    const char *name = NULL;
    int rc = fb_api_person(s->a, employee_id, &name);
    if (rc == FB_OK && name != NULL) {
        fb_buf_append_text(s->out, s->count++ > 0 ? "," : "");
        fb_api_append_text(s->out, name, strlen(name));
    }
    return rc;
}

static int append_held(struct fb_api *a, struct fb_buf *out, const char *const *row)
{
    fb_api_append_member(out, "id", row[0]);
    fb_api_append_member(out, "entity", row[1]);
    fb_api_append_member(out, "row_id", row[2]);
    int rc = fb_api_append_titled(a, out, "title", row[1], row[2]);
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "who", "employee", row[3]);
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "device", "device", row[4]);
    fb_api_append_member(out, "held_at", row[5]);
    fb_api_append_member(out, "code", row[6]);
    fb_api_append_member(out, "detail", row[7]);
    fb_api_append_member(out, "state", row[8]);
    append_fields(a, out, row[9]);
    struct settlers s = {.a = a, .out = out};
    fb_buf_append_text(out, ",\"settlers\":[");
    rc = rc < 0 ? rc : fb_held_settlers(a->store, row[0], append_settler, &s);
    fb_buf_append_byte(out, ']');
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "asked", "employee", row[10]);
    return rc;
}

int fb_api_get_held(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const char *id = fb_request_segment(req, 3);
    const char *texts[] = {id == NULL ? "" : id};
    const char **rows = NULL;
    size_t count = 0;
    int shown = 0;
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_HTTP_ANSWER_BYTES_MAX);
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_copy_rows(&a, HELD, texts, 1, &rows, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        bool is_shown = false;
        rc = may_settle(&a, rows + i * HELD_COLUMNS, &is_shown);
        if (rc == FB_OK && is_shown) {
            fb_buf_append_text(&out, shown++ > 0 ? ",{" : "{");
            rc = append_held(&a, &out, rows + i * HELD_COLUMNS);
            fb_buf_append_byte(&out, '}');
        }
    }
    if (rc == FB_OK && id != NULL && shown == 0) {
        return fb_api_not_found(&a);
    }
    fb_buf_append_text(a.out, id == NULL ? "{\"rows\":[" : "");
    fb_buf_append(a.out, fb_buf_text(&out), out.size);
    fb_buf_append_text(a.out, id == NULL ? "],\"next\":null}" : "");
    return rc;
}

/* ---- Deciding ---- */

static json_t *change_of(json_t *changes, const char *entity, const char *id)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        json_t *change = json_array_get(changes, i);
        const char *e = json_string_value(json_object_get(change, "entity"));
        const char *r = json_string_value(json_object_get(change, "id"));
        if (e != NULL && r != NULL && strcmp(e, entity) == 0 && strcmp(r, id) == 0) {
            return change;
        }
    }
    return NULL;
}

static json_t *stored_json(const struct fb_value *v)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_MESSAGE_BYTES_MAX);
    fb_value_append_json(&text, v);
    return json_loadb(fb_buf_text(&text), text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* "fields": {"name": value} of the record, or {"order_line/ID.qty": value} of a part, become mine of the held change. */
static int correct(struct fb_api *a, const char *const *row, const json_t *fields, char **ret)
{
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, row[1]);
    FB_AUTO(fb_api_drop_json)
    json_t *changes = json_loads(row[9] == NULL ? "[]" : row[9], JSON_ALLOW_NUL, NULL);
    json_t *members = json_object_get(change_of(changes, row[1], row[2]), "fields");
    struct fb_api_checks checks;
    const char *name;
    json_t *value;
    if (e == NULL || !json_is_object(members) || !json_is_object(fields)) {
        return fb_api_bad_request(a,
                                  "this held edit cannot be corrected here: retry or discard it");
    }
    fb_api_checks_init(&checks);
    struct fb_api_form f = {.a = a, .entity = e, .checks = &checks, .prefix = "", .is_own = true};
    int rc = FB_OK;
    json_object_foreach((json_t *)(uintptr_t)fields, name, value)
    {
        const struct fb_field *field = NULL;
        struct fb_value v = FB_VALUE_NULL;
        rc = rc < 0 ? rc : fb_api_form_value(&f, name, value, &field, &v);
        if (rc == FB_OK && field != NULL) {
            json_t *member = json_object_get(members, name);
            if (member == NULL) {
                member = json_object();
                json_object_set_new(members, name, member);
            }
            json_object_set_new(member, "mine", stored_json(&v));
        }
    }
    rc = rc < 0 ? rc : fb_api_checks_answer(a, &checks);
    fb_api_checks_release(&checks);
    *ret = rc < 0 ? NULL : json_dumps(changes, JSON_COMPACT);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

static int set_state(struct fb_api *a, const char *id, const char *state, const char *changes)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char at[FB_INSTANT_SIZE];
    int rc = fb_sql_begin(a->store,
                          "UPDATE held_change SET state = ?2, decided_by_id = ?3, decided_at = ?4,"
                          " changes = coalesce(?5, changes) WHERE id = ?1 AND state = 'waiting'",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_instant_format(a->web->now_ms, at);
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, state);
    fb_sql_bind_text(q, 3, a->me[0] == '\0' ? NULL : a->me);
    fb_sql_bind_text(q, 4, at);
    fb_sql_bind_text(q, 5, changes);
    rc = fb_sql_run(q);
    return rc < 0 || fb_sql_changes(a->store) > 0 ? rc : fb_api_not_found(a);
}

static int settle_held(struct fb_api *a, const char *const *row, const char *state)
{
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    FB_AUTO(fb_drop_free) char *changes = NULL;
    int rc = FB_OK;
    if (strcmp(state, "corrected") == 0) {
        rc = fb_api_body(a, &body);
        rc = rc < 0 ? rc : correct(a, row, json_object_get(body, "fields"), &changes);
    }
    rc = rc < 0 ? rc : fb_api_begin_write(a);
    rc = rc < 0 ? rc : set_state(a, row[0], state, changes);
    rc = rc < 0 ? rc : fb_api_end_write(a);
    if (rc == FB_OK) {
        a->res->status = 204;
    }
    return rc;
}

/* Hands it to somebody: it is in his list from his next round on. */
static int ask_person(struct fb_api *a, const char *id)
{
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    int rc = fb_api_body(a, &body);
    const char *person = json_string_value(json_object_get(body, "employee_id"));
    if (rc == FB_OK && person == NULL) {
        return fb_api_bad_request(a, "the body is {\"employee_id\": \"<id>\"}");
    }
    rc = rc < 0 ? rc : fb_api_begin_write(a);
    rc = rc < 0 ? rc : fb_held_ask(a->store, id, person, &a->web->why);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_response_problem_with(a->res, 422, "check", NULL,
                                        "\"fields\":{\"employee_id\":{\"code\":\"lookup\"}}");
    }
    if (rc == FB_ERR_INVALID) {
        return fb_response_problem(a->res, 409, "changed_since", a->web->why.text);
    }
    rc = rc < 0 ? rc : fb_api_end_write(a);
    a->res->status = rc == FB_OK ? 204 : a->res->status;
    return rc;
}

int fb_api_post_held(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    static const char *const STATES[][2] = {
        {"retry", "retried"}, {"discard", "discarded"}, {"correct", "corrected"}};
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const char *id = NULL;
    const char *verb = fb_request_segment(req, 4);
    const char **rows = NULL;
    size_t count = 0;
    bool may = false;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    rc = rc < 0 ? rc : fb_api_copy_rows(&a, HELD, &id, 1, &rows, &count);
    rc = rc < 0 || count == 0 ? rc : may_settle(&a, rows, &may);
    if (rc < 0 || !may) {
        return rc < 0 ? rc : fb_api_not_found(&a);
    }
    if (verb != NULL && strcmp(verb, "ask") == 0) {
        return ask_person(&a, id);
    }
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (verb != NULL && strcmp(verb, STATES[i][0]) == 0) {
            return settle_held(&a, rows, STATES[i][1]);
        }
    }
    return fb_api_not_found(&a);
}
