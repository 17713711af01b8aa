/* SPDX-License-Identifier: MIT
 *
 * The conflict desk: deciding on either side, deciding anew, taking back; what people read about it.
 */
#include <string.h>

#include "common/base/buf.h"
#include "common/crm/desk.h"
#include "common/crm/say.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define DAY_MS INT64_C(86400000)

static struct fb_world *t;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(t);
    return 0;
}

/* Ana and headquarters give the company two names: a person decides. */
static void clash_over_name(void)
{
    replica_edits(t, "ana", "company/acme", "name", "Anas");
    server_edits(t, "company/acme", "name", "Theirs");
    replica_syncs(t, "ana");
    server_settles(t);
    replica_syncs(t, "ana");
}

static const char *conflict_id(void)
{
    return server_asks(t, "SELECT id FROM conflict WHERE entity <> 'conflict' ORDER BY id LIMIT 1",
                       NULL);
}

static int rule_at(struct fb_store *s, const struct fb_desk_ruling *ruling, struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    snprintf(id, sizeof id, "%s", conflict_id());
    assert_int_equal(fb_store_begin(s), FB_OK);
    int rc = fb_desk_rule(s, id, ruling, t->now_ms, why);
    if (rc < 0) {
        fb_store_rollback(s);
    } else {
        assert_int_equal(fb_store_commit(s), FB_OK);
    }
    world_time_passes(t, 1000);
    return rc;
}

static void server_rules(enum fb_desk_keep keep)
{
    struct fb_why why = {""};
    assert_int_equal(rule_at(t->store, &(struct fb_desk_ruling){.keep = keep}, &why), FB_OK);
    server_settles(t);
}

static void ana_rules(const struct fb_desk_ruling *ruling)
{
    struct fb_why why = {""};
    assert_int_equal(rule_at(world_replica(t, "ana")->store, ruling, &why), FB_OK);
}

static int copy_sentence(void *ctx, const struct fb_desk_conflict *c)
{
    fb_say_conflict(t->store, c, world_id("employee/ana"), ctx);
    return FB_OK;
}

static void expect_sentence(const char *expected)
{
    FB_AUTO(fb_buf_release) struct fb_buf said;
    fb_buf_init(&said, 65536);
    const struct fb_desk_filter all = {.state = FB_DESK_ANY};
    assert_int_equal(fb_desk_list(t->store, &all, t->now_ms, copy_sentence, &said), FB_OK);
    assert_string_equal(fb_buf_text(&said), expected);
}

static int count_one(void *ctx, const struct fb_desk_conflict *c)
{
    (void)c;
    ++*(int *)ctx;
    return FB_OK;
}

static int count_of(struct fb_desk_filter filter)
{
    int count = 0;
    assert_int_equal(fb_desk_list(t->store, &filter, t->now_ms, count_one, &count), FB_OK);
    return count;
}

FB_TEST(a_ruling_on_the_laptop_travels_with_its_note_and_its_author)
{
    clash_over_name();
    ana_rules(&(struct fb_desk_ruling){.keep = FB_DESK_MINE, .note = "on the sign"});
    expect_everywhere(t, "company/acme", "name", "Anas");
    assert_string_equal(server_asks(t, "SELECT note FROM conflict", NULL), "on the sign");
    assert_string_equal(server_asks(t, "SELECT decided_by_id FROM conflict", NULL),
                        world_id("employee/ana"));
}

FB_TEST(the_later_of_two_is_found_by_their_times)
{
    clash_over_name();
    server_rules(FB_DESK_LATER);
    expect_everywhere(t, "company/acme", "name", "Theirs");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "kept_theirs");
}

FB_TEST(a_ruling_is_taken_back_and_waits_again)
{
    clash_over_name();
    server_rules(FB_DESK_MINE);
    expect_everywhere(t, "company/acme", "name", "Anas");
    server_rules(FB_DESK_UNDO);
    expect_everywhere(t, "company/acme", "name", "Theirs");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "waiting");
    assert_string_equal(server_asks(t, "SELECT decided_at FROM conflict", NULL), "NULL");
}

FB_TEST(an_automatic_outcome_is_overruled_and_that_taken_back)
{
    replica_edits(t, "ana", "company/acme", "website", "ana.example");
    server_edits(t, "company/acme", "website", "hq.example");
    everybody_syncs(t);
    server_rules(FB_DESK_MINE);
    expect_everywhere(t, "company/acme", "website", "ana.example");
    ana_rules(&(struct fb_desk_ruling){.keep = FB_DESK_UNDO});
    expect_everywhere(t, "company/acme", "website", "hq.example");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "auto");
}

