/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/merge/merge.h"
#include "tests/lib/testlib.h"

#define MEMBERS_MAX 4

/* A value is written as a text: "?" is absent, "-" is null, "#12" the integer 12, anything else
 * that text; members of a group are separated by "|". */
#define MERGE_LATER   1 /* mine was edited after theirs */
#define MERGE_EARLIER 0

struct merge_row {
    const char *base;
    const char *theirs;
    const char *mine;
    int mine_is_later;
    const char *outcome; /* "nothing", "forward", "combined", "mine", "theirs", "ask", "refused" */
    const char *result;
};

static const char *const outcome_names[] = {"nothing", "forward", "combined", "mine",
                                            "theirs",  "ask",     "refused"};

static size_t read_values(struct fb_arena *arena, const char *text, struct fb_value *ret)
{
    size_t count = 0;
    char *copy = fb_arena_strdup(arena, text);
    for (char *at = copy; at != NULL; count++) {
        char *part = strsep(&at, "|");
        if (strcmp(part, "?") == 0) {
            ret[count] = (struct fb_value){.type = FB_ABSENT};
        } else if (strcmp(part, "-") == 0) {
            ret[count] = FB_VALUE_NULL;
        } else if (part[0] == '#') {
            ret[count] = fb_value_int(strtoll(part + 1, NULL, 10));
        } else {
            ret[count] = fb_value_text(part);
        }
    }
    return count;
}

static void merge_one_row(const struct fb_merge_ask *like, const struct merge_row *row)
{
    struct fb_arena arena = {0};
    struct fb_value base[MEMBERS_MAX];
    struct fb_value theirs[MEMBERS_MAX];
    struct fb_value mine[MEMBERS_MAX];
    struct fb_value expected[MEMBERS_MAX];
    struct fb_merge_ask ask = *like;
    ask.count = read_values(&arena, row->base, base);
    assert_int_equal(ask.count, read_values(&arena, row->theirs, theirs));
    assert_int_equal(ask.count, read_values(&arena, row->mine, mine));
    assert_int_equal(ask.count, read_values(&arena, row->result, expected));
    ask.base = base;
    ask.theirs = theirs;
    ask.mine = mine;
    ask.theirs_edited_at_ms = 1000;
    ask.mine_edited_at_ms = row->mine_is_later ? 2000 : 500;
    ask.mine_device = "laptop";
    struct fb_merge_result result;
    assert_int_equal(fb_merge_group(&ask, &arena, &result), FB_OK);
    if (strcmp(outcome_names[result.outcome], row->outcome) != 0) {
        fail_msg("base %s, theirs %s, mine %s: %s instead of %s", row->base, row->theirs, row->mine,
                 outcome_names[result.outcome], row->outcome);
    }
    for (size_t i = 0; i < ask.count; i++) {
        if (!fb_value_equal(&result.values[i], &expected[i])) {
            fail_msg("base %s, theirs %s, mine %s: '%.*s' %lld instead of %s", row->base,
                     row->theirs, row->mine, (int)result.values[i].size,
                     result.values[i].bytes == NULL ? "" : result.values[i].bytes,
                     (long long)result.values[i].integer, row->result);
        }
    }
    fb_arena_release(&arena);
}

#define merge_table(like, ...)                                                                     \
    do {                                                                                           \
        const struct merge_row rows[] = {__VA_ARGS__};                                             \
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {                              \
            merge_one_row((like), &rows[i]);                                                       \
        }                                                                                          \
    } while (0)

#define ASK(name, ...) const struct fb_merge_ask name = {__VA_ARGS__}

FB_TEST(what_only_one_side_changed_is_no_conflict_under_any_policy)
{
    for (enum fb_merge_policy p = FB_MERGE_LATEST; p <= FB_MERGE_MANUAL; p++) {
        if (p == FB_MERGE_SUM || p == FB_MERGE_ONCE) {
            continue;
        }
        ASK(like, .policy = p);
        merge_table(&like, {"a", "b", "a", MERGE_LATER, "nothing", "b"},
                    {"a", "b", "b", MERGE_EARLIER, "nothing", "b"},
                    {"a", "a", "b", MERGE_EARLIER, "forward", "b"},
                    {"a", "a", "-", MERGE_EARLIER, "forward", "-"},
                    {"?", "?", "b", MERGE_EARLIER, "forward", "b"},
                    {"-", "-", "b", MERGE_EARLIER, "forward", "b"});
    }
}

