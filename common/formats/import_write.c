/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/formats/import_line.h"

/* The time in the ids moves on with the rows, about as fast as they are written: ids that are near each other are
 * neighbours in the indexes, which is a third of an import's time. */
#define ROWS_PER_MS 32

static void fill_from_stock(void *ctx, void *bytes, size_t size)
{
    struct fb_import_work *w = ctx;
    fb_assert(size <= sizeof(w->random_bytes));
    if (w->random_left < size) {
        w->options->random.fill(w->options->random.ctx, w->random_bytes, sizeof(w->random_bytes));
        w->random_left = sizeof(w->random_bytes);
    }
    w->random_left -= size;
    memcpy(bytes, w->random_bytes + w->random_left, size);
}

void fb_import_make_id(struct fb_import_work *w, char ret_id[static FB_ROW_ID_SIZE])
{
    const struct fb_random stock = {.fill = fill_from_stock, .ctx = w};
    fb_id_make(w->options->now_ms + w->ids_made++ / ROWS_PER_MS, &stock, ret_id);
}

static int write_key(struct fb_import_work *w, struct fb_plan *plan)
{
    const struct fb_entity *e = w->key_entity;
    struct fb_value values[FB_FIELDS_MAX] = {{.type = FB_ABSENT}};
    struct fb_row row = {.entity = e, .values = values};
    fb_import_make_id(w, row.id);
    for (size_t i = 0; i < e->field_count; i++) {
        values[i] = FB_VALUE_NULL;
    }
    values[fb_entity_field(e, "system")->index] = fb_value_text(plan->rule->system);
    values[fb_entity_field(e, "external_id")->index] = fb_value_text(plan->code);
    values[fb_entity_field(e, "entity")->index] = fb_value_text(plan->row.entity->name);
    values[fb_entity_field(e, "record_id")->index] = fb_value_text(plan->row.id);
    memcpy(plan->key_id, row.id, FB_ROW_ID_SIZE);
    return fb_row_insert(w->store, &row);
}

static int write_row(struct fb_import_work *w, const struct fb_plan *plan)
{
    switch (plan->state) {
    case FB_PLAN_NEW:
        return fb_row_insert(w->store, &plan->row);
    case FB_PLAN_UPDATED:
        return fb_row_update(w->store, &plan->row, plan->mask, false);
    default:
        return FB_OK;
    }
}

static int undo_row(struct fb_import_work *w, const struct fb_plan *plan)
{
    switch (plan->state) {
    case FB_PLAN_NEW:
        return fb_row_delete(w->store, plan->row.entity, plan->row.id);
    case FB_PLAN_UPDATED:
        return fb_row_update(w->store, &plan->there, plan->mask, false);
    default:
        return FB_OK;
    }
}

/* Takes back what the line wrote before it failed. A savepoint for every line would do the same, but costs a third of an
 * import, because SQLite then copies every page it touches. */
static int undo(struct fb_import_work *w, size_t first, size_t failed, bool is_row_written)
{
    int rc = is_row_written ? undo_row(w, &w->plans[failed]) : FB_OK;
    for (size_t i = failed; i-- > first && rc == FB_OK;) {
        const struct fb_plan *p = &w->plans[i];
        if (p->state != FB_PLAN_SKIPPED && p->adds_key) {
            rc = fb_row_delete(w->store, w->key_entity, p->key_id);
        }
        rc = rc < 0 ? rc : undo_row(w, p);
    }
    return rc;
}

static int write_all(struct fb_import_work *w, size_t first, size_t last, struct fb_why *why)
{
    for (size_t i = first; i < last; i++) {
        struct fb_plan *p = &w->plans[i];
        int rc = write_row(w, p);
        bool is_row_written = rc == FB_OK;
        if (rc == FB_OK && p->state != FB_PLAN_SKIPPED && p->adds_key) {
            rc = write_key(w, p);
        }
        if (rc < 0) {
            rc = fb_store_error(w->store, why);
            int undone = rc == FB_ERR_CONSTRAINT || rc == FB_ERR_LIMIT
                             ? undo(w, first, i, is_row_written)
                             : FB_OK;
            return undone < 0 ? undone : rc;
        }
    }
    return FB_OK;
}

static int note_all(struct fb_import_work *w, size_t first, size_t last)
{
    int rc = FB_OK;
    for (size_t i = first; i < last && rc == FB_OK; i++) {
        const struct fb_plan *p = &w->plans[i];
        if (p->state == FB_PLAN_NEW || p->state == FB_PLAN_UPDATED) {
            rc = fb_lookup_note_row(w->lookup, &p->row, p->state == FB_PLAN_NEW ? NULL : p->mask);
        }
        if (rc == FB_OK && p->state != FB_PLAN_SKIPPED && p->adds_key) {
            rc = fb_lookup_add_key(w->lookup, p->rule->system, p->row.entity, p->code, p->row.id);
        }
    }
    return rc;
}

int fb_import_write(struct fb_import_work *w, size_t first, size_t last, struct fb_why *why)
{
    int rc = write_all(w, first, last, why);
    return rc < 0 ? rc : note_all(w, first, last);
}
