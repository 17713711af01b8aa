/* SPDX-License-Identifier: MIT
 *
 * The stock program of the benchmarks: plain SQLite without anything of ours, both the measure that everything is compared
 * with and the user's tool that edits a Fieldbook file. (tests/tidy keeps sqlite3.h out of the product; a benchmark against
 * plain SQLite needs it.)
 *
 *   bench_sql plain  FILE ROWS EDITS       a plain table: insert, update; processor time and size
 *   bench_sql bare   FILE                  drops the triggers of FILE's bench_contact
 *   bench_sql insert FILE ROWS [memory]    the rows into FILE's bench_contact, triggers on, one transaction; memory: with
 *                                          temp_store = MEMORY, as our own connections have it
 *   bench_sql edit   FILE ROWS COUNT KIND SEED [COMMIT-EVERY]   edits there; KIND any, a, b, same; SEED of the values
 *   bench_sql check  FILE ROWS COUNT KIND SEED      how many of these edits' values stand in FILE
 *   bench_sql digest FILE                  a checksum of all bench_contact rows, to compare two nodes
 *   bench_sql hop    FROM TO COUNT         one-row edits in FROM, each until it is seen in TO: latencies
 *   bench_sql files  FOLDER ROWS EDITS CONFLICTS    the workload as text, in the form that other products' drivers read
 *
 * Prints key=value lines. Times are processor microseconds of this process.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/workload.h"

#define ROWS_SEED 2
#define WAIT_MS   60000
#define SQL_BYTES 4096

static double clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

_Noreturn static void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bench_sql: %s: %s\n", what, db == NULL ? "" : sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail(db, sql);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
        fail(db, sql);
    }
    return q;
}

static void step(sqlite3 *db, sqlite3_stmt *q)
{
    if (sqlite3_step(q) != SQLITE_DONE) {
        fail(db, "step");
    }
    sqlite3_reset(q);
}

static sqlite3 *open_file(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fail(db, path);
    }
    sqlite3_busy_timeout(db, WAIT_MS);
    run(db, "PRAGMA cache_size = -262144");
    return db;
}

static void bind(sqlite3_stmt *q, int place, const struct fb_value *v)
{
    if (v->type == FB_INT) {
        sqlite3_bind_int64(q, place, v->integer);
    } else if (v->type == FB_TEXT) {
        sqlite3_bind_text(q, place, v->bytes, (int)v->size, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(q, place);
    }
}

/* ---- Writing rows and edits ---- */

static void insert_rows(sqlite3 *db, const struct bench *b)
{
    char sql[SQL_BYTES] = "INSERT INTO bench_contact (id";
    for (size_t k = 0; k < BENCH_COLUMNS; k++) {
        strcat(strcat(sql, ", "), BENCH_COLUMN[k].name);
    }
    strcat(sql, ") VALUES (?1");
    for (size_t k = 0; k < BENCH_COLUMNS; k++) {
        sprintf(sql + strlen(sql), ", ?%zu", k + 2);
    }
    sqlite3_stmt *q = prepare(db, strcat(sql, ")"));
    for (size_t i = 0; i < b->row_count; i++) {
        sqlite3_bind_text(q, 1, b->rows[i].id, -1, SQLITE_STATIC);
        for (size_t k = 0; k < BENCH_COLUMNS; k++) {
            bind(q, (int)k + 2, &b->rows[i].values[k]);
        }
        step(db, q);
    }
    sqlite3_finalize(q);
}

/* One statement for each set of fields, kept. */
struct updates {
    sqlite3_stmt *of_mask[1 << 12];
    uint32_t mask[1 << 12];
};

static sqlite3_stmt *update_of(sqlite3 *db, struct updates *u, const struct bench_edit *e)
{
    uint32_t mask = 0;
    for (uint32_t k = 0; k < e->field_count; k++) {
        mask |= 1U << e->fields[k];
    }
    size_t at = mask * 2654435761U >> 20;
    while (u->of_mask[at] != NULL && u->mask[at] != mask) {
        at = (at + 1) % (1 << 12);
    }
    if (u->of_mask[at] == NULL) {
        char sql[SQL_BYTES] = "UPDATE bench_contact SET ";
        for (uint32_t k = 0; k < e->field_count; k++) {
            sprintf(sql + strlen(sql), "%s%s = ?%u", k == 0 ? "" : ", ",
                    BENCH_COLUMN[e->fields[k]].name, k + 2);
        }
        u->of_mask[at] = prepare(db, strcat(sql, " WHERE id = ?1"));
        u->mask[at] = mask;
    }
    return u->of_mask[at];
}

