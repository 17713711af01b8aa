/* SPDX-License-Identifier: MIT
 *
 * Old entries of the log are packed: nothing is lost by it, nothing can be changed in it unnoticed.
 */
#include "common/base/limits.h"
#include "common/store/history_entry.h"
#include "common/store/history_pack.h"
#include "tests/unit/history_testing.h"

/* Nine revs of one entry each; A and C live, B was deleted. */
static struct fb_store *a_log(void)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    fb_limit_log_segment_entries = 2;
    one_rev(s, DEVICE_1, FB_LOG_OP_INSERT, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_B, NULL);
    one_rev(s, DEVICE_2, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"A\",\"B\"],\"city\":[null,\"x\"]}");
    one_rev(s, DEVICE_1, FB_LOG_OP_NAMED, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_A, "{\"visits\":[0,1,77]}");
    one_rev(s, NULL, FB_LOG_OP_DELETE, ID_B, "{\"name\":\"Bolt\"}");
    one_rev(s, DEVICE_2, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"B\",\"C\"]}");
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_C, NULL);
    one_rev(s, NULL, FB_LOG_OP_NAMED, ID_C, NULL);
    return s;
}

/* Everything that may be packed; how many segments there were. */
static int pack_all(struct fb_store *s)
{
    bool is_packed = true;
    int count = 0;
    for (; is_packed; count++) {
        expect_ok(s, fb_store_begin(s));
        expect_ok(s, fb_history_pack(s, 1001, 5000, &is_packed));
        expect_ok(s, fb_store_commit(s));
    }
    return count - 1;
}

FB_TEST(entries_are_packed_but_for_the_last_that_wrote_each_row)
{
    struct fb_store *s = a_log();
    struct fb_packed packed;
    assert_int_equal(pack_all(s), 4);
    expect_ok(s, fb_history_packed(s, &packed));
    assert_int_equal(packed.entries, 8);
    assert_int_equal(packed.segments, 4);
    assert_int_equal(packed.horizon_rev, 8);
    assert_int_equal(packed.horizon_at_ms, 1000);
    /* A's last update, B's delete, C's insert, and the newest rev of all */
    assert_int_equal(ask(s, "SELECT sum(1 << seq) FROM fb_log"), 1 << 7 | 1 << 6 | 1 << 8 | 1 << 9);
    assert_int_equal(bad_rev(s), 0);
    one_rev(s, DEVICE_1, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"C\",\"D\"]}");
    assert_int_equal(head(s), 10);
    assert_int_equal(bad_rev(s), 0);
    one_rev(s, DEVICE_1, FB_LOG_OP_UPDATE, ID_D, "{}");
    assert_int_equal(pack_all(s), 1);
    /* a newer one stays for A, C's insert still tells where C stands */
    assert_int_equal(ask(s, "SELECT sum(1 << seq) FROM fb_log"),
                     1 << 6 | 1 << 8 | 1 << 10 | 1 << 11);
    assert_int_equal(bad_rev(s), 0);
    fb_store_close(s);
}

FB_TEST(what_moved_a_row_since_it_was_written_stays_too)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    fb_limit_log_segment_entries = 4;
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_SCOPE, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_SCOPE, ID_A, NULL);
    one_rev(s, DEVICE_1, FB_LOG_OP_REFUSED, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_B, NULL);
    assert_int_equal(pack_all(s), 1);
    assert_int_equal(ask(s, "SELECT sum(1 << seq) FROM fb_log"), 1 << 1 | 1 << 3 | 1 << 5);
    fb_store_close(s);
}

