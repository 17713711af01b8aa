/* SPDX-License-Identifier: MIT
 *
 * What stands in the end does not depend on who syncs first (faults.md E17): laptops edit one record at known times and bring it in
 * every order.
 */
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define LAPTOPS 3

static const char *const NAMES[LAPTOPS] = {"ana", "bo", "cy"};
static const int ORDERS[][LAPTOPS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
#define ORDER_COUNT (sizeof ORDERS / sizeof ORDERS[0])

struct edit {
    int laptop;
    const char *field;
    const char *value;
};

/* One after the other, a second apart. */
static const struct edit EDITS[] = {
    /* two wrote the same, a third in between: the later of the two counts */
    {0, "website", "same.example"},
    {1, "website", "other.example"},
    {2, "website", "same.example"},
    /* two agree, a third is later */
    {0, "name_en", "Same"},
    {1, "name_en", "Same"},
    {2, "name_en", "Latest"},
    /* a group counts with the time of its own edit ... */
    {2, "annual_revenue", "100"},
    {0, "annual_revenue", "300"},
    /* ... and a later edit of another field makes none of these younger */
    {0, "employees", "12"},
    {1, "short_name", "AC"},
};

static void make_edits(struct fb_world *t)
{
    for (size_t e = 0; e < sizeof EDITS / sizeof EDITS[0]; e++) {
        replica_edits(t, NAMES[EDITS[e].laptop], "company/acme", EDITS[e].field, EDITS[e].value);
    }
}

FB_TEST(the_later_edit_stands_in_every_order_of_arrival)
{
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "bo", "cy", NULL);
        make_edits(t);
        for (int n = 0; n < LAPTOPS; n++) {
            replica_syncs(t, NAMES[ORDERS[i][n]]);
        }
        everybody_syncs(t);
        expect_everywhere(t, "company/acme", "website", "same.example");
        expect_everywhere(t, "company/acme", "name_en", "Latest");
        expect_everywhere(t, "company/acme", "annual_revenue", "300");
        world_close(t);
    }
}

FB_TEST(to_repeat_what_stands_leaves_no_conflict)
{
    struct fb_world *t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    replica_edits(t, "ana", "company/acme", "website", "same.example");
    replica_edits(t, "bo", "company/acme", "website", "same.example");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "website", "same.example");
    expect_conflicts(t, "company/acme", 0);
    assert_string_equal(server_asks(t, "SELECT count(*) FROM receipt", NULL), "0");
    world_close(t);
}

FB_MAIN(FB_CASE(the_later_edit_stands_in_every_order_of_arrival),
        FB_CASE(to_repeat_what_stands_leaves_no_conflict))
