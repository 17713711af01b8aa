/* SPDX-License-Identifier: MIT
 *
 * What the simulator's people know of its catalogue (tests/sim/entities): which fields take free text with a token in
 * it, which are groups, how a conflict over them must end. Written by hand, so that the oracle shares nothing with
 * the product.
 *
 * A token is ~OP.N~: it occurs in one edit only, so a value can be found again wherever it went.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>

enum sim_policy {
    SIM_LATEST,
    SIM_SERVER,
    SIM_OWNER,
    SIM_ONCE,
    SIM_TEXTUAL,
    SIM_MANUAL,
    SIM_CLOSED_MANUAL
};

struct sim_field {
    const char *name;
    enum sim_policy policy;
    const char *group; /* NULL: by itself */
    int since;         /* release of the catalogue; later ones come last */
};

struct sim_entity {
    const char *name;
    const struct sim_field *fields; /* those with tokens; the last has no name */
    const char *parent;             /* column of the parent's id; NULL: none */
    const char *parent_entity;
};

extern const struct sim_entity SIM_ENTITIES[]; /* those that people edit; the last has no name */

const struct sim_entity *sim_entity(const char *name); /* NULL: none of these */
const struct sim_field *sim_entity_field(const struct sim_entity *e, const char *name);

/* A list of SQL column names for a json_array of the fields with tokens that a release has. */
const char *sim_entity_columns(const struct sim_entity *e, int release);

/* The row of the entity that everybody is after; NULL: there is none. */
const char *sim_hot_row(const char *entity);

#endif
