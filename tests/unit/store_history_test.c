/* SPDX-License-Identifier: MIT */
#include "common/base/hash.h"
#include "tests/unit/history_testing.h"

FB_TEST(revs_follow_each_other_and_an_empty_one_leaves_no_trace)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    assert_int_equal(head(s), 0);
    assert_int_equal(one_rev(s, NULL, FB_LOG_OP_INSERT, ID_A, NULL), 1);
    expect_ok(s, fb_store_begin(s));
    assert_int_equal(begin_rev(s, DEVICE_1), 2);
    expect_ok(s, fb_history_end(s));
    assert_int_equal(begin_rev(s, DEVICE_1), 2);
    append(s, FB_LOG_OP_NAMED, "company", ID_A, NULL);
    expect_ok(s, fb_history_end(s));
    assert_int_equal(begin_rev(s, DEVICE_2), 3); /* group commit */
    append(s, FB_LOG_OP_NAMED, "company", ID_A, NULL);
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    assert_int_equal(head(s), 3);
    int64_t at_ms = -1;
    expect_ok(s, fb_history_rev_at_ms(s, 3, &at_ms));
    assert_int_equal(at_ms, 1000);
    expect_ok(s, fb_history_rev_at_ms(s, 0, &at_ms));
    assert_int_equal(at_ms, 0);
    assert_int_equal(bad_rev(s), 0);
    fb_store_close(s);
}

FB_TEST(a_changed_dropped_or_added_entry_is_found_in_the_chain)
{
    static const char *const FORGERIES[] = {
        "UPDATE fb_log SET changes = '{\"name\":[\"A\",\"C\"]}' WHERE seq = 2",
        "UPDATE fb_log SET op = 3 WHERE seq = 2",
        "UPDATE fb_log SET at_ms = 5 WHERE seq = 2",
        "UPDATE fb_log SET row_id = randomblob(16) WHERE seq = 2",
        "DELETE FROM fb_log WHERE seq = 2",
        "UPDATE fb_rev SET employee_id = NULL WHERE rev = 2",
        "UPDATE fb_rev SET at_ms = 999 WHERE rev = 2",
        "UPDATE fb_rev SET hash = zeroblob(32) WHERE rev = 2",
    };
    struct fb_store *s = new_store(FB_NODE_SERVER);
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_A, NULL);
    one_rev(s, DEVICE_1, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"A\",\"B\"]}");
    one_rev(s, DEVICE_1, FB_LOG_OP_DELETE, ID_A, "{}");
    assert_int_equal(bad_rev(s), 0);
    for (size_t i = 0; i < sizeof FORGERIES / sizeof *FORGERIES; i++) {
        expect_ok(s, fb_store_begin(s));
        run(s, FORGERIES[i]);
        assert_int_equal(bad_rev(s), 2);
        fb_store_rollback(s);
    }
    expect_ok(s, fb_store_begin(s));
    run_all(s, "DELETE FROM fb_rev WHERE rev = 2;DELETE FROM fb_log WHERE seq = 2");
    assert_int_equal(bad_rev(s), 3);
    fb_store_rollback(s);
    fb_store_close(s);
}

FB_TEST(a_large_rev_verifies_and_its_chain_goes_on)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, DEVICE_1);
    char changes[200];
    for (int i = 0; i < 3000; i++) {
        snprintf(changes, sizeof changes, "{\"name\":[\"%0100d\",\"x\"]}", i);
        append(s, FB_LOG_OP_UPDATE, "company", i % 2 == 0 ? ID_A : ID_B, changes);
        if (i % 100 == 0) { /* entries taken back leave no trace in the hash */
            expect_ok(s, fb_store_savepoint(s));
            append(s, FB_LOG_OP_UPDATE, "company", ID_C, changes);
            expect_ok(s, fb_store_savepoint_undo(s));
        }
        if (i % 100 == 50) {
            expect_ok(s, fb_store_savepoint(s));
            append(s, FB_LOG_OP_UPDATE, "company", ID_C, changes);
            expect_ok(s, fb_store_savepoint_release(s));
        }
    }
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    one_rev(s, DEVICE_1, FB_LOG_OP_INSERT, ID_D, NULL);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_log"), 3031);
    assert_int_equal(bad_rev(s), 0);
    run(s, "UPDATE fb_log SET op = 1 WHERE seq = 2999");
    assert_int_equal(bad_rev(s), 1);
    fb_store_close(s);
}

