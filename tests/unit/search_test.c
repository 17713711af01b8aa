/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "common/base/id.h"
#include "common/search/search.h"
#include "common/store/history.h"
#include "tests/unit/store_testing.h"

/* clang-format off */
#define ENTITIES \
    TEST_ENTITY(1, "company", "'scope':{'rule':'company'},'title':['name'],'layout':{'second':['city']}", \
        TEST_FIELD(10, "name", "text", ",'required':true") "," \
        TEST_FIELD(11, "city", "text", "") "," \
        TEST_FIELD(12, "description", "long", "") "," \
        TEST_FIELD(13, "secret", "text", ",'visible':'role'")) "," \
    TEST_ENTITY(2, "contact", TEST_FOLLOWS("company_id", "family_name") ",'layout':{'second':['company_id']}", \
        TEST_FIELD(10, "company_id", "ref", ",'target':'company'") "," \
        TEST_FIELD(11, "family_name", "text", "") "," \
        TEST_FIELD(12, "mobile", "text", "")) "," \
    TEST_ENTITY(3, "comm_point", TEST_FOLLOWS("owner_id", "value"), \
        TEST_FIELD(10, "owner_entity", "text", "") "," \
        TEST_FIELD(11, "owner_id", "poly", ",'targets':['company','contact'],'name_field':'owner_entity'") "," \
        TEST_FIELD(12, "value", "text", "")) "," \
    TEST_ENTITY(4, "device", "'scope':{'rule':'server_only'},'title':['name']", \
        TEST_FIELD(10, "name", "text", ""))
/* clang-format on */

struct world {
    struct fb_store *store;
    struct fb_search *search;
    char path[300];
};

static void reopen(struct world *w)
{
    struct fb_why why = {{0}};
    fb_search_drop(&w->search);
    if (fb_search_open(w->path, &w->search, &why) < 0) {
        fail_msg("%s", why.text);
    }
}

static void begin(struct world *w, enum fb_node node)
{
    static int count;
    char name[32];
    *w = (struct world){0};
    snprintf(name, sizeof name, "world-%d.db", count);
    w->store = open_store(fb_test_path(name), node);
    put_catalogue(w->store, test_catalogue(1, ENTITIES));
    snprintf(name, sizeof name, "search-%d.db", count++);
    snprintf(w->path, sizeof w->path, "%s", fb_test_path(name));
    reopen(w);
}

static void end(struct world *w)
{
    fb_search_close(w->search);
    fb_store_close(w->store);
}

static size_t feed(struct world *w, size_t rows_max)
{
    struct fb_why why = {{0}};
    size_t calls = 0;
    for (bool more = true; more; calls++) {
        if (fb_search_feed(w->search, w->store, rows_max, &more, &why) < 0) {
            fail_msg("%s", why.text);
        }
    }
    return calls;
}

struct hits {
    char titles[1000]; /* "a|b|" */
    char seconds[1000];
    size_t count;
    size_t references;
};

static int note_hit(void *ctx, const struct fb_search_hit *hit)
{
    struct hits *h = ctx;
    size_t size = strlen(h->titles);
    snprintf(h->titles + size, sizeof h->titles - size, "%s|", hit->title);
    size = strlen(h->seconds);
    snprintf(h->seconds + size, sizeof h->seconds - size, "%s|", hit->second);
    h->count++;
    h->references += hit->is_reference;
    return FB_OK;
}

static struct hits found(struct world *w, const struct fb_search_ask *ask)
{
    struct hits h = {.count = 0};
    struct fb_why why = {{0}};
    if (fb_search_ask(w->search, w->store, ask, note_hit, &h, &why) < 0) {
        fail_msg("%s", why.text);
    }
    return h;
}

static void expect(struct world *w, const char *text, const char *titles)
{
    const struct fb_search_ask query = {.text = text, .limit = 20};
    struct hits h = found(w, &query);
    if (strcmp(h.titles, titles) != 0) {
        fail_msg("'%s' finds '%s', not '%s'", text, h.titles, titles);
    }
}

#define COMPANY(id, name) "INSERT INTO company (id, name) VALUES ('" id "', '" name "')"

