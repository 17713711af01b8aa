/* SPDX-License-Identifier: MIT
 *
 * Reading what was packed. A segment holds its entries in the form that the audit chain hashes (history_inside.h), without gaps: the
 * first has seq first_seq, the next one more. The segment read last stays unpacked.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/compress.h"
#include "common/base/limits.h"
#include "common/store/history_inside.h"

int fb_segment_last(struct fb_store *s, struct fb_segment *ret, struct fb_sha256 *ret_hash)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    *ret = (struct fb_segment){0};
    *ret_hash = (struct fb_sha256){{0}};
    int rc = fb_sql_begin(s,
                          "SELECT no, first_seq, last_seq, packed_at_ms, raw_size, hash"
                          " FROM fb_log_segment ORDER BY no DESC LIMIT 1",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    *ret = (struct fb_segment){fb_sql_int(q, 0), fb_sql_int(q, 1), fb_sql_int(q, 2),
                               fb_sql_int(q, 3), fb_sql_int(q, 4)};
    return fb_sha_take(q, 5, ret_hash);
}

int fb_packed_last_seq(struct fb_store *s, int64_t *ret)
{
    *ret = 0;
    return fb_sql_read_int(s, "SELECT last_seq FROM fb_log_segment ORDER BY no DESC LIMIT 1", ret);
}

int fb_history_tells_from(struct fb_store *s, int64_t seq, bool *ret)
{
    int64_t packed = 0;
    int rc = fb_packed_last_seq(s, &packed);
    *ret = rc == FB_OK && seq > packed;
    return rc;
}

int fb_history_tells(struct fb_store *s, int64_t rev, bool *ret)
{
    int64_t first = 0;
    int rc = fb_history_seq_after(s, rev, &first);
    return rc < 0 ? rc : fb_history_tells_from(s, first, ret);
}

/* ---- The horizon ---- */

static int horizon(struct fb_store *s, struct fb_seq_rev *ret)
{
    int64_t packed = 0;
    *ret = (struct fb_seq_rev){0};
    int rc = fb_packed_last_seq(s, &packed);
    return rc < 0 || packed == 0 ? rc : fb_history_rev_of(s, packed, ret);
}

int fb_history_horizon(struct fb_store *s, int64_t *ret_rev)
{
    struct fb_seq_rev rev;
    int rc = horizon(s, &rev);
    *ret_rev = rc < 0 ? *ret_rev : rev.rev;
    return rc;
}

