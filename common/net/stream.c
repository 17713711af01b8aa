/* SPDX-License-Identifier: MIT
 *
 * A record's way: fb_stream_write() gathers plain bytes; at the turn's end they are sealed
 * (SSL_write into the stream's BIO, which appends to cipher) and tried on the socket; what the
 * kernel does not take goes into flight, which libuv writes when it can. Incoming: libuv reads into
 * the loop's buffer, the BIO hands it to SSL_read, which decrypts into the loop's second buffer.
 * Nothing stays behind in an idle stream, and OpenSSL frees its own record buffers
 * (SSL_MODE_RELEASE_BUFFERS).
 *
 * What can go wrong: the handshake (explained, alert sent, lingers so that the alert arrives), a
 * record (same), a write (the peer's last words are still read for FB_LAST_WORDS_MS, since they say
 * why), a read, a deadline, an abort. All of them end in fb_stream_finish().
 */
#include "common/net/stream.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>
#include <openssl/err.h>

#include "common/base/limits.h"
#include "common/net/stream_inside.h"

#define SWEEP_MS 100

/* ---- The BIO between OpenSSL and the stream ---- */

static int bio_read(BIO *bio, char *bytes, size_t size, size_t *ret_size)
{
    struct fb_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->in_size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t n = size < s->in_size ? size : s->in_size;
    memcpy(bytes, s->in, n);
    s->in += n;
    s->in_size -= n;
    *ret_size = n;
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *ret_size)
{
    struct fb_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    fb_buf_append(&s->cipher, bytes, size);
    if (fb_buf_error(&s->cipher) != FB_OK) {
        return 0;
    }
    *ret_size = size;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO *new_bio(struct fb_stream *s)
{
    static BIO_METHOD *method; /* one for the process */
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fieldbook stream");
        if (method == NULL) {
            return NULL;
        }
        BIO_meth_set_read_ex(method, bio_read);
        BIO_meth_set_write_ex(method, bio_write);
        BIO_meth_set_ctrl(method, bio_ctrl);
        BIO_meth_set_create(method, bio_create);
    }
    BIO *bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, s);
    }
    return bio;
}

/* ---- Deadlines ---- */

static void on_sweep(uv_timer_t *timer)
{
    struct fb_loop *loop = timer->data;
    fb_stream_sweep(loop);
    fb_listener_retry(loop);
    if (loop->timed == NULL) {
        uv_timer_stop(timer);
    }
}

void fb_stream_set_deadline(struct fb_stream *s, int64_t delay_ms)
{
    struct fb_loop *loop = s->loop;
    if (delay_ms > 0 && !s->is_timed) {
        s->previous_timed = NULL;
        s->next_timed = loop->timed;
        if (loop->timed != NULL) {
            loop->timed->previous_timed = s;
        } else {
            uv_timer_start(&loop->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
        }
        loop->timed = s;
    } else if (delay_ms <= 0 && s->is_timed) {
        if (s->next_timed != NULL) {
            s->next_timed->previous_timed = s->previous_timed;
        }
        if (s->previous_timed != NULL) {
            s->previous_timed->next_timed = s->next_timed;
        } else {
            loop->timed = s->next_timed;
        }
    }
    s->is_timed = delay_ms > 0;
    s->deadline_ms = fb_loop_now_ms(loop) + delay_ms;
}

static void stalled(struct fb_stream *s)
{
    size_t queue_size = uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp);
    if (queue_size < s->stall_queue_size) {
        s->stall_queue_size = queue_size;
        fb_stream_set_deadline(s, s->times.stall_ms);
        return;
    }
    fb_stream_fail(s, FB_ERR_UNREACHABLE, "%s reads nothing of what is sent to it",
                   s->peer.address);
}

