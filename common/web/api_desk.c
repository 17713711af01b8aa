/* SPDX-License-Identifier: MIT
 *
 * The conflict desk: lists, one conflict, rulings. What a ruling is and does stands in common/crm/desk.h. Who may change
 * the record may rule; its authors see their conflict. An administrator may rule what is somebody's own, but is not shown it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crm/desk.h"
#include "common/crm/say.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

struct desk {
    struct fb_api *a;
    struct fb_buf out; /* rows */
    int shown;
    bool must_edit; /* to rule; else to see */
    bool is_allowed;
    bool is_private; /* somebody's own: ruled on without being read */
};

/* A group's values, {"field": value}, in the API's form; of a whole row what the person sees. */
static int append_values(struct fb_api *a, struct fb_buf *out, const char *name,
                         const struct fb_entity *e, const char *json, struct fb_api_refs *refs)
{
    static const char NOBODY[FB_ROW_ID_SIZE] = "";
    struct fb_row row = {.values = NULL};
    int rc = FB_OK;
    fb_api_append_key(out, name);
    fb_buf_append_byte(out, '{');
    if (json != NULL && e != NULL) {
        rc = fb_row_from_json(e, NOBODY, json, strlen(json), a->arena, &row);
        rc = rc == FB_ERR_DAMAGED ? FB_OK : rc;
    }
    for (size_t i = 0; rc == FB_OK && row.values != NULL && i < e->field_count; i++) {
        if (row.values[i].type != FB_ABSENT && fb_api_sees_field(a, e, &e->fields[i])) {
            fb_api_append_key(out, e->fields[i].name);
            fb_api_append_value(out, &e->fields[i], &row.values[i]);
        } else {
            row.values[i].type = FB_ABSENT; /* nor is it told what it refers to */
        }
    }
    fb_buf_append_byte(out, '}');
    return rc < 0 || row.values == NULL ? rc : fb_api_refs_add_row(a, refs, &row);
}

static void append_field_names(struct fb_buf *out, const struct fb_entity *e, const char *group)
{
    int count = 0;
    fb_buf_append_text(out, ",\"fields\":[");
    for (size_t i = 0; e != NULL && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (strcmp(e->groups[f->group].name, group) == 0 || strcmp(f->name, group) == 0) {
            fb_buf_append_text(out, count++ > 0 ? "," : "");
            fb_buf_append_json_text(out, f->name, strlen(f->name));
        }
    }
    if (count == 0) {
        fb_buf_append_json_text(out, group, strlen(group));
    }
    fb_buf_append_byte(out, ']');
}

static int append_ruling(struct fb_api *a, struct fb_buf *out, const struct fb_entity *e,
                         const struct fb_desk_conflict *c, bool is_private,
                         struct fb_api_refs *refs)
{
    fb_api_append_key(out, "ruling");
    if (c->decided_at == NULL) {
        fb_buf_append_text(out, "null");
        return FB_OK;
    }
    fb_buf_append_byte(out, '{');
    fb_api_append_member(out, "keep", c->outcome);
    int rc = fb_api_append_titled(a, out, "who", "employee", c->decided_by_id);
    fb_api_append_member(out, "at", c->decided_at);
    fb_api_append_member(out, "note", c->note);
    if (c->typed != NULL && !is_private) {
        rc = rc < 0 ? rc : append_values(a, out, "value", e, c->typed, refs);
    }
    fb_buf_append_text(out, c->is_undoable ? ",\"is_undoable\":true}" : ",\"is_undoable\":false}");
    return rc;
}

/* The record that one side of a lead's conflict names, as the person sees it. */
static int read_twin(struct fb_api *a, const struct fb_entity *lead, const struct fb_field *f,
                     const char *json, struct fb_api_found *ret, bool *ret_is_seen)
{
    static const char NOBODY[FB_ROW_ID_SIZE] = "";
    struct fb_row side;
    *ret_is_seen = false;
    int rc = json == NULL ? FB_ERR_DAMAGED
                          : fb_row_from_json(lead, NOBODY, json, strlen(json), a->arena, &side);
    if (rc < 0 || side.values[f->index].type != FB_TEXT) {
        return rc == FB_ERR_DAMAGED ? FB_OK : rc;
    }
    return fb_api_found_record(a, f->targets[0], side.values[f->index].bytes, ret, ret_is_seen);
}

