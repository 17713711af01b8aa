/* SPDX-License-Identifier: MIT
 *
 * The life of a connection, on real sockets and real TLS (faults.md, B1, B2, B11, B14).
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net_fixture.h"

static struct authority hq;

static void open_pair(struct world *w, struct end *client)
{
    world_init(w, &hq);
    connect_as(w, &hq, &hq.device, FB_ALPN_SYNC, client);
    TURN_UNTIL(w, client->opens == 1 && w->server_count == 1);
}

static void close_pair(struct world *w, struct end *client)
{
    world_release(w);
    fb_buf_release(&client->got);
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
    close_pair(&w, &client);
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
    close_pair(&w, &client);
}

FB_TEST(small_writes_of_one_turn_leave_as_one_record)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    int64_t sent_before = 0;
    int64_t sent = 0;
    int64_t received = 0;
    fb_stream_counts(client.stream, &sent_before, &received);
    for (int i = 0; i < 100; i++) {
        must(fb_stream_write(client.stream, "0123456789", 10), NULL);
    }
    TURN_UNTIL(&w, w.server[0].got_bytes == 1000);
    fb_stream_counts(client.stream, &sent, &received);
    assert_int_equal(sent - sent_before, 1000 + 22); /* one header, one tag */
    close_pair(&w, &client);
}

/* ---- Much data ---- */

#define TRANSFER_BYTES ((size_t)50 * 1024 * 1024)
#define CHUNK_BYTES    ((size_t)100 * 1000)

struct feeder {
    struct end end; /* first: the calls get a struct end */
    uint64_t state;
    size_t fed_bytes;
    uint64_t sent_sum;
    uint64_t got_sum;
};

static uint64_t sum_of(uint64_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
    }
    return sum;
}

static void feed(struct feeder *f)
{
    static uint8_t chunk[CHUNK_BYTES];
    while (f->fed_bytes < TRANSFER_BYTES && fb_stream_is_writable(f->end.stream)) {
        for (size_t i = 0; i < CHUNK_BYTES; i++) {
            f->state = f->state * 6364136223846793005ULL + 1442695040888963407ULL;
            chunk[i] = (uint8_t)(f->state >> 56);
        }
        size_t left = TRANSFER_BYTES - f->fed_bytes;
        size_t size = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        must(fb_stream_write(f->end.stream, chunk, size), NULL);
        f->sent_sum = sum_of(f->sent_sum, chunk, size);
        f->fed_bytes += size;
    }
}

static void feeder_on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct feeder *f = ctx;
    f->end.got_bytes += size;
    f->got_sum = sum_of(f->got_sum, bytes, size);
}

static void feeder_on_writable(void *ctx)
{
    struct feeder *f = ctx;
    f->end.writables++;
    feed(f);
}

static const struct fb_stream_calls FEEDER_CALLS = {end_on_open, feeder_on_bytes,
                                                    feeder_on_writable, end_on_close};

FB_TEST(fifty_megabytes_each_way_at_once_arrive_whole)
{
    struct world w;
    struct end client;
    struct feeder a = {.state = 1};
    struct feeder b = {.state = 2};
    open_pair(&w, &client);
    a.end = client;
    b.end = w.server[0];
    fb_stream_set_calls(client.stream, &FEEDER_CALLS, &a);
    fb_stream_set_calls(w.server[0].stream, &FEEDER_CALLS, &b);
    feed(&a);
    feed(&b);
    TURN_UNTIL(&w, a.end.got_bytes == TRANSFER_BYTES && b.end.got_bytes == TRANSFER_BYTES);
    assert_true(a.got_sum == b.sent_sum && b.got_sum == a.sent_sum);
    assert_true(a.end.writables > 0 && b.end.writables > 0);
    fb_stream_close(a.end.stream);
    TURN_UNTIL(&w, a.end.closes == 1 && b.end.closes == 1);
    assert_int_equal(a.end.err, FB_OK);
    assert_int_equal(b.end.err, FB_OK);
    close_pair(&w, &client);
}

