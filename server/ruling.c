/* SPDX-License-Identifier: MIT
 *
 * Decisions people made about conflicts. They come as ordinary edits of the conflict's row, from a tool at headquarters or in a
 * push; the chosen values are set on the record in the same rev.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/time.h"
#include "server/internal.h"

static void copy_before(const struct fb_work_row *row, const char *field, char *ret, size_t size)
{
    const struct fb_value *v = row->was_here ? fb_row_value(&row->before, field) : &fb_value_null;
    snprintf(ret, size, "%.*s", v->type == FB_TEXT ? (int)v->size : 0,
             v->type == FB_TEXT ? v->bytes : "");
}

void fb_decision_add(struct fb_decision **list, struct fb_decision *d)
{
    while (*list != NULL && !FB_BUG(LATER_HELD_FIRST) && strcmp((*list)->id, d->id) < 0) {
        list = &(*list)->next;
    }
    d->next = *list;
    *list = d;
}

static int note(const struct fb_work *w, struct fb_decision **list, const struct fb_work_row *row)
{
    struct fb_decision *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(d->id, row->id, FB_ROW_ID_SIZE);
    copy_before(row, row->entity->scope == FB_SCOPE_FOLLOWS ? "state" : "outcome", d->before,
                sizeof d->before);
    copy_before(row, "decided_at", d->decided_at, sizeof d->decided_at);
    snprintf(d->by_id, sizeof d->by_id, "%s",
             w->source.judged_by == NULL ? "" : w->source.judged_by);
    fb_decision_add(list, d);
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
    forget(&hub->mergings);
    fb_duplicates_forget(hub);
}

static bool has_new(const struct fb_work_row *row, const char *field)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    return f != NULL && fb_mask_get(row->mask, f->index);
}

/* It may have enrolled, connected and been suspended before anything of it was sealed: then the log has it as made so. */
static bool may_shut_out(const struct fb_work_row *row)
{
    bool is_new = row->is_here && !row->was_here && !fb_row_has_text(&row->now, "state", "active");
    return row->has_changes || !row->is_here || (is_new && !FB_BUG(NEW_DEVICE_NOT_LOOKED_AT));
}