FB_TEST(latest_takes_the_later_edit_and_tells_of_the_other)
{
    ASK(like, .policy = FB_MERGE_LATEST);
    merge_table(
        &like, {"a", "b", "c", MERGE_LATER, "mine", "c"},
        {"a", "b", "c", MERGE_EARLIER, "theirs", "b"}, {"a", "b", "-", MERGE_LATER, "mine", "-"},
        {"a", "-", "c", MERGE_EARLIER, "theirs", "-"}, {"a", "#1", "1", MERGE_LATER, "mine", "1"});
}

FB_TEST(edits_of_the_same_millisecond_are_settled_by_device_then_value)
{
    struct fb_arena arena = {0};
    struct fb_value base = fb_value_text("a");
    struct fb_value theirs = fb_value_text("b");
    struct fb_value mine = fb_value_text("c");
    struct fb_merge_ask ask = {
        .count = 1, .base = &base, .theirs = &theirs, .mine = &mine, .mine_device = "d1"};
    struct fb_merge_result r;
    assert_int_equal(fb_merge_group(&ask, &arena, &r), FB_OK);
    assert_int_equal(r.outcome, FB_MERGE_MINE_WON); /* headquarters is "" */
    ask.theirs_device = "d2";
    assert_int_equal(fb_merge_group(&ask, &arena, &r), FB_OK);
    assert_int_equal(r.outcome, FB_MERGE_THEIRS_WON);
    ask.theirs_device = "d1";
    assert_int_equal(fb_merge_group(&ask, &arena, &r), FB_OK);
    assert_int_equal(r.outcome, FB_MERGE_MINE_WON);
    fb_arena_release(&arena);
}

FB_TEST(headquarters_value_stands_under_server_and_waits_under_manual)
{
    ASK(server, .policy = FB_MERGE_SERVER);
    ASK(manual, .policy = FB_MERGE_MANUAL);
    merge_table(&server, {"a", "b", "c", MERGE_LATER, "theirs", "b"},
                {"?", "b", "c", MERGE_LATER, "theirs", "b"});
    merge_table(&manual, {"a", "b", "c", MERGE_LATER, "ask", "b"},
                {"?", "-", "c", MERGE_LATER, "ask", "-"});
}

FB_TEST(a_field_only_the_server_writes_never_takes_a_pushed_value)
{
    struct fb_value zero = fb_value_int(0);
    ASK(like, .policy = FB_MERGE_LATEST, .is_server_only = true, .initial = &zero);
    merge_table(
        &like, {"a", "a", "b", MERGE_LATER, "theirs", "a"},
        {"a", "b", "c", MERGE_LATER, "theirs", "b"}, {"a", "b", "b", MERGE_LATER, "nothing", "b"},
        {"a", "b", "a", MERGE_LATER, "nothing", "b"}, {"?", "?", "#7", MERGE_LATER, "theirs", "#0"},
        {"?", "?", "#0", MERGE_LATER, "nothing", "#0"},
        {"?", "#4", "-", MERGE_LATER, "nothing", "#4"});
}

FB_TEST(the_record_owners_edit_stands_else_the_later_one)
{
    ASK(mine, .policy = FB_MERGE_OWNER, .mine_is_owner = true);
    ASK(theirs, .policy = FB_MERGE_OWNER, .theirs_is_owner = true);
    ASK(both, .policy = FB_MERGE_OWNER, .mine_is_owner = true, .theirs_is_owner = true);
    merge_table(&mine, {"a", "b", "c", MERGE_EARLIER, "mine", "c"});
    merge_table(&theirs, {"a", "b", "c", MERGE_LATER, "theirs", "b"});
    merge_table(&both, {"a", "b", "c", MERGE_LATER, "mine", "c"},
                {"a", "b", "c", MERGE_EARLIER, "theirs", "b"});
}

