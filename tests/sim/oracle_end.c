/* SPDX-License-Identifier: MIT
 *
 * The oracle when all is calm: everything that was edited is accounted for, all files say the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/aging.h"
#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/releases.h"
#include "tests/sim/rights.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

/* --- tokens at headquarters --------------------------------------------------------------------- */

enum place { IN_ROWS = 1, IN_LOG = 2, IN_CONFLICT = 4, IN_HELD = 8, IN_BIN = 16, IN_FOUND = 32 };

/* Where each token of an op was seen; N of ~OP.N~ stays below TOKENS_MAX. */
#define TOKENS_MAX 32
static uint8_t *places;
static int64_t place_count;

static uint8_t *place_of(long long op, int n)
{
    int64_t at = op * TOKENS_MAX + n;
    return op >= 0 && n >= 0 && n < TOKENS_MAX && at < place_count ? &places[at] : NULL;
}

static void note_tokens(const char *text, enum place place)
{
    for (const char *at = strchr(text, '~'); at != NULL; at = strchr(at + 1, '~')) {
        long long op;
        int n;
        int size = 0;
        if (sscanf(at, "~%lld.%d~%n", &op, &n, &size) == 2 && size > 0 && place_of(op, n) != NULL) {
            *place_of(op, n) |= (uint8_t)place;
            at += size - 1;
        }
    }
}

static void note_query(sqlite3 *db, enum place place, const char *sql)
{
    sqlite3_stmt *q = sim_db_query(db, "%s", sql);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(q); i++) {
            note_tokens(sim_column(q, i), place);
        }
    }
    sqlite3_finalize(q);
}

static void gather_tokens(struct sim_world *w)
{
    sqlite3 *db = sim_eyes(SIM_HQ);
    free(places);
    place_count = (w->op_number + 1) * TOKENS_MAX;
    places = sim_alloc((size_t)place_count);
    for (const struct sim_entity *e = SIM_ENTITIES; e->name != NULL; e++) {
        char sql[256];
        if (e->fields[0].since > sim_release_of(db)) {
            continue;
        }
        snprintf(sql, sizeof sql, "SELECT * FROM %s", e->name);
        note_query(db, IN_ROWS, sql);
    }
    note_query(db, IN_LOG, "SELECT changes FROM sim_whole_log");
    note_query(db, IN_CONFLICT, "SELECT base, theirs, mine FROM conflict");
    note_query(db, IN_HELD, "SELECT changes FROM held_change");
    note_query(db, IN_BIN, "SELECT image FROM fb_bin");
    for (int i = 1; i <= w->replica_count; i++) {
        note_query(sim_eyes(i), IN_FOUND, "SELECT value FROM found_value");
    }
}

static int places_of_text(const char *text)
{
    long long op;
    int n;
    const char *at = strchr(text, '~');
    if (at == NULL || sscanf(at, "~%lld.%d~", &op, &n) != 2 || place_of(op, n) == NULL) {
        return -1;
    }
    return *place_of(op, n);
}

/* The token of a text edit is the one that its own op wrote: the last with that op. */
static int places_of_edit(const char *mine, long long op)
{
    char start[32];
    snprintf(start, sizeof start, "~%lld.", op);
    const char *at = strstr(mine, start);
    return at != NULL ? places_of_text(at) : -1;
}

/* I1, I7, I15: every edit took effect, or lies where a person can find it, or the same laptop's later edit took its place (one that
 * counts as lost with erased data may have been handed in all the same: its number says nothing about when it was made). */
static void check_edits(struct sim_world *w, int node)
{
    sqlite3 *db = sim_eyes(node);
    sqlite3_stmt *q = sim_db_query(
        db, "SELECT op, entity, row_id, field, mine FROM sim_ledger AS l WHERE " SIM_NOT_LOST
            " AND kind IN ('set', 'insert') AND mine LIKE '%%~%%' "
            "AND mine IS NOT was AND NOT EXISTS (SELECT 1 FROM sim_ledger AS n WHERE (n.op, n.seq) "
            "> (l.op, l.seq) "
            "AND n.entity = l.entity AND "
            "n.row_id = l.row_id AND ((n.field = l.field AND instr(n.mine, l.mine) = 0) OR (n.kind "
            "= 'set' AND "
            "n.field = l.field AND n.mine IS NULL) OR n.kind = 'delete')) ORDER BY seq");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        long long op = sqlite3_column_int64(q, 0);
        if (places_of_edit(sim_column(q, 4), op) == 0) {
            sim_violation(w, "lost edit",
                          "n%d op %lld: %s.%s of %s = %s is nowhere at headquarters", node, op,
                          sim_column(q, 1), sim_column(q, 3), sim_column(q, 2), sim_column(q, 4));
        }
    }
    sqlite3_finalize(q);
}

