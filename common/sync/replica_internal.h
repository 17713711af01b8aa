/* SPDX-License-Identifier: MIT
 *
 * What the files of the replica's side share; for this folder only.
 *
 *   replica.c       the object, its states, bytes in and out, deadlines
 *   receive.c       one function per message of the server
 *   send.c          hello, the parts of a push, pull, ping
 *   freeze.c        the journal becomes a push
 *   pending.c       what a cut may not overwrite, and what is open
 *   apply.c         a cut into the database, in one transaction
 *   evict.c         scopes that leave and enter
 *   undo.c          rows as they were before the laptop's own unsent edits
 *   references.c    titles of rows outside
 *   remove.c        what a cut takes away: custody, unsent children, orphans
 *   stage.c         a full cut: chunks on disk, then everything in one transaction
 *   same.c          behind the horizon: what a full cut need not bring
 *   fit.c           a change too large to travel is made to fit
 *   found.c         values no journal row explains
 *   local_digest.c  digests by a scan of the tables
 *   carried.c       a round by file
 *   incarnation.c   a new incarnation, a new timeline
 *   timelines.c     the histories of headquarters that ours goes back to
 *   keymap.c        a hash table of row ids
 */
#ifndef FB_SYNC_REPLICA_INTERNAL_H
#define FB_SYNC_REPLICA_INTERNAL_H

#include "common/base/limits.h"
#include "common/base/planted.h"
#include "common/store/journal.h"
#include "common/store/outbox.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "common/sync/sync.h"

/* ---- keymap.c: rows (or other keys) to numbers; keys are 128-bit hashes ---- */

struct fb_key {
    uint64_t low;
    uint64_t high;
};

/* Zero-initialised: empty. */
struct fb_keymap {
    struct fb_key *keys; /* all zero: free */
    uint32_t *values;
    size_t capacity; /* a power of two */
    size_t count;
};

struct fb_key fb_key_of_row(uint32_t entity_no, const char *id);
struct fb_key fb_key_of_text(const char *text);
/* Adds the key with the value, or finds it: *ret_value is what stands there, *ret_is_new says
 * which. */
int fb_keymap_add(struct fb_keymap *map, struct fb_key key, uint32_t value, uint32_t *ret_value,
                  bool *ret_is_new) FB_MUST_CHECK;
bool fb_keymap_find(const struct fb_keymap *map, struct fb_key key, uint32_t *ret_value);
void fb_keymap_release(struct fb_keymap *map);

/* ---- pending.c ---- */

/* One row with unsent, unacknowledged or unanswered edits. Masks have a bit per field index, whole
 * groups. */
struct fb_pending_row {
    uint64_t kept[FB_ROW_MASK_WORDS];    /* a cut does not write these */
    uint64_t touched[FB_ROW_MASK_WORDS]; /* or open: may differ from the state at the cursor */
    bool is_kept_whole; /* inserted or deleted here: a cut does not write the row */
    bool is_touched_whole;
    bool has_journal; /* named in the journal: custody before it is removed */
    bool is_pending;  /* in the journal, or in a push that this cut does not answer */
};

/* Zero-initialised: nothing is pending. */
struct fb_pending {
    struct fb_keymap map;
    struct fb_pending_row *rows;
    size_t count;
    size_t capacity;
    bool has_journal; /* the journal held changes when this was read */
};

/* Reads journal and uncovered pushes; those up to seen are answered by the cut and only touch.
 * Inside the transaction that applies (rule 8). */
int fb_pending_load(struct fb_store *s, int64_t seen, struct fb_pending *ret) FB_MUST_CHECK;
void fb_pending_release(struct fb_pending *p);
/* NULL: nothing is known of the row. */
const struct fb_pending_row *fb_pending_find(const struct fb_pending *p, const struct fb_entity *e,
                                             const char *id);

static inline bool fb_mask_has(const uint64_t *mask, uint32_t index)
{
    return (mask[index / 64] >> (index % 64) & 1) != 0;
}
static inline void fb_mask_set(uint64_t *mask, uint32_t index)
{
    mask[index / 64] |= UINT64_C(1) << (index % 64);
}

/* ---- freeze.c ---- */

