/* SPDX-License-Identifier: MIT
 *
 * Deletes, and what comes back.
 *
 * Rule 18: the unit is the topmost row the push deletes, with everything below it at headquarters. It is refused as a whole, with one
 * conflict, if a member is not what its author saw: it differs from the base image he sent, or, where he sent none, somebody else
 * wrote it after his cursor, or it was not on his laptop at all (somebody's private row, an old closed record); or if the same push
 * makes, moves or points something to a member. Otherwise all members rest in the recycle bin under one cause.
 *
 * Rule 19: an edit of a row in the bin, or a row that hangs on one, brings back the whole cause and what it hangs on in turn.
 */
#include "common/store/history_pack.h"
#include "server/internal.h"

#define DEPTH_MAX 16

/* ---- What comes back ---- */

static int push_row(struct fb_work *w, struct fb_work_row ***list, size_t *count, size_t *capacity,
                    struct fb_work_row *row)
{
    for (size_t i = 0; i < *count; i++) {
        if ((*list)[i] == row) {
            return FB_OK;
        }
    }
    struct fb_work_row **grown =
        fb_arena_grow(w->arena, *list, *count, capacity, sizeof(struct fb_work_row *));
    if (grown == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *list = grown;
    grown[(*count)++] = row;
    return FB_OK;
}

struct bin_entry {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
};

static int list_bin(struct fb_work *w, int64_t cause, struct bin_entry **ret, size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(w->store, "SELECT entity, row_id FROM fb_bin WHERE cause = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    size_t capacity = 0;
    fb_sql_bind_int(q, 1, cause);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(w->catalogue, (uint32_t)fb_sql_int(q, 0));
        const char *id = fb_sql_text(q, 1);
        if (e == NULL || id == NULL || strlen(id) != FB_ROW_ID_SIZE - 1) {
            continue;
        }
        struct bin_entry *grown =
            fb_arena_grow(w->arena, *ret, *ret_count, &capacity, sizeof **ret);
        if (grown == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        *ret = grown;
        grown[*ret_count].entity = e;
        memcpy(grown[(*ret_count)++].id, id, FB_ROW_ID_SIZE);
    }
    return rc;
}

/* A row out of the bin, as it was; what the push says of it is merged afterwards. */
static int bring_back(struct fb_work *w, struct fb_work_row *row)
{
    row->now = row->before;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        if (row->now.values[i].type == FB_ABSENT) { /* a field younger than the image */
            row->now.values[i] =
                FB_BUG(BIN_OF_OLD_CATALOGUE) ? FB_VALUE_NULL : row->entity->fields[i].initial;
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (row->now.stamps[i].type == FB_ABSENT) {
            row->now.stamps[i] = FB_VALUE_NULL;
        }
    }
    row->has_own_values = false;
    row->is_here = true;
    row->is_restored = true;
    int rc = fb_redirect_row(w, row);
    return rc < 0 ? rc : fb_ingest_aggregate(w, row);
}

static int restore_one(struct fb_work *w, struct fb_work_row *row, struct fb_work_row *for_row,
                       int depth);

/* Rows it hangs on that are in the bin come back too. */
static int restore_ancestors(struct fb_work *w, struct fb_work_row *row,
                             struct fb_work_row *for_row, int depth)
{
    for (size_t i = 0; i < row->entity->field_count && depth < DEPTH_MAX; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        char id[FB_ROW_ID_SIZE];
        const struct fb_entity *target = fb_row_target(&row->now, f);
        if (target == NULL || !fb_value_to_id(&row->now.values[i], id)) {
            continue;
        }
        bool is_here = false;
        struct fb_work_row *above = NULL;
        int rc = fb_work_is_here(w, target, id, &is_here);
        if (rc == FB_OK && !is_here) {
            rc = fb_work_row(w, target, id, &above);
        }
        if (rc == FB_OK && above != NULL && above->bin_cause > 0 && !above->is_here) {
            rc = restore_one(w, above, for_row, depth + 1);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int restore_cause(struct fb_work *w, struct fb_restore *r, struct fb_work_row *for_row,
                         int depth)
{
    struct bin_entry *entries = NULL;
    size_t count = 0;
    int rc = list_bin(w, r->cause, &entries, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_work_row *row = NULL;
        rc = fb_work_row(w, entries[i].entity, entries[i].id, &row);
        if (rc == FB_OK && !row->is_here) {
            rc = bring_back(w, row);
        }
        rc = rc < 0 ? rc : push_row(w, &r->rows, &r->row_count, &r->row_capacity, row);
    }
    for (size_t i = 0; rc == FB_OK && i < r->row_count && !FB_BUG(RESTORE_WITHOUT_ANCESTORS); i++) {
        rc = restore_ancestors(w, r->rows[i], for_row, depth);
    }
    return rc;
}

static int restore_one(struct fb_work *w, struct fb_work_row *row, struct fb_work_row *for_row,
                       int depth)
{
    struct fb_restore *r = w->restores;
    while (r != NULL && r->cause != row->bin_cause) {
        r = r->next;
    }
    int rc = FB_OK;
    if (r == NULL) {
        r = fb_arena_alloc(w->arena, sizeof *r);
        if (r == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        r->cause = row->bin_cause;
        r->next = w->restores;
        w->restores = r;
        rc = restore_cause(w, r, for_row, depth);
    } else if (!row->is_here) {
        rc = restore_cause(w, r, for_row, depth);
    }
    return rc < 0 ? rc : push_row(w, &r->asked_by, &r->asked_count, &r->asked_capacity, for_row);
}

/* Who deleted it and when, for the conflict. */
static int find_deleter(struct fb_work *w, int64_t cause, struct fb_author *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(w->store,
                     "SELECT employee_id, device_id, at_ms, rev FROM fb_rev WHERE first_seq <= ?1"
                     " ORDER BY rev DESC LIMIT 1",
                     &q);
    *ret = (struct fb_author){0};
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, cause);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        const char *employee = fb_sql_text(q, 0);
        const char *device = fb_sql_text(q, 1);
        memcpy(ret->employee_id, employee == NULL ? "" : employee,
               employee == NULL ? 1 : FB_ROW_ID_SIZE);
        memcpy(ret->device_id, device == NULL ? "" : device, device == NULL ? 1 : FB_ROW_ID_SIZE);
        ret->edited_at_ms = fb_sql_int(q, 2);
        ret->rev = fb_sql_int(q, 3);
    }
    return rc < 0 ? rc : FB_OK;
}

/* {"field": mine} of what the push says about the row, without its last brace. changed_only: where mine is not base. */
static bool append_mine(struct fb_buf *out, const struct fb_work_row *row, bool changed_only)
{
    bool has_any = false;
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; row->change != NULL && i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        const struct fb_field *f = fb_entity_field_no(row->entity, c->field_no);
        if (f == NULL || c->mine.type == FB_ABSENT ||
            (changed_only && fb_value_equal(&c->base, &c->mine))) {
            continue;
        }
        fb_buf_printf(out, "%s\"%s\":", has_any ? "," : "", f->name);
        fb_value_append_json(out, &c->mine);
        has_any = true;
    }
    return has_any;
}

static int keep_text(struct fb_work *w, const char **ret)
{
    int rc = fb_buf_error(&w->text);
    *ret = rc < 0 ? NULL : fb_arena_copy(w->arena, w->text.bytes, w->text.size);
    return rc == FB_OK && *ret == NULL ? FB_ERR_NO_MEMORY : rc;
}

static int mine_json(struct fb_work *w, const struct fb_work_row *row, const char **ret)
{
    fb_buf_clear(&w->text);
    append_mine(&w->text, row, false);
    fb_buf_append_byte(&w->text, '}');
    return keep_text(w, ret);
}

static int note_return(struct fb_work *w, struct fb_work_row *row, struct fb_work_row *for_row)
{
    struct fb_conflict c = {.group = "row",
                            .theirs = "{}",
                            .policy = "edit over delete",
                            .outcome = "auto",
                            .reason = "delete_vs_edit",
                            .mine_at_ms = for_row->edited_at_ms};
    int rc = find_deleter(w, row->bin_cause, &c.theirs_author);
    rc = rc < 0 ? rc : fb_work_row_json(w, &row->before, NULL, &c.base);
    rc = rc < 0 ? rc : mine_json(w, for_row, &c.mine);
    return rc < 0 ? rc : fb_conflict_add(w, for_row, &c);
}

int fb_ingest_restore(struct fb_work *w, struct fb_work_row *row, struct fb_work_row *for_row)
{
    int rc = restore_one(w, row, for_row, 0);
    for (struct fb_restore *r = w->restores; r != NULL; r = r->next) {
        if (r->cause == row->bin_cause && r->target == NULL) {
            r->target = row;
        }
    }
    return rc;
}

static struct fb_work_row *find_asker(const struct fb_restore *r)
{
    for (size_t i = 0; i < r->asked_count; i++) {
        if (r->asked_by[i]->aggregate == NULL || !r->asked_by[i]->aggregate->is_held) {
            return r->asked_by[i];
        }
    }
    return NULL;
}

int fb_ingest_settle_restores(struct fb_work *w)
{
    int rc = FB_OK;
    for (struct fb_restore *r = w->restores; r != NULL; r = r->next) {
        bool is_wanted = find_asker(r) != NULL;
        for (size_t i = 0; rc == FB_OK && i < r->row_count; i++) {
            struct fb_work_row *row = r->rows[i];
            if (is_wanted && !row->is_here) {
                rc = bring_back(w, row); /* its own edit is held, but it comes back with the rest */
            } else if (!is_wanted && row->is_restored) {
                row->is_here = false;
                row->is_restored = false;
                w->has_newly_held = true;
            }
        }
    }
    return rc;
}

int fb_ingest_note_restores(struct fb_work *w)
{
    int rc = FB_OK;
    for (struct fb_restore *r = w->restores; rc == FB_OK && r != NULL; r = r->next) {
        struct fb_work_row *asker = find_asker(r);
        rc = r->target != NULL && asker != NULL ? note_return(w, r->target, asker) : FB_OK;
    }
    return rc;
}

/* ---- Deletes ---- */

struct unit {
    struct fb_work *w;
    struct fb_work_row *top;
    struct fb_work_row **members; /* top first */
    size_t count, capacity;
    bool is_refused;
    struct fb_work_row *spoiler; /* the member that is not as its deleter saw it */
    bool has_unseen;             /* members that were not on his laptop */
};

static bool is_member(const struct unit *u, const struct fb_work_row *row)
{
    return row->delete_top == u->top;
}

static int gather(struct unit *u, struct fb_work_row *row, int depth)
{
    struct fb_work_row **list = fb_arena_grow(u->w->arena, u->members, u->count, &u->capacity,
                                              sizeof(struct fb_work_row *));
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    u->members = list;
    list[u->count++] = row;
    row->delete_top = u->top;
    struct fb_work_row **children = NULL;
    size_t count = 0;
    int rc = depth >= DEPTH_MAX ? FB_OK : fb_work_children(u->w, row, &children, &count);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        if (children[i]->is_here && !is_member(u, children[i])) {
            rc = gather(u, children[i], depth + 1);
        }
    }
    return rc;
}

/* Somebody filled in a field that the deleter's laptop did not know yet: its image says nothing of it. */
static bool has_unknown_value(const struct fb_work_row *row)
{
    uint64_t known[FB_ROW_MASK_WORDS] = {0};
    for (size_t i = 0; i < row->change->field_count; i++) {
        const struct fb_field *f = fb_entity_field_no(row->entity, row->change->fields[i].field_no);
        if (f != NULL) {
            fb_mask_put(known, f->index);
        }
    }
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        const struct fb_value *v = &row->before.values[i];
        if (f->visibility == FB_SEEN_BY_ALL && !fb_mask_get(known, (uint32_t)i) &&
            !fb_value_is_empty(v) && !fb_value_equal(v, &f->initial)) {
            return !FB_BUG(DELETE_OF_OLD_CATALOGUE);
        }
    }
    return false;
}

/* Does headquarters' row differ from the image the deleter saw? */
static bool differs_from_image(const struct fb_work_row *row)
{
    for (size_t i = 0; i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        const struct fb_field *f = fb_entity_field_no(row->entity, c->field_no);
        bool is_seen = f != NULL && f->visibility == FB_SEEN_BY_ALL && c->base.type != FB_ABSENT;
        if (is_seen && !fb_value_equal(&row->before.values[f->index], &c->base)) {
            return true;
        }
    }
    return has_unknown_value(row);
}

/* Did somebody else make or change it after the cursor? Where the log does not reach back so far, somebody may have. */
static int is_written_since(struct fb_work *w, const struct fb_work_row *row, int64_t cursor,
                            bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        w->store,
        "SELECT 1 FROM fb_log AS l WHERE l.row_id = ?1 AND l.entity = ?2 AND l.op IN (1, 2, 4)"
        " AND l.seq >= (SELECT first_seq FROM fb_rev WHERE rev > ?3 ORDER BY rev LIMIT 1)"
        " AND ?4 IS NOT (SELECT device_id FROM fb_rev WHERE first_seq <= l.seq ORDER BY rev DESC "
        "LIMIT 1)"
        " LIMIT 1",
        &q);
    if (rc < 0) {
        return rc;
    }
    uint8_t id[FB_ROW_ID_BYTES];
    fb_id_to_bytes(row->id, id);
    fb_sql_bind_bytes(q, 1, id, sizeof id);
    fb_sql_bind_int(q, 2, row->entity->no);
    fb_sql_bind_int(q, 3, cursor);
    fb_sql_bind_text(q, 4, w->source.device_id);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    bool is_told = true;
    rc = rc < 0 || *ret ? rc : fb_history_tells(w->store, cursor, &is_told);
    *ret = *ret || !is_told;
    return rc < 0 ? rc : FB_OK;
}