FB_TEST(a_slow_reader_makes_the_writer_wait_and_loses_nothing)
{
    struct world w;
    struct end client;
    static uint8_t chunk[64 * 1024];
    size_t written = 0;
    open_pair(&w, &client);
    struct fb_stream *server = w.server[0].stream;
    w.server[0].keeps_nothing = true;
    fb_stream_pause(server);
    for (int turns = 0; turns < 50; turns++) {
        while (fb_stream_is_writable(client.stream)) {
            must(fb_stream_write(client.stream, chunk, sizeof(chunk)), NULL);
            written += sizeof(chunk);
        }
        fb_loop_turn(w.loop, 1);
    }
    assert_false(
        fb_stream_is_writable(client.stream)); /* the kernels' buffers are full, and ours */
    assert_true(fb_stream_unsent_bytes(client.stream) <= FB_STREAM_OUTPUT_BYTES_MAX);
    assert_true(w.server[0].got_bytes <= (size_t)64 * 1024);
    int writables = client.writables;
    fb_stream_resume(server);
    TURN_UNTIL(&w, w.server[0].got_bytes == written);
    assert_int_equal(client.writables, writables + 1);
    close_pair(&w, &client);
}

FB_TEST(more_than_the_limit_is_refused_whole)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    uint8_t *bytes = calloc(1, FB_STREAM_OUTPUT_BYTES_MAX + 1);
    assert_int_equal(fb_stream_write(client.stream, bytes, FB_STREAM_OUTPUT_BYTES_MAX + 1),
                     FB_ERR_LIMIT);
    assert_int_equal(fb_stream_unsent_bytes(client.stream), 0);
    must(fb_stream_write(client.stream, bytes, FB_STREAM_OUTPUT_BYTES_MAX), NULL);
    assert_int_equal(fb_stream_write(client.stream, bytes, 1), FB_ERR_LIMIT);
    TURN_UNTIL(&w, w.server[0].got_bytes == FB_STREAM_OUTPUT_BYTES_MAX);
    free(bytes);
    close_pair(&w, &client);
}

/* ---- Ends ---- */

FB_TEST(what_was_written_before_closing_arrives_though_it_does_not_fit_the_kernel)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    size_t size = FB_STREAM_OUTPUT_BYTES_MAX;
    uint8_t *bytes = calloc(1, size);
    bytes[size - 1] = 77;
    must(fb_stream_write(client.stream, bytes, size), NULL);
    fb_stream_close(client.stream);
    assert_int_equal(fb_stream_write(client.stream, "x", 1), FB_ERR_INTERRUPTED);
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_int_equal(w.server[0].got_bytes, size);
    assert_int_equal(w.server[0].got.bytes[size - 1], 77);
    assert_int_equal(client.err, FB_OK);
    free(bytes);
    close_pair(&w, &client);
}

FB_TEST(closing_in_the_middle_of_writing_both_ways_ends_both)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    uint8_t *bytes = calloc(1, FB_STREAM_OUTPUT_BYTES_MAX);
    must(fb_stream_write(client.stream, bytes, FB_STREAM_OUTPUT_BYTES_MAX), NULL);
    must(fb_stream_write(w.server[0].stream, bytes, FB_STREAM_OUTPUT_BYTES_MAX), NULL);
    fb_stream_close(client.stream);
    fb_stream_close(client.stream);
    fb_stream_close(w.server[0].stream);
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    free(bytes);
    close_pair(&w, &client);
}

FB_TEST(an_aborted_stream_brings_its_reason_and_the_peer_hears_of_a_cut)
{
    struct world w;
    struct end client;
    struct fb_why why;
    open_pair(&w, &client);
    fb_why_set(&why, "the device was revoked");
    must(fb_stream_write(w.server[0].stream, "never sent", 10), NULL);
    fb_stream_abort(w.server[0].stream, FB_ERR_REFUSED, &why);
    fb_stream_abort(w.server[0].stream, FB_ERR_IO, NULL);
    assert_int_equal(w.server[0].closes, 0); /* never from inside the call */
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_int_equal(w.server[0].err, FB_ERR_REFUSED);
    assert_string_equal(w.server[0].why.text, "the device was revoked");
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(client.why.text, "was cut"));
    assert_int_equal(client.got_bytes, 0);
    close_pair(&w, &client);
}

static void close_at_once(void *ctx, const uint8_t *bytes, size_t size)
{
    struct end *end = ctx;
    (void)bytes;
    end->got_bytes += size;
    fb_stream_abort(end->stream, FB_ERR_PROTOCOL, NULL);
}

FB_TEST(a_stream_may_be_aborted_from_its_own_callback)
{
    static const struct fb_stream_calls CALLS = {.on_bytes = close_at_once,
                                                 .on_close = end_on_close};
    struct world w;
    struct end client;
    open_pair(&w, &client);
    fb_stream_set_calls(w.server[0].stream, &CALLS, &w.server[0]);
    uint8_t *bytes = calloc(1, 200000);
    must(fb_stream_write(client.stream, bytes, 200000), NULL);
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_true(w.server[0].got_bytes < 200000); /* nothing comes after it */
    free(bytes);
    close_pair(&w, &client);
}

