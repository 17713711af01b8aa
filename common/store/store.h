/* SPDX-License-Identifier: MIT
 *
 * One node's database: opening it safely, transactions, small facts. With the other headers of
 * this folder the only user of SQLite's C API; no sqlite3 handle leaves it.
 *
 *   store.h    open, settings, transactions, catalogue in force, health
 *   sql.h      cached statements, for questions that are written as SQL
 *   row.h      rows of entities as values: read, write, delete, scan
 *   journal.h  local changes: coalesced per row, as freeze and seal need them
 *   history.h  headquarters' log: revs, entries, bin, digests
 *   outbox.h   the laptop's frozen pushes and staged chunks
 *
 * Acknowledged means durable: WAL and synchronous=FULL on both nodes, checked at open (law 1). A
 * store is used by one thread.
 */
#ifndef FB_STORE_STORE_H
#define FB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/catalogue/catalogue.h"

struct fb_store;

enum fb_node { FB_NODE_SERVER, FB_NODE_REPLICA };

struct fb_store_options {
    enum fb_node node;
    bool may_create;     /* makes and upgrades the file; else FB_ERR_NOT_FOUND */
    bool is_read_only;   /* a second connection for reading beside the writer */
    bool check_quickly;  /* PRAGMA quick_check of all of it first: doctor, verify, restore */
    int64_t cache_bytes; /* page cache; 0: 64 MiB for the writer, 8 MiB for a reader */
    /* A catalogue that is loaded already and outlives the store: taken instead of loading the same
     * document again. NULL: none. */
    const struct fb_catalogue *catalogue;
};

/* Opens DIR/fieldbook.db or any path. Says in why what is wrong and what to do: damaged
 * (FB_ERR_DAMAGED), newer than this program (FB_ERR_VERSION), not a Fieldbook database, of the
 * other kind of node, disk full, locked. Repairs what a tool may have done: journal mode, dropped
 * triggers, (with fb_store_check_schema). */
int fb_store_open(const char *path, const struct fb_store_options *options, struct fb_store **ret,
                  struct fb_why *why) FB_MUST_CHECK;
/* A file of its own beside the database, without our tables, for what can be made again at any time
 * (common/search): makes it if it is not there, and syncs only when SQLite must. Begin and commit
 * are statements here, since it has no catalogue. FB_ERR_DAMAGED: delete it and begin anew. */
int fb_store_open_side(const char *path, struct fb_store **ret, struct fb_why *why) FB_MUST_CHECK;
void fb_store_close(struct fb_store *store);
void fb_store_drop(struct fb_store **store); /* for FB_AUTO */

/* What SQLite said last, as an error of ours; why gets a sentence that names the remedy. */
int fb_store_error(struct fb_store *store, struct fb_why *why);

/* Transactions. begin takes the write lock (waits up to 5 s for other programs, then
 * FB_ERR_BUSY); commit returns after the sync. A failed commit has rolled back.
 * fb_store_read_begin holds one snapshot for several reads. Nesting is a bug. */
int fb_store_begin(struct fb_store *store) FB_MUST_CHECK;
int fb_store_commit(struct fb_store *store) FB_MUST_CHECK;
void fb_store_rollback(struct fb_store *store);
int fb_store_read_begin(struct fb_store *store) FB_MUST_CHECK;
void fb_store_read_end(struct fb_store *store);
bool fb_store_in_transaction(const struct fb_store *store);
/* Savepoints inside a transaction, by depth. */
int fb_store_savepoint(struct fb_store *store) FB_MUST_CHECK;
int fb_store_savepoint_release(struct fb_store *store) FB_MUST_CHECK;
int fb_store_savepoint_undo(struct fb_store *store) FB_MUST_CHECK;

/* What the statements of this connection cost, for tests and figures: adds to what ret holds from now on; NULL ends it. */
struct fb_store_cost {
    int64_t statements;
    int64_t steps;      /* of SQLite's machine: some ten per row looked at */
    int64_t scan_steps; /* rows met without an index */
    int64_t sorts;
};
void fb_store_watch_cost(struct fb_store *store, struct fb_store_cost *ret);

/* Capture triggers of this connection. Off while remote rows are applied; they are on otherwise,
 * and at every begin. */
void fb_store_capture(struct fb_store *store, bool is_on);

/* The catalogue in force; NULL before the first. Owned by the store. */
const struct fb_catalogue *fb_store_catalogue(const struct fb_store *store);

/* Makes (or extends) tables, indexes and triggers for a catalogue and keeps its document. Inside
 * a transaction. The catalogue belongs to the store from this call on, also when it fails.
 * FB_ERR_VERSION if it is older than the one in force. */
int fb_store_set_catalogue(struct fb_store *store, struct fb_catalogue *catalogue, int64_t now_ms,
                           struct fb_why *why) FB_MUST_CHECK;

/* What a tool did to the file, mended or reported: since the last look, the first look tells what
 * open mended. Unknown columns are told every time. */
struct fb_store_health {
    uint32_t triggers_restored; /* dropped or changed: made again */
    uint32_t tables_restored;   /* dropped tables or columns: made again, empty (digests differ) */
    uint32_t unknown_columns;   /* columns no catalogue knows: reported, left alone */
    bool journal_mode_restored;
    char note[256]; /* names of what was found, for the log */
};
int fb_store_check_schema(struct fb_store *store, struct fb_store_health *ret) FB_MUST_CHECK;
/* What open found and mended. */
const struct fb_store_health *fb_store_health(const struct fb_store *store);

/* Moves the write-ahead log into the file as far as readers allow. Call it when idle: commits
 * leave the log to grow to 40 MB before they do it themselves. Outside a transaction. FB_ERR_BUSY
 * if another program is in the way: no harm done. */
int fb_store_checkpoint(struct fb_store *store) FB_MUST_CHECK;

/* Looks for damaged pages, a table with its indexes at a time (PRAGMA quick_check), each in a
 * read transaction of its own: a long one would keep the write-ahead log from being begun anew.
 * FB_ERR_DAMAGED says what is wrong and what to do. Outside a transaction. */
int fb_store_check_tables(struct fb_store *store, struct fb_why *why) FB_MUST_CHECK;
/* Ends that early, with FB_ERR_INTERRUPTED. For good: the store is of no use but to be closed. The
 * only call that another thread than the store's may make. */
void fb_store_interrupt(struct fb_store *store);

/* Changes whenever another connection or program committed. */
int fb_store_data_version(struct fb_store *store, int64_t *ret) FB_MUST_CHECK;

/* Small facts (fb_meta). A missing one leaves *ret untouched and returns FB_ERR_NOT_FOUND. */
int fb_store_meta_int(struct fb_store *store, const char *key, int64_t *ret) FB_MUST_CHECK;
int fb_store_meta_text(struct fb_store *store, const char *key, char *ret,
                       size_t ret_size) FB_MUST_CHECK;
int fb_store_meta_blob(struct fb_store *store, const char *key, void *ret,
                       size_t size) FB_MUST_CHECK;
int fb_store_meta_set(struct fb_store *store, const char *key,
                      const struct fb_value *value) FB_MUST_CHECK;

#endif
