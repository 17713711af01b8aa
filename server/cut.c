/* SPDX-License-Identifier: MIT
 *
 * Answers to pulls. A cut is read in one read transaction at head H and kept as frames, so that a slow laptop holds no snapshot and
 * blocks nobody; a full cut comes in chunks of FB_CHUNK_ROWS rows, each read at its own rev. The position of a chunk, opaque to the
 * laptop, is text:
 *
 *     <number of the entity>:<id of the last row, or "">:<rows done>:<rows expected>
 *
 * A laptop that slept past the horizon gets the digests of its scopes with the first chunk, and no rows; it then names the scopes that agree, and
 * their rows are left out.
 *
 * An ordinary cut: [SCOPE_DIGESTS] ROWS... REMOVES... CUT, entities in the catalogue's order, so parents before children. A row that
 * the log names after the cursor is sent whole if the device sees it now; else it is removed, if the device had it at its cursor or
 * named it itself in a push (rule 4), or a chunk may have brought it since (the cut that closes the gap of a full cut).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/store/history_pack.h"
#include "server/cut_internal.h"

#define CUT_BYTES_MAX ((size_t)1 << 30)
#define SLICE_BYTES   ((size_t)256 * 1024)
#define SEAL_TRIES    3
#define LOOKS_PER_ROW 4 /* what a row that is sent costs, in rows that are only looked at */

struct fb_cut_state {
    struct fb_buf frames;
    size_t given;
};

/* ---- Frames ---- */

static int send_rows(struct fb_cutting *c)
{
    struct fb_message m = {.kind = FB_MESSAGE_ROWS,
                           .rows = {.entity = c->entity,
                                    .rows = c->rows,
                                    .row_count = c->row_count,
                                    .old = c->old,
                                    .old_count = c->old_count}};
    int rc = c->row_count > 0 ? fb_message_encode(&m, c->out) : FB_OK;
    c->rows_sent += (int64_t)c->row_count;
    c->rows = NULL;
    c->row_count = 0;
    c->row_bytes = 0;
    c->old = NULL;
    c->old_count = c->old_capacity = 0;
    fb_arena_clear(&c->batch);
    return rc;
}

static int make_room(struct fb_cutting *c, const struct fb_entity *e)
{
    bool is_full =
        c->row_count == FB_ROW_BATCH_ROWS_MAX || c->row_bytes >= (size_t)FB_ROW_BATCH_BYTES_AIM;
    int rc = c->row_count > 0 && (c->entity != e || is_full) ? send_rows(c) : FB_OK;
    if (rc == FB_OK && c->rows == NULL) {
        c->rows = fb_arena_alloc(&c->batch, FB_ROW_BATCH_ROWS_MAX * sizeof *c->rows);
        rc = c->rows == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    }
    c->entity = e;
    return rc;
}

/* The row behind the last one is filled: it counts. */
static int take_row(struct fb_cutting *c)
{
    const struct fb_row *row = &c->rows[c->row_count];
    if (!fb_cut_agrees(c, row)) {
        while (c->old_count > 0 && c->old[c->old_count - 1].row == c->row_count) {
            c->old_count--;
        }
        return FB_OK;
    }
    c->row_count++;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        c->row_bytes += 2 + row->values[i].size;
    }
    return fb_cut_references_note(c, row);
}

static int send_removes(struct fb_cutting *c)
{
    struct fb_message m = {.kind = FB_MESSAGE_REMOVES, .removes = c->removes};
    int rc = c->removes.count > 0 ? fb_message_encode(&m, c->out) : FB_OK;
    c->removes_sent += (int64_t)c->removes.count;
    c->removes.count = 0;
    return rc;
}

static int add_remove(struct fb_cutting *c, const struct fb_named *n)
{
    int rc = FB_OK;
    if (c->removes.count == FB_ROW_BATCH_ROWS_MAX ||
        (c->removes.count > 0 && c->removes.entity_no != n->entity->no)) {
        rc = send_removes(c);
    }
    if (c->removes.ids == NULL) {
        c->removes.ids = fb_arena_alloc(&c->arena, FB_ROW_BATCH_ROWS_MAX * sizeof *c->removes.ids);
        rc = c->removes.ids == NULL ? FB_ERR_NO_MEMORY : rc;
    }
    if (rc == FB_OK) {
        c->removes.entity_no = n->entity->no;
        memcpy(c->removes.ids[c->removes.count++], n->id, FB_ROW_ID_SIZE);
    }
    return rc;
}