/* For planted bugs alone: freezes and empties the journal of one row. */
int fb_replica_freeze_row(struct fb_store *s, const struct fb_entity *e, const char *id,
                          int64_t now_ms, int64_t *ret_number) FB_MUST_CHECK;

/* For a planted bug alone: the newest unacknowledged push takes the journal in, under its number and
 * hash. */
int fb_replica_rebuild_push(struct fb_store *s, int64_t now_ms) FB_MUST_CHECK;

/* ---- freeze.c ---- */

/* The hash of a push as its parts stand in the outbox, behind push->prev_hash. FB_ERR_NOT_FOUND: a part is missing. */
int fb_replica_chain(struct fb_store *s, const struct fb_push *push,
                     struct fb_sha256 *ret) FB_MUST_CHECK;

/* ---- found.c ---- */

/* The laptop's own diary: one value that no journal row explains. field "id": the whole row; its
 * value is the row as JSON, or null if the row should be here and is not. Counts in *found. */
struct fb_found {
    struct fb_store *store;
    const struct fb_random *random; /* NULL: SQLite's */
    int64_t now_ms;
    int64_t *count;
};
int fb_found_value(const struct fb_found *f, const struct fb_entity *e, const char *id,
                   const char *field, const struct fb_value *value) FB_MUST_CHECK;
int fb_found_row(const struct fb_found *f, const struct fb_row *row) FB_MUST_CHECK;

/* ---- fit.c ---- */

/* False: a part or a message could not hold it. */
bool fb_change_fits(const struct fb_change *change);
/* The change as it can travel, in the arena (values are still the caller's); what is left out is found.
 * Inside the freezing transaction. */
int fb_change_make_fit(const struct fb_found *found, const struct fb_change *change,
                       struct fb_arena *arena, struct fb_change *ret) FB_MUST_CHECK;

/* ---- the round ---- */

/* What the pull under way asked for. */
enum fb_pull_kind {
    FB_PULL_CHANGES, /* from the cursor; perhaps with digest, scope digests or scopes to repair */
    FB_PULL_CHUNK,   /* the next chunk of a full cut */
    FB_PULL_GAP,     /* what changed since the oldest chunk */
};

/* fb_meta resync: why a full cut is to come. */
enum {
    FB_RESYNC_ALL = 1, /* headquarters or this laptop was put back, or a repair did not help */
    FB_RESYNC_BY_DIGEST = 2, /* the horizon passed it: what agrees is not fetched (same.c) */
};

struct fb_replica_round {
    struct fb_store *store;
    struct fb_random random;
    struct fb_replica_status status;
    struct fb_why why;           /* of the failure being returned */
    struct fb_arena arena;       /* of one message */
    struct fb_buf in;            /* a frame that is not whole yet */
    struct fb_buf frames;        /* whole frames of the cut or chunk that is coming, as they came */
    struct fb_buf scope_digests; /* frames of that kind, kept until their cut is applied */

    /* The connection. */
    int error;      /* sticks until it is closed */
    int64_t now_ms; /* as last heard */
    int64_t opened_at_ms;
    int64_t heard_at_ms; /* last byte from the server */
    int64_t pinged_at_ms;
    int64_t frame_at_ms; /* first byte of the frame that is not whole; 0: none */
    int64_t hello_at_ms;
    bool is_hello_due;
    bool is_carried; /* by file: all pushes go in one run, and clocks say nothing (carried.c) */
    bool is_greeted;
    bool awaits_catalogue;
    bool may_pull;           /* false: this program is too old to receive */
    bool has_output_blocked; /* out was full: more waits */
    bool owes_pong;
    int64_t pong_ms;

    /* Push. */
    struct fb_push last;    /* newest here; number 0: none */
    int64_t acked;          /* newest known to be merged */
    int64_t covered;        /* newest answered by a cut */
    struct fb_push sending; /* number 0: none is going up */
    int64_t next_part;
    int64_t in_flight;     /* gone up whole, not acknowledged; 0: none */
    int64_t staged_number; /* parts of it lie at headquarters, from the welcome */
    int64_t staged_parts;
    int64_t expired_at_ms; /* when old pushes were last looked for */
    bool is_write_noticed;

