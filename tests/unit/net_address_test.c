/* SPDX-License-Identifier: MIT */
#include "common/net/proxy.h"
#include "tests/unit/net_fixture.h"

FB_TEST(addresses_are_read_as_people_write_them)
{
    static const struct {
        const char *text;
        const char *host; /* NULL: wrong */
        int port;
    } CASES[] = {
        {"crm.example.com", "crm.example.com", 7443},
        {"crm.example.com:443", "crm.example.com", 443},
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[::1]:7443", "::1", 7443},
        {"[2001:db8::1]", "2001:db8::1", 7443},
        {"::1", "::1", 7443},
        {"localhost:65535", "localhost", 65535},
        {"localhost:65536", NULL, 0},
        {"localhost:", NULL, 0},
        {"localhost:-1", NULL, 0},
        {"localhost: 1", NULL, 0},
        {"localhost:1x", NULL, 0},
        {"localhost:000000001", NULL, 0},
        {":7443", NULL, 0},
        {"", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]x", NULL, 0},
        {"[crm.example.com]:1", NULL, 0},
        {"a:b:c", NULL, 0},
        {"https://crm.example.com", NULL, 0},
        {"https://crm.example.com:7443/", NULL, 0},
        {"crm.example.com\r\nX: y", NULL, 0},
        {"user@host:1", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fb_address a = {.port = 1};
        struct fb_why why = {0};
        int rc = fb_address_parse(CASES[i].text, 7443, &a, &why);
        if (CASES[i].host == NULL) {
            assert_int_equal(rc, FB_ERR_CONFIG);
            assert_non_null(strstr(why.text, "HOST:PORT"));
            continue;
        }
        must(rc, &why);
        assert_string_equal(a.host, CASES[i].host);
        assert_int_equal(a.port, CASES[i].port);
        char text[FB_ADDRESS_TEXT_SIZE];
        struct fb_address again;
        fb_address_format(&a, text);
        must(fb_address_parse(text, -1, &again, &why), &why);
        assert_string_equal(again.host, a.host);
    }
}

FB_TEST(a_port_that_must_be_there_is_asked_for)
{
    struct fb_address a;
    struct fb_why why = {0};
    assert_int_equal(fb_address_parse("proxy.example.com", -1, &a, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "names no port"));
}

FB_TEST(a_host_that_is_too_long_is_refused)
{
    char host[400];
    struct fb_address a;
    memset(host, 'a', sizeof(host));
    host[253] = 0;
    must(fb_address_parse(host, 1, &a, NULL), NULL);
    host[253] = 'a';
    host[254] = 0;
    assert_int_equal(fb_address_parse(host, 1, &a, NULL), FB_ERR_CONFIG);
}

FB_TEST(no_proxy_covers_names_and_what_lies_below_them)
{
    static const struct {
        const char *list;
        const char *host;
        int port;
        bool is_exempt;
    } CASES[] = {
        {"example.com", "example.com", 7443, true},
        {"example.com", "crm.example.com", 7443, true},
        {".example.com", "crm.example.com", 7443, true},
        {"example.com", "badexample.com", 7443, false},
        {"EXAMPLE.com", "crm.Example.COM", 7443, true},
        {"a.example, example.com:7443", "crm.example.com", 7443, true},
        {"example.com:80", "crm.example.com", 7443, false},
        {"192.0.2.7", "192.0.2.7", 7443, true},
        {"2.7", "192.0.2.7", 7443, false},
        {"[2001:db8::1]:7443", "2001:db8::1", 7443, true},
        {"*", "anything", 7443, true},
        {"", "anything", 7443, false},
        {" , ,,", "anything", 7443, false},
        {"https://example.com", "example.com", 7443, false},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fb_address target = {.port = CASES[i].port};
        snprintf(target.host, sizeof(target.host), "%s", CASES[i].host);
        if (fb_proxy_is_exempt(CASES[i].list, &target) != CASES[i].is_exempt) {
            fail_msg("%s and %s", CASES[i].list, CASES[i].host);
        }
    }
}

static void clear_environment(void)
{
    static const char *const NAMES[] = {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"};
    for (size_t i = 0; i < 4; i++) {
        unsetenv(NAMES[i]);
    }
}

FB_TEST(the_environments_proxy_is_used_unless_it_is_exempt_or_configured_otherwise)
{
    const struct fb_address target = {.host = "crm.example.com", .port = 7443};
    const struct fb_address loopback = {.host = "127.0.0.1", .port = 7443};
    struct fb_proxy proxy;
    clear_environment();
    must(fb_proxy_choose(NULL, &target, &proxy, NULL), NULL);
    assert_false(proxy.is_used);

    setenv("https_proxy", "http://proxy.example.com:3128", 1);
    must(fb_proxy_choose(NULL, &target, &proxy, NULL), NULL);
    assert_true(proxy.is_used);
    assert_string_equal(proxy.address.host, "proxy.example.com");
    assert_int_equal(proxy.address.port, 3128);

    must(fb_proxy_choose("", &target, &proxy, NULL), NULL);
    assert_false(proxy.is_used);
    must(fb_proxy_choose(NULL, &loopback, &proxy, NULL), NULL);
    assert_false(proxy.is_used);
    must(fb_proxy_choose("other:1", &loopback, &proxy, NULL), NULL); /* configured is meant */
    assert_string_equal(proxy.address.host, "other");

    setenv("HTTPS_PROXY", "upper:8080", 1);
    must(fb_proxy_choose(NULL, &target, &proxy, NULL), NULL);
    assert_string_equal(proxy.address.host, "upper");
    setenv("no_proxy", "example.com", 1);
    must(fb_proxy_choose(NULL, &target, &proxy, NULL), NULL);
    assert_false(proxy.is_used);
    clear_environment();
}

FB_TEST(user_and_password_of_a_proxy_are_decoded)
{
    const struct fb_address target = {.host = "crm.example.com", .port = 7443};
    struct fb_proxy proxy;
    struct fb_why why = {0};
    must(fb_proxy_choose("http://ana:p%40ss%3A@proxy:3128/", &target, &proxy, &why), &why);
    assert_string_equal(proxy.login, "ana:p@ss:");
    assert_string_equal(proxy.address.host, "proxy");
    assert_int_equal(fb_proxy_choose("http://a%0d%0aX:y@proxy:1", &target, &proxy, &why),
                     FB_ERR_CONFIG);
    assert_int_equal(fb_proxy_choose("http://a%4@proxy:1", &target, &proxy, &why), FB_ERR_CONFIG);
    assert_int_equal(fb_proxy_choose("https://proxy:1", &target, &proxy, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "only http://"));
    assert_int_equal(fb_proxy_choose("socks5://proxy:1", &target, &proxy, &why), FB_ERR_CONFIG);
    assert_int_equal(fb_proxy_choose("http://", &target, &proxy, &why), FB_ERR_CONFIG);
}

FB_TEST(the_request_names_the_target_and_the_login)
{
    struct fb_buf out;
    fb_buf_init(&out, 4096);
    fb_proxy_write_request(&(struct fb_proxy){0},
                           &(struct fb_address){.host = "2001:db8::1", .port = 7443}, &out);
    assert_string_equal(fb_buf_text(&out),
                        "CONNECT [2001:db8::1]:7443 HTTP/1.1\r\nHost: [2001:db8::1]:7443\r\n\r\n");
    fb_buf_clear(&out);
    fb_proxy_write_request(&(struct fb_proxy){.login = "Aladdin:open sesame"},
                           &(struct fb_address){.host = "a", .port = 1}, &out);
    assert_non_null(
        strstr(fb_buf_text(&out), "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    fb_buf_release(&out);
}

/* Reads an answer as it grows byte by byte; the outcome must be the same as read at once. */
static int read_answer(const char *text, size_t size, bool *ret_is_open, struct fb_why *why)
{
    const struct fb_proxy proxy = {.is_used = true, .address = {.host = "proxy", .port = 3128}};
    for (size_t i = 1; i < size; i++) {
        bool is_open = false;
        int rc = fb_proxy_read_answer(&proxy, (const uint8_t *)text, i, &is_open, why);
        if (rc != FB_OK) {
            return rc;
        }
        assert_false(is_open && i < size - 1);
    }
    return fb_proxy_read_answer(&proxy, (const uint8_t *)text, size, ret_is_open, why);
}

FB_TEST(a_proxys_answer_is_read_strictly)
{
    static const struct {
        const char *text;
        const char *says; /* NULL: the tunnel is open */
    } CASES[] = {
        {"HTTP/1.1 200 Connection established\r\n\r\n", NULL},
        {"HTTP/1.0 200 OK\r\nVia: 1.0 proxy\r\n\r\n", NULL},
        {"HTTP/1.1 200\r\n\r\n", NULL},
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
         "user name and password"},
        {"HTTP/1.1 403 Forbidden\r\n\r\n<html>", "forbids"},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\n", "cannot reach the server"},
        {"HTTP/1.1 301 Moved\r\n\r\n", "status 301"},
        {"HTTP/1.1 100 Continue\r\n\r\n", "status 100"},
        {"HTTP/2 200\r\n\r\n", "does not answer like"},
        {"HTTP/1.1 2000 OK\r\n\r\n", "does not answer like"},
        {"HTTP/1.1 abc\r\n\r\n", "does not answer like"},
        {"HTTP/1.1 200 OK\n\n", "does not answer like"},
        {"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "does not answer like"},
        {"HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", "does not answer like"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "does not answer like"},
        {"<html>", "does not answer like"},
        {"\x16\x03\x03", "does not answer like"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        bool is_open = false;
        struct fb_why why = {0};
        int rc = read_answer(CASES[i].text, strlen(CASES[i].text), &is_open, &why);
        if (CASES[i].says == NULL) {
            must(rc, &why);
            assert_true(is_open);
        } else if (rc != FB_ERR_UNREACHABLE || strstr(why.text, CASES[i].says) == NULL) {
            fail_msg("%s: %d %s", CASES[i].text, rc, why.text);
        }
    }
}

FB_TEST(a_proxy_that_talks_on_or_never_ends_is_refused)
{
    const struct fb_proxy proxy = {.is_used = true, .address = {.host = "proxy", .port = 3128}};
    static const char MORE[] = "HTTP/1.1 200 OK\r\n\r\n<html>";
    struct fb_why why = {0};
    bool is_open = false;
    assert_int_equal(
        fb_proxy_read_answer(&proxy, (const uint8_t *)MORE, sizeof(MORE) - 1, &is_open, &why),
        FB_ERR_UNREACHABLE);
    assert_non_null(strstr(why.text, "no tunnel"));

    struct fb_buf endless;
    fb_buf_init(&endless, 20000);
    fb_buf_append_text(&endless, "HTTP/1.1 200 OK\r\nX: ");
    while (endless.size <= FB_PROXY_ANSWER_BYTES_MAX) {
        fb_buf_append_byte(&endless, 'x');
    }
    assert_int_equal(fb_proxy_read_answer(&proxy, endless.bytes, endless.size, &is_open, &why),
                     FB_ERR_UNREACHABLE);
    assert_int_equal(
        fb_proxy_read_answer(&proxy, endless.bytes, FB_PROXY_ANSWER_BYTES_MAX, &is_open, &why),
        FB_OK);
    assert_false(is_open);
    fb_buf_release(&endless);
}

FB_MAIN(FB_CASE(addresses_are_read_as_people_write_them),
        FB_CASE(a_port_that_must_be_there_is_asked_for),
        FB_CASE(a_host_that_is_too_long_is_refused),
        FB_CASE(no_proxy_covers_names_and_what_lies_below_them),
        FB_CASE(the_environments_proxy_is_used_unless_it_is_exempt_or_configured_otherwise),
        FB_CASE(user_and_password_of_a_proxy_are_decoded),
        FB_CASE(the_request_names_the_target_and_the_login),
        FB_CASE(a_proxys_answer_is_read_strictly),
        FB_CASE(a_proxy_that_talks_on_or_never_ends_is_refused))
