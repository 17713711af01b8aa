/* SPDX-License-Identifier: MIT */
#include "server/scope_rows.h"

#include <stdlib.h>

struct found {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
};

/* What was found, in blocks that stay where they are: the map points into them. */
#define BLOCK_ROWS 512

struct finding {
    struct fb_store *s;
    const struct fb_catalogue *catalogue;
    const struct fb_family *family;
    struct fb_scope_cache *cache;
    const struct fb_scope_list *scopes;
    fb_scope_row_each *f;
    void *ctx;
    struct fb_arena arena;
    struct found **blocks;
    size_t block_count, block_capacity;
    size_t count;
    struct fb_row_map map;
    struct fb_buf set;
};

static bool is_row(const void *item, const void *key)
{
    const struct found *a = item;
    const struct found *b = key;
    return a->entity == b->entity && strcmp(a->id, b->id) == 0;
}

static bool travels(const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_SERVER_ONLY && e->scope != FB_SCOPE_DEVICE_ONLY;
}

static struct found *add_found(struct finding *n)
{
    if (n->count == n->block_count * BLOCK_ROWS) {
        struct found **blocks = fb_arena_grow(&n->arena, n->blocks, n->block_count,
                                              &n->block_capacity, sizeof(struct found *));
        struct found *block = fb_arena_alloc(&n->arena, BLOCK_ROWS * sizeof *block);
        if (blocks == NULL || block == NULL) {
            return NULL;
        }
        n->blocks = blocks;
        blocks[n->block_count++] = block;
    }
    struct found *at = &n->blocks[n->count / BLOCK_ROWS][n->count % BLOCK_ROWS];
    n->count++;
    return at;
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct finding *n = ctx;
    uint64_t hash = fb_row_hash(row->entity->no, row->id);
    struct found key = {.entity = row->entity};
    memcpy(key.id, row->id, FB_ROW_ID_SIZE);
    if (!travels(row->entity) || fb_row_map_find(&n->map, hash, is_row, &key) != NULL) {
        return FB_OK;
    }
    fb_buf_clear(&n->set);
    int rc = fb_scope_of_row_cached(n->cache, n->s, row, &n->set);
    if (rc < 0 || !fb_scope_set_is_held(fb_buf_text(&n->set), n->scopes)) {
        return rc;
    }
    struct found *found = add_found(n);
    if (found == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *found = key;
    rc = fb_row_map_add(&n->map, hash, found);
    return rc < 0 ? rc : n->f(n->ctx, row, fb_buf_text(&n->set));
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
static int take_named(struct finding *n, const struct fb_entity *e, const char *kind,
                      const char *id)
{
    int rc = FB_OK;
    if (e->scope == FB_SCOPE_OWN && strcmp(kind, "employee") == 0) {
        return fb_row_scan(n->s, e, "", INT64_MAX, take_row,
                           n); /* his own, and of those below him */
    }
    for (size_t i = 0; rc == FB_OK && i < e->scope_field_count; i++) {
        if (targets(e->scope_fields[i], kind)) {
            rc = fb_row_scan_by(n->s, e, e->scope_fields[i], id, take_row, n);
        }
    }
    if (rc == FB_OK && strcmp(kind, "employee") == 0 && targets(e->owner_field, kind) &&
        e->scope != FB_SCOPE_GLOBAL && e->scope != FB_SCOPE_COMPANY) {
        rc = fb_row_scan_by(n->s, e, e->owner_field, id, take_row, n);
    }
    return rc;
}

static int take_everything(struct finding *n)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < n->catalogue->entity_count; i++) {
        const struct fb_entity *e = &n->catalogue->entities[i];
        rc = travels(e) ? fb_row_scan(n->s, e, "", INT64_MAX, take_row, n) : FB_OK;
    }
    return rc;
}

static int take_company(struct finding *n, const char *id)
{
    const struct fb_entity *e = fb_catalogue_entity(n->catalogue, "company");
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row;
    bool is_found = false;
    char text[FB_ROW_ID_SIZE];
    if (e == NULL || strlen(id) != FB_ROW_ID_SIZE - 1) {
        return FB_OK;
    }
    memcpy(text, id, sizeof text);
    int rc = fb_row_read(n->s, e, text, &arena, &row, &is_found);
    return rc < 0 || !is_found ? rc : take_row(n, &row);
}

static int take_scope(struct finding *n, const char *key)
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
    for (size_t i = 0; rc == FB_OK && i < n->catalogue->entity_count; i++) {
        rc = take_named(n, &n->catalogue->entities[i], kind, colon + 1);
    }
    return rc;
}

/* ---- Below them ---- */

static int take_below(struct finding *n, const struct found *parent)
{
    size_t at = parent->entity->index;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < n->family->counts[at]; i++) {
        const struct fb_link *link = &n->family->links[at][i];
        rc = fb_row_scan_by(n->s, link->child, link->field, parent->id, take_row, n);
    }
    return rc;
}

int fb_scope_rows_each(struct fb_store *s, struct fb_family *family, struct fb_scope_cache *cache,
                       const struct fb_scope_list *scopes, fb_scope_row_each *f, void *ctx)
{
    struct finding n = {.s = s,
                        .catalogue = fb_store_catalogue(s),
                        .family = family,
                        .cache = cache,
                        .scopes = scopes,
                        .f = f,
                        .ctx = ctx};
    fb_buf_init(&n.set, FB_FRAME_BYTES_MAX);
    int rc = fb_family_update(family, n.catalogue);
    for (size_t i = 0; rc == FB_OK && i < scopes->count; i++) {
        rc = scopes->keys[i][0] == '!' ? FB_OK : take_scope(&n, scopes->keys[i]);
    }
    for (size_t at = 0; rc == FB_OK && at < n.count; at++) { /* grows while it runs */
        rc = take_below(&n, &n.blocks[at / BLOCK_ROWS][at % BLOCK_ROWS]);
    }
    free(n.map.slots);
    fb_buf_release(&n.set);
    fb_arena_release(&n.arena);
    return rc;
}
