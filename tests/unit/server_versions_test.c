/* SPDX-License-Identifier: MIT
 *
 * Old and new together: a newer catalogue comes while laptops are connected, programs too old to pull hand in what they hold.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/limits.h"
#include "common/base/planted.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

static struct fb_world *t;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(t);
    return 0;
}

static json_t *read_json(const char *text, size_t size)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, 0, &error);
    if (json == NULL) {
        fail_msg("%s", error.text);
    }
    return json;
}

/* The next version: a field more of company, and an entity unless it is NULL. */
static struct fb_catalogue *newer_catalogue(const char *field, const char *entity)
{
    const struct fb_catalogue *c = fb_store_catalogue(t->store);
    json_t *document = read_json(c->document, c->document_size);
    json_t *entities = json_object_get(document, "entities");
    size_t at;
    json_t *one;
    json_array_foreach(entities, at, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), "company") == 0) {
            json_array_append_new(json_object_get(one, "fields"), read_json(field, strlen(field)));
        }
    }
    if (entity != NULL) {
        json_array_append_new(entities, read_json(entity, strlen(entity)));
    }
    json_object_set_new(document, "version", json_integer(c->version + 1));
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    struct fb_catalogue *newer = NULL;
    struct fb_why why = {""};
    if (fb_catalogue_load(text, strlen(text), &newer, &why) < 0) {
        fail_msg("%s", why.text);
    }
    free(text);
    json_decref(document);
    return newer;
}

/* As a command does beside the running daemon. */
static void server_takes(struct fb_catalogue *newer)
{
    struct fb_why why = {""};
    struct fb_store *s = NULL;
    assert_int_equal(
        fb_store_open(t->path, &(struct fb_store_options){.node = FB_NODE_SERVER}, &s, &why),
        FB_OK);
    assert_int_equal(fb_store_begin(s), FB_OK);
    if (fb_store_set_catalogue(s, newer, t->now_ms, &why) < 0) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(fb_store_commit(s), FB_OK);
    fb_store_close(s);
}

static const char PAGER[] =
    "{\"no\": 150, \"name\": \"pager\", \"type\": \"text\", \"en\": \"Pager\", \"zh\": \"寻呼\"}";
static const char POINTS[] =
    "{\"no\": 151, \"name\": \"points\", \"type\": \"int\", \"en\": \"Points\", \"zh\": \"积分\","
    " \"required\": true, \"default\": 0, \"merge\": \"sum\"}";
static const char VISIT[] =
    "{\"no\": 9000, \"name\": \"site_visit\", \"en\": \"Visit\", \"zh\": \"拜访\","
    " \"scope\": {\"rule\": \"follows\", \"fields\": [\"company_id\"]}, \"title\": [\"subject\"], "
    "\"fields\": ["
    "{\"no\": 8, \"name\": \"company_id\", \"type\": \"ref\", \"target\": \"company\", \"en\": "
    "\"Company\","
    " \"zh\": \"客户\", \"required\": true},"
    "{\"no\": 9, \"name\": \"subject\", \"type\": \"text\", \"en\": \"Subject\", \"zh\": "
    "\"主题\"}]}";

FB_TEST(a_connected_laptop_gets_a_newer_catalogue_ahead_of_the_rows_that_need_it)
{
    replica_connects(t, "ana");
    server_takes(newer_catalogue(PAGER, VISIT));
    server_settles(t);
    server_runs(t, "UPDATE company SET pager = '4711'");
    server_runs(t, "INSERT INTO site_visit (company_id, subject) SELECT id, 'First' FROM company");
    world_runs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT max(version) FROM fb_catalogue", NULL), "2");
    expect_everywhere(t, "company/acme", "pager", "4711");
    assert_string_equal(replica_asks(t, "ana", "SELECT subject FROM site_visit", NULL), "First");
    expect_equal_digests(t);
}

