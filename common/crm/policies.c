/* SPDX-License-Identifier: MIT */
#include "common/crm/policies.h"

#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/store/row.h"

const char *fb_policy_end_name(enum fb_policy_end end)
{
    return end == FB_POLICY_THEIRS ? fb_text("headquarters")
           : end == FB_POLICY_MINE ? fb_text("laptop")
           : end == FB_POLICY_BOTH ? fb_text("both")
                                   : fb_text("a person");
}

/* One conflict's values, by the members of its group. */
struct values {
    struct fb_value *base, *theirs, *mine, *initial;
};

static int read_side(const struct fb_entity *e, const char *id, const char *json,
                     const struct fb_group *g, struct fb_arena *arena, struct fb_value **ret)
{
    struct fb_row row;
    *ret = fb_arena_alloc(arena, g->field_count * sizeof **ret);
    int rc =
        *ret == NULL ? FB_ERR_NO_MEMORY : fb_row_from_json(e, id, json, strlen(json), arena, &row);
    for (size_t i = 0; rc == FB_OK && i < g->field_count; i++) {
        (*ret)[i] = row.values[g->fields[i]->index];
    }
    return rc;
}

static int read_values(const struct fb_entity *e, const struct fb_desk_conflict *c,
                       const struct fb_group *g, struct fb_arena *arena, struct values *ret)
{
    int rc = read_side(e, c->record_id, c->base, g, arena, &ret->base);
    rc = rc < 0 ? rc : read_side(e, c->record_id, c->theirs, g, arena, &ret->theirs);
    rc = rc < 0 ? rc : read_side(e, c->record_id, c->mine, g, arena, &ret->mine);
    ret->initial = fb_arena_alloc(arena, g->field_count * sizeof *ret->initial);
    if (rc == FB_OK && ret->initial == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; rc == FB_OK && i < g->field_count; i++) {
        ret->initial[i] = g->fields[i]->initial;
    }
    return rc;
}

static int64_t time_of(const char *instant)
{
    int64_t ms = 0;
    return instant != NULL && fb_instant_parse(instant, strlen(instant), &ms) ? ms : 0;
}

static int64_t number_of(const struct fb_value *v)
{
    return v->type == FB_INT ? v->integer : 0;
}

static int end_of(const struct fb_group *g, const struct fb_desk_conflict *c,
                  const struct values *v, struct fb_arena *arena, enum fb_policy_end *ret)
{
    const struct fb_field *f = g->fields[0];
    struct fb_merge_path path = {.steps = f->steps, .step_count = f->step_count};
    const struct fb_merge_ask ask = {.policy = f->policy,
                                     .is_server_only = f->is_server_only,
                                     .count = g->field_count,
                                     .base = v->base,
                                     .theirs = v->theirs,
                                     .mine = v->mine,
                                     .initial = v->initial,
                                     .theirs_edited_at_ms = time_of(c->theirs_at),
                                     .mine_edited_at_ms = time_of(c->mine_at),
                                     .theirs_device = "",
                                     .mine_device = c->device_id == NULL ? "" : c->device_id,
                                     .path = f->step_count > 0 ? &path : NULL,
                                     .step_sum = number_of(&v->mine[0]) - number_of(&v->base[0])};
    struct fb_merge_result result;
    int rc = fb_merge_group(&ask, arena, &result);
    if (rc < 0) {
        return rc;
    }
    switch (result.outcome) {
    case FB_MERGE_MINE_WON:
    case FB_MERGE_FAST_FORWARD:
        *ret = FB_POLICY_MINE;
        return FB_OK;
    case FB_MERGE_COMBINED:
        *ret = FB_POLICY_BOTH;
        return FB_OK;
    case FB_MERGE_ASK:
    case FB_MERGE_NOT_ALLOWED:
        *ret = FB_POLICY_ASKS;
        return FB_OK;
    default:
        *ret = FB_POLICY_THEIRS;
        return FB_OK;
    }
}

struct rehearsing {
    const struct fb_entity *before, *after;
    const struct fb_group *group_before, *group_after;
    fb_policy_each *f;
    void *ctx;
    struct fb_policy_rehearsal *result;
};

static int rehearse_one(void *ctx, const struct fb_desk_conflict *c)
{
    struct rehearsing *r = ctx;
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct values values;
    struct fb_policy_effect effect = {.conflict = c};
    if (c->reason != NULL && strcmp(c->reason, "concurrent") != 0) {
        return FB_OK;
    }
    int rc = read_values(r->before, c, r->group_before, &arena, &values);
    rc = rc < 0 ? rc : end_of(r->group_before, c, &values, &arena, &effect.before);
    rc = rc < 0 ? rc : end_of(r->group_after, c, &values, &arena, &effect.after);
    if (rc < 0) {
        return rc == FB_ERR_DAMAGED ? FB_OK : rc; /* a field that is no more */
    }
    r->result->conflicts++;
    r->result->asking += effect.after == FB_POLICY_ASKS;
    if (effect.before == effect.after) {
        return FB_OK;
    }
    r->result->differing++;
    return r->f == NULL ? FB_OK : r->f(r->ctx, &effect);
}

int fb_policy_rehearse(struct fb_store *s, const struct fb_policy_change *change, int64_t since_ms,
                       int64_t now_ms, fb_policy_each *f, void *ctx,
                       struct fb_policy_rehearsal *ret, struct fb_why *why)
{
    FB_AUTO(fb_catalogue_drop) struct fb_catalogue *next = NULL;
    const struct fb_catalogue *now = fb_store_catalogue(s);
    *ret = (struct fb_policy_rehearsal){0};
    int rc = fb_catalogue_with_policies(now, change, 1, &next, why);
    if (rc < 0) {
        return rc;
    }
    struct rehearsing r = {.before = fb_catalogue_entity(now, change->entity),
                           .after = fb_catalogue_entity(next, change->entity),
                           .f = f,
                           .ctx = ctx,
                           .result = ret};
    const struct fb_field *field = fb_entity_field(r.before, change->field);
    const struct fb_field *changed = fb_entity_field(r.after, change->field);
    if (field == NULL || changed == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s is computed: it has no merge rule", change->field);
    }
    r.group_before = &r.before->groups[field->group];
    r.group_after = &r.after->groups[changed->group];
    const struct fb_desk_filter filter = {.state = FB_DESK_ANY,
                                          .entity = change->entity,
                                          .field = r.group_before->name,
                                          .made_since_ms = since_ms};
    rc = fb_desk_list(s, &filter, now_ms, rehearse_one, &r);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_policy_set(struct fb_store *s, const struct fb_policy_change *changes, size_t count,
                  int64_t now_ms, struct fb_why *why)
{
    struct fb_catalogue *next = NULL;
    int rc = fb_catalogue_with_policies(fb_store_catalogue(s), changes, count, &next, why);
    return rc < 0 ? rc : fb_store_set_catalogue(s, next, now_ms, why);
}
