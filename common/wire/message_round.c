/* SPDX-License-Identifier: MIT
 *
 * Hello, welcome, catalogue, pull, cut and the small messages around them.
 */
#include "common/wire/wire.h"

#include <string.h>

int fb_pack_hello(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Hello, hello);
    const struct fb_hello *h = &m->hello;
    out->protocol = h->protocol;
    out->incarnation = h->incarnation;
    out->cursor = h->cursor;
    out->catalogue_version = h->catalogue_version;
    out->now_ms = h->now_ms;
    out->last_number = h->last_number;
    out->last_hash = fb_wire_hash(&h->last_hash);
    out->app_version = fb_wire_text(h->app_version);
    out->acked_number = h->acked_number;
    out->log_head = fb_wire_hash(&h->log_head);
    out->unsent = h->unsent;
    out->is_copied = h->is_copied;
    out->stage_rev = h->stage_rev;
    out->stage_head = fb_wire_hash(&h->stage_head);
    out->n_ancestors = h->ancestor_count;
    out->ancestors = fb_arena_alloc(arena, h->ancestor_count * sizeof *out->ancestors + 1);
    int rc = out->ancestors == NULL ? FB_ERR_NO_MEMORY
                                    : fb_wire_id(h->device_id, arena, &out->device_id);
    for (size_t i = 0; rc == FB_OK && i < h->ancestor_count; i++) {
        rc = fb_wire_id(h->ancestors[i], arena, &out->ancestors[i]);
    }
    return rc < 0 ? rc : fb_wire_id(h->timeline, arena, &out->timeline);
}

static int check_hello(const struct fb_unpack *u, const struct fb_hello *h)
{
    int rc = fb_wire_check_counter(u, h->incarnation, "the incarnation");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, h->cursor, "the cursor");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, h->catalogue_version, "the catalogue's version");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, h->acked_number, "the acknowledged push's number");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, h->unsent, "the count of unsent changes");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, h->stage_rev, "the download's rev");
    return rc < 0 ? rc : fb_wire_check_counter(u, h->last_number, "the last push's number");
}

int fb_unpack_hello(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Hello *in = (const Fb__Wire__Hello *)p;
    struct fb_hello *h = &ret->hello;
    *h = (struct fb_hello){.protocol = in->protocol,
                           .incarnation = in->incarnation,
                           .cursor = in->cursor,
                           .catalogue_version = in->catalogue_version,
                           .now_ms = in->now_ms,
                           .last_number = in->last_number,
                           .acked_number = in->acked_number,
                           .ancestor_count = in->n_ancestors,
                           .unsent = in->unsent,
                           .is_copied = in->is_copied,
                           .stage_rev = in->stage_rev};
    int rc = fb_wire_read_id(u, &in->device_id, false, "the device", h->device_id);
    rc = rc < 0 ? rc : fb_wire_read_id(u, &in->timeline, true, "the timeline", h->timeline);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->last_hash, "the last push's hash", &h->last_hash);
    rc = rc < 0 ? rc
                : fb_wire_read_text(u, &in->app_version, FB_MESSAGE_TEXT_BYTES_MAX,
                                    "the program's version", &h->app_version);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->log_head, "the log's head", &h->log_head);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->stage_head, "the log's head", &h->stage_head);
    rc = rc < 0 ? rc
                : fb_wire_read_ids(u, in->ancestors, in->n_ancestors, "timelines", &h->ancestors);
    return rc < 0 ? rc : check_hello(u, h);
}

static int pack_ancestors(const struct fb_welcome *w, struct fb_arena *arena,
                          Fb__Wire__Welcome *out)
{
    out->n_ancestors = out->n_forked_at = w->ancestor_count;
    out->ancestors = fb_arena_alloc(arena, w->ancestor_count * sizeof *out->ancestors + 1);
    out->forked_at = fb_arena_alloc(arena, w->ancestor_count * sizeof *out->forked_at + 1);
    int rc = out->ancestors == NULL || out->forked_at == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < w->ancestor_count; i++) {
        out->forked_at[i] = w->ancestors[i].forked_at;
        rc = fb_wire_id(w->ancestors[i].id, arena, &out->ancestors[i]);
    }
    return rc;
}

