/* SPDX-License-Identifier: MIT
 *
 * The journal becomes a push (rules 1 and 2): whole, in one transaction, numbered and chained.
 */
#include <string.h>

#include "common/sync/replica_internal.h"

struct fb_sha256 fb_push_chain(const struct fb_sha256 *before, const void *part, size_t size)
{
    return fb_sha256(before->bytes, sizeof before->bytes, part, size);
}

int fb_replica_chain(struct fb_store *s, const struct fb_push *push, struct fb_sha256 *ret)
{
    struct fb_sha256 hash = push->prev_hash;
    int rc = FB_OK;
    for (int64_t part = 0; rc == FB_OK && part < push->parts; part++) {
        const uint8_t *bytes;
        size_t size;
        rc = fb_outbox_part(s, push->number, part, &bytes, &size);
        if (rc == FB_OK) {
            hash = fb_push_chain(&hash, bytes, size);
        }
    }
    *ret = hash;
    return rc;
}

struct freezing {
    struct fb_store *store;
    struct fb_changes_writer *writer;
    struct fb_changes_writer *netted_writer; /* of parts that are not sent */
    int64_t netted_parts;
    struct fb_push push;
    const struct fb_entity *only_entity; /* planted bugs: NULL takes every row */
    const char *only_id;
    bool takes_one; /* planted bug: the first row only */
    char one_id[FB_ROW_ID_SIZE];
    uint32_t one_entity;
};

static int add_part(struct freezing *f, const uint8_t *part, size_t size)
{
    if (size == 0) {
        return FB_OK;
    }
    if (f->push.parts >= FB_PUSH_PARTS_MAX) {
        return FB_ERR_LIMIT;
    }
    f->push.hash = fb_push_chain(&f->push.hash, part, size);
    return fb_outbox_add_part(f->store, f->push.number, f->push.parts++, part, size);
}

static bool is_wanted(struct freezing *f, const struct fb_change *change)
{
    if (f->only_entity != NULL) {
        return change->entity_no == f->only_entity->no && strcmp(change->row_id, f->only_id) == 0;
    }
    if (f->takes_one) {
        if (f->push.changes > 0) {
            return false;
        }
        memcpy(f->one_id, change->row_id, sizeof f->one_id);
        f->one_entity = change->entity_no;
    }
    return true;
}

static int write_change(struct freezing *f, const struct fb_change *change)
{
    const uint8_t *part = NULL;
    size_t size = 0;
    int rc = fb_changes_writer_add(f->writer, change, &part, &size);
    if (rc < 0) {
        return rc;
    }
    f->push.changes++;
    return add_part(f, part, size);
}

static int write_fitted(struct freezing *f, const struct fb_change *change)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    int64_t count = 0;
    struct fb_found found = {.store = f->store, .now_ms = f->push.made_at_ms, .count = &count};
    struct fb_change fit;
    int rc = fb_change_make_fit(&found, change, &arena, &fit);
    return rc < 0 ? rc : write_change(f, &fit);
}

static int add_netted_part(struct freezing *f, const uint8_t *part, size_t size)
{
    return size == 0 ? FB_OK
                     : fb_outbox_add_part(f->store, f->push.number,
                                          FB_OUTBOX_NETTED_PART - f->netted_parts++, part, size);
}

