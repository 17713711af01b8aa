/* SPDX-License-Identifier: MIT
 *
 * A listening port under pressure (faults.md, B11, B12, B14).
 */
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net_fixture.h"

static struct authority hq;

static int connect_raw(const struct world *w)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fb_listener_port(w->listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void tls_world(struct world *w, int per_address_max, int strangers_max)
{
    struct fb_why why = {0};
    struct fb_tls_server *tls = NULL;
    const struct fb_tls_server_config tls_config = {
        .cert = &hq.server.cert, .key = &hq.server.key, .ca = &hq.ca};
    world_init(w, NULL);
    must(fb_tls_server_new(&tls_config, &tls, &why), &why);
    struct fb_listener_config config = world_config(w);
    config.tls = tls;
    config.strangers_per_address_max = per_address_max;
    config.strangers_max = strangers_max;
    world_start(w, &config);
    fb_tls_server_free(tls);
}

FB_TEST(port_0_picks_a_free_port_and_says_which)
{
    struct world w;
    world_init(&w, &hq);
    char expected[64];
    assert_true(fb_listener_port(w.listener) > 0);
    snprintf(expected, sizeof(expected), "127.0.0.1:%d", fb_listener_port(w.listener));
    assert_string_equal(fb_listener_address(w.listener), expected);
    world_release(&w);
}

FB_TEST(a_port_in_use_is_named_with_what_to_do)
{
    struct world w;
    struct fb_why why = {0};
    struct fb_listener *second = NULL;
    world_init(&w, &hq);
    struct fb_listener_config config = world_config(&w);
    config.address = fb_listener_address(w.listener);
    assert_int_equal(fb_listener_new(w.loop, &config, &second, &why), FB_ERR_BUSY);
    assert_non_null(strstr(why.text, "--listen"));
    assert_null(second);
    world_release(&w);
}

FB_TEST(an_address_of_another_computer_cannot_be_listened_on)
{
    struct world w;
    struct fb_why why = {0};
    struct fb_listener *listener = NULL;
    world_init(&w, NULL);
    struct fb_listener_config config = world_config(&w);
    config.address = "192.0.2.1:0";
    assert_int_equal(fb_listener_new(w.loop, &config, &listener, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "192.0.2.1"));
    config.address = "no-such-host.invalid:1";
    assert_int_equal(fb_listener_new(w.loop, &config, &listener, &why), FB_ERR_CONFIG);
    config.address = "what:is:this";
    assert_int_equal(fb_listener_new(w.loop, &config, &listener, &why), FB_ERR_CONFIG);
    world_release(&w);
}

FB_TEST(localhost_listens_on_what_there_is_with_one_port)
{
    struct world w;
    struct end client;
    world_init(&w, NULL);
    struct fb_listener_config config = world_config(&w);
    config.address = "localhost:0";
    world_start(&w, &config);
    char address[64];
    snprintf(address, sizeof(address), "127.0.0.1:%d", fb_listener_port(w.listener));
    connect_to(&w, address, NULL, NULL, &client);
    TURN_UNTIL(&w, client.opens == 1 && w.server_count == 1);
    world_release(&w);
}

FB_TEST(one_address_gets_so_many_strangers_and_no_more)
{
    struct world w;
    int fds[6];
    tls_world(&w, 4, 0);
    for (int i = 0; i < 6; i++) {
        fds[i] = connect_raw(&w);
    }
    TURN_UNTIL(&w, w.refused_count == 2);
    assert_int_equal(w.refused_err, FB_ERR_LIMIT);
    assert_non_null(strstr(w.refused_why.text, "may not have more"));
    /* When one goes away, another may come. */
    close(fds[0]);
    TURN_UNTIL(&w, w.refused_count == 3);
    fds[0] = connect_raw(&w);
    for (int i = 0; i < 10; i++) {
        fb_loop_turn(w.loop, 5);
    }
    assert_int_equal(w.refused_count, 3);
    for (int i = 0; i < 6; i++) {
        close(fds[i]);
    }
    world_release(&w);
}

FB_TEST(devices_do_not_count_as_strangers)
{
    struct world w;
    struct end devices[6];
    tls_world(&w, 2, 3);
    for (int i = 0; i < 6; i++) {
        connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &devices[i]);
        TURN_UNTIL(&w, devices[i].opens == 1 && w.server_count == i + 1);
    }
    assert_int_equal(w.refused_count, 0);
    world_release(&w);
}

