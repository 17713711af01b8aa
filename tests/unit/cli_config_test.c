/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/cli/cli.h"
#include "common/cli/config.h"
#include "tests/lib/testlib.h"

static const struct fb_config_key KEYS[] = {
    {"server.listen", FB_CONFIG_TEXT, "127.0.0.1:7443", 0, 0, "where to listen"},
    {"log.level", FB_CONFIG_TEXT, "info", 0, 0, "how much to log"},
    {"sync.retry", FB_CONFIG_MS, "30s", 100, 3600000, "wait between tries"},
    {"sync.cache", FB_CONFIG_BYTES, "64MiB", 1 << 20, INT64_C(1) << 40, "memory for pages"},
    {"sync.eager", FB_CONFIG_BOOL, "yes", 0, 0, "push at once"},
    {NULL, FB_CONFIG_TEXT, NULL, 0, 0, NULL},
};

static int read_text(const char *text, struct fb_config **ret, struct fb_why *why)
{
    const char *path = fb_test_path("server.conf");
    assert_int_equal(fb_os_write_file(path, text, strlen(text), 0600, NULL), FB_OK);
    return fb_config_read(path, KEYS, ret, why);
}

FB_TEST(a_missing_file_gives_the_defaults)
{
    struct fb_config *c = NULL;
    assert_int_equal(fb_config_read(fb_test_path("none.conf"), KEYS, &c, NULL), FB_OK);
    assert_string_equal(fb_config_text(c, "server.listen"), "127.0.0.1:7443");
    assert_int_equal(fb_config_int(c, "sync.retry"), 30000);
    assert_int_equal(fb_config_int(c, "sync.cache"), 64 << 20);
    assert_string_equal(fb_config_origin(c, "sync.cache"), "default");
    fb_config_free(c);
}

FB_TEST(the_file_beats_the_default_and_says_its_line)
{
    struct fb_config *c = NULL;
    assert_int_equal(read_text("# a remark\n[sync]\nretry = 2 min\neager = no\n", &c, NULL), FB_OK);
    assert_int_equal(fb_config_int(c, "sync.retry"), 120000);
    assert_false(fb_config_bool(c, "sync.eager"));
    assert_string_equal(fb_config_origin(c, "sync.retry"), "server.conf:3");
    fb_config_free(c);
}

FB_TEST(a_setting_above_the_first_section_is_written_out)
{
    struct fb_why why;
    struct fb_config *c = NULL;
    assert_int_equal(read_text("log.level = debug\n[sync]\neager = no\n", &c, NULL), FB_OK);
    assert_string_equal(fb_config_text(c, "log.level"), "debug");
    fb_config_free(c);
    c = NULL;
    assert_int_equal(read_text("log.levle = debug\n", &c, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "no setting log.levle; did you mean log.level?"));
}

FB_TEST(an_unknown_setting_names_file_line_and_the_nearest_one)
{
    struct fb_why why;
    struct fb_config *c = NULL;
    assert_int_equal(read_text("[log]\nlevle = debug\n", &c, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "server.conf:2"));
    assert_non_null(strstr(why.text, "did you mean log.level?"));
}

FB_TEST(values_outside_their_type_or_range_are_refused)
{
    struct fb_why why;
    struct fb_config *c = NULL;
    assert_int_equal(read_text("[sync]\nretry = soon\n", &c, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "a time such as 30s"));
    assert_int_equal(read_text("[sync]\nretry = 2h\n", &c, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "outside its range"));
    assert_int_equal(read_text("[sync]\nretry = 9223372036854775807 d\n", &c, &why), FB_ERR_CONFIG);
    assert_int_equal(read_text("[sync]\nthis is no setting\n", &c, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, ":2"));
}

FB_TEST(the_environment_beats_the_file_and_a_flag_beats_both)
{
    struct fb_config *c = NULL;
    setenv("FIELDBOOK_LOG_LEVEL", "warn", 1);
    assert_int_equal(read_text("[log]\nlevel = debug\n", &c, NULL), FB_OK);
    unsetenv("FIELDBOOK_LOG_LEVEL");
    assert_string_equal(fb_config_text(c, "log.level"), "warn");
    assert_string_equal(fb_config_origin(c, "log.level"), "FIELDBOOK_LOG_LEVEL");
    assert_int_equal(fb_config_override(c, "log.level", "error", "--log", NULL), FB_OK);
    assert_string_equal(fb_config_text(c, "log.level"), "error");
    fb_config_free(c);
}

FB_TEST(a_mistyped_word_finds_its_neighbour_and_a_strange_one_none)
{
    static const char *const WORDS[] = {"conflict list", "conflict rule", "invite", "status", NULL};
    assert_string_equal(fb_cli_nearest("confict list", WORDS), "conflict list");
    assert_string_equal(fb_cli_nearest("satus", WORDS), "status");
    assert_null(fb_cli_nearest("telephone", WORDS));
}

FB_MAIN(FB_CASE(a_missing_file_gives_the_defaults),
        FB_CASE(the_file_beats_the_default_and_says_its_line),
        FB_CASE(a_setting_above_the_first_section_is_written_out),
        FB_CASE(an_unknown_setting_names_file_line_and_the_nearest_one),
        FB_CASE(values_outside_their_type_or_range_are_refused),
        FB_CASE(the_environment_beats_the_file_and_a_flag_beats_both),
        FB_CASE(a_mistyped_word_finds_its_neighbour_and_a_strange_one_none))
