/* SPDX-License-Identifier: MIT */
#include "replica/question.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#define ANSWER_MS_MAX 30000

struct waiting {
    struct fb_loop *loop;
    const struct fb_message *ask;
    struct fb_question *question;
    int err;
    struct fb_why why;
};

static void on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    (void)peer;
    struct waiting *q = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_BEFORE_AUTH_MAX + 64);
    int rc = fb_message_encode(q->ask, &out);
    rc = rc < 0 ? rc : fb_stream_write(stream, out.bytes, out.size);
    if (rc < 0) {
        fb_stream_abort(stream, rc, NULL);
    }
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct waiting *q = ctx;
    size_t frame_size = 0;
    fb_buf_append(&q->question->in, bytes, size);
    int rc = q->question->is_answered ? FB_OK : fb_buf_error(&q->question->in);
    rc = rc < 0 ? rc
                : fb_frame_find(q->question->in.bytes, q->question->in.size, FB_FRAME_BYTES_MAX,
                                &frame_size, &q->why);
    if (rc == FB_OK && (frame_size == 0 || q->question->is_answered)) {
        return;
    }
    rc = rc < 0 ? rc
                : fb_message_decode(q->question->in.bytes, frame_size, NULL, &q->question->arena,
                                    &q->question->answer, &q->why);
    q->err = rc;
    q->question->is_answered = rc == FB_OK;
    fb_loop_stop(q->loop);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct waiting *q = ctx;
    if (!q->question->is_answered && q->err == FB_OK) {
        q->err = err < 0 ? err : FB_ERR_UNREACHABLE;
        q->why = *why;
        if (q->why.text[0] == '\0') {
            fb_why_set(&q->why, "headquarters closed the connection without an answer: try again");
        }
    }
    fb_loop_stop(q->loop);
}

static void on_late(void *ctx)
{
    struct waiting *q = ctx;
    q->err = fb_fail(&q->why, FB_ERR_UNREACHABLE,
                     "headquarters did not answer within %d s: try again", ANSWER_MS_MAX / 1000);
    fb_loop_stop(q->loop);
}

static int run_question(struct waiting *q, const struct fb_stream_connect_config *config,
                        struct fb_why *why)
{
    static const struct fb_stream_calls CALLS = {
        .on_open = on_open, .on_bytes = on_bytes, .on_close = on_close};
    struct fb_stream *stream;
    struct fb_timer *timer = NULL;
    int rc = fb_timer_new(q->loop, on_late, q, &timer);
    rc = rc < 0 ? rc : fb_stream_connect(q->loop, config, &CALLS, q, &stream, why);
    if (rc == FB_OK) {
        fb_timer_set(timer, ANSWER_MS_MAX, 0);
        fb_loop_run(q->loop);
    }
    fb_timer_free(timer);
    return rc;
}

int fb_question_ask(const struct fb_stream_connect_config *config, const struct fb_message *ask,
                    struct fb_question *q, struct fb_why *why)
{
    struct waiting w = {.ask = ask, .question = q};
    *q = (struct fb_question){.is_answered = false};
    fb_buf_init(&q->in, (size_t)2 * FB_FRAME_BYTES_MAX);
    fb_arena_init(&q->arena, FB_MESSAGE_BYTES_MAX);
    int rc = fb_loop_new(&w.loop);
    if (rc < 0) {
        return rc;
    }
    rc = run_question(&w, config, why);
    fb_loop_free(w.loop);
    if (rc < 0) {
        return rc;
    }
    if (!q->is_answered) {
        return fb_fail(why, w.err == FB_OK ? FB_ERR_UNREACHABLE : w.err, "%s", w.why.text);
    }
    return FB_OK;
}

void fb_question_release(struct fb_question *q)
{
    fb_buf_release(&q->in);
    fb_arena_release(&q->arena);
}
