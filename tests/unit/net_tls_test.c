/* SPDX-License-Identifier: MIT
 *
 * Who is let in and who is not, with the sentence each side gets (faults.md, D1, D3, D8, B9).
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <openssl/ssl.h>
#include <uv.h>

#include "tests/unit/net_fixture.h"

static struct authority hq;
static struct authority other;

/* Both sides have said what they have to say. */
static bool is_over(const struct world *w, const struct end *client)
{
    return client->closes == 1 && w->server_count + w->refused_count > 0 &&
           (w->server_count == 0 || w->server[0].closes == 1);
}

/* A device that shows cert is refused by the server; each side says so. */
static void expect_refused(const struct fb_ca_pair *shown, const char *alpn,
                           const char *client_says, const char *server_says)
{
    struct world w;
    struct end client;
    world_init(&w, &hq);
    connect_as(&w, &hq, shown, alpn, &client);
    TURN_UNTIL(&w, is_over(&w, &client));
    assert_int_equal(w.server_count, 0);
    assert_int_equal(w.refused_err, FB_ERR_REFUSED);
    assert_int_equal(client.err, FB_ERR_REFUSED);
    if (strstr(client.why.text, client_says) == NULL ||
        strstr(w.refused_why.text, server_says) == NULL) {
        fail_msg("client: %s; server: %s", client.why.text, w.refused_why.text);
    }
    assert_int_equal(client.got_bytes, 0);
    world_release(&w);
    fb_buf_release(&client.got);
}

FB_TEST(no_certificate_is_refused_for_syncing)
{
    expect_refused(NULL, FB_ALPN_SYNC, "demands a device certificate", "no device certificate");
}

FB_TEST(a_certificate_of_another_authority_is_refused)
{
    expect_refused(&other.device, FB_ALPN_SYNC, "another headquarters", "another authority");
}

FB_TEST(a_certificate_of_another_authority_is_refused_for_enrolling_too)
{
    expect_refused(&other.device, FB_ALPN_ENROL, "another headquarters", "another authority");
}

FB_TEST(a_servers_certificate_is_no_devices)
{
    expect_refused(&hq.server, FB_ALPN_SYNC, "for a device", "not a device's");
}

FB_TEST(an_authoritys_certificate_is_no_devices)
{
    expect_refused(&hq.issuer, FB_ALPN_SYNC, "for a device", "not a device's");
}

FB_TEST(an_expired_device_may_not_sync)
{
    struct fb_ca_pair old;
    make_device(&hq, DEVICE_ID, fb_os_now_ms() - 31 * MS_PER_DAY, &old);
    expect_refused(&old, FB_ALPN_SYNC, "check the clock", "has expired");
    fb_ca_pair_release(&old);
}

FB_TEST(a_device_from_the_future_may_not_sync)
{
    struct fb_ca_pair early;
    make_device(&hq, DEVICE_ID, fb_os_now_ms() + 2 * MS_PER_DAY, &early);
    expect_refused(&early, FB_ALPN_SYNC, "enrol this device", "check this server's clock");
    fb_ca_pair_release(&early);
}

FB_TEST(an_expired_device_may_ask_for_renewal_and_is_known)
{
    struct world w;
    struct end client;
    struct fb_ca_pair old;
    make_device(&hq, DEVICE_ID, fb_os_now_ms() - 60 * MS_PER_DAY, &old);
    world_init(&w, &hq);
    connect_as(&w, &hq, &old, FB_ALPN_ENROL, &client);
    TURN_UNTIL(&w, client.opens == 1 && w.server_count == 1);
    assert_true(w.server[0].peer.has_certificate);
    assert_true(w.server[0].peer.is_expired);
    int64_t ago_ms = fb_os_now_ms() -
                     w.server[0].peer.valid_until_ms; /* for whoever judges how late is too late */
    assert_true(ago_ms >= 30 * MS_PER_DAY && ago_ms < 31 * MS_PER_DAY);
    assert_string_equal(w.server[0].peer.device_id, DEVICE_ID);
    world_release(&w);
    fb_buf_release(&client.got);
    fb_ca_pair_release(&old);
}

static void expect_open_without_certificate(const char *alpn, const struct fb_ca_pair *has)
{
    struct world w;
    struct end client;
    world_init(&w, &hq);
    connect_as(&w, &hq, has, alpn, &client);
    TURN_UNTIL(&w, client.opens == 1 && w.server_count == 1);
    assert_false(w.server[0].peer.has_certificate);
    assert_string_equal(w.server[0].peer.device_id, "");
    assert_string_equal(w.server[0].peer.alpn, alpn);
    world_release(&w);
    fb_buf_release(&client.got);
}