FB_TEST(a_refusal_arrives_although_the_client_goes_on_talking)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    static uint8_t bytes[300000];
    must(fb_stream_write(client.stream, bytes, sizeof(bytes)), NULL);
    must(fb_stream_write(w.server[0].stream, "revoked", 7), NULL);
    fb_stream_close(w.server[0].stream); /* with unread bytes in its socket */
    TURN_UNTIL(&w, client.closes == 1 && w.server[0].closes == 1);
    assert_string_equal(fb_buf_text(&client.got), "revoked");
    close_pair(&w, &client);
}

/* ---- Peers that hang ---- */

static int connect_raw(const struct world *w)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fb_listener_port(w->listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

/* A socket that hears nothing any more and answers nothing, as behind a cut cable. */
static void cut_cable(int fd)
{
    struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {.len = 1, .filter = drop_all};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

/* A world whose listener is plain and has short times. */
static void plain_world(struct world *w, const struct fb_stream_times *times)
{
    world_init(w, NULL);
    struct fb_listener_config config = world_config(w);
    config.times = *times;
    world_start(w, &config);
}

FB_TEST(a_half_open_connection_is_found_when_something_is_sent)
{
    struct world w;
    plain_world(&w, &(struct fb_stream_times){.dead_ms = 700});
    int fd = connect_raw(&w);
    TURN_UNTIL(&w, w.server_count == 1);
    cut_cable(fd);
    int64_t start_ms = fb_os_monotonic_ms();
    must(fb_stream_write(w.server[0].stream, "ping", 4), NULL);
    TURN_UNTIL(&w, w.server[0].closes == 1);
    int64_t took_ms = fb_os_monotonic_ms() - start_ms;
    assert_true(took_ms >= 500 && took_ms < 5000);
    assert_int_equal(w.server[0].err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(w.server[0].why.text, "no longer answers"));
    close(fd);
    world_release(&w);
}

FB_TEST(who_reads_nothing_is_cut)
{
    struct world w;
    plain_world(&w, &(struct fb_stream_times){.stall_ms = 500});
    int fd = connect_raw(&w);
    TURN_UNTIL(&w, w.server_count == 1);
    static uint8_t bytes[64 * 1024];
    while (w.server[0].closes == 0 && fb_stream_is_writable(w.server[0].stream)) {
        must(fb_stream_write(w.server[0].stream, bytes, sizeof(bytes)), NULL);
        fb_loop_turn(w.loop, 0);
    }
    TURN_UNTIL(&w, w.server[0].closes == 1);
    assert_int_equal(w.server[0].err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(w.server[0].why.text, "reads nothing"));
    close(fd);
    world_release(&w);
}

FB_TEST(a_slow_handshake_is_cut)
{
    struct world w;
    struct fb_why why = {0};
    world_init(&w, NULL);
    struct fb_tls_server *tls = NULL;
    const struct fb_tls_server_config tls_config = {
        .cert = &hq.server.cert, .key = &hq.server.key, .ca = &hq.ca};
    must(fb_tls_server_new(&tls_config, &tls, &why), &why);
    struct fb_listener_config config = world_config(&w);
    config.tls = tls;
    config.times.handshake_ms = 400;
    world_start(&w, &config);
    fb_tls_server_free(tls);
    int fd = connect_raw(&w);
    int64_t start_ms = fb_os_monotonic_ms();
    size_t sent = 0; /* slowloris: one byte in 50 ms */
    while (w.refused_count == 0 && fb_os_monotonic_ms() - start_ms < PATIENCE_MS) {
        static const uint8_t HELLO[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        if (sent < (size_t)(fb_os_monotonic_ms() - start_ms) / 50 && sent < sizeof(HELLO)) {
            fb_ignore(send(fd, &HELLO[sent++], 1, MSG_NOSIGNAL) < 0, "the server may be gone");
        }
        fb_loop_turn(w.loop, 50);
    }
    assert_int_equal(w.refused_count, 1);
    assert_true(fb_os_monotonic_ms() - start_ms < 2000);
    assert_non_null(strstr(w.refused_why.text, "did not finish the TLS handshake"));
    close(fd);
    world_release(&w);
}

FB_TEST(an_endless_hello_is_cut_early)
{
    struct world w;
    world_init(&w, &hq);
    int fd = connect_raw(&w);
    /* Records of 16 KiB that say to be parts of one ClientHello of 128 KiB. */
    static uint8_t record[5 + 16384] = {0x16, 0x03, 0x01, 0x40, 0x00, 0x01,
                                        0x01, 0xff, 0xff, 0x03, 0x03};
    size_t sent = 0;
    while (w.refused_count == 0 && sent < 1024 * 1024) {
        ssize_t n = send(fd, record + sent % sizeof(record), sizeof(record) - sent % sizeof(record),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        memset(record + 5, 0, 6);
        fb_loop_turn(w.loop, 5);
        if (n < 0 && errno != EAGAIN) {
            break;
        }
    }
    TURN_UNTIL(&w, w.refused_count == 1);
    assert_int_equal(w.refused_err, FB_ERR_LIMIT);
    close(fd);
    world_release(&w);
}

FB_TEST(who_reads_nothing_does_not_hold_up_a_farewell)
{
    struct world w;
    plain_world(&w, &(struct fb_stream_times){.close_ms = 400});
    int fd = connect_raw(&w);
    TURN_UNTIL(&w, w.server_count == 1);
    static uint8_t bytes[64 * 1024];
    while (fb_stream_is_writable(w.server[0].stream)) {
        must(fb_stream_write(w.server[0].stream, bytes, sizeof(bytes)), NULL);
        fb_loop_turn(w.loop, 0);
    }
    int64_t start_ms = fb_os_monotonic_ms();
    fb_stream_close(w.server[0].stream);
    TURN_UNTIL(&w, w.server[0].closes == 1);
    assert_true(fb_os_monotonic_ms() - start_ms < 2000);
    assert_int_equal(w.server[0].err, FB_ERR_UNREACHABLE);
    close(fd);
    world_release(&w);
}

FB_TEST(a_connection_cut_at_any_byte_of_the_handshake_ends_with_a_sentence)
{
    struct world w;
    struct end client;
    struct fb_why why = {0};
    /* The server's answer starts like a handshake record and ends early. */
    for (int cut = 1; cut < 400; cut += 37) {
        world_init(&w, NULL);
        struct fb_listener_config config = world_config(&w);
        world_start(&w, &config);
        struct fb_tls_client *tls = device_tls(&hq, &hq.device);
        connect_to(&w, fb_listener_address(w.listener), tls, FB_ALPN_SYNC, &client);
        fb_tls_client_free(tls);
        TURN_UNTIL(&w, w.server_count == 1 && w.server[0].got_bytes >= (size_t)1);
        uint8_t answer[400] = {0x16, 0x03, 0x03, 0x01, 0x00, 0x02};
        must(fb_stream_write(w.server[0].stream, answer, (size_t)cut), &why);
        fb_stream_close(w.server[0].stream);
        TURN_UNTIL(&w, client.closes == 1);
        assert_int_equal(client.opens, 0);
        assert_true(client.err != FB_OK);
        close_pair(&w, &client);
    }
}

FB_TEST(a_loop_that_ends_tells_every_stream)
{
    struct world w;
    struct end client;
    open_pair(&w, &client);
    must(fb_stream_write(client.stream, "x", 1), NULL);
    world_release(&w);
    assert_int_equal(client.closes, 1);
    assert_int_equal(client.err, FB_ERR_INTERRUPTED);
    assert_int_equal(w.server[0].closes, 1);
    fb_buf_release(&client.got);
}

/* ---- Connecting ---- */

FB_TEST(a_refused_connection_says_what_to_check)
{
    struct world w;
    struct end client;
    plain_world(&w, &(struct fb_stream_times){0});
    char address[FB_ADDRESS_TEXT_SIZE];
    snprintf(address, sizeof(address), "%s", fb_listener_address(w.listener));
    fb_listener_free(w.listener);
    fb_loop_turn(w.loop, 0);
    connect_to(&w, address, NULL, NULL, &client);
    TURN_UNTIL(&w, client.closes == 1);
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(client.why.text, "refuses connections"));
    close_pair(&w, &client);
}

FB_TEST(an_unknown_name_says_so)
{
    struct world w;
    struct end client;
    world_init(&w, NULL);
    connect_to(&w, "no-such-host.invalid:7443", NULL, NULL, &client);
    TURN_UNTIL(&w, client.closes == 1);
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(client.why.text, "no-such-host.invalid"));
    close_pair(&w, &client);
}

FB_TEST(a_host_that_swallows_packets_is_given_up_in_time)
{
    struct world w;
    struct end client;
    struct fb_why why = {0};
    plain_world(&w, &(struct fb_stream_times){0});
    /* A listener whose queue is full answers nobody. */
    int full = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(in);
    assert_int_equal(bind(full, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(full, 0), 0);
    getsockname(full, (struct sockaddr *)&in, &size);
    int waiting[4];
    for (int i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        fb_ignore(connect(waiting[i], (struct sockaddr *)&in, size), "they wait");
    }
    char address[64];
    snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(in.sin_port));
    end_init(&client);
    const struct fb_stream_connect_config config = {
        .address = address, .proxy = "", .timeout_ms = 500};
    int64_t start_ms = fb_os_monotonic_ms();
    must(fb_stream_connect(w.loop, &config, &END_CALLS, &client, &client.stream, &why), &why);
    TURN_UNTIL(&w, client.closes == 1);
    assert_true(fb_os_monotonic_ms() - start_ms < 2500);
    assert_int_equal(client.err, FB_ERR_UNREACHABLE);
    assert_non_null(strstr(client.why.text, "does not answer"));
    for (int i = 0; i < 4; i++) {
        close(waiting[i]);
    }
    close(full);
    close_pair(&w, &client);
}

FB_TEST(all_addresses_of_a_name_are_tried)
{
    struct world w;
    struct end client;
    plain_world(&w, &(struct fb_stream_times){0}); /* 127.0.0.1 only; localhost may be ::1 first */
    char address[64];
    snprintf(address, sizeof(address), "localhost:%d", fb_listener_port(w.listener));
    connect_to(&w, address, NULL, NULL, &client);
    TURN_UNTIL(&w, client.opens == 1 || client.closes == 1);
    assert_int_equal(client.err, FB_OK);
    assert_string_equal(client.peer.alpn, FB_ALPN_HTTP);
    close_pair(&w, &client);
}

FB_TEST(a_stream_may_be_given_up_while_it_connects)
{
    struct world w;
    struct end client;
    plain_world(&w, &(struct fb_stream_times){0});
    connect_to(&w, fb_listener_address(w.listener), NULL, NULL, &client);
    fb_stream_close(client.stream);
    TURN_UNTIL(&w, client.closes == 1);
    assert_int_equal(client.opens, 0);
    assert_int_equal(client.err, FB_OK);
    close_pair(&w, &client);
}

int main(void)
{
    authority_make(&hq, "Headquarters", fb_os_now_ms());
    const struct CMUnitTest cases[] = {
        FB_CASE(device_and_server_know_each_other_after_the_handshake),
        FB_CASE(bytes_arrive_and_a_farewell_ends_both_sides_in_peace),
        FB_CASE(small_writes_of_one_turn_leave_as_one_record),
        FB_CASE(fifty_megabytes_each_way_at_once_arrive_whole),
        FB_CASE(a_slow_reader_makes_the_writer_wait_and_loses_nothing),
        FB_CASE(more_than_the_limit_is_refused_whole),
        FB_CASE(what_was_written_before_closing_arrives_though_it_does_not_fit_the_kernel),
        FB_CASE(closing_in_the_middle_of_writing_both_ways_ends_both),
        FB_CASE(an_aborted_stream_brings_its_reason_and_the_peer_hears_of_a_cut),
        FB_CASE(a_stream_may_be_aborted_from_its_own_callback),
        FB_CASE(a_refusal_arrives_although_the_client_goes_on_talking),
        FB_CASE(a_half_open_connection_is_found_when_something_is_sent),
        FB_CASE(who_reads_nothing_is_cut),
        FB_CASE(a_slow_handshake_is_cut),
        FB_CASE(an_endless_hello_is_cut_early),
        FB_CASE(who_reads_nothing_does_not_hold_up_a_farewell),
        FB_CASE(a_connection_cut_at_any_byte_of_the_handshake_ends_with_a_sentence),
        FB_CASE(a_loop_that_ends_tells_every_stream),
        FB_CASE(a_refused_connection_says_what_to_check),
        FB_CASE(an_unknown_name_says_so),
        FB_CASE(a_host_that_swallows_packets_is_given_up_in_time),
        FB_CASE(all_addresses_of_a_name_are_tried),
        FB_CASE(a_stream_may_be_given_up_while_it_connects),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    return failed;
}
