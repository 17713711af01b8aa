/* SPDX-License-Identifier: MIT
 *
 * Values that no journal row explains, digests, and the repair of what differs (rules 21, 24).
 */
#include "tests/unit/sync_replica_testing.h"

static struct laptop *laptop_with_acme(void)
{
    struct laptop *t = new_laptop();
    settle_with(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL));
    return t;
}

/* A tool that switched the triggers off. */
static void tamper(struct laptop *t, const char *text)
{
    assert_int_equal(fb_store_begin(t->store), FB_OK);
    fb_store_capture(t->store, false);
    run(t->store, text);
    assert_int_equal(fb_store_commit(t->store), FB_OK);
    fb_store_capture(t->store, true);
}

static void poke_and_pull(struct laptop *t, int64_t rev)
{
    say_poke(t, rev);
    hear(t, FB_MESSAGE_PULL);
}

static int64_t count_found(struct laptop *t)
{
    return ask(t->store, "SELECT count(*) FROM found_value WHERE state = 'waiting'");
}

FB_TEST(value_that_no_journal_explains_is_kept_and_headquarters_stands)
{
    struct laptop *t = laptop_with_acme();
    tamper(t, "UPDATE company SET city = 'Köln' WHERE id = '" ID_A "'");
    poke_and_pull(t, 2);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Ulm", NULL),
        "city", "Bonn");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "city", "Ulm");
    assert_int_equal(
        ask(t->store,
            "SELECT count(*) FROM found_value WHERE entity = 'company' AND record_id = '" ID_A
            "' AND field = 'city' AND value = '\"Köln\"' AND device_id = '" DEVICE "'"),
        1);
    assert_int_equal(status(t)->found, 1);
    bool has_changes = true;
    assert_int_equal(fb_journal_has_changes(t->store, &has_changes), FB_OK);
    assert_false(has_changes); /* never pushed as a change */
    free_laptop(t);
}

FB_TEST(field_that_headquarters_did_not_change_is_found_too)
{
    struct laptop *t = laptop_with_acme();
    tamper(t, "UPDATE company SET name = 'hacked' WHERE id = '" ID_A "'");
    poke_and_pull(t, 2);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Ulm", NULL),
        "city", "Bonn");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "name", "Acme");
    assert_int_equal(
        ask(t->store,
            "SELECT count(*) FROM found_value WHERE field = 'name' AND value = '\"hacked\"'"),
        1);
    free_laptop(t);
}

FB_TEST(row_deleted_behind_the_journal_is_reported_and_comes_back)
{
    struct laptop *t = laptop_with_acme();
    tamper(t, "DELETE FROM company WHERE id = '" ID_A "'");
    poke_and_pull(t, 2);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Ulm", NULL),
        "city", "Bonn");
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_A, "city", "Ulm");
    assert_int_equal(
        ask(t->store, "SELECT count(*) FROM found_value WHERE field = 'id' AND value = 'null'"), 1);
    free_laptop(t);
}

FB_TEST(own_edits_are_never_found_pending_open_or_answered)
{
    struct laptop *t = laptop_with_acme();
    write_sql(t, "UPDATE company SET street = 'mine' WHERE id = '" ID_A "'");
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "theirs", "street", "Main", "city", "Bonn", NULL),
        "name", "Acme");
    say_cut(t, 2, 0); /* the push is not merged yet */
    say_ack(t, 1);
    hear(t, FB_MESSAGE_PULL);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "theirs", "street", "other", "city", "Ulm", NULL),
        "street", "Main");
    say_cut(t, 3, 1);
    expect_text(t, "company", ID_A, "street", "other");
    assert_int_equal(count_found(t), 0);
    free_laptop(t);
}

FB_TEST(value_a_cut_skipped_while_the_row_was_in_the_journal_is_no_find)
{
    struct laptop *t = laptop_with_acme();
    poke_and_pull(t, 2);
    run(t->store, "UPDATE company SET street = 'B' WHERE id = '" ID_A "'");
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "Acme", "street", "C", "city", "Bonn", NULL),
        "street", "Main");
    say_cut(t, 2, 0); /* C was skipped, and the street goes back to what it was */
    run(t->store, "UPDATE company SET street = 'Main' WHERE id = '" ID_A "'");
    write_sql(t, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(changes[0].op, FB_CHANGE_UPDATE);
    hear(t, FB_MESSAGE_PULL);
    say_changed_row(
        t, make_row(t, "company", ID_A, "name", "mine", "street", "C", "city", "Bonn", NULL),
        "name", "Acme");
    say_cut(t, 3, 1);
    expect_text(t, "company", ID_A, "street", "C");
    assert_int_equal(count_found(t), 0);
    free_laptop(t);
}

