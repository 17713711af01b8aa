/* SPDX-License-Identifier: MIT
 *
 * A laptop's database that was made of what could be read of a damaged one (common/store/salvage.h): pushes prove themselves by their
 * hashes, everything else is compared with headquarters by a full cut.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

struct looking {
    struct fb_store *store;
    struct fb_push *pushes; /* that wait, oldest first */
    size_t count;
    size_t capacity;
};

static int note(void *ctx, const struct fb_push *push)
{
    struct looking *l = ctx;
    struct fb_push *pushes = fb_array_grow(l->pushes, l->count, &l->capacity, sizeof *pushes);
    if (pushes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->pushes = pushes;
    pushes[l->count++] = *push;
    return FB_OK;
}

static int is_right(struct fb_store *s, const struct fb_push *push, bool *ret)
{
    struct fb_sha256 hash;
    int rc = fb_replica_chain(s, push, &hash);
    *ret = rc == FB_OK && fb_sha256_equal(&hash, &push->hash);
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

static int drop(struct fb_store *s, int64_t number)
{
    static const char *const TEXTS[] = {"DELETE FROM fb_push_part WHERE number = ?1",
                                        "DELETE FROM fb_push WHERE number = ?1"};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < 2; i++) {
        FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
        rc = fb_sql_begin(s, TEXTS[i], &q);
        if (rc == FB_OK) {
            fb_sql_bind_int(q, 1, number);
            rc = fb_sql_run(q);
        }
    }
    return rc;
}

static int look(struct looking *l, struct fb_replica_salvaged *ret, bool *ret_is_chain_whole)
{
    const struct fb_push *before = NULL;
    int rc = fb_outbox_each_pending(l->store, note, l);
    for (size_t i = 0; rc == FB_OK && i < l->count; i++) {
        const struct fb_push *push = &l->pushes[i];
        bool is_kept = false;
        rc = is_right(l->store, push, &is_kept);
        if (rc < 0) {
            break;
        }
        bool follows = before == NULL || fb_sha256_equal(&before->hash, &push->prev_hash);
        *ret_is_chain_whole = *ret_is_chain_whole && is_kept && follows;
        ret->pushes += is_kept;
        ret->changes += is_kept ? push->changes : 0;
        ret->pushes_lost += !is_kept;
        rc = is_kept ? FB_OK : drop(l->store, push->number);
        before = push;
    }
    return rc < 0 ? rc
                  : fb_sql_exec(l->store, "DELETE FROM fb_push_part WHERE number NOT IN (SELECT "
                                          "number FROM fb_push)");
}

static int settle(struct looking *l, bool has_counters, struct fb_replica_salvaged *ret)
{
    bool is_chain_whole = true;
    int rc = look(l, ret, &is_chain_whole);
    /* Headquarters gives a new life: numbers of pushes begin anew, and people's numbers have another prefix. */
    if (rc == FB_OK && (!is_chain_whole || !has_counters)) {
        rc = fb_replica_set_int(l->store, "incarnation", 0);
    }
    return rc < 0 ? rc : fb_replica_set_int(l->store, "resync", FB_RESYNC_ALL);
}

int fb_replica_salvage_outbox(struct fb_store *s, bool has_counters,
                              struct fb_replica_salvaged *ret)
{
    struct looking l = {.store = s};
    *ret = (struct fb_replica_salvaged){.pushes = 0};
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = settle(&l, has_counters, ret);
    free(l.pushes);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}
