/* SPDX-License-Identifier: MIT */
#include "server/verify.h"

#include "common/store/history.h"
#include "common/store/journal.h"
#include "common/sync/sync.h"
#include "server/internal.h"

struct comparing {
    struct fb_digest_scan scan;
    struct fb_verify_result *result;
    fb_verify_differs *f;
    void *ctx;
};

static void note_difference(struct comparing *c, const char *set)
{
    c->result->differing_scopes++;
    if (c->f != NULL) {
        c->f(c->ctx, set);
    }
}

/* Takes each kept digest out of the scanned ones; what is left over then differs too. */
static int compare_kept(void *ctx, const char *scope, const struct fb_digest *kept)
{
    struct comparing *c = ctx;
    struct fb_digest_slot *slot = fb_digest_scan_find(&c->scan, scope);
    static const struct fb_digest EMPTY;
    const struct fb_digest *scanned = slot->key == NULL ? &EMPTY : &slot->digest;
    if (!fb_digest_equal(kept, scanned)) {
        note_difference(c, scope);
    }
    slot->digest = EMPTY;
    return FB_OK;
}

static int scan_tables(struct fb_store *s, struct comparing *c)
{
    int rc = fb_digest_scan_run(s, &c->scan);
    c->result->rows = c->scan.rows;
    rc = rc < 0 ? rc : fb_history_digests(s, compare_kept, c);
    for (size_t i = 0; i < c->scan.capacity && rc == FB_OK; i++) {
        if (c->scan.slots[i].key != NULL && c->scan.slots[i].digest.rows != 0) {
            note_difference(c, c->scan.slots[i].key);
        }
    }
    return rc;
}

int fb_verify(struct fb_store *s, fb_verify_differs *f, void *ctx, struct fb_verify_result *ret)
{
    *ret = (struct fb_verify_result){0};
    struct comparing c = {.result = ret, .f = f, .ctx = ctx};
    int rc = fb_store_read_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_history_head(s, &ret->revs);
    rc = rc < 0 ? rc : fb_history_verify(s, &ret->bad_rev);
    rc = rc < 0 ? rc : scan_tables(s, &c);
    fb_store_read_end(s);
    fb_digest_scan_release(&c.scan);
    return rc;
}

int fb_verify_take_in(struct fb_store *s)
{
    bool has_journal = false;
    int rc = fb_journal_has_changes(s, &has_journal);
    if (rc == FB_OK && has_journal) {
        return FB_ERR_BUSY;
    }
    return rc < 0 ? rc : fb_digests_make(s);
}
