/* SPDX-License-Identifier: MIT */
#include "tests/sim/power_cuts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/sql.h"
#include "tests/sim/db.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

#define CALLS_MAX   300 /* a life lasts at most so many calls */
#define DEEP_EVERY  20  /* every so many lives the whole file is checked */
#define LIVES_FRESH 500 /* then the files are made anew */

struct life {
    int node;
    struct fb_store *store;
    int64_t saved;  /* number of the last edit whose commit returned */
    int64_t frozen; /* of the last push */
    uint64_t random;
};

struct loss {
    int64_t cuts;
    int64_t lost;
    int64_t damaged;
    int64_t halves;
    int64_t commits;
};

static int open_store(struct life *l, bool may_create)
{
    char path[64];
    snprintf(path, sizeof path, "/sim/%d/fieldbook.db", l->node);
    sim_vfs_enter(l->node, SIM_DAEMON);
    struct fb_store_options options = {.node = l->node == SIM_HQ ? FB_NODE_SERVER : FB_NODE_REPLICA,
                                       .may_create = may_create};
    struct fb_why why = {""};
    int rc = fb_store_open(path, &options, &l->store, &why);
    if (rc < 0) {
        l->store = NULL;
        fprintf(stderr, "sim: node %d does not open: %s %s\n", l->node, fb_err_name(rc), why.text);
    }
    return rc;
}

static void make(struct life *l)
{
    struct fb_why why = {""};
    struct fb_catalogue *catalogue = NULL;
    if (open_store(l, true) < 0 ||
        fb_catalogue_read_folder(SIM_CATALOGUE, 1, &catalogue, &why) < 0 ||
        fb_store_begin(l->store) < 0 ||
        fb_store_set_catalogue(l->store, catalogue, SIM_EPOCH_MS, &why) < 0 ||
        fb_sql_exec(
            l->store,
            "INSERT INTO company (id, name) VALUES ('01890000-0000-7000-8000-000000000001', '0')") <
            0 ||
        fb_sql_exec(
            l->store,
            "INSERT INTO account (id, name) VALUES ('01890000-0000-7000-8000-000000000002', '0')") <
            0 ||
        fb_store_commit(l->store) < 0) {
        sim_die("a new database: %s", why.text);
    }
    fb_store_close(l->store);
    l->store = NULL;
    l->saved = 0;
    l->frozen = 0;
}

/* Two tables and the journal in one transaction. */
static bool edit(struct life *l)
{
    char sql[2][96];
    int64_t number = l->saved + 1;
    snprintf(sql[0], sizeof sql[0], "UPDATE company SET name = '%" PRId64 "'", number);
    snprintf(sql[1], sizeof sql[1],
             "UPDATE account SET name = '%" PRId64 "', balance = balance + 1", number);
    bool ok = fb_store_begin(l->store) == FB_OK;
    ok = ok && fb_sql_exec(l->store, sql[0]) == FB_OK && fb_sql_exec(l->store, sql[1]) == FB_OK;
    if (ok && fb_store_commit(l->store) == FB_OK) {
        l->saved = number;
        return true;
    }
    if (fb_store_in_transaction(l->store)) {
        fb_store_rollback(l->store);
    }
    return false;
}

static bool freeze(struct life *l)
{
    int64_t number = 0;
    bool ok = fb_store_begin(l->store) == FB_OK &&
              fb_replica_freeze(l->store, SIM_EPOCH_MS, &number) == FB_OK;
    if (ok && fb_store_commit(l->store) == FB_OK) {
        l->frozen = number > 0 ? number : l->frozen;
        return true;
    }
    if (fb_store_in_transaction(l->store)) {
        fb_store_rollback(l->store);
    }
    return false;
}

static void live(struct life *l, struct loss *loss)
{
    sim_vfs_crash_after(l->node, SIM_DAEMON, 1 + (int64_t)sim_below(&l->random, CALLS_MAX), true);
    bool ok = true;
    while (ok) {
        if (l->node != SIM_HQ && sim_chance(&l->random, 200)) {
            ok = freeze(l);
        } else if (sim_chance(&l->random, 30)) {
            ok = fb_store_checkpoint(l->store) == FB_OK;
        } else {
            ok = edit(l);
        }
        loss->commits += ok;
    }
    fb_store_close(l->store);
    l->store = NULL;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        sim_vfs_start(l->node, (enum sim_process)i);
    }
}

/* What is there after the cut, by plain SQL. */
static void judge(struct life *l, struct loss *loss, bool is_deep)
{
    sqlite3 *db = sim_db_open(l->node, SIM_TOOL);
    int64_t number = sim_db_int(db, -1, "SELECT CAST(name AS INTEGER) FROM company");
    int64_t other = sim_db_int(db, -2, "SELECT CAST(name AS INTEGER) FROM account");
    int64_t frozen =
        l->node == SIM_HQ ? l->frozen : sim_db_int(db, 0, "SELECT max(number) FROM fb_push");
    loss->lost += number < l->saved || frozen < l->frozen;
    loss->halves += number != other;
    if (is_deep) {
        char *verdict = sim_db_text(db, "PRAGMA integrity_check");
        loss->damaged += verdict == NULL || strcmp(verdict, "ok") != 0;
        free(verdict);
    }
    sim_db_close(db);
    l->saved = number;
    l->frozen = frozen;
    loss->cuts++;
}

int sim_power_cuts(int64_t cuts, uint64_t seed)
{
    struct loss loss[2] = {{0}, {0}};
    sim_vfs_reset(seed);
    for (int node = 0; node < 2; node++) {
        struct life l = {.node = node, .random = sim_mix(seed, (uint64_t)node)};
        for (int64_t i = 0; i < cuts / 2; i++) {
            if (i % LIVES_FRESH == 0) {
                sim_vfs_reset(sim_mix(seed, (uint64_t)i));
                make(&l);
            }
            if (open_store(&l, false) < 0) {
                loss[node].damaged++;
                sim_vfs_reset(sim_mix(seed, (uint64_t)i));
                make(&l);
                continue;
            }
            live(&l, &loss[node]);
            judge(&l, &loss[node], i % DEEP_EVERY == 0);
        }
        printf("%s: %" PRId64 " power cuts, %" PRId64 " commits: %" PRId64 " lost, %" PRId64
               " damaged, %" PRId64 " halves\n",
               node == SIM_HQ ? "headquarters" : "laptop", loss[node].cuts, loss[node].commits,
               loss[node].lost, loss[node].damaged, loss[node].halves);
    }
    int64_t bad = 0;
    for (int node = 0; node < 2; node++) {
        bad += loss[node].lost + loss[node].damaged + loss[node].halves;
    }
    return bad > 0 ? 1 : 0;
}
