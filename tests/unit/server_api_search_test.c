/* SPDX-License-Identifier: MIT
 *
 * Search and lookups by the record API: what is found by name, pinyin, initials and number, and that nobody finds what he may not
 * see, be it a record, a note on it or a hidden field.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/search/search.h"
#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call ana, bo; /* at headquarters */
static struct fb_search *file;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    api_permits(t, "ana", "all");
    api_permits(t, "bo", "own");
    ana = api_at_headquarters(t, "ana");
    bo = api_at_headquarters(t, "bo");
    unlink(fb_test_path("search.db"));
    assert_int_equal(fb_search_open(fb_test_path("search.db"), &file, NULL), FB_OK);
    ana.search = bo.search = file;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_done(&ana);
    api_done(&bo);
    fb_search_drop(&file);
    world_close(t);
    return 0;
}

/* As the daemon's thread does. */
static void feed(void)
{
    server_settles(t);
    for (bool more = true; more;) {
        assert_int_equal(fb_search_feed(file, t->store, 200, &more, NULL), FB_OK);
    }
}

static void has_east(void)
{
    server_makes(t, "company/east", "name", "苏州东华精密机械有限公司", "owner_id", "@employee/ana",
                 NULL);
    server_makes(t, "contact/zhang", "family_name", "张", "given_name", "伟", "company_id",
                 "@company/east", "owner_id", "@employee/ana", NULL);
    server_makes(t, "comm_point/zhang", "owner_entity", "contact", "owner_id", "@contact/zhang",
                 "kind", "mobile", "value", "138 1234 5678", NULL);
    feed();
}

FB_TEST(a_record_is_found_by_words_inside_pinyin_initials_and_digits)
{
    static const char *const TEXTS[] = {"精密", "donghua", "dhjm", "ＤＨＪＭ"};
    has_east();
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/search?q=%s", TEXTS[i]);
        api_get(&ana, target);
        expect_answer(&ana, 200, "0.title", "苏州东华精密机械有限公司");
        expect_answer(&ana, 200, "0.entity", "company");
        expect_answer(&ana, 200, "0.id", world_id("company/east"));
        expect_answer(&ana, 200, "0.is_reference", "false");
    }
    api_get(&ana, "/api/v1/search?q=2345678");
    expect_answer(&ana, 200, "0.title", "张伟");
    api_get(&ana, "/api/v1/search?q=zw");
    expect_answer(&ana, 200, "0.id", world_id("contact/zhang"));
    api_get(&ana, "/api/v1/search?q=zw&entity=company");
    assert_int_equal(api_count(&ana, ""), 0);
    api_get(&ana, "/api/v1/search?q=");
    assert_int_equal(api_count(&ana, ""), 0);
    expect_status(&ana, 200);
}

FB_TEST(a_lookup_takes_pinyin_initials_and_numbers)
{
    has_east();
    api_get(&ana, "/api/v1/lookup/company?q=dhjm");
    expect_answer(&ana, 200, "0.title", "苏州东华精密机械有限公司");
    api_get(&ana, "/api/v1/lookup/contact?q=张伟");
    expect_answer(&ana, 200, "0.id", world_id("contact/zhang"));
    assert_int_equal(api_count(&ana, ""), 1);
    api_get(&ana, "/api/v1/lookup/contact?q=12345678");
    expect_answer(&ana, 200, "0.id", world_id("contact/zhang"));
    ana.search = NULL;
    api_get(&ana, "/api/v1/lookup/company?q=东华");
    expect_answer(&ana, 200, "0.title", "苏州东华精密机械有限公司");
}

FB_TEST(what_was_written_is_found_and_what_was_deleted_is_not)
{
    has_east();
    server_edits(t, "company/east", "name", "北京西山");
    feed();
    api_get(&ana, "/api/v1/search?q=dhjm");
    assert_int_equal(api_count(&ana, ""), 0);
    api_get(&ana, "/api/v1/search?q=西山");
    expect_answer(&ana, 200, "0.title", "北京西山");
    server_deletes(t, "contact/zhang");
    feed();
    api_get(&ana, "/api/v1/search?q=13812345678");
    assert_int_equal(api_count(&ana, ""), 0);
}

