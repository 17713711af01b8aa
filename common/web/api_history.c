/* SPDX-License-Identifier: MIT
 *
 * A record's history: at headquarters the log, on a laptop what it has not sent yet. And the recycle bin.
 */
#include <stdlib.h>
#include <string.h>

#include "common/store/history_entry.h"
#include "common/sync/sync.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

#define HISTORY_ROWS 50

/* ---- Rows whose authors are found before they are written ---- */

struct told {
    const char *employee_id, *device_id; /* "" */
    const char *json;                    /* members that need no title */
};

struct telling {
    struct fb_api *a;
    const struct fb_entity *entity;
    struct fb_api_refs refs;
    struct told *rows;
    size_t count, capacity;
    int64_t last_seq;
    size_t limit;
    bool has_more;
};

static int keep(struct telling *t, const char *employee_id, const char *device_id,
                const struct fb_buf *json)
{
    struct fb_api *a = t->a;
    struct told *rows = fb_arena_grow(a->arena, t->rows, t->count, &t->capacity, sizeof *rows);
    if (rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    t->rows = rows;
    struct told *row = &rows[t->count++];
    row->employee_id = fb_arena_strdup(a->arena, employee_id);
    row->device_id = fb_arena_strdup(a->arena, device_id);
    row->json = fb_arena_copy(a->arena, fb_buf_text(json), json->size);
    if (row->employee_id == NULL || row->device_id == NULL || row->json == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct fb_value who = fb_value_text(row->employee_id);
    struct fb_value device = fb_value_text(row->device_id);
    int rc = fb_buf_error(json);
    rc = rc < 0 ? rc
                : fb_api_refs_add(a, &t->refs, fb_catalogue_entity(a->catalogue, "employee"), &who);
    return rc < 0
               ? rc
               : fb_api_refs_add(a, &t->refs, fb_catalogue_entity(a->catalogue, "device"), &device);
}

static const char *title_of(const struct telling *t, const char *entity, const char *id)
{
    const struct fb_api_ref *ref =
        id[0] == '\0'
            ? NULL
            : fb_api_refs_find(&t->refs, fb_catalogue_entity(t->a->catalogue, entity), id);
    return ref == NULL ? NULL : ref->title;
}

static void append_instant(struct fb_buf *out, const char *name, int64_t ms)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(ms, text);
    fb_api_append_member(out, name, text);
}

static void append_field(const struct telling *t, struct fb_buf *out, const struct fb_field *f,
                         const struct fb_value *old, const struct fb_value *now, int *count)
{
    if (!fb_api_sees_field(t->a, t->entity, f)) {
        return;
    }
    fb_buf_append_text(out, (*count)++ > 0 ? ",{" : "{");
    fb_api_append_member(out, "field", f->name);
    fb_api_append_key(out, "old");
    fb_api_append_value(out, f, old);
    fb_api_append_key(out, "new");
    fb_api_append_value(out, f, now);
    fb_buf_append_byte(out, '}');
}

static int append_rows(struct telling *t, const char *who_name)
{
    struct fb_buf *out = t->a->out;
    int rc = fb_api_refs_resolve(t->a, &t->refs);
    fb_buf_append_text(out, "{\"rows\":[");
    for (size_t i = 0; rc == FB_OK && i < t->count; i++) {
        fb_buf_append_text(out, i > 0 ? ",{" : "{");
        fb_api_append_member(out, who_name, title_of(t, "employee", t->rows[i].employee_id));
        if (strcmp(who_name, "who") == 0) {
            fb_api_append_member(out, "device", title_of(t, "device", t->rows[i].device_id));
        }
        fb_buf_printf(out, ",%s}", t->rows[i].json);
    }
    fb_buf_append_byte(out, ']');
    if (t->has_more) {
        fb_buf_printf(out, ",\"next\":\"%lld\"}", (long long)t->last_seq);
    } else {
        fb_buf_append_text(out, ",\"next\":null}");
    }
    return rc;
}

static int read_before(struct fb_api *a, int64_t *ret)
{
    const char *text = fb_request_query(a->req, "cursor");
    char *end = NULL;
    *ret = text == NULL || text[0] == '\0' ? 0 : strtoll(text, &end, 10);
    return end != NULL && (*end != '\0' || *ret <= 0)
               ? fb_api_bad_request(a, "cursor: it belongs to another list")
               : FB_OK;
}

/* ---- Headquarters ---- */

static const char *op_name(enum fb_log_op op)
{
    return op == FB_LOG_OP_INSERT    ? "made"
           : op == FB_LOG_OP_DELETE  ? "deleted"
           : op == FB_LOG_OP_RESTORE ? "restored"
                                     : "changed";
}

static int keep_entry(void *ctx, const struct fb_history_entry *entry)
{
    struct telling *t = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf json;
    int count = 0;
    if (t->count == t->limit) {
        t->has_more = true;
        return FB_OK;
    }
    fb_buf_init(&json, FB_MESSAGE_BYTES_MAX);
    append_instant(&json, "made_at", entry->made_at_ms);
    append_instant(&json, "arrived_at", entry->arrived_at_ms);
    fb_api_append_member(&json, "source",
                         entry->device_id[0] != '\0'     ? "laptop"
                         : entry->employee_id[0] != '\0' ? "page"
                                                         : "tool");
    fb_api_append_member(&json, "kind", op_name(entry->op));
    fb_buf_append_text(&json, ",\"fields\":[");
    for (size_t i = 0; i < entry->value_count; i++) {
        const struct fb_history_value *v = &entry->values[i];
        append_field(t, &json, v->field, &v->old, &v->now, &count);
    }
    fb_buf_append_byte(&json, ']');
    t->last_seq = entry->seq;
    return keep(t, entry->employee_id, entry->device_id, &json);
}

/* ---- A laptop: what it has not sent, or what is not answered yet ---- */

static int keep_change(void *ctx, const struct fb_change *change, int64_t push_number)
{
    struct telling *t = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf json;
    int count = 0;
    fb_buf_init(&json, FB_MESSAGE_BYTES_MAX);
    append_instant(&json, "made_at", change->edited_at_ms);
    fb_api_append_member(&json, "arrived_at", NULL);
    fb_api_append_member(&json, "source", push_number > 0 ? "sending" : "unsent");
    fb_api_append_member(&json, "kind",
                         change->op == FB_CHANGE_INSERT   ? "made"
                         : change->op == FB_CHANGE_DELETE ? "deleted"
                                                          : "changed");
    fb_buf_append_text(&json, ",\"fields\":[");
    for (size_t i = 0; change->op == FB_CHANGE_UPDATE && i < change->field_count; i++) {
        const struct fb_field_change *c = &change->fields[i];
        const struct fb_field *f = fb_entity_field_no(t->entity, c->field_no);
        if (f != NULL && !fb_value_equal(&c->base, &c->mine)) {
            append_field(t, &json, f, &c->base, &c->mine, &count);
        }
    }
    fb_buf_append_byte(&json, ']');
    return change->op == FB_CHANGE_NAMED ? FB_OK : keep(t, t->a->me, "", &json);
}

int fb_api_get_history(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct telling t = {.a = &a, .limit = HISTORY_ROWS};
    const char *id = NULL;
    struct fb_row row;
    int64_t before = 0;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &t.entity);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    rc = rc < 0 ? rc : fb_api_row_now(&a, t.entity, id, FB_API_READ, &row);
    rc = rc < 0 ? rc : read_before(&a, &before);
    if (rc == FB_OK && web->node == FB_NODE_SERVER) {
        rc = fb_history_entries(a.store, t.entity, id, before, HISTORY_ROWS + 1, keep_entry, &t);
    } else if (rc == FB_OK) {
        rc = fb_unsent_each(a.store, t.entity, id, keep_change, &t);
    }
    return rc < 0 ? rc : append_rows(&t, "who");
}