static void deadline_passed(struct fb_stream *s)
{
    if (s->is_write_broken) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "the connection to %s was cut", s->peer.address);
        return;
    }
    switch (s->state) {
    case FB_STREAM_CONNECTING:
        fb_connect_timed_out(s);
        return;
    case FB_STREAM_HANDSHAKE:
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "%s did not finish the TLS handshake in %lld s",
                       s->peer.address, (long long)(s->times.handshake_ms / 1000));
        return;
    case FB_STREAM_OPEN:
        stalled(s);
        return;
    case FB_STREAM_DRAINING:
        fb_stream_fail(s, FB_ERR_UNREACHABLE,
                       "%s did not read all that was sent to it before the connection was closed",
                       s->peer.address);
        return;
    case FB_STREAM_LINGERING:
        fb_stream_finish(s, FB_OK, NULL);
        return;
    case FB_STREAM_CLOSED:
        return;
    }
}

void fb_stream_sweep(struct fb_loop *loop)
{
    struct fb_stream *next = NULL;
    for (struct fb_stream *s = loop->timed; s != NULL; s = next) {
        next = s->next_timed;
        if (fb_loop_now_ms(loop) >= s->deadline_ms) {
            deadline_passed(s);
        }
    }
}

/* ---- The end ---- */

static void keep_reason(struct fb_stream *s, int err, const struct fb_why *why)
{
    if (s->err != FB_OK || err == FB_OK) {
        return; /* the first reason stays */
    }
    s->err = err;
    s->why = malloc(sizeof(*s->why));
    if (s->why != NULL) {
        fb_why_set(s->why, "%s",
                   why != NULL && why->text[0] != 0 ? why->text : fb_err_sentence(err));
    }
}

/* The only way to CLOSED. */
void fb_stream_finish(struct fb_stream *s, int err, const struct fb_why *why)
{
    if (s->state == FB_STREAM_CLOSED) {
        return;
    }
    keep_reason(s, err, why);
    fb_stream_set_deadline(s, 0);
    bool was_open = s->state != FB_STREAM_CONNECTING;
    s->state = FB_STREAM_CLOSED;
    if (was_open || s->connect == NULL || !fb_connect_is_reopening(s->connect)) {
        uv_close((uv_handle_t *)&s->tcp, fb_stream_on_closed);
    }
}

void fb_stream_fail(struct fb_stream *s, int err, const char *format, ...)
{
    struct fb_why why;
    va_list args;
    va_start(args, format);
    vsnprintf(why.text, sizeof(why.text), fb_text(format), args);
    va_end(args);
    fb_stream_finish(s, err, &why);
}

void fb_stream_abort(struct fb_stream *s, int err, const struct fb_why *why)
{
    fb_stream_finish(s, err, why);
}

static void unlink_stream(struct fb_stream *s)
{
    if (s->is_dirty) {
        struct fb_stream **at = &s->loop->dirty;
        while (*at != s) {
            at = &(*at)->next_dirty;
        }
        *at = s->next_dirty;
    }
    if (s->next != NULL) {
        s->next->previous = s->previous;
    }
    if (s->previous != NULL) {
        s->previous->next = s->next;
    } else {
        s->loop->streams = s->next;
    }
}

void fb_stream_on_closed(uv_handle_t *handle)
{
    static const struct fb_why CLOSED = {.text = "the connection was closed"};
    struct fb_stream *s = handle->data;
    if (s->listener != NULL && s->calls == NULL) {
        fb_listener_stream_refused(s->listener, s);
    }
    if (s->is_stranger && s->listener != NULL) {
        fb_listener_forget_stranger(s->listener, s);
    }
    if (s->calls != NULL && s->calls->on_close != NULL) {
        struct fb_why why = s->why != NULL ? *s->why : CLOSED;
        if (s->err != FB_OK && s->why == NULL) {
            fb_why_set(&why, "%s", fb_err_sentence(s->err));
        }
        s->calls->on_close(s->ctx, s->err, &why);
    }
    unlink_stream(s);
    fb_connect_drop(s->connect);
    SSL_free(s->ssl);
    fb_buf_release(&s->plain);
    fb_buf_release(&s->cipher);
    fb_buf_release(&s->flight);
    free(s->why);
    free(s);
}

void fb_stream_abort_all(struct fb_loop *loop)
{
    for (struct fb_stream *s = loop->streams; s != NULL; s = s->next) {
        fb_stream_finish(s, FB_ERR_INTERRUPTED, NULL);
    }
}

/* ---- Receiving ---- */

