/* SPDX-License-Identifier: MIT */
#include "common/store/outbox.h"
#include "tests/unit/store_testing.h"

static void add_push(struct fb_store *s, int64_t number, const char *body)
{
    struct fb_push push = {.number = number,
                           .incarnation = 3,
                           .timeline = ID_A,
                           .prev_hash = fb_sha256("a", 1, NULL, 0),
                           .hash = fb_sha256("b", 1, NULL, 0),
                           .parts = 1,
                           .changes = 10 * number,
                           .made_at_ms = 100 * number};
    expect_ok(s, fb_outbox_add_part(s, number, 0, body, strlen(body)));
    expect_ok(s, fb_outbox_add(s, &push));
}

static struct fb_store *store_with_pushes(int count)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    for (int i = 1; i <= count; i++) {
        add_push(s, i, i % 2 == 0 ? "even" : "odd");
    }
    return s;
}

static int add_number(void *ctx, const struct fb_push *push)
{
    char *text = ctx;
    sprintf(text + strlen(text), "%d", (int)push->number);
    return FB_OK;
}

static void expect_uncovered(struct fb_store *s, const char *numbers)
{
    char text[100] = "";
    expect_ok(s, fb_outbox_each_uncovered(s, add_number, text));
    assert_string_equal(text, numbers);
}

