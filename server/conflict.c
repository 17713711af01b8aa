/* SPDX-License-Identifier: MIT
 *
 * What happened to an edit, as rows: a conflict keeps base, theirs and mine; a held_change keeps what could not be applied; a receipt
 * tells the author of an edit that does not stand as he wrote it. An edit that simply stood has no row.
 */
#include "server/internal.h"

const char *fb_held_reason_name(enum fb_held_reason reason)
{
    static const char *const NAMES[] = {
        [FB_HELD_RIGHT] = "right",
        [FB_HELD_FIELD_RIGHT] = "field_right",
        [FB_HELD_TYPE] = "type",
        [FB_HELD_RULE] = "rule",
        [FB_HELD_OUT_OF_SCOPE] = "out_of_scope",
        [FB_HELD_MISSING_ROW] = "missing_row",
        [FB_HELD_LOCKED] = "locked",
        [FB_HELD_NOT_ALLOWED_STEP] = "not_allowed_step",
    };
    return NAMES[reason];
}

static int add_to(struct fb_work *w, struct fb_work_row *row, const struct fb_conflict *c,
                  struct fb_conflict **list)
{
    struct fb_conflict *kept = fb_arena_alloc(w->arena, sizeof *kept);
    if (kept == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *kept = *c;
    kept->entity = row->entity;
    kept->row_id = row->id;
    kept->next = *list;
    *list = kept;
    return FB_OK;
}

int fb_conflict_add(struct fb_work *w, struct fb_work_row *row, const struct fb_conflict *c)
{
    return add_to(w, row, c, &row->conflicts);
}

int fb_conflict_keep(struct fb_work *w, struct fb_work_row *row, const struct fb_conflict *c)
{
    return add_to(w, row, c, &row->kept_conflicts);
}

/* ---- Open conflicts of the device (rule 17) ---- */

static const char *copy_text(struct fb_work *w, const struct fb_sql *q, int at)
{
    const char *text = fb_sql_text(q, at);
    return fb_arena_strdup(w->arena, text == NULL ? "" : text);
}

static int read_open_conflicts(struct fb_work *w)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store,
                          "SELECT id, record_id, field_group, mine, entity FROM conflict"
                          " WHERE outcome = 'waiting' AND device_id = ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, w->source.device_id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_conflict *c = fb_arena_alloc(w->arena, sizeof *c);
        if (c == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        c->replaces_id = copy_text(w, q, 0);
        c->row_id = copy_text(w, q, 1);
        c->group = copy_text(w, q, 2);
        c->mine = copy_text(w, q, 3);
        const char *entity = fb_sql_text(q, 4);
        c->entity = entity == NULL ? NULL : fb_catalogue_entity(w->catalogue, entity);
        if (c->replaces_id == NULL || c->row_id == NULL || c->group == NULL || c->mine == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        c->next = w->open_conflicts;
        w->open_conflicts = c;
    }
    w->has_open_conflicts = rc >= 0;
    return rc < 0 ? rc : FB_OK;
}

int fb_conflict_find_open(struct fb_work *w, struct fb_work_row *row, const char *group,
                          const char *base_json, const char **ret_id)
{
    bool is_known =
        w->source.device_id != NULL && fb_catalogue_entity(w->catalogue, "conflict") != NULL;
    *ret_id = NULL;
    if (!is_known || FB_BUG(CONFLICT_MINE_NOT_REPLACED)) {
        return FB_OK;
    }
    int rc = w->has_open_conflicts ? FB_OK : read_open_conflicts(w);
    for (const struct fb_conflict *c = w->open_conflicts; rc == FB_OK && c != NULL; c = c->next) {
        if (c->entity == row->entity && strcmp(c->row_id, row->id) == 0 &&
            strcmp(c->group, group) == 0 && strcmp(c->mine, base_json) == 0) {
            *ret_id = c->replaces_id;
            break;
        }
    }
    return rc;
}

/* ---- Rows ---- */

/* A small writer: the first failure sticks. */
struct row_writer {
    struct fb_work *w;
    struct fb_work_row *row;
    int rc;
};

static void set_text(struct row_writer *r, const char *field, const char *text)
{
    r->rc = r->rc < 0 ? r->rc : fb_work_set_text(r->w, r->row, field, text);
}

static void set_instant(struct row_writer *r, const char *field, int64_t ms)
{
    r->rc = r->rc < 0 ? r->rc : fb_work_set_instant(r->w, r->row, field, ms);
}

static int replace_mine(struct fb_work *w, const struct fb_entity *e, const struct fb_conflict *c)
{
    struct row_writer r = {.w = w};
    r.rc = fb_work_row(w, e, c->replaces_id, &r.row);
    if (r.rc < 0 || !r.row->is_here) {
        return r.rc;
    }
    set_text(&r, "mine", c->mine);
    set_text(&r, "theirs", c->theirs);
    set_instant(&r, "mine_at", c->mine_at_ms);
    return r.rc;
}

static int write_conflict(struct fb_work *w, const struct fb_conflict *c)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "conflict");
    if (e == NULL) {
        return FB_OK;
    }
    if (c->replaces_id != NULL) {
        return replace_mine(w, e, c);
    }
    struct row_writer r = {.w = w};
    r.rc = fb_work_add(w, e, &r.row);
    set_text(&r, "entity", c->entity->name);
    set_text(&r, "record_id", c->row_id);
    set_text(&r, "field_group", c->group);
    set_text(&r, "base", c->base);
    set_text(&r, "theirs", c->theirs);
    set_text(&r, "mine", c->mine);
    set_text(&r, "theirs_by_id", c->theirs_author.employee_id);
    set_instant(&r, "theirs_at", c->theirs_author.edited_at_ms);
    set_text(&r, "mine_by_id", w->source.employee_id);
    set_text(&r, "device_id", w->source.device_id);
    set_instant(&r, "mine_at", c->mine_at_ms);
    set_text(&r, "policy", c->policy);
    set_text(&r, "outcome", c->outcome);
    set_text(&r, "reason", c->reason);
    if (strcmp(c->outcome, "waiting") == 0) {
        w->hub->counters.conflicts_open++;
    } else {
        w->hub->counters.conflicts_settled++;
    }
    return r.rc;
}

