/* SPDX-License-Identifier: MIT
 *
 * Messages of the sync protocol as plain structs, and their way to bytes and back.
 *
 * A frame on the wire, docs/protocol.md, "Frames":
 *
 *     0       4      5       6
 *     +-------+------+-------+------------------ - - -
 *     | size  | kind | flags | body, size bytes
 *     +-------+------+-------+------------------ - - -
 *     size: u32 big endian, of body, at most FB_FRAME_BYTES_MAX (before authentication FB_FRAME_BYTES_BEFORE_AUTH_MAX)
 *     kind: enum fb_message_kind; flags: bit 0 = body is one zstd frame; other bits 0
 *
 * The body is a protobuf message (proto/sync.proto, proto/enrol.proto). This folder is the only user of protobuf-c; what
 * comes out of fb_message_decode is checked: sizes, counts, enum ranges, ids, UTF-8. Values are borrowed from the arena.
 */
#ifndef FB_WIRE_MESSAGE_H
#define FB_WIRE_MESSAGE_H

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/catalogue/catalogue.h"
#include "common/store/journal.h"
#include "common/store/outbox.h"

enum fb_message_kind {
    FB_MESSAGE_HELLO = 1,
    FB_MESSAGE_WELCOME = 2,
    FB_MESSAGE_CATALOGUE = 3,
    FB_MESSAGE_PUSH_PART = 4,
    FB_MESSAGE_ACK = 5,
    FB_MESSAGE_PULL = 6,
    FB_MESSAGE_EVICT = 7,
    FB_MESSAGE_REFERENCES = 8,
    FB_MESSAGE_ROWS = 9,
    FB_MESSAGE_REMOVES = 10,
    FB_MESSAGE_CHUNK = 11, /* ends a chunk of a first download */
    FB_MESSAGE_CUT = 12,
    FB_MESSAGE_POKE = 13,
    FB_MESSAGE_PING = 14,
    FB_MESSAGE_PONG = 15,
    FB_MESSAGE_REFUSE = 16, /* a reason, then the connection closes */
    FB_MESSAGE_SCOPE_DIGESTS = 17,
    FB_MESSAGE_WIPED = 18, /* the laptop erased its data */
    FB_MESSAGE_ENROL_ASK = 32,
    FB_MESSAGE_ENROL_ANSWER = 33,
};

enum fb_verdict {
    FB_VERDICT_OK = 0,
    FB_VERDICT_NEW_INCARNATION =
        1, /* the chain does not match: take the one given, renumber, resync (rule 22) */
    FB_VERDICT_NEW_TIMELINE = 2, /* headquarters was restored: send again after seen, then resync */
    FB_VERDICT_RETRY_LATER = 3,
    FB_VERDICT_TOO_OLD = 4, /* one of the two programs is: may push, may not pull */
};

enum fb_refusal {
    FB_REFUSAL_NONE = 0,
    FB_REFUSAL_REVOKED = 1,
    FB_REFUSAL_SUSPENDED = 2,
    FB_REFUSAL_UNKNOWN_DEVICE = 3,
    FB_REFUSAL_WIPE = 4,
    FB_REFUSAL_PROTOCOL = 5,
    FB_REFUSAL_REWOUND = 6, /* the server was restored without the tool; an admin must confirm */
    FB_REFUSAL_CODE = 7,    /* enrolment: the code is unknown, used or too old */
    FB_REFUSAL_BUSY = 8,
    FB_REFUSAL_REPLACED = 9, /* a newer connection of the same device */
};

struct fb_hello {
    uint32_t protocol;
    char device_id[FB_ROW_ID_SIZE]; /* must be the certificate's */
    int64_t incarnation;            /* 0: none yet */
    char timeline[FB_ROW_ID_SIZE];  /* "": none yet */
    int64_t cursor;                 /* 0: nothing applied yet */
    int64_t catalogue_version;
    int64_t now_ms;      /* the laptop's clock: gives the offset */
    int64_t last_number; /* the newest push it holds, and its hash; 0: none */
    struct fb_sha256 last_hash;
    const char *app_version;
    int64_t acked_number;              /* the newest push it knows to be merged; 0: none */
    struct fb_sha256 log_head;         /* of the log at its cursor; zeros: it does not know */
    char (*ancestors)[FB_ROW_ID_SIZE]; /* timelines that its own was forked from, newest first */
    size_t ancestor_count;
    int64_t unsent;              /* changes that wait to be sent */
    bool is_copied;              /* another laptop with its identity took its connection away */
    int64_t stage_rev;           /* of the newest chunk of a download under way; 0: none is */
    struct fb_sha256 stage_head; /* of the log at that rev; zeros: it does not know */
};

