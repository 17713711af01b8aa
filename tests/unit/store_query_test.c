/* SPDX-License-Identifier: MIT
 *
 * Questions about rows: what they answer, page after page, and what they cost.
 */
#include "common/base/limits.h"
#include "common/store/query.h"
#include "tests/unit/store_testing.h"

static struct fb_store *t;

static int open_one(void **state)
{
    (void)state;
    t = new_store(FB_NODE_SERVER);
    return 0;
}

static int close_one(void **state)
{
    (void)state;
    fb_store_close(t);
    return 0;
}

/* Contacts numbered 1 to count: phones of three digits, every tenth without one; names in turn. */
static void make_contacts(int count)
{
    char text[512];
    assert_int_equal(fb_store_begin(t), FB_OK);
    fb_store_capture(t, false);
    snprintf(text, sizeof text,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO contact (id, name, phone, modified_at) SELECT"
             " printf('018f0000-0000-7000-8000-%%012x', i),"
             " CASE i %% 3 WHEN 0 THEN 'Ana' WHEN 1 THEN 'bo' ELSE '张伟' END || i,"
             " CASE WHEN i %% 10 > 0 THEN printf('%%03d', i %% 500) END,"
             " printf('2026-01-%%02dT00:00:00.000Z', i %% 28 + 1) FROM n",
             count);
    run(t, text);
    assert_int_equal(fb_store_commit(t), FB_OK);
}

struct listing {
    struct fb_buf text; /* "id-number " each */
    struct fb_query_position last;
    char keys[FB_QUERY_SORTS_MAX][64];
    size_t sort_count;
    int rows;
};

static int list_row(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct listing *l = ctx;
    long number = strtol(row->id + 24, NULL, 16);
    fb_buf_printf(&l->text, "%ld ", number);
    l->rows++;
    l->last = *position;
    for (size_t i = 0; i < l->sort_count; i++) {
        struct fb_value *k = &l->last.keys[i];
        if (k->type == FB_TEXT) {
            snprintf(l->keys[i], sizeof l->keys[i], "%.*s", (int)k->size, k->bytes);
            k->bytes = l->keys[i];
        }
    }
    return FB_OK;
}

static uint32_t column(const char *name)
{
    uint32_t at = 0;
    assert_true(fb_query_column(entity(t, "contact"), name, &at));
    return at;
}

static struct fb_query contacts(const struct fb_query_node *where)
{
    return (struct fb_query){.entity = entity(t, "contact"), .where = where, .limit = 50};
}

/* The numbers of the rows that match, in the order of the file. */
static const char *matching(const struct fb_query_node *where)
{
    static char answer[512];
    struct listing l = {.rows = 0};
    fb_buf_init(&l.text, 65536);
    struct fb_query q = contacts(where);
    expect_ok(t, fb_query_run(t, &q, list_row, &l, NULL));
    snprintf(answer, sizeof answer, "%s", fb_buf_text(&l.text));
    fb_buf_release(&l.text);
    return answer;
}

static struct fb_query_node node(enum fb_query_op op, const char *name, const struct fb_value *v)
{
    return (struct fb_query_node){
        .op = op, .column = column(name), .values = v, .value_count = v == NULL ? 0 : 1};
}

FB_TEST(each_operator_finds_its_rows)
{
    make_contacts(12);
    struct fb_value three = fb_value_text("003");
    struct fb_value null = FB_VALUE_NULL;
    static const struct {
        enum fb_query_op op;
        const char *found;
    } CASES[] = {
        {FB_QUERY_EQUAL, "3 "},
        {FB_QUERY_UNEQUAL, "1 2 4 5 6 7 8 9 10 11 12 "},
        {FB_QUERY_LESS, "1 2 "},
        {FB_QUERY_LESS_EQUAL, "1 2 3 "},
        {FB_QUERY_GREATER, "4 5 6 7 8 9 11 12 "},
        {FB_QUERY_GREATER_EQUAL, "3 4 5 6 7 8 9 11 12 "},
        {FB_QUERY_IN, "3 "},
        {FB_QUERY_NOT_IN, "1 2 4 5 6 7 8 9 10 11 12 "},
        {FB_QUERY_CONTAINS, "3 "},
        {FB_QUERY_BEGINS, "3 "},
        {FB_QUERY_EMPTY, "10 "},
        {FB_QUERY_FILLED, "1 2 3 4 5 6 7 8 9 11 12 "},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fb_query_node n = node(CASES[i].op, "phone", &three);
        assert_string_equal(matching(&n), CASES[i].found);
    }
    struct fb_query_node n = node(FB_QUERY_EQUAL, "phone", &null);
    assert_string_equal(matching(&n), "10 ");
}

