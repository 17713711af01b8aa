/* SPDX-License-Identifier: MIT */
#include "common/store/journal_net.h"

#include <string.h>

#include "common/base/hash.h"
#include "common/base/planted.h"
#include "common/catalogue/ddl.h"
#include "common/store/json.h"

void fb_net_begin(struct fb_net *net, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE])
{
    fb_arena_clear(&net->arena);
    memset(net->fields, 0, e->field_count * sizeof *net->fields);
    net->entity = e;
    memcpy(net->id, id, FB_ROW_ID_SIZE);
    net->turn = 0;
    net->whole_turn = 0;
    net->whole_at_ms = 0;
    net->whole_cursor = 0;
    net->has_image = false;
    net->has_delete_image = false;
}

static bool carries_steps(const struct fb_field *f)
{
    return f->is_tracked || f->policy == FB_MERGE_SUM;
}

/* An insert has one id for all its sums, which count separately: the field's number makes it
 * theirs. A row without an id (made by an older trigger) gets one from what is in every copy of
 * the file. */
static void make_step_id(const struct fb_net *net, const struct fb_net_entry *entry,
                         const struct fb_field *f, uint8_t ret[static 8])
{
    if (entry->step.type == FB_BLOB && entry->step.size == 8) {
        memcpy(ret, entry->step.bytes, 8);
    } else {
        struct fb_digest digest = fb_digest_of(net->id, FB_ROW_ID_SIZE);
        int64_t parts[3] = {(int64_t)digest.low, entry->at_ms, net->turn};
        digest = fb_digest_of(parts, sizeof parts);
        memcpy(ret, &digest.low, 8);
    }
    if (entry->op == FB_JOURNAL_INSERT) {
        for (size_t i = 0; i < 4; i++) {
            ret[i] ^= (uint8_t)(f->no >> (8 * i));
        }
    }
}

static void close_step(struct fb_net_field *n, const struct fb_value *to)
{
    if (n->is_open) {
        n->steps[n->step_count - 1].to = *to;
        n->is_open = false;
    }
}

