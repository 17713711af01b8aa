/* SPDX-License-Identifier: MIT
 *
 * Territories decide what a laptop holds.
 */
#include <stdlib.h>

#include "common/base/time.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

/* Ana keeps her territory and loses the right to see everything; so does Ben. */
static struct fb_world *two_territories(void)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    server_has_two_territories(t);
    server_makes(t, "company_territory/acme", "company_id", "@company/acme", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    server_makes(t, "company/bolt", "name", "Bolt", "owner_id", "@employee/boss", NULL);
    server_makes(t, "company_territory/bolt", "company_id", "@company/bolt", "territory_id",
                 "@territory/south", "how", "manual", NULL);
    server_makes(t, "contact/li", "company_id", "@company/acme", "family_name", "Li", "owner_id",
                 "@employee/boss", NULL);
    server_makes(t, "contact/wu", "company_id", "@company/bolt", "family_name", "Wu", "owner_id",
                 "@employee/boss", NULL);
    everybody_syncs(t);
    return t;
}

static void acme_moves_south(struct fb_world *t)
{
    server_deletes(t, "company_territory/acme");
    server_makes(t, "company_territory/acme2", "company_id", "@company/acme", "territory_id",
                 "@territory/south", "how", "manual", NULL);
}

FB_TEST(each_laptop_holds_the_accounts_of_its_territory)
{
    struct fb_world *t = two_territories();
    expect_replica(t, "ana", "contact/li", "family_name", "Li");
    expect_replica(t, "ana", "contact/wu", "family_name", "(no row)");
    expect_replica(t, "ben", "company/bolt", "name", "Bolt");
    expect_replica(t, "ben", "company/acme", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(account_that_moves_leaves_one_laptop_and_enters_the_other_in_one_cut)
{
    struct fb_world *t = two_territories();
    acme_moves_south(t);
    replica_syncs(t, "ana");
    expect_replica(t, "ana", "company/acme", "name", "(no row)");
    expect_replica(t, "ana", "contact/li", "family_name", "(no row)");
    replica_syncs(t, "ben");
    expect_replica(t, "ben", "company/acme", "name", "Acme");
    expect_replica(t, "ben", "contact/li", "family_name", "Li");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(account_that_moves_back_is_there_as_it_is_now)
{
    struct fb_world *t = two_territories();
    acme_moves_south(t);
    everybody_syncs(t);
    server_edits(t, "contact/li", "family_name", "Lin");
    server_edits(t, "company_territory/acme2", "territory_id", "@territory/north");
    everybody_syncs(t);
    expect_replica(t, "ana", "contact/li", "family_name", "Lin");
    expect_replica(t, "ben", "contact/li", "family_name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

/* E7, F8, F12: rules 9 and 10. */
FB_TEST(unsent_edits_of_an_account_that_leaves_are_kept_and_merged)
{
    struct fb_world *t = two_territories();
    replica_connects(t, "ana");
    replica_edits(t, "ana", "contact/li", "family_name", "Lee");
    replica_makes(t, "ana", "contact/new", "company_id", "@company/acme", "family_name", "New",
                  "owner_id", "@employee/ana", NULL);
    replica_disconnects(t, "ana");
    acme_moves_south(t);
    server_settles(t);
    replica_syncs(t, "ana");
    expect_server(t, "contact/li", "family_name", "Lee");
    expect_server(t, "contact/new", "family_name", "New");
    expect_replica(t, "ana", "contact/li", "family_name", "(no row)");
    expect_replica(t, "ana", "contact/new", "family_name", "(no row)");
    replica_syncs(t, "ben");
    expect_replica(t, "ben", "contact/new", "family_name", "New");
    /* She is told what became of it, and those who have the account now that it came: one notice, not one per record. */
    assert_string_equal(
        replica_asks(t, "ana", "SELECT group_concat(entity || ' ' || state) FROM receipt", NULL),
        "contact merged");
    assert_string_equal(replica_asks(t, "ben",
                                     "SELECT group_concat(kind || ' ' || entity) FROM notification "
                                     "WHERE record_id = ?1",
                                     "company/acme"),
                        "sync company");
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM notification", NULL), "0");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(account_stays_while_one_reason_is_left)
{
    struct fb_world *t = two_territories();
    server_makes(t, "company_territory/both", "company_id", "@company/acme", "territory_id",
                 "@territory/south", "how", "manual", NULL);
    server_edits(t, "company/acme", "owner_id", "@employee/ana");
    everybody_syncs(t);
    server_deletes(t, "company_territory/acme");
    everybody_syncs(t);
    expect_replica(t, "ana", "contact/li", "family_name", "Li");
    expect_replica(t, "ben", "contact/li", "family_name", "Li");
    server_edits(t, "company/acme", "owner_id", "@employee/boss");
    everybody_syncs(t);
    expect_replica(t, "ana", "company/acme", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(manager_holds_the_subtree_and_what_those_below_own)
{
    struct fb_world *t = two_territories();
    server_makes(t, "territory/far", "code", "F", "name", "Far", "parent_id", "@territory/south",
                 NULL);
    server_makes(t, "company/dim", "name", "Dim", "owner_id", "@employee/boss", NULL);
    server_makes(t, "company_territory/dim", "company_id", "@company/dim", "territory_id",
                 "@territory/far", "how", "manual", NULL);
    server_makes(t, "lead/far", "subject", "Somebody", "source", "web", "received_at",
                 "2025-06-15T00:00:00.000Z", "territory_id", "@territory/far", NULL);
    everybody_syncs(t);
    expect_replica(t, "ben", "company/dim", "name", "Dim");
    expect_replica(t, "ben", "lead/far", "subject", "Somebody");
    expect_replica(t, "ana", "lead/far", "subject", "(no row)");
    server_edits(t, "employee/ben", "manager_id", "@employee/ana");
    everybody_syncs(t);
    expect_replica(t, "ana", "company/dim", "name", "Dim");
    expect_replica(t, "ana", "contact/wu", "family_name", "Wu");
    expect_replica(t, "ana", "lead/far", "subject", "Somebody");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(member_of_one_records_team_gets_the_whole_company)
{
    struct fb_world *t = two_territories();
    server_makes(t, "record_member/one", "entity", "contact", "record_id", "@contact/wu",
                 "employee_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_replica(t, "ana", "company/bolt", "name", "Bolt");
    server_deletes(t, "record_member/one");
    everybody_syncs(t);
    expect_replica(t, "ana", "company/bolt", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(grant_ends_by_itself)
{
    struct fb_world *t = two_territories();
    server_makes(t, "scope_grant/one", "device_id", "@device/ana", "company_id", "@company/bolt",
                 "until", "2025-06-16T00:00:00.000Z", NULL);
    replica_syncs(t, "ana");
    expect_replica(t, "ana", "contact/wu", "family_name", "Wu");
    world_time_passes(t, INT64_C(3) * 24 * 3600 * 1000);
    replica_syncs(t, "ana");
    expect_replica(t, "ana", "contact/wu", "family_name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(what_a_row_points_to_outside_has_a_title_and_no_more)
{
    struct fb_world *t = two_territories();
    server_edits(t, "company/acme", "parent_id", "@company/bolt");
    everybody_syncs(t);
    static const char TITLE[] = "SELECT title FROM reference WHERE id = ?1";
    assert_string_equal(replica_asks(t, "ana", TITLE, "company/bolt"), "Bolt");
    expect_replica(t, "ana", "company/bolt", "name", "(no row)");
    server_makes(t, "company_territory/bolt2", "company_id", "@company/bolt", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM reference", NULL), "0");
    server_deletes(t, "company_territory/bolt2");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", TITLE, "company/bolt"), "Bolt");
    server_edits(t, "company/acme", "parent_id", "NULL");
    server_makes(t, "company_territory/bolt3", "company_id", "@company/bolt", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM reference", NULL), "0");
    world_close(t);
}

FB_TEST(moving_an_account_writes_a_handful_of_log_entries)
{
    struct fb_world *t = two_territories();
    server_runs(t, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
                   " INSERT INTO contact (company_id, family_name, owner_id) SELECT c.id, 'C' || "
                   "n.i, c.owner_id"
                   " FROM n, company AS c WHERE c.name = 'Acme'");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM contact", NULL), "501");
    int before = atoi(server_asks(t, "SELECT count(*) FROM fb_log", NULL));
    acme_moves_south(t);
    server_settles(t);
    int after = atoi(server_asks(t, "SELECT count(*) FROM fb_log", NULL));
    assert_int_equal(after - before, 4); /* one row went, one came, each with its line of history */
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM contact", NULL), "0");
    assert_string_equal(replica_asks(t, "ben", "SELECT count(*) FROM contact", NULL), "502");
    expect_equal_digests(t);
    world_close(t);
}

/* F25: an order moved here, unsent, from the account that leaves, goes with it and comes back by its push. */
FB_TEST(order_moved_here_out_of_the_leaving_account_leaves_no_ghost_behind)
{
    struct fb_world *t = two_territories();
    server_makes(t, "company_territory/bolt2", "company_id", "@company/bolt", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    server_deletes(t, "contact/li");
    server_settles(t);
    server_has_an_order(t);
    everybody_syncs(t);
    expect_replica(t, "ana", "order_line/a", "name", "Thing");
    replica_edits(t, "ana", "sales_order/one", "company_id", "@company/bolt");
    acme_moves_south(t);
    server_deletes(t, "order_line/a");
    server_settles(t);
    everybody_syncs(t);
    expect_server(t, "sales_order/one", "company_id", "@company/bolt");
    expect_replica(t, "ana", "sales_order/one", "company_id", "@company/bolt");
    expect_replica(t, "ana", "order_line/a", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

static void ana_moves_the_order(struct fb_world *t)
{
    replica_edits(t, "ana", "sales_order/one", "company_id", "@company/bolt");
}

/* Rule 10: the order belongs where headquarters knows it to be, though its user has just moved it to an account that stays. */
FB_TEST(order_moved_while_its_account_was_leaving_keeps_no_part_that_headquarters_deleted)
{
    struct fb_world *t = two_territories();
    server_makes(t, "company_territory/bolt2", "company_id", "@company/bolt", "territory_id",
                 "@territory/north", "how", "manual", NULL);
    server_deletes(t, "contact/li");
    server_settles(t);
    server_has_an_order(t);
    everybody_syncs(t);
    acme_moves_south(t);
    t->while_a_cut_travels = ana_moves_the_order;
    replica_connects(t, "ana");
    replica_disconnects(t, "ana");
    expect_replica(t, "ana", "company/acme", "name", "(no row)");
    server_deletes(t, "order_line/a");
    server_settles(t);
    everybody_syncs(t);
    expect_server(t, "sales_order/one", "company_id", "@company/bolt");
    expect_replica(t, "ana", "order_line/a", "name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

/* Rule 11: a scope that comes in comes whole. What a tool had put there with the triggers off is not headquarters', and is kept as found. */
FB_TEST(what_an_entering_account_has_more_here_than_at_headquarters_goes_and_is_found)
{
    struct fb_world *t = two_territories();
    acme_moves_south(t);
    everybody_syncs(t);
    replica_makes(t, "ana", "contact/ghost", "company_id", "@company/acme", "family_name", "Ghost",
                  "owner_id", "@employee/ana", NULL);
    replica_runs(t, "ana", "DELETE FROM fb_journal");
    server_edits(t, "company_territory/acme2", "territory_id", "@territory/north");
    server_settles(t);
    replica_connects(t, "ana");
    expect_replica(t, "ana", "company/acme", "name", "Acme");
    expect_replica(t, "ana", "contact/ghost", "family_name", "(no row)");
    assert_string_equal(replica_asks(t, "ana",
                                     "SELECT value ->> 'family_name' FROM found_value "
                                     "WHERE entity = 'contact' AND record_id = ?1",
                                     "contact/ghost"),
                        "Ghost");
    replica_disconnects(t, "ana");
    everybody_syncs(t);
    expect_equal_digests(t);
    world_close(t);
}

static void ana_freezes(struct fb_world *t)
{
    struct fb_store *s = world_replica(t, "ana")->store;
    int64_t number = 0;
    assert_int_equal(fb_store_begin(s), FB_OK);
    assert_int_equal(fb_replica_freeze(s, t->now_ms, &number), FB_OK);
    assert_int_equal(fb_store_commit(s), FB_OK);
    assert_true(number > 0);
}

/* Rule 23: what the device made itself counts as its own until a cut has told it otherwise. */
FB_TEST(second_edit_of_ones_own_new_row_is_merged_though_the_account_has_left)
{
    struct fb_world *t = two_territories();
    replica_makes(t, "ana", "contact/new", "company_id", "@company/acme", "family_name", "New",
                  "owner_id", "@employee/ana", NULL);
    ana_freezes(t);
    replica_edits(t, "ana", "contact/new", "family_name", "Newer");
    acme_moves_south(t);
    everybody_syncs(t);
    expect_server(t, "contact/new", "family_name", "Newer");
    expect_held(t, 0, "missing_row");
    expect_replica(t, "ben", "contact/new", "family_name", "Newer");
    expect_equal_digests(t);
    world_close(t);
}

/* G7, C10: who guesses an id learns nothing from the answer. */
FB_TEST(not_there_and_not_yours_are_answered_alike)
{
    struct fb_world *t = two_territories();
    replica_makes(t, "ana", "contact/spy", "company_id", "@company/bolt", "family_name", "Spy",
                  "owner_id", "@employee/ana", NULL);
    replica_makes(t, "ana", "contact/lost", "company_id", "@company/nowhere", "family_name", "Lost",
                  "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_held(t, 2, "missing_row");
    assert_string_equal(server_asks(t, "SELECT count(DISTINCT reason_text) FROM held_change", NULL),
                        "1");
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM reference", NULL), "0");
    expect_server(t, "contact/spy", "family_name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(forged_id_of_somebody_elses_row_changes_nothing)
{
    struct fb_world *t = two_territories();
    replica_makes(t, "ana", "contact/wu", "company_id", "@company/acme", "family_name", "Mine",
                  "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_server(t, "contact/wu", "family_name", "Wu");
    expect_held(t, 1, "missing_row");
    expect_replica(t, "ana", "contact/wu", "family_name", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

/* J13: what a person wrote for himself stays with him, and is nobody else's. */
FB_TEST(private_notes_are_their_authors_alone_and_stay_when_the_account_leaves)
{
    struct fb_world *t = two_territories();
    replica_makes(t, "ana", "note/mine", "entity", "company", "record_id", "@company/acme", "body",
                  "He bluffs", "by_id", "@employee/ana", "private", "1", NULL);
    replica_makes(t, "ana", "note/ours", "entity", "company", "record_id", "@company/acme", "body",
                  "Calls on Mondays", "by_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_server(t, "note/mine", "body", "He bluffs");
    acme_moves_south(t);
    everybody_syncs(t);
    expect_replica(t, "ana", "company/acme", "name", "(no row)");
    expect_replica(t, "ana", "note/mine", "body", "He bluffs");
    expect_replica(t, "ana", "note/ours", "body", "(no row)");
    expect_replica(t, "ben", "note/mine", "body", "(no row)");
    expect_replica(t, "ben", "note/ours", "body", "Calls on Mondays");
    expect_equal_digests(t);
    server_deletes(t, "company/acme");
    everybody_syncs(t);
    expect_replica(t, "ana", "note/mine", "body", "(no row)");
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(a_visit_that_becomes_private_leaves_the_others_and_comes_back_when_it_is_not)
{
    struct fb_world *t = two_territories();
    server_makes(t, "territory_member/ben2", "territory_id", "@territory/north", "employee_id",
                 "@employee/ben", "part", "owner", NULL);
    replica_makes(t, "ana", "activity/visit", "kind", "visit", "subject", "Lunch", "company_id",
                  "@company/acme", "owner_id", "@employee/ana", NULL);
    everybody_syncs(t);
    expect_replica(t, "ben", "activity/visit", "subject", "Lunch");
    replica_edits(t, "ana", "activity/visit", "private", "1");
    everybody_syncs(t);
    expect_replica(t, "ben", "activity/visit", "subject", "(no row)");
    expect_replica(t, "ana", "activity/visit", "subject", "Lunch");
    expect_equal_digests(t);
    replica_edits(t, "ana", "activity/visit", "private", "0");
    everybody_syncs(t);
    expect_replica(t, "ben", "activity/visit", "subject", "Lunch");
    expect_equal_digests(t);
    world_close(t);
}

/* `own`: the employee and the managers above. */
FB_TEST(expense_report_goes_to_the_new_manager_and_leaves_the_old_one)
{
    struct fb_world *t = two_territories();
    server_makes(t, "employee/mid", "code", "M", "user_name", "mid", "family_name", "Mid", NULL);
    server_makes(t, "currency/cny", "code", "CNY", "name_zh", "人民币", NULL);
    server_makes(t, "expense_report/trip", "employee_id", "@employee/ana", "period_from",
                 "2025-10-01", "period_to", "2025-10-31", "currency_id", "@currency/cny", NULL);
    server_edits(t, "employee/ana", "manager_id", "@employee/mid");
    everybody_syncs(t);
    expect_replica(t, "ben", "expense_report/trip", "period_from", "(no row)");
    server_edits(t, "employee/mid", "manager_id", "@employee/ben"); /* two levels above */
    everybody_syncs(t);
    expect_replica(t, "ben", "expense_report/trip", "period_from", "2025-10-01");
    expect_equal_digests(t);
    server_edits(t, "employee/ana", "manager_id", "@employee/boss");
    everybody_syncs(t);
    expect_replica(t, "ben", "expense_report/trip", "period_from", "(no row)");
    expect_replica(t, "ana", "expense_report/trip", "period_from", "2025-10-01");
    expect_equal_digests(t);
    world_close(t);
}

/* The day of the world's clock, some days later. */
static const char *day(struct fb_world *t, int days)
{
    static char texts[4][FB_INSTANT_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    fb_instant_format(t->now_ms + days * INT64_C(86400000), text);
    text[10] = '\0';
    return text;
}

static void midnight_comes(struct fb_world *t)
{
    const int64_t day_ms = 86400000;
    int64_t next_ms = (t->now_ms / day_ms + 1) * day_ms;
    assert_true(fb_hub_deadline_ms(t->hub) == next_ms);
    world_time_passes(t, next_ms - t->now_ms);
    server_settles(t);
    world_runs(t);
}

FB_TEST(connected_laptop_follows_a_membership_that_begins_or_ends_by_date)
{
    struct fb_world *t = two_territories();
    server_edits(t, "territory_member/ana", "to_on", day(t, 0));
    server_makes(t, "territory_member/later", "territory_id", "@territory/south", "employee_id",
                 "@employee/ana", "part", "member", "from_on", day(t, 1), NULL);
    world_time_passes(t, 86400000 - t->now_ms % 86400000 - 5000); /* a silent link would be dead */
    replica_connects(t, "ana");
    expect_replica(t, "ana", "company/acme", "name", "Acme");
    expect_replica(t, "ana", "company/bolt", "name", "(no row)");
    midnight_comes(t);
    expect_replica(t, "ana", "company/acme", "name", "(no row)");
    expect_replica(t, "ana", "company/bolt", "name", "Bolt");
    assert_true(fb_hub_deadline_ms(t->hub) == INT64_MAX);
    replica_disconnects(t, "ana");
    everybody_syncs(t);
    expect_equal_digests(t);
    world_close(t);
}

FB_TEST(connected_laptop_gives_back_a_granted_company_when_the_grant_expires)
{
    struct fb_world *t = two_territories();
    char until[FB_INSTANT_SIZE];
    fb_instant_format(t->now_ms + 3600000, until);
    server_makes(t, "scope_grant/visit", "device_id", "@device/ana", "company_id", "@company/bolt",
                 "until", until, NULL);
    world_time_passes(t, 3600000 - 10000);
    replica_connects(t, "ana");
    expect_replica(t, "ana", "contact/wu", "family_name", "Wu");
    int64_t due_ms = fb_hub_deadline_ms(t->hub);
    assert_true(due_ms <= t->now_ms + 3600000);
    world_time_passes(t, due_ms - t->now_ms);
    server_settles(t);
    world_runs(t);
    expect_replica(t, "ana", "contact/wu", "family_name", "(no row)");
    world_close(t);
}

FB_MAIN(FB_CASE(each_laptop_holds_the_accounts_of_its_territory),
        FB_CASE(account_that_moves_leaves_one_laptop_and_enters_the_other_in_one_cut),
        FB_CASE(account_that_moves_back_is_there_as_it_is_now),
        FB_CASE(unsent_edits_of_an_account_that_leaves_are_kept_and_merged),
        FB_CASE(account_stays_while_one_reason_is_left),
        FB_CASE(manager_holds_the_subtree_and_what_those_below_own),
        FB_CASE(member_of_one_records_team_gets_the_whole_company), FB_CASE(grant_ends_by_itself),
        FB_CASE(what_a_row_points_to_outside_has_a_title_and_no_more),
        FB_CASE(moving_an_account_writes_a_handful_of_log_entries),
        FB_CASE(order_moved_here_out_of_the_leaving_account_leaves_no_ghost_behind),
        FB_CASE(order_moved_while_its_account_was_leaving_keeps_no_part_that_headquarters_deleted),
        FB_CASE(what_an_entering_account_has_more_here_than_at_headquarters_goes_and_is_found),
        FB_CASE(second_edit_of_ones_own_new_row_is_merged_though_the_account_has_left),
        FB_CASE(not_there_and_not_yours_are_answered_alike),
        FB_CASE(forged_id_of_somebody_elses_row_changes_nothing),
        FB_CASE(private_notes_are_their_authors_alone_and_stay_when_the_account_leaves),
        FB_CASE(a_visit_that_becomes_private_leaves_the_others_and_comes_back_when_it_is_not),
        FB_CASE(expense_report_goes_to_the_new_manager_and_leaves_the_old_one),
        FB_CASE(connected_laptop_follows_a_membership_that_begins_or_ends_by_date),
        FB_CASE(connected_laptop_gives_back_a_granted_company_when_the_grant_expires))
