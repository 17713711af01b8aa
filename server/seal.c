/* SPDX-License-Identifier: MIT
 *
 * Local writes at headquarters (pages, import, command line, stock tools) become a rev: logged, stamped, with their scopes and
 * digests. The tables hold the new rows already; what they were comes from the journal. Deletes go last and take along what is
 * below (one cause).
 */
#include "server/internal.h"

#define BATCH_ROWS 2000

struct sealing {
    struct fb_hub *hub;
    struct fb_work work; /* of the batch */
    struct fb_arena arena;
    struct fb_arena deletes_arena;
    struct fb_change *deletes;
    size_t delete_count, delete_capacity;
    int64_t rev;
    int64_t now_ms;
    struct fb_source source; /* a person at headquarters' pages, or a tool */
    bool is_bin_empty;
};

static void begin_batch(struct sealing *s)
{
    fb_work_init(&s->work, s->hub, &s->arena, &s->source, s->now_ms);
    s->work.is_seal = true;
    s->work.is_bin_empty = s->is_bin_empty;
    s->work.rev = s->rev;
}

static int end_batch(struct sealing *s)
{
    int rc = fb_work_write(&s->work);
    s->hub->counters.sealed_rows += (int64_t)s->work.row_count;
    fb_work_release(&s->work);
    fb_arena_clear(&s->arena);
    begin_batch(s);
    return rc;
}

static int64_t clamp(const struct sealing *s, int64_t edited_at_ms)
{
    return edited_at_ms > s->now_ms || edited_at_ms <= 0 ? s->now_ms : edited_at_ms;
}

/* before is now with the old values of the change. */
static int overlay(struct sealing *s, struct fb_work_row *row, const struct fb_change *c)
{
    const struct fb_entity *e = row->entity;
    struct fb_value *values = fb_arena_alloc(&s->arena, (e->field_count + 1) * sizeof *values);
    if (values == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    row->before = row->now;
    row->before.values = values;
    memcpy(values, row->now.values, e->field_count * sizeof *values);
    for (size_t i = 0; i < c->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(e, c->fields[i].field_no);
        const struct fb_value *base = &c->fields[i].base;
        if (f == NULL || base->type == FB_ABSENT ||
            fb_value_equal(base, &row->now.values[f->index])) {
            continue;
        }
        int rc = fb_value_copy(&s->arena, base, &values[f->index]);
        if (rc < 0) {
            return rc;
        }
        fb_mask_put(row->mask, f->index);
        row->has_changes = true;
    }
    return FB_OK;
}

static int seal_present(struct sealing *s, const struct fb_entity *e, const struct fb_change *c)
{
    struct fb_row now;
    bool is_found = false;
    int rc = fb_row_read(s->hub->store, e, c->row_id, &s->arena, &now, &is_found);
    if (rc < 0 || !is_found) {
        return rc;
    }
    struct fb_work_row *row = NULL;
    bool is_new = false;
    rc = fb_work_row_unread(&s->work, e, c->row_id, &row, &is_new);
    if (rc < 0) {
        return rc;
    }
    row->now = now;
    row->is_here = true;
    row->is_stored = true;
    row->was_here = c->op == FB_CHANGE_UPDATE;
    row->edited_at_ms = clamp(s, c->edited_at_ms);
    rc = row->was_here ? overlay(s, row, c) : FB_OK;
    rc = rc < 0 ? rc : fb_stage_history_add(&s->work, row);
    return rc == FB_OK && s->work.row_count >= BATCH_ROWS ? end_batch(s) : rc;
}

static int keep_delete(struct sealing *s, const struct fb_change *c)
{
    struct fb_change *list = fb_arena_grow(&s->deletes_arena, s->deletes, s->delete_count,
                                           &s->delete_capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    s->deletes = list;
    struct fb_change *kept = &list[s->delete_count];
    *kept = *c;
    kept->fields = fb_arena_alloc(&s->deletes_arena, (c->field_count + 1) * sizeof *kept->fields);
    if (kept->fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < c->field_count; i++) {
        kept->fields[i] = (struct fb_field_change){.field_no = c->fields[i].field_no};
        int rc = fb_value_copy(&s->deletes_arena, &c->fields[i].base, &kept->fields[i].base);
        if (rc < 0) {
            return rc;
        }
    }
    s->delete_count++;
    return FB_OK;
}

static int seal_change(void *ctx, const struct fb_change *c)
{
    struct sealing *s = ctx;
    const struct fb_entity *e = fb_catalogue_entity_no(s->work.catalogue, c->entity_no);
    if (e == NULL || e->scope == FB_SCOPE_DEVICE_ONLY || c->op == FB_CHANGE_NAMED) {
        return FB_OK;
    }
    return c->op == FB_CHANGE_DELETE ? keep_delete(s, c) : seal_present(s, e, c);
}

/* ---- Deletes ---- */

static int meet_deleted(struct sealing *s, const struct fb_change *c)
{
    const struct fb_entity *e = fb_catalogue_entity_no(s->work.catalogue, c->entity_no);
    struct fb_work_row *row = NULL;
    bool is_new = false;
    int rc = fb_work_row_unread(&s->work, e, c->row_id, &row, &is_new);
    rc = rc < 0 ? rc : fb_row_new(e, row->id, &s->arena, &row->before);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < e->field_count; i++) {
        row->before.values[i] = FB_VALUE_NULL;
    }
    for (size_t i = 0; i < c->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(e, c->fields[i].field_no);
        if (f != NULL && c->fields[i].base.type != FB_ABSENT) {
            row->before.values[f->index] = c->fields[i].base;
        }
    }
    row->was_here = true;
    row->is_stored = true;
    row->now = row->before;
    row->edited_at_ms = clamp(s, c->edited_at_ms);
    return FB_OK;
}

/* The deleted row it hung on; NULL: it is a topmost one. */
static struct fb_work_row *deleted_above(struct fb_work *w, const struct fb_work_row *row)
{
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        const struct fb_entity *target = fb_row_target(&row->before, f);
        char id[FB_ROW_ID_SIZE];
        if (target == NULL || !fb_family_is_below(&row->before, f) ||
            !fb_value_to_id(&row->before.values[f->index], id)) {
            continue;
        }
        struct fb_work_row *above = fb_work_find(w, target, id);
        if (above != NULL && above != row && above->was_here && !above->is_here) {
            return above;
        }
    }
    return NULL;
}

