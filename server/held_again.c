/* SPDX-License-Identifier: MIT
 *
 * Held changes that are tried again: because somebody decided it, or because headquarters was put back to a backup and the row that
 * they lacked has come back with a push of the laptop that made it. In that second case nobody is asked: laptops replay what headquarters
 * forgot in whatever order they find the way, and the outcome must not depend on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/internal.h"

bool fb_source_has_lost_timeline(const struct fb_hub *hub, const struct fb_source *source)
{
    return source->timeline != NULL && source->timeline[0] != '\0' &&
           strcmp(source->timeline, hub->timeline) != 0;
}

/* ---- Rows that came back ---- */

static bool is_noted(const struct fb_hub *hub, const char *id)
{
    const struct fb_decision *d = hub->held_again;
    while (d != NULL && strcmp(d->id, id) != 0) {
        d = d->next;
    }
    return d != NULL;
}

static bool makes_rows(const struct fb_work *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        if (w->rows[i]->is_here && !w->rows[i]->was_here) {
            return true;
        }
    }
    return false;
}

int fb_held_note_awaiting(struct fb_work *w)
{
    bool may_bring_back =
        w->source.device_id == NULL || fb_source_has_lost_timeline(w->hub, &w->source);
    if (!may_bring_back || w->is_consequence || !makes_rows(w) ||
        fb_catalogue_entity(w->catalogue, "held_change") == NULL || FB_BUG(AWAITED_ROW_IGNORED)) {
        return FB_OK;
    }
    /* What the laptop went on to write in such a record, already in the present history, waits with it. */
    static const char LIST[] =
        "SELECT id, by_id FROM held_change AS h WHERE state = 'waiting' AND reason = 'missing_row'"
        " AND EXISTS (SELECT 1 FROM held_change AS lost WHERE (lost.id = h.id OR ?1 AND"
        " lost.entity = h.entity AND lost.record_id = h.record_id) AND lost.changes LIKE"
        " '%\"timeline\":\"%') AND EXISTS (SELECT 1 FROM fb_timeline WHERE parent IS NOT NULL)";
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store, LIST, &q);
    if (rc == FB_OK) {
        fb_sql_bind_int(q, 1, !FB_BUG(LATER_EDIT_NOT_AWAITED));
    }
    while (rc == FB_OK && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = FB_OK;
        if (is_noted(w->hub, fb_sql_text(q, 0))) {
            continue;
        }
        struct fb_decision *d = calloc(1, sizeof *d);
        if (d == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        snprintf(d->id, sizeof d->id, "%s", fb_sql_text(q, 0));
        snprintf(d->by_id, sizeof d->by_id, "%s", fb_sql_text(q, 1));
        fb_decision_add(&w->hub->held_again, d);
    }
    return rc < 0 ? rc : FB_OK;
}

/* ---- Trying again ---- */

static int play_one(struct fb_hub *hub, const struct fb_decision *d, struct fb_arena *arena,
                    int64_t now_ms)
{
    const struct fb_catalogue *catalogue = fb_store_catalogue(hub->store);
    const struct fb_entity *e = fb_catalogue_entity(catalogue, "held_change");
    struct fb_row row;
    bool is_found = false;
    const char *held_id = d->id;
    int rc = fb_row_read(hub->store, e, held_id, arena, &row, &is_found);
    const struct fb_field *device = fb_entity_field(e, "device_id");
    const struct fb_field *by = fb_entity_field(e, "by_id");
    const struct fb_field *changes = fb_entity_field(e, "changes");
    if (rc < 0 || !is_found || device == NULL || by == NULL || changes == NULL) {
        return rc;
    }
    char device_id[FB_ROW_ID_SIZE] = "";
    char by_id[FB_ROW_ID_SIZE] = "";
    struct fb_source source = {.held_id = held_id};
    source.device_id = fb_value_to_id(&row.values[device->index], device_id) ? device_id : NULL;
    source.employee_id = fb_value_to_id(&row.values[by->index], by_id) ? by_id : NULL;
    /* Who decided is who sent the decision; what the row says about that is only for reading. */
    source.judged_by = FB_BUG(RIGHT_BY_MESSAGE) ? NULL : d->by_id[0] == '\0' ? NULL : d->by_id;
    source.is_approved = source.judged_by == NULL || source.employee_id == NULL ||
                         strcmp(source.judged_by, source.employee_id) != 0;
    const struct fb_value *json = &row.values[changes->index];
    struct fb_held held = {0};
    struct fb_why why = {""};
    rc = json->type != FB_TEXT
             ? FB_ERR_INVALID
             : fb_held_parse(catalogue, json->bytes, json->size, arena, &held, &why);
    source.timeline = held.timeline;
    if (rc == FB_ERR_INVALID) {
        source.held_error = why.text[0] == '\0' ? fb_text("The kept change is empty.") : why.text;
        rc = FB_OK;
    }
    return rc < 0 ? rc : fb_ingest(hub, &source, held.changes, held.count, arena, now_ms);
}

int fb_held_play(struct fb_hub *hub, int64_t now_ms)
{
    int rc = FB_OK;
    while (rc == FB_OK && hub->held_again != NULL) {
        struct fb_decision *d = hub->held_again;
        hub->held_again = d->next;
        FB_AUTO(fb_arena_release) struct fb_arena arena;
        fb_arena_init(&arena, 0);
        rc = play_one(hub, d, &arena, now_ms);
        free(d);
    }
    return rc;
}
