/* SPDX-License-Identifier: MIT
 *
 * Reading by the record API: lists, pages, records with their parts, marks.
 */
#include <stdio.h>
#include <string.h>

#include "common/store/sql.h"
#include "tests/lib/api_world.h"

static struct fb_world *t;
static struct api_call hq;
static struct api_call ana;

static int open_world(void **state)
{
    (void)state;
    t = world_open(FB_SOURCE_DIR, "ana", "bo", NULL);
    hq = api_at_headquarters(t, "ana");
    ana = api_on_laptop(t, "ana");
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    api_done(&hq);
    api_done(&ana);
    world_close(t);
    return 0;
}

/* Contacts of acme, 1 to count, by one statement; every seventh without a given name. */
static void make_contacts(int count)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO contact (family_name, given_name, company_id, owner_id, created_at,"
             " modified_at, birthday) SELECT substr('王李张刘陈', i %% 5 + 1, 1),"
             " CASE WHEN i %% 7 > 0 THEN printf('%%05d', i) END, '%s', '%s',"
             " printf('2026-01-%%02dT08:00:00.%%03dZ', i %% 28 + 1, i / 28 %% 1000),"
             " printf('2026-01-%%02dT08:00:00.%%03dZ', i %% 28 + 1, i / 28 %% 1000),"
             " printf('19%%02d-%%02d-11', i %% 60 + 40, i %% 12 + 1) FROM n",
             count, world_id("company/acme"), world_id("employee/ana"));
    server_runs(t, sql);
    server_settles(t);
}

FB_TEST(a_record_is_read_with_its_parts_and_what_it_points_to)
{
    char path[128];
    server_has_an_order(t);
    server_settles(t);
    snprintf(path, sizeof path, "/api/v1/sales_order/%s", world_id("sales_order/one"));
    api_get(&hq, path);
    expect_answer(&hq, 200, "row.ordered_on", "2026-01-01");
    expect_answer(&hq, 200, "row.id", world_id("sales_order/one"));
    expect_answer(&hq, 200, "parts.order_line.0.unit_price", "1.00");
    expect_answer(&hq, 200, "parts.order_line.0.qty", "1.000");
    expect_answer(&hq, 200, "parts.order_line.0.tax_rate", "13.00");
    assert_int_equal(api_count(&hq, "parts.order_event"), 0);
    snprintf(path, sizeof path, "references.company.%s", world_id("company/acme"));
    expect_answer(&hq, 200, path, "Acme");
    snprintf(path, sizeof path, "references.employee.%s", world_id("employee/ana"));
    expect_answer(&hq, 200, path, "ana");
    assert_string_equal(hq.etag, api_at(&hq, "rev"));
    assert_true(strtol(hq.etag, NULL, 10) > 0);
}

FB_TEST(a_record_that_is_not_there_and_a_path_that_is_none_answer_alike)
{
    static const char *const PATHS[] = {
        "/api/v1/company/01890000-0000-7000-8000-0000000000ff",
        "/api/v1/company/nonsense",
        "/api/v1/company/01890000-0000-7000-8000-0000000000FF",
        "/api/v1/no_such_entity/01890000-0000-7000-8000-0000000000ff",
        "/api/v1/no_such_entity",
        "/api/v1/fb_user",
        "/api/v1/sqlite_schema",
    };
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        api_get(&hq, PATHS[i]);
        expect_answer(&hq, 404, "code", "not_found");
    }
}

FB_TEST(each_type_has_its_form_in_json)
{
    server_runs(t, "UPDATE company SET annual_revenue = -5, employees = 12, do_not_call = 1,"
                   " description = 'a \"b\"' || char(10) || '中', revenue_year = NULL");
    server_settles(t);
    api_get(&hq, "/api/v1/company");
    expect_answer(&hq, 200, "rows.0.annual_revenue", "-0.05");
    expect_answer(&hq, 200, "rows.0.employees", "12");
    expect_answer(&hq, 200, "rows.0.do_not_call", "true");
    expect_answer(&hq, 200, "rows.0.do_not_mail", "false");
    expect_answer(&hq, 200, "rows.0.description", "a \"b\"\n中");
    expect_answer(&hq, 200, "rows.0.revenue_year", "null");
    expect_answer(&hq, 200, "rows.0._title", "Acme");
    expect_answer(&hq, 200, "total", "1");
    expect_answer(&hq, 200, "next", "null");
}

FB_TEST(bytes_that_are_no_text_leave_the_answer_whole)
{
    server_runs(t, "UPDATE company SET website = CAST(x'ff41c3' AS TEXT)");
    api_get(&hq, "/api/v1/company");
    expect_answer(&hq, 200, "rows.0.website",
                  "\xEF\xBF\xBD"
                  "A\xEF\xBF\xBD");
}

