/* SPDX-License-Identifier: MIT
 *
 * Territories in the simulated company: who holds which accounts, by plain SQL over headquarters' tables; who was ever entitled to
 * which; and that nothing else was ever in a frame (I7). Nothing here asks the product which scopes a device has.
 */
#ifndef SIM_TERRITORIES_H
#define SIM_TERRITORIES_H

#include "tests/sim/db.h"
#include "tests/sim/world.h"

static inline bool sim_has_territories(const struct sim_world *w)
{
    return w->plan.params.territories > 0;
}

void sim_territories_reset(void);
/* Headquarters' first territories, members, and accounts in them. */
void sim_territories_build(struct sim_world *w, sqlite3 *db);
/* Headquarters moves an account or a person (SIM_ASSIGN, SIM_MEMBER); SQLite's result. */
int sim_territories_work(sqlite3 *db, enum sim_kind kind, uint64_t *random);
/* The companies this person should hold, as an SQL condition over company. */
const char *sim_territories_where(const struct sim_world *w, const char *employee_id);
/* After something was committed at headquarters: who is entitled to what from now on. */
void sim_territories_note(struct sim_world *w, sqlite3 *hq);
/* Bytes on their way to a laptop: every row in them must be of an account that it held at some time. */
void sim_territories_check_bytes(struct sim_world *w, const struct sim_replica *r,
                                 const uint8_t *bytes, size_t size);

#endif
