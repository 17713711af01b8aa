/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/base/value.h"
#include "tests/lib/testlib.h"

FB_TEST(an_id_is_a_version_7_uuid_that_survives_the_way_to_bytes_and_back)
{
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, 4711);
    char id[FB_ROW_ID_SIZE];
    fb_id_make(INT64_C(1700000000123), &random, id);
    assert_true(fb_id_is_valid(id, strlen(id)));
    assert_memory_equal(id, "018bcfe5-687b-7", 15);
    assert_non_null(strchr("89ab", id[19]));
    uint8_t bytes[FB_ROW_ID_BYTES];
    char again[FB_ROW_ID_SIZE];
    fb_id_to_bytes(id, bytes);
    fb_id_from_bytes(bytes, again);
    assert_string_equal(id, again);
}

FB_TEST(ids_in_other_forms_are_not_ids)
{
    static const char *const WRONG[] = {"",
                                        "018bcfe5-687b-7000-8000-00000000000",
                                        "018BCFE5-687b-7000-8000-000000000000",
                                        "018bcfe5_687b-7000-8000-000000000000",
                                        "018bcfe5-687b-7000-8000-00000000000g",
                                        "018bcfe5-687b-7000-8000-0000000000000"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        assert_false(fb_id_is_valid(WRONG[i], strlen(WRONG[i])));
    }
}

FB_TEST(a_seed_gives_the_same_bytes_again)
{
    uint64_t a_state;
    uint64_t b_state;
    struct fb_random a = fb_random_seeded(&a_state, 7);
    struct fb_random b = fb_random_seeded(&b_state, 7);
    assert_true(fb_random_u64(&a) == fb_random_u64(&b));
    assert_true(fb_random_u64(&a) != fb_random_u64(&a));
}

FB_TEST(instants_and_dates_are_read_in_exactly_one_form)
{
    char text[FB_INSTANT_SIZE];
    int64_t ms = 0;
    fb_instant_format(INT64_C(1700000000123), text);
    assert_string_equal(text, "2023-11-14T22:13:20.123Z");
    assert_true(fb_instant_parse(text, strlen(text), &ms));
    assert_true(ms == INT64_C(1700000000123));
    fb_instant_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    assert_false(fb_instant_parse("2023-11-14 22:13:20.123Z", 24, &ms));
    assert_false(fb_instant_parse("2023-02-29T00:00:00.000Z", 24, &ms));
    assert_true(fb_date_is_valid("2024-02-29", 10));
    assert_false(fb_date_is_valid("2023-02-29", 10));
    assert_false(fb_date_is_valid("2023-2-9", 8));
    assert_false(fb_date_is_valid("1900-02-29", 10));
}

FB_TEST(every_day_of_ten_thousand_years_formats_and_reads_back)
{
    for (int64_t day = fb_days_from_date(0, 1, 1); day <= fb_days_from_date(9999, 12, 31);
         day += 17) {
        char text[FB_INSTANT_SIZE];
        int64_t ms = 0;
        fb_instant_format(day * 86400000 + 1, text);
        assert_true(fb_instant_parse(text, strlen(text), &ms));
        assert_true(ms == day * 86400000 + 1);
    }
}

FB_TEST(utf8_is_held_to_its_rfc)
{
    assert_true(fb_utf8_is_valid("东华精密 \xF0\x9F\x98\x80", 17));
    static const char *const WRONG[] = {
        "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",    "\xE4\xB8",
        "\x80",     "abcdefgh\xFF", "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        assert_false(fb_utf8_is_valid(WRONG[i], strlen(WRONG[i])));
    }
}

FB_TEST(values_are_equal_by_type_and_content)
{
    struct fb_value one = fb_value_int(1);
    struct fb_value text = fb_value_text("1");
    struct fb_value blob = fb_value_blob("1", 1);
    struct fb_value null = FB_VALUE_NULL;
    struct fb_value absent = {0};
    assert_true(fb_value_equal(&one, &one));
    assert_false(fb_value_equal(&one, &text));
    assert_false(fb_value_equal(&text, &blob));
    assert_false(fb_value_equal(&null, &absent));
    assert_true(fb_value_compare(&null, &one) < 0);
    assert_true(fb_value_compare(&one, &text) < 0);
}

FB_TEST(a_value_is_a_text_only_if_it_is_the_whole_of_it)
{
    struct fb_value open = fb_value_text_n("opened", 4);
    struct fb_value blob = fb_value_blob("open", 4);
    struct fb_value none = FB_VALUE_NULL;
    struct fb_value nothing = fb_value_text("");
    assert_true(fb_value_is_text(&open, "open"));
    assert_false(fb_value_is_text(&open, "opened"));
    assert_false(fb_value_is_text(&open, "ope"));
    assert_false(fb_value_is_text(&blob, "open"));
    assert_true(fb_value_is_text(&nothing, ""));
    assert_false(fb_value_is_text(&none, ""));
}

FB_TEST(only_a_text_of_an_ids_length_gives_an_id)
{
    static const char ID[FB_ROW_ID_SIZE] = "018bcfe5-687b-7000-8000-000000000001";
    static const char OTHER[FB_ROW_ID_SIZE] = "018bcfe5-687b-7000-8000-000000000002";
    static const char NOBODY[FB_ROW_ID_SIZE] = "";
    char id[FB_ROW_ID_SIZE] = "kept";
    struct fb_value v = fb_value_text(ID);
    struct fb_value shorter = fb_value_text_n(ID, FB_ROW_ID_SIZE - 2);
    struct fb_value blob = fb_value_blob(ID, FB_ROW_ID_SIZE - 1);
    struct fb_value nothing = fb_value_text("");
    assert_false(fb_value_to_id(&shorter, id));
    assert_false(fb_value_to_id(&blob, id));
    assert_string_equal(id, "kept");
    assert_true(fb_value_to_id(&v, id));
    assert_string_equal(id, ID);
    assert_true(fb_value_is_id(&v, ID));
    assert_false(fb_value_is_id(&v, OTHER));
    assert_false(fb_value_is_id(&shorter, ID));
    assert_false(fb_value_is_id(&nothing, NOBODY));
}