FB_TEST(only_whole_segments_of_revs_that_are_old_enough_are_packed)
{
    struct fb_store *s = a_log();
    bool is_packed = true;
    bool is_told = false;
    expect_ok(s, fb_history_tells(s, 0, &is_told));
    assert_true(is_told);
    expect_ok(s, fb_store_begin(s));
    expect_ok(s, fb_history_pack(s, 1000, 5000, &is_packed));
    assert_false(is_packed);
    fb_limit_log_segment_entries = 9; /* the ninth is the newest, and stays */
    expect_ok(s, fb_history_pack(s, 1001, 5000, &is_packed));
    assert_false(is_packed);
    fb_limit_log_segment_entries = 5;
    expect_ok(s, fb_history_pack(s, 1001, 5000, &is_packed));
    assert_true(is_packed);
    expect_ok(s, fb_history_pack(s, 1001, 5000, &is_packed));
    assert_false(is_packed);
    expect_ok(s, fb_history_tells(s, 4, &is_told));
    assert_false(is_told);
    expect_ok(s, fb_history_tells(s, 5, &is_told));
    assert_true(is_told);
    fb_store_rollback(s);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_log"), 9);
    expect_ok(s, fb_history_tells(s, 0, &is_told));
    assert_true(is_told);
    fb_store_close(s);
}

FB_TEST(a_segment_ends_where_its_entries_become_large)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_packed packed;
    fb_limit_log_segment_entries = 1000;
    char *changes = calloc(1, FB_LOG_SEGMENT_BYTES_AIM);
    int at = snprintf(changes, 100, "{\"name\":[null,\"");
    memset(changes + at, 'x', FB_LOG_SEGMENT_BYTES_AIM - 100);
    strcat(changes, "\"]}");
    for (int i = 0; i < 4; i++) {
        one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_A, i == 1 ? changes : "{}");
    }
    free(changes);
    assert_int_equal(pack_all(s), 1); /* the third waits for more */
    expect_ok(s, fb_history_packed(s, &packed));
    assert_int_equal(packed.entries, 2);
    assert_true(packed.raw_bytes > FB_LOG_SEGMENT_BYTES_AIM);
    assert_true(packed.bytes < 2000);
    assert_int_equal(bad_rev(s), 0);
    fb_store_close(s);
}

/* ---- Reading ---- */

static int tell_entry(void *ctx, const struct fb_history_entry *entry)
{
    struct fb_buf *out = ctx;
    fb_buf_printf(out, "%d rev %d op %d made %d of %.36s:", (int)entry->seq, (int)entry->rev,
                  (int)entry->op, (int)entry->made_at_ms, entry->device_id);
    for (size_t i = 0; i < entry->value_count; i++) {
        const struct fb_history_value *v = &entry->values[i];
        fb_buf_printf(out, " %s ", v->field->name);
        fb_value_append_json(out, &v->old);
        fb_buf_append_text(out, " to ");
        fb_value_append_json(out, &v->now);
    }
    fb_buf_append_byte(out, '\n');
    return FB_OK;
}

static void append_author(struct fb_store *s, const char *field, struct fb_buf *out)
{
    const struct fb_entity *e = entity(s, "company");
    struct fb_author author;
    expect_ok(s, fb_history_author(s, e, ID_A, fb_entity_field(e, field), &author));
    fb_buf_printf(out, "%s: rev %d, %d, %s of %s\n", field, (int)author.rev,
                  (int)author.edited_at_ms, author.employee_id, author.device_id);
}

/* All that can be asked of A's history. */
static void read_history(struct fb_store *s, struct fb_buf *out)
{
    const struct fb_entity *e = entity(s, "company");
    int64_t rev = 0;
    fb_buf_clear(out);
    expect_ok(s, fb_history_entries(s, e, ID_A, 0, 100, tell_entry, out));
    expect_ok(s, fb_history_entries(s, e, ID_A, 6, 1, tell_entry, out));
    expect_ok(s, fb_history_entries(s, e, ID_A, 3, 2, tell_entry, out));
    append_author(s, "name", out);
    append_author(s, "visits", out);
    append_author(s, "city", out);
    append_author(s, "street", out);
    for (int at = 0; at < 9; at++) {
        char text[200] = "";
        expect_ok(s, fb_history_old_values(s, e, ID_A, at, tell_old, text));
        fb_buf_printf(out, "at %d: %s\n", at, text);
    }
    expect_ok(s, fb_history_row_rev(s, e, ID_A, &rev));
    fb_buf_printf(out, "written by rev %d\n", (int)rev);
    assert_int_equal(fb_buf_error(out), FB_OK);
}