int fb_history_packed(struct fb_store *s, struct fb_packed *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_seq_rev rev;
    *ret = (struct fb_packed){0};
    int rc = fb_sql_begin(s,
                          "SELECT count(*), coalesce(sum(last_seq - first_seq + 1), 0),"
                          " coalesce(sum(length(bytes)), 0), coalesce(sum(raw_size), 0)"
                          " FROM fb_log_segment",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    rc = rc < 0 ? rc : horizon(s, &rev);
    if (rc == FB_OK) {
        *ret = (struct fb_packed){.segments = fb_sql_int(q, 0),
                                  .entries = fb_sql_int(q, 1),
                                  .bytes = fb_sql_int(q, 2),
                                  .raw_bytes = fb_sql_int(q, 3),
                                  .horizon_rev = rev.rev,
                                  .horizon_at_ms = rev.at_ms};
    }
    return rc;
}

/* ---- One segment ---- */

static int unpack(const struct fb_sql *q, struct fb_unpacked *u)
{
    struct fb_value bytes = fb_sql_value(q, 4);
    int64_t raw_size = fb_sql_int(q, 3);
    u->no = fb_sql_int(q, 0);
    u->first_seq = fb_sql_int(q, 1);
    u->last_seq = fb_sql_int(q, 2);
    if (u->bytes.bytes == NULL) {
        fb_buf_init(&u->bytes, FB_LOG_SEGMENT_BYTES_MAX);
    }
    fb_buf_clear(&u->bytes);
    return bytes.type != FB_BLOB || raw_size < 0 || (size_t)raw_size > u->bytes.size_max
               ? FB_ERR_DAMAGED
               : fb_decompress(bytes.bytes, bytes.size, (size_t)raw_size, &u->bytes);
}

/* Takes it out of the cache: what reads it may read others meanwhile. */
static int open_segment(struct fb_store *s, const char *sql, int64_t key, struct fb_unpacked *ret)
{
    struct fb_history *h = NULL;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_history_of(s, &h);
    rc = rc < 0 ? rc : fb_sql_begin(s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    *ret = h->unpacked;
    h->unpacked = (struct fb_unpacked){0};
    fb_sql_bind_int(q, 1, key);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW && fb_sql_int(q, 0) != ret->no) {
        rc = unpack(q, ret);
    } else if (rc == FB_SQL_DONE) {
        rc = FB_ERR_DAMAGED; /* a segment that is named is there */
    }
    if (rc < 0) {
        fb_buf_release(&ret->bytes);
        return rc;
    }
    return FB_OK;
}

static int open_segment_no(struct fb_store *s, int64_t no, struct fb_unpacked *ret)
{
    return open_segment(s,
                        "SELECT no, first_seq, last_seq, raw_size, bytes FROM fb_log_segment"
                        " WHERE no = ?1",
                        no, ret);
}

static void close_segment(struct fb_store *s, struct fb_unpacked *u)
{
    if (s->history->unpacked.bytes.bytes == NULL) {
        s->history->unpacked = *u;
    } else {
        fb_buf_release(&u->bytes);
    }
}

/* The entry at a place; moves the place behind it. */
static int read_entry(const struct fb_unpacked *u, size_t *at, int64_t seq,
                      struct fb_packed_entry *ret)
{
    size_t size = fb_log_entry_read(u->bytes.bytes + *at, u->bytes.size - *at, ret);
    ret->seq = seq;
    *at += size;
    return size == 0 ? FB_ERR_DAMAGED : FB_OK;
}

/* ---- Walks ---- */

/* Which entries of a segment are asked for; places of those found. */
struct asked {
    const struct fb_entity *entity; /* NULL: of all rows */
    const char *row_id;
    int64_t first_seq, end_seq;
    bool is_newest_first;
    fb_packed_each *f;
    void *ctx;
    struct place {
        size_t at;
        int64_t seq;
    } * places;
    size_t count, capacity;
};

static bool is_asked(const struct asked *a, const struct fb_packed_entry *entry)
{
    return entry->seq >= a->first_seq && entry->seq < a->end_seq &&
           (a->entity == NULL ||
            (entry->entity_no == a->entity->no && strcmp(entry->row_id, a->row_id) == 0));
}

static int find_places(const struct fb_unpacked *u, struct asked *a)
{
    int64_t seq = u->first_seq;
    int rc = FB_OK;
    a->count = 0;
    for (size_t at = 0; rc == FB_OK && at < u->bytes.size; seq++) {
        struct fb_packed_entry entry;
        size_t from = at;
        rc = read_entry(u, &at, seq, &entry);
        if (rc < 0 || !is_asked(a, &entry)) {
            continue;
        }
        struct place *places = fb_array_grow(a->places, a->count, &a->capacity, sizeof *places);
        if (places == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        a->places = places;
        places[a->count++] = (struct place){.at = from, .seq = seq};
    }
    return rc;
}

static int tell_segment(struct fb_store *s, int64_t no, struct asked *a)
{
    struct fb_unpacked u;
    int rc = open_segment_no(s, no, &u);
    if (rc < 0) {
        return rc;
    }
    rc = find_places(&u, a);
    for (size_t i = 0; rc == FB_OK && i < a->count; i++) {
        struct place place = a->places[a->is_newest_first ? a->count - 1 - i : i];
        struct fb_packed_entry entry;
        rc = read_entry(&u, &place.at, place.seq, &entry);
        rc = rc < 0 ? rc : a->f(a->ctx, &entry);
    }
    close_segment(s, &u);
    return rc;
}

static int tell_segments(struct fb_sql *q, struct fb_store *s, struct asked *a)
{
    int rc;
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = tell_segment(s, fb_sql_int(q, 0), a);
        if (rc != FB_OK) {
            break;
        }
    }
    free(a->places);
    return rc;
}

#define SEGMENTS_OF_ROW                                                                            \
    "SELECT segment FROM fb_log_packed WHERE row_id = ?1 AND EXISTS (SELECT 1 FROM"                \
    " fb_log_segment WHERE no = segment AND last_seq >= ?2 AND first_seq < ?3) ORDER BY segment"

int fb_packed_of_row(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                     int64_t first_seq, int64_t end_seq, bool is_newest_first, fb_packed_each *f,
                     void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    uint8_t id[FB_ROW_ID_BYTES];
    struct asked a = {e, row_id, first_seq, end_seq, is_newest_first, f, ctx, NULL, 0, 0};
    int rc = fb_sql_begin(s, is_newest_first ? SEGMENTS_OF_ROW " DESC" : SEGMENTS_OF_ROW, &q);
    if (rc < 0) {
        return rc;
    }
    fb_id_to_bytes(row_id, id);
    fb_sql_bind_bytes(q, 1, id, sizeof id);
    fb_sql_bind_int(q, 2, first_seq);
    fb_sql_bind_int(q, 3, end_seq);
    return tell_segments(q, s, &a);
}

int fb_history_each_packed(struct fb_store *s, int64_t before_seq, fb_packed_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct asked a = {NULL, NULL, 0, before_seq, true, f, ctx, NULL, 0, 0};
    int rc =
        fb_sql_begin(s, "SELECT no FROM fb_log_segment WHERE first_seq < ?1 ORDER BY no DESC", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, before_seq);
    return tell_segments(q, s, &a);
}

/* ---- The audit chain ---- */

static int add_from_segment(struct fb_store *s, struct fb_chain *chain, int64_t *seq,
                            int64_t end_seq)
{
    struct fb_unpacked u;
    int rc = open_segment(s,
                          "SELECT no, first_seq, last_seq, raw_size, bytes FROM fb_log_segment"
                          " WHERE no = (SELECT max(no) FROM fb_log_segment WHERE first_seq <= ?1)",
                          *seq, &u);
    if (rc < 0) {
        return rc;
    }
    int64_t at_seq = u.first_seq;
    rc = *seq > u.last_seq ? FB_ERR_DAMAGED : FB_OK;
    for (size_t at = 0; rc == FB_OK && at < u.bytes.size && at_seq < end_seq; at_seq++) {
        struct fb_packed_entry entry;
        size_t from = at;
        rc = read_entry(&u, &at, at_seq, &entry);
        if (rc == FB_OK && at_seq >= *seq) {
            fb_buf_append(&chain->bytes, u.bytes.bytes + from, at - from);
            fb_chain_fold(chain);
        }
    }
    *seq = at_seq;
    close_segment(s, &u);
    return rc;
}

int fb_packed_add_entries(struct fb_store *s, struct fb_chain *chain, int64_t first_seq,
                          int64_t end_seq)
{
    int rc = FB_OK;
    while (rc == FB_OK && first_seq < end_seq) {
        rc = add_from_segment(s, chain, &first_seq, end_seq);
    }
    return rc;
}

struct fb_sha256 fb_segment_hash(const struct fb_sha256 *before, const struct fb_segment *segment,
                                 const void *bytes, size_t size)
{
    const int64_t numbers[] = {segment->no, segment->first_seq, segment->last_seq,
                               segment->packed_at_ms, segment->raw_size};
    struct fb_hasher h;
    fb_hasher_init(&h);
    fb_hasher_add(&h, before->bytes, sizeof before->bytes);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t little[8];
        for (size_t k = 0; k < sizeof little; k++) {
            little[k] = (uint8_t)((uint64_t)numbers[i] >> (8 * k));
        }
        fb_hasher_add(&h, little, sizeof little);
    }
    fb_hasher_add(&h, bytes, size);
    return fb_hasher_end(&h);
}