int fb_receipt_write(struct fb_work *w, const char *entity, const char *row_id, const char *state,
                     const char *detail)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "receipt");
    if (e == NULL || w->source.employee_id == NULL || w->source.device_id == NULL) {
        return FB_OK;
    }
    struct row_writer r = {.w = w};
    struct fb_value push = fb_value_int(w->source.push);
    r.rc = fb_work_add(w, e, &r.row);
    set_text(&r, "device_id", w->source.device_id);
    r.rc = r.rc < 0 ? r.rc : fb_work_set_named(w, r.row, "push", &push);
    set_text(&r, "entity", entity);
    set_text(&r, "record_id", row_id);
    set_text(&r, "by_id", w->source.employee_id);
    set_text(&r, "state", state);
    set_text(&r, "detail", detail);
    set_instant(&r, "at", w->now_ms);
    return r.rc;
}

/* {"fields":["phone",...]}: what does not stand as it was written. */
static int write_amended(struct fb_work *w, const struct fb_work_row *row)
{
    bool is_amended = false;
    fb_buf_clear(&w->text);
    fb_buf_append_text(&w->text, "{\"fields\":[");
    for (const struct fb_conflict *c = row->conflicts; c != NULL; c = c->next) {
        if (c->is_amended) {
            fb_buf_printf(&w->text, "%s\"%s\"", is_amended ? "," : "", c->group);
            is_amended = true;
        }
    }
    fb_buf_append_text(&w->text, "]}");
    if (!is_amended) {
        return FB_OK;
    }
    const char *detail = fb_arena_strdup(w->arena, fb_buf_text(&w->text));
    return detail == NULL ? FB_ERR_NO_MEMORY
                          : fb_receipt_write(w, row->entity->name, row->id, "amended", detail);
}

/* ---- Held ---- */

struct held {
    const char *entity;
    const char *row_id;
    const char *changes;
    enum fb_held_reason reason;
    const char *sentence;
};

