/* SPDX-License-Identifier: MIT
 *
 * libuv stops polling a listening socket while an accepted connection was not taken with
 * uv_accept(): that is how accepting pauses. When the process is out of file handles libuv closes a
 * spare one, accepts and drops what waits, and opens the spare again.
 */
#include "common/net/listener.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/net/address.h"
#include "common/net/stream_inside.h"

#define SOCKETS_MAX   8
#define PORT_DEFAULT  7443
#define PORT_TRIES    20 /* of a picked port that is free for one address and not for the next */
#define ADDRESS_BYTES 16

struct listening_socket {
    uv_tcp_t tcp;
    struct fb_listener *listener;
    bool is_waiting; /* a connection was announced and not taken: accepting pauses */
};

struct fb_listener {
    struct fb_loop *loop;
    struct fb_listener *next; /* on loop->listeners */
    struct fb_listener_config config;
    SSL_CTX *ctx; /* a reference; NULL: plain */
    struct listening_socket sockets[SOCKETS_MAX];
    int socket_count;
    int open_handles;
    int port;
    bool is_freed;
    struct fb_stream *strangers; /* oldest first */
    struct fb_stream *newest_stranger;
    int stranger_count;
    char address[FB_ADDRESS_TEXT_SIZE];
};

static void accept_waiting(struct fb_listener *l);

/* ---- Strangers ---- */

static void add_stranger(struct fb_listener *l, struct fb_stream *s)
{
    s->is_stranger = true;
    s->next_stranger = NULL;
    s->previous_stranger = l->newest_stranger;
    if (l->newest_stranger != NULL) {
        l->newest_stranger->next_stranger = s;
    } else {
        l->strangers = s;
    }
    l->newest_stranger = s;
    l->stranger_count++;
}

void fb_listener_forget_stranger(struct fb_listener *l, struct fb_stream *s)
{
    if (s->next_stranger != NULL) {
        s->next_stranger->previous_stranger = s->previous_stranger;
    } else {
        l->newest_stranger = s->previous_stranger;
    }
    if (s->previous_stranger != NULL) {
        s->previous_stranger->next_stranger = s->next_stranger;
    } else {
        l->strangers = s->next_stranger;
    }
    s->is_stranger = false;
    l->stranger_count--;
    accept_waiting(l);
}

/* The length of an address text without its port. */
static size_t host_size(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon == NULL ? strlen(address) : (size_t)(colon - address);
}

static bool is_crowded(const struct fb_listener *l, const char *address)
{
    size_t size = host_size(address);
    int same = 0;
    for (const struct fb_stream *s = l->strangers; s != NULL; s = s->next_stranger) {
        same += host_size(s->peer.address) == size && memcmp(s->peer.address, address, size) == 0;
    }
    return l->config.strangers_per_address_max >= 0 && same >= l->config.strangers_per_address_max;
}

/* Room for one more stranger; if need be the oldest that dawdles over its handshake is cut. */
static bool make_room(struct fb_listener *l)
{
    if (l->stranger_count < l->config.strangers_max) {
        return true;
    }
    int64_t now_ms = fb_loop_now_ms(l->loop);
    for (struct fb_stream *s = l->strangers; s != NULL; s = s->next_stranger) {
        if (now_ms - s->accepted_ms < FB_STRANGER_DAWDLE_MS) {
            return false; /* the rest is younger */
        }
        if (s->state == FB_STREAM_HANDSHAKE) {
            fb_stream_fail(s, FB_ERR_LIMIT, "%s was slow in its handshake while others waited",
                           s->peer.address);
            return false; /* its place is free when its socket is closed, in this turn */
        }
    }
    return false;
}

/* ---- Accepting ---- */

static void tell_refused(const struct fb_listener *l, const char *address, int err,
                         const struct fb_why *why)
{
    if (l->config.on_refused != NULL && !l->is_freed) {
        l->config.on_refused(l->config.ctx, address, err, why);
    }
}

void fb_listener_stream_refused(struct fb_listener *l, const struct fb_stream *s)
{
    struct fb_why why;
    fb_why_set(&why, "%s", s->why != NULL ? s->why->text : "the client closed the connection");
    tell_refused(l, s->peer.address, s->err, &why);
}

void fb_listener_stream_opened(struct fb_listener *l, struct fb_stream *s)
{
    if (s->peer.has_certificate && s->is_stranger) {
        fb_listener_forget_stranger(l, s);
    }
    l->config.on_stream(l->config.ctx, s, &s->peer);
}