FB_TEST(conditions_nest)
{
    make_contacts(9);
    struct fb_value three = fb_value_text("003");
    struct fb_value five = fb_value_text("005");
    struct fb_value ana = fb_value_text("Ana");
    struct fb_query_node is_three = node(FB_QUERY_EQUAL, "phone", &three);
    struct fb_query_node is_five = node(FB_QUERY_EQUAL, "phone", &five);
    struct fb_query_node is_ana = node(FB_QUERY_BEGINS, "name", &ana);
    const struct fb_query_node *either[] = {&is_three, &is_five};
    struct fb_query_node any = {.op = FB_QUERY_ANY, .children = either, .child_count = 2};
    assert_string_equal(matching(&any), "3 5 ");
    const struct fb_query_node *both[] = {&any, &is_ana};
    struct fb_query_node all = {.op = FB_QUERY_ALL, .children = both, .child_count = 2};
    assert_string_equal(matching(&all), "3 ");
    struct fb_query_node none = {.op = FB_QUERY_ANY};
    assert_string_equal(matching(&none), "");
    assert_string_equal(matching(&(struct fb_query_node){.op = FB_QUERY_ALL}),
                        "1 2 3 4 5 6 7 8 9 ");
}

FB_TEST(rows_are_found_by_rows_of_another_entity)
{
    make_contacts(4);
    run_all(t, "INSERT INTO company (id, name, city) VALUES ('" ID_A "', 'Acme', '苏州');"
               "UPDATE contact SET company_id = '" ID_A "' WHERE phone IN ('002', '003')");
    struct fb_value city = fb_value_text("苏州");
    const struct fb_entity *company = entity(t, "company");
    struct fb_query_node in_city = {.op = FB_QUERY_EQUAL, .values = &city, .value_count = 1};
    assert_true(fb_query_column(company, "city", &in_city.column));
    const struct fb_query_node *children[] = {&in_city};
    struct fb_query_node n = {.op = FB_QUERY_EXISTS,
                              .column = column("company_id"),
                              .other = company,
                              .through = FB_QUERY_ID(company),
                              .children = children,
                              .child_count = 1};
    assert_string_equal(matching(&n), "2 3 ");
}