FB_TEST(a_field_set_once_stays_and_a_second_value_is_kept_as_a_conflict)
{
    ASK(like, .policy = FB_MERGE_ONCE);
    merge_table(
        &like, {"-", "-", "a", MERGE_EARLIER, "forward", "a"},
        {"?", "?", "a", MERGE_EARLIER, "forward", "a"},
        {"?", "-", "a", MERGE_EARLIER, "forward", "a"}, {"-", "b", "a", MERGE_LATER, "theirs", "b"},
        {"b", "b", "a", MERGE_LATER, "theirs", "b"}, {"b", "b", "-", MERGE_LATER, "theirs", "b"},
        {"?", "b", "-", MERGE_LATER, "nothing", "b"}, {"?", "b", "b", MERGE_LATER, "nothing", "b"});
}

FB_TEST(greatest_least_and_true_win_and_the_other_value_is_kept)
{
    struct fb_value no = fb_value_int(0);
    ASK(max, .policy = FB_MERGE_MAX);
    ASK(min, .policy = FB_MERGE_MIN);
    ASK(any, .policy = FB_MERGE_ANY, .initial = &no);
    merge_table(&max, {"#1", "#5", "#3", MERGE_LATER, "theirs", "#5"},
                {"#1", "#3", "#5", MERGE_EARLIER, "mine", "#5"},
                {"2024-01-01", "2024-03-01", "2024-02-01", MERGE_LATER, "theirs", "2024-03-01"},
                {"#1", "-", "#5", MERGE_EARLIER, "mine", "#5"});
    merge_table(&min, {"#9", "#5", "#3", MERGE_EARLIER, "mine", "#3"},
                {"#9", "#3", "#5", MERGE_LATER, "theirs", "#3"},
                {"#9", "-", "#5", MERGE_EARLIER, "mine", "#5"},
                {"#9", "#5", "-", MERGE_LATER, "theirs", "#5"});
    merge_table(&any, {"-", "#0", "#1", MERGE_EARLIER, "mine", "#1"},
                {"-", "#1", "#0", MERGE_LATER, "theirs", "#1"},
                {"#1", "-", "#0", MERGE_LATER, "mine", "#0"},
                {"?", "#1", "#0", MERGE_LATER, "nothing", "#1"},
                {"?", "#0", "#1", MERGE_EARLIER, "forward", "#1"});
}

FB_TEST(steps_of_a_sum_add_up_even_when_both_ends_show_the_same_number)
{
    ASK(plus_one, .policy = FB_MERGE_SUM, .step_sum = 1);
    ASK(minus_five, .policy = FB_MERGE_SUM, .step_sum = -5);
    ASK(none, .policy = FB_MERGE_SUM);
    merge_table(&plus_one, {"#4", "#5", "#5", MERGE_LATER, "combined", "#6"},
                {"#4", "#4", "#5", MERGE_LATER, "forward", "#5"},
                {"?", "?", "#1", MERGE_LATER, "forward", "#1"},
                {"?", "#9", "#1", MERGE_LATER, "combined", "#10"});
    merge_table(&minus_five, {"#9", "#2", "#4", MERGE_LATER, "combined", "#-3"});
    merge_table(&none, {"#4", "#6", "#5", MERGE_LATER, "nothing", "#6"});
}

FB_TEST(a_sum_beyond_64_bits_stops_at_the_border_and_keeps_both_sides)
{
    ASK(up, .policy = FB_MERGE_SUM, .step_sum = INT64_MAX);
    ASK(down, .policy = FB_MERGE_SUM, .step_sum = INT64_MIN);
    merge_table(&up, {"#0", "#5", "#1", MERGE_LATER, "mine", "#9223372036854775807"});
    merge_table(&down, {"#0", "#-5", "#1", MERGE_LATER, "mine", "#-9223372036854775808"});
}