/* F15: the last values of a row whose delete was refused are kept. */
static void check_refused_deletes(struct sim_world *w, const struct sim_replica *r)
{
    sqlite3_stmt *q =
        sim_db_query(sim_eyes(r->daemon.node),
                     "SELECT op, entity, row_id, mine FROM sim_ledger AS l WHERE " SIM_NOT_LOST
                     " AND kind = 'set' AND mine LIKE '%%~%%' AND EXISTS (SELECT 1 FROM "
                     "sim_ledger AS n WHERE n.op = l.op AND n.seq > l.seq AND "
                     "n.row_id = l.row_id AND n.kind = 'delete') AND NOT EXISTS "
                     "(SELECT 1 FROM sim_ledger AS n WHERE n.seq > l.seq AND "
                     "n.row_id = l.row_id AND n.op <> l.op) AND NOT EXISTS (SELECT 1 FROM "
                     "sim_ledger AS n WHERE n.row_id = l.row_id AND n.kind = 'insert')");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        int64_t stands = sim_db_int(sim_eyes(SIM_HQ), 0, "SELECT count(*) FROM %s WHERE id = %Q",
                                    sim_column(q, 1), sim_column(q, 2));
        int64_t ever_went = sim_db_int(sim_eyes(SIM_HQ), 0,
                                       "SELECT count(*) FROM sim_whole_log WHERE op = 3 AND "
                                       "lower(hex(row_id)) = replace(%Q, '-', '')",
                                       sim_column(q, 2));
        if (stands > 0 && ever_went == 0 &&
            places_of_edit(sim_column(q, 3), sqlite3_column_int64(q, 0)) == 0) {
            sim_violation(
                w, "lost edit",
                "n%d op %lld: its delete of %s was refused, and %s, typed before it, is nowhere",
                r->daemon.node, (long long)sqlite3_column_int64(q, 0), sim_column(q, 2),
                sim_column(q, 3));
        }
    }
    sqlite3_finalize(q);
}

/* A copy of the laptop, or the laptop itself in its next life, deleted the row that breaks a rule before it handed in the rest. */
static bool was_left_out_later(const struct sim_world *w, int node, const char *row_id)
{
    for (int i = 1; i <= w->replica_count; i++) {
        if ((i == node ? w->counters.restores : w->counters.clones) > 0 &&
            sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE kind = 'delete' AND row_id = %Q",
                       row_id) > 0) {
            return true;
        }
    }
    return false;
}

/* A restore took the order away, so nobody knew to which order the line belongs: both waited for their rows, each by itself. */
static bool waited_apart(const struct sim_world *w, const char *mine)
{
    return w->counters.hq_restores > 0 &&
           sim_db_int(sim_eyes(SIM_HQ), 0,
                      "SELECT count(*) FROM held_change WHERE entity = 'sales_line' AND "
                      "instr(changes, %Q) > 0",
                      mine) > 0;
}

/* Rule 20: what breaks a rule does not stand at headquarters, and nothing of its aggregate either. */
static void check_held(struct sim_world *w, int node)
{
    sqlite3 *db = sim_eyes(node);
    sqlite3_stmt *q =
        sim_db_query(db, "SELECT op, mine, row_id FROM sim_ledger WHERE field = 'due_on'");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        long long op = sqlite3_column_int64(q, 0);
        int where = places_of_edit(sim_column(q, 1), op);
        if (where > 0 && (where & IN_ROWS) != 0) {
            sim_violation(w, "held", "n%d op %lld: %s breaks a rule and stands at headquarters",
                          node, op, sim_column(q, 1));
        }
        char *beside = sim_db_text(db,
                                   "SELECT mine FROM sim_ledger WHERE op = %lld AND entity = "
                                   "'sales_order' AND field = 'remark'",
                                   op);
        int beside_where = beside != NULL ? places_of_edit(beside, op) : 0;
        if (where > 0 && (where & IN_HELD) != 0 && beside_where > 0 &&
            (beside_where & IN_ROWS) != 0 && !was_left_out_later(w, node, sim_column(q, 2)) &&
            !waited_apart(w, sim_column(q, 1))) {
            sim_violation(w, "held",
                          "n%d op %lld: %s is held, but %s of the same order was applied", node, op,
                          sim_column(q, 1), beside);
        }
        free(beside);
    }
    sqlite3_finalize(q);
}