FB_TEST(what_was_edited_since_a_ruling_stays_when_it_is_taken_back)
{
    clash_over_name();
    server_rules(FB_DESK_MINE);
    everybody_syncs(t);
    replica_edits(t, "bo", "company/acme", "name", "Bos");
    replica_syncs(t, "bo");
    server_rules(FB_DESK_UNDO);
    expect_everywhere(t, "company/acme", "name", "Bos");
}

FB_TEST(decided_anew_it_still_goes_back_to_what_nobody_decided)
{
    struct fb_why why = {""};
    clash_over_name();
    server_rules(FB_DESK_MINE);
    assert_int_equal(rule_at(t->store, &(struct fb_desk_ruling){.keep = FB_DESK_BASE}, &why),
                     FB_ERR_EXISTS);
    assert_non_null(strstr(why.text, "has decided this already"));
    const struct fb_desk_ruling again = {.keep = FB_DESK_BASE, .may_replace = true};
    assert_int_equal(rule_at(t->store, &again, &why), FB_OK);
    expect_everywhere(t, "company/acme", "name", "Acme");
    server_rules(FB_DESK_UNDO);
    expect_everywhere(t, "company/acme", "name", "Theirs");
}

FB_TEST(a_ruling_of_long_ago_is_not_taken_back)
{
    struct fb_why why = {""};
    clash_over_name();
    server_rules(FB_DESK_MINE);
    world_time_passes(t, (FB_RULING_UNDO_DAYS + 1) * DAY_MS);
    assert_int_equal(rule_at(t->store, &(struct fb_desk_ruling){.keep = FB_DESK_UNDO}, &why),
                     FB_ERR_INVALID);
    server_runs(t, "UPDATE conflict SET outcome = 'waiting'"); /* a tool that does not ask */
    server_settles(t);
    expect_everywhere(t, "company/acme", "name", "Anas");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "kept_mine");
}

FB_TEST(of_two_desks_the_second_is_told)
{
    clash_over_name();
    ana_rules(&(struct fb_desk_ruling){.keep = FB_DESK_MINE});
    server_rules(FB_DESK_THEIRS);
    expect_everywhere(t, "company/acme", "name", "Theirs");
    assert_string_equal(
        server_asks(t, "SELECT outcome FROM conflict WHERE entity = 'company'", NULL),
        "kept_theirs");
    assert_string_equal(
        replica_asks(t, "ana", "SELECT count(*) FROM receipt WHERE entity = 'conflict'", NULL),
        "1");
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY}), 1);
    assert_int_equal(
        count_of((struct fb_desk_filter){.state = FB_DESK_ANY, .has_second_decisions = true}), 2);
}

FB_TEST(a_deleted_record_goes_again_and_comes_back)
{
    server_makes(t, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    everybody_syncs(t);
    replica_edits(t, "ana", "contact/li", "job_title", "Buyer");
    server_deletes(t, "contact/li");
    everybody_syncs(t);
    expect_everywhere(t, "contact/li", "job_title", "Buyer");
    assert_int_equal(
        rule_at(t->store, &(struct fb_desk_ruling){.keep = FB_DESK_THEIRS}, &(struct fb_why){""}),
        FB_OK);
    expect_gone(t, "contact/li");
    assert_int_equal(
        rule_at(t->store, &(struct fb_desk_ruling){.keep = FB_DESK_UNDO}, &(struct fb_why){""}),
        FB_OK);
    expect_everywhere(t, "contact/li", "job_title", "Buyer");
    assert_string_equal(server_asks(t, "SELECT outcome FROM conflict", NULL), "auto");
}

FB_TEST(a_typed_value_must_fit_the_field)
{
    struct fb_why why = {""};
    clash_over_name();
    struct fb_desk_ruling ruling = {.keep = FB_DESK_VALUE, .value = "{\"website\":\"x\"}"};
    assert_int_equal(rule_at(t->store, &ruling, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "not what this conflict is about"));
    ruling.value = "{\"name\":null}";
    assert_int_equal(rule_at(t->store, &ruling, &why), FB_ERR_INVALID);
    ruling.value = "nonsense";
    assert_int_equal(rule_at(t->store, &ruling, &why), FB_ERR_INVALID);
    ruling.value = "{\"name\":\"Typed\"}";
    assert_int_equal(rule_at(t->store, &ruling, &why), FB_OK);
    expect_everywhere(t, "company/acme", "name", "Typed");
}

FB_TEST(who_asks_for_his_value_is_in_the_desks_list)
{
    replica_edits(t, "ana", "company/acme", "website", "ana.example");
    server_edits(t, "company/acme", "website", "hq.example");
    everybody_syncs(t);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_OPEN}), 0);
    struct fb_store *anas = world_replica(t, "ana")->store;
    struct fb_why why = {""};
    char id[FB_ROW_ID_SIZE];
    snprintf(id, sizeof id, "%s", conflict_id());
    assert_int_equal(fb_store_begin(anas), FB_OK);
    assert_int_equal(fb_desk_ask(anas, id, "they moved", &why), FB_OK);
    assert_int_equal(fb_store_commit(anas), FB_OK);
    replica_syncs(t, "ana");
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_OPEN}), 1);
    server_rules(FB_DESK_MINE);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_OPEN}), 0);
}