FB_TEST(values_become_json_without_loss)
{
    FB_AUTO(fb_buf_release) struct fb_buf buf;
    fb_buf_init(&buf, 1024);
    struct fb_value text = fb_value_text("a\"b\\\n\x01 名");
    struct fb_value broken = fb_value_text_n("\xFF\x00", 2);
    struct fb_value number = fb_value_int(INT64_MIN);
    fb_value_append_json(&buf, &text);
    fb_value_append_json(&buf, &broken);
    fb_value_append_json(&buf, &number);
    assert_int_equal(fb_buf_error(&buf), FB_OK);
    assert_string_equal(fb_buf_text(&buf),
                        "\"a\\\"b\\\\\\n\\u0001 名\"{\"$hex\":\"ff00\"}-9223372036854775808");
}

FB_TEST(a_buffer_never_passes_its_maximum_and_remembers_that)
{
    FB_AUTO(fb_buf_release) struct fb_buf buf;
    fb_buf_init(&buf, 10);
    fb_buf_append_text(&buf, "12345678");
    fb_buf_append_text(&buf, "abc");
    fb_buf_append_text(&buf, "x");
    assert_int_equal(fb_buf_error(&buf), FB_ERR_LIMIT);
    assert_string_equal(fb_buf_text(&buf), "12345678");
    fb_buf_consume(&buf, 6);
    assert_string_equal(fb_buf_text(&buf), "78");
}

FB_TEST(an_arena_keeps_to_its_limit)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 20000);
    assert_non_null(fb_arena_alloc(&arena, 15000));
    assert_null(fb_arena_alloc(&arena, 15000));
    assert_true(arena.bytes_held <= 20000);
    fb_arena_clear(&arena);
    assert_non_null(fb_arena_alloc(&arena, 15000));
}

FB_TEST(digests_do_not_ask_for_an_order_and_can_be_taken_back)
{
    struct fb_digest a = fb_digest_of("a", 1);
    struct fb_digest b = fb_digest_of("b", 1);
    struct fb_digest ab = {0};
    struct fb_digest ba = {0};
    fb_digest_add(&ab, &a);
    fb_digest_add(&ab, &b);
    fb_digest_add(&ba, &b);
    fb_digest_add(&ba, &a);
    assert_true(fb_digest_equal(&ab, &ba));
    fb_digest_subtract(&ab, &b);
    assert_true(fb_digest_equal(&ab, &a));
}

FB_TEST(a_sentence_is_cut_at_a_characters_border)
{
    struct fb_why why;
    char text[FB_WHY_SIZE + 100];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + FB_WHY_SIZE - 2, "名", 3);
    fb_why_set(&why, "%s", text);
    assert_int_equal(strlen(why.text), FB_WHY_SIZE - 2);
}

FB_TEST(a_file_others_can_read_is_no_place_for_a_key)
{
    struct fb_why why;
    const char *path = fb_test_path("key");
    assert_int_equal(fb_os_write_file(path, "k", 1, 0600, NULL), FB_OK);
    assert_int_equal(fb_os_check_private(path, &why), FB_OK);
    assert_int_equal(fb_os_write_file(path, "k", 1, 0644, NULL), FB_OK);
    assert_int_equal(fb_os_check_private(path, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "chmod 600"));
}

FB_TEST(a_folder_has_one_holder)
{
    struct fb_why why;
    int lock = -1;
    int second = -1;
    assert_int_equal(fb_os_lock_folder(fb_test_folder(), &lock, &why), FB_OK);
    assert_int_equal(fb_os_lock_folder(fb_test_folder(), &second, &why), FB_ERR_BUSY);
    assert_non_null(strstr(why.text, "stop it first"));
    fb_os_unlock(lock);
    assert_int_equal(fb_os_lock_folder(fb_test_folder(), &second, &why), FB_OK);
    fb_os_unlock(second);
}

FB_MAIN(FB_CASE(an_id_is_a_version_7_uuid_that_survives_the_way_to_bytes_and_back),
        FB_CASE(ids_in_other_forms_are_not_ids), FB_CASE(a_seed_gives_the_same_bytes_again),
        FB_CASE(instants_and_dates_are_read_in_exactly_one_form),
        FB_CASE(every_day_of_ten_thousand_years_formats_and_reads_back),
        FB_CASE(utf8_is_held_to_its_rfc), FB_CASE(values_are_equal_by_type_and_content),
        FB_CASE(a_value_is_a_text_only_if_it_is_the_whole_of_it),
        FB_CASE(only_a_text_of_an_ids_length_gives_an_id), FB_CASE(values_become_json_without_loss),
        FB_CASE(a_buffer_never_passes_its_maximum_and_remembers_that),
        FB_CASE(an_arena_keeps_to_its_limit),
        FB_CASE(digests_do_not_ask_for_an_order_and_can_be_taken_back),
        FB_CASE(a_sentence_is_cut_at_a_characters_border),
        FB_CASE(a_file_others_can_read_is_no_place_for_a_key), FB_CASE(a_folder_has_one_holder))