FB_TEST(a_browser_that_logged_in_is_no_stranger)
{
    struct world w;
    struct end browsers[4];
    tls_world(&w, 2, 0);
    for (int i = 0; i < 2; i++) {
        connect_as(&w, &hq, NULL, FB_ALPN_HTTP, &browsers[i]);
        TURN_UNTIL(&w, browsers[i].opens == 1 && w.server_count == i + 1);
    }
    connect_as(&w, &hq, NULL, FB_ALPN_HTTP, &browsers[2]);
    TURN_UNTIL(&w, browsers[2].closes == 1 && w.refused_count == 1);
    fb_stream_set_known(w.server[0].stream);
    fb_stream_set_known(w.server[0].stream);
    connect_as(&w, &hq, NULL, FB_ALPN_HTTP, &browsers[3]);
    TURN_UNTIL(&w, browsers[3].opens == 1 && w.server_count == 3);
    world_release(&w);
}

FB_TEST(when_all_places_are_taken_accepting_pauses_and_goes_on)
{
    struct world w;
    struct end device;
    int fds[3];
    tls_world(&w, -1, 3);
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_raw(&w);
    }
    for (int i = 0; i < 5; i++) {
        fb_loop_turn(w.loop, 10);
    }
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &device);
    for (int i = 0; i < 20; i++) {
        fb_loop_turn(w.loop, 10);
    }
    assert_int_equal(w.server_count, 0); /* waits in the kernel's queue */
    assert_int_equal(device.closes, 0);
    close(fds[1]);
    TURN_UNTIL(&w, w.server_count == 1 && device.opens == 1);
    close(fds[0]);
    close(fds[2]);
    world_release(&w);
}

FB_TEST(strangers_that_dawdle_give_way_to_a_device)
{
    struct world w;
    struct end device;
    int fds[3];
    tls_world(&w, -1, 3);
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_raw(&w);
    }
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &device);
    int64_t start_ms = fb_os_monotonic_ms();
    TURN_UNTIL(&w, w.server_count == 1 && device.opens == 1);
    int64_t took_ms = fb_os_monotonic_ms() - start_ms;
    assert_true(took_ms < FB_STRANGER_DAWDLE_MS + 2000);
    assert_int_equal(w.refused_err, FB_ERR_LIMIT);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    world_release(&w);
}

FB_TEST(without_file_handles_waiting_connections_are_shed_and_the_open_ones_live)
{
    struct world w;
    struct end device;
    int spare[1024];
    int count = 0;
    struct rlimit before;
    tls_world(&w, -1, 0);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &device);
    TURN_UNTIL(&w, device.opens == 1 && w.server_count == 1);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit few = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    while (count < 1024 && (spare[count] = dup(0)) >= 0) {
        count++;
    }
    assert_true(count < 64);
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fb_listener_port(w.listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client, (struct sockaddr *)&in, sizeof(in)), 0);
    double cpu = fb_os_cpu_seconds();
    for (int i = 0; i < 20; i++) {
        fb_loop_turn(w.loop, 20);
    }
    assert_true(fb_os_cpu_seconds() - cpu < 0.2); /* it does not spin */
    char byte;
    assert_true(recv(client, &byte, 1, MSG_DONTWAIT) ==
                0); /* closed, so that it can try again later */
    w.server[0].is_echo = true;
    must(fb_stream_write(device.stream, "still here", 10), NULL);
    TURN_UNTIL(&w, device.got_bytes == 10);

    while (count > 0) {
        close(spare[--count]);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    close(client);
    struct end next;
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &next);
    TURN_UNTIL(&w, next.opens == 1 && w.server_count == 2);
    world_release(&w);
    fb_buf_release(&device.got);
}