/* What was edited and is as it was, as a change that stays here: until the push is answered it is its user's (rule 6). */
static int note_netted(struct freezing *f, const struct fb_change *change)
{
    bool is_named = change->op == FB_CHANGE_NAMED && change->netted_count == 0;
    if ((change->netted_count == 0 && !is_named) || FB_BUG(NETTED_FIELDS_OVERWRITTEN)) {
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_change netted = *change;
    netted.op = is_named ? FB_CHANGE_NAMED : FB_CHANGE_UPDATE;
    netted.field_count = change->netted_count;
    netted.fields = fb_arena_alloc(&arena, (netted.field_count + 1) * sizeof *netted.fields);
    if (netted.fields == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < netted.field_count; i++) {
        netted.fields[i] = (struct fb_field_change){.field_no = change->netted[i],
                                                    .base = FB_VALUE_NULL,
                                                    .mine = FB_VALUE_NULL,
                                                    .edited_at_ms = change->edited_at_ms,
                                                    .cursor = change->cursor};
    }
    const uint8_t *part = NULL;
    size_t size = 0;
    int rc = f->netted_writer == NULL ? fb_changes_writer_new(&f->netted_writer) : FB_OK;
    rc = rc < 0 ? rc : fb_changes_writer_add(f->netted_writer, &netted, &part, &size);
    return rc < 0 ? rc : add_netted_part(f, part, size);
}

static int end_netted(struct freezing *f)
{
    const uint8_t *part = NULL;
    size_t size = 0;
    if (f->netted_writer == NULL) {
        return FB_OK;
    }
    int rc = fb_changes_writer_finish(f->netted_writer, &part, &size);
    return rc < 0 ? rc : add_netted_part(f, part, size);
}

static int add_change(void *ctx, const struct fb_change *change)
{
    struct freezing *f = ctx;
    if (!is_wanted(f, change)) {
        return FB_OK;
    }
    int rc = note_netted(f, change);
    if (rc < 0) {
        return rc;
    }
    return fb_change_fits(change) ? write_change(f, change) : write_fitted(f, change);
}

/* What the push carries besides its changes. */
static int begin_push(struct freezing *f, int64_t now_ms)
{
    struct fb_push last;
    int rc = fb_outbox_last(f->store, &last);
    if (rc < 0) {
        return rc;
    }
    f->push = (struct fb_push){.number = last.number + 1, .made_at_ms = now_ms};
    if (last.number > 0) {
        f->push.prev_hash = last.hash;
    }
    f->push.hash = f->push.prev_hash;
    rc = fb_replica_meta_int(f->store, "incarnation", 0, &f->push.incarnation);
    if (rc < 0) {
        return rc;
    }
    /* Of the timeline that the cursors are of: during a resync still the one before. */
    rc = fb_store_meta_text(f->store, "cursor_timeline", f->push.timeline, sizeof f->push.timeline);
    if (rc == FB_ERR_NOT_FOUND || (rc == FB_OK && f->push.timeline[0] == '\0')) {
        rc = fb_store_meta_text(f->store, "timeline", f->push.timeline, sizeof f->push.timeline);
    }
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

static int write_changes(struct freezing *f)
{
    int rc = fb_journal_each(f->store, add_change, f);
    if (rc < 0) {
        return rc;
    }
    const uint8_t *part = NULL;
    size_t size = 0;
    rc = fb_changes_writer_finish(f->writer, &part, &size);
    if (rc < 0) {
        return rc;
    }
    rc = add_part(f, part, size);
    rc = rc < 0 ? rc : end_netted(f);
    if (rc < 0 || f->push.parts == 0) {
        return rc;
    }
    return fb_outbox_add(f->store, &f->push);
}

static int clear_one(struct fb_store *s, uint32_t entity_no, const char *id)
{
    struct fb_sql *q;
    int rc =
        fb_sql_begin(s, "DELETE FROM fb_journal WHERE entity = ?1 AND row_id = ?2 AND op <> 0", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, entity_no);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_run(q);
    fb_sql_end(q);
    return rc;
}

static int empty_journal(struct freezing *f)
{
    if (f->only_entity != NULL) {
        return clear_one(f->store, f->only_entity->no, f->only_id);
    }
    if (f->takes_one && f->push.changes > 0) {
        return clear_one(f->store, f->one_entity, f->one_id);
    }
    if (FB_BUG(FREEZE_IN_TWO_TRANSACTIONS)) {
        return FB_OK; /* the round empties it in its next transaction */
    }
    return fb_journal_clear(f->store);
}

static int freeze(struct freezing *f, int64_t now_ms, int64_t *ret_number)
{
    fb_assert(fb_store_in_transaction(f->store));
    bool has_changes = false;
    int rc = fb_journal_has_changes(f->store, &has_changes);
    if (rc < 0) {
        return rc;
    }
    if (!has_changes) {
        *ret_number = 0;
        return FB_OK;
    }
    rc = begin_push(f, now_ms);
    if (rc < 0) {
        return rc;
    }
    rc = fb_changes_writer_new(&f->writer);
    if (rc < 0) {
        return rc;
    }
    rc = write_changes(f);
    fb_changes_writer_free(f->writer);
    fb_changes_writer_free(f->netted_writer);
    if (rc < 0) {
        return rc;
    }
    rc = empty_journal(f);
    if (rc < 0) {
        return rc;
    }
    *ret_number = f->push.parts > 0 ? f->push.number : 0;
    return FB_OK;
}

int fb_replica_freeze(struct fb_store *s, int64_t now_ms, int64_t *ret_number)
{
    struct freezing f = {.store = s, .takes_one = FB_BUG(FREEZE_TAKES_ONE_ROW)};
    return freeze(&f, now_ms, ret_number);
}

int fb_replica_freeze_row(struct fb_store *s, const struct fb_entity *e, const char *id,
                          int64_t now_ms, int64_t *ret_number)
{
    struct freezing f = {.store = s, .only_entity = e, .only_id = id};
    return freeze(&f, now_ms, ret_number);
}

/* ---- Planted bug ---- */

int fb_replica_rebuild_push(struct fb_store *s, int64_t now_ms)
{
    struct fb_push last;
    int64_t number = 0;
    int rc = fb_outbox_last(s, &last);
    if (rc < 0 || last.number == 0 || last.acked_at_ms != 0) {
        return rc;
    }
    rc = fb_replica_freeze(s, now_ms, &number);
    if (rc < 0 || number == 0) {
        return rc;
    }
    rc = fb_sql_exec(
        s, "UPDATE fb_push_part SET number = number - 1, part = part + (SELECT parts FROM fb_push"
           " WHERE number = (SELECT max(number) FROM fb_push) - 1)"
           " WHERE number = (SELECT max(number) FROM fb_push)");
    if (rc == FB_OK) {
        rc = fb_sql_exec(s, "UPDATE fb_push SET parts = parts + (SELECT parts FROM fb_push ORDER "
                            "BY number DESC LIMIT 1)"
                            " WHERE number = (SELECT max(number) FROM fb_push) - 1");
    }
    return rc < 0 ? rc
                  : fb_sql_exec(
                        s, "DELETE FROM fb_push WHERE number = (SELECT max(number) FROM fb_push)");
}