static int unpack_ancestors(const Fb__Wire__Welcome *in, const struct fb_unpack *u,
                            struct fb_welcome *w)
{
    char(*ids)[FB_ROW_ID_SIZE] = NULL;
    int rc = fb_wire_read_ids(u, in->ancestors, in->n_ancestors, "timelines", &ids);
    if (rc == FB_OK && in->n_ancestors != in->n_forked_at) {
        rc = fb_fail(u->why, FB_ERR_PROTOCOL, "a welcome names %zu timelines with %zu forks",
                     in->n_ancestors, in->n_forked_at);
    }
    w->ancestors =
        rc < 0 ? NULL : fb_arena_alloc(u->arena, in->n_ancestors * sizeof *w->ancestors + 1);
    if (rc == FB_OK && w->ancestors == NULL) {
        rc = FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; rc == FB_OK && i < in->n_ancestors; i++) {
        memcpy(w->ancestors[i].id, ids[i], FB_ROW_ID_SIZE);
        w->ancestors[i].forked_at = in->forked_at[i];
        rc = fb_wire_check_counter(u, in->forked_at[i], "the rev of a fork");
    }
    w->ancestor_count = rc < 0 ? 0 : in->n_ancestors;
    return rc;
}

int fb_pack_welcome(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Welcome, welcome);
    const struct fb_welcome *w = &m->welcome;
    out->verdict = w->verdict;
    out->incarnation = w->incarnation;
    out->seen = w->seen;
    out->seen_hash = fb_wire_hash(&w->seen_hash);
    out->staged_number = w->staged_number;
    out->staged_parts = w->staged_parts;
    out->now_ms = w->now_ms;
    out->rev = w->rev;
    out->catalogue_version = w->catalogue_version;
    out->retry_after_ms = w->retry_after_ms;
    out->number_prefix = fb_wire_text(w->number_prefix);
    out->must_enrol = w->must_enrol;
    out->protocol = w->protocol;
    out->must_wipe = w->must_wipe;
    out->lease_ms = w->lease_ms;
    out->horizon = w->horizon;
    out->is_cursor_lost = w->is_cursor_lost;
    int rc = pack_ancestors(w, arena, out);
    rc = rc < 0 ? rc : fb_wire_id(w->timeline, arena, &out->timeline);
    return rc < 0 ? rc : fb_wire_id(w->employee_id, arena, &out->employee_id);
}

static int check_welcome(const struct fb_unpack *u, const Fb__Wire__Welcome *in)
{
    if (in->verdict > FB_VERDICT_TOO_OLD) {
        return fb_fail(u->why, FB_ERR_PROTOCOL,
                       "a welcome has a verdict (%u) that this program does not know", in->verdict);
    }
    int rc = fb_wire_check_counter(u, in->incarnation, "the incarnation");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->seen, "the number seen");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->staged_number, "the staged number");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->staged_parts, "the count of staged parts");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->rev, "the rev");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->catalogue_version, "the catalogue's version");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->lease_ms, "the lease");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->horizon, "the horizon");
    return rc < 0 ? rc : fb_wire_check_counter(u, in->retry_after_ms, "the delay");
}

int fb_unpack_welcome(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Welcome *in = (const Fb__Wire__Welcome *)p;
    struct fb_welcome *w = &ret->welcome;
    *w = (struct fb_welcome){.verdict = (enum fb_verdict)in->verdict,
                             .protocol = in->protocol,
                             .incarnation = in->incarnation,
                             .seen = in->seen,
                             .staged_number = in->staged_number,
                             .staged_parts = in->staged_parts,
                             .now_ms = in->now_ms,
                             .rev = in->rev,
                             .catalogue_version = in->catalogue_version,
                             .retry_after_ms = in->retry_after_ms,
                             .must_enrol = in->must_enrol,
                             .must_wipe = in->must_wipe,
                             .lease_ms = in->lease_ms,
                             .horizon = in->horizon,
                             .is_cursor_lost = in->is_cursor_lost};
    int rc = check_welcome(u, in);
    rc = rc < 0 ? rc : unpack_ancestors(in, u, w);
    rc = rc < 0 ? rc : fb_wire_read_id(u, &in->timeline, true, "the timeline", w->timeline);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->seen_hash, "the hash seen", &w->seen_hash);
    rc = rc < 0 ? rc : fb_wire_read_id(u, &in->employee_id, true, "the employee", w->employee_id);
    return rc < 0 ? rc
                  : fb_wire_read_text(u, &in->number_prefix, FB_MESSAGE_TEXT_BYTES_MAX,
                                      "the number prefix", &w->number_prefix);
}

int fb_pack_catalogue(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Catalogue, catalogue);
    out->version = m->catalogue.version;
    out->document = fb_wire_bytes(m->catalogue.document, m->catalogue.document_size);
    return FB_OK;
}

int fb_unpack_catalogue(const ProtobufCMessage *p, const struct fb_unpack *u,
                        struct fb_message *ret)
{
    const Fb__Wire__Catalogue *in = (const Fb__Wire__Catalogue *)p;
    struct fb_catalogue_message *c = &ret->catalogue;
    *c = (struct fb_catalogue_message){.version = in->version, .document_size = in->document.len};
    int rc = fb_wire_check_counter(u, in->version, "the catalogue's version");
    return rc < 0 ? rc
                  : fb_wire_read_text(u, &in->document, FB_CATALOGUE_BYTES_MAX, "the catalogue",
                                      &c->document);
}

