/* SPDX-License-Identifier: MIT */
#include "common/net/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "common/net/loop_inside.h"

#define FREE_PATIENCE_MS 1000

struct fb_timer {
    uv_timer_t uv;
    fb_loop_call *call;
    void *ctx;
};

struct pool_work {
    uv_work_t uv;
    fb_loop_call *work;
    fb_loop_call *done;
    void *ctx;
};

static void do_nothing_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void do_nothing_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void end_turn(struct fb_loop *loop)
{
    fb_watch_run_due(loop);
    if (loop->on_turn != NULL) {
        loop->on_turn(loop->on_turn_ctx);
    }
    if (fb_stream_flush_dirty(loop)) {
        uv_idle_start(&loop->restless, do_nothing_idle);
    } else {
        uv_idle_stop(&loop->restless);
    }
}

static void on_before_sleep(uv_prepare_t *prepare)
{
    end_turn(prepare->data);
}

static void on_after_reading(uv_check_t *check)
{
    end_turn(check->data);
}

static void on_wake(uv_async_t *async)
{
    (void)async; /* the turn's end does the work */
}

static void start_handles(struct fb_loop *loop)
{
    /* uv_prepare, check, idle and timer cannot fail. */
    uv_prepare_init(&loop->uv, &loop->before_sleep);
    uv_check_init(&loop->uv, &loop->after_reading);
    uv_idle_init(&loop->uv, &loop->restless);
    uv_timer_init(&loop->uv, &loop->sweep);
    uv_timer_init(&loop->uv, &loop->patience);
    loop->before_sleep.data = loop;
    loop->after_reading.data = loop;
    loop->sweep.data = loop;
    uv_prepare_start(&loop->before_sleep, on_before_sleep);
    uv_check_start(&loop->after_reading, on_after_reading);
}