/* ---- The bin ---- */

static int keep_bin(void *ctx, const struct fb_bin_entry *entry)
{
    struct telling *t = ctx;
    struct fb_api *a = t->a;
    FB_AUTO(fb_buf_release) struct fb_buf json;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    struct fb_row row;
    if (t->count == t->limit) {
        t->has_more = true;
        return FB_OK;
    }
    fb_buf_init(&json, FB_MESSAGE_BYTES_MAX);
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    int rc = fb_row_from_json(entry->entity, entry->row_id, entry->image, entry->image_size,
                              a->arena, &row);
    t->last_seq = entry->cause;
    rc = rc < 0 ? rc : fb_api_may_row(a, &row, FB_API_READ);
    if (rc < 0 && a->res->status >= 400) {
        a->res->status = 0; /* not for this person */
        fb_buf_clear(a->out);
        return FB_OK;
    }
    rc = rc < 0 ? rc : fb_api_append_title(&title, &row);
    fb_api_append_member(&json, "entity", entry->entity->name);
    fb_api_append_member(&json, "id", entry->row_id);
    fb_api_append_key(&json, "title");
    fb_api_append_text(&json, fb_buf_text(&title), title.size);
    append_instant(&json, "deleted_at", entry->deleted_at_ms);
    fb_buf_printf(&json, ",\"with\":%lld", (long long)entry->with);
    return rc < 0 ? rc : keep(t, entry->employee_id, "", &json);
}

