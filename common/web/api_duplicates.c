/* SPDX-License-Identifier: MIT
 *
 * The duplicates list, merging two records and taking that back. What is asked is a row of merge_job; headquarters carries it out
 * (server/merging.c), at once where it is asked there, with the next round where a laptop asks.
 */
#include <stdio.h>
#include <string.h>

#include "common/crm/duplicates.h"
#include "common/crm/title.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

/* ---- The list ---- */

struct listing {
    struct fb_api *a;
    struct fb_api_found *pairs; /* two of each */
    struct {
        char id[FB_ROW_ID_SIZE];
        const char *state, *rule, *at, *by_id;
        int64_t score;
    } * rows;
    size_t count;
};

static const char *keep_text(struct fb_api *a, const char *text, int *rc)
{
    const char *kept = text == NULL ? NULL : fb_arena_strdup(a->arena, text);
    *rc = text != NULL && kept == NULL ? FB_ERR_NO_MEMORY : *rc;
    return kept;
}

/* What was merged is no more: headquarters' bin knows what it was called, for as long as it keeps it. "" otherwise. */
static int gone_title(struct fb_api *a, const struct fb_entity *e, const char *id, const char **ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    struct fb_row row;
    *ret = "";
    if (a->web->node != FB_NODE_SERVER) {
        return FB_OK;
    }
    fb_buf_init(&title, FB_VALUE_BYTES_MAX);
    int rc =
        fb_sql_begin(a->store, "SELECT image FROM fb_bin WHERE entity = ?1 AND row_id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, e->no);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    const char *image = fb_sql_text(q, 0);
    rc = fb_row_from_json(e, id, image, strlen(image), a->arena, &row);
    rc = rc < 0 ? rc : fb_title_append_row(&row, &title);
    const char *kept = rc < 0 ? NULL : fb_arena_strdup(a->arena, fb_buf_text(&title));
    *ret = kept == NULL ? "" : kept;
    return rc < 0 ? rc : kept == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int take_pair(void *ctx, const struct fb_duplicate *d)
{
    struct listing *l = ctx;
    const struct fb_entity *e = fb_catalogue_entity(l->a->catalogue, d->entity);
    bool is_seen = false;
    if (e == NULL || l->count == FB_DESK_ROWS_MAX || !fb_api_sees_entity(l->a, e)) {
        return FB_OK;
    }
    struct fb_api_found *pair = &l->pairs[2 * l->count];
    int rc = fb_api_found_record(l->a, e, d->keep_id, &pair[0], &is_seen);
    bool are_two = strcmp(d->state, "suspected") == 0 || strcmp(d->state, "not_duplicate") == 0;
    if (rc == FB_OK && is_seen && are_two) {
        rc = fb_api_found_record(l->a, e, d->drop_id, &pair[1], &is_seen);
    } else if (rc == FB_OK && is_seen) {
        pair[1] = (struct fb_api_found){.entity = e, .is_reference = true};
        rc = gone_title(l->a, e, d->drop_id, &pair[1].title);
        snprintf(pair[1].row.id, sizeof pair[1].row.id, "%s", d->drop_id);
    }
    if (rc < 0 || !is_seen) {
        return rc;
    }
    snprintf(l->rows[l->count].id, FB_ROW_ID_SIZE, "%s", d->id);
    l->rows[l->count].state = keep_text(l->a, d->state, &rc);
    l->rows[l->count].rule = keep_text(l->a, d->rule, &rc);
    l->rows[l->count].at = keep_text(l->a, d->at, &rc);
    l->rows[l->count].by_id = keep_text(l->a, d->by_id, &rc);
    l->rows[l->count].score = d->score;
    l->count += rc == FB_OK;
    return rc;
}

static int append_pair(struct listing *l, const struct fb_api_refs *refs, size_t i)
{
    struct fb_api *a = l->a;
    const struct fb_api_found *pair = &l->pairs[2 * i];
    fb_buf_append_text(a->out, i > 0 ? ",{" : "{");
    fb_api_append_member(a->out, "id", l->rows[i].id);
    fb_api_append_member(a->out, "entity", pair[0].entity->name);
    fb_api_append_member(a->out, "state", l->rows[i].state);
    fb_api_append_key(a->out, "left");
    int rc = fb_api_append_hit(a, refs, &pair[0], false);
    fb_api_append_key(a->out, "right");
    rc = rc < 0 ? rc : fb_api_append_hit(a, refs, &pair[1], false);
    fb_buf_printf(a->out, ",\"score\":%lld,\"reasons\":[", (long long)l->rows[i].score);
    if (l->rows[i].rule != NULL) {
        fb_api_append_text(a->out, l->rows[i].rule, strlen(l->rows[i].rule));
    }
    fb_buf_append_byte(a->out, ']');
    fb_api_append_member(a->out, "at", l->rows[i].at);
    rc = rc < 0 ? rc : fb_api_append_titled(a, a->out, "by", "employee", l->rows[i].by_id);
    fb_buf_append_byte(a->out, '}');
    return rc;
}

static int append_list(struct listing *l)
{
    struct fb_api_refs refs = {.count = 0};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < 2 * l->count; i++) {
        rc = l->pairs[i].is_reference ? FB_OK : fb_api_refs_add_row(l->a, &refs, &l->pairs[i].row);
    }
    rc = rc < 0 ? rc : fb_api_refs_resolve(l->a, &refs);
    fb_buf_append_text(l->a->out, "{\"rows\":[");
    for (size_t i = 0; rc == FB_OK && i < l->count; i++) {
        rc = append_pair(l, &refs, i);
    }
    fb_buf_append_text(l->a->out, "],\"next\":null}");
    return rc;
}

int fb_api_get_duplicates(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct listing l = {.a = &a};
    const char *state = fb_request_query(req, "state");
    fb_api_begin(&a, web, req, res);
    l.pairs = fb_arena_alloc(a.arena, sizeof *l.pairs * 2 * FB_DESK_ROWS_MAX);
    l.rows = fb_arena_alloc(a.arena, sizeof *l.rows * FB_DESK_ROWS_MAX);
    if (l.pairs == NULL || l.rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_api_load_rights(&a);
    if (rc == FB_OK && a.catalogue != NULL) {
        rc = fb_duplicates_list(a.store, state == NULL ? "suspected" : state, take_pair, &l);
    }
    return rc < 0 ? rc : append_list(&l);
}

/* ---- One job ---- */

struct job {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE], keep_id[FB_ROW_ID_SIZE], drop_id[FB_ROW_ID_SIZE];
    char state[16];
    char note[FB_WHY_SIZE];
};

static int read_job(struct fb_api *a, const char *id, struct job *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->store,
                          "SELECT entity, keep_id, drop_id, state, coalesce(note, '') FROM"
                          " merge_job WHERE id = ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : fb_api_not_found(a);
    }
    ret->entity = fb_catalogue_entity(a->catalogue, fb_sql_text(q, 0));
    snprintf(ret->id, sizeof ret->id, "%s", id);
    snprintf(ret->keep_id, sizeof ret->keep_id, "%s", fb_sql_text(q, 1));
    snprintf(ret->drop_id, sizeof ret->drop_id, "%s", fb_sql_text(q, 2));
    snprintf(ret->state, sizeof ret->state, "%s", fb_sql_text(q, 3));
    snprintf(ret->note, sizeof ret->note, "%s", fb_sql_text(q, 4));
    return ret->entity == NULL ? fb_api_not_found(a) : FB_OK;
}