FB_TEST(chinese_is_found_by_any_characters_in_a_row)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "苏州东华精密股份有限公司"));
    run(w.store, COMPANY(ID_B, "恒新机电"));
    feed(&w, 100);
    expect(&w, "东华", "苏州东华精密股份有限公司|");
    expect(&w, "华精密股", "苏州东华精密股份有限公司|");
    expect(&w, "密", "苏州东华精密股份有限公司|");
    expect(&w, "司", "苏州东华精密股份有限公司|"); /* the last character */
    expect(&w, "电", "恒新机电|");
    expect(&w, "华密", "");
    expect(&w, "东华 机电", "");
    expect(&w, "恒新 机电", "恒新机电|");
    end(&w);
}

FB_TEST(words_width_case_and_punctuation_do_not_matter)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "ＡＢＣ Pumps (Shanghai) Ltd"));
    run(w.store, COMPANY(ID_B, "Müller & Söhne"));
    run(w.store, COMPANY(ID_C, "东华ABC泵业"));
    feed(&w, 100);
    expect(&w, "abc pum", "ＡＢＣ Pumps (Shanghai) Ltd|");
    expect(&w, "ｐｕｍｐｓ", "ＡＢＣ Pumps (Shanghai) Ltd|");
    expect(&w, "muller", "Müller & Söhne|");
    expect(&w, "SÖHNE", "Müller & Söhne|");
    expect(&w, "abc泵", "东华ABC泵业|");
    expect(&w, "", "");
    expect(&w, "\"'*()-:^ AND", "");
    expect(&w, "!!!", "");
    end(&w);
}

FB_TEST(pinyin_and_initials_find_names_and_surnames_read_otherwise)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, "INSERT INTO contact (id, family_name) VALUES ('" ID_A "', '张伟')");
    run(w.store, "INSERT INTO contact (id, family_name) VALUES ('" ID_B "', '单田芳')");
    run(w.store, "INSERT INTO contact (id, family_name) VALUES ('" ID_C "', '尉迟恭')");
    run(w.store, COMPANY(ID_D, "东华精密"));
    feed(&w, 100);
    expect(&w, "zw", "张伟|");
    expect(&w, "zhangwei", "张伟|");
    expect(&w, "zhang wei", "张伟|");
    expect(&w, "ZHANGW", "张伟|");
    expect(&w, "shantianfang", "单田芳|");
    expect(&w, "stf", "单田芳|");
    expect(&w, "dantianfang", "单田芳|"); /* the other reading, too */
    expect(&w, "yuchi", "尉迟恭|");
    expect(&w, "dhj", "东华精密|");
    expect(&w, "donghua", "东华精密|");
    expect(&w, "jingmi", "东华精密|");
    end(&w);
}

FB_TEST(a_number_is_found_by_its_digits_and_stands_for_whose_it_is)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    run(w.store, "INSERT INTO comm_point (id, owner_entity, owner_id, value) VALUES ('" ID_B
                 "', 'company', '" ID_A "', '0512-6288 1234')");
    feed(&w, 100);
    expect(&w, "62881234", "东华精密|");
    expect(&w, "0512 6288-1234", "东华精密|");
    expect(&w, "1234", "东华精密|");
    expect(&w, "8812", "东华精密|");
    expect(&w, "1235", "");
    end(&w);
}

FB_TEST(a_record_comes_once_with_its_second_line)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, "INSERT INTO company (id, name, city) VALUES ('" ID_A "', '东华', '苏州')");
    run(w.store, "INSERT INTO contact (id, family_name, company_id, mobile) VALUES ('" ID_B
                 "', '东方', '" ID_A "', '13800138000')");
    run(w.store, "INSERT INTO comm_point (id, owner_entity, owner_id, value) VALUES ('" ID_C
                 "', 'company', '" ID_A "', '东华热线')");
    feed(&w, 100);
    const struct fb_search_ask all = {.text = "东", .limit = 20};
    struct hits h = found(&w, &all);
    assert_int_equal(h.count, 2);
    assert_non_null(strstr(h.seconds, "苏州|"));
    assert_non_null(strstr(h.seconds, "东华|"));
    const struct fb_search_ask people = {
        .text = "东", .limit = 20, .entity = entity(w.store, "contact")};
    assert_string_equal(found(&w, &people).titles, "东方|");
    const struct fb_search_ask one = {.text = "东", .limit = 1};
    assert_int_equal(found(&w, &one).count, 1);
    end(&w);
}

FB_TEST(edits_and_deletes_follow_from_the_journal)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    feed(&w, 100);
    run(w.store, "UPDATE company SET name = '东华精机' WHERE id = '" ID_A "'");
    feed(&w, 100);
    expect(&w, "精密", "");
    expect(&w, "精机", "东华精机|");
    run(w.store, "DELETE FROM company WHERE id = '" ID_A "'");
    feed(&w, 100);
    expect(&w, "东华", "");
    end(&w);
}

