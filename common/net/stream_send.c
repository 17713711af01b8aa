/* SPDX-License-Identifier: MIT
 *
 * The way of written bytes to the kernel; stream.c has the picture.
 */
#include <openssl/err.h>

#include "common/base/limits.h"
#include "common/net/stream_inside.h"

#define SEAL_BYTES_MAX 131072 /* 128 KiB sealed ahead of the kernel */
#define KEPT_BYTES_MAX 512    /* an output buffer this small is kept for the next write */

void fb_stream_make_dirty(struct fb_stream *s)
{
    if (!s->is_dirty) {
        s->is_dirty = true;
        s->next_dirty = s->loop->dirty;
        s->loop->dirty = s;
    }
}

static void drop_output(struct fb_stream *s)
{
    fb_buf_release(&s->plain);
    fb_buf_release(&s->cipher);
    s->plain_sealed = 0;
}

/* The peer may have said why before it stopped listening: read on for a moment. */
static void write_broke(struct fb_stream *s)
{
    if (s->state == FB_STREAM_LINGERING) {
        fb_stream_finish(s, FB_OK, NULL);
        return;
    }
    drop_output(s);
    s->is_write_broken = true;
    fb_stream_resume(s);
    fb_stream_set_deadline(s, FB_LAST_WORDS_MS);
}

static void spent(struct fb_buf *buf)
{
    fb_buf_clear(buf);
    if (buf->capacity > KEPT_BYTES_MAX) {
        fb_buf_release(buf);
    }
}

/* Turns plain bytes into records, up to SEAL_BYTES_MAX of them. False when the stream failed. */
static bool seal(struct fb_stream *s)
{
    if (s->ssl == NULL) {
        if (s->cipher.size == 0) {
            struct fb_buf swap = s->cipher;
            swap.size_max = s->plain.size_max;
            s->cipher = s->plain;
            s->plain = swap;
        }
        return true;
    }
    while (s->plain_sealed < s->plain.size && s->cipher.size < SEAL_BYTES_MAX) {
        size_t n = 0;
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, s->plain.bytes + s->plain_sealed, s->plain.size - s->plain_sealed,
                         &n) != 1) {
            fb_stream_fail_record(s);
            return false;
        }
        s->plain_sealed += n;
    }
    if (s->plain_sealed == s->plain.size) {
        s->plain_sealed = 0;
        spent(&s->plain);
    } else if (s->plain_sealed >= s->plain.size / 2) {
        fb_buf_consume(&s->plain, s->plain_sealed);
        s->plain_sealed = 0;
    }
    return true;
}

static void on_written(uv_write_t *write, int status)
{
    struct fb_stream *s = write->data;
    if (s->state == FB_STREAM_CLOSED) {
        return;
    }
    fb_buf_release(&s->flight);
    if (status != 0) {
        write_broke(s);
        return;
    }
    if (s->state == FB_STREAM_OPEN) {
        fb_stream_set_deadline(s, 0);
    }
    fb_stream_make_dirty(s);
}

/* What the kernel did not take now, libuv writes later. */
static void fly(struct fb_stream *s, size_t taken)
{
    s->flight = s->cipher;
    fb_buf_init(&s->cipher, FB_CIPHER_BYTES_MAX);
    uv_buf_t rest =
        uv_buf_init((char *)s->flight.bytes + taken, (unsigned int)(s->flight.size - taken));
    s->write.data = s;
    if (uv_write(&s->write, (uv_stream_t *)&s->tcp, &rest, 1, on_written) != 0) {
        fb_buf_release(&s->flight);
        write_broke(s);
        return;
    }
    if (s->state == FB_STREAM_OPEN) {
        s->stall_queue_size = uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp);
        fb_stream_set_deadline(s, s->times.stall_ms);
    }
}

