/* SPDX-License-Identifier: MIT
 *
 * All rows of scopes that enter, found from the root down: the company and what follows it, what a person owns, what a territory or
 * a team has. The cost is that of the rows that enter. Everything is looked through only for "company:*" and "global".
 */
#include <stdlib.h>

#include "server/cut_internal.h"

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

static bool travels(const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_SERVER_ONLY && e->scope != FB_SCOPE_DEVICE_ONLY;
}

static int take_row_of(struct entering *n, const struct fb_row *row,
                       const struct fb_scope_list *scopes)
{
    struct fb_cutting *c = n->c;
    uint64_t hash = fb_row_hash(row->entity->no, row->id);
    struct row_key key = {row->entity, row->id};
    const char *set = NULL;
    if (!travels(row->entity) || fb_row_map_find(&n->map, hash, is_row, &key) != NULL) {
        return FB_OK;
    }
    int rc = fb_cut_set_of(c, row, &set);
    if (rc < 0 || !fb_scope_set_is_held(set, scopes)) {
        return rc;
    }
    struct fb_row **rows =
        fb_arena_grow(&c->arena, n->rows, n->count, &n->capacity, sizeof(struct fb_row *));
    struct fb_row *copy = fb_arena_alloc(&c->arena, sizeof *copy);
    if (rows == NULL || copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    n->rows = rows;
    rc = fb_row_copy(&c->arena, row, copy);
    rc = rc < 0 ? rc : fb_row_map_add(&n->map, hash, copy);
    rows[n->count] = copy;
    n->count += rc == FB_OK ? 1 : 0;
    return rc;
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct entering *n = ctx;
    return take_row_of(n, row, &n->c->entering);
}

/* A role shows more of the entity than before: all of its rows come again. */
static int take_opened(void *ctx, const struct fb_row *row)
{
    struct entering *n = ctx;
    return take_row_of(n, row, n->c->held);
}

/* ---- The first rows of a scope ---- */

static bool targets(const struct fb_field *f, const char *entity)
{
    for (size_t i = 0; f != NULL && i < f->target_count; i++) {
        if (strcmp(f->targets[i]->name, entity) == 0) {
            return true;
        }
    }
    return false;
}

/* Rows of every entity whose scope may be that person, territory or team. */
static int take_named(struct entering *n, const struct fb_entity *e, const char *kind,
                      const char *id)
{
    struct fb_store *s = n->c->s;
    int rc = FB_OK;
    if (e->scope == FB_SCOPE_OWN && strcmp(kind, "employee") == 0) {
        return fb_row_scan(s, e, "", INT64_MAX, take_row, n); /* his own, and of those below him */
    }
    for (size_t i = 0; rc == FB_OK && i < e->scope_field_count; i++) {
        if (targets(e->scope_fields[i], kind)) {
            rc = fb_row_scan_by(s, e, e->scope_fields[i], id, take_row, n);
        }
    }
    if (rc == FB_OK && strcmp(kind, "employee") == 0 && targets(e->owner_field, kind) &&
        e->scope != FB_SCOPE_GLOBAL && e->scope != FB_SCOPE_COMPANY) {
        rc = fb_row_scan_by(s, e, e->owner_field, id, take_row, n);
    }
    return rc;
}

static int take_everything(struct entering *n)
{
    const struct fb_catalogue *catalogue = n->c->catalogue;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < catalogue->entity_count; i++) {
        rc = travels(&catalogue->entities[i])
                 ? fb_row_scan(n->c->s, &catalogue->entities[i], "", INT64_MAX, take_row, n)
                 : FB_OK;
    }
    return rc;
}

static int take_company(struct entering *n, const char *id)
{
    const struct fb_entity *e = fb_catalogue_entity(n->c->catalogue, "company");
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row;
    bool is_found = false;
    char text[FB_ROW_ID_SIZE];
    if (e == NULL || strlen(id) != FB_ROW_ID_SIZE - 1) {
        return FB_OK;
    }
    memcpy(text, id, sizeof text);
    int rc = fb_row_read(n->c->s, e, text, &arena, &row, &is_found);
    return rc < 0 || !is_found ? rc : take_row(n, &row);
}

static int take_scope(struct entering *n, const char *key)
{
    const char *colon = strchr(key, ':');
    char kind[16] = "";
    int rc = FB_OK;
    if (colon == NULL || strcmp(colon, ":*") == 0 || (size_t)(colon - key) >= sizeof kind) {
        return take_everything(n);
    }
    memcpy(kind, key, (size_t)(colon - key));
    if (strcmp(kind, "company") == 0) {
        return take_company(n, colon + 1);
    }
    for (size_t i = 0; rc == FB_OK && i < n->c->catalogue->entity_count; i++) {
        rc = take_named(n, &n->c->catalogue->entities[i], kind, colon + 1);
    }
    return rc;
}

/* ---- Below them ---- */

static int take_below(struct entering *n, const struct fb_row *row)
{
    const struct fb_family *f = &n->c->hub->reader_family;
    size_t at = row->entity->index;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->counts[at]; i++) {
        const struct fb_link *link = &f->links[at][i];
        rc = fb_row_scan_by(n->c->s, link->child, link->field, row->id, take_row, n);
    }
    return rc;
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
    int rc = fb_family_update(&c->hub->reader_family, c->catalogue);
    for (size_t i = 0; rc == FB_OK && i < c->entering.count; i++) {
        rc = c->entering.keys[i][0] == '!' ? FB_OK : take_scope(&n, c->entering.keys[i]);
    }
    for (size_t at = 0; rc == FB_OK && at < n.count; at++) { /* grows while it runs */
        rc = take_below(&n, n.rows[at]);
    }
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
