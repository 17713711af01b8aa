/* SPDX-License-Identifier: MIT
 *
 * A cut into the laptop's database: all of it or nothing, beside what is pending, with custody
 * (rules 4 to 14).
 */
#include "tests/unit/sync_replica_testing.h"

static struct laptop *laptop_with_acme(void)
{
    struct laptop *t = new_laptop();
    settle_with(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL));
    return t;
}

static void poke_and_pull(struct laptop *t, int64_t rev)
{
    say_poke(t, rev);
    hear(t, FB_MESSAGE_PULL);
}

FB_TEST(poke_brings_the_row_and_moves_the_cursor)
{
    struct laptop *t = laptop_with_acme();
    say_poke(t, 5);
    assert_int_equal(hear(t, FB_MESSAGE_PULL)->pull.cursor, 1);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_cut(t, 5, 0);
    expect_text(t, "company", ID_B, "name", "Bolt");
    assert_int_equal(status(t)->cursor, 5);
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'cursor'"), 5);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op <> 0"), 0);
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(poke_for_a_rev_that_is_here_is_no_reason_to_pull)
{
    struct laptop *t = laptop_with_acme();
    say_poke(t, 1);
    expect_silence(t);
    free_laptop(t);
}

FB_TEST(empty_cut_costs_no_commit)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 5);
    say_cut(t, 5, 0);
    assert_int_equal(status(t)->cursor, 5);
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'cursor'"), 1);
    poke_and_pull(t, 1 + FB_CURSOR_LAG_REVS_MAX);
    say_cut(t, 1 + FB_CURSOR_LAG_REVS_MAX, 0);
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'cursor'"),
                     1 + FB_CURSOR_LAG_REVS_MAX);
    free_laptop(t);
}

/* ---- Pending ---- */

FB_TEST(edit_made_while_the_cut_was_on_its_way_is_not_overwritten)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "theirs", "street", "Main", "city", "Ulm", NULL),
        "city", "Bonn");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "mine");
    expect_text(t, "company", ID_A, "city", "Ulm");
    assert_int_equal(status(t)->found, 0);
    free_laptop(t);
}

FB_TEST(pending_street_keeps_the_city_of_its_group)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "UPDATE company SET street = 'mine' WHERE id = '" ID_A "'");
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "new", "street", "Main", "city", "Ulm", NULL),
        "city", "Bonn");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "street", "mine");
    expect_text(t, "company", ID_A, "city", "Bonn");
    expect_text(t, "company", ID_A, "name", "new");
    free_laptop(t);
}

FB_TEST(frozen_push_that_the_cut_does_not_answer_is_pending)
{
    struct laptop *t = laptop_with_acme();
    write_sql(t, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "theirs", "street", "Main", "city", "Ulm", NULL);
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "mine");
    expect_text(t, "company", ID_A, "city", "Ulm");
    free_laptop(t);
}

FB_TEST(answered_push_is_overwritten_though_its_ack_was_lost)
{
    struct laptop *t = laptop_with_acme();
    write_sql(t, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn",
            NULL); /* refused */
    say_cut(t, 2, 1);
    expect_text(t, "company", ID_A, "name", "Acme");
    assert_int_equal(
        ask(t->store, "SELECT count(*) FROM fb_push WHERE acked_at_ms > 0 AND covered_rev = 2"), 1);
    assert_true(fb_replica_round_is_in_step(t->round));
    assert_int_equal(status(t)->found, 0);
    free_laptop(t);
}

FB_TEST(acknowledged_push_shows_what_its_user_typed_until_a_cut_answers_it)
{
    struct laptop *t = laptop_with_acme();
    write_sql(t, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_ack(t, 1);
    cut_link(t);
    expect_text(t, "company", ID_A, "name", "mine");
    assert_false(fb_replica_round_is_in_step(t->round));
    connect_seen(t, 1);
    hear(t, FB_MESSAGE_PULL); /* nothing goes up twice */
    free_laptop(t);
}

FB_TEST(row_inserted_here_is_left_alone_until_its_push_is_answered)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'mine')");
    say_row(t, "company", ID_B, "name", "theirs", "city", "Ulm", NULL);
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_B, "name", "mine");
    expect_text(t, "company", ID_B, "city", "");
    free_laptop(t);
}

