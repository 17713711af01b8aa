/* SPDX-License-Identifier: MIT
 *
 * Headquarters looks whether what came in is there already, and puts suspicions into the duplicates list: rows of merge_job in state
 * "suspected". A pair that was ever in the list is not suspected again. What came in stands, whatever is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crm/alike.h"
#include "common/crm/conversion.h"
#include "common/crm/duplicates.h"
#include "server/internal.h"

#define ONE_LEAD_SCORE 90

/* A row that was made or given another name or number. */
struct fb_newcomer {
    struct fb_newcomer *next;
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    char twin_id[FB_ROW_ID_SIZE]; /* of one lead with this one; "": none is known */
};

void fb_duplicates_forget(struct fb_hub *hub)
{
    while (hub->newcomers != NULL) {
        struct fb_newcomer *next = hub->newcomers->next;
        free(hub->newcomers);
        hub->newcomers = next;
    }
    hub->newcomer_count = 0;
}

static bool is_new_name(const struct fb_work_row *row, const struct fb_field *f)
{
    static const char *const NAMES[] = {"name", "tax_id", "family_name", "given_name", "value"};
    bool is_compared = f->is_unique;
    for (size_t i = 0; !is_compared && i < sizeof NAMES / sizeof NAMES[0]; i++) {
        is_compared = strcmp(f->name, NAMES[i]) == 0;
    }
    return is_compared && fb_mask_get(row->mask, f->index);
}

