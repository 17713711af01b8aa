/* SPDX-License-Identifier: MIT
 *
 * Where a record went that was merged into another: a merge_job in state "merged" is a redirect from drop_id to keep_id, and keep_id
 * is re-pointed like any reference when that record is merged away in turn, so chains stay short.
 *
 * What still comes in for a dropped id follows: an edit merges into the record that was kept, by field; a reference points to it; a
 * delete of the dropped id asks for nothing any more. Asked only for rows that are not in their tables, so ordinary pushes pay
 * nothing.
 */
#include "server/internal.h"

#define CHAIN_MAX 64

/* One redirect; ret_id keeps its value if there is none. */
static int follow_once(struct fb_work *w, const struct fb_entity *e,
                       char ret_id[static FB_ROW_ID_SIZE], bool *ret_found)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(w->store,
                     "SELECT keep_id FROM merge_job WHERE drop_id = ?1 AND entity = ?2 AND state = "
                     "'merged' ORDER BY id DESC LIMIT 1",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, ret_id);
    fb_sql_bind_text(q, 2, e->name);
    rc = fb_sql_step(q);
    struct fb_value keep = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : FB_VALUE_NULL;
    char id[FB_ROW_ID_SIZE];
    *ret_found = fb_value_to_id(&keep, id) && strcmp(id, ret_id) != 0;
    if (*ret_found) {
        memcpy(ret_id, id, FB_ROW_ID_SIZE);
    }
    return rc < 0 ? rc : FB_OK;
}

/* Most companies never merge anything: asked once per rev. */
static int has_merged(struct fb_work *w, bool *ret)
{
    int64_t count = 0;
    if (!w->is_merge_asked && fb_catalogue_entity(w->catalogue, "merge_job") != NULL) {
        int rc = fb_sql_read_int(w->store, "SELECT EXISTS (SELECT 1 FROM merge_job)", &count);
        if (rc < 0) {
            return rc;
        }
    }
    w->has_merged = w->has_merged || count > 0;
    w->is_merge_asked = true;
    *ret = w->has_merged;
    return FB_OK;
}

int fb_redirect_follow(struct fb_work *w, const struct fb_entity *e,
                       char ret_id[static FB_ROW_ID_SIZE], bool *ret_found)
{
    bool is_here = false;
    bool is_found = false;
    *ret_found = false;
    int rc = has_merged(w, &is_found);
    for (int depth = 0; rc == FB_OK && is_found && depth < CHAIN_MAX; depth++) {
        rc = fb_work_is_here(w, e, ret_id, &is_here);
        if (rc < 0 || is_here) {
            return rc;
        }
        rc = follow_once(w, e, ret_id, &is_found);
        if (rc < 0) {
            return rc;
        }
        *ret_found = *ret_found || is_found;
    }
    return rc;
}

/* ---- References of a change ---- */

/* What the field will point to, after the change. */
static const struct fb_entity *target_of(struct fb_work *w, const struct fb_entity *e,
                                         const struct fb_change *c, const struct fb_field *f,
                                         int *ret_rc)
{
    *ret_rc = FB_OK;
    if (f->target_name == NULL) {
        return fb_field_target(f, NULL);
    }
    struct fb_work_row *row = NULL;
    struct fb_value name = FB_VALUE_NULL;
    for (size_t i = 0; i < c->field_count; i++) {
        if (c->fields[i].field_no == f->target_name->no) {
            name = c->fields[i].mine;
        }
    }
    if (name.type != FB_TEXT) {
        *ret_rc = fb_work_row(w, e, c->row_id, &row);
        name = *ret_rc == FB_OK && row->is_here ? row->now.values[f->target_name->index]
                                                : FB_VALUE_NULL;
    }
    return fb_field_target(f, &name);
}