FB_TEST(same_find_twice_is_one)
{
    struct laptop *t = laptop_with_acme();
    for (int64_t rev = 2; rev < 4; rev++) {
        tamper(t, "UPDATE company SET name = 'hacked' WHERE id = '" ID_A "'");
        poke_and_pull(t, rev);
        say_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL);
        say_cut(t, rev, 0);
    }
    assert_int_equal(count_found(t), 1);
    free_laptop(t);
}

/* ---- Digests ---- */

static struct fb_digest digest_here(struct laptop *t)
{
    struct fb_digest d = {0};
    assert_int_equal(fb_replica_digest(t->store, &d), FB_OK);
    return d;
}

static void ask_for_digest(struct laptop *t)
{
    fb_replica_round_want_digest(t->round);
    assert_false(fb_replica_round_is_in_step(t->round));
    take(t);
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_digest);
}

static void say_cut_with_digest(struct laptop *t, int64_t rev, struct fb_digest digest)
{
    struct fb_cut cut = usual_cut(t, rev, 0);
    cut.has_digest = true;
    cut.digest = digest;
    say_this_cut(t, &cut);
}

FB_TEST(digest_leaves_out_what_never_travels)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest before = digest_here(t);
    assert_int_equal(before.rows, 1);
    tamper(t, "UPDATE company SET draft = 'private' WHERE id = '" ID_A "'");
    tamper(t, "INSERT INTO found_value (device_id, entity, record_id, field, value, found_at, "
              "state) VALUES ('" DEVICE "', 'company', '" ID_A
              "', 'name', '1', '2026-01-01T00:00:00.000Z', 'waiting')");
    struct fb_digest after = digest_here(t);
    assert_true(fb_digest_equal(&before, &after));
    tamper(t, "UPDATE company SET city = 'Ulm' WHERE id = '" ID_A "'");
    after = digest_here(t);
    assert_false(fb_digest_equal(&before, &after));
    free_laptop(t);
}

FB_TEST(equal_digests_end_the_question)
{
    struct laptop *t = laptop_with_acme();
    ask_for_digest(t);
    say_cut_with_digest(t, 1, digest_here(t));
    assert_int_equal(status(t)->digest_checks, 1);
    assert_int_equal(status(t)->digest_differences, 0);
    assert_true(fb_replica_round_is_in_step(t->round));
    expect_silence(t);
    free_laptop(t);
}

FB_TEST(digests_are_not_compared_while_anything_is_pending)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest right = digest_here(t);
    ask_for_digest(t);
    run(t->store, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    say_cut_with_digest(t, 1, right);
    assert_int_equal(status(t)->digest_checks, 0);
    hear(t, FB_MESSAGE_PUSH_PART); /* what is pending goes up, and the question is asked again */
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_digest);
    free_laptop(t);
}

static void say_scope_digests(struct laptop *t, int64_t rev, const char *scope,
                              struct fb_digest digest)
{
    struct fb_scope_digest one = {.scope = scope, .digest = digest};
    say(t, &(struct fb_message){.kind = FB_MESSAGE_SCOPE_DIGESTS,
                                .scope_digests = {.rev = rev, .list = &one, .count = 1}});
}

FB_TEST(differing_scope_is_sent_whole_and_the_differences_are_found)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest right = digest_here(t);
    tamper(t, "UPDATE company SET city = 'hacked' WHERE id = '" ID_A "'");
    tamper(t, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'smuggled')");
    ask_for_digest(t);
    say_cut_with_digest(t, 1, right);
    assert_int_equal(status(t)->digest_differences, 1);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_true(pull->wants_scope_digests);
    say_scope_digests(t, 1, "company:" ID_A, right);
    say_cut_with_digest(t, 1, right);
    pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_int_equal(pull->repair_count, 2);
    assert_string_equal(pull->repair[0], "company:" ID_A);
    assert_string_equal(pull->repair[1], "company:" ID_B);
    say_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL);
    say_cut_with_digest(t, 1, right);
    expect_text(t, "company", ID_A, "city", "Bonn");
    expect_text(t, "company", ID_B, "name", "(none)");
    assert_int_equal(
        ask(t->store,
            "SELECT count(*) FROM found_value WHERE field = 'city' AND value = '\"hacked\"'"),
        1);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM found_value WHERE record_id = '" ID_B
                                   "' AND field = 'id' AND value LIKE '%smuggled%'"),
                     1);
    assert_true(fb_replica_round_is_in_step(t->round));
    expect_silence(t);
    free_laptop(t);
}