/* Rule 24: a value that only a hand without triggers wrote, in a row that this laptop otherwise
 * never touched and nobody deleted, is kept for a person. */
static void check_found(struct sim_world *w, const struct sim_replica *r)
{
    if (w->counters.restores + w->counters.hq_restores + w->counters.clones + w->counters.wiped >
            0 ||
        sim_has_territories(w) || w->counters.segments > 0) {
        return; /* what was found or hand-made since the backup went with the file, or with its account; behind the horizon nobody knows */
    }
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(r->daemon.node),
        "SELECT op, entity, row_id, field, mine FROM sim_ledger AS l WHERE kind = 'hand' AND mine "
        "LIKE '%%~%%' AND mine IS NOT was AND NOT EXISTS (SELECT 1 FROM sim_ledger AS n WHERE "
        "n.row_id = l.row_id AND n.seq <> l.seq)");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        int64_t deleted = sim_db_int(sim_eyes(SIM_HQ), 0,
                                     "SELECT count(*) FROM sim_whole_log WHERE op IN (3, 4) AND "
                                     "lower(hex(row_id)) = replace(%Q, '-', '')",
                                     sim_column(q, 2));
        int where = places_of_edit(sim_column(q, 4), sqlite3_column_int64(q, 0));
        if (deleted == 0 && where >= 0 && (where & IN_FOUND) == 0) {
            sim_violation(w, "lost find",
                          "n%d op %lld: %s.%s = %s, made with triggers off, was overwritten and is "
                          "not among the found values",
                          r->daemon.node, (long long)sqlite3_column_int64(q, 0), sim_column(q, 1),
                          sim_column(q, 3), sim_column(q, 4));
        }
    }
    sqlite3_finalize(q);
}

/* A19: what a tool dropped is there again. */
static void check_triggers(struct sim_world *w, int node)
{
    static const char SQL[] = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'";
    int64_t here = sim_db_int(sim_eyes(node), 0, "%s", SQL);
    int64_t hq = sim_db_int(sim_eyes(SIM_HQ), 0, "%s", SQL);
    if (here != hq) {
        sim_violation(w, "triggers", "n%d has %lld triggers, headquarters %lld", node,
                      (long long)here, (long long)hq);
    }
}

/* Rule 24: what no journal row explains is never pushed. A field that was touched, there and back, has one. */
static void check_hand_edits(struct sim_world *w, int node)
{
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(node), "SELECT op, entity, field, mine FROM sim_ledger AS l WHERE "
                        "kind = 'hand' AND NOT EXISTS (SELECT 1 "
                        "FROM sim_ledger AS n WHERE n.row_id = l.row_id AND n.kind <> 'hand' AND "
                        "(n.field = l.field OR n.kind IN ('insert', 'delete', 'touch')))");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        int places_seen = places_of_edit(sim_column(q, 3), sqlite3_column_int64(q, 0));
        if (places_seen > 0 && (places_seen & IN_ROWS) != 0) {
            sim_violation(w, "found value pushed",
                          "n%d op %lld: %s.%s = %s, made with triggers off, stands at headquarters",
                          node, (long long)sqlite3_column_int64(q, 0), sim_column(q, 1),
                          sim_column(q, 2), sim_column(q, 3));
        }
    }
    sqlite3_finalize(q);
}

/* --- sums --------------------------------------------------------------------------------------- */

/* Rows that were ever deleted, by anybody, or held: what became of their steps is a matter of rules 18 to 20. */
static bool is_special(const struct sim_world *w, const char *id)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    int64_t count = sim_db_int(hq, 0,
                               "SELECT count(*) FROM sim_whole_log WHERE op IN (3, 4) AND "
                               "lower(hex(row_id)) = replace('%s', '-', '')",
                               id);
    count += sim_db_int(hq, 0, "SELECT count(*) FROM held_change WHERE changes LIKE '%%%s%%'", id);
    for (int i = 0; i <= w->replica_count; i++) {
        count += sim_db_int(
            sim_eyes(i), 0,
            "SELECT count(*) FROM sim_ledger WHERE kind = 'delete' AND row_id = '%s'", id);
    }
    return count > 0;
}

