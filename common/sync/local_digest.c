/* SPDX-License-Identifier: MIT
 *
 * Digests by a scan of the tables, against those headquarters keeps up row by row (rule 21); which
 * scopes differ, and their repair.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

bool fb_entity_is_synced(const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_SERVER_ONLY && e->scope != FB_SCOPE_DEVICE_ONLY;
}

static int scan_all(struct fb_store *s, fb_row_each *f, void *ctx)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    int rc = FB_OK;
    for (size_t i = 0; c != NULL && rc == FB_OK && i < c->entity_count; i++) {
        if (fb_entity_is_synced(&c->entities[i])) {
            rc = fb_row_scan(s, &c->entities[i], "", INT64_MAX, f, ctx);
        }
    }
    return rc;
}

static int add_row(void *ctx, const struct fb_row *row)
{
    struct fb_digest d;
    int rc = fb_row_digest(row, &d);
    if (rc == FB_OK) {
        fb_digest_add(ctx, &d);
    }
    return rc;
}

int fb_replica_digest(struct fb_store *s, struct fb_digest *ret)
{
    struct fb_digest sum = {0};
    int rc = scan_all(s, add_row, &sum);
    if (rc == FB_OK) {
        *ret = sum;
    }
    return rc;
}

/* ---- By scope ---- */

struct scope_sum {
    const char *scope; /* in the arena */
    struct fb_digest digest;
    bool is_known; /* headquarters names it */
};

struct scope_sums {
    struct fb_arena arena;
    struct fb_arena message;
    struct fb_keymap map;
    struct scope_sum *list;
    size_t count;
    size_t capacity;
};

static int sum_of(struct scope_sums *sums, const char *scope, struct scope_sum **ret)
{
    struct scope_sum *list = fb_array_grow(sums->list, sums->count, &sums->capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    sums->list = list;
    uint32_t at = 0;
    bool is_new = false;
    int rc = fb_keymap_add(&sums->map, fb_key_of_text(scope), (uint32_t)sums->count, &at, &is_new);
    if (rc < 0) {
        return rc;
    }
    if (is_new) {
        char *copy = fb_arena_strdup(&sums->arena, scope);
        if (copy == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        list[sums->count++] = (struct scope_sum){.scope = copy};
    }
    *ret = &list[at];
    return FB_OK;
}

static int add_to_scope(void *ctx, const char *scope, const struct fb_row *row)
{
    struct scope_sum *sum;
    int rc = sum_of(ctx, scope, &sum);
    return rc == FB_OK ? add_row(&sum->digest, row) : rc;
}

struct scoping {
    struct fb_store *store;
    struct fb_scope_cache *cache;
    struct fb_scope_list held;
    struct fb_buf key;
    struct fb_buf part;
    fb_scoped_row *f;
    void *ctx;
};

static int scope_row(void *ctx, const struct fb_row *row)
{
    struct scoping *s = ctx;
    fb_buf_clear(&s->key);
    fb_buf_clear(&s->part);
    int rc = fb_scope_of_row_seen(&FB_LAPTOP_VIEW, s->cache, s->store, row, &s->key);
    if (rc == FB_OK) {
        fb_scope_set_held_part(fb_buf_text(&s->key), &s->held, &s->part);
        rc = s->f(s->ctx, fb_buf_text(&s->part), row);
    }
    return rc;
}

int fb_replica_each_scoped_row(struct fb_store *store, fb_scoped_row *f, void *ctx)
{
    struct scoping s = {.store = store, .f = f, .ctx = ctx};
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    fb_buf_init(&s.key, FB_SCOPE_SET_BYTES_MAX);
    fb_buf_init(&s.part, FB_SCOPE_SET_BYTES_MAX);
    int rc = fb_scopes_held(store, FB_SCOPES_HELD_SQL, &arena, &s.held);
    rc = rc < 0 ? rc : fb_scope_cache_new(&s.cache);
    rc = rc < 0 ? rc : scan_all(store, scope_row, &s);
    fb_scope_cache_free(s.cache);
    fb_buf_release(&s.key);
    fb_buf_release(&s.part);
    return rc;
}

void fb_replica_drop_repair(struct fb_replica_round *r)
{
    for (size_t i = 0; i < r->repair_count; i++) {
        free(r->repair[i]);
    }
    free(r->repair);
    r->repair = NULL;
    r->repair_count = 0;
}

static int want_repair(struct fb_replica_round *r, const char *scope)
{
    if (r->repair_count == FB_REPAIR_SCOPES_MAX) {
        return FB_OK; /* the next digest names the rest */
    }
    if (r->repair == NULL) {
        r->repair = calloc(FB_REPAIR_SCOPES_MAX, sizeof *r->repair);
    }
    char *copy = r->repair == NULL ? NULL : strdup(scope);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->repair[r->repair_count++] = copy;
    return FB_OK;
}

static int match_scopes(struct scope_sums *sums, const struct fb_scope_digests *theirs,
                        fb_scope_compared *f, void *ctx)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < theirs->count; i++) {
        struct scope_sum *sum;
        rc = sum_of(sums, theirs->list[i].scope, &sum);
        if (rc == FB_OK) {
            sum->is_known = true;
            rc = f(ctx, sum->scope, fb_digest_equal(&sum->digest, &theirs->list[i].digest));
        }
    }
    return rc;
}

