/* SPDX-License-Identifier: MIT */
#include "common/crm/duplicates.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/store/row.h"
#include "common/store/sql.h"

int fb_duplicates_list(struct fb_store *s, const char *state, fb_duplicate_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT id, entity, keep_id, drop_id, state, rule, note, by_id, at, score FROM merge_job"
        " WHERE ?1 IS NULL OR state = ?1 ORDER BY state <> 'suspected', score DESC, id DESC LIMIT "
        "?2",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, state);
    fb_sql_bind_int(q, 2, FB_DESK_ROWS_MAX);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        const struct fb_duplicate d = {.id = fb_sql_text(q, 0),
                                       .entity = fb_sql_text(q, 1),
                                       .keep_id = fb_sql_text(q, 2),
                                       .drop_id = fb_sql_text(q, 3),
                                       .state = fb_sql_text(q, 4),
                                       .rule = fb_sql_text(q, 5),
                                       .note = fb_sql_text(q, 6),
                                       .by_id = fb_sql_text(q, 7),
                                       .at = fb_sql_text(q, 8),
                                       .score = fb_sql_int(q, 9)};
        rc = f(ctx, &d);
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc;
}

/* The pair's row, either way round; "" if there is none. */
static int find_pair(struct fb_store *s, const char *a, const char *b, const char *state,
                     char ret_id[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT id FROM merge_job WHERE ((drop_id = ?1 AND keep_id = ?2) OR "
                          "(drop_id = ?2 AND keep_id = ?1))"
                          " AND (?3 IS NULL OR state = ?3) LIMIT 1",
                          &q);
    ret_id[0] = '\0';
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, a);
    fb_sql_bind_text(q, 2, b);
    fb_sql_bind_text(q, 3, state);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_duplicates_is_known(struct fb_store *s, const char *a, const char *b, bool *ret)
{
    char id[FB_ROW_ID_SIZE];
    int rc = find_pair(s, a, b, NULL, id);
    *ret = id[0] != '\0';
    return rc;
}

int fb_duplicates_dismiss(struct fb_store *s, const char *id, const char *by_id, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "UPDATE merge_job SET state = 'not_duplicate', by_id = coalesce(?2, by_id)"
                     " WHERE id = ?1 AND state = 'suspected'",
                     &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, by_id);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    return fb_sql_changes(s) > 0
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID, "%s is not in the list of duplicates (any more)", id);
}

/* ---- Merging ---- */