/* Rows of a cut come without journal: the pass finds what came, changed and went by ids and stamps. */
FB_TEST(after_a_cut_what_came_changed_and_went_is_taken_in)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    run(w.store, COMPANY(ID_B, "恒新机电"));
    feed(&w, 1);
    run(w.store, "UPDATE company SET name = '东华精机', modified_at = '2026-01-02T00:00:00.000Z' "
                 "WHERE id = '" ID_A "'");
    run(w.store, "DELETE FROM company WHERE id = '" ID_B "'");
    run(w.store, COMPANY(ID_C, "苏南电气"));
    run(w.store,
        "INSERT INTO reference (entity, id, title) VALUES ('company', '" ID_D "', '华东集团')");
    run(w.store, "DELETE FROM fb_journal");
    run(w.store, "INSERT INTO fb_meta (key, value) VALUES ('cursor', 7) ON CONFLICT (key) DO "
                 "UPDATE SET value = 7");
    feed(&w, 1);
    expect(&w, "东华精机", "东华精机|");
    expect(&w, "精密", "");
    expect(&w, "恒新", "");
    expect(&w, "苏南", "苏南电气|");
    const struct fb_search_ask query = {.text = "华东", .limit = 5};
    struct hits h = found(&w, &query);
    assert_string_equal(h.titles, "华东集团|");
    assert_int_equal(h.references, 1);
    end(&w);
}

static void cut_arrives(struct world *w, const struct fb_row *row, int64_t cursor)
{
    const struct fb_value v = fb_value_int(cursor);
    expect_ok(w->store, fb_store_begin(w->store));
    fb_store_capture(w->store, false);
    expect_ok(w->store, fb_row_write(w->store, row));
    expect_ok(w->store, fb_store_meta_set(w->store, "cursor", &v));
    expect_ok(w->store, fb_store_commit(w->store));
}

/* A laptop of 100,000 rows is not looked through whenever a colleague changes one. */
FB_TEST(rows_that_a_cut_brings_are_taken_in_one_by_one)
{
    struct world w;
    struct fb_arena arena = {0};
    struct fb_recent *recent = NULL;
    struct fb_row row;
    begin(&w, FB_NODE_REPLICA);
    expect_ok(w.store, fb_recent_new(&recent));
    fb_store_set_recent(w.store, recent);
    fb_search_set_recent(w.search, recent);
    run(w.store, COMPANY(ID_A, "东华精密"));
    feed(&w, 100);
    /* Nobody but a pass over all tables would find this one. */
    run(w.store, COMPANY(ID_B, "恒新机电"));
    run(w.store, "DELETE FROM fb_journal");
    expect_ok(w.store, fb_row_new(entity(w.store, "company"), ID_C, &arena, &row));
    row.values[fb_entity_field(row.entity, "name")->index] = fb_value_text("苏南电气");
    cut_arrives(&w, &row, 7);
    feed(&w, 100);
    expect(&w, "苏南", "苏南电气|");
    expect(&w, "恒新", "");
    /* After a start the list knows nothing of what was before: the next cut makes it look at all. */
    reopen(&w);
    fb_search_set_recent(w.search, recent);
    row.values[fb_entity_field(row.entity, "name")->index] = fb_value_text("苏北电气");
    cut_arrives(&w, &row, 8);
    feed(&w, 100);
    expect(&w, "苏北", "苏北电气|");
    expect(&w, "苏南", "");
    expect(&w, "恒新", "恒新机电|");
    fb_store_set_recent(w.store, NULL);
    end(&w);
    fb_recent_free(recent);
    fb_arena_release(&arena);
}

/* A document that is written again gets a new number. */
static int64_t number_of(struct world *w, const char *id)
{
    FB_AUTO(fb_store_drop) struct fb_store *file = NULL;
    char sql[100];
    struct fb_why why = {{0}};
    assert_int_equal(fb_store_open_side(w->path, &file, &why), FB_OK);
    snprintf(sql, sizeof sql, "SELECT no FROM record WHERE id = '%s'", id);
    return ask(file, sql);
}