static int walk(const char *query)
{
    char target[4096];
    char next[2048] = "";
    int rows = 0;
    do {
        snprintf(target, sizeof target, "/api/v1/contact?%s&limit=37%s%s", query,
                 next[0] == '\0' ? "" : "&cursor=", next);
        api_get(&hq, target);
        expect_status(&hq, 200);
        rows += api_count(&hq, "rows");
        const char *more = api_at(&hq, "next");
        snprintf(next, sizeof next, "%s", more == NULL || strcmp(more, "null") == 0 ? "" : more);
    } while (next[0] != '\0' && rows < 5000);
    return rows;
}

FB_TEST(pages_lead_through_the_whole_list)
{
    make_contacts(500);
    assert_int_equal(walk("sort=family_name"), 500);
    assert_int_equal(walk("sort=-family_name"), 500);
    assert_int_equal(walk("sort=-modified_at"), 500);
    assert_int_equal(walk("sort=given_name,-birthday"), 500);
    assert_int_equal(walk("fields=family_name"), 500);
    assert_int_equal(walk("filter=[[\"family_name\",\"=\",\"王\"]]"), 100);
}

FB_TEST(a_count_is_exact_where_it_is_cheap)
{
    make_contacts(1500);
    api_get(&hq, "/api/v1/contact?limit=10");
    expect_answer(&hq, 200, "total", "null");
    expect_answer(&hq, 200, "total_at_least", "1000");
    api_get(&hq, "/api/v1/contact?limit=10&filter=[[\"family_name\",\"=\",\"王\"]]");
    expect_answer(&hq, 200, "total", "300");
    api_get(&hq, "/api/v1/contact?limit=10&filter=[[\"family_name\",\"=\",\"欧阳\"]]");
    expect_answer(&hq, 200, "total", "0");
}

FB_TEST(filters_find_what_they_say)
{
    static const struct {
        const char *filter;
        const char *total;
    } CASES[] = {
        {"[]", "100"},
        {"[[\"given_name\",\"empty\"]]", "14"},
        {"[[\"given_name\",\"filled\"]]", "86"},
        {"[[\"given_name\",\"~\",\"0009\"]]", "9"},
        {"[[\"given_name\",\"^\",\"0009\"]]", "8"},
        {"[[\"given_name\",\">=\",\"00099\"]]", "2"},
        {"[[\"family_name\",\"in\",[\"王\",\"李\"]]]", "40"},
        {"[[\"family_name\",\"not_in\",[\"王\",\"李\"]]]", "60"},
        {"[[\"family_name\",\"!=\",\"王\"]]", "80"},
        {"[{\"any\":[[\"family_name\",\"=\",\"王\"],[\"given_name\",\"=\",\"00001\"]]}]", "21"},
        {"[[\"owner_id\",\"me\"]]", "100"},
        {"[[\"company_id\",\"=\",null]]", "0"},
        {"[[\"do_not_call\",\"=\",false]]", "100"},
        {"[[\"modified_at\",\"within\",\"overdue\"]]", "0"},
        {"[[\"birthday\",\"within\",\"past\"]]", "100"},
        {"[[\"birthday\",\"within\",\"this_week\"]]", "0"},
    };
    make_contacts(100);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[1024];
        snprintf(target, sizeof target, "/api/v1/contact?limit=1&filter=%s", CASES[i].filter);
        api_get(&hq, target);
        expect_answer(&hq, 200, "total", CASES[i].total);
    }
}

FB_TEST(what_makes_no_sense_is_refused_with_a_sentence)
{
    static const char *const TARGETS[] = {
        "/api/v1/contact?filter=[",
        "/api/v1/contact?filter={}",
        "/api/v1/contact?filter=[[\"nothing\",\"=\",1]]",
        "/api/v1/contact?filter=[[\"birthday\",\"=\",\"yesterday\"]]",
        "/api/v1/contact?filter=[[\"birthday\",\"within\",\"a while\"]]",
        "/api/v1/contact?filter=[[\"given_name\",\"glob\",\"x\"]]",
        "/api/v1/contact?filter=[[\"given_name\",\"in\",\"x\"]]",
        "/api/v1/contact?filter=[[[[[[[[[\"given_name\",\"empty\"]]]]]]]]]",
        "/api/v1/contact?sort=nothing",
        "/api/v1/contact?sort=family_name;DROP TABLE contact",
        "/api/v1/contact?fields=nothing",
        "/api/v1/contact?limit=0",
        "/api/v1/contact?limit=201",
        "/api/v1/contact?limit=many",
        "/api/v1/contact?cursor=nonsense",
    };
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        api_get(&hq, TARGETS[i]);
        expect_answer(&hq, 400, "code", "bad_request");
        assert_non_null(api_at(&hq, "detail"));
    }
}