FB_TEST(sets_unite_and_what_one_side_took_away_stays_away)
{
    struct fb_value empty = fb_value_text("[]");
    ASK(like, .policy = FB_MERGE_UNION, .initial = &empty);
    merge_table(&like,
                {"[\"a\"]", "[\"a\",\"c\"]", "[\"a\",\"b\"]", MERGE_LATER, "combined",
                 "[\"a\",\"b\",\"c\"]"},
                {"[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", "[\"a\"]", MERGE_LATER, "combined",
                 "[\"a\",\"c\"]"},
                {"-", "[\"x\"]", "[\"中\",\"x\"]", MERGE_LATER, "combined", "[\"x\",\"中\"]"},
                {"?", "[\"x\"]", "[\"y\"]", MERGE_LATER, "combined", "[\"x\",\"y\"]"},
                {"[\"a\"]", "-", "[]", MERGE_LATER, "combined", "[]"},
                {"[\"a\"]", "[1]", "[\"b\"]", MERGE_LATER, "mine", "[\"b\"]"},
                {"[\"a\"]", "not json", "[\"b\"]", MERGE_EARLIER, "theirs", "not json"});
}

FB_TEST(an_amount_asks_a_person_once_the_record_is_closed)
{
    ASK(open, .policy = FB_MERGE_LATEST, .is_manual_when_closed = true);
    ASK(closed, .policy = FB_MERGE_LATEST, .is_manual_when_closed = true, .is_closed = true);
    merge_table(&open, {"#1", "#2", "#3", MERGE_LATER, "mine", "#3"});
    merge_table(&closed, {"#1", "#2", "#3", MERGE_LATER, "ask", "#2"},
                {"#1", "#1", "#3", MERGE_LATER, "forward", "#3"});
}

FB_TEST(a_group_merges_as_one_value)
{
    ASK(like, .policy = FB_MERGE_LATEST);
    merge_table(&like,
                {"Main St|Berlin", "Main St|Hamburg", "Side St|Berlin", MERGE_LATER, "mine",
                 "Side St|Berlin"},
                {"Main St|Berlin", "Main St|Hamburg", "Side St|Berlin", MERGE_EARLIER, "theirs",
                 "Main St|Hamburg"},
                {"Main St|Berlin", "Main St|Berlin", "Side St|Berlin", MERGE_EARLIER, "forward",
                 "Side St|Berlin"});
    for (enum fb_merge_policy p = FB_MERGE_SUM; p <= FB_MERGE_PROGRESS; p++) {
        ASK(group, .policy = p, .step_sum = 7);
        merge_table(&group, {"#1|#1", "#2|#1", "#1|#9", MERGE_LATER, "mine", "#1|#9"});
    }
}

static struct fb_merge_step step(const char *from, const char *to)
{
    return (struct fb_merge_step){.from = fb_value_text(from), .to = fb_value_text(to)};
}

FB_TEST(the_step_further_along_its_path_stands_and_two_ends_ask_a_person)
{
    const struct fb_merge_step steps[] = {step("new", "working"), step("working", "qualified"),
                                          step("working", "lost"), step("lost", "recycled"),
                                          step("recycled", "archived")};
    const struct fb_merge_path path = {.steps = steps, .step_count = 5};
    ASK(like, .policy = FB_MERGE_PROGRESS, .path = &path);
    merge_table(&like, {"new", "new", "qualified", MERGE_EARLIER, "forward", "qualified"},
                {"new", "working", "qualified", MERGE_EARLIER, "mine", "qualified"},
                {"new", "qualified", "working", MERGE_LATER, "theirs", "qualified"},
                {"new", "qualified", "lost", MERGE_LATER, "ask", "qualified"},
                {"new", "lost", "archived", MERGE_EARLIER, "mine", "archived"},
                {"?", "working", "qualified", MERGE_EARLIER, "mine", "qualified"},
                {"?", "?", "qualified", MERGE_EARLIER, "forward", "qualified"});
}

FB_TEST(a_step_that_no_path_allows_is_refused_even_if_nobody_else_changed_it)
{
    const struct fb_merge_step steps[] = {step("draft", "sent"), step("sent", "paid")};
    const struct fb_merge_path path = {.steps = steps, .step_count = 2};
    ASK(progress, .policy = FB_MERGE_PROGRESS, .path = &path);
    ASK(server, .policy = FB_MERGE_SERVER, .path = &path);
    merge_table(&progress, {"sent", "sent", "draft", MERGE_LATER, "refused", "sent"},
                {"sent", "paid", "draft", MERGE_LATER, "refused", "paid"},
                {"sent", "sent", "-", MERGE_LATER, "refused", "sent"},
                {"sent", "draft", "draft", MERGE_LATER, "nothing", "draft"});
    merge_table(&server, {"sent", "sent", "draft", MERGE_LATER, "refused", "sent"},
                {"draft", "paid", "sent", MERGE_LATER, "theirs", "paid"},
                {"draft", "draft", "paid", MERGE_LATER, "forward", "paid"});
}