/* "company a changed x,company b named x" */
struct telling {
    struct fb_store *store;
    char text[1024];
};

static int tell(void *ctx, const struct fb_touched *touched)
{
    struct telling *t = ctx;
    const char *key = fb_history_scope_key(t->store, touched->scope_before);
    size_t used = strlen(t->text);
    snprintf(t->text + used, sizeof t->text - used, "%s%s %c %s %s", used > 0 ? "," : "",
             touched->entity->name, touched->row_id[35], touched->has_changed ? "changed" : "named",
             touched->was_there ? key : "-");
    return FB_OK;
}

static void expect_touched(struct fb_store *s, int64_t after, int64_t up_to, const char *device,
                           const char *expected)
{
    struct telling t = {.store = s, .text = ""};
    expect_ok(s, fb_history_touched(s, after, up_to, device, tell, &t));
    assert_string_equal(t.text, expected);
}

FB_TEST(touched_rows_come_once_in_the_catalogues_order)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, NULL);
    append(s, FB_LOG_OP_UPDATE, "order_line", ID_A, NULL);
    append(s, FB_LOG_OP_UPDATE, "company", ID_C, NULL);
    append(s, FB_LOG_OP_UPDATE, "company", ID_A, NULL);
    append(s, FB_LOG_OP_UPDATE, "company", ID_C, NULL);
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    expect_touched(s, 0, 1, DEVICE_1,
                   "company a changed x,company c changed x,order_line a changed x");
    expect_touched(s, 1, 9, DEVICE_1, "");
    fb_store_close(s);
}

FB_TEST(a_named_row_is_touched_for_the_device_that_named_it)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    one_rev(s, DEVICE_1, FB_LOG_OP_NAMED, ID_A, NULL);
    one_rev(s, DEVICE_2, FB_LOG_OP_NAMED, ID_B, NULL);
    one_rev(s, DEVICE_1, FB_LOG_OP_REFUSED, ID_C, NULL);
    expect_touched(s, 0, 3, DEVICE_1, "company a named x,company c named x");
    expect_touched(s, 0, 3, DEVICE_2, "company b named x");
    expect_touched(s, 1, 3, DEVICE_1, "company c named x");
    expect_touched(s, 0, 2, DEVICE_1, "company a named x");
    expect_touched(s, 0, 3, NULL, "");
    fb_store_close(s);
}

FB_TEST(where_a_row_was_at_the_cursor_is_told_by_its_first_change)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_A, NULL);
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, DEVICE_1);
    append(s, FB_LOG_OP_NAMED, "company", ID_A, NULL);
    struct fb_log_entry move = {.op = FB_LOG_OP_SCOPE,
                                .entity = entity(s, "company"),
                                .row_id = ID_A,
                                .scope_before = scope(s, "old"),
                                .scope_after = scope(s, "x")};
    expect_ok(s, fb_history_append(s, &move, NULL));
    append(s, FB_LOG_OP_DELETE, "company", ID_A, "{}");
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    expect_touched(s, 0, 2, DEVICE_1, "company a changed -");
    expect_touched(s, 1, 2, DEVICE_1, "company a changed old");
    fb_store_close(s);
}

