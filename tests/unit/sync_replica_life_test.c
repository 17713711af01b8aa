/* SPDX-License-Identifier: MIT
 *
 * The laptop's connection: deadlines, pings, refusals, hostile bytes, a database that cannot be
 * written.
 */
#include "tests/unit/sync_replica_testing.h"

static int64_t deadline(const struct laptop *t)
{
    return fb_replica_round_deadline_ms(t->round);
}

FB_TEST(nothing_is_due_without_a_connection)
{
    struct laptop *t = new_laptop();
    assert_int_equal(deadline(t), INT64_MAX);
    take(t);
    expect_fine(t);
    expect_silence(t);
    free_laptop(t);
}

FB_TEST(welcome_that_does_not_come_ends_the_connection)
{
    struct laptop *t = new_laptop();
    open_link(t);
    assert_int_equal(deadline(t), t->now_ms + FB_FIRST_FRAME_MS_MAX);
    t->now_ms += FB_FIRST_FRAME_MS_MAX;
    take(t);
    assert_int_equal(t->rc, FB_ERR_UNREACHABLE);
    assert_true(strlen(status(t)->sentence) > 0);
    free_laptop(t);
}

FB_TEST(silence_is_answered_by_a_ping_and_in_the_end_by_closing)
{
    struct laptop *t = new_laptop();
    settle(t);
    int64_t heard_ms = t->now_ms;
    for (int pings = 0; pings < 2; pings++) {
        t->now_ms = deadline(t);
        assert_int_equal(t->now_ms, heard_ms + (pings + 1) * FB_PING_MS);
        take(t);
        assert_int_equal(hear(t, FB_MESSAGE_PING)->ping_ms, t->now_ms);
    }
    t->now_ms = deadline(t);
    assert_int_equal(t->now_ms, heard_ms + FB_DEAD_MS);
    take(t);
    assert_int_equal(t->rc, FB_ERR_UNREACHABLE);
    free_laptop(t);
}

FB_TEST(pong_keeps_the_connection)
{
    struct laptop *t = new_laptop();
    settle(t);
    for (int i = 0; i < 10; i++) {
        t->now_ms = deadline(t);
        take(t);
        say(t, &(struct fb_message){.kind = FB_MESSAGE_PONG,
                                    .ping_ms = hear(t, FB_MESSAGE_PING)->ping_ms});
    }
    assert_true(fb_replica_round_is_in_step(t->round));
    free_laptop(t);
}

FB_TEST(ping_is_answered)
{
    struct laptop *t = new_laptop();
    settle(t);
    say(t, &(struct fb_message){.kind = FB_MESSAGE_PING, .ping_ms = 77});
    assert_int_equal(hear(t, FB_MESSAGE_PONG)->ping_ms, 77);
    free_laptop(t);
}

FB_TEST(frame_that_trickles_in_is_cut_off_after_a_minute)
{
    struct laptop *t = new_laptop();
    settle(t);
    const uint8_t head[] = {0, 0, 16, 0, FB_MESSAGE_POKE, 0};
    t->rc = fb_replica_round_feed(t->round, head, sizeof head, t->now_ms);
    expect_fine(t);
    int64_t began_ms = t->now_ms;
    while (t->rc == FB_OK && t->now_ms < began_ms + 2 * FB_FRAME_MS_MAX) {
        t->now_ms += 5000;
        t->rc = fb_replica_round_feed(t->round, (const uint8_t *)"x", 1, t->now_ms);
        take(t);
    }
    assert_int_equal(t->rc, FB_ERR_UNREACHABLE);
    assert_int_equal(t->now_ms, began_ms + FB_FRAME_MS_MAX);
    free_laptop(t);
}

FB_TEST(refusal_is_shown_in_the_servers_words)
{
    struct laptop *t = new_laptop();
    open_link(t);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_REFUSE,
                                    .refuse = {.reason = FB_REFUSAL_REVOKED,
                                               .sentence = "this laptop was revoked",
                                               .retry_after_ms = 9}});
    assert_int_equal(t->rc, FB_ERR_REFUSED);
    assert_int_equal(status(t)->state, FB_REPLICA_REFUSED);
    assert_int_equal(status(t)->refusal, FB_REFUSAL_REVOKED);
    assert_int_equal(status(t)->retry_after_ms, 9);
    assert_string_equal(status(t)->sentence, "this laptop was revoked");
    cut_link(t);
    assert_string_equal(status(t)->sentence, "this laptop was revoked");
    free_laptop(t);
}

FB_TEST(busy_headquarters_says_when_to_come_again)
{
    struct laptop *t = new_laptop();
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.verdict = FB_VERDICT_RETRY_LATER;
    w.retry_after_ms = 2500;
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_WELCOME, .welcome = w});
    assert_int_equal(t->rc, FB_ERR_BUSY);
    assert_int_equal(status(t)->retry_after_ms, 2500);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM fb_meta WHERE key = 'timeline'"), 0);
    free_laptop(t);
}