int fb_wire_texts(const char **texts, size_t count, struct fb_arena *arena,
                  ProtobufCBinaryData **ret, size_t *ret_count)
{
    ProtobufCBinaryData *list = fb_arena_alloc(arena, count * sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = fb_wire_text(texts[i]);
    }
    *ret = list;
    *ret_count = count;
    return count > FB_SCOPES_MAX ? FB_ERR_LIMIT : FB_OK;
}

int fb_pack_pull(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Pull, pull);
    const struct fb_pull *pull = &m->pull;
    out->cursor = pull->cursor;
    out->wants_all = pull->wants_all;
    out->wants_digest = pull->wants_digest;
    out->wants_scope_digests = pull->wants_scope_digests;
    out->found_since = pull->found_since;
    out->closes_gap = pull->closes_gap;
    out->position = fb_wire_bytes(pull->position, pull->position_size);
    int rc = fb_wire_id(pull->timeline, arena, &out->timeline);
    rc = rc < 0
             ? rc
             : fb_wire_texts(pull->scopes, pull->scope_count, arena, &out->scopes, &out->n_scopes);
    rc = rc < 0
             ? rc
             : fb_wire_texts(pull->repair, pull->repair_count, arena, &out->repair, &out->n_repair);
    return rc < 0 ? rc
                  : fb_wire_texts(pull->same, pull->same_count, arena, &out->same, &out->n_same);
}

static int read_position(const struct fb_unpack *u, const ProtobufCBinaryData *b,
                         const uint8_t **ret, size_t *ret_size)
{
    if (b->len > FB_MESSAGE_LONG_BYTES_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a position of %zu bytes is over the limit",
                       b->len);
    }
    *ret = b->data;
    *ret_size = b->len;
    return FB_OK;
}

int fb_unpack_pull(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Pull *in = (const Fb__Wire__Pull *)p;
    struct fb_pull *pull = &ret->pull;
    *pull = (struct fb_pull){.cursor = in->cursor,
                             .wants_all = in->wants_all,
                             .wants_digest = in->wants_digest,
                             .wants_scope_digests = in->wants_scope_digests,
                             .scope_count = in->n_scopes,
                             .repair_count = in->n_repair,
                             .same_count = in->n_same,
                             .found_since = in->found_since,
                             .closes_gap = in->closes_gap};
    int rc = fb_wire_check_counter(u, in->cursor, "the cursor");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->found_since, "the rev of old values");
    rc = rc < 0 ? rc : fb_wire_read_id(u, &in->timeline, true, "the timeline", pull->timeline);
    rc = rc < 0 ? rc : read_position(u, &in->position, &pull->position, &pull->position_size);
    rc = rc < 0 ? rc
                : fb_wire_read_texts(u, in->scopes, in->n_scopes, FB_SCOPES_MAX, "scope",
                                     &pull->scopes);
    rc = rc < 0 ? rc
                : fb_wire_read_texts(u, in->repair, in->n_repair, FB_SCOPES_MAX, "scope",
                                     &pull->repair);
    return rc < 0
               ? rc
               : fb_wire_read_texts(u, in->same, in->n_same, FB_SCOPES_MAX, "scope", &pull->same);
}

int fb_pack_chunk(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Chunk, chunk);
    out->rev = m->chunk.rev;
    out->rows_done = m->chunk.rows_done;
    out->rows_total = m->chunk.rows_total;
    out->is_last = m->chunk.is_last;
    out->position = fb_wire_bytes(m->chunk.position, m->chunk.position_size);
    out->log_head = fb_wire_hash(&m->chunk.log_head);
    return fb_wire_texts(m->chunk.scopes, m->chunk.scope_count, arena, &out->scopes,
                         &out->n_scopes);
}

int fb_unpack_chunk(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Chunk *in = (const Fb__Wire__Chunk *)p;
    struct fb_chunk *c = &ret->chunk;
    *c = (struct fb_chunk){.rev = in->rev,
                           .rows_done = in->rows_done,
                           .rows_total = in->rows_total,
                           .is_last = in->is_last,
                           .scope_count = in->n_scopes};
    int rc = fb_wire_check_counter(u, in->rev, "the rev");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->rows_done, "the count of rows done");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->rows_total, "the count of rows");
    rc = rc < 0
             ? rc
             : fb_wire_read_texts(u, in->scopes, in->n_scopes, FB_SCOPES_MAX, "scope", &c->scopes);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->log_head, "the log's head", &c->log_head);
    return rc < 0 ? rc : read_position(u, &in->position, &c->position, &c->position_size);
}

