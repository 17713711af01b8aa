/* SPDX-License-Identifier: MIT */
#include "common/store/journal.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"
#include "common/catalogue/ddl.h"
#include "common/store/journal_index.h"
#include "common/store/journal_net.h"
#include "common/store/row_statement.h"

int fb_journal_has_changes(struct fb_store *s, bool *ret)
{
    int64_t has_any = 0;
    int rc = fb_sql_read_int(s, "SELECT EXISTS (SELECT 1 FROM fb_journal WHERE op <> 0)", &has_any);
    if (rc == FB_OK) {
        *ret = has_any != 0;
    }
    return rc;
}

int fb_journal_count(struct fb_store *s, int64_t *ret_rows)
{
    return fb_sql_read_int(s, "SELECT count(*) FROM fb_journal WHERE op <> 0", ret_rows);
}

/* Journal rows in the order they are asked for. Edits of one table stand in the journal as they
 * go out, so the next one is nearly always the statement's next row. */
struct cursor {
    struct fb_sql *q;
    int64_t seq; /* the row it stands on; 0: none */
};

static int seek(struct cursor *c, int64_t seq, int64_t stood_at, struct fb_net_entry *ret)
{
    int rc = FB_SQL_DONE;
    if (c->seq != 0 && c->seq < seq) {
        rc = fb_sql_step(c->q);
    }
    if (rc != FB_SQL_ROW || fb_sql_int(c->q, 0) != seq) {
        rc = rc < 0 ? rc : fb_sql_rewind(c->q);
        if (rc < 0) {
            return rc;
        }
        fb_sql_bind_int(c->q, 1, seq);
        rc = fb_sql_step(c->q);
    }
    if (rc != FB_SQL_ROW || fb_sql_int(c->q, 0) != seq) {
        return rc < 0 ? rc : FB_ERR_DAMAGED;
    }
    c->seq = seq;
    *ret = (struct fb_net_entry){.op = fb_sql_int(c->q, 1),
                                 .field_no = fb_sql_int(c->q, 2),
                                 .old = fb_sql_value(c->q, 3),
                                 .at_ms = fb_sql_int(c->q, 4),
                                 .cursor = stood_at,
                                 .step = fb_sql_value(c->q, 5)};
    return FB_OK;
}

static int add_up(const struct fb_journal_index *index, const struct fb_journal_row *row,
                  struct cursor *cursor, struct fb_net *net)
{
    fb_net_begin(net, row->entity, row->id);
    for (uint32_t at = row->first_ref; at != FB_JOURNAL_NONE; at = index->refs[at].next) {
        struct fb_net_entry entry;
        const struct fb_journal_ref *ref = &index->refs[at];
        int rc = seek(cursor, ref->seq, index->cursors[ref->stood_at], &entry);
        if (rc == FB_OK) {
            rc = fb_net_add(net, &entry);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* The row's statement stays on it while f looks at its values. */
static int give_change(struct fb_store *s, const struct fb_journal_row *row, struct fb_net *net,
                       fb_change_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *now = NULL;
    int rc = fb_row_statement(s, row->entity, FB_ROW_SELECT, &now);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(now, 1, row->id);
    rc = fb_sql_step(now);
    if (rc < 0) {
        return rc;
    }
    struct fb_change change = {.entity_no = row->entity->no, .cursor = row->cursor};
    memcpy(change.row_id, row->id, FB_ROW_ID_SIZE);
    rc = fb_net_finish(net, rc == FB_SQL_ROW ? now : NULL, &change);
    if (rc < 0) {
        return rc;
    }
    if (change.op == FB_CHANGE_NAMED && FB_BUG(NETTED_ROWS_NOT_NAMED)) {
        return FB_OK;
    }
    return f(ctx, &change);
}

static int give_all(struct fb_store *s, const struct fb_journal_index *index, struct fb_net *net,
                    fb_change_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT seq, op, field, old, at_ms, step FROM fb_journal WHERE seq >= ?1 "
                          "ORDER BY seq",
                          &q);
    if (rc < 0) {
        return rc;
    }
    struct cursor cursor = {.q = q};
    for (size_t i = 0; i < index->order_count; i++) {
        const struct fb_journal_row *row = &index->rows[index->order[i]];
        rc = add_up(index, row, &cursor, net);
        if (rc == FB_OK) {
            rc = give_change(s, row, net, f, ctx);
        }
        if (rc != FB_OK) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_journal_each(struct fb_store *s, fb_change_each *f, void *ctx)
{
    struct fb_journal_index index;
    struct fb_net *net = calloc(1, sizeof *net);
    int rc = fb_journal_index_build(s, &index);
    if (rc == FB_OK && net == NULL) {
        rc = FB_ERR_NO_MEMORY;
    }
    if (rc == FB_OK) {
        rc = give_all(s, &index, net, f, ctx);
    }
    if (net != NULL) {
        fb_arena_release(&net->arena);
    }
    free(net);
    fb_journal_index_release(&index);
    return rc;
}

static int add_marker(struct fb_store *s, int64_t cursor)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "INSERT INTO fb_journal (op, entity, row_id, old, at_ms) VALUES (0, 0, '', ?1, 0)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, cursor);
    return fb_sql_run(q);
}

static int empty_journal(struct fb_store *s, int64_t cursor)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "DELETE FROM fb_journal", &q);
    if (rc == FB_OK) {
        rc = fb_sql_run(q);
    }
    return rc < 0 ? rc : add_marker(s, cursor);
}

/* The first journal row says where the rows behind it stand. */
int fb_journal_clear(struct fb_store *s)
{
    int64_t cursor = 0;
    int rc = fb_store_meta_int(s, "cursor", &cursor);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    return empty_journal(s, cursor);
}

int fb_journal_note_cursor(struct fb_store *s, int64_t cursor)
{
    bool has_changes = false;
    int rc = fb_journal_has_changes(s, &has_changes);
    if (rc < 0) {
        return rc;
    }
    return has_changes ? add_marker(s, cursor) : empty_journal(s, cursor);
}
