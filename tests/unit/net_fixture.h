/* SPDX-License-Identifier: MIT
 *
 * A small world for the tests of common/net: one authority with a server and a device, a loop, a listener on loopback, and ends
 * that note what happens to them.
 */
#ifndef FB_TESTS_NET_FIXTURE_H
#define FB_TESTS_NET_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/net/address.h"
#include "common/net/ca.h"
#include "common/net/listener.h"
#include "tests/lib/testlib.h"

#define DEVICE_ID "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
#define ENDS_MAX  64
#ifdef __SANITIZE_THREAD__
#define PATIENCE_MS 240000
#else
#define PATIENCE_MS 60000
#endif
#define MS_PER_DAY 86400000LL

/* One authority with all it issues. */
struct authority {
    struct fb_ca_pair root;
    struct fb_ca_pair issuer;
    struct fb_ca_pair server; /* the server's certificate, then the issuer's */
    struct fb_ca_pair device;
    struct fb_buf ca; /* root and issuer */
};

__attribute__((unused)) static void must(int rc, const struct fb_why *why)
{
    if (rc != FB_OK) {
        print_error("%s: %s\n", fb_err_name(rc), why == NULL ? "" : why->text);
        fail();
    }
}

__attribute__((unused)) static void append(struct fb_buf *to, const struct fb_buf *from)
{
    fb_buf_append(to, from->bytes, from->size);
}

__attribute__((unused)) static void make_device(const struct authority *a, const char *id,
                                                int64_t now_ms, struct fb_ca_pair *ret_device)
{
    struct fb_why why = {0};
    struct fb_buf csr;
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    fb_ca_pair_init(ret_device);
    must(fb_ca_make_key(&ret_device->key, &why), &why);
    must(fb_ca_make_csr(&ret_device->key, &csr, &why), &why);
    must(fb_ca_sign_device(&a->issuer, csr.bytes, csr.size, id, "Ana's laptop", now_ms,
                           &ret_device->cert, &why),
         &why);
    fb_buf_release(&csr);
}

__attribute__((unused)) static void authority_make(struct authority *a, const char *name,
                                                   int64_t now_ms)
{
    static const char *const HOSTS[] = {"crm.example.com", "192.0.2.7"};
    struct fb_why why = {0};
    fb_ca_pair_init(&a->root);
    fb_ca_pair_init(&a->issuer);
    fb_ca_pair_init(&a->server);
    fb_buf_init(&a->ca, FB_PEM_BYTES_MAX);
    must(fb_ca_make_root(name, now_ms, &a->root, &why), &why);
    must(fb_ca_make_issuer(&a->root, name, now_ms, &a->issuer, &why), &why);
    must(fb_ca_make_server(&a->issuer, HOSTS, 2, now_ms, &a->server, &why), &why);
    append(&a->server.cert, &a->issuer.cert);
    append(&a->ca, &a->root.cert);
    append(&a->ca, &a->issuer.cert);
    make_device(a, DEVICE_ID, now_ms, &a->device);
}

__attribute__((unused)) static void authority_release(struct authority *a)
{
    fb_ca_pair_release(&a->root);
    fb_ca_pair_release(&a->issuer);
    fb_ca_pair_release(&a->server);
    fb_ca_pair_release(&a->device);
    fb_buf_release(&a->ca);
}

/* One end of a connection, and what happened to it. */
struct end {
    struct fb_stream *stream; /* NULL once it is closed */
    struct fb_stream_peer peer;
    struct fb_buf got;
    size_t got_bytes; /* also when nothing is kept */
    bool keeps_nothing;
    bool is_echo;
    int opens;
    int closes;
    int writables;
    int err;
    struct fb_why why;
};

struct world {
    struct fb_loop *loop;
    struct fb_listener *listener;
    struct end server[ENDS_MAX];
    int server_count;
    int refused_count;
    int refused_err;
    struct fb_why refused_why;
};

static void end_on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct end *end = ctx;
    assert_int_equal(end->closes, 0);
    end->stream = stream;
    end->peer = *peer;
    end->opens++;
}

static void end_on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct end *end = ctx;
    assert_int_equal(end->closes, 0);
    end->got_bytes += size;
    if (!end->keeps_nothing) {
        fb_buf_append(&end->got, bytes, size);
    }
    if (end->is_echo) {
        must(fb_stream_write(end->stream, bytes, size), NULL);
    }
}

static void end_on_writable(void *ctx)
{
    struct end *end = ctx;
    end->writables++;
}