FB_TEST(the_history_of_a_row_reads_the_same_wherever_its_entries_are)
{
    struct fb_store *s = a_log();
    struct fb_buf before;
    struct fb_buf after;
    bool is_packed = true;
    fb_buf_init(&before, 65536);
    fb_buf_init(&after, 65536);
    read_history(s, &before);
    assert_non_null(strstr(fb_buf_text(&before), "at 3: visits=0 name=B\n"));
    while (is_packed) {
        expect_ok(s, fb_store_begin(s));
        expect_ok(s, fb_history_pack(s, 1001, 5000, &is_packed));
        expect_ok(s, fb_store_commit(s));
        read_history(s, &after);
        assert_string_equal(fb_buf_text(&after), fb_buf_text(&before));
    }
    fb_buf_release(&before);
    fb_buf_release(&after);
    fb_store_close(s);
}

FB_TEST(the_recycle_bin_lists_what_was_deleted_before_the_horizon)
{
    struct fb_store *s = a_log();
    run(s, "INSERT INTO fb_bin (entity, row_id, cause, image) VALUES (1, '" ID_B "', 6, "
           "'{\"name\":\"Bolt\"}')");
    pack_all(s);
    struct fb_arena arena = {0};
    struct fb_row *rows = NULL;
    size_t count = 0;
    expect_ok(s, fb_bin_rows(s, 6, &arena, &rows, &count));
    assert_int_equal(count, 1);
    fb_arena_release(&arena);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_log WHERE seq = 6 AND op = 3"), 1);
    fb_store_close(s);
}

struct asking {
    struct fb_store *store;
    int entries;
};

/* Whoever reads an entry may ask for the history of other rows meanwhile. */
static int ask_for_others(void *ctx, const struct fb_packed_entry *entry)
{
    struct asking *a = ctx;
    struct fb_buf out;
    fb_buf_init(&out, 65536);
    read_history(a->store, &out);
    assert_int_equal(entry->seq, 8 - a->entries++);
    assert_true(entry->changes == NULL || entry->changes[0] == '{');
    fb_buf_release(&out);
    return FB_OK;
}

FB_TEST(all_that_was_packed_is_told_newest_first)
{
    struct fb_store *s = a_log();
    struct asking a = {.store = s};
    pack_all(s);
    expect_ok(s, fb_history_each_packed(s, INT64_MAX, ask_for_others, &a));
    assert_int_equal(a.entries, 8);
    a.entries = 5;
    expect_ok(s, fb_history_each_packed(s, 4, ask_for_others, &a));
    assert_int_equal(a.entries, 8);
    fb_store_close(s);
}

/* ---- Forging ---- */

static void flip(struct fb_store *s, const char *column, int64_t no, size_t at)
{
    struct fb_sql *q = NULL;
    char sql[200];
    uint8_t bytes[4096];
    snprintf(sql, sizeof sql, "SELECT %s FROM fb_log_segment WHERE no = %d", column, (int)no);
    expect_ok(s, fb_sql_begin(s, sql, &q));
    assert_int_equal(fb_sql_step(q), FB_SQL_ROW);
    struct fb_value v = fb_sql_value(q, 0);
    size_t size = v.size;
    assert_true(size <= sizeof bytes && at < size);
    memcpy(bytes, v.bytes, size);
    fb_sql_end(q);
    bytes[at] ^= 0x41;
    snprintf(sql, sizeof sql, "UPDATE fb_log_segment SET %s = ?1 WHERE no = %d", column, (int)no);
    expect_ok(s, fb_sql_begin(s, sql, &q));
    fb_sql_bind_bytes(q, 1, bytes, size);
    expect_ok(s, fb_sql_run(q));
    fb_sql_end(q);
}

/* I3, for entries that were packed. */
FB_TEST(one_changed_byte_of_a_packed_segment_is_found)
{
    struct fb_store *s = a_log();
    pack_all(s);
    for (int64_t no = 1; no <= 4; no++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT length(bytes) FROM fb_log_segment WHERE no = %d",
                 (int)no);
        int64_t size = ask(s, sql);
        for (int64_t at = 0; at < size + FB_SHA256_BYTES; at++) {
            expect_ok(s, fb_store_begin(s));
            flip(s, at < size ? "bytes" : "hash", no, (size_t)(at < size ? at : at - size));
            assert_int_equal(bad_rev(s), no * 2 - 1);
            fb_store_rollback(s);
        }
    }
    assert_int_equal(bad_rev(s), 0);
    fb_store_close(s);
}