FB_TEST(digests_of_many_scopes_may_come_in_several_messages)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest right = digest_here(t);
    struct fb_digest other = {.low = 7, .rows = 1};
    ask_for_digest(t);
    fb_digest_add(&other, &right);
    say_cut_with_digest(t, 1, other);
    hear(t, FB_MESSAGE_PULL);
    fb_digest_subtract(&other, &right);
    say_scope_digests(t, 1, "company:" ID_A, right);
    say_scope_digests(t, 1, "company:" ID_B, other);
    say_cut(t, 1, 0);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_int_equal(pull->repair_count, 1);
    assert_string_equal(pull->repair[0], "company:" ID_B);
    free_laptop(t);
}

FB_TEST(row_deleted_behind_the_journal_is_reported_by_the_repair_but_a_new_one_is_not)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest right = digest_here(t);
    tamper(t, "DELETE FROM company WHERE id = '" ID_A "'");
    ask_for_digest(t);
    say_cut_with_digest(t, 1, right);
    hear(t, FB_MESSAGE_PULL);
    say_scope_digests(t, 1, "company:" ID_A, right);
    say_cut_with_digest(t, 1, right);
    assert_int_equal(hear(t, FB_MESSAGE_PULL)->pull.repair_count, 1);
    struct fb_row old =
        make_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL);
    struct fb_row new = make_row(t, "company", ID_B, "name", "Bolt", NULL);
    old.stamps[0] = fb_value_text("2020-01-01T00:00:00.000Z");
    new.stamps[0] = fb_value_text("2030-01-01T00:00:00.000Z");
    say_made_row(t, old);
    say_made_row(t, new);
    say_cut(t, 2, 0);
    assert_int_equal(
        ask(t->store,
            "SELECT count(*) FROM found_value WHERE value = 'null' AND record_id = '" ID_A "'"),
        1);
    assert_int_equal(count_found(t), 1);
    free_laptop(t);
}

FB_TEST(repairs_that_do_not_help_end_in_a_full_cut_and_then_in_a_sentence)
{
    struct laptop *t = laptop_with_acme();
    struct fb_digest wrong = {.low = 1, .high = 2, .rows = 1};
    ask_for_digest(t);
    say_cut_with_digest(t, 1, wrong);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    int turns = 0;
    for (; !pull->wants_all && turns < 20; turns++) {
        if (pull->wants_scope_digests) {
            say_scope_digests(t, 1, "company:" ID_A, wrong);
        } else {
            say_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL);
        }
        say_cut_with_digest(t, 1, wrong);
        pull = &hear(t, FB_MESSAGE_PULL)->pull;
    }
    assert_true(pull->wants_all);
    say_chunk(t, 1, "x", true);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "Acme", "street", "Main", "city", "Bonn", NULL);
    say_cut_with_digest(t, 1, wrong);
    expect_silence(t);
    assert_non_null(strstr(status(t)->sentence, "differ"));
    free_laptop(t);
}

FB_MAIN(FB_CASE(value_that_no_journal_explains_is_kept_and_headquarters_stands),
        FB_CASE(field_that_headquarters_did_not_change_is_found_too),
        FB_CASE(row_deleted_behind_the_journal_is_reported_and_comes_back),
        FB_CASE(own_edits_are_never_found_pending_open_or_answered),
        FB_CASE(value_a_cut_skipped_while_the_row_was_in_the_journal_is_no_find),
        FB_CASE(same_find_twice_is_one), FB_CASE(digest_leaves_out_what_never_travels),
        FB_CASE(equal_digests_end_the_question),
        FB_CASE(digests_are_not_compared_while_anything_is_pending),
        FB_CASE(differing_scope_is_sent_whole_and_the_differences_are_found),
        FB_CASE(digests_of_many_scopes_may_come_in_several_messages),
        FB_CASE(row_deleted_behind_the_journal_is_reported_by_the_repair_but_a_new_one_is_not),
        FB_CASE(repairs_that_do_not_help_end_in_a_full_cut_and_then_in_a_sentence))
