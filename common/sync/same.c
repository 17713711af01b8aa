/* SPDX-License-Identifier: MIT
 *
 * A laptop that slept past the horizon of headquarters' log fetches everything, but for the scopes whose digests agree: the first chunk
 * brings headquarters' digests instead of rows. What agrees at that rev is noted, scope by scope and row by row, with the chunk; later pulls
 * name these scopes, and the rows count as come when everything is applied. What changed since that rev the pull that closes the gap
 * brings, as for any chunk. A scope with unsent edits differs, and comes whole: what is pending stays as ever.
 */
#include "common/sync/replica_internal.h"

#define IDS_MAX 4096 /* in one row of fb_stage_same_rows */

bool fb_replica_compares(const struct fb_replica_round *r)
{
    return r->resyncs_by_digest && r->found_since == 0 && !r->is_carried;
}

/* ---- Which agree ---- */

struct noting {
    struct fb_store *store;
    struct fb_keymap same;
    struct fb_sql *add_scope;
    const struct fb_entity *entity;
    struct fb_buf ids;
    int64_t rows;
};

static int note_scope(void *ctx, const char *scope, bool is_equal)
{
    struct noting *n = ctx;
    uint32_t value;
    bool is_new;
    if (!is_equal) {
        return FB_OK;
    }
    int rc = fb_keymap_add(&n->same, fb_key_of_text(scope), 1, &value, &is_new);
    if (rc == FB_OK && is_new) {
        fb_sql_bind_text(n->add_scope, 1, scope);
        rc = fb_sql_run(n->add_scope);
    }
    return rc;
}

static int write_ids(struct noting *n)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    if (n->ids.size == 0) {
        return FB_OK;
    }
    int rc = fb_buf_error(&n->ids);
    rc = rc < 0 ? rc
                : fb_sql_begin(n->store,
                               "INSERT INTO fb_stage_same_rows (entity, ids) VALUES (?1, ?2)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, n->entity->no);
    fb_sql_bind_bytes(q, 2, n->ids.bytes, n->ids.size);
    rc = fb_sql_run(q);
    fb_buf_clear(&n->ids);
    return rc;
}

static int note_row(void *ctx, const char *scope, const struct fb_row *row)
{
    struct noting *n = ctx;
    uint32_t value;
    uint8_t id[FB_ROW_ID_BYTES];
    if (!fb_keymap_find(&n->same, fb_key_of_text(scope), &value)) {
        return FB_OK;
    }
    int rc = n->entity == row->entity && n->ids.size < IDS_MAX * sizeof id ? FB_OK : write_ids(n);
    n->entity = row->entity;
    fb_id_to_bytes(row->id, id);
    fb_buf_append(&n->ids, id, sizeof id);
    n->rows++;
    return rc;
}

int fb_replica_note_same(struct fb_replica_round *r, int64_t rev)
{
    struct noting n = {.store = r->store};
    fb_buf_init(&n.ids, (size_t)(IDS_MAX + 1) * FB_ROW_ID_BYTES);
    int rc =
        fb_sql_begin(r->store, "INSERT INTO fb_stage_same_scope (key) VALUES (?1)", &n.add_scope);
    rc = rc < 0 ? rc : fb_replica_each_scope(r, rev, note_scope, &n);
    rc = rc < 0 || n.same.count == 0 ? rc : fb_replica_each_scoped_row(r->store, note_row, &n);
    rc = rc < 0 ? rc : write_ids(&n);
    rc = rc < 0 ? rc : fb_replica_set_int(r->store, "stage_same_rows", n.rows);
    if (n.add_scope != NULL) {
        fb_sql_end(n.add_scope);
    }
    r->status.scopes_same += rc < 0 ? 0 : (int64_t)n.same.count;
    r->rows_same = rc < 0 ? 0 : n.rows;
    fb_keymap_release(&n.same);
    fb_buf_release(&n.ids);
    return rc;
}

int fb_replica_forget_same(struct fb_store *s)
{
    int rc = fb_sql_exec(s, "DELETE FROM fb_stage_same_scope");
    rc = rc < 0 ? rc : fb_sql_exec(s, "DELETE FROM fb_stage_same_rows");
    return rc < 0 ? rc : fb_replica_set_int(s, "stage_same_rows", 0);
}

/* ---- They count as come ---- */

static int came(struct fb_apply *a, const struct fb_entity *e, const struct fb_value *ids)
{
    int rc = FB_OK;
    for (size_t at = 0; rc == FB_OK && at + FB_ROW_ID_BYTES <= ids->size; at += FB_ROW_ID_BYTES) {
        char id[FB_ROW_ID_SIZE];
        uint32_t value;
        bool is_new;
        fb_id_from_bytes((const uint8_t *)ids->bytes + at, id);
        rc = fb_keymap_add(&a->came, fb_key_of_row(e->no, id), 1, &value, &is_new);
    }
    return rc;
}

int fb_apply_same(struct fb_apply *a)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->store, "SELECT entity, ids FROM fb_stage_same_rows ORDER BY seq", &q);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(a->catalogue, (uint32_t)fb_sql_int(q, 0));
        struct fb_value ids = fb_sql_value(q, 1);
        rc = e == NULL || FB_BUG(SAME_SCOPES_FORGOTTEN) ? FB_OK : came(a, e, &ids);
    }
    return rc < 0 ? rc : FB_OK;
}
