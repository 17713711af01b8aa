/* SPDX-License-Identifier: MIT
 *
 * The simulator's own parts: plans that replay, links that behave like TCP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/testlib.h"
#include "tests/sim/net.h"
#include "tests/sim/plan.h"
#include "tests/sim/util.h"

static bool same_plan(const struct sim_plan *a, const struct sim_plan *b)
{
    if (a->seed != b->seed || a->count != b->count ||
        memcmp(&a->params, &b->params, sizeof a->params) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct sim_planned *x = &a->events[i];
        const struct sim_planned *y = &b->events[i];
        if (x->at_ms != y->at_ms || x->kind != y->kind || x->node != y->node ||
            x->seed != y->seed) {
            return false;
        }
    }
    return true;
}

FB_TEST(a_seed_draws_the_same_plan_and_another_seed_another)
{
    struct sim_plan a, b, c;
    sim_plan_draw(&a, 4711);
    sim_plan_draw(&b, 4711);
    sim_plan_draw(&c, 4712);
    assert_true(same_plan(&a, &b));
    assert_false(same_plan(&a, &c));
    sim_plan_release(&a);
    sim_plan_release(&b);
    sim_plan_release(&c);
}

FB_TEST(a_plan_written_as_a_script_reads_back_the_same)
{
    struct sim_plan plan, back;
    sim_plan_draw(&plan, 7);
    const char *path = fb_test_path("plan.sim");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    sim_plan_write(&plan, out);
    fclose(out);
    assert_true(sim_plan_read(&back, path));
    assert_true(same_plan(&plan, &back));
    sim_plan_release(&plan);
    sim_plan_release(&back);
}

FB_TEST(a_script_with_an_unknown_line_is_refused)
{
    static const char *const WRONG[] = {"at 5 node 1 dance seed 3\n", "param beauty 4\n",
                                        "hello\n"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct sim_plan plan;
        const char *path = fb_test_path("wrong.sim");
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(WRONG[i], out);
        fclose(out);
        assert_false(sim_plan_read(&plan, path));
        sim_plan_release(&plan);
    }
}

FB_TEST(events_of_a_plan_stand_in_the_order_of_their_times)
{
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct sim_plan plan;
        sim_plan_draw(&plan, seed);
        for (size_t i = 1; i < plan.count; i++) {
            assert_true(plan.events[i - 1].at_ms <= plan.events[i].at_ms);
            assert_true(plan.events[i].at_ms < plan.params.safety_ms);
            assert_true(plan.events[i].node <= plan.params.replicas);
        }
        sim_plan_release(&plan);
    }
}

FB_TEST(bytes_arrive_in_order_and_whole_however_they_are_taken)
{
    struct sim_pipe pipe = {.cut_after = -1};
    uint64_t random = 3;
    uint8_t sent[5000];
    uint8_t got[5000];
    size_t got_size = 0;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)sim_random(&random);
    }
    for (size_t i = 0; i < sizeof sent; i += 500) {
        sim_pipe_send(&pipe, &random, sent + i, 500, (int64_t)i, 300, 1);
    }
    while (sim_pipe_next_ms(&pipe) != INT64_MAX) {
        size_t size;
        uint8_t *bytes =
            sim_pipe_take(&pipe, sim_pipe_next_ms(&pipe), 1 + sim_below(&random, 90), &size);
        memcpy(got + got_size, bytes, size);
        got_size += size;
        free(bytes);
    }
    assert_int_equal(got_size, sizeof sent);
    assert_memory_equal(got, sent, sizeof sent);
    sim_pipe_release(&pipe);
}

FB_TEST(a_cut_lets_exactly_its_bytes_through)
{
    for (int64_t cut = 0; cut <= 30; cut++) {
        struct sim_pipe pipe = {.cut_after = cut};
        uint64_t random = 5;
        for (int i = 0; i < 4; i++) {
            sim_pipe_send(&pipe, &random, "0123456789", 10, i, 5, 0);
        }
        size_t size;
        uint8_t *bytes = sim_pipe_take(&pipe, 100, 0, &size);
        assert_int_equal(size, cut);
        assert_true(sim_pipe_is_cut(&pipe));
        free(bytes);
        sim_pipe_release(&pipe);
    }
}

FB_TEST(nothing_arrives_while_a_direction_stands_still)
{
    struct sim_pipe pipe = {.cut_after = -1, .stalled_to_ms = 1000};
    uint64_t random = 5;
    size_t size;
    sim_pipe_send(&pipe, &random, "abc", 3, 10, 5, 0);
    assert_int_equal(sim_pipe_next_ms(&pipe), 1000);
    assert_null(sim_pipe_take(&pipe, 999, 0, &size));
    uint8_t *bytes = sim_pipe_take(&pipe, 1000, 0, &size);
    assert_int_equal(size, 3);
    free(bytes);
    sim_pipe_release(&pipe);
}

FB_MAIN(FB_CASE(a_seed_draws_the_same_plan_and_another_seed_another),
        FB_CASE(a_plan_written_as_a_script_reads_back_the_same),
        FB_CASE(a_script_with_an_unknown_line_is_refused),
        FB_CASE(events_of_a_plan_stand_in_the_order_of_their_times),
        FB_CASE(bytes_arrive_in_order_and_whole_however_they_are_taken),
        FB_CASE(a_cut_lets_exactly_its_bytes_through),
        FB_CASE(nothing_arrives_while_a_direction_stands_still))