FB_TEST(edit_of_what_nobody_searches_writes_no_words)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    run(w.store, COMPANY(ID_B, "恒新机电"));
    feed(&w, 100);
    int64_t before = number_of(&w, ID_A);
    run(w.store, "UPDATE company SET secret = 'x', modified_at = '2026-01-02T00:00:00.000Z' "
                 "WHERE id = '" ID_A "'");
    feed(&w, 100);
    assert_int_equal(number_of(&w, ID_A), before);
    expect(&w, "东华", "东华精密|");
    run(w.store, "UPDATE company SET city = '苏州' WHERE id = '" ID_A "'");
    feed(&w, 100);
    assert_int_not_equal(number_of(&w, ID_A), before);
    expect(&w, "苏州", "东华精密|");
    end(&w);
}

FB_TEST(headquarters_follows_its_log)
{
    struct world w;
    begin(&w, FB_NODE_SERVER);
    run(w.store, COMPANY(ID_A, "东华精密"));
    feed(&w, 100);
    expect(&w, "东华", "东华精密|");
    struct fb_rev rev = {.at_ms = 1000};
    int64_t scope = 0;
    int64_t seq = 0;
    expect_ok(w.store, fb_store_begin(w.store));
    run(w.store, COMPANY(ID_B, "恒新机电"));
    expect_ok(w.store, fb_history_begin(w.store, &rev));
    expect_ok(w.store, fb_history_scope_id(w.store, "global", &scope));
    struct fb_log_entry entry = {
        .op = FB_LOG_OP_INSERT, .entity = entity(w.store, "company"), .scope_after = scope};
    memcpy(entry.row_id, ID_B, FB_ROW_ID_SIZE);
    expect_ok(w.store, fb_history_append(w.store, &entry, &seq));
    expect_ok(w.store, fb_history_end(w.store));
    expect_ok(w.store, fb_store_commit(w.store));
    feed(&w, 100);
    expect(&w, "恒新", "恒新机电|");
    end(&w);
}

static bool is_allowed(void *ctx, const struct fb_search_found *found)
{
    assert_non_null(found->entity);
    return strcmp(found->id, ctx) == 0;
}

/* Refuses what was found by the words of a number. */
static bool is_not_by_number(void *ctx, const struct fb_search_found *found)
{
    (void)ctx;
    return strcmp(found->by_entity->name, "comm_point") != 0;
}

FB_TEST(the_filter_is_told_whose_words_were_found)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    run(w.store, "INSERT INTO comm_point (id, owner_entity, owner_id, value) VALUES ('" ID_B
                 "', 'company', '" ID_A "', '0512-66668888')");
    feed(&w, 100);
    expect(&w, "66668888", "东华精密|");
    struct fb_search_ask query = {.text = "66668888", .limit = 20, .filter = is_not_by_number};
    assert_int_equal(found(&w, &query).count, 0);
    query.text = "东华";
    assert_string_equal(found(&w, &query).titles, "东华精密|");
    end(&w);
}

FB_TEST(a_row_is_tried_by_the_fields_somebody_may_see)
{
    struct world w;
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_row row;
    bool is_there = false;
    bool does = false;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, "INSERT INTO company (id, name, city) VALUES ('" ID_A "', '东华精密', '苏州')");
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(w.store), "company");
    expect_ok(w.store, fb_row_read(w.store, e, ID_A, &arena, &row, &is_there));
    expect_ok(w.store, fb_search_matches(w.search, &row, "苏州", &does));
    assert_true(does);
    expect_ok(w.store, fb_search_matches(w.search, &row, "dhjm", &does));
    assert_true(does);
    row.values[fb_entity_field(e, "city")->index] = (struct fb_value){.type = FB_ABSENT};
    expect_ok(w.store, fb_search_matches(w.search, &row, "苏州", &does));
    assert_false(does);
    expect_ok(w.store, fb_search_matches(w.search, &row, "东华", &does));
    assert_true(does);
    end(&w);
}

FB_TEST(what_somebody_may_not_see_is_not_found)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, "INSERT INTO company (id, name, secret) VALUES ('" ID_A "', '东华', '底价')");
    run(w.store, COMPANY(ID_B, "东方"));
    run(w.store, "INSERT INTO device (id, name) VALUES ('" ID_C "', '东西')");
    feed(&w, 100);
    expect(&w, "底价", "");
    expect(&w, "东西", "");
    char allowed[] = ID_B;
    const struct fb_search_ask query = {
        .text = "东", .limit = 20, .filter = is_allowed, .filter_ctx = allowed};
    assert_string_equal(found(&w, &query).titles, "东方|");
    end(&w);
}

