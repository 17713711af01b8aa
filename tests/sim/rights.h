/* SPDX-License-Identifier: MIT
 *
 * Roles in the simulated company: everybody may read; who may write changes, and who may see the values of the table secret. Who may
 * what is worked out here, from headquarters' tables by plain SQL. What must hold: no value of secret was ever in a frame to somebody
 * who never saw them; laptops hold exactly what their persons see; what was written while its author could not stands nowhere at
 * headquarters.
 */
#ifndef SIM_RIGHTS_H
#define SIM_RIGHTS_H

#include "tests/sim/db.h"
#include "tests/sim/world.h"

static inline bool sim_has_roles(const struct sim_world *w)
{
    return w->plan.params.roles > 0;
}

void sim_rights_reset(void);
/* Roles, who has them, and the first secrets. The role "everything" is everybody's already. */
void sim_rights_build(struct sim_world *w, sqlite3 *db);
/* SIM_ROLE, SIM_SECRET at headquarters, SIM_RETRY on a laptop; SQLite's result. */
int sim_rights_work(sqlite3 *db, enum sim_kind kind, int64_t op, uint64_t *random);
/* After something was committed at headquarters. */
void sim_rights_note(struct sim_world *w, sqlite3 *hq);
void sim_rights_check_row(struct sim_world *w, const struct sim_replica *r,
                          const struct fb_rows *rows);
/* In the end. */
void sim_rights_compare(struct sim_world *w, const struct sim_replica *r);

#endif