static int add_newcomer(struct fb_work *w, const struct fb_entity *e, const char *id,
                        const char *twin_id)
{
    struct fb_newcomer *n = calloc(1, sizeof *n);
    if (n == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    n->entity = e;
    snprintf(n->id, sizeof n->id, "%s", id);
    snprintf(n->twin_id, sizeof n->twin_id, "%s", twin_id);
    n->next = w->hub->newcomers;
    w->hub->newcomers = n;
    w->hub->newcomer_count++;
    return FB_OK;
}

/* The record that a conflict's side names; false: none. */
static bool read_side(struct fb_work *w, const struct fb_work_row *row, const struct fb_field *f,
                      const char *json, char ret_id[static FB_ROW_ID_SIZE])
{
    struct fb_row side;
    return json != NULL &&
           fb_row_from_json(row->entity, row->id, json, strlen(json), w->arena, &side) == FB_OK &&
           fb_value_to_id(&side.values[f->index], ret_id);
}

/* The lead keeps what came of it first; what came of it on the second laptop is there, too. */
static int note_twins(struct fb_work *w, const struct fb_work_row *row)
{
    int rc = FB_OK;
    for (const struct fb_conflict *c = row->conflicts; rc == FB_OK && c != NULL; c = c->next) {
        const struct fb_field *f = fb_conversion_is_result(row->entity->name, c->group)
                                       ? fb_entity_field(row->entity, c->group)
                                       : NULL;
        char theirs[FB_ROW_ID_SIZE];
        char mine[FB_ROW_ID_SIZE];
        if (f != NULL && f->type == FB_TYPE_REF && read_side(w, row, f, c->theirs, theirs) &&
            read_side(w, row, f, c->mine, mine)) {
            rc = add_newcomer(w, f->targets[0], mine, theirs);
        }
    }
    return rc;
}

int fb_duplicates_note(struct fb_work *w, const struct fb_work_row *row)
{
    int rc = note_twins(w, row);
    if (rc < 0) {
        return rc;
    }
    bool is_compared =
        row->is_here && !w->is_consequence &&
        (fb_alike_is_compared(row->entity) || strcmp(row->entity->name, "comm_point") == 0);
    bool is_new = is_compared && !row->was_here && !row->is_restored;
    for (size_t i = 0; is_compared && !is_new && i < row->entity->field_count; i++) {
        is_new = row->was_here && is_new_name(row, &row->entity->fields[i]);
    }
    /* A whole import is not compared row by row while everybody waits. */
    if (!is_new || w->hub->newcomer_count >= FB_ALIKE_ROWS_MAX) {
        return FB_OK;
    }
    return add_newcomer(w, row->entity, row->id, "");
}

struct suspecting {
    struct fb_work *w;
    const struct fb_entity *job, *entity;
    const char *id;
};

static int suspect(void *ctx, const struct fb_alike *alike)
{
    struct suspecting *s = ctx;
    struct fb_work_row *row = NULL;
    bool is_known = false;
    /* Of two newcomers each is like the other: the younger id asks. */
    int rc = fb_duplicates_is_known(s->w->store, s->id, alike->id, &is_known);
    for (size_t i = 0; rc == FB_OK && !is_known && i < s->w->row_count; i++) {
        const struct fb_work_row *made = s->w->rows[i];
        const struct fb_field *keep = fb_entity_field(s->job, "keep_id");
        const struct fb_field *drop = fb_entity_field(s->job, "drop_id");
        char a[FB_ROW_ID_SIZE];
        char b[FB_ROW_ID_SIZE];
        is_known = made->entity == s->job && fb_value_to_id(&made->now.values[keep->index], a) &&
                   fb_value_to_id(&made->now.values[drop->index], b) &&
                   ((strcmp(a, s->id) == 0 && strcmp(b, alike->id) == 0) ||
                    (strcmp(b, s->id) == 0 && strcmp(a, alike->id) == 0));
    }
    if (rc < 0 || is_known) {
        return rc;
    }
    struct fb_value score = fb_value_int(alike->score);
    struct fb_value keep = fb_value_text(alike->id);
    rc = fb_work_add(s->w, s->job, &row);
    rc = rc < 0 ? rc : fb_work_set_text(s->w, row, "entity", s->entity->name);
    rc = rc < 0 ? rc : fb_work_set_named(s->w, row, "keep_id", &keep);
    rc = rc < 0 ? rc : fb_work_set_text(s->w, row, "drop_id", s->id);
    rc = rc < 0 ? rc : fb_work_set_text(s->w, row, "state", "suspected");
    rc = rc < 0 ? rc : fb_work_set_named(s->w, row, "score", &score);
    return rc < 0 ? rc : fb_work_set_text(s->w, row, "rule", alike->rule);
}

/* fb_work_set_text keeps the text it is given: these live during a call only. */
static int suspect_copied(void *ctx, const struct fb_alike *alike)
{
    struct suspecting *s = ctx;
    const struct fb_alike copy = {.id = fb_arena_strdup(s->w->arena, alike->id),
                                  .score = alike->score,
                                  .rule = fb_arena_strdup(s->w->arena, alike->rule)};
    return copy.id == NULL || copy.rule == NULL ? FB_ERR_NO_MEMORY : suspect(ctx, &copy);
}

static int compare_number(struct suspecting *s, const struct fb_work_row *point)
{
    const struct fb_field *owner = fb_entity_field(point->entity, "owner_id");
    const struct fb_field *value = fb_entity_field(point->entity, "value");
    char id[FB_ROW_ID_SIZE];
    if (owner == NULL || value == NULL || !fb_value_to_id(&point->now.values[owner->index], id) ||
        point->now.values[value->index].type != FB_TEXT) {
        return FB_OK;
    }
    const struct fb_value *v = &point->now.values[value->index];
    const char *number = fb_arena_copy(s->w->arena, v->bytes, v->size);
    s->entity = fb_row_target(&point->now, owner);
    s->id = fb_arena_strdup(s->w->arena, id);
    if (number == NULL || s->id == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    bool is_compared = s->entity != NULL && fb_alike_is_compared(s->entity) &&
                       strcmp(s->entity->name, "employee") != 0;
    return is_compared
               ? fb_alike_find_number(s->w->store, s->entity, s->id, number, suspect_copied, s)
               : FB_OK;
}

static int compare_twin(struct suspecting *s, const struct fb_newcomer *n)
{
    struct fb_work_row *twin = NULL;
    const struct fb_alike alike = {.id = n->twin_id, .score = ONE_LEAD_SCORE, .rule = "lead"};
    int rc = fb_work_row(s->w, n->entity, n->twin_id, &twin);
    return rc < 0 || !twin->is_here ? rc : suspect_copied(s, &alike);
}

static int compare(struct fb_work *w, const struct fb_newcomer *n)
{
    struct fb_work_row *row = NULL;
    struct suspecting s = {
        .w = w, .job = fb_catalogue_entity(w->catalogue, "merge_job"), .entity = n->entity};
    int rc = fb_work_row(w, n->entity, n->id, &row);
    if (rc < 0 || !row->is_here) {
        return rc;
    }
    if (strcmp(n->entity->name, "comm_point") == 0) {
        return compare_number(&s, row);
    }
    s.id = row->id;
    if (n->twin_id[0] != '\0') {
        return compare_twin(&s, n);
    }
    return fb_alike_find(w->store, &row->now, suspect_copied, &s);
}

int fb_duplicates_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev,
                       int64_t now_ms)
{
    const struct fb_catalogue *c = fb_store_catalogue(hub->store);
    if (hub->newcomers == NULL || fb_catalogue_entity(c, "merge_job") == NULL) {
        fb_duplicates_forget(hub);
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_work w;
    fb_work_init_consequence(&w, hub, &arena, source, rev, now_ms);
    int rc = FB_OK;
    for (const struct fb_newcomer *n = hub->newcomers; rc == FB_OK && n != NULL; n = n->next) {
        rc = compare(&w, n);
    }
    fb_duplicates_forget(hub);
    rc = rc < 0 ? rc : fb_work_write(&w);
    fb_work_release(&w);
    return rc;
}