FB_TEST(on_a_path_that_goes_round_the_later_edit_stands)
{
    const struct fb_merge_step steps[] = {step("open", "waiting"), step("waiting", "open"),
                                          step("open", "done")};
    const struct fb_merge_path path = {.steps = steps, .step_count = 3};
    ASK(like, .policy = FB_MERGE_PROGRESS, .path = &path);
    merge_table(&like, {"done", "done", "done", MERGE_LATER, "nothing", "done"},
                {"?", "open", "waiting", MERGE_LATER, "mine", "waiting"},
                {"?", "open", "waiting", MERGE_EARLIER, "theirs", "open"},
                {"open", "waiting", "done", MERGE_EARLIER, "mine", "done"});
}

FB_TEST(an_insert_of_an_id_that_exists_never_overwrites_silently)
{
    ASK(like, .policy = FB_MERGE_LATEST);
    merge_table(&like, {"?", "b", "b", MERGE_LATER, "nothing", "b"},
                {"?", "b", "c", MERGE_LATER, "mine", "c"},
                {"?", "b", "c", MERGE_EARLIER, "theirs", "b"});
    struct fb_arena arena = {0};
    struct fb_value theirs = fb_value_text("b");
    struct fb_value mine = fb_value_text("c");
    struct fb_merge_ask ask = {.count = 1, .theirs = &theirs, .mine = &mine}; /* base is NULL */
    struct fb_merge_result r;
    assert_int_equal(fb_merge_group(&ask, &arena, &r), FB_OK);
    assert_int_equal(r.outcome, FB_MERGE_MINE_WON);
    fb_arena_release(&arena);
}

FB_TEST(policies_are_found_by_name_and_told_in_a_sentence)
{
    enum fb_merge_policy p = FB_MERGE_LATEST;
    assert_true(fb_merge_policy_parse("progress", &p));
    assert_int_equal(p, FB_MERGE_PROGRESS);
    assert_false(fb_merge_policy_parse("newest", &p));
    assert_int_equal(p, FB_MERGE_PROGRESS);
    assert_string_equal(fb_merge_policy_name(FB_MERGE_UNION), "union");
    assert_string_equal(fb_merge_policy_sentence(FB_MERGE_ANY), "true stands");
}

FB_MAIN(FB_CASE(what_only_one_side_changed_is_no_conflict_under_any_policy),
        FB_CASE(latest_takes_the_later_edit_and_tells_of_the_other),
        FB_CASE(edits_of_the_same_millisecond_are_settled_by_device_then_value),
        FB_CASE(headquarters_value_stands_under_server_and_waits_under_manual),
        FB_CASE(a_field_only_the_server_writes_never_takes_a_pushed_value),
        FB_CASE(the_record_owners_edit_stands_else_the_later_one),
        FB_CASE(a_field_set_once_stays_and_a_second_value_is_kept_as_a_conflict),
        FB_CASE(greatest_least_and_true_win_and_the_other_value_is_kept),
        FB_CASE(steps_of_a_sum_add_up_even_when_both_ends_show_the_same_number),
        FB_CASE(a_sum_beyond_64_bits_stops_at_the_border_and_keeps_both_sides),
        FB_CASE(sets_unite_and_what_one_side_took_away_stays_away),
        FB_CASE(an_amount_asks_a_person_once_the_record_is_closed),
        FB_CASE(a_group_merges_as_one_value),
        FB_CASE(the_step_further_along_its_path_stands_and_two_ends_ask_a_person),
        FB_CASE(a_step_that_no_path_allows_is_refused_even_if_nobody_else_changed_it),
        FB_CASE(on_a_path_that_goes_round_the_later_edit_stands),
        FB_CASE(an_insert_of_an_id_that_exists_never_overwrites_silently),
        FB_CASE(policies_are_found_by_name_and_told_in_a_sentence))
