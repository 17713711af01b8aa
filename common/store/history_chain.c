/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/store/history_inside.h"

#define CHAIN_BYTES_MAX                                                                            \
    ((size_t)1024 * 1024 * 1024) /* of entries inside one savepoint: an aggregate */

static void put_int(struct fb_buf *buf, int64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    }
    fb_buf_append(buf, bytes, sizeof bytes);
}

static void put_u32(uint8_t *at, size_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static size_t get_u32(const uint8_t *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* NULL and "" look alike: both mean nobody, nothing. */
static void put_text(struct fb_buf *buf, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);
    uint8_t bytes[4];
    put_u32(bytes, size);
    fb_buf_append(buf, bytes, sizeof bytes);
    fb_buf_append(buf, text, size);
}

/* Leaves room for the size, which end_entry fills in. */
static size_t begin_entry(struct fb_buf *buf)
{
    size_t at = buf->size;
    fb_buf_append(buf, "\0\0\0\0", 4);
    return at;
}

static void end_entry(struct fb_buf *buf, size_t at)
{
    if (buf->error == FB_OK) {
        put_u32(buf->bytes + at, buf->size - at - 4);
    }
}

void fb_chain_begin(struct fb_chain *chain, const struct fb_sha256 *before)
{
    if (chain->bytes.bytes == NULL) {
        fb_buf_init(&chain->bytes, CHAIN_BYTES_MAX);
    }
    fb_buf_clear(&chain->bytes);
    chain->hash = *before;
}

void fb_chain_add_rev(struct fb_chain *chain, const struct fb_rev *rev)
{
    size_t at = begin_entry(&chain->bytes);
    put_int(&chain->bytes, rev->rev);
    put_int(&chain->bytes, rev->at_ms);
    put_text(&chain->bytes, rev->employee_id);
    put_text(&chain->bytes, rev->device_id);
    put_int(&chain->bytes, rev->incarnation);
    put_int(&chain->bytes, rev->push);
    end_entry(&chain->bytes, at);
}

void fb_log_entry_write(struct fb_buf *buf, const struct fb_log_entry *entry)
{
    size_t at = begin_entry(buf);
    put_int(buf, (int64_t)entry->op);
    put_int(buf, entry->entity->no);
    put_text(buf, entry->row_id);
    put_int(buf, entry->scope_before);
    put_int(buf, entry->scope_after);
    put_int(buf, entry->cause);
    put_int(buf, entry->edited_at_ms);
    put_text(buf, entry->changes);
    end_entry(buf, at);
}

/* What is left of an entry while it is read. */
struct reading {
    const uint8_t *at;
    size_t left;
    bool is_bad;
};

static const uint8_t *take(struct reading *r, size_t size)
{
    r->is_bad = r->is_bad || r->left < size;
    const uint8_t *at = r->at;
    r->at += r->is_bad ? 0 : size;
    r->left -= r->is_bad ? 0 : size;
    return r->is_bad ? NULL : at;
}

static int64_t take_int(struct reading *r)
{
    const uint8_t *bytes = take(r, 8);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < 8; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return (int64_t)value;
}

static const char *take_text(struct reading *r, size_t *ret_size)
{
    const uint8_t *size = take(r, 4);
    *ret_size = size == NULL ? 0 : get_u32(size);
    return *ret_size == 0 ? NULL : (const char *)take(r, *ret_size);
}

size_t fb_log_entry_read(const uint8_t *bytes, size_t size, struct fb_packed_entry *ret)
{
    size_t entry = size < 4 ? SIZE_MAX : get_u32(bytes);
    if (entry > size - 4) {
        return 0;
    }
    struct reading r = {.at = bytes + 4, .left = entry};
    size_t id_size = 0;
    *ret = (struct fb_packed_entry){.seq = 0};
    ret->op = (enum fb_log_op)take_int(&r);
    ret->entity_no = (uint32_t)take_int(&r);
    const char *id = take_text(&r, &id_size);
    if (id != NULL && id_size == FB_ROW_ID_SIZE - 1) {
        memcpy(ret->row_id, id, id_size);
    }
    ret->scope_before = take_int(&r);
    ret->scope_after = take_int(&r);
    ret->cause = take_int(&r);
    ret->edited_at_ms = take_int(&r);
    ret->changes = take_text(&r, &ret->changes_size);
    return r.is_bad || r.left > 0 ? 0 : 4 + entry;
}

void fb_chain_add_entry(struct fb_chain *chain, const struct fb_log_entry *entry)
{
    fb_log_entry_write(&chain->bytes, entry);
}

void fb_chain_fold(struct fb_chain *chain)
{
    const struct fb_buf *b = &chain->bytes;
    size_t start = 0;
    size_t at = 0;
    if (b->error != FB_OK || b->size < FB_CHAIN_PIECE_BYTES) {
        return;
    }
    while (at < b->size) {
        at += 4 + get_u32(b->bytes + at);
        if (at - start >= FB_CHAIN_PIECE_BYTES) {
            chain->hash =
                fb_sha256(chain->hash.bytes, FB_SHA256_BYTES, b->bytes + start, at - start);
            start = at;
        }
    }
    fb_buf_consume(&chain->bytes, start);
}

void fb_chain_cut(struct fb_chain *chain, size_t size)
{
    if (chain->bytes.size > size) {
        chain->bytes.size = size;
        chain->bytes.bytes[size] = 0;
    }
}

int fb_chain_end(struct fb_chain *chain, struct fb_sha256 *ret)
{
    fb_chain_fold(chain);
    int rc = fb_buf_error(&chain->bytes);
    if (rc == FB_OK) {
        *ret = fb_sha256(chain->hash.bytes, FB_SHA256_BYTES, chain->bytes.bytes, chain->bytes.size);
    }
    fb_buf_clear(&chain->bytes);
    return rc;
}

int fb_sha_take(const struct fb_sql *q, int at, struct fb_sha256 *ret)
{
    struct fb_value v = fb_sql_value(q, at);
    if (v.type != FB_BLOB || v.size != sizeof ret->bytes) {
        return FB_ERR_DAMAGED;
    }
    memcpy(ret->bytes, v.bytes, sizeof ret->bytes);
    return FB_OK;
}

int fb_history_rev_hash(struct fb_store *s, int64_t rev, struct fb_sha256 *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT hash FROM fb_rev WHERE rev = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, rev);
    rc = fb_sql_step(q);
    struct fb_value v = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : FB_VALUE_NULL;
    *ret = (struct fb_sha256){{0}};
    if (v.type == FB_BLOB && v.size == sizeof ret->bytes) {
        memcpy(ret->bytes, v.bytes, v.size);
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_history_chain_head(struct fb_store *s, struct fb_sha256 *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT hash FROM fb_rev ORDER BY rev DESC LIMIT 1", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        return fb_sha_take(q, 0, ret);
    }
    if (rc == FB_SQL_DONE) {
        *ret = (struct fb_sha256){{0}};
    }
    return rc;
}

void fb_log_entry_take(const struct fb_sql *q, struct fb_entity *entity, struct fb_log_entry *ret)
{
    struct fb_value id = fb_sql_value(q, 2);
    entity->no = (uint32_t)fb_sql_int(q, 1);
    *ret = (struct fb_log_entry){.op = (enum fb_log_op)fb_sql_int(q, 0),
                                 .entity = entity,
                                 .scope_before = fb_sql_int(q, 3),
                                 .scope_after = fb_sql_int(q, 4),
                                 .cause = fb_sql_int(q, 5),
                                 .edited_at_ms = fb_sql_int(q, 6),
                                 .changes = fb_sql_text(q, 7)};
    if (id.type == FB_BLOB && id.size == FB_ROW_ID_BYTES) {
        fb_id_from_bytes((const uint8_t *)id.bytes, ret->row_id);
    }
}

/* The entries from first_seq until before end_seq: those that were packed, then those of the live log. */
static int add_entries(struct fb_store *s, struct fb_chain *chain, int64_t first_seq,
                       int64_t end_seq)
{
    int64_t packed = 0;
    int rc = fb_packed_last_seq(s, &packed);
    int64_t live = first_seq > packed ? first_seq : packed + 1;
    if (rc == FB_OK && first_seq <= packed) {
        rc = fb_packed_add_entries(s, chain, first_seq, end_seq <= packed ? end_seq : packed + 1);
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = rc < 0 ? rc
                : fb_sql_begin(s,
                               "SELECT " FB_LOG_ENTRY_COLUMNS
                               " FROM fb_log WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
                               &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, live);
    fb_sql_bind_int(q, 2, end_seq);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_entity entity = {0};
        struct fb_log_entry entry;
        fb_log_entry_take(q, &entity, &entry);
        fb_chain_add_entry(chain, &entry);
        fb_chain_fold(chain);
        rc = fb_sql_step(q);
    }
    return rc;
}

/* Columns of the walk below. */
static struct fb_rev take_rev(const struct fb_sql *q)
{
    return (struct fb_rev){.rev = fb_sql_int(q, 0),
                           .at_ms = fb_sql_int(q, 1),
                           .employee_id = fb_sql_text(q, 2),
                           .device_id = fb_sql_text(q, 3),
                           .incarnation = fb_sql_int(q, 4),
                           .push = fb_sql_int(q, 5)};
}

static int verify_rev(struct fb_store *s, const struct fb_sql *q, struct fb_chain *chain,
                      struct fb_sha256 *hash, bool *ret_is_good)
{
    struct fb_rev rev = take_rev(q);
    struct fb_sha256 kept;
    fb_chain_begin(chain, hash);
    fb_chain_add_rev(chain, &rev);
    int rc = add_entries(s, chain, fb_sql_int(q, 6), fb_sql_int(q, 7));
    if (rc == FB_OK) {
        rc = fb_chain_end(chain, hash);
    }
    *ret_is_good = rc == FB_OK && fb_sha_take(q, 8, &kept) == FB_OK && fb_sha256_equal(&kept, hash);
    return rc;
}

/* Revs are numbered without gaps, so a rev taken out breaks the chain at the next one. */
static int verify_revs(struct fb_store *s, int64_t *ret_bad_rev)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "SELECT rev, at_ms, employee_id, device_id, incarnation, push, first_seq, "
                     "coalesce((SELECT n.first_seq FROM fb_rev AS n WHERE n.rev > r.rev ORDER BY "
                     "n.rev LIMIT 1), "
                     "9223372036854775807), hash FROM fb_rev AS r ORDER BY rev",
                     &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_chain chain = {0};
    struct fb_sha256 hash = {{0}};
    bool is_good = true;
    int64_t bad_rev = 0;
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = verify_rev(s, q, &chain, &hash, &is_good);
        if (rc == FB_OK && !is_good) {
            bad_rev = fb_sql_int(q, 0);
            break;
        }
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    fb_buf_release(&chain.bytes);
    if (rc == FB_OK) {
        *ret_bad_rev = bad_rev;
    }
    return rc;
}

/* A segment that is damaged cannot be read as entries: it goes first. */
int fb_history_verify(struct fb_store *s, int64_t *ret_bad_rev)
{
    int64_t bad_rev = 0;
    int rc = fb_packed_verify(s, &bad_rev);
    rc = rc < 0 || bad_rev != 0 ? rc : verify_revs(s, &bad_rev);
    if (rc == FB_OK) {
        *ret_bad_rev = bad_rev;
    }
    return rc;
}
