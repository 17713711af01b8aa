/* SPDX-License-Identifier: MIT
 *
 * One connection of fieldbook-enrol/1: one question, one answer, farewell. The stranger may cost at most one small frame
 * of memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "server/daemon_internal.h"
#include "server/devices.h"
#include "server/guard.h"
#include "server/web.h"

struct enrolment {
    struct fb_daemon *daemon;
    struct fb_stream *stream;
    struct fb_buf in;
    char device_id[FB_ROW_ID_SIZE]; /* of the certificate shown, "" without one */
    char address[FB_STREAM_ADDRESS_SIZE];
};

static void send_message(struct enrolment *e, const struct fb_message *m)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_MAX);
    if (fb_message_encode(m, &out) == FB_OK &&
        fb_stream_write(e->stream, out.bytes, out.size) == FB_OK) {
        fb_stream_close(e->stream);
        return;
    }
    fb_stream_abort(e->stream, FB_ERR_NO_MEMORY, NULL);
}

static void refuse(struct enrolment *e, int err, const struct fb_why *why)
{
    const char *sentence = why->text[0] != '\0' ? why->text : fb_err_sentence(err);
    fb_log(FB_LOG_WARN, "enrolment_refused", "address=%s reason=%s", e->address,
           fb_log_quote(sentence));
    struct fb_message m = {
        .kind = FB_MESSAGE_REFUSE,
        .refuse = {.reason = err == FB_ERR_PROTOCOL ? FB_REFUSAL_PROTOCOL : FB_REFUSAL_CODE,
                   .sentence = sentence}};
    send_message(e, &m);
}

static void answer(struct enrolment *e, const struct fb_enrol_ask *ask, struct fb_arena *arena)
{
    struct fb_daemon *d = e->daemon;
    struct fb_why why = {""};
    struct fb_message m = {.kind = FB_MESSAGE_ENROL_ANSWER};
    char guess[FB_STREAM_ADDRESS_SIZE + 8];
    snprintf(guess, sizeof guess, "enrol %.*s", (int)(strrchr(e->address, ':') - e->address),
             e->address); /* without the port */
    int wait_s = ask->is_renewal ? 0 : fb_guard_try(d->web->guard, guess, guess, fb_os_now_ms());
    if (wait_s > 0) {
        fb_why_set(&why, "too many wrong codes came from this address: try again in %d s", wait_s);
        refuse(e, FB_ERR_REFUSED, &why);
        return;
    }
    int rc = fb_enrolment_answer(d->store, &d->authority, ask, e->device_id, &d->enrol_policy,
                                 &d->random, fb_os_now_ms(), arena, &m.enrol_answer, &why);
    if (rc < 0) {
        refuse(e, rc, &why);
        return;
    }
    if (!ask->is_renewal) {
        fb_guard_right(d->web->guard, guess, guess);
    }
    if (!ask->asks_state) {
        fb_log(FB_LOG_INFO, ask->is_renewal ? "certificate_renewed" : "device_enrolled",
               "device=%s address=%s", m.enrol_answer.device_id, e->address);
    }
    send_message(e, &m);
    d->has_foreign_write = true; /* the device's row waits in the journal */
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct enrolment *e = ctx;
    struct fb_why why = {""};
    size_t frame_size = 0;
    fb_buf_append(&e->in, bytes, size);
    int rc = fb_buf_error(&e->in);
    rc = rc < 0 ? FB_ERR_PROTOCOL
                : fb_frame_find(e->in.bytes, e->in.size, FB_FRAME_BYTES_BEFORE_AUTH_MAX,
                                &frame_size, &why);
    if (rc < 0) {
        refuse(e, FB_ERR_PROTOCOL, &why);
        return;
    }
    if (frame_size == 0) {
        return;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, FB_MESSAGE_BYTES_MAX);
    struct fb_message m;
    rc = fb_message_decode(e->in.bytes, frame_size, NULL, &arena, &m, &why);
    if (rc < 0 || m.kind != FB_MESSAGE_ENROL_ASK) {
        refuse(e, FB_ERR_PROTOCOL, &why);
        return;
    }
    answer(e, &m.enrol_ask, &arena);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct enrolment *e = ctx;
    if (err < 0) {
        fb_log(FB_LOG_DEBUG, "enrolment_closed", "address=%s reason=%s", e->address,
               fb_log_quote(why->text));
    }
    fb_buf_release(&e->in);
    free(e);
}

void fb_daemon_serve_enrolment(struct fb_daemon *d, struct fb_stream *stream,
                               const struct fb_stream_peer *peer)
{
    static const struct fb_stream_calls CALLS = {.on_bytes = on_bytes, .on_close = on_close};
    struct enrolment *e = calloc(1, sizeof *e);
    if (e == NULL) {
        fb_stream_abort(stream, FB_ERR_NO_MEMORY, NULL);
        return;
    }
    e->daemon = d;
    e->stream = stream;
    fb_buf_init(&e->in, (size_t)2 * FB_FRAME_BYTES_BEFORE_AUTH_MAX);
    memcpy(e->device_id, peer->device_id, sizeof e->device_id);
    memcpy(e->address, peer->address, sizeof e->address);
    fb_stream_set_calls(stream, &CALLS, e);
}
