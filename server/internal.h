/* SPDX-License-Identifier: MIT
 *
 * What the hub's files share; for this folder only.
 *
 *   hub.c            sessions, the queue of pushes, the turn (settle)
 *   admit.c          hello and welcome: who may come in, incarnations
 *   rewound.c        laptops know more than this database: it was set back
 *   seal.c           local writes become a rev
 *   ingest.c         one push becomes a rev: the order of the steps, aggregates, holding
 *   ingest_row.c     an insert or update, group by group
 *   ingest_delete.c  deletes as units, what comes back (rules 18, 19)
 *   ingest_right.c   whether the person who sent it may
 *   ingest_check.c   what must be true of the rows afterwards
 *   moved.c          edits of accounts that moved: who is told
 *   conflict.c       rows of conflict, held_change, receipt
 *   ruling.c held.c  decisions of people, carried out
 *   merging.c merging_undo.c   two records become one, and two again
 *   duplicates.c     is it there already?
 *   redirect.c       where a record went that was merged into another
 *   work.c           the rows of one rev, in memory
 *   work_write.c     ... into tables, log, bin and digests
 *   family.c         who follows whom
 *   new_catalogue.c  what a newer catalogue changes of what is kept
 *   digest_scan.c    digests by a scan of all rows
 *   history_limit.c  old closed records stay at headquarters
 *   compaction.c     what is older than the horizon leaves the live log
 *   cut.c ...        answers to pulls (cut_internal.h)
 *   peer_scopes.c    scopes of connected devices; device_scopes.c works them out
 *   hub_devices.c    devices that may not stay; notes of their lives
 *   hub_dates.c      what changes because a date has come
 *   hub_rights.c     rights of people, kept as long as they hold
 */
#ifndef FB_SERVER_INTERNAL_H
#define FB_SERVER_INTERNAL_H

#include <string.h>

#include "common/base/limits.h"
#include "common/base/planted.h"
#include "common/crm/may.h"
#include "common/store/history.h"
#include "common/store/journal.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "common/sync/sync.h"
#include "server/device_scopes.h"
#include "server/hub.h"

/* ---- family.c: which entities' rows follow a row of an entity, from the catalogue ---- */

/* child's rows with field = a row's id are below that row. */
struct fb_link {
    const struct fb_entity *child;
    const struct fb_field *field;
};
struct fb_family {
    const struct fb_catalogue *catalogue;
    struct fb_link **links; /* by index of the parent's entity */
    size_t *counts;
    struct fb_arena arena;
};
/* Makes it for the catalogue, if it is not made for it already. */
int fb_family_update(struct fb_family *f, const struct fb_catalogue *c) FB_MUST_CHECK;
void fb_family_release(struct fb_family *f);
/* Is the row below the row that the field names: a part, or a row whose scope it decides? References to employees never. */
bool fb_family_is_below(const struct fb_row *row, const struct fb_field *field);

/* ---- digest_scan.c: digests by scope set, by a scan of all rows ---- */

struct fb_digest_slot {
    char *key; /* owned; NULL: free */
    struct fb_digest digest;
};
struct fb_digest_scan {
    struct fb_digest_slot *slots; /* a hash table that doubles */
    size_t capacity;              /* a power of two */
    size_t count;
    int64_t rows;
};
/* Inside a transaction of any kind. Release it also after a failure. */
int fb_digest_scan_run(struct fb_store *s, struct fb_digest_scan *scan) FB_MUST_CHECK;
/* Of one set; a slot without a key: no row is in it. */
struct fb_digest_slot *fb_digest_scan_find(const struct fb_digest_scan *scan, const char *key);
void fb_digest_scan_release(struct fb_digest_scan *scan);
/* Throws the kept digests away and keeps those of the rows as they stand. Inside a write transaction, outside a rev. */
int fb_digests_make(struct fb_store *s) FB_MUST_CHECK;

/* ---- The hub ---- */

struct fb_cut_state;
struct fb_past_scopes;