FB_TEST(a_new_device_enrols_without_a_certificate)
{
    expect_open_without_certificate(FB_ALPN_ENROL, NULL);
}

FB_TEST(browsers_are_not_asked_for_a_certificate)
{
    expect_open_without_certificate(FB_ALPN_HTTP, NULL);
    expect_open_without_certificate(FB_ALPN_HTTP, &hq.device); /* has one, is not asked for it */
}

/* ---- What a replica accepts of a server ---- */

/* The server shows these; the device of headquarters connects to address and must not open. */
static void expect_server_refused(const struct authority *shown, const struct fb_ca_pair *server,
                                  const char *host, int64_t now_ms, const char *client_says)
{
    struct world w;
    struct end client;
    struct fb_why why = {0};
    world_init(&w, NULL);
    struct fb_tls_server *server_tls = NULL;
    const struct fb_tls_server_config server_config = {
        .cert = &server->cert, .key = &server->key, .ca = &shown->ca};
    must(fb_tls_server_new(&server_config, &server_tls, &why), &why);
    struct fb_listener_config config = world_config(&w);
    config.tls = server_tls;
    config.address = "0.0.0.0:0";
    world_start(&w, &config);
    struct fb_tls_client *tls = NULL;
    const struct fb_tls_client_config client_config = {
        .cert = &hq.device.cert, .key = &hq.device.key, .ca = &hq.ca, .now_ms = now_ms};
    must(fb_tls_client_new(&client_config, &tls, &why), &why);
    char address[64];
    snprintf(address, sizeof(address), "%s:%d", host, fb_listener_port(w.listener));
    connect_to(&w, address, tls, FB_ALPN_SYNC, &client);
    TURN_UNTIL(&w, client.closes == 1 && w.refused_count == 1);
    assert_int_equal(client.opens, 0);
    assert_int_equal(client.err, FB_ERR_REFUSED);
    if (strstr(client.why.text, client_says) == NULL) {
        fail_msg("client: %s", client.why.text);
    }
    fb_tls_client_free(tls);
    fb_tls_server_free(server_tls);
    world_release(&w);
    fb_buf_release(&client.got);
}

FB_TEST(a_server_of_another_authority_is_refused_before_anything_is_sent)
{
    expect_server_refused(&other, &other.server, "127.0.0.1", 0, "another authority");
}

FB_TEST(a_devices_certificate_is_no_servers)
{
    expect_server_refused(&hq, &hq.device, "127.0.0.1", 0, "not a server's");
}

FB_TEST(a_server_under_another_name_is_refused)
{
    expect_server_refused(&hq, &hq.server, "127.0.0.2", 0, "is not for 127.0.0.2");
}

FB_TEST(a_laptop_clock_years_behind_is_told_to_check_it)
{
    expect_server_refused(&hq, &hq.server, "127.0.0.1", fb_os_now_ms() - 2000 * MS_PER_DAY,
                          "check the laptop's clock");
}

FB_TEST(a_laptop_clock_years_ahead_is_told_to_check_it)
{
    expect_server_refused(&hq, &hq.server, "127.0.0.1", fb_os_now_ms() + 2000 * MS_PER_DAY,
                          "has expired");
}

FB_TEST(enrolment_pins_the_root_by_its_hash)
{
    struct world w;
    struct end client;
    struct fb_cert root;
    struct fb_why why = {0};
    world_init(&w, &hq);
    must(fb_cert_read(hq.root.cert.bytes, hq.root.cert.size, &root, NULL), NULL);
    for (size_t size = 16; size <= FB_SHA256_BYTES; size += 16) {
        const struct fb_tls_client_config config = {.ca_pin = root.fingerprint.bytes,
                                                    .ca_pin_size = size};
        struct fb_tls_client *tls = NULL;
        must(fb_tls_client_new(&config, &tls, &why), &why);
        connect_to(&w, fb_listener_address(w.listener), tls, FB_ALPN_ENROL, &client);
        TURN_UNTIL(&w, client.opens == 1 || client.closes == 1);
        assert_int_equal(client.err, FB_OK);
        fb_tls_client_free(tls);
    }
    world_release(&w);
}

