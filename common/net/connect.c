/* SPDX-License-Identifier: MIT
 *
 * A client's way to a TCP connection: look up the name (of the proxy, if there is one), try each
 * address in turn, ask the proxy for a tunnel, hand over to fb_stream_start(). What can fail: the
 * lookup, each address (the next is tried; the last one's reason is told), the proxy's answer, the
 * time.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/net/address.h"
#include "common/net/proxy.h"
#include "common/net/stream_inside.h"

#define PORT_DEFAULT      7443
#define ATTEMPT_MS_MIN    1000
#define PROXY_REQUEST_MAX 2048

struct fb_connect {
    struct fb_stream *stream; /* NULL: the stream is gone, the lookup still runs and frees this */
    struct fb_address target;
    struct fb_proxy proxy;
    SSL_CTX *ctx; /* a reference; NULL: plain */
    char alpn[32];
    uv_getaddrinfo_t lookup;
    uv_connect_t request;
    uv_write_t write;
    bool is_looking_up;
    bool is_reopening;
    bool is_asking_proxy;
    struct addrinfo *found;
    struct addrinfo *next;
    int64_t until_ms; /* of the loop's clock */
    struct fb_buf proxy_request;
    struct fb_buf proxy_answer;
    uint8_t chunk[1024];
};

static void try_next(struct fb_connect *c);

static void free_connect(struct fb_connect *c)
{
    uv_freeaddrinfo(c->found);
    SSL_CTX_free(c->ctx);
    fb_buf_release(&c->proxy_request);
    fb_buf_release(&c->proxy_answer);
    free(c);
}

void fb_connect_drop(struct fb_connect *c)
{
    if (c == NULL) {
        return;
    }
    c->stream = NULL;
    if (c->is_looking_up) {
        uv_cancel((uv_req_t *)&c->lookup); /* on_found comes in either case */
        return;
    }
    free_connect(c);
}

const char *fb_connect_host(const struct fb_connect *c)
{
    return c->target.host;
}

bool fb_connect_is_reopening(const struct fb_connect *c)
{
    return c->is_reopening;
}

/* What people know the other end of the TCP connection by. */
static void peer_name(const struct fb_connect *c, char ret_name[static FB_ADDRESS_TEXT_SIZE])
{
    fb_address_format(c->proxy.is_used ? &c->proxy.address : &c->target, ret_name);
}

static void fail_to_reach(struct fb_connect *c, int status)
{
    char name[FB_ADDRESS_TEXT_SIZE];
    peer_name(c, name);
    const char *what = c->proxy.is_used ? "the proxy " : "";
    if (status == UV_ECONNREFUSED) {
        fb_stream_fail(
            c->stream, FB_ERR_UNREACHABLE,
            "%s%s refuses connections: check the address and the port, and whether the server runs",
            what, name);
    } else if (status == UV_ETIMEDOUT) {
        fb_stream_fail(c->stream, FB_ERR_UNREACHABLE,
                       "%s%s does not answer: check the address and the network", what, name);
    } else {
        fb_stream_fail(c->stream, FB_ERR_UNREACHABLE, "%s%s cannot be reached: %s", what, name,
                       uv_strerror(status));
    }
}

static int64_t left_ms(const struct fb_connect *c)
{
    int64_t left = c->until_ms - fb_loop_now_ms(c->stream->loop);
    return left > 1 ? left : 1;
}

static void start_tls(struct fb_connect *c)
{
    struct fb_stream *s = c->stream;
    SSL *ssl = c->ctx == NULL ? NULL : fb_tls_connect_new(c->ctx, c->target.host, c->alpn);
    if (c->ctx != NULL && ssl == NULL) {
        fb_stream_fail(s, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
        return;
    }
    fb_stream_set_deadline(s, 0);
    fb_stream_start(s, ssl);
}

/* ---- The proxy ---- */

static void on_proxy_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct fb_stream *s = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)s->connect->chunk, sizeof(s->connect->chunk));
}