/* A timeline that another was forked from. */
struct fb_ancestor {
    char id[FB_ROW_ID_SIZE];
    int64_t forked_at; /* the last rev that both have */
};

struct fb_welcome {
    enum fb_verdict verdict;
    uint32_t protocol; /* that headquarters speaks; 0: of a release that does not say */
    int64_t incarnation;
    char timeline[FB_ROW_ID_SIZE];
    int64_t seen; /* number and hash of the last push merged of this incarnation; 0: none */
    struct fb_sha256 seen_hash;
    int64_t staged_number; /* a push of which parts lie here: go on at part staged_parts; 0: none */
    int64_t staged_parts;
    int64_t now_ms;
    int64_t rev; /* head */
    int64_t catalogue_version;
    int64_t retry_after_ms;
    char employee_id[FB_ROW_ID_SIZE];
    const char *number_prefix;
    struct fb_ancestor *ancestors; /* of the timeline, newest first */
    size_t ancestor_count;
    bool is_cursor_lost; /* the hello's cursor and log_head are of a history that is no more */
    bool must_enrol;     /* may push, may not pull: another life of this device took its place */
    bool must_wipe;      /* hand in what waits, then erase the data and say WIPED */
    int64_t horizon;     /* a laptop that stands before this rev fetches everything; 0: none does */
    int64_t lease_ms;    /* how long it may work without hearing of headquarters; 0: for ever */
};

struct fb_catalogue_message {
    int64_t version;
    const char *document;
    size_t document_size;
};

/* One part of a frozen push. bytes is a compressed fb_changes message, as frozen, sent and staged unchanged. */
struct fb_push_part {
    int64_t incarnation;
    int64_t number;
    int64_t part;  /* from 0 */
    int64_t parts; /* of the push */
    char timeline[FB_ROW_ID_SIZE];
    struct fb_sha256 prev_hash;
    struct fb_sha256 hash; /* of prev_hash and all parts */
    struct fb_push_origin origin;
    const uint8_t *bytes;
    size_t size;
};

struct fb_ack {
    int64_t number;
};

struct fb_pull {
    int64_t cursor;
    char timeline[FB_ROW_ID_SIZE];
    bool wants_all; /* a full cut (first download, resync) */
    bool wants_digest;
    bool wants_scope_digests; /* which scopes differ, or (first of a full cut) which agree */
    const uint8_t *position;  /* of a full cut: where to go on; empty: from the start */
    size_t position_size;
    const char **scopes; /* held */
    size_t scope_count;
    const char **repair; /* scopes to be sent whole because their digest differs (rule 24) */
    size_t repair_count;
    const char **same; /* of a full cut: scopes whose digests agreed; their rows need not come */
    size_t same_count;
    int64_t found_since; /* of a full cut: old values at this rev are wanted; 0: none */
    /* Between the chunks of a full cut, the oldest of which is of the cursor's rev, and now. */
    bool closes_gap;
};

/* Old value at the replica's cursor of a field that changed since (rule 24). */
struct fb_old_value {
    uint32_t row; /* index into rows */
    uint32_t field_no;
    struct fb_value value;
};

/* Rows of one entity. A column that a device may not see is not sent: FB_ABSENT in every row. */
struct fb_rows {
    const struct fb_entity *entity;
    struct fb_row *rows;
    size_t row_count;
    struct fb_old_value *old;
    size_t old_count;
};

struct fb_poke {
    int64_t rev;
    bool scopes; /* a date passed that changes the laptop's scopes: pull, though no rev is newer */
};

struct fb_removes {
    uint32_t entity_no;
    char (*ids)[FB_ROW_ID_SIZE];
    size_t count;
};

/* Scopes the device holds no longer. */
struct fb_evict {
    const char **scopes;
    size_t scope_count;
};

/* Rows of one entity outside the device's scopes that rows inside point to. */
struct fb_references {
    uint32_t entity_no;
    char (*ids)[FB_ROW_ID_SIZE];
    const char **titles;
    size_t count;
};

/* Ends one chunk of a full cut: what came since the last chunk was read at rev; go on at position. */
struct fb_chunk {
    int64_t rev;
    int64_t rows_done;  /* for the progress display */
    int64_t rows_total; /* estimate */
    bool is_last;       /* an ordinary pull from the smallest rev closes the gap */
    const uint8_t *position;
    size_t position_size;
    const char **scopes; /* with the first chunk, and when it changes: what the download brings */
    size_t scope_count;
    struct fb_sha256 log_head; /* at rev */
};

