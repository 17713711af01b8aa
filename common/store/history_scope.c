/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/store/history_inside.h"

/* Two small tables of what was asked last, by key and by id; a newer answer takes the place of an
 * older one. */

void fb_history_scopes_forget(struct fb_history *h)
{
    for (size_t i = 0; i < FB_SCOPES_CACHED; i++) {
        free(h->by_key[i].key);
        free(h->by_id[i].key);
        h->by_key[i] = (struct fb_cached_scope){0};
        h->by_id[i] = (struct fb_cached_scope){0};
    }
}

static struct fb_cached_scope *place_by_key(struct fb_history *h, const char *key, size_t size)
{
    return &h->by_key[fb_digest_of(key, size).low & (FB_SCOPES_CACHED - 1)];
}

static struct fb_cached_scope *place_by_id(struct fb_history *h, int64_t id)
{
    return &h->by_id[(uint64_t)id & (FB_SCOPES_CACHED - 1)];
}

/* Without memory it is just not kept. */
static void keep(struct fb_cached_scope *place, int64_t id, const char *key)
{
    free(place->key);
    *place = (struct fb_cached_scope){.id = id, .key = strdup(key)};
}

static int read_id(struct fb_store *s, const char *key, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT id FROM fb_scope WHERE key = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, key);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
    }
    return rc;
}

static int add_parts(struct fb_store *s, const char *key, int64_t id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "INSERT INTO fb_scope_part (key, scope) VALUES (?1, ?2) ON CONFLICT DO NOTHING", &q);
    while (rc == FB_OK && *key != '\0') {
        size_t size = strcspn(key, ",");
        struct fb_value part = {.type = FB_TEXT, .bytes = key, .size = (uint32_t)size};
        fb_sql_bind_value(q, 1, &part);
        fb_sql_bind_int(q, 2, id);
        rc = fb_sql_run(q);
        key += size + (key[size] == ',');
    }
    return rc;
}

static int add_id(struct fb_store *s, const char *key, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "INSERT INTO fb_scope (key) VALUES (?1)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, key);
    rc = fb_sql_run(q);
    if (rc == FB_OK) {
        *ret = sqlite3_last_insert_rowid(s->db);
        rc = strchr(key, ',') == NULL ? FB_OK : add_parts(s, key, *ret);
    }
    return rc;
}

int fb_history_scope_id(struct fb_store *s, const char *key, int64_t *ret_id)
{
    struct fb_history *h = NULL;
    int rc = fb_history_of(s, &h);
    if (rc < 0) {
        return rc;
    }
    struct fb_cached_scope *place = place_by_key(h, key, strlen(key));
    if (place->key != NULL && strcmp(place->key, key) == 0) {
        *ret_id = place->id;
        return FB_OK;
    }
    int64_t id = 0;
    rc = read_id(s, key, &id);
    if (rc == FB_SQL_DONE) {
        rc = add_id(s, key, &id);
    }
    if (rc < 0) {
        return rc;
    }
    keep(place, id, key);
    *ret_id = id;
    return FB_OK;
}

int fb_history_scope_find(struct fb_store *s, const char *key, int64_t *ret_id)
{
    *ret_id = 0;
    int rc = read_id(s, key, ret_id);
    return rc < 0 ? rc : FB_OK;
}

static int each_set(struct fb_store *s, const char *text, const char *from, const char *to,
                    fb_scope_set_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, from);
    if (to != NULL) {
        fb_sql_bind_text(q, 2, to);
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = f(ctx, fb_sql_int(q, 0));
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

int fb_history_sets_of(struct fb_store *s, const char *key, fb_scope_set_each *f, void *ctx)
{
    size_t size = strlen(key);
    char from[32];
    char to[32];
    if (size < 3 || size >= sizeof from || strcmp(key + size - 2, ":*") != 0) {
        int rc = each_set(s, "SELECT id FROM fb_scope WHERE key = ?1", key, NULL, f, ctx);
        return rc < 0 ? rc
                      : each_set(s, "SELECT scope FROM fb_scope_part WHERE key = ?1", key, NULL, f,
                                 ctx);
    }
    memcpy(from, key, size - 1);
    from[size - 1] = '\0';
    memcpy(to, from, size);
    to[size - 2] = ';'; /* behind ':' */
    int rc = each_set(s, "SELECT id FROM fb_scope WHERE key >= ?1 AND key < ?2", from, to, f, ctx);
    return rc < 0 ? rc
                  : each_set(s, "SELECT scope FROM fb_scope_part WHERE key >= ?1 AND key < ?2",
                             from, to, f, ctx);
}

static const char *read_key(struct fb_store *s, struct fb_history *h, int64_t id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT key FROM fb_scope WHERE id = ?1", &q);
    if (rc < 0) {
        return NULL;
    }
    fb_sql_bind_int(q, 1, id);
    if (fb_sql_step(q) != FB_SQL_ROW) {
        return NULL;
    }
    fb_buf_clear(&h->key);
    fb_buf_append_text(&h->key, fb_sql_text(q, 0));
    return fb_buf_error(&h->key) == FB_OK ? fb_buf_text(&h->key) : NULL;
}

const char *fb_history_scope_key(struct fb_store *s, int64_t id)
{
    struct fb_history *h = NULL;
    if (id == 0 || fb_history_of(s, &h) < 0) {
        return NULL;
    }
    struct fb_cached_scope *place = place_by_id(h, id);
    if (place->key != NULL && place->id == id) {
        return place->key;
    }
    const char *key = read_key(s, h, id);
    if (key != NULL) {
        keep(place, id, key);
    }
    return key;
}