/* The list of headquarters, in one message or more. */
static int match_messages(struct fb_replica_round *r, int64_t rev, struct scope_sums *sums,
                          fb_scope_compared *f, void *ctx)
{
    const struct fb_buf *in = &r->scope_digests;
    int rc = FB_OK;
    for (size_t at = 0, size = 0; rc == FB_OK && at < in->size; at += size) {
        struct fb_message m;
        rc = fb_frame_find(in->bytes + at, in->size - at, FB_FRAME_BYTES_MAX, &size, &r->why);
        rc = rc < 0 ? rc
                    : fb_message_decode(in->bytes + at, size, fb_store_catalogue(r->store),
                                        &sums->message, &m, &r->why);
        if (rc == FB_OK && m.scope_digests.rev != rev) {
            rc = fb_replica_fail(r, FB_ERR_PROTOCOL,
                                 "headquarters gave digests of another state than its cut");
        }
        rc = rc < 0 ? rc : match_scopes(sums, &m.scope_digests, f, ctx);
        fb_arena_clear(&sums->message);
    }
    return rc;
}

/* Rows here that headquarters has nowhere differ too. */
static int match_unknown(const struct scope_sums *sums, fb_scope_compared *f, void *ctx)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sums->count; i++) {
        rc = sums->list[i].is_known ? FB_OK : f(ctx, sums->list[i].scope, false);
    }
    return rc;
}

int fb_replica_each_scope(struct fb_replica_round *r, int64_t rev, fb_scope_compared *f, void *ctx)
{
    struct scope_sums sums = {0};
    fb_arena_init(&sums.arena, 0);
    fb_arena_init(&sums.message, 0);
    int rc = fb_replica_each_scoped_row(r->store, add_to_scope, &sums);
    rc = rc < 0 ? rc : match_messages(r, rev, &sums, f, ctx);
    rc = rc < 0 ? rc : match_unknown(&sums, f, ctx);
    fb_arena_release(&sums.arena);
    fb_arena_release(&sums.message);
    fb_keymap_release(&sums.map);
    free(sums.list);
    return rc;
}

static int repair_unequal(void *ctx, const char *scope, bool is_equal)
{
    return is_equal ? FB_OK : want_repair(ctx, scope);
}

static int compare_scopes(struct fb_replica_round *r, int64_t rev)
{
    fb_replica_drop_repair(r);
    r->are_scope_digests_wanted = false;
    r->is_pull_wanted = true;
    return fb_replica_each_scope(r, rev, repair_unequal, r);
}

/* ---- After a cut ---- */

static int compare_total(struct fb_replica_round *r, const struct fb_cut *cut)
{
    struct fb_digest mine;
    int rc = fb_replica_digest(r->store, &mine);
    if (rc < 0) {
        return rc;
    }
    r->status.digest_checks++;
    if (fb_digest_equal(&mine, &cut->digest) || FB_BUG(DIGEST_NEVER_COMPARED)) {
        r->is_digest_wanted = false;
        r->repairs = 0;
        return FB_OK;
    }
    r->status.digest_differences++;
    r->are_scope_digests_wanted = true;
    r->is_pull_wanted = true;
    return FB_OK;
}