/* A connected device. */
struct fb_peer {
    struct fb_hub *hub;
    struct fb_server_ops ops; /* ctx is the peer */
    struct fb_server_session *session;
    char device_id[FB_ROW_ID_SIZE];
    char employee_id[FB_ROW_ID_SIZE];
    int64_t incarnation;
    struct fb_push_in *open_push; /* its parts are coming */
    struct fb_cut_state *cut;
    int64_t cut_rev, cut_at_ms;     /* of the cut under way; 0: a chunk */
    struct fb_device_scopes scopes; /* as last worked out */
    int64_t scopes_epoch;           /* of the hub, then; 0: never */
    struct fb_rights *rights;       /* of the same time */
    char number_prefix[16];
    bool must_wipe;        /* may hand in what it has, nothing else */
    bool is_other_release; /* the same: its program and headquarters' are too far apart */
    struct fb_arena arena; /* of what the welcome points to */
    struct fb_peer *next, *previous;
    struct fb_peer *bucket_next;
    struct fb_peer *ready_next;
    bool is_ready;
};

enum fb_push_fate { FB_PUSH_WAITS, FB_PUSH_ACKED, FB_PUSH_DIVERGED, FB_PUSH_BROKEN };

/* A push as it comes in, or one run of its parts. */
struct fb_push_in {
    struct fb_push_in *next;
    struct fb_peer *peer; /* NULL: the connection is gone */
    char device_id[FB_ROW_ID_SIZE];
    char employee_id[FB_ROW_ID_SIZE];
    int64_t incarnation;
    int64_t number;
    int64_t parts;
    int64_t first_part; /* in memory; those before lie in fb_staged_part */
    int64_t part_count; /* in memory */
    struct fb_buf bytes;
    size_t *sizes;                 /* of the parts in memory; room for all */
    char timeline[FB_ROW_ID_SIZE]; /* under which it was frozen */
    struct fb_sha256 prev_hash;
    struct fb_sha256 hash;
    struct fb_push_origin origin;
    int64_t clock_offset_ms;
    bool is_whole;
    enum fb_push_fate fate; /* of this settle */
};

#define FB_PEER_BUCKETS    4096
#define FB_LIVES_NOTED_MAX 4096 /* of one turn */
#define FB_POKED_SETS_MAX  64

struct fb_hub {
    struct fb_store *store;
    struct fb_store *reader;
    struct fb_random random;
    char timeline[FB_ROW_ID_SIZE];
    int64_t lease_ms;           /* of laptops; 0: none */
    int64_t history_ms;         /* how long closed records stay on laptops; 0: for ever */
    int64_t history_from_ms;    /* the limit in force; 0: none */
    int64_t history_due_ms;     /* when it is looked at next; INT64_MAX: never */
    int64_t horizon_ms;         /* entries of the log older than that are packed; 0: none are */
    struct fb_life_note *lives; /* FB_LIVES_NOTED_MAX, not written yet */
    size_t life_count;
    char rewound[FB_WHY_SIZE]; /* why it takes nothing in (rewound.c); "": it does */
    struct fb_peer *peers;
    struct fb_peer *buckets[FB_PEER_BUCKETS];
    struct fb_peer *ready;
    struct fb_push_in *queue;
    struct fb_push_in **queue_end;
    struct fb_scope_cache *scopes; /* of the writer's rows */
    struct fb_scope_cache *reader_scopes;
    struct fb_family family;
    struct fb_family reader_family; /* the reader's catalogue */
    int64_t met_catalogue; /* new_catalogue.c: version that the digests are of; 0: unknown */
    bool meets_catalogue;  /* the next settle looks */
    struct fb_structure *structure; /* NULL: not read yet */
    int64_t structure_epoch;        /* when it was read */
    int64_t structure_version;      /* of the catalogue, then */
    int64_t structure_changes,
        scope_changes; /* grow when rows change from which scopes are worked out */
    struct fb_kept_rights *rights;
    int64_t rights_epoch; /* grows when rights may have changed */
    int64_t rights_used;
    int64_t peers_due_ms; /* hub_dates.c: scopes of a connected device change; INT64_MAX: never */
    int64_t rules_due_ms; /* a rule of territories begins or ends */
    bool are_rule_dates_known;
    struct fb_hub_counters counters;
    struct fb_hub_counters committed; /* as of the last commit */
    /* Of the settle under way. */
    int64_t touched[FB_POKED_SETS_MAX]; /* scope sets, fb_scope.id */
    size_t touched_count;
    bool has_touched_more; /* than fit: everybody is poked */
    bool has_device_changes;
    bool has_open_write; /* a page wrote since the last settle: it may have been rolled back */
    struct fb_decision *rulings;    /* conflicts, malloc'ed */
    struct fb_decision *held_again; /* held changes to be tried again */
    struct fb_decision *mergings;   /* records to be made one, or two again */
    struct fb_newcomer *newcomers;  /* rows to be compared with those there are */
    int64_t newcomer_count;
};

