/* SPDX-License-Identifier: MIT
 *
 * A merging is taken back: the dropped record comes out of the bin, what the merging had moved and still points to the kept record
 * goes back, and so do values it had written that nobody has changed since, group by group. What was entered since stays where it is.
 */
#include <stdlib.h>

#include "common/base/time.h"
#include "common/store/history_pack.h"
#include "server/merging.h"

int fb_merging_older(struct fb_merging *m, char ret_id[static FB_ROW_ID_SIZE], bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        m->w->store,
        "SELECT keep_id FROM merge_job WHERE drop_id = ?1 AND state = 'merged' AND id <> ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, ret_id);
    fb_sql_bind_text(q, 2, m->job->id);
    rc = fb_sql_step(q);
    struct fb_value keep = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : FB_VALUE_NULL;
    char id[FB_ROW_ID_SIZE];
    *ret = fb_value_to_id(&keep, id);
    memcpy(ret_id, *ret ? id : ret_id, FB_ROW_ID_SIZE);
    return rc < 0 ? rc : FB_OK;
}

static int refuse(struct fb_merging *m, const char *before, const char *sentence)
{
    return fb_merging_answer(m, before, sentence);
}

static int refuse_late(struct fb_merging *m, const char *before)
{
    return refuse(m, before, fb_text("This was merged too long ago to be taken back."));
}

/* The value of a log's pair, as the field stores it. */
static int read_value(struct fb_merging *m, const struct fb_field *f, const json_t *json,
                      struct fb_value *ret)
{
    struct fb_row row;
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *object =
        text == NULL ? NULL : fb_arena_printf(m->w->arena, "{\"%s\":%s}", f->name, text);
    free(text);
    if (object == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc =
        fb_row_from_json(m->keep->entity, m->keep->id, object, strlen(object), m->w->arena, &row);
    *ret = rc < 0 ? FB_VALUE_NULL : row.values[f->index];
    return rc;
}

static int take_sum_back(struct fb_merging *m, const struct fb_field *f, const json_t *pair)
{
    struct fb_value old;
    struct fb_value now;
    int rc = read_value(m, f, json_array_get(pair, 0), &old);
    rc = rc < 0 ? rc : read_value(m, f, json_array_get(pair, 1), &now);
    if (rc < 0) {
        return rc;
    }
    uint64_t added = (uint64_t)now.integer - (uint64_t)old.integer;
    uint64_t stands = (uint64_t)m->keep->now.values[f->index].integer;
    struct fb_value rest = fb_value_int((int64_t)(stands - added));
    return fb_work_set(m->w, m->keep, f, &rest);
}

/* Does the field hold what it held when the merging was done? */
static int is_field_as_left(struct fb_merging *m, const struct fb_field *f, const json_t *changes,
                            bool *ret)
{
    const json_t *pair = json_object_get(changes, f->name);
    struct fb_value now = FB_VALUE_NULL;
    if (pair == NULL) {
        *ret = !fb_mask_get(m->changed_since, f->index);
        return FB_OK;
    }
    int rc = read_value(m, f, json_array_get(pair, 1), &now);
    *ret = rc == FB_OK && fb_value_equal(&m->keep->now.values[f->index], &now);
    return rc;
}

/* One member that somebody changed since keeps the others: nobody wrote what the group would be without them (rule 7). */
static int is_group_as_left(struct fb_merging *m, const struct fb_group *g, const json_t *changes,
                            bool *ret)
{
    int rc = FB_OK;
    *ret = true;
    for (size_t i = 0; rc == FB_OK && *ret && i < g->field_count; i++) {
        rc = is_field_as_left(m, g->fields[i], changes, ret);
    }
    return rc;
}

static int take_group_back(struct fb_merging *m, const struct fb_group *g, const json_t *changes)
{
    bool is_as_left = false;
    int rc = is_group_as_left(m, g, changes, &is_as_left);
    for (size_t i = 0; rc == FB_OK && i < g->field_count; i++) {
        const struct fb_field *f = g->fields[i];
        const json_t *pair = json_object_get(changes, f->name);
        struct fb_value old;
        if (FB_BUG(MERGE_UNDONE_BY_FIELD)) {
            rc = is_field_as_left(m, f, changes, &is_as_left);
        }
        if (rc < 0 || pair == NULL || !is_as_left) {
            continue;
        }
        rc = read_value(m, f, json_array_get(pair, 0), &old);
        rc = rc < 0 ? rc : fb_work_set(m->w, m->keep, f, &old);
    }
    return rc;
}

static int take_fields_back(struct fb_merging *m, const json_t *changes)
{
    const struct fb_entity *e = m->keep->entity;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->group_count; i++) {
        const struct fb_field *f = e->groups[i].fields[0];
        const json_t *pair = json_object_get(changes, f->name);
        bool is_sum = f->policy == FB_MERGE_SUM && m->keep->now.values[f->index].type == FB_INT;
        if (!is_sum) {
            rc = take_group_back(m, &e->groups[i], changes);
        } else if (pair != NULL) {
            rc = take_sum_back(m, f, pair);
        }
    }
    return rc;
}

static int note_changed(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    struct fb_merging *m = ctx;
    if (!fb_value_equal(old, &m->keep->now.values[field->index])) {
        fb_mask_put(m->changed_since, field->index);
    }
    return FB_OK;
}