/* ---- Who sees what ---- */

static bool is_held(const struct fb_cutting *c, const char *set)
{
    return fb_scope_set_is_held(set, c->held);
}

int fb_cut_set_of(struct fb_cutting *c, const struct fb_row *row, const char **ret)
{
    fb_buf_clear(&c->set);
    int rc = fb_scope_of_row_cached(c->hub->reader_scopes, c->s, row, &c->set);
    *ret = fb_buf_text(&c->set);
    return rc;
}

static bool was_held(struct fb_cutting *c, const struct fb_named *n)
{
    const char *set =
        n->was_there && n->scope_before > 0 ? fb_history_scope_key(c->s, n->scope_before) : NULL;
    return set != NULL && fb_scope_set_is_held(set, &c->said);
}

/* Where in the log the device's own pushes after the cursor are. */
static int read_own(struct fb_cutting *c)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(c->s,
                          "SELECT first_seq, device_id IS ?2, lead(first_seq, 1, "
                          "9223372036854775807) OVER (ORDER BY rev)"
                          " FROM fb_rev WHERE rev > ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, c->pull->cursor);
    fb_sql_bind_text(q, 2, c->peer->device_id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        if (fb_sql_int(q, 1) == 0) {
            continue;
        }
        struct fb_seq_range *own =
            fb_arena_grow(&c->arena, c->own, c->own_count, &c->own_capacity, sizeof *own);
        if (own == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        c->own = own;
        own[c->own_count++] =
            (struct fb_seq_range){.first = fb_sql_int(q, 0), .end = fb_sql_int(q, 2)};
    }
    c->has_own = rc >= 0;
    return rc < 0 ? rc : FB_OK;
}

static bool is_own_seq(const struct fb_cutting *c, int64_t seq)
{
    for (size_t i = 0; i < c->own_count; i++) {
        if (seq >= c->own[i].first && seq < c->own[i].end) {
            return true;
        }
    }
    return false;
}

/* What the log says of the row, newest first: where, and to what set of scopes it belonged then. id: room that lives as long as *ret. */
static int begin_entries(struct fb_cutting *c, const struct fb_entity *e, const char *row_id,
                         uint8_t id[static FB_ROW_ID_BYTES], struct fb_sql **ret)
{
    int rc = fb_sql_begin(c->s,
                          "SELECT seq, scope_after FROM fb_log WHERE row_id = ?1 AND entity = ?2 "
                          "ORDER BY seq DESC",
                          ret);
    if (rc == FB_OK) {
        fb_id_to_bytes(row_id, id);
        fb_sql_bind_bytes(*ret, 1, id, FB_ROW_ID_BYTES);
        fb_sql_bind_int(*ret, 2, e->no);
    }
    return rc;
}

/* Did the device's own push after the cursor name the row? */
static int was_named_by_it(struct fb_cutting *c, const struct fb_named *n, bool *ret)
{
    uint8_t id[FB_ROW_ID_BYTES];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = c->has_own ? FB_OK : read_own(c);
    *ret = false;
    if (rc < 0 || c->own_count == 0) {
        return rc;
    }
    rc = begin_entries(c, n->entity, n->id, id, &q);
    if (rc < 0) {
        return rc;
    }
    while (!*ret && (rc = fb_sql_step(q)) == FB_SQL_ROW && fb_sql_int(q, 0) >= c->own[0].first) {
        *ret = is_own_seq(c, fb_sql_int(q, 0));
    }
    return rc < 0 ? rc : FB_OK;
}

/* A full cut may have brought the row with a chunk, at any rev after the cursor at which it was in what the download brings. */
static int may_be_staged(struct fb_cutting *c, const struct fb_named *n, bool *ret)
{
    uint8_t id[FB_ROW_ID_BYTES];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = begin_entries(c, n->entity, n->id, id, &q);
    *ret = false;
    while (rc >= 0 && !*ret && (rc = fb_sql_step(q)) == FB_SQL_ROW &&
           fb_sql_int(q, 0) >= c->gap_seq) {
        int64_t scope = fb_sql_int(q, 1);
        const char *set = scope > 0 ? fb_history_scope_key(c->s, scope) : NULL;
        *ret = set != NULL && fb_scope_set_is_held(set, &c->said);
    }
    return rc < 0 ? rc : FB_OK;
}

/* ---- Rows ---- */

static int add_old(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    struct fb_cutting *c = ctx;
    struct fb_old_value *list =
        fb_arena_grow(&c->batch, c->old, c->old_count, &c->old_capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    c->old = list;
    struct fb_old_value *o = &list[c->old_count];
    o->row = (uint32_t)c->row_count;
    o->field_no = field->no;
    const struct fb_entity *e = c->rows[c->row_count].entity;
    bool is_hidden = fb_rights_field(c->peer->rights, field, e,
                                     fb_rights_is_own(c->peer->rights, &c->rows[c->row_count])) ==
                     FB_FIELD_HIDDEN;
    if (is_hidden && !FB_BUG(HIDDEN_OLD_VALUE_SENT)) {
        return FB_OK;
    }
    int rc = fb_value_copy(&c->batch, old, &o->value);
    c->old_count += rc == FB_OK ? 1 : 0;
    return rc;
}

static bool is_same_named(const void *item, const void *key)
{
    const struct fb_named *a = item;
    const struct fb_named *b = key;
    return a->entity == b->entity && strcmp(a->id, b->id) == 0;
}

/* Is the last entry that changed it of this device? For a planted bug only. */
static bool is_last_writer(struct fb_cutting *c, const struct fb_named *n)
{
    bool is_own = false;
    return was_named_by_it(c, n, &is_own) == FB_OK && is_own;
}

static int answer(struct fb_cutting *c, const struct fb_named *n, bool *ret_removed)
{
    bool is_found = false;
    bool is_seen = false;
    int rc = make_room(c, n->entity);
    struct fb_row *row = rc < 0 ? NULL : &c->rows[c->row_count];
    rc = rc < 0 ? rc : fb_row_read(c->s, n->entity, n->id, &c->batch, row, &is_found);
    if (rc == FB_OK && is_found) {
        const char *set = NULL;
        rc = fb_cut_set_of(c, row, &set);
        is_seen = rc == FB_OK && (is_held(c, set) || FB_BUG(ROWS_OUTSIDE_SENT)) &&
                  fb_cut_shows(c, n->entity);
    }
    *ret_removed = false;
    if (rc < 0 || (FB_BUG(CUT_SKIPS_PUSHED_ROWS) && !n->has_changed) ||
        (FB_BUG(CUT_SKIPS_OWN_ROWS) && is_last_writer(c, n))) {
        return rc;
    }
    if (is_seen) {
        if (n->has_changed && was_held(c, n) && !fb_cut_was_hidden(c, n->entity)) {
            rc = fb_history_old_values(c->s, n->entity, n->id, c->pull->cursor, add_old, c);
        }
        fb_cut_blank(c, row);
        return rc < 0 ? rc : take_row(c);
    }
    *ret_removed = was_held(c, n) && !fb_cut_was_hidden(c, n->entity);
    rc = *ret_removed ? FB_OK : was_named_by_it(c, n, ret_removed);
    bool may_stand = c->pull->closes_gap && fb_cut_shows(c, n->entity);
    if (rc == FB_OK && !*ret_removed && may_stand && !FB_BUG(GAP_REMOVES_OLD_ROWS_ONLY)) {
        rc = may_be_staged(c, n, ret_removed);
    }
    bool is_old = *ret_removed && is_found && fb_scope_is_old(row, c->history_from_ms);
    return rc < 0 || !is_old ? rc : fb_cut_references_note_itself(c, row);
}

static int note_named(void *ctx, const struct fb_touched *t)
{
    struct fb_cutting *c = ctx;
    struct fb_named *list =
        fb_arena_grow(&c->arena, c->named, c->named_count, &c->named_capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    c->named = list;
    struct fb_named *n = &list[c->named_count++];
    *n = (struct fb_named){.entity = t->entity,
                           .has_changed = t->has_changed,
                           .was_there = t->was_there,
                           .scope_before = t->scope_before};
    memcpy(n->id, t->row_id, FB_ROW_ID_SIZE);
    return FB_OK;
}

/* Adds the row to the batch; with what it held at the fork, for a laptop that lost a timeline. */
static int copy_row(struct fb_cutting *c, const struct fb_row *row)
{
    if (!fb_cut_shows(c, row->entity)) {
        return FB_OK;
    }
    int rc = make_room(c, row->entity);
    rc = rc < 0 ? rc : fb_row_copy(&c->batch, row, &c->rows[c->row_count]);
    if (rc == FB_OK && c->pull->found_since > 0) {
        rc = fb_history_old_values(c->s, row->entity, row->id, c->pull->found_since, add_old, c);
    }
    if (rc < 0) {
        return rc;
    }
    fb_cut_blank(c, &c->rows[c->row_count]);
    return take_row(c);
}

bool fb_cut_is_named(struct fb_cutting *c, const struct fb_entity *e, const char *id)
{
    struct fb_named key = {.entity = e};
    memcpy(key.id, id, FB_ROW_ID_SIZE);
    return fb_row_map_find(&c->done, fb_row_hash(e->no, id), is_same_named, &key) != NULL;
}

/* A row of a scope that is sent whole because its digest differs (rule 24). */
static int repair_row(void *ctx, const struct fb_row *row)
{
    struct fb_cutting *c = ctx;
    if (fb_cut_is_named(c, row->entity, row->id)) {
        return FB_OK;
    }
    const char *set = NULL;
    int rc = fb_cut_set_of(c, row, &set);
    bool is_wanted = false;
    FB_AUTO(fb_buf_release) struct fb_buf part;
    fb_buf_init(&part, FB_FRAME_BYTES_MAX);
    if (rc == FB_OK && is_held(c, set)) {
        fb_scope_set_held_part(set, c->held, &part);
    }
    for (size_t i = 0; rc == FB_OK && part.size > 0 && !is_wanted && i < c->pull->repair_count;
         i++) {
        is_wanted = strcmp(fb_buf_text(&part), c->pull->repair[i]) == 0;
    }
    if (rc < 0 || !is_wanted) {
        return rc;
    }
    return copy_row(c, row);
}

static int note_done(struct fb_cutting *c)
{
    int rc = FB_OK;
    bool is_needed = c->pull->repair_count > 0 || c->entering.count > 0 || fb_cut_has_opened(c);
    for (size_t i = 0; rc == FB_OK && is_needed && i < c->named_count; i++) {
        rc = fb_row_map_add(&c->done, fb_row_hash(c->named[i].entity->no, c->named[i].id),
                            &c->named[i]);
    }
    return rc;
}

static bool never_travels(const struct fb_entity *e)
{
    return e->scope == FB_SCOPE_SERVER_ONLY || e->scope == FB_SCOPE_DEVICE_ONLY;
}

static int send_entities(struct fb_cutting *c)
{
    struct fb_named *removed =
        c->named; /* the list is filled again from its beginning with those that are removed */
    size_t removed_count = 0;
    size_t at = 0;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->catalogue->entity_count; i++) {
        const struct fb_entity *e = &c->catalogue->entities[i];
        for (; rc == FB_OK && at < c->named_count && c->named[at].entity == e; at++) {
            bool is_removed = false;
            rc = never_travels(e) ? FB_OK : answer(c, &c->named[at], &is_removed);
            if (is_removed) {
                removed[removed_count++] = c->named[at];
            }
        }
        for (; rc == FB_OK && c->entered_at < c->entered_count &&
               c->entered[c->entered_at]->entity == e;
             c->entered_at++) {
            rc = copy_row(c, c->entered[c->entered_at]);
        }
        if (rc == FB_OK && c->pull->repair_count > 0 && !never_travels(e)) {
            rc = fb_row_scan(c->s, e, "", INT64_MAX, repair_row, c);
        }
    }
    fb_assert(rc < 0 || at == c->named_count);
    rc = rc < 0 ? rc : send_rows(c);
    for (size_t i = 0; rc == FB_OK && i < removed_count; i++) {
        rc = add_remove(c, &removed[i]);
    }
    return rc < 0 ? rc : send_removes(c);
}

/* ---- A cut ---- */

static int send_cut(struct fb_cutting *c, const struct fb_cut_digests *digests)
{
    struct fb_message m = {.kind = FB_MESSAGE_CUT,
                           .cut = {.rev = c->head,
                                   .rows = c->rows_sent,
                                   .removes = c->removes_sent,
                                   .scopes = c->held->keys,
                                   .scope_count = c->held->count,
                                   .history_from_ms = c->history_from_ms,
                                   .has_digest = c->pull->wants_digest,
                                   .digest = digests->sum}};
    struct fb_sha256 seen_hash;
    int rc = fb_history_rev_at_ms(c->s, c->head, &m.cut.at_ms);
    rc = rc < 0 ? rc : fb_hub_seen(c->s, c->peer->incarnation, &m.cut.seen, &seen_hash);
    rc = rc < 0 ? rc : fb_history_chain_head(c->s, &m.cut.log_head);
    c->hub->counters.cuts++;
    c->hub->counters.cut_rows += c->rows_sent;
    return rc < 0 ? rc : fb_message_encode(&m, c->out);
}

static int send_evict(struct fb_cutting *c)
{
    size_t first = 0;
    while (first < c->leaving.count && c->leaving.keys[first][0] == '!') {
        first++; /* of the view: nothing leaves with it */
    }
    struct fb_message m = {
        .kind = FB_MESSAGE_EVICT,
        .evict = {.scopes = c->leaving.keys + first, .scope_count = c->leaving.count - first}};
    return c->leaving.count == first ? FB_OK : fb_message_encode(&m, c->out);
}

/* What enters and what leaves, by what the laptop says it holds and what it should hold now. */
static int compare_scopes(struct fb_cutting *c)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->pull->scope_count; i++) {
        rc = fb_scope_list_add(&c->said, &c->arena, c->pull->scopes[i]);
    }
    fb_scope_list_sort(&c->said);
    if (rc == FB_OK && !FB_BUG(ENTERING_NOT_SENT)) {
        rc = fb_scope_list_difference(c->held, &c->said, &c->arena, &c->entering);
    }
    rc = rc < 0 ? rc : fb_scope_list_difference(&c->said, c->held, &c->arena, &c->leaving);
    /* What was hidden in any chunk stays named, so that it comes again should it be shown at the end. */
    for (size_t i = 0; rc == FB_OK && i < c->said.count; i++) {
        const char *key = c->said.keys[i];
        if (key[0] == '!' || fb_scope_list_has(c->held, key)) {
            rc = fb_scope_list_add(&c->staged, &c->arena, key);
        }
    }
    c->is_staged_as_said = c->staged.count == c->said.count;
    for (size_t i = 0; rc == FB_OK && i < c->entering.count && c->entering.keys[i][0] == '!'; i++) {
        c->is_staged_as_said = false;
        rc = fb_scope_list_add(&c->staged, &c->arena, c->entering.keys[i]);
    }
    fb_scope_list_sort(&c->staged);
    return rc;
}