/* Records that were merged into it; what became of their steps is known if nothing else ever happened to them. */
static bool has_plain_mergings(const struct sim_world *w, const char *id)
{
    sqlite3_stmt *q =
        sim_db_query(sim_eyes(SIM_HQ),
                     "SELECT drop_id FROM merge_job WHERE keep_id = '%s' AND state = 'merged'", id);
    bool is_plain =
        sim_db_int(sim_eyes(SIM_HQ), 0,
                   "SELECT count(*) FROM merge_job WHERE state = 'undone' AND (keep_id = '%s' OR "
                   "drop_id = '%s')",
                   id, id) == 0;
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        const char *drop = sim_column(q, 0);
        int64_t turns = sim_db_int(sim_eyes(SIM_HQ), 0,
                                   "SELECT count(*) FROM sim_whole_log WHERE op IN (3, 4) AND "
                                   "lower(hex(row_id)) = replace('%s', '-', '')",
                                   drop);
        int64_t touched = sim_db_int(
            sim_eyes(SIM_HQ), 0,
            "SELECT (SELECT count(*) FROM held_change WHERE changes LIKE '%%%s%%') + (SELECT "
            "count(*) FROM merge_job WHERE keep_id = '%s' OR (drop_id = '%s' AND state <> "
            "'merged'))",
            drop, drop, drop);
        for (int i = 0; i <= w->replica_count; i++) {
            touched += sim_db_int(sim_eyes(i), 0,
                                  "SELECT count(*) FROM sim_ledger WHERE kind IN ('delete', "
                                  "'loose', 'insert') AND row_id = '%s'",
                                  drop);
        }
        is_plain = is_plain && turns == 1 && touched == 0;
    }
    sqlite3_finalize(q);
    return is_plain;
}

/* Steps made while a trigger was missing, or erased with their laptop: counted or not. */
static bool has_loose_steps(const struct sim_world *w, const char *id)
{
    for (int i = 1; i <= w->replica_count; i++) {
        if (sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE row_id = '%s' AND (kind = 'loose' OR "
                       "NOT " SIM_NOT_LOST ")",
                       id) > 0) {
            return true;
        }
    }
    return false;
}

static int64_t steps_of_merged(const struct sim_world *w, const char *id, const char *field)
{
    int64_t sum = 0;
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(SIM_HQ),
        "SELECT DISTINCT drop_id FROM merge_job WHERE keep_id = '%s' AND state = 'merged'", id);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 0; i <= w->replica_count; i++) {
            sum += sim_db_int(
                sim_eyes(i), 0,
                "SELECT sum(mine) FROM sim_ledger WHERE kind = 'step' AND row_id = '%s' AND "
                "field = '%s'",
                sim_column(q, 0), field);
        }
    }
    sqlite3_finalize(q);
    return sum;
}

/* I2: a sum is the sum of all steps anybody saved. */
static void check_sum(struct sim_world *w, const char *entity, const char *field)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    sqlite3_stmt *q = sim_db_query(hq, "SELECT id, %s FROM %s", field, entity);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        const char *id = sim_column(q, 0);
        int64_t sum = 0;
        for (int i = 0; i <= w->replica_count; i++) {
            sum += sim_db_int(sim_eyes(i), 0,
                              "SELECT sum(mine) FROM sim_ledger WHERE kind = 'step' AND row_id = "
                              "'%s' AND field = '%s'",
                              id, field);
        }
        sum += steps_of_merged(w, id, field);
        int64_t stands = sqlite3_column_int64(q, 1);
        if (sum != stands && !is_special(w, id) && !has_loose_steps(w, id) &&
            has_plain_mergings(w, id)) {
            sim_violation(w, "sum", "%s.%s of %s is %lld, all steps make %lld", entity, field, id,
                          (long long)stands, (long long)sum);
        }
    }
    sqlite3_finalize(q);
}

/* --- equality ----------------------------------------------------------------------------------- */

static bool same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (int i = 0; i < sqlite3_column_count(a); i++) {
        if (sqlite3_column_type(a, i) != sqlite3_column_type(b, i) ||
            strcmp(sim_column(a, i), sim_column(b, i)) != 0) {
            return false;
        }
    }
    return true;
}

static void describe_difference(struct sim_world *w, int node, const char *entity, sqlite3_stmt *a,
                                sqlite3_stmt *b)
{
    for (int i = 0; i < sqlite3_column_count(a); i++) {
        if (strcmp(sim_column(a, i), sim_column(b, i)) != 0) {
            sim_violation(w, "equal", "n%d: %s %s: %s is %s, at headquarters %s", node, entity,
                          sim_column(a, 0), sqlite3_column_name(a, i), sim_column(b, i),
                          sim_column(a, i));
            return;
        }
    }
    sim_violation(w, "equal", "n%d: %s %s differs in the type of a value", node, entity,
                  sim_column(a, 0));
}