static void on_proxy_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct fb_stream *s = stream->data;
    struct fb_connect *c = s->connect;
    if (size == 0 || s->state != FB_STREAM_CONNECTING) {
        return;
    }
    if (size < 0) {
        char name[FB_ADDRESS_TEXT_SIZE];
        peer_name(c, name);
        fb_stream_fail(s, FB_ERR_UNREACHABLE,
                       "the proxy %s closed the connection without an answer", name);
        return;
    }
    fb_buf_append(&c->proxy_answer, buf->base, (size_t)size);
    struct fb_why why;
    bool is_open = false;
    int rc = fb_proxy_read_answer(&c->proxy, c->proxy_answer.bytes, c->proxy_answer.size, &is_open,
                                  &why);
    if (rc == FB_OK) {
        rc = fb_buf_error(&c->proxy_answer);
        fb_why_set(&why, "the proxy's answer is too long");
    }
    if (rc != FB_OK) {
        fb_stream_abort(s, rc == FB_ERR_LIMIT ? FB_ERR_UNREACHABLE : rc, &why);
    } else if (is_open) {
        uv_read_stop(stream);
        start_tls(c);
    }
}

static void on_proxy_written(uv_write_t *write, int status)
{
    struct fb_stream *s = write->data;
    if (status != 0 && s->state == FB_STREAM_CONNECTING) {
        fail_to_reach(s->connect, status);
    }
}

static void ask_proxy(struct fb_connect *c)
{
    struct fb_stream *s = c->stream;
    c->is_asking_proxy = true;
    fb_proxy_write_request(&c->proxy, &c->target, &c->proxy_request);
    if (fb_buf_error(&c->proxy_request) != FB_OK) {
        fb_stream_fail(s, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
        return;
    }
    uv_buf_t text =
        uv_buf_init((char *)c->proxy_request.bytes, (unsigned int)c->proxy_request.size);
    c->write.data = s;
    int rc = uv_write(&c->write, (uv_stream_t *)&s->tcp, &text, 1, on_proxy_written);
    if (rc == 0) {
        rc = uv_read_start((uv_stream_t *)&s->tcp, on_proxy_alloc, on_proxy_read);
    }
    if (rc != 0) {
        fail_to_reach(c, rc);
        return;
    }
    fb_stream_set_deadline(s, left_ms(c));
}

/* ---- Addresses ---- */

static void on_connected(uv_connect_t *request, int status)
{
    struct fb_stream *s = request->data;
    struct fb_connect *c = s->connect;
    if (s->state != FB_STREAM_CONNECTING || c->is_reopening) {
        return;
    }
    if (status != 0) {
        if (c->next == NULL) {
            fail_to_reach(c, status);
        } else {
            try_next(c);
        }
        return;
    }
    if (c->proxy.is_used) {
        ask_proxy(c);
    } else {
        start_tls(c);
    }
}

static int connect_to(struct fb_connect *c, const struct addrinfo *address)
{
    struct fb_stream *s = c->stream;
    int addresses = 1;
    for (const struct addrinfo *a = address->ai_next; a != NULL; a = a->ai_next) {
        addresses++;
    }
    int64_t share_ms = left_ms(c) / addresses;
    fb_stream_set_deadline(s,
                           share_ms > ATTEMPT_MS_MIN || addresses == 1 ? share_ms : ATTEMPT_MS_MIN);
    fb_stream_address_text(address->ai_addr, s->peer.address);
    c->request.data = s;
    return uv_tcp_connect(&c->request, &s->tcp, address->ai_addr, on_connected);
}

static void on_reopened(uv_handle_t *handle)
{
    struct fb_stream *s = handle->data;
    struct fb_connect *c = s->connect;
    c->is_reopening = false;
    if (s->state == FB_STREAM_CLOSED) {
        fb_stream_on_closed(handle);
        return;
    }
    uv_tcp_init(&s->loop->uv, &s->tcp);
    s->tcp.data = s;
    const struct addrinfo *address = c->next;
    c->next = c->next->ai_next;
    int rc = connect_to(c, address);
    if (rc != 0 && c->next == NULL) {
        fail_to_reach(c, rc);
    } else if (rc != 0) {
        try_next(c);
    }
}

/* A failed TCP handle cannot be used again: it is closed and made anew. */
static void try_next(struct fb_connect *c)
{
    fb_stream_set_deadline(c->stream, 0);
    c->is_reopening = true;
    uv_close((uv_handle_t *)&c->stream->tcp, on_reopened);
}

void fb_connect_timed_out(struct fb_stream *s)
{
    struct fb_connect *c = s->connect;
    if (c->found == NULL) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE,
                       "the name %s could not be looked up in time: check the network",
                       c->proxy.is_used ? c->proxy.address.host : c->target.host);
    } else if (c->next == NULL || c->is_asking_proxy) {
        fail_to_reach(c, UV_ETIMEDOUT);
    } else {
        try_next(c);
    }
}