static int make_cut(struct fb_cutting *c)
{
    struct fb_cut_digests digests = {0};
    bool wants_digests = c->pull->wants_digest || c->pull->wants_scope_digests;
    int rc = wants_digests ? fb_cut_digests_sum(c, &digests) : FB_OK;
    if (rc == FB_OK && c->pull->wants_scope_digests) {
        rc = fb_cut_digests_send(c, &digests);
    }
    if (rc == FB_OK && c->pull->closes_gap) {
        rc = fb_history_seq_after(c->s, c->pull->cursor, &c->gap_seq);
    }
    rc = rc < 0 ? rc : fb_cut_find_touched(c, note_named);
    rc = rc < 0 ? rc : note_done(c);
    rc = rc < 0 ? rc : send_evict(c);
    bool brings_whole = c->entering.count > 0 || fb_cut_has_opened(c);
    rc = rc < 0 || !brings_whole ? rc : fb_cut_find_entered(c);
    rc = rc < 0 ? rc : send_entities(c);
    rc = rc < 0 ? rc : fb_cut_references_send(c);
    return rc < 0 ? rc : send_cut(c, &digests);
}

/* ---- A chunk ---- */

struct position {
    uint32_t entity_no; /* 0: from the start */
    char id[FB_ROW_ID_SIZE];
    int64_t done;
    int64_t total;
};