struct fb_cut {
    int64_t rev;
    int64_t at_ms; /* the server's clock at that rev */
    int64_t seen;  /* newest push of this incarnation merged at rev: rows up to it are answered */
    int64_t rows;  /* sent in this cut: must agree with what came */
    int64_t removes;
    const char **scopes; /* the device's scopes now */
    size_t scope_count;
    int64_t history_from_ms; /* history limit; 0: none (law 12) */
    bool has_digest;
    struct fb_digest digest; /* of all rows the device holds at rev */
    struct fb_sha256 log_head;
};

struct fb_scope_digest {
    const char *scope;
    struct fb_digest digest;
};
struct fb_scope_digests {
    int64_t rev;
    struct fb_scope_digest *list;
    size_t count;
};

struct fb_refuse {
    enum fb_refusal reason;
    const char *sentence;
    int64_t retry_after_ms;
};

struct fb_enrol_ask {
    const char *code;
    const char *device_name;
    const uint8_t *csr; /* PEM */
    size_t csr_size;
    bool is_renewal; /* the old certificate says who asks; the code is empty */
    bool asks_state; /* with is_renewal: is it approved? No certificate is issued */
};
struct fb_enrol_answer {
    char device_id[FB_ROW_ID_SIZE];
    char employee_id[FB_ROW_ID_SIZE];
    const uint8_t *certificate; /* PEM chain */
    size_t certificate_size;
    const uint8_t *authority; /* PEM */
    size_t authority_size;
    const char *server_name;
    struct fb_sha256 lease_secret; /* zeros: none */
    int64_t lease_ms;
    bool is_pending; /* waits for an administrator's approval */
};

struct fb_message {
    enum fb_message_kind kind;
    union {
        struct fb_hello hello;
        struct fb_welcome welcome;
        struct fb_catalogue_message catalogue;
        struct fb_push_part push_part;
        struct fb_ack ack;
        struct fb_pull pull;
        struct fb_rows rows;
        struct fb_removes removes;
        struct fb_evict evict;
        struct fb_references references;
        struct fb_chunk chunk;
        struct fb_cut cut;
        struct fb_poke poke;
        int64_t ping_ms; /* ping and pong: the asker's clock, sent back */
        struct fb_refuse refuse;
        struct fb_scope_digests scope_digests;
        int64_t wiped_unsent;
        struct fb_enrol_ask enrol_ask;
        struct fb_enrol_answer enrol_answer;
    };
};

/* Appends one frame; batches are compressed with zstd (level 1) where it pays. FB_OK, FB_ERR_NO_MEMORY, FB_ERR_LIMIT. */
int fb_message_encode(const struct fb_message *m, struct fb_buf *out) FB_MUST_CHECK;

/* Finds the first whole frame in bytes: *ret_size is its whole size, 0 if more bytes must come. FB_ERR_PROTOCOL with a
 * sentence if it can never become a frame (size over the limit, kind unknown, flags). Nothing is allocated. */
int fb_frame_find(const uint8_t *bytes, size_t size, size_t body_max, size_t *ret_size,
                  struct fb_why *why) FB_MUST_CHECK;

/* Checks and unpacks one whole frame. Field numbers become fields of the catalogue (may be NULL for kinds without rows);
 * unknown fields are skipped, a row of an unknown entity is FB_ERR_PROTOCOL. Any bytes are survived. */
int fb_message_decode(const uint8_t *frame, size_t size, const struct fb_catalogue *catalogue,
                      struct fb_arena *arena, struct fb_message *ret,
                      struct fb_why *why) FB_MUST_CHECK;

/* The body of push parts: a writer that cuts at FB_PUSH_PART_BYTES_AIM and compresses each part. */
struct fb_changes_writer;
int fb_changes_writer_new(struct fb_changes_writer **ret) FB_MUST_CHECK;
void fb_changes_writer_free(struct fb_changes_writer *w);
/* Adds a change; *ret_part is set to a finished part (valid until the next call) or to an empty run of bytes. */
int fb_changes_writer_add(struct fb_changes_writer *w, const struct fb_change *change,
                          const uint8_t **ret_part, size_t *ret_size) FB_MUST_CHECK;
/* The last part; an empty run of bytes if nothing is left. */
int fb_changes_writer_finish(struct fb_changes_writer *w, const uint8_t **ret_part,
                             size_t *ret_size) FB_MUST_CHECK;

/* Unpacks a part, whole, checked. The changes live in the arena. */
int fb_changes_read(const uint8_t *part, size_t size, struct fb_arena *arena,
                    struct fb_change **ret, size_t *ret_count, struct fb_why *why) FB_MUST_CHECK;

#endif
