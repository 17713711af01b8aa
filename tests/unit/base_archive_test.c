/* SPDX-License-Identifier: MIT
 *
 * An archive comes back as it went in, or not at all.
 */
#include <string.h>

#include "common/base/archive.h"
#include "common/base/archive_inside.h"
#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "tests/lib/testlib.h"

static void put(const char *name, const void *bytes, size_t size, unsigned mode)
{
    assert_int_equal(fb_os_write_file(fb_test_path(name), bytes, size, mode, NULL), FB_OK);
}

static void expect_content(const char *path, const void *bytes, size_t size, unsigned mode)
{
    FB_AUTO(fb_buf_release) struct fb_buf content;
    unsigned found_mode = 0;
    fb_buf_init(&content, 1 << 24);
    assert_int_equal(fb_os_read_file(path, &content, NULL), FB_OK);
    assert_int_equal(content.size, size);
    assert_true(size == 0 || memcmp(content.bytes, bytes, size) == 0);
    assert_int_equal(fb_os_file_mode(path, &found_mode), FB_OK);
    assert_int_equal(found_mode, mode);
}

static uint8_t noise[700001];

/* Three members: empty, of exactly one block, of many. */
static void make_archive(const char *path)
{
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        noise[i] = (uint8_t)(state >> 60);
    }
    put("empty", "", 0, 0644);
    put("block", noise, FB_TAR_BLOCK, 0600);
    put("large", noise, sizeof noise, 0640);
    FB_AUTO(fb_archive_drop) struct fb_archive *a = NULL;
    int64_t bytes = 0;
    assert_int_equal(fb_archive_new(path, NULL, NULL, &a, NULL), FB_OK);
    assert_int_equal(fb_archive_add(a, "empty", fb_test_path("empty"), 0644, NULL), FB_OK);
    assert_int_equal(fb_archive_add(a, "keys/block", fb_test_path("block"), 0600, NULL), FB_OK);
    assert_int_equal(fb_archive_add(a, "large", fb_test_path("large"), 0640, NULL), FB_OK);
    assert_int_equal(fb_archive_finish(a, &bytes, NULL), FB_OK);
    int64_t size = 0;
    assert_int_equal(fb_os_file_bytes(path, &size), FB_OK);
    assert_int_equal(bytes, size);
}

FB_TEST(members_come_back_with_their_modes)
{
    make_archive(fb_test_path("whole"));
    assert_int_equal(fb_os_make_folder(fb_test_path("into"), NULL), FB_OK);
    assert_int_equal(
        fb_archive_unpack(fb_test_path("whole"), fb_test_path("into"), NULL, NULL, NULL), FB_OK);
    expect_content(fb_test_path("into/empty"), "", 0, 0644);
    expect_content(fb_test_path("into/keys/block"), noise, FB_TAR_BLOCK, 0600);
    expect_content(fb_test_path("into/large"), noise, sizeof noise, 0640);
    assert_false(fb_os_file_exists(fb_test_path("into/SHA256SUMS")));
    assert_int_equal(fb_os_remove_folder(fb_test_path("into"), NULL), FB_OK);
    assert_false(fb_os_file_exists(fb_test_path("into")));
}

FB_TEST(a_file_that_is_there_is_never_replaced)
{
    struct fb_archive *a = NULL;
    put("taken", "mine", 4, 0600);
    assert_int_equal(fb_archive_new(fb_test_path("taken"), NULL, NULL, &a, NULL), FB_ERR_EXISTS);
    /* Nor one that comes meanwhile. */
    int64_t bytes = 0;
    assert_int_equal(fb_archive_new(fb_test_path("late"), NULL, NULL, &a, NULL), FB_OK);
    put("came", "mine", 4, 0600);
    assert_int_equal(fb_os_rename(fb_test_path("came"), fb_test_path("late"), NULL), FB_OK);
    assert_int_equal(fb_archive_finish(a, &bytes, NULL), FB_ERR_EXISTS);
    fb_archive_free(a);
    expect_content(fb_test_path("late"), "mine", 4, 0600);
    assert_false(fb_os_file_exists(fb_test_path("late.new")));
}

FB_TEST(a_cut_off_or_changed_archive_is_damaged)
{
    make_archive(fb_test_path("victim"));
    FB_AUTO(fb_buf_release) struct fb_buf whole;
    fb_buf_init(&whole, 1 << 24);
    assert_int_equal(fb_os_read_file(fb_test_path("victim"), &whole, NULL), FB_OK);
    size_t step = whole.size / 97 + 1;
    for (size_t at = 0; at < whole.size; at += step) {
        put("cut", whole.bytes, at, 0600);
        assert_int_equal(fb_archive_unpack(fb_test_path("cut"), NULL, NULL, NULL, NULL),
                         FB_ERR_DAMAGED);
        whole.bytes[at] ^= 1;
        put("cut", whole.bytes, whole.size, 0600);
        assert_int_equal(fb_archive_unpack(fb_test_path("cut"), NULL, NULL, NULL, NULL),
                         FB_ERR_DAMAGED);
        whole.bytes[at] ^= 1;
    }
}

FB_TEST(names_stay_below_their_folder)
{
    static const char *const BAD[] = {"",     "/etc/passwd", "../up", "a/../b", "a/b/c",
                                      "tls/", ".hidden",     "a b",   "tls/.x"};
    static const char *const GOOD[] = {"fieldbook.db", "tls/root.key", "A-1_b.c"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(fb_tar_name_is_safe(BAD[i]));
    }
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_true(fb_tar_name_is_safe(GOOD[i]));
    }
}

static bool stop_at_once(void *ctx, int64_t done)
{
    (void)done;
    ++*(int *)ctx;
    return false;
}

FB_TEST(work_that_is_stopped_leaves_nothing)
{
    int calls = 0;
    struct fb_archive *a = NULL;
    make_archive(fb_test_path("other"));
    assert_int_equal(fb_archive_new(fb_test_path("stopped"), stop_at_once, &calls, &a, NULL),
                     FB_OK);
    assert_int_equal(fb_archive_add(a, "large", fb_test_path("large"), 0600, NULL),
                     FB_ERR_INTERRUPTED);
    fb_archive_free(a);
    assert_int_equal(calls, 1);
    assert_false(fb_os_file_exists(fb_test_path("stopped")));
    assert_false(fb_os_file_exists(fb_test_path("stopped.new")));
    assert_int_equal(fb_archive_unpack(fb_test_path("other"), NULL, stop_at_once, &calls, NULL),
                     FB_ERR_INTERRUPTED);
}

FB_MAIN(FB_CASE(members_come_back_with_their_modes),
        FB_CASE(a_file_that_is_there_is_never_replaced),
        FB_CASE(a_cut_off_or_changed_archive_is_damaged), FB_CASE(names_stay_below_their_folder),
        FB_CASE(work_that_is_stopped_leaves_nothing))
