/* SPDX-License-Identifier: MIT
 *
 * The history limit in the simulated company: orders are closed and opened again, and closed ones that nobody wrote since
 * headquarters' date stay there, with their lines.
 */
#ifndef SIM_AGING_H
#define SIM_AGING_H

#include "tests/sim/db.h"
#include "tests/sim/world.h"

static inline bool sim_has_aging(const struct sim_world *w)
{
    return w->plan.params.history_ms > 0;
}

/* Closes an order, or opens it, with its ledger; inside the transaction of the work. SQLite's code. */
int sim_aging_work(sqlite3 *db, int64_t op, int64_t cursor, int64_t true_ms, uint64_t *random);
/* Has headquarters written anything within the last second? The date moves while all is calm, too; a poke takes its time. */
bool sim_aging_is_fresh(struct sim_world *w);
/* What more must hold of a row of the entity for laptops to hold it; "" or " AND ...". */
const char *sim_aging_where(const struct sim_world *w, const char *entity);

#endif