/* What the live log still has of a segment. *ret_bad_seq: the first entry that differs; 0: none does. */
static int compare_live(struct fb_store *s, const struct fb_unpacked *u, int64_t *ret_bad_seq)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_buf_release) struct fb_buf live;
    fb_buf_init(&live, FB_LOG_SEGMENT_BYTES_MAX);
    int rc = fb_sql_begin(s,
                          "SELECT " FB_LOG_ENTRY_COLUMNS
                          ", seq FROM fb_log WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, u->first_seq);
    fb_sql_bind_int(q, 2, u->last_seq);
    rc = fb_sql_step(q);
    int64_t seq = u->first_seq;
    for (size_t at = 0; rc == FB_SQL_ROW && at < u->bytes.size; seq++) {
        struct fb_packed_entry packed;
        struct fb_log_entry entry;
        struct fb_entity entity = {0};
        size_t from = at;
        rc = read_entry(u, &at, seq, &packed);
        if (rc < 0 || fb_sql_int(q, 8) != seq) {
            rc = rc < 0 ? rc : FB_SQL_ROW;
            continue;
        }
        fb_log_entry_take(q, &entity, &entry);
        fb_buf_clear(&live);
        fb_log_entry_write(&live, &entry);
        if (live.size != at - from || memcmp(live.bytes, u->bytes.bytes + from, live.size) != 0) {
            *ret_bad_seq = seq;
            return fb_buf_error(&live);
        }
        rc = fb_sql_step(q);
    }
    return rc < 0 ? rc : FB_OK;
}