static void refuse_crowd(struct fb_listener *l, struct fb_stream *s)
{
    fb_stream_fail(s, FB_ERR_LIMIT,
                   "%s has %d connections that are not logged in, and may not have more",
                   s->peer.address, l->config.strangers_per_address_max);
}

static void accept_one(struct listening_socket *socket)
{
    struct fb_listener *l = socket->listener;
    socket->is_waiting = false;
    struct fb_stream *s = fb_stream_new(l->loop, &l->config.times);
    if (s == NULL) {
        socket->is_waiting = true; /* tried again when another connection ends */
        return;
    }
    s->listener = l;
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    if (uv_accept((uv_stream_t *)&socket->tcp, (uv_stream_t *)&s->tcp) != 0 ||
        uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&address, &size) != 0) {
        fb_stream_fail(s, FB_ERR_UNREACHABLE, "a client went away before it was accepted");
        return;
    }
    fb_stream_address_text((struct sockaddr *)&address, s->peer.address);
    bool is_one_too_many = is_crowded(l, s->peer.address);
    add_stranger(l, s);
    SSL *ssl = l->ctx == NULL ? NULL : fb_tls_accept_new(l->ctx);
    if (is_one_too_many) {
        SSL_free(ssl);
        refuse_crowd(l, s);
    } else if (l->ctx != NULL && ssl == NULL) {
        fb_stream_fail(s, FB_ERR_NO_MEMORY, "there is not enough memory for the connection");
    } else {
        fb_stream_start(s, ssl);
    }
}

static void accept_waiting(struct fb_listener *l)
{
    for (int i = 0; i < l->socket_count && !l->is_freed; i++) {
        if (l->sockets[i].is_waiting && make_room(l)) {
            accept_one(&l->sockets[i]);
        }
    }
}

void fb_listener_retry(struct fb_loop *loop)
{
    for (struct fb_listener *l = loop->listeners; l != NULL; l = l->next) {
        accept_waiting(l);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listening_socket *socket = stream->data;
    if (status != 0) {
        struct fb_why why;
        fb_why_set(&why, "a connection could not be accepted: %s", uv_strerror(status));
        tell_refused(socket->listener, "?", FB_ERR_LIMIT, &why);
        return;
    }
    socket->is_waiting = true;
    accept_waiting(socket->listener);
}

/* ---- Beginning and end ---- */

static void on_socket_closed(uv_handle_t *handle)
{
    struct listening_socket *socket = handle->data;
    struct fb_listener *l = socket->listener;
    if (--l->open_handles > 0) {
        return;
    }
    struct fb_listener **at = &l->loop->listeners;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    SSL_CTX_free(l->ctx);
    free(l);
}

static void close_sockets(struct fb_listener *l)
{
    l->open_handles = l->socket_count;
    for (int i = 0; i < l->socket_count; i++) {
        uv_close((uv_handle_t *)&l->sockets[i].tcp, on_socket_closed);
    }
}

static int bound_port(const uv_tcp_t *tcp)
{
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &size);
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int listen_on(struct fb_listener *l, const struct sockaddr *address)
{
    struct listening_socket *socket = &l->sockets[l->socket_count];
    uv_tcp_init(&l->loop->uv, &socket->tcp);
    socket->tcp.data = socket;
    socket->listener = l;
    l->socket_count++;
    struct sockaddr_storage a = {0};
    memcpy(&a, address,
           address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in));
    if (a.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)&a)->sin6_port = htons((uint16_t)l->port);
    } else {
        ((struct sockaddr_in *)(void *)&a)->sin_port = htons((uint16_t)l->port);
    }
    int rc = uv_tcp_bind(&socket->tcp, (struct sockaddr *)&a,
                         a.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
    if (rc == 0) {
        rc = uv_listen((uv_stream_t *)&socket->tcp, FB_LISTEN_BACKLOG, on_connection);
    }
    if (rc == 0 && l->port == 0) {
        l->port = bound_port(&socket->tcp);
    }
    return rc;
}