FB_TEST(old_values_at_a_rev_are_those_before_the_first_later_change)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    one_rev(s, NULL, FB_LOG_OP_INSERT, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"A\",\"B\"],\"visits\":[0,1]}");
    one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_B, "{\"name\":[\"other\",\"row\"]}");
    one_rev(s, DEVICE_1, FB_LOG_OP_NAMED, ID_A, NULL);
    one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_A, "{\"visits\":[1,2],\"city\":[null,\"x\"]}");
    one_rev(s, NULL, FB_LOG_OP_DELETE, ID_A,
            "{\"name\":\"B\",\"visits\":2,\"city\":\"x\",\"status\":null}");
    expect_old(s, 0, "");
    expect_old(s, 1, "name=A visits=0 city=~ status=~");
    expect_old(s, 2, "visits=1 city=~ name=B status=~");
    expect_old(s, 5, "name=B visits=2 city=x status=~");
    expect_old(s, 6, "");
    one_rev(s, NULL, FB_LOG_OP_RESTORE, ID_A, NULL);
    expect_old(s, 5, "name=B visits=2 city=x status=~");
    expect_old(s, 6, "");
    fb_store_close(s);
}

FB_TEST(the_author_of_a_value_is_who_wrote_it_last)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_author author;
    const struct fb_entity *e = entity(s, "company");
    assert_int_equal(fb_history_author(s, e, ID_A, fb_entity_field(e, "name"), &author),
                     FB_ERR_NOT_FOUND);
    one_rev(s, DEVICE_1, FB_LOG_OP_INSERT, ID_A, NULL);
    one_rev(s, DEVICE_2, FB_LOG_OP_UPDATE, ID_A, "{\"name\":[\"A\",\"B\"]}");
    one_rev(s, NULL, FB_LOG_OP_UPDATE, ID_A, "{\"visits\":[0,1]}");
    expect_ok(s, fb_history_author(s, e, ID_A, fb_entity_field(e, "name"), &author));
    assert_string_equal(author.device_id, DEVICE_2);
    assert_string_equal(author.employee_id, EMPLOYEE);
    assert_int_equal(author.rev, 2);
    assert_int_equal(author.edited_at_ms, 1000);
    expect_ok(s, fb_history_author(s, e, ID_A, fb_entity_field(e, "visits"), &author));
    assert_string_equal(author.device_id, "");
    expect_ok(s, fb_history_author(s, e, ID_A, fb_entity_field(e, "city"), &author));
    assert_string_equal(author.device_id, DEVICE_1);
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, DEVICE_1);
    append(s, FB_LOG_OP_UPDATE, "company", ID_A, "{\"city\":[null,\"y\"]}");
    expect_ok(s, fb_history_author(s, e, ID_A, fb_entity_field(e, "city"),
                                   &author)); /* of the rev that is being made */
    assert_int_equal(author.rev, 4);
    fb_store_rollback(s);
    fb_store_close(s);
}

FB_TEST(a_scope_set_keeps_its_number)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    int64_t a = scope(s, "company:1");
    int64_t b = scope(s, "company:2");
    assert_int_not_equal(a, b);
    assert_int_equal(scope(s, "company:1"), a);
    assert_string_equal(fb_history_scope_key(s, b), "company:2");
    assert_string_equal(fb_history_scope_key(s, b), "company:2");
    assert_null(fb_history_scope_key(s, 0));
    assert_null(fb_history_scope_key(s, 999));
    fb_store_close(s);
}

FB_TEST(numbers_of_scopes_that_were_rolled_back_are_forgotten)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    expect_ok(s, fb_store_begin(s));
    int64_t gone = scope(s, "company:gone");
    fb_store_rollback(s);
    assert_null(fb_history_scope_key(s, gone));
    assert_int_equal(scope(s, "company:other"), gone);
    assert_int_not_equal(scope(s, "company:gone"), gone);
    expect_ok(s, fb_store_begin(s));
    expect_ok(s, fb_store_savepoint(s));
    gone = scope(s, "company:undone");
    expect_ok(s, fb_store_savepoint_undo(s));
    assert_int_equal(scope(s, "company:third"), gone);
    expect_ok(s, fb_store_commit(s));
    assert_string_equal(fb_history_scope_key(s, gone), "company:third");
    fb_store_close(s);
}

static int sum_up(void *ctx, const char *key, const struct fb_digest *digest)
{
    struct fb_digest *sums = ctx; /* of "x" and "y" */
    if (strcmp(key, "x") == 0 || strcmp(key, "y") == 0) {
        sums[key[0] - 'x'] = *digest;
    }
    return FB_OK;
}