/* True if the kernel took everything sealed so far. */
bool fb_stream_send_cipher(struct fb_stream *s)
{
    uv_buf_t all = uv_buf_init((char *)s->cipher.bytes, (unsigned int)s->cipher.size);
    int n = uv_try_write((uv_stream_t *)&s->tcp, &all, 1);
    if (n < 0 && n != UV_EAGAIN) {
        write_broke(s);
        return false;
    }
    size_t taken = n < 0 ? 0 : (size_t)n;
    s->sent_bytes += (int64_t)s->cipher.size;
    if (taken == s->cipher.size) {
        spent(&s->cipher);
        return true;
    }
    fly(s, taken);
    return false;
}

static void send_farewell(struct fb_stream *s)
{
    if (s->ssl != NULL && SSL_is_init_finished(s->ssl)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl); /* writes close_notify; the answer is not waited for */
        ERR_clear_error();
    }
    if (s->cipher.size == 0 || fb_stream_send_cipher(s)) {
        fb_stream_linger(s);
    } else if (!s->is_write_broken && s->state == FB_STREAM_DRAINING) {
        s->state = FB_STREAM_LINGERING; /* shutdown waits for the bytes in flight */
        fb_stream_linger(s);
    }
}

static bool may_send(const struct fb_stream *s)
{
    return !s->is_write_broken && s->flight.size == 0 &&
           (s->state == FB_STREAM_HANDSHAKE || s->state == FB_STREAM_OPEN ||
            s->state == FB_STREAM_DRAINING);
}

static void flush(struct fb_stream *s)
{
    while (may_send(s)) {
        if (s->state != FB_STREAM_HANDSHAKE && s->plain.size > 0 && !seal(s)) {
            return;
        }
        if (s->cipher.size == 0 || !fb_stream_send_cipher(s)) {
            break;
        }
    }
    if (s->is_above_high && s->state == FB_STREAM_OPEN && !s->is_write_broken &&
        fb_stream_unsent_bytes(s) < FB_OUTPUT_BYTES_HIGH / 2) {
        s->is_above_high = false;
        if (s->calls != NULL && s->calls->on_writable != NULL) {
            s->calls->on_writable(s->ctx);
        }
    }
    if (s->state == FB_STREAM_DRAINING && may_send(s) && fb_stream_unsent_bytes(s) == 0) {
        send_farewell(s);
    }
}

bool fb_stream_flush_dirty(struct fb_loop *loop)
{
    struct fb_stream *list = loop->dirty;
    loop->dirty = NULL;
    /* Nothing is freed while this runs: streams end in close callbacks. */
    while (list != NULL) {
        struct fb_stream *s = list;
        list = s->next_dirty;
        s->is_dirty = false;
        flush(s);
    }
    return loop->dirty != NULL;
}

size_t fb_stream_unsent_bytes(const struct fb_stream *s)
{
    size_t flying =
        s->flight.size == 0 ? 0 : uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
    return s->plain.size - s->plain_sealed + s->cipher.size + flying;
}

bool fb_stream_is_writable(const struct fb_stream *s)
{
    return s->state == FB_STREAM_OPEN && fb_stream_unsent_bytes(s) < FB_OUTPUT_BYTES_HIGH;
}

int fb_stream_write(struct fb_stream *s, const void *bytes, size_t size)
{
    if (s->state != FB_STREAM_OPEN || s->is_write_broken) {
        return FB_ERR_INTERRUPTED;
    }
    if (size > FB_STREAM_OUTPUT_BYTES_MAX ||
        fb_stream_unsent_bytes(s) > FB_STREAM_OUTPUT_BYTES_MAX - size) {
        return FB_ERR_LIMIT;
    }
    if (s->plain_sealed > 0) {
        fb_buf_consume(&s->plain, s->plain_sealed);
        s->plain_sealed = 0;
    }
    fb_buf_append(&s->plain, bytes, size);
    int rc = fb_buf_error(&s->plain);
    if (rc != FB_OK) {
        s->plain.error = FB_OK; /* all or nothing: what was there before stays */
        return rc;
    }
    if (fb_stream_unsent_bytes(s) >= FB_OUTPUT_BYTES_HIGH) {
        s->is_above_high = true;
    }
    fb_stream_make_dirty(s);
    return FB_OK;
}
