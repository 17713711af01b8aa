/* SPDX-License-Identifier: MIT
 *
 * Real connections through a tiny CONNECT proxy made of our own plain streams.
 */
#include "tests/unit/net_fixture.h"

static struct authority hq;

/* One tunnel: the client's side and the server's, and what the proxy answers. */
struct tunnel {
    struct fb_loop *loop;
    const char *answer;
    char target[128];
    char request[1024];
    size_t request_size;
    struct fb_stream *client;
    struct fb_stream *server;
    bool is_open;
    int asked;
};

static void server_on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct tunnel *t = ctx;
    (void)stream, (void)peer;
    t->is_open = true;
    must(fb_stream_write(t->client, t->answer, strlen(t->answer)), NULL);
}

static void server_on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct tunnel *t = ctx;
    if (t->client != NULL) {
        must(fb_stream_write(t->client, bytes, size), NULL);
    }
}

static void server_on_close(void *ctx, int err, const struct fb_why *why)
{
    struct tunnel *t = ctx;
    (void)err, (void)why;
    t->server = NULL;
    if (t->client != NULL) {
        fb_stream_close(t->client);
    }
}

static const struct fb_stream_calls SERVER_SIDE = {server_on_open, server_on_bytes, NULL,
                                                   server_on_close};

static void client_on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct tunnel *t = ctx;
    if (t->is_open) {
        must(fb_stream_write(t->server, bytes, size), NULL);
        return;
    }
    assert_true(t->request_size + size < sizeof(t->request));
    memcpy(t->request + t->request_size, bytes, size);
    t->request_size += size;
    if (strstr(t->request, "\r\n\r\n") == NULL) {
        return;
    }
    t->asked++;
    assert_int_equal(sscanf(t->request, "CONNECT %127s HTTP/1.1\r\n", t->target), 1);
    if (strncmp(t->answer, "HTTP/1.1 200", 12) != 0) {
        must(fb_stream_write(t->client, t->answer, strlen(t->answer)), NULL);
        return;
    }
    const struct fb_stream_connect_config config = {.address = t->target, .proxy = ""};
    must(fb_stream_connect(t->loop, &config, &SERVER_SIDE, t, &t->server, NULL), NULL);
}

static void client_on_close(void *ctx, int err, const struct fb_why *why)
{
    struct tunnel *t = ctx;
    (void)err, (void)why;
    t->client = NULL;
    if (t->server != NULL) {
        fb_stream_close(t->server);
    }
}

static const struct fb_stream_calls CLIENT_SIDE = {NULL, client_on_bytes, NULL, client_on_close};

static void proxy_on_stream(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct tunnel *t = ctx;
    (void)peer;
    t->client = stream;
    fb_stream_set_calls(stream, &CLIENT_SIDE, t);
}

static void start_proxy(struct world *w, struct tunnel *t, const char *answer,
                        char ret_address[static 64])
{
    *t = (struct tunnel){.loop = w->loop, .answer = answer};
    const struct fb_listener_config config = {.address = "127.0.0.1:0",
                                              .strangers_per_address_max = -1,
                                              .on_stream = proxy_on_stream,
                                              .ctx = t};
    struct fb_listener *listener = NULL;
    struct fb_why why = {0};
    must(fb_listener_new(w->loop, &config, &listener, &why), &why);
    snprintf(ret_address, 64, "http://ana:secret@%s", fb_listener_address(listener));
}

static void connect_through(struct world *w, const char *proxy, struct end *client)
{
    struct fb_why why = {0};
    struct fb_tls_client *tls = device_tls(&hq, &hq.device);
    const struct fb_stream_connect_config config = {.address = fb_listener_address(w->listener),
                                                    .tls = tls,
                                                    .alpn = FB_ALPN_SYNC,
                                                    .proxy = proxy,
                                                    .timeout_ms = 1000};
    end_init(client);
    must(fb_stream_connect(w->loop, &config, &END_CALLS, client, &client->stream, &why), &why);
    fb_tls_client_free(tls);
}

