/* SPDX-License-Identifier: MIT */
#include "common/net/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#define PROXY_PORT_DEFAULT 8080

static bool copy_host(const char *text, size_t size, char ret_host[static FB_HOST_SIZE])
{
    if (size == 0 || size >= FB_HOST_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7F || strchr("/@[]\\\"'<>", c) != NULL) {
            return false;
        }
    }
    memcpy(ret_host, text, size);
    ret_host[size] = 0;
    return true;
}

static bool parse_port(const char *text, int *ret_port)
{
    size_t size = strlen(text);
    if (size == 0 || size > 5 || strspn(text, "0123456789") != size) {
        return false;
    }
    long port = strtol(text, NULL, 10);
    *ret_port = (int)port;
    return port <= 65535;
}

int fb_address_parse(const char *text, int default_port, struct fb_address *ret_address,
                     struct fb_why *why)
{
    struct fb_address a = {.port = default_port};
    const char *colon = strrchr(text, ':');
    const char *port = NULL;
    bool ok = false;
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        ok = end != NULL && copy_host(text + 1, (size_t)(end - text) - 1, a.host) &&
             fb_address_is_numeric(a.host) && (end[1] == 0 || end[1] == ':');
        port = ok && end[1] == ':' ? end + 2 : NULL;
    } else if (colon != NULL && strchr(text, ':') == colon) {
        ok = copy_host(text, (size_t)(colon - text), a.host);
        port = colon + 1;
    } else {
        ok = copy_host(text, strlen(text), a.host) &&
             (colon == NULL || fb_address_is_numeric(a.host));
    }
    ok = ok && (port == NULL || parse_port(port, &a.port));
    if (!ok) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "'%.200s' is not an address: write HOST:PORT, such as crm.example.com:7443 "
                       "or [::1]:7443",
                       text);
    }
    if (a.port < 0) {
        return fb_fail(why, FB_ERR_CONFIG, "'%.200s' names no port: write HOST:PORT", text);
    }
    *ret_address = a;
    return FB_OK;
}

void fb_address_format(const struct fb_address *address, char ret_text[static FB_ADDRESS_TEXT_SIZE])
{
    bool is_v6 = strchr(address->host, ':') != NULL;
    snprintf(ret_text, FB_ADDRESS_TEXT_SIZE, is_v6 ? "[%s]:%d" : "%s:%d", address->host,
             address->port);
}

bool fb_address_is_numeric(const char *host)
{
    struct in6_addr bytes;
    return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1;
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && fb_address_is_numeric(host));
}

/* One entry of a NO_PROXY list. "example.com" and ".example.com" cover the name and what lies below
 * it, as curl and Go read it. */
static bool entry_covers(const char *entry, const struct fb_address *target)
{
    struct fb_address a = {0};
    if (strcmp(entry, "*") == 0) {
        return true;
    }
    while (*entry == '.') {
        entry++;
    }
    if (fb_address_parse(entry, 0, &a, NULL) != FB_OK || (a.port != 0 && a.port != target->port)) {
        return false;
    }
    size_t size = strlen(a.host);
    size_t target_size = strlen(target->host);
    if (target_size < size || strcasecmp(target->host + target_size - size, a.host) != 0) {
        return false;
    }
    return target_size == size ||
           (target->host[target_size - size - 1] == '.' && !fb_address_is_numeric(target->host));
}

bool fb_proxy_is_exempt(const char *no_proxy, const struct fb_address *target)
{
    static const char SEPARATORS[] = ", \t";
    while (*no_proxy != 0) {
        no_proxy += strspn(no_proxy, SEPARATORS);
        size_t size = strcspn(no_proxy, SEPARATORS);
        char entry[FB_ADDRESS_TEXT_SIZE];
        if (size > 0 && size < sizeof(entry)) {
            memcpy(entry, no_proxy, size);
            entry[size] = 0;
            if (entry_covers(entry, target)) {
                return true;
            }
        }
        no_proxy += size;
    }
    return false;
}

static int digit(char c)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *at = c == 0 ? NULL : strchr(DIGITS, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    return at == NULL ? -1 : (int)(at - DIGITS);
}

/* USER:PASSWORD as in a URL: %40 is '@'. */
static bool decode_login(const char *text, size_t size, char ret_login[static FB_PROXY_LOGIN_SIZE])
{
    size_t out = 0;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            if (size - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) {
                return false;
            }
            c = digit(text[i + 1]) * 16 + digit(text[i + 2]);
            i += 2;
        }
        if (c < ' ' || c == 0x7F || out + 1 >= FB_PROXY_LOGIN_SIZE) {
            return false; /* a line end would write headers of its own */
        }
        ret_login[out++] = (char)c;
    }
    ret_login[out] = 0;
    return true;
}

static int parse_proxy(const char *text, struct fb_proxy *ret_proxy, struct fb_why *why)
{
    struct fb_proxy proxy = {.is_used = true};
    const char *rest = text;
    const char *scheme = strstr(text, "://");
    if (scheme != NULL) {
        if (strncasecmp(text, "http://", 7) != 0) {
            return fb_fail(
                why, FB_ERR_CONFIG,
                "the proxy's address begins with '%.*s': only http:// proxies can be used",
                (int)(scheme - text) + 3, text);
        }
        rest = text + 7;
    }
    const char *at = strrchr(rest, '@');
    if (at != NULL && !decode_login(rest, (size_t)(at - rest), proxy.login)) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "user and password in the proxy's address cannot be read");
    }
    rest = at == NULL ? rest : at + 1;
    char address[FB_ADDRESS_TEXT_SIZE];
    size_t size = strcspn(rest, "/");
    if (size >= sizeof(address)) {
        return fb_fail(why, FB_ERR_CONFIG, "the proxy's address is too long");
    }
    memcpy(address, rest, size);
    address[size] = 0;
    struct fb_why inner;
    if (fb_address_parse(address, PROXY_PORT_DEFAULT, &proxy.address, &inner) != FB_OK) {
        return fb_fail(why, FB_ERR_CONFIG, "the proxy's address is wrong: %s", inner.text);
    }
    *ret_proxy = proxy;
    return FB_OK;
}

static const char *environment(const char *upper, const char *lower)
{
    const char *value = getenv(upper);
    return value != NULL && value[0] != 0 ? value : getenv(lower);
}

int fb_proxy_choose(const char *configured, const struct fb_address *target,
                    struct fb_proxy *ret_proxy, struct fb_why *why)
{
    const char *text = configured;
    if (configured == NULL) {
        const char *no_proxy = environment("NO_PROXY", "no_proxy");
        bool is_direct =
            is_loopback(target->host) || (no_proxy != NULL && fb_proxy_is_exempt(no_proxy, target));
        text = is_direct ? NULL : environment("HTTPS_PROXY", "https_proxy");
    }
    if (text == NULL || text[0] == 0) {
        *ret_proxy = (struct fb_proxy){0};
        return FB_OK;
    }
    return parse_proxy(text, ret_proxy, why);
}