static int pack_digest(const struct fb_digest *digest, struct fb_arena *arena,
                       Fb__Wire__Digest **ret_digest)
{
    ProtobufCMessage *message = NULL;
    ProtobufCMessage **ret = &message;
    FB_NEW_MESSAGE(Digest, digest);
    out->low = digest->low;
    out->high = digest->high;
    out->rows = digest->rows;
    *ret_digest = out;
    return FB_OK;
}

static int read_digest(const struct fb_unpack *u, const Fb__Wire__Digest *in, struct fb_digest *ret)
{
    *ret = (struct fb_digest){.low = in->low, .high = in->high, .rows = in->rows};
    return fb_wire_check_counter(u, in->rows, "the count of rows");
}

int fb_pack_cut(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Cut, cut);
    const struct fb_cut *cut = &m->cut;
    out->rev = cut->rev;
    out->at_ms = cut->at_ms;
    out->seen = cut->seen;
    out->rows = cut->rows;
    out->removes = cut->removes;
    out->history_from_ms = cut->history_from_ms;
    out->log_head = fb_wire_hash(&cut->log_head);
    int rc = cut->has_digest ? pack_digest(&cut->digest, arena, &out->digest) : FB_OK;
    return rc < 0
               ? rc
               : fb_wire_texts(cut->scopes, cut->scope_count, arena, &out->scopes, &out->n_scopes);
}

int fb_unpack_cut(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Cut *in = (const Fb__Wire__Cut *)p;
    struct fb_cut *cut = &ret->cut;
    *cut = (struct fb_cut){.rev = in->rev,
                           .at_ms = in->at_ms,
                           .seen = in->seen,
                           .rows = in->rows,
                           .removes = in->removes,
                           .scope_count = in->n_scopes,
                           .history_from_ms = in->history_from_ms,
                           .has_digest = in->digest != NULL};
    int rc = fb_wire_check_counter(u, in->rev, "the rev");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->seen, "the number seen");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->rows, "the count of rows");
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->removes, "the count of removes");
    rc = rc < 0 ? rc
                : fb_wire_read_texts(u, in->scopes, in->n_scopes, FB_SCOPES_MAX, "scope",
                                     &cut->scopes);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->log_head, "the log's head", &cut->log_head);
    return rc < 0 || in->digest == NULL ? rc : read_digest(u, in->digest, &cut->digest);
}

int fb_pack_scope_digests(const struct fb_message *m, struct fb_arena *arena,
                          ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(ScopeDigests, scope_digests);
    const struct fb_scope_digests *d = &m->scope_digests;
    out->rev = d->rev;
    out->list = fb_arena_alloc(arena, d->count * sizeof(Fb__Wire__ScopeDigest *));
    Fb__Wire__ScopeDigest *items = fb_arena_alloc(arena, d->count * sizeof *items);
    if (out->list == NULL || items == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < d->count; i++) {
        fb__wire__scope_digest__init(&items[i]);
        items[i].scope = fb_wire_text(d->list[i].scope);
        int rc = pack_digest(&d->list[i].digest, arena, &items[i].digest);
        if (rc < 0) {
            return rc;
        }
        out->list[i] = &items[i];
    }
    out->n_list = d->count;
    return d->count > FB_SCOPE_DIGESTS_MAX ? FB_ERR_LIMIT : FB_OK;
}

int fb_unpack_scope_digests(const ProtobufCMessage *p, const struct fb_unpack *u,
                            struct fb_message *ret)
{
    const Fb__Wire__ScopeDigests *in = (const Fb__Wire__ScopeDigests *)p;
    struct fb_scope_digests *d = &ret->scope_digests;
    *d = (struct fb_scope_digests){.rev = in->rev, .count = in->n_list};
    if (in->n_list > FB_SCOPE_DIGESTS_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a message lists more than %d scopes",
                       FB_SCOPE_DIGESTS_MAX);
    }
    d->list = fb_arena_alloc(u->arena, d->count * sizeof *d->list);
    if (d->list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_wire_check_counter(u, in->rev, "the rev");
    for (size_t i = 0; i < d->count && rc == FB_OK; i++) {
        const Fb__Wire__ScopeDigest *item = in->list[i];
        rc = fb_wire_read_text(u, &item->scope, FB_MESSAGE_TEXT_BYTES_MAX, "a scope",
                               &d->list[i].scope);
        if (rc == FB_OK && item->digest != NULL) {
            rc = read_digest(u, item->digest, &d->list[i].digest);
        }
    }
    return rc;
}
