/* SPDX-License-Identifier: MIT */
#include "common/formats/transform.h"

#include <string.h>

#include "tests/lib/testlib.h"

static struct fb_arena arena;

/* NULL: no value; "!" and the sentence: refused. */
static const char *run(struct fb_transform t, const char *text)
{
    const char *result = NULL;
    struct fb_why why = {""};
    if (fb_transform_run(&t, 1, &arena, text, &result, &why) < 0) {
        return fb_arena_printf(&arena, "!%s", why.text);
    }
    return result;
}

static const char *as_date(const char *form, const char *text)
{
    struct fb_transform t = {.kind = FB_TRANSFORM_DATE};
    assert_true(fb_date_form_parse(form, &t.number));
    return run(t, text);
}

FB_TEST(dates_are_read_in_the_form_that_is_named)
{
    static const char *const rows[][3] = {
        {"M/D/YYYY", "7/4/1996", "1996-07-04"}, {"M/D/YYYY", "12/08/1948", "1948-12-08"},
        {"D/M/YYYY", "7/4/1996", "1996-04-07"}, {"D.M.YYYY", "31.12.2024", "2024-12-31"},
        {"YYYYMMDD", "20241029", "2024-10-29"}, {"ROC", "1131029", "2024-10-29"},
        {"ROC", "991231", "2010-12-31"},        {"ROC/M/D", "113/2/29", "2024-02-29"},
        {"YYYY/M/D", "2025/1/2", "2025-01-02"}, {"YYYY-MM-DD", "2025-01-02", "2025-01-02"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(as_date(rows[i][0], rows[i][1]), rows[i][2]);
    }
    assert_string_equal(as_date("M/D/YYYY", "31/12/2024"),
                        "!'31/12/2024' is no date of the form M/D/YYYY");
    assert_string_equal(as_date("ROC/M/D", "112/2/29"),
                        "!'112/2/29' is no date of the form ROC/M/D");
    assert_string_equal(as_date("YYYYMMDD", "soon"), "!'soon' is no date of the form YYYYMMDD");
}

FB_TEST(numbers_are_multiplied_exactly)
{
    static const struct {
        int64_t times;
        const char *text;
        const char *result;
    } rows[] = {{1000000, "1100.04", "1100040000"},
                {100, "0.05", "5"},
                {100, "0.155", "15.5"},
                {100, "-0.001", "-0.1"},
                {10, "1,234.5", "12345"},
                {1000000, "0", "0"},
                {-1, "2.50", "-2.5"},
                {2, "-2.5", "-5"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fb_transform t = {.kind = FB_TRANSFORM_TIMES, .number = rows[i].times};
        assert_string_equal(run(t, rows[i].text), rows[i].result);
    }
    struct fb_transform t = {.kind = FB_TRANSFORM_TIMES, .number = 10};
    assert_string_equal(run(t, "ten"), "!'ten' is no number such as 1234.50");
    assert_string_equal(run(t, "9999999999999999999"),
                        "!'9999999999999999999' is no number such as 1234.50");
}

FB_TEST(names_split_where_people_split_them)
{
    static const char *const rows[][3] = {
        {"Moses Frase", "Frase", "Moses"}, {"Ana María Prieto", "Prieto", "Ana María"},
        {"張安平", "張", "安平"},          {"欧阳修", "欧阳", "修"},
        {"諸葛孔明", "諸葛", "孔明"},      {"王", "王", NULL},
        {"Madonna", "Madonna", NULL},      {"台塑代表人：王文淵", "台塑代表人：王文淵", NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fb_transform family = {.kind = FB_TRANSFORM_NAME_PART};
        struct fb_transform given = {.kind = FB_TRANSFORM_NAME_PART, .number = 1};
        assert_string_equal(run(family, rows[i][0]), rows[i][1]);
        const char *result = run(given, rows[i][0]);
        if (rows[i][2] == NULL) {
            assert_null(result);
        } else {
            assert_string_equal(result, rows[i][2]);
        }
    }
}

FB_TEST(words_are_mapped_dropped_or_demanded)
{
    const char *words[] = {"technolgy", "?"};
    const char *results[] = {"technology", NULL};
    struct fb_transform map = {
        .kind = FB_TRANSFORM_MAP, .words = words, .results = results, .word_count = 2};
    assert_string_equal(run(map, "technolgy"), "technology");
    assert_string_equal(run(map, "retail"), "retail");
    assert_null(run(map, "?"));
    struct fb_transform is = {.kind = FB_TRANSFORM_IS, .words = words, .word_count = 1};
    assert_string_equal(run(is, "technolgy"), "technolgy");
    assert_null(run(is, "retail"));
    struct fb_transform nulls = {.kind = FB_TRANSFORM_NULLS, .words = words, .word_count = 2};
    assert_null(run(nulls, "?"));
    struct fb_transform becomes = {.kind = FB_TRANSFORM_BECOMES, .words = words, .word_count = 1};
    assert_string_equal(run(becomes, "anything"), "technolgy");
    assert_null(run(becomes, NULL));
    struct fb_transform slug = {.kind = FB_TRANSFORM_SLUG};
    assert_string_equal(run(slug, "  Mei-Mei  Johns!"), "mei.mei.johns");
    assert_null(run(slug, "!!"));
}

FB_TEST(blanks_of_every_width_are_trimmed)
{
    char wide[] = "\xE3\x80\x80 \xC2\xA0－ \t\xE3\x80\x80";
    assert_string_equal(fb_text_trim(wide), "－");
    char nothing[] = " \xE3\x80\x80\r\n";
    assert_null(fb_text_trim(nothing));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        FB_CASE(dates_are_read_in_the_form_that_is_named), FB_CASE(numbers_are_multiplied_exactly),
        FB_CASE(names_split_where_people_split_them), FB_CASE(words_are_mapped_dropped_or_demanded),
        FB_CASE(blanks_of_every_width_are_trimmed)};
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    fb_arena_release(&arena);
    return failed;
}