FB_TEST(enrolment_with_another_roots_pin_is_refused)
{
    struct world w;
    struct end client;
    struct fb_cert root;
    struct fb_why why = {0};
    world_init(&w, &hq);
    must(fb_cert_read(other.root.cert.bytes, other.root.cert.size, &root, NULL), NULL);
    const struct fb_tls_client_config config = {.ca_pin = root.fingerprint.bytes,
                                                .ca_pin_size = 16};
    struct fb_tls_client *tls = NULL;
    must(fb_tls_client_new(&config, &tls, &why), &why);
    connect_to(&w, fb_listener_address(w.listener), tls, FB_ALPN_ENROL, &client);
    TURN_UNTIL(&w, client.closes == 1 && w.refused_count == 1);
    assert_int_equal(client.opens, 0);
    assert_int_equal(client.err, FB_ERR_REFUSED);
    assert_non_null(strstr(client.why.text, "another authority"));
    fb_tls_client_free(tls);
    world_release(&w);
}

FB_TEST(both_ends_of_a_connection_and_nobody_else_get_the_same_binding)
{
    struct world w;
    struct end clients[2];
    uint8_t here[32];
    uint8_t there[32];
    uint8_t elsewhere[32];
    world_init(&w, &hq);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &clients[0]);
    TURN_UNTIL(&w, clients[0].opens == 1 && w.server_count == 1);
    connect_as(&w, &hq, &hq.device, FB_ALPN_SYNC, &clients[1]);
    TURN_UNTIL(&w, clients[1].opens == 1 && w.server_count == 2);
    must(fb_stream_binding(clients[0].stream, "fieldbook renewal", here), NULL);
    must(fb_stream_binding(w.server[0].stream, "fieldbook renewal", there), NULL);
    must(fb_stream_binding(clients[1].stream, "fieldbook renewal", elsewhere), NULL);
    assert_memory_equal(here, there, 32);
    assert_memory_not_equal(here, elsewhere, 32);
    world_release(&w);
}

/* ---- Clients that are not ours: raw OpenSSL in a thread ---- */

struct raw_client {
    int port;
    int version;         /* 0: whatever OpenSSL offers */
    const uint8_t *alpn; /* NULL: none */
    unsigned int alpn_size;
    const char *text; /* spoken in clear instead of TLS */
    bool is_open;
    bool wrote_and_read;
    bool was_resumed;
    _Atomic bool is_done;
};

