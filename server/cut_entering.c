/* SPDX-License-Identifier: MIT
 *
 * All rows of scopes that enter, found from the root down: the company and what follows it, what a person owns, what a territory or
 * a team has. The cost is that of the rows that enter. Everything is looked through only for "company:*" and "global".
 */
#include <stdlib.h>

#include "server/cut_internal.h"
#include "server/scope_rows.h"

struct entering {
    struct fb_cutting *c;
    struct fb_row **rows;
    size_t count, capacity;
    struct fb_row_map map;
};

struct row_key {
    const struct fb_entity *entity;
    const char *id;
};

static bool is_row(const void *item, const void *key)
{
    const struct fb_row *row = item;
    const struct row_key *k = key;
    return row->entity == k->entity && strcmp(row->id, k->id) == 0;
}

static int take_row(void *ctx, const struct fb_row *row, const char *set)
{
    struct entering *n = ctx;
    struct fb_cutting *c = n->c;
    (void)set;
    struct fb_row **rows =
        fb_arena_grow(&c->arena, n->rows, n->count, &n->capacity, sizeof(struct fb_row *));
    struct fb_row *copy = fb_arena_alloc(&c->arena, sizeof *copy);
    if (rows == NULL || copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    n->rows = rows;
    int rc = fb_row_copy(&c->arena, row, copy);
    rc = rc < 0 || !fb_cut_has_opened(c)
             ? rc
             : fb_row_map_add(&n->map, fb_row_hash(row->entity->no, row->id), copy);
    rows[n->count] = copy;
    n->count += rc == FB_OK ? 1 : 0;
    return rc;
}

/* A role shows more of the entity than before: all of its rows come again. */
static int take_opened(void *ctx, const struct fb_row *row)
{
    struct entering *n = ctx;
    struct row_key key = {row->entity, row->id};
    const char *set = NULL;
    uint64_t hash = fb_row_hash(row->entity->no, row->id);
    bool travels =
        row->entity->scope != FB_SCOPE_SERVER_ONLY && row->entity->scope != FB_SCOPE_DEVICE_ONLY;
    if (!travels || fb_row_map_find(&n->map, hash, is_row, &key) != NULL) {
        return FB_OK;
    }
    int rc = fb_cut_set_of(n->c, row, &set);
    return rc < 0 || !fb_scope_set_is_held(set, n->c->held) ? rc : take_row(n, row, set);
}

static int by_place(const void *a, const void *b)
{
    const struct fb_row *x = *(struct fb_row *const *)a;
    const struct fb_row *y = *(struct fb_row *const *)b;
    if (x->entity != y->entity) {
        return x->entity->index < y->entity->index ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

int fb_cut_find_entered(struct fb_cutting *c)
{
    struct entering n = {.c = c};
    struct fb_hub *hub = c->hub;
    int rc = fb_scope_rows_each(c->s, &hub->reader_family, hub->reader_scopes, &c->entering,
                                take_row, &n);
    for (size_t i = 0; rc == FB_OK && fb_cut_has_opened(c) && i < c->catalogue->entity_count; i++) {
        const struct fb_entity *e = &c->catalogue->entities[i];
        rc = fb_cut_is_opened(c, e) ? fb_row_scan(c->s, e, "", INT64_MAX, take_opened, &n) : FB_OK;
    }
    size_t kept = 0;
    for (size_t i = 0; rc == FB_OK && i < n.count; i++) {
        if (!fb_cut_is_named(c, n.rows[i]->entity, n.rows[i]->id)) {
            n.rows[kept++] = n.rows[i];
        }
    }
    if (kept > 1) {
        qsort(n.rows, kept, sizeof(struct fb_row *), by_place);
    }
    c->entered = n.rows;
    c->entered_count = kept;
    free(n.map.slots);
    return rc;
}