/* rule.last_error is of the device. */
FB_TEST(a_field_that_stays_on_its_device_is_neither_sent_nor_overwritten)
{
    server_runs(t,
                "INSERT INTO rule (name, entity, event, actions) VALUES ('r', 'company', 'change', "
                "'[]')");
    everybody_syncs(t);
    server_runs(t, "UPDATE rule SET last_error = 'at headquarters', name = 'other'");
    replica_runs(t, "ana", "UPDATE rule SET last_error = 'here'");
    everybody_syncs(t);
    assert_string_equal(replica_asks(t, "ana", "SELECT name FROM rule", NULL), "other");
    assert_string_equal(replica_asks(t, "ana", "SELECT last_error FROM rule", NULL), "here");
    assert_string_equal(server_asks(t, "SELECT last_error FROM rule", NULL), "at headquarters");
    expect_equal_digests(t);
}

FB_TEST(work_of_a_laptop_that_did_not_know_a_field_leaves_it_as_it_is)
{
    replica_edits(t, "ana", "company/acme", "website", "ana.example");
    server_takes(newer_catalogue(PAGER, NULL));
    server_settles(t);
    server_runs(t, "UPDATE company SET pager = '4711'");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "pager", "4711");
    expect_everywhere(t, "company/acme", "website", "ana.example");
    expect_conflicts(t, "company/acme", 0);
}

FB_TEST(digests_follow_a_column_that_comes_with_a_default)
{
    server_takes(newer_catalogue(POINTS, NULL));
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "points", "0");
    expect_verified(t);
    replica_edits(t, "ana", "company/acme", "points", "3");
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "points", "3");
    expect_verified(t);
}

#ifdef FB_PLANTED
/* While the version is another; then the older program is updated. */
static void hands_in_and_receives_nothing(unsigned *version, const char *said)
{
    const struct fb_replica_status *status =
        fb_replica_round_status(world_replica(t, "ana")->round);
    static const char *const SITES[] = {"first.example", "later.example"};
    *version = 2;
    server_edits(t, "company/acme", "short_name", "4711");
    for (size_t i = 0; i < 2; i++) {
        replica_edits(t, "ana", "company/acme", "website", SITES[i]);
        replica_connects(t, "ana");
        expect_server(t, "company/acme", "website", SITES[i]);
        assert_string_equal(
            replica_asks(t, "ana", "SELECT count(*) FROM fb_push WHERE acked_at_ms IS NULL", NULL),
            "0");
        assert_int_equal(status->verdict, FB_VERDICT_TOO_OLD);
        assert_non_null(strstr(status->sentence, said));
        assert_string_not_equal(replica_value(t, "ana", "company/acme", "short_name"), "4711");
        replica_disconnects(t, "ana");
    }
    *version = 1;
    everybody_syncs(t);
    expect_everywhere(t, "company/acme", "short_name", "4711");
    expect_everywhere(t, "company/acme", "website", "later.example");
    expect_equal_digests(t);
}
#endif

FB_TEST(a_program_too_old_to_pull_hands_in_what_it_holds)
{
#ifdef FB_PLANTED
    hands_in_and_receives_nothing(&fb_limit_protocol_pulls_min, "update the program");
#else
    skip();
#endif
}

FB_TEST(a_program_newer_than_headquarters_hands_in_what_it_holds)
{
#ifdef FB_PLANTED
    hands_in_and_receives_nothing(&fb_limit_protocol_of_laptop, "until headquarters is updated");
#else
    skip();
#endif
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

FB_MAIN(CASE(a_connected_laptop_gets_a_newer_catalogue_ahead_of_the_rows_that_need_it),
        CASE(a_field_that_stays_on_its_device_is_neither_sent_nor_overwritten),
        CASE(work_of_a_laptop_that_did_not_know_a_field_leaves_it_as_it_is),
        CASE(digests_follow_a_column_that_comes_with_a_default),
        CASE(a_program_too_old_to_pull_hands_in_what_it_holds),
        CASE(a_program_newer_than_headquarters_hands_in_what_it_holds))
