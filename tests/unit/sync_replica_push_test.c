/* SPDX-License-Identifier: MIT
 *
 * The laptop's way up: freezing, sending, losing acks, chains (rules 1 to 5, 22).
 */
#include "tests/unit/sync_replica_testing.h"

#define INSERT_ACME "INSERT INTO company (id, name, city) VALUES ('" ID_A "', 'Acme', 'Bonn')"

static const struct fb_field_change *field_of(struct laptop *t, const struct fb_change *change,
                                              const char *name)
{
    uint32_t no = fb_entity_field(entity(t->store, "company"), name)->no;
    for (size_t i = 0; i < change->field_count; i++) {
        if (change->fields[i].field_no == no) {
            return &change->fields[i];
        }
    }
    return NULL;
}

static void expect_held(const struct fb_value *v, const char *text)
{
    assert_int_equal(v->type, FB_TEXT);
    assert_int_equal(v->size, strlen(text));
    assert_memory_equal(v->bytes, text, v->size);
}

FB_TEST(first_welcome_gives_incarnation_and_timeline_before_anything_is_frozen)
{
    struct laptop *t = new_laptop();
    run(t->store, INSERT_ACME);
    const struct fb_hello *hello = open_link(t);
    assert_int_equal(hello->incarnation, 0);
    assert_int_equal(hello->last_number, 0);
    assert_string_equal(hello->timeline, "");
    assert_string_equal(hello->device_id, DEVICE);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_push"), 0);
    struct fb_welcome w = usual_welcome(t);
    w.incarnation = 17;
    say_welcome(t, &w);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(part->incarnation, 17);
    assert_int_equal(part->number, 1);
    assert_string_equal(part->timeline, TIMELINE);
    assert_int_equal(ask(t->store, "SELECT value FROM fb_meta WHERE key = 'incarnation'"), 17);
    free_laptop(t);
}

FB_TEST(catalogue_comes_into_force_before_anything_else)
{
    struct laptop *t = new_laptop();
    assert_int_equal(open_link(t)->catalogue_version, 1);
    struct fb_welcome w = usual_welcome(t);
    w.catalogue_version = 2;
    say_welcome(t, &w);
    expect_silence(t);
    struct fb_catalogue *newer = test_catalogue(
        2,
        TEST_ENTITIES(",{'no':30,'name':'fax','type':'text','en':'Fax','zh':'传真'}") FOUND_VALUE);
    say(t, &(struct fb_message){.kind = FB_MESSAGE_CATALOGUE,
                                .catalogue = {.version = 2,
                                              .document = newer->document,
                                              .document_size = newer->document_size}});
    fb_catalogue_free(newer);
    hear(t, FB_MESSAGE_PULL);
    assert_non_null(fb_entity_field(entity(t->store, "company"), "fax"));
    assert_int_equal(
        ask(t->store, "SELECT count(*) FROM pragma_table_info('company') WHERE name = 'fax'"), 1);
    free_laptop(t);
}

FB_TEST(a_catalogue_this_program_cannot_read_stops_the_pull_and_not_the_push)
{
    static const char NEWER[] =
        "{\"version\": 2, \"entities\": [{\"no\": 900, \"a\": \"new form\"}]}";
    struct laptop *t = new_laptop();
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'Acme')");
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.catalogue_version = 2;
    say_welcome(t, &w);
    say(t, &(struct fb_message){
               .kind = FB_MESSAGE_CATALOGUE,
               .catalogue = {.version = 2, .document = NEWER, .document_size = strlen(NEWER)}});
    hear(t, FB_MESSAGE_PUSH_PART);
    expect_silence(t);
    assert_int_equal(fb_replica_round_status(t->round)->verdict, FB_VERDICT_TOO_OLD);
    assert_int_equal(ask(t->store, "SELECT max(version) FROM fb_catalogue"), 1);
    free_laptop(t);
}

FB_TEST(journal_is_frozen_whole_and_the_pull_follows_at_once)
{
    struct laptop *t = new_laptop();
    settle(t);
    run(t->store, "BEGIN");
    run(t->store, INSERT_ACME);
    run(t->store,
        "INSERT INTO contact (id, company_id, name) VALUES ('" ID_B "', '" ID_A "', 'Ann')");
    run(t->store, "COMMIT");
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    size_t count = 0;
    struct fb_change *changes = changes_of(t, part, &count);
    assert_int_equal(count, 2);
    assert_int_equal(changes[0].op, FB_CHANGE_INSERT);
    assert_int_equal(changes[0].cursor, 1);
    assert_int_equal(part->parts, 1);
    hear(t, FB_MESSAGE_PULL);
    bool has_changes = true;
    assert_int_equal(fb_journal_has_changes(t->store, &has_changes), FB_OK);
    assert_false(has_changes);
    assert_int_equal(status(t)->changes_sent, 2);
    free_laptop(t);
}

