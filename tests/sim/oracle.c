/* SPDX-License-Identifier: MIT
 *
 * The oracle while a run goes on: what must hold whenever something was committed. Plain arrays and plain SQL, no code of the
 * product. Invariants are those of docs/simulator.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/releases.h"
#include "tests/sim/rights.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

#define PUSHES_MAX 4096

/* What one node promised. */
struct memory {
    int64_t *acknowledged; /* ops whose COMMIT returned */
    size_t count;
    size_t capacity;
    int64_t frozen[PUSHES_MAX]; /* by push number: the newest ledger row that may be in it */
    int64_t pushes;
    int64_t acked_push;
    int64_t floor; /* ledger rows up to here may be delivered, under an older incarnation */
    int64_t cursor;
    int64_t rev;
    int64_t incarnation;
    char timeline[40];
    int64_t delivered; /* ledger rows up to here were surely delivered */
    bool may_go_back;  /* headquarters began a new timeline: the next full cut may be older */
};

static struct memory memories[SIM_NODES_MAX];

/* Edits that headquarters itself had made since, and a laptop shows: lost there, to be found here. */
struct lost_edit {
    int node;
    int64_t op;
    char entity[32];
    char row_id[40];
    char field[32];
    char value[160];
};

static struct lost_edit *lost;
static size_t lost_count;
static size_t lost_capacity;
static int64_t lost_floor; /* newest ledger row of headquarters that the backup has */

void sim_oracle_reset(struct sim_world *w)
{
    (void)w;
    for (int i = 0; i < SIM_NODES_MAX; i++) {
        free(memories[i].acknowledged);
        memories[i] = (struct memory){0};
    }
    lost_count = 0;
}

void sim_oracle_acknowledged(struct sim_world *w, int node, int64_t op)
{
    (void)w;
    struct memory *m = &memories[node];
    SIM_GROW(m->acknowledged, m->count, m->capacity);
    m->acknowledged[m->count++] = op;
}

/* I1, I9 on the node itself: a saved edit is there after every crash. */
static void check_saved(struct sim_world *w, int node)
{
    struct memory *m = &memories[node];
    sqlite3 *db = sim_eyes(node);
    if (db == NULL || m->count == 0) {
        return;
    }
    bool *there = sim_alloc((size_t)w->op_number + 1);
    sqlite3_stmt *q = sim_db_query(db, "SELECT DISTINCT op FROM sim_ledger");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        there[sqlite3_column_int64(q, 0)] = true;
    }
    sqlite3_finalize(q);
    for (size_t i = 0; i < m->count; i++) {
        if (!there[m->acknowledged[i]]) {
            sim_violation(w, "saved", "n%d lost op %lld, which it had saved", node,
                          (long long)m->acknowledged[i]);
        }
    }
    free(there);
}

/* I4: of what was inserted together, all or nothing. */
static void check_together(struct sim_world *w, int node, sqlite3 *db)
{
    sqlite3_stmt *q = sim_db_query(
        db, "SELECT substr(body, 1, instr(body, '~') - 1), count(*) FROM note WHERE body LIKE "
            "'together %%' GROUP BY 1");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        long long op = 0;
        int count = 0;
        if (sscanf(sim_column(q, 0), "together %lld %d", &op, &count) == 2 &&
            sqlite3_column_int(q, 1) != count) {
            sim_violation(w, "atomic", "n%d shows %d of the %d rows of op %lld", node,
                          sqlite3_column_int(q, 1), count, op);
        }
    }
    sqlite3_finalize(q);
}

static bool has_table(sqlite3 *db, const char *name)
{
    return sim_db_int(db, 0,
                      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = %Q",
                      name) > 0;
}

static void check_transfers(struct sim_world *w, int node, sqlite3 *db)
{
    int64_t sum = sim_db_int(db, 0, "SELECT sum(balance) FROM account");
    if (sum != 0) {
        sim_violation(w, "atomic", "n%d: the accounts add up to %lld", node, (long long)sum);
    }
}