struct fb_work_row;

/* admit.c */
int fb_hub_admit(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms,
                 struct fb_admission *ret) FB_MUST_CHECK;
/* What the device's row says. */
struct fb_standing {
    enum fb_refusal refusal; /* NONE: it may come in */
    const char *sentence;
    int64_t retry_after_ms;           /* 0: as long as refusals take */
    bool must_wipe;                   /* it may come in to hand in what it has */
    char employee_id[FB_ROW_ID_SIZE]; /* whose it is, if it may come in */
};
int fb_hub_device_standing(struct fb_store *s, const char *device_id,
                           struct fb_standing *ret) FB_MUST_CHECK;
/* new_catalogue.c. Are the digests kept those of the rows as the store's catalogue reads them? A column with a default, or a field that
 * stays on the device from now on, makes others of them without any rev. Inside a transaction of any kind. */
int fb_hub_has_met_catalogue(struct fb_hub *hub, struct fb_store *s, bool *ret) FB_MUST_CHECK;
/* Makes them anew if they are not; in the writer's transaction, when all is sealed. */
int fb_hub_meet_catalogue(struct fb_hub *hub) FB_MUST_CHECK;
/* hub.c: the first peer of a device's bucket; a push taken out of the queue. */
struct fb_peer **fb_hub_bucket(struct fb_hub *hub, const char *device_id);
void fb_hub_push_free(struct fb_push_in *q);
/* hub_devices.c */
int fb_hub_recheck_devices(struct fb_hub *hub) FB_MUST_CHECK;
/* Was the device shut out by what this turn sealed? Then its push is not merged. */
int fb_hub_is_out(struct fb_hub *hub, const struct fb_push_in *q, bool *ret) FB_MUST_CHECK;
/* The laptop says that it erased its data. */
int fb_hub_wiped(struct fb_peer *peer, struct fb_server_session *session, int64_t unsent,
                 int64_t now_ms) FB_MUST_CHECK;
void fb_hub_note_hello(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms);
void fb_hub_note_cut(struct fb_peer *peer, int64_t rev, int64_t now_ms);
int fb_hub_save_lives(struct fb_hub *hub) FB_MUST_CHECK; /* inside a transaction */
/* The newest push merged of an incarnation; number 0: none. */
int fb_hub_seen(struct fb_store *s, int64_t incarnation, int64_t *ret_number,
                struct fb_sha256 *ret_hash) FB_MUST_CHECK;
/* The hash under which a push was merged. */
int fb_hub_seen_hash(struct fb_store *s, int64_t incarnation, int64_t number, struct fb_sha256 *ret,
                     bool *ret_found) FB_MUST_CHECK;

/* peer_scopes.c. Works the device's scopes out anew if anything changed that they follow from. */
int fb_peer_scopes(struct fb_peer *peer, struct fb_store *s, int64_t now_ms) FB_MUST_CHECK;
/* The same for a device that may not be connected; spare holds the list then. In the writer's transaction. */
int fb_hub_scopes_of(struct fb_hub *hub, const char *device_id, const char *employee_id,
                     int64_t now_ms, struct fb_device_scopes *spare,
                     const struct fb_scope_list **ret) FB_MUST_CHECK;
/* hub_dates.c. Outside a transaction, before the turn: devices whose scopes changed by date are poked; companies are assigned anew when a
 * rule of territories begins or ends, which the turn then seals. */