FB_TEST(laptop_too_old_to_receive_still_hands_in_its_work)
{
    struct laptop *t = new_laptop();
    run(t->store, "INSERT INTO company (id, name) VALUES ('" ID_A "', 'Acme')");
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.verdict = FB_VERDICT_TOO_OLD;
    say_welcome(t, &w);
    hear(t, FB_MESSAGE_PUSH_PART);
    expect_silence(t);
    say_ack(t, 1);
    expect_silence(t);
    assert_int_equal(status(t)->verdict, FB_VERDICT_TOO_OLD);
    free_laptop(t);
}

FB_TEST(clock_offset_is_measured_half_way)
{
    struct laptop *t = new_laptop();
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    w.now_ms = t->now_ms + 60000 + 100;
    t->now_ms += 200;
    say_welcome(t, &w);
    assert_int_equal(status(t)->clock_offset_ms, 60000);
    free_laptop(t);
}

FB_TEST(any_bytes_are_survived_and_change_nothing)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, 99);
    for (int i = 0; i < 300; i++) {
        cut_link(t);
        open_link(t);
        uint8_t bytes[200];
        random.fill(random.ctx, bytes, sizeof bytes);
        bytes[0] = bytes[1] = bytes[2] = 0;
        bytes[3] = (uint8_t)(bytes[3] % 100);
        bytes[4] = (uint8_t)(bytes[4] % 20);
        bytes[5] = 0;
        t->rc = fb_replica_round_feed(t->round, bytes, sizeof bytes, t->now_ms);
        assert_true(t->rc < 0);
        assert_true(strlen(status(t)->sentence) > 0);
    }
    cut_link(t);
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    expect_text(t, "company", ID_A, "name", "Acme");
    free_laptop(t);
}

FB_TEST(trigger_that_a_tool_dropped_is_made_again_when_the_write_is_noticed)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    struct fb_store *tool = open_store(t->path, FB_NODE_REPLICA);
    run(tool, "DROP TRIGGER fb_company__set__name");
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
    expect_fine(t);
    assert_int_equal(status(t)->mended, 1);
    assert_non_null(strstr(status(t)->mended_note, "fb_company__set__name"));
    run(tool, "UPDATE company SET name = 'mine' WHERE id = '" ID_A "'");
    fb_store_close(tool);
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
    hear(t, FB_MESSAGE_PUSH_PART);
    free_laptop(t);
}

FB_TEST(full_database_ends_the_connection_with_nothing_half_applied_and_it_goes_on_later)
{
    struct laptop *t = new_laptop();
    settle_with(t, make_row(t, "company", ID_A, "name", "Acme", NULL));
    int64_t pages = ask(t->store, "PRAGMA page_count");
    char limit[64];
    snprintf(limit, sizeof limit, "PRAGMA max_page_count = %lld", (long long)pages);
    ask(t->store, limit);
    say_poke(t, 2);
    hear(t, FB_MESSAGE_PULL);
    char text[6001];
    memset(text, 'x', 6000);
    text[6000] = '\0';
    for (int i = 0; i < 20; i++) {
        char id[FB_ROW_ID_SIZE];
        snprintf(id, sizeof id, "018f0000-0000-7000-8000-%012x", i + 4096);
        say_row(t, "company", id, "name", "many", "street", text, NULL);
    }
    struct fb_cut cut = usual_cut(t, 2, 0);
    try_say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = cut});
    assert_int_equal(t->rc, FB_ERR_DISK_FULL);
    assert_true(strlen(status(t)->sentence) > 0);
    assert_int_equal(ask(t->store, "SELECT count(*) FROM company"), 1);
    ask(t->store, "PRAGMA max_page_count = 1000000");
    cut_link(t);
    connect_seen(t, 0);
    assert_int_equal(hear(t, FB_MESSAGE_PULL)->pull.cursor, 1);
    say_row(t, "company", ID_B, "name", "Bolt", NULL);
    say_cut(t, 2, 0);
    expect_text(t, "company", ID_B, "name", "Bolt");
    free_laptop(t);
}

FB_MAIN(FB_CASE(nothing_is_due_without_a_connection),
        FB_CASE(welcome_that_does_not_come_ends_the_connection),
        FB_CASE(silence_is_answered_by_a_ping_and_in_the_end_by_closing),
        FB_CASE(pong_keeps_the_connection), FB_CASE(ping_is_answered),
        FB_CASE(frame_that_trickles_in_is_cut_off_after_a_minute),
        FB_CASE(refusal_is_shown_in_the_servers_words),
        FB_CASE(busy_headquarters_says_when_to_come_again),
        FB_CASE(laptop_too_old_to_receive_still_hands_in_its_work),
        FB_CASE(clock_offset_is_measured_half_way),
        FB_CASE(any_bytes_are_survived_and_change_nothing),
        FB_CASE(trigger_that_a_tool_dropped_is_made_again_when_the_write_is_noticed),
        FB_CASE(full_database_ends_the_connection_with_nothing_half_applied_and_it_goes_on_later))
