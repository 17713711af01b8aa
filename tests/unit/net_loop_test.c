/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/net_fixture.h"

struct notes {
    struct fb_loop *loop;
    struct fb_timer *timer;
    struct fb_watch *watch;
    int fires;
    int turns;
    int signal;
    int watch_calls;
    int found_at_call; /* the watch finds something at this call; 0: never */
    bool is_worked;
    bool is_done;
    int64_t at_ms;
};

static void on_fire(void *ctx)
{
    struct notes *n = ctx;
    n->fires++;
}

static void on_turn(void *ctx)
{
    struct notes *n = ctx;
    n->turns++;
}

static void start(struct world *w, struct notes *n)
{
    world_init(w, NULL);
    *n = (struct notes){.loop = w->loop};
}

FB_TEST(a_timer_fires_once_or_again_and_again_until_it_is_stopped)
{
    struct world w;
    struct notes n;
    start(&w, &n);
    must(fb_timer_new(w.loop, on_fire, &n, &n.timer), NULL);
    assert_false(fb_timer_is_set(n.timer));
    fb_timer_set(n.timer, 20, 0);
    assert_true(fb_timer_is_set(n.timer));
    int64_t start_ms = fb_os_monotonic_ms();
    TURN_UNTIL(&w, n.fires == 1);
    assert_true(fb_os_monotonic_ms() - start_ms >= 19);
    assert_false(fb_timer_is_set(n.timer));

    fb_timer_set(n.timer, 5, 5);
    TURN_UNTIL(&w, n.fires == 4);
    fb_timer_stop(n.timer);
    for (int i = 0; i < 4; i++) {
        fb_loop_turn(w.loop, 10);
    }
    assert_int_equal(n.fires, 4);
    fb_timer_free(n.timer);
    world_release(&w);
}

static void free_own_timer(void *ctx)
{
    struct notes *n = ctx;
    n->fires++;
    fb_timer_free(n->timer);
}

FB_TEST(a_timer_may_be_freed_by_its_own_call)
{
    struct world w;
    struct notes n;
    start(&w, &n);
    must(fb_timer_new(w.loop, free_own_timer, &n, &n.timer), NULL);
    fb_timer_set(n.timer, 0, 1);
    TURN_UNTIL(&w, n.fires == 1);
    fb_loop_turn(w.loop, 10);
    assert_int_equal(n.fires, 1);
    world_release(&w);
}

static void stop_loop(void *ctx)
{
    struct notes *n = ctx;
    n->fires++;
    fb_loop_stop(n->loop);
}

FB_TEST(a_loop_runs_until_it_is_stopped_and_sleeps_meanwhile)
{
    struct world w;
    struct notes n;
    start(&w, &n);
    fb_loop_on_turn(w.loop, on_turn, &n);
    must(fb_timer_new(w.loop, stop_loop, &n, &n.timer), NULL);
    fb_timer_set(n.timer, 100, 0);
    fb_loop_run(w.loop);
    assert_int_equal(n.fires, 1);
    assert_true(n.turns >= 1 && n.turns < 10);
    fb_loop_on_turn(w.loop, NULL, NULL);
    world_release(&w);
}

static void write_in_turn(void *ctx)
{
    struct world *w = ctx;
    if (w->server_count == 1 && w->server[0].got_bytes > 0 && w->refused_count == 0) {
        w->refused_count = 1; /* once */
        must(fb_stream_write(w->server[0].stream, "settled", 7), NULL);
    }
}

FB_TEST(what_the_hook_writes_leaves_in_the_same_turn)
{
    struct world w;
    struct end client;
    world_init(&w, NULL);
    struct fb_listener_config config = world_config(&w);
    world_start(&w, &config);
    connect_to(&w, fb_listener_address(w.listener), NULL, NULL, &client);
    TURN_UNTIL(&w, w.server_count == 1 && client.opens == 1);
    fb_loop_on_turn(w.loop, write_in_turn, &w);
    must(fb_stream_write(client.stream, "x", 1), NULL);
    while (w.server[0].got_bytes == 0) {
        fb_loop_turn(w.loop, 50);
    }
    assert_int_equal(fb_stream_unsent_bytes(w.server[0].stream),
                     0); /* the turn that read it has sent the answer */
    int64_t sent = 0;
    int64_t received = 0;
    fb_stream_counts(w.server[0].stream, &sent, &received);
    assert_int_equal(sent, 7);
    TURN_UNTIL(&w, client.got_bytes == 7);
    world_release(&w);
    fb_buf_release(&client.got);
}

static void note_signal(void *ctx, int signal)
{
    struct notes *n = ctx;
    n->signal = signal;
}

FB_TEST(signals_come_to_the_loop)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGHUP};
    struct world w;
    struct notes n;
    start(&w, &n);
    must(fb_loop_on_signal(w.loop, note_signal, &n), NULL);
    for (size_t i = 0; i < 3; i++) {
        kill(getpid(), SIGNALS[i]);
        TURN_UNTIL(&w, n.signal == SIGNALS[i]);
    }
    world_release(&w);
}

static void do_work(void *ctx)
{
    struct notes *n = ctx;
    n->is_worked = true;
    fb_loop_wake(n->loop);
}

static void after_work(void *ctx)
{
    struct notes *n = ctx;
    assert_true(n->is_worked);
    n->is_done = true;
}

FB_TEST(work_is_done_on_the_pool_and_wakes_the_loop)
{
    struct world w;
    struct notes n;
    start(&w, &n);
    must(fb_loop_work(w.loop, do_work, after_work, &n), NULL);
    TURN_UNTIL(&w, n.is_done);
    world_release(&w);
}

/* ---- Watching files ---- */