static void end_on_close(void *ctx, int err, const struct fb_why *why)
{
    struct end *end = ctx;
    assert_true(why->text[0] != 0);
    end->closes++;
    end->stream = NULL;
    end->err = err;
    end->why = *why;
}

static const struct fb_stream_calls END_CALLS = {end_on_open, end_on_bytes, end_on_writable,
                                                 end_on_close};

__attribute__((unused)) static void end_init(struct end *end)
{
    *end = (struct end){0};
    fb_buf_init(&end->got, 256 * 1024 * 1024);
}

static void world_on_stream(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct world *w = ctx;
    assert_true(w->server_count < ENDS_MAX);
    struct end *end = &w->server[w->server_count++];
    end_init(end);
    fb_stream_set_calls(stream, &END_CALLS, end);
    end_on_open(end, stream, peer);
}

static void world_on_refused(void *ctx, const char *address, int err, const struct fb_why *why)
{
    struct world *w = ctx;
    (void)address;
    w->refused_count++;
    w->refused_err = err;
    w->refused_why = *why;
}

__attribute__((unused)) static struct fb_listener_config world_config(struct world *w)
{
    return (struct fb_listener_config){.address = "127.0.0.1:0",
                                       .strangers_per_address_max = -1,
                                       .on_stream = world_on_stream,
                                       .on_refused = world_on_refused,
                                       .ctx = w};
}

__attribute__((unused)) static void world_start(struct world *w,
                                                const struct fb_listener_config *config)
{
    struct fb_why why = {0};
    must(fb_listener_new(w->loop, config, &w->listener, &why), &why);
}

/* A loop with a TLS listener of this authority. */
__attribute__((unused)) static void world_init(struct world *w, const struct authority *a)
{
    *w = (struct world){0};
    struct fb_why why = {0};
    must(fb_loop_new(&w->loop), NULL);
    if (a == NULL) {
        return;
    }
    const struct fb_tls_server_config tls_config = {
        .cert = &a->server.cert, .key = &a->server.key, .ca = &a->ca};
    struct fb_tls_server *tls = NULL;
    must(fb_tls_server_new(&tls_config, &tls, &why), &why);
    struct fb_listener_config config = world_config(w);
    config.tls = tls;
    world_start(w, &config);
    fb_tls_server_free(tls); /* the listener keeps it */
}

__attribute__((unused)) static void world_release(struct world *w)
{
    assert_true(fb_loop_free(w->loop));
    for (int i = 0; i < w->server_count; i++) {
        fb_buf_release(&w->server[i].got);
    }
}

/* Turns the loop until the condition holds, within bounds. */
#define TURN_UNTIL(w, condition)                                                                   \
    do {                                                                                           \
        int64_t until_ms = fb_os_monotonic_ms() + PATIENCE_MS;                                     \
        while (!(condition)) {                                                                     \
            if (fb_os_monotonic_ms() > until_ms) {                                                 \
                fail_msg("waited in vain for: %s", #condition);                                    \
            }                                                                                      \
            fb_loop_turn((w)->loop, 50);                                                           \
        }                                                                                          \
    } while (0)

__attribute__((unused)) static struct fb_tls_client *device_tls(const struct authority *a,
                                                                const struct fb_ca_pair *device)
{
    struct fb_why why = {0};
    struct fb_tls_client *tls = NULL;
    const struct fb_tls_client_config config = {.cert = device == NULL ? NULL : &device->cert,
                                                .key = device == NULL ? NULL : &device->key,
                                                .ca = &a->ca};
    must(fb_tls_client_new(&config, &tls, &why), &why);
    return tls;
}

__attribute__((unused)) static void connect_to(struct world *w, const char *address,
                                               struct fb_tls_client *tls, const char *alpn,
                                               struct end *end)
{
    struct fb_why why = {0};
    const struct fb_stream_connect_config config = {
        .address = address, .tls = tls, .alpn = alpn, .proxy = ""};
    end_init(end);
    must(fb_stream_connect(w->loop, &config, &END_CALLS, end, &end->stream, &why), &why);
}

__attribute__((unused)) static void connect_as(struct world *w, const struct authority *a,
                                               const struct fb_ca_pair *device, const char *alpn,
                                               struct end *end)
{
    struct fb_tls_client *tls = device_tls(a, device);
    connect_to(w, fb_listener_address(w->listener), tls, alpn, end);
    fb_tls_client_free(tls); /* the stream keeps it */
}

#endif
