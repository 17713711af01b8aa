/* SPDX-License-Identifier: MIT
 *
 * An insert or an update of one row, group by group: base and mine from the push, theirs from headquarters.
 */
#include "server/internal.h"

/* Ways between the stages of one pipeline, made once per push. */
struct fb_paths {
    struct fb_paths *next;
    const struct fb_entity *entity; /* stage */
    char parent_id[FB_ROW_ID_SIZE];
    struct fb_merge_path path;
};

/* One group of one change. Arrays have a place per member. */
struct group_merge {
    struct fb_work *w;
    struct fb_work_row *row;
    const struct fb_group *group;
    struct fb_value *base, *theirs, *mine, *initial;
    const struct fb_field_change **changes; /* NULL: the push does not name the member */
    bool is_insert;                         /* base is what a new row has */
    int64_t mine_at_ms;
};

/* ---- Steps of a sum (rule 15) ---- */

static int is_step_counted(struct fb_work *w, const struct fb_step *step, bool *ret)
{
    for (const struct fb_counted_step *s = w->steps; s != NULL; s = s->next) {
        if (memcmp(s->id, step->id, sizeof s->id) == 0) {
            *ret = true;
            return FB_OK;
        }
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store, "SELECT 1 FROM fb_step WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_bytes(q, 1, step->id, sizeof step->id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW && !FB_BUG(STEP_IDS_IGNORED);
    return rc < 0 ? rc : FB_OK;
}

static int note_step(struct group_merge *g, const struct fb_step *step)
{
    struct fb_counted_step *of_row = fb_arena_alloc(g->w->arena, sizeof *of_row);
    struct fb_counted_step *of_work = fb_arena_alloc(g->w->arena, sizeof *of_work);
    if (of_row == NULL || of_work == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(of_row->id, step->id, sizeof of_row->id);
    *of_work = *of_row;
    of_row->next = g->row->steps;
    g->row->steps = of_row;
    of_work->next = g->w->steps;
    g->w->steps = of_work;
    return FB_OK;
}

/* What the steps that never counted add up to. An edit without steps (an older laptop) is one step without an id. */
static int add_steps(struct group_merge *g, int64_t *ret)
{
    const struct fb_field_change *c = g->changes[0];
    int64_t sum = 0;
    *ret = 0;
    if (c->step_count == 0) {
        int64_t from = g->base[0].type == FB_INT ? g->base[0].integer : 0;
        *ret = g->mine[0].type == FB_INT ? (int64_t)((uint64_t)g->mine[0].integer - (uint64_t)from)
                                         : 0;
        return FB_OK;
    }
    if (g->is_insert && FB_BUG(INSERT_STEP_MISSING)) {
        return FB_OK;
    }
    for (size_t i = 0; i < c->step_count; i++) {
        const struct fb_step *step = &c->steps[i];
        bool is_counted = false;
        int rc = is_step_counted(g->w, step, &is_counted);
        if (rc < 0) {
            return rc;
        }
        if (is_counted) {
            continue;
        }
        uint64_t from = step->from.type == FB_INT ? (uint64_t)step->from.integer : 0;
        uint64_t to = step->to.type == FB_INT ? (uint64_t)step->to.integer : 0;
        sum = (int64_t)((uint64_t)sum + to - from);
        rc = note_step(g, step);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = sum;
    return FB_OK;
}

/* ---- The order of stages (progress on a reference) ---- */

struct stage {
    struct fb_value id;
    int64_t position;
    bool is_end;
};

struct stage_list {
    struct fb_work *w;
    const struct fb_entity *entity;
    struct stage *stages;
    size_t count, capacity;
};

static int meet_stage(void *ctx, const struct fb_row *row)
{
    struct stage_list *l = ctx;
    struct stage *stages =
        fb_arena_grow(l->w->arena, l->stages, l->count, &l->capacity, sizeof *stages);
    const char *id = fb_arena_strdup(l->w->arena, row->id);
    if (stages == NULL || id == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->stages = stages;
    const struct fb_field *position = fb_entity_field(l->entity, "position");
    const struct fb_value *kind = fb_row_value(row, "kind");
    stages[l->count++] =
        (struct stage){.id = fb_value_text(id),
                       .position = row->values[position->index].integer,
                       .is_end = fb_value_is_text(kind, "won") || fb_value_is_text(kind, "lost")};
    return FB_OK;
}

/* Forward to any later stage, and from any open one to each end; nothing leads out of an end. */
static int make_steps(struct stage_list *l, struct fb_merge_path *ret)
{
    struct fb_merge_step *steps =
        fb_arena_alloc(l->w->arena, (l->count * l->count + 1) * sizeof *steps);
    if (steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    ret->steps = steps;
    for (size_t a = 0; a < l->count; a++) {
        for (size_t b = 0; b < l->count; b++) {
            const struct stage *from = &l->stages[a];
            const struct stage *to = &l->stages[b];
            if (a != b && !from->is_end && (to->is_end || to->position > from->position)) {
                steps[ret->step_count++] = (struct fb_merge_step){.from = from->id, .to = to->id};
            }
        }
    }
    return FB_OK;
}

/* The path of the target's pipeline; NULL if the target's order is not known. */
static int find_path(struct fb_work *w, const struct fb_field *f, const struct fb_value *at,
                     const struct fb_merge_path **ret)
{
    const struct fb_entity *e = f->targets[0];
    char id[FB_ROW_ID_SIZE];
    *ret = NULL;
    if (e->parent_field == NULL || fb_entity_field(e, "position") == NULL ||
        !fb_value_to_id(at, id)) {
        return FB_OK;
    }
    struct fb_row stage;
    bool is_found = false;
    int rc = fb_row_read(w->store, e, id, w->arena, &stage, &is_found);
    if (rc < 0 || !is_found || !fb_value_to_id(&stage.values[e->parent_field->index], id)) {
        return rc;
    }
    for (struct fb_paths *p = w->paths; p != NULL; p = p->next) {
        if (p->entity == e && strcmp(p->parent_id, id) == 0) {
            *ret = &p->path;
            return FB_OK;
        }
    }
    struct fb_paths *p = fb_arena_alloc(w->arena, sizeof *p);
    if (p == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct stage_list list = {.w = w, .entity = e};
    rc = fb_row_scan_by(w->store, e, e->parent_field, id, meet_stage, &list);
    rc = rc < 0 ? rc : make_steps(&list, &p->path);
    p->entity = e;
    memcpy(p->parent_id, id, FB_ROW_ID_SIZE);
    p->next = w->paths;
    w->paths = p;
    *ret = rc < 0 ? NULL : &p->path;
    return rc;
}

/* ---- Who ---- */

/* The newest author of any member, as headquarters has it. */
static int find_author(struct group_merge *g, struct fb_author *ret)
{
    *ret = (struct fb_author){0};
    for (size_t i = 0; i < g->group->field_count; i++) {
        struct fb_author author;
        int rc = fb_history_author(g->w->store, g->row->entity, g->row->id, g->group->fields[i],
                                   &author);
        if (rc == FB_ERR_NOT_FOUND) {
            continue;
        }
        if (rc < 0) {
            return rc;
        }
        if (author.edited_at_ms > ret->edited_at_ms || ret->rev == 0) {
            *ret = author;
        }
    }
    return FB_OK;
}

/* Who owns the row by its own field: an employee, or (of an address) another row, whose owner it then is. */
static bool is_owned_by_person(const struct fb_work_row *row, char ret_id[static FB_ROW_ID_SIZE])
{
    const struct fb_field *f = row->entity->owner_field;
    const struct fb_entity *target = f == NULL ? NULL : fb_row_target(&row->before, f);
    return target != NULL && strcmp(target->name, "employee") == 0 &&
           fb_value_to_id(&row->before.values[f->index], ret_id);
}

/* The record's owner: its own field, else the parent's; of an employee, himself. */
static int find_owner(struct fb_work *w, struct fb_work_row *row,
                      char ret_id[static FB_ROW_ID_SIZE])
{
    ret_id[0] = '\0';
    for (int depth = 0; depth < 8 && row->was_here; depth++) {
        const struct fb_entity *e = row->entity;
        char id[FB_ROW_ID_SIZE];
        if (strcmp(e->name, "employee") == 0) {
            memcpy(ret_id, row->id, FB_ROW_ID_SIZE);
            return FB_OK;
        }
        if (is_owned_by_person(row, ret_id) || e->parent_field == NULL ||
            !fb_value_to_id(&row->before.values[e->parent_field->index], id)) {
            return FB_OK;
        }
        int rc = fb_work_row(w, e->parent, id, &row);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* ---- One group ---- */

static int values_json(struct group_merge *g, const struct fb_value *values, const char **ret)
{
    struct fb_buf *text = &g->w->text;
    fb_buf_clear(text);
    fb_buf_append_byte(text, '{');
    for (size_t i = 0; i < g->group->field_count; i++) {
        fb_buf_printf(text, "%s\"%s\":", i > 0 ? "," : "", g->group->fields[i]->name);
        fb_value_append_json(text, &values[i]);
    }
    fb_buf_append_byte(text, '}');
    int rc = fb_buf_error(text);
    *ret = rc < 0 ? NULL : fb_arena_copy(g->w->arena, text->bytes, text->size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

static int record_conflict(struct group_merge *g, const struct fb_merge_ask *ask,
                           enum fb_merge_outcome outcome, const struct fb_author *theirs)
{
    struct fb_conflict c = {.group = g->group->name,
                            .theirs_author = *theirs,
                            .mine_at_ms = g->mine_at_ms,
                            .policy = fb_merge_policy_name(ask->policy),
                            .outcome = outcome == FB_MERGE_ASK ? "waiting" : "auto",
                            .reason = "concurrent",
                            .is_amended = outcome != FB_MERGE_MINE_WON};
    if (FB_BUG(LOSER_NOT_RECORDED)) {
        return FB_OK;
    }
    int rc = values_json(g, g->base, &c.base);
    rc = rc < 0 ? rc : values_json(g, g->theirs, &c.theirs);
    rc = rc < 0 ? rc : values_json(g, g->mine, &c.mine);
    if (rc == FB_OK && outcome == FB_MERGE_ASK) {
        rc = fb_conflict_find_open(g->w, g->row, c.group, c.base, &c.replaces_id);
    }
    return rc < 0 ? rc : fb_conflict_add(g->w, g->row, &c);
}

static int take_values(struct group_merge *g, const struct fb_value *values)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < g->group->field_count; i++) {
        rc = fb_work_set(g->w, g->row, g->group->fields[i], &values[i]);
    }
    return rc;
}

/* One change carries edits of different times; of a field the log keeps its own. */
static int note_time(struct group_merge *g, int64_t at_ms)
{
    struct fb_work_row *row = g->row;
    if (at_ms == row->edited_at_ms && row->field_at_ms == NULL) {
        return FB_OK;
    }
    if (row->field_at_ms == NULL) {
        row->field_at_ms =
            fb_arena_alloc(g->w->arena, row->entity->field_count * sizeof *row->field_at_ms);
    }
    for (size_t i = 0; row->field_at_ms != NULL && i < g->group->field_count; i++) {
        row->field_at_ms[g->group->fields[i]->index] = at_ms;
    }
    return row->field_at_ms == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static bool all_equal(const struct fb_value *a, const struct fb_value *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!fb_value_equal(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

/* Nothing but mine changed, and the policy has no say in that: most edits end here. */
static bool is_plain(const struct group_merge *g)
{
    const struct fb_field *f = g->group->fields[0];
    bool by_value = f->policy == FB_MERGE_LATEST || f->policy == FB_MERGE_SERVER ||
                    f->policy == FB_MERGE_OWNER || f->policy == FB_MERGE_MANUAL ||
                    f->policy == FB_MERGE_TEXT ||
                    (f->policy == FB_MERGE_PROGRESS && f->step_count == 0);
    return by_value && f->step_count == 0 && !f->is_server_only && !g->is_insert &&
           all_equal(g->base, g->theirs, g->group->field_count);
}

static bool is_contested(const struct group_merge *g)
{
    size_t count = g->group->field_count;
    return !all_equal(g->base, g->theirs, count) && !all_equal(g->mine, g->theirs, count) &&
           !all_equal(g->mine, g->base, count);
}

/* Both wrote the same: nothing to write, but the later of the two is who a third one competes with (faults.md E17). */
static bool is_repeated(const struct group_merge *g)
{
    const struct fb_field *f = g->group->fields[0];
    size_t count = g->group->field_count;
    bool by_time = f->policy == FB_MERGE_LATEST || f->policy == FB_MERGE_OWNER;
    return by_time && !f->is_server_only && all_equal(g->mine, g->theirs, count) &&
           !all_equal(g->mine, g->base, count);
}

static int confirm(struct group_merge *g, const struct fb_author *theirs)
{
    const char *device = g->w->source.device_id == NULL ? "" : g->w->source.device_id;
    bool is_later =
        g->mine_at_ms > theirs->edited_at_ms ||
        (g->mine_at_ms == theirs->edited_at_ms && strcmp(device, theirs->device_id) > 0);
    if (!is_later) {
        return FB_OK;
    }
    for (size_t i = 0; i < g->group->field_count; i++) {
        fb_mask_put(g->row->confirmed, g->group->fields[i]->index);
    }
    g->row->has_confirmed = true;
    return note_time(g, g->mine_at_ms);
}

static int prepare_ask(struct group_merge *g, struct fb_merge_ask *ask, struct fb_author *theirs,
                       struct fb_merge_path *own_path)
{
    const struct fb_field *f = g->group->fields[0];
    struct fb_work *w = g->w;
    int rc = FB_OK;
    if (is_contested(g) || is_repeated(g) || f->is_server_only) {
        rc = find_author(g, theirs);
        ask->theirs_edited_at_ms = theirs->edited_at_ms;
        ask->theirs_device = theirs->device_id;
    }
    if (rc == FB_OK && f->policy == FB_MERGE_OWNER && is_contested(g)) {
        char owner[FB_ROW_ID_SIZE];
        rc = find_owner(w, g->row, owner);
        ask->mine_is_owner = owner[0] != '\0' && w->source.employee_id != NULL &&
                             strcmp(owner, w->source.employee_id) == 0;
        ask->theirs_is_owner = owner[0] != '\0' && strcmp(owner, theirs->employee_id) == 0;
    }
    if (f->step_count > 0) {
        *own_path = (struct fb_merge_path){.step_count = f->step_count};
        memcpy(&own_path->steps, &f->steps, sizeof own_path->steps);
        ask->path = own_path;
    } else if (rc == FB_OK && f->policy == FB_MERGE_PROGRESS && f->type == FB_TYPE_REF) {
        rc = find_path(w, f, &g->theirs[0], &ask->path);
    }
    if (rc == FB_OK && f->policy == FB_MERGE_SUM) {
        rc = add_steps(g, &ask->step_sum);
    }
    return rc;
}

static int play_result(struct group_merge *g, const struct fb_merge_ask *ask,
                       const struct fb_merge_result *result, const struct fb_author *theirs)
{
    const struct fb_field *f = g->group->fields[0];
    enum fb_merge_outcome outcome = result->outcome;
    if (outcome == FB_MERGE_NOT_ALLOWED && f->type == FB_TYPE_REF) {
        outcome =
            FB_MERGE_ASK; /* one went back while the other went on: nobody's rule says who is right */
    }
    if (outcome == FB_MERGE_NOT_ALLOWED) {
        return fb_ingest_hold(g->w, g->row, FB_HELD_NOT_ALLOWED_STEP,
                              "%s of this %s cannot go from what it is to what was written.",
                              fb_field_label(f), fb_entity_label(g->row->entity));
    }
    bool has_loser =
        outcome == FB_MERGE_MINE_WON || outcome == FB_MERGE_THEIRS_WON || outcome == FB_MERGE_ASK;
    if (outcome == FB_MERGE_NOTHING) {
        return is_repeated(g) ? confirm(g, theirs) : FB_OK;
    }
    int rc = outcome == FB_MERGE_ASK ? FB_OK : take_values(g, result->values);
    if (rc == FB_OK && outcome != FB_MERGE_ASK && outcome != FB_MERGE_THEIRS_WON) {
        bool is_as_theirs = outcome == FB_MERGE_COMBINED && theirs->edited_at_ms > g->mine_at_ms;
        rc = note_time(g, is_as_theirs ? theirs->edited_at_ms : g->mine_at_ms);
    }
    return rc == FB_OK && has_loser ? record_conflict(g, ask, outcome, theirs) : rc;
}

/* The first value of a field with allowed steps is no step from its default. */
static bool has_no_base(const struct group_merge *g)
{
    const struct fb_field *f = g->group->fields[0];
    return g->is_insert && (f->step_count > 0 || f->policy == FB_MERGE_PROGRESS) &&
           !all_equal(g->mine, g->initial, g->group->field_count);
}

static int merge_group(struct group_merge *g)
{
    const struct fb_field *f = g->group->fields[0];
    if (is_plain(g) || FB_BUG(LATEST_IGNORES_BASE) ||
        (f->policy == FB_MERGE_SUM && FB_BUG(SUM_AS_VALUE))) {
        int rc = take_values(g, g->mine);
        return rc < 0 ? rc : note_time(g, g->mine_at_ms);
    }
    if (f->policy == FB_MERGE_SUM && FB_BUG(SUM_SHORTCUT) &&
        fb_value_equal(&g->theirs[0], &g->mine[0])) {
        return FB_OK;
    }
    struct fb_author theirs = {0};
    struct fb_merge_path own_path = {0};
    struct fb_merge_ask ask = {.policy = f->policy,
                               .is_server_only = f->is_server_only,
                               .is_manual_when_closed = f->is_manual_when_closed,
                               .is_closed = g->row->was_here && fb_row_is_closed(&g->row->before),
                               .count = g->group->field_count,
                               .base = has_no_base(g) ? NULL : g->base,
                               .theirs = g->theirs,
                               .mine = g->mine,
                               .initial = g->initial,
                               .mine_edited_at_ms = g->mine_at_ms,
                               .theirs_device = "",
                               .mine_device =
                                   g->w->source.device_id == NULL ? "" : g->w->source.device_id};
    int rc = prepare_ask(g, &ask, &theirs, &own_path);
    struct fb_merge_result result;
    rc = rc < 0 ? rc : fb_merge_group(&ask, g->w->arena, &result);
    return rc < 0 ? rc : play_result(g, &ask, &result, &theirs);
}

/* ---- One row ---- */

static int room(struct group_merge *g)
{
    size_t count = g->group->field_count;
    struct fb_value *values = fb_arena_alloc(&g->w->scratch, 4 * count * sizeof *values);
    g->changes = fb_arena_alloc(&g->w->scratch, count * sizeof(*g->changes));
    if (values == NULL || g->changes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    g->base = values;
    g->theirs = values + count;
    g->mine = values + 2 * count;
    g->initial = values + 3 * count;
    return FB_OK;
}

/* Fills the arrays; a member the push does not name is as headquarters has it on both sides. */
static int fill_group(struct group_merge *g, const struct fb_change *c,
                      const struct fb_field_change *const *by_field)
{
    int64_t edited_at_ms = 0;
    int64_t cursor = c->cursor;
    for (size_t i = 0; i < g->group->field_count; i++) {
        const struct fb_field *f = g->group->fields[i];
        const struct fb_field_change *change = by_field[f->index];
        g->changes[i] = change;
        g->theirs[i] = g->row->now.values[f->index];
        g->base[i] = change == NULL ? g->theirs[i] : change->base;
        g->mine[i] = change == NULL ? g->theirs[i] : change->mine;
        g->initial[i] = f->initial;
        if (g->is_insert) {
            /* Rule 16: what an insert leaves at its default says nothing, on either side. */
            g->base[i] = g->initial[i];
        }
        if (g->mine[i].type == FB_ABSENT) {
            g->mine[i] = FB_VALUE_NULL;
        }
        if (change != NULL && change->edited_at_ms > edited_at_ms) {
            edited_at_ms = change->edited_at_ms;
        }
        if (change != NULL && change->cursor > cursor && !FB_BUG(FIELD_CURSOR_IGNORED)) {
            cursor = change->cursor;
        }
    }
    return fb_ingest_clock(g->w, cursor, edited_at_ms > 0 ? edited_at_ms : c->edited_at_ms,
                           &g->mine_at_ms);
}

/* The change's fields by their place in the entity; a field or value headquarters cannot take holds the row. */
static int sort_fields(struct fb_work *w, struct fb_work_row *row,
                       const struct fb_field_change ***ret)
{
    const struct fb_field_change **by_field =
        fb_arena_alloc(&w->scratch, row->entity->field_count * sizeof(struct fb_field_change *));
    if (by_field == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        const struct fb_field *f = fb_entity_field_no(row->entity, c->field_no);
        if (f == NULL) {
            return fb_ingest_hold(w, row, FB_HELD_TYPE,
                                  "Headquarters does not know field %u of %s.",
                                  (unsigned)c->field_no, fb_entity_label(row->entity));
        }
        struct fb_why why = {""};
        bool is_checked = !fb_value_equal(&c->base, &c->mine) && !FB_BUG(RULES_NOT_CHECKED);
        if (is_checked && fb_field_check(f, &c->mine, &why) < 0) {
            bool is_type = !fb_value_is_empty(&c->mine) && c->mine.type != f->storage;
            return fb_ingest_hold(w, row, is_type ? FB_HELD_TYPE : FB_HELD_RULE, "%s", why.text);
        }
        by_field[f->index] = c;
    }
    *ret = by_field;
    return FB_OK;
}

static int merge_row(struct fb_work *w, struct fb_work_row *row, bool is_insert)
{
    const struct fb_field_change **by_field = NULL;
    uint8_t is_done[FB_FIELDS_MAX] = {0};
    int rc = sort_fields(w, row, &by_field);
    for (size_t i = 0; rc == FB_OK && by_field != NULL && i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        if (by_field[i] == NULL || is_done[f->group] != 0) {
            continue;
        }
        is_done[f->group] = 1;
        struct group_merge g = {
            .w = w, .row = row, .group = &row->entity->groups[f->group], .is_insert = is_insert};
        rc = room(&g);
        rc = rc < 0 ? rc : fill_group(&g, row->change, by_field);
        rc = rc < 0 ? rc : merge_group(&g);
        if (row->aggregate != NULL && row->aggregate->is_held) {
            return rc;
        }
    }
    return rc;
}

/* A row new to headquarters: the values as they come, but for what only headquarters may write. */
static int make_row(struct fb_work *w, struct fb_work_row *row)
{
    const struct fb_field_change **by_field = NULL;
    int rc = sort_fields(w, row, &by_field);
    if (rc < 0 || by_field == NULL) {
        return rc;
    }
    rc = fb_work_make(w, row);
    for (size_t i = 0; rc == FB_OK && i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        if (by_field[i] == NULL) {
            continue;
        }
        if (f->is_server_only || f->policy == FB_MERGE_SUM) {
            struct group_merge g = {
                .w = w, .row = row, .group = &row->entity->groups[f->group], .is_insert = true};
            rc = room(&g);
            rc = rc < 0 ? rc : fill_group(&g, row->change, by_field);
            rc = rc < 0 ? rc : merge_group(&g);
        } else if (by_field[i]->mine.type != FB_ABSENT) {
            rc = fb_work_set(w, row, f, &by_field[i]->mine);
        }
    }
    return rc;
}

/* The device that deleted the row brings it back: what it writes now is newer than what it deleted. */
static int has_deleted_it(struct fb_work *w, const struct fb_work_row *row, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        w->store, "SELECT device_id FROM fb_rev WHERE first_seq <= ?1 ORDER BY rev DESC LIMIT 1",
        &q);
    *ret = false;
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, row->bin_cause);
    rc = fb_sql_step(q);
    const char *device = rc == FB_SQL_ROW ? fb_sql_text(q, 0) : NULL;
    *ret =
        device != NULL && w->source.device_id != NULL && strcmp(device, w->source.device_id) == 0;
    return rc < 0 ? rc : FB_OK;
}

/* The values as they come over what stands there; sums still add their steps. */
static int write_over(struct fb_work *w, struct fb_work_row *row)
{
    const struct fb_field_change **by_field = NULL;
    int rc = sort_fields(w, row, &by_field);
    for (size_t i = 0; rc == FB_OK && by_field != NULL && i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        if (by_field[i] == NULL || f->is_server_only) {
            continue;
        }
        if (f->policy != FB_MERGE_SUM) {
            rc = fb_work_set(w, row, f, &by_field[i]->mine);
            continue;
        }
        struct group_merge g = {
            .w = w, .row = row, .group = &row->entity->groups[f->group], .is_insert = true};
        rc = room(&g);
        rc = rc < 0 ? rc : fill_group(&g, row->change, by_field);
        rc = rc < 0 ? rc : merge_group(&g);
    }
    return rc;
}

int fb_ingest_row(struct fb_work *w, struct fb_work_row *row)
{
    bool is_insert = row->change->op == FB_CHANGE_INSERT;
    bool is_own_delete = false;
    int rc = FB_OK;
    fb_arena_clear(&w->scratch);
    if (row->bin_cause > 0) {
        if (FB_BUG(EDIT_OF_DELETED_DROPPED)) {
            return FB_OK;
        }
        rc = has_deleted_it(w, row, &is_own_delete);
        rc = rc < 0 ? rc : fb_ingest_restore(w, row, row);
    } else if (!row->is_here && is_insert) {
        rc = make_row(w, row);
        return rc < 0 ? rc : fb_stage_history_add(w, row);
    } else if (!row->is_here) {
        return fb_judge_hold(w, row);
    }
    if (rc < 0) {
        return rc;
    }
    bool is_over = is_insert && (is_own_delete || FB_BUG(INSERT_OVERWRITES));
    rc = is_over ? write_over(w, row) : merge_row(w, row, is_insert);
    return rc < 0 ? rc : fb_stage_history_add(w, row);
}