    /* Pull. */
    enum fb_pull_kind pull_kind;
    bool is_pull_sent;
    bool is_pull_wanted;
    bool is_digest_wanted;
    bool is_digest_asked; /* by the pull under way */
    bool are_scope_digests_wanted;
    bool is_resync;         /* fb_meta resync: a full cut is to come, the cursor stays */
    bool resyncs_by_digest; /* ... FB_RESYNC_BY_DIGEST */
    int64_t rows_same;      /* of the download under way: rows that need not come */
    bool is_stage_complete; /* fb_meta stage_complete */
    int64_t horizon;     /* from the welcome: headquarters' log tells what changed after this rev */
    int64_t found_since; /* of the resync: headquarters lost what came after this rev; 0: nothing */
    struct fb_sha256 log_head; /* of headquarters' log at status.cursor; zeros: not known */
    bool was_repair;           /* the pull under way names scopes to repair */
    bool has_spilled;          /* fb_cut_frames holds the first frames of the cut */
    char **repair;             /* malloc'ed scopes to ask for whole */
    size_t repair_count;
    int64_t repairs; /* in a row, without digests that agree */
    int64_t poke_rev;
    int64_t cursor_on_disk;
    struct fb_digest scopes_hash; /* of the scopes held on disk */

    /* Planted bugs only. */
    bool is_stuck;
    bool must_clear_journal;
    struct fb_pending early_pending;
};

/* replica.c. Leaves a sentence and returns rc; the connection is lost. */
int fb_replica_fail(struct fb_replica_round *r, int rc, const char *format, ...) FB_PRINTF(3, 4);
/* Moves to a state that the table allows. */
void fb_replica_move(struct fb_replica_round *r, enum fb_replica_state to);
/* Anything that is here and not at headquarters, or not answered. */
bool fb_replica_has_open(const struct fb_replica_round *r);
/* A full cut is to come: nothing was applied yet, or a resync was decided. */
bool fb_replica_needs_all(const struct fb_replica_round *r);
/* Reads what the connection starts from; also after an incarnation or a timeline changed it. */
int fb_replica_load(struct fb_replica_round *r) FB_MUST_CHECK;

/* What a tool did to triggers and tables since the last look is undone, and noted (A19). */
int fb_replica_mend(struct fb_replica_round *r) FB_MUST_CHECK;

/* timelines.c: which timelines ours was forked from, on disk as "ID:REV ID:REV", newest first. */
int fb_replica_ancestors(struct fb_store *s, struct fb_arena *arena, struct fb_ancestor **ret,
                         size_t *ret_count) FB_MUST_CHECK;
int fb_replica_ancestors_set(struct fb_store *s, const struct fb_welcome *w,
                             bool *ret_changed) FB_MUST_CHECK;
/* The newest rev that our timeline and the welcome's share; 0: they have none in common, as far as both know. */
int64_t fb_replica_shared_rev(const char *ours, const struct fb_ancestor *ancestors, size_t count,
                              const struct fb_welcome *w);

/* receive.c. One whole frame. */
int fb_replica_receive(struct fb_replica_round *r, const uint8_t *frame, size_t size) FB_MUST_CHECK;

/* send.c. Appends what the state asks for. */
int fb_replica_send(struct fb_replica_round *r, struct fb_buf *out) FB_MUST_CHECK;

/* incarnation.c: what the welcome says about who we are, in one transaction if anything changes. */
int fb_replica_adopt(struct fb_replica_round *r, const struct fb_welcome *w) FB_MUST_CHECK;
/* The push that headquarters saw last is another than ours: asks for a new incarnation at the next
 * hello. */
int fb_replica_disown_chain(struct fb_replica_round *r) FB_MUST_CHECK;

/* Remembers yes or no under a name of fb_meta; in a transaction of its own, if it is news. must_enrol: a copy of this laptop took its place
 * (C2), for `enrol`; is_copied: another laptop goes by its identity, for the next hello. */
int fb_replica_note(struct fb_replica_round *r, const char *key, bool value) FB_MUST_CHECK;

/* ---- apply.c, remove.c, stage.c: one transaction that applies a cut ---- */

struct fb_removed {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
};