/* A lead that two people processed: what came of it twice may be merged. "pair", if both are there. */
static int append_lead_twice(struct fb_api *a, struct fb_buf *out, const struct fb_entity *lead,
                             const struct fb_desk_conflict *c)
{
    const struct fb_field *f = fb_entity_field(lead, c->field);
    struct fb_api_found sides[2];
    bool is_seen = f != NULL && f->type == FB_TYPE_REF;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && is_seen && i < 2; i++) {
        rc = read_twin(a, lead, f, i == 0 ? c->theirs : c->mine, &sides[i], &is_seen);
    }
    if (rc < 0 || !is_seen) {
        return rc;
    }
    static const char *const NAMES[] = {"left", "right"};
    fb_api_append_key(out, "pair");
    fb_buf_append_byte(out, '{');
    fb_api_append_member(out, "entity", f->targets[0]->name);
    for (size_t i = 0; rc == FB_OK && i < 2; i++) {
        fb_api_append_key(out, NAMES[i]);
        fb_buf_append_byte(out, '{');
        fb_api_append_member(out, "id", sides[i].row.id);
        rc = fb_api_append_titled(a, out, "title", f->targets[0]->name, sides[i].row.id);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_byte(out, '}');
    return rc;
}

/* A sentence names values: it is for those who see all the fields. */
static bool sees_group(const struct fb_api *a, const struct fb_entity *e, const char *group)
{
    for (size_t i = 0; e != NULL && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        bool is_of_group =
            strcmp(e->groups[f->group].name, group) == 0 || strcmp(f->name, group) == 0;
        if (is_of_group && !fb_api_sees_field(a, e, f)) {
            return false;
        }
    }
    return e != NULL;
}

/* "code" by which pages find their sentence, "sentence" as this node says it to the person. */
static void append_said(struct fb_api *a, struct fb_buf *out, const char *code,
                        const struct fb_desk_conflict *c)
{
    FB_AUTO(fb_buf_release) struct fb_buf said;
    fb_buf_init(&said, FB_SAID_BYTES_MAX);
    fb_say_conflict(a->store, c, a->me, &said);
    fb_api_append_member(out, "code", code);
    fb_api_append_key(out, "sentence");
    fb_api_append_text(out, fb_buf_text(&said), said.size);
}

int fb_api_append_conflict(struct fb_api *a, struct fb_buf *out, const struct fb_desk_conflict *c,
                           bool is_private)
{
    const char *code = fb_say_code(a->store, c);
    struct fb_api_refs refs = {.count = 0};
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, c->entity);
    fb_api_append_member(out, "id", c->id);
    fb_api_append_member(out, "entity", c->entity);
    fb_api_append_member(out, "row_id", c->record_id);
    int rc = is_private ? FB_OK : fb_api_append_titled(a, out, "title", c->entity, c->record_id);
    append_field_names(out, e, c->field);
    fb_buf_append_text(out, is_private ? ",\"is_private\":true" : "");
    rc = rc < 0 ? rc : append_values(a, out, "base", e, is_private ? NULL : c->base, &refs);
    rc = rc < 0 ? rc : append_values(a, out, "theirs", e, is_private ? NULL : c->theirs, &refs);
    rc = rc < 0 ? rc : append_values(a, out, "mine", e, is_private ? NULL : c->mine, &refs);
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "theirs_who", "employee", c->theirs_by_id);
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "mine_who", "employee", c->mine_by_id);
    rc = rc < 0 ? rc : fb_api_append_titled(a, out, "device", "device", c->device_id);
    fb_api_append_member(out, "theirs_at", c->theirs_at);
    fb_api_append_member(out, "mine_at", c->mine_at);
    fb_api_append_member(out, "arrived_at", c->arrived_at);
    fb_api_append_member(out, "policy", c->policy);
    fb_api_append_member(out, "outcome", c->outcome);
    fb_api_append_member(out, "reason", c->reason);
    fb_api_append_member(out, "question", c->question);
    if (!is_private && sees_group(a, e, c->field)) {
        append_said(a, out, code, c);
    }
    if (e != NULL && !is_private && code != NULL && strcmp(code, "lead_twice") == 0) {
        rc = rc < 0 ? rc : append_lead_twice(a, out, e, c);
    }
    rc = rc < 0 ? rc : append_ruling(a, out, e, c, is_private, &refs);
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    fb_api_refs_append(out, &refs);
    return rc;
}

/* Is it about what an administrator may not read either? Of a record that is gone the kind tells. */
static int find_private(struct fb_api *a, const struct fb_entity *e, const char *id, bool *ret)
{
    char key[FB_ROW_ID_SIZE] = "";
    struct fb_row record;
    bool is_there = false;
    memcpy(key, id, strnlen(id, FB_ROW_ID_SIZE - 1));
    int rc = fb_row_read(a->store, e, key, a->arena, &record, &is_there);
    *ret = is_there || e->private_field != NULL || e->scope == FB_SCOPE_PRIVATE;
    return rc;
}

