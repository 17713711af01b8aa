/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/catalogue/ddl.h"
#include "common/store/history_inside.h"
#include "common/store/json.h"

struct old_values {
    const struct fb_entity *entity;
    bool is_known[FB_FIELDS_MAX];
    fb_old_each *f;
    void *ctx;
};

/* The first entry after the rev that names a field holds the value it had: of an update the first
 * of the pair, of a delete the image. */
static int take_old(void *ctx, const struct fb_json_member *m)
{
    struct old_values *o = ctx;
    const struct fb_field *field = fb_json_field(o->entity, m);
    if (field == NULL || o->is_known[field->index]) {
        return FB_OK;
    }
    o->is_known[field->index] = true;
    struct fb_value old = fb_json_value(field, &m->values[0]);
    return o->f(o->ctx, field, &old);
}

static int bind_row(struct fb_store *s, const char *text, const struct fb_entity *e,
                    const char *row_id, uint8_t id[static FB_ROW_ID_BYTES], struct fb_sql **ret)
{
    int rc = fb_sql_begin(s, text, ret);
    if (rc < 0) {
        return rc;
    }
    fb_id_to_bytes(row_id, id);
    fb_sql_bind_bytes(*ret, 1, id, FB_ROW_ID_BYTES);
    fb_sql_bind_int(*ret, 2, e->no);
    return FB_OK;
}

int fb_history_rev_of(struct fb_store *s, int64_t seq, struct fb_seq_rev *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "SELECT rev, at_ms, employee_id, device_id FROM fb_rev WHERE first_seq <= ?1 "
                     "ORDER BY first_seq DESC LIMIT 1",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, seq);
    rc = fb_sql_step(q);
    /* The entry of a rev that is still open: its rev follows the head. */
    const struct fb_history *h = s->history;
    if (rc >= 0 && h != NULL && h->has_rev && seq >= h->first_seq) {
        ret->rev = h->rev;
        ret->at_ms = h->at_ms;
        fb_id_copy(ret->employee_id, h->employee_id);
        fb_id_copy(ret->device_id, h->device_id);
        return FB_OK;
    }
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    ret->rev = fb_sql_int(q, 0);
    ret->at_ms = fb_sql_int(q, 1);
    fb_id_copy(ret->employee_id, fb_sql_text(q, 2));
    fb_id_copy(ret->device_id, fb_sql_text(q, 3));
    return FB_OK;
}

/* Of an entry that was made after the rev; a number above 0: nothing older can be known, for the row was not there before. */
static int take_older(struct old_values *o, int64_t op, const char *changes, size_t size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    if (op == FB_LOG_OP_INSERT || op == FB_LOG_OP_RESTORE) {
        return 1;
    }
    return changes != NULL && (op == FB_LOG_OP_UPDATE || op == FB_LOG_OP_DELETE)
               ? fb_json_read(changes, size, &arena, take_old, o)
               : FB_OK;
}

static int take_packed(void *ctx, const struct fb_packed_entry *entry)
{
    return take_older(ctx, (int64_t)entry->op, entry->changes, entry->changes_size);
}

static int take_live(struct fb_store *s, const char *row_id, int64_t first_seq,
                     struct old_values *o)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    int rc = bind_row(s,
                      "SELECT op, changes FROM fb_log WHERE row_id = ?1 AND entity = ?2"
                      " AND seq >= ?3 ORDER BY seq",
                      o->entity, row_id, id, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 3, first_seq);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value changes = fb_sql_value(q, 1);
        rc = take_older(o, fb_sql_int(q, 0), changes.type == FB_TEXT ? changes.bytes : NULL,
                        changes.size);
        if (rc != FB_OK) {
            break;
        }
    }
    return rc;
}

int fb_history_old_values(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                          int64_t at_rev, fb_old_each *f, void *ctx)
{
    struct old_values o = {.entity = e, .f = f, .ctx = ctx};
    int64_t first = 0;
    int64_t packed = 0;
    int rc = fb_history_seq_after(s, at_rev, &first);
    rc = rc < 0 ? rc : fb_packed_last_seq(s, &packed);
    if (rc == FB_OK && first <= packed) {
        rc = fb_packed_of_row(s, e, row_id, first, packed + 1, false, take_packed, &o);
        first = packed + 1;
    }
    rc = rc != FB_OK ? rc : take_live(s, row_id, first, &o);
    return rc < 0 ? rc : FB_OK;
}

