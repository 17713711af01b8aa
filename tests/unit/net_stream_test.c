/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/net_fixture.h"

static struct authority hq;

static void open_pair(struct world *w, struct end *client)
{
    world_init(w, &hq);
    connect_as(w, &hq, &hq.device, FB_ALPN_SYNC, client);
    TURN_UNTIL(w, client->opens == 1 && w->server_count == 1);
}

FB_TEST(device_and_server_know_each_other_after_the_handshake)
{
    struct world w;
    struct end client;
    struct fb_cert cert;
    open_pair(&w, &client);
    must(fb_cert_read(hq.device.cert.bytes, hq.device.cert.size, &cert, NULL), NULL);

    assert_string_equal(client.peer.alpn, FB_ALPN_SYNC);
    assert_true(client.peer.has_certificate);
    assert_string_equal(w.server[0].peer.alpn, FB_ALPN_SYNC);
    assert_string_equal(w.server[0].peer.device_id, DEVICE_ID);
    assert_true(fb_sha256_equal(&w.server[0].peer.fingerprint, &cert.fingerprint));
    assert_false(w.server[0].peer.is_expired);
    assert_memory_equal(w.server[0].peer.address, "127.0.0.1:", 10);
    world_release(&w);
    fb_buf_release(&client.got);
}

FB_TEST(bytes_arrive_and_a_farewell_ends_both_sides_in_peace)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    must(fb_stream_write(client.stream, "hello", 5), NULL);
    must(fb_stream_write(client.stream, " there", 6), NULL);
    TURN_UNTIL(&w, w.server[0].got_bytes == 11);
    assert_string_equal(fb_buf_text(&w.server[0].got), "hello there");

    must(fb_stream_write(w.server[0].stream, "bye", 3), NULL);
    fb_stream_close(w.server[0].stream);
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_string_equal(fb_buf_text(&client.got), "bye");
    assert_int_equal(client.err, FB_OK);
    assert_int_equal(w.server[0].err, FB_OK);
    world_release(&w);
    fb_buf_release(&client.got);
}

int main(void)
{
    authority_make(&hq, "Headquarters", fb_os_now_ms());
    const struct CMUnitTest cases[] = {
        FB_CASE(device_and_server_know_each_other_after_the_handshake),
        FB_CASE(bytes_arrive_and_a_farewell_ends_both_sides_in_peace),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    return failed;
}
