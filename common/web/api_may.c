/* SPDX-License-Identifier: MIT
 *
 * What the person may do and see: every handler asks here and nowhere else, and what is asked is common/crm/may.h. A
 * record that may not be read answers like one that does not exist.
 */
#include <string.h>

#include "common/crm/may.h"
#include "common/web/api_inside.h"

void fb_api_end(struct fb_api *a)
{
    fb_rights_free(a->rights);
    a->rights = NULL;
}

int fb_api_load_rights(struct fb_api *a)
{
    if (a->rights != NULL || a->catalogue == NULL) {
        return FB_OK;
    }
    return fb_rights_load(a->store, a->me, a->web->now_ms, &a->rights);
}

static enum fb_level level_of(const struct fb_api *a, const struct fb_entity *e,
                              enum fb_api_act act)
{
    static const enum fb_action ACTIONS[FB_API_ACTS] = {
        [FB_API_READ] = FB_ACTION_READ,     [FB_API_CREATE] = FB_ACTION_CREATE,
        [FB_API_EDIT] = FB_ACTION_EDIT,     [FB_API_DELETE] = FB_ACTION_DELETE,
        [FB_API_EXPORT] = FB_ACTION_EXPORT, [FB_API_ASSIGN] = FB_ACTION_ASSIGN};
    bool is_elsewhere = e->scope == FB_SCOPE_SERVER_ONLY && a->web->node != FB_NODE_SERVER;
    return a->rights == NULL || is_elsewhere ? FB_LEVEL_NONE
                                             : fb_rights_level(a->rights, e, ACTIONS[act]);
}

const char *fb_api_level_name(const struct fb_api *a, const struct fb_entity *e,
                              enum fb_api_act act)
{
    return fb_level_name(level_of(a, e, act));
}

static int refuse(struct fb_api *a, const char *code, const char *sentence)
{
    fb_ignore(fb_response_problem(a->res, 403, code, sentence), "the caller gets its own error");
    return FB_ERR_REFUSED;
}

int fb_api_may(struct fb_api *a, const struct fb_entity *e, enum fb_api_act act)
{
    if (level_of(a, e, act) != FB_LEVEL_NONE) {
        return FB_OK;
    }
    return act == FB_API_READ
               ? fb_api_not_found(a)
               : refuse(a, "right_missing", fb_text("None of your roles allows this."));
}

static int judge(struct fb_api *a, const struct fb_may_ask *ask)
{
    struct fb_may_answer answer;
    if (a->rights == NULL) {
        return fb_api_not_found(a);
    }
    int rc = fb_may(a->rights, a->store, ask, &answer);
    if (rc < 0 || answer.reason == FB_MAY_YES) {
        return rc;
    }
    if (ask->action == FB_ACTION_READ) {
        return fb_api_not_found(a);
    }
    return refuse(a, fb_may_reason_name(answer.reason), answer.why.text);
}

int fb_api_may_row(struct fb_api *a, const struct fb_row *row, enum fb_api_act act)
{
    const struct fb_may_ask ask = {.action = act == FB_API_CREATE   ? FB_ACTION_CREATE
                                             : act == FB_API_EDIT   ? FB_ACTION_EDIT
                                             : act == FB_API_DELETE ? FB_ACTION_DELETE
                                             : act == FB_API_EXPORT ? FB_ACTION_EXPORT
                                                                    : FB_ACTION_READ,
                                   .old = act == FB_API_CREATE ? NULL : row,
                                   .now = act == FB_API_CREATE || act == FB_API_EDIT ? row : NULL};
    return judge(a, &ask);
}

int fb_api_can(struct fb_api *a, const struct fb_row *row, enum fb_api_act act, bool *ret)
{
    static const uint64_t NO_FIELDS[FB_ROW_MASK_WORDS] = {0};
    const struct fb_may_ask ask = {.action = act == FB_API_DELETE   ? FB_ACTION_DELETE
                                             : act == FB_API_ASSIGN ? FB_ACTION_ASSIGN
                                                                    : FB_ACTION_EDIT,
                                   .old = row,
                                   .now = act == FB_API_DELETE ? NULL : row,
                                   .mask = NO_FIELDS};
    struct fb_may_answer answer = {.reason = FB_MAY_YES};
    *ret = false;
    if (level_of(a, row->entity, act) == FB_LEVEL_NONE) {
        return FB_OK;
    }
    int rc = fb_may(a->rights, a->store, &ask, &answer);
    *ret = rc == FB_OK && answer.reason == FB_MAY_YES;
    return rc;
}

int fb_api_may_read(struct fb_api *a, const struct fb_row *row, bool *ret)
{
    const struct fb_may_ask ask = {.action = FB_ACTION_READ, .old = row};
    struct fb_may_answer answer = {.reason = FB_MAY_YES};
    *ret = false;
    int rc = a->rights == NULL || fb_api_reads_all(a, row->entity)
                 ? FB_OK
                 : fb_may(a->rights, a->store, &ask, &answer);
    *ret = rc == FB_OK && a->rights != NULL && answer.reason == FB_MAY_YES;
    return rc;
}