struct fb_apply {
    struct fb_replica_round *round;
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    const struct fb_cut *cut;
    struct fb_pending pending;
    struct fb_arena arena;   /* of one frame */
    struct fb_arena scratch; /* of one row, or one walk */
    struct fb_arena kept;    /* of the whole cut: its lists of scopes */
    struct fb_scope_list held, entering, leaving, evicted;
    struct fb_keymap came; /* rows that came whole; kept if tracks_came */
    struct fb_keymap
        came_now; /* ... with this cut, not with chunks before it; kept if have_scopes_changed */
    struct fb_removed *removed;
    size_t removed_count;
    size_t removed_capacity;
    int64_t rows;
    int64_t removes;
    int64_t found;
    bool tracks_came;
    bool checks_found;    /* incremental: a local difference is found (rule 24) */
    bool inserts_plainly; /* tables are empty */
    bool is_staging;
    bool is_journal_frozen;
    bool have_scopes_changed;
    bool has_references; /* the table reference holds lines */
};

/* Values found by this cut. */
struct fb_found fb_apply_found(struct fb_apply *a);
/* In the first cut after a restore of headquarters, of a row that is not to be here any more: what the laptop itself edited comes back as
 * its replayed push, what else stands in the row headquarters has lost: it is kept as found. */
int fb_apply_keep_lost(struct fb_apply *a, const struct fb_row *row) FB_MUST_CHECK;

/* The cut that r->frames (and fb_cut_frames) hold: all or nothing. */
int fb_replica_apply(struct fb_replica_round *r, const struct fb_cut *cut) FB_MUST_CHECK;
/* Plays the frames of a run of bytes. */
int fb_apply_frames(struct fb_apply *a, const uint8_t *bytes, size_t size) FB_MUST_CHECK;
/* Freezes the journal, once, if it holds anything (rule 9). */
int fb_apply_freeze(struct fb_apply *a) FB_MUST_CHECK;

int fb_apply_removes(struct fb_apply *a, const struct fb_removes *removes) FB_MUST_CHECK;
/* Rule 13: what is left below the removed rows and in no scope held. */
int fb_apply_sweep(struct fb_apply *a) FB_MUST_CHECK;
/* Rows of synced tables for which f says so, and that are not pending, are deleted. */
typedef int fb_apply_judge(struct fb_apply *a, const struct fb_row *row, void *ctx, bool *ret_goes);
int fb_apply_delete_where(struct fb_apply *a, fb_apply_judge *f, void *ctx) FB_MUST_CHECK;

/* After scopes were repaired: rows of theirs that headquarters did not send are found, and go (rule
 * 24). */
int fb_apply_delete_unexplained(struct fb_apply *a) FB_MUST_CHECK;

/* evict.c. The cut's scopes against those held: which enter. */
int fb_apply_compare_scopes(struct fb_apply *a) FB_MUST_CHECK;
/* hidden.c. Empties what this laptop's person may not see any more. */
int fb_apply_hide(struct fb_apply *a) FB_MUST_CHECK;
/* Is the field hidden, in some rows at least? */
bool fb_hidden_has(const struct fb_scope_list *held, const struct fb_entity *e,
                   const struct fb_field *f);
int fb_apply_evict(struct fb_apply *a, const struct fb_evict *evict) FB_MUST_CHECK;
/* After the rows: what goes with scopes that left, ghosts, and remnants of scopes that enter. */
int fb_apply_scopes(struct fb_apply *a) FB_MUST_CHECK;
#define FB_SCOPES_HELD_SQL   "SELECT key FROM fb_scope_held"
#define FB_SCOPES_STAGED_SQL "SELECT key FROM fb_stage_scope"
int fb_scopes_held(struct fb_store *s, const char *table_sql, struct fb_arena *arena,
                   struct fb_scope_list *ret) FB_MUST_CHECK;

/* undo.c. Pushes up to seen are answered by the cut and stay. */
struct fb_undo;
int fb_undo_new(struct fb_store *s, int64_t seen, struct fb_undo **ret) FB_MUST_CHECK;
void fb_undo_free(struct fb_undo *u);
/* The row with the values it had; its array is in the arena. */
int fb_undo_row(const struct fb_undo *u, const struct fb_row *row, struct fb_arena *arena,
                struct fb_row *ret) FB_MUST_CHECK;