FB_TEST(nothing_is_said_for_a_write_that_changed_no_synced_row)
{
    struct laptop *t = new_laptop();
    settle(t);
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
    expect_silence(t);
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(edit_between_push_and_lost_ack_goes_up_as_a_push_of_its_own)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    hear(t, FB_MESSAGE_PUSH_PART);
    cut_link(t); /* the ack is lost */
    run(t->store, "UPDATE company SET name = 'Acme Ltd' WHERE id = '" ID_A "'");
    connect_seen(t, 1);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(part->number, 2);
    size_t count = 0;
    struct fb_change *changes = changes_of(t, part, &count);
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].op, FB_CHANGE_UPDATE);
    expect_held(&field_of(t, changes, "name")->base, "Acme");
    expect_held(&field_of(t, changes, "name")->mine, "Acme Ltd");
    free_laptop(t);
}

FB_TEST(frozen_push_goes_out_again_byte_for_byte_until_it_was_seen)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    const struct fb_push_part *first = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    cut_link(t);
    run(t->store, "UPDATE company SET name = 'Acme Ltd' WHERE id = '" ID_A "'");
    restart(t);
    connect_seen(t, 0);
    const struct fb_push_part *again = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(again->number, 1);
    assert_int_equal(again->size, first->size);
    assert_memory_equal(again->bytes, first->bytes, first->size);
    assert_memory_equal(&again->hash, &first->hash, sizeof first->hash);
    hear(t, FB_MESSAGE_PULL); /* push 2 waits for the cut: one is in flight */
    expect_silence(t);
    say_ack(t, 1);
    expect_silence(t);
    say_row(t, "company", ID_A, "name", "Acme", "city", "Bonn", NULL);
    say_cut(t, 2, 1);
    expect_text(t, "company", ID_A, "name", "Acme Ltd");
    assert_int_equal(hear(t, FB_MESSAGE_PUSH_PART)->push_part.number, 2);
    hear(t, FB_MESSAGE_PULL);
    free_laptop(t);
}

FB_TEST(pushes_are_chained_part_by_part)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    const struct fb_push_part *one = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    struct fb_sha256 zeros = {{0}};
    struct fb_sha256 expected = fb_push_chain(&zeros, one->bytes, one->size);
    assert_memory_equal(&one->prev_hash, &zeros, sizeof zeros);
    assert_memory_equal(&one->hash, &expected, sizeof expected);
    hear(t, FB_MESSAGE_PULL);
    say_cut(t, 2, 1);
    write_sql(t, "UPDATE company SET city = 'Ulm' WHERE id = '" ID_A "'");
    const struct fb_push_part *two = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    expected = fb_push_chain(&one->hash, two->bytes, two->size);
    assert_memory_equal(&two->prev_hash, &one->hash, sizeof one->hash);
    assert_memory_equal(&two->hash, &expected, sizeof expected);
    free_laptop(t);
}

static void write_large_push(struct laptop *t)
{
    run(t->store, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                  " INSERT INTO company (id, name, street) SELECT"
                  " printf('018f0000-0000-7000-8000-%012x', i + 4096), 'company ' || i, "
                  "hex(randomblob(2000)) FROM n");
}

FB_TEST(interrupted_push_goes_on_at_its_part)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_large_push(t);
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
    const struct fb_push_part *first = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_true(first->parts >= 3);
    assert_int_equal(first->part, 0);
    cut_link(t);
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.staged_number = 1;
    w.staged_parts = 2;
    say_welcome(t, &w);
    const struct fb_push_part *next = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(next->part, 2);
    assert_memory_equal(&next->hash, &first->hash, sizeof first->hash);
    free_laptop(t);
}

FB_TEST(whole_push_that_was_not_settled_is_asked_for_by_its_last_part)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    cut_link(t);
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.staged_number = 1;
    w.staged_parts = 1;
    say_welcome(t, &w);
    assert_int_equal(hear(t, FB_MESSAGE_PUSH_PART)->push_part.part, 0);
    free_laptop(t);
}

FB_TEST(large_push_never_fills_the_output_beyond_its_limit)
{
    struct laptop *t = new_laptop();
    settle(t);
    for (int i = 0; i < 4; i++) {
        run(t->store,
            "INSERT INTO company (name, street)"
            " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
            " SELECT 'company ' || i, hex(randomblob(4000)) FROM n");
    }
    fb_replica_round_noticed_write(t->round, t->now_ms);
    int64_t parts = 1;
    for (int64_t part = 0; part < parts;) {
        take(t);
        expect_fine(t);
        assert_true(t->out.size <= FB_OUTPUT_BYTES_HIGH);
        assert_true(t->out.size > 0);
        while (t->out.size > 0 && part < parts) {
            const struct fb_push_part *heard = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
            assert_int_equal(heard->part, part);
            parts = heard->parts;
            part++;
        }
    }
    assert_true(parts > 4);
    take(t);
    hear(t, FB_MESSAGE_PULL);
    free_laptop(t);
}

