/* SPDX-License-Identifier: MIT
 *
 * What headquarters' history keeps in memory, and the bytes its chain hashes; for this folder only.
 *
 * The chain: hash(rev) = SHA-256 folded over the rev's bytes, beginning with hash(rev - 1). The
 * bytes are the rev's head and then its entries, each as
 *
 *     u32  size of what follows          integers little-endian
 *     the fields in their order, texts with a u32 size before them
 *
 * They are folded in pieces of whole entries, the first that reaches 64 KiB ends a piece:
 * hash := SHA-256(hash, piece). A rev of 100,000 rows then takes no memory.
 */
#ifndef FB_STORE_HISTORY_INSIDE_H
#define FB_STORE_HISTORY_INSIDE_H

#include "common/base/buf.h"
#include "common/store/history.h"
#include "common/store/history_pack.h"
#include "common/store/inside.h"

#define FB_CHAIN_PIECE_BYTES ((size_t)64 * 1024)
#define FB_SCOPES_CACHED     4096 /* a power of two */
#define FB_SAVEPOINTS_MAX    8

struct fb_chain {
    struct fb_sha256 hash;
    struct fb_buf bytes; /* not folded yet */
};

struct fb_cached_scope {
    int64_t id;
    char *key; /* owned; NULL: free */
};

struct fb_digest_delta {
    int64_t scope; /* 0: free */
    struct fb_digest delta;
};

/* A segment's entries as they were read last, unpacked. */
struct fb_unpacked {
    int64_t no; /* 0: none */
    int64_t first_seq;
    int64_t last_seq;
    struct fb_buf bytes;
};

/* Where things stood when a savepoint began. */
struct fb_history_mark {
    bool has_rev;
    size_t chain_size;
    size_t move_count;
};

struct fb_history {
    bool has_rev; /* between begin and end */
    int depth;    /* of savepoints, at begin */
    int64_t rev;
    int64_t at_ms;
    int64_t incarnation;
    int64_t push;
    bool has_employee;
    bool has_device;
    char employee_id[FB_ROW_ID_SIZE];
    char device_id[FB_ROW_ID_SIZE];
    int64_t first_seq;
    int64_t next_seq;
    struct fb_chain chain;
    struct fb_unpacked unpacked; /* history_packed.c; whoever reads it takes it out meanwhile */

    struct fb_cached_scope by_key[FB_SCOPES_CACHED];
    struct fb_cached_scope by_id[FB_SCOPES_CACHED];
    struct fb_buf key; /* what fb_history_scope_key returned last, when it had to read it */

    struct fb_digest_delta *deltas; /* open hash by scope */
    size_t delta_capacity;
    size_t delta_count;
    struct fb_digest_delta *moves; /* since the outermost savepoint, to be undone backwards */
    size_t move_count;
    size_t move_capacity;
    struct fb_history_mark marks[FB_SAVEPOINTS_MAX + 1];
};

/* Makes it when it is needed first. */
int fb_history_of(struct fb_store *s, struct fb_history **ret) FB_MUST_CHECK;

void fb_chain_begin(struct fb_chain *chain, const struct fb_sha256 *before);
void fb_chain_add_rev(struct fb_chain *chain, const struct fb_rev *rev);
void fb_chain_add_entry(struct fb_chain *chain, const struct fb_log_entry *entry);
/* The entry in that form; and an entry as it stands in the columns of fb_log. An entity that is no more keeps its number. */
void fb_log_entry_write(struct fb_buf *buf, const struct fb_log_entry *entry);
#define FB_LOG_ENTRY_COLUMNS "op, entity, row_id, scope_before, scope_after, cause, at_ms, changes"
void fb_log_entry_take(const struct fb_sql *q, struct fb_entity *entity, struct fb_log_entry *ret);
/* Reads one back, without its seq; returns how many bytes it has, 0 if they are no entry. */
size_t fb_log_entry_read(const uint8_t *bytes, size_t size, struct fb_packed_entry *ret);
int fb_sha_take(const struct fb_sql *q, int at, struct fb_sha256 *ret) FB_MUST_CHECK;
/* Folds what makes whole pieces. Not inside a savepoint, which may take entries back. */
void fb_chain_fold(struct fb_chain *chain);
/* Takes back what was added since its bytes had this size. */
void fb_chain_cut(struct fb_chain *chain, size_t size);
int fb_chain_end(struct fb_chain *chain, struct fb_sha256 *ret) FB_MUST_CHECK;

/* history_packed.c: what was packed. */
/* The newest entry that was packed; 0: none was. */
int fb_packed_last_seq(struct fb_store *s, int64_t *ret) FB_MUST_CHECK;
/* Entries of a row from first_seq until before end_seq, oldest first or newest first. */
int fb_packed_of_row(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                     int64_t first_seq, int64_t end_seq, bool is_newest_first, fb_packed_each *f,
                     void *ctx) FB_MUST_CHECK;
int fb_packed_add_entries(struct fb_store *s, struct fb_chain *chain, int64_t first_seq,
                          int64_t end_seq) FB_MUST_CHECK;
/* Are the segments those that were packed, and what the live log still has of them the same? ret_bad_rev: the first rev of which
 * they are not; 0: they are. */
int fb_packed_verify(struct fb_store *s, int64_t *ret_bad_rev) FB_MUST_CHECK;

/* A segment's place and sizes, as its row has them; its hash covers them, its bytes and the hash of the segment before. */
struct fb_segment {
    int64_t no, first_seq, last_seq, packed_at_ms, raw_size;
};
struct fb_sha256 fb_segment_hash(const struct fb_sha256 *before, const struct fb_segment *segment,
                                 const void *bytes, size_t size);
/* Of the newest segment; zeros if there is none. */
int fb_segment_last(struct fb_store *s, struct fb_segment *ret,
                    struct fb_sha256 *ret_hash) FB_MUST_CHECK;

void fb_history_scopes_forget(struct fb_history *h);
int fb_deltas_add(struct fb_history *h, int64_t scope, const struct fb_digest *delta,
                  bool is_in_savepoint) FB_MUST_CHECK;
void fb_deltas_undo(struct fb_history *h, size_t move_count);
void fb_deltas_clear(struct fb_history *h);
/* Writes what was kept into fb_digest. */
int fb_deltas_write(struct fb_store *s, struct fb_history *h) FB_MUST_CHECK;

#endif
