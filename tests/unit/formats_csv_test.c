/* SPDX-License-Identifier: MIT */
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "common/formats/csv.h"
#include "tests/unit/formats_testing.h"

static struct fb_csv *open_bytes(const void *bytes, size_t size)
{
    struct fb_csv *csv = NULL;
    struct fb_why why = {""};
    if (fb_csv_open(write_bytes("in.csv", bytes, size), NULL, &csv, &why) < 0) {
        fail_msg("%s", why.text);
    }
    return csv;
}

static struct fb_csv *open_text(const char *text)
{
    return open_bytes(text, strlen(text));
}

static const char *refusal_of(const void *bytes, size_t size, int error)
{
    static struct fb_why why;
    struct fb_csv *csv = NULL;
    why.text[0] = 0;
    assert_int_equal(fb_csv_open(write_bytes("in.csv", bytes, size), NULL, &csv, &why), error);
    return why.text;
}

static void expect_cells(const struct fb_csv_line *line, const char *first, const char *second)
{
    assert_int_equal(line->count, 2);
    assert_string_equal(line->cells[0], first);
    assert_string_equal(line->cells[1], second);
}

static void expect_line(struct fb_csv *csv, long long number, const char *first, const char *second)
{
    struct fb_csv_line line;
    struct fb_why why = {""};
    if (fb_csv_next(csv, &line, &why) != FB_CSV_LINE) {
        fail_msg("no line: %s", why.text);
    }
    expect_cells(&line, first, second);
    assert_int_equal(line.number, number);
}

static void expect_end(struct fb_csv *csv)
{
    struct fb_csv_line line;
    struct fb_why why = {""};
    assert_int_equal(fb_csv_next(csv, &line, &why), FB_CSV_END);
    fb_csv_free(csv);
}

#define CHINESE "名称,城市\r\n臺灣水泥股份有限公司,台北市\r\n北京同仁堂,北京\r\n"

static size_t encode(const char *encoding, const char *text, char *out, size_t out_size)
{
    iconv_t converter = iconv_open(encoding, "UTF-8");
    assert_true(converter != (iconv_t)-1);
    char *copy = strdup(text);
    char *in = copy;
    size_t in_left = strlen(text);
    size_t left = out_size;
    assert_int_equal(iconv(converter, &in, &in_left, &out, &left), 0);
    iconv_close(converter);
    free(copy);
    return out_size - left;
}

static void read_chinese(const char *encoding, const char *mark, size_t mark_size,
                         const char *expected)
{
    char bytes[1024];
    memcpy(bytes, mark, mark_size);
    size_t size =
        mark_size + encode(encoding, CHINESE, bytes + mark_size, sizeof(bytes) - mark_size);
    struct fb_csv *csv = open_bytes(bytes, size);
    assert_string_equal(fb_csv_encoding(csv), expected);
    expect_cells(fb_csv_heading(csv), "名称", "城市");
    expect_line(csv, 2, "臺灣水泥股份有限公司", "台北市");
    expect_line(csv, 3, "北京同仁堂", "北京");
    expect_end(csv);
}

FB_TEST(the_encoding_is_found_from_the_bytes)
{
    read_chinese("UTF-8", "", 0, "UTF-8");
    read_chinese("UTF-8", "\xEF\xBB\xBF", 3, "UTF-8");
    read_chinese("GB18030", "", 0, "GB18030");
    read_chinese("UTF-16LE", "\xFF\xFE", 2, "UTF-16LE");
    read_chinese("UTF-16BE", "\xFE\xFF", 2, "UTF-16BE");
    read_chinese("UTF-16LE", "", 0, "UTF-16LE");
    read_chinese("UTF-16BE", "", 0, "UTF-16BE");
}

FB_TEST(western_letters_are_not_guessed_to_be_chinese)
{
    static const char latin1[] = "name,city\nM\xFCller,M\xFCnchen\nGr\xE9goire,Orl\xE9"
                                 "ans\n";
    assert_non_null(
        strstr(refusal_of(latin1, sizeof(latin1) - 1, FB_ERR_INVALID), "save it as UTF-8"));
    struct fb_csv *csv = NULL;
    struct fb_why why = {""};
    struct fb_csv_options options = {.encoding = "windows-1252"};
    assert_int_equal(
        fb_csv_open(write_bytes("in.csv", latin1, sizeof(latin1) - 1), &options, &csv, &why),
        FB_OK);
    expect_line(csv, 2, "Müller", "München");
    fb_csv_free(csv);
}

FB_TEST(a_file_that_is_no_text_is_refused_with_what_to_do)
{
    static const char zip[] = "PK\x03\x04\x00\x00\x01\x02\xFF\x00\x00\x81";
    assert_non_null(strstr(refusal_of(zip, sizeof(zip) - 1, FB_ERR_INVALID), "export it as CSV"));
    assert_non_null(strstr(refusal_of("", 0, FB_ERR_INVALID), "first line must name the columns"));
    static const char broken[] = "\xEF\xBB\xBFname,city\nok,ok\n\xC3\x28,x\n";
    assert_non_null(strstr(refusal_of(broken, sizeof(broken) - 1, FB_ERR_INVALID), "line 3"));
    struct fb_csv_options options = {.encoding = "klingon"};
    struct fb_csv *csv = NULL;
    struct fb_why why = {""};
    assert_int_equal(fb_csv_open(write_text("in.csv", "a,b\n"), &options, &csv, &why),
                     FB_ERR_INVALID);
    assert_int_equal(fb_csv_open(fb_test_path("none.csv"), NULL, &csv, &why), FB_ERR_NOT_FOUND);
}

