/* SPDX-License-Identifier: MIT
 *
 * First download and full cuts: resumable, whole, and with custody of what waits (design.md section
 * 3, rules 8, 9, 11).
 */
#include "tests/unit/sync_replica_testing.h"

static const char *ids[] = {ID_A, ID_B, ID_C, ID_D};

static void expect_position(const struct fb_pull *pull, const char *position)
{
    assert_int_equal(pull->position_size, strlen(position));
    assert_memory_equal(pull->position, position, strlen(position));
}

FB_TEST(first_download_shows_nothing_until_the_gap_is_closed)
{
    struct laptop *t = new_laptop();
    connect_seen(t, 0);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_true(pull->wants_all);
    assert_int_equal(pull->position_size, 0);
    say_row(t, "company", ID_A, "name", "Acme", NULL);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_chunk(t, 10, "B", false);
    assert_int_equal(status(t)->rows_staged, 2);
    assert_int_equal(status(t)->rows_expected, 10);
    assert_true(status(t)->is_first_download);
    expect_position(&hear(t, FB_MESSAGE_PULL)->pull, "B");
    say_row(t, "company", ID_C, "name", "Cord", NULL);
    say_chunk(t, 12, "C", true);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company"), 0);
    pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_false(pull->wants_all);
    assert_int_equal(pull->cursor, 10); /* the oldest chunk's */
    t->rows = 0;
    say_row(t, "company", ID_A, "name", "Acme Ltd", NULL); /* changed at rev 11 */
    say_remove(t, "company", ID_C);                        /* gone at rev 13 */
    say_cut(t, 13, 0);
    expect_text(t, "company", ID_A, "name", "Acme Ltd");
    expect_text(t, "company", ID_B, "name", "Bolt");
    expect_text(t, "company", ID_C, "name", "(none)");
    assert_int_equal(status(t)->cursor, 13);
    assert_false(status(t)->is_first_download);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_stage"), 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op <> 0"), 0);
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(interrupted_download_goes_on_after_every_chunk)
{
    struct laptop *t = new_laptop();
    char position[2] = "";
    for (int i = 0; i < 4; i++) {
        connect_seen(t, 0);
        expect_position(&hear(t, FB_MESSAGE_PULL)->pull, position);
        say_row(t, "company", ids[i], "name", "lost",
                NULL); /* a chunk that is not whole counts for nothing */
        cut_link(t);
        if (i % 2 == 1) {
            restart(t);
        }
        connect_seen(t, 0);
        expect_position(&hear(t, FB_MESSAGE_PULL)->pull, position);
        say_row(t, "company", ids[i], "name", "here", NULL);
        position[0] = (char)('1' + i);
        say_chunk(t, 20 - i, position, i == 3);
        cut_link(t);
    }
    restart(t);
    connect_seen(t, 0);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_false(pull->wants_all);
    assert_int_equal(pull->cursor, 17);
    say_cut(t, 21, 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company WHERE name = 'here'"), 4);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company"), 4);
    free_laptop(t);
}

FB_TEST(row_that_came_in_two_chunks_is_one_row)
{
    struct laptop *t = new_laptop();
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "old", NULL);
    say_chunk(t, 10, "B", false);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "new", NULL);
    say_chunk(t, 12, "C", true);
    hear(t, FB_MESSAGE_PULL);
    t->rows = 0;
    say_cut(t, 13, 0);
    expect_text(t, "company", ID_A, "name", "new");
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company"), 1);
    free_laptop(t);
}

FB_TEST(work_done_before_and_during_the_first_download_goes_up_and_stays)
{
    struct laptop *t = new_laptop();
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'before')");
    connect_seen(t, 0);
    assert_int_equal(hear(t, FB_MESSAGE_PUSH_PART)->push_part.number, 1);
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_all);
    say_ack(t, 1);
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'during')");
    say_chunk(t, 5, "x",
              true); /* read before the push was merged: the first company is not in it */
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "before", NULL);
    say_cut(t, 6, 1);
    expect_text(t, "company", ID_A, "name", "before");
    expect_text(t, "company", ID_B, "name", "during");
    size_t count = 0;
    changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count); /* the full cut froze it */
    assert_int_equal(count, 1);
    free_laptop(t);
}

/* ---- A full cut over what is here ---- */

static struct laptop *laptop_in_resync(void)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", "city", "Bonn", NULL));
    cut_link(t);
    run(t->store, "INSERT INTO fb_meta (key, value) VALUES ('resync', 1) ON CONFLICT (key) DO "
                  "UPDATE SET value = 1");
    return t;
}

FB_TEST(resync_deletes_what_did_not_come_and_keeps_the_cursor_until_then)
{
    struct laptop *t = laptop_in_resync();
    connect_seen(t, 0);
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_all);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_chunk(t, 8, "x", true);
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'cursor'"), 1);
    hear(t, FB_MESSAGE_PULL);
    t->rows = 0;
    say_cut(t, 9, 0);
    expect_text(t, "company", ID_A, "name", "(none)");
    expect_text(t, "company", ID_B, "name", "Bolt");
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'resync'"), 0);
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(full_cut_freezes_the_journal_first_and_keeps_pending_rows)
{
    struct laptop *t = laptop_in_resync();
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    run(t->store, "UPDATE company SET name = 'mine', draft = 'private' WHERE id = '" ID_A "'");
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_C "', 'new here')");
    say_row(t, "company", ID_A, "name", "theirs", "city", "Ulm", NULL);
    say_chunk(t, 8, "x", true);
    hear(t, FB_MESSAGE_PULL);
    t->rows = 0;
    say_cut(t, 9, 0);
    expect_text(t, "company", ID_A, "name", "mine");
    expect_text(t, "company", ID_A, "city", "Ulm");
    expect_text(t, "company", ID_A, "draft", "private");
    expect_text(t, "company", ID_C, "name", "new here");
    size_t count = 0;
    changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 2);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_journal WHERE op <> 0"), 0);
    free_laptop(t);
}

FB_TEST(staged_chunks_that_cannot_be_read_are_fetched_anew)
{
    struct laptop *t = new_laptop();
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "Acme", NULL);
    say_chunk(t, 8, "x", true);
    hear(t, FB_MESSAGE_PULL);
    run(t->store, "UPDATE fb_stage SET bytes = x'00000004030000000000'");
    t->rows = 0;
    struct fb_cut cut = usual_cut(t, 9, 0);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = cut});
    assert_true(t->rc < 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company"), 0);
    cut_link(t);
    connect_seen(t, 0);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_true(pull->wants_all);
    assert_int_equal(pull->position_size, 0);
    free_laptop(t);
}

FB_MAIN(FB_CASE(first_download_shows_nothing_until_the_gap_is_closed),
        FB_CASE(interrupted_download_goes_on_after_every_chunk),
        FB_CASE(row_that_came_in_two_chunks_is_one_row),
        FB_CASE(work_done_before_and_during_the_first_download_goes_up_and_stays),
        FB_CASE(resync_deletes_what_did_not_come_and_keeps_the_cursor_until_then),
        FB_CASE(full_cut_freezes_the_journal_first_and_keeps_pending_rows),
        FB_CASE(staged_chunks_that_cannot_be_read_are_fetched_anew))
