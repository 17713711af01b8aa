/* SPDX-License-Identifier: MIT
 *
 * Proof that the simulated disk is honest and cruel: with plain SQLite on it, WAL + FULL loses
 * nothing in any power cut, and the settings known to lose do lose (the negative controls).
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/testlib.h"
#include "tests/sim/util.h"
#include "tests/sim/vfs.h"

static sqlite3 *open_db(int node, enum sim_process process)
{
    sqlite3 *db = NULL;
    char path[64];
    snprintf(path, sizeof path, "/sim/%d/fieldbook.db", node);
    sim_vfs_enter(node, process);
    int rc = sqlite3_open(path, &db);
    if (rc != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_extended_result_codes(db, 1);
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t answer = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) {
        answer = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return answer;
}

static bool is_intact(sqlite3 *db)
{
    sqlite3_stmt *q = NULL;
    bool intact = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
                  sqlite3_step(q) == SQLITE_ROW &&
                  strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    return intact;
}

struct loss {
    int cuts;
    int lost;    /* runs in which an acknowledged commit was gone */
    int damaged; /* runs in which the file could not be opened or failed its check */
    int halves;  /* runs in which half a transaction was there */
};

/* One life: commits counted pairs of rows until the power goes; returns the last acknowledged
 * number. */
static int64_t work_until_the_cut(sqlite3 *db, int64_t number, uint64_t *random)
{
    for (;;) {
        char sql[256];
        snprintf(
            sql, sizeof sql,
            "BEGIN IMMEDIATE; INSERT INTO t VALUES (%lld, zeroblob(%d)); UPDATE head SET n = %lld; "
            "COMMIT",
            (long long)(number + 1), (int)sim_below(random, 3000), (long long)(number + 1));
        if (run(db, sql) != SQLITE_OK) {
            return number;
        }
        number++;
        if (sim_chance(random, 100)) {
            (void)run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        if (sim_chance(random, 300)) {
            char delete_old[96];
            snprintf(delete_old, sizeof delete_old, "DELETE FROM t WHERE id < %lld",
                     (long long)number - 20);
            (void)run(db, delete_old);
        }
    }
}

/* A cut in a random call, then what is there is compared with what was acknowledged. */
static struct loss cut_often(uint64_t seed, int cuts, const char *settings, bool is_lying)
{
    struct loss loss = {0};
    uint64_t random = seed;
    int64_t acknowledged = -1;
    sim_vfs_reset(seed);
    for (int i = 0; i < cuts; i++) {
        sqlite3 *db = open_db(1, SIM_DAEMON);
        if (db != NULL) {
            (void)run(db, settings);
            (void)run(db, "PRAGMA wal_autocheckpoint = 20");
        }
        if (acknowledged < 0 || db == NULL || !is_intact(db)) {
            loss.damaged += acknowledged >= 0;
            sqlite3_close(db);
            sim_vfs_reset(seed + (uint64_t)i);
            db = open_db(1, SIM_DAEMON);
            (void)run(db, settings);
            assert_int_equal(run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB); "
                                     "CREATE TABLE head (n INTEGER); INSERT INTO head VALUES (0)"),
                             SQLITE_OK);
            sim_vfs_disk(1)->is_lying = is_lying;
            acknowledged = 0;
        }
        int64_t there = ask(db, "SELECT n FROM head");
        loss.lost += there < acknowledged;
        loss.halves += there != ask(db, "SELECT coalesce(max(id), (SELECT n FROM head)) FROM t");
        sim_vfs_crash_after(1, SIM_DAEMON, 1 + (int64_t)sim_below(&random, 300), true);
        acknowledged = work_until_the_cut(db, there, &random);
        sqlite3_close(db);
        sim_vfs_start(1, SIM_DAEMON);
        loss.cuts++;
    }
    sim_vfs_reset(0);
    return loss;
}