/* Says why OpenSSL's last call failed. */
static int explain(const struct fb_stream *s, struct fb_why *ret_why)
{
    bool is_client = SSL_is_server(s->ssl) == 0;
    const char *host = s->connect != NULL ? fb_connect_host(s->connect) : s->peer.address;
    const struct fb_tls_failure failure = {.ssl = s->ssl,
                                           .is_client = is_client,
                                           .host = is_client ? host : "",
                                           .first = s->first,
                                           .first_size = s->first_size};
    return fb_tls_explain(&failure, ret_why);
}

/* TLS failed: sends the alert and waits for it to be read. */
static void give_up(struct fb_stream *s, int err, const struct fb_why *why)
{
    if (s->state == FB_STREAM_CLOSED || s->state == FB_STREAM_LINGERING) {
        return;
    }
    keep_reason(s, err, why);
    fb_buf_release(&s->plain);
    s->plain_sealed = 0;
    if (s->cipher.size > 0 && s->flight.size == 0 && !s->is_write_broken &&
        !fb_stream_send_cipher(s)) {
        fb_stream_finish(s, err, why);
        return;
    }
    fb_stream_linger(s);
}

void fb_stream_fail_record(struct fb_stream *s)
{
    struct fb_why why;
    int err = explain(s, &why);
    give_up(s, err, &why);
}

static void opened(struct fb_stream *s)
{
    struct fb_why why;
    if (s->ssl != NULL) {
        int rc = fb_tls_read_peer(s->ssl, SSL_is_server(s->ssl) == 0, &s->peer, &why);
        if (rc != FB_OK) {
            keep_reason(s, rc, &why);
            s->state = FB_STREAM_DRAINING;
            fb_stream_set_deadline(s, FB_LAST_WORDS_MS);
            fb_stream_make_dirty(s);
            return;
        }
    } else {
        s->peer.alpn = FB_ALPN_HTTP;
    }
    s->state = FB_STREAM_OPEN;
    fb_stream_set_deadline(s, 0);
    if (s->listener != NULL) {
        fb_listener_stream_opened(s->listener, s);
        return;
    }
    fb_connect_drop(s->connect);
    s->connect = NULL;
    if (s->calls != NULL && s->calls->on_open != NULL) {
        s->calls->on_open(s->ctx, s, &s->peer);
    }
}

static void shake_hands(struct fb_stream *s)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (s->cipher.size > 0) {
        fb_stream_make_dirty(s);
    }
    if (rc == 1) {
        opened(s);
    } else if (SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_READ) {
        fb_stream_fail_record(s);
    }
}

static void deliver(struct fb_stream *s, const uint8_t *bytes, size_t size)
{
    if (size > 0 && s->state == FB_STREAM_OPEN && s->calls != NULL && s->calls->on_bytes != NULL) {
        s->calls->on_bytes(s->ctx, bytes, size);
    }
}

/* Decrypts all that was read; on_bytes gets up to FB_LOOP_READ_BYTES at once. */
static void unseal(struct fb_stream *s)
{
    int rc = 1;
    while (rc == 1 && s->state == FB_STREAM_OPEN) {
        size_t size = 0;
        ERR_clear_error();
        while (size < FB_LOOP_READ_BYTES) {
            size_t n = 0;
            rc = SSL_read_ex(s->ssl, s->loop->plain_bytes + size, FB_LOOP_READ_BYTES - size, &n);
            if (rc != 1) {
                break;
            }
            size += n;
        }
        int error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);
        if (s->cipher.size > 0) {
            fb_stream_make_dirty(s); /* the answer to a key update */
        }
        struct fb_why why;
        bool is_broken = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
        int err = is_broken ? explain(s, &why)
                            : FB_OK; /* before the callback disturbs OpenSSL's error queue */
        deliver(s, s->loop->plain_bytes, size);
        if (is_broken) {
            give_up(s, err, &why);
            return;
        }
        if (error == SSL_ERROR_ZERO_RETURN) {
            fb_stream_close(s); /* the peer's farewell */
        }
    }
}

