/* SPDX-License-Identifier: MIT
 *
 * Two records become one. The wish is a merge_job row in state "merged", written by a tool or a page at headquarters or brought by a
 * laptop like any row; headquarters carries it out in the same rev:
 *
 *   1. keep and drop are followed through earlier mergings: they may be one record already (nothing to do), or drop may have become
 *      part of a third (a person is asked: state "suspected")
 *   2. fields: keep's value stands, where it is empty drop's; "choices" say otherwise per field or group; max, min, sum, union and
 *      any combine, so that an opt-out of either stays true
 *   3. whatever points to drop points to keep: every reference of the catalogue, parts and soft references (entity, record_id)
 *   4. drop goes to the recycle bin alone; its id is a redirect (redirect.c)
 *
 * Undo (merging_undo.c) reads from the log what step 3 moved.
 */
#include <jansson.h>
#include <stdlib.h>

#include "server/internal.h"
#include "server/merging.h"

/* ---- The job's row ---- */

int fb_merging_answer(struct fb_merging *m, const char *state, const char *note)
{
    int rc = fb_work_set_text(m->w, m->job, "state", state);
    return rc < 0 ? rc : fb_work_set_text(m->w, m->job, "note", note);
}

static bool copy_id(struct fb_merging *m, const char *field, char ret[static FB_ROW_ID_SIZE])
{
    const char *text = fb_work_text(m->w, &m->job->now, field);
    bool is_id = fb_id_is_valid(text, strlen(text));
    memcpy(ret, is_id ? text : "", is_id ? FB_ROW_ID_SIZE : 1);
    return is_id;
}

/* ---- Fields ---- */

/* "keep", "drop" or "" for a field or its group. */
static const char *choice_of(const struct fb_merging *m, const struct fb_group *g)
{
    const json_t *c = json_object_get(m->choices, g->name);
    for (size_t i = 0; c == NULL && i < g->field_count; i++) {
        c = json_object_get(m->choices, g->fields[i]->name);
    }
    return json_is_string(c) ? json_string_value(c) : "";
}

static bool is_combined(const struct fb_field *f)
{
    return f->policy == FB_MERGE_SUM || f->policy == FB_MERGE_MAX || f->policy == FB_MERGE_MIN ||
           f->policy == FB_MERGE_UNION || f->policy == FB_MERGE_ANY;
}

static int combine(struct fb_merging *m, const struct fb_field *f)
{
    const struct fb_value *mine = &m->drop->now.values[f->index];
    struct fb_merge_ask ask = {.policy = f->policy,
                               .count = 1,
                               .base = &f->initial,
                               .theirs = &m->keep->now.values[f->index],
                               .mine = mine,
                               .initial = &f->initial,
                               .theirs_device = "",
                               .mine_device = "",
                               .step_sum = mine->type == FB_INT ? mine->integer : 0};
    struct fb_merge_result result;
    if (f->policy == FB_MERGE_ANY && FB_BUG(MERGE_OPT_OUT_LOST)) {
        return FB_OK;
    }
    int rc = fb_merge_group(&ask, m->w->arena, &result);
    return rc < 0 ? rc : fb_work_set(m->w, m->keep, f, &result.values[0]);
}

static bool is_group_empty(const struct fb_work_row *row, const struct fb_group *g)
{
    for (size_t i = 0; i < g->field_count; i++) {
        if (!fb_value_is_empty(&row->now.values[g->fields[i]->index])) {
            return false;
        }
    }
    return true;
}

static int group_json(struct fb_merging *m, const struct fb_row *row, const struct fb_group *g,
                      const char **ret)
{
    uint64_t mask[FB_ROW_MASK_WORDS] = {0};
    for (size_t i = 0; i < g->field_count; i++) {
        fb_mask_put(mask, g->fields[i]->index);
    }
    return fb_work_row_json(m->w, row, mask, ret);
}

