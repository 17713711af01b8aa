/* SPDX-License-Identifier: MIT
 *
 * The oracle reads headquarters' log: nobody overwrote what he had not seen without a conflict that keeps it, and nobody deleted
 * it. Ledgers say what the author of an edit saw.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/history_entry.h"
#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

/* The op of the first token, or 0. */
static long long op_of(const char *text)
{
    long long op = 0;
    const char *at = strchr(text, '~');
    return at != NULL && sscanf(at, "~%lld.", &op) == 1 ? op : 0;
}

/* A copy had seen what the laptop it was made of had, whose ledger has it. */
static bool original_had_seen(struct sim_world *w, int node, long long op, const char *row_id,
                              const char *field, const char *old)
{
    for (int i = 1; i < node; i++) {
        if (w->replicas[i].copy == node &&
            sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE op < %lld AND row_id = %Q AND field "
                       "= %Q AND (was IS %Q OR mine IS %Q)",
                       op, row_id, field, old, old) > 0) {
            return true;
        }
    }
    return false;
}

/* Had the node that made op seen `old` in the field before? The ledger holds what stood there at each of its own edits; between
 * them its own value stood. */
static bool had_seen(struct sim_world *w, long long op, const char *entity, const char *row_id,
                     const char *field, const char *old)
{
    for (int i = 0; i <= w->replica_count; i++) {
        /* The edit may have been of a record that was merged into this one: the op's own row tells what it saw. */
        int64_t seq = sim_db_int(sim_eyes(i), 0,
                                 "SELECT max(seq) FROM sim_ledger WHERE op = %lld AND entity = %Q "
                                 "AND field = %Q",
                                 op, entity, field);
        if (seq == 0) {
            continue;
        }
        return sim_db_int(sim_eyes(i), 0,
                          "SELECT count(*) FROM sim_ledger WHERE (seq <= %lld OR %lld < 0) AND "
                          "(row_id = %Q OR row_id IN (SELECT row_id FROM sim_ledger WHERE seq = "
                          "%lld)) AND "
                          "(field = %Q AND (was IS %Q OR mine "
                          "IS %Q) OR kind = 'delete' AND instr(was, %Q) > 0)",
                          (long long)seq, (long long)seq, row_id, (long long)seq, field, old, old,
                          old) > 0 ||
               original_had_seen(w, i, op, row_id, field, old);
    }
    return true; /* nobody's op: a ruling, a restore */
}

static bool is_in_conflict(sqlite3 *hq, const char *row_id, const char *old)
{
    return sim_db_int(
               hq, 0,
               "SELECT count(*) FROM conflict WHERE (instr(theirs, %Q) > "
               "0 OR instr(mine, %Q) > 0 OR instr(base, %Q) > 0 OR instr(stood, %Q) > 0) AND "
               "(record_id = %Q OR record_id IN (SELECT drop_id FROM merge_job))",
               old, old, old, old, row_id) > 0;
}

struct change {
    const char *entity;
    const char *row_id;
    const char *field;
    const char *old;
    const char *now;
    bool by_device;
    long long rev;
    int64_t edited_at_ms; /* as headquarters dated it */
};

/* A ruling wrote it: the value is older than the ruling. */
static bool was_ruled(sqlite3 *hq, const struct change *c)
{
    return sim_db_int(hq, 0,
                      "SELECT count(*) FROM sim_whole_log AS l JOIN conflict AS f ON "
                      "replace(f.id, '-', '') = lower(hex(l.row_id)) WHERE f.record_id = %Q AND "
                      "l.op = 2 AND instr(l.changes, '\"decided_at\"') > 0 AND (SELECT max(rev) "
                      "FROM fb_rev WHERE first_seq <= l.seq) = %lld",
                      c->row_id, c->rev) > 0;
}

#define HELLO_MS_MAX 120000 /* the offset is off by the time that hello was under way */

