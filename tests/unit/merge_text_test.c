/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/merge/merge.h"
#include "tests/lib/testlib.h"

static struct fb_arena arena;
static enum fb_merge_outcome outcome;

static const char *merge_texts(const char *base, const char *theirs, const char *mine,
                               bool mine_is_later)
{
    struct fb_value b = fb_value_text(base);
    struct fb_value t = fb_value_text(theirs);
    struct fb_value m = fb_value_text(mine);
    struct fb_merge_ask ask = {.policy = FB_MERGE_TEXT,
                               .count = 1,
                               .base = &b,
                               .theirs = &t,
                               .mine = &m,
                               .mine_edited_at_ms = mine_is_later,
                               .mine_device = "laptop",
                               .theirs_edited_at_ms = !mine_is_later};
    struct fb_merge_result result;
    assert_int_equal(fb_merge_group(&ask, &arena, &result), FB_OK);
    outcome = result.outcome;
    return result.values[0].type == FB_NULL ? NULL : result.values[0].bytes;
}

FB_TEST(edits_of_different_lines_are_both_there)
{
    assert_string_equal(merge_texts("one\ntwo\nthree\nfour", "ONE\ntwo\nthree\nfour",
                                    "one\ntwo\nthree\nFOUR", true),
                        "ONE\ntwo\nthree\nFOUR");
    assert_int_equal(outcome, FB_MERGE_COMBINED);
}

FB_TEST(both_add_a_paragraph_to_the_description_and_both_paragraphs_stand)
{
    assert_string_equal(
        merge_texts("客户概况。", "客户概况。\n\n总部的备注。", "客户概况。\n\n销售的备注。", true),
        "客户概况。\n\n总部的备注。\n\n销售的备注。");
    assert_int_equal(outcome, FB_MERGE_COMBINED);
}

FB_TEST(both_write_the_first_lines_of_an_empty_text_and_both_stand)
{
    assert_string_equal(merge_texts(NULL, "theirs", "mine", true), "theirs\nmine");
    assert_int_equal(outcome, FB_MERGE_COMBINED);
    assert_string_equal(merge_texts("", "theirs\n", "mine\n", true), "theirs\nmine\n");
}

FB_TEST(lines_added_at_one_place_in_the_middle_are_all_kept)
{
    assert_string_equal(
        merge_texts("head\ntail\n", "head\nhq 1\nhq 2\ntail\n", "head\nrep\ntail\n", false),
        "head\nhq 1\nhq 2\nrep\ntail\n");
    assert_int_equal(outcome, FB_MERGE_COMBINED);
}

FB_TEST(the_same_paragraph_added_twice_is_not_doubled)
{
    assert_string_equal(merge_texts("a\n", "a\nsame\n", "a\nsame\nmore\n", true),
                        "a\nsame\nmore\n");
    assert_int_equal(outcome, FB_MERGE_COMBINED);
}

FB_TEST(where_lines_clash_the_later_text_stands_whole_and_the_other_is_kept)
{
    assert_string_equal(
        merge_texts("call him\nend\n", "write him\nend\n", "visit him\nend\n", true),
        "visit him\nend\n");
    assert_int_equal(outcome, FB_MERGE_MINE_WON);
    assert_string_equal(
        merge_texts("call him\nend\n", "write him\nend\n", "visit him\nend\n", false),
        "write him\nend\n");
    assert_int_equal(outcome, FB_MERGE_THEIRS_WON);
}

FB_TEST(no_conflict_marker_ever_reaches_the_text)
{
    const char *text =
        merge_texts("a\nb\nc\nd\ne\n", "a\nB1\nc\nd\nE1\n", "a\nB2\nc\nD2\ne\n", true);
    assert_null(strstr(text, "<<<<<<<"));
    assert_null(strstr(text, ">>>>>>>"));
}

FB_TEST(one_side_clears_the_text_the_other_edits_it)
{
    assert_string_equal(merge_texts("a\nb\n", NULL, "a\nB\n", true), "a\nB\n");
    assert_int_equal(outcome, FB_MERGE_MINE_WON);
    assert_null(merge_texts("a\nb\n", NULL, "a\nB\n", false));
    assert_int_equal(outcome, FB_MERGE_THEIRS_WON);
}

FB_TEST(a_text_too_long_for_the_library_waits_for_a_person)
{
    char *longer = calloc(1, FB_TEXT_MERGE_BYTES_MAX + 2);
    assert_non_null(longer);
    memset(longer, 'x', FB_TEXT_MERGE_BYTES_MAX + 1);
    assert_string_equal(merge_texts("a\n", "b\n", longer, true), "b\n");
    assert_int_equal(outcome, FB_MERGE_ASK);
    free(longer);
}

static void append(char *text, const char *line)
{
    memcpy(text + strlen(text), line, strlen(line) + 1);
}

/* A text of a few of a few lines, so that lines repeat and diffs are ambiguous. */
static void random_lines(unsigned *seed, char ret_text[static 64])
{
    static const char *const lines[] = {"a\n", "b\n", "\n", "c\n"};
    ret_text[0] = 0;
    for (int count = rand_r(seed) % 7; count > 0; count--) {
        append(ret_text, lines[rand_r(seed) % 4]);
    }
}

static size_t count_lines(const char *text, const char *line)
{
    size_t found = 0;
    while (*text != 0) {
        size_t size = strcspn(text, "\n") + 1;
        found += size == strlen(line) && memcmp(text, line, size) == 0;
        text += size;
    }
    return found;
}

/* Added lines are unlike all others, so they can be counted in the result. */
FB_TEST(no_added_line_is_lost_unless_a_conflict_keeps_it)
{
    for (unsigned seed = 1; seed <= 2000; seed++) {
        unsigned state = seed;
        char base[64];
        char theirs[128] = "";
        char mine[128] = "";
        random_lines(&state, base);
        append(theirs, base);
        random_lines(&state, mine);
        append(theirs, "hq\n");
        append(mine, "rep\n");
        const char *merged = merge_texts(base, theirs, mine, true);
        if (outcome == FB_MERGE_COMBINED &&
            (count_lines(merged, "hq\n") != 1 || count_lines(merged, "rep\n") != 1)) {
            fail_msg("seed %u lost a line", seed);
        }
        fb_arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        FB_CASE(edits_of_different_lines_are_both_there),
        FB_CASE(both_add_a_paragraph_to_the_description_and_both_paragraphs_stand),
        FB_CASE(both_write_the_first_lines_of_an_empty_text_and_both_stand),
        FB_CASE(lines_added_at_one_place_in_the_middle_are_all_kept),
        FB_CASE(the_same_paragraph_added_twice_is_not_doubled),
        FB_CASE(where_lines_clash_the_later_text_stands_whole_and_the_other_is_kept),
        FB_CASE(no_conflict_marker_ever_reaches_the_text),
        FB_CASE(one_side_clears_the_text_the_other_edits_it),
        FB_CASE(a_text_too_long_for_the_library_waits_for_a_person),
        FB_CASE(no_added_line_is_lost_unless_a_conflict_keeps_it)};
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    fb_arena_release(&arena);
    return failed;
}
