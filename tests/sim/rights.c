/* SPDX-License-Identifier: MIT */
#include "tests/sim/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/row.h"
#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/releases.h"
#include "tests/sim/util.h"

#define ROLE       "01890000-0000-7000-8006-00000000000" /* and 1: everything, 2: sees, 3: reads */
#define SECRET     "01890000-0000-7000-8007-%012d"
#define SECRETS    3
#define PEOPLE_MAX SIM_REPLICAS_MAX

static struct person {
    char id[FB_ROW_ID_SIZE];
    bool has_seen; /* at any time */
    bool sees, writes;
    int64_t lost_at_op; /* the last work of all when writing was found to be lost */
} people[PEOPLE_MAX];
static size_t people_count;

void sim_rights_reset(void)
{
    people_count = 0;
}

void sim_rights_build(struct sim_world *w, sqlite3 *db)
{
    sim_db_run(db,
               "INSERT INTO role (id, name) VALUES ('" ROLE "2', 'sees'), ('" ROLE "3', 'reads')");
    sim_db_run(db, "INSERT INTO role_field (role_id, entity, field, access) VALUES ('" ROLE
                   "2', 'secret', 'value', 'read')");
    sim_db_run(db, "INSERT INTO role_permission (role_id, entity, action, level) VALUES ('" ROLE
                   "3', '*', 'read', 'all'), ('" ROLE "3', 'held_change', 'edit', 'own')");
    sim_db_run(db, "INSERT INTO employee_role (employee_id, role_id) SELECT id, '" ROLE
                   "3' FROM employee");
    sim_db_run(db, "INSERT INTO employee_role (employee_id, role_id) SELECT id, '" ROLE
                   "2' FROM employee ORDER BY id LIMIT 1");
    for (int i = 1; i <= SECRETS; i++) {
        sim_db_run(db, "INSERT INTO secret (id, name, value) VALUES ('" SECRET "', 'S%d', 'first')",
                   i, i);
    }
    for (int i = 1; i <= w->replica_count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < people_count; k++) {
            is_known = is_known || strcmp(people[k].id, w->replicas[i].employee_id) == 0;
        }
        if (!is_known) {
            people[people_count] = (struct person){.writes = true};
            memcpy(people[people_count++].id, w->replicas[i].employee_id, FB_ROW_ID_SIZE);
        }
    }
}

static int toggle_role(sqlite3 *db, uint64_t *random)
{
    int role = 1 + (int)sim_below(random, 2);
    char *person = sim_db_text(
        db, "SELECT id FROM employee ORDER BY id LIMIT 1 OFFSET %lld",
        (long long)sim_below(random, (uint64_t)sim_db_int(db, 1, "SELECT count(*) FROM employee")));
    bool has =
        sim_db_int(
            db, 0,
            "SELECT count(*) FROM employee_role WHERE employee_id = '%s' AND role_id = '" ROLE
            "%d'",
            person == NULL ? "" : person, role) > 0;
    int rc =
        person == NULL ? SQLITE_OK
        : has          ? sim_db_run(db,
                                    "DELETE FROM employee_role WHERE employee_id = '%s' AND role_id = '" ROLE
                                    "%d'",
                                    person, role)
                       : sim_db_run(db,
                                    "INSERT INTO employee_role (employee_id, role_id) VALUES ('%s', '" ROLE
                                    "%d')",
                                    person, role);
    free(person);
    return rc;
}

int sim_rights_work(sqlite3 *db, enum sim_kind kind, int64_t op, uint64_t *random)
{
    int row = 1 + (int)sim_below(random, SECRETS);
    switch (kind) {
    case SIM_ROLE:
        return toggle_role(db, random);
    case SIM_SECRET:
        return sim_db_run(
            db, "UPDATE secret SET value = 'secret ~%lld~', name = 'S%lld' WHERE id = '" SECRET "'",
            (long long)op, (long long)sim_below(random, 9), row);
    case SIM_RETRY:
        return sim_db_run(db, "UPDATE held_change SET state = 'retried' WHERE state = 'waiting'");
    default:
        return SQLITE_OK; /* of territories, which these runs do not have */
    }
}

static bool has_role(sqlite3 *hq, const char *employee_id, int role)
{
    return sim_db_int(
               hq, 0,
               "SELECT count(*) FROM employee_role WHERE employee_id = '%s' AND role_id = '" ROLE
               "%d'",
               employee_id, role) > 0;
}