static int seal_deletes(struct sealing *s)
{
    struct fb_work *w = &s->work;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < s->delete_count; i++) {
        rc = meet_deleted(s, &s->deletes[i]);
    }
    size_t count = w->row_count;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_work_row *top = w->rows[i];
        struct fb_work_row *above = deleted_above(w, top);
        for (int depth = 0; above != NULL && depth < 16; depth++) {
            top = above;
            above = deleted_above(w, top);
        }
        w->rows[i]->delete_top = top;
    }
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = fb_ingest_cascade(w, w->rows[i]);
    }
    return rc;
}

/* ---- The rev ---- */

static int find_bin_empty(struct fb_hub *hub, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(hub->store, "SELECT EXISTS (SELECT 1 FROM fb_bin)", &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    *ret = rc == FB_SQL_ROW && fb_sql_int(q, 0) == 0;
    return rc < 0 ? rc : FB_OK;
}

static int seal_all(struct sealing *s)
{
    int rc = fb_journal_each(s->hub->store, seal_change, s);
    rc = rc < 0 ? rc : end_batch(s);
    rc = rc < 0 ? rc : seal_deletes(s);
    rc = rc < 0 ? rc : end_batch(s);
    rc = rc < 0 ? rc : fb_ruling_play(s->hub, &s->source, s->rev, s->now_ms);
    rc = rc < 0 ? rc : fb_merging_play(s->hub, &s->source, s->rev, s->now_ms);
    rc = rc < 0 ? rc : fb_duplicates_play(s->hub, &s->source, s->rev, s->now_ms);
    return rc < 0 ? rc : fb_journal_clear(s->hub->store);
}

int fb_hub_seal_as(struct fb_hub *hub, const char *employee_id, int64_t now_ms)
{
    struct sealing s = {.hub = hub, .now_ms = now_ms, .source = {.employee_id = employee_id}};
    struct fb_rev rev = {.at_ms = now_ms, .employee_id = employee_id};
    int rc = fb_family_update(&hub->family, fb_store_catalogue(hub->store));
    rc = rc < 0 ? rc : find_bin_empty(hub, &s.is_bin_empty);
    rc = rc < 0 ? rc : fb_history_begin(hub->store, &rev);
    if (rc < 0) {
        return rc;
    }
    s.rev = rev.rev;
    fb_scope_cache_clear(hub->scopes); /* a tool may have moved what others follow */
    begin_batch(&s);
    rc = seal_all(&s);
    fb_work_release(&s.work);
    fb_arena_release(&s.arena);
    fb_arena_release(&s.deletes_arena);
    rc = rc < 0 ? rc : fb_history_end(hub->store);
    hub->counters.revs++;
    return rc;
}

int fb_hub_seal(struct fb_hub *hub, int64_t now_ms)
{
    return fb_hub_seal_as(hub, NULL, now_ms);
}

/* ---- A person at the pages: what tools wrote first, then what the person does, in one transaction ---- */

static int seal_if_any(struct fb_hub *hub, const char *employee_id, int64_t now_ms)
{
    bool has_journal = false;
    int rc = fb_journal_has_changes(hub->store, &has_journal);
    if (rc < 0 || !has_journal) {
        return rc;
    }
    fb_store_capture(hub->store, false);
    rc = fb_hub_seal_as(hub, employee_id, now_ms);
    rc = rc < 0 ? rc : fb_held_play(hub, now_ms);
    fb_store_capture(hub->store, true);
    return rc;
}

int fb_hub_write_begin(struct fb_hub *hub, int64_t now_ms)
{
    fb_decisions_forget(hub); /* of a write that was rolled back */
    hub->has_open_write = true;
    return seal_if_any(hub, NULL, now_ms);
}

int fb_hub_write_end(struct fb_hub *hub, const char *employee_id, int64_t now_ms)
{
    return seal_if_any(hub, employee_id[0] == '\0' ? NULL : employee_id, now_ms);
}