/* Rule 7: an address is one that somebody wrote, or none. (A held part of one that is tried again meets what came since.) */
static void check_addresses(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(
        hq,
        "SELECT id, json_array(street, city, postcode) FROM company WHERE coalesce(street, city, "
        "postcode) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM held_change AS h WHERE h.record_id = "
        "company.id)");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        bool is_known = false;
        for (int i = 0; !is_known && i <= w->replica_count; i++) {
            sqlite3 *db = sim_eyes(i);
            is_known = db == NULL || sim_db_int(db, 0,
                                                "SELECT count(*) FROM sim_ledger WHERE kind = "
                                                "'group' AND mine = %Q",
                                                sim_column(q, 1)) > 0;
        }
        if (!is_known) {
            sim_violation(w, "group", "nobody wrote the address %s of %s", sim_column(q, 1),
                          sim_column(q, 0));
        }
    }
    sqlite3_finalize(q);
}

/* --- headquarters ------------------------------------------------------------------------------- */

static void look_at_headquarters(struct sim_world *w, sqlite3 *db)
{
    struct memory *m = &memories[SIM_HQ];
    int64_t rev = sim_db_int(db, 0, "SELECT max(rev) FROM fb_rev");
    if (rev < m->rev) {
        sim_violation(w, "durable", "headquarters was at rev %lld and is at %lld",
                      (long long)m->rev, (long long)rev);
    }
    m->rev = rev;
    check_together(w, SIM_HQ, db);
    check_transfers(w, SIM_HQ, db);
    check_addresses(w, db);
    sim_territories_note(w, db);
    sim_rights_note(w, db);
    sim_vfs_enter(SIM_HQ, SIM_READER);
}

/* A laptop that has not heard of a restore yet counts by the history it knows. */
static bool is_of_present(const struct memory *m, sqlite3 *hq)
{
    char *timeline = sim_db_text(hq, "SELECT value FROM fb_meta WHERE key = 'timeline'");
    bool is_same = timeline != NULL && strcmp(timeline, m->timeline) == 0;
    free(timeline);
    return is_same;
}

/* The newest push of the laptop's present life that headquarters has merged. */
static int64_t newest_seen(const struct memory *m, sqlite3 *hq)
{
    return sim_db_int(hq, 0, "SELECT max(number) FROM fb_seen WHERE incarnation = %lld",
                      (long long)m->incarnation);
}

/* I9: what a laptop may call delivered is merged at headquarters, also after headquarters' crashes. */
static void check_acked(struct sim_world *w, const struct sim_replica *r)
{
    const struct memory *m = &memories[r->daemon.node];
    if (m->acked_push == 0 || !w->server.daemon.is_up) {
        return;
    }
    sqlite3 *db = sim_eyes(SIM_HQ);
    if (db == NULL || w->server.is_rewound || !is_of_present(&memories[r->daemon.node], db)) {
        return;
    }
    int64_t seen = newest_seen(m, db);
    if (seen < m->acked_push) {
        sim_violation(
            w, "durable",
            "n%d counts push %lld of incarnation %lld as delivered, headquarters has seen %lld",
            r->daemon.node, (long long)m->acked_push, (long long)m->incarnation, (long long)seen);
    }
}

/* --- laptops ------------------------------------------------------------------------------------ */

/* Up to here the laptop was told that its edits were delivered; a headquarters that was put back may have forgotten them since, and what
 * it sends then is in their place. */
static void note_floor(struct memory *m)
{
    int64_t delivered = m->acked_push < PUSHES_MAX ? m->frozen[m->acked_push] : INT64_MAX;
    m->floor = delivered > m->floor ? delivered : m->floor;
}