FB_TEST(row_deleted_here_does_not_come_back_before_headquarters_judged)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "DELETE FROM company WHERE id = '" ID_A "'");
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "new", "street", "Main", "city", "Bonn", NULL),
        "name", "Acme");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "(none)");
    free_laptop(t);
}

FB_TEST(refused_delete_brings_the_row_back_whole)
{
    struct laptop *t = laptop_with_acme();
    write_sql(t, "DELETE FROM company WHERE id = '" ID_A "'");
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "edited", "street", "Main", "city", "Bonn", NULL);
    say_cut(t, 2, 1);
    expect_text(t, "company", ID_A, "name", "edited");
    free_laptop(t);
}

FB_TEST(value_that_went_there_and_back_while_a_cut_skipped_it_is_answered_by_the_next)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "UPDATE company SET name = 'B' WHERE id = '" ID_A "'");
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "C", "street", "Main", "city", "Bonn", NULL),
        "name", "Acme");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "B");
    write_sql(t, "UPDATE company SET name = 'Acme' WHERE id = '" ID_A "'");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(changes[0].op, FB_CHANGE_NAMED);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "C", "street", "Main", "city", "Bonn", NULL);
    say_cut(t, 3, 1);
    expect_text(t, "company", ID_A, "name", "C");
    assert_int_equal(status(t)->found, 0);
    free_laptop(t);
}

FB_TEST(device_column_survives_whatever_comes)
{
    struct laptop *t = laptop_with_acme();
    run(t->store, "UPDATE company SET draft = 'private' WHERE id = '" ID_A "'");
    poke_and_pull(t, 2);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "new", "street", "Main", "city", "Bonn", NULL),
        "name", "Acme");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "draft", "private");
    expect_text(t, "company", ID_A, "name", "new");
    free_laptop(t);
}

/* ---- Removes ---- */

FB_TEST(removed_row_goes_with_its_orphaned_parts)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    say_row(t, "sales_order", ID_B, "company_id", ID_A, "number", "1", NULL);
    say_row(t, "order_line", ID_C, "order_id", ID_B, "text", "pens", NULL);
    say_cut(t, 2, 0);
    poke_and_pull(t, 3);
    say_remove(t, "sales_order",
               ID_B); /* the line came after headquarters forgot the order: nobody names it */
    say_cut(t, 3, 0);
    expect_text(t, "sales_order", ID_B, "number", "(none)");
    expect_text(t, "order_line", ID_C, "text", "(none)");
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op <> 0"), 0);
    free_laptop(t);
}

FB_TEST(unsent_edit_of_a_removed_row_is_frozen_with_the_whole_journal_first)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "BEGIN");
    run(t->store, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'Bolt')");
    run(t->store, "COMMIT");
    say_remove(t, "company", ID_A);
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "(none)");
    expect_text(t, "company", ID_B, "name", "Bolt");
    size_t count = 0;
    changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 2); /* the local transaction is whole */
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op <> 0"), 0);
    free_laptop(t);
}

FB_TEST(remove_takes_unsent_children_along_after_freezing_them)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store,
        "INSERT INTO contact (id, company_id, name) VALUES ('" ID_B "', '" ID_A "', 'Ann')");
    run(t->store,
        "INSERT INTO sales_order (id, company_id, number) VALUES ('" ID_C "', '" ID_A "', '7')");
    run(t->store,
        "INSERT INTO order_line (id, order_id, text) VALUES ('" ID_D "', '" ID_C "', 'pens')");
    say_remove(t, "company", ID_A);
    say_cut(t, 2, 0);
    expect_text(t, "contact", ID_B, "name", "(none)");
    expect_text(t, "sales_order", ID_C, "number", "(none)");
    expect_text(t, "order_line", ID_D, "text", "(none)");
    size_t count = 0;
    changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 3);
    free_laptop(t);
}