/* Rule 25: an edit is dated by the corrected clock of its author: not before it was made (unless
 * his clock jumped) nor before the cut he had seen, and not much later. */
static void check_date(struct sim_world *w, sqlite3 *hq, const struct change *c)
{
    const struct sim_entity *e = sim_entity(c->entity);
    const struct sim_field *f = e != NULL ? sim_entity_field(e, c->field) : NULL;
    if (f == NULL || f->policy == SIM_TEXTUAL || f->group != NULL ||
        w->counters.hq_restores > 0 || /* cursors of ledgers are of any history then */
        was_ruled(hq, c)) {
        return; /* the value may be older than the edit that brought it */
    }
    long long op = op_of(c->now);
    for (int i = 1; op > 0 && c->by_device && i <= w->replica_count; i++) {
        sqlite3 *db = sim_eyes(i);
        int64_t made = sim_db_int(db, 0,
                                  "SELECT max(true_ms) FROM sim_ledger WHERE op = %lld AND row_id "
                                  "= %Q AND kind IN ('set', 'insert')",
                                  op, c->row_id);
        if (made == 0) {
            continue;
        }
        int64_t cursor =
            sim_db_int(db, 0, "SELECT min(cursor) FROM sim_ledger WHERE op = %lld", op);
        int64_t seen =
            sim_db_int(hq, 0, "SELECT at_ms FROM fb_rev WHERE rev = %lld", (long long)cursor);
        if (c->edited_at_ms < seen) {
            sim_violation(w, "clock",
                          "rev %lld: op %lld of n%d is dated %lld ms before the cut its author had "
                          "seen",
                          c->rev, op, i, (long long)(seen - c->edited_at_ms));
        }
        int64_t last =
            sim_db_int(db, 0, "SELECT max(true_ms) FROM sim_ledger WHERE row_id = %Q", c->row_id);
        last = (last > seen ? last : seen) + HELLO_MS_MAX;
        /* Of a round carried by file nobody knows how long it was on the way: a slow clock stays. */
        int64_t slow_ms = w->counters.carried > 0 ? w->plan.params.clock_offset_ms : 0;
        if (!w->replicas[i].daemon.clock.has_jumped &&
            (c->edited_at_ms < made - 1000 - slow_ms || c->edited_at_ms > last)) {
            sim_violation(w, "clock", "rev %lld: op %lld of n%d is dated %lld ms after it was made",
                          c->rev, op, i, (long long)(c->edited_at_ms - made));
        }
    }
}

/* I6, I7. */
static void check_change(struct sim_world *w, sqlite3 *hq, const struct change *c)
{
    const struct sim_entity *e = sim_entity(c->entity);
    const struct sim_field *f = e != NULL ? sim_entity_field(e, c->field) : NULL;
    long long op = op_of(c->now);
    if (f == NULL || f->policy == SIM_TEXTUAL || op == 0 || op_of(c->old) == 0 ||
        op_of(c->old) == op || !c->by_device) {
        return;
    }
    if (had_seen(w, op, c->entity, c->row_id, c->field, c->old)) {
        return;
    }
    if (!is_in_conflict(hq, c->row_id, c->old)) {
        sim_violation(w, "silent loser",
                      "rev %lld: op %lld overwrote %s.%s = %s of %s, which its author had not "
                      "seen, and no conflict keeps it",
                      c->rev, op, c->entity, c->field, c->old, c->row_id);
    }
    bool may_win =
        f->policy == SIM_LATEST || f->policy == SIM_OWNER || f->policy == SIM_CLOSED_MANUAL;
    int64_t ruled = sim_db_int(hq, 0,
                               "SELECT count(*) FROM conflict WHERE record_id = %Q AND (outcome "
                               "LIKE 'kept%%' OR stood IS NOT "
                               "NULL OR policy = 'merged records')",
                               c->row_id);
    if (!may_win && ruled == 0) {
        sim_violation(w, "policy",
                      "rev %lld: op %lld overwrote %s.%s = %s of %s against its policy", c->rev, op,
                      c->entity, c->field, c->old, c->row_id);
    }
}