static int read_position(const struct fb_pull *pull, struct position *ret)
{
    char text[128];
    *ret = (struct position){0};
    if (pull->position_size == 0) {
        return FB_OK;
    }
    if (pull->position_size >= sizeof text) {
        return FB_ERR_PROTOCOL;
    }
    memcpy(text, pull->position, pull->position_size);
    text[pull->position_size] = '\0';
    char *end = NULL;
    ret->entity_no = (uint32_t)strtoul(text, &end, 10);
    char *id = *end == ':' ? end + 1 : end;
    size_t id_size = strcspn(id, ":");
    if (id_size >= FB_ROW_ID_SIZE || id[id_size] != ':' ||
        (id_size > 0 && !fb_id_is_valid(id, id_size))) {
        return FB_ERR_PROTOCOL;
    }
    memcpy(ret->id, id, id_size);
    ret->done = strtoll(id + id_size + 1, &end, 10);
    ret->total = *end == ':' ? strtoll(end + 1, NULL, 10) : 0;
    return FB_OK;
}

/* By the names the digests went by: once a scope has left or come, they mean other rows. Digests say nothing of stamps, so what was written
 * since the laptop's cursor is sent, though its values may be what they were: the newest entry of a row is never packed. */
static int is_there_already(struct fb_cutting *c, const struct fb_row *row, const char *set,
                            bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf part;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    fb_buf_init(&part, FB_FRAME_BYTES_MAX);
    *ret = false;
    if (c->same.count == 0 || !c->is_staged_as_said) {
        return FB_OK;
    }
    fb_scope_set_held_part(set, c->held, &part);
    if (!fb_scope_list_has(&c->same, fb_buf_text(&part))) {
        return fb_buf_error(&part);
    }
    int rc = begin_entries(c, row->entity, row->id, id, &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    *ret = rc >= 0 && (rc == FB_SQL_DONE || fb_sql_int(q, 0) < c->cursor_seq);
    return rc < 0 ? rc : FB_OK;
}

static int chunk_row(void *ctx, const struct fb_row *row)
{
    struct fb_cutting *c = ctx;
    const char *set = NULL;
    bool is_there = false;
    memcpy(c->last_id, row->id, FB_ROW_ID_SIZE);
    int rc = fb_cut_set_of(c, row, &set);
    if (rc == FB_OK && is_held(c, set)) {
        rc = is_there_already(c, row, set, &is_there);
    }
    *(is_there ? &c->passed : &c->scanned) += 1;
    if (rc < 0 || !is_held(c, set)) {
        return rc;
    }
    return is_there && fb_cut_shows(c, row->entity) ? fb_cut_references_note(c, row)
                                                    : copy_row(c, row);
}

/* Rows that are there already cost a look each, and nothing else. */
static int64_t chunk_room(const struct fb_cutting *c)
{
    int64_t rows = FB_CHUNK_ROWS > 0 ? FB_CHUNK_ROWS : 1;
    return rows - c->scanned - c->passed / LOOKS_PER_ROW;
}

/* Scans on from the position until the chunk is full; *ret_entity is where it ended, the count if everything is done. */
static int scan_chunk(struct fb_cutting *c, const struct position *from, size_t *ret_entity)
{
    size_t at = 0;
    while (from->entity_no != 0 && at < c->catalogue->entity_count &&
           c->catalogue->entities[at].no != from->entity_no) {
        at++;
    }
    memcpy(c->last_id, from->id, FB_ROW_ID_SIZE);
    for (; at < c->catalogue->entity_count; at++) {
        const struct fb_entity *e = &c->catalogue->entities[at];
        bool is_done = false;
        while (!is_done && chunk_room(c) > 0) {
            int64_t room = chunk_room(c);
            int64_t before = c->scanned + c->passed;
            int rc =
                never_travels(e) ? FB_OK : fb_row_scan(c->s, e, c->last_id, room, chunk_row, c);
            if (rc < 0) {
                return rc;
            }
            is_done = c->scanned + c->passed - before < room;
        }
        if (!is_done) {
            break;
        }
        c->last_id[0] = '\0';
    }
    *ret_entity = at;
    return FB_OK;
}

/* The first chunk says which scopes the download brings; those that follow bring no others, and of these only what is still the
 * device's. One that has left meanwhile is not brought any more, though it may come back before the end, and what a role has begun to
 * hide may be shown again: the chunk says so, and the cut that closes the gap brings it whole. */
static bool pull_goes_on(const struct fb_pull *pull)
{
    return pull->position_size > 0;
}

/* What is in the chunk: digests instead of rows where the laptop wants to compare first. */
static int fill_chunk(struct fb_cutting *c, struct position *from, size_t *ret_entity)
{
    struct fb_cut_digests digests = {0};
    bool compares = c->pull->wants_scope_digests && !pull_goes_on(c->pull);
    int rc = from->total == 0 ? fb_cut_digests_sum(c, &digests) : FB_OK;
    from->total = from->total == 0 ? digests.sum.rows : from->total;
    *ret_entity = 0;
    if (rc == FB_OK && compares) {
        return fb_cut_digests_send(c, &digests);
    }
    for (size_t i = 0; rc == FB_OK && i < c->pull->same_count; i++) {
        rc = fb_scope_list_add(&c->same, &c->arena, c->pull->same[i]);
    }
    fb_scope_list_sort(&c->same);
    rc = rc < 0 || c->same.count == 0 ? rc
                                      : fb_history_seq_after(c->s, c->pull->cursor, &c->cursor_seq);
    if (pull_goes_on(c->pull)) {
        c->held = &c->staged;
    }
    return rc < 0 ? rc : scan_chunk(c, from, ret_entity);
}

static int make_chunk(struct fb_cutting *c)
{
    struct position from;
    size_t entity = 0;
    int rc = read_position(c->pull, &from);
    rc = rc < 0 ? rc : fill_chunk(c, &from, &entity);
    rc = rc < 0 ? rc : send_rows(c);
    rc = rc < 0 ? rc : fb_cut_references_send(c);
    if (rc < 0) {
        return rc;
    }
    bool is_last = entity == c->catalogue->entity_count;
    char position[128] = "";
    int64_t done = from.done + c->rows_sent;
    if (!is_last) {
        snprintf(position, sizeof position, "%u:%s:%lld:%lld",
                 (unsigned)c->catalogue->entities[entity].no, c->last_id, (long long)done,
                 (long long)from.total);
    }
    struct fb_message m = {.kind = FB_MESSAGE_CHUNK,
                           .chunk = {.rev = c->head,
                                     .rows_done = done,
                                     .rows_total = from.total > done ? from.total : done,
                                     .is_last = is_last,
                                     .position = (const uint8_t *)position,
                                     .position_size = strlen(position)}};
    bool has_changed = !c->is_staged_as_said && !FB_BUG(DOWNLOAD_KEEPS_LEFT_SCOPE);
    if (!pull_goes_on(c->pull) || has_changed) {
        m.chunk.scopes = c->held->keys;
        m.chunk.scope_count = c->held->count;
    }
    rc = fb_history_chain_head(c->s, &m.chunk.log_head);
    c->hub->counters.cut_rows += c->rows_sent;
    return rc < 0 ? rc : fb_message_encode(&m, c->out);
}

/* ---- For the session ---- */

/* A snapshot in which every row has its rev: what a tool wrote meanwhile is sealed first. */
static int begin_reading(struct fb_hub *hub, int64_t now_ms)
{
    for (int i = 0; i < SEAL_TRIES; i++) {
        bool has_journal = false;
        int rc = fb_store_read_begin(hub->reader);
        if (rc < 0) {
            return rc;
        }
        rc = fb_journal_has_changes(hub->reader, &has_journal);
        has_journal = has_journal && !FB_BUG(HQ_JOURNAL_NOT_SEALED);
        bool has_met = true;
        rc = rc < 0 ? rc : fb_hub_has_met_catalogue(hub, hub->reader, &has_met);
        if (rc == FB_OK && !has_journal && (has_met || FB_BUG(DIGESTS_OF_OLD_CATALOGUE))) {
            return FB_OK;
        }
        hub->meets_catalogue = !has_met;
        fb_store_read_end(hub->reader);
        rc = rc < 0 ? rc : fb_hub_settle(hub, now_ms);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_ERR_BUSY;
}

/* The log was packed beyond its cursor since it said hello, or the laptop's program knows no horizon. The next welcome names it. */
static int refuse_behind_horizon(struct fb_peer *peer, int64_t cursor)
{
    bool is_told = true;
    int rc = fb_history_tells(peer->hub->reader, cursor, &is_told);
    if (rc < 0 || is_told) {
        return rc;
    }
    fb_server_session_refuse(peer->session, FB_REFUSAL_BUSY,
                             fb_text("Headquarters' log does not reach back so far any more; "
                                     "connect again, and everything is compared."));
    return FB_ERR_REFUSED;
}

static int make(struct fb_peer *peer, const struct fb_pull *pull, int64_t now_ms,
                struct fb_buf *out)
{
    struct fb_hub *hub = peer->hub;
    struct fb_cutting c = {
        .hub = hub, .s = hub->reader, .peer = peer, .pull = pull, .out = out, .now_ms = now_ms};
    c.catalogue = fb_store_catalogue(hub->reader);
    fb_buf_init(&c.set, FB_FRAME_BYTES_MAX);
    fb_scope_cache_clear(hub->reader_scopes);
    int rc = c.catalogue == NULL ? FB_ERR_CONFIG : fb_history_head(hub->reader, &c.head);
    rc = rc < 0 ? rc : fb_history_limit(hub->reader, &c.history_from_ms);
    fb_scope_cache_limit(hub->reader_scopes, c.history_from_ms);
    if (rc == FB_OK && !pull->wants_all &&
        (strcmp(pull->timeline, hub->timeline) != 0 || pull->cursor > c.head)) {
        rc =
            FB_ERR_PROTOCOL; /* of another history: the laptop must say hello again, and fetch everything */
    }
    rc = rc < 0 || pull->wants_all ? rc : refuse_behind_horizon(peer, pull->cursor);
    rc = rc < 0 ? rc : fb_peer_scopes(peer, hub->reader, now_ms);
    c.held = &peer->scopes.list;
    rc = rc < 0 ? rc : compare_scopes(&c);
    rc = rc < 0 ? rc : pull->wants_all ? make_chunk(&c) : make_cut(&c);
    fb_arena_release(&c.arena);
    fb_arena_release(&c.batch);
    fb_buf_release(&c.set);
    free(c.done.slots);
    return rc;
}

int fb_hub_cut_open(struct fb_peer *peer, const struct fb_pull *pull, int64_t now_ms)
{
    struct fb_cut_state *cut = calloc(1, sizeof *cut);
    if (cut == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb_buf_init(&cut->frames, CUT_BYTES_MAX);
    int rc = begin_reading(peer->hub, now_ms);
    if (rc == FB_OK) {
        rc = make(peer, pull, now_ms, &cut->frames);
        fb_store_read_end(peer->hub->reader);
    }
    rc = rc < 0 ? rc : fb_buf_error(&cut->frames);
    if (rc < 0) {
        fb_buf_release(&cut->frames);
        free(cut);
        return rc;
    }
    fb_hub_cut_close(peer);
    peer->cut = cut;
    return FB_OK;
}

int fb_hub_cut_next(struct fb_peer *peer, struct fb_buf *out, bool *ret_is_over)
{
    struct fb_cut_state *cut = peer->cut;
    size_t left = cut->frames.size - cut->given;
    size_t size = left < SLICE_BYTES ? left : SLICE_BYTES;
    fb_buf_append(out, cut->frames.bytes + cut->given, size);
    cut->given += size;
    *ret_is_over = cut->given == cut->frames.size;
    return fb_buf_error(out);
}

/* What a connected laptop needs no more until it pulls again is let go: there may be 10,000. */
void fb_hub_cut_close(struct fb_peer *peer)
{
    fb_arena_release(&peer->arena);
    if (peer->rights != NULL) {
        fb_rights_forget(peer->rights);
    }
    if (peer->cut != NULL) {
        fb_buf_release(&peer->cut->frames);
        free(peer->cut);
        peer->cut = NULL;
    }
}