static void note_pushes(struct memory *m, sqlite3 *db)
{
    int64_t incarnation = sim_db_int(db, 0, "SELECT value FROM fb_meta WHERE key = 'incarnation'");
    if (incarnation != m->incarnation) {
        m->pushes = 0; /* numbers start anew */
        m->floor = sim_db_int(db, 0, "SELECT max(seq) FROM sim_ledger");
        m->incarnation = incarnation;
    }
    int64_t newest = sim_db_int(db, 0, "SELECT max(number) FROM fb_push WHERE incarnation = %lld",
                                (long long)incarnation);
    int64_t edits = sim_db_int(db, 0, "SELECT max(seq) FROM sim_ledger");
    while (m->pushes < newest && m->pushes < PUSHES_MAX - 1) {
        m->frozen[++m->pushes] = edits;
    }
    int64_t acked = sim_db_int(db, 0,
                               "SELECT max(number) FROM fb_push WHERE acked_at_ms IS NOT NULL AND "
                               "incarnation = %lld",
                               (long long)incarnation);
    if (acked < m->acked_push) {
        note_floor(m);
    }
    m->acked_push = acked;
}

/* Read your writes: what is not acknowledged still shows. */
static void check_pending(struct sim_world *w, int node, sqlite3 *db)
{
    struct memory *m = &memories[node];
    int64_t acked = m->acked_push < PUSHES_MAX ? m->frozen[m->acked_push] : INT64_MAX;
    acked = acked > m->floor ? acked : m->floor;
    sqlite3_stmt *q = sim_db_query(db,
                                   "SELECT entity, row_id, field, mine, op FROM sim_ledger AS l "
                                   "WHERE seq > %lld AND kind IN ('set', 'insert') AND "
                                   "mine IS NOT was AND NOT "
                                   "EXISTS (SELECT 1 FROM sim_ledger AS n WHERE n.seq > l.seq AND "
                                   "n.entity = l.entity AND n.row_id = l.row_id AND "
                                   "(n.field = l.field OR n.kind IN ('delete', 'insert')))",
                                   (long long)acked);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        sqlite3_stmt *row = sim_db_query(db, "SELECT %s IS ?1, %s FROM %s WHERE id = ?2",
                                         sim_column(q, 2), sim_column(q, 2), sim_column(q, 0));
        sqlite3_bind_value(row, 1, sqlite3_column_value(q, 3));
        sqlite3_bind_value(row, 2, sqlite3_column_value(q, 1));
        if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_int(row, 0) == 0) {
            sim_violation(w, "pending",
                          "n%d: op %lld set %s.%s of %s to %s, it is not delivered and shows %s",
                          node, (long long)sqlite3_column_int64(q, 4), sim_column(q, 0),
                          sim_column(q, 2), sim_column(q, 1), sim_column(q, 3), sim_column(row, 1));
        }
        sqlite3_finalize(row);
    }
    sqlite3_finalize(q);
}

static bool has_unanswered(sqlite3 *db)
{
    return sim_db_int(db, 0,
                      "SELECT (SELECT count(*) FROM fb_journal WHERE op > 0) + (SELECT count(*) "
                      "FROM fb_push WHERE "
                      "covered_rev IS NULL)") > 0;
}

static void look_at_laptop(struct sim_world *w, struct sim_replica *r, sqlite3 *db)
{
    int node = r->daemon.node;
    struct memory *m = &memories[node];
    int64_t cursor = sim_db_int(db, 0, "SELECT value FROM fb_meta WHERE key = 'cursor'");
    char *timeline = sim_db_text(db, "SELECT value FROM fb_meta WHERE key = 'timeline'");
    if (timeline != NULL && strcmp(timeline, m->timeline) != 0) {
        m->may_go_back = m->timeline[0] != '\0';
        snprintf(m->timeline, sizeof m->timeline, "%s", timeline);
    }
    free(timeline);
    if (cursor < m->cursor && m->may_go_back) {
        m->may_go_back = false;
    } else if (cursor < m->cursor) {
        sim_violation(w, "monotonic", "n%d was at %lld and is at %lld", node, (long long)m->cursor,
                      (long long)cursor);
    }
    m->cursor = cursor;
    sim_program_look(w, r, cursor);
    note_pushes(m, db);
    if (!has_table(db, "account")) {
        return;
    }
    check_together(w, node, db);
    check_pending(w, node, db);
    /* One side of a transfer made with triggers off may be found before the other. */
    bool is_loose = sim_db_int(db, 0,
                               "SELECT count(*) FROM sim_ledger WHERE kind = 'loose' AND entity = "
                               "'account'") > 0;
    if (!has_unanswered(db) && !is_loose) {
        check_transfers(w, node, db);
    }
    check_acked(w, r);
    if (sim_has_devices(w) && sim_oracle_all_delivered(node)) {
        m->delivered = sim_db_int(db, 0, "SELECT max(seq) FROM sim_ledger");
    }
}

