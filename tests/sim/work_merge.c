/* SPDX-License-Identifier: MIT */
#include "tests/sim/work_merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/db.h"
#include "tests/sim/util.h"

#define NO_ANCHOR                                                                                  \
    "id NOT IN ('01890000-0000-7000-8000-000000000001', '01890000-0000-7000-8000-000000000002')"

static char *some_id(sqlite3 *db, const char *entity, const char *where, uint64_t *random)
{
    int64_t count = sim_db_int(db, 0, "SELECT count(*) FROM %s WHERE %s", entity, where);
    return count == 0
               ? NULL
               : sim_db_text(db, "SELECT id FROM %s WHERE %s ORDER BY id LIMIT 1 OFFSET %lld",
                             entity, where, (long long)sim_below(random, (uint64_t)count));
}

static bool can_merge(sqlite3 *db)
{
    return sim_db_int(db, 0, "SELECT count(*) FROM sqlite_schema WHERE name = 'merge_job'") > 0;
}

static int opt_out(sqlite3 *db, int64_t op, int64_t cursor, int64_t true_ms, const char *id)
{
    int rc = sim_db_run(
        db,
        "INSERT INTO sim_ledger (op, kind, entity, row_id, field, was, mine, cursor, true_ms) "
        "SELECT %lld, 'set', 'company', id, 'do_not_call', do_not_call, 1, %lld, %lld FROM company "
        "WHERE id = '%s'",
        (long long)op, (long long)cursor, (long long)true_ms, id);
    return rc != SQLITE_OK
               ? rc
               : sim_db_run(db, "UPDATE company SET do_not_call = 1 WHERE id = '%s'", id);
}

static int wish(sqlite3 *db, int64_t op, int64_t true_ms, const char *entity, const char *keep,
                const char *drop, const char *choices)
{
    int rc = sim_db_run(db,
                        "INSERT INTO merge_job (entity, keep_id, drop_id, state, choices) VALUES "
                        "('%s', '%s', '%s', "
                        "'merged', %s)",
                        entity, keep, drop, choices);
    return rc != SQLITE_OK ? rc
                           : sim_db_run(db,
                                        "INSERT INTO sim_ledger (op, kind, entity, row_id, mine, "
                                        "true_ms) VALUES (%lld, "
                                        "'merge', '%s', '%s', '%s', %lld)",
                                        (long long)op, entity, drop, keep, (long long)true_ms);
}

int sim_work_merge(sqlite3 *db, int64_t op, int64_t cursor, int64_t true_ms, uint64_t *random)
{
    bool is_company = sim_below(random, 3) > 0;
    const char *entity = is_company ? "company" : "contact";
    if (!can_merge(db)) {
        return SQLITE_OK;
    }
    char *keep = some_id(db, entity, "1", random);
    char *drop = some_id(db, entity, is_company ? NO_ANCHOR : "1", random);
    int rc = SQLITE_OK;
    if (keep != NULL && drop != NULL && strcmp(keep, drop) != 0) {
        if (is_company && sim_below(random, 2) == 0) {
            rc = opt_out(db, op, cursor, true_ms, drop);
        }
        const char *choices = sim_below(random, 3) == 0 ? "'{\"phone\":\"drop\"}'" : "NULL";
        rc = rc != SQLITE_OK ? rc : wish(db, op, true_ms, entity, keep, drop, choices);
    }
    free(keep);
    free(drop);
    return rc;
}

int sim_work_unmerge(sqlite3 *db, uint64_t *random)
{
    char *id = can_merge(db) ? some_id(db, "merge_job", "state = 'merged'", random) : NULL;
    int rc = id == NULL
                 ? SQLITE_OK
                 : sim_db_run(db, "UPDATE merge_job SET state = 'undone' WHERE id = '%s'", id);
    free(id);
    return rc;
}
