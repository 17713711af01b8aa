/* SPDX-License-Identifier: MIT
 *
 * Power cuts by the thousand on the product's own schema and settings: edits through capture triggers, freezing, on a laptop's and
 * on headquarters' database, cut at random calls.
 */
#ifndef SIM_POWER_CUTS_H
#define SIM_POWER_CUTS_H

#include <stdint.h>

/* Returns the exit code: 1 if an acknowledged transaction was lost or a file was damaged. */
int sim_power_cuts(int64_t cuts, uint64_t seed);

#endif