void sim_oracle_look(struct sim_world *w, int node)
{
    if (w->violation[0] != '\0' || sim_vfs_is_down(node, SIM_READER)) {
        return;
    }
    if (!sim_eyes_see_news(node)) {
        return;
    }
    sqlite3 *db = sim_eyes(node);
    w->counters.looks++;
    if (sim_db_run(db, "BEGIN") != SQLITE_OK) {
        return;
    }
    if (node == SIM_HQ) {
        look_at_headquarters(w, db);
    } else {
        look_at_laptop(w, &w->replicas[node], db);
        sim_vfs_enter(node, SIM_READER);
    }
    sim_db_run(db, "COMMIT");
    sim_enter(w, node, SIM_DAEMON);
}

void sim_oracle_started(struct sim_world *w, int node)
{
    check_saved(w, node);
    sqlite3 *db = sim_eyes(node);
    char *verdict = db != NULL ? sim_db_text(db, "PRAGMA integrity_check") : NULL;
    if (verdict != NULL && strcmp(verdict, "ok") != 0) {
        sim_violation(w, "damage", "n%d: %s", node, verdict);
    }
    free(verdict);
    sim_oracle_look(w, node);
    for (int i = 1; node == SIM_HQ && i <= w->replica_count; i++) {
        check_acked(w, &w->replicas[i]);
    }
    sim_enter(w, node, SIM_DAEMON);
}

/* Also not delivered: what a headquarters that was put back has lost, and the laptop has not sent again. */
bool sim_oracle_all_delivered(int node)
{
    sqlite3 *db = sim_eyes(node);
    sqlite3 *hq = sim_eyes(SIM_HQ);
    const struct memory *m = &memories[node];
    return db != NULL && has_table(db, "account") && hq != NULL && is_of_present(m, hq) &&
           newest_seen(m, hq) >= m->acked_push &&
           sim_db_int(
               db, 1,
               "SELECT (SELECT count(*) FROM fb_journal WHERE op > 0) + (SELECT count(*) FROM "
               "fb_push WHERE acked_at_ms IS NULL)") == 0;
}

/* --- backups put back --------------------------------------------------------------------------- */

static sqlite3 *kept_ledger; /* in memory, of the node that is being put back */

static void copy_ledger(sqlite3 *from, sqlite3 *to, const char *where, int64_t seq_shift)
{
    sqlite3_stmt *q = sim_db_query(from, "SELECT * FROM sim_ledger WHERE %s", where);
    sqlite3_stmt *put = sim_db_query(
        to,
        "INSERT OR IGNORE INTO sim_ledger VALUES (?1 - %lld, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
        "?9, ?10)",
        (long long)seq_shift);
    while (sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 0; i < 10; i++) {
            sqlite3_bind_value(put, i + 1, sqlite3_column_value(q, i));
        }
        if (sqlite3_step(put) != SQLITE_DONE) {
            sim_die("the ledger cannot be copied: %s", sqlite3_errmsg(to));
        }
        sqlite3_reset(put);
    }
    sqlite3_finalize(q);
    sqlite3_finalize(put);
}

void sim_oracle_before_restore(int node)
{
    sqlite3 *db = sim_eyes(node);
    if (sqlite3_open(":memory:", &kept_ledger) != SQLITE_OK) {
        sim_die("no memory");
    }
    sim_db_run(kept_ledger, SIM_LEDGER_SQL);
    copy_ledger(db, kept_ledger, "1", 0);
}