FB_TEST(journal_stays_open_if_the_removed_rows_were_not_edited)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_cut(t, 2, 0);
    poke_and_pull(t, 3);
    run(t->store, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    say_remove(t, "company", ID_B);
    say_cut(t, 3, 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_push"), 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op = 2"), 1);
    free_laptop(t);
}

FB_TEST(change_knows_the_cursor_its_author_stood_at)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 9);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    run(t->store, "UPDATE company SET name = 'early' WHERE id = '" ID_A "'");
    say_cut(t, 9, 0);
    write_sql(t, "UPDATE company SET name = 'late' WHERE id = '" ID_B "'");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(changes[i].cursor, strcmp(changes[i].row_id, ID_A) == 0 ? 1 : 9);
    }
    free_laptop(t);
}

/* ---- All or nothing ---- */

FB_TEST(cut_whose_counts_do_not_agree_changes_nothing)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    struct fb_cut cut = usual_cut(t, 2, 0);
    cut.rows = 2;
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = cut});
    assert_int_equal(t->rc, FB_ERR_PROTOCOL);
    expect_text(t, "company", ID_B, "name", "(none)");
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'cursor'"), 1);
    free_laptop(t);
}

/* The bytes of a cut: a row, a changed row, a remove and the end. */
static void write_cut(struct laptop *t, struct fb_buf *bytes)
{
    struct fb_row bolt = make_row(t, "company", ID_B, "name", "Bolt", NULL);
    struct fb_row acme =
        make_row(t, "company", ID_A, "name", "new", "street", "Main", "city", "Bonn", NULL);
    struct fb_message rows = rows_message(&bolt);
    struct fb_message more = rows_message(&acme);
    char ids[1][FB_ROW_ID_SIZE] = {ID_C};
    struct fb_message removes = {
        .kind = FB_MESSAGE_REMOVES,
        .removes = {.entity_no = entity(t->store, "contact")->no, .ids = ids, .count = 1}};
    t->rows = 2;
    t->removes = 1;
    struct fb_message cut = {.kind = FB_MESSAGE_CUT, .cut = usual_cut(t, 2, 0)};
    const struct fb_message *all[] = {&rows, &more, &removes, &cut};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fb_message_encode(all[i], bytes), FB_OK);
    }
}

FB_TEST(link_cut_at_any_byte_of_a_cut_leaves_the_state_before_it)
{
    struct laptop *t = laptop_with_acme();
    struct fb_buf bytes;
    fb_buf_init(&bytes, FB_FRAME_BYTES_MAX);
    write_cut(t, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        cut_link(t);
        connect_seen(t, 0);
        hear(t, FB_MESSAGE_PULL);
        t->rc = fb_replica_round_feed(t->round, bytes.bytes, size, t->now_ms);
        expect_fine(t);
        assert_int_equal(status(t)->cursor, 1);
    }
    expect_text(t, "company", ID_A, "name", "Acme");
    expect_text(t, "company", ID_B, "name", "(none)");
    cut_link(t);
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    for (size_t i = 0; i < bytes.size; i++) { /* a byte at a time is the same cut */
        t->rc = fb_replica_round_feed(t->round, bytes.bytes + i, 1, t->now_ms);
        expect_fine(t);
    }
    assert_int_equal(status(t)->cursor, 2);
    expect_text(t, "company", ID_A, "name", "new");
    expect_text(t, "company", ID_B, "name", "Bolt");
    fb_buf_release(&bytes);
    free_laptop(t);
}

FB_TEST(frames_that_come_twice_or_unasked_end_the_connection_and_change_nothing)
{
    struct laptop *t = laptop_with_acme();
    struct fb_row bolt = make_row(t, "company", ID_B, "name", "Bolt", NULL);
    struct fb_message rows = rows_message(&bolt);
    try_say(t, &rows);
    assert_int_equal(t->rc, FB_ERR_PROTOCOL);
    cut_link(t);
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    try_say(t, &rows);
    try_say(t, &rows);
    t->rows = 1;
    struct fb_cut cut = usual_cut(t, 2, 0);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = cut});
    assert_int_equal(t->rc, FB_ERR_PROTOCOL);
    cut_link(t);
    expect_text(t, "company", ID_B, "name", "(none)");
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    say_made_row(t, bolt);
    say_cut(t, 2, 0);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = cut});
    assert_int_equal(t->rc, FB_ERR_PROTOCOL);
    expect_text(t, "company", ID_B, "name", "Bolt");
    free_laptop(t);
}