/* I3 by plain SQL: every row headquarters has for this laptop, and no other. */
static void compare_table(struct sim_world *w, int node, const char *entity, const char *where)
{
    /* By name: columns of a newer release stand behind, where the table is older. A field of the device is each node's own. */
    char *columns = sim_db_text(sim_eyes(SIM_HQ),
                                "SELECT 'id, ' || group_concat('\"' || name || '\"', ', ') FROM "
                                "pragma_table_info(%Q) WHERE name NOT IN ('id', 'memo')",
                                entity);
    sqlite3_stmt *hq = sim_db_query(sim_eyes(SIM_HQ), "SELECT %s FROM %s WHERE %s ORDER BY id",
                                    columns, entity, where);
    sqlite3_stmt *here =
        sim_db_query(sim_eyes(node), "SELECT %s FROM %s ORDER BY id", columns, entity);
    free(columns);
    int a = sqlite3_step(hq);
    int b = sqlite3_step(here);
    while (a == SQLITE_ROW || b == SQLITE_ROW) {
        int order = a != SQLITE_ROW   ? 1
                    : b != SQLITE_ROW ? -1
                                      : strcmp(sim_column(hq, 0), sim_column(here, 0));
        if (order < 0) {
            sim_violation(w, "equal", "n%d lacks %s %s", node, entity, sim_column(hq, 0));
            a = sqlite3_step(hq);
        } else if (order > 0) {
            sim_violation(w, "equal", "n%d has %s %s, which headquarters has not", node, entity,
                          sim_column(here, 0));
            b = sqlite3_step(here);
        } else {
            if (!same_row(hq, here)) {
                describe_difference(w, node, entity, hq, here);
            }
            a = sqlite3_step(hq);
            b = sqlite3_step(here);
        }
    }
    sqlite3_finalize(hq);
    sqlite3_finalize(here);
}

/* Each table, and which of its rows the laptop should hold: %s is the condition over its companies. */
static const struct {
    const char *entity;
    const char *where;
    bool needs_territories;
    int since; /* release of the catalogue; 0: the first */
} HELD[] = {
    {"employee", "1 OR %s", false, 0},
    {"account", "1 OR %s", false, 0},
    {"territory", "1 OR %s", true, 0},
    {"territory_member", "1 OR %s", true, 0},
    {"company", "%s", false, 0},
    {"company_territory", "company_id IN (SELECT id FROM company WHERE %s)", true, 0},
    {"contact", "company_id IN (SELECT id FROM company WHERE %s)", false, 0},
    {"sales_order", "company_id IN (SELECT id FROM company WHERE %s)", false, 0},
    {"sales_line",
     "sales_order_id IN (SELECT id FROM sales_order WHERE company_id IN (SELECT id FROM company "
     "WHERE %s))",
     false, 0},
    {"note", "company_id IN (SELECT id FROM company WHERE %s)", false, 0},
    {"visit", "company_id IN (SELECT id FROM company WHERE %s)", false, 2},
};

static void compare_laptop(struct sim_world *w, const struct sim_replica *r)
{
    int node = r->daemon.node;
    char where[1200];
    char companies[600];
    snprintf(companies, sizeof companies, "%s", sim_territories_where(w, r->employee_id));
    for (size_t i = 0; i < sizeof HELD / sizeof HELD[0]; i++) {
        const char *at = strstr(HELD[i].where, "%s");
        snprintf(where, sizeof where, "%.*s%s%s%s", (int)(at - HELD[i].where), HELD[i].where,
                 strncmp(HELD[i].where, "1 OR", 4) == 0 ? "1" : companies, at + 2,
                 sim_aging_where(w, HELD[i].entity));
        if ((!HELD[i].needs_territories || sim_has_territories(w)) &&
            HELD[i].since <= sim_release_of(sim_eyes(SIM_HQ))) {
            compare_table(w, node, HELD[i].entity, where);
        }
    }
    snprintf(
        where, sizeof where,
        "NOT private AND company_id IN (SELECT id FROM company WHERE %s) OR (private OR company_id "
        "IS NULL) AND owner_id = '%s'",
        companies, r->employee_id);
    compare_table(w, node, "task", where);
    snprintf(where, sizeof where, "mine_by_id = '%s' OR theirs_by_id = '%s'", r->employee_id,
             r->employee_id);
    compare_table(w, node, "conflict", where);
    snprintf(where, sizeof where, "by_id = '%s'", r->employee_id);
    compare_table(w, node, "held_change", where);
    compare_table(w, node, "receipt", where);
    compare_table(w, node, "device", "0");
}