/* Was it not on his laptop, and would it not be there now either? Then it is not somebody's edit that keeps it. */
static int judge_unseen(struct unit *u, struct fb_work_row *row, bool *is_spoilt)
{
    int64_t cursor = fb_ingest_last_cursor(u->top->change);
    bool is_his = true;
    int rc = *is_spoilt ? fb_judge_sees(u->w, row, cursor, &is_his)
                        : fb_judge_was_there(u->w, row, cursor, &is_his);
    if (rc == FB_OK && !is_his && !FB_BUG(DELETE_TAKES_UNSEEN)) {
        row->is_unseen = true;
        u->has_unseen = true;
        u->is_refused = true;
        *is_spoilt = false;
    }
    return rc;
}

static int judge_member(struct unit *u, struct fb_work_row *row)
{
    bool has_image =
        row->change != NULL && row->change->op == FB_CHANGE_DELETE && row->change->field_count > 0;
    bool is_spoilt = row->aggregate != NULL && row->aggregate->is_held;
    int rc = FB_OK;
    if (FB_BUG(DELETE_WINS_SILENTLY) || (FB_BUG(DELETE_JUDGED_ALONE) && row != u->top)) {
        return FB_OK;
    }
    if (has_image && !FB_BUG(DELETE_BY_REV_ALONE)) {
        is_spoilt = is_spoilt || differs_from_image(row);
    } else if (!row->was_here) {
        is_spoilt = true; /* made or brought back by this push */
    } else if (!is_spoilt) {
        rc = is_written_since(u->w, row, u->top->change->cursor, &is_spoilt);
        rc = rc < 0 || row == u->top ? rc : judge_unseen(u, row, &is_spoilt);
    }
    bool is_moved_here = row->change != NULL && row->change->op == FB_CHANGE_UPDATE &&
                         row->has_changes && row->entity->parent_field != NULL &&
                         fb_mask_get(row->mask, row->entity->parent_field->index);
    if (rc == FB_OK && (is_spoilt || is_moved_here)) {
        u->is_refused = true;
        u->spoiler = u->spoiler == NULL ? row : u->spoiler;
    }
    return rc;
}