FB_TEST(letters_may_be_small_or_capital_and_wildcards_are_letters)
{
    make_contacts(3);
    run(t, "UPDATE contact SET name = '100%_sure' WHERE phone = '002'");
    static const struct {
        enum fb_query_op op;
        const char *text, *found;
    } CASES[] = {
        {FB_QUERY_BEGINS, "ana", "3 "}, {FB_QUERY_BEGINS, "ANA", "3 "},
        {FB_QUERY_BEGINS, "BO", "1 "},  {FB_QUERY_CONTAINS, "NA", "3 "},
        {FB_QUERY_CONTAINS, "%", "2 "}, {FB_QUERY_CONTAINS, "0%_s", "2 "},
        {FB_QUERY_CONTAINS, "_", "2 "}, {FB_QUERY_CONTAINS, "' OR 1 --", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fb_value text = fb_value_text(CASES[i].text);
        struct fb_query_node n = node(CASES[i].op, "name", &text);
        assert_string_equal(matching(&n), CASES[i].found);
    }
}

/* All rows by pages of 7, as one text. */
static void expect_pages_equal_whole(struct fb_query q)
{
    struct listing whole = {.sort_count = q.sort_count};
    struct listing paged = {.sort_count = q.sort_count};
    fb_buf_init(&whole.text, 65536);
    fb_buf_init(&paged.text, 65536);
    q.limit = 1000;
    expect_ok(t, fb_query_run(t, &q, list_row, &whole, NULL));
    q.limit = 7;
    struct fb_query_cost cost = {.rows = 7};
    struct fb_query_position after;
    while (cost.rows == 7) {
        expect_ok(t, fb_query_run(t, &q, list_row, &paged, &cost));
        after = paged.last;
        q.after = &after;
    }
    assert_int_equal(whole.rows, 100);
    assert_string_equal(fb_buf_text(&paged.text), fb_buf_text(&whole.text));
    fb_buf_release(&whole.text);
    fb_buf_release(&paged.text);
}

FB_TEST(pages_lead_through_all_rows_whatever_the_order_and_whatever_is_empty)
{
    make_contacts(100);
    static const struct {
        const char *names[2];
        bool are_descending[2];
    } CASES[] = {
        {{NULL}, {false}},
        {{"phone"}, {false}},
        {{"phone"}, {true}},
        {{"name"}, {false}},
        {{"modified_at"}, {true}},
        {{"modified_at", "phone"}, {true, false}},
        {{"modified_at", "phone"}, {false, true}},
        {{"company_id", "phone"}, {true, true}},
        {{"company_id", "phone"}, {false, false}},
        {{"id"}, {false}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fb_query q = contacts(NULL);
        for (size_t k = 0; k < 2 && CASES[i].names[k] != NULL; k++) {
            q.sorts[q.sort_count++] = (struct fb_query_sort){
                .column = column(CASES[i].names[k]), .is_descending = CASES[i].are_descending[k]};
        }
        expect_pages_equal_whole(q);
    }
}

FB_TEST(a_page_goes_on_where_it_was_though_its_last_row_is_gone)
{
    make_contacts(20);
    struct listing l = {.sort_count = 1};
    fb_buf_init(&l.text, 65536);
    struct fb_query q = contacts(NULL);
    q.sorts[0].column = column("phone");
    q.sort_count = 1;
    q.limit = 5;
    expect_ok(t, fb_query_run(t, &q, list_row, &l, NULL));
    run(t, "DELETE FROM contact WHERE phone = '003'");
    fb_buf_clear(&l.text);
    struct fb_query_position after = l.last;
    q.after = &after;
    q.limit = 2;
    expect_ok(t, fb_query_run(t, &q, list_row, &l, NULL));
    assert_string_equal(fb_buf_text(&l.text), "4 5 ");
    fb_buf_release(&l.text);
}

FB_TEST(only_the_columns_asked_for_are_read)
{
    make_contacts(1);
    uint64_t mask[FB_ROW_MASK_WORDS] = {UINT64_C(1) << column("phone")};
    struct listing l = {.rows = 0};
    fb_buf_init(&l.text, 65536);
    struct fb_query q = contacts(NULL);
    q.columns = mask;
    expect_ok(t, fb_query_run(t, &q, list_row, &l, NULL));
    assert_int_equal(l.rows, 1);
    fb_buf_release(&l.text);
}

static struct fb_query_cost cost_of(const struct fb_query *q)
{
    struct listing l = {.sort_count = q->sort_count};
    struct fb_query_cost cost;
    fb_buf_init(&l.text, 65536);
    expect_ok(t, fb_query_run(t, q, list_row, &l, &cost));
    fb_buf_release(&l.text);
    return cost;
}

FB_TEST(a_page_by_an_index_looks_at_its_own_rows_alone_wherever_it_lies)
{
    make_contacts(50000);
    static const struct {
        const char *name;
        bool is_descending;
        const char *key;
    } CASES[] = {{"phone", false, "250"},
                 {"phone", true, "250"},
                 {"modified_at", true, "2026-01-15T00:00:00.000Z"},
                 {"modified_at", false, "2026-01-15T00:00:00.000Z"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fb_query q = contacts(NULL);
        q.sorts[0] = (struct fb_query_sort){.column = column(CASES[i].name),
                                            .is_descending = CASES[i].is_descending};
        q.sort_count = 1;
        struct fb_query_cost first = cost_of(&q);
        assert_true(first.steps < 50 * 30);
        assert_int_equal(first.sorts, 0);
        struct fb_query_position middle = {.keys = {fb_value_text(CASES[i].key)},
                                           .id = "018f0000-0000-7000-8000-0000000061a8",
                                           .place = 25000};
        q.after = &middle;
        struct fb_query_cost next = cost_of(&q);
        assert_int_equal(next.rows, 50);
        assert_true(next.steps < 50 * 30);
        assert_int_equal(next.sorts, 0);
        assert_int_equal(next.scan_steps, 0);
    }
}

FB_TEST(a_beginning_is_found_by_the_index)
{
    make_contacts(50000);
    struct fb_value text = fb_value_text("49");
    struct fb_query_node n = node(FB_QUERY_BEGINS, "phone", &text);
    struct fb_query q = contacts(&n);
    q.sorts[0].column = column("phone");
    q.sort_count = 1;
    struct fb_query_cost cost = cost_of(&q);
    assert_int_equal(cost.rows, 50);
    assert_true(cost.steps < 50 * 40);
}

FB_TEST(a_question_that_would_read_more_than_its_budget_ends)
{
    make_contacts(50000);
    struct fb_value text = fb_value_text("is not there");
    struct fb_query_node n = node(FB_QUERY_CONTAINS, "name", &text);
    struct fb_query q = contacts(&n);
    struct fb_query_cost cost = cost_of(&q); /* 50,000 rows are within the usual one */
    assert_true(cost.scan_steps >= 49999 && cost.steps < FB_QUERY_STEPS_MAX);
    q.steps_max = 100000;
    struct listing l = {.rows = 0};
    assert_int_equal(fb_query_run(t, &q, list_row, &l, &cost), FB_ERR_LIMIT);
    assert_true(cost.steps < 110000);
    int64_t count = -1;
    assert_int_equal(fb_query_count(t, &q, 1000, &count, NULL), FB_ERR_LIMIT);
    assert_int_equal(count, -1);
    q.steps_max = 0; /* the connection serves on */
    expect_ok(t, fb_query_count(t, &q, 1000, &count, NULL));
    assert_int_equal(count, 0);
}

FB_TEST(counting_ends_at_its_limit)
{
    make_contacts(50000);
    struct fb_query q = contacts(NULL);
    struct fb_query_cost cost;
    int64_t count = 0;
    expect_ok(t, fb_query_count(t, &q, 1001, &count, &cost));
    assert_int_equal(count, 1001);
    assert_true(cost.steps < 1001 * 10);
}

static int note_group(void *ctx, const struct fb_value *value, int64_t count,
                      const struct fb_value *sum)
{
    struct fb_buf *text = ctx;
    fb_buf_printf(text, "%.*s:%lld:%lld ", (int)value->size,
                  value->type == FB_TEXT ? value->bytes : "", (long long)count,
                  sum->type == FB_INT ? (long long)sum->integer : -1LL);
    return FB_OK;
}

FB_TEST(groups_count_and_add_up)
{
    run_all(t, "INSERT INTO company (name, status, visits) VALUES ('a', 'x', 1);"
               "INSERT INTO company (name, status, visits) VALUES ('b', 'x', 2);"
               "INSERT INTO company (name, visits) VALUES ('c', 4)");
    const struct fb_entity *company = entity(t, "company");
    struct fb_query q = {.entity = company, .limit = 10};
    uint32_t status = 0;
    uint32_t visits = 0;
    assert_true(fb_query_column(company, "status", &status));
    assert_true(fb_query_column(company, "visits", &visits));
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 1000);
    expect_ok(t, fb_query_group(t, &q, status, visits, note_group, &text, NULL));
    assert_string_equal(fb_buf_text(&text), "x:2:3 :1:4 ");
    fb_buf_clear(&text);
    expect_ok(t, fb_query_group(t, &q, status, FB_QUERY_NO_COLUMN, note_group, &text, NULL));
    assert_string_equal(fb_buf_text(&text), "x:2:-1 :1:-1 ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(each_operator_finds_its_rows),
        CASE(conditions_nest),
        CASE(rows_are_found_by_rows_of_another_entity),
        CASE(letters_may_be_small_or_capital_and_wildcards_are_letters),
        CASE(pages_lead_through_all_rows_whatever_the_order_and_whatever_is_empty),
        CASE(a_page_goes_on_where_it_was_though_its_last_row_is_gone),
        CASE(only_the_columns_asked_for_are_read),
        CASE(a_page_by_an_index_looks_at_its_own_rows_alone_wherever_it_lies),
        CASE(a_beginning_is_found_by_the_index),
        CASE(a_question_that_would_read_more_than_its_budget_ends),
        CASE(counting_ends_at_its_limit),
        CASE(groups_count_and_add_up),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