/* It is what an insert of an id brought that others may have made, too (insert_same): under whatever record that one was merged into. */
static bool is_of_same_id(struct sim_world *w, const char *changes)
{
    for (int i = 1; i <= w->replica_count; i++) {
        if (sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE kind = 'insert' AND row_id LIKE "
                       "'0189ffff-%%' AND mine LIKE '%%~%%' AND instr(%Q, mine) > 0",
                       changes) > 0) {
            return true;
        }
    }
    return false;
}

/* Rule 23: all laptops are honest, so no edit of rows that headquarters ever had (a restore takes some away) is held as "not there or not yours"; but for ids
 * that two laptops made (insert_same), whose second author may not hold the first one's account. A laptop whose program may not pull
 * does not hear that its row is held, and edits it: there the row must have been at headquarters before. */
static void check_honest_edits(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(
        hq,
        "SELECT entity || ' ' || record_id || ': ' || reason_text, changes FROM held_change AS "
        "h WHERE "
        "reason = 'missing_row' AND state <> 'retried' AND reason_text LIKE 'This%%' AND "
        "changes NOT LIKE "
        "'%%0189ffff-%%' AND NOT EXISTS (SELECT 1 FROM json_each(h.changes) AS c WHERE c.value "
        "->> 'op' <> 'insert' AND NOT EXISTS (SELECT 1 FROM sim_whole_log WHERE "
        "lower(hex(row_id)) = replace(c.value ->> 'id', '-', '') AND op IN (1, 2, 3, 4) AND "
        "(%d OR seq < coalesce((SELECT min(seq) FROM sim_whole_log WHERE lower(hex(row_id)) = "
        "replace(h.id, '-', '')), 9e18))))",
        w->counters.programs == 0);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        if (!is_of_same_id(w, sim_column(q, 1))) {
            sim_violation(w, "honest", "an honest edit was refused: %s", sim_column(q, 0));
        }
    }
    sqlite3_finalize(q);
    if (w->counters.segments == 0 &&
        sim_db_int(hq, 0, "SELECT count(*) FROM held_change WHERE reason = 'out_of_scope'") > 0) {
        sim_violation(w, "honest",
                      "an edit is held as too old to be judged, though all of the log "
                      "is there");
    }
}

/* Edits past the triggers: switched off, or dropped and not yet put back. */
static bool has_uncaptured_edits(const struct sim_world *w)
{
    int64_t loose = 0;
    for (int i = 0; i <= w->replica_count; i++) {
        loose += sim_db_int(sim_eyes(i), 0, "SELECT count(*) FROM sim_ledger WHERE kind = 'loose'");
    }
    return w->counters.hand_edits > 0 || loose > 0;
}

static void check_digests(struct sim_world *w, const struct sim_replica *r)
{
    const struct fb_replica_status *st = fb_replica_round_status(r->round);
    if (st->digest_checks == 0) {
        sim_violation(w, "digest", "n%d compared no digest", r->daemon.node);
    }
    if (st->digest_differences > 0 && !has_uncaptured_edits(w)) {
        sim_violation(w, "digest",
                      "n%d found %lld differing digests though nobody edited with triggers off",
                      r->daemon.node, (long long)st->digest_differences);
    }
    int64_t found = sim_db_int(sim_eyes(r->daemon.node), 0, "SELECT count(*) FROM found_value");
    if (w->counters.hand_edits + w->counters.tool_meddling + w->counters.hq_restores == 0 &&
        found > 0) {
        sim_violation(w, "found",
                      "n%d reports %lld values as found though nobody edited with triggers off",
                      r->daemon.node, (long long)found);
    }
}

/* --- conflicts and history ---------------------------------------------------------------------- */

/* I1: a push is merged once. */
static void check_once(struct sim_world *w, sqlite3 *hq)
{
    char *twice = sim_db_text(hq, "SELECT 'push ' || push || ' of incarnation ' || incarnation "
                                  "FROM fb_rev WHERE push > 0 GROUP BY "
                                  "incarnation, push HAVING count(*) > 1");
    if (twice != NULL) {
        sim_violation(w, "twice", "%s was merged twice", twice);
    }
    free(twice);
}