/* What the kept record holds otherwise than at the end of the merging's rev. */
static int find_changed(struct fb_merging *m, int64_t first_seq)
{
    struct fb_seq_rev rev;
    int rc = fb_history_rev_of(m->w->store, first_seq, &rev);
    return rc < 0 ? rc
                  : fb_history_old_values(m->w->store, m->keep->entity, m->keep->id, rev.rev,
                                          note_changed, m);
}

/* A reference that the merging moved, back, if it still points to the kept record. */
static int move_back(struct fb_merging *m, struct fb_work_row *row, const struct fb_field *f,
                     const json_t *pair)
{
    const char *from = json_string_value(json_array_get(pair, 0));
    const char *to = json_string_value(json_array_get(pair, 1));
    char id[FB_ROW_ID_SIZE];
    bool was_moved = from != NULL && to != NULL && strcmp(from, m->drop->id) == 0 &&
                     strcmp(to, m->keep->id) == 0;
    if (!was_moved || !fb_value_to_id(&row->now.values[f->index], id) ||
        strcmp(id, m->keep->id) != 0) {
        return FB_OK;
    }
    struct fb_value back = fb_value_text(m->drop->id);
    return fb_work_set(m->w, row, f, &back);
}

static int undo_entry(struct fb_merging *m, struct fb_work_row *row, json_t *changes)
{
    const char *name;
    json_t *pair;
    int rc = FB_OK;
    if (row == m->job || !row->is_here) {
        return FB_OK;
    }
    if (row == m->keep) {
        return take_fields_back(m, changes);
    }
    json_object_foreach(changes, name, pair)
    {
        const struct fb_field *f = fb_entity_field(row->entity, name);
        rc = rc < 0 || f == NULL ? rc : move_back(m, row, f, pair);
    }
    return rc;
}

/* What the merging's rows of the log say, from its first one to the dropped record's delete. */
static int undo_log(struct fb_merging *m, int64_t first_seq)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        m->w->store,
        "SELECT entity, row_id, changes FROM fb_log WHERE seq BETWEEN ?1 AND ?2 AND op = 2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, first_seq);
    fb_sql_bind_int(q, 2, m->drop->bin_cause);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(m->w->catalogue, (uint32_t)fb_sql_int(q, 0));
        struct fb_value id = fb_sql_value(q, 1);
        const char *text = fb_sql_text(q, 2);
        json_t *changes = text == NULL ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL);
        char row_id[FB_ROW_ID_SIZE];
        struct fb_work_row *row = NULL;
        if (e != NULL && id.size == FB_ROW_ID_BYTES && changes != NULL) {
            fb_id_from_bytes((const uint8_t *)id.bytes, row_id);
            rc = fb_work_row(m->w, e, row_id, &row);
            rc = rc < 0 ? rc : undo_entry(m, row, changes);
        }
        json_decref(changes);
    }
    return rc < 0 ? rc : FB_OK;
}

static bool is_too_late(struct fb_merging *m)
{
    const char *at = fb_work_text(m->w, &m->job->now, "at");
    int64_t at_ms = 0;
    return fb_instant_parse(at, strlen(at), &at_ms) &&
           at_ms + FB_MERGING_UNDO_DAYS * INT64_C(86400000) < m->w->now_ms;
}

static int find_rows(struct fb_merging *m)
{
    const char *keep_id = fb_work_text(m->w, &m->job->now, "keep_id");
    const char *drop_id = fb_work_text(m->w, &m->job->now, "drop_id");
    int rc = fb_work_row(m->w, m->entity, keep_id, &m->keep);
    return rc < 0 ? rc : fb_work_row(m->w, m->entity, drop_id, &m->drop);
}

int fb_merging_undo(struct fb_merging *m, const char *before)
{
    const struct fb_value first = *fb_row_value(&m->job->now, "first_seq");
    m->entity = fb_catalogue_entity(m->w->catalogue, fb_work_text(m->w, &m->job->now, "entity"));
    if (strcmp(before, "merged") != 0 || first.type != FB_INT || m->entity == NULL) {
        return refuse(m, before,
                      fb_text("These records were not merged: there is nothing to take back."));
    }
    if (strcmp(fb_work_text(m->w, &m->job->now, "keep_id"),
               fb_work_text(m->w, &m->job->now, "kept_id")) != 0) {
        return refuse(
            m, before,
            fb_text("The kept record was merged into another since: take that back first."));
    }
    if (is_too_late(m)) {
        return refuse_late(m, before);
    }
    int rc = find_rows(m);
    if (rc < 0) {
        return rc;
    }
    if (!m->keep->is_here || m->drop->is_here || m->drop->bin_cause == 0) {
        return refuse(m, before,
                      fb_text("One of the two records is not where the merging left it."));
    }
    bool is_told = false;
    rc = fb_history_tells_from(m->w->store, first.integer, &is_told);
    if (rc < 0 || !is_told) {
        return rc < 0 ? rc : refuse_late(m, before);
    }
    rc = find_changed(m, first.integer);
    rc = rc < 0 ? rc : undo_log(m, first.integer);
    return rc < 0 ? rc : fb_ingest_restore(m->w, m->drop, m->drop);
}