/* A row of the push that stays and now points at a member. */
static void judge_pointers(struct unit *u)
{
    struct fb_work *w = u->w;
    for (size_t i = 0; i < w->row_count && !u->is_refused; i++) {
        struct fb_work_row *row = w->rows[i];
        bool is_edited = row->change != NULL && row->is_here &&
                         (row->has_changes || !row->was_here) &&
                         row->change->op != FB_CHANGE_DELETE && !is_member(u, row);
        for (size_t f = 0; is_edited && f < row->entity->field_count; f++) {
            const struct fb_entity *target = fb_row_target(&row->now, &row->entity->fields[f]);
            char id[FB_ROW_ID_SIZE];
            bool is_changed = !row->was_here || fb_mask_get(row->mask, (uint32_t)f);
            if (target == NULL || !is_changed || !fb_value_to_id(&row->now.values[f], id)) {
                continue;
            }
            const struct fb_work_row *there = fb_work_find(w, target, id);
            if (there != NULL && is_member(u, there)) {
                u->is_refused = true;
                u->spoiler = row;
            }
        }
    }
}

/* What the deleter had typed before (F15), also into the rows below:
 * {"field": last value, ..., "parts": [{"entity": "order_line", "id": "...", "fields": {"name": "..."}}]} */
static int last_images_json(struct unit *u, const char **ret)
{
    struct fb_buf *text = &u->w->text;
    size_t parts = 0;
    fb_buf_clear(text);
    bool has_any = append_mine(text, u->top, false);
    for (size_t i = 0; i < u->count; i++) {
        const struct fb_work_row *row = u->members[i];
        bool is_delete = row->change != NULL && row->change->op == FB_CHANGE_DELETE;
        if (row == u->top || !is_delete) {
            continue;
        }
        size_t before = text->size;
        fb_buf_append_text(text, parts > 0 ? "," : has_any ? ",\"parts\":[" : "\"parts\":[");
        fb_buf_printf(text, "{\"entity\":\"%s\",\"id\":\"%s\",\"fields\":", row->entity->name,
                      row->id);
        if (append_mine(text, row, true)) {
            fb_buf_append_text(text, "}}");
            parts++;
        } else if (text->error == FB_OK) {
            text->size = before; /* he had changed nothing in it */
        }
    }
    fb_buf_append_text(text, parts > 0 ? "]}" : "}");
    return keep_text(u->w, ret);
}