static int begin_job(struct fb_api *a, struct job *job)
{
    const char *id = NULL;
    struct fb_row row;
    *job = (struct job){0};
    int rc = fb_api_load_rights(a);
    rc = rc < 0 ? rc : fb_api_id(a, 3, &id);
    rc = rc < 0 ? rc : read_job(a, id, job);
    rc = rc < 0 ? rc : fb_api_may(a, fb_catalogue_entity(a->catalogue, "merge_job"), FB_API_EDIT);
    rc = rc < 0 ? rc : fb_api_row_now(a, job->entity, job->keep_id, FB_API_EDIT, &row);
    return rc < 0 ? rc : fb_api_begin_write(a);
}

static int end_job(struct fb_api *a, int rc)
{
    if (rc == FB_ERR_INVALID) {
        return fb_response_problem(a->res, 409, "changed_since", a->web->why.text);
    }
    rc = rc < 0 ? rc : fb_api_end_write(a);
    a->res->status = rc == FB_OK ? 204 : a->res->status;
    return rc;
}

int fb_api_post_dismiss(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct job job;
    fb_api_begin(&a, web, req, res);
    int rc = begin_job(&a, &job);
    if (rc < 0) {
        return rc;
    }
    return end_job(
        &a, fb_duplicates_dismiss(a.store, job.id, a.me[0] == '\0' ? NULL : a.me, &web->why));
}

