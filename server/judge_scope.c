/* SPDX-License-Identifier: MIT
 *
 * May this device touch this row? A change is judged by the scope its device had at the change's cursor (rule 23), worked out from
 * the log. In this order, the cheap answers first:
 *
 *     the row is the device's now                                     yes
 *     its person's devices made the row, or name it since the cursor   yes: one's own moves lead out of one's scope
 *     the cursor is of a history that headquarters does not know       yes: at most held for other reasons
 *     the row was the device's at the cursor                           yes: an account that moved with unsent edits on it
 *     the cursor lies behind the horizon of the log                    nobody can tell: held, and a person decides
 *     else                                                             no; "not there" and "not yours" are answered alike (G7)
 *
 * Behind the horizon "at the cursor" reads "at the horizon", which is the oldest state that the log tells.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/store/history_pack.h"
#include "server/internal.h"
#include "server/past.h"

#define MERGED_MAX 16 /* records merged into one that are asked about */

/* What the device held at one cursor. */
struct fb_past_scopes {
    struct fb_past_scopes *next;
    int64_t cursor;
    struct fb_device_scopes scopes;
};

void fb_judge_release(struct fb_work *w)
{
    while (w->past_scopes != NULL) {
        struct fb_past_scopes *p = w->past_scopes;
        w->past_scopes = p->next;
        fb_device_scopes_release(&p->scopes);
        free(p);
    }
    fb_device_scopes_release(&w->own_scopes);
}

/* ---- Now ---- */

static int scopes_now(struct fb_work *w, const struct fb_scope_list **ret)
{
    int rc = fb_hub_scopes_of(w->hub, w->source.device_id, w->source.employee_id, w->now_ms,
                              &w->own_scopes, ret);
    return rc;
}

/* The set of a row as headquarters has it, or had it before it went. "": headquarters never had it. */
static int set_now(struct fb_work *w, const struct fb_work_row *row, struct fb_buf *ret)
{
    fb_buf_clear(ret);
    return row->was_here || row->bin_cause > 0
               ? fb_scope_of_row_cached(w->hub->scopes, w->store, &row->before, ret)
               : FB_OK;
}

/* Would it be held, were it not for the history limit? What stays at headquarters is still his. */
static int is_held_as_history(struct fb_work *w, const struct fb_work_row *row,
                              const struct fb_scope_list *now, bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf set;
    fb_buf_init(&set, FB_SCOPE_SET_BYTES_MAX);
    int rc = fb_scope_of_row(w->store, &row->before, &set);
    *ret = rc == FB_OK && fb_scope_set_is_held(fb_buf_text(&set), now);
    return rc;
}

/* ---- Its own ---- */

/* Did the device name the row in a push after the cursor, or (or_made) make it at any time? Or another one of its person: a copied
 * laptop hands in under a new name what it may have handed in under the old one. */
