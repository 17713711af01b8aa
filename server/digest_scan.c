/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "server/internal.h"

#define SCOPE_KEY_BYTES_MAX 65536

struct scanning {
    struct fb_store *store;
    struct fb_digest_scan *scan;
    struct fb_scope_cache *scopes;
    struct fb_buf key;
};

struct fb_digest_slot *fb_digest_scan_find(const struct fb_digest_scan *scan, const char *key)
{
    struct fb_digest hash = fb_digest_of(key, strlen(key));
    size_t at = (size_t)hash.low & (scan->capacity - 1);
    while (scan->slots[at].key != NULL && strcmp(scan->slots[at].key, key) != 0) {
        at = (at + 1) & (scan->capacity - 1);
    }
    return &scan->slots[at];
}

static int grow(struct fb_digest_scan *scan)
{
    struct fb_digest_scan bigger = *scan;
    bigger.capacity = scan->capacity == 0 ? 1024 : scan->capacity * 2;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < scan->capacity; i++) {
        if (scan->slots[i].key != NULL) {
            *fb_digest_scan_find(&bigger, scan->slots[i].key) = scan->slots[i];
        }
    }
    free(scan->slots);
    *scan = bigger;
    return FB_OK;
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct scanning *s = ctx;
    struct fb_digest digest;
    fb_buf_clear(&s->key);
    int rc = fb_scope_of_row_cached(s->scopes, s->store, row, &s->key);
    rc = rc < 0 ? rc : fb_row_digest(row, &digest);
    if (rc == FB_OK && s->scan->count * 2 >= s->scan->capacity) {
        rc = grow(s->scan);
    }
    if (rc < 0) {
        return rc;
    }
    struct fb_digest_slot *slot = fb_digest_scan_find(s->scan, fb_buf_text(&s->key));
    if (slot->key == NULL) {
        slot->key = strdup(fb_buf_text(&s->key));
        if (slot->key == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        s->scan->count++;
    }
    fb_digest_add(&slot->digest, &digest);
    s->scan->rows++;
    return FB_OK;
}

int fb_digest_scan_run(struct fb_store *s, struct fb_digest_scan *scan)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    struct scanning scanning = {.store = s, .scan = scan};
    fb_buf_init(&scanning.key, SCOPE_KEY_BYTES_MAX);
    int rc = grow(scan);
    rc = rc < 0 ? rc : fb_history_limit_scopes(s, &scanning.scopes);
    for (size_t i = 0; i < c->entity_count && rc == FB_OK; i++) {
        rc = fb_row_scan(s, &c->entities[i], "", INT64_MAX, take_row, &scanning);
    }
    fb_scope_cache_free(scanning.scopes);
    fb_buf_release(&scanning.key);
    return rc;
}

void fb_digest_scan_release(struct fb_digest_scan *scan)
{
    for (size_t i = 0; i < scan->capacity; i++) {
        free(scan->slots[i].key);
    }
    free(scan->slots);
}

int fb_digests_make(struct fb_store *s)
{
    struct fb_digest_scan scan = {0};
    int rc = fb_digest_scan_run(s, &scan);
    rc = rc < 0 ? rc : fb_history_digests_clear(s);
    for (size_t i = 0; rc == FB_OK && i < scan.capacity; i++) {
        int64_t scope = 0;
        if (scan.slots[i].key == NULL) {
            continue;
        }
        rc = fb_history_scope_id(s, scan.slots[i].key, &scope);
        rc = rc < 0 ? rc : fb_history_digest_move(s, 0, NULL, scope, &scan.slots[i].digest);
    }
    fb_digest_scan_release(&scan);
    return rc;
}