FB_TEST(repeated_acks_have_no_second_effect)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_ack(t, 1);
    say_ack(t, 1);
    say_cut(t, 2, 1);
    say_ack(t, 1);
    expect_silence(t);
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(ack_of_a_push_nobody_made_ends_the_connection)
{
    struct laptop *t = new_laptop();
    settle(t);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_ACK, .ack.number = 5});
    assert_int_equal(t->rc, FB_ERR_PROTOCOL);
    assert_non_null(strstr(status(t)->sentence, "push 5"));
    free_laptop(t);
}

FB_TEST(edits_that_cancel_out_are_named_without_fields)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    run(t->store, "UPDATE company SET name = 'B' WHERE id = '" ID_A "'");
    write_sql(t, "UPDATE company SET name = 'Acme' WHERE id = '" ID_A "'");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].op, FB_CHANGE_NAMED);
    assert_string_equal(changes[0].row_id, ID_A);
    free_laptop(t);
}

/* ---- What cannot travel ---- */

FB_TEST(value_too_large_for_any_message_is_kept_here_and_stops_nothing)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", "city", "Bonn", NULL));
    run(t->store,
        "UPDATE company SET name = hex(zeroblob(400000)), city = 'Ulm' WHERE id = '" ID_A "'");
    write_sql(t, "INSERT INTO company (id, name) VALUES ('" ID_B "', 'Bolt')");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        bool is_acme = strcmp(changes[i].row_id, ID_A) == 0;
        assert_int_equal(field_of(t, &changes[i], "name") == NULL, is_acme);
        expect_held(&field_of(t, &changes[i], is_acme ? "city" : "name")->mine,
                    is_acme ? "Ulm" : "Bolt");
    }
    assert_int_equal(ask(t->store, "SELECT count(*) FROM found_value WHERE record_id = '" ID_A
                                   "' AND field = 'name' AND length(value) = 800002"),
                     1);
    free_laptop(t);
}

FB_TEST(change_that_is_too_large_as_a_whole_goes_up_as_far_as_it_fits)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    write_sql(t,
              "UPDATE company SET name = hex(randomblob(240000)), status = hex(randomblob(240000)),"
              " street = hex(randomblob(240000)), city = 'Ulm' WHERE id = '" ID_A "'");
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    assert_int_equal(count, 1);
    assert_non_null(field_of(t, changes, "name"));
    assert_int_equal(field_of(t, changes, "street") == NULL, field_of(t, changes, "city") == NULL);
    assert_true(ask(t->store, "SELECT count(*) FROM found_value") >= 1);
    free_laptop(t);
}

FB_TEST(hundred_thousand_steps_of_a_sum_add_up_and_travel)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    enum { STEPS = 100000 };
    run(t->store, "BEGIN");
    for (int i = 0; i < STEPS; i++) {
        run(t->store, "UPDATE company SET visits = visits + 1 WHERE id = '" ID_A "'");
    }
    write_sql(t, "COMMIT");
    expect_fine(t);
    size_t count = 0;
    struct fb_change *changes = changes_of(t, &hear(t, FB_MESSAGE_PUSH_PART)->push_part, &count);
    const struct fb_field_change *visits = field_of(t, changes, "visits");
    assert_true(visits->step_count < 2000);
    int64_t sum = 0;
    for (size_t i = 0; i < visits->step_count; i++) {
        sum += visits->steps[i].to.integer - visits->steps[i].from.integer;
    }
    assert_int_equal(sum, STEPS);
    free_laptop(t);
}

/* ---- Clones and restored nodes ---- */

FB_TEST(push_that_differs_from_the_one_seen_leads_to_a_new_incarnation_and_is_kept)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    cut_link(t);
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.seen = 1;
    w.seen_hash.bytes[0] = 99;
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_WELCOME, .welcome = w});
    assert_int_equal(t->rc, FB_ERR_INTERRUPTED);
    cut_link(t);
    const struct fb_hello *hello = open_link(t);
    assert_int_equal(hello->incarnation, 0);
    assert_int_equal(hello->last_number, 0);
    w = usual_welcome(t);
    w.incarnation = 2;
    say_welcome(t, &w);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(part->incarnation, 2);
    assert_int_equal(part->number, 1);
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_all);
    assert_int_equal(status(t)->cursor, 1); /* stays until the full cut is applied */
    free_laptop(t);
}