static int base_image_json(struct fb_work *w, const struct fb_work_row *row, const char **ret)
{
    fb_buf_clear(&w->text);
    fb_buf_append_byte(&w->text, '{');
    for (size_t i = 0; i < row->change->field_count; i++) {
        const struct fb_field_change *c = &row->change->fields[i];
        const struct fb_field *f = fb_entity_field_no(row->entity, c->field_no);
        if (f != NULL && c->base.type != FB_ABSENT) {
            fb_buf_printf(&w->text, "%s\"%s\":", w->text.size > 1 ? "," : "", f->name);
            fb_value_append_json(&w->text, &c->base);
        }
    }
    fb_buf_append_byte(&w->text, '}');
    return keep_text(w, ret);
}

static int refuse(struct unit *u)
{
    struct fb_work *w = u->w;
    /* Whose the unseen ones are is not told: he may not know of them. */
    bool is_unseen = u->spoiler == NULL && u->has_unseen;
    struct fb_conflict c = {.group = "row",
                            .policy = is_unseen ? "unseen records" : "edit over delete",
                            .outcome = "auto",
                            .reason = "delete_vs_edit",
                            .mine = "{}",
                            .mine_at_ms = u->top->edited_at_ms,
                            .is_amended = true};
    const struct fb_work_row *spoiler = u->spoiler == NULL ? u->top : u->spoiler;
    const struct fb_field *first = &spoiler->entity->fields[0];
    int rc = is_unseen ? FB_OK
                       : fb_history_author(w->store, spoiler->entity, spoiler->id, first,
                                           &c.theirs_author);
    rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    rc = rc < 0 ? rc : base_image_json(w, u->top, &c.base);
    rc = rc < 0 ? rc : fb_work_row_json(w, &u->top->before, NULL, &c.theirs);
    if (rc == FB_OK && !FB_BUG(DELETE_LAST_IMAGE_DROPPED)) {
        rc = last_images_json(u, &c.mine);
    }
    for (size_t i = 0; i < u->count; i++) {
        u->members[i]->delete_top = NULL;
        u->members[i]->is_named = u->members[i]->is_named || !u->members[i]->is_unseen;
    }
    return rc < 0 ? rc : fb_conflict_add(w, u->top, &c);
}