/* A chosen value that takes another's place leaves that one in a conflict: the chooser may not have seen it (law 9). */
static int keep_replaced(struct fb_merging *m, const struct fb_group *g)
{
    struct fb_conflict c = {.group = g->name,
                            .mine_at_ms = m->w->now_ms,
                            .policy = "merged records",
                            .outcome = "auto",
                            .reason = "concurrent"};
    if (is_group_empty(m->keep, g) || m->w->source.device_id == NULL) {
        return FB_OK;
    }
    int rc = fb_history_author(m->w->store, m->keep->entity, m->keep->id, g->fields[0],
                               &c.theirs_author);
    rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    rc = rc < 0 ? rc : group_json(m, &m->keep->now, g, &c.theirs);
    rc = rc < 0 ? rc : group_json(m, &m->drop->now, g, &c.mine);
    c.base = "{}";
    return rc < 0 ? rc : fb_conflict_add(m->w, m->keep, &c);
}

static int take_group(struct fb_merging *m, const struct fb_group *g)
{
    int rc = keep_replaced(m, g);
    for (size_t i = 0; rc == FB_OK && i < g->field_count; i++) {
        const struct fb_field *f = g->fields[i];
        rc = fb_work_set(m->w, m->keep, f, &m->drop->now.values[f->index]);
    }
    return rc;
}

static bool differs(const struct fb_merging *m, const struct fb_group *g)
{
    for (size_t i = 0; i < g->field_count; i++) {
        if (!fb_value_equal(&m->keep->now.values[g->fields[i]->index],
                            &m->drop->now.values[g->fields[i]->index])) {
            return true;
        }
    }
    return false;
}

static int merge_fields(struct fb_merging *m)
{
    const struct fb_entity *e = m->keep->entity;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->group_count; i++) {
        const struct fb_group *g = &e->groups[i];
        const struct fb_field *f = g->fields[0];
        const char *choice = choice_of(m, g);
        /* Equal sums are two sums. */
        bool is_left = f->is_server_only || f->visibility == FB_SEEN_ON_DEVICE ||
                       (f->policy != FB_MERGE_SUM && !differs(m, g));
        if (is_left) {
            continue;
        }
        bool is_chosen = strcmp(choice, "drop") == 0;
        if (g->field_count == 1 && is_combined(f) &&
            (choice[0] == '\0' || f->policy == FB_MERGE_ANY)) {
            rc = combine(m, f);
        } else if (is_chosen || (choice[0] == '\0' && is_group_empty(m->keep, g))) {
            rc = take_group(m, g);
        }
    }
    return rc;
}

/* ---- What points to the dropped record ---- */

struct pointing {
    struct fb_merging *m;
    const struct fb_field *field;
    const struct fb_field *entity_name; /* of a soft reference; NULL: a declared one */
};

static bool points_to_drop(const struct pointing *p, const struct fb_row *row)
{
    const struct fb_value *v = &row->values[p->field->index];
    bool is_it = fb_value_is_id(v, p->m->drop->id);
    if (!is_it || p->entity_name == NULL) {
        return is_it && fb_row_target(row, p->field) == p->m->drop->entity;
    }
    const struct fb_value *name = &row->values[p->entity_name->index];
    return fb_value_is_text(name, p->m->drop->entity->name);
}

static int repoint(void *ctx, const struct fb_row *row)
{
    struct pointing *p = ctx;
    struct fb_work_row *known = NULL;
    struct fb_value keep = fb_value_text(p->m->keep->id);
    if (!points_to_drop(p, row)) {
        return FB_OK;
    }
    int rc = fb_work_row(p->m->w, row->entity, row->id, &known);
    bool is_job = known == p->m->job;
    return rc < 0 || !known->is_here || known == p->m->drop || is_job
               ? rc
               : fb_work_set(p->m->w, known, p->field, &keep);
}

/* entity and record_id of rows that hang on any record; what the engine itself keeps (conflicts, receipts) stays, the redirect leads
 * from there. */
static bool is_soft_reference(const struct fb_entity *e, const struct fb_field *f)
{
    return f->type == FB_TYPE_UUID && strcmp(f->name, "record_id") == 0 && !f->is_server_only &&
           fb_entity_field(e, "entity") != NULL;
}

static bool may_point(const struct fb_merging *m, const struct fb_field *f)
{
    for (size_t i = 0; i < f->target_count; i++) {
        if (f->targets[i] == m->drop->entity) {
            return true;
        }
    }
    return false;
}