static void read_bytes(struct fb_stream *s, const uint8_t *bytes, size_t size)
{
    s->received_bytes += (int64_t)size;
    while (s->first_size < sizeof(s->first) && s->first_size < size) {
        s->first[s->first_size] = bytes[s->first_size];
        s->first_size++;
    }
    if (s->ssl == NULL) {
        deliver(s, bytes, size);
        return;
    }
    s->in = bytes;
    s->in_size = size;
    if (s->state == FB_STREAM_HANDSHAKE) {
        shake_hands(s);
    }
    if (s->state == FB_STREAM_HANDSHAKE && s->received_bytes > FB_HANDSHAKE_BYTES_MAX) {
        fb_stream_fail(s, FB_ERR_LIMIT, "%s sent more than a handshake takes", s->peer.address);
    } else if (s->state == FB_STREAM_OPEN) {
        unseal(s);
    }
    s->in_size = 0;
}

static void reading_ended(struct fb_stream *s, int status)
{
    bool is_sent = s->state == FB_STREAM_DRAINING && fb_stream_unsent_bytes(s) == 0;
    bool is_agreed = s->state == FB_STREAM_LINGERING || (is_sent && status != UV_ETIMEDOUT) ||
                     (s->ssl == NULL && status == UV_EOF && s->state == FB_STREAM_OPEN);
    if (is_agreed) {
        fb_stream_finish(s, FB_OK, NULL);
    } else if (status == UV_ETIMEDOUT) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "%s no longer answers: the network between is broken",
                       s->peer.address);
    } else if (s->state == FB_STREAM_HANDSHAKE) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "%s closed the connection during the TLS handshake",
                       s->peer.address);
    } else {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "the connection to %s was cut", s->peer.address);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    const struct fb_stream *s = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)s->loop->read_bytes, FB_LOOP_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct fb_stream *s = stream->data;
    if (size > 0 && (s->state == FB_STREAM_HANDSHAKE || s->state == FB_STREAM_OPEN)) {
        read_bytes(s, (const uint8_t *)buf->base, (size_t)size);
    } else if (size < 0 && s->state != FB_STREAM_CLOSED) {
        reading_ended(s, (int)size);
    } /* else: what is read away while closing */
}

void fb_stream_pause(struct fb_stream *s)
{
    if (s->state == FB_STREAM_OPEN && !s->is_write_broken) {
        s->is_paused = true;
        uv_read_stop((uv_stream_t *)&s->tcp);
    }
}

void fb_stream_resume(struct fb_stream *s)
{
    if (s->is_paused && s->state != FB_STREAM_CLOSED) {
        s->is_paused = false;
        uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    }
}

/* ---- The beginning and the farewell ---- */

struct fb_stream *fb_stream_new(struct fb_loop *loop, const struct fb_stream_times *times)
{
    struct fb_stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->loop = loop;
    s->times = *times;
    s->times.handshake_ms = times->handshake_ms > 0 ? times->handshake_ms : FB_HANDSHAKE_MS_MAX;
    s->times.dead_ms = times->dead_ms > 0 ? times->dead_ms : FB_DEAD_MS;
    s->times.stall_ms = times->stall_ms > 0 ? times->stall_ms : FB_STALL_MS;
    s->times.close_ms = times->close_ms > 0 ? times->close_ms : FB_CLOSE_MS_MAX;
    fb_buf_init(&s->plain, FB_STREAM_OUTPUT_BYTES_MAX);
    fb_buf_init(&s->cipher, FB_CIPHER_BYTES_MAX);
    fb_buf_init(&s->flight, FB_CIPHER_BYTES_MAX);
    uv_tcp_init(&loop->uv, &s->tcp);
    s->tcp.data = s;
    s->accepted_ms = fb_loop_now_ms(loop);
    s->next = loop->streams;
    if (s->next != NULL) {
        s->next->previous = s;
    }
    loop->streams = s;
    return s;
}

/* Half-open connections are found by the kernel: unanswered bytes after dead_ms, silence by
 * keepalive probes. */
