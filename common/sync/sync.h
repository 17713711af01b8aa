/* SPDX-License-Identifier: MIT
 *
 * The round, both sides, without I/O: bytes and time come in, bytes go out, rows go through the store. No socket, clock,
 * thread or random source of its own; the same object files run under libuv and under the simulator.
 *
 * Replica's side: struct fb_replica_round, one per laptop, living across connections. Server's side: struct fb_server_session,
 * one per connection; what it decides about rows it asks of the hub through struct fb_server_ops (server/hub.c).
 * State tables and diagrams stand in replica.c and server.c; the rules are those of docs/architecture.md, "The round".
 */
#ifndef FB_SYNC_SYNC_H
#define FB_SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/store/store.h"
#include "common/wire/message.h"

/* ---- Replica ---- */

struct fb_replica_round;

enum fb_replica_state {
    FB_REPLICA_OFFLINE,  /* no connection */
    FB_REPLICA_GREETING, /* hello sent, welcome awaited */
    FB_REPLICA_PUSHING,  /* parts of a push are going up, or its ack is awaited */
    FB_REPLICA_PULLING,  /* pull sent, rows are coming */
    FB_REPLICA_IN_STEP,  /* connected, nothing to send, nothing known to fetch */
    FB_REPLICA_REFUSED,  /* the server said no: see status.sentence */
};

/* "in step": for logs and people. */
const char *fb_replica_state_name(enum fb_replica_state state);

struct fb_replica_status {
    enum fb_replica_state state;
    int64_t cursor;
    int64_t server_rev;      /* newest known */
    int64_t clock_offset_ms; /* server's clock minus ours, as last measured */
    int64_t last_cut_at_ms;  /* our clock; 0: never */
    int64_t scopes_same; /* whose digests agreed behind the horizon, so that nothing of them came */
    int64_t rows_staged; /* first download: done and expected */
    int64_t rows_expected;
    int64_t bytes_sent, bytes_received; /* of frames, without TLS; since the object was made */
    int64_t changes_sent, rows_received, removes_received; /* since the object was made */
    int64_t rounds, cuts;
    int64_t found; /* values that no journal explained */
    int64_t digest_checks, digest_differences;
    int64_t mended;        /* how often triggers or tables had to be made again */
    char mended_note[256]; /* which, the last time */
    bool is_first_download;
    bool must_wipe; /* headquarters ordered the data to be erased, after what waits went up */
    enum fb_refusal refusal;
    enum fb_verdict verdict;
    int64_t retry_after_ms;
    int64_t welcomes; /* since the object was made */
    int64_t lease_ms; /* as the last of them said; 0: none */
    bool must_enrol; /* a copy of this laptop took its place: hands in its work, then enrols anew */
    char sentence[FB_WHY_SIZE]; /* what went wrong last, for people; "" */
};

/* Gives the database of a copy an identity of its own: what it holds goes up under it, then everything is fetched. In a transaction of
 * its own; with no round open on the store. */
int fb_replica_enrol_anew(struct fb_store *s, const char *device_id,
                          const char *employee_id) FB_MUST_CHECK;

/* The certificate says who this laptop is. A database that names another device, or none, is of before it enrolled anew (an enrolment
 * that was cut between its files, or a copy of the database that was put back): it goes on as that of the certificate's device, as above. With no
 * round open on the store. */
int fb_replica_follow_certificate(struct fb_store *s, const char *device_id,
                                  bool *ret_changed) FB_MUST_CHECK;

/* After fb_store_salvage: pushes whose bytes are not those that were frozen are dropped, and everything is fetched with the next round.
 * has_counters: of numbers that people read none is unknown; else they go on under another prefix. */
struct fb_replica_salvaged {
    int64_t pushes; /* that wait to be sent, whole */
    int64_t changes;
    int64_t pushes_lost;
};
int fb_replica_salvage_outbox(struct fb_store *s, bool has_counters,
                              struct fb_replica_salvaged *ret) FB_MUST_CHECK;

/* store: opened as a replica, enrolled (fb_meta device_id). Borrowed, must outlive the round. */
int fb_replica_round_new(struct fb_store *store, const struct fb_random *random,
                         struct fb_replica_round **ret) FB_MUST_CHECK;
void fb_replica_round_free(struct fb_replica_round *r);