FB_TEST(nobody_finds_records_of_others)
{
    has_east();
    server_makes(t, "company/bo", "name", "东华的朋友", "owner_id", "@employee/bo", NULL);
    feed();
    api_get(&ana, "/api/v1/search?q=东华");
    assert_int_equal(api_count(&ana, ""), 2);
    api_get(&bo, "/api/v1/search?q=东华");
    assert_int_equal(api_count(&bo, ""), 1);
    expect_answer(&bo, 200, "0.title", "东华的朋友");
    api_get(&bo, "/api/v1/search?q=13812345678");
    assert_int_equal(api_count(&bo, ""), 0);
    api_get(&bo, "/api/v1/lookup/company?q=dhjm");
    assert_int_equal(api_count(&bo, ""), 0);
    api_forbids(t, "bo");
    api_get(&bo, "/api/v1/search?q=东华");
    assert_int_equal(api_count(&bo, ""), 0);
    api_get(&bo, "/api/v1/search?q=东华&entity=company");
    expect_answer(&bo, 404, "code", "not_found");
}

static void hides(const char *field)
{
    server_makes(t, "role_field/one", "role_id", "@role/of-ana", "entity", "company", "field",
                 field, "access", "hidden", NULL);
    server_settles(t);
}

FB_TEST(a_hidden_field_is_not_found_by)
{
    server_makes(t, "company/one", "name", "First", "owner_id", "@employee/ana", "website",
                 "https://quarry.example", NULL);
    feed();
    api_get(&ana, "/api/v1/search?q=quarry");
    expect_answer(&ana, 200, "0.title", "First");
    hides("website");
    api_get(&ana, "/api/v1/search?q=quarry");
    assert_int_equal(api_count(&ana, ""), 0);
    api_get(&ana, "/api/v1/search?q=first");
    expect_answer(&ana, 200, "0.title", "First");
}

FB_TEST(what_hangs_on_a_record_is_judged_itself)
{
    server_makes(t, "company/one", "name", "First", "owner_id", "@employee/ana", NULL);
    server_makes(t, "note/one", "entity", "company", "record_id", "@company/one", "body",
                 "basalt and slate", "by_id", "@employee/ana", NULL);
    feed();
    api_get(&ana, "/api/v1/search?q=basalt");
    expect_answer(&ana, 200, "0.title", "First");
    expect_answer(&ana, 200, "0.entity", "company");
    server_makes(t, "role_permission/note", "role_id", "@role/of-ana", "entity", "note", "action",
                 "read", "level", "none", NULL);
    server_settles(t);
    api_get(&ana, "/api/v1/search?q=basalt");
    assert_int_equal(api_count(&ana, ""), 0);
}

FB_TEST(five_of_each_entity_and_a_question_of_bounded_size)
{
    char name[32];
    char record[32];
    char target[FB_SEARCH_ASK_BYTES_MAX + 64];
    for (int i = 0; i < 7; i++) {
        snprintf(record, sizeof record, "company/n%d", i);
        snprintf(name, sizeof name, "Granite %d", i);
        server_makes(t, record, "name", name, "owner_id", "@employee/ana", NULL);
    }
    server_makes(t, "contact/g", "family_name", "Granite", "company_id", "@company/n1", "owner_id",
                 "@employee/ana", NULL);
    feed();
    api_get(&ana, "/api/v1/search?q=granite");
    assert_int_equal(api_count(&ana, ""), 6);
    api_get(&ana, "/api/v1/search?q=granite&entity=company");
    assert_int_equal(api_count(&ana, ""), 7);
    api_get(&ana, "/api/v1/search?q=granite&limit=2");
    assert_int_equal(api_count(&ana, ""), 2);
    snprintf(target, sizeof target, "/api/v1/search?q=%0*d", FB_SEARCH_ASK_BYTES_MAX + 1, 1);
    api_get(&ana, target);
    expect_answer(&ana, 400, "code", "bad_request");
    ana.search = NULL;
    api_get(&ana, "/api/v1/search?q=granite");
    expect_answer(&ana, 503, "code", "busy");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_record_is_found_by_words_inside_pinyin_initials_and_digits),
        CASE(a_lookup_takes_pinyin_initials_and_numbers),
        CASE(what_was_written_is_found_and_what_was_deleted_is_not),
        CASE(nobody_finds_records_of_others),
        CASE(a_hidden_field_is_not_found_by),
        CASE(what_hangs_on_a_record_is_judged_itself),
        CASE(five_of_each_entity_and_a_question_of_bounded_size),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
