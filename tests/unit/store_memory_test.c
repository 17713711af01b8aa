/* SPDX-License-Identifier: MIT
 *
 * The n-th allocation fails, for every n until the work passes untouched (faults.md A14): each
 * failure is an error with its code, nothing of a transaction stays behind, and the store works
 * on. The allocator stands in front of the C library's, so it is SQLite's and jansson's too.
 */
#include "common/store/history.h"
#include "tests/unit/store_testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HAS_ALLOCATOR 0
#else
#define HAS_ALLOCATOR 1
#endif

static long failing_in = -1; /* allocations until one fails; -1: none does */
static bool has_failed;

#if HAS_ALLOCATOR
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails_now(void)
{
    if (failing_in < 0) {
        return false;
    }
    if (failing_in-- > 0) {
        return false;
    }
    has_failed = true;
    return true;
}

void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(old, size);
}
#endif

typedef int work(struct fb_store *s);

/* Runs the work in a transaction with the n-th allocation failing; true when n was beyond the last.
 */
static bool fails_well(struct fb_store *s, work *f, long n)
{
    expect_ok(s, fb_store_begin(s));
    failing_in = n;
    has_failed = false;
    int rc = f(s);
    bool was_passed = !has_failed;
    failing_in = -1;
    if (rc != FB_OK && rc != FB_ERR_NO_MEMORY) {
        fail_msg("allocation %ld: %s", n, fb_err_name(rc));
    }
    if (was_passed) {
        assert_int_equal(rc, FB_OK);
    }
    fb_store_rollback(s);
    assert_false(fb_store_in_transaction(s));
    return was_passed;
}

/* SQLite keeps memory from the time before (its page cache), so every run begins with a store
 * just opened. */
static void expect_survival(work *f)
{
    if (!HAS_ALLOCATOR) {
        skip();
    }
    const char *path = fb_test_path("memory.db");
    struct fb_store *s = open_store(path, FB_NODE_SERVER);
    put_catalogue(s, test_catalogue(1, TEST_ENTITIES("")));
    if (ask(s, "SELECT count(*) FROM company") == 0) {
        run_all(s, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'Acme');"
                   "INSERT INTO sales_order (id) VALUES ('" ID_B "');"
                   "INSERT INTO order_line (id, order_id) VALUES ('" ID_C "', '" ID_B "')");
        expect_ok(s, fb_journal_clear(s));
        run_all(s, "UPDATE company SET name = 'B', city = 'C', visits = 3;DELETE FROM sales_order");
    }
    int64_t rows = ask(s, "SELECT count(*) FROM fb_journal");
    bool has_passed = false;
    for (long n = 0; !has_passed; n++) {
        fb_store_close(s);
        s = open_store(path, FB_NODE_SERVER);
        has_passed = fails_well(s, f, n);
        assert_int_equal(ask(s, "SELECT count(*) FROM fb_journal"), rows);
        assert_int_equal(ask(s, "SELECT count(*) FROM company WHERE name = 'B'"), 1);
    }
    fb_store_close(s);
}

static int write_rows(struct fb_store *s)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), "company");
    struct fb_row row;
    bool found = false;
    int rc = fb_row_read(s, e, ID_A, &arena, &row, &found);
    if (rc < 0) {
        return rc;
    }
    row.values[0] = fb_value_text("mine");
    rc = fb_row_write(s, &row);
    uint64_t mask[FB_ROW_MASK_WORDS] = {6};
    rc = rc < 0 ? rc : fb_row_update(s, &row, mask, true);
    struct fb_digest digest;
    rc = rc < 0 ? rc : fb_row_digest(&row, &digest);
    rc = rc < 0 ? rc : fb_row_delete(s, e, ID_A);
    return rc < 0 ? rc : fb_row_insert(s, &row);
}

FB_TEST(rows_survive_every_failing_allocation)
{
    expect_survival(write_rows);
}

static int count_changes(void *ctx, const struct fb_change *change)
{
    int *counts = ctx;
    counts[change->op]++;
    return FB_OK;
}

static int freeze(struct fb_store *s)
{
    int counts[4] = {0};
    int rc = fb_journal_each(s, count_changes, counts);
    if (rc == FB_OK && (counts[FB_CHANGE_UPDATE] != 1 || counts[FB_CHANGE_DELETE] != 2)) {
        return FB_ERR_INVALID; /* a failure that was swallowed */
    }
    return rc < 0 ? rc : fb_journal_clear(s);
}

FB_TEST(freezing_the_journal_survives_every_failing_allocation)
{
    expect_survival(freeze);
}

static int extend(struct fb_store *s)
{
    struct fb_store_health health;
    int rc = fb_sql_exec(s, "DROP TRIGGER fb_company__set__name");
    return rc < 0 ? rc : fb_store_check_schema(s, &health);
}

FB_TEST(mending_the_schema_survives_every_failing_allocation)
{
    expect_survival(extend);
}

static int note_old(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    (void)field;
    (void)old;
    ++*(int *)ctx;
    return FB_OK;
}

static int write_log(struct fb_store *s)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), "company");
    struct fb_rev rev = {.at_ms = 1};
    struct fb_log_entry entry = {.op = FB_LOG_OP_UPDATE,
                                 .entity = e,
                                 .row_id = ID_A,
                                 .changes = "{\"name\":[\"A\",\"\\u0042\"]}"};
    struct fb_digest digest = {.low = 1, .rows = 1};
    int count = 0;
    int rc = fb_history_begin(s, &rev);
    rc = rc < 0 ? rc : fb_store_savepoint(s);
    rc = rc < 0 ? rc : fb_history_scope_id(s, "company:new", &entry.scope_before);
    rc = rc < 0 ? rc : fb_history_append(s, &entry, NULL);
    rc = rc < 0 ? rc : fb_history_digest_move(s, 0, NULL, entry.scope_before, &digest);
    rc = rc < 0 ? rc : fb_store_savepoint_release(s);
    rc = rc < 0 ? rc : fb_history_end(s);
    rc = rc < 0 ? rc : fb_history_old_values(s, e, ID_A, 0, note_old, &count);
    return rc == FB_OK && count != 1 ? FB_ERR_INVALID : rc;
}

FB_TEST(writing_the_log_survives_every_failing_allocation)
{
    expect_survival(write_log);
}

FB_TEST(opening_survives_every_failing_allocation)
{
    if (!HAS_ALLOCATOR) {
        skip();
    }
    const char *path = fb_test_path("memory.db");
    bool has_passed = false;
    for (long n = 0; !has_passed; n++) {
        struct fb_store *s = NULL;
        struct fb_why why = {""};
        failing_in = n;
        has_failed = false;
        int rc = fb_store_open(path, &(struct fb_store_options){.node = FB_NODE_SERVER}, &s, &why);
        has_passed = !has_failed;
        failing_in = -1;
        if (rc != FB_OK && (rc != FB_ERR_NO_MEMORY || why.text[0] == '\0')) {
            fail_msg("allocation %ld: %s: %s", n, fb_err_name(rc), why.text);
        }
        fb_store_close(s);
    }
}

FB_MAIN(FB_CASE(rows_survive_every_failing_allocation),
        FB_CASE(freezing_the_journal_survives_every_failing_allocation),
        FB_CASE(mending_the_schema_survives_every_failing_allocation),
        FB_CASE(writing_the_log_survives_every_failing_allocation),
        FB_CASE(opening_survives_every_failing_allocation))