/* Rule 17: who goes on from his own value that waits for a ruling opens no second conflict. */
static void check_conflicts(struct sim_world *w, sqlite3 *hq)
{
    char *twice = sim_db_text(hq, "SELECT a.entity || '.' || a.field_group || ' of ' || "
                                  "a.record_id FROM conflict AS a JOIN conflict "
                                  "AS b ON b.id <> a.id AND b.entity = a.entity AND b.record_id = "
                                  "a.record_id AND b.field_group = "
                                  "a.field_group AND b.device_id = a.device_id AND b.base = a.mine "
                                  "WHERE a.outcome = 'waiting' AND "
                                  "b.outcome = 'waiting' AND a.reason <> 'delete_vs_edit'");
    if (twice != NULL) {
        sim_violation(w, "conflict",
                      "a laptop went on from its own value, and two conflicts wait over %s", twice);
    }
    free(twice);
    w->counters.conflicts_auto +=
        sim_db_int(hq, 0, "SELECT count(*) FROM conflict WHERE outcome = 'auto'");
    w->counters.conflicts_waiting +=
        sim_db_int(hq, 0, "SELECT count(*) FROM conflict WHERE outcome <> 'auto'");
    w->counters.conflicts_delete +=
        sim_db_int(hq, 0, "SELECT count(*) FROM conflict WHERE reason = 'delete_vs_edit'");
    w->counters.held += sim_db_int(hq, 0, "SELECT count(*) FROM held_change");
}

/* I14: a deleted row that is back has a conflict that says so, or somebody inserted it anew. */
#define REV_OF(seq) "(SELECT max(rev) FROM fb_rev WHERE first_seq <= " seq ")"

static bool was_inserted_by_somebody(struct sim_world *w, const char *hex_id)
{
    for (int i = 0; i <= w->replica_count; i++) {
        if (sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE kind = 'insert' AND replace(row_id, "
                       "'-', '') = %Q",
                       hex_id) > 0) {
            return true;
        }
    }
    return false;
}

static void check_returns(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(
        hq, "SELECT " REV_OF(
                "l.seq") " AS rev, lower(hex(l.row_id)) FROM sim_whole_log AS l WHERE l.op = 4");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        int64_t rev = sqlite3_column_int64(q, 0);
        bool by_device =
            sim_db_int(hq, 0, "SELECT device_id IS NOT NULL FROM fb_rev WHERE rev = %lld",
                       (long long)rev) > 0;
        int64_t known =
            sim_db_int(hq, 0,
                       "SELECT count(*) FROM conflict AS c, sim_whole_log AS l WHERE " REV_OF(
                           "l.seq") " = %lld AND "
                                    "c.reason = 'delete_vs_edit' AND replace(c.record_id, '-', '') "
                                    "= lower(hex(l.row_id))",
                       (long long)rev);
        if (known == 0 && by_device && !was_inserted_by_somebody(w, sim_column(q, 1))) {
            sim_violation(w, "return", "row %s came back with rev %lld and no conflict says so",
                          sim_column(q, 1), (long long)rev);
        }
    }
    sqlite3_finalize(q);
}

/* Guarantee 9: no edit is dated after its arrival. */
static void check_clocks(struct sim_world *w, sqlite3 *hq)
{
    char *late = sim_db_text(
        hq, "SELECT 'rev ' || r.rev || ': edited ' || (l.at_ms - r.at_ms) || ' ms after its "
            "arrival' FROM "
            "sim_whole_log AS l JOIN fb_rev AS r ON r.rev = " REV_OF(
                "l.seq") " WHERE l.at_ms > r.at_ms");
    if (late != NULL) {
        sim_violation(w, "clock", "%s", late);
    }
    free(late);
}

static void check_references(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(hq, "PRAGMA foreign_key_check");
    if (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        sim_violation(w, "reference",
                      "at headquarters a row of %s points to a row of %s that is not there",
                      sim_column(q, 0), sim_column(q, 2));
    }
    sqlite3_finalize(q);
}

/* --- merged records ----------------------------------------------------------------------------- */

