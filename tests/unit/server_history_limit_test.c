/* SPDX-License-Identifier: MIT
 *
 * The history limit (law 12): old closed records stay at headquarters.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define DAY_MS INT64_C(86400000)

/* Of two orders one was closed a hundred days ago, the other is open. */
static struct fb_world *two_orders(void)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "ben", NULL);
    server_has_an_order(t);
    server_makes(t, "sales_order/open", "company_id", "@company/acme", "ordered_on", "2026-01-02",
                 "currency_id", "@currency/cny", "owner_id", "@employee/ana", NULL);
    server_edits(t, "sales_order/one", "status", "closed");
    everybody_syncs(t);
    expect_everywhere(t, "sales_order/one", "status", "closed");
    world_time_passes(t, 100 * DAY_MS);
    return t;
}

static void history_is(struct fb_world *t, int64_t days)
{
    fb_hub_set_history(t->hub, days * DAY_MS);
    server_settles(t);
}

static void expect_sound(struct fb_world *t)
{
    expect_equal_digests(t);
    expect_verified(t);
}

/* ... and the closed one has left the laptops. */
static struct fb_world *one_order_left(void)
{
    struct fb_world *t = two_orders();
    history_is(t, 90);
    everybody_syncs(t);
    return t;
}

FB_TEST(an_old_closed_order_leaves_the_laptops_with_its_lines_and_an_open_one_stays)
{
    struct fb_world *t = one_order_left();
    expect_server(t, "sales_order/one", "status", "closed");
    expect_replica(t, "ana", "sales_order/one", "status", "(no row)");
    expect_replica(t, "ben", "order_line/a", "name", "(no row)");
    expect_everywhere(t, "sales_order/open", "status", "draft");
    expect_sound(t);
    world_close(t);
}

FB_TEST(a_connected_laptop_is_poked_when_the_date_moves)
{
    struct fb_world *t = two_orders();
    replica_connects(t, "ana");
    history_is(t, 90);
    world_runs(t);
    expect_replica(t, "ana", "sales_order/one", "status", "(no row)");
    replica_disconnects(t, "ana");
    everybody_syncs(t);
    expect_sound(t);
    world_close(t);
}

FB_TEST(an_order_that_is_opened_again_arrives_with_its_lines)
{
    struct fb_world *t = one_order_left();
    server_edits(t, "sales_order/one", "status", "confirmed");
    everybody_syncs(t);
    expect_everywhere(t, "sales_order/one", "status", "confirmed");
    expect_everywhere(t, "order_line/a", "name", "Thing");
    expect_sound(t);
    world_close(t);
}

FB_TEST(a_closed_order_that_somebody_writes_is_young_again)
{
    struct fb_world *t = one_order_left();
    server_edits(t, "sales_order/one", "customer_po", "K 7");
    everybody_syncs(t);
    expect_everywhere(t, "sales_order/one", "customer_po", "K 7");
    expect_everywhere(t, "order_line/a", "name", "Thing");
    expect_sound(t);
    world_close(t);
}

FB_TEST(unsent_work_on_what_leaves_is_merged_and_brings_it_back)
{
    struct fb_world *t = two_orders();
    replica_edits(t, "ben", "sales_order/one", "customer_po", "K 8");
    replica_edits(t, "ben", "order_line/a", "name", "Things");
    history_is(t, 90);
    replica_syncs(t, "ana");
    expect_replica(t, "ana", "sales_order/one", "status", "(no row)");
    everybody_syncs(t);
    expect_everywhere(t, "sales_order/one", "customer_po", "K 8");
    expect_everywhere(t, "order_line/a", "name", "Things");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM held_change", NULL), "0");
    expect_sound(t);
    world_close(t);
}

FB_TEST(an_account_is_not_deleted_by_a_laptop_that_its_old_orders_have_left)
{
    struct fb_world *t = one_order_left();
    replica_deletes(t, "ana", "company/acme");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "name", "Acme");
    expect_everywhere(t, "sales_order/open", "status", "draft");
    expect_server(t, "sales_order/one", "status", "closed");
    expect_server(t, "order_line/a", "name", "Thing");
    expect_replica(t, "ana", "sales_order/one", "status", "(no row)");
    expect_conflicts(t, "company/acme", 1);
    expect_sound(t);
    world_close(t);
}

FB_TEST(an_account_deleted_while_its_orders_were_there_goes_with_them)
{
    struct fb_world *t = two_orders();
    replica_deletes(t, "ana", "company/acme");
    history_is(t, 90);
    everybody_syncs(t);
    expect_gone(t, "company/acme");
    expect_gone(t, "sales_order/one");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM conflict", NULL), "0");
    expect_sound(t);
    world_close(t);
}

/* He had the order open when it left him. */
FB_TEST(what_is_written_about_a_record_that_has_just_left_is_not_lost)
{
    struct fb_world *t = two_orders();
    history_is(t, 90);
    replica_connects(t, "ben");
    replica_disconnects(t, "ben");
    replica_makes(t, "ben", "activity/call", "kind", "call_out", "subject", "About the order",
                  "owner_id", "@employee/ben", "company_id", "@company/acme", "about_entity",
                  "sales_order", "about_id", "@sales_order/one", NULL);
    everybody_syncs(t);
    expect_everywhere(t, "activity/call", "subject", "About the order");
    assert_string_equal(server_asks(t, "SELECT count(*) FROM held_change", NULL), "0");
    expect_sound(t);
    world_close(t);
}