int fb_loop_new(struct fb_loop **ret_loop)
{
    struct fb_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    loop->read_bytes = malloc(FB_LOOP_READ_BYTES);
    loop->plain_bytes = malloc(FB_LOOP_READ_BYTES);
    if (loop->read_bytes == NULL || loop->plain_bytes == NULL || uv_loop_init(&loop->uv) != 0) {
        free(loop->read_bytes);
        free(loop->plain_bytes);
        free(loop);
        return FB_ERR_NO_MEMORY;
    }
    /* Pages read on threads of the pool, and passwords are hashed there, at most four at once: libuv's four threads would
     * be taken by the latter. */
    setenv("UV_THREADPOOL_SIZE", "8", 0);
    /* A write to a connection the peer has reset must be an error, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    start_handles(loop);
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0) {
        fb_loop_free(loop);
        return FB_ERR_IO;
    }
    *ret_loop = loop;
    return FB_OK;
}

static void close_handle(uv_handle_t *handle, void *kept)
{
    if (handle != kept && !uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_own_timer(uv_handle_t *handle, void *ctx)
{
    const struct fb_loop *loop = ctx;
    bool is_ours = handle == (const uv_handle_t *)&loop->sweep ||
                   handle == (const uv_handle_t *)&loop->patience;
    if (handle->type == UV_TIMER && !is_ours && handle->data != NULL && !uv_is_closing(handle)) {
        uv_close(handle, free_timer);
    }
}

bool fb_loop_free(struct fb_loop *loop)
{
    if (loop == NULL) {
        return true;
    }
    loop->on_turn = NULL;
    fb_listener_free_all(loop);
    fb_stream_abort_all(loop);
    fb_watch_free_all(loop);
    uv_walk(&loop->uv, close_own_timer, loop);
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->patience, do_nothing_timer, FREE_PATIENCE_MS, FREE_PATIENCE_MS);
    uv_unref((uv_handle_t *)&loop->patience);
    uint64_t until = uv_now(&loop->uv) + FREE_PATIENCE_MS;
    bool is_closing_ours = false;
    /* Streams and listeners free themselves in their close callbacks, which come in these turns. */
    while (uv_loop_alive(&loop->uv) && uv_now(&loop->uv) < until) {
        if (!is_closing_ours && loop->streams == NULL && loop->listeners == NULL) {
            is_closing_ours = true;
            uv_walk(&loop->uv, close_handle, &loop->patience);
        }
        uv_run(&loop->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&loop->patience, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (loop->streams != NULL || uv_loop_close(&loop->uv) != 0) {
        return false;
    }
    free(loop->read_bytes);
    free(loop->plain_bytes);
    free(loop);
    return true;
}

void fb_loop_run(struct fb_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void fb_loop_stop(struct fb_loop *loop)
{
    uv_stop(&loop->uv);
}

void fb_loop_turn(struct fb_loop *loop, int64_t wait_ms)
{
    /* Repeating: libuv may run a single one before it polls, and would then wait for ever. */
    uint64_t wait = wait_ms > 0 ? (uint64_t)wait_ms : 0;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->patience, do_nothing_timer, wait, wait);
    uv_run(&loop->uv, wait > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    uv_timer_stop(&loop->patience);
    end_turn(loop);
}

int64_t fb_loop_now_ms(const struct fb_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void fb_loop_on_turn(struct fb_loop *loop, fb_loop_call *call, void *ctx)
{
    loop->on_turn = call;
    loop->on_turn_ctx = ctx;
}

void fb_loop_wake(struct fb_loop *loop)
{
    uv_async_send(&loop->wake);
}

static void on_signal(uv_signal_t *handle, int number)
{
    const struct fb_loop *loop = handle->data;
    loop->on_signal(loop->on_signal_ctx, number);
}

int fb_loop_on_signal(struct fb_loop *loop, void (*call)(void *ctx, int signal), void *ctx)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP};
    loop->on_signal = call;
    loop->on_signal_ctx = ctx;
    for (size_t i = 0; i < 3 && !loop->has_signals; i++) {
        if (uv_signal_init(&loop->uv, &loop->signals[i]) != 0) {
            return FB_ERR_IO;
        }
        loop->signals[i].data = loop;
        if (uv_signal_start(&loop->signals[i], on_signal, NUMBERS[i]) != 0) {
            return FB_ERR_IO;
        }
    }
    loop->has_signals = true;
    return FB_OK;
}

static void do_work(uv_work_t *uv)
{
    const struct pool_work *work = uv->data;
    work->work(work->ctx);
}

static void after_work(uv_work_t *uv, int status)
{
    struct pool_work *work = uv->data;
    (void)status; /* nothing here cancels work */
    work->done(work->ctx);
    free(work);
}

int fb_loop_work(struct fb_loop *loop, fb_loop_call *work, fb_loop_call *done, void *ctx)
{
    struct pool_work *w = malloc(sizeof(*w));
    if (w == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *w = (struct pool_work){.uv.data = w, .work = work, .done = done, .ctx = ctx};
    if (uv_queue_work(&loop->uv, &w->uv, do_work, after_work) != 0) {
        free(w);
        return FB_ERR_IO;
    }
    return FB_OK;
}

static void on_timer(uv_timer_t *uv)
{
    const struct fb_timer *timer = uv->data;
    timer->call(timer->ctx);
}

int fb_timer_new(struct fb_loop *loop, fb_loop_call *call, void *ctx, struct fb_timer **ret_timer)
{
    struct fb_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    timer->call = call;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    *ret_timer = timer;
    return FB_OK;
}

void fb_timer_free(struct fb_timer *timer)
{
    if (timer != NULL) {
        uv_close((uv_handle_t *)&timer->uv, free_timer);
    }
}

void fb_timer_set(struct fb_timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
    /* libuv counts from the turn's clock; after long work in this turn that would fire too early.
     */
    uv_update_time(timer->uv.loop);
    uv_timer_start(&timer->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0,
                   repeat_ms > 0 ? (uint64_t)repeat_ms : 0);
}

void fb_timer_stop(struct fb_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool fb_timer_is_set(const struct fb_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv);
}