/* Its authors see it; others who may read (to rule: edit) the record. */
static int judge(struct desk *d, const struct fb_desk_conflict *c, bool *ret)
{
    struct fb_api *a = d->a;
    struct fb_row record;
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, c->entity);
    bool is_author = (c->mine_by_id != NULL && strcmp(c->mine_by_id, a->me) == 0) ||
                     (c->theirs_by_id != NULL && strcmp(c->theirs_by_id, a->me) == 0);
    *ret = is_author && !d->must_edit;
    d->is_private = false;
    if (*ret || e == NULL) {
        return FB_OK;
    }
    int rc = fb_api_row_now(a, e, c->record_id, d->must_edit ? FB_API_EDIT : FB_API_READ, &record);
    *ret = rc == FB_OK;
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        *ret = fb_api_is_admin(a);
        return *ret ? find_private(a, e, c->record_id, &d->is_private) : FB_OK;
    }
    return rc;
}

static int keep(void *ctx, const struct fb_desk_conflict *c)
{
    struct desk *d = ctx;
    int rc = judge(d, c, &d->is_allowed);
    if (rc < 0 || !d->is_allowed) {
        return rc;
    }
    fb_buf_append_text(&d->out, d->shown++ > 0 ? ",{" : "{");
    rc = fb_api_append_conflict(d->a, &d->out, c, d->is_private);
    fb_buf_append_byte(&d->out, '}');
    return rc < 0 ? rc : fb_buf_error(&d->out);
}

int fb_api_get_conflicts(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct desk d = {.a = &a};
    const char *state = fb_request_query(req, "state");
    const char *id = fb_request_segment(req, 3);
    struct fb_desk_filter filter = {.state = FB_DESK_OPEN,
                                    .id = id,
                                    .entity = fb_request_query(req, "entity"),
                                    .record_id = fb_request_query(req, "row_id"),
                                    .field = fb_request_query(req, "field"),
                                    .employee_id = fb_request_query(req, "who"),
                                    .has_second_decisions = id != NULL,
                                    .count_max = FB_API_PAGE_ROWS_MAX};
    fb_api_begin(&a, web, req, res);
    if (id != NULL) {
        filter.state = FB_DESK_ANY;
    } else if (state != NULL && state[0] != '\0' && !fb_desk_state_parse(state, &filter.state)) {
        return fb_api_bad_request(&a, "state is open, waiting, auto, ruled or any");
    }
    fb_buf_init(&d.out, FB_HTTP_ANSWER_BYTES_MAX);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_desk_list(a.store, &filter, web->now_ms, keep, &d);
    if (rc == FB_OK && id != NULL && d.shown == 0) {
        rc = fb_api_not_found(&a);
    } else if (rc == FB_OK) {
        fb_buf_append_text(a.out, id == NULL ? "{\"rows\":[" : "");
        fb_buf_append(a.out, fb_buf_text(&d.out), d.out.size);
        fb_buf_append_text(a.out, id == NULL ? "],\"next\":null}" : "");
    }
    fb_buf_release(&d.out);
    return rc;
}

/* ---- Rulings ---- */

struct ruling {
    struct fb_api *a;
    struct fb_desk_ruling ruling;
    struct fb_buf failed;
    int done, failed_count;
};

static int note_allowed(void *ctx, const struct fb_desk_conflict *c)
{
    struct desk *d = ctx;
    return judge(d, c, &d->is_allowed);
}

static void note_failure(struct ruling *r, const char *id, const char *code, const char *detail)
{
    fb_buf_append_text(&r->failed, r->failed_count++ > 0 ? ",{" : "{");
    fb_api_append_member(&r->failed, "id", id);
    fb_api_append_member(&r->failed, "code", code);
    fb_api_append_member(&r->failed, "detail", detail);
    fb_buf_append_byte(&r->failed, '}');
}

static int rule_one(struct ruling *r, const char *id)
{
    struct fb_api *a = r->a;
    struct desk d = {.a = a, .must_edit = true};
    const struct fb_desk_filter filter = {
        .state = FB_DESK_ANY, .id = id, .has_second_decisions = true};
    struct fb_why why = {""};
    int rc = fb_desk_list(a->store, &filter, a->web->now_ms, note_allowed, &d);
    if (rc < 0 || !d.is_allowed) {
        note_failure(r, id, "not_found", fb_err_sentence(FB_ERR_NOT_FOUND));
        return rc;
    }
    rc = fb_store_savepoint(a->store);
    rc = rc < 0 ? rc : fb_desk_rule(a->store, id, &r->ruling, a->web->now_ms, &why);
    if (rc == FB_ERR_NOT_FOUND || rc == FB_ERR_EXISTS || rc == FB_ERR_INVALID) {
        note_failure(r, id, rc == FB_ERR_INVALID ? "check" : "changed_since", why.text);
        return fb_store_savepoint_undo(a->store);
    }
    r->done += rc == FB_OK;
    return rc < 0 ? rc : fb_store_savepoint_release(a->store);
}

