/* SPDX-License-Identifier: MIT
 *
 * Connections that are kept open while a node runs and closed before it stops: the oracle's own, read-only, and that of the people who
 * work there all day. (A new one reads the whole schema: half of a run's time.)
 */
#ifndef SIM_EYES_H
#define SIM_EYES_H

#include "tests/sim/db.h"

/* NULL: the node has no database that can be read now. */
sqlite3 *sim_eyes(int node);
/* People's connection, triggers on; the caller has entered SIM_TOOL. NULL: the node has no database that can be opened now.
 * stays: it will be closed when the node dies, and what is in the write-ahead log then stays for the next start to find. */
sqlite3 *sim_hands(int node, bool stays);
void sim_eyes_close(int node); /* and the hands */
void sim_hands_close(int node);
/* True if something was committed on the node since the last call that said so. */
bool sim_eyes_see_news(int node);

#endif