void sim_rights_note(struct sim_world *w, sqlite3 *hq)
{
    for (size_t i = 0; sim_has_roles(w) && i < people_count; i++) {
        struct person *p = &people[i];
        bool writes = has_role(hq, p->id, 1);
        p->lost_at_op = p->writes && !writes ? w->op_number : p->lost_at_op;
        p->writes = writes;
        p->sees = has_role(hq, p->id, 2);
        p->has_seen = p->has_seen || p->sees;
    }
}

static struct person *person_of(const struct sim_replica *r)
{
    for (size_t i = 0; i < people_count; i++) {
        if (strcmp(people[i].id, r->employee_id) == 0) {
            return &people[i];
        }
    }
    return NULL;
}

/* --- frames ------------------------------------------------------------------------------------- */

static bool holds_value(const struct fb_rows *rows)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct fb_field *f = fb_entity_field(rows->rows[i].entity, "value");
        if (f != NULL && rows->rows[i].values[f->index].type != FB_ABSENT) {
            return true;
        }
    }
    for (size_t i = 0; i < rows->old_count; i++) {
        const struct fb_field *f = fb_entity_field(rows->entity, "value");
        if (f != NULL && rows->old[i].field_no == f->no) {
            return true;
        }
    }
    return false;
}

void sim_rights_check_row(struct sim_world *w, const struct sim_replica *r,
                          const struct fb_rows *rows)
{
    const struct person *p = person_of(r);
    if (!sim_has_roles(w) || p == NULL || strcmp(rows->entity->name, "secret") != 0 ||
        !holds_value(rows)) {
        return;
    }
    if (!p->has_seen) {
        sim_rights_note(w, sim_eyes(SIM_HQ)); /* a tool may have come between */
    }
    if (!p->has_seen) {
        sim_violation(w, "hidden",
                      "a value of secret was on its way to n%d, whose person never saw any",
                      r->daemon.node);
    }
}

/* --- the end ------------------------------------------------------------------------------------ */

static void compare_secrets(struct sim_world *w, const struct sim_replica *r,
                            const struct person *p)
{
    int node = r->daemon.node;
    for (int i = 1; i <= SECRETS; i++) {
        char *hq = sim_db_text(sim_eyes(SIM_HQ),
                               "SELECT json_array(name, %s) FROM secret WHERE id = '" SECRET "'",
                               p->sees ? "value" : "NULL", i);
        char *here =
            sim_db_text(sim_eyes(node),
                        "SELECT json_array(name, value) FROM secret WHERE id = '" SECRET "'", i);
        if (hq == NULL || here == NULL || strcmp(hq, here) != 0) {
            sim_violation(w, "hidden", "n%d: secret %d is %s instead of %s", node, i,
                          here == NULL ? "gone" : here, hq == NULL ? "gone" : hq);
        }
        free(hq);
        free(here);
    }
}

/* What was written after its author had lost the right, and never got it back, stands nowhere. */
static void check_denied(struct sim_world *w, const struct sim_replica *r, const struct person *p)
{
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(r->daemon.node),
        "SELECT DISTINCT op FROM sim_ledger WHERE op > %lld AND kind IN ('set', 'insert')",
        (long long)p->lost_at_op);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        long long op = sqlite3_column_int64(q, 0);
        bool is_own = sim_db_int(sim_eyes(SIM_HQ), 0,
                                 "SELECT count(*) FROM sim_ledger WHERE op = %lld", op) == 0;
        int release = sim_release_of(sim_eyes(SIM_HQ));
        for (const struct sim_entity *e = SIM_ENTITIES; is_own && e->name != NULL; e++) {
            if (e->fields[0].since <= release &&
                sim_db_int(sim_eyes(SIM_HQ), 0,
                           "SELECT count(*) FROM %s WHERE instr(json_array(%s), '~%lld.')", e->name,
                           sim_entity_columns(e, release), op) > 0) {
                sim_violation(
                    w, "right",
                    "op %lld of n%d stands at headquarters, though its author might not write", op,
                    r->daemon.node);
            }
        }
    }
    sqlite3_finalize(q);
}

void sim_rights_compare(struct sim_world *w, const struct sim_replica *r)
{
    const struct person *p = person_of(r);
    if (!sim_has_roles(w) || p == NULL) {
        return;
    }
    sim_rights_note(w, sim_eyes(SIM_HQ));
    compare_secrets(w, r, p);
    if (!p->writes) {
        check_denied(w, r, p);
    }
}