int fb_api_get_bin(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct telling t = {.a = &a, .limit = HISTORY_ROWS};
    const char *name = fb_request_query(req, "entity");
    int64_t before = 0;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    if (rc == FB_OK && name != NULL && name[0] != '\0') {
        t.entity = fb_catalogue_entity(a.catalogue, name);
        rc = t.entity == NULL ? fb_api_not_found(&a) : FB_OK;
    }
    rc = rc < 0 ? rc : read_before(&a, &before);
    rc = rc < 0 ? rc : fb_bin_list(a.store, t.entity, before, HISTORY_ROWS + 1, keep_bin, &t);
    return rc < 0 ? rc : append_rows(&t, "by");
}

/* ---- Back out of the bin ---- */

static int restore_cause(struct fb_api *a, int64_t cause, int depth);

/* What the row cannot be without comes back too: its parent, and whatever a required reference names. */
static int restore_above(struct fb_api *a, const struct fb_row *row, int depth)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        const struct fb_entity *target = fb_row_target(row, f);
        char id[FB_ROW_ID_SIZE];
        bool is_here = false;
        int64_t cause = 0;
        if (target == NULL || !fb_value_to_id(&row->values[i], id)) {
            continue;
        }
        rc = fb_row_exists(a->store, target, id, &is_here);
        if (rc == FB_OK && !is_here) {
            rc = fb_bin_cause(a->store, target, id, &cause);
            rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc < 0 ? rc : restore_cause(a, cause, depth + 1);
        }
    }
    return rc;
}

static int restore_cause(struct fb_api *a, int64_t cause, int depth)
{
    struct fb_row *rows = NULL;
    size_t count = 0;
    if (depth > 8) {
        return FB_OK;
    }
    int rc = fb_bin_rows(a->store, cause, a->arena, &rows, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        bool is_here = false;
        rc = restore_above(a, &rows[i], depth);
        rc = rc < 0 ? rc : fb_row_exists(a->store, rows[i].entity, rows[i].id, &is_here);
        rc = rc < 0 || is_here ? rc : fb_row_insert(a->store, &rows[i]);
    }
    return rc;
}

int fb_api_post_restore(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const struct fb_entity *e = NULL;
    const char *id = NULL;
    int64_t cause = 0;
    struct fb_row *rows = NULL;
    size_t count = 0;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &e);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    rc = rc < 0 ? rc : fb_bin_cause(a.store, e, id, &cause);
    rc = rc < 0 ? rc : fb_bin_rows(a.store, cause, a.arena, &rows, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = strcmp(rows[i].id, id) == 0 ? fb_api_may_row(&a, &rows[i], FB_API_DELETE) : FB_OK;
    }
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    rc = rc < 0 ? rc : restore_cause(&a, cause, 0);
    rc = rc < 0 ? rc : fb_api_end_write(&a);
    return rc < 0 ? rc : fb_api_then_record(&a, e, id, 200, NULL);
}