/* Repairs that do not help end in a full cut; should even that not help, people are told instead of
 * trying for ever. */
static int give_up_repair(struct fb_replica_round *r)
{
    r->are_scope_digests_wanted = false;
    if (r->repairs > FB_REPAIRS_MAX) {
        r->is_digest_wanted = false;
        r->is_pull_wanted = false;
        fb_why_set(&r->why,
                   "this laptop and headquarters differ although everything was fetched anew: "
                   "report it with the output of fieldbook-replica doctor");
        memcpy(r->status.sentence, r->why.text, sizeof r->status.sentence);
        r->why.text[0] = '\0';
        return FB_OK;
    }
    int rc = fb_store_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_set_int(r->store, "resync", FB_RESYNC_ALL);
    if (rc < 0) {
        fb_store_rollback(r->store);
        return rc;
    }
    rc = fb_store_commit(r->store);
    r->is_resync = rc == FB_OK;
    r->resyncs_by_digest = false;
    return rc;
}

static int compare_quiet(struct fb_replica_round *r, const struct fb_cut *cut)
{
    bool has_changes = false;
    int rc = fb_journal_has_changes(r->store, &has_changes);
    if (rc < 0) {
        return rc;
    }
    if (has_changes && !FB_BUG(DIGEST_WHILE_PENDING)) {
        r->is_write_noticed = true; /* push first; the digest stays wanted */
        return FB_OK;
    }
    if (r->scope_digests.size > 0) {
        rc = compare_scopes(r, cut->rev);
        if (rc < 0 || r->repair_count > 0) {
            return rc;
        }
    }
    return cut->has_digest ? compare_total(r, cut) : FB_OK;
}

int fb_replica_compare(struct fb_replica_round *r, const struct fb_cut *cut)
{
    if (!cut->has_digest && r->scope_digests.size == 0) {
        r->is_digest_wanted &= !r->is_digest_asked; /* headquarters has none to give */
        return FB_OK;
    }
    if (fb_replica_has_open(r) && !FB_BUG(DIGEST_WHILE_PENDING)) {
        return FB_OK;
    }
    int rc = fb_store_read_begin(r->store);
    if (rc < 0) {
        return rc;
    }
    rc = compare_quiet(r, cut);
    fb_store_read_end(r->store);
    if (rc == FB_OK && r->are_scope_digests_wanted && ++r->repairs >= FB_REPAIRS_MAX) {
        rc = give_up_repair(r);
    }
    return rc;
}

/* ---- Repair ---- */

struct naming {
    struct fb_buf set;
    struct fb_buf part;
};

static int is_unexplained(struct fb_apply *a, const struct fb_row *row, void *ctx, bool *ret_goes)
{
    struct naming *n = ctx;
    struct fb_replica_round *r = a->round;
    uint32_t value;
    if (fb_keymap_find(&a->came, fb_key_of_row(row->entity->no, row->id), &value)) {
        return FB_OK;
    }
    fb_buf_clear(&n->set);
    fb_buf_clear(&n->part);
    int rc = fb_scope_of_row_seen(&FB_LAPTOP_VIEW, NULL, a->store, row, &n->set);
    fb_scope_set_held_part(fb_buf_text(&n->set), &a->held, &n->part);
    for (size_t i = 0; rc == FB_OK && i < r->repair_count; i++) {
        *ret_goes |= strcmp(fb_buf_text(&n->part), r->repair[i]) == 0;
    }
    const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
    if (rc < 0 || !*ret_goes || p != NULL) {
        return rc;
    }
    struct fb_found f = fb_apply_found(a);
    return fb_found_row(&f, row);
}

int fb_apply_delete_unexplained(struct fb_apply *a)
{
    struct naming n;
    fb_buf_init(&n.set, FB_SCOPE_SET_BYTES_MAX);
    fb_buf_init(&n.part, FB_SCOPE_SET_BYTES_MAX);
    int rc = fb_apply_delete_where(a, is_unexplained, &n);
    fb_buf_release(&n.set);
    fb_buf_release(&n.part);
    return rc;
}
