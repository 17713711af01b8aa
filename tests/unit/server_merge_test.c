/* SPDX-License-Identifier: MIT
 *
 * What becomes of two edits of one record: crm.md's races, told with a headquarters and two laptops.
 */
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

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

FB_TEST(an_edit_on_a_laptop_arrives_everywhere)
{
    replica_edits(t, "ana", "company/acme", "website", "acme.example");
    expect_everywhere(t, "company/acme", "website", "acme.example");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(the_later_edit_stands_and_the_earlier_is_kept)
{
    replica_edits(t, "ana", "company/acme", "website", "monday.example");
    server_edits(t, "company/acme", "website", "tuesday.example");
    expect_everywhere(t, "company/acme", "website", "tuesday.example");
    expect_conflict_keeps(t, "company/acme", "website", "monday.example");
}

FB_TEST(different_fields_are_both_kept_without_a_conflict)
{
    replica_edits(t, "ana", "company/acme", "website", "acme.example");
    server_edits(t, "company/acme", "short_name", "AC");
    expect_everywhere(t, "company/acme", "website", "acme.example");
    expect_everywhere(t, "company/acme", "short_name", "AC");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(server_value_stands_when_both_changed_the_credit_limit)
{
    replica_edits(t, "ana", "company/acme", "credit_limit", "5000");
    server_edits(t, "company/acme", "credit_limit", "2000");
    replica_syncs(t, "ana");
    expect_everywhere(t, "company/acme", "credit_limit", "2000");
    expect_conflict_keeps(t, "company/acme", "credit_limit", "5000");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_edit_on_a_laptop_arrives_everywhere),
        CASE(the_later_edit_stands_and_the_earlier_is_kept),
        CASE(different_fields_are_both_kept_without_a_conflict),
        CASE(server_value_stands_when_both_changed_the_credit_limit),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
