/* SPDX-License-Identifier: MIT */
#include "server/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/store/history.h"
#include "common/sync/sync.h"
#include "server/internal.h"

#define SCOPE_KEY_BYTES_MAX 65536

/* Digests by scope set, in a hash table that doubles. */
struct slot {
    char *key; /* owned; NULL: free */
    struct fb_digest digest;
};

struct scan {
    struct fb_store *store;
    struct slot *slots;
    size_t capacity; /* a power of two */
    size_t count;
    struct fb_buf key;
    struct fb_scope_cache *scopes;
    struct fb_verify_result *result;
};

static struct slot *find_slot(const struct slot *slots, size_t capacity, const char *key)
{
    struct fb_digest hash = fb_digest_of(key, strlen(key));
    size_t at = (size_t)hash.low & (capacity - 1);
    while (slots[at].key != NULL && strcmp(slots[at].key, key) != 0) {
        at = (at + 1) & (capacity - 1);
    }
    return (struct slot *)(uintptr_t)&slots[at];
}

static int grow(struct scan *scan)
{
    size_t capacity = scan->capacity == 0 ? 1024 : scan->capacity * 2;
    struct slot *bigger = calloc(capacity, sizeof *bigger);
    if (bigger == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < scan->capacity; i++) {
        if (scan->slots[i].key != NULL) {
            *find_slot(bigger, capacity, scan->slots[i].key) = scan->slots[i];
        }
    }
    free(scan->slots);
    scan->slots = bigger;
    scan->capacity = capacity;
    return FB_OK;
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct scan *scan = ctx;
    struct fb_digest digest;
    fb_buf_clear(&scan->key);
    int rc = fb_scope_of_row_cached(scan->scopes, scan->store, row, &scan->key);
    rc = rc < 0 ? rc : fb_row_digest(row, &digest);
    if (rc == FB_OK && scan->count * 2 >= scan->capacity) {
        rc = grow(scan);
    }
    if (rc < 0) {
        return rc;
    }
    struct slot *slot = find_slot(scan->slots, scan->capacity, fb_buf_text(&scan->key));
    if (slot->key == NULL) {
        slot->key = strdup(fb_buf_text(&scan->key));
        if (slot->key == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        scan->count++;
    }
    fb_digest_add(&slot->digest, &digest);
    scan->result->rows++;
    return FB_OK;
}

static void note_difference(struct fb_verify_result *result, const char *scope)
{
    if (result->differing_scopes++ == 0) {
        snprintf(result->example, sizeof result->example, "%s", scope);
    }
}

/* Takes each kept digest out of the scanned ones; what is left over then differs too. */
static int compare_kept(void *ctx, const char *scope, const struct fb_digest *kept)
{
    struct scan *scan = ctx;
    struct slot *slot = find_slot(scan->slots, scan->capacity, scope);
    static const struct fb_digest EMPTY;
    const struct fb_digest *scanned = slot->key == NULL ? &EMPTY : &slot->digest;
    if (!fb_digest_equal(kept, scanned)) {
        note_difference(scan->result, scope);
    }
    slot->digest = EMPTY;
    return FB_OK;
}

static int scan_tables(struct scan *scan)
{
    const struct fb_catalogue *c = fb_store_catalogue(scan->store);
    int rc = grow(scan);
    for (size_t i = 0; i < c->entity_count && rc == FB_OK; i++) {
        rc = fb_row_scan(scan->store, &c->entities[i], "", INT64_MAX, take_row, scan);
    }
    rc = rc < 0 ? rc : fb_history_digests(scan->store, compare_kept, scan);
    for (size_t i = 0; i < scan->capacity && rc == FB_OK; i++) {
        if (scan->slots[i].key != NULL && scan->slots[i].digest.rows != 0) {
            note_difference(scan->result, scan->slots[i].key);
        }
    }
    return rc;
}

int fb_verify(struct fb_store *s, struct fb_verify_result *ret)
{
    *ret = (struct fb_verify_result){0};
    struct scan scan = {.store = s, .result = ret};
    fb_buf_init(&scan.key, SCOPE_KEY_BYTES_MAX);
    int rc = fb_store_read_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_history_limit_scopes(s, &scan.scopes);
    rc = rc < 0 ? rc : fb_history_head(s, &ret->revs);
    rc = rc < 0 ? rc : fb_history_verify(s, &ret->bad_rev);
    rc = rc < 0 ? rc : scan_tables(&scan);
    fb_store_read_end(s);
    for (size_t i = 0; i < scan.capacity; i++) {
        free(scan.slots[i].key);
    }
    free(scan.slots);
    fb_scope_cache_free(scan.scopes);
    fb_buf_release(&scan.key);
    return rc;
}
