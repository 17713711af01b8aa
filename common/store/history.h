/* SPDX-License-Identifier: MIT
 *
 * Headquarters' history: revs and log entries, the recycle bin, counted steps, digests by scope.
 *
 * Every server transaction that changes rows is one rev: begin it, write rows, append entries,
 * end it; all inside one store transaction (which may hold several revs: group commit). Laws 2
 * and 9.
 */
#ifndef FB_STORE_HISTORY_H
#define FB_STORE_HISTORY_H

#include "common/store/row.h"

enum fb_log_op {
    FB_LOG_OP_NAMED = 0, /* a push named the row: the next cut of that device answers it */
    FB_LOG_OP_INSERT = 1,
    FB_LOG_OP_UPDATE = 2,
    FB_LOG_OP_DELETE = 3,
    FB_LOG_OP_RESTORE = 4,
    FB_LOG_OP_REFUSED = 5,
    FB_LOG_OP_SCOPE = 6, /* the row's scope changed because an ancestor moved */
};

struct fb_rev {
    int64_t rev;
    int64_t at_ms;
    const char *employee_id; /* NULL: a tool at headquarters */
    const char *device_id;   /* NULL: headquarters */
    int64_t incarnation;
    int64_t push;
};

struct fb_log_entry {
    enum fb_log_op op;
    const struct fb_entity *entity;
    char row_id[FB_ROW_ID_SIZE];
    int64_t scope_before; /* fb_scope.id; 0: was not there */
    int64_t scope_after;  /* 0: is gone */
    int64_t cause;        /* 0: none */
    int64_t edited_at_ms; /* 0: as the rev */
    const char *changes;  /* JSON, NULL: none */
};

/* Assigns the next rev (head + 1). Inside a transaction; ends at the depth of savepoints where it
 * began. */
int fb_history_begin(struct fb_store *s, struct fb_rev *rev) FB_MUST_CHECK;
int fb_history_append(struct fb_store *s, const struct fb_log_entry *entry,
                      int64_t *ret_seq) FB_MUST_CHECK;
/* Writes fb_rev with the chain's hash, and the digests that changed. A rev without entries leaves
 * no trace. */
int fb_history_end(struct fb_store *s) FB_MUST_CHECK;

/* Works out every rev's hash again. ret_bad_rev: the first whose entries are not those that were
 * hashed; 0: all are. */
int fb_history_verify(struct fb_store *s, int64_t *ret_bad_rev) FB_MUST_CHECK;

int fb_history_head(struct fb_store *s, int64_t *ret_rev) FB_MUST_CHECK;
/* The server's time at a rev; of revs before the first: 0. */
int fb_history_rev_at_ms(struct fb_store *s, int64_t rev, int64_t *ret_ms) FB_MUST_CHECK;
/* The chain's hash at a rev; zeros where the log has no such rev. */
int fb_history_rev_hash(struct fb_store *s, int64_t rev, struct fb_sha256 *ret) FB_MUST_CHECK;
int fb_history_chain_head(struct fb_store *s, struct fb_sha256 *ret) FB_MUST_CHECK;

/* Rows that the log names after a rev, each once, in the catalogue's order of entities: whether
 * it changed, or was only named by a push of the device. first scope_before after the rev tells
 * where it belonged at the cursor. */
struct fb_touched {
    const struct fb_entity *entity;
    char row_id[FB_ROW_ID_SIZE];
    bool has_changed;     /* false: only named */
    bool was_there;       /* at the cursor */
    int64_t scope_before; /* at the cursor; 0: was not there */
};
typedef int fb_touched_each(void *ctx, const struct fb_touched *touched);
int fb_history_touched(struct fb_store *s, int64_t after_rev, int64_t up_to_rev,
                       const char *device_id, fb_touched_each *f, void *ctx) FB_MUST_CHECK;