static int repoint_all(struct fb_merging *m)
{
    const struct fb_catalogue *c = m->w->catalogue;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; rc == FB_OK && e->scope != FB_SCOPE_DEVICE_ONLY && k < e->field_count;
             k++) {
            const struct fb_field *f = &e->fields[k];
            bool is_soft = is_soft_reference(e, f);
            struct pointing p = {
                .m = m, .field = f, .entity_name = is_soft ? fb_entity_field(e, "entity") : NULL};
            if (is_soft || may_point(m, f)) {
                rc = fb_row_scan_by(m->w->store, e, f, m->drop->id, repoint, &p);
            }
        }
    }
    return rc;
}

/* The kept record must not stand above itself: what pointed from it to the dropped one, over however many, takes the dropped one's
 * place. */
static int untie(struct fb_merging *m, const struct fb_field *f)
{
    char id[FB_ROW_ID_SIZE];
    struct fb_value at = m->keep->now.values[f->index];
    for (int depth = 0; depth < 64 && fb_value_to_id(&at, id); depth++) {
        struct fb_work_row *above = NULL;
        if (strcmp(id, m->keep->id) == 0 || strcmp(id, m->drop->id) == 0) {
            struct fb_value place = m->drop->now.values[f->index];
            bool is_itself = fb_value_to_id(&place, id) && strcmp(id, m->keep->id) == 0;
            bool is_second = fb_value_equal(&place, &m->keep->now.values[f->index]);
            return fb_work_set(m->w, m->keep, f, is_itself || is_second ? &fb_value_null : &place);
        }
        int rc = fb_work_row(m->w, m->keep->entity, id, &above);
        if (rc < 0 || !above->is_here) {
            return rc;
        }
        at = above->now.values[f->index];
    }
    return FB_OK;
}

static int untie_all(struct fb_merging *m)
{
    const struct fb_entity *e = m->keep->entity;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        bool is_own_kind = f->type == FB_TYPE_REF && f->target_count == 1 && f->targets[0] == e;
        rc = is_own_kind && !f->is_required ? untie(m, f) : FB_OK;
    }
    return rc;
}

/* ---- One merging ---- */

static int newest_seq(struct fb_store *s, int64_t *ret)
{
    *ret = 0;
    return fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_log", ret);
}

static int note_done(struct fb_merging *m)
{
    int64_t seq = 0;
    int rc = newest_seq(m->w->store, &seq);
    struct fb_value first = fb_value_int(seq + 1);
    rc = rc < 0 ? rc : fb_work_set_named(m->w, m->job, "first_seq", &first);
    rc = rc < 0 ? rc : fb_work_set_text(m->w, m->job, "kept_id", m->keep->id);
    rc = rc < 0 ? rc : fb_work_set_text(m->w, m->job, "keep_id", m->keep->id);
    rc = rc < 0 ? rc : fb_work_set_instant(m->w, m->job, "at", m->w->now_ms);
    rc = rc < 0 ? rc : fb_work_set_text(m->w, m->job, "note", NULL);
    if (rc == FB_OK && fb_work_text(m->w, &m->job->now, "by_id")[0] == '\0') {
        rc = fb_work_set_text(m->w, m->job, "by_id", m->w->source.employee_id);
    }
    return rc;
}

static int merge_rows(struct fb_merging *m)
{
    int rc = note_done(m);
    rc = rc < 0 ? rc : merge_fields(m);
    rc = rc < 0 || FB_BUG(MERGE_LOSES_CHILDREN) ? rc : repoint_all(m);
    rc = rc < 0 ? rc : untie_all(m);
    rc = rc < 0 ? rc : fb_ingest_cascade(m->w, m->drop);
    return rc < 0 ? rc : fb_conflict_write_all(m->w);
}