static void set_options(struct fb_stream *s)
{
    uv_os_fd_t fd = -1;
    uv_tcp_nodelay(&s->tcp, 1);
    if (uv_fileno((uv_handle_t *)&s->tcp, &fd) != 0) {
        return;
    }
    int on = 1;
    int idle_s = FB_KEEPALIVE_IDLE_S;
    int every_s = FB_KEEPALIVE_EVERY_S;
    int probes = FB_KEEPALIVE_PROBES;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
#ifdef TCP_KEEPIDLE
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
#endif
#ifdef TCP_USER_TIMEOUT
    unsigned int dead_ms = (unsigned int)s->times.dead_ms;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
#endif
}

void fb_stream_start(struct fb_stream *s, SSL *ssl)
{
    s->ssl = ssl;
    s->state = FB_STREAM_HANDSHAKE;
    set_options(s);
    int rc = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    if (rc != 0) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "%s cannot be read from: %s", s->peer.address,
                       uv_strerror(rc));
        return;
    }
    if (ssl == NULL) {
        opened(s);
        return;
    }
    BIO *bio = new_bio(s);
    if (bio == NULL) {
        fb_stream_fail(s, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
        return;
    }
    SSL_set_bio(ssl, bio, bio);
    fb_stream_set_deadline(s, s->times.handshake_ms);
    shake_hands(s); /* a client's first message */
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct fb_stream *s = shutdown->data;
    if (status != 0 && s->state == FB_STREAM_LINGERING) {
        fb_stream_finish(s, FB_OK, NULL); /* the peer is gone already */
    }
}

/* All is sent: FIN, then read away what comes until the peer closes. */
void fb_stream_linger(struct fb_stream *s)
{
    s->state = FB_STREAM_LINGERING;
    fb_stream_resume(s);
    fb_stream_set_deadline(s, FB_LAST_WORDS_MS);
    s->shutdown.data = s;
    if (!s->has_shutdown && uv_shutdown(&s->shutdown, (uv_stream_t *)&s->tcp, on_shutdown) != 0) {
        fb_stream_finish(s, FB_OK, NULL);
    }
    s->has_shutdown = true;
}

void fb_stream_close(struct fb_stream *s)
{
    if (s->state == FB_STREAM_CONNECTING || s->state == FB_STREAM_HANDSHAKE || s->is_write_broken) {
        fb_stream_finish(s, FB_OK, NULL);
        return;
    }
    if (s->state == FB_STREAM_OPEN) {
        s->state = FB_STREAM_DRAINING;
        fb_stream_resume(s);
        fb_stream_set_deadline(s, s->times.close_ms);
        fb_stream_make_dirty(s);
    }
}

void fb_stream_set_calls(struct fb_stream *s, const struct fb_stream_calls *calls, void *ctx)
{
    s->calls = calls;
    s->ctx = ctx;
}

void fb_stream_set_known(struct fb_stream *s)
{
    if (s->is_stranger && s->listener != NULL) {
        fb_listener_forget_stranger(s->listener, s);
    }
}

int fb_stream_binding(struct fb_stream *s, const char *label, uint8_t ret_bytes[static 32])
{
    uint8_t bytes[32];
    if (s->ssl == NULL || s->state != FB_STREAM_OPEN ||
        SSL_export_keying_material(s->ssl, bytes, sizeof(bytes), label, strlen(label), NULL, 0,
                                   0) != 1) {
        return FB_ERR_INVALID;
    }
    memcpy(ret_bytes, bytes, sizeof(bytes));
    return FB_OK;
}

void fb_stream_counts(const struct fb_stream *s, int64_t *ret_sent, int64_t *ret_received)
{
    *ret_sent = s->sent_bytes;
    *ret_received = s->received_bytes;
}

void fb_stream_address_text(const struct sockaddr *address,
                            char ret_text[static FB_STREAM_ADDRESS_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        uv_ip6_name(in6, host, sizeof(host));
        snprintf(ret_text, FB_STREAM_ADDRESS_SIZE, "[%s]:%d", host, ntohs(in6->sin6_port));
        return;
    }
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)address;
    uv_ip4_name(in4, host, sizeof(host));
    snprintf(ret_text, FB_STREAM_ADDRESS_SIZE, "%s:%d", host, ntohs(in4->sin_port));
}