/* Every change of a field that the log tells, with the rev it belongs to. */
#define CHANGES_SQL                                                                                \
    "SELECT l.entity_name, l.id, j.key, json_extract(j.value, '$[0]'), json_extract(j.value, "     \
    "'$[1]'), l.device IS NOT NULL, l.rev, coalesce(json_extract(j.value, '$[2]'), l.at_ms) FROM " \
    "(SELECT (SELECT value ->> 'name' FROM fb_catalogue AS c, json_each(c.document, "              \
    "'$.entities') WHERE value ->> 'no' = g.entity "                                               \
    "AND c.version = (SELECT max(version) FROM fb_catalogue)) AS entity_name, g.changes AS "       \
    "changes, r.device_id AS device, r.rev AS "                                                    \
    "rev, coalesce(g.at_ms, r.at_ms) AS at_ms, "                                                   \
    "lower(substr(hex(g.row_id), 1, 8) || '-' || substr(hex(g.row_id), 9, 4) || '-' || "           \
    "substr(hex(g.row_id), 13, 4) || '-' || "                                                      \
    "substr(hex(g.row_id), 17, 4) || '-' || substr(hex(g.row_id), 21)) AS id FROM sim_whole_log "  \
    "AS g "                                                                                        \
    "JOIN fb_rev AS r ON r.rev = "                                                                 \
    "(SELECT max(rev) FROM fb_rev WHERE first_seq <= g.seq) WHERE g.op = 2 AND g.changes IS NOT "  \
    "NULL ORDER BY g.seq) AS l, "                                                                  \
    "json_each(l.changes) AS j"

static void check_changes(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(hq, CHANGES_SQL);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        struct change c = {.entity = sim_column(q, 0),
                           .row_id = sim_column(q, 1),
                           .field = sim_column(q, 2),
                           .old = sim_column(q, 3),
                           .now = sim_column(q, 4),
                           .by_device = sqlite3_column_int(q, 5) != 0,
                           .rev = sqlite3_column_int64(q, 6),
                           .edited_at_ms = sqlite3_column_int64(q, 7)};
        check_change(w, hq, &c);
        check_date(w, hq, &c);
    }
    sqlite3_finalize(q);
}

/* --- deletes ------------------------------------------------------------------------------------ */

/* A row lies in the bin: whoever deleted it had seen each of its values, or made it himself. */
/* Somebody wished to merge it into another: nobody deleted it. (The wish goes to the bin with the record that was kept.) */
static bool was_merged(const struct sim_world *w, const char *row_id)
{
    for (int i = 0; i <= w->replica_count; i++) {
        if (sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE kind = 'merge' AND row_id = %Q",
                       row_id) > 0) {
            return true;
        }
    }
    return false;
}

static void check_binned(struct sim_world *w, const char *row_id, const char *image, int node)
{
    if (w->counters.clones > 0) {
        return; /* which of the copies deleted it, the log does not say */
    }
    sqlite3 *db = sim_eyes(node);
    if (was_merged(w, row_id)) {
        return;
    }
    char *seen = sim_db_text(
        db,
        "SELECT group_concat(coalesce(was, '') || coalesce(mine, '')) FROM sim_ledger WHERE "
        "row_id = %Q",
        row_id);
    for (const char *at = strchr(image, '~'); at != NULL; at = strchr(at + 1, '~')) {
        char token[48];
        long long op;
        int n;
        int size = 0;
        if (sscanf(at, "~%lld.%d~%n", &op, &n, &size) != 2 || size == 0) {
            continue;
        }
        snprintf(token, sizeof token, "~%lld.%d~", op, n);
        bool was_own = sim_db_int(db, 0, "SELECT count(*) FROM sim_ledger WHERE op = %lld", op) > 0;
        if (!was_own && (seen == NULL || strstr(seen, token) == NULL)) {
            sim_violation(w, "delete", "%s was deleted by n%d, who had not seen %s in it", row_id,
                          node, token);
        }
        at += size - 1;
    }
    free(seen);
}