/* The dropped record is not there any more. Where did it go? */
static int meet_gone(struct fb_merging *m, const char *keep_id)
{
    char id[FB_ROW_ID_SIZE];
    bool is_merged = false;
    memcpy(id, m->drop->id, FB_ROW_ID_SIZE);
    m->drop->is_here = false;
    /* This job's own row says "merged" already: an older one decides. */
    int rc = fb_work_set_text(m->w, m->job, "state", "void");
    rc = rc < 0 ? rc : fb_merging_older(m, id, &is_merged);
    rc = rc < 0 || !is_merged ? rc : fb_redirect_follow(m->w, m->entity, id, &(bool){false});
    if (rc < 0) {
        return rc;
    }
    if (is_merged && strcmp(id, keep_id) != 0) {
        rc = fb_work_set_text(m->w, m->job, "keep_id", keep_id);
        rc = rc < 0 ? rc : fb_work_set_text(m->w, m->job, "drop_id", id);
        return rc < 0 ? rc
                      : fb_merging_answer(
                            m, "suspected",
                            fb_text("Both were merged with the same record: are they one?"));
    }
    if (is_merged) {
        return fb_merging_answer(m, "void", fb_text("They were one record already."));
    }
    return m->drop->bin_cause > 0
               ? fb_merging_answer(m, "void",
                                   fb_text("The record to be dropped was deleted already."))
               : fb_merging_answer(m, "void",
                                   fb_text("The record to be dropped is not at headquarters."));
}

static int find_rows(struct fb_merging *m, char keep_id[static FB_ROW_ID_SIZE],
                     char drop_id[static FB_ROW_ID_SIZE], bool *ret)
{
    const char *name = fb_work_text(m->w, &m->job->now, "entity");
    m->entity = fb_catalogue_entity(m->w->catalogue, name);
    *ret = m->entity != NULL && copy_id(m, "keep_id", keep_id) && copy_id(m, "drop_id", drop_id);
    if (!*ret) {
        return fb_merging_answer(m, "void", fb_text("It does not say which records are meant."));
    }
    int rc = FB_BUG(MERGE_IN_CIRCLE) ? FB_OK
                                     : fb_redirect_follow(m->w, m->entity, keep_id, &(bool){false});
    rc = rc < 0 ? rc : fb_work_row(m->w, m->entity, keep_id, &m->keep);
    return rc < 0 ? rc : fb_work_row(m->w, m->entity, drop_id, &m->drop);
}

static int merge(struct fb_merging *m)
{
    char keep_id[FB_ROW_ID_SIZE];
    char drop_id[FB_ROW_ID_SIZE];
    bool is_clear = false;
    int rc = find_rows(m, keep_id, drop_id, &is_clear);
    if (rc < 0 || !is_clear) {
        return rc;
    }
    if (m->keep == m->drop) {
        return fb_merging_answer(m, "void", fb_text("They were one record already."));
    }
    if (!m->drop->is_here) {
        return meet_gone(m, keep_id);
    }
    if (!m->keep->is_here && m->keep->bin_cause > 0) {
        rc = fb_ingest_restore(m->w, m->keep, m->keep);
    }
    if (rc < 0 || !m->keep->is_here) {
        return rc < 0 ? rc
                      : fb_merging_answer(m, "void",
                                          fb_text("The record to be kept is not at headquarters."));
    }
    json_error_t error;
    m->choices = json_loads(fb_work_text(m->w, &m->job->now, "choices"), 0, &error);
    rc = merge_rows(m);
    json_decref(m->choices);
    return rc;
}

static int play_one(struct fb_hub *hub, const struct fb_source *source, const struct fb_decision *d,
                    int64_t rev, int64_t now_ms)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_work w;
    fb_work_init_consequence(&w, hub, &arena, source, rev, now_ms);
    struct fb_merging m = {.w = &w};
    const struct fb_entity *e = fb_catalogue_entity(w.catalogue, "merge_job");
    int rc = fb_work_row(&w, e, d->id, &m.job);
    if (rc == FB_OK && m.job->is_here) {
        bool is_undo = strcmp(fb_work_text(&w, &m.job->now, "state"), "undone") == 0;
        rc = is_undo ? fb_merging_undo(&m, d->before) : merge(&m);
        rc = rc < 0 ? rc : fb_work_write(&w);
    }
    fb_work_release(&w);
    return rc;
}

int fb_merging_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev, int64_t now_ms)
{
    int rc = FB_OK;
    /* Noted newest first; people's order counts. */
    struct fb_decision *in_order = NULL;
    while (hub->mergings != NULL) {
        struct fb_decision *d = hub->mergings;
        hub->mergings = d->next;
        d->next = in_order;
        in_order = d;
    }
    while (in_order != NULL) {
        struct fb_decision *d = in_order;
        in_order = d->next;
        rc = rc < 0 ? rc : play_one(hub, source, d, rev, now_ms);
        free(d);
    }
    return rc;
}