/* The connection is up (TLS done), or gone. closed forgets partial frames; the state of the exchange is on disk. */
void fb_replica_round_opened(struct fb_replica_round *r, int64_t now_ms);
void fb_replica_round_closed(struct fb_replica_round *r, int64_t now_ms);

/* Bytes from the server. A negative result says that the connection must be closed (protocol broken, disk full ...): the
 * sentence is in the status. */
int fb_replica_round_feed(struct fb_replica_round *r, const uint8_t *bytes, size_t size,
                          int64_t now_ms) FB_MUST_CHECK;
/* Appends what to send, as much as out has room for below FB_OUTPUT_BYTES_HIGH; take again when out has left. Same errors. */
int fb_replica_round_take(struct fb_replica_round *r, struct fb_buf *out,
                          int64_t now_ms) FB_MUST_CHECK;
/* Call take by then; INT64_MAX: never. */
int64_t fb_replica_round_deadline_ms(const struct fb_replica_round *r);

/* The journal may have grown (own or foreign write): the next take freezes and pushes. */
void fb_replica_round_noticed_write(struct fb_replica_round *r, int64_t now_ms);
/* Ask for a digest with the next cut, and compare when nothing is pending (rule 21). */
void fb_replica_round_want_digest(struct fb_replica_round *r);

const struct fb_replica_status *fb_replica_round_status(const struct fb_replica_round *r);
/* True when connected, everything sent and acknowledged, the last cut is not older than the last poke, nothing open, and (if wanted)
 * the digest agreed. */
bool fb_replica_round_is_in_step(const struct fb_replica_round *r);

/* Headquarters ordered the data to be erased, and it is time: headquarters has all that waited here (what somebody saved this moment
 * goes up first: the next take freezes it), or wants nothing of it. *ret_unsent: how many edits go with the data. It may be asked after the
 * connection was refused, too. Then the shell closes the store, erases, and says WIPED in place of a hello. */
bool fb_replica_round_may_wipe(struct fb_replica_round *r, int64_t now_ms, int64_t *ret_unsent);

/* ---- A round by file: carried.c (docs/protocol.md) ---- */

/* Appends what the laptop says: hello, every push that no cut has answered (the journal is frozen first), the pull. FB_ERR_REFUSED:
 * it needs a connection; FB_ERR_LIMIT: ret is full; each with a sentence. With no connection open. */
int fb_replica_round_export(struct fb_replica_round *r, struct fb_buf *ret, int64_t now_ms,
                            struct fb_why *why) FB_MUST_CHECK;
/* Takes in what fb_hub_answer appended for the newest export, in the transaction of its cut. FB_ERR_INVALID: it answers an older one;
 * FB_ERR_EXISTS: nothing of it is left to take in; each with a sentence, and no row changed (the journal may be frozen, the welcome
 * heard). ret_answered_at_ms: when, by headquarters' clock. */
int fb_replica_round_import(struct fb_replica_round *r, const uint8_t *answer, size_t size,
                            int64_t now_ms, int64_t *ret_answered_at_ms,
                            struct fb_why *why) FB_MUST_CHECK;

/* The pieces, also used by tests. freeze.c: freezes the whole journal into one push; *ret_number 0 if it was empty. Inside a transaction. */
int fb_replica_freeze(struct fb_store *s, int64_t now_ms, int64_t *ret_number) FB_MUST_CHECK;
/* The chain of pushes, both sides: a push's hash starts as the hash of the push before (zeros for the first of an incarnation)
 * and takes in its parts, as sent, one after the other: hash = SHA-256(hash, part). */
struct fb_sha256 fb_push_chain(const struct fb_sha256 *before, const void *part, size_t size);
/* The digest of all synced rows that are here, by a scan of the tables (local_digest.c). */
int fb_replica_digest(struct fb_store *s, struct fb_digest *ret) FB_MUST_CHECK;

/* ---- Scopes of a row: scope.c; both sides, from the catalogue's rule ---- */

#define FB_SCOPE_SET_BYTES_MAX 2048 /* of a row's set, as text: 32 keys of 56 bytes */

/* The set of scopes the row belongs to, sorted, joined by commas, appended to ret: "global", "company:ID", "employee:ID",
 * "employee:ID,employee:ID"; "" for rows that no device holds. Reads parents through the store. A row whose parent is missing belongs
 * to its owner's scope, else it is global. */
