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

static int read_changes(const struct fb_sql *q, int at, struct fb_arena *arena, fb_json_each *f,
                        void *ctx)
{
    struct fb_value changes = fb_sql_value(q, at);
    return changes.type == FB_TEXT ? fb_json_read(changes.bytes, changes.size, arena, f, ctx)
                                   : FB_OK;
}

int fb_history_old_values(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                          int64_t at_rev, fb_old_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    uint8_t id[FB_ROW_ID_BYTES];
    int rc =
        bind_row(s,
                 "SELECT op, changes FROM fb_log WHERE row_id = ?1 AND entity = ?2 AND seq >= "
                 "(SELECT first_seq FROM fb_rev WHERE rev > ?3 ORDER BY rev LIMIT 1) ORDER BY seq",
                 e, row_id, id, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 3, at_rev);
    struct old_values o = {.entity = e, .f = f, .ctx = ctx};
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        int64_t op = fb_sql_int(q, 0);
        if (op == FB_LOG_OP_INSERT || op == FB_LOG_OP_RESTORE) {
            return FB_OK; /* it was not there before: nothing older can be known */
        }
        rc = op == FB_LOG_OP_UPDATE || op == FB_LOG_OP_DELETE
                 ? read_changes(q, 1, &arena, take_old, &o)
                 : FB_OK;
        fb_arena_clear(&arena);
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc;
}

struct mention {
    const struct fb_entity *entity;
    const struct fb_field *field;
    bool is_found;
    int64_t edited_at_ms; /* of the field alone; 0: as the entry */
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
static int names_field(const struct fb_sql *q, struct mention *mention)
{
    int64_t op = fb_sql_int(q, 0);
    if (op == FB_LOG_OP_INSERT || op == FB_LOG_OP_RESTORE) {
        mention->is_found = true;
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    return op == FB_LOG_OP_UPDATE ? read_changes(q, 1, &arena, look_for_field, mention) : FB_OK;
}

static void copy_id(char ret[static FB_ROW_ID_SIZE], const char *id)
{
    size_t size = id == NULL ? 0 : strnlen(id, FB_ROW_ID_SIZE - 1);
    memcpy(ret, id == NULL ? "" : id, size);
    ret[size] = '\0';
}

static int read_author(struct fb_store *s, int64_t seq, int64_t edited_at_ms, struct fb_author *ret)
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
        ret->edited_at_ms = edited_at_ms != 0 ? edited_at_ms : h->at_ms;
        copy_id(ret->employee_id, h->has_employee ? h->employee_id : NULL);
        copy_id(ret->device_id, h->has_device ? h->device_id : NULL);
        return FB_OK;
    }
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    ret->rev = fb_sql_int(q, 0);
    ret->edited_at_ms = edited_at_ms != 0 ? edited_at_ms : fb_sql_int(q, 1);
    copy_id(ret->employee_id, fb_sql_text(q, 2));
    copy_id(ret->device_id, fb_sql_text(q, 3));
    return FB_OK;
}

int fb_history_author(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                      const struct fb_field *field, struct fb_author *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    int rc =
        bind_row(s,
                 "SELECT op, changes, seq, at_ms FROM fb_log WHERE row_id = ?1 AND entity = ?2 "
                 "ORDER BY seq DESC",
                 e, row_id, id, &q);
    if (rc < 0) {
        return rc;
    }
    struct mention mention = {.entity = e, .field = field};
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = names_field(q, &mention);
        if (rc == FB_OK && mention.is_found) {
            int64_t edited_at_ms =
                mention.edited_at_ms != 0 ? mention.edited_at_ms : fb_sql_int(q, 3);
            return read_author(s, fb_sql_int(q, 2), edited_at_ms, ret);
        }
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc < 0 ? rc : FB_ERR_NOT_FOUND;
}

int fb_history_row_rev(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                       int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    struct fb_author author;
    int rc =
        bind_row(s,
                 "SELECT seq FROM fb_log WHERE row_id = ?1 AND entity = ?2 AND op IN (1, 2, 3, 4) "
                 "ORDER BY seq DESC LIMIT 1",
                 e, row_id, id, &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    rc = read_author(s, fb_sql_int(q, 0), 0, &author);
    *ret = rc < 0 ? *ret : author.rev;
    return rc;
}