FB_TEST(late_bytes_of_an_old_connection_are_nothing)
{
    struct laptop *t = laptop_with_acme();
    cut_link(t);
    struct fb_buf bytes;
    fb_buf_init(&bytes, FB_FRAME_BYTES_MAX);
    write_cut(t, &bytes);
    feed(t, &bytes);
    expect_fine(t);
    expect_text(t, "company", ID_B, "name", "(none)");
    fb_buf_release(&bytes);
    free_laptop(t);
}

FB_TEST(large_cut_waits_on_disk_and_is_applied_in_one_transaction)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    enum { ROWS = 1200, TEXT = 8000 };
    char *text = malloc(TEXT + 1);
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, 7);
    text[TEXT] = '\0';
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < TEXT; k++) {
            text[k] = (char)('0' + fb_random_u64(&random) % 75);
        }
        char id[FB_ROW_ID_SIZE];
        snprintf(id, sizeof id, "018f0000-0000-7000-8000-%012x", i + 4096);
        say_row(t, "company", id, "name", "many", "street", text, NULL);
        fb_arena_clear(&t->arena);
    }
    free(text);
    assert_true(ask(t->store, "SELECT count(*) FROM fb_cut_frames") >= 1);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company WHERE name = 'many'"), 0);
    say_cut(t, 2, 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company WHERE name = 'many'"), ROWS);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_cut_frames"), 0);
    free_laptop(t);
}

FB_TEST(frames_a_crash_left_on_disk_are_forgotten)
{
    struct laptop *t = laptop_with_acme();
    run(t->store, "INSERT INTO fb_cut_frames (bytes) VALUES (x'0011')");
    restart(t);
    connect_seen(t, 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_cut_frames"), 0);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_B, "name", "Bolt");
    free_laptop(t);
}

FB_MAIN(FB_CASE(poke_brings_the_row_and_moves_the_cursor),
        FB_CASE(poke_for_a_rev_that_is_here_is_no_reason_to_pull),
        FB_CASE(empty_cut_costs_no_commit),
        FB_CASE(edit_made_while_the_cut_was_on_its_way_is_not_overwritten),
        FB_CASE(pending_street_keeps_the_city_of_its_group),
        FB_CASE(frozen_push_that_the_cut_does_not_answer_is_pending),
        FB_CASE(answered_push_is_overwritten_though_its_ack_was_lost),
        FB_CASE(acknowledged_push_shows_what_its_user_typed_until_a_cut_answers_it),
        FB_CASE(row_inserted_here_is_left_alone_until_its_push_is_answered),
        FB_CASE(row_deleted_here_does_not_come_back_before_headquarters_judged),
        FB_CASE(refused_delete_brings_the_row_back_whole),
        FB_CASE(value_that_went_there_and_back_while_a_cut_skipped_it_is_answered_by_the_next),
        FB_CASE(device_column_survives_whatever_comes),
        FB_CASE(removed_row_goes_with_its_orphaned_parts),
        FB_CASE(unsent_edit_of_a_removed_row_is_frozen_with_the_whole_journal_first),
        FB_CASE(remove_takes_unsent_children_along_after_freezing_them),
        FB_CASE(journal_stays_open_if_the_removed_rows_were_not_edited),
        FB_CASE(change_knows_the_cursor_its_author_stood_at),
        FB_CASE(cut_whose_counts_do_not_agree_changes_nothing),
        FB_CASE(link_cut_at_any_byte_of_a_cut_leaves_the_state_before_it),
        FB_CASE(frames_that_come_twice_or_unasked_end_the_connection_and_change_nothing),
        FB_CASE(late_bytes_of_an_old_connection_are_nothing),
        FB_CASE(large_cut_waits_on_disk_and_is_applied_in_one_transaction),
        FB_CASE(frames_a_crash_left_on_disk_are_forgotten))