int fb_scope_of_row(struct fb_store *s, const struct fb_row *row, struct fb_buf *ret) FB_MUST_CHECK;
/* The same with a memory for parents' sets; clear it whenever a row that others follow was written. */
struct fb_scope_cache;
int fb_scope_cache_new(struct fb_scope_cache **ret) FB_MUST_CHECK;
void fb_scope_cache_free(struct fb_scope_cache *cache);
void fb_scope_cache_clear(struct fb_scope_cache *cache);
/* The history limit (law 12): to those who ask with this cache, closed records that nobody wrote since are in no scope, nor is what
 * follows them. 0 (at first): all are where they belong. */
void fb_scope_cache_limit(struct fb_scope_cache *cache, int64_t history_from_ms);
/* Closed, of a kind that becomes old, and last written before that time? */
bool fb_scope_is_old(const struct fb_row *row, int64_t history_from_ms);
/* Is the entity of that kind: records that can be closed, but for companies, what is everybody's, and parts? */
bool fb_scope_can_age(const struct fb_entity *e);
int fb_scope_of_row_cached(struct fb_scope_cache *cache, struct fb_store *s,
                           const struct fb_row *row, struct fb_buf *ret) FB_MUST_CHECK;
/* Does the row follow others only: would its set change if the row with this entity and id moved? True if field is what decides. */
bool fb_scope_field_decides(const struct fb_row *row, const struct fb_field *field);
/* How rows are read while a set is worked out. */
struct fb_scope_view {
    bool is_partial; /* a laptop: what is not there belongs to scopes that are not held */
    /* NULL: the table. Else reads in its place: the row as it was before the laptop's own unsent moves. */
    int (*read)(void *ctx, const struct fb_entity *e, const char *id, struct fb_arena *arena,
                struct fb_row *ret, bool *ret_found);
    void *ctx;
};
extern const struct fb_scope_view FB_LAPTOP_VIEW;
/* cache may be NULL, and belongs to one view. */
int fb_scope_of_row_seen(const struct fb_scope_view *view, struct fb_scope_cache *cache,
                         struct fb_store *s, const struct fb_row *row,
                         struct fb_buf *ret) FB_MUST_CHECK;

/* Scopes, each alone ("employee:ID"), sorted, each once; "company:*" is every company's. Zero-initialised: none. */
struct fb_scope_list {
    const char **keys;
    size_t count;
    size_t capacity;
};
int fb_scope_list_add(struct fb_scope_list *list, struct fb_arena *arena,
                      const char *key) FB_MUST_CHECK; /* sort afterwards */
void fb_scope_list_sort(struct fb_scope_list *list);
bool fb_scope_list_has(const struct fb_scope_list *list, const char *key);
/* The keys of one list that the other does not hold. */
int fb_scope_list_difference(const struct fb_scope_list *of, const struct fb_scope_list *without,
                             struct fb_arena *arena, struct fb_scope_list *ret) FB_MUST_CHECK;
/* Does a device that holds these scopes see a row of that set? */
bool fb_scope_set_is_held(const char *set, const struct fb_scope_list *held);
/* Appends those scopes of the set that are held: how both sides name a set in digests (no device learns of others' scopes). */
void fb_scope_set_held_part(const char *set, const struct fb_scope_list *held, struct fb_buf *ret);

/* ---- What is here and not at headquarters: unsent.c; a laptop's journal and its pushes that are not acknowledged ---- */

struct fb_unsent;
int fb_unsent_load(struct fb_store *s, struct fb_unsent **ret) FB_MUST_CHECK;
void fb_unsent_free(struct fb_unsent *unsent);
void fb_unsent_drop(struct fb_unsent **unsent); /* for FB_AUTO */
/* Anything of the row; all of it (made or deleted here); that field or one of its group. */
bool fb_unsent_row(const struct fb_unsent *u, const struct fb_entity *e, const char *id);
bool fb_unsent_is_whole(const struct fb_unsent *u, const struct fb_entity *e, const char *id);
bool fb_unsent_field(const struct fb_unsent *u, const struct fb_entity *e, const char *id,
                     const struct fb_field *field);
/* Every change of a row that headquarters has not answered, newest first: the journal's (push number 0), then those of
 * pushes. Its memory lives during the call. */