static int translate_value(struct fb_work *w, const struct fb_entity *target, struct fb_value *v,
                           bool *ret_changed)
{
    char id[FB_ROW_ID_SIZE];
    bool is_found = false;
    if (!fb_value_to_id(v, id)) {
        return FB_OK;
    }
    int rc = fb_redirect_follow(w, target, id, &is_found);
    if (rc < 0 || !is_found) {
        return rc;
    }
    const char *copy = fb_arena_strdup(w->arena, id);
    *v = copy == NULL ? FB_VALUE_NULL : fb_value_text(copy);
    *ret_changed = true;
    return copy == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

int fb_redirect_references(struct fb_work *w, const struct fb_entity *e, const struct fb_change *c,
                           const struct fb_change **ret)
{
    *ret = c;
    struct fb_change *copy = NULL;
    bool may_redirect = (c->op == FB_CHANGE_INSERT || c->op == FB_CHANGE_UPDATE) &&
                        !FB_BUG(REDIRECT_NOT_FOLLOWED) &&
                        !(FB_BUG(MERGE_IN_CIRCLE) && strcmp(e->name, "merge_job") == 0);
    bool has_any = false;
    int asked = may_redirect ? has_merged(w, &has_any) : FB_OK;
    if (asked < 0) {
        return asked;
    }
    for (size_t i = 0; has_any && i < c->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(e, c->fields[i].field_no);
        if (f == NULL || f->target_count == 0) {
            continue;
        }
        int rc = FB_OK;
        const struct fb_entity *target = target_of(w, e, c, f, &rc);
        struct fb_value base = c->fields[i].base;
        struct fb_value mine = c->fields[i].mine;
        bool is_changed = false;
        if (rc == FB_OK && target != NULL) {
            rc = translate_value(w, target, &base, &is_changed);
            rc = rc < 0 ? rc : translate_value(w, target, &mine, &is_changed);
        }
        if (rc < 0 || !is_changed) {
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (copy == NULL) {
            copy = fb_arena_alloc(w->arena, sizeof *copy);
            struct fb_field_change *fields =
                fb_arena_alloc(w->arena, (c->field_count + 1) * sizeof *fields);
            if (copy == NULL || fields == NULL) {
                return FB_ERR_NO_MEMORY;
            }
            memcpy(fields, c->fields, c->field_count * sizeof *fields);
            *copy = *c;
            copy->fields = fields;
            *ret = copy;
        }
        copy->fields[i].base = base;
        copy->fields[i].mine = mine;
    }
    return FB_OK;
}

int fb_redirect_row(struct fb_work *w, struct fb_work_row *row)
{
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        const struct fb_entity *target = fb_row_target(&row->now, f);
        struct fb_value v = row->now.values[i];
        bool is_changed = false;
        int rc = target == NULL || FB_BUG(REDIRECT_NOT_FOLLOWED)
                     ? FB_OK
                     : translate_value(w, target, &v, &is_changed);
        rc = rc == FB_OK && is_changed ? fb_work_set(w, row, f, &v) : rc;
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* ---- Edits of a dropped record ---- */

/* Another change that meets a row: of a record that was merged into it. */
struct fb_redirected {
    struct fb_redirected *next;
    const struct fb_change *change;
};

int fb_redirect_note(struct fb_work *w, const struct fb_entity *e, const struct fb_change *c,
                     struct fb_work_row *dropped, bool *ret_is_redirected)
{
    char id[FB_ROW_ID_SIZE];
    memcpy(id, c->row_id, FB_ROW_ID_SIZE);
    *ret_is_redirected = false;
    int rc = dropped->bin_cause == 0 || FB_BUG(REDIRECT_NOT_FOLLOWED)
                 ? FB_OK
                 : fb_redirect_follow(w, e, id, ret_is_redirected);
    if (rc < 0 || !*ret_is_redirected) {
        return rc;
    }
    struct fb_work_row *kept = NULL;
    struct fb_redirected *r = fb_arena_alloc(w->arena, sizeof *r);
    rc = r == NULL ? FB_ERR_NO_MEMORY : fb_work_row(w, e, id, &kept);
    if (rc < 0) {
        return rc;
    }
    dropped->is_named = true;
    kept->is_named = true;
    r->change = c;
    r->next = kept->redirected;
    kept->redirected = r;
    w->has_redirected = true;
    return FB_OK;
}

/* One change made of several. */
struct joint {
    struct fb_work *w;
    struct fb_work_row *row;
    struct fb_change *change;
};

static struct fb_field_change *find_field(const struct fb_change *c, uint32_t field_no)
{
    for (size_t i = 0; i < c->field_count; i++) {
        if (c->fields[i].field_no == field_no) {
            return &c->fields[i];
        }
    }
    return NULL;
}

/* Does the change say something about the field's group? */
static bool has_group(const struct joint *j, size_t own_count, const struct fb_field *f)
{
    const struct fb_group *g = &j->row->entity->groups[f->group];
    for (size_t i = 0; i < g->field_count; i++) {
        const struct fb_field_change *c = find_field(j->change, g->fields[i]->no);
        if (c != NULL && (size_t)(c - j->change->fields) < own_count) {
            return true;
        }
    }
    return false;
}

/* Both records were edited in the same field: steps add up. */
static int add_sums(const struct joint *j, struct fb_field_change *own,
                    const struct fb_field_change *c)
{
    struct fb_step *steps =
        fb_arena_alloc(j->w->arena, (own->step_count + c->step_count + 1) * sizeof *steps);
    if (steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(steps, own->steps, own->step_count * sizeof *steps);
    memcpy(steps + own->step_count, c->steps, c->step_count * sizeof *steps);
    own->steps = steps;
    own->step_count += c->step_count;
    return FB_OK;
}

static const char *one_value(struct fb_work *w, const struct fb_field *f, const struct fb_value *v)
{
    fb_buf_clear(&w->text);
    fb_buf_printf(&w->text, "{\"%s\":", f->name);
    if (v->type == FB_ABSENT) {
        fb_buf_append_text(&w->text, "null");
    } else {
        fb_value_append_json(&w->text, v);
    }
    fb_buf_append_byte(&w->text, '}');
    return fb_buf_error(&w->text) < 0 ? NULL : fb_arena_copy(w->arena, w->text.bytes, w->text.size);
}

/* ... other values: that of the kept record stands, the other is kept in a conflict. */
static int keep_overlap(const struct joint *j, const struct fb_field *f,
                        const struct fb_field_change *c)
{
    struct fb_work *w = j->w;
    const struct fb_field_change *own = find_field(j->change, f->no);
    struct fb_value stands = own != NULL       ? own->mine
                             : j->row->is_here ? j->row->now.values[f->index]
                                               : FB_VALUE_NULL;
    struct fb_conflict conflict = {.group = j->row->entity->groups[f->group].name,
                                   .base = one_value(w, f, &c->base),
                                   .theirs = one_value(w, f, &stands),
                                   .mine = one_value(w, f, &c->mine),
                                   .mine_at_ms = j->row->edited_at_ms,
                                   .policy = "merged records",
                                   .outcome = "auto",
                                   .reason = "concurrent",
                                   .is_amended = true};
    bool is_made = conflict.base != NULL && conflict.theirs != NULL && conflict.mine != NULL;
    return is_made ? fb_conflict_keep(w, j->row, &conflict) : FB_ERR_NO_MEMORY;
}

/* What the author had before him: of an insert, the field's default. */
static struct fb_value base_of(const struct fb_change *c, const struct fb_field *f,
                               const struct fb_field_change *field)
{
    return c->op == FB_CHANGE_INSERT ? f->initial : field->base;
}

static bool is_edited(const struct fb_change *c, const struct fb_field *f,
                      const struct fb_field_change *field)
{
    struct fb_value base = base_of(c, f, field);
    return !fb_value_equal(&base, &field->mine);
}

static bool is_group_edited(const struct joint *j, const struct fb_change *c,
                            const struct fb_field *f)
{
    const struct fb_group *g = &j->row->entity->groups[f->group];
    for (size_t i = 0; i < g->field_count; i++) {
        const struct fb_field_change *member = find_field(c, g->fields[i]->no);
        if (member != NULL && is_edited(c, g->fields[i], member)) {
            return true;
        }
    }
    return false;
}

/* A group travels whole: members without a change of their own come along, or two addresses would mix. */
static int join_field(const struct joint *j, size_t own_count, const struct fb_change *c,
                      const struct fb_field_change *field)
{
    const struct fb_field *f = fb_entity_field_no(j->row->entity, field->field_no);
    struct fb_field_change *own = f == NULL ? NULL : find_field(j->change, f->no);
    if (f == NULL || !is_group_edited(j, c, f)) {
        return FB_OK;
    }
    if (own != NULL && f->policy == FB_MERGE_SUM) {
        return add_sums(j, own, field);
    }
    if (has_group(j, own_count, f)) {
        return is_edited(c, f, field) ? keep_overlap(j, f, field) : FB_OK;
    }
    struct fb_field_change *to = &j->change->fields[j->change->field_count++];
    *to = *field;
    to->base = base_of(c, f, field);
    return FB_OK;
}

static int join_one(const struct joint *j, const struct fb_change *c)
{
    size_t own_count = j->change->field_count;
    bool is_edit = c->op == FB_CHANGE_INSERT || c->op == FB_CHANGE_UPDATE;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && is_edit && i < c->field_count; i++) {
        rc = join_field(j, own_count, c, &c->fields[i]);
    }
    if (c->edited_at_ms > j->change->edited_at_ms) {
        j->change->edited_at_ms = c->edited_at_ms;
    }
    if (j->change->cursor == 0 || c->cursor < j->change->cursor) {
        j->change->cursor = c->cursor; /* of the first edit; each field has its own besides */
    }
    return rc;
}

static bool brings_edit(const struct joint *j)
{
    for (const struct fb_redirected *r = j->row->redirected; r != NULL; r = r->next) {
        const struct fb_change *c = r->change;
        bool is_edit = c->op == FB_CHANGE_INSERT || c->op == FB_CHANGE_UPDATE;
        for (size_t i = 0; is_edit && i < c->field_count; i++) {
            const struct fb_field *f = fb_entity_field_no(j->row->entity, c->fields[i].field_no);
            if (f != NULL && is_edited(c, f, &c->fields[i])) {
                return true;
            }
        }
    }
    return false;
}

/* The kept record is deleted by the same push, whose author knew of no merging: the edit keeps it. What the delete says of its values is
 * an image of them, and no edit where nothing was edited. */
static void leave_image(const struct joint *j)
{
    struct fb_change *own = j->change;
    size_t kept = 0;
    for (size_t i = 0; i < own->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(j->row->entity, own->fields[i].field_no);
        if (f != NULL && is_group_edited(j, j->row->change, f)) {
            own->fields[kept++] = own->fields[i];
        }
    }
    own->field_count = kept;
}

static int join_row(struct fb_work *w, struct fb_work_row *row)
{
    size_t room = row->change == NULL ? 0 : row->change->field_count;
    for (const struct fb_redirected *r = row->redirected; r != NULL; r = r->next) {
        room += r->change->field_count;
    }
    struct joint j = {.w = w, .row = row};
    j.change = fb_arena_alloc(w->arena, sizeof *j.change);
    struct fb_field_change *fields = fb_arena_alloc(w->arena, (room + 1) * sizeof *fields);
    if (j.change == NULL || fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (row->change != NULL) {
        *j.change = *row->change;
        memcpy(fields, row->change->fields, row->change->field_count * sizeof *fields);
    } else {
        j.change->entity_no = row->entity->no;
        j.change->op = FB_CHANGE_NAMED;
        memcpy(j.change->row_id, row->id, sizeof j.change->row_id);
    }
    j.change->fields = fields;
    if (j.change->op == FB_CHANGE_DELETE && brings_edit(&j) && !FB_BUG(IMAGE_BEATS_LED_EDIT)) {
        leave_image(&j);
    }
    size_t own_count = j.change->field_count;
    int rc = FB_OK;
    for (const struct fb_redirected *r = row->redirected; rc == FB_OK && r != NULL; r = r->next) {
        rc = join_one(&j, r->change);
    }
    bool is_silent = j.change->op == FB_CHANGE_NAMED || j.change->op == FB_CHANGE_DELETE;
    if (is_silent && j.change->field_count > own_count) {
        j.change->op = FB_CHANGE_UPDATE;
    }
    row->change = j.change;
    int64_t cursor = j.change->cursor;
    for (size_t i = 0; i < j.change->field_count; i++) {
        cursor = j.change->fields[i].cursor > cursor ? j.change->fields[i].cursor : cursor;
    }
    return rc < 0 ? rc : fb_ingest_clock(w, cursor, j.change->edited_at_ms, &row->edited_at_ms);
}

int fb_redirect_join(struct fb_work *w)
{
    size_t count = w->row_count;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && w->has_redirected && i < count; i++) {
        rc = w->rows[i]->redirected != NULL ? join_row(w, w->rows[i]) : FB_OK;
    }
    return rc;
}