int fb_decisions_note(struct fb_work *w)
{
    const struct fb_entity *conflict = fb_catalogue_entity(w->catalogue, "conflict");
    const struct fb_entity *held = fb_catalogue_entity(w->catalogue, "held_change");
    const struct fb_entity *device = fb_catalogue_entity(w->catalogue, "device");
    const struct fb_entity *merging = fb_catalogue_entity(w->catalogue, "merge_job");
    for (size_t i = 0; i < w->row_count; i++) {
        const struct fb_work_row *row = w->rows[i];
        int rc = FB_OK;
        w->hub->rights_epoch += fb_rights_follow_from(row->entity) ? 1 : 0;
        if (row->entity == device && may_shut_out(row)) {
            w->hub->has_device_changes = true;
        }
        rc = merging == NULL ? FB_OK : fb_duplicates_note(w, row);
        if (rc < 0) {
            return rc;
        }
        bool is_merging = row->entity == merging && row->is_here && !w->is_consequence;
        if (is_merging && (!row->was_here || has_new(row, "state")) &&
            (fb_row_has_text(&row->now, "state", "merged") ||
             (row->was_here && fb_row_has_text(&row->now, "state", "undone")))) {
            rc = note(w, &w->hub->mergings, row);
        }
        if (rc < 0 || !row->was_here || !row->is_here || !row->has_changes || w->is_consequence) {
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (row->entity == conflict && has_new(row, "outcome")) {
            rc = note(w, &w->hub->rulings, row);
        } else if (row->entity == held && has_new(row, "state") &&
                   (fb_row_has_text(&row->now, "state", "retried") ||
                    fb_row_has_text(&row->now, "state", "corrected"))) {
            rc = note(w, &w->hub->held_again, row);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return fb_held_note_awaiting(w);
}

/* The field of the conflict that holds what an outcome chose; NULL: it chose nothing. */
static const char *chosen_field(const char *outcome)
{
    static const char *const CHOICES[][2] = {{"kept_theirs", "theirs"},
                                             {"kept_mine", "mine"},
                                             {"kept_base", "base"},
                                             {"typed", "typed"}};
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        if (strcmp(outcome, CHOICES[i][0]) == 0) {
            return CHOICES[i][1];
        }
    }
    return NULL;
}

/* A conflict that is being decided, with its record. */
struct ruling {
    struct fb_work *w;
    struct fb_work_row *conflict;
    struct fb_work_row *record;
    const char *before;     /* outcome before the decision */
    const char *decided_at; /* ... and when that was decided; "": it was not */
    const char *outcome;    /* now */
    struct fb_why why;
};

/* Deleted or not: the side that deleted is headquarters' if theirs is empty. */
static bool is_for_delete(const struct ruling *r, const char *outcome)
{
    bool deleted_at_hq = fb_row_has_text(&r->conflict->now, "theirs", "{}");
    return strcmp(outcome, deleted_at_hq ? "kept_theirs" : "kept_mine") == 0;
}

static int rule_delete(struct ruling *r)
{
    return is_for_delete(r, r->outcome) && r->record->is_here ? fb_ingest_cascade(r->w, r->record)
                                                              : FB_OK;
}

static int read_values(struct ruling *r, const char *field, struct fb_row *ret)
{
    const char *json = fb_work_text(r->w, &r->conflict->now, field);
    return fb_row_from_json(r->record->entity, r->record->id, json, strlen(json), r->w->arena, ret);
}

/* Whoever wrote the value could; since then what it points to may have been deleted (it comes back, rule 19). A base value need not have
 * stood anywhere: of a record that two people made at once it is empty. */
static int check_chosen(struct ruling *r, const struct fb_row *chosen, const struct fb_field *f)
{
    const struct fb_value *v = &chosen->values[f->index];
    struct fb_work_row *target = NULL;
    char id[FB_ROW_ID_SIZE];
    if (f->is_required && fb_value_is_empty(v) && !FB_BUG(RULED_VALUE_NOT_CHECKED)) {
        return fb_fail(&r->why, FB_ERR_INVALID, "%s must be filled", fb_field_label(f));
    }
    int rc = fb_field_check(f, v, &r->why);
    const struct fb_entity *e = f->type == FB_TYPE_REF ? fb_row_target(chosen, f) : NULL;
    if (rc < 0 || e == NULL || !fb_value_to_id(v, id)) {
        return rc;
    }
    rc = fb_work_row(r->w, e, id, &target);
    if (rc < 0 || target->is_here) {
        return rc;
    }
    return target->bin_cause > 0
               ? fb_ingest_restore(r->w, target, r->record)
               : fb_fail(&r->why, FB_ERR_INVALID,
                         "%s points to a record that is not there any more", fb_field_label(f));
}

static int write_values(struct ruling *r, const char *field)
{
    struct fb_row chosen;
    struct fb_work_row *record = r->record;
    int rc = read_values(r, field, &chosen);
    for (size_t i = 0; rc == FB_OK && i < record->entity->field_count; i++) {
        const struct fb_field *f = &record->entity->fields[i];
        if (chosen.values[i].type != FB_ABSENT) {
            rc = check_chosen(r, &chosen, f);
            rc = rc < 0 ? rc : fb_work_set(r->w, record, f, &chosen.values[i]);
        }
    }
    return rc;
}

/* A ruling that cannot be carried out goes back to what it was, with the reason. */
static int send_back(struct ruling *r, const char *sentence)
{
    int rc = fb_work_set_text(r->w, r->conflict, "outcome", r->before);
    return rc < 0 ? rc : fb_work_set_text(r->w, r->conflict, "note", fb_text(sentence));
}

/* The part of "stood" by that name, as JSON text in the arena; "" for none. */
static int read_stood(struct ruling *r, const char *name, const char **ret)
{
    const char *text = fb_work_text(r->w, &r->conflict->now, "stood");
    json_t *stood = json_loads(text, JSON_ALLOW_NUL, NULL);
    const json_t *part = json_object_get(stood, name);
    char *dumped = part == NULL ? NULL : json_dumps(part, JSON_ENCODE_ANY | JSON_COMPACT);
    *ret = json_is_string(part) ? fb_arena_strdup(r->w->arena, json_string_value(part))
           : dumped != NULL     ? fb_arena_strdup(r->w->arena, dumped)
                                : "";
    free(dumped);
    json_decref(stood);
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* Does the record still hold what the decision before this one wrote? */
static int is_as_ruled(struct ruling *r, const char *ruled_field, bool *ret)
{
    struct fb_row ruled;
    int rc = read_values(r, ruled_field, &ruled);
    *ret = rc == FB_OK;
    for (size_t i = 0; *ret && i < r->record->entity->field_count; i++) {
        *ret = ruled.values[i].type == FB_ABSENT ||
               fb_value_equal(&ruled.values[i], &r->record->now.values[i]);
    }
    return rc == FB_ERR_DAMAGED ? FB_OK : rc;
}

/* {"outcome": "waiting", "values": {...}}: what stood that no decision had written, to take the decision back to (law 9). */
static int keep_before(struct ruling *r)
{
    struct fb_row mine;
    uint64_t mask[FB_ROW_MASK_WORDS] = {0};
    const char *values = NULL;
    const char *outcome = r->before;
    const char *ruled_field = chosen_field(r->before);
    bool is_known = false;
    if (fb_row_has_text(&r->conflict->now, "reason", "delete_vs_edit") && ruled_field == NULL) {
        const char *only = fb_arena_printf(r->w->arena, "{\"outcome\":\"%s\"}", r->before);
        return only == NULL ? FB_ERR_NO_MEMORY : fb_work_set_text(r->w, r->conflict, "stood", only);
    }
    if (fb_row_has_text(&r->conflict->now, "reason", "delete_vs_edit") || !r->record->is_here) {
        return FB_OK;
    }
    int rc = ruled_field == NULL ? FB_OK : is_as_ruled(r, ruled_field, &is_known);
    if (rc < 0 || is_known) {
        return rc;
    }
    rc = ruled_field == NULL ? FB_OK : read_stood(r, "outcome", &outcome);
    rc = rc < 0 ? rc : read_values(r, "mine", &mine);
    if (rc < 0) {
        return rc == FB_ERR_DAMAGED ? FB_OK : rc;
    }
    for (uint32_t i = 0; i < r->record->entity->field_count; i++) {
        if (mine.values[i].type != FB_ABSENT) {
            fb_mask_put(mask, i);
        }
    }
    rc = fb_work_row_json(r->w, &r->record->now, mask, &values);
    const char *json = rc < 0 ? NULL
                              : fb_arena_printf(r->w->arena, "{\"outcome\":\"%s\",\"values\":%s}",
                                                outcome, values);
    rc = rc == FB_OK && json == NULL ? FB_ERR_NO_MEMORY : rc;
    return rc < 0 ? rc : fb_work_set_text(r->w, r->conflict, "stood", json);
}

static int find_record(struct fb_work *w, const struct fb_row *conflict, struct fb_work_row **ret)
{
    const struct fb_field *name = fb_entity_field(conflict->entity, "entity");
    const struct fb_field *record = fb_entity_field(conflict->entity, "record_id");
    char id[FB_ROW_ID_SIZE];
    *ret = NULL;
    if (name == NULL || record == NULL || conflict->values[name->index].type != FB_TEXT ||
        !fb_value_to_id(&conflict->values[record->index], id)) {
        return FB_OK;
    }
    const struct fb_value *v = &conflict->values[name->index];
    const char *text = fb_arena_copy(w->arena, v->bytes, v->size);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, text);
    bool is_merged = false;
    int rc = e == NULL ? FB_OK : fb_redirect_follow(w, e, id, &is_merged);
    return rc < 0 || e == NULL ? rc : fb_work_row(w, e, id, ret);
}

static int stamp(struct ruling *r)
{
    const struct fb_field *by = fb_entity_field(r->conflict->entity, "decided_by_id");
    int rc = fb_work_set_instant(r->w, r->conflict, "decided_at", r->w->now_ms);
    if (rc == FB_OK && by != NULL && fb_value_is_empty(&r->conflict->now.values[by->index])) {
        rc = fb_work_set_text(r->w, r->conflict, "decided_by_id", r->w->source.employee_id);
    }
    return rc;
}

static int decide(struct ruling *r)
{
    const char *field = chosen_field(r->outcome);
    if (field == NULL) {
        return FB_OK;
    }
    int rc = stamp(r);
    if (rc < 0 || r->record == NULL) {
        return rc;
    }
    rc = keep_before(r);
    if (rc < 0 || fb_row_has_text(&r->conflict->now, "reason", "delete_vs_edit")) {
        return rc < 0 ? rc : rule_delete(r);
    }
    if (!r->record->is_here) {
        return send_back(r, "The record was deleted meanwhile: restore it first.");
    }
    if (fb_work_text(r->w, &r->conflict->now, field)[0] == '\0') {
        return send_back(r, "No value was typed.");
    }
    rc = write_values(r, field);
    return rc == FB_ERR_INVALID || rc == FB_ERR_DAMAGED
               ? send_back(r, r->why.text[0] == '\0' ? "The value cannot be read." : r->why.text)
               : rc;
}

/* ---- Taking a ruling back ---- */

/* A field goes back if it still holds what the ruling wrote: a later edit stays. */
static int take_values_back(struct ruling *r, const char *ruled_field)
{
    const char *json = "";
    struct fb_work_row *record = r->record;
    struct fb_row stood;
    struct fb_row ruled;
    int rc = read_stood(r, "values", &json);
    rc = rc < 0 ? rc
                : fb_row_from_json(record->entity, record->id, json, strlen(json), r->w->arena,
                                   &stood);
    rc = rc < 0 ? rc : read_values(r, ruled_field, &ruled);
    for (size_t i = 0; rc == FB_OK && i < record->entity->field_count; i++) {
        bool is_as_ruled = ruled.values[i].type != FB_ABSENT &&
                           fb_value_equal(&ruled.values[i], &record->now.values[i]);
        if (is_as_ruled && stood.values[i].type != FB_ABSENT) {
            rc = fb_work_set(r->w, record, &record->entity->fields[i], &stood.values[i]);
        }
    }
    return rc == FB_ERR_DAMAGED ? FB_OK : rc;
}

static bool is_too_late(const struct ruling *r)
{
    int64_t at_ms = 0;
    return fb_instant_parse(r->decided_at, strlen(r->decided_at), &at_ms) &&
           at_ms + FB_RULING_UNDO_DAYS * INT64_C(86400000) < r->w->now_ms;
}

static int take_back(struct ruling *r)
{
    const char *ruled_field = chosen_field(r->before);
    const char *outcome = "";
    if (ruled_field == NULL) {
        return FB_OK;
    }
    if (is_too_late(r)) {
        int back = fb_work_set_text(r->w, r->conflict, "decided_at", r->decided_at);
        return back < 0
                   ? back
                   : send_back(
                         r, "The decision is too old to be taken back: edit the record instead.");
    }
    int rc = read_stood(r, "outcome", &outcome);
    rc =
        rc < 0 || outcome[0] == '\0' ? rc : fb_work_set_text(r->w, r->conflict, "outcome", outcome);
    rc = rc < 0 ? rc : fb_work_set_text(r->w, r->conflict, "decided_by_id", NULL);
    rc = rc < 0 ? rc : fb_work_set_text(r->w, r->conflict, "decided_at", NULL);
    if (rc < 0 || r->record == NULL) {
        return rc;
    }
    if (fb_row_has_text(&r->conflict->now, "reason", "delete_vs_edit")) {
        bool is_in_bin = is_for_delete(r, r->before) && r->record->bin_cause > 0;
        return is_in_bin ? fb_ingest_restore(r->w, r->record, r->record) : FB_OK;
    }
    return r->record->is_here ? take_values_back(r, ruled_field) : FB_OK;
}

static int play_one(struct fb_work *w, const struct fb_decision *d)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "conflict");
    struct ruling r = {.w = w, .before = d->before, .decided_at = d->decided_at};
    int rc = fb_work_row(w, e, d->id, &r.conflict);
    if (rc < 0 || !r.conflict->is_here) {
        return rc;
    }
    r.outcome = fb_work_text(w, &r.conflict->now, "outcome");
    rc = find_record(w, &r.conflict->now, &r.record);
    if (rc < 0) {
        return rc;
    }
    return chosen_field(r.outcome) != NULL ? decide(&r) : take_back(&r);
}

int fb_ruling_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev, int64_t now_ms)
{
    if (hub->rulings == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_work w;
    fb_work_init_consequence(&w, hub, &arena, source, rev, now_ms);
    int rc = FB_OK;
    for (const struct fb_decision *d = hub->rulings; rc == FB_OK && d != NULL; d = d->next) {
        rc = play_one(&w, d);
    }
    forget(&hub->rulings);
    rc = rc < 0 ? rc : fb_work_write(&w);
    fb_work_release(&w);
    return rc;
}
