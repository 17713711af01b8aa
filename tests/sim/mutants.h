/* SPDX-License-Identifier: MIT
 *
 * The mutation score: each planted bug (common/base/planted.def) is switched on, and seeds or a fixed script must catch it.
 */
#ifndef SIM_MUTANTS_H
#define SIM_MUTANTS_H

#include <stdbool.h>
#include <stdint.h>

/* False: no such bug, or this is a release build. */
bool sim_bug_set(const char *name);
void sim_bugs_print(void);

/* names: a list that ends with NULL; empty: all. regress: a folder whose NAME.sim catches the bug NAME (tried first); may be NULL.
 * Returns the exit code: 1 if a bug survives. */
int sim_mutants(char **names, uint64_t first_seed, uint64_t last_seed, const char *regress);

#endif