/* The same for rows that entered, changed in or left these sets, each given once; and those the device named. sets NULL: all. */
int fb_history_touched_in(struct fb_store *s, int64_t after_rev, int64_t up_to_rev,
                          const char *device_id, const int64_t *sets, size_t set_count,
                          fb_touched_each *f, void *ctx) FB_MUST_CHECK;

/* The old values, at a rev, of the fields of a row that changed since (rule 24): calls f per field.
 */
typedef int fb_old_each(void *ctx, const struct fb_field *field, const struct fb_value *old);
int fb_history_old_values(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                          int64_t at_rev, fb_old_each *f, void *ctx) FB_MUST_CHECK;

/* Who wrote a field's present value and when (from the newest entry that names it, else the
 * insert). FB_ERR_NOT_FOUND: the log does not know the row. */
struct fb_author {
    char employee_id[FB_ROW_ID_SIZE]; /* "": a tool at headquarters */
    char device_id[FB_ROW_ID_SIZE];   /* "": headquarters */
    int64_t edited_at_ms;
    int64_t rev;
};
int fb_history_author(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                      const struct fb_field *field, struct fb_author *ret) FB_MUST_CHECK;

/* The rev that wrote the row last. FB_ERR_NOT_FOUND: the log does not know it. */
int fb_history_row_rev(struct fb_store *s, const struct fb_entity *e, const char *row_id,
                       int64_t *ret) FB_MUST_CHECK;

/* Scope sets: "company:ID", "employee:ID,employee:ID" (sorted), "global". */
int fb_history_scope_id(struct fb_store *s, const char *key, int64_t *ret_id) FB_MUST_CHECK;
const char *fb_history_scope_key(struct fb_store *s,
                                 int64_t id); /* NULL if unknown; lives until the next call */

/* The id of a set that is known; 0: it is not. */
int fb_history_scope_find(struct fb_store *s, const char *key, int64_t *ret_id) FB_MUST_CHECK;
/* Calls f for each set that holds the scope; "company:*": any company. A set of several of them comes several times. */
typedef int fb_scope_set_each(void *ctx, int64_t scope);
int fb_history_sets_of(struct fb_store *s, const char *key, fb_scope_set_each *f,
                       void *ctx) FB_MUST_CHECK;
/* The first log entry after a rev; INT64_MAX: there is none. */
int fb_history_seq_after(struct fb_store *s, int64_t rev, int64_t *ret_seq) FB_MUST_CHECK;

/* Whose entry is it? of a rev that is still open, too. FB_ERR_NOT_FOUND: of none. */
struct fb_seq_rev {
    int64_t rev;
    int64_t at_ms;
    char employee_id[FB_ROW_ID_SIZE]; /* "": a tool at headquarters */
    char device_id[FB_ROW_ID_SIZE];   /* "": headquarters */
};
int fb_history_rev_of(struct fb_store *s, int64_t seq, struct fb_seq_rev *ret) FB_MUST_CHECK;

/* The newest log entry; 0: there is none. */
int fb_history_last_seq(struct fb_store *s, int64_t *ret_seq) FB_MUST_CHECK;

/* Takes a row's hash out of one scope set's digest and puts another in; kept in memory until
 * fb_history_end. NULL: no row. */
int fb_history_digest_move(struct fb_store *s, int64_t scope_before, const struct fb_digest *before,
                           int64_t scope_after, const struct fb_digest *after) FB_MUST_CHECK;
/* Forgets those of all sets: they are made anew. */
int fb_history_digests_clear(struct fb_store *s) FB_MUST_CHECK;
/* Of one set; zeros if it has none. */
int fb_history_digest(struct fb_store *s, int64_t scope, struct fb_digest *ret) FB_MUST_CHECK;
typedef int fb_digest_each(void *ctx, const char *scope_key, const struct fb_digest *digest);
int fb_history_digests(struct fb_store *s, fb_digest_each *f, void *ctx) FB_MUST_CHECK;

#endif
