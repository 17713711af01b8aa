/* SPDX-License-Identifier: MIT
 *
 * What a person wants to see of a run that failed: ledgers, headquarters' log, conflicts, held changes, the bin.
 */
#include <stdio.h>

#include "tests/sim/eyes.h"
#include "tests/sim/world.h"

static void print_query(int node, const char *title, const char *sql)
{
    sqlite3 *db = sim_eyes(node);
    sqlite3_stmt *q = db != NULL ? sim_db_query(db, "%s", sql) : NULL;
    printf("--- n%d %s\n", node, title);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(q); i++) {
            printf("%s%.1600s", i > 0 ? " | " : "", sim_column(q, i));
        }
        printf("\n");
    }
    sqlite3_finalize(q);
}

void sim_dump(struct sim_world *w)
{
    for (int i = 0; i <= w->replica_count; i++) {
        print_query(i, "ledger: seq op kind entity row field was mine cursor at",
                    "SELECT seq, op, kind, entity, row_id, field, was, mine, cursor, true_ms - "
                    "1700000000000 FROM sim_ledger "
                    "ORDER BY seq");
    }
    print_query(SIM_HQ, "log: rev device push seq op entity row cause at changes",
                "SELECT r.rev, (SELECT name FROM device WHERE id = r.device_id), r.push, l.seq, "
                "l.op, l.entity, "
                "lower(hex(l.row_id)), l.cause, coalesce(l.at_ms, r.at_ms) - 1700000000000, "
                "l.changes FROM sim_whole_log AS l JOIN "
                "fb_rev AS r ON r.rev = (SELECT max(rev) FROM fb_rev WHERE first_seq <= l.seq) "
                "WHERE r.rev > 1 ORDER BY l.seq");
    print_query(SIM_HQ, "conflicts: entity row group base theirs mine device policy outcome reason",
                "SELECT entity, record_id, field_group, base, theirs, mine, (SELECT name FROM "
                "device WHERE id = device_id), "
                "policy, outcome, reason FROM conflict");
    print_query(SIM_HQ, "held: entity row reason text changes",
                "SELECT entity, record_id, reason, reason_text, changes FROM held_change");
    print_query(SIM_HQ, "bin: entity row cause image",
                "SELECT entity, row_id, cause, image FROM fb_bin");
    for (int i = 1; i <= w->replica_count; i++) {
        print_query(i, "found: entity row field value",
                    "SELECT entity, record_id, field, value FROM found_value");
    }
}