static bool on_change(void *ctx)
{
    struct notes *n = ctx;
    n->watch_calls++;
    if (n->watch_calls == n->found_at_call) {
        n->at_ms = fb_os_monotonic_ms();
        return true;
    }
    return false;
}

static void write_file(const char *name, const char *text)
{
    int fd = open(fb_test_path(name), O_CREAT | O_WRONLY | O_APPEND, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void start_watch(struct world *w, struct notes *n, int64_t poll_ms)
{
    struct fb_why why = {0};
    start(w, n);
    must(fb_watch_new(w->loop, fb_test_folder(), "fieldbook.db", poll_ms, on_change, n, &n->watch,
                      &why),
         &why);
}

FB_TEST(a_write_by_another_process_is_noticed_at_once)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 0);
    n.found_at_call = 1;
    pid_t child = fork();
    if (child == 0) {
        write_file("fieldbook.db-wal", "frame");
        _exit(0);
    }
    int64_t start_ms = fb_os_monotonic_ms();
    TURN_UNTIL(&w, n.watch_calls >= 1);
    waitpid(child, NULL, 0);
    assert_true(n.at_ms - start_ms < 500);
    world_release(&w);
}

FB_TEST(other_files_of_the_folder_are_nobodys_business)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 0);
    write_file("search.db-wal", "frame");
    for (int i = 0; i < 5; i++) {
        fb_loop_turn(w.loop, 10);
    }
    assert_int_equal(n.watch_calls, 0);
    world_release(&w);
}

FB_TEST(many_writes_of_one_turn_are_one_call)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 0);
    n.found_at_call = 1;
    for (int i = 0; i < 100; i++) {
        write_file("fieldbook.db-wal", "frame");
        write_file("fieldbook.db", "page");
    }
    fb_loop_turn(w.loop, 50);
    assert_true(n.watch_calls >= 1 &&
                n.watch_calls <= 3); /* one for all, and first of the repeats */
    world_release(&w);
}

FB_TEST(a_commit_that_becomes_visible_after_its_last_write_is_still_found_soon)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 0);
    n.found_at_call = 4; /* as if the writer synced for a few milliseconds */
    int64_t start_ms = fb_os_monotonic_ms();
    write_file("fieldbook.db-wal", "frame");
    TURN_UNTIL(&w, n.watch_calls >= 4);
    assert_true(n.at_ms - start_ms < 200);
    TURN_UNTIL(&w, n.watch_calls == 4 + 10); /* a second commit may have been on its way */
    for (int i = 0; i < 30; i++) {
        fb_loop_turn(w.loop, 20);
    }
    assert_int_equal(n.watch_calls, 4 + 10); /* and then there is silence */
    world_release(&w);
}

FB_TEST(news_that_lead_to_nothing_are_given_up)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 0);
    write_file("fieldbook.db-wal", "frame");
    TURN_UNTIL(&w, n.watch_calls == 11);
    for (int i = 0; i < 30; i++) {
        fb_loop_turn(w.loop, 20);
    }
    assert_int_equal(n.watch_calls, 11);
    world_release(&w);
}

FB_TEST(where_nothing_is_told_polling_finds_it)
{
    struct world w;
    struct notes n;
    start_watch(&w, &n, 30);
    TURN_UNTIL(&w, n.watch_calls >= 3);
    int calls = n.watch_calls;
    fb_watch_free(n.watch);
    fb_loop_turn(w.loop, 60);
    assert_int_equal(n.watch_calls, calls);
    world_release(&w);
}

static bool free_own_watch(void *ctx)
{
    struct notes *n = ctx;
    n->watch_calls++;
    fb_watch_free(n->watch);
    return false;
}

FB_TEST(a_watch_may_be_freed_by_its_own_call)
{
    struct world w;
    struct notes n;
    struct fb_why why = {0};
    start(&w, &n);
    must(fb_watch_new(w.loop, fb_test_folder(), "fieldbook.db", 0, free_own_watch, &n, &n.watch,
                      &why),
         &why);
    write_file("fieldbook.db", "page");
    TURN_UNTIL(&w, n.watch_calls == 1);
    write_file("fieldbook.db", "page");
    fb_loop_turn(w.loop, 30);
    assert_int_equal(n.watch_calls, 1);
    world_release(&w);
}

FB_TEST(a_folder_that_is_not_there_is_named)
{
    struct world w;
    struct notes n;
    struct fb_why why = {0};
    start(&w, &n);
    assert_int_equal(fb_watch_new(w.loop, "/nowhere/at/all", "x", 0, on_change, &n, &n.watch, &why),
                     FB_ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/nowhere/at/all"));
    world_release(&w);
}

FB_MAIN(FB_CASE(a_timer_fires_once_or_again_and_again_until_it_is_stopped),
        FB_CASE(a_timer_may_be_freed_by_its_own_call),
        FB_CASE(a_loop_runs_until_it_is_stopped_and_sleeps_meanwhile),
        FB_CASE(what_the_hook_writes_leaves_in_the_same_turn), FB_CASE(signals_come_to_the_loop),
        FB_CASE(work_is_done_on_the_pool_and_wakes_the_loop),
        FB_CASE(a_write_by_another_process_is_noticed_at_once),
        FB_CASE(other_files_of_the_folder_are_nobodys_business),
        FB_CASE(many_writes_of_one_turn_are_one_call),
        FB_CASE(a_commit_that_becomes_visible_after_its_last_write_is_still_found_soon),
        FB_CASE(news_that_lead_to_nothing_are_given_up),
        FB_CASE(where_nothing_is_told_polling_finds_it),
        FB_CASE(a_watch_may_be_freed_by_its_own_call), FB_CASE(a_folder_that_is_not_there_is_named))