/* By op and not by number: a commit that failed at its sync is not in the ledger that went on, but may be in a copy of the file. */
static void note_restored(sqlite3 *db)
{
    sim_db_run(kept_ledger, "CREATE TEMP TABLE restored (op)");
    sqlite3_stmt *q = sim_db_query(db, "SELECT DISTINCT op FROM sim_ledger");
    while (sqlite3_step(q) == SQLITE_ROW) {
        sim_db_run(kept_ledger, "INSERT INTO restored VALUES (%lld)",
                   (long long)sqlite3_column_int64(q, 0));
    }
    sqlite3_finalize(q);
}

void sim_oracle_after_restore(struct sim_world *w, int node)
{
    struct memory *m = &memories[node];
    sqlite3 *db = sim_db_open(node, SIM_TOOL);
    sim_db_run(db, "BEGIN");
    sim_db_run(db, "DELETE FROM sim_ledger WHERE seq < 0");
    note_restored(db);
    copy_ledger(kept_ledger, db, "op NOT IN (SELECT op FROM restored)", SIM_LEDGER_OLD);
    sim_db_run(db, "COMMIT");
    sim_db_close(db);
    sim_db_close(kept_ledger);
    kept_ledger = NULL;
    m->pushes = 0;
    m->acked_push = 0;
    m->cursor = 0;
    (void)w;
}

/* --- data erased --------------------------------------------------------------------------------- */

static sqlite3 *memory_ledger(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        sim_die("no memory");
    }
    sim_db_run(db, SIM_LEDGER_SQL);
    return db;
}

sqlite3 *sim_oracle_before_wipe(struct sim_world *w, int node, bool has_lost)
{
    sqlite3 *kept = memory_ledger();
    sqlite3 *db = sim_eyes(node);
    char where[64];
    int64_t delivered = has_lost ? memories[node].delivered : INT64_MAX;
    (void)w;
    snprintf(where, sizeof where, "seq <= %lld", (long long)delivered);
    copy_ledger(db, kept, where, SIM_LEDGER_OLD);
    snprintf(where, sizeof where, "seq > %lld", (long long)delivered);
    copy_ledger(db, kept, where, SIM_LEDGER_LOST);
    return kept;
}

void sim_oracle_after_wipe(int node, sqlite3 *ledger)
{
    struct memory *m = &memories[node];
    sqlite3 *db = sim_db_open(node, SIM_TOOL);
    sim_db_run(db, "BEGIN");
    copy_ledger(ledger, db, "1", 0);
    /* What comes is numbered from here, above what was. */
    sim_db_run(db, "INSERT INTO sim_ledger (seq, op, kind) VALUES (1, 0, 'begin')");
    sim_db_run(db, "COMMIT");
    sim_db_close(db);
    m->pushes = m->acked_push = m->floor = m->cursor = m->incarnation = m->delivered = 0;
    m->timeline[0] = '\0';
    m->may_go_back = false;
}

/* --- headquarters put back ---------------------------------------------------------------------- */

static bool knows(sqlite3 *db, const char *entity, const char *field)
{
    return sim_db_int(db, 0, "SELECT count(*) FROM pragma_table_info(%Q) WHERE name = %Q", entity,
                      field) > 0;
}

static bool shows(sqlite3 *db, const struct lost_edit *e)
{
    return knows(db, e->entity, e->field) &&
           sim_db_int(db, 0, "SELECT count(*) FROM %s WHERE id = %Q AND %s IS %Q", e->entity,
                      e->row_id, e->field, e->value) > 0;
}

static void note_lost_edits(struct sim_world *w, int node, sqlite3 *hq)
{
    sqlite3 *db = sim_eyes(node);
    if (db == NULL || !has_table(db, "account")) {
        return;
    }
    sqlite3_stmt *q = sim_db_query(
        hq,
        "SELECT op, entity, row_id, field, mine FROM sim_ledger WHERE seq > %lld AND kind = "
        "'set' AND mine LIKE '%%~%%' AND length(mine) < 150 AND mine IS NOT was",
        (long long)lost_floor);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        struct lost_edit e = {.node = node, .op = sqlite3_column_int64(q, 0)};
        snprintf(e.entity, sizeof e.entity, "%s", sim_column(q, 1));
        snprintf(e.row_id, sizeof e.row_id, "%s", sim_column(q, 2));
        snprintf(e.field, sizeof e.field, "%s", sim_column(q, 3));
        snprintf(e.value, sizeof e.value, "%s", sim_column(q, 4));
        if (shows(db, &e) && !shows(sim_eyes(SIM_HQ), &e)) { /* it may stand there as before */
            SIM_GROW(lost, lost_count, lost_capacity);
            lost[lost_count++] = e;
            w->counters.hq_lost++;
        }
    }
    sqlite3_finalize(q);
}