FB_TEST(filters_narrow_the_list)
{
    clash_over_name();
    replica_edits(t, "ana", "company/acme", "website", "ana.example");
    server_edits(t, "company/acme", "website", "hq.example");
    everybody_syncs(t);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY}), 2);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_AUTO}), 1);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY, .field = "name"}), 1);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY, .entity = "contact"}),
                     0);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY,
                                                      .employee_id = world_id("employee/ana")}),
                     2);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY,
                                                      .employee_id = world_id("employee/bo")}),
                     0);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY,
                                                      .made_before_ms = t->now_ms - DAY_MS}),
                     0);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY,
                                                      .made_since_ms = t->now_ms - DAY_MS}),
                     2);
    assert_int_equal(count_of((struct fb_desk_filter){.state = FB_DESK_ANY, .count_max = 1}), 1);
}

FB_TEST(its_author_reads_what_became_of_his_edit)
{
    clash_over_name();
    expect_sentence(
        "You and headquarters both changed Name: you wrote “Anas”, headquarters wrote “Theirs”. "
        "“Theirs” is shown until someone decides.");
    server_rules(FB_DESK_MINE);
    expect_sentence(
        "You and headquarters both changed Name: you wrote “Anas”, headquarters wrote “Theirs”. "
        "headquarters decided: Name is “Anas”.");
}

FB_TEST(a_word_that_is_none_is_refused)
{
    enum fb_desk_keep keep = FB_DESK_BASE;
    enum fb_desk_state state = FB_DESK_ANY;
    assert_false(fb_desk_keep_parse("ours", &keep));
    assert_false(fb_desk_keep_parse("value", &keep));
    assert_false(fb_desk_keep_parse(NULL, &keep));
    assert_int_equal(keep, FB_DESK_BASE);
    assert_true(fb_desk_keep_parse("later", &keep));
    assert_int_equal(keep, FB_DESK_LATER);
    assert_false(fb_desk_state_parse("closed", &state));
    assert_true(fb_desk_state_parse("ruled", &state));
    assert_int_equal(state, FB_DESK_RULED);
}

FB_TEST(who_deleted_what_he_did_not_hold_reads_why_it_stays)
{
    server_makes(t, "activity/secret", "kind", "task", "subject", "Mine", "owner_id",
                 "@employee/bo", "company_id", "@company/acme", "private", "1", NULL);
    everybody_syncs(t);
    replica_deletes(t, "ana", "company/acme");
    everybody_syncs(t);
    expect_sentence("Acme, which you deleted, has records that are not on this laptop, so it was "
                    "kept. Ask headquarters to delete it.");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
FB_MAIN(CASE(a_ruling_on_the_laptop_travels_with_its_note_and_its_author),
        CASE(the_later_of_two_is_found_by_their_times),
        CASE(a_ruling_is_taken_back_and_waits_again),
        CASE(an_automatic_outcome_is_overruled_and_that_taken_back),
        CASE(what_was_edited_since_a_ruling_stays_when_it_is_taken_back),
        CASE(decided_anew_it_still_goes_back_to_what_nobody_decided),
        CASE(a_ruling_of_long_ago_is_not_taken_back), CASE(of_two_desks_the_second_is_told),
        CASE(a_deleted_record_goes_again_and_comes_back), CASE(a_typed_value_must_fit_the_field),
        CASE(who_asks_for_his_value_is_in_the_desks_list), CASE(filters_narrow_the_list),
        CASE(its_author_reads_what_became_of_his_edit),
        CASE(who_deleted_what_he_did_not_hold_reads_why_it_stays),
        FB_CASE(a_word_that_is_none_is_refused))