static int is_its_own(struct fb_work *w, const struct fb_work_row *row, int64_t after_seq,
                      bool or_made, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    *ret = false;
    int rc = fb_sql_begin(w->store,
                          "SELECT 1 FROM fb_log AS l WHERE row_id = ?1 AND entity = ?2"
                          " AND (seq >= ?3 OR (?6 AND op = 1))"
                          " AND (SELECT device_id FROM fb_rev WHERE first_seq <= l.seq"
                          "      ORDER BY first_seq DESC LIMIT 1) IN"
                          " (SELECT id FROM device WHERE id = ?4 OR employee_id = ?5) LIMIT 1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_id_to_bytes(row->id, id);
    fb_sql_bind_bytes(q, 1, id, sizeof id);
    fb_sql_bind_int(q, 2, row->entity->no);
    fb_sql_bind_int(q, 3, after_seq);
    fb_sql_bind_text(q, 4, w->source.device_id);
    fb_sql_bind_text(q, 5, w->source.employee_id);
    fb_sql_bind_int(q, 6, or_made);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

/* ---- Which history ---- */

/* Up to which rev the push's timeline and ours are one; INT64_MAX: it is ours. False: headquarters does not know it. */
static int shared_until(struct fb_work *w, int64_t *ret_rev, bool *ret_known)
{
    char at[FB_ROW_ID_SIZE];
    memcpy(at, w->hub->timeline, sizeof at);
    *ret_rev = INT64_MAX;
    for (int depth = 0; depth < 1000; depth++) {
        *ret_known = w->source.timeline == NULL || strcmp(at, w->source.timeline) == 0;
        if (*ret_known) {
            return FB_OK;
        }
        FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
        int rc = fb_sql_begin(w->store,
                              "SELECT parent, forked_at_rev FROM fb_timeline WHERE id = ?1", &q);
        if (rc < 0) {
            return rc;
        }
        fb_sql_bind_text(q, 1, at);
        rc = fb_sql_step(q);
        const char *parent = rc == FB_SQL_ROW ? fb_sql_text(q, 0) : NULL;
        if (rc < 0 || parent == NULL) {
            return rc < 0 ? rc : FB_OK;
        }
        *ret_rev = fb_sql_int(q, 1) < *ret_rev ? fb_sql_int(q, 1) : *ret_rev;
        snprintf(at, sizeof at, "%s", parent);
    }
    return FB_OK;
}

/* ---- At the cursor ---- */

static int scopes_at(struct fb_work *w, int64_t cursor, const struct fb_device_scopes **ret)
{
    struct fb_past_scopes *p = w->past_scopes;
    while (p != NULL && p->cursor != cursor) {
        p = p->next;
    }
    if (p != NULL) {
        *ret = &p->scopes;
        return FB_OK;
    }
    p = calloc(1, sizeof *p);
    struct fb_structure *structure = NULL;
    int64_t at_ms = 0;
    int rc = p == NULL ? FB_ERR_NO_MEMORY : fb_history_rev_at_ms(w->store, cursor, &at_ms);
    rc = rc < 0 ? rc : fb_structure_load(w->store, cursor, &structure);
    rc = rc < 0 ? rc
                : fb_device_scopes_find(w->store, structure, w->source.device_id,
                                        w->source.employee_id, at_ms, false, &p->scopes);
    fb_structure_free(structure);
    if (rc < 0) {
        free(p);
        return rc;
    }
    p->cursor = cursor;
    p->next = w->past_scopes;
    w->past_scopes = p;
    *ret = &p->scopes;
    return FB_OK;
}

/* The set the row belonged to at the cursor: what its first entry since then left. */
static int set_at(struct fb_work *w, const struct fb_work_row *row, int64_t after_seq,
                  struct fb_buf *set)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    int rc = fb_sql_begin(w->store,
                          "SELECT coalesce(scope_before, 0) FROM fb_log WHERE row_id = ?1 AND"
                          " entity = ?2 AND seq >= ?3 AND op NOT IN (0, 5) ORDER BY seq LIMIT 1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_id_to_bytes(row->id, id);
    fb_sql_bind_bytes(q, 1, id, sizeof id);
    fb_sql_bind_int(q, 2, row->entity->no);
    fb_sql_bind_int(q, 3, after_seq);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        const char *key = fb_history_scope_key(w->store, fb_sql_int(q, 0));
        fb_buf_clear(set);
        fb_buf_append_text(set, key == NULL ? "" : key);
    }
    return rc < 0 ? rc : fb_buf_error(set);
}

struct owner_then {
    const struct fb_field *field;
    char id[FB_ROW_ID_SIZE];
};

static void take_owner(struct owner_then *o, const struct fb_value *v)
{
    if (!fb_value_to_id(v, o->id)) {
        o->id[0] = '\0';
    }
}

static int see_old_owner(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    struct owner_then *o = ctx;
    if (field == o->field) {
        take_owner(o, old);
    }
    return FB_OK;
}

static int owned_then(struct fb_work *w, const struct fb_device_scopes *then, const char *company,
                      int64_t cursor, bool *ret)
{
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "company");
    struct owner_then o = {.field = e == NULL ? NULL : e->owner_field};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row;
    bool is_found = false;
    if (o.field == NULL) {
        return FB_OK;
    }
    int rc = fb_row_read(w->store, e, company, &arena, &row, &is_found);
    if (rc == FB_OK && is_found) {
        take_owner(&o, &row.values[o.field->index]);
    }
    rc = rc < 0 ? rc : fb_history_old_values(w->store, e, company, cursor, see_old_owner, &o);
    *ret = rc == FB_OK && o.id[0] != '\0' && fb_scope_list_has(&then->people, o.id);
    return rc;
}