static int raw_connect(int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void run_raw_client(void *ctx)
{
    struct raw_client *raw = ctx;
    int fd = raw_connect(raw->port);
    char byte = 0;
    if (raw->text != NULL) {
        raw->is_open =
            write(fd, raw->text, strlen(raw->text)) > 0 && recv(fd, &byte, 1, 0) > 0 && byte == 'H';
        close(fd);
        raw->is_done = true;
        return;
    }
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (raw->version != 0) {
        SSL_CTX_set_max_proto_version(tls, raw->version);
    }
    SSL *ssl = SSL_new(tls);
    if (raw->alpn != NULL) {
        SSL_set_alpn_protos(ssl, raw->alpn, raw->alpn_size);
    }
    SSL_set_fd(ssl, fd);
    raw->is_open = SSL_connect(ssl) == 1;
    raw->wrote_and_read =
        raw->is_open && SSL_write(ssl, "x", 1) == 1 && SSL_read(ssl, &byte, 1) == 1;
    raw->was_resumed = SSL_SESSION_is_resumable(SSL_get0_session(ssl)) != 0;
    SSL_free(ssl);
    SSL_CTX_free(tls);
    close(fd);
    raw->is_done = true;
}

static void run_raw(struct world *w, struct raw_client *raw)
{
    uv_thread_t thread;
    raw->port = fb_listener_port(w->listener);
    assert_int_equal(uv_thread_create(&thread, run_raw_client, raw), 0);
    TURN_UNTIL(w, raw->is_done);
    uv_thread_join(&thread);
}

static void expect_raw_refused(struct raw_client raw, const char *server_says)
{
    struct world w;
    world_init(&w, &hq);
    run_raw(&w, &raw);
    TURN_UNTIL(&w, w.refused_count == 1);
    assert_int_equal(w.server_count, 0);
    assert_false(raw.wrote_and_read);
    if (strstr(w.refused_why.text, server_says) == NULL) {
        fail_msg("server: %s", w.refused_why.text);
    }
    world_release(&w);
}

static const uint8_t ALPN_SYNC_LIST[] = "\x0b" FB_ALPN_SYNC;
static const uint8_t ALPN_H2_LIST[] = "\x02h2";
static const uint8_t ALPN_BROWSER_LIST[] = "\x02h2\x08http/1.1";
static const uint8_t ALPN_BROKEN_LIST[] = "\x02h2\x08http/1.1\x0b" FB_ALPN_SYNC;

FB_TEST(tls_1_2_is_refused)
{
    expect_raw_refused((struct raw_client){.version = TLS1_2_VERSION,
                                           .alpn = ALPN_SYNC_LIST,
                                           .alpn_size = sizeof(ALPN_SYNC_LIST) - 1},
                       "does not speak TLS 1.3");
}

FB_TEST(a_client_without_alpn_is_refused)
{
    expect_raw_refused((struct raw_client){0}, "none of Fieldbook's protocols");
}

FB_TEST(a_client_of_another_protocol_is_refused)
{
    expect_raw_refused(
        (struct raw_client){.alpn = ALPN_H2_LIST, .alpn_size = sizeof(ALPN_H2_LIST) - 1},
        "none of Fieldbook's protocols");
}

FB_TEST(plain_http_to_the_tls_port_is_refused)
{
    expect_raw_refused((struct raw_client){.text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
                       "plain HTTP");
}

FB_TEST(a_browser_that_offers_h2_too_gets_http_1_1)
{
    struct world w;
    world_init(&w, &hq);
    struct raw_client raw = {.alpn = ALPN_BROWSER_LIST, .alpn_size = sizeof(ALPN_BROWSER_LIST) - 1};
    uv_thread_t thread;
    raw.port = fb_listener_port(w.listener);
    assert_int_equal(uv_thread_create(&thread, run_raw_client, &raw), 0);
    TURN_UNTIL(&w, w.server_count == 1 && w.server[0].got_bytes == 1);
    assert_string_equal(w.server[0].peer.alpn, FB_ALPN_HTTP);
    must(fb_stream_write(w.server[0].stream, "y", 1), NULL);
    TURN_UNTIL(&w, raw.is_done);
    uv_thread_join(&thread);
    assert_true(raw.wrote_and_read);
    assert_false(raw.was_resumed); /* no ticket was given: nothing to resume with */
    world_release(&w);
}

FB_TEST(who_offers_syncing_among_other_names_is_asked_for_a_certificate)
{
    expect_raw_refused(
        (struct raw_client){.alpn = ALPN_BROKEN_LIST, .alpn_size = sizeof(ALPN_BROKEN_LIST) - 1},
        "no device certificate");
}

/* ---- Servers that are not ours ---- */

struct raw_server {
    int fd;
    const char *text; /* said in clear; NULL: TLS 1.2 */
};

static void run_raw_server(void *ctx)
{
    const struct raw_server *raw = ctx;
    int fd = accept(raw->fd, NULL, NULL);
    char bytes[4096];
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (raw->text != NULL) {
        fb_ignore(recv(fd, bytes, sizeof(bytes), 0) < 0, "what the client says does not matter");
        fb_ignore(send(fd, raw->text, strlen(raw->text), MSG_NOSIGNAL) < 0, "nor whether it stays");
    } else {
        SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
        SSL *ssl = SSL_new(tls);
        SSL_set_fd(ssl, fd);
        SSL_accept(ssl);
        SSL_free(ssl);
        SSL_CTX_free(tls);
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
    }
    close(fd);
}

static void expect_no_fieldbook(const char *text, int err, const char *client_says)
{
    struct world w;
    struct end client;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(in);
    struct raw_server raw = {.fd = socket(AF_INET, SOCK_STREAM, 0), .text = text};
    assert_int_equal(bind(raw.fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(raw.fd, 1), 0);
    getsockname(raw.fd, (struct sockaddr *)&in, &size);
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, run_raw_server, &raw), 0);
    world_init(&w, NULL);
    char address[64];
    snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(in.sin_port));
    struct fb_tls_client *tls = device_tls(&hq, &hq.device);
    connect_to(&w, address, tls, FB_ALPN_SYNC, &client);
    fb_tls_client_free(tls);
    TURN_UNTIL(&w, client.closes == 1);
    world_release(&w);
    uv_thread_join(&thread);
    close(raw.fd);
    assert_int_equal(client.opens, 0);
    if (client.err != err || strstr(client.why.text, client_says) == NULL) {
        fail_msg("%s: %s", fb_err_name(client.err), client.why.text);
    }
}

FB_TEST(a_captive_portal_is_told_from_a_server)
{
    expect_no_fieldbook("HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\n\r\n",
                        FB_ERR_UNREACHABLE, "not a Fieldbook server");
    expect_no_fieldbook("<html>Please log in</html>", FB_ERR_UNREACHABLE, "sign in to the network");
}

