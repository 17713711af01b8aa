/* SPDX-License-Identifier: MIT
 *
 * Newer releases of the simulated company's catalogue (tests/sim/releases): new fields with policies of all kinds, an entity, then a changed
 * policy and a field that stays on its device. Headquarters takes one in while work goes on; laptops follow at their next contact. People
 * use what is new as soon as their node has it. What must hold: a laptop that does not know a field neither loses nor empties it, and a
 * field of the device stays there.
 */
#ifndef SIM_RELEASES_H
#define SIM_RELEASES_H

#include "tests/sim/db.h"
#include "tests/sim/world.h"

#define SIM_RELEASES_MAX 2

static inline bool sim_has_releases(const struct sim_world *w)
{
    return w->plan.params.releases > 0;
}

/* The version that a node's database follows; 0: none yet. */
int sim_release_of(sqlite3 *db);
/* SIM_RELEASE at headquarters: by a tool beside the daemon, or the daemon ends and a newer program starts. */
void sim_release_take(struct sim_world *w, uint64_t random);
/* The programs are of the newest release that came: a database that was put back to an older one follows when they start. */
void sim_release_follow(struct sim_world *w, struct fb_store *s);
/* SIM_PROGRAM on a laptop: its program is of a release too far from headquarters' for its people to receive anything, for a while. What they
 * write is handed in. */
void sim_program_change(struct sim_world *w, struct sim_replica *r, uint64_t random);
/* A laptop that still has such a program and work to hand in; 0: none. */
int sim_programs_owe(struct sim_world *w);
/* They all get the program that fits. */
void sim_programs_update(struct sim_world *w);
/* After every commit of a laptop: it received nothing. */
void sim_program_look(struct sim_world *w, const struct sim_replica *r, int64_t cursor);
/* In the end. */
void sim_releases_check(struct sim_world *w);

#endif