static int in_territory_then(struct fb_work *w, const struct fb_device_scopes *then,
                             const char *company, int64_t cursor, bool *ret)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    char scope[64];
    snprintf(scope, sizeof scope, "company:%.36s", company);
    struct fb_past_table rows;
    struct fb_past_ask ask = {.entity = "company_territory",
                              .fields = {"territory_id"},
                              .by_field = "company_id",
                              .by_id = company,
                              .scope = scope,
                              .rev = cursor};
    int rc = fb_past_read(w->store, &ask, &arena, &rows);
    for (size_t i = 0; rc == FB_OK && !*ret && i < rows.count; i++) {
        char key[64];
        const char *territory = rows.rows[i].columns[1];
        snprintf(key, sizeof key, "territory:%.36s", territory == NULL ? "" : territory);
        *ret = fb_scope_list_has(&then->list, key);
    }
    return rc;
}

/* In the team of a record of that company, then or now: a place in a team is given for the work done in it. */
static int in_record_team(struct fb_work *w, const char *company, int64_t after_seq, bool *ret)
{
    char scope[64];
    int64_t id = 0;
    const struct fb_entity *e = fb_catalogue_entity(w->catalogue, "record_member");
    snprintf(scope, sizeof scope, "company:%.36s", company);
    int rc = fb_history_scope_find(w->store, scope, &id);
    if (rc < 0 || id == 0 || e == NULL) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(w->store,
                      "SELECT 1 FROM fb_log WHERE scope_before = ?1 AND scope_before IS NOT"
                      " scope_after AND seq >= ?2 AND entity = ?3 AND op = 3"
                      " AND json_extract(changes, '$.employee_id') = ?4 LIMIT 1",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, id);
    fb_sql_bind_int(q, 2, after_seq);
    fb_sql_bind_int(q, 3, e->no);
    fb_sql_bind_text(q, 4, w->source.employee_id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

static int held_company_then(struct fb_work *w, const struct fb_device_scopes *then,
                             const char *company, int64_t cursor, int64_t after_seq, bool *ret)
{
    int rc = in_territory_then(w, then, company, cursor, ret);
    if (rc == FB_OK && !*ret) {
        rc = owned_then(w, then, company, cursor, ret);
    }
    return rc < 0 || *ret ? rc : in_record_team(w, company, after_seq, ret);
}

static int held_then(struct fb_work *w, const char *set, int64_t cursor, int64_t after_seq,
                     bool *ret)
{
    const struct fb_device_scopes *then = NULL;
    int rc = scopes_at(w, cursor, &then);
    *ret = rc == FB_OK && fb_scope_set_is_held(set, &then->list);
    while (rc == FB_OK && !*ret && *set != '\0') {
        size_t size = strcspn(set, ",");
        if (size == 8 + FB_ROW_ID_SIZE - 1 && strncmp(set, "company:", 8) == 0) {
            char company[FB_ROW_ID_SIZE];
            memcpy(company, set + 8, FB_ROW_ID_SIZE - 1);
            company[FB_ROW_ID_SIZE - 1] = '\0';
            rc = held_company_then(w, then, company, cursor, after_seq, ret);
        }
        set += size + (set[size] == ',');
    }
    return rc;
}

/* ---- The question ---- */

/* The oldest rev, not before the cursor, that the log can tell of. */
static int bound_by_horizon(struct fb_work *w, int64_t *cursor)
{
    int64_t horizon = 0;
    int rc = fb_history_horizon(w->store, &horizon);
    *cursor = horizon > *cursor ? horizon : *cursor;
    return rc;
}

/* The cursor is of a history that headquarters does not have any more. (Cursors past the fork come bounded by it, hub.c.) */
static int is_of_lost_history(struct fb_work *w, int64_t cursor, bool *ret)
{
    int64_t shared = 0;
    bool is_known = false;
    int rc = shared_until(w, &shared, &is_known);
    *ret = !is_known || (shared != INT64_MAX && cursor >= shared);
    return rc;
}

static int judge_by_past(struct fb_work *w, const struct fb_work_row *row, int64_t cursor,
                         struct fb_buf *set, bool *ret)
{
    int64_t head = 0;
    int64_t after_seq = 0;
    bool is_lost = false;
    int rc = is_of_lost_history(w, cursor, &is_lost);
    rc = rc < 0 ? rc : fb_history_head(w->store, &head);
    if (rc < 0) {
        return rc;
    }
    if (is_lost && !FB_BUG(LOST_TIMELINE_JUDGED)) {
        *ret = true;
        return FB_OK;
    }
    cursor = cursor < head ? cursor : head;
    rc = fb_history_seq_after(w->store, cursor, &after_seq);
    if (rc == FB_OK && !FB_BUG(OWN_PUSHES_NOT_IN_SCOPE)) {
        rc = is_its_own(w, row, after_seq, true, ret);
    }
    if (rc < 0 || *ret || FB_BUG(SCOPE_JUDGED_BY_NOW)) {
        return rc;
    }
    rc = bound_by_horizon(w, &cursor);
    rc = rc < 0 ? rc : fb_history_seq_after(w->store, cursor, &after_seq);
    rc = rc < 0 ? rc : set_at(w, row, after_seq, set);
    rc = rc < 0 ? rc : held_then(w, fb_buf_text(set), cursor, after_seq, ret);
    w->is_judged_by_past = rc == FB_OK && *ret;
    return rc;
}

static int sees_row(struct fb_work *w, const struct fb_work_row *row, int64_t cursor, bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf set;
    const struct fb_scope_list *now = NULL;
    fb_buf_init(&set, FB_SCOPE_SET_BYTES_MAX);
    *ret = true;
    if (w->source.device_id == NULL || w->source.is_approved ||
        (!row->was_here && row->bin_cause == 0)) {
        return FB_OK; /* headquarters itself; or nobody's row yet */
    }
    int rc = scopes_now(w, &now);
    rc = rc < 0 ? rc : set_now(w, row, &set);
    if (rc < 0 || fb_scope_set_is_held(fb_buf_text(&set), now)) {
        return rc;
    }
    *ret = false;
    rc = w->hub->history_from_ms == 0 ? FB_OK : is_held_as_history(w, row, now, ret);
    return rc < 0 || *ret ? rc : judge_by_past(w, row, cursor, &set, ret);
}

/* Records that were merged into this one: an edit of theirs was led here (redirect.c). */
static int sees_merged(struct fb_work *w, const struct fb_work_row *row, int64_t cursor, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char ids[MERGED_MAX][FB_ROW_ID_SIZE];
    size_t count = 0;
    if (fb_catalogue_entity(w->catalogue, "merge_job") == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_begin(w->store,
                          "SELECT drop_id FROM merge_job WHERE keep_id = ?1 AND entity = ?2"
                          " AND state = 'merged'",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, row->id);
    fb_sql_bind_text(q, 2, row->entity->name);
    while (count < MERGED_MAX && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *id = fb_sql_text(q, 0);
        if (id != NULL && fb_id_is_valid(id, strlen(id))) {
            memcpy(ids[count++], id, FB_ROW_ID_SIZE);
        }
    }
    for (size_t i = 0; rc >= 0 && !*ret && i < count; i++) {
        struct fb_work_row *dropped = NULL;
        rc = fb_work_row(w, row->entity, ids[i], &dropped);
        rc = rc < 0 ? rc : sees_row(w, dropped, cursor, ret);
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_judge_sees(struct fb_work *w, const struct fb_work_row *row, int64_t cursor, bool *ret)
{
    w->is_judged_by_past = false;
    int rc = sees_row(w, row, cursor, ret);
    return rc < 0 || *ret ? rc : sees_merged(w, row, cursor, ret);
}

/* ---- What goes along with a delete ---- */

static int may_read(struct fb_work *w, const struct fb_entity *e, bool *ret)
{
    struct fb_rights *rights = NULL;
    *ret = true;
    if (w->source.judged_by == NULL) {
        return FB_OK;
    }
    int rc = fb_hub_rights(w->hub, w->source.judged_by, w->now_ms, &rights);
    *ret = rc < 0 || fb_rights_level(rights, e, FB_ACTION_READ) != FB_LEVEL_NONE;
    return rc;
}

/* By the set it stood in at the cursor, in which an old record is in none. Its own pushes since brought it there, too. */
static int was_in_scope(struct fb_work *w, const struct fb_work_row *row, int64_t cursor, bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf set;
    const struct fb_scope_list *now = NULL;
    int64_t head = 0;
    int64_t after_seq = 0;
    fb_buf_init(&set, FB_SCOPE_SET_BYTES_MAX);
    int rc = fb_history_head(w->store, &head);
    cursor = cursor < head ? cursor : head;
    rc = rc < 0 ? rc : fb_history_seq_after(w->store, cursor, &after_seq);
    rc = rc < 0 ? rc : is_its_own(w, row, after_seq, false, ret);
    if (rc < 0 || *ret) {
        return rc;
    }
    rc = set_now(w, row, &set);
    rc = rc < 0 ? rc : set_at(w, row, after_seq, &set);
    rc = rc < 0 ? rc : scopes_now(w, &now);
    *ret = rc == FB_OK && fb_scope_set_is_held(fb_buf_text(&set), now);
    return rc < 0 || *ret ? rc : held_then(w, fb_buf_text(&set), cursor, after_seq, ret);
}

int fb_judge_was_there(struct fb_work *w, const struct fb_work_row *row, int64_t cursor, bool *ret)
{
    enum fb_scope_rule scope = row->entity->scope;
    int64_t shared = 0;
    bool is_known = false;
    *ret = true;
    if (w->source.device_id == NULL || w->source.is_approved || scope == FB_SCOPE_SERVER_ONLY ||
        scope == FB_SCOPE_DEVICE_ONLY) {
        return FB_OK; /* headquarters sees everything; and of what never travels nobody is told */
    }
    int rc = shared_until(w, &shared, &is_known);
    if (rc < 0 || !is_known) {
        return rc;
    }
    /* Of a history that headquarters lost, the fork counts: what came to the laptop after it, the push names with its image. */
    cursor = cursor < shared ? cursor : shared;
    rc = may_read(w, row->entity, ret);
    return rc < 0 || !*ret ? rc : was_in_scope(w, row, cursor, ret);
}

int fb_judge_hold(struct fb_work *w, struct fb_work_row *row)
{
    bool is_told = true;
    int rc = fb_history_tells(w->store, row->change->cursor, &is_told);
    if (rc < 0) {
        return rc;
    }
    return is_told || FB_BUG(BEHIND_HORIZON_REFUSED)
               ? fb_ingest_hold(w, row, FB_HELD_MISSING_ROW,
                                "This %s is not at headquarters, or not among your accounts.",
                                fb_entity_label(row->entity))
               : fb_ingest_hold(w, row, FB_HELD_OUT_OF_SCOPE,
                                "The edit is older than headquarters' log reaches back: whether "
                                "this %s was among your accounts then, a person decides.",
                                fb_entity_label(row->entity));
}
