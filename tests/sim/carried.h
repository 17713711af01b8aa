/* SPDX-License-Identifier: MIT
 *
 * A round carried by file (common/sync/carried.c): somebody has a laptop write one, takes it to headquarters, and brings the answer back.
 * Every step may be late, done twice, or left out, while people write and links come and go. Both programs rest meanwhile, as the
 * commands demand.
 */
#ifndef SIM_CARRIED_H
#define SIM_CARRIED_H

#include "tests/sim/world.h"

/* SIM_CARRY on a laptop: the next step of its file. */
void sim_carry(struct sim_world *w, struct sim_replica *r, uint64_t random);
void sim_carry_end(struct sim_replica *r); /* the stick is thrown away */

#endif