static sqlite3 *lost_ledger; /* headquarters', as it was */

void sim_oracle_before_hq_restore(struct sim_world *w)
{
    (void)w;
    if (sqlite3_open(":memory:", &lost_ledger) != SQLITE_OK) {
        sim_die("no memory");
    }
    sim_db_run(lost_ledger, SIM_LEDGER_SQL);
    copy_ledger(sim_eyes(SIM_HQ), lost_ledger, "1", 0);
}

/* What headquarters promised of its own is gone with the file. */
static void forget_lost_promises(sqlite3 *hq)
{
    struct memory *m = &memories[SIM_HQ];
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        bool is_there = sim_db_int(hq, 0, "SELECT count(*) FROM sim_ledger WHERE op = %lld",
                                   (long long)m->acknowledged[i]) > 0;
        if (is_there) {
            m->acknowledged[kept++] = m->acknowledged[i];
        }
    }
    m->count = kept;
    m->rev = 0;
}

void sim_oracle_after_hq_restore(struct sim_world *w)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    lost_floor = sim_db_int(hq, 0, "SELECT max(seq) FROM sim_ledger");
    forget_lost_promises(hq);
    sim_devices_after_hq_restore();
    for (int i = 1; i <= w->replica_count; i++) {
        struct memory *m = &memories[i];
        note_floor(m);
        m->delivered = 0;
        note_lost_edits(w, i, lost_ledger);
    }
    sim_db_close(lost_ledger);
    lost_ledger = NULL;
}

static bool was_touched(struct sim_world *w, const struct lost_edit *e)
{
    for (int i = 0; i <= w->replica_count; i++) {
        if (sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE kind = 'delete' OR (row_id = %Q AND "
                       "(kind IN ('insert', 'hand', 'loose') OR (%d AND field = %Q)))",
                       e->row_id, i == e->node, e->field) > 0) {
            return true;
        }
    }
    return sim_db_int(sim_eyes(e->node), 0,
                      "SELECT count(*) FROM sim_ledger WHERE row_id = %Q AND kind = 'group'",
                      e->row_id) > 0;
}

/* sync-rules.md, part 5: what only laptops have of headquarters' own work is offered back there. */
void sim_oracle_check_lost(struct sim_world *w)
{
    for (size_t i = 0; i < lost_count && w->counters.restores + w->counters.wiped == 0; i++) {
        const struct lost_edit *e = &lost[i];
        int64_t found = sim_db_int(sim_eyes(e->node), 0,
                                   "SELECT count(*) FROM found_value WHERE record_id = %Q AND "
                                   "(instr(value, '~%lld.') > 0 OR instr(value, %Q) > 0)",
                                   e->row_id, (long long)e->op, e->value); /* or put back there */
        /* Some laptop may have brought it back by its own push, and headquarters may have written over it since. */
        int64_t logged =
            sim_db_int(sim_eyes(SIM_HQ), 0,
                       "SELECT count(*) FROM sim_whole_log WHERE instr(changes, %Q) > 0", e->value);
        if (found == 0 && logged == 0 && !was_touched(w, e) && !shows(sim_eyes(SIM_HQ), e)) {
            sim_violation(w, "lost at headquarters",
                          "n%d had %s.%s = %s of %s, which headquarters lost, and it is not found",
                          e->node, e->entity, e->field, e->value, e->row_id);
        }
    }
}

void sim_oracle_check_saved(struct sim_world *w)
{
    for (int i = 0; i <= w->replica_count; i++) {
        check_saved(w, i);
    }
}