static bool is_group(const struct fb_entity *e, const char *name)
{
    for (size_t i = 0; i < e->group_count; i++) {
        if (strcmp(e->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_choices(const struct fb_entity *e, const char *text, struct fb_why *why)
{
    json_error_t error;
    json_t *choices = text == NULL ? NULL : json_loads(text, 0, &error);
    const char *name;
    json_t *side;
    int rc = text != NULL && !json_is_object(choices)
                 ? fb_fail(why, FB_ERR_INVALID, "the choices cannot be read")
                 : FB_OK;
    json_object_foreach(choices, name, side)
    {
        const char *word = json_is_string(side) ? json_string_value(side) : "";
        if (rc == FB_OK && fb_entity_field(e, name) == NULL && !is_group(e, name)) {
            rc = fb_fail(why, FB_ERR_INVALID, "%s has no field %s", e->name, name);
        } else if (rc == FB_OK && strcmp(word, "keep") != 0 && strcmp(word, "drop") != 0) {
            rc = fb_fail(why, FB_ERR_INVALID, "of %s either keep's value or drop's stays", name);
        }
    }
    json_decref(choices);
    return rc;
}

static int check_wish(struct fb_store *s, const struct fb_merging_wish *wish, struct fb_why *why)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    const struct fb_entity *e = fb_catalogue_entity(c, wish->entity);
    const struct fb_entity *job = fb_catalogue_entity(c, "merge_job");
    const struct fb_field *keep = job == NULL ? NULL : fb_entity_field(job, "keep_id");
    bool is_target = false;
    for (size_t i = 0; keep != NULL && i < keep->target_count; i++) {
        is_target = is_target || keep->targets[i] == e;
    }
    if (e == NULL || !is_target || e->is_append_only) {
        return fb_fail(why, FB_ERR_INVALID, "records of %s are not merged", wish->entity);
    }
    if (strcmp(wish->keep_id, wish->drop_id) == 0) {
        return fb_fail(why, FB_ERR_INVALID, "a record cannot be merged with itself");
    }
    const char *const ids[] = {wish->keep_id, wish->drop_id};
    for (size_t i = 0; i < 2; i++) {
        char id[FB_ROW_ID_SIZE];
        bool is_here = false;
        if (!fb_id_is_valid(ids[i], strlen(ids[i]))) {
            return fb_fail(why, FB_ERR_NOT_FOUND, "%s is no id", ids[i]);
        }
        memcpy(id, ids[i], FB_ROW_ID_SIZE);
        int rc = fb_row_exists(s, e, id, &is_here);
        if (rc < 0) {
            return fb_store_error(s, why);
        }
        if (!is_here) {
            return fb_fail(why, FB_ERR_NOT_FOUND, "there is no %s %s", e->name, id);
        }
    }
    return check_choices(e, wish->choices, why);
}

static int write_wish(struct fb_store *s, const struct fb_merging_wish *wish,
                      char ret_id[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = find_pair(s, wish->keep_id, wish->drop_id, "suspected", ret_id);
    if (rc < 0) {
        return rc;
    }
    /* A suspicion is answered; the wish is a row of its own: which of the two is kept may be the other way round. */
    rc = fb_sql_begin(s, "UPDATE merge_job SET state = 'void' WHERE id = ?1", &q);
    if (rc == FB_OK && ret_id[0] != '\0') {
        fb_sql_bind_text(q, 1, ret_id);
        rc = fb_sql_run(q);
    }
    fb_sql_drop(&q);
    q = NULL;
    rc =
        rc < 0
            ? rc
            : fb_sql_begin(s,
                           "INSERT INTO merge_job (entity, keep_id, drop_id, state, choices, by_id)"
                           " VALUES (?1, ?2, ?3, 'merged', ?4, ?5) RETURNING id",
                           &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, wish->entity);
    fb_sql_bind_text(q, 2, wish->keep_id);
    fb_sql_bind_text(q, 3, wish->drop_id);
    fb_sql_bind_text(q, 4, wish->choices);
    fb_sql_bind_text(q, 5, wish->by_id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
        rc = fb_sql_step(q);
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_merging_ask(struct fb_store *s, const struct fb_merging_wish *wish,
                   char ret_id[static FB_ROW_ID_SIZE], struct fb_why *why)
{
    int rc = check_wish(s, wish, why);
    if (rc < 0) {
        return rc;
    }
    rc = write_wish(s, wish, ret_id);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_merging_take_back(struct fb_store *s, const char *id, int64_t now_ms, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char oldest[FB_INSTANT_SIZE];
    int rc = fb_sql_begin(s,
                          "UPDATE merge_job SET state = 'undone' WHERE id = ?1 AND state = 'merged'"
                          " AND (at IS NULL OR at >= ?2)",
                          &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_instant_format(now_ms - FB_MERGING_UNDO_DAYS * INT64_C(86400000), oldest);
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, oldest);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    return fb_sql_changes(s) > 0
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID,
                         "%s is not merged, or longer ago than %d days: it cannot be taken back",
                         id, FB_MERGING_UNDO_DAYS);
}

/* ---- What would move ---- */

static int count_pointing(struct fb_store *s, const struct fb_entity *e, const struct fb_field *f,
                          const struct fb_entity *target, const char *id, int64_t *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    fb_buf_init(&sql, 1024);
    fb_buf_printf(&sql, "SELECT count(*) FROM \"%s\" WHERE \"%s\" = ?1", e->name, f->name);
    if (f->target_name != NULL) {
        fb_buf_printf(&sql, " AND \"%s\" = ?2", f->target_name->name);
    }
    int rc = fb_sql_begin(s, fb_buf_text(&sql), &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    if (f->target_name != NULL) {
        fb_sql_bind_text(q, 2, target->name);
    }
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

int fb_merging_moves(struct fb_store *s, const struct fb_entity *entity, const char *drop_id,
                     fb_moves_each *f, void *ctx)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        bool is_shown = strcmp(e->name, "merge_job") != 0 && e->scope != FB_SCOPE_DEVICE_ONLY;
        for (size_t k = 0; rc == FB_OK && is_shown && k < e->field_count; k++) {
            const struct fb_field *field = &e->fields[k];
            for (size_t t = 0; rc == FB_OK && t < field->target_count; t++) {
                int64_t count = 0;
                rc = field->targets[t] == entity
                         ? count_pointing(s, e, field, entity, drop_id, &count)
                         : FB_OK;
                rc = rc == FB_OK && count > 0 ? f(ctx, e, field, count) : rc;
            }
        }
    }
    return rc;
}