/* "value": in the API's form, to the form the conflict keeps. */
static int read_typed(struct ruling *r, const struct fb_entity *e, const json_t *value, char **ret)
{
    struct fb_api_checks checks;
    struct fb_api_form f = {
        .a = r->a, .entity = e, .checks = &checks, .prefix = "", .is_own = true};
    FB_AUTO(fb_buf_release) struct fb_buf out;
    const char *name;
    json_t *typed;
    fb_api_checks_init(&checks);
    fb_buf_init(&out, FB_MESSAGE_BYTES_MAX);
    fb_buf_append_byte(&out, '{');
    int rc = FB_OK;
    json_object_foreach((json_t *)(uintptr_t)value, name, typed)
    {
        const struct fb_field *field = NULL;
        struct fb_value v = FB_VALUE_NULL;
        rc = rc < 0 ? rc : fb_api_form_value(&f, name, typed, &field, &v);
        if (rc == FB_OK && field != NULL) {
            fb_api_append_key(&out, name);
            fb_value_append_json(&out, &v);
        }
    }
    fb_buf_append_byte(&out, '}');
    rc = rc < 0 ? rc : fb_api_checks_answer(r->a, &checks);
    fb_api_checks_release(&checks);
    rc = rc < 0 ? rc : fb_buf_error(&out);
    *ret = rc < 0 ? NULL : fb_arena_copy(r->a->arena, fb_buf_text(&out), out.size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

struct entity_of {
    const struct fb_catalogue *catalogue;
    const struct fb_entity *entity;
};

static int note_entity(void *ctx, const struct fb_desk_conflict *c)
{
    struct entity_of *e = ctx;
    e->entity = fb_catalogue_entity(e->catalogue, c->entity);
    return FB_OK;
}

static int read_ruling(struct ruling *r, const json_t *body, const char *first_id)
{
    struct fb_api *a = r->a;
    const char *keep_word = json_string_value(json_object_get(body, "keep"));
    const json_t *value = json_object_get(body, "value");
    r->ruling.note = json_string_value(json_object_get(body, "note"));
    r->ruling.by_id = a->me[0] == '\0' ? NULL : a->me;
    r->ruling.may_replace = true;
    if (!json_is_object(value)) {
        return keep_word != NULL && fb_desk_keep_parse(keep_word, &r->ruling.keep)
                   ? FB_OK
                   : fb_api_bad_request(a, "keep is base, theirs, mine, later or undo");
    }
    struct entity_of of = {.catalogue = a->catalogue};
    const struct fb_desk_filter filter = {
        .state = FB_DESK_ANY, .id = first_id, .has_second_decisions = true};
    char *typed = NULL;
    int rc = fb_desk_list(a->store, &filter, a->web->now_ms, note_entity, &of);
    if (rc == FB_OK && of.entity == NULL) {
        return fb_api_not_found(a);
    }
    rc = rc < 0 ? rc : read_typed(r, of.entity, value, &typed);
    r->ruling.keep = FB_DESK_VALUE;
    r->ruling.value = typed;
    return rc;
}

int fb_api_post_rule(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct ruling r = {.a = &a};
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    const json_t *ids = json_object_get(body, "ids");
    size_t count = json_array_size(ids);
    if (rc == FB_OK && (count == 0 || count > FB_API_BULK_ROWS_MAX)) {
        return fb_api_bad_request(&a, "ids: 1 to %d conflicts", FB_API_BULK_ROWS_MAX);
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (id == NULL || !fb_id_is_valid(id, strlen(id))) {
            return fb_api_bad_request(&a, "ids: a list of ids");
        }
    }
    fb_buf_init(&r.failed, FB_HTTP_ANSWER_BYTES_MAX);
    rc = rc < 0 ? rc : read_ruling(&r, body, json_string_value(json_array_get(ids, 0)));
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = rule_one(&r, json_string_value(json_array_get(ids, i)));
    }
    rc = rc < 0 ? rc : fb_api_end_write(&a);
    if (rc == FB_OK) {
        fb_buf_printf(a.out, "{\"done\":%d,\"failed\":[", r.done);
        fb_buf_append(a.out, fb_buf_text(&r.failed), r.failed.size);
        fb_buf_append_text(a.out, "]}");
    }
    fb_buf_release(&r.failed);
    return rc;
}