FB_TEST(the_separator_is_found_in_the_heading)
{
    struct fb_csv *csv = open_text("name;city, country\na;b,c\n");
    assert_int_equal(fb_csv_separator(csv), ';');
    expect_line(csv, 2, "a", "b,c");
    expect_end(csv);
    csv = open_text("\"a;b;c;d\"\tcity\nx\ty\n");
    assert_int_equal(fb_csv_separator(csv), '\t');
    expect_end((expect_line(csv, 2, "x", "y"), csv));
}

FB_TEST(quotes_line_breaks_and_blank_lines_are_read_as_people_write_them)
{
    struct fb_csv *csv = open_text("name,note\n"
                                   "\"Smith, \"\"Joe\"\"\",\"two\nlines\"\n"
                                   "\n"
                                   "after,\"it\r\n\r\nis line 5\"\n"
                                   "last,no line end");
    expect_line(csv, 2, "Smith, \"Joe\"", "two\nlines");
    expect_line(csv, 5, "after", "it\r\n\r\nis line 5");
    expect_line(csv, 8, "last", "no line end");
    expect_end(csv);
}

FB_TEST(old_line_ends_count_too)
{
    struct fb_csv *csv = open_text("a,b\r1,2\r3,4");
    expect_line(csv, 2, "1", "2");
    expect_line(csv, 3, "3", "4");
    expect_end(csv);
    csv = open_text("a,b\r\n1,2\r3,4\n5,6\r\r7,8\n\n9,0");
    expect_line(csv, 2, "1", "2");
    expect_line(csv, 3, "3", "4");
    expect_line(csv, 4, "5", "6");
    expect_line(csv, 6, "7", "8");
    expect_line(csv, 8, "9", "0");
    expect_end(csv);
}

FB_TEST(a_quote_that_nobody_closes_names_its_line)
{
    struct fb_csv *csv = open_text("a,b\n1,2\n3,\"four\n5,6\n");
    struct fb_csv_line line;
    struct fb_why why = {""};
    expect_line(csv, 2, "1", "2");
    assert_int_equal(fb_csv_next(csv, &line, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "line 3"));
    assert_int_equal(fb_csv_next(csv, &line, &why), FB_CSV_END);
    fb_csv_free(csv);
}

FB_TEST(a_line_without_end_does_not_fill_the_memory)
{
    size_t size = (size_t)6 * 1024 * 1024;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    memcpy(bytes, "a,b\n1,\"", 7);
    struct fb_csv *csv = open_bytes(bytes, size);
    struct fb_csv_line line;
    struct fb_why why = {""};
    assert_int_equal(fb_csv_next(csv, &line, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "line 2"));
    fb_csv_free(csv);
    free(bytes);
}

FB_TEST(pieces_of_the_file_may_break_anywhere)
{
    /* Chunks of 64 KiB end within characters, quotes and line ends. */
    static const char line[] = "\"名称，很长 \"\"x\"\"\",北京\r\n";
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 16 * 1024 * 1024);
    fb_buf_append_text(&text, "name,city\r\n");
    for (int i = 0; i < 20000; i++) {
        fb_buf_append_text(&text, line);
    }
    size_t gb_size = text.size * 2;
    char *gb = malloc(gb_size);
    assert_non_null(gb);
    gb_size = encode("GB18030", fb_buf_text(&text), gb, gb_size);
    struct fb_csv *as_utf8 = open_bytes(text.bytes, text.size);
    struct fb_csv *as_gb = open_bytes(gb, gb_size);
    assert_string_equal(fb_csv_encoding(as_gb), "GB18030");
    for (int i = 0; i < 20000; i++) {
        expect_line(as_utf8, i + 2, "名称，很长 \"x\"", "北京");
        expect_line(as_gb, i + 2, "名称，很长 \"x\"", "北京");
    }
    expect_end(as_utf8);
    expect_end(as_gb);
    free(gb);
}

FB_MAIN(FB_CASE(the_encoding_is_found_from_the_bytes),
        FB_CASE(western_letters_are_not_guessed_to_be_chinese),
        FB_CASE(a_file_that_is_no_text_is_refused_with_what_to_do),
        FB_CASE(the_separator_is_found_in_the_heading),
        FB_CASE(quotes_line_breaks_and_blank_lines_are_read_as_people_write_them),
        FB_CASE(old_line_ends_count_too), FB_CASE(a_quote_that_nobody_closes_names_its_line),
        FB_CASE(a_line_without_end_does_not_fill_the_memory),
        FB_CASE(pieces_of_the_file_may_break_anywhere))