FB_TEST(a_renewed_certificate_serves_new_connections_and_old_ones_live_on)
{
    struct world w;
    struct end before;
    struct end after;
    struct fb_why why = {0};
    struct fb_ca_pair renewed;
    struct fb_cert cert;
    tls_world(&w, -1, 0);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &before);
    TURN_UNTIL(&w, before.opens == 1 && w.server_count == 1);
    fb_ca_pair_init(&renewed);
    must(fb_ca_make_server(&hq.issuer, NULL, 0, fb_os_now_ms(), &renewed, &why), &why);
    must(fb_cert_read(renewed.cert.bytes, renewed.cert.size, &cert, &why), &why);
    append(&renewed.cert, &hq.issuer.cert);
    struct fb_tls_server *tls = NULL;
    const struct fb_tls_server_config config = {
        .cert = &renewed.cert, .key = &renewed.key, .ca = &hq.ca};
    must(fb_tls_server_new(&config, &tls, &why), &why);
    fb_listener_set_tls(w.listener, tls);
    fb_tls_server_free(tls);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &after);
    TURN_UNTIL(&w, after.opens == 1 && w.server_count == 2);
    assert_true(fb_sha256_equal(&after.peer.fingerprint, &cert.fingerprint));
    assert_false(fb_sha256_equal(&before.peer.fingerprint, &cert.fingerprint));
    w.server[0].is_echo = true;
    must(fb_stream_write(before.stream, "x", 1), NULL);
    TURN_UNTIL(&w, before.got_bytes == 1);
    world_release(&w);
    fb_buf_release(&before.got);
    fb_ca_pair_release(&renewed);
}

FB_TEST(a_listener_that_ends_drops_handshakes_and_keeps_open_streams)
{
    struct world w;
    struct end device;
    tls_world(&w, -1, 0);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &device);
    TURN_UNTIL(&w, device.opens == 1 && w.server_count == 1);
    int fd = connect_raw(&w);
    for (int i = 0; i < 5; i++) {
        fb_loop_turn(w.loop, 5);
    }
    fb_listener_free(w.listener);
    char byte;
    TURN_UNTIL(&w, recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
    w.server[0].is_echo = true;
    must(fb_stream_write(device.stream, "x", 1), NULL);
    TURN_UNTIL(&w, device.got_bytes == 1);
    close(fd);
    world_release(&w);
    fb_buf_release(&device.got);
}

int main(void)
{
    authority_make(&hq, "Headquarters", fb_os_now_ms());
    const struct CMUnitTest cases[] = {
        FB_CASE(port_0_picks_a_free_port_and_says_which),
        FB_CASE(a_port_in_use_is_named_with_what_to_do),
        FB_CASE(an_address_of_another_computer_cannot_be_listened_on),
        FB_CASE(localhost_listens_on_what_there_is_with_one_port),
        FB_CASE(one_address_gets_so_many_strangers_and_no_more),
        FB_CASE(devices_do_not_count_as_strangers),
        FB_CASE(a_browser_that_logged_in_is_no_stranger),
        FB_CASE(when_all_places_are_taken_accepting_pauses_and_goes_on),
        FB_CASE(strangers_that_dawdle_give_way_to_a_device),
        FB_CASE(without_file_handles_waiting_connections_are_shed_and_the_open_ones_live),
        FB_CASE(a_renewed_certificate_serves_new_connections_and_old_ones_live_on),
        FB_CASE(a_listener_that_ends_drops_handshakes_and_keeps_open_streams),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    return failed;
}