static void expect_digests(struct fb_store *s, const struct fb_digest *x, const struct fb_digest *y)
{
    struct fb_digest sums[2] = {{0}};
    expect_ok(s, fb_history_digests(s, sum_up, sums));
    assert_true(fb_digest_equal(&sums[0], x));
    assert_true(fb_digest_equal(&sums[1], y));
}

FB_TEST(digests_follow_the_rows_of_each_scope_set)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_digest none = {0};
    struct fb_digest a = fb_digest_of("a", 1);
    struct fb_digest b = fb_digest_of("b", 1);
    struct fb_digest both = a;
    fb_digest_add(&both, &b);
    int64_t x = scope(s, "x");
    int64_t y = scope(s, "y");
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, NULL);
    append(s, FB_LOG_OP_INSERT, "company", ID_A, NULL);
    expect_ok(s, fb_history_digest_move(s, 0, NULL, x, &a));
    expect_ok(s, fb_history_digest_move(s, 0, NULL, x, &b));
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    expect_digests(s, &both, &none);
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, NULL);
    append(s, FB_LOG_OP_SCOPE, "company", ID_A, NULL);
    expect_ok(s, fb_history_digest_move(s, x, &a, y, &a));
    expect_ok(s, fb_store_savepoint(s));
    expect_ok(s, fb_history_digest_move(s, x, &b, y, &b));
    expect_ok(s, fb_store_savepoint(s));
    expect_ok(s, fb_history_digest_move(s, y, &b, 0, NULL));
    expect_ok(s, fb_store_savepoint_release(s));
    expect_ok(s, fb_store_savepoint_undo(s));
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    expect_digests(s, &b, &a);
    fb_store_close(s);
}

FB_TEST(a_rolled_back_rev_leaves_nothing_in_memory)
{
    struct fb_store *s = new_store(FB_NODE_SERVER);
    struct fb_digest none = {0};
    struct fb_digest a = fb_digest_of("a", 1);
    int64_t x = scope(s, "x");
    expect_ok(s, fb_store_begin(s));
    begin_rev(s, NULL);
    append(s, FB_LOG_OP_INSERT, "company", ID_A, NULL);
    expect_ok(s, fb_history_digest_move(s, 0, NULL, x, &a));
    fb_store_rollback(s);
    expect_ok(s, fb_store_begin(s));
    expect_ok(s, fb_store_savepoint(s));
    begin_rev(s, NULL); /* begun inside a savepoint that is undone */
    append(s, FB_LOG_OP_INSERT, "company", ID_A, NULL);
    expect_ok(s, fb_history_digest_move(s, 0, NULL, x, &a));
    expect_ok(s, fb_store_savepoint_undo(s));
    assert_int_equal(begin_rev(s, NULL), 1);
    append(s, FB_LOG_OP_INSERT, "company", ID_B, NULL);
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    expect_digests(s, &none, &none);
    assert_int_equal(bad_rev(s), 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_log"), 1);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(revs_follow_each_other_and_an_empty_one_leaves_no_trace),
        FB_CASE(a_changed_dropped_or_added_entry_is_found_in_the_chain),
        FB_CASE(a_large_rev_verifies_and_its_chain_goes_on),
        FB_CASE(touched_rows_come_once_in_the_catalogues_order),
        FB_CASE(a_named_row_is_touched_for_the_device_that_named_it),
        FB_CASE(where_a_row_was_at_the_cursor_is_told_by_its_first_change),
        FB_CASE(old_values_at_a_rev_are_those_before_the_first_later_change),
        FB_CASE(the_author_of_a_value_is_who_wrote_it_last), FB_CASE(a_scope_set_keeps_its_number),
        FB_CASE(numbers_of_scopes_that_were_rolled_back_are_forgotten),
        FB_CASE(digests_follow_the_rows_of_each_scope_set),
        FB_CASE(a_rolled_back_rev_leaves_nothing_in_memory))