struct fb_change;
typedef int fb_unsent_each_change(void *ctx, const struct fb_change *change, int64_t push_number);
int fb_unsent_each(struct fb_store *s, const struct fb_entity *e, const char *id,
                   fb_unsent_each_change *f, void *ctx) FB_MUST_CHECK;

/* ---- Server ---- */

struct fb_server_session;

/* What a device may do, decided when it says hello. */
struct fb_admission {
    enum fb_refusal refusal; /* not NONE: said, then the connection closes */
    int64_t retry_after_ms;  /* of the refusal; 0: as long as refusals take */
    char sentence[FB_WHY_SIZE];
    struct fb_welcome welcome; /* filled, but for now_ms */
    int64_t catalogue_version;
};

/* The hub behind a session. Every function returns FB_OK or an error that closes the connection. */
struct fb_server_ops {
    void *ctx;
    int (*admit)(void *ctx, const char *device_id, const struct fb_hello *hello, int64_t now_ms,
                 struct fb_admission *ret);
    /* A part arrived: kept durably until the push is whole. When it is, the hub queues the push; after the settling commit it calls
     * fb_server_session_acked. */
    int (*push_part)(void *ctx, struct fb_server_session *session, const struct fb_push_part *part,
                     int64_t clock_offset_ms, int64_t now_ms);
    /* Opens the answer to a pull (after everything this session pushed is settled). One open cut per session. FB_ERR_BUSY: later,
     * the session asks again. pull is borrowed until cut_close. */
    int (*cut_open)(void *ctx, struct fb_server_session *session, const struct fb_pull *pull,
                    int64_t now_ms);
    /* The catalogue that the open cut was read with. */
    const struct fb_catalogue *(*cut_catalogue)(void *ctx);
    /* Appends the next whole frames, some hundred KiB; called until CUT (or CHUNK of a full cut) was among them. */
    int (*cut_next)(void *ctx, struct fb_server_session *session, struct fb_buf *out,
                    bool *ret_is_over);
    void (*cut_close)(void *ctx, struct fb_server_session *session);
    /* The laptop erased its data; refuse with what it is told. */
    int (*wiped)(void *ctx, struct fb_server_session *session, int64_t unsent, int64_t now_ms);
    /* take has something new to say: called at any time, also from within the functions above. */
    void (*wake)(void *ctx, struct fb_server_session *session);
};

int fb_server_session_new(const struct fb_server_ops *ops, struct fb_store *store,
                          const char *device_id, int64_t now_ms,
                          struct fb_server_session **ret) FB_MUST_CHECK;
void fb_server_session_free(struct fb_server_session *session);
int fb_server_session_feed(struct fb_server_session *session, const uint8_t *bytes, size_t size,
                           int64_t now_ms) FB_MUST_CHECK;
int fb_server_session_take(struct fb_server_session *session, struct fb_buf *out,
                           int64_t now_ms) FB_MUST_CHECK;
int64_t fb_server_session_deadline_ms(const struct fb_server_session *session);
/* By file: its hello was written some time ago, so that clocks are not compared; only one that is ahead of ours shows. */
void fb_server_session_set_carried(struct fb_server_session *session);
/* Why it failed; "" */
const char *fb_server_session_sentence(const struct fb_server_session *session);
const char *fb_server_session_device(const struct fb_server_session *session);
bool fb_server_session_is_greeted(const struct fb_server_session *session);
/* The shell's own pointer (its connection), for fb_hub_each_ready. */
void fb_server_session_set_owner(struct fb_server_session *session, void *owner);
void *fb_server_session_owner(const struct fb_server_session *session);

/* From the hub: the push is committed; a newer rev touches the device's scope; refuse and close after what is queued. */
void fb_server_session_acked(struct fb_server_session *session, int64_t number);
void fb_server_session_poked(struct fb_server_session *session, int64_t rev);
/* A date passed from which the device's scopes are others; rev: the newest. */
void fb_server_session_scopes_changed(struct fb_server_session *session, int64_t rev);
void fb_server_session_refuse(struct fb_server_session *session, enum fb_refusal reason,
                              const char *sentence);
/* The same, and when to come again; 0: as long as refusals take. */
void fb_server_session_refuse_until(struct fb_server_session *session, enum fb_refusal reason,
                                    const char *sentence, int64_t retry_after_ms);

#endif
