/* SPDX-License-Identifier: MIT
 *
 * Packing: the oldest entries of fb_log become one segment and leave it, in one transaction.
 */
#include "common/store/history_pack.h"

#include "common/base/compress.h"
#include "common/base/limits.h"
#include "common/base/planted.h"
#include "common/store/history_inside.h"

struct packing {
    struct fb_store *store;
    struct fb_segment segment;
    struct fb_buf raw;
    struct fb_buf bytes;
};

/* Is the segment as large as it should be? Smaller ones wait for more. */
static bool is_full(const struct packing *p)
{
    return p->segment.last_seq - p->segment.first_seq + 1 >= FB_LOG_SEGMENT_ENTRIES ||
           p->raw.size >= (size_t)FB_LOG_SEGMENT_BYTES_AIM;
}

/* Takes entries as long as they follow each other and their revs are old enough, but for the newest of all. */
static int gather(struct packing *p, int64_t before_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        p->store,
        "SELECT " FB_LOG_ENTRY_COLUMNS ", seq FROM fb_log WHERE seq >= ?1"
        " AND seq < (SELECT first_seq FROM fb_rev ORDER BY rev DESC LIMIT 1) AND (SELECT r.at_ms"
        " FROM fb_rev AS r WHERE r.first_seq <= seq ORDER BY r.first_seq DESC LIMIT 1) < ?2"
        " ORDER BY seq LIMIT ?3",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, p->segment.first_seq);
    fb_sql_bind_int(q, 2, before_ms);
    fb_sql_bind_int(q, 3, FB_LOG_SEGMENT_ENTRIES);
    while (!is_full(p) && (rc = fb_sql_step(q)) == FB_SQL_ROW &&
           fb_sql_int(q, 8) == p->segment.last_seq + 1) {
        struct fb_entity entity = {0};
        struct fb_log_entry entry;
        fb_log_entry_take(q, &entity, &entry);
        fb_log_entry_write(&p->raw, &entry);
        p->segment.last_seq++;
    }
    return rc < 0 ? rc : fb_buf_error(&p->raw);
}

static int write_segment(struct packing *p, const struct fb_sha256 *before)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    p->segment.raw_size = (int64_t)p->raw.size;
    int rc = fb_compress(p->raw.bytes, p->raw.size, &p->bytes);
    rc = rc < 0 ? rc
                : fb_sql_begin(p->store,
                               "INSERT INTO fb_log_segment (no, first_seq, last_seq, packed_at_ms,"
                               " raw_size, hash, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                               &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_sha256 hash = fb_segment_hash(before, &p->segment, p->bytes.bytes, p->bytes.size);
    fb_sql_bind_int(q, 1, p->segment.no);
    fb_sql_bind_int(q, 2, p->segment.first_seq);
    fb_sql_bind_int(q, 3, p->segment.last_seq);
    fb_sql_bind_int(q, 4, p->segment.packed_at_ms);
    fb_sql_bind_int(q, 5, p->segment.raw_size);
    fb_sql_bind_bytes(q, 6, hash.bytes, sizeof hash.bytes);
    fb_sql_bind_bytes(q, 7, p->bytes.bytes, p->bytes.size);
    return fb_sql_run(q);
}

static int index_rows(struct packing *p)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(p->store,
                          "INSERT INTO fb_log_packed (row_id, segment) SELECT DISTINCT row_id, ?3"
                          " FROM fb_log WHERE seq BETWEEN ?1 AND ?2",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, p->segment.first_seq);
    fb_sql_bind_int(q, 2, p->segment.last_seq);
    fb_sql_bind_int(q, 3, p->segment.no);
    return fb_sql_run(q);
}

/* Of each row the last entry that wrote it stays, and what moved it since: they tell where it stands (scopes), who wrote it last, and
 * what rests in the bin. An older one that had stayed goes when a newer one is packed. */
static const char LEAVE[] =
    "DELETE FROM fb_log WHERE seq IN"
    " (SELECT o.seq FROM (SELECT DISTINCT row_id FROM fb_log WHERE seq BETWEEN ?1 AND ?2) AS e"
    "  JOIN fb_log AS o ON o.row_id = e.row_id WHERE o.seq <= ?2 AND (o.op IN (0, 5) OR EXISTS"
    "  (SELECT 1 FROM fb_log AS n WHERE n.row_id = o.row_id AND n.entity = o.entity AND n.seq >"
    "   o.seq AND (n.op BETWEEN 1 AND 4 OR (n.op = 6 AND o.op = 6)))))";

static int leave(struct packing *p)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        p->store,
        FB_BUG(PACKING_TAKES_ALL) ? "DELETE FROM fb_log WHERE seq BETWEEN ?1 AND ?2" : LEAVE, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, p->segment.first_seq);
    fb_sql_bind_int(q, 2, p->segment.last_seq);
    return fb_sql_run(q);
}

static int pack(struct packing *p, const struct fb_sha256 *before)
{
    if (FB_BUG(LOG_DROPPED)) {
        return leave(p);
    }
    int rc = write_segment(p, before);
    rc = rc < 0 ? rc : index_rows(p);
    return rc < 0 ? rc : leave(p);
}

int fb_history_pack(struct fb_store *s, int64_t before_ms, int64_t now_ms, bool *ret_packed)
{
    struct packing p = {.store = s};
    struct fb_segment last;
    struct fb_sha256 hash;
    fb_assert(s->is_in_transaction);
    fb_buf_init(&p.raw, FB_LOG_SEGMENT_BYTES_MAX);
    fb_buf_init(&p.bytes, FB_LOG_SEGMENT_BYTES_MAX);
    int rc = fb_segment_last(s, &last, &hash);
    p.segment = (struct fb_segment){.no = last.no + 1,
                                    .first_seq = last.last_seq + 1,
                                    .last_seq = last.last_seq,
                                    .packed_at_ms = now_ms};
    rc = rc < 0 ? rc : gather(&p, before_ms);
    *ret_packed = rc == FB_OK && is_full(&p);
    rc = rc < 0 || !*ret_packed ? rc : pack(&p, &hash);
    fb_buf_release(&p.raw);
    fb_buf_release(&p.bytes);
    return rc;
}