/* Of two that were merged one is left: the dropped one is not there, what it was merged into is, or was deleted by somebody. */
static void check_survivors(struct sim_world *w, sqlite3 *hq)
{
    char *two = sim_db_text(
        hq,
        "SELECT m.entity || ' ' || m.drop_id FROM merge_job AS m WHERE m.state = 'merged' AND "
        "m.first_seq IS NOT NULL AND m.drop_id NOT LIKE '0189ffff%%' AND " /* many insert those */
        "(EXISTS (SELECT 1 FROM company WHERE id = m.drop_id) OR "
        "EXISTS (SELECT 1 FROM contact WHERE id = m.drop_id)) AND NOT EXISTS (SELECT 1 FROM "
        "merge_job AS u WHERE u.drop_id = m.drop_id AND u.state = 'undone')");
    if (two != NULL) {
        sim_violation(w, "merging", "%s was merged into another and is there", two);
    }
    free(two);
    char *none = sim_db_text(hq, "SELECT m.entity || ' ' || m.keep_id FROM merge_job AS m WHERE "
                                 "m.state = 'merged' AND m.first_seq IS "
                                 "NOT NULL AND NOT EXISTS (SELECT 1 FROM company WHERE id = "
                                 "m.keep_id) AND NOT EXISTS (SELECT 1 FROM "
                                 "contact WHERE id = m.keep_id)");
    if (none != NULL) {
        sim_violation(w, "merging", "another was merged into %s, which is not there", none);
    }
    free(none);
    char *lost = sim_db_text(
        hq, "SELECT b.row_id FROM fb_bin AS b JOIN fb_bin AS d ON d.cause = b.cause AND d.row_id "
            "<> b.row_id JOIN merge_job AS m ON m.drop_id = d.row_id AND m.first_seq <= d.cause "
            "AND m.state = 'merged'");
    if (lost != NULL) {
        sim_violation(w, "merging",
                      "%s went to the bin with the record it hung on, which was merged", lost);
    }
    free(lost);
}

/* Who ever opted out, under whatever record, has opted out. */
static void check_opt_outs(struct sim_world *w, int node)
{
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(node), "SELECT op, row_id FROM sim_ledger AS l WHERE " SIM_NOT_LOST
                        " AND kind = 'set' AND mine IS NOT was AND "
                        "field = 'do_not_call' AND mine = 1 AND NOT EXISTS (SELECT 1 FROM "
                        "sim_ledger AS n WHERE n.row_id = l.row_id AND n.kind = 'delete')");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        char *lost = sim_db_text(sim_eyes(SIM_HQ),
                                 "SELECT c.id FROM company AS c WHERE do_not_call = 0 AND (c.id = "
                                 "%Q OR c.id = (SELECT keep_id FROM "
                                 "merge_job WHERE drop_id = %Q AND state = 'merged' ORDER BY id "
                                 "DESC LIMIT 1)) AND NOT EXISTS (SELECT 1 FROM "
                                 "held_change WHERE changes LIKE '%%do_not_call%%') AND NOT EXISTS "
                                 "(SELECT 1 FROM sim_whole_log WHERE op = 3 AND "
                                 "lower(hex(row_id)) = replace(c.id, '-', '')) AND NOT EXISTS "
                                 "(SELECT 1 FROM merge_job WHERE state = "
                                 "'undone')",
                                 sim_column(q, 1), sim_column(q, 1));
        if (lost != NULL) {
            sim_violation(w, "merging", "n%d op %lld opted out, and %s may be called", node,
                          (long long)sqlite3_column_int64(q, 0), lost);
        }
        free(lost);
    }
    sqlite3_finalize(q);
}

void sim_oracle_end(struct sim_world *w)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    sim_oracle_check_saved(w);
    gather_tokens(w);
    for (int i = 0; i <= w->replica_count; i++) {
        check_edits(w, i);
        check_hand_edits(w, i);
    }
    for (int i = 1; i <= w->replica_count; i++) {
        compare_laptop(w, &w->replicas[i]);
        sim_rights_compare(w, &w->replicas[i]);
        check_digests(w, &w->replicas[i]);
        check_refused_deletes(w, &w->replicas[i]);
        check_held(w, i);
        check_found(w, &w->replicas[i]);
        check_triggers(w, i);
    }
    check_sum(w, "company", "visits");
    check_sum(w, "account", "balance");
    check_sum(w, "sales_line", "delivered");
    check_sum(w, "contact", "calls");
    if (sim_release_of(hq) >= 2) {
        check_sum(w, "company", "points");
    }
    sim_releases_check(w);
    sim_oracle_check_lost(w);
    check_survivors(w, hq);
    for (int i = 0; i <= w->replica_count; i++) {
        check_opt_outs(w, i);
    }
    check_once(w, hq);
    check_honest_edits(w, hq);
    check_conflicts(w, hq);
    check_returns(w, hq);
    check_clocks(w, hq);
    check_references(w, hq);
    sim_history_check(w);
    sim_devices_check(w);
}