/* ---- The name ---- */

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct fb_connect *c = lookup->data;
    c->is_looking_up = false;
    c->found = found;
    if (c->stream == NULL) {
        free_connect(c);
        return;
    }
    struct fb_stream *s = c->stream;
    if (s->state != FB_STREAM_CONNECTING) {
        return;
    }
    if (status != 0 || found == NULL) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE,
                       "the name %s is not known (%s): check the address and the network",
                       c->proxy.is_used ? c->proxy.address.host : c->target.host,
                       uv_strerror(status));
        return;
    }
    c->next = found->ai_next;
    int rc = connect_to(c, found);
    if (rc != 0 && c->next == NULL) {
        fail_to_reach(c, rc);
    } else if (rc != 0) {
        try_next(c);
    }
}

static void look_up(struct fb_connect *c, int64_t timeout_ms)
{
    const struct fb_address *address = c->proxy.is_used ? &c->proxy.address : &c->target;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    const struct addrinfo numeric = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    char port[8];
    snprintf(port, sizeof(port), "%d", address->port);
    struct fb_loop *loop = c->stream->loop;
    uv_update_time(&loop->uv);
    c->until_ms = fb_loop_now_ms(loop) + timeout_ms;
    fb_stream_set_deadline(c->stream, timeout_ms);
    c->lookup.data = c;
    c->is_looking_up = true;
    int rc = uv_getaddrinfo(&loop->uv, &c->lookup, on_found, address->host, port,
                            fb_address_is_numeric(address->host) ? &numeric : &hints);
    if (rc != 0) {
        c->is_looking_up = false;
        fb_stream_fail(c->stream, FB_ERR_UNREACHABLE, "the name %s cannot be looked up: %s",
                       address->host, uv_strerror(rc));
    }
}

int fb_stream_connect(struct fb_loop *loop, const struct fb_stream_connect_config *config,
                      const struct fb_stream_calls *calls, void *ctx, struct fb_stream **ret_stream,
                      struct fb_why *why)
{
    struct fb_address target;
    struct fb_proxy proxy;
    int rc = fb_address_parse(config->address, PORT_DEFAULT, &target, why);
    rc = rc == FB_OK ? fb_proxy_choose(config->proxy, &target, &proxy, why) : rc;
    if (rc != FB_OK) {
        return rc;
    }
    struct fb_connect *c = calloc(1, sizeof(*c));
    struct fb_stream *s = c == NULL ? NULL : fb_stream_new(loop, &config->times);
    if (s == NULL) {
        free(c);
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
    }
    c->stream = s;
    c->target = target;
    c->proxy = proxy;
    if (config->tls != NULL) {
        c->ctx = fb_tls_client_ctx(config->tls);
        SSL_CTX_up_ref(c->ctx);
        fb_assert(strlen(config->alpn) < sizeof(c->alpn));
        memcpy(c->alpn, config->alpn, strlen(config->alpn) + 1);
    }
    fb_buf_init(&c->proxy_request, PROXY_REQUEST_MAX);
    fb_buf_init(&c->proxy_answer, FB_PROXY_ANSWER_BYTES_MAX + sizeof(c->chunk));
    s->connect = c;
    fb_stream_set_calls(s, calls, ctx);
    look_up(c, config->timeout_ms > 0 ? config->timeout_ms : FB_CONNECT_MS_MAX);
    *ret_stream = s;
    return FB_OK;
}