static int open_step(struct fb_net *net, const struct fb_net_entry *entry, const struct fb_field *f,
                     const struct fb_value *from)
{
    struct fb_net_field *n = &net->fields[f->index];
    struct fb_step *steps =
        fb_arena_grow(&net->arena, n->steps, n->step_count, &n->step_capacity, sizeof *steps);
    if (steps == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    n->steps = steps;
    steps[n->step_count] = (struct fb_step){.at_ms = entry->at_ms, .from = *from};
    make_step_id(net, entry, f, steps[n->step_count++].id);
    n->is_open = true;
    return FB_OK;
}

static int add_update(struct fb_net *net, const struct fb_net_entry *entry)
{
    const struct fb_field *f = fb_entity_field_no(net->entity, (uint32_t)entry->field_no);
    if (f == NULL) {
        return FB_OK; /* of a field that no longer is */
    }
    struct fb_net_field *n = &net->fields[f->index];
    struct fb_value old;
    int rc = fb_value_copy(&net->arena, &entry->old, &old);
    if (rc < 0) {
        return rc;
    }
    if (!n->is_known || FB_BUG(BASE_OF_LAST_JOURNAL_ROW)) {
        n->base = old;
        n->is_known = true;
    }
    n->turn = net->turn;
    n->at_ms = entry->at_ms;
    n->cursor = entry->cursor;
    if (!carries_steps(f)) {
        return FB_OK;
    }
    close_step(n, &old);
    return open_step(net, entry, f, &old);
}

struct image {
    struct fb_net *net;
    struct fb_value values[FB_FIELDS_MAX];
};

static int take_member(void *ctx, const struct fb_json_member *m)
{
    struct image *image = ctx;
    const struct fb_field *f = fb_json_field(image->net->entity, m);
    if (f == NULL) {
        return FB_OK;
    }
    struct fb_value v = fb_json_value(f, &m->values[0]);
    return fb_value_copy(&image->net->arena, &v, &image->values[f->index]);
}

/* What the image does not name was added to the table since: it had its default. */
static int add_image(struct fb_net *net, const struct fb_net_entry *entry)
{
    struct image image = {.net = net};
    int rc = entry->old.type == FB_TEXT
                 ? fb_json_read(entry->old.bytes, entry->old.size, &net->arena, take_member, &image)
                 : FB_ERR_DAMAGED;
    for (size_t i = 0; rc == FB_OK && i < net->entity->field_count; i++) {
        struct fb_net_field *n = &net->fields[i];
        struct fb_value *v = &image.values[i];
        if (v->type == FB_ABSENT && !FB_BUG(ABSENT_IS_EMPTY)) {
            *v = net->entity->fields[i].initial; /* a column that came since */
        }
        if (!n->is_known) {
            n->base = *v;
            n->is_known = true;
        }
        close_step(n, v);
        n->previous = *v;
        n->has_previous = true;
    }
    net->has_image = true;
    net->has_delete_image |= entry->op == FB_JOURNAL_DELETE;
    return rc;
}

/* The value an insert brings to a sum is a step: from nothing, or from what a deleted or replaced
 * row had. */
static int add_insert(struct fb_net *net, const struct fb_net_entry *entry)
{
    static const struct fb_value ZERO = {.type = FB_INT};
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        if (f->policy != FB_MERGE_SUM || FB_BUG(INSERT_STEP_MISSING)) {
            continue;
        }
        const struct fb_net_field *n = &net->fields[i];
        int rc = open_step(net, entry, f, n->has_previous ? &n->previous : &ZERO);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_net_add(struct fb_net *net, const struct fb_net_entry *entry)
{
    net->turn++;
    if (net->turn == 1) {
        net->first_op = entry->op;
    }
    net->last_op = entry->op;
    net->at_ms = entry->at_ms;
    net->cursor = entry->cursor;
    if (entry->op == FB_JOURNAL_INSERT || entry->op == FB_JOURNAL_DELETE) {
        net->whole_turn = net->turn;
        net->whole_at_ms = entry->at_ms;
        net->whole_cursor = entry->cursor;
    }
    switch (entry->op) {
    case FB_JOURNAL_INSERT:
        return add_insert(net, entry);
    case FB_JOURNAL_UPDATE:
        return add_update(net, entry);
    case FB_JOURNAL_DELETE:
    case FB_JOURNAL_OLD_IMAGE:
        return add_image(net, entry);
    default:
        return FB_OK;
    }
}

static struct fb_value value_now(const struct fb_sql *now, const struct fb_field *f)
{
    return fb_sql_value(now, (int)f->index + 1);
}

/* Ends the open steps with what the table holds, and drops those that changed nothing. */
static void finish_steps(struct fb_net *net, const struct fb_sql *now)
{
    for (size_t i = 0; i < net->entity->field_count; i++) {
        struct fb_net_field *n = &net->fields[i];
        if (n->step_count == 0) {
            continue;
        }
        struct fb_value end = now != NULL ? value_now(now, &net->entity->fields[i]) : n->previous;
        close_step(n, &end);
        size_t kept = 0;
        for (size_t s = 0; s < n->step_count; s++) {
            if (!fb_value_equal(&n->steps[s].from, &n->steps[s].to)) {
                n->steps[kept++] = n->steps[s];
            }
        }
        n->step_count = kept;
    }
}

static bool travels(const struct fb_field *f)
{
    return f->visibility != FB_SEEN_ON_DEVICE;
}

/* Of a sum the steps count, even if they add up to nothing: of two copies of this file one may
 * have sent only the first. */
static bool has_changed(const struct fb_net *net, const struct fb_sql *now,
                        const struct fb_field *f)
{
    const struct fb_net_field *n = &net->fields[f->index];
    if (!n->is_known || !travels(f)) {
        return false;
    }
    if (f->policy == FB_MERGE_SUM && n->step_count > 0) {
        return true;
    }
    struct fb_value v = value_now(now, f);
    return !fb_value_equal(&n->base, &v);
}

/* When the group was last written: its members' last journal row, or that of the whole row. */
static void date_field(const struct fb_net *net, const struct fb_field *f,
                       struct fb_field_change *ret)
{
    const struct fb_group *group = &net->entity->groups[f->group];
    uint32_t turn = net->whole_turn;
    ret->edited_at_ms = turn == 0 ? net->at_ms : net->whole_at_ms;
    ret->cursor = turn == 0 ? net->cursor : net->whole_cursor;
    for (size_t i = 0; i < group->field_count; i++) {
        const struct fb_net_field *n = &net->fields[group->fields[i]->index];
        if (n->turn > turn) {
            turn = n->turn;
            ret->edited_at_ms = n->at_ms;
            ret->cursor = n->cursor;
        }
    }
}

static struct fb_field_change *add_field(struct fb_net *net, const struct fb_field *f,
                                         struct fb_change *ret)
{
    struct fb_field_change *c = &ret->fields[ret->field_count++];
    const struct fb_net_field *n = &net->fields[f->index];
    *c =
        (struct fb_field_change){.field_no = f->no, .steps = n->steps, .step_count = n->step_count};
    date_field(net, f, c);
    return c;
}

static void finish_insert(struct fb_net *net, const struct fb_sql *now, struct fb_change *ret)
{
    ret->op = FB_CHANGE_INSERT;
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        if (travels(f)) {
            add_field(net, f, ret)->mine = value_now(now, f);
        }
    }
}

/* Without an image (the delete trigger was gone) only the edited fields are known. */
static void finish_delete(struct fb_net *net, struct fb_change *ret)
{
    ret->op = FB_CHANGE_DELETE;
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        const struct fb_net_field *n = &net->fields[i];
        if (travels(f) && n->is_known) {
            struct fb_field_change *c = add_field(net, f, ret);
            c->base = n->base;
            c->mine = n->has_previous ? n->previous : n->base;
        }
    }
}

