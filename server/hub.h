/* SPDX-License-Identifier: MIT
 *
 * Headquarters without I/O: owns the sessions of connected devices, seals local writes, merges pushes (group commit), answers
 * pulls, pokes. The daemon (server/daemon.c) feeds it from libuv; the simulator from its own network.
 *
 * One turn: bytes are fed to sessions, then fb_hub_settle() does in one transaction: seal the journal, merge every push that became
 * whole in this turn (each its own rev), commit; then acks and pokes go out. Nothing is acknowledged before its commit.
 */
#ifndef FB_SERVER_HUB_H
#define FB_SERVER_HUB_H

#include "common/sync/sync.h"

struct fb_hub;

/* store is the writer; reader a second, read-only connection to the same file (cuts read from it). Both borrowed. */
int fb_hub_new(struct fb_store *store, struct fb_store *reader, const struct fb_random *random,
               struct fb_hub **ret, struct fb_why *why) FB_MUST_CHECK;
void fb_hub_free(struct fb_hub *hub);

/* How long laptops may work without hearing of headquarters; 0 (at first): for ever. */
void fb_hub_set_lease(struct fb_hub *hub, int64_t lease_ms);

/* How long closed records that nobody writes any more stay on laptops; 0: for ever. Without this call no limit moves. */
void fb_hub_set_history(struct fb_hub *hub, int64_t history_ms);

/* How old an entry of the log may be before it is packed (common/store/history_pack.h); 0 (at first): none is. */
void fb_hub_set_horizon(struct fb_hub *hub, int64_t horizon_ms);
/* At a quiet moment: packs one segment of what is older, in a short transaction of its own. Call it again while ret_packed. */
int fb_hub_compact(struct fb_hub *hub, int64_t now_ms, bool *ret_packed) FB_MUST_CHECK;

/* A device's connection is up; its id is the certificate's. An older connection of the same device is refused (REPLACED). */
int fb_hub_open(struct fb_hub *hub, const char *device_id, int64_t now_ms,
                struct fb_server_session **ret) FB_MUST_CHECK;
void fb_hub_close(struct fb_hub *hub, struct fb_server_session *session);

/* A round carried by file (docs/protocol.md): feeds a session with what fb_replica_round_export wrote, settles, and appends the answer:
 * the SHA-256 of the ask, welcome, acks, cut. carried.c. FB_ERR_REFUSED: the laptop may not come, or needs a connection; FB_ERR_INVALID:
 * this is no round; FB_ERR_LIMIT: ret is full, what it brought is taken in; FB_ERR_BUSY: the database cannot be written; each with a
 * sentence. */
int fb_hub_answer(struct fb_hub *hub, const char *device_id, const struct fb_buf *ask,
                  int64_t now_ms, struct fb_buf *ret, struct fb_why *why) FB_MUST_CHECK;

/* After every turn, and when a local write was noticed. FB_ERR_DISK_FULL, FB_ERR_BUSY: nothing was merged, pushes stay queued,
 * try again later. */
int fb_hub_settle(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;
/* A person writes at headquarters' pages, in a transaction that is open on the hub's store: begin seals what tools wrote
 * before as theirs, end what was written since as a rev of the employee ("": nobody's). Settle after the commit: it pokes. */
int fb_hub_write_begin(struct fb_hub *hub, int64_t now_ms) FB_MUST_CHECK;
int fb_hub_write_end(struct fb_hub *hub, const char *employee_id, int64_t now_ms) FB_MUST_CHECK;

/* Settle by then: a membership, a grant or a rule of territories begins or ends. INT64_MAX: never. */
int64_t fb_hub_deadline_ms(const struct fb_hub *hub);
/* True if settle has something to do. */
bool fb_hub_has_work(const struct fb_hub *hub);
/* Sessions whose take has something new since the last call: calls f for each. */
void fb_hub_each_ready(struct fb_hub *hub, void (*f)(void *ctx, struct fb_server_session *session),
                       void *ctx);

/* Writes what is known of devices' lives since (device_life.h), in a transaction of its own; the next settle that writes does so
 * too. */
int fb_hub_note_lives(struct fb_hub *hub) FB_MUST_CHECK;

struct fb_hub_counters {
    int64_t pushes, pushes_repeated, changes, conflicts_open, conflicts_settled, held, cuts,
        cut_rows, revs, sealed_rows;
};
const struct fb_hub_counters *fb_hub_counters(const struct fb_hub *hub);

#endif
