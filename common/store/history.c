/* SPDX-License-Identifier: MIT */
#include "common/store/history.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/history_inside.h"

#define SCOPE_KEY_BYTES_MAX ((size_t)64 * 1024)

int fb_history_of(struct fb_store *s, struct fb_history **ret)
{
    if (s->history == NULL) {
        s->history = calloc(1, sizeof *s->history);
        if (s->history == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        fb_buf_init(&s->history->key, SCOPE_KEY_BYTES_MAX);
    }
    *ret = s->history;
    return FB_OK;
}

void fb_history_free(struct fb_store *store)
{
    struct fb_history *h = store->history;
    if (h == NULL) {
        return;
    }
    fb_history_scopes_forget(h);
    fb_buf_release(&h->key);
    fb_buf_release(&h->chain.bytes);
    fb_buf_release(&h->unpacked.bytes);
    free(h->deltas);
    free(h->moves);
    free(h);
    store->history = NULL;
}

/* A rev that was begun and not ended would be lost: the caller's bug. */
int fb_history_before_commit(struct fb_store *store)
{
    fb_assert(store->history == NULL || !store->history->has_rev);
    return FB_OK;
}

/* Ids of scopes may have gone with the transaction. */
void fb_history_rolled_back(struct fb_store *store)
{
    struct fb_history *h = store->history;
    if (h == NULL) {
        return;
    }
    h->has_rev = false;
    fb_history_scopes_forget(h);
    fb_deltas_clear(h);
    fb_buf_clear(&h->chain.bytes);
}

int fb_history_savepoint(struct fb_store *store)
{
    struct fb_history *h = store->history;
    if (store->depth > FB_SAVEPOINTS_MAX) {
        return FB_ERR_LIMIT;
    }
    if (h == NULL) {
        return FB_OK;
    }
    if (store->depth == 1) {
        h->move_count = 0;
    }
    h->marks[store->depth] = (struct fb_history_mark){
        .has_rev = h->has_rev, .chain_size = h->chain.bytes.size, .move_count = h->move_count};
    return FB_OK;
}

void fb_history_savepoint_undone(struct fb_store *store, int depth)
{
    struct fb_history *h = store->history;
    if (h == NULL) {
        return;
    }
    const struct fb_history_mark *mark = &h->marks[depth];
    fb_history_scopes_forget(h);
    if (!h->has_rev) {
        return;
    }
    if (!mark->has_rev) {
        h->has_rev = false;
        fb_deltas_clear(h);
        return;
    }
    fb_deltas_undo(h, mark->move_count);
    fb_chain_cut(&h->chain, mark->chain_size);
}

int fb_history_head(struct fb_store *s, int64_t *ret_rev)
{
    return fb_sql_read_int(s, "SELECT coalesce(max(rev), 0) FROM fb_rev", ret_rev);
}

int fb_history_rev_at_ms(struct fb_store *s, int64_t rev, int64_t *ret_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT at_ms FROM fb_rev WHERE rev <= ?1 ORDER BY rev DESC LIMIT 1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, rev);
    rc = fb_sql_step(q);
    if (rc >= 0) {
        *ret_ms = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_history_begin(struct fb_store *s, struct fb_rev *rev)
{
    fb_assert(s->is_in_transaction);
    struct fb_history *h = NULL;
    int64_t head = 0;
    int64_t last_seq = 0;
    struct fb_sha256 before;
    int rc = fb_history_of(s, &h);
    if (rc == FB_OK) {
        fb_assert(!h->has_rev);
        rc = fb_history_head(s, &head);
    }
    if (rc == FB_OK) {
        rc = fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_log", &last_seq);
    }
    if (rc == FB_OK) {
        rc = fb_history_chain_head(s, &before);
    }
    if (rc < 0) {
        return rc;
    }
    rev->rev = head + 1;
    h->has_rev = true;
    h->depth = s->depth;
    h->rev = rev->rev;
    h->at_ms = rev->at_ms;
    h->incarnation = rev->incarnation;
    h->push = rev->push;
    h->has_employee = rev->employee_id != NULL;
    h->has_device = rev->device_id != NULL;
    fb_id_copy(h->employee_id, rev->employee_id);
    fb_id_copy(h->device_id, rev->device_id);
    h->first_seq = last_seq + 1;
    fb_chain_begin(&h->chain, &before);
    fb_chain_add_rev(&h->chain, rev);
    return FB_OK;
}

static void bind_or_null(struct fb_sql *q, int at, int64_t value)
{
    if (value == 0) {
        fb_sql_bind_null(q, at);
    } else {
        fb_sql_bind_int(q, at, value);
    }
}

int fb_history_append(struct fb_store *s, const struct fb_log_entry *entry, int64_t *ret_seq)
{
    struct fb_history *h = s->history;
    fb_assert(h != NULL && h->has_rev);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "INSERT INTO fb_log (op, entity, row_id, scope_before, scope_after, cause, at_ms, changes) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &q);
    if (rc < 0) {
        return rc;
    }
    uint8_t id[FB_ROW_ID_BYTES];
    fb_id_to_bytes(entry->row_id, id);
    fb_sql_bind_int(q, 1, (int64_t)entry->op);
    fb_sql_bind_int(q, 2, entry->entity->no);
    fb_sql_bind_bytes(q, 3, id, sizeof id);
    bind_or_null(q, 4, entry->scope_before);
    bind_or_null(q, 5, entry->scope_after);
    bind_or_null(q, 6, entry->cause);
    bind_or_null(q, 7, entry->edited_at_ms);
    fb_sql_bind_text(q, 8, entry->changes);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return rc;
    }
    fb_chain_add_entry(&h->chain, entry);
    if (s->depth == h->depth) {
        fb_chain_fold(&h->chain);
    }
    if (ret_seq != NULL) {
        *ret_seq = sqlite3_last_insert_rowid(s->db);
    }
    return FB_OK;
}

static int write_rev(struct fb_store *s, struct fb_history *h)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "INSERT INTO fb_rev (rev, at_ms, first_seq, employee_id, device_id, "
                          "incarnation, push, hash) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                          &q);
    struct fb_sha256 hash;
    if (rc == FB_OK) {
        rc = fb_chain_end(&h->chain, &hash);
    }
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, h->rev);
    fb_sql_bind_int(q, 2, h->at_ms);
    fb_sql_bind_int(q, 3, h->first_seq);
    fb_sql_bind_text(q, 4, h->has_employee ? h->employee_id : NULL);
    fb_sql_bind_text(q, 5, h->has_device ? h->device_id : NULL);
    bind_or_null(q, 6, h->incarnation);
    bind_or_null(q, 7, h->push);
    fb_sql_bind_bytes(q, 8, hash.bytes, sizeof hash.bytes);
    return fb_sql_run(q);
}

int fb_history_end(struct fb_store *s)
{
    struct fb_history *h = s->history;
    fb_assert(h != NULL && h->has_rev && h->depth == s->depth);
    int64_t last_seq = 0;
    int rc = fb_sql_read_int(s, "SELECT coalesce(max(seq), 0) FROM fb_log", &last_seq);
    if (rc == FB_OK && last_seq >= h->first_seq) {
        rc = write_rev(s, h);
    }
    if (rc == FB_OK) {
        rc = fb_deltas_write(s, h);
    }
    if (rc == FB_OK) {
        h->has_rev = false;
    }
    return rc;
}