bool fb_api_blank(const struct fb_api *a, struct fb_row *row)
{
    return a->rights != NULL && fb_rights_blank(a->rights, row);
}

int fb_api_may_change(struct fb_api *a, const struct fb_row *old, const struct fb_row *now,
                      const uint64_t *mask)
{
    const struct fb_may_ask ask = {.action = FB_ACTION_EDIT, .old = old, .now = now, .mask = mask};
    return judge(a, &ask);
}

int fb_api_may_bulk(struct fb_api *a)
{
    return a->rights != NULL && fb_rights_may_bulk_edit(a->rights)
               ? FB_OK
               : refuse(a, "right_missing", fb_text("None of your roles allows this."));
}

bool fb_api_sees_entity(const struct fb_api *a, const struct fb_entity *e)
{
    return level_of(a, e, FB_API_READ) != FB_LEVEL_NONE;
}

static enum fb_field_access access_of(const struct fb_api *a, const struct fb_entity *e,
                                      const struct fb_field *f, bool is_own)
{
    return a->rights == NULL ? FB_FIELD_HIDDEN : fb_rights_field(a->rights, f, e, is_own);
}

bool fb_api_sees_field(const struct fb_api *a, const struct fb_entity *e, const struct fb_field *f)
{
    return access_of(a, e, f, false) != FB_FIELD_HIDDEN;
}

bool fb_api_is_own(const struct fb_api *a, const struct fb_row *row)
{
    return a->rights != NULL && fb_rights_is_own(a->rights, row);
}

bool fb_api_sees_value(const struct fb_api *a, const struct fb_entity *e, const struct fb_field *f,
                       bool is_own)
{
    return access_of(a, e, f, is_own) != FB_FIELD_HIDDEN;
}

bool fb_api_writes_field(const struct fb_api *a, const struct fb_entity *e,
                         const struct fb_field *f, bool is_own)
{
    return access_of(a, e, f, is_own) == FB_FIELD_WRITE && !f->is_server_only;
}

bool fb_api_is_admin(const struct fb_api *a)
{
    return a->rights != NULL && fb_rights_is_admin(a->rights);
}

/* ---- Questions whose rows are judged one by one ---- */

struct judging {
    struct fb_api *a;
    const struct fb_query *query; /* as it was asked: its columns and limit */
    fb_query_each *f;
    void *ctx;
    int64_t rows;
    bool is_full;
};

static bool is_wanted(const struct fb_query *q, uint32_t column)
{
    return q->columns == NULL || (q->columns[column / 64] >> (column % 64) & 1) != 0;
}

static int judge_row(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct judging *j = ctx;
    const struct fb_may_ask ask = {.action = FB_ACTION_READ, .old = row};
    struct fb_may_answer answer;
    int rc = fb_may(j->a->rights, j->a->store, &ask, &answer);
    if (rc < 0 || answer.reason != FB_MAY_YES) {
        return rc;
    }
    struct fb_value values[FB_FIELDS_MAX];
    struct fb_row shown = *row;
    shown.values = values;
    for (uint32_t i = 0; i < row->entity->field_count; i++) {
        values[i] = is_wanted(j->query, i) ? row->values[i] : (struct fb_value){.type = FB_ABSENT};
    }
    for (uint32_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (!is_wanted(j->query, FB_QUERY_STAMP(row->entity, i))) {
            shown.stamps[i] = (struct fb_value){.type = FB_ABSENT};
        }
    }
    rc = j->f(j->ctx, &shown, position);
    j->is_full = ++j->rows >= j->query->limit;
    return rc == FB_OK && j->is_full ? FB_ERR_INTERRUPTED : rc;
}

bool fb_api_reads_all(const struct fb_api *a, const struct fb_entity *e)
{
    return level_of(a, e, FB_API_READ) == FB_LEVEL_ALL;
}

int fb_api_query(struct fb_api *a, const struct fb_query *q, fb_query_each *f, void *ctx)
{
    int rc = fb_api_may(a, q->entity, FB_API_READ);
    if (rc < 0 || fb_api_reads_all(a, q->entity)) {
        return rc < 0 ? rc : fb_query_run(a->store, q, f, ctx, NULL);
    }
    struct judging j = {.a = a, .query = q, .f = f, .ctx = ctx};
    struct fb_query whole = *q;
    whole.columns = NULL;
    whole.limit = INT64_MAX; /* the budget ends it */
    rc = fb_query_run(a->store, &whole, judge_row, &j, NULL);
    return rc == FB_ERR_INTERRUPTED && j.is_full ? FB_OK : rc;
}

static int count_row(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    (void)row;
    (void)position;
    ++*(int64_t *)ctx;
    return FB_OK;
}

int fb_api_count(struct fb_api *a, const struct fb_query *q, int64_t at_most, int64_t *ret)
{
    int rc = fb_api_may(a, q->entity, FB_API_READ);
    if (rc < 0 || fb_api_reads_all(a, q->entity)) {
        return rc < 0 ? rc : fb_query_count(a->store, q, at_most, ret, NULL);
    }
    struct fb_query rows = *q;
    rows.limit = at_most;
    rows.after = NULL;
    *ret = 0;
    return fb_api_query(a, &rows, count_row, ret);
}