int fb_hub_meet_dates(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;
/* What was worked out may rest on what was rolled back. */
void fb_hub_forget_scopes(struct fb_hub *hub);
/* A row is about to be logged: scopes may follow from it; devices that may gain one are poked. */
int fb_hub_note_scope_change(struct fb_hub *hub, const struct fb_work_row *row) FB_MUST_CHECK;

/* cut_rights.c: adds the keys of what is hidden, and sorts the list. */
int fb_view_add_keys(const struct fb_rights *r, const struct fb_catalogue *c,
                     struct fb_scope_list *list, struct fb_arena *arena) FB_MUST_CHECK;

/* cut.c */
int fb_hub_cut_open(struct fb_peer *peer, const struct fb_pull *pull, int64_t now_ms) FB_MUST_CHECK;
int fb_hub_cut_next(struct fb_peer *peer, struct fb_buf *out, bool *ret_is_over) FB_MUST_CHECK;
void fb_hub_cut_close(struct fb_peer *peer);

/* seal.c: the journal as one rev; inside the settling transaction. Journal and rev are empty or both are not. */
int fb_hub_seal(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;
/* The same as a person's; NULL: a tool's. */
int fb_hub_seal_as(struct fb_hub *hub, const char *employee_id, int64_t now_ms) FB_MUST_CHECK;

/* ---- The rows of one rev, in memory: decided first, then written ---- */

struct fb_work_row;

enum fb_held_reason {
    FB_HELD_RIGHT,
    FB_HELD_FIELD_RIGHT,
    FB_HELD_TYPE,
    FB_HELD_RULE,
    FB_HELD_OUT_OF_SCOPE,
    FB_HELD_MISSING_ROW,
    FB_HELD_LOCKED,
    FB_HELD_NOT_ALLOWED_STEP,
};

/* A parent row with its parts: held as a whole (rule 20). */
struct fb_aggregate {
    struct fb_aggregate *next;
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    struct fb_work_row *rows; /* by aggregate_next */
    bool is_held;
    enum fb_held_reason reason;
    const char *sentence;
};

/* A conflict to be written, or an open one whose mine is replaced. Texts are JSON objects by field name. */
struct fb_conflict {
    struct fb_conflict *next;
    const struct fb_entity *entity;
    const char *row_id;
    const char *group; /* "row" for a delete against an edit */
    const char *base, *theirs, *mine;
    struct fb_author theirs_author;
    int64_t mine_at_ms;
    const char *policy;
    const char *outcome; /* "auto", "waiting" */
    const char *reason;
    const char *replaces_id; /* an open conflict (rule 17); NULL: a new one */
    bool is_amended;         /* mine does not stand: a receipt says so */
};

/* A step of a sum that counts with this rev. */
struct fb_counted_step {
    struct fb_counted_step *next;
    uint8_t id[8];
};

struct fb_work_row {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    bool was_here; /* before this rev: before holds it */
    bool is_here;  /* after it: now holds it */
    bool is_named; /* by the push: the cut answers it though nothing changed */
    bool is_restored;
    bool is_stored; /* seal: the table holds now already, but for write_mask and stamps */
    bool is_loaded;
    bool must_rescope; /* an ancestor moves in this rev */
    bool is_asked_scope;
    bool has_moved_away; /* its author's device held it at the cursor, and does not any more */
    bool is_unseen;    /* a delete above it would take it along, unknown to the deleter's laptop */
    int64_t bin_cause; /* it rests in the bin: before is its image; 0: it does not */
    struct fb_row before;
    struct fb_row now;
    bool has_own_values;                    /* now's values are its own array */
    uint64_t mask[FB_ROW_MASK_WORDS];       /* fields in which now differs from before */
    uint64_t write_mask[FB_ROW_MASK_WORDS]; /* fields the table does not hold yet */
    bool has_changes;                       /* mask is not empty */
    uint64_t confirmed[FB_ROW_MASK_WORDS];  /* written again with the value that stands, later */
    bool has_confirmed;
    int64_t *field_at_ms; /* when each field was edited, 0: as the row; NULL: all as the row */
    bool writes_stamps;
    const struct fb_change *change; /* of the push; NULL: touched by a consequence */
    int64_t edited_at_ms;           /* corrected; 0: as the rev */
    struct fb_aggregate *aggregate;
    struct fb_work_row *aggregate_next;
    struct fb_conflict *conflicts;
    struct fb_conflict *kept_conflicts; /* also if the row is held */
    struct fb_redirected *redirected;   /* edits of records that were merged into it */
    struct fb_counted_step *steps;
    struct fb_work_row *delete_top; /* it goes with this row's delete; NULL: it stays */
    int64_t scope_before, scope_after;
    int64_t delete_seq; /* of the log entry */
};

/* Several rows come back together because an edit met one of them (rule 19). */
struct fb_restore {
    struct fb_restore *next;
    int64_t cause;
    /* the row an edit met; NULL: it came back with another cause, below it */
    struct fb_work_row *target;
    struct fb_work_row **rows;
    size_t row_count, row_capacity;
    struct fb_work_row **asked_by;
    size_t asked_count, asked_capacity;
};

struct fb_row_slot {
    uint64_t hash;
    void *item;
};

struct fb_row_map {
    struct fb_row_slot *slots;
    size_t capacity, count;
};

/* Whose changes they are. */
struct fb_source {
    const char *device_id;   /* NULL: headquarters */
    const char *employee_id; /* NULL: a tool at headquarters */
    const char
        *judged_by; /* whose rights count: the certificate's person; NULL: headquarters' own */
    int64_t incarnation;
    int64_t push;
    int64_t clock_offset_ms;
    const char *held_id; /* a held change is tried again: its row; NULL */
    bool is_approved;    /* ... by somebody else than its author: his word counts, not the scope */
    const char *held_error;  /* ... and cannot even be read: the sentence; NULL */
    const char *timeline;    /* the push's; NULL: ours */
    const char *whole_error; /* the push is held as a whole: its rows are only named; NULL */
    /* of that push; its bytes stay in fb_staged_part if it is too large to be written down */
    int64_t parts;
};

struct fb_work {
    struct fb_hub *hub;
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_arena *arena;
    struct fb_source source;
    int64_t now_ms;
    bool is_seal;
    bool is_consequence; /* what decisions make: no decisions themselves */
    struct fb_work_row **rows;
    size_t row_count, row_capacity;
    struct fb_row_map row_map;
    struct fb_aggregate *aggregates;
    struct fb_row_map aggregate_map;
    struct fb_row_map known; /* rows known to be at headquarters */
    struct fb_restore *restores;
    struct fb_counted_step *steps; /* counted in this rev */
    int64_t rev;
    const struct fb_change *whole; /* the push that is held as a whole */
    size_t whole_count;
    const struct fb_change **strays; /* of entities no one knows here */
    size_t stray_count, stray_capacity;
    int64_t cursor_asked, cursor_at_ms; /* the time of the last cursor asked for */
    bool has_newly_held;
    bool has_redirected;
    bool is_merge_asked, has_merged; /* was anything ever merged? */
    bool is_bin_empty;               /* seal: nothing that comes can rest in it */
    int64_t stamp_ms;                /* the instant made last, and its text */
    struct fb_value stamp;
    struct fb_paths *paths;             /* ingest_row.c: ways from stage to stage */
    struct fb_past_scopes *past_scopes; /* judge_scope.c */
    bool is_judged_by_past;             /* ... the last answer */
    struct fb_device_scopes own_scopes; /* of a device that is not connected any more */
    struct fb_conflict *open_conflicts; /* conflict.c: of this device, read once */
    bool has_open_conflicts;
    struct fb_buf text;      /* scratch */
    struct fb_arena scratch; /* of one row: what the merge needs for the moment */
};

/* work.c. The arena must outlive the work. */
void fb_work_init(struct fb_work *w, struct fb_hub *hub, struct fb_arena *arena,
                  const struct fb_source *source, int64_t now_ms);
/* Of what follows from the rev that is open: it becomes part of it. */
void fb_work_init_consequence(struct fb_work *w, struct fb_hub *hub, struct fb_arena *arena,
                              const struct fb_source *source, int64_t rev, int64_t now_ms);
void fb_work_release(struct fb_work *w);
/* The row, known to the work from now on, with what headquarters has of it (table or bin) if it is asked for the first time. */
int fb_work_row(struct fb_work *w, const struct fb_entity *e, const char *id,
                struct fb_work_row **ret) FB_MUST_CHECK;
/* The same without reading anything: the caller fills it. */
int fb_work_row_unread(struct fb_work *w, const struct fb_entity *e, const char *id,
                       struct fb_work_row **ret, bool *ret_is_new) FB_MUST_CHECK;
/* NULL: the work does not know it. */
struct fb_work_row *fb_work_find(const struct fb_work *w, const struct fb_entity *e,
                                 const char *id);
/* Sets a field of now; notes it if it differs. The value must live as long as the work. */
int fb_work_set(struct fb_work *w, struct fb_work_row *row, const struct fb_field *f,
                const struct fb_value *v) FB_MUST_CHECK;
/* now becomes an empty row with the fields' defaults. */
int fb_work_make(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;
/* A new row of one of our own entities (conflict ...), its id made here. */
int fb_work_add(struct fb_work *w, const struct fb_entity *e,
                struct fb_work_row **ret) FB_MUST_CHECK;
/* By name; a field the catalogue does not have is left out. The value is copied. */
int fb_work_set_named(struct fb_work *w, struct fb_work_row *row, const char *field,
                      const struct fb_value *v) FB_MUST_CHECK;
/* A text of one of our own entities' rows, terminated, in the work's arena; "" for none. */
const char *fb_work_text(struct fb_work *w, const struct fb_row *row, const char *field);
int fb_work_set_text(struct fb_work *w, struct fb_work_row *row, const char *field,
                     const char *text) FB_MUST_CHECK;
int fb_work_set_instant(struct fb_work *w, struct fb_work_row *row, const char *field,
                        int64_t ms) FB_MUST_CHECK;
/* The rows directly below, as it will be: of the table, and those the work makes or moves there. In the arena. */
int fb_work_children(struct fb_work *w, const struct fb_work_row *parent, struct fb_work_row ***ret,
                     size_t *ret_count) FB_MUST_CHECK;
/* As it will be: is it there after this rev? Reads the table for rows the work does not know. */
int fb_work_is_here(struct fb_work *w, const struct fb_entity *e, const char *id,
                    bool *ret) FB_MUST_CHECK;
int fb_row_copy(struct fb_arena *arena, const struct fb_row *row, struct fb_row *ret) FB_MUST_CHECK;
/* Writes {"field": value ...} for the fields of a mask (NULL: all) into the arena. */
int fb_work_row_json(struct fb_work *w, const struct fb_row *row, const uint64_t *mask,
                     const char **ret) FB_MUST_CHECK;

/* A map from rows to pointers; zero-initialised: empty. */
uint64_t fb_row_hash(uint32_t entity_no, const char *id);
void *fb_row_map_find(const struct fb_row_map *m, uint64_t hash,
                      bool (*is_it)(const void *item, const void *key), const void *key);
int fb_row_map_add(struct fb_row_map *m, uint64_t hash, void *item) FB_MUST_CHECK;

static inline bool fb_mask_get(const uint64_t *mask, uint32_t index)
{
    return (mask[index / 64] >> (index % 64) & 1) != 0;
}
static inline void fb_mask_put(uint64_t *mask, uint32_t index)
{
    mask[index / 64] |= UINT64_C(1) << (index % 64);
}

/* work_write.c: everything the work decided, into tables, log, bin, digests; fb_history_begin was called. */
int fb_work_write(struct fb_work *w) FB_MUST_CHECK;
/* All rows that follow the row, down to the last generation, look at their scopes again; depth 0. */
int fb_work_rescope_below(struct fb_work *w, struct fb_work_row *row, int depth) FB_MUST_CHECK;

/* history_limit.c. The limit that is in force in this database; 0: none. */
int fb_history_limit(struct fb_store *s, int64_t *ret_from_ms) FB_MUST_CHECK;
/* A cache for whoever looks at scopes as laptops do now: the limit is in force in it. The caller frees it. */
int fb_history_limit_scopes(struct fb_store *s, struct fb_scope_cache **ret) FB_MUST_CHECK;
bool fb_history_limit_is_due(const struct fb_hub *hub, int64_t now_ms);
/* Moves it on, or back if the setting changed, by so many records at most; in the transaction of a settle. */
int fb_history_limit_step(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;

/* ---- Ingest ---- */

/* One push (or one held change tried again) as a rev of its own. The changes live in the arena. */
int fb_ingest(struct fb_hub *hub, const struct fb_source *source, const struct fb_change *changes,
              size_t count, struct fb_arena *arena, int64_t now_ms) FB_MUST_CHECK;
/* Holds the row's aggregate: its rows are as before the push. The sentence is for people. */
int fb_ingest_hold(struct fb_work *w, struct fb_work_row *row, enum fb_held_reason reason,
                   const char *format, ...) FB_PRINTF(4, 5);
int fb_ingest_aggregate(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;
/* replay.c: a push that an earlier life of its laptop had sent before comes once more: is its first form here? And: now it is. */
int fb_replay_is_known(struct fb_store *s, const struct fb_push_origin *origin,
                       bool *ret) FB_MUST_CHECK;
int fb_replay_note(struct fb_store *s, const struct fb_push_origin *origin) FB_MUST_CHECK;

/* The time of an edit by headquarters' clock, between the cut at the cursor its author had seen and now (rule 25). */
int fb_ingest_clock(struct fb_work *w, int64_t cursor, int64_t edited_at_ms,
                    int64_t *ret) FB_MUST_CHECK;

/* moved.c. Receipts and notifications about merged edits of accounts that had left their author. */
int fb_moved_tell(struct fb_work *w) FB_MUST_CHECK;

/* judge_scope.c. May the source's device touch the row, as headquarters has it, with a change of this cursor? */
int fb_judge_sees(struct fb_work *w, const struct fb_work_row *row, int64_t cursor,
                  bool *ret) FB_MUST_CHECK;
/* Was the row, which is there, on the source's device at that cursor? False for others' private rows, for old closed ones that stay at
 * headquarters, for what the person's roles hide. */
int fb_judge_was_there(struct fb_work *w, const struct fb_work_row *row, int64_t cursor,
                       bool *ret) FB_MUST_CHECK;
/* Holds a change of a row that is not seen, or not there: both are answered alike (G7), also where the log does not reach back so far. */
int fb_judge_hold(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;
void fb_judge_release(struct fb_work *w);

/* ingest_row.c */
int fb_ingest_row(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;

/* ingest_delete.c. Brings a row back, with all that went with it and what it hangs on; for_row asked. */
int fb_ingest_restore(struct fb_work *w, struct fb_work_row *row,
                      struct fb_work_row *for_row) FB_MUST_CHECK;
/* Undoes restorations nobody asks for any more; completes those somebody does. */
int fb_ingest_settle_restores(struct fb_work *w) FB_MUST_CHECK;
/* One conflict for each: deleted at headquarters, edited on the laptop. */
int fb_ingest_note_restores(struct fb_work *w) FB_MUST_CHECK;
/* Judges and plays the push's deletes. */
int fb_ingest_deletes(struct fb_work *w) FB_MUST_CHECK;
/* Everything below top goes with it, unjudged: a delete at headquarters. */
int fb_ingest_cascade(struct fb_work *w, struct fb_work_row *top) FB_MUST_CHECK;

/* ingest.c. Where the laptop stood when it last wrote the row. */
int64_t fb_ingest_last_cursor(const struct fb_change *c);

/* ingest_right.c: holds the aggregates that the person may not change. */
int fb_ingest_rights(struct fb_work *w) FB_MUST_CHECK;

/* hub_rights.c. Borrowed until the next call; what it remembers of records is forgotten. */
int fb_hub_rights(struct fb_hub *hub, const char *employee_id, int64_t now_ms,
                  struct fb_rights **ret) FB_MUST_CHECK;
void fb_hub_forget_rights(struct fb_hub *hub);
/* Do rights follow from rows of this entity? */
bool fb_rights_follow_from(const struct fb_entity *e);

/* ingest_check.c: holds the aggregates that break a rule; has_newly_held says that another pass is needed. */
int fb_ingest_check(struct fb_work *w) FB_MUST_CHECK;

/* conflict.c */
int fb_conflict_add(struct fb_work *w, struct fb_work_row *row,
                    const struct fb_conflict *c) FB_MUST_CHECK;
/* One that stays though the row's own edit is held. */
int fb_conflict_keep(struct fb_work *w, struct fb_work_row *row,
                     const struct fb_conflict *c) FB_MUST_CHECK;
/* An open conflict of this device about that group whose mine is what the change has as its base; NULL: none (rule 17). */
int fb_conflict_find_open(struct fb_work *w, struct fb_work_row *row, const char *group,
                          const char *base_json, const char **ret_id) FB_MUST_CHECK;
/* The rows of conflict, held_change and receipt that the work's decisions ask for. */
int fb_conflict_write_all(struct fb_work *w) FB_MUST_CHECK;
/* A receipt for the push's author. */
int fb_receipt_write(struct fb_work *w, const char *entity, const char *row_id, const char *state,
                     const char *detail) FB_MUST_CHECK;
const char *fb_held_reason_name(enum fb_held_reason reason);

/* held.c */
int fb_held_json(struct fb_work *w, const struct fb_aggregate *a, const char **ret) FB_MUST_CHECK;
int fb_held_push_json(struct fb_work *w, const struct fb_change *changes, size_t count,
                      const char **ret) FB_MUST_CHECK;
int fb_held_stray_json(struct fb_work *w, const struct fb_change *c,
                       const char **ret) FB_MUST_CHECK;
struct fb_held {
    struct fb_change *changes;
    size_t count;
    const char *timeline; /* of their cursors, where it is one that headquarters lost; NULL */
};
/* Everything read lies in the arena. */
int fb_held_parse(const struct fb_catalogue *c, const char *json, size_t size,
                  struct fb_arena *arena, struct fb_held *ret, struct fb_why *why) FB_MUST_CHECK;

/* held_again.c. Was it frozen under a timeline that is not headquarters' own any more? */
bool fb_source_has_lost_timeline(const struct fb_hub *hub, const struct fb_source *source);
/* Rows came back after a restore: what was held for lack of them is noted to be tried again. */
int fb_held_note_awaiting(struct fb_work *w) FB_MUST_CHECK;
/* Held changes noted to be tried again are played, each as a rev of its own. */
int fb_held_play(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;

/* ---- Decisions of people: changes of conflict, held_change and device that came with a rev ---- */

struct fb_decision {
    struct fb_decision *next;
    char id[FB_ROW_ID_SIZE];
    char before[16];     /* of a ruling: the outcome before it */
    char decided_at[32]; /* ... and when that was decided; "": it was not */
    char by_id
        [FB_ROW_ID_SIZE]; /* whose push brought it, by the certificate; "": headquarters' own programs */
};

/* ruling.c. Notes what was decided in a work that is about to be written. */
int fb_decisions_note(struct fb_work *w) FB_MUST_CHECK;
/* Takes it over. They are played in the order in which what they decide was made: a held change may need the row that one before it makes. */
void fb_decision_add(struct fb_decision **list, struct fb_decision *d);
void fb_decisions_forget(struct fb_hub *hub);
/* Noted rulings set the chosen values on their records, in the rev under way. */
int fb_ruling_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev,
                   int64_t now_ms) FB_MUST_CHECK;

/* merging.c: noted mergings are carried out or taken back, each after the other, in the rev under way. */
int fb_merging_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev,
                    int64_t now_ms) FB_MUST_CHECK;

/* duplicates.c: notes a row that was made or renamed in a work about to be written; noted ones are compared in the rev under way. */
int fb_duplicates_note(struct fb_work *w, const struct fb_work_row *row) FB_MUST_CHECK;
int fb_duplicates_play(struct fb_hub *hub, const struct fb_source *source, int64_t rev,
                       int64_t now_ms) FB_MUST_CHECK;
void fb_duplicates_forget(struct fb_hub *hub);

/* ---- redirect.c ---- */

/* The record that stands for an id which was merged away; ret_id stays as it is for one that is there or was never merged. */
int fb_redirect_follow(struct fb_work *w, const struct fb_entity *e,
                       char ret_id[static FB_ROW_ID_SIZE], bool *ret_found) FB_MUST_CHECK;
/* The change with its references led to where the records are now; ret is c itself if nothing is to be done. */
int fb_redirect_references(struct fb_work *w, const struct fb_entity *e, const struct fb_change *c,
                           const struct fb_change **ret) FB_MUST_CHECK;
/* The same for a row that comes out of the bin. */
int fb_redirect_row(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;
/* A change of a record that was merged into another goes to that one's; fb_redirect_join then makes one change of all of a row. */
int fb_redirect_note(struct fb_work *w, const struct fb_entity *e, const struct fb_change *c,
                     struct fb_work_row *dropped, bool *ret_is_redirected) FB_MUST_CHECK;
int fb_redirect_join(struct fb_work *w) FB_MUST_CHECK;

/* stage_history.c: rows for the steps of an opportunity's stage. */
int fb_stage_history_add(struct fb_work *w, struct fb_work_row *row) FB_MUST_CHECK;

/* territory_history.c: rows for companies that enter and leave territories; once all is decided. */
int fb_territory_history_add(struct fb_work *w) FB_MUST_CHECK;

/* The hub notes which scope sets a rev touched, for the pokes. */
void fb_hub_note_touched(struct fb_hub *hub, int64_t scope);

#endif