#define BIN_SQL                                                                                    \
    "SELECT b.row_id, b.image, (SELECT device_id FROM fb_rev WHERE rev = (SELECT max(rev) FROM "   \
    "fb_rev WHERE first_seq <= b.cause)) "                                                         \
    "FROM fb_bin AS b"

static void check_bin(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(hq, BIN_SQL);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 1; i <= w->replica_count; i++) {
            if (strcmp(w->replicas[i].device_id, sim_column(q, 2)) == 0) {
                check_binned(w, sim_column(q, 0), sim_column(q, 1), i);
            }
        }
    }
    sqlite3_finalize(q);
}

/* --- whole transactions ------------------------------------------------------------------------- */

/* Rows that were inserted together came in one rev; what was held and tried again comes by record. */
static void check_revs_of_together(struct sim_world *w, sqlite3 *hq)
{
    char *split = sim_db_text(
        hq, "SELECT substr(n.body, 1, instr(n.body, '~') - 1) FROM note AS n JOIN sim_whole_log AS "
            "l ON "
            "lower(hex(l.row_id)) = "
            "replace(n.id, '-', '') AND l.op = 1 WHERE n.body LIKE 'together %%' GROUP BY 1 HAVING "
            "count(DISTINCT (SELECT max(rev) FROM fb_rev WHERE first_seq <= l.seq)) > 1 AND NOT "
            "max(EXISTS (SELECT 1 FROM held_change AS h WHERE h.record_id = n.id))");
    if (split != NULL) {
        sim_violation(w, "atomic", "'%s' came in several revs", split);
    }
    free(split);
}

/* --- what was packed ---------------------------------------------------------------------------- */

struct told {
    int64_t entries;
    int64_t sum_of_seqs;
};

static int take_told(void *ctx, const struct fb_history_entry *entry)
{
    struct told *t = ctx;
    t->entries++;
    t->sum_of_seqs += entry->seq;
    return FB_OK;
}

/* The product tells of each row all that was ever logged of it, and vouches for it. */
static void check_packed(struct sim_world *w, sqlite3 *hq)
{
    struct fb_store *s = w->server.reader;
    int64_t bad_rev = 0;
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    if (fb_store_read_begin(s) < 0 || fb_history_verify(s, &bad_rev) < 0 || bad_rev > 0) {
        sim_violation(w, "history", "headquarters cannot vouch for rev %lld", (long long)bad_rev);
    }
    sqlite3_stmt *q = sim_db_query(
        hq, "SELECT entity, row_id, count(*), sum(seq) FROM sim_whole_log WHERE op BETWEEN 1 AND 4 "
            "GROUP BY entity, row_id");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        const struct fb_entity *e =
            fb_catalogue_entity_no(fb_store_catalogue(s), (uint32_t)sqlite3_column_int(q, 0));
        char id[FB_ROW_ID_SIZE];
        struct told told = {0};
        fb_id_from_bytes(sqlite3_column_blob(q, 1), id);
        if (e == NULL || fb_history_entries(s, e, id, 0, INT64_MAX, take_told, &told) < 0 ||
            told.entries != sqlite3_column_int64(q, 2) ||
            told.sum_of_seqs != sqlite3_column_int64(q, 3)) {
            sim_violation(w, "history", "of %s %s headquarters tells %lld entries instead of %lld",
                          e == NULL ? "?" : e->name, id, (long long)told.entries,
                          (long long)sqlite3_column_int64(q, 2));
        }
    }
    sqlite3_finalize(q);
    fb_store_read_end(s);
}

void sim_history_check(struct sim_world *w)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    check_changes(w, hq);
    check_bin(w, hq);
    check_revs_of_together(w, hq);
    check_packed(w, hq);
}