FB_TEST(a_cursor_belongs_to_its_order)
{
    make_contacts(100);
    api_get(&hq, "/api/v1/contact?sort=family_name&limit=10");
    char target[2048];
    snprintf(target, sizeof target, "/api/v1/contact?sort=-family_name&limit=10&cursor=%s",
             api_at(&hq, "next"));
    api_get(&hq, target);
    expect_answer(&hq, 400, "code", "bad_request");
}

FB_TEST(a_list_gives_the_fields_asked_for)
{
    make_contacts(3);
    api_get(&hq, "/api/v1/contact?fields=company_id,_title&limit=1");
    expect_answer(&hq, 200, "rows.0.company_id", world_id("company/acme"));
    expect_answer(&hq, 200, "rows.0.birthday", NULL);
    assert_non_null(api_at(&hq, "rows.0._title"));
    char place[128];
    snprintf(place, sizeof place, "references.company.%s", world_id("company/acme"));
    expect_answer(&hq, 200, place, "Acme");
}

FB_TEST(what_is_hidden_is_absent_and_cannot_be_asked_about)
{
    api_get(&hq, "/api/v1/employee");
    expect_answer(&hq, 200, "rows.1._title", "bo");
    expect_answer(&hq, 200, "rows.1.cost_per_hour", NULL);
    api_get(&hq, "/api/v1/employee?sort=cost_per_hour");
    expect_answer(&hq, 400, "code", "bad_request");
    api_get(&hq, "/api/v1/employee?filter=[[\"cost_per_hour\",\">\",\"1.00\"]]");
    expect_answer(&hq, 400, "code", "bad_request");
}

FB_TEST(unsent_edits_are_marked_until_headquarters_has_them)
{
    char path[128];
    everybody_syncs(t);
    snprintf(path, sizeof path, "/api/v1/company/%s", world_id("company/acme"));
    api_get(&ana, "/api/v1/company");
    expect_answer(&ana, 200, "rows.0._mark", NULL);
    replica_edits(t, "ana", "company/acme", "website", "acme.example");
    api_get(&ana, "/api/v1/company");
    expect_answer(&ana, 200, "rows.0._mark", "unsent");
    api_get(&ana, path);
    expect_answer(&ana, 200, "marks.website.mark", "unsent");
    expect_answer(&ana, 200, "marks.name", NULL);
    replica_syncs(t, "ana");
    api_get(&ana, path);
    assert_int_equal(api_count(&ana, "marks"), 0);
}

FB_TEST(a_disputed_field_shows_what_its_author_wrote)
{
    char path[128];
    replica_edits(t, "ana", "company/acme", "name", "Acme of Ana");
    server_edits(t, "company/acme", "name", "Acme of headquarters");
    everybody_syncs(t);
    snprintf(path, sizeof path, "/api/v1/company/%s", world_id("company/acme"));
    api_get(&ana, path);
    expect_answer(&ana, 200, "row.name", "Acme of headquarters");
    expect_answer(&ana, 200, "marks.name.mark", "disputed");
    expect_answer(&ana, 200, "marks.name.mine", "Acme of Ana");
    expect_answer(&ana, 200, "marks.name.who", "ana");
    api_get(&hq, "/api/v1/company");
    expect_answer(&hq, 200, "rows.0._mark", "disputed");
}

FB_TEST(what_one_person_keeps_to_himself_others_do_not_see)
{
    server_makes(t, "personal_contact/uncle", "owner_id", "@employee/bo", "family_name", "Uncle",
                 NULL);
    server_settles(t);
    api_get(&hq, "/api/v1/personal_contact");
    expect_answer(&hq, 200, "total", "0");
    char path[128];
    snprintf(path, sizeof path, "/api/v1/personal_contact/%s", world_id("personal_contact/uncle"));
    api_get(&hq, path);
    expect_answer(&hq, 404, "code", "not_found");
    memcpy(hq.login.employee_id, world_id("employee/bo"), FB_ROW_ID_SIZE);
    api_get(&hq, path);
    expect_status(&hq, 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_record_is_read_with_its_parts_and_what_it_points_to),
        CASE(a_record_that_is_not_there_and_a_path_that_is_none_answer_alike),
        CASE(each_type_has_its_form_in_json),
        CASE(bytes_that_are_no_text_leave_the_answer_whole),
        CASE(pages_lead_through_the_whole_list),
        CASE(a_count_is_exact_where_it_is_cheap),
        CASE(filters_find_what_they_say),
        CASE(what_makes_no_sense_is_refused_with_a_sentence),
        CASE(a_cursor_belongs_to_its_order),
        CASE(a_list_gives_the_fields_asked_for),
        CASE(what_is_hidden_is_absent_and_cannot_be_asked_about),
        CASE(unsent_edits_are_marked_until_headquarters_has_them),
        CASE(a_disputed_field_shows_what_its_author_wrote),
        CASE(what_one_person_keeps_to_himself_others_do_not_see),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