int fb_api_post_unmerge(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct job job;
    fb_api_begin(&a, web, req, res);
    int rc = begin_job(&a, &job);
    return rc < 0 ? rc : end_job(&a, fb_merging_take_back(a.store, job.id, web->now_ms, &web->why));
}

/* ---- Merging ---- */

/* Headquarters has carried it out by now, or says why not; a laptop's wish is on its way. */
static int answer_merged(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct job job;
    fb_api_begin(&a, web, req, res);
    int rc = read_job(&a, web->state, &job);
    if (rc < 0) {
        return rc;
    }
    if (strcmp(job.state, "void") == 0) {
        return fb_response_problem(res, 409, "changed_since", job.note);
    }
    fb_buf_append_byte(a.out, '{');
    fb_api_append_member(a.out, "id", job.id);
    fb_api_append_member(a.out, "keep", job.keep_id);
    fb_api_append_member(a.out, "state", web->node == FB_NODE_SERVER ? job.state : "waiting");
    fb_buf_append_byte(a.out, '}');
    return FB_OK;
}

static int merge(struct fb_api *a, const struct fb_entity *e, const char *keep_id,
                 const json_t *body)
{
    const char *drop_id = json_string_value(json_object_get(body, "drop"));
    const json_t *take = json_object_get(body, "take");
    struct fb_row row;
    char job_id[FB_ROW_ID_SIZE];
    if (drop_id == NULL || !fb_id_is_valid(drop_id, strlen(drop_id)) ||
        (take != NULL && !json_is_object(take))) {
        return fb_api_bad_request(a, "the body is {\"drop\": \"<id>\", \"take\": {\"field\": "
                                     "\"keep\" or \"drop\"}}");
    }
    /* Headquarters judges the wish as a row: one that it would hold is refused where it is asked. */
    const struct fb_entity *job = fb_catalogue_entity(a->catalogue, "merge_job");
    int rc = job == NULL ? fb_api_not_found(a) : FB_OK;
    rc = rc < 0 ? rc : fb_api_row_now(a, e, keep_id, FB_API_EDIT, &row);
    rc = rc < 0 ? rc : fb_api_row_now(a, e, drop_id, FB_API_DELETE, &row);
    rc = rc < 0 ? rc : fb_api_may(a, job, FB_API_CREATE);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_drop_free) char *choices = take == NULL ? NULL : json_dumps(take, JSON_COMPACT);
    const struct fb_merging_wish wish = {.entity = e->name,
                                         .keep_id = keep_id,
                                         .drop_id = drop_id,
                                         .choices = choices,
                                         .by_id = a->me[0] == '\0' ? NULL : a->me};
    rc = fb_merging_ask(a->store, &wish, job_id, &a->web->why);
    if (rc == FB_ERR_INVALID) {
        return fb_response_problem(a->res, 422, "check", a->web->why.text);
    }
    a->web->state = rc < 0 ? NULL : fb_arena_strdup(a->arena, job_id);
    return rc == FB_OK && a->web->state == NULL ? FB_ERR_NO_MEMORY : rc;
}

int fb_api_post_merge(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    const struct fb_entity *e = NULL;
    const char *id = NULL;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 2, &e);
    rc = rc < 0 ? rc : fb_api_id(&a, 3, &id);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    rc = rc < 0 ? rc : merge(&a, e, id, body);
    rc = rc < 0 ? rc : fb_api_end_write(&a);
    if (rc == FB_OK) {
        fb_web_then(web, FB_WEB_READ, answer_merged);
    }
    return rc;
}
