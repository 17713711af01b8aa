/* SPDX-License-Identifier: MIT
 *
 * What the files of work.c share: a piece of work, and the steps it is made of. A step after a failure does nothing.
 */
#ifndef SIM_WORK_INSIDE_H
#define SIM_WORK_INSIDE_H

#include "tests/sim/db.h"
#include "tests/sim/model.h"
#include "tests/sim/world.h"

#define ID_SIZE    FB_ROW_ID_SIZE
#define ANCHOR     "01890000-0000-7000-8000-00000000000" /* and 1 or 2: companies that nobody deletes */
#define IS_ANCHOR  "id IN ('" ANCHOR "1', '" ANCHOR "2')"
#define VALUE_SIZE 160

struct job {
    struct sim_world *w;
    int node;
    sqlite3 *db;
    enum sim_kind doing;
    int64_t op;
    int tokens;
    int64_t cursor;
    int release; /* of the catalogue that the node follows */
    uint64_t random;
    const char *kind;      /* of ledger rows for values: set or hand */
    const char *step_kind; /* of those for steps */
    bool has_ledger;
    int rc; /* the first failure sticks */
};

#define RUN(j, ...)                                                                                \
    do {                                                                                           \
        if ((j)->rc == SQLITE_OK) {                                                                \
            (j)->rc = sim_db_run((j)->db, __VA_ARGS__);                                            \
        }                                                                                          \
    } while (0)

#define LEDGER                                                                                     \
    "INSERT INTO sim_ledger (op, kind, entity, row_id, field, was, mine, cursor, true_ms) "

uint64_t sim_pick(struct job *j, uint64_t limit);
/* 'word ~OP.N~' as an SQL literal. */
const char *sim_token(struct job *j, const char *word, char ret[static VALUE_SIZE]);
void sim_set_token(struct job *j, const char *entity, const char *id, const char *field);
/* Inserts with an id of the database's own, or the one in ret_id if it is not empty. */
void sim_insert(struct job *j, const char *entity, char ret_id[static ID_SIZE], const char *columns,
                const char *values);
/* Deletes the rows with all below them: parts go by the triggers, what only refers to them is deleted first. */
void sim_delete_where(struct job *j, const char *entity, const char *where);
/* A row of the entity, by chance; empty if there is none. */
void sim_some_row(struct job *j, const char *entity, const char *where, char ret[static ID_SIZE]);

/* work_whole.c: rows that go, come back, or are written anew. */
void sim_delete_some(struct job *j);
void sim_insert_delete(struct job *j);
void sim_delete_insert(struct job *j);
void sim_replace(struct job *j);
void sim_upsert(struct job *j);

#endif