struct mention {
    const struct fb_entity *entity;
    const struct fb_field *field;
    bool is_found;
    int64_t edited_at_ms; /* of the field alone; 0: as the entry */
    int64_t seq;          /* of the entry */
};

static int look_for_field(void *ctx, const struct fb_json_member *m)
{
    struct mention *mention = ctx;
    if (fb_json_field(mention->entity, m) == mention->field) {
        mention->is_found = true;
        mention->edited_at_ms =
            m->count == 3 && m->values[2].type == FB_INT ? m->values[2].integer : 0;
    }
    return FB_OK;
}

/* An insert and a restore write every field. */
static int names_field(struct mention *mention, int64_t op, const char *changes, size_t size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    if (op == FB_LOG_OP_INSERT || op == FB_LOG_OP_RESTORE) {
        mention->is_found = true;
        return FB_OK;
    }
    return op == FB_LOG_OP_UPDATE && changes != NULL
               ? fb_json_read(changes, size, &arena, look_for_field, mention)
               : FB_OK;
}

static int note_mention(struct mention *mention, int64_t seq, int64_t edited_at_ms)
{
    mention->seq = seq;
    mention->edited_at_ms = mention->edited_at_ms != 0 ? mention->edited_at_ms : edited_at_ms;
    return 1;
}

static int look_in_packed(void *ctx, const struct fb_packed_entry *entry)
{
    struct mention *mention = ctx;
    int rc = names_field(mention, (int64_t)entry->op, entry->changes, entry->changes_size);
    return rc < 0 || !mention->is_found ? rc
                                        : note_mention(mention, entry->seq, entry->edited_at_ms);
}

static int look_in_live(struct fb_store *s, const char *row_id, struct mention *mention)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    int rc =
        bind_row(s,
                 "SELECT op, changes, seq, at_ms FROM fb_log WHERE row_id = ?1 AND entity = ?2 "
                 "ORDER BY seq DESC",
                 mention->entity, row_id, id, &q);
    while (rc >= 0 && !mention->is_found && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value changes = fb_sql_value(q, 1);
        rc = names_field(mention, fb_sql_int(q, 0), changes.type == FB_TEXT ? changes.bytes : NULL,
                         changes.size);
        if (rc == FB_OK && mention->is_found) {
            rc = note_mention(mention, fb_sql_int(q, 2), fb_sql_int(q, 3));
        }
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_history_author(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                      const struct fb_field *field, struct fb_author *ret)
{
    struct mention mention = {.entity = e, .field = field};
    struct fb_seq_rev rev;
    int rc = look_in_live(s, row_id, &mention);
    if (rc == FB_OK && !mention.is_found) {
        rc = fb_packed_of_row(s, e, row_id, 0, INT64_MAX, true, look_in_packed, &mention);
    }
    if (rc < 0 || !mention.is_found) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    rc = fb_history_rev_of(s, mention.seq, &rev);
    if (rc == FB_OK) {
        ret->rev = rev.rev;
        ret->edited_at_ms = mention.edited_at_ms != 0 ? mention.edited_at_ms : rev.at_ms;
        memcpy(ret->employee_id, rev.employee_id, sizeof ret->employee_id);
        memcpy(ret->device_id, rev.device_id, sizeof ret->device_id);
    }
    return rc;
}

int fb_history_row_rev(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                       int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    struct fb_seq_rev rev;
    int rc =
        bind_row(s,
                 "SELECT seq FROM fb_log WHERE row_id = ?1 AND entity = ?2 AND op IN (1, 2, 3, 4) "
                 "ORDER BY seq DESC LIMIT 1",
                 e, row_id, id, &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    rc = fb_history_rev_of(s, fb_sql_int(q, 0), &rev);
    *ret = rc < 0 ? *ret : rev.rev;
    return rc;
}