FB_TEST(another_service_on_the_port_is_told_from_a_server)
{
    expect_no_fieldbook("SSH-2.0-OpenSSH_9.2\r\n", FB_ERR_UNREACHABLE, "does not speak TLS");
}

FB_TEST(a_server_that_says_nothing_and_closes_is_told)
{
    expect_no_fieldbook("", FB_ERR_UNREACHABLE, "closed the connection during the TLS handshake");
}

FB_TEST(a_server_of_tls_1_2_is_told)
{
    expect_no_fieldbook(NULL, FB_ERR_VERSION, "does not speak TLS 1.3");
}

FB_TEST(keys_that_do_not_belong_are_told_when_the_program_starts)
{
    struct fb_why why = {0};
    struct fb_tls_server *tls = NULL;
    struct fb_buf junk;
    fb_buf_init(&junk, 100);
    fb_buf_append_text(&junk, "no PEM at all");
    const struct fb_tls_server_config wrong_key = {
        .cert = &hq.server.cert, .key = &other.server.key, .ca = &hq.ca};
    const struct fb_tls_server_config no_cert = {
        .cert = &junk, .key = &hq.server.key, .ca = &hq.ca};
    const struct fb_tls_server_config no_key = {
        .cert = &hq.server.cert, .key = &junk, .ca = &hq.ca};
    const struct fb_tls_server_config no_ca = {
        .cert = &hq.server.cert, .key = &hq.server.key, .ca = &junk};
    assert_int_equal(fb_tls_server_new(&wrong_key, &tls, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "does not belong"));
    assert_int_equal(fb_tls_server_new(&no_cert, &tls, &why), FB_ERR_CONFIG);
    assert_int_equal(fb_tls_server_new(&no_key, &tls, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "private key cannot be read"));
    assert_int_equal(fb_tls_server_new(&no_ca, &tls, &why), FB_ERR_CONFIG);
    assert_null(tls);
    fb_buf_release(&junk);
}

int main(void)
{
    authority_make(&hq, "Headquarters", fb_os_now_ms());
    authority_make(&other, "Headquarters", fb_os_now_ms()); /* the same name does not help it */
    const struct CMUnitTest cases[] = {
        FB_CASE(no_certificate_is_refused_for_syncing),
        FB_CASE(a_certificate_of_another_authority_is_refused),
        FB_CASE(a_certificate_of_another_authority_is_refused_for_enrolling_too),
        FB_CASE(a_servers_certificate_is_no_devices),
        FB_CASE(an_authoritys_certificate_is_no_devices),
        FB_CASE(an_expired_device_may_not_sync),
        FB_CASE(a_device_from_the_future_may_not_sync),
        FB_CASE(an_expired_device_may_ask_for_renewal_and_is_known),
        FB_CASE(a_new_device_enrols_without_a_certificate),
        FB_CASE(browsers_are_not_asked_for_a_certificate),
        FB_CASE(a_server_of_another_authority_is_refused_before_anything_is_sent),
        FB_CASE(a_devices_certificate_is_no_servers),
        FB_CASE(a_server_under_another_name_is_refused),
        FB_CASE(a_laptop_clock_years_behind_is_told_to_check_it),
        FB_CASE(a_laptop_clock_years_ahead_is_told_to_check_it),
        FB_CASE(enrolment_pins_the_root_by_its_hash),
        FB_CASE(enrolment_with_another_roots_pin_is_refused),
        FB_CASE(both_ends_of_a_connection_and_nobody_else_get_the_same_binding),
        FB_CASE(tls_1_2_is_refused),
        FB_CASE(a_client_without_alpn_is_refused),
        FB_CASE(a_client_of_another_protocol_is_refused),
        FB_CASE(plain_http_to_the_tls_port_is_refused),
        FB_CASE(a_browser_that_offers_h2_too_gets_http_1_1),
        FB_CASE(who_offers_syncing_among_other_names_is_asked_for_a_certificate),
        FB_CASE(a_captive_portal_is_told_from_a_server),
        FB_CASE(another_service_on_the_port_is_told_from_a_server),
        FB_CASE(a_server_that_says_nothing_and_closes_is_told),
        FB_CASE(a_server_of_tls_1_2_is_told),
        FB_CASE(keys_that_do_not_belong_are_told_when_the_program_starts),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    authority_release(&other);
    return failed;
}