FB_TEST(a_segment_that_was_taken_out_or_made_anew_is_found)
{
    static const struct {
        const char *sql;
        int64_t bad_rev;
    } FORGERIES[] = {
        {"DELETE FROM fb_log_segment WHERE no = 2", 3},
        {"DELETE FROM fb_log_segment WHERE no = 1", 1},
        {"UPDATE fb_log_segment SET first_seq = first_seq + 1 WHERE no = 3", 5},
        {"UPDATE fb_log_segment SET packed_at_ms = 1 WHERE no = 3", 5},
        {"UPDATE fb_log_segment SET raw_size = raw_size - 1 WHERE no = 4", 7},
        {"UPDATE fb_log_segment SET no = no + 10 WHERE no = 4", 7},
        /* what stays in the live log must be what was packed */
        {"UPDATE fb_log SET changes = '{\"name\":[\"B\",\"X\"]}' WHERE seq = 7", 7},
        {"UPDATE fb_log SET scope_after = 99 WHERE seq = 6", 6},
        /* the last ones without a trace: the chain lacks their entries */
        {"DELETE FROM fb_log_segment WHERE no >= 3", 5},
        {"UPDATE fb_rev SET employee_id = NULL WHERE rev = 3", 3},
    };
    struct fb_store *s = a_log();
    pack_all(s);
    for (size_t i = 0; i < sizeof FORGERIES / sizeof *FORGERIES; i++) {
        expect_ok(s, fb_store_begin(s));
        run(s, FORGERIES[i].sql);
        assert_int_equal(bad_rev(s), FORGERIES[i].bad_rev);
        fb_store_rollback(s);
    }
    assert_int_equal(bad_rev(s), 0);
    fb_store_close(s);
}

/* A whole set of segments with hashes that fit each other still has to fit the audit chain. */
FB_TEST(segments_that_were_forged_with_their_hashes_do_not_fit_the_chain)
{
    struct fb_store *s = a_log();
    expect_ok(s, fb_store_begin(s));
    run(s, "UPDATE fb_log SET changes = '{\"name\":[\"A\",\"forged\"]}' WHERE seq = 3");
    expect_ok(s, fb_store_commit(s));
    pack_all(s);
    assert_int_equal(bad_rev(s), 3);
    fb_store_close(s);
}

FB_TEST(a_large_rev_may_lie_in_many_segments)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    fb_limit_log_segment_entries = 100;
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, DEVICE_1);
    char changes[200];
    for (int i = 0; i < 2550; i++) {
        snprintf(changes, sizeof changes, "{\"name\":[\"%0100d\",\"x\"]}", i);
        append(s, FB_LOG_OP_UPDATE, "company", i % 2 == 0 ? ID_A : ID_B, changes);
    }
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    one_rev(s, DEVICE_1, FB_LOG_OP_INSERT, ID_D, NULL);
    assert_int_equal(pack_all(s), 25);
    assert_int_equal(bad_rev(s), 0);
    bool is_told = true;
    expect_ok(s, fb_history_tells(s, 0, &is_told));
    assert_false(is_told);
    expect_ok(s, fb_history_tells(s, 1, &is_told)); /* some of the rev, but nothing after it */
    assert_true(is_told);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(entries_are_packed_but_for_the_last_that_wrote_each_row),
        FB_CASE(what_moved_a_row_since_it_was_written_stays_too),
        FB_CASE(only_whole_segments_of_revs_that_are_old_enough_are_packed),
        FB_CASE(a_segment_ends_where_its_entries_become_large),
        FB_CASE(the_history_of_a_row_reads_the_same_wherever_its_entries_are),
        FB_CASE(the_recycle_bin_lists_what_was_deleted_before_the_horizon),
        FB_CASE(all_that_was_packed_is_told_newest_first),
        FB_CASE(one_changed_byte_of_a_packed_segment_is_found),
        FB_CASE(a_segment_that_was_taken_out_or_made_anew_is_found),
        FB_CASE(segments_that_were_forged_with_their_hashes_do_not_fit_the_chain),
        FB_CASE(a_large_rev_may_lie_in_many_segments))
