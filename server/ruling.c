/* SPDX-License-Identifier: MIT
 *
 * Decisions people made about conflicts. They come as ordinary edits of the conflict's row, from a tool at headquarters or in a
 * push; the chosen values are set on the record in the same rev.
 */
#include <stdlib.h>

#include "server/internal.h"

static int note(struct fb_decision **list, const char *id)
{
    struct fb_decision *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(d->id, id, FB_ROW_ID_SIZE);
    d->next = *list;
    *list = d;
    return FB_OK;
}

static void forget(struct fb_decision **list)
{
    while (*list != NULL) {
        struct fb_decision *next = (*list)->next;
        free(*list);
        *list = next;
    }
}

void fb_decisions_forget(struct fb_hub *hub)
{
    forget(&hub->rulings);
    forget(&hub->held_again);
}

static bool has_new(const struct fb_work_row *row, const char *field)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    return f != NULL && fb_mask_get(row->mask, f->index);
}

static bool is_text(const struct fb_row *row, const char *field, const char *text)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    const struct fb_value *v = f == NULL ? &FB_VALUE_NULL : &row->values[f->index];
    return v->type == FB_TEXT && v->size == strlen(text) && memcmp(v->bytes, text, v->size) == 0;
}

int fb_decisions_note(struct fb_work *w)
{
    const struct fb_entity *conflict = fb_catalogue_entity(w->catalogue, "conflict");
    const struct fb_entity *held = fb_catalogue_entity(w->catalogue, "held_change");
    const struct fb_entity *device = fb_catalogue_entity(w->catalogue, "device");
    for (size_t i = 0; i < w->row_count; i++) {
        const struct fb_work_row *row = w->rows[i];
        int rc = FB_OK;
        if (row->entity == device && (row->has_changes || !row->is_here)) {
            w->hub->has_device_changes = true;
        }
        if (!row->was_here || !row->is_here || !row->has_changes) {
            continue;
        }
        if (row->entity == conflict && has_new(row, "outcome") &&
            !is_text(&row->now, "outcome", "waiting") && !is_text(&row->now, "outcome", "auto")) {
            rc = note(&w->hub->rulings, row->id);
        } else if (row->entity == held && has_new(row, "state") &&
                   (is_text(&row->now, "state", "retried") ||
                    is_text(&row->now, "state", "corrected"))) {
            rc = note(&w->hub->held_again, row->id);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* The field of the conflict that holds what was chosen; NULL: nothing is to be written. */
static const char *chosen_field(const struct fb_row *conflict)
{
    static const char *const CHOICES[][2] = {{"kept_theirs", "theirs"},
                                             {"kept_mine", "mine"},
                                             {"kept_base", "base"},
                                             {"typed", "typed"}};
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        if (is_text(conflict, "outcome", CHOICES[i][0])) {
            return CHOICES[i][1];
        }
    }
    return NULL;
}

/* Deleted or not: the side that deleted is headquarters' if theirs is empty. */
static int rule_delete(struct fb_work *w, const struct fb_row *conflict, struct fb_work_row *record)
{
    bool deleted_at_hq = is_text(conflict, "theirs", "{}");
    bool is_deleted = is_text(conflict, "outcome", deleted_at_hq ? "kept_theirs" : "kept_mine");
    return is_deleted && record->is_here ? fb_ingest_cascade(w, record) : FB_OK;
}

static int write_values(struct fb_work *w, struct fb_work_row *record, const struct fb_value *json,
                        struct fb_why *why)
{
    struct fb_row chosen;
    int rc =
        fb_row_from_json(record->entity, record->id, json->bytes, json->size, w->arena, &chosen);
    for (size_t i = 0; rc == FB_OK && i < record->entity->field_count; i++) {
        const struct fb_field *f = &record->entity->fields[i];
        if (chosen.values[i].type != FB_ABSENT) {
            rc = fb_field_check(f, &chosen.values[i], why);
            rc = rc < 0 ? rc : fb_work_set(w, record, f, &chosen.values[i]);
        }
    }
    return rc;
}

/* A ruling that cannot be carried out goes back to waiting, with the reason. */
static int send_back(struct fb_work *w, struct fb_work_row *conflict, const char *sentence)
{
    int rc = fb_work_set_text(w, conflict, "outcome", "waiting");
    return rc < 0 ? rc : fb_work_set_text(w, conflict, "note", sentence);
}

static int find_record(struct fb_work *w, const struct fb_row *conflict, struct fb_work_row **ret)
{
    const struct fb_field *name = fb_entity_field(conflict->entity, "entity");
    const struct fb_field *record = fb_entity_field(conflict->entity, "record_id");
    char id[FB_ROW_ID_SIZE];
    *ret = NULL;
    if (name == NULL || record == NULL || conflict->values[name->index].type != FB_TEXT ||
        !fb_work_reference(&conflict->values[record->index], id)) {
        return FB_OK;
    }
    const struct fb_value *v = &conflict->values[name->index];
    const char *text = fb_arena_copy(w->arena, v->bytes, v->size);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, text);
    return e == NULL ? FB_OK : fb_work_row(w, e, id, ret);
}

static int play_one(struct fb_work *w, const char *conflict_id)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "conflict");
    struct fb_work_row *conflict = NULL;
    struct fb_work_row *record = NULL;
    int rc = fb_work_row(w, e, conflict_id, &conflict);
    if (rc < 0 || !conflict->is_here) {
        return rc;
    }
    rc = find_record(w, &conflict->now, &record);
    const char *field = chosen_field(&conflict->now);
    if (rc < 0 || field == NULL) {
        return rc;
    }
    rc = fb_work_set_instant(w, conflict, "decided_at", w->now_ms);
    const struct fb_field *by = fb_entity_field(e, "decided_by_id");
    if (rc == FB_OK && by != NULL && fb_value_is_empty(&conflict->now.values[by->index])) {
        rc = fb_work_set_text(w, conflict, "decided_by_id", w->source.employee_id);
    }
    if (rc < 0 || record == NULL) {
        return rc;
    }
    if (is_text(&conflict->now, "reason", "delete_vs_edit")) {
        return rule_delete(w, &conflict->now, record);
    }
    if (!record->is_here) {
        return send_back(w, conflict, "The record was deleted meanwhile: restore it first.");
    }
    const struct fb_field *chosen = fb_entity_field(e, field);
    struct fb_why why = {""};
    struct fb_value json = chosen == NULL ? FB_VALUE_NULL : conflict->now.values[chosen->index];
    if (json.type != FB_TEXT) {
        return send_back(w, conflict, "No value was typed.");
    }
    rc = write_values(w, record, &json, &why);
    return rc == FB_ERR_INVALID
               ? send_back(w, conflict,
                           why.text[0] == '\0' ? "The value cannot be read." : why.text)
               : rc;
}

int fb_ruling_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev, int64_t now_ms)
{
    if (hub->rulings == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_work w;
    fb_work_init(&w, hub, &arena, source, now_ms);
    w.rev = rev;
    int rc = FB_OK;
    for (const struct fb_decision *d = hub->rulings; rc == FB_OK && d != NULL; d = d->next) {
        rc = play_one(&w, d->id);
    }
    forget(&hub->rulings);
    rc = rc < 0 ? rc : fb_work_write(&w);
    fb_work_release(&w);
    return rc;
}