static void finish_update(struct fb_net *net, const struct fb_sql *now, struct fb_change *ret)
{
    bool is_wanted[FB_FIELDS_MAX] = {false}; /* by group */
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        is_wanted[f->group] = is_wanted[f->group] || has_changed(net, now, f);
    }
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        if (!is_wanted[f->group] || !travels(f) ||
            (!has_changed(net, now, f) && FB_BUG(GROUP_TRAVELS_IN_PIECES))) {
            continue;
        }
        struct fb_field_change *c = add_field(net, f, ret);
        c->mine = value_now(now, f);
        c->base = net->fields[i].is_known ? net->fields[i].base : c->mine;
    }
    ret->op = ret->field_count > 0 ? FB_CHANGE_UPDATE : FB_CHANGE_NAMED;
}

static bool is_in(const struct fb_change *change, uint32_t field_no)
{
    for (size_t i = 0; i < change->field_count; i++) {
        if (change->fields[i].field_no == field_no) {
            return true;
        }
    }
    return false;
}

static int list_netted(struct fb_net *net, struct fb_change *ret)
{
    ret->netted = fb_arena_alloc(&net->arena, net->entity->field_count * sizeof *ret->netted);
    if (ret->netted == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < net->entity->field_count; i++) {
        const struct fb_field *f = &net->entity->fields[i];
        if (net->fields[i].is_known && travels(f) && !is_in(ret, f->no)) {
            ret->netted[ret->netted_count++] = f->no;
        }
    }
    return FB_OK;
}

int fb_net_finish(struct fb_net *net, const struct fb_sql *now, struct fb_change *ret)
{
    ret->op = FB_CHANGE_NAMED;
    ret->edited_at_ms = net->at_ms;
    ret->field_count = 0;
    ret->netted_count = 0;
    ret->fields = fb_arena_alloc(&net->arena, net->entity->field_count * sizeof *ret->fields);
    if (ret->fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    finish_steps(net, now);
    int64_t telling_op = FB_BUG(NET_KIND_FROM_LAST_ROW) ? net->last_op : net->first_op;
    bool was_there = telling_op != FB_JOURNAL_INSERT;
    if (now != NULL && !was_there) {
        finish_insert(net, now, ret);
    } else if (now == NULL && was_there) {
        finish_delete(net, ret);
    } else if (now != NULL) {
        finish_update(net, now, ret);
        return list_netted(net, ret);
    }
    return FB_OK;
}