FB_TEST(restored_laptop_renumbers_what_headquarters_lacks)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    struct fb_sha256 first = hear(t, FB_MESSAGE_PUSH_PART)->push_part.hash;
    cut_link(t);
    run(t->store, "UPDATE company SET city = 'Ulm' WHERE id = '" ID_A "'");
    int64_t number = 0;
    assert_int_equal(fb_store_begin(t->store), FB_OK);
    assert_int_equal(fb_replica_freeze(t->store, t->now_ms, &number), FB_OK);
    assert_int_equal(fb_store_commit(t->store), FB_OK);
    assert_int_equal(number, 2);
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.verdict = FB_VERDICT_NEW_INCARNATION;
    w.incarnation = 2;
    w.seen = 1;
    w.seen_hash = first;
    say_welcome(t, &w);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    struct fb_sha256 zeros = {{0}};
    assert_int_equal(part->incarnation, 2);
    assert_int_equal(part->number, 1);
    assert_memory_equal(&part->prev_hash, &zeros, sizeof zeros);
    struct fb_sha256 hash = fb_push_chain(&zeros, part->bytes, part->size);
    assert_memory_equal(&part->hash, &hash, sizeof hash);
    size_t count = 0;
    expect_held(&field_of(t, changes_of(t, part, &count), "city")->mine, "Ulm");
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_push WHERE number > 0"), 1);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_push WHERE number = 0"), 1); /* kept */
    free_laptop(t);
}

FB_TEST(restored_headquarters_gets_again_what_it_lost)
{
    struct laptop *t = new_laptop();
    settle(t);
    write_sql(t, INSERT_ACME);
    hear(t, FB_MESSAGE_PUSH_PART);
    hear(t, FB_MESSAGE_PULL);
    say_row(t, "company", ID_A, "name", "Acme", "city", "Bonn", NULL);
    say_cut(t, 2, 1);
    assert_true(fb_replica_round_is_in_step(t->round));
    cut_link(t);
    run(t->store, "UPDATE company SET city = 'Ulm' WHERE id = '" ID_A "'");
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.verdict = FB_VERDICT_NEW_TIMELINE;
    memcpy(w.timeline, ID_D, sizeof w.timeline);
    say_welcome(t, &w);
    const struct fb_push_part *part = &hear(t, FB_MESSAGE_PUSH_PART)->push_part;
    assert_int_equal(part->number, 1);
    assert_string_equal(part->timeline, TIMELINE);
    const struct fb_pull *pull = &hear(t, FB_MESSAGE_PULL)->pull;
    assert_true(pull->wants_all);
    assert_string_equal(pull->timeline, ID_D);
    say_chunk(t, 1, "end", true);
    assert_int_equal(hear(t, FB_MESSAGE_PULL)->pull.cursor, 1);
    free_laptop(t);
}

FB_MAIN(FB_CASE(first_welcome_gives_incarnation_and_timeline_before_anything_is_frozen),
        FB_CASE(catalogue_comes_into_force_before_anything_else),
        FB_CASE(a_catalogue_this_program_cannot_read_stops_the_pull_and_not_the_push),
        FB_CASE(journal_is_frozen_whole_and_the_pull_follows_at_once),
        FB_CASE(nothing_is_said_for_a_write_that_changed_no_synced_row),
        FB_CASE(edit_between_push_and_lost_ack_goes_up_as_a_push_of_its_own),
        FB_CASE(frozen_push_goes_out_again_byte_for_byte_until_it_was_seen),
        FB_CASE(pushes_are_chained_part_by_part), FB_CASE(interrupted_push_goes_on_at_its_part),
        FB_CASE(whole_push_that_was_not_settled_is_asked_for_by_its_last_part),
        FB_CASE(large_push_never_fills_the_output_beyond_its_limit),
        FB_CASE(repeated_acks_have_no_second_effect),
        FB_CASE(ack_of_a_push_nobody_made_ends_the_connection),
        FB_CASE(edits_that_cancel_out_are_named_without_fields),
        FB_CASE(value_too_large_for_any_message_is_kept_here_and_stops_nothing),
        FB_CASE(change_that_is_too_large_as_a_whole_goes_up_as_far_as_it_fits),
        FB_CASE(hundred_thousand_steps_of_a_sum_add_up_and_travel),
        FB_CASE(push_that_differs_from_the_one_seen_leads_to_a_new_incarnation_and_is_kept),
        FB_CASE(restored_laptop_renumbers_what_headquarters_lacks),
        FB_CASE(restored_headquarters_gets_again_what_it_lost))