FB_TEST(a_device_syncs_through_a_proxy_that_sees_only_tls)
{
    struct world w;
    struct end client;
    struct tunnel t;
    char proxy[64];
    world_init(&w, &hq);
    start_proxy(&w, &t, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n", proxy);
    connect_through(&w, proxy, &client);
    TURN_UNTIL(&w, client.opens == 1 && w.server_count == 1);
    assert_string_equal(t.target, fb_listener_address(w.listener));
    assert_non_null(strstr(t.request, "Proxy-Authorization: Basic YW5hOnNlY3JldA==\r\n"));
    assert_string_equal(w.server[0].peer.device_id, DEVICE_ID);
    w.server[0].is_echo = true;
    static uint8_t bytes[100000];
    must(fb_stream_write(client.stream, bytes, sizeof(bytes)), NULL);
    TURN_UNTIL(&w, client.got_bytes == sizeof(bytes));
    fb_stream_close(client.stream);
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_int_equal(client.err, FB_OK);
    world_release(&w);
    fb_buf_release(&client.got);
}

static void expect_refused_by_proxy(const char *answer, const char *says)
{
    struct world w;
    struct end client;
    struct tunnel t;
    char proxy[64];
    world_init(&w, &hq);
    start_proxy(&w, &t, answer, proxy);
    connect_through(&w, proxy, &client);
    TURN_UNTIL(&w, client.closes == 1);
    assert_int_equal(t.asked, 1);
    assert_int_equal(client.opens, 0);
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    if (strstr(client.why.text, says) == NULL) {
        fail_msg("said: %s", client.why.text);
    }
    assert_null(strstr(client.why.text, "secret"));
    world_release(&w);
    fb_buf_release(&client.got);
}

FB_TEST(refusals_of_a_proxy_say_what_to_do)
{
    expect_refused_by_proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                            "another user name and password");
    expect_refused_by_proxy("HTTP/1.1 403 Forbidden\r\n\r\n", "allow CONNECT");
    expect_refused_by_proxy("HTTP/1.1 504 Timeout\r\n\r\n", "cannot reach the server");
    expect_refused_by_proxy("220 smtp.example.com ESMTP\r\n", "does not answer like an HTTP proxy");
}

FB_TEST(a_proxy_that_never_answers_is_given_up_in_time)
{
    int64_t start_ms = fb_os_monotonic_ms();
    expect_refused_by_proxy("HTTP/1.1 ", "does not answer");
    assert_true(fb_os_monotonic_ms() - start_ms < 3000);
}

FB_TEST(a_proxy_that_is_away_is_named)
{
    struct world w;
    struct end client;
    world_init(&w, &hq);
    connect_through(&w, "http://127.0.0.1:1", &client);
    TURN_UNTIL(&w, client.closes == 1);
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(client.why.text, "the proxy 127.0.0.1:1 refuses connections"));
    world_release(&w);
}

FB_TEST(a_wrong_proxy_address_is_an_error_of_configuration)
{
    struct world w;
    struct fb_why why = {0};
    struct fb_stream *stream = NULL;
    world_init(&w, NULL);
    const struct fb_stream_connect_config config = {.address = "127.0.0.1:1",
                                                    .proxy = "socks5://x:1"};
    assert_int_equal(fb_stream_connect(w.loop, &config, &END_CALLS, NULL, &stream, &why),
                     FB_ERR_CONFIG);
    assert_null(stream);
    world_release(&w);
}

int main(void)
{
    authority_make(&hq, "Headquarters", fb_os_now_ms());
    const struct CMUnitTest cases[] = {
        FB_CASE(a_device_syncs_through_a_proxy_that_sees_only_tls),
        FB_CASE(refusals_of_a_proxy_say_what_to_do),
        FB_CASE(a_proxy_that_never_answers_is_given_up_in_time),
        FB_CASE(a_proxy_that_is_away_is_named),
        FB_CASE(a_wrong_proxy_address_is_an_error_of_configuration),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    return failed;
}