FB_TEST(wal_with_full_loses_nothing_in_thousands_of_power_cuts)
{
    struct loss loss =
        cut_often(1, 4000, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", false);
    assert_int_equal(loss.cuts, 4000);
    assert_int_equal(loss.lost, 0);
    assert_int_equal(loss.damaged, 0);
    assert_int_equal(loss.halves, 0);
}

FB_TEST(wal_with_normal_loses_acknowledged_commits_but_stays_intact)
{
    struct loss loss =
        cut_often(2, 500, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", false);
    assert_true(loss.lost > 50);
    assert_int_equal(loss.damaged, 0);
    assert_int_equal(loss.halves, 0);
}

FB_TEST(a_rollback_journal_with_full_loses_acknowledged_commits)
{
    struct loss loss =
        cut_often(3, 500, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", false);
    assert_true(loss.lost > 0);
    assert_int_equal(loss.damaged, 0);
    assert_int_equal(loss.halves, 0);
}

FB_TEST(a_rollback_journal_with_extra_loses_nothing)
{
    struct loss loss =
        cut_often(4, 500, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA", false);
    assert_int_equal(loss.lost, 0);
    assert_int_equal(loss.damaged, 0);
}

FB_TEST(a_disk_that_lies_about_sync_damages_files)
{
    struct loss loss =
        cut_often(5, 300, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", true);
    assert_true(loss.damaged + loss.lost > 100);
}

static sqlite3 *fresh(uint64_t seed)
{
    sim_vfs_reset(seed);
    sqlite3 *db = open_db(1, SIM_DAEMON);
    assert_int_equal(run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                             "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"),
                     SQLITE_OK);
    return db;
}

FB_TEST(a_killed_process_leaves_what_it_committed_and_nothing_else)
{
    sqlite3 *db = fresh(6);
    assert_int_equal(
        run(db, "INSERT INTO t VALUES (1, 'kept'); BEGIN; INSERT INTO t VALUES (2, 'open')"),
        SQLITE_OK);
    sim_vfs_crash(1, SIM_DAEMON);
    assert_int_not_equal(run(db, "COMMIT"), SQLITE_OK);
    sqlite3_close(db);
    sim_vfs_start(1, SIM_DAEMON);
    db = open_db(1, SIM_DAEMON);
    assert_int_equal(ask(db, "SELECT count(*) FROM t"), 1);
    assert_int_equal(run(db, "INSERT INTO t VALUES (3, 'next')"), SQLITE_OK);
    sqlite3_close(db);
}

FB_TEST(two_processes_see_each_others_commits_and_wait_for_locks)
{
    sqlite3 *daemon = fresh(7);
    sqlite3 *tool = open_db(1, SIM_TOOL);
    assert_int_equal(run(tool, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1, 'tool')"), SQLITE_OK);
    assert_int_equal(run(daemon, "INSERT INTO t VALUES (2, 'daemon')"), SQLITE_BUSY);
    assert_int_equal(ask(daemon, "SELECT count(*) FROM t"), 0);
    assert_int_equal(run(tool, "COMMIT"), SQLITE_OK);
    assert_int_equal(ask(daemon, "SELECT count(*) FROM t"), 1);
    sqlite3_close(tool);
    sqlite3_close(daemon);
}

FB_TEST(a_process_that_dies_in_its_transaction_does_not_disturb_the_other)
{
    for (int calls = 1; calls < 40; calls++) {
        sqlite3 *daemon = fresh(8);
        sqlite3 *tool = open_db(1, SIM_TOOL);
        assert_int_equal(ask(tool, "SELECT count(*) FROM t"), 0);
        sim_vfs_enter(1, SIM_DAEMON);
        sim_vfs_crash_after(1, SIM_DAEMON, calls, false);
        bool committed =
            run(daemon, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                        "LIMIT 400) INSERT INTO t SELECT i, 'long text' || i FROM n") == SQLITE_OK;
        sqlite3_close(daemon);
        sim_vfs_enter(1, SIM_TOOL);
        int64_t rows = ask(tool, "SELECT count(*) FROM t");
        assert_true(rows == 400 || (rows == 0 && !committed));
        assert_true(is_intact(tool));
        assert_int_equal(run(tool, "INSERT INTO t VALUES (1000, 'after')"), SQLITE_OK);
        assert_int_equal(ask(tool, "SELECT count(*) FROM t"), rows + 1);
        sqlite3_close(tool);
    }
}

FB_TEST(every_failing_call_is_reported_and_leaves_whole_transactions)
{
    int survived = 0;
    for (int n = 1; survived < 2 && n < 2000; n++) {
        sqlite3 *db = fresh(9);
        sim_vfs_fail_after(1, SIM_CALL_ANY, n, false);
        bool ok =
            run(db,
                "BEGIN; INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b'); COMMIT") ==
                SQLITE_OK &&
            run(db, "PRAGMA wal_checkpoint(TRUNCATE)") == SQLITE_OK;
        survived += ok && !sim_vfs_has_failed(1);
        sqlite3_close(db);
        sim_vfs_fail_after(1, 0, 0, false);
        db = open_db(1, SIM_DAEMON);
        int64_t rows = ask(db, "SELECT count(*) FROM t");
        assert_true(rows == 0 || rows == 2);
        assert_true(!ok || rows == 2);
        assert_true(is_intact(db));
        sqlite3_close(db);
    }
    assert_int_equal(survived, 2);
}

FB_TEST(a_full_disk_refuses_and_recovers)
{
    sqlite3 *db = fresh(10);
    sim_vfs_disk(1)->bytes_max = 60000;
    int rc = SQLITE_OK;
    int64_t kept = 0;
    while (rc == SQLITE_OK) {
        rc = run(db, "INSERT INTO t (v) VALUES (zeroblob(900))");
        kept += rc == SQLITE_OK;
    }
    assert_int_equal(rc & 0xff, SQLITE_FULL);
    assert_int_equal(ask(db, "SELECT count(*) FROM t"), kept);
    sim_vfs_disk(1)->bytes_max = 0;
    assert_int_equal(run(db, "INSERT INTO t (v) VALUES ('room again')"), SQLITE_OK);
    assert_true(is_intact(db));
    sqlite3_close(db);
}

FB_TEST(a_snapshot_brings_the_disk_back)
{
    sqlite3 *db = fresh(11);
    assert_int_equal(run(db, "INSERT INTO t VALUES (1, 'before')"), SQLITE_OK);
    struct sim_snapshot *backup = sim_disk_snapshot(sim_vfs_disk(1));
    assert_int_equal(run(db, "INSERT INTO t VALUES (2, 'after')"), SQLITE_OK);
    sim_vfs_crash(1, SIM_DAEMON);
    sqlite3_close(db);
    sim_vfs_start(1, SIM_DAEMON);
    sim_disk_restore(sim_vfs_disk(1), backup);
    sim_snapshot_free(backup);
    db = open_db(1, SIM_DAEMON);
    assert_int_equal(ask(db, "SELECT count(*) FROM t"), 1);
    sqlite3_close(db);
}

/* A run that uses SQLite's randomness, clock, cuts and errors; its trace is the disk's content. */
static uint64_t run_once(uint64_t seed, bool other_node_acts)
{
    sqlite3 *db = fresh(seed);
    uint64_t random = seed;
    for (int i = 0; i < 50; i++) {
        if (other_node_acts) {
            sqlite3 *other = open_db(2, SIM_DAEMON);
            (void)ask(other, "SELECT length(randomblob(100))");
            sqlite3_close(other);
        }
        sim_vfs_enter(1, SIM_DAEMON);
        sim_vfs_set_now(1, 1700000000000 + i);
        (void)run(db, "INSERT INTO t (v) VALUES (hex(randomblob(16)) || julianday('now'))");
        if (sim_chance(&random, 200)) {
            sim_vfs_cut_power(1);
            sqlite3_close(db);
            sim_vfs_start(1, SIM_DAEMON);
            db = open_db(1, SIM_DAEMON);
            (void)run(db, "PRAGMA synchronous = NORMAL");
        }
    }
    sqlite3_close(db);
    uint64_t hash = sim_disk_hash(sim_vfs_disk(1));
    sim_vfs_reset(0);
    return hash;
}

FB_TEST(a_seed_repeats_bit_for_bit)
{
    uint64_t first = run_once(12, false);
    assert_true(first == run_once(12, false));
    assert_true(first != run_once(13, false));
}

FB_TEST(what_another_node_does_shifts_nobodys_random_numbers)
{
    assert_true(run_once(14, false) == run_once(14, true));
}

FB_MAIN(FB_CASE(wal_with_full_loses_nothing_in_thousands_of_power_cuts),
        FB_CASE(wal_with_normal_loses_acknowledged_commits_but_stays_intact),
        FB_CASE(a_rollback_journal_with_full_loses_acknowledged_commits),
        FB_CASE(a_rollback_journal_with_extra_loses_nothing),
        FB_CASE(a_disk_that_lies_about_sync_damages_files),
        FB_CASE(a_killed_process_leaves_what_it_committed_and_nothing_else),
        FB_CASE(two_processes_see_each_others_commits_and_wait_for_locks),
        FB_CASE(a_process_that_dies_in_its_transaction_does_not_disturb_the_other),
        FB_CASE(every_failing_call_is_reported_and_leaves_whole_transactions),
        FB_CASE(a_full_disk_refuses_and_recovers), FB_CASE(a_snapshot_brings_the_disk_back),
        FB_CASE(a_seed_repeats_bit_for_bit),
        FB_CASE(what_another_node_does_shifts_nobodys_random_numbers))