static int write_held(struct fb_work *w, const struct held *h)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "held_change");
    if (e == NULL || FB_BUG(HELD_CHANGE_DROPPED)) {
        return FB_OK;
    }
    struct row_writer r = {.w = w};
    r.rc = w->source.held_id == NULL ? fb_work_add(w, e, &r.row)
                                     : fb_work_row(w, e, w->source.held_id, &r.row);
    if (r.rc < 0 || !r.row->is_here) {
        return r.rc;
    }
    set_text(&r, "state", "waiting");
    set_text(&r, "reason", fb_held_reason_name(h->reason));
    set_text(&r, "reason_text", h->sentence);
    set_text(&r, "changes", h->changes);
    if (w->source.held_id != NULL) {
        return r.rc;
    }
    set_text(&r, "entity", h->entity);
    set_text(&r, "record_id", h->row_id);
    set_text(&r, "device_id", w->source.device_id);
    set_text(&r, "by_id", w->source.employee_id);
    w->hub->counters.held++;
    return r.rc < 0 ? r.rc : fb_receipt_write(w, h->entity, h->row_id, "held", NULL);
}

static int hold_aggregate(struct fb_work *w, const struct fb_aggregate *a)
{
    struct held h = {
        .entity = a->entity->name, .row_id = a->id, .reason = a->reason, .sentence = a->sentence};
    int rc = fb_held_json(w, a, &h.changes);
    return rc < 0 ? rc : write_held(w, &h);
}

static int hold_stray(struct fb_work *w, const struct fb_change *c)
{
    const struct fb_entity *e = fb_catalogue_entity_no(w->catalogue, c->entity_no);
    struct held h = {.row_id = c->row_id,
                     .reason = FB_HELD_TYPE,
                     .sentence = e == NULL
                                     ? fb_text("Headquarters does not know this kind of record.")
                                     : fb_text("The record came twice in one push.")};
    h.entity = e != NULL ? e->name : fb_arena_printf(w->arena, "#%u", (unsigned)c->entity_no);
    if (h.entity == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_held_stray_json(w, c, &h.changes);
    return rc < 0 ? rc : write_held(w, &h);
}

/* A push nobody could apply or even read. */
static int hold_whole(struct fb_work *w)
{
    char id[FB_ROW_ID_SIZE];
    fb_id_make(w->now_ms, &w->hub->random, id);
    struct held h = {
        .entity = "push", .row_id = id, .reason = FB_HELD_TYPE, .sentence = w->source.whole_error};
    int rc = fb_held_push_json(w, w->whole, w->whole_count, &h.changes);
    return rc < 0 ? rc : write_held(w, &h);
}

/* A held change that was tried again and stands now, or cannot be read. */
static int settle_held(struct fb_work *w, bool is_held_again)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "held_change");
    struct row_writer r = {.w = w};
    if (e == NULL || w->source.held_id == NULL) {
        return FB_OK;
    }
    r.rc = fb_work_row(w, e, w->source.held_id, &r.row);
    if (r.rc < 0 || !r.row->is_here) {
        return r.rc;
    }
    if (w->source.held_error != NULL) {
        set_text(&r, "state", "waiting");
        set_text(&r, "reason_text", w->source.held_error);
    } else if (!is_held_again) {
        if (fb_row_has_text(&r.row->now, "state", "waiting")) {
            set_text(&r, "state", "retried"); /* by itself: the row it lacked came back */
        }
        set_instant(&r, "decided_at", w->now_ms);
    }
    return r.rc;
}

int fb_conflict_write_all(struct fb_work *w)
{
    size_t count = w->row_count;
    bool is_held = false;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        while (row->kept_conflicts != NULL) {
            struct fb_conflict *c = row->kept_conflicts;
            row->kept_conflicts = c->next;
            c->next = row->conflicts;
            row->conflicts = c;
        }
        for (const struct fb_conflict *c = row->conflicts; rc == FB_OK && c != NULL; c = c->next) {
            rc = write_conflict(w, c);
        }
        rc = rc == FB_OK && row->conflicts != NULL ? write_amended(w, row) : rc;
    }
    for (const struct fb_aggregate *a = w->aggregates; rc == FB_OK && a != NULL; a = a->next) {
        is_held = is_held || a->is_held;
        rc = a->is_held ? hold_aggregate(w, a) : FB_OK;
    }
    for (size_t i = 0; rc == FB_OK && i < w->stray_count; i++) {
        is_held = true;
        rc = hold_stray(w, w->strays[i]);
    }
    if (rc == FB_OK && w->source.whole_error != NULL) {
        is_held = true;
        rc = hold_whole(w);
    }
    return rc < 0 ? rc : settle_held(w, is_held);
}