static void apply_edits(sqlite3 *db, const struct bench *b, const struct bench_edit *edits,
                        size_t count, size_t commit_every)
{
    static struct updates u;
    for (size_t i = 0; i < count; i++) {
        if (commit_every > 0 && i > 0 && i % commit_every == 0) {
            run(db, "COMMIT; BEGIN IMMEDIATE");
        }
        sqlite3_stmt *q = update_of(db, &u, &edits[i]);
        sqlite3_bind_text(q, 1, b->rows[edits[i].row].id, -1, SQLITE_STATIC);
        for (uint32_t k = 0; k < edits[i].field_count; k++) {
            bind(q, (int)k + 2, &edits[i].values[k]);
        }
        step(db, q);
    }
    for (size_t i = 0; i < sizeof u.of_mask / sizeof u.of_mask[0]; i++) {
        sqlite3_finalize(u.of_mask[i]);
        u.of_mask[i] = NULL;
    }
}

static int64_t file_size(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? (int64_t)s.st_size : 0;
}

/* ---- Commands ---- */

static size_t number(const char *text)
{
    return strtoul(text, NULL, 10);
}

static struct bench_edit *edits_of(struct bench *b, char **args)
{
    const char *kind = args[1];
    enum bench_edit_kind k = strcmp(kind, "any") == 0 ? BENCH_EDIT_ANY
                             : strcmp(kind, "a") == 0 ? BENCH_EDIT_HALF_A
                             : strcmp(kind, "b") == 0 ? BENCH_EDIT_HALF_B
                                                      : BENCH_EDIT_SAME;
    return bench_edits(b, number(args[0]), k, ROWS_SEED, number(args[2]));
}