static int play(struct unit *u)
{
    for (size_t i = 0; i < u->count; i++) {
        struct fb_work_row *row = u->members[i];
        row->is_here = false;
        if (!row->was_here) {
            row->is_named = true;
        }
        row->conflicts = row == u->top ? row->conflicts : NULL;
        if (row->edited_at_ms == 0) {
            row->edited_at_ms = u->top->edited_at_ms;
        }
    }
    return FB_OK;
}

static int play_unit(struct fb_work *w, struct fb_work_row *top)
{
    struct unit u = {.w = w, .top = top};
    int rc = gather(&u, top, 0);
    for (size_t i = 0; rc == FB_OK && i < u.count; i++) {
        rc = judge_member(&u, u.members[i]);
    }
    if (rc < 0) {
        return rc;
    }
    judge_pointers(&u);
    return u.is_refused && !FB_BUG(DELETE_WINS_SILENTLY) ? refuse(&u) : play(&u);
}

/* Is the row it hangs on deleted by the same push? Then it is not the topmost. */
static bool is_below_deleted(struct fb_work *w, const struct fb_work_row *row)
{
    for (size_t i = 0; i < row->entity->field_count; i++) {
        const struct fb_field *f = &row->entity->fields[i];
        char id[FB_ROW_ID_SIZE];
        const struct fb_entity *target = fb_row_target(&row->before, f);
        if (target == NULL || !fb_family_is_below(&row->before, f) ||
            !fb_value_to_id(&row->before.values[i], id)) {
            continue;
        }
        const struct fb_work_row *above = fb_work_find(w, target, id);
        bool is_deleted = above != NULL && above != row && above->was_here &&
                          above->change != NULL && above->change->op == FB_CHANGE_DELETE;
        if (is_deleted) {
            return true;
        }
    }
    return false;
}

static bool is_delete_to_play(const struct fb_work_row *row)
{
    return row->change != NULL && row->change->op == FB_CHANGE_DELETE && row->was_here &&
           row->is_here && !(row->aggregate != NULL && row->aggregate->is_held);
}

/* Topmost rows first; what is left (its topmost row was refused or is not one) by itself. */
int fb_ingest_deletes(struct fb_work *w)
{
    size_t count = w->row_count;
    for (size_t i = 0; i < count; i++) {
        struct fb_work_row *row = w->rows[i];
        int rc = is_delete_to_play(row) && !is_below_deleted(w, row) ? play_unit(w, row) : FB_OK;
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_ingest_cascade(struct fb_work *w, struct fb_work_row *top)
{
    struct unit u = {.w = w, .top = top->delete_top != NULL ? top->delete_top : top};
    int rc = gather(&u, top, 0);
    return rc < 0 ? rc : play(&u);
}