struct verifying {
    struct fb_store *store;
    struct fb_sha256 hash; /* of the segment before */
    int64_t last_seq;      /* ... and its last entry */
    int64_t last_no;
    struct fb_unpacked unpacked;
};

/* *ret_bad_seq: the first entry that cannot be vouched for; 0: all can. */
static int verify_segment(struct verifying *v, const struct fb_sql *q, int64_t *ret_bad_seq)
{
    struct fb_value bytes = fb_sql_value(q, 4);
    struct fb_segment segment = {fb_sql_int(q, 0), fb_sql_int(q, 1), fb_sql_int(q, 2),
                                 fb_sql_int(q, 5), fb_sql_int(q, 3)};
    struct fb_sha256 kept = {{0}};
    struct fb_sha256 hash = fb_segment_hash(&v->hash, &segment, bytes.bytes, bytes.size);
    bool follows = segment.no == v->last_no + 1 && segment.first_seq == v->last_seq + 1;
    int rc = fb_sha_take(q, 6, &kept);
    bool is_same = follows && rc == FB_OK && fb_sha256_equal(&kept, &hash);
    rc = is_same ? unpack(q, &v->unpacked) : FB_ERR_DAMAGED;
    rc = rc < 0 ? rc : compare_live(v->store, &v->unpacked, ret_bad_seq);
    if (rc == FB_ERR_DAMAGED) {
        *ret_bad_seq = v->last_seq + 1;
        rc = FB_OK;
    }
    v->hash = hash;
    v->last_no = segment.no;
    v->last_seq = segment.last_seq;
    return rc;
}

int fb_packed_verify(struct fb_store *s, int64_t *ret_bad_rev)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct verifying v = {.store = s};
    int64_t bad_seq = 0;
    int rc = fb_sql_begin(s,
                          "SELECT no, first_seq, last_seq, raw_size, bytes, packed_at_ms, hash"
                          " FROM fb_log_segment ORDER BY no",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    while (rc == FB_SQL_ROW && bad_seq == 0) {
        rc = verify_segment(&v, q, &bad_seq);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    fb_buf_release(&v.unpacked.bytes);
    struct fb_seq_rev rev = {0};
    if (rc >= 0 && bad_seq > 0) {
        rc = fb_history_rev_of(s, bad_seq, &rev);
    }
    *ret_bad_rev = rc < 0 ? *ret_bad_rev : rev.rev;
    return rc < 0 ? rc : FB_OK;
}