static void do_plain(char **args)
{
    struct bench b;
    bench_make(&b, number(args[1]));
    size_t count = number(args[2]);
    struct bench_edit *edits = bench_edits(&b, count, BENCH_EDIT_ANY, ROWS_SEED, 3);
    sqlite3 *db = open_file(args[0]);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = "
            "20000");
    char sql[SQL_BYTES] = "CREATE TABLE bench_contact (id TEXT PRIMARY KEY NOT NULL";
    for (size_t k = 0; k < BENCH_COLUMNS; k++) {
        sprintf(sql + strlen(sql), ", %s %s", BENCH_COLUMN[k].name,
                BENCH_COLUMN[k].form == 'T' ? "TEXT" : "INTEGER");
    }
    run(db, strcat(sql, "); CREATE INDEX bench_account ON bench_contact (account_id);"
                        "CREATE INDEX bench_owner ON bench_contact (owner_id)"));
    double start = cpu_us();
    run(db, "BEGIN");
    insert_rows(db, &b);
    run(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    double middle = cpu_us();
    int64_t size = file_size(args[0]);
    run(db, "BEGIN");
    apply_edits(db, &b, edits, count, 0);
    run(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    double end = cpu_us();
    printf("insert_us=%.3f update_us=%.3f file_bytes_per_row=%.1f\n",
           (middle - start) / (double)b.row_count, (end - middle) / (double)count,
           (double)size / (double)b.row_count);
    sqlite3_close(db);
    bench_release(&b);
}

static void do_bare(char **args)
{
    sqlite3 *db = open_file(args[0]);
    sqlite3_stmt *q =
        prepare(db, "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema"
                    " WHERE type = 'trigger' AND tbl_name = 'bench_contact'");
    if (sqlite3_step(q) != SQLITE_ROW || sqlite3_column_text(q, 0) == NULL) {
        fail(db, "no triggers");
    }
    char *sql = strdup((const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    run(db, sql);
    free(sql);
    sqlite3_close(db);
}

static void do_insert(char **args)
{
    struct bench b;
    bench_make(&b, number(args[1]));
    sqlite3 *db = open_file(args[0]);
    if (args[2] != NULL && strcmp(args[2], "memory") == 0) {
        run(db, "PRAGMA temp_store = MEMORY");
    }
    double start = cpu_us();
    run(db, "BEGIN IMMEDIATE");
    insert_rows(db, &b);
    run(db, "COMMIT");
    run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    printf("insert_us=%.3f\n", (cpu_us() - start) / (double)b.row_count);
    sqlite3_close(db);
    bench_release(&b);
}

static void do_edit(char **args)
{
    struct bench b;
    bench_make(&b, number(args[1]));
    size_t count = number(args[2]);
    struct bench_edit *edits = edits_of(&b, args + 2);
    sqlite3 *db = open_file(args[0]);
    double start = cpu_us();
    run(db, "BEGIN IMMEDIATE");
    apply_edits(db, &b, edits, count, args[5] == NULL ? 0 : number(args[5]));
    run(db, "COMMIT");
    run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    printf("update_us=%.3f\n", (cpu_us() - start) / (double)count);
    sqlite3_close(db);
    bench_release(&b);
}

static bool is_value(sqlite3_stmt *q, int column, const struct fb_value *v)
{
    if (v->type == FB_INT) {
        return sqlite3_column_int64(q, column) == v->integer;
    }
    return sqlite3_column_bytes(q, column) == (int)v->size &&
           memcmp(sqlite3_column_text(q, column), v->bytes, v->size) == 0;
}

static void do_check(char **args)
{
    struct bench b;
    bench_make(&b, number(args[1]));
    size_t count = number(args[2]);
    struct bench_edit *edits = edits_of(&b, args + 2);
    sqlite3 *db = open_file(args[0]);
    char sql[SQL_BYTES] = "SELECT id";
    for (size_t k = 0; k < BENCH_COLUMNS; k++) {
        strcat(strcat(sql, ", "), BENCH_COLUMN[k].name);
    }
    sqlite3_stmt *q = prepare(db, strcat(sql, " FROM bench_contact WHERE id = ?1"));
    size_t kept = 0;
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_text(q, 1, b.rows[edits[i].row].id, -1, SQLITE_STATIC);
        bool is_there = sqlite3_step(q) == SQLITE_ROW;
        for (uint32_t k = 0; k < edits[i].field_count; k++) {
            kept += is_there && is_value(q, (int)edits[i].fields[k] + 1, &edits[i].values[k]);
            all++;
        }
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    printf("edits=%zu kept=%zu\n", all, kept);
    sqlite3_close(db);
    bench_release(&b);
}

static void do_digest(char **args)
{
    sqlite3 *db = open_file(args[0]);
    sqlite3_stmt *q = prepare(db, "SELECT * FROM bench_contact ORDER BY id");
    uint64_t sum = 14695981039346656037ULL;
    size_t rows = 0;
    while (sqlite3_step(q) == SQLITE_ROW) {
        rows++;
        for (int k = 0; k < sqlite3_column_count(q); k++) {
            const unsigned char *text = sqlite3_column_text(q, k);
            for (size_t i = 0; text != NULL && text[i] != 0; i++) {
                sum = (sum ^ text[i]) * 1099511628211ULL;
            }
            sum = (sum ^ (text == NULL ? 1 : 2)) * 1099511628211ULL;
        }
    }
    sqlite3_finalize(q);
    printf("rows=%zu digest=%016llx\n", rows, (unsigned long long)sum);
    sqlite3_close(db);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Waits by looking at the file, with short rests: each look is a read of one row. */
static bool wait_for(sqlite3_stmt *q, const char *id, int64_t score, double until)
{
    while (clock_us(CLOCK_MONOTONIC) < until) {
        sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
        bool is_there = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int64(q, 0) == score;
        sqlite3_reset(q);
        if (is_there) {
            return true;
        }
        usleep(30);
    }
    return false;
}

static void do_hop(char **args)
{
    size_t count = number(args[2]);
    sqlite3 *from = open_file(args[0]);
    sqlite3 *to = open_file(args[1]);
    run(from, "PRAGMA synchronous = FULL");
    sqlite3_stmt *first = prepare(from, "SELECT id FROM bench_contact ORDER BY id LIMIT 1");
    if (sqlite3_step(first) != SQLITE_ROW) {
        fail(from, "no rows");
    }
    char id[37];
    snprintf(id, sizeof id, "%s", (const char *)sqlite3_column_text(first, 0));
    sqlite3_finalize(first);
    sqlite3_stmt *write = prepare(from, "UPDATE bench_contact SET score = ?2 WHERE id = ?1");
    sqlite3_stmt *look = prepare(to, "SELECT score FROM bench_contact WHERE id = ?1");
    double *took = calloc(count, sizeof *took);
    double *commits = calloc(
        count, sizeof *commits); /* our own synced commit: what this disk takes at this moment */
    int64_t start = (int64_t)time(NULL) * 1000;
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_text(write, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(write, 2, start + (int64_t)i);
        double before = clock_us(CLOCK_MONOTONIC);
        step(from, write);
        double at = clock_us(CLOCK_MONOTONIC);
        commits[i] = (at - before) / 1000;
        if (!wait_for(look, id, start + (int64_t)i, at + 30e6)) {
            fail(NULL, "an edit did not arrive within 30 s");
        }
        took[i] = (clock_us(CLOCK_MONOTONIC) - at) / 1000;
        usleep(20000);
    }
    qsort(took, count, sizeof *took, compare_doubles);
    qsort(commits, count, sizeof *commits, compare_doubles);
    printf("p50_ms=%.2f p90_ms=%.2f p99_ms=%.2f one_synced_commit_p50_ms=%.2f\n", took[count / 2],
           took[count * 9 / 10], took[count * 99 / 100], commits[count / 2]);
    free(commits);
    free(took);
    sqlite3_finalize(write);
    sqlite3_finalize(look);
    sqlite3_close(from);
    sqlite3_close(to);
}

/* ---- The workload as text ---- */

static void print_value(FILE *out, size_t column, const struct fb_value *v)
{
    if (v->type == FB_TEXT) {
        fwrite(v->bytes, 1, v->size, out);
    } else if (v->type != FB_INT) {
        fputs("\\N", out);
    } else if (BENCH_COLUMN[column].form == 'D') {
        fprintf(out, "%lld.%02lld", (long long)v->integer / 100, (long long)v->integer % 100);
    } else {
        fprintf(out, "%lld", (long long)v->integer);
    }
}

static FILE *create(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.tsv", folder, name);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        fail(NULL, path);
    }
    return out;
}

/* Their drivers call the two columns that follow status so. */
static const char *peer_name(size_t column)
{
    const char *name = BENCH_COLUMN[column].name;
    return strcmp(name, "made_at") == 0      ? "created_at"
           : strcmp(name, "changed_at") == 0 ? "updated_at"
                                             : name;
}

static void write_edits(struct bench *b, const char *folder, const char *name, size_t count,
                        enum bench_edit_kind kind, uint64_t seed)
{
    struct bench_edit *edits = bench_edits(b, count, kind, ROWS_SEED, seed);
    FILE *out = create(folder, name);
    for (size_t i = 0; i < count; i++) {
        fputs(b->rows[edits[i].row].id, out);
        for (uint32_t k = 0; k < edits[i].field_count; k++) {
            fprintf(out, "\t%s=", peer_name(edits[i].fields[k]));
            print_value(out, edits[i].fields[k], &edits[i].values[k]);
        }
        fputc('\n', out);
    }
    fclose(out);
}

static void do_files(char **args)
{
    struct bench b;
    bench_make(&b, number(args[1]));
    FILE *out = create(args[0], "contact");
    fputs("id:T", out);
    for (size_t k = 0; k < BENCH_COLUMNS; k++) {
        fprintf(out, "\t%s:%c", peer_name(k),
                BENCH_COLUMN[k].form == 'D' ? 'R' : BENCH_COLUMN[k].form);
    }
    for (size_t i = 0; i < b.row_count; i++) {
        fprintf(out, "\n%s", b.rows[i].id);
        for (size_t k = 0; k < BENCH_COLUMNS; k++) {
            fputc('\t', out);
            print_value(out, k, &b.rows[i].values[k]);
        }
    }
    fputc('\n', out);
    fclose(out);
    size_t conflicts = number(args[3]);
    write_edits(&b, args[0], "upload", number(args[2]), BENCH_EDIT_ANY, 3);
    write_edits(&b, args[0], "diff_a", conflicts, BENCH_EDIT_HALF_A, 4);
    write_edits(&b, args[0], "diff_b", conflicts, BENCH_EDIT_HALF_B, 5);
    write_edits(&b, args[0], "same_a", conflicts, BENCH_EDIT_SAME, 6);
    write_edits(&b, args[0], "same_b", conflicts, BENCH_EDIT_SAME, 7);
    bench_release(&b);
}

static const struct {
    const char *name;
    int args;
    void (*run)(char **args);
} COMMANDS[] = {{"plain", 3, do_plain}, {"bare", 1, do_bare},   {"insert", 2, do_insert},
                {"edit", 5, do_edit},   {"check", 5, do_check}, {"digest", 1, do_digest},
                {"hop", 3, do_hop},     {"files", 4, do_files}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0 && argc >= 2 + COMMANDS[i].args) {
            COMMANDS[i].run(argv + 2);
            return 0;
        }
    }
    fprintf(stderr, "usage: see tests/bench/bench_sql.c\n");
    return 2;
}