FB_TEST(what_stays_and_points_to_it_keeps_its_title)
{
    struct fb_world *t = two_orders();
    server_edits(t, "sales_order/one", "number", "HQ-00007");
    world_time_passes(t, 100 * DAY_MS);
    server_makes(t, "activity/call", "kind", "call_out", "subject", "Ask again", "owner_id",
                 "@employee/ana", "company_id", "@company/acme", "about_entity", "sales_order",
                 "about_id", "@sales_order/one", NULL);
    everybody_syncs(t);
    history_is(t, 90);
    everybody_syncs(t);
    assert_string_equal(
        replica_asks(t, "ana", "SELECT title FROM reference WHERE id = ?1", "sales_order/one"),
        "HQ-00007");
    expect_sound(t);
    world_close(t);
}

FB_TEST(the_date_moves_once_a_day_and_the_cut_tells_it)
{
    struct fb_world *t = two_orders();
    static const char DATE[] = "SELECT value FROM fb_meta WHERE key = 'history_from_ms'";
    history_is(t, 90);
    int64_t from_ms = atoll(server_asks(t, DATE, NULL));
    assert_int_equal(from_ms % DAY_MS, 0);
    assert_true(from_ms <= t->now_ms - 90 * DAY_MS && from_ms > t->now_ms - 91 * DAY_MS - 10000);
    everybody_syncs(t);
    assert_int_equal(atoll(replica_asks(t, "ana", DATE, NULL)), from_ms);
    int64_t due_ms = fb_hub_deadline_ms(t->hub);
    assert_true(due_ms > t->now_ms && due_ms <= t->now_ms + DAY_MS);
    server_settles(t);
    assert_int_equal(atoll(server_asks(t, DATE, NULL)), from_ms);
    world_time_passes(t, due_ms - t->now_ms);
    server_settles(t);
    assert_int_equal(atoll(server_asks(t, DATE, NULL)), from_ms + DAY_MS);
    world_close(t);
}

FB_TEST(a_first_download_brings_no_old_records)
{
    struct fb_world *t = two_orders();
    history_is(t, 90);
    replica_runs(t, "ben", "UPDATE fb_meta SET value = 0 WHERE key = 'cursor'");
    everybody_syncs(t);
    expect_replica(t, "ben", "sales_order/one", "status", "(no row)");
    expect_replica(t, "ben", "sales_order/open", "status", "draft");
    expect_sound(t);
    world_close(t);
}

static int steps_so_far(struct fb_world *t)
{
    return atoi(server_asks(t,
                            "SELECT count(DISTINCT (SELECT max(rev) FROM fb_rev WHERE first_seq <= "
                            "seq)) FROM fb_log WHERE op = 6",
                            NULL));
}

/* Each settle of the rounds takes one. */
static void passes_in_steps(struct fb_world *t)
{
    int before = steps_so_far(t);
    while (fb_hub_deadline_ms(t->hub) <= t->now_ms) {
        everybody_syncs(t);
        expect_sound(t);
    }
    assert_true(steps_so_far(t) > before + 3);
}

FB_TEST(many_records_pass_in_small_steps_and_come_back_when_the_limit_is_longer)
{
    struct fb_world *t = two_orders();
    char name[64];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "sales_order/n%d", i);
        server_makes(t, name, "company_id", "@company/acme", "ordered_on", "2026-01-02",
                     "currency_id", "@currency/cny", "owner_id", "@employee/ana", "status",
                     "closed", NULL);
        if (i % 3 != 0) {
            server_settles(t); /* some of one millisecond, some not */
        }
    }
    everybody_syncs(t);
    world_time_passes(t, 200 * DAY_MS);
    fb_limit_history_step_rows = 2;
    fb_hub_set_history(t->hub, 90 * DAY_MS);
    passes_in_steps(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM sales_order", NULL), "1");
    fb_hub_set_history(t->hub, 250 * DAY_MS);
    passes_in_steps(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT count(*) FROM sales_order", NULL), "10");
    fb_limit_history_step_rows = 2000;
    history_is(t, 0);
    everybody_syncs(t);
    expect_replica(t, "ana", "order_line/a", "name", "Thing");
    expect_sound(t);
    world_close(t);
}

FB_TEST(a_restarted_headquarters_keeps_the_date)
{
    struct fb_world *t = one_order_left();
    world_server_restarts(t);
    server_edits(t, "contact/li", "family_name", "Lin");
    everybody_syncs(t);
    expect_replica(t, "ana", "sales_order/one", "status", "(no row)");
    expect_sound(t);
    world_close(t);
}

FB_MAIN(FB_CASE(an_old_closed_order_leaves_the_laptops_with_its_lines_and_an_open_one_stays),
        FB_CASE(a_connected_laptop_is_poked_when_the_date_moves),
        FB_CASE(an_order_that_is_opened_again_arrives_with_its_lines),
        FB_CASE(a_closed_order_that_somebody_writes_is_young_again),
        FB_CASE(unsent_work_on_what_leaves_is_merged_and_brings_it_back),
        FB_CASE(an_account_is_not_deleted_by_a_laptop_that_its_old_orders_have_left),
        FB_CASE(an_account_deleted_while_its_orders_were_there_goes_with_them),
        FB_CASE(what_is_written_about_a_record_that_has_just_left_is_not_lost),
        FB_CASE(what_stays_and_points_to_it_keeps_its_title),
        FB_CASE(the_date_moves_once_a_day_and_the_cut_tells_it),
        FB_CASE(a_first_download_brings_no_old_records),
        FB_CASE(many_records_pass_in_small_steps_and_come_back_when_the_limit_is_longer),
        FB_CASE(a_restarted_headquarters_keeps_the_date))
