/* SPDX-License-Identifier: MIT
 *
 * A headquarters and laptops in one process, with the shipped catalogue: real hub, real rounds, real files, no sockets. Tests tell
 * stories with it:
 *
 *     replica_edits(t, "ana", "company/acme", "credit_limit", "5000");
 *     server_edits(t, "company/acme", "credit_limit", "2000");
 *     replica_syncs(t, "ana");
 *     expect_everywhere(t, "company/acme", "credit_limit", "2000");
 *     expect_conflict_keeps(t, "company/acme", "credit_limit", "5000");
 *
 * A record is "entity/name"; the name stands for an id. Values are texts as SQL would show them, "NULL" is null, "@record" a
 * reference ("@company/acme"). Every failure ends the test with what was expected. Time is the world's own: every edit takes a second.
 */
#ifndef FB_TESTS_WORLD_H
#define FB_TESTS_WORLD_H

#include "common/sync/sync.h"
#include "server/hub.h"

#define FB_WORLD_REPLICAS_MAX 4

struct fb_world_replica {
    char name[16];
    char path[544];
    struct fb_store *store;
    struct fb_replica_round *round;
    struct fb_server_session *session; /* NULL: no connection */
    int64_t clock_ms;                  /* what its clock says more than the world's */
    char employee_id[FB_ROW_ID_SIZE];
    char device_id[FB_ROW_ID_SIZE];
    uint64_t seed;
    struct fb_random random;
};

struct fb_world {
    const char *source_dir; /* of the project: its catalogue; borrowed */
    char path[512];
    struct fb_store *store;
    struct fb_store *reader;
    struct fb_hub *hub;
    struct fb_world_replica replicas[FB_WORLD_REPLICAS_MAX];
    size_t replica_count;
    int64_t now_ms;
    uint64_t seed;
    struct fb_random random;
    int64_t bytes_to_server, bytes_to_replicas;
    /* Called once, when a laptop's pull is on its way and its answer is not here yet. NULL: nothing happens meanwhile. */
    void (*while_a_cut_travels)(struct fb_world *w);
};

/* A headquarters with employees and laptops of these names (NULL ends the list), the company acme of the first one, and everybody
 * in step. source_dir: FB_SOURCE_DIR. */
struct fb_world *world_open(const char *source_dir, const char *first_name, ...)
    __attribute__((sentinel));
void world_close(struct fb_world *w);
struct fb_world_replica *world_replica(struct fb_world *w, const char *name);
/* The id a name stands for: "company/acme", "employee/ana", "device/ana". */
const char *world_id(const char *record);
void world_time_passes(struct fb_world *w, int64_t ms);
/* Opens headquarters' process anew: what is not on disk is gone. */
void world_server_restarts(struct fb_world *w);

/* Writes as a person with a tool would: the triggers capture them. Pairs of field and value, NULL ends them. */
void server_makes(struct fb_world *w, const char *record, ...) __attribute__((sentinel));
/* Ana's contact/li and sales_order/one with its order_line/a, all of company/acme. */
void server_has_an_order(struct fb_world *w);
/* territory/north is ana's, territory/south ben's; employee/boss owns company/acme, which lies in neither yet. Who may read everything
 * reads what lies in his territory. */
void server_has_two_territories(struct fb_world *w);
void server_edits(struct fb_world *w, const char *record, const char *field, const char *value);
void server_deletes(struct fb_world *w, const char *record);
void server_runs(struct fb_world *w, const char *sql);
void replica_makes(struct fb_world *w, const char *who, const char *record, ...)
    __attribute__((sentinel));
void replica_edits(struct fb_world *w, const char *who, const char *record, const char *field,
                   const char *value);
void replica_deletes(struct fb_world *w, const char *who, const char *record);
void replica_runs(struct fb_world *w, const char *who, const char *sql);

/* Rounds until the laptop is in step; a new connection each time, closed afterwards. */
void replica_syncs(struct fb_world *w, const char *who);
/* Twice round: what one laptop brings reaches all. */
void everybody_syncs(struct fb_world *w);
/* Connects and moves bytes until nobody has anything to say; stays connected. */
void replica_connects(struct fb_world *w, const char *who);
void replica_disconnects(struct fb_world *w, const char *who);
void world_runs(struct fb_world *w);
void server_settles(struct fb_world *w);

/* What is there: the value as text, "NULL", or "(no row)". One of eight rotating buffers. */
const char *server_value(struct fb_world *w, const char *record, const char *field);
const char *replica_value(struct fb_world *w, const char *who, const char *record,
                          const char *field);
/* One value of a query at headquarters; ?1 is the id of the record, if there is one. */
const char *server_asks(struct fb_world *w, const char *sql, const char *record);
const char *replica_asks(struct fb_world *w, const char *who, const char *sql, const char *record);

void expect_server(struct fb_world *w, const char *record, const char *field, const char *value);
void expect_replica(struct fb_world *w, const char *who, const char *record, const char *field,
                    const char *value);
/* At headquarters and on every laptop, and all digests are equal. */
void expect_everywhere(struct fb_world *w, const char *record, const char *field,
                       const char *value);
void expect_gone(struct fb_world *w, const char *record);
/* Some conflict about the field (or its group) holds the value in theirs, mine or base. */
void expect_conflict_keeps(struct fb_world *w, const char *record, const char *field,
                           const char *value);
/* How many conflicts, open or settled, the record has. */
void expect_conflicts(struct fb_world *w, const char *record, int count);
/* How many changes wait that somebody must decide. */
void expect_held(struct fb_world *w, int count, const char *reason);
void expect_equal_digests(struct fb_world *w);
/* What `fieldbook-server verify` looks at: the log's chain, and the digests of the tables. */
void expect_verified(struct fb_world *w);

#endif
