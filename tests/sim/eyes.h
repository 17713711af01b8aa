/* SPDX-License-Identifier: MIT
 *
 * The oracle's own connections: one per node, read-only, kept open while the node runs, closed before it stops.
 */
#ifndef SIM_EYES_H
#define SIM_EYES_H

#include "tests/sim/db.h"

/* NULL: the node has no database that can be read now. */
sqlite3 *sim_eyes(int node);
void sim_eyes_close(int node);
/* True if something was committed on the node since the last call that said so. */
bool sim_eyes_see_news(int node);

#endif