FB_TEST(a_missing_damaged_or_older_file_is_made_again)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    run(w.store, COMPANY(ID_A, "东华精密"));
    feed(&w, 100);
    fb_search_drop(&w.search);
    unlink(w.path);
    reopen(&w);
    feed(&w, 100);
    expect(&w, "东华", "东华精密|");
    fb_search_drop(&w.search);
    FILE *file = fopen(w.path, "w");
    fputs("this is no database, and it is longer than the head of one would be ..............."
          "..........................................................................",
          file);
    fclose(file);
    reopen(&w);
    feed(&w, 100);
    expect(&w, "东华", "东华精密|");
    fb_search_drop(&w.search);
    struct fb_store *side = NULL;
    assert_int_equal(fb_store_open_side(w.path, &side, NULL), FB_OK);
    run(side, "PRAGMA user_version = 99");
    fb_store_close(side);
    reopen(&w);
    feed(&w, 100);
    expect(&w, "东华", "东华精密|");
    end(&w);
}

/* Pairs of characters answer exactly what LIKE answers, whatever stands between the runs. */
FB_TEST(chinese_queries_find_exactly_what_like_finds)
{
    static const char *const CHARS[] = {"东", "华", "精", "密", " ", ",", "a", "机"};
    struct world w;
    uint64_t state = 0;
    struct fb_random random = fb_random_seeded(&state, 4711);
    begin(&w, FB_NODE_REPLICA);
    for (int i = 0; i < 300; i++) {
        char sql[300];
        char name[64] = "";
        for (size_t k = 0, n = 1 + fb_random_u64(&random) % 8; k < n; k++) {
            strncat(name, CHARS[fb_random_u64(&random) % 8], sizeof name - strlen(name) - 1);
        }
        snprintf(sql, sizeof sql, "INSERT INTO company (name) VALUES ('%s')", name);
        run(w.store, sql);
    }
    feed(&w, 50);
    for (int i = 0; i < 200; i++) {
        char sql[300];
        char text[32] = "";
        for (size_t k = 0, n = 1 + fb_random_u64(&random) % 4; k < n; k++) {
            strncat(text, CHARS[fb_random_u64(&random) % 4], sizeof text - strlen(text) - 1);
        }
        snprintf(sql, sizeof sql, "SELECT min(count(*), 200) FROM company WHERE name LIKE '%%%s%%'",
                 text);
        const struct fb_search_ask query = {.text = text, .limit = 200};
        assert_int_equal(found(&w, &query).count, ask(w.store, sql));
    }
    end(&w);
}

FB_TEST(a_pass_in_small_steps_ends_where_a_large_one_does)
{
    struct world w;
    begin(&w, FB_NODE_REPLICA);
    for (int i = 0; i < 1300; i++) {
        char sql[200];
        snprintf(sql, sizeof sql,
                 "INSERT INTO company (id, name) VALUES ('01900000-0000-7000-8000-%012d', "
                 "'公司%d')",
                 i, i);
        run(w.store, sql);
    }
    assert_true(feed(&w, 100) > 2);
    expect(&w, "公司1299", "公司1299|");
    expect(&w, "公司 77 ",
           "公司779|公司778|公司777|公司776|公司775|公司774|公司773|公司772|"
           "公司771|公司770|公司77|");
    end(&w);
}

FB_MAIN(FB_CASE(chinese_is_found_by_any_characters_in_a_row),
        FB_CASE(words_width_case_and_punctuation_do_not_matter),
        FB_CASE(pinyin_and_initials_find_names_and_surnames_read_otherwise),
        FB_CASE(a_number_is_found_by_its_digits_and_stands_for_whose_it_is),
        FB_CASE(a_record_comes_once_with_its_second_line),
        FB_CASE(edits_and_deletes_follow_from_the_journal),
        FB_CASE(after_a_cut_what_came_changed_and_went_is_taken_in),
        FB_CASE(rows_that_a_cut_brings_are_taken_in_one_by_one),
        FB_CASE(edit_of_what_nobody_searches_writes_no_words),
        FB_CASE(headquarters_follows_its_log), FB_CASE(what_somebody_may_not_see_is_not_found),
        FB_CASE(the_filter_is_told_whose_words_were_found),
        FB_CASE(a_row_is_tried_by_the_fields_somebody_may_see),
        FB_CASE(a_missing_damaged_or_older_file_is_made_again),
        FB_CASE(chinese_queries_find_exactly_what_like_finds),
        FB_CASE(a_pass_in_small_steps_ends_where_a_large_one_does))