/* struct fb_scope_view, read. */
int fb_undo_read(void *ctx, const struct fb_entity *e, const char *id, struct fb_arena *arena,
                 struct fb_row *ret, bool *ret_found) FB_MUST_CHECK;

/* references.c */
int fb_references_look(struct fb_apply *a) FB_MUST_CHECK;
int fb_apply_references(struct fb_apply *a, const struct fb_references *refs) FB_MUST_CHECK;
int fb_references_arrived(struct fb_apply *a, const struct fb_row *row) FB_MUST_CHECK;
/* Before these rows go: titles of those that others point to; lines nothing points to are dropped. */
int fb_references_keep(struct fb_apply *a, const struct fb_removed *going,
                       size_t count) FB_MUST_CHECK;

/* Full cut: staged rows, before the frames of the gap. */
int fb_apply_staged(struct fb_apply *a) FB_MUST_CHECK;
/* same.c. Full cut: rows that headquarters has as they are here, as if they had come. */
int fb_apply_same(struct fb_apply *a) FB_MUST_CHECK;
/* Is the full cut to come one that leaves out what agrees? */
bool fb_replica_compares(const struct fb_replica_round *r);
/* Notes what agrees with the digests that came, of headquarters at the rev; forgets it. Inside a transaction. */
int fb_replica_note_same(struct fb_replica_round *r, int64_t rev) FB_MUST_CHECK;
int fb_replica_forget_same(struct fb_store *s) FB_MUST_CHECK;
#define FB_SCOPES_SAME_SQL "SELECT key FROM fb_stage_same_scope"
/* Full cut: rows that did not come and are not pending, after them. */
int fb_apply_delete_absent(struct fb_apply *a) FB_MUST_CHECK;

/* stage.c: the chunk that r->frames holds. */
int fb_replica_stage(struct fb_replica_round *r, const struct fb_chunk *chunk) FB_MUST_CHECK;
/* Drops what is staged; inside a transaction. */
int fb_replica_stage_drop(struct fb_store *s) FB_MUST_CHECK;
/* The welcome's horizon: a cursor before it asks for everything, chunks read before it are fetched anew. */
int fb_replica_meet_horizon(struct fb_replica_round *r, int64_t horizon) FB_MUST_CHECK;

/* A frame of a cut or chunk: kept as it came. */
int fb_replica_keep_frame(struct fb_replica_round *r, const uint8_t *frame,
                          size_t size) FB_MUST_CHECK;
/* Forgets frames of a cut that will not be whole. */
int fb_replica_drop_frames(struct fb_replica_round *r) FB_MUST_CHECK;
/* Calls f for each run of whole frames of the cut, oldest first. */
int fb_replica_each_frames(struct fb_replica_round *r,
                           int (*f)(void *ctx, const uint8_t *bytes, size_t size),
                           void *ctx) FB_MUST_CHECK;

/* ---- local_digest.c ---- */

bool fb_entity_is_synced(const struct fb_entity *e);
/* Every row with the scopes that it has of those held, by which headquarters' digests are called. */
typedef int fb_scoped_row(void *ctx, const char *scope, const struct fb_row *row);
int fb_replica_each_scoped_row(struct fb_store *store, fb_scoped_row *f, void *ctx) FB_MUST_CHECK;
/* Headquarters' digests at the rev, as they came, against those of the tables: every scope that one of the two knows. */
typedef int fb_scope_compared(void *ctx, const char *scope, bool is_equal);
int fb_replica_each_scope(struct fb_replica_round *r, int64_t rev, fb_scope_compared *f,
                          void *ctx) FB_MUST_CHECK;
/* After a cut: compares if nothing is pending, and says what to ask for next. */
int fb_replica_compare(struct fb_replica_round *r, const struct fb_cut *cut) FB_MUST_CHECK;

void fb_replica_drop_repair(struct fb_replica_round *r);

/* Small facts. */
int fb_replica_meta_int(struct fb_store *s, const char *key, int64_t missing,
                        int64_t *ret) FB_MUST_CHECK;
int fb_replica_set_int(struct fb_store *s, const char *key, int64_t value) FB_MUST_CHECK;

#endif