FB_TEST(a_push_comes_back_as_it_was_frozen)
{
    struct fb_store *s = store_with_pushes(2);
    struct fb_push push = {0};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    struct fb_sha256 hash = fb_sha256("b", 1, NULL, 0);
    expect_ok(s, fb_outbox_get(s, 1, &push));
    assert_int_equal(push.incarnation, 3);
    assert_string_equal(push.timeline, ID_A);
    assert_true(fb_sha256_equal(&push.hash, &hash));
    assert_int_equal(push.changes, 10);
    assert_int_equal(push.made_at_ms, 100);
    assert_int_equal(push.acked_at_ms, 0);
    expect_ok(s, fb_outbox_part(s, 1, 0, &bytes, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "odd", 3);
    expect_ok(s, fb_outbox_part(s, 2, 0, &bytes, &size));
    assert_memory_equal(bytes, "even", 4);
    expect_ok(s, fb_outbox_last(s, &push));
    assert_int_equal(push.number, 2);
    fb_store_close(s);
}

FB_TEST(what_is_not_in_the_outbox_is_not_found)
{
    struct fb_store *s = store_with_pushes(0);
    struct fb_push push = {.number = 7};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    assert_int_equal(fb_outbox_get(s, 1, &push), FB_ERR_NOT_FOUND);
    assert_int_equal(fb_outbox_part(s, 1, 0, &bytes, &size), FB_ERR_NOT_FOUND);
    expect_ok(s, fb_outbox_last(s, &push));
    assert_int_equal(push.number, 0);
    fb_store_close(s);
}

FB_TEST(a_push_is_pending_until_acknowledged_and_open_until_a_cut_covers_it)
{
    struct fb_store *s = store_with_pushes(4);
    int64_t pushes = 0;
    int64_t changes = 0;
    expect_ok(s, fb_outbox_mark_acked(s, 3, 500));
    expect_ok(s, fb_outbox_mark_covered(s, 2, 77, 500));
    expect_ok(s, fb_outbox_count(s, &pushes, &changes));
    assert_int_equal(pushes, 1);
    assert_int_equal(changes, 40);
    expect_uncovered(s, "34");
    expect_ok(s, fb_outbox_mark_acked(s, 4, 900));
    expect_ok(s, fb_outbox_mark_covered(s, 4, 80, 900));
    expect_uncovered(s, "");
    struct fb_push push;
    expect_ok(s, fb_outbox_get(s, 1, &push)); /* later marks leave it as it was */
    assert_int_equal(push.acked_at_ms, 500);
    assert_int_equal(push.covered_rev, 77);
    fb_store_close(s);
}

FB_TEST(a_cut_cannot_cover_what_was_not_acknowledged)
{
    struct fb_store *s = store_with_pushes(2);
    expect_ok(s, fb_outbox_mark_acked(s, 1, 500));
    expect_ok(s, fb_outbox_mark_covered(s, 2, 77, 500));
    expect_uncovered(s, "2");
    fb_store_close(s);
}

FB_TEST(old_answered_pushes_go_but_never_the_newest)
{
    struct fb_store *s = store_with_pushes(4);
    expect_ok(s, fb_outbox_mark_acked(s, 4, 1));
    expect_ok(s, fb_outbox_mark_covered(
                     s, 1, 5,
                     100)); /* by headquarters' clock: what the laptop's said at the ack is gone */
    expect_ok(s, fb_outbox_mark_covered(s, 2, 5, 200));
    expect_ok(s, fb_outbox_expire(s, 150));
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_push"), 3);
    expect_ok(s, fb_outbox_expire(s, 1000));
    assert_int_equal(ask(s, "SELECT min(number) FROM fb_push"), 3);
    assert_int_equal(ask(s, "SELECT count(*) FROM fb_push_part"), 2);
    expect_ok(s, fb_outbox_mark_covered(s, 4, 6, 200));
    expect_ok(s, fb_outbox_expire(s, 1000));
    assert_int_equal(ask(s, "SELECT min(number) FROM fb_push"), 4);
    fb_store_close(s);
}

FB_TEST(what_an_earlier_life_delivered_is_kept_and_can_be_offered_again_before_what_is_new)
{
    struct fb_store *s = store_with_pushes(4);
    struct fb_push push = {0};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    char text[100] = "";
    bool is_any = true;
    expect_ok(s, fb_outbox_offer_kept(s, &is_any));
    assert_false(is_any);
    expect_ok(s, fb_outbox_mark_acked(s, 3, 500));
    expect_ok(s, fb_outbox_keep_acked(s));
    expect_ok(s, fb_outbox_get(s, 0, &push));
    assert_int_equal(push.changes, 30);
    assert_int_equal(push.origin.incarnation, 3);
    assert_int_equal(push.origin.number, 3);
    assert_true(fb_sha256_equal(&push.origin.hash, &push.hash));
    expect_ok(s, fb_outbox_get(s, -2, &push));
    assert_int_equal(push.changes, 10);
    expect_ok(s, fb_outbox_part(s, -1, 0, &bytes, &size));
    assert_memory_equal(bytes, "even", 4);
    expect_uncovered(s, "4");
    /* The next life numbers from 1 and ends, too. */
    expect_ok(s, fb_outbox_get(s, 4, &push));
    push.number = 1;
    push.incarnation = 9;
    expect_ok(s, fb_outbox_renumber(s, 4, &push));
    expect_ok(s, fb_outbox_mark_acked(s, 1, 600));
    expect_ok(s, fb_outbox_keep_acked(s));
    expect_ok(s, fb_outbox_get(s, -3, &push));
    assert_int_equal(push.origin.incarnation, 9);
    expect_ok(s, fb_outbox_last(s, &push));
    assert_int_equal(push.number, 0);
    add_push(s, 1, "new");
    expect_ok(s, fb_outbox_offer_kept(s, &is_any));
    assert_true(is_any);
    expect_ok(s, fb_outbox_each_pending(s, add_number, text));
    assert_string_equal(text, "-2-10-31");
    fb_store_close(s);
}

FB_TEST(kept_pushes_of_earlier_lives_grow_old_like_others)
{
    struct fb_store *s = store_with_pushes(2);
    expect_ok(s, fb_outbox_mark_acked(s, 1, 100));
    expect_ok(s, fb_outbox_keep_acked(s));
    expect_ok(s, fb_outbox_expire(s, 100));
    assert_int_equal(ask(s, "SELECT min(number) FROM fb_push"), 0);
    expect_ok(s, fb_outbox_expire(s, 101));
    assert_int_equal(ask(s, "SELECT min(number) FROM fb_push"), 2);
    fb_store_close(s);
}

static int add_chunk(void *ctx, const uint8_t *bytes, size_t size)
{
    strncat(ctx, (const char *)bytes, size);
    return FB_OK;
}

FB_TEST(staged_chunks_come_back_in_order_with_the_place_to_go_on)
{
    struct fb_store *s = new_store(FB_NODE_REPLICA);
    struct fb_buf position;
    int64_t rev = 0;
    int64_t rows = 0;
    char text[20] = "";
    fb_buf_init(&position, 100);
    assert_int_equal(fb_stage_position(s, &position, &rev, &rows), FB_ERR_NOT_FOUND);
    expect_ok(s, fb_stage_add(s, 9, 100, "ab", 2, "p1", 2));
    expect_ok(s, fb_stage_add(s, 7, 50, "cd", 2, "p2", 2));
    expect_ok(s, fb_stage_add(s, 8, 1, "", 0, "p3", 2));
    expect_ok(s, fb_stage_position(s, &position, &rev, &rows));
    assert_string_equal(fb_buf_text(&position), "p3");
    assert_int_equal(rev, 7);
    assert_int_equal(rows, 151);
    expect_ok(s, fb_stage_each(s, add_chunk, text));
    assert_string_equal(text, "abcd");
    expect_ok(s, fb_stage_clear(s));
    assert_int_equal(fb_stage_position(s, &position, &rev, &rows), FB_ERR_NOT_FOUND);
    fb_buf_release(&position);
    fb_store_close(s);
}

FB_MAIN(FB_CASE(a_push_comes_back_as_it_was_frozen),
        FB_CASE(what_is_not_in_the_outbox_is_not_found),
        FB_CASE(a_push_is_pending_until_acknowledged_and_open_until_a_cut_covers_it),
        FB_CASE(a_cut_cannot_cover_what_was_not_acknowledged),
        FB_CASE(old_answered_pushes_go_but_never_the_newest),
        FB_CASE(what_an_earlier_life_delivered_is_kept_and_can_be_offered_again_before_what_is_new),
        FB_CASE(kept_pushes_of_earlier_lives_grow_old_like_others),
        FB_CASE(staged_chunks_come_back_in_order_with_the_place_to_go_on))
