/* SPDX-License-Identifier: MIT
 *
 * The weekly look over a node's database while its daemon runs.
 */
#include <semaphore.h>

#include "common/base/os.h"
#include "common/web/look.h"
#include "tests/unit/store_testing.h"

#define NOW_MS     INT64_C(1796000000000)
#define PATIENT_MS 60000

struct world {
    struct fb_loop *loop;
    struct fb_store *writer;
    struct fb_look look;
    const char *path;
};

static void start(struct world *w)
{
    static int count;
    char name[32];
    snprintf(name, sizeof name, "look-%d.db", count++);
    w->path = fb_test_path(name);
    w->writer = open_store(w->path, FB_NODE_REPLICA);
    put_catalogue(w->writer, test_catalogue(1, TEST_ENTITIES("")));
    run(w->writer, "INSERT INTO company (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                   "SELECT i + 1 FROM n WHERE i < 2000) SELECT hex(randomblob(50)) FROM n");
    assert_int_equal(fb_loop_new(&w->loop), FB_OK);
    fb_look_init(&w->look, w->loop, w->writer, w->path, FB_NODE_REPLICA);
}

static void end(struct world *w)
{
    assert_true(fb_loop_free(w->loop));
    fb_store_close(w->writer);
}

static bool begins(struct world *w, int64_t now_ms, bool is_idle)
{
    fb_look_tick(&w->look, now_ms, is_idle);
    return fb_look_is_under_way(&w->look);
}

static void wait_for_end(struct world *w)
{
    int64_t until_ms = fb_os_monotonic_ms() + PATIENT_MS;
    while (fb_look_is_under_way(&w->look) && fb_os_monotonic_ms() < until_ms) {
        fb_loop_turn(w->loop, 50);
    }
    assert_false(fb_look_is_under_way(&w->look));
}

static void look(struct world *w, int64_t now_ms)
{
    assert_true(begins(w, now_ms, true));
    wait_for_end(w);
}

static int64_t noted_ms(struct world *w)
{
    int64_t at_ms = 0;
    fb_ignore(fb_store_meta_int(w->writer, "looked_at_ms", &at_ms), "0: never");
    return at_ms;
}

/* As a disk that lost a page: in the file, not in what connections remember. */
static void damage(struct world *w)
{
    expect_ok(w->writer, fb_store_checkpoint(w->writer));
    FILE *f = fopen(w->path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -20 * 4096, SEEK_END), 0);
    for (int i = 0; i < 4096; i++) {
        fputc(0xA5, f);
    }
    assert_int_equal(fclose(f), 0);
}

FB_TEST(a_node_looks_once_a_week_also_when_it_was_started_anew)
{
    struct world w;
    start(&w);
    look(&w, NOW_MS);
    assert_null(fb_look_damage(&w.look));
    assert_int_equal(noted_ms(&w), NOW_MS);
    fb_look_init(&w.look, w.loop, w.writer, w.path, FB_NODE_REPLICA);
    assert_false(begins(&w, NOW_MS + FB_LOOK_EVERY_MS - 1, true));
    look(&w, NOW_MS + FB_LOOK_EVERY_MS);
    assert_int_equal(noted_ms(&w), NOW_MS + FB_LOOK_EVERY_MS);
    end(&w);
}

FB_TEST(a_busy_node_is_looked_at_when_it_was_not_idle_for_a_day)
{
    struct world w;
    start(&w);
    int64_t due_ms = NOW_MS + 3 * FB_LOOK_EVERY_MS; /* the node was switched off for long */
    look(&w, NOW_MS);
    assert_false(begins(&w, due_ms, false));
    assert_false(begins(&w, due_ms + FB_LOOK_WAIT_MS - 1, false));
    assert_true(begins(&w, due_ms + FB_LOOK_WAIT_MS, false));
    wait_for_end(&w);
    assert_false(begins(&w, due_ms + FB_LOOK_WAIT_MS + FB_LOOK_EVERY_MS, false)); /* waits anew */
    end(&w);
}

FB_TEST(a_clock_that_was_ahead_puts_nothing_off)
{
    struct world w;
    start(&w);
    look(&w, NOW_MS + 100 * FB_LOOK_EVERY_MS);
    look(&w, NOW_MS);
    assert_false(begins(&w, NOW_MS + 1, true));
    end(&w);
}

FB_TEST(damage_is_told_until_a_look_a_day_later_finds_none)
{
    struct world w;
    start(&w);
    look(&w, NOW_MS - FB_LOOK_EVERY_MS);
    damage(&w);
    look(&w, NOW_MS);
    assert_non_null(fb_look_damage(&w.look));
    assert_non_null(strstr(fb_look_damage(&w.look), "restore a backup"));
    assert_int_equal(noted_ms(&w), NOW_MS - FB_LOOK_EVERY_MS); /* the next start looks at once */
    assert_false(begins(&w, NOW_MS + FB_LOOK_WAIT_MS - 1, true));
    run(w.writer, "VACUUM"); /* writes the page anew, from the writer's memory */
    look(&w, NOW_MS + FB_LOOK_WAIT_MS);
    assert_null(fb_look_damage(&w.look));
    end(&w);
}

FB_TEST(nobody_waits_for_a_look)
{
    struct world w;
    start(&w);
    assert_true(begins(&w, NOW_MS, true));
    for (int i = 0; i < 200; i++) {
        run(w.writer, "INSERT INTO company (name) VALUES ('while it is looked over')");
    }
    wait_for_end(&w);
    assert_null(fb_look_damage(&w.look));
    end(&w);
}

static void wait_in_pool(void *ctx)
{
    sem_wait(ctx);
}

static void do_nothing(void *ctx)
{
    (void)ctx;
}

FB_TEST(a_look_ends_when_the_daemon_does)
{
    struct world w;
    sem_t is_ended;
    start(&w);
    assert_int_equal(sem_init(&is_ended, 0, 0), 0);
    /* the pool's only thread is taken until the daemon ends */
    assert_int_equal(fb_loop_work(w.loop, wait_in_pool, do_nothing, &is_ended), FB_OK);
    assert_true(begins(&w, NOW_MS, true));
    fb_look_stop(&w.look);
    sem_post(&is_ended);
    wait_for_end(&w);
    assert_int_equal(noted_ms(&w), 0);
    assert_false(begins(&w, NOW_MS, true));
    end(&w);
    sem_destroy(&is_ended);
}

/* One thread in the pool, so that a test can hold it. */
__attribute__((constructor)) static void have_one_thread(void)
{
    setenv("UV_THREADPOOL_SIZE", "1", 1);
}

FB_MAIN(FB_CASE(a_node_looks_once_a_week_also_when_it_was_started_anew),
        FB_CASE(a_busy_node_is_looked_at_when_it_was_not_idle_for_a_day),
        FB_CASE(a_clock_that_was_ahead_puts_nothing_off),
        FB_CASE(damage_is_told_until_a_look_a_day_later_finds_none),
        FB_CASE(nobody_waits_for_a_look), FB_CASE(a_look_ends_when_the_daemon_does))