static struct fb_listener *new_listener(struct fb_loop *loop,
                                        const struct fb_listener_config *config)
{
    struct fb_listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    l->loop = loop;
    l->config = *config;
    l->config.address = NULL; /* borrowed */
    l->config.tls = NULL;
    if (config->strangers_per_address_max == 0) {
        l->config.strangers_per_address_max = FB_STRANGERS_PER_ADDRESS_MAX;
    }
    if (config->strangers_max == 0) {
        l->config.strangers_max = FB_STRANGERS_MAX;
    }
    fb_listener_set_tls(l, config->tls);
    l->next = loop->listeners;
    loop->listeners = l;
    return l;
}

/* Listens on every address that can be used; at least one must. Returns libuv's error. */
static int listen_on_all(struct fb_listener *l, const struct addrinfo *addresses)
{
    int listening = 0;
    int problem = UV_EADDRNOTAVAIL;
    for (const struct addrinfo *a = addresses; a != NULL && l->socket_count < SOCKETS_MAX;
         a = a->ai_next) {
        int rc = listen_on(l, a->ai_addr);
        listening += rc == 0;
        problem = rc == 0 ? problem : rc;
        if (rc == UV_EADDRINUSE || rc == UV_EACCES) {
            return rc;
        }
    }
    return listening > 0 ? 0 : problem;
}

static int explain(int status, const struct fb_address *address, struct fb_why *why)
{
    char name[FB_ADDRESS_TEXT_SIZE];
    fb_address_format(address, name);
    switch (status) {
    case UV_EADDRINUSE:
        return fb_fail(why, FB_ERR_BUSY,
                       "port %d is in use (%s): another program listens there; stop it or choose "
                       "another port with --listen",
                       address->port, name);
    case UV_EACCES:
        return fb_fail(
            why, FB_ERR_CONFIG,
            "%s may not be listened on: ports below 1024 need special rights; choose a higher one",
            name);
    default:
        return fb_fail(why, FB_ERR_CONFIG, "%s cannot be listened on: %s", name,
                       uv_strerror(status));
    }
}

int fb_listener_new(struct fb_loop *loop, const struct fb_listener_config *config,
                    struct fb_listener **ret_listener, struct fb_why *why)
{
    struct fb_address address;
    int rc = fb_address_parse(config->address, PORT_DEFAULT, &address, why);
    if (rc != FB_OK) {
        return rc;
    }
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    uv_getaddrinfo_t lookup;
    int status = uv_getaddrinfo(&loop->uv, &lookup, NULL, address.host, NULL, &hints);
    if (status != 0) {
        return fb_fail(why, FB_ERR_CONFIG, "%s is not an address of this computer: %s",
                       address.host, uv_strerror(status));
    }
    struct fb_listener *l = NULL;
    for (int i = 0; i < (address.port == 0 ? PORT_TRIES : 1); i++) {
        l = new_listener(loop, config);
        if (l == NULL) {
            break;
        }
        l->port = address.port;
        status = listen_on_all(l, lookup.addrinfo);
        if (status == 0) {
            break;
        }
        fb_listener_free(l);
    }
    uv_freeaddrinfo(lookup.addrinfo);
    if (l == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory to listen");
    }
    if (status != 0) {
        return explain(status, &address, why);
    }
    address.port = l->port;
    fb_address_format(&address, l->address);
    *ret_listener = l;
    return FB_OK;
}

const char *fb_listener_address(const struct fb_listener *l)
{
    return l->address;
}

int fb_listener_port(const struct fb_listener *l)
{
    return l->port;
}

void fb_listener_set_tls(struct fb_listener *l, struct fb_tls_server *tls)
{
    SSL_CTX *ctx = tls == NULL ? NULL : fb_tls_server_ctx(tls);
    if (ctx != NULL) {
        SSL_CTX_up_ref(ctx);
    }
    SSL_CTX_free(l->ctx);
    l->ctx = ctx;
}

void fb_listener_free(struct fb_listener *l)
{
    if (l == NULL || l->is_freed) {
        return;
    }
    l->is_freed = true;
    for (struct fb_stream *s = l->loop->streams; s != NULL; s = s->next) {
        if (s->listener == l) {
            s->listener = NULL;
            s->is_stranger = false;
            if (s->state == FB_STREAM_HANDSHAKE) {
                fb_stream_abort(s, FB_ERR_INTERRUPTED, NULL);
            }
        }
    }
    close_sockets(l);
}

void fb_listener_free_all(struct fb_loop *loop)
{
    for (struct fb_listener *l = loop->listeners; l != NULL; l = l->next) {
        fb_listener_free(l);
    }
}
